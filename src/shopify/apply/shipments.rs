//! What was shipped, as orders and `fulfillments/*` tell it.
use crate::erp::orders::OrderError;
use crate::erp::orders::queries as orders;
use crate::erp::shipping::outside::Told;
use crate::erp::timeline::Actor;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::queue::Outcome;
use crate::shopify::enrich;
use crate::shopify::fulfillments::outside;
use crate::shopify::orders::{Fulfillment, TranslateError, fulfillment, read};
use crate::shopify::payloads;
use crate::shopify::shops::Shop;
use crate::types::At;

use super::unreadable;

/// The fulfilments in the body of an order that is known here already: with them its stock leaves before the order's
/// promises are looked at. An outcome where that fails.
pub(super) fn of_order(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    (external_id, listed): (&str, &[Fulfillment]),
    now: At,
) -> Result<Option<Outcome>, DbError> {
    let told = (Told::All, listed);
    Ok(receive(conn, shop, event, external_id, told, now)?.err())
}

/// `fulfillments/create` and `fulfillments/update`.
pub(super) fn one(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    let body: payloads::Fulfillment = match read(&event.body) {
        Ok(body) => body,
        Err(wrong) => return Ok(unreadable(&wrong)),
    };
    let missing = |path: &str| {
        unreadable(&TranslateError {
            path: path.to_owned(),
            reason: "it is missing".to_owned(),
        })
    };
    let Some(order) = body.order_id.clone() else {
        return Ok(missing("order_id"));
    };
    let Some(told) = fulfillment(&body) else {
        return Ok(missing("id"));
    };
    let told = (Told::One, std::slice::from_ref(&told));
    if let Err(outcome) = receive(conn, shop, event, &order.0, told, now)? {
        return Ok(outcome);
    }
    enrich::enqueue(conn, shop, &order.0, None, now)?;
    Ok(Outcome::Done)
}

fn receive(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    external_id: &str,
    told: (Told, &[Fulfillment]),
    now: At,
) -> Result<Result<(), Outcome>, DbError> {
    if told.1.is_empty() {
        return Ok(Ok(()));
    }
    let Some(id) = orders::find_external_id(conn, shop.channel, external_id)? else {
        return Ok(Ok(()));
    };
    let actor = Actor::source(format!("event:{}", event.id));
    match outside::receive(conn, shop, (id, external_id), told, &actor, now) {
        Ok(()) => Ok(Ok(())),
        Err(OrderError::Db(error)) => Err(error),
        Err(
            error @ (OrderError::NotFound(_)
            | OrderError::Changed
            | OrderError::NoSuchHold
            | OrderError::Quantity
            | OrderError::Stock(_)),
        ) => Ok(Err(Outcome::dead(error.to_string()))),
    }
}
