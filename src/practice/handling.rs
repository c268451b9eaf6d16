//! What staff and other apps do about who ships an order and when: holds, moves, splits, schedules, services.

use jiff::{SignedDuration, Timestamp};

use super::Handling;
use super::fulfillments::{self, NewFulfillment};
use super::holds;
use super::model::{
    Address, FoLine, FoStatus, FulfillmentOrder, Hold, Location, Order, Risk, Tracking,
};
use super::routing::blank;
use super::state::State;
use super::{orders, webhooks};

/// Does it; whether there was anything to do.
pub(super) fn handle(state: &mut State, id: u64, how: Handling, now: Timestamp) -> bool {
    match how {
        Handling::Hold => hold(
            state,
            id,
            ("INCORRECT_ADDRESS", "Call the customer first", None),
            now,
        ),
        Handling::HoldByApp => {
            let handle = Some("fraud-guard".to_owned());
            hold(
                state,
                id,
                ("HIGH_RISK_OF_FRAUD", "Fraud Guard", handle),
                now,
            )
        }
        Handling::Release => release(state, id, now),
        Handling::Move => move_all(state, id, now),
        Handling::Split => split(state, id, now),
        Handling::Schedule => schedule(state, id, now),
        Handling::Open => open(state, id, now),
        Handling::GiveToService => give_to_service(state, id, now),
        Handling::ShipByService => ship_by_service(state, id, now),
        Handling::CancelFulfillment => match last_fulfillment(state, id) {
            Some(last) => fulfillments::cancel(state, last, now).is_ok(),
            None => false,
        },
        Handling::Deliver => deliver(state, id, now),
        Handling::RaiseRisk => assess(state, id, (Risk::High, "high"), now),
        Handling::LowerRisk => assess(state, id, (Risk::Low, "low"), now),
    }
}

/// The fulfillment orders of an order that fit.
fn chosen(state: &State, id: u64, fits: impl Fn(&FulfillmentOrder) -> bool) -> Vec<u64> {
    let order = state.orders.get(id);
    let all = order.map(|order| order.fulfillment_orders.as_slice());
    let all = all.unwrap_or_default().iter();
    all.filter(|one| fits(one)).map(|one| one.id).collect()
}

fn hold(
    state: &mut State,
    id: u64,
    (reason, notes, handle): (&str, &str, Option<String>),
    now: Timestamp,
) -> bool {
    let open = chosen(state, id, |one| {
        matches!(one.status, FoStatus::Open | FoStatus::OnHold)
    });
    let mut done = false;
    for one in open {
        let hold = Hold {
            id: state.id(),
            handle: handle.clone(),
            reason: reason.to_owned(),
            notes: Some(notes.to_owned()),
            by_app: false,
        };
        done |= holds::hold(state, one, hold, now).is_ok();
    }
    done
}

fn release(state: &mut State, id: u64, now: Timestamp) -> bool {
    let held = chosen(state, id, |one| one.status == FoStatus::OnHold);
    let mut done = false;
    for one in held {
        let others: Vec<u64> = fulfillments::order_of(state, one)
            .into_iter()
            .flat_map(|order| &order.fulfillment_orders)
            .filter(|fo| fo.id == one)
            .flat_map(|fo| &fo.holds)
            .filter(|hold| !hold.by_app)
            .map(|hold| hold.id)
            .collect();
        done |= !others.is_empty() && holds::release(state, one, Some(&others), now).is_ok();
    }
    done
}

fn move_all(state: &mut State, id: u64, now: Timestamp) -> bool {
    let open = chosen(state, id, |one| one.status.can_fulfill() && !one.accepted);
    let mut done = false;
    for one in open {
        if let Some(other) = other_place(state, one) {
            done |= holds::move_to(state, one, other, now).is_ok();
        }
    }
    done
}

/// A location of the store's own that does not ship this fulfillment order.
fn other_place(state: &State, fulfillment_order: u64) -> Option<u64> {
    let order = fulfillments::order_of(state, fulfillment_order)?;
    let mut all = order.fulfillment_orders.iter();
    let at = all.find(|fo| fo.id == fulfillment_order)?.location_id;
    let mut places = state.locations.iter().filter(|place| !place.service);
    places.find(|place| place.id != at).map(|place| place.id)
}

fn split(state: &mut State, id: u64, now: Timestamp) -> bool {
    let divisible = chosen(state, id, |one| {
        let left: i64 = one.lines.iter().map(|line| line.remaining).sum();
        one.status == FoStatus::Open && left > 1
    });
    let Some(first) = divisible.first().copied() else {
        return false;
    };
    let (new_id, new_line) = (state.id(), state.id());
    let parted = orders::change(state, id, now, |_, order| {
        let fo = order
            .fulfillment_orders
            .iter_mut()
            .find(|one| one.id == first)?;
        let piece = fo.lines.iter_mut().find(|line| line.remaining > 0)?;
        piece.remaining -= 1;
        piece.total -= 1;
        let part = FoLine {
            id: new_line,
            line_id: piece.line_id,
            total: 1,
            remaining: 1,
        };
        fo.lines.retain(|line| line.total > 0);
        fo.updated_at = now;
        let (place, method) = (fo.location_id, fo.method.clone());
        let new = blank(new_id, place, &method, vec![part], now);
        order.fulfillment_orders.push(new);
        Some(())
    });
    if parted.flatten().is_none() {
        return false;
    }
    webhooks::fulfillment_order_split(state, (first, new_id), now);
    webhooks::order(state, id, &["orders/updated"], now);
    true
}

