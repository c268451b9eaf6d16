//! What Shopify asks for in people's names: a report of what is known of a customer, a customer's erasure,
//! the erasure of everybody a store ever told of. The owner sees each with its date.
pub(crate) mod erasure;
pub(crate) mod payload;
mod queries;
pub mod report;

use std::time::Duration;

use crate::erp::customers::keys::normal_email;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::jobs::{self, Filing};
use crate::shopify::shops::{Shop, ShopState};
use crate::text_enum;
use crate::types::{At, ContactId, OrderId, ShopId};
use erasure::{EraseCustomer, EraseShop};
use payload::Asked;

/// Shopify gives 30 days.
const DUE: Duration = Duration::from_secs(30 * 86_400);

text_enum! {
    /// What is asked for.
    RequestKind {
        Report = "report",
        EraseCustomer = "erase_customer",
        EraseShop = "erase_shop",
    }
}

text_enum! {
    /// How a request stands.
    RequestState {
        /// A report that the owner has not answered, an erasure under way.
        Open = "open",
        /// The store is connected: the owner decides.
        Waiting = "waiting",
        Done = "done",
    }
}

/// One request.
#[derive(Clone, Debug, diesel::Queryable)]
pub struct Request {
    pub id: i64,
    pub shop: ShopId,
    /// The event that brought it.
    pub event: i64,
    pub kind: RequestKind,
    pub state: RequestState,
    pub customer_external_id: Option<String>,
    pub contact: Option<ContactId>,
    /// Ids of orders that the message names, as a JSON list.
    pub orders: String,
    pub received_at: At,
    pub due_at: At,
    pub done_at: Option<At>,
}

/// Who is meant: their contact, if we have one, and their orders here.
#[derive(Clone, Debug, Default)]
pub struct Person {
    pub contact: Option<ContactId>,
    pub orders: Vec<OrderId>,
}

/// Stores a request of this kind once, and starts what needs nobody's leave.
///
/// # Errors
///
/// The database's.
pub(crate) fn receive(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    kind: RequestKind,
    asked: &Asked,
    now: At,
) -> Result<(), DbError> {
    let contact = match (&asked.customer, &asked.email) {
        (Some(customer), _) => queries::find_contact(conn, shop.id, customer)?,
        (None, Some(email)) => queries::find_contact_by_email(conn, shop, &normal_email(email))?,
        (None, None) => None,
    };
    let mut orders = asked.orders.clone();
    if let Some(email) = &asked.email {
        orders.extend(queries::list_orders_by_email(
            conn,
            shop,
            &normal_email(email),
        )?);
    }
    orders.sort();
    orders.dedup();
    let new = queries::NewRequest {
        shop_id: shop.id,
        event_id: event.id.0,
        kind,
        state: RequestState::Open,
        customer_external_id: asked.customer.clone(),
        contact_id: contact,
        orders: serde_json::to_string(&orders).unwrap_or_default(),
        received_at: now,
        due_at: now.after(DUE),
    };
    let Some(request) = queries::insert(conn, &new)? else {
        return Ok(());
    };
    match kind {
        RequestKind::Report => Ok(()),
        RequestKind::EraseCustomer => {
            // From here on nothing that is still on its way brings the person back.
            queries::remember(conn, shop.id, asked.customer.as_deref(), &orders, now)?;
            enqueue(conn, shop, &EraseCustomer { request }, now)
        }
        RequestKind::EraseShop => {
            let sent_at = event.triggered_at.unwrap_or(event.received_at);
            let job = EraseShop {
                shop: shop.id,
                request,
                sent_at,
                approved: false,
            };
            enqueue(conn, shop, &job, now)
        }
    }
}

/// A store's requests, newest first.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, shop: ShopId) -> Result<Vec<Request>, DbError> {
    queries::list(conn, shop)
}

/// One request of the store.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, shop: ShopId, id: i64) -> Result<Option<Request>, DbError> {
    Ok(queries::find(conn, id)?.filter(|request| request.shop == shop))
}

/// How many of a store's requests a person has to do something about.
///
/// # Errors
///
/// The database's.
pub fn count_open(conn: &mut DbConnection, shop: ShopId) -> Result<i64, DbError> {
    queries::count_open(conn, shop)
}

/// The owner has dealt with a request: answered a report, set an erasure of a living store aside.
/// Returns whether it was open.
///
/// # Errors
///
/// The database's.
pub fn close(conn: &mut DbConnection, request: &Request, now: At) -> Result<bool, DbError> {
    let may = match request.kind {
        RequestKind::Report => RequestState::Open,
        RequestKind::EraseCustomer | RequestKind::EraseShop => RequestState::Waiting,
    };
    queries::mark_done(conn, request.id, may, now)
}

/// The owner wants a disconnected store's people erased. Returns whether that can be: the store has to be
/// disconnected.
///
/// # Errors
///
/// The database's.
pub fn approve(
    conn: &mut DbConnection,
    shop: &Shop,
    request: &Request,
    now: At,
) -> Result<bool, DbError> {
    let may = shop.state == ShopState::Disconnected
        && request.kind == RequestKind::EraseShop
        && queries::mark_open(conn, request.id)?;
    if may {
        let job = EraseShop {
            shop: shop.id,
            request: request.id,
            sent_at: request.received_at,
            approved: true,
        };
        enqueue(conn, shop, &job, now)?;
    }
    Ok(may)
}

/// Whether an order, or the customer in it, was erased: what a message says of them is not to be kept.
///
/// # Errors
///
/// The database's.
pub(crate) fn is_erased(
    conn: &mut DbConnection,
    shop: &Shop,
    order: Option<&str>,
    customer: Option<&str>,
) -> Result<bool, DbError> {
    if shop.redacted_at.is_none() {
        return Ok(false);
    }
    queries::is_remembered(conn, shop.id, order, customer)
}

/// Everybody's orders and contact that a request is about.
///
/// # Errors
///
/// The database's.
pub(crate) fn person(
    conn: &mut DbConnection,
    shop: &Shop,
    request: &Request,
) -> Result<Person, DbError> {
    let named: Vec<String> = serde_json::from_str(&request.orders).unwrap_or_default();
    Ok(Person {
        contact: request.contact,
        orders: queries::list_orders(conn, shop.channel, &named, request.contact)?,
    })
}

fn enqueue<J: jobs::Job>(
    conn: &mut DbConnection,
    shop: &Shop,
    job: &J,
    now: At,
) -> Result<(), DbError> {
    let filing = Filing {
        shop_domain: Some(shop.domain.to_string()),
        ..Filing::default()
    };
    jobs::enqueue(conn, job, &filing, now).map(drop)
}
