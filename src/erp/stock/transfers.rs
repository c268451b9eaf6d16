//! Transfers: pieces leave one location and arrive at another. Between the two they lie nowhere.
use std::collections::BTreeMap;

use super::documents::{self, Booked, By, Cell, Fault, GoodsError, Kind, Named, State};
use super::leaving;
use super::queries::LevelRow;
use super::queries::document_lines::{self as lines, LineRow, NamedLine};
use super::queries::documents::{self as queries, DocumentRow};
use crate::erp::audit;
use crate::platform::db::DbConnection;
use crate::types::{LocationId, LotId, ProductId, StockDocumentId, StockLineId};

/// A draft has a bounded number of lines; sent, it has one for each lot that they took from.
const ALL: i64 = i64::MAX;

/// What becomes of the promises to orders where more is to leave than is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promises {
    Keep,
    /// The orders that were promised last are short then.
    TakeBack,
}

/// How many pieces have come of a line.
#[derive(Clone, Copy, Debug)]
pub struct Came {
    pub line: StockLineId,
    pub quantity: i64,
}

/// Pieces of a product in a lot that leave.
type Leaving = ((ProductId, Option<LotId>), i64);

/// Sends a transfer: its pieces leave, each line from the lot that it names, else first what expires first. From then on
/// it has a line for each lot.
///
/// # Errors
///
/// `Changed`, `Nothing`, `Faults` where fewer lie there, `Promised` where orders would lose what they were promised and
/// nobody has said that they may.
pub fn send(
    conn: &mut DbConnection,
    id: StockDocumentId,
    version: i64,
    promises: Promises,
    by: By,
) -> Result<(), GoodsError> {
    let named = (Kind::Transfer, id);
    let document = documents::take(conn, named, Some(version), &[State::Open], by.now)?;
    let all = lines::list(conn, id, None, ALL)?;
    let mut by_product: BTreeMap<ProductId, Vec<NamedLine>> = BTreeMap::new();
    for line in all.into_iter().filter(|line| line.line.quantity > 0) {
        let of = by_product.entry(line.line.product_id).or_default();
        of.push(line);
    }
    let mut plan = Plan::default();
    for (product, wanted) in &by_product {
        let levels = queries::hold_levels_at(conn, document.location_id, &[*product])?;
        plan.add(*product, document.location_id, levels, wanted);
    }
    if !plan.faults.is_empty() {
        return Err(GoodsError::Faults(plan.faults));
    }
    if plan.leaving.is_empty() {
        return Err(GoodsError::Nothing);
    }
    if plan.promised > 0 && promises == Promises::Keep {
        return Err(GoodsError::Promised(plan.promised));
    }
    leave(conn, &document, plan.leaving, by)
}

fn leave(
    conn: &mut DbConnection,
    document: &DocumentRow,
    leaving: Vec<Leaving>,
    by: By,
) -> Result<(), GoodsError> {
    let booking = queries::next_booking(conn, document.id)?;
    lines::delete_all(conn, document.id)?;
    let mut pieces = 0;
    for ((product, lot), quantity) in leaving {
        let place = (product, lot);
        let id = lines::insert(conn, document.id, place, None, (quantity, quantity))?;
        let line = LineRow {
            id,
            document_id: document.id,
            product_id: product,
            lot_id: lot,
            level_id: None,
            quantity,
            done: 0,
            pending: quantity,
            counted: None,
            seen: None,
            counted_at: None,
            counted_by: None,
        };
        let booked = Booked {
            booking,
            line: id,
            location: document.location_id,
            lot,
            quantity: -quantity,
            reason: "transfer sent",
        };
        documents::move_pieces(conn, document, &line, &booked, by)?;
        pieces += quantity;
    }
    queries::mark_sent(conn, document.id, by.now)?;
    documents::note(conn, document, audit::Kind::GoodsSent, pieces, by)
}

/// What leaves, and what is in its way.
#[derive(Default)]
struct Plan {
    leaving: Vec<Leaving>,
    faults: Vec<Fault>,
    /// Pieces that orders would lose.
    promised: i64,
}

