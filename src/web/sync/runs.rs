//! One run: how far it is, how it ended, and a way to stop it.
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;

use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::shopify::shops::{self, Shop, ShopError};
use crate::shopify::sync::backfill::Found;
use crate::shopify::sync::people::{Fate, Sample};
use crate::shopify::sync::queries::runs::{self as rows, RunRow};
use crate::shopify::sync::rehearsal::{self, Findings};
use crate::shopify::sync::runs::{self, FileError, NewRun};
use crate::shopify::sync::{RunKind, RunState, Stream, days};
use crate::types::{At, ShopId, SyncRunId};
use crate::web::error::WebError;
use crate::web::export::{self, harmless};
use crate::web::filters;
use crate::web::integrations::missing;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

/// Runs that are listed.
const LATEST: i64 = 5;

/// A run in a list.
pub(super) struct Line {
    pub(super) shop: String,
    pub(super) row: RunRow,
    pub(super) title: &'static str,
    pub(super) badge: &'static str,
    pub(super) tone: &'static str,
    pub(super) by: String,
    pub(super) words: String,
}

/// A run as its page shows it.
struct View {
    row: RunRow,
    shop: Shop,
    title: &'static str,
    badge: &'static str,
    tone: &'static str,
    open: bool,
    first: Date,
    last: Date,
    rate: String,
    left: String,
    words: String,
    found: Found,
    findings: Option<Findings>,
    /// What a real run would fetch, after a dry one.
    to_fetch: i64,
}

impl View {
    /// Whether it is about customers; else about orders.
    fn is_of_people(&self) -> bool {
        self.row.stream == Stream::Customers
    }

    /// The day since which customers are looked at; empty: since ever.
    fn since(&self) -> String {
        if self.row.from_at <= At(0) {
            String::new()
        } else {
            self.first.to_string()
        }
    }

    /// The examples of a dry run, by what would become of them: id, title, customers.
    fn samples(&self) -> Vec<(&'static str, &'static str, Vec<&Sample>)> {
        let all: Vec<&Sample> = self
            .found
            .people
            .iter()
            .flat_map(|people| &people.samples)
            .collect();
        [
            (Fate::Made, "Would be made"),
            (Fate::Changed, "Would be brought up to date"),
            (Fate::Left, "Stay as they are"),
        ]
        .into_iter()
        .map(|(fate, title)| {
            let of_it = all.iter().copied().filter(|one| one.fate == fate);
            (fate.as_str(), title, of_it.collect::<Vec<_>>())
        })
        .filter(|(_, _, customers)| !customers.is_empty())
        .collect()
    }

    /// Whether companies would come along.
    fn brings_companies(&self) -> bool {
        let people = self.found.people.as_ref();
        people.is_some_and(|people| people.companies > 0)
    }

    /// Where the store itself shows a customer.
    fn at_store(&self, customer: &str) -> String {
        format!("https://{}/admin/customers/{customer}", self.shop.domain)
    }
}

#[derive(Template)]
#[template(path = "sync/run.html")]
struct ShowPage {
    frame: Frame,
    view: View,
}

/// The part that refreshes itself while the run is open.
#[derive(Template)]
#[template(path = "sync/_run.html")]
struct RunPart {
    frame: Frame,
    view: View,
}

#[derive(Debug, Deserialize)]
pub struct NewForm {
    store: ShopId,
    #[serde(default)]
    kind: String,
}

/// `GET /sync/runs/{id}`
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    req: HttpRequest,
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<SyncRunId>,
) -> Result<HttpResponse, WebError> {
    let (id, frame) = (id.into_inner(), visitor.frame(Section::Sync));
    let now = frame.now;
    let view = db
        .read(move |conn| -> Result<_, ShopError> {
            let Some(row) = rows::find(conn, id)? else {
                return Ok(None);
            };
            let shop = shops::get(conn, row.shop_id)?;
            let given_up = runs::has_given_up(conn, &row)?;
            Ok(Some(view(row, shop, given_up, now)))
        })
        .await
        .map_err(missing)?
        .ok_or_else(|| WebError::NotFound("This run".to_owned()))?;
    Ok(if req.headers().contains_key("hx-request") {
        html(StatusCode::OK, &RunPart { frame, view })
    } else {
        html(StatusCode::OK, &ShowPage { frame, view })
    })
}

