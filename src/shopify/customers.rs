//! Shopify's customers and the contacts they are with us.
use std::collections::{HashMap, HashSet};

use crate::erp::customers::{self, IncomingCustomer};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::shops::Shop;
use crate::types::{At, ContactId, ShopId};

pub(crate) mod payload;
mod queries;

use queries::{Link, NewLink};

/// What became of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merged {
    Done,
    /// We do not know the customer that is gone.
    Unknown,
}

/// The contacts that these customers of the shop are; made where there is none, brought up to date where Shopify's copy
/// is newer than what we last saw. By their ids at Shopify.
///
/// # Errors
///
/// The database's.
pub fn receive(
    conn: &mut DbConnection,
    shop: ShopId,
    all: &[&IncomingCustomer],
    now: At,
) -> Result<HashMap<String, ContactId>, DbError> {
    if all.is_empty() {
        return Ok(HashMap::new());
    }
    let mut links = known_or_new(conn, shop, all, now)?;
    for customer in all {
        let Some(link) = links.get_mut(customer.external_id.as_str()) else {
            continue;
        };
        let changed_at = changed_at(customer);
        // Deleted or merged away: what still speaks of it is older.
        if link.deleted_at.is_none() && changed_at > link.source_updated_at {
            customers::update(conn, link.contact_id, customer)?;
            queries::set_updated_at(conn, shop, &customer.external_id, changed_at)?;
            link.source_updated_at = changed_at;
        }
    }
    let contacts = links.into_iter().map(|(id, link)| (id, link.contact_id));
    Ok(contacts.collect())
}

/// Who these customers are with us, by their ids at Shopify.
fn known_or_new(
    conn: &mut DbConnection,
    shop: ShopId,
    all: &[&IncomingCustomer],
    now: At,
) -> Result<HashMap<String, Link>, DbError> {
    let ids: Vec<&str> = all.iter().map(|one| one.external_id.as_str()).collect();
    let links = queries::list(conn, shop, &ids)?;
    let mut links: HashMap<String, Link> = links.into_iter().collect();
    let mut seen = HashSet::new();
    let new: Vec<&IncomingCustomer> = all
        .iter()
        .copied()
        .filter(|one| !links.contains_key(&one.external_id) && seen.insert(&one.external_id))
        .collect();
    if new.is_empty() {
        return Ok(links);
    }
    let contacts = customers::receive(conn, &new, now)?;
    let made: Vec<NewLink<'_>> = new
        .iter()
        .zip(contacts)
        .map(|(customer, contact)| NewLink {
            shop_id: shop,
            external_id: &customer.external_id,
            contact_id: contact,
            source_updated_at: changed_at(customer),
        })
        .collect();
    queries::insert(conn, &made)?;
    links.extend(made.iter().map(NewLink::link));
    Ok(links)
}

fn changed_at(customer: &IncomingCustomer) -> At {
    customer.updated_at.unwrap_or(At(0))
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
            queries::set_contact(conn, shop.id, deleted, link.contact_id)?;
        }
        // What the store next says of it is newer than what we know.
        None => queries::insert(
            conn,
            &[NewLink {
                shop_id: shop.id,
                external_id: kept,
                contact_id: gone.contact_id,
                source_updated_at: At(0),
            }],
        )?,
    }
    queries::mark_deleted(conn, shop.id, deleted, now)?;
    Ok(Merged::Done)
}
