//! What time does to stock: once an hour the lots whose best-before day is over are barred.
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::lots::{self, LotError};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::platform::jobs::repeat::{self, Repeat};
use crate::platform::jobs::{Filing, Job, Registry, Run};
use crate::platform::queue::Outcome;
use crate::types::{At, JobId};

const HOUR: Duration = Duration::from_secs(3600);

/// What the job needs.
#[derive(Clone)]
pub struct Shelf {
    pub db: Db,
    pub clock: Clock,
}

/// Makes the job known.
pub fn register(registry: &mut Registry, cx: &Arc<Shelf>) {
    registry.register::<ExpireLots>(cx);
}

/// Files the first run.
///
/// # Errors
///
/// The database's.
pub fn begin(conn: &mut DbConnection, now: At) -> Result<(), DbError> {
    repeat::begin(conn, &ExpireLots::default(), now)
}

/// Bars the lots that are over, some in a transaction, so that others can write too.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ExpireLots {
    /// Since 1970.
    hour: u64,
    /// The run before: its row goes at once.
    before: Option<JobId>,
}

impl Repeat for ExpireLots {
    fn next(&self, last: Option<JobId>, now: At) -> (Self, Duration) {
        let next = ExpireLots {
            hour: now.after(HOUR).since(At(0)).as_secs() / HOUR.as_secs(),
            before: last,
        };
        (next, HOUR)
    }

    fn before(&self) -> Option<JobId> {
        self.before
    }
}

impl Job for ExpireLots {
    const KIND: &'static str = "erp.expire_lots";
    type Context = Shelf;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.hour.to_string())
    }

    // Never two side by side, in whichever process.
    fn key(&self) -> Option<String> {
        Some("expire-lots".to_owned())
    }

    async fn run(self, cx: Arc<Shelf>, run: Run) -> Outcome {
        let now = cx.clock.now();
        let filed = cx
            .db
            .write(move |conn| repeat::go_on(conn, &self, run.job, Filing::default(), now));
        if let Err(error) = filed.await {
            return Outcome::retry(error.to_string());
        }
        match expire(&cx, now).await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::retry(error.to_string()),
        }
    }
}

async fn expire(cx: &Shelf, now: At) -> Result<(), LotError> {
    while cx.db.write(move |conn| lots::expire(conn, now)).await? > 0 {}
    Ok(())
}
