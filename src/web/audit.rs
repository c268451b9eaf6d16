//! Settings: the audit log, newest first, by kind and by person.
mod words;

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::error::WebError;
use super::filters;
use super::page::{Frame, Section, html};
use super::visitor::Visitor;
use crate::erp::audit::Kind;
use crate::erp::audit::queries::{self, By, EntryRow};
use crate::erp::users::{User, queries as users};
use crate::erp::{locations, orders, products};
use crate::platform::db::{Db, DbConnection, DbError};
use crate::shopify::{products as variants, shops};
use crate::types::{At, OrderId, ProductId, VariantId};

const PAGE: i64 = 100;
/// What the filter says for entries without a person.
const NOBODY: &str = "program";

/// Which entries are wanted; what is not understood filters nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    kind: String,
    by: String,
    /// The last entry of the page before.
    before: String,
}

struct Entry {
    at: At,
    who: String,
    what: String,
    /// What it was done to, and where that is shown; an empty address: nowhere.
    about: String,
    href: String,
}

#[derive(Template)]
#[template(path = "audit/index.html")]
struct IndexPage {
    frame: Frame,
    entries: Vec<Entry>,
    kinds: Vec<(Kind, &'static str)>,
    people: Vec<User>,
    kind: Option<Kind>,
    by: By,
    label: String,
    older: String,
}

impl IndexPage {
    fn is_kind(&self, kind: &Kind) -> bool {
        self.kind == Some(*kind)
    }

    fn is_by(&self, user: &User) -> bool {
        self.by == By::User(user.id)
    }

    fn is_by_nobody(&self) -> bool {
        self.by == By::Nobody
    }

    fn is_filtered(&self) -> bool {
        self.kind.is_some() || self.by != By::Anybody
    }
}

/// `GET /settings/audit?kind=&by=&before=`
///
/// # Errors
///
/// The database's.
pub async fn index(
    db: web::Data<Db>,
    visitor: Visitor,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let frame = visitor.frame(Section::Settings);
    let query = query.into_inner();
    let page = db.read(move |conn| built(conn, frame, &query)).await?;
    Ok(html(StatusCode::OK, &page))
}

fn built(conn: &mut DbConnection, frame: Frame, query: &ListQuery) -> Result<IndexPage, DbError> {
    let kind: Option<Kind> = query.kind.parse().ok();
    let by = match query.by.as_str() {
        NOBODY => By::Nobody,
        id => id.parse().map_or(By::Anybody, By::User),
    };
    let mut rows = queries::list(conn, kind, by, query.before.parse().ok(), PAGE + 1)?;
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = rows.len() > page;
    rows.truncate(page);
    let older = match rows.last() {
        Some(last) if more => {
            let mut link = url::form_urlencoded::Serializer::new("?".to_owned());
            link.append_pair("kind", kind.map_or("", Kind::as_str))
                .append_pair("by", &query.by)
                .append_pair("before", &last.id.to_string());
            link.finish()
        }
        Some(_) | None => String::new(),
    };
    let people = users::list(conn)?;
    let names = Names::of(conn, &rows, &people)?;
    let entries: Vec<Entry> = rows.iter().map(|row| names.entry(&frame, row)).collect();
    Ok(IndexPage {
        label: match entries.len() {
            1 => "1 entry".to_owned(),
            count => format!("{count} entries"),
        },
        entries,
        kinds: Kind::ALL
            .iter()
            .map(|kind| (*kind, words::kind(*kind)))
            .collect(),
        people,
        kind,
        by,
        older,
        frame,
    })
}

/// What the things are called today that entries speak of by their ids.
struct Names(HashMap<String, String>);

impl Names {
    fn of(conn: &mut DbConnection, rows: &[EntryRow], people: &[User]) -> Result<Names, DbError> {
        let of = |what: &str| -> Vec<i64> {
            let subjects = rows.iter().filter_map(|row| row.subject.split_once('/'));
            let mut ids: Vec<i64> = subjects
                .filter(|(kind, _)| *kind == what)
                .filter_map(|(_, id)| id.parse().ok())
                .collect();
            if what == "product" {
                ids.extend(rows.iter().flat_map(words::products));
            }
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let orders: Vec<OrderId> = of("order").into_iter().map(OrderId).collect();
        let items: Vec<ProductId> = of("product").into_iter().map(ProductId).collect();
        let sold: Vec<VariantId> = of("variant").into_iter().map(VariantId).collect();
        let mut names = HashMap::new();
        for user in people {
            names.insert(format!("user/{}", user.id), user.name.clone());
        }
        for shop in shops::list(conn)? {
            names.insert(format!("store/{}", shop.id), shop.name);
        }
        for place in locations::list(conn)? {
            names.insert(format!("location/{}", place.id), place.name);
        }
        for (id, name) in orders::queries::list::names(conn, &orders)? {
            names.insert(format!("order/{id}"), format!("Order {name}"));
        }
        for (id, name) in products::queries::names(conn, &items)? {
            names.insert(format!("product/{id}"), name);
        }
        for (id, name) in variants::queries::names(conn, &sold)? {
            names.insert(format!("variant/{id}"), name);
        }
        Ok(Names(names))
    }

    fn entry(&self, frame: &Frame, row: &EntryRow) -> Entry {
        let (what, id) = row
            .subject
            .split_once('/')
            .unwrap_or((row.subject.as_str(), ""));
        let (noun, path) = match what {
            "user" => ("Person", format!("/settings/users#user-{id}")),
            "store" => ("Store", format!("/integrations/shopify/{id}")),
            "variant" => ("Product", format!("/mappings/{id}")),
            "product" => ("Item", format!("/products/{id}")),
            "receipt" => ("Receipt", format!("/receipts/{id}")),
            "transfer" => ("Transfer", format!("/transfers/{id}")),
            "count" => ("Count", format!("/counts/{id}")),
            "order" => ("Order", format!("/orders/{id}")),
            "webhook_events" => ("Event", format!("/events/{id}")),
            "jobs" => ("Job", format!("/events/jobs/{id}")),
            "token" => ("Token", String::new()),
            "keys" => ("Stored secrets", String::new()),
            "incoming" => ("Incoming", "/events".to_owned()),
            "outgoing" => ("Outgoing", "/events".to_owned()),
            other => (other, String::new()),
        };
        let about = self.0.get(&row.subject).cloned();
        Entry {
            at: row.at,
            who: row.user_name.clone().unwrap_or_else(|| words::program(row)),
            what: words::sentence(row, |subject| self.0.get(subject).cloned()),
            about: about.unwrap_or_else(|| format!("{noun} {id}").trim_end().to_owned()),
            href: if path.is_empty() {
                path
            } else {
                format!("{}{path}", frame.prefix)
            },
        }
    }
}
