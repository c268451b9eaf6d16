//! Who ships what: fulfillment orders, fulfillments, tracking, holds, and the stock they move.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::model::{FoLine, FoStatus, Fulfillment, FulfillmentLine, Order, Tracking};
use super::state::State;
use super::{orders, routing, totals, webhooks};

/// A refusal inside an accepted request, as Shopify words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UserError {
    pub(super) field: Vec<String>,
    pub(super) message: String,
    pub(super) code: Option<&'static str>,
}

impl UserError {
    pub(super) fn new(field: &[&'static str], message: impl Into<String>) -> Self {
        Self {
            field: field.iter().map(|part| (*part).to_owned()).collect(),
            message: message.into(),
            code: None,
        }
    }

    pub(super) fn coded(
        field: &[&'static str],
        message: impl Into<String>,
        code: &'static str,
    ) -> Self {
        Self {
            field: field.iter().map(|part| (*part).to_owned()).collect(),
            message: message.into(),
            code: Some(code),
        }
    }
}

/// A fulfillment order and its lines with quantities, or `None` for all that is left.
pub(super) type Part = (u64, Option<Vec<(u64, i64)>>);

/// What `fulfillmentCreate` asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct NewFulfillment {
    /// The service itself asks: it alone ships what was given to it.
    pub(super) by_service: bool,
    pub(super) parts: Vec<Part>,
    pub(super) tracking: Tracking,
    pub(super) notify: bool,
}

/// At the till everything leaves at once.
pub(super) fn hand_over(state: &mut State, order: &mut Order, now: Timestamp) {
    let parts = order
        .fulfillment_orders
        .iter()
        .map(|one| (one.id, None))
        .collect();
    let wanted = NewFulfillment {
        parts,
        ..NewFulfillment::default()
    };
    if let Ok(taken) = choose(order, &wanted) {
        record(state, order, &wanted, &taken, now);
    }
}

/// The order that a fulfillment order belongs to.
pub(super) fn order_of(state: &State, fulfillment_order_id: u64) -> Option<&Order> {
    state.orders.iter().find(|order| {
        order
            .fulfillment_orders
            .iter()
            .any(|one| one.id == fulfillment_order_id)
    })
}

/// The order that a fulfillment belongs to.
pub(super) fn order_of_fulfillment(state: &State, fulfillment_id: u64) -> Option<&Order> {
    state.orders.iter().find(|order| {
        order
            .fulfillments
            .iter()
            .any(|one| one.id == fulfillment_id)
    })
}

/// Ships what fulfillment orders of one order and one location ask for; the fulfillment's id.
pub(super) fn create(
    state: &mut State,
    wanted: &NewFulfillment,
    now: Timestamp,
) -> Result<u64, UserError> {
    let Some((first, _)) = wanted.parts.first() else {
        return Err(UserError::new(
            &["fulfillment"],
            "Line items by fulfillment order can't be blank",
        ));
    };
    let Some(order) = order_of(state, *first) else {
        return Err(UserError::new(
            &["fulfillment"],
            "Fulfillment order does not exist.",
        ));
    };
    let order_id = order.id;
    let taken = choose(order, wanted)?;
    let id = orders::change(state, order_id, now, |state, order| {
        record(state, order, wanted, &taken, now)
    });
    let id = id.ok_or_else(|| UserError::new(&["fulfillment"], "Order does not exist."))?;
    webhooks::fulfillment(state, order_id, id, "fulfillments/create", now);
    let whole = state
        .orders
        .get(order_id)
        .and_then(totals::fulfillment_status)
        == Some("fulfilled");
    webhooks::order(
        state,
        order_id,
        &[
            if whole {
                "orders/fulfilled"
            } else {
                "orders/partially_fulfilled"
            },
            "orders/updated",
        ],
        now,
    );
    Ok(id)
}

/// Checks a wish against what is left: fulfillment order, its line, quantity.
fn choose(order: &Order, wanted: &NewFulfillment) -> Result<Vec<(u64, u64, i64)>, UserError> {
    let refuse = |message: String| Err(UserError::new(&["fulfillment"], message));
    let (mut taken, mut locations) = (Vec::new(), BTreeSet::new());
    for (fo_id, lines) in &wanted.parts {
        let Some(fo) = order.fulfillment_orders.iter().find(|one| one.id == *fo_id) else {
            return refuse(
                "All fulfillment orders must belong to the same order and exist.".to_owned(),
            );
        };
        if fo.accepted && !wanted.by_service {
            return refuse(format!(
                "Fulfillment order {fo_id} is assigned to a fulfillment service of another app."
            ));
        }
        if !fo.status.can_fulfill() {
            return refuse(format!(
                "Fulfillment order {fo_id} has an unfulfillable status= {}.",
                fo.status.text().to_lowercase()
            ));
        }
        locations.insert(fo.location_id);
        let all = || {
            fo.lines
                .iter()
                .map(|line| (line.id, line.remaining))
                .filter(|(_, remaining)| *remaining > 0)
                .collect()
        };
        for (line_id, quantity) in lines
            .clone()
            .filter(|lines| !lines.is_empty())
            .unwrap_or_else(all)
        {
            let Some(piece) = fo.lines.iter().find(|line| line.id == line_id) else {
                return refuse(
                    "Fulfillment order line item does not exist on the fulfillment order."
                        .to_owned(),
                );
            };
            let before: i64 = taken
                .iter()
                .filter(|(_, id, _)| *id == line_id)
                .map(|(_, _, quantity)| quantity)
                .sum();
            if quantity < 1 || quantity + before > piece.remaining {
                return refuse(
                    "Invalid fulfillment order line item quantity requested.".to_owned(),
                );
            }
            taken.push((*fo_id, line_id, quantity));
        }
    }
    if locations.len() > 1 {
        return refuse("All fulfillment orders must be assigned to the same location.".to_owned());
    }
    if taken.is_empty() {
        return refuse("Nothing is left to fulfill.".to_owned());
    }
    Ok(taken)
}

fn record(
    state: &mut State,
    order: &mut Order,
    wanted: &NewFulfillment,
    taken: &[(u64, u64, i64)],
    now: Timestamp,
) -> u64 {
    let id = state.id();
    let (mut lines, mut location_id) = (Vec::new(), 0);
    for &(fo_id, fo_line_id, quantity) in taken {
        let Some(fo) = order
            .fulfillment_orders
            .iter_mut()
            .find(|one| one.id == fo_id)
        else {
            continue;
        };
        location_id = fo.location_id;
        let Some(piece) = fo.lines.iter_mut().find(|line| line.id == fo_line_id) else {
            continue;
        };
        piece.remaining -= quantity;
        let line_id = piece.line_id;
        (fo.status, fo.updated_at) = (FoStatus::InProgress, now);
        routing::close_when_empty(fo, now);
        lines.push(FulfillmentLine {
            id: state.id(),
            line_id,
            quantity,
        });
        if let Some(line) = order.lines.iter().find(|line| line.id == line_id) {
            routing::shift(state, line, location_id, 0, -quantity, now);
        }
    }
    let name = format!("{}.{}", order.name(), order.fulfillments.len() + 1);
    order.fulfillments.push(Fulfillment {
        id,
        name,
        cancelled: false,
        location_id,
        fulfillment_order_ids: taken
            .iter()
            .map(|(fo_id, _, _)| *fo_id)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        lines,
        tracking: wanted.tracking.clone(),
        shipment_status: None,
        notified: wanted.notify,
        created_at: now,
        updated_at: now,
    });
    id
}

/// Replaces the tracking of a fulfillment.
pub(super) fn update_tracking(
    state: &mut State,
    id: u64,
    tracking: Tracking,
    notify: bool,
    now: Timestamp,
) -> Result<(), UserError> {
    let missing = || UserError::new(&["fulfillmentId"], "Fulfillment does not exist.");
    let order_id = order_of_fulfillment(state, id).ok_or_else(missing)?.id;
    let changed = orders::change(state, order_id, now, |_, order| {
        let one = order
            .fulfillments
            .iter_mut()
            .find(|one| one.id == id && !one.cancelled)?;
        (one.tracking, one.updated_at) = (tracking, now);
        one.notified |= notify;
        Some(())
    });
    if changed.flatten().is_none() {
        return Err(UserError::new(
            &["fulfillmentId"],
            "Fulfillment is cancelled.",
        ));
    }
    webhooks::fulfillment(state, order_id, id, "fulfillments/update", now);
    webhooks::order(state, order_id, &["orders/updated"], now);
    Ok(())
}

/// Takes a fulfillment back: its pieces are to be shipped again, by a new fulfillment order.
pub(super) fn cancel(state: &mut State, id: u64, now: Timestamp) -> Result<(), UserError> {
    let missing = || UserError::new(&["id"], "Fulfillment not found.");
    let order_id = order_of_fulfillment(state, id).ok_or_else(missing)?.id;
    let changed = orders::change(state, order_id, now, |state, order| {
        let one = order
            .fulfillments
            .iter_mut()
            .find(|one| one.id == id && !one.cancelled)?;
        (one.cancelled, one.updated_at) = (true, now);
        let one = one.clone();
        let old = order
            .fulfillment_orders
            .iter()
            .find(|fo| one.fulfillment_order_ids.contains(&fo.id));
        let method = old.map_or("SHIPPING".to_owned(), |fo| fo.method.clone());
        let mut lines = Vec::new();
        for piece in &one.lines {
            lines.push(FoLine {
                id: state.id(),
                line_id: piece.line_id,
                total: piece.quantity,
                remaining: piece.quantity,
            });
            if let Some(line) = order.lines.iter().find(|line| line.id == piece.line_id) {
                routing::shift(state, line, one.location_id, 0, piece.quantity, now);
            }
        }
        let fo = routing::blank(state.id(), one.location_id, &method, lines, now);
        order.fulfillment_orders.push(fo);
        Some(())
    });
    if changed.flatten().is_none() {
        return Err(UserError::new(&["id"], "Fulfillment cannot be cancelled."));
    }
    webhooks::fulfillment(state, order_id, id, "fulfillments/update", now);
    webhooks::order(state, order_id, &["orders/updated"], now);
    Ok(())
}

/// Somebody else ships all that is left of an order; whether there was anything.
pub(super) fn elsewhere(state: &mut State, order_id: u64, now: Timestamp) -> bool {
    let mut by_location: std::collections::BTreeMap<u64, Vec<u64>> =
        std::collections::BTreeMap::new();
    let Some(order) = state.orders.get(order_id) else {
        return false;
    };
    for fo in order
        .fulfillment_orders
        .iter()
        .filter(|fo| fo.status.can_fulfill() && !fo.accepted)
    {
        by_location.entry(fo.location_id).or_default().push(fo.id);
    }
    let mut done = false;
    for ids in by_location.into_values() {
        let tracking = Tracking {
            company: Some("USPS".to_owned()),
            numbers: vec![format!("9400{:018}", order_id % 1_000_000_000)],
            urls: Vec::new(),
        };
        let wanted = NewFulfillment {
            parts: ids.into_iter().map(|id| (id, None)).collect(),
            tracking,
            ..NewFulfillment::default()
        };
        done |= create(state, &wanted, now).is_ok();
    }
    done
}

/// As the outside sees it.
pub(super) fn shown(one: &Fulfillment) -> super::ShownFulfillment {
    super::ShownFulfillment {
        gid: super::payloads::gid("Fulfillment", one.id),
        name: one.name.clone(),
        status: if one.cancelled {
            "cancelled"
        } else {
            "success"
        }
        .to_owned(),
        company: one.tracking.company.clone(),
        numbers: one.tracking.numbers.clone(),
        urls: one.tracking.urls.clone(),
        lines: one
            .lines
            .iter()
            .map(|line| (line.line_id, line.quantity))
            .collect(),
        notified: one.notified,
    }
}
