//! SQL of the inventory sync: its settings here, marks, levels and calls in the files below.
pub mod calls;
pub mod checks;
pub mod levels;
pub mod marks;
pub mod parts;
pub mod quiet;
pub(super) mod shown;

use diesel::prelude::*;

use super::offer::Rule;
use super::{Master, Settings};
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_inventory_settings::{self as t, table};
use crate::schema::{shopify_locations, shopify_shops};
use crate::shopify::shops::ShopState;
use crate::types::{At, LocationId, ShopId, UserId};

/// The stores that follow our stock. Asked at each change of stock, so it is one look at one small table.
///
/// # Errors
///
/// The database's.
pub fn list_on(conn: &mut DbConnection) -> Result<Vec<(ShopId, String)>, DbError> {
    Ok(table
        .inner_join(shopify_shops::table)
        .filter(t::is_on.eq(true))
        .filter(shopify_shops::state.ne(ShopState::Disconnected))
        .order(t::shop_id)
        .select((t::shop_id, shopify_shops::domain))
        .load(conn)?)
}

/// A store's settings; off where nobody has said anything.
///
/// # Errors
///
/// The database's.
pub fn find_settings(conn: &mut DbConnection, shop: ShopId) -> Result<Settings, DbError> {
    let found: Option<(bool, i64, Option<i64>)> = table
        .find(shop)
        .select((t::is_on, t::buffer, t::cap))
        .first(conn)
        .optional()?;
    Ok(
        found.map_or_else(Settings::default, |(is_on, buffer, cap)| Settings {
            is_on,
            rule: Rule { buffer, cap },
        }),
    )
}

pub(super) fn set_settings(
    conn: &mut DbConnection,
    shop: ShopId,
    settings: Settings,
    by: Option<UserId>,
    now: At,
) -> Result<(), DbError> {
    let values = (
        t::is_on.eq(settings.is_on),
        t::buffer.eq(settings.rule.buffer),
        t::cap.eq(settings.rule.cap),
        t::changed_at.eq(now),
        t::changed_by.eq(by),
    );
    native!(conn, |c| diesel::insert_into(table)
        .values((t::shop_id.eq(shop), values))
        .on_conflict(t::shop_id)
        .do_update()
        .set(values)
        .execute(c))?;
    Ok(())
}

/// A store's location and whose number counts there.
#[derive(Clone, Debug, Queryable)]
pub struct PlaceRow {
    pub id: i64,
    pub external_id: String,
    pub name: String,
    pub active: bool,
    pub location: Option<LocationId>,
    pub master: Master,
}

/// A store's locations, those in use first.
///
/// # Errors
///
/// The database's.
pub fn list_places(conn: &mut DbConnection, shop: ShopId) -> Result<Vec<PlaceRow>, DbError> {
    use shopify_locations as l;
    Ok(l::table
        .filter(l::shop_id.eq(shop))
        .order((l::active.desc(), l::id))
        .select((
            l::id,
            l::external_id,
            l::name,
            l::active,
            l::location_id,
            l::stock_master,
        ))
        .load(conn)?)
}

/// Says whose number counts at a store's location.
///
/// # Errors
///
/// The database's.
pub fn set_master(
    conn: &mut DbConnection,
    shop: ShopId,
    place: i64,
    master: Master,
) -> Result<(), DbError> {
    use shopify_locations as l;
    diesel::update(l::table.find(place).filter(l::shop_id.eq(shop)))
        .set(l::stock_master.eq(master))
        .execute(conn)?;
    Ok(())
}

/// The names of other stores that map one of their locations to ours.
///
/// # Errors
///
/// The database's.
pub fn list_sharers(
    conn: &mut DbConnection,
    shop: ShopId,
    location: LocationId,
) -> Result<Vec<String>, DbError> {
    use shopify_locations as l;
    Ok(l::table
        .inner_join(shopify_shops::table)
        .filter(l::location_id.eq(location))
        .filter(l::shop_id.ne(shop))
        .filter(shopify_shops::state.ne(ShopState::Disconnected))
        .select(shopify_shops::name)
        .distinct()
        .load(conn)?)
}
