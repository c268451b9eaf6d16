//! SQL of `contact_merges`: who became one with whom, which orders moved, and the way back.
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{contact_merge_orders, contact_merges, contacts, orders, users};
use crate::types::{AccountId, At, ContactId, ContactMergeId, UserId};

/// What a merge may change about a contact.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable, AsChangeset,
)]
#[diesel(table_name = contacts, treat_none_as_null = true)]
pub struct Whole {
    #[diesel(skip_update)]
    pub id: ContactId,
    #[diesel(skip_update)]
    pub public_id: String,
    pub account_id: AccountId,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub email_normal: Option<String>,
    pub email_consent: Option<String>,
    pub email_consent_level: Option<String>,
    pub email_consent_at: Option<At>,
    pub phone: Option<String>,
    pub phone_normal: Option<String>,
    pub sms_consent: Option<String>,
    pub sms_consent_level: Option<String>,
    pub sms_consent_at: Option<At>,
    pub note: Option<String>,
    pub tags: Option<String>,
    #[diesel(skip_update)]
    pub merged_into: Option<ContactId>,
}

impl Whole {
    pub(in super::super) fn take_name(&mut self, from: &Whole) {
        self.first_name.clone_from(&from.first_name);
        self.last_name.clone_from(&from.last_name);
    }

    /// With the consent: it was given for this address.
    pub(in super::super) fn take_email(&mut self, from: &Whole) {
        self.email.clone_from(&from.email);
        self.email_normal.clone_from(&from.email_normal);
        self.email_consent.clone_from(&from.email_consent);
        self.email_consent_level
            .clone_from(&from.email_consent_level);
        self.email_consent_at = from.email_consent_at;
    }

    pub(in super::super) fn take_phone(&mut self, from: &Whole) {
        self.phone.clone_from(&from.phone);
        self.phone_normal.clone_from(&from.phone_normal);
        self.sms_consent.clone_from(&from.sms_consent);
        self.sms_consent_level.clone_from(&from.sms_consent_level);
        self.sms_consent_at = from.sms_consent_at;
    }
}

/// A merge.
#[derive(Clone, Debug, Queryable)]
pub struct MergeRow {
    pub id: ContactMergeId,
    pub kept: ContactId,
    pub gone: ContactId,
    before: Option<String>,
    after: Option<String>,
    /// Orders that moved.
    pub orders: i64,
    pub merged_at: At,
    pub merged_by: Option<String>,
    pub undone_at: Option<At>,
}

impl MergeRow {
    /// What the kept one had before and after; nothing where it was erased.
    pub(in super::super) fn values(&self) -> Option<(Whole, Whole)> {
        let read = |text: &Option<String>| serde_json::from_str(text.as_deref()?).ok();
        Some((read(&self.before)?, read(&self.after)?))
    }
}

pub(in super::super) fn find_whole(
    conn: &mut DbConnection,
    id: ContactId,
) -> Result<Option<Whole>, DbError> {
    Ok(contacts::table
        .find(id)
        .select(Whole::as_select())
        .first(conn)
        .optional()?)
}

pub(in super::super) fn set_whole(
    conn: &mut DbConnection,
    id: ContactId,
    whole: &Whole,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::update(contacts::table.find(id))
        .set(whole)
        .execute(c))?;
    Ok(())
}

/// Returns whether it was nobody else's yet.
pub(in super::super) fn mark_merged(
    conn: &mut DbConnection,
    gone: ContactId,
    kept: ContactId,
) -> Result<bool, DbError> {
    let free = contacts::table
        .find(gone)
        .filter(contacts::merged_into.is_null());
    let changed = diesel::update(free)
        .set(contacts::merged_into.eq(Some(kept)))
        .execute(conn)?;
    Ok(changed == 1)
}

pub(in super::super) fn mark_apart_again(
    conn: &mut DbConnection,
    gone: ContactId,
) -> Result<(), DbError> {
    diesel::update(contacts::table.find(gone))
        .set(contacts::merged_into.eq(None::<ContactId>))
        .execute(conn)?;
    Ok(())
}

