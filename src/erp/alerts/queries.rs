//! SQL of `alerts`.
use diesel::prelude::*;

use super::{Alert, Finding};
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::alerts;
use crate::types::At;

const COLUMNS: (
    alerts::id,
    alerts::kind,
    alerts::subject,
    alerts::cause,
    alerts::opened_at,
    alerts::resolved_at,
) = (
    alerts::id,
    alerts::kind,
    alerts::subject,
    alerts::cause,
    alerts::opened_at,
    alerts::resolved_at,
);

/// Raises an alert; nothing happens where one of its kind and subject is open.
///
/// # Errors
///
/// The database's.
pub fn insert(conn: &mut DbConnection, finding: &Finding, now: At) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(alerts::table)
        .values((
            alerts::kind.eq(finding.kind),
            alerts::subject.eq(&finding.subject),
            alerts::cause.eq(&finding.cause),
            alerts::opened_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Ends an alert.
///
/// # Errors
///
/// The database's.
pub fn mark_resolved(conn: &mut DbConnection, id: i64, now: At) -> Result<(), DbError> {
    diesel::update(alerts::table.find(id))
        .set(alerts::resolved_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// What is wrong now, the oldest first.
///
/// # Errors
///
/// The database's.
pub fn list_open(conn: &mut DbConnection) -> Result<Vec<Alert>, DbError> {
    Ok(alerts::table
        .filter(alerts::resolved_at.is_null())
        .order(alerts::id)
        .select(COLUMNS)
        .load(conn)?)
}

/// What ended after `since`, the oldest first.
///
/// # Errors
///
/// The database's.
pub fn list_resolved(conn: &mut DbConnection, since: At) -> Result<Vec<Alert>, DbError> {
    Ok(alerts::table
        .filter(alerts::resolved_at.gt(since))
        .order(alerts::id)
        .select(COLUMNS)
        .load(conn)?)
}

/// What nobody was told of yet: that it is wrong, or that it is over. What ended before `since` is no news.
///
/// # Errors
///
/// The database's.
pub fn list_untold(conn: &mut DbConnection, since: At) -> Result<Vec<Alert>, DbError> {
    let began = alerts::resolved_at.is_null().and(alerts::told_at.is_null());
    let ended = alerts::resolved_at
        .gt(since)
        .and(alerts::end_told_at.is_null());
    Ok(alerts::table
        .filter(began.or(ended))
        .order(alerts::id)
        .select(COLUMNS)
        .load(conn)?)
}

/// Notes what a mail told: an alert as it was then, which may have ended since.
///
/// # Errors
///
/// The database's.
pub fn mark_told(conn: &mut DbConnection, told: &[Alert], now: At) -> Result<(), DbError> {
    for alert in told {
        diesel::update(alerts::table.find(alert.id))
            .set(alerts::told_at.eq(now))
            .execute(conn)?;
        if alert.resolved_at.is_some() {
            diesel::update(alerts::table.find(alert.id))
                .set(alerts::end_told_at.eq(now))
                .execute(conn)?;
        }
    }
    Ok(())
}
