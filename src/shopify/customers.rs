//! Shopify's customers and the contacts they are with us.
use std::collections::{HashMap, HashSet};

use crate::erp::customers::companies::{self, IncomingCompany};
use crate::erp::customers::merging::{self, MergeError};
use crate::erp::customers::{self, IncomingCustomer, Match};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::shops::Shop;
use crate::types::{At, ContactId, ShopId};

pub(crate) mod payload;
pub mod queries;
pub(crate) mod rows;

use queries::{Link, NewLink};

/// What became of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merged {
    Done,
    /// We do not know the customer that is gone.
    Unknown,
}

/// How a customer stands to what is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    pub contact: Option<ContactId>,
    pub how: How,
    /// What is told otherwise, as words.
    pub changes: Vec<&'static str>,
}

/// How a customer is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By the number that the store has for them.
    Known,
    Recognised(Match),
    New,
}

/// How these customers stand to what is here, before they are received.
///
/// # Errors
///
/// The database's.
pub fn look(
    conn: &mut DbConnection,
    shop: ShopId,
    all: &[&IncomingCustomer],
) -> Result<Vec<Look>, DbError> {
    let ids: Vec<&str> = all.iter().map(|one| one.external_id.as_str()).collect();
    let links = queries::list(conn, shop, &ids)?.into_iter();
    let links: HashMap<String, Link> = links.map(|(id, link, _)| (id, link)).collect();
    let recognised = customers::recognise(conn, all)?;
    let mut looks: Vec<Look> = all
        .iter()
        .zip(recognised)
        .map(|(customer, recognised)| {
            let (contact, how) = match (links.get(&customer.external_id), recognised) {
                (Some(link), _) => (Some(link.contact_id), How::Known),
                (None, Some((contact, by))) => (Some(contact), How::Recognised(by)),
                (None, None) => (None, How::New),
            };
            Look {
                contact,
                how,
                changes: Vec::new(),
            }
        })
        .collect();
    let mut places = Vec::new();
    let mut pairs = Vec::new();
    for (place, (customer, look)) in all.iter().zip(&looks).enumerate() {
        let link = links.get(&customer.external_id);
        let is_old = link.is_some_and(|link| link.deleted_at.is_some() || !is_news(customer, link));
        if let (Some(contact), false) = (look.contact, is_old) {
            places.push(place);
            pairs.push((contact, *customer));
        }
    }
    for (place, changes) in places
        .into_iter()
        .zip(customers::differences(conn, &pairs)?)
    {
        if let Some(look) = looks.get_mut(place) {
            look.changes = changes;
        }
    }
    Ok(looks)
}

/// The contacts that these customers of the shop are; made where there is none, brought up to date where Shopify's copy
/// is newer than what we last saw. By their ids at Shopify.
///
/// # Errors
///
/// The database's.
pub fn receive(
    conn: &mut DbConnection,
    shop: &Shop,
    all: &[&IncomingCustomer],
    now: At,
) -> Result<HashMap<String, ContactId>, DbError> {
    if all.is_empty() {
        return Ok(HashMap::new());
    }
    let (mut links, merged) = known_or_new(conn, shop, all, now)?;
    let mut newer = Vec::new();
    for customer in all {
        let Some(link) = links.get_mut(customer.external_id.as_str()) else {
            continue;
        };
        // Deleted or merged away: what still speaks of it is older.
        if link.deleted_at.is_none() && is_news(customer, link) {
            newer.push((link.contact_id, *customer));
            link.source_updated_at = changed_at(customer);
            link.profiled_at = profiled_at(customer).max(link.profiled_at);
            let seen = (link.source_updated_at, link.profiled_at);
            queries::set_updated_at(conn, shop.id, &customer.external_id, seen)?;
        }
    }
    customers::update_all(conn, &newer)?;
    let heads = customers::resolve(conn, &merged)?;
    let contacts = links.into_iter().map(|(id, link)| {
        let head = heads.get(&link.contact_id);
        (id, head.copied().unwrap_or(link.contact_id))
    });
    Ok(contacts.collect())
}

/// Newer than what was last seen; or as new, and more of it than an order tells, which was not told whole yet.
fn is_news(customer: &IncomingCustomer, link: &Link) -> bool {
    let at = changed_at(customer);
    let says_more = customer.profile.is_some() && at > link.profiled_at;
    at > link.source_updated_at || (says_more && at >= link.source_updated_at)
}

