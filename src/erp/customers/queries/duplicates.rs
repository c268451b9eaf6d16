//! SQL of customers who look alike: walks along the index of what they share.
use std::collections::HashSet;

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::super::duplicates::Likeness;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{contacts, contacts_apart};
use crate::types::{At, ContactId, UserId};

/// The keys behind one that several contacts have.
macro_rules! shared {
    ($conn:expr, $column:ident, $after:expr, $limit:expr) => {
        contacts::table
            .filter(contacts::$column.gt($after.to_owned()))
            .filter(contacts::merged_into.is_null())
            .group_by(contacts::$column)
            .having(count_star().gt(1))
            .order(contacts::$column.asc())
            .limit($limit)
            .select(contacts::$column)
            .load::<Option<String>>($conn)
    };
}

macro_rules! with_keys {
    ($conn:expr, $column:ident, $keys:expr) => {
        contacts::table
            .filter(contacts::$column.eq_any($keys.to_vec()))
            .filter(contacts::merged_into.is_null())
            .order(contacts::id.asc())
            .select((contacts::$column.assume_not_null(), contacts::id))
            .load($conn)
    };
}

/// What several contacts share, behind a key; an empty key is none.
pub(in super::super) fn list_keys(
    conn: &mut DbConnection,
    by: Likeness,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    let found = match by {
        Likeness::Email => shared!(conn, email_normal, after, limit),
        Likeness::Phone => shared!(conn, phone_normal, after, limit),
        Likeness::Name => shared!(conn, name_zip, after, limit),
    }?;
    Ok(found.into_iter().flatten().collect())
}

/// Who has these keys, the oldest first.
pub(in super::super) fn list_with_keys(
    conn: &mut DbConnection,
    by: Likeness,
    keys: &[String],
) -> Result<Vec<(String, ContactId)>, DbError> {
    Ok(match by {
        Likeness::Email => with_keys!(conn, email_normal, keys),
        Likeness::Phone => with_keys!(conn, phone_normal, keys),
        Likeness::Name => with_keys!(conn, name_zip, keys),
    }?)
}

/// Which of these were said to be different people: the older one, and the newer.
pub(in super::super) fn list_apart(
    conn: &mut DbConnection,
    ids: &[ContactId],
) -> Result<HashSet<(ContactId, ContactId)>, DbError> {
    let found: Vec<(ContactId, ContactId)> = contacts_apart::table
        .filter(contacts_apart::older_id.eq_any(ids.to_vec()))
        .select((contacts_apart::older_id, contacts_apart::newer_id))
        .load(conn)?;
    Ok(found.into_iter().collect())
}

pub(in super::super) fn insert_apart(
    conn: &mut DbConnection,
    older: ContactId,
    newer: ContactId,
    by: UserId,
    now: At,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(contacts_apart::table)
        .values((
            contacts_apart::older_id.eq(older),
            contacts_apart::newer_id.eq(newer),
            contacts_apart::said_at.eq(now),
            contacts_apart::said_by.eq(Some(by)),
        ))
        .on_conflict((contacts_apart::older_id, contacts_apart::newer_id))
        .do_nothing()
        .execute(c))?;
    Ok(())
}
