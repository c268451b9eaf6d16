//! What orders are found by: words, each found by how it begins, so that a search stays as quick with a million
//! orders as with ten. The words of an order are kept beside it and brought up to date with it.
use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::queries::{self, OrderFacts, search as rows};
use crate::erp::shipping::queries::list_tracking_numbers;
use crate::platform::db::{DbConnection, DbError};
use crate::types::OrderId;

/// A word that so many orders have finds none of them by itself: the list is looked through for it instead.
const POPULAR: usize = 2_000;
/// Characters of a word that are kept.
const LONGEST: usize = 100;
/// Words of a search that are looked for.
const MOST_WORDS: usize = 8;
/// Digits from which on a text looks like a phone number.
const PHONE: usize = 6;

/// What a search comes down to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It says nothing: everything is found.
    Everything,
    /// These, whatever else is asked of them.
    Orders(Vec<OrderId>),
    /// Those that have each of these words; many have.
    WithWords(Vec<String>),
}

/// Finds out which orders a search can mean.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, search: &str) -> Result<Found, DbError> {
    let words: Vec<String> = search
        .split_whitespace()
        .map(normal)
        .filter(|word| !word.is_empty())
        .take(MOST_WORDS)
        .collect();
    if words.is_empty() {
        return Ok(if search.trim().is_empty() {
            Found::Everything
        } else {
            Found::Orders(Vec::new())
        });
    }
    let mut few: Option<BTreeSet<OrderId>> = None;
    let mut popular = Vec::new();
    for word in words {
        let having = rows::list_with(conn, &word, POPULAR)?;
        // An order may be among them twice: as many as were asked for may still not be all.
        if having.len() >= POPULAR {
            popular.push(word);
            continue;
        }
        let mut ids: BTreeSet<OrderId> = having.into_iter().collect();
        ids.extend(queries::find_number(conn, &word.to_uppercase())?);
        few = Some(match few {
            Some(found) => found.intersection(&ids).copied().collect(),
            None => ids,
        });
    }
    let Some(few) = few else {
        return Ok(Found::WithWords(popular));
    };
    let mut found: Vec<OrderId> = few.into_iter().collect();
    for word in popular {
        found = rows::keep_with(conn, &found, &word)?;
    }
    Ok(Found::Orders(found))
}

/// The words of a new order.
pub(super) fn words<'a>(
    external_id: &str,
    facts: &OrderFacts,
    skus: impl Iterator<Item = &'a str>,
) -> BTreeSet<String> {
    let mut words = BTreeSet::from([normal(external_id), normal(&facts.name)]);
    words.extend(facts.email.as_deref().map(normal));
    words.extend(facts.phone.as_deref().and_then(phone));
    words.extend(facts.customer_name.iter().flat_map(|name| parts(name)));
    let address = super::address(facts.shipping_address.as_deref());
    words.extend(address.name.iter().flat_map(|name| parts(name)));
    words.extend(address.company.iter().flat_map(|name| parts(name)));
    words.extend(address.phone.as_deref().and_then(phone));
    words.extend(skus.map(normal));
    words.remove("");
    words
}

/// Brings the words of these orders up to date, after anything about them has changed.
///
/// # Errors
///
/// The database's.
pub fn refresh(conn: &mut DbConnection, orders: &[OrderId]) -> Result<(), DbError> {
    for id in orders {
        let Some(order) = queries::find(conn, *id)? else {
            continue;
        };
        let lines = queries::list_lines(conn, *id)?;
        let skus = lines.iter().filter_map(|line| line.facts.sku.as_deref());
        let mut wanted = words(&order.external_id, &order.facts, skus);
        let tracking = list_tracking_numbers(conn, *id)?;
        wanted.extend(tracking.iter().map(|number| normal(number)));
        rows::replace(conn, *id, &wanted)?;
    }
    Ok(())
}

/// A word as it is kept and looked for: small letters without accents, and `#1001` as `1001`.
pub(in crate::erp) fn normal(word: &str) -> String {
    word.trim()
        .trim_start_matches('#')
        .nfkd()
        .filter(|sign| !is_combining_mark(*sign))
        .flat_map(char::to_lowercase)
        .filter(|sign| !sign.is_whitespace())
        .take(LONGEST)
        .collect()
}

/// The words of a name; of `Müller-Lüdenscheidt` the whole and each half.
pub(in crate::erp) fn parts(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in name.split_whitespace() {
        found.push(normal(word));
        let halves = word.split(|sign: char| !sign.is_alphanumeric());
        found.extend(halves.map(normal).filter(|half| half.chars().count() > 1));
    }
    found
}

/// `+49 30 123456` as `4930123456`.
pub(in crate::erp) fn phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (digits.len() >= PHONE).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_kept_without_accents_and_signs() {
        assert_eq!(normal("#1001"), "1001");
        assert_eq!(normal("Ærø-Straße"), "ærø-straße");
        assert_eq!(normal("CAFÉ"), "cafe");
        assert_eq!(
            parts("Zoë Müller-Lüdenscheidt"),
            [
                "zoe",
                "zoe",
                "muller-ludenscheidt",
                "muller",
                "ludenscheidt"
            ]
        );
        assert_eq!(phone("+49 (30) 123456"), Some("4930123456".to_owned()));
        assert_eq!(phone("ext. 12"), None);
    }
}
