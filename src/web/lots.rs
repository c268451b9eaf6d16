//! Lots: looked up by their code, and one of them with where it lies and with whom it left: what a recall asks.
pub mod export;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;

use super::error::WebError;
use super::filters;
use super::form::Errors;
use super::page::{Frame, Section, html, see_other};
use super::visitor::{CurrentUser, Visitor};
use crate::erp::stock::lots::{self, LotError, LotState};
use crate::erp::stock::queries::lots::{self as rows, LotRow, LotWithStock, PromisedRow, UseRow};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::types::{LocationId, LotId};

const PAGE: i64 = 50;

#[derive(Clone, Debug, Default, Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    q: String,
    /// `blocked`, `expired`; all for anything else.
    #[serde(default)]
    state: String,
    /// The last lot of the page before.
    #[serde(default)]
    after: String,
}

impl ListQuery {
    fn state(&self) -> Option<LotState> {
        LotState::ALL
            .iter()
            .copied()
            .find(|state| state.to_string() == self.state)
    }

    fn link(&self, state: &str, after: &str) -> String {
        let mut link = url::form_urlencoded::Serializer::new("?".to_owned());
        for (name, value) in [("q", self.q.trim()), ("state", state), ("after", after)] {
            if !value.is_empty() {
                link.append_pair(name, value);
            }
        }
        link.finish()
    }
}

/// A state as a badge shows it.
pub(super) struct Badge {
    pub(super) text: &'static str,
    pub(super) kind: &'static str,
}

pub(super) const fn badge(state: LotState) -> Badge {
    let (text, kind) = match state {
        LotState::Open => ("Open", "success plain"),
        LotState::Blocked => ("Blocked", "critical"),
        LotState::Expired => ("Expired", "warning"),
    };
    Badge { text, kind }
}

struct Row {
    lot: LotWithStock,
    state: Badge,
}

#[derive(Template)]
#[template(path = "lots/index.html")]
struct IndexPage {
    frame: Frame,
    rows: Vec<Row>,
    search: String,
    /// Address, name, whether it is this one.
    states: Vec<(String, &'static str, bool)>,
    cleared: String,
    label: String,
    older: String,
}

/// `GET /lots?q=&state=&after=`
///
/// # Errors
///
/// The database's.
pub async fn index(
    db: web::Data<Db>,
    visitor: Visitor,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let query = query.into_inner();
    let (begins, state, after) = (lots::normal(&query.q), query.state(), query.after.clone());
    let mut found = db
        .read(move |conn| -> Result<_, DbError> {
            let from = match after.parse::<LotId>() {
                Ok(id) => rows::find(conn, id)?,
                Err(_none) => None,
            };
            let from = from.map(|row| (lots::normal(&row.code), row.id));
            let from = from.as_ref().map(|(code, id)| (code.as_str(), *id));
            rows::list_by_code(conn, &begins, state, from, PAGE + 1)
        })
        .await?;
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = found.len() > page;
    found.truncate(page);
    let older = match found.last() {
        Some(last) if more => query.link(&query.state, &last.lot.id.to_string()),
        Some(_) | None => String::new(),
    };
    let tab = |state: &str, name: &'static str| (query.link(state, ""), name, query.state == state);
    let page = IndexPage {
        frame: visitor.frame(Section::Products),
        states: vec![
            tab("", "All"),
            tab("blocked", "Blocked"),
            tab("expired", "Expired"),
        ],
        cleared: ListQuery::default().link(&query.state, ""),
        label: format!("{} lots", found.len()),
        rows: found
            .into_iter()
            .map(|lot| Row {
                state: badge(lot.lot.state),
                lot,
            })
            .collect(),
        search: query.q.trim().to_owned(),
        older,
    };
    Ok(html(StatusCode::OK, &page))
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct ShowQuery {
    #[serde(default)]
    before: Option<i64>,
}

/// What was typed into the forms of the page.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LotForm {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    best_before: String,
}

#[derive(Template)]
#[template(path = "lots/show.html")]
struct ShowPage {
    frame: Frame,
    lot: LotRow,
    sku: String,
    item: String,
    state: Badge,
    /// Location, on hand, reserved.
    places: Vec<(LocationId, String, i64, i64)>,
    promises: Vec<PromisedRow>,
    uses: Vec<UseRow>,
    /// Pieces that have left, and lines of orders with which they did.
    left: (i64, i64),
    on_hand: i64,
    older: String,
    form: LotForm,
    errors: Errors,
}

impl ShowPage {
    fn is(&self, state: &str) -> bool {
        self.lot.state.to_string() == state
    }
}

/// `GET /lots/{id}`
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<LotId>,
    query: web::Query<ShowQuery>,
) -> Result<HttpResponse, WebError> {
    let refused = (LotForm::default(), Errors::default());
    page(&db, &visitor, id.into_inner(), query.before, refused).await
}

