//! Every topic: what the table says of it, written down a second time by hand, and what its body does.

use std::time::Duration;

use counterfoil::erp::customers::queries as contacts;
use counterfoil::platform::inbox::queries as inbox;
use counterfoil::platform::jobs::{self, Filing};
use counterfoil::platform::queue::Status;
use counterfoil::practice::OrderKind;
use counterfoil::shopify::gid::{BulkOperation, Gid};
use counterfoil::shopify::jobs::ReadLocations;
use counterfoil::shopify::products::queries as mirror;
use counterfoil::shopify::products::queries::VariantRow;
use counterfoil::shopify::registrar::SubscriptionState;
use counterfoil::shopify::shops::Shop;
use counterfoil::shopify::topics::{Proof, Registration, Subject, TOPICS, TopicRule, rule};
use counterfoil::shopify::webhooks::glance;
use counterfoil::shopify::{bulk_cause, registrar, shops};
use counterfoil::types::{ContactId, VariantId};
use serde_json::{Value, json};

use crate::support::app::{Answer, SHOP, TestApp};
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    every_topic_is_registered_but_the_old_names,
    a_missing_scope_is_shown_and_stops_no_other_topic,
    a_scope_that_is_granted_later_brings_its_webhooks,
    a_person_who_checks_the_webhooks_need_not_wait_a_day,
    a_paid_order_is_a_whole_order,
    what_tells_of_an_order_has_it_asked_about,
    an_old_name_is_accepted_and_understood,
    an_order_is_deleted_once_the_store_says_so,
    a_product_is_deleted_once_the_store_says_so,
    a_customer_is_kept_up_to_date_and_never_set_back,
    merged_customers_are_one_contact_with_all_orders,
    locations_are_read_again,
    a_finished_bulk_operation_wakes_who_waits_for_it,
    a_test_notification_is_shown_and_never_booked,
    the_store_shows_when_each_topic_last_came_in,
);

/// Topic, subject, snapshot, proof, answer, scopes, registration, taken in after disconnecting.
type Cell = (
    &'static str,
    Subject,
    bool,
    Option<Proof>,
    &'static str,
    &'static [&'static str],
    Registration,
    bool,
);

const ORDER: &[&str] = &["read_orders", "read_marketplace_orders"];
const FULFILLMENT: &[&str] = &["read_fulfillments", "read_marketplace_orders"];
const ANY_FO: &[&str] = &[
    "read_merchant_managed_fulfillment_orders",
    "read_assigned_fulfillment_orders",
    "read_third_party_fulfillment_orders",
];

const RETURNS: &[&str] = &["read_returns", "read_marketplace_returns"];
const RETURN_TOPICS: &[&str] = &[
    "returns/request",
    "returns/approve",
    "returns/decline",
    "returns/update",
    "returns/process",
    "returns/close",
    "returns/reopen",
    "returns/cancel",
];

