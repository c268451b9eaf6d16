//! SQL of `shopify_locations`.
use diesel::prelude::*;

use super::{Mapped, ShopLocation};
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_locations::{self as t, table};
use crate::schema::shopify_shops;
use crate::types::{ChannelId, LocationId, ShopId};

pub(crate) fn upsert(
    conn: &mut DbConnection,
    shop: ShopId,
    location: &ShopLocation,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(table)
        .values((
            t::shop_id.eq(shop),
            t::external_id.eq(&location.external_id),
            t::name.eq(&location.place.name),
            t::active.eq(location.active),
        ))
        .on_conflict((t::shop_id, t::external_id))
        .do_update()
        .set((
            t::name.eq(&location.place.name),
            t::active.eq(location.active),
        ))
        .execute(c))?;
    Ok(())
}

pub(crate) fn mark_absent(
    conn: &mut DbConnection,
    shop: ShopId,
    there: &[&str],
) -> Result<(), DbError> {
    let rows = table
        .filter(t::shop_id.eq(shop))
        .filter(t::external_id.ne_all(there.to_vec()));
    diesel::update(rows)
        .set(t::active.eq(false))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn list(conn: &mut DbConnection, shop: ShopId) -> Result<Vec<Mapped>, DbError> {
    Ok(table
        .filter(t::shop_id.eq(shop))
        .order((t::active.desc(), t::id))
        .select((t::id, t::external_id, t::name, t::active, t::location_id))
        .load(conn)?)
}

/// How a channel's location is called.
pub(crate) fn name_of(
    conn: &mut DbConnection,
    channel: ChannelId,
    external_id: &str,
) -> Result<Option<String>, DbError> {
    Ok(table
        .inner_join(shopify_shops::table)
        .filter(shopify_shops::channel_id.eq(channel))
        .filter(t::external_id.eq(external_id))
        .select(t::name)
        .first(conn)
        .optional()?)
}

pub(crate) fn set_location(
    conn: &mut DbConnection,
    id: i64,
    location: Option<LocationId>,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set(t::location_id.eq(location))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn set_location_of(
    conn: &mut DbConnection,
    shop: ShopId,
    id: i64,
    location: Option<LocationId>,
) -> Result<bool, DbError> {
    let row = table.find(id).filter(t::shop_id.eq(shop));
    Ok(diesel::update(row)
        .set(t::location_id.eq(location))
        .execute(conn)?
        == 1)
}

pub(crate) fn find_location(
    conn: &mut DbConnection,
    shop: ShopId,
    external_id: &str,
) -> Result<Option<LocationId>, DbError> {
    let found: Option<Option<LocationId>> = table
        .filter(t::shop_id.eq(shop))
        .filter(t::external_id.eq(external_id))
        .select(t::location_id)
        .first(conn)
        .optional()?;
    Ok(found.flatten())
}
