//! Asks Shopify for one whole order: most in one answer, a long one by pages, each refund by itself.
use serde::Serialize;

use super::graphql::{Node, RefundNode};
use crate::shopify::client::ShopifyError;
use crate::shopify::gid::{Gid, Order as OrderKind};
use crate::shopify::graphql::order::{
    OrderOrderFulfillmentsFulfillmentLineItemsNodes as Held,
    OrderOrderFulfillmentsFulfillmentLineItemsNodesLineItem as HeldItem,
};
use crate::shopify::graphql::{
    FulfillmentLines, Order, RefundWhole, fulfillment_lines as more, order as shape, refund_whole,
};
use crate::shopify::{Connector, Haste};
use crate::types::{At, ShopId};

/// Lines of the first answer, which also carries everything else; and of each answer after it.
const FIRST_LINES: i64 = 20;
const MORE_LINES: i64 = 40;
const FEWEST_LINES: i64 = 5;
const SHIPPING: i64 = 5;
const DISCOUNTS: i64 = 20;
/// Payments, refunds and fulfillments have no pages: who has more is asked for once more with the most there may be.
const PAYMENTS: i64 = 25;
const REFUNDS: i64 = 10;
const FULFILLMENTS: i64 = 5;
const FULFILLED_LINES: i64 = 15;
const MOST: i64 = 250;
/// How often an order may change while its pages are read.
const ATTEMPTS: u32 = 3;

/// An order as Shopify had it.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub node: Node,
    /// Its refunds whole; `None` where they were not asked for, or may not be seen.
    pub refunds: Option<Vec<RefundNode>>,
    /// Just before it was asked for: it is at least this new.
    pub asked_at: At,
    /// The version that Shopify served.
    pub api_version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept<'a> {
    #[serde(flatten)]
    node: &'a Node,
    #[serde(skip_serializing_if = "Option::is_none")]
    whole_refunds: Option<&'a [RefundNode]>,
}

impl Fetched {
    /// The JSON of the node, its refunds whole beside it, as `order_sources` keeps it.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let kept = Kept {
            node: &self.node,
            whole_refunds: self.refunds.as_deref(),
        };
        serde_json::to_vec(&kept).unwrap_or_default()
    }
}

/// Reads an order by the number that webhooks call it by. `None` where Shopify has none, or shows none: older
/// than 60 days without `read_all_orders`.
///
/// # Errors
///
/// The call's; `Unexpected` where the order changes as fast as it is read.
pub async fn whole(
    cx: &Connector,
    shop: ShopId,
    haste: Haste,
    external_id: &str,
) -> Result<Option<Fetched>, ShopifyError> {
    let gid = Gid::<OrderKind>::from_digits(external_id)
        .map_or_else(|| external_id.to_owned(), |gid| gid.to_string());
    for _attempt in 0..ATTEMPTS {
        match once(cx, shop, haste, &gid).await? {
            Read::Whole(fetched) => return Ok(Some(*fetched)),
            Read::Nothing => return Ok(None),
            Read::Changed => {}
        }
    }
    Err(ShopifyError::Unexpected(
        "the order changed each time while its pages were read".to_owned(),
    ))
}

enum Read {
    Whole(Box<Fetched>),
    Nothing,
    /// Two pages were of two versions.
    Changed,
}

async fn once(cx: &Connector, shop: ShopId, haste: Haste, gid: &str) -> Result<Read, ShopifyError> {
    let asked_at = cx.clock.now();
    let mut lines = FIRST_LINES;
    let (first, api_version) = page(cx, shop, haste, first_page(gid), &mut lines).await?;
    let Some(mut node) = first else {
        return Ok(Read::Nothing);
    };
    let mut wanted = second_page(&node, gid);
    lines = MORE_LINES;
    while let Some(variables) = wanted {
        match page(cx, shop, haste, variables, &mut lines).await?.0 {
            Some(next) if next.updated_at == node.updated_at => append(&mut node, next),
            Some(_) | None => return Ok(Read::Changed),
        }
        wanted = next_page(&node, gid);
    }
    for fulfillment in &mut node.fulfillments {
        read_rest(cx, shop, haste, fulfillment).await?;
    }
    let refunds = read_refunds(cx, shop, haste, &node).await?;
    Ok(Read::Whole(Box::new(Fetched {
        node,
        refunds,
        asked_at,
        api_version: api_version.unwrap_or_else(|| cx.client.api_version().to_owned()),
    })))
}

