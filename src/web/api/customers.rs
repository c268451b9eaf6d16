//! Customers: people, each with an account.
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, Page, field, moment, page_size};
use crate::erp::customers;
use crate::erp::customers::merging;
use crate::erp::customers::queries::list::sums;
use crate::erp::customers::queries::{self, ContactRow};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::types::{At, ContactId, Money};
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
    /// The company that they buy for.
    pub company: Option<String>,
    pub language: Option<String>,
    pub note: Option<String>,
    pub tags: Vec<String>,
    /// Whether they may be written to by e-mail; nothing where no store said so.
    pub email_consent: Option<Consent>,
    pub sms_consent: Option<Consent>,
}

/// Leave to write to somebody.
#[derive(Debug, Serialize, ToSchema)]
pub struct Consent {
    /// `subscribed`, `not_subscribed`, `unsubscribed`, `pending` ...
    pub state: String,
    /// `single_opt_in`, `confirmed_opt_in`, `unknown`.
    pub level: Option<String>,
    pub at: Option<String>,
}

/// A customer with what they ordered.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeCustomer {
    #[serde(flatten)]
    pub customer: Customer,
    /// By currency; without what was cancelled, and without tests.
    pub spent: Vec<Spent>,
    pub addresses: Vec<String>,
}

/// What somebody ordered in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct Spent {
    pub orders: i64,
    pub amount: Amount,
}

/// Who is merged into whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeWish {
    /// The id of the customer that becomes a part of this one.
    other: String,
}

impl From<ContactRow> for Customer {
    fn from(row: ContactRow) -> Customer {
        let company = row.company().map(str::to_owned);
        Customer {
            id: row.public_id,
            first_name: row.first_name,
            last_name: row.last_name,
            email: row.email,
            phone: row.phone,
            company,
            language: row.locale,
            note: row.note,
            tags: row
                .tags
                .iter()
                .flat_map(|tags| tags.split(", "))
                .filter(|tag| !tag.is_empty())
                .map(str::to_owned)
                .collect(),
            email_consent: consent(
                row.email_consent,
                row.email_consent_level,
                row.email_consent_at,
            ),
            sms_consent: consent(row.sms_consent, row.sms_consent_level, row.sms_consent_at),
            account: row.account_name,
        }
    }
}

fn consent(state: Option<String>, level: Option<String>, at: Option<At>) -> Option<Consent> {
    Some(Consent {
        state: state.filter(|state| !state.is_empty())?,
        level,
        at: at.map(moment),
    })
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

/// One customer. Whoever was merged into another is told as that one.
#[utoipa::path(
    get, path = "/api/{tenant}/customers/{id}", tag = "Customers",
    params(("id" = String, Path, description = "The customer's id, a UUID")),
    responses((status = 200, body = WholeCustomer), (status = 404, description = "There is no such customer"))
)]
pub async fn show(
    db: web::Data<Db>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let (_tenant, id) = path.into_inner();
    let asked = id.clone();
    let found = db.read(move |conn| load(conn, &asked)).await?;
    let found = found.ok_or_else(|| unknown(&id))?;
    Ok(HttpResponse::Ok().json(found))
}

fn unknown(id: &str) -> WebError {
    WebError::NotFound(format!("The customer {id}"))
}

fn load(conn: &mut DbConnection, public_id: &str) -> Result<Option<WholeCustomer>, DbError> {
    let Some(row) = queries::find_public(conn, public_id)? else {
        return Ok(None);
    };
    let heads = customers::resolve(conn, &[row.id])?;
    let id = heads.get(&row.id).copied().unwrap_or(row.id);
    let Some(row) = queries::find(conn, id)? else {
        return Ok(None);
    };
    let family = customers::family(conn, id)?;
    let addresses = customers::addresses_of(conn, &family)?;
    let spent = sums(conn, &[id])?;
    Ok(Some(WholeCustomer {
        customer: row.into(),
        spent: spent
            .into_iter()
            .map(|(_, sum)| Spent {
                orders: sum.orders,
                amount: Money::new(sum.spent_minor, sum.currency).into(),
            })
            .collect(),
        addresses: addresses
            .into_iter()
            .map(|(_, address)| address.lines().join(", "))
            .collect(),
    }))
}

/// Merges another customer into this one, with its orders. People may undo it for 30 days.
#[utoipa::path(
    post, path = "/api/{tenant}/customers/{id}/merge", tag = "Customers",
    params(("id" = String, Path, description = "The id of the customer that is kept, a UUID")),
    request_body = MergeWish,
    responses(
        (status = 200, body = WholeCustomer),
        (status = 404, description = "There is no such customer"),
        (status = 409, description = "One of them was merged already"),
        (status = 422, description = "`errors` names what is wrong"),
    )
)]
pub async fn merge(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    path: web::Path<(String, String)>,
    wish: web::Json<MergeWish>,
) -> Result<HttpResponse, WebError> {
    let ((_tenant, id), now) = (path.into_inner(), clock.now());
    let other = wish.into_inner().other;
    let merged = db
        .write(move |conn| -> Result<_, WebError> {
            let kept = queries::find_public(conn, &id)?.ok_or_else(|| unknown(&id))?;
            let gone = queries::find_public(conn, &other)?
                .ok_or_else(|| field("other", "There is no such customer."))?;
            merging::merge(conn, (kept.id, gone.id), None, None, now)?;
            Ok(load(conn, &id)?)
        })
        .await?;
    Ok(HttpResponse::Ok().json(merged))
}
