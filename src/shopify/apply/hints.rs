//! Topics that tell what another road brings in: they are stored, understood as far as they name their
//! record, and nothing is booked from them.
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::queue::{Outcome, Queue, queries as queue};
use crate::shopify::bulk_cause;
use crate::shopify::gid::{self, Gid};
use crate::shopify::inventory::{self, Told};
use crate::shopify::orders::{TranslateError, read};
use crate::shopify::payloads::{self, Id};
use crate::shopify::shops::Shop;
use crate::types::At;

use super::{sent_at, unreadable};

const ORDER_CARRIES_IT: &str =
    "the order's own webhook carries it: nothing is booked from this one";

/// `fulfillment_orders/*` and the like: any object will do.
pub(super) fn of_order(event: &EventRow) -> Outcome {
    match read::<payloads::Nothing>(&event.body) {
        Ok(_) => Outcome::nothing_to_do(ORDER_CARRIES_IT),
        Err(wrong) => unreadable(&wrong),
    }
}

/// A refund, a fulfilment, an edit: its order has to be named.
pub(super) fn of_named_order(event: &EventRow) -> Outcome {
    match read::<payloads::OfOrder>(&event.body).and_then(named) {
        Ok(_) => Outcome::nothing_to_do(ORDER_CARRIES_IT),
        Err(wrong) => unreadable(&wrong),
    }
}

fn named(body: payloads::OfOrder) -> Result<Id, TranslateError> {
    let edited = body.order_edit.and_then(|edit| edit.order_id);
    let whole_order = body.line_items.is_some() && body.order_id.is_none();
    body.order_id.or(edited).ok_or_else(|| TranslateError {
        path: "order_id".to_owned(),
        reason: if whole_order {
            "it is missing: this is the body of another topic".to_owned()
        } else {
            "it is missing".to_owned()
        },
    })
}

/// `inventory_levels/update`: a hint, which the store's sync looks into where it is on.
pub(super) fn of_stock(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    let level = match read::<payloads::StockLevel>(&event.body) {
        Ok(level) => level,
        Err(wrong) => return Ok(unreadable(&wrong)),
    };
    let Some(item) = level.inventory_item_id else {
        return Ok(unreadable(&TranslateError {
            path: "inventory_item_id".to_owned(),
            reason: "it is missing".to_owned(),
        }));
    };
    let told = Told {
        item: &item.0,
        place: level
            .location_id
            .as_ref()
            .map_or("", |place| place.0.as_str()),
        available: level.available,
        at: sent_at(event),
    };
    if inventory::on_told(conn, shop, told, now)? {
        Ok(Outcome::Done)
    } else {
        Ok(Outcome::nothing_to_do(
            "the stock of this store is not kept in step",
        ))
    }
}

/// `bulk_operations/finish`: whoever waits for this operation goes on.
pub(super) fn finish_bulk_operation(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    let finished: payloads::BulkOperation = match read(&event.body) {
        Ok(finished) => finished,
        Err(wrong) => return Ok(unreadable(&wrong)),
    };
    let gid = finished.admin_graphql_api_id.unwrap_or_default();
    let Some(operation) = Gid::<gid::BulkOperation>::parse(&gid) else {
        return Ok(unreadable(&TranslateError {
            path: "admin_graphql_api_id".to_owned(),
            reason: "it names no bulk operation".to_owned(),
        }));
    };
    let woken = queue::wake(conn, Queue::Jobs, &bulk_cause(shop.id, operation), now)?;
    Ok(if woken > 0 {
        Outcome::Done
    } else {
        Outcome::nothing_to_do("nothing waits for this operation")
    })
}
