//! Answers of the practice store: pages and JSON.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use askama::Template;
use serde_json::Value;

/// Only this server's own style sheet; forms may lead to the app that asked for consent.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page.
pub(super) fn html(page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(text) => HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .body(text),
        Err(error) => {
            tracing::error!(%error, "practice store could not show a page");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// JSON with a status.
pub(super) fn json(status: u16, body: &Value) -> HttpResponse {
    json_with(status, body, Vec::new())
}

/// JSON with a status and headers.
pub(super) fn json_with(status: u16, body: &Value, headers: Vec<(&str, String)>) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status);
    for header in headers {
        answer.insert_header(header);
    }
    answer
        .content_type("application/json; charset=utf-8")
        .body(body.to_string())
}

/// Where to look after something was done.
pub(super) fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, path))
        .finish()
}
