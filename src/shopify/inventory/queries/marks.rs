//! SQL of `shopify_inventory_marks`.
use diesel::dsl::exists;
use diesel::prelude::*;

use super::super::MarkKind;
use crate::insert_rows;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_inventory_marks::{self, self as t, table};
use crate::types::{At, LocationId, ProductId, ShopId, UserId};

/// A mark to make.
#[derive(Clone, Copy, Debug, Insertable)]
#[diesel(table_name = shopify_inventory_marks, treat_none_as_default_value = false)]
pub struct NewMark<'a> {
    pub shop_id: ShopId,
    pub kind: MarkKind,
    pub product_id: Option<ProductId>,
    /// `None`: at all locations.
    pub location_id: Option<LocationId>,
    pub item_external_id: Option<&'a str>,
    pub place_external_id: Option<&'a str>,
    pub available: Option<i64>,
    pub told_at: Option<At>,
    pub made_at: At,
    pub made_by: Option<UserId>,
}

impl NewMark<'_> {
    /// A mark that says nothing yet of what changed.
    #[must_use]
    pub const fn new(shop_id: ShopId, kind: MarkKind, made_at: At) -> Self {
        NewMark {
            shop_id,
            kind,
            product_id: None,
            location_id: None,
            item_external_id: None,
            place_external_id: None,
            available: None,
            told_at: None,
            made_at,
            made_by: None,
        }
    }
}

/// A mark that was made.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = shopify_inventory_marks)]
pub struct MarkRow {
    pub id: i64,
    pub kind: MarkKind,
    pub product_id: Option<ProductId>,
    pub location_id: Option<LocationId>,
    pub item_external_id: Option<String>,
    pub place_external_id: Option<String>,
    pub available: Option<i64>,
    pub told_at: Option<At>,
    pub made_at: At,
    pub made_by: Option<UserId>,
}

/// # Errors
///
/// The database's.
pub fn insert(conn: &mut DbConnection, rows: &[NewMark<'_>]) -> Result<(), DbError> {
    if !rows.is_empty() {
        insert_rows!(conn, table, rows)?;
    }
    Ok(())
}

/// A store's oldest marks.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, shop: ShopId, limit: i64) -> Result<Vec<MarkRow>, DbError> {
    Ok(table
        .filter(t::shop_id.eq(shop))
        .order(t::id)
        .limit(limit)
        .select(MarkRow::as_select())
        .load(conn)?)
}

/// Whether a store has any.
///
/// # Errors
///
/// The database's.
pub fn is_any(conn: &mut DbConnection, shop: ShopId) -> Result<bool, DbError> {
    Ok(diesel::select(exists(table.filter(t::shop_id.eq(shop)))).get_result(conn)?)
}

pub(in crate::shopify::inventory) fn delete(
    conn: &mut DbConnection,
    ids: &[i64],
) -> Result<(), DbError> {
    diesel::delete(table.filter(t::id.eq_any(ids.to_vec()))).execute(conn)?;
    Ok(())
}

/// Those of one item at one location of ours.
pub(in crate::shopify::inventory) fn delete_of(
    conn: &mut DbConnection,
    shop: ShopId,
    product: ProductId,
    location: LocationId,
) -> Result<(), DbError> {
    diesel::delete(
        table
            .filter(t::shop_id.eq(shop))
            .filter(t::product_id.eq(product))
            .filter(t::location_id.eq(location)),
    )
    .execute(conn)?;
    Ok(())
}

pub(in crate::shopify::inventory) fn delete_all(
    conn: &mut DbConnection,
    shop: ShopId,
) -> Result<(), DbError> {
    diesel::delete(table.filter(t::shop_id.eq(shop))).execute(conn)?;
    Ok(())
}
