//! SQL of `stock_documents`, `stock_document_numbers` and `stock_bookings`.
use diesel::prelude::*;
use jiff::civil::Date;

use super::{LevelRow, in_turn};
use crate::erp::stock::documents::{Booked, By, Kind, New, State};
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{
    locations, lots, products, stock_bookings, stock_document_lines, stock_document_numbers,
    stock_documents, stock_levels, users,
};
use crate::types::{At, LocationId, LotId, ProductId, StockDocumentId, StockLineId, UserId};

/// A document as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = stock_documents)]
pub struct DocumentRow {
    pub id: StockDocumentId,
    pub kind: Kind,
    pub number: i64,
    pub state: State,
    /// Where it comes in, leaves or is counted.
    pub location_id: LocationId,
    /// Where a transfer goes.
    pub other_location_id: Option<LocationId>,
    /// The supplier's, of a receipt.
    pub reference: Option<String>,
    /// A day, as `2026-11-30`.
    pub expected_on: Option<String>,
    pub note: Option<String>,
    /// Who counts does not see what is expected.
    pub blind: bool,
    /// All that lies at the location is counted, not only what is named.
    pub whole: bool,
    pub version: i64,
    /// Expected or sent; of a booked count, by how many pieces it changed the stock.
    pub pieces: i64,
    /// Received or returned.
    pub arrived: i64,
    /// The number of its last booking.
    pub bookings: i64,
    pub created_at: At,
    pub created_by: Option<UserId>,
    pub changed_at: At,
    pub sent_at: Option<At>,
    pub ended_at: Option<At>,
    pub ended_by: Option<UserId>,
    pub end_reason: Option<String>,
}

/// The next number of a kind; who asks beside waits for the commit.
pub(in crate::erp::stock) fn next_number(
    conn: &mut DbConnection,
    kind: Kind,
) -> Result<i64, DbError> {
    let row = stock_document_numbers::table.find(kind.as_str());
    Ok(diesel::update(row)
        .set(stock_document_numbers::last.eq(stock_document_numbers::last + 1))
        .returning(stock_document_numbers::last)
        .get_result(conn)?)
}

pub(in crate::erp::stock) fn insert(
    conn: &mut DbConnection,
    new: &New,
    number: i64,
    by: By,
) -> Result<StockDocumentId, DbError> {
    Ok(diesel::insert_into(stock_documents::table)
        .values((
            stock_documents::kind.eq(new.kind),
            stock_documents::number.eq(number),
            stock_documents::location_id.eq(new.location),
            stock_documents::other_location_id.eq(new.other),
            stock_documents::reference.eq(&new.reference),
            stock_documents::expected_on.eq(new.expected_on.map(|day: Date| day.to_string())),
            stock_documents::note.eq(&new.note),
            stock_documents::blind.eq(new.blind),
            stock_documents::whole.eq(new.whole),
            stock_documents::created_at.eq(by.now),
            stock_documents::created_by.eq(by.user),
            stock_documents::changed_at.eq(by.now),
        ))
        .returning(stock_documents::id)
        .get_result(conn)?)
}

/// Takes a document for a change: who comes beside waits. `None` where it is in no such state, or another version than
/// was seen.
pub(in crate::erp::stock) fn claim(
    conn: &mut DbConnection,
    (kind, id): (Kind, StockDocumentId),
    version: Option<i64>,
    states: &[State],
    now: At,
) -> Result<Option<DocumentRow>, DbError> {
    let (from, to) = version.map_or((0, i64::MAX), |version| (version, version));
    let rows = stock_documents::table
        .find(id)
        .filter(stock_documents::kind.eq(kind))
        .filter(stock_documents::version.between(from, to))
        .filter(stock_documents::state.eq_any(states.to_vec()));
    Ok(diesel::update(rows)
        .set((
            stock_documents::version.eq(stock_documents::version + 1),
            stock_documents::changed_at.eq(now),
        ))
        .returning(stock_documents::all_columns)
        .get_result(conn)
        .optional()?)
}

