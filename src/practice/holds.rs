//! Keeping fulfillment orders back, letting them go, giving them to another location.

use jiff::Timestamp;

use super::fulfillments::{UserError, order_of};
use super::model::{FoLine, FoStatus, Hold};
use super::routing::{blank, shift};
use super::state::State;
use super::{orders, webhooks};

/// Keeps a fulfillment order from being shipped; the hold's id.
pub(super) fn hold(
    state: &mut State,
    id: u64,
    hold: Hold,
    now: Timestamp,
) -> Result<u64, UserError> {
    let field = &["id"];
    let order_id = order_of(state, id)
        .ok_or_else(|| {
            UserError::coded(
                field,
                "Fulfillment order not found.",
                "FULFILLMENT_ORDER_NOT_FOUND",
            )
        })?
        .id;
    let hold_id = hold.id;
    let done = orders::change(state, order_id, now, |_, order| {
        let fo = order
            .fulfillment_orders
            .iter_mut()
            .find(|one| one.id == id)?;
        if fo.status != FoStatus::Open && fo.status != FoStatus::OnHold {
            return Some(Err(UserError::coded(
                field,
                "The fulfillment order is not in a state that can be held.",
                "FULFILLMENT_ORDER_NOT_SPLITTABLE",
            )));
        }
        if fo
            .holds
            .iter()
            .any(|known| known.by_app && known.handle == hold.handle)
        {
            return Some(Err(UserError::coded(
                &["fulfillmentHold", "handle"],
                "The handle provided for the fulfillment hold is already in use by this app for another hold on this fulfillment order.",
                "DUPLICATE_FULFILLMENT_HOLD_HANDLE",
            )));
        }
        fo.holds.push(hold);
        (fo.status, fo.updated_at) = (FoStatus::OnHold, now);
        Some(Ok(()))
    });
    done.flatten()
        .unwrap_or_else(|| Err(UserError::new(field, "Fulfillment order not found.")))?;
    webhooks::fulfillment_order(state, id, "fulfillment_orders/placed_on_hold", now);
    webhooks::order(state, order_id, &["orders/updated"], now);
    Ok(hold_id)
}

/// Releases the named holds, or all of them.
pub(super) fn release(
    state: &mut State,
    id: u64,
    hold_ids: Option<&[u64]>,
    now: Timestamp,
) -> Result<(), UserError> {
    let missing = || {
        UserError::coded(
            &["id"],
            "Fulfillment order not found.",
            "FULFILLMENT_ORDER_NOT_FOUND",
        )
    };
    let order_id = order_of(state, id).ok_or_else(missing)?.id;
    let free = orders::change(state, order_id, now, |_, order| {
        let fo = order
            .fulfillment_orders
            .iter_mut()
            .find(|one| one.id == id && one.status == FoStatus::OnHold)?;
        fo.holds
            .retain(|hold| hold_ids.is_some_and(|ids| !ids.contains(&hold.id)));
        if fo.holds.is_empty() {
            fo.status = FoStatus::Open;
        }
        fo.updated_at = now;
        Some(fo.holds.is_empty())
    });
    match free.flatten() {
        None => {
            return Err(UserError::coded(
                &["id"],
                "The fulfillment order is not on hold.",
                "INVALID_ACCESS",
            ));
        }
        Some(true) => {
            webhooks::fulfillment_order(state, id, "fulfillment_orders/hold_released", now)
        }
        Some(false) => {}
    }
    webhooks::order(state, order_id, &["orders/updated"], now);
    Ok(())
}

/// Gives what is left of a fulfillment order to another location; the new fulfillment order's id.
pub(super) fn move_to(
    state: &mut State,
    id: u64,
    location_id: u64,
    now: Timestamp,
) -> Result<u64, UserError> {
    let missing = || {
        UserError::coded(
            &["id"],
            "Fulfillment order not found.",
            "FULFILLMENT_ORDER_NOT_FOUND",
        )
    };
    let order_id = order_of(state, id).ok_or_else(missing)?.id;
    if state.locations.get(location_id).is_none() {
        return Err(UserError::coded(
            &["newLocationId"],
            "Location not found.",
            "LOCATION_NOT_FOUND",
        ));
    }
    let moved = orders::change(state, order_id, now, |state, order| {
        let fo = order.fulfillment_orders.iter_mut().find(|one| {
            one.id == id && one.status.can_fulfill() && one.location_id != location_id
        })?;
        let (old_location, method) = (fo.location_id, fo.method.clone());
        let mut lines = Vec::new();
        for piece in fo.lines.iter_mut().filter(|piece| piece.remaining > 0) {
            let quantity = std::mem::take(&mut piece.remaining);
            piece.total -= quantity;
            lines.push(FoLine {
                id: state.id(),
                line_id: piece.line_id,
                total: quantity,
                remaining: quantity,
            });
            if let Some(line) = order.lines.iter().find(|line| line.id == piece.line_id) {
                shift(state, line, old_location, quantity, -quantity, now);
                shift(state, line, location_id, -quantity, quantity, now);
            }
        }
        (fo.status, fo.replaced, fo.updated_at) = (FoStatus::Closed, true, now);
        let new = blank(state.id(), location_id, &method, lines, now);
        let new_id = new.id;
        order.fulfillment_orders.push(new);
        Some(new_id)
    });
    let refused = || {
        UserError::coded(
            &["id"],
            "The fulfillment order can't be moved.",
            "FULFILLMENT_ORDER_NOT_MOVABLE",
        )
    };
    let new_id = moved.flatten().ok_or_else(refused)?;
    webhooks::fulfillment_order_moved(state, (id, new_id), location_id, now);
    webhooks::order(state, order_id, &["orders/updated"], now);
    Ok(new_id)
}
