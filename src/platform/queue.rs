//! One queue engine over `webhook_events` and `jobs`: claim, fence, finish, retry, wait, take back.
//!
//! The row carries its claim (`locked_by`, `locked_at`, `claim_no`). `claim_no` rises with each claim
//! and is the fencing token: whoever finishes must still hold it, so a zombie touches no row.
pub mod pauses;
pub mod queries;

use std::time::Duration;

use serde::Serialize;

use crate::platform::db::{DbConnection, DbError};
use crate::types::At;

/// After so many crashes that nothing else can have caused, a row is poison and waits for a person.
pub const MAX_CRASHES: i32 = 3;

/// Which of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    WebhookEvents,
    Jobs,
}

impl Queue {
    /// The table's name, which is also the name of its lock row in `queues`.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Queue::WebhookEvents => "webhook_events",
            Queue::Jobs => "jobs",
        }
    }

    /// The column that says what a row is about.
    const fn kind_column(self) -> &'static str {
        match self {
            Queue::WebhookEvents => "topic",
            Queue::Jobs => "kind",
        }
    }

    /// The column that says when a row came.
    const fn created_column(self) -> &'static str {
        match self {
            Queue::WebhookEvents => "received_at",
            Queue::Jobs => "created_at",
        }
    }
}

/// Where a row stands. Open is everything before `Done`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    Pending,
    Working,
    Waiting,
    Done,
    Superseded,
    Dead,
    Discarded,
}

impl Status {
    /// The number in the database.
    #[must_use]
    pub const fn code(self) -> i16 {
        match self {
            Status::Pending => 0,
            Status::Working => 1,
            Status::Waiting => 2,
            Status::Done => 3,
            Status::Superseded => 4,
            Status::Dead => 5,
            Status::Discarded => 6,
        }
    }

    /// The status behind a number; a CHECK keeps others out, so an unknown one reads as dead.
    #[must_use]
    pub const fn from_code(code: i16) -> Status {
        match code {
            0 => Status::Pending,
            1 => Status::Working,
            2 => Status::Waiting,
            3 => Status::Done,
            4 => Status::Superseded,
            6 => Status::Discarded,
            _ => Status::Dead,
        }
    }

    /// The word of the API and the screens: a pending row that failed before is `retrying`.
    #[must_use]
    pub const fn word(self, attempts: i32) -> &'static str {
        match self {
            Status::Pending if attempts > 0 => "retrying",
            Status::Pending => "pending",
            Status::Working => "working",
            Status::Waiting => "waiting",
            Status::Done => "done",
            Status::Superseded => "superseded",
            Status::Dead => "dead",
            Status::Discarded => "discarded",
        }
    }
}

/// What a handler says of the row it worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Done without doing anything, and why.
    NothingToDo {
        reason: String,
    },
    /// A newer state was there already; nothing was changed.
    Superseded,
    /// Try again: after the house's curve, or after the time the peer named (which costs no attempt).
    Retry {
        after: Option<Duration>,
        reason: String,
    },
    /// Nothing to do until `cause` is mended; costs nothing and blocks nothing. Jobs only.
    WaitFor {
        cause: String,
        reason: String,
    },
    /// It can never succeed as it is: a person must look.
    Dead {
        reason: String,
    },
}

impl Outcome {
    /// The word of the list of tries.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Outcome::Done | Outcome::NothingToDo { .. } => "done",
            Outcome::Superseded => "superseded",
            Outcome::Retry { .. } => "retry",
            Outcome::WaitFor { .. } => "wait",
            Outcome::Dead { .. } => "dead",
        }
    }

    /// A retry after the house's curve.
    #[must_use]
    pub fn retry(reason: impl Into<String>) -> Outcome {
        Outcome::Retry {
            after: None,
            reason: reason.into(),
        }
    }

    /// A done row that needed nothing, with its reason.
    #[must_use]
    pub fn nothing_to_do(reason: impl Into<String>) -> Outcome {
        Outcome::NothingToDo {
            reason: reason.into(),
        }
    }

    /// A dead row with its reason.
    #[must_use]
    pub fn dead(reason: impl Into<String>) -> Outcome {
        Outcome::Dead {
            reason: reason.into(),
        }
    }
}

/// A row that this process holds.
#[derive(Clone, Debug, diesel::QueryableByName)]
pub struct Claim {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    pub id: i64,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
    pub key: Option<String>,
    /// The topic of a webhook, the kind of a job.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub kind: String,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    pub snapshot: bool,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    pub ver: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    pub claim_no: i64,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    pub crashes: i32,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    pub attempts: i32,
}

/// Which due rows a claim may take.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub at_most: i64,
    /// Whether also rows that a worker died over: each of them is claimed alone.
    pub suspects: bool,
    /// Jobs of these kinds are left where they are.
    pub but: &'a [&'a str],
    /// While something is paused: the kinds of jobs that a pause holds back.
    pub held: Option<&'a [&'a str]>,
}

/// Who works: `hostname:pid:boot-nonce`, written into every claim.
#[derive(Clone, Debug)]
pub struct Me {
    pub host: String,
    pub pid: u32,
    pub boot: String,
}

impl Me {
    /// The name in `locked_by`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}:{}", self.host, self.pid, self.boot)
    }
}

/// How often a row may fail, and how its next try is put off.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    pub max_attempts: i32,
}

