//! Jobs that come again: each run files the next one, in the transaction of its work. A dedupe key that holds the
//! time it is for makes sure that there is one; [`begin`] files the first when a process starts and none is open.
use std::time::Duration;

use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing, Job, queries};
use crate::types::{At, JobId};

/// A job that comes again.
pub trait Repeat: Job + Sized {
    /// The run after one at `now`, and how long until then. `last` is the job that runs now.
    fn next(&self, last: Option<JobId>, now: At) -> (Self, Duration);

    /// The run before this one, whose row goes at once: a year of short steps would leave half a million of them.
    fn before(&self) -> Option<JobId> {
        None
    }
}

/// Files the run after this one, which is `run`, and takes the row of the one before away.
///
/// # Errors
///
/// The database's.
pub fn go_on<J: Repeat>(
    conn: &mut DbConnection,
    job: &J,
    run: JobId,
    filing: Filing,
    now: At,
) -> Result<(), DbError> {
    file_next(conn, job, Some(run), filing, now)?;
    match job.before() {
        Some(before) => queries::delete_done(conn, before),
        None => Ok(()),
    }
}

/// Files the run after this one; `last` is the job that runs now, where one does.
///
/// # Errors
///
/// The database's.
pub fn file_next<J: Repeat>(
    conn: &mut DbConnection,
    job: &J,
    last: Option<JobId>,
    filing: Filing,
    now: At,
) -> Result<(), DbError> {
    let (next, delay) = job.next(last, now);
    // It runs before its own time, as after a clock was set right: its key must not keep its follower away.
    if let Some(last) = last
        && next.dedupe_key() == job.dedupe_key()
    {
        queries::free_dedupe_key(conn, last)?;
    }
    let filing = Filing { delay, ..filing };
    jobs::enqueue(conn, &next, &filing, now).map(drop)
}

/// Files the first run, unless one is open: at the start of a process.
///
/// # Errors
///
/// The database's.
pub fn begin<J: Repeat>(conn: &mut DbConnection, job: &J, now: At) -> Result<(), DbError> {
    if queries::count_open(conn, J::KIND)? > 0 {
        return Ok(());
    }
    file_next(conn, job, None, Filing::default(), now)
}
