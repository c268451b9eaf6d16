//! Promises of stock to order lines: made, released or consumed, each exactly once.
use std::collections::BTreeSet;

use super::queries::{self, LevelRow, ReservationRow};
use super::shelves::{Shelves, record_promises};
use super::{Movement, StockError};
use crate::erp::events::{self, StockChanged};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, LocationId, OrderId, OrderLineId, ProductId};

/// What a line still needs of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub line: OrderLineId,
    pub product: ProductId,
    pub quantity: i64,
}

/// How the promises of an order stand after settling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Pieces that no stock is promised for.
    pub short: i64,
    /// Pieces promised just now.
    pub reserved: i64,
    /// Products of which something became free.
    pub released: BTreeSet<ProductId>,
}

/// Makes the promises of an order's lines fit what they need: releases what is too much, then
/// promises what is free. `held` are the promises of these lines.
///
/// # Errors
///
/// The database's.
pub fn settle(
    conn: &mut DbConnection,
    needs: &[Need],
    held: &[ReservationRow],
    now: At,
) -> Result<Settled, DbError> {
    let mut settled = Settled::default();
    let released = release_surplus(conn, needs, held, &mut settled)?;
    events::record_stock(conn, &released, now)?;
    let missing: Vec<Need> = needs
        .iter()
        .map(|need| Need {
            quantity: need.quantity - held_for(need, held).min(need.quantity),
            ..*need
        })
        .filter(|need| need.quantity > 0)
        .collect();
    if missing.is_empty() {
        return Ok(settled);
    }
    let mut shelves = Shelves::hold(conn, &missing)?;
    let promises = shelves.promise(&missing);
    let needed: i64 = missing.iter().map(|need| need.quantity).sum();
    settled.reserved = promises.iter().map(|promise| promise.quantity).sum();
    settled.short = needed - settled.reserved;
    let mut fresh = Vec::new();
    for promise in promises {
        match held.iter().find(|row| promise.is_of(row)) {
            Some(row) => queries::raise_reservation(conn, row, promise.quantity)?,
            None => fresh.push(promise),
        }
    }
    record_promises(conn, &fresh)?;
    shelves.close(conn, now)?;
    Ok(settled)
}

/// A change of promises alone.
pub(super) const fn promised(product: ProductId, location: LocationId) -> StockChanged {
    StockChanged {
        product,
        location,
        moved: false,
    }
}

fn held_for(need: &Need, held: &[ReservationRow]) -> i64 {
    held.iter()
        .filter(|row| row.order_line_id == need.line && row.product_id == need.product)
        .map(|row| row.quantity)
        .sum()
}

fn release_surplus(
    conn: &mut DbConnection,
    needs: &[Need],
    held: &[ReservationRow],
    settled: &mut Settled,
) -> Result<Vec<StockChanged>, DbError> {
    let mut changes = Vec::new();
    let mut lines: Vec<(OrderLineId, ProductId)> = held
        .iter()
        .map(|row| (row.order_line_id, row.product_id))
        .collect();
    lines.sort_unstable();
    lines.dedup();
    for (line, product) in lines {
        let of_line =
            |row: &&ReservationRow| row.order_line_id == line && row.product_id == product;
        let have: i64 = held.iter().filter(of_line).map(|row| row.quantity).sum();
        let want: i64 = needs
            .iter()
            .filter(|need| need.line == line && need.product == product)
            .map(|need| need.quantity)
            .sum();
        let mut surplus = have - want;
        for row in held.iter().filter(of_line).rev() {
            if surplus <= 0 {
                break;
            }
            let quantity = surplus.min(row.quantity);
            queries::lower_reservation(conn, row, quantity)?;
            queries::unreserve(conn, row, quantity)?;
            settled.released.insert(product);
            changes.push(promised(product, row.location_id));
            surplus -= quantity;
        }
    }
    changes.sort_unstable();
    changes.dedup();
    Ok(changes)
}

/// Uses up the promises of a line for pieces that leave: those of the lot first, then those at the place, then the
/// others. What was promised elsewhere becomes free there: those changes are returned.
pub(super) fn consume(
    conn: &mut DbConnection,
    line: OrderLineId,
    movement: &Movement<'_>,
) -> Result<Vec<StockChanged>, StockError> {
    let mut elsewhere = Vec::new();
    let mut open = movement.quantity.saturating_abs();
    let mut held = queries::reservations_of_line(conn, line, movement.product)?;
    held.sort_by_key(|row| {
        let here = row.location_id == movement.location;
        (!(here && row.lot_id == movement.lot), !here, row.id)
    });
    for row in held {
        let quantity = open.min(row.quantity);
        if quantity == 0 {
            continue;
        }
        queries::lower_reservation(conn, &row, quantity)?;
        queries::unreserve(conn, &row, quantity)?;
        if row.location_id != movement.location {
            elsewhere.push(promised(row.product_id, row.location_id));
        }
        open -= quantity;
    }
    Ok(elsewhere)
}

/// Takes promises back until no more is promised than lies there and may be promised: the order with the latest promise
/// gives first. Returns the orders that lost something.
pub(super) fn take_back(
    conn: &mut DbConnection,
    level: &LevelRow,
) -> Result<BTreeSet<OrderId>, DbError> {
    let fit = if level.barred { 0 } else { level.on_hand };
    let mut surplus = level.reserved - fit;
    let mut losers = BTreeSet::new();
    for (order, row) in queries::latest_promises(conn, level)? {
        if surplus <= 0 {
            break;
        }
        let quantity = surplus.min(row.quantity);
        queries::lower_reservation(conn, &row, quantity)?;
        queries::unreserve(conn, &row, quantity)?;
        losers.insert(order);
        surplus -= quantity;
    }
    Ok(losers)
}
