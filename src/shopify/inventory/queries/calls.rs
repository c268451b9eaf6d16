//! SQL of `shopify_inventory_calls`.
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_inventory_calls::{self as t, table};
use crate::types::{At, ShopId};

/// A call that was decided and whose end is not known yet.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = crate::schema::shopify_inventory_calls)]
pub struct CallRow {
    pub id: i64,
    pub idempotency_key: String,
    /// JSON: what it sets.
    pub quantities: String,
    pub made_at: At,
}

pub(in crate::shopify::inventory) fn insert(
    conn: &mut DbConnection,
    shop: ShopId,
    key: &str,
    quantities: &str,
    now: At,
) -> Result<(), DbError> {
    diesel::insert_into(table)
        .values((
            t::shop_id.eq(shop),
            t::idempotency_key.eq(key),
            t::quantities.eq(quantities),
            t::made_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// The call of a store that may have been sent; there is one at most.
pub(in crate::shopify::inventory) fn find_open(
    conn: &mut DbConnection,
    shop: ShopId,
) -> Result<Option<CallRow>, DbError> {
    Ok(table
        .filter(t::shop_id.eq(shop))
        .filter(t::finished_at.is_null())
        .order(t::id)
        .select(CallRow::as_select())
        .first(conn)
        .optional()?)
}

pub(in crate::shopify::inventory) fn mark_finished(
    conn: &mut DbConnection,
    id: i64,
    (request_id, refusal): (Option<&str>, Option<&str>),
    now: At,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set((
            t::finished_at.eq(Some(now)),
            t::request_id.eq(request_id),
            t::refusal.eq(refusal),
        ))
        .execute(conn)?;
    Ok(())
}

/// Forgets calls that ended before a moment.
pub(in crate::shopify::inventory) fn delete_finished(
    conn: &mut DbConnection,
    shop: ShopId,
    before: At,
) -> Result<(), DbError> {
    diesel::delete(
        table
            .filter(t::shop_id.eq(shop))
            .filter(t::finished_at.is_not_null())
            .filter(t::finished_at.assume_not_null().lt(before)),
    )
    .execute(conn)?;
    Ok(())
}
