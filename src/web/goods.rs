//! Goods that come in, move and are counted: the lists of receipts, transfers and counts, and making one. One of them, what
//! is done with it, and files have rooms of their own. The three share their pages: the address says which it is.
use std::collections::BTreeMap;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;

use super::error::WebError;
use super::filters;
use super::form::Errors;
use super::page::{Frame, Section, html, see_other};
use super::visitor::{CurrentUser, Visitor};
use crate::erp::locations::{self, Location};
use crate::erp::stock::documents::{self, By, GoodsError, Kind, New, State};
use crate::erp::stock::lots::LotError;
use crate::erp::stock::queries::documents::{self as queries, DocumentRow};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::types::{LocationId, StockDocumentId};

pub mod actions;
pub mod files;
pub mod show;

const PAGE: i64 = 50;
/// Characters of a reference or a note.
const LONGEST: usize = 500;

/// Which of the three an address is about: its own segment says it.
#[derive(Clone, Copy, Debug)]
pub struct Which(pub Kind);

impl FromRequest for Which {
    type Error = WebError;
    type Future = Ready<Result<Which, WebError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pattern = req.match_pattern().unwrap_or_default();
        let found = Kind::ALL.iter().find(|kind| {
            let mut parts = pattern.split('/');
            parts.any(|part| part == words(**kind).path)
        });
        let missing = || WebError::internal("this route is about no goods");
        ready(found.copied().map(Which).ok_or_else(missing))
    }
}

/// How a kind is called.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    pub path: &'static str,
    pub title: &'static str,
    pub one: &'static str,
    pub new: &'static str,
    /// Where there is none.
    pub none: &'static str,
    pub about: &'static str,
}

/// The words of a kind.
#[must_use]
pub const fn words(kind: Kind) -> Words {
    match kind {
        Kind::Receipt => Words {
            path: "receipts",
            title: "Receipts",
            one: "receipt",
            new: "New receipt",
            none: "No receipts here",
            about: "A receipt says what a supplier sends, and books what really came.",
        },
        Kind::Transfer => Words {
            path: "transfers",
            title: "Transfers",
            one: "transfer",
            new: "New transfer",
            none: "No transfers here",
            about: "A transfer takes pieces from one location to another.",
        },
        Kind::Count => Words {
            path: "counts",
            title: "Counts",
            one: "count",
            new: "New count",
            none: "No counts here",
            about: "A count corrects the stock by what really lies there, while orders go on.",
        },
    }
}

/// A state with the tone of its badge.
#[must_use]
pub fn badge(row: &DocumentRow) -> (&'static str, &'static str) {
    let is_short = row.arrived < row.pieces;
    match (row.kind, row.state) {
        (Kind::Receipt, State::Open | State::Sent) if row.arrived != 0 => {
            ("Part received", "info half")
        }
        (Kind::Receipt, State::Open | State::Sent) => ("Expected", "neutral open"),
        (Kind::Receipt | Kind::Transfer, State::Done) if is_short => ("Received short", "warning"),
        (Kind::Transfer, State::Done) if row.end_reason.is_some() => ("Returned", "neutral"),
        (Kind::Receipt | Kind::Transfer, State::Done) => ("Received", "success plain"),
        (Kind::Transfer, State::Open) => ("Draft", "neutral open"),
        (Kind::Transfer, State::Sent) => ("In transit", "info half"),
        (Kind::Count, State::Open | State::Sent) => ("Counting", "info half"),
        (Kind::Count, State::Done) => ("Booked", "success plain"),
        (Kind::Receipt | Kind::Transfer | Kind::Count, State::Cancelled) => {
            ("Cancelled", "neutral")
        }
    }
}

/// A location on a page.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub name: String,
    /// No longer in use.
    pub closed: bool,
}

/// Locations by their ids.
fn places(
    conn: &mut DbConnection,
    rows: &[DocumentRow],
) -> Result<BTreeMap<LocationId, Place>, DbError> {
    let ids: Vec<LocationId> = rows
        .iter()
        .flat_map(|row| [Some(row.location_id), row.other_location_id])
        .flatten()
        .collect();
    let found = locations::names(conn, &ids)?.into_iter();
    let place = |(location, active): (Location, bool)| {
        let place = Place {
            name: location.name,
            closed: !active,
        };
        (location.id, place)
    };
    Ok(found.map(place).collect())
}

