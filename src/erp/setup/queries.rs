//! SQL of `settings`, and of `sellers` as far as the first run goes.
use diesel::prelude::*;

use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{sellers, settings};
use crate::types::At;

/// A setting's value and when it was changed.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, name: &str) -> Result<Option<(String, At)>, DbError> {
    Ok(settings::table
        .find(name)
        .select((settings::value, settings::changed_at))
        .first(conn)
        .optional()?)
}

/// # Errors
///
/// The database's.
pub fn set(conn: &mut DbConnection, name: &str, value: &str, now: At) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(settings::table)
        .values((
            settings::name.eq(name),
            settings::value.eq(value),
            settings::changed_at.eq(now),
        ))
        .on_conflict(settings::name)
        .do_update()
        .set((settings::value.eq(value), settings::changed_at.eq(now)))
        .execute(c))?;
    Ok(())
}

/// # Errors
///
/// The database's.
pub fn delete(conn: &mut DbConnection, name: &str) -> Result<(), DbError> {
    diesel::delete(settings::table.find(name)).execute(conn)?;
    Ok(())
}

/// # Errors
///
/// The database's.
pub fn insert_seller(conn: &mut DbConnection, name: &str, time_zone: &str) -> Result<(), DbError> {
    diesel::insert_into(sellers::table)
        .values((sellers::name.eq(name), sellers::time_zone.eq(time_zone)))
        .execute(conn)?;
    Ok(())
}

/// The company's time zone, as IANA names it.
///
/// # Errors
///
/// The database's.
pub fn find_time_zone(conn: &mut DbConnection) -> Result<Option<String>, DbError> {
    Ok(sellers::table
        .order(sellers::id)
        .select(sellers::time_zone)
        .first(conn)
        .optional()?)
}
