//! What orders are found by: words, each found by how it begins, so that a search stays as quick with a million
//! orders as with ten. The words of an order are kept beside it and brought up to date with it.
use std::collections::BTreeSet;

use super::queries::{self, OrderFacts, search as rows};
use crate::erp::shipping::queries::list_tracking_numbers;
use crate::erp::words::{self, normal, parts, phone};
use crate::platform::db::{DbConnection, DbError};
use crate::types::OrderId;

/// A word that so many orders have finds none of them by itself: the list is looked through for it instead.
const POPULAR: usize = 2_000;

/// What a search comes down to.
pub type Found = words::Found<OrderId>;

/// Finds out which orders a search can mean.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, search: &str) -> Result<Found, DbError> {
    words::find(
        conn,
        (search, words::searched(search)),
        |conn, word| {
            let mut having = rows::list_with(conn, word, POPULAR)?;
            // An order may be among them twice: as many as were asked for may still not be all.
            if having.len() >= POPULAR {
                return Ok(None);
            }
            having.extend(queries::find_number(conn, &word.to_uppercase())?);
            Ok(Some(having))
        },
        rows::keep_with,
    )
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
