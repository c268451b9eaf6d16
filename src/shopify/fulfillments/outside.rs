//! Fulfilments as Shopify tells them: our own ones that were cancelled there, and those that others made.
use serde_json::json;

use super::queries::{self, PushState};
use crate::erp::orders::OrderError;
use crate::erp::shipping::outside::{self, OutsideShipment, OutsideState, Told};
use crate::erp::shipping::{self, ShipError, ShipmentState, queries as shipments};
use crate::erp::timeline::{self, Actor, Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::apply::booking::tell_apart_for;
use crate::shopify::locations;
use crate::shopify::orders::Fulfillment;
use crate::shopify::shops::Shop;
use crate::types::{At, OrderId, ShipmentId};

/// Takes in fulfilments of an order that is known here.
///
/// # Errors
///
/// `NotFound`.
pub(crate) fn receive(
    conn: &mut DbConnection,
    shop: &Shop,
    order: (OrderId, &str),
    (told, fulfillments): (Told, &[Fulfillment]),
    actor: &Actor,
    now: At,
) -> Result<(), OrderError> {
    if fulfillments.is_empty() {
        return Ok(());
    }
    let (id, external_id) = order;
    for cancelled in fulfillments.iter().filter(|one| one.is_cancelled) {
        cancelled_there(conn, shop, id, &cancelled.gid, actor, now)?;
    }
    let others = tell_apart_for(conn, shop.id, external_id, fulfillments)?;
    let mut seen = Vec::new();
    for one in others {
        seen.push(outside_shipment(conn, shop, one, now)?);
    }
    outside::receive(conn, id, told, &seen, actor, now)
}

fn outside_shipment(
    conn: &mut DbConnection,
    shop: &Shop,
    one: &Fulfillment,
    now: At,
) -> Result<OutsideShipment, DbError> {
    let shipped_at = one.created_at.unwrap_or(now);
    // What left before the store was connected had left the shelves before they were counted here.
    let counts = shipped_at >= shop.installed_at;
    let stock_from = match &one.location {
        Some(location) if counts => locations::resolve(conn, shop.id, location)?,
        Some(_) | None => None,
    };
    Ok(OutsideShipment {
        external_id: one.gid.clone(),
        state: match (one.is_cancelled, one.is_delivered) {
            (true, _) => OutsideState::Cancelled,
            (false, true) => OutsideState::Delivered,
            (false, false) => OutsideState::Shipped,
        },
        updated_at: one.updated_at.unwrap_or(shipped_at),
        shipped_at,
        stock_from,
        tracking: one.tracking.clone(),
        lines: one.lines.clone(),
    })
}

/// A fulfilment of ours that somebody cancelled in Shopify: the shipment is undone here too. Where only a part of
/// the shipment was cancelled, a person has to see both sides.
fn cancelled_there(
    conn: &mut DbConnection,
    shop: &Shop,
    order: OrderId,
    gid: &str,
    actor: &Actor,
    now: At,
) -> Result<(), OrderError> {
    let Some((push, shipment)) = queries::find_done(conn, shop.id, gid)? else {
        return Ok(());
    };
    queries::mark_state(conn, push, PushState::Cancelled)?;
    let Some(row) = shipments::find(conn, shipment)? else {
        return Ok(());
    };
    if row.state == ShipmentState::Undone {
        return Ok(());
    }
    if is_whole(conn, shipment)? {
        return match shipping::undone_by_channel(conn, shipment, actor, now) {
            Ok(()) => Ok(()),
            Err(ShipError::Db(error)) => Err(OrderError::Db(error)),
            Err(
                ShipError::NotFound
                | ShipError::Changed
                | ShipError::NotShippable(_)
                | ShipError::Invalid(_)
                | ShipError::AlreadyUndone,
            ) => Ok(()),
        };
    }
    let reason = "a part of this shipment was cancelled in Shopify: undo the shipment here, then ship what left";
    let arguments = json!({ "shipment": shipment.0, "reason": reason });
    let entry = Entry::new(Kind::PushFailed, arguments);
    timeline::record(conn, order, entry, actor, now)?;
    Ok(())
}

/// Whether nothing of the shipment stands in Shopify any more.
fn is_whole(conn: &mut DbConnection, shipment: ShipmentId) -> Result<bool, DbError> {
    let pushes = queries::list_of_shipment(conn, shipment)?;
    Ok(pushes.iter().all(|push| push.state == PushState::Cancelled))
}
