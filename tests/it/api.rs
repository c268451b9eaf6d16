//! Programs: what they read over the API, what they ship, and what they are told when something is wrong.

use std::time::Duration;

use counterfoil::erp::changes;
use counterfoil::erp::users::tokens::{self, Scope};
use counterfoil::platform::db::DbError;
use counterfoil::practice::{OrderKind, PlacedOrder};
use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::support::app::{SHOP, TestApp};
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    an_order_is_found_read_and_shipped_once,
    a_shipment_that_cannot_be_is_refused_by_field,
    a_shipment_decided_on_an_older_order_is_refused,
    lists_are_followed_page_by_page,
    the_feed_tells_everything_that_changed_in_order,
    a_dead_event_is_found_and_replayed,
    a_store_is_asked_and_disconnected,
    what_cannot_be_read_is_answered_with_what_to_do,
);

async fn an_order_is_found_read_and_shipped_once(kind: Kind) {
    let story = Story::ready(kind).await;
    let found = story.get("/orders?shopify_order_id=").await;
    assert_eq!(found.status, 200);
    assert_eq!(found["data"], json!([]));
    let id = story.placed.id;
    let found = story.get(&format!("/orders?shopify_order_id={id}")).await;
    let order = story.order().await;
    assert_eq!(found["data"][0]["id"], order["id"]);
    assert_eq!(found["data"][0]["total"], order["totals"]["total"]);
    assert_eq!(order["name"], story.placed.name.as_str());
    assert_eq!(order["state"], "ready");
    assert_eq!(order["totals"]["check"], "agrees");
    assert_eq!(order["store"], SHOP);
    let amount = order["totals"]["total"]["amount"].as_str().expect("text");
    assert_eq!(amount.split_once('.').expect("a point").1.len(), 2);

    let body = story.everything(&order).await;
    let first = story.ship(&order, "key-1", &body).await;
    assert_eq!(first.status, 201, "{}", first.body);
    let again = story.ship(&order, "key-1", &body).await;
    assert_eq!(again.status, 201);
    assert_eq!(again["id"], first["id"]);
    story.app.run_jobs().await;
    let there = story.app.practice.fulfillments(story.placed.id);
    assert_eq!(there.len(), 1);
    assert_eq!(there[0].numbers, ["1Z999"]);

    let after = story.order().await;
    assert_eq!(after["state"], "shipped");
    assert_eq!(after["shipments"][0]["tracking_numbers"], json!(["1Z999"]));
    assert_eq!(after["shipments"][0]["fulfillments"][0]["state"], "done");
    // The order screen says who shipped.
    let page = story.app.get("/orders?view=shipped").await;
    let page = story.app.get(&page.link(&story.placed.name)).await;
    page.assert_shows("token writer");
    // The same key for something else is a mistake, not a second shipment.
    let mut other = body.clone();
    other["lines"][0]["quantity"] = json!(7);
    let refused = story.ship(&order, "key-1", &other).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused["errors"][0]["field"], "Idempotency-Key");
}

