//! The palette: jump to an order, a customer, an item or a place by a few letters. Without a script it is a page with a form.
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::customers;
use super::error::WebError;
use super::filters;
use super::nav::{self, Link};
use super::orders::words;
use super::page::{Frame, Section, html};
use super::visitor::Visitor;
use crate::erp::orders::queries::list::{self, View, Wanted};
use crate::erp::products;
use crate::platform::db::{Db, DbError};

/// Orders that are shown at most.
const MOST: i64 = 6;
/// Items that are shown at most.
const MOST_ITEMS: i64 = 4;
/// Customers that are shown at most.
const MOST_PEOPLE: i64 = 4;

/// What was typed.
#[derive(Clone, Debug, Deserialize)]
pub struct Query {
    #[serde(default)]
    q: String,
}

struct Found {
    path: String,
    icon: &'static str,
    text: String,
    note: String,
}

#[derive(Template)]
#[template(path = "palette/_list.html")]
struct ListPart {
    found: Vec<Found>,
    frame: Frame,
}

#[derive(Template)]
#[template(path = "palette/show.html")]
struct ShowPage {
    q: String,
    found: Vec<Found>,
    frame: Frame,
}

/// `GET /palette?q=`
///
/// # Errors
///
/// The database's.
pub async fn show(
    req: HttpRequest,
    db: web::Data<Db>,
    visitor: Visitor,
    query: web::Query<Query>,
) -> Result<HttpResponse, WebError> {
    let frame = visitor.frame(Section::Nowhere);
    let q = query.into_inner().q.trim().to_owned();
    let mut found = records(&db, &q).await?;
    found.extend(places(&frame, &q));
    if !q.is_empty() {
        let query: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
        found.push(Found {
            path: format!("/orders?view=all&q={query}"),
            icon: "search",
            text: format!("Search orders for “{q}”"),
            note: String::new(),
        });
    }
    Ok(if req.headers().contains_key("hx-request") {
        html(StatusCode::OK, &ListPart { found, frame })
    } else {
        html(StatusCode::OK, &ShowPage { q, found, frame })
    })
}

/// Orders, those to ship where nothing was typed yet, customers and items.
async fn records(db: &Db, q: &str) -> Result<Vec<Found>, WebError> {
    let view = if q.is_empty() {
        View::ToShip
    } else {
        View::All
    };
    let wanted = Wanted {
        search: q.to_owned(),
        ..Wanted::of(view)
    };
    let ((orders, _newer, _older), items, people) = db
        .read(move |conn| -> Result<_, DbError> {
            let (items, people) = if wanted.search.is_empty() {
                (Vec::new(), Vec::new())
            } else {
                let items = products::search::page(conn, &wanted.search, None, MOST_ITEMS)?;
                (items, customers::found(conn, &wanted.search, MOST_PEOPLE)?)
            };
            Ok((list::page(conn, &wanted, None, MOST)?, items, people))
        })
        .await?;
    let orders = orders.into_iter().map(|row| Found {
        path: format!("/orders/{}", row.id),
        icon: "orders",
        text: format!("{} {}", row.name, row.customer_name.unwrap_or_default()),
        note: words::state(row.work_state, row.short_quantity).text,
    });
    let items = items.into_iter().map(|row| Found {
        path: format!("/products/{}", row.id),
        icon: "products",
        text: row.name,
        note: row.sku,
    });
    let people = people.into_iter().map(|row| Found {
        path: format!("/customers/{}", row.id),
        icon: "users",
        text: row.name(),
        note: row.email.unwrap_or_default(),
    });
    Ok(orders.chain(people).chain(items).collect())
}

fn places(frame: &Frame, q: &str) -> Vec<Found> {
    let wanted = q.to_lowercase();
    let fits = |link: &Link| link.place.label.to_lowercase().contains(&wanted);
    nav::links(frame)
        .into_iter()
        .filter(fits)
        .map(|link| Found {
            path: link.place.path.to_owned(),
            icon: link.place.icon,
            text: link.place.label.to_owned(),
            note: format!("G {}", link.place.key.to_uppercase()),
        })
        .collect()
}