pub(in super::super) fn insert(
    conn: &mut DbConnection,
    before: &Whole,
    after: &Whole,
    gone: ContactId,
    (orders, by): (i64, Option<UserId>),
    now: At,
) -> Result<ContactMergeId, DbError> {
    let text = |whole: &Whole| serde_json::to_string(whole).ok();
    Ok(native!(conn, |c| diesel::insert_into(
        contact_merges::table
    )
    .values((
        contact_merges::kept_id.eq(before.id),
        contact_merges::gone_id.eq(gone),
        contact_merges::before.eq(text(before)),
        contact_merges::after.eq(text(after)),
        contact_merges::orders.eq(orders),
        contact_merges::merged_at.eq(now),
        contact_merges::merged_by.eq(by),
    ))
    .returning(contact_merges::id)
    .get_result(c))?)
}

/// Moves all orders, remembers which, and returns their public ids.
pub(in super::super) fn move_orders(
    conn: &mut DbConnection,
    merge: ContactMergeId,
    gone: ContactId,
    kept: ContactId,
) -> Result<Vec<String>, DbError> {
    native!(conn, |c| diesel::sql_query(format!(
        "INSERT INTO contact_merge_orders (merge_id, order_id) \
         SELECT {merge}, id FROM orders WHERE contact_id = {gone} ORDER BY id"
    ))
    .execute(c))?;
    let theirs = orders::table.filter(orders::contact_id.eq(gone));
    Ok(diesel::update(theirs)
        .set(orders::contact_id.eq(Some(kept)))
        .returning(orders::public_id)
        .get_results(conn)?)
}

/// Moves the orders of a merge back that are still where it put them.
pub(in super::super) fn move_orders_back(
    conn: &mut DbConnection,
    merge: ContactMergeId,
    kept: ContactId,
    gone: ContactId,
) -> Result<Vec<String>, DbError> {
    let moved = contact_merge_orders::table
        .filter(contact_merge_orders::merge_id.eq(merge))
        .select(contact_merge_orders::order_id);
    let theirs = orders::table
        .filter(orders::contact_id.eq(kept))
        .filter(orders::id.eq_any(moved));
    Ok(diesel::update(theirs)
        .set(orders::contact_id.eq(Some(gone)))
        .returning(orders::public_id)
        .get_results(conn)?)
}

pub(in super::super) fn mark_undone(
    conn: &mut DbConnection,
    id: ContactMergeId,
    by: UserId,
    now: At,
) -> Result<bool, DbError> {
    let row = contact_merges::table
        .find(id)
        .filter(contact_merges::undone_at.is_null());
    let changed = diesel::update(row)
        .set((
            contact_merges::undone_at.eq(Some(now)),
            contact_merges::undone_by.eq(Some(by)),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// The latest merge into a contact that was not undone.
pub(in super::super) fn find_last(
    conn: &mut DbConnection,
    kept: ContactId,
) -> Result<Option<ContactMergeId>, DbError> {
    Ok(contact_merges::table
        .filter(contact_merges::kept_id.eq(kept))
        .filter(contact_merges::undone_at.is_null())
        .order(contact_merges::id.desc())
        .select(contact_merges::id)
        .first(conn)
        .optional()?)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn with_names() -> _ {
    contact_merges::table
        .left_join(users::table.on(contact_merges::merged_by.eq(users::id.nullable())))
        .select((
            contact_merges::id,
            contact_merges::kept_id,
            contact_merges::gone_id,
            contact_merges::before,
            contact_merges::after,
            contact_merges::orders,
            contact_merges::merged_at,
            users::name.nullable(),
            contact_merges::undone_at,
        ))
}

/// One merge.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, id: ContactMergeId) -> Result<Option<MergeRow>, DbError> {
    Ok(with_names()
        .filter(contact_merges::id.eq(id))
        .first(conn)
        .optional()?)
}

/// The merges into a contact, the latest first.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, kept: ContactId) -> Result<Vec<MergeRow>, DbError> {
    Ok(with_names()
        .filter(contact_merges::kept_id.eq(kept))
        .order(contact_merges::id.desc())
        .limit(20)
        .load(conn)?)
}

/// The merge that took a contact away.
///
/// # Errors
///
/// The database's.
pub fn find_of(conn: &mut DbConnection, gone: ContactId) -> Result<Option<MergeRow>, DbError> {
    Ok(with_names()
        .filter(contact_merges::gone_id.eq(gone))
        .filter(contact_merges::undone_at.is_null())
        .first(conn)
        .optional()?)
}
