//! What the wild holds: payloads that are not what they should be are taken calmly. What can be understood is
//! booked; what cannot goes dead with its place and reason, and nothing of it is applied.

use counterfoil::erp::orders::queries as order_rows;
use counterfoil::platform::inbox::queries::{self as inbox, Rejected};
use counterfoil::platform::queue::Status;
use counterfoil::platform::queue::queries::list;
use serde_json::{Value, json};

use crate::support::app::{PREVIOUS_SECRET, SHOP, TestApp, signature_by};
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    a_number_above_two_to_the_53_stays_exact,
    an_id_that_disagrees_with_its_gid_is_one_flagged_order,
    text_where_a_number_belongs_is_read,
    money_as_a_number_is_read_as_a_decimal,
    a_nul_in_a_text_is_no_obstacle,
    what_cannot_be_understood_is_dead_with_its_place,
    another_topics_body_changes_nothing,
    each_secret_opens_the_door_and_is_recorded,
    refusals_are_bounded,
);

async fn a_number_above_two_to_the_53_stays_exact(kind: Kind) {
    let app = TestApp::connected(kind).await;
    for id in [9_007_199_254_740_993_u64, u64::MAX] {
        deliver(&app, "orders/create", &id.to_string(), &order(id)).await;
        app.run_jobs().await;
        assert_eq!(app.order(&format!("#{id}")).external_id, id.to_string());
    }
    // As text it is the same order.
    let text = with(
        order(9_007_199_254_740_993),
        "id",
        json!("9007199254740993"),
    );
    deliver(&app, "orders/updated", "again", &text).await;
    app.run_jobs().await;
    assert_eq!(app.orders().len(), 2);
}

async fn an_id_that_disagrees_with_its_gid_is_one_flagged_order(kind: Kind) {
    let app = TestApp::connected(kind).await;
    // As a program writes it that went through a float.
    let body = with(
        order(9_007_199_254_740_992),
        "admin_graphql_api_id",
        json!("gid://shopify/Order/9007199254740993"),
    );
    deliver(&app, "orders/create", "w1", &body).await;
    deliver(&app, "orders/updated", "w2", &body).await;
    app.run_jobs().await;
    let order = app.order("#9007199254740992");
    let flags = order.facts.flags.unwrap_or_default();
    assert!(flags.contains("are not the same order"), "{flags}");
}

async fn text_where_a_number_belongs_is_read(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let mut body = order(1);
    let line = &mut body["line_items"][0];
    line["id"] = json!("466157049");
    line["quantity"] = json!("2");
    line["current_quantity"] = json!("2");
    line["requires_shipping"] = json!("true");
    line["gift_card"] = json!("false");
    line["sku"] = json!(4_711);
    body["test"] = json!("false");
    body["shipping_address"]["zip"] = json!(48_104);
    body["phone"] = json!(15_550_001_843_u64);
    deliver(&app, "orders/create", "w1", &body).await;
    app.run_jobs().await;
    let order = app.order("#1");
    let lines = app.read(|conn| order_rows::list_lines(conn, order.id));
    let line = lines
        .iter()
        .find(|line| line.facts.external_id == "466157049");
    let line = line.expect("the line");
    assert_eq!(line.facts.quantity, 2);
    assert_eq!(line.facts.sku.as_deref(), Some("4711"));
    assert_eq!(order.facts.phone.as_deref(), Some("15550001843"));
    let address = order.facts.shipping_address.unwrap_or_default();
    assert!(address.contains("\"48104\""), "{address}");
}

