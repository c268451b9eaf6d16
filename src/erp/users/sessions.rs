//! Signed-in browsers. A session ends 8 hours after its last use and 12 hours after its start.
use std::time::Duration;

use super::{User, queries};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::secrets::token_hash;
use crate::types::{At, UserId};

/// Unused for so long, a session is over.
pub const IDLE: Duration = Duration::from_secs(8 * 60 * 60);
/// So long after signing in, it is over in any case.
pub const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// A session that is still good, with its user.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: i64,
    pub last_seen_at: At,
    /// What the next page is to say once.
    pub flash: Option<String>,
    pub user: User,
}

/// Where a sign-in came from; shown to the user among their sessions.
#[derive(Clone, Debug)]
pub struct Origin {
    pub address: String,
    pub agent: String,
}

/// Opens a session for the token that the browser will send; only its hash is stored.
///
/// # Errors
///
/// The database's.
pub fn start(
    conn: &mut DbConnection,
    user: UserId,
    token: &str,
    origin: &Origin,
    now: At,
) -> Result<(), DbError> {
    queries::insert_session(conn, user, &token_hash(token), origin, now)?;
    queries::mark_signed_in(conn, user, now)
}

/// The session behind a token; `None` when it is over or its user was switched off.
///
/// # Errors
///
/// The database's.
pub fn resume(conn: &mut DbConnection, token: &str, now: At) -> Result<Option<Session>, DbError> {
    queries::find_session(
        conn,
        &token_hash(token),
        now.before(LONGEST),
        now.before(IDLE),
    )
}

/// Ends one session.
///
/// # Errors
///
/// The database's.
pub fn end(conn: &mut DbConnection, token: &str) -> Result<(), DbError> {
    queries::delete_session(conn, &token_hash(token))
}

/// Ends all of a user's sessions: a changed password, a switched-off account.
///
/// # Errors
///
/// The database's.
pub fn end_all(conn: &mut DbConnection, user: UserId) -> Result<(), DbError> {
    queries::delete_sessions_of(conn, user)
}
