//! The composed orders of tests/fixtures/shopify/orders: each by both roads, held against the order that another hand
//! reckoned, and told twice and the wrong way round.

use std::fs;
use std::path::Path;

use counterfoil::erp::orders::totals::add_up;
use counterfoil::platform::queue::Outcome;
use counterfoil::shopify::apply::fetched::apply_fetched;
use counterfoil::shopify::orders::fetch::Fetched;
use counterfoil::shopify::orders::rows::{self, Row};
use counterfoil::shopify::orders::{self, Translated, graphql};
use counterfoil::shopify::personal_data::impersonal_body;
use counterfoil::shopify::shops;
use counterfoil::types::At;
use reqwest::redirect::Policy;
use serde_json::{Map, Value, json};

use crate::disorder::tables::{self, HISTORY, STANDING};
use crate::roads::assert_same;
use crate::support::app::{SHOP, TestApp, signature};
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::http_client;

use shown::shown;

mod shown;

both_databases!(
    an_order_is_the_same_however_often_and_in_whatever_order_it_is_told,
    another_translator_applies_again_what_it_reads_otherwise,
);

const FEWEST: usize = 120;

/// One composed order.
pub(crate) struct Case {
    name: String,
    webhook: Value,
    node: Value,
    /// `both`, and what each road tells alone or otherwise.
    expected: Value,
    hand: Value,
    /// What the webhook leaves out.
    apart: bool,
}

/// All of them, by name.
pub(crate) fn cases() -> Vec<Case> {
    let folder = Path::new("tests/fixtures/shopify/orders");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the composed orders")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let read = paths.iter().map(|path| {
        let text = fs::read_to_string(path).expect("readable");
        let mut case: Value = serde_json::from_str(&text).expect("JSON");
        Case {
            name: path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned(),
            webhook: case["webhook"].take(),
            node: case["graphql"].take(),
            expected: case["expected"].take(),
            hand: case["hand"].take(),
            apart: case["apart"]
                .as_array()
                .is_some_and(|keys| !keys.is_empty()),
        }
    });
    read.collect()
}

impl Case {
    pub(crate) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&self.webhook).expect("JSON")
    }

    /// The order as it was before, and said so.
    pub(crate) fn older(&self) -> Vec<u8> {
        let mut older = self.webhook.clone();
        // What the newer body leaves out would stay as the older one told it.
        if older.get("note").is_some() {
            older["note"] = json!("as it was before");
        }
        older["financial_status"] = json!("pending");
        older["updated_at"] = json!("2026-01-01T00:00:00Z");
        serde_json::to_vec(&older).expect("JSON")
    }

    fn by_webhook(&self) -> Translated {
        orders::translate(&self.body(), At(0))
            .unwrap_or_else(|wrong| panic!("{}: {wrong}", self.name))
    }

    fn by_graphql(&self) -> Translated {
        graphql::translate(&self.fetched().node, None, At(0))
            .unwrap_or_else(|wrong| panic!("{}: {wrong}", self.name))
    }

    fn fetched(&self) -> Fetched {
        let body = serde_json::to_vec(&self.node).expect("JSON");
        Fetched {
            node: graphql::read(&body).unwrap_or_else(|wrong| panic!("{}: {wrong}", self.name)),
            refunds: None,
            asked_at: At::parse("2026-11-21T00:00:00Z").expect("a moment"),
            api_version: "2026-10".to_owned(),
        }
    }

    fn expected(&self, road: &str) -> Map<String, Value> {
        let both = self.expected["both"].as_object().expect("an object");
        let own = self.expected[road].as_object().expect("an object");
        both.iter()
            .chain(own)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}

