//! What health asks the database.
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::native;
use crate::platform::db::{self, DbConnection, DbError};
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

/// Whether every migration of this program has run. One that a newer program ran does no harm.
///
/// # Errors
///
/// The database's.
pub fn is_current(conn: &mut DbConnection) -> Result<bool, DbError> {
    #[derive(QueryableByName)]
    struct Ran {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let wanted = db::migrations(conn)?;
    // diesel's own look begins by making the table, which a reading transaction may not.
    let text = "SELECT version FROM __diesel_schema_migrations";
    let ran: Vec<Ran> = native!(conn, |c| diesel::sql_query(text).load(c))?;
    Ok(wanted
        .iter()
        .all(|one| ran.iter().any(|ran| ran.version == *one)))
}
