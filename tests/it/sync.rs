//! Nothing missing: what a webhook did not bring is seen and fetched, days are compared as sets, past orders come in
//! when somebody asks for them, and a rehearsal books nothing.

use std::time::Duration;

use counterfoil::erp::holds::{self, HoldKind};
use counterfoil::erp::users::roles::Role;
use counterfoil::practice::{Misbehaviour, OrderEdit, OrderKind};
use counterfoil::shopify::DEFAULT_SCOPES;
use serde_json::{Value, json};

use crate::support::api::Program;
use crate::support::app::{SHOP, TestApp};
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::{Form, Page};

both_databases!(
    a_lost_webhook_is_seen_within_ten_minutes_and_its_order_is_here_within_fifteen,
    what_a_webhook_brought_costs_nothing,
    sets_are_compared_and_not_counts,
    an_order_that_does_not_come_is_an_alert_by_its_age,
    whole_days_are_compared_after_an_outage,
    past_orders_are_counted_first_and_then_fetched,
    many_orders_come_in_one_file_and_a_broken_download_goes_on,
    a_run_that_is_cancelled_does_nothing_more,
    a_program_fetches_past_orders_and_is_told_what_shopify_does_not_show,
    a_rehearsal_books_nothing_and_lists_what_would_fail,
    an_order_waits_for_its_money_until_the_rule_asks_for_less,
    what_a_person_paused_is_not_fetched_behind_their_back,
);

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

async fn a_lost_webhook_is_seen_within_ten_minutes_and_its_order_is_here_within_fifteen(
    kind: Kind,
) {
    let app = TestApp::connected(kind).await;
    app.pass(7 * MINUTE).await;
    app.practice.misbehave(Misbehaviour::DropWebhooks, 50);
    let placed = app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    assert!(app.orders().is_empty(), "its webhook was dropped");
    let minutes = until(&app, |app| !app.orders().is_empty()).await;
    assert!(minutes <= 10, "seen and fetched after {minutes} minutes");
    assert_eq!(app.orders()[0].facts.name, placed.name);

    // What is here and older is no better than what is missing.
    let note = "Leave it with the neighbour";
    let edit = OrderEdit::Note(note.to_owned());
    assert!(app.practice.edit_order(placed.id, &edit));
    let is_noted = |app: &TestApp| app.orders()[0].facts.note.as_deref() == Some(note);
    let minutes = until(&app, is_noted).await;
    assert!(minutes <= 10, "brought up to date after {minutes} minutes");
    let page = app.get("/sync").await;
    page.assert_shows("Healthy").assert_lacks("differ");
    assert_eq!(page.count("svg.strip"), 1);
    assert_eq!(
        page.count("svg.strip rect.warn"),
        1,
        "the half-hour with gaps"
    );
    app.get("/").await.assert_shows("Sync health");
}

async fn what_a_webhook_brought_costs_nothing(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.practice.demo_orders(8);
    app.run_jobs().await;
    assert_eq!(app.orders().len(), 8);
    let before = app.practice.requests().len();
    // The first pass, a backup run, and the looks between them.
    for _ in 0..24 {
        app.pass(5 * MINUTE).await;
    }
    let asked = operations(&app, before);
    let of = |name: &str| asked.iter().filter(|it| *it == name).count();
    assert!(of("OrderVersions") >= 24, "{asked:?}");
    assert_eq!(of("Order"), 0, "an order that is here was asked for");
    assert_eq!(of("OrderExists"), 0, "an order that is there was doubted");
    let page = app.get("/sync").await;
    page.assert_shows("8 / 8");
    let page = app.get(&page.link("Backup sync")).await;
    page.assert_shows("8 here already, 0 new");
    let page = app.get("/sync/orders").await;
    page.assert_shows("Same");
}