#[rustfmt::skip]
fn expected() -> Vec<Cell> {
    use Registration::{Api, AppConfiguration, OldName};
    use Subject::{BulkOperation, Customer, Location, Order, Product, Shop, StockLevel};
    let gone = Some(Proof::RecordGone);
    let mut cells = vec![
        ("orders/create", Order, true, None, "created", ORDER, Api, false),
        ("orders/updated", Order, true, None, "updated", ORDER, Api, false),
        ("orders/paid", Order, true, None, "updated", ORDER, Api, false),
        ("orders/cancelled", Order, true, None, "cancelled", ORDER, Api, false),
        ("orders/fulfilled", Order, true, None, "fulfilled", ORDER, Api, false),
        ("orders/partially_fulfilled", Order, true, None, "updated", ORDER, Api, false),
        ("orders/edited", Order, false, None, "accepted", ORDER, Api, false),
        ("orders/risk_assessment_changed", Order, false, None, "accepted", ORDER, Api, false),
        ("orders/delete", Order, false, gone, "accepted", ORDER, Api, false),
        ("refunds/create", Order, false, None, "accepted", &["read_orders"], Api, false),
        ("order_transactions/create", Order, false, None, "accepted", &["read_orders"], Api, false),
        ("fulfillments/create", Order, false, None, "accepted", FULFILLMENT, Api, false),
        ("fulfillments/update", Order, false, None, "accepted", FULFILLMENT, Api, false),
        ("products/create", Product, true, None, "accepted", &["read_products"], Api, false),
        ("products/update", Product, true, None, "accepted", &["read_products"], Api, false),
        ("products/delete", Product, false, gone, "accepted", &["read_products"], Api, false),
        ("inventory_levels/update", StockLevel, true, None, "accepted", &["read_inventory"], Api, false),
        ("customers/create", Customer, true, None, "accepted", &["read_customers"], Api, false),
        ("customers/update", Customer, true, None, "accepted", &["read_customers"], Api, false),
        ("customers/delete", Customer, false, gone, "accepted", &["read_customers"], Api, false),
        ("customers/merge", Customer, false, None, "accepted", &["read_customer_merge"], Api, false),
        ("locations/create", Location, true, None, "accepted", &["read_locations"], Api, false),
        ("locations/update", Location, true, None, "accepted", &["read_locations"], Api, false),
        ("locations/activate", Location, true, None, "accepted", &["read_locations"], Api, false),
        ("locations/deactivate", Location, true, None, "accepted", &["read_locations"], Api, false),
        ("locations/delete", Location, false, gone, "accepted", &["read_locations"], Api, false),
        ("bulk_operations/finish", BulkOperation, false, None, "accepted", &[], Api, false),
        ("app/scopes_update", Shop, false, None, "accepted", &[], Api, false),
        ("app/uninstalled", Shop, false, Some(Proof::TokenRefused), "accepted", &[], Api, true),
        ("customers/data_request", Customer, false, None, "accepted", &[], AppConfiguration, true),
        ("customers/redact", Customer, false, Some(Proof::OwnShape), "accepted", &[], AppConfiguration, true),
        ("shop/redact", Shop, false, Some(Proof::StoreGone), "accepted", &[], AppConfiguration, true),
    ];
    for topic in RETURN_TOPICS {
        cells.push((*topic, Subject::Return, false, None, "accepted", RETURNS, Api, false));
    }
    for topic in [
        "fulfillment_orders/cancellation_request_accepted",
        "fulfillment_orders/cancellation_request_rejected",
        "fulfillment_orders/cancellation_request_submitted",
        "fulfillment_orders/cancelled",
        "fulfillment_orders/fulfillment_request_accepted",
        "fulfillment_orders/fulfillment_request_rejected",
        "fulfillment_orders/fulfillment_request_submitted",
        "fulfillment_orders/fulfillment_service_failed_to_complete",
        "fulfillment_orders/hold_released",
        "fulfillment_orders/line_items_prepared_for_local_delivery",
        "fulfillment_orders/line_items_prepared_for_pickup",
        "fulfillment_orders/manually_reported_progress_stopped",
        "fulfillment_orders/merged",
        "fulfillment_orders/moved",
        "fulfillment_orders/order_routing_complete",
        "fulfillment_orders/placed_on_hold",
        "fulfillment_orders/progress_reported",
        "fulfillment_orders/rescheduled",
        "fulfillment_orders/scheduled_fulfillment_order_ready",
        "fulfillment_orders/split",
    ] {
        cells.push((topic, Subject::FulfillmentOrder, false, None, "accepted", ANY_FO, Api, false));
    }
    for topic in ["fulfillment_orders/assigned", "fulfillment_orders/closed"] {
        cells.push((topic, Subject::FulfillmentOrder, false, None, "accepted", ANY_FO, OldName, false));
    }
    cells
}

#[test]
fn every_cell_of_the_table_is_as_it_is_written_here() {
    let expected = expected();
    assert_eq!(TOPICS.len(), expected.len(), "a topic has no line here");
    for cell in expected {
        let rule = rule(cell.0).unwrap_or_else(|| panic!("{} is not in the table", cell.0));
        let written = (
            rule.topic,
            rule.subject,
            rule.snapshot,
            rule.destructive,
            rule.status,
            rule.scopes,
            rule.registration,
            rule.after_disconnect,
        );
        assert_eq!(written, cell);
        assert_eq!(TOPICS.iter().filter(|it| it.topic == cell.0).count(), 1);
    }
}

