//! Every statement on `jobs` beside those of the queue engine.
use diesel::prelude::*;

use crate::native;
use crate::platform::db::prepared::{Prepare as _, Rows, at_once};
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{jobs, tries};
use crate::types::{At, JobId, UserId};

/// A job to store.
#[derive(Insertable)]
#[diesel(table_name = jobs, treat_none_as_default_value = false)]
pub struct NewJob {
    pub kind: &'static str,
    pub dedupe_key: Option<String>,
    pub key: Option<String>,
    pub payload: String,
    pub webhook_id: Option<String>,
    pub shop_domain: Option<String>,
    pub subject: Option<String>,
    pub created_at: At,
    pub created_by: Option<UserId>,
    pub due_at: At,
}

/// A job as pages and the worker see it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = jobs)]
pub struct JobRow {
    pub id: JobId,
    pub kind: String,
    pub shop_domain: Option<String>,
    pub subject: Option<String>,
    pub payload: String,
    /// What the job last said of its progress, as JSON.
    pub progress: Option<String>,
    pub created_at: At,
    pub created_by: Option<UserId>,
    /// The delivery that it goes back to, where there is one.
    pub webhook_id: Option<String>,
    pub status: i16,
    pub due_at: At,
    pub attempts: i32,
    pub crashes: i32,
    pub locked_by: Option<String>,
    pub locked_at: Option<At>,
    pub reason: Option<String>,
    pub waits_for: Option<String>,
    pub finished_at: Option<At>,
}

/// Stores a job unless an open one has its dedupe key.
///
/// # Errors
///
/// The database's.
pub fn insert(conn: &mut DbConnection, job: &NewJob) -> Result<Option<JobId>, DbError> {
    Ok(native!(conn, |c| diesel::insert_into(jobs::table)
        .values(job)
        .on_conflict_do_nothing()
        .returning(jobs::id)
        .get_result(c)
        .optional())?)
}

/// Stores jobs, except those whose dedupe key an open one has.
///
/// # Errors
///
/// The database's.
pub fn insert_all(conn: &mut DbConnection, jobs: &[NewJob]) -> Result<(), DbError> {
    let mut rest = jobs;
    while !rest.is_empty() {
        let (rows, later) = rest.split_at(at_once(rest.len()));
        match conn {
            DbConnection::Postgres(c) => diesel::insert_into(jobs::table)
                .values(rows)
                .on_conflict_do_nothing()
                .prepared()
                .execute(c)?,
            DbConnection::Sqlite(c) => {
                let each = |row| diesel::insert_or_ignore_into(jobs::table).values(row);
                Rows(rows.iter().map(each).collect()).execute(c)?
            }
        };
        rest = later;
    }
    Ok(())
}

/// Lets another job have the dedupe key of this one.
///
/// # Errors
///
/// The database's.
pub fn free_dedupe_key(conn: &mut DbConnection, id: JobId) -> Result<(), DbError> {
    diesel::update(jobs::table.find(id))
        .set(jobs::dedupe_key.eq(None::<String>))
        .execute(conn)?;
    Ok(())
}

/// One job.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, id: JobId) -> Result<Option<JobRow>, DbError> {
    Ok(jobs::table
        .find(id)
        .select(JobRow::as_select())
        .first(conn)
        .optional()?)
}

/// The latest job of a kind for a shop, open or not.
///
/// # Errors
///
/// The database's.
pub fn find_latest(
    conn: &mut DbConnection,
    kind: &str,
    shop_domain: &str,
) -> Result<Option<JobRow>, DbError> {
    Ok(jobs::table
        .filter(jobs::kind.eq(kind))
        .filter(jobs::shop_domain.eq(shop_domain))
        .order(jobs::id.desc())
        .select(JobRow::as_select())
        .first(conn)
        .optional()?)
}

/// The latest job of a kind about a record, open or not.
///
/// # Errors
///
/// The database's.
pub fn find_latest_about(
    conn: &mut DbConnection,
    kind: &str,
    subject: &str,
) -> Result<Option<JobRow>, DbError> {
    Ok(jobs::table
        .filter(jobs::subject.eq(subject))
        .filter(jobs::kind.eq(kind))
        .order(jobs::id.desc())
        .select(JobRow::as_select())
        .first(conn)
        .optional()?)
}

/// Keeps what a running job says of its progress.
///
/// # Errors
///
/// The database's.
pub fn set_progress(conn: &mut DbConnection, id: JobId, progress: &str) -> Result<(), DbError> {
    diesel::update(jobs::table.find(id))
        .set(jobs::progress.eq(progress))
        .execute(conn)?;
    Ok(())
}

/// Asks a job to stop: one that has not begun is discarded, a running one sees `cancel` in `waits_for`.
///
/// # Errors
///
/// The database's.
pub fn mark_cancel_requested(conn: &mut DbConnection, id: JobId, now: At) -> Result<bool, DbError> {
    let waiting = diesel::update(jobs::table.find(id).filter(jobs::status.eq_any([0, 2])))
        .set((
            jobs::status.eq(6),
            jobs::reason.eq("cancelled before it began"),
            jobs::finished_at.eq(now),
        ))
        .execute(conn)?;
    let running = diesel::update(jobs::table.find(id).filter(jobs::status.eq(1)))
        .set(jobs::waits_for.eq("cancel"))
        .execute(conn)?;
    Ok(waiting + running == 1)
}

/// Whether somebody asked a running job to stop.
///
/// # Errors
///
/// The database's.
pub fn is_cancel_requested(conn: &mut DbConnection, id: JobId) -> Result<bool, DbError> {
    let wish: Option<Option<String>> = jobs::table
        .find(id)
        .select(jobs::waits_for)
        .first(conn)
        .optional()?;
    Ok(wish.flatten().as_deref() == Some("cancel"))
}

/// Forgets a job that is done, and its tries: of what comes again every minute nobody reads the history.
///
/// # Errors
///
/// The database's.
pub fn delete_done(conn: &mut DbConnection, id: JobId) -> Result<(), DbError> {
    let gone = diesel::delete(jobs::table.find(id).filter(jobs::status.eq(3))).execute(conn)?;
    if gone > 0 {
        diesel::delete(
            tries::table
                .filter(tries::queue.eq("jobs"))
                .filter(tries::row_id.eq(id.0)),
        )
        .execute(conn)?;
    }
    Ok(())
}

/// How many jobs of a kind are not finished.
///
/// # Errors
///
/// The database's.
pub fn count_open(conn: &mut DbConnection, kind: &str) -> Result<i64, DbError> {
    Ok(jobs::table
        .filter(jobs::kind.eq(kind))
        .filter(jobs::status.lt(3))
        .count()
        .get_result(conn)?)
}
