//! SQL of `audit_log`.
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::audit_log;
use crate::types::{At, UserId};

pub(super) fn insert(
    conn: &mut DbConnection,
    user: Option<UserId>,
    kind: &str,
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
