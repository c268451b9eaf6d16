//! What happens to an order in the store: placed, edited, paid, cancelled, refunded.

use jiff::Timestamp;

use super::kinds::{Good, What};
use super::model::{Order, Refund, RefundLine};
use super::money::Amount;
use super::state::State;
use super::totals::{self, totals};
use super::{OrderEdit, checkout, kinds, routing, webhooks};

/// Takes an order out to change it, with a new `updated_at` that is never the old one. What could not be done leaves
/// no trace, not even a new time.
pub(super) fn change<T>(
    state: &mut State,
    id: u64,
    now: Timestamp,
    work: impl FnOnce(&mut State, &mut Order) -> T,
) -> Option<T> {
    let mut order = state.orders.get(id)?.clone();
    let written = |order: &Order| serde_json::to_string(order).unwrap_or_default();
    let (before, changed_at) = (written(&order), order.updated_at);
    let result = work(state, &mut order);
    if written(&order) != before {
        order.updated_at = later(changed_at, now);
        state.orders.insert(id, order);
    }
    Some(result)
}

/// `now`, or a second after the last change when both fall into one second (webhooks carry whole seconds).
pub(super) fn later(last: Timestamp, now: Timestamp) -> Timestamp {
    let next = Timestamp::from_second(last.as_second() + 1).unwrap_or(last);
    now.max(next)
}

/// A merchant edits an order.
pub(super) fn edit(state: &mut State, id: u64, edit: &OrderEdit, now: Timestamp) -> bool {
    let Some(Some(deltas)) = change(state, id, now, |state, order| {
        apply_edit(state, order, edit, now)
    }) else {
        return false;
    };
    if !deltas.is_empty() {
        webhooks::order_edited(state, id, &deltas, now);
        routing::announce_levels(state, id, now);
    }
    webhooks::order(state, id, &["orders/updated"], now);
    true
}

/// Lines and by how much they changed; `None` when nothing could be changed.
fn apply_edit(
    state: &mut State,
    order: &mut Order,
    edit: &OrderEdit,
    now: Timestamp,
) -> Option<Vec<(u64, i64)>> {
    match edit {
        OrderEdit::Note(text) => order.note = Some(text.clone()),
        OrderEdit::Address1(text) => order.shipping_address.as_mut()?.address1.clone_from(text),
        OrderEdit::AddLine => {
            let variant_id = kinds::addition(state, order)?;
            let good = Good {
                what: What::Variant(variant_id),
                quantity: 1,
                properties: Vec::new(),
            };
            let mut added = checkout::line(state, &good, order.rate_ppm);
            let known = order.lines.iter().find_map(|line| line.tax.clone());
            added.tax = known.map(|known| {
                checkout::tax(
                    &known.title,
                    known.rate_ppm,
                    added.price,
                    order.taxes_included,
                )
            });
            let line_id = added.id;
            order.lines.push(added);
            order.edited = true;
            routing::route_line(state, order, line_id, now);
            return Some(vec![(line_id, 1)]);
        }
        OrderEdit::RemovePiece => {
            let line_id = order
                .lines
                .iter()
                .find(|line| totals::fulfillable_quantity(order, line.id) > 0)?
                .id;
            routing::take_back(state, order, line_id, 1, now);
            let line = order.lines.iter_mut().find(|line| line.id == line_id)?;
            line.removed += 1;
            order.edited = true;
            return Some(vec![(line_id, -1)]);
        }
    }
    Some(Vec::new())
}

/// Captures an authorisation or notes that a manual payment came.
pub(super) fn pay(state: &mut State, id: u64, now: Timestamp) -> bool {
    let paid = change(state, id, now, |state, order| {
        let amount = totals(order).outstanding;
        if amount.shop <= 0 || order.cancelled_at.is_some() {
            return false;
        }
        let parent = order
            .transactions
            .iter()
            .find(|one| one.kind == "authorization")
            .map(|one| one.id);
        order.transactions.retain(|one| one.status != "pending");
        let kind = if parent.is_some() { "capture" } else { "sale" };
        let gateway = order.gateway.clone().unwrap_or_else(|| "manual".to_owned());
        let one = checkout::transaction(state, (kind, "success", &gateway), amount, parent, now);
        order.transactions.push(one);
        true
    });
    if paid != Some(true) {
        return false;
    }
    webhooks::order(state, id, &["orders/paid", "orders/updated"], now);
    true
}

