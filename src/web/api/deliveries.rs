//! Local deliveries for programs: the list that can be followed, one of them whole, and moving it on.
use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::orders::PostalAddress;
use super::{Amount, Page, field, moment, page_size, parsed};
use crate::erp::deliveries::drivers;
use crate::erp::deliveries::flow::State;
use crate::erp::deliveries::queries::list::{self, Wanted};
use crate::erp::deliveries::queries::{self as rows, DeliveryRow, log, show as parts};
use crate::erp::deliveries::work::{self, By, Move};
use crate::erp::orders;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::types::{At, DeliveryId, Money, OrderId, UserId};
use crate::web::deliveries::actions::notifies;
use crate::web::error::WebError;
use crate::web::visitor::Program;

/// Log entries of one delivery.
const LOG: i64 = 250;

/// Which deliveries.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// `2026-11-30`
    day: Option<String>,
    /// `PENDING`, `ASSIGNED`, `OUT`, `DELIVERED`, `NOT_HOME`, `RETURNED`, `CANCELLED`.
    state: Option<String>,
    /// A driver's number.
    driver: Option<i64>,
    /// Changed then or later (RFC 3339); the oldest change comes first then, else the newest delivery.
    updated_since: Option<String>,
    /// Where the page before ended; `next` holds it.
    after: Option<String>,
    /// 1 to 250 rows; 50 unless said.
    limit: Option<i64>,
}

/// One delivery in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliverySummary)]
pub struct Summary {
    /// Made of the store and the order: the webhook's answer named it.
    pub id: String,
    pub order_id: String,
    /// Shopify's number.
    #[schema(example = "#1001")]
    pub order_name: String,
    pub state: String,
    /// The day on which it is to be driven.
    #[schema(example = "2026-11-30")]
    pub day: String,
    pub driver_id: Option<i64>,
    pub driver_name: Option<String>,
    /// The place among the driver's stops.
    pub position: i64,
    pub customer_name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub drop_off_address: Option<PostalAddress>,
    pub items: String,
    pub note: Option<String>,
    pub payment_state: String,
    pub total: Amount,
    pub outstanding: Option<Amount>,
    /// Why it was cancelled.
    pub reason: Option<String>,
    pub dropped_off_at: Option<String>,
    /// Rises with every change.
    pub version: i64,
    pub created_at: String,
    pub updated_at: String,
}

/// One delivery whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivery {
    #[serde(flatten)]
    pub summary: Summary,
    pub lines: Vec<Line>,
    /// The newest entry first.
    pub log: Vec<Entry>,
    /// Delivered, but its goods could not be booked off the shelves: why.
    pub not_shipped: Option<String>,
}

/// A line that goes with it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryLine)]
pub struct Line {
    /// The order line's id.
    pub line_id: i64,
    pub title: String,
    pub sku: Option<String>,
    pub quantity: i64,
    /// It goes another way, such as by post.
    pub goes_apart: bool,
}

/// What happened to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryEntry)]
pub struct Entry {
    pub at: String,
    /// `created`, `moved`, `changed`, `assigned`, `postponed` ...
    pub kind: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub note: Option<String>,
    /// Who, where it was a person.
    pub by: Option<String>,
    pub undone: bool,
}

/// Where it goes on to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeliveryMove)]
pub struct Body {
    /// `OUT`, `DELIVERED`, `NOT_HOME`, `RETURNED`, `CANCELLED` or `PENDING`.
    status: String,
    #[serde(default)]
    note: Option<String>,
    /// The version that this was decided on: another one since is refused with 409.
    #[serde(default)]
    version: Option<i64>,
    /// Whether Shopify tells the customer that it was delivered; the store's setting unless said.
    #[serde(default)]
    notify: Option<bool>,
}

/// What rows need beside them.
struct Names {
    orders: HashMap<OrderId, String>,
    drivers: HashMap<UserId, String>,
}

impl Names {
    fn load(conn: &mut DbConnection, rows: &[DeliveryRow]) -> Result<Names, DbError> {
        let ids: Vec<OrderId> = rows.iter().map(|row| row.order_id).collect();
        let drivers = drivers::list(conn)?;
        Ok(Names {
            orders: list::list_order_ids(conn, &ids)?.into_iter().collect(),
            drivers: drivers
                .into_iter()
                .map(|driver| (driver.user, driver.name))
                .collect(),
        })
    }

    fn shown(&self, row: DeliveryRow) -> Summary {
        let told = row.told;
        let money = |minor| Amount::from(Money::new(minor, told.currency));
        Summary {
            id: row.public_id,
            order_id: self.orders.get(&row.order_id).cloned().unwrap_or_default(),
            order_name: told.order_name,
            state: row.state.to_string(),
            day: row.day,
            driver_id: row.driver_id.map(|id| id.0),
            driver_name: row.driver_id.and_then(|id| self.drivers.get(&id).cloned()),
            position: row.position,
            customer_name: told.name,
            phone: told.phone,
            email: told.email,
            drop_off_address: told.address.map(|json| orders::address(Some(&json)).into()),
            items: told.items,
            note: told.note,
            payment_state: told.payment_state.to_string(),
            total: money(told.total_minor),
            outstanding: told.outstanding_minor.map(money),
            reason: row.reason,
            dropped_off_at: row.dropped_off_at.map(moment),
            version: row.version,
            created_at: moment(row.created_at),
            updated_at: moment(row.changed_at),
        }
    }
}

