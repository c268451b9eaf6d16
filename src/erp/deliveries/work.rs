//! What drivers and dispatchers do with a delivery: moves by hand, the undoing of a wrong tap, and the goods
//! that leave the shelves with it.
use std::time::Duration;

use serde_json::json;

use super::flow::{self, Mover, State};
use super::follow;
use super::log::{self, Kind, News};
use super::queries::{self, DeliveryRow, list, log as entries};
use super::{DeliveryError, LONGEST_NOTE};
use crate::erp::locations;
use crate::erp::orders;
use crate::erp::shipping::{self, NewShipment, ShipError, Tracking};
use crate::erp::timeline::Actor;
use crate::platform::db::{DbConnection, DbError, savepoint};
use crate::types::{At, DeliveryId, OrderLineId, ShipmentId, UserId};

/// What the channel is told as the carrier.
pub const CARRIER: &str = "Local delivery";
/// How long a wrong tap can be taken back.
pub const UNDO_WITHIN: Duration = Duration::from_secs(10 * 60);
/// Log entries that are searched for the last tap.
const LATEST: i64 = 20;

/// Who does it, and on whose behalf.
#[derive(Clone, Debug, Default)]
pub struct By {
    pub user: Option<UserId>,
    /// `token:routes` where it is a program.
    pub source: Option<String>,
    /// A driver, who touches their own stops alone.
    pub only_own: bool,
}

/// A move by hand.
#[derive(Clone, Debug)]
pub struct Move {
    pub delivery: DeliveryId,
    pub to: State,
    /// What the person saw, where it matters.
    pub version: Option<i64>,
    pub note: Option<String>,
    /// Whether the channel tells the customer that it was delivered.
    pub notify: bool,
    pub by: By,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// False where it stood there already: the second tap of two.
    pub is_new: bool,
    /// Delivered, and something keeps its goods from being booked off.
    pub is_unshipped: bool,
}

impl By {
    fn actor(&self) -> Actor {
        Actor {
            user: self.user,
            source: self.source.clone(),
            ..Actor::default()
        }
    }

    /// A stop of somebody else is not there for a driver.
    fn find(&self, conn: &mut DbConnection, id: DeliveryId) -> Result<DeliveryRow, DeliveryError> {
        lock(conn, id)?
            .filter(|row| !self.only_own || row.driver_id.is_some() && row.driver_id == self.user)
            .ok_or(DeliveryError::NotFound)
    }
}

/// The order first, as whoever applies an event does: nobody waits for each other in a circle.
fn lock(conn: &mut DbConnection, id: DeliveryId) -> Result<Option<DeliveryRow>, DbError> {
    let Some(row) = queries::find(conn, id)? else {
        return Ok(None);
    };
    orders::queries::lock(conn, row.order_id)?;
    queries::lock(conn, id)
}

/// Moves a delivery. Delivered: its own lines leave the shelves and the channel is told, in the same transaction.
///
/// # Errors
///
/// `NotAllowed` by the table, `Changed`, `NotFound`, `NoteTooLong`.
pub fn set_state(conn: &mut DbConnection, wanted: &Move, now: At) -> Result<Moved, DeliveryError> {
    let note = wanted.note.as_deref().map(str::trim);
    let note = note.filter(|note| !note.is_empty());
    if note.is_some_and(|note| note.chars().count() > LONGEST_NOTE) {
        return Err(DeliveryError::NoteTooLong);
    }
    let row = wanted.by.find(conn, wanted.delivery)?;
    if row.state == wanted.to {
        return Ok(Moved {
            is_new: false,
            is_unshipped: row.ship_fault.is_some(),
        });
    }
    if wanted.version.is_some_and(|seen| seen != row.version) {
        return Err(DeliveryError::Changed);
    }
    if !flow::may(row.state, wanted.to, Mover::Hand) {
        return Err(DeliveryError::NotAllowed {
            from: row.state,
            to: wanted.to,
        });
    }
    write(conn, &row, wanted, note, now)?;
    let fault = if wanted.to == State::Delivered {
        ship(conn, wanted.delivery, wanted.notify, &wanted.by, now)?
    } else {
        None
    };
    Ok(Moved {
        is_new: true,
        is_unshipped: fault.is_some(),
    })
}

