//! Words that rows are found by: how they are kept, and which rows have all of a search's.
use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::platform::db::{DbConnection, DbError};

/// Characters of a word that are kept.
const LONGEST: usize = 100;
/// Words of a search that are looked for.
pub const MOST: usize = 8;
/// Digits from which on a text looks like a phone number.
const PHONE: usize = 6;

/// What a search comes down to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<Id> {
    /// It says nothing: everything is found.
    Everything,
    /// These, whatever else is asked of them.
    These(Vec<Id>),
    /// Those that have each of these words; many have.
    WithWords(Vec<String>),
}

/// Finds the rows that have a word beginning like each of a search's. `having` gives those of one word, or `None` where so many
/// have it that it finds none of them by itself; `keep` gives those of some rows that have a word.
///
/// # Errors
///
/// The database's.
pub fn find<Id: Copy + Ord>(
    conn: &mut DbConnection,
    (search, words): (&str, Vec<String>),
    having: impl Fn(&mut DbConnection, &str) -> Result<Option<Vec<Id>>, DbError>,
    keep: impl Fn(&mut DbConnection, &[Id], &str) -> Result<Vec<Id>, DbError>,
) -> Result<Found<Id>, DbError> {
    if words.is_empty() {
        return Ok(if search.trim().is_empty() {
            Found::Everything
        } else {
            Found::These(Vec::new())
        });
    }
    let mut few: Option<BTreeSet<Id>> = None;
    let mut popular = Vec::new();
    for word in words {
        let Some(having) = having(conn, &word)? else {
            popular.push(word);
            continue;
        };
        let ids: BTreeSet<Id> = having.into_iter().collect();
        few = Some(match few {
            Some(found) => found.intersection(&ids).copied().collect(),
            None => ids,
        });
    }
    let Some(few) = few else {
        return Ok(Found::WithWords(popular));
    };
    let mut found: Vec<Id> = few.into_iter().collect();
    for word in popular {
        found = keep(conn, &found, &word)?;
    }
    Ok(Found::These(found))
}

/// A word as it is kept and looked for: small letters without accents, and `#1001` as `1001`.
#[must_use]
pub fn normal(word: &str) -> String {
    word.trim()
        .trim_start_matches('#')
        .nfkd()
        .filter(|sign| !is_combining_mark(*sign))
        .flat_map(char::to_lowercase)
        .filter(|sign| !sign.is_whitespace())
        .take(LONGEST)
        .collect()
}

/// The words of a search.
#[must_use]
pub fn searched(search: &str) -> Vec<String> {
    search
        .split_whitespace()
        .map(normal)
        .filter(|word| !word.is_empty())
        .take(MOST)
        .collect()
}

/// The words of a name; of `Müller-Lüdenscheidt` the whole and each half.
pub(super) fn parts(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in name.split_whitespace() {
        found.push(normal(word));
        let halves = word.split(|sign: char| !sign.is_alphanumeric());
        found.extend(halves.map(normal).filter(|half| half.chars().count() > 1));
    }
    found
}

/// `+49 30 123456` as `4930123456`.
pub(super) fn phone(text: &str) -> Option<String> {
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
