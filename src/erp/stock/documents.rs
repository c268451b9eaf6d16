//! Goods on paper: a receipt, a transfer, a count. Here is what the three share: making one, entering what it is about,
//! taking a booking back, ending it. What a booking does is each one's own: `receiving`, `transfers`, `counting`.
use jiff::civil::Date;
use serde_json::json;

use super::lots::{self, LotError};
use super::queries::document_lines::{self as lines, LineRow};
use super::queries::documents::{self as queries, DocumentRow};
use super::queries::lots as lot_rows;
use super::{Movement, StockError, adjust, counting};
use crate::erp::audit;
use crate::erp::products::Tracking;
use crate::erp::products::normal_code;
use crate::erp::products::queries::ProductRow;
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, LocationId, LotId, StockDocumentId, StockLineId, UserId};

/// Pieces of one line.
pub const MOST_PIECES: i64 = 1_000_000;
/// Lines of a receipt or a transfer.
pub const MOST_LINES: i64 = 10_000;
/// Rows that are taken back at a time.
const BATCH: i64 = 200;

crate::text_enum! {
    /// What a document is about.
    Kind { Receipt = "receipt", Transfer = "transfer", Count = "count" }
}

crate::text_enum! {
    /// How far it is.
    State {
        /// A receipt that is expected, a transfer that has not left, a count that goes on.
        Open = "open",
        /// A transfer is under way.
        Sent = "sent",
        Done = "done",
        Cancelled = "cancelled",
    }
}

/// A document as the address names it: a transfer's id is no receipt.
pub type Named = (Kind, StockDocumentId);

/// Who does it, and when.
#[derive(Clone, Copy, Debug)]
pub struct By {
    pub user: UserId,
    pub now: At,
}

/// A document that is about to be made.
#[derive(Clone, Debug)]
pub struct New {
    pub kind: Kind,
    /// Where it comes in, leaves or is counted.
    pub location: LocationId,
    /// Where a transfer goes.
    pub other: Option<LocationId>,
    pub reference: Option<String>,
    pub expected_on: Option<Date>,
    pub note: Option<String>,
    pub blind: bool,
    pub whole: bool,
}

/// What is entered into a document: pieces of an item, in a lot where it is known.
#[derive(Clone, Debug, Default)]
pub struct Adding {
    /// A SKU or a barcode.
    pub code: String,
    pub quantity: i64,
    /// Empty for none.
    pub lot: String,
    pub best_before: Option<Date>,
}

/// The part of a line that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    Quantity,
    Lot,
    BestBefore,
}

/// What is wrong with one line of a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, or of a count the level.
    pub row: i64,
    pub cell: Cell,
    /// A sentence without its full stop.
    pub reason: String,
}

