//! The driver's phone: the own stops of a day, each with call, map, Delivered and Not home. Works without a
//! script. Whoever assigns deliveries may look at a driver's run and tap for them.
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::actions::notifies;
use super::{Stop, day_of, sentence, stop, title_of, words};
use crate::erp::deliveries::flow::State;
use crate::erp::deliveries::photos::{self, Photo};
use crate::erp::deliveries::queries::{self, list, show};
use crate::erp::deliveries::work::{self, By, Move};
use crate::erp::deliveries::{DeliveryError, drivers};
use crate::erp::users::roles::{Action, Role};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::types::{At, DeliveryId, UserId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::upload;
use crate::web::visitor::{CurrentUser, Visitor};

/// Whose run, for somebody who is not its driver.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RunQuery {
    #[serde(default)]
    driver: String,
}

/// A stop on the phone.
struct Card {
    stop: Stop,
    lines: Vec<show::LineRow>,
    map: String,
    /// May be tapped: it is still to be driven.
    is_open: bool,
    can_undo: bool,
    /// What was wrong with the form of this stop, and the note that was typed.
    refusal: String,
    note: String,
}

#[derive(Template)]
#[template(path = "deliveries/run.html")]
struct RunPage {
    frame: Frame,
    title: String,
    date: String,
    is_today: bool,
    before: String,
    after: String,
    /// Empty where it is the own run.
    driver_name: String,
    /// Kept in every form and link: `?driver=3`.
    query: String,
    open: Vec<Card>,
    done: Vec<Card>,
    /// Stops that nobody has set out with.
    waiting: i64,
    refused: bool,
}

/// What a tap brought.
struct Tap {
    to: State,
    note: String,
    version: Option<i64>,
    photo: Option<Photo>,
}

/// A refusal beside its stop.
struct Refusal {
    stop: DeliveryId,
    words: String,
    note: String,
    status: StatusCode,
}

/// Whose run it is, and in whose name.
fn run_of(user: &CurrentUser, query: &RunQuery) -> (UserId, By) {
    let is_driver = user.role == Role::Driver;
    let named = query.driver.parse().ok().filter(|_| !is_driver);
    let by = By {
        user: Some(user.id),
        source: None,
        only_own: is_driver || !user.role.may(Action::Dispatch),
    };
    (named.unwrap_or(user.id), by)
}

fn address(day: &str, driver: UserId, user: &CurrentUser) -> String {
    if driver == user.id {
        format!("/run/{day}")
    } else {
        format!("/run/{day}?driver={driver}")
    }
}

/// `GET /run/{day}?driver=`
///
/// # Errors
///
/// `NotFound` for a day that is none.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    user: CurrentUser,
    day: web::Path<String>,
    query: web::Query<RunQuery>,
) -> Result<HttpResponse, WebError> {
    page(&db, &visitor, &user, (&day, &query), None).await
}

/// `POST /run/{day}/out`: sets out with everything that is assigned.
///
/// # Errors
///
/// `NotFound` for a day that is none.
pub async fn set_out(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    day: web::Path<String>,
    query: web::Query<RunQuery>,
) -> Result<HttpResponse, WebError> {
    let (driver, by) = run_of(&user, &query);
    let now = clock.now();
    let (_date, asked) = day_of(&day, &visitor.frame(Section::Run))?;
    let count = db
        .write(move |conn| work::set_out(conn, &asked, driver, &by, now))
        .await?;
    let words = match count {
        1 => "1 stop is out.".to_owned(),
        count => format!("{count} stops are out."),
    };
    visitor.say(&db, &words).await?;
    Ok(see_other(&address(&day, driver, &user)))
}

/// `POST /run/{day}/stops/{id}`: `to`, `note`, `version` and, if there is one, `photo`.
///
/// # Errors
///
/// `NotFound` for a stop of somebody else; what is in the way is said beside the stop.
#[expect(
    clippy::too_many_arguments,
    reason = "the framework hands over each of them"
)]
pub async fn create_status(
    req: HttpRequest,
    payload: web::Payload,
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    path: web::Path<(String, DeliveryId)>,
    query: web::Query<RunQuery>,
) -> Result<HttpResponse, WebError> {
    let (day, id) = path.into_inner();
    let (now, (driver, by)) = (clock.now(), run_of(&user, &query));
    let refuse =
        async |refusal: Refusal| page(&db, &visitor, &user, (&day, &query), Some(refusal)).await;
    let tap = match read_tap(&req, payload.into_inner()).await? {
        Ok(tap) => tap,
        Err((words, note)) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return refuse(Refusal {
                stop: id,
                words,
                note,
                status,
            })
            .await;
        }
    };
    let note = tap.note.clone();
    let done = db.write(move |conn| record(conn, id, tap, by, now)).await;
    match done {
        Ok(words) => {
            visitor.say(&db, &words).await?;
            Ok(see_other(&address(&day, driver, &user)))
        }
        Err(error @ (DeliveryError::Db(_) | DeliveryError::NotFound)) => Err(error.into()),
        Err(error) => {
            let status = if matches!(error, DeliveryError::NoteTooLong) {
                StatusCode::UNPROCESSABLE_ENTITY
            } else {
                StatusCode::CONFLICT
            };
            let words = sentence(&error);
            refuse(Refusal {
                stop: id,
                words,
                note,
                status,
            })
            .await
        }
    }
}

