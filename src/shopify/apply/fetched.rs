//! Applies an order that Shopify was asked for: from its translation on the same road as a webhook's.
use super::{attribute_fulfillments, book, payments, privacy, unreadable};
use crate::erp::orders::incoming::{Shape, Source};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::Outcome;
use crate::shopify::orders::fetch::Fetched;
use crate::shopify::orders::graphql;
use crate::shopify::personal_data::impersonal_body;
use crate::shopify::privacy::is_erased;
use crate::shopify::shops::Shop;
use crate::types::At;

/// Books an order as it was when it was asked for. `name` is the query that brought it.
///
/// # Errors
///
/// The database's; everything else is an [`Outcome`].
pub fn apply_fetched(
    conn: &mut DbConnection,
    shop: &Shop,
    fetched: &Fetched,
    name: &str,
    now: At,
) -> Result<Outcome, DbError> {
    let refunds = fetched.refunds.as_deref();
    let translated = match graphql::translate(&fetched.node, refunds, fetched.asked_at) {
        Ok(translated) => translated,
        Err(wrong) => return Ok(unreadable(&wrong)),
    };
    let (mut incoming, echoes) = attribute_fulfillments(conn, shop, translated)?;
    let mut body = fetched.body();
    let customer = incoming.customer.value().map(|one| one.external_id.clone());
    if is_erased(conn, shop, Some(&incoming.external_id), customer.as_deref())? {
        incoming = privacy::without_person(incoming);
        body = impersonal_body(&body);
    }
    let source = Source {
        shape: Shape::Graphql,
        api_version: &fetched.api_version,
        event: None,
        name,
        body: &body,
    };
    let outcome = book(conn, shop, &incoming, source, echoes, now)?;
    let refused = payments::fetched(conn, shop, &incoming.external_id, &fetched.node, now)?;
    Ok(refused.unwrap_or(outcome))
}
