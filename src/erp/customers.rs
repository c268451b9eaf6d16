//! Who buys: accounts (a company or a household) and the contacts that belong to them.
use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::erp::changes;
use crate::platform::db::queries::take_ids;
use crate::platform::db::{DbConnection, DbError};
use crate::types::{AccountId, At, ChannelId, ContactId};

pub mod companies;
pub mod duplicates;
pub mod keys;
pub mod merging;
pub mod queries;
pub mod search;

use queries::{ContactFacts, KeptAddress};

/// What an account is called that nobody has a name for.
const NAMELESS: &str = "No name";

/// Where to send to or to bill; kept with the order as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    pub name: Option<String>,
    pub company: Option<String>,
    pub address1: Option<String>,
    pub address2: Option<String>,
    pub zip: Option<String>,
    pub city: Option<String>,
    pub province: Option<String>,
    pub province_code: Option<String>,
    pub country: Option<String>,
    pub country_code: Option<String>,
    pub phone: Option<String>,
}

impl Address {
    /// As it is written on paper, empty lines left out.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let place = [
            self.city.as_deref(),
            self.province_code.as_deref(),
            self.zip.as_deref(),
        ];
        let place: Vec<&str> = place.into_iter().flatten().collect();
        [
            self.name.clone(),
            self.company.clone(),
            self.address1.clone(),
            self.address2.clone(),
            Some(place.join(" ")),
            self.country.clone().or_else(|| self.country_code.clone()),
        ]
        .into_iter()
        .flatten()
        .filter(|line| !line.trim().is_empty())
        .collect()
    }

    /// `Ann Arbor, MI`; the country's code where there is no province.
    #[must_use]
    pub fn short(&self) -> Option<String> {
        let region = self.province_code.as_ref().or(self.country_code.as_ref());
        match (&self.city, region) {
            (Some(city), Some(region)) => Some(format!("{city}, {region}")),
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        }
    }
}

crate::text_enum! {
    /// Who trades with us.
    AccountKind {
        /// Somebody who buys for themselves.
        Person = "person",
        Company = "company",
    }
}

/// What a channel knows about a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct IncomingCustomer {
    pub external_id: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub company: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// When the channel last changed it: no part of an order's digest, and nothing below is.
    #[serde(skip)]
    pub updated_at: Option<At>,
    /// Of where they live.
    #[serde(skip)]
    pub zip: Option<String>,
    /// What the customer's own record says beyond what an order repeats of it.
    #[serde(skip)]
    pub profile: Option<Profile>,
}

/// A customer's own record; what is `None` was not told and stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    pub note: Option<String>,
    pub tags: Option<Vec<String>>,
    pub locale: Option<String>,
    pub email_consent: Option<Consent>,
    pub sms_consent: Option<Consent>,
    /// All of them.
    pub addresses: Option<Vec<IncomingAddress>>,
}

/// Whether somebody may be written to, and since when; in the channel's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// `subscribed`, `not_subscribed`, `unsubscribed`, `pending` ...
    pub state: String,
    /// `single_opt_in`, `confirmed_opt_in`, `unknown`.
    pub level: Option<String>,
    pub at: Option<At>,
}

/// One of a customer's addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncomingAddress {
    pub external_id: String,
    pub is_default: bool,
    pub address: Address,
}

impl IncomingCustomer {
    /// First and last name, whichever there are.
    #[must_use]
    pub fn full_name(&self) -> Option<String> {
        let both = [self.first_name.as_deref(), self.last_name.as_deref()];
        let name = both.into_iter().flatten().collect::<Vec<_>>().join(" ");
        (!name.trim().is_empty()).then(|| name.trim().to_owned())
    }
}