fn write(
    conn: &mut DbConnection,
    row: &DeliveryRow,
    wanted: &Move,
    note: Option<&str>,
    now: At,
) -> Result<(), DbError> {
    let to = wanted.to;
    let mut standing = row.standing();
    standing.state = to;
    standing.closed_by_order = false;
    standing.dropped_off_at = (to == State::Delivered).then_some(now);
    standing.reason = (to == State::Cancelled).then(|| "cancelled by hand".to_owned());
    if matches!(to, State::Cancelled | State::Pending) {
        let words = if to == State::Cancelled {
            "cancelled"
        } else {
            "open again"
        };
        queries::end_assignment(conn, row.id, words, wanted.by.user, now)?;
        standing.driver_id = None;
        standing.position = 0;
    }
    queries::set_standing(conn, row.id, &standing, now)?;
    let news = News {
        kind: Kind::Moved,
        states: Some((row.state, to)),
        arguments: json!({}),
        note,
    };
    log::record(conn, row, news, &wanted.by.actor(), now)
}

/// Books what is left of a delivered delivery's own lines off the shelves and has the channel told. What is in the
/// way stands on the delivery: the customer has the goods, whatever the books say. Returns it.
///
/// # Errors
///
/// The database's; `NotAllowed` where it is not delivered.
pub fn ship(
    conn: &mut DbConnection,
    id: DeliveryId,
    notify: bool,
    by: &By,
    now: At,
) -> Result<Option<String>, DeliveryError> {
    let row = lock(conn, id)?.ok_or(DeliveryError::NotFound)?;
    if row.state != State::Delivered {
        return Err(DeliveryError::NotAllowed {
            from: row.state,
            to: State::Delivered,
        });
    }
    let lines = follow::open_pieces(conn, &row)?;
    let mut standing = row.standing();
    standing.ship_fault = None;
    // The channel has it as fulfilled already: there is nothing to tell.
    if !lines.is_empty() {
        match book(conn, &row, lines, notify, by, now)? {
            Ok(shipment) => standing.shipment_id = Some(shipment),
            Err(fault) => standing.ship_fault = Some(fault),
        }
    }
    queries::set_standing(conn, id, &standing, now)?;
    if standing.ship_fault.is_some() {
        let news = News::of(Kind::NotShipped, json!({ "reason": standing.ship_fault }));
        log::record(conn, &row, news, &by.actor(), now)?;
    }
    Ok(standing.ship_fault)
}

fn book(
    conn: &mut DbConnection,
    row: &DeliveryRow,
    lines: Vec<(OrderLineId, i64)>,
    notify: bool,
    by: &By,
    now: At,
) -> Result<Result<ShipmentId, String>, DeliveryError> {
    let location = match shipping::queries::find_reserved_location(conn, row.order_id)? {
        Some(location) => Some(location),
        None => locations::list(conn)?.first().map(|one| one.id),
    };
    let order = shipping::queries::find_order(conn, row.order_id)?;
    let (Some(location), Some(order)) = (location, order) else {
        return Ok(Err("There is no location to take it from.".to_owned()));
    };
    let new = NewShipment {
        order: row.order_id,
        version: order.version,
        location,
        lines,
        lots: Vec::new(),
        tracking: Tracking {
            carrier: Some(CARRIER.to_owned()),
            ..Tracking::default()
        },
        notify,
        // By version: one that was undone may be delivered once more.
        request_id: format!("delivery:{}:{}", row.id, row.version),
        user: by.user,
        source: by.source.clone(),
    };
    match savepoint(conn, |conn| shipping::ship(conn, &new, now)) {
        Ok(shipped) => Ok(Ok(shipped.shipment)),
        Err(ShipError::Db(error)) => Err(error.into()),
        Err(ShipError::Invalid(faults)) => {
            let words: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
            Ok(Err(words.join(" ")))
        }
        Err(
            error @ (ShipError::NotFound
            | ShipError::Changed
            | ShipError::NotShippable(_)
            | ShipError::AlreadyUndone),
        ) => Ok(Err(error.to_string())),
    }
}