async fn sets_are_compared_and_not_counts(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.practice.misbehave(Misbehaviour::DropWebhooks, 50);
    let placed = app.practice.place_order(OrderKind::OneLine);
    // One that the store has and we lack; one that we have and the store lacks: the counts agree.
    deliver_stray(&app).await;
    assert_eq!(app.orders().len(), 1);
    assert_eq!(app.practice.order_count(), 1);
    // The grace for its webhook is over, and the first night's pass is due at the first look.
    for _ in 0..3 {
        app.pass(5 * MINUTE).await;
    }
    let orders = app.orders();
    let mine = orders.iter().find(|it| it.facts.name == placed.name);
    assert!(mine.is_some(), "the order that was missing is here");
    let stray = orders.iter().find(|it| it.facts.name == "#9001");
    let stray = stray.expect("the stray order stays");
    assert!(stray.deleted_at_source.is_some(), "the API says it is gone");
    let page = app.get("/sync/orders").await;
    let day = page.link("2026-11-21");
    let page = app.get(&day).await;
    page.assert_shows("Not in Shopify").assert_shows("#9001");
}

async fn an_order_that_does_not_come_is_an_alert_by_its_age(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.pass(6 * MINUTE).await;
    app.run_jobs().await;
    let since = app.clock.now().before(11 * MINUTE);
    // As it stands when an order cannot be read: found, asked for, and not brought in.
    app.alter(&format!(
        "INSERT INTO sync_gaps (shop_id, external_id, kind, name, day, changed_there_at, found_at, reason) \
         VALUES (1, '4711', 'missing', '#1001', '2026-11-21', {0}, {0}, 'line_items[0].price: it is no money')",
        since.0
    ));
    app.pass(MINUTE).await;
    app.get("/")
        .await
        .assert_shows(&format!("Orders of {SHOP} are not here"));
    let page = app.get("/sync").await;
    let page = app.get(&page.link("1 differs")).await;
    page.assert_shows("1 open");
    let page = app.get(&page.link("2026-11-21")).await;
    page.assert_shows("line_items[0].price: it is no money");
    // Asked for by hand: the store has no such order, so nothing is missing.
    let page = app.owner().submit(run_form(&page, "fetch")).await;
    page.assert_shows("Fetching differences");
    app.run_jobs().await;
    app.pass(MINUTE).await;
    let home = app.get("/").await;
    home.assert_lacks("are not here");
}

async fn whole_days_are_compared_after_an_outage(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.pass(6 * MINUTE).await;
    app.pass(6 * MINUTE).await;
    let before = app.practice.requests().len();
    // Nobody looks for nine hours: what is dropped meanwhile is dropped for good.
    app.practice.misbehave(Misbehaviour::DropWebhooks, 500);
    let placed = app.practice.demo_orders(5);
    app.clock.advance(9 * HOUR);
    app.run_jobs().await;
    assert_eq!(
        app.orders().len(),
        placed.len(),
        "the first look fetches them"
    );
    app.pass(5 * MINUTE).await;
    let days = |it: &Value| {
        it["query"]
            .as_str()
            .is_some_and(|it| it.contains("processed_at:>="))
    };
    let requests = app.practice.requests();
    let compared = requests
        .iter()
        .skip(before)
        .filter(|it| days(&it.variables));
    assert!(compared.count() >= 1, "the day is compared whole");
    // After nine hours somebody signs in anew.
    let owner = app.signed_in(Role::Owner).await;
    owner.get("/sync").await.assert_shows("5 / 5");
}

async fn past_orders_are_counted_first_and_then_fetched(kind: Kind) {
    let app = TestApp::start(kind).await;
    let placed = app.practice.demo_orders(12);
    app.clock.advance(2 * HOUR);
    app.connect().await;
    app.run_jobs().await;
    assert!(app.orders().is_empty(), "nobody has asked for them");
    let page = app.get("/sync").await;
    let page = app.get(&page.link("Fetch past orders")).await;
    page.assert_shows("the last 60 days alone");
    let refused = page.form("form[action$='/sync/backfill']");
    let refused = app.owner().submit(refused.fill("from", "2026-13-40")).await;
    refused.assert_status(422);
    refused.assert_shows("Enter a day, like 2026-11-21");
    let form = page.form("form[action$='/sync/backfill']");
    let page = app.owner().submit(form.fill("from", "2026-11-19")).await;
    page.assert_shows("Counting orders").assert_shows("Queued");
    app.run_jobs().await;
    let page = app.get(page.url.path()).await;
    page.assert_shows("12 in Shopify: 0 here, 12 new, 0 newer there");
    assert!(app.orders().is_empty(), "counting books nothing");
    let page = app
        .owner()
        .submit(page.form("form[action$='/sync/backfill']"))
        .await;
    settle(&app).await;
    let page = app.get(page.url.path()).await;
    page.assert_shows("12 of 12")
        .assert_shows("12 new")
        .assert_shows("Done");
    let mut names: Vec<String> = app.orders().into_iter().map(|it| it.facts.name).collect();
    let mut wanted: Vec<String> = placed.into_iter().map(|it| it.name).collect();
    names.sort();
    wanted.sort();
    assert_eq!(names, wanted);
    // Once more: all of it is here.
    let page = count_again(&app).await;
    page.assert_shows("12 here, 0 new")
        .assert_shows("Everything of these days is here");
}

