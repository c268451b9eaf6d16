//! Whether the process can do its work: the database answers and somebody works on the queue.
use std::time::Duration;

use crate::platform::db::{DbConnection, DbError};
use crate::types::At;

pub mod queries;

/// A worker that has not been heard of for so long counts as gone.
const SILENCE: Duration = Duration::from_secs(180);

/// What a load balancer or a person wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Ready,
    /// Pages work, but nobody applies events.
    NoWorker,
}

/// Looks into the database.
///
/// # Errors
///
/// The database's: then it is not ready either.
pub fn check(conn: &mut DbConnection, now: At) -> Result<Health, DbError> {
    let seen = queries::last_seen_worker(conn)?;
    Ok(match seen {
        Some(seen) if now.since(seen) < SILENCE => Health::Ready,
        Some(_) | None => Health::NoWorker,
    })
}
