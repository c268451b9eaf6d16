//! SQL of `changes`.
use diesel::prelude::*;

use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{changes, queues};
use crate::types::At;

#[derive(Insertable)]
#[diesel(table_name = changes, treat_none_as_default_value = false)]
struct NewChange<'a> {
    kind: &'a str,
    public_id: &'a str,
    at: At,
}

/// One row of the feed.
#[derive(Clone, Debug, Queryable)]
pub struct ChangeRow {
    pub seq: i64,
    pub kind: String,
    pub public_id: String,
    pub at: At,
}

/// Makes other writers of the feed wait for our commit. SQLite has one writer anyway.
pub(super) fn hold(conn: &mut DbConnection) -> Result<(), DbError> {
    if matches!(conn, DbConnection::Postgres(_)) {
        diesel::update(queues::table.filter(queues::name.eq("changes")))
            .set(queues::name.eq("changes"))
            .execute(conn)?;
    }
    Ok(())
}

pub(super) fn insert(
    conn: &mut DbConnection,
    kind: &str,
    public_ids: &[String],
    now: At,
) -> Result<(), DbError> {
    let rows: Vec<NewChange<'_>> = public_ids
        .iter()
        .map(|public_id| NewChange {
            kind,
            public_id,
            at: now,
        })
        .collect();
    native!(conn, |c| diesel::insert_into(changes::table)
        .values(&rows)
        .execute(c))?;
    Ok(())
}

/// The feed after `seq`, oldest first.
///
/// # Errors
///
/// The database's.
pub fn list_after(
    conn: &mut DbConnection,
    seq: i64,
    limit: i64,
) -> Result<Vec<ChangeRow>, DbError> {
    Ok(changes::table
        .filter(changes::seq.gt(seq))
        .order(changes::seq.asc())
        .limit(limit)
        .load(conn)?)
}
