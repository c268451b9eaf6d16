//! Applies an order that Shopify was asked for: from its translation on the same road as a webhook's.
use super::booking::{Booking, Told, book};
use super::{payments, unreadable};
use crate::erp::orders::incoming::{Shape, Source};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::Outcome;
use crate::shopify::enrich;
use crate::shopify::gid::{Gid, Order};
use crate::shopify::orders::fetch::Fetched;
use crate::shopify::orders::graphql;
use crate::shopify::shops::Shop;
use crate::types::At;

/// Books an order as it was when it was asked for, and has asked what it does not tell. `name` is the query that
/// brought it.
///
/// # Errors
///
/// The database's; everything else is an [`Outcome`].
pub fn apply_fetched(
    conn: &mut DbConnection,
    shop: &Shop,
    fetched: &Fetched,
    name: &str,
    now: At,
) -> Result<Outcome, DbError> {
    let outcome = book_fetched(conn, shop, fetched, name, now)?;
    if let Some(order) = Gid::<Order>::parse(&fetched.node.id) {
        enrich::enqueue_fetched(conn, shop, &order.digits(), now)?;
    }
    Ok(outcome)
}

/// As [`apply_fetched`], for who asks about the rest by itself.
///
/// # Errors
///
/// The database's; everything else is an [`Outcome`].
pub(crate) fn book_fetched(
    conn: &mut DbConnection,
    shop: &Shop,
    fetched: &Fetched,
    name: &str,
    now: At,
) -> Result<Outcome, DbError> {
    let refunds = fetched.refunds.as_deref();
    let translated = match graphql::translate(&fetched.node, refunds, fetched.asked_at) {
        Ok(translated) => translated,
        Err(wrong) => return Ok(unreadable(&wrong)),
    };
    let (told, body) = (Told::new(translated), fetched.body());
    let source = Source {
        shape: Shape::Graphql,
        api_version: &fetched.api_version,
        event: None,
        name,
        body: &body,
    };
    let booking = Booking::new(conn, shop, &told, source)?;
    let external_id = booking.order.external_id.clone();
    let outcomes = book(conn, shop, &[booking], now)?;
    let refused = payments::fetched(conn, shop, &external_id, &fetched.node, now)?;
    let outcome = outcomes.into_iter().next().ok_or(DbError::Interrupted)?;
    Ok(refused.unwrap_or(outcome))
}
