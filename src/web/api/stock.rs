//! What lies where.
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Page, page_size};
use crate::erp::stock::queries::{self, PlacedRow};
use crate::platform::db::Db;
use crate::types::LocationId;
use crate::web::error::WebError;

/// Which stock.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of exactly this item.
    sku: Option<String>,
    /// At this location.
    location_id: Option<i64>,
    /// Where the page before ended; `next` holds it.
    after: Option<i64>,
    /// 1 to 250 rows; 50 unless said.
    limit: Option<i64>,
}

/// One item at one location, in one lot or in none.
#[derive(Debug, Serialize, ToSchema)]
pub struct StockLevel {
    pub product_id: i64,
    pub sku: String,
    pub location_id: i64,
    pub location: String,
    /// The lot's code or the serial number; null where the item has none, or nobody has named it.
    pub lot: Option<String>,
    /// The lot's best-before day, as `2026-11-30`.
    pub best_before: Option<String>,
    /// The lot is blocked or expired: nothing of it may leave.
    pub barred: bool,
    pub on_hand: i64,
    /// Promised to orders.
    pub reserved: i64,
    /// On hand, promised to nobody and not barred.
    pub available: i64,
}

impl From<PlacedRow> for StockLevel {
    fn from(row: PlacedRow) -> StockLevel {
        StockLevel {
            product_id: row.level.product_id.0,
            available: row.level.free(),
            sku: row.sku,
            location_id: row.level.location_id.0,
            location: row.location,
            lot: row.lot,
            best_before: row.level.expires,
            barred: row.level.barred,
            on_hand: row.level.on_hand,
            reserved: row.level.reserved,
        }
    }
}

/// Stock by item and location.
#[utoipa::path(
    get, path = "/api/{tenant}/stock", tag = "Stock", params(Filter),
    responses((status = 200, body = Page<StockLevel>))
)]
pub async fn index(
    req: HttpRequest,
    db: web::Data<Db>,
    query: web::Query<Filter>,
) -> Result<HttpResponse, WebError> {
    let (size, query) = (page_size(query.limit)?, query.into_inner());
    let location = query.location_id.map(LocationId);
    let after = query.after.unwrap_or(0);
    let rows = db
        .read(move |conn| {
            queries::list_placed(conn, query.sku.as_deref(), location, after, size + 1)
        })
        .await?;
    let page: Page<StockLevel> = Page::of(&req, rows, size, |row| row.level.id.to_string());
    Ok(HttpResponse::Ok().json(page))
}
