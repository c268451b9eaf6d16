//! Which of the connector's jobs a pause holds back, by their kind: the one place that says so.
use crate::platform::jobs::Job;
use crate::platform::queue::pauses::Scope;
use crate::shopify::cancellations::CancelOrder;
use crate::shopify::deletions::CheckDeleted;
use crate::shopify::enrich::{EnrichOrder, FindOrder};
use crate::shopify::fulfillments::{CancelFulfillment, PushFulfillment, PushTracking};
use crate::shopify::holding::SyncHolds;
use crate::shopify::inventory::check::CheckStock;
use crate::shopify::inventory::push::PushStock;
use crate::shopify::jobs::{CheckUninstalled, ImportProduct, ImportProducts, ReadLocations};
use crate::shopify::pictures::fetching::FetchPictures;
use crate::shopify::returns::ReadReturn;
use crate::shopify::shops::Shop;
use crate::shopify::sync::fetch::FetchOrder;
use crate::shopify::sync::runs::SyncRun;

/// What talks to a store for the day's work, telling or asking, and can wait. The rest goes on: what refreshes
/// tokens and keeps webhooks registered (`LookAfterShop`, `SetUpShop`, `ReadScopes`), or a pause would end in a lost
/// connection and lost webhooks; and the erasures, whose time the law counts.
pub const HELD: &[&str] = &[
    PushFulfillment::KIND,
    PushTracking::KIND,
    CancelFulfillment::KIND,
    CancelOrder::KIND,
    SyncHolds::KIND,
    ImportProducts::KIND,
    ImportProduct::KIND,
    FetchPictures::KIND,
    ReadLocations::KIND,
    CheckDeleted::KIND,
    ReadReturn::KIND,
    CheckUninstalled::KIND,
    SyncRun::KIND,
    FetchOrder::KIND,
    EnrichOrder::KIND,
    FindOrder::KIND,
    PushStock::KIND,
    CheckStock::KIND,
];

/// The pause of one store.
#[must_use]
pub fn scope(shop: &Shop) -> Scope {
    Scope::Shop(shop.domain.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shopify::jobs::{LookAfterShop, ReadScopes, SetUpShop};
    use crate::shopify::privacy::erasure::{EraseCustomer, EraseShop};

    #[test]
    fn a_pause_never_holds_what_keeps_a_store_connected_and_what_the_law_wants() {
        for kind in [
            LookAfterShop::KIND,
            SetUpShop::KIND,
            ReadScopes::KIND,
            EraseCustomer::KIND,
            EraseShop::KIND,
        ] {
            assert!(!HELD.contains(&kind), "{kind}");
        }
    }
}
