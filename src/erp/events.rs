//! What has happened in the core, told in the same transaction as the change itself.
//!
//! The core does not know who listens: `wiring.rs` says, once, which job each event starts.
use std::sync::OnceLock;

use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, OrderId, ShipmentId};

/// What has happened, in the past tense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    ShipmentShipped {
        order: OrderId,
        shipment: ShipmentId,
    },
    TrackingCorrected {
        order: OrderId,
        shipment: ShipmentId,
    },
    ShipmentUndone {
        order: OrderId,
        shipment: ShipmentId,
    },
    /// A person asks the channel to cancel the order.
    CancellationAsked { order: OrderId, cancellation: i64 },
    /// A person holds the order, or no longer does.
    HoldChanged { order: OrderId },
}

/// Stores what an event starts, in the transaction in which it happened.
pub type Listener = fn(&mut DbConnection, Event, At) -> Result<(), DbError>;

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Names the one listener; a second call changes nothing.
pub fn listen(listener: Listener) {
    let _already = LISTENER.set(listener);
}

/// Tells the listener.
///
/// # Errors
///
/// Those of what the event starts: the change is undone with it.
pub fn record(conn: &mut DbConnection, event: Event, now: At) -> Result<(), DbError> {
    match LISTENER.get() {
        Some(listener) => listener(conn, event, now),
        None => Ok(()),
    }
}
