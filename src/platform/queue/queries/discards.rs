//! Setting rows aside by hand, and taking them back: what discarding replaces is kept for a day.
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::is_fit;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::Queue;
use crate::schema::discards;
use crate::types::At;

/// So long a discarded row can be put back where it was; afterwards it can only be replayed. Long enough for whoever
/// looks at the list the next morning.
pub const TAKEN_BACK_WITHIN: Duration = Duration::from_hours(24);

/// Sets a row that is neither held nor finished (or is dead) aside; false if there is none such.
///
/// # Errors
///
/// The database's.
pub fn discard(
    conn: &mut DbConnection,
    queue: Queue,
    id: i64,
    reason: &str,
    now: At,
) -> Result<bool, DbError> {
    let table = queue.table();
    let too_late = now.before(TAKEN_BACK_WITHIN);
    diesel::delete(discards::table.filter(discards::at.lt(too_late))).execute(conn)?;
    forget(conn, queue, id)?;
    let text = format!(
        "INSERT INTO discards (queue, row_id, at, status, reason, finished_at) \
         SELECT '{table}', id, $1, status, reason, finished_at FROM {table} \
          WHERE id = $2 AND status IN (0, 2, 5)"
    );
    native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(id)
        .execute(c))?;
    let text = format!(
        "UPDATE {table} SET status = 6, reason = $1, finished_at = $2 \
          WHERE id = $3 AND status IN (0, 2, 5)"
    );
    let rows = native!(conn, |c| diesel::sql_query(&text)
        .bind::<Text, _>(reason)
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(id)
        .execute(c))?;
    Ok(rows == 1)
}

/// Puts a discarded row back where it was, with the reason it had: dead again, or pending. What waited for a cause
/// is tried instead, because the cause may have been mended meanwhile. False if it was not discarded within a day,
/// or if the same work is open.
///
/// # Errors
///
/// The database's.
pub fn take_back(conn: &mut DbConnection, queue: Queue, id: i64, now: At) -> Result<bool, DbError> {
    let (table, fit) = (queue.table(), is_fit(queue));
    let text = format!(
        "UPDATE {table} SET status = CASE WHEN d.status = 5 THEN 5 ELSE 0 END, \
                due_at = CASE WHEN d.status = 2 THEN $1 ELSE {table}.due_at END, \
                waits_for = NULL, reason = d.reason, finished_at = d.finished_at \
           FROM discards d \
          WHERE d.queue = '{table}' AND d.row_id = {table}.id AND d.at = {table}.finished_at \
            AND d.at >= $2 AND {table}.id = $3 AND {table}.status = 6 \
            AND (d.status = 5 OR {fit})"
    );
    let rows = native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(now.before(TAKEN_BACK_WITHIN))
        .bind::<BigInt, _>(id)
        .execute(c))?;
    if rows == 1 {
        forget(conn, queue, id)?;
    }
    Ok(rows == 1)
}

/// Until when a row that was discarded at `discarded_at` can be taken back; `None` where nothing was kept of it.
///
/// # Errors
///
/// The database's.
pub fn find_end(
    conn: &mut DbConnection,
    queue: Queue,
    id: i64,
    discarded_at: At,
) -> Result<Option<At>, DbError> {
    let kept: Option<At> = discards::table
        .filter(discards::queue.eq(queue.table()))
        .filter(discards::row_id.eq(id))
        .filter(discards::at.eq(discarded_at))
        .select(discards::at)
        .first(conn)
        .optional()?;
    Ok(kept.map(|at| at.after(TAKEN_BACK_WITHIN)))
}

fn forget(conn: &mut DbConnection, queue: Queue, id: i64) -> Result<(), DbError> {
    diesel::delete(
        discards::table
            .filter(discards::queue.eq(queue.table()))
            .filter(discards::row_id.eq(id)),
    )
    .execute(conn)?;
    Ok(())
}
