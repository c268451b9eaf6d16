//! The core's part of the register of personal data: who buys, what their orders say of them, who works here.
use crate::erp::customers::Address;
use crate::erp::orders;
use crate::erp::orders::difference::Change;
use crate::platform::personal_data::{Column, Erasure, Subject};

/// What stands where a page or a paper needs a name.
const REDACTED: &str = "Redacted";
/// The changes of an order that quote what a person wrote or where they live.
const PERSONAL_CHANGES: &[&str] = &[
    "shipping address",
    "billing address",
    "e-mail",
    "phone",
    "note",
];

/// The register: every column of the core that holds something about people.
#[rustfmt::skip]
pub const COLUMNS: &[Column] = &[
    contact("first_name",   Erasure::Word(REDACTED)),
    contact("last_name",    Erasure::Null),
    contact("email",        Erasure::Null),
    contact("email_normal", Erasure::Null),
    contact("phone",        Erasure::Null),
    contact("phone_normal", Erasure::Null),
    contact("note",         Erasure::Null),
    contact("tags",         Erasure::Null),
    contact("locale",       Erasure::Null),
    contact("email_consent", Erasure::Null),
    contact("email_consent_level", Erasure::Null),
    contact("sms_consent",  Erasure::Null),
    contact("sms_consent_level", Erasure::Null),
    contact("name_zip",     Erasure::Null),
    contact_in("contact_terms", "term", "contact_id", Erasure::Word("")),
    contact_in("contact_addresses", "address", "contact_id", Erasure::Text(country_alone)),
    // Of both who became one.
    contact_in("contact_merges", "before", "kept_id", Erasure::Null),
    contact_in("contact_merges", "before", "gone_id", Erasure::Null),
    contact_in("contact_merges", "after", "kept_id", Erasure::Null),
    contact_in("contact_merges", "after", "gone_id", Erasure::Null),
    Column {
        table: "account_locations", column: "name", subject: Subject::Account, by: "account_id",
        erasure: Erasure::Word(REDACTED),
        reason: "where the company buys", kept: "until the person asks for its erasure",
    },
    Column {
        table: "account_locations", column: "phone", subject: Subject::Account, by: "account_id",
        erasure: Erasure::Null,
        reason: "where the company buys", kept: "until the person asks for its erasure",
    },
    Column {
        table: "account_locations", column: "address", subject: Subject::Account, by: "account_id",
        erasure: Erasure::Text(country_alone),
        reason: "where the company buys", kept: "until the person asks for its erasure",
    },
    Column {
        table: "accounts", column: "name", subject: Subject::Account, by: "id",
        erasure: Erasure::Word(REDACTED),
        reason: "whom the seller trades with", kept: "until the person asks for its erasure",
    },
    order("orders", "customer_name",    "id",       Erasure::Word(REDACTED)),
    order("orders", "email",            "id",       Erasure::Null),
    order("orders", "phone",            "id",       Erasure::Null),
    order("orders", "billing_address",  "id",       Erasure::Text(country_alone)),
    order("orders", "shipping_address", "id",       Erasure::Text(country_alone)),
    order("orders", "ship_city",        "id",       Erasure::Null),
    order("orders", "note",             "id",       Erasure::Null),
    order("orders", "attributes",       "id",       Erasure::Null),
    order("order_terms", "term",        "order_id", Erasure::Word("")),
    order("order_lines", "properties",  "order_id", Erasure::Null),
    order("order_details", "company_contact_external_id", "order_id", Erasure::Null),
    order("order_versions", "difference", "order_id", Erasure::Text(impersonal_changes)),
    order("order_edits", "before",      "order_id", Erasure::Text(impersonal_edit)),
    order("order_edits", "proposal",    "order_id", Erasure::Text(impersonal_edit)),
    order("holds", "note",              "order_id", Erasure::Null),
    order("refunds", "note",            "order_id", Erasure::Null),
    order("returns", "decline_note",    "order_id", Erasure::Null),
    Column {
        table: "return_lines", column: "note", subject: Subject::Order,
        by: "(SELECT order_id FROM returns WHERE returns.id = return_lines.return_id)",
        erasure: Erasure::Null,
        reason: "why it came back, in the customer's words", kept: "until the person asks for its erasure",
    },
    order("deliveries", "name",         "order_id", Erasure::Word(REDACTED)),
    order("deliveries", "phone",        "order_id", Erasure::Null),
    order("deliveries", "email",        "order_id", Erasure::Null),
    order("deliveries", "address",      "order_id", Erasure::Text(country_alone)),
    order("deliveries", "city",         "order_id", Erasure::Null),
    order("deliveries", "note",         "order_id", Erasure::Null),
    order("delivery_log", "note",       "order_id", Erasure::Null),
    order("delivery_photos", "picture", "order_id", Erasure::Picture),
    staff("users", "email"),
    staff("users", "name"),
    staff_by("drivers", "phone", "user_id"),
    staff_by("drivers", "vehicle", "user_id"),
    staff("sessions", "address"),
    staff("sessions", "agent"),
    staff("sign_in_failures", "subject"),
    // A search that somebody keeps may name a person.
    staff("saved_views", "name"),
    staff("saved_views", "query"),
];

