//! What a person does about an event: replay it, replay all like it, set it aside with a reason.
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::path_of;
use super::payload::why_not_replayed;
use crate::erp::audit::{self, Kind};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::platform::inbox::queries as inbox;
use crate::platform::jobs::queries as jobs;
use crate::platform::queue::Queue;
use crate::platform::queue::queries::{self as queue, list};
use crate::types::{EventId, JobId};
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
) -> Result<HttpResponse, WebError> {
    let chosen = (Queue::WebhookEvents, id.into_inner());
    send_again(&db, &clock, &visitor, &user, chosen).await
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
) -> Result<HttpResponse, WebError> {
    let chosen = (Queue::Jobs, id.into_inner());
    send_again(&db, &clock, &visitor, &user, chosen).await
}

async fn send_again(
    db: &Db,
    clock: &Clock,
    visitor: &Visitor,
    user: &CurrentUser,
    (table, id): (Queue, i64),
) -> Result<HttpResponse, WebError> {
    let (now, by) = (clock.now(), user.id);
    db.write(move |conn| -> Result<(), WebError> {
        if !queue::replay(conn, table, id, now)? {
            return Err(WebError::Conflict(why_not_replayed(conn, table, id)?));
        }
        let subject = format!("{}/{id}", table.table());
        let (kind, none) = (Kind::EventReplayed, json!({}));
        Ok(audit::record(conn, Some(by), kind, &subject, &none, now)?)
    })
    .await?;
    visitor.say(db, "Replayed.").await?;
    Ok(see_other(&path_of(table, id)))
}

/// `POST /events/{id}/same` and `/events/jobs/{id}/same`: replays all that died of the same reason.
///
/// # Errors
///
/// `NotFound`.
pub async fn replay_same(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<i64>,
) -> Result<HttpResponse, WebError> {
    let chosen = (Queue::WebhookEvents, id.into_inner());
    all_again(&db, &clock, &visitor, &user, chosen).await
}

/// As [`replay_same`], for jobs.
///
/// # Errors
///
/// `NotFound`.
pub async fn replay_same_jobs(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<i64>,
) -> Result<HttpResponse, WebError> {
    let chosen = (Queue::Jobs, id.into_inner());
    all_again(&db, &clock, &visitor, &user, chosen).await
}

async fn all_again(
    db: &Db,
    clock: &Clock,
    visitor: &Visitor,
    user: &CurrentUser,
    (table, id): (Queue, i64),
) -> Result<HttpResponse, WebError> {
    let (now, by) = (clock.now(), user.id);
    let count = db
        .write(move |conn| {
            let reason = match table {
                Queue::WebhookEvents => inbox::find(conn, EventId(id))?.and_then(|row| row.reason),
                Queue::Jobs => jobs::find(conn, JobId(id))?.and_then(|row| row.reason),
            };
            let ids = match reason {
                Some(reason) => list::list_dead_of(conn, table, &reason)?,
                None => Vec::new(),
            };
            for id in &ids {
                queue::replay(conn, table, *id, now)?;
            }
            if !ids.is_empty() {
                let subject = format!("{}/{id}", table.table());
                let (kind, arguments) = (Kind::EventsReplayed, json!({ "count": ids.len() }));
                audit::record(conn, Some(by), kind, &subject, &arguments, now)?;
            }
            Ok::<usize, DbError>(ids.len())
        })
        .await?;
    visitor.say(db, &format!("Replayed {count}.")).await?;
    Ok(see_other("/events?state=open"))
}

/// `POST /events/{id}/discard`
///
/// # Errors
///
/// `Invalid` without a reason, `Conflict` when it is finished or being worked on.
pub async fn discard(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<i64>,
    form: web::Form<DiscardForm>,
) -> Result<HttpResponse, WebError> {
    let chosen = (Queue::WebhookEvents, id.into_inner());
    set_aside(&db, &clock, &visitor, &user, chosen, &form).await
}

/// `POST /events/jobs/{id}/discard`
///
/// # Errors
///
/// As [`discard`].
pub async fn discard_job(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<i64>,
    form: web::Form<DiscardForm>,
) -> Result<HttpResponse, WebError> {
    let chosen = (Queue::Jobs, id.into_inner());
    set_aside(&db, &clock, &visitor, &user, chosen, &form).await
}

async fn set_aside(
    db: &Db,
    clock: &Clock,
    visitor: &Visitor,
    user: &CurrentUser,
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
            if !queue::discard(conn, table, id, &reason, now)? {
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
    visitor
        .say(db, "Discarded. It can be replayed as long as it is kept.")
        .await?;
    Ok(see_other(&path_of(table, id)))
}
