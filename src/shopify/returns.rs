//! Returns, read whole over the API: their webhooks are thin, and say only that one has changed.
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::erp::orders::{self, OrderError, queries as order_rows};
use crate::erp::returns::{
    DispositionKind, IncomingDisposition, IncomingReturn, IncomingReturnLine, LineKind,
    ReturnStatus,
};
use crate::erp::timeline::Actor;
use crate::platform::jobs::{Job, Run};
use crate::platform::queue::Outcome;
use crate::shopify::apply::refunds::Shelf;
use crate::shopify::client::ShopifyError;
use crate::shopify::gid::{self, Gid};
use crate::shopify::graphql::{ReturnWhole, return_whole as whole};
use crate::shopify::jobs::living;
use crate::shopify::privacy::is_erased;
use crate::shopify::shops::Shop;
use crate::shopify::{Connector, Haste, outcome_of};
use crate::types::{At, EventId, ShopId};

/// Reads one return of a store and brings ours up to date.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReadReturn {
    pub shop: ShopId,
    /// The number of its gid.
    pub external_id: String,
    /// The event that said it had changed.
    pub event: EventId,
}

/// A return and the order that it is of.
struct Fetched {
    order_external_id: String,
    incoming: IncomingReturn,
}

impl Job for ReadReturn {
    const KIND: &'static str = "shopify.read_return";
    type Context = Connector;

    // One for each message: what comes while another is read has to be read again.
    fn dedupe_key(&self) -> Option<String> {
        Some(format!("{}/{}/{}", self.shop, self.external_id, self.event))
    }

    fn key(&self) -> Option<String> {
        Some(format!("shop/{}/return/{}", self.shop, self.external_id))
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        let shop = match living(&cx, self.shop).await {
            Ok(shop) => shop,
            Err(outcome) => return outcome,
        };
        match fetch(&cx, &self).await {
            Ok(Some(fetched)) => self.book(&cx, shop, fetched).await,
            Ok(None) => Outcome::nothing_to_do("the store has no such return any more"),
            Err(error) => outcome_of(self.shop, &error),
        }
    }
}

impl ReadReturn {
    async fn book(self, cx: &Connector, shop: Shop, mut fetched: Fetched) -> Outcome {
        let now = cx.clock.now();
        let actor = Actor::source(format!("event:{}", self.event));
        let written = cx
            .db
            .write(move |conn| {
                let id = &fetched.order_external_id;
                if order_rows::find_external(conn, shop.channel, id)?.is_none() {
                    return Ok(false);
                }
                if is_erased(conn, &shop, Some(id), None)? {
                    fetched.incoming.decline_note = None;
                    for line in &mut fetched.incoming.lines {
                        line.note = None;
                    }
                }
                let shelf = Shelf::whole(conn, &shop)?;
                orders::return_from_channel(
                    conn,
                    shop.channel,
                    id,
                    &fetched.incoming,
                    &|place| shelf.find(place),
                    &actor,
                    now,
                )?;
                Ok::<bool, OrderError>(true)
            })
            .await;
        match written {
            Ok(true) => Outcome::Done,
            Ok(false) => Outcome::nothing_to_do("its order is not here"),
            Err(OrderError::Db(error)) => Outcome::retry(error.to_string()),
            Err(
                error @ (OrderError::NotFound(_)
                | OrderError::Changed
                | OrderError::NoSuchHold
                | OrderError::Quantity
                | OrderError::Stock(_)),
            ) => Outcome::dead(error.to_string()),
        }
    }
}

async fn fetch(cx: &Connector, job: &ReadReturn) -> Result<Option<Fetched>, ShopifyError> {
    let id = Gid::<gid::Return>::from_digits(&job.external_id)
        .ok_or_else(|| ShopifyError::Unexpected("the return's id is not a number".to_owned()))?;
    let variables = whole::Variables { id: id.to_string() };
    let answer = cx
        .call::<ReturnWhole>(job.shop, Haste::Now, variables)
        .await?;
    let Some(found) = answer.data.return_ else {
        return Ok(None);
    };
    let more = found.return_line_items.page_info.has_next_page
        || found.exchange_line_items.page_info.has_next_page
        || found.reverse_fulfillment_orders.page_info.has_next_page
        || found
            .reverse_fulfillment_orders
            .nodes
            .iter()
            .any(|order| order.line_items.page_info.has_next_page);
    if more {
        // Booking half of what cannot be seen whole would be a guess.
        return Err(ShopifyError::Unexpected(
            "the return has more lines than one answer holds".to_owned(),
        ));
    }
    translate(&job.external_id, found).map(Some)
}

