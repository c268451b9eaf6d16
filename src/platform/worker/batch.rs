//! A batch of events: claimed together, applied in one commit, closed by one statement.
//!
//! Most events do no harm to each other, so that a savepoint for each would be a third of all that the database is
//! asked. Where one event fails, the whole batch is undone and each is applied again within a savepoint of its own:
//! one bad event cannot undo its neighbours.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use tracing::info_span;

use super::{Worker, noise};
use crate::platform::db::{DbConnection, DbError, savepoint};
use crate::platform::inbox::queries::{self as inbox, EventRow};
use crate::platform::queue::queries::batch::{self as rows, Tried};
use crate::platform::queue::{self, Claim, Outcome, Queue, Wanted, queries};
use crate::platform::trail;

const QUEUE: Queue = Queue::WebhookEvents;

/// For how long one batch may hold SQLite's only writer.
const TURN: Duration = Duration::from_millis(10);
/// The same while webhooks wait to be stored: short, but worth a commit of its own.
const SHORT_TURN: Duration = Duration::from_millis(2);
/// On PostgreSQL it holds nothing but rows that others may want too.
const LONG_TURN: Duration = Duration::from_millis(30);

/// What became of one event, counted once its batch is committed.
struct Ended {
    outcome: Option<Outcome>,
    last: bool,
    /// From its arrival, where it was not sent through once more.
    after: Option<Duration>,
}

/// How far a batch came before its time was up, and its ends.
type Progress = (usize, Vec<Ended>);

/// How the rest of a batch is applied.
#[derive(Clone, Copy)]
enum Way {
    /// Without savepoints.
    Together,
    /// Each within a savepoint, all in one commit.
    Apart,
    /// Each in a commit of its own.
    Alone,
}

/// One event is bad, or the database refused: the batch is undone.
enum Stopped {
    Spoiled,
    Db(DbError),
}

impl From<DbError> for Stopped {
    fn from(error: DbError) -> Stopped {
        Stopped::Db(error)
    }
}

/// Why one event was not applied.
enum Fault {
    Db(DbError),
    Panic,
}

impl From<DbError> for Fault {
    fn from(error: DbError) -> Fault {
        Fault::Db(error)
    }
}

impl Worker {
    /// Applies what is due, up to one batch; returns how many rows were worked on.
    pub(super) fn apply_batch(&self, suspects: bool) -> Result<usize, DbError> {
        let wanted = Wanted {
            at_most: self.settings.batch,
            suspects,
            but: &[],
            held: None,
        };
        let mut grip = self.claim(QUEUE, wanted)?;
        let claimed = grip.open().len();
        let mut way = Way::Together;
        while let Some(first) = grip.open().first() {
            let applied = match way {
                Way::Together => self.apply_together(grip.open()),
                Way::Apart => self.apply_apart(grip.open()).map(Some),
                Way::Alone => self.apply_apart(std::slice::from_ref(first)).map(Some),
            };
            let n = match (applied, way) {
                (Ok(Some((n, ended))), _) => {
                    for one in ended {
                        self.count(&one);
                    }
                    n
                }
                // Dropping the grip lets them go.
                (Err(error), _) if error.is_away() => return Err(error),
                (Ok(None), _) | (Err(_), Way::Together) => {
                    way = Way::Apart;
                    continue;
                }
                // What the database refuses of one must not cost its neighbours a try.
                (Err(_), Way::Apart) => {
                    way = Way::Alone;
                    continue;
                }
                (Err(error), Way::Alone) => {
                    self.put_off(first, &error)?;
                    1
                }
            };
            grip.ended(n);
        }
        Ok(claimed)
    }

    // Its transaction is undone, so this is written in one of its own.
    fn put_off(&self, claim: &Claim, error: &DbError) -> Result<(), DbError> {
        tracing::error!(%error, event.id = claim.id, "what became of an event was refused");
        let policy = self.settings.policy;
        let note = self.note(self.clock.now(), Instant::now(), None);
        let outcome = Outcome::retry(error.to_string());
        let (me, noise) = (&self.me, noise());
        self.db.write_repeating(|conn| {
            queue::finish(conn, QUEUE, me, claim, &outcome, policy, &note, noise)
        })?;
        self.metrics
            .tried(QUEUE, &outcome, policy.is_last(claim, &outcome));
        Ok(())
    }

