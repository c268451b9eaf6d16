//! What is free of some products, while one order after another takes from it. The taking is planned in memory and
//! written at the end: what a batch of orders takes of a level is one change.
use std::collections::BTreeMap;

use super::queries::{self, LevelRow, NewReservation, ReservationRow};
use super::reserve::{Need, promised};
use crate::erp::events::{self, StockChanged};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, LocationId, LotId, OrderLineId, ProductId};

/// A promise of stock to an order line that is not written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    pub line: OrderLineId,
    pub product: ProductId,
    pub location: LocationId,
    pub lot: Option<LotId>,
    pub quantity: i64,
}

impl Promise {
    /// Whether it only makes a promise larger that is there.
    pub(super) fn is_of(&self, row: &ReservationRow) -> bool {
        row.order_line_id == self.line
            && row.product_id == self.product
            && row.location_id == self.location
            && row.lot_id == self.lot
    }
}

/// The levels of some products.
pub struct Shelves {
    levels: Vec<LevelRow>,
    /// Pieces promised of a level since it was read, by the level's id.
    taken: BTreeMap<i64, i64>,
}

impl Shelves {
    /// Looks what there is of what is needed. Others may take from it until [`close`](Shelves::close), unless it is
    /// scarce.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn look(conn: &mut DbConnection, needs: &[Need]) -> Result<Shelves, DbError> {
        let products = products(needs);
        if products.is_empty() {
            return Ok(Shelves::new(Vec::new()));
        }
        let shelves = Shelves::new(queries::levels_of(conn, &products)?);
        if shelves.have(needs) {
            Ok(shelves)
        } else {
            Shelves::hold(conn, needs)
        }
    }

    /// As [`look`](Shelves::look), and nobody else takes from it until the commit.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn hold(conn: &mut DbConnection, needs: &[Need]) -> Result<Shelves, DbError> {
        let products = products(needs);
        if products.is_empty() {
            return Ok(Shelves::new(Vec::new()));
        }
        Ok(Shelves::new(queries::hold_levels(conn, &products)?))
    }

    const fn new(levels: Vec<LevelRow>) -> Shelves {
        Shelves {
            levels,
            taken: BTreeMap::new(),
        }
    }

    /// Whether there is enough for all.
    fn have(&self, needs: &[Need]) -> bool {
        let mut wanted: BTreeMap<ProductId, i64> = BTreeMap::new();
        for need in needs {
            *wanted.entry(need.product).or_default() += need.quantity;
        }
        wanted.into_iter().all(|(product, quantity)| {
            let levels = self
                .levels
                .iter()
                .filter(|level| level.product_id == product);
            levels.map(LevelRow::free).sum::<i64>() >= quantity
        })
    }

    /// Promises what is free of what is needed.
    pub fn promise(&mut self, needs: &[Need]) -> Vec<Promise> {
        let mut promises = Vec::new();
        for need in needs {
            for (place, quantity) in plan(&self.levels, need) {
                let level = &mut self.levels[place];
                level.reserved += quantity;
                *self.taken.entry(level.id).or_default() += quantity;
                promises.push(Promise {
                    line: need.line,
                    product: need.product,
                    location: level.location_id,
                    lot: level.lot_id,
                    quantity,
                });
            }
        }
        promises
    }

    /// Writes down how much was taken of each level, and tells of all of it at once.
    ///
    /// # Errors
    ///
    /// `Overtaken` where somebody else took it since.
    pub fn close(self, conn: &mut DbConnection, now: At) -> Result<(), DbError> {
        if self.taken.is_empty() {
            return Ok(());
        }
        let levels = self.levels.iter();
        let changes: Vec<StockChanged> = levels
            .filter(|level| self.taken.contains_key(&level.id))
            .map(|level| promised(level.product_id, level.location_id))
            .collect();
        // Told first: the levels are held from here to the commit.
        events::record_stock(conn, &changes, now)?;
        if queries::reserve(conn, &self.taken)? {
            Ok(())
        } else {
            Err(DbError::Overtaken)
        }
    }
}

/// Writes promises to lines that have none of these.
///
/// # Errors
///
/// The database's.
pub fn record_promises(conn: &mut DbConnection, promises: &[Promise]) -> Result<(), DbError> {
    let rows: Vec<NewReservation> = promises
        .iter()
        .map(|promise| NewReservation {
            order_line_id: promise.line,
            product_id: promise.product,
            location_id: promise.location,
            quantity: promise.quantity,
            lot_id: promise.lot,
        })
        .collect();
    queries::insert_reservations(conn, &rows)
}

fn products(needs: &[Need]) -> Vec<ProductId> {
    let mut products: Vec<ProductId> = needs.iter().map(|need| need.product).collect();
    products.sort_unstable();
    products.dedup();
    products
}

/// From which levels to take: of one place that has all of it, else what there is, place by place; at a place first what
/// expires first, as the levels come.
fn plan(levels: &[LevelRow], need: &Need) -> Vec<(usize, i64)> {
    let free = || {
        levels
            .iter()
            .enumerate()
            .filter(|(_nth, level)| level.product_id == need.product && level.free() > 0)
    };
    let mut open = need.quantity;
    let enough = free().map(|(_nth, level)| level.location_id).find(|place| {
        let here = free().filter(|(_nth, level)| level.location_id == *place);
        here.map(|(_nth, level)| level.free()).sum::<i64>() >= need.quantity
    });
    free()
        .filter(|(_nth, level)| enough.is_none_or(|place| level.location_id == place))
        .map_while(|(nth, level)| {
            let quantity = level.free().min(open);
            open -= quantity;
            (quantity > 0).then_some((nth, quantity))
        })
        .collect()
}
