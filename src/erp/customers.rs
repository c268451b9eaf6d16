//! Who buys: accounts (a company or a household) and the contacts that belong to them.
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::erp::changes;
use crate::platform::db::queries::take_ids;
use crate::platform::db::{DbConnection, DbError};
use crate::types::{AccountId, At, ChannelId, ContactId};

pub mod queries;

use queries::ContactFacts;

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

/// What a channel knows about a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct IncomingCustomer {
    pub external_id: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub company: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// When the channel last changed it: no part of an order's digest.
    #[serde(skip)]
    pub updated_at: Option<At>,
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

/// The contacts with these customers' e-mail addresses, brought up to date; made with their accounts where there are
/// none. In the order of the customers.
///
/// # Errors
///
/// The database's.
pub fn receive(
    conn: &mut DbConnection,
    customers: &[&IncomingCustomer],
    now: At,
) -> Result<Vec<ContactId>, DbError> {
    let facts: Vec<ContactFacts> = customers.iter().map(|one| facts(one)).collect();
    let emails: Vec<&str> = facts
        .iter()
        .filter_map(|one| one.email_normal.as_deref())
        .collect();
    let mut known = queries::list_by_email(conn, &emails)?;
    let new = count_new(&facts, &known);
    let [mut accounts, mut contacts] = take_ids(conn, [("accounts", new), ("contacts", new)])?;
    let (mut new_accounts, mut new_contacts) = (Vec::new(), Vec::new());
    let (mut updates, mut found) = (Vec::new(), Vec::with_capacity(customers.len()));
    for (customer, facts) in customers.iter().zip(facts) {
        if let Some(contact) = facts.email_normal.as_ref().and_then(|it| known.get(it)) {
            found.push(*contact);
            updates.push((*contact, facts));
            continue;
        }
        let (Some(account), Some(contact)) = (accounts.next(), contacts.next()) else {
            break;
        };
        let (account, contact) = (AccountId(account), ContactId(contact));
        if let Some(email) = &facts.email_normal {
            known.insert(email.clone(), contact);
        }
        new_accounts.push(queries::NewAccount::new(account, &name(customer), now));
        new_contacts.push(queries::NewContact::new(contact, account, facts, now));
        found.push(contact);
    }
    queries::insert(conn, &new_accounts, &new_contacts)?;
    for (contact, facts) in updates {
        queries::update(conn, contact, &facts)?;
    }
    Ok(found)
}

/// Brings a contact up to date with what a channel knows of it.
///
/// # Errors
///
/// The database's.
pub fn update(
    conn: &mut DbConnection,
    contact: ContactId,
    customer: &IncomingCustomer,
) -> Result<(), DbError> {
    queries::update(conn, contact, &facts(customer))
}

fn facts(customer: &IncomingCustomer) -> ContactFacts {
    ContactFacts {
        first_name: customer.first_name.clone(),
        last_name: customer.last_name.clone(),
        email_normal: customer.email.as_deref().map(normal_email),
        email: customer.email.clone(),
        phone_normal: customer.phone.as_deref().map(normal_phone),
        phone: customer.phone.clone(),
    }
}

fn name(customer: &IncomingCustomer) -> String {
    customer
        .company
        .clone()
        .or_else(|| customer.full_name())
        .or_else(|| customer.email.clone())
        .unwrap_or_else(|| "No name".to_owned())
}

/// How many of them have no contact yet: two with one address are one.
fn count_new(facts: &[ContactFacts], known: &HashMap<String, ContactId>) -> usize {
    let emails = facts.iter().filter_map(|one| one.email_normal.as_ref());
    let new: HashSet<&String> = emails.filter(|email| !known.contains_key(*email)).collect();
    let nameless = facts.iter().filter(|one| one.email_normal.is_none());
    new.len() + nameless.count()
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

/// Trimmed and in lower case: what two spellings of one address have in common.
#[must_use]
pub fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Its digits, and the plus sign in front.
#[must_use]
pub fn normal_phone(phone: &str) -> String {
    phone
        .chars()
        .enumerate()
        .filter(|(place, sign)| sign.is_ascii_digit() || (*place == 0 && *sign == '+'))
        .map(|(_place, sign)| sign)
        .collect()
}
