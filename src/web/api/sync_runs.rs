//! Fetching the orders of some days, asked for by a program.
use actix_web::{HttpResponse, web};
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sync::Filter;
use super::{chosen_shop, field, moment};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection};
use crate::shopify::shops::Shop;
use crate::shopify::sync::queries::runs::{self as rows, RunRow};
use crate::shopify::sync::range::{self, Range};
use crate::shopify::sync::runs::{self, FileError, NewRun};
use crate::shopify::sync::{OrderStatus, RunKind, Stream, days};
use crate::types::At;
use crate::web::error::WebError;

/// Which orders.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// The first day, in the store's time zone; a week ago where it is missing.
    #[serde(default)]
    #[schema(example = "2026-11-01")]
    from_date: Option<String>,
    /// The last day, which belongs to it; today where it is missing.
    #[serde(default)]
    #[schema(example = "2026-11-21")]
    to_date: Option<String>,
    /// `any` (where it is missing), `open`, `closed`, `cancelled`, `paid` or `unfulfilled`.
    #[serde(default)]
    status: Option<String>,
    /// Counts alone: how many there are, and how many of them are new or newer.
    #[serde(default)]
    dry_run: bool,
}

/// A run over a store's orders.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncRun {
    pub id: i64,
    pub store: String,
    /// `backfill`, `backup`, `pass`, `fetch` or `rehearsal`.
    pub kind: String,
    /// `open`, `done`, `cancelled` or `failed`.
    pub state: String,
    pub dry_run: bool,
    pub from_date: String,
    pub to_date: String,
    pub status: String,
    /// What is to be looked at, and what was.
    pub total: i64,
    pub done: i64,
    /// Here already; new; brought up to date; refused. In a dry run what would be.
    pub here: i64,
    pub created: i64,
    pub updated: i64,
    pub failed: i64,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub reason: Option<String>,
    /// Where a part of what was asked for cannot be had.
    pub notice: Option<String>,
}

impl SyncRun {
    pub(super) fn of(row: RunRow, shop: &Shop, notice: Option<String>) -> SyncRun {
        let zone = days::zone(shop);
        SyncRun {
            id: row.id.0,
            store: shop.domain.to_string(),
            kind: row.kind.to_string(),
            state: row.state.to_string(),
            dry_run: row.dry_run,
            from_date: days::day_of(row.from_at, &zone).to_string(),
            to_date: days::day_of(At(row.to_at.0 - 1), &zone).to_string(),
            status: row.status.to_string(),
            total: row.tally.total,
            done: row.tally.done,
            here: row.tally.here,
            created: row.tally.created,
            updated: row.tally.updated,
            failed: row.tally.failed,
            started_at: row.started_at.map(moment),
            finished_at: row.finished_at.map(moment),
            reason: row.reason,
            notice,
        }
    }
}

/// Fetches the orders of some days that are not here as the store has them. How far it is stands in `sync/status`.
#[utoipa::path(
    post, path = "/api/{tenant}/sync/shopify", tag = "Sync", params(Filter), request_body = Wish,
    responses(
        (status = 202, body = SyncRun, description = "It was begun"),
        (status = 404, description = "No such store is connected"),
        (status = 409, description = "Several stores are connected: `shops` lists them; or a run is under way"),
        (status = 422, description = "`errors` names what is wrong"),
    )
)]
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    query: web::Query<Filter>,
    wish: web::Json<Wish>,
) -> Result<HttpResponse, WebError> {
    let (now, wish) = (clock.now(), wish.into_inner());
    let named = query.into_inner().shop;
    let begun = db
        .write(move |conn| begin(conn, named.as_deref(), &wish, now))
        .await?;
    Ok(HttpResponse::Accepted().json(begun))
}

fn begin(
    conn: &mut DbConnection,
    named: Option<&str>,
    wish: &Wish,
    now: At,
) -> Result<SyncRun, WebError> {
    let shop = chosen_shop(conn, named)?;
    let today = days::day_of(now, &days::zone(&shop));
    let week = today.checked_sub(6.days()).unwrap_or(today);
    let first = day("from_date", wish.from_date.as_deref())?.unwrap_or(week);
    let last = day("to_date", wish.to_date.as_deref())?.unwrap_or(today);
    let status = wish.status.as_deref().unwrap_or("any");
    let status: OrderStatus = status.parse().map_err(|_unknown| {
        let words: Vec<&str> = OrderStatus::ALL.iter().map(|one| one.as_str()).collect();
        field("status", &format!("Give one of {}.", words.join(", ")))
    })?;
    let Range { from, to, cut_to } = range::of_days(&shop, first, last, now)
        .map_err(|error| field("from_date", &error.to_string()))?;
    let run = NewRun {
        status,
        dry_run: wish.dry_run,
        ..NewRun::of_orders(&shop, RunKind::Backfill, from, to)
    };
    let id = match runs::file(conn, &run, now) {
        Ok(id) => id,
        Err(error @ FileError::Busy(_)) => return Err(WebError::Conflict(error.to_string())),
        Err(FileError::Db(error)) => return Err(error.into()),
    };
    let row = rows::find(conn, id)?.ok_or_else(|| WebError::internal("the run is not there"))?;
    let notice = cut_to.map(|shown| {
        format!(
            "Begins at {shown}: without the scope read_all_orders Shopify shows this app the orders of the last 60 days alone."
        )
    });
    Ok(SyncRun::of(row, &shop, notice))
}

fn day(name: &str, text: Option<&str>) -> Result<Option<Date>, WebError> {
    super::parsed(name, text, "Give a day, like 2026-11-21.")
}

/// The run that is under way, or the last one.
pub(super) fn last(conn: &mut DbConnection, shop: &Shop) -> Result<Option<SyncRun>, WebError> {
    let found = rows::list(conn, shop.id, Stream::Orders, 1)?;
    Ok(found
        .into_iter()
        .next()
        .map(|(row, _by)| SyncRun::of(row, shop, None)))
}
