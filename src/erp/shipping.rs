//! Shipments: what leaves the warehouse, of which order, with which tracking numbers.
//!
//! Shipping is one transaction: the order's version is checked, stock leaves by a movement, promises are
//! consumed, the order's state follows, and the event that tells the channel is recorded with it.
mod goods;
pub mod outside;
pub mod queries;

pub use goods::LotChoice;

use serde_json::json;

use crate::erp::changes;
use crate::erp::events::{self, Event};
use crate::erp::holds;
use crate::erp::locations;
use crate::erp::orders;
use crate::erp::returns;
use crate::erp::stock::{self, Movement, StockError};
use crate::erp::timeline::{self, Actor, Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, LocationId, OrderId, OrderLineId, ShipmentId, UserId};

/// Characters a tracking number may have.
const LONGEST_TRACKING_NUMBER: usize = 100;
/// Tracking numbers on one shipment.
const MOST_TRACKING_NUMBERS: usize = 50;

crate::text_enum! {
    /// Where a shipment stands.
    ShipmentState {
        Shipped = "shipped",
        Undone = "undone",
    }
}

/// How a parcel can be followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracking {
    /// As the channel spells it: `UPS`.
    pub carrier: Option<String>,
    pub numbers: Vec<String>,
    /// Only where the carrier's name alone makes no link.
    pub url: Option<String>,
}

/// What somebody wants to ship.
#[derive(Clone, Debug)]
pub struct NewShipment {
    pub order: OrderId,
    /// The version of the order that the person saw.
    pub version: i64,
    pub location: LocationId,
    pub lines: Vec<(OrderLineId, i64)>,
    /// Which lots of them; what is not said leaves as it was promised, then first what expires first.
    pub lots: Vec<LotChoice>,
    pub tracking: Tracking,
    /// Whether the channel tells the customer.
    pub notify: bool,
    /// The same for every sending of one form: a second one finds the first shipment.
    pub request_id: String,
    pub user: Option<UserId>,
    /// Who ships where it is not a person: `token:warehouse`.
    pub source: Option<String>,
}

/// What is wrong with one field, in words for the person who filled it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// `quantity-17`, `lot-17-3` (line and item), `quantities`, `location`, `tracking`, `carrier`, `url`.
    pub field: String,
    pub message: String,
}

/// Why nothing was shipped, corrected or undone.
#[derive(Debug, thiserror::Error)]
pub enum ShipError {
    #[error("there is no such order or shipment")]
    NotFound,
    #[error("the order has changed since this page was made")]
    Changed,
    #[error("{0}")]
    NotShippable(String),
    #[error("some fields need another look")]
    Invalid(Vec<FieldError>),
    #[error("this shipment is undone already")]
    AlreadyUndone,
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The shipment that came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    pub shipment: ShipmentId,
    /// False where the same form had been sent before.
    pub is_new: bool,
}

