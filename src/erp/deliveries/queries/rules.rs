//! SQL of the rules that stand with `channels`, and of the orders that a change of one concerns.
use diesel::dsl::exists;
use diesel::prelude::*;

use crate::erp::deliveries::flow::State;
use crate::erp::deliveries::rule::{Rule, Which};
use crate::erp::orders::work_state::WorkState;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{channels, deliveries, orders};
use crate::types::{ChannelId, OrderId};

/// The states in which an order may still leave: their indexes lead to the open orders alone.
const OPEN_ORDERS: [WorkState; 8] = [
    WorkState::Ready,
    WorkState::Short,
    WorkState::PartShipped,
    WorkState::Unmapped,
    WorkState::NeedsReview,
    WorkState::OnHold,
    WorkState::Scheduled,
    WorkState::AwaitingPickup,
];

pub(in crate::erp::deliveries) fn find(
    conn: &mut DbConnection,
    channel: ChannelId,
) -> Result<Rule, DbError> {
    let (which, methods): (String, String) = channels::table
        .find(channel)
        .select((channels::delivery_rule, channels::delivery_methods))
        .first(conn)?;
    Ok(Rule::stored(&which, &methods))
}

/// Every channel's rule.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection) -> Result<Vec<(ChannelId, Rule)>, DbError> {
    let rows: Vec<(ChannelId, String, String)> = channels::table
        .select((
            channels::id,
            channels::delivery_rule,
            channels::delivery_methods,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(channel, which, methods)| (channel, Rule::stored(&which, &methods)))
        .collect())
}

pub(in crate::erp::deliveries) fn set(
    conn: &mut DbConnection,
    channel: ChannelId,
    rule: &Rule,
) -> Result<(), DbError> {
    let methods = serde_json::to_string(&rule.methods).unwrap_or_default();
    diesel::update(channels::table.find(channel))
        .set((
            channels::delivery_rule.eq(rule.which.as_str()),
            channels::delivery_methods.eq(methods),
        ))
        .execute(conn)?;
    Ok(())
}

/// Whether a store's rule makes deliveries, or some are still to be driven.
pub(in crate::erp::deliveries) fn is_any(conn: &mut DbConnection) -> Result<bool, DbError> {
    let nothing = Which::Nothing.as_str();
    let rules = channels::table.filter(channels::delivery_rule.ne(nothing));
    if diesel::select(exists(rules)).get_result(conn)? {
        return Ok(true);
    }
    let open = deliveries::table.filter(deliveries::state.eq_any(State::OPEN.to_vec()));
    Ok(diesel::select(exists(open)).get_result(conn)?)
}

/// Open orders of a channel, and those with a delivery that is still to be driven, after `after`.
pub(in crate::erp::deliveries) fn list_concerned(
    conn: &mut DbConnection,
    channel: ChannelId,
    after: OrderId,
    limit: i64,
) -> Result<Vec<OrderId>, DbError> {
    let open: Vec<OrderId> = orders::table
        .filter(orders::channel_id.eq(channel))
        .filter(orders::work_state.eq_any(OPEN_ORDERS.to_vec()))
        .filter(orders::id.gt(after))
        .order(orders::id)
        .limit(limit)
        .select(orders::id)
        .load(conn)?;
    let driven: Vec<OrderId> = deliveries::table
        .filter(deliveries::channel_id.eq(channel))
        .filter(deliveries::state.eq_any(State::OPEN.to_vec()))
        .filter(deliveries::order_id.gt(after))
        .order(deliveries::order_id)
        .limit(limit)
        .select(deliveries::order_id)
        .load(conn)?;
    let mut all: Vec<OrderId> = open.into_iter().chain(driven).collect();
    all.sort_unstable();
    all.dedup();
    all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(all)
}
