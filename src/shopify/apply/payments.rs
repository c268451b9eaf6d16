//! `order_transactions/create`: a payment finds its order.
use crate::erp::orders::queries as orders;
use crate::erp::payments;
use crate::erp::timeline::Actor;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::queue::Outcome;
use crate::shopify::shops::Shop;
use crate::shopify::transactions::translate;
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
