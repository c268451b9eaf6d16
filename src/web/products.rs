//! Items: the list, one item with its stock and its ledger, adjusting stock.
pub mod stores;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::error::WebError;
use super::filters;
use super::form::Errors;
use super::page::{Frame, Section, html, see_other};
use super::visitor::{CurrentUser, Visitor};
use crate::erp::locations::{self, Location};
use crate::erp::products::queries::{self as rows, ProductRow};
use crate::erp::products::{self, NewProduct, ProductError};
use crate::erp::stock::queries::{self as stock_rows, MovementRow};
use crate::erp::stock::{self, Movement, StockError};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::shopify::inventory::shown::{self, InStore};
use crate::types::{LocationId, ProductId};

const PAGE: i64 = 50;

#[derive(Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    q: String,
    /// The last item of the page before.
    #[serde(default)]
    after: String,
}

struct Row {
    product: ProductRow,
    on_hand: i64,
    reserved: i64,
    free: i64,
}

#[derive(Template)]
#[template(path = "products/index.html")]
struct IndexPage {
    frame: Frame,
    rows: Vec<Row>,
    search: String,
    label: String,
    older: String,
}

/// `GET /products?q=&after=`
///
/// # Errors
///
/// The database's.
pub async fn index(
    db: web::Data<Db>,
    visitor: Visitor,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let ListQuery { q, after } = query.into_inner();
    let search = q.trim().to_owned();
    let wanted = search.clone();
    let (rows, total, more) = db
        .read(move |conn| {
            let from = match after.parse::<ProductId>() {
                Ok(id) => rows::find(conn, id)?,
                Err(_none) => None,
            };
            let from = from.as_ref().map(|row| (row.name.as_str(), row.id));
            let mut found = rows::list(conn, &wanted, from, PAGE + 1)?;
            let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
            let more = found.len() > page;
            found.truncate(page);
            let ids: Vec<ProductId> = found.iter().map(|row| row.id).collect();
            let levels = stock_rows::levels_of(conn, &ids)?;
            let rows: Vec<Row> = found
                .into_iter()
                .map(|product| {
                    let of = levels.iter().filter(|level| level.product_id == product.id);
                    let (on_hand, reserved) = of.fold((0, 0), |(on_hand, reserved), level| {
                        (on_hand + level.on_hand, reserved + level.reserved)
                    });
                    Row {
                        product,
                        on_hand,
                        reserved,
                        free: on_hand - reserved,
                    }
                })
                .collect();
            Ok::<_, DbError>((rows, rows::count(conn)?, more))
        })
        .await?;
    let older = match (more, rows.last()) {
        (true, Some(last)) => {
            let mut link = url::form_urlencoded::Serializer::new("?".to_owned());
            link.append_pair("q", &search)
                .append_pair("after", &last.product.id.to_string());
            link.finish()
        }
        (true | false, _) => String::new(),
    };
    let page = IndexPage {
        frame: visitor.frame(Section::Products),
        label: format!("{} of {total} items", rows.len()),
        rows,
        search,
        older,
    };
    Ok(html(StatusCode::OK, &page))
}

#[derive(Deserialize)]
pub struct ShowQuery {
    #[serde(default)]
    tab: String,
    #[serde(default)]
    before: Option<i64>,
}

struct Level {
    location: Location,
    on_hand: i64,
    reserved: i64,
    free: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct AdjustForm {
    #[serde(default)]
    location: String,
    #[serde(default)]
    quantity: String,
    #[serde(default)]
    reason: String,
}

#[derive(Template)]
#[template(path = "products/show.html")]
struct ShowPage {
    frame: Frame,
    product: ProductRow,
    levels: Vec<Level>,
    ledger: Vec<MovementRow>,
    /// What each store is told of it.
    stores: Vec<InStore>,
    is_ledger: bool,
    older: String,
    form: AdjustForm,
    errors: Errors,
    on_hand: i64,
    reserved: i64,
}

/// `GET /products/{id}?tab=stock|ledger`
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<ProductId>,
    query: web::Query<ShowQuery>,
) -> Result<HttpResponse, WebError> {
    let frame = visitor.frame(Section::Products);
    let refused = (AdjustForm::default(), Errors::default());
    let page = page(&db, frame, id.into_inner(), &query, refused).await?;
    Ok(html(StatusCode::OK, &page))
}

