//! From which lots pieces leave, where nobody names them: decided from the levels at the place alone.
use super::Movement;
use super::queries::{LevelRow, ReservationRow};
use crate::types::{LocationId, LotId, OrderLineId, ProductId};

/// Pieces of one lot, or of none, that leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub lot: Option<LotId>,
    pub quantity: i64,
}

/// What a line takes at a place: first what is promised to it there, then what is free, then what is promised to others;
/// each time first what expires first. Of a blocked or expired lot nothing. Fewer than wanted where fewer lie there.
#[must_use]
pub fn of_line(
    levels: &[LevelRow],
    held: &[ReservationRow],
    line: OrderLineId,
    (product, location): (ProductId, LocationId),
    wanted: i64,
) -> Vec<Taken> {
    let promised = |level: &LevelRow| {
        let rows = held.iter().filter(|row| {
            row.order_line_id == line
                && row.product_id == product
                && row.location_id == location
                && row.lot_id == level.lot_id
        });
        rows.map(|row| row.quantity).sum::<i64>()
    };
    let mut taking = Taking::new(levels, product, location, wanted);
    taking.take(|level| promised(level).min(level.on_hand));
    taking.take(|level| level.free() + promised(level));
    taking.take(|level| level.on_hand);
    taking.taken
}

/// What leaves whatever it was kept for: what lies in no lot, then the lots, first what expires first.
pub(super) fn of_any(levels: &[LevelRow], movement: &Movement<'_>) -> Vec<Taken> {
    let wanted = movement.quantity.saturating_abs();
    let (product, location) = (movement.product, movement.location);
    let mut taking = Taking::new(levels, product, location, wanted);
    taking.barred_too = true;
    taking.take(|level| {
        if level.lot_id.is_none() {
            level.on_hand
        } else {
            0
        }
    });
    taking.take(|level| level.on_hand);
    if taking.open > 0 {
        // The rest is asked of what lies in no lot: that says how many there are.
        taking.add(None, taking.open);
    }
    taking.taken
}

/// What moves to another location: what is free, then what is promised, each time first what expires first. Of a blocked or
/// expired lot nothing. Fewer than wanted where fewer lie there.
pub(super) fn to_move(
    levels: &[LevelRow],
    product: ProductId,
    location: LocationId,
    wanted: i64,
) -> Vec<Taken> {
    let mut taking = Taking::new(levels, product, location, wanted);
    taking.take(LevelRow::free);
    taking.take(|level| level.on_hand);
    taking.taken
}

struct Taking<'a> {
    levels: Vec<&'a LevelRow>,
    open: i64,
    barred_too: bool,
    taken: Vec<Taken>,
}

impl<'a> Taking<'a> {
    fn new(levels: &'a [LevelRow], product: ProductId, location: LocationId, open: i64) -> Self {
        let here = |level: &&LevelRow| level.product_id == product && level.location_id == location;
        Taking {
            levels: levels.iter().filter(here).collect(),
            open,
            barred_too: false,
            taken: Vec::new(),
        }
    }

    /// Takes of each level up to so many in all, as long as something is wanted.
    fn take(&mut self, up_to: impl Fn(&LevelRow) -> i64) {
        for level in self.levels.clone() {
            if level.barred && !self.barred_too {
                continue;
            }
            let before = self.of(level.lot_id);
            let quantity = (up_to(level) - before).min(self.open);
            if quantity > 0 {
                self.add(level.lot_id, quantity);
            }
        }
    }

    fn of(&self, lot: Option<LotId>) -> i64 {
        let found = self.taken.iter().find(|taken| taken.lot == lot);
        found.map_or(0, |taken| taken.quantity)
    }

    fn add(&mut self, lot: Option<LotId>, quantity: i64) {
        self.open -= quantity;
        match self.taken.iter_mut().find(|taken| taken.lot == lot) {
            Some(taken) => taken.quantity += quantity,
            None => self.taken.push(Taken { lot, quantity }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: ProductId = ProductId(1);
    const HERE: LocationId = LocationId(1);
    const LINE: OrderLineId = OrderLineId(1);

    fn level(lot: i64, on_hand: i64, reserved: i64) -> LevelRow {
        LevelRow {
            id: lot,
            product_id: ITEM,
            location_id: HERE,
            on_hand,
            reserved,
            lot_id: (lot > 0).then_some(LotId(lot)),
            expires: None,
            barred: false,
        }
    }

    fn promise(lot: i64, quantity: i64) -> ReservationRow {
        ReservationRow {
            id: lot,
            order_line_id: LINE,
            product_id: ITEM,
            location_id: HERE,
            quantity,
            lot_id: Some(LotId(lot)),
        }
    }

    fn pairs(taken: &[Taken]) -> Vec<(i64, i64)> {
        let pair = |one: &Taken| (one.lot.map_or(0, |lot| lot.0), one.quantity);
        taken.iter().map(pair).collect()
    }

    #[test]
    fn a_line_takes_what_it_was_promised_then_what_is_free_then_what_others_were_promised() {
        let levels = [level(1, 5, 5), level(2, 4, 3), level(3, 9, 0)];
        let held = [promise(2, 2)];
        let take = |wanted| pairs(&of_line(&levels, &held, LINE, (ITEM, HERE), wanted));
        assert_eq!(take(2), [(2, 2)]);
        assert_eq!(take(4), [(2, 3), (3, 1)]);
        assert_eq!(take(14), [(2, 3), (3, 9), (1, 2)]);
        assert_eq!(take(99), [(2, 4), (3, 9), (1, 5)], "no more than lie there");
    }

    #[test]
    fn nothing_of_a_blocked_lot_leaves_with_an_order() {
        let mut blocked = level(1, 5, 0);
        blocked.barred = true;
        let levels = [blocked, level(2, 4, 0)];
        let taken = of_line(&levels, &[], LINE, (ITEM, HERE), 6);
        assert_eq!(pairs(&taken), [(2, 4)]);
    }

    #[test]
    fn what_goes_missing_goes_missing_from_what_has_no_lot_first() {
        let levels = [level(1, 5, 0), level(0, 4, 0)];
        let of = |quantity| {
            let movement = Movement {
                product: ITEM,
                location: HERE,
                lot: None,
                quantity,
                reason: "count",
                source: "test",
                user: None,
            };
            pairs(&of_any(&levels, &movement))
        };
        assert_eq!(of(-3), [(0, 3)]);
        assert_eq!(of(-6), [(0, 4), (1, 2)]);
        assert_eq!(
            of(-12),
            [(0, 7), (1, 5)],
            "the ledger refuses three of them"
        );
    }
}
