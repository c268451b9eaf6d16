//! What arrives at the webhook's door, good and bad: each gets its clear answer and nothing is lost.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::app::{Answer, SHOP, TestApp, dead, signature};
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    an_order_is_answered_with_its_number_and_appears,
    the_same_delivery_twice_is_one_order,
    an_unsigned_delivery_is_refused_and_recorded,
    a_signature_of_another_secret_is_refused,
    a_store_that_is_not_connected_is_told_so,
    a_broken_body_is_kept_and_its_reason_shown,
    an_unknown_topic_is_kept_and_ignored,
    too_large_and_encoded_bodies_are_refused,
    an_older_state_that_comes_later_changes_nothing,
    a_captured_order_sent_as_something_destructive_does_no_harm,
    a_captured_order_sent_for_another_of_our_stores_is_not_booked_twice,
    a_delivery_is_taken_while_pages_hold_every_connection,
    every_value_that_may_be_missing_may_be_missing,
);

async fn an_order_is_answered_with_its_number_and_appears(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let answer = app
        .deliver_webhook("orders/create", "w1", &order().text())
        .await;
    answer.assert(200, "created");
    assert_eq!(answer.json()["order_number"], "#1001");
    app.run_jobs().await;
    assert_eq!(app.order("#1001").external_id, "820982911946154508");
}

async fn the_same_delivery_twice_is_one_order(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let body = order().text();
    app.deliver_webhook("orders/create", "w1", &body)
        .await
        .assert(200, "created");
    app.run_jobs().await;
    app.deliver_webhook("orders/create", "w1", &body)
        .await
        .assert(200, "duplicate");
    app.deliver_webhook("orders/create", "w2", &body)
        .await
        .assert(200, "created");
    app.run_jobs().await;
    app.order("#1001");
}

async fn an_unsigned_delivery_is_refused_and_recorded(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let body = order().text();
    let answer = app
        .deliver_signed("orders/create", "w1", SHOP, &body, "")
        .await;
    answer.assert_status(401);
    app.run_jobs().await;
    assert!(app.orders().is_empty());
}

async fn a_signature_of_another_secret_is_refused(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let body = order().text();
    let mut other = body.clone();
    other.push(b' ');
    let answer = app
        .deliver_signed("orders/create", "w1", SHOP, &body, &signature(&other))
        .await;
    answer.assert_status(401);
}

async fn a_store_that_is_not_connected_is_told_so(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let body = order().text();
    let signed = signature(&body);
    let answer = app
        .deliver_signed("orders/create", "w1", "other.myshopify.com", &body, &signed)
        .await;
    answer.assert_status(410);
}

async fn a_broken_body_is_kept_and_its_reason_shown(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    let mut body = order().text();
    body.truncate(body.len() / 2);
    app.deliver_webhook("orders/create", "w1", &body)
        .await
        .assert_status(200);
    app.run_jobs().await;
    let dead = app.read(dead);
    assert!(dead[0].contains("orders/create"), "{dead:?}");
}

async fn an_unknown_topic_is_kept_and_ignored(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.deliver_webhook("carts/update", "w1", b"{}")
        .await
        .assert(200, "ignored");
    app.run_jobs().await;
    assert!(app.orders().is_empty());
}

async fn too_large_and_encoded_bodies_are_refused(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let huge = vec![b' '; 5 * 1024 * 1024 + 1];
    app.deliver_webhook("orders/create", "w1", &huge)
        .await
        .assert_status(413);
    let answer = super::support::http_client(reqwest::redirect::Policy::none())
        .post(format!("{}/api/integrations/webhook/shopify", app.url))
        .header("Content-Encoding", "gzip")
        .body("x")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status().as_u16(), 415);
}

async fn an_older_state_that_comes_later_changes_nothing(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let newer = order()
        .with("note", json!("newer"))
        .with("updated_at", json!("2026-11-20T10:05:00+01:00"));
    app.deliver_webhook("orders/updated", "w2", &newer.text())
        .await
        .assert(200, "updated");
    app.run_jobs().await;
    let older = order().with("note", json!("older"));
    app.deliver_webhook("orders/create", "w1", &older.text())
        .await
        .assert(200, "created");
    app.run_jobs().await;
    assert_eq!(app.order("#1001").facts.note.as_deref(), Some("newer"));
}

/// Headers are not signed: whoever caught one signed body may send it under other headers.
async fn a_captured_order_sent_as_something_destructive_does_no_harm(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    let body = order().text();
    app.deliver_webhook("orders/create", "w1", &body)
        .await
        .assert(200, "created");
    app.run_jobs().await;
    for (number, topic) in [
        "orders/delete",
        "app/uninstalled",
        "shop/redact",
        "orders/cancelled",
    ]
    .iter()
    .enumerate()
    {
        app.deliver_webhook(topic, &format!("forged{number}"), &body)
            .await;
    }
    app.run_jobs().await;
    assert_eq!(app.order("#1001").facts.cancelled_at, None);
    // Still connected: a new order comes in.
    let second = order()
        .with("id", json!(820_982_911_946_154_509_u64))
        .with("name", json!("#1002"));
    let second = second.with(
        "admin_graphql_api_id",
        json!("gid://shopify/Order/820982911946154509"),
    );
    app.deliver_webhook("orders/create", "w2", &second.text())
        .await
        .assert(200, "created");
    app.run_jobs().await;
    app.order("#1002");
}

