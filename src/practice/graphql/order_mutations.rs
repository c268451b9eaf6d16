//! Mutations of orders themselves: paid, captured, cancelled, changed, archived, tagged.

use jiff::Timestamp;
use serde_json::Value;

use super::mutations::{errors, payload};
use super::resolve::Ctx;
use super::value::{Args, Ref, Val, leaf, maybe_ref, null, object};
use crate::practice::fulfillments::UserError;
use crate::practice::state::State;
use crate::practice::{orders, totals, webhooks};

pub(super) fn mark_as_paid(ctx: &Ctx<'_>, args: &Args) -> Val {
    let number = args.inner("input").gid("id", "Order").unwrap_or(0);
    let paid = ctx.change(|state, now| orders::pay(state, number, now));
    let result = if paid {
        Ok(Val::Ref(Ref::Order(number)))
    } else {
        Err(UserError::new(&["id"], "Order cannot be marked as paid."))
    };
    payload("OrderMarkAsPaidPayload", "order", "UserError", result)
}

pub(super) fn cancel_order(ctx: &Ctx<'_>, args: &Args) -> Val {
    let number = args.gid("orderId", "Order").unwrap_or(0);
    let method = args.inner("refundMethod");
    let wanted = orders::Cancelling {
        reason: args.text("reason").unwrap_or_default(),
        refund: method.flag("originalPaymentMethodsRefund") || args.flag("refund"),
        restock: args.flag("restock"),
    };
    let done = ctx.change(|state, now| orders::cancel(state, number, &wanted, now));
    let list = if done {
        Vec::new()
    } else {
        vec![UserError::coded(
            &["orderId"],
            "The order cannot be cancelled.",
            "INVALID",
        )]
    };
    let job = if done {
        object(
            "Job",
            [
                (
                    "id",
                    leaf(format!("gid://shopify/Job/{}", uuid::Uuid::new_v4())),
                ),
                ("done", leaf(false)),
            ],
        )
    } else {
        null()
    };
    object(
        "OrderCancelPayload",
        [
            ("job", job),
            (
                "orderCancelUserErrors",
                errors("OrderCancelUserError", &list),
            ),
            ("userErrors", Val::List(Vec::new())),
        ],
    )
}

pub(super) fn update_order(ctx: &Ctx<'_>, args: &Args) -> Val {
    let input = args.inner("input");
    let number = input.gid("id", "Order").unwrap_or(0);
    let changed = ctx.change(|state, now| change_order(state, number, &input, now));
    let result = changed
        .map(|()| Val::Ref(Ref::Order(number)))
        .ok_or_else(|| UserError::new(&["id"], "Order does not exist"));
    payload("OrderUpdatePayload", "order", "UserError", result)
}

fn change_order(state: &mut State, number: u64, input: &Args, now: Timestamp) -> Option<()> {
    orders::change(state, number, now, |_, order| {
        if input.has("note") {
            order.note = input.text("note");
        }
        if input.is_set("tags") {
            order.tags = input.texts("tags");
        }
        if input.is_set("customAttributes") {
            let pair = |one: Value| {
                let one = Args::from_value(&one);
                (
                    one.text("key").unwrap_or_default(),
                    one.text("value").unwrap_or_default(),
                )
            };
            order.attributes = input
                .list("customAttributes")
                .into_iter()
                .map(pair)
                .collect();
        }
        if input.has("email") {
            order.email = input.text("email");
        }
    })?;
    webhooks::order(state, number, &["orders/updated"], now);
    Some(())
}

/// `orderClose` and `orderOpen`: into the archive and out of it.
pub(super) fn archive(ctx: &Ctx<'_>, kind: &'static str, args: &Args, closed: bool) -> Val {
    let number = args.inner("input").gid("id", "Order").unwrap_or(0);
    let changed = ctx.change(|state, now| {
        orders::change(state, number, now, |_, order| {
            order.closed_at = closed.then_some(now)
        })?;
        webhooks::order(state, number, &["orders/updated"], now);
        Some(Val::Ref(Ref::Order(number)))
    });
    payload(kind, "order", "UserError", changed.ok_or_else(missing))
}

/// `orderCapture`: takes the money that was authorised.
pub(super) fn capture(ctx: &Ctx<'_>, args: &Args) -> Val {
    let number = args.inner("input").gid("id", "Order").unwrap_or(0);
    let result = ctx.change(|state, now| {
        let order = state.orders.get(number).ok_or_else(missing)?;
        let authorized = totals::financial_status(order) == "authorized";
        if !authorized || !orders::pay(state, number, now) {
            return Err(UserError::new(
                &["parentTransactionId"],
                "The transaction cannot be captured.",
            ));
        }
        let last = state
            .orders
            .get(number)
            .and_then(|order| order.transactions.last());
        Ok(maybe_ref(last.map(|one| Ref::Transaction(number, one.id))))
    });
    payload("OrderCapturePayload", "transaction", "UserError", result)
}

/// `tagsAdd` and `tagsRemove` on orders and products.
pub(super) fn tag(ctx: &Ctx<'_>, kind: &'static str, args: &Args, add: bool) -> Val {
    let wanted = args.texts("tags");
    let retag = |tags: &mut Vec<String>| {
        tags.retain(|tag| !wanted.contains(tag));
        if add {
            tags.extend(wanted.iter().cloned());
        }
    };
    let found = ctx.change(|state, now| {
        if let Some(number) = args.gid("id", "Order") {
            orders::change(state, number, now, |_, order| retag(&mut order.tags))?;
            webhooks::order(state, number, &["orders/updated"], now);
            return Some(Ref::Order(number));
        }
        let number = args.gid("id", "Product")?;
        let product = state.products.get_mut(number)?;
        retag(&mut product.tags);
        product.updated_at = orders::later(product.updated_at, now);
        webhooks::product(state, number, "products/update", now);
        Some(Ref::Product(number))
    });
    let result = found
        .map(Val::Ref)
        .ok_or_else(|| UserError::new(&["id"], "Resource does not exist"));
    payload(kind, "node", "UserError", result)
}

fn missing() -> UserError {
    UserError::new(&["id"], "Order does not exist")
}
