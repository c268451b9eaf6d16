//! What health asks the database.
use diesel::dsl::max;
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::workers;
use crate::types::At;

/// When any worker last wrote that it lives.
///
/// # Errors
///
/// The database's.
pub fn last_seen_worker(conn: &mut DbConnection) -> Result<Option<At>, DbError> {
    let seen: Option<i64> = workers::table
        .select(max(workers::seen_at))
        .get_result(conn)?;
    Ok(seen.map(At))
}
