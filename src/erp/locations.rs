//! Warehouses and shops: where stock lies and shipments leave.
pub(crate) mod queries;

use crate::platform::db::{DbConnection, DbError};
use crate::types::LocationId;

/// A place, as lists and choices show it.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable)]
pub struct Location {
    pub id: LocationId,
    pub name: String,
}

/// A place that is about to be entered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewLocation {
    pub name: String,
    pub address1: Option<String>,
    pub city: Option<String>,
    pub zip: Option<String>,
    pub province_code: Option<String>,
    pub country_code: Option<String>,
}

/// The locations in use, the oldest first.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection) -> Result<Vec<Location>, DbError> {
    queries::list(conn)
}

/// Enters a location; an equal name is the same location.
///
/// # Errors
///
/// The database's.
pub fn ensure(conn: &mut DbConnection, new: &NewLocation) -> Result<LocationId, DbError> {
    match queries::find_by_name(conn, &new.name)? {
        Some(id) => Ok(id),
        None => queries::insert(conn, new),
    }
}

/// Locations that are closed while stock still lies there.
///
/// # Errors
///
/// The database's.
pub fn list_closed(conn: &mut DbConnection) -> Result<Vec<Location>, DbError> {
    queries::list_closed(conn)
}

/// Locations by their ids, in use or closed.
///
/// # Errors
///
/// The database's.
pub fn names(
    conn: &mut DbConnection,
    ids: &[LocationId],
) -> Result<Vec<(Location, bool)>, DbError> {
    queries::names(conn, ids)
}
