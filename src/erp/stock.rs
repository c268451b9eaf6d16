//! Stock: what lies where, what is promised to whom. Movements are a ledger; a level equals the sum
//! of its movements and of its reservations at any commit.
use std::collections::BTreeMap;

use serde_json::json;

use crate::erp::events::{self, StockChanged};
use crate::erp::{audit, orders};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, LocationId, OrderLineId, ProductId, UserId};

pub mod queries;
mod reserve;
mod shelves;

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
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A change of what lies at a place.
#[derive(Clone, Debug)]
pub struct Movement<'a> {
    pub product: ProductId,
    pub location: LocationId,
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
/// `NotEnough` where less than nothing would remain, `NoReason`, `Nothing`.
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
    } else if movement.quantity > 0 {
        orders::offer(conn, &[movement.product], None, now)?;
    }
    Ok(())
}

// The reason stays in the ledger: it is free text.
fn note_adjusted(conn: &mut DbConnection, movement: &Movement<'_>, now: At) -> Result<(), DbError> {
    let arguments = json!({ "quantity": movement.quantity, "location": movement.location });
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
    if level.on_hand < level.reserved {
        // What was promised to others has left: they are short now.
        take_back(conn, &level, now)?;
    }
    Ok(())
}

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
/// The database's.
pub fn put_back(
    conn: &mut DbConnection,
    movement: &Movement<'_>,
    now: At,
) -> Result<(), StockError> {
    book(conn, movement, now)?;
    Ok(())
}

/// Writes the movement and its level in one step.
fn book(
    conn: &mut DbConnection,
    movement: &Movement<'_>,
    now: At,
) -> Result<queries::LevelRow, StockError> {
    queries::ensure_level(conn, movement.product, movement.location)?;
    let Some(level) =
        queries::add_on_hand(conn, movement.product, movement.location, movement.quantity)?
    else {
        let on_hand = queries::find_level(conn, movement.product, movement.location)?
            .map_or(0, |level| level.on_hand);
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
    let mut sums: BTreeMap<(ProductId, LocationId), (i64, i64)> = BTreeMap::new();
    for (product, location, quantity) in queries::all_movements(conn)? {
        sums.entry((product, location)).or_default().0 += quantity;
    }
    for (product, location, quantity) in queries::all_reservations(conn)? {
        sums.entry((product, location)).or_default().1 += quantity;
    }
    let mut wrong = Vec::new();
    for level in queries::all_levels(conn)? {
        let sum = sums
            .remove(&(level.product_id, level.location_id))
            .unwrap_or_default();
        if sum != (level.on_hand, level.reserved) {
            wrong.push(format!(
                "product {} at {}: level {}/{}, sums {}/{}",
                level.product_id, level.location_id, level.on_hand, level.reserved, sum.0, sum.1
            ));
        }
    }
    for ((product, location), sum) in sums {
        if sum != (0, 0) {
            wrong.push(format!("product {product} at {location} has no level"));
        }
    }
    Ok(wrong)
}
