//! What an edit changed, readable for ever: old and new beside each other.
use serde::{Deserialize, Serialize};

use super::incoming::label;
use super::queries::sums::DetailFacts;
use super::queries::{LineFacts, LineRow, OrderFacts};
use crate::types::{Money, UnitPrice};

/// One change of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// `quantity`, `price`, `added`, `removed`, `tax`, `total`, `address`, `note` ...
    pub what: String,
    /// The line it concerns.
    pub line: Option<String>,
    pub old: String,
    pub new: String,
}

impl Change {
    fn new(what: &str, line: Option<String>, old: String, new: String) -> Change {
        Change {
            what: what.to_owned(),
            line,
            old,
            new,
        }
    }
}

/// What differs between two states of an order's own facts.
#[must_use]
pub fn of_order(old: &OrderFacts, new: &OrderFacts) -> Vec<Change> {
    let money = |minor: i64| Money::new(minor, new.currency).to_string();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let address = |json: &Option<String>| super::address(json.as_deref()).lines().join(", ");
    [
        (
            "total",
            money(old.current_total_minor),
            money(new.current_total_minor),
        ),
        ("tax", money(old.tax_minor), money(new.tax_minor)),
        (
            "shipping",
            money(old.shipping_minor),
            money(new.shipping_minor),
        ),
        (
            "shipping method",
            text(&old.shipping_method),
            text(&new.shipping_method),
        ),
        (
            "payment",
            old.payment_state.to_string(),
            new.payment_state.to_string(),
        ),
        (
            "shipping address",
            address(&old.shipping_address),
            address(&new.shipping_address),
        ),
        (
            "billing address",
            address(&old.billing_address),
            address(&new.billing_address),
        ),
        ("e-mail", text(&old.email), text(&new.email)),
        ("phone", text(&old.phone), text(&new.phone)),
        ("note", text(&old.note), text(&new.note)),
        ("tags", text(&old.tags), text(&new.tags)),
    ]
    .into_iter()
    .filter(|(_what, old, new)| old != new)
    .map(|(what, old, new)| Change::new(what, None, old, new))
    .collect()
}

/// What differs in where, for whom and on which terms an order was sold.
#[must_use]
pub fn of_details(old: &DetailFacts, new: &DetailFacts) -> Vec<Change> {
    let company = |facts: &DetailFacts| {
        let name = facts.company_name.as_ref();
        name.or(facts.company_external_id.as_ref())
            .cloned()
            .unwrap_or_default()
    };
    let terms = |facts: &DetailFacts| {
        let kind = facts.terms_kind.clone().unwrap_or_default();
        let days = facts.terms_days.map(|days| format!(" {days}"));
        format!("{kind}{}", days.unwrap_or_default())
    };
    let number = |facts: &DetailFacts| facts.po_number.clone().unwrap_or_default();
    [
        ("purchase order", number(old), number(new)),
        ("company", company(old), company(new)),
        ("payment terms", terms(old), terms(new)),
    ]
    .into_iter()
    .filter(|(_what, old, new)| old != new)
    .map(|(what, old, new)| Change::new(what, None, old, new))
    .collect()
}

/// What differs between a line as it is stored and as it comes in.
#[must_use]
pub fn of_line(old: &LineRow, new: &LineFacts, currency: crate::types::Currency) -> Vec<Change> {
    let name = Some(label(&new.title, new.variant_title.as_deref()));
    let price = |millionths: i64| {
        UnitPrice {
            millionths,
            currency,
        }
        .to_string()
    };
    let money = |minor: i64| Money::new(minor, currency).to_string();
    let old = &old.facts;
    [
        (
            "quantity",
            old.current_quantity.to_string(),
            new.current_quantity.to_string(),
        ),
        (
            "price",
            price(old.unit_price_scaled),
            price(new.unit_price_scaled),
        ),
        (
            "discount",
            money(old.discount_minor),
            money(new.discount_minor),
        ),
        ("line tax", money(old.tax_minor), money(new.tax_minor)),
        (
            "shipped elsewhere",
            old.fulfilled_elsewhere.to_string(),
            new.fulfilled_elsewhere.to_string(),
        ),
    ]
    .into_iter()
    .filter(|(_what, old, new)| old != new)
    .map(|(what, old, new)| Change::new(what, name.clone(), old, new))
    .collect()
}

/// A line that was not there before.
#[must_use]
pub fn added(new: &LineFacts) -> Change {
    let name = label(&new.title, new.variant_title.as_deref());
    Change::new(
        "added",
        Some(name),
        String::new(),
        new.current_quantity.to_string(),
    )
}
