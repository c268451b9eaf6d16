//! Shopify's fulfillment orders as we last read them: for pages and decisions; a push reads them again.
use serde::{Deserialize, Serialize};

use crate::erp::orders::checks::Handover;
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, OrderId, ShopId};

use super::queries;

crate::text_enum! {
    /// Where a fulfillment order stands.
    Status {
        Open = "open",
        InProgress = "in_progress",
        Scheduled = "scheduled",
        OnHold = "on_hold",
        /// The service that should have shipped it did not.
        Incomplete = "incomplete",
        Closed = "closed",
        Cancelled = "cancelled",
        /// A word we have not met: it is taken for open.
        Unknown = "unknown",
    }
}

/// The lines of an order that one location is to ship.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FulfillmentOrder {
    pub external_id: String,
    pub status: Status,
    pub request_status: String,
    /// What may be done with it now: `create_fulfillment`, `hold`.
    pub actions: Vec<String>,
    pub location: Option<String>,
    pub location_name: String,
    /// The location is another company's service.
    pub service: bool,
    pub method: Option<Handover>,
    /// As the customer read it: `Express`.
    pub method_name: Option<String>,
    pub fulfil_at: Option<At>,
    pub holds: Vec<Hold>,
    pub source_updated_at: At,
    pub lines: Vec<Line>,
}

/// Why somebody keeps it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub external_id: String,
    pub handle: Option<String>,
    pub reason: String,
    pub notes: Option<String>,
    /// Our own app placed it.
    pub by_us: bool,
}

/// Pieces of one order line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub external_id: String,
    /// The order line's id.
    pub line: String,
    pub total: i64,
    pub remaining: i64,
}

impl Status {
    /// Reads Shopify's word.
    #[must_use]
    pub fn read(word: &str) -> Status {
        word.parse().unwrap_or(Status::Unknown)
    }
}

impl FulfillmentOrder {
    /// Whether something of it is still to be shipped.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let over = matches!(self.status, Status::Closed | Status::Cancelled);
        !over && self.remaining() > 0
    }

    /// Pieces still to be shipped.
    #[must_use]
    pub fn remaining(&self) -> i64 {
        self.lines.iter().map(|line| line.remaining).sum()
    }
}

/// Keeps what an order's fulfillment orders are now; those that are gone are forgotten.
///
/// # Errors
///
/// The database's.
pub fn store(
    conn: &mut DbConnection,
    shop: ShopId,
    order: OrderId,
    fresh: &[FulfillmentOrder],
    now: At,
) -> Result<(), DbError> {
    if queries::list(conn, order)? == fresh {
        return queries::set_read_at(conn, order, now);
    }
    queries::delete(conn, order)?;
    for one in fresh {
        queries::insert(conn, shop, order, one, now)?;
    }
    Ok(())
}
