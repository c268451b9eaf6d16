//! SQL of `contact_terms`: the words that customers are found by.
use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::insert_rows;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::contact_terms;
use crate::types::ContactId;

/// Contacts that are asked for with one statement.
const AT_ONCE: usize = 500;
/// Behind every word that begins alike; both databases compare words by their bytes.
const LAST: char = char::MAX;

#[derive(Insertable)]
#[diesel(table_name = contact_terms)]
struct NewTerm<'a> {
    contact_id: ContactId,
    term: &'a str,
}

/// At most so many contacts with a word that begins so.
pub(in super::super) fn list_with(
    conn: &mut DbConnection,
    beginning: &str,
    at_most: usize,
) -> Result<Vec<ContactId>, DbError> {
    Ok(contact_terms::table
        .filter(contact_terms::term.ge(beginning))
        .filter(contact_terms::term.lt(format!("{beginning}{LAST}")))
        .select(contact_terms::contact_id)
        .limit(i64::try_from(at_most).unwrap_or(i64::MAX))
        .load(conn)?)
}

/// Those of these contacts that have a word that begins so.
pub(in super::super) fn keep_with(
    conn: &mut DbConnection,
    contacts: &[ContactId],
    beginning: &str,
) -> Result<Vec<ContactId>, DbError> {
    let mut found = Vec::new();
    for some in contacts.chunks(AT_ONCE) {
        let mut these: Vec<ContactId> = contact_terms::table
            .filter(contact_terms::contact_id.eq_any(some.to_vec()))
            .filter(contact_terms::term.ge(beginning))
            .filter(contact_terms::term.lt(format!("{beginning}{LAST}")))
            .select(contact_terms::contact_id)
            .load(conn)?;
        these.sort_unstable();
        these.dedup();
        found.extend(these);
    }
    Ok(found)
}

/// Writes words of contacts.
pub(in super::super) fn insert(
    conn: &mut DbConnection,
    words: &[(ContactId, BTreeSet<String>)],
) -> Result<(), DbError> {
    let rows: Vec<NewTerm<'_>> = words
        .iter()
        .flat_map(|(contact, words)| {
            words.iter().map(|word| NewTerm {
                contact_id: *contact,
                term: word,
            })
        })
        .collect();
    insert_rows!(conn, contact_terms::table, rows)?;
    Ok(())
}

/// Leaves a contact these words and no others.
pub(in super::super) fn replace(
    conn: &mut DbConnection,
    contact: ContactId,
    wanted: &BTreeSet<String>,
) -> Result<(), DbError> {
    let kept: Vec<(i64, String)> = contact_terms::table
        .filter(contact_terms::contact_id.eq(contact))
        .select((contact_terms::id, contact_terms::term))
        .load(conn)?;
    let over: Vec<i64> = kept
        .iter()
        .filter(|(_id, term)| !wanted.contains(term))
        .map(|(id, _term)| *id)
        .collect();
    if !over.is_empty() {
        diesel::delete(contact_terms::table.filter(contact_terms::id.eq_any(over)))
            .execute(conn)?;
    }
    let kept: BTreeSet<String> = kept.into_iter().map(|(_id, term)| term).collect();
    let new: BTreeSet<String> = wanted.difference(&kept).cloned().collect();
    insert(conn, &[(contact, new)])
}
