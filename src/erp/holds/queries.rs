//! SQL of `holds`.
use diesel::prelude::*;

use super::HoldKind;
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::holds;
use crate::types::{At, ChannelId, OrderId, UserId};
use crate::{insert_rows, native};

#[derive(Clone, Insertable)]
#[diesel(table_name = holds, treat_none_as_default_value = false)]
pub(crate) struct NewHold {
    pub(crate) order_id: OrderId,
    /// The order's, which never changes: who counts what waits need not look at the orders.
    pub(crate) channel_id: ChannelId,
    pub(crate) kind: HoldKind,
    pub(crate) cause: String,
    pub(crate) note: Option<String>,
    pub(crate) opened_at: At,
    pub(crate) opened_by: Option<UserId>,
}

/// An open hold.
#[derive(Clone, Debug, Queryable)]
pub struct HoldRow {
    pub id: i64,
    pub kind: HoldKind,
    pub cause: String,
    pub note: Option<String>,
    pub opened_at: At,
}

pub(super) fn is_open(
    conn: &mut DbConnection,
    order: OrderId,
    kind: HoldKind,
    cause: &str,
) -> Result<bool, DbError> {
    Ok(diesel::select(diesel::dsl::exists(
        holds::table
            .filter(holds::order_id.eq(order))
            .filter(holds::kind.eq(kind))
            .filter(holds::cause.eq(cause))
            .filter(holds::released_at.is_null()),
    ))
    .get_result(conn)?)
}

pub(crate) fn insert(conn: &mut DbConnection, rows: &[NewHold]) -> Result<(), DbError> {
    insert_rows!(conn, holds::table, rows)?;
    Ok(())
}

pub(super) fn mark_released(
    conn: &mut DbConnection,
    order: OrderId,
    kind: HoldKind,
    cause: &str,
    user: Option<UserId>,
    now: At,
) -> Result<bool, DbError> {
    let released = native!(conn, |c| diesel::update(
        holds::table
            .filter(holds::order_id.eq(order))
            .filter(holds::kind.eq(kind))
            .filter(holds::cause.eq(cause))
            .filter(holds::released_at.is_null()),
    )
    .set((
        holds::released_at.eq(Some(now)),
        holds::released_by.eq(user),
    ))
    .prepared()
    .execute(c))?;
    Ok(released > 0)
}

/// The open holds of an order, oldest first.
///
/// # Errors
///
/// The database's.
pub fn list_open(conn: &mut DbConnection, order: OrderId) -> Result<Vec<HoldRow>, DbError> {
    Ok(holds::table
        .filter(holds::order_id.eq(order))
        .filter(holds::released_at.is_null())
        .order(holds::id.asc())
        .select((
            holds::id,
            holds::kind,
            holds::cause,
            holds::note,
            holds::opened_at,
        ))
        .load(conn)?)
}

pub(super) fn is_released_by_person(
    conn: &mut DbConnection,
    order: OrderId,
    kind: HoldKind,
    cause: &str,
) -> Result<bool, DbError> {
    Ok(diesel::select(diesel::dsl::exists(
        holds::table
            .filter(holds::order_id.eq(order))
            .filter(holds::kind.eq(kind))
            .filter(holds::cause.eq(cause))
            .filter(holds::released_by.is_not_null()),
    ))
    .get_result(conn)?)
}

/// Finds one open hold of the order.
///
/// # Errors
///
/// The database's.
pub fn find_open(
    conn: &mut DbConnection,
    order: OrderId,
    id: i64,
) -> Result<Option<HoldRow>, DbError> {
    Ok(list_open(conn, order)?
        .into_iter()
        .find(|hold| hold.id == id))
}

/// The orders of a channel that a hold of this kind keeps.
pub(crate) fn list_held(
    conn: &mut DbConnection,
    channel: ChannelId,
    kind: HoldKind,
) -> Result<Vec<OrderId>, DbError> {
    Ok(holds::table
        .filter(holds::channel_id.eq(channel))
        .filter(holds::kind.eq(kind))
        .filter(holds::released_at.is_null())
        .select(holds::order_id)
        .load(conn)?)
}
