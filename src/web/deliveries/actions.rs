//! What a dispatcher does with deliveries: each a form of the day's page or of one delivery's.
use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{day_of, show};
use crate::erp::deliveries::flow::State;
use crate::erp::deliveries::queries;
use crate::erp::deliveries::work::{self, By, Move};
use crate::erp::deliveries::{DeliveryError, assign};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::shopify::fulfillments::queries as pushes;
use crate::types::{At, DeliveryId, OrderLineId, UserId};
use crate::web::error::WebError;
use crate::web::page::{Section, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

/// A move by a button.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MoveForm {
    to: String,
    note: String,
    version: Option<i64>,
}

/// Who drives; `back` names the day whose page it was sent from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AssignForm {
    driver: String,
    version: Option<i64>,
    back: String,
}

/// Everything that nobody drives on a day.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AssignAllForm {
    day: String,
    driver: String,
}

/// Another day.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DayForm {
    day: String,
    version: Option<i64>,
}

/// Up or down among the stops.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PlaceForm {
    way: String,
    back: String,
}

/// Whether the store's customers are told of what is handed over, unless somebody says otherwise.
pub(in crate::web) fn notifies(
    conn: &mut DbConnection,
    delivery: DeliveryId,
) -> Result<bool, DbError> {
    let Some(row) = queries::find(conn, delivery)? else {
        return Ok(false);
    };
    Ok(pushes::find_notify_default(conn, row.order_id)?.unwrap_or_default())
}

/// Where the form was sent from.
fn back(id: DeliveryId, day: &str) -> String {
    match day.parse::<jiff::civil::Date>() {
        Ok(day) => format!("/deliveries?day={day}#stop-{id}"),
        Err(_none) => format!("/deliveries/{id}"),
    }
}

fn by(user: &CurrentUser) -> By {
    By {
        user: Some(user.id),
        ..By::default()
    }
}

/// The page where it was sent from, or the delivery with what was in the way.
async fn answer(
    db: &Db,
    visitor: &Visitor,
    id: DeliveryId,
    done: Result<(String, String), DeliveryError>,
    (note, now): (&str, At),
) -> Result<HttpResponse, WebError> {
    match done {
        Ok((words, to)) => {
            visitor.say(db, &words).await?;
            Ok(see_other(&to))
        }
        Err(DeliveryError::Db(error)) => Err(error.into()),
        Err(DeliveryError::NotFound) => Err(DeliveryError::NotFound.into()),
        Err(refused) => show::page(db, visitor, id, (Some(&refused), note), now).await,
    }
}

/// `POST /deliveries/{id}/status`
///
/// # Errors
///
/// `NotFound`; what is in the way is said on the page.
pub async fn create_status(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<DeliveryId>,
    form: web::Form<MoveForm>,
) -> Result<HttpResponse, WebError> {
    let (id, now, form) = (id.into_inner(), clock.now(), form.into_inner());
    let to: State = form
        .to
        .parse()
        .map_err(|_other| WebError::invalid("There is no such state."))?;
    let (by, note, version) = (by(&user), form.note.clone(), form.version);
    let done = db
        .write(move |conn| {
            let wanted = Move {
                delivery: id,
                to,
                version,
                note: Some(note),
                notify: notifies(conn, id)?,
                by,
            };
            work::set_state(conn, &wanted, now)
        })
        .await;
    let done = done.map(|moved| {
        let words = if moved.is_unshipped {
            "Delivered. Its goods could not be booked off the shelves: see below."
        } else {
            "Noted."
        };
        (words.to_owned(), format!("/deliveries/{id}"))
    });
    answer(&db, &visitor, id, done, (&form.note, now)).await
}

/// `POST /deliveries/{id}/undo`
///
/// # Errors
///
/// `NotFound`; what is in the way is said on the page.
pub async fn delete_status(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<DeliveryId>,
) -> Result<HttpResponse, WebError> {
    let (id, now, by) = (id.into_inner(), clock.now(), by(&user));
    let done = db.write(move |conn| work::undo(conn, id, &by, now)).await;
    let done = done.map(|_state| ("Taken back.".to_owned(), format!("/deliveries/{id}")));
    answer(&db, &visitor, id, done, ("", now)).await
}

