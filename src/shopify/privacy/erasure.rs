//! Erasing people: stored messages first, contacts and orders last, so that a run that breaks off can begin
//! again and still knows whom it looks for. Money and stock stay.
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Person, Request, RequestKind, RequestState, person, queries};
use crate::erp::changes;
use crate::erp::customers;
use crate::erp::orders;
use crate::erp::timeline::{self, Actor, Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{Job, Run};
use crate::platform::personal_data::{Column, Subject, erase};
use crate::platform::queue::Outcome;
use crate::shopify::connect::{self, ConnectError};
use crate::shopify::personal_data::register;
use crate::shopify::shops::{self, Shop, ShopError, ShopState};
use crate::shopify::{Connector, outcome_of};
use crate::types::{At, ContactId, OrderId, ShopId};

/// Rows in one transaction: others want to write as well.
const BATCH: i64 = 200;

/// Erases one customer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EraseCustomer {
    pub(crate) request: i64,
}

impl Job for EraseCustomer {
    const KIND: &'static str = "shopify.erase_customer";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.request.to_string())
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        match erase_customer(&cx, self.request).await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::retry(error.to_string()),
        }
    }
}

/// Erases everybody that a store has told of, if the store is gone or its owner said so.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EraseShop {
    pub(crate) shop: ShopId,
    pub(crate) request: i64,
    pub(crate) sent_at: At,
    /// The owner said so.
    pub(crate) approved: bool,
}

impl Job for EraseShop {
    const KIND: &'static str = "shopify.erase_shop";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.request.to_string())
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        match erase_shop(&cx, &self).await {
            Ok(true) => Outcome::Done,
            Ok(false) => Outcome::nothing_to_do("the store is connected: its owner decides"),
            Err(ConnectError::Call(error)) => outcome_of(self.shop, &error),
            Err(error) => Outcome::retry(error.to_string()),
        }
    }
}

async fn erase_customer(cx: &Connector, request: i64) -> Result<(), ShopError> {
    let (shop, request, who, needles) = cx.db.read(move |conn| look(conn, request)).await?;
    if request.state == RequestState::Done {
        return Ok(());
    }
    erase_unfiled(cx, &shop, &needles).await?;
    let now = cx.clock.now();
    cx.db
        .write(move |conn| -> Result<(), DbError> {
            let mut named: Vec<String> = serde_json::from_str(&request.orders).unwrap_or_default();
            named.extend(erase_orders(conn, &shop, &who.orders, now)?);
            let customer = request.customer_external_id.as_deref();
            queries::remember(conn, shop.id, customer, &named, now)?;
            let register = register();
            let keys = named
                .iter()
                .map(|order| format!("{}/order/{order}", shop.domain))
                .chain(customer.map(|id| format!("{}/customer/{id}", shop.domain)));
            let mut events = vec![request.event];
            for key in keys {
                events.extend(queries::list_events_of(conn, &key)?);
            }
            erase(conn, &register, Subject::Event, &events)?;
            if let Some(contact) = who.contact {
                erase_contact(conn, &register, contact, None)?;
            }
            queries::mark_done(conn, request.id, RequestState::Open, now).map(drop)
        })
        .await?;
    Ok(())
}

type Found = (Shop, Request, Person, Vec<String>);

fn look(conn: &mut DbConnection, request: i64) -> Result<Found, ShopError> {
    let request = queries::find(conn, request)?.ok_or(ShopError::NotFound)?;
    let shop = shops::get(conn, request.shop)?;
    let who = person(conn, &shop, &request)?;
    let needles = queries::list_needles(conn, who.contact, &who.orders)?;
    Ok((shop, request, who, needles))
}

/// Orders with everything that hangs on them, and the messages that told of them. Returns the channel's ids.
fn erase_orders(
    conn: &mut DbConnection,
    shop: &Shop,
    found: &[OrderId],
    now: At,
) -> Result<Vec<String>, DbError> {
    let register = register();
    let ids: Vec<i64> = found.iter().map(|order| order.0).collect();
    erase(conn, &register, Subject::Order, &ids)?;
    // By what is left of them they can still be found.
    orders::search::refresh(conn, found)?;
    let subjects: Vec<String> = ids.iter().map(|id| format!("order/{id}")).collect();
    let jobs = queries::list_jobs_of(conn, &subjects)?;
    erase(conn, &register, Subject::Job, &jobs)?;
    let names = queries::name_orders(conn, found)?;
    let (external, public): (Vec<String>, Vec<String>) = names.into_iter().unzip();
    for id in &external {
        let key = format!("{}/order/{id}", shop.domain);
        let events = queries::list_events_of(conn, &key)?;
        erase(conn, &register, Subject::Event, &events)?;
    }
    for order in found {
        let entry = Entry::new(Kind::Redacted, json!({}));
        timeline::record(conn, *order, entry, &Actor::default(), now)?;
    }
    changes::record_all(conn, "order", &public, now)?;
    Ok(external)
}

