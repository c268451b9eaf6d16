//! SQL of `returns`, `return_lines` and `return_dispositions`.
use std::collections::BTreeSet;

use diesel::prelude::*;

use super::{DispositionKind, IncomingReturn, IncomingReturnLine, LineKind, ReturnStatus};
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{locations, order_lines, return_dispositions, return_lines, returns};
use crate::types::{At, LocationId, OrderId, OrderLineId, ReturnId};

/// A return as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = returns)]
pub struct ReturnRow {
    pub id: ReturnId,
    pub public_id: String,
    pub external_id: String,
    pub name: String,
    pub status: ReturnStatus,
    pub decline_reason: Option<String>,
    pub decline_note: Option<String>,
    pub made_at: At,
    pub closed_at: Option<At>,
}

/// Pieces that come back, or are sent in their place.
#[derive(Clone, Debug, Queryable)]
pub struct LineRow {
    pub return_id: ReturnId,
    pub external_id: String,
    pub kind: LineKind,
    pub order_line_id: Option<OrderLineId>,
    pub line_external_id: String,
    pub title: Option<String>,
    pub variant_title: Option<String>,
    pub quantity: i64,
    pub processed_quantity: i64,
    pub refunded_quantity: i64,
    pub reason: Option<String>,
    pub note: Option<String>,
}

/// What was done with pieces that came back.
#[derive(Clone, Debug, Queryable)]
pub struct DispositionRow {
    pub return_id: ReturnId,
    pub order_line_id: Option<OrderLineId>,
    pub kind: DispositionKind,
    pub quantity: i64,
    pub location: Option<String>,
    pub restocked_quantity: i64,
}

#[derive(Insertable)]
#[diesel(table_name = return_lines, treat_none_as_default_value = false)]
pub(super) struct NewLine<'a> {
    pub(super) return_id: ReturnId,
    pub(super) external_id: &'a str,
    pub(super) kind: LineKind,
    pub(super) order_line_id: Option<OrderLineId>,
    pub(super) line_external_id: &'a str,
    pub(super) quantity: i64,
    pub(super) processed_quantity: i64,
    pub(super) refunded_quantity: i64,
    pub(super) reason: Option<&'a str>,
    pub(super) note: Option<&'a str>,
}

#[derive(Insertable)]
#[diesel(table_name = return_dispositions, treat_none_as_default_value = false)]
pub(super) struct NewDisposition<'a> {
    pub(super) return_id: ReturnId,
    pub(super) external_id: &'a str,
    pub(super) order_line_id: Option<OrderLineId>,
    pub(super) kind: DispositionKind,
    pub(super) quantity: i64,
    pub(super) location_id: Option<LocationId>,
    pub(super) restocked_quantity: i64,
}

pub(super) fn find(
    conn: &mut DbConnection,
    order: OrderId,
    external_id: &str,
) -> Result<Option<ReturnRow>, DbError> {
    Ok(returns::table
        .filter(returns::order_id.eq(order))
        .filter(returns::external_id.eq(external_id))
        .select(ReturnRow::as_select())
        .first(conn)
        .optional()?)
}

pub(super) fn insert(
    conn: &mut DbConnection,
    order: OrderId,
    public_id: &str,
    incoming: &IncomingReturn,
    now: At,
) -> Result<ReturnId, DbError> {
    Ok(diesel::insert_into(returns::table)
        .values((
            returns::public_id.eq(public_id),
            returns::order_id.eq(order),
            returns::external_id.eq(&incoming.external_id),
            returns::name.eq(&incoming.name),
            returns::status.eq(incoming.status),
            returns::decline_reason.eq(incoming.decline_reason.as_deref()),
            returns::decline_note.eq(incoming.decline_note.as_deref()),
            returns::made_at.eq(incoming.made_at),
            returns::closed_at.eq(incoming.closed_at),
            returns::changed_at.eq(now),
        ))
        .returning(returns::id)
        .get_result(conn)?)
}

