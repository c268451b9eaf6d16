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
use crate::platform::personal_data::{Subject, erase};
use crate::platform::queue::Outcome;
use crate::shopify::customers;
use crate::shopify::jobs::{CheckUninstalled, ReadLocations, ReadScopes};
use crate::shopify::mappings;
use crate::shopify::orders::{Fulfillment, TranslateError, Translated, translate};
use crate::shopify::personal_data::{impersonal_body, register};
use crate::shopify::privacy::{RequestKind, is_erased};
use crate::shopify::products::{self, Applied, ApplyError};
use crate::shopify::shops::{self, Shop};
use crate::shopify::topics::{self, Act, TopicRule};
use crate::types::{At, Field};

mod deleted;
pub mod fetched;
mod hints;
mod payments;
mod people;
mod privacy;
pub(crate) mod queries;
pub(crate) mod refunds;
mod returns;

use queries::Ours;

/// Applies one event. The worker undoes its changes when this fails.
///
/// # Errors
///
/// The database's; everything else is an [`Outcome`].
pub fn apply_event(conn: &mut DbConnection, event: &EventRow, now: At) -> Result<Outcome, DbError> {
    // A topic that nothing here follows was stored and answered. Acting on one that is not in the table
    // would believe a header, which nobody signed.
    let Some(rule) = topics::rule(&event.topic) else {
        return Ok(Outcome::nothing_to_do("nothing here follows this topic"));
    };
    if is_test(event) {
        return Ok(Outcome::nothing_to_do(
            "a test notification: shown, never booked",
        ));
    }
    let Some(shop) = shops::queries::find_by_domain(conn, &event.shop_domain)? else {
        return Ok(stranger(rule, &event.shop_domain));
    };
    match rule.act {
        Act::BookOrder => order(conn, &shop, event, now),
        Act::KeepPayment => payments::transaction(conn, &shop, event, now),
        Act::LeaveToOrder => Ok(hints::of_order(event)),
        Act::LeaveToNamedOrder => Ok(hints::of_named_order(event)),
        Act::LeaveStock => Ok(hints::of_stock(event)),
        Act::KeepProduct => product(conn, &shop, event, now),
        Act::ReadReturn => returns::apply(conn, &shop, event, now),
        Act::BookRefund => refunds::apply(conn, &shop, event, now),
        Act::CheckOrderGone => deleted::order(conn, &shop, event, now),
        Act::CheckProductGone => deleted::product(conn, &shop, event, now),
        Act::CheckCustomerGone => deleted::customer(conn, &shop, event, now),
        Act::KeepCustomer => people::customer(conn, &shop, event, now),
        Act::MergeCustomers => people::merge(conn, &shop, event, now),
        Act::ReadLocations => file(conn, &shop, &ReadLocations { shop: shop.id }, now),
        Act::ReadScopes => file(conn, &shop, &ReadScopes { shop: shop.id }, now),
        Act::FinishBulkOperation => hints::finish_bulk_operation(conn, &shop, event, now),
        Act::CheckUninstalled => uninstalled(conn, &shop, event, now),
        Act::ReportCustomer => privacy::request(conn, &shop, event, RequestKind::Report, now),
        Act::RedactCustomer => {
            privacy::request(conn, &shop, event, RequestKind::EraseCustomer, now)
        }
        Act::RedactShop => privacy::request(conn, &shop, event, RequestKind::EraseShop, now),
    }
}

/// Whether it is Shopify's "send test notification": its body is a made-up record.
fn is_test(event: &EventRow) -> bool {
    #[derive(serde::Deserialize)]
    struct Headers {
        #[serde(default)]
        test: bool,
    }
    serde_json::from_str::<Headers>(&event.headers).is_ok_and(|headers| headers.test)
}

fn stranger(rule: &TopicRule, domain: &str) -> Outcome {
    if rule.after_disconnect {
        Outcome::nothing_to_do(format!("nothing of {domain} was ever here"))
    } else {
        Outcome::dead(format!("no store {domain} is connected"))
    }
}

/// Files a job about the store and is done.
fn file<J: jobs::Job>(
    conn: &mut DbConnection,
    shop: &Shop,
    job: &J,
    now: At,
) -> Result<Outcome, DbError> {
    let filing = Filing {
        shop_domain: Some(shop.domain.to_string()),
        ..Filing::default()
    };
    jobs::enqueue(conn, job, &filing, now)?;
    Ok(Outcome::Done)
}

fn order(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    let translated = match translate(&event.body, sent_at(event)) {
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
    if let Some(owner) = queries::other_owner(conn, shop.id, &translated.order.external_id)? {
        return Ok(Outcome::dead(format!(
            "id: this order is of {owner}, the header says {}",
            event.shop_domain
        )));
    }
    let (incoming, echoes) = attribute_fulfillments(conn, shop, translated)?;
    let customer = incoming.customer.value().map(|one| one.external_id.clone());
    if is_erased(conn, shop, Some(&incoming.external_id), customer.as_deref())? {
        // The message itself told of somebody who is to be forgotten.
        erase(conn, &register(), Subject::Event, &[event.id.0])?;
        let body = impersonal_body(&event.body);
        let incoming = privacy::without_person(incoming);
        let source = source(event, &body);
        return book(conn, shop, &incoming, source, echoes, now);
    }
    book(
        conn,
        shop,
        &incoming,
        source(event, &event.body),
        echoes,
        now,
    )
}

fn source<'a>(event: &'a EventRow, body: &'a [u8]) -> Source<'a> {
    Source {
        shape: Shape::Webhook,
        api_version: event.api_version.as_deref().unwrap_or("unknown"),
        event: Some(event.id),
        name: &event.topic,
        body,
    }
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
    let shelf = refunds::Shelf::of(conn, shop, incoming.refunds.as_deref().unwrap_or_default())?;
    let intake = Intake {
        channel: shop.channel,
        contact,
        resolve: &|variant| known.get(variant).cloned(),
        payment: shop
            .order_status_filter
            .parse()
            .unwrap_or(PaymentRule::Paid),
        check_first: false,
        shelf: &|place| shelf.find(place),
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
        event_at: sent_at(event),
    };
    file(conn, shop, &job, now)
}

/// When Shopify sent it, as far as its unsigned header can be believed.
fn sent_at(event: &EventRow) -> At {
    event.triggered_at.unwrap_or(event.received_at)
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