/// The deliveries, as pages.
#[utoipa::path(
    get, path = "/api/{tenant}/deliveries", tag = "Deliveries", params(Filter),
    responses((status = 200, body = Page<Summary>), (status = 422, description = "A filter is wrong"))
)]
pub async fn index(
    req: HttpRequest,
    db: web::Data<Db>,
    query: web::Query<Filter>,
) -> Result<HttpResponse, WebError> {
    let size = page_size(query.limit)?;
    let wanted = wanted(query.into_inner())?;
    let follows = wanted.changed_since.is_some();
    let (rows, names) = db
        .read(move |conn| -> Result<_, DbError> {
            let rows = list::list(conn, &wanted, size + 1)?;
            let names = Names::load(conn, &rows)?;
            Ok((rows, names))
        })
        .await?;
    let keyed: Vec<Keyed> = rows
        .into_iter()
        .map(|row| Keyed {
            key: if follows {
                format!("{}.{}", row.changed_at.0, row.id)
            } else {
                row.id.to_string()
            },
            summary: names.shown(row),
        })
        .collect();
    let page: Page<Summary> = Page::of(&req, keyed, size, |row| row.key.clone());
    Ok(HttpResponse::Ok().json(page))
}

/// A row and where the page after it begins.
struct Keyed {
    key: String,
    summary: Summary,
}

impl From<Keyed> for Summary {
    fn from(row: Keyed) -> Summary {
        row.summary
    }
}

fn wanted(query: Filter) -> Result<Wanted, WebError> {
    let since = query.updated_since.as_deref().map(At::parse).transpose();
    let changed_since = since.map_err(|_other| {
        field(
            "updated_since",
            "Write a moment such as 2026-11-21T09:30:00Z.",
        )
    })?;
    let day: Option<jiff::civil::Date> = parsed(
        "day",
        query.day.as_deref(),
        "Write a day such as 2026-11-30.",
    )?;
    let after = match &query.after {
        None => None,
        Some(text) => Some(
            place(text, changed_since.is_some())
                .ok_or_else(|| field("after", "Take `next` of the page before as it is."))?,
        ),
    };
    Ok(Wanted {
        day: day.map(|day| day.to_string()),
        state: parsed("state", query.state.as_deref(), "There is no such state.")?,
        driver: query.driver.map(UserId),
        changed_since,
        after,
    })
}

fn place(text: &str, follows: bool) -> Option<(At, DeliveryId)> {
    let (at, id) = if follows {
        text.split_once('.')?
    } else {
        ("0", text)
    };
    Some((At(at.parse().ok()?), id.parse().ok()?))
}

/// One delivery.
#[utoipa::path(
    get, path = "/api/{tenant}/deliveries/{id}", tag = "Deliveries",
    params(("id" = String, Path, description = "The delivery's id, a UUID")),
    responses((status = 200, body = Delivery), (status = 404, description = "There is no such delivery"))
)]
pub async fn show(
    db: web::Data<Db>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let (_tenant, id) = path.into_inner();
    let delivery = db.read(move |conn| whole(conn, &id)).await?;
    Ok(HttpResponse::Ok().json(delivery))
}

/// Moves a delivery on. Where it stands there already nothing happens. Delivered: its goods leave the shelves
/// here, and Shopify is told in the background.
#[utoipa::path(
    post, path = "/api/{tenant}/deliveries/{id}/status", tag = "Deliveries",
    params(("id" = String, Path, description = "The delivery's id, a UUID")),
    request_body = Body,
    responses(
        (status = 200, body = Delivery),
        (status = 404, description = "There is no such delivery"),
        (status = 409, description = "It cannot go there from where it stands, or has changed"),
        (status = 422, description = "A field is wrong: `errors` says which"),
    )
)]
pub async fn create_status(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    program: Program,
    path: web::Path<(String, String)>,
    body: web::Json<Body>,
) -> Result<HttpResponse, WebError> {
    let (_tenant, id) = path.into_inner();
    let (now, body) = (clock.now(), body.into_inner());
    let to: State = parsed(
        "status",
        Some(body.status.as_str()),
        "There is no such status.",
    )?
    .ok_or_else(|| field("status", "There is no such status."))?;
    let source = format!("token:{}", program.name);
    let delivery = db
        .write(move |conn| -> Result<Delivery, WebError> {
            let row = rows::find_public(conn, &id)?.ok_or_else(|| missing(&id))?;
            let wanted = Move {
                delivery: row.id,
                to,
                version: body.version,
                note: body.note,
                notify: match body.notify {
                    Some(notify) => notify,
                    None => notifies(conn, row.id)?,
                },
                by: By {
                    source: Some(source),
                    ..By::default()
                },
            };
            work::set_state(conn, &wanted, now)?;
            whole(conn, &id)
        })
        .await?;
    Ok(HttpResponse::Ok().json(delivery))
}

fn missing(id: &str) -> WebError {
    WebError::NotFound(format!("The delivery {id}"))
}

fn whole(conn: &mut DbConnection, id: &str) -> Result<Delivery, WebError> {
    let row = rows::find_public(conn, id)?.ok_or_else(|| missing(id))?;
    let names = Names::load(conn, std::slice::from_ref(&row))?;
    Ok(Delivery {
        lines: parts::list_lines(conn, row.id)?
            .into_iter()
            .map(|line| Line {
                line_id: line.id.0,
                title: line.label(),
                sku: line.sku,
                quantity: line.current,
                goes_apart: line.goes_apart,
            })
            .collect(),
        log: log::list(conn, row.id, LOG)?
            .into_iter()
            .map(entry)
            .collect(),
        not_shipped: row.ship_fault.clone(),
        summary: names.shown(row),
    })
}

fn entry(row: log::EntryRow) -> Entry {
    Entry {
        at: moment(row.at),
        kind: row.kind.to_string(),
        from: row.from_state.map(|state| state.to_string()),
        to: row.to_state.map(|state| state.to_string()),
        note: row.note,
        by: row.user_name,
        undone: row.undone_at.is_some(),
    }
}
