//! SQL of `changes`.
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::{changes, queues};
use crate::types::At;
use crate::{insert_rows, native};

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
    insert_rows!(conn, changes::table, rows)?;
    Ok(())
}

/// Whether there are changes without a number.
pub(super) fn is_behind(conn: &mut DbConnection) -> Result<bool, DbError> {
    let unnumbered = changes::table.filter(changes::seq.is_null());
    Ok(diesel::select(diesel::dsl::exists(unnumbered)).get_result(conn)?)
}

/// Makes others who number wait for our commit. SQLite has one writer anyway.
pub(super) fn hold(conn: &mut DbConnection) -> Result<(), DbError> {
    if matches!(conn, DbConnection::Postgres(_)) {
        diesel::update(queues::table.filter(queues::name.eq("changes")))
            .set(queues::name.eq("changes"))
            .execute(conn)?;
    }
    Ok(())
}

/// Numbers the oldest changes that have none; returns how many.
pub(super) fn number(conn: &mut DbConnection, at_once: i64) -> Result<usize, DbError> {
    let text = format!(
        "UPDATE changes SET seq = n.seq FROM ( \
           SELECT u.id, (SELECT coalesce(max(c.seq), 0) FROM changes c) \
                        + row_number() OVER (ORDER BY u.id) AS seq \
             FROM (SELECT id FROM changes WHERE seq IS NULL ORDER BY id LIMIT {at_once}) u) n \
          WHERE changes.id = n.id"
    );
    Ok(native!(conn, |c| diesel::sql_query(&text).execute(c))?)
}

/// The numbered feed after `seq`, oldest first.
pub(super) fn list_after(
    conn: &mut DbConnection,
    seq: i64,
    limit: i64,
) -> Result<Vec<ChangeRow>, DbError> {
    Ok(changes::table
        .filter(changes::seq.gt(seq))
        .order(changes::seq.asc())
        .limit(limit)
        .select((
            changes::seq.assume_not_null(),
            changes::kind,
            changes::public_id,
            changes::at,
        ))
        .load(conn)?)
}
