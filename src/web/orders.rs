//! The order list: views, search, pages.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::error::WebError;
use super::filters;
use super::page::{Frame, Section, html};
use super::visitor::{CurrentUser, Visitor};
use crate::erp::orders::OrderError;
use crate::erp::orders::incoming::PaymentState;
use crate::erp::orders::queries::list::{self, Beyond, ListRow, View, Wanted};
use crate::erp::orders::saved_views as views;
use crate::erp::orders::saved_views::queries::SavedViewRow;
use crate::erp::orders::work_state::WorkState;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::shopify::shops;
use crate::types::{ChannelId, Money, OrderId, UserId};

mod asked;
pub mod cancellation;
pub mod edits;
pub mod export;
pub mod saved_views;
pub mod show;
pub mod words;

use asked::Chip;
pub use asked::ListQuery;
use words::Badge;

const PAGE: i64 = 50;

struct Tab {
    label: String,
    count: i64,
    critical: bool,
    current: bool,
    href: String,
}

struct Row {
    row: ListRow,
    state: Badge,
    payment: Badge,
    total: Money,
    href: String,
}

#[derive(Template)]
#[template(path = "orders/index.html")]
struct IndexPage {
    frame: Frame,
    tabs: Vec<Tab>,
    query: ListQuery,
    wanted: Wanted,
    chips: Vec<Chip>,
    mistakes: Vec<String>,
    stores: Vec<(ChannelId, String)>,
    payments: Vec<(PaymentState, String)>,
    /// The saved view that is shown, if its reader may remove it.
    removable: Option<SavedViewRow>,
    /// The address with the other order of time.
    other_order: String,
    rows: Vec<Row>,
    label: String,
    newer: String,
    older: String,
    empty_title: &'static str,
    empty_text: &'static str,
}

/// Everything the database knows of the list.
struct Loaded {
    rows: Vec<ListRow>,
    has_newer: bool,
    has_older: bool,
    waiting: Vec<(WorkState, i64)>,
    stores: Vec<(ChannelId, String)>,
    saved: Vec<SavedViewRow>,
}

/// `GET /orders?view=&q=&store=&payment=&from=&to=&sort=&saved=&after=&before=`
///
/// # Errors
///
/// The database's.
pub async fn index(
    db: web::Data<Db>,
    visitor: Visitor,
    user: CurrentUser,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let frame = visitor.frame(Section::Orders);
    let wanted = query.wanted(&frame.zone);
    let from = query.beyond(wanted.oldest_first);
    let (asked, id) = (wanted.clone(), user.id);
    let loaded = db.read(move |conn| load(conn, &asked, from, id)).await?;
    Ok(html(
        StatusCode::OK,
        &built(frame, &user, query.into_inner(), wanted, loaded),
    ))
}

fn load(
    conn: &mut DbConnection,
    wanted: &Wanted,
    from: Option<Beyond>,
    user: UserId,
) -> Result<Loaded, DbError> {
    let (rows, has_newer, has_older) = list::page(conn, wanted, from, PAGE)?;
    Ok(Loaded {
        rows,
        has_newer,
        has_older,
        waiting: list::waiting(conn)?,
        stores: shops::list(conn)?
            .into_iter()
            .map(|shop| (shop.channel, shop.name))
            .collect(),
        saved: views::queries::list_seen(conn, user)?,
    })
}

fn built(
    frame: Frame,
    user: &CurrentUser,
    query: ListQuery,
    wanted: Wanted,
    loaded: Loaded,
) -> IndexPage {
    let text = query.to_text();
    let beside = (loaded.has_newer, loaded.has_older);
    let (newer, older) = pages(&wanted, &loaded.rows, &text, beside);
    let (empty_title, empty_text) = nothing(&query);
    let mut tabs = tabs(&frame, &query, &loaded.waiting);
    let label = label(&tabs, &query, &wanted, loaded.rows.len());
    tabs.extend(
        loaded
            .saved
            .iter()
            .map(|view| saved_tab(&frame, &query, view)),
    );
    let chosen = loaded
        .saved
        .into_iter()
        .find(|view| is_chosen(&query, view));
    let sort = if wanted.oldest_first {
        "newest"
    } else {
        "oldest"
    };
    IndexPage {
        other_order: format!(
            "?{}",
            query.with(|it| sort.clone_into(&mut it.sort)).to_text()
        ),
        chips: query.chips(&loaded.stores),
        mistakes: query.mistakes(),
        stores: loaded.stores,
        payments: PaymentState::ALL
            .iter()
            .map(|state| (*state, words::payment(*state).text))
            .collect(),
        removable: chosen.filter(|view| saved_views::may_remove(user, view)),
        rows: loaded
            .rows
            .into_iter()
            .map(|row| shown(row, &frame, &text))
            .collect(),
        tabs,
        label,
        query,
        wanted,
        newer,
        older,
        empty_title,
        empty_text,
        frame,
    }
}

