//! Webhooks as they arrive: their signature, and which record a body is about.
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::shopify::topics::{Subject, TopicRule};
use crate::types::At;

/// In microseconds.
const SECOND: i64 = 1_000_000;
const SECOND_IS_OVER: u64 = 999_999;

/// A secret that may sign a shop's webhooks, and what to call it: `app`, `app previous`, `store's app` ...
#[derive(Clone, Debug)]
pub struct LabelledSecret {
    pub label: &'static str,
    pub secret: SecretString,
}

/// Which of `secrets` signed `body`: base64 of HMAC-SHA256 over the raw bytes, compared in constant time.
#[must_use]
pub fn signed_by<'a>(
    body: &[u8],
    signature: &str,
    secrets: &'a [LabelledSecret],
) -> Option<&'a LabelledSecret> {
    let signature = STANDARD.decode(signature.trim()).ok()?;
    secrets.iter().find(|labelled| {
        Hmac::<Sha256>::new_from_slice(labelled.secret.expose_secret().as_bytes()).is_ok_and(
            |mut mac| {
                mac.update(body);
                mac.verify_slice(&signature).is_ok()
            },
        )
    })
}

/// The id of a delivery that came without one: the same shop, topic and body make the same.
#[must_use]
pub fn substitute_id(shop_domain: &str, topic: &str, body: &[u8]) -> String {
    let mut digest = Sha256::new();
    for part in [shop_domain.as_bytes(), topic.as_bytes(), body] {
        digest.update(part);
        digest.update([0]);
    }
    format!("body-{}", hex::encode(digest.finalize()))
}

/// How new a state is among those of its record. Shopify tells a change's whole second and often sends several
/// states of one second: among them the later sent is newer, by the milliseconds since, up to a quarter of an hour.
#[must_use]
pub fn newness(updated_at: At, triggered_at: Option<At>) -> At {
    let is_whole_second = updated_at.0.rem_euclid(SECOND) == 0;
    match triggered_at.filter(|_| is_whole_second) {
        Some(sent) => {
            let millis = u64::try_from(sent.since(updated_at).as_millis()).unwrap_or(u64::MAX);
            updated_at.after(Duration::from_micros(millis.min(SECOND_IS_OVER)))
        }
        None => updated_at,
    }
}

/// What a first look at the body tells: enough to file it, no more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// What it is about: `shop/order/1001`; `None` where the body does not say.
    pub key: Option<String>,
    /// `updated_at` of the state it carries.
    pub updated_at: Option<At>,
    /// Shopify's name of the order, `#1001`.
    pub order_name: Option<String>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    admin_graphql_api_id: Option<&'a RawValue>,
    #[serde(borrow)]
    order_id: Option<&'a RawValue>,
    #[serde(borrow)]
    admin_graphql_api_order_id: Option<&'a RawValue>,
    #[serde(borrow)]
    order_edit: Option<&'a RawValue>,
    #[serde(borrow)]
    fulfillment_order: Option<&'a RawValue>,
    #[serde(borrow)]
    original_fulfillment_order: Option<&'a RawValue>,
    #[serde(borrow)]
    customer: Option<&'a RawValue>,
    #[serde(borrow)]
    admin_graphql_api_customer_kept_id: Option<&'a RawValue>,
    #[serde(borrow)]
    inventory_item_id: Option<&'a RawValue>,
    #[serde(borrow)]
    location_id: Option<&'a RawValue>,
    #[serde(borrow)]
    updated_at: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
}

/// The ids that records inside a body have.
#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    order_id: Option<&'a RawValue>,
}

/// Looks at a body without understanding it. A body that cannot be read is filed without a key: the
/// worker says what is wrong with it.
#[must_use]
pub fn glance(rule: &TopicRule, shop_domain: &str, body: &[u8]) -> Glance {
    let Ok(head) = serde_json::from_slice::<Head<'_>>(body) else {
        return Glance::default();
    };
    let name = head
        .name
        .filter(|_| rule.snapshot && rule.subject == Subject::Order);
    Glance {
        key: record(rule, &head).map(|record| format!("{shop_domain}/{record}")),
        updated_at: text(head.updated_at).and_then(|text| At::parse(&text).ok()),
        order_name: text(name),
    }
}

