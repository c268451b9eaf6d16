//! Mappings: which of our items each product of a store is. Lists with suggestions, one page a variant.
pub mod bulk;
pub mod export;
pub mod imports;
pub mod kit;
mod questions;
mod rows;
pub mod rules;
pub mod variant;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::error::WebError;
use super::filters;
use super::page::{Frame, Section, html, see_other};
use super::visitor::{CurrentUser, Visitor};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::shopify::mappings::bulk::look;
use crate::shopify::mappings::parts::Parts;
use crate::shopify::mappings::queries::View;
use crate::shopify::mappings::queries::page::{self as list, Counts, MOST_COUNTED};
use crate::shopify::mappings::{self, By, Change, MappingError, Origin};
use crate::shopify::shops::{self, Shop};
use crate::types::{ProductId, ShopId, VariantId};
use rows::Row;

/// How many variants a page shows.
const PAGE: usize = 50;
/// So many unmapped variants are looked at for exact SKU matches with every page.
const LOOK: i64 = 500;

#[derive(Template)]
#[template(path = "mappings/index.html")]
struct IndexPage {
    frame: Frame,
    shops: Vec<Shop>,
    shop: Shop,
    view: &'static str,
    counts: Counts,
    search: String,
    rows: Vec<Row>,
    exact: Exact,
    /// The look for words that many have ended before the page was full.
    is_cut: bool,
    /// The query string of the next page; empty: there is none.
    older: String,
    after: String,
    undo: String,
}

#[derive(Template)]
#[template(path = "mappings/empty.html")]
struct EmptyPage {
    frame: Frame,
}

/// What accepting all exact SKU matches would map, as far as a page looks for it.
#[derive(Clone, Copy, Debug, Default)]
struct Exact {
    found: usize,
    /// There are variants that were not looked at.
    more: bool,
}

impl Exact {
    /// What the button says; empty: there is none.
    fn label(self) -> String {
        match self {
            Exact {
                found: 0,
                more: false,
            } => String::new(),
            Exact {
                found: 0,
                more: true,
            } => "Look for exact SKU matches".to_owned(),
            Exact {
                found: 1,
                more: false,
            } => "Accept 1 exact SKU match".to_owned(),
            Exact { found, more: false } => format!("Accept {found} exact SKU matches"),
            Exact { found, more: true } => format!("Accept {found}+ exact SKU matches"),
        }
    }
}

impl IndexPage {
    /// How far the store is, where that can be counted.
    fn is_counted(&self) -> bool {
        self.counts.unmapped.max(self.counts.mapped) <= MOST_COUNTED
    }
}

/// What the list's address says.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Wish {
    #[serde(default)]
    view: String,
    store: Option<ShopId>,
    #[serde(default)]
    q: String,
    /// Where the page before ended: `id.title`.
    #[serde(default)]
    after: String,
    /// The row that is open, and which of its suggestions is shown.
    row: Option<VariantId>,
    #[serde(default)]
    suggestion: usize,
    /// The batch that was just accepted.
    #[serde(default)]
    undo: String,
}

/// The form of an accept button.
#[derive(Debug, Deserialize)]
pub struct Acceptance {
    product: ProductId,
    #[serde(default)]
    quantity: String,
    #[serde(default)]
    origin: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    after: String,
}

/// `GET /mappings`
///
/// # Errors
///
/// The database's.
pub async fn index(
    db: web::Data<Db>,
    visitor: Visitor,
    wish: web::Query<Wish>,
) -> Result<HttpResponse, WebError> {
    let frame = visitor.frame(Section::Mappings);
    let wish = wish.into_inner();
    let made = db
        .read(move |conn| -> Result<_, DbError> {
            let shops = shops::list(conn)?;
            let wanted = shops.iter().find(|shop| Some(shop.id) == wish.store);
            let Some(shop) = wanted.or(shops.first()).cloned() else {
                return Ok(Err(frame));
            };
            index_page(conn, frame, shops, shop, &wish).map(Ok)
        })
        .await?;
    Ok(match made {
        Ok(page) => html(StatusCode::OK, &page),
        Err(frame) => html(StatusCode::OK, &EmptyPage { frame }),
    })
}

