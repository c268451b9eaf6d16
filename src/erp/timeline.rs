//! What happened to an order, append-only: a kind and its arguments, put into words when read.
//! Arguments never hold personal data.
use serde_json::Value;

use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, OrderId, UserId};

pub mod queries;

crate::text_enum! {
    /// What happened.
    Kind {
        Received = "received",
        Updated = "updated",
        /// A person accepted or rejected what was edited after something had left.
        EditDecided = "edit_decided",
        Mapped = "mapped",
        Unmapped = "unmapped",
        HoldPlaced = "hold_placed",
        HoldReleased = "hold_released",
        StockReserved = "stock_reserved",
        StockReleased = "stock_released",
        PaymentChanged = "payment_changed",
        /// Money was taken or given back, or that failed.
        Paid = "paid",
        TotalsDiffer = "totals_differ",
        Refunded = "refunded",
        /// Money of a refund that was on its way.
        RefundSettled = "refund_settled",
        ReturnChanged = "return_changed",
        /// A person asks the channel to cancel it.
        CancellationAsked = "cancellation_asked",
        CancellationRefused = "cancellation_refused",
        Cancelled = "cancelled",
        DeletedAtSource = "deleted_at_source",
        FulfilledElsewhere = "fulfilled_elsewhere",
        /// What others had shipped did not leave after all.
        ElsewhereCancelled = "elsewhere_cancelled",
        Arrived = "arrived",
        Echo = "echo",
        Shipped = "shipped",
        TrackingCorrected = "tracking_corrected",
        ShipmentUndone = "shipment_undone",
        Pushed = "pushed",
        PushWaits = "push_waits",
        PushFailed = "push_failed",
        Printed = "printed",
        /// Its local delivery went from one state to another.
        Delivery = "delivery",
        /// What it told of a person was erased.
        Redacted = "redacted",
    }
}

/// One entry that is about to be written.
#[derive(Clone, Debug)]
pub struct Entry {
    pub kind: Kind,
    /// A JSON object; its keys depend on the kind.
    pub arguments: Value,
}

/// Who or what did it.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    pub user: Option<UserId>,
    /// `event:17`, `job:4`, `mapping:9`: where it came from.
    pub source: Option<String>,
    /// How long it took.
    pub micros: Option<i64>,
    /// The peer's request id.
    pub request_id: Option<String>,
}

impl Actor {
    /// A person, or nobody.
    #[must_use]
    pub fn user(user: Option<UserId>) -> Actor {
        Actor {
            user,
            ..Actor::default()
        }
    }

    /// Something that was not a person.
    #[must_use]
    pub fn source(source: impl Into<String>) -> Actor {
        Actor {
            source: Some(source.into()),
            ..Actor::default()
        }
    }
}

impl Entry {
    /// An entry with its arguments.
    #[must_use]
    pub fn new(kind: Kind, arguments: Value) -> Entry {
        Entry { kind, arguments }
    }
}

/// Appends one entry to the order's timeline.
///
/// # Errors
///
/// The database's.
pub fn record(
    conn: &mut DbConnection,
    order: OrderId,
    entry: Entry,
    actor: &Actor,
    now: At,
) -> Result<(), DbError> {
    record_all(conn, order, vec![entry], actor, now)
}

/// Appends several entries, in their order, with one statement.
///
/// # Errors
///
/// The database's.
pub fn record_all(
    conn: &mut DbConnection,
    order: OrderId,
    entries: Vec<Entry>,
    actor: &Actor,
    now: At,
) -> Result<(), DbError> {
    record_many(conn, &[(order, &entries, actor.clone())], now)
}

/// As [`record_all`], for several orders.
///
/// # Errors
///
/// The database's.
pub fn record_many(
    conn: &mut DbConnection,
    orders: &[(OrderId, &[Entry], Actor)],
    now: At,
) -> Result<(), DbError> {
    let entries = orders.iter().flat_map(|(order, entries, actor)| {
        entries.iter().map(move |entry| (*order, entry, actor))
    });
    let rows: Vec<queries::NewEntry> = entries
        .map(|(order, entry, actor)| queries::NewEntry {
            order_id: order,
            at: now,
            kind: entry.kind,
            arguments: entry.arguments.to_string(),
            user_id: actor.user,
            source: actor.source.clone(),
            micros: actor.micros,
            request_id: actor.request_id.clone(),
        })
        .collect();
    queries::insert(conn, &rows)
}
