//! What happens to an order in the store: placed, edited, paid, cancelled, refunded.

use jiff::Timestamp;

use super::kinds::{Good, What};
use super::model::Order;
use super::state::State;
use super::totals::{self, totals};
use super::{Giving, OrderEdit, Restocking, checkout, kinds, refunds, routing, webhooks};

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
        OrderEdit::AddPiece => {
            let line = order.lines.iter_mut().rfind(|line| !line.tip)?;
            let (line_id, before) = (line.id, line.quantity);
            line.quantity += 1;
            if let Some(tax) = &mut line.tax {
                tax.amount = tax.amount.part(before + 1, before);
            }
            order.edited = true;
            routing::route_piece(state, order, line_id, now);
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

/// How an order is cancelled.
#[derive(Debug, Clone)]
pub(super) struct Cancelling {
    /// As the API spells it: `CUSTOMER`.
    pub(super) reason: String,
    pub(super) refund: bool,
    pub(super) restock: bool,
}

impl Default for Cancelling {
    fn default() -> Self {
        Self {
            reason: "CUSTOMER".to_owned(),
            refund: true,
            restock: true,
        }
    }
}

/// Cancels what has not left yet; the money goes back and the goods to their shelf as it is wanted.
pub(super) fn cancel(state: &mut State, id: u64, wanted: &Cancelling, now: Timestamp) -> bool {
    let refund_id = change(state, id, now, |state, order| {
        if order.cancelled_at.is_some() || order.fulfillments.iter().any(|one| !one.cancelled) {
            return None;
        }
        let pieces = order
            .lines
            .iter()
            .map(|line| (line.id, line.current_quantity()));
        let giving = Giving {
            pieces: pieces.filter(|(_, quantity)| *quantity > 0).collect(),
            restock: if wanted.restock {
                Restocking::Cancel
            } else {
                Restocking::None
            },
            shipping: true,
            all_money: true,
            keep_money: !wanted.refund,
            ..Giving::default()
        };
        let refund = refunds::give(state, order, &giving, now);
        if let Some(open) = authorization(order).filter(|_| totals(order).received.shop == 0) {
            give_up(state, order, open, now);
        }
        order.cancelled_at = Some(now);
        order.closed_at = Some(now);
        order.cancel_reason = Some(wanted.reason.clone());
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

/// Gives an authorisation up: the money is not taken any more.
pub(super) fn void(state: &mut State, id: u64, now: Timestamp) -> bool {
    let done = change(state, id, now, |state, order| {
        let open = authorization(order).filter(|_| totals(order).received.shop == 0);
        open.map(|open| give_up(state, order, open, now)).is_some()
    });
    if done != Some(true) {
        return false;
    }
    webhooks::order(state, id, &["orders/updated"], now);
    true
}

/// The authorisation that was neither taken nor given up.
fn authorization(order: &Order) -> Option<u64> {
    let is_void = |id: u64| {
        order
            .transactions
            .iter()
            .any(|one| one.kind == "void" && one.parent_id == Some(id))
    };
    let found = order
        .transactions
        .iter()
        .find(|one| one.kind == "authorization" && one.status == "success")?;
    (!is_void(found.id)).then_some(found.id)
}

fn give_up(state: &mut State, order: &mut Order, parent: u64, now: Timestamp) {
    let gateway = order.gateway.clone().unwrap_or_else(|| "manual".to_owned());
    let amount = totals(order).total;
    let one = checkout::transaction(
        state,
        ("void", "success", &gateway),
        amount,
        Some(parent),
        now,
    );
    order.transactions.push(one);
}
