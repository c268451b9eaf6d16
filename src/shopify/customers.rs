//! Shopify's customers and the contacts they are with us.
use crate::erp::customers::{self, IncomingCustomer};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::shops::Shop;
use crate::types::{At, ContactId, ShopId};

pub(crate) mod payload;
mod queries;

/// What became of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merged {
    Done,
    /// We do not know the customer that is gone.
    Unknown,
}

/// The contact that this customer of the shop is; made where there is none, brought up to date where
/// Shopify's copy is newer than what we last saw.
///
/// # Errors
///
/// The database's.
pub fn receive(
    conn: &mut DbConnection,
    shop: ShopId,
    customer: &IncomingCustomer,
    now: At,
) -> Result<ContactId, DbError> {
    let changed_at = customer.updated_at.unwrap_or(At(0));
    match queries::find(conn, shop, &customer.external_id)? {
        // Deleted or merged away: what still speaks of it is older.
        Some(link) if link.deleted_at.is_some() => Ok(link.contact_id),
        Some(link) if changed_at <= link.source_updated_at => Ok(link.contact_id),
        Some(link) => {
            let contact = customers::receive(conn, customer, Some(link.contact_id), now)?;
            queries::set_updated_at(conn, link.id, changed_at)?;
            Ok(contact)
        }
        None => {
            let contact = customers::receive(conn, customer, None, now)?;
            queries::insert(conn, shop, &customer.external_id, contact, changed_at)?;
            Ok(contact)
        }
    }
}

/// Remembers that the store has deleted a customer: the contact stays as it is, and nothing older changes it.
///
/// # Errors
///
/// The database's.
pub fn delete(
    conn: &mut DbConnection,
    shop: ShopId,
    external_id: &str,
    now: At,
) -> Result<(), DbError> {
    queries::mark_deleted(conn, shop, external_id, now)
}

/// Lets the customer that was merged away be the contact that the kept one is, orders included.
///
/// # Errors
///
/// The database's.
pub fn merge(
    conn: &mut DbConnection,
    shop: &Shop,
    kept: &str,
    deleted: &str,
    now: At,
) -> Result<Merged, DbError> {
    let Some(gone) = queries::find(conn, shop.id, deleted)? else {
        return Ok(Merged::Unknown);
    };
    match queries::find(conn, shop.id, kept)? {
        Some(link) => {
            customers::move_orders(conn, shop.channel, gone.contact_id, link.contact_id, now)?;
            queries::set_contact(conn, gone.id, link.contact_id)?;
        }
        // What the store next says of it is newer than what we know.
        None => queries::insert(conn, shop.id, kept, gone.contact_id, At(0))?,
    }
    queries::mark_deleted(conn, shop.id, deleted, now)?;
    Ok(Merged::Done)
}
