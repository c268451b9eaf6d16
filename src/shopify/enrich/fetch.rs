//! The calls: one order with its risk and all its fulfillment orders, whole however many there are.
use crate::erp::orders::checks::{Handover, Recommendation, Risk, RiskLevel};
use crate::erp::shipping::Tracking;
use crate::shopify::client::ShopifyError;
use crate::shopify::gid::{self, Gid};
use crate::shopify::graphql::{
    FulfillmentOrderLines, FulfillmentOrderOwner, OrderStanding,
    fulfillment_order_lines as more_lines, fulfillment_order_owner as owner_of,
    order_standing as standing,
};
use crate::shopify::orders::Fulfillment;
use crate::shopify::{Connector, Haste};
use crate::types::{At, ShopId};

use super::mirror::{FulfillmentOrder, Hold, Line, Status};

/// What Shopify answered. What is `None` it does not let us see.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// When the order last changed.
    pub(super) updated_at: Option<At>,
    pub(super) risk: Option<Risk>,
    pub(super) fulfillment_orders: Option<Vec<FulfillmentOrder>>,
    pub(super) fulfillments: Vec<Fulfillment>,
}

/// Asks about an order; `None` where Shopify has none of this id.
pub(super) async fn order(
    cx: &Connector,
    shop: ShopId,
    order: &str,
) -> Result<Option<Answer>, ShopifyError> {
    let id = Gid::<gid::Order>::from_digits(order)
        .ok_or_else(|| unexpected("the order's id is not a number"))?;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let variables = standing::Variables {
            id: id.to_string(),
            after,
        };
        let answer = cx
            .call::<OrderStanding>(shop, Haste::Now, variables)
            .await?;
        let Some(order) = answer.data.order else {
            return Ok(None);
        };
        for node in order.fulfillment_orders.nodes {
            found.push(whole(cx, shop, node).await?);
        }
        let page = order.fulfillment_orders.page_info;
        after = page.end_cursor.filter(|_cursor| page.has_next_page);
        if after.is_none() {
            return Ok(Some(Answer {
                updated_at: At::parse(&order.updated_at).ok(),
                risk: Some(worst(&order.risk)),
                fulfillment_orders: Some(found),
                fulfillments: order.fulfillments.into_iter().map(shipped).collect(),
            }));
        }
    }
}

/// The order that a fulfillment order belongs to.
pub(super) async fn owner(
    cx: &Connector,
    shop: ShopId,
    fulfillment_order: &str,
) -> Result<Option<Gid<gid::Order>>, ShopifyError> {
    let id = Gid::<gid::FulfillmentOrder>::from_digits(fulfillment_order)
        .ok_or_else(|| unexpected("the fulfillment order's id is not a number"))?;
    let variables = owner_of::Variables { id: id.to_string() };
    let answer = cx
        .call::<FulfillmentOrderOwner>(shop, Haste::Now, variables)
        .await?;
    let found = answer.data.fulfillment_order;
    Ok(found.and_then(|found| Gid::parse(&found.order_id)))
}

/// One fulfillment order with all its lines.
async fn whole(
    cx: &Connector,
    shop: ShopId,
    node: standing::OrderStandingOrderFulfillmentOrdersNodes,
) -> Result<FulfillmentOrder, ShopifyError> {
    let (id, page) = (node.id.clone(), node.line_items.page_info.clone());
    let mut order = translate(node)?;
    let mut after = page.end_cursor.filter(|_cursor| page.has_next_page);
    while after.is_some() {
        let variables = more_lines::Variables {
            id: id.clone(),
            after,
        };
        let answer = cx
            .call::<FulfillmentOrderLines>(shop, Haste::Now, variables)
            .await?;
        let lines = answer
            .data
            .fulfillment_order
            .ok_or_else(|| unexpected("a fulfillment order went away while it was read"))?
            .line_items;
        for line in lines.nodes {
            let pieces = (line.total_quantity, line.remaining_quantity);
            order
                .lines
                .push(read_line(&line.id, &line.line_item.id, pieces)?);
        }
        let page = lines.page_info;
        after = page.end_cursor.filter(|_cursor| page.has_next_page);
    }
    Ok(order)
}

