//! SQL that says what we know of a store's orders.
use std::collections::HashMap;

use diesel::prelude::*;

use crate::erp::orders::incoming::PaymentState;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::Status;
use crate::schema::{order_tombstones, orders, webhook_events};
use crate::shopify::shops::Shop;
use crate::shopify::sync::compare::Ours;
use crate::types::{At, ChannelId};

/// An order of ours, as sets are compared.
#[derive(Clone, Debug, Queryable)]
pub struct OurOrder {
    pub id: i64,
    pub external_id: String,
    pub name: String,
    pub version: At,
    pub placed_at: At,
    pub payment_state: PaymentState,
    pub cancelled_at: Option<At>,
}

/// What we know of these orders.
pub(in crate::shopify::sync) fn known(
    conn: &mut DbConnection,
    shop: &Shop,
    ids: &[&str],
) -> Result<HashMap<String, Ours>, DbError> {
    let booked: Vec<(String, At, Option<At>)> = orders::table
        .filter(orders::channel_id.eq(shop.channel))
        .filter(orders::external_id.eq_any(ids))
        .select((
            orders::external_id,
            orders::source_updated_at,
            orders::deleted_at_source,
        ))
        .load(conn)?;
    let deleted: Vec<String> = order_tombstones::table
        .filter(order_tombstones::channel_id.eq(shop.channel))
        .filter(order_tombstones::external_id.eq_any(ids))
        .select(order_tombstones::external_id)
        .load(conn)?;
    let mut known: HashMap<String, Ours> = booked
        .into_iter()
        .map(|(id, version, gone)| {
            let ours = gone.map_or(Ours::Version(version), |_at| Ours::Deleted);
            (id, ours)
        })
        .collect();
    known.extend(deleted.into_iter().map(|id| (id, Ours::Deleted)));
    Ok(known)
}

/// Those of these orders of which a webhook is stored and not applied yet.
pub(in crate::shopify::sync) fn awaited(
    conn: &mut DbConnection,
    shop: &Shop,
    ids: &[&str],
) -> Result<Vec<String>, DbError> {
    let prefix = format!("{}/order/", shop.domain);
    let keys: Vec<String> = ids.iter().map(|id| format!("{prefix}{id}")).collect();
    let open: Vec<Option<String>> = webhook_events::table
        .filter(webhook_events::key.eq_any(keys))
        .filter(webhook_events::status.lt(Status::Done.code()))
        .select(webhook_events::key)
        .distinct()
        .load(conn)?;
    Ok(open
        .iter()
        .flatten()
        .filter_map(|key| key.strip_prefix(&prefix).map(str::to_owned))
        .collect())
}

/// A page of our orders that were placed in a span of time, by time and id, without what the store has deleted.
pub(in crate::shopify::sync) fn list_placed(
    conn: &mut DbConnection,
    channel: ChannelId,
    (from, to): (At, At),
    after: Option<(At, i64)>,
    at_most: i64,
) -> Result<Vec<OurOrder>, DbError> {
    let mut wanted = orders::table
        .filter(orders::placed_at.ge(from))
        .filter(orders::placed_at.lt(to))
        .filter(orders::channel_id.eq(channel))
        .filter(orders::deleted_at_source.is_null())
        .order((orders::placed_at.asc(), orders::id.asc()))
        .limit(at_most)
        .select((
            orders::id,
            orders::external_id,
            orders::name,
            orders::source_updated_at,
            orders::placed_at,
            orders::payment_state,
            orders::cancelled_at,
        ))
        .into_boxed();
    if let Some((at, id)) = after {
        let behind = orders::placed_at
            .gt(at)
            .or(orders::placed_at.eq(at).and(orders::id.gt(id)));
        wanted = wanted.filter(behind);
    }
    Ok(wanted.load(conn)?)
}

/// How many orders of ours were placed in a span of time.
pub(in crate::shopify::sync) fn count_placed(
    conn: &mut DbConnection,
    channel: ChannelId,
    (from, to): (At, At),
) -> Result<i64, DbError> {
    Ok(orders::table
        .filter(orders::placed_at.ge(from))
        .filter(orders::placed_at.lt(to))
        .filter(orders::channel_id.eq(channel))
        .count()
        .get_result(conn)?)
}