impl Plan {
    fn add(
        &mut self,
        product: ProductId,
        location: LocationId,
        mut levels: Vec<LevelRow>,
        wanted: &[NamedLine],
    ) {
        let before = levels.clone();
        // First what names its lot: the others take of what that leaves.
        let (chosen, open): (Vec<_>, Vec<_>) =
            wanted.iter().partition(|line| line.line.lot_id.is_some());
        for line in chosen {
            let level = levels
                .iter_mut()
                .find(|level| level.lot_id == line.line.lot_id);
            let lies = level.as_ref().map_or(0, |level| level.on_hand);
            match level {
                Some(level) if lies >= line.line.quantity => level.on_hand -= line.line.quantity,
                Some(_) | None => self.refuse(line, lies),
            }
        }
        for line in open {
            let quantity = line.line.quantity;
            let taken = leaving::to_move(&levels, product, location, quantity);
            let found: i64 = taken.iter().map(|one| one.quantity).sum();
            if found < quantity {
                self.refuse(line, found);
            }
            for one in taken {
                let level = levels.iter_mut().find(|level| level.lot_id == one.lot);
                if let Some(level) = level {
                    level.on_hand -= one.quantity;
                }
            }
        }
        for (was, is) in before.iter().zip(&levels) {
            let quantity = was.on_hand - is.on_hand;
            if quantity > 0 {
                self.leaving.push(((product, is.lot_id), quantity));
                self.promised +=
                    (is.reserved - is.on_hand).max(0) - (was.reserved - was.on_hand).max(0);
            }
        }
    }

    fn refuse(&mut self, line: &NamedLine, lies: i64) {
        self.faults.push(Fault {
            row: line.line.id.0,
            cell: Cell::Quantity,
            reason: format!("Only {lies} lie there"),
        });
    }
}

/// Books what has arrived; ends the transfer where everything has.
///
/// # Errors
///
/// `Changed`, `Nothing`, `Faults` where more is said to have arrived than is under way.
pub fn receive(
    conn: &mut DbConnection,
    id: StockDocumentId,
    version: i64,
    came: &[Came],
    by: By,
) -> Result<i64, GoodsError> {
    let named = (Kind::Transfer, id);
    let document = documents::take(conn, named, Some(version), &[State::Sent], by.now)?;
    let ids: Vec<StockLineId> = came.iter().map(|one| one.line).collect();
    let found = lines::list_these(conn, id, &ids)?;
    let quantity = |line: &NamedLine| {
        let one = came.iter().find(|one| one.line == line.line.id);
        one.map_or(0, |one| one.quantity)
    };
    let faults: Vec<Fault> = found
        .iter()
        .filter(|line| !(0..=line.line.pending).contains(&quantity(line)))
        .map(|line| Fault {
            row: line.line.id.0,
            cell: Cell::Quantity,
            reason: format!("Only {} are under way", line.line.pending),
        })
        .collect();
    if !faults.is_empty() {
        return Err(GoodsError::Faults(faults));
    }
    let to = document.other_location_id.ok_or(GoodsError::NotFound)?;
    let parts = found.into_iter().map(|line| {
        let came = quantity(&line);
        (line.line, came)
    });
    let pieces = arrive(conn, &document, (to, "transfer received"), parts, by)?;
    documents::end_if_complete(conn, id, by)?;
    documents::note(conn, &document, audit::Kind::GoodsBooked, pieces, by)?;
    Ok(pieces)
}

/// Brings what is still under way back to where it came from.
///
/// # Errors
///
/// `Changed`, `Nothing`.
pub fn give_back(
    conn: &mut DbConnection,
    id: StockDocumentId,
    version: i64,
    by: By,
) -> Result<i64, GoodsError> {
    let named: Named = (Kind::Transfer, id);
    let document = documents::take(conn, named, Some(version), &[State::Sent], by.now)?;
    let all = lines::list(conn, id, None, ALL)?;
    let mut all: Vec<LineRow> = all.into_iter().map(|line| line.line).collect();
    all.sort_by_key(|line| (line.product_id, line.id));
    let parts = all.into_iter().map(|line| {
        let pending = line.pending;
        (line, pending)
    });
    let back = (document.location_id, "transfer returned");
    let pieces = arrive(conn, &document, back, parts, by)?;
    queries::mark_ended(conn, id, State::Done, Some("returned"), by)?;
    documents::note(conn, &document, audit::Kind::GoodsBooked, pieces, by)?;
    Ok(pieces)
}

/// Puts pieces of some lines down at a location.
fn arrive(
    conn: &mut DbConnection,
    document: &DocumentRow,
    (location, reason): (LocationId, &str),
    parts: impl Iterator<Item = (LineRow, i64)>,
    by: By,
) -> Result<i64, GoodsError> {
    let booking = queries::next_booking(conn, document.id)?;
    let mut pieces = 0;
    for (mut line, quantity) in parts.filter(|(_line, quantity)| *quantity > 0) {
        let booked = Booked {
            booking,
            line: line.id,
            location,
            lot: line.lot_id,
            quantity,
            reason,
        };
        documents::move_pieces(conn, document, &line, &booked, by)?;
        line.done += quantity;
        line.pending -= quantity;
        lines::set_numbers(conn, &line)?;
        pieces += quantity;
    }
    if pieces == 0 {
        return Err(GoodsError::Nothing);
    }
    queries::add_pieces(conn, document.id, (0, pieces))?;
    Ok(pieces)
}
