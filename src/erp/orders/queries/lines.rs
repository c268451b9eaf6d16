//! SQL of `order_lines` and `line_products`.
use diesel::prelude::*;

use crate::erp::orders::lines::LineResolution;
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{line_products, order_lines, orders};
use crate::types::{ChannelId, OrderId, OrderLineId, ProductId};
use crate::{insert_rows, native};

/// What the channel decides about a line, and what it resolves to.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = order_lines, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct LineFacts {
    pub external_id: String,
    pub position: i32,
    pub variant_external_id: Option<String>,
    pub product_external_id: Option<String>,
    pub resolution: LineResolution,
    pub title: String,
    pub variant_title: Option<String>,
    pub sku: Option<String>,
    pub quantity: i64,
    pub current_quantity: i64,
    pub fulfilled_elsewhere: i64,
    pub unit_price_scaled: i64,
    pub discount_minor: i64,
    pub tax_minor: i64,
    pub total_minor: i64,
    pub ships: bool,
    pub gift_card: bool,
    pub tip: bool,
    pub properties: Option<String>,
    pub vendor: Option<String>,
    /// Of one piece.
    pub grams: Option<i64>,
    pub taxable: bool,
    pub presentment_unit_price_scaled: Option<i64>,
    pub presentment_discount_minor: Option<i64>,
    pub presentment_tax_minor: Option<i64>,
    pub presentment_total_minor: Option<i64>,
    /// As [`super::super::kept`] writes them.
    pub discounts: Option<String>,
    pub taxes: Option<String>,
    pub duties: Option<String>,
    pub bundle_external_id: Option<String>,
    pub bundle_title: Option<String>,
    pub bundle_quantity: Option<i64>,
}

/// A line as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = order_lines)]
pub struct LineRow {
    pub id: OrderLineId,
    pub order_id: OrderId,
    pub shipped_quantity: i64,
    /// Refunded pieces that `current_quantity` lacks for that reason, as the channel's last word was.
    pub refunded_quantity: i64,
    /// Those of them that had left and came back.
    pub returned_quantity: i64,
    /// Pieces that came back by returns, refunded or not.
    pub back_quantity: i64,
    /// Pieces that the channel has given to others, shipped or not.
    pub others_quantity: i64,
    #[diesel(embed)]
    pub facts: LineFacts,
}

/// A line that is about to be written.
#[derive(Insertable)]
#[diesel(table_name = order_lines, treat_none_as_default_value = false)]
pub(in crate::erp::orders) struct NewLine {
    pub(in crate::erp::orders) id: OrderLineId,
    pub(in crate::erp::orders) order_id: OrderId,
    #[diesel(embed)]
    pub(in crate::erp::orders) facts: LineFacts,
}

/// A product that a line resolves to.
#[derive(Clone, Copy, Debug, Queryable, Insertable)]
#[diesel(table_name = line_products, treat_none_as_default_value = false)]
pub struct PartRow {
    pub order_line_id: OrderLineId,
    pub product_id: ProductId,
    pub quantity_each: i64,
}

pub(in crate::erp::orders) fn insert_lines(
    conn: &mut DbConnection,
    rows: &[NewLine],
) -> Result<(), DbError> {
    insert_rows!(conn, order_lines::table, rows)?;
    Ok(())
}

pub(in crate::erp::orders) fn update_line(
    conn: &mut DbConnection,
    id: OrderLineId,
    facts: &LineFacts,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::update(order_lines::table.find(id))
        .set(facts)
        .prepared()
        .execute(c))?;
    Ok(())
}

pub(in crate::erp::orders) fn set_resolution(
    conn: &mut DbConnection,
    line: OrderLineId,
    resolution: LineResolution,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::update(order_lines::table.find(line))
        .set(order_lines::resolution.eq(resolution))
        .prepared()
        .execute(c))?;
    Ok(())
}

/// How many pieces of a line were given back: all of them, and those that had left.
pub(in crate::erp::orders) fn set_refunded(
    conn: &mut DbConnection,
    line: OrderLineId,
    (refunded, returned): (i64, i64),
) -> Result<(), DbError> {
    diesel::update(order_lines::table.find(line))
        .set((
            order_lines::refunded_quantity.eq(refunded),
            order_lines::returned_quantity.eq(returned),
        ))
        .execute(conn)?;
    Ok(())
}

/// Adds to what has left of a line; less than nothing or more than there is, is refused.
pub(in crate::erp::orders) fn add_shipped(
    conn: &mut DbConnection,
    line: OrderLineId,
    quantity: i64,
) -> Result<bool, DbError> {
    let rows = native!(conn, |c| diesel::update(
        order_lines::table
            .find(line)
            .filter((order_lines::shipped_quantity + quantity).ge(0))
            .filter(
                (order_lines::shipped_quantity + quantity)
                    .le(order_lines::current_quantity + order_lines::returned_quantity),
            ),
    )
    .set(order_lines::shipped_quantity.eq(order_lines::shipped_quantity + quantity))
    .prepared()
    .execute(c))?;
    Ok(rows > 0)
}

/// The order's lines in their order.
///
/// # Errors
///
/// The database's.
pub fn list_lines(conn: &mut DbConnection, order: OrderId) -> Result<Vec<LineRow>, DbError> {
    Ok(order_lines::table
        .filter(order_lines::order_id.eq(order))
        .order((order_lines::position.asc(), order_lines::id.asc()))
        .select(LineRow::as_select())
        .load(conn)?)
}

/// What the order's lines resolve to.
///
/// # Errors
///
/// The database's.
pub fn list_parts(conn: &mut DbConnection, order: OrderId) -> Result<Vec<PartRow>, DbError> {
    Ok(line_products::table
        .inner_join(order_lines::table)
        .filter(order_lines::order_id.eq(order))
        .order(line_products::id.asc())
        .select((
            line_products::order_line_id,
            line_products::product_id,
            line_products::quantity_each,
        ))
        .load(conn)?)
}

pub(in crate::erp::orders) fn insert_parts(
    conn: &mut DbConnection,
    rows: &[PartRow],
) -> Result<(), DbError> {
    insert_rows!(conn, line_products::table, rows)?;
    Ok(())
}

pub(in crate::erp::orders) fn delete_parts(
    conn: &mut DbConnection,
    line: OrderLineId,
) -> Result<(), DbError> {
    diesel::delete(line_products::table.filter(line_products::order_line_id.eq(line)))
        .execute(conn)?;
    Ok(())
}

/// Lines of a channel's open orders that were sold as this variant, with their order.
pub(in crate::erp::orders) fn lines_of_variant(
    conn: &mut DbConnection,
    channel: ChannelId,
    variant: &str,
) -> Result<Vec<LineRow>, DbError> {
    Ok(order_lines::table
        .inner_join(orders::table)
        .filter(order_lines::variant_external_id.eq(variant))
        .filter(orders::channel_id.eq(channel))
        .filter(orders::cancelled_at.is_null())
        .filter(orders::deleted_at_source.is_null())
        .filter(order_lines::shipped_quantity.eq(0))
        .filter(order_lines::fulfilled_elsewhere.eq(0))
        .order((order_lines::order_id.asc(), order_lines::id.asc()))
        .select(LineRow::as_select())
        .load(conn)?)
}
