//! Payments find their order: one that a webhook tells, or all that the API knows.
use crate::erp::orders::queries as orders;
use crate::erp::payments;
use crate::erp::timeline::Actor;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::queue::Outcome;
use crate::shopify::orders::graphql::Node;
use crate::shopify::shops::Shop;
use crate::shopify::transactions::{of_node, translate};
use crate::types::At;

use super::unreadable;

pub(super) fn transaction(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    let (external_id, payment) = match translate(&event.body) {
        Ok(translated) => translated,
        Err(wrong) => return Ok(unreadable(&wrong)),
    };
    let Some(order) = orders::find_external(conn, shop.channel, &external_id)? else {
        // It may overtake its order, which asks for all of its payments when it comes.
        return Ok(Outcome::nothing_to_do(
            "its order has not come yet: it brings its payments itself",
        ));
    };
    let actor = Actor::source(format!("event:{}", event.id));
    let news = payments::receive(conn, order.id, &[payment], &actor, now)?;
    Ok(if news > 0 {
        Outcome::Done
    } else {
        Outcome::nothing_to_do("this payment is known")
    })
}

/// Keeps all payments of an order that was asked for; says what cannot be read.
pub(super) fn fetched(
    conn: &mut DbConnection,
    shop: &Shop,
    external_id: &str,
    node: &Node,
    now: At,
) -> Result<Option<Outcome>, DbError> {
    let told = match of_node(node) {
        Ok(told) => told,
        Err(wrong) => return Ok(Some(unreadable(&wrong))),
    };
    if let Some(order) = orders::find_external(conn, shop.channel, external_id)? {
        payments::receive(conn, order.id, &told, &Actor::default(), now)?;
    }
    Ok(None)
}
