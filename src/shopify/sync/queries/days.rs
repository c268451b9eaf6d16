//! SQL of `reconciliation_days`.
use diesel::prelude::*;

use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::reconciliation_days::{self as d, table};
use crate::types::{At, ShopId};

/// A day as it was last compared whole.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct DayRow {
    /// `2026-11-21`
    pub day: String,
    pub theirs: i64,
    pub theirs_digest: String,
    pub ours: i64,
    pub ours_digest: String,
    /// State to the store's count and ours, as JSON.
    pub states: String,
    pub missing: i64,
    pub outdated: i64,
    pub gone: i64,
    pub checked_at: At,
}

/// Stores what a day's comparison found.
pub(in crate::shopify::sync) fn upsert(
    conn: &mut DbConnection,
    shop: ShopId,
    day: &DayRow,
) -> Result<(), DbError> {
    let values = (
        d::theirs.eq(day.theirs),
        d::theirs_digest.eq(&day.theirs_digest),
        d::ours.eq(day.ours),
        d::ours_digest.eq(&day.ours_digest),
        d::states.eq(&day.states),
        d::missing.eq(day.missing),
        d::outdated.eq(day.outdated),
        d::gone.eq(day.gone),
        d::checked_at.eq(day.checked_at),
    );
    native!(conn, |c| diesel::insert_into(table)
        .values((d::shop_id.eq(shop), d::day.eq(&day.day), values))
        .on_conflict((d::shop_id, d::day))
        .do_update()
        .set(values)
        .execute(c))?;
    Ok(())
}

/// Days of a store, the newest first, before one of them.
///
/// # Errors
///
/// The database's.
pub fn list(
    conn: &mut DbConnection,
    shop: ShopId,
    before: Option<&str>,
    at_most: i64,
) -> Result<Vec<DayRow>, DbError> {
    let mut wanted = table
        .filter(d::shop_id.eq(shop))
        .order(d::day.desc())
        .limit(at_most)
        .select(COLUMNS)
        .into_boxed();
    if let Some(before) = before {
        wanted = wanted.filter(d::day.lt(before.to_owned()));
    }
    Ok(wanted.load(conn)?)
}

/// One day of a store.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, shop: ShopId, day: &str) -> Result<Option<DayRow>, DbError> {
    Ok(table
        .filter(d::shop_id.eq(shop))
        .filter(d::day.eq(day))
        .select(COLUMNS)
        .first(conn)
        .optional()?)
}

/// How many orders the store has on all days that were compared; `None` before the first one was.
///
/// # Errors
///
/// The database's.
pub fn sum_theirs(conn: &mut DbConnection, shop: ShopId) -> Result<Option<i64>, DbError> {
    let days: Vec<i64> = table
        .filter(d::shop_id.eq(shop))
        .select(d::theirs)
        .load(conn)?;
    Ok((!days.is_empty()).then(|| days.iter().sum()))
}

type Columns = (
    d::day,
    d::theirs,
    d::theirs_digest,
    d::ours,
    d::ours_digest,
    d::states,
    d::missing,
    d::outdated,
    d::gone,
    d::checked_at,
);
const COLUMNS: Columns = (
    d::day,
    d::theirs,
    d::theirs_digest,
    d::ours,
    d::ours_digest,
    d::states,
    d::missing,
    d::outdated,
    d::gone,
    d::checked_at,
);