/// The record within its store: `order/1001`.
fn record(rule: &TopicRule, head: &Head<'_>) -> Option<String> {
    match rule.subject {
        Subject::Order => order(rule, head).map(|id| format!("order/{id}")),
        Subject::FulfillmentOrder => {
            let one = head.fulfillment_order.or(head.original_fulfillment_order);
            number(inner(one)?.id).map(|id| format!("fo/{id}"))
        }
        Subject::Return => number(head.id).map(|id| format!("return/{id}")),
        Subject::Product => number(head.id).map(|id| format!("product/{id}")),
        Subject::StockLevel => {
            let (item, location) = (number(head.inventory_item_id)?, number(head.location_id)?);
            Some(format!("item/{item}/{location}"))
        }
        Subject::Customer => {
            let told = head.admin_graphql_api_customer_kept_id;
            let inside = head.customer.and_then(|customer| inner(Some(customer))?.id);
            number(told.or(inside).or(head.id)).map(|id| format!("customer/{id}"))
        }
        Subject::Location => number(head.id).map(|id| format!("location/{id}")),
        Subject::BulkOperation => number(head.admin_graphql_api_id).map(|id| format!("bulk/{id}")),
        Subject::Shop => Some("shop".to_owned()),
    }
}

// A refund and a fulfilment name their order beside their own id; an edit wraps it.
fn order(rule: &TopicRule, head: &Head<'_>) -> Option<u64> {
    if rule.snapshot || rule.destructive.is_some() {
        return number(head.id);
    }
    let wrapped = head.order_edit.and_then(|edit| inner(Some(edit))?.order_id);
    number(
        head.order_id
            .or(head.admin_graphql_api_order_id)
            .or(wrapped),
    )
}

fn inner<'a>(raw: Option<&'a RawValue>) -> Option<Inner<'a>> {
    serde_json::from_str(raw?.get()).ok()
}

fn text(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
}

// Ids are unsigned 64-bit numbers, sometimes as text, sometimes the end of a gid.
fn number(raw: Option<&RawValue>) -> Option<u64> {
    let raw = raw?.get().trim_matches('"');
    let last = raw.rsplit('/').next()?;
    last.split('?').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shopify::topics;

    const BODY: &str = r#"{"id":820982911946154508,"note":"café \/ \u0026","admin_graphql_api_id":"gid:\/\/shopify\/Order\/820982911946154508"}"#;

    fn secrets() -> Vec<LabelledSecret> {
        ["shpss_other", "shpss_test"]
            .iter()
            .zip(["app", "app previous"])
            .map(|(secret, label)| LabelledSecret {
                label,
                secret: (*secret).into(),
            })
            .collect()
    }

    #[test]
    fn the_signature_of_the_raw_bytes_names_the_secret() {
        let signature = "AegHSEv+/ojsKaxT8AX4obux//+dYZ9XMWyd4mmVIH4=";
        let label = |body: &str, signature: &str| {
            signed_by(body.as_bytes(), signature, &secrets()).map(|found| found.label)
        };
        assert_eq!(label(BODY, signature), Some("app previous"));
        assert_eq!(label(&BODY.replace("café", "cafe"), signature), None);
        assert_eq!(label(BODY, "not base64"), None);
        assert_eq!(label(BODY, ""), None);
    }

    #[test]
    fn states_of_one_second_are_as_new_as_they_were_sent() {
        let second = At(1_795_000_000 * SECOND);
        let sent = |millis: u64| newness(second, Some(second.after(Duration::from_millis(millis))));
        assert!(sent(100) < sent(101));
        assert!(sent(101) < sent(600_000));
        let next = newness(second.after(Duration::from_secs(1)), None);
        assert!(
            sent(1_000_000_000) < next,
            "a change of the next second is newer"
        );
        assert_eq!(newness(second, None), second);
        // A clock that runs behind, and a time that is exact already.
        assert_eq!(newness(second, Some(At(0))), second);
        assert_eq!(newness(At(second.0 + 5), Some(next)), At(second.0 + 5));
    }

    #[test]
    fn a_glance_files_by_the_exact_id() {
        let rule = topics::rule("orders/create").expect("a topic");
        let glance = glance(rule, "a.myshopify.com", BODY.as_bytes());
        assert_eq!(
            glance.key.as_deref(),
            Some("a.myshopify.com/order/820982911946154508")
        );
        let cut = BODY.get(..40).expect("ascii");
        assert_eq!(super::glance(rule, "a", cut.as_bytes()), Glance::default());
    }
}
