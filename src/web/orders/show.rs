//! The order screen: can it leave, and how? Everything about one order on one page.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::words::{self, Badge};
use super::{ListQuery, edits};
use crate::erp::customers::Address;
use crate::erp::deliveries::queries::DeliveryRow;
use crate::erp::holds::HoldKind;
use crate::erp::holds::queries as hold_rows;
use crate::erp::orders::cancellations::CAUSE as CANCELLATION;
use crate::erp::orders::difference::Change;
use crate::erp::orders::queries::list::{self, View, Wanted};
use crate::erp::orders::queries::sums::{self, DetailFacts};
use crate::erp::orders::queries::{self as rows, OrderRow, show as parts};
use crate::erp::orders::{self, WorkState};
use crate::erp::{customers, deliveries, timeline};
use crate::platform::db::{Db, DbConnection};
use crate::types::{At, OrderId};
use crate::web::deliveries::words as delivery_words;
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::page::{Frame, Section, html};
use crate::web::shipments::{ShipForm, ShipPanel};
use crate::web::timeline::{Shown, shown};
use crate::web::visitor::Visitor;

mod channel;
mod holds;
mod lines;
mod money;
mod records;
mod refunds;
mod returns;

pub use channel::ChannelView;
pub use holds::HoldView;
pub use lines::LineView;
pub use money::{MoneyView, PaymentView, Row};
pub use records::Company;
pub use refunds::RefundView;
pub use returns::ReturnView;

/// How many timeline entries a page shows.
const TIMELINE: i64 = 200;

/// An edit: when, and what it changed.
pub struct Edit {
    pub at: At,
    pub version: i64,
    pub changes: Vec<Change>,
    /// Whether it was reviewed, or is to be.
    pub is_reviewed: bool,
}

impl Edit {
    /// What a change means here, in words.
    #[must_use]
    pub fn means(&self, change: &Change) -> String {
        words::meanings(change)
    }

    /// What stood there, as the page says it elsewhere.
    #[must_use]
    pub fn told(&self, change: &Change, value: &str) -> String {
        let state = (change.what == "payment").then(|| value.parse().ok());
        state
            .flatten()
            .map_or_else(|| value.to_owned(), |state| words::payment(state).text)
    }
}

/// Who bought.
pub struct Customer {
    pub name: String,
    pub initials: String,
    pub account: String,
    pub orders: i64,
}

/// The order beside this one in the list one came from.
struct Way {
    list: String,
    list_label: &'static str,
    previous: Option<String>,
    next: Option<String>,
    query: String,
}

/// Everything the database knows of one order.
struct Loaded {
    order: OrderRow,
    channel: Option<parts::ChannelRow>,
    lines: Vec<LineView>,
    holds: Vec<hold_rows::HoldRow>,
    entries: Vec<Shown>,
    money: money::Parts,
    details: DetailFacts,
    place: Option<String>,
    edits: Vec<Edit>,
    reviews: Vec<edits::Row>,
    refunds: Vec<RefundView>,
    returns: Vec<ReturnView>,
    customer: Option<Customer>,
    /// What the store says when it is asked.
    told: Option<ChannelView>,
    ship: ShipPanel,
    beside: (Option<OrderId>, Option<OrderId>),
    deliveries: Vec<DeliveryRow>,
}

#[derive(Template)]
#[template(path = "orders/show.html")]
struct ShowPage {
    frame: Frame,
    order: OrderRow,
    store: String,
    /// How the channel is called on screen.
    source: String,
    /// A person holds it.
    is_held: bool,
    /// Neither cancelled nor gone, and nobody has asked for it yet.
    may_cancel: bool,
    short_words: String,
    /// What has left although it should not have; empty where that is nothing.
    gone_words: String,
    state: Badge,
    payment: Badge,
    way: Way,
    holds: Vec<HoldView>,
    lines: Vec<LineView>,
    /// Whether there is anything left to enter a quantity for.
    is_open: bool,
    entries: Vec<Shown>,
    ship: ShipPanel,
    money: MoneyView,
    company: Option<Company>,
    /// What the order says of itself, by name.
    records: Vec<(&'static str, String)>,
    edits: Vec<Edit>,
    /// What was rejected: we and the store differ.
    differing: Vec<edits::Row>,
    refunds: Vec<RefundView>,
    returns: Vec<ReturnView>,
    flags: Vec<String>,
    customer: Option<Customer>,
    told: Option<ChannelView>,
    shipping: Vec<String>,
    billing: Vec<String>,
    attributes: Vec<(String, String)>,
    /// Its local delivery: where it stands and on which day.
    deliveries: Vec<(DeliveryRow, Badge)>,
}

/// `GET /orders/{id}?view=&q=`
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<OrderId>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let id = id.into_inner();
    page(&db, &visitor, id, &query, None, StatusCode::OK).await
}

