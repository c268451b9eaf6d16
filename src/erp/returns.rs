//! Returns: goods that are to come back, or came; what becomes of them, and what is sent in their place.
//!
//! The channel tells each return whole whenever it changes. What was put back on a shelf is booked once,
//! by the id of its disposition.
use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;

use crate::erp::orders::queries::{self as orders, LineRow};
use crate::erp::refunds::{self, Arrival, Shelf};
use crate::erp::timeline::{Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, OrderId, OrderLineId, ReturnId};

pub mod queries;

use queries::{NewDisposition, NewLine, ReturnRow};

crate::text_enum! {
    /// Where a return stands.
    ReturnStatus {
        Requested = "requested",
        Open = "open",
        Closed = "closed",
        Declined = "declined",
        Cancelled = "cancelled",
    }
}

crate::text_enum! {
    /// Which way the goods of a line go.
    LineKind {
        /// Back to us.
        Return = "return",
        /// To the customer, in place of what comes back.
        Exchange = "exchange",
    }
}

crate::text_enum! {
    /// What became of goods that came back.
    DispositionKind {
        Restocked = "restocked",
        NotRestocked = "not_restocked",
        ProcessingRequired = "processing_required",
        Missing = "missing",
    }
}

/// A return as a channel tells it.
#[derive(Clone, Debug)]
pub struct IncomingReturn {
    pub external_id: String,
    pub name: String,
    pub status: ReturnStatus,
    pub decline_reason: Option<String>,
    pub decline_note: Option<String>,
    pub made_at: At,
    pub closed_at: Option<At>,
    pub lines: Vec<IncomingReturnLine>,
    pub dispositions: Vec<IncomingDisposition>,
}

/// Pieces that come back, or are sent in their place.
#[derive(Clone, Debug)]
pub struct IncomingReturnLine {
    pub external_id: String,
    pub kind: LineKind,
    /// The order line, by the channel's id.
    pub line_external_id: Option<String>,
    pub quantity: i64,
    pub processed: i64,
    pub refunded: i64,
    pub reason: Option<String>,
    pub note: Option<String>,
}

/// What was done with pieces that came back.
#[derive(Clone, Debug)]
pub struct IncomingDisposition {
    pub external_id: String,
    pub line_external_id: Option<String>,
    pub kind: DispositionKind,
    pub quantity: i64,
    pub location_external_id: Option<String>,
}

/// Brings a return up to date: its state, its lines, and what of it lies on our shelves now. The caller
/// holds the order's lock, decides the order's state anew, and puts back what arrived.
///
/// # Errors
///
/// The database's.
pub fn receive(
    conn: &mut DbConnection,
    order: OrderId,
    incoming: &IncomingReturn,
    shelf: Shelf<'_>,
    now: At,
) -> Result<refunds::Received, DbError> {
    let mut received = refunds::Received::default();
    let lines = orders::list_lines(conn, order)?;
    let stored = queries::find(conn, order, &incoming.external_id)?;
    let before = stored.as_ref().map(|row| row.status);
    let id = match stored {
        Some(row) => update(conn, &row, incoming, now)?,
        None => {
            let public_id = Uuid::now_v7().to_string();
            queries::insert(conn, order, &public_id, incoming, now)?
        }
    };
    write_lines(conn, id, incoming, &lines)?;
    let (restocked, arrivals) = dispose(conn, order, id, incoming, &lines, shelf)?;
    received.arrivals = arrivals;
    if before != Some(incoming.status) || restocked > 0 {
        received.entries.push(Entry::new(
            Kind::ReturnChanged,
            json!({
                "name": incoming.name,
                "status": incoming.status,
                "pieces": pieces(incoming, LineKind::Return),
                "exchanged": pieces(incoming, LineKind::Exchange),
                "restocked": restocked,
            }),
        ));
    }
    note_back(conn, order, &lines)?;
    Ok(received)
}

fn pieces(incoming: &IncomingReturn, kind: LineKind) -> i64 {
    let lines = incoming.lines.iter().filter(|line| line.kind == kind);
    lines.map(|line| line.quantity).sum()
}

fn update(
    conn: &mut DbConnection,
    row: &ReturnRow,
    incoming: &IncomingReturn,
    now: At,
) -> Result<ReturnId, DbError> {
    queries::update(conn, row.id, incoming, now)?;
    Ok(row.id)
}