#[test]
fn a_state_is_superseded_by_states_of_its_record_alone() {
    let orders: &[&str] = &[
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/cancelled",
        "orders/fulfilled",
        "orders/partially_fulfilled",
    ];
    let families: &[&[&str]] = &[
        orders,
        &["products/create", "products/update"],
        &["inventory_levels/update"],
        &["customers/create", "customers/update"],
        &[
            "locations/create",
            "locations/update",
            "locations/activate",
            "locations/deactivate",
        ],
    ];
    for rule in TOPICS {
        let family = families.iter().find(|them| them.contains(&rule.topic));
        let wanted = family.map_or(&[][..], |them| them);
        assert_eq!(rule.superseded_by(), wanted, "{}", rule.topic);
    }
}

/// The API's own list of topics, as its schema has it.
#[test]
fn what_is_registered_exists_in_this_version_and_an_old_name_does_not() {
    let schema = std::fs::read_to_string("src/shopify/graphql/schema.graphql").expect("schema");
    let (_, list) = schema
        .split_once("enum WebhookSubscriptionTopic {")
        .expect("the topics");
    let (list, _) = list.split_once('}').expect("their end");
    let names: Vec<&str> = list.split_whitespace().collect();
    for rule in TOPICS {
        let exists = names.contains(&rule.enum_name().as_str());
        assert_eq!(
            exists,
            rule.registration == Registration::Api,
            "{}",
            rule.topic
        );
    }
}

#[test]
fn a_body_is_filed_under_the_record_it_is_about() {
    let big = 9_007_199_254_740_993_u64;
    let fo = |id: u64| json!({ "id": format!("gid://shopify/FulfillmentOrder/{id}") });
    let cases: Vec<(&str, Value, Option<&str>)> = vec![
        (
            "orders/create",
            json!({ "id": big }),
            Some("order/9007199254740993"),
        ),
        ("orders/paid", json!({ "id": "17" }), Some("order/17")),
        ("orders/delete", json!({ "id": 17 }), Some("order/17")),
        (
            "orders/edited",
            json!({ "order_edit": { "id": 5, "order_id": 17 } }),
            Some("order/17"),
        ),
        (
            "orders/risk_assessment_changed",
            json!({ "order_id": 17 }),
            Some("order/17"),
        ),
        (
            "orders/risk_assessment_changed",
            json!({ "admin_graphql_api_order_id": "gid://shopify/Order/17" }),
            Some("order/17"),
        ),
        (
            "refunds/create",
            json!({ "id": 5, "order_id": 17 }),
            Some("order/17"),
        ),
        (
            "fulfillments/update",
            json!({ "id": 5, "order_id": 17 }),
            Some("order/17"),
        ),
        ("refunds/create", json!({ "id": 5 }), None),
        (
            "order_transactions/create",
            json!({ "id": 5, "order_id": 17, "parent_id": 4 }),
            Some("order/17"),
        ),
        (
            "fulfillment_orders/cancelled",
            json!({ "fulfillment_order": fo(3) }),
            Some("fo/3"),
        ),
        (
            "fulfillment_orders/moved",
            json!({ "original_fulfillment_order": fo(4) }),
            Some("fo/4"),
        ),
        (
            "fulfillment_orders/assigned",
            json!({ "fulfillment_order": fo(5) }),
            Some("fo/5"),
        ),
        (
            "returns/close",
            json!({ "id": 12, "order_id": 17 }),
            Some("return/12"),
        ),
        ("products/update", json!({ "id": 8 }), Some("product/8")),
        ("products/delete", json!({ "id": 8 }), Some("product/8")),
        (
            "inventory_levels/update",
            json!({ "inventory_item_id": 6, "location_id": 7 }),
            Some("item/6/7"),
        ),
        ("customers/update", json!({ "id": 9 }), Some("customer/9")),
        ("customers/delete", json!({ "id": 9 }), Some("customer/9")),
        (
            "customers/merge",
            json!({ "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/9" }),
            Some("customer/9"),
        ),
        ("locations/update", json!({ "id": 2 }), Some("location/2")),
        (
            "bulk_operations/finish",
            json!({ "admin_graphql_api_id": "gid://shopify/BulkOperation/11" }),
            Some("bulk/11"),
        ),
        ("app/scopes_update", json!({ "id": 1 }), Some("shop")),
        ("app/uninstalled", json!({ "id": 1 }), Some("shop")),
    ];
    for (topic, body, record) in cases {
        let rule: &TopicRule = rule(topic).expect("a topic");
        let body = serde_json::to_vec(&body).expect("JSON");
        let wanted = record.map(|record| format!("{SHOP}/{record}"));
        assert_eq!(glance(rule, SHOP, &body).key, wanted, "{topic}");
    }
}

