//! Promises of stock to order lines: made, released or consumed, each exactly once.
use std::collections::{BTreeMap, BTreeSet};

use super::queries::{self, LevelRow, ReservationRow};
use super::{Movement, StockError};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{LocationId, OrderId, OrderLineId, ProductId};

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
) -> Result<Settled, DbError> {
    let mut settled = Settled::default();
    release_surplus(conn, needs, held, &mut settled)?;
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
    let products: Vec<ProductId> = missing.iter().map(|need| need.product).collect();
    let mut levels = queries::levels_of(conn, &products)?;
    let mut planned = Vec::new();
    for need in &missing {
        for (place, quantity) in plan(&levels, need) {
            levels[place].reserved += quantity;
            let level = &levels[place];
            planned.push((level.id, (*need, level.location_id, quantity)));
        }
    }
    let taken = take(conn, planned)?;
    settled.reserved = taken.iter().map(|(_need, _location, pieces)| pieces).sum();
    settled.short = missing.iter().map(|need| need.quantity).sum::<i64>() - settled.reserved;
    for (need, location, quantity) in &taken {
        let same = |row: &&ReservationRow| {
            row.order_line_id == need.line
                && row.product_id == need.product
                && row.location_id == *location
        };
        if held.iter().any(|row| same(&row)) {
            queries::raise_reservation(conn, need.line, need.product, *location, *quantity)?;
        }
    }
    let fresh: Vec<queries::NewReservation> = taken
        .into_iter()
        .filter(|(need, location, _quantity)| {
            !held.iter().any(|row| {
                row.order_line_id == need.line
                    && row.product_id == need.product
                    && row.location_id == *location
            })
        })
        .map(|(need, location, quantity)| queries::NewReservation {
            order_line_id: need.line,
            product_id: need.product,
            location_id: location,
            quantity,
        })
        .collect();
    queries::insert_reservations(conn, &fresh)?;
    Ok(settled)
}

/// Pieces of one place for one line.
type Taken = (Need, LocationId, i64);

/// Takes what was planned, each level with one statement and in the order of their ids: several lines of one item cost
/// no more than one, and two orders never wait for each other. Gives back what could be taken.
fn take(conn: &mut DbConnection, planned: Vec<(i64, Taken)>) -> Result<Vec<Taken>, DbError> {
    let mut levels: BTreeMap<i64, Vec<Taken>> = BTreeMap::new();
    for (level, one) in planned {
        levels.entry(level).or_default().push(one);
    }
    let mut taken = Vec::new();
    for (level, these) in levels {
        let sum = these.iter().map(|(_need, _location, pieces)| pieces).sum();
        if queries::reserve(conn, level, sum)? {
            taken.extend(these);
            continue;
        }
        // Somebody was quicker: what is left goes line by line.
        for one in these {
            if queries::reserve(conn, level, one.2)? {
                taken.push(one);
            }
        }
    }
    Ok(taken)
}

fn held_for(need: &Need, held: &[ReservationRow]) -> i64 {
    held.iter()
        .filter(|row| row.order_line_id == need.line && row.product_id == need.product)
        .map(|row| row.quantity)
        .sum()
}

/// From which levels to take: one place that has all of it, else what there is, place by place.
fn plan(levels: &[LevelRow], need: &Need) -> Vec<(usize, i64)> {
    let places = || {
        levels
            .iter()
            .enumerate()
            .filter(|(_place, level)| level.product_id == need.product && level.free() > 0)
    };
    if let Some((place, _level)) = places().find(|(_place, level)| level.free() >= need.quantity) {
        return vec![(place, need.quantity)];
    }
    let mut open = need.quantity;
    places()
        .map_while(|(place, level)| {
            let quantity = level.free().min(open);
            open -= quantity;
            (quantity > 0).then_some((place, quantity))
        })
        .collect()
}

fn release_surplus(
    conn: &mut DbConnection,
    needs: &[Need],
    held: &[ReservationRow],
    settled: &mut Settled,
) -> Result<(), DbError> {
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
            queries::unreserve(conn, row.product_id, row.location_id, quantity)?;
            settled.released.insert(product);
            surplus -= quantity;
        }
    }
    Ok(())
}

/// Uses up the promises of a line for pieces that leave: those at the place first, then the others,
/// which become free there.
pub(super) fn consume(
    conn: &mut DbConnection,
    line: OrderLineId,
    movement: &Movement<'_>,
) -> Result<(), StockError> {
    let mut open = movement.quantity.saturating_abs();
    let mut held = queries::reservations_of_line(conn, line, movement.product)?;
    held.sort_by_key(|row| (row.location_id != movement.location, row.id));
    for row in held {
        let quantity = open.min(row.quantity);
        if quantity == 0 {
            continue;
        }
        queries::lower_reservation(conn, &row, quantity)?;
        queries::unreserve(conn, row.product_id, row.location_id, quantity)?;
        open -= quantity;
    }
    Ok(())
}

/// Takes promises back until no more is promised than lies there: the order with the latest promise
/// gives first. Returns the orders that lost something.
pub(super) fn take_back(
    conn: &mut DbConnection,
    level: &LevelRow,
) -> Result<BTreeSet<OrderId>, DbError> {
    let mut surplus = level.reserved - level.on_hand;
    let mut losers = BTreeSet::new();
    for (order, row) in queries::latest_promises(conn, level.product_id, level.location_id)? {
        if surplus <= 0 {
            break;
        }
        let quantity = surplus.min(row.quantity);
        queries::lower_reservation(conn, &row, quantity)?;
        queries::unreserve(conn, row.product_id, row.location_id, quantity)?;
        losers.insert(order);
        surplus -= quantity;
    }
    Ok(losers)
}
