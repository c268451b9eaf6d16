//! What a person stopped: the applying of webhooks, the jobs that talk to stores, or both for one store.
//!
//! Nothing is refused meanwhile and nothing fails. Of a paused queue nothing is claimed. A row of a paused store, or
//! a paused job, is put aside by the claim that meets it, so that no later claim does; when the pause is over, the
//! claims give back what was put aside, with the turn it had.
use super::queries::pauses as queries;
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, UserId};

/// What jobs wait for that a pause of all that goes out holds back.
pub(super) const OUTGOING: &str = "pause/outgoing";
/// The pause of all that comes in. Nothing waits for it by name: nothing of that queue is claimed.
pub(super) const INCOMING: &str = "pause/incoming";
/// Before the shop's domain: what its rows wait for.
pub(super) const SHOP: &str = "pause/shop/";
/// More rows than this are not counted: `10,000+`.
pub const MOST_COUNTED: i64 = 10_000;

/// What is paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// No webhook is applied.
    Incoming,
    /// No job runs that talks to a store.
    Outgoing,
    /// Both, of the shop with this domain.
    Shop(String),
}

impl Scope {
    /// Its name: what the rows wait for that it holds back.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Scope::Incoming => INCOMING.to_owned(),
            Scope::Outgoing => OUTGOING.to_owned(),
            Scope::Shop(domain) => format!("{SHOP}{domain}"),
        }
    }

    /// `incoming`, `outgoing` or `store`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Scope::Incoming => "incoming",
            Scope::Outgoing => "outgoing",
            Scope::Shop(_) => "store",
        }
    }

    /// Whether it holds back webhooks of this shop.
    #[must_use]
    pub fn holds_webhooks_of(&self, domain: &str) -> bool {
        match self {
            Scope::Incoming => true,
            Scope::Outgoing => false,
            Scope::Shop(shop) => shop == domain,
        }
    }
}

/// A pause, on or over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub scope: Scope,
    pub since: At,
    pub by: Option<UserId>,
    pub reason: Option<String>,
    /// When somebody ended it; of each scope the last one is known.
    pub resumed_at: Option<At>,
}

impl Pause {
    /// Whether it lasts.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.resumed_at.is_none()
    }
}

/// How much a pause holds back; each number ends at one more than [`MOST_COUNTED`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    pub events: i64,
    pub jobs: i64,
}

/// Begins a pause; false if it is on already. What is being worked on is finished.
///
/// # Errors
///
/// The database's.
pub fn begin(
    conn: &mut DbConnection,
    scope: &Scope,
    reason: Option<&str>,
    by: Option<UserId>,
    now: At,
) -> Result<bool, DbError> {
    queries::take_turns(conn)?;
    if find(conn, scope)?.is_some() {
        return Ok(false);
    }
    queries::put(conn, scope, reason, by, now)?;
    Ok(true)
}

/// Ends a pause and returns it; `None` if it is not on. The claims give back what it held.
///
/// # Errors
///
/// The database's.
pub fn end(conn: &mut DbConnection, scope: &Scope, now: At) -> Result<Option<Pause>, DbError> {
    // No claim must put something aside for a pause that has just ended: nobody would give it back.
    queries::take_turns(conn)?;
    let Some(pause) = find(conn, scope)? else {
        return Ok(None);
    };
    queries::mark_resumed(conn, scope, now)?;
    Ok(Some(pause))
}

/// The pause of this scope, if it is on.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, scope: &Scope) -> Result<Option<Pause>, DbError> {
    Ok(queries::find(conn, scope)?.filter(Pause::is_on))
}

/// The pauses that are on, the oldest first.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection) -> Result<Vec<Pause>, DbError> {
    let mut pauses = queries::list(conn)?;
    pauses.retain(Pause::is_on);
    Ok(pauses)
}

/// The last pause of each scope that ever was, on or over.
///
/// # Errors
///
/// The database's.
pub fn list_last(conn: &mut DbConnection) -> Result<Vec<Pause>, DbError> {
    queries::list(conn)
}

/// How much a pause holds back. `held` are the kinds of jobs that pauses hold back.
///
/// # Errors
///
/// The database's.
pub fn waiting(conn: &mut DbConnection, scope: &Scope, held: &[&str]) -> Result<Waiting, DbError> {
    queries::count_waiting(conn, scope, held)
}
