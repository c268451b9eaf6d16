//! SQL of an order's amounts, its sources, versions and tombstones.
use diesel::prelude::*;

use super::sums::{self, DetailFacts, NewDetails, NewTotals, TotalsRow};
use crate::erp::orders::incoming::{ChargeKind, Shape, Source, TRANSLATOR_VERSION};
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{
    order_charges, order_discounts, order_sources, order_taxes, order_tombstones, order_versions,
};
use crate::types::{At, ChannelId, OrderId};
use crate::{insert_rows, native};

/// Shipping, tips, duties, fees, rounding.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = order_charges, treat_none_as_default_value = false)]
pub struct ChargeRow {
    pub kind: ChargeKind,
    pub external_id: Option<String>,
    pub title: String,
    pub code: Option<String>,
    pub amount_minor: i64,
    pub discount_minor: i64,
    pub presentment_amount_minor: Option<i64>,
    pub presentment_discount_minor: Option<i64>,
    /// Millionths, as fine as they were told; `None` of charges that came before these were kept.
    pub amount_scaled: Option<i64>,
    pub presentment_amount_scaled: Option<i64>,
    /// As [`crate::erp::orders::kept`] writes them.
    pub discounts: Option<String>,
    pub taxes: Option<String>,
    pub removed: bool,
}

#[derive(Insertable)]
#[diesel(table_name = order_charges, treat_none_as_default_value = false)]
struct NewCharge {
    order_id: OrderId,
    #[diesel(embed)]
    row: ChargeRow,
}

/// A tax by title and rate.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = order_taxes, treat_none_as_default_value = false)]
pub struct TaxRow {
    pub title: String,
    pub rate: String,
    pub amount_minor: i64,
    pub presentment_minor: Option<i64>,
    pub channel_liable: bool,
}

#[derive(Insertable)]
#[diesel(table_name = order_taxes, treat_none_as_default_value = false)]
struct NewTax {
    order_id: OrderId,
    #[diesel(embed)]
    row: TaxRow,
}

/// A discount by code or title.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = order_discounts, treat_none_as_default_value = false)]
pub struct DiscountRow {
    pub kind: String,
    pub title: String,
    pub target: Option<String>,
    pub value: Option<String>,
    pub value_kind: Option<String>,
    pub amount_minor: i64,
    pub presentment_minor: Option<i64>,
}

#[derive(Insertable)]
#[diesel(table_name = order_discounts, treat_none_as_default_value = false)]
struct NewDiscount {
    order_id: OrderId,
    #[diesel(embed)]
    row: DiscountRow,
}

/// What an order costs, and what it says beside: the rows of all these tables. `None` where nothing was told.
#[derive(Debug)]
pub(in crate::erp::orders) struct Amounts {
    pub(in crate::erp::orders) order: OrderId,
    pub(in crate::erp::orders) charges: Option<Vec<ChargeRow>>,
    pub(in crate::erp::orders) taxes: Option<Vec<TaxRow>>,
    pub(in crate::erp::orders) discounts: Option<Vec<DiscountRow>>,
    pub(in crate::erp::orders) totals: Vec<TotalsRow>,
    pub(in crate::erp::orders) details: DetailFacts,
}

/// Writes the amounts of orders that have none, table by table.
pub(in crate::erp::orders) fn insert(
    conn: &mut DbConnection,
    all: Vec<Amounts>,
) -> Result<(), DbError> {
    let (mut charges, mut taxes, mut discounts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut totals, mut details) = (Vec::new(), Vec::new());
    for one in all {
        let order_id = one.order;
        let rows = one.charges.into_iter().flatten();
        charges.extend(rows.map(|row| NewCharge { order_id, row }));
        let rows = one.taxes.into_iter().flatten();
        taxes.extend(rows.map(|row| NewTax { order_id, row }));
        let rows = one.discounts.into_iter().flatten();
        discounts.extend(rows.map(|row| NewDiscount { order_id, row }));
        let rows = one.totals.into_iter();
        totals.extend(rows.map(|row| NewTotals { order_id, row }));
        let facts = one.details;
        details.push(NewDetails { order_id, facts });
    }
    insert_rows!(conn, order_charges::table, charges)?;
    insert_rows!(conn, order_taxes::table, taxes)?;
    insert_rows!(conn, order_discounts::table, discounts)?;
    sums::insert(conn, &totals, &details)
}

