//! Who changed which setting or right, append-only. Arguments hold no personal data and no secret.
pub mod queries;

use serde_json::Value;

use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, UserId};

/// Writes one entry: `user.role_changed` of `user/4` with what was before and after.
///
/// # Errors
///
/// The database's.
pub fn record(
    conn: &mut DbConnection,
    user: Option<UserId>,
    kind: &str,
    subject: &str,
    arguments: &Value,
    now: At,
) -> Result<(), DbError> {
    queries::insert(conn, user, kind, subject, &arguments.to_string(), now)
}