fn erase_contact(
    conn: &mut DbConnection,
    register: &[Column],
    contact: ContactId,
    gone: Option<ShopId>,
) -> Result<(), DbError> {
    for one in customers::family(conn, contact)? {
        // The same person in another store of the house has not asked for anything there.
        if queries::is_needed(conn, one, gone)? {
            continue;
        }
        if let Some(account) = queries::find_own_account(conn, one)? {
            erase(conn, register, Subject::Account, &[account])?;
        }
        erase(conn, register, Subject::Contact, &[one.0])?;
    }
    // By what is left they can still be found.
    customers::search::refresh(conn, &[contact])
}

/// Messages that could not be read, and those of topics that nobody follows, are filed under nothing.
async fn erase_unfiled(cx: &Connector, shop: &Shop, needles: &[String]) -> Result<(), DbError> {
    let mut after = 0;
    loop {
        let (domain, needles) = (shop.domain.to_string(), needles.to_vec());
        let last = cx
            .db
            .write(move |conn| {
                let rows = queries::list_unfiled_after(conn, &domain, after, BATCH)?;
                let last = rows.last().map(|(id, _)| *id);
                let theirs: Vec<i64> = rows
                    .into_iter()
                    .filter(|(_, body)| mentions(body, &needles))
                    .map(|(id, _)| id)
                    .collect();
                erase(conn, &register(), Subject::Event, &theirs)?;
                Ok::<Option<i64>, DbError>(last)
            })
            .await?;
        match last {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

fn mentions(body: &[u8], needles: &[String]) -> bool {
    let text = String::from_utf8_lossy(body).to_lowercase();
    needles
        .iter()
        .any(|needle| text.contains(&needle.to_lowercase()))
}

/// Returns whether they were erased; `false` leaves the request to the owner.
async fn erase_shop(cx: &Connector, job: &EraseShop) -> Result<bool, ConnectError> {
    let id = job.request;
    let (shop, request) = cx
        .db
        .read(move |conn| -> Result<(Shop, Request), ShopError> {
            let request = queries::find(conn, id)?.ok_or(ShopError::NotFound)?;
            Ok((shops::get(conn, request.shop)?, request))
        })
        .await?;
    if request.kind != RequestKind::EraseShop || request.state == RequestState::Done {
        return Ok(true);
    }
    if !is_gone(cx, &shop, job).await? {
        cx.db
            .write(move |conn| queries::mark_waiting(conn, id).map(drop))
            .await?;
        return Ok(false);
    }
    erase_everybody(cx, &shop).await?;
    let now = cx.clock.now();
    cx.db
        .write(move |conn| -> Result<(), DbError> {
            let register = register();
            for contact in queries::list_contacts(conn, shop.id)? {
                erase_contact(conn, &register, contact, Some(shop.id))?;
            }
            // Should the store come back, what it then says of its customers is news.
            queries::forget_versions(conn, shop.id)?;
            queries::drop_secrets(conn, &shop)?;
            queries::mark_done(conn, id, RequestState::Open, now).map(drop)
        })
        .await?;
    cx.directory.forget();
    Ok(true)
}

/// A message of an earlier connection must not hurt a store that was connected again.
async fn is_gone(cx: &Connector, shop: &Shop, job: &EraseShop) -> Result<bool, ConnectError> {
    match shop.state {
        ShopState::Disconnected => Ok(job.approved || job.sent_at >= shop.installed_at),
        // Its token is dead, which says nothing of the store.
        ShopState::NeedsReconnect => Ok(false),
        ShopState::Active => connect::confirm_uninstalled(cx, shop.id, job.sent_at).await,
    }
}

async fn erase_everybody(cx: &Connector, shop: &Shop) -> Result<(), DbError> {
    let mut after = OrderId(0);
    loop {
        let (shop, now) = (shop.clone(), cx.clock.now());
        let last = cx
            .db
            .write(move |conn| {
                let orders = queries::list_orders_after(conn, shop.channel, after, BATCH)?;
                erase_orders(conn, &shop, &orders, now)?;
                Ok::<_, DbError>(orders.last().copied())
            })
            .await?;
        match last {
            Some(last) => after = last,
            None => break,
        }
    }
    let mut after = 0;
    loop {
        let domain = shop.domain.to_string();
        let last = cx
            .db
            .write(move |conn| {
                let events = queries::list_events_after(conn, &domain, after, BATCH)?;
                erase(conn, &register(), Subject::Event, &events)?;
                Ok::<_, DbError>(events.last().copied())
            })
            .await?;
        match last {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}