async fn a_shipment_that_cannot_be_is_refused_by_field(kind: Kind) {
    let story = Story::ready(kind).await;
    let order = story.order().await;
    let line = order["lines"][0]["id"].clone();
    let body = json!({
        "location_id": 4711,
        "lines": [{ "line_id": line, "quantity": 99 }],
        "tracking_numbers": ["1Z".repeat(150)],
    });
    let refused = story.ship(&order, "key", &body).await;
    assert_eq!(refused.status, 422);
    let fields: Vec<&str> = refused["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|fault| fault["field"].as_str())
        .collect();
    let quantity = format!("lines[line_id={line}].quantity");
    assert_eq!(fields, ["tracking_numbers", &quantity, "location_id"]);
    let keyless = story
        .call(Method::POST, &story.path(&order), Some(&body), &[])
        .await;
    assert_eq!(keyless.status, 422);
    assert_eq!(keyless["errors"][0]["field"], "Idempotency-Key");
    let unknown = story
        .ship(&order, "key", &json!({ "location": 1, "lines": [] }))
        .await;
    assert_eq!(unknown.status, 400);
    assert!(
        unknown.body.contains("unknown field `location`"),
        "{}",
        unknown.body
    );
    assert_eq!(story.order().await["state"], "ready");
}

async fn a_shipment_decided_on_an_older_order_is_refused(kind: Kind) {
    let story = Story::ready(kind).await;
    let order = story.order().await;
    let mut body = story.everything(&order).await;
    body["version"] = order["version"].clone();
    assert!(story.app.practice.cancel_order(story.placed.id));
    story.app.run_jobs().await;
    let refused = story.ship(&order, "key", &body).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.body.contains("changed"), "{}", refused.body);
    assert!(story.app.practice.fulfillments(story.placed.id).is_empty());
}

async fn lists_are_followed_page_by_page(kind: Kind) {
    let app = TestApp::connected(kind).await;
    for _ in 0..5 {
        app.practice.place_order(OrderKind::OneLine);
        app.run_jobs().await;
        app.clock.advance(Duration::from_secs(60));
    }
    let story = Story::of(app);
    for path in [
        "/orders",
        "/orders?updated_since=2026-11-21T00:00:00Z",
        "/events",
        "/mappings",
        "/customers",
    ] {
        let all = story.get(&with(path, "limit=250")).await;
        let all = all["data"].as_array().expect("rows").clone();
        let mut followed = Vec::new();
        let mut next = with(path, "limit=2");
        loop {
            let page = story.get(&next).await;
            let rows = page["data"].as_array().expect("rows");
            assert!(rows.len() <= 2, "{path}");
            followed.extend(rows.clone());
            let Some(url) = page["next"].as_str() else {
                break;
            };
            let base = format!("{}/api/main", story.app.url);
            next = url.strip_prefix(&base).expect("our address").to_owned();
        }
        assert!(all.len() > 2, "{path}: {}", all.len());
        assert_eq!(followed, all, "{path}");
    }
    let newest = story.get("/orders?limit=1").await;
    let oldest = story
        .get("/orders?limit=1&updated_since=2026-11-21T00:00:00Z")
        .await;
    assert_ne!(newest["data"][0]["id"], oldest["data"][0]["id"]);
    let none = story
        .get("/orders?updated_since=2026-11-22T00:00:00Z")
        .await;
    assert_eq!(none["data"], json!([]));
}

async fn the_feed_tells_everything_that_changed_in_order(kind: Kind) {
    let story = Story::ready(kind).await;
    let order = story.order().await;
    let before = story.get("/changes?limit=250").await;
    let last = before["data"].as_array().expect("rows").last().cloned();
    let last = last.expect("a change")["seq"].clone();
    let body = story.everything(&order).await;
    let shipment = story.ship(&order, "key", &body).await;
    let after = story.get(&format!("/changes?after={last}")).await;
    let told: Vec<(&str, &str)> = after["data"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| Some((row["kind"].as_str()?, row["id"].as_str()?)))
        .collect();
    let id = |record: &Value| record["id"].as_str().expect("an id").to_owned();
    assert!(
        told.contains(&("shipment", id(&shipment.json).as_str())),
        "{told:?}"
    );
    assert!(
        told.contains(&("order", id(&order.json).as_str())),
        "{told:?}"
    );
}

