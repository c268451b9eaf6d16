//! Applies one stored webhook inside the worker's transaction. A business cause never fails an event:
//! it becomes a hold on the order.
use serde_json::json;

use crate::erp::orders::Received;
use crate::erp::orders::incoming::{PaymentRule, Shape, Source};
use crate::erp::orders::{self, IncomingOrder, Intake, OrderError};
use crate::erp::timeline::{self, Actor, Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::jobs::{self, Filing};
use crate::platform::queue::Outcome;
use crate::shopify::customers;
use crate::shopify::jobs::CheckUninstalled;
use crate::shopify::mappings;
use crate::shopify::orders::{
    Fulfillment, TranslateError, Translated, translate, translate_delete,
};
use crate::shopify::products::{self, Applied, ApplyError};
use crate::shopify::shops::{self, Shop};
use crate::shopify::webhooks;
use crate::types::{At, Field};

pub(crate) mod queries;

use queries::Ours;

/// Applies one event. The worker undoes its changes when this fails.
///
/// # Errors
///
/// The database's; everything else is an [`Outcome`].
pub fn apply_event(conn: &mut DbConnection, event: &EventRow, now: At) -> Result<Outcome, DbError> {
    let Some(shop) = shops::queries::find_by_domain(conn, &event.shop_domain)? else {
        return Ok(Outcome::dead(format!(
            "no store {} is connected",
            event.shop_domain
        )));
    };
    // A topic that nothing here follows was stored and answered; there is nothing to do. Acting on one
    // that is not in the table would believe a header, which nobody signed.
    if webhooks::rule(&event.topic).is_none() {
        return Ok(Outcome::Done);
    }
    match event.topic.as_str() {
        "orders/create"
        | "orders/updated"
        | "orders/paid"
        | "orders/cancelled"
        | "orders/fulfilled"
        | "orders/partially_fulfilled" => order(conn, &shop, event, now),
        "orders/delete" => deleted(conn, &shop, event, now),
        "products/update" | "products/create" => product(conn, &shop, event, now),
        "app/uninstalled" => uninstalled(conn, &shop, event, now),
        // A topic that nothing here follows was stored and answered; there is nothing to do.
        _ => Ok(Outcome::Done),
    }
}

fn order(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    let sent = event.triggered_at.unwrap_or(event.received_at);
    let translated = match translate(&event.body, sent) {
        Ok(translated) => translated,
        Err(wrong) => return Ok(unreadable(&wrong)),
    };
    if let Some(domain) = &translated.shop_domain
        && !domain.eq_ignore_ascii_case(&event.shop_domain)
    {
        return Ok(Outcome::dead(format!(
            "shop_domain: the body is of {domain}, the header says {}",
            event.shop_domain
        )));
    }
    let (incoming, echoes) = attribute_fulfillments(conn, shop, translated)?;
    let source = Source {
        shape: Shape::Webhook,
        api_version: event.api_version.as_deref().unwrap_or("unknown"),
        event: Some(event.id),
        name: &event.topic,
        body: &event.body,
    };
    book(conn, shop, &incoming, source, echoes, now)
}

/// Books an order of this shop, whatever shape it came in.
///
/// # Errors
///
/// The database's.
pub(crate) fn book(
    conn: &mut DbConnection,
    shop: &Shop,
    incoming: &IncomingOrder,
    source: Source<'_>,
    echoes: usize,
    now: At,
) -> Result<Outcome, DbError> {
    let contact = match incoming.customer.value() {
        Some(customer) => Some(customers::receive(conn, shop.id, customer, now)?),
        None => None,
    };
    let lines = || incoming.lines.iter().flatten();
    let variants: Vec<String> = lines()
        .filter_map(|line| line.variant_external_id.clone())
        .collect();
    let known = mappings::resolve(conn, shop.id, &variants)?;
    let sold: Vec<(&str, &str)> = lines()
        .filter_map(|line| {
            let product = line.product_external_id.as_deref()?;
            Some((product, line.variant_external_id.as_deref()?))
        })
        .collect();
    products::fetch_missing(conn, shop, &sold, now)?;
    let intake = Intake {
        channel: shop.channel,
        contact,
        resolve: &|variant| known.get(variant).cloned(),
        payment: shop
            .order_status_filter
            .parse()
            .unwrap_or(PaymentRule::Paid),
        check_first: false,
        source,
    };
    let received = match orders::receive(conn, incoming, &intake, now) {
        Ok(received) => received,
        Err(OrderError::Db(error)) => return Err(error),
        Err(
            error @ (OrderError::NotFound(_)
            | OrderError::Changed
            | OrderError::NoSuchHold
            | OrderError::Quantity
            | OrderError::Stock(_)),
        ) => return Ok(Outcome::dead(error.to_string())),
    };
    if let (Received::Updated(order), true) = (received, echoes > 0) {
        let actor = Actor {
            source: source.event.map(|event| format!("event:{event}")),
            ..Actor::default()
        };
        let entry = Entry::new(Kind::Echo, json!({ "fulfillments": echoes }));
        timeline::record(conn, order, entry, &actor, now)?;
    }
    Ok(outcome(received))
}

fn outcome(received: Received) -> Outcome {
    match received {
        Received::Created(_) | Received::Updated(_) | Received::Unchanged(_) => Outcome::Done,
        // Two contents of one version, and the other came later: only Shopify could say more.
        Received::Stale(_) | Received::Tombstoned | Received::NeedsFetch(_) => Outcome::Superseded,
    }
}

fn deleted(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    let external_id = match translate_delete(&event.body) {
        Ok(external_id) => external_id,
        Err(wrong) => return Ok(unreadable(&wrong)),
    };
    let actor = Actor::source(format!("event:{}", event.id));
    match orders::delete_from_channel(conn, shop.channel, &external_id, &actor, now) {
        Ok(_order) => Ok(Outcome::Done),
        Err(OrderError::Db(error)) => Err(error),
        Err(
            error @ (OrderError::NotFound(_)
            | OrderError::Changed
            | OrderError::NoSuchHold
            | OrderError::Quantity
            | OrderError::Stock(_)),
        ) => Ok(Outcome::dead(error.to_string())),
    }
}

fn product(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    match products::apply_update(conn, shop, &event.body, now) {
        Ok(Applied::Done) => Ok(Outcome::Done),
        Ok(Applied::Stale) => Ok(Outcome::Superseded),
        Err(ApplyError::Db(error)) => Err(error),
        Err(error @ ApplyError::Unreadable(_)) => Ok(Outcome::dead(error.to_string())),
    }
}

/// The headers of a webhook are not signed: only the API can say whether we were uninstalled.
fn uninstalled(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    let job = CheckUninstalled {
        shop: shop.id,
        event_at: event.triggered_at.unwrap_or(event.received_at),
    };
    let filing = Filing {
        shop_domain: Some(event.shop_domain.clone()),
        ..Filing::default()
    };
    jobs::enqueue(conn, &job, &filing, now)?;
    Ok(Outcome::Done)
}

fn unreadable(wrong: &TranslateError) -> Outcome {
    Outcome::dead(wrong.to_string())
}

/// Tells what others have shipped from the echo of our own pushes, and notes it on the lines.
/// Returns the order and how many fulfilments were echoes of a push that is still open.
pub(crate) fn attribute_fulfillments(
    conn: &mut DbConnection,
    shop: &Shop,
    translated: Translated,
) -> Result<(IncomingOrder, usize), DbError> {
    let Translated {
        mut order,
        fulfillments,
        ..
    } = translated;
    let Some(fulfillments) = fulfillments else {
        return Ok((order, 0));
    };
    let ours = if fulfillments.is_empty() {
        Vec::new()
    } else {
        queries::our_fulfillments(conn, shop.id, &order.external_id)?
    };
    let (others, echoes) = tell_apart(&fulfillments, ours);
    for line in order.lines.iter_mut().flatten() {
        let elsewhere = others
            .iter()
            .flat_map(|fulfillment| &fulfillment.lines)
            .filter(|(id, _quantity)| *id == line.external_id)
            .map(|(_id, quantity)| *quantity)
            .sum();
        line.fulfilled_elsewhere = Some(elsewhere);
    }
    if !fulfillments.is_empty() {
        // The lines say it better: the word counts our own shipments too.
        order.fulfilled = Field::Value(false);
    }
    Ok((order, echoes))
}

/// The fulfilments that are not ours, and how many matched an intent whose answer is still out.
fn tell_apart(fulfillments: &[Fulfillment], mut ours: Vec<Ours>) -> (Vec<&Fulfillment>, usize) {
    let mut others = Vec::new();
    let mut echoes = 0;
    for fulfillment in fulfillments.iter().filter(|one| !one.is_cancelled) {
        let known = |one: &Ours| one.gid.as_deref() == Some(fulfillment.gid.as_str());
        if ours.iter().any(known) {
            continue;
        }
        let intent = ours
            .iter()
            .position(|one| one.gid.is_none() && covers(&one.lines, &fulfillment.lines));
        match intent {
            Some(place) => {
                ours.swap_remove(place);
                echoes += 1;
            }
            None => others.push(fulfillment),
        }
    }
    (others, echoes)
}

/// Whether every piece of the fulfilment is one that the intent sends: a shipment may become several
/// fulfilments.
fn covers(intent: &[(String, i64)], fulfillment: &[(String, i64)]) -> bool {
    fulfillment.iter().all(|(line, quantity)| {
        intent
            .iter()
            .any(|(sent, pieces)| sent == line && pieces >= quantity)
    })
}