async fn many_orders_come_in_one_file_and_a_broken_download_goes_on(kind: Kind) {
    let app = TestApp::start(kind).await;
    let placed = app.practice.demo_orders(260);
    app.clock.advance(2 * HOUR);
    app.connect().await;
    app.run_jobs().await;
    let page = count_again(&app).await;
    page.assert_shows("260 in Shopify")
        .assert_shows("a file together");
    let before = app.practice.requests().len();
    app.practice.misbehave(Misbehaviour::BreakDownload, 1);
    let page = app
        .owner()
        .submit(page.form("form[action$='/sync/backfill']"))
        .await;
    app.run_jobs().await;
    let page = app.get(page.url.path()).await;
    page.assert_shows("waiting for Shopify's file");
    assert!(app.orders().is_empty());
    // The file is ready two seconds later; its webhook wakes the run; the download breaks off half-way.
    app.pass(Duration::from_secs(3)).await;
    let half = app.orders().len();
    assert!(
        half > 20 && half < 260,
        "{half} orders of a broken download"
    );
    app.pass(MINUTE).await;
    assert_eq!(app.orders().len(), placed.len());
    let page = app.get(page.url.path()).await;
    page.assert_shows("260 of 260")
        .assert_shows("260 new")
        .assert_shows("Done");
    let asked = operations(&app, before);
    let alone = asked.iter().filter(|it| *it == "Order").count();
    assert_eq!(alone, 0, "no order of the file was asked for by itself");
    assert_eq!(
        asked
            .iter()
            .filter(|it| *it == "BulkOperationRunQuery")
            .count(),
        1
    );
    // Until the store was asked who ships what, and the night's comparison has ended.
    settle(&app).await;
    let page = count_again(&app).await;
    page.assert_shows("260 here, 0 new");
}

async fn a_run_that_is_cancelled_does_nothing_more(kind: Kind) {
    let app = TestApp::start(kind).await;
    app.practice.demo_orders(6);
    app.clock.advance(HOUR);
    app.connect().await;
    app.run_jobs().await;
    let page = count_again(&app).await;
    let page = app
        .owner()
        .submit(page.form("form[action$='/sync/backfill']"))
        .await;
    // One run at a time: a second wish leads to the first.
    let sync = app.get("/sync").await;
    let second = app.get(&sync.link("See the run")).await;
    assert_eq!(second.url.path(), page.url.path());
    let page = app
        .owner()
        .submit(page.form("form[action$='/cancellation']"))
        .await;
    page.assert_shows("Stopping");
    app.run_jobs().await;
    let page = app.get(page.url.path()).await;
    page.assert_shows("Cancelled");
    assert!(app.orders().is_empty());
    assert_eq!(page.count("form[action$='/cancellation']"), 0);
    // And the next one may begin.
    let page = count_again(&app).await;
    page.assert_shows("6 in Shopify");
}

