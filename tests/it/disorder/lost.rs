//! What is lost on the way is asked for: whatever of an order's messages came, in whatever order and however often, once the
//! whole order was fetched the house stands as if every message had come in its turn.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use counterfoil::platform::queue::Outcome;
use counterfoil::practice::{Misbehaviour, OrderEdit, OrderKind, WebhookDelivery};
use counterfoil::shopify::apply::fetched::apply_fetched;
use counterfoil::shopify::orders::fetch::{self, Fetched};
use counterfoil::shopify::{Haste, shops};
use reqwest::redirect::Policy;

use super::assert_equal;
use super::tables::{STANDING, rows};
use crate::support::app::{SHOP, TestApp, signature};
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::dice::{Dice, number, seed};
use crate::support::http_client;

both_databases!(what_was_lost_is_made_good_by_asking_for_the_whole_order);

const ORDERS: usize = 12;
const MOST_ACTIONS: usize = 6;
/// Of a hundred messages so many are lost, come twice, or come after the order was fetched.
const LOST: u64 = 40;
const TWICE: u64 = 20;
const LATE: u64 = 20;
const LARGEST_HEAP: usize = 6;

async fn what_was_lost_is_made_good_by_asking_for_the_whole_order(kind: Kind) {
    let (tellings, seed) = (number("COUNTERFOIL_TELLINGS", 1), seed());
    println!("proof: {ORDERS} orders lose messages and are fetched, {tellings} times, seed {seed}");
    for telling in 0..tellings {
        lose_and_fetch(kind, &mut Dice::of(seed.wrapping_add(telling))).await;
    }
}

async fn lose_and_fetch(kind: Kind, dice: &mut Dice) {
    let in_turn = TestApp::connected(kind).await;
    let with_holes = in_turn.connected_to_the_same_store(kind).await;
    // Nothing arrives by itself.
    in_turn
        .practice
        .misbehave(Misbehaviour::DropWebhooks, u32::MAX);
    let orders: Vec<u64> = (0..ORDERS).map(|_| live(&in_turn, dice)).collect();
    let told = told(&in_turn);
    // Asked one after the other: a store answers only so much a minute.
    let mut fetched = Vec::new();
    for order in orders {
        in_turn.clock.advance(Duration::from_secs(20));
        fetched.push(ask(&with_holes, order).await);
    }
    in_turn.clock.advance(Duration::from_secs(600));

    for message in &told {
        deliver(&in_turn, message, "").await;
        in_turn.run_jobs().await;
    }

    let (came, late) = with_losses(&told, dice);
    tell_in_heaps(&with_holes, &came, dice).await;
    for order in &fetched {
        book(&with_holes, order).await;
    }
    tell_in_heaps(&with_holes, &late, dice).await;

    let (one, other) = (standing(&in_turn, kind), standing(&with_holes, kind));
    assert_equal("once it was fetched", &one, &other);
}

/// An order is placed, and a few things happen to it, seconds or less apart.
fn live(app: &TestApp, dice: &mut Dice) -> u64 {
    let store = &app.practice;
    let order = store
        .place_order(OrderKind::ALL[dice.place(OrderKind::ALL.len())])
        .id;
    for number in 0..dice.place(MOST_ACTIONS + 1) {
        let millis = [200, 1000, 2500][dice.place(3)];
        app.clock.advance(Duration::from_millis(millis));
        // What cannot happen any more does not.
        let _happened: bool = match dice.place(8) {
            0 => store.pay_order(order),
            1 => store.cancel_order(order),
            2 => store.refund_order(order),
            3 => store.fulfill_elsewhere(order),
            4 => store.edit_order(order, &OrderEdit::AddLine),
            5 => store.edit_order(order, &OrderEdit::RemovePiece),
            6 => store.edit_order(order, &OrderEdit::Note(format!("note {number}"))),
            _ => store.edit_order(order, &OrderEdit::Address1(format!("Weg {number}"))),
        };
    }
    app.clock.advance(Duration::from_secs(1));
    order
}

/// Everything that the store told of its orders, in its turn: once, whichever house it was told to.
fn told(app: &TestApp) -> Vec<WebhookDelivery> {
    let mut told = app.practice.deliveries();
    let mut heard = BTreeSet::new();
    told.retain(|it| {
        let once = heard.insert((it.event_id.clone(), it.topic.clone()));
        once && it.topic.starts_with("orders/")
    });
    assert!(!told.is_empty(), "the store told nothing");
    told
}

/// A delivery, and what its id has behind it when it comes again.
type Telling = (WebhookDelivery, &'static str);

/// What comes, in any order and some of it twice, and what comes after the order was fetched.
fn with_losses(told: &[WebhookDelivery], dice: &mut Dice) -> (Vec<Telling>, Vec<Telling>) {
    let (mut came, mut late) = (Vec::new(), Vec::new());
    for message in told {
        if dice.happens(LOST) {
            continue;
        }
        if dice.happens(LATE) {
            late.push((message.clone(), ""));
            continue;
        }
        came.push((message.clone(), ""));
        if dice.happens(TWICE) {
            came.push((message.clone(), "-again"));
        }
    }
    dice.shuffle(&mut came);
    dice.shuffle(&mut late);
    (came, late)
}

async fn tell_in_heaps(app: &TestApp, messages: &[Telling], dice: &mut Dice) {
    let mut rest = messages;
    while !rest.is_empty() {
        let (heap, left) = rest.split_at(rest.len().min(1 + dice.place(LARGEST_HEAP)));
        for (message, again) in heap {
            deliver(app, message, again).await;
        }
        app.run_jobs().await;
        rest = left;
    }
}

async fn deliver(app: &TestApp, message: &WebhookDelivery, again: &str) {
    let sent = http_client(Policy::none())
        .post(format!("{}/api/integrations/webhook/shopify", app.url))
        .header("Content-Type", "application/json")
        .header("X-Shopify-Topic", &message.topic)
        .header("X-Shopify-Shop-Domain", SHOP)
        .header(
            "X-Shopify-Webhook-Id",
            format!("{}{again}", message.webhook_id),
        )
        .header("X-Shopify-Event-Id", &message.event_id)
        .header("X-Shopify-Triggered-At", message.triggered_at.to_string())
        .header("X-Shopify-API-Version", "2026-10")
        .header("X-Shopify-Hmac-Sha256", signature(message.body.as_bytes()))
        .body(message.body.clone());
    let answer = sent.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

async fn ask(app: &TestApp, order: u64) -> Fetched {
    let cx = &app.counterfoil.connector;
    let shop = app.read(shops::list).remove(0);
    let fetched = fetch::whole(cx, shop.id, Haste::Now, &order.to_string()).await;
    fetched.expect("an answer").expect("the order")
}

async fn book(app: &TestApp, fetched: &Fetched) {
    let (now, shop) = (app.clock.now(), app.read(shops::list).remove(0));
    let booked = app
        .db()
        .write_here(|conn| apply_fetched(conn, &shop, fetched, "order", now));
    assert_eq!(booked.expect("booked"), Outcome::Done);
    app.run_jobs().await;
}

/// What stands, less where it came from.
fn standing(app: &TestApp, kind: Kind) -> BTreeMap<&'static str, Vec<String>> {
    let mut all = rows(app, kind, STANDING);
    all.remove("order_sources");
    for lines in all.values_mut() {
        for line in lines.iter_mut() {
            let kept = line.split(" | ").filter(|part| {
                !part.starts_with("source_digest=") && !part.starts_with("source_triggered_at=")
            });
            *line = kept.collect::<Vec<_>>().join(" | ");
        }
        lines.sort();
    }
    all
}
