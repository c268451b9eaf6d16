//! Companies: accounts with several contacts and with locations of their own.
use super::queries::companies as rows;
use super::{Address, search};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{AccountId, At, ContactId};

/// What a channel knows about a company.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncomingCompany {
    pub external_id: String,
    pub name: String,
    pub locations: Vec<IncomingLocation>,
    pub updated_at: Option<At>,
}

/// Where a company buys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncomingLocation {
    pub external_id: String,
    pub name: String,
    pub phone: Option<String>,
    pub address: Option<Address>,
}

/// The account of a company, made where it is not known yet, with these locations and these people.
///
/// # Errors
///
/// The database's.
pub fn receive(
    conn: &mut DbConnection,
    known: Option<AccountId>,
    company: &IncomingCompany,
    people: &[ContactId],
    now: At,
) -> Result<AccountId, DbError> {
    let name = company.name.trim();
    let name = if name.is_empty() {
        super::NAMELESS
    } else {
        name
    };
    let account = match known {
        Some(account) => {
            rows::set_name(conn, account, name)?;
            account
        }
        None => rows::insert(conn, name, now)?,
    };
    rows::replace_locations(conn, account, &company.locations)?;
    let left = rows::move_contacts(conn, account, people)?;
    // The account that somebody leaves was theirs alone: it says nothing any more.
    rows::clear_empty(conn, &left, super::NAMELESS)?;
    let mut members = rows::list_members(conn, account)?;
    members.extend_from_slice(people);
    members.sort_unstable();
    members.dedup();
    search::refresh(conn, &members)?;
    Ok(account)
}