fn schedule(state: &mut State, id: u64, now: Timestamp) -> bool {
    let open = chosen(state, id, |one| one.status == FoStatus::Open);
    let week = SignedDuration::from_hours(7 * 24);
    let later = now.checked_add(week).unwrap_or(now);
    set_status(state, id, &open, (FoStatus::Scheduled, Some(later)), now);
    for one in &open {
        webhooks::fulfillment_order(state, *one, "fulfillment_orders/rescheduled", now);
    }
    !open.is_empty()
}

fn open(state: &mut State, id: u64, now: Timestamp) -> bool {
    let waiting = chosen(state, id, |one| one.status == FoStatus::Scheduled);
    set_status(state, id, &waiting, (FoStatus::Open, None), now);
    let topic = "fulfillment_orders/scheduled_fulfillment_order_ready";
    for one in &waiting {
        webhooks::fulfillment_order(state, *one, topic, now);
    }
    !waiting.is_empty()
}

fn set_status(
    state: &mut State,
    id: u64,
    which: &[u64],
    (status, at): (FoStatus, Option<Timestamp>),
    now: Timestamp,
) {
    orders::change(state, id, now, |_, order| {
        let all = order.fulfillment_orders.iter_mut();
        for one in all.filter(|one| which.contains(&one.id)) {
            (one.status, one.updated_at) = (status, now);
            one.fulfill_at = at.or(one.fulfill_at);
        }
    });
}

/// Everything goes to the service's own warehouse.
fn give_to_service(state: &mut State, id: u64, now: Timestamp) -> bool {
    let warehouse = warehouse(state, now);
    let open = chosen(state, id, |one| {
        one.status.can_fulfill() && one.location_id != warehouse
    });
    let mut done = false;
    for one in open {
        let Ok(moved) = holds::move_to(state, one, warehouse, now) else {
            continue;
        };
        accept(state, id, moved, now);
        done = true;
    }
    done
}

fn accept(state: &mut State, id: u64, which: u64, now: Timestamp) {
    orders::change(state, id, now, |_, order: &mut Order| {
        let all = order.fulfillment_orders.iter_mut();
        for one in all.filter(|one| one.id == which) {
            (one.accepted, one.status, one.updated_at) = (true, FoStatus::InProgress, now);
        }
    });
    let topic = "fulfillment_orders/fulfillment_request_accepted";
    webhooks::fulfillment_order(state, which, topic, now);
}

fn warehouse(state: &mut State, now: Timestamp) -> u64 {
    if let Some(known) = state.locations.iter().find(|place| place.service) {
        return known.id;
    }
    let id = state.id();
    let location = Location {
        id,
        name: "Parcel Robots".to_owned(),
        address: Address {
            address1: "1 Conveyor Way".to_owned(),
            city: "Reno".to_owned(),
            zip: "89501".to_owned(),
            country: "United States".to_owned(),
            country_code: "US".to_owned(),
            ..Address::default()
        },
        service: true,
        created_at: now,
        closed: false,
    };
    state.locations.insert(id, location);
    id
}

fn ship_by_service(state: &mut State, id: u64, now: Timestamp) -> bool {
    let given = chosen(state, id, |one| one.accepted && one.status.can_fulfill());
    let wanted = NewFulfillment {
        by_service: true,
        parts: given.into_iter().map(|one| (one, None)).collect(),
        tracking: Tracking {
            company: Some("FedEx".to_owned()),
            numbers: vec![format!("7946{:08}", id % 100_000_000)],
            urls: Vec::new(),
        },
        notify: true,
    };
    fulfillments::create(state, &wanted, now).is_ok()
}

fn last_fulfillment(state: &State, id: u64) -> Option<u64> {
    let order = state.orders.get(id)?;
    let mut newest_first = order.fulfillments.iter().rev();
    newest_first.find(|one| !one.cancelled).map(|one| one.id)
}

fn deliver(state: &mut State, id: u64, now: Timestamp) -> bool {
    let Some(last) = last_fulfillment(state, id) else {
        return false;
    };
    orders::change(state, id, now, |_, order| {
        let all = order.fulfillments.iter_mut();
        for one in all.filter(|one| one.id == last) {
            (one.shipment_status, one.updated_at) = (Some("delivered".to_owned()), now);
        }
    });
    webhooks::fulfillment(state, id, last, "fulfillments/update", now);
    true
}

fn assess(state: &mut State, id: u64, (risk, word): (Risk, &str), now: Timestamp) -> bool {
    let Some(order) = state.orders.get_mut(id) else {
        return false;
    };
    order.risk = risk;
    webhooks::risk(state, id, word, now);
    true
}