/// The contacts that these customers are, by their e-mail address or else by their phone number, brought up to date;
/// made with their accounts where there are none. In the order of the customers.
///
/// # Errors
///
/// The database's.
pub fn receive(
    conn: &mut DbConnection,
    channel: ChannelId,
    customers: &[&IncomingCustomer],
    now: At,
) -> Result<Vec<ContactId>, DbError> {
    let facts: Vec<ContactFacts> = customers.iter().map(|one| facts(one)).collect();
    let mut known = Known::load(conn, &facts)?;
    let new = facts.iter().filter(|one| known.find(one).is_none()).count();
    let [mut accounts, mut contacts] = take_ids(conn, [("accounts", new), ("contacts", new)])?;
    let (mut new_accounts, mut new_contacts) = (Vec::new(), Vec::new());
    let (mut made, mut updates) = (Vec::new(), Vec::new());
    let mut found = Vec::with_capacity(customers.len());
    for (customer, facts) in customers.iter().zip(facts) {
        if let Some((contact, _how)) = known.find(&facts) {
            found.push(contact);
            updates.push((contact, *customer));
            continue;
        }
        let (Some(account), Some(contact)) = (accounts.next(), contacts.next()) else {
            break;
        };
        let (account, contact) = (AccountId(account), ContactId(contact));
        known.add(&facts, contact);
        made.push((contact, search::words(&facts, customer)));
        new_accounts.push(queries::NewAccount::new(account, &name(customer), now));
        new_contacts.push(queries::NewContact::new(
            contact, account, channel, facts, now,
        ));
        found.push(contact);
    }
    queries::insert(conn, &new_accounts, &new_contacts)?;
    queries::search::insert(conn, &made)?;
    let made: HashSet<ContactId> = made.into_iter().map(|(contact, _words)| contact).collect();
    let pairs = found.iter().copied().zip(customers.iter().copied());
    let of_new: Vec<_> = pairs
        .filter(|(contact, _)| made.contains(contact))
        .collect();
    keep_addresses(conn, &of_new)?;
    update_all(conn, &updates)?;
    Ok(found)
}

/// By what a customer was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    Email,
    Phone,
}

/// Who these customers would be taken for.
///
/// # Errors
///
/// The database's.
pub fn recognise(
    conn: &mut DbConnection,
    customers: &[&IncomingCustomer],
) -> Result<Vec<Option<(ContactId, Match)>>, DbError> {
    let facts: Vec<ContactFacts> = customers.iter().map(|one| facts(one)).collect();
    let known = Known::load(conn, &facts)?;
    Ok(facts.iter().map(|one| known.find(one)).collect())
}

/// The contacts that share an e-mail address or a phone number with somebody. Exact matches alone: a search would find
/// strangers.
struct Known {
    by_email: HashMap<String, ContactId>,
    /// With whether they have an e-mail address.
    by_phone: HashMap<String, (ContactId, bool)>,
}

impl Known {
    fn load(conn: &mut DbConnection, facts: &[ContactFacts]) -> Result<Known, DbError> {
        let emails: Vec<&str> = facts.iter().filter_map(ContactFacts::email_key).collect();
        let by_email = queries::list_by_email(conn, &emails)?;
        let phones: Vec<&str> = facts
            .iter()
            .filter(|one| {
                let email = one.email_key();
                email.is_none_or(|email| !by_email.contains_key(email))
            })
            .filter_map(ContactFacts::phone_key)
            .collect();
        let by_phone = queries::list_by_phone(conn, &phones)?;
        Ok(Known { by_email, by_phone })
    }

    fn find(&self, facts: &ContactFacts) -> Option<(ContactId, Match)> {
        let email = facts.email_key();
        if let Some(contact) = email.and_then(|email| self.by_email.get(email)) {
            return Some((*contact, Match::Email));
        }
        let (contact, has_email) = self.by_phone.get(facts.phone_key()?)?;
        // Two e-mail addresses are two people who share a phone, until somebody says otherwise.
        (email.is_none() || !has_email).then_some((*contact, Match::Phone))
    }

    fn add(&mut self, facts: &ContactFacts, contact: ContactId) {
        if let Some(email) = facts.email_key() {
            self.by_email.insert(email.to_owned(), contact);
        }
        if let Some(phone) = facts.phone_key() {
            let place = self.by_phone.entry(phone.to_owned());
            place.or_insert((contact, facts.email_key().is_some()));
        }
    }
}