async fn every_topic_is_registered_but_the_old_names(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let shop = shop(&app);
    let subscribed = app.read(|conn| registrar::list(conn, shop.id));
    assert_eq!(subscribed.len(), 57);
    for one in &subscribed {
        assert_eq!(one.state, SubscriptionState::Registered, "{}", one.topic);
    }
    let page = app.get(&format!("/integrations/shopify/{}", shop.id)).await;
    page.assert_shows("57 of 57 registered")
        .assert_shows("fulfillment_orders/merged")
        .assert_lacks("fulfillment_orders/closed");
}

async fn a_missing_scope_is_shown_and_stops_no_other_topic(kind: Kind) {
    let app = TestApp::connected_with(kind, "read_orders,read_products").await;
    let shop = shop(&app);
    let subscribed = app.read(|conn| registrar::list(conn, shop.id));
    let state = |topic: &str| {
        let one = subscribed.iter().find(|one| one.topic == topic);
        one.map(|one| (one.state, one.error.clone()))
    };
    let registered = Some((SubscriptionState::Registered, None));
    assert_eq!(state("orders/create"), registered);
    assert_eq!(state("app/scopes_update"), registered);
    let (missing, error) = state("customers/merge").expect("a row");
    assert_eq!(missing, SubscriptionState::MissingScope);
    assert_eq!(
        error.as_deref(),
        Some("the store did not grant read_customer_merge")
    );
    let page = app.get(&format!("/integrations/shopify/{}", shop.id)).await;
    page.assert_shows("the store did not grant read_customer_merge")
        .assert_shows("or read_assigned_fulfillment_orders");
}

async fn a_scope_that_is_granted_later_brings_its_webhooks(kind: Kind) {
    let app = TestApp::connected(kind).await;
    // As if the store had granted next to nothing so far.
    app.alter("UPDATE shopify_shops SET scopes = 'read_orders', missing_scopes = 'read_products'");
    app.alter("DELETE FROM shopify_subscriptions WHERE topic = 'products/update'");
    let body = json!({ "id": 1, "previous": ["read_orders"], "current": ["read_orders", "read_products"] });
    deliver(&app, "app/scopes_update", "s1", &body).await;
    app.run_jobs().await;
    let shop = shop(&app);
    assert!(shop.scopes.covers("read_customer_merge"));
    assert!(shop.missing_scopes.is_empty());
    let subscribed = app.read(|conn| registrar::list(conn, shop.id));
    assert!(subscribed.iter().any(|one| one.topic == "products/update"));
}

/// The daily look waits for its day; what a person asks for meanwhile does not wait behind it.
async fn a_person_who_checks_the_webhooks_need_not_wait_a_day(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let page = app
        .get(&format!("/integrations/shopify/{}", shop(&app).id))
        .await;
    app.alter("DELETE FROM shopify_subscriptions");
    let asked = page.form("form[action$='/set-up']");
    app.owner().submit(asked).await.assert_status(200);
    app.run_jobs().await;
    let id = shop(&app).id;
    let subscribed = app.read(|conn| registrar::list(conn, id));
    assert_eq!(subscribed.len(), 57);
    // And a day later they are compared by themselves.
    app.alter("DELETE FROM shopify_subscriptions");
    app.pass(Duration::from_secs(86_400)).await;
    let subscribed = app.read(|conn| registrar::list(conn, id));
    assert_eq!(subscribed.len(), 57);
}

