//! SQL of `lots` and `lot_uses`.
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use jiff::civil::Date;

use super::LevelRow;
use crate::erp::products::Tracking;
use crate::erp::stock::lots::LotState;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{
    locations, lot_uses, lots, order_lines, orders, products, reservations, stock_levels,
};
use crate::types::{At, LocationId, LotId, OrderId, OrderLineId, ProductId};

/// A lot as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = lots)]
pub struct LotRow {
    pub id: LotId,
    pub product_id: ProductId,
    pub code: String,
    /// `2026-11-30`
    pub best_before: Option<String>,
    pub state: LotState,
    /// Why it is blocked.
    pub note: Option<String>,
    pub created_at: At,
}

impl LotRow {
    /// The last day on which it is good.
    #[must_use]
    pub fn best_before(&self) -> Option<Date> {
        self.best_before.as_deref()?.parse().ok()
    }
}

/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, lot: LotId) -> Result<Option<LotRow>, DbError> {
    Ok(lots::table
        .find(lot)
        .select(LotRow::as_select())
        .first(conn)
        .optional()?)
}

/// A lot of an item by its code as codes are compared.
///
/// # Errors
///
/// The database's.
pub fn find_by_code(
    conn: &mut DbConnection,
    product: ProductId,
    normal: &str,
) -> Result<Option<LotRow>, DbError> {
    Ok(lots::table
        .filter(lots::product_id.eq(product))
        .filter(lots::code_normal.eq(normal))
        .select(LotRow::as_select())
        .first(conn)
        .optional()?)
}

/// Its day, and whether it is barred: what its levels repeat.
pub(super) fn find_facts(
    conn: &mut DbConnection,
    lot: LotId,
) -> Result<Option<(Option<String>, bool)>, DbError> {
    let row = find(conn, lot)?;
    Ok(row.map(|row| (row.best_before, row.state != LotState::Open)))
}

/// Its code, and how the pieces of its item are told apart. Others who ask wait: of two who bring one serial number, one
/// learns of the other.
pub(in crate::erp::stock) fn hold_tracking(
    conn: &mut DbConnection,
    lot: LotId,
) -> Result<Option<(String, Tracking)>, DbError> {
    if let DbConnection::Postgres(conn) = conn {
        let held = lots::table.find(lot).select(lots::id).for_update();
        held.first::<LotId>(conn).optional()?;
    }
    Ok(lots::table
        .inner_join(products::table)
        .filter(lots::id.eq(lot))
        .select((lots::code, products::tracking))
        .first(conn)
        .optional()?)
}

/// How many pieces of it lie anywhere.
pub(in crate::erp::stock) fn count_on_hand(
    conn: &mut DbConnection,
    lot: LotId,
) -> Result<i64, DbError> {
    let levels: Vec<i64> = stock_levels::table
        .filter(stock_levels::lot_id.assume_not_null().eq(lot))
        .filter(stock_levels::lot_id.is_not_null())
        .select(stock_levels::on_hand)
        .load(conn)?;
    Ok(levels.into_iter().sum())
}

#[derive(Insertable)]
#[diesel(table_name = lots)]
pub(in crate::erp::stock) struct NewLot<'a> {
    pub(in crate::erp::stock) product_id: ProductId,
    pub(in crate::erp::stock) code: &'a str,
    pub(in crate::erp::stock) code_normal: &'a str,
    pub(in crate::erp::stock) best_before: Option<String>,
    pub(in crate::erp::stock) state: LotState,
    pub(in crate::erp::stock) created_at: At,
}

