//! A batch of events: claimed together, read before any lock is held, applied in one commit, closed by one statement.
//!
//! Most events do no harm to each other: the handler applies them together, and asks the database once for all of them
//! where it can. Where one event fails, the whole batch is undone and each is applied again within a savepoint of its
//! own: one bad event cannot undo its neighbours.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use tracing::info_span;

use super::handler::Readings;
use super::{Worker, noise};
use crate::platform::db::{DbConnection, DbError, savepoint};
use crate::platform::inbox::queries::{self as inbox, EventRow};
use crate::platform::queue::queries::batch::{self as rows, Tried};
use crate::platform::queue::{self, Claim, Outcome, Queue, TryNote, Wanted, queries};
use crate::types::At;

const QUEUE: Queue = Queue::WebhookEvents;

/// For how long events that are applied apart may hold SQLite's only writer under one commit.
const TURN: Duration = Duration::from_millis(10);
/// The same while webhooks wait to be stored: short, but worth a commit of its own.
const SHORT_TURN: Duration = Duration::from_millis(2);
/// On PostgreSQL they hold nothing but rows that others may want too.
const LONG_TURN: Duration = Duration::from_millis(30);

/// Bytes of the bodies that are applied together at most: large orders have many lines, and SQLite's only writer is
/// not to be held for longer than a turn.
const LOAD: usize = 256 * 1024;
/// While webhooks wait to be stored.
const SHORT_LOAD: usize = LOAD / 4;
const LARGE_LOAD: usize = 8 * LOAD;

/// How often a batch that others got in the way of is applied together once more.
const CONFLICTS: u32 = 3;

/// What became of one event, counted once its batch is committed.
struct Ended {
    outcome: Option<Outcome>,
    last: bool,
    /// From its arrival, where it was not sent through once more.
    after: Option<Duration>,
}

/// How many claims were worked on, and how that ended.
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
        if claimed == 0 {
            return Ok(0);
        }
        let events = self.db.read_here(|conn| events_of(conn, grip.open()))?;
        for claim in grip.open() {
            if let Some((_, event)) = event_of(&events, claim) {
                let _line = line(event).entered();
                tracing::debug!(try_no = claim.attempts + 1, "event claimed");
            }
        }
        // An event that breaks its reader is found when each is read apart.
        let readings = catch_unwind(AssertUnwindSafe(|| self.handler.read(&events))).ok();
        let (mut way, mut conflicts) = (Way::Together, 0);
        while let Some(first) = grip.open().first() {
            let applied = match (way, &readings) {
                (Way::Together, Some(readings)) => {
                    let part = &grip.open()[..self.part(&events, grip.open())];
                    self.apply_together(&events, &**readings, part)
                }
                (Way::Together, None) => Ok(None),
                (Way::Apart, _) => self.apply_apart(&events, grip.open()).map(Some),
                (Way::Alone, _) => self
                    .apply_apart(&events, std::slice::from_ref(first))
                    .map(Some),
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
                (Err(error), Way::Together) if error.is_conflict() && conflicts < CONFLICTS => {
                    conflicts += 1;
                    continue;
                }
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

    /// How many of these claims are applied together.
    fn part(&self, events: &[EventRow], claims: &[Claim]) -> usize {
        let mut room = if self.db.is_postgres() {
            LARGE_LOAD
        } else if self.db.is_awaited() {
            SHORT_LOAD
        } else {
            LOAD
        };
        let fits = claims.iter().take_while(|claim| {
            let size = event_of(events, claim).map_or(0, |(_, event)| event.body.len());
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        });
        fits.count().max(1)
    }

    /// `None` where an event spoiled it for all.
    fn apply_together(
        &self,
        events: &[EventRow],
        readings: &dyn Readings,
        claims: &[Claim],
    ) -> Result<Option<Progress>, DbError> {
        let applied = self.db.write_here(|conn| {
            let (now, begun) = (self.clock.now(), Instant::now());
            let ours = rows::fence_all(conn, QUEUE, &self.me, claims)?;
            let held: Vec<(&Claim, usize, &EventRow)> = claims
                .iter()
                .filter(|claim| ours.contains(&(claim.id, claim.claim_no)))
                .filter_map(|claim| event_of(events, claim).map(|(at, event)| (claim, at, event)))
                .collect();
            let places: Vec<usize> = held.iter().map(|(_, place, _)| *place).collect();
            let apply = || readings.apply(conn, &places, now);
            let outcomes = match catch_unwind(AssertUnwindSafe(apply)) {
                Ok(Ok(outcomes)) if outcomes.len() == held.len() => outcomes,
                Ok(Err(error)) if error.is_conflict() => return Err(Stopped::Db(error)),
                Ok(Ok(_) | Err(_)) | Err(_) => return Err(Stopped::Spoiled),
            };
            let share = begun.elapsed() / u32::try_from(held.len()).unwrap_or(1).max(1);
            let (mut ended, mut done) = (Vec::new(), Vec::new());
            for ((claim, _, event), outcome) in held.into_iter().zip(outcomes) {
                let _line = line(event).entered();
                // The reason may quote the payload: it stays in the database, where roles and retention hold.
                tracing::info!(outcome = outcome.word(), "event applied");
                let note = TryNote {
                    at: now,
                    micros: i64::try_from(share.as_micros()).unwrap_or(i64::MAX),
                    request_id: None,
                };
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
            rows::close_done(conn, QUEUE, &done, self.clock.now())?;
            Ok((claims.len(), ended))
        });
        match applied {
            Ok(progress) => Ok(Some(progress)),
            Err(Stopped::Spoiled) => Ok(None),
            Err(Stopped::Db(error)) => Err(error),
        }
    }

    fn apply_apart(&self, events: &[EventRow], claims: &[Claim]) -> Result<Progress, DbError> {
        self.db.write_repeating(|conn| {
            let begun = Instant::now();
            let mut ended = Vec::with_capacity(claims.len());
            for (place, claim) in claims.iter().enumerate() {
                if let Some((_, event)) = event_of(events, claim) {
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
        let outcome = match savepoint(conn, |conn| self.applied(conn, event, now)) {
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
        event: &EventRow,
        now: At,
    ) -> Result<Outcome, Fault> {
        let events = std::slice::from_ref(event);
        let apply = || self.handler.read(events).apply(conn, &[0], now);
        match catch_unwind(AssertUnwindSafe(apply)) {
            Ok(Ok(mut outcomes)) => outcomes.pop().ok_or(Fault::Panic),
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

/// The event of a claim and its place among the events.
fn event_of<'a>(events: &'a [EventRow], claim: &Claim) -> Option<(usize, &'a EventRow)> {
    let place = events.binary_search_by_key(&claim.id, |event| event.id.0);
    let place = place.ok()?;
    Some((place, events.get(place)?))
}

fn line(event: &EventRow) -> tracing::Span {
    info_span!("event", event.id = %event.id, webhook_id = event.webhook_id, topic = event.topic)
}
