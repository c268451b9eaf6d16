//! Bringing in a store's customers: counted first, fetched when the count was seen.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;

use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::shopify::shops::Shop;
use crate::shopify::sync::days;
use crate::shopify::sync::runs::{self, NewRun};
use crate::types::{At, ShopId, UserId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::form::Errors;
use crate::web::page::{Frame, Section, html};
use crate::web::sync;
use crate::web::visitor::{CurrentUser, Visitor};

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Form {
    store: Option<ShopId>,
    /// A day; empty: since ever.
    #[serde(default)]
    since: String,
    /// Set by the page that has counted.
    #[serde(default)]
    fetch: String,
}

#[derive(Template)]
#[template(path = "customers/import.html")]
struct NewPage {
    frame: Frame,
    errors: Errors,
    shops: Vec<Shop>,
    shop: Option<Shop>,
    form: Form,
}

impl NewPage {
    fn is_chosen(&self, shop: &Shop) -> bool {
        self.shop.as_ref().is_some_and(|it| it.id == shop.id)
    }
}

/// `GET /customers/import?store=`
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

/// `POST /customers/import`: `store`, `since`; with `fetch` it fetches, else it counts.
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
    sync::runs::begun(&db, &visitor, filed).await
}

impl Form {
    fn parse(
        &self,
        conn: &mut DbConnection,
        now: At,
        by: UserId,
    ) -> Result<Result<NewRun, Errors>, DbError> {
        let mut errors = Errors::default();
        let (_shops, shop) = sync::chosen(conn, self.store)?;
        let Some(shop) = shop else {
            errors.add("store", "Connect a store first");
            return Ok(Err(errors));
        };
        let zone = days::zone(&shop);
        let since = self.since.trim();
        let from = match since.parse::<Date>() {
            _ if since.is_empty() => At(0),
            Ok(day) if day > days::day_of(now, &zone) => {
                errors.add("since", "This day is still to come");
                return Ok(Err(errors));
            }
            Ok(day) => days::bounds(day, &zone).0,
            Err(_no_day) => {
                errors.add("since", "Enter a day, like 2026-11-21, or nothing");
                return Ok(Err(errors));
            }
        };
        Ok(Ok(NewRun {
            dry_run: self.fetch.is_empty(),
            by: Some(by),
            ..NewRun::of_customers(&shop, from, now)
        }))
    }
}

async fn page(db: &Db, visitor: &Visitor, form: Form, errors: Errors) -> Result<NewPage, WebError> {
    let named = form.store;
    let (shops, shop) = db.read(move |conn| sync::chosen(conn, named)).await?;
    Ok(NewPage {
        frame: visitor.frame(Section::Customers),
        errors,
        shops,
        shop,
        form,
    })
}
