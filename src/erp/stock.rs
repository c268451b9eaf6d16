//! Stock: what lies where and in which lot, what is promised to whom. Movements are a ledger; a level equals the sum
//! of its movements and of its reservations at any commit.
use std::collections::BTreeMap;

use serde_json::json;

use crate::erp::events::{self, StockChanged};
use crate::erp::{audit, orders};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, LocationId, LotId, OrderLineId, ProductId, UserId};

pub mod counting;
pub mod documents;
pub mod jobs;
pub mod leaving;
pub mod lots;
pub mod queries;
pub mod receiving;
mod reserve;
pub mod sheet;
mod shelves;
pub mod transfers;

pub use reserve::{Need, Settled, settle};
pub use shelves::{Promise, Shelves, record_promises};

/// Why stock cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum StockError {
    #[error("there are only {on_hand} on hand")]
    NotEnough { on_hand: i64 },
    #[error("a change of stock needs a reason")]
    NoReason,
    #[error("a change of 0 changes nothing")]
    Nothing,
    /// There is one piece of a serial number, and it lies somewhere already.
    #[error("serial number {0} is in stock already")]
    SerialTwice(String),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A change of what lies at a place.
#[derive(Clone, Debug)]
pub struct Movement<'a> {
    pub product: ProductId,
    pub location: LocationId,
    /// `None` where the product has no lots, or nobody has said which it is.
    pub lot: Option<LotId>,
    /// Pieces: plus arrives, minus leaves.
    pub quantity: i64,
    /// `count`, `received`, `damaged`, `shipped` ...
    pub reason: &'a str,
    /// Where it came from: `person`, `shipment:4`, `practice`.
    pub source: &'a str,
    pub user: Option<UserId>,
}

/// Changes stock and gives what arrived to the orders that wait for it; takes promises back, the
/// latest first, where less remains than was promised.
///
/// # Errors
///
/// `NotEnough` where less than nothing would remain, `NoReason`, `Nothing`, `SerialTwice`.
pub fn adjust(conn: &mut DbConnection, movement: &Movement<'_>, now: At) -> Result<(), StockError> {
    if movement.reason.trim().is_empty() {
        return Err(StockError::NoReason);
    }
    if movement.quantity == 0 {
        return Err(StockError::Nothing);
    }
    let level = book(conn, movement, now)?;
    if movement.user.is_some() {
        note_adjusted(conn, movement, now)?;
    }
    if level.on_hand < level.reserved {
        take_back(conn, &level, now)?;
    } else if movement.quantity > 0 && !level.barred {
        orders::offer(conn, &[movement.product], None, now)?;
    }
    Ok(())
}

/// As [`adjust`], for who cannot say which lot: what arrives lies in none until somebody names it; what leaves is taken
/// from what lies in none, then from the lots, first what expires first.
///
/// # Errors
///
/// As [`adjust`].
pub fn adjust_any(
    conn: &mut DbConnection,
    movement: &Movement<'_>,
    now: At,
) -> Result<(), StockError> {
    if movement.quantity >= 0 {
        return adjust(conn, movement, now);
    }
    let levels = queries::levels_of(conn, &[movement.product])?;
    for taken in leaving::of_any(&levels, movement) {
        let movement = Movement {
            lot: taken.lot,
            quantity: -taken.quantity,
            ..movement.clone()
        };
        adjust(conn, &movement, now)?;
    }
    Ok(())
}

// The reason stays in the ledger: it is free text.
fn note_adjusted(conn: &mut DbConnection, movement: &Movement<'_>, now: At) -> Result<(), DbError> {
    let mut arguments = json!({ "quantity": movement.quantity, "location": movement.location });
    if let Some(lot) = movement.lot {
        arguments["lot"] = json!(lot);
    }
    let subject = format!("product/{}", movement.product);
    let kind = audit::Kind::StockAdjusted;
    audit::record(conn, movement.user, kind, &subject, &arguments, now)
}