/// Who these customers are with us, by their ids at Shopify; and those of them that were merged into others.
fn known_or_new(
    conn: &mut DbConnection,
    shop: &Shop,
    all: &[&IncomingCustomer],
    now: At,
) -> Result<(HashMap<String, Link>, Vec<ContactId>), DbError> {
    let ids: Vec<&str> = all.iter().map(|one| one.external_id.as_str()).collect();
    let (mut links, mut merged) = (HashMap::new(), Vec::new());
    for (id, link, is_merged) in queries::list(conn, shop.id, &ids)? {
        merged.extend(is_merged.then_some(link.contact_id));
        links.insert(id, link);
    }
    let mut seen = HashSet::new();
    let new: Vec<&IncomingCustomer> = all
        .iter()
        .copied()
        .filter(|one| !links.contains_key(&one.external_id) && seen.insert(&one.external_id))
        .collect();
    if new.is_empty() {
        return Ok((links, merged));
    }
    let contacts = customers::receive(conn, shop.channel, &new, now)?;
    let made: Vec<NewLink<'_>> = new
        .iter()
        .zip(contacts)
        .map(|(customer, contact)| NewLink {
            shop_id: shop.id,
            external_id: &customer.external_id,
            contact_id: contact,
            source_updated_at: changed_at(customer),
            profiled_at: profiled_at(customer),
        })
        .collect();
    queries::insert(conn, &made)?;
    links.extend(made.iter().map(NewLink::link));
    Ok((links, merged))
}

fn changed_at(customer: &IncomingCustomer) -> At {
    customer.updated_at.unwrap_or(At(0))
}

/// When the whole was told; never, where only a part was: messages say neither tags nor consent.
fn profiled_at(customer: &IncomingCustomer) -> At {
    match &customer.profile {
        Some(profile) if profile.tags.is_some() => changed_at(customer),
        Some(_) | None => At(0),
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

/// Merges the customer that is gone into the kept one, as a person would do it here: it can be undone here too. A
/// contact that another store knows as well stays; its orders of this store move.
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
        Some(link) if queries::is_elsewhere(conn, shop.id, gone.contact_id)? => {
            customers::move_orders(conn, shop.channel, gone.contact_id, link.contact_id, now)?;
            queries::set_contact(conn, shop.id, deleted, link.contact_id)?;
        }
        Some(link) => merge_contacts(conn, link.contact_id, gone.contact_id, now)?,
        // What the store next says of it is newer than what we know.
        None => queries::insert(
            conn,
            &[NewLink {
                shop_id: shop.id,
                external_id: kept,
                contact_id: gone.contact_id,
                source_updated_at: At(0),
                profiled_at: At(0),
            }],
        )?,
    }
    queries::mark_deleted(conn, shop.id, deleted, now)?;
    Ok(Merged::Done)
}

fn merge_contacts(
    conn: &mut DbConnection,
    kept: ContactId,
    gone: ContactId,
    now: At,
) -> Result<(), DbError> {
    let heads = customers::resolve(conn, &[kept, gone])?;
    let head = |one: ContactId| heads.get(&one).copied().unwrap_or(one);
    match merging::merge(conn, (head(kept), head(gone)), None, None, now) {
        Err(MergeError::Db(error)) => Err(error),
        // Somebody here was quicker: they are one already.
        Ok(_)
        | Err(
            MergeError::NotFound
            | MergeError::Same
            | MergeError::Merged(_)
            | MergeError::Undone
            | MergeError::BuiltOn
            | MergeError::TooLate,
        ) => Ok(()),
    }
}

/// A company of the store, with its locations and the people who buy for it. Returns whether it is new here.
///
/// # Errors
///
/// The database's.
pub fn receive_company(
    conn: &mut DbConnection,
    shop: &Shop,
    company: &IncomingCompany,
    people: &[String],
    now: At,
) -> Result<bool, DbError> {
    let known = queries::find_company(conn, shop.id, &company.external_id)?;
    let changed_at = company.updated_at.unwrap_or(At(0));
    let ids: Vec<&str> = people.iter().map(String::as_str).collect();
    let people = queries::list(conn, shop.id, &ids)?;
    let people: Vec<ContactId> = people
        .into_iter()
        .map(|(_, link, _)| link.contact_id)
        .collect();
    let is_known = known.is_some();
    let account = known.map(|(account, _)| account);
    let account = companies::receive(conn, account, company, &people, now)?;
    queries::keep_company(conn, shop.id, &company.external_id, account, changed_at)?;
    Ok(!is_known)
}
