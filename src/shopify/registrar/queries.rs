//! SQL of `shopify_subscriptions`.
use diesel::prelude::*;

use super::{Subscription, SubscriptionState};
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_subscriptions::{self as t, table};
use crate::schema::webhook_events;
use crate::shopify::topics;
use crate::types::{At, ShopId};

/// How a topic stands now.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) topic: &'static str,
    pub(crate) gid: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) state: SubscriptionState,
    pub(crate) error: Option<String>,
}

/// Keeps how these topics stand; a topic that is no longer in the table goes.
pub(crate) fn upsert_all(
    conn: &mut DbConnection,
    shop: ShopId,
    rows: &[Row],
    now: At,
) -> Result<(), DbError> {
    for row in rows {
        upsert(conn, shop, row, now)?;
    }
    let known: Vec<&str> = topics::registered().map(|rule| rule.topic).collect();
    let rest = table.filter(t::shop_id.eq(shop));
    diesel::delete(rest.filter(t::topic.ne_all(known))).execute(conn)?;
    Ok(())
}

fn upsert(conn: &mut DbConnection, shop: ShopId, row: &Row, now: At) -> Result<(), DbError> {
    let values = (
        t::gid.eq(&row.gid),
        t::uri.eq(&row.uri),
        t::state.eq(row.state),
        t::checked_at.eq(now),
        t::error.eq(&row.error),
    );
    native!(conn, |c| diesel::insert_into(table)
        .values((t::shop_id.eq(shop), t::topic.eq(row.topic), values))
        .on_conflict((t::shop_id, t::topic))
        .do_update()
        .set(values)
        .execute(c))?;
    Ok(())
}

pub(crate) fn list(conn: &mut DbConnection, shop: ShopId) -> Result<Vec<Subscription>, DbError> {
    Ok(table
        .filter(t::shop_id.eq(shop))
        .order(t::topic)
        .select((
            t::topic,
            t::gid,
            t::uri,
            t::state,
            t::checked_at,
            t::error,
            t::last_received_at,
        ))
        .load(conn)?)
}

pub(super) fn set_last_received(
    conn: &mut DbConnection,
    shop: ShopId,
    topic: &str,
    at: At,
) -> Result<(), DbError> {
    let row = table.filter(t::shop_id.eq(shop)).filter(t::topic.eq(topic));
    diesel::update(row)
        .set(t::last_received_at.eq(Some(at)))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn delete_all(conn: &mut DbConnection, shop: ShopId) -> Result<(), DbError> {
    diesel::delete(table.filter(t::shop_id.eq(shop))).execute(conn)?;
    Ok(())
}

pub(crate) fn last_received(conn: &mut DbConnection, domain: &str) -> Result<Option<At>, DbError> {
    Ok(webhook_events::table
        .filter(webhook_events::shop_domain.eq(domain))
        .order(webhook_events::id.desc())
        .select(webhook_events::received_at)
        .first(conn)
        .optional()?)
}
