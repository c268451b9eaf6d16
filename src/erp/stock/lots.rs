//! Lots and serial numbers: named when goods come in, barred when they must not leave, looked up when they are called
//! back. A serial number is a lot of one piece.
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::queries::lots::{self as queries, LotRow};
use super::{Movement, StockError, adjust, take_back};
use crate::erp::events::{self, StockChanged};
use crate::erp::products::Tracking;
use crate::erp::products::queries as product_rows;
use crate::erp::{audit, orders, setup};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, LocationId, LotId, ProductId, UserId};

/// Characters a lot's code may have.
const LONGEST_CODE: usize = 100;
/// Lots that expire in one transaction.
const BATCH: i64 = 50;

crate::text_enum! {
    /// Whether a lot may leave.
    LotState {
        Open = "open",
        /// By a person, with a reason.
        Blocked = "blocked",
        /// Its best-before day is over.
        Expired = "expired",
    }
}

/// Why a lot cannot be named or changed.
#[derive(Debug, thiserror::Error)]
pub enum LotError {
    #[error("enter the lot")]
    NoCode,
    #[error("a lot has at most 100 characters")]
    LongCode,
    #[error("lot {code} is best before {best_before} already")]
    OtherDate { code: String, best_before: Date },
    #[error("this item has no lots")]
    NotTracked,
    #[error("say why the lot must not leave")]
    NoReason,
    #[error("there is no such lot")]
    NotFound,
    #[error(transparent)]
    Stock(#[from] StockError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A lot's code as it is compared: in small letters, without spaces around it.
#[must_use]
pub fn normal(code: &str) -> String {
    code.trim().to_lowercase()
}

/// The lot of an item that has this code, made where there is none yet; a day that was not known is noted.
///
/// # Errors
///
/// `NoCode`, `LongCode`, `NotTracked`; `OtherDate` where the lot is known with another best-before day.
pub fn name(
    conn: &mut DbConnection,
    product: ProductId,
    code: &str,
    best_before: Option<Date>,
    now: At,
) -> Result<LotId, LotError> {
    let code = code.trim();
    if code.is_empty() {
        return Err(LotError::NoCode);
    }
    if code.chars().count() > LONGEST_CODE {
        return Err(LotError::LongCode);
    }
    let item = product_rows::find(conn, product)?.ok_or(LotError::NotFound)?;
    if item.tracking == Tracking::None {
        return Err(LotError::NotTracked);
    }
    let state = match best_before {
        Some(day) if day < today(conn, now)? => LotState::Expired,
        Some(_) | None => LotState::Open,
    };
    let new = queries::NewLot {
        product_id: product,
        code,
        code_normal: &normal(code),
        best_before: best_before.map(|day| day.to_string()),
        state,
        created_at: now,
    };
    queries::ensure(conn, &new)?;
    let lot = queries::find_by_code(conn, product, &normal(code))?.ok_or(LotError::NotFound)?;
    match (lot.best_before(), best_before) {
        (Some(known), Some(day)) if known != day => Err(LotError::OtherDate {
            code: lot.code,
            best_before: known,
        }),
        (None, Some(day)) => {
            queries::set_best_before(conn, lot.id, Some(day))?;
            if lot.state == LotState::Open && day < today(conn, now)? {
                queries::set_state(conn, lot.id, LotState::Expired, None)?;
                bar(conn, lot.id, now)?;
            }
            Ok(lot.id)
        }
        (None | Some(_), _) => Ok(lot.id),
    }
}

/// Names the lot of pieces that lie in none.
///
/// # Errors
///
/// `Stock` where fewer lie there, or a serial number is in stock already.
pub fn name_pieces(
    conn: &mut DbConnection,
    (product, location): (ProductId, LocationId),
    lot: LotId,
    quantity: i64,
    user: UserId,
    now: At,
) -> Result<(), LotError> {
    let movement = Movement {
        product,
        location,
        lot: None,
        quantity: -quantity,
        reason: "lot named",
        source: "person",
        user: Some(user),
    };
    adjust(conn, &movement, now)?;
    let into = Movement {
        lot: Some(lot),
        quantity,
        ..movement
    };
    adjust(conn, &into, now)?;
    Ok(())
}

/// Bars a lot: nothing of it is promised or leaves with an order until it is released. What was promised of it goes to
/// other lots where there are any.
///
/// # Errors
///
/// `NoReason`, `NotFound`.
pub fn block(
    conn: &mut DbConnection,
    lot: LotId,
    reason: &str,
    user: Option<UserId>,
    now: At,
) -> Result<(), LotError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(LotError::NoReason);
    }
    let row = queries::find(conn, lot)?.ok_or(LotError::NotFound)?;
    note(conn, &row, audit::Kind::LotBlocked, user, now)?;
    queries::set_state(conn, lot, LotState::Blocked, Some(reason))?;
    bar(conn, lot, now)
}

