//! One delivery: where it goes, what is in it, who drives it, what happened on the way.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{Stop, sentence, stop, words};
use crate::erp::deliveries::DeliveryError;
use crate::erp::deliveries::drivers::{self, Driver};
use crate::erp::deliveries::flow::{self, Mover, State};
use crate::erp::deliveries::queries::list::Day;
use crate::erp::deliveries::queries::log::{self, EntryRow};
use crate::erp::deliveries::queries::photos::{self, PhotoRow};
use crate::erp::deliveries::queries::{self as rows, DeliveryRow, show};
use crate::erp::deliveries::work::{self, By};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::types::{At, DeliveryId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::page::{Frame, Section, html};
use crate::web::visitor::Visitor;

/// Log entries of a page.
const LOG: i64 = 200;

/// An entry in words.
struct Entry {
    at: At,
    text: String,
    note: Option<String>,
    by: String,
    is_undone: bool,
}

/// A way on from here.
struct Button {
    to: State,
    verb: &'static str,
    is_primary: bool,
}

struct Loaded {
    row: DeliveryRow,
    lines: Vec<show::LineRow>,
    entries: Vec<EntryRow>,
    photos: Vec<PhotoRow>,
    drivers: Vec<Driver>,
    store: String,
    can_undo: bool,
}

#[derive(Template)]
#[template(path = "deliveries/show.html")]
struct ShowPage {
    frame: Frame,
    stop: Stop,
    map: String,
    lines: Vec<show::LineRow>,
    entries: Vec<Entry>,
    photos: Vec<PhotoRow>,
    drivers: Vec<Driver>,
    driver: Option<String>,
    store: String,
    buttons: Vec<Button>,
    can_assign: bool,
    can_undo: bool,
    can_postpone: bool,
    refusal: String,
    note: String,
}

impl ShowPage {
    fn drives(&self, driver: &Driver) -> bool {
        self.stop.row.driver_id == Some(driver.user)
    }
}

/// `GET /deliveries/{id}`
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    id: web::Path<DeliveryId>,
) -> Result<HttpResponse, WebError> {
    let now = clock.now();
    page(&db, &visitor, id.into_inner(), (None, ""), now).await
}

/// The page, after a refusal with its reason and with the note that was typed.
///
/// # Errors
///
/// `NotFound`.
pub(super) async fn page(
    db: &Db,
    visitor: &Visitor,
    id: DeliveryId,
    (refused, note): (Option<&DeliveryError>, &str),
    now: At,
) -> Result<HttpResponse, WebError> {
    let loaded = db
        .read(move |conn| load(conn, id, now))
        .await?
        .ok_or_else(|| WebError::NotFound("This delivery".to_owned()))?;
    let frame = visitor.frame(Section::Deliveries);
    let mut page = built(frame, loaded);
    note.clone_into(&mut page.note);
    page.refusal = refused.map(sentence).unwrap_or_default();
    let status = match refused {
        None => StatusCode::OK,
        Some(DeliveryError::NoDriver | DeliveryError::NoteTooLong | DeliveryError::NoDay) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Some(
            DeliveryError::NotFound
            | DeliveryError::Changed
            | DeliveryError::NotAllowed { .. }
            | DeliveryError::NothingToUndo
            | DeliveryError::Db(_),
        ) => StatusCode::CONFLICT,
    };
    Ok(html(status, &page))
}

fn load(conn: &mut DbConnection, id: DeliveryId, now: At) -> Result<Option<Loaded>, DbError> {
    let Some(row) = rows::find(conn, id)? else {
        return Ok(None);
    };
    Ok(Some(Loaded {
        lines: show::list_lines(conn, id)?,
        entries: log::list(conn, id, LOG)?,
        photos: photos::list(conn, id)?,
        drivers: drivers::list(conn)?,
        store: show::find_store(conn, row.channel_id)?,
        can_undo: work::last_tap(conn, &row, &By::default(), now)?.is_some(),
        row,
    }))
}

fn built(frame: Frame, loaded: Loaded) -> ShowPage {
    let Loaded { row, drivers, .. } = loaded;
    let name = |id: i64| {
        let known = drivers.iter().find(|one| one.user.0 == id);
        known.map(|one| one.name.clone())
    };
    let today = frame.now.timestamp().to_zoned(frame.zone.clone()).date();
    let day = Day {
        date: today.to_string(),
        is_today: true,
    };
    let state = row.state;
    let driver = row
        .driver_id
        .map(|id| name(id.0).unwrap_or_else(|| "no driver any more".to_owned()));
    let entries = loaded
        .entries
        .iter()
        .map(|entry| Entry {
            at: entry.at,
            text: words::entry(entry, name),
            note: entry.note.clone(),
            by: by(entry),
            is_undone: entry.undone_at.is_some(),
        })
        .collect();
    let stop = stop(row, &day);
    ShowPage {
        map: words::map_link(&stop.place),
        lines: loaded.lines,
        entries,
        photos: loaded.photos,
        driver,
        store: loaded.store,
        buttons: flow::next(state, Mover::Hand)
            .iter()
            .map(|to| Button {
                to: *to,
                verb: words::verb(*to),
                is_primary: *to == State::Delivered,
            })
            .collect(),
        can_assign: state.is_open(),
        can_undo: loaded.can_undo,
        can_postpone: state.is_open() || state == State::Returned,
        refusal: String::new(),
        note: String::new(),
        drivers,
        stop,
        frame,
    }
}

fn by(entry: &EntryRow) -> String {
    match (&entry.user_name, &entry.source) {
        (Some(name), _) => name.clone(),
        (None, Some(source)) if source == "rule" => "the store's rule".to_owned(),
        (None, Some(source)) => match source.strip_prefix("token:") {
            Some(token) => format!("program {token}"),
            None => "the order".to_owned(),
        },
        (None, None) => "the order".to_owned(),
    }
}

/// `GET /deliveries/{id}/photos/{photo}`
///
/// # Errors
///
/// `NotFound`.
pub async fn photo(
    db: web::Data<Db>,
    path: web::Path<(DeliveryId, i64)>,
) -> Result<HttpResponse, WebError> {
    let (delivery, id) = path.into_inner();
    let found = db
        .read(move |conn| photos::find(conn, delivery, id))
        .await?;
    let (kind, bytes) = found.ok_or_else(|| WebError::NotFound("This photo".to_owned()))?;
    Ok(HttpResponse::Ok()
        .content_type(kind)
        .insert_header(("Cache-Control", "private, no-store"))
        .body(bytes))
}
