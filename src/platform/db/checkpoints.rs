//! Moves what SQLite's log holds into the database file, beside the writers. By itself SQLite does it every thousand
//! pages, in the middle of whoever's commit that is: webhooks that were stored already would wait for it.
mod queries;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use diesel::r2d2::ManageConnection as _;

use super::turns::Turns;
use super::{DbConnection, DbError, Manager};

/// Between two looks at the log, however many commits there are.
const PAUSE: Duration = Duration::from_millis(20);
/// Fewer pages in the log than this are not worth moving yet.
const FEW: i64 = 1000;

/// The door to the thread that moves them; it ends with the last of these.
#[derive(Debug)]
pub(super) struct Checkpoints {
    written: SyncSender<()>,
}

impl Checkpoints {
    /// Starts the thread, with a connection of its own.
    ///
    /// # Errors
    ///
    /// `Open` where the system gives no thread or the database no connection.
    pub(super) fn start(manager: &Manager, turns: Arc<Turns>) -> Result<Checkpoints, DbError> {
        let conn = manager.connect();
        let conn = conn.map_err(|error| DbError::Open(error.to_string()))?;
        let (written, waiting) = sync_channel(1);
        std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || move_all(conn, &turns, &waiting))
            .map_err(|error| DbError::Open(error.to_string()))?;
        Ok(Checkpoints { written })
    }

    /// Something was committed. Never waits.
    pub(super) fn written(&self) {
        // Full: it looks soon anyway.
        let _full = self.written.try_send(());
    }
}

fn move_all(mut conn: DbConnection, turns: &Turns, waiting: &Receiver<()>) {
    while waiting.recv().is_ok() {
        std::thread::sleep(PAUSE);
        if let Err(error) = move_log(&mut conn, turns) {
            tracing::warn!(%error, "the database's log could not be moved into its file yet");
        }
    }
}

fn move_log(conn: &mut DbConnection, turns: &Turns) -> Result<(), DbError> {
    if queries::count_unmoved(conn)? < FEW {
        return Ok(());
    }
    queries::move_log(conn)?;
    // What came meanwhile is little. Where all is moved, whoever writes next begins again at the front: a log that
    // grows makes every commit dearer.
    let _turn = turns.wait();
    queries::move_log(conn)
}
