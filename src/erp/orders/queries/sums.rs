//! SQL of an order's totals and of what it says beside people and money.
use diesel::prelude::*;

use crate::erp::orders::totals::{Basis, Side, TotalsCheck};
use crate::insert_rows;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{order_details, order_totals};
use crate::types::{At, OrderId};

/// The channel's totals on one side, at one time, in minor units of that side's currency.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = order_totals, treat_none_as_default_value = false)]
pub struct TotalsRow {
    pub side: Side,
    pub basis: Basis,
    pub subtotal_minor: Option<i64>,
    pub discount_minor: Option<i64>,
    pub shipping_minor: Option<i64>,
    pub duties_minor: Option<i64>,
    pub fees_minor: Option<i64>,
    pub tax_minor: Option<i64>,
    pub total_minor: Option<i64>,
    /// What the parts add up to, where they were told.
    pub added_minor: Option<i64>,
    /// What the taxes by rate add up to.
    pub added_tax_minor: Option<i64>,
    pub verdict: TotalsCheck,
}

impl TotalsRow {
    /// Totals of which nothing is known.
    #[must_use]
    pub fn new(side: Side, basis: Basis) -> TotalsRow {
        TotalsRow {
            side,
            basis,
            subtotal_minor: None,
            discount_minor: None,
            shipping_minor: None,
            duties_minor: None,
            fees_minor: None,
            tax_minor: None,
            total_minor: None,
            added_minor: None,
            added_tax_minor: None,
            verdict: TotalsCheck::NotDerivable,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = order_totals, treat_none_as_default_value = false)]
pub(super) struct NewTotals {
    pub(super) order_id: OrderId,
    #[diesel(embed)]
    pub(super) row: TotalsRow,
}

#[derive(Insertable)]
#[diesel(table_name = order_details, treat_none_as_default_value = false)]
pub(super) struct NewDetails {
    pub(super) order_id: OrderId,
    #[diesel(embed)]
    pub(super) facts: DetailFacts,
}

/// Where an order was sold, to which company and on which terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = order_details, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct DetailFacts {
    pub sold_through: Option<String>,
    pub location_external_id: Option<String>,
    pub confirmation_number: Option<String>,
    pub po_number: Option<String>,
    pub locale: Option<String>,
    pub merchant_of_record: Option<String>,
    pub company_external_id: Option<String>,
    pub company_name: Option<String>,
    pub company_location_external_id: Option<String>,
    pub company_location_name: Option<String>,
    pub company_contact_external_id: Option<String>,
    pub terms_kind: Option<String>,
    pub terms_days: Option<i64>,
    pub terms_due_at: Option<At>,
    pub duties_included: Option<bool>,
    pub tax_exempt: Option<bool>,
}

/// The totals of an order: the shop's side first, as ordered first.
///
/// # Errors
///
/// The database's.
pub fn list_totals(conn: &mut DbConnection, order: OrderId) -> Result<Vec<TotalsRow>, DbError> {
    let mut rows: Vec<TotalsRow> = order_totals::table
        .filter(order_totals::order_id.eq(order))
        .select(TotalsRow::as_select())
        .load(conn)?;
    rows.sort_by_key(|row| (row.side, row.basis));
    Ok(rows)
}

/// What an order says beside people and money.
///
/// # Errors
///
/// The database's.
pub fn find_details(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Option<DetailFacts>, DbError> {
    Ok(order_details::table
        .filter(order_details::order_id.eq(order))
        .select(DetailFacts::as_select())
        .first(conn)
        .optional()?)
}

pub(super) fn insert(
    conn: &mut DbConnection,
    totals: &[NewTotals],
    details: &[NewDetails],
) -> Result<(), DbError> {
    insert_rows!(conn, order_totals::table, totals)?;
    insert_rows!(conn, order_details::table, details)?;
    Ok(())
}

pub(super) fn delete(conn: &mut DbConnection, order: OrderId) -> Result<(), DbError> {
    let totals = order_totals::table.filter(order_totals::order_id.eq(order));
    diesel::delete(totals).execute(conn)?;
    let details = order_details::table.filter(order_details::order_id.eq(order));
    diesel::delete(details).execute(conn)?;
    Ok(())
}
