//! Shopify's customers and the contacts they are with us.
use crate::erp::customers::{self, IncomingCustomer};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, ContactId, ShopId};

mod queries;

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
