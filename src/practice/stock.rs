//! What a merchant does to stock in the store's own admin, for whoever tests against it.

use jiff::Timestamp;

use super::state::State;
use super::{Practice, webhooks};

/// The numbers of an article at a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShelfNumbers {
    pub available: i64,
    pub committed: i64,
}

impl ShelfNumbers {
    /// What lies there.
    #[must_use]
    pub fn on_hand(self) -> i64 {
        self.available + self.committed
    }
}

impl Practice {
    /// The numbers of the article with this SKU at a location, `Portland DC` or `Reno`.
    #[must_use]
    pub fn stock_of(&self, sku: &str, place: &str) -> Option<ShelfNumbers> {
        self.read(|state| {
            let (variant, place) = (variant_of(state, sku)?, place_of(state, place)?);
            let level = state.variant(variant)?.1.levels.get(&place)?;
            Some(ShelfNumbers {
                available: level.available,
                committed: level.committed,
            })
        })
    }

    /// What the store has one of its locations ship of an order: SKU and pieces.
    #[must_use]
    pub fn shipped_from(&self, order: u64, place: &str) -> Vec<(String, i64)> {
        self.read(|state| {
            let place = place_of(state, place);
            let order = state.orders.get(order);
            let all = order
                .into_iter()
                .flat_map(|order| order.fulfillment_orders.iter().map(move |it| (order, it)));
            let here = all.filter(|(_order, it)| Some(it.location_id) == place);
            here.flat_map(|(order, it)| it.lines.iter().map(move |line| (order, line)))
                .filter_map(|(order, line)| {
                    let sku = order.line(line.line_id)?.sku.clone()?;
                    Some((sku, line.remaining))
                })
                .collect()
        })
    }

    /// The merchant counts what lies at a location. Whether the store has such an article there.
    pub fn count_stock(&self, sku: &str, place: &str, on_hand: i64) -> bool {
        self.change(|state, now| count(state, sku, place, on_hand, now).is_some())
    }

    /// The article is made of others from now on: its own numbers cannot be set.
    pub fn make_bundle(&self, sku: &str) -> bool {
        self.change(|state, _| {
            let found = variant_of(state, sku).and_then(|id| state.variant_mut(id));
            found.map(|variant| variant.bundle = true).is_some()
        })
    }

    /// How many there are of the article is not kept any more, or is again.
    pub fn track(&self, sku: &str, tracked: bool) -> bool {
        self.change(|state, _| {
            let found = variant_of(state, sku).and_then(|id| state.variant_mut(id));
            found.map(|variant| variant.tracked = tracked).is_some()
        })
    }

    /// A location is deactivated with whatever lies there. Its id.
    pub fn close_location(&self, place: &str) -> Option<u64> {
        self.change(|state, _| {
            let id = place_of(state, place)?;
            state.locations.get_mut(id)?.closed = true;
            Some(id)
        })
    }
}

fn count(state: &mut State, sku: &str, place: &str, on_hand: i64, now: Timestamp) -> Option<()> {
    let (variant_id, place_id) = (variant_of(state, sku)?, place_of(state, place)?);
    let level = state.variant_mut(variant_id)?.levels.get_mut(&place_id)?;
    let available = on_hand - level.committed;
    if available != level.available {
        (level.available, level.updated_at) = (available, now);
        webhooks::inventory_level(state, variant_id, place_id, now);
    }
    Some(())
}

fn variant_of(state: &State, sku: &str) -> Option<u64> {
    let mut all = state.products.iter().flat_map(|product| &product.variants);
    let found = all.find(|variant| variant.sku.as_deref() == Some(sku));
    found.map(|variant| variant.id)
}

fn place_of(state: &State, name: &str) -> Option<u64> {
    let found = state.locations.iter().find(|place| place.name == name);
    found.map(|place| place.id)
}