async fn a_paid_order_is_a_whole_order(kind: Kind) {
    let app = TestApp::connected(kind).await;
    for (n, (topic, word)) in [
        ("orders/paid", "updated"),
        ("orders/fulfilled", "fulfilled"),
        ("orders/partially_fulfilled", "updated"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = 7_000 + u64::try_from(n).expect("small");
        let body = numbered(id);
        let answer = deliver(&app, topic, &format!("w{n}"), &body).await;
        answer.assert(200, word);
        app.run_jobs().await;
        assert_eq!(app.order(&format!("#{id}")).external_id, id.to_string());
    }
}

async fn what_tells_of_an_order_has_it_asked_about(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let sample = |name: &str| fixture(name);
    let bodies = [
        ("fulfillments/create", sample("fulfillments_create.json")),
        ("fulfillments/update", sample("fulfillments_create.json")),
        (
            "fulfillment_orders/cancelled",
            sample("fulfillment_orders_cancelled.json"),
        ),
        (
            "orders/edited",
            json!({ "order_edit": { "id": 5, "order_id": 17 } }),
        ),
        (
            "orders/risk_assessment_changed",
            json!({ "order_id": 17, "risk_level": "high" }),
        ),
    ];
    for (topic, body) in bodies {
        deliver(&app, topic, topic, &body)
            .await
            .assert(200, "accepted");
        app.run_jobs().await;
        let event = event(&app, topic);
        assert_eq!(
            event.status,
            Status::Done.code(),
            "{topic}: {:?}",
            event.reason
        );
        let asked = app.practice.requests();
        let last = asked.last().expect("Shopify was asked");
        let operation = if topic.starts_with("fulfillment_orders") {
            "FulfillmentOrderOwner"
        } else {
            "OrderStanding"
        };
        assert_eq!(last.operation, operation, "{topic}");
    }
    assert!(app.orders().is_empty());
}

async fn an_old_name_is_accepted_and_understood(kind: Kind) {
    let app = TestApp::connected(kind).await;
    for topic in ["fulfillment_orders/assigned", "fulfillment_orders/closed"] {
        let body = json!({ "fulfillment_order": { "id": "gid://shopify/FulfillmentOrder/5", "status": "open" } });
        deliver(&app, topic, topic, &body)
            .await
            .assert(200, "accepted");
        app.run_jobs().await;
        assert_eq!(event(&app, topic).status, Status::Done.code());
    }
}

async fn an_order_is_deleted_once_the_store_says_so(kind: Kind) {
    let app = TestApp::connected(kind).await;
    // One that the practice store has, and one that it does not have.
    app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    let there = app.orders().remove(0);
    let gone = numbered(7_001);
    deliver(&app, "orders/create", "w1", &gone).await;
    app.run_jobs().await;
    for (n, id) in [&there.external_id, "7001"].into_iter().enumerate() {
        let id: u64 = id.parse().expect("a number");
        deliver(
            &app,
            "orders/delete",
            &format!("d{n}"),
            &json!({ "id": id }),
        )
        .await;
    }
    app.run_jobs().await;
    assert_eq!(app.order(&there.facts.name).deleted_at_source, None);
    let order = app.order("#7001");
    assert!(order.deleted_at_source.is_some());
    // What was under way when it went does not bring it back.
    let late = with(gone, "note", json!("late"));
    let late = with(late, "updated_at", json!("2026-11-21T11:59:00Z"));
    deliver(&app, "orders/updated", "w2", &late).await;
    app.run_jobs().await;
    assert!(app.order("#7001").deleted_at_source.is_some());
}

async fn a_product_is_deleted_once_the_store_says_so(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let body = json!({
        "id": 555, "title": "Gone tea", "updated_at": "2026-11-21T11:00:00Z",
        "variants": [{ "id": 556, "title": "100 g", "price": "4.50", "inventory_item_id": 557 }],
    });
    // Read whole from the store at once, which does not know it: gone already.
    deliver(&app, "products/create", "p1", &body)
        .await
        .assert(200, "accepted");
    app.run_jobs().await;
    let there = variants(&app, false);
    let known: u64 = there[0].product_external_id.parse().expect("a number");
    deliver(&app, "products/delete", "p2", &json!({ "id": known })).await;
    deliver(&app, "products/delete", "p3", &json!({ "id": 555 })).await;
    app.run_jobs().await;
    let after = variants(&app, false);
    assert_eq!(after.len(), there.len(), "the store still has it");
    deliver(&app, "products/update", "p4", &body).await;
    app.run_jobs().await;
    let gone = variants(&app, true);
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].external_id, "556");
}

