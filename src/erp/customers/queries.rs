//! SQL of `accounts`, `contacts` and `contact_addresses`.
use std::collections::{HashMap, HashSet};

pub mod companies;
pub mod duplicates;
pub mod list;
pub mod merging;
pub mod search;

use diesel::prelude::*;
use uuid::Uuid;

use super::AccountKind;
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{accounts, contact_addresses, contacts, orders};
use crate::types::{AccountId, At, ChannelId, ContactId};
use crate::{insert_rows, native};

/// What a channel may change about a contact; what it leaves out stays. A key that is empty recognises nobody.
#[derive(Clone, Debug, Default, AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = contacts, treat_none_as_default_value = false)]
pub(super) struct ContactFacts {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) email_normal: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) phone_normal: Option<String>,
    pub(super) note: Option<String>,
    pub(super) tags: Option<String>,
    pub(super) locale: Option<String>,
    pub(super) email_consent: Option<String>,
    pub(super) email_consent_level: Option<String>,
    pub(super) email_consent_at: Option<At>,
    pub(super) sms_consent: Option<String>,
    pub(super) sms_consent_level: Option<String>,
    pub(super) sms_consent_at: Option<At>,
    pub(super) name_zip: Option<String>,
}

impl ContactFacts {
    pub(super) fn email_key(&self) -> Option<&str> {
        self.email_normal.as_deref().filter(|key| !key.is_empty())
    }

    pub(super) fn phone_key(&self) -> Option<&str> {
        self.phone_normal.as_deref().filter(|key| !key.is_empty())
    }

    /// What the newer one says otherwise, as words.
    pub(super) fn differing(&self, newer: &ContactFacts) -> Vec<&'static str> {
        let texts = [
            ("first name", &self.first_name, &newer.first_name),
            ("last name", &self.last_name, &newer.last_name),
            ("e-mail", &self.email, &newer.email),
            ("phone", &self.phone, &newer.phone),
            ("note", &self.note, &newer.note),
            ("tags", &self.tags, &newer.tags),
            ("language", &self.locale, &newer.locale),
            ("e-mail consent", &self.email_consent, &newer.email_consent),
            (
                "e-mail consent",
                &self.email_consent_level,
                &newer.email_consent_level,
            ),
            ("SMS consent", &self.sms_consent, &newer.sms_consent),
            (
                "SMS consent",
                &self.sms_consent_level,
                &newer.sms_consent_level,
            ),
            ("postal code", &self.name_zip, &newer.name_zip),
        ];
        let times = [
            (
                "e-mail consent",
                self.email_consent_at,
                newer.email_consent_at,
            ),
            ("SMS consent", self.sms_consent_at, newer.sms_consent_at),
        ];
        let texts = texts
            .into_iter()
            .filter(|(_, ours, theirs)| theirs.is_some() && ours != theirs)
            .map(|(word, ..)| word);
        let times = times
            .into_iter()
            .filter(|(_, ours, theirs)| theirs.is_some() && ours != theirs)
            .map(|(word, ..)| word);
        let mut words: Vec<&'static str> = texts.chain(times).collect();
        words.dedup();
        words
    }
}

/// An address as it is kept; the address itself as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Insertable, Queryable, Selectable)]
#[diesel(table_name = contact_addresses)]
pub(super) struct KeptAddress {
    pub(super) external_id: String,
    pub(super) is_default: bool,
    pub(super) address: String,
}

#[derive(Insertable)]
#[diesel(table_name = contact_addresses)]
struct NewAddress<'a> {
    contact_id: ContactId,
    external_id: &'a str,
    is_default: bool,
    address: &'a str,
}

/// An address of one of several contacts.
#[derive(Queryable, Selectable)]
#[diesel(table_name = contact_addresses)]
pub(super) struct AddressRow {
    id: i64,
    pub(super) contact_id: ContactId,
    #[diesel(embed)]
    pub(super) kept: KeptAddress,
}

/// A contact beside its account.
#[derive(Clone, Debug, Queryable)]
pub struct ContactRow {
    pub id: ContactId,
    pub public_id: String,
    pub account_id: AccountId,
    pub account_name: String,
    pub account_kind: AccountKind,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub channel: Option<ChannelId>,
    pub note: Option<String>,
    pub tags: Option<String>,
    pub locale: Option<String>,
    pub email_consent: Option<String>,
    pub email_consent_level: Option<String>,
    pub email_consent_at: Option<At>,
    pub sms_consent: Option<String>,
    pub sms_consent_level: Option<String>,
    pub sms_consent_at: Option<At>,
    pub merged_into: Option<ContactId>,
    pub created_at: At,
}

