//! Events: what came in and what goes out, why something failed, and what mends it.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

pub mod actions;
pub mod payload;

use super::error::WebError;
use super::filters;
use super::page::{Frame, Section, html};
use super::pausing::{self, Banner};
use super::visitor::Visitor;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::platform::inbox::queries as inbox;
use crate::platform::jobs::queries as jobs;
use crate::platform::queue::queries::count_by_status;
use crate::platform::queue::queries::list::{self, ListRow, RejectedRow, TryRow, Wanted};
use crate::platform::queue::{Queue, Status};
use crate::types::{EventId, JobId};
use payload::Line;

/// Rows on a page.
const PAGE: i64 = 50;

crate::text_enum! {
    /// A tab of the list.
    Tab {
        Open = "open",
        Failed = "failed",
        Retrying = "retrying",
        Working = "working",
        Pending = "pending",
        Waiting = "waiting",
        Done = "done",
        Superseded = "superseded",
        Discarded = "discarded",
        Rejected = "rejected",
    }
}

impl Tab {
    fn label(self) -> &'static str {
        match self {
            Tab::Open => "Open",
            Tab::Failed => "Failed",
            Tab::Retrying => "Retrying",
            Tab::Working => "Working",
            Tab::Pending => "Pending",
            Tab::Waiting => "Waiting",
            Tab::Done => "Done",
            Tab::Superseded => "Superseded",
            Tab::Discarded => "Discarded",
            Tab::Rejected => "Rejected",
        }
    }

    fn statuses(self) -> (&'static [Status], Option<bool>) {
        match self {
            Tab::Open => (
                &[
                    Status::Dead,
                    Status::Pending,
                    Status::Working,
                    Status::Waiting,
                ],
                None,
            ),
            Tab::Failed => (&[Status::Dead], None),
            Tab::Retrying => (&[Status::Pending], Some(true)),
            Tab::Working => (&[Status::Working], None),
            Tab::Pending => (&[Status::Pending], Some(false)),
            Tab::Waiting => (&[Status::Waiting], None),
            Tab::Done => (&[Status::Done], None),
            Tab::Superseded => (&[Status::Superseded], None),
            Tab::Discarded => (&[Status::Discarded], None),
            Tab::Rejected => (&[], None),
        }
    }
}

/// What the address asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    state: String,
    /// `webhooks` or `pushes`; empty: both, without older pages.
    kind: String,
    before: Option<i64>,
}

/// A tab with its count.
struct TabView {
    label: &'static str,
    href: String,
    count: Option<i64>,
    is_current: bool,
    is_critical: bool,
}

/// A row as the list shows it.
struct RowView {
    row: ListRow,
    href: String,
    state: (&'static str, &'static str),
    about: String,
    is_current: bool,
}

