//! `POST /api/integrations/webhook/shopify`: verify, store once, answer. The worker does the rest.
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use serde::Serialize;

use crate::platform::db::DbError;
use crate::platform::inbox::queries::Rejected;
use crate::platform::inbox::rejections::Rejections;
use crate::platform::inbox::{Delivery, Inbox, InboxError, Stored, body as stored};
use crate::platform::metrics::{Answered, Metrics, Refusal};
use crate::shopify::Connector;
use crate::shopify::deliveries;
use crate::shopify::directory::Entry;
use crate::shopify::registrar;
use crate::shopify::shops::ShopState;
use crate::shopify::topics::{self, Subject, TopicRule};
use crate::shopify::webhooks::{self, Glance};
use crate::types::{At, ShopId};

/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Bytes that are set aside for a body because its length was told: anybody can tell any.
const BELIEVED: usize = 64 * 1024;
/// Header values are cut to this length before they are stored.
const LONGEST_HEADER: usize = 255;

/// The answer: what the delivery was taken for.
#[derive(Serialize)]
struct Answer<'a> {
    status: &'a str,
    order_number: Option<String>,
    delivery_id: Option<String>,
}

/// What is kept of the headers.
#[derive(Serialize)]
struct Kept<'a> {
    topic: &'a str,
    webhook_id: Option<&'a str>,
    event_id: Option<&'a str>,
    api_version: Option<&'a str>,
    test: bool,
}

/// What the headers say. They are not signed: only the body is.
struct Headers {
    topic: String,
    shop_domain: String,
    signature: String,
    webhook_id: Option<String>,
    event_id: Option<String>,
    api_version: Option<String>,
    triggered_at: Option<At>,
    test: bool,
}

/// `POST /api/integrations/webhook/shopify`
pub async fn receive(
    request: HttpRequest,
    payload: web::Payload,
    connector: web::Data<Connector>,
    inbox: web::Data<Inbox>,
    rejections: web::Data<Rejections>,
    metrics: web::Data<Metrics>,
) -> HttpResponse {
    let begun = Instant::now();
    let (answered, response) = take(&request, payload, &connector, &inbox, &rejections).await;
    metrics.answered(answered, begun);
    response
}

async fn take(
    request: &HttpRequest,
    payload: web::Payload,
    connector: &Connector,
    inbox: &Inbox,
    rejections: &Rejections,
) -> (Answered, HttpResponse) {
    let now = connector.clock.now();
    let headers = Headers::of(request);
    let reject = |refusal: Refusal| {
        let (status, reason) = said(refusal);
        rejections.record(Rejected {
            at: now,
            address: request
                .peer_addr()
                .map_or_else(String::new, |address| address.ip().to_string()),
            topic: headers.topic.clone(),
            shop_domain: headers.shop_domain.clone(),
            reason: reason.to_owned(),
        });
        let body = serde_json::json!({ "status": "rejected", "reason": reason });
        let response = HttpResponse::build(status).json(body);
        (Answered::Rejected(refusal), response)
    };
    // The signature is over the bytes as sent; a compressed body is not what Shopify sends.
    if request.headers().contains_key("content-encoding") {
        return reject(Refusal::Encoded);
    }
    let body = match read_body(request, payload).await {
        Ok(body) => body,
        Err(refusal) => return reject(refusal),
    };
    let shop = connector
        .directory
        .find(&connector.db, &connector.keyring, &headers.shop_domain, now)
        .await;
    let shop = match shop {
        Ok(shop) => shop,
        Err(error) => {
            tracing::error!(%error, "the stores could not be read");
            return (Answered::Unavailable, come_again());
        }
    };
    let secrets = shop.as_ref().map_or_else(
        || connector.directory.app_secrets(),
        |shop| shop.secrets.clone(),
    );
    let Some(secret) = webhooks::signed_by(&body, &headers.signature, &secrets) else {
        return reject(Refusal::Signature);
    };
    let rule = topics::rule(&headers.topic);
    if !is_welcome(shop.as_deref(), rule) {
        return reject(Refusal::NotConnected);
    }
    // A test is filed under nothing: it must not overtake a real state of the record that it makes up.
    let rule = rule.filter(|_| !headers.test);
    let glance = rule.map_or_else(Glance::default, |rule| {
        webhooks::glance(rule, &headers.shop_domain, &body)
    });
    let order_number = glance.order_name.clone();
    let names_order = rule.is_some_and(|rule| rule.snapshot && rule.subject == Subject::Order);
    let delivery_id = shop
        .as_deref()
        .filter(|_| names_order)
        .and_then(|shop| deliveries::named(&shop.delivers, &headers.shop_domain, &body, now));
    let delivery = headers.delivery(rule, glance, secret.label, body, now);
    let (webhook_id, topic) = (delivery.webhook_id.clone(), delivery.topic.clone());
    let stored = inbox.store(delivery).await;
    tracing::debug!(webhook_id, topic, ?stored, "delivery answered");
    if let (Ok(_), Some(shop), Some(rule)) = (&stored, &shop, rule) {
        note_received(connector, shop.id, rule, now);
    }
    match stored {
        Ok(Stored::New) => {
            let status = rule.map_or("ignored", |rule| rule.status);
            (Answered::Stored, answer(status, order_number, delivery_id))
        }
        Ok(Stored::Duplicate) => {
            let response = answer("duplicate", order_number, delivery_id);
            (Answered::Duplicate, response)
        }
        Err(InboxError::Full | InboxError::NotStored | InboxError::TooSlow) => {
            (Answered::Unavailable, come_again())
        }
    }
}