fn translate(
    node: standing::OrderStandingOrderFulfillmentOrdersNodes,
) -> Result<FulfillmentOrder, ShopifyError> {
    let location = node.assigned_location.location;
    let method = node.delivery_method;
    let mut lines = Vec::new();
    for line in &node.line_items.nodes {
        let pieces = (line.total_quantity, line.remaining_quantity);
        lines.push(read_line(&line.id, &line.line_item.id, pieces)?);
    }
    Ok(FulfillmentOrder {
        external_id: digits::<gid::FulfillmentOrder>(&node.id)?,
        status: Status::read(&word(&node.status)),
        request_status: word(&node.request_status),
        actions: node
            .supported_actions
            .iter()
            .map(|supported| word(&supported.action))
            .collect(),
        service: location
            .as_ref()
            .is_some_and(|location| location.is_fulfillment_service),
        location: match location {
            Some(location) => Some(digits::<gid::Location>(&location.id)?),
            None => None,
        },
        location_name: node.assigned_location.name,
        method: method
            .as_ref()
            .and_then(|method| handover(&word(&method.method_type))),
        method_name: method.and_then(|method| method.presented_name),
        fulfil_at: node.fulfill_at.as_deref().and_then(|at| At::parse(at).ok()),
        holds: node
            .fulfillment_holds
            .into_iter()
            .map(|hold| {
                Ok(Hold {
                    external_id: digits::<gid::FulfillmentHold>(&hold.id)?,
                    handle: hold.handle,
                    reason: hold.display_reason,
                    notes: hold.reason_notes.filter(|notes| !notes.trim().is_empty()),
                    by_us: hold.held_by_requesting_app,
                })
            })
            .collect::<Result<_, ShopifyError>>()?,
        source_updated_at: At::parse(&node.updated_at)
            .map_err(|_no_time| unexpected("a fulfillment order does not say when it changed"))?,
        lines,
    })
}

fn read_line(id: &str, line: &str, pieces: (i64, i64)) -> Result<Line, ShopifyError> {
    Ok(Line {
        external_id: digits::<gid::FulfillmentOrderLineItem>(id)?,
        line: digits::<gid::LineItem>(line)?,
        total: pieces.0,
        remaining: pieces.1,
    })
}

fn shipped(node: standing::OrderStandingOrderFulfillments) -> Fulfillment {
    use standing::{FulfillmentDisplayStatus as Display, FulfillmentStatus as State};
    let info = node.tracking_info;
    let moment = |text: &str| At::parse(text).ok();
    let lines = node.fulfillment_line_items.nodes.into_iter();
    let location = node.location;
    Fulfillment {
        gid: node.id,
        is_cancelled: matches!(
            node.status,
            State::CANCELLED | State::ERROR | State::FAILURE
        ),
        is_delivered: node.display_status == Some(Display::DELIVERED),
        created_at: moment(&node.created_at),
        updated_at: moment(&node.updated_at),
        location: location
            .and_then(|location| Gid::<gid::Location>::parse(&location.id))
            .map(Gid::digits),
        tracking: Tracking {
            carrier: info.iter().find_map(|one| one.company.clone()),
            url: info.iter().find_map(|one| one.url.clone()),
            numbers: info.into_iter().filter_map(|one| one.number).collect(),
        },
        lines: lines
            .filter_map(|line| {
                let id = Gid::<gid::LineItem>::parse(&line.line_item.id)?;
                Some((id.digits(), line.quantity.unwrap_or(0)))
            })
            .collect(),
    }
}

/// The worst of what several parties think of the order.
fn worst(risk: &standing::OrderStandingOrderRisk) -> Risk {
    use standing::{OrderRiskRecommendationResult as Advice, RiskAssessmentResult as Level};
    let levels = risk.assessments.iter().map(|one| match &one.risk_level {
        Level::HIGH => RiskLevel::High,
        Level::MEDIUM => RiskLevel::Medium,
        Level::LOW => RiskLevel::Low,
        Level::PENDING => RiskLevel::Pending,
        Level::NONE | Level::Other(_) => RiskLevel::None,
    });
    Risk {
        level: levels.max().unwrap_or(RiskLevel::None),
        recommendation: match &risk.recommendation {
            Advice::CANCEL => Recommendation::Cancel,
            Advice::INVESTIGATE => Recommendation::Investigate,
            Advice::ACCEPT => Recommendation::Accept,
            Advice::NONE | Advice::Other(_) => Recommendation::None,
        },
    }
}

fn handover(word: &str) -> Option<Handover> {
    match word {
        "shipping" => Some(Handover::Shipping),
        "local" => Some(Handover::Local),
        "pick_up" => Some(Handover::Pickup),
        "pickup_point" => Some(Handover::PickupPoint),
        "retail" => Some(Handover::Retail),
        "none" => Some(Handover::Nothing),
        _ => None,
    }
}

/// A word of an enum of Shopify's as we keep it: `in_progress`, also one that is new to us.
fn word(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let inner = text
        .strip_prefix("Other(\"")
        .and_then(|rest| rest.strip_suffix("\")"));
    inner.unwrap_or(&text).to_lowercase()
}

fn digits<K: gid::Kind>(gid: &str) -> Result<String, ShopifyError> {
    Gid::<K>::parse(gid)
        .map(Gid::digits)
        .ok_or_else(|| unexpected("an id in the answer is no id"))
}

fn unexpected(what: &str) -> ShopifyError {
    ShopifyError::Unexpected(what.to_owned())
}
