//! The statements that hold, close and note many rows at once. Ids are numbers of our own and stand in the text.
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::{Claim, Me, Outcome, Queue, TryNote};
use crate::schema::tries;
use crate::types::At;
use crate::{insert_rows, native};

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
///
/// # Errors
///
/// The database's.
pub fn fence_all(
    conn: &mut DbConnection,
    queue: Queue,
    me: &Me,
    claims: &[Claim],
    now: At,
) -> Result<Vec<(i64, i64)>, DbError> {
    let (table, ids) = (queue.table(), ids(claims.iter()));
    // In the order of their ids, as everybody who takes several.
    if let DbConnection::Postgres(conn) = conn {
        let text = format!("SELECT 1 FROM {table} WHERE id IN ({ids}) ORDER BY id FOR UPDATE");
        diesel::sql_query(text).execute(conn)?;
    }
    let text = format!(
        "UPDATE {table} SET locked_at = $1 \
          WHERE id IN ({ids}) AND status = 1 AND locked_by = $2 RETURNING id, claim_no"
    );
    let held: Vec<Held> = native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(me.name())
        .load(c))?;
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
    let text = format!(
        "UPDATE {table} SET status = 3, locked_by = NULL, locked_at = NULL, reason = NULL, finished_at = $1 \
          WHERE id IN ({ids})"
    );
    native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .execute(c))?;
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
    let closed: Vec<String> = snapshots.map(|tried| tried.claim.id.to_string()).collect();
    if closed.is_empty() {
        return Ok(());
    }
    let closed = closed.join(", ");
    let text = format!(
        "UPDATE {table} SET status = 4, finished_at = $1 \
          WHERE id IN (SELECT o.id FROM {table} n JOIN {table} o ON o.key = n.key \
                        WHERE n.id IN ({closed}) AND o.status < 3 AND o.status <> 1 AND o.snapshot \
                          AND (o.ver, o.id) < (n.ver, n.id))"
    );
    native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .execute(c))?;
    Ok(())
}

fn ids<'a>(claims: impl Iterator<Item = &'a Claim>) -> String {
    let ids: Vec<String> = claims.map(|claim| claim.id.to_string()).collect();
    ids.join(", ")
}