impl ContactRow {
    /// Who it is, in the best words there are.
    #[must_use]
    pub fn name(&self) -> String {
        let both = [self.first_name.as_deref(), self.last_name.as_deref()];
        let name = both.into_iter().flatten().collect::<Vec<_>>().join(" ");
        [
            Some(name),
            self.email.clone(),
            self.phone.clone(),
            Some(self.account_name.clone()),
        ]
        .into_iter()
        .flatten()
        .find(|name| !name.trim().is_empty())
        .unwrap_or_else(|| super::NAMELESS.to_owned())
    }

    /// The company that they buy for.
    #[must_use]
    pub fn company(&self) -> Option<&str> {
        (self.account_kind == AccountKind::Company).then_some(self.account_name.as_str())
    }
}

#[derive(Insertable)]
#[diesel(table_name = accounts)]
pub(super) struct NewAccount {
    id: AccountId,
    public_id: String,
    name: String,
    created_at: At,
    kind: AccountKind,
}

impl NewAccount {
    pub(super) fn new(id: AccountId, name: &str, now: At) -> NewAccount {
        NewAccount {
            id,
            public_id: Uuid::now_v7().to_string(),
            name: name.to_owned(),
            created_at: now,
            kind: AccountKind::Person,
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
    channel_id: Option<ChannelId>,
    #[diesel(embed)]
    facts: ContactFacts,
}

impl NewContact {
    pub(super) fn new(
        id: ContactId,
        account: AccountId,
        channel: ChannelId,
        facts: ContactFacts,
        now: At,
    ) -> NewContact {
        NewContact {
            id,
            public_id: Uuid::now_v7().to_string(),
            account_id: account,
            created_at: now,
            channel_id: Some(channel),
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

/// The contacts with these numbers, and whether each has an e-mail address; of several with one number the oldest.
pub(super) fn list_by_phone(
    conn: &mut DbConnection,
    phones: &[&str],
) -> Result<HashMap<String, (ContactId, bool)>, DbError> {
    if phones.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(String, ContactId, Option<String>)> = contacts::table
        .filter(contacts::phone_normal.eq_any(phones.to_vec()))
        .order(contacts::id.desc())
        .select((
            contacts::phone_normal.assume_not_null(),
            contacts::id,
            contacts::email_normal,
        ))
        .load(conn)?;
    let found = found.into_iter().map(|(phone, id, email)| {
        let has_email = email.is_some_and(|email| !email.is_empty());
        (phone, (id, has_email))
    });
    Ok(found.collect())
}

/// What is known of these contacts.
pub(super) fn list_facts(
    conn: &mut DbConnection,
    ids: &[ContactId],
) -> Result<HashMap<ContactId, ContactFacts>, DbError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(ContactId, ContactFacts)> = contacts::table
        .filter(contacts::id.eq_any(ids.to_vec()))
        .select((contacts::id, ContactFacts::as_select()))
        .load(conn)?;
    Ok(found.into_iter().collect())
}

pub(super) fn update(
    conn: &mut DbConnection,
    id: ContactId,
    facts: &ContactFacts,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::update(contacts::table.find(id))
        .set(facts)
        .prepared()
        .execute(c))?;
    Ok(())
}

/// Calls the account of somebody who buys for themselves as they are called.
pub(super) fn rename_person(
    conn: &mut DbConnection,
    id: ContactId,
    name: &str,
) -> Result<(), DbError> {
    let theirs = contacts::table
        .filter(contacts::id.eq(id))
        .select(contacts::account_id);
    let account = accounts::table
        .filter(accounts::id.eq_any(theirs))
        .filter(accounts::kind.eq(AccountKind::Person));
    diesel::update(account)
        .set(accounts::name.eq(name.to_owned()))
        .execute(conn)?;
    Ok(())
}

/// The addresses of these contacts, in the order of the channel's ids.
pub(super) fn list_addresses(
    conn: &mut DbConnection,
    of: &[ContactId],
) -> Result<Vec<AddressRow>, DbError> {
    Ok(contact_addresses::table
        .filter(contact_addresses::contact_id.eq_any(of.to_vec()))
        .order((contact_addresses::external_id, contact_addresses::id))
        .select(AddressRow::as_select())
        .load(conn)?)
}

/// Leaves each of these contacts the given addresses and no others; returns those that had others.
pub(super) fn replace_addresses(
    conn: &mut DbConnection,
    wanted: &HashMap<ContactId, Vec<KeptAddress>>,
) -> Result<HashSet<ContactId>, DbError> {
    let of: Vec<ContactId> = wanted.keys().copied().collect();
    let (mut changed, mut over) = (HashSet::new(), Vec::new());
    let mut same: HashSet<(ContactId, KeptAddress)> = HashSet::new();
    for row in list_addresses(conn, &of)? {
        let is_wanted = wanted
            .get(&row.contact_id)
            .is_some_and(|all| all.contains(&row.kept));
        if is_wanted {
            same.insert((row.contact_id, row.kept));
        } else {
            over.push(row.id);
            changed.insert(row.contact_id);
        }
    }
    let mut new = Vec::new();
    for (contact, all) in wanted {
        for one in all {
            if !same.contains(&(*contact, one.clone())) {
                changed.insert(*contact);
                new.push(NewAddress {
                    contact_id: *contact,
                    external_id: &one.external_id,
                    is_default: one.is_default,
                    address: &one.address,
                });
            }
        }
    }
    if !over.is_empty() {
        let rows = contact_addresses::table.filter(contact_addresses::id.eq_any(over));
        diesel::delete(rows).execute(conn)?;
    }
    insert_rows!(conn, contact_addresses::table, new)?;
    Ok(changed)
}

/// Whom these were merged into, where they were.
pub(super) fn list_merged(
    conn: &mut DbConnection,
    ids: &[ContactId],
) -> Result<HashMap<ContactId, ContactId>, DbError> {
    let found: Vec<(ContactId, ContactId)> = contacts::table
        .filter(contacts::id.eq_any(ids.to_vec()))
        .filter(contacts::merged_into.is_not_null())
        .select((contacts::id, contacts::merged_into.assume_not_null()))
        .load(conn)?;
    Ok(found.into_iter().collect())
}

/// Who was merged into these.
pub(super) fn list_merged_into(
    conn: &mut DbConnection,
    ids: &[ContactId],
) -> Result<Vec<ContactId>, DbError> {
    Ok(contacts::table
        .filter(contacts::merged_into.is_not_null())
        .filter(contacts::merged_into.assume_not_null().eq_any(ids.to_vec()))
        .order(contacts::id)
        .select(contacts::id)
        .load(conn)?)
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

/// Finds a contact by its public id.
///
/// # Errors
///
/// The database's.
pub fn find_public(
    conn: &mut DbConnection,
    public_id: &str,
) -> Result<Option<ContactRow>, DbError> {
    Ok(beside_account()
        .filter(contacts::public_id.eq(public_id.to_owned()))
        .first(conn)
        .optional()?)
}

/// These contacts, in no order.
///
/// # Errors
///
/// The database's.
pub fn list_these(conn: &mut DbConnection, ids: &[ContactId]) -> Result<Vec<ContactRow>, DbError> {
    Ok(beside_account()
        .filter(contacts::id.eq_any(ids.to_vec()))
        .load(conn)?)
}

/// The contacts of an account, the oldest first.
///
/// # Errors
///
/// The database's.
pub fn list_of_account(
    conn: &mut DbConnection,
    account: AccountId,
    limit: i64,
) -> Result<Vec<ContactRow>, DbError> {
    Ok(beside_account()
        .filter(contacts::account_id.eq(account))
        .filter(contacts::merged_into.is_null())
        .order(contacts::id.asc())
        .limit(limit)
        .load(conn)?)
}

/// Contacts after an id, the oldest first, without those that were merged into others; with `email` those that have
/// this address.
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
        .filter(contacts::merged_into.is_null())
        .order(contacts::id.asc())
        .limit(limit)
        .into_boxed();
    if let Some(email) = email {
        query = query.filter(contacts::email_normal.eq(super::keys::normal_email(email)));
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
        accounts::kind,
        contacts::first_name,
        contacts::last_name,
        contacts::email,
        contacts::phone,
        contacts::channel_id,
        contacts::note,
        contacts::tags,
        contacts::locale,
        contacts::email_consent,
        contacts::email_consent_level,
        contacts::email_consent_at,
        contacts::sms_consent,
        contacts::sms_consent_level,
        contacts::sms_consent_at,
        contacts::merged_into,
        contacts::created_at,
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
