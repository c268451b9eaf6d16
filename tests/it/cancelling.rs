//! An order is cancelled from here: asked once, carried out by the store, and looked up.

use std::time::Duration;

use counterfoil::erp::orders::WorkState;
use counterfoil::erp::orders::incoming::PaymentState;
use counterfoil::erp::stock::queries as levels;
use counterfoil::practice::{Misbehaviour, OrderKind};

use crate::shipping::Story;
use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::{Form, Page};

both_databases!(
    a_cancellation_is_asked_once_and_carried_out,
    money_and_goods_may_stay_where_they_are,
    a_lost_answer_is_looked_up_and_nothing_is_cancelled_twice,
    what_the_store_refuses_lets_the_order_go_on,
    nothing_that_has_left_is_cancelled,
    a_reason_is_needed,
);

async fn a_cancellation_is_asked_once_and_carried_out(kind: Kind) {
    let story = Story::ready(kind, OrderKind::SeveralLines).await;
    let asked = send(&story, form(&story).await.fill("reason", "customer")).await;
    asked
        .assert_shows("Shopify is asked to cancel it")
        .assert_shows("The store is asked to cancel it: nothing leaves meanwhile");
    assert_eq!(
        asked.count("form[action*='/hold/release'] input[name='hold']"),
        0
    );
    assert_eq!(story.state(), WorkState::OnHold);
    assert!(story.ship_all("1Z1").is_err());
    story.app.run_jobs().await;
    story.app.pass(Duration::from_secs(20)).await;
    let order = story.app.order(&story.placed.name);
    assert_eq!(order.work_state, WorkState::Cancelled);
    assert_eq!(order.facts.cancel_reason.as_deref(), Some("customer"));
    assert_eq!(order.facts.payment_state, PaymentState::Refunded);
    assert_eq!(promised(&story), 0);
    assert_eq!(story.sent("OrderCancel"), 1);
    story.assert_stock_adds_up();
    let page = page(&story).await;
    page.assert_shows("The store has cancelled it, as it was asked")
        .assert_shows("Paid back")
        .assert_lacks("nothing leaves meanwhile");
    assert_eq!(page.count("a[href$='/cancellation']"), 0);
}

async fn money_and_goods_may_stay_where_they_are(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    let form = form(&story)
        .await
        .fill("reason", "fraud")
        .without("refund")
        .without("restock");
    send(&story, form).await;
    story.app.run_jobs().await;
    let order = story.app.order(&story.placed.name);
    assert_eq!(order.work_state, WorkState::Cancelled);
    assert_eq!(order.facts.payment_state, PaymentState::Paid);
    assert_eq!(promised(&story), 0);
    page(&story)
        .await
        .assert_shows("not put back in stock")
        .assert_shows("No money moved");
    story.app.pass(Duration::from_secs(20)).await;
    story.assert_stock_adds_up();
}

async fn a_lost_answer_is_looked_up_and_nothing_is_cancelled_twice(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    let form = form(&story).await.fill("reason", "staff");
    let practice = &story.app.practice;
    practice.misbehave(Misbehaviour::DropWebhooks, 20);
    practice.misbehave(Misbehaviour::CloseAfterCommit, 1);
    send(&story, form).await;
    story.app.run_jobs().await;
    // The webhooks are lost as well: only the look-up can say it.
    assert_eq!(story.state(), WorkState::OnHold);
    for _ in 0..3 {
        story.app.pass(Duration::from_secs(60)).await;
    }
    assert_eq!(story.sent("OrderCancel"), 1);
    page(&story)
        .await
        .assert_shows("The store has cancelled it, as it was asked");
}

async fn what_the_store_refuses_lets_the_order_go_on(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    let story = Story::ready_in(app, OrderKind::OneLine).await;
    let form = form(&story).await.fill("reason", "inventory");
    let practice = &story.app.practice;
    // Somebody else has shipped it, and we were not told.
    practice.misbehave(Misbehaviour::DropWebhooks, 20);
    assert!(practice.fulfill_elsewhere(story.placed.id));
    practice.misbehave(Misbehaviour::DropWebhooks, 0);
    send(&story, form).await;
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::Ready);
    page(&story)
        .await
        .assert_shows("The store did not cancel it")
        .assert_shows("The order cannot be cancelled");
    story.app.pass(Duration::from_secs(600)).await;
    assert_eq!(story.sent("OrderCancel"), 1);
}

async fn nothing_that_has_left_is_cancelled(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    story.ship_all("1Z1").expect("it ships");
    story.app.run_jobs().await;
    let path = format!("/orders/{}/cancellation", story.order);
    let page = story.app.get(&path).await;
    page.assert_shows("of it have left");
    assert_eq!(page.count("form[action$='/cancellation']"), 0);
}

async fn a_reason_is_needed(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    let form = form(&story).await.without("restock");
    let refused = story.app.owner().submit(form).await;
    refused
        .assert_status(422)
        .assert_shows("Choose why it is cancelled");
    assert_eq!(refused.count("input[name='restock'][checked]"), 0);
    assert_eq!(refused.count("input[name='refund'][checked]"), 1);
    assert_eq!(story.state(), WorkState::Ready);
}

async fn form(story: &Story) -> Form {
    let order = page(story).await;
    let confirm = story.app.get(&order.link("Cancel")).await;
    confirm.form("form[action$='/cancellation']")
}

async fn send(story: &Story, form: Form) -> Page {
    story.app.owner().submit(form).await
}

async fn page(story: &Story) -> Page {
    story.app.get(&format!("/orders/{}", story.order)).await
}

fn promised(story: &Story) -> i64 {
    let rows = story
        .app
        .read(|conn| levels::list_placed(conn, None, None, 0, 1000));
    rows.iter().map(|row| row.level.reserved).sum()
}