/// The page with a status of its own: a refused ship form shows it again, with what was typed.
///
/// # Errors
///
/// `NotFound`.
pub async fn page(
    db: &Db,
    visitor: &Visitor,
    id: OrderId,
    query: &ListQuery,
    form: Option<ShipForm>,
    status: StatusCode,
) -> Result<HttpResponse, WebError> {
    let asked = query.wanted(&visitor.zone());
    let loaded = db
        .read(move |conn| load(conn, id, &asked, form))
        .await?
        .ok_or_else(|| WebError::NotFound(format!("order {id}")))?;
    let page = built(visitor.frame(Section::Orders), query, loaded);
    Ok(html(status, &page))
}

fn load(
    conn: &mut DbConnection,
    id: OrderId,
    wanted: &Wanted,
    form: Option<ShipForm>,
) -> Result<Option<Loaded>, crate::platform::db::DbError> {
    let Some(order) = rows::find(conn, id)? else {
        return Ok(None);
    };
    let details = sums::find_details(conn, id)?.unwrap_or_default();
    let customer = match order.facts.contact_id {
        Some(contact) => match customers::queries::find(conn, contact)? {
            Some(row) => Some(known_customer(
                &row,
                customers::queries::count_orders(conn, contact)?,
            )),
            None => None,
        },
        None => None,
    };
    let reviews = edits::load(conn, &order)?;
    let lines = lines::load(conn, &order)?;
    Ok(Some(Loaded {
        channel: parts::find_channel(conn, order.channel_id)?,
        told: channel::load(conn, &order, &lines)?,
        lines,
        holds: hold_rows::list_open(conn, id)?,
        entries: timeline::queries::list(conn, id, TIMELINE)?
            .iter()
            .map(shown)
            .collect(),
        money: money::load(conn, &order)?,
        place: records::place(conn, &order, &details)?,
        details,
        edits: parts::list_versions(conn, id)?
            .into_iter()
            .map(|row| Edit {
                at: row.at,
                version: row.version,
                changes: serde_json::from_str(&row.difference).unwrap_or_default(),
                is_reviewed: reviews.iter().any(|review| review.version == row.version),
            })
            .collect(),
        reviews,
        refunds: refunds::load(conn, id)?,
        returns: returns::load(conn, id)?,
        customer,
        ship: ShipPanel::load(conn, id, form)?,
        beside: list::neighbours(conn, wanted, (order.facts.placed_at, id))?,
        deliveries: deliveries::queries::list_of_order(conn, id)?,
        order,
    }))
}

