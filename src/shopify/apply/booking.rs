//! Orders as a store tells them: all of a batch are booked together.
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::privacy::without_person;
use super::queries::{self, Ours};
use super::refunds::Shelf;
use super::{sent_at, shipments, unreadable};
use crate::erp::orders::incoming::{PaymentRule, Shape, Source};
use crate::erp::orders::{self, Arrival, IncomingOrder, Intake, OrderError, Received};
use crate::erp::shipping::outside::Told as Extent;
use crate::erp::timeline::{self, Actor, Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::personal_data::{Subject, erase};
use crate::platform::queue::Outcome;
use crate::platform::trail;
use crate::shopify::enrich::{self, ToAsk, Whole};
use crate::shopify::fulfillments::outside;
use crate::shopify::orders::{Fulfillment, TranslateError, Translated, translate};
use crate::shopify::personal_data::{impersonal_body, register};
use crate::shopify::privacy::is_erased;
use crate::shopify::shops::Shop;
use crate::shopify::{customers, mappings, products};
use crate::types::{At, Field, OrderId, ShopId};

/// An order as a webhook tells it.
pub(super) struct Told {
    order: IncomingOrder,
    /// `None` until it is known whose its fulfilments are.
    digest: Option<String>,
    fulfillments: Vec<Fulfillment>,
    /// The shop's domain where the body names it.
    shop_domain: Option<String>,
}

/// An order that can be booked, whatever shape it came in.
pub(crate) struct Booking<'a> {
    pub(crate) order: Cow<'a, IncomingOrder>,
    pub(crate) digest: Cow<'a, str>,
    pub(crate) source: Source<'a>,
    /// What is kept in place of the source's body, where that told of somebody who is to be forgotten.
    pub(crate) kept: Option<Vec<u8>>,
    /// Fulfilments that are echoes of our own pushes.
    pub(crate) echoes: usize,
    /// All that were told.
    pub(crate) fulfillments: &'a [Fulfillment],
    /// The delivery that brought it; what it files goes back to that.
    pub(crate) delivery: Option<String>,
}

impl<'a> Booking<'a> {
    /// Tells what others have shipped from the echo of our own pushes, and leaves out whoever is to be forgotten.
    pub(super) fn new(
        conn: &mut DbConnection,
        shop: &Shop,
        told: &'a Told,
        source: Source<'a>,
    ) -> Result<Booking<'a>, DbError> {
        let mut order = Cow::Borrowed(&told.order);
        let mut echoes = 0;
        if !told.fulfillments.is_empty() {
            let ours = queries::our_fulfillments(conn, shop.id, &order.external_id)?;
            let (others, own) = tell_apart(&told.fulfillments, ours);
            attribute(order.to_mut(), &others);
            // The lines say it better: the word counts our own shipments too.
            order.to_mut().fulfilled = Field::Value(false);
            echoes = own;
        }
        let customer = order.customer.value();
        let customer = customer.map(|one| one.external_id.as_str());
        let mut kept = None;
        if is_erased(conn, shop, Some(&order.external_id), customer)? {
            if let Some(event) = source.event {
                // The message itself told of somebody who is to be forgotten.
                erase(conn, &register(), Subject::Event, &[event.0])?;
            }
            kept = Some(impersonal_body(source.body));
            order = Cow::Owned(without_person(order.into_owned()));
        }
        let digest = match (&order, &told.digest) {
            (Cow::Borrowed(_), Some(digest)) => Cow::Borrowed(digest.as_str()),
            (Cow::Borrowed(_) | Cow::Owned(_), _) => Cow::Owned(order.digest()),
        };
        Ok(Booking {
            order,
            digest,
            source,
            kept,
            echoes,
            fulfillments: &told.fulfillments,
            delivery: None,
        })
    }

    fn source(&self) -> Source<'_> {
        Source {
            body: self.kept.as_deref().unwrap_or(self.source.body),
            ..self.source
        }
    }

    fn actor(&self) -> Actor {
        Actor {
            source: self.source.event.map(|event| format!("event:{event}")),
            ..Actor::default()
        }
    }

    fn variants(&self) -> impl Iterator<Item = &str> {
        let lines = self.order.lines.iter().flatten();
        lines.filter_map(|line| line.variant_external_id.as_deref())
    }
}

impl Told {
    /// An order as its translator tells it.
    pub(super) fn new(translated: Translated) -> Told {
        let Translated {
            mut order,
            fulfillments,
            shop_domain,
        } = translated;
        if fulfillments.is_some() {
            attribute(&mut order, &[]);
        }
        let fulfillments = fulfillments.unwrap_or_default();
        Told {
            digest: fulfillments.is_empty().then(|| order.digest()),
            order,
            fulfillments,
            shop_domain,
        }
    }
}

/// Reads the order in an event's body.
pub(super) fn read(event: &EventRow) -> Result<Told, TranslateError> {
    translate(&event.body, sent_at(event)).map(Told::new)
}

