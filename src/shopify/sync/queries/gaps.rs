//! SQL of `sync_gaps`: the orders that a store tells otherwise than we know them.
use diesel::prelude::*;

use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::sync_gaps::{self as g, table};
use crate::schema::{order_tombstones, orders, sync_gaps};
use crate::shopify::sync::GapKind;
use crate::types::{At, ChannelId, OrderId, ShopId};

/// A difference.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sync_gaps)]
pub struct Gap {
    pub id: i64,
    pub external_id: String,
    pub kind: GapKind,
    pub name: String,
    /// The day it was placed, in the store's zone.
    pub day: String,
    pub changed_there_at: At,
    pub found_at: At,
    pub healed_at: Option<At>,
    /// Why it could not be fetched.
    pub reason: Option<String>,
}

/// A difference to store.
#[derive(Insertable)]
#[diesel(table_name = sync_gaps)]
pub(in crate::shopify::sync) struct NewGap<'a> {
    pub(in crate::shopify::sync) shop_id: ShopId,
    pub(in crate::shopify::sync) external_id: &'a str,
    pub(in crate::shopify::sync) kind: GapKind,
    pub(in crate::shopify::sync) name: &'a str,
    pub(in crate::shopify::sync) day: String,
    pub(in crate::shopify::sync) changed_there_at: At,
    pub(in crate::shopify::sync) found_at: At,
}