async fn page(
    db: &Db,
    frame: Frame,
    id: ProductId,
    query: &ShowQuery,
    (form, errors): (AdjustForm, Errors),
) -> Result<ShowPage, WebError> {
    let before = query.before;
    let is_ledger = query.tab == "ledger";
    let (product, levels, ledger, stores) = db
        .read(move |conn| {
            let product = rows::find(conn, id)?;
            let found = stock_rows::levels_of(conn, &[id])?;
            let levels: Vec<Level> = locations::list(conn)?
                .into_iter()
                .map(|location| {
                    let level = found.iter().find(|level| level.location_id == location.id);
                    let (on_hand, reserved) =
                        level.map_or((0, 0), |level| (level.on_hand, level.reserved));
                    Level {
                        location,
                        on_hand,
                        reserved,
                        free: on_hand - reserved,
                    }
                })
                .collect();
            let ledger = stock_rows::list_movements(conn, id, before, PAGE)?;
            let stores = if is_ledger {
                Vec::new()
            } else {
                shown::of_item(conn, id, None)?
            };
            Ok::<_, DbError>((product, levels, ledger, stores))
        })
        .await?;
    let product = product.ok_or_else(|| WebError::NotFound(format!("item {id}")))?;
    let full = ledger.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
    let older = match ledger.last() {
        Some(last) if full => format!("?tab=ledger&before={}", last.id),
        Some(_) | None => String::new(),
    };
    Ok(ShowPage {
        frame,
        product,
        on_hand: levels.iter().map(|level| level.on_hand).sum(),
        reserved: levels.iter().map(|level| level.reserved).sum(),
        levels,
        ledger,
        stores,
        is_ledger,
        older,
        form,
        errors,
    })
}

/// `POST /products/{id}/adjustments`
///
/// # Errors
///
/// `NotFound`; what is wrong with the form is said beside its fields.
pub async fn adjust(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<ProductId>,
    form: web::Form<AdjustForm>,
) -> Result<HttpResponse, WebError> {
    let (id, now, user, form) = (id.into_inner(), clock.now(), user.id, form.into_inner());
    let mut errors = Errors::default();
    let place: Option<LocationId> = form.location.parse().ok();
    let quantity: Option<i64> = signed(&form.quantity);
    if place.is_none() {
        errors.add("location", "Choose a location");
    }
    if quantity.is_none_or(|quantity| quantity == 0) {
        errors.add("quantity", "Enter how many came or went, like 12 or -3");
    }
    if form.reason.trim().is_empty() {
        errors.add("reason", "Say why, like: counted, damaged, received");
    }
    if let (Some(location), Some(quantity), true) = (place, quantity, errors.is_empty()) {
        let reason = form.reason.trim().to_owned();
        let done = db
            .write(move |conn| {
                let movement = Movement {
                    product: id,
                    location,
                    lot: None,
                    quantity,
                    reason: &reason,
                    source: "person",
                    user: Some(user),
                };
                stock::adjust(conn, &movement, now)
            })
            .await;
        match done {
            Ok(()) => {
                visitor.say(&db, "The stock is changed.").await?;
                return Ok(see_other(&format!("/products/{id}?tab=stock")));
            }
            Err(StockError::NotEnough { on_hand }) => {
                errors.add("quantity", format!("Only {on_hand} are there"));
            }
            Err(error @ StockError::SerialTwice(_)) => errors.add("lot", error.to_string()),
            Err(error @ (StockError::NoReason | StockError::Nothing | StockError::Db(_))) => {
                return Err(error.into());
            }
        }
    }
    let query = ShowQuery {
        tab: String::new(),
        before: None,
    };
    let frame = visitor.frame(Section::Products);
    let page = page(&db, frame, id, &query, (form, errors)).await?;
    Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// `12`, `+12`, `-3`, and the typographic minus as well.
fn signed(text: &str) -> Option<i64> {
    text.trim().replace('−', "-").parse().ok()
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct NewForm {
    #[serde(default)]
    sku: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    barcode: String,
}

#[derive(Template)]
#[template(path = "products/new.html")]
struct NewPage {
    frame: Frame,
    form: NewForm,
    errors: Errors,
}

/// `GET /products/new`
///
/// # Errors
///
/// None of its own.
pub async fn new(visitor: Visitor) -> Result<HttpResponse, WebError> {
    let page = NewPage {
        frame: visitor.frame(Section::Products),
        form: NewForm::default(),
        errors: Errors::default(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /products`
///
/// # Errors
///
/// The database's; what is wrong with the form is said beside its fields.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    form: web::Form<NewForm>,
) -> Result<HttpResponse, WebError> {
    let (now, form) = (clock.now(), form.into_inner());
    let barcode = form.barcode.trim();
    let product = NewProduct {
        sku: form.sku.clone(),
        name: form.name.clone(),
        barcode: (!barcode.is_empty()).then(|| barcode.to_owned()),
        weight_grams: None,
        ships: true,
    };
    let made = db
        .write(move |conn| products::create(conn, &product, now))
        .await;
    let mut errors = Errors::default();
    match made {
        Ok(id) => return Ok(see_other(&format!("/products/{id}"))),
        Err(ProductError::NoSku) => errors.add("sku", "Enter a SKU"),
        Err(ProductError::NoName) => errors.add("name", "Enter a name"),
        Err(error @ ProductError::SkuTaken(_)) => errors.add("sku", error.to_string()),
        Err(ProductError::NotFound(id)) => return Err(WebError::NotFound(format!("item {id}"))),
        Err(ProductError::Db(error)) => return Err(error.into()),
    }
    let page = NewPage {
        frame: visitor.frame(Section::Products),
        form,
        errors,
    };
    Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

impl From<StockError> for WebError {
    fn from(error: StockError) -> Self {
        match error {
            StockError::NotEnough { .. }
            | StockError::NoReason
            | StockError::Nothing
            | StockError::SerialTwice(_) => WebError::Invalid(error.to_string()),
            StockError::Db(error) => error.into(),
        }
    }
}