fn built(frame: Frame, query: &ListQuery, loaded: Loaded) -> ShowPage {
    let Loaded { order, lines, .. } = loaded;
    let facts = &order.facts;
    let around = holds::Around {
        order: &order,
        lines: &lines,
        reviews: &loaded.reviews,
        told: loaded.told.as_ref(),
        may_overrule: frame.may("overrule"),
    };
    let shown_holds = loaded.holds.iter().map(|hold| holds::view(hold, &around));
    let shown_holds = shown_holds.collect();
    ShowPage {
        way: way(&frame, query, loaded.beside),
        source: words::channel(loaded.channel.as_ref().map_or("", |row| row.kind.as_str())),
        store: loaded.channel.map(|row| row.name).unwrap_or_default(),
        is_held: loaded
            .holds
            .iter()
            .any(|hold| hold.kind == HoldKind::Manual && hold.cause.is_empty()),
        may_cancel: !WorkState::CLOSED.contains(&order.work_state)
            && loaded.holds.iter().all(|hold| hold.cause != CANCELLATION),
        short_words: short_words(&lines, order.short_quantity),
        gone_words: gone_words(&order, &lines),
        state: words::state(order.work_state, order.short_quantity),
        payment: words::payment(facts.payment_state),
        holds: shown_holds,
        is_open: lines.iter().any(|line| line.open > 0),
        entries: loaded.entries,
        ship: loaded.ship,
        money: money::view(&order, &loaded.money),
        company: records::company(&loaded.details),
        records: records::of(&order, &loaded.details, loaded.place),
        edits: loaded.edits,
        differing: loaded
            .reviews
            .into_iter()
            .filter(edits::Row::is_rejected)
            .collect(),
        refunds: loaded.refunds,
        returns: loaded.returns,
        flags: facts
            .flags
            .iter()
            .flat_map(|flags| flags.lines().map(str::to_owned))
            .collect(),
        customer: loaded.customer,
        told: loaded.told,
        shipping: written(&facts.shipping_address),
        billing: written(&facts.billing_address),
        attributes: facts
            .attributes
            .as_deref()
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default(),
        deliveries: loaded
            .deliveries
            .into_iter()
            .map(|row| {
                let badge = delivery_words::state(row.state);
                (row, badge)
            })
            .collect(),
        lines,
        order,
        frame,
    }
}

/// Which items are lacking, and that the rest may leave.
fn short_words(lines: &[LineView], short: i64) -> String {
    let lacking: Vec<&str> = lines
        .iter()
        .filter(|line| line.ship_now < line.open && !line.items.is_empty())
        .map(|line| line.title.as_str())
        .collect();
    let pieces = if short == 1 { "piece is" } else { "pieces are" };
    format!(
        "{short} {pieces} short: {}. Ship the rest now, or add stock first.",
        lacking.join(", ")
    )
}

/// Says what left of an order that is cancelled, or beyond what is still ordered, and what to do.
fn gone_words(order: &OrderRow, lines: &[LineView]) -> String {
    let over: i64 = lines
        .iter()
        .map(|line| {
            let ours = line.gone - line.elsewhere - line.returned;
            if order.facts.cancelled_at.is_some() {
                ours.max(0)
            } else {
                // What was refunded and stays with the customer is no mistake.
                let kept = line.current + line.refunded - line.returned;
                (ours - kept).max(0)
            }
        })
        .sum();
    let pieces = if over == 1 { "piece" } else { "pieces" };
    match (over, order.facts.cancelled_at) {
        (0, _) => String::new(),
        (over, Some(_)) => format!(
            "{over} {pieces} left before it was cancelled. Undo the shipment if the parcel is still here; else stop it with the carrier, or wait for its return."
        ),
        (over, None) => format!(
            "{over} {pieces} left that are not ordered any more. Undo the shipment if the parcel is still here; else wait for its return."
        ),
    }
}

fn written(address: &Option<String>) -> Vec<String> {
    let address: Address = orders::address(address.as_deref());
    address.lines()
}

fn known_customer(row: &customers::queries::ContactRow, orders: i64) -> Customer {
    let names = [row.first_name.as_deref(), row.last_name.as_deref()];
    let full = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let name = if full.trim().is_empty() {
        row.email
            .clone()
            .unwrap_or_else(|| row.account_name.clone())
    } else {
        full
    };
    let initials = name
        .split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2)
        .flat_map(char::to_uppercase)
        .collect();
    Customer {
        name,
        initials,
        account: row.account_name.clone(),
        orders,
    }
}

fn way(frame: &Frame, query: &ListQuery, beside: (Option<OrderId>, Option<OrderId>)) -> Way {
    let view = query.view();
    let query = query.to_text();
    let link = |id: OrderId| format!("{}/orders/{id}?{query}", frame.prefix);
    Way {
        list: format!("{}/orders?{query}", frame.prefix),
        list_label: match view {
            View::ToShip => "To ship",
            View::NeedsMapping => "Needs mapping",
            View::OnHold => "On hold",
            View::Shipped => "Shipped",
            View::Cancelled => "Cancelled",
            View::All => "Orders",
        },
        previous: beside.0.map(link),
        next: beside.1.map(link),
        query,
    }
}
