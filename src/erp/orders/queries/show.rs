//! What one order's page shows beside its row.
use diesel::prelude::*;

use super::amounts::{ChargeRow, DiscountRow, TaxRow};
use crate::erp::products::Tracking;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{
    channels, line_products, order_charges, order_discounts, order_lines, order_taxes,
    order_versions, products,
};
use crate::types::{At, ChannelId, OrderId, OrderLineId, ProductId};

/// What an edit changed, as JSON.
#[derive(Clone, Debug, Queryable)]
pub struct VersionRow {
    pub version: i64,
    pub at: At,
    pub difference: String,
}

/// The edits of an order, newest first.
///
/// # Errors
///
/// The database's.
pub fn list_versions(conn: &mut DbConnection, order: OrderId) -> Result<Vec<VersionRow>, DbError> {
    Ok(order_versions::table
        .filter(order_versions::order_id.eq(order))
        .order(order_versions::version.desc())
        .select((
            order_versions::version,
            order_versions::at,
            order_versions::difference,
        ))
        .load(conn)?)
}

/// An item that a line stands for.
#[derive(Clone, Debug, Queryable)]
pub struct ItemRow {
    pub line: OrderLineId,
    pub product: ProductId,
    pub sku: String,
    pub name: String,
    pub quantity_each: i64,
    pub tracking: Tracking,
}

/// Where an order comes from.
#[derive(Clone, Debug, Queryable)]
pub struct ChannelRow {
    pub id: ChannelId,
    pub kind: String,
    pub name: String,
}

/// The charges of an order.
///
/// # Errors
///
/// The database's.
pub fn list_charges(conn: &mut DbConnection, order: OrderId) -> Result<Vec<ChargeRow>, DbError> {
    Ok(order_charges::table
        .filter(order_charges::order_id.eq(order))
        .order(order_charges::id.asc())
        .select(ChargeRow::as_select())
        .load(conn)?)
}

/// The taxes of an order.
///
/// # Errors
///
/// The database's.
pub fn list_taxes(conn: &mut DbConnection, order: OrderId) -> Result<Vec<TaxRow>, DbError> {
    Ok(order_taxes::table
        .filter(order_taxes::order_id.eq(order))
        .order(order_taxes::id.asc())
        .select(TaxRow::as_select())
        .load(conn)?)
}

/// The discounts of an order.
///
/// # Errors
///
/// The database's.
pub fn list_discounts(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Vec<DiscountRow>, DbError> {
    Ok(order_discounts::table
        .filter(order_discounts::order_id.eq(order))
        .order(order_discounts::id.asc())
        .select(DiscountRow::as_select())
        .load(conn)?)
}

/// The items that the order's lines stand for.
///
/// # Errors
///
/// The database's.
pub fn list_items(conn: &mut DbConnection, order: OrderId) -> Result<Vec<ItemRow>, DbError> {
    Ok(line_products::table
        .inner_join(order_lines::table)
        .inner_join(products::table)
        .filter(order_lines::order_id.eq(order))
        .order(line_products::id.asc())
        .select((
            line_products::order_line_id,
            products::id,
            products::sku,
            products::name,
            line_products::quantity_each,
            products::tracking,
        ))
        .load(conn)?)
}

/// The channel an order comes from.
///
/// # Errors
///
/// The database's.
pub fn find_channel(
    conn: &mut DbConnection,
    channel: ChannelId,
) -> Result<Option<ChannelRow>, DbError> {
    Ok(channels::table
        .filter(channels::id.eq(channel))
        .select((channels::id, channels::kind, channels::name))
        .first(conn)
        .optional()?)
}