/// Why something cannot be done with a document.
#[derive(Debug, thiserror::Error)]
pub enum GoodsError {
    #[error("this document was not found")]
    NotFound,
    /// It is not any more what whoever asks has seen.
    #[error("somebody else changed this meanwhile")]
    Changed,
    #[error("choose two different locations")]
    SamePlace,
    #[error("there is nothing to book")]
    Nothing,
    #[error("say why")]
    NoReason,
    #[error("no item has this SKU or barcode")]
    UnknownCode,
    #[error("several items have this SKU or barcode")]
    SeveralItems,
    #[error("this item is archived")]
    Archived,
    #[error("this item has no such lot")]
    NoSuchLot,
    #[error("serial number {0} is listed already")]
    SerialListed(String),
    #[error("a line has 1 to 1,000,000 pieces")]
    Quantity,
    #[error("a serial number is one piece")]
    OnePiece,
    #[error("a document has at most 10,000 lines")]
    Full,
    /// So many pieces would be taken away from orders that they are promised to.
    #[error("{0} of these pieces are promised to orders")]
    Promised(i64),
    #[error("of {sku} only {on_hand} are there, and {leaving} would leave")]
    Gone {
        sku: String,
        on_hand: i64,
        leaving: i64,
    },
    #[error("some lines need another look")]
    Faults(Vec<Fault>),
    #[error(transparent)]
    Lot(#[from] LotError),
    #[error(transparent)]
    Stock(#[from] StockError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Pieces of a line as a booking keeps them.
#[derive(Clone, Copy, Debug)]
pub struct Booked<'a> {
    pub booking: i64,
    pub line: StockLineId,
    pub location: LocationId,
    pub lot: Option<LotId>,
    /// Plus arrives, minus leaves.
    pub quantity: i64,
    pub reason: &'a str,
}

impl DocumentRow {
    /// As people call it: `R-1001`.
    #[must_use]
    pub fn name(&self) -> String {
        let letter = match self.kind {
            Kind::Receipt => 'R',
            Kind::Transfer => 'T',
            Kind::Count => 'C',
        };
        format!("{letter}-{}", self.number)
    }

    /// As movements and the audit log name it, with what stands between: `receipt:4`, `receipt/4`.
    pub(super) fn source(&self, between: char) -> String {
        format!("{}{between}{}", self.kind, self.id)
    }
}

/// Makes an empty document.
///
/// # Errors
///
/// `SamePlace` for a transfer to where it begins.
pub fn create(conn: &mut DbConnection, new: &New, by: By) -> Result<StockDocumentId, GoodsError> {
    let goes_on = match new.kind {
        Kind::Transfer => new.other.is_some_and(|other| other != new.location),
        Kind::Receipt | Kind::Count => new.other.is_none(),
    };
    if !goes_on {
        return Err(GoodsError::SamePlace);
    }
    let number = queries::next_number(conn, new.kind)?;
    Ok(queries::insert(conn, new, number, by)?)
}

/// Takes a document for a change; with a version only if it is still what was seen.
pub(super) fn take(
    conn: &mut DbConnection,
    named: Named,
    version: Option<i64>,
    states: &[State],
    now: At,
) -> Result<DocumentRow, GoodsError> {
    if let Some(row) = queries::claim(conn, named, version, states, now)? {
        return Ok(row);
    }
    match queries::find(conn, named.0, named.1)? {
        Some(_) => Err(GoodsError::Changed),
        None => Err(GoodsError::NotFound),
    }
}

/// Enters pieces of an item: a line that is there grows. A count gets the lines that are to be counted.
///
/// # Errors
///
/// Why the item, its lot or the number cannot be entered; `Changed` where the document is not open any more.
pub fn add(
    conn: &mut DbConnection,
    named: Named,
    adding: &Adding,
    by: By,
) -> Result<(), GoodsError> {
    let document = take(conn, named, None, &[State::Open], by.now)?;
    let item = find_item(conn, &adding.code)?;
    match document.kind {
        Kind::Receipt | Kind::Transfer => {
            let lot = lot_of(conn, &document, &item, adding, by.now)?;
            let known = lines::find_place(conn, document.id, item.id, lot)?;
            let before = known.as_ref().map_or(0, |line| line.quantity);
            if before > 0 && lot.is_some() && item.tracking == Tracking::Serial {
                return Err(GoodsError::SerialListed(adding.lot.trim().to_owned()));
            }
            let quantity = before.saturating_add(adding.quantity);
            put(conn, &document, (&item, lot, known), quantity)
        }
        Kind::Count => counting::expect(conn, &document, &item, adding, by.now).map(|_levels| ()),
    }
}

/// The item that a code names: a SKU, or a barcode.
///
/// # Errors
///
/// `UnknownCode`, `SeveralItems`, `Archived`.
pub fn find_item(conn: &mut DbConnection, code: &str) -> Result<ProductRow, GoodsError> {
    let normal = normal_code(code).ok_or(GoodsError::UnknownCode)?;
    let mut found = lines::list_items(conn, &normal)?;
    // Of two items whose SKUs differ in their capitals alone, one may be meant.
    if found.len() > 1
        && let Some(place) = found.iter().position(|row| row.sku == code.trim())
    {
        found = vec![found.swap_remove(place)];
    }
    match found.len() {
        0 => Err(GoodsError::UnknownCode),
        1 => match found.pop() {
            Some(row) if row.active => Ok(row),
            Some(_) | None => Err(GoodsError::Archived),
        },
        2.. => Err(GoodsError::SeveralItems),
    }
}

/// The lot that a line names: what comes in may bring a new one, what leaves lies in one that is known.
pub(super) fn lot_of(
    conn: &mut DbConnection,
    document: &DocumentRow,
    item: &ProductRow,
    adding: &Adding,
    now: At,
) -> Result<Option<LotId>, GoodsError> {
    if adding.lot.trim().is_empty() {
        return Ok(None);
    }
    match document.kind {
        Kind::Receipt | Kind::Count => {
            let lot = lots::name(conn, item.id, &adding.lot, adding.best_before, now)?;
            Ok(Some(lot))
        }
        Kind::Transfer => {
            let found = lot_rows::find_by_code(conn, item.id, &lots::normal(&adding.lot))?;
            Ok(Some(found.ok_or(GoodsError::NoSuchLot)?.id))
        }
    }
}

/// Writes a line with so many pieces.
pub(super) fn put(
    conn: &mut DbConnection,
    document: &DocumentRow,
    (item, lot, known): (&ProductRow, Option<LotId>, Option<LineRow>),
    quantity: i64,
) -> Result<(), GoodsError> {
    let one_piece = lot.is_some() && item.tracking == Tracking::Serial;
    if one_piece && quantity != 1 {
        return Err(GoodsError::OnePiece);
    }
    if !(1..=MOST_PIECES).contains(&quantity) {
        return Err(GoodsError::Quantity);
    }
    let before = known.as_ref().map_or(0, |line| line.quantity);
    match known {
        Some(line) => resize(conn, document.kind, line, quantity)?,
        None => {
            if lines::is_full(conn, document.id, MOST_LINES)? {
                return Err(GoodsError::Full);
            }
            let pending = match document.kind {
                Kind::Receipt => quantity,
                Kind::Transfer | Kind::Count => 0,
            };
            let place = (item.id, lot);
            lines::insert(conn, document.id, place, None, (quantity, pending))?;
        }
    }
    queries::add_pieces(conn, document.id, (quantity - before, 0))?;
    Ok(())
}

fn resize(
    conn: &mut DbConnection,
    kind: Kind,
    mut line: LineRow,
    quantity: i64,
) -> Result<(), DbError> {
    line.quantity = quantity;
    line.pending = match kind {
        Kind::Receipt => (quantity - line.done).max(0),
        Kind::Transfer | Kind::Count => 0,
    };
    lines::set_numbers(conn, &line)
}

/// Says of how many pieces a line is; of none takes the line away, unless some have arrived.
///
/// # Errors
///
/// `NotFound`, `Quantity`, `Changed` where the document is not open any more.
pub fn set_quantity(
    conn: &mut DbConnection,
    named: Named,
    line: StockLineId,
    quantity: i64,
    by: By,
) -> Result<(), GoodsError> {
    let document = take(conn, named, None, &[State::Open], by.now)?;
    let mut found = lines::list_these(conn, document.id, &[line])?;
    let row = found.pop().ok_or(GoodsError::NotFound)?;
    let most = match (row.tracking, row.line.lot_id) {
        (Tracking::Serial, Some(_)) => 1,
        (Tracking::None | Tracking::Lot, _) | (Tracking::Serial, None) => MOST_PIECES,
    };
    if !(0..=most).contains(&quantity) {
        return Err(GoodsError::Quantity);
    }
    let change = quantity - row.line.quantity;
    // A line of which something was booked is part of its history.
    if quantity == 0 && document.bookings == 0 {
        lines::delete(conn, line)?;
    } else {
        resize(conn, document.kind, row.line, quantity)?;
    }
    queries::add_pieces(conn, document.id, (change, 0))?;
    Ok(())
}

/// Moves pieces and keeps that they were moved by this document.
pub(super) fn move_pieces(
    conn: &mut DbConnection,
    document: &DocumentRow,
    line: &LineRow,
    booked: &Booked<'_>,
    by: By,
) -> Result<(), GoodsError> {
    let movement = Movement {
        product: line.product_id,
        location: booked.location,
        lot: booked.lot,
        quantity: booked.quantity,
        reason: booked.reason,
        source: &document.source(':'),
        user: Some(by.user),
    };
    adjust(conn, &movement, by.now)?;
    queries::insert_booked(conn, document.id, booked, by)?;
    Ok(())
}

/// Takes a booking back as long as its pieces are still where it put them. The document goes on from there. What a transfer
/// sent is not taken back but returned.
///
/// # Errors
///
/// `Gone` where the pieces have moved on, `Changed` where it was taken back already.
pub fn undo(conn: &mut DbConnection, named: Named, booking: i64, by: By) -> Result<(), GoodsError> {
    let document = take(
        conn,
        named,
        None,
        &[State::Open, State::Sent, State::Done],
        by.now,
    )?;
    let mut after = (booking, 0);
    let mut pieces = 0_i64;
    loop {
        let rows = queries::list_booked(conn, document.id, Some(booking), after, BATCH)?;
        let Some(last) = rows.last() else { break };
        after.1 = last.id;
        for row in &rows {
            let is_sending = document.kind == Kind::Transfer && row.quantity < 0;
            if row.undone_at.is_some() || is_sending {
                return Err(GoodsError::Changed);
            }
            take_back(conn, &document, row, by)?;
            pieces += row.quantity;
        }
    }
    if after.1 == 0 {
        return Err(GoodsError::NotFound);
    }
    queries::mark_undone(conn, document.id, booking, by.now)?;
    match document.kind {
        Kind::Receipt | Kind::Transfer => {
            queries::add_pieces(conn, document.id, (0, -pieces))?;
            lines::restore_pending(conn, document.id)?;
        }
        Kind::Count => queries::add_pieces(conn, document.id, (-pieces, 0))?,
    }
    queries::mark_reopened(conn, document.id, goes_on_as(&document))?;
    note(conn, &document, audit::Kind::GoodsUndone, pieces, by)
}

fn take_back(
    conn: &mut DbConnection,
    document: &DocumentRow,
    row: &queries::BookedRow,
    by: By,
) -> Result<(), GoodsError> {
    let movement = Movement {
        product: row.product_id,
        location: row.location_id,
        lot: row.lot_id,
        quantity: -row.quantity,
        reason: "taken back",
        source: &document.source(':'),
        user: Some(by.user),
    };
    match adjust(conn, &movement, by.now) {
        Ok(()) => {}
        Err(StockError::NotEnough { on_hand }) => {
            return Err(GoodsError::Gone {
                sku: row.sku.clone(),
                on_hand,
                leaving: row.quantity,
            });
        }
        Err(error) => return Err(error.into()),
    }
    if document.kind == Kind::Count {
        return Ok(());
    }
    let found = lines::list_these(conn, document.id, &[row.line_id])?;
    for mut found in found {
        found.line.done -= row.quantity;
        lines::set_numbers(conn, &found.line)?;
    }
    Ok(())
}

/// What a document is again when its end is taken back.
fn goes_on_as(document: &DocumentRow) -> State {
    if document.sent_at.is_some() {
        State::Sent
    } else {
        State::Open
    }
}

/// Ends a document without booking anything: what has not come of a receipt is expected no longer, what has not arrived of
/// a transfer is lost (say why), what has not begun is cancelled.
///
/// # Errors
///
/// `Changed`; `NoReason` where a transfer under way is to be closed.
pub fn close(
    conn: &mut DbConnection,
    named: Named,
    version: i64,
    reason: &str,
    by: By,
) -> Result<State, GoodsError> {
    let states = [State::Open, State::Sent];
    let document = take(conn, named, Some(version), &states, by.now)?;
    let reason = reason.trim();
    if document.state == State::Sent && reason.is_empty() {
        return Err(GoodsError::NoReason);
    }
    let state = if document.state == State::Sent || document.arrived != 0 {
        State::Done
    } else {
        State::Cancelled
    };
    lines::clear_pending(conn, document.id)?;
    let reason = (!reason.is_empty()).then_some(reason);
    queries::mark_ended(conn, document.id, state, reason, by)?;
    let open = document.pieces - document.arrived;
    note(conn, &document, audit::Kind::GoodsEnded, open, by)?;
    Ok(state)
}

/// Takes the end of a document back: what had not come is expected again. A count that was booked is undone instead.
///
/// # Errors
///
/// `Changed` where it goes on already.
pub fn reopen(conn: &mut DbConnection, named: Named, by: By) -> Result<(), GoodsError> {
    let states: &[State] = match named.0 {
        Kind::Receipt | Kind::Transfer => &[State::Done, State::Cancelled],
        Kind::Count => &[State::Cancelled],
    };
    let document = take(conn, named, None, states, by.now)?;
    let state = goes_on_as(&document);
    let is_expected = document.kind == Kind::Receipt || state == State::Sent;
    if is_expected {
        lines::restore_pending(conn, document.id)?;
    }
    queries::mark_reopened(conn, document.id, state)?;
    note(conn, &document, audit::Kind::GoodsReopened, 0, by)
}

/// Ends a document of which everything has come.
pub(super) fn end_if_complete(
    conn: &mut DbConnection,
    document: StockDocumentId,
    by: By,
) -> Result<(), DbError> {
    if lines::is_pending(conn, document)? {
        return Ok(());
    }
    queries::mark_ended(conn, document, State::Done, None, by)
}

/// Writes into the audit log what was done, of how many pieces.
pub(super) fn note(
    conn: &mut DbConnection,
    document: &DocumentRow,
    kind: audit::Kind,
    pieces: i64,
    by: By,
) -> Result<(), GoodsError> {
    let arguments = json!({ "document": document.name(), "pieces": pieces });
    let subject = document.source('/');
    audit::record(conn, Some(by.user), kind, &subject, &arguments, by.now)?;
    Ok(())
}