    /// `None` where an event spoiled it for all.
    fn apply_together(&self, claims: &[Claim]) -> Result<Option<Progress>, DbError> {
        let applied = self.db.write_here(|conn| {
            let begun = Instant::now();
            let ours = rows::fence_all(conn, QUEUE, &self.me, claims, self.clock.now())?;
            let events = events_of(conn, claims)?;
            let (mut ended, mut done) = (Vec::new(), Vec::new());
            let mut reached = claims.len();
            for (place, claim) in claims.iter().enumerate() {
                let event = events.iter().find(|event| event.id.0 == claim.id);
                if let (Some(event), true) = (event, ours.contains(&(claim.id, claim.claim_no))) {
                    let now = self.clock.now();
                    let _line = line(event).entered();
                    let begun = Instant::now();
                    let outcome = match self.applied(conn, claim, event) {
                        Ok(outcome) => outcome,
                        Err(Fault::Db(error)) if error.is_conflict() => {
                            return Err(Stopped::Db(error));
                        }
                        Err(Fault::Db(_) | Fault::Panic) => return Err(Stopped::Spoiled),
                    };
                    // The reason may quote the payload: it stays in the database, where roles and retention hold.
                    tracing::info!(outcome = outcome.word(), "event applied");
                    let note = self.note(now, begun, None);
                    if outcome == Outcome::Done {
                        done.push(Tried { claim, note });
                    } else {
                        let policy = self.settings.policy;
                        queue::finish(
                            conn,
                            QUEUE,
                            &self.me,
                            claim,
                            &outcome,
                            policy,
                            &note,
                            noise(),
                        )?;
                    }
                    ended.push(self.ended(claim, event, outcome));
                }
                if self.is_up(begun) {
                    reached = place + 1;
                    break;
                }
            }
            rows::close_done(conn, QUEUE, &done, self.clock.now())?;
            Ok((reached, ended))
        });
        match applied {
            Ok(progress) => Ok(Some(progress)),
            Err(Stopped::Spoiled) => Ok(None),
            Err(Stopped::Db(error)) => Err(error),
        }
    }

    fn apply_apart(&self, claims: &[Claim]) -> Result<Progress, DbError> {
        self.db.write_repeating(|conn| {
            let begun = Instant::now();
            let events = events_of(conn, claims)?;
            let mut ended = Vec::with_capacity(claims.len());
            for (place, claim) in claims.iter().enumerate() {
                if let Some(event) = events.iter().find(|event| event.id.0 == claim.id) {
                    ended.extend(self.apply_alone(conn, claim, event)?);
                }
                if self.is_up(begun) {
                    return Ok((place + 1, ended));
                }
            }
            Ok((claims.len(), ended))
        })
    }

    fn apply_alone(
        &self,
        conn: &mut DbConnection,
        claim: &Claim,
        event: &EventRow,
    ) -> Result<Option<Ended>, DbError> {
        let now = self.clock.now();
        if !queries::fence(conn, QUEUE, &self.me, claim, now)? {
            return Ok(None);
        }
        let _line = line(event).entered();
        let begun = Instant::now();
        let outcome = match savepoint(conn, |conn| self.applied(conn, claim, event)) {
            Ok(outcome) => outcome,
            Err(Fault::Db(error)) if error.is_conflict() => return Err(error),
            Err(Fault::Db(error)) => Outcome::retry(error.to_string()),
            Err(Fault::Panic) => {
                tracing::error!("an event broke its handler");
                let reason = "the handler broke on this event";
                queries::crash(conn, QUEUE, &self.me, claim, reason)?;
                return Ok(Some(Ended {
                    outcome: None,
                    last: false,
                    after: None,
                }));
            }
        };
        tracing::info!(outcome = outcome.word(), "event applied");
        let (note, policy) = (self.note(now, begun, None), self.settings.policy);
        queue::finish(
            conn,
            QUEUE,
            &self.me,
            claim,
            &outcome,
            policy,
            &note,
            noise(),
        )?;
        Ok(Some(self.ended(claim, event, outcome)))
    }

    /// The event's own effects, and what became of it; a panic is caught.
    fn applied(
        &self,
        conn: &mut DbConnection,
        claim: &Claim,
        event: &EventRow,
    ) -> Result<Outcome, Fault> {
        let now = self.clock.now();
        tracing::debug!(try_no = claim.attempts + 1, "event claimed");
        let delivery = Some(event.webhook_id.clone());
        let apply = || trail::on(delivery, || (self.apply)(conn, event, now));
        match catch_unwind(AssertUnwindSafe(apply)) {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(error)) => Err(Fault::Db(error)),
            Err(_panic) => Err(Fault::Panic),
        }
    }

    fn ended(&self, claim: &Claim, event: &EventRow, outcome: Outcome) -> Ended {
        let first_time = claim.attempts > 0 || event.due_at == event.received_at;
        Ended {
            last: self.settings.policy.is_last(claim, &outcome),
            after: first_time.then(|| self.clock.now().since(event.received_at)),
            outcome: Some(outcome),
        }
    }

    fn count(&self, ended: &Ended) {
        let Some(outcome) = &ended.outcome else {
            return self.metrics.crashed(QUEUE);
        };
        self.metrics.tried(QUEUE, outcome, ended.last);
        if let Some(after) = ended.after.filter(|_| outcome.word() == "done") {
            self.metrics.applied(after);
        }
    }

    /// Whether a batch that began then has had its turn.
    fn is_up(&self, begun: Instant) -> bool {
        let turn = if self.db.is_postgres() {
            LONG_TURN
        } else if self.db.is_awaited() {
            SHORT_TURN
        } else {
            TURN
        };
        begun.elapsed() > turn
    }
}

fn events_of(conn: &mut DbConnection, claims: &[Claim]) -> Result<Vec<EventRow>, DbError> {
    let ids: Vec<i64> = claims.iter().map(|claim| claim.id).collect();
    inbox::list_by_id(conn, &ids)
}

fn line(event: &EventRow) -> tracing::Span {
    info_span!("event", event.id = %event.id, webhook_id = event.webhook_id, topic = event.topic)
}