/// Ships. The caller's transaction is undone by any error.
///
/// # Errors
///
/// `Changed` where the order is no longer what the person saw; `Invalid` by field; `NotShippable` with
/// the reason (a hold, a cancellation).
pub fn ship(conn: &mut DbConnection, new: &NewShipment, now: At) -> Result<Shipped, ShipError> {
    if let Some(shipment) = queries::find_by_request(conn, &new.request_id)? {
        return Ok(Shipped {
            shipment,
            is_new: false,
        });
    }
    let order = queries::find_order(conn, new.order)?.ok_or(ShipError::NotFound)?;
    if order.version != new.version || !queries::mark_version(conn, new.order, new.version, now)? {
        return Err(ShipError::Changed);
    }
    check_shippable(conn, &order)?;
    let open = queries::list_open_lines(conn, new.order)?;
    let mut faults = tracking_faults(&new.tracking);
    faults.extend(line_faults(&new.lines, &open));
    if !locations::list(conn)?
        .iter()
        .any(|location| location.id == new.location)
    {
        faults.push(FieldError {
            field: "location".to_owned(),
            message: "There is no such location.".to_owned(),
        });
    }
    if !faults.is_empty() {
        return Err(ShipError::Invalid(faults));
    }
    let lines: Vec<(OrderLineId, i64)> = new
        .lines
        .iter()
        .copied()
        .filter(|(_line, quantity)| *quantity > 0)
        .collect();
    let shipment = queries::insert(conn, new, now)?;
    queries::insert_lines(conn, shipment.id, &lines)?;
    goods::take(conn, new, shipment.id, &lines, now)?;
    for (line, quantity) in &lines {
        queries::add_shipped(conn, *line, *quantity)?;
    }
    orders::recompute(conn, new.order, now)?;
    orders::search::refresh(conn, &[new.order])?;
    let pieces: i64 = lines.iter().map(|(_line, quantity)| quantity).sum();
    let entry = Entry::new(
        Kind::Shipped,
        json!({
            "shipment": shipment.id.0,
            "pieces": pieces,
            "carrier": new.tracking.carrier,
            "tracking": new.tracking.numbers,
            "notify": new.notify,
        }),
    );
    let actor = Actor {
        user: new.user,
        source: new.source.clone(),
        ..Actor::default()
    };
    timeline::record(conn, new.order, entry, &actor, now)?;
    let event = Event::ShipmentShipped {
        order: new.order,
        shipment: shipment.id,
    };
    events::record(conn, event, now)?;
    changes::record(conn, "shipment", &shipment.public_id, now)?;
    Ok(Shipped {
        shipment: shipment.id,
        is_new: true,
    })
}

/// Replaces the tracking of a shipment; the channel is told.
///
/// # Errors
///
/// `Invalid` by field, `AlreadyUndone`, `NotFound`.
pub fn correct_tracking(
    conn: &mut DbConnection,
    shipment: ShipmentId,
    tracking: &Tracking,
    notify: bool,
    user: Option<UserId>,
    now: At,
) -> Result<OrderId, ShipError> {
    let faults = tracking_faults(tracking);
    if !faults.is_empty() {
        return Err(ShipError::Invalid(faults));
    }
    let before = queries::find(conn, shipment)?.ok_or(ShipError::NotFound)?;
    if !queries::mark_tracking(conn, shipment, tracking, notify)? {
        return Err(ShipError::AlreadyUndone);
    }
    orders::search::refresh(conn, &[before.order_id])?;
    let entry = Entry::new(
        Kind::TrackingCorrected,
        json!({
            "shipment": shipment.0,
            "before": before.tracking().numbers,
            "after": tracking.numbers,
            "carrier": tracking.carrier,
        }),
    );
    timeline::record(conn, before.order_id, entry, &Actor::user(user), now)?;
    let event = Event::TrackingCorrected {
        order: before.order_id,
        shipment,
    };
    events::record(conn, event, now)?;
    changes::record(conn, "shipment", &before.public_id, now)?;
    Ok(before.order_id)
}

/// Undoes a shipment: the pieces are back on the shelf, the lines open again, the channel is told.
///
/// # Errors
///
/// `AlreadyUndone`, `NotFound`; `NotShippable` where pieces of it have come back.
pub fn undo(
    conn: &mut DbConnection,
    shipment: ShipmentId,
    user: Option<UserId>,
    now: At,
) -> Result<OrderId, ShipError> {
    let row = take_back(conn, shipment, user, now)?;
    let entry = Entry::new(Kind::ShipmentUndone, json!({ "shipment": shipment.0 }));
    timeline::record(conn, row.order_id, entry, &Actor::user(user), now)?;
    let event = Event::ShipmentUndone {
        order: row.order_id,
        shipment,
    };
    events::record(conn, event, now)?;
    changes::record(conn, "shipment", &row.public_id, now)?;
    Ok(row.order_id)
}

/// Undoes a shipment because the channel says that it did not leave after all: nobody has to be told.
///
/// # Errors
///
/// `AlreadyUndone`, `NotFound`.
pub fn undone_by_channel(
    conn: &mut DbConnection,
    shipment: ShipmentId,
    actor: &Actor,
    now: At,
) -> Result<(), ShipError> {
    let row = take_back(conn, shipment, None, now)?;
    let arguments = json!({ "shipment": shipment.0, "by_channel": true });
    let entry = Entry::new(Kind::ShipmentUndone, arguments);
    timeline::record(conn, row.order_id, entry, actor, now)?;
    changes::record(conn, "shipment", &row.public_id, now)?;
    Ok(())
}

