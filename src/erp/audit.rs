//! Who changed what by hand, append-only: a kind and its arguments, put into words when read. Arguments
//! hold no personal data and no secret.
pub mod queries;

use serde_json::Value;

use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, UserId};

crate::text_enum! {
    /// What was done.
    Kind {
        UserAdded = "user.added",
        UserRoleChanged = "user.role_changed",
        UserDeactivated = "user.deactivated",
        UserReactivated = "user.reactivated",
        StoreConnected = "store.connected",
        StoreReconnected = "store.reconnected",
        StoreDisconnected = "store.disconnected",
        StoreSettingsChanged = "store.settings_changed",
        MappingAccepted = "mapping.accepted",
        MappingExcluded = "mapping.excluded",
        MappingRemoved = "mapping.removed",
        /// Many at one stroke.
        MappingsAccepted = "mappings.accepted",
        /// From a file.
        MappingsImported = "mappings.imported",
        MappingRulesChanged = "mapping_rules.changed",
        MappingKept = "mapping.kept",
        MappingsUndone = "mappings.undone",
        StockAdjusted = "stock.adjusted",
        /// Of a receipt, a transfer or a count.
        GoodsBooked = "goods.booked",
        /// A transfer has left.
        GoodsSent = "goods.sent",
        GoodsUndone = "goods.undone",
        GoodsEnded = "goods.ended",
        GoodsReopened = "goods.reopened",
        /// Lines from a file.
        GoodsImported = "goods.imported",
        LotBlocked = "lot.blocked",
        LotReleased = "lot.released",
        /// Its best-before day was corrected.
        LotDated = "lot.dated",
        /// How the pieces of an item are told apart.
        TrackingChanged = "item.tracking_changed",
        HoldPlaced = "hold.placed",
        HoldReleased = "hold.released",
        /// Of an order, asked of its store.
        CancellationAsked = "cancellation.asked",
        /// Of an order, after something had left.
        EditDecided = "edit.decided",
        CustomersMerged = "customers.merged",
        CustomersMergeUndone = "customers.merge_undone",
        EventReplayed = "event.replayed",
        /// All that failed for one reason.
        EventsReplayed = "events.replayed",
        EventDiscarded = "event.discarded",
        EventTakenBack = "event.taken_back",
        TokenCreated = "token.created",
        KeysRotated = "keys.rotated",
        /// Somebody downloaded what is known of a customer.
        PrivacyReported = "privacy.reported",
        PrivacyClosed = "privacy.closed",
        PrivacyApproved = "privacy.approved",
        /// Webhooks, pushes, or one store: the subject says which.
        Paused = "work.paused",
        Resumed = "work.resumed",
    }
}

/// Writes one entry: `user.role_changed` of `user/4` with what was before and after. `user` is `None` for
/// the command line, and for what a store did.
///
/// # Errors
///
/// The database's.
pub fn record(
    conn: &mut DbConnection,
    user: Option<UserId>,
    kind: Kind,
    subject: &str,
    arguments: &Value,
    now: At,
) -> Result<(), DbError> {
    queries::insert(conn, user, kind, subject, &arguments.to_string(), now)
}