/// Two at once write to the feed, and the first of them commits last. SQLite has one writer.
#[actix_web::test]
async fn a_change_that_is_committed_late_is_told_late_and_not_lost() {
    let story = Story::of(TestApp::start(Kind::Postgres).await);
    let (db, now) = (story.app.db().clone(), story.app.clock.now());
    let (wrote, has_written) = std::sync::mpsc::channel();
    let (let_go, may_commit) = std::sync::mpsc::channel();
    let slow = std::thread::spawn({
        let db = db.clone();
        move || {
            db.write_here(|conn| -> Result<(), DbError> {
                changes::record(conn, "order", "slow", now)?;
                wrote.send(()).expect("the story goes on");
                may_commit.recv().expect("the story goes on");
                Ok(())
            })
        }
    });
    has_written.recv().expect("it wrote");
    let quick = db.write_here(|conn| changes::record(conn, "order", "quick", now));
    quick.expect("nobody is in the way");
    let first = story.get("/changes").await;
    assert_eq!(first["data"][0]["id"], "quick");
    assert_eq!(first["data"].as_array().expect("rows").len(), 1);
    let_go.send(()).expect("it waits");
    slow.join().expect("no panic").expect("it is committed");
    let seen = first["data"][0]["seq"].clone();
    let then = story.get(&format!("/changes?after={seen}")).await;
    assert_eq!(then["data"][0]["id"], "slow", "{}", then.body);
}

async fn a_dead_event_is_found_and_replayed(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    app.deliver_webhook("orders/create", "broken", b"{\"id\": 1")
        .await;
    app.run_jobs().await;
    let story = Story::of(app);
    let dead = story.get("/events?state=dead&topic=orders/create").await;
    assert_eq!(dead["data"].as_array().expect("rows").len(), 1);
    let event = &dead["data"][0];
    assert_eq!(event["store"], SHOP);
    assert!(event["reason"].is_string());
    let path = format!("/events/{}/replay", event["id"]);
    let replayed = story.call(Method::POST, &path, None, &[]).await;
    assert_eq!(replayed.status, 202);
    let open = story.call(Method::POST, &path, None, &[]).await;
    assert_eq!(open.status, 409);
    story.app.run_jobs().await;
    let nothing = story
        .call(Method::POST, "/events/4711/replay", None, &[])
        .await;
    assert_eq!(nothing.status, 404);
    let elsewhere = story.get("/events?state=dead&topic=orders/updated").await;
    assert_eq!(elsewhere["data"], json!([]));
}

async fn a_store_is_asked_and_disconnected(kind: Kind) {
    let story = Story::of(TestApp::connected(kind).await);
    let status = story.get("/sync/status").await;
    assert_eq!(status["store"], SHOP);
    assert_eq!(status["state"], "active");
    assert_eq!(status["events"]["dead"], 0);
    assert_eq!(status["catalogue"]["state"], "done");
    let topics = status["webhooks"]["registered"].as_array().expect("a list");
    assert!(topics.contains(&json!("orders/create")), "{topics:?}");
    let tested = story
        .call(Method::POST, "/integrations/shopify/test", None, &[])
        .await;
    assert_eq!(tested["ok"], true, "{}", tested.body);
    assert_eq!(tested["store"], SHOP);
    let other = "/sync/status?shop=other.myshopify.com";
    assert_eq!(story.get(other).await.status, 404);
    let path = format!("/integrations/shopify?shop={SHOP}");
    let gone = story.call(Method::DELETE, &path, None, &[]).await;
    assert_eq!(gone["state"], "disconnected", "{}", gone.body);
    assert_eq!(story.get("/sync/status").await.status, 404);
}

