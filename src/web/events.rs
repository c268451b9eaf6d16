//! Events: what came in and what goes out, why something failed, and what mends it.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

pub mod actions;
mod inspector;
mod narrow;
pub mod payload;
pub mod replays;
mod tab;

use super::error::WebError;
use super::filters;
use super::page::{Frame, Section, html};
use super::pausing::{self, Banner};
use super::visitor::Visitor;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::platform::queue::queries::count_by_status;
use crate::platform::queue::queries::list::{self, ListRow, RejectedRow};
use crate::platform::queue::queries::page::{self, Beyond, Place, Wanted};
use crate::platform::queue::{Policy, Queue, Status};
use crate::platform::worker::Worker;
use crate::types::At;
use inspector::Inspected;
use narrow::{Chip, ReasonView};
use tab::Tab;

/// Rows on a page.
const PAGE: usize = 50;
/// Rows of one state of one table among which a filter looks for a page.
const LOOK_AT: i64 = 10_000;
/// What is done today is counted so far.
const MOST_COUNTED: i64 = 10_000;
/// With more tries than this a row says their number, and draws no bar for each.
const MOST_BARS: i32 = 12;

/// What the address asks for; the actions carry it too, to lead back into the same list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    state: String,
    /// `webhooks` or `pushes`; empty: both.
    kind: String,
    topic: String,
    /// A store's domain.
    store: String,
    /// How the reason begins.
    reason: String,
    /// The last row of the page of newer rows, or the first one of the page of older rows.
    before: String,
    after: String,
    /// Whether something was discarded just now.
    undo: String,
}

impl ListQuery {
    fn tab(&self) -> Tab {
        self.state.parse().unwrap_or(Tab::Open)
    }

    fn queues(&self) -> &'static [Queue] {
        match self.kind.as_str() {
            "webhooks" => &[Queue::WebhookEvents],
            "pushes" => &[Queue::Jobs],
            _ => &[Queue::WebhookEvents, Queue::Jobs],
        }
    }

    fn from(&self) -> Option<Beyond> {
        let newer = self.before.is_empty();
        let text = if newer { &self.after } else { &self.before };
        let place: Place = text.parse().ok()?;
        Some(Beyond { place, newer })
    }

    fn is_filtered(&self) -> bool {
        [&self.kind, &self.topic, &self.store, &self.reason]
            .iter()
            .any(|word| !word.is_empty())
    }

    /// `state=failed&store=…`, without what is empty.
    fn to_text(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", self.tab().as_str());
        for (name, value) in [
            ("kind", &self.kind),
            ("topic", &self.topic),
            ("store", &self.store),
            ("reason", &self.reason),
            ("before", &self.before),
            ("after", &self.after),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    /// The first page of the list with one thing changed.
    fn with(&self, change: impl FnOnce(&mut ListQuery)) -> String {
        let mut changed = self.clone();
        changed.before.clear();
        changed.after.clear();
        change(&mut changed);
        format!("/events?{}", changed.to_text())
    }
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
    anchor: String,
    href: String,
    state: (&'static str, &'static str),
    about: String,
    is_current: bool,
}

/// What stands in place of an empty list.
#[derive(Default)]
struct Nothing {
    title: String,
    text: String,
    href: String,
    action: &'static str,
}

#[derive(Template)]
#[template(path = "events/index.html")]
struct IndexPage {
    frame: Frame,
    query: ListQuery,
    tabs: Vec<TabView>,
    /// Which of the two tables, and under Done which of the two states.
    kinds: Vec<Chip>,
    /// What is filtered by, each with the way to take it away.
    chips: Vec<Chip>,
    topics: Vec<String>,
    stores: Vec<(String, String)>,
    reasons: Vec<ReasonView>,
    rows: Vec<RowView>,
    rejected: Vec<RejectedRow>,
    is_rejected: bool,
    nothing: Option<Nothing>,
    max_attempts: i32,
    looked_to: Option<At>,
    newer: String,
    older: String,
    inspected: Option<Inspected>,
    pauses: Vec<Banner>,
}

impl IndexPage {
    /// Whether the tries of a row are worth a look, and can be drawn.
    fn has_bars(&self, row: &RowView) -> bool {
        row.row.attempts > 0 && self.max_attempts <= MOST_BARS
    }

    fn bars(&self) -> std::ops::RangeInclusive<i32> {
        1..=self.max_attempts
    }
}

/// `GET /events?state=&kind=&topic=&store=&reason=&before=&after=`
///
/// # Errors
///
/// The database's.
pub async fn index(
    db: web::Data<Db>,
    worker: web::Data<Worker>,
    visitor: Visitor,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    page(&db, &worker, &visitor, query.into_inner(), None).await
}

/// `GET /events/{id}`: a webhook's event beside the list.
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    worker: web::Data<Worker>,
    visitor: Visitor,
    id: web::Path<i64>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let chosen = Some((Queue::WebhookEvents, id.into_inner()));
    page(&db, &worker, &visitor, query.into_inner(), chosen).await
}