#[test]
fn every_composed_order_is_read_as_it_was_reckoned() {
    let cases = cases();
    assert!(cases.len() >= FEWEST, "{} composed orders", cases.len());
    for case in &cases {
        for (road, read) in [
            ("webhook", case.by_webhook()),
            ("graphql", case.by_graphql()),
        ] {
            let (shown, expected) = (shown(&read), case.expected(road));
            for key in shown.keys().chain(expected.keys()) {
                let (found, wanted) = (shown.get(key), expected.get(key));
                assert_eq!(found, wanted, "{key} by {road} of {}", case.name);
            }
            if let Some(check) = case.hand["check"].as_str() {
                let found = add_up(&read.order).expect("a sum").check;
                assert_eq!(found.as_str(), check, "by {road} of {}", case.name);
            }
        }
        if !case.apart {
            assert_same(&case.by_webhook(), &case.by_graphql());
        }
    }
}

#[test]
fn a_bulk_operations_rows_are_the_same_order() {
    for case in cases() {
        let mut node = case.node.clone();
        let mut children = Vec::new();
        for list in ["lineItems", "shippingLines", "discountApplications"] {
            let inner = node
                .as_object_mut()
                .expect("an object")
                .remove(list)
                .expect("a list");
            for row in inner["nodes"].as_array().expect("rows") {
                let mut row = row.clone();
                row["__parentId"] = node["id"].clone();
                children.push(row);
            }
        }
        let read = |row: &Value| Row::read(row.to_string().as_bytes()).expect("a row");
        // What fulfillments hold does not fit into such a file.
        let has_parcels = node["fulfillmentsCount"]["count"] != json!(0);
        node["fulfillments"] = json!([]);
        let whole = rows::assemble(read(&node), children.iter().map(read).collect());
        let whole = whole.unwrap_or_else(|wrong| panic!("{}: {wrong}", case.name));
        let mut told = graphql::translate(&whole, None, At(0)).expect("an order");
        assert_eq!(told.fulfillments.is_none(), has_parcels, "{}", case.name);
        told.fulfillments = case.by_graphql().fulfillments;
        assert_eq!(shown(&told), shown(&case.by_graphql()), "{}", case.name);
    }
}

#[test]
fn what_is_left_of_a_fetched_order_after_an_erasure_can_still_be_read() {
    for case in cases() {
        let left = impersonal_body(&case.fetched().body());
        let node = graphql::read(&left).unwrap_or_else(|wrong| panic!("{}: {wrong}", case.name));
        let told = graphql::translate(&node, None, At(0))
            .expect("an order")
            .order;
        let address = told
            .shipping_address
            .value()
            .or(told.billing_address.value());
        let name = told
            .customer
            .value()
            .and_then(|customer| customer.first_name.clone());
        assert_eq!((address, name), (None, None), "{}", case.name);
        assert!(
            told.email.value().is_none() && told.note.value().is_none(),
            "{}",
            case.name
        );
        assert_eq!(
            node.line_items.nodes.len(),
            case.fetched().node.line_items.nodes.len()
        );
    }
}

async fn an_order_is_the_same_however_often_and_in_whatever_order_it_is_told(kind: Kind) {
    let cases = cases();
    let in_turn = House::new(kind).await;
    in_turn.tell(&cases, "older", Case::older).await;
    in_turn.tell(&cases, "newer", Case::body).await;
    let told = in_turn.rows(STANDING);

    let otherwise = House::new(kind).await;
    otherwise.tell(&cases, "newer", Case::body).await;
    otherwise.tell(&cases, "newer", Case::body).await;
    otherwise.tell(&cases, "newer-again", Case::body).await;
    otherwise.tell(&cases, "older", Case::older).await;
    assert_rows("the wrong way round", &told, &otherwise.rows(STANDING));

    // The other road tells what is known: nothing changes, and nobody is told of a change.
    let mut whole: Vec<Case> = cases.into_iter().filter(|case| !case.apart).collect();
    let before = in_turn.rows(HISTORY);
    in_turn.ask(&whole);
    in_turn.ask(&whole);
    assert_rows("asked as well", &before, &in_turn.rows(HISTORY));

    // Terms take a scope that nobody has to grant: a webhook alone tells them.
    whole.retain(|case| case.webhook["payment_terms"].is_null());
    let asked = House::new(kind).await;
    asked.ask(&whole);
    asked.tell(&whole, "older", Case::older).await;
    asked.app.run_jobs().await;
    let by_webhook = House::new(kind).await;
    by_webhook.tell(&whole, "newer", Case::body).await;
    assert_rows(
        "asked alone",
        &by_webhook.rows(STANDING),
        &asked.rows(STANDING),
    );
}

