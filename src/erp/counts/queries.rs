//! What the navigation counts, each over one index.
use diesel::prelude::*;

use crate::erp::orders::queries::list::is_in;
use crate::erp::orders::work_state::WorkState;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::Status;
use crate::schema::{jobs, orders, webhook_events};

/// # Errors
///
/// The database's.
pub fn count_to_ship(conn: &mut DbConnection) -> Result<i64, DbError> {
    let count = orders::table
        .filter(is_in(&WorkState::TO_SHIP))
        .count()
        .get_result(conn)?;
    Ok(count)
}

/// # Errors
///
/// The database's.
pub fn count_dead(conn: &mut DbConnection) -> Result<i64, DbError> {
    let dead = Status::Dead.code();
    let events: i64 = webhook_events::table
        .filter(webhook_events::status.eq(dead))
        .count()
        .get_result(conn)?;
    let jobs: i64 = jobs::table
        .filter(jobs::status.eq(dead))
        .count()
        .get_result(conn)?;
    Ok(events.saturating_add(jobs))
}
