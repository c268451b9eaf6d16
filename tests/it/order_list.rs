//! The order list: found by a word's beginning, narrowed, kept as a view, taken along as a file.

use counterfoil::erp::users::roles::Role;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    orders_are_found_by_whatever_is_known_of_them,
    a_changed_order_is_found_by_what_it_says_now,
    many_orders_share_a_word,
    a_list_is_narrowed_and_says_by_what,
    a_view_is_kept_shared_and_removed,
    a_list_is_taken_along_as_a_file,
);

/// An order of the fixture's with another number, placed on that day of November.
fn order(number: u64, day: u32, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let text = include_str!("../fixtures/shopify/orders_create.json");
    let mut order: Value = serde_json::from_str(text).expect("JSON");
    order["id"] = json!(7_000_000_000_000_u64 + number);
    order["admin_graphql_api_id"] = json!(format!(
        "gid://shopify/Order/{}",
        7_000_000_000_000 + number
    ));
    order["name"] = json!(format!("#{number}"));
    for (at, line) in order["line_items"]
        .as_array_mut()
        .expect("lines")
        .iter_mut()
        .enumerate()
    {
        let id = number * 100 + u64::try_from(at).expect("few");
        line["id"] = json!(id);
        line["admin_graphql_api_id"] = json!(format!("gid://shopify/LineItem/{id}"));
    }
    let at = json!(format!("2026-11-{day:02}T10:00:00Z"));
    for key in ["created_at", "processed_at", "updated_at"] {
        order[key] = at.clone();
    }
    change(&mut order);
    order.to_string().into_bytes()
}

