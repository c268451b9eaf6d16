//! Which location ships which line, and the stock that this reserves.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::model::{FoLine, FoStatus, FulfillmentOrder, Level, Line, Order};
use super::state::State;
use super::webhooks;

/// Gives every line of a new order to a location.
pub(super) fn route(state: &mut State, order: &mut Order, now: Timestamp) {
    let ids: Vec<u64> = order
        .lines
        .iter()
        .filter(|line| !line.tip)
        .map(|line| line.id)
        .collect();
    for line_id in ids {
        route_line(state, order, line_id, now);
    }
}

/// Gives one line to a location that has it, best one that ships for this order anyway.
pub(super) fn route_line(state: &mut State, order: &mut Order, line_id: u64, now: Timestamp) {
    if let Some(line) = order.line(line_id).cloned() {
        route_pieces(state, order, &line, now);
    }
}

/// Gives one more piece of a line to a location.
pub(super) fn route_piece(state: &mut State, order: &mut Order, line_id: u64, now: Timestamp) {
    if let Some(line) = order.line(line_id).cloned() {
        let one = Line {
            quantity: 1,
            ..line
        };
        route_pieces(state, order, &one, now);
    }
}

fn route_pieces(state: &mut State, order: &mut Order, line: &Line, now: Timestamp) {
    let line_id = line.id;
    let is_local = order
        .shipping
        .iter()
        .any(|one| one.title == super::kinds::LOCAL_DELIVERY);
    let method = match (order.source_name.as_str(), line.requires_shipping) {
        ("pos", _) => "RETAIL",
        (_, true) if is_local => "LOCAL",
        (_, true) => order.handover.as_str(),
        (_, false) => "NONE",
    };
    let method = &method.to_owned();
    let location_id = best_location(state, order, line);
    shift(state, line, location_id, -line.quantity, line.quantity, now);
    let (fo_id, fo_line_id) = (state.id(), state.id());
    let piece = FoLine {
        id: fo_line_id,
        line_id,
        total: line.quantity,
        remaining: line.quantity,
    };
    let mut open = order.fulfillment_orders.iter_mut();
    let known = open.find(|one| {
        one.location_id == location_id && one.method == *method && one.status == FoStatus::Open
    });
    match known {
        Some(known) => {
            known.lines.push(piece);
            known.updated_at = now;
        }
        None => order
            .fulfillment_orders
            .push(blank(fo_id, location_id, method, vec![piece], now)),
    }
}

pub(super) fn blank(
    id: u64,
    location_id: u64,
    method: &str,
    lines: Vec<FoLine>,
    now: Timestamp,
) -> FulfillmentOrder {
    FulfillmentOrder {
        id,
        status: FoStatus::Open,
        location_id,
        lines,
        holds: Vec::new(),
        method: method.to_owned(),
        fulfill_at: None,
        accepted: false,
        replaced: false,
        created_at: now,
        updated_at: now,
    }
}

fn best_location(state: &State, order: &Order, line: &Line) -> u64 {
    let Some((_, variant)) = line.variant_id.and_then(|id| state.variant(id)) else {
        return state.primary_location();
    };
    let has = |id: &u64| {
        variant
            .levels
            .get(id)
            .is_some_and(|level| level.available >= line.quantity)
    };
    let used = order
        .fulfillment_orders
        .iter()
        .map(|one| one.location_id)
        .find(|id| has(id));
    used.or_else(|| variant.levels.keys().copied().find(|id| has(id)))
        .or_else(|| variant.levels.keys().next().copied())
        .unwrap_or_else(|| state.primary_location())
}

/// Moves stock of a line's variant between available and committed.
pub(super) fn shift(
    state: &mut State,
    line: &Line,
    location_id: u64,
    available: i64,
    committed: i64,
    now: Timestamp,
) {
    let Some(variant) = line
        .variant_id
        .and_then(|id| state.variant_mut(id))
        .filter(|variant| variant.tracked)
    else {
        return;
    };
    let level = variant.levels.entry(location_id).or_insert(Level {
        available: 0,
        committed: 0,
        updated_at: now,
    });
    level.available += available;
    level.committed += committed;
    level.updated_at = now;
}

/// Takes pieces out of what is still to be fulfilled and puts them back on the shelf.
pub(super) fn take_back(
    state: &mut State,
    order: &mut Order,
    line_id: u64,
    quantity: i64,
    now: Timestamp,
) {
    take_out(state, order, (line_id, quantity), 1, now);
}

/// Takes pieces out of what is still to be fulfilled; they are nowhere any more.
pub(super) fn write_off(
    state: &mut State,
    order: &mut Order,
    line_id: u64,
    quantity: i64,
    now: Timestamp,
) {
    take_out(state, order, (line_id, quantity), 0, now);
}

/// `on_shelf` of each piece is available again: one or none.
fn take_out(
    state: &mut State,
    order: &mut Order,
    (line_id, quantity): (u64, i64),
    on_shelf: i64,
    now: Timestamp,
) {
    let Some(line) = order.line(line_id).cloned() else {
        return;
    };
    let mut left = quantity;
    for fo in &mut order.fulfillment_orders {
        for piece in fo.lines.iter_mut().filter(|piece| piece.line_id == line_id) {
            let taken = left.min(piece.remaining);
            piece.remaining -= taken;
            piece.total -= taken;
            left -= taken;
            shift(state, &line, fo.location_id, taken * on_shelf, -taken, now);
        }
        close_when_empty(fo, now);
    }
}

pub(super) fn close_when_empty(fo: &mut FulfillmentOrder, now: Timestamp) {
    if fo.status != FoStatus::Closed && fo.lines.iter().all(|line| line.remaining == 0) {
        (fo.status, fo.updated_at) = (FoStatus::Closed, now);
        fo.holds.clear();
    }
}

/// Tells subscribers the stock of every variant in an order.
pub(super) fn announce_levels(state: &mut State, order_id: u64, now: Timestamp) {
    let Some(order) = state.orders.get(order_id) else {
        return;
    };
    let mut places = BTreeSet::new();
    for fo in &order.fulfillment_orders {
        for line in fo
            .lines
            .iter()
            .filter_map(|piece| order.line(piece.line_id))
        {
            places.extend(
                line.variant_id
                    .map(|variant_id| (variant_id, fo.location_id)),
            );
        }
    }
    for (variant_id, location_id) in places {
        webhooks::inventory_level(state, variant_id, location_id, now);
    }
}
