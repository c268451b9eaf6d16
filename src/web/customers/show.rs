//! A customer's record: orders and spend, how to reach them, their company, where they are known, what was merged.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{order_count, spent};
use crate::erp::customers::merging::UNDO_FOR;
use crate::erp::customers::queries::companies::{self, LocationRow};
use crate::erp::customers::queries::list;
use crate::erp::customers::queries::merging::{self, MergeRow};
use crate::erp::customers::queries::{self, ContactRow};
use crate::erp::customers::{self, Address};
use crate::erp::orders;
use crate::erp::orders::queries::list::ListRow;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::shopify::customers::queries as links;
use crate::shopify::shops;
use crate::types::{At, ContactId, Money, OrderId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::orders::words::{self, Badge};
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::Visitor;

const PAGE: i64 = 25;
/// People of a company that are shown.
const MOST_COLLEAGUES: i64 = 50;

#[derive(Debug, Deserialize)]
pub struct Query {
    /// Where the page of orders before ended.
    #[serde(default)]
    after: String,
}

struct Order {
    row: ListRow,
    state: Badge,
    total: Money,
}

/// A consent as it is shown.
struct Consent {
    label: &'static str,
    text: String,
    tone: &'static str,
    level: String,
    at: Option<At>,
}

/// Where a store knows them.
struct Store {
    name: String,
    href: String,
    number: String,
    is_gone: bool,
}

struct Merge {
    row: MergeRow,
    can_undo: bool,
}

struct Place {
    row: LocationRow,
    lines: Vec<String>,
}

#[derive(Template)]
#[template(path = "customers/show.html")]
struct ShowPage {
    frame: Frame,
    contact: ContactRow,
    name: String,
    orders: Vec<Order>,
    count: i64,
    spent: Vec<Money>,
    older: String,
    consents: Vec<Consent>,
    addresses: Vec<(bool, Vec<String>)>,
    stores: Vec<Store>,
    colleagues: Vec<ContactRow>,
    places: Vec<Place>,
    merges: Vec<Merge>,
}

/// What the database knows of somebody.
struct Loaded {
    contact: ContactRow,
    orders: Vec<ListRow>,
    sums: Vec<(ContactId, list::SumRow)>,
    addresses: Vec<(bool, Address)>,
    stores: Vec<Store>,
    colleagues: Vec<ContactRow>,
    places: Vec<LocationRow>,
    merges: Vec<MergeRow>,
}

/// `GET /customers/{id}?after=`; whoever was merged into another is that one.
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<ContactId>,
    query: web::Query<Query>,
) -> Result<HttpResponse, WebError> {
    let (id, after) = (id.into_inner(), beyond(&query.after));
    let found = db.read(move |conn| load(conn, id, after)).await?;
    let Some(loaded) = found else {
        return Err(WebError::NotFound("This customer".to_owned()));
    };
    if loaded.contact.id != id {
        return Ok(see_other(&format!("/customers/{}", loaded.contact.id)));
    }
    let page = built(visitor.frame(Section::Customers), loaded);
    Ok(html(StatusCode::OK, &page))
}

fn beyond(text: &str) -> Option<(At, OrderId)> {
    let (at, id) = text.split_once('.')?;
    Some((At(at.parse().ok()?), id.parse().ok()?))
}

fn load(
    conn: &mut DbConnection,
    id: ContactId,
    after: Option<(At, OrderId)>,
) -> Result<Option<Loaded>, DbError> {
    let heads = customers::resolve(conn, &[id])?;
    let id = heads.get(&id).copied().unwrap_or(id);
    let Some(contact) = queries::find(conn, id)? else {
        return Ok(None);
    };
    let family = customers::family(conn, id)?;
    let (colleagues, places) = if contact.company().is_some() {
        let all = queries::list_of_account(conn, contact.account_id, MOST_COLLEAGUES)?;
        let others = all.into_iter().filter(|one| one.id != id).collect();
        (others, companies::list_locations(conn, contact.account_id)?)
    } else {
        (Vec::new(), Vec::new())
    };
    Ok(Some(Loaded {
        orders: list::orders_of(conn, id, after, PAGE)?,
        sums: list::sums(conn, &[id])?,
        addresses: customers::addresses_of(conn, &family)?,
        stores: stores(conn, &family)?,
        merges: merging::list(conn, id)?,
        colleagues,
        places,
        contact,
    }))
}

fn stores(conn: &mut DbConnection, family: &[ContactId]) -> Result<Vec<Store>, DbError> {
    let shops = shops::list(conn)?;
    let links = links::list_of_contacts(conn, family)?;
    let shown = links.into_iter().filter_map(|link| {
        let shop = shops.iter().find(|one| one.id == link.shop_id)?;
        let number = link.external_id;
        Some(Store {
            name: shop.name.clone(),
            href: format!("https://{}/admin/customers/{number}", shop.domain),
            number,
            is_gone: link.deleted_at.is_some(),
        })
    });
    Ok(shown.collect())
}

fn built(frame: Frame, loaded: Loaded) -> ShowPage {
    let Loaded {
        contact,
        mut orders,
        sums,
        addresses,
        stores,
        colleagues,
        places,
        merges,
    } = loaded;
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = orders.len() > most;
    orders.truncate(most);
    let older = orders
        .last()
        .filter(|_| more)
        .map_or_else(String::new, |row| {
            format!("?after={}.{}", row.placed_at.0, row.id)
        });
    // The latest alone: those before build the ground it stands on.
    let latest = merges.iter().find(|row| row.undone_at.is_none());
    let latest = latest.map(|row| row.id);
    ShowPage {
        name: contact.name(),
        count: order_count(&sums, contact.id),
        spent: spent(&sums, contact.id),
        older,
        orders: orders.into_iter().map(shown).collect(),
        consents: consents(&contact),
        addresses: addresses
            .into_iter()
            .map(|(is_default, address)| (is_default, address.lines()))
            .collect(),
        places: places
            .into_iter()
            .map(|row| Place {
                lines: orders::address(row.address.as_deref()).lines(),
                row,
            })
            .collect(),
        merges: merges
            .into_iter()
            .map(|row| Merge {
                can_undo: Some(row.id) == latest && frame.now.since(row.merged_at) <= UNDO_FOR,
                row,
            })
            .collect(),
        stores,
        colleagues,
        contact,
        frame,
    }
}

fn shown(row: ListRow) -> Order {
    Order {
        state: words::state(row.work_state, row.short_quantity),
        total: Money::new(row.total_minor, row.currency),
        row,
    }
}

fn consents(contact: &ContactRow) -> Vec<Consent> {
    let one = |label, state: &Option<String>, level: &Option<String>, at| {
        let state = state.as_deref().filter(|state| !state.is_empty())?;
        let level = level.as_deref().unwrap_or_default();
        Some(Consent {
            label,
            text: said(state),
            tone: if state == "subscribed" {
                "success"
            } else {
                "neutral"
            },
            level: level.replace('_', " "),
            at,
        })
    };
    let email = one(
        "E-mail",
        &contact.email_consent,
        &contact.email_consent_level,
        contact.email_consent_at,
    );
    let sms = one(
        "SMS",
        &contact.sms_consent,
        &contact.sms_consent_level,
        contact.sms_consent_at,
    );
    email.into_iter().chain(sms).collect()
}

/// `not_subscribed` as `Not subscribed`.
fn said(state: &str) -> String {
    let words = state.replace('_', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}