/// Lets a blocked lot leave again, unless its best-before day is over.
///
/// # Errors
///
/// `NotFound`.
pub fn release(
    conn: &mut DbConnection,
    lot: LotId,
    user: Option<UserId>,
    now: At,
) -> Result<(), LotError> {
    let row = queries::find(conn, lot)?.ok_or(LotError::NotFound)?;
    note(conn, &row, audit::Kind::LotReleased, user, now)?;
    settle_state(conn, &row, now)
}

/// Corrects a lot's best-before day; a lot that was expired by mistake may leave again, one that is over is barred.
///
/// # Errors
///
/// `NotFound`.
pub fn correct_date(
    conn: &mut DbConnection,
    lot: LotId,
    best_before: Option<Date>,
    user: Option<UserId>,
    now: At,
) -> Result<(), LotError> {
    queries::set_best_before(conn, lot, best_before)?;
    let row = queries::find(conn, lot)?.ok_or(LotError::NotFound)?;
    note(conn, &row, audit::Kind::LotDated, user, now)?;
    match row.state {
        LotState::Blocked => Ok(()),
        LotState::Open | LotState::Expired => settle_state(conn, &row, now),
    }
}

/// Bars the lots whose best-before day is over, some at a time; returns how many.
///
/// # Errors
///
/// The database's.
pub fn expire(conn: &mut DbConnection, now: At) -> Result<usize, LotError> {
    let today = today(conn, now)?;
    let due = queries::list_expired(conn, today, BATCH)?;
    for lot in &due {
        queries::set_state(conn, *lot, LotState::Expired, None)?;
        bar(conn, *lot, now)?;
    }
    Ok(due.len())
}

/// Sees to it that there is one piece of a serial number, at one place, when so many more arrive.
pub(super) fn check_single(
    conn: &mut DbConnection,
    lot: LotId,
    arriving: i64,
) -> Result<(), StockError> {
    if let Some((code, Tracking::Serial)) = queries::hold_tracking(conn, lot)?
        && queries::count_on_hand(conn, lot)?.saturating_add(arriving) > 1
    {
        return Err(StockError::SerialTwice(code));
    }
    Ok(())
}

fn note(
    conn: &mut DbConnection,
    row: &LotRow,
    kind: audit::Kind,
    user: Option<UserId>,
    now: At,
) -> Result<(), DbError> {
    let arguments = json!({ "code": row.code, "best_before": row.best_before });
    let subject = format!("lot/{}", row.id);
    audit::record(conn, user, kind, &subject, &arguments, now)
}

/// The day in the company's time zone: a lot is good through its last day.
fn today(conn: &mut DbConnection, now: At) -> Result<Date, DbError> {
    let name = setup::queries::find_time_zone(conn)?.unwrap_or_default();
    let zone = TimeZone::get(&name).unwrap_or(TimeZone::UTC);
    Ok(now.timestamp().to_zoned(zone).date())
}

fn settle_state(conn: &mut DbConnection, row: &LotRow, now: At) -> Result<(), LotError> {
    let today = today(conn, now)?;
    if row.best_before().is_some_and(|day| day < today) {
        queries::set_state(conn, row.id, LotState::Expired, None)?;
        return bar(conn, row.id, now);
    }
    queries::set_state(conn, row.id, LotState::Open, None)?;
    let levels = queries::set_barred(conn, row.id, false)?;
    tell(conn, &levels, now)?;
    orders::offer(conn, &[row.product_id], None, now)?;
    Ok(())
}

fn bar(conn: &mut DbConnection, lot: LotId, now: At) -> Result<(), LotError> {
    let levels = queries::set_barred(conn, lot, true)?;
    tell(conn, &levels, now)?;
    for level in levels.iter().filter(|level| level.reserved > 0) {
        take_back(conn, level, now)?;
    }
    Ok(())
}

// Another number may be offered, though nothing has moved.
fn tell(
    conn: &mut DbConnection,
    levels: &[super::queries::LevelRow],
    now: At,
) -> Result<(), DbError> {
    let changes: Vec<StockChanged> = levels
        .iter()
        .map(|level| super::reserve::promised(level.product_id, level.location_id))
        .collect();
    events::record_stock(conn, &changes, now)
}
