//! SQL of `locations`.
use diesel::dsl::exists;
use diesel::prelude::*;

use super::{Location, NewLocation};
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{locations, stock_levels};
use crate::types::LocationId;

pub(crate) fn list(conn: &mut DbConnection) -> Result<Vec<Location>, DbError> {
    Ok(locations::table
        .filter(locations::active.eq(true))
        .order(locations::id)
        .select((locations::id, locations::name))
        .load(conn)?)
}

pub(crate) fn list_closed(conn: &mut DbConnection) -> Result<Vec<Location>, DbError> {
    let lying = stock_levels::table
        .filter(stock_levels::location_id.eq(locations::id))
        .filter(stock_levels::on_hand.gt(0));
    Ok(locations::table
        .filter(locations::active.eq(false))
        .filter(exists(lying))
        .order(locations::id)
        .select((locations::id, locations::name))
        .load(conn)?)
}

/// With whether each is in use.
pub(crate) fn names(
    conn: &mut DbConnection,
    ids: &[LocationId],
) -> Result<Vec<(Location, bool)>, DbError> {
    Ok(locations::table
        .filter(locations::id.eq_any(ids.to_vec()))
        .select(((locations::id, locations::name), locations::active))
        .load(conn)?)
}

pub(crate) fn find_by_name(
    conn: &mut DbConnection,
    name: &str,
) -> Result<Option<LocationId>, DbError> {
    Ok(locations::table
        .filter(locations::name.eq(name))
        .select(locations::id)
        .first(conn)
        .optional()?)
}

pub(crate) fn insert(conn: &mut DbConnection, new: &NewLocation) -> Result<LocationId, DbError> {
    Ok(diesel::insert_into(locations::table)
        .values((
            locations::name.eq(&new.name),
            locations::address1.eq(&new.address1),
            locations::city.eq(&new.city),
            locations::zip.eq(&new.zip),
            locations::province_code.eq(&new.province_code),
            locations::country_code.eq(&new.country_code),
        ))
        .returning(locations::id)
        .get_result(conn)?)
}
