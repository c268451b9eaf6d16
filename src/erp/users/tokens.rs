//! API tokens: what a program signs in with. Only the hash is stored; the token is shown once.
use serde_json::json;

use super::queries;
use crate::erp::audit::{self, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::secrets::token_hash;
use crate::types::At;

crate::text_enum! {
    /// What a token may do.
    Scope {
        Read = "read",
        Write = "write",
    }
}

impl Scope {
    /// Whether a token with this scope may do what asks for `wanted`.
    #[must_use]
    pub fn covers(self, wanted: Scope) -> bool {
        self == Scope::Write || self == wanted
    }
}

/// Opening letters, so that a token found in a log is known for what it is.
pub const PREFIX: &str = "cf_";

/// Stores the hash of a new token; `random` is 32 bytes or more of randomness as text. Returns the token.
///
/// # Errors
///
/// The database's.
pub fn create(
    conn: &mut DbConnection,
    name: &str,
    scope: Scope,
    random: &str,
    now: At,
) -> Result<String, DbError> {
    let token = format!("{PREFIX}{random}");
    let id = queries::insert_token(conn, name, &token_hash(&token), scope, now)?;
    let arguments = json!({ "scope": scope });
    let subject = format!("token/{id}");
    audit::record(conn, None, Kind::TokenCreated, &subject, &arguments, now)?;
    Ok(token)
}

/// A token that a program sent.
#[derive(Clone, Debug)]
pub struct Token {
    pub id: i64,
    /// As it was called when it was made.
    pub name: String,
    pub scope: Scope,
    pub last_used_at: Option<At>,
}

/// The token behind a text; `None` if it is unknown or revoked.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, token: &str) -> Result<Option<Token>, DbError> {
    queries::find_token(conn, &token_hash(token))
}