fn write_lines(
    conn: &mut DbConnection,
    id: ReturnId,
    incoming: &IncomingReturn,
    lines: &[LineRow],
) -> Result<(), DbError> {
    let stored: BTreeMap<(String, String), i64> = queries::list_line_ids(conn, id)?
        .into_iter()
        .map(|(id, external, line)| ((external, line), id))
        .collect();
    for line in &incoming.lines {
        let of_line = line.line_external_id.clone().unwrap_or_default();
        match stored.get(&(line.external_id.clone(), of_line.clone())) {
            Some(known) => queries::update_line(conn, *known, line)?,
            None => {
                let new = NewLine {
                    return_id: id,
                    external_id: &line.external_id,
                    kind: line.kind,
                    order_line_id: line_of(lines, Some(&of_line)).map(|row| row.id),
                    line_external_id: &of_line,
                    quantity: line.quantity,
                    processed_quantity: line.processed,
                    refunded_quantity: line.refunded,
                    reason: line.reason.as_deref(),
                    note: line.note.as_deref(),
                };
                queries::insert_line(conn, &new)?;
            }
        }
    }
    Ok(())
}

fn line_of<'a>(lines: &'a [LineRow], external: Option<&str>) -> Option<&'a LineRow> {
    lines
        .iter()
        .find(|row| Some(row.facts.external_id.as_str()) == external)
}

/// Books each disposition once: what was put back on a shelf of ours arrives there, never more than had left.
fn dispose(
    conn: &mut DbConnection,
    order: OrderId,
    id: ReturnId,
    incoming: &IncomingReturn,
    lines: &[LineRow],
    shelf: Shelf<'_>,
) -> Result<(i64, Vec<Arrival>), DbError> {
    let known = queries::list_disposition_ids(conn, id)?;
    let fresh: Vec<&IncomingDisposition> = incoming
        .dispositions
        .iter()
        .filter(|one| !known.contains(&one.external_id))
        .collect();
    let (mut restocked, mut arrivals) = (0, Vec::new());
    if fresh.is_empty() {
        return Ok((restocked, arrivals));
    }
    let parts = orders::list_parts(conn, order)?;
    let left = refunds::left_of_ours(conn, order, lines)?;
    let mut back = restocked_before(conn, order)?;
    for one in fresh {
        let row = line_of(lines, one.line_external_id.as_deref());
        let location = row
            .filter(|_row| one.kind == DispositionKind::Restocked)
            .and_then(|_row| shelf(one.location_external_id.as_deref()));
        let mut booked = 0;
        if let (Some(row), Some(location)) = (row, location) {
            let before = back.entry(row.id).or_default();
            let left = left.get(&row.id).copied().unwrap_or(0);
            booked = one.quantity.min(left - *before).max(0);
            *before += booked;
            restocked += booked;
            let parts = refunds::arrived(row.id, booked, &parts);
            if !parts.is_empty() {
                arrivals.push(Arrival {
                    source: format!("return:{id}"),
                    line: row.id,
                    location,
                    parts,
                });
            }
        }
        let new = NewDisposition {
            return_id: id,
            external_id: &one.external_id,
            order_line_id: row.map(|row| row.id),
            kind: one.kind,
            quantity: one.quantity,
            location_id: location,
            restocked_quantity: booked,
        };
        queries::insert_disposition(conn, &new)?;
    }
    Ok((restocked, arrivals))
}

/// How many pieces of each line lie on our shelves again, by refunds and by returns.
///
/// # Errors
///
/// The database's.
pub fn restocked_before(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<BTreeMap<OrderLineId, i64>, DbError> {
    let mut sums = BTreeMap::new();
    let by_refunds = refunds::queries::list_restocked(conn, order)?;
    for (line, quantity) in by_refunds
        .into_iter()
        .chain(queries::list_restocked(conn, order)?)
    {
        *sums.entry(line).or_insert(0) += quantity;
    }
    Ok(sums)
}

/// Notes on each line how many of its pieces came back by returns.
fn note_back(conn: &mut DbConnection, order: OrderId, lines: &[LineRow]) -> Result<(), DbError> {
    let mut sums: BTreeMap<OrderLineId, i64> = BTreeMap::new();
    for (line, quantity) in queries::list_processed(conn, order)? {
        *sums.entry(line).or_default() += quantity;
    }
    for row in lines {
        let back = sums.get(&row.id).copied().unwrap_or(0);
        if back != row.back_quantity {
            queries::set_back(conn, row.id, back)?;
        }
    }
    Ok(())
}