/// Cancels what has not left yet, gives the money back and puts the goods back.
pub(super) fn cancel(state: &mut State, id: u64, reason: &str, now: Timestamp) -> bool {
    let refund_id = change(state, id, now, |state, order| {
        if order.cancelled_at.is_some() || order.fulfillments.iter().any(|one| !one.cancelled) {
            return None;
        }
        let pieces: Vec<(u64, i64)> = order
            .lines
            .iter()
            .map(|line| (line.id, line.current_quantity()))
            .collect();
        let shipping = totals(order).current_shipping;
        let back = totals(order).received - totals(order).refunded;
        let refund = give_back(state, order, &pieces, (shipping, back), "cancel", now);
        order.cancelled_at = Some(now);
        order.closed_at = Some(now);
        order.cancel_reason = Some(reason.to_owned());
        Some(refund)
    });
    let Some(Some(refund_id)) = refund_id else {
        return false;
    };
    webhooks::refund(state, id, refund_id, now);
    webhooks::order(state, id, &["orders/cancelled", "orders/updated"], now);
    routing::announce_levels(state, id, now);
    true
}

/// Refunds one piece of the first line that has one left.
pub(super) fn refund_piece(state: &mut State, id: u64, now: Timestamp) -> bool {
    let refund_id = change(state, id, now, |state, order| {
        let line = order
            .lines
            .iter()
            .find(|line| line.current_quantity() > 0 && !line.tip)?
            .clone();
        let left = line.current_quantity();
        let net = totals::line_net(&line, left) - totals::line_net(&line, left - 1);
        let tax = totals::line_tax(&line, left) - totals::line_tax(&line, left - 1);
        let sums = totals(order);
        let amount = net + totals::on_top(order, tax);
        let back = if sums.received.shop - sums.refunded.shop >= amount.shop {
            amount
        } else {
            Amount::default()
        };
        let kind = if totals::fulfillable_quantity(order, line.id) > 0 {
            "cancel"
        } else {
            "no_restock"
        };
        Some(give_back(
            state,
            order,
            &[(line.id, 1)],
            (Amount::default(), back),
            kind,
            now,
        ))
    });
    let Some(Some(refund_id)) = refund_id else {
        return false;
    };
    webhooks::refund(state, id, refund_id, now);
    webhooks::order(state, id, &["orders/updated"], now);
    routing::announce_levels(state, id, now);
    true
}

/// Writes the refund: pieces out of the order, money (shipping part, whole sum) back where it came from.
fn give_back(
    state: &mut State,
    order: &mut Order,
    pieces: &[(u64, i64)],
    money: (Amount, Amount),
    restock_type: &str,
    now: Timestamp,
) -> u64 {
    let (shipping, back) = money;
    let mut lines = Vec::new();
    for &(line_id, quantity) in pieces.iter().filter(|(_, quantity)| *quantity > 0) {
        let location_id = order
            .fulfillment_orders
            .iter()
            .find(|one| one.lines.iter().any(|line| line.line_id == line_id))
            .map(|one| one.location_id);
        if restock_type == "cancel" {
            routing::take_back(state, order, line_id, quantity, now);
        }
        let id = state.large_id();
        let Some(line) = order.lines.iter_mut().find(|line| line.id == line_id) else {
            continue;
        };
        let (left, rest) = (line.current_quantity(), line.current_quantity() - quantity);
        let refunded = RefundLine {
            id,
            line_id,
            quantity,
            location_id: location_id.filter(|_| restock_type == "cancel"),
            restock_type: restock_type.to_owned(),
            subtotal: totals::line_net(line, left) - totals::line_net(line, rest),
            tax: totals::line_tax(line, left) - totals::line_tax(line, rest),
        };
        line.removed += quantity;
        if !line.tip {
            lines.push(refunded);
        }
    }
    let mut transaction_ids = Vec::new();
    if back.shop > 0 {
        let paid = order
            .transactions
            .iter()
            .find(|one| matches!(one.kind.as_str(), "sale" | "capture") && one.status == "success");
        let (parent, gateway) = paid.map_or((None, "manual".to_owned()), |one| {
            (Some(one.id), one.gateway.clone())
        });
        let one = checkout::transaction(state, ("refund", "success", &gateway), back, parent, now);
        transaction_ids.push(one.id);
        order.transactions.push(one);
    }
    let id = state.large_id();
    let note = (restock_type != "cancel").then(|| "One piece arrived broken".to_owned());
    order.refunds.push(Refund {
        id,
        created_at: now,
        note,
        restock: restock_type == "cancel",
        lines,
        shipping,
        transaction_ids,
    });
    id
}
