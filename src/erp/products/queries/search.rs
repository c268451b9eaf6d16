//! SQL of `product_terms`: the words that items are found by.
use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};

use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::product_terms as t;
use crate::types::ProductId;
use crate::{insert_rows, native};

/// Items that are asked for with one statement.
const AT_ONCE: usize = 500;
/// Behind every word that begins alike; both databases compare words by their bytes.
const LAST: char = char::MAX;

#[derive(Insertable)]
#[diesel(table_name = crate::schema::product_terms)]
struct NewTerm<'a> {
    product_id: ProductId,
    term: &'a str,
}

/// A word, or all words of a title, and items as JSON.
#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    word: String,
    #[diesel(sql_type = Nullable<Text>)]
    items: Option<String>,
}

#[derive(QueryableByName)]
struct Item {
    #[diesel(sql_type = BigInt)]
    id: ProductId,
}

/// Writes the words of a new item.
pub(in super::super) fn insert(
    conn: &mut DbConnection,
    product: ProductId,
    terms: &BTreeSet<String>,
) -> Result<(), DbError> {
    let rows: Vec<NewTerm<'_>> = terms
        .iter()
        .map(|term| NewTerm {
            product_id: product,
            term,
        })
        .collect();
    insert_rows!(conn, t::table, rows)?;
    Ok(())
}

/// At most so many items with a word that begins so.
pub(in super::super) fn list_with(
    conn: &mut DbConnection,
    beginning: &str,
    at_most: usize,
) -> Result<Vec<ProductId>, DbError> {
    Ok(t::table
        .filter(t::term.ge(beginning))
        .filter(t::term.lt(format!("{beginning}{LAST}")))
        .select(t::product_id)
        .limit(i64::try_from(at_most).unwrap_or(i64::MAX))
        .load(conn)?)
}

/// Those of these items that have a word that begins so.
pub(in super::super) fn keep_with(
    conn: &mut DbConnection,
    items: &[ProductId],
    beginning: &str,
) -> Result<Vec<ProductId>, DbError> {
    let mut found = Vec::new();
    for some in items.chunks(AT_ONCE) {
        let mut these: Vec<ProductId> = t::table
            .filter(t::product_id.eq_any(some.to_vec()))
            .filter(t::term.ge(beginning))
            .filter(t::term.lt(format!("{beginning}{LAST}")))
            .select(t::product_id)
            .load(conn)?;
        these.sort_unstable();
        these.dedup();
        found.extend(these);
    }
    Ok(found)
}

/// At most so many items that have words which begin like each of these: a walk through those with the first.
pub(in super::super) fn list_with_all(
    conn: &mut DbConnection,
    beginnings: &[String],
    at_most: usize,
) -> Result<Vec<ProductId>, DbError> {
    if beginnings.is_empty() {
        return Ok(Vec::new());
    }
    let mut text =
        "SELECT w.product_id AS id FROM product_terms w WHERE w.term >= $1 AND w.term < $2"
            .to_owned();
    for place in 1..beginnings.len() {
        let (from, to) = (place * 2 + 1, place * 2 + 2);
        text.push_str(&format!(
            " AND EXISTS (SELECT 1 FROM product_terms o WHERE o.product_id = w.product_id \
               AND o.term >= ${from} AND o.term < ${to})"
        ));
    }
    text.push_str(&format!(" LIMIT {at_most}"));
    let ends: Vec<String> = beginnings
        .iter()
        .flat_map(|word| [word.clone(), format!("{word}{LAST}")])
        .collect();
    let mut found: Vec<ProductId> = native!(conn, |c| {
        let mut query = diesel::sql_query(text).into_boxed();
        for end in ends {
            query = query.bind::<Text, _>(end);
        }
        query.load::<Item>(c)
    })?
    .into_iter()
    .map(|item| item.id)
    .collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// For each of these words at most so many items that have just it.
pub(in super::super) fn list_having(
    conn: &mut DbConnection,
    words: &[&str],
    at_most: usize,
) -> Result<BTreeMap<String, Vec<ProductId>>, DbError> {
    let items = format!(
        "SELECT product_id FROM product_terms WHERE term = w.value ORDER BY product_id LIMIT {at_most}"
    );
    of_each(conn, words, &[items])
}

/// For each of these titles, its words in one of the orders that names are kept in, at most so many items before it and
/// as many from it on.
pub(in super::super) fn list_beside(
    conn: &mut DbConnection,
    keys: &[&str],
    at_most: usize,
) -> Result<BTreeMap<String, Vec<ProductId>>, DbError> {
    // Both orders are told apart by their first sign, which no word begins with.
    let side = |of: &str, end: &str, way: &str| {
        format!(
            "SELECT product_id FROM product_terms WHERE term {of} w.value AND term {end} \
              ORDER BY term {way}, product_id LIMIT {at_most}"
        )
    };
    let mut beside = BTreeMap::new();
    for (first, behind) in [("<", "="), (">", "?")] {
        let these: Vec<&str> = keys
            .iter()
            .copied()
            .filter(|key| key.starts_with(first))
            .collect();
        let sides = [
            side(">=", &format!("< '{behind}'"), "ASC"),
            side("<", &format!(">= '{first}'"), "DESC"),
        ];
        beside.append(&mut of_each(conn, &these, &sides)?);
    }
    Ok(beside)
}

/// The items that each of these questions finds for each of these values, with one statement.
fn of_each(
    conn: &mut DbConnection,
    values: &[&str],
    questions: &[String],
) -> Result<BTreeMap<String, Vec<ProductId>>, DbError> {
    let mut found: BTreeMap<String, Vec<ProductId>> = BTreeMap::new();
    if values.is_empty() {
        return Ok(found);
    }
    for question in questions {
        let rows: Vec<Found> = match conn {
            DbConnection::Postgres(c) => diesel::sql_query(format!(
                "SELECT w.value AS word, (SELECT json_agg(i.product_id)::text FROM ({question}) i) AS items \
                   FROM unnest($1) AS w (value)"
            ))
            .bind::<Array<Text>, _>(values.to_vec())
            .prepared()
            .load(c),
            DbConnection::Sqlite(c) => diesel::sql_query(format!(
                "SELECT w.value AS word, (SELECT json_group_array(i.product_id) FROM ({question}) i) AS items \
                   FROM json_each(?) w"
            ))
            .bind::<Text, _>(serde_json::to_string(values).unwrap_or_default())
            .prepared()
            .load(c),
        }?;
        for row in rows {
            let items: Vec<i64> = row
                .items
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default();
            let known = found.entry(row.word).or_default();
            known.extend(items.into_iter().map(ProductId));
        }
    }
    Ok(found)
}
