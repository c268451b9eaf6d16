//! JSON under `/api/{tenant}/` for programs that sign in with a bearer token.
//!
//! Lists are `{"data": [...], "next": url|null}` by keyset; errors are RFC 9457 documents; money is
//! `{"amount": "117.71", "currency": "USD"}`; moments are RFC 3339 in UTC. Ids that leave the program are
//! UUIDs where the record has one (orders, shipments, customers, stores), numbers elsewhere.
pub mod changes;
pub mod customers;
pub mod deliveries;
pub mod docs;
pub mod events;
pub mod integrations;
pub mod inventory;
pub mod locations;
pub mod mappings;
pub mod orders;
pub mod products;
pub mod refunds;
pub mod returns;
pub mod shipments;
pub mod stock;
pub mod sync;
pub mod sync_runs;
pub mod told;
pub mod versions;

use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::web::{JsonConfig, PathConfig, QueryConfig, ServiceConfig};
use actix_web::{HttpRequest, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::WebError;
use crate::platform::db::DbConnection;
use crate::shopify::shops::{self, Shop, ShopState};
use crate::types::{At, Money, UnitPrice};

/// Rows of a page where nothing else is asked for.
const PAGE: i64 = 50;
/// The most rows of a page.
const LARGEST_PAGE: i64 = 250;
/// The largest JSON body that is taken.
const LARGEST_BODY: usize = 1024 * 1024;

/// An exact amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Amount {
    /// Decimal text, never rounded.
    #[schema(example = "117.71")]
    pub amount: String,
    /// ISO 4217.
    #[schema(example = "USD")]
    pub currency: String,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Amount {
        Amount {
            amount: money.decimal(),
            currency: money.currency.to_string(),
        }
    }
}

impl From<UnitPrice> for Amount {
    fn from(price: UnitPrice) -> Amount {
        Amount {
            amount: price.decimal(),
            currency: price.currency.to_string(),
        }
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// The address of the next page; null on the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of one row more than it shows; `key` is what the next page begins after.
    fn of<R: Into<T>>(
        req: &HttpRequest,
        mut rows: Vec<R>,
        size: i64,
        key: impl Fn(&R) -> String,
    ) -> Page<T> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let next = rows
            .last()
            .filter(|_| more)
            .map(|row| beyond(req, &key(row)));
        Page {
            data: rows.into_iter().map(Into::into).collect(),
            next,
        }
    }
}

/// This request's address with another `after`.
fn beyond(req: &HttpRequest, after: &str) -> String {
    let info = req.connection_info();
    let kept = url::form_urlencoded::parse(req.query_string().as_bytes())
        .filter(|(name, _)| name != "after");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("after", after)
        .finish();
    format!("{}://{}{}?{query}", info.scheme(), info.host(), req.path())
}

/// The number of rows that was asked for, within bounds.
fn page_size(limit: Option<i64>) -> Result<i64, WebError> {
    match limit {
        None => Ok(PAGE),
        Some(limit) if (1..=LARGEST_PAGE).contains(&limit) => Ok(limit),
        Some(_) => Err(field(
            "limit",
            &format!("Ask for 1 to {LARGEST_PAGE} rows."),
        )),
    }
}

/// What is wrong with one parameter or field.
fn field(name: &str, message: &str) -> WebError {
    WebError::Fields(vec![(name.to_owned(), message.to_owned())])
}

/// Reads a parameter that is text with a form of its own.
fn parsed<T: std::str::FromStr>(
    name: &str,
    text: Option<&str>,
    message: &str,
) -> Result<Option<T>, WebError> {
    text.map(|text| text.parse().map_err(|_other| field(name, message)))
        .transpose()
}

/// RFC 3339, as every answer writes a moment.
fn moment(at: At) -> String {
    at.timestamp().to_string()
}

/// The one connected store, or the one that is named by its domain.
///
/// # Errors
///
/// `NotFound`; `ChooseShop` where there are several and none is named.
fn chosen_shop(conn: &mut DbConnection, named: Option<&str>) -> Result<Shop, WebError> {
    let mut connected = shops::list(conn)?;
    connected.retain(|shop| shop.state != ShopState::Disconnected);
    if let Some(named) = named {
        return connected
            .into_iter()
            .find(|shop| shop.domain.as_str() == named || shop.public_id == named)
            .ok_or_else(|| WebError::NotFound(format!("The connected store {named}")));
    }
    let mut connected = connected.into_iter();
    match (connected.next(), connected.next()) {
        (None, _) => Err(WebError::NotFound("A connected store".to_owned())),
        (Some(shop), None) => Ok(shop),
        (Some(first), Some(second)) => Err(WebError::ChooseShop(
            [first, second]
                .into_iter()
                .chain(connected)
                .map(|shop| shop.domain.to_string())
                .collect(),
        )),
    }
}

/// How the framework's own readers refuse: as problems that say what was wrong.
pub(super) fn configure(cfg: &mut ServiceConfig) {
    let json = JsonConfig::default()
        .limit(LARGEST_BODY)
        .error_handler(|error, _req| {
            let refusal = if error.status_code() == StatusCode::PAYLOAD_TOO_LARGE {
                WebError::TooLarge
            } else if matches!(error, JsonPayloadError::ContentType) {
                WebError::unreadable("send JSON with Content-Type: application/json")
            } else {
                WebError::unreadable(format!("the body: {error}"))
            };
            refusal.into()
        });
    let query = QueryConfig::default().error_handler(|error, _req| {
        let QueryPayloadError::Deserialize(reason) = error else {
            return WebError::unreadable("the query could not be read").into();
        };
        WebError::unreadable(format!("the query: {reason}")).into()
    });
    let path = PathConfig::default().error_handler(|error, req| {
        let PathError::Deserialize(_) = error else {
            return WebError::unreadable("the address could not be read").into();
        };
        WebError::NotFound(format!("The page {}", req.path())).into()
    });
    cfg.app_data(json).app_data(query).app_data(path);
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_next_page_keeps_the_filters_and_goes_on_after_the_last_row() {
        let req = TestRequest::with_uri("/api/main/orders?state=ready&after=9&limit=2")
            .insert_header(("host", "erp.example.com"))
            .to_http_request();
        let page: Page<i64> = Page::of(&req, vec![8_i64, 7, 6], 2, ToString::to_string);
        assert_eq!(page.data, [8, 7]);
        assert_eq!(
            page.next.as_deref(),
            Some("http://erp.example.com/api/main/orders?state=ready&limit=2&after=7")
        );
        let last: Page<i64> = Page::of(&req, vec![8_i64], 2, ToString::to_string);
        assert_eq!(last.next, None);
    }
}