async fn page(
    db: &Db,
    visitor: &Visitor,
    id: LotId,
    before: Option<i64>,
    (form, errors): (LotForm, Errors),
) -> Result<HttpResponse, WebError> {
    let read = db.read(move |conn| read(conn, id, before)).await?;
    let read = read.ok_or_else(|| WebError::NotFound(format!("lot {id}")))?;
    let full = read.uses.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
    let older = match read.uses.last() {
        Some(last) if full => format!("?before={}", last.id),
        Some(_) | None => String::new(),
    };
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let form = if errors.is_empty() {
        LotForm {
            best_before: read.lot.lot.best_before.clone().unwrap_or_default(),
            ..LotForm::default()
        }
    } else {
        form
    };
    let page = ShowPage {
        frame: visitor.frame(Section::Products),
        state: badge(read.lot.lot.state),
        sku: read.lot.sku,
        item: read.lot.item,
        on_hand: read.lot.on_hand,
        lot: read.lot.lot,
        places: read.places,
        promises: read.promises,
        uses: read.uses,
        left: read.left,
        older,
        form,
        errors,
    };
    Ok(html(status, &page))
}

struct Read {
    lot: LotWithStock,
    places: Vec<(LocationId, String, i64, i64)>,
    promises: Vec<PromisedRow>,
    uses: Vec<UseRow>,
    left: (i64, i64),
}

fn read(conn: &mut DbConnection, id: LotId, before: Option<i64>) -> Result<Option<Read>, DbError> {
    let Some(lot) = rows::find_with_stock(conn, id)? else {
        return Ok(None);
    };
    Ok(Some(Read {
        lot,
        places: rows::list_places(conn, id)?,
        promises: rows::list_promises(conn, id, PAGE)?,
        uses: rows::list_uses(conn, id, before, PAGE)?,
        left: rows::count_uses(conn, id)?,
    }))
}

/// `POST /lots/{id}/block`
///
/// # Errors
///
/// `NotFound`; a missing reason is said beside its field.
pub async fn block(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<LotId>,
    form: web::Form<LotForm>,
) -> Result<HttpResponse, WebError> {
    let (id, now, user, form) = (id.into_inner(), clock.now(), user.id, form.into_inner());
    let reason = form.reason.clone();
    let done = db
        .write(move |conn| lots::block(conn, id, &reason, Some(user), now))
        .await;
    answer(&db, &visitor, id, form, done, "The lot is blocked.").await
}

/// `POST /lots/{id}/release`
///
/// # Errors
///
/// `NotFound`.
pub async fn release(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<LotId>,
) -> Result<HttpResponse, WebError> {
    let (id, now, user) = (id.into_inner(), clock.now(), user.id);
    let done = db
        .write(move |conn| lots::release(conn, id, Some(user), now))
        .await;
    let said = "The lot is released.";
    answer(&db, &visitor, id, LotForm::default(), done, said).await
}

/// `POST /lots/{id}/date`: corrects the best-before day; an empty one takes it away.
///
/// # Errors
///
/// `NotFound`; what is no day is said beside its field.
pub async fn update_date(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<LotId>,
    form: web::Form<LotForm>,
) -> Result<HttpResponse, WebError> {
    let (id, now, user, form) = (id.into_inner(), clock.now(), user.id, form.into_inner());
    let typed = form.best_before.trim();
    let day: Option<Date> = typed.parse().ok();
    if day.is_none() && !typed.is_empty() {
        let mut errors = Errors::default();
        errors.add("best_before", "Enter a day, like 2026-12-31");
        return page(&db, &visitor, id, None, (form, errors)).await;
    }
    let done = db
        .write(move |conn| lots::correct_date(conn, id, day, Some(user), now))
        .await;
    answer(&db, &visitor, id, form, done, "The day is corrected.").await
}

async fn answer(
    db: &Db,
    visitor: &Visitor,
    id: LotId,
    form: LotForm,
    done: Result<(), LotError>,
    said: &str,
) -> Result<HttpResponse, WebError> {
    match done {
        Ok(()) => {
            visitor.say(db, said).await?;
            Ok(see_other(&format!("/lots/{id}")))
        }
        Err(LotError::NotFound) => Err(WebError::NotFound(format!("lot {id}"))),
        Err(LotError::NoReason) => {
            let mut errors = Errors::default();
            errors.add(
                "reason",
                "Say why it must not leave, like: recalled by the maker",
            );
            page(db, visitor, id, None, (form, errors)).await
        }
        Err(LotError::Stock(error)) => Err(error.into()),
        Err(LotError::Db(error)) => Err(error.into()),
        Err(
            error @ (LotError::NoCode
            | LotError::LongCode
            | LotError::OtherDate { .. }
            | LotError::NotTracked),
        ) => Err(WebError::Invalid(error.to_string())),
    }
}
