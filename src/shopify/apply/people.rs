//! Customers as a store tells them: new, changed, merged.
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::personal_data::{Subject, erase};
use crate::platform::queue::Outcome;
use crate::shopify::customers::{self, Merged, payload};
use crate::shopify::personal_data::register;
use crate::shopify::privacy::is_erased;
use crate::shopify::shops::Shop;
use crate::types::At;

use super::unreadable;

/// `customers/create` and `customers/update`.
pub(super) fn customer(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    match payload::customer(&event.body) {
        Ok(customer) if is_erased(conn, shop, None, Some(&customer.external_id))? => {
            erase(conn, &register(), Subject::Event, &[event.id.0])?;
            Ok(Outcome::nothing_to_do("this customer was erased"))
        }
        Ok(customer) => {
            customers::receive(conn, shop, &[&customer], now)?;
            Ok(Outcome::Done)
        }
        Err(wrong) => Ok(unreadable(&wrong)),
    }
}

/// `customers/merge`, which Shopify also sends of a merge that failed.
pub(super) fn merge(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    let merge = match payload::merge(&event.body) {
        Ok(merge) => merge,
        Err(wrong) => return Ok(unreadable(&wrong)),
    };
    if !merge.is_completed {
        return Ok(Outcome::nothing_to_do("the merge was not completed"));
    }
    match customers::merge(conn, shop, &merge.kept, &merge.deleted, now)? {
        Merged::Done => Ok(Outcome::Done),
        Merged::Unknown => Ok(Outcome::nothing_to_do(
            "the customer that was merged away was never here",
        )),
    }
}
