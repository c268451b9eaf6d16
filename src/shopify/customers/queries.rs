//! SQL of `shopify_customers`.
use diesel::prelude::*;

use crate::native;
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_customers;
use crate::types::{At, ContactId, ShopId};

#[derive(Queryable, Selectable)]
#[diesel(table_name = shopify_customers)]
pub(super) struct Link {
    pub(super) id: i64,
    pub(super) contact_id: ContactId,
    pub(super) source_updated_at: At,
    pub(super) deleted_at: Option<At>,
}

pub(super) fn find(
    conn: &mut DbConnection,
    shop: ShopId,
    external_id: &str,
) -> Result<Option<Link>, DbError> {
    Ok(shopify_customers::table
        .filter(shopify_customers::shop_id.eq(shop))
        .filter(shopify_customers::external_id.eq(external_id))
        .select(Link::as_select())
        .first(conn)
        .optional()?)
}

pub(super) fn set_updated_at(conn: &mut DbConnection, id: i64, at: At) -> Result<(), DbError> {
    native!(conn, |c| diesel::update(shopify_customers::table.find(id))
        .set(shopify_customers::source_updated_at.eq(at))
        .prepared()
        .execute(c))?;
    Ok(())
}

pub(super) fn insert(
    conn: &mut DbConnection,
    shop: ShopId,
    external_id: &str,
    contact: ContactId,
    at: At,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(shopify_customers::table)
        .values((
            shopify_customers::shop_id.eq(shop),
            shopify_customers::external_id.eq(external_id),
            shopify_customers::contact_id.eq(contact),
            shopify_customers::source_updated_at.eq(at),
        ))
        .prepared()
        .execute(c))?;
    Ok(())
}

pub(super) fn mark_deleted(
    conn: &mut DbConnection,
    shop: ShopId,
    external_id: &str,
    now: At,
) -> Result<(), DbError> {
    let row = shopify_customers::table
        .filter(shopify_customers::shop_id.eq(shop))
        .filter(shopify_customers::external_id.eq(external_id))
        .filter(shopify_customers::deleted_at.is_null());
    native!(conn, |c| diesel::update(row)
        .set(shopify_customers::deleted_at.eq(Some(now)))
        .prepared()
        .execute(c))?;
    Ok(())
}

pub(super) fn set_contact(
    conn: &mut DbConnection,
    id: i64,
    contact: ContactId,
) -> Result<(), DbError> {
    diesel::update(shopify_customers::table.find(id))
        .set(shopify_customers::contact_id.eq(contact))
        .execute(conn)?;
    Ok(())
}
