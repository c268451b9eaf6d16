//! Customers: people, each with an account.
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Page, page_size};
use crate::erp::customers::queries::{self, ContactRow};
use crate::platform::db::Db;
use crate::types::ContactId;
use crate::web::error::WebError;

/// Which customers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// With this address, however it is written.
    email: Option<String>,
    /// Where the page before ended; `next` holds it.
    after: Option<i64>,
    /// 1 to 250 rows; 50 unless said.
    limit: Option<i64>,
}

/// A customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Customer {
    pub id: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// The company, or the person's own name.
    pub account: String,
}

impl From<ContactRow> for Customer {
    fn from(row: ContactRow) -> Customer {
        Customer {
            id: row.public_id,
            first_name: row.first_name,
            last_name: row.last_name,
            email: row.email,
            phone: row.phone,
            account: row.account_name,
        }
    }
}

/// The customers, the oldest first.
#[utoipa::path(
    get, path = "/api/{tenant}/customers", tag = "Customers", params(Filter),
    responses((status = 200, body = Page<Customer>))
)]
pub async fn index(
    req: HttpRequest,
    db: web::Data<Db>,
    query: web::Query<Filter>,
) -> Result<HttpResponse, WebError> {
    let (size, query) = (page_size(query.limit)?, query.into_inner());
    let after = ContactId(query.after.unwrap_or(0));
    let rows = db
        .read(move |conn| queries::list(conn, query.email.as_deref(), after, size + 1))
        .await?;
    let page: Page<Customer> = Page::of(&req, rows, size, |row| row.id.to_string());
    Ok(HttpResponse::Ok().json(page))
}