/// `POST /sync/orders/runs`: `store`, `kind` (`backup`, `pass`, `fetch`, `rehearsal`).
///
/// # Errors
///
/// `NotFound`; `Invalid` for another kind.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    form: web::Form<NewForm>,
) -> Result<HttpResponse, WebError> {
    let (now, by) = (clock.now(), user.id);
    let kind = match form.kind.parse() {
        Ok(kind @ (RunKind::Backup | RunKind::Pass | RunKind::Fetch | RunKind::Rehearsal)) => kind,
        Ok(RunKind::Backfill) | Err(_) => {
            return Err(WebError::invalid("there is no such run"));
        }
    };
    let store = form.store;
    let filed = db
        .write(move |conn| -> Result<_, ShopError> {
            let shop = shops::get(conn, store)?;
            let (from, to) = span(conn, &shop, kind, now)?;
            let run = NewRun {
                by: Some(by),
                ..NewRun::of_orders(&shop, kind, from, to)
            };
            Ok(runs::file(conn, &run, now))
        })
        .await
        .map_err(missing)?;
    begun(&db, &visitor, filed).await
}

/// Leads to the run, or to the one that is under way already.
pub(in crate::web) async fn begun(
    db: &Db,
    visitor: &Visitor,
    filed: Result<SyncRunId, FileError>,
) -> Result<HttpResponse, WebError> {
    let id = match filed {
        Ok(id) => id,
        Err(FileError::Busy(id)) => {
            let words = "This run is under way already: one at a time for each store.";
            visitor.say(db, words).await?;
            id
        }
        Err(FileError::Db(error)) => return Err(error.into()),
    };
    Ok(see_other(&format!("/sync/runs/{id}")))
}

fn span(conn: &mut DbConnection, shop: &Shop, kind: RunKind, now: At) -> Result<(At, At), DbError> {
    let cursor = crate::shopify::sync::queries::find(conn, shop.id, Stream::Orders)?;
    let known_from = cursor
        .as_ref()
        .map_or(shop.installed_at, |it| it.known_from);
    let shown = crate::shopify::sync::watch::oldest_shown(shop, now);
    let from = match kind {
        RunKind::Rehearsal => now.before(rehearsal::SPAN),
        RunKind::Backup => cursor
            .as_ref()
            .map_or(shop.installed_at, |it| it.backup_to)
            .before(crate::shopify::sync::BACKUP_OVERLAP),
        RunKind::Pass | RunKind::Fetch | RunKind::Backfill => {
            known_from.max(now.before(crate::shopify::sync::SHOWN))
        }
    };
    Ok((from.max(shown), now))
}

/// `GET /sync/runs/{id}/refused`: what could not be brought in, as CSV, each with its reason.
///
/// # Errors
///
/// `NotFound`.
pub async fn refused(
    db: web::Data<Db>,
    id: web::Path<SyncRunId>,
) -> Result<HttpResponse, WebError> {
    let id = id.into_inner();
    let row = db
        .read(move |conn| rows::find(conn, id))
        .await?
        .ok_or_else(|| WebError::NotFound("This run".to_owned()))?;
    let found: Option<Found> = row
        .result
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    let lines = export::written(|file| {
        file.write_record(["id", "name", "reason"])?;
        found
            .unwrap_or_default()
            .refused
            .iter()
            .try_for_each(|one| {
                file.write_record([&one.id, &one.name, &one.reason].map(|text| harmless(text)))
            })
    })
    .map_err(|error| WebError::internal(error.to_string()))?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            "Content-Disposition",
            format!("attachment; filename=\"refused-{id}.csv\""),
        ))
        .body(lines))
}

/// `POST /sync/runs/{id}/cancellation`
///
/// # Errors
///
/// `Conflict` where it has ended already.
pub async fn create_cancellation(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    id: web::Path<SyncRunId>,
) -> Result<HttpResponse, WebError> {
    let (id, now) = (id.into_inner(), clock.now());
    let asked = db.write(move |conn| runs::cancel(conn, id, now)).await?;
    if !asked {
        return Err(WebError::Conflict("this run has ended".to_owned()));
    }
    Ok(see_other(&format!("/sync/runs/{id}")))
}

/// The latest runs of a store.
pub(super) fn latest(conn: &mut DbConnection, shop: &Shop) -> Result<Vec<Line>, DbError> {
    let mut found = rows::list(conn, shop.id, Stream::Orders, LATEST)?;
    found.extend(rows::list(conn, shop.id, Stream::Customers, LATEST)?);
    found.sort_unstable_by_key(|(row, _by)| std::cmp::Reverse(row.id));
    let mut lines = Vec::new();
    for (row, by) in found {
        let given_up = runs::has_given_up(conn, &row)?;
        let (badge, tone) = badge(&row, given_up);
        lines.push(Line {
            shop: shop.name.clone(),
            title: title(&row),
            badge,
            tone,
            by: by.unwrap_or_default(),
            words: words(&row),
            row,
        });
    }
    Ok(lines)
}

