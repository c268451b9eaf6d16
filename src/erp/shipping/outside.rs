//! What others have shipped of an order: the store's staff, another app, a service. It is told, not asked: nothing
//! of it goes back to the channel. Stock moves only where it left from one of our locations.
pub mod queries;

use serde_json::json;

use super::Tracking;
use crate::erp::orders::queries::{self as orders, LineRow};
use crate::erp::orders::{self as order_book, OrderError};
use crate::erp::shipping::queries::{list_parts, list_taken};
use crate::erp::stock::{self, Movement, StockError, leaving, queries as levels};
use crate::erp::timeline::{Actor, Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, LocationId, OrderId, OrderLineId};

use queries::Row;

crate::text_enum! {
    /// Where it stands.
    OutsideState { Shipped = "shipped", Delivered = "delivered", Cancelled = "cancelled" }
}

/// A shipment of others as the channel tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideShipment {
    pub external_id: String,
    pub state: OutsideState,
    /// When the channel last changed it: an older telling changes nothing.
    pub updated_at: At,
    pub shipped_at: At,
    /// The location of ours that it left from, where it took stock of ours.
    pub stock_from: Option<LocationId>,
    pub tracking: Tracking,
    /// The channel's lines, and pieces.
    pub lines: Vec<(String, i64)>,
}

/// Whether the channel told of everything that was shipped of the order, or of one shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    All,
    One,
}

/// Takes in what others have shipped: its pieces are no longer to ship here. A cancelled one opens them again.
///
/// # Errors
///
/// `NotFound`.
pub fn receive(
    conn: &mut DbConnection,
    order: OrderId,
    told: Told,
    shipments: &[OutsideShipment],
    actor: &Actor,
    now: At,
) -> Result<(), OrderError> {
    let row = orders::lock(conn, order)?.ok_or(OrderError::NotFound(order))?;
    let lines = orders::list_lines(conn, order)?;
    let known = queries::list(conn, order)?;
    // What was told before shipments of others were kept is counted on the lines alone.
    let agrees = told == Told::All || counted(&lines, &known);
    let mut entries = Vec::new();
    let mut touched = false;
    for one in shipments {
        match known.iter().find(|row| row.external_id == one.external_id) {
            None if one.state == OutsideState::Cancelled => {
                // Remembered, so that an older word of it does not count it as gone.
                keep(conn, order, one, None, &lines)?;
            }
            None => {
                let stock_from = one.stock_from.filter(|_location| !row.facts.test);
                entries.push(take(conn, order, one, stock_from, &lines, now)?);
            }
            Some(row) => {
                let news = bring_up_to_date(conn, row, one, now)?;
                touched |= news.is_some();
                entries.extend(news.into_iter().flatten());
            }
        }
    }
    if entries.is_empty() && !touched {
        return Ok(());
    }
    if agrees {
        count_anew(conn, order, &lines)?;
    }
    order_book::recompute_told(conn, order, entries, actor, now)
}

fn counted(lines: &[LineRow], known: &[Row]) -> bool {
    lines.iter().all(|line| {
        let pieces: i64 = known.iter().map(|row| row.pieces_of(line.id)).sum();
        pieces == line.facts.fulfilled_elsewhere
    })
}

fn count_anew(conn: &mut DbConnection, order: OrderId, lines: &[LineRow]) -> Result<(), DbError> {
    let known = queries::list(conn, order)?;
    for line in lines {
        let pieces = known.iter().map(|row| row.pieces_of(line.id)).sum();
        if pieces != line.facts.fulfilled_elsewhere {
            queries::set_elsewhere(conn, line.id, pieces)?;
        }
    }
    Ok(())
}

