//! Webhooks as they arrive: their signature, their topics, and what a body is about.
//!
//! The topic table stands here and nowhere else: which topics carry a whole state (a snapshot, which a
//! newer one supersedes), which a change, and which destroy something and act only once Shopify confirms.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::types::At;

/// A secret that may sign a shop's webhooks, and what to call it: `app`, `app previous`, `store's app` ...
#[derive(Clone, Debug)]
pub struct LabelledSecret {
    pub label: &'static str,
    pub secret: SecretString,
}

/// What a topic's bodies are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Order,
    Product,
    Shop,
}

/// What the house knows of a topic.
#[derive(Clone, Copy, Debug)]
pub struct TopicRule {
    pub topic: &'static str,
    /// The name in the API's enum.
    pub enum_name: &'static str,
    pub subject: Subject,
    /// The body is a whole state: of several that wait, the newest is applied and supersedes the others.
    pub snapshot: bool,
    /// The topic alone must not be believed: its headers are not signed.
    pub destructive: bool,
    /// The word of the webhook's answer.
    pub status: &'static str,
    /// The scope without which Shopify refuses the subscription.
    pub scope: Option<&'static str>,
}

/// Every topic that is registered and understood.
pub const TOPICS: &[TopicRule] = &[
    TopicRule {
        topic: "orders/create",
        enum_name: "ORDERS_CREATE",
        subject: Subject::Order,
        snapshot: true,
        destructive: false,
        status: "created",
        scope: Some("read_orders"),
    },
    TopicRule {
        topic: "orders/updated",
        enum_name: "ORDERS_UPDATED",
        subject: Subject::Order,
        snapshot: true,
        destructive: false,
        status: "updated",
        scope: Some("read_orders"),
    },
    TopicRule {
        topic: "orders/cancelled",
        enum_name: "ORDERS_CANCELLED",
        subject: Subject::Order,
        snapshot: true,
        destructive: false,
        status: "cancelled",
        scope: Some("read_orders"),
    },
    TopicRule {
        topic: "products/update",
        enum_name: "PRODUCTS_UPDATE",
        subject: Subject::Product,
        snapshot: true,
        destructive: false,
        status: "accepted",
        scope: Some("read_products"),
    },
    TopicRule {
        topic: "app/uninstalled",
        enum_name: "APP_UNINSTALLED",
        subject: Subject::Shop,
        snapshot: false,
        destructive: true,
        status: "accepted",
        scope: None,
    },
];

/// The rule of a topic, if it is one of ours.
#[must_use]
pub fn rule(topic: &str) -> Option<&'static TopicRule> {
    TOPICS.iter().find(|rule| rule.topic == topic)
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
    updated_at: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
}

/// Looks at a body without understanding it. A body that cannot be read is filed without a key: the
/// worker says what is wrong with it.
#[must_use]
pub fn glance(rule: &TopicRule, shop_domain: &str, body: &[u8]) -> Glance {
    let Ok(head) = serde_json::from_slice::<Head<'_>>(body) else {
        return Glance::default();
    };
    let id = head.id.and_then(plain_id);
    let key = match rule.subject {
        Subject::Order => id.map(|id| format!("{shop_domain}/order/{id}")),
        Subject::Product => id.map(|id| format!("{shop_domain}/product/{id}")),
        Subject::Shop => Some(format!("{shop_domain}/shop")),
    };
    let name = head
        .name
        .filter(|_| rule.subject == Subject::Order)
        .and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    Glance {
        key,
        updated_at: head.updated_at.and_then(|text| At::parse(&text).ok()),
        order_name: name,
    }
}

// Ids are unsigned 64-bit numbers, sometimes as text.
fn plain_id(raw: &RawValue) -> Option<u64> {
    raw.get().trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_glance_files_by_the_exact_id() {
        let rule = rule("orders/create").expect("a topic");
        let glance = glance(rule, "a.myshopify.com", BODY.as_bytes());
        assert_eq!(
            glance.key.as_deref(),
            Some("a.myshopify.com/order/820982911946154508")
        );
        let cut = BODY.get(..40).expect("ascii");
        assert_eq!(super::glance(rule, "a", cut.as_bytes()), Glance::default());
    }

    #[test]
    fn every_topic_has_one_row() {
        for rule in TOPICS {
            let same = TOPICS.iter().filter(|other| other.topic == rule.topic);
            assert_eq!(same.count(), 1, "{}", rule.topic);
            let spelled = rule.topic.replace('/', "_").to_uppercase();
            assert_eq!(rule.enum_name, spelled);
        }
    }
}
