//! How long finished work is kept. Once a minute the bodies of finished webhooks are compressed; after the retention
//! they are dropped, with their tries, and finished jobs are deleted. The rows of webhooks stay for good: they are
//! the ledger that knows a delivery again. What is open or dead keeps everything until a person has decided.
//!
//! It stands back: short transactions, a pause after each that is several times as long, longer yet while webhooks
//! wait to be applied; half a minute at a time. It needs no bookmark, because what is done leaves the index that the next batch is found by. The job's key sees to
//! it that of several processes one does it.
pub mod queries;

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::result::Error as QueryError;
use serde::{Deserialize, Serialize};

use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::platform::inbox::body;
use crate::platform::jobs::repeat::{self, Repeat};
use crate::platform::jobs::{Filing, Job, Registry, Run};
use crate::platform::queue::queries::look;
use crate::platform::queue::{Outcome, Queue};
use crate::types::{At, JobId};
use queries::{BATCH, PACKED_AT_ONCE, Packed};

const MINUTE: Duration = Duration::from_secs(60);
/// One run, with its pauses; the next goes on where it stopped.
const LONGEST_RUN: Duration = Duration::from_secs(30);
/// How many times as long as a batch the pause behind it is: others write in the meantime.
const PAUSE: u32 = 4;
/// The same while webhooks wait to be applied: of a rush it takes three parts in a hundred.
const PAUSE_IN_A_RUSH: u32 = 30;
/// A batch that was slow because others work is no reason to stop for good.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Bytes of bodies in memory at once; a single one may be larger.
const BATCH_BYTES: i64 = 4 * 1024 * 1024;

/// What tidying up needs.
#[derive(Clone)]
pub struct Keeper {
    pub db: Db,
    pub clock: Clock,
    /// Counted from the moment at which something was finished.
    pub keep_for: Duration,
}

/// Makes the job known.
pub fn register(registry: &mut Registry, cx: &Arc<Keeper>) {
    registry.register::<TidyUp>(cx);
}

/// Files the first run.
///
/// # Errors
///
/// The database's.
pub fn begin(conn: &mut DbConnection, now: At) -> Result<(), DbError> {
    repeat::begin(conn, &TidyUp::default(), now)
}

/// Compresses and drops, once a minute.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct TidyUp {
    /// Since 1970.
    minute: u64,
    /// The run before: its row goes at once.
    before: Option<JobId>,
}

impl Repeat for TidyUp {
    fn next(&self, last: Option<JobId>, now: At) -> (Self, Duration) {
        let next = TidyUp {
            minute: now.after(MINUTE).since(At(0)).as_secs() / MINUTE.as_secs(),
            before: last,
        };
        (next, MINUTE)
    }

    fn before(&self) -> Option<JobId> {
        self.before
    }
}

impl Job for TidyUp {
    const KIND: &'static str = "platform.tidy_up";
    type Context = Keeper;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.minute.to_string())
    }

    // Never two side by side, in whichever process.
    fn key(&self) -> Option<String> {
        Some("tidy-up".to_owned())
    }

    async fn run(self, cx: Arc<Keeper>, run: Run) -> Outcome {
        let now = cx.clock.now();
        let filed = cx
            .db
            .write(move |conn| repeat::go_on(conn, &self, run.job, Filing::default(), now));
        let tidied = match filed.await {
            Ok(()) => tidy_up(&cx).await,
            Err(error) => Err(error),
        };
        match tidied {
            Ok(()) => Outcome::Done,
            // A disk that is full today has room tomorrow: it must not give up.
            Err(error) => Outcome::Retry {
                after: Some(MINUTE),
                reason: error.to_string(),
            },
        }
    }
}

type Step = fn(&Keeper) -> Result<bool, DbError>;

/// Batch after batch, of each kind in turn, until there is nothing left or the run was long enough.
async fn tidy_up(cx: &Arc<Keeper>) -> Result<(), DbError> {
    let steps: [Step; 3] = [drop_bodies, delete_jobs, compress];
    let begun = Instant::now();
    let mut is_more = true;
    while is_more && begun.elapsed() < LONGEST_RUN {
        is_more = false;
        for step in steps {
            let keeper = Arc::clone(cx);
            let pause = tokio::task::spawn_blocking(move || once(&keeper, step))
                .await
                .map_err(|_stopped| DbError::Interrupted)??;
            if let Some(pause) = pause {
                is_more = true;
                tokio::time::sleep(pause).await;
            }
        }
    }
    Ok(())
}

