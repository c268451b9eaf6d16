//! SQL of `shopify_fulfillment_orders` and their lines.
use std::collections::BTreeMap;

use diesel::prelude::*;

use super::mirror::{FulfillmentOrder, Hold, Line, Status};
use crate::erp::orders::checks::Handover;
use crate::insert_rows;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{
    orders, shopify_fulfillment_order_lines as l, shopify_fulfillment_orders as t,
};
use crate::types::{At, OrderId, ShopId};

#[derive(Queryable, Selectable)]
#[diesel(table_name = t)]
struct Row {
    id: i64,
    external_id: String,
    status: Status,
    request_status: String,
    actions: String,
    location_external_id: Option<String>,
    location_name: String,
    service: bool,
    method: Option<Handover>,
    method_name: Option<String>,
    fulfil_at: Option<At>,
    holds: String,
    source_updated_at: At,
}

#[derive(Insertable)]
#[diesel(table_name = l, treat_none_as_default_value = false)]
struct NewLine<'a> {
    fulfillment_order_id: i64,
    external_id: &'a str,
    line_external_id: &'a str,
    total: i64,
    remaining: i64,
}

/// The fulfillment orders of an order as they were last read.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, order: OrderId) -> Result<Vec<FulfillmentOrder>, DbError> {
    let rows: Vec<Row> = t::table
        .filter(t::order_id.eq(order))
        .order(t::id)
        .select(Row::as_select())
        .load(conn)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let pieces: Vec<(i64, String, String, i64, i64)> = l::table
        .inner_join(t::table)
        .filter(t::order_id.eq(order))
        .order(l::id)
        .select((
            l::fulfillment_order_id,
            l::external_id,
            l::line_external_id,
            l::total,
            l::remaining,
        ))
        .load(conn)?;
    let mut lines: BTreeMap<i64, Vec<Line>> = BTreeMap::new();
    for (id, external_id, line, total, remaining) in pieces {
        lines.entry(id).or_default().push(Line {
            external_id,
            line,
            total,
            remaining,
        });
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let lines = lines.remove(&row.id).unwrap_or_default();
            row.with(lines)
        })
        .collect())
}

impl Row {
    fn with(self, lines: Vec<Line>) -> FulfillmentOrder {
        let holds: Vec<Hold> = serde_json::from_str(&self.holds).unwrap_or_default();
        let actions = self.actions.split(',').filter(|word| !word.is_empty());
        FulfillmentOrder {
            external_id: self.external_id,
            status: self.status,
            request_status: self.request_status,
            actions: actions.map(str::to_owned).collect(),
            location: self.location_external_id,
            location_name: self.location_name,
            service: self.service,
            method: self.method,
            method_name: self.method_name,
            fulfil_at: self.fulfil_at,
            holds,
            source_updated_at: self.source_updated_at,
            lines,
        }
    }
}

/// When an order's fulfillment orders were last read.
///
/// # Errors
///
/// The database's.
pub fn find_read_at(conn: &mut DbConnection, order: OrderId) -> Result<Option<At>, DbError> {
    Ok(t::table
        .filter(t::order_id.eq(order))
        .order(t::id)
        .select(t::read_at)
        .first(conn)
        .optional()?)
}

/// The order, by Shopify's id, that a fulfillment order belongs to, as far as the mirror knows.
pub(super) fn find_order_of(
    conn: &mut DbConnection,
    shop: ShopId,
    external_id: &str,
) -> Result<Option<String>, DbError> {
    Ok(t::table
        .inner_join(orders::table)
        .filter(t::shop_id.eq(shop))
        .filter(t::external_id.eq(external_id))
        .select(orders::external_id)
        .first(conn)
        .optional()?)
}

/// Orders of a store of which something is still to be shipped by anybody, by their ids.
pub(super) fn list_open_orders(
    conn: &mut DbConnection,
    shop: ShopId,
    after: OrderId,
    limit: i64,
) -> Result<Vec<OrderId>, DbError> {
    Ok(t::table
        .filter(t::shop_id.eq(shop))
        .filter(t::status.ne_all([Status::Closed, Status::Cancelled]))
        .filter(t::order_id.gt(after))
        .order(t::order_id)
        .select(t::order_id)
        .distinct()
        .limit(limit)
        .load(conn)?)
}

pub(super) fn insert(
    conn: &mut DbConnection,
    shop: ShopId,
    order: OrderId,
    one: &FulfillmentOrder,
    now: At,
) -> Result<(), DbError> {
    let id: i64 = diesel::insert_into(t::table)
        .values((
            t::shop_id.eq(shop),
            t::order_id.eq(order),
            t::external_id.eq(&one.external_id),
            t::status.eq(one.status),
            t::request_status.eq(&one.request_status),
            t::actions.eq(one.actions.join(",")),
            t::location_external_id.eq(&one.location),
            t::location_name.eq(&one.location_name),
            t::service.eq(one.service),
            t::method.eq(one.method),
            t::method_name.eq(&one.method_name),
            t::fulfil_at.eq(one.fulfil_at),
            t::holds.eq(serde_json::to_string(&one.holds).unwrap_or_default()),
            t::source_updated_at.eq(one.source_updated_at),
            t::read_at.eq(now),
        ))
        .returning(t::id)
        .get_result(conn)?;
    let rows: Vec<NewLine<'_>> = one
        .lines
        .iter()
        .map(|line| NewLine {
            fulfillment_order_id: id,
            external_id: &line.external_id,
            line_external_id: &line.line,
            total: line.total,
            remaining: line.remaining,
        })
        .collect();
    if !rows.is_empty() {
        insert_rows!(conn, l::table, rows)?;
    }
    Ok(())
}

pub(super) fn set_read_at(conn: &mut DbConnection, order: OrderId, now: At) -> Result<(), DbError> {
    diesel::update(t::table.filter(t::order_id.eq(order)))
        .set(t::read_at.eq(now))
        .execute(conn)?;
    Ok(())
}

pub(super) fn delete(conn: &mut DbConnection, order: OrderId) -> Result<(), DbError> {
    let of_order = t::table.filter(t::order_id.eq(order)).select(t::id);
    diesel::delete(l::table.filter(l::fulfillment_order_id.eq_any(of_order))).execute(conn)?;
    diesel::delete(t::table.filter(t::order_id.eq(order))).execute(conn)?;
    Ok(())
}
