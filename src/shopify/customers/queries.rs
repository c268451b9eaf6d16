//! SQL of `shopify_customers` and `shopify_companies`.
use diesel::prelude::*;

use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{contacts, shopify_companies, shopify_customers};
use crate::types::{AccountId, At, ContactId, ShopId};
use crate::{insert_rows, native};

#[derive(Queryable, Selectable)]
#[diesel(table_name = shopify_customers)]
pub(super) struct Link {
    pub(super) contact_id: ContactId,
    pub(super) source_updated_at: At,
    pub(super) deleted_at: Option<At>,
    /// When the whole of it was last told; an order tells a part.
    pub(super) profiled_at: At,
}

/// A customer that is about to be known.
#[derive(Insertable)]
#[diesel(table_name = shopify_customers)]
pub(super) struct NewLink<'a> {
    pub(super) shop_id: ShopId,
    pub(super) external_id: &'a str,
    pub(super) contact_id: ContactId,
    pub(super) source_updated_at: At,
    pub(super) profiled_at: At,
}

impl NewLink<'_> {
    /// As it is found once it is written, by its id at Shopify.
    pub(super) fn link(&self) -> (String, Link) {
        let link = Link {
            contact_id: self.contact_id,
            source_updated_at: self.source_updated_at,
            deleted_at: None,
            profiled_at: self.profiled_at,
        };
        (self.external_id.to_owned(), link)
    }
}

/// The known ones of these customers, by their ids at Shopify, and whether their contact was merged into another.
pub(super) fn list(
    conn: &mut DbConnection,
    shop: ShopId,
    external_ids: &[&str],
) -> Result<Vec<(String, Link, bool)>, DbError> {
    Ok(shopify_customers::table
        .inner_join(contacts::table.on(contacts::id.eq(shopify_customers::contact_id)))
        .filter(shopify_customers::shop_id.eq(shop))
        .filter(shopify_customers::external_id.eq_any(external_ids.to_vec()))
        .select((
            shopify_customers::external_id,
            Link::as_select(),
            contacts::merged_into.is_not_null(),
        ))
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
    (at, profiled_at): (At, At),
) -> Result<(), DbError> {
    let row = shopify_customers::table
        .filter(shopify_customers::shop_id.eq(shop))
        .filter(shopify_customers::external_id.eq(external_id));
    native!(conn, |c| diesel::update(row)
        .set((
            shopify_customers::source_updated_at.eq(at),
            shopify_customers::profiled_at.eq(profiled_at),
        ))
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

/// Whether a contact is a customer of another store as well.
pub(super) fn is_elsewhere(
    conn: &mut DbConnection,
    shop: ShopId,
    contact: ContactId,
) -> Result<bool, DbError> {
    let others = shopify_customers::table
        .filter(shopify_customers::contact_id.eq(contact))
        .filter(shopify_customers::shop_id.ne(shop));
    Ok(diesel::select(diesel::dsl::exists(others)).get_result(conn)?)
}

/// A store that knows a contact.
#[derive(Clone, Debug, Queryable)]
pub struct KnownRow {
    pub shop_id: ShopId,
    /// The number it has there.
    pub external_id: String,
    pub deleted_at: Option<At>,
}

/// The stores that know these contacts.
///
/// # Errors
///
/// The database's.
pub fn list_of_contacts(
    conn: &mut DbConnection,
    contacts: &[ContactId],
) -> Result<Vec<KnownRow>, DbError> {
    Ok(shopify_customers::table
        .filter(shopify_customers::contact_id.eq_any(contacts.to_vec()))
        .order(shopify_customers::id)
        .select((
            shopify_customers::shop_id,
            shopify_customers::external_id,
            shopify_customers::deleted_at,
        ))
        .load(conn)?)
}

/// The account that a company of the store is, and when the store last changed it.
pub(super) fn find_company(
    conn: &mut DbConnection,
    shop: ShopId,
    external_id: &str,
) -> Result<Option<(AccountId, At)>, DbError> {
    Ok(shopify_companies::table
        .filter(shopify_companies::shop_id.eq(shop))
        .filter(shopify_companies::external_id.eq(external_id))
        .select((
            shopify_companies::account_id,
            shopify_companies::source_updated_at,
        ))
        .first(conn)
        .optional()?)
}

pub(super) fn keep_company(
    conn: &mut DbConnection,
    shop: ShopId,
    external_id: &str,
    account: AccountId,
    at: At,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(shopify_companies::table)
        .values((
            shopify_companies::shop_id.eq(shop),
            shopify_companies::external_id.eq(external_id),
            shopify_companies::account_id.eq(account),
            shopify_companies::source_updated_at.eq(at),
        ))
        .on_conflict((shopify_companies::shop_id, shopify_companies::external_id))
        .do_update()
        .set(shopify_companies::source_updated_at.eq(at))
        .execute(c))?;
    Ok(())
}