/// The status and the words of a refusal.
fn said(refusal: Refusal) -> (StatusCode, &'static str) {
    match refusal {
        Refusal::Signature => (StatusCode::UNAUTHORIZED, "the signature does not fit"),
        Refusal::NotConnected => (StatusCode::GONE, "the store is not connected"),
        Refusal::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than 5 MiB",
        ),
        Refusal::Encoded => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is encoded"),
        Refusal::Late => (
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time",
        ),
        Refusal::Broken => (StatusCode::BAD_REQUEST, "the body broke off"),
    }
}

// Off the request's path, and once a minute: the page of the store shows it.
fn note_received(connector: &Connector, shop: ShopId, rule: &'static TopicRule, now: At) {
    if !connector.directory.is_to_be_noted(shop, rule.topic, now) {
        return;
    }
    let db = connector.db.clone();
    actix_web::rt::spawn(async move {
        let noted: Result<(), DbError> = db
            .write(move |conn| registrar::note_received(conn, shop, rule.topic, now))
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "could not note that a topic came in");
        }
    });
}

// A store that must be reconnected or is paused still gets everything stored; a disconnected one only
// what tells of its end and of its people. What may destroy something is believed by the worker, not here.
fn is_welcome(shop: Option<&Entry>, rule: Option<&TopicRule>) -> bool {
    let connected = shop.is_some_and(|shop| match shop.state {
        ShopState::Active | ShopState::NeedsReconnect => true,
        ShopState::Disconnected => false,
    });
    connected || rule.is_some_and(|rule| rule.after_disconnect)
}

fn answer(status: &str, order_number: Option<String>, delivery_id: Option<String>) -> HttpResponse {
    HttpResponse::Ok().json(Answer {
        status,
        order_number,
        delivery_id,
    })
}

// Shopify sends it again: eight times over four hours.
fn come_again() -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .insert_header(("Retry-After", "5"))
        .json(serde_json::json!({ "status": "unavailable" }))
}

