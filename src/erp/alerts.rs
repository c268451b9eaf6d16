//! What a person must know of without looking: raised once, one open alert for each kind and subject, and over by
//! itself when its cause is mended. Who looks, and who is told, stands in `wiring`.
pub mod queries;

use crate::platform::db::{DbConnection, DbError};
use crate::types::At;

crate::text_enum! {
    /// What is wrong.
    Kind {
        /// Something gave up; the subject is the queue.
        Dead = "dead",
        /// A store must be connected again; the subject is its address.
        Disconnected = "disconnected",
        /// The oldest waiting event is older than it should be; the subject is the store's address.
        Late = "late",
        /// Orders of a store are not here although it has had them for long; the subject is the store's address.
        Missing = "missing",
        /// A store's service answers in another version than it is asked in; the subject is the store's address.
        Version = "version",
    }
}

/// Something that is wrong now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    pub subject: String,
    /// Why, in a sentence without personal data.
    pub cause: String,
}

/// An alert, open or over.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable)]
pub struct Alert {
    pub id: i64,
    pub kind: Kind,
    pub subject: String,
    pub cause: String,
    pub opened_at: At,
    /// When its cause was found mended.
    pub resolved_at: Option<At>,
}

impl Alert {
    /// What is wrong, as a short sentence.
    #[must_use]
    pub fn words(&self) -> String {
        match self.kind {
            Kind::Dead if self.subject == "jobs" => "Pushes or jobs gave up".to_owned(),
            Kind::Dead => "Events gave up".to_owned(),
            Kind::Disconnected => format!("{} must be connected again", self.subject),
            Kind::Late => format!("Events of {} wait too long", self.subject),
            Kind::Missing => format!("Orders of {} are not here", self.subject),
            Kind::Version => format!("{} answers in another version", self.subject),
        }
    }
}

/// Raises what is found and not open yet, and ends what is open and no longer found.
///
/// # Errors
///
/// The database's.
pub fn keep(conn: &mut DbConnection, findings: &[Finding], now: At) -> Result<(), DbError> {
    for alert in queries::list_open(conn)? {
        let is_there = |it: &Finding| it.kind == alert.kind && it.subject == alert.subject;
        if !findings.iter().any(is_there) {
            queries::mark_resolved(conn, alert.id, now)?;
        }
    }
    for finding in findings {
        queries::insert(conn, finding, now)?;
    }
    Ok(())
}
