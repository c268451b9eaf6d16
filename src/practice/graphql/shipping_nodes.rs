//! Fulfillment orders and fulfillments as GraphQL objects.

use super::value::{
    Conn, Obj, Ref, Val, bag, id, leaf, maybe, null, obj, object, plain, time, unsigned,
};
use crate::practice::fulfillments;
use crate::practice::model::{
    FoLine, FoStatus, Fulfillment, FulfillmentLine, FulfillmentOrder, Hold, Order,
};
use crate::practice::state::State;

pub(super) fn make(state: &State, found: Ref) -> Option<Obj> {
    match found {
        Ref::FulfillmentOrder(id) => {
            let order = fulfillments::order_of(state, id)?;
            order
                .fulfillment_orders
                .iter()
                .find(|one| one.id == id)
                .map(|one| fulfillment_order(state, order, one))
        }
        Ref::Fulfillment(id) => {
            let order = fulfillments::order_of_fulfillment(state, id)?;
            order
                .fulfillments
                .iter()
                .find(|one| one.id == id)
                .map(|one| fulfillment(order, one))
        }
        Ref::Shop
        | Ref::App
        | Ref::Installation
        | Ref::Location(_)
        | Ref::Subscription(_)
        | Ref::Product(_)
        | Ref::Variant(_)
        | Ref::Item(_)
        | Ref::Level(..)
        | Ref::Customer(_)
        | Ref::Order(_)
        | Ref::Line(..)
        | Ref::Refund(..)
        | Ref::Return(..)
        | Ref::Transaction(..) => None,
    }
}

fn fulfillment_order(state: &State, order: &Order, one: &FulfillmentOrder) -> Obj {
    let lines = one.lines.iter().map(|line| fo_line(order, line));
    let actions = actions(one).iter().map(|action| {
        object(
            "FulfillmentOrderSupportedAction",
            [("action", leaf(*action)), ("externalUrl", null())],
        )
    });
    let shipping = order.shipping.first().map(|line| line.title.clone());
    let method = object(
        "DeliveryMethod",
        [
            ("id", id("DeliveryMethod", one.id)),
            ("methodType", leaf(one.method.as_str())),
            ("presentedName", maybe(shipping.clone())),
            ("serviceCode", maybe(shipping)),
            ("sourceReference", null()),
            ("minDeliveryDateTime", null()),
            ("maxDeliveryDateTime", null()),
        ],
    );
    obj(
        "FulfillmentOrder",
        [
            ("id", id("FulfillmentOrder", one.id)),
            ("status", leaf(one.status.text())),
            (
                "requestStatus",
                leaf(if one.accepted {
                    "ACCEPTED"
                } else {
                    "UNSUBMITTED"
                }),
            ),
            ("order", Val::Ref(Ref::Order(order.id))),
            ("orderId", id("Order", order.id)),
            ("orderName", leaf(order.name())),
            ("orderProcessedAt", time(order.created_at)),
            (
                "fulfillAt",
                time(one.fulfill_at.unwrap_or(order.created_at)),
            ),
            ("fulfillBy", null()),
            ("channelId", null()),
            ("assignedLocation", assigned(state, one.location_id)),
            ("deliveryMethod", method),
            ("destination", destination(order, one)),
            (
                "fulfillmentHolds",
                Val::List(one.holds.iter().map(hold).collect()),
            ),
            ("supportedActions", Val::List(actions.collect())),
            ("lineItems", Conn::listed("FulfillmentOrderLineItem", lines)),
            (
                "fulfillmentOrdersForMerge",
                Conn::listed("FulfillmentOrder", []),
            ),
            ("remainingLineItemsWeight", null()),
            ("createdAt", time(one.created_at)),
            ("updatedAt", time(one.updated_at)),
        ],
    )
}

fn actions(one: &FulfillmentOrder) -> &'static [&'static str] {
    match one.status {
        // Another app's service is on it.
        FoStatus::Open | FoStatus::InProgress if one.accepted => &[],
        FoStatus::Scheduled => &["MARK_AS_OPEN"],
        FoStatus::Open => &["CREATE_FULFILLMENT", "HOLD", "MOVE"],
        FoStatus::InProgress => &["CREATE_FULFILLMENT", "MOVE"],
        FoStatus::OnHold => &["RELEASE_HOLD"],
        FoStatus::Closed | FoStatus::Cancelled => &[],
    }
}

fn assigned(state: &State, location_id: u64) -> Val {
    let Some(location) = state.locations.get(location_id) else {
        return null();
    };
    let place = &location.address;
    object(
        "FulfillmentOrderAssignedLocation",
        [
            ("name", leaf(location.name.as_str())),
            ("location", Val::Ref(Ref::Location(location_id))),
            ("address1", leaf(place.address1.as_str())),
            ("address2", null()),
            ("city", leaf(place.city.as_str())),
            ("province", maybe(place.province.clone())),
            ("zip", leaf(place.zip.as_str())),
            ("countryCode", leaf(place.country_code.as_str())),
            ("phone", maybe(place.phone.clone())),
        ],
    )
}

fn destination(order: &Order, one: &FulfillmentOrder) -> Val {
    let Some(place) = order
        .shipping_address
        .as_ref()
        .filter(|_| matches!(one.method.as_str(), "SHIPPING" | "LOCAL"))
    else {
        return null();
    };
    object(
        "FulfillmentOrderDestination",
        [
            ("id", id("FulfillmentOrderDestination", one.id)),
            ("firstName", maybe(place.first_name.clone())),
            ("lastName", maybe(place.last_name.clone())),
            ("company", maybe(place.company.clone())),
            ("address1", leaf(place.address1.as_str())),
            ("address2", maybe(place.address2.clone())),
            ("city", leaf(place.city.as_str())),
            ("province", maybe(place.province.clone())),
            ("zip", leaf(place.zip.as_str())),
            ("countryCode", leaf(place.country_code.as_str())),
            ("phone", maybe(place.phone.clone())),
            ("email", maybe(order.email.clone())),
            ("location", null()),
        ],
    )
}

