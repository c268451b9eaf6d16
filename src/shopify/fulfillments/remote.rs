//! The calls behind a push: reading an order's fulfillment orders fresh, and the three mutations.
use std::collections::BTreeMap;

use super::Tracking;
use super::plan::{Intent, Remote, RemoteFulfillment, RemoteLine, RemoteOrder, obstacle};
use super::queries::Origin;
use crate::shopify::client::ShopifyError;
use crate::shopify::gid::{Gid, Order};
use crate::shopify::graphql::{
    FulfillmentCancel, FulfillmentCreate, FulfillmentTrackingInfoUpdate, OrderFulfillmentOrders,
    fulfillment_cancel, fulfillment_create, fulfillment_tracking_info_update as tracking_update,
    order_fulfillment_orders as read_orders,
};
use crate::shopify::{Connector, Haste};
use crate::types::ShopId;

/// A fulfilment that was made just now.
pub(super) struct Created {
    pub(super) gid: String,
    pub(super) request_id: Option<String>,
}

pub(super) async fn read(cx: &Connector, origin: &Origin) -> Result<Remote, ShopifyError> {
    let id = Gid::<Order>::from_digits(&origin.order_external_id)
        .map_or_else(|| origin.order_external_id.clone(), |gid| gid.to_string());
    let answer = cx
        .call::<OrderFulfillmentOrders>(origin.shop, Haste::Now, read_orders::Variables { id })
        .await?;
    let order = answer.data.order.ok_or_else(|| ShopifyError::Rejected {
        messages: vec!["Shopify no longer has this order".to_owned()],
    })?;
    let more = order.fulfillment_orders.page_info.has_next_page
        || order
            .fulfillment_orders
            .nodes
            .iter()
            .any(|order| order.line_items.page_info.has_next_page);
    if more {
        // Shipping half of what cannot be seen whole would be a guess.
        return Err(ShopifyError::Unexpected(
            "the order has more fulfillment orders or lines than one answer holds".to_owned(),
        ));
    }
    Ok(Remote {
        orders: order
            .fulfillment_orders
            .nodes
            .into_iter()
            .map(remote_order)
            .collect(),
        fulfillments: order
            .fulfillments
            .into_iter()
            .map(remote_fulfillment)
            .collect(),
    })
}

fn remote_order(
    order: read_orders::OrderFulfillmentOrdersOrderFulfillmentOrdersNodes,
) -> RemoteOrder {
    use read_orders::FulfillmentOrderAction as Action;
    let holds: Vec<String> = order
        .fulfillment_holds
        .iter()
        .map(|hold| {
            let reason = format!("{:?}", hold.reason)
                .to_lowercase()
                .replace('_', " ");
            match &hold.reason_notes {
                Some(notes) if !notes.is_empty() => format!("{reason}: {notes}"),
                Some(_) | None => reason,
            }
        })
        .collect();
    let opens = order
        .fulfill_at
        .as_deref()
        .and_then(|at| at.split('T').next());
    let place = &order.assigned_location.name;
    RemoteOrder {
        obstacle: obstacle(&format!("{:?}", order.status), place, opens, &holds),
        gid: order.id,
        location: order.assigned_location.location.map(|location| location.id),
        can_fulfil: order
            .supported_actions
            .iter()
            .any(|supported| supported.action == Action::CREATE_FULFILLMENT),
        lines: order
            .line_items
            .nodes
            .into_iter()
            .map(|line| RemoteLine {
                gid: line.id,
                line_item: line.line_item.id,
                remaining: line.remaining_quantity,
            })
            .collect(),
    }
}

fn remote_fulfillment(
    fulfillment: read_orders::OrderFulfillmentOrdersOrderFulfillments,
) -> RemoteFulfillment {
    use read_orders::FulfillmentStatus as Status;
    let mut lines = BTreeMap::new();
    for line in fulfillment.fulfillment_line_items.nodes {
        *lines.entry(line.line_item.id).or_insert(0) += line.quantity.unwrap_or(0);
    }
    RemoteFulfillment {
        gid: fulfillment.id,
        is_live: !matches!(
            fulfillment.status,
            Status::CANCELLED | Status::ERROR | Status::FAILURE
        ),
        numbers: fulfillment
            .tracking_info
            .into_iter()
            .filter_map(|info| info.number)
            .collect(),
        lines,
    }
}

