//! SQL of `deliveries`, `delivery_lines` and `delivery_assignments`.
use diesel::prelude::*;

use super::flow::State;
use crate::erp::orders::incoming::PaymentState;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{deliveries, delivery_assignments, delivery_lines};
use crate::types::{At, ChannelId, Currency, DeliveryId, OrderId, OrderLineId, ShipmentId, UserId};

pub mod drivers;
pub mod facts;
pub mod list;
pub mod log;
pub mod photos;
pub mod rules;
pub mod show;

/// What a delivery says of its order: brought up to date whenever that changes.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = deliveries, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Told {
    /// The channel's number of the order: `#1001`.
    pub order_name: String,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    /// Where to drop it off, as an order keeps an address.
    pub address: Option<String>,
    pub city: Option<String>,
    pub items: String,
    pub note: Option<String>,
    pub payment_state: PaymentState,
    pub currency: Currency,
    pub total_minor: i64,
    pub outstanding_minor: Option<i64>,
}

/// A delivery as stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = deliveries)]
pub struct DeliveryRow {
    pub id: DeliveryId,
    pub public_id: String,
    pub order_id: OrderId,
    pub channel_id: ChannelId,
    #[diesel(embed)]
    pub told: Told,
    pub state: State,
    /// `2026-11-30`
    pub day: String,
    pub driver_id: Option<UserId>,
    /// Its place in the driver's day.
    pub position: i64,
    /// Why it was cancelled.
    pub reason: Option<String>,
    /// Ended by what became of the order, not by hand.
    pub closed_by_order: bool,
    pub dropped_off_at: Option<At>,
    /// What left the shelves with it.
    pub shipment_id: Option<ShipmentId>,
    /// Delivered, but not shipped here: why.
    pub ship_fault: Option<String>,
    pub version: i64,
    pub created_at: At,
    pub changed_at: At,
}

/// A delivery that is about to be made.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = deliveries, treat_none_as_default_value = false)]
pub(super) struct NewDelivery {
    pub(super) public_id: String,
    pub(super) order_id: OrderId,
    pub(super) part: i32,
    pub(super) channel_id: ChannelId,
    #[diesel(embed)]
    pub(super) told: Told,
    pub(super) state: State,
    pub(super) day: String,
    pub(super) position: i64,
    pub(super) reason: Option<String>,
    pub(super) closed_by_order: bool,
    pub(super) dropped_off_at: Option<At>,
    pub(super) created_at: At,
    pub(super) changed_at: At,
}

/// What a move writes; what is `None` is emptied.
#[derive(Clone, Debug, AsChangeset)]
#[diesel(table_name = deliveries, treat_none_as_null = true)]
pub(super) struct Standing {
    pub(super) state: State,
    pub(super) day: String,
    pub(super) driver_id: Option<UserId>,
    pub(super) position: i64,
    pub(super) reason: Option<String>,
    pub(super) closed_by_order: bool,
    pub(super) dropped_off_at: Option<At>,
    pub(super) shipment_id: Option<ShipmentId>,
    pub(super) ship_fault: Option<String>,
}

impl DeliveryRow {
    pub(super) fn standing(&self) -> Standing {
        Standing {
            state: self.state,
            day: self.day.clone(),
            driver_id: self.driver_id,
            position: self.position,
            reason: self.reason.clone(),
            closed_by_order: self.closed_by_order,
            dropped_off_at: self.dropped_off_at,
            shipment_id: self.shipment_id,
            ship_fault: self.ship_fault.clone(),
        }
    }
}

/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, id: DeliveryId) -> Result<Option<DeliveryRow>, DbError> {
    Ok(deliveries::table
        .find(id)
        .select(DeliveryRow::as_select())
        .first(conn)
        .optional()?)
}

/// By the id that programs know.
///
/// # Errors
///
/// The database's.
pub fn find_public(conn: &mut DbConnection, id: &str) -> Result<Option<DeliveryRow>, DbError> {
    Ok(deliveries::table
        .filter(deliveries::public_id.eq(id))
        .select(DeliveryRow::as_select())
        .first(conn)
        .optional()?)
}

/// The deliveries of an order.
///
/// # Errors
///
/// The database's.
pub fn list_of_order(conn: &mut DbConnection, order: OrderId) -> Result<Vec<DeliveryRow>, DbError> {
    Ok(deliveries::table
        .filter(deliveries::order_id.eq(order))
        .order(deliveries::part)
        .select(DeliveryRow::as_select())
        .load(conn)?)
}

/// Finds a delivery and keeps others from changing it until the commit.
pub(super) fn lock(
    conn: &mut DbConnection,
    id: DeliveryId,
) -> Result<Option<DeliveryRow>, DbError> {
    Ok(native!(conn, |c| diesel::update(
        deliveries::table.find(id)
    )
    .set(deliveries::version.eq(deliveries::version))
    .returning(DeliveryRow::as_returning())
    .get_result(c)
    .optional())?)
}

