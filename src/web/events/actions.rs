//! What a person does about one event: replay it, set it aside with a reason, take that back.
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::payload::why_not_replayed;
use super::replays::filed_meanwhile;
use super::{ListQuery, path_of};
use crate::erp::audit::{self, Kind};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::platform::queue::Queue;
use crate::platform::queue::queries::{self as queue, discards};
use crate::web::error::WebError;
use crate::web::page::see_other;
use crate::web::visitor::{CurrentUser, Visitor};

/// Why something is set aside.
#[derive(Deserialize)]
pub struct DiscardForm {
    #[serde(default)]
    reason: String,
}

/// `POST /events/{id}/replay`
///
/// # Errors
///
/// `Conflict` while it is open, and once its payload was dropped.
pub async fn replay(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<i64>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let chosen = (Queue::WebhookEvents, id.into_inner());
    send_again(&db, &clock, &visitor, &user, &query, chosen).await
}

/// `POST /events/jobs/{id}/replay`
///
/// # Errors
///
/// `Conflict` while it is open.
pub async fn replay_job(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<i64>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let chosen = (Queue::Jobs, id.into_inner());
    send_again(&db, &clock, &visitor, &user, &query, chosen).await
}

async fn send_again(
    db: &Db,
    clock: &Clock,
    visitor: &Visitor,
    user: &CurrentUser,
    query: &ListQuery,
    (table, id): (Queue, i64),
) -> Result<HttpResponse, WebError> {
    let (now, by) = (clock.now(), user.id);
    db.write(move |conn| -> Result<(), WebError> {
        if !queue::replay(conn, table, id, now).map_err(filed_meanwhile)? {
            return Err(WebError::Conflict(why_not_replayed(conn, table, id)?));
        }
        let subject = format!("{}/{id}", table.table());
        let (kind, none) = (Kind::EventReplayed, json!({}));
        Ok(audit::record(conn, Some(by), kind, &subject, &none, now)?)
    })
    .await?;
    visitor.say(db, "Replayed.").await?;
    Ok(back_to(table, id, query))
}

/// `POST /events/{id}/discard`
///
/// # Errors
///
/// `Invalid` without a reason, `Conflict` when it is finished or being worked on.
pub async fn discard(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    user: CurrentUser,
    id: web::Path<i64>,
    query: web::Query<ListQuery>,
    form: web::Form<DiscardForm>,
) -> Result<HttpResponse, WebError> {
    let chosen = (Queue::WebhookEvents, id.into_inner());
    set_aside(&db, &clock, &user, &query, chosen, &form).await
}

/// `POST /events/jobs/{id}/discard`
///
/// # Errors
///
/// As [`discard`].
pub async fn discard_job(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    user: CurrentUser,
    id: web::Path<i64>,
    query: web::Query<ListQuery>,
    form: web::Form<DiscardForm>,
) -> Result<HttpResponse, WebError> {
    let chosen = (Queue::Jobs, id.into_inner());
    set_aside(&db, &clock, &user, &query, chosen, &form).await
}

async fn set_aside(
    db: &Db,
    clock: &Clock,
    user: &CurrentUser,
    query: &ListQuery,
    (table, id): (Queue, i64),
    form: &DiscardForm,
) -> Result<HttpResponse, WebError> {
    let reason = form.reason.trim().to_owned();
    if reason.is_empty() {
        return Err(WebError::invalid(
            "Say why it is discarded: the reason stays in the audit log.",
        ));
    }
    let (now, by) = (clock.now(), user.id);
    let discarded = db
        .write(move |conn| {
            if !discards::discard(conn, table, id, &reason, now)? {
                return Ok(false);
            }
            let subject = format!("{}/{id}", table.table());
            let arguments = json!({ "reason": reason });
            audit::record(
                conn,
                Some(by),
                Kind::EventDiscarded,
                &subject,
                &arguments,
                now,
            )?;
            Ok::<bool, DbError>(true)
        })
        .await?;
    if !discarded {
        return Err(WebError::Conflict(
            "This is finished, or being worked on.".to_owned(),
        ));
    }
    // The page says so itself, beside the button that undoes it.
    let query = query.to_text();
    Ok(see_other(&format!(
        "{}?{query}&undo=yes",
        path_of(table, id)
    )))
}

/// `POST /events/{id}/discard/undo`: puts it back where it was.
///
/// # Errors
///
/// `Conflict` a day after it was discarded, and where the same work is open.
pub async fn take_back(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<i64>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let chosen = (Queue::WebhookEvents, id.into_inner());
    put_back(&db, &clock, &visitor, &user, &query, chosen).await
}

/// `POST /events/jobs/{id}/discard/undo`
///
/// # Errors
///
/// As [`take_back`].
pub async fn take_back_job(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<i64>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let chosen = (Queue::Jobs, id.into_inner());
    put_back(&db, &clock, &visitor, &user, &query, chosen).await
}

async fn put_back(
    db: &Db,
    clock: &Clock,
    visitor: &Visitor,
    user: &CurrentUser,
    query: &ListQuery,
    (table, id): (Queue, i64),
) -> Result<HttpResponse, WebError> {
    let (now, by) = (clock.now(), user.id);
    let taken_back = db
        .write(move |conn| {
            let taken_back = discards::take_back(conn, table, id, now)?;
            if taken_back {
                let subject = format!("{}/{id}", table.table());
                let (kind, none) = (Kind::EventTakenBack, json!({}));
                audit::record(conn, Some(by), kind, &subject, &none, now)?;
            }
            Ok::<bool, DbError>(taken_back)
        })
        .await
        .map_err(filed_meanwhile)?;
    if !taken_back {
        return Err(WebError::Conflict(
            "This cannot be taken back any more, or the same work is open: replay it instead."
                .to_owned(),
        ));
    }
    visitor.say(db, "Taken back.").await?;
    Ok(back_to(table, id, query))
}

/// The event's page, beside the list that it was opened from.
fn back_to(table: Queue, id: i64, query: &ListQuery) -> HttpResponse {
    see_other(&format!("{}?{}", path_of(table, id), query.to_text()))
}
