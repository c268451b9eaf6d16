//! What a webhook's answer says of an order's local delivery, before anybody has applied it: by the same
//! reading and the same rule as the worker.
use std::borrow::Cow;

use serde::Deserialize;

use crate::erp::deliveries::public_id;
use crate::erp::deliveries::rule::{Asked, Rule, Which};
use crate::erp::orders::incoming::ChargeKind;
use crate::shopify::orders::translate;
use crate::types::At;

/// How an order is shipped, read out of its body alone.
#[derive(Deserialize)]
struct Ways<'a> {
    #[serde(borrow)]
    shipping_lines: Vec<Way<'a>>,
}

#[derive(Deserialize)]
struct Way<'a> {
    #[serde(borrow)]
    title: Option<Cow<'a, str>>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
}

/// Whether the rule may make a delivery of the order in this body. Most orders go by parcel, and reading all of one
/// costs as much as storing it. A body that is shaped otherwise may be any.
fn may_make(rule: &Rule, body: &[u8]) -> bool {
    let Ok(ways) = serde_json::from_slice::<Ways<'_>>(body) else {
        return true;
    };
    let ways = ways.shipping_lines.iter();
    let names: Vec<&str> = ways
        .flat_map(|way| [way.title.as_deref(), way.code.as_deref()])
        .flatten()
        .collect();
    rule.wants(&names)
}

/// The public id of the delivery that the store's rule makes of the order in this body; nothing where it makes
/// none, or where the body cannot be read.
#[must_use]
pub fn named(rule: &Rule, shop_domain: &str, body: &[u8], now: At) -> Option<String> {
    if rule.which == Which::Nothing || !may_make(rule, body) {
        return None;
    }
    let order = translate(body, now).ok()?.order;
    let shipping = order
        .charges
        .iter()
        .flatten()
        .filter(|charge| charge.kind == ChargeKind::Shipping && !charge.removed);
    let names: Vec<&str> = shipping
        .flat_map(|charge| [Some(charge.title.as_str()), charge.code.as_deref()])
        .flatten()
        .collect();
    let asked = Asked {
        names: &names,
        ships: order
            .lines
            .iter()
            .flatten()
            .any(|line| line.ships && line.quantity > 0),
        test: order.test.value() == Some(&true),
        local: None,
    };
    rule.makes(asked)
        .then(|| public_id(shop_domain, &order.external_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = include_bytes!("../../tests/fixtures/shopify/orders_create.json");

    #[test]
    fn an_order_is_named_as_its_delivery_will_be_and_no_other() {
        let named = |rule: &Rule, body: &[u8]| named(rule, "a.myshopify.com", body, At(0));
        let all = Rule::read("all", "").expect("a rule");
        let id: serde_json::Value = serde_json::from_slice(BODY).expect("JSON");
        let id = id["id"].to_string();
        assert_eq!(named(&all, BODY), Some(public_id("a.myshopify.com", &id)));
        assert_eq!(named(&Rule::none(), BODY), None);
        assert_eq!(named(&all, b"{"), None);
        let other = Rule::read("by_method", "Carrier pigeon").expect("a rule");
        assert_eq!(named(&other, BODY), None);
        let ours = Rule::read("by_method", "standard").expect("a rule");
        assert_eq!(named(&ours, BODY), named(&all, BODY));
        // Shaped otherwise, it is read in full.
        let mut odd: serde_json::Value = serde_json::from_slice(BODY).expect("JSON");
        odd["shipping_lines"][0]["code"] = 7.into();
        let odd = serde_json::to_vec(&odd).expect("JSON");
        assert_eq!(named(&ours, &odd), named(&all, BODY));
    }
}
