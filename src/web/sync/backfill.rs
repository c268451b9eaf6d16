//! Bringing in the orders of some days: counted first, fetched when the count was seen.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::shopify::shops::Shop;
use crate::shopify::sync::range::{self, Range};
use crate::shopify::sync::runs::{self, NewRun};
use crate::shopify::sync::{OrderStatus, RunKind, days};
use crate::types::{At, ShopId, UserId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::form::Errors;
use crate::web::page::{Frame, Section, html};
use crate::web::visitor::{CurrentUser, Visitor};

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Form {
    store: Option<ShopId>,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    status: String,
    /// Set by the page that has counted.
    #[serde(default)]
    fetch: String,
}

#[derive(Template)]
#[template(path = "sync/backfill.html")]
struct NewPage {
    frame: Frame,
    errors: Errors,
    shops: Vec<Shop>,
    shop: Option<Shop>,
    form: Form,
    /// The first day that Shopify shows, where it does not show all.
    shown: Option<Date>,
}

impl NewPage {
    fn is_chosen(&self, shop: &Shop) -> bool {
        self.shop
            .as_ref()
            .is_some_and(|chosen| chosen.id == shop.id)
    }

    fn statuses(&self) -> Vec<(&'static str, &'static str, bool)> {
        let all = OrderStatus::ALL.iter();
        all.map(|status| {
            (
                status.as_str(),
                label(*status),
                self.form.status == status.as_str(),
            )
        })
        .collect()
    }
}

const fn label(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Any => "Any",
        OrderStatus::Open => "Open",
        OrderStatus::Closed => "Archived",
        OrderStatus::Cancelled => "Cancelled",
        OrderStatus::Paid => "Paid",
        OrderStatus::Unfulfilled => "Not shipped yet",
    }
}

/// `GET /sync/backfill?store=`
///
/// # Errors
///
/// The database's.
pub async fn new(
    db: web::Data<Db>,
    visitor: Visitor,
    form: web::Query<Form>,
) -> Result<HttpResponse, WebError> {
    let page = page(&db, &visitor, form.into_inner(), Errors::default()).await?;
    Ok(html(StatusCode::OK, &page))
}

/// `POST /sync/backfill`: `store`, `from`, `to`, `status`; with `fetch` it fetches, else it counts.
///
/// # Errors
///
/// The database's; a form that cannot be read shows itself again.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    let (form, now, by) = (form.into_inner(), clock.now(), user.id);
    let asked = form.clone();
    let read = db.read(move |conn| asked.parse(conn, now, by)).await?;
    let run = match read {
        Ok(run) => run,
        Err(errors) => {
            let page = page(&db, &visitor, form, errors).await?;
            return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let filed = db
        .write(move |conn| Ok::<_, DbError>(runs::file(conn, &run, now)))
        .await?;
    super::runs::begun(&db, &visitor, filed).await
}

impl Form {
    fn parse(
        &self,
        conn: &mut DbConnection,
        now: At,
        by: UserId,
    ) -> Result<Result<NewRun, Errors>, DbError> {
        let mut errors = Errors::default();
        let (_shops, shop) = super::chosen(conn, self.store)?;
        let Some(shop) = shop else {
            errors.add("store", "Connect a store first");
            return Ok(Err(errors));
        };
        let mut day = |name: &'static str, text: &str| {
            let read = text.trim().parse::<Date>();
            if read.is_err() {
                errors.add(name, "Enter a day, like 2026-11-21");
            }
            read.ok()
        };
        let (from, to) = (day("from", &self.from), day("to", &self.to));
        let status = self.status.parse().unwrap_or(OrderStatus::Any);
        let range = match (from, to) {
            (Some(from), Some(to)) => range::of_days(&shop, from, to, now),
            (None | Some(_), None | Some(_)) => return Ok(Err(errors)),
        };
        Ok(match range {
            Ok(Range { from, to, .. }) => Ok(NewRun {
                status,
                dry_run: self.fetch.is_empty(),
                by: Some(by),
                ..NewRun::of_orders(&shop, RunKind::Backfill, from, to)
            }),
            Err(error) => {
                errors.add("from", error.to_string());
                Err(errors)
            }
        })
    }
}

async fn page(
    db: &Db,
    visitor: &Visitor,
    mut form: Form,
    errors: Errors,
) -> Result<NewPage, WebError> {
    let frame = visitor.frame(Section::Sync);
    let (now, named) = (frame.now, form.store);
    let (shops, shop) = db.read(move |conn| super::chosen(conn, named)).await?;
    let zone = shop
        .as_ref()
        .map(days::zone)
        .unwrap_or(jiff::tz::TimeZone::UTC);
    let today = days::day_of(now, &zone);
    if errors.is_empty() && form.from.is_empty() {
        form.from = today.checked_sub(6.days()).unwrap_or(today).to_string();
        form.to = today.to_string();
    }
    Ok(NewPage {
        shown: shop.as_ref().and_then(|shop| range::first_shown(shop, now)),
        frame,
        errors,
        shops,
        shop,
        form,
    })
}
