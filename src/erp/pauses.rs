//! Pausing by people: who stopped what, since when and why. What a pause does to the work stands in
//! `platform/queue/pauses.rs`.
use serde_json::json;

use crate::erp::audit::{self, Kind};
use crate::erp::users::queries as users;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::pauses::{self, Pause, Scope};
use crate::types::{At, UserId};

/// The longest reason, in characters.
pub const LONGEST_REASON: usize = 200;

/// A pause that is on, as people are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub scope: Scope,
    pub since: At,
    /// The name of who began it.
    pub by: Option<String>,
    pub reason: Option<String>,
}

impl Standing {
    /// What is paused, as a short sentence: `Incoming is paused`.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.scope {
            Scope::Incoming => "Incoming is paused".to_owned(),
            Scope::Outgoing => "Outgoing is paused".to_owned(),
            Scope::Shop(domain) => format!("{domain} is paused"),
        }
    }
}

/// Begins a pause for a person; false if it is on already. `subject` is what the audit log calls it: `store/3`,
/// `incoming`.
///
/// # Errors
///
/// The database's.
pub fn begin(
    conn: &mut DbConnection,
    scope: &Scope,
    subject: &str,
    reason: Option<&str>,
    by: UserId,
    now: At,
) -> Result<bool, DbError> {
    let begun = pauses::begin(conn, scope, reason, Some(by), now)?;
    if begun {
        let arguments = json!({ "reason": reason });
        audit::record(conn, Some(by), Kind::Paused, subject, &arguments, now)?;
    }
    Ok(begun)
}

/// Ends a pause for a person; false if it is not on.
///
/// # Errors
///
/// The database's.
pub fn end(
    conn: &mut DbConnection,
    scope: &Scope,
    subject: &str,
    by: UserId,
    now: At,
) -> Result<bool, DbError> {
    let Some(pause) = pauses::end(conn, scope, now)? else {
        return Ok(false);
    };
    let minutes = now.since(pause.since).as_secs() / 60;
    let arguments = json!({ "minutes": minutes, "reason": pause.reason });
    audit::record(conn, Some(by), Kind::Resumed, subject, &arguments, now)?;
    Ok(true)
}

/// The pauses that are on, the oldest first.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection) -> Result<Vec<Standing>, DbError> {
    let pauses = pauses::list(conn)?;
    pauses
        .into_iter()
        .map(|pause| standing(conn, pause))
        .collect()
}

/// The pause of this scope, if it is on.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, scope: &Scope) -> Result<Option<Standing>, DbError> {
    let pause = pauses::find(conn, scope)?;
    pause.map(|pause| standing(conn, pause)).transpose()
}

fn standing(conn: &mut DbConnection, pause: Pause) -> Result<Standing, DbError> {
    let by = match pause.by {
        Some(user) => users::find(conn, user)?.map(|user| user.name),
        None => None,
    };
    Ok(Standing {
        scope: pause.scope,
        since: pause.since,
        by,
        reason: pause.reason,
    })
}