/// One answer; with half the lines where Shopify finds it too expensive.
async fn page(
    cx: &Connector,
    shop: ShopId,
    haste: Haste,
    mut wanted: shape::Variables,
    lines: &mut i64,
) -> Result<(Option<Node>, Option<String>), ShopifyError> {
    loop {
        wanted.lines = *lines;
        match cx.call::<Order>(shop, haste, wanted.clone()).await {
            Ok(answer) => return Ok((answer.data.order, answer.api_version)),
            Err(ShopifyError::TooExpensive { .. }) if *lines > FEWEST_LINES => {
                *lines = (*lines / 2).max(FEWEST_LINES);
            }
            Err(error) => return Err(error),
        }
    }
}

fn first_page(gid: &str) -> shape::Variables {
    shape::Variables {
        id: gid.to_owned(),
        lines: FIRST_LINES,
        lines_after: None,
        shipping: SHIPPING,
        shipping_after: None,
        discounts: DISCOUNTS,
        discounts_after: None,
        payments: PAYMENTS,
        refunds: REFUNDS,
        fulfillments: FULFILLMENTS,
        fulfilled_lines: FULFILLED_LINES,
    }
}

/// The second page, which asks for more of what has no pages as well.
fn second_page(node: &Node, gid: &str) -> Option<shape::Variables> {
    let is_short = |listed: usize, all: Option<i64>| {
        all.is_some_and(|all| i64::try_from(listed).is_ok_and(|listed| listed < all))
    };
    let payments = node.transactions_count.as_ref().map(|all| all.count);
    let fulfillments = node.fulfillments_count.as_ref().map(|all| all.count);
    let more_payments = is_short(node.transactions.len(), payments);
    let more_fulfillments = is_short(node.fulfillments.len(), fulfillments);
    // How many there are is told of the other two alone.
    let more_refunds = i64::try_from(node.refunds.len()).is_ok_and(|listed| listed >= REFUNDS);
    if !more_payments && !more_fulfillments && !more_refunds {
        return next_page(node, gid);
    }
    Some(shape::Variables {
        payments: if more_payments { MOST } else { 1 },
        refunds: if more_refunds { MOST } else { 1 },
        fulfillments: if more_fulfillments { MOST } else { 1 },
        ..page_behind(node, gid)
    })
}

/// `None` once the lists are at their ends.
fn next_page(node: &Node, gid: &str) -> Option<shape::Variables> {
    let more = [
        &node.line_items.page_info,
        &node.shipping_lines.page_info,
        &node.discount_applications.page_info,
    ];
    more.iter()
        .any(|page| page.has_next_page)
        .then(|| page_behind(node, gid))
}

/// A list that is at its end answers with nothing more.
fn page_behind(node: &Node, gid: &str) -> shape::Variables {
    let shipping = &node.shipping_lines.page_info;
    let discounts = &node.discount_applications.page_info;
    shape::Variables {
        id: gid.to_owned(),
        lines: MORE_LINES,
        lines_after: node.line_items.page_info.end_cursor.clone(),
        shipping: if shipping.has_next_page { SHIPPING } else { 1 },
        shipping_after: shipping.end_cursor.clone(),
        discounts: if discounts.has_next_page {
            DISCOUNTS
        } else {
            1
        },
        discounts_after: discounts.end_cursor.clone(),
        payments: 1,
        refunds: 1,
        fulfillments: 1,
        // What a fulfillment holds more than this is asked for by itself.
        fulfilled_lines: 1,
    }
}

