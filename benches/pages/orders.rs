//! Orders as Shopify sends them: signed webhooks, and how long until they stand in the list.
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::server::CLIENT_SECRET;
use crate::timing::Times;
use crate::visitor::Visitor;
use crate::{Problem, Result};

/// The store that `counterfoil demo` connects.
const STORE: &str = "practice-store.myshopify.com";
/// An order of the documented shape, 11 KB.
const TEMPLATE: &str = include_str!("../../tests/fixtures/shopify/orders_create.json");
/// Webhooks under way at once while the house is filled.
const AT_ONCE: usize = 16;
/// Between two looks at the list.
const PAUSE: Duration = Duration::from_millis(5);
/// An order that is not there after this long is lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a line was sold as.
pub(crate) struct Variant {
    pub(crate) id: u64,
    pub(crate) product: u64,
    pub(crate) sku: String,
    pub(crate) title: String,
}

/// Makes orders, no two alike, and sends them.
#[derive(Clone)]
pub(crate) struct Store {
    http: Client,
    template: Arc<Value>,
}

impl Store {
    /// Orders of two pieces of the first variant and one of the second.
    pub(crate) fn new(http: &Client, sold: &[Variant; 2]) -> Result<Store> {
        let mut template: Value = serde_json::from_str(TEMPLATE)?;
        for (line, variant) in sold.iter().enumerate() {
            let line = &mut template["line_items"][line];
            line["product_exists"] = json!(true);
            line["product_id"] = json!(variant.product);
            line["variant_id"] = json!(variant.id);
            line["sku"] = json!(variant.sku);
            line["title"] = json!(variant.title);
            line["name"] = json!(variant.title);
        }
        Ok(Store {
            http: http.clone(),
            template: Arc::new(template),
        })
    }

    /// Sends so many orders as fast as they are taken, placed one a minute until now.
    pub(crate) async fn fill(&self, url: &str, orders: u64) -> Result<()> {
        let now = Timestamp::now();
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut sent = JoinSet::new();
        for number in 0..orders {
            let turn = turns.clone().acquire_owned().await?;
            let age = SignedDuration::from_mins(i64::try_from(orders - number)?);
            let (store, url) = (self.clone(), url.to_owned());
            sent.spawn(async move {
                let answered = store.send(&url, number, now - age).await;
                drop(turn);
                answered
            });
        }
        while let Some(answered) = sent.join_next().await {
            answered??;
        }
        Ok(())
    }

    /// Sends orders at a steady rate and looks at the list all the while. Gives how long each took to
    /// be answered, and to stand in the list, both counted from the moment it was to be sent.
    pub(crate) async fn watch(
        &self,
        visitor: &Visitor,
        url: &str,
        (first, count, per_second): (u64, u64, u64),
    ) -> Result<(Times, Times)> {
        let every = Duration::from_secs(1) / u32::try_from(per_second)?;
        let begun = Instant::now();
        let mut sending = JoinSet::new();
        let mut waiting: HashMap<String, Instant> = HashMap::new();
        for (number, turn) in (first..first + count).zip(0_u32..) {
            let due = begun + every * turn;
            waiting.insert(name(number), due);
            let (store, url) = (self.clone(), url.to_owned());
            sending.spawn(async move {
                tokio::time::sleep_until(due.into()).await;
                store.send(&url, number, Timestamp::now()).await?;
                Ok::<Duration, Problem>(due.elapsed())
            });
        }
        let last = begun + every * u32::try_from(count)?;
        let mut seen = Vec::new();
        while !waiting.is_empty() {
            let names = visitor.newest().await?;
            for due in names.iter().filter_map(|name| waiting.remove(name)) {
                seen.push(due.elapsed());
            }
            if last.elapsed() > PATIENCE {
                return Err(Problem::Told(format!("{} orders are lost", waiting.len())));
            }
            tokio::time::sleep(PAUSE).await;
        }
        let mut answered = Vec::new();
        while let Some(answer) = sending.join_next().await {
            answered.push(answer??);
        }
        Ok((Times::new(answered), Times::new(seen)))
    }

    async fn send(&self, url: &str, number: u64, placed: Timestamp) -> Result<()> {
        let body = self.body(number, placed)?;
        let mut signature = Hmac::<Sha256>::new_from_slice(CLIENT_SECRET.as_bytes())?;
        signature.update(&body);
        let answer = self
            .http
            .post(format!("{url}/api/integrations/webhook/shopify"))
            .header("Content-Type", "application/json")
            .header("X-Shopify-Topic", "orders/create")
            .header("X-Shopify-Shop-Domain", STORE)
            .header("X-Shopify-Webhook-Id", uuid::Uuid::new_v4().to_string())
            .header("X-Shopify-Triggered-At", placed.to_string())
            .header("X-Shopify-API-Version", "2026-10")
            .header(
                "X-Shopify-Hmac-Sha256",
                STANDARD.encode(signature.finalize().into_bytes()),
            )
            .body(body)
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        if status.is_success() {
            Ok(())
        } else {
            Err(Problem::Told(format!("a webhook: {status} {text}")))
        }
    }

    fn body(&self, number: u64, placed: Timestamp) -> Result<Vec<u8>> {
        let mut order = Value::clone(&self.template);
        let id = 7_000_000_000_000 + number;
        let at = placed.to_string();
        order["id"] = json!(id);
        order["admin_graphql_api_id"] = json!(format!("gid://shopify/Order/{id}"));
        order["name"] = json!(name(number));
        order["number"] = json!(number);
        order["order_number"] = json!(number);
        for moment in ["created_at", "processed_at", "updated_at"] {
            order[moment] = json!(at);
        }
        for (line, place) in order["line_items"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .zip(1..)
        {
            let id = 80_000_000_000_000_u64 + number * 10 + place;
            line["id"] = json!(id);
            line["admin_graphql_api_id"] = json!(format!("gid://shopify/LineItem/{id}"));
        }
        // Some buy again.
        let buyer = number % 2500;
        let email = format!("buyer{buyer}@example.com");
        order["customer"]["id"] = json!(90_000_000_000_000_u64 + buyer);
        order["customer"]["email"] = json!(email);
        order["email"] = json!(email);
        order["contact_email"] = json!(email);
        Ok(serde_json::to_vec(&order)?)
    }
}

fn name(number: u64) -> String {
    format!("#B{number:06}")
}
