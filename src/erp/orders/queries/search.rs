//! SQL of `order_terms`: the words that orders are found by.
use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::order_terms;
use crate::types::OrderId;

/// Orders that are asked for with one statement.
const AT_ONCE: usize = 500;
/// Behind every word that begins alike; both databases compare words by their bytes.
const LAST: char = char::MAX;

/// At most so many orders with a word that begins so.
pub(in super::super) fn list_with(
    conn: &mut DbConnection,
    beginning: &str,
    at_most: usize,
) -> Result<Vec<OrderId>, DbError> {
    Ok(order_terms::table
        .filter(order_terms::term.ge(beginning))
        .filter(order_terms::term.lt(format!("{beginning}{LAST}")))
        .select(order_terms::order_id)
        .limit(i64::try_from(at_most).unwrap_or(i64::MAX))
        .load(conn)?)
}

/// Those of these orders that have a word that begins so.
pub(in super::super) fn keep_with(
    conn: &mut DbConnection,
    orders: &[OrderId],
    beginning: &str,
) -> Result<Vec<OrderId>, DbError> {
    let mut found = Vec::new();
    for some in orders.chunks(AT_ONCE) {
        let mut these: Vec<OrderId> = order_terms::table
            .filter(order_terms::order_id.eq_any(some.to_vec()))
            .filter(order_terms::term.ge(beginning))
            .filter(order_terms::term.lt(format!("{beginning}{LAST}")))
            .select(order_terms::order_id)
            .load(conn)?;
        these.sort_unstable();
        these.dedup();
        found.extend(these);
    }
    Ok(found)
}

/// Writes words of orders, with one statement on both databases.
pub(in super::super) fn insert(
    conn: &mut DbConnection,
    words: &[(OrderId, BTreeSet<String>)],
) -> Result<(), DbError> {
    let words: Vec<(OrderId, &str)> = words
        .iter()
        .flat_map(|(order, words)| words.iter().map(|word| (*order, word.as_str())))
        .collect();
    if words.is_empty() {
        return Ok(());
    }
    match conn {
        DbConnection::Postgres(c) => {
            let (orders, words): (Vec<OrderId>, Vec<&str>) = words.into_iter().unzip();
            diesel::sql_query(
                "INSERT INTO order_terms (order_id, term) SELECT * FROM unnest($1, $2)",
            )
            .bind::<Array<BigInt>, _>(orders)
            .bind::<Array<Text>, _>(words)
            .prepared()
            .execute(c)
        }
        DbConnection::Sqlite(c) => {
            let words: Vec<(i64, &str)> = words.iter().map(|(id, word)| (id.0, *word)).collect();
            diesel::sql_query(
                "INSERT INTO order_terms (order_id, term) \
                 SELECT value ->> 0, value ->> 1 FROM json_each(?)",
            )
            .bind::<Text, _>(serde_json::to_string(&words).unwrap_or_default())
            .prepared()
            .execute(c)
        }
    }?;
    Ok(())
}

/// Leaves an order these words and no others.
pub(in super::super) fn replace(
    conn: &mut DbConnection,
    order: OrderId,
    wanted: &BTreeSet<String>,
) -> Result<(), DbError> {
    let kept: Vec<(i64, String)> = order_terms::table
        .filter(order_terms::order_id.eq(order))
        .select((order_terms::id, order_terms::term))
        .load(conn)?;
    let over: Vec<i64> = kept
        .iter()
        .filter(|(_id, term)| !wanted.contains(term))
        .map(|(id, _term)| *id)
        .collect();
    if !over.is_empty() {
        diesel::delete(order_terms::table.filter(order_terms::id.eq_any(over))).execute(conn)?;
    }
    let kept: BTreeSet<String> = kept.into_iter().map(|(_id, term)| term).collect();
    let new: BTreeSet<String> = wanted.difference(&kept).cloned().collect();
    insert(conn, &[(order, new)])
}
