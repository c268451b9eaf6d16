//! The feed a host ERP follows: what changed, in the order in which it was committed.
use crate::platform::db::{DbConnection, DbError};
use crate::types::At;

pub mod queries;

/// Appends to the feed that the record with this public id changed. To be called last in a
/// transaction: it holds the feed until the commit, so that `seq` rises in commit order.
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
    queries::hold(conn)?;
    queries::insert(conn, kind, public_ids, now)
}
