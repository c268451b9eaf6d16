//! Where stock lies and shipments leave.
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::Page;
use crate::erp::locations;
use crate::platform::db::Db;
use crate::web::error::WebError;

/// A warehouse or shop of ours.
#[derive(Debug, Serialize, ToSchema)]
pub struct Location {
    pub id: i64,
    pub name: String,
}

/// All locations in use, on one page.
#[utoipa::path(
    get, path = "/api/{tenant}/locations", tag = "Stock",
    responses((status = 200, body = Page<Location>))
)]
pub async fn index(db: web::Data<Db>) -> Result<HttpResponse, WebError> {
    let rows = db.read(locations::list).await?;
    Ok(HttpResponse::Ok().json(Page {
        data: rows
            .into_iter()
            .map(|row| Location {
                id: row.id.0,
                name: row.name,
            })
            .collect(),
        next: None,
    }))
}
