//! The mutations the store carries out, each with the refusals Shopify would have for it.

use apollo_compiler::resolvers::FieldError;
use jiff::Timestamp;
use serde_json::Value;

use super::resolve::{Ctx, failed};
use super::value::{Args, Ref, Val, leaf, maybe, null, number_of, object, strings};
use super::{stock_mutations, subscription_mutations};
use crate::practice::fulfillments::{self, NewFulfillment, UserError};
use crate::practice::model::{Hold, Tracking};
use crate::practice::state::State;
use crate::practice::{holds, orders, tokens, webhooks};

/// These ask for `@idempotent` since 2026-04.
const NEED_KEY: [&str; 4] = [
    "inventoryActivate",
    "inventoryAdjustQuantities",
    "inventorySetQuantities",
    "refundCreate",
];

pub(super) fn run(
    ctx: &Ctx<'_>,
    name: &str,
    args: &Args,
    key: Option<&str>,
) -> Result<Val, FieldError> {
    if NEED_KEY.contains(&name) {
        let key = key.ok_or_else(|| failed(format!("The @idempotent directive is required for the {name} mutation but was not provided.")))?;
        return stock_mutations::once(ctx, name, args, key);
    }
    match name {
        "webhookSubscriptionCreate" => Ok(subscription_mutations::subscription_payload(
            "WebhookSubscriptionCreatePayload",
            subscription_mutations::create_subscription(ctx, args),
        )),
        "webhookSubscriptionUpdate" => Ok(subscription_mutations::subscription_payload(
            "WebhookSubscriptionUpdatePayload",
            subscription_mutations::update_subscription(ctx, args),
        )),
        "webhookSubscriptionDelete" => Ok(subscription_mutations::delete_subscription(ctx, args)),
        "fulfillmentCreate" => Ok(create_fulfillment(ctx, args)),
        "fulfillmentTrackingInfoUpdate" => Ok(update_tracking(ctx, args)),
        "fulfillmentCancel" => Ok(cancel_fulfillment(ctx, args)),
        "fulfillmentOrderHold" => Ok(hold(ctx, args)),
        "fulfillmentOrderReleaseHold" => Ok(release_hold(ctx, args)),
        "fulfillmentOrderMove" => Ok(move_order(ctx, args)),
        "orderMarkAsPaid" => Ok(mark_as_paid(ctx, args)),
        "orderCancel" => Ok(cancel_order(ctx, args)),
        "orderUpdate" => Ok(update_order(ctx, args)),
        "appUninstall" => {
            ctx.change(|state, now| tokens::uninstall(state, &ctx.config.shop_domain, now));
            Ok(object(
                "AppUninstallPayload",
                [
                    ("app", Val::Ref(Ref::App)),
                    ("userErrors", Val::List(Vec::new())),
                ],
            ))
        }
        _ => Err(failed(format!(
            "The practice store does not carry out {name}"
        ))),
    }
}

/// The errors of a payload, `kind` being their type.
pub(super) fn errors(kind: &'static str, list: &[UserError]) -> Val {
    let one = |error: &UserError| {
        object(
            kind,
            [
                ("field", strings(&error.field)),
                ("message", leaf(error.message.as_str())),
                ("code", maybe(error.code)),
            ],
        )
    };
    Val::List(list.iter().map(one).collect())
}

/// A result as a payload: the field, and errors where there are some.
pub(super) fn payload(
    kind: &'static str,
    field: &'static str,
    error_kind: &'static str,
    result: Result<Val, UserError>,
) -> Val {
    match result {
        Ok(value) => object(
            kind,
            [(field, value), ("userErrors", Val::List(Vec::new()))],
        ),
        Err(error) => object(
            kind,
            [
                (field, null()),
                ("userErrors", errors(error_kind, &[error])),
            ],
        ),
    }
}

fn create_fulfillment(ctx: &Ctx<'_>, args: &Args) -> Val {
    let result = new_fulfillment(&args.inner("fulfillment"))
        .and_then(|wanted| ctx.change(|state, now| fulfillments::create(state, &wanted, now)))
        .map(|id| Val::Ref(Ref::Fulfillment(id)));
    payload(
        "FulfillmentCreatePayload",
        "fulfillment",
        "UserError",
        result,
    )
}

fn new_fulfillment(input: &Args) -> Result<NewFulfillment, UserError> {
    let unknown = || UserError::new(&["fulfillment"], "Fulfillment order does not exist.");
    let mut parts = Vec::new();
    for part in input.list("lineItemsByFulfillmentOrder") {
        let part = Args::from_value(&part);
        let order = part
            .gid("fulfillmentOrderId", "FulfillmentOrder")
            .ok_or_else(unknown)?;
        let lines = part.is_set("fulfillmentOrderLineItems").then(|| {
            let line = |line: Value| {
                let line = Args::from_value(&line);
                // An id of another type names nothing here.
                (
                    line.gid("id", "FulfillmentOrderLineItem").unwrap_or(0),
                    line.number("quantity").unwrap_or(0),
                )
            };
            part.list("fulfillmentOrderLineItems")
                .into_iter()
                .map(line)
                .collect()
        });
        parts.push((order, lines));
    }
    Ok(NewFulfillment {
        parts,
        tracking: tracking(&input.inner("trackingInfo"))?,
        notify: input.flag("notifyCustomer"),
    })
}

