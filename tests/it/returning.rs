//! Goods that come back: asked for, approved or declined, received once, closed; and what is sent in their place.

use counterfoil::erp::holds;
use counterfoil::erp::orders::{self, WorkState};
use counterfoil::erp::stock::queries as levels;
use counterfoil::practice::{OrderKind, Returning};
use serde_json::json;

use crate::shipping::Story;
use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::Page;

both_databases!(
    a_return_is_followed_from_request_to_close,
    goods_that_are_received_lie_on_the_shelf_once,
    goods_that_are_not_restocked_stay_off_the_shelf,
    a_declined_return_changes_nothing,
    what_is_sent_in_exchange_needs_no_decision,
    a_return_of_an_order_that_is_not_here_is_done_with_its_reason,
    a_body_that_names_no_return_is_dead,
);

async fn a_return_is_followed_from_request_to_close(kind: Kind) {
    let story = shipped(kind).await;
    let pieces = pieces(&story);
    step(
        &story,
        &Returning::Request {
            pieces: pieces[..1].to_vec(),
            note: Some("Too bitter".to_owned()),
        },
    )
    .await;
    page(&story)
        .await
        .assert_shows("Requested")
        .assert_shows("-R1 is requested")
        .assert_shows("Unwanted · Too bitter")
        .assert_shows("0 of");
    assert_eq!(story.state(), WorkState::Shipped);
    step(&story, &Returning::Approve).await;
    let open = page(&story).await;
    open.assert_shows("-R1 is open");
    assert_eq!(open.count("#h-returns"), 1);
    step(
        &story,
        &Returning::Process {
            restock: true,
            refund: true,
        },
    )
    .await;
    step(&story, &Returning::Close).await;
    page(&story)
        .await
        .assert_shows("-R1 is closed")
        .assert_shows("settles return")
        .assert_shows("back on hand at");
    story.assert_stock_adds_up();
}

async fn goods_that_are_received_lie_on_the_shelf_once(kind: Kind) {
    let story = shipped(kind).await;
    let (before, pieces) = (on_hand(&story), pieces(&story));
    let count: i64 = pieces.iter().map(|(_line, quantity)| quantity).sum();
    step(&story, &Returning::Open { pieces }).await;
    assert_eq!(on_hand(&story), before);
    step(
        &story,
        &Returning::Process {
            restock: true,
            refund: true,
        },
    )
    .await;
    // By the return alone: the refund that settles it tells the same goods once more.
    assert_eq!(on_hand(&story), before + count);
    assert_eq!(story.state(), WorkState::Returned);
    let body = story.last_webhook("returns/process");
    story
        .app
        .deliver_webhook("returns/process", "again", body.as_bytes())
        .await;
    step(&story, &Returning::Close).await;
    assert_eq!(on_hand(&story), before + count);
    story.assert_stock_adds_up();
}

async fn goods_that_are_not_restocked_stay_off_the_shelf(kind: Kind) {
    let story = shipped(kind).await;
    let (before, pieces) = (on_hand(&story), pieces(&story));
    step(&story, &Returning::Open { pieces }).await;
    step(
        &story,
        &Returning::Process {
            restock: false,
            refund: false,
        },
    )
    .await;
    assert_eq!(on_hand(&story), before);
    // All of it is back, whether it can be sold again or not.
    assert_eq!(story.state(), WorkState::Returned);
    assert!(story.open_lines().is_empty());
    page(&story).await.assert_shows("not put back in stock");
}

async fn a_declined_return_changes_nothing(kind: Kind) {
    let story = shipped(kind).await;
    let before = on_hand(&story);
    let pieces = pieces(&story);
    step(&story, &Returning::Request { pieces, note: None }).await;
    step(&story, &Returning::Decline).await;
    page(&story)
        .await
        .assert_shows("Declined")
        .assert_shows("return period ended")
        .assert_shows("It is too long ago");
    assert_eq!(story.state(), WorkState::Shipped);
    assert_eq!(on_hand(&story), before);
}

async fn what_is_sent_in_exchange_needs_no_decision(kind: Kind) {
    let story = shipped(kind).await;
    let pieces = pieces(&story)[..1].to_vec();
    step(&story, &Returning::Exchange { pieces }).await;
    let open = story
        .app
        .read(|conn| holds::queries::list_open(conn, story.order));
    assert!(
        open.iter().all(|hold| hold.kind != holds::HoldKind::Edit),
        "{open:?}"
    );
    page(&story).await.assert_shows("In its place: 1 ×");
    // What it costs more is paid; until then it waits, as any order does.
    assert!(story.app.practice.pay_order(story.placed.id));
    story.app.run_jobs().await;
    story.map_and_stock();
    let added = story.open_lines();
    assert_eq!(added.len(), 1);
    assert_eq!(story.state(), WorkState::PartShipped);
    story.ship("exchange", &added, "1Z2").expect("it ships");
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::Shipped);
    assert_eq!(story.fulfillments().len(), 2);
    story.assert_stock_adds_up();
}

async fn a_return_of_an_order_that_is_not_here_is_done_with_its_reason(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let body = json!({ "id": 99, "order_id": 17, "status": "open" });
    let body = serde_json::to_vec(&body).expect("JSON");
    app.deliver_webhook("returns/reopen", "r1", &body).await;
    app.run_jobs().await;
    app.get("/events?state=done")
        .await
        .assert_shows("the store has no such return any more");
}

async fn a_body_that_names_no_return_is_dead(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    let bodies = [
        json!({ "status": "open" }),
        json!({ "id": 5, "line_items": [] }),
        json!({ "id": 5, "refund_line_items": [] }),
    ];
    for (nth, body) in bodies.iter().enumerate() {
        let body = serde_json::to_vec(body).expect("JSON");
        let id = format!("r{nth}");
        app.deliver_webhook("returns/approve", &id, &body).await;
    }
    app.run_jobs().await;
    let dead = app.read(counterfoil::platform::queue::queries::count_dead);
    assert_eq!(dead, 3);
    app.get("/events?state=dead")
        .await
        .assert_shows("it names no return");
}

async fn shipped(kind: Kind) -> Story {
    let story = Story::ready(kind, OrderKind::SeveralLines).await;
    story.ship_all("1Z1").expect("it ships");
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::Shipped);
    story
}

async fn step(story: &Story, what: &Returning) {
    let done = story.app.practice.return_order(story.placed.id, what);
    assert!(done, "{what:?}");
    story.app.run_jobs().await;
}

/// The store's id and the quantity of every line that ships.
fn pieces(story: &Story) -> Vec<(u64, i64)> {
    let lines = story
        .app
        .read(|conn| orders::queries::list_lines(conn, story.order));
    let ships = lines.into_iter().filter(|row| row.facts.ships);
    ships
        .map(|row| {
            let id = row.facts.external_id.parse().expect("a number");
            (id, row.facts.current_quantity)
        })
        .collect()
}

fn on_hand(story: &Story) -> i64 {
    let rows = story
        .app
        .read(|conn| levels::list_placed(conn, None, None, 0, 1000));
    rows.iter().map(|row| row.level.on_hand).sum()
}

async fn page(story: &Story) -> Page {
    story.app.get(&format!("/orders/{}", story.order)).await
}
