//! The worker: claims what is due, has it applied, and writes down what became of it.
//!
//! Events are applied inside our transaction (`batch`). Jobs talk to the outside, so they run without one and are
//! finished in their own.
mod batch;
pub mod handler;
mod hands;
mod life;
mod running;
mod vigil;

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use handler::Handler;
use hands::{Grip, Hands};
use life::AWAY;
use running::Running;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::task::JoinSet;
use tracing::{Instrument, info_span};

use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::platform::health::{Beat, Fault as Unwell, Pulse};
use crate::platform::jobs::queries::JobRow;
use crate::platform::jobs::{self, Registry, Run};
use crate::platform::metrics::Metrics;
use crate::platform::queue::queries as rows;
use crate::platform::queue::{self, Claim, Me, Outcome, Policy, Queue, TryNote, Wanted};
use crate::platform::{priority, trail};
use crate::types::{At, JobId};

/// A process that lives so long takes on what others died over. Until then it may be one that is killed again
/// and again from outside, and the same row in its hands each time would look like the culprit.
const PROBATION: Duration = Duration::from_secs(2);

/// Between a look at the queue that found nothing and the next one, whoever calls.
const BREATH: Duration = Duration::from_millis(5);

/// How the worker works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub policy: Policy,
    pub lease: Duration,
    /// How often to look when nobody called.
    pub poll: Duration,
    /// Batches of events that are applied side by side.
    pub event_workers: usize,
    /// Events applied under one commit at most.
    pub batch: i64,
    /// Jobs that may run at once.
    pub jobs_at_once: usize,
}

/// One process's worker.
#[derive(Clone)]
pub struct Worker {
    db: Db,
    clock: Clock,
    me: Me,
    settings: Settings,
    handler: Arc<dyn Handler>,
    registry: Arc<Registry>,
    wake: Arc<Notify>,
    metrics: Metrics,
    pulse: Arc<Pulse>,
    hands: Hands,
    begun: Instant,
}

impl Worker {
    /// A worker that has not begun.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "everything a worker works with")]
    pub fn new(
        db: Db,
        clock: Clock,
        me: Me,
        settings: Settings,
        handler: Arc<dyn Handler>,
        registry: Arc<Registry>,
        wake: Arc<Notify>,
        metrics: Metrics,
    ) -> Worker {
        Worker {
            db,
            clock,
            me,
            settings,
            handler,
            registry,
            wake,
            metrics,
            pulse: Arc::default(),
            hands: Hands::default(),
            begun: Instant::now(),
        }
    }

    /// Whether this process works on the queue, or only serves.
    #[must_use]
    pub fn works(&self) -> bool {
        self.pulse.works()
    }

