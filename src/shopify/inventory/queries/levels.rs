//! SQL of `shopify_inventory_levels`, and what decides about one: its variant and its place.
use std::time::Duration;

use diesel::prelude::*;

use super::super::Master;
use super::super::read::Seen;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_inventory_levels::{self as t, table};
use crate::schema::{shopify_locations, shopify_variants};
use crate::types::{At, LocationId, ShopId, UserId, VariantId};

/// By so much the store's clock may be behind ours. What is taken for newer and is not costs a refused call.
const SKEW: Duration = Duration::from_secs(5);

/// What is known of a variant at a place of its store.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = crate::schema::shopify_inventory_levels)]
pub struct LevelRow {
    pub id: i64,
    pub variant_id: VariantId,
    pub place_id: i64,
    pub due_since: Option<At>,
    pub asked_by: Option<UserId>,
    pub must_read: bool,
    pub available: Option<i64>,
    /// When the store said so; `None` where we said it.
    pub known_at: Option<At>,
    pub on_hand: Option<i64>,
    pub committed: Option<i64>,
    pub tracked: Option<bool>,
    /// Whether the store keeps it at this place at all.
    pub stocked: Option<bool>,
    pub read_at: Option<At>,
    pub pushed: Option<i64>,
    pub pushed_at: Option<At>,
    pub pushed_by: Option<UserId>,
    pub refusal: Option<String>,
    pub refused_at: Option<At>,
}

/// Where it is in the store, and whether it can be there.
#[derive(Clone, Debug)]
pub struct Address {
    /// The digits of the inventory item; `None` until the catalogue was read whole.
    pub item: Option<String>,
    pub is_gone: bool,
    /// The digits of the store's location.
    pub place: String,
    pub place_active: bool,
    pub location: Option<LocationId>,
    pub master: Master,
}

type AddressColumns = (
    Option<String>,
    Option<At>,
    String,
    bool,
    Option<LocationId>,
    Master,
);

fn address((item, deleted_at, place, place_active, location, master): AddressColumns) -> Address {
    Address {
        item,
        is_gone: deleted_at.is_some(),
        place,
        place_active,
        location,
        master,
    }
}

const ADDRESS: (
    shopify_variants::inventory_item_external_id,
    shopify_variants::deleted_at,
    shopify_locations::external_id,
    shopify_locations::active,
    shopify_locations::location_id,
    shopify_locations::stock_master,
) = (
    shopify_variants::inventory_item_external_id,
    shopify_variants::deleted_at,
    shopify_locations::external_id,
    shopify_locations::active,
    shopify_locations::location_id,
    shopify_locations::stock_master,
);

/// A variant and a place of its store.
pub type Pair = (VariantId, i64);

