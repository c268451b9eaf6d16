//! The mutations the store carries out, each with the refusals Shopify would have for it.

use apollo_compiler::resolvers::FieldError;
use serde_json::Value;

use super::resolve::{Ctx, failed};
use super::value::{Args, Ref, Val, leaf, maybe, null, number_of, object, strings};
use super::{bulk, order_mutations, stock_mutations, subscription_mutations};
use crate::practice::fulfillments::{self, NewFulfillment, UserError};
use crate::practice::model::{Hold, Tracking};
use crate::practice::state::State;
use crate::practice::{holds, tokens};

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
        "bulkOperationRunQuery" => Ok(bulk::run_query(ctx, args)),
        "bulkOperationCancel" => Ok(bulk::cancel(ctx, args)),
        "fulfillmentCreate" => Ok(create_fulfillment(ctx, args)),
        "fulfillmentTrackingInfoUpdate" => Ok(update_tracking(ctx, args)),
        "fulfillmentCancel" => Ok(cancel_fulfillment(ctx, args)),
        "fulfillmentOrderHold" => Ok(hold(ctx, args)),
        "fulfillmentOrderReleaseHold" => Ok(release_hold(ctx, args)),
        "fulfillmentOrderMove" => Ok(move_order(ctx, args)),
        "orderMarkAsPaid" => Ok(order_mutations::mark_as_paid(ctx, args)),
        "orderCancel" => Ok(order_mutations::cancel_order(ctx, args)),
        "orderUpdate" => Ok(order_mutations::update_order(ctx, args)),
        "orderCapture" => Ok(order_mutations::capture(ctx, args)),
        "orderClose" => Ok(order_mutations::archive(
            ctx,
            "OrderClosePayload",
            args,
            true,
        )),
        "orderOpen" => Ok(order_mutations::archive(
            ctx,
            "OrderOpenPayload",
            args,
            false,
        )),
        "tagsAdd" => Ok(order_mutations::tag(ctx, "TagsAddPayload", args, true)),
        "tagsRemove" => Ok(order_mutations::tag(ctx, "TagsRemovePayload", args, false)),
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
        by_service: false,
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
