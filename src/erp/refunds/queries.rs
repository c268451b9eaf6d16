//! SQL of `refunds`, `refund_lines`, `refund_charges` and `refund_transactions`.
use diesel::prelude::*;

use super::{
    ChargeKind, IncomingRefund, IncomingRefundCharge, IncomingRefundTransaction, Restock,
    TransactionState,
};
use crate::insert_rows;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{
    locations, order_lines, refund_charges, refund_lines, refund_transactions, refunds,
};
use crate::types::{At, Currency, LocationId, OrderId, OrderLineId, RefundId};

/// A refund as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = refunds)]
pub struct RefundRow {
    pub id: RefundId,
    pub public_id: String,
    pub external_id: String,
    pub return_external_id: Option<String>,
    pub currency: Currency,
    pub presentment_currency: Currency,
    pub made_at: At,
    pub made_by: Option<String>,
    pub note: Option<String>,
    pub received_at: At,
}

/// Pieces of a line that were given back.
#[derive(Clone, Debug, Queryable)]
pub struct LineRow {
    pub refund_id: RefundId,
    pub order_line_id: Option<OrderLineId>,
    pub line_external_id: String,
    /// Title and variant of the order line, where it is known.
    pub title: Option<String>,
    pub variant_title: Option<String>,
    pub quantity: i64,
    pub restock: Restock,
    pub location: Option<String>,
    pub restocked_quantity: i64,
    pub subtotal_minor: i64,
    pub tax_minor: i64,
    pub presentment_subtotal_minor: i64,
    pub presentment_tax_minor: i64,
}

/// Shipping, an adjustment, a duty or a fee that was given back.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = refund_charges)]
pub struct ChargeRow {
    pub refund_id: RefundId,
    pub kind: ChargeKind,
    pub title: String,
    pub amount_minor: i64,
    pub tax_minor: i64,
    pub presentment_amount_minor: i64,
    pub presentment_tax_minor: i64,
}

/// Money on its way back.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = refund_transactions)]
pub struct TransactionRow {
    pub id: i64,
    pub refund_id: RefundId,
    pub external_id: String,
    pub gateway: String,
    pub state: TransactionState,
    pub amount_minor: i64,
    pub currency: Currency,
    pub processed_at: Option<At>,
}

#[derive(Insertable)]
#[diesel(table_name = refund_lines, treat_none_as_default_value = false)]
pub(super) struct NewLine<'a> {
    pub(super) refund_id: RefundId,
    pub(super) external_id: &'a str,
    pub(super) order_line_id: Option<OrderLineId>,
    pub(super) line_external_id: &'a str,
    pub(super) quantity: i64,
    pub(super) restock: Restock,
    pub(super) location_external_id: Option<&'a str>,
    pub(super) location_id: Option<LocationId>,
    pub(super) restocked_quantity: i64,
    pub(super) subtotal_minor: i64,
    pub(super) tax_minor: i64,
    pub(super) presentment_subtotal_minor: i64,
    pub(super) presentment_tax_minor: i64,
}

#[derive(Insertable)]
#[diesel(table_name = refund_charges, treat_none_as_default_value = false)]
pub(super) struct NewCharge<'a> {
    refund_id: RefundId,
    kind: ChargeKind,
    external_id: &'a str,
    title: &'a str,
    amount_minor: i64,
    tax_minor: i64,
    presentment_amount_minor: i64,
    presentment_tax_minor: i64,
}

