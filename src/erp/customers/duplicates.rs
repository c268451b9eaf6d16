//! Customers who may be one: those who share an e-mail address or a phone number, and, as a weak hint, those of one
//! name and one postal code. Somebody looks at them side by side; nothing is merged by itself.
use std::collections::BTreeMap;

use super::queries::ContactRow;
use super::queries::duplicates as rows;
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, ContactId, UserId};

/// Contacts of one group that are shown.
const MOST: usize = 6;

crate::text_enum! {
    /// What two customers have in common.
    Likeness {
        Email = "email",
        Phone = "phone",
        /// A weak hint: names repeat.
        Name = "name",
    }
}

/// Customers who share something; the oldest first.
#[derive(Clone, Debug)]
pub struct Group {
    /// What they share.
    pub key: String,
    pub contacts: Vec<ContactRow>,
}

/// A page of the groups behind a key, and the key of the next page.
///
/// # Errors
///
/// The database's.
pub fn list(
    conn: &mut DbConnection,
    by: Likeness,
    after: &str,
    size: i64,
) -> Result<(Vec<Group>, Option<String>), DbError> {
    let mut keys = rows::list_keys(conn, by, after, size + 1)?;
    let most = usize::try_from(size).unwrap_or(usize::MAX);
    let more = keys.len() > most;
    keys.truncate(most);
    let next = keys.last().filter(|_| more).cloned();
    let mut groups: BTreeMap<String, Vec<ContactId>> = BTreeMap::new();
    for (key, contact) in rows::list_with_keys(conn, by, &keys)? {
        groups.entry(key).or_default().push(contact);
    }
    let ids: Vec<ContactId> = groups.values().flatten().copied().collect();
    let apart = rows::list_apart(conn, &ids)?;
    let contacts = super::queries::list_these(conn, &ids)?;
    let mut found = Vec::new();
    for (key, mut ids) in groups {
        ids.sort_unstable();
        let Some(oldest) = ids.first().copied() else {
            continue;
        };
        // Whoever was said to be somebody else is compared no more.
        ids.retain(|id| !apart.contains(&(oldest, *id)));
        ids.truncate(MOST);
        if ids.len() < 2 {
            continue;
        }
        let find = |id: &ContactId| contacts.iter().find(|row| row.id == *id).cloned();
        found.push(Group {
            key,
            contacts: ids.iter().filter_map(find).collect(),
        });
    }
    Ok((found, next))
}

/// Notes that two are not one, so that nobody has to look again.
///
/// # Errors
///
/// The database's.
pub fn tell_apart(
    conn: &mut DbConnection,
    one: ContactId,
    other: ContactId,
    by: UserId,
    now: At,
) -> Result<(), DbError> {
    let (older, newer) = (one.min(other), one.max(other));
    if older != newer {
        rows::insert_apart(conn, older, newer, by, now)?;
    }
    Ok(())
}
