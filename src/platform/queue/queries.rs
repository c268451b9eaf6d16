//! Every statement of the queue engine. One text serves both databases and both tables; status values
//! in it are literals, because a bound one made PostgreSQL's generic plan scan the table.
mod ahead;
pub mod batch;
pub mod discards;
pub mod inspect;
mod leases;
pub mod list;
pub mod page;
pub mod pauses;
pub mod same;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};

use super::{Claim, Me, Outcome, Policy, Queue, Status, TryNote, Wanted};
use crate::native;
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{jobs, tries, webhook_events};
use crate::types::At;

pub use ahead::bring_forward;
pub use leases::{
    Lease, crash, delete_worker, insert_worker, list_leases, list_workers, list_workers_seen, lose,
    renew, take_back, take_back_all, take_back_from, touch_worker,
};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Claims rows that are due. No two held rows share a key; of a key's snapshots the newest is taken, of its
/// other rows the oldest; a row that was taken back from a crash is claimed alone.
///
/// # Errors
///
/// The database's.
pub fn claim(
    conn: &mut DbConnection,
    queue: Queue,
    me: &Me,
    wanted: Wanted<'_>,
    now: At,
) -> Result<Vec<Claim>, DbError> {
    take_turn(conn, queue)?;
    let held = match wanted.held {
        Some(held) => Some(pauses::Held::now(conn, held)?),
        None => None,
    };
    let text = claim_text(queue, wanted, held.as_ref());
    let mut claims: Vec<Claim> = native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(me.name())
        .bind::<BigInt, _>(now)
        .prepared()
        .load(c))?;
    claims.sort_by_key(|claim| claim.id);
    Ok(claims)
}

fn claim_text(queue: Queue, wanted: Wanted<'_>, held: Option<&pauses::Held>) -> String {
    let (table, kind, n) = (queue.table(), queue.kind_column(), wanted.at_most);
    let but = other_kinds(queue, wanted.but);
    let sound = if wanted.suspects {
        ""
    } else {
        " AND r.crashes = 0"
    };
    // Who stands before a row in its key may be of another kind: looked at once it is found.
    let (paused, columns, found) = match held {
        None => Default::default(),
        Some(held) => (
            format!(" AND NOT {}", held.holds(queue, "c")),
            format!(", r.shop_domain, r.{kind}"),
            format!(" WHERE NOT {}", held.holds(queue, "ready")),
        ),
    };
    let candidates = (2 * n).max(8);
    format!(
        "WITH ready AS MATERIALIZED (
           SELECT r.id, c.key, r.crashes, c.due_at AS turn, c.id AS turn_id{columns}
             FROM {table} c
             JOIN {table} r ON r.id = CASE
                    WHEN c.key IS NULL THEN c.id
                    WHEN c.snapshot THEN (SELECT s.id FROM {table} s
                           WHERE s.key = c.key AND s.status < 3 AND s.snapshot
                           ORDER BY s.ver DESC, s.id DESC LIMIT 1)
                    ELSE (SELECT f.id FROM {table} f
                           WHERE f.key = c.key AND f.status < 3 AND NOT f.snapshot
                           ORDER BY f.id LIMIT 1) END
            WHERE c.status = 0 AND c.due_at <= $1{but}{paused}
              AND r.status < 1 AND r.due_at <= $2{sound}
              AND (SELECT w.id FROM {table} w
                    WHERE w.key = c.key AND w.status = 1 AND w.key IS NOT NULL LIMIT 1) IS NULL
            ORDER BY c.due_at, c.id
            LIMIT {candidates}),
         one_per_key AS (
           SELECT id, crashes, turn, turn_id, row_number() OVER (
                    PARTITION BY key, CASE WHEN key IS NULL THEN id END ORDER BY turn, turn_id) AS nth
             FROM ready{found}),
         picked AS (
           SELECT id, crashes, row_number() OVER (ORDER BY turn, turn_id) AS place,
                  first_value(crashes) OVER (ORDER BY turn, turn_id) AS first_crashes
             FROM one_per_key WHERE nth = 1)
         UPDATE {table}
            SET status = 1, claim_no = claim_no + 1, locked_by = $3, locked_at = $4
          WHERE status < 1
            AND id IN (SELECT id FROM picked
                        WHERE CASE WHEN first_crashes > 0 THEN place = 1
                                   ELSE crashes = 0 AND place <= {n} END)
         RETURNING id, key, {kind} AS kind, snapshot, ver, claim_no, crashes, attempts"
    )
}

