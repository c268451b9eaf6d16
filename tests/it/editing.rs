//! Orders that are edited in the store: by themselves while nothing has left, by a person's decision afterwards.

use std::collections::BTreeMap;

use counterfoil::erp::holds::{self, HoldKind};
use counterfoil::erp::orders::edits::{self, Decision, EditState};
use counterfoil::erp::orders::queries::edits as rows;
use counterfoil::erp::orders::{self, OrderError, WorkState};
use counterfoil::erp::shipping::ShipError;
use counterfoil::erp::users::roles::Role;
use counterfoil::practice::{OrderEdit, OrderKind};

use crate::shipping::Story;
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::Page;

both_databases!(
    an_edit_applies_by_itself_while_nothing_has_left,
    an_edit_asks_once_something_has_left,
    what_was_rejected_stays_as_it_was_and_does_not_ask_again,
    each_line_needs_a_decision,
    a_decision_on_an_older_order_is_refused,
    an_edit_that_the_store_takes_back_asks_no_more,
    an_address_that_changes_half_way_asks,
    a_line_added_to_a_shipped_order_is_shipped_once_accepted,
    a_cancellation_needs_no_decision,
);

async fn an_edit_applies_by_itself_while_nothing_has_left(kind: Kind) {
    let story = Story::ready(kind, OrderKind::SeveralLines).await;
    let before: i64 = open(&story);
    add(&story, &OrderEdit::AddPiece).await;
    assert_eq!(open(&story), before + 1);
    assert_eq!(story.state(), WorkState::Ready);
    assert!(holds_of(&story).is_empty());
    let page = page(&story).await;
    page.assert_shows("Edits")
        .assert_shows("1 piece more to ship")
        .assert_lacks("waits for a decision");
    story.edit(&OrderEdit::RemovePiece);
    story.app.run_jobs().await;
    assert_eq!(open(&story), before);
    self::page(&story)
        .await
        .assert_shows("stock of 1 piece is free again")
        .assert_shows("the customer pays less");
    story.assert_stock_adds_up();
}

async fn an_edit_asks_once_something_has_left(kind: Kind) {
    let story = part_shipped(kind).await;
    let before = story.open_lines();
    add(&story, &OrderEdit::AddPiece).await;
    // Nothing is changed, and nothing leaves, until somebody decides.
    assert_eq!(story.state(), WorkState::NeedsReview);
    assert_eq!(story.open_lines(), before);
    assert_eq!(holds_of(&story), [HoldKind::Edit]);
    let refused = story.ship("rest", &before, "1Z2");
    assert!(matches!(refused, Err(ShipError::NotShippable(_))));
    let page = page(&story).await;
    page.assert_shows("Needs review")
        .assert_shows("waits for a decision");
    assert_eq!(
        page.count("form[action*='/hold/release'] input[name='hold']"),
        0
    );
    let review = story.app.get(&page.link("Review the edit")).await;
    review
        .assert_shows("1 piece more reserved and to ship")
        .assert_shows("Stays here as it was shipped");
    let form = review.form("form.form");
    let edit = pending(&story).remove(0);
    let form = form.fill(&format!("decision-{edit}"), "accept");
    let done = story.app.owner().submit(form).await;
    done.assert_shows("The edit is decided")
        .assert_shows("Edit decided: 1 accepted");
    assert_eq!(story.state(), WorkState::PartShipped);
    assert!(holds_of(&story).is_empty());
    let pieces = |lines: &[(counterfoil::types::OrderLineId, i64)]| -> i64 {
        lines.iter().map(|(_line, left)| left).sum()
    };
    assert_eq!(pieces(&story.open_lines()), pieces(&before) + 1);
    story.assert_stock_adds_up();
    // Told again by another topic and in another order: nobody is asked twice.
    story.edit(&OrderEdit::Note("Ring twice".to_owned()));
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::PartShipped);
    story
        .ship("rest", &story.open_lines(), "1Z2")
        .expect("it ships");
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::Shipped);
}