/// Makes sure that an item has a lot of this code.
pub(in crate::erp::stock) fn ensure(
    conn: &mut DbConnection,
    lot: &NewLot<'_>,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(lots::table)
        .values(lot)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Notes a day with the lot and with its levels.
pub(in crate::erp::stock) fn set_best_before(
    conn: &mut DbConnection,
    lot: LotId,
    best_before: Option<Date>,
) -> Result<(), DbError> {
    let day = best_before.map(|day| day.to_string());
    diesel::update(lots::table.find(lot))
        .set(lots::best_before.eq(&day))
        .execute(conn)?;
    diesel::update(stock_levels::table.filter(stock_levels::lot_id.eq(Some(lot))))
        .set(stock_levels::expires.eq(&day))
        .execute(conn)?;
    Ok(())
}

pub(in crate::erp::stock) fn set_state(
    conn: &mut DbConnection,
    lot: LotId,
    state: LotState,
    note: Option<&str>,
) -> Result<(), DbError> {
    diesel::update(lots::table.find(lot))
        .set((lots::state.eq(state), lots::note.eq(note)))
        .execute(conn)?;
    Ok(())
}

/// Bars the levels of a lot or opens them; returns them as they are.
pub(in crate::erp::stock) fn set_barred(
    conn: &mut DbConnection,
    lot: LotId,
    barred: bool,
) -> Result<Vec<LevelRow>, DbError> {
    Ok(
        diesel::update(stock_levels::table.filter(stock_levels::lot_id.eq(Some(lot))))
            .set(stock_levels::barred.eq(barred))
            .returning(stock_levels::all_columns)
            .get_results(conn)?,
    )
}

/// Open lots whose day is over.
pub(in crate::erp::stock) fn list_expired(
    conn: &mut DbConnection,
    today: Date,
    limit: i64,
) -> Result<Vec<LotId>, DbError> {
    Ok(lots::table
        .filter(lots::state.eq(LotState::Open))
        .filter(lots::best_before.assume_not_null().lt(today.to_string()))
        .filter(lots::best_before.is_not_null())
        .order((lots::best_before, lots::id))
        .limit(limit)
        .select(lots::id)
        .load(conn)?)
}

pub(in crate::erp::stock) fn insert_use(
    conn: &mut DbConnection,
    (lot, line): (LotId, OrderLineId),
    quantity: i64,
    source: &str,
    now: At,
) -> Result<(), DbError> {
    diesel::insert_into(lot_uses::table)
        .values((
            lot_uses::lot_id.eq(lot),
            lot_uses::order_line_id.eq(line),
            lot_uses::quantity.eq(quantity),
            lot_uses::source.eq(source),
            lot_uses::at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// What a source took has not left after all.
pub(in crate::erp::stock) fn mark_uses_undone(
    conn: &mut DbConnection,
    source: &str,
    now: At,
) -> Result<(), DbError> {
    diesel::update(
        lot_uses::table
            .filter(lot_uses::source.eq(source))
            .filter(lot_uses::undone_at.is_null()),
    )
    .set(lot_uses::undone_at.eq(Some(now)))
    .execute(conn)?;
    Ok(())
}

/// A lot with how much of it lies anywhere.
#[derive(Clone, Debug)]
pub struct LotWithStock {
    pub lot: LotRow,
    pub sku: String,
    pub item: String,
    /// Over all locations.
    pub on_hand: i64,
    pub reserved: i64,
}

/// The lots of an item: those that lie somewhere, first what expires first, then the others, the latest first.
///
/// # Errors
///
/// The database's.
pub fn list_of_product(
    conn: &mut DbConnection,
    product: ProductId,
    limit: i64,
) -> Result<Vec<LotWithStock>, DbError> {
    let lying: Vec<LotId> = stock_levels::table
        .filter(stock_levels::product_id.eq(product))
        .filter(stock_levels::lot_id.is_not_null())
        .filter(stock_levels::on_hand.gt(0))
        .order((
            stock_levels::expires.is_null(),
            stock_levels::expires,
            stock_levels::id,
        ))
        .limit(limit)
        .select(stock_levels::lot_id.assume_not_null())
        .load(conn)?;
    let there: Vec<LotRow> = lots::table
        .filter(lots::id.eq_any(lying.clone()))
        .order((lots::best_before.is_null(), lots::best_before, lots::id))
        .select(LotRow::as_select())
        .load(conn)?;
    let gone: Vec<LotRow> = lots::table
        .filter(lots::product_id.eq(product))
        .filter(lots::id.ne_all(lying))
        .order(lots::id.desc())
        .limit(limit)
        .select(LotRow::as_select())
        .load(conn)?;
    with_stock(conn, there.into_iter().chain(gone).collect())
}

/// A lot with its stock.
///
/// # Errors
///
/// The database's.
pub fn find_with_stock(
    conn: &mut DbConnection,
    lot: LotId,
) -> Result<Option<LotWithStock>, DbError> {
    let rows: Vec<LotRow> = find(conn, lot)?.into_iter().collect();
    Ok(with_stock(conn, rows)?.pop())
}

/// Lots of any item whose code begins so, after one of them; all lots for an empty text.
///
/// # Errors
///
/// The database's.
pub fn list_by_code(
    conn: &mut DbConnection,
    begins: &str,
    state: Option<LotState>,
    after: Option<(&str, LotId)>,
    limit: i64,
) -> Result<Vec<LotWithStock>, DbError> {
    let mut query = lots::table.select(LotRow::as_select()).into_boxed();
    if !begins.is_empty() {
        // The last character there is, so that all that begin so lie before it.
        let end = format!("{begins}\u{10ffff}");
        query = query
            .filter(lots::code_normal.ge(begins.to_owned()))
            .filter(lots::code_normal.lt(end));
    }
    if let Some(state) = state {
        query = query.filter(lots::state.eq(state));
    }
    if let Some((code, id)) = after {
        query = query.filter(
            lots::code_normal
                .gt(code.to_owned())
                .or(lots::code_normal.eq(code.to_owned()).and(lots::id.gt(id))),
        );
    }
    let rows = query
        .order((lots::code_normal, lots::id))
        .limit(limit)
        .load(conn)?;
    with_stock(conn, rows)
}

fn with_stock(conn: &mut DbConnection, rows: Vec<LotRow>) -> Result<Vec<LotWithStock>, DbError> {
    let ids: Vec<LotId> = rows.iter().map(|row| row.id).collect();
    let items: Vec<ProductId> = rows.iter().map(|row| row.product_id).collect();
    let levels: Vec<LevelRow> = stock_levels::table
        .filter(stock_levels::lot_id.is_not_null())
        .filter(stock_levels::lot_id.assume_not_null().eq_any(ids))
        .select(LevelRow::as_select())
        .load(conn)?;
    let names: Vec<(ProductId, String, String)> = products::table
        .filter(products::id.eq_any(items))
        .select((products::id, products::sku, products::name))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|lot| {
            let of_lot = || levels.iter().filter(|level| level.lot_id == Some(lot.id));
            let name = names.iter().find(|(id, _, _)| *id == lot.product_id);
            LotWithStock {
                on_hand: of_lot().map(|level| level.on_hand).sum(),
                reserved: of_lot().map(|level| level.reserved).sum(),
                sku: name.map(|(_, sku, _)| sku.clone()).unwrap_or_default(),
                item: name.map(|(_, _, name)| name.clone()).unwrap_or_default(),
                lot,
            }
        })
        .collect())
}

/// Those of these lots that there are.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, ids: &[LotId]) -> Result<Vec<LotRow>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(lots::table
        .filter(lots::id.eq_any(ids.to_vec()))
        .select(LotRow::as_select())
        .load(conn)?)
}