pub(super) fn insert(conn: &mut DbConnection, new: &NewDelivery) -> Result<DeliveryId, DbError> {
    Ok(native!(conn, |c| diesel::insert_into(deliveries::table)
        .values(new)
        .returning(deliveries::id)
        .get_result(c))?)
}

pub(super) fn set_told(
    conn: &mut DbConnection,
    id: DeliveryId,
    told: &Told,
    now: At,
) -> Result<(), DbError> {
    diesel::update(deliveries::table.find(id))
        .set((
            told,
            deliveries::version.eq(deliveries::version + 1),
            deliveries::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

pub(super) fn set_standing(
    conn: &mut DbConnection,
    id: DeliveryId,
    standing: &Standing,
    now: At,
) -> Result<(), DbError> {
    diesel::update(deliveries::table.find(id))
        .set((
            standing,
            deliveries::version.eq(deliveries::version + 1),
            deliveries::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// The last place in a driver's day; 0 where it is empty.
pub(super) fn last_position(
    conn: &mut DbConnection,
    day: &str,
    driver: UserId,
) -> Result<i64, DbError> {
    let last: Option<i64> = deliveries::table
        .filter(deliveries::day.eq(day))
        .filter(deliveries::driver_id.eq(driver))
        .order(deliveries::position.desc())
        .select(deliveries::position)
        .first(conn)
        .optional()?;
    Ok(last.unwrap_or(0))
}

pub(super) fn insert_lines(
    conn: &mut DbConnection,
    delivery: DeliveryId,
    lines: &[OrderLineId],
) -> Result<(), DbError> {
    for line in lines {
        diesel::insert_into(delivery_lines::table)
            .values((
                delivery_lines::delivery_id.eq(delivery),
                delivery_lines::order_line_id.eq(*line),
                delivery_lines::goes_apart.eq(false),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// The lines of a delivery, and whether each goes another way.
pub(super) fn list_lines(
    conn: &mut DbConnection,
    delivery: DeliveryId,
) -> Result<Vec<(OrderLineId, bool)>, DbError> {
    Ok(delivery_lines::table
        .filter(delivery_lines::delivery_id.eq(delivery))
        .order(delivery_lines::id)
        .select((delivery_lines::order_line_id, delivery_lines::goes_apart))
        .load(conn)?)
}

pub(super) fn set_apart(
    conn: &mut DbConnection,
    delivery: DeliveryId,
    line: OrderLineId,
    apart: bool,
) -> Result<(), DbError> {
    let row = delivery_lines::table
        .filter(delivery_lines::delivery_id.eq(delivery))
        .filter(delivery_lines::order_line_id.eq(line));
    diesel::update(row)
        .set(delivery_lines::goes_apart.eq(apart))
        .execute(conn)?;
    Ok(())
}

/// Gives a delivery to a driver. The index refuses a second active one.
pub(super) fn insert_assignment(
    conn: &mut DbConnection,
    delivery: DeliveryId,
    driver: UserId,
    by: Option<UserId>,
    now: At,
) -> Result<(), DbError> {
    diesel::insert_into(delivery_assignments::table)
        .values((
            delivery_assignments::delivery_id.eq(delivery),
            delivery_assignments::driver_id.eq(driver),
            delivery_assignments::assigned_at.eq(now),
            delivery_assignments::assigned_by.eq(by),
        ))
        .execute(conn)?;
    Ok(())
}

/// Ends whatever assignment is active.
pub(super) fn end_assignment(
    conn: &mut DbConnection,
    delivery: DeliveryId,
    reason: &str,
    by: Option<UserId>,
    now: At,
) -> Result<bool, DbError> {
    let active = delivery_assignments::table
        .filter(delivery_assignments::delivery_id.eq(delivery))
        .filter(delivery_assignments::ended_at.is_null());
    let rows = diesel::update(active)
        .set((
            delivery_assignments::ended_at.eq(Some(now)),
            delivery_assignments::ended_by.eq(by),
            delivery_assignments::end_reason.eq(Some(reason)),
        ))
        .execute(conn)?;
    Ok(rows > 0)
}

/// How many assignments a delivery ever had, and how many are active.
///
/// # Errors
///
/// The database's.
pub fn count_assignments(
    conn: &mut DbConnection,
    delivery: DeliveryId,
) -> Result<(i64, i64), DbError> {
    let all = || delivery_assignments::table.filter(delivery_assignments::delivery_id.eq(delivery));
    let ever = all().count().get_result(conn)?;
    let active = all()
        .filter(delivery_assignments::ended_at.is_null())
        .count()
        .get_result(conn)?;
    Ok((ever, active))
}
