//! SQL of `shopify_inventory_checks`, and of the differences that they found.
use diesel::prelude::*;

use super::super::Master;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_inventory_checks::{self as t, table};
use crate::schema::{shopify_inventory_levels as levels, shopify_locations, shopify_variants};
use crate::types::{At, ShopId, UserId, VariantId};

/// One comparison of all numbers of a store.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = crate::schema::shopify_inventory_checks)]
pub struct CheckRow {
    pub id: i64,
    pub shop_id: ShopId,
    pub started_at: At,
    pub finished_at: Option<At>,
    pub mends: bool,
    /// How far it is: the place, and the variant there.
    pub after_place: i64,
    pub after_variant: VariantId,
    pub compared: i64,
    pub differed: i64,
}

/// Begins one, unless one is under way.
pub(in crate::shopify::inventory) fn insert(
    conn: &mut DbConnection,
    shop: ShopId,
    mends: bool,
    by: Option<UserId>,
    now: At,
) -> Result<Option<i64>, DbError> {
    Ok(native!(conn, |c| diesel::insert_into(table)
        .values((
            t::shop_id.eq(shop),
            t::started_at.eq(now),
            t::started_by.eq(by),
            t::mends.eq(mends),
            t::after_place.eq(0),
            t::after_variant.eq(0),
            t::compared.eq(0),
            t::differed.eq(0),
        ))
        .on_conflict_do_nothing()
        .returning(t::id)
        .get_result(c)
        .optional())?)
}

/// Lets the one that is under way begin anew, with other settings.
pub(in crate::shopify::inventory) fn restart(
    conn: &mut DbConnection,
    shop: ShopId,
    mends: bool,
    now: At,
) -> Result<(), DbError> {
    diesel::update(
        table
            .filter(t::shop_id.eq(shop))
            .filter(t::finished_at.is_null()),
    )
    .set((
        t::started_at.eq(now),
        t::mends.eq(mends),
        t::after_place.eq(0),
        t::after_variant.eq(VariantId(0)),
        t::compared.eq(0),
        t::differed.eq(0),
    ))
    .execute(conn)?;
    Ok(())
}

pub(in crate::shopify::inventory) fn find_open(
    conn: &mut DbConnection,
    shop: ShopId,
) -> Result<Option<CheckRow>, DbError> {
    Ok(table
        .filter(t::shop_id.eq(shop))
        .filter(t::finished_at.is_null())
        .select(CheckRow::as_select())
        .first(conn)
        .optional()?)
}

/// The latest one of a store, under way or not.
///
/// # Errors
///
/// The database's.
pub fn find_latest(conn: &mut DbConnection, shop: ShopId) -> Result<Option<CheckRow>, DbError> {
    Ok(table
        .filter(t::shop_id.eq(shop))
        .order(t::id.desc())
        .select(CheckRow::as_select())
        .first(conn)
        .optional()?)
}

/// Goes on behind a variant of a place; false where it was begun anew meanwhile.
pub(in crate::shopify::inventory) fn advance(
    conn: &mut DbConnection,
    check: &CheckRow,
    (place, variant): (i64, VariantId),
    (compared, differed): (i64, i64),
) -> Result<bool, DbError> {
    let rows = diesel::update(
        table
            .find(check.id)
            .filter(t::started_at.eq(check.started_at))
            .filter(t::finished_at.is_null()),
    )
    .set((
        t::after_place.eq(place),
        t::after_variant.eq(variant),
        t::compared.eq(t::compared + compared),
        t::differed.eq(t::differed + differed),
    ))
    .execute(conn)?;
    Ok(rows == 1)
}

pub(in crate::shopify::inventory) fn mark_finished(
    conn: &mut DbConnection,
    check: &CheckRow,
    now: At,
) -> Result<(), DbError> {
    diesel::update(
        table
            .find(check.id)
            .filter(t::started_at.eq(check.started_at)),
    )
    .set(t::finished_at.eq(Some(now)))
    .execute(conn)?;
    Ok(())
}

/// A number that was another in the store.
#[derive(Clone, Debug, Queryable)]
pub struct DifferenceRow {
    pub id: i64,
    pub variant: VariantId,
    pub title: String,
    pub sku: Option<String>,
    pub place: String,
    pub master: Master,
    pub offered: Option<i64>,
    pub available: Option<i64>,
    /// The store's number less ours, when it was compared.
    pub by: Option<i64>,
}

/// What a check found, a page at a time.
///
/// # Errors
///
/// The database's.
pub fn list_differences(
    conn: &mut DbConnection,
    check: &CheckRow,
    after: i64,
    limit: i64,
) -> Result<Vec<DifferenceRow>, DbError> {
    Ok(levels::table
        .inner_join(shopify_variants::table)
        .inner_join(shopify_locations::table)
        .filter(levels::shop_id.eq(check.shop_id))
        .filter(levels::differed_at.eq(Some(check.started_at)))
        .filter(levels::id.gt(after))
        .order(levels::id)
        .limit(limit)
        .select((
            levels::id,
            shopify_variants::id,
            shopify_variants::product_title,
            shopify_variants::sku,
            shopify_locations::name,
            shopify_locations::stock_master,
            levels::offered,
            levels::available,
            levels::differed_by,
        ))
        .load(conn)?)
}
