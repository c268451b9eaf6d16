//! The navigation: its places, in order, each with its key. Only places that are served are shown.
use std::collections::BTreeSet;
use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::page::{Frame, Section, html};
use super::visitor::Visitor;
use super::{filters, routes};
use crate::erp::users::roles::{Action, Role};

/// Where a driver's day stands.
pub const RUN: &str = "/run/today";

/// One place.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub section: Section,
    pub group: &'static str,
    pub label: &'static str,
    pub icon: &'static str,
    pub path: &'static str,
    /// Pressed after `G`.
    pub key: &'static str,
    /// Who may go there.
    pub needs: Action,
    /// Among the tabs of a phone.
    pub tab: bool,
}

const fn place(
    section: Section,
    group: &'static str,
    words: (&'static str, &'static str),
    path: &'static str,
    key: &'static str,
    tab: bool,
) -> Place {
    Place {
        section,
        group,
        label: words.0,
        icon: words.1,
        path,
        key,
        needs: Action::View,
        tab,
    }
}

#[rustfmt::skip]
const PLACES: &[Place] = &[
    place(Section::Home,         "",          ("Home", "home"),             "/",             "h", true),
    place(Section::Orders,       "",          ("Orders", "orders"),         "/orders",       "o", true),
    place(Section::Ship,         "",          ("Ship queue", "ship"),       "/ship",         "s", true),
    place(Section::Deliveries,   "",          ("Deliveries", "truck"),     "/deliveries",   "d", false),
    Place { needs: Action::Drive, ..place(Section::Run, "", ("My run", "pin"), RUN, "r", true) },
    place(Section::Mappings,     "Catalogue", ("Mappings", "map"),          "/mappings",     "m", true),
    place(Section::Products,     "Catalogue", ("Products", "box"),          "/products",     "p", false),
    place(Section::Customers,    "Catalogue", ("Customers", "users"),       "/customers",    "c", false),
    place(Section::Sync,         "Sync",      ("Sync centre", "sync"),      "/sync",         "y", false),
    place(Section::Events,       "Sync",      ("Events", "events"),         "/events",       "e", true),
    place(Section::Integrations, "Sync",      ("Integrations", "plug"),     "/integrations", "i", false),
    Place { needs: Action::Users, ..place(Section::Settings, "Sync", ("People", "users"), "/settings/users", "t", false) },
];

/// A place as one visitor sees it.
#[derive(Clone, Debug)]
pub struct Link {
    pub place: Place,
    pub current: bool,
    /// Rows that wait there; 0 is not shown.
    pub count: i64,
    /// Somebody must look.
    pub critical: bool,
}

/// Links under one heading, which may be empty.
#[derive(Clone, Debug)]
pub struct Group {
    pub label: &'static str,
    pub links: Vec<Link>,
}

/// The counts alone, each to be put into its place.
#[derive(Template)]
#[template(path = "partials/_counts.html")]
struct Counts {
    frame: Frame,
}

/// `GET /live/nav`: asked every 15 seconds by a page that somebody looks at.
pub async fn show(visitor: Visitor) -> HttpResponse {
    let frame = visitor.frame(Section::Nowhere);
    html(StatusCode::OK, &Counts { frame })
}

/// Every place on one page: where the tabs of a phone have no room.
#[derive(Template)]
#[template(path = "menu.html")]
struct Menu {
    frame: Frame,
}

/// `GET /menu`
pub async fn menu(visitor: Visitor) -> HttpResponse {
    let frame = visitor.frame(Section::Menu);
    html(StatusCode::OK, &Menu { frame })
}

/// Every key on one page, for whoever has no script or looks for the sheet.
#[derive(Template)]
#[template(path = "keys.html")]
struct Keys {
    frame: Frame,
}

/// `GET /keys`
pub async fn keys(visitor: Visitor) -> HttpResponse {
    let frame = visitor.frame(Section::Account);
    html(StatusCode::OK, &Keys { frame })
}

/// The places this visitor may go to.
#[must_use]
pub fn groups(frame: &Frame) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for link in links(frame) {
        match groups.last_mut() {
            Some(group) if group.label == link.place.group => group.links.push(link),
            Some(_) | None => groups.push(Group {
                label: link.place.group,
                links: vec![link],
            }),
        }
    }
    groups
}

/// As [`groups`], without headings.
#[must_use]
pub fn links(frame: &Frame) -> Vec<Link> {
    PLACES
        .iter()
        .filter(|place| is_served(place.path) && frame.can(place.needs))
        .filter(|place| place.section != Section::Deliveries || frame.counts.delivers)
        .filter(|place| place.section != Section::Run || frame.role == Some(Role::Driver))
        .map(|place| Link {
            place: *place,
            current: place.section == frame.section,
            count: count(place.section, frame),
            critical: place.section == Section::Events,
        })
        .collect()
}

fn count(section: Section, frame: &Frame) -> i64 {
    match section {
        Section::Orders => frame.counts.to_ship,
        Section::Mappings => frame.counts.unmapped,
        Section::Events => frame.counts.dead,
        Section::Deliveries => frame.counts.undriven,
        Section::Home
        | Section::Ship
        | Section::Run
        | Section::Products
        | Section::Customers
        | Section::Sync
        | Section::Integrations
        | Section::Settings
        | Section::Account
        | Section::Menu
        | Section::Nowhere => 0,
    }
}

/// Whether the table has a page at this path.
#[must_use]
pub fn is_served(path: &str) -> bool {
    static PATHS: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    let paths = PATHS.get_or_init(|| routes::table().iter().map(|route| route.path).collect());
    // A driver's place is today's page of `/run/{day}`.
    path == RUN || paths.contains(path)
}