const fn contact(column: &'static str, erasure: Erasure) -> Column {
    contact_in("contacts", column, "id", erasure)
}

const fn contact_in(
    table: &'static str,
    column: &'static str,
    by: &'static str,
    erasure: Erasure,
) -> Column {
    Column {
        table,
        column,
        subject: Subject::Contact,
        by,
        erasure,
        reason: "whom the seller trades with",
        kept: "until the person asks for its erasure",
    }
}

const fn order(
    table: &'static str,
    column: &'static str,
    by: &'static str,
    erasure: Erasure,
) -> Column {
    Column {
        table,
        column,
        subject: Subject::Order,
        by,
        erasure,
        reason: "to deliver what was ordered",
        kept: "until the person asks for its erasure",
    }
}

const fn staff(table: &'static str, column: &'static str) -> Column {
    staff_by(table, column, "id")
}

const fn staff_by(table: &'static str, column: &'static str, by: &'static str) -> Column {
    Column {
        table,
        column,
        subject: Subject::Staff,
        by,
        erasure: Erasure::Stays,
        reason: "who may sign in, and who did what",
        kept: "as long as the account or the session",
    }
}

/// Taxes are by country and province: those stay.
fn country_alone(address: &str) -> String {
    let known = orders::address(Some(address));
    let left = Address {
        province: known.province,
        province_code: known.province_code,
        country: known.country,
        country_code: known.country_code,
        ..Address::default()
    };
    serde_json::to_string(&left).unwrap_or_default()
}

/// Of an edit the address alone tells of a person: a text that holds an object.
fn impersonal_edit(edit: &str) -> String {
    match serde_json::from_str::<String>(edit) {
        Ok(text) if text.starts_with('{') => {
            serde_json::to_string(&country_alone(&text)).unwrap_or_default()
        }
        Ok(_) | Err(_) => edit.to_owned(),
    }
}

fn impersonal_changes(difference: &str) -> String {
    let Ok(mut changes) = serde_json::from_str::<Vec<Change>>(difference) else {
        return "[]".to_owned();
    };
    for change in &mut changes {
        if PERSONAL_CHANGES.contains(&change.what.as_str()) {
            change.old = REDACTED.to_owned();
            change.new = REDACTED.to_owned();
        }
    }
    serde_json::to_string(&changes).unwrap_or_else(|_broken| "[]".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_the_country_is_left() {
        let address =
            r#"{"name":"Ada","city":"Ann Arbor","province_code":"MI","country_code":"US"}"#;
        let left = country_alone(address);
        assert!(
            !left.contains("Ada") && !left.contains("Ann Arbor"),
            "{left}"
        );
        let left = orders::address(Some(&left));
        assert_eq!(left.province_code.as_deref(), Some("MI"));
    }

    #[test]
    fn a_difference_keeps_its_quantities() {
        let difference = r#"[{"what":"phone","line":null,"old":"1","new":"2"},{"what":"quantity","line":"Tea","old":"1","new":"2"}]"#;
        let left: Vec<Change> =
            serde_json::from_str(&impersonal_changes(difference)).expect("changes");
        assert_eq!(
            (left[0].old.as_str(), left[1].old.as_str()),
            (REDACTED, "1")
        );
    }
}