/// `POST /run/{day}/stops/{id}/undo`
///
/// # Errors
///
/// `NotFound` for a stop of somebody else; what is in the way is said beside the stop.
pub async fn delete_status(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    path: web::Path<(String, DeliveryId)>,
    query: web::Query<RunQuery>,
) -> Result<HttpResponse, WebError> {
    let (day, id) = path.into_inner();
    let (now, (driver, by)) = (clock.now(), run_of(&user, &query));
    match db.write(move |conn| work::undo(conn, id, &by, now)).await {
        Ok(_state) => {
            visitor.say(&db, "Taken back.").await?;
            Ok(see_other(&address(&day, driver, &user)))
        }
        Err(error @ (DeliveryError::Db(_) | DeliveryError::NotFound)) => Err(error.into()),
        Err(error) => {
            let refusal = Refusal {
                stop: id,
                words: sentence(&error),
                note: String::new(),
                status: StatusCode::CONFLICT,
            };
            page(&db, &visitor, &user, (&day, &query), Some(refusal)).await
        }
    }
}

fn record(
    conn: &mut DbConnection,
    id: DeliveryId,
    tap: Tap,
    by: By,
    now: At,
) -> Result<String, DeliveryError> {
    let user = by.user;
    let wanted = Move {
        delivery: id,
        to: tap.to,
        version: tap.version,
        note: Some(tap.note),
        notify: notifies(conn, id)?,
        by,
    };
    let moved = work::set_state(conn, &wanted, now)?;
    let row = queries::find(conn, id)?.ok_or(DeliveryError::NotFound)?;
    if let Some(photo) = tap.photo.filter(|_| moved.is_new) {
        photos::add(conn, &row, &photo, user, now)?;
    }
    let word = words::state(tap.to).text;
    Ok(format!("{}: {}.", row.told.order_name, word.to_lowercase()))
}

type Refused = (String, String);

/// The form, with its photo where one was taken.
async fn read_tap(
    req: &HttpRequest,
    mut payload: Payload,
) -> Result<Result<Tap, Refused>, WebError> {
    let body = upload::read(&mut payload).await?;
    let boundary = upload::boundary(req.headers());
    let form = match &boundary {
        Some(boundary) => upload::parts(&body, boundary),
        None => upload::Form::default(),
    };
    let plain: Vec<(String, String)> = match boundary {
        Some(_) => Vec::new(),
        None => url::form_urlencoded::parse(&body).into_owned().collect(),
    };
    let value = |name: &str| {
        let found = plain.iter().find(|(field, _)| field == name);
        found.map_or_else(|| form.text(name), |(_, value)| value.clone())
    };
    let note = value("note").trim().to_owned();
    let to: State = value("to")
        .parse()
        .map_err(|_other| WebError::invalid("There is no such state."))?;
    let photo = match form.file("photo").map(photos::clean).transpose() {
        Ok(photo) => photo,
        Err(error) => return Ok(Err((error.to_string(), note))),
    };
    Ok(Ok(Tap {
        to,
        version: value("version").parse().ok(),
        note,
        photo,
    }))
}

async fn page(
    db: &Db,
    visitor: &Visitor,
    user: &CurrentUser,
    (day, query): (&str, &RunQuery),
    refused: Option<Refusal>,
) -> Result<HttpResponse, WebError> {
    let frame = visitor.frame(Section::Run);
    let (date, day) = day_of(day, &frame)?;
    let (driver, by) = run_of(user, query);
    let (asked, now) = (day.clone(), frame.now);
    let (mut cards, known) = db
        .read(move |conn| -> Result<_, DbError> {
            Ok((cards(conn, &asked, driver, &by, now)?, drivers::list(conn)?))
        })
        .await?;
    let status = refused
        .as_ref()
        .map_or(StatusCode::OK, |refusal| refusal.status);
    let is_refused = refused.is_some();
    if let Some(refusal) = refused
        && let Some(card) = cards
            .iter_mut()
            .find(|card| card.stop.row.id == refusal.stop)
    {
        card.refusal = refusal.words;
        card.note = refusal.note;
    }
    let waiting = cards
        .iter()
        .filter(|card| card.stop.row.state == State::Assigned);
    let waiting = i64::try_from(waiting.count()).unwrap_or(i64::MAX);
    let (open, done) = cards.into_iter().partition(|card| card.is_open);
    let name = known.into_iter().find(|one| one.user == driver);
    let is_own = driver == user.id;
    let page = RunPage {
        title: title_of(date),
        before: date.yesterday().unwrap_or(date).to_string(),
        after: date.tomorrow().unwrap_or(date).to_string(),
        is_today: day.is_today,
        date: day.date,
        driver_name: name
            .filter(|_| !is_own)
            .map(|one| one.name)
            .unwrap_or_default(),
        query: if is_own {
            String::new()
        } else {
            format!("?driver={driver}")
        },
        open,
        done,
        waiting,
        refused: is_refused,
        frame,
    };
    Ok(html(status, &page))
}

fn cards(
    conn: &mut DbConnection,
    day: &list::Day,
    driver: UserId,
    by: &By,
    now: At,
) -> Result<Vec<Card>, DbError> {
    list::list_run(conn, day, driver)?
        .into_iter()
        .map(|row| {
            let mut lines = show::list_lines(conn, row.id)?;
            lines.retain(|line| !line.goes_apart && line.current > 0);
            let can_undo = work::last_tap(conn, &row, by, now)?.is_some();
            let stop = stop(row, day);
            Ok(Card {
                map: words::map_link(&stop.place),
                is_open: matches!(
                    stop.row.state,
                    State::Assigned | State::Out | State::Pending
                ),
                lines,
                can_undo,
                refusal: String::new(),
                note: String::new(),
                stop,
            })
        })
        .collect()
}