/// Takes pieces of an order line out of a location: the promise is consumed with them, wherever it
/// was made. Called by shipping, which then asks [`orders::recompute`].
///
/// # Errors
///
/// `NotEnough` where fewer are on hand.
pub fn consume(
    conn: &mut DbConnection,
    line: OrderLineId,
    movement: &Movement<'_>,
    now: At,
) -> Result<(), StockError> {
    let elsewhere = reserve::consume(conn, line, movement)?;
    events::record_stock(conn, &elsewhere, now)?;
    let level = book(conn, movement, now)?;
    if let Some(lot) = movement.lot {
        let pieces = movement.quantity.saturating_abs();
        queries::lots::insert_use(conn, (lot, line), pieces, movement.source, now)?;
    }
    if level.on_hand < level.reserved {
        // What was promised to others has left: they are short now.
        take_back(conn, &level, now)?;
    }
    Ok(())
}

/// Takes promises back where more is promised of a level than may be.
fn take_back(
    conn: &mut DbConnection,
    level: &queries::LevelRow,
    now: At,
) -> Result<(), StockError> {
    for order in reserve::take_back(conn, level)? {
        orders::recompute(conn, order, now)?;
    }
    Ok(())
}

/// Puts pieces back that a shipment had taken and that did not leave after all.
///
/// # Errors
///
/// `SerialTwice` where one of them was named once more since; the database's.
pub fn put_back(
    conn: &mut DbConnection,
    movement: &Movement<'_>,
    now: At,
) -> Result<(), StockError> {
    book(conn, movement, now)?;
    queries::lots::mark_uses_undone(conn, movement.source, now)?;
    Ok(())
}

/// The lot of an item that pieces of a line came back from: the one that left with it, if it was one alone.
///
/// # Errors
///
/// The database's.
pub fn lot_that_left(
    conn: &mut DbConnection,
    line: OrderLineId,
    product: ProductId,
) -> Result<Option<LotId>, DbError> {
    let left = queries::lots::list_of_line(conn, line, product)?;
    Ok(match left[..] {
        [lot] => Some(lot),
        _ => None,
    })
}

/// Writes the movement and its level in one step.
fn book(
    conn: &mut DbConnection,
    movement: &Movement<'_>,
    now: At,
) -> Result<queries::LevelRow, StockError> {
    let place = (movement.product, movement.location, movement.lot);
    if let (Some(lot), true) = (movement.lot, movement.quantity > 0) {
        lots::check_single(conn, lot, movement.quantity)?;
    }
    queries::ensure_level(conn, place)?;
    let Some(level) = queries::add_on_hand(conn, place, movement.quantity)? else {
        let on_hand = queries::find_level(conn, place)?.map_or(0, |level| level.on_hand);
        return Err(StockError::NotEnough { on_hand });
    };
    queries::insert_movement(
        conn,
        &queries::NewMovement {
            product_id: movement.product,
            location_id: movement.location,
            quantity: movement.quantity,
            balance: level.on_hand,
            reason: movement.reason,
            source: movement.source,
            user_id: movement.user,
            at: now,
            lot_id: movement.lot,
        },
    )?;
    let change = StockChanged {
        product: movement.product,
        location: movement.location,
        moved: true,
    };
    events::record_stock(conn, &[change], now)?;
    Ok(level)
}

/// Levels that do not equal their movements and reservations: empty unless we have a fault.
///
/// # Errors
///
/// The database's.
pub fn wrong_levels(conn: &mut DbConnection) -> Result<Vec<String>, DbError> {
    let mut sums: BTreeMap<queries::Place, (i64, i64)> = BTreeMap::new();
    for (product, location, lot, quantity) in queries::all_movements(conn)? {
        sums.entry((product, location, lot)).or_default().0 += quantity;
    }
    for (product, location, lot, quantity) in queries::all_reservations(conn)? {
        sums.entry((product, location, lot)).or_default().1 += quantity;
    }
    let mut wrong = Vec::new();
    for level in queries::all_levels(conn)? {
        let place = (level.product_id, level.location_id, level.lot_id);
        let sum = sums.remove(&place).unwrap_or_default();
        if sum != (level.on_hand, level.reserved) {
            wrong.push(format!(
                "{place:?}: level {}/{}, sums {}/{}",
                level.on_hand, level.reserved, sum.0, sum.1
            ));
        }
        if level.barred && level.reserved > 0 {
            wrong.push(format!("{place:?} is barred and promised"));
        }
    }
    for (place, sum) in sums {
        if sum != (0, 0) {
            wrong.push(format!("{place:?} has no level"));
        }
    }
    Ok(wrong)
}
