//! SQL of `order_cancellations`.
use diesel::prelude::*;

use crate::erp::orders::cancellations::{NewCancellation, Reason, State};
use crate::platform::db::{DbConnection, DbError};
use crate::schema::order_cancellations::{self as t, table};
use crate::types::{At, OrderId};

/// A cancellation that a person asked for.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = t)]
pub struct CancellationRow {
    pub id: i64,
    pub order_id: OrderId,
    pub reason: Reason,
    pub refund: bool,
    pub restock: bool,
    pub notify: bool,
    pub state: State,
    pub asked_at: At,
    pub sent_at: Option<At>,
    /// The channel's job that carries it out.
    pub job_external_id: Option<String>,
    /// Why the channel would not.
    pub answer: Option<String>,
}

pub(in crate::erp::orders) fn insert(
    conn: &mut DbConnection,
    new: &NewCancellation,
    now: At,
) -> Result<i64, DbError> {
    Ok(diesel::insert_into(table)
        .values((
            t::order_id.eq(new.order),
            t::reason.eq(new.reason),
            t::refund.eq(new.refund),
            t::restock.eq(new.restock),
            t::notify.eq(new.notify),
            t::state.eq(State::Asked),
            t::asked_at.eq(now),
            t::asked_by.eq(new.user),
        ))
        .returning(t::id)
        .get_result(conn)?)
}

/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, id: i64) -> Result<Option<CancellationRow>, DbError> {
    Ok(table
        .find(id)
        .select(CancellationRow::as_select())
        .first(conn)
        .optional()?)
}

/// The cancellation of an order that is under way.
///
/// # Errors
///
/// The database's.
pub fn find_open(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Option<CancellationRow>, DbError> {
    Ok(table
        .filter(t::order_id.eq(order))
        .filter(t::state.eq_any([State::Asked, State::Sent]))
        .select(CancellationRow::as_select())
        .first(conn)
        .optional()?)
}

/// The last cancellation of an order, however it ended.
///
/// # Errors
///
/// The database's.
pub fn find_last(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Option<CancellationRow>, DbError> {
    Ok(table
        .filter(t::order_id.eq(order))
        .order(t::id.desc())
        .select(CancellationRow::as_select())
        .first(conn)
        .optional()?)
}

/// Committed before the channel is called: whatever dies from here on, the next run looks first.
///
/// # Errors
///
/// The database's.
pub fn mark_sent(conn: &mut DbConnection, id: i64, now: At) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set((t::state.eq(State::Sent), t::sent_at.eq(Some(now))))
        .execute(conn)?;
    Ok(())
}

/// It did not arrive: it may be sent once more.
///
/// # Errors
///
/// The database's.
pub fn mark_unsent(conn: &mut DbConnection, id: i64) -> Result<(), DbError> {
    diesel::update(table.find(id).filter(t::state.eq(State::Sent)))
        .set(t::state.eq(State::Asked))
        .execute(conn)?;
    Ok(())
}

/// # Errors
///
/// The database's.
pub fn set_job(conn: &mut DbConnection, id: i64, job: &str) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set(t::job_external_id.eq(Some(job)))
        .execute(conn)?;
    Ok(())
}

pub(in crate::erp::orders) fn mark_finished(
    conn: &mut DbConnection,
    id: i64,
    state: State,
    answer: Option<&str>,
    now: At,
) -> Result<bool, DbError> {
    let open = table
        .find(id)
        .filter(t::state.eq_any([State::Asked, State::Sent]));
    let rows = diesel::update(open)
        .set((
            t::state.eq(state),
            t::answer.eq(answer),
            t::finished_at.eq(Some(now)),
        ))
        .execute(conn)?;
    Ok(rows > 0)
}
