//! People's rights: they are told what is known of them, and erased everywhere, while money and stock stay.

use std::io::Read as _;

use counterfoil::erp::customers::queries as contacts;
use counterfoil::erp::orders;
use counterfoil::platform::db::DbConnection;
use counterfoil::platform::inbox::queries as inbox;
use counterfoil::platform::queue::Status;
use counterfoil::shopify::privacy::{self, Request, RequestState};
use counterfoil::shopify::shops::{self, Shop, ShopState};
use counterfoil::types::ContactId;
use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Binary, Text};
use flate2::read::DeflateDecoder;
use serde_json::{Value, json};

use crate::support::app::{SHOP, TestApp, signature};
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    a_customer_gets_a_report_of_what_is_known,
    a_customer_is_erased_everywhere_and_money_stays,
    what_is_late_does_not_bring_an_erased_customer_back,
    an_erasure_by_e_mail_finds_a_guests_orders,
    a_store_that_is_gone_is_erased_with_its_tokens,
    a_connected_store_waits_for_its_owner,
    a_late_message_never_hurts_a_store_that_was_connected_again,
    people_of_a_disconnected_store_keep_their_rights,
    a_captured_body_passes_for_no_request,
    only_owner_and_admin_read_reports,
);

pub(crate) const ADA: &str = "ada.lovelace@example.com";
const PHONE: &str = "+15550001843";
/// What of Ada may nowhere be found afterwards.
const TRACES: &[&str] = &[
    ADA,
    PHONE,
    "Lovelace",
    "12 St James Square",
    "For Ada, with love",
];

async fn a_customer_gets_a_report_of_what_is_known(kind: Kind) {
    let app = TestApp::connected(kind).await;
    ada_orders(&app, 7_001).await;
    let body = json!({
        "shop_id": 1, "shop_domain": SHOP, "orders_requested": [7_001],
        "customer": { "id": 900, "email": ADA, "phone": PHONE }, "data_request": { "id": 9_999 },
    });
    deliver(&app, "customers/data_request", "r1", &body).await;
    app.run_jobs().await;
    let page = app.get(&store_page(&app)).await;
    page.assert_shows("To do");
    let page = app.get(&page.link("Privacy requests")).await;
    page.assert_shows("Tell a customer what is known of them")
        .assert_shows("To answer");
    let file = app.get(&page.link("Download report")).await;
    let disposition = file.headers["content-disposition"].to_str().expect("text");
    assert!(disposition.starts_with("attachment"), "{disposition}");
    let report: Value = serde_json::from_str(&file.body).expect("JSON");
    assert_eq!(report["contact"]["contacts.email"][0], ADA);
    let order = &report["orders"][0];
    assert_eq!(order["name"], "#7001");
    assert_eq!(order["personal_data"]["orders.phone"][0], PHONE);
    assert_eq!(
        order["personal_data"]["orders.note"][0],
        "For Ada, with love"
    );
    assert_eq!(order["lines"].as_array().map(Vec::len), Some(2));
    let answered = page.form("form[action$='/closure']");
    app.owner().submit(answered).await.assert_shows("Answered");
}