/// Writes one down; gives its id and the lines of ours that it held.
fn keep(
    conn: &mut DbConnection,
    order: OrderId,
    one: &OutsideShipment,
    stock_from: Option<LocationId>,
    lines: &[LineRow],
) -> Result<(i64, Vec<(OrderLineId, i64)>), DbError> {
    let ours: Vec<_> = one
        .lines
        .iter()
        .filter_map(|(external_id, pieces)| {
            let line = lines
                .iter()
                .find(|line| line.facts.external_id == *external_id)?;
            (*pieces > 0).then_some((line.id, *pieces))
        })
        .collect();
    let id = queries::insert(conn, order, one, stock_from)?;
    queries::insert_lines(conn, id, &ours)?;
    Ok((id, ours))
}

/// Keeps a new one, and takes the stock that left with it.
fn take(
    conn: &mut DbConnection,
    order: OrderId,
    one: &OutsideShipment,
    stock_from: Option<LocationId>,
    lines: &[LineRow],
    now: At,
) -> Result<Entry, OrderError> {
    let (id, ours) = keep(conn, order, one, stock_from, lines)?;
    let (mut taken, mut missing) = (0, 0);
    if let Some(location) = stock_from {
        let source = source_of(id);
        for (line, pieces) in &ours {
            for part in list_parts(conn, *line)? {
                let (product, wanted) = (part.product, pieces.saturating_mul(part.each));
                let levels = levels::levels_of(conn, &[product])?;
                let held = levels::reservations_of_order(conn, order)?;
                // Others do not say which lot: the one that was meant to leave is taken for it.
                let place = (product, location);
                let leaving = leaving::of_line(&levels, &held, *line, place, wanted);
                missing += wanted;
                for one in leaving {
                    let movement = Movement {
                        product,
                        location,
                        lot: one.lot,
                        quantity: -one.quantity,
                        reason: "shipped by others",
                        source: &source,
                        user: None,
                    };
                    stock::consume(conn, *line, &movement, now).map_err(book_fault)?;
                    taken += one.quantity;
                    missing -= one.quantity;
                }
            }
        }
    }
    let pieces: i64 = ours.iter().map(|(_line, pieces)| pieces).sum();
    let arguments = json!({
        "pieces": pieces,
        "carrier": one.tracking.carrier,
        "tracking": one.tracking.numbers,
        "taken": taken,
        "missing": missing,
    });
    Ok(Entry::new(Kind::FulfilledElsewhere, arguments))
}

/// `None` where it says nothing new.
fn bring_up_to_date(
    conn: &mut DbConnection,
    row: &Row,
    one: &OutsideShipment,
    now: At,
) -> Result<Option<Vec<Entry>>, OrderError> {
    let is_old = one.updated_at < row.source_updated_at;
    if row.state == OutsideState::Cancelled || is_old || row.says(one) {
        return Ok(None);
    }
    queries::update(conn, row.id, one)?;
    if one.state == OutsideState::Cancelled {
        let source = source_of(row.id);
        for ((product, location, lot), quantity) in list_taken(conn, &source)? {
            let movement = Movement {
                product,
                location,
                lot,
                quantity,
                reason: "shipment of others cancelled",
                source: &source,
                user: None,
            };
            stock::put_back(conn, &movement, now).map_err(book_fault)?;
        }
        let arguments = json!({ "pieces": row.pieces() });
        return Ok(Some(vec![Entry::new(Kind::ElsewhereCancelled, arguments)]));
    }
    let arrived = row.state == OutsideState::Shipped && one.state == OutsideState::Delivered;
    let arguments = json!({ "tracking": one.tracking.numbers });
    let entries = arrived.then(|| Entry::new(Kind::Arrived, arguments));
    Ok(Some(entries.into_iter().collect()))
}

/// What the movements of such a shipment name as their source.
fn source_of(id: i64) -> String {
    format!("outside:{id}")
}

fn book_fault(error: StockError) -> OrderError {
    match error {
        StockError::Db(error) => OrderError::Db(error),
        StockError::NotEnough { .. }
        | StockError::NoReason
        | StockError::Nothing
        | StockError::SerialTwice(_) => OrderError::Stock(error),
    }
}