async fn another_translator_applies_again_what_it_reads_otherwise(kind: Kind) {
    let cases = cases();
    let house = House::new(kind).await;
    house.tell(&cases, "newer", Case::body).await;
    let before = house.rows(STANDING);
    // As an older program had read it, with a digest of its own.
    house.app.alter(
        "UPDATE orders SET total_minor = total_minor + 1, source_digest = 'v0:' || source_digest",
    );
    house.tell(&cases, "newer-again", Case::body).await;
    assert_rows("read again", &before, &house.rows(STANDING));
}

pub(crate) struct House {
    pub(crate) app: TestApp,
    kind: Kind,
    client: reqwest::Client,
}

impl House {
    pub(crate) async fn new(kind: Kind) -> House {
        House {
            app: TestApp::connected(kind).await,
            kind,
            client: http_client(Policy::none()),
        }
    }

    /// Tells all of them by webhooks, and works them off.
    pub(crate) async fn tell(&self, cases: &[Case], which: &str, body: impl Fn(&Case) -> Vec<u8>) {
        for case in cases {
            let body = body(case);
            let said: Value = serde_json::from_slice(&body).expect("JSON");
            let changed = At::parse(said["updated_at"].as_str().expect("a moment"));
            let sent = At(changed.expect("a moment").0 + 500_000).timestamp();
            let answer = self
                .client
                .post(format!("{}/api/integrations/webhook/shopify", self.app.url))
                .header("Content-Type", "application/json")
                .header("X-Shopify-Topic", "orders/updated")
                .header("X-Shopify-Shop-Domain", SHOP)
                .header("X-Shopify-Webhook-Id", format!("{}-{which}", case.name))
                .header("X-Shopify-Triggered-At", sent.to_string())
                .header("X-Shopify-API-Version", "2026-10")
                .header("X-Shopify-Hmac-Sha256", signature(&body))
                .body(body)
                .send()
                .await
                .expect("an answer");
            assert_eq!(answer.status().as_u16(), 200, "{}", case.name);
        }
        self.app.run_jobs().await;
    }

    /// Books all of them as Shopify would answer them.
    fn ask(&self, cases: &[Case]) {
        let now = self.app.clock.now();
        let shop = self.app.read(shops::list).remove(0);
        for case in cases {
            let fetched = case.fetched();
            let booked = self
                .app
                .db()
                .write_here(|conn| apply_fetched(conn, &shop, &fetched, "order", now));
            assert_eq!(booked.expect("booked"), Outcome::Done, "{}", case.name);
        }
    }

    pub(crate) fn rows(&self, tables: &[tables::Table]) -> Rows {
        tables::rows(&self.app, self.kind, tables)
    }
}

type Rows = std::collections::BTreeMap<&'static str, Vec<String>>;

/// Less where it came from.
fn assert_rows(what: &str, one: &Rows, other: &Rows) {
    for (table, lines) in one {
        if *table == "order_sources" {
            continue;
        }
        let lines = lines.iter().map(|line| without_source(line));
        let others = other[table].iter().map(|line| without_source(line));
        for (line, other) in lines.clone().zip(others.clone()) {
            assert_eq!(line, other, "{table}, {what}");
        }
        assert_eq!(lines.count(), others.count(), "{table}, {what}");
    }
}

fn without_source(line: &str) -> String {
    let kept = line.split(" | ").filter(|part| {
        let source = [
            "source_digest=",
            "source_triggered_at=",
            "translator_version=",
        ];
        !source.iter().any(|name| part.starts_with(name))
    });
    kept.collect::<Vec<_>>().join(" | ")
}
