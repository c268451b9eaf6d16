//! SQL of an order's amounts, its sources, versions and tombstones.
use diesel::prelude::*;

use crate::erp::orders::incoming::{
    IncomingCharge, IncomingDiscount, IncomingTax, Shape, Source, TRANSLATOR_VERSION,
};
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{
    order_charges, order_discounts, order_sources, order_taxes, order_tombstones, order_versions,
};
use crate::types::{At, ChannelId, OrderId};
use crate::{insert_rows, native};

pub(in crate::erp::orders) fn replace_charges(
    conn: &mut DbConnection,
    order: OrderId,
    charges: &[IncomingCharge],
    fresh: bool,
) -> Result<(), DbError> {
    if !fresh {
        diesel::delete(order_charges::table.filter(order_charges::order_id.eq(order)))
            .execute(conn)?;
    }
    let rows: Vec<_> = charges
        .iter()
        .map(|charge| {
            (
                order_charges::order_id.eq(order),
                order_charges::kind.eq(charge.kind),
                order_charges::external_id.eq(charge.external_id.as_deref().unwrap_or("")),
                order_charges::title.eq(charge.title.as_str()),
                order_charges::amount_minor.eq(charge.amount),
                order_charges::discount_minor.eq(charge.discount),
            )
        })
        .collect();
    if !rows.is_empty() {
        insert_rows!(conn, order_charges::table, rows)?;
    }
    Ok(())
}

pub(in crate::erp::orders) fn replace_taxes(
    conn: &mut DbConnection,
    order: OrderId,
    taxes: &[IncomingTax],
    fresh: bool,
) -> Result<(), DbError> {
    if !fresh {
        diesel::delete(order_taxes::table.filter(order_taxes::order_id.eq(order))).execute(conn)?;
    }
    let rows: Vec<_> = taxes
        .iter()
        .map(|tax| {
            (
                order_taxes::order_id.eq(order),
                order_taxes::title.eq(tax.title.as_str()),
                order_taxes::rate.eq(tax.rate.as_str()),
                order_taxes::amount_minor.eq(tax.amount),
            )
        })
        .collect();
    if !rows.is_empty() {
        insert_rows!(conn, order_taxes::table, rows)?;
    }
    Ok(())
}

pub(in crate::erp::orders) fn replace_discounts(
    conn: &mut DbConnection,
    order: OrderId,
    discounts: &[IncomingDiscount],
    fresh: bool,
) -> Result<(), DbError> {
    if !fresh {
        diesel::delete(order_discounts::table.filter(order_discounts::order_id.eq(order)))
            .execute(conn)?;
    }
    let rows: Vec<_> = discounts
        .iter()
        .map(|discount| {
            (
                order_discounts::order_id.eq(order),
                order_discounts::kind.eq(discount.kind.as_str()),
                order_discounts::title.eq(discount.title.as_str()),
                order_discounts::amount_minor.eq(discount.amount),
            )
        })
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
