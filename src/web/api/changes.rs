//! The feed that a host ERP follows: what changed, in the order in which it was committed.
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Page, moment, page_size};
use crate::erp::changes::{self, queries::ChangeRow};
use crate::platform::db::Db;
use crate::web::error::WebError;

/// From where on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// The `seq` of the last change you have seen; 0 for all.
    #[serde(default)]
    after: i64,
    /// 1 to 250 rows; 50 unless said.
    limit: Option<i64>,
}

/// That one record changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    /// Rises in the order of commits. Keep the last one: `?after=` goes on from there.
    pub seq: i64,
    /// `order`, `shipment`, `customer` ...
    pub kind: String,
    pub id: String,
    pub at: String,
}

impl From<ChangeRow> for Change {
    fn from(row: ChangeRow) -> Change {
        Change {
            seq: row.seq,
            kind: row.kind,
            id: row.public_id,
            at: moment(row.at),
        }
    }
}

/// What changed after a place in the feed, oldest first.
#[utoipa::path(
    get, path = "/api/{tenant}/changes", tag = "Changes", params(Filter),
    responses((status = 200, body = Page<Change>))
)]
pub async fn index(
    req: HttpRequest,
    db: web::Data<Db>,
    query: web::Query<Filter>,
) -> Result<HttpResponse, WebError> {
    let (size, after) = (page_size(query.limit)?, query.after);
    let rows = db
        .write(move |conn| changes::read(conn, after, size + 1))
        .await?;
    let page: Page<Change> = Page::of(&req, rows, size, |row| row.seq.to_string());
    Ok(HttpResponse::Ok().json(page))
}