async fn a_customer_is_kept_up_to_date_and_never_set_back(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let customer = |name: &str, at: &str| {
        json!({
            "id": 900, "first_name": name, "last_name": "Fern", "email": "ada@example.com",
            "updated_at": at, "admin_graphql_api_id": "gid://shopify/Customer/900",
        })
    };
    deliver(
        &app,
        "customers/create",
        "c1",
        &customer("Ada", "2026-11-21T10:00:00Z"),
    )
    .await;
    app.run_jobs().await;
    deliver(
        &app,
        "customers/update",
        "c2",
        &customer("Adele", "2026-11-21T11:00:00Z"),
    )
    .await;
    app.run_jobs().await;
    deliver(
        &app,
        "customers/update",
        "c3",
        &customer("Old", "2026-11-21T09:00:00Z"),
    )
    .await;
    app.run_jobs().await;
    assert_eq!(names(&app), ["Adele"]);
    // The practice store has no such customer: the deletion is believed, and what is late changes nothing.
    deliver(
        &app,
        "customers/delete",
        "c4",
        &json!({ "id": 900, "email": null }),
    )
    .await;
    app.run_jobs().await;
    deliver(
        &app,
        "customers/update",
        "c5",
        &customer("Late", "2026-11-21T11:30:00Z"),
    )
    .await;
    app.run_jobs().await;
    assert_eq!(names(&app), ["Adele"]);
}

async fn merged_customers_are_one_contact_with_all_orders(kind: Kind) {
    let app = TestApp::connected(kind).await;
    for (order, customer) in [(7_001, 901), (7_002, 902)] {
        let who = json!({
            "id": customer, "first_name": format!("No {customer}"),
            "email": format!("{customer}@example.com"), "updated_at": "2026-11-20T10:00:00Z",
        });
        let body = with(numbered(order), "customer", who);
        deliver(&app, "orders/create", &format!("o{order}"), &body).await;
    }
    app.run_jobs().await;
    let contact = |name: &str| app.order(name).facts.contact_id.expect("a contact");
    assert_ne!(contact("#7001"), contact("#7002"));
    let merge = |status: &str| {
        json!({
            "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/902",
            "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/901",
            "status": status, "errors": [],
        })
    };
    deliver(&app, "customers/merge", "m1", &merge("failed")).await;
    app.run_jobs().await;
    assert_ne!(contact("#7001"), contact("#7002"));
    deliver(&app, "customers/merge", "m2", &merge("completed")).await;
    app.run_jobs().await;
    assert_eq!(contact("#7001"), contact("#7002"));
    let kept = contact("#7002");
    assert_eq!(app.read(|conn| contacts::count_orders(conn, kept)), 2);
}

async fn locations_are_read_again(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let asked = || {
        let requests = app.practice.requests();
        let asked = requests.iter().filter(|it| it.operation == "Locations");
        asked.count()
    };
    let before = asked();
    for (n, topic) in ["create", "update", "activate", "deactivate", "delete"]
        .into_iter()
        .enumerate()
    {
        let body = json!({ "id": n, "name": "Shed" });
        deliver(&app, &format!("locations/{topic}"), topic, &body).await;
        app.run_jobs().await;
    }
    assert_eq!(asked(), before + 5);
}

