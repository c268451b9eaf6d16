//! The statements that hold, close and note many rows at once. Each has one text for any number of rows.
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use crate::insert_rows;
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::{Claim, Me, Outcome, Queue, TryNote};
use crate::schema::tries;
use crate::types::At;

/// A claim whose row was worked on, and how that went.
pub struct Tried<'a> {
    pub claim: &'a Claim,
    pub note: TryNote,
}

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    claim_no: i64,
}

/// The first statement of a transaction that acts for several held rows: id and claim of those that are ours still.
/// Nobody takes them from us before the commit.
///
/// # Errors
///
/// The database's.
pub fn fence_all(
    conn: &mut DbConnection,
    queue: Queue,
    me: &Me,
    claims: &[Claim],
) -> Result<Vec<(i64, i64)>, DbError> {
    let (table, ids) = (queue.table(), ids(claims.iter()));
    let held: Vec<Held> = match conn {
        // In the order of their ids, as everybody who takes several.
        DbConnection::Postgres(conn) => diesel::sql_query(format!(
            "SELECT id, claim_no FROM {table} \
              WHERE id = ANY($1) AND status = 1 AND locked_by = $2 ORDER BY id FOR UPDATE"
        ))
        .bind::<Array<BigInt>, _>(ids)
        .bind::<Text, _>(me.name())
        .prepared()
        .load(conn)?,
        // Who writes is alone.
        DbConnection::Sqlite(conn) => diesel::sql_query(format!(
            "SELECT id, claim_no FROM {table} \
              WHERE id IN (SELECT value FROM json_each($1)) AND status = 1 AND locked_by = $2"
        ))
        .bind::<Text, _>(json(&ids))
        .bind::<Text, _>(me.name())
        .prepared()
        .load(conn)?,
    };
    Ok(held.into_iter().map(|row| (row.id, row.claim_no)).collect())
}

/// Closes rows that [`fence_all`] found ours as done, with what each overtook, and notes their tries.
///
/// # Errors
///
/// The database's.
pub fn close_done(
    conn: &mut DbConnection,
    queue: Queue,
    done: &[Tried<'_>],
    now: At,
) -> Result<(), DbError> {
    if done.is_empty() {
        return Ok(());
    }
    let (table, ids) = (queue.table(), ids(done.iter().map(|tried| tried.claim)));
    let close = format!(
        "UPDATE {table} SET status = 3, locked_by = NULL, locked_at = NULL, reason = NULL, finished_at = $1 WHERE id"
    );
    execute(conn, &close, "", now, ids)?;
    supersede_older(conn, queue, done, now)?;
    let notes: Vec<_> = done
        .iter()
        .map(|tried| {
            (
                tries::queue.eq(queue.table()),
                tries::row_id.eq(tried.claim.id),
                tries::at.eq(tried.note.at),
                tries::micros.eq(tried.note.micros),
                tries::outcome.eq(Outcome::Done.word()),
            )
        })
        .collect();
    insert_rows!(conn, tries::table, notes)?;
    Ok(())
}

// As `queries::supersede_older`, for all of them.
fn supersede_older(
    conn: &mut DbConnection,
    queue: Queue,
    done: &[Tried<'_>],
    now: At,
) -> Result<(), DbError> {
    let table = queue.table();
    let snapshots = done
        .iter()
        .filter(|tried| tried.claim.snapshot && tried.claim.key.is_some());
    let closed: Vec<i64> = snapshots.map(|tried| tried.claim.id).collect();
    if closed.is_empty() {
        return Ok(());
    }
    let close = format!(
        "UPDATE {table} SET status = 4, finished_at = $1 \
          WHERE id IN (SELECT o.id FROM {table} n JOIN {table} o ON o.key = n.key \
                        WHERE o.status < 3 AND o.status <> 1 AND o.snapshot \
                          AND (o.ver, o.id) < (n.ver, n.id) AND n.id"
    );
    execute(conn, &close, ")", now, closed)
}

/// Runs a statement about these ids, which stand between its two halves.
fn execute(
    conn: &mut DbConnection,
    before: &str,
    behind: &str,
    now: At,
    ids: Vec<i64>,
) -> Result<(), DbError> {
    match conn {
        DbConnection::Postgres(conn) => diesel::sql_query(format!("{before} = ANY($2){behind}"))
            .bind::<BigInt, _>(now)
            .bind::<Array<BigInt>, _>(ids)
            .prepared()
            .execute(conn)?,
        DbConnection::Sqlite(conn) => diesel::sql_query(format!(
            "{before} IN (SELECT value FROM json_each($2)){behind}"
        ))
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(json(&ids))
        .prepared()
        .execute(conn)?,
    };
    Ok(())
}

fn ids<'a>(claims: impl Iterator<Item = &'a Claim>) -> Vec<i64> {
    claims.map(|claim| claim.id).collect()
}

fn json(ids: &[i64]) -> String {
    serde_json::to_string(ids).unwrap_or_default()
}