async fn what_was_rejected_stays_as_it_was_and_does_not_ask_again(kind: Kind) {
    let story = part_shipped(kind).await;
    let before = story.open_lines();
    story.edit(&OrderEdit::RemovePiece);
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::NeedsReview);
    decide(&story, Decision::Reject);
    assert_eq!(story.state(), WorkState::PartShipped);
    assert_eq!(story.open_lines(), before);
    let page = page(&story).await;
    page.assert_shows("The store differs from us")
        .assert_shows("Its edit was rejected");
    page.assert_shows("Edit decided: 1 rejected");
    // The same edit inside another change, and a replay of it.
    story.edit(&OrderEdit::Note("Ring twice".to_owned()));
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::PartShipped);
    assert_eq!(story.open_lines(), before);
    assert_eq!(states(&story), [EditState::Rejected]);
    story.assert_stock_adds_up();
    // Another edit of the same order asks anew.
    story.edit(&OrderEdit::AddLine);
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::NeedsReview);
}

async fn each_line_needs_a_decision(kind: Kind) {
    let story = part_shipped(kind).await;
    story.edit(&OrderEdit::AddLine);
    story.edit(&OrderEdit::RemovePiece);
    story.app.run_jobs().await;
    let edits = pending(&story);
    assert_eq!(edits.len(), 2);
    let review = review(&story).await;
    let form = review
        .form("form.form")
        .fill(&format!("decision-{}", edits[0]), "reject");
    let refused = story.app.owner().submit(form).await;
    refused
        .assert_status(422)
        .assert_shows("Nothing was decided")
        .assert_shows("Choose whether this is accepted or rejected");
    // What was chosen is still chosen.
    let chosen = format!(
        "input[name='decision-{}'][value='reject'][checked]",
        edits[0]
    );
    assert_eq!(refused.count(&chosen), 1);
    assert_eq!(pending(&story), edits);
    let viewer = story.app.signed_in(Role::Viewer).await;
    let path = format!("/orders/{}/edits/{}", story.order, version(&story));
    viewer
        .get(&path)
        .await
        .assert_shows("Nothing is changed here until you decide")
        .assert_lacks("Save decisions");
}

async fn a_decision_on_an_older_order_is_refused(kind: Kind) {
    let story = part_shipped(kind).await;
    story.edit(&OrderEdit::AddPiece);
    story.app.run_jobs().await;
    let edit = pending(&story).remove(0);
    let form = review(&story).await.form("form.form");
    story.edit(&OrderEdit::AddPiece);
    story.app.run_jobs().await;
    // The second edit took the place of the first.
    let newer = pending(&story);
    assert_eq!(newer.len(), 1);
    assert_ne!(newer[0], edit);
    let form = form.fill(&format!("decision-{}", newer[0]), "accept");
    let refused = story.app.owner().submit(form).await;
    refused
        .assert_status(409)
        .assert_shows("The order has changed since this page was made");
    assert_eq!(pending(&story), newer);
}

async fn an_edit_that_the_store_takes_back_asks_no_more(kind: Kind) {
    let story = part_shipped(kind).await;
    let before = story.open_lines();
    let last = story.app.order(&story.placed.name).version;
    story.edit(&OrderEdit::Address1("9 Moved House Rd".to_owned()));
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::NeedsReview);
    let old = story.app.order(&story.placed.name).facts.shipping_address;
    let street = orders::address(old.as_deref()).address1.expect("a street");
    story.edit(&OrderEdit::Address1(street));
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::PartShipped);
    assert!(holds_of(&story).is_empty());
    assert_eq!(states(&story), [EditState::Withdrawn]);
    assert_eq!(story.open_lines(), before);
    assert!(story.app.order(&story.placed.name).version > last);
}

async fn an_address_that_changes_half_way_asks(kind: Kind) {
    let story = part_shipped(kind).await;
    let street = || {
        let address = story.app.order(&story.placed.name).facts.shipping_address;
        orders::address(address.as_deref()).address1
    };
    let before = street();
    story.edit(&OrderEdit::Address1("9 Moved House Rd".to_owned()));
    story.app.run_jobs().await;
    assert_eq!(street(), before);
    review(&story)
        .await
        .assert_shows("9 Moved House Rd")
        .assert_shows("the rest goes to the new one");
    decide(&story, Decision::Accept);
    assert_eq!(street().as_deref(), Some("9 Moved House Rd"));
    assert_eq!(story.state(), WorkState::PartShipped);
}