async fn deliver(app: &TestApp, id: &str, body: &[u8]) {
    let answer = app.deliver_webhook("orders/updated", id, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// The orders that the list shows at this address, from top to bottom.
async fn listed(app: &TestApp, query: &str) -> Vec<String> {
    let page = app.get(&format!("/orders?{query}")).await;
    page.assert_status(200);
    page.texts("td.col-order a")
}

async fn orders_are_found_by_whatever_is_known_of_them(kind: Kind) {
    let app = TestApp::connected(kind).await;
    deliver(&app, "1", &order(2001, 3, |_| ())).await;
    let other = order(2002, 4, |order| {
        order["email"] = json!("zoe@example.org");
        order["contact_email"] = json!("zoe@example.org");
        order["customer"]["email"] = json!("zoe@example.org");
        order["customer"]["id"] = json!(99);
        order["customer"]["first_name"] = json!("Zoë");
        order["customer"]["last_name"] = json!("Müller-Lüdenscheidt");
        order["line_items"][0]["sku"] = json!("TEE-9");
    });
    deliver(&app, "2", &other).await;
    app.run_jobs().await;
    for (search, wanted) in [
        ("2002", vec!["#2002"]),
        ("%232002", vec!["#2002"]),
        ("200", vec!["#2002", "#2001"]),
        ("7000000002002", vec!["#2002"]),
        ("zoe", vec!["#2002"]),
        ("ZOË", vec!["#2002"]),
        ("ludensch", vec!["#2002"]),
        ("m%C3%BCller-l%C3%BCd", vec!["#2002"]),
        ("zoe@example.org", vec!["#2002"]),
        ("tee-9", vec!["#2002"]),
        ("sh-s", vec!["#2001"]),
        ("SO-00001", vec!["#2001"]),
        ("so-00002", vec!["#2002"]),
        ("grace zoe", vec![]),
        ("zoe 2002 tee", vec!["#2002"]),
        ("oe", vec![]),
        ("%25", vec![]),
        ("_", vec![]),
    ] {
        assert_eq!(
            listed(&app, &format!("view=all&q={search}")).await,
            wanted,
            "{search}"
        );
    }
    assert_eq!(
        listed(&app, "view=cancelled&q=2002").await,
        Vec::<String>::new()
    );
}

async fn a_changed_order_is_found_by_what_it_says_now(kind: Kind) {
    let app = TestApp::connected(kind).await;
    deliver(
        &app,
        "1",
        &order(2001, 3, |order| order["email"] = json!("old@example.org")),
    )
    .await;
    app.run_jobs().await;
    assert_eq!(listed(&app, "view=all&q=old@").await, ["#2001"]);
    let newer = order(2001, 5, |order| {
        order["email"] = json!("new@example.org");
        order["contact_email"] = json!("new@example.org");
    });
    deliver(&app, "2", &newer).await;
    app.run_jobs().await;
    assert_eq!(listed(&app, "view=all&q=old@").await, Vec::<String>::new());
    assert_eq!(listed(&app, "view=all&q=new@").await, ["#2001"]);
}

async fn many_orders_share_a_word(kind: Kind) {
    let app = TestApp::connected(kind).await;
    for number in 2001..=2003 {
        deliver(&app, &number.to_string(), &order(number, 3, |_| ())).await;
    }
    app.run_jobs().await;
    // More orders than are collected by a word: they are put there straight away.
    let digits = "WITH d(n) AS (VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))";
    app.alter(&format!(
        "{digits} INSERT INTO order_terms (order_id, term) SELECT 1, 'muster' FROM d a, d b, d c, d e WHERE a.n < 3"
    ));
    assert_eq!(
        listed(&app, "view=all&q=must").await,
        ["#2003", "#2002", "#2001"]
    );
    assert_eq!(listed(&app, "view=all&q=must+2002").await, ["#2002"]);
    assert_eq!(listed(&app, "view=all&q=must+ada").await.len(), 3);
    assert_eq!(
        listed(&app, "view=all&q=must+grace").await,
        Vec::<String>::new()
    );
}

async fn a_list_is_narrowed_and_says_by_what(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let pending = |order: &mut Value| order["financial_status"] = json!("pending");
    deliver(&app, "1", &order(2001, 3, |_| ())).await;
    deliver(&app, "2", &order(2002, 4, pending)).await;
    deliver(&app, "3", &order(2003, 5, pending)).await;
    app.run_jobs().await;
    assert_eq!(listed(&app, "view=all").await, ["#2003", "#2002", "#2001"]);
    assert_eq!(
        listed(&app, "view=all&sort=oldest").await,
        ["#2001", "#2002", "#2003"]
    );
    assert_eq!(
        listed(&app, "view=all&payment=pending").await,
        ["#2003", "#2002"]
    );
    assert_eq!(
        listed(&app, "view=all&from=2026-11-04&to=2026-11-04").await,
        ["#2002"]
    );
    assert_eq!(
        listed(&app, "view=all&to=2026-11-04&payment=pending").await,
        ["#2002"]
    );
    assert_eq!(listed(&app, "view=all&store=1").await.len(), 3);
    assert_eq!(
        listed(&app, "view=all&store=77").await,
        Vec::<String>::new()
    );

    let page = app
        .get("/orders?view=all&payment=pending&from=2026-11-05")
        .await;
    let chips = page.texts("a.chip");
    assert_eq!(chips.len(), 2, "{chips:?}");
    assert!(chips[0].starts_with("Payment: Pending"), "{chips:?}");
    let page = app.get("/orders?view=all&payment=voided").await;
    page.assert_shows("No orders match");
    let page = app.get("/orders?view=all&from=yesterday").await;
    page.assert_shows("“yesterday” is no day");
    assert_eq!(page.count("td.col-order"), 3);
    // The order's page leads back into the same list, and on within it.
    let page = app.get("/orders?view=all&payment=pending").await;
    let href = page.attribute("td.col-order a", "href");
    let shown = app.get(&href).await;
    assert_eq!(shown.count("a[rel=prev]"), 0, "{href}");
    let next = app.get(&shown.attribute("a[rel=next]", "href")).await;
    next.assert_shows("#2002");
    assert_eq!(next.count("a[rel=next]"), 0);
}

async fn a_view_is_kept_shared_and_removed(kind: Kind) {
    let app = TestApp::connected(kind).await;
    deliver(&app, "1", &order(2001, 3, |_| ())).await;
    app.run_jobs().await;
    let ada = app.signed_in(Role::Operations).await;
    let bob = app.signed_in(Role::Viewer).await;
    let list = ada.get("/orders?view=all&q=muster").await;
    let new = ada.get(&list.link("Save view")).await;
    let form = || new.form("form[action*='/orders/views']");
    let refused = ada.submit(form().fill("name", "  ")).await;
    refused.assert_status(422).assert_shows("Give it a name");
    let kept = ada.submit(form().fill("name", "The Musters")).await;
    kept.assert_status(200).assert_shows("The view is kept.");
    assert_eq!(kept.texts("td.col-order a"), ["#2001"]);
    let tabs = |page: &crate::support::visitor::Page| page.texts("nav.tabs a").join("|");
    assert!(tabs(&kept).contains("The Musters"));
    let refused = ada.submit(form().fill("name", "The Musters")).await;
    refused
        .assert_status(422)
        .assert_shows("You have a view of that name already");
    assert!(
        !tabs(&bob.get("/orders").await).contains("The Musters"),
        "it is Ada's own"
    );

    let shared = form().fill("name", "For all").fill("shared", "1");
    ada.submit(shared).await.assert_status(200);
    let page = bob.get("/orders").await;
    let page = bob.get(&page.link("For all")).await;
    assert_eq!(page.texts("td.col-order a"), ["#2001"]);
    assert_eq!(page.count("form[action$='/removal']"), 0, "it is not Bob's");
    let page = bob
        .post("/orders/views/2/removal", &[("csrf", &app.csrf(&bob))])
        .await;
    page.assert_status(404);

    let page = ada.get("/orders").await;
    let page = ada.get(&page.link("For all")).await;
    let gone = ada.submit(page.form("form[action$='/removal']")).await;
    gone.assert_shows("The view For all is gone");
    assert!(!tabs(&bob.get("/orders").await).contains("For all"));
}

async fn a_list_is_taken_along_as_a_file(kind: Kind) {
    let app = TestApp::connected(kind).await;
    for number in 2001..=2003 {
        let body = order(number, 3, |order| {
            order["customer"]["last_name"] = json!("Muster \"the Great\", and sons");
            order["customer"]["first_name"] = json!("=1+1");
        });
        deliver(&app, &number.to_string(), &body).await;
    }
    app.run_jobs().await;
    let page = app.get("/orders?view=all&q=2002").await;
    let href = page.attribute("a[href*='/orders/export']", "href");
    let file = app.get(&href).await;
    file.assert_status(200);
    let head = |name: &str| {
        file.headers
            .get(name)
            .expect(name)
            .to_str()
            .expect("text")
            .to_owned()
    };
    assert_eq!(head("content-type"), "text/csv; charset=utf-8");
    assert!(head("content-disposition").contains("orders-all-2026-11-21.csv"));
    let lines: Vec<&str> = file.body.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 2, "{}", file.body);
    assert!(lines[0].starts_with("order,number,placed,store,customer"));
    assert!(
        lines[1].starts_with("#2002,SO-00002,2026-11-03 10:00:00+00:00,"),
        "{}",
        lines[1]
    );
    assert!(
        lines[1].contains("\"'=1+1 Muster \"\"the Great\"\", and sons\""),
        "{}",
        lines[1]
    );
    assert!(lines[1].contains(",EUR,50.88,"), "{}", lines[1]);
    let all = app.get("/orders/export?view=all&sort=oldest").await;
    let names: Vec<&str> = all.body.lines().skip(1).map(|line| &line[..5]).collect();
    assert_eq!(names, ["#2001", "#2002", "#2003"]);
}
