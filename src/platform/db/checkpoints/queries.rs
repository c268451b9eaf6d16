//! What is asked of SQLite's log.
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl as _};

use crate::native;
use crate::platform::db::{DbConnection, DbError};

#[derive(QueryableByName)]
struct Log {
    #[diesel(sql_type = BigInt)]
    log: i64,
    #[diesel(sql_type = BigInt)]
    checkpointed: i64,
}

/// Pages in the log that the database file does not have yet.
///
/// # Errors
///
/// The database's.
pub(super) fn count_unmoved(conn: &mut DbConnection) -> Result<i64, DbError> {
    let log = checkpoint(conn, "PRAGMA wal_checkpoint(NOOP)")?;
    Ok(log.log - log.checkpointed)
}

/// Moves what no reader stands in the way of; keeps no writer away.
///
/// # Errors
///
/// The database's.
pub(super) fn move_log(conn: &mut DbConnection) -> Result<(), DbError> {
    checkpoint(conn, "PRAGMA wal_checkpoint(PASSIVE)").map(drop)
}

fn checkpoint(conn: &mut DbConnection, text: &str) -> Result<Log, DbError> {
    Ok(native!(conn, |c| diesel::sql_query(text).get_result(c))?)
}
