//! Webhooks as they came in and what became of them.
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{Page, beyond, field, moment, page_size, parsed};
use crate::erp::audit;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::platform::queue::queries::list::ListRow;
use crate::platform::queue::queries::page::{self, Beyond, Wanted};
use crate::platform::queue::{Queue, Status, queries};
use crate::web::error::WebError;
use crate::web::events::payload::why_not_replayed;
use crate::web::visitor::Program;

const ALL: [Status; 7] = [
    Status::Pending,
    Status::Working,
    Status::Waiting,
    Status::Done,
    Status::Superseded,
    Status::Dead,
    Status::Discarded,
];

/// Which events.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// `pending`, `retrying`, `working`, `waiting`, `done`, `superseded`, `dead` or `discarded`.
    state: Option<String>,
    /// `orders/create`, for one.
    topic: Option<String>,
    /// Where the page before ended; `next` holds it.
    after: Option<String>,
    /// 1 to 250 rows; 50 unless said.
    limit: Option<i64>,
}

/// One webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    pub id: i64,
    pub topic: String,
    pub store: Option<String>,
    pub state: String,
    /// Tries that failed.
    pub attempts: i32,
    /// Workers that died over it.
    pub crashes: i32,
    /// Why it failed or was set aside.
    pub reason: Option<String>,
    pub received_at: String,
    /// When it is tried next, while it is pending.
    pub due_at: Option<String>,
}

impl From<ListRow> for Event {
    fn from(row: ListRow) -> Event {
        let status = Status::from_code(row.status);
        Event {
            id: row.id,
            topic: row.topic,
            store: row.shop_domain,
            state: status.word(row.attempts).to_owned(),
            attempts: row.attempts,
            crashes: row.crashes,
            reason: row.reason,
            received_at: moment(row.at),
            due_at: (status == Status::Pending).then(|| moment(row.due_at)),
        }
    }
}

/// That an event will be worked on again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replayed {
    pub id: i64,
    pub state: String,
}

/// The events, the newest first.
#[utoipa::path(
    get, path = "/api/{tenant}/events", tag = "Events", params(Filter),
    responses((status = 200, body = Page<Event>))
)]
pub async fn index(
    req: HttpRequest,
    db: web::Data<Db>,
    query: web::Query<Filter>,
) -> Result<HttpResponse, WebError> {
    let (size, query) = (page_size(query.limit)?, query.into_inner());
    let (statuses, retried) = statuses(query.state.as_deref())?;
    let message = "It is what `next` held.";
    let from = parsed("after", query.after.as_deref(), message)?;
    let from = from.map(|place| Beyond {
        place,
        newer: false,
    });
    let found = db
        .read(move |conn| {
            let wanted = Wanted {
                queues: &[Queue::WebhookEvents],
                statuses: &statuses,
                retried,
                topic: query.topic.as_deref(),
                shop_domain: None,
                reason: None,
                due_by: None,
                look_at: None,
            };
            page::page(conn, wanted, from, usize::try_from(size).unwrap_or(0))
        })
        .await?;
    let next = found.older.map(|place| beyond(&req, &place.to_string()));
    let data: Vec<Event> = found.rows.into_iter().map(|(_, row)| row.into()).collect();
    Ok(HttpResponse::Ok().json(Page { data, next }))
}

fn statuses(word: Option<&str>) -> Result<(Vec<Status>, Option<bool>), WebError> {
    let Some(word) = word else {
        return Ok((ALL.to_vec(), None));
    };
    let tried = i32::from(word == "retrying");
    let found = ALL.into_iter().find(|status| status.word(tried) == word);
    let status = found.ok_or_else(|| field("state", "There is no such state."))?;
    let retried = (status == Status::Pending).then_some(tried > 0);
    Ok((vec![status], retried))
}

/// Works on a finished or dead event again.
#[utoipa::path(
    post, path = "/api/{tenant}/events/{id}/replay", tag = "Events",
    params(("id" = i64, Path, description = "The event's id")),
    responses(
        (status = 202, body = Replayed),
        (status = 404, description = "There is no such event"),
        (status = 409, description = "It is open already, or its payload was dropped: there is nothing left to replay"),
    )
)]
pub async fn replay(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    program: Program,
    path: web::Path<(String, i64)>,
) -> Result<HttpResponse, WebError> {
    let ((_tenant, id), now) = (path.into_inner(), clock.now());
    let arguments = json!({ "token": program.name });
    let known = db
        .write(move |conn| -> Result<_, DbError> {
            if crate::platform::inbox::queries::find(conn, crate::types::EventId(id))?.is_none() {
                return Ok(None);
            }
            let queue = Queue::WebhookEvents;
            if !queries::replay(conn, queue, id, now)? {
                return Ok(Some(Err(why_not_replayed(conn, queue, id)?)));
            }
            let (kind, subject) = (audit::Kind::EventReplayed, format!("webhook_events/{id}"));
            audit::record(conn, None, kind, &subject, &arguments, now)?;
            Ok(Some(Ok(())))
        })
        .await?;
    match known {
        None => Err(WebError::NotFound(format!("The event {id}"))),
        Some(Err(why)) => Err(WebError::Conflict(why)),
        Some(Ok(())) => Ok(HttpResponse::Accepted().json(Replayed {
            id,
            state: Status::Pending.word(0).to_owned(),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_finds_its_rows() {
        let found = |word| statuses(Some(word)).ok();
        assert_eq!(found("retrying"), Some((vec![Status::Pending], Some(true))));
        assert_eq!(found("pending"), Some((vec![Status::Pending], Some(false))));
        assert_eq!(found("dead"), Some((vec![Status::Dead], None)));
        assert_eq!(found("lost"), None);
    }
}
