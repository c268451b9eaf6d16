//! Refused deliveries, recorded off the request's path: a flood of them must not slow the good ones.
use tokio::sync::mpsc::{Sender, channel};

use crate::platform::db::{Db, DbError};
use crate::platform::inbox::queries::{self, Rejected};

/// Records that may wait; of a flood, more are only logged.
const MAX_WAITING: usize = 256;

/// Takes records and writes them when there is time.
#[derive(Clone)]
pub struct Rejections {
    to_writer: Sender<Rejected>,
}

impl Rejections {
    /// Starts the writer as a task of the present runtime.
    #[must_use]
    pub fn start(db: Db) -> Rejections {
        let (to_writer, mut waiting) = channel::<Rejected>(MAX_WAITING);
        tokio::spawn(async move {
            while let Some(rejected) = waiting.recv().await {
                let written: Result<(), DbError> = db
                    .write(move |conn| queries::insert_rejected(conn, &rejected))
                    .await;
                if let Err(error) = written {
                    tracing::warn!(%error, "a rejected delivery could not be recorded");
                }
            }
        });
        Rejections { to_writer }
    }

    /// Records one; never waits.
    pub fn record(&self, rejected: Rejected) {
        tracing::warn!(
            reason = rejected.reason,
            topic = rejected.topic,
            shop = rejected.shop_domain,
            "delivery rejected"
        );
        if self.to_writer.try_send(rejected).is_err() {
            tracing::warn!("too many rejected deliveries: this one is only logged");
        }
    }
}
