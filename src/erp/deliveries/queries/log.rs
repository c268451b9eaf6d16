//! SQL of `delivery_log`.
use diesel::prelude::*;

use crate::erp::deliveries::flow::State;
use crate::erp::deliveries::log::Kind;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{delivery_log, users};
use crate::types::{At, DeliveryId, OrderId, UserId};

#[derive(Insertable)]
#[diesel(table_name = delivery_log, treat_none_as_default_value = false)]
pub(in crate::erp::deliveries) struct NewEntry {
    pub(in crate::erp::deliveries) delivery_id: DeliveryId,
    pub(in crate::erp::deliveries) order_id: OrderId,
    pub(in crate::erp::deliveries) at: At,
    pub(in crate::erp::deliveries) kind: Kind,
    pub(in crate::erp::deliveries) from_state: Option<State>,
    pub(in crate::erp::deliveries) to_state: Option<State>,
    pub(in crate::erp::deliveries) arguments: String,
    pub(in crate::erp::deliveries) note: Option<String>,
    pub(in crate::erp::deliveries) user_id: Option<UserId>,
    pub(in crate::erp::deliveries) source: Option<String>,
}

/// One entry as it was written.
#[derive(Clone, Debug, Queryable)]
pub struct EntryRow {
    pub id: i64,
    pub at: At,
    pub kind: Kind,
    pub from_state: Option<State>,
    pub to_state: Option<State>,
    pub arguments: String,
    pub note: Option<String>,
    pub user_id: Option<UserId>,
    pub user_name: Option<String>,
    pub source: Option<String>,
    pub undone_at: Option<At>,
}

pub(in crate::erp::deliveries) fn insert(
    conn: &mut DbConnection,
    entry: &NewEntry,
) -> Result<(), DbError> {
    diesel::insert_into(delivery_log::table)
        .values(entry)
        .execute(conn)?;
    Ok(())
}

/// The entries of a delivery, newest first.
///
/// # Errors
///
/// The database's.
pub fn list(
    conn: &mut DbConnection,
    delivery: DeliveryId,
    limit: i64,
) -> Result<Vec<EntryRow>, DbError> {
    Ok(delivery_log::table
        .left_join(users::table)
        .filter(delivery_log::delivery_id.eq(delivery))
        .order(delivery_log::id.desc())
        .limit(limit)
        .select((
            delivery_log::id,
            delivery_log::at,
            delivery_log::kind,
            delivery_log::from_state,
            delivery_log::to_state,
            delivery_log::arguments,
            delivery_log::note,
            delivery_log::user_id,
            users::name.nullable(),
            delivery_log::source,
            delivery_log::undone_at,
        ))
        .load(conn)?)
}

pub(in crate::erp::deliveries) fn mark_undone(
    conn: &mut DbConnection,
    id: i64,
    now: At,
) -> Result<bool, DbError> {
    let open = delivery_log::table
        .find(id)
        .filter(delivery_log::undone_at.is_null());
    let rows = diesel::update(open)
        .set(delivery_log::undone_at.eq(Some(now)))
        .execute(conn)?;
    Ok(rows == 1)
}