impl<'a> NewCharge<'a> {
    pub(super) fn of(refund: RefundId, charge: &'a IncomingRefundCharge) -> NewCharge<'a> {
        NewCharge {
            refund_id: refund,
            kind: charge.kind,
            external_id: &charge.external_id,
            title: &charge.title,
            amount_minor: charge.amount.shop,
            tax_minor: charge.tax.shop,
            presentment_amount_minor: charge.amount.presentment,
            presentment_tax_minor: charge.tax.presentment,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = refund_transactions, treat_none_as_default_value = false)]
pub(super) struct NewTransaction<'a> {
    refund_id: RefundId,
    external_id: &'a str,
    parent_external_id: Option<&'a str>,
    gateway: &'a str,
    state: TransactionState,
    amount_minor: i64,
    currency: Currency,
    processed_at: Option<At>,
}

impl<'a> NewTransaction<'a> {
    pub(super) fn of(refund: RefundId, one: &'a IncomingRefundTransaction) -> NewTransaction<'a> {
        NewTransaction {
            refund_id: refund,
            external_id: &one.external_id,
            parent_external_id: one.parent_external_id.as_deref(),
            gateway: &one.gateway,
            state: one.state,
            amount_minor: one.amount,
            currency: one.currency,
            processed_at: one.processed_at,
        }
    }
}

/// The refunds of an order that stand already, by the channel's id.
pub(super) fn list_known(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Vec<(String, RefundId)>, DbError> {
    Ok(refunds::table
        .filter(refunds::order_id.eq(order))
        .select((refunds::external_id, refunds::id))
        .load(conn)?)
}

pub(super) fn insert(
    conn: &mut DbConnection,
    order: OrderId,
    public_id: &str,
    refund: &IncomingRefund,
    now: At,
) -> Result<RefundId, DbError> {
    Ok(diesel::insert_into(refunds::table)
        .values((
            refunds::public_id.eq(public_id),
            refunds::order_id.eq(order),
            refunds::external_id.eq(&refund.external_id),
            refunds::return_external_id.eq(refund.return_external_id.as_deref()),
            refunds::currency.eq(refund.currency),
            refunds::presentment_currency.eq(refund.presentment_currency),
            refunds::made_at.eq(refund.made_at),
            refunds::made_by.eq(refund.made_by.as_deref()),
            refunds::note.eq(refund.note.as_deref()),
            refunds::received_at.eq(now),
        ))
        .returning(refunds::id)
        .get_result(conn)?)
}

pub(super) fn insert_lines(conn: &mut DbConnection, rows: &[NewLine<'_>]) -> Result<(), DbError> {
    if !rows.is_empty() {
        insert_rows!(conn, refund_lines::table, rows)?;
    }
    Ok(())
}

pub(super) fn insert_charges(
    conn: &mut DbConnection,
    rows: &[NewCharge<'_>],
) -> Result<(), DbError> {
    if !rows.is_empty() {
        insert_rows!(conn, refund_charges::table, rows)?;
    }
    Ok(())
}

pub(super) fn insert_transactions(
    conn: &mut DbConnection,
    rows: &[NewTransaction<'_>],
) -> Result<(), DbError> {
    if !rows.is_empty() {
        insert_rows!(conn, refund_transactions::table, rows)?;
    }
    Ok(())
}

pub(super) fn set_transaction(
    conn: &mut DbConnection,
    id: i64,
    state: TransactionState,
    processed_at: Option<At>,
) -> Result<(), DbError> {
    diesel::update(refund_transactions::table.find(id))
        .set((
            refund_transactions::state.eq(state),
            refund_transactions::processed_at.eq(processed_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// How many pieces of each line lie on our shelves again, by refunds.
pub(in crate::erp) fn list_restocked(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Vec<(OrderLineId, i64)>, DbError> {
    let rows: Vec<(OrderLineId, i64)> = refund_lines::table
        .inner_join(order_lines::table)
        .filter(order_lines::order_id.eq(order))
        .filter(refund_lines::restocked_quantity.gt(0))
        .select((order_lines::id, refund_lines::restocked_quantity))
        .load(conn)?;
    let mut sums = std::collections::BTreeMap::new();
    for (line, quantity) in rows {
        *sums.entry(line).or_insert(0) += quantity;
    }
    Ok(sums.into_iter().collect())
}

/// The refunds of an order, oldest first.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, order: OrderId) -> Result<Vec<RefundRow>, DbError> {
    Ok(refunds::table
        .filter(refunds::order_id.eq(order))
        .order((refunds::made_at.asc(), refunds::id.asc()))
        .select(RefundRow::as_select())
        .load(conn)?)
}

/// The lines of these refunds.
///
/// # Errors
///
/// The database's.
pub fn list_lines(conn: &mut DbConnection, of: &[RefundId]) -> Result<Vec<LineRow>, DbError> {
    Ok(refund_lines::table
        .left_join(order_lines::table)
        .left_join(locations::table.on(refund_lines::location_id.eq(locations::id.nullable())))
        .filter(refund_lines::refund_id.eq_any(of.to_vec()))
        .order(refund_lines::id.asc())
        .select((
            refund_lines::refund_id,
            refund_lines::order_line_id,
            refund_lines::line_external_id,
            order_lines::title.nullable(),
            order_lines::variant_title.nullable(),
            refund_lines::quantity,
            refund_lines::restock,
            locations::name.nullable(),
            refund_lines::restocked_quantity,
            refund_lines::subtotal_minor,
            refund_lines::tax_minor,
            refund_lines::presentment_subtotal_minor,
            refund_lines::presentment_tax_minor,
        ))
        .load(conn)?)
}

/// What was given back beside the lines.
///
/// # Errors
///
/// The database's.
pub fn list_charges(conn: &mut DbConnection, of: &[RefundId]) -> Result<Vec<ChargeRow>, DbError> {
    Ok(refund_charges::table
        .filter(refund_charges::refund_id.eq_any(of.to_vec()))
        .order(refund_charges::id.asc())
        .select(ChargeRow::as_select())
        .load(conn)?)
}

/// The payments of these refunds.
///
/// # Errors
///
/// The database's.
pub fn list_transactions(
    conn: &mut DbConnection,
    of: &[RefundId],
) -> Result<Vec<TransactionRow>, DbError> {
    Ok(refund_transactions::table
        .filter(refund_transactions::refund_id.eq_any(of.to_vec()))
        .order(refund_transactions::id.asc())
        .select(TransactionRow::as_select())
        .load(conn)?)
}
