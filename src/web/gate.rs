//! The gate before every route: who is it, may they, and does a form really come from us.
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, ORIGIN};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, HttpRequest, ResponseError};
use subtle::ConstantTimeEq;

use super::Config;
use super::error::WebError;
use super::limits::{self, Limits};
use super::routes::Access;
use super::upload;
use super::visitor::{Facts, Visitor, address, data};
use crate::erp::counts::{self, Counts};
use crate::erp::deliveries::rule;
use crate::erp::users::queries;
use crate::erp::users::sessions::{self, Session};
use crate::erp::users::tokens::{self, Scope};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::platform::secrets::{Keyring, random_hex};
use crate::shopify::unmapped;
use crate::types::At;

/// The field of a form (and the header of a script's request) that holds the token.
pub const CSRF_FIELD: &str = "csrf";
const CSRF_HEADER: &str = "x-csrf-token";
/// Sent by live regions, so that a page left open does not keep its session alive.
const BACKGROUND_HEADER: &str = "x-background";
/// A session's last use is written at most this often.
const TOUCH: Duration = Duration::from_secs(60);
/// How long a form with a photo may take to arrive: from a cellar it takes a while.
const UPLOAD_WITHIN: Duration = Duration::from_secs(60);

/// Lets the request through to its handler, or answers it.
///
/// # Errors
///
/// Those of the handler; refusals are answers.
pub async fn pass<B>(
    access: Access,
    mut req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error>
where
    B: MessageBody + 'static,
{
    let admitted = match access {
        Access::Signed => Ok(None),
        Access::Token(scope) => check_program(&req, scope).await.map(|()| None),
        Access::Public | Access::SignedIn | Access::May(_) => admit(access, &mut req).await,
    };
    match admitted {
        Err(refusal) => Ok(req.into_response(refusal.error_response())),
        Ok(cookie) => {
            let mut answer = next.call(req).await?.map_into_boxed_body();
            if let Some(cookie) = cookie.filter(|_| is_page(answer.headers())) {
                answer
                    .response_mut()
                    .add_cookie(&cookie)
                    .map_err(actix_web::error::ErrorInternalServerError)?;
            }
            Ok(answer)
        }
    }
}

// Only a page can hold a form: files and health answers give no cookie.
fn is_page(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// The gate before addresses that the table does not know, so that "not found" stands in the frame
/// of whoever is signed in.
///
/// # Errors
///
/// As [`pass`].
pub async fn pass_nowhere<B>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error>
where
    B: MessageBody + 'static,
{
    if req.method().is_safe() {
        pass(Access::Public, req, next).await
    } else {
        Ok(next.call(req).await?.map_into_boxed_body())
    }
}

/// Finds the session, leaves a [`Visitor`] in the request, then asks the role and the form's token.
/// A new visitor of a public page gets the cookie that the token of its forms is made from.
async fn admit(
    access: Access,
    req: &mut ServiceRequest,
) -> Result<Option<Cookie<'static>>, WebError> {
    let config = data::<Config>(req.request())?;
    let now = data::<Clock>(req.request())?.now();
    let token = cookie_value(req, &session_cookie(&config));
    let safe = req.method().is_safe();
    let page = safe && !req.path().contains("/static/");
    let session = match &token {
        Some(token) if page || !safe => find(req, token, page, now).await?,
        Some(_) | None => None,
    };
    let (seed, cookie) = match (&token, &session) {
        (Some(token), Some(_)) => (token.clone(), None),
        (_, None) | (None, _) => visit(req, &config, access)?,
    };
    let csrf = data::<Keyring>(req.request())?.tag("csrf", &seed)?;
    let visitor = visitor_of(session, csrf, now, config.prefix.clone());
    req.extensions_mut().insert(visitor.clone());
    check_role(access, &visitor, req)?;
    if !safe {
        if access == Access::Public {
            let name = format!("form:{}", address(req.request()));
            data::<Limits>(req.request())?.count(name, limits::FORMS_PER_ADDRESS, now)?;
        }
        check_source(req, &config)?;
        check_form(req, visitor.csrf()).await?;
    }
    Ok(cookie)
}

fn visitor_of(found: Option<(Session, Counts)>, csrf: String, now: At, prefix: String) -> Visitor {
    let (session, counts) = found.unzip();
    Visitor::new(Facts {
        session: session.as_ref().map(|session| session.id),
        flash: session.as_ref().and_then(|session| session.flash.clone()),
        user: session.map(|session| session.user),
        counts: counts.unwrap_or_default(),
        csrf,
        now,
        prefix,
    })
}

async fn find(
    req: &ServiceRequest,
    token: &str,
    page: bool,
    now: At,
) -> Result<Option<(Session, Counts)>, WebError> {
    let db = data::<Db>(req.request())?;
    let token = token.to_owned();
    let found = db
        .read(move |conn| -> Result<_, DbError> {
            let Some(session) = sessions::resume(conn, &token, now)? else {
                return Ok(None);
            };
            let mut counts = Counts::default();
            if page {
                counts = counts::count(conn)?;
                counts.unmapped = unmapped::queries::count(conn)?;
            } else {
                // A refused form is a page as well, and its navigation must not lose a place.
                counts.delivers = rule::is_any(conn)?;
            }
            Ok(Some((session, counts)))
        })
        .await?;
    if let Some((session, _)) = &found {
        touch(req, &db, session, page, now).await?;
    }
    Ok(found)
}

/// Writes the last use, and takes away the flash that this page will show.
async fn touch(
    req: &ServiceRequest,
    db: &Data<Db>,
    session: &Session,
    page: bool,
    now: At,
) -> Result<(), DbError> {
    let background = req.headers().contains_key(BACKGROUND_HEADER);
    let shows = page && session.flash.is_some() && !req.headers().contains_key("hx-request");
    let stale = now.since(session.last_seen_at) > TOUCH;
    if background || !(shows || stale) {
        return Ok(());
    }
    let id = session.id;
    db.write(move |conn| queries::mark_seen(conn, id, now, shows))
        .await
}

/// What the form tokens of somebody who is not signed in are made from.
fn visit(
    req: &ServiceRequest,
    config: &Config,
    access: Access,
) -> Result<(String, Option<Cookie<'static>>), WebError> {
    let name = cookie_name(config, "visit");
    if let Some(seed) = cookie_value(req, &name) {
        return Ok((seed, None));
    }
    let seed = random_hex(16)?;
    let wanted = access == Access::Public;
    let cookie = wanted.then(|| cookie(config, name, seed.clone()));
    Ok((seed, cookie))
}

fn check_role(access: Access, visitor: &Visitor, req: &ServiceRequest) -> Result<(), WebError> {
    match access {
        Access::Public | Access::Signed | Access::Token(_) => Ok(()),
        Access::SignedIn | Access::May(_) if visitor.user().is_none() => {
            let script = req.headers().contains_key("hx-request");
            let next = if req.method().is_safe() && !script {
                req.uri().to_string()
            } else {
                String::new()
            };
            Err(WebError::SignIn { next })
        }
        Access::SignedIn => Ok(()),
        Access::May(needs) if visitor.may(needs) => Ok(()),
        Access::May(needs) => Err(WebError::Forbidden { needs }),
    }
}

/// A browser says where a request starts: it must be one of our own pages.
fn check_source(req: &ServiceRequest, config: &Config) -> Result<(), WebError> {
    let header = |name: &HeaderName| {
        req.headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let site = header(&HeaderName::from_static("sec-fetch-site"));
    let fetched_here = site.is_none_or(|site| site == "same-origin" || site == "none");
    let ours = [config.origin(), own_origin(req)];
    let sent_here = header(&ORIGIN).is_none_or(|origin| ours.contains(&origin));
    if fetched_here && sent_here {
        Ok(())
    } else {
        Err(WebError::Forged)
    }
}

/// The origin that this very request was sent to, for people who come by another name of this machine.
fn own_origin(req: &ServiceRequest) -> String {
    let info = req.connection_info();
    format!("{}://{}", info.scheme(), info.host())
}

/// The token of the form or header must be the one that this session's pages carry.
async fn check_form(req: &mut ServiceRequest, expected: &str) -> Result<(), WebError> {
    let in_header = req
        .headers()
        .get(CSRF_HEADER)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let sent = match in_header {
        Some(sent) => Some(sent),
        None if upload::boundary(req.headers()).is_some() => {
            let boundary = upload::boundary(req.headers()).unwrap_or_default();
            let mut payload = req.take_payload();
            let body = tokio::time::timeout(UPLOAD_WITHIN, upload::read(&mut payload))
                .await
                .map_err(|_late| WebError::invalid("The file took too long. Send it again."))??
                .freeze();
            let sent = upload::parts(&body, &boundary).text(CSRF_FIELD);
            req.set_payload(Payload::from(body));
            Some(sent)
        }
        None if is_form(req) => {
            let body = req
                .extract::<Bytes>()
                .await
                .map_err(|error| WebError::Invalid(error.to_string()))?;
            let sent = url::form_urlencoded::parse(&body)
                .find(|(name, _)| name == CSRF_FIELD)
                .map(|(_, value)| value.into_owned());
            req.set_payload(Payload::from(body));
            sent
        }
        None => None,
    };
    let fits = sent.is_some_and(|sent| bool::from(sent.as_bytes().ct_eq(expected.as_bytes())));
    if fits { Ok(()) } else { Err(WebError::Forged) }
}

fn is_form(req: &ServiceRequest) -> bool {
    req.headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

/// A program's token must cover the scope, and the tenant in the path must be ours. Leaves the token in
/// the request.
async fn check_program(req: &ServiceRequest, wanted: Scope) -> Result<(), WebError> {
    let refused = || WebError::SignIn {
        next: String::new(),
    };
    let token = req
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(refused)?
        .trim()
        .to_owned();
    let db = data::<Db>(req.request())?;
    let now = data::<Clock>(req.request())?.now();
    let found = db.read(move |conn| tokens::find(conn, &token)).await?;
    let token = found.ok_or_else(refused)?;
    if !token.scope.covers(wanted) {
        return Err(WebError::TokenScope);
    }
    let name = format!("token:{}", token.id);
    data::<Limits>(req.request())?.count(name, limits::REQUESTS_PER_TOKEN, now)?;
    if token
        .last_used_at
        .is_none_or(|last| now.since(last) > TOUCH)
    {
        let id = token.id;
        db.write(move |conn| queries::mark_token_used(conn, id, now))
            .await?;
    }
    let tenant = &data::<Config>(req.request())?.tenant;
    if let Some(named) = req
        .match_info()
        .get("tenant")
        .filter(|named| named != tenant)
    {
        return Err(WebError::NotFound(format!("The tenant {named}")));
    }
    req.extensions_mut().insert(token);
    Ok(())
}

/// The name of the cookie that holds the session's token.
#[must_use]
pub fn session_cookie(config: &Config) -> String {
    cookie_name(config, "session")
}

/// `__Host-` binds a cookie to this host and to encrypted connections; plain HTTP cannot have it.
fn cookie_name(config: &Config, what: &str) -> String {
    if config.is_secure() {
        format!("__Host-counterfoil-{what}")
    } else {
        format!("counterfoil-{what}")
    }
}

/// A cookie that ends with the browser, that no script reads and no other site sends.
#[must_use]
pub fn cookie(config: &Config, name: String, value: String) -> Cookie<'static> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(config.is_secure())
        .finish()
}

fn cookie_value(req: &ServiceRequest, name: &str) -> Option<String> {
    req.cookie(name).map(|cookie| cookie.value().to_owned())
}

/// A visitor of whom nothing is known: for error pages of addresses that have no gate.
#[must_use]
pub fn stranger(req: &HttpRequest) -> Visitor {
    let prefix = data::<Config>(req).map_or(String::new(), |config| config.prefix.clone());
    let now = data::<Clock>(req).map_or(At(0), |clock| clock.now());
    visitor_of(None, String::new(), now, prefix)
}