async fn a_customer_is_erased_everywhere_and_money_stays(kind: Kind) {
    let app = TestApp::connected(kind).await;
    ada_orders(&app, 7_001).await;
    // An edit that quotes her, a note of ours, a message that could not be filed.
    let edited = with(ada_order(7_001), "note", json!("Lovelace moved"));
    let edited = with(edited, "updated_at", json!("2026-11-21T11:00:00Z"));
    deliver(&app, "orders/updated", "w2", &edited).await;
    let cart = json!({ "token": "c", "customer": { "email": ADA } });
    deliver(&app, "carts/update", "w3", &cart).await;
    app.run_jobs().await;
    let before = app.order("#7001");
    let (id, now, note) = (before.id, app.clock.now(), format!("call {PHONE}"));
    let held = app
        .db()
        .write_here(|conn| orders::hold(conn, id, Some(&note), None, now));
    held.expect("a hold");
    assert!(!traces(&app).is_empty());
    deliver(&app, "customers/redact", "e1", &erasure()).await;
    app.run_jobs().await;
    assert_eq!(traces(&app), Vec::<String>::new());
    let after = app.order("#7001");
    assert_eq!(after.facts.total_minor, before.facts.total_minor);
    assert_eq!(after.facts.customer_name.as_deref(), Some("Redacted"));
    assert_eq!((after.facts.email, after.facts.note), (None, None));
    let address = after.facts.shipping_address.expect("its country");
    assert!(address.contains("\"GB\""), "{address}");
    let page = app.get(&format!("/orders/{}", after.id)).await;
    page.assert_status(200).assert_shows("Personal data erased");
    assert_eq!(requests(&app)[0].state, RequestState::Done);
    // Asked again, nothing more happens.
    deliver(&app, "customers/redact", "e2", &erasure()).await;
    app.run_jobs().await;
    assert_eq!(traces(&app), Vec::<String>::new());
}

async fn what_is_late_does_not_bring_an_erased_customer_back(kind: Kind) {
    let app = TestApp::connected(kind).await;
    ada_orders(&app, 7_001).await;
    deliver(&app, "customers/redact", "e1", &erasure()).await;
    app.run_jobs().await;
    let late = with(
        ada_order(7_001),
        "updated_at",
        json!("2026-11-21T11:30:00Z"),
    );
    deliver(&app, "orders/updated", "w2", &late).await;
    deliver(&app, "customers/update", "w3", &ada()).await;
    // An order of hers that was never here, and no customer known to be hers on it.
    deliver(&app, "orders/create", "w4", &ada_order(7_002)).await;
    app.run_jobs().await;
    assert_eq!(traces(&app), Vec::<String>::new());
    assert_eq!(app.order("#7002").facts.email, None);
    let names: Vec<_> = (1..=100)
        .filter_map(|id| app.read(|conn| contacts::find(conn, ContactId(id))))
        .filter_map(|contact| contact.first_name)
        .filter(|name| name == "Ada")
        .collect();
    assert_eq!(names, Vec::<String>::new());
}

async fn an_erasure_by_e_mail_finds_a_guests_orders(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let guest = with(ada_order(7_001), "customer", Value::Null);
    let guest = with(guest, "email", json!(ADA.to_uppercase()));
    deliver(&app, "orders/create", "w1", &guest).await;
    app.run_jobs().await;
    let body = json!({
        "shop_id": 1, "shop_domain": SHOP, "customer": { "email": ADA }, "orders_to_redact": [],
    });
    deliver(&app, "customers/redact", "e1", &body).await;
    app.run_jobs().await;
    assert_eq!(traces(&app), Vec::<String>::new());
}

async fn a_store_that_is_gone_is_erased_with_its_tokens(kind: Kind) {
    let app = TestApp::connected(kind).await;
    ada_orders(&app, 7_001).await;
    let total = app.order("#7001").facts.total_minor;
    disconnect(&app).await;
    app.alter("UPDATE shopify_shops SET client_id = 'the store''s own app'");
    deliver(
        &app,
        "shop/redact",
        "s1",
        &json!({ "shop_id": 1, "shop_domain": SHOP }),
    )
    .await;
    app.run_jobs().await;
    assert_eq!(traces(&app), Vec::<String>::new());
    assert_eq!(app.order("#7001").facts.total_minor, total);
    assert_eq!(requests(&app)[0].state, RequestState::Done);
    let left = count(
        &app,
        "SELECT count(*) AS n FROM shopify_shops WHERE client_id IS NOT NULL \
        OR access_token_sealed IS NOT NULL OR refresh_token_sealed IS NOT NULL",
    );
    assert_eq!(left, "0");
}

