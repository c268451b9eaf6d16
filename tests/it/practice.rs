//! The practice store refuses what Shopify refuses and answers as Shopify answers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use counterfoil::erp::orders::totals::{self, TotalsCheck};
use counterfoil::platform::clock::Clock;
use counterfoil::practice::{Config, Misbehaviour, OrderEdit, OrderKind, Practice};
use counterfoil::shopify::orders;
use counterfoil::types::At;
use serde_json::{Value, json};

const SECRET: &str = "practice-secret";
const SCOPES: &str = "write_orders,write_products,read_customers,write_inventory,read_locations,write_merchant_managed_fulfillment_orders,read_fulfillments,read_returns";
const CALLBACK: &str = "http://127.0.0.1:9/api/integrations/callback/";

/// A running store with an app installed in it.
struct Store {
    practice: Practice,
    clock: Clock,
    http: reqwest::Client,
    token: String,
}

fn config() -> Config {
    Config {
        bind: "127.0.0.1:0".to_owned(),
        data_dir: None,
        shop_domain: "practice-store.myshopify.com".to_owned(),
        client_id: "practice-app".to_owned(),
        client_secret: SECRET.into(),
        redirect_prefixes: Vec::new(),
        token_lifetime_secs: 3600,
        seed: true,
    }
}

fn clock() -> Clock {
    Clock::fixed(At::parse("2026-11-21T10:00:00Z").expect("a time"))
}

impl Store {
    async fn start() -> Store {
        Store::with_scopes(SCOPES).await
    }

    async fn with_scopes(scopes: &str) -> Store {
        let clock = clock();
        let practice = Practice::start(config(), clock.clone())
            .await
            .expect("the store starts");
        let mut store = Store {
            practice,
            clock,
            http: client(),
            token: String::new(),
        };
        let code = store.install(scopes).await;
        let answer = store
            .token_request(json!({"code": code, "expiring": "1"}))
            .await
            .1;
        store.token = text(&answer["access_token"]);
        store
    }

