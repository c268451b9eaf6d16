//! Every statement of the queue engine. One text serves both databases and both tables; status values
//! in it are literals, because a bound one made PostgreSQL's generic plan scan the table.
mod ahead;
pub mod batch;
mod claiming;
pub mod discards;
pub mod inspect;
mod leases;
pub mod list;
pub mod page;
pub mod pauses;
#[cfg(test)]
mod plans;
pub mod same;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};

use super::{Claim, Me, Outcome, Policy, Queue, Status, TryNote};
use crate::native;
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{jobs, tries, webhook_events};
use crate::types::At;

pub use ahead::bring_forward;
pub use claiming::{Look, claim, look};
pub use leases::{
    Lease, crash, delete_worker, insert_worker, list_leases, list_workers, list_workers_seen, lose,
    renew, take_back, take_back_all, take_back_from, touch_worker,
};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The first statement of every transaction that acts for a held row: false if it is no longer ours.
///
/// # Errors
///
/// The database's.
pub fn fence(
    conn: &mut DbConnection,
    queue: Queue,
    me: &Me,
    claim: &Claim,
    now: At,
) -> Result<bool, DbError> {
    let table = queue.table();
    let text = format!(
        "UPDATE {table} SET locked_at = $1 \
          WHERE id = $2 AND status = 1 AND claim_no = $3 AND locked_by = $4"
    );
    let rows = native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(claim.id)
        .bind::<BigInt, _>(claim.claim_no)
        .bind::<Text, _>(me.name())
        .prepared()
        .execute(c))?;
    Ok(rows == 1)
}

/// Closes a held row as done, superseded or dead; false if it is no longer ours.
///
/// # Errors
///
/// The database's.
pub fn close(
    conn: &mut DbConnection,
    queue: Queue,
    me: &Me,
    claim: &Claim,
    status: Status,
    reason: Option<&str>,
    now: At,
) -> Result<bool, DbError> {
    let (table, code) = (queue.table(), status.code());
    let text = format!(
        "UPDATE {table} SET status = {code}, locked_by = NULL, locked_at = NULL, \
                reason = $1, finished_at = $2 \
          WHERE id = $3 AND status = 1 AND claim_no = $4 AND locked_by = $5"
    );
    let rows = native!(conn, |c| diesel::sql_query(&text)
        .bind::<Nullable<Text>, _>(reason)
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(claim.id)
        .bind::<BigInt, _>(claim.claim_no)
        .bind::<Text, _>(me.name())
        .prepared()
        .execute(c))?;
    Ok(rows == 1)
}

/// Puts a held row off until `due`, or buries it when its attempts are used up.
///
/// # Errors
///
/// The database's.
#[expect(
    clippy::too_many_arguments,
    reason = "the statement has as many values"
)]
pub fn retry(
    conn: &mut DbConnection,
    queue: Queue,
    me: &Me,
    claim: &Claim,
    costs: i32,
    policy: Policy,
    due: At,
    reason: &str,
    now: At,
) -> Result<bool, DbError> {
    let table = queue.table();
    let text = format!(
        "UPDATE {table} SET \
                status = CASE WHEN attempts + $1 >= $2 THEN 5 ELSE 0 END, \
                finished_at = CASE WHEN attempts + $3 >= $4 THEN $5 ELSE NULL END, \
                attempts = attempts + $6, due_at = $7, reason = $8, \
                locked_by = NULL, locked_at = NULL \
          WHERE id = $9 AND status = 1 AND claim_no = $10 AND locked_by = $11"
    );
    let rows = native!(conn, |c| diesel::sql_query(&text)
        .bind::<Integer, _>(costs)
        .bind::<Integer, _>(policy.max_attempts)
        .bind::<Integer, _>(costs)
        .bind::<Integer, _>(policy.max_attempts)
        .bind::<BigInt, _>(now)
        .bind::<Integer, _>(costs)
        .bind::<BigInt, _>(due)
        .bind::<Text, _>(reason)
        .bind::<BigInt, _>(claim.id)
        .bind::<BigInt, _>(claim.claim_no)
        .bind::<Text, _>(me.name())
        .prepared()
        .execute(c))?;
    Ok(rows == 1)
}

/// Lets a held row wait for a cause to be mended.
///
/// # Errors
///
/// The database's.
pub fn wait(
    conn: &mut DbConnection,
    queue: Queue,
    me: &Me,
    claim: &Claim,
    cause: &str,
    reason: &str,
) -> Result<bool, DbError> {
    let table = queue.table();
    let text = format!(
        "UPDATE {table} SET status = 2, waits_for = $1, reason = $2, \
                locked_by = NULL, locked_at = NULL \
          WHERE id = $3 AND status = 1 AND claim_no = $4 AND locked_by = $5"
    );
    let rows = native!(conn, |c| diesel::sql_query(&text)
        .bind::<Text, _>(cause)
        .bind::<Text, _>(reason)
        .bind::<BigInt, _>(claim.id)
        .bind::<BigInt, _>(claim.claim_no)
        .bind::<Text, _>(me.name())
        .prepared()
        .execute(c))?;
    Ok(rows == 1)
}

