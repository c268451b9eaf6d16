//! `returns/*`: thin bodies that say which return has changed; a job reads it whole.
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::queue::Outcome;
use crate::shopify::orders::{TranslateError, read};
use crate::shopify::payloads;
use crate::shopify::returns::ReadReturn;
use crate::shopify::shops::Shop;
use crate::types::At;

use super::{file, unreadable};

pub(super) fn apply(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    let body: payloads::Return = match read(&event.body) {
        Ok(body) => body,
        Err(wrong) => return Ok(unreadable(&wrong)),
    };
    let is_other = body.line_items.is_some() || body.refund_line_items.is_some();
    match body.id {
        Some(id) if !is_other => {
            let job = ReadReturn {
                shop: shop.id,
                external_id: id.0,
                event: event.id,
            };
            file(conn, shop, &job, now)
        }
        Some(_) | None => Ok(unreadable(&TranslateError {
            path: "id".to_owned(),
            reason: "it names no return: this is the body of another topic".to_owned(),
        })),
    }
}