/// The event beside the list.
struct Inspected {
    title: String,
    /// Where its actions post to.
    path: String,
    state: (&'static str, &'static str),
    reason: Option<String>,
    remedy: String,
    facts: Vec<(&'static str, String)>,
    tries: Vec<TryRow>,
    lines: Vec<Line>,
    bytes: usize,
    /// Instead of tries and payload.
    dropped: Option<String>,
    may_replay: bool,
    may_discard: bool,
    /// How many others died of the same reason.
    same: usize,
}

#[derive(Template)]
#[template(path = "events/index.html")]
struct IndexPage {
    frame: Frame,
    tabs: Vec<TabView>,
    rows: Vec<RowView>,
    rejected: Vec<RejectedRow>,
    is_rejected: bool,
    kinds: Vec<(&'static str, String, bool)>,
    older: String,
    inspected: Option<Inspected>,
    pauses: Vec<Banner>,
}

/// `GET /events?state=&kind=&before=`
///
/// # Errors
///
/// The database's.
pub async fn index(
    db: web::Data<Db>,
    visitor: Visitor,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    page(&db, &visitor, query.into_inner(), None).await
}

/// `GET /events/{id}`: a webhook's event beside the list.
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<i64>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let chosen = Some((Queue::WebhookEvents, id.into_inner()));
    page(&db, &visitor, query.into_inner(), chosen).await
}

/// `GET /events/jobs/{id}`: a push or another job beside the list.
///
/// # Errors
///
/// `NotFound`.
pub async fn show_job(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<i64>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let chosen = Some((Queue::Jobs, id.into_inner()));
    page(&db, &visitor, query.into_inner(), chosen).await
}

async fn page(
    db: &Db,
    visitor: &Visitor,
    query: ListQuery,
    chosen: Option<(Queue, i64)>,
) -> Result<HttpResponse, WebError> {
    let frame = visitor.frame(Section::Events);
    let page = db
        .read(move |conn| built(conn, frame, &query, chosen))
        .await?
        .ok_or_else(|| WebError::NotFound("This event".to_owned()))?;
    Ok(html(StatusCode::OK, &page))
}

fn built(
    conn: &mut DbConnection,
    frame: Frame,
    query: &ListQuery,
    chosen: Option<(Queue, i64)>,
) -> Result<Option<IndexPage>, DbError> {
    let tab: Tab = query.state.parse().unwrap_or(Tab::Open);
    let mut rows = Vec::new();
    for queue in [Queue::WebhookEvents, Queue::Jobs] {
        let (statuses, retried) = tab.statuses();
        if is_wanted(query, queue) && !statuses.is_empty() {
            let wanted = Wanted {
                statuses,
                retried,
                topic: None,
                before: query.before.filter(|_| !query.kind.is_empty()),
                limit: PAGE,
            };
            let found = list::list(conn, queue, wanted)?;
            rows.extend(found.into_iter().map(|row| (queue, row)));
        }
    }
    rows.sort_by_key(|(_queue, row)| std::cmp::Reverse(row.at));
    let inspected = match chosen {
        None => None,
        Some(chosen) => match inspect(conn, &frame, chosen)? {
            Some(inspected) => Some(inspected),
            None => return Ok(None),
        },
    };
    let is_rejected = tab == Tab::Rejected;
    let is_full = i64::try_from(rows.len()).is_ok_and(|shown| shown == PAGE);
    let last = rows.last().map_or(0, |(_queue, row)| row.id);
    let older = if is_full && !query.kind.is_empty() {
        format!("?state={tab}&kind={}&before={last}", query.kind)
    } else {
        String::new()
    };
    Ok(Some(IndexPage {
        tabs: tabs(conn, &frame, tab)?,
        kinds: [("All", ""), ("Webhooks", "webhooks"), ("Pushes", "pushes")]
            .into_iter()
            .map(|(label, kind)| {
                let href = format!("{}/events?state={tab}&kind={kind}", frame.prefix);
                (label, href, kind == query.kind)
            })
            .collect(),
        rejected: if is_rejected {
            list::list_rejected(conn, PAGE)?
        } else {
            Vec::new()
        },
        is_rejected,
        rows: rows
            .into_iter()
            .map(|(queue, row)| shown(&frame, tab, queue, row, chosen))
            .collect(),
        older,
        inspected,
        pauses: pausing::banners(conn, &frame.prefix)?,
        frame,
    }))
}

fn is_wanted(query: &ListQuery, queue: Queue) -> bool {
    match queue {
        Queue::WebhookEvents => query.kind != "pushes",
        Queue::Jobs => query.kind != "webhooks",
    }
}

fn path_of(queue: Queue, id: i64) -> String {
    match queue {
        Queue::WebhookEvents => format!("/events/{id}"),
        Queue::Jobs => format!("/events/jobs/{id}"),
    }
}

fn shown(
    frame: &Frame,
    tab: Tab,
    queue: Queue,
    row: ListRow,
    chosen: Option<(Queue, i64)>,
) -> RowView {
    RowView {
        href: format!("{}{}?state={tab}", frame.prefix, path_of(queue, row.id)),
        state: words(Status::from_code(row.status), row.attempts),
        about: about(row.key.as_deref()),
        is_current: chosen == Some((queue, row.id)),
        row,
    }
}

/// What a key is about, without the store: `order 1001`.
fn about(key: Option<&str>) -> String {
    let Some((_store, rest)) = key.and_then(|key| key.split_once('/')) else {
        return String::new();
    };
    rest.replace('/', " ")
}

fn words(status: Status, attempts: i32) -> (&'static str, &'static str) {
    match status {
        Status::Pending if attempts > 0 => ("Retrying", "warning"),
        Status::Pending => ("Pending", "neutral open"),
        Status::Working => ("Working", "info half"),
        Status::Waiting => ("Waiting", "neutral open"),
        Status::Done => ("Done", "success plain"),
        Status::Superseded => ("Superseded", "neutral"),
        Status::Dead => ("Failed", "critical"),
        Status::Discarded => ("Discarded", "neutral"),
    }
}

fn tabs(conn: &mut DbConnection, frame: &Frame, current: Tab) -> Result<Vec<TabView>, DbError> {
    let mut counts = count_by_status(conn, Queue::WebhookEvents)?;
    counts.extend(count_by_status(conn, Queue::Jobs)?);
    Ok(Tab::ALL
        .iter()
        .map(|tab| {
            let (statuses, retried) = tab.statuses();
            let count = counts
                .iter()
                .filter(|(status, was_retried, _n)| {
                    statuses.contains(&Status::from_code(*status))
                        && retried.is_none_or(|retried| retried == *was_retried)
                })
                .map(|(_status, _retried, n)| n)
                .sum();
            let is_listed = !matches!(tab, Tab::Done | Tab::Superseded | Tab::Rejected);
            TabView {
                label: tab.label(),
                href: format!("{}/events?state={tab}", frame.prefix),
                count: is_listed.then_some(count).filter(|count| *count > 0),
                is_current: *tab == current,
                is_critical: *tab == Tab::Failed,
            }
        })
        .collect())
}

fn inspect(
    conn: &mut DbConnection,
    frame: &Frame,
    (queue, id): (Queue, i64),
) -> Result<Option<Inspected>, DbError> {
    let tries = list::list_tries(conn, queue, id)?;
    let found = match queue {
        Queue::WebhookEvents => inbox::find(conn, EventId(id))?.map(event_facts),
        Queue::Jobs => jobs::find(conn, JobId(id))?.map(job_facts),
    };
    let Some(facts) = found else {
        return Ok(None);
    };
    let status = Status::from_code(facts.status);
    let same = match (&facts.reason, status) {
        (Some(reason), Status::Dead) => list::list_dead_of(conn, queue, reason)?.len(),
        _ => 0,
    };
    let is_over = matches!(
        status,
        Status::Done | Status::Superseded | Status::Dead | Status::Discarded | Status::Waiting
    ) || (status == Status::Pending && facts.attempts > 0);
    let is_open = matches!(status, Status::Pending | Status::Waiting | Status::Dead);
    let lines = payload::lines(&facts.body, facts.reason.as_deref());
    // Why there was nothing to do is no alarm.
    let (reason, remedy) = match (status, facts.reason) {
        (Status::Done, Some(reason)) => (None, format!("Nothing to do: {reason}.")),
        (_, reason) => (reason, remedy(queue, status).to_owned()),
    };
    Ok(Some(Inspected {
        path: format!("{}{}", frame.prefix, path_of(queue, id)),
        title: facts.title,
        state: words(status, facts.attempts),
        remedy,
        lines,
        bytes: facts.body.len(),
        may_replay: is_over && facts.dropped.is_none() && frame.may("replay"),
        dropped: facts.dropped,
        reason,
        facts: facts.facts,
        tries,
        may_discard: is_open && frame.may("discard"),
        same,
    }))
}

/// What the inspector shows of either table.
struct Facts {
    title: String,
    status: i16,
    attempts: i32,
    reason: Option<String>,
    facts: Vec<(&'static str, String)>,
    body: Vec<u8>,
    dropped: Option<String>,
}

fn event_facts(row: inbox::EventRow) -> Facts {
    let dropped = payload::dropped(&row);
    let mut facts = vec![
        ("Event", row.id.to_string()),
        ("Store", row.shop_domain),
        ("Received", row.received_at.timestamp().to_string()),
        (
            "Signed with",
            format!("the secret \"{}\"", row.secret_label),
        ),
        ("Webhook id", row.webhook_id),
        ("Headers", row.headers),
    ];
    facts.extend(row.key.map(|key| ("About", about(Some(&key)))));
    facts.extend(row.locked_by.map(|worker| ("Held by", worker)));
    Facts {
        title: row.topic,
        status: row.status,
        attempts: row.attempts,
        reason: row.reason,
        facts,
        body: row.body,
        dropped,
    }
}

fn job_facts(row: jobs::JobRow) -> Facts {
    let mut facts = vec![
        ("Job", row.id.to_string()),
        ("Filed", row.created_at.timestamp().to_string()),
    ];
    facts.extend(row.shop_domain.map(|shop| ("Store", shop)));
    facts.extend(
        row.subject
            .map(|subject| ("About", subject.replace('/', " "))),
    );
    facts.extend(row.waits_for.map(|cause| ("Waits for", cause)));
    facts.extend(row.locked_by.map(|worker| ("Held by", worker)));
    Facts {
        title: row.kind,
        status: row.status,
        attempts: row.attempts,
        reason: row.reason,
        facts,
        body: row.payload.into_bytes(),
        dropped: None,
    }
}

fn remedy(queue: Queue, status: Status) -> &'static str {
    match (queue, status) {
        (Queue::WebhookEvents, Status::Dead) => {
            "Nothing of it was applied. If the store sends the record again, that is applied; replay once the cause is mended, or discard."
        }
        (Queue::Jobs, Status::Dead) => {
            "Mend what the reason names, then replay. Discard it if it is no longer wanted."
        }
        (_, Status::Waiting) => "It goes on by itself once its cause is mended.",
        (_, Status::Pending) => "It is tried again by itself.",
        (_, Status::Superseded) => "A newer state of the same record was there already.",
        (_, Status::Working | Status::Done | Status::Discarded) => "",
    }
}