pub(super) fn hold(one: &Hold) -> Val {
    let reason = one.reason.to_lowercase().replace('_', " ");
    object(
        "FulfillmentHold",
        [
            ("id", id("FulfillmentHold", one.id)),
            ("handle", maybe(one.handle.clone())),
            ("reason", leaf(one.reason.as_str())),
            ("reasonNotes", maybe(one.notes.clone())),
            ("displayReason", leaf(reason)),
            (
                "heldByApp",
                if one.by_app {
                    Val::Ref(Ref::App)
                } else {
                    null()
                },
            ),
            ("heldByRequestingApp", leaf(one.by_app)),
        ],
    )
}

fn fo_line(order: &Order, one: &FoLine) -> Val {
    let Some(line) = order.line(one.line_id) else {
        return null();
    };
    object(
        "FulfillmentOrderLineItem",
        [
            ("id", id("FulfillmentOrderLineItem", one.id)),
            ("lineItem", Val::Ref(Ref::Line(order.id, line.id))),
            (
                "variant",
                line.variant_id
                    .map_or_else(null, |id| Val::Ref(Ref::Variant(id))),
            ),
            (
                "inventoryItemId",
                line.inventory_item_id
                    .map_or_else(null, |item| id("InventoryItem", item)),
            ),
            ("sku", maybe(line.sku.clone())),
            ("productTitle", leaf(line.title.as_str())),
            ("variantTitle", maybe(line.variant_title.clone())),
            ("vendor", maybe(line.vendor.clone())),
            ("totalQuantity", leaf(one.total)),
            ("remainingQuantity", leaf(one.remaining)),
            ("requiresShipping", leaf(line.requires_shipping)),
            ("originalUnitPriceSet", bag(order, line.price)),
            (
                "weight",
                object(
                    "Weight",
                    [
                        ("value", leaf(f64::from(line.grams))),
                        ("unit", leaf("GRAMS")),
                    ],
                ),
            ),
            ("shippingLine", null()),
        ],
    )
}

fn fulfillment(order: &Order, one: &Fulfillment) -> Obj {
    let lines = one.lines.iter().map(|line| fulfillment_line(order, line));
    let orders = one
        .fulfillment_order_ids
        .iter()
        .map(|id| Val::Ref(Ref::FulfillmentOrder(*id)));
    obj(
        "Fulfillment",
        [
            ("id", id("Fulfillment", one.id)),
            ("legacyResourceId", unsigned(one.id)),
            ("name", leaf(one.name.as_str())),
            (
                "status",
                leaf(if one.cancelled {
                    "CANCELLED"
                } else {
                    "SUCCESS"
                }),
            ),
            (
                "displayStatus",
                leaf(match &one.shipment_status {
                    _ if one.cancelled => "CANCELED".to_owned(),
                    Some(status) => status.to_uppercase(),
                    None => "FULFILLED".to_owned(),
                }),
            ),
            ("order", Val::Ref(Ref::Order(order.id))),
            ("location", Val::Ref(Ref::Location(one.location_id))),
            ("requiresShipping", leaf(true)),
            ("service", null()),
            (
                "totalQuantity",
                leaf(one.lines.iter().map(|line| line.quantity).sum::<i64>()),
            ),
            ("trackingInfo", Val::List(tracking(one))),
            (
                "fulfillmentLineItems",
                Conn::listed("FulfillmentLineItem", lines),
            ),
            (
                "fulfillmentOrders",
                Conn::listed("FulfillmentOrder", orders),
            ),
            (
                "deliveredAt",
                match one.shipment_status.as_deref() {
                    Some("delivered") => time(one.updated_at),
                    Some(_) | None => null(),
                },
            ),
            ("inTransitAt", null()),
            ("estimatedDeliveryAt", null()),
            ("createdAt", time(one.created_at)),
            ("updatedAt", time(one.updated_at)),
        ],
    )
}

/// One entry for each number; a link without a number stands alone.
fn tracking(one: &Fulfillment) -> Vec<Val> {
    let known = &one.tracking;
    let entries = known.numbers.len().max(known.urls.len());
    (0..entries)
        .map(|nth| {
            object(
                "FulfillmentTrackingInfo",
                [
                    ("company", maybe(known.company.clone())),
                    ("number", maybe(known.numbers.get(nth).cloned())),
                    ("url", maybe(known.urls.get(nth).cloned())),
                ],
            )
        })
        .collect()
}

fn fulfillment_line(order: &Order, one: &FulfillmentLine) -> Val {
    let Some(line) = order.line(one.line_id) else {
        return null();
    };
    let (gross, net) = (
        line.price.times(one.quantity),
        line.price.times(one.quantity) - line.discount.part(one.quantity, line.quantity),
    );
    object(
        "FulfillmentLineItem",
        [
            ("id", id("FulfillmentLineItem", one.id)),
            ("lineItem", Val::Ref(Ref::Line(order.id, line.id))),
            ("quantity", leaf(one.quantity)),
            ("originalTotal", plain(order, gross)),
            ("originalTotalSet", bag(order, gross)),
            ("discountedTotal", plain(order, net)),
            ("discountedTotalSet", bag(order, net)),
        ],
    )
}
