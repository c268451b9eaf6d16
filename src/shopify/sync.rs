//! Nothing missing: what a store has is compared with what we have, and what is missing is fetched.
//!
//! `watch` looks every five minutes at what changed (ids and versions alone), `pass` compares whole days at night and
//! after an outage, `backfill` brings in a range that a person names, `rehearsal` books nothing. They compare sets, not
//! counts (`compare`), note each difference (`gaps`), and hand it to the road that webhooks take.
pub mod ask;
pub mod backfill;
mod bulk;
pub mod compare;
pub mod days;
pub mod fetch;
pub mod gaps;
mod pass;
pub mod people;
pub mod queries;
pub mod range;
pub mod rehearsal;
pub mod runs;
pub mod watch;

use std::time::Duration;

use crate::text_enum;

/// How often a store is asked what changed.
pub const LOOK_EVERY: Duration = Duration::from_secs(5 * 60);
/// What changed so long before the last look is looked at once more: the store's clock is not ours, and a change can
/// show up late.
pub const OVERLAP: Duration = Duration::from_secs(10 * 60);
/// What a backup run looks at once more.
pub const BACKUP_OVERLAP: Duration = Duration::from_secs(3600);
/// A webhook has so long to come by itself.
pub const GRACE: Duration = Duration::from_secs(60);
/// A look that comes so late after the one before was kept away: the process was down, the store not connected.
pub const OUTAGE: Duration = Duration::from_secs(15 * 60);
/// The scope that shows orders of more than 60 days.
pub const ALL_ORDERS: &str = "read_all_orders";
/// For how long Shopify shows an order without that scope; a day less, for the zones.
pub const SHOWN: Duration = Duration::from_secs(59 * 86_400);

text_enum! {
    /// What is kept in step with a store.
    Stream {
        Orders = "orders",
        Customers = "customers",
    }
}

text_enum! {
    /// What a run is for.
    RunKind {
        /// A range that a person named.
        Backfill = "backfill",
        /// What changed since the last one, with a wide overlap.
        Backup = "backup",
        /// Whole days compared.
        Pass = "pass",
        /// What is known to differ is fetched.
        Fetch = "fetch",
        /// Everything is read and checked, nothing is booked.
        Rehearsal = "rehearsal",
    }
}

text_enum! {
    /// How a run stands.
    RunState {
        Open = "open",
        Done = "done",
        Cancelled = "cancelled",
        Failed = "failed",
    }
}

text_enum! {
    /// Which orders of the range.
    OrderStatus {
        Any = "any",
        Open = "open",
        Closed = "closed",
        Cancelled = "cancelled",
        Paid = "paid",
        Unfulfilled = "unfulfilled",
    }
}

text_enum! {
    /// How an order differs.
    GapKind {
        /// The store has it, we do not.
        Missing = "missing",
        /// The store's is newer than ours.
        Outdated = "outdated",
        /// We have it, the store does not show it.
        Gone = "gone",
    }
}

impl OrderStatus {
    /// What Shopify's search calls it; empty for all of them.
    #[must_use]
    pub const fn search(self) -> &'static str {
        match self {
            OrderStatus::Any => "",
            OrderStatus::Open => " AND status:open",
            OrderStatus::Closed => " AND status:closed",
            OrderStatus::Cancelled => " AND status:cancelled",
            OrderStatus::Paid => " AND financial_status:paid",
            OrderStatus::Unfulfilled => " AND fulfillment_status:unfulfilled",
        }
    }
}