/// # Errors
///
/// The database's.
pub fn find(
    conn: &mut DbConnection,
    kind: Kind,
    id: StockDocumentId,
) -> Result<Option<DocumentRow>, DbError> {
    Ok(stock_documents::table
        .find(id)
        .filter(stock_documents::kind.eq(kind))
        .select(DocumentRow::as_select())
        .first(conn)
        .optional()?)
}

/// Documents of a kind before an id, the newest first.
///
/// # Errors
///
/// The database's.
pub fn list(
    conn: &mut DbConnection,
    kind: Kind,
    states: &[State],
    before: Option<StockDocumentId>,
    limit: i64,
) -> Result<Vec<DocumentRow>, DbError> {
    Ok(stock_documents::table
        .filter(stock_documents::kind.eq(kind))
        .filter(stock_documents::state.eq_any(states.to_vec()))
        .filter(stock_documents::id.lt(before.unwrap_or(StockDocumentId(i64::MAX))))
        .order(stock_documents::id.desc())
        .limit(limit)
        .select(DocumentRow::as_select())
        .load(conn)?)
}

/// Counts pieces in, or out again.
pub(in crate::erp::stock) fn add_pieces(
    conn: &mut DbConnection,
    id: StockDocumentId,
    (pieces, arrived): (i64, i64),
) -> Result<(), DbError> {
    diesel::update(stock_documents::table.find(id))
        .set((
            stock_documents::pieces.eq(stock_documents::pieces + pieces),
            stock_documents::arrived.eq(stock_documents::arrived + arrived),
        ))
        .execute(conn)?;
    Ok(())
}

/// Numbers a booking.
pub(in crate::erp::stock) fn next_booking(
    conn: &mut DbConnection,
    id: StockDocumentId,
) -> Result<i64, DbError> {
    Ok(diesel::update(stock_documents::table.find(id))
        .set(stock_documents::bookings.eq(stock_documents::bookings + 1))
        .returning(stock_documents::bookings)
        .get_result(conn)?)
}

/// Notes that a transfer has left.
pub(in crate::erp::stock) fn mark_sent(
    conn: &mut DbConnection,
    id: StockDocumentId,
    now: At,
) -> Result<(), DbError> {
    diesel::update(stock_documents::table.find(id))
        .set((
            stock_documents::state.eq(State::Sent),
            stock_documents::sent_at.eq(Some(now)),
        ))
        .execute(conn)?;
    Ok(())
}

pub(in crate::erp::stock) fn mark_ended(
    conn: &mut DbConnection,
    id: StockDocumentId,
    state: State,
    reason: Option<&str>,
    by: By,
) -> Result<(), DbError> {
    diesel::update(stock_documents::table.find(id))
        .set((
            stock_documents::state.eq(state),
            stock_documents::ended_at.eq(Some(by.now)),
            stock_documents::ended_by.eq(Some(by.user)),
            stock_documents::end_reason.eq(reason),
        ))
        .execute(conn)?;
    Ok(())
}

