//! Counting: what lies at a location is counted while goods come and go. What was on hand when a number was entered is kept
//! with it, so that booking changes the stock by the difference and a sale meanwhile is not lost.
use super::StockError;
use super::documents::{
    self, Adding, Booked, By, Cell, Fault, GoodsError, Kind, MOST_PIECES, State,
};
use super::lots::LotError;
use super::queries::document_lines::{self as lines, LineRow};
use super::queries::documents::{self as queries, DocumentRow};
use super::queries::{LevelRow, ensure_level, find_level};
use crate::erp::audit;
use crate::erp::products::Tracking;
use crate::erp::products::queries::ProductRow;
use crate::platform::db::DbConnection;
use crate::types::{At, StockDocumentId, StockLineId};

/// Differences that are read at a time.
const BATCH: i64 = 200;

/// What somebody entered for a level.
#[derive(Clone, Copy, Debug)]
pub struct Entered {
    /// The level's id.
    pub level: i64,
    /// The number that the page showed in the field.
    pub shown: Option<i64>,
    /// When that was counted, as the page knew it.
    pub shown_at: Option<At>,
    /// `None`: the field is empty.
    pub counted: Option<i64>,
}

/// Puts an item on the list of what is to be counted: all of it that lies at the location, or the lot that is named, whether
/// anybody expected it or not. Returns the levels.
pub(super) fn expect(
    conn: &mut DbConnection,
    document: &DocumentRow,
    item: &ProductRow,
    adding: &Adding,
    now: At,
) -> Result<Vec<LevelRow>, GoodsError> {
    let location = document.location_id;
    let lot = documents::lot_of(conn, document, item, adding, now)?;
    let mut levels = Vec::new();
    if lot.is_none() {
        levels = queries::hold_levels_at(conn, location, &[item.id])?;
        levels.retain(|level| level.on_hand > 0);
    }
    if levels.is_empty() {
        if lot.is_none() && item.tracking != Tracking::None {
            // Nothing of it lies here: what is found lies in a lot that somebody has to read.
            return Err(LotError::NoCode.into());
        }
        let place = (item.id, location, lot);
        ensure_level(conn, place)?;
        levels.extend(find_level(conn, place)?);
    }
    for level in &levels {
        ensure_line(conn, document.id, level)?;
    }
    Ok(levels)
}

fn ensure_line(
    conn: &mut DbConnection,
    document: StockDocumentId,
    level: &LevelRow,
) -> Result<LineRow, GoodsError> {
    let place = (level.product_id, level.lot_id);
    if let Some(line) = lines::find_place(conn, document, place.0, place.1)? {
        return Ok(line);
    }
    lines::insert(conn, document, place, Some(level.id), (0, 0))?;
    let line = lines::find_place(conn, document, place.0, place.1)?;
    line.ok_or(GoodsError::NotFound)
}

/// Keeps what was counted so far. A field that was not touched changes nothing; returns how many were.
///
/// # Errors
///
/// `Changed` where the count is over; `Faults` for numbers that cannot be, and where somebody else entered another one
/// meanwhile.
pub fn save(
    conn: &mut DbConnection,
    id: StockDocumentId,
    entered: &[Entered],
    by: By,
) -> Result<usize, GoodsError> {
    let document = documents::take(conn, (Kind::Count, id), None, &[State::Open], by.now)?;
    let touched: Vec<&Entered> = entered
        .iter()
        .filter(|one| one.counted != one.shown)
        .collect();
    let ids: Vec<i64> = touched.iter().map(|one| one.level).collect();
    let levels = lines::list_levels(conn, document.location_id, &ids)?;
    let known = lines::list_counted(conn, id, &ids)?;
    let mut faults = Vec::new();
    for one in &touched {
        let Some((level, tracking)) = levels.iter().find(|(level, _)| level.id == one.level) else {
            continue;
        };
        let line = known.iter().find(|line| line.level_id == Some(one.level));
        if let Some(reason) = fault(one, line, *tracking) {
            faults.push(Fault {
                row: one.level,
                cell: Cell::Quantity,
                reason,
            });
            continue;
        }
        let line = ensure_line(conn, id, level)?;
        let counted = one.counted.map(|number| (number, level.on_hand));
        lines::set_counted(conn, line.id, counted, by)?;
    }
    if faults.is_empty() {
        Ok(touched.len())
    } else {
        Err(GoodsError::Faults(faults))
    }
}

