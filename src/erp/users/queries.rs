//! Every statement on `users`, `sessions`, `sign_in_failures` and `api_tokens`.
use diesel::prelude::*;

use super::roles::Role;
use super::sessions::{Origin, Session};
use super::tokens::{Scope, Token};
use super::{NewUser, User};
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{api_tokens, sessions, sign_in_failures, users};
use crate::types::{At, UserId};

/// Whether anybody has an account: before that, set-up is open.
///
/// # Errors
///
/// The database's.
pub fn any(conn: &mut DbConnection) -> Result<bool, DbError> {
    let first: Option<UserId> = users::table
        .select(users::id)
        .limit(1)
        .first(conn)
        .optional()?;
    Ok(first.is_some())
}

/// # Errors
///
/// The database's.
pub fn insert(
    conn: &mut DbConnection,
    public_id: &str,
    email: &str,
    user: &NewUser,
    now: At,
) -> Result<UserId, DbError> {
    let id = diesel::insert_into(users::table)
        .values((
            users::public_id.eq(public_id),
            users::email.eq(email),
            users::name.eq(user.name.trim()),
            users::role.eq(user.role),
            users::password_hash.eq(&user.password_hash),
            users::time_zone.eq(&user.time_zone),
            users::created_at.eq(now),
        ))
        .returning(users::id)
        .get_result(conn)?;
    Ok(id)
}

/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, id: UserId) -> Result<Option<User>, DbError> {
    let user = users::table
        .find(id)
        .select(User::as_select())
        .first(conn)
        .optional()?;
    Ok(user)
}

/// # Errors
///
/// The database's.
pub fn find_by_email(conn: &mut DbConnection, email: &str) -> Result<Option<User>, DbError> {
    let user = users::table
        .filter(users::email.eq(email))
        .select(User::as_select())
        .first(conn)
        .optional()?;
    Ok(user)
}

/// An account that may sign in, with the hash of its password.
///
/// # Errors
///
/// The database's.
pub fn find_with_password(
    conn: &mut DbConnection,
    email: &str,
) -> Result<Option<(User, String)>, DbError> {
    let found = users::table
        .filter(users::email.eq(email).and(users::active.eq(true)))
        .select((User::as_select(), users::password_hash))
        .first(conn)
        .optional()?;
    Ok(found)
}

/// # Errors
///
/// The database's.
pub fn mark_signed_in(conn: &mut DbConnection, id: UserId, now: At) -> Result<(), DbError> {
    diesel::update(users::table.find(id))
        .set(users::signed_in_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// # Errors
///
/// The database's.
pub fn insert_session(
    conn: &mut DbConnection,
    user: UserId,
    token_hash: &str,
    origin: &Origin,
    now: At,
) -> Result<(), DbError> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::token_hash.eq(token_hash),
            sessions::user_id.eq(user),
            sessions::created_at.eq(now),
            sessions::last_seen_at.eq(now),
            sessions::address.eq(&origin.address),
            sessions::agent.eq(&origin.agent),
        ))
        .execute(conn)?;
    Ok(())
}

/// A session begun and last used after the given moments, whose user is active.
///
/// # Errors
///
/// The database's.
pub fn find_session(
    conn: &mut DbConnection,
    token_hash: &str,
    begun_after: At,
    used_after: At,
) -> Result<Option<Session>, DbError> {
    let found = sessions::table
        .inner_join(users::table)
        .filter(sessions::token_hash.eq(token_hash))
        .filter(sessions::created_at.gt(begun_after))
        .filter(sessions::last_seen_at.gt(used_after))
        .filter(users::active.eq(true))
        .select((
            sessions::id,
            sessions::last_seen_at,
            sessions::flash,
            User::as_select(),
        ))
        .first::<(i64, At, Option<String>, User)>(conn)
        .optional()?;
    Ok(found.map(|(id, last_seen_at, flash, user)| Session {
        id,
        last_seen_at,
        flash,
        user,
    }))
}

/// Marks the session used; a flash that a page has `shown` is taken away.
///
/// # Errors
///
/// The database's.
pub fn mark_seen(
    conn: &mut DbConnection,
    session: i64,
    now: At,
    shown: bool,
) -> Result<(), DbError> {
    diesel::update(sessions::table.find(session))
        .set(sessions::last_seen_at.eq(now))
        .execute(conn)?;
    if shown {
        diesel::update(sessions::table.find(session))
            .set(sessions::flash.eq(None::<String>))
            .execute(conn)?;
    }
    Ok(())
}

/// Leaves a word for the next page.
///
/// # Errors
///
/// The database's.
pub fn mark_flash(conn: &mut DbConnection, session: i64, text: &str) -> Result<(), DbError> {
    diesel::update(sessions::table.find(session))
        .set(sessions::flash.eq(text))
        .execute(conn)?;
    Ok(())
}

/// # Errors
///
/// The database's.
pub fn delete_session(conn: &mut DbConnection, token_hash: &str) -> Result<(), DbError> {
    diesel::delete(sessions::table.filter(sessions::token_hash.eq(token_hash))).execute(conn)?;
    Ok(())
}