async fn money_as_a_number_is_read_as_a_decimal(kind: Kind) {
    let app = TestApp::connected(kind).await;
    // As text, so that no float of this test comes between.
    let plain = serde_json::to_string(&order(1)).expect("JSON");
    let total = order(1)["total_price"].as_str().expect("money").to_owned();
    let quoted = format!("\"total_price\":\"{total}\"");
    assert!(plain.contains(&quoted));
    for (n, (written, minor)) in [
        ("4503599627370.49", 450_359_962_737_049_i64),
        ("0.29", 29),
        ("1.10", 110),
        ("117", 11_700),
        ("-3.5", -350),
    ]
    .into_iter()
    .enumerate()
    {
        let body = plain.replace(&quoted, &format!("\"total_price\":{written}"));
        let minute = format!("\"updated_at\":\"2026-11-21T10:{n:02}:00Z\"");
        let at = format!("\"updated_at\":{}", order(1)["updated_at"]);
        let body = body.replace(&at, &minute);
        app.deliver_webhook("orders/updated", written, body.as_bytes())
            .await;
        app.run_jobs().await;
        assert_eq!(app.order("#1").facts.total_minor, minor, "{written}");
    }
}

async fn a_nul_in_a_text_is_no_obstacle(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let body = with(order(1), "note", json!("be\u{0}fore \\u0000"));
    deliver(&app, "orders/create", "w1", &body).await;
    app.run_jobs().await;
    let note = app.order("#1").facts.note;
    assert_eq!(note.as_deref(), Some("be\u{fffd}fore \\u0000"));
}

async fn what_cannot_be_understood_is_dead_with_its_place(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    let mut no_id = order(1);
    no_id.as_object_mut().expect("an object").remove("id");
    let mut bad_price = order(1);
    bad_price["line_items"][0]["price"] = json!("ten");
    let mut no_pieces = order(1);
    no_pieces["line_items"][0]["quantity"] = json!(-1);
    let no_lines = with(order(1), "line_items", Value::Null);
    let huge = with(order(1), "total_price", json!("900000000000000.00"));
    let nested = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let text = |body: &Value| serde_json::to_vec(body).expect("JSON");
    let cut = text(&order(1))[..300].to_vec();
    let mut broken = text(&order(1));
    broken[20] = 0xff;
    let cases = [
        (text(&no_id), "id: it is missing"),
        (
            text(&bad_price),
            "line_items[0].price: \"ten\" is not money",
        ),
        (
            text(&no_pieces),
            "line_items[0].quantity: -1 is no number of pieces",
        ),
        (text(&no_lines), "line_items: it is missing"),
        (text(&huge), "total_price: it is larger than any order"),
        (text(&json!([])), ""),
        (b"null".to_vec(), ""),
        (b"".to_vec(), ""),
        (nested, ""),
        (cut, ""),
        (broken, ""),
    ];
    for (n, (body, reason)) in cases.into_iter().enumerate() {
        app.deliver_webhook("orders/create", &format!("w{n}"), &body)
            .await
            .assert(200, "created");
        app.run_jobs().await;
        let event = last_event(&app);
        assert_eq!(event.status, Status::Dead.code(), "{n}");
        let said = event.reason.unwrap_or_default();
        assert!(!said.is_empty() && said.contains(reason), "{n}: {said}");
        // The page that shows it stands it as well.
        app.get(&format!("/events/{}", event.id))
            .await
            .assert_status(200);
    }
    assert!(app.orders().is_empty());
}

async fn another_topics_body_changes_nothing(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    deliver(&app, "orders/create", "first", &order(1)).await;
    app.run_jobs().await;
    let before = app.order("#1");
    let draft = with(
        order(1),
        "admin_graphql_api_id",
        json!("gid://shopify/DraftOrder/1"),
    );
    let product =
        json!({ "id": 1, "title": "Tea", "variants": [], "updated_at": "2026-11-21T11:00:00Z" });
    let refund = fixture("refunds_create.json");
    let cases = [
        ("orders/updated", draft),
        ("orders/updated", product.clone()),
        ("orders/updated", refund.clone()),
        ("orders/updated", json!({ "id": 1 })),
        ("orders/delete", order(1)),
        ("orders/delete", product.clone()),
        ("products/update", order(1)),
        ("products/delete", product.clone()),
        ("customers/update", order(1)),
        ("customers/update", product.clone()),
        ("customers/delete", order(1)),
        ("customers/merge", order(1)),
        ("refunds/create", order(1)),
        ("fulfillments/create", product),
        ("orders/edited", json!({ "id": 1 })),
        ("inventory_levels/update", order(1)),
        ("bulk_operations/finish", order(1)),
        ("refunds/create", json!([])),
    ];
    for (n, (topic, body)) in cases.into_iter().enumerate() {
        deliver(&app, topic, &format!("w{n}"), &body).await;
        app.run_jobs().await;
        let event = last_event(&app);
        assert_eq!(event.status, Status::Dead.code(), "{n} {topic}");
    }
    let after = app.order("#1");
    assert_eq!(after.facts, before.facts);
    assert_eq!(
        (after.version, after.deleted_at_source),
        (before.version, None)
    );
}