async fn a_program_fetches_past_orders_and_is_told_what_shopify_does_not_show(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.practice.misbehave(Misbehaviour::DropWebhooks, 500);
    app.practice.demo_orders(3);
    app.clock.advance(61 * 24 * HOUR);
    app.run_jobs().await;
    app.practice.demo_orders(2);
    let api = Program::of(&app);
    let (status, body) = api
        .post(
            "/sync/shopify",
            json!({"from_date": "2026-11-01", "to_date": "2026-11-21"}),
        )
        .await;
    assert_eq!(status, 422, "{body}");
    assert!(body.to_string().contains("read_all_orders"), "{body}");
    let (status, body) = api
        .post(
            "/sync/shopify",
            json!({"from_date": "2026-11-01", "status": "sold"}),
        )
        .await;
    assert_eq!(status, 422, "{body}");
    let (status, body) = api
        .post("/sync/shopify", json!({"from_date": "2026-11-01"}))
        .await;
    assert_eq!(status, 202, "{body}");
    assert_eq!(body["from_date"], "2026-11-23");
    assert!(
        body["notice"]
            .as_str()
            .expect("a notice")
            .contains("60 days"),
        "{body}"
    );
    let (status, body) = api.post("/sync/shopify", json!({})).await;
    assert_eq!(status, 409, "one at a time: {body}");
    settle(&app).await;
    let (_, status) = api.get("/sync/status").await;
    assert_eq!(status["run"]["state"], "done", "{status}");
    assert_eq!(status["run"]["created"], 2);
    assert_eq!(app.orders().len(), 2, "the three of November are not shown");
    app.add_store("second-store.myshopify.com");
    let (status, body) = api.post("/sync/shopify", json!({})).await;
    assert_eq!(status, 409);
    assert_eq!(body["shops"].as_array().map(Vec::len), Some(2), "{body}");
    let (status, _) = api
        .post(&format!("/sync/shopify?shop={SHOP}"), json!({}))
        .await;
    assert_eq!(status, 202);
}

async fn a_rehearsal_books_nothing_and_lists_what_would_fail(kind: Kind) {
    let app = TestApp::start(kind).await;
    for order in [
        OrderKind::OneLine,
        OrderKind::UnknownSku,
        OrderKind::Digital,
    ] {
        app.practice.place_order(order);
    }
    app.clock.advance(HOUR);
    app.connect().await;
    app.run_jobs().await;
    let page = app.get("/sync").await;
    let page = app.owner().submit(run_form(&page, "rehearsal")).await;
    page.assert_shows("Rehearsal");
    settle(&app).await;
    let page = app.get(page.url.path()).await;
    page.assert_shows("of 3 orders would go through untouched");
    page.assert_shows("Not mapped");
    let to = page.link("Map them");
    app.get(&to).await.assert_status(200);
    assert!(app.orders().is_empty(), "nothing was booked");
    assert!(app.read(counterfoil::erp::orders::queries::count).eq(&0));
    // Repeatable, as often as anybody likes.
    let again = app.owner().submit(run_form(&page, "rehearsal")).await;
    assert_ne!(again.url.path(), page.url.path());
}

async fn an_order_waits_for_its_money_until_the_rule_asks_for_less(kind: Kind) {
    let app = TestApp::connected(kind).await;
    // By the road of webhooks, and by that of reconciliation.
    let told = app.practice.place_order(OrderKind::Authorized);
    app.run_jobs().await;
    app.practice.misbehave(Misbehaviour::DropWebhooks, 50);
    let fetched = app.practice.place_order(OrderKind::Authorized);
    app.pass(6 * MINUTE).await;
    app.pass(6 * MINUTE).await;
    for name in [&told.name, &fetched.name] {
        assert!(waits_for_money(&app, name), "{name}");
    }
    let settings = app.get("/integrations/shopify/1/settings").await;
    settings.assert_shows("One that does not pass yet is kept");
    let form = settings.form("form[action$='/settings']");
    assert_eq!(form.value("payment"), Some("paid"));
    assert_eq!(form.value("every_minutes"), Some("60"));
    let form = form
        .fill("payment", "authorized")
        .fill("every_minutes", "15");
    app.owner()
        .submit(form)
        .await
        .assert_shows("Settings saved");
    for name in [&told.name, &fetched.name] {
        assert!(!waits_for_money(&app, name), "{name}");
    }
    app.get("/sync").await.assert_shows("every 15 minutes");
}