pub(in crate::erp::stock) fn mark_reopened(
    conn: &mut DbConnection,
    id: StockDocumentId,
    state: State,
) -> Result<(), DbError> {
    diesel::update(stock_documents::table.find(id))
        .set((
            stock_documents::state.eq(state),
            stock_documents::ended_at.eq(None::<At>),
            stock_documents::ended_by.eq(None::<UserId>),
            stock_documents::end_reason.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}

pub(in crate::erp::stock) fn insert_booked(
    conn: &mut DbConnection,
    document: StockDocumentId,
    booked: &Booked<'_>,
    by: By,
) -> Result<(), DbError> {
    diesel::insert_into(stock_bookings::table)
        .values((
            stock_bookings::document_id.eq(document),
            stock_bookings::booking.eq(booked.booking),
            stock_bookings::line_id.eq(booked.line),
            stock_bookings::location_id.eq(booked.location),
            stock_bookings::lot_id.eq(booked.lot),
            stock_bookings::quantity.eq(booked.quantity),
            stock_bookings::reason.eq(booked.reason),
            stock_bookings::at.eq(by.now),
            stock_bookings::user_id.eq(by.user),
        ))
        .execute(conn)?;
    Ok(())
}

/// What was booked of a line.
#[derive(Clone, Debug, Queryable)]
pub struct BookedRow {
    pub id: i64,
    pub booking: i64,
    pub line_id: StockLineId,
    pub product_id: ProductId,
    pub location_id: LocationId,
    pub lot_id: Option<LotId>,
    /// Pieces: plus arrived, minus left.
    pub quantity: i64,
    pub reason: String,
    pub at: At,
    pub undone_at: Option<At>,
    pub sku: String,
    pub item: String,
    pub location: String,
    /// The code of the lot.
    pub lot: Option<String>,
    pub user_name: Option<String>,
}

/// What was booked of a document after a row, booking by booking; with `booking` of that one alone.
///
/// # Errors
///
/// The database's.
pub fn list_booked(
    conn: &mut DbConnection,
    document: StockDocumentId,
    booking: Option<i64>,
    after: (i64, i64),
    limit: i64,
) -> Result<Vec<BookedRow>, DbError> {
    let (first, last) = booking.map_or((after.0, i64::MAX), |one| (one, one));
    Ok(stock_bookings::table
        .inner_join(stock_document_lines::table.inner_join(products::table))
        .inner_join(locations::table.on(locations::id.eq(stock_bookings::location_id)))
        .left_join(lots::table.on(lots::id.nullable().eq(stock_bookings::lot_id)))
        .left_join(users::table.on(users::id.nullable().eq(stock_bookings::user_id)))
        .filter(stock_bookings::document_id.eq(document))
        .filter(stock_bookings::booking.between(first, last))
        .filter(
            stock_bookings::booking
                .gt(after.0)
                .or(stock_bookings::id.gt(after.1)),
        )
        .order((stock_bookings::booking, stock_bookings::id))
        .limit(limit)
        .select((
            stock_bookings::id,
            stock_bookings::booking,
            stock_bookings::line_id,
            products::id,
            stock_bookings::location_id,
            stock_bookings::lot_id,
            stock_bookings::quantity,
            stock_bookings::reason,
            stock_bookings::at,
            stock_bookings::undone_at,
            products::sku,
            products::name,
            locations::name,
            lots::code.nullable(),
            users::name.nullable(),
        ))
        .load(conn)?)
}

pub(in crate::erp::stock) fn mark_undone(
    conn: &mut DbConnection,
    document: StockDocumentId,
    booking: i64,
    now: At,
) -> Result<(), DbError> {
    let rows = stock_bookings::table
        .filter(stock_bookings::document_id.eq(document))
        .filter(stock_bookings::booking.eq(booking));
    diesel::update(rows)
        .set(stock_bookings::undone_at.eq(Some(now)))
        .execute(conn)?;
    Ok(())
}

/// What lies of some products at one location, whether it is in use or closed: first what expires first. Others wait who
/// would take from it.
pub(in crate::erp::stock) fn hold_levels_at(
    conn: &mut DbConnection,
    location: LocationId,
    products: &[ProductId],
) -> Result<Vec<LevelRow>, DbError> {
    // Held in the order of their ids, as everybody does who takes several.
    if let DbConnection::Postgres(conn) = &mut *conn {
        let held = stock_levels::table
            .filter(stock_levels::product_id.eq_any(products))
            .filter(stock_levels::location_id.eq(location))
            .order(stock_levels::id)
            .select(stock_levels::id)
            .for_update();
        held.load::<i64>(conn)?;
    }
    let mut levels: Vec<LevelRow> = stock_levels::table
        .filter(stock_levels::product_id.eq_any(products.to_vec()))
        .filter(stock_levels::location_id.eq(location))
        .select(LevelRow::as_select())
        .load(conn)?;
    in_turn(&mut levels);
    Ok(levels)
}