    /// Presses Install; the code.
    async fn install(&self, scopes: &str) -> String {
        let form = [
            ("client_id", "practice-app"),
            ("redirect_uri", CALLBACK),
            ("state", "a b+c/="),
            ("scope", scopes),
        ];
        let url = format!("{}/admin/oauth/authorize", self.practice.url());
        let answer = self
            .http
            .post(url)
            .form(&form)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 302);
        let location = answer.headers()["location"]
            .to_str()
            .expect("text")
            .to_owned();
        let back = url::Url::parse(&location).expect("a URL");
        let pairs: Vec<(String, String)> = back.query_pairs().into_owned().collect();
        let keys: BTreeSet<&str> = pairs.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(
            keys,
            BTreeSet::from(["code", "hmac", "host", "shop", "state", "timestamp"])
        );
        assert!(pairs.contains(&("state".to_owned(), "a b+c/=".to_owned())));
        pairs
            .iter()
            .find(|(key, _)| key == "code")
            .expect("a code")
            .1
            .clone()
    }

    async fn token_request(&self, mut body: Value) -> (u16, Value) {
        body["client_id"] = json!("practice-app");
        if body.get("client_secret").is_none() {
            body["client_secret"] = json!(SECRET);
        }
        let url = format!("{}/admin/oauth/access_token", self.practice.url());
        let answer = self
            .http
            .post(url)
            .json(&body)
            .send()
            .await
            .expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    async fn ask(&self, query: &str, variables: Value) -> Value {
        let (status, answer) = self.send(query, variables).await.expect("an answer");
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn send(&self, query: &str, variables: Value) -> reqwest::Result<(u16, Value)> {
        let url = format!("{}/admin/api/2026-10/graphql.json", self.practice.url());
        let request = self
            .http
            .post(url)
            .header("X-Shopify-Access-Token", &self.token);
        let answer = request
            .json(&json!({"query": query, "variables": variables}))
            .send()
            .await?;
        assert!(answer.headers().contains_key("x-request-id"));
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    async fn subscribe(&self, topic: &str, uri: &str) -> Value {
        let variables =
            json!({"topic": topic, "webhookSubscription": {"uri": uri, "format": "JSON"}});
        let answer = self
            .ask(&document("webhook_subscription_create"), variables)
            .await;
        answer["data"]["webhookSubscriptionCreate"].clone()
    }

    /// The fulfillment orders of an order: id, and each line's id and what is left.
    async fn fulfillment_orders(&self, order: u64) -> Vec<(String, Vec<(String, i64)>)> {
        let answer = self
            .ask(
                &document("order_fulfillment_orders"),
                json!({"id": gid(order)}),
            )
            .await;
        assert_eq!(answer["errors"], Value::Null, "{answer}");
        let nodes = answer["data"]["order"]["fulfillmentOrders"]["nodes"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let line = |line: &Value| {
            (
                text(&line["id"]),
                line["remainingQuantity"].as_i64().unwrap_or(0),
            )
        };
        let lines = |node: &Value| {
            node["lineItems"]["nodes"]
                .as_array()
                .into_iter()
                .flatten()
                .map(line)
                .collect()
        };
        nodes
            .iter()
            .map(|node| (text(&node["id"]), lines(node)))
            .collect()
    }
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .build()
        .expect("a client")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn gid(order: u64) -> String {
    format!("gid://shopify/Order/{order}")
}

fn document(name: &str) -> String {
    let path = format!(
        "{}/src/shopify/graphql/{name}.graphql",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn sample(name: &str) -> Value {
    let path = format!(
        "{}/tests/fixtures/shopify/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).expect("a sample")).expect("JSON")
}

/// One webhook as it arrived.
#[derive(Clone)]
struct Arrived {
    topic: String,
    webhook_id: String,
    signature: String,
    body: String,
}

impl Arrived {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// A little server that keeps what it is sent and answers with a status.
struct Ear {
    url: String,
    heard: Arc<Mutex<Vec<Arrived>>>,
    status: Arc<Mutex<u16>>,
}

impl Ear {
    fn start() -> Ear {
        let (heard, status) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(200)));
        let data = web::Data::new((heard.clone(), status.clone()));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .default_service(web::to(listen))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .expect("a free port");
        let url = format!("http://{}/hook", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Ear { url, heard, status }
    }

    fn heard(&self) -> Vec<Arrived> {
        self.heard.lock().expect("not poisoned").clone()
    }

    fn topics(&self) -> Vec<String> {
        self.heard().into_iter().map(|one| one.topic).collect()
    }
}

type Heard = (Arc<Mutex<Vec<Arrived>>>, Arc<Mutex<u16>>);

async fn listen(data: web::Data<Heard>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let arrived = Arrived {
        topic: header("x-shopify-topic"),
        webhook_id: header("x-shopify-webhook-id"),
        signature: header("x-shopify-hmac-sha256"),
        body: String::from_utf8(body.to_vec()).expect("UTF-8"),
    };
    data.0.lock().expect("not poisoned").push(arrived);
    let status = *data.1.lock().expect("not poisoned");
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).expect("a status")).finish()
}

/// Everything that `sample` has and `found` has not, or has as another type.
fn missing(sample: &Value, found: &Value, path: &str, into: &mut Vec<String>) {
    match (sample, found) {
        (Value::Object(wanted), Value::Object(have)) => {
            for (key, value) in wanted {
                match have.get(key) {
                    Some(inner) => missing(value, inner, &format!("{path}.{key}"), into),
                    None => into.push(format!("{path}.{key} is missing")),
                }
            }
        }
        (Value::Array(wanted), Value::Array(have)) => {
            if let (Some(wanted), Some(have)) = (wanted.first(), have.first()) {
                missing(wanted, have, &format!("{path}[0]"), into);
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        (wanted, have) if std::mem::discriminant(wanted) != std::mem::discriminant(have) => {
            into.push(format!("{path}: {have} is no {wanted}"))
        }
        _ => {}
    }
}

fn assert_like(name: &str, found: &Value) {
    let mut list = Vec::new();
    missing(&sample(name), found, name, &mut list);
    assert!(list.is_empty(), "{list:#?}");
}

#[actix_web::test]
async fn an_app_is_installed_through_the_consent_page() {
    let store = Store::start().await;
    let url = format!(
        "{}/admin/oauth/authorize?client_id=practice-app&scope=read_orders&redirect_uri={CALLBACK}&state=x",
        store.practice.url()
    );
    let page = store.http.get(&url).send().await.expect("a page");
    assert_eq!(page.status(), 200);
    assert!(page.text().await.expect("text").contains("View orders"));
    for (right, wrong) in [
        ("practice-app", "other"),
        ("read_orders", "read_minds"),
        ("127.0.0.1:9", "evil.example"),
        ("state=x", "state="),
    ] {
        let answer = store
            .http
            .get(url.replace(right, wrong))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 400, "{wrong}");
    }
}

#[actix_web::test]
async fn tokens_are_given_once_for_a_code_and_again_for_a_refresh_token() {
    let store = Store::start().await;
    let code = store.install("read_orders,write_orders").await;
    let (status, _) = store
        .token_request(json!({"code": code, "client_secret": "wrong"}))
        .await;
    assert_eq!(status, 401);
    let (status, first) = store
        .token_request(json!({"code": code, "expiring": "1"}))
        .await;
    assert_eq!(
        (
            status,
            text(&first["scope"]).as_str(),
            first["expires_in"].as_i64()
        ),
        (200, "write_orders", Some(3600))
    );
    assert_eq!(
        store
            .token_request(json!({"code": code, "expiring": "1"}))
            .await
            .0,
        400,
        "a code is good once"
    );
    let (status, second) = store
        .token_request(
            json!({"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}),
        )
        .await;
    assert_eq!(status, 200, "{second}");
    let (status, refused) = store
        .token_request(json!({"grant_type": "refresh_token", "refresh_token": "shprt_unknown"}))
        .await;
    assert_eq!(
        (status, text(&refused["error"]).as_str()),
        (400, "invalid_grant")
    );
    let (_, lasting) = store
        .token_request(json!({"grant_type": "client_credentials"}))
        .await;
    assert_eq!(
        (lasting["expires_in"].as_i64(), lasting.get("refresh_token")),
        (Some(86_399), None)
    );
}

#[actix_web::test]
async fn an_expired_token_is_refused_as_shopify_refuses_it() {
    let store = Store::start().await;
    store.clock.advance(Duration::from_secs(3601));
    let (status, answer) = store
        .send(&document("shop"), json!({}))
        .await
        .expect("an answer");
    assert_eq!(status, 401);
    assert!(text(&answer["errors"]).starts_with("[API] Invalid API key or access token"));
}

/// A whole order, as far as one answer holds it.
fn whole(order: u64) -> Value {
    json!({
        "id": gid(order), "lines": 20, "shipping": 5, "discounts": 20, "payments": 25, "refunds": 10, "fulfillments": 5,
        "fulfilledLines": 15,
    })
}

/// The variables that any document of the connector may ask for, made of real ids.
async fn any_variables(store: &Store, order: u64, name: &str) -> Value {
    let products = store.ask("{ products(first: 1) { nodes { id variants(first: 1) { nodes { inventoryItem { id } } } } } }", json!({})).await;
    let product = products["data"]["products"]["nodes"][0].clone();
    let refunds = store
        .ask(
            "{ orders(first: 50) { nodes { refunds { id } } } }",
            json!({}),
        )
        .await;
    let refunded = refunds["data"]["orders"]["nodes"]
        .as_array()
        .into_iter()
        .flatten();
    let refund = refunded
        .flat_map(|order| order["refunds"].as_array().into_iter().flatten())
        .next();
    let id = match name {
        name if name.contains("product") => product["id"].clone(),
        "refund_whole" => refund.expect("a refund")["id"].clone(),
        _ => json!(gid(order)),
    };
    let search = match name {
        "bulk_operation_run_query" => json!(document("bulk_orders")),
        name if name.starts_with("order") => json!("status:any"),
        "customers_count" => json!(""),
        _ => Value::Null,
    };
    json!({
        "query": search, "sortKey": if name == "order_versions" { "UPDATED_AT" } else { "ID" },
        "id": id, "orderId": gid(order), "ids": [gid(order)], "productId": product["id"], "first": 20, "variantsFirst": 5,
        "lines": 20, "shipping": 5, "discounts": 20, "payments": 25, "refunds": 10, "fulfillments": 5, "fulfilledLines": 15,
        "inventoryItemId": product["variants"]["nodes"][0]["inventoryItem"]["id"], "locationId": "gid://shopify/Location/1",
        "location": "gid://shopify/Location/1", "key": name,
        "input": {"name": "available", "reason": "correction", "quantities": []},
        "topic": "ORDERS_CREATE", "webhookSubscription": {"uri": "https://erp.example.com/hook"},
        "fulfillmentHold": {"reason": "OTHER"}, "holdIds": [],
        "fulfillment": {"lineItemsByFulfillmentOrder": []}, "fulfillmentId": "gid://shopify/Fulfillment/1",
        "trackingInfoInput": {"company": "UPS", "number": "1Z"}, "idempotencyKey": name,
        "reason": "OTHER", "restock": true, "refund": true, "notify": false,
    })
}

#[actix_web::test]
async fn every_document_of_the_connector_is_answered() {
    let store = Store::start().await;
    let placed: Vec<_> = OrderKind::ALL
        .into_iter()
        .map(|kind| store.practice.place_order(kind))
        .collect();
    store.practice.fulfill_elsewhere(placed[0].id);
    store.practice.refund_order(placed[1].id);
    let folder = format!("{}/src/shopify/graphql", env!("CARGO_MANIFEST_DIR"));
    for file in std::fs::read_dir(folder).expect("the documents") {
        let path = file.expect("a file").path();
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default()
            .to_owned();
        // What goes into a file is asked for by the mutation that has it written.
        if name == "schema"
            || [
                "bulk_orders",
                "bulk_customers",
                "bulk_companies",
                "bulk_variants",
            ]
            .contains(&name.as_str())
            || path.extension().is_none_or(|end| end != "graphql")
        {
            continue;
        }
        let variables = any_variables(&store, placed[0].id, &name).await;
        let answer = store.ask(&document(&name), variables).await;
        assert_eq!(answer["errors"], Value::Null, "{name}: {answer}");
        if name == "bulk_operation_run_query" {
            let begun = &answer["data"]["bulkOperationRunQuery"];
            assert_eq!(begun["userErrors"], json!([]), "{answer}");
        }
    }
    for one in placed {
        let variables = any_variables(&store, one.id, "order").await;
        let answer = store.ask(&document("order"), variables).await;
        assert_eq!(answer["errors"], Value::Null, "{answer}");
        assert_eq!(text(&answer["data"]["order"]["name"]), one.name);
        store.fulfillment_orders(one.id).await;
    }
}

#[actix_web::test]
async fn what_shopify_refuses_is_refused() {
    let store = Store::with_scopes("read_products").await;
    let wrong = store.ask("{ shop { nosuchfield } }", json!({})).await;
    assert!(
        wrong["errors"].is_array() && wrong.get("data").is_none(),
        "{wrong}"
    );
    let denied = store
        .ask("{ orders(first: 1) { nodes { id } } }", json!({}))
        .await;
    assert_eq!(
        denied["errors"][0]["extensions"]["code"], "ACCESS_DENIED",
        "{denied}"
    );
    let pages = store
        .ask("{ products(first: 251) { nodes { id } } }", json!({}))
        .await;
    assert!(pages["errors"].is_array(), "{pages}");
    let refused = store
        .subscribe("ORDERS_CREATE", "https://erp.example.com/hook")
        .await;
    assert_eq!(
        refused["userErrors"][0]["message"],
        "You cannot create a webhook subscription with the specified topic"
    );
    let plain = store
        .subscribe("PRODUCTS_UPDATE", "http://erp.example.com/hook")
        .await;
    assert_eq!(
        plain["userErrors"][0]["message"],
        "Address protocol http:// is not supported"
    );
    assert_eq!(
        store
            .subscribe("PRODUCTS_UPDATE", "https://erp.example.com/hook")
            .await["userErrors"],
        json!([])
    );
    let twice = store
        .subscribe("PRODUCTS_UPDATE", "https://erp.example.com/hook")
        .await;
    assert_eq!(
        twice["userErrors"][0]["message"],
        "Address for this topic has already been taken"
    );
    let keyless = "mutation { inventoryActivate(inventoryItemId: \"gid://shopify/InventoryItem/1\", locationId: \"gid://shopify/Location/1\") { inventoryLevel { id } } }";
    let keyless = store.ask(keyless, json!({})).await;
    assert!(keyless["errors"].is_array(), "{keyless}");
}

#[actix_web::test]
async fn stock_is_set_whole_or_not_at_all_and_once_for_a_key() {
    let store = Store::start().await;
    let set = document("inventory_set_quantities");
    let asked = "{ productVariants(first: 3) { nodes { inventoryItem { id } } } locations(first: 1) { nodes { id } } }";
    let found = store.ask(asked, json!({})).await["data"].clone();
    let place = &found["locations"]["nodes"][0]["id"];
    let row = |nth: usize, from: Value, to: i64| {
        let item = &found["productVariants"]["nodes"][nth]["inventoryItem"]["id"];
        json!({"inventoryItemId": item, "locationId": place, "changeFromQuantity": from, "quantity": to})
    };
    let input = |key: &str, rows: Vec<Value>| json!({"key": key, "input": {"name": "available", "reason": "correction", "quantities": rows}});
    let codes = |answer: &Value| {
        let errors = &answer["data"]["inventorySetQuantities"]["userErrors"];
        let errors = errors.as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|one| (one["code"].clone(), one["field"][2].clone()))
            .collect::<Vec<_>>()
    };
    let given = store
        .ask(
            &set,
            input("a", vec![row(0, Value::Null, 7), row(1, Value::Null, 8)]),
        )
        .await;
    assert_eq!(codes(&given), [], "{given}");
    // One row is another by now, one is below nothing: neither is set, and the key is used up.
    let stale = input("b", vec![row(0, json!(7), 9), row(1, json!(1), 9)]);
    let refused = store.ask(&set, stale.clone()).await;
    let code = json!("CHANGE_FROM_QUANTITY_STALE");
    assert_eq!(codes(&refused), [(code, json!("1"))]);
    let again = codes(&store.ask(&set, stale).await);
    assert_eq!(again[0].0, "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED");
    let below = input("c", vec![row(0, json!(7), -1)]);
    let below = codes(&store.ask(&set, below).await);
    assert_eq!(below[0].0, "INVALID_QUANTITY_NEGATIVE");
    let twice = input("d", vec![row(0, json!(7), 9), row(0, json!(7), 9)]);
    let twice = codes(&store.ask(&set, twice).await);
    assert_eq!(twice[0].0, "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR");
    // The same key with the same rows is the same call, whatever happened since.
    let once = input("e", vec![row(0, json!(7), 9)]);
    assert_eq!(codes(&store.ask(&set, once.clone()).await), []);
    assert_eq!(codes(&store.ask(&set, once).await), []);
    let many = (0..251).map(|_| row(0, json!(9), 9)).collect();
    let many = store.ask(&set, input("f", many)).await;
    assert!(many["errors"].is_array(), "{many}");
    // Null passes over the comparison; to leave it out is an error.
    let mut bare = row(0, Value::Null, 5);
    bare.as_object_mut()
        .expect("a row")
        .remove("changeFromQuantity");
    assert_eq!(
        codes(&store.ask(&set, input("g", vec![bare])).await).len(),
        1
    );
}

#[actix_web::test]
async fn a_burst_is_throttled_and_let_in_again_later() {
    let store = Store::start().await;
    let query = "{ orders(first: 250) { nodes { id name customer { id } } } }";
    let mut throttled = Value::Null;
    for _ in 0..400 {
        store.practice.place_order(OrderKind::OneLine);
        let answer = store.ask("{ productVariants(first: 250) { nodes { id product { id } inventoryItem { id } } } }", json!({})).await;
        if answer["errors"][0]["extensions"]["code"] == "THROTTLED" {
            throttled = answer;
            break;
        }
    }
    assert!(
        throttled.get("data").is_none()
            && throttled["extensions"]["cost"]["actualQueryCost"].is_null(),
        "{throttled}"
    );
    store.clock.advance(Duration::from_secs(20));
    let answer = store.ask(query, json!({})).await;
    assert!(
        answer["extensions"]["cost"]["actualQueryCost"].is_i64(),
        "{answer}"
    );
    store.practice.misbehave(Misbehaviour::Throttle, 1);
    assert_eq!(
        store.ask(&document("shop"), json!({})).await["errors"][0]["message"],
        "Throttled"
    );
    assert!(store.ask(&document("shop"), json!({})).await["data"]["shop"]["name"].is_string());
}

#[actix_web::test]
async fn an_order_is_fulfilled_once_and_never_beyond_what_is_left() {
    let store = Store::start().await;
    let order = store.practice.place_order(OrderKind::TwoLocations);
    let parts = store.fulfillment_orders(order.id).await;
    assert_eq!(parts.len(), 2);
    let fulfill = |parts: Value| {
        json!({"fulfillment": {
            "lineItemsByFulfillmentOrder": parts, "notifyCustomer": true,
            "trackingInfo": {"company": "UPS", "numbers": ["1Z1", "1Z2"]},
        }})
    };
    let (id, lines) = &parts[1];
    let part = |quantity: i64| json!([{"fulfillmentOrderId": id, "fulfillmentOrderLineItems": [{"id": lines[0].0, "quantity": quantity}]}]);
    let create = document("fulfillment_create");
    let errors = |answer: &Value| {
        answer["data"]["fulfillmentCreate"]["userErrors"]
            .as_array()
            .map_or(0, Vec::len)
    };
    assert_eq!(
        errors(&store.ask(&create, fulfill(part(3))).await),
        1,
        "more than is left"
    );
    let both = json!([{"fulfillmentOrderId": parts[0].0}, {"fulfillmentOrderId": id}]);
    assert_eq!(
        errors(&store.ask(&create, fulfill(both)).await),
        1,
        "two locations at once"
    );
    let done = store.ask(&create, fulfill(part(1))).await;
    assert_eq!(errors(&done), 0, "{done}");
    assert_eq!(store.fulfillment_orders(order.id).await[1].1[0].1, 1);
    assert_eq!(
        errors(&store.ask(&create, fulfill(part(2))).await),
        1,
        "only one is left"
    );
    assert_eq!(errors(&store.ask(&create, fulfill(part(1))).await), 0);
    assert_eq!(
        errors(&store.ask(&create, fulfill(part(1))).await),
        1,
        "it is closed"
    );
    assert_eq!(
        errors(
            &store
                .ask(
                    &create,
                    fulfill(json!([{"fulfillmentOrderId": parts[0].0}]))
                )
                .await
        ),
        0
    );
    let shown = store.practice.fulfillments(order.id);
    assert_eq!(
        (shown.len(), shown[0].numbers.len(), shown[0].notified),
        (3, 2, true)
    );
    let answer = store.ask(&document("order"), whole(order.id)).await;
    assert_eq!(
        answer["data"]["order"]["displayFulfillmentStatus"],
        "FULFILLED"
    );

    let correct = json!({"fulfillmentId": shown[0].gid, "trackingInfoInput": {"company": "DHL Express", "number": "JD1"}, "notifyCustomer": false});
    store
        .ask(&document("fulfillment_tracking_info_update"), correct)
        .await;
    assert_eq!(store.practice.fulfillments(order.id)[0].numbers, ["JD1"]);
    store
        .ask(&document("fulfillment_cancel"), json!({"id": shown[0].gid}))
        .await;
    let again = store.fulfillment_orders(order.id).await;
    assert_eq!(
        again.last().map(|(_, lines)| lines[0].1),
        Some(1),
        "what was taken back is to be shipped by a new fulfillment order"
    );
}

#[actix_web::test]
async fn webhooks_are_signed_and_carry_every_key_of_the_samples() {
    let (store, ear) = (Store::start().await, Ear::start());
    for topic in [
        "ORDERS_CREATE",
        "ORDERS_UPDATED",
        "ORDERS_CANCELLED",
        "FULFILLMENTS_CREATE",
        "REFUNDS_CREATE",
        "INVENTORY_LEVELS_UPDATE",
        "PRODUCTS_UPDATE",
    ] {
        assert_eq!(
            store.subscribe(topic, &ear.url).await["userErrors"],
            json!([]),
            "{topic}"
        );
    }
    let order = store.practice.place_order(OrderKind::NoteAndAttributes);
    let euro = store.practice.place_order(OrderKind::Euro);
    store.practice.place_order(OrderKind::DiscountCode);
    store.practice.place_order(OrderKind::PointOfSale);
    store.practice.refund_order(euro.id);
    store.practice.fulfill_elsewhere(order.id);
    assert!(store.practice.update_product("FT-SEN-100", "Sencha"));
    store.practice.deliver_pending().await;
    let heard = ear.heard();
    let of = |topic: &str, nth: usize| {
        heard
            .iter()
            .filter(|one| one.topic == topic)
            .nth(nth)
            .unwrap_or_else(|| panic!("no {topic}"))
            .json()
    };
    for arrived in heard.iter().filter(|one| one.topic == "orders/create") {
        let body = arrived.json();
        if body["source_name"] != "pos" {
            assert_like("orders_create", &body);
        }
    }
    let till = heard
        .iter()
        .map(Arrived::json)
        .find(|one| one["source_name"] == "pos")
        .expect("the order of the till");
    assert_like("orders_create_pos_no_customer", &till);
    assert!(till["customer"].is_null() && till.get("shipping_address").is_none());
    assert_like("fulfillments_create", &of("fulfillments/create", 0));
    assert_like("refunds_create", &of("refunds/create", 0));
    assert_like("inventory_levels_update", &of("inventory_levels/update", 0));
    let ids: BTreeSet<&str> = heard.iter().map(|one| one.webhook_id.as_str()).collect();
    assert_eq!(ids.len(), heard.len(), "each delivery has its own id");
    assert!(heard.iter().all(|one| one.signature.len() == 44));
    assert!(
        heard
            .iter()
            .any(|one| one.body.contains("gid:\\/\\/shopify")),
        "slashes are escaped"
    );
}

#[actix_web::test]
async fn the_connector_reads_every_kind_of_order_and_finds_that_it_adds_up() {
    let (store, ear) = (Store::start().await, Ear::start());
    for topic in ["ORDERS_CREATE", "ORDERS_UPDATED"] {
        store.subscribe(topic, &ear.url).await;
    }
    for kind in OrderKind::ALL {
        let order = store.practice.place_order(kind);
        store.practice.edit_order(order.id, &OrderEdit::AddLine);
        store.practice.refund_order(order.id);
        store.practice.fulfill_elsewhere(order.id);
        store.practice.edit_order(order.id, &OrderEdit::RemovePiece);
        store.practice.cancel_order(order.id);
    }
    store.practice.deliver_pending().await;
    for arrived in ear.heard() {
        let at = At::parse("2026-11-21T10:00:00Z").expect("a time");
        let translated = orders::translate(arrived.body.as_bytes(), at)
            .unwrap_or_else(|error| panic!("{error}: {}", arrived.body));
        let check = totals::add_up(&translated.order).map(|sum| sum.check);
        assert_eq!(
            check,
            Some(TotalsCheck::Agrees),
            "{}: {}",
            arrived.topic,
            arrived.body
        );
    }
}

#[actix_web::test]
async fn a_webhook_that_fails_is_sent_again_with_the_same_id() {
    let (store, ear) = (Store::start().await, Ear::start());
    store.subscribe("ORDERS_CREATE", &ear.url).await;
    *ear.status.lock().expect("not poisoned") = 302;
    store.practice.place_order(OrderKind::OneLine);
    store.practice.deliver_pending().await;
    store.practice.deliver_pending().await;
    assert_eq!(ear.heard().len(), 1, "it is not due yet");
    *ear.status.lock().expect("not poisoned") = 200;
    store.clock.advance(Duration::from_secs(11));
    store.practice.deliver_pending().await;
    let heard = ear.heard();
    assert_eq!(
        (heard.len(), &heard[0].webhook_id),
        (2, &heard[1].webhook_id)
    );
}

#[actix_web::test]
async fn webhooks_misbehave_when_they_are_told_to() {
    let (store, ear) = (Store::start().await, Ear::start());
    store.subscribe("ORDERS_CREATE", &ear.url).await;
    store.practice.misbehave(Misbehaviour::DropWebhooks, 1);
    store.practice.place_order(OrderKind::OneLine);
    store.practice.misbehave(Misbehaviour::DuplicateWebhooks, 1);
    store.practice.place_order(OrderKind::OneLine);
    store.practice.deliver_pending().await;
    assert_eq!(ear.heard().len(), 2, "one was lost, one came twice");
    store.practice.misbehave(Misbehaviour::ReorderWebhooks, 2);
    let (first, second) = (
        store.practice.place_order(OrderKind::OneLine),
        store.practice.place_order(OrderKind::OneLine),
    );
    store.practice.deliver_pending().await;
    let names: Vec<String> = ear
        .heard()
        .iter()
        .skip(2)
        .map(|one| text(&one.json()["name"]))
        .collect();
    assert_eq!(names, [second.name, first.name]);
    store.practice.misbehave(Misbehaviour::DelayWebhooks, 1);
    store.practice.place_order(OrderKind::OneLine);
    store.practice.deliver_pending().await;
    assert_eq!(ear.heard().len(), 4);
    store.clock.advance(Duration::from_secs(31));
    store.practice.deliver_pending().await;
    assert_eq!(ear.heard().len(), 5);
}

#[actix_web::test]
async fn a_change_is_made_although_the_answer_never_comes() {
    let store = Store::start().await;
    let order = store.practice.place_order(OrderKind::OneLine);
    let parts = store.fulfillment_orders(order.id).await;
    store.practice.misbehave(Misbehaviour::CloseAfterCommit, 1);
    let variables = json!({"fulfillment": {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": parts[0].0}]}});
    assert!(
        store
            .send(&document("fulfillment_create"), variables)
            .await
            .is_err()
    );
    assert_eq!(store.practice.fulfillments(order.id).len(), 1);
}

#[actix_web::test]
async fn orders_are_tagged_captured_and_archived() {
    let store = Store::start().await;
    let order = store.practice.place_order(OrderKind::Authorized);
    let id = gid(order.id);
    let tag = "mutation T($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { node { id } userErrors { message } } }";
    let tagged = store.ask(tag, json!({"id": id, "tags": ["booked"]})).await;
    assert_eq!(
        tagged["data"]["tagsAdd"]["node"]["id"],
        json!(id),
        "{tagged}"
    );
    let capture = "mutation C($input: OrderCaptureInput!) { orderCapture(input: $input) { transaction { kind status } userErrors { message } } }";
    let input = json!({"input": {"id": id, "parentTransactionId": "gid://shopify/OrderTransaction/1", "amount": "1.00"}});
    let captured = store.ask(capture, input.clone()).await;
    assert_eq!(
        captured["data"]["orderCapture"]["transaction"]["kind"], "CAPTURE",
        "{captured}"
    );
    assert!(
        store.ask(capture, input).await["data"]["orderCapture"]["userErrors"][0]["message"]
            .is_string()
    );
    store.ask("mutation A($input: OrderCloseInput!) { orderClose(input: $input) { order { id } userErrors { message } } }", json!({"input": {"id": id}})).await;
    let answer = store
        .ask(
            "query O($id: ID!) { order(id: $id) { tags closed displayFinancialStatus } }",
            json!({"id": id}),
        )
        .await;
    assert_eq!(
        answer["data"]["order"],
        json!({"tags": ["booked"], "closed": true, "displayFinancialStatus": "PAID"})
    );
}

#[actix_web::test]
async fn removing_the_app_ends_its_tokens_and_says_so() {
    let (store, ear) = (Store::start().await, Ear::start());
    store.subscribe("APP_UNINSTALLED", &ear.url).await;
    store.practice.misbehave(Misbehaviour::Uninstall, 1);
    store.practice.deliver_pending().await;
    assert_eq!(ear.topics(), ["app/uninstalled"]);
    assert_eq!(
        store
            .send(&document("shop"), json!({}))
            .await
            .expect("an answer")
            .0,
        401
    );
}

#[actix_web::test]
async fn totals_add_up_to_the_cent() {
    let store = Store::start().await;
    for kind in OrderKind::ALL {
        let order = store.practice.place_order(kind);
        let answer = store.ask(&document("order"), whole(order.id)).await;
        assert_adds_up(&answer["data"]["order"], kind);
        store.practice.edit_order(order.id, &OrderEdit::AddLine);
        store.practice.refund_order(order.id);
        let answer = store.ask(&document("order"), whole(order.id)).await;
        assert_adds_up(&answer["data"]["order"], kind);
    }
}

/// total = lines − discounts + shipping + tip (+ tax where it is not inside the prices)
fn assert_adds_up(order: &Value, kind: OrderKind) {
    for side in ["shopMoney", "presentmentMoney"] {
        let scale = if order["totalPriceSet"][side]["currencyCode"] == "JPY" {
            0
        } else {
            2
        };
        let of = |bag: &Value| minor(&text(&bag[side]["amount"]), scale);
        let lines = order["lineItems"]["nodes"].as_array().expect("lines");
        let goods: i64 = lines
            .iter()
            .map(|line| {
                let off = line["discountAllocations"].as_array().expect("parts");
                let off: i64 = off.iter().map(|part| of(&part["allocatedAmountSet"])).sum();
                of(&line["originalUnitPriceSet"]) * line["quantity"].as_i64().expect("pieces") - off
            })
            .sum();
        let shipping: i64 = order["shippingLines"]["nodes"]
            .as_array()
            .expect("lines")
            .iter()
            .map(|line| of(&line["discountedPriceSet"]))
            .sum();
        let tax: i64 = order["taxLines"]
            .as_array()
            .expect("lines")
            .iter()
            .map(|line| of(&line["priceSet"]))
            .sum();
        let on_top = if order["taxesIncluded"] == json!(true) {
            0
        } else {
            tax
        };
        assert_eq!(
            goods + shipping + on_top,
            of(&order["totalPriceSet"]),
            "{kind:?} {side}: {order}"
        );
        assert_eq!(tax, of(&order["totalTaxSet"]), "{kind:?} {side}");
        let paid = of(&order["totalReceivedSet"]) - of(&order["totalRefundedSet"]);
        assert_eq!(
            of(&order["totalOutstandingSet"]),
            of(&order["currentTotalPriceSet"]) - paid,
            "{kind:?} {side}"
        );
    }
}

fn minor(amount: &str, scale: usize) -> i64 {
    let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
    let digits: String = part.chars().chain("00".chars()).take(scale).collect();
    format!("{whole}{digits}").parse().expect("a number")
}

#[actix_web::test]
async fn a_restart_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        data_dir: Some(folder.path().to_owned()),
        ..config()
    };
    let practice = Practice::start(config.clone(), clock())
        .await
        .expect("the store starts");
    let order = practice.place_order(OrderKind::SeveralLines);
    let token = practice.custom_app_token();
    practice.stop().await;
    drop(practice);
    let practice = Practice::start(config, clock())
        .await
        .expect("the store starts again");
    let next = practice.place_order(OrderKind::OneLine);
    assert_eq!(
        (order.name.as_str(), next.name.as_str()),
        ("#1001", "#1002")
    );
    let store = Store {
        practice,
        clock: clock(),
        http: client(),
        token,
    };
    let answer = store.ask(&document("order"), whole(order.id)).await;
    assert_eq!(text(&answer["data"]["order"]["name"]), "#1001");
    let answer = store
        .ask(&document("products"), json!({"first": 250}))
        .await;
    assert_eq!(
        answer["data"]["products"]["nodes"].as_array().map(Vec::len),
        Some(42),
        "products are there once"
    );
}

#[actix_web::test]
async fn a_webhook_on_its_way_survives_a_sudden_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        data_dir: Some(folder.path().to_owned()),
        ..config()
    };
    let (mut store, ear) = (Store::start().await, Ear::start());
    store.practice = Practice::start(config.clone(), store.clock.clone())
        .await
        .expect("the store starts");
    store.token = store.practice.custom_app_token();
    store.subscribe("ORDERS_CREATE", &ear.url).await;
    *ear.status.lock().expect("not poisoned") = 500;
    store.practice.place_order(OrderKind::OneLine);
    store.practice.deliver_pending().await;
    // Nobody stops the first one: it is as if it had been killed.
    let practice = Practice::start(config, store.clock.clone())
        .await
        .expect("the store starts again");
    *ear.status.lock().expect("not poisoned") = 200;
    store.clock.advance(Duration::from_secs(11));
    practice.deliver_pending().await;
    assert_eq!(practice.deliveries()[0].state, "delivered");
    let heard = ear.heard();
    assert!(
        heard.len() >= 2
            && heard
                .iter()
                .all(|one| one.webhook_id == heard[0].webhook_id)
    );
}

#[actix_web::test]
async fn a_person_finds_the_tracking_number_in_the_stores_admin() {
    let store = Store::start().await;
    let order = store.practice.place_order(OrderKind::OneLine);
    let url = store.practice.url();
    let place = [("kind", "Euro"), ("times", "2")];
    assert_eq!(
        store
            .http
            .post(format!("{url}/practice/orders"))
            .form(&place)
            .send()
            .await
            .expect("an answer")
            .status(),
        303
    );
    store
        .http
        .post(format!("{url}/practice/orders/{}/fulfillment", order.id))
        .send()
        .await
        .expect("an answer");
    let page = store
        .http
        .get(format!("{url}/practice/orders/{}", order.id))
        .send()
        .await
        .expect("a page")
        .text()
        .await
        .expect("text");
    assert!(page.contains("USPS") && page.contains("9400"), "{page}");
    let page = store
        .http
        .get(&url)
        .send()
        .await
        .expect("a page")
        .text()
        .await
        .expect("text");
    assert!(
        page.contains("#1003") && page.contains("In euros"),
        "{page}"
    );
    assert!(!page.contains("style="));
    let made = store
        .http
        .post(format!("{url}/practice/tokens"))
        .send()
        .await
        .expect("a page")
        .text()
        .await
        .expect("text");
    assert!(made.contains("shpat_"), "{made}");
}

#[actix_web::test]
async fn a_bulk_query_becomes_a_file_that_its_address_alone_opens() {
    let (store, ear) = (Store::start().await, Ear::start());
    store.subscribe("BULK_OPERATIONS_FINISH", &ear.url).await;
    store.practice.place_order(OrderKind::SeveralLines);
    store.practice.place_order(OrderKind::OneLine);
    let orders =
        "{ orders { edges { node { id name lineItems { edges { node { id sku } } } } } } }";
    let grouped = store.bulk(orders, true).await;
    let id = text(&grouped["bulkOperation"]["id"]);
    let look = document("bulk_operation");
    let state = store.ask(&look, json!({ "id": id })).await;
    assert_eq!(state["data"]["bulkOperation"]["status"], "RUNNING");
    assert_eq!(state["data"]["bulkOperation"]["url"], Value::Null);
    store.practice.deliver_pending().await;
    assert!(ear.heard().is_empty(), "it is not told before it ends");
    store.clock.advance(Duration::from_secs(3));
    store.practice.deliver_pending().await;
    let heard = ear.heard();
    assert_eq!(heard[0].json()["admin_graphql_api_id"], id.as_str());
    assert_eq!(heard[0].json().get("url"), None, "a webhook has no address");
    let state = store.ask(&look, json!({ "id": id })).await;
    let done = &state["data"]["bulkOperation"];
    assert_eq!(done["status"], "COMPLETED");
    assert_eq!(done["rootObjectCount"], "2");
    let url = text(&done["url"]);
    let file = store.http.get(&url).send().await.expect("a file");
    let file = file.text().await.expect("text");
    let rows: Vec<Value> = file
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(done["objectCount"], rows.len().to_string().as_str());
    let mut parent = Value::Null;
    for row in &rows {
        match row.get("__parentId") {
            None => parent = row["id"].clone(),
            Some(of) => assert_eq!(*of, parent, "what belongs to an order stands behind it"),
        }
        assert_eq!(row.get("lineItems"), None);
    }
    // Part of it, another signature, and a token where none belongs.
    let part = store.http.get(&url).header("Range", "bytes=7-");
    let part = part.send().await.expect("a part");
    assert_eq!(part.status(), 206);
    assert_eq!(part.text().await.expect("text"), &file[7..]);
    let forged = store.http.get(format!("{url}0")).send().await;
    assert_eq!(forged.expect("an answer").status(), 403);
    let given = store.http.get(&url).header("X-Shopify-Access-Token", "x");
    assert_eq!(given.send().await.expect("an answer").status(), 400);

    // What Shopify does not take: no list at the top, lists in lists, and more than five at once.
    for wrong in [
        "{ order(id: \"gid://shopify/Order/1\") { id } }",
        "{ orders { edges { node { id fulfillments { id fulfillmentLineItems { edges { node { id } } } } } } } }",
    ] {
        let refused = store.bulk(wrong, true).await;
        assert_eq!(refused["userErrors"][0]["code"], "INVALID", "{refused}");
    }
    for _ in 0..5 {
        store.bulk(orders, false).await;
    }
    let refused = store.bulk(orders, false).await;
    assert_eq!(
        refused["userErrors"][0]["code"], "LIMIT_REACHED",
        "{refused}"
    );
}

#[actix_web::test]
async fn orders_of_more_than_60_days_are_shown_with_their_scope_alone() {
    for (scopes, shown) in [
        (SCOPES.to_owned(), 1),
        (format!("{SCOPES},read_all_orders"), 2),
    ] {
        let mut store = Store::with_scopes(&scopes).await;
        let old = store.practice.place_order(OrderKind::OneLine);
        store.clock.advance(Duration::from_secs(61 * 86_400));
        let new = store.practice.place_order(OrderKind::OneLine);
        let code = store.install(&scopes).await;
        let answer = store
            .token_request(json!({"code": code, "expiring": "1"}))
            .await
            .1;
        store.token = text(&answer["access_token"]);
        let search = json!({"query": "status:any"});
        let count = store.ask(&document("orders_count"), search).await;
        assert_eq!(count["data"]["ordersCount"]["count"], shown, "{count}");
        let exists = "query($id: ID!) { order(id: $id) { id } }";
        let found = store.ask(exists, json!({"id": gid(old.id)})).await;
        assert_eq!(found["data"]["order"].is_null(), shown == 1);
        let found = store.ask(exists, json!({"id": gid(new.id)})).await;
        assert_eq!(text(&found["data"]["order"]["id"]), gid(new.id));
        // A count stops at its limit, and says so.
        let limited = "{ ordersCount(limit: 0) { count precision } }";
        let limited = store.ask(limited, json!({})).await;
        assert_eq!(limited["data"]["ordersCount"]["precision"], "AT_LEAST");
        let two = "processed_at:>='2026-12-01T00:00:00Z' AND processed_at:<'2027-12-01T00:00:00Z'";
        let count = store
            .ask(&document("orders_count"), json!({ "query": two }))
            .await;
        assert_eq!(count["data"]["ordersCount"]["count"], 1, "the new one");
    }
}

impl Store {
    async fn bulk(&self, query: &str, grouped: bool) -> Value {
        let run = "mutation($query: String!, $grouped: Boolean!) { bulkOperationRunQuery(query: $query, groupObjects: $grouped) \
            { bulkOperation { id status } userErrors { field message code } } }";
        let answer = self
            .ask(run, json!({"query": query, "grouped": grouped}))
            .await;
        answer["data"]["bulkOperationRunQuery"].clone()
    }
}
