//! SQL of `accounts` and `contacts`.
use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{accounts, contacts, orders};
use crate::types::{AccountId, At, ChannelId, ContactId};
use crate::{insert_rows, native};

/// What a channel may change about a contact; what it leaves out stays.
#[derive(AsChangeset, Insertable)]
#[diesel(table_name = contacts, treat_none_as_default_value = false)]
pub(super) struct ContactFacts {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) email_normal: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) phone_normal: Option<String>,
}

/// A contact beside its account.
#[derive(Clone, Debug, Queryable)]
pub struct ContactRow {
    pub id: ContactId,
    pub public_id: String,
    pub account_id: AccountId,
    pub account_name: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = accounts)]
pub(super) struct NewAccount {
    id: AccountId,
    public_id: String,
    name: String,
    created_at: At,
}

impl NewAccount {
    pub(super) fn new(id: AccountId, name: &str, now: At) -> NewAccount {
        NewAccount {
            id,
            public_id: Uuid::now_v7().to_string(),
            name: name.to_owned(),
            created_at: now,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = contacts)]
pub(super) struct NewContact {
    id: ContactId,
    public_id: String,
    account_id: AccountId,
    created_at: At,
    #[diesel(embed)]
    facts: ContactFacts,
}

impl NewContact {
    pub(super) fn new(
        id: ContactId,
        account: AccountId,
        facts: ContactFacts,
        now: At,
    ) -> NewContact {
        NewContact {
            id,
            public_id: Uuid::now_v7().to_string(),
            account_id: account,
            created_at: now,
            facts,
        }
    }
}

/// The contacts with these addresses; of several with one address the oldest.
pub(super) fn list_by_email(
    conn: &mut DbConnection,
    emails: &[&str],
) -> Result<HashMap<String, ContactId>, DbError> {
    if emails.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(String, ContactId)> = contacts::table
        .filter(contacts::email_normal.eq_any(emails.to_vec()))
        .order(contacts::id.desc())
        .select((contacts::email_normal.assume_not_null(), contacts::id))
        .load(conn)?;
    Ok(found.into_iter().collect())
}

pub(super) fn update(
    conn: &mut DbConnection,
    id: ContactId,
    facts: &ContactFacts,
) -> Result<(), DbError> {
    // Nothing to set is an error in diesel, and nothing to do for us.
    let nothing = facts.first_name.is_none()
        && facts.last_name.is_none()
        && facts.email.is_none()
        && facts.phone.is_none();
    if !nothing {
        native!(conn, |c| diesel::update(contacts::table.find(id))
            .set(facts)
            .prepared()
            .execute(c))?;
    }
    Ok(())
}

pub(super) fn insert(
    conn: &mut DbConnection,
    new_accounts: &[NewAccount],
    new_contacts: &[NewContact],
) -> Result<(), DbError> {
    insert_rows!(conn, accounts::table, new_accounts)?;
    insert_rows!(conn, contacts::table, new_contacts)?;
    Ok(())
}

/// Returns the public ids of the orders that were moved.
pub(super) fn set_contact_of_orders(
    conn: &mut DbConnection,
    channel: ChannelId,
    from: ContactId,
    to: ContactId,
) -> Result<Vec<String>, DbError> {
    let rows = orders::table
        .filter(orders::channel_id.eq(channel))
        .filter(orders::contact_id.eq(from));
    Ok(diesel::update(rows)
        .set(orders::contact_id.eq(Some(to)))
        .returning(orders::public_id)
        .get_results(conn)?)
}

/// Finds a contact with its account.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, id: ContactId) -> Result<Option<ContactRow>, DbError> {
    Ok(beside_account()
        .filter(contacts::id.eq(id))
        .first(conn)
        .optional()?)
}

/// Contacts after an id, the oldest first; with `email` those that have this address.
///
/// # Errors
///
/// The database's.
pub fn list(
    conn: &mut DbConnection,
    email: Option<&str>,
    after: ContactId,
    limit: i64,
) -> Result<Vec<ContactRow>, DbError> {
    let mut query = beside_account()
        .filter(contacts::id.gt(after))
        .order(contacts::id.asc())
        .limit(limit)
        .into_boxed();
    if let Some(email) = email {
        query = query.filter(contacts::email_normal.eq(super::normal_email(email)));
    }
    Ok(query.load(conn)?)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn beside_account() -> _ {
    contacts::table.inner_join(accounts::table).select((
        contacts::id,
        contacts::public_id,
        accounts::id,
        accounts::name,
        contacts::first_name,
        contacts::last_name,
        contacts::email,
        contacts::phone,
    ))
}

/// How many orders this contact has placed.
///
/// # Errors
///
/// The database's.
pub fn count_orders(conn: &mut DbConnection, id: ContactId) -> Result<i64, DbError> {
    Ok(orders::table
        .filter(orders::contact_id.eq(id))
        .count()
        .get_result(conn)?)
}
