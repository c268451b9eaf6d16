//! What happened to a delivery, append-only: a kind and its arguments, put into words when read. What a person
//! wrote stands in its note, which is erased with the customer; arguments hold nothing personal.
use serde_json::Value;

use super::flow::State;
use super::queries::DeliveryRow;
use super::queries::log as queries;
use crate::erp::changes;
use crate::erp::timeline::{self, Actor, Entry};
use crate::platform::db::{DbConnection, DbError};
use crate::types::At;

crate::text_enum! {
    /// What happened.
    Kind {
        Created = "created",
        /// It went from one state to another.
        Moved = "moved",
        /// Its order says something else: the arguments name the fields.
        Changed = "changed",
        Assigned = "assigned",
        Unassigned = "unassigned",
        /// To another day.
        Postponed = "postponed",
        /// A line goes another way, or with it after all.
        Lines = "lines",
        Undone = "undone",
        /// Delivered, but its goods could not be booked off the shelves.
        NotShipped = "not_shipped",
        Photo = "photo",
    }
}

/// What is to be written.
pub(super) struct News<'a> {
    pub(super) kind: Kind,
    pub(super) states: Option<(State, State)>,
    pub(super) arguments: Value,
    pub(super) note: Option<&'a str>,
}

impl News<'_> {
    pub(super) fn of(kind: Kind, arguments: Value) -> News<'static> {
        News {
            kind,
            states: None,
            arguments,
            note: None,
        }
    }
}

/// Writes what happened: to the delivery's log, to the feed of changes and, where its state moved, to the
/// order's timeline.
pub(super) fn record(
    conn: &mut DbConnection,
    row: &DeliveryRow,
    news: News<'_>,
    actor: &Actor,
    now: At,
) -> Result<(), DbError> {
    let entry = queries::NewEntry {
        delivery_id: row.id,
        order_id: row.order_id,
        at: now,
        kind: news.kind,
        from_state: news.states.map(|(from, _to)| from),
        to_state: news.states.map(|(_from, to)| to),
        arguments: news.arguments.to_string(),
        note: news.note.map(str::to_owned),
        user_id: actor.user,
        source: actor.source.clone(),
    };
    queries::insert(conn, &entry)?;
    if let Some((from, to)) = news.states
        && from != to
    {
        let arguments = serde_json::json!({ "delivery": row.id.0, "from": from, "to": to });
        let entry = Entry::new(timeline::Kind::Delivery, arguments);
        timeline::record(conn, row.order_id, entry, actor, now)?;
    }
    changes::record(conn, "delivery", &row.public_id, now)
}