/// Brings contacts up to date with what a channel knows of them; returns those that were otherwise.
///
/// # Errors
///
/// The database's.
pub fn update_all(
    conn: &mut DbConnection,
    all: &[(ContactId, &IncomingCustomer)],
) -> Result<HashSet<ContactId>, DbError> {
    let mut changed = HashSet::new();
    if all.is_empty() {
        return Ok(changed);
    }
    let ids: Vec<ContactId> = all.iter().map(|(contact, _)| *contact).collect();
    let current = queries::list_facts(conn, &ids)?;
    for (contact, customer) in all {
        let newer = facts(customer);
        let Some(ours) = current.get(contact) else {
            continue;
        };
        let differing = ours.differing(&newer);
        if !differing.is_empty() {
            queries::update(conn, *contact, &newer)?;
            changed.insert(*contact);
        }
        if differing.iter().any(|word| word.ends_with("name")) {
            queries::rename_person(conn, *contact, &name(customer))?;
        }
    }
    changed.extend(keep_addresses(conn, all)?);
    let touched: Vec<ContactId> = changed.iter().copied().collect();
    search::refresh(conn, &touched)?;
    Ok(changed)
}

/// What a channel says otherwise of each of these contacts, as words: `phone`, `tags`.
///
/// # Errors
///
/// The database's.
pub fn differences(
    conn: &mut DbConnection,
    all: &[(ContactId, &IncomingCustomer)],
) -> Result<Vec<Vec<&'static str>>, DbError> {
    let ids: Vec<ContactId> = all.iter().map(|(contact, _)| *contact).collect();
    let current = queries::list_facts(conn, &ids)?;
    let mut kept: HashMap<ContactId, Vec<KeptAddress>> = HashMap::new();
    for row in queries::list_addresses(conn, &ids)? {
        kept.entry(row.contact_id).or_default().push(row.kept);
    }
    let mut told = Vec::new();
    for (contact, customer) in all {
        let ours = current.get(contact);
        let mut words = ours.map_or_else(Vec::new, |ours| ours.differing(&facts(customer)));
        let known = kept.get(contact).map_or(&[][..], Vec::as_slice);
        if addresses(customer).is_some_and(|wanted| wanted != known) {
            words.push("addresses");
        }
        told.push(words);
    }
    Ok(told)
}

/// Keeps the addresses that customers tell of; returns the contacts that had others.
fn keep_addresses(
    conn: &mut DbConnection,
    all: &[(ContactId, &IncomingCustomer)],
) -> Result<HashSet<ContactId>, DbError> {
    let told = all.iter();
    let wanted: HashMap<ContactId, Vec<KeptAddress>> = told
        .filter_map(|(contact, customer)| Some((*contact, addresses(customer)?)))
        .collect();
    if wanted.is_empty() {
        return Ok(HashSet::new());
    }
    queries::replace_addresses(conn, &wanted)
}

/// The addresses of these contacts, the default ones first: whether it is one, and the address.
///
/// # Errors
///
/// The database's.
pub fn addresses_of(
    conn: &mut DbConnection,
    contacts: &[ContactId],
) -> Result<Vec<(bool, Address)>, DbError> {
    let mut found: Vec<(bool, Address)> = Vec::new();
    for row in queries::list_addresses(conn, contacts)? {
        let address: Address = serde_json::from_str(&row.kept.address).unwrap_or_default();
        let is_new = !found.iter().any(|(_, known)| *known == address);
        if is_new && !address.lines().is_empty() {
            found.push((row.kept.is_default, address));
        }
    }
    found.sort_by_key(|(is_default, _)| !is_default);
    Ok(found)
}

/// A customer's addresses as they are kept, in the order of their ids.
fn addresses(customer: &IncomingCustomer) -> Option<Vec<KeptAddress>> {
    let told = customer.profile.as_ref()?.addresses.as_ref()?;
    let mut kept: Vec<KeptAddress> = told
        .iter()
        .map(|one| KeptAddress {
            external_id: one.external_id.clone(),
            is_default: one.is_default,
            address: serde_json::to_string(&one.address).unwrap_or_default(),
        })
        .collect();
    kept.sort_by(|one, other| one.external_id.cmp(&other.external_id));
    kept.dedup_by(|one, other| one.external_id == other.external_id);
    Some(kept)
}

