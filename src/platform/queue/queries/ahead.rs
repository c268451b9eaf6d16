//! What was filed by a clock that ran ahead: once it is set right, such a row would wait for a time that nobody meant.
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::super::Queue;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::types::At;

/// Clocks that differ by less are as good as one.
const SLACK: Duration = Duration::from_secs(60);
/// Rows that one look sets right; the next one goes on.
const AT_MOST: u32 = 500;

#[derive(QueryableByName)]
struct Ahead {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    due_at: At,
    #[diesel(sql_type = BigInt)]
    filed_at: At,
}

/// Gives rows that were filed, or put off, in a time that is yet to come the same wait from now on; returns how many.
/// What was to wait for long anyway, like tomorrow's work, keeps its hour of the day.
///
/// # Errors
///
/// The database's.
pub fn bring_forward(conn: &mut DbConnection, queue: Queue, now: At) -> Result<usize, DbError> {
    let (table, created) = (queue.table(), queue.created_column());
    let text = format!(
        "SELECT id, due_at, filed_at FROM (
           SELECT r.id, r.due_at, COALESCE((SELECT max(t.at) FROM tries t
                    WHERE t.queue = '{table}' AND t.row_id = r.id), r.{created}) AS filed_at
             FROM {table} r WHERE r.status = 0 AND r.due_at > $1) f
          WHERE filed_at > $2 AND 2 * (filed_at - $3) > due_at - filed_at
          ORDER BY id LIMIT {AT_MOST}"
    );
    let soon = now.after(SLACK);
    let rows: Vec<Ahead> = native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(soon)
        .bind::<BigInt, _>(soon)
        .bind::<BigInt, _>(now)
        .load(c))?;
    let mut moved = 0;
    for row in &rows {
        moved += set_right(conn, queue, row, now)?;
    }
    Ok(moved)
}

// The times of its filing are set right with it: they are what the next look goes by.
fn set_right(
    conn: &mut DbConnection,
    queue: Queue,
    row: &Ahead,
    now: At,
) -> Result<usize, DbError> {
    let (table, created) = (queue.table(), queue.created_column());
    let due = now.after(row.due_at.since(row.filed_at));
    let text = format!(
        "UPDATE {table} SET due_at = $1, \
                {created} = CASE WHEN {created} > $2 THEN $3 ELSE {created} END \
          WHERE id = $4 AND status = 0 AND due_at = $5"
    );
    let moved = native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(due)
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(row.id)
        .bind::<BigInt, _>(row.due_at)
        .execute(c))?;
    let tries = "UPDATE tries SET at = $1 WHERE queue = $2 AND row_id = $3 AND at > $4";
    native!(conn, |c| diesel::sql_query(tries)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(table)
        .bind::<BigInt, _>(row.id)
        .bind::<BigInt, _>(now)
        .execute(c))?;
    Ok(moved)
}