/// Wakes every row that waits for `cause`; returns how many.
///
/// # Errors
///
/// The database's.
pub fn wake(conn: &mut DbConnection, queue: Queue, cause: &str, now: At) -> Result<usize, DbError> {
    let table = queue.table();
    let text = format!(
        "UPDATE {table} SET status = 0, due_at = $1, waits_for = NULL \
          WHERE status = 2 AND waits_for = $2"
    );
    Ok(native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(cause)
        .execute(c))?)
}

/// Closes the open snapshots of the same key that are older than the finished one.
///
/// # Errors
///
/// The database's.
pub fn supersede_older(
    conn: &mut DbConnection,
    queue: Queue,
    claim: &Claim,
    now: At,
) -> Result<usize, DbError> {
    let Some(key) = &claim.key else {
        return Ok(0);
    };
    let table = queue.table();
    let text = format!(
        "UPDATE {table} SET status = 4, finished_at = $1 \
          WHERE key = $2 AND status < 3 AND snapshot AND (ver, id) < ($3, $4) AND status <> 1"
    );
    Ok(native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(key)
        .bind::<BigInt, _>(claim.ver)
        .bind::<BigInt, _>(claim.id)
        .prepared()
        .execute(c))?)
}

/// Sends a dead, done, superseded or discarded row through once more; false if it is open already, or if it is not
/// fit to run.
///
/// # Errors
///
/// The database's.
pub fn replay(conn: &mut DbConnection, queue: Queue, id: i64, now: At) -> Result<bool, DbError> {
    let (table, fit) = (queue.table(), is_fit(queue));
    let text = format!(
        "UPDATE {table} SET status = 0, due_at = $1, attempts = 0, crashes = 0, finished_at = NULL \
          WHERE id = $2 AND (status >= 3 OR status = 2 OR (status = 0 AND attempts > 0)) AND {fit}"
    );
    let rows = native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(id)
        .execute(c))?;
    Ok(rows == 1)
}

/// Whether a row that is over can be worked on again: an event has its body, and no other open job does the same
/// work (of one kind and dedupe key only one may be open).
const fn is_fit(queue: Queue) -> &'static str {
    match queue {
        Queue::WebhookEvents => "body_encoding < 2",
        Queue::Jobs => {
            "(dedupe_key IS NULL OR NOT EXISTS (SELECT 1 FROM jobs o \
               WHERE o.kind = jobs.kind AND o.dedupe_key = jobs.dedupe_key AND o.status < 3 \
                 AND o.id <> jobs.id))"
        }
    }
}

/// Keeps one try for the inspector.
///
/// # Errors
///
/// The database's.
pub fn insert_try(
    conn: &mut DbConnection,
    queue: Queue,
    claim: &Claim,
    outcome: &Outcome,
    note: &TryNote,
) -> Result<(), DbError> {
    let reason = match outcome {
        Outcome::Done | Outcome::Superseded => None,
        Outcome::NothingToDo { reason }
        | Outcome::Retry { reason, .. }
        | Outcome::WaitFor { reason, .. }
        | Outcome::Dead { reason } => Some(reason),
    };
    native!(conn, |c| diesel::insert_into(tries::table)
        .values((
            tries::queue.eq(queue.table()),
            tries::row_id.eq(claim.id),
            tries::at.eq(note.at),
            tries::micros.eq(note.micros),
            tries::outcome.eq(outcome.word()),
            tries::reason.eq(reason),
            tries::request_id.eq(&note.request_id),
        ))
        .prepared()
        .execute(c))?;
    Ok(())
}

/// Rows by status of one table, for the tabs of the events page. Those that are done or superseded
/// are history, which grows for ever, and are not counted.
///
/// # Errors
///
/// The database's.
pub fn count_by_status(
    conn: &mut DbConnection,
    queue: Queue,
) -> Result<Vec<(i16, bool, i64)>, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::SmallInt)]
        status: i16,
        #[diesel(sql_type = Bool)]
        retried: bool,
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let table = queue.table();
    let text = format!(
        "SELECT status, (status = 0 AND attempts > 0) AS retried, count(*) AS n \
           FROM {table} WHERE status IN (0, 1, 2, 5, 6) GROUP BY 1, 2"
    );
    let rows: Vec<Row> = native!(conn, |c| diesel::sql_query(&text).load(c))?;
    Ok(rows
        .into_iter()
        .map(|row| (row.status, row.retried, row.n))
        .collect())
}

/// How many rows of each table are dead: the number beside "Events" in the navigation.
///
/// # Errors
///
/// The database's.
pub fn count_dead(conn: &mut DbConnection) -> Result<i64, DbError> {
    let events: i64 = webhook_events::table
        .filter(webhook_events::status.eq(5))
        .count()
        .get_result(conn)?;
    let jobs: i64 = jobs::table
        .filter(jobs::status.eq(5))
        .count()
        .get_result(conn)?;
    Ok(events + jobs)
}