async fn what_cannot_be_read_is_answered_with_what_to_do(kind: Kind) {
    let story = Story::of(TestApp::start(kind).await);
    for (path, status) in [
        ("/orders?limit=0", 422),
        ("/orders?limit=ten", 400),
        ("/orders?colour=red", 400),
        ("/orders?state=lost", 422),
        ("/orders?after=x", 422),
        ("/orders?updated_since=yesterday", 422),
        ("/orders/4711", 404),
        ("/nothing", 404),
    ] {
        let reply = story.get(path).await;
        assert_eq!(reply.status, status, "{path}: {}", reply.body);
        assert_eq!(reply["status"], status, "{path}: {}", reply.body);
        assert!(!reply["detail"].as_str().unwrap_or_default().is_empty());
        assert_eq!(reply.kind, "application/problem+json", "{path}");
    }
    let elsewhere = story
        .reply(Method::GET, "/api/other/orders", None, &[])
        .await;
    assert_eq!(elsewhere.status, 404);
    let document = story
        .reply(Method::GET, "/api/openapi.json", None, &[])
        .await;
    assert!(document["paths"]["/api/{tenant}/orders"]["get"].is_object());
    let page = story.app.get("/settings/api").await;
    page.assert_status(200)
        .assert_shows("/orders/{id}/shipments");
}

fn with(path: &str, more: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}{more}")
}

/// A program with a token that may write.
struct Story {
    app: TestApp,
    placed: PlacedOrder,
    token: String,
}

/// What the program got back.
struct Reply {
    status: u16,
    kind: String,
    body: String,
    json: Value,
}

impl std::ops::Index<&str> for Reply {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        &self.json[name]
    }
}

impl Story {
    fn of(app: TestApp) -> Self {
        let now = app.clock.now();
        let token = app.db().write_here(|conn| -> Result<String, DbError> {
            tokens::create(conn, "writer", Scope::Write, &"cd".repeat(32), now)
        });
        let placed = app.practice.place_order(OrderKind::OneLine);
        Story {
            placed,
            token: token.expect("a token"),
            app,
        }
    }

    /// With an order that is mapped, in stock and ready to leave.
    async fn ready(kind: Kind) -> Self {
        let app = TestApp::connected(kind).await;
        app.add_items(0..40);
        let page = app.get("/mappings").await;
        let links = page.links();
        let exact = links.iter().find(|link| link.contains("/acceptances"));
        let preview = app.get(exact.expect("exact matches")).await;
        let form = preview.form("form[action$='/mappings/acceptances']");
        app.owner().submit(form).await;
        let story = Story::of(app);
        story.app.run_jobs().await;
        story
    }

    async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None, &[]).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Reply {
        self.reply(method, &format!("/api/main{path}"), body, headers)
            .await
    }

    async fn reply(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut request = crate::support::http_client(Policy::none())
            .request(method, format!("{}{path}", self.app.url))
            .bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let reply = request.send().await.expect("an answer");
        let status = reply.status().as_u16();
        let kind = reply.headers().get("content-type");
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.to_owned();
        let body = reply.text().await.expect("text");
        let json = serde_json::from_str(&body).unwrap_or_default();
        Reply {
            status,
            kind,
            body,
            json,
        }
    }

    /// The story's order, whole.
    async fn order(&self) -> Reply {
        let name = self.placed.name.replace('#', "%23");
        let found = self.get(&format!("/orders?name={name}")).await;
        let id = found["data"][0]["id"].as_str().expect("the order");
        self.get(&format!("/orders/{id}")).await
    }

    fn path(&self, order: &Reply) -> String {
        format!("/orders/{}/shipments", order["id"].as_str().expect("an id"))
    }

    /// All pieces of the order, from where they lie.
    async fn everything(&self, order: &Reply) -> Value {
        let places = self.get("/locations").await;
        let lines = order["lines"].as_array().expect("lines").iter();
        let lines: Vec<Value> = lines
            .filter(|line| line["requires_shipping"] == true)
            .map(|line| json!({ "line_id": line["id"], "quantity": line["current_quantity"] }))
            .collect();
        json!({
            "location_id": places["data"][0]["id"],
            "lines": lines,
            "carrier": "UPS",
            "tracking_numbers": ["1Z999"],
            "notify": false,
        })
    }

    async fn ship(&self, order: &Reply, key: &str, body: &Value) -> Reply {
        let headers = [("Idempotency-Key", key)];
        self.call(Method::POST, &self.path(order), Some(body), &headers)
            .await
    }
}
