//! Signing in and out.
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::USER_AGENT;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::error::WebError;
use super::page::{Frame, Section, html, see_other};
use super::visitor::{Visitor, address};
use super::{Config, filters, gate};
use crate::erp::users::sessions::{self, Origin};
use crate::erp::users::sign_in::{self, Leave};
use crate::erp::users::{User, email_normal, queries, verify_password};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::platform::secrets::random_hex;
use crate::types::At;

#[derive(Template)]
#[template(path = "sessions/new.html")]
struct NewPage {
    frame: Frame,
    email: String,
    next: String,
    /// One message for both fields: it does not tell which accounts exist.
    error: String,
}

#[derive(Deserialize)]
pub struct Wish {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct Form {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// `GET /sign-in`
///
/// # Errors
///
/// The database's.
pub async fn new(
    db: web::Data<Db>,
    visitor: Visitor,
    wish: web::Query<Wish>,
) -> Result<HttpResponse, WebError> {
    if visitor.user().is_some() {
        return Ok(see_other("/"));
    }
    if !db.read(queries::any).await? {
        return Ok(see_other("/setup"));
    }
    Ok(page(
        &visitor,
        StatusCode::OK,
        "",
        &wish.next,
        String::new(),
    ))
}

/// `POST /sign-in`
///
/// # Errors
///
/// The database's.
pub async fn create(
    req: HttpRequest,
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    config: web::Data<Config>,
    visitor: Visitor,
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    let form = form.into_inner();
    let (email, now) = (email_normal(&form.email), clock.now());
    let origin = origin(&req);
    match attempt(&db, &email, form.password, &origin, now).await? {
        Attempt::Welcome(user) => open(&db, &config, &user, &email, origin, &form.next, now).await,
        Attempt::Wrong => Ok(page(
            &visitor,
            StatusCode::UNPROCESSABLE_ENTITY,
            &form.email,
            &form.next,
            "E-mail address or password is not right.".to_owned(),
        )),
        Attempt::NotBefore(at) => Ok(page(
            &visitor,
            StatusCode::TOO_MANY_REQUESTS,
            &form.email,
            &form.next,
            format!("Too many tries. Try again in {}.", minutes(at.since(now))),
        )),
    }
}

/// `POST /sign-out`
///
/// # Errors
///
/// The database's.
pub async fn delete(
    req: HttpRequest,
    db: web::Data<Db>,
    config: web::Data<Config>,
) -> Result<HttpResponse, WebError> {
    let name = gate::session_cookie(&config);
    if let Some(cookie) = req.cookie(&name) {
        let token = cookie.value().to_owned();
        db.write(move |conn| sessions::end(conn, &token)).await?;
    }
    let mut answer = see_other("/sign-in");
    let mut gone = gate::cookie(&config, name, String::new());
    gone.make_removal();
    answer
        .add_cookie(&gone)
        .map_err(|error| WebError::internal(error.to_string()))?;
    Ok(answer)
}

/// Opens a session for `user` and answers with its cookie and a redirect to `next`. Also for set-up,
/// which signs in the account that it made.
///
/// # Errors
///
/// The database's.
pub async fn open(
    db: &Db,
    config: &Config,
    user: &User,
    email: &str,
    origin: Origin,
    next: &str,
    now: At,
) -> Result<HttpResponse, WebError> {
    // A new token each time: one that somebody planted before is worth nothing.
    let token = random_hex(32)?;
    let (stored, id, email) = (token.clone(), user.id, email.to_owned());
    db.write(move |conn| -> Result<(), DbError> {
        sign_in::forget(conn, &email)?;
        sessions::start(conn, id, &stored, &origin, now)
    })
    .await?;
    let mut answer = see_other(inside(next));
    let cookie = gate::cookie(config, gate::session_cookie(config), token);
    answer
        .add_cookie(&cookie)
        .map_err(|error| WebError::internal(error.to_string()))?;
    Ok(answer)
}

/// Where this browser comes from, to be kept with its session.
#[must_use]
pub fn origin(req: &HttpRequest) -> Origin {
    let agent = req
        .headers()
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    Origin {
        address: address(req),
        agent: agent.chars().take(200).collect(),
    }
}

enum Attempt {
    Welcome(User),
    Wrong,
    NotBefore(At),
}

async fn attempt(
    db: &Db,
    email: &str,
    password: String,
    origin: &Origin,
    now: At,
) -> Result<Attempt, WebError> {
    let (asked, address) = (email.to_owned(), origin.address.clone());
    let leave = db
        .write(move |conn| sign_in::ask(conn, &asked, &address, now))
        .await?;
    let account = match leave {
        Leave::NotBefore(at) => return Ok(Attempt::NotBefore(at)),
        Leave::Try(account) => account,
    };
    // Each comparison takes 46 MiB: a crowd waits in line instead of filling the memory.
    static AT_ONCE: Semaphore = Semaphore::const_new(4);
    let _place = AT_ONCE
        .acquire()
        .await
        .map_err(|error| WebError::internal(error.to_string()))?;
    web::block(move || {
        let hash = account.as_ref().map(|(_, hash)| hash.as_str());
        if verify_password(&password, hash) {
            account.map_or(Attempt::Wrong, |(user, _)| Attempt::Welcome(user))
        } else {
            Attempt::Wrong
        }
    })
    .await
    .map_err(|error| WebError::internal(error.to_string()))
}

fn page(
    visitor: &Visitor,
    status: StatusCode,
    email: &str,
    next: &str,
    error: String,
) -> HttpResponse {
    html(
        status,
        &NewPage {
            frame: visitor.frame(Section::Nowhere),
            email: email.to_owned(),
            next: inside(next).to_owned(),
            error,
        },
    )
}

/// Only paths of our own: an address elsewhere would make the sign-in page a lure.
fn inside(next: &str) -> &str {
    let own = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.chars().any(char::is_control);
    if own { next } else { "/" }
}

fn minutes(left: Duration) -> String {
    let minutes = left.as_secs().div_ceil(60).max(1);
    if minutes == 1 {
        "1 minute".to_owned()
    } else {
        format!("{minutes} minutes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_paths_are_returned_to() {
        assert_eq!(inside("/orders?view=all"), "/orders?view=all");
        for lure in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "",
        ] {
            assert_eq!(inside(lure), "/", "{lure}");
        }
    }
}