/// Where a lot lies: location, on hand, reserved.
///
/// # Errors
///
/// The database's.
pub fn list_places(
    conn: &mut DbConnection,
    lot: LotId,
) -> Result<Vec<(LocationId, String, i64, i64)>, DbError> {
    Ok(stock_levels::table
        .inner_join(locations::table)
        .filter(stock_levels::lot_id.eq(Some(lot)))
        .filter(stock_levels::on_hand.gt(0))
        .order(stock_levels::location_id)
        .select((
            stock_levels::location_id,
            locations::name,
            stock_levels::on_hand,
            stock_levels::reserved,
        ))
        .load(conn)?)
}

/// Pieces of a lot that left with a line of an order.
#[derive(Clone, Debug, Queryable)]
pub struct UseRow {
    pub id: i64,
    pub order_id: OrderId,
    pub order_name: String,
    pub customer: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// The line's title.
    pub title: String,
    /// The line's id in the channel.
    pub line_external_id: String,
    pub quantity: i64,
    /// `shipment:4`, `outside:7`.
    pub source: String,
    pub at: At,
}

/// With which orders a lot has left, the latest first.
///
/// # Errors
///
/// The database's.
pub fn list_uses(
    conn: &mut DbConnection,
    lot: LotId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<UseRow>, DbError> {
    Ok(lot_uses::table
        .inner_join(order_lines::table.inner_join(orders::table))
        .filter(lot_uses::lot_id.eq(lot))
        .filter(lot_uses::undone_at.is_null())
        .filter(lot_uses::id.lt(before.unwrap_or(i64::MAX)))
        .order(lot_uses::id.desc())
        .limit(limit)
        .select((
            lot_uses::id,
            orders::id,
            orders::name,
            orders::customer_name,
            orders::email,
            orders::phone,
            order_lines::title,
            order_lines::external_id,
            lot_uses::quantity,
            lot_uses::source,
            lot_uses::at,
        ))
        .load(conn)?)
}

/// How many pieces of a lot have left, and with how many lines of orders.
///
/// # Errors
///
/// The database's.
pub fn count_uses(conn: &mut DbConnection, lot: LotId) -> Result<(i64, i64), DbError> {
    let left = lot_uses::table
        .filter(lot_uses::lot_id.eq(lot))
        .filter(lot_uses::undone_at.is_null());
    // PostgreSQL adds up to a number of any length.
    let pieces = sql::<BigInt>("CAST(coalesce(sum(lot_uses.quantity), 0) AS BIGINT)");
    Ok((
        left.select(pieces).get_result(conn)?,
        left.count().get_result(conn)?,
    ))
}

/// Pieces of a lot that are promised to an order.
#[derive(Clone, Debug, Queryable)]
pub struct PromisedRow {
    pub order_id: OrderId,
    pub order_name: String,
    pub customer: Option<String>,
    pub quantity: i64,
}

/// The orders that pieces of a lot are promised to.
///
/// # Errors
///
/// The database's.
pub fn list_promises(
    conn: &mut DbConnection,
    lot: LotId,
    limit: i64,
) -> Result<Vec<PromisedRow>, DbError> {
    Ok(reservations::table
        .inner_join(order_lines::table.inner_join(orders::table))
        .filter(reservations::lot_id.eq(Some(lot)))
        .filter(reservations::quantity.gt(0))
        .order(orders::id)
        .limit(limit)
        .select((
            orders::id,
            orders::name,
            orders::customer_name,
            reservations::quantity,
        ))
        .load(conn)?)
}

/// Pieces of a lot that left with a line of an order.
#[derive(Clone, Debug, Queryable)]
pub struct LeftRow {
    pub line: OrderLineId,
    pub lot: LotId,
    pub code: String,
    pub quantity: i64,
    /// With what: `shipment:4`.
    pub source: String,
}

/// Which lots have left with an order.
///
/// # Errors
///
/// The database's.
pub fn list_of_order(conn: &mut DbConnection, order: OrderId) -> Result<Vec<LeftRow>, DbError> {
    Ok(lot_uses::table
        .inner_join(order_lines::table)
        .inner_join(lots::table)
        .filter(order_lines::order_id.eq(order))
        .filter(lot_uses::undone_at.is_null())
        .order(lot_uses::id)
        .select((
            lot_uses::order_line_id,
            lot_uses::lot_id,
            lots::code,
            lot_uses::quantity,
            lot_uses::source,
        ))
        .load(conn)?)
}

/// The lots of an item that left with a line.
pub(in crate::erp::stock) fn list_of_line(
    conn: &mut DbConnection,
    line: OrderLineId,
    product: ProductId,
) -> Result<Vec<LotId>, DbError> {
    Ok(lot_uses::table
        .inner_join(lots::table)
        .filter(lot_uses::order_line_id.eq(line))
        .filter(lots::product_id.eq(product))
        .filter(lot_uses::undone_at.is_null())
        .select(lot_uses::lot_id)
        .distinct()
        .load(conn)?)
}