async fn each_secret_opens_the_door_and_is_recorded(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let page = app.get("/integrations").await;
    let settings = app.get(&page.link("Settings")).await;
    let form = settings.form("form[action$='/settings']");
    let saved = app
        .owner()
        .submit(form.fill("notification_key", "shown under Notifications"))
        .await;
    saved.assert_shows("Settings saved");
    let body = serde_json::to_vec(&order(1)).expect("JSON");
    for (secret, label) in [
        ("practice-secret", "app"),
        (PREVIOUS_SECRET, "app previous"),
        ("shown under Notifications", "notification key"),
    ] {
        let signed = signature_by(secret, &body);
        app.deliver_signed("orders/create", label, SHOP, &body, &signed)
            .await
            .assert(200, "created");
        let event = last_event(&app);
        assert_eq!(event.secret_label, label);
        app.get(&format!("/events/{}", event.id))
            .await
            .assert_shows(&format!("the secret \"{label}\""));
    }
    app.run_jobs().await;
    // A store of another app has a secret of its own beside these.
    let signed = signature_by("its own secret", &body);
    let refused = app.deliver_signed("orders/create", "own", SHOP, &body, &signed);
    refused.await.assert_status(401);
}

async fn refusals_are_bounded(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let now = app.clock.now();
    let written = app.db().write_here(|conn| {
        for n in 0..1_010 {
            let refused = Rejected {
                at: now,
                address: "192.0.2.1".to_owned(),
                topic: format!("orders/{n}"),
                shop_domain: "acme.myshopify.com".to_owned(),
                reason: "the signature does not fit".to_owned(),
            };
            inbox::insert_rejected(conn, &refused)?;
        }
        list::list_rejected(conn, None, 5_000)
    });
    let kept = written.expect("refusals");
    assert_eq!(kept.len(), 1_000);
    assert!(kept.iter().any(|one| one.topic == "orders/1009"));
    let page = app.get("/events?state=rejected").await;
    page.assert_shows("orders/1009")
        .assert_shows("acme.myshopify.com")
        .assert_shows("192.0.2.1")
        .assert_lacks("orders/9 ");
}

async fn deliver(app: &TestApp, topic: &str, id: &str, body: &Value) {
    let body = serde_json::to_vec(body).expect("JSON");
    app.deliver_webhook(topic, id, &body)
        .await
        .assert_status(200);
}

fn fixture(name: &str) -> Value {
    let text = std::fs::read_to_string(format!("tests/fixtures/shopify/{name}"));
    serde_json::from_str(&text.expect("the sample")).expect("JSON")
}

fn order(id: u64) -> Value {
    let order = with(fixture("orders_create.json"), "id", json!(id));
    let gid = format!("gid://shopify/Order/{id}");
    let order = with(order, "admin_graphql_api_id", json!(gid));
    with(order, "name", json!(format!("#{id}")))
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

fn last_event(app: &TestApp) -> inbox::EventRow {
    let ids: Vec<i64> = (1..=500).collect();
    let mut events = app.read(|conn| inbox::list_by_id(conn, &ids));
    events.pop().expect("an event")
}