pub(super) async fn create(
    cx: &Connector,
    shop: ShopId,
    intent: &Intent,
    tracking: &Tracking,
    notify: bool,
) -> Result<Created, ShopifyError> {
    let mut orders: BTreeMap<&str, Vec<fulfillment_create::FulfillmentOrderLineItemInput>> =
        BTreeMap::new();
    for part in &intent.parts {
        orders.entry(&part.fulfillment_order).or_default().push(
            fulfillment_create::FulfillmentOrderLineItemInput {
                id: part.line.clone(),
                quantity: part.quantity,
            },
        );
    }
    let by_order = orders
        .into_iter()
        .map(
            |(order, lines)| fulfillment_create::FulfillmentOrderLineItemsInput {
                fulfillment_order_id: order.to_owned(),
                fulfillment_order_line_items: Some(lines),
            },
        )
        .collect();
    let fields = TrackingFields::of(tracking);
    let variables = fulfillment_create::Variables {
        fulfillment: fulfillment_create::FulfillmentInput {
            line_items_by_fulfillment_order: by_order,
            notify_customer: Some(notify),
            origin_address: None,
            tracking_info: fields.map(|fields| fulfillment_create::FulfillmentTrackingInput {
                company: fields.company,
                number: fields.number,
                numbers: fields.numbers,
                url: fields.url,
                urls: None,
            }),
        },
        message: None,
    };
    let answer = cx
        .call::<FulfillmentCreate>(shop, Haste::Now, variables)
        .await?;
    let payload = answer.data.fulfillment_create.ok_or_else(no_payload)?;
    refuse(payload.user_errors.into_iter().map(|error| error.message))?;
    let made = payload.fulfillment.ok_or_else(no_payload)?;
    Ok(Created {
        gid: made.id,
        request_id: answer.request_id,
    })
}

pub(super) async fn update_tracking(
    cx: &Connector,
    shop: ShopId,
    gid: &str,
    tracking: &Tracking,
    notify: bool,
) -> Result<Option<String>, ShopifyError> {
    // Replaces all there was: without numbers it takes them away.
    let fields = TrackingFields::of(tracking).unwrap_or_default();
    let variables = tracking_update::Variables {
        fulfillment_id: gid.to_owned(),
        notify_customer: Some(notify),
        tracking_info_input: tracking_update::FulfillmentTrackingInput {
            company: fields.company,
            number: fields.number,
            numbers: fields.numbers,
            url: fields.url,
            urls: None,
        },
    };
    let answer = cx
        .call::<FulfillmentTrackingInfoUpdate>(shop, Haste::Now, variables)
        .await?;
    let payload = answer
        .data
        .fulfillment_tracking_info_update
        .ok_or_else(no_payload)?;
    refuse(payload.user_errors.into_iter().map(|error| error.message))?;
    Ok(answer.request_id)
}

pub(super) async fn cancel(
    cx: &Connector,
    shop: ShopId,
    gid: &str,
) -> Result<Option<String>, ShopifyError> {
    let variables = fulfillment_cancel::Variables { id: gid.to_owned() };
    let answer = cx
        .call::<FulfillmentCancel>(shop, Haste::Now, variables)
        .await?;
    let payload = answer.data.fulfillment_cancel.ok_or_else(no_payload)?;
    refuse(payload.user_errors.into_iter().map(|error| error.message))?;
    Ok(answer.request_id)
}

/// One number goes with its link, several go without: Shopify takes either pair, never a mixture.
#[derive(Default)]
struct TrackingFields {
    company: Option<String>,
    number: Option<String>,
    numbers: Option<Vec<String>>,
    url: Option<String>,
}

impl TrackingFields {
    fn of(tracking: &Tracking) -> Option<TrackingFields> {
        if *tracking == Tracking::default() {
            return None;
        }
        let one = tracking
            .numbers
            .first()
            .filter(|_| tracking.numbers.len() == 1);
        Some(TrackingFields {
            company: tracking.carrier.clone(),
            number: one.cloned(),
            numbers: (tracking.numbers.len() > 1).then(|| tracking.numbers.clone()),
            url: tracking.url.clone(),
        })
    }
}

fn refuse(messages: impl Iterator<Item = String>) -> Result<(), ShopifyError> {
    let messages: Vec<String> = messages.collect();
    if messages.is_empty() {
        Ok(())
    } else {
        Err(ShopifyError::UserErrors { messages })
    }
}

fn no_payload() -> ShopifyError {
    ShopifyError::Unexpected("the answer holds neither a result nor an error".to_owned())
}