/// Writes what was told over what was there; what was not told stays.
pub(in crate::erp::orders) fn replace(
    conn: &mut DbConnection,
    amounts: Amounts,
) -> Result<(), DbError> {
    let order = amounts.order;
    if amounts.charges.is_some() {
        let old = order_charges::table.filter(order_charges::order_id.eq(order));
        diesel::delete(old).execute(conn)?;
    }
    if amounts.taxes.is_some() {
        let old = order_taxes::table.filter(order_taxes::order_id.eq(order));
        diesel::delete(old).execute(conn)?;
    }
    if amounts.discounts.is_some() {
        let old = order_discounts::table.filter(order_discounts::order_id.eq(order));
        diesel::delete(old).execute(conn)?;
    }
    sums::delete(conn, order)?;
    insert(conn, vec![amounts])
}

/// The source of an order that is about to be written.
#[derive(Insertable)]
#[diesel(table_name = order_sources, treat_none_as_default_value = false)]
struct NewSource<'a> {
    order_id: OrderId,
    shape: Shape,
    api_version: &'a str,
    translator_version: i32,
    event_id: Option<i64>,
    body: &'a [u8],
    received_at: At,
}

fn new_source<'a>(order: OrderId, source: &Source<'a>, now: At) -> NewSource<'a> {
    NewSource {
        order_id: order,
        shape: source.shape,
        api_version: source.api_version,
        translator_version: TRANSLATOR_VERSION,
        event_id: source.event.map(|event| event.0),
        body: source.body,
        received_at: now,
    }
}

/// Keeps the first sources of new orders.
pub(in crate::erp::orders) fn insert_sources(
    conn: &mut DbConnection,
    sources: &[(OrderId, Source<'_>)],
    now: At,
) -> Result<(), DbError> {
    let rows: Vec<NewSource<'_>> = sources
        .iter()
        .map(|(order, source)| new_source(*order, source, now))
        .collect();
    insert_rows!(conn, order_sources::table, rows)?;
    Ok(())
}

/// Keeps the last source of a known order in this shape.
pub(in crate::erp::orders) fn keep_source(
    conn: &mut DbConnection,
    order: OrderId,
    source: &Source<'_>,
    now: At,
) -> Result<(), DbError> {
    use diesel::upsert::excluded;
    native!(conn, |c| diesel::insert_into(order_sources::table)
        .values(new_source(order, source, now))
        .on_conflict((order_sources::order_id, order_sources::shape))
        .do_update()
        .set((
            order_sources::api_version.eq(excluded(order_sources::api_version)),
            order_sources::translator_version.eq(excluded(order_sources::translator_version)),
            order_sources::event_id.eq(excluded(order_sources::event_id)),
            order_sources::body.eq(excluded(order_sources::body)),
            order_sources::received_at.eq(excluded(order_sources::received_at)),
        ))
        .prepared()
        .execute(c))?;
    Ok(())
}

pub(in crate::erp::orders) fn insert_version(
    conn: &mut DbConnection,
    order: OrderId,
    version: i64,
    difference: &str,
    now: At,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(order_versions::table)
        .values((
            order_versions::order_id.eq(order),
            order_versions::version.eq(version),
            order_versions::at.eq(now),
            order_versions::difference.eq(difference),
        ))
        .prepared()
        .execute(c))?;
    Ok(())
}

/// Those of these orders that the channel has deleted.
pub(in crate::erp::orders) fn list_tombstones(
    conn: &mut DbConnection,
    channel: ChannelId,
    external_ids: &[&str],
) -> Result<Vec<String>, DbError> {
    if external_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(order_tombstones::table
        .filter(order_tombstones::channel_id.eq(channel))
        .filter(order_tombstones::external_id.eq_any(external_ids.to_vec()))
        .select(order_tombstones::external_id)
        .load(conn)?)
}

pub(in crate::erp::orders) fn insert_tombstone(
    conn: &mut DbConnection,
    channel: ChannelId,
    external_id: &str,
    now: At,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(order_tombstones::table)
        .values((
            order_tombstones::channel_id.eq(channel),
            order_tombstones::external_id.eq(external_id),
            order_tombstones::at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Whether the order came in this shape before.
///
/// # Errors
///
/// The database's.
pub fn has_source(conn: &mut DbConnection, order: OrderId, shape: Shape) -> Result<bool, DbError> {
    let of_shape = order_sources::table
        .filter(order_sources::order_id.eq(order))
        .filter(order_sources::shape.eq(shape));
    Ok(diesel::select(diesel::dsl::exists(of_shape)).get_result(conn)?)
}

/// The event that brought the last source of this shape.
pub(in crate::erp::orders) fn find_source_event(
    conn: &mut DbConnection,
    order: OrderId,
    shape: Shape,
) -> Result<Option<i64>, DbError> {
    let found: Option<Option<i64>> = order_sources::table
        .filter(order_sources::order_id.eq(order))
        .filter(order_sources::shape.eq(shape))
        .select(order_sources::event_id)
        .first(conn)
        .optional()?;
    Ok(found.flatten())
}
