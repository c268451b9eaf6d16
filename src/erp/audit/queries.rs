//! SQL of `audit_log`.
use diesel::prelude::*;

use super::Kind;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{audit_log, users};
use crate::types::{At, UserId};

/// One entry as it was written.
#[derive(Clone, Debug, Queryable)]
pub struct EntryRow {
    pub id: i64,
    pub at: At,
    pub kind: Kind,
    /// `user/4`, or `keys`, of which there is one.
    pub subject: String,
    /// A JSON object; its keys depend on the kind.
    pub arguments: String,
    pub user_name: Option<String>,
}

/// Whose entries are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Anybody,
    User(UserId),
    /// The command line, and stores.
    Nobody,
}

pub(super) fn insert(
    conn: &mut DbConnection,
    user: Option<UserId>,
    kind: Kind,
    subject: &str,
    arguments: &str,
    now: At,
) -> Result<(), DbError> {
    diesel::insert_into(audit_log::table)
        .values((
            audit_log::at.eq(now),
            audit_log::user_id.eq(user),
            audit_log::kind.eq(kind),
            audit_log::subject.eq(subject),
            audit_log::arguments.eq(arguments),
        ))
        .execute(conn)?;
    Ok(())
}

/// A page of entries, newest first; `before` is the last row of the page before.
///
/// # Errors
///
/// The database's.
pub fn list(
    conn: &mut DbConnection,
    kind: Option<Kind>,
    by: By,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<EntryRow>, DbError> {
    let mut query = audit_log::table
        .left_join(users::table)
        .select((
            audit_log::id,
            audit_log::at,
            audit_log::kind,
            audit_log::subject,
            audit_log::arguments,
            users::name.nullable(),
        ))
        .into_boxed();
    if let Some(kind) = kind {
        query = query.filter(audit_log::kind.eq(kind));
    }
    match by {
        By::Anybody => {}
        By::User(id) => query = query.filter(audit_log::user_id.eq(id)),
        By::Nobody => query = query.filter(audit_log::user_id.is_null()),
    }
    if let Some(id) = before {
        query = query.filter(audit_log::id.lt(id));
    }
    Ok(query.order(audit_log::id.desc()).limit(limit).load(conn)?)
}