async fn a_finished_bulk_operation_wakes_who_waits_for_it(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let id = shop(&app).id;
    let cause = bulk_cause(id, Gid::<BulkOperation>::new(11));
    assert_eq!(cause, format!("shop/{id}/bulk/11"));
    let body = json!({
        "admin_graphql_api_id": "gid://shopify/BulkOperation/11", "status": "completed", "type": "query",
    });
    deliver(&app, "bulk_operations/finish", "b1", &body).await;
    app.run_jobs().await;
    let reason = event(&app, "bulk_operations/finish").reason;
    assert_eq!(reason.as_deref(), Some("nothing waits for this operation"));
    let job = ReadLocations { shop: id };
    let now = app.clock.now();
    let filed = app
        .db()
        .write_here(|conn| jobs::enqueue(conn, &job, &Filing::default(), now));
    let waiting = filed.expect("a job").expect("a new one");
    app.alter(&format!(
        "UPDATE jobs SET status = 2, waits_for = '{cause}' WHERE id = {waiting}"
    ));
    deliver(&app, "bulk_operations/finish", "b2", &body).await;
    app.run_jobs().await;
    let job = app.read(|conn| jobs::queries::find(conn, waiting));
    assert_eq!(job.expect("the job").status, Status::Done.code());
}

async fn a_test_notification_is_shown_and_never_booked(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let body = serde_json::to_vec(&numbered(7_001)).expect("JSON");
    let answer = app.deliver_test("orders/create", "t1", &body).await;
    answer.assert(200, "ignored");
    app.run_jobs().await;
    assert!(app.orders().is_empty());
    let list = app.get("/events?state=done").await;
    list.assert_shows("a test notification: shown, never booked");
    // A test that anybody could make of a caught body overtakes nothing that is real.
    app.deliver_webhook("orders/create", "w1", &body).await;
    app.deliver_test("orders/updated", "t2", &body).await;
    app.run_jobs().await;
    app.order("#7001");
}

async fn the_store_shows_when_each_topic_last_came_in(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let id = shop(&app).id;
    deliver(
        &app,
        "products/update",
        "p1",
        &json!({ "id": 1, "updated_at": "2026-11-21T10:00:00Z" }),
    )
    .await;
    let received = |topic: &str| {
        let subscribed = app.read(|conn| registrar::list(conn, id));
        let one = subscribed.into_iter().find(|one| one.topic == topic);
        one.and_then(|one| one.last_received_at)
    };
    // It is written off the request's path: the pages asked for meanwhile give it its turn.
    for _ in 0..50 {
        app.get(&format!("/integrations/shopify/{id}")).await;
        if received("products/update").is_some() {
            assert_eq!(received("products/update"), Some(app.clock.now()));
            assert_eq!(received("products/create"), None);
            app.run_jobs().await;
            return;
        }
    }
    panic!("nobody noted that the topic came in");
}

async fn deliver(app: &TestApp, topic: &str, id: &str, body: &Value) -> Answer {
    let body = serde_json::to_vec(body).expect("JSON");
    app.deliver_webhook(topic, id, &body).await
}

fn fixture(name: &str) -> Value {
    let text = std::fs::read_to_string(format!("tests/fixtures/shopify/{name}"));
    serde_json::from_str(&text.expect("the sample")).expect("JSON")
}

fn numbered(id: u64) -> Value {
    let order = with(fixture("orders_create.json"), "id", json!(id));
    let gid = format!("gid://shopify/Order/{id}");
    let order = with(order, "admin_graphql_api_id", json!(gid));
    with(order, "name", json!(format!("#{id}")))
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

/// The latest event of the topic.
fn event(app: &TestApp, topic: &str) -> inbox::EventRow {
    let ids: Vec<i64> = (1..=500).collect();
    let mut events = app.read(|conn| inbox::list_by_id(conn, &ids));
    events.retain(|event| event.topic == topic);
    events
        .pop()
        .unwrap_or_else(|| panic!("no {topic} was stored"))
}

/// The mirror's variants that are, or are not, deleted.
fn variants(app: &TestApp, deleted: bool) -> Vec<VariantRow> {
    let rows = (1..=300).map(|id| app.read(|conn| mirror::find(conn, VariantId(id))));
    rows.flatten()
        .filter(|row| row.deleted_at.is_some() == deleted)
        .collect()
}

/// First names of the contacts with the customer's e-mail address.
fn names(app: &TestApp) -> Vec<String> {
    let rows = (1..=200).map(|id| app.read(|conn| contacts::find(conn, ContactId(id))));
    rows.flatten()
        .filter(|row| row.email.as_deref() == Some("ada@example.com"))
        .filter_map(|row| row.first_name)
        .collect()
}

fn shop(app: &TestApp) -> Shop {
    app.read(shops::list).remove(0)
}
