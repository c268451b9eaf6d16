//! Webhooks on their way: signed, posted, tried again with growing gaps until Shopify would give up.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use futures_util::stream;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::redirect::Policy;
use secrecy::ExposeSecret;
use sha2::Sha256;
use tokio::sync::{mpsc, oneshot};

use super::Practice;
use super::model::{Delivery, DeliveryState};
use super::state::State;
use super::webhooks::later;

/// Seconds between tries: eight tries more, over four hours.
const GAPS: [i64; 8] = [10, 30, 300, 900, 1800, 2700, 3600, 5060];
/// So many deliveries go out side by side.
const PARALLEL: usize = 8;
/// How often the queue is looked at when nobody asks.
const TICK: Duration = Duration::from_millis(250);

/// What the sender can be asked to do.
pub(super) enum Ask {
    /// Something new may be due.
    Look,
    /// Send what is due and say when all of it was answered.
    Flush(oneshot::Sender<()>),
    Stop,
}

/// Sends until it is told to stop.
pub(super) async fn run(practice: Practice, mut asks: mpsc::UnboundedReceiver<Ask>) {
    let client = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(1))
        .timeout(Duration::from_secs(5))
        .redirect(Policy::none())
        .user_agent("Shopify-Captain-Hook")
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return tracing::error!(%error, "practice store cannot send webhooks"),
    };
    loop {
        let ask = tokio::select! {
            ask = asks.recv() => ask.unwrap_or(Ask::Stop),
            () = tokio::time::sleep(TICK) => Ask::Look,
        };
        match ask {
            Ask::Stop => return,
            Ask::Look => send_due(&practice, &client).await,
            Ask::Flush(done) => {
                send_due(&practice, &client).await;
                // Nobody has to wait for the answer any more.
                let _ = done.send(());
            }
        }
    }
}

async fn send_due(practice: &Practice, client: &reqwest::Client) {
    loop {
        let now = practice.now();
        let mut due: Vec<Delivery> = practice.read(|state| {
            pending(state)
                .filter(|one| one.due <= now)
                .cloned()
                .collect()
        });
        if due.is_empty() {
            return;
        }
        // Those that change places go alone and newest first; the others side by side.
        let held: Vec<Delivery> = due.extract_if(.., |one| one.held).collect();
        stream::iter(due)
            .for_each_concurrent(PARALLEL, |one| send(practice, client, one))
            .await;
        for one in held.into_iter().rev() {
            send(practice, client, one).await;
        }
    }
}

fn pending(state: &State) -> impl Iterator<Item = &Delivery> {
    state
        .deliveries
        .iter()
        .filter(|one| one.state == DeliveryState::Pending)
}

async fn send(practice: &Practice, client: &reqwest::Client, delivery: Delivery) {
    let config = practice.config();
    let mut request = client
        .post(&delivery.uri)
        .header("Content-Type", "application/json")
        .header("X-Shopify-Topic", &delivery.topic)
        .header(
            "X-Shopify-Hmac-Sha256",
            sign(
                delivery.body.as_bytes(),
                config.client_secret.expose_secret(),
            ),
        )
        .header("X-Shopify-Shop-Domain", &config.shop_domain)
        .header("X-Shopify-API-Version", &delivery.api_version)
        .header("X-Shopify-Webhook-Id", &delivery.webhook_id)
        .header("X-Shopify-Event-Id", &delivery.event_id)
        .header(
            "X-Shopify-Triggered-At",
            delivery
                .triggered_at
                .strftime("%Y-%m-%dT%H:%M:%S.%9fZ")
                .to_string(),
        );
    if let Some(name) = &delivery.name {
        request = request.header("X-Shopify-Name", name);
    }
    let outcome = match request.body(delivery.body).send().await {
        Ok(answer) if answer.status().is_success() => Ok(answer.status().to_string()),
        Ok(answer) => Err(answer.status().to_string()),
        Err(error) if error.is_timeout() => Err("no answer within 5 seconds".to_owned()),
        Err(_) => Err("cannot be reached".to_owned()),
    };
    practice.record(|state, now| note(state, delivery.id, outcome, now));
}

/// Writes down how a try ended and when the next one is due.
fn note(state: &mut State, id: u64, outcome: Result<String, String>, now: Timestamp) {
    let Some(delivery) = state.deliveries.get_mut(id) else {
        return;
    };
    delivery.attempts += 1;
    let subscription_id = delivery.subscription_id;
    match outcome {
        Ok(answer) => (delivery.state, delivery.answer) = (DeliveryState::Delivered, Some(answer)),
        Err(answer) => {
            delivery.answer = Some(answer);
            let tried = usize::try_from(delivery.attempts).unwrap_or(usize::MAX);
            match GAPS.get(tried.saturating_sub(1)) {
                Some(gap) => delivery.due = later(now, *gap),
                None => {
                    delivery.state = DeliveryState::GivenUp;
                    // Shopify deletes a subscription of the API that failed to the end.
                    state.subscriptions.remove(subscription_id);
                }
            }
        }
    }
}

/// base64(HMAC-SHA256(secret, body))
fn sign(body: &[u8], secret: &str) -> String {
    // An HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_byte_for_byte() {
        let body = r#"{"id":820982911946154508,"note":"café \/ \u0026","admin_graphql_api_id":"gid:\/\/shopify\/Order\/820982911946154508"}"#;
        assert_eq!(
            sign(body.as_bytes(), "shpss_test"),
            "AegHSEv+/ojsKaxT8AX4obux//+dYZ9XMWyd4mmVIH4="
        );
    }

    #[test]
    fn eight_more_tries_take_four_hours() {
        assert_eq!(GAPS.iter().sum::<i64>(), 14_400);
    }
}
