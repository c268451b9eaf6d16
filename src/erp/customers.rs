//! Who buys: accounts (a company or a household) and the contacts that belong to them.
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::erp::changes;
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, ChannelId, ContactId};

pub mod queries;

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

/// Brings a known contact up to date, or finds one with the same e-mail address, or makes one with
/// its account.
///
/// # Errors
///
/// The database's.
pub fn receive(
    conn: &mut DbConnection,
    customer: &IncomingCustomer,
    known: Option<ContactId>,
    now: At,
) -> Result<ContactId, DbError> {
    let email = customer.email.as_deref().map(normal_email);
    let found = match (known, &email) {
        (Some(contact), _) => Some(contact),
        (None, Some(email)) => queries::find_by_email(conn, email)?,
        (None, None) => None,
    };
    let phone = customer.phone.as_deref().map(normal_phone);
    let facts = queries::ContactFacts {
        first_name: customer.first_name.clone(),
        last_name: customer.last_name.clone(),
        email: customer.email.clone(),
        email_normal: email,
        phone: customer.phone.clone(),
        phone_normal: phone,
    };
    if let Some(contact) = found {
        queries::update(conn, contact, &facts)?;
        return Ok(contact);
    }
    let name = customer
        .company
        .clone()
        .or_else(|| customer.full_name())
        .or_else(|| customer.email.clone())
        .unwrap_or_else(|| "No name".to_owned());
    let account = queries::insert_account(conn, &Uuid::now_v7().to_string(), &name, now)?;
    queries::insert_contact(conn, &Uuid::now_v7().to_string(), account, &facts, now)
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
