//! The connector's part of the register of personal data, and the whole register of this program.
use crate::erp;
use crate::platform::personal_data::{self as platform, Column, Erasure, Fate, Subject, scrub};

/// What is left of a body that cannot be read: nothing, and a word of why.
const NOTHING: &[u8] = br#"{"redacted":true}"#;

/// The register: what stored messages and their traces hold of people.
#[rustfmt::skip]
pub const COLUMNS: &[Column] = &[
    Column {
        table: "order_sources", column: "body", subject: Subject::Order, by: "order_id",
        erasure: Erasure::Bytes(impersonal_body),
        reason: "what the store last said, to be read again after an upgrade",
        kept: "until the person asks for its erasure",
    },
    Column {
        table: "webhook_events", column: "body", subject: Subject::Event, by: "id",
        erasure: Erasure::Body(impersonal_body),
        reason: "what arrived, so that nothing is lost and all of it can be explained",
        kept: "COUNTERFOIL_RETENTION_DAYS after the event was done, or until the person asks for its erasure",
    },
    Column {
        table: "webhook_events", column: "reason", subject: Subject::Event, by: "id",
        erasure: Erasure::Text(without_quotes),
        reason: "quotes what could not be read", kept: "as long as the event",
    },
    Column {
        table: "tries", column: "reason", subject: Subject::Event,
        by: "queue = 'webhook_events' AND row_id",
        erasure: Erasure::Text(without_quotes),
        reason: "quotes what could not be read", kept: "as long as the body of the event",
    },
    Column {
        table: "discards", column: "reason", subject: Subject::Event,
        by: "queue = 'webhook_events' AND row_id",
        erasure: Erasure::Text(without_quotes),
        reason: "quotes what could not be read, so that a discarded event can be taken back",
        kept: "a day, or until something else is discarded after it",
    },
    Column {
        table: "discards", column: "reason", subject: Subject::Job, by: "queue = 'jobs' AND row_id",
        erasure: Erasure::Text(without_quotes),
        reason: "may quote what the store answered, so that a discarded job can be taken back",
        kept: "a day, or until something else is discarded after it",
    },
    Column {
        table: "jobs", column: "payload", subject: Subject::Job, by: "id",
        erasure: Erasure::Text(impersonal_text),
        reason: "ids of what is to be done", kept: "COUNTERFOIL_RETENTION_DAYS after the job was done",
    },
    Column {
        table: "jobs", column: "reason", subject: Subject::Job, by: "id",
        erasure: Erasure::Text(without_quotes),
        reason: "may quote what the store answered", kept: "as long as the job",
    },
    Column {
        table: "shopify_fulfillment_orders", column: "holds", subject: Subject::Order, by: "order_id",
        erasure: Erasure::Word("[]"),
        reason: "why the store keeps the order, in its own words", kept: "until the person asks for its erasure",
    },
    Column {
        table: "timeline", column: "arguments", subject: Subject::Order, by: "order_id",
        erasure: Erasure::Text(impersonal_text),
        reason: "what happened to the order", kept: "as long as the order",
    },
    Column {
        table: "shopify_customers", column: "external_id", subject: Subject::Contact, by: "contact_id",
        erasure: Erasure::Stays,
        reason: "the number alone, so that nothing older brings an erased person back",
        kept: "as long as the store",
    },
];

/// Every column of the program that holds something about people.
#[must_use]
pub fn register() -> Vec<Column> {
    [platform::COLUMNS, erp::personal_data::COLUMNS, COLUMNS].concat()
}

/// A message without the person it is about; money, lines and ids stay.
#[must_use]
pub fn impersonal_body(body: &[u8]) -> Vec<u8> {
    scrub(body, fate).unwrap_or_else(|| NOTHING.to_vec())
}

fn impersonal_text(json: &str) -> String {
    String::from_utf8(impersonal_body(json.as_bytes())).unwrap_or_default()
}

/// A reason without what it quotes.
pub(crate) fn without_quotes(reason: &str) -> String {
    let mut parts = reason.split('"');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.enumerate().fold(first, |left, (place, part)| {
        let part = if place % 2 == 0 { "…" } else { part };
        format!("{left}\"{part}")
    })
}

/// Shopify's keys, whatever the topic: in an order (of both shapes), a customer, a fulfilment, a store.
fn fate(key: &str) -> Fate {
    match key {
        // What GraphQL tells of somebody cannot be read again without its time.
        "customer" => Fate::Only(&["id", "admin_graphql_api_id", "updatedAt"]),
        "addresses" | "note_attributes" | "properties" | "customAttributes" => Fate::EmptyList,
        "email"
        | "contact_email"
        | "customer_email"
        | "phone"
        | "first_name"
        | "last_name"
        | "default_address"
        | "billing_address"
        | "shipping_address"
        | "destination"
        | "company"
        | "note"
        | "staff_note"
        | "message"
        | "browser_ip"
        | "client_details"
        | "landing_site"
        | "landing_site_ref"
        | "referring_site"
        | "order_status_url"
        | "token"
        | "cart_token"
        | "checkout_token"
        | "email_marketing_consent"
        | "sms_marketing_consent"
        | "customer_locale"
        | "customerLocale"
        | "billingAddress"
        | "shippingAddress"
        | "purchasingEntity"
        | "payment_details"
        | "receipt"
        | "multipass_identifier"
        | "shop_owner" => Fate::Null,
        _ => Fate::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_what_is_wrong_without_saying_of_whom() {
        let reason = r#"email: "ada@example.com" is not "x" here"#;
        assert_eq!(without_quotes(reason), r#"email: "…" is not "…" here"#);
        assert_eq!(without_quotes("id: it is missing"), "id: it is missing");
        assert_eq!(without_quotes("cut off: \"ada@exa"), "cut off: \"…");
    }

    #[test]
    fn what_cannot_be_read_is_not_kept() {
        assert_eq!(impersonal_body(b"{\"email\":\"ada@"), NOTHING);
    }
}
