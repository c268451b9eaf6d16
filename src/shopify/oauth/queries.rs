//! SQL of `shopify_oauth_states`.
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_oauth_states;
use crate::types::{At, UserId};

#[derive(Insertable)]
#[diesel(table_name = shopify_oauth_states)]
pub(crate) struct NewState {
    pub(crate) nonce_hash: String,
    pub(crate) domain: String,
    pub(crate) user_id: UserId,
    pub(crate) expires_at: At,
}

/// An attempt that was begun.
#[derive(Queryable, Debug)]
pub(crate) struct State {
    pub(crate) domain: String,
    pub(crate) user_id: UserId,
}

pub(crate) fn insert(conn: &mut DbConnection, state: &NewState) -> Result<(), DbError> {
    diesel::insert_into(shopify_oauth_states::table)
        .values(state)
        .execute(conn)?;
    Ok(())
}

/// Uses up the state, once; `None` where it is unknown, used or expired.
pub(crate) fn mark_used(
    conn: &mut DbConnection,
    nonce_hash: &str,
    now: At,
) -> Result<Option<State>, DbError> {
    use shopify_oauth_states as t;
    let open = t::table
        .filter(t::nonce_hash.eq(nonce_hash))
        .filter(t::used_at.is_null())
        .filter(t::expires_at.gt(now));
    let state = diesel::update(open)
        .set(t::used_at.eq(Some(now)))
        .returning((t::domain, t::user_id))
        .get_result(conn)
        .optional()?;
    Ok(state)
}

pub(crate) fn delete_expired(conn: &mut DbConnection, before: At) -> Result<(), DbError> {
    use shopify_oauth_states as t;
    diesel::delete(t::table.filter(t::expires_at.lt(before))).execute(conn)?;
    Ok(())
}
