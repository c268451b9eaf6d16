//! What Shopify asks for in people's names, and what a message may still say of somebody who was erased.
use crate::erp::customers::Address;
use crate::erp::orders::IncomingOrder;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::queue::Outcome;
use crate::shopify::privacy::{self, RequestKind, payload};
use crate::shopify::shops::Shop;
use crate::types::{At, Field};

use super::unreadable;

/// `customers/data_request`, `customers/redact`, `shop/redact`.
pub(super) fn request(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    kind: RequestKind,
    now: At,
) -> Result<Outcome, DbError> {
    match payload::read(&event.body, kind, &event.shop_domain) {
        Ok(asked) => {
            privacy::receive(conn, shop, event, kind, &asked, now)?;
            Ok(Outcome::Done)
        }
        Err(wrong) => Ok(unreadable(&wrong)),
    }
}

/// The order without the person who placed it; country and province stay, for the taxes.
pub(super) fn without_person(mut order: IncomingOrder) -> IncomingOrder {
    order.customer = Field::Null;
    order.email = Field::Null;
    order.phone = Field::Null;
    order.note = Field::Null;
    order.attributes = Field::Null;
    if let Field::Value(company) = &mut order.company {
        company.contact_external_id = None;
    }
    order.billing_address = order.billing_address.map(country_alone);
    order.shipping_address = order.shipping_address.map(country_alone);
    for line in order.lines.iter_mut().flatten() {
        line.properties.clear();
    }
    for refund in order.refunds.iter_mut().flatten() {
        refund.note = None;
    }
    order
}

fn country_alone(address: Address) -> Address {
    Address {
        province: address.province,
        province_code: address.province_code,
        country: address.country,
        country_code: address.country_code,
        ..Address::default()
    }
}