/// Stores a difference; one that is open already learns of the newer version.
pub(in crate::shopify::sync) fn upsert(
    conn: &mut DbConnection,
    gap: &NewGap<'_>,
) -> Result<(), DbError> {
    let open = table
        .filter(g::shop_id.eq(gap.shop_id))
        .filter(g::external_id.eq(gap.external_id))
        .filter(g::healed_at.is_null());
    let known = diesel::update(open)
        .set((
            g::changed_there_at.eq(gap.changed_there_at),
            g::kind.eq(gap.kind),
        ))
        .execute(conn)?;
    if known == 0 {
        native!(conn, |c| diesel::insert_into(table)
            .values(gap)
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    Ok(())
}

/// Open differences of a store after a row, oldest first.
///
/// # Errors
///
/// The database's.
pub fn list_open(
    conn: &mut DbConnection,
    shop: ShopId,
    after: i64,
    at_most: i64,
) -> Result<Vec<Gap>, DbError> {
    Ok(table
        .filter(g::shop_id.eq(shop))
        .filter(g::healed_at.is_null())
        .filter(g::id.gt(after))
        .order(g::id.asc())
        .limit(at_most)
        .select(Gap::as_select())
        .load(conn)?)
}

/// The differences found of one day, the open ones first, with the order where it is here by now.
///
/// # Errors
///
/// The database's.
pub fn list_of_day(
    conn: &mut DbConnection,
    (shop, channel): (ShopId, ChannelId),
    day: &str,
    at_most: i64,
) -> Result<Vec<(Gap, Option<OrderId>)>, DbError> {
    Ok(table
        .left_join(
            orders::table.on(orders::external_id
                .eq(g::external_id)
                .and(orders::channel_id.eq(channel))),
        )
        .filter(g::shop_id.eq(shop))
        .filter(g::day.eq(day))
        .order((g::healed_at.is_null().desc(), g::id.desc()))
        .limit(at_most)
        .select((Gap::as_select(), orders::id.nullable()))
        .load(conn)?)
}

/// How many differences of a store are open, and since when the oldest of them has been waiting there.
///
/// # Errors
///
/// The database's.
pub fn count_open(conn: &mut DbConnection, shop: ShopId) -> Result<(i64, Option<At>), DbError> {
    use diesel::dsl::{count_star, min};
    Ok(table
        .filter(g::shop_id.eq(shop))
        .filter(g::healed_at.is_null())
        .select((count_star(), min(g::changed_there_at)))
        .first(conn)?)
}

/// How many differences of a kind are open.
///
/// # Errors
///
/// The database's.
pub fn count_open_of(conn: &mut DbConnection, shop: ShopId, kind: GapKind) -> Result<i64, DbError> {
    Ok(table
        .filter(g::shop_id.eq(shop))
        .filter(g::kind.eq(kind))
        .filter(g::healed_at.is_null())
        .count()
        .get_result(conn)?)
}

/// Open differences by day.
///
/// # Errors
///
/// The database's.
pub fn count_open_by_day(
    conn: &mut DbConnection,
    shop: ShopId,
) -> Result<Vec<(String, i64)>, DbError> {
    use diesel::dsl::count_star;
    Ok(table
        .filter(g::shop_id.eq(shop))
        .filter(g::healed_at.is_null())
        .group_by(g::day)
        .select((g::day, count_star()))
        .load(conn)?)
}

/// The open differences that are none any more: we know what the store told, or that it was deleted.
pub(in crate::shopify::sync) fn list_healed(
    conn: &mut DbConnection,
    shop: ShopId,
    channel: ChannelId,
) -> Result<Vec<i64>, DbError> {
    let caught_up = orders::source_updated_at
        .ge(g::changed_there_at)
        .and(g::kind.ne(GapKind::Gone))
        .or(orders::deleted_at_source.is_not_null());
    let mut ids: Vec<i64> = table
        .inner_join(
            orders::table.on(orders::external_id
                .eq(g::external_id)
                .and(orders::channel_id.eq(channel))),
        )
        .filter(g::shop_id.eq(shop))
        .filter(g::healed_at.is_null())
        .filter(caught_up)
        .select(g::id)
        .load(conn)?;
    let deleted: Vec<i64> = table
        .inner_join(
            order_tombstones::table.on(order_tombstones::external_id
                .eq(g::external_id)
                .and(order_tombstones::channel_id.eq(channel))),
        )
        .filter(g::shop_id.eq(shop))
        .filter(g::healed_at.is_null())
        .select(g::id)
        .load(conn)?;
    ids.extend(deleted);
    Ok(ids)
}

/// Closes differences.
pub(in crate::shopify::sync) fn mark_healed(
    conn: &mut DbConnection,
    ids: &[i64],
    now: At,
) -> Result<(), DbError> {
    for some in ids.chunks(500) {
        diesel::update(
            table
                .filter(g::id.eq_any(some))
                .filter(g::healed_at.is_null()),
        )
        .set(g::healed_at.eq(Some(now)))
        .execute(conn)?;
    }
    Ok(())
}

/// Closes the open differences of a day that a whole comparison since `since` did not find again.
pub(in crate::shopify::sync) fn mark_day_healed(
    conn: &mut DbConnection,
    shop: ShopId,
    day: &str,
    found: &[&str],
    now: At,
) -> Result<(), DbError> {
    let open: Vec<(i64, String)> = table
        .filter(g::shop_id.eq(shop))
        .filter(g::day.eq(day))
        .filter(g::healed_at.is_null())
        .select((g::id, g::external_id))
        .load(conn)?;
    let over: Vec<i64> = open
        .into_iter()
        .filter(|(_id, order)| !found.contains(&order.as_str()))
        .map(|(id, _order)| id)
        .collect();
    mark_healed(conn, &over, now)
}

/// Notes why an order could not be fetched.
pub(in crate::shopify::sync) fn set_reason(
    conn: &mut DbConnection,
    shop: ShopId,
    external_id: &str,
    reason: &str,
) -> Result<(), DbError> {
    diesel::update(
        table
            .filter(g::shop_id.eq(shop))
            .filter(g::external_id.eq(external_id))
            .filter(g::healed_at.is_null()),
    )
    .set(g::reason.eq(Some(reason)))
    .execute(conn)?;
    Ok(())
}

/// Forgets what was healed before a moment.
pub(in crate::shopify::sync) fn delete_healed(
    conn: &mut DbConnection,
    shop: ShopId,
    before: At,
) -> Result<(), DbError> {
    diesel::delete(
        table
            .filter(g::shop_id.eq(shop))
            .filter(g::healed_at.lt(before)),
    )
    .execute(conn)?;
    Ok(())
}

/// The open difference of one order, if it is of this kind.
pub(in crate::shopify::sync) fn list_open_of(
    conn: &mut DbConnection,
    shop: ShopId,
    external_id: &str,
    kind: GapKind,
) -> Result<Vec<i64>, DbError> {
    Ok(table
        .filter(g::shop_id.eq(shop))
        .filter(g::external_id.eq(external_id))
        .filter(g::kind.eq(kind))
        .filter(g::healed_at.is_null())
        .select(g::id)
        .load(conn)?)
}