#[derive(Deserialize)]
pub struct ListQuery {
    /// `open`, `done`, `cancelled` or `all`.
    #[serde(default)]
    state: String,
    /// The last document of the page before.
    #[serde(default)]
    after: String,
}

struct Listed {
    row: DocumentRow,
    name: String,
    badge: (&'static str, &'static str),
    place: Place,
    other: Option<Place>,
}

#[derive(Template)]
#[template(path = "goods/index.html")]
struct IndexPage {
    frame: Frame,
    words: Words,
    rows: Vec<Listed>,
    state: String,
    older: String,
    closed: Vec<Location>,
}

impl IndexPage {
    fn is_count(&self) -> bool {
        self.words.path == words(Kind::Count).path
    }
}

/// `GET /receipts?state=&after=`, and so for transfers and counts.
///
/// # Errors
///
/// The database's.
pub async fn index(
    db: web::Data<Db>,
    visitor: Visitor,
    which: Which,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let ListQuery { state, after } = query.into_inner();
    let (state, states): (&str, &[State]) = match state.as_str() {
        "done" => ("done", &[State::Done]),
        "cancelled" => ("cancelled", &[State::Cancelled]),
        "all" => ("all", State::ALL),
        _ => ("open", &[State::Open, State::Sent]),
    };
    let before: Option<StockDocumentId> = after.parse().ok();
    let (rows, closed, more) = db
        .read(move |conn| {
            let mut rows = queries::list(conn, which.0, states, before, PAGE + 1)?;
            let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
            let more = rows.len() > page;
            rows.truncate(page);
            let places = places(conn, &rows)?;
            let place = |id: LocationId| places.get(&id).cloned().unwrap_or_default();
            let rows: Vec<Listed> = rows
                .into_iter()
                .map(|row| Listed {
                    name: row.name(),
                    badge: badge(&row),
                    place: place(row.location_id),
                    other: row.other_location_id.map(place),
                    row,
                })
                .collect();
            Ok::<_, DbError>((rows, locations::list_closed(conn)?, more))
        })
        .await?;
    let older = match (more, rows.last()) {
        (true, Some(last)) => format!("?state={state}&after={}", last.row.id),
        (true | false, _) => String::new(),
    };
    let page = IndexPage {
        frame: visitor.frame(Section::Products),
        words: words(which.0),
        rows,
        state: state.to_owned(),
        older,
        closed,
    };
    Ok(html(StatusCode::OK, &page))
}

/// A new document as its form says it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewForm {
    location: String,
    other: String,
    reference: String,
    expected_on: String,
    note: String,
    /// `whole` or `named`.
    scope: String,
    blind: String,
}

#[derive(Template)]
#[template(path = "goods/new.html")]
struct NewPage {
    frame: Frame,
    words: Words,
    kind: Kind,
    form: NewForm,
    errors: Errors,
    /// Where it may begin; with whether it is closed.
    from: Vec<(Location, bool)>,
    to: Vec<Location>,
}

impl NewPage {
    fn is(&self, kind: &str) -> bool {
        self.kind.as_str() == kind
    }
}

/// `GET /receipts/new?location=`, and so for transfers and counts.
///
/// # Errors
///
/// The database's.
pub async fn new(
    db: web::Data<Db>,
    visitor: Visitor,
    which: Which,
    form: web::Query<NewForm>,
) -> Result<HttpResponse, WebError> {
    let form = form.into_inner();
    let page = new_page(&db, &visitor, which.0, form, Errors::default()).await?;
    Ok(html(StatusCode::OK, &page))
}

