//! SQL of companies: their account, their locations, who belongs to them.
use diesel::dsl::exists;
use diesel::prelude::*;
use uuid::Uuid;

use super::super::AccountKind;
use super::super::companies::IncomingLocation;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{account_locations, accounts, contacts};
use crate::types::{AccountId, At, ContactId};
use crate::{insert_rows, native};

/// Where a company buys; the address as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = account_locations)]
pub struct LocationRow {
    account_id: AccountId,
    pub external_id: String,
    pub name: String,
    pub phone: Option<String>,
    pub address: Option<String>,
}

pub(in super::super) fn insert(
    conn: &mut DbConnection,
    name: &str,
    now: At,
) -> Result<AccountId, DbError> {
    Ok(native!(conn, |c| diesel::insert_into(accounts::table)
        .values((
            accounts::public_id.eq(Uuid::now_v7().to_string()),
            accounts::name.eq(name),
            accounts::created_at.eq(now),
            accounts::kind.eq(AccountKind::Company),
        ))
        .returning(accounts::id)
        .get_result(c))?)
}

pub(in super::super) fn set_name(
    conn: &mut DbConnection,
    account: AccountId,
    name: &str,
) -> Result<(), DbError> {
    let other = accounts::table
        .find(account)
        .filter(accounts::name.ne(name.to_owned()));
    diesel::update(other)
        .set(accounts::name.eq(name.to_owned()))
        .execute(conn)?;
    Ok(())
}

/// The locations of an account.
///
/// # Errors
///
/// The database's.
pub fn list_locations(
    conn: &mut DbConnection,
    account: AccountId,
) -> Result<Vec<LocationRow>, DbError> {
    Ok(account_locations::table
        .filter(account_locations::account_id.eq(account))
        .order((account_locations::name, account_locations::id))
        .select(LocationRow::as_select())
        .load(conn)?)
}

/// Leaves an account these locations and no others.
pub(in super::super) fn replace_locations(
    conn: &mut DbConnection,
    account: AccountId,
    wanted: &[IncomingLocation],
) -> Result<(), DbError> {
    let mut wanted: Vec<LocationRow> = wanted
        .iter()
        .map(|one| LocationRow {
            account_id: account,
            external_id: one.external_id.clone(),
            name: one.name.clone(),
            phone: one.phone.clone(),
            address: one
                .address
                .as_ref()
                .and_then(|it| serde_json::to_string(it).ok()),
        })
        .collect();
    wanted.sort_by(|one, other| one.external_id.cmp(&other.external_id));
    wanted.dedup_by(|one, other| one.external_id == other.external_id);
    let mut kept = list_locations(conn, account)?;
    kept.sort_by(|one, other| one.external_id.cmp(&other.external_id));
    if kept == wanted {
        return Ok(());
    }
    let all = account_locations::table.filter(account_locations::account_id.eq(account));
    diesel::delete(all).execute(conn)?;
    insert_rows!(conn, account_locations::table, wanted)?;
    Ok(())
}

/// Brings these people into an account; returns the accounts that they left.
pub(in super::super) fn move_contacts(
    conn: &mut DbConnection,
    account: AccountId,
    people: &[ContactId],
) -> Result<Vec<AccountId>, DbError> {
    let others = contacts::id
        .eq_any(people.to_vec())
        .and(contacts::account_id.ne(account));
    let left: Vec<AccountId> = contacts::table
        .filter(others.clone())
        .select(contacts::account_id)
        .distinct()
        .load(conn)?;
    if !left.is_empty() {
        diesel::update(contacts::table.filter(others))
            .set(contacts::account_id.eq(account))
            .execute(conn)?;
    }
    Ok(left)
}

/// Takes the name from accounts of people that nobody belongs to.
pub(in super::super) fn clear_empty(
    conn: &mut DbConnection,
    of: &[AccountId],
    name: &str,
) -> Result<(), DbError> {
    if of.is_empty() {
        return Ok(());
    }
    let members = contacts::table.filter(contacts::account_id.eq(accounts::id));
    let empty: Vec<AccountId> = accounts::table
        .filter(accounts::id.eq_any(of.to_vec()))
        .filter(accounts::kind.eq(AccountKind::Person))
        .filter(diesel::dsl::not(exists(members)))
        .select(accounts::id)
        .load(conn)?;
    diesel::update(accounts::table.filter(accounts::id.eq_any(empty)))
        .set(accounts::name.eq(name.to_owned()))
        .execute(conn)?;
    Ok(())
}

pub(in super::super) fn list_members(
    conn: &mut DbConnection,
    account: AccountId,
) -> Result<Vec<ContactId>, DbError> {
    Ok(contacts::table
        .filter(contacts::account_id.eq(account))
        .select(contacts::id)
        .load(conn)?)
}