fn view(row: RunRow, shop: Shop, given_up: bool, now: At) -> View {
    let zone = days::zone(&shop);
    let (badge, tone) = badge(&row, given_up);
    let open = row.finished_at.is_none() && !given_up;
    let result = row.result.as_deref();
    let findings = result
        .filter(|_| row.kind == RunKind::Rehearsal)
        .and_then(|text| serde_json::from_str(text).ok());
    let found = result.and_then(|text| serde_json::from_str(text).ok());
    let (rate, left) = pace(&row, now);
    View {
        title: title(&row),
        badge,
        tone,
        open,
        first: days::day_of(row.from_at, &zone),
        last: days::day_of(At(row.to_at.0 - 1), &zone),
        rate,
        left,
        words: words(&row),
        found: found.unwrap_or_default(),
        findings,
        to_fetch: if row.dry_run {
            row.tally.created + row.tally.updated
        } else {
            0
        },
        row,
        shop,
    }
}

/// How quick it is, and how long it may still take.
fn pace(row: &RunRow, now: At) -> (String, String) {
    let (Some(begun), done) = (row.started_at, row.tally.done) else {
        return (String::new(), String::new());
    };
    let until = row.finished_at.unwrap_or(now);
    let seconds = i64::try_from(until.since(begun).as_secs()).unwrap_or(0);
    if seconds == 0 || done == 0 {
        return (String::new(), String::new());
    }
    let rate = format!("{} a minute", filters::grouped(done * 60 / seconds));
    let rest = (row.tally.total - done).max(0);
    let left = std::time::Duration::from_secs(u64::try_from(rest * seconds / done).unwrap_or(0));
    let left = if row.finished_at.is_none() && rest > 0 {
        format!("about {} left", filters::long_text(left))
    } else {
        String::new()
    };
    (rate, left)
}

fn title(row: &RunRow) -> &'static str {
    match row.kind {
        _ if row.stream == Stream::Customers && row.dry_run => "Counting customers",
        _ if row.stream == Stream::Customers => "Importing customers",
        RunKind::Backfill if row.dry_run => "Counting orders",
        RunKind::Backfill => "Fetching orders",
        RunKind::Backup => "Backup sync",
        RunKind::Pass => "Comparing days",
        RunKind::Fetch => "Fetching differences",
        RunKind::Rehearsal => "Rehearsal",
    }
}

fn badge(row: &RunRow, given_up: bool) -> (&'static str, &'static str) {
    match row.state {
        RunState::Open if given_up => ("Failed", "critical"),
        RunState::Open if row.cancel_asked_at.is_some() => ("Stopping", "info half"),
        RunState::Open if row.started_at.is_none() => ("Queued", "neutral open"),
        RunState::Open => ("Running", "info half"),
        RunState::Done if row.tally.failed > 0 && row.kind != RunKind::Rehearsal => {
            ("Done, some refused", "warning")
        }
        RunState::Done => ("Done", "success"),
        RunState::Cancelled => ("Cancelled", "neutral"),
        RunState::Failed => ("Failed", "critical"),
    }
}

/// What came of it, in a sentence.
fn words(row: &RunRow) -> String {
    let tally = row.tally;
    let count = filters::grouped;
    match row.kind {
        RunKind::Pass => match row.result.as_deref() {
            Some(_) if tally.done == 1 => "1 day compared".to_owned(),
            Some(_) => format!("{} days compared", count(tally.done)),
            None => String::new(),
        },
        RunKind::Rehearsal => format!(
            "{} of {} orders would go through untouched",
            count(tally.here),
            count(tally.done)
        ),
        RunKind::Backfill if row.dry_run => format!(
            "{} in Shopify: {} here, {} new, {} newer there",
            count(tally.total),
            count(tally.here),
            count(tally.created),
            count(tally.updated)
        ),
        RunKind::Backfill | RunKind::Backup | RunKind::Fetch => format!(
            "{} here already, {} new, {} brought up to date, {} refused",
            count(tally.here),
            count(tally.created),
            count(tally.updated),
            count(tally.failed)
        ),
    }
}
