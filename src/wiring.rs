//! Joins both ends: which job an event of the core starts, which code applies a webhook, runs a job.
pub(crate) mod alerts;

use std::sync::Arc;

use alerts::Watchman;

use crate::erp::deliveries::jobs as deliveries;
use crate::erp::events;
use crate::erp::stock::jobs as stock;
use crate::platform::jobs::Registry;
use crate::platform::retention::{self, Keeper};
use crate::platform::worker::handler::Handler;
use crate::shopify::cancellations::CancelOrder;
use crate::shopify::fulfillments::{self, CancelFulfillment, PushFulfillment, PushTracking};
use crate::shopify::holding::SyncHolds;
use crate::shopify::{Connector, apply, inventory, jobs, pauses};

/// Events of the core start pushes to the channel.
pub(crate) fn listen() {
    events::listen(fulfillments::on_event);
    events::listen_to_stock(inventory::on_stock_changed);
}

/// Every job this program knows.
#[must_use]
pub(crate) fn registry(connector: &Connector, watchman: Watchman, keeper: Keeper) -> Registry {
    let cx = Arc::new(connector.clone());
    let mut registry = Registry::default();
    jobs::register(&mut registry, &cx);
    alerts::register(&mut registry, &Arc::new(watchman));
    retention::register(&mut registry, &Arc::new(keeper));
    let rounds = deliveries::Rounds {
        db: connector.db.clone(),
        clock: connector.clock.clone(),
    };
    deliveries::register(&mut registry, &Arc::new(rounds));
    let shelf = stock::Shelf {
        db: connector.db.clone(),
        clock: connector.clock.clone(),
    };
    stock::register(&mut registry, &Arc::new(shelf));
    registry.register::<PushFulfillment>(&cx);
    registry.register::<PushTracking>(&cx);
    registry.register::<CancelFulfillment>(&cx);
    registry.register::<CancelOrder>(&cx);
    registry.register::<SyncHolds>(&cx);
    registry.hold(pauses::HELD);
    debug_assert!(
        registry
            .pushes()
            .iter()
            .all(|kind| registry.held().contains(kind)),
        "a pause must hold back every push"
    );
    registry
}

/// How stored webhooks are applied.
#[must_use]
pub(crate) fn handler() -> Arc<dyn Handler> {
    Arc::new(apply::Webhooks)
}
