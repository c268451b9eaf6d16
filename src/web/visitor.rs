//! Who is at the other end of this request; the gate finds out and every handler may ask.
use std::future::{Ready, ready};
use std::ops::Deref;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use jiff::tz::TimeZone;

use super::error::WebError;
use super::page::{Frame, Section};
use crate::erp::counts::Counts;
use crate::erp::users::roles::Action;
use crate::erp::users::tokens::Token;
use crate::erp::users::{User, queries};
use crate::platform::db::{Db, DbError};
use crate::types::At;

/// A person at a browser, signed in or not. As an argument of a handler: `visitor: Visitor`.
#[derive(Clone, Debug)]
pub struct Visitor(Rc<Facts>);

/// What the gate found.
#[derive(Clone, Debug)]
pub struct Facts {
    pub user: Option<User>,
    pub session: Option<i64>,
    pub csrf: String,
    pub flash: Option<String>,
    pub counts: Counts,
    pub now: At,
    pub prefix: String,
}

impl Visitor {
    #[must_use]
    pub fn new(facts: Facts) -> Visitor {
        Visitor(Rc::new(facts))
    }

    /// The signed-in user, if there is one.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        self.0.user.as_ref()
    }

    /// Whether this visitor's role may.
    #[must_use]
    pub fn may(&self, action: Action) -> bool {
        self.user().is_some_and(|user| user.role.may(action))
    }

    /// The token that our forms carry.
    #[must_use]
    pub fn csrf(&self) -> &str {
        &self.0.csrf
    }

    /// The user's time zone; UTC where it is unknown.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        self.user()
            .and_then(|user| TimeZone::get(&user.time_zone).ok())
            .unwrap_or(TimeZone::UTC)
    }

    /// What the layouts need; each page struct carries it as the field `frame`.
    #[must_use]
    pub fn frame(&self, section: Section) -> Frame {
        let user = self.user();
        Frame {
            section,
            prefix: self.0.prefix.clone(),
            signed_in: user.is_some(),
            name: user.map(|user| user.name.clone()).unwrap_or_default(),
            initials: user.map(|user| initials(&user.name)).unwrap_or_default(),
            role: user.map(|user| user.role),
            counts: self.0.counts,
            flash: self.0.flash.clone(),
            csrf: self.0.csrf.clone(),
            theme: user.map(|user| user.theme.clone()).unwrap_or_default(),
            density: user.map(|user| user.density.clone()).unwrap_or_default(),
            keys_on: user.is_some_and(|user| user.keys_on),
            zone: self.zone(),
            now: self.0.now,
        }
    }

    /// Leaves a sentence for the next page this visitor sees: `Order #1001 shipped.`
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn say(&self, db: &Db, sentence: &str) -> Result<(), DbError> {
        let Some(session) = self.0.session else {
            return Ok(());
        };
        let sentence = sentence.to_owned();
        db.write(move |conn| queries::mark_flash(conn, session, &sentence))
            .await
    }
}

impl FromRequest for Visitor {
    type Error = WebError;
    type Future = Ready<Result<Visitor, WebError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            req.extensions()
                .get::<Visitor>()
                .cloned()
                .ok_or_else(|| WebError::internal("this route has no gate")),
        )
    }
}

/// The signed-in user, for handlers that act for someone; its fields are those of [`User`].
#[derive(Clone, Debug)]
pub struct CurrentUser(pub User);

impl Deref for CurrentUser {
    type Target = User;

    fn deref(&self) -> &User {
        &self.0
    }
}

impl FromRequest for CurrentUser {
    type Error = WebError;
    type Future = Ready<Result<CurrentUser, WebError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user = req
            .extensions()
            .get::<Visitor>()
            .and_then(|visitor| visitor.user().cloned());
        ready(user.map(CurrentUser).ok_or(WebError::SignIn {
            next: String::new(),
        }))
    }
}

/// The program that signed in with a bearer token. As an argument of a handler: `program: Program`.
pub struct Program(pub Token);

impl Deref for Program {
    type Target = Token;

    fn deref(&self) -> &Token {
        &self.0
    }
}

impl FromRequest for Program {
    type Error = WebError;
    type Future = Ready<Result<Program, WebError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = req.extensions().get::<Token>().cloned();
        ready(token.map(Program).ok_or(WebError::SignIn {
            next: String::new(),
        }))
    }
}

/// Where a request comes from: the peer, or what a proxy on this machine says of it.
#[must_use]
pub fn address(req: &HttpRequest) -> String {
    let Some(peer) = req.peer_addr().map(|peer| peer.ip()) else {
        return "unknown".to_owned();
    };
    if !peer.is_loopback() {
        return peer.to_string();
    }
    req.headers()
        .get("x-forwarded-for")
        .and_then(|value| value.to_str().ok())
        .and_then(|list| list.rsplit(',').next())
        .and_then(|last| last.trim().parse::<std::net::IpAddr>().ok())
        .unwrap_or(peer)
        .to_string()
}

/// The settings of the HTTP room, from a request.
///
/// # Errors
///
/// `Internal` where the host forgot to give them.
pub fn data<T: 'static>(req: &HttpRequest) -> Result<web::Data<T>, WebError> {
    req.app_data::<web::Data<T>>()
        .cloned()
        .ok_or_else(|| WebError::internal(format!("{} is missing", std::any::type_name::<T>())))
}

fn initials(name: &str) -> String {
    let mut words = name
        .split_whitespace()
        .filter_map(|word| word.chars().next());
    let first = words.next();
    let last = words.next_back();
    first
        .into_iter()
        .chain(last)
        .flat_map(char::to_uppercase)
        .collect()
}
