//! The inbox: every delivery is stored once, durably, before it is answered.
//!
//! A writer thread takes whatever is waiting, inserts it in one transaction and then answers each: one sync of the
//! disk for up to [`MAX_BATCH`] deliveries, and no timer. SQLite has one writer; on PostgreSQL a second one takes what
//! comes while the first waits for its commit.
pub mod body;
pub mod queries;
pub mod rejections;

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use crate::platform::db::{self, Db, DbError};
use crate::types::At;

/// Deliveries in one commit at most.
const MAX_BATCH: usize = 256;
/// Deliveries that may wait for the writer; more are refused.
const MAX_WAITING: usize = 2048;
/// How long a writer that has just written looks for the next delivery before it sleeps: a sender that waits for each
/// answer sends again within that, and waking a thread costs as much as storing.
const AWAKE: Duration = Duration::from_micros(200);
/// The sender gives up after 5 s: answer before that.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);

/// One verified delivery.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which kind of peer sent it: `shopify`.
    pub source: &'static str,
    pub shop_domain: String,
    /// Unique per delivery and shop; the same on its retries.
    pub webhook_id: String,
    /// Shared by the deliveries of one action; correlates only.
    pub event_id: Option<String>,
    pub topic: String,
    pub api_version: Option<String>,
    /// What it is about; two with the same key are never worked on side by side.
    pub key: Option<String>,
    /// A whole state, which a newer one supersedes; else a change, applied in order.
    pub snapshot: bool,
    /// How new the state is, for snapshots.
    pub ver: i64,
    pub triggered_at: Option<At>,
    pub received_at: At,
    /// Which secret its signature matched.
    pub secret_label: String,
    /// The headers that matter, as JSON.
    pub headers: String,
    pub body: Vec<u8>,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    New,
    Duplicate,
}

/// Why a delivery was not stored. The sender must be told to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InboxError {
    #[error("too many deliveries are waiting to be stored")]
    Full,
    #[error("the delivery could not be stored")]
    NotStored,
    #[error("storing took too long")]
    TooSlow,
}

struct Waiting {
    delivery: Delivery,
    answer: oneshot::Sender<Answer>,
}

/// With the delivery: whoever made it frees it. One thread that frees what all others allocate holds them up.
type Answer = (Result<Stored, InboxError>, Delivery);

impl Waiting {
    fn answer(self, result: Result<Stored, InboxError>) {
        let _gone = self.answer.send((result, self.delivery));
    }
}

/// The door to the writers.
#[derive(Clone)]
pub struct Inbox {
    to_writer: SyncSender<Waiting>,
    writers: Arc<Vec<JoinHandle<()>>>,
}

impl Inbox {
    /// Starts the writers; whoever listens to `arrived` is told of each commit that stored something new.
    ///
    /// # Errors
    ///
    /// The system's, when it gives no thread.
    pub fn start(db: &Db, arrived: &Arc<Notify>) -> std::io::Result<Inbox> {
        let (to_writer, waiting) = sync_channel(MAX_WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        let side_by_side = if db.is_postgres() { db::URGENT } else { 1 };
        let writers = (0..side_by_side).map(|_| {
            let (db, waiting, arrived) = (db.clone(), Arc::clone(&waiting), Arc::clone(arrived));
            std::thread::Builder::new()
                .name("inbox".to_owned())
                .spawn(move || write_all(&db, &waiting, &arrived))
        });
        Ok(Inbox {
            to_writer,
            writers: Arc::new(writers.collect::<Result<_, _>>()?),
        })
    }

    /// Whether every writer is there: without one, deliveries are late or refused.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.writers.iter().any(JoinHandle::is_finished)
    }

