//! What is due, found and taken.
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::pauses;
use crate::native;
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::{Claim, Me, Queue, Wanted};
use crate::types::At;

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
pub(super) fn take_turn(conn: &mut DbConnection, queue: Queue) -> Result<(), DbError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::queue::queries::plans;

    #[test]
    fn sqlite_claims_without_a_look_at_all_that_waits_or_is_done() {
        let db = plans::new_house();
        for queue in [Queue::WebhookEvents, Queue::Jobs] {
            let wanted = Wanted {
                at_most: 32,
                suspects: false,
                but: &[],
                held: None,
            };
            let plan = plans::of_sqlite(&db, &claim_text(queue, wanted, None));
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