/// Makes sure that there is a row for each of these.
pub(in crate::shopify::inventory) fn ensure(
    conn: &mut DbConnection,
    shop: ShopId,
    pairs: &[Pair],
) -> Result<(), DbError> {
    for (variant, place) in pairs {
        native!(conn, |c| diesel::insert_into(table)
            .values((
                t::shop_id.eq(shop),
                t::variant_id.eq(*variant),
                t::place_id.eq(*place),
            ))
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    Ok(())
}

/// Why a number is to be looked at.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    pub at: At,
    pub since: At,
    pub by: Option<UserId>,
    pub must_read: bool,
    /// What Shopify refused is tried once more.
    pub again: bool,
}

/// Has a number looked at; what was asked for before stays asked for.
pub(in crate::shopify::inventory) fn mark_due(
    conn: &mut DbConnection,
    (variant, place): Pair,
    due: Due,
) -> Result<(), DbError> {
    let row = || {
        table
            .filter(t::variant_id.eq(variant))
            .filter(t::place_id.eq(place))
    };
    diesel::update(row().filter(t::due_at.is_null()))
        .set(t::due_since.eq(Some(due.since)))
        .execute(conn)?;
    diesel::update(row())
        .set(t::due_at.eq(Some(due.at)))
        .execute(conn)?;
    if due.by.is_some() {
        diesel::update(row())
            .set(t::asked_by.eq(due.by))
            .execute(conn)?;
    }
    if due.must_read {
        diesel::update(row())
            .set(t::must_read.eq(true))
            .execute(conn)?;
    }
    if due.again {
        diesel::update(row())
            .set((t::refusal.eq(None::<String>), t::refused_at.eq(None::<At>)))
            .execute(conn)?;
    }
    Ok(())
}

/// Keeps what the store told of a number, unless something newer is known. Returns whether it was another.
pub(in crate::shopify::inventory) fn set_told(
    conn: &mut DbConnection,
    (variant, place): Pair,
    available: Option<i64>,
    at: At,
) -> Result<bool, DbError> {
    let newer = t::known_at.assume_not_null().le(at.after(SKEW));
    let row = table
        .filter(t::variant_id.eq(variant))
        .filter(t::place_id.eq(place))
        .filter(t::known_at.is_null().or(newer));
    let rows = match available {
        Some(available) => {
            let changed = row.filter(
                t::available
                    .is_null()
                    .or(t::available.assume_not_null().ne(available)),
            );
            diesel::update(changed)
                .set((
                    t::available.eq(Some(available)),
                    t::known_at.eq(Some(at)),
                    t::tracked.eq(Some(true)),
                    t::stocked.eq(Some(true)),
                ))
                .execute(conn)?
        }
        None => diesel::update(row)
            .set((
                t::available.eq(None::<i64>),
                t::known_at.eq(Some(at)),
                t::tracked.eq(Some(false)),
            ))
            .execute(conn)?,
    };
    Ok(rows > 0)
}

/// A row with where it is.
#[derive(Clone, Debug)]
pub struct Found {
    pub row: LevelRow,
    pub address: Address,
}

/// What is due, the longest waiting first.
pub(in crate::shopify::inventory) fn list_due(
    conn: &mut DbConnection,
    shop: ShopId,
    now: At,
    limit: i64,
) -> Result<Vec<Found>, DbError> {
    let rows: Vec<(LevelRow, AddressColumns)> = table
        .inner_join(shopify_variants::table)
        .inner_join(shopify_locations::table)
        .filter(t::shop_id.eq(shop))
        .filter(t::due_at.assume_not_null().le(now))
        .filter(t::due_at.is_not_null())
        .order((t::due_at, t::id))
        .limit(limit)
        .select((LevelRow::as_select(), ADDRESS))
        .load(conn)?;
    Ok(found(rows))
}

/// The rows of these variants at one place.
pub(in crate::shopify::inventory) fn list_at(
    conn: &mut DbConnection,
    place: i64,
    variants: &[VariantId],
) -> Result<Vec<Found>, DbError> {
    let rows: Vec<(LevelRow, AddressColumns)> = table
        .inner_join(shopify_variants::table)
        .inner_join(shopify_locations::table)
        .filter(t::place_id.eq(place))
        .filter(t::variant_id.eq_any(variants.to_vec()))
        .order(t::id)
        .select((LevelRow::as_select(), ADDRESS))
        .load(conn)?;
    Ok(found(rows))
}

fn found(rows: Vec<(LevelRow, AddressColumns)>) -> Vec<Found> {
    rows.into_iter()
        .map(|(row, columns)| Found {
            row,
            address: address(columns),
        })
        .collect()
}

/// When the next number of a store is due.
///
/// # Errors
///
/// The database's.
pub fn next_due(conn: &mut DbConnection, shop: ShopId) -> Result<Option<At>, DbError> {
    let first: Option<Option<At>> = table
        .filter(t::shop_id.eq(shop))
        .filter(t::due_at.is_not_null())
        .order((t::due_at, t::id))
        .select(t::due_at)
        .first(conn)
        .optional()?;
    Ok(first.flatten())
}

/// How many numbers of a store are to be looked at.
///
/// # Errors
///
/// The database's.
pub fn count_due(conn: &mut DbConnection, shop: ShopId) -> Result<i64, DbError> {
    Ok(table
        .filter(t::shop_id.eq(shop))
        .filter(t::due_at.is_not_null())
        .count()
        .get_result(conn)?)
}

/// How many numbers Shopify refused, and what it said of the latest.
///
/// # Errors
///
/// The database's.
pub fn count_refused(conn: &mut DbConnection, shop: ShopId) -> Result<i64, DbError> {
    Ok(table
        .filter(t::shop_id.eq(shop))
        .filter(t::refusal.is_not_null())
        .count()
        .get_result(conn)?)
}

/// When a store was last told a number, and when one of its was last read.
///
/// # Errors
///
/// The database's.
pub fn last_times(
    conn: &mut DbConnection,
    shop: ShopId,
) -> Result<(Option<At>, Option<At>), DbError> {
    use diesel::dsl::max;
    Ok(table
        .filter(t::shop_id.eq(shop))
        .select((max(t::pushed_at), max(t::read_at)))
        .get_result(conn)?)
}

/// There is nothing more to do about these; `offered` is what we would offer.
pub(in crate::shopify::inventory) fn clear(
    conn: &mut DbConnection,
    id: i64,
    offered: Option<i64>,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set((
            t::due_at.eq(None::<At>),
            t::due_since.eq(None::<At>),
            t::asked_by.eq(None::<UserId>),
            t::must_read.eq(false),
            t::offered.eq(offered),
        ))
        .execute(conn)?;
    Ok(())
}

pub(in crate::shopify::inventory) fn clear_all(
    conn: &mut DbConnection,
    shop: ShopId,
) -> Result<(), DbError> {
    diesel::update(
        table
            .filter(t::shop_id.eq(shop))
            .filter(t::due_at.is_not_null()),
    )
    .set((
        t::due_at.eq(None::<At>),
        t::due_since.eq(None::<At>),
        t::asked_by.eq(None::<UserId>),
        t::must_read.eq(false),
    ))
    .execute(conn)?;
    Ok(())
}

/// It is looked at again later; read first where `must_read` says so.
pub(in crate::shopify::inventory) fn postpone(
    conn: &mut DbConnection,
    id: i64,
    until: At,
    must_read: bool,
) -> Result<(), DbError> {
    let row = table.find(id);
    diesel::update(row)
        .set(t::due_at.eq(Some(until)))
        .execute(conn)?;
    if must_read {
        diesel::update(row)
            .set(t::must_read.eq(true))
            .execute(conn)?;
    }
    Ok(())
}

/// The store has the number that we set.
pub(in crate::shopify::inventory) fn mark_pushed(
    conn: &mut DbConnection,
    id: i64,
    quantity: i64,
    now: At,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set((
            t::pushed_by.eq(t::asked_by),
            t::pushed.eq(Some(quantity)),
            t::pushed_at.eq(Some(now)),
            t::available.eq(Some(quantity)),
            t::refusal.eq(None::<String>),
            t::refused_at.eq(None::<At>),
        ))
        .execute(conn)?;
    clear(conn, id, Some(quantity))
}

/// Shopify does not take it, and says why.
pub(in crate::shopify::inventory) fn mark_refused(
    conn: &mut DbConnection,
    id: i64,
    words: &str,
    now: At,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set((
            t::refusal.eq(Some(words)),
            t::refused_at.eq(Some(now)),
            t::due_at.eq(None::<At>),
            t::due_since.eq(None::<At>),
            t::asked_by.eq(None::<UserId>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Keeps what was read; `asked_at` is when the question was put.
pub(in crate::shopify::inventory) fn set_seen(
    conn: &mut DbConnection,
    id: i64,
    seen: &Seen,
    asked_at: At,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set((
            t::available.eq(seen.available),
            t::on_hand.eq(seen.on_hand),
            t::committed.eq(seen.committed),
            t::tracked.eq(Some(seen.tracked)),
            t::stocked.eq(Some(seen.stocked)),
            t::known_at.eq(Some(asked_at)),
            t::read_at.eq(Some(asked_at)),
            t::must_read.eq(false),
        ))
        .execute(conn)?;
    Ok(())
}

/// What the check found: what we offer, and by how much the store's number is another.
pub(in crate::shopify::inventory) fn set_compared(
    conn: &mut DbConnection,
    id: i64,
    offered: Option<i64>,
    differs: Option<(At, i64)>,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set((
            t::offered.eq(offered),
            t::differed_at.eq(differs.map(|(at, _by)| at)),
            t::differed_by.eq(differs.map(|(_at, by)| by)),
        ))
        .execute(conn)?;
    Ok(())
}