/// One try, as the inspector shows it.
#[derive(Clone, Debug, Serialize)]
pub struct TryNote {
    pub at: At,
    pub micros: i64,
    pub request_id: Option<String>,
}

impl Policy {
    /// Whether a try that ended so was a row's last one.
    #[must_use]
    pub fn is_last(self, claim: &Claim, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Retry { after: None, .. } => claim.attempts + 1 >= self.max_attempts,
            Outcome::Done
            | Outcome::NothingToDo { .. }
            | Outcome::Superseded
            | Outcome::Retry { .. }
            | Outcome::WaitFor { .. }
            | Outcome::Dead { .. } => false,
        }
    }

    /// 30 s, 1 min, 2 min, 4 min ... with up to 10 % either way, which `noise` (0 to 999) decides.
    #[must_use]
    pub fn delay(self, attempts_before: i32, noise: u16) -> Duration {
        let doublings = u32::try_from(attempts_before.clamp(0, 12)).unwrap_or(0);
        let millis = 30_000_u64 << doublings;
        let tenth = millis / 10;
        Duration::from_millis(millis - tenth + 2 * tenth * u64::from(noise.min(999)) / 999)
    }
}

/// Writes what became of a held row, in the caller's transaction; false if it is no longer ours.
///
/// # Errors
///
/// The database's.
#[expect(
    clippy::too_many_arguments,
    reason = "one row's ending: who, what, when, how"
)]
pub fn finish(
    conn: &mut DbConnection,
    queue: Queue,
    me: &Me,
    claim: &Claim,
    outcome: &Outcome,
    policy: Policy,
    note: &TryNote,
    noise: u16,
) -> Result<bool, DbError> {
    let now = note.at;
    let ours = match outcome {
        Outcome::Done => queries::close(conn, queue, me, claim, Status::Done, None, now)?,
        Outcome::NothingToDo { reason } => {
            queries::close(conn, queue, me, claim, Status::Done, Some(reason), now)?
        }
        Outcome::Superseded => {
            queries::close(conn, queue, me, claim, Status::Superseded, None, now)?
        }
        Outcome::Dead { reason } => {
            queries::close(conn, queue, me, claim, Status::Dead, Some(reason), now)?
        }
        Outcome::WaitFor { cause, reason } => queries::wait(conn, queue, me, claim, cause, reason)?,
        Outcome::Retry { after, reason } => {
            let due = now.after(after.unwrap_or_else(|| policy.delay(claim.attempts, noise)));
            let costs = i32::from(after.is_none());
            queries::retry(conn, queue, me, claim, costs, policy, due, reason, now)?
        }
    };
    if !ours {
        return Ok(false);
    }
    // An older state must not follow a newer one: what the finished snapshot overtook is closed here,
    // not when it was claimed, because a snapshot that fails for good overtakes nothing.
    if claim.snapshot && closes_older(outcome) {
        queries::supersede_older(conn, queue, claim, now)?;
    }
    queries::insert_try(conn, queue, claim, outcome, note)?;
    Ok(true)
}

fn closes_older(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Done | Outcome::NothingToDo { .. } | Outcome::Superseded => true,
        Outcome::Retry { .. } | Outcome::WaitFor { .. } | Outcome::Dead { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waiting_doubles_and_stays_within_a_tenth() {
        let policy = Policy { max_attempts: 8 };
        assert_eq!(policy.delay(0, 0), Duration::from_secs(27));
        assert_eq!(policy.delay(0, 999), Duration::from_secs(33));
        assert_eq!(policy.delay(3, 0), Duration::from_secs(216));
        assert!(policy.delay(500, 999) < Duration::from_secs(2 * 86_400));
    }

    #[test]
    fn every_status_survives_its_number() {
        for code in 0..=6 {
            assert_eq!(Status::from_code(code).code(), code);
        }
    }

    /// Half a minute, doubled so often.
    fn plain(attempts: i32) -> u64 {
        (0..attempts.clamp(0, 12)).fold(30_000, |millis, _| 2 * millis)
    }

    proptest! {
        #[test]
        fn a_try_is_put_off_by_the_curve_and_a_tenth_either_way(attempts in any::<i32>(), noise in any::<u16>()) {
            let policy = Policy { max_attempts: 8 };
            let millis = u64::try_from(policy.delay(attempts, noise).as_millis()).expect("days");
            let plain = plain(attempts);
            prop_assert!((plain - plain / 10..=plain + plain / 10).contains(&millis), "{} {}", millis, plain);
        }

        #[test]
        fn a_later_try_waits_longer_whatever_the_noise(attempts in 0..12_i32, one in any::<u16>(), other in any::<u16>()) {
            let policy = Policy { max_attempts: 8 };
            prop_assert!(policy.delay(attempts, one) < policy.delay(attempts + 1, other));
        }

        #[test]
        fn only_a_failure_that_costs_can_be_the_last(attempts in 0..20_i32, max_attempts in 1..20_i32, free in any::<bool>()) {
            let claim = Claim {
                id: 1,
                key: None,
                kind: String::new(),
                snapshot: true,
                ver: 0,
                claim_no: 1,
                crashes: 0,
                attempts,
            };
            let outcome = Outcome::Retry {
                after: free.then_some(Duration::from_secs(1)),
                reason: String::new(),
            };
            let is_last = Policy { max_attempts }.is_last(&claim, &outcome);
            prop_assert_eq!(is_last, !free && attempts + 1 >= max_attempts);
        }
    }
}
