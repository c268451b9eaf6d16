//! The feed a host ERP follows: what changed, in the order in which it was committed.
//!
//! Writers append without a number and hold nothing. Whoever reads the feed first numbers what has been committed
//! since: a reader that saw number 7 can never find a new number 6, and no two writers wait for each other.
use crate::platform::db::{DbConnection, DbError};
use crate::types::At;

pub mod queries;

use queries::ChangeRow;

/// Changes that are numbered in one go; a reader that is further behind numbers again.
const AT_ONCE: i64 = 5000;

/// Appends to the feed that the record with this public id changed.
///
/// # Errors
///
/// The database's.
pub fn record(
    conn: &mut DbConnection,
    kind: &str,
    public_id: &str,
    now: At,
) -> Result<(), DbError> {
    record_all(conn, kind, &[public_id.to_owned()], now)
}

/// As [`record`], for several records of one kind.
///
/// # Errors
///
/// The database's.
pub fn record_all(
    conn: &mut DbConnection,
    kind: &str,
    public_ids: &[String],
    now: At,
) -> Result<(), DbError> {
    if public_ids.is_empty() {
        return Ok(());
    }
    queries::insert(conn, kind, public_ids, now)
}

/// The feed after `seq`, oldest first. Numbers what is new: the caller's transaction must be one that writes.
///
/// # Errors
///
/// The database's.
pub fn read(conn: &mut DbConnection, seq: i64, limit: i64) -> Result<Vec<ChangeRow>, DbError> {
    if queries::is_behind(conn)? {
        // One numbers at a time, and sees what was committed before its turn came.
        queries::hold(conn)?;
        while queries::number(conn, AT_ONCE)? > 0 {}
    }
    queries::list_after(conn, seq, limit)
}
