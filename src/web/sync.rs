//! The Sync centre: each stream of each store, how it stands, and what a person can have done about it.
pub mod backfill;
pub mod orders;
pub mod runs;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::error::WebError;
use super::filters;
use super::page::{Frame, Section, html};
use super::visitor::Visitor;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::platform::jobs::Job as _;
use crate::platform::jobs::queries as jobs;
use crate::platform::queue::queries::list;
use crate::platform::queue::{Queue, Status, pauses};
use crate::shopify::inventory::push::PushStock;
use crate::shopify::inventory::queries as stock;
use crate::shopify::jobs::ImportProducts;
use crate::shopify::pauses::scope;
use crate::shopify::shops::{self, Shop, ShopState};
use crate::shopify::sync::queries::{self, Cursor, HalfHour, days, gaps};
use crate::shopify::sync::{GapKind, RunState, Stream, runs as sync_runs, watch};
use crate::types::{At, JobId, ShopId, SyncRunId};

/// Half-hours of the strip.
const BARS: i64 = 48;

/// A stream of a store, as its row shows it.
pub(super) struct Row {
    pub(super) shop: Shop,
    /// `Orders in`
    pub(super) label: &'static str,
    pub(super) is_orders: bool,
    pub(super) is_customers: bool,
    pub(super) is_stock: bool,
    pub(super) badge: &'static str,
    pub(super) tone: &'static str,
    /// Why it does not run, and the way on.
    pub(super) why: String,
    pub(super) remedy: Option<(String, &'static str)>,
    pub(super) bars: Vec<Bar>,
    /// The strip in a sentence.
    pub(super) finding: String,
    pub(super) last: Option<At>,
    pub(super) seen_to: Option<At>,
    pub(super) waiting: i64,
    pub(super) here: i64,
    pub(super) theirs: Option<i64>,
    pub(super) open: i64,
    pub(super) every_minutes: i64,
    pub(super) run: Option<SyncRunId>,
    pub(super) job: Option<JobId>,
}

/// A half-hour of the strip.
pub(super) struct Bar {
    /// Its left edge, in the strip's own units.
    pub(super) x: i64,
    /// `warn`, `bad`, `none`, or nothing where all went well.
    pub(super) kind: &'static str,
}

impl Row {
    /// How often, in words.
    pub(super) fn interval(&self) -> String {
        every(self.every_minutes)
    }
}

/// `every hour`, `every 15 minutes`, `off`.
pub(super) fn every(minutes: i64) -> String {
    match minutes {
        0 => "off".to_owned(),
        60 => "every hour".to_owned(),
        1440 => "once a day".to_owned(),
        minutes if minutes % 60 == 0 => format!("every {} hours", minutes / 60),
        minutes => format!("every {minutes} minutes"),
    }
}

#[derive(Template)]
#[template(path = "sync/index.html")]
struct IndexPage {
    frame: Frame,
    rows: Vec<Row>,
    runs: Vec<runs::Line>,
}

/// `GET /sync`
///
/// # Errors
///
/// The database's.
pub async fn index(db: web::Data<Db>, visitor: Visitor) -> Result<HttpResponse, WebError> {
    let frame = visitor.frame(Section::Sync);
    let now = frame.now;
    let (rows, runs) = db
        .read(move |conn| -> Result<_, DbError> {
            let rows = rows(conn, now)?;
            let mut last = Vec::new();
            for row in rows.iter().filter(|row| row.is_orders) {
                last.extend(runs::latest(conn, &row.shop)?);
            }
            Ok((rows, last))
        })
        .await?;
    Ok(html(StatusCode::OK, &IndexPage { frame, rows, runs }))
}

/// Every stream of every store that is or was connected; the orders of the connected ones first.
pub(super) fn rows(conn: &mut DbConnection, now: At) -> Result<Vec<Row>, DbError> {
    let paused: Vec<_> = pauses::list(conn)?.into_iter().map(|it| it.scope).collect();
    let mut rows = Vec::new();
    for shop in shops::list(conn)? {
        if shop.state == ShopState::Disconnected {
            continue;
        }
        let is_paused = paused.contains(&scope(&shop)) || paused.contains(&pauses::Scope::Incoming);
        rows.push(orders_row(conn, shop.clone(), is_paused, now)?);
        rows.push(customers_row(conn, shop.clone(), is_paused)?);
        rows.push(products_row(conn, shop.clone(), is_paused)?);
        let is_paused = paused.contains(&scope(&shop)) || paused.contains(&pauses::Scope::Outgoing);
        rows.push(stock_row(conn, shop, is_paused)?);
    }
    Ok(rows)
}

fn orders_row(
    conn: &mut DbConnection,
    shop: Shop,
    is_paused: bool,
    now: At,
) -> Result<Row, DbError> {
    let cursor = queries::find(conn, shop.id, Stream::Orders)?;
    let run = queries::runs::find_open(conn, shop.id, Stream::Orders)?;
    let run = match run {
        Some(run) if !sync_runs::has_given_up(conn, &run)? => Some(run.id),
        Some(_) | None => None,
    };
    let first = watch::half_hour(now) - BARS + 1;
    let half_hours = queries::list_half_hours(conn, shop.id, Stream::Orders, first)?;
    let (bars, finding) = strip(&half_hours, first);
    let theirs = days::sum_theirs(conn, shop.id)?;
    let missing = gaps::count_open_of(conn, shop.id, GapKind::Missing)?;
    let events = list::standing(conn, Queue::WebhookEvents, shop.domain.as_str())?;
    let (badge, tone, why, remedy) = state(&shop, cursor.as_ref(), is_paused, run.is_some());
    Ok(Row {
        label: "Orders in",
        is_orders: true,
        is_customers: false,
        is_stock: false,
        badge,
        tone,
        why,
        remedy,
        bars,
        finding,
        last: cursor.as_ref().and_then(|cursor| cursor.looked_at),
        seen_to: cursor.as_ref().map(|cursor| cursor.looked_to),
        waiting: events.pending + events.retrying + events.working,
        // Sets, not counts: what the store has, less what of it is not here.
        here: (theirs.unwrap_or(0) - missing).max(0),
        theirs,
        open: gaps::count_open(conn, shop.id)?.0,
        every_minutes: cursor.as_ref().map_or(0, |cursor| cursor.every_minutes),
        run,
        job: None,
        shop,
    })
}

type State = (
    &'static str,
    &'static str,
    String,
    Option<(String, &'static str)>,
);

fn state(shop: &Shop, cursor: Option<&Cursor>, is_paused: bool, runs: bool) -> State {
    let store = format!("/integrations/shopify/{}", shop.id);
    let fine = |badge, tone| (badge, tone, String::new(), None);
    let failed = cursor.and_then(|cursor| cursor.error.clone());
    match shop.state {
        ShopState::NeedsReconnect | ShopState::Disconnected => {
            let why = shop.last_error.clone().unwrap_or_default();
            ("Stopped", "critical", why, Some((store, "Reconnect")))
        }
        ShopState::Active if is_paused => {
            ("Paused", "neutral", String::new(), Some((store, "See")))
        }
        ShopState::Active => match (failed, cursor.and_then(|cursor| cursor.looked_at)) {
            (Some(why), _) => ("Retrying", "warning", why, None),
            (None, _) if runs => fine("Running", "info half"),
            (None, Some(_)) => fine("Healthy", "success plain"),
            (None, None) => fine("Begins within 5 minutes", "neutral open"),
        },
    }
}

fn strip(half_hours: &[HalfHour], first: i64) -> (Vec<Bar>, String) {
    let (mut fine, mut gaps, mut failed) = (0, 0, 0);
    let bars = (0..BARS)
        .map(|nth| {
            let found = half_hours.iter().find(|it| it.half_hour == first + nth);
            let kind = match found {
                None => "none",
                Some(it) if it.failures > 0 => {
                    failed += 1;
                    "bad"
                }
                Some(it) if it.gaps > 0 => {
                    gaps += 1;
                    "warn"
                }
                Some(_) => {
                    fine += 1;
                    ""
                }
            };
            Bar { x: nth * 10, kind }
        })
        .collect();
    let finding = format!(
        "Last 24 hours: {fine} half-hours without a difference, {gaps} with one, {failed} with a failed look"
    );
    (bars, finding)
}

/// They come by webhook; what is older an import brings.
fn customers_row(conn: &mut DbConnection, shop: Shop, is_paused: bool) -> Result<Row, DbError> {
    let last = queries::runs::list(conn, shop.id, Stream::Customers, 1)?;
    let last = last.into_iter().next().map(|(row, _by)| row);
    let is_open = match &last {
        Some(run) => run.finished_at.is_none() && !sync_runs::has_given_up(conn, run)?,
        None => false,
    };
    let (badge, tone) = match &last {
        _ if shop.state != ShopState::Active => ("Stopped", "critical"),
        _ if is_paused => ("Paused", "neutral"),
        Some(_) if is_open => ("Running", "info half"),
        Some(run) if run.state == RunState::Failed => ("Failed", "critical"),
        Some(_) => ("Healthy", "success plain"),
        None => ("By webhook", "success plain"),
    };
    let failed = last.as_ref().filter(|run| run.state == RunState::Failed);
    Ok(Row {
        label: "Customers in",
        is_orders: false,
        is_customers: true,
        is_stock: false,
        badge,
        tone,
        why: failed
            .and_then(|run| run.reason.clone())
            .unwrap_or_default(),
        remedy: None,
        bars: Vec::new(),
        finding: String::new(),
        last: last.as_ref().and_then(|run| run.finished_at),
        seen_to: None,
        waiting: 0,
        here: 0,
        theirs: None,
        open: 0,
        every_minutes: 0,
        run: last.filter(|_| is_open).map(|run| run.id),
        job: None,
        shop,
    })
}

fn products_row(conn: &mut DbConnection, shop: Shop, is_paused: bool) -> Result<Row, DbError> {
    let job = jobs::find_latest(conn, ImportProducts::KIND, shop.domain.as_str())?;
    let status = job.as_ref().map(|job| Status::from_code(job.status));
    let (badge, tone) = match status {
        _ if shop.state != ShopState::Active => ("Stopped", "critical"),
        _ if is_paused => ("Paused", "neutral"),
        Some(Status::Working | Status::Pending) => ("Running", "info half"),
        Some(Status::Waiting) => ("Waiting", "neutral open"),
        Some(Status::Dead) => ("Failed", "critical"),
        Some(Status::Done | Status::Superseded | Status::Discarded) | None => {
            ("Healthy", "success plain")
        }
    };
    let reason = job.as_ref().and_then(|job| job.reason.clone());
    let is_dead = status == Some(Status::Dead);
    Ok(Row {
        label: "Products in",
        is_orders: false,
        is_customers: false,
        is_stock: false,
        badge,
        tone,
        why: reason.filter(|_| is_dead).unwrap_or_default(),
        remedy: None,
        bars: Vec::new(),
        finding: String::new(),
        last: job.as_ref().and_then(|job| job.finished_at),
        seen_to: None,
        waiting: 0,
        here: 0,
        theirs: None,
        open: 0,
        every_minutes: 1440,
        run: None,
        job: job.map(|job| job.id),
        shop,
    })
}

fn stock_row(conn: &mut DbConnection, shop: Shop, is_paused: bool) -> Result<Row, DbError> {
    let is_on = stock::find_settings(conn, shop.id)?.is_on;
    // A store that was never told anything has no such job, and looking for it would walk through all there are.
    let job = if is_on {
        jobs::find_latest(conn, PushStock::KIND, shop.domain.as_str())?
    } else {
        None
    };
    let status = job.as_ref().map(|job| Status::from_code(job.status));
    let is_open = job.as_ref().is_some_and(|job| job.attempts > 0)
        && matches!(status, Some(Status::Pending | Status::Working));
    let refused = stock::levels::count_refused(conn, shop.id)?;
    let (pushed_at, read_at) = stock::levels::last_times(conn, shop.id)?;
    let reason = job.and_then(|job| job.reason).unwrap_or_default();
    let (badge, tone, why) = match shop.state {
        _ if !is_on => ("Off", "neutral open", String::new()),
        ShopState::NeedsReconnect | ShopState::Disconnected => {
            ("Stopped", "critical", String::new())
        }
        ShopState::Active if is_paused => ("Paused", "neutral", String::new()),
        ShopState::Active if status == Some(Status::Dead) => ("Failed", "critical", reason),
        ShopState::Active if status == Some(Status::Waiting) => ("Waiting", "warning", reason),
        ShopState::Active if is_open => ("Retrying", "warning", reason),
        ShopState::Active if refused > 0 => {
            let noun = if refused == 1 { "number" } else { "numbers" };
            (
                "Refused",
                "warning",
                format!("{refused} {noun} refused by Shopify"),
            )
        }
        ShopState::Active => ("Healthy", "success plain", String::new()),
    };
    let check = stock::checks::find_latest(conn, shop.id)?.filter(|_| is_on);
    Ok(Row {
        label: "Stock out",
        is_orders: false,
        is_customers: false,
        is_stock: true,
        badge,
        tone,
        why,
        remedy: None,
        bars: Vec::new(),
        finding: String::new(),
        last: pushed_at.max(read_at),
        seen_to: None,
        waiting: stock::levels::count_due(conn, shop.id)?,
        here: 0,
        theirs: None,
        open: check.map_or(0, |check| check.differed),
        every_minutes: if is_on { 1440 } else { 0 },
        run: None,
        job: None,
        shop,
    })
}

/// The store of a page: the one that is named, else the first connected one.
pub(in crate::web) fn chosen(
    conn: &mut DbConnection,
    named: Option<ShopId>,
) -> Result<(Vec<Shop>, Option<Shop>), DbError> {
    let mut shops = shops::list(conn)?;
    shops.retain(|shop| shop.state != ShopState::Disconnected);
    let shop = shops.iter().find(|shop| Some(shop.id) == named);
    let shop = shop.or(shops.first()).cloned();
    Ok((shops, shop))
}