async fn new_page(
    db: &Db,
    visitor: &Visitor,
    kind: Kind,
    form: NewForm,
    errors: Errors,
) -> Result<NewPage, WebError> {
    let (to, closed) = db
        .read(|conn| Ok::<_, DbError>((locations::list(conn)?, locations::list_closed(conn)?)))
        .await?;
    let mut from: Vec<(Location, bool)> = to.iter().map(|one| (one.clone(), false)).collect();
    match kind {
        // Nothing comes in where nobody works any more.
        Kind::Receipt => {}
        Kind::Transfer | Kind::Count => {
            from.extend(closed.into_iter().map(|one| (one, true)));
        }
    }
    Ok(NewPage {
        frame: visitor.frame(Section::Products),
        words: words(kind),
        kind,
        form,
        errors,
        from,
        to,
    })
}

/// `POST /receipts`, and so for transfers and counts.
///
/// # Errors
///
/// The database's; what is wrong with the form is said beside its fields.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    which: Which,
    form: web::Form<NewForm>,
) -> Result<HttpResponse, WebError> {
    let (form, kind) = (form.into_inner(), which.0);
    let mut errors = Errors::default();
    let mut page = new_page(&db, &visitor, kind, form.clone(), Errors::default()).await?;
    if let Some(new) = parse(kind, &form, &page, &mut errors) {
        let by = By {
            user: user.id,
            now: clock.now(),
        };
        match db
            .write(move |conn| documents::create(conn, &new, by))
            .await
        {
            Ok(id) => return Ok(see_other(&format!("/{}/{id}", words(kind).path))),
            Err(GoodsError::SamePlace) => errors.add("other", "Choose another location"),
            Err(error) => return Err(error.into()),
        }
    }
    page.errors = errors;
    Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

fn parse(kind: Kind, form: &NewForm, page: &NewPage, errors: &mut Errors) -> Option<New> {
    let location: Option<LocationId> = form.location.parse().ok();
    let location = location.filter(|id| page.from.iter().any(|(one, _)| one.id == *id));
    if location.is_none() {
        errors.add("location", "Choose a location");
    }
    let other: Option<LocationId> = match kind {
        Kind::Transfer => {
            let other: Option<LocationId> = form.other.parse().ok();
            let other = other.filter(|id| page.to.iter().any(|one| one.id == *id));
            if other.is_none() {
                errors.add("other", "Choose where it goes");
            }
            other
        }
        Kind::Receipt | Kind::Count => None,
    };
    let expected_on = match form.expected_on.trim() {
        "" => None,
        text => match text.parse::<Date>() {
            Ok(day) => Some(day),
            Err(_other) => {
                errors.add("expected_on", "Enter a day, like 2026-11-30");
                None
            }
        },
    };
    let text = |text: &str| {
        let text: String = text.trim().chars().take(LONGEST).collect();
        (!text.is_empty()).then_some(text)
    };
    errors.is_empty().then_some(New {
        kind,
        location: location?,
        other,
        reference: text(&form.reference),
        expected_on,
        note: text(&form.note),
        blind: !form.blind.is_empty(),
        whole: form.scope != "named",
    })
}

impl From<GoodsError> for WebError {
    fn from(error: GoodsError) -> Self {
        match error {
            GoodsError::NotFound => WebError::NotFound("This document".to_owned()),
            GoodsError::Changed | GoodsError::Promised(_) | GoodsError::Gone { .. } => {
                WebError::Conflict(error.to_string())
            }
            GoodsError::SamePlace
            | GoodsError::Nothing
            | GoodsError::NoReason
            | GoodsError::UnknownCode
            | GoodsError::SeveralItems
            | GoodsError::Archived
            | GoodsError::NoSuchLot
            | GoodsError::SerialListed(_)
            | GoodsError::Quantity
            | GoodsError::OnePiece
            | GoodsError::Full
            | GoodsError::Faults(_) => WebError::Invalid(error.to_string()),
            GoodsError::Lot(error) => lot_error(error),
            GoodsError::Stock(error) => error.into(),
            GoodsError::Db(error) => error.into(),
        }
    }
}

fn lot_error(error: LotError) -> WebError {
    match error {
        LotError::Stock(error) => error.into(),
        LotError::Db(error) => error.into(),
        LotError::NoCode
        | LotError::LongCode
        | LotError::OtherDate { .. }
        | LotError::NotTracked
        | LotError::NoReason
        | LotError::NotFound => WebError::Invalid(error.to_string()),
    }
}
