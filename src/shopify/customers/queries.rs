//! SQL of `shopify_customers`.
use diesel::prelude::*;

use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_customers;
use crate::types::{At, ContactId, ShopId};
use crate::{insert_rows, native};

#[derive(Queryable, Selectable)]
#[diesel(table_name = shopify_customers)]
pub(super) struct Link {
    pub(super) contact_id: ContactId,
    pub(super) source_updated_at: At,
    pub(super) deleted_at: Option<At>,
}

/// A customer that is about to be known.
#[derive(Insertable)]
#[diesel(table_name = shopify_customers)]
pub(super) struct NewLink<'a> {
    pub(super) shop_id: ShopId,
    pub(super) external_id: &'a str,
    pub(super) contact_id: ContactId,
    pub(super) source_updated_at: At,
}

impl NewLink<'_> {
    /// As it is found once it is written, by its id at Shopify.
    pub(super) fn link(&self) -> (String, Link) {
        let link = Link {
            contact_id: self.contact_id,
            source_updated_at: self.source_updated_at,
            deleted_at: None,
        };
        (self.external_id.to_owned(), link)
    }
}

/// The known ones of these customers, by their ids at Shopify.
pub(super) fn list(
    conn: &mut DbConnection,
    shop: ShopId,
    external_ids: &[&str],
) -> Result<Vec<(String, Link)>, DbError> {
    Ok(shopify_customers::table
        .filter(shopify_customers::shop_id.eq(shop))
        .filter(shopify_customers::external_id.eq_any(external_ids.to_vec()))
        .select((shopify_customers::external_id, Link::as_select()))
        .load(conn)?)
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

pub(super) fn set_updated_at(
    conn: &mut DbConnection,
    shop: ShopId,
    external_id: &str,
    at: At,
) -> Result<(), DbError> {
    let row = shopify_customers::table
        .filter(shopify_customers::shop_id.eq(shop))
        .filter(shopify_customers::external_id.eq(external_id));
    native!(conn, |c| diesel::update(row)
        .set(shopify_customers::source_updated_at.eq(at))
        .prepared()
        .execute(c))?;
    Ok(())
}

pub(super) fn insert(conn: &mut DbConnection, rows: &[NewLink<'_>]) -> Result<(), DbError> {
    insert_rows!(conn, shopify_customers::table, rows)?;
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
    shop: ShopId,
    external_id: &str,
    contact: ContactId,
) -> Result<(), DbError> {
    let row = shopify_customers::table
        .filter(shopify_customers::shop_id.eq(shop))
        .filter(shopify_customers::external_id.eq(external_id));
    diesel::update(row)
        .set(shopify_customers::contact_id.eq(contact))
        .execute(conn)?;
    Ok(())
}