fn is_chosen(query: &ListQuery, view: &SavedViewRow) -> bool {
    query.saved.parse() == Ok(view.id)
}

fn saved_tab(frame: &Frame, query: &ListQuery, view: &SavedViewRow) -> Tab {
    Tab {
        label: view.name.clone(),
        count: 0,
        critical: false,
        current: is_chosen(query, view),
        href: format!("{}/orders?{}&saved={}", frame.prefix, view.query, view.id),
    }
}

fn shown(row: ListRow, frame: &Frame, query: &str) -> Row {
    Row {
        state: words::state(row.work_state, row.short_quantity),
        payment: words::payment(row.payment_state),
        total: Money::new(row.total_minor, row.currency),
        href: format!("{}/orders/{}?{query}", frame.prefix, row.id),
        row,
    }
}

fn tabs(frame: &Frame, query: &ListQuery, waiting: &[(WorkState, i64)]) -> Vec<Tab> {
    [
        (View::ToShip, "To ship"),
        (View::NeedsMapping, "Needs mapping"),
        (View::OnHold, "On hold"),
        (View::Shipped, "Shipped"),
        (View::Cancelled, "Cancelled"),
        (View::All, "All"),
    ]
    .into_iter()
    .map(|(view, label)| Tab {
        label: label.to_owned(),
        count: if view.is_worked_off() {
            counted(view, waiting)
        } else {
            0
        },
        critical: view == View::NeedsMapping,
        current: view == query.view() && query.saved.is_empty(),
        href: format!("{}/orders?view={view}", frame.prefix),
    })
    .collect()
}

/// How many of the waiting orders a view lists.
#[must_use]
pub fn counted(view: View, waiting: &[(WorkState, i64)]) -> i64 {
    let states = view.states().unwrap_or_default();
    waiting
        .iter()
        .filter(|(state, _count)| states.contains(state))
        .map(|(_state, count)| count)
        .sum()
}

fn label(tabs: &[Tab], query: &ListQuery, wanted: &Wanted, shown: usize) -> String {
    let total = tabs
        .iter()
        .find(|tab| tab.current)
        .map_or(0, |tab| tab.count);
    let shown = i64::try_from(shown).unwrap_or(i64::MAX);
    if !query.is_narrowed() && wanted.view.is_worked_off() && total > shown {
        format!("{shown} of {total} orders")
    } else {
        format!("{shown} {}", if shown == 1 { "order" } else { "orders" })
    }
}

fn pages(
    wanted: &Wanted,
    rows: &[ListRow],
    query: &str,
    (has_newer, has_older): (bool, bool),
) -> (String, String) {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return (String::new(), String::new());
    };
    let link = |way: &str, row: &ListRow| format!("?{query}&{way}={}", position(row));
    let (newer, older) = if wanted.oldest_first {
        (link("after", last), link("before", first))
    } else {
        (link("before", first), link("after", last))
    };
    let only = |has: bool, link: String| if has { link } else { String::new() };
    (only(has_newer, newer), only(has_older, older))
}

fn position(row: &ListRow) -> String {
    format!("{}.{}", row.placed_at.0, row.id)
}

fn nothing(query: &ListQuery) -> (&'static str, &'static str) {
    if query.is_narrowed() {
        return (
            "No orders match",
            "Words are found by how they begin. Try fewer of them, or look in All.",
        );
    }
    match query.view() {
        View::ToShip => (
            "Nothing to ship",
            "New paid orders arrive here within seconds.",
        ),
        View::NeedsMapping => (
            "Every order knows its items",
            "An order whose product has no item yet waits here.",
        ),
        View::OnHold => (
            "Nothing is on hold",
            "Orders that wait for money or for a decision stand here.",
        ),
        View::Shipped => ("Nothing has been shipped yet", "What has left stands here."),
        View::Cancelled => ("Nothing was cancelled", "Cancelled orders stand here."),
        View::All => (
            "No orders yet",
            "They arrive by themselves as soon as a store is connected.",
        ),
    }
}

impl From<OrderError> for WebError {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::NotFound(id) => WebError::NotFound(format!("order {id}")),
            OrderError::Changed | OrderError::NoSuchHold => WebError::Conflict(error.to_string()),
            OrderError::Quantity => WebError::Invalid(error.to_string()),
            OrderError::Stock(error) => error.into(),
            OrderError::Db(error) => error.into(),
        }
    }
}

/// The path of an order's page.
#[must_use]
pub fn path(id: OrderId) -> String {
    format!("/orders/{id}")
}