async fn what_a_person_paused_is_not_fetched_behind_their_back(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let page = app.get("/events/incoming/pause").await;
    app.owner()
        .submit(page.form("form[action$='/pause']"))
        .await;
    app.practice.place_order(OrderKind::OneLine);
    app.pass(11 * MINUTE).await;
    app.pass(11 * MINUTE).await;
    assert!(app.orders().is_empty());
    app.get("/sync").await.assert_shows("Paused");
    let page = app.get("/events").await;
    app.owner()
        .submit(page.form("form[action$='/incoming/resumption']"))
        .await;
    app.run_jobs().await;
    assert_eq!(app.orders().len(), 1);
}

/// How many minutes pass until it is so.
async fn until(app: &TestApp, is_so: impl Fn(&TestApp) -> bool) -> u32 {
    for minutes in 1..=30 {
        app.pass(MINUTE).await;
        if is_so(app) {
            return minutes;
        }
    }
    panic!("not within half an hour");
}

/// The form that begins a run of this kind.
fn run_form(page: &Page, kind: &str) -> Form {
    page.form("form[action$='/sync/orders/runs']")
        .fill("kind", kind)
}

/// Works until nothing waits for Shopify's rate limit any more.
async fn settle(app: &TestApp) {
    for _ in 0..6 {
        app.pass(Duration::from_secs(40)).await;
    }
}

/// Counts the last week's orders, as a person does; gives the page of the result.
async fn count_again(app: &TestApp) -> Page {
    let page = app.get("/sync/backfill").await;
    let form = page.form("form[action$='/sync/backfill']");
    let page = app.owner().submit(form).await;
    settle(app).await;
    app.get(page.url.path()).await
}

/// The operations that the store was asked for since the `before`th.
fn operations(app: &TestApp, before: usize) -> Vec<String> {
    let requests = app.practice.requests();
    let since = requests.into_iter().skip(before);
    since.map(|request| request.operation).collect()
}

/// Delivers an order that the store does not have, placed this morning.
async fn deliver_stray(app: &TestApp) {
    let file = std::fs::read("tests/fixtures/shopify/orders_create.json").expect("a fixture");
    let mut order: Value = serde_json::from_slice(&file).expect("JSON");
    let now = app.clock.now().timestamp().to_string();
    for key in ["created_at", "updated_at", "processed_at"] {
        order[key] = json!(now);
    }
    order["name"] = json!("#9001");
    let body = order.to_string();
    app.deliver_webhook("orders/create", "stray", body.as_bytes())
        .await;
    app.run_jobs().await;
}

/// Whether an order is kept until it is paid.
fn waits_for_money(app: &TestApp, name: &str) -> bool {
    let order = app.order(name).id;
    let open = app.read(|conn| holds::queries::list_open(conn, order));
    open.iter().any(|hold| hold.kind == HoldKind::Unpaid)
}

#[test]
fn a_file_asks_for_what_an_order_alone_is_asked_for() {
    let read = |name: &str| {
        let text = std::fs::read_to_string(format!("src/shopify/graphql/{name}.graphql"));
        text.expect("a document")
    };
    // Every field of the one document stands in the other, but what a file cannot carry.
    let words = |text: &str| -> std::collections::BTreeSet<String> {
        let parts = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        parts
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (one, file) = (read("order"), words(&read("bulk_orders")));
    let order = &one[one.find("query Order(").expect("the operation")..];
    let cannot = [
        "transactions",
        "fulfillments",
        "fulfillmentLineItems",
        "pageInfo",
    ];
    let fields = order.lines().filter_map(|line| {
        let line = line.trim();
        let word: String = line.chars().take_while(|it| it.is_alphanumeric()).collect();
        (!word.is_empty() && !line.starts_with("query")).then_some(word)
    });
    for field in fields.filter(|it| !["nodes", "status", "order"].contains(&it.as_str())) {
        assert!(
            file.contains(&field) || cannot.contains(&field.as_str()),
            "{field}"
        );
    }
}

#[test]
fn the_scopes_that_are_asked_for_do_not_hold_the_one_that_takes_an_application() {
    assert!(!DEFAULT_SCOPES.contains("read_all_orders"));
}