async fn a_delivery_is_taken_while_pages_hold_every_connection(kind: Kind) {
    let app = TestApp::connected(kind).await;
    // The store's secrets are known already, as they are to a program that runs.
    app.deliver_webhook("themes/publish", "w0", b"{}").await;
    let (_in_use, most) = app.db().pool_use();
    let (begun, has_begun) = std::sync::mpsc::channel();
    let pages: Vec<_> = (0..most)
        .map(|_| {
            let (db, begun) = (app.db().clone(), begun.clone());
            let (let_go, may_go) = std::sync::mpsc::channel::<()>();
            let reading = std::thread::spawn(move || {
                db.read_here(|_conn| -> Result<(), counterfoil::platform::db::DbError> {
                    begun.send(()).expect("the story goes on");
                    may_go.recv().expect("the story goes on");
                    Ok(())
                })
            });
            (reading, let_go)
        })
        .collect();
    for _ in 0..most {
        has_begun.recv().expect("a page reads");
    }
    assert_eq!(app.db().pool_use(), (most, most));
    let body = order().text();
    let deliver = |id: &'static str| app.deliver_webhook("orders/create", id, &body);
    deliver("w1").await.assert(200, "created");
    // What is known of the stores is old by now, and cannot be read again.
    app.clock.advance(Duration::from_secs(20));
    deliver("w2").await.assert(200, "created");
    for (reading, let_go) in pages {
        let_go.send(()).expect("it waits");
        reading.join().expect("no panic").expect("it read");
    }
    app.run_jobs().await;
    app.order("#1001");
}

/// Both stores' webhooks are signed with the app's one secret.
async fn a_captured_order_sent_for_another_of_our_stores_is_not_booked_twice(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    app.add_store("second.myshopify.com");
    // A store with a domain of its own names it in the body, not the one under which Shopify knows it.
    let body = order().with(
        "order_status_url",
        json!("https://shop.example.com/1/orders/2/authenticate"),
    );
    let body = body.text();
    app.deliver_webhook("orders/create", "w1", &body)
        .await
        .assert(200, "created");
    app.run_jobs().await;
    app.deliver_signed(
        "orders/create",
        "w1",
        "second.myshopify.com",
        &body,
        &signature(&body),
    )
    .await
    .assert(200, "created");
    app.run_jobs().await;
    app.order("#1001");
    let dead = app.read(dead);
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert!(dead[0].contains(SHOP), "{dead:?}");
}

/// Whatever key of an order Shopify leaves out or sets to null, the order arrives.
async fn every_value_that_may_be_missing_may_be_missing(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let sample = order();
    let keys: Vec<String> = sample
        .0
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    // These name the order, its lines and what its money is in.
    let needed = [
        "line_items",
        "id",
        "admin_graphql_api_id",
        "name",
        "updated_at",
        "created_at",
        "currency",
    ];
    let optional: Vec<_> = keys
        .iter()
        .filter(|key| !needed.contains(&key.as_str()))
        .collect();
    let id = |n: usize| 9_000_000_000_000_000_000_u64 + u64::try_from(n).expect("small");
    for (n, key) in optional.iter().enumerate() {
        let without = numbered(id(2 * n)).without(key);
        let nulled = numbered(id(2 * n + 1)).with(key, Value::Null);
        for (one, body) in [without, nulled].into_iter().enumerate() {
            let answer = app
                .deliver_webhook("orders/create", &format!("{key}{one}"), &body.text())
                .await;
            answer.assert(200, "created");
        }
    }
    // `TestApp` fails a story that leaves a dead event.
    app.run_jobs().await;
}

fn numbered(id: u64) -> Body {
    let gid = format!("gid://shopify/Order/{id}");
    order()
        .with("id", json!(id))
        .with("admin_graphql_api_id", json!(gid))
        .with("name", json!(format!("#{id}")))
}

/// A webhook's body, to be changed for a story.
struct Body(Value);

fn order() -> Body {
    let text =
        std::fs::read_to_string("tests/fixtures/shopify/orders_create.json").expect("the sample");
    Body(serde_json::from_str(&text).expect("JSON"))
}

impl Body {
    fn with(mut self, key: &str, value: Value) -> Self {
        self.0[key] = value;
        self
    }

    fn without(mut self, key: &str) -> Self {
        self.0.as_object_mut().expect("an object").remove(key);
        self
    }

    fn text(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).expect("JSON")
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    #[track_caller]
    pub(crate) fn assert_status(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.body);
    }

    #[track_caller]
    pub(crate) fn assert(&self, status: u16, word: &str) {
        self.assert_status(status);
        assert_eq!(self.json()["status"], word, "{}", self.body);
    }
}