/// Sends out everything that a driver has on a day; returns how many stops that are.
///
/// # Errors
///
/// The database's.
pub fn set_out(
    conn: &mut DbConnection,
    day: &list::Day,
    driver: UserId,
    by: &By,
    now: At,
) -> Result<usize, DeliveryError> {
    let mut count = 0;
    let mut rows = list::list_run(conn, day, driver)?;
    // In the order in which everybody locks orders.
    rows.sort_by_key(|row| row.order_id);
    for row in rows {
        if row.state == State::Assigned {
            let wanted = Move {
                delivery: row.id,
                to: State::Out,
                version: None,
                note: None,
                notify: false,
                by: by.clone(),
            };
            count += usize::from(set_state(conn, &wanted, now)?.is_new);
        }
    }
    Ok(count)
}

/// Takes back the last move by hand, within minutes: what had left the shelves with it is back there.
/// Returns where the delivery stands again.
///
/// # Errors
///
/// `NothingToUndo` where the last move was too long ago, not by hand, or of somebody else.
pub fn undo(
    conn: &mut DbConnection,
    id: DeliveryId,
    by: &By,
    now: At,
) -> Result<State, DeliveryError> {
    let row = by.find(conn, id)?;
    let last = last_tap(conn, &row, by, now)?.ok_or(DeliveryError::NothingToUndo)?;
    let (Some(from), Some(to)) = (last.from_state, last.to_state) else {
        return Err(DeliveryError::NothingToUndo);
    };
    if to != row.state || !entries::mark_undone(conn, last.id, now)? {
        return Err(DeliveryError::NothingToUndo);
    }
    // Whoever had it does not get it back by this: that is for a dispatcher to say.
    let had_driver = matches!(from, State::Assigned | State::Out | State::NotHome);
    let back = if had_driver && row.driver_id.is_none() {
        State::Pending
    } else {
        from
    };
    let mut standing = row.standing();
    standing.state = back;
    standing.dropped_off_at = None;
    standing.reason = None;
    standing.closed_by_order = false;
    (standing.shipment_id, standing.ship_fault) = (None, None);
    queries::set_standing(conn, id, &standing, now)?;
    let news = News {
        states: Some((row.state, back)),
        ..News::of(Kind::Undone, json!({}))
    };
    log::record(conn, &row, news, &by.actor(), now)?;
    if let (State::Delivered, Some(shipment)) = (to, row.shipment_id) {
        match shipping::undo(conn, shipment, by.user, now) {
            Ok(_order) => {}
            Err(ShipError::Db(error)) => return Err(error.into()),
            // Somebody undid it on the order's page.
            Err(
                ShipError::NotFound
                | ShipError::Changed
                | ShipError::NotShippable(_)
                | ShipError::Invalid(_)
                | ShipError::AlreadyUndone,
            ) => {}
        }
    }
    Ok(back)
}

/// The move by hand that can be taken back now, if there is one.
///
/// # Errors
///
/// The database's.
pub fn last_tap(
    conn: &mut DbConnection,
    row: &DeliveryRow,
    by: &By,
    now: At,
) -> Result<Option<entries::EntryRow>, DbError> {
    let last = entries::list(conn, row.id, LATEST)?
        .into_iter()
        .find(|entry| entry.from_state != entry.to_state);
    Ok(last.filter(|entry| {
        entry.kind == Kind::Moved
            && entry.user_id.is_some()
            && entry.undone_at.is_none()
            && (!by.only_own || entry.user_id == by.user)
            && now.since(entry.at) <= UNDO_WITHIN
    }))
}
