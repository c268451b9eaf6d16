//! Turning a page struct into a response, and the frame that every page stands in.
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, LOCATION};
use askama::Template;
use jiff::tz::TimeZone;

use super::nav;
use crate::erp::counts::Counts;
use crate::erp::users::roles::{Action, Role};
use crate::types::At;

crate::text_enum! {
    /// The place in the navigation that a page belongs to.
    Section {
        Home = "home",
        Orders = "orders",
        Ship = "ship",
        Deliveries = "deliveries",
        /// A driver's own stops.
        Run = "run",
        Mappings = "mappings",
        Products = "products",
        Customers = "customers",
        Sync = "sync",
        Events = "events",
        Integrations = "integrations",
        Settings = "settings",
        Account = "account",
        Menu = "menu",
        /// None of them: sign-in, set-up, errors.
        Nowhere = "nowhere",
    }
}

/// What layouts and macros need of the request. A page struct carries it as the field `frame`;
/// links in templates begin with `{{ frame.prefix }}`.
#[derive(Clone, Debug)]
pub struct Frame {
    pub section: Section,
    /// The path of the mount: empty, or `/shop`.
    pub prefix: String,
    pub signed_in: bool,
    pub name: String,
    pub initials: String,
    pub role: Option<Role>,
    pub counts: Counts,
    pub flash: Option<String>,
    pub csrf: String,
    /// `system`, `light` or `dark`; empty before sign-in.
    pub theme: String,
    pub density: String,
    /// Whether single keys do things.
    pub keys_on: bool,
    pub zone: TimeZone,
    pub now: At,
}

impl Frame {
    /// Whether the visitor's role may.
    #[must_use]
    pub fn can(&self, action: Action) -> bool {
        self.role.is_some_and(|role| role.may(action))
    }

    /// [`Frame::can`] by the action's word, for templates: `{% if frame.may("ship") %}`.
    /// A word that names no action is a no.
    #[must_use]
    pub fn may(&self, action: &str) -> bool {
        action
            .parse::<Action>()
            .is_ok_and(|action| self.can(action))
    }

    /// Whether the page is in the section of that name: for `aria-current`.
    #[must_use]
    pub fn at(&self, section: &str) -> bool {
        self.section.as_str() == section
    }

    /// The navigation as this visitor sees it.
    #[must_use]
    pub fn nav(&self) -> Vec<nav::Group> {
        nav::groups(self)
    }

    /// The tabs of a phone.
    #[must_use]
    pub fn tabs(&self) -> Vec<nav::Link> {
        let mut links = nav::links(self);
        links.retain(|link| link.place.tab);
        links
    }

    /// Whether there is a page at this path yet.
    #[must_use]
    pub fn serves(&self, path: &str) -> bool {
        nav::is_served(path)
    }

    /// How the user's zone is called today: `Europe/Oslo`, `UTC`.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }
}

/// The page as a response.
pub fn html(status: StatusCode, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(body) => HttpResponse::build(status)
            .content_type(ContentType::html())
            .body(body),
        Err(error) => {
            use actix_web::ResponseError;
            super::error::WebError::from(error).error_response()
        }
    }
}

/// After a successful POST: the browser fetches `path`, to which the mount prefix is added on the way out.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, path))
        .finish()
}
