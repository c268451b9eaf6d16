//! What a store says it has deleted. The headers are not signed, so the body has to have the shape of a
//! deletion, and a job asks the API before anything is believed.
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::queue::Outcome;
use crate::shopify::deletions::{CheckDeleted, Record};
use crate::shopify::jobs::ImportProduct;
use crate::shopify::orders::{TranslateError, translate_delete};
use crate::shopify::shops::Shop;
use crate::types::At;

use super::{file, unreadable};

/// `orders/delete`.
pub(super) fn order(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    check(conn, shop, event, Record::Order, now)
}

/// `customers/delete`.
pub(super) fn customer(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    check(conn, shop, event, Record::Customer, now)
}

/// `products/delete`: reading the product again finds it gone, or not.
pub(super) fn product(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    match translate_delete(&event.body) {
        Ok(product) => {
            let job = ImportProduct {
                shop: shop.id,
                product,
            };
            file(conn, shop, &job, now)
        }
        Err(wrong) => Ok(unreadable(&wrong)),
    }
}

fn check(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    record: Record,
    now: At,
) -> Result<Outcome, DbError> {
    let read: Result<String, TranslateError> = translate_delete(&event.body);
    match read {
        Ok(external_id) => {
            let job = CheckDeleted {
                shop: shop.id,
                record,
                external_id,
                event: Some(event.id),
            };
            file(conn, shop, &job, now)
        }
        Err(wrong) => Ok(unreadable(&wrong)),
    }
}