/// `GET /events/jobs/{id}`: a push or another job beside the list.
///
/// # Errors
///
/// `NotFound`.
pub async fn show_job(
    db: web::Data<Db>,
    worker: web::Data<Worker>,
    visitor: Visitor,
    id: web::Path<i64>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let chosen = Some((Queue::Jobs, id.into_inner()));
    page(&db, &worker, &visitor, query.into_inner(), chosen).await
}

async fn page(
    db: &Db,
    worker: &Worker,
    visitor: &Visitor,
    query: ListQuery,
    chosen: Option<(Queue, i64)>,
) -> Result<HttpResponse, WebError> {
    let (frame, policy) = (visitor.frame(Section::Events), worker.policy());
    let page = db
        .read(move |conn| built(conn, frame, policy, query, chosen))
        .await?
        .ok_or_else(|| WebError::NotFound("This event".to_owned()))?;
    Ok(html(StatusCode::OK, &page))
}

fn built(
    conn: &mut DbConnection,
    frame: Frame,
    policy: Policy,
    query: ListQuery,
    chosen: Option<(Queue, i64)>,
) -> Result<Option<IndexPage>, DbError> {
    let inspected = match chosen {
        None => None,
        Some(chosen) => match inspector::inspect(conn, &frame, policy, &query, chosen)? {
            Some(inspected) => Some(inspected),
            None => return Ok(None),
        },
    };
    let tab = query.tab();
    let is_rejected = tab == Tab::Rejected;
    let mut found = page::page(conn, wanted(&query, frame.now), query.from(), PAGE)?;
    let rejected = if is_rejected {
        rejected(conn, &query, &mut found)?
    } else {
        Vec::new()
    };
    let is_empty = found.rows.is_empty() && rejected.is_empty();
    let nothing = if is_empty {
        Some(nothing(conn, &frame, &query, &found)?)
    } else {
        None
    };
    let beside = |place: Option<Place>, set: fn(&mut ListQuery, String)| {
        place.map_or(String::new(), |place| {
            let path = query.with(|query| set(query, place.to_string()));
            format!("{}{path}", frame.prefix)
        })
    };
    Ok(Some(IndexPage {
        newer: beside(found.newer, |query, place| query.after = place),
        older: beside(found.older, |query, place| query.before = place),
        looked_to: found.looked_to.filter(|_| !is_empty),
        tabs: tabs(conn, &frame, &query)?,
        kinds: narrow::kinds(&frame, &query),
        stores: narrow::stores(conn)?,
        topics: narrow::topics(conn, &query)?,
        reasons: narrow::reasons(conn, &frame, &query)?,
        chips: narrow::chips(&frame, &query),
        rows: found
            .rows
            .into_iter()
            .map(|(queue, row)| shown(&frame, &query, queue, row, chosen))
            .collect(),
        rejected,
        is_rejected,
        nothing,
        max_attempts: policy.max_attempts,
        inspected,
        pauses: pausing::banners(conn, &frame.prefix)?,
        query,
        frame,
    }))
}

fn wanted(query: &ListQuery, now: At) -> Wanted<'_> {
    let word = |text: &'_ String| -> bool { !text.trim().is_empty() };
    let (statuses, retried) = query.tab().statuses();
    Wanted {
        queues: query.queues(),
        statuses,
        retried,
        topic: word(&query.topic).then_some(query.topic.trim()),
        shop_domain: word(&query.store).then_some(query.store.trim()),
        reason: word(&query.reason).then_some(query.reason.trim()),
        // What comes again every minute or day is not open until its time has come: it stands under Pending.
        due_by: (query.tab() == Tab::Open).then_some(now),
        look_at: Some(LOOK_AT),
    }
}

/// The refused deliveries have a table of their own; a page of them is put where the list's would be.
fn rejected(
    conn: &mut DbConnection,
    query: &ListQuery,
    found: &mut page::Page,
) -> Result<Vec<RejectedRow>, DbError> {
    let before = query.from().map(|from| from.place.id);
    let size = i64::try_from(PAGE).unwrap_or(i64::MAX);
    let mut rows = list::list_rejected(conn, before, size + 1)?;
    if rows.len() > PAGE {
        rows.truncate(PAGE);
        found.older = rows.last().map(|row| Place {
            at: row.at,
            queue: Queue::WebhookEvents,
            id: row.id,
        });
    }
    Ok(rows)
}