// Kinds are names in our code, never input.
fn other_kinds(queue: Queue, but: &[&str]) -> String {
    match queue {
        Queue::Jobs if !but.is_empty() => format!(" AND c.kind NOT IN ('{}')", but.join("', '")),
        Queue::Jobs | Queue::WebhookEvents => String::new(),
    }
}

// Claims go one after another, and each takes its snapshot after the lock: SKIP LOCKED alone cannot see a claim
// committed since its snapshot. The planner's other ideas were 100x slower. A claim need not wait for the disk: one that
// a power cut takes back was never acted on, for what is done under it is written behind it.
fn take_turn(conn: &mut DbConnection, queue: Queue) -> Result<(), DbError> {
    if let DbConnection::Postgres(pg) = conn {
        pg.batch_execute(&format!(
            "SET LOCAL jit = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off; \
             SET LOCAL synchronous_commit = off; \
             SELECT 1 FROM queues WHERE name = '{}' FOR UPDATE;",
            queue.table()
        ))?;
    }
    Ok(())
}

/// What a queue says before a claim takes its locks.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Look {
    /// Nothing of the queue may be claimed.
    #[diesel(sql_type = Bool)]
    pub stopped: bool,
    #[diesel(sql_type = Bool)]
    pub due: bool,
    /// Something is paused, in whichever queue.
    #[diesel(sql_type = Bool)]
    pub paused: bool,
    /// A pause is over, and what it held is not given back yet.
    #[diesel(sql_type = Bool)]
    pub over: bool,
}

/// Whether anything is due, and what is paused: a cheap look.
///
/// # Errors
///
/// The database's.
pub fn look(conn: &mut DbConnection, queue: Queue, but: &[&str], now: At) -> Result<Look, DbError> {
    let (table, but) = (queue.table(), other_kinds(queue, but));
    let text = format!(
        "SELECT EXISTS (SELECT 1 FROM pauses p WHERE p.resumed_at IS NULL AND {}) AS stopped, \
                EXISTS (SELECT 1 FROM {table} c WHERE c.status = 0 AND c.due_at <= $1{but}) AS due, \
                EXISTS (SELECT 1 FROM pauses p WHERE p.resumed_at IS NULL) AS paused, \
                EXISTS (SELECT 1 FROM pauses p WHERE NOT p.settled) AS over",
        pauses::is_stopped(queue)
    );
    let look = diesel::sql_query(&text).bind::<BigInt, _>(now);
    Ok(match conn {
        // PostgreSQL would keep the plan of an idle queue for a busy one.
        DbConnection::Postgres(c) => look.get_result(c)?,
        DbConnection::Sqlite(c) => look.prepared().get_result(c)?,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::db::Db;

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    #[test]
    fn sqlite_claims_without_a_look_at_all_that_waits_or_is_done() {
        let db = Db::open("sqlite::memory:", 1).expect("a database");
        db.migrate().expect("the tables");
        for queue in [Queue::WebhookEvents, Queue::Jobs] {
            let wanted = Wanted {
                at_most: 32,
                suspects: false,
                but: &[],
                held: None,
            };
            let explain = format!("EXPLAIN QUERY PLAN {}", claim_text(queue, wanted, None));
            let plan = db.read_here(|conn| -> Result<Vec<Step>, DbError> {
                Ok(native!(conn, |c| diesel::sql_query(&explain)
                    .bind::<BigInt, _>(1)
                    .bind::<BigInt, _>(1)
                    .bind::<Text, _>("me")
                    .bind::<BigInt, _>(1)
                    .load(c))?)
            });
            let plan: Vec<String> = plan
                .expect("a plan")
                .into_iter()
                .map(|it| it.detail)
                .collect();
            let table = queue.table();
            for way in [
                format!("SEARCH c USING INDEX {table}_due (due_at<?)"),
                format!("SEARCH s USING INDEX {table}_snap (key=?)"),
                format!("SEARCH f USING INDEX {table}_fifo (key=?)"),
            ] {
                assert!(plan.contains(&way), "{way} is not in {plan:#?}");
            }
        }
    }
}