fn tracking(input: &Args) -> Result<Tracking, UserError> {
    let both = |one: &str, many: &str| input.is_set(one) && input.is_set(many);
    if both("number", "numbers") || both("url", "urls") {
        return Err(UserError::new(
            &["fulfillment", "trackingInfo"],
            "Provide either number and url or numbers and urls, not both.",
        ));
    }
    let take = |one: &str, many: &str| {
        input
            .text(one)
            .into_iter()
            .chain(input.texts(many))
            .filter(|text| !text.is_empty())
            .collect()
    };
    Ok(Tracking {
        company: input.text("company").filter(|company| !company.is_empty()),
        numbers: take("number", "numbers"),
        urls: take("url", "urls"),
    })
}

fn update_tracking(ctx: &Ctx<'_>, args: &Args) -> Val {
    let number = args.gid("fulfillmentId", "Fulfillment").unwrap_or(0);
    let result = tracking(&args.inner("trackingInfoInput")).and_then(|known| {
        ctx.change(|state, now| {
            fulfillments::update_tracking(state, number, known, args.flag("notifyCustomer"), now)
        })
    });
    let result = result.map(|()| Val::Ref(Ref::Fulfillment(number)));
    payload(
        "FulfillmentTrackingInfoUpdatePayload",
        "fulfillment",
        "UserError",
        result,
    )
}

fn cancel_fulfillment(ctx: &Ctx<'_>, args: &Args) -> Val {
    let number = args.gid("id", "Fulfillment").unwrap_or(0);
    let result = ctx.change(|state, now| fulfillments::cancel(state, number, now));
    payload(
        "FulfillmentCancelPayload",
        "fulfillment",
        "UserError",
        result.map(|()| Val::Ref(Ref::Fulfillment(number))),
    )
}

fn hold(ctx: &Ctx<'_>, args: &Args) -> Val {
    let (number, input) = (
        args.gid("id", "FulfillmentOrder").unwrap_or(0),
        args.inner("fulfillmentHold"),
    );
    let hold = |state: &mut State| Hold {
        id: state.id(),
        handle: input.text("handle").filter(|handle| !handle.is_empty()),
        reason: input.text("reason").unwrap_or_default(),
        notes: input.text("reasonNotes"),
        by_app: true,
    };
    let result = ctx.change(|state, now| {
        let hold = hold(state);
        holds::hold(state, number, hold.clone(), now).map(|_| hold)
    });
    let (made, list) = match result {
        Ok(hold) => (super::shipping_nodes::hold(&hold), Vec::new()),
        Err(error) => (null(), vec![error]),
    };
    object(
        "FulfillmentOrderHoldPayload",
        [
            ("fulfillmentHold", made),
            ("fulfillmentOrder", Val::Ref(Ref::FulfillmentOrder(number))),
            ("remainingFulfillmentOrder", null()),
            ("userErrors", errors("FulfillmentOrderHoldUserError", &list)),
        ],
    )
}

fn release_hold(ctx: &Ctx<'_>, args: &Args) -> Val {
    let number = args.gid("id", "FulfillmentOrder").unwrap_or(0);
    let ids: Vec<u64> = args
        .texts("holdIds")
        .iter()
        .filter_map(|gid| number_of(gid, "FulfillmentHold"))
        .collect();
    let named = args.is_set("holdIds").then_some(ids.as_slice());
    let result = ctx.change(|state, now| holds::release(state, number, named, now));
    let result = result.map(|()| Val::Ref(Ref::FulfillmentOrder(number)));
    payload(
        "FulfillmentOrderReleaseHoldPayload",
        "fulfillmentOrder",
        "FulfillmentOrderReleaseHoldUserError",
        result,
    )
}

fn move_order(ctx: &Ctx<'_>, args: &Args) -> Val {
    let number = args.gid("id", "FulfillmentOrder").unwrap_or(0);
    let location = args.gid("newLocationId", "Location").unwrap_or(0);
    let result = if args.list("fulfillmentOrderLineItems").is_empty() {
        ctx.change(|state, now| holds::move_to(state, number, location, now))
    } else {
        Err(UserError::new(
            &["fulfillmentOrderLineItems"],
            "The practice store moves whole fulfillment orders only.",
        ))
    };
    let (moved, list) = match result {
        Ok(id) => (Val::Ref(Ref::FulfillmentOrder(id)), Vec::new()),
        Err(error) => (null(), vec![error]),
    };
    object(
        "FulfillmentOrderMovePayload",
        [
            ("movedFulfillmentOrder", moved),
            (
                "originalFulfillmentOrder",
                Val::Ref(Ref::FulfillmentOrder(number)),
            ),
            ("remainingFulfillmentOrder", null()),
            (
                "userErrors",
                errors("FulfillmentOrderMoveFulfillmentOrderMoveUserError", &list),
            ),
        ],
    )
}

fn mark_as_paid(ctx: &Ctx<'_>, args: &Args) -> Val {
    let number = args.inner("input").gid("id", "Order").unwrap_or(0);
    let paid = ctx.change(|state, now| orders::pay(state, number, now));
    let result = if paid {
        Ok(Val::Ref(Ref::Order(number)))
    } else {
        Err(UserError::new(&["id"], "Order cannot be marked as paid."))
    };
    payload("OrderMarkAsPaidPayload", "order", "UserError", result)
}

fn cancel_order(ctx: &Ctx<'_>, args: &Args) -> Val {
    let number = args.gid("orderId", "Order").unwrap_or(0);
    let reason = args.text("reason").unwrap_or_default();
    let done = ctx.change(|state, now| orders::cancel(state, number, &reason, now));
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

fn update_order(ctx: &Ctx<'_>, args: &Args) -> Val {
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
