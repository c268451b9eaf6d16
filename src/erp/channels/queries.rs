//! SQL of `channels` and `sellers`.
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::{channels, sellers};
use crate::types::{ChannelId, SellerId};

pub(crate) fn find(
    conn: &mut DbConnection,
    kind: &str,
    name: &str,
) -> Result<Option<ChannelId>, DbError> {
    Ok(channels::table
        .filter(channels::kind.eq(kind))
        .filter(channels::name.eq(name))
        .select(channels::id)
        .first(conn)
        .optional()?)
}

pub(crate) fn insert(
    conn: &mut DbConnection,
    seller: SellerId,
    kind: &str,
    name: &str,
    time_zone: &str,
) -> Result<ChannelId, DbError> {
    Ok(diesel::insert_into(channels::table)
        .values((
            channels::seller_id.eq(seller),
            channels::kind.eq(kind),
            channels::name.eq(name),
            channels::time_zone.eq(time_zone),
        ))
        .returning(channels::id)
        .get_result(conn)?)
}

pub(crate) fn set_time_zone(
    conn: &mut DbConnection,
    id: ChannelId,
    time_zone: &str,
) -> Result<(), DbError> {
    diesel::update(channels::table.find(id))
        .set(channels::time_zone.eq(time_zone))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn first_seller(conn: &mut DbConnection) -> Result<Option<SellerId>, DbError> {
    Ok(sellers::table
        .order(sellers::id)
        .select(sellers::id)
        .first(conn)
        .optional()?)
}

pub(crate) fn insert_seller(
    conn: &mut DbConnection,
    name: &str,
    time_zone: &str,
) -> Result<SellerId, DbError> {
    Ok(diesel::insert_into(sellers::table)
        .values((sellers::name.eq(name), sellers::time_zone.eq(time_zone)))
        .returning(sellers::id)
        .get_result(conn)?)
}
