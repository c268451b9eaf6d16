//! The life of one process's worker: how it comes, shows that it lives, and what becomes of what it lets go.
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use super::vigil::{LOOKS, Vigil};
use super::{Worker, is_alive};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::health::Beat;
use crate::platform::queue::Queue;
use crate::platform::queue::queries as rows;

/// Between two tries to speak to a database that is away.
pub(super) const AWAY: Duration = Duration::from_secs(1);

impl Worker {
    /// Writes this process in and frees what dead processes held: on SQLite every held row (the data
    /// folder's lock says that there is no other process), on PostgreSQL those of this host's dead.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn sign_in(&self) -> Result<(), DbError> {
        let (me, now, alone) = (self.me.clone(), self.clock.now(), !self.db.is_postgres());
        self.db
            .write(move |conn| {
                for (boot, pid) in rows::list_workers(conn, &me.host)? {
                    if alone || !is_alive(pid) || pid == i64::from(me.pid) {
                        let holder = format!("{}:{pid}:{boot}", me.host);
                        rows::take_back_from(conn, Queue::WebhookEvents, &holder)?;
                        rows::take_back_from(conn, Queue::Jobs, &holder)?;
                        rows::delete_worker(conn, &boot)?;
                    }
                }
                if alone {
                    rows::take_back_all(conn, Queue::WebhookEvents)?;
                    rows::take_back_all(conn, Queue::Jobs)?;
                }
                rows::insert_worker(conn, &me, now)
            })
            .await
    }

    pub(super) async fn keep_alive(self) {
        let mut tick = tokio::time::interval(self.settings.lease / LOOKS);
        // After a pause the looks must not follow one another at once: everybody needs time to renew.
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut vigil = Vigil::default();
        loop {
            tick.tick().await;
            self.write_down_let_go().await;
            let (me, now) = (self.me.clone(), self.clock.now());
            let (hands, before) = (self.hands.clone(), std::mem::take(&mut vigil));
            let beat = self
                .db
                .write(move |conn| {
                    rows::touch_worker(conn, &me, now)?;
                    for queue in [Queue::WebhookEvents, Queue::Jobs] {
                        rows::renew(conn, queue, &me, &hands.held(queue), now)?;
                        rows::bring_forward(conn, queue, now)?;
                    }
                    before.look(conn)
                })
                .await;
            match beat {
                Ok(looked) => {
                    vigil = looked;
                    self.pulse.beat(Beat::Written);
                }
                Err(error) => {
                    self.pulse.refused();
                    tracing::warn!(%error, "the worker's leases could not be renewed");
                }
            }
        }
    }

    /// Frees the rows whose endings could not be written. Where that fails too, the next call goes on; should this
    /// process die before, their leases run out.
    pub(super) async fn write_down_let_go(&self) {
        let let_go = self.hands.take_let_go();
        if let_go.is_empty() {
            return;
        }
        let (me, claims) = (self.me.clone(), let_go.clone());
        let written = self
            .db
            .write(move |conn| {
                for (queue, claim) in &claims {
                    rows::lose(conn, *queue, &me, claim)?;
                }
                Ok::<(), DbError>(())
            })
            .await;
        if let Err(error) = written {
            tracing::warn!(%error, rows = let_go.len(), "rows that were let go could not be freed");
            self.hands.put_back(let_go);
        }
    }

    /// Writes what must not be forgotten: a database that is away is waited for, for as long as a lease lasts.
    pub(super) async fn insist<T: Send + 'static>(
        &self,
        work: impl Fn(&mut DbConnection) -> Result<T, DbError> + Clone + Send + 'static,
    ) -> Result<T, DbError> {
        let begun = Instant::now();
        loop {
            match self.db.write(work.clone()).await {
                Err(error)
                    if (error.is_away() || error.is_conflict())
                        && begun.elapsed() < self.settings.lease =>
                {
                    tracing::warn!(%error, "a job's ending waits for the database");
                    tokio::time::sleep(AWAY).await;
                }
                written => return written,
            }
        }
    }
}