pub(super) fn update(
    conn: &mut DbConnection,
    id: ReturnId,
    incoming: &IncomingReturn,
    now: At,
) -> Result<(), DbError> {
    diesel::update(returns::table.find(id))
        .set((
            returns::status.eq(incoming.status),
            returns::decline_reason.eq(incoming.decline_reason.as_deref()),
            returns::decline_note.eq(incoming.decline_note.as_deref()),
            returns::closed_at.eq(incoming.closed_at),
            returns::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Id, the channel's id and the order line's of each line.
pub(super) fn list_line_ids(
    conn: &mut DbConnection,
    id: ReturnId,
) -> Result<Vec<(i64, String, String)>, DbError> {
    Ok(return_lines::table
        .filter(return_lines::return_id.eq(id))
        .select((
            return_lines::id,
            return_lines::external_id,
            return_lines::line_external_id,
        ))
        .load(conn)?)
}

pub(super) fn insert_line(conn: &mut DbConnection, new: &NewLine<'_>) -> Result<(), DbError> {
    diesel::insert_into(return_lines::table)
        .values(new)
        .execute(conn)?;
    Ok(())
}

pub(super) fn update_line(
    conn: &mut DbConnection,
    id: i64,
    line: &IncomingReturnLine,
) -> Result<(), DbError> {
    diesel::update(return_lines::table.find(id))
        .set((
            return_lines::quantity.eq(line.quantity),
            return_lines::processed_quantity.eq(line.processed),
            return_lines::refunded_quantity.eq(line.refunded),
            return_lines::reason.eq(line.reason.as_deref()),
            return_lines::note.eq(line.note.as_deref()),
        ))
        .execute(conn)?;
    Ok(())
}

pub(super) fn list_disposition_ids(
    conn: &mut DbConnection,
    id: ReturnId,
) -> Result<BTreeSet<String>, DbError> {
    let ids: Vec<String> = return_dispositions::table
        .filter(return_dispositions::return_id.eq(id))
        .select(return_dispositions::external_id)
        .load(conn)?;
    Ok(ids.into_iter().collect())
}

pub(super) fn insert_disposition(
    conn: &mut DbConnection,
    new: &NewDisposition<'_>,
) -> Result<(), DbError> {
    diesel::insert_into(return_dispositions::table)
        .values(new)
        .execute(conn)?;
    Ok(())
}

/// Pieces on our shelves again, one row a disposition.
pub(super) fn list_restocked(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Vec<(OrderLineId, i64)>, DbError> {
    Ok(return_dispositions::table
        .inner_join(order_lines::table)
        .filter(order_lines::order_id.eq(order))
        .filter(return_dispositions::restocked_quantity.gt(0))
        .select((order_lines::id, return_dispositions::restocked_quantity))
        .load(conn)?)
}

/// Pieces that came back by returns that stand, one row a line.
pub(super) fn list_processed(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Vec<(OrderLineId, i64)>, DbError> {
    Ok(return_lines::table
        .inner_join(returns::table)
        .inner_join(order_lines::table)
        .filter(returns::order_id.eq(order))
        .filter(returns::status.ne_all([ReturnStatus::Declined, ReturnStatus::Cancelled]))
        .filter(return_lines::kind.eq(LineKind::Return))
        .filter(return_lines::processed_quantity.gt(0))
        .select((order_lines::id, return_lines::processed_quantity))
        .load(conn)?)
}

pub(super) fn set_back(
    conn: &mut DbConnection,
    line: OrderLineId,
    back: i64,
) -> Result<(), DbError> {
    diesel::update(order_lines::table.find(line))
        .set(order_lines::back_quantity.eq(back))
        .execute(conn)?;
    Ok(())
}

/// The order lines, by the channel's id, that are sent in place of what comes back.
///
/// # Errors
///
/// The database's.
pub fn list_exchange_lines(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<BTreeSet<String>, DbError> {
    let lines: Vec<String> = return_lines::table
        .inner_join(returns::table)
        .filter(returns::order_id.eq(order))
        .filter(return_lines::kind.eq(LineKind::Exchange))
        .select(return_lines::line_external_id)
        .load(conn)?;
    Ok(lines.into_iter().collect())
}

/// The returns of an order, oldest first.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, order: OrderId) -> Result<Vec<ReturnRow>, DbError> {
    Ok(returns::table
        .filter(returns::order_id.eq(order))
        .order(returns::id.asc())
        .select(ReturnRow::as_select())
        .load(conn)?)
}

/// The lines of these returns.
///
/// # Errors
///
/// The database's.
pub fn list_lines(conn: &mut DbConnection, of: &[ReturnId]) -> Result<Vec<LineRow>, DbError> {
    Ok(return_lines::table
        .left_join(order_lines::table)
        .filter(return_lines::return_id.eq_any(of.to_vec()))
        .order(return_lines::id.asc())
        .select((
            return_lines::return_id,
            return_lines::external_id,
            return_lines::kind,
            return_lines::order_line_id,
            return_lines::line_external_id,
            order_lines::title.nullable(),
            order_lines::variant_title.nullable(),
            return_lines::quantity,
            return_lines::processed_quantity,
            return_lines::refunded_quantity,
            return_lines::reason,
            return_lines::note,
        ))
        .load(conn)?)
}

/// What was done with the goods of these returns.
///
/// # Errors
///
/// The database's.
pub fn list_dispositions(
    conn: &mut DbConnection,
    of: &[ReturnId],
) -> Result<Vec<DispositionRow>, DbError> {
    Ok(return_dispositions::table
        .left_join(
            locations::table.on(return_dispositions::location_id.eq(locations::id.nullable())),
        )
        .filter(return_dispositions::return_id.eq_any(of.to_vec()))
        .order(return_dispositions::id.asc())
        .select((
            return_dispositions::return_id,
            return_dispositions::order_line_id,
            return_dispositions::kind,
            return_dispositions::quantity,
            locations::name.nullable(),
            return_dispositions::restocked_quantity,
        ))
        .load(conn)?)
}