    /// Stores one delivery; returns only when it is on disk, or not.
    ///
    /// # Errors
    ///
    /// See [`InboxError`].
    pub async fn store(&self, delivery: Delivery) -> Result<Stored, InboxError> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { delivery, answer };
        self.to_writer
            .try_send(waiting)
            .map_err(|error| match error {
                TrySendError::Full(_) => InboxError::Full,
                TrySendError::Disconnected(_) => InboxError::NotStored,
            })?;
        match tokio::time::timeout(ANSWER_WITHIN, answered).await {
            Ok(Ok((result, _delivery))) => result,
            Ok(Err(_gone)) => Err(InboxError::NotStored),
            Err(_late) => Err(InboxError::TooSlow),
        }
    }
}

fn write_all(db: &Db, waiting: &Mutex<Receiver<Waiting>>, arrived: &Notify) {
    while let Some(batch) = collect(waiting) {
        store_batch(db, batch, arrived);
    }
}

/// Whatever is waiting, and waits for the first; `None` once nobody can come any more.
fn collect(waiting: &Mutex<Receiver<Waiting>>) -> Option<Vec<Waiting>> {
    let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let mut batch = vec![first(&waiting)?];
    while batch.len() < MAX_BATCH {
        match waiting.try_recv() {
            Ok(next) => batch.push(next),
            Err(_none) => break,
        }
    }
    Some(batch)
}

fn first(waiting: &Receiver<Waiting>) -> Option<Waiting> {
    let begun = Instant::now();
    while begun.elapsed() < AWAKE {
        match waiting.try_recv() {
            Ok(first) => return Some(first),
            Err(TryRecvError::Disconnected) => return None,
            // Whoever has something to do goes first.
            Err(TryRecvError::Empty) => std::thread::yield_now(),
        }
    }
    waiting.recv().ok()
}

// A commit that fails on one row's data must not refuse its neighbours: halve until it stands alone.
fn store_batch(db: &Db, mut batch: Vec<Waiting>, arrived: &Notify) {
    let deliveries: Vec<&Delivery> = batch.iter().map(|waiting| &waiting.delivery).collect();
    match db.write_at_once_here(|conn| queries::insert_all(conn, &deliveries)) {
        Ok(stored) => {
            let is_new = stored.contains(&Stored::New);
            for (waiting, stored) in batch.into_iter().zip(stored) {
                waiting.answer(Ok(stored));
            }
            if is_new {
                arrived.notify_waiters();
            }
        }
        Err(error) if batch.len() > 1 && !is_hopeless(&error) => {
            let second = batch.split_off(batch.len() / 2);
            store_batch(db, batch, arrived);
            store_batch(db, second, arrived);
        }
        Err(error) => {
            tracing::error!(%error, deliveries = batch.len(), "deliveries could not be stored");
            for waiting in batch {
                waiting.answer(Err(InboxError::NotStored));
            }
        }
    }
}

// Without a database, room on the disk or a disk that works halving only wastes the sender's five seconds.
fn is_hopeless(error: &DbError) -> bool {
    let of_the_disk = ["full", "disk I/O error"];
    let words = error.to_string();
    error.is_away() || of_the_disk.iter().any(|it| words.contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inbox_whose_writer_has_ended_says_so() {
        let (to_writer, waiting) = sync_channel(1);
        let writer = std::thread::spawn(move || drop(waiting.recv()));
        let inbox = Inbox {
            to_writer,
            writers: Arc::new(vec![writer]),
        };
        assert!(inbox.is_alive());
        let (answer, _answered) = oneshot::channel();
        let delivery = Delivery {
            source: "test",
            shop_domain: String::new(),
            webhook_id: String::new(),
            event_id: None,
            topic: String::new(),
            api_version: None,
            key: None,
            snapshot: false,
            ver: 0,
            triggered_at: None,
            received_at: At(0),
            secret_label: String::new(),
            headers: String::new(),
            body: Vec::new(),
        };
        let sent = inbox.to_writer.send(Waiting { delivery, answer });
        assert!(sent.is_ok());
        while inbox.is_alive() {
            std::thread::yield_now();
        }
    }
}
