//! Runs: one at a time for each stream of a store, seen, stopped, and gone on with after a restart.
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing, Job, Run};
use crate::platform::queue::{Outcome, Queue, Status, queries as queue};
use crate::shopify::client::ShopifyError;
use crate::shopify::jobs::living;
use crate::shopify::shops::Shop;
use crate::shopify::sync::queries::runs::{self as rows, RunRow};
use crate::shopify::sync::{
    OrderStatus, RunKind, RunState, Stream, backfill, bulk, pass, people, rehearsal,
};
use crate::shopify::{Connector, outcome_of};
use crate::types::{At, ShopId, SyncRunId, UserId};

/// A run to begin.
#[derive(Clone, Debug)]
pub struct NewRun {
    pub shop: ShopId,
    /// The store's address.
    pub domain: String,
    pub stream: Stream,
    pub kind: RunKind,
    pub from: At,
    /// The end of the range, which does not belong to it.
    pub to: At,
    pub status: OrderStatus,
    /// Counts only.
    pub dry_run: bool,
    pub by: Option<UserId>,
}

impl NewRun {
    /// Of all orders, begun by nobody.
    #[must_use]
    pub fn of_orders(shop: &Shop, kind: RunKind, from: At, to: At) -> NewRun {
        NewRun {
            shop: shop.id,
            domain: shop.domain.to_string(),
            stream: Stream::Orders,
            kind,
            from,
            to,
            status: OrderStatus::Any,
            dry_run: false,
            by: None,
        }
    }

    /// Of the customers that changed since a moment, whatever they bought; since ever from `At(0)` on.
    #[must_use]
    pub fn of_customers(shop: &Shop, since: At, now: At) -> NewRun {
        NewRun {
            stream: Stream::Customers,
            ..NewRun::of_orders(shop, RunKind::Backfill, since, now)
        }
    }
}

/// How far a run is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    diesel::Queryable,
    diesel::Selectable,
    diesel::AsChangeset,
)]
#[diesel(table_name = crate::schema::sync_runs)]
pub struct Tally {
    /// What is to be looked at: orders, customers, or days of a pass.
    pub total: i64,
    pub done: i64,
    /// Found here as the store has them.
    pub here: i64,
    /// New here, and newer than ours; in a dry run what would be.
    pub created: i64,
    pub updated: i64,
    /// What could not be read or booked.
    pub failed: i64,
}

/// Why a run did not begin.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Another one of the stream is open.
    #[error("a run of this store is under way already")]
    Busy(SyncRunId),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Begins a run.
///
/// # Errors
///
/// `Busy`.
pub fn file(conn: &mut DbConnection, run: &NewRun, now: At) -> Result<SyncRunId, FileError> {
    if let Some(open) = rows::find_open(conn, run.shop, run.stream)? {
        if !has_given_up(conn, &open)? {
            return Err(FileError::Busy(open.id));
        }
        let why = (None, Some("its job gave up"));
        rows::mark_finished(conn, open.id, RunState::Failed, why, now)?;
    }
    let Some(id) = rows::insert(conn, run, now)? else {
        let open = rows::find_open(conn, run.shop, run.stream)?;
        return Err(match open {
            Some(open) => FileError::Busy(open.id),
            None => FileError::Db(DbError::Interrupted),
        });
    };
    let filing = Filing {
        shop_domain: Some(run.domain.clone()),
        subject: Some(format!("sync_run/{id}")),
        user: run.by,
        ..Filing::default()
    };
    let job = jobs::enqueue(conn, &SyncRun { run: id }, &filing, now)?;
    rows::set_job(conn, id, job)?;
    Ok(id)
}

/// Whether nobody works on an open run any more: its job is dead, discarded, or gone.
///
/// # Errors
///
/// The database's.
pub fn has_given_up(conn: &mut DbConnection, run: &RunRow) -> Result<bool, DbError> {
    let Some(job) = run.job_id else {
        return Ok(run.finished_at.is_none());
    };
    Ok(match jobs::queries::find(conn, job)? {
        Some(job) => match Status::from_code(job.status) {
            Status::Pending | Status::Working | Status::Waiting => false,
            Status::Done | Status::Superseded | Status::Dead | Status::Discarded => {
                run.finished_at.is_none()
            }
        },
        None => run.finished_at.is_none(),
    })
}

/// Asks a run to stop after what it is at; what it did stays. `false`: it has ended.
///
/// # Errors
///
/// The database's.
pub fn cancel(conn: &mut DbConnection, id: SyncRunId, now: At) -> Result<bool, DbError> {
    let asked = rows::mark_cancel_asked(conn, id, now)?;
    if asked {
        wake(conn, id, now)?;
    }
    Ok(asked)
}

/// Has a run look once more whether Shopify's file is there: the webhook that tells may be lost.
pub(super) fn wake(conn: &mut DbConnection, id: SyncRunId, now: At) -> Result<(), DbError> {
    if let Some(cause) = rows::find(conn, id)?.as_ref().and_then(bulk::cause) {
        queue::wake(conn, Queue::Jobs, &cause, now)?;
    }
    Ok(())
}

/// Does a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct SyncRun {
    pub run: SyncRunId,
}

