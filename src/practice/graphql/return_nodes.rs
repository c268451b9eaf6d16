//! Returns as GraphQL objects.

use super::value::{Conn, Obj, Ref, Val, id, leaf, maybe_time, null, obj, object, time};
use crate::practice::model::{Disposition, ExchangeLine, Order, Return, ReturnLine};
use crate::practice::state::State;

pub(super) fn make(state: &State, order_id: u64, return_id: u64) -> Option<Obj> {
    let order = state.orders.get(order_id)?;
    let one = order.returns.iter().find(|one| one.id == return_id)?;
    Some(whole(order, one))
}

/// The order of a return.
pub(super) fn find(state: &State, return_id: u64) -> Option<Ref> {
    let mut orders = state.orders.iter();
    let order = orders.find(|order| order.returns.iter().any(|one| one.id == return_id))?;
    Some(Ref::Return(order.id, return_id))
}

fn whole(order: &Order, one: &Return) -> Obj {
    let decline = if one.status == "DECLINED" {
        object(
            "ReturnDecline",
            [
                ("reason", leaf("RETURN_PERIOD_ENDED")),
                ("note", leaf("It is too long ago")),
            ],
        )
    } else {
        null()
    };
    let total: i64 = one.lines.iter().map(|line| line.quantity).sum();
    obj(
        "Return",
        [
            ("id", id("Return", one.id)),
            ("name", leaf(one.name.as_str())),
            ("status", leaf(one.status.as_str())),
            ("createdAt", time(one.created_at)),
            ("closedAt", maybe_time(one.closed_at)),
            ("requestApprovedAt", null()),
            ("totalQuantity", leaf(total)),
            ("order", Val::Ref(Ref::Order(order.id))),
            ("decline", decline),
            (
                "returnLineItems",
                Conn::listed(
                    "ReturnLineItemType",
                    one.lines.iter().map(|line| return_line(order, line)),
                ),
            ),
            (
                "exchangeLineItems",
                Conn::listed(
                    "ExchangeLineItem",
                    one.exchange.iter().map(|line| exchange_line(order, line)),
                ),
            ),
            (
                "reverseFulfillmentOrders",
                Conn::listed("ReverseFulfillmentOrder", [reverse(order, one)]),
            ),
        ],
    )
}

fn fulfilled(order: &Order, line: &ReturnLine) -> Val {
    object(
        "FulfillmentLineItem",
        [
            ("id", id("FulfillmentLineItem", line.fulfillment_line_id)),
            ("lineItem", Val::Ref(Ref::Line(order.id, line.line_id))),
            ("quantity", leaf(line.quantity)),
        ],
    )
}

fn return_line(order: &Order, line: &ReturnLine) -> Val {
    let reason = object(
        "ReturnReasonDefinition",
        [
            ("id", id("ReturnReasonDefinition", 1)),
            ("handle", leaf("unwanted")),
            ("name", leaf("Unwanted")),
            ("deleted", leaf(false)),
        ],
    );
    object(
        "ReturnLineItem",
        [
            ("id", id("ReturnLineItem", line.id)),
            ("quantity", leaf(line.quantity)),
            ("processedQuantity", leaf(line.processed)),
            ("processableQuantity", leaf(line.quantity - line.processed)),
            ("unprocessedQuantity", leaf(line.quantity - line.processed)),
            ("refundedQuantity", leaf(line.refunded)),
            ("refundableQuantity", leaf(line.quantity - line.refunded)),
            ("returnReasonNote", leaf(line.note.as_str())),
            ("customerNote", null()),
            ("returnReason", leaf("UNWANTED")),
            ("returnReasonDefinition", reason),
            ("fulfillmentLineItem", fulfilled(order, line)),
        ],
    )
}

fn exchange_line(order: &Order, line: &ExchangeLine) -> Val {
    let title = order.line(line.line_id).map(|line| line.title.clone());
    object(
        "ExchangeLineItem",
        [
            ("id", id("ExchangeLineItem", line.id)),
            ("quantity", leaf(line.quantity)),
            ("processedQuantity", leaf(0)),
            ("processableQuantity", leaf(line.quantity)),
            ("unprocessedQuantity", leaf(line.quantity)),
            ("title", leaf(title)),
            (
                "lineItems",
                Val::List(vec![Val::Ref(Ref::Line(order.id, line.line_id))]),
            ),
        ],
    )
}

fn reverse(order: &Order, one: &Return) -> Val {
    let lines = one.lines.iter().map(|line| {
        let done = one
            .dispositions
            .iter()
            .filter(|done| done.reverse_id == line.reverse_id);
        object(
            "ReverseFulfillmentOrderLineItem",
            [
                ("id", id("ReverseFulfillmentOrderLineItem", line.reverse_id)),
                ("totalQuantity", leaf(line.quantity)),
                ("fulfillmentLineItem", fulfilled(order, line)),
                (
                    "dispositions",
                    Val::List(done.map(|done| disposition(one, done)).collect()),
                ),
            ],
        )
    });
    object(
        "ReverseFulfillmentOrder",
        [
            ("id", id("ReverseFulfillmentOrder", one.reverse_order_id)),
            ("status", leaf("OPEN")),
            (
                "lineItems",
                Conn::listed("ReverseFulfillmentOrderLineItem", lines),
            ),
        ],
    )
}

fn disposition(one: &Return, done: &Disposition) -> Val {
    let kind = if done.restocked {
        "RESTOCKED"
    } else {
        "NOT_RESTOCKED"
    };
    object(
        "ReverseFulfillmentOrderDisposition",
        [
            ("id", id("ReverseFulfillmentOrderDisposition", done.id)),
            ("type", leaf(kind)),
            ("quantity", leaf(done.quantity)),
            ("createdAt", time(one.created_at)),
            ("location", Val::Ref(Ref::Location(done.location_id))),
        ],
    )
}