/// The pieces of a shipment are back on the shelf and its lines open again.
fn take_back(
    conn: &mut DbConnection,
    shipment: ShipmentId,
    user: Option<UserId>,
    now: At,
) -> Result<queries::ShipmentRow, ShipError> {
    let row = queries::find(conn, shipment)?.ok_or(ShipError::NotFound)?;
    let lines = queries::list_lines(conn, shipment)?;
    if row.undone_at.is_none() && has_come_back(conn, row.order_id, &lines)? {
        return Err(ShipError::NotShippable(
            "Pieces of this shipment have come back by a refund or a return. Undoing it would put them on the shelf twice."
                .to_owned(),
        ));
    }
    if !queries::mark_undone(conn, shipment, now)? {
        return Err(ShipError::AlreadyUndone);
    }
    let source = source_of(shipment);
    for ((product, location, lot), quantity) in queries::list_taken(conn, &source)? {
        let movement = Movement {
            product,
            location,
            lot,
            quantity,
            reason: "shipment undone",
            source: &source,
            user,
        };
        stock::put_back(conn, &movement, now).map_err(stock_fault)?;
    }
    for line in lines {
        queries::add_shipped(conn, line.order_line_id, -line.quantity)?;
    }
    queries::raise_version(conn, row.order_id, now)?;
    orders::recompute(conn, row.order_id, now)?;
    Ok(row)
}

/// Whether more of a line has come back than would have left without this shipment.
fn has_come_back(
    conn: &mut DbConnection,
    order: OrderId,
    sent: &[queries::ShipmentLine],
) -> Result<bool, DbError> {
    let restocked = returns::restocked_before(conn, order)?;
    let lines = orders::queries::list_lines(conn, order)?;
    Ok(lines.iter().any(|line| {
        let of_line = sent.iter().filter(|one| one.order_line_id == line.id);
        let undone: i64 = of_line.map(|one| one.quantity).sum();
        let on_shelf = restocked.get(&line.id).copied().unwrap_or(0);
        let back = on_shelf.max(line.returned_quantity).max(line.back_quantity);
        undone > 0 && line.shipped_quantity - undone < back
    }))
}

/// What a shipment's movements name as their source.
#[must_use]
pub fn source_of(shipment: ShipmentId) -> String {
    format!("shipment:{shipment}")
}

fn check_shippable(conn: &mut DbConnection, order: &queries::OrderFacts) -> Result<(), ShipError> {
    let refuse = |why: &str| Err(ShipError::NotShippable(why.to_owned()));
    if order.cancelled_at.is_some() {
        return refuse("This order was cancelled. Nothing was shipped.");
    }
    if order.deleted_at_source.is_some() {
        return refuse("This order was deleted in the store. Nothing was shipped.");
    }
    if order.test {
        return refuse("This is a test order: it is never shipped.");
    }
    // An unmapped line holds only itself: the others may leave.
    let held = holds::queries::list_open(conn, order.id)?
        .into_iter()
        .any(|hold| hold.kind != holds::HoldKind::Unmapped);
    if held {
        return refuse("This order is on hold. Release the hold first, then ship.");
    }
    let check = orders::queries::checks::find(conn, order.id)?;
    if check.is_some_and(|check| check.scheduled_for.is_some()) {
        return refuse(
            "This order is scheduled for later. Open it for shipping in the store first, or wait for its day.",
        );
    }
    Ok(())
}