/// Books the order of one event.
pub(super) fn order(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    let outcomes = orders(conn, shop, &[(event, &read(event))], now)?;
    outcomes.into_iter().next().ok_or(DbError::Interrupted)
}

/// Books the orders of these events; tells what became of each, in their order.
pub(super) fn orders(
    conn: &mut DbConnection,
    shop: &Shop,
    events: &[(&EventRow, &Result<Told, TranslateError>)],
    now: At,
) -> Result<Vec<Outcome>, DbError> {
    let told = events.iter().filter_map(|(_, told)| told.as_ref().ok());
    let ids: Vec<&str> = told.map(|told| told.order.external_id.as_str()).collect();
    let owners = queries::other_owners(conn, shop.id, &ids)?;
    let owners: HashMap<String, String> = owners.into_iter().collect();
    let mut refused = Vec::with_capacity(events.len());
    let mut bookings = Vec::with_capacity(events.len());
    for (event, told) in events {
        match told.as_ref().map_err(unreadable) {
            Ok(told) => {
                let refusal = match refusal(event, told, &owners) {
                    Some(outcome) => Some(outcome),
                    None => {
                        let order = &told.order.external_id;
                        shipments::of_order(conn, shop, event, (order, &told.fulfillments), now)?
                    }
                };
                if refusal.is_none() {
                    bookings.push(booking(conn, shop, event, told)?);
                }
                refused.push(refusal);
            }
            Err(outcome) => refused.push(Some(outcome)),
        }
    }
    let mut booked = Vec::with_capacity(bookings.len());
    let mut seen = HashSet::new();
    if bookings
        .iter()
        .all(|one| seen.insert(&one.order.external_id))
    {
        booked = book(conn, shop, &bookings, now)?;
    } else {
        // An id that was misspelt on its way in: what is told twice is told one after the other.
        for one in bookings.chunks(1) {
            booked.extend(book(conn, shop, one, now)?);
        }
    }
    let mut booked = booked.into_iter();
    Ok(refused
        .into_iter()
        .filter_map(|refused| refused.or_else(|| booked.next()))
        .collect())
}

/// Why an order is not of the store that its event names.
fn refusal(event: &EventRow, told: &Told, owners: &HashMap<String, String>) -> Option<Outcome> {
    let header = &event.shop_domain;
    let named = told.shop_domain.as_ref();
    if let Some(domain) = named.filter(|domain| !domain.eq_ignore_ascii_case(header)) {
        let what = format!("shop_domain: the body is of {domain}, the header says {header}");
        return Some(Outcome::dead(what));
    }
    let owner = owners.get(&told.order.external_id)?;
    let what = format!("id: this order is of {owner}, the header says {header}");
    Some(Outcome::dead(what))
}

fn booking<'a>(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &'a EventRow,
    told: &'a Told,
) -> Result<Booking<'a>, DbError> {
    let source = Source {
        shape: Shape::Webhook,
        api_version: event.api_version.as_deref().unwrap_or("unknown"),
        event: Some(event.id),
        name: &event.topic,
        body: &event.body,
    };
    Ok(Booking {
        delivery: Some(event.webhook_id.clone()),
        ..Booking::new(conn, shop, told, source)?
    })
}

