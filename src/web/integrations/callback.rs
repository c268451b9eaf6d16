//! Where Shopify sends the browser back to: JSON for programs, a page for people, errors clear in both.
use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::json;

use super::refused;
use crate::platform::db::Db;
use crate::shopify::Connector;
use crate::shopify::connect::{self, ConnectError, Way};
use crate::shopify::oauth;
use crate::shopify::shops::{Shop, ShopState};
use crate::web::error::WebError;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};
use crate::web::{Config, filters, gate};

#[derive(Template)]
#[template(path = "integrations/refused.html")]
struct RefusedPage {
    frame: Frame,
    reason: String,
}

/// `GET /api/integrations/callback/`
///
/// # Errors
///
/// The database's. What was wrong with the callback is an answer.
pub async fn show(
    req: HttpRequest,
    db: web::Data<Db>,
    cx: web::Data<Connector>,
    config: web::Data<Config>,
    visitor: Visitor,
    user: CurrentUser,
) -> Result<HttpResponse, WebError> {
    let as_json = prefers_json(&req);
    let mut answer = match connected(&req, &cx, &user).await {
        Ok(shop) if as_json => HttpResponse::Ok().json(json!({
            "message": format!("{} is connected.", shop.name),
            "integration": {
                "id": shop.public_id,
                "service_name": "shopify",
                "active": shop.state == ShopState::Active,
                "connected_at": shop.installed_at.timestamp().to_string(),
            },
        })),
        Ok(shop) => {
            visitor
                .say(&db, &format!("{} is connected.", shop.name))
                .await?;
            see_other(&format!("/integrations/shopify/{}", shop.id))
        }
        Err(WebError::Invalid(reason)) if as_json => problem(&reason),
        Err(WebError::Invalid(reason)) => {
            let frame = visitor.frame(Section::Integrations);
            html(
                StatusCode::UNPROCESSABLE_ENTITY,
                &RefusedPage { frame, reason },
            )
        }
        Err(error) => return Err(error),
    };
    let mut used = gate::cookie(&config, oauth::COOKIE.to_owned(), String::new());
    used.make_removal();
    answer
        .add_cookie(&used)
        .map_err(|error| WebError::internal(error.to_string()))?;
    Ok(answer)
}

async fn connected(
    req: &HttpRequest,
    cx: &web::Data<Connector>,
    user: &CurrentUser,
) -> Result<Shop, WebError> {
    let query = req.query_string().to_owned();
    let cookie = req
        .cookie(oauth::COOKIE)
        .map(|cookie| cookie.value().to_owned());
    let (cx_, user, now) = (cx.clone(), user.id, cx.clock.now());
    let callback = cx
        .db
        .write(move |conn| {
            let secrets = cx_.config.app_secrets();
            let cookie = cookie.as_deref();
            oauth::accept(conn, &cx_.keyring, &secrets, &query, cookie, user, now)
        })
        .await
        .map_err(refused)?;
    connect::connect(cx, &callback.shop, Way::Code(callback.code), Some(user))
        .await
        .map_err(|error| match error {
            ConnectError::Db(error) => error.into(),
            ConnectError::Secret(error) => error.into(),
            ConnectError::NoApp
            | ConnectError::WrongStore(_)
            | ConnectError::Token(_)
            | ConnectError::Call(_)
            | ConnectError::Shop(_) => WebError::invalid(error.to_string()),
        })
}

fn problem(reason: &str) -> HttpResponse {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    HttpResponse::build(status)
        .content_type("application/problem+json")
        .json(json!({
            "type": "about:blank",
            "title": "The store was not connected",
            "status": status.as_u16(),
            "detail": reason,
        }))
}

/// Whether the client asks for JSON rather than for a page. Browsers name `text/html`.
fn prefers_json(req: &HttpRequest) -> bool {
    let accept = req
        .headers()
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok());
    let quality = |wanted: &str| accept.and_then(|accept| quality_of(accept, wanted));
    quality("application/json") > quality("text/html")
}

/// The quality of a type that is named itself, in thousandths.
fn quality_of(accept: &str, wanted: &str) -> Option<u32> {
    accept.split(',').find_map(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case(wanted) {
            return None;
        }
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        Some(quality.map_or(1000, thousandths))
    })
}

fn thousandths(quality: &str) -> u32 {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    format!("{whole}{digits}").parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn browsers_get_a_page_and_programs_get_json() {
        let asked = |accept: &str| {
            let req = TestRequest::default().insert_header((ACCEPT, accept));
            prefers_json(&req.to_http_request())
        };
        assert!(asked("application/json"));
        assert!(asked("text/html;q=0.8, application/json;q=0.9"));
        assert!(!asked(
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        ));
        assert!(!asked("application/json;q=0.5,text/html"));
        assert!(!asked("*/*"));
    }
}
