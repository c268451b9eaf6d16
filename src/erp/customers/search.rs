//! What customers are found by: the words of their names, addresses and numbers, each found by how it begins. As for
//! orders the words are kept beside the contact and brought up to date with it.
use std::collections::BTreeSet;

use super::queries::{self, ContactFacts, search as rows};
use super::{IncomingCustomer, family};
use crate::erp::words::{self, normal, parts, phone};
use crate::platform::db::{DbConnection, DbError};
use crate::types::ContactId;

/// A word that so many customers have finds none of them by itself: the list is looked through for it instead.
const POPULAR: usize = 2_000;

/// What a search comes down to.
pub type Found = words::Found<ContactId>;

/// Finds out which customers a search can mean.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, search: &str) -> Result<Found, DbError> {
    words::find(
        conn,
        (search, searched(search)),
        |conn, word| {
            let having = rows::list_with(conn, word, POPULAR)?;
            Ok((having.len() < POPULAR).then_some(having))
        },
        rows::keep_with,
    )
}

/// A phone number is looked for by its digits, however it is written; anything else word by word.
fn searched(search: &str) -> Vec<String> {
    let is_number = |sign: char| sign.is_ascii_digit() || "+-()/. ".contains(sign);
    if search.trim().chars().all(is_number)
        && let Some(number) = phone(search)
    {
        return vec![number];
    }
    words::searched(search)
}

/// The words of a new contact.
pub(super) fn words(facts: &ContactFacts, customer: &IncomingCustomer) -> BTreeSet<String> {
    let mut words = of_facts(facts);
    words.extend(customer.company.iter().flat_map(|name| parts(name)));
    words
}

fn of_facts(facts: &ContactFacts) -> BTreeSet<String> {
    let names = [facts.first_name.as_deref(), facts.last_name.as_deref()];
    let mut words: BTreeSet<String> = names.into_iter().flatten().flat_map(parts).collect();
    words.extend(facts.email.as_deref().map(normal));
    words.extend(facts.phone.as_deref().and_then(phone));
    words.remove("");
    words
}

/// Brings the words of these contacts up to date, after anything about them has changed. Whoever was merged into
/// another is found as that one.
///
/// # Errors
///
/// The database's.
pub fn refresh(conn: &mut DbConnection, contacts: &[ContactId]) -> Result<(), DbError> {
    if contacts.is_empty() {
        return Ok(());
    }
    let heads = super::resolve(conn, contacts)?;
    let merged = contacts.iter().filter(|one| heads.get(one) != Some(one));
    for gone in merged {
        rows::replace(conn, *gone, &BTreeSet::new())?;
    }
    let heads: BTreeSet<ContactId> = heads.into_values().collect();
    for head in heads {
        let family = family(conn, head)?;
        let mut wanted = BTreeSet::new();
        for facts in queries::list_facts(conn, &family)?.values() {
            wanted.extend(of_facts(facts));
        }
        for row in queries::list_these(conn, &family)? {
            wanted.extend(parts(&row.account_name));
        }
        wanted.remove("");
        rows::replace(conn, head, &wanted)?;
    }
    Ok(())
}

/// What two people of one name and one postal code have in common: a hint, and no more.
pub(super) fn name_zip(name: &str, zip: &str) -> Option<String> {
    let mut names = parts(name);
    names.sort_unstable();
    names.dedup();
    let (name, zip) = (names.join(" "), normal(zip));
    (!name.is_empty() && !zip.is_empty()).then(|| format!("{name} {zip}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_looked_for_however_it_is_written() {
        assert_eq!(searched("+1 (734) 555-0199"), ["17345550199"]);
        assert_eq!(searched("Ada  Lovelace"), ["ada", "lovelace"]);
        assert_eq!(searched("48104"), ["48104"]);
        assert!(searched(" ").is_empty());
    }

    #[test]
    fn a_name_in_another_order_is_the_same_name() {
        let one = name_zip("Ada Lovelace", "48104");
        assert_eq!(one, name_zip("LOVELACE ada", " 48104"));
        assert_eq!(one.as_deref(), Some("ada lovelace 48104"));
        assert_eq!(name_zip("", "48104"), None);
    }
}
