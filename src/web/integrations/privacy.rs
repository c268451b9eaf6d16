//! What Shopify asked for in people's names: reports to hand on, erasures, and what waits for the owner.
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::json;

use super::missing;
use crate::erp::audit::{self, Kind};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::shopify::privacy::{self, Request, RequestKind, RequestState, report};
use crate::shopify::shops::{self, Shop, ShopError, ShopState};
use crate::types::{At, ShopId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

#[derive(Template)]
#[template(path = "integrations/privacy.html")]
struct PrivacyPage {
    frame: Frame,
    shop: Shop,
    requests: Vec<Request>,
    is_connected: bool,
}

impl PrivacyPage {
    fn title(&self, request: &Request) -> &'static str {
        match request.kind {
            RequestKind::Report => "Tell a customer what is known of them",
            RequestKind::EraseCustomer => "Erase a customer",
            RequestKind::EraseShop => "Erase everybody this store told of",
        }
    }

    fn badge(&self, request: &Request) -> (&'static str, &'static str) {
        match (request.kind, request.state) {
            (RequestKind::Report, RequestState::Done) => ("Answered", "success plain"),
            (RequestKind::Report, RequestState::Open | RequestState::Waiting) => {
                ("To answer", "warning")
            }
            (RequestKind::EraseCustomer | RequestKind::EraseShop, RequestState::Open) => {
                ("Erasing", "info half")
            }
            (RequestKind::EraseCustomer | RequestKind::EraseShop, RequestState::Waiting) => {
                ("Your decision", "warning")
            }
            (RequestKind::EraseCustomer | RequestKind::EraseShop, RequestState::Done) => {
                ("Done", "success plain")
            }
        }
    }

    fn is_report(&self, request: &Request) -> bool {
        request.kind == RequestKind::Report
    }

    fn is_open(&self, request: &Request) -> bool {
        match request.kind {
            RequestKind::Report => request.state == RequestState::Open,
            RequestKind::EraseCustomer | RequestKind::EraseShop => self.waits(request),
        }
    }

    fn waits(&self, request: &Request) -> bool {
        request.state == RequestState::Waiting
    }
}

/// `GET /integrations/shopify/{id}/privacy`
///
/// # Errors
///
/// `NotFound`.
pub async fn index(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<ShopId>,
) -> Result<HttpResponse, WebError> {
    let id = id.into_inner();
    let (shop, requests) = db
        .read(move |conn| -> Result<_, ShopError> {
            Ok((shops::get(conn, id)?, privacy::list(conn, id)?))
        })
        .await
        .map_err(missing)?;
    let page = PrivacyPage {
        frame: visitor.frame(Section::Integrations),
        is_connected: shop.state != ShopState::Disconnected,
        shop,
        requests,
    };
    Ok(html(StatusCode::OK, &page))
}

/// `GET /integrations/shopify/{id}/privacy/{request}/report`: a file of what is known now.
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    user: CurrentUser,
    path: web::Path<(ShopId, i64)>,
) -> Result<HttpResponse, WebError> {
    let ((id, request), now) = (path.into_inner(), clock.now());
    let told = db
        .write(move |conn| -> Result<_, ShopError> {
            let shop = shops::get(conn, id)?;
            let Some(found) = privacy::find(conn, id, request)? else {
                return Ok(None);
            };
            if found.kind != RequestKind::Report {
                return Ok(None);
            }
            note(conn, Kind::PrivacyReported, id, &found, &user, now)?;
            Ok(Some(report::build(conn, &shop, &found, now)?))
        })
        .await
        .map_err(missing)?
        .ok_or_else(gone)?;
    let name = format!("attachment; filename=\"customer-report-{request}.json\"");
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(told))
}

/// `POST /integrations/shopify/{id}/privacy/{request}/closure`: it was answered, or set aside.
///
/// # Errors
///
/// `NotFound`; `Conflict` where it is not open.
pub async fn close(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    path: web::Path<(ShopId, i64)>,
) -> Result<HttpResponse, WebError> {
    let ((id, request), now) = (path.into_inner(), clock.now());
    let closed = db
        .write(move |conn| -> Result<_, ShopError> {
            match privacy::find(conn, id, request)? {
                Some(found) => {
                    let closed = privacy::close(conn, &found, now)?;
                    if closed {
                        note(conn, Kind::PrivacyClosed, id, &found, &user, now)?;
                    }
                    Ok(Some(closed))
                }
                None => Ok(None),
            }
        })
        .await
        .map_err(missing)?
        .ok_or_else(gone)?;
    if !closed {
        return Err(WebError::Conflict("this request is not open".to_owned()));
    }
    visitor.say(&db, "Noted as dealt with.").await?;
    Ok(see_other(&format!("/integrations/shopify/{id}/privacy")))
}

/// `POST /integrations/shopify/{id}/privacy/{request}/approval`: everybody of a disconnected store is erased.
///
/// # Errors
///
/// `NotFound`; `Conflict` while the store is connected.
pub async fn approve(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    path: web::Path<(ShopId, i64)>,
) -> Result<HttpResponse, WebError> {
    let ((id, request), now) = (path.into_inner(), clock.now());
    let approved = db
        .write(move |conn| -> Result<_, ShopError> {
            let shop = shops::get(conn, id)?;
            match privacy::find(conn, id, request)? {
                Some(found) => {
                    let approved = privacy::approve(conn, &shop, &found, now)?;
                    if approved {
                        note(conn, Kind::PrivacyApproved, id, &found, &user, now)?;
                    }
                    Ok(Some(approved))
                }
                None => Ok(None),
            }
        })
        .await
        .map_err(missing)?
        .ok_or_else(gone)?;
    if !approved {
        return Err(WebError::Conflict(
            "disconnect the store first: nobody of a connected store is erased".to_owned(),
        ));
    }
    visitor
        .say(&db, "Everybody this store told of is being erased.")
        .await?;
    Ok(see_other(&format!("/integrations/shopify/{id}/privacy")))
}

fn note(
    conn: &mut DbConnection,
    kind: Kind,
    shop: ShopId,
    request: &Request,
    user: &CurrentUser,
    now: At,
) -> Result<(), DbError> {
    let (subject, arguments) = (format!("store/{shop}"), json!({ "request": request.id }));
    audit::record(conn, Some(user.id), kind, &subject, &arguments, now)
}

fn gone() -> WebError {
    WebError::NotFound("This request".to_owned())
}