/// One batch; returns the pause that it costs, if there may be more.
fn once(cx: &Keeper, step: Step) -> Result<Option<Duration>, DbError> {
    let begun = Instant::now();
    if !step(cx)? {
        return Ok(None);
    }
    let (took, now) = (begun.elapsed(), cx.clock.now());
    let rush = cx
        .db
        .read_here(|conn| look(conn, Queue::WebhookEvents, &[], now))?
        .due;
    let pause = took * if rush { PAUSE_IN_A_RUSH } else { PAUSE };
    Ok(Some(pause.min(LONGEST_PAUSE)))
}

/// Drops bodies that were kept long enough; returns whether there may be more.
fn drop_bodies(cx: &Keeper) -> Result<bool, DbError> {
    let now = cx.clock.now();
    let cut = now.before(cx.keep_for);
    let ids = cx
        .db
        .read_here(|conn| queries::list_kept_bodies(conn, cut))?;
    if !ids.is_empty() {
        cx.db
            .write_here(|conn| queries::drop_bodies(conn, &ids, cut, now))?;
    }
    Ok(ids.len() == BATCH)
}

/// Deletes jobs that were kept long enough; returns whether there may be more.
fn delete_jobs(cx: &Keeper) -> Result<bool, DbError> {
    let cut = cx.clock.now().before(cx.keep_for);
    let ids = cx.db.read_here(|conn| queries::list_kept_jobs(conn, cut))?;
    if !ids.is_empty() {
        cx.db
            .write_here(|conn| queries::delete_jobs(conn, &ids, cut))?;
    }
    Ok(ids.len() == BATCH)
}

/// Compresses bodies of what is finished; returns whether there may be more. What it reads and what it computes is
/// outside the transaction that writes: nobody waits for it.
fn compress(cx: &Keeper) -> Result<bool, DbError> {
    let cut = cx.clock.now().before(cx.keep_for);
    let (plain, is_more) = cx.db.read_here(|conn| {
        let found = queries::list_plain(conn, cut)?;
        let ids = first_bytes(&found);
        let is_more = ids.len() < found.len() || found.len() == PACKED_AT_ONCE;
        Ok::<_, DbError>((queries::load_plain(conn, &ids)?, is_more))
    })?;
    let mut packed = Vec::with_capacity(plain.len());
    for (id, plain) in plain {
        let body = body::pack(&plain)
            .map_err(|error| DbError::Query(QueryError::SerializationError(Box::new(error))))?;
        packed.push(Packed { id, plain, body });
    }
    if !packed.is_empty() {
        cx.db
            .write_here(|conn| queries::set_packed(conn, &packed))?;
    }
    Ok(is_more)
}

/// As many as fit into memory's share, at least one.
fn first_bytes(found: &[(i64, i64)]) -> Vec<i64> {
    let mut sum = 0;
    found
        .iter()
        .enumerate()
        .take_while(|(place, (_id, bytes))| {
            sum += bytes;
            *place == 0 || sum <= BATCH_BYTES
        })
        .map(|(_place, (id, _bytes))| *id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_holds_what_fits_and_at_least_one() {
        assert_eq!(first_bytes(&[]), Vec::<i64>::new());
        assert_eq!(first_bytes(&[(1, BATCH_BYTES * 2), (2, 1)]), [1]);
        assert_eq!(first_bytes(&[(1, 10), (2, BATCH_BYTES), (3, 1)]), [1]);
        assert_eq!(
            first_bytes(&[(1, 10), (2, BATCH_BYTES - 10), (3, 1)]),
            [1, 2]
        );
    }

    #[test]
    fn the_next_run_is_of_the_next_minute() {
        let (next, delay) = TidyUp::default().next(None, At(90_000_000));
        assert_eq!((next.minute, delay), (2, MINUTE));
    }
}