fn fault(one: &Entered, line: Option<&LineRow>, tracking: Tracking) -> Option<String> {
    let known_at = line.and_then(|line| line.counted_at);
    if known_at != one.shown_at {
        let number = line.and_then(|line| line.counted);
        return Some(match number {
            Some(number) => format!("Somebody else entered {number} meanwhile"),
            None => "Somebody else took the number away meanwhile".to_owned(),
        });
    }
    match (one.counted, tracking) {
        (Some(number), Tracking::Serial) if number > 1 => {
            Some("A serial number is one piece".to_owned())
        }
        (Some(number), Tracking::None | Tracking::Lot | Tracking::Serial)
            if !(0..=MOST_PIECES).contains(&number) =>
        {
            Some("Enter how many lie there, like 12".to_owned())
        }
        (Some(_) | None, Tracking::None | Tracking::Lot | Tracking::Serial) => None,
    }
}

/// Counts an item by its code, from a file: with its lot, or where it has one level alone.
///
/// # Errors
///
/// Why the item or the lot cannot be counted so.
pub(super) fn count_one(
    conn: &mut DbConnection,
    document: &DocumentRow,
    item: &ProductRow,
    adding: &Adding,
    by: By,
) -> Result<(), GoodsError> {
    let levels = expect(conn, document, item, adding, by.now)?;
    let [level] = levels.as_slice() else {
        return Err(LotError::NoCode.into());
    };
    let most = match (item.tracking, level.lot_id) {
        (Tracking::Serial, Some(_)) => 1,
        (Tracking::None | Tracking::Lot, _) | (Tracking::Serial, None) => MOST_PIECES,
    };
    if !(0..=most).contains(&adding.quantity) {
        return Err(GoodsError::Quantity);
    }
    let line = ensure_line(conn, document.id, level)?;
    let counted = Some((adding.quantity, level.on_hand));
    lines::set_counted(conn, line.id, counted, by)?;
    Ok(())
}

/// Books a count: each level that was counted changes by the difference between what was counted and what was on hand then.
/// What nobody counted stays as it is. Returns by how many pieces the stock has changed.
///
/// # Errors
///
/// `Changed`; `Nothing` where nothing was counted; `Gone` where fewer are left than are missing: that item is to be counted
/// again.
pub fn book(
    conn: &mut DbConnection,
    id: StockDocumentId,
    version: i64,
    by: By,
) -> Result<i64, GoodsError> {
    let named = (Kind::Count, id);
    let document = documents::take(conn, named, Some(version), &[State::Open], by.now)?;
    if lines::count_counted(conn, id)? == 0 {
        return Err(GoodsError::Nothing);
    }
    let booking = queries::next_booking(conn, id)?;
    let (mut after, mut pieces) = (StockLineId(0), 0_i64);
    loop {
        let found = lines::list_different(conn, id, after, BATCH)?;
        let Some(last) = found.last() else { break };
        after = last.line.id;
        for row in &found {
            let (Some(counted), Some(seen)) = (row.line.counted, row.line.seen) else {
                continue;
            };
            let booked = Booked {
                booking,
                line: row.line.id,
                location: document.location_id,
                lot: row.line.lot_id,
                quantity: counted - seen,
                reason: "count",
            };
            match documents::move_pieces(conn, &document, &row.line, &booked, by) {
                Ok(()) => pieces += booked.quantity,
                Err(GoodsError::Stock(StockError::NotEnough { on_hand })) => {
                    return Err(GoodsError::Gone {
                        sku: row.sku.clone(),
                        on_hand,
                        leaving: seen - counted,
                    });
                }
                Err(error) => return Err(error),
            }
        }
    }
    queries::add_pieces(conn, id, (pieces, 0))?;
    queries::mark_ended(conn, id, State::Done, None, by)?;
    documents::note(conn, &document, audit::Kind::GoodsBooked, pieces, by)?;
    Ok(pieces)
}