async fn a_connected_store_waits_for_its_owner(kind: Kind) {
    let app = TestApp::connected(kind).await;
    ada_orders(&app, 7_001).await;
    deliver(
        &app,
        "shop/redact",
        "s1",
        &json!({ "shop_id": 1, "shop_domain": SHOP }),
    )
    .await;
    app.run_jobs().await;
    assert!(!traces(&app).is_empty());
    assert_eq!(shop(&app).state, ShopState::Active);
    let page = app.get(&format!("{}/privacy", store_page(&app))).await;
    page.assert_shows("Your decision")
        .assert_shows("The store is connected, so nobody was erased")
        .assert_lacks("Erase everybody of");
    assert_eq!(page.count("form[action$='/approval']"), 0);
    disconnect(&app).await;
    let page = app.get(&format!("{}/privacy", store_page(&app))).await;
    let approval = page.form("form[action$='/approval']");
    app.owner()
        .submit(approval)
        .await
        .assert_shows("being erased");
    app.run_jobs().await;
    assert_eq!(traces(&app), Vec::<String>::new());
}

async fn a_late_message_never_hurts_a_store_that_was_connected_again(kind: Kind) {
    let app = TestApp::connected(kind).await;
    ada_orders(&app, 7_001).await;
    disconnect(&app).await;
    app.clock.advance(std::time::Duration::from_secs(60));
    app.connect().await;
    app.run_jobs().await;
    for (topic, body) in [
        (
            "app/uninstalled",
            json!({ "id": 1, "name": "Fernwood Tea" }),
        ),
        ("shop/redact", json!({ "shop_id": 1, "shop_domain": SHOP })),
    ] {
        deliver(&app, topic, topic, &body).await;
        app.run_jobs().await;
        assert_eq!(shop(&app).state, ShopState::Active, "{topic}");
        assert!(!traces(&app).is_empty(), "{topic}");
    }
    // Not even once it is disconnected again: the message was sent before it came back.
    app.alter("UPDATE shopify_privacy_requests SET state = 'done'");
    disconnect(&app).await;
    let body = serde_json::to_vec(&json!({ "shop_id": 1, "shop_domain": SHOP })).expect("JSON");
    app.deliver_sent_at("shop/redact", "s2", &body, "2026-11-21T11:00:00Z")
        .await
        .assert(200, "accepted");
    app.run_jobs().await;
    assert!(!traces(&app).is_empty());
    assert_eq!(requests(&app)[0].state, RequestState::Waiting);
}

async fn people_of_a_disconnected_store_keep_their_rights(kind: Kind) {
    let app = TestApp::connected(kind).await;
    ada_orders(&app, 7_001).await;
    disconnect(&app).await;
    deliver(&app, "orders/updated", "w9", &ada_order(7_001))
        .await
        .assert_status(410);
    deliver(&app, "customers/redact", "e1", &erasure())
        .await
        .assert(200, "accepted");
    app.run_jobs().await;
    assert_eq!(traces(&app), Vec::<String>::new());
    // A store that was never here has nothing to be erased.
    let body = json!({ "shop_id": 2, "shop_domain": "other.myshopify.com" });
    let body = serde_json::to_vec(&body).expect("JSON");
    let answer = app
        .deliver_signed(
            "shop/redact",
            "s1",
            "other.myshopify.com",
            &body,
            &signature(&body),
        )
        .await;
    answer.assert(200, "accepted");
    app.run_jobs().await;
}

