//! SQL of `timeline`.
use diesel::prelude::*;

use super::Kind;
use crate::insert_rows;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{timeline, users};
use crate::types::{At, OrderId, UserId};

#[derive(Insertable)]
#[diesel(table_name = timeline, treat_none_as_default_value = false)]
pub(super) struct NewEntry {
    pub(super) order_id: OrderId,
    pub(super) at: At,
    pub(super) kind: Kind,
    pub(super) arguments: String,
    pub(super) user_id: Option<UserId>,
    pub(super) source: Option<String>,
    pub(super) micros: Option<i64>,
    pub(super) request_id: Option<String>,
}

/// One entry as it was written.
#[derive(Clone, Debug, Queryable)]
pub struct EntryRow {
    pub id: i64,
    pub at: At,
    pub kind: Kind,
    pub arguments: String,
    pub user_name: Option<String>,
    pub source: Option<String>,
    pub micros: Option<i64>,
    pub request_id: Option<String>,
}

pub(super) fn insert(conn: &mut DbConnection, rows: &[NewEntry]) -> Result<(), DbError> {
    insert_rows!(conn, timeline::table, rows)?;
    Ok(())
}

/// The order's entries, newest first.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, order: OrderId, limit: i64) -> Result<Vec<EntryRow>, DbError> {
    Ok(timeline::table
        .left_join(users::table)
        .filter(timeline::order_id.eq(order))
        .order(timeline::id.desc())
        .limit(limit)
        .select((
            timeline::id,
            timeline::at,
            timeline::kind,
            timeline::arguments,
            users::name.nullable(),
            timeline::source,
            timeline::micros,
            timeline::request_id,
        ))
        .load(conn)?)
}