/// # Errors
///
/// The database's.
pub fn delete_sessions_of(conn: &mut DbConnection, user: UserId) -> Result<(), DbError> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user))).execute(conn)?;
    Ok(())
}

/// # Errors
///
/// The database's.
pub fn insert_failure(conn: &mut DbConnection, subject: &str, now: At) -> Result<(), DbError> {
    diesel::insert_into(sign_in_failures::table)
        .values((
            sign_in_failures::subject.eq(subject),
            sign_in_failures::at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// When the failures after `since` were, oldest first.
///
/// # Errors
///
/// The database's.
pub fn list_failures(
    conn: &mut DbConnection,
    subject: &str,
    since: At,
) -> Result<Vec<At>, DbError> {
    let failures = sign_in_failures::table
        .filter(sign_in_failures::subject.eq(subject))
        .filter(sign_in_failures::at.gt(since))
        .order(sign_in_failures::at)
        .select(sign_in_failures::at)
        .load(conn)?;
    Ok(failures)
}

/// # Errors
///
/// The database's.
pub fn delete_failures_of(conn: &mut DbConnection, subject: &str) -> Result<(), DbError> {
    diesel::delete(sign_in_failures::table.filter(sign_in_failures::subject.eq(subject)))
        .execute(conn)?;
    Ok(())
}

/// # Errors
///
/// The database's.
pub fn delete_failures_before(conn: &mut DbConnection, before: At) -> Result<(), DbError> {
    diesel::delete(sign_in_failures::table.filter(sign_in_failures::at.le(before)))
        .execute(conn)?;
    Ok(())
}

/// # Errors
///
/// The database's.
pub fn insert_token(
    conn: &mut DbConnection,
    name: &str,
    token_hash: &str,
    scope: Scope,
    now: At,
) -> Result<i64, DbError> {
    Ok(diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::name.eq(name),
            api_tokens::token_hash.eq(token_hash),
            api_tokens::scope.eq(scope),
            api_tokens::created_at.eq(now),
        ))
        .returning(api_tokens::id)
        .get_result(conn)?)
}

/// # Errors
///
/// The database's.
pub fn find_token(conn: &mut DbConnection, token_hash: &str) -> Result<Option<Token>, DbError> {
    let found = api_tokens::table
        .filter(api_tokens::token_hash.eq(token_hash))
        .filter(api_tokens::revoked_at.is_null())
        .select((
            api_tokens::id,
            api_tokens::name,
            api_tokens::scope,
            api_tokens::last_used_at,
        ))
        .first::<(i64, String, Scope, Option<At>)>(conn)
        .optional()?;
    Ok(found.map(|(id, name, scope, last_used_at)| Token {
        id,
        name,
        scope,
        last_used_at,
    }))
}

/// # Errors
///
/// The database's.
pub fn mark_token_used(conn: &mut DbConnection, id: i64, now: At) -> Result<(), DbError> {
    diesel::update(api_tokens::table.find(id))
        .set(api_tokens::last_used_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// Gives an account another password; false if there is no such account.
///
/// # Errors
///
/// The database's.
pub fn set_password(
    conn: &mut DbConnection,
    email: &str,
    password_hash: &str,
) -> Result<bool, DbError> {
    let rows = diesel::update(users::table.filter(users::email.eq(email)))
        .set(users::password_hash.eq(password_hash))
        .execute(conn)?;
    Ok(rows == 1)
}

/// Everybody, by name.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection) -> Result<Vec<User>, DbError> {
    Ok(users::table
        .order((users::name, users::id))
        .select(User::as_select())
        .load(conn)?)
}

/// Owners who may sign in.
///
/// # Errors
///
/// The database's.
pub fn count_owners(conn: &mut DbConnection) -> Result<i64, DbError> {
    Ok(users::table
        .filter(users::role.eq(Role::Owner))
        .filter(users::active.eq(true))
        .count()
        .get_result(conn)?)
}

/// # Errors
///
/// The database's.
pub fn mark_role(conn: &mut DbConnection, id: UserId, role: Role) -> Result<(), DbError> {
    diesel::update(users::table.find(id))
        .set(users::role.eq(role))
        .execute(conn)?;
    Ok(())
}

/// # Errors
///
/// The database's.
pub fn mark_active(conn: &mut DbConnection, id: UserId, active: bool) -> Result<(), DbError> {
    diesel::update(users::table.find(id))
        .set(users::active.eq(active))
        .execute(conn)?;
    Ok(())
}

/// What people change of their own account.
#[derive(Clone, Debug)]
pub struct Profile {
    pub name: String,
    pub time_zone: String,
    pub theme: &'static str,
    pub density: &'static str,
    pub keys_on: bool,
}

/// # Errors
///
/// The database's.
pub fn update_profile(
    conn: &mut DbConnection,
    id: UserId,
    profile: &Profile,
) -> Result<(), DbError> {
    diesel::update(users::table.find(id))
        .set((
            users::name.eq(&profile.name),
            users::time_zone.eq(&profile.time_zone),
            users::theme.eq(profile.theme),
            users::density.eq(profile.density),
            users::keys_on.eq(profile.keys_on),
        ))
        .execute(conn)?;
    Ok(())
}