/// `POST /deliveries/{id}/shipment`: books the goods of what is delivered off the shelves after all.
///
/// # Errors
///
/// `NotFound`; what is in the way is said on the page.
pub async fn create_shipment(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<DeliveryId>,
) -> Result<HttpResponse, WebError> {
    let (id, now, by) = (id.into_inner(), clock.now(), by(&user));
    let done = db
        .write(move |conn| {
            let notify = notifies(conn, id)?;
            work::ship(conn, id, notify, &by, now)
        })
        .await;
    let done = done.map(|fault| {
        let words = match fault {
            Some(_) => "Something is still in the way.",
            None => "Booked off the shelves.",
        };
        (words.to_owned(), format!("/deliveries/{id}"))
    });
    answer(&db, &visitor, id, done, ("", now)).await
}

/// `POST /deliveries/{id}/assignment`: a driver, or nobody.
///
/// # Errors
///
/// `NotFound`; what is in the way is said on the page.
pub async fn create_assignment(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<DeliveryId>,
    form: web::Form<AssignForm>,
) -> Result<HttpResponse, WebError> {
    let (id, now, form) = (id.into_inner(), clock.now(), form.into_inner());
    let (driver, version, by) = (form.driver.clone(), form.version, user.id);
    let done = db
        .write(move |conn| {
            let driver = match driver.as_str() {
                "" => None,
                id => Some(id.parse().map_err(|_other| DeliveryError::NoDriver)?),
            };
            assign::assign(conn, id, driver, version, by, now)
        })
        .await;
    let words = if form.driver.is_empty() {
        "Taken back."
    } else {
        "Assigned."
    };
    let done = done.map(|()| (words.to_owned(), back(id, &form.back)));
    answer(&db, &visitor, id, done, ("", now)).await
}

/// `POST /deliveries/assignments`: everything that nobody drives on a day, to one driver.
///
/// # Errors
///
/// `Invalid` without a driver who is active.
pub async fn create_assignments(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    form: web::Form<AssignAllForm>,
) -> Result<HttpResponse, WebError> {
    let (now, form, by) = (clock.now(), form.into_inner(), user.id);
    let (_date, day) = day_of(&form.day, &visitor.frame(Section::Deliveries))?;
    let date = day.date.clone();
    let given = db
        .write(move |conn| {
            let driver: UserId = form
                .driver
                .parse()
                .map_err(|_other| DeliveryError::NoDriver)?;
            assign::assign_all(conn, &day, driver, by, now)
        })
        .await?;
    let words = match given {
        0 => "There was nothing to assign any more.".to_owned(),
        1 => "1 delivery assigned.".to_owned(),
        several => format!("{several} deliveries assigned."),
    };
    visitor.say(&db, &words).await?;
    Ok(see_other(&format!("/deliveries?day={date}")))
}

/// `POST /deliveries/{id}/day`
///
/// # Errors
///
/// `NotFound`; what is in the way is said on the page.
pub async fn update_day(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<DeliveryId>,
    form: web::Form<DayForm>,
) -> Result<HttpResponse, WebError> {
    let (id, now, form, by) = (id.into_inner(), clock.now(), form.into_inner(), user.id);
    let done = db
        .write(move |conn| assign::postpone(conn, id, form.day.trim(), form.version, by, now))
        .await;
    let done = done.map(|()| {
        (
            "Moved to another day.".to_owned(),
            format!("/deliveries/{id}"),
        )
    });
    answer(&db, &visitor, id, done, ("", now)).await
}

/// `POST /deliveries/{id}/position`: `way=up` or `down` among its driver's stops.
///
/// # Errors
///
/// `NotFound`.
pub async fn update_position(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    id: web::Path<DeliveryId>,
    form: web::Form<PlaceForm>,
) -> Result<HttpResponse, WebError> {
    let (id, now) = (id.into_inner(), clock.now());
    let is_up = form.way == "up";
    db.write(move |conn| assign::swap(conn, id, is_up, now))
        .await?;
    Ok(see_other(&back(id, &form.back)))
}

/// `POST /deliveries/{id}/lines`: `line-{id}` for each that goes with it.
///
/// # Errors
///
/// `NotFound`; what is in the way is said on the page.
pub async fn update_lines(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<DeliveryId>,
    form: web::Form<HashMap<String, String>>,
) -> Result<HttpResponse, WebError> {
    let (id, now, by) = (id.into_inner(), clock.now(), user.id);
    let with_it: Vec<OrderLineId> = form
        .keys()
        .filter_map(|field| field.strip_prefix("line-")?.parse().ok())
        .collect();
    let done = db
        .write(move |conn| assign::set_lines(conn, id, &with_it, by, now))
        .await;
    let done = done.map(|()| ("Lines saved.".to_owned(), format!("/deliveries/{id}")));
    answer(&db, &visitor, id, done, ("", now)).await
}
