//! What items are found by: words, each found by how it begins, as orders and customers are; and items whose names are
//! like a title, without looking at all items: by the words that few items have, and by who stands beside the title
//! when all words of a name are put in order.
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::queries::{self, ProductRow, search as rows};
use crate::erp::words::{self, Found, normal};
use crate::platform::db::{DbConnection, DbError};
use crate::types::ProductId;

/// A word that so many items have finds none of them by itself.
const POPULAR: usize = 1_000;
/// A word that more items have says little about any of them.
const RARE: usize = 64;
/// Items that are looked at on each side of a title.
const BESIDE: usize = 12;
/// Items that are worth a comparison with one title.
const WORTH: usize = 40;
/// What a rare word is worth, shared by those that have it, and what standing beside a title is.
const WORD: usize = 1_000;
const NEIGHBOUR: usize = 200;
/// Characters of all words of a name that are kept.
const LONGEST_KEY: usize = 200;

/// A page of items by name: all of them, or those with words of SKU, name or barcode that begin like each word of the
/// search. `after` is the last one of the page before.
///
/// # Errors
///
/// The database's.
pub fn page(
    conn: &mut DbConnection,
    search: &str,
    after: Option<(&str, ProductId)>,
    limit: i64,
) -> Result<Vec<ProductRow>, DbError> {
    if search.trim().is_empty() {
        return queries::list(conn, None, after, limit);
    }
    let found = find(conn, search)?;
    queries::list(conn, Some(&found), after, limit)
}

fn find(conn: &mut DbConnection, search: &str) -> Result<Vec<ProductId>, DbError> {
    let found = words::find(
        conn,
        (search, searched(search)),
        |conn, word| {
            let having = rows::list_with(conn, word, POPULAR)?;
            Ok((having.len() < POPULAR).then_some(having))
        },
        rows::keep_with,
    )?;
    match found {
        Found::Everything => Ok(Vec::new()),
        Found::These(these) => Ok(these),
        Found::WithWords(mut popular) => {
            // A long word is rarer than a short one, as a rule.
            popular.sort_by_key(|word| Reverse(word.len()));
            rows::list_with_all(conn, &popular, POPULAR)
        }
    }
}

/// The words of a search.
#[must_use]
pub fn searched(search: &str) -> Vec<String> {
    let words = search.split_whitespace().map(|word| trimmed(&normal(word)));
    words
        .filter(|word| !word.is_empty())
        .take(words::MOST)
        .collect()
}

/// The words that a text is found by; of `T-Shirt` the whole and each half.
#[must_use]
pub fn words(text: &str) -> BTreeSet<String> {
    let whole = text.split_whitespace().map(|word| trimmed(&normal(word)));
    let mut words: BTreeSet<String> = whole.collect();
    words.extend(pieces(text));
    words.remove("");
    words
}

/// The words of an item.
pub(super) fn terms(sku: &str, name: &str, barcode: Option<&str>) -> BTreeSet<String> {
    let mut terms = words(name);
    terms.extend(words(sku));
    terms.extend(barcode.iter().flat_map(|code| words(code)));
    terms.extend(keys(name).into_iter().flatten());
    terms
}

/// Items that may be what these titles name, some dozens for each title.
///
/// # Errors
///
/// The database's.
pub fn like(conn: &mut DbConnection, titles: &[String]) -> Result<BTreeSet<ProductId>, DbError> {
    let of_each: Vec<BTreeSet<String>> = titles
        .iter()
        .map(|title| pieces(title).into_iter().collect())
        .collect();
    let all: BTreeSet<&str> = of_each.iter().flatten().map(String::as_str).collect();
    let all: Vec<&str> = all.into_iter().collect();
    let having: BTreeMap<String, Vec<ProductId>> = rows::list_having(conn, &all, RARE + 1)?
        .into_iter()
        .filter(|(_word, items)| items.len() <= RARE)
        .collect();
    let keys_of_each: Vec<[String; 2]> = titles
        .iter()
        .map(|title| keys(title).unwrap_or_default())
        .collect();
    let all: BTreeSet<&str> = keys_of_each.iter().flatten().map(String::as_str).collect();
    let all: Vec<&str> = all.into_iter().filter(|key| !key.is_empty()).collect();
    let beside = rows::list_beside(conn, &all, BESIDE)?;
    let mut worth = BTreeSet::new();
    for (words, keys) in of_each.iter().zip(&keys_of_each) {
        let mut scores: BTreeMap<ProductId, usize> = BTreeMap::new();
        for items in words.iter().filter_map(|word| having.get(word)) {
            for item in items {
                *scores.entry(*item).or_default() += WORD / items.len().max(1);
            }
        }
        for item in keys.iter().filter_map(|key| beside.get(key)).flatten() {
            *scores.entry(*item).or_default() += NEIGHBOUR;
        }
        let mut ranked: Vec<(Reverse<usize>, ProductId)> = scores
            .into_iter()
            .map(|(item, score)| (Reverse(score), item))
            .collect();
        ranked.sort_unstable();
        worth.extend(ranked.into_iter().take(WORTH).map(|(_score, item)| item));
    }
    Ok(worth)
}

/// All words of a text in their order, from the first and from the last: texts that differ in one word stand side by
/// side in at least one of both orders, as a rule.
fn keys(text: &str) -> Option<[String; 2]> {
    let mut pieces = pieces(text);
    pieces.sort_unstable();
    let forward = pieces.join(" ");
    pieces.reverse();
    let backward = pieces.join(" ");
    let cut = |key: String| key.chars().take(LONGEST_KEY).collect::<String>();
    (!forward.is_empty()).then(|| [format!(">{}", cut(forward)), format!("<{}", cut(backward))])
}

/// What stands between signs and spaces, one by one.
fn pieces(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in text.split_whitespace() {
        let word = normal(word);
        let pieces = word.split(|sign: char| !sign.is_alphanumeric());
        found.extend(pieces.filter(|one| !one.is_empty()).map(str::to_owned));
    }
    found
}

fn trimmed(word: &str) -> String {
    word.trim_matches(|sign: char| !sign.is_alphanumeric())
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_by_its_words_and_their_halves() {
        let words = words("Th\u{e9} vert, 1.2 L T-Shirt -");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(
            words,
            ["1", "1.2", "2", "l", "shirt", "t", "t-shirt", "the", "vert"]
        );
        assert_eq!(searched(" Vert,  #T-Sh -"), ["vert", "t-sh"]);
    }

    #[test]
    fn all_words_of_a_name_stand_in_order_from_both_ends() {
        let keys = keys("Zebra, apple tin").expect("words");
        assert_eq!(keys, [">apple tin zebra", "<zebra tin apple"]);
        assert_eq!(super::keys(" - "), None);
    }
}
