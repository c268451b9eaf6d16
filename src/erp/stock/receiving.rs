//! Receiving: what a supplier sends is expected, comes in one booking or several, more or less than was expected.
use std::collections::BTreeSet;

use jiff::civil::Date;

use super::StockError;
use super::documents::{self, Booked, By, Cell, Fault, GoodsError, Kind, State};
use super::lots::{self, LotError};
use super::queries::document_lines::{self as lines, NamedLine};
use super::queries::documents::{self as queries, DocumentRow};
use crate::erp::audit;
use crate::erp::products::Tracking;
use crate::platform::db::DbConnection;
use crate::types::{LotId, StockDocumentId, StockLineId};

/// What has come of a line.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub line: StockLineId,
    /// Pieces. Of serial numbers there are as many as codes, whatever it says.
    pub quantity: i64,
    /// The lot, or the serial numbers, of a line that names none itself.
    pub codes: Vec<String>,
    pub best_before: Option<Date>,
}

/// Books what has come; ends the receipt where nothing is expected any more.
///
/// # Errors
///
/// `Changed` where somebody else booked meanwhile, `Nothing`, `Faults` beside the lines that they are of.
pub fn book(
    conn: &mut DbConnection,
    id: StockDocumentId,
    version: i64,
    arrived: &[Arrived],
    by: By,
) -> Result<i64, GoodsError> {
    let named = (Kind::Receipt, id);
    let document = documents::take(conn, named, Some(version), &[State::Open], by.now)?;
    let booking = queries::next_booking(conn, id)?;
    let ids: Vec<StockLineId> = arrived.iter().map(|one| one.line).collect();
    let (mut faults, mut pieces) = (Vec::new(), 0_i64);
    // Product by product, so that two who book at once hold the levels in one order.
    for found in lines::list_these(conn, id, &ids)? {
        let Some(one) = arrived.iter().find(|one| one.line == found.line.id) else {
            continue;
        };
        match book_line(conn, &document, booking, (&found, one), by) {
            Ok(came) => pieces += came,
            Err(Refused::Fault(fault)) => faults.push(fault),
            Err(Refused::Goods(error)) => return Err(error),
        }
    }
    if !faults.is_empty() {
        return Err(GoodsError::Faults(faults));
    }
    if pieces == 0 {
        return Err(GoodsError::Nothing);
    }
    queries::add_pieces(conn, id, (0, pieces))?;
    documents::end_if_complete(conn, id, by)?;
    documents::note(conn, &document, audit::Kind::GoodsBooked, pieces, by)?;
    Ok(pieces)
}

/// Why a line is not booked: it can be mended, or nothing can be booked at all.
enum Refused {
    Fault(Fault),
    Goods(GoodsError),
}

impl<E: Into<GoodsError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Refused::Goods(error.into())
    }
}

fn fault(found: &NamedLine, cell: Cell, reason: impl Into<String>) -> Refused {
    Refused::Fault(Fault {
        row: found.line.id.0,
        cell,
        reason: reason.into(),
    })
}

fn book_line(
    conn: &mut DbConnection,
    document: &DocumentRow,
    booking: i64,
    (found, one): (&NamedLine, &Arrived),
    by: By,
) -> Result<i64, Refused> {
    if one.quantity == 0 && one.codes.is_empty() {
        return Ok(0);
    }
    if !(0..=documents::MOST_PIECES).contains(&one.quantity) {
        return Err(fault(found, Cell::Quantity, "Enter how many came, like 12"));
    }
    let mut came = 0_i64;
    for (lot, quantity) in parts(conn, found, one, by)? {
        let booked = Booked {
            booking,
            line: found.line.id,
            location: document.location_id,
            lot,
            quantity,
            reason: "received",
        };
        match documents::move_pieces(conn, document, &found.line, &booked, by) {
            Ok(()) => came += quantity,
            Err(GoodsError::Stock(error @ StockError::SerialTwice(_))) => {
                return Err(fault(found, Cell::Lot, capital(&error.to_string())));
            }
            Err(error) => return Err(Refused::Goods(error)),
        }
    }
    let mut line = found.line.clone();
    line.done += came;
    line.pending = (line.quantity - line.done).max(0);
    lines::set_numbers(conn, &line)?;
    Ok(came)
}

/// How many pieces of which lot.
fn parts(
    conn: &mut DbConnection,
    found: &NamedLine,
    one: &Arrived,
    by: By,
) -> Result<Vec<(Option<LotId>, i64)>, Refused> {
    match (found.line.lot_id, found.tracking) {
        (Some(_), Tracking::Serial) if one.quantity > 1 => {
            Err(fault(found, Cell::Quantity, "A serial number is one piece"))
        }
        (Some(lot), Tracking::None | Tracking::Lot | Tracking::Serial) => {
            Ok(vec![(Some(lot), one.quantity)])
        }
        (None, Tracking::None) => Ok(vec![(None, one.quantity)]),
        (None, Tracking::Lot) => match one.codes.as_slice() {
            [code] if one.quantity > 0 => {
                let lot = name(conn, found, code, one, by)?;
                Ok(vec![(Some(lot), one.quantity)])
            }
            [_] => Err(fault(
                found,
                Cell::Quantity,
                "Enter how many came of this lot",
            )),
            [] => Err(fault(found, Cell::Lot, "Enter the lot that came")),
            [_, _, ..] => Err(fault(
                found,
                Cell::Lot,
                "Enter one lot; book again for the next",
            )),
        },
        (None, Tracking::Serial) => {
            if one.codes.is_empty() {
                return Err(fault(
                    found,
                    Cell::Lot,
                    "Enter the serial numbers that came",
                ));
            }
            let mut seen = BTreeSet::new();
            let mut parts = Vec::new();
            for code in &one.codes {
                if !seen.insert(lots::normal(code)) {
                    let reason = format!("Serial number {code} is there twice");
                    return Err(fault(found, Cell::Lot, reason));
                }
                parts.push((Some(name(conn, found, code, one, by)?), 1));
            }
            Ok(parts)
        }
    }
}

fn name(
    conn: &mut DbConnection,
    found: &NamedLine,
    code: &str,
    one: &Arrived,
    by: By,
) -> Result<LotId, Refused> {
    match lots::name(conn, found.line.product_id, code, one.best_before, by.now) {
        Ok(lot) => Ok(lot),
        Err(error @ LotError::OtherDate { .. }) => {
            Err(fault(found, Cell::BestBefore, capital(&error.to_string())))
        }
        Err(error @ (LotError::NoCode | LotError::LongCode)) => {
            Err(fault(found, Cell::Lot, capital(&error.to_string())))
        }
        Err(
            error @ (LotError::NotTracked
            | LotError::NoReason
            | LotError::NotFound
            | LotError::Stock(_)
            | LotError::Db(_)),
        ) => Err(Refused::Goods(error.into())),
    }
}

/// With a capital letter.
pub(super) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}