async fn a_line_added_to_a_shipped_order_is_shipped_once_accepted(kind: Kind) {
    let story = Story::ready(kind, OrderKind::SeveralLines).await;
    story.ship_all("1Z1").expect("it ships");
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::Shipped);
    add(&story, &OrderEdit::AddLine).await;
    assert_eq!(story.state(), WorkState::NeedsReview);
    assert_eq!(story.open_lines(), []);
    story.map_and_stock();
    decide(&story, Decision::Accept);
    assert_eq!(story.state(), WorkState::PartShipped);
    let added = story.open_lines();
    assert_eq!(added.len(), 1);
    story.ship("more", &added, "1Z2").expect("it ships");
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::Shipped);
    assert_eq!(story.fulfillments().len(), 2);
    story.assert_stock_adds_up();
}

async fn a_cancellation_needs_no_decision(kind: Kind) {
    let story = part_shipped(kind).await;
    story.edit(&OrderEdit::AddPiece);
    story.app.run_jobs().await;
    let body = story.last_webhook("orders/updated");
    let mut order: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    order["cancelled_at"] = order["updated_at"].clone();
    order["cancel_reason"] = "customer".into();
    order["updated_at"] = "2030-01-01T00:00:00Z".into();
    let body = serde_json::to_vec(&order).expect("JSON");
    story
        .app
        .deliver_webhook("orders/cancelled", "c1", &body)
        .await;
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::Cancelled);
    story.assert_stock_adds_up();
    // Half of it is on its way: the page says so, and what to do.
    page(&story)
        .await
        .assert_shows("left before it was cancelled");
}

/// One line has left, the others are still to ship.
async fn part_shipped(kind: Kind) -> Story {
    let story = Story::ready(kind, OrderKind::SeveralLines).await;
    let lines = story.open_lines();
    story.ship("first", &lines[..1], "1Z1").expect("it ships");
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::PartShipped);
    story
}

/// What is added is paid for as well: else the order would wait for its money.
async fn add(story: &Story, edit: &OrderEdit) {
    story.edit(edit);
    assert!(story.app.practice.pay_order(story.placed.id));
    story.app.run_jobs().await;
}

fn open(story: &Story) -> i64 {
    story.open_lines().iter().map(|(_line, left)| left).sum()
}

fn holds_of(story: &Story) -> Vec<HoldKind> {
    let open = story
        .app
        .read(|conn| holds::queries::list_open(conn, story.order));
    open.into_iter().map(|hold| hold.kind).collect()
}

fn states(story: &Story) -> Vec<EditState> {
    let all = story.app.read(|conn| rows::list(conn, story.order));
    all.into_iter().map(|row| row.state).collect()
}

fn pending(story: &Story) -> Vec<i64> {
    let all = story.app.read(|conn| rows::list(conn, story.order));
    let waits = all
        .into_iter()
        .filter(|row| row.state == EditState::Pending);
    waits.map(|row| row.id).collect()
}

fn version(story: &Story) -> i64 {
    let all = story.app.read(|conn| rows::list(conn, story.order));
    all.last().expect("an edit").version
}

/// As a person decides it on the review page, all alike.
fn decide(story: &Story, decision: Decision) {
    let seen = story.app.order(&story.placed.name).version;
    let all: BTreeMap<i64, Decision> = pending(story)
        .into_iter()
        .map(|edit| (edit, decision))
        .collect();
    let now = story.app.clock.now();
    let done: Result<(), OrderError> = story
        .app
        .db()
        .write_here(|conn| edits::decide(conn, story.order, seen, &all, None, now));
    done.expect("it is decided");
}

async fn page(story: &Story) -> Page {
    story.app.get(&format!("/orders/{}", story.order)).await
}

async fn review(story: &Story) -> Page {
    let path = format!("/orders/{}/edits/{}", story.order, version(story));
    story.app.get(&path).await
}
