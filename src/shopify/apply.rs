//! Applies stored webhooks inside the worker's transaction. A business cause never fails an event: it becomes a hold on
//! the order.
//!
//! Bodies of orders are read before the transaction begins, and the orders of a batch are booked together (`booking`).
//! Whatever else stores tell is rare, and applied one by one.
use std::collections::BTreeMap;
use std::slice;

use crate::erp::orders::OrderError;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::jobs::{self, Filing};
use crate::platform::queue::Outcome;
use crate::platform::trail;
use crate::platform::worker::handler::{Handler, Readings};
use crate::shopify::jobs::{CheckUninstalled, ReadLocations, ReadScopes};
use crate::shopify::mappings::MappingError;
use crate::shopify::orders::TranslateError;
use crate::shopify::privacy::RequestKind;
use crate::shopify::products::{self, Applied, ApplyError};
use crate::shopify::shops::{self, Shop};
use crate::shopify::topics::{self, Act, TopicRule};
use crate::types::At;

pub(crate) mod booking;
mod deleted;
pub mod fetched;
mod hints;
mod payments;
mod people;
mod privacy;
pub(crate) mod queries;
pub(crate) mod refunds;
mod returns;
mod shipments;

use booking::Told;

/// What is done with Shopify's webhooks.
pub struct Webhooks;

impl Handler for Webhooks {
    fn read<'a>(&self, events: &'a [EventRow]) -> Box<dyn Readings + 'a> {
        let messages = events.iter().map(read).collect();
        Box::new(Batch { events, messages })
    }
}

/// Applies one event.
///
/// # Errors
///
/// The database's; everything else is an [`Outcome`].
pub fn apply_event(conn: &mut DbConnection, event: &EventRow, now: At) -> Result<Outcome, DbError> {
    let mut outcomes = Webhooks
        .read(slice::from_ref(event))
        .apply(conn, &[0], now)?;
    outcomes.pop().ok_or(DbError::Interrupted)
}

/// Events, and what could be read of each without the database.
struct Batch<'a> {
    events: &'a [EventRow],
    messages: Vec<Message>,
}

enum Message {
    /// Nothing is done about it.
    Over(Outcome),
    Order(&'static TopicRule, Box<Result<Told, TranslateError>>),
    Other(&'static TopicRule),
}

fn read(event: &EventRow) -> Message {
    // A topic that nothing here follows was stored and answered. Acting on one that is not in the table
    // would believe a header, which nobody signed.
    let Some(rule) = topics::rule(&event.topic) else {
        return Message::Over(Outcome::nothing_to_do("nothing here follows this topic"));
    };
    if is_test(event) {
        let what = "a test notification: shown, never booked";
        return Message::Over(Outcome::nothing_to_do(what));
    }
    if matches!(rule.act, Act::BookOrder) {
        Message::Order(rule, Box::new(booking::read(event)))
    } else {
        Message::Other(rule)
    }
}

impl Readings for Batch<'_> {
    fn apply(
        &self,
        conn: &mut DbConnection,
        places: &[usize],
        now: At,
    ) -> Result<Vec<Outcome>, DbError> {
        let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
        let mut orders: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let mut others = Vec::new();
        for place in places {
            let event = &self.events[*place];
            match &self.messages[*place] {
                Message::Over(outcome) => {
                    outcomes.insert(*place, outcome.clone());
                }
                Message::Order(rule, told) => {
                    let of_store = orders.entry(&event.shop_domain).or_default();
                    of_store.push((*place, *rule, (event, &**told)));
                }
                Message::Other(rule) => others.push((*place, event, *rule)),
            }
        }
        for (domain, told) in orders {
            let Some(shop) = shops::queries::find_by_domain(conn, domain)? else {
                let strangers = told.into_iter();
                outcomes.extend(strangers.map(|(place, rule, _)| (place, stranger(rule, domain))));
                continue;
            };
            let read: Vec<_> = told.iter().map(|(_, _, read)| *read).collect();
            let booked = booking::orders(conn, &shop, &read, now)?;
            outcomes.extend(told.iter().map(|(place, ..)| *place).zip(booked));
        }
        for (place, event, rule) in others {
            let delivery = Some(event.webhook_id.clone());
            let outcome = trail::on(delivery, || other(conn, event, rule, now))?;
            outcomes.insert(place, outcome);
        }
        let in_order = places.iter().filter_map(|place| outcomes.remove(place));
        Ok(in_order.collect())
    }
}

fn other(
    conn: &mut DbConnection,
    event: &EventRow,
    rule: &TopicRule,
    now: At,
) -> Result<Outcome, DbError> {
    let Some(shop) = shops::queries::find_by_domain(conn, &event.shop_domain)? else {
        return Ok(stranger(rule, &event.shop_domain));
    };
    match rule.act {
        Act::BookOrder => booking::order(conn, &shop, event, now),
        Act::KeepPayment => payments::transaction(conn, &shop, event, now),
        Act::AskOrder => hints::of_order(conn, &shop, event, now),
        Act::KeepFulfillment => shipments::one(conn, &shop, event, now),
        Act::AskFulfillmentOrder => hints::of_fulfillment_order(conn, &shop, event, now),
        Act::NoteStock => hints::of_stock(conn, &shop, event, now),
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

fn product(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    match products::apply_update(conn, shop, &event.body, now) {
        Ok(Applied::Done) => Ok(Outcome::Done),
        Ok(Applied::Stale) => Ok(Outcome::Superseded),
        Err(
            ApplyError::Db(error)
            | ApplyError::Mapping(
                MappingError::Db(error) | MappingError::Order(OrderError::Db(error)),
            ),
        ) => Err(error),
        Err(error @ (ApplyError::Unreadable(_) | ApplyError::Mapping(_))) => {
            Ok(Outcome::dead(error.to_string()))
        }
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