/// Books orders of this shop; no two of them are the same. Tells what became of each, in their order.
///
/// # Errors
///
/// The database's.
pub(crate) fn book(
    conn: &mut DbConnection,
    shop: &Shop,
    bookings: &[Booking<'_>],
    now: At,
) -> Result<Vec<Outcome>, DbError> {
    let customers: Vec<_> = bookings
        .iter()
        .filter_map(|one| one.order.customer.value())
        .collect();
    let contacts = customers::receive(conn, shop, &customers, now)?;
    let sold: HashSet<&str> = bookings.iter().flat_map(Booking::variants).collect();
    let sold: Vec<&str> = sold.into_iter().collect();
    let known = mappings::resolve(conn, shop.id, &sold)?;
    for booking in bookings {
        let lines = booking.order.lines.iter().flatten();
        let missing = lines.filter_map(|line| {
            let variant = line.variant_external_id.as_deref()?;
            let product = line.product_external_id.as_deref()?;
            (!known.contains_key(variant)).then_some(product)
        });
        let delivery = booking.delivery.clone().or_else(trail::current);
        trail::on(delivery, || {
            products::fetch_missing(conn, shop, missing, now)
        })?;
    }
    let refunds: Vec<_> = bookings
        .iter()
        .flat_map(|one| one.order.refunds.iter().flatten().cloned())
        .collect();
    let shelf = Shelf::of(conn, shop, &refunds)?;
    let intake = Intake {
        channel: shop.channel,
        resolve: &|variant| known.get(variant).cloned().flatten(),
        payment: shop
            .order_status_filter
            .parse()
            .unwrap_or(PaymentRule::Paid),
        shelf: &|place| shelf.find(place),
    };
    let arrivals: Vec<Arrival<'_>> = bookings
        .iter()
        .map(|booking| Arrival {
            order: &booking.order,
            digest: &booking.digest,
            contact: booking
                .order
                .customer
                .value()
                .and_then(|customer| contacts.get(&customer.external_id).copied()),
            check_first: shop.check_orders,
            source: booking.source(),
        })
        .collect();
    let received = orders::receive(conn, &intake, &arrivals, now)?;
    for (booking, received) in bookings.iter().zip(&received) {
        if let Received::Created(order) = received {
            remember_shipments(conn, shop, booking, *order, now)?;
        }
        note_echoes(conn, booking, *received, now)?;
    }
    ask(conn, shop, bookings, &received, now)?;
    Ok(received.into_iter().map(outcome).collect())
}

/// What others have shipped of a new order: an older word of it is no news then. Of an order that was asked for, the
/// next question tells more.
fn remember_shipments(
    conn: &mut DbConnection,
    shop: &Shop,
    booking: &Booking<'_>,
    order: OrderId,
    now: At,
) -> Result<(), DbError> {
    if booking.fulfillments.is_empty() || booking.source.shape == Shape::Graphql {
        return Ok(());
    }
    let known = (order, booking.order.external_id.as_str());
    let told = (Extent::All, booking.fulfillments);
    match outside::receive(conn, shop, known, told, &booking.actor(), now) {
        Ok(()) => Ok(()),
        Err(OrderError::Db(error)) => Err(error),
        // None of these can be of an order that was just made.
        Err(
            OrderError::NotFound(_)
            | OrderError::Changed
            | OrderError::NoSuchHold
            | OrderError::Quantity
            | OrderError::Stock(_),
        ) => Ok(()),
    }
}

/// Has Shopify asked about what a webhook does not tell. What was asked for is not asked for again.
fn ask(
    conn: &mut DbConnection,
    shop: &Shop,
    bookings: &[Booking<'_>],
    received: &[Received],
    now: At,
) -> Result<(), DbError> {
    let told = bookings.iter().zip(received);
    let told = told.filter(|(booking, _)| booking.source.shape != Shape::Graphql);
    let questions: Vec<ToAsk<'_>> = told
        .filter_map(|(booking, received)| {
            let (known, whole) = match received {
                Received::Created(id) | Received::Updated(id) => (*id, Whole::WhereOutdated),
                Received::NeedsFetch(id) => (*id, Whole::Always),
                Received::Unchanged(_) | Received::Stale(_) | Received::Tombstoned => return None,
            };
            Some(ToAsk {
                order: &booking.order.external_id,
                known,
                whole,
                delivery: booking.delivery.clone().or_else(trail::current),
            })
        })
        .collect();
    enrich::enqueue_all(conn, shop, &questions, now)
}

fn note_echoes(
    conn: &mut DbConnection,
    booking: &Booking<'_>,
    received: Received,
    now: At,
) -> Result<(), DbError> {
    if let (Received::Updated(order), true) = (received, booking.echoes > 0) {
        let actor = booking.actor();
        let entry = Entry::new(Kind::Echo, json!({ "fulfillments": booking.echoes }));
        timeline::record(conn, order, entry, &actor, now)?;
    }
    Ok(())
}

fn outcome(received: Received) -> Outcome {
    match received {
        Received::Created(_) | Received::Updated(_) | Received::Unchanged(_) => Outcome::Done,
        // Two contents of one version, and the other came later: only Shopify could say more.
        Received::Stale(_) | Received::Tombstoned | Received::NeedsFetch(_) => Outcome::Superseded,
    }
}

/// Notes on the lines what others have shipped.
fn attribute(order: &mut IncomingOrder, others: &[&Fulfillment]) {
    for line in order.lines.iter_mut().flatten() {
        let elsewhere = others
            .iter()
            .filter(|fulfillment| !fulfillment.is_cancelled)
            .flat_map(|fulfillment| &fulfillment.lines)
            .filter(|(id, _quantity)| *id == line.external_id)
            .map(|(_id, quantity)| *quantity)
            .sum();
        line.fulfilled_elsewhere = Some(elsewhere);
    }
}

/// The fulfilments of an order that are not ours, cancelled ones among them.
pub(crate) fn tell_apart_for<'a>(
    conn: &mut DbConnection,
    shop: ShopId,
    order: &str,
    fulfillments: &'a [Fulfillment],
) -> Result<Vec<&'a Fulfillment>, DbError> {
    let ours = queries::our_fulfillments(conn, shop, order)?;
    Ok(tell_apart(fulfillments, ours).0)
}

/// The fulfilments that are not ours, and how many matched an intent whose answer is still out.
fn tell_apart(fulfillments: &[Fulfillment], mut ours: Vec<Ours>) -> (Vec<&Fulfillment>, usize) {
    let mut others = Vec::new();
    let mut echoes = 0;
    for fulfillment in fulfillments {
        let known = |one: &Ours| one.gid.as_deref() == Some(fulfillment.gid.as_str());
        if ours.iter().any(known) {
            continue;
        }
        if fulfillment.is_cancelled {
            others.push(fulfillment);
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