// The extractors of the framework would decompress first and wait for ever.
async fn read_body(request: &HttpRequest, mut payload: web::Payload) -> Result<Vec<u8>, Refusal> {
    let told = request.headers().get(CONTENT_LENGTH);
    let told = told.and_then(|length| length.to_str().ok()?.parse().ok());
    let reading = async {
        let mut body = Vec::with_capacity(told.unwrap_or(0).min(BELIEVED));
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_broken| Refusal::Broken)?;
            if body.len() + chunk.len() > stored::LARGEST {
                return Err(Refusal::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    tokio::time::timeout(BODY_WITHIN, reading)
        .await
        .map_err(|_late| Refusal::Late)?
}

impl Headers {
    fn of(request: &HttpRequest) -> Headers {
        // Shopify announced the same names without their `X-`.
        let value = |name: &str| {
            let headers = request.headers();
            let plain = name.trim_start_matches("X-");
            let found = headers.get(name).or_else(|| headers.get(plain))?;
            let text = String::from_utf8_lossy(found.as_bytes());
            let clean: String = text
                .chars()
                .filter(|c| !c.is_control())
                .take(LONGEST_HEADER)
                .collect();
            Some(clean.trim().to_owned()).filter(|text| !text.is_empty())
        };
        Headers {
            topic: value("X-Shopify-Topic").unwrap_or_default(),
            shop_domain: value("X-Shopify-Shop-Domain")
                .unwrap_or_default()
                .to_ascii_lowercase(),
            signature: value("X-Shopify-Hmac-Sha256").unwrap_or_default(),
            webhook_id: value("X-Shopify-Webhook-Id"),
            event_id: value("X-Shopify-Event-Id"),
            api_version: value("X-Shopify-API-Version"),
            triggered_at: value("X-Shopify-Triggered-At").and_then(|text| At::parse(&text).ok()),
            test: value("X-Shopify-Test").is_some_and(|text| text == "true"),
        }
    }

    fn delivery(
        &self,
        rule: Option<&TopicRule>,
        glance: Glance,
        secret_label: &str,
        body: Vec<u8>,
        now: At,
    ) -> Delivery {
        let ver = match glance.updated_at {
            Some(updated_at) => webhooks::newness(updated_at, self.triggered_at),
            None => self.triggered_at.unwrap_or(now),
        };
        let webhook_id = self
            .webhook_id
            .clone()
            .unwrap_or_else(|| webhooks::substitute_id(&self.shop_domain, &self.topic, &body));
        Delivery {
            source: "shopify",
            shop_domain: self.shop_domain.clone(),
            webhook_id,
            event_id: self.event_id.clone(),
            topic: self.topic.clone(),
            api_version: self.api_version.clone(),
            key: glance.key,
            snapshot: rule.is_some_and(|rule| rule.snapshot),
            ver: ver.0,
            triggered_at: self.triggered_at,
            received_at: now,
            secret_label: secret_label.to_owned(),
            headers: self.kept(),
            body,
        }
    }

    fn kept(&self) -> String {
        let kept = Kept {
            topic: &self.topic,
            webhook_id: self.webhook_id.as_deref(),
            event_id: self.event_id.as_deref(),
            api_version: self.api_version.as_deref(),
            test: self.test,
        };
        // Texts and a truth: there is nothing that JSON has no form for.
        serde_json::to_string(&kept).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use proptest::prelude::*;
    use sha2::Sha256;

    use super::*;
    use crate::shopify::webhooks::LabelledSecret;

    const NAMES: &[&str] = &[
        "Topic",
        "Shop-Domain",
        "Hmac-Sha256",
        "Webhook-Id",
        "Event-Id",
        "API-Version",
        "Triggered-At",
        "Test",
    ];

    fn secrets() -> Vec<LabelledSecret> {
        let secret = |label, secret: &str| LabelledSecret {
            label,
            secret: secret.into(),
        };
        vec![secret("app", "one"), secret("app previous", "other")]
    }

    fn name() -> impl Strategy<Value = String> {
        let prefix = prop::sample::select(vec!["X-Shopify-", "Shopify-", "x-shopify-", "X-"]);
        (prefix, prop::sample::select(NAMES)).prop_map(|(prefix, name)| format!("{prefix}{name}"))
    }

    /// Any bytes that HTTP lets a header have, and what stands there on other days.
    fn value() -> impl Strategy<Value = HeaderValue> {
        let byte = prop_oneof![0x20..=0x7e_u8, 0x80..=0xff_u8, Just(b'\t')];
        let bytes = prop_oneof![
            prop::collection::vec(byte, 0..400),
            prop::sample::select(topics::TOPICS).prop_map(|rule| rule.topic.into()),
            Just(b"2026-11-21T10:00:00.123456789Z".to_vec()),
            Just(b"-009999-01-01T00:00:00Z".to_vec()),
            Just(b"a.myshopify.com".to_vec()),
            Just(b"true".to_vec()),
        ];
        bytes.prop_map(|bytes| HeaderValue::from_bytes(&bytes).expect("a header's bytes"))
    }

    /// Some bytes, or the beginning of a body.
    fn body() -> impl Strategy<Value = Vec<u8>> {
        let sample = include_bytes!("../../tests/fixtures/shopify/orders_create.json");
        prop_oneof![
            any::<Vec<u8>>(),
            any::<prop::sample::Index>().prop_map(|end| sample[..end.index(sample.len())].to_vec()),
            Just(sample.to_vec()),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_filed_clean_and_short(
            sent in prop::collection::vec((name(), value()), 0..12),
            body in body(),
            now in any::<i64>(),
        ) {
            let mut request = TestRequest::default();
            for (name, value) in sent {
                request = request.append_header((name, value));
            }
            let headers = Headers::of(&request.to_http_request());
            prop_assert!(webhooks::signed_by(&body, &headers.signature, &secrets()).is_none());
            let rule = topics::rule(&headers.topic);
            let glance = rule.map_or_else(Glance::default, |rule| {
                webhooks::glance(rule, &headers.shop_domain, &body)
            });
            let filed = headers.delivery(rule, glance, "app", body.clone(), At(now));
            for text in [&filed.topic, &filed.shop_domain, &filed.webhook_id] {
                prop_assert!(text.chars().count() <= LONGEST_HEADER);
                prop_assert!(!text.chars().any(char::is_control));
            }
            prop_assert!(!filed.webhook_id.is_empty());
            prop_assert!(filed.key.as_deref().is_none_or(|key| key.starts_with(&filed.shop_domain)));
            prop_assert_eq!(filed.body, body);
            let kept: serde_json::Value = serde_json::from_str(&filed.headers).expect("JSON");
            prop_assert!(kept.is_object());
        }

        #[test]
        fn one_changed_bit_breaks_a_signature(
            body in body(),
            second in any::<bool>(),
            bit in any::<prop::sample::Index>(),
        ) {
            let secrets = secrets();
            let key: &[u8] = if second { b"other" } else { b"one" };
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
            mac.update(&body);
            let mut tag = mac.finalize().into_bytes().to_vec();
            let signer = |body: &[u8], tag: &[u8]| {
                let found = webhooks::signed_by(body, &STANDARD.encode(tag), &secrets);
                found.map(|secret| secret.label)
            };
            let label = if second { "app previous" } else { "app" };
            prop_assert_eq!(signer(&body, &tag), Some(label));
            if !body.is_empty() {
                let mut other = body.clone();
                let place = bit.index(8 * body.len());
                other[place / 8] ^= 1 << (place % 8);
                prop_assert_eq!(signer(&other, &tag), None);
            }
            let place = bit.index(8 * tag.len());
            tag[place / 8] ^= 1 << (place % 8);
            prop_assert_eq!(signer(&body, &tag), None);
            prop_assert_eq!(signer(&body, &tag[..31]), None);
        }
    }
}