fn facts(customer: &IncomingCustomer) -> ContactFacts {
    let profile = customer.profile.clone().unwrap_or_default();
    let name = customer.full_name();
    let (email_consent, sms_consent) = (profile.email_consent, profile.sms_consent);
    ContactFacts {
        first_name: customer.first_name.clone(),
        last_name: customer.last_name.clone(),
        email_normal: customer
            .email
            .as_deref()
            .map(|email| keys::email(email).unwrap_or_default()),
        email: customer.email.clone(),
        phone_normal: customer
            .phone
            .as_deref()
            .map(|phone| keys::phone(phone).unwrap_or_default()),
        phone: customer.phone.clone(),
        note: profile.note,
        tags: profile.tags.map(|tags| listed(&tags)),
        locale: profile.locale,
        email_consent_level: email_consent.as_ref().and_then(|it| it.level.clone()),
        email_consent_at: email_consent.as_ref().and_then(|it| it.at),
        email_consent: email_consent.map(|it| it.state),
        sms_consent_level: sms_consent.as_ref().and_then(|it| it.level.clone()),
        sms_consent_at: sms_consent.as_ref().and_then(|it| it.at),
        sms_consent: sms_consent.map(|it| it.state),
        name_zip: name
            .zip(customer.zip.as_deref())
            .and_then(|(name, zip)| search::name_zip(&name, zip)),
    }
}

/// Tags are a set: their order says nothing.
fn listed(tags: &[String]) -> String {
    let tags: BTreeSet<&str> = tags.iter().map(|tag| tag.trim()).collect();
    let tags: Vec<&str> = tags.into_iter().filter(|tag| !tag.is_empty()).collect();
    tags.join(", ")
}

fn name(customer: &IncomingCustomer) -> String {
    customer
        .company
        .clone()
        .or_else(|| customer.full_name())
        .or_else(|| customer.email.clone())
        .unwrap_or_else(|| NAMELESS.to_owned())
}

/// Who each of these contacts is by now: whom it was merged into, or itself.
///
/// # Errors
///
/// The database's.
pub fn resolve(
    conn: &mut DbConnection,
    contacts: &[ContactId],
) -> Result<HashMap<ContactId, ContactId>, DbError> {
    let mut found: HashMap<ContactId, ContactId> = contacts.iter().map(|id| (*id, *id)).collect();
    let mut ids: HashSet<ContactId> = found.keys().copied().collect();
    while !ids.is_empty() {
        let asked: Vec<ContactId> = ids.drain().collect();
        let merged: HashMap<ContactId, ContactId> = queries::list_merged(conn, &asked)?;
        for now in found.values_mut() {
            if let Some(into) = merged.get(now) {
                *now = *into;
                ids.insert(*into);
            }
        }
    }
    Ok(found)
}

/// A contact and everybody who was merged into it.
///
/// # Errors
///
/// The database's.
pub fn family(conn: &mut DbConnection, contact: ContactId) -> Result<Vec<ContactId>, DbError> {
    let mut family = vec![contact];
    let mut newest = family.clone();
    while !newest.is_empty() {
        newest = queries::list_merged_into(conn, &newest)?;
        newest.retain(|one| !family.contains(one));
        family.extend(&newest);
    }
    Ok(family)
}

/// Gives a contact's orders of one channel to another contact: they were one person all along.
///
/// # Errors
///
/// The database's.
pub fn move_orders(
    conn: &mut DbConnection,
    channel: ChannelId,
    from: ContactId,
    to: ContactId,
    now: At,
) -> Result<(), DbError> {
    if from == to {
        return Ok(());
    }
    let moved = queries::set_contact_of_orders(conn, channel, from, to)?;
    changes::record_all(conn, "order", &moved, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_a_set() {
        let tags = ["vip", " tea", "vip", ""].map(str::to_owned);
        assert_eq!(listed(&tags), "tea, vip");
    }
}
