//! Money and goods given back: pieces with what becomes of them, shipping, an amount alone, now or later.

use jiff::Timestamp;

use super::model::{Order, Refund, RefundLine};
use super::money::Amount;
use super::orders::change;
use super::state::State;
use super::totals::{self, totals};
use super::{Giving, Restocking, checkout, routing, webhooks};

/// A merchant gives something back; whether the store could.
pub(super) fn refund(state: &mut State, id: u64, wanted: &Giving, now: Timestamp) -> bool {
    let refund_id = change(state, id, now, |state, order| {
        is_possible(order, wanted).then(|| give(state, order, wanted, now))
    });
    let Some(Some(refund_id)) = refund_id else {
        return false;
    };
    announce(state, id, refund_id, now);
    true
}

/// Tells of a refund: by itself, and in its order.
pub(super) fn announce(state: &mut State, id: u64, refund_id: u64, now: Timestamp) {
    webhooks::refund(state, id, refund_id, now);
    webhooks::order(state, id, &["orders/updated"], now);
    routing::announce_levels(state, id, now);
}

/// The bank has paid out what was on its way; whether there was anything.
pub(super) fn settle(state: &mut State, id: u64, now: Timestamp) -> bool {
    let settled = change(state, id, now, |_, order| {
        let mut found = false;
        let waiting = order
            .transactions
            .iter_mut()
            .filter(|one| one.kind == "refund" && one.status == "pending");
        for one in waiting {
            "success".clone_into(&mut one.status);
            found = true;
        }
        found
    });
    if settled != Some(true) {
        return false;
    }
    webhooks::order(state, id, &["orders/updated"], now);
    true
}

/// Refunds one piece of the first line that has one left, as the admin's plain button does.
pub(super) fn piece(order: &Order) -> Option<Giving> {
    let line = order
        .lines
        .iter()
        .find(|line| line.current_quantity() > 0 && !line.tip)?;
    let restock = if totals::fulfillable_quantity(order, line.id) > 0 {
        Restocking::Cancel
    } else {
        Restocking::None
    };
    Some(Giving {
        pieces: vec![(line.id, 1)],
        restock,
        note: Some("One piece arrived broken".to_owned()),
        ..Giving::default()
    })
}

/// Only what has left can come back, and only what has not left can be kept here.
fn is_possible(order: &Order, wanted: &Giving) -> bool {
    let fits = |&(line_id, quantity): &(u64, i64)| {
        let Some(line) = order.line(line_id) else {
            return false;
        };
        let open = totals::fulfillable_quantity(order, line_id);
        let left = match wanted.restock {
            Restocking::None => line.current_quantity(),
            Restocking::Cancel => open,
            Restocking::Return | Restocking::Returned => line.current_quantity() - open,
        };
        quantity > 0 && quantity <= left
    };
    wanted.pieces.iter().all(fits)
}

/// Writes the refund: pieces out of the order, money back where it came from.
pub(super) fn give(state: &mut State, order: &mut Order, wanted: &Giving, now: Timestamp) -> u64 {
    let mut lines = Vec::new();
    for &(line_id, quantity) in wanted.pieces.iter().filter(|(_, quantity)| *quantity > 0) {
        lines.extend(take(state, order, (line_id, quantity), wanted.restock, now));
    }
    let sums = totals(order);
    let shipping = if wanted.shipping {
        sums.current_shipping
    } else {
        Amount::default()
    };
    let adjustment = wanted.cents.map_or_else(Amount::default, |cents| {
        Amount::convert(cents, order.rate_ppm)
    });
    let goods: Amount = lines
        .iter()
        .map(|line: &RefundLine| line.subtotal + totals::on_top(order, line.tax))
        .sum();
    let wished = if wanted.all_money {
        totals(order).received
    } else {
        goods + shipping + adjustment
    };
    let back = capped(order, wished);
    let mut transaction_ids = Vec::new();
    if back.shop > 0 && !wanted.keep_money {
        let status = if wanted.pending { "pending" } else { "success" };
        transaction_ids.push(pay_back(state, order, back, status, now));
    }
    let id = state.large_id();
    order.refunds.push(Refund {
        id,
        created_at: now,
        note: wanted.note.clone(),
        restock: wanted.restock != Restocking::None,
        lines,
        shipping,
        adjustment,
        return_id: wanted.return_id,
        transaction_ids,
    });
    id
}

/// No more than was paid and is not on its way back already.
fn capped(order: &Order, wanted: Amount) -> Amount {
    let sums = totals(order);
    let waiting: Amount = order
        .transactions
        .iter()
        .filter(|one| one.kind == "refund" && one.status == "pending")
        .map(|one| one.amount)
        .sum();
    let left = sums.received - sums.refunded - waiting;
    if left.shop >= wanted.shop {
        wanted
    } else {
        left
    }
}

fn pay_back(
    state: &mut State,
    order: &mut Order,
    back: Amount,
    status: &str,
    now: Timestamp,
) -> u64 {
    let paid = order
        .transactions
        .iter()
        .find(|one| matches!(one.kind.as_str(), "sale" | "capture") && one.status == "success");
    let (parent, gateway) = paid.map_or((None, "manual".to_owned()), |one| {
        (Some(one.id), one.gateway.clone())
    });
    let one = checkout::transaction(state, ("refund", status, &gateway), back, parent, now);
    let id = one.id;
    order.transactions.push(one);
    id
}

/// Takes pieces out of the order and puts them where they belong.
fn take(
    state: &mut State,
    order: &mut Order,
    (line_id, quantity): (u64, i64),
    restock: Restocking,
    now: Timestamp,
) -> Option<RefundLine> {
    let open = totals::fulfillable_quantity(order, line_id);
    let place = order
        .fulfillment_orders
        .iter()
        .find(|one| one.lines.iter().any(|line| line.line_id == line_id))
        .map(|one| one.location_id);
    let line = order.line(line_id)?.clone();
    match restock {
        Restocking::Cancel => routing::take_back(state, order, line_id, quantity, now),
        Restocking::Return => {
            let place = place.unwrap_or_else(|| state.primary_location());
            routing::shift(state, &line, place, quantity, 0, now);
        }
        Restocking::Returned => {}
        // What has not left yet is not to be sent any more, and lies nowhere.
        Restocking::None => {
            routing::write_off(state, order, line_id, quantity.min(open), now);
        }
    }
    let id = state.large_id();
    let line = order.lines.iter_mut().find(|line| line.id == line_id)?;
    let (left, rest) = (line.current_quantity(), line.current_quantity() - quantity);
    line.removed += quantity;
    let refunded = RefundLine {
        id,
        line_id,
        quantity,
        location_id: place.filter(|_| restock != Restocking::None),
        restock_type: restock.text().to_owned(),
        subtotal: totals::line_net(line, left) - totals::line_net(line, rest),
        tax: totals::line_tax(line, left) - totals::line_tax(line, rest),
    };
    (!line.tip).then_some(refunded)
}
