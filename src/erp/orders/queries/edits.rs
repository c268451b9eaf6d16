//! SQL of `order_edits`.
use diesel::prelude::*;

use crate::erp::orders::edits::EditState;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{order_edits, orders, users};
use crate::types::{At, OrderId, OrderLineId, UserId};

/// An edit as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = order_edits)]
pub struct EditRow {
    pub id: i64,
    /// The version of the order that the edit would change.
    pub version: i64,
    /// `line:17`, `address`, `method`.
    pub subject: String,
    pub order_line_id: Option<OrderLineId>,
    pub before: String,
    pub proposal: String,
    pub state: EditState,
    pub opened_at: At,
    pub decided_at: Option<At>,
    pub decided_by: Option<UserId>,
}

#[derive(Insertable)]
#[diesel(table_name = order_edits, treat_none_as_default_value = false)]
pub(in crate::erp::orders) struct NewEdit<'a> {
    pub(in crate::erp::orders) order_id: OrderId,
    pub(in crate::erp::orders) version: i64,
    pub(in crate::erp::orders) subject: &'a str,
    pub(in crate::erp::orders) order_line_id: Option<OrderLineId>,
    pub(in crate::erp::orders) before: &'a str,
    pub(in crate::erp::orders) proposal: &'a str,
    pub(in crate::erp::orders) state: EditState,
    pub(in crate::erp::orders) opened_at: At,
}

/// The edits of an order, oldest first.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, order: OrderId) -> Result<Vec<EditRow>, DbError> {
    Ok(order_edits::table
        .filter(order_edits::order_id.eq(order))
        .order(order_edits::id.asc())
        .select(EditRow::as_select())
        .load(conn)?)
}

/// As [`list`], each with the name of the person who decided.
///
/// # Errors
///
/// The database's.
pub fn list_with_people(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Vec<(EditRow, Option<String>)>, DbError> {
    Ok(order_edits::table
        .left_join(users::table)
        .filter(order_edits::order_id.eq(order))
        .order(order_edits::id.asc())
        .select((EditRow::as_select(), users::name.nullable()))
        .load(conn)?)
}

pub(in crate::erp::orders) fn has_pending(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<bool, DbError> {
    Ok(diesel::select(diesel::dsl::exists(
        order_edits::table
            .filter(order_edits::order_id.eq(order))
            .filter(order_edits::state.eq(EditState::Pending)),
    ))
    .get_result(conn)?)
}

pub(in crate::erp::orders) fn insert(
    conn: &mut DbConnection,
    new: &NewEdit<'_>,
) -> Result<(), DbError> {
    diesel::insert_into(order_edits::table)
        .values(new)
        .execute(conn)?;
    Ok(())
}

/// Ends the edit of a subject that waits, if there is one.
pub(in crate::erp::orders) fn end_pending(
    conn: &mut DbConnection,
    order: OrderId,
    subject: &str,
    state: EditState,
    now: At,
) -> Result<(), DbError> {
    diesel::update(
        order_edits::table
            .filter(order_edits::order_id.eq(order))
            .filter(order_edits::subject.eq(subject))
            .filter(order_edits::state.eq(EditState::Pending)),
    )
    .set((
        order_edits::state.eq(state),
        order_edits::decided_at.eq(Some(now)),
    ))
    .execute(conn)?;
    Ok(())
}

pub(in crate::erp::orders) fn mark_decided(
    conn: &mut DbConnection,
    id: i64,
    state: EditState,
    user: Option<UserId>,
    now: At,
) -> Result<(), DbError> {
    diesel::update(order_edits::table.find(id))
        .set((
            order_edits::state.eq(state),
            order_edits::decided_at.eq(Some(now)),
            order_edits::decided_by.eq(user),
        ))
        .execute(conn)?;
    Ok(())
}

pub(in crate::erp::orders) fn set_address(
    conn: &mut DbConnection,
    order: OrderId,
    address: Option<&str>,
    city: Option<&str>,
) -> Result<(), DbError> {
    diesel::update(orders::table.find(order))
        .set((
            orders::shipping_address.eq(address),
            orders::ship_city.eq(city),
        ))
        .execute(conn)?;
    Ok(())
}

pub(in crate::erp::orders) fn set_method(
    conn: &mut DbConnection,
    order: OrderId,
    method: Option<&str>,
) -> Result<(), DbError> {
    diesel::update(orders::table.find(order))
        .set(orders::shipping_method.eq(method))
        .execute(conn)?;
    Ok(())
}
