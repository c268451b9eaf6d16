//! What orders say that decides about their deliveries, for many orders with a handful of statements.
use diesel::dsl::exists;
use diesel::prelude::*;

use super::DeliveryRow;
use crate::erp::orders::incoming::{ChargeKind, PaymentState};
use crate::erp::orders::lines::LineResolution;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{channels, deliveries, delivery_lines, order_charges, order_lines, orders};
use crate::types::{At, ChannelId, Currency, DeliveryId, OrderId, OrderLineId};

/// An order as its delivery cares.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = orders)]
pub(in crate::erp::deliveries) struct OrderFacts {
    pub(in crate::erp::deliveries) id: OrderId,
    pub(in crate::erp::deliveries) channel_id: ChannelId,
    pub(in crate::erp::deliveries) external_id: String,
    pub(in crate::erp::deliveries) name: String,
    pub(in crate::erp::deliveries) customer_name: Option<String>,
    pub(in crate::erp::deliveries) email: Option<String>,
    pub(in crate::erp::deliveries) phone: Option<String>,
    pub(in crate::erp::deliveries) shipping_address: Option<String>,
    pub(in crate::erp::deliveries) ship_city: Option<String>,
    pub(in crate::erp::deliveries) note: Option<String>,
    pub(in crate::erp::deliveries) payment_state: PaymentState,
    pub(in crate::erp::deliveries) currency: Currency,
    pub(in crate::erp::deliveries) current_total_minor: i64,
    pub(in crate::erp::deliveries) outstanding_minor: Option<i64>,
    pub(in crate::erp::deliveries) test: bool,
    pub(in crate::erp::deliveries) placed_at: At,
    pub(in crate::erp::deliveries) promised_at: Option<At>,
    pub(in crate::erp::deliveries) cancelled_at: Option<At>,
    pub(in crate::erp::deliveries) cancel_reason: Option<String>,
    pub(in crate::erp::deliveries) deleted_at_source: Option<At>,
    pub(in crate::erp::deliveries) fulfilled_at_source: bool,
}

/// Where an order came from, and what its channel delivers itself.
#[derive(Clone, Debug, Queryable)]
pub(in crate::erp::deliveries) struct ChannelFacts {
    pub(in crate::erp::deliveries) name: String,
    pub(in crate::erp::deliveries) time_zone: String,
    pub(in crate::erp::deliveries) rule: String,
    pub(in crate::erp::deliveries) methods: String,
}

/// A line of such an order.
#[derive(Clone, Debug, Queryable)]
pub(in crate::erp::deliveries) struct LineFacts {
    pub(in crate::erp::deliveries) order: OrderId,
    pub(in crate::erp::deliveries) id: OrderLineId,
    pub(in crate::erp::deliveries) title: String,
    pub(in crate::erp::deliveries) variant_title: Option<String>,
    pub(in crate::erp::deliveries) quantity: i64,
    pub(in crate::erp::deliveries) current: i64,
    pub(in crate::erp::deliveries) shipped: i64,
    pub(in crate::erp::deliveries) elsewhere: i64,
    pub(in crate::erp::deliveries) ships: bool,
    pub(in crate::erp::deliveries) resolution: LineResolution,
}

impl LineFacts {
    /// Pieces that nobody has handed over yet.
    pub(in crate::erp::deliveries) fn open(&self) -> i64 {
        (self.current - self.shipped - self.elsewhere).max(0)
    }
}

/// Those of these orders that have a delivery or whose channel may make one: one statement where there are none.
pub(in crate::erp::deliveries) fn list_orders(
    conn: &mut DbConnection,
    ids: &[OrderId],
    with_rules: bool,
) -> Result<Vec<(OrderFacts, ChannelFacts)>, DbError> {
    let has_one = exists(deliveries::table.filter(deliveries::order_id.eq(orders::id)));
    let mut query = orders::table
        .inner_join(channels::table)
        .filter(orders::id.eq_any(ids.to_vec()))
        .order(orders::id)
        .select((
            OrderFacts::as_select(),
            (
                channels::name,
                channels::time_zone,
                channels::delivery_rule,
                channels::delivery_methods,
            ),
        ))
        .into_boxed();
    if with_rules {
        query = query.filter(channels::delivery_rule.ne("none").or(has_one));
    }
    Ok(query.load(conn)?)
}

pub(in crate::erp::deliveries) fn list_lines(
    conn: &mut DbConnection,
    ids: &[OrderId],
) -> Result<Vec<LineFacts>, DbError> {
    Ok(order_lines::table
        .filter(order_lines::order_id.eq_any(ids.to_vec()))
        .order((
            order_lines::order_id,
            order_lines::position,
            order_lines::id,
        ))
        .select((
            order_lines::order_id,
            order_lines::id,
            order_lines::title,
            order_lines::variant_title,
            order_lines::quantity,
            order_lines::current_quantity,
            order_lines::shipped_quantity,
            order_lines::fulfilled_elsewhere,
            order_lines::ships,
            order_lines::resolution,
        ))
        .load(conn)?)
}

/// Titles and codes of the shipping lines of these orders.
pub(in crate::erp::deliveries) fn list_methods(
    conn: &mut DbConnection,
    ids: &[OrderId],
) -> Result<Vec<(OrderId, String, Option<String>)>, DbError> {
    Ok(order_charges::table
        .filter(order_charges::order_id.eq_any(ids.to_vec()))
        .filter(order_charges::kind.eq(ChargeKind::Shipping))
        .filter(order_charges::removed.eq(false))
        .order(order_charges::id)
        .select((
            order_charges::order_id,
            order_charges::title,
            order_charges::code,
        ))
        .load(conn)?)
}

pub(in crate::erp::deliveries) fn list_deliveries(
    conn: &mut DbConnection,
    ids: &[OrderId],
) -> Result<Vec<DeliveryRow>, DbError> {
    Ok(deliveries::table
        .filter(deliveries::order_id.eq_any(ids.to_vec()))
        .order(deliveries::id)
        .select(DeliveryRow::as_select())
        .load(conn)?)
}

/// Which lines the deliveries of these orders hold, and whether each goes another way.
pub(in crate::erp::deliveries) fn list_held(
    conn: &mut DbConnection,
    ids: &[OrderId],
) -> Result<Vec<(DeliveryId, OrderLineId, bool)>, DbError> {
    Ok(delivery_lines::table
        .inner_join(deliveries::table)
        .filter(deliveries::order_id.eq_any(ids.to_vec()))
        .select((
            delivery_lines::delivery_id,
            delivery_lines::order_line_id,
            delivery_lines::goes_apart,
        ))
        .load(conn)?)
}
