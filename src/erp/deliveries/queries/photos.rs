//! SQL of `delivery_photos`.
use diesel::prelude::*;

use crate::erp::deliveries::photos::Photo;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::delivery_photos;
use crate::types::{At, DeliveryId, OrderId, UserId};

/// When a photo was taken, without it.
#[derive(Clone, Debug, Queryable)]
pub struct PhotoRow {
    pub id: i64,
    pub at: At,
}

pub(in crate::erp::deliveries) fn insert(
    conn: &mut DbConnection,
    (delivery, order): (DeliveryId, OrderId),
    photo: &Photo,
    user: Option<UserId>,
    now: At,
) -> Result<(), DbError> {
    diesel::insert_into(delivery_photos::table)
        .values((
            delivery_photos::delivery_id.eq(delivery),
            delivery_photos::order_id.eq(order),
            delivery_photos::at.eq(now),
            delivery_photos::user_id.eq(user),
            delivery_photos::media_type.eq(photo.media_type),
            delivery_photos::picture.eq(photo.bytes.clone()),
        ))
        .execute(conn)?;
    Ok(())
}

pub(in crate::erp::deliveries) fn count(
    conn: &mut DbConnection,
    delivery: DeliveryId,
) -> Result<i64, DbError> {
    Ok(delivery_photos::table
        .filter(delivery_photos::delivery_id.eq(delivery))
        .count()
        .get_result(conn)?)
}

/// The photos of a delivery that were not erased, the oldest first.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, delivery: DeliveryId) -> Result<Vec<PhotoRow>, DbError> {
    Ok(delivery_photos::table
        .filter(delivery_photos::delivery_id.eq(delivery))
        .filter(delivery_photos::picture.ne(Vec::<u8>::new()))
        .order(delivery_photos::id)
        .select((delivery_photos::id, delivery_photos::at))
        .load(conn)?)
}

/// One photo: its kind and its bytes.
///
/// # Errors
///
/// The database's.
pub fn find(
    conn: &mut DbConnection,
    delivery: DeliveryId,
    id: i64,
) -> Result<Option<(String, Vec<u8>)>, DbError> {
    Ok(delivery_photos::table
        .find(id)
        .filter(delivery_photos::delivery_id.eq(delivery))
        .filter(delivery_photos::picture.ne(Vec::<u8>::new()))
        .select((delivery_photos::media_type, delivery_photos::picture))
        .first(conn)
        .optional()?)
}