impl Job for SyncRun {
    const KIND: &'static str = "shopify.sync_run";
    // A run goes on for minutes: others must find room beside several of them.
    const AT_ONCE: usize = 2;
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.run.to_string())
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        let (id, now) = (self.run, cx.clock.now());
        let row = cx
            .db
            .write(move |conn| {
                rows::mark_started(conn, id, now)?;
                rows::find(conn, id)
            })
            .await;
        let row = match row {
            Ok(Some(row)) if row.finished_at.is_none() => row,
            Ok(Some(_) | None) => return Outcome::nothing_to_do("the run has ended"),
            Err(error) => return Outcome::retry(DbError::to_string(&error)),
        };
        let shop = match living(&cx, row.shop_id).await {
            Ok(shop) => shop,
            Err(Outcome::WaitFor { cause, reason }) => return Outcome::WaitFor { cause, reason },
            Err(other) => {
                return end(&cx, id, RunState::Failed, None, "the store is gone", other).await;
            }
        };
        let mut work = Work::new(&cx, shop, row);
        let ended = match (work.run.stream, work.run.kind) {
            (Stream::Customers, _) => people::run(&mut work).await,
            (Stream::Orders, RunKind::Pass) => pass::run(&mut work).await,
            (Stream::Orders, RunKind::Backfill | RunKind::Backup | RunKind::Fetch) => {
                backfill::run(&mut work).await
            }
            (Stream::Orders, RunKind::Rehearsal) => rehearsal::run(&mut work).await,
        };
        settle(&cx, id, work.shop.id, ended).await
    }
}

/// How a stretch of a run ended.
#[derive(Debug)]
pub(super) enum End {
    /// It is through; what it found, as JSON.
    Done(Option<String>),
    /// Somebody stopped it.
    Cancelled(Option<String>),
    /// It goes on when this has come.
    Waits { cause: String, reason: String },
}

/// Why a stretch of a run broke off. It goes on where it stopped.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error(transparent)]
    Call(#[from] ShopifyError),
    #[error(transparent)]
    Db(#[from] DbError),
    /// It can never succeed as it is.
    #[error("{0}")]
    Hopeless(String),
}

/// A run under way: the store, the row, and how far it is.
pub(super) struct Work<'a> {
    pub(super) cx: &'a Connector,
    pub(super) shop: Shop,
    pub(super) run: RunRow,
    pub(super) tally: Tally,
}

impl<'a> Work<'a> {
    fn new(cx: &'a Connector, shop: Shop, run: RunRow) -> Work<'a> {
        Work {
            cx,
            shop,
            tally: run.tally,
            run,
        }
    }

    /// Where the run goes on; the start where it has none.
    pub(super) fn place<P: for<'de> Deserialize<'de> + Default>(&self) -> P {
        let place = self.run.place.as_deref();
        place
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    /// Keeps how far the run is; whether somebody asked it to stop.
    pub(super) async fn keep<P: Serialize>(
        &self,
        phase: &'static str,
        place: &P,
    ) -> Result<bool, RunError> {
        let (id, tally) = (self.run.id, self.tally);
        let place = serde_json::to_string(place).unwrap_or_default();
        let stopped = self
            .cx
            .db
            .write(move |conn| rows::set_progress(conn, id, tally, phase, Some(&place)))
            .await?;
        Ok(stopped)
    }
}

async fn settle(
    cx: &Connector,
    id: SyncRunId,
    shop: ShopId,
    ended: Result<End, RunError>,
) -> Outcome {
    match ended {
        Ok(End::Done(result)) => end(cx, id, RunState::Done, result, "", Outcome::Done).await,
        Ok(End::Cancelled(result)) => {
            let outcome = Outcome::nothing_to_do("somebody stopped it");
            end(cx, id, RunState::Cancelled, result, "", outcome).await
        }
        Ok(End::Waits { cause, reason }) => Outcome::WaitFor { cause, reason },
        Err(RunError::Db(error)) => Outcome::retry(error.to_string()),
        Err(RunError::Call(error)) => match outcome_of(shop, &error) {
            Outcome::Dead { reason } => {
                let dead = Outcome::dead(reason.clone());
                end(cx, id, RunState::Failed, None, &reason, dead).await
            }
            other @ (Outcome::Done
            | Outcome::NothingToDo { .. }
            | Outcome::Superseded
            | Outcome::Retry { .. }
            | Outcome::WaitFor { .. }) => other,
        },
        Err(RunError::Hopeless(reason)) => {
            let dead = Outcome::dead(reason.clone());
            end(cx, id, RunState::Failed, None, &reason, dead).await
        }
    }
}

async fn end(
    cx: &Connector,
    id: SyncRunId,
    state: RunState,
    result: Option<String>,
    reason: &str,
    outcome: Outcome,
) -> Outcome {
    let (now, reason) = (cx.clock.now(), reason.to_owned());
    let written = cx
        .db
        .write(move |conn| {
            let reason = (!reason.is_empty()).then_some(reason.as_str());
            rows::mark_finished(conn, id, state, (result.as_deref(), reason), now)
        })
        .await;
    match written {
        Ok(()) => outcome,
        Err(error) => Outcome::retry(DbError::to_string(&error)),
    }
}
