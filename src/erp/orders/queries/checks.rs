//! SQL of `order_checks` and `line_places`.
use diesel::prelude::*;

use crate::erp::orders::checks::{Check, Handover, Recommendation, RiskLevel};
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{line_places, locations, order_checks, order_lines};
use crate::types::{At, LocationId, OrderId, OrderLineId};
use crate::{insert_rows, native};

/// What the channel last answered about an order.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = order_checks)]
pub struct CheckRow {
    pub checked_at: At,
    pub delivery_method: Option<Handover>,
    pub risk: Option<RiskLevel>,
    pub recommendation: Option<Recommendation>,
    pub scheduled_for: Option<At>,
    pub pickup: bool,
}

impl CheckRow {
    /// What it says, without when it was asked.
    pub(in crate::erp::orders) fn told(&self) -> CheckRow {
        CheckRow {
            checked_at: At(0),
            ..self.clone()
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = line_places, treat_none_as_default_value = false)]
pub(in crate::erp::orders) struct NewPlace {
    pub(in crate::erp::orders) order_line_id: OrderLineId,
    pub(in crate::erp::orders) location_id: LocationId,
    pub(in crate::erp::orders) quantity: i64,
}

/// From where a line's pieces are to leave.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct PlaceRow {
    pub line: OrderLineId,
    pub location: LocationId,
    pub location_name: String,
    pub quantity: i64,
}

/// What the channel last answered; `None` where it was not asked yet.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, order: OrderId) -> Result<Option<CheckRow>, DbError> {
    Ok(order_checks::table
        .find(order)
        .select(CheckRow::as_select())
        .first(conn)
        .optional()?)
}

/// How those of these orders are handed over whose channel has said it.
///
/// # Errors
///
/// The database's.
pub fn list_handovers(
    conn: &mut DbConnection,
    orders: &[OrderId],
) -> Result<Vec<(OrderId, Handover)>, DbError> {
    Ok(order_checks::table
        .filter(order_checks::order_id.eq_any(orders.to_vec()))
        .filter(order_checks::delivery_method.is_not_null())
        .select((
            order_checks::order_id,
            order_checks::delivery_method.assume_not_null(),
        ))
        .load(conn)?)
}

/// Keeps an answer. What it does not tell stays as it was.
pub(in crate::erp::orders) fn put(
    conn: &mut DbConnection,
    order: OrderId,
    check: &Check,
    now: At,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(order_checks::table)
        .values((
            order_checks::order_id.eq(order),
            order_checks::checked_at.eq(now),
        ))
        .on_conflict(order_checks::order_id)
        .do_update()
        .set(order_checks::checked_at.eq(now))
        .execute(c))?;
    let row = order_checks::table.find(order);
    if let Some(risk) = check.risk {
        diesel::update(row)
            .set((
                order_checks::risk.eq(risk.level),
                order_checks::recommendation.eq(risk.recommendation),
            ))
            .execute(conn)?;
    }
    if let Some(assignment) = &check.assignment {
        diesel::update(row)
            .set((
                order_checks::delivery_method.eq(check.handover),
                order_checks::scheduled_for.eq(assignment.scheduled_for),
                order_checks::pickup.eq(assignment.pickup),
            ))
            .execute(conn)?;
    }
    Ok(())
}

pub(in crate::erp::orders) fn set_others(
    conn: &mut DbConnection,
    line: OrderLineId,
    pieces: i64,
) -> Result<(), DbError> {
    diesel::update(order_lines::table.find(line))
        .set(order_lines::others_quantity.eq(pieces))
        .execute(conn)?;
    Ok(())
}

pub(in crate::erp::orders) fn replace_places(
    conn: &mut DbConnection,
    order: OrderId,
    mut places: Vec<NewPlace>,
) -> Result<(), DbError> {
    let of_order = order_lines::table
        .filter(order_lines::order_id.eq(order))
        .select(order_lines::id);
    diesel::delete(line_places::table.filter(line_places::order_line_id.eq_any(of_order)))
        .execute(conn)?;
    places.retain(|place| place.quantity > 0);
    places.sort_by_key(|place| (place.order_line_id, place.location_id));
    places.dedup_by(|next, kept| {
        let same = (next.order_line_id, next.location_id) == (kept.order_line_id, kept.location_id);
        if same {
            kept.quantity = kept.quantity.saturating_add(next.quantity);
        }
        same
    });
    if !places.is_empty() {
        insert_rows!(conn, line_places::table, places)?;
    }
    Ok(())
}

/// Where the order's lines are to leave from.
///
/// # Errors
///
/// The database's.
pub fn list_places(conn: &mut DbConnection, order: OrderId) -> Result<Vec<PlaceRow>, DbError> {
    Ok(line_places::table
        .inner_join(order_lines::table)
        .inner_join(locations::table)
        .filter(order_lines::order_id.eq(order))
        .order(line_places::id.asc())
        .select((
            line_places::order_line_id,
            line_places::location_id,
            locations::name,
            line_places::quantity,
        ))
        .load(conn)?)
}
