//! All that failed for one reason, sent through once more: the page says first how many and what.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::json;

use super::kind_of;
use crate::erp::audit::{self, Kind};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::platform::queue::Queue;
use crate::platform::queue::queries::same::{self, Same, Tally};
use crate::types::{At, UserId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

/// Rows in one transaction: the intake's next commit waits no longer than these take.
const BATCH: i64 = 500;

/// Which ones.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    /// `webhooks` or `pushes`.
    kind: String,
    reason: String,
    topic: String,
    store: String,
    /// Until when they had failed that the page showed, in microseconds.
    until: Option<i64>,
}

impl Wish {
    fn same(&self, now: At) -> Same {
        let queue = if self.kind == kind_of(Queue::Jobs) {
            Queue::Jobs
        } else {
            Queue::WebhookEvents
        };
        // What failed after the page was made has not been agreed to.
        let until = self.until.map_or(now, At).min(now);
        let mut same = Same::of(queue, &self.reason, until);
        same.topic.clone_from(&self.topic);
        same.shop_domain.clone_from(&self.store);
        same
    }
}

/// Where all that failed for one reason are replayed.
pub(super) fn href(
    frame: &Frame,
    queue: Queue,
    reason: &str,
    topic: &str,
    shop_domain: &str,
) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("kind", kind_of(queue));
    query.append_pair("reason", &same::beginning(reason));
    for (name, value) in [("topic", topic), ("store", shop_domain)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    format!("{}/events/replays?{}", frame.prefix, query.finish())
}

#[derive(Template)]
#[template(path = "events/replays.html")]
struct ReplaysPage {
    frame: Frame,
    kind: &'static str,
    same: Same,
    topics: Vec<Tally>,
    total: i64,
}

/// `GET /events/replays?kind=&reason=&topic=&store=`: what replaying all of them would do.
///
/// # Errors
///
/// The database's.
pub async fn new(
    db: web::Data<Db>,
    visitor: Visitor,
    wish: web::Query<Wish>,
) -> Result<HttpResponse, WebError> {
    let frame = visitor.frame(Section::Events);
    let same = wish.same(frame.now);
    let asked = same.clone();
    let topics = db
        .read(move |conn| same::count_by_topic(conn, &asked))
        .await?;
    let page = ReplaysPage {
        frame,
        kind: kind_of(same.queue),
        total: topics.iter().map(|tally| tally.rows).sum(),
        same,
        topics,
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /events/replays`
///
/// # Errors
///
/// `Conflict` where some of the same work is filed at this moment.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    form: web::Form<Wish>,
) -> Result<HttpResponse, WebError> {
    let same = form.same(clock.now());
    let (by, mut below, mut count) = (user.id, i64::MAX, 0);
    // Batch by batch, each with its line in the audit log: what arrives meanwhile is stored in between.
    loop {
        let (batch, now) = (same.clone(), clock.now());
        let done = db
            .write(move |conn| replay_batch(conn, &batch, below, by, now))
            .await
            .map_err(filed_meanwhile)?;
        let Some((lowest, replayed)) = done else {
            break;
        };
        (below, count) = (lowest, count + replayed);
    }
    let asked = same.clone();
    let left = db
        .read(move |conn| same::count_by_topic(conn, &asked))
        .await?;
    let left: i64 = left.iter().map(|tally| tally.rows).sum();
    let left = match left {
        0 => String::new(),
        left => format!(
            " {} left: the same work is open already.",
            filters::grouped(left)
        ),
    };
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let words = format!("Replayed {}.{left}", filters::grouped(count));
    visitor.say(&db, &words).await?;
    let kind = kind_of(same.queue);
    Ok(see_other(&format!("/events?state=open&kind={kind}")))
}

/// The next batch below an id: its lowest id, and how many of it were replayed.
fn replay_batch(
    conn: &mut DbConnection,
    same: &Same,
    below: i64,
    by: UserId,
    now: At,
) -> Result<Option<(i64, usize)>, DbError> {
    let Some(lowest) = same::find_batch(conn, same, below, BATCH)? else {
        return Ok(None);
    };
    let count = same::replay(conn, same, (lowest, below), now)?;
    if count > 0 {
        let subject = format!("{}/{lowest}", same.queue.table());
        let arguments = json!({ "count": count });
        audit::record(
            conn,
            Some(by),
            Kind::EventsReplayed,
            &subject,
            &arguments,
            now,
        )?;
    }
    Ok(Some((lowest, count)))
}

/// Somebody filed the same work between our look and our change.
pub(super) fn filed_meanwhile(error: DbError) -> WebError {
    if error.is_duplicate() {
        WebError::Conflict("The same work was filed at this moment: look again.".to_owned())
    } else {
        error.into()
    }
}
