//! Signing in: how often one may try, by account and by address.
use std::time::Duration;

use super::{User, queries};
use crate::platform::db::{DbConnection, DbError};
use crate::types::At;

/// Failures are counted over this time.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);
/// So many failures close an account to further tries for a while.
pub const TRIES_PER_ACCOUNT: usize = 8;
/// So many close an address, behind which several people may sit.
pub const TRIES_PER_ADDRESS: usize = 40;

/// What may be tried now.
#[derive(Clone, Debug)]
pub enum Leave {
    /// The password may be compared: the account with its hash, if there is one.
    Try(Option<(User, String)>),
    /// Too many failures; again from then on.
    NotBefore(At),
}

/// Asks for leave to try. The try counts as a failure until [`forget`] takes it back, so that tries
/// at the same moment cannot outrun the limit.
///
/// # Errors
///
/// The database's.
pub fn ask(conn: &mut DbConnection, email: &str, address: &str, now: At) -> Result<Leave, DbError> {
    let since = now.before(WINDOW);
    queries::delete_failures_before(conn, since)?;
    let limits = [
        (account(email), TRIES_PER_ACCOUNT),
        (format!("address:{address}"), TRIES_PER_ADDRESS),
    ];
    for (subject, limit) in &limits {
        let failures = queries::list_failures(conn, subject, since)?;
        if failures.len() >= *limit {
            let oldest = failures.first().copied().unwrap_or(now);
            return Ok(Leave::NotBefore(oldest.after(WINDOW)));
        }
    }
    for (subject, _) in &limits {
        queries::insert_failure(conn, subject, now)?;
    }
    Ok(Leave::Try(queries::find_with_password(conn, email)?))
}

/// Forgets the failures of an account after a good password.
///
/// # Errors
///
/// The database's.
pub fn forget(conn: &mut DbConnection, email: &str) -> Result<(), DbError> {
    queries::delete_failures_of(conn, &account(email))
}

fn account(email: &str) -> String {
    format!("account:{email}")
}