async fn a_captured_body_passes_for_no_request(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    ada_orders(&app, 7_001).await;
    let report = json!({
        "shop_id": 1, "shop_domain": SHOP, "orders_requested": [7_001],
        "customer": { "id": 900, "email": ADA }, "data_request": { "id": 9_999 },
    });
    let foreign = json!({
        "shop_id": 1, "shop_domain": "other.myshopify.com", "customer": { "id": 900 }, "orders_to_redact": [],
    });
    let forged = [
        ("customers/redact", ada_order(7_001)),
        ("customers/redact", ada()),
        ("customers/redact", report.clone()),
        ("customers/redact", foreign),
        ("shop/redact", report),
        ("shop/redact", erasure()),
        ("shop/redact", ada_order(7_001)),
        ("customers/data_request", ada_order(7_001)),
    ];
    for (n, (topic, body)) in forged.into_iter().enumerate() {
        deliver(&app, topic, &format!("f{n}"), &body)
            .await
            .assert(200, "accepted");
        app.run_jobs().await;
        let ids: Vec<i64> = (1..=500).collect();
        let events = app.read(|conn| inbox::list_by_id(conn, &ids));
        let event = events.last().expect("an event");
        assert_eq!(event.status, Status::Dead.code(), "{topic} {n}");
    }
    assert!(!traces(&app).is_empty());
    assert!(requests(&app).is_empty());
}

async fn only_owner_and_admin_read_reports(kind: Kind) {
    use counterfoil::erp::users::roles::Role;
    let app = TestApp::connected(kind).await;
    let path = format!("{}/privacy", store_page(&app));
    for role in Role::ALL {
        let visitor = app.signed_in(*role).await;
        let may = matches!(role, Role::Owner | Role::Admin);
        let status = if may { 200 } else { 403 };
        visitor.get(&path).await.assert_status(status);
        let card = visitor.get(&store_page(&app)).await;
        assert_eq!(card.text().contains("Privacy requests"), may, "{role}");
    }
}

fn ada() -> Value {
    json!({
        "id": 900, "first_name": "Ada", "last_name": "Lovelace", "email": ADA, "phone": PHONE,
        "updated_at": "2026-11-20T10:00:00Z",
    })
}

pub(crate) fn ada_order(id: u64) -> Value {
    let text = std::fs::read_to_string("tests/fixtures/shopify/orders_create.json");
    let mut order: Value = serde_json::from_str(&text.expect("the sample")).expect("JSON");
    order["id"] = json!(id);
    order["admin_graphql_api_id"] = json!(format!("gid://shopify/Order/{id}"));
    order["name"] = json!(format!("#{id}"));
    order["updated_at"] = json!("2026-11-21T10:00:00Z");
    order["customer"] = ada();
    order["email"] = json!(ADA);
    order["contact_email"] = json!(ADA);
    order["phone"] = json!(PHONE);
    order["note"] = json!("For Ada, with love");
    order["note_attributes"] = json!([{ "name": "card", "value": "For Ada, with love" }]);
    let address = json!({
        "first_name": "Ada", "last_name": "Lovelace", "name": "Ada Lovelace", "phone": PHONE,
        "address1": "12 St James Square", "city": "London", "zip": "SW1Y 4LB", "country": "United Kingdom",
        "country_code": "GB", "province_code": null,
    });
    order["shipping_address"] = address.clone();
    order["billing_address"] = address;
    order["line_items"][0]["properties"] =
        json!([{ "name": "engraving", "value": "For Ada, with love" }]);
    order
}

pub(crate) async fn ada_orders(app: &TestApp, id: u64) {
    deliver(app, "orders/create", &format!("w{id}"), &ada_order(id)).await;
    deliver(app, "customers/create", &format!("c{id}"), &ada()).await;
    app.run_jobs().await;
    assert_eq!(
        app.order(&format!("#{id}")).facts.email.as_deref(),
        Some(ADA)
    );
}

pub(crate) fn erasure() -> Value {
    json!({
        "shop_id": 1, "shop_domain": SHOP, "customer": { "id": 900, "email": ADA, "phone": PHONE },
        "orders_to_redact": [7_001],
    })
}

pub(crate) async fn deliver(
    app: &TestApp,
    topic: &str,
    id: &str,
    body: &Value,
) -> crate::support::app::Answer {
    let body = serde_json::to_vec(body).expect("JSON");
    app.deliver_webhook(topic, id, &body).await
}