fn append(node: &mut Node, next: Node) {
    node.line_items.nodes.extend(next.line_items.nodes);
    turn(&mut node.line_items.page_info, next.line_items.page_info);
    node.shipping_lines.nodes.extend(next.shipping_lines.nodes);
    turn(
        &mut node.shipping_lines.page_info,
        next.shipping_lines.page_info,
    );
    node.discount_applications
        .nodes
        .extend(next.discount_applications.nodes);
    turn(
        &mut node.discount_applications.page_info,
        next.discount_applications.page_info,
    );
    if next.transactions.len() > node.transactions.len() {
        node.transactions = next.transactions;
    }
    if next.refunds.len() > node.refunds.len() {
        node.refunds = next.refunds;
    }
    if next.fulfillments.len() > node.fulfillments.len() {
        node.fulfillments = next.fulfillments;
    }
}

/// An empty page has no cursor: the last one stays.
fn turn(page: &mut shape::Page, next: shape::Page) {
    page.has_next_page = next.has_next_page;
    page.end_cursor = next.end_cursor.or(page.end_cursor.take());
}

async fn read_rest(
    cx: &Connector,
    shop: ShopId,
    haste: Haste,
    fulfillment: &mut shape::OrderOrderFulfillments,
) -> Result<(), ShopifyError> {
    let held = &mut fulfillment.fulfillment_line_items;
    while held.page_info.has_next_page {
        let wanted = more::Variables {
            id: fulfillment.id.clone(),
            after: held.page_info.end_cursor.clone(),
        };
        let answer = cx.call::<FulfillmentLines>(shop, haste, wanted).await?;
        let Some(next) = answer.data.fulfillment else {
            return Err(ShopifyError::Unexpected(
                "a fulfillment went away while it was read".to_owned(),
            ));
        };
        let next = next.fulfillment_line_items;
        held.nodes.extend(next.nodes.into_iter().map(|line| Held {
            quantity: line.quantity,
            line_item: HeldItem {
                id: line.line_item.id,
            },
        }));
        held.page_info.has_next_page = next.page_info.has_next_page;
        held.page_info.end_cursor = next
            .page_info
            .end_cursor
            .or(held.page_info.end_cursor.take());
    }
    Ok(())
}

/// Every refund of the order. A store that does not let us see its returns shows no refund whole either: those are
/// left to their webhooks.
async fn read_refunds(
    cx: &Connector,
    shop: ShopId,
    haste: Haste,
    node: &Node,
) -> Result<Option<Vec<RefundNode>>, ShopifyError> {
    let mut read = Vec::new();
    for refund in &node.refunds {
        match read_refund(cx, shop, haste, &refund.id).await {
            Ok(refund) => read.push(refund),
            Err(ShopifyError::AccessDenied { message }) => {
                tracing::warn!(%shop, message, "a refund cannot be read");
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Some(read))
}

async fn read_refund(
    cx: &Connector,
    shop: ShopId,
    haste: Haste,
    id: &str,
) -> Result<RefundNode, ShopifyError> {
    let mut whole = refund_page(cx, shop, haste, id, None).await?;
    while whole.refund_line_items.page_info.has_next_page {
        let after = whole.refund_line_items.page_info.end_cursor.take();
        let next = refund_page(cx, shop, haste, id, after).await?;
        let next = next.refund_line_items;
        whole.refund_line_items.nodes.extend(next.nodes);
        whole.refund_line_items.page_info = next.page_info;
    }
    Ok(whole)
}

async fn refund_page(
    cx: &Connector,
    shop: ShopId,
    haste: Haste,
    id: &str,
    after: Option<String>,
) -> Result<RefundNode, ShopifyError> {
    let wanted = refund_whole::Variables {
        id: id.to_owned(),
        after,
    };
    let answer = cx.call::<RefundWhole>(shop, haste, wanted).await?;
    let found = answer.data.refund.ok_or_else(|| {
        ShopifyError::Unexpected("a refund went away while it was read".to_owned())
    })?;
    let is_longer = found.refund_shipping_lines.page_info.has_next_page
        || found.order_adjustments.page_info.has_next_page
        || found.transactions.page_info.has_next_page;
    if is_longer {
        // Booking half of it would be a guess.
        return Err(ShopifyError::Unexpected(
            "a refund has more parts than one answer holds".to_owned(),
        ));
    }
    Ok(found)
}
