//! Returns: asked for by a customer or opened by the merchant, approved or declined, received, closed.

use jiff::Timestamp;

use super::model::{Disposition, ExchangeLine, Order, Return, ReturnLine};
use super::orders::change;
use super::state::State;
use super::totals;
use super::{Giving, OrderEdit, Restocking, Returning, orders, refunds, routing, webhooks};

/// What is done with a return; whether the store could.
pub(super) fn act(state: &mut State, order_id: u64, what: &Returning, now: Timestamp) -> bool {
    match what {
        Returning::Request { pieces, note } => {
            open(state, order_id, pieces, note.as_deref(), "REQUESTED", now)
        }
        Returning::Open { pieces } => open(state, order_id, pieces, None, "OPEN", now),
        Returning::Exchange { pieces } => {
            let opened = open(state, order_id, pieces, None, "OPEN", now);
            opened && exchange(state, order_id, now)
        }
        Returning::Approve => step(state, order_id, "REQUESTED", "OPEN", "returns/approve", now),
        Returning::Decline => step(
            state,
            order_id,
            "REQUESTED",
            "DECLINED",
            "returns/decline",
            now,
        ),
        Returning::Close => step(state, order_id, "OPEN", "CLOSED", "returns/close", now),
        Returning::Reopen => step(state, order_id, "CLOSED", "OPEN", "returns/reopen", now),
        Returning::Cancel => step(state, order_id, "OPEN", "CANCELED", "returns/cancel", now),
        Returning::Process { restock, refund } => process(state, order_id, *restock, *refund, now),
    }
}

/// Opens a return of pieces that have left.
fn open(
    state: &mut State,
    order_id: u64,
    pieces: &[(u64, i64)],
    note: Option<&str>,
    status: &str,
    now: Timestamp,
) -> bool {
    let opened = change(state, order_id, now, |state, order| {
        let mut lines = Vec::new();
        for &(line_id, quantity) in pieces {
            if quantity < 1 || quantity > returnable(order, line_id) {
                return None;
            }
            let fulfilled = order
                .fulfillments
                .iter()
                .filter(|one| !one.cancelled)
                .flat_map(|one| &one.lines)
                .find(|one| one.line_id == line_id)?
                .id;
            lines.push(ReturnLine {
                id: state.id(),
                reverse_id: state.id(),
                line_id,
                fulfillment_line_id: fulfilled,
                quantity,
                processed: 0,
                refunded: 0,
                note: note.unwrap_or_default().to_owned(),
            });
        }
        let number = order.returns.len() + 1;
        let id = state.id();
        order.returns.push(Return {
            id,
            reverse_order_id: state.id(),
            name: format!("{}-R{number}", order.name()),
            status: status.to_owned(),
            lines,
            exchange: Vec::new(),
            dispositions: Vec::new(),
            created_at: now,
            closed_at: None,
        });
        Some(id)
    });
    let Some(Some(id)) = opened else {
        return false;
    };
    let topic = if status == "REQUESTED" {
        "returns/request"
    } else {
        "returns/approve"
    };
    webhooks::returned(state, order_id, id, topic, now);
    webhooks::order(state, order_id, &["orders/updated"], now);
    true
}

/// Pieces of a line that have left and are on no return yet.
fn returnable(order: &Order, line_id: u64) -> i64 {
    let standing = order
        .returns
        .iter()
        .filter(|one| !matches!(one.status.as_str(), "DECLINED" | "CANCELED"));
    let asked: i64 = standing
        .flat_map(|one| &one.lines)
        .filter(|line| line.line_id == line_id)
        .map(|line| line.quantity)
        .sum();
    totals::fulfilled_quantity(order, line_id) - asked
}

/// What of an order can come back.
pub(super) fn everything(order: &Order) -> Vec<(u64, i64)> {
    let lines = order.lines.iter();
    lines
        .map(|line| (line.id, returnable(order, line.id)))
        .filter(|(_, quantity)| *quantity > 0)
        .collect()
}

/// Sends something else in place of what comes back.
fn exchange(state: &mut State, order_id: u64, now: Timestamp) -> bool {
    if !orders::edit(state, order_id, &OrderEdit::AddLine, now) {
        return false;
    }
    let id = change(state, order_id, now, |state, order| {
        let line_id = order.lines.last()?.id;
        let last = order.returns.last_mut()?;
        last.exchange.push(ExchangeLine {
            id: state.id(),
            line_id,
            quantity: 1,
        });
        Some(last.id)
    });
    let Some(Some(id)) = id else { return false };
    webhooks::returned(state, order_id, id, "returns/update", now);
    webhooks::order(state, order_id, &["orders/updated"], now);
    true
}

/// Moves the last return from one state to the next.
fn step(
    state: &mut State,
    order_id: u64,
    from: &str,
    to: &str,
    topic: &str,
    now: Timestamp,
) -> bool {
    let moved = change(state, order_id, now, |_, order| {
        let one = order.returns.iter_mut().rfind(|one| one.status == from)?;
        to.clone_into(&mut one.status);
        one.closed_at = (to == "CLOSED").then_some(now);
        Some(one.id)
    });
    let Some(Some(id)) = moved else { return false };
    webhooks::returned(state, order_id, id, topic, now);
    webhooks::order(state, order_id, &["orders/updated"], now);
    true
}

/// Receives everything of the last open return, on a shelf or not, with its money or without.
fn process(state: &mut State, order_id: u64, restock: bool, refund: bool, now: Timestamp) -> bool {
    let done = change(state, order_id, now, |state, order| {
        let place = order.fulfillments.first()?.location_id;
        let at = order.returns.iter().rposition(|one| one.status == "OPEN")?;
        let mut pieces = Vec::new();
        for nth in 0..order.returns.get(at)?.lines.len() {
            let disposition_id = state.id();
            let one = order.returns.get_mut(at)?;
            let line = one.lines.get_mut(nth)?;
            let left = line.quantity - line.processed;
            if left < 1 {
                continue;
            }
            line.processed += left;
            line.refunded += if refund { left } else { 0 };
            let (line_id, reverse_id) = (line.line_id, line.reverse_id);
            one.dispositions.push(Disposition {
                id: disposition_id,
                reverse_id,
                restocked: restock,
                quantity: left,
                location_id: place,
            });
            pieces.push((line_id, left));
            if let (true, Some(line)) = (restock, order.line(line_id).cloned()) {
                routing::shift(state, &line, place, left, 0, now);
            }
        }
        let id = order.returns.get(at)?.id;
        let given = refund.then(|| {
            let giving = Giving {
                pieces,
                restock: Restocking::Returned,
                return_id: Some(id),
                ..Giving::default()
            };
            refunds::give(state, order, &giving, now)
        });
        Some((id, given))
    });
    let Some(Some((id, given))) = done else {
        return false;
    };
    webhooks::returned(state, order_id, id, "returns/process", now);
    if let Some(refund) = given {
        webhooks::refund(state, order_id, refund, now);
    }
    webhooks::order(state, order_id, &["orders/updated"], now);
    routing::announce_levels(state, order_id, now);
    true
}
