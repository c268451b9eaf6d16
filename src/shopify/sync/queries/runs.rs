//! SQL of `sync_runs`.
use diesel::prelude::*;

use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::sync_runs::{self as r, table};
use crate::schema::{sync_runs, users};
use crate::shopify::sync::runs::{NewRun, Tally};
use crate::shopify::sync::{OrderStatus, RunKind, RunState, Stream};
use crate::types::{At, JobId, ShopId, SyncRunId, UserId};

/// A run.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sync_runs)]
pub struct RunRow {
    pub id: SyncRunId,
    pub shop_id: ShopId,
    pub stream: Stream,
    pub kind: RunKind,
    pub from_at: At,
    pub to_at: At,
    pub status: OrderStatus,
    /// Counts only.
    pub dry_run: bool,
    pub job_id: Option<JobId>,
    pub started_by: Option<UserId>,
    pub created_at: At,
    pub started_at: Option<At>,
    pub finished_at: Option<At>,
    pub cancel_asked_at: Option<At>,
    pub state: RunState,
    /// What it is at, as a word: `comparing`, `waiting for Shopify's file`.
    pub phase: String,
    #[diesel(embed)]
    pub tally: Tally,
    /// Where it goes on, as JSON.
    pub place: Option<String>,
    /// What it found, as JSON.
    pub result: Option<String>,
    pub reason: Option<String>,
}

/// Stores a run unless one of the stream is open.
pub(in crate::shopify::sync) fn insert(
    conn: &mut DbConnection,
    run: &NewRun,
    now: At,
) -> Result<Option<SyncRunId>, DbError> {
    Ok(native!(conn, |c| diesel::insert_into(table)
        .values((
            r::shop_id.eq(run.shop),
            r::stream.eq(run.stream),
            r::kind.eq(run.kind),
            (r::from_at.eq(run.from), r::to_at.eq(run.to)),
            r::status.eq(run.status),
            r::dry_run.eq(run.dry_run),
            r::started_by.eq(run.by),
            r::created_at.eq(now),
            r::state.eq(RunState::Open),
            r::phase.eq(""),
            (r::total.eq(0_i64), r::done.eq(0_i64), r::here.eq(0_i64)),
            (
                r::created.eq(0_i64),
                r::updated.eq(0_i64),
                r::failed.eq(0_i64)
            ),
        ))
        .on_conflict_do_nothing()
        .returning(r::id)
        .get_result(c)
        .optional())?)
}

/// Says which job does a run.
pub(in crate::shopify::sync) fn set_job(
    conn: &mut DbConnection,
    id: SyncRunId,
    job: Option<JobId>,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set(r::job_id.eq(job))
        .execute(conn)?;
    Ok(())
}

/// One run.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, id: SyncRunId) -> Result<Option<RunRow>, DbError> {
    Ok(table
        .find(id)
        .select(RunRow::as_select())
        .first(conn)
        .optional()?)
}

/// The open run of a stream.
///
/// # Errors
///
/// The database's.
pub fn find_open(
    conn: &mut DbConnection,
    shop: ShopId,
    stream: Stream,
) -> Result<Option<RunRow>, DbError> {
    Ok(table
        .filter(r::shop_id.eq(shop))
        .filter(r::stream.eq(stream))
        .filter(r::finished_at.is_null())
        .select(RunRow::as_select())
        .first(conn)
        .optional()?)
}

/// The latest runs of a stream, the newest first, with the name of who began each.
///
/// # Errors
///
/// The database's.
pub fn list(
    conn: &mut DbConnection,
    shop: ShopId,
    stream: Stream,
    at_most: i64,
) -> Result<Vec<(RunRow, Option<String>)>, DbError> {
    Ok(table
        .left_join(users::table.on(r::started_by.eq(users::id.nullable())))
        .filter(r::shop_id.eq(shop))
        .filter(r::stream.eq(stream))
        .order(r::id.desc())
        .limit(at_most)
        .select((RunRow::as_select(), users::name.nullable()))
        .load(conn)?)
}

/// Notes that a run has begun, once.
pub(in crate::shopify::sync) fn mark_started(
    conn: &mut DbConnection,
    id: SyncRunId,
    now: At,
) -> Result<(), DbError> {
    diesel::update(table.find(id).filter(r::started_at.is_null()))
        .set(r::started_at.eq(Some(now)))
        .execute(conn)?;
    Ok(())
}

/// Keeps how far a run is, and says whether somebody asked it to stop.
pub(in crate::shopify::sync) fn set_progress(
    conn: &mut DbConnection,
    id: SyncRunId,
    tally: Tally,
    phase: &str,
    place: Option<&str>,
) -> Result<bool, DbError> {
    diesel::update(table.find(id))
        .set((tally, r::phase.eq(phase), r::place.eq(place)))
        .execute(conn)?;
    let asked: Option<Option<At>> = table
        .find(id)
        .select(r::cancel_asked_at)
        .first(conn)
        .optional()?;
    Ok(asked.flatten().is_some())
}

/// Ends a run.
pub(in crate::shopify::sync) fn mark_finished(
    conn: &mut DbConnection,
    id: SyncRunId,
    state: RunState,
    (result, reason): (Option<&str>, Option<&str>),
    now: At,
) -> Result<(), DbError> {
    diesel::update(table.find(id).filter(r::finished_at.is_null()))
        .set((
            r::state.eq(state),
            r::finished_at.eq(Some(now)),
            r::result.eq(result),
            r::reason.eq(reason),
        ))
        .execute(conn)?;
    Ok(())
}

/// Asks an open run to stop; returns whether it is open.
pub(in crate::shopify::sync) fn mark_cancel_asked(
    conn: &mut DbConnection,
    id: SyncRunId,
    now: At,
) -> Result<bool, DbError> {
    let open = table.find(id).filter(r::finished_at.is_null());
    Ok(diesel::update(open)
        .set(r::cancel_asked_at.eq(Some(now)))
        .execute(conn)?
        == 1)
}
