//! The order list: views, search, pages.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::error::WebError;
use super::filters;
use super::page::{Frame, Section, html};
use super::visitor::Visitor;
use crate::erp::orders::OrderError;
use crate::erp::orders::queries::list::{self, Beyond, ListRow, View, Wanted};
use crate::erp::orders::work_state::WorkState;
use crate::platform::db::{Db, DbError};
use crate::types::{At, Money, OrderId};

pub mod show;
pub mod words;

use words::Badge;

const PAGE: i64 = 50;

/// What the list's URL says; the order page carries the same, to lead back and on.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    pub view: String,
    #[serde(default)]
    pub q: String,
    #[serde(default)]
    pub after: String,
    #[serde(default)]
    pub before: String,
}

impl ListQuery {
    /// The view and the search; an unknown view is "To ship".
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        Wanted {
            view: self.view.parse().unwrap_or(View::ToShip),
            search: self.q.trim().to_owned(),
        }
    }

    fn beyond(&self, oldest_first: bool) -> Option<Beyond> {
        let (text, newer) = if self.after.is_empty() {
            (&self.before, !oldest_first)
        } else {
            (&self.after, oldest_first)
        };
        let (placed_at, id) = text.split_once('.')?;
        Some(Beyond {
            placed_at: At(placed_at.parse().ok()?),
            id: id.parse().ok()?,
            newer,
        })
    }
}

/// `view=to-ship&q=ada`: what keeps a page in its list.
#[must_use]
pub fn list_query(wanted: &Wanted) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("view", wanted.view.as_str());
    if !wanted.search.is_empty() {
        query.append_pair("q", &wanted.search);
    }
    query.finish()
}

struct Tab {
    view: View,
    label: &'static str,
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
    wanted: Wanted,
    rows: Vec<Row>,
    label: String,
    newer: String,
    older: String,
    empty_title: &'static str,
    empty_text: &'static str,
}

/// `GET /orders?view=&q=&after=&before=`
///
/// # Errors
///
/// The database's.
pub async fn index(
    db: web::Data<Db>,
    visitor: Visitor,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let frame = visitor.frame(Section::Orders);
    let wanted = query.wanted();
    let from = query.beyond(wanted.view.is_worked_off());
    let asked = wanted.clone();
    let (rows, has_newer, has_older, waiting) = db
        .read(move |conn| {
            let (rows, newer, older) = list::page(conn, &asked, from, PAGE)?;
            Ok::<_, DbError>((rows, newer, older, list::waiting(conn)?))
        })
        .await?;
    let query = list_query(&wanted);
    let (newer, older) = pages(&wanted, &rows, &query, (has_newer, has_older));
    let (empty_title, empty_text) = nothing(&wanted);
    let tabs = tabs(&frame, &wanted, &waiting);
    let page = IndexPage {
        label: label(&tabs, &wanted, rows.len()),
        rows: rows
            .into_iter()
            .map(|row| shown(row, &frame, &query))
            .collect(),
        frame,
        tabs,
        wanted,
        newer,
        older,
        empty_title,
        empty_text,
    };
    Ok(html(StatusCode::OK, &page))
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

fn tabs(frame: &Frame, wanted: &Wanted, waiting: &[(WorkState, i64)]) -> Vec<Tab> {
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
        view,
        label,
        count: if view.is_worked_off() {
            counted(view, waiting)
        } else {
            0
        },
        critical: view == View::NeedsMapping,
        current: view == wanted.view,
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

fn label(tabs: &[Tab], wanted: &Wanted, shown: usize) -> String {
    let total = tabs
        .iter()
        .find(|tab| tab.view == wanted.view)
        .map_or(0, |tab| tab.count);
    let shown = i64::try_from(shown).unwrap_or(i64::MAX);
    if wanted.search.is_empty() && wanted.view.is_worked_off() && total > shown {
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
    let oldest_first = wanted.view.is_worked_off();
    let (newer, older) = if oldest_first {
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

fn nothing(wanted: &Wanted) -> (&'static str, &'static str) {
    if !wanted.search.is_empty() {
        return ("No orders match", "Try fewer words, or look in All.");
    }
    match wanted.view {
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
