//! Work done later: a job is a small struct of ids, stored in the same transaction as what it follows.
pub mod queries;
pub mod repeat;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::{Claim, Outcome};
use crate::platform::trail;
use crate::types::{At, JobId, UserId};

/// One kind of work done later. It may run twice, so running it twice must be harmless.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Stored in the queue; never renamed once deployed. `room.verb_object`.
    const KIND: &'static str;

    /// What the room's jobs need: the database, its client.
    type Context: Send + Sync + 'static;

    /// How many of the kind one process runs side by side at most.
    const AT_ONCE: usize = usize::MAX;

    /// Whether it tells the channel of a change made here: how long that takes is measured.
    const IS_PUSH: bool = false;

    /// Jobs of one kind with the same dedupe key are one while the first is open.
    fn dedupe_key(&self) -> Option<String> {
        None
    }

    /// Jobs with the same key never run side by side, and run in the order they were stored.
    fn key(&self) -> Option<String> {
        None
    }

    /// Does it. What goes wrong is an [`Outcome`] too.
    fn run(self, cx: Arc<Self::Context>, run: Run) -> impl Future<Output = Outcome> + Send;
}

/// The run a job is in: which row, which claim, since when.
#[derive(Clone, Debug)]
pub struct Run {
    pub job: JobId,
    pub claim: Claim,
    pub started_at: At,
}

/// Where and for whom a job is stored.
#[derive(Clone, Debug, Default)]
pub struct Filing {
    /// The shop it acts on, for pausing and for the events page.
    pub shop_domain: Option<String>,
    /// The record whose page shows it: `order/17`.
    pub subject: Option<String>,
    pub user: Option<UserId>,
    /// Not before so long from now.
    pub delay: Duration,
}

/// Stores a job in the caller's transaction; `None` if an open one with its dedupe key stands already.
///
/// # Errors
///
/// The database's.
pub fn enqueue<J: Job>(
    conn: &mut DbConnection,
    job: &J,
    filing: &Filing,
    now: At,
) -> Result<Option<JobId>, DbError> {
    queries::insert(conn, &row(job, filing, trail::current(), now)?)
}

/// As [`enqueue`], for many jobs with the delivery that each goes back to.
///
/// # Errors
///
/// The database's.
pub fn enqueue_all<J: Job>(
    conn: &mut DbConnection,
    jobs: &[(J, Filing, Option<String>)],
    now: At,
) -> Result<(), DbError> {
    if jobs.is_empty() {
        return Ok(());
    }
    let rows = jobs
        .iter()
        .map(|(job, filing, delivery)| row(job, filing, delivery.clone(), now));
    let rows: Vec<queries::NewJob> = rows.collect::<Result<_, _>>()?;
    queries::insert_all(conn, &rows)
}

fn row<J: Job>(
    job: &J,
    filing: &Filing,
    delivery: Option<String>,
    now: At,
) -> Result<queries::NewJob, DbError> {
    let payload = serde_json::to_string(job).map_err(|error| {
        DbError::Query(diesel::result::Error::SerializationError(Box::new(error)))
    })?;
    Ok(queries::NewJob {
        kind: J::KIND,
        dedupe_key: job.dedupe_key(),
        key: job.key(),
        payload,
        webhook_id: delivery,
        shop_domain: filing.shop_domain.clone(),
        subject: filing.subject.clone(),
        created_at: now,
        created_by: filing.user,
        due_at: now.after(filing.delay),
    })
}

type Boxed = Pin<Box<dyn Future<Output = Outcome> + Send>>;
type Runner = Box<dyn Fn(&str, Run) -> Boxed + Send + Sync>;

/// Which code runs which kind.
#[derive(Default)]
pub struct Registry {
    runners: HashMap<&'static str, Runner>,
    limits: Vec<(&'static str, usize)>,
    pushes: Vec<&'static str>,
    held: Vec<&'static str>,
}

impl Registry {
    /// Makes `J` known, with what its runs need.
    pub fn register<J: Job>(&mut self, cx: &Arc<J::Context>) {
        let cx = Arc::clone(cx);
        let runner: Runner = Box::new(move |payload, run| {
            let cx = Arc::clone(&cx);
            match serde_json::from_str::<J>(payload) {
                Ok(job) => Box::pin(job.run(cx, run)),
                Err(error) => {
                    let reason = format!("the stored job cannot be read: {error}");
                    Box::pin(async move { Outcome::Dead { reason } })
                }
            }
        });
        self.runners.insert(J::KIND, runner);
        if J::AT_ONCE < usize::MAX {
            self.limits.push((J::KIND, J::AT_ONCE));
        }
        if J::IS_PUSH {
            self.pushes.push(J::KIND);
        }
    }

    /// The kinds of which only so many may run side by side.
    pub fn limits(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.limits.iter().copied()
    }

    /// Whether jobs of the kind tell the channel of a change made here.
    #[must_use]
    pub fn is_push(&self, kind: &str) -> bool {
        self.pushes.contains(&kind)
    }

    /// Makes known which kinds a pause holds back.
    pub fn hold(&mut self, kinds: &[&'static str]) {
        self.held.extend(kinds);
    }

    /// The kinds that a pause of a store, or of all that goes out, holds back.
    #[must_use]
    pub fn held(&self) -> &[&'static str] {
        &self.held
    }

    /// Every kind that tells the channel of a change made here.
    #[must_use]
    pub fn pushes(&self) -> &[&'static str] {
        &self.pushes
    }

    /// Runs one stored job.
    pub async fn run(&self, kind: &str, payload: &str, run: Run) -> Outcome {
        match self.runners.get(kind) {
            Some(runner) => runner(payload, run).await,
            None => Outcome::dead(format!("this version knows no job of the kind `{kind}`")),
        }
    }
}
