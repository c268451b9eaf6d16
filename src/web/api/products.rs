//! The items of the ERP.
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Page, page_size};
use crate::erp::products::queries::{self, ProductRow};
use crate::platform::db::Db;
use crate::types::ProductId;
use crate::web::error::WebError;

/// Which items.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Exactly this one.
    sku: Option<String>,
    /// Where the page before ended; `next` holds it.
    after: Option<i64>,
    /// 1 to 250 rows; 50 unless said.
    limit: Option<i64>,
}

/// An item.
#[derive(Debug, Serialize, ToSchema)]
pub struct Product {
    pub id: i64,
    pub sku: String,
    pub name: String,
    pub barcode: Option<String>,
    pub unit: String,
    pub weight_grams: Option<i64>,
    /// Whether it is something to ship.
    pub requires_shipping: bool,
    pub hs_code: Option<String>,
    /// ISO 3166-1, two letters.
    pub country_of_origin: Option<String>,
    pub active: bool,
}

impl From<ProductRow> for Product {
    fn from(row: ProductRow) -> Product {
        Product {
            id: row.id.0,
            sku: row.sku,
            name: row.name,
            barcode: row.barcode,
            unit: row.unit,
            weight_grams: row.weight_grams,
            requires_shipping: row.ships,
            hs_code: row.hs_code,
            country_of_origin: row.origin,
            active: row.active,
        }
    }
}

/// The items, the oldest first.
#[utoipa::path(
    get, path = "/api/{tenant}/products", tag = "Catalogue", params(Filter),
    responses((status = 200, body = Page<Product>))
)]
pub async fn index(
    req: HttpRequest,
    db: web::Data<Db>,
    query: web::Query<Filter>,
) -> Result<HttpResponse, WebError> {
    let (size, query) = (page_size(query.limit)?, query.into_inner());
    let after = ProductId(query.after.unwrap_or(0));
    let rows = db
        .read(move |conn| queries::list_by_id(conn, query.sku.as_deref(), after, size + 1))
        .await?;
    let page: Page<Product> = Page::of(&req, rows, size, |row| row.id.to_string());
    Ok(HttpResponse::Ok().json(page))
}
