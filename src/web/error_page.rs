//! The page (or, under `/api`, the problem document of RFC 9457) that a failure becomes.
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use askama::Template;
use serde_json::json;

use super::error::{Failure, WebError};
use super::page::{Frame, Section, html};
use super::visitor::Visitor;
use super::{filters, gate};

#[derive(Template)]
#[template(path = "errors/show.html")]
struct ErrorPage<'a> {
    frame: Frame,
    title: &'a str,
    failure: &'a Failure,
    request_id: &'a str,
}

#[derive(Template)]
#[template(path = "errors/bare.html")]
struct BareErrorPage<'a> {
    frame: Frame,
    title: &'a str,
    failure: &'a Failure,
    request_id: &'a str,
}

/// For every path that the table does not know.
pub(super) async fn nothing_here(req: HttpRequest) -> Result<HttpResponse, WebError> {
    Err(WebError::NotFound(format!("The page {}", req.path())))
}

/// Gives a failed answer its body; leaves all others alone.
pub(super) fn finish(answer: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let Some(failure) = failure_of(&answer) else {
        return answer;
    };
    if let Some(cause) = &failure.cause {
        tracing::error!(
            request.id = id,
            path = answer.request().path(),
            "request failed: {cause}"
        );
    }
    let page = body(answer.request(), &failure, id);
    let (req, old) = answer.into_parts();
    // Retry-After and cookies stay.
    let mut page = page;
    for (name, value) in old.headers() {
        if name != CONTENT_TYPE {
            page.headers_mut().append(name.clone(), value.clone());
        }
    }
    ServiceResponse::new(req, page)
}

/// What our own errors left in the answer; those that the framework made (a malformed id in a path,
/// a body that is too large) get a sentence by their status.
fn failure_of(answer: &ServiceResponse<BoxBody>) -> Option<Failure> {
    if let Some(failure) = answer.response().extensions().get::<Failure>() {
        return Some(failure.clone());
    }
    let status = answer.status();
    // The health check's own words.
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return None;
    }
    let made_here = answer
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    let empty = matches!(
        answer.response().body().size(),
        BodySize::None | BodySize::Sized(0)
    );
    let failed = status.is_client_error() || status.is_server_error();
    (failed && (empty || !made_here)).then(|| Failure {
        status,
        message: sentence_for(status).to_owned(),
        cause: None,
        who_may: None,
        extra: None,
    })
}

fn sentence_for(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "There is nothing at this address.",
        StatusCode::METHOD_NOT_ALLOWED => "This address does not take that kind of request.",
        StatusCode::PAYLOAD_TOO_LARGE => "That was more than this address takes.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "This address does not read that kind of body.",
        status if status.is_client_error() => "The request could not be read.",
        _ours => "Something went wrong here.",
    }
}

fn title_for(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::UNAUTHORIZED => "Sign in first",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::CONFLICT => "Not possible now",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::SERVICE_UNAVAILABLE => "Busy",
        status if status.is_client_error() => "Not understood",
        _ours => "Something went wrong",
    }
}

fn body(req: &HttpRequest, failure: &Failure, id: &str) -> HttpResponse {
    let title = title_for(failure.status);
    if wants_json(req) {
        return problem(failure, title, id);
    }
    let visitor = req.extensions().get::<Visitor>().cloned();
    match visitor {
        Some(visitor) if visitor.user().is_some() => html(
            failure.status,
            &ErrorPage {
                frame: visitor.frame(Section::Nowhere),
                title,
                failure,
                request_id: id,
            },
        ),
        other => html(
            failure.status,
            &BareErrorPage {
                frame: other
                    .unwrap_or_else(|| gate::stranger(req))
                    .frame(Section::Nowhere),
                title,
                failure,
                request_id: id,
            },
        ),
    }
}

fn wants_json(req: &HttpRequest) -> bool {
    req.path().contains("/api/")
}

fn problem(failure: &Failure, title: &str, id: &str) -> HttpResponse {
    let mut document = json!({
        "type": "about:blank",
        "title": title,
        "status": failure.status.as_u16(),
        "detail": failure.message,
        "request_id": id,
    });
    if let Some((name, value)) = &failure.extra {
        document[*name] = value.clone();
    }
    let mut answer = HttpResponse::build(failure.status).json(document);
    answer.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    answer
}
