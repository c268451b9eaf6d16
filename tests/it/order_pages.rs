//! What people see of orders and items, and do on these pages.

use counterfoil::erp::orders::WorkState;
use counterfoil::erp::users::roles::Role;
use serde_json::Value;

use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    a_webhook_becomes_an_order_on_the_list_and_on_its_page,
    an_order_is_held_and_released_on_its_page,
    a_custom_line_gets_its_item_on_the_order_page,
    stock_is_adjusted_with_a_reason,
    a_viewer_looks_but_changes_nothing,
);

fn order() -> Value {
    let text = include_str!("../fixtures/shopify/orders_create.json");
    serde_json::from_str(text).expect("JSON")
}

async fn with_order(kind: Kind) -> TestApp {
    let app = TestApp::connected(kind).await;
    let body = order().to_string();
    let answer = app
        .deliver_webhook("orders/create", "w1", body.as_bytes())
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    app.run_jobs().await;
    app
}

async fn a_webhook_becomes_an_order_on_the_list_and_on_its_page(kind: Kind) {
    let app = with_order(kind).await;
    let list = app.get("/orders").await;
    assert!(list.text().contains("Ada Muster"), "{}", list.text());
    assert!(list.text().contains("Unmapped"));
    let found = app.get("/orders?view=all&q=sh-s").await;
    assert!(found.text().contains("#1001"), "{}", found.text());
    let missed = app.get("/orders?view=all&q=nobody%25").await;
    assert!(
        missed.text().contains("No orders match"),
        "{}",
        missed.text()
    );
    let id = app.order("#1001").id;
    let page = app.get(&format!("/orders/{id}?view=to-ship")).await;
    for words in [
        "Shirt has no item here",
        "€50.88",
        "Hauptstr. 1",
        "Order received",
        "MwSt 19%",
    ] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    assert_eq!(app.get("/orders/999").await.status, 404);
}

async fn an_order_is_held_and_released_on_its_page(kind: Kind) {
    let app = with_order(kind).await;
    let id = app.order("#1001").id;
    let path = format!("/orders/{id}");
    let page = app.get(&path).await;
    app.owner()
        .submit(page.form("form[action*='/hold?']"))
        .await;
    let page = app.get(&path).await;
    assert!(page.text().contains("It is on hold"), "{}", page.text());
    app.owner()
        .submit(page.form(".page-head form[action*='/hold/release']"))
        .await;
    let page = app.get(&path).await;
    assert!(!page.text().contains("It is on hold"), "{}", page.text());
}

async fn a_custom_line_gets_its_item_on_the_order_page(kind: Kind) {
    let app = with_order(kind).await;
    let new = app.get("/products/new").await;
    let form = new.form("form[action$='/products']");
    let form = form.fill("sku", "ENG").fill("name", "Engraving");
    let item = app.owner().submit(form).await;
    assert!(item.text().contains("Engraving"), "{}", item.text());
    let id = app.order("#1001").id;
    let page = app.get(&format!("/orders/{id}")).await;
    let form = page.form("form[action*='/item']").fill("sku", "ENG");
    let page = app.owner().submit(form).await;
    assert!(
        !page.text().contains("Custom engraving has no item"),
        "{}",
        page.text()
    );
    assert_eq!(app.order("#1001").work_state, WorkState::Unmapped);
}

async fn stock_is_adjusted_with_a_reason(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let new = app.get("/products/new").await;
    let form = new.form("form[action$='/products']");
    let page = app
        .owner()
        .submit(form.fill("sku", "ENG").fill("name", "Engraving"))
        .await;
    let form = || page.form("form[action$='/adjustments']");
    let refused = app.owner().submit(form().fill("quantity", "-3")).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("Say why"), "{}", refused.text());
    let filled = form().fill("quantity", "12").fill("reason", "counted");
    let done = app.owner().submit(filled).await;
    assert!(done.text().contains("12"), "{}", done.text());
    let list = app.get("/products?q=eng").await;
    assert!(list.text().contains("Engraving"), "{}", list.text());
}

async fn a_viewer_looks_but_changes_nothing(kind: Kind) {
    let app = with_order(kind).await;
    let viewer = app.signed_in(Role::Viewer).await;
    let id = app.order("#1001").id;
    let page = viewer.get(&format!("/orders/{id}")).await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("Release"), "{}", page.text());
}
