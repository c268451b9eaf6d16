//! Items: the list, and a new one.
pub mod lots;
pub mod show;
pub mod stores;

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::error::WebError;
use super::filters;
use super::form::Errors;
use super::page::{Frame, Section, html, see_other};
use super::visitor::Visitor;
use crate::erp::products::queries::{self as rows, ProductRow};
use crate::erp::products::{self, NewProduct, ProductError};
use crate::erp::stock::StockError;
use crate::erp::stock::queries as stock_rows;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::shopify::pictures::queries as pictures;
use crate::types::ProductId;

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
    /// The hash of its picture, where a store shows one.
    picture: Option<String>,
    on_hand: i64,
    reserved: i64,
    free: i64,
    /// Expected on receipts and transfers.
    incoming: i64,
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
            let mut found = products::search::page(conn, &wanted, from, PAGE + 1)?;
            let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
            let more = found.len() > page;
            found.truncate(page);
            let ids: Vec<ProductId> = found.iter().map(|row| row.id).collect();
            let levels = stock_rows::levels_of(conn, &ids)?;
            let mut shown = pictures::of_items(conn, &ids)?;
            let incoming: BTreeMap<ProductId, i64> =
                stock_rows::document_lines::incoming(conn, &ids)?
                    .into_iter()
                    .collect();
            let rows: Vec<Row> = found
                .into_iter()
                .map(|product| {
                    let of = levels.iter().filter(|level| level.product_id == product.id);
                    let sums = of.fold((0, 0, 0), |(on_hand, reserved, free), level| {
                        (
                            on_hand + level.on_hand,
                            reserved + level.reserved,
                            free + level.free(),
                        )
                    });
                    Row {
                        picture: shown.remove(&product.id),
                        incoming: incoming.get(&product.id).copied().unwrap_or(0),
                        product,
                        on_hand: sums.0,
                        reserved: sums.1,
                        free: sums.2,
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