fn line_faults(wanted: &[(OrderLineId, i64)], open: &[queries::OpenLine]) -> Vec<FieldError> {
    let mut faults = Vec::new();
    for (line, quantity) in wanted {
        let fault = |message: String| FieldError {
            field: format!("quantity-{line}"),
            message,
        };
        match open.iter().find(|row| row.id == *line) {
            None => faults.push(fault("This line is not part of the order.".to_owned())),
            Some(_) if *quantity < 0 => {
                faults.push(fault("Enter 0 or more pieces.".to_owned()));
            }
            Some(row) if *quantity > row.left() => faults.push(fault(format!(
                "Only {} of {} are left to ship.",
                row.left().max(0),
                row.title
            ))),
            Some(row) if *quantity > 0 && !row.is_mapped => faults.push(fault(format!(
                "{} is not mapped to an item yet. Map it first.",
                row.title
            ))),
            Some(_) => {}
        }
    }
    if faults.is_empty() && wanted.iter().all(|(_line, quantity)| *quantity == 0) {
        faults.push(FieldError {
            field: "quantities".to_owned(),
            message: "Enter how many pieces leave now.".to_owned(),
        });
    }
    faults
}

fn tracking_faults(tracking: &Tracking) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, message: &str| {
        faults.push(FieldError {
            field: field.to_owned(),
            message: message.to_owned(),
        });
    };
    let too_long = |text: &String| text.chars().count() > LONGEST_TRACKING_NUMBER;
    if tracking.numbers.iter().any(too_long) {
        fault(
            "tracking",
            "A tracking number has at most 100 characters. Put one number on each line.",
        );
    }
    if tracking.numbers.len() > MOST_TRACKING_NUMBERS {
        fault("tracking", "A shipment takes at most 50 tracking numbers.");
    }
    if tracking.carrier.as_ref().is_some_and(too_long) {
        fault("carrier", "A carrier's name has at most 100 characters.");
    }
    let is_link = |url: &String| url.starts_with("https://") || url.starts_with("http://");
    if tracking.url.as_ref().is_some_and(|url| !is_link(url)) {
        fault(
            "url",
            "Enter a link that begins with https://, or leave it empty.",
        );
    }
    if tracking.url.is_some() && tracking.numbers.len() > 1 {
        fault(
            "url",
            "A link goes with one tracking number. Leave it empty for several.",
        );
    }
    faults
}

fn stock_fault(error: StockError) -> ShipError {
    match error {
        StockError::Db(error) => ShipError::Db(error),
        StockError::NotEnough { .. }
        | StockError::NoReason
        | StockError::Nothing
        | StockError::SerialTwice(_) => ShipError::NotShippable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: i64, quantity: i64, shipped: i64, is_mapped: bool) -> queries::OpenLine {
        queries::OpenLine {
            id: OrderLineId(id),
            title: "Sencha".to_owned(),
            current_quantity: quantity,
            shipped_quantity: shipped,
            fulfilled_elsewhere: 0,
            returned_quantity: 0,
            others_quantity: 0,
            is_mapped,
        }
    }

    #[test]
    fn quantities_are_refused_beside_their_line() {
        let open = [line(1, 3, 1, true), line(2, 1, 0, false)];
        let faults = |wanted: &[(i64, i64)]| -> Vec<String> {
            let wanted: Vec<_> = wanted
                .iter()
                .map(|(id, n)| (OrderLineId(*id), *n))
                .collect();
            line_faults(&wanted, &open)
                .into_iter()
                .map(|fault| fault.field)
                .collect()
        };
        assert_eq!(faults(&[(1, 2), (2, 0)]), Vec::<String>::new());
        assert_eq!(faults(&[(1, 3)]), ["quantity-1"]);
        assert_eq!(faults(&[(1, -1)]), ["quantity-1"]);
        assert_eq!(faults(&[(2, 1)]), ["quantity-2"]);
        assert_eq!(faults(&[(9, 1)]), ["quantity-9"]);
        assert_eq!(faults(&[(1, 0), (2, 0)]), ["quantities"]);
    }

    #[test]
    fn a_tracking_number_of_300_characters_is_refused() {
        let tracking = Tracking {
            numbers: vec!["1Z".repeat(150)],
            ..Tracking::default()
        };
        assert_eq!(tracking_faults(&tracking).len(), 1);
        assert_eq!(tracking_faults(&Tracking::default()), []);
    }
}
