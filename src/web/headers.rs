//! Around every answer: the request's id, the security headers, the mount prefix in redirects,
//! and the page of a failure.
use actix_web::HttpMessage;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    LOCATION, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use uuid::Uuid;

use super::Config;
use super::error_page;
use super::visitor::data;

/// Files of our own alone; no inline script or style, no frames around us, forms only to ourselves.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The id under which the log knows a request; in `x-request-id` of the answer.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The outermost layer.
///
/// # Errors
///
/// Those of the inner layers that made no answer of them.
pub async fn around<B>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error>
where
    B: MessageBody + 'static,
{
    let id = Uuid::now_v7().simple().to_string();
    req.extensions_mut().insert(RequestId(id.clone()));
    let answer = next.call(req).await?.map_into_boxed_body();
    let config = data::<Config>(answer.request())?;
    let mut answer = error_page::finish(answer, &id);
    let headers = answer.headers_mut();
    set_headers(headers, config.is_secure());
    set(headers, &HeaderName::from_static("x-request-id"), &id);
    add_prefix(headers, &config.prefix);
    Ok(answer)
}

fn set_headers(headers: &mut HeaderMap, secure: bool) {
    set(headers, &CONTENT_SECURITY_POLICY, POLICY);
    set(headers, &X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, &REFERRER_POLICY, "same-origin");
    set(
        headers,
        &HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    if secure {
        set(headers, &STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    // Pages hold customers' data: no cache but the browser's own memory may keep them.
    if !headers.contains_key(CACHE_CONTROL) {
        set(headers, &CACHE_CONTROL, "no-store");
    }
    let is_page = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page && !headers.contains_key(VARY) {
        set(headers, &VARY, "HX-Request");
    }
}

/// Handlers redirect to paths of the module; the browser needs the path of the mount before them.
fn add_prefix(headers: &mut HeaderMap, prefix: &str) {
    let Some(path) = headers.get(LOCATION).and_then(|value| value.to_str().ok()) else {
        return;
    };
    let inside = path.starts_with('/') && !path.starts_with("//");
    if !prefix.is_empty() && inside {
        let path = format!("{prefix}{path}");
        set(headers, &LOCATION, &path);
    }
}

fn set(headers: &mut HeaderMap, name: &HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name.clone(), value);
    }
}