fn translate(id: &str, found: whole::ReturnWholeReturn) -> Result<Fetched, ShopifyError> {
    let moment = |text: &str| {
        At::parse(text)
            .map_err(|_no_time| ShopifyError::Unexpected(format!("{text} is not a time")))
    };
    let made_at = moment(&found.created_at)?;
    let closed_at = found.closed_at.as_deref().map(moment).transpose()?;
    let mut lines: Vec<IncomingReturnLine> = found
        .return_line_items
        .nodes
        .into_iter()
        .map(returned)
        .collect();
    lines.extend(
        found
            .exchange_line_items
            .nodes
            .into_iter()
            .flat_map(exchanged),
    );
    let dispositions = found
        .reverse_fulfillment_orders
        .nodes
        .into_iter()
        .flat_map(|order| order.line_items.nodes)
        .flat_map(disposed)
        .collect();
    Ok(Fetched {
        order_external_id: number(&found.order.id),
        incoming: IncomingReturn {
            external_id: id.to_owned(),
            name: found.name,
            status: status(&found.status)?,
            decline_reason: found
                .decline
                .as_ref()
                .map(|decline| format!("{:?}", decline.reason).to_lowercase()),
            decline_note: found.decline.and_then(|decline| decline.note),
            made_at,
            closed_at,
            lines,
            dispositions,
        },
    })
}

fn status(status: &whole::ReturnStatus) -> Result<ReturnStatus, ShopifyError> {
    match status {
        whole::ReturnStatus::REQUESTED => Ok(ReturnStatus::Requested),
        whole::ReturnStatus::OPEN => Ok(ReturnStatus::Open),
        whole::ReturnStatus::CLOSED => Ok(ReturnStatus::Closed),
        whole::ReturnStatus::DECLINED => Ok(ReturnStatus::Declined),
        whole::ReturnStatus::CANCELED => Ok(ReturnStatus::Cancelled),
        whole::ReturnStatus::Other(word) => Err(ShopifyError::Unexpected(format!(
            "{word} is no state of a return that is known here"
        ))),
    }
}

fn returned(line: whole::ReturnWholeReturnReturnLineItemsNodes) -> IncomingReturnLine {
    use whole::ReturnWholeReturnReturnLineItemsNodesOn as On;
    let line_item = match &line.on {
        On::ReturnLineItem(fields) => Some(number(&fields.fulfillment_line_item.line_item.id)),
        // Goods that no order of the store knows.
        On::UnverifiedReturnLineItem => None,
    };
    IncomingReturnLine {
        external_id: number(&line.id),
        kind: LineKind::Return,
        line_external_id: line_item,
        quantity: line.quantity,
        processed: line.processed_quantity,
        refunded: line.refunded_quantity,
        reason: line.return_reason_definition.map(|reason| reason.name),
        note: [Some(line.return_reason_note), line.customer_note]
            .into_iter()
            .flatten()
            .find(|note| !note.trim().is_empty()),
    }
}

/// An exchange line may become several lines of the order.
fn exchanged(line: whole::ReturnWholeReturnExchangeLineItemsNodes) -> Vec<IncomingReturnLine> {
    let id = number(&line.id);
    let of_order: Vec<Option<String>> = match line.line_items {
        Some(lines) if !lines.is_empty() => lines.iter().map(|one| Some(number(&one.id))).collect(),
        Some(_) | None => vec![None],
    };
    of_order
        .into_iter()
        .map(|line_external_id| IncomingReturnLine {
            external_id: id.clone(),
            kind: LineKind::Exchange,
            line_external_id,
            quantity: line.quantity,
            processed: line.processed_quantity,
            refunded: 0,
            reason: None,
            note: None,
        })
        .collect()
}

fn disposed(
    line: whole::ReturnWholeReturnReverseFulfillmentOrdersNodesLineItemsNodes,
) -> Vec<IncomingDisposition> {
    use whole::ReverseFulfillmentOrderDispositionType as Theirs;
    let line_item = line
        .fulfillment_line_item
        .map(|fulfilled| number(&fulfilled.line_item.id));
    line.dispositions
        .into_iter()
        .map(|one| IncomingDisposition {
            external_id: number(&one.id),
            line_external_id: line_item.clone(),
            kind: match one.type_ {
                Theirs::RESTOCKED => DispositionKind::Restocked,
                Theirs::MISSING => DispositionKind::Missing,
                Theirs::PROCESSING_REQUIRED => DispositionKind::ProcessingRequired,
                // A word we have not met puts nothing on a shelf.
                Theirs::NOT_RESTOCKED | Theirs::Other(_) => DispositionKind::NotRestocked,
            },
            quantity: one.quantity,
            location_external_id: one.location.map(|location| number(&location.id)),
        })
        .collect()
}

/// The number of a gid, as webhooks and our tables spell it.
fn number(gid: &str) -> String {
    let last = gid.rsplit('/').next().unwrap_or(gid);
    last.split('?').next().unwrap_or(last).to_owned()
}