fn nothing(
    conn: &mut DbConnection,
    frame: &Frame,
    query: &ListQuery,
    found: &page::Page,
) -> Result<Nothing, DbError> {
    if let (Some(looked_to), Some(older)) = (found.looked_to, found.older) {
        let path = query.with(|query| query.before = older.to_string());
        return Ok(Nothing {
            title: "No events match so far".to_owned(),
            text: format!(
                "Looked back to {}.",
                filters::second_text(looked_to, frame.now, &frame.zone)
            ),
            href: format!("{}{path}", frame.prefix),
            action: "Look further back",
        });
    }
    if query.is_filtered() && query.tab() != Tab::Rejected {
        return Ok(Nothing {
            title: "No events match".to_owned(),
            text: "Nothing in this view is what the filters say.".to_owned(),
            href: format!("{}/events?state={}", frame.prefix, query.tab()),
            action: "Clear filters",
        });
    }
    let (title, text) = query.tab().nothing();
    Ok(Nothing {
        title: title.to_owned(),
        text: match query.tab() {
            Tab::Open => done_today(conn, frame)?,
            Tab::Failed
            | Tab::Retrying
            | Tab::Working
            | Tab::Pending
            | Tab::Waiting
            | Tab::Done
            | Tab::Superseded
            | Tab::Discarded
            | Tab::Rejected => text.to_owned(),
        },
        ..Nothing::default()
    })
}

/// `412 done today.`
fn done_today(conn: &mut DbConnection, frame: &Frame) -> Result<String, DbError> {
    let local = frame.now.timestamp().to_zoned(frame.zone.clone());
    let midnight = local
        .start_of_day()
        .map_or(frame.now, |it| At::from(it.timestamp()));
    let mut done = 0;
    for queue in [Queue::WebhookEvents, Queue::Jobs] {
        done += list::count_done_since(conn, queue, midnight, MOST_COUNTED + 1)?;
    }
    Ok(if done > MOST_COUNTED {
        format!("{}+ done today.", filters::grouped(MOST_COUNTED))
    } else {
        format!("{} done today.", filters::grouped(done))
    })
}

fn path_of(queue: Queue, id: i64) -> String {
    match queue {
        Queue::WebhookEvents => format!("/events/{id}"),
        Queue::Jobs => format!("/events/jobs/{id}"),
    }
}

/// What the row is called on the page.
fn anchor_of(queue: Queue, id: i64) -> String {
    match queue {
        Queue::WebhookEvents => format!("event-{id}"),
        Queue::Jobs => format!("job-{id}"),
    }
}

/// The word that stands for the table in addresses.
fn kind_of(queue: Queue) -> &'static str {
    match queue {
        Queue::WebhookEvents => "webhooks",
        Queue::Jobs => "pushes",
    }
}

fn shown(
    frame: &Frame,
    query: &ListQuery,
    queue: Queue,
    row: ListRow,
    chosen: Option<(Queue, i64)>,
) -> RowView {
    let path = path_of(queue, row.id);
    RowView {
        anchor: anchor_of(queue, row.id),
        href: format!("{}{path}?{}", frame.prefix, query.to_text()),
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

fn tabs(
    conn: &mut DbConnection,
    frame: &Frame,
    query: &ListQuery,
) -> Result<Vec<TabView>, DbError> {
    let mut counts = count_by_status(conn, Queue::WebhookEvents)?;
    counts.extend(count_by_status(conn, Queue::Jobs)?);
    let mut scheduled = 0;
    for queue in [Queue::WebhookEvents, Queue::Jobs] {
        scheduled += list::count_scheduled(conn, queue, frame.now)?;
    }
    // Superseded stands under Done.
    let current = if query.tab() == Tab::Superseded {
        Tab::Done
    } else {
        query.tab()
    };
    let listed = Tab::ALL.iter().filter(|tab| **tab != Tab::Superseded);
    Ok(listed
        .map(|tab| {
            let (statuses, retried) = tab.statuses();
            let count: i64 = counts
                .iter()
                .filter(|(status, was_retried, _n)| {
                    statuses.contains(&Status::from_code(*status))
                        && retried.is_none_or(|retried| retried == *was_retried)
                })
                .map(|(_status, _retried, n)| n)
                .sum();
            let count = match tab {
                Tab::Open => count - scheduled,
                Tab::Failed
                | Tab::Retrying
                | Tab::Working
                | Tab::Pending
                | Tab::Waiting
                | Tab::Done
                | Tab::Superseded
                | Tab::Discarded
                | Tab::Rejected => count,
            };
            let is_counted = !matches!(tab, Tab::Done | Tab::Rejected);
            let path = query.with(|query| query.state = tab.to_string());
            TabView {
                label: tab.label(),
                href: format!("{}{path}", frame.prefix),
                count: is_counted.then_some(count).filter(|count| *count > 0),
                is_current: *tab == current,
                is_critical: *tab == Tab::Failed,
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_stay_in_the_address_and_pages_do_not() {
        let query = ListQuery {
            state: "failed".to_owned(),
            topic: "orders/create".to_owned(),
            reason: "50% & more".to_owned(),
            before: "1.w.2".to_owned(),
            ..ListQuery::default()
        };
        assert_eq!(
            query.to_text(),
            "state=failed&topic=orders%2Fcreate&reason=50%25+%26+more&before=1.w.2"
        );
        assert_eq!(
            query.with(|query| query.reason.clear()),
            "/events?state=failed&topic=orders%2Fcreate"
        );
    }
}