/// `POST /mappings/{id}/acceptance`
///
/// # Errors
///
/// `NotFound`, `Conflict` where somebody was quicker.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<VariantId>,
    form: web::Form<Acceptance>,
) -> Result<HttpResponse, WebError> {
    let (now, user, id, form) = (clock.now(), user.id, id.into_inner(), form.into_inner());
    let quantity = match form.quantity.trim() {
        "" => 1,
        text => text
            .parse()
            .map_err(|_any| WebError::invalid(MappingError::Quantity.to_string()))?,
    };
    let origin = form.origin.parse().unwrap_or(Origin::Person);
    let part = Parts::new([(form.product, quantity)]).map_err(refused)?;
    let (store, change) = db
        .write(move |conn| -> Result<_, WebError> {
            let shop = variant::shop_of(conn, id)?;
            let by = By {
                shop: &shop,
                user: Some(user),
                now,
            };
            let change = mappings::accept(conn, by, id, &part, origin).map_err(refused)?;
            Ok((shop.id, change))
        })
        .await?;
    visitor.say(&db, &told(&change)).await?;
    let undo = &change.batch;
    let (q, after) = (encoded(&form.q), encoded(&form.after));
    Ok(see_other(&format!(
        "/mappings?store={store}&q={q}&after={after}&undo={undo}"
    )))
}

fn index_page(
    conn: &mut DbConnection,
    frame: Frame,
    shops: Vec<Shop>,
    shop: Shop,
    wish: &Wish,
) -> Result<IndexPage, DbError> {
    let (word, view) = match wish.view.as_str() {
        "conflicts" => ("conflicts", View::Conflicts),
        "mapped" => ("mapped", View::Mapped),
        "ignored" => ("ignored", View::Ignored),
        _ => ("unmapped", View::Unmapped),
    };
    let found = rows::list(conn, &shop, view, wish)?;
    let exact = match view {
        View::Unmapped => {
            let look = look(conn, &shop, VariantId(0), LOOK)?;
            Exact {
                found: look.matches.len(),
                more: look.next.is_some(),
            }
        }
        View::Conflicts | View::Mapped | View::Ignored => Exact::default(),
    };
    let counts = list::count(conn, shop.id)?;
    let older = found.next.map_or(String::new(), |next| {
        let (q, next) = (encoded(&wish.q), encoded(&next));
        format!("?view={word}&store={}&q={q}&after={next}", shop.id)
    });
    Ok(IndexPage {
        frame,
        shops,
        shop,
        view: word,
        counts,
        search: wish.q.clone(),
        rows: found.rows,
        is_cut: found.is_cut,
        exact,
        older,
        after: wish.after.clone(),
        undo: wish.undo.clone(),
    })
}

fn load(conn: &mut DbConnection, id: ShopId) -> Result<Shop, WebError> {
    shops::get(conn, id).map_err(super::integrations::missing)
}

fn told(change: &Change) -> String {
    let freed = match change.orders_freed {
        0 => String::new(),
        1 => " 1 order is free.".to_owned(),
        n => format!(" {n} orders are free."),
    };
    format!("{} mapped.{freed}", variants(change.variants))
}

fn variants(count: usize) -> String {
    if count == 1 {
        "1 variant".to_owned()
    } else {
        format!("{count} variants")
    }
}

fn refused(error: MappingError) -> WebError {
    match error {
        MappingError::NotFound => WebError::NotFound("This variant".to_owned()),
        MappingError::AlreadyMapped | MappingError::NotMapped | MappingError::TooLate => {
            WebError::Conflict(error.to_string())
        }
        MappingError::NoSuchItem
        | MappingError::Quantity
        | MappingError::NoItems
        | MappingError::TooManyItems
        | MappingError::Product(_) => WebError::invalid(error.to_string()),
        MappingError::Order(error) => WebError::internal(error.to_string()),
        MappingError::Db(error) => error.into(),
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