    /// How often a row may fail, and how its next try is put off.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.settings.policy
    }

    /// What this process's worker does not do as it should; nothing where it does not work at all.
    #[must_use]
    pub fn faults(&self) -> Vec<Unwell> {
        self.pulse.faults(self.settings.lease / 2)
    }

    /// Works until the process ends.
    pub async fn run(self) {
        self.pulse.begin();
        let mut working = JoinSet::new();
        working.spawn(self.clone().keep_alive());
        for _ in 0..self.settings.event_workers.max(1) {
            working.spawn(self.clone().run_events());
        }
        working.spawn(self.run_jobs());
        while working.join_next().await.is_some() {}
    }

    /// Works off everything that is due by the clock now, then returns how many rows were worked on.
    /// Tests use it in place of a running worker, so that they need not wait.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn drain(&self) -> Result<usize, DbError> {
        let mut total = 0;
        loop {
            let events = self.events_once(true).await?;
            let job = self.claim_job(Vec::new(), true).await?;
            let done = events + usize::from(job.is_some());
            if let Some((claim, grip)) = job {
                self.clone().work_on_job(claim, grip).await;
            }
            if done == 0 {
                return Ok(total);
            }
            total += done;
        }
    }

    async fn run_events(self) {
        loop {
            self.pulse.beat(Beat::Events);
            let called = self.listen();
            match self.events_once(self.is_proven()).await {
                Ok(0) => self.rest(called).await,
                Ok(_more) => {}
                Err(error) => {
                    tracing::error!(%error, "the event queue could not be worked on");
                    tokio::time::sleep(AWAY).await;
                    self.write_down_let_go().await;
                }
            }
        }
    }

    async fn run_jobs(self) {
        let mut running = Running::default();
        loop {
            self.pulse.beat(Beat::Jobs);
            running.clear();
            let called = self.listen();
            match self.begin_job(&mut running).await {
                Ok(true) => {}
                Ok(false) => running.end_or(self.rest(called)).await,
                Err(error) => {
                    tracing::error!(%error, "the job queue could not be worked on");
                    tokio::time::sleep(AWAY).await;
                    self.write_down_let_go().await;
                }
            }
        }
    }

    /// Begins one job that is due and has room; false if there is none.
    async fn begin_job(&self, running: &mut Running) -> Result<bool, DbError> {
        if running.tasks.len() >= self.settings.jobs_at_once {
            return Ok(false);
        }
        let full = running.full(&self.registry);
        let Some((claim, grip)) = self.claim_job(full, self.is_proven()).await? else {
            return Ok(false);
        };
        let kind = claim.kind.clone();
        let work = self.clone().work_on_job(claim, grip);
        let task = running.tasks.spawn(work);
        running.kinds.insert(task.id(), kind);
        Ok(true)
    }

    /// Hears every call from now on, also one that comes while the queue is looked at.
    fn listen(&self) -> Pin<Box<Notified<'_>>> {
        let mut called = Box::pin(self.wake.notified());
        called.as_mut().enable();
        called
    }

    // Nothing was to be done: others may have been quicker, or the queue stands still while webhooks pour in.
    async fn rest(&self, called: Pin<Box<Notified<'_>>>) {
        tokio::time::sleep(BREATH.min(self.settings.poll)).await;
        drop(tokio::time::timeout(self.settings.poll, called).await);
    }

    fn is_proven(&self) -> bool {
        self.begun.elapsed() > PROBATION
    }

    async fn events_once(&self, suspects: bool) -> Result<usize, DbError> {
        let worker = self.clone();
        tokio::task::spawn_blocking(move || {
            priority::step_back();
            worker.apply_batch(suspects)
        })
        .await
        .map_err(|_panicked| DbError::Interrupted)?
    }

    async fn claim_job(
        &self,
        full: Vec<&'static str>,
        suspects: bool,
    ) -> Result<Option<(Claim, Grip)>, DbError> {
        let worker = self.clone();
        let grip = tokio::task::spawn_blocking(move || {
            priority::step_back();
            let wanted = Wanted {
                at_most: 1,
                suspects,
                but: &full,
                held: None,
            };
            worker.claim(Queue::Jobs, wanted)
        })
        .await
        .map_err(|_panicked| DbError::Interrupted)??;
        let claim = grip.open().first().cloned();
        Ok(claim.map(|claim| (claim, grip)))
    }

    fn claim(&self, queue: Queue, wanted: Wanted<'_>) -> Result<Grip, DbError> {
        let turn = if wanted.suspects {
            self.hands.turn(PROBATION)
        } else {
            None
        };
        let wanted = Wanted {
            suspects: turn.is_some(),
            ..wanted
        };
        let claims = self.claim_rows(queue, wanted)?;
        Ok(self.hands.take(queue, claims).with(turn))
    }

    fn claim_rows(&self, queue: Queue, wanted: Wanted<'_>) -> Result<Vec<Claim>, DbError> {
        loop {
            let now = self.clock.now();
            let look = |conn: &mut DbConnection| rows::look(conn, queue, wanted.but, now);
            let look = self.db.read_here(look)?;
            if look.stopped || !(look.due || look.over) {
                return Ok(Vec::new());
            }
            let held = (look.paused || look.over).then(|| self.registry.held());
            let wanted = Wanted { held, ..wanted };
            let (claims, moved) = self.db.write_repeating(|conn| {
                let moved = match held {
                    Some(held) => rows::pauses::settle(conn, queue, held, now)?,
                    None => 0,
                };
                Ok::<_, DbError>((rows::claim(conn, queue, &self.me, wanted, now)?, moved))
            })?;
            // What was put aside or given back may have stood before what can be claimed.
            if moved == 0 || !claims.is_empty() {
                return Ok(claims);
            }
        }
    }

    async fn work_on_job(self, claim: Claim, mut grip: Grip) {
        let id = JobId(claim.id);
        match self.work_on_claimed(claim).await {
            Ok(()) => grip.ended(1),
            // Dropping the grip lets it go, and the next tick frees it: nothing is lost.
            Err(error) => {
                tracing::error!(%error, job.id = %id, "a job's ending could not be written");
            }
        }
    }

    async fn work_on_claimed(&self, claim: Claim) -> Result<(), DbError> {
        let id = JobId(claim.id);
        let (me, mine, now) = (self.me.clone(), claim.clone(), self.clock.now());
        let found = self
            .db
            .write(move |conn| {
                // Between the claim and this the process may have stood still for longer than its lease.
                if rows::fence(conn, Queue::Jobs, &me, &mine, now)? {
                    jobs::queries::find(conn, id)
                } else {
                    Ok(None)
                }
            })
            .await?;
        let Some(job) = found else {
            return Ok(());
        };
        let (now, begun) = (self.clock.now(), Instant::now());
        let run = Run {
            job: id,
            claim: claim.clone(),
            started_at: now,
        };
        let registry = Arc::clone(&self.registry);
        let (kind, payload) = (job.kind.clone(), job.payload.clone());
        let line = info_span!(
            "job",
            job.id = %id,
            job.kind = job.kind,
            job.subject = job.subject,
            webhook_id = job.webhook_id
        );
        let work = trail::follow(job.webhook_id.clone(), async move {
            registry.run(&kind, &payload, run).await
        });
        let ran = tokio::spawn(work.instrument(line.clone())).await;
        let ended_at = self.clock.now();
        self.count_job(&job, &claim, ran.as_ref().ok(), ended_at);
        let note = self.note(ended_at, begun, None);
        let (me, policy, noise) = (self.me.clone(), self.settings.policy, noise());
        let ending = ran.map_err(drop);
        match &ending {
            Ok(outcome) => {
                line.in_scope(|| tracing::info!(outcome = outcome.word(), "job ran"));
            }
            Err(()) => line.in_scope(|| tracing::error!("a job broke its handler")),
        }
        self.insist(move |conn| {
            let queue = Queue::Jobs;
            match &ending {
                Ok(outcome) => {
                    queue::finish(conn, queue, &me, &claim, outcome, policy, &note, noise)
                }
                Err(()) => {
                    let reason = "the handler broke on this job";
                    rows::crash(conn, queue, &me, &claim, reason)
                }
            }
        })
        .await?;
        Ok(())
    }

    fn count_job(&self, job: &JobRow, claim: &Claim, outcome: Option<&Outcome>, now: At) {
        let Some(outcome) = outcome else {
            return self.metrics.crashed(Queue::Jobs);
        };
        let last = self.settings.policy.is_last(claim, outcome);
        self.metrics.tried(Queue::Jobs, outcome, last);
        if *outcome == Outcome::Done && self.registry.is_push(&job.kind) {
            self.metrics.pushed(&job.kind, now.since(job.created_at));
        }
    }

    fn note(&self, at: At, begun: Instant, request_id: Option<String>) -> TryNote {
        TryNote {
            at,
            micros: i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX),
            request_id,
        }
    }
}

// 0 to 999 from the system; in the middle where it gives none.
fn noise() -> u16 {
    let mut bytes = [0; 2];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u16::from_le_bytes(bytes) % 1000,
        Err(_none) => 500,
    }
}

/// A process that works on this database, as host and pid. One of `host` must live; one of another host
/// counts until its last sign of life is older than `since`.
///
/// # Errors
///
/// The database's.
pub fn find_working(
    conn: &mut DbConnection,
    host: &str,
    since: At,
) -> Result<Option<(String, i64)>, DbError> {
    let seen = rows::list_workers_seen(conn, since)?;
    let mut working = seen
        .into_iter()
        .filter(|(of, pid)| of != host || is_alive(*pid));
    Ok(working.next())
}

fn is_alive(pid: i64) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}
