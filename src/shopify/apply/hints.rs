//! Topics that tell that something has changed: they are understood as far as they name their record, and it is
//! asked about where that helps.
use serde_json::Value;

use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::queue::{Outcome, Queue, queries as queue};
use crate::shopify::bulk_cause;
use crate::shopify::enrich;
use crate::shopify::gid::{self, Gid};
use crate::shopify::inventory::{self, Told};
use crate::shopify::orders::{TranslateError, read};
use crate::shopify::payloads::{self, Id};
use crate::shopify::shops::Shop;
use crate::types::At;

use super::{sent_at, unreadable};

/// A refund, a fulfilment, an edit, a risk: Shopify is asked about the order that it names.
pub(super) fn of_order(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    match read::<payloads::OfOrder>(&event.body).and_then(named) {
        Ok(order) => {
            enrich::enqueue(conn, shop, &order.0, None, now)?;
            Ok(Outcome::Done)
        }
        Err(wrong) => Ok(unreadable(&wrong)),
    }
}

fn named(body: payloads::OfOrder) -> Result<Id, TranslateError> {
    let edited = body.order_edit.and_then(|edit| edit.order_id);
    let gid = body.admin_graphql_api_order_id;
    let gid = gid.and_then(|gid| Some(Id(Gid::<gid::Order>::parse(&gid)?.digits())));
    let whole_order = body.line_items.is_some() && body.order_id.is_none();
    body.order_id
        .or(edited)
        .or(gid)
        .ok_or_else(|| TranslateError {
            path: "order_id".to_owned(),
            reason: if whole_order {
                "it is missing: this is the body of another topic".to_owned()
            } else {
                "it is missing".to_owned()
            },
        })
}

/// `fulfillment_orders/*`: whose it is, the mirror or Shopify knows.
pub(super) fn of_fulfillment_order(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    let body: serde_json::Map<String, Value> = match read(&event.body) {
        Ok(body) => body,
        Err(wrong) => return Ok(unreadable(&wrong)),
    };
    let Some(found) = first_named(&Value::Object(body)) else {
        return Ok(Outcome::nothing_to_do("it names no fulfillment order"));
    };
    enrich::enqueue_for(conn, shop, found, now)?;
    Ok(Outcome::Done)
}

/// The first fulfillment order that is named anywhere in the body: each topic has it in another place, and all of
/// one body belong to one order.
fn first_named(body: &Value) -> Option<Gid<gid::FulfillmentOrder>> {
    match body {
        Value::String(text) => Gid::parse(text),
        Value::Array(all) => all.iter().find_map(first_named),
        Value::Object(all) => all.iter().find_map(|(key, value)| match value {
            Value::Number(id) if key == "fulfillment_order_id" => id.as_u64().map(Gid::new),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => first_named(value),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
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