async fn disconnect(app: &TestApp) {
    let page = app.get(&format!("{}/disconnection", store_page(app))).await;
    let form = page
        .form("form[action$='/disconnection']")
        .fill("name", "practice-store");
    app.owner().submit(form).await.assert_status(200);
}

fn shop(app: &TestApp) -> Shop {
    app.read(shops::list).remove(0)
}

fn store_page(app: &TestApp) -> String {
    format!("/integrations/shopify/{}", shop(app).id)
}

fn requests(app: &TestApp) -> Vec<Request> {
    let id = shop(app).id;
    app.read(|conn| privacy::list(conn, id))
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    n: String,
}

/// Bytes as they lie in the database, and whether they are compressed.
#[derive(diesel::QueryableByName)]
struct Bytes {
    #[diesel(sql_type = Binary)]
    value: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    encoding: i64,
}

/// Every place of the whole database where something of Ada stands, whatever the column: read as a thief would,
/// who can unpack what is compressed.
pub(crate) fn traces(app: &TestApp) -> Vec<String> {
    let schema = std::fs::read_to_string("src/schema.rs").expect("the schema");
    let mut found = Vec::new();
    for table in schema.split("diesel::table! {").skip(1) {
        let (head, body) = table.split_once('{').expect("a table's columns");
        let table = head.split('(').next().unwrap_or_default().trim();
        let (body, _) = body.split_once('}').expect("a table's end");
        for line in body.lines() {
            let Some((column, kind)) = line.split_once("->") else {
                continue;
            };
            let column = column.trim();
            let texts = if kind.contains("Binary") {
                bodies(app, table, column)
            } else {
                Vec::new()
            };
            for trace in TRACES.iter().map(|trace| trace.to_lowercase()) {
                let statement = format!(
                    "SELECT count(*) AS n FROM {table} WHERE lower({column}) LIKE '%{trace}%'"
                );
                let in_text = kind.contains("Text") && count(app, &statement) != "0";
                if in_text || texts.iter().any(|text| text.contains(&trace)) {
                    found.push(format!("{table}.{column}: {trace}"));
                }
            }
        }
    }
    found
}

/// What a column of bytes holds, as text in small letters.
fn bodies(app: &TestApp, table: &str, column: &str) -> Vec<String> {
    let encoding = if table == "webhook_events" {
        "CAST(body_encoding AS BIGINT)"
    } else {
        "CAST(0 AS BIGINT)"
    };
    let statement = format!(
        "SELECT {column} AS value, {encoding} AS encoding FROM {table} WHERE {column} IS NOT NULL"
    );
    let rows: Vec<Bytes> = app.read(|conn| {
        Ok(match conn {
            DbConnection::Sqlite(conn) => diesel::sql_query(&statement).load(conn)?,
            DbConnection::Postgres(conn) => diesel::sql_query(&statement).load(conn)?,
        })
    });
    rows.into_iter()
        .map(|row| {
            let mut plain = row.value;
            if row.encoding == 1 {
                let packed = std::mem::take(&mut plain);
                let read = DeflateDecoder::new(packed.as_slice()).read_to_end(&mut plain);
                read.expect("deflate");
            }
            String::from_utf8_lossy(&plain).to_lowercase()
        })
        .collect()
}

fn count(app: &TestApp, statement: &str) -> String {
    let statement = statement.replace("SELECT count(*) AS n", "SELECT CAST(count(*) AS TEXT) AS n");
    let found: Vec<Found> = app.read(|conn| {
        Ok(match conn {
            DbConnection::Sqlite(conn) => diesel::sql_query(&statement).load(conn)?,
            DbConnection::Postgres(conn) => diesel::sql_query(&statement).load(conn)?,
        })
    });
    found.into_iter().map(|row| row.n).collect()
}
