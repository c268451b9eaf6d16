//! SQL of an order's amounts, its sources, versions and tombstones.
use diesel::prelude::*;

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

pub(in crate::erp::orders) fn replace_charges(
    conn: &mut DbConnection,
    order: OrderId,
    rows: Vec<ChargeRow>,
    fresh: bool,
) -> Result<(), DbError> {
    if !fresh {
        diesel::delete(order_charges::table.filter(order_charges::order_id.eq(order)))
            .execute(conn)?;
    }
    let order_id = order;
    let rows: Vec<NewCharge> = rows
        .into_iter()
        .map(|row| NewCharge { order_id, row })
        .collect();
    if !rows.is_empty() {
        insert_rows!(conn, order_charges::table, rows)?;
    }
    Ok(())
}

pub(in crate::erp::orders) fn replace_taxes(
    conn: &mut DbConnection,
    order: OrderId,
    rows: Vec<TaxRow>,
    fresh: bool,
) -> Result<(), DbError> {
    if !fresh {
        diesel::delete(order_taxes::table.filter(order_taxes::order_id.eq(order))).execute(conn)?;
    }
    let order_id = order;
    let rows: Vec<NewTax> = rows
        .into_iter()
        .map(|row| NewTax { order_id, row })
        .collect();
    if !rows.is_empty() {
        insert_rows!(conn, order_taxes::table, rows)?;
    }
    Ok(())
}

pub(in crate::erp::orders) fn replace_discounts(
    conn: &mut DbConnection,
    order: OrderId,
    rows: Vec<DiscountRow>,
    fresh: bool,
) -> Result<(), DbError> {
    if !fresh {
        diesel::delete(order_discounts::table.filter(order_discounts::order_id.eq(order)))
            .execute(conn)?;
    }
    let order_id = order;
    let rows: Vec<NewDiscount> = rows
        .into_iter()
        .map(|row| NewDiscount { order_id, row })
        .collect();
    if !rows.is_empty() {
        insert_rows!(conn, order_discounts::table, rows)?;
    }
    Ok(())
}

pub(in crate::erp::orders) fn keep_source(
    conn: &mut DbConnection,
    order: OrderId,
    source: &Source<'_>,
    now: At,
) -> Result<(), DbError> {
    use diesel::upsert::excluded;
    native!(conn, |c| diesel::insert_into(order_sources::table)
        .values((
            order_sources::order_id.eq(order),
            order_sources::shape.eq(source.shape),
            order_sources::api_version.eq(source.api_version),
            order_sources::translator_version.eq(TRANSLATOR_VERSION),
            order_sources::event_id.eq(source.event.map(|event| event.0)),
            order_sources::body.eq(source.body),
            order_sources::received_at.eq(now),
        ))
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

pub(in crate::erp::orders) fn has_tombstone(
    conn: &mut DbConnection,
    channel: ChannelId,
    external_id: &str,
) -> Result<bool, DbError> {
    Ok(diesel::select(diesel::dsl::exists(
        order_tombstones::table
            .filter(order_tombstones::channel_id.eq(channel))
            .filter(order_tombstones::external_id.eq(external_id)),
    ))
    .get_result(conn)?)
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
