//! Money and goods given back: each refund once, its pieces where they belong, its money as the store says it.

use counterfoil::erp::holds::HoldKind;
use counterfoil::erp::orders::WorkState;
use counterfoil::erp::orders::incoming::PaymentState;
use counterfoil::erp::stock::queries as levels;
use counterfoil::erp::users::tokens::{self, Scope};
use counterfoil::erp::{holds, orders, shipping};
use counterfoil::platform::queue::Status;
use counterfoil::practice::{Giving, Handling, OrderKind, Restocking};
use counterfoil::types::OrderLineId;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::shipping::Story;
use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::http_client;

both_databases!(
    pieces_that_come_back_lie_on_the_shelf_once,
    pieces_that_had_not_left_are_not_sent_any_more,
    a_refund_without_its_goods_moves_no_stock,
    of_a_part_shipped_order_the_rest_stays_to_ship,
    an_order_that_came_back_whole_is_returned,
    shipping_and_an_amount_alone_are_given_back,
    money_on_its_way_arrives_later,
    a_store_may_leave_our_shelves_alone,
    no_more_comes_back_than_had_left,
    what_came_back_is_not_put_back_again_by_undoing_its_shipment,
    a_refund_before_its_order_is_brought_by_it,
    the_amounts_are_those_of_the_pairs_and_never_the_floats,
    a_body_of_another_kind_is_no_refund,
    an_authorisation_that_was_given_up_holds_the_order,
);

async fn pieces_that_come_back_lie_on_the_shelf_once(kind: Kind) {
    let story = shipped(kind).await;
    let before = story.on_hand();
    let line = story.line_item(0);
    story.give(&Giving {
        pieces: vec![(line, 1)],
        restock: Restocking::Return,
        note: Some("Too bitter".to_owned()),
        ..Giving::default()
    });
    // Once by itself and once in its order.
    story.inner.app.run_jobs().await;
    assert_eq!(story.on_hand(), before + 1);
    story.inner.assert_stock_adds_up();
    // The same message under another id, and its order's once more.
    for topic in ["refunds/create", "orders/updated"] {
        let body = story.inner.last_webhook(topic);
        let app = &story.inner.app;
        app.deliver_webhook(topic, &format!("again-{topic}"), body.as_bytes())
            .await;
    }
    story.inner.app.run_jobs().await;
    assert_eq!(story.on_hand(), before + 1);
    story.inner.assert_stock_adds_up();

    let page = story.page().await;
    page.assert_shows("Too bitter")
        .assert_shows("1 back on hand at")
        .assert_shows("Paid back");
    assert_eq!(page.count("#h-refunds"), 1);
    let order = story.api().await;
    let refund = &order["refunds"][0];
    assert_eq!(order["refunds"].as_array().map(Vec::len), Some(1));
    assert_eq!(refund["lines"][0]["restock"], "return");
    assert_eq!(refund["lines"][0]["restocked_quantity"], 1);
    assert_eq!(refund["lines"][0]["shopify_line_item_id"], line.to_string());
    assert_eq!(refund["transactions"][0]["state"], "success");
    assert_eq!(order["payment_state"], "partially_refunded");
}

async fn what_came_back_is_not_put_back_again_by_undoing_its_shipment(kind: Kind) {
    let story = shipped(kind).await;
    let line = story.line_item(0);
    story.give(&Giving {
        pieces: vec![(line, 1)],
        restock: Restocking::Return,
        ..Giving::default()
    });
    story.inner.app.run_jobs().await;
    let before = story.on_hand();
    let app = &story.inner.app;
    let sent = app.read(|conn| shipping::queries::list_of_order(conn, story.inner.order));
    let now = app.clock.now();
    let undone = app
        .db()
        .write_here(|conn| shipping::undo(conn, sent[0].0.id, None, now));
    let refused = undone.expect_err("it came back");
    assert!(
        refused.to_string().contains("on the shelf twice"),
        "{refused}"
    );
    assert_eq!(story.on_hand(), before);
    story.inner.assert_stock_adds_up();
}

async fn pieces_that_had_not_left_are_not_sent_any_more(kind: Kind) {
    let inner = Story::ready(kind, OrderKind::SeveralLines).await;
    let told = Refunding { inner };
    let (before, promised) = (told.on_hand(), told.promised());
    told.give(&Giving {
        pieces: vec![(told.line_item(0), 1)],
        restock: Restocking::Cancel,
        ..Giving::default()
    });
    told.inner.app.run_jobs().await;
    assert_eq!(told.on_hand(), before);
    assert_eq!(told.promised(), promised - 1);
    assert_eq!(told.inner.state(), WorkState::Ready);
    told.inner.assert_stock_adds_up();
    told.page().await.assert_shows("not sent any more");
}

async fn a_refund_without_its_goods_moves_no_stock(kind: Kind) {
    let story = shipped(kind).await;
    let before = story.on_hand();
    story.give(&Giving {
        pieces: vec![(story.line_item(0), 1)],
        ..Giving::default()
    });
    story.inner.app.run_jobs().await;
    assert_eq!(story.on_hand(), before);
    assert_eq!(story.inner.state(), WorkState::Shipped);
    story.page().await.assert_shows("not put back in stock");
}

async fn of_a_part_shipped_order_the_rest_stays_to_ship(kind: Kind) {
    let inner = Story::ready(kind, OrderKind::SeveralLines).await;
    let lines = inner.open_lines();
    let (first, rest) = lines.split_first().expect("lines");
    inner.ship("first", &[*first], "1Z1").expect("it ships");
    inner.app.run_jobs().await;
    let story = Refunding { inner };
    story.give(&Giving {
        pieces: vec![(story.line_item_of(first.0), first.1)],
        restock: Restocking::Return,
        ..Giving::default()
    });
    story.inner.app.run_jobs().await;
    // What came back is not to be sent again; the rest still is.
    assert_eq!(story.inner.state(), WorkState::PartShipped);
    assert_eq!(story.inner.open_lines(), rest);
    story.inner.assert_stock_adds_up();
    story.inner.ship("rest", rest, "1Z2").expect("it ships");
    story.inner.app.run_jobs().await;
    assert_eq!(story.inner.state(), WorkState::Shipped);
}

async fn an_order_that_came_back_whole_is_returned(kind: Kind) {
    let story = shipped(kind).await;
    let pieces = story.pieces();
    story.give(&Giving {
        pieces,
        restock: Restocking::Return,
        shipping: true,
        ..Giving::default()
    });
    story.inner.app.run_jobs().await;
    assert_eq!(story.inner.state(), WorkState::Returned);
    let order = story.order();
    assert_eq!(order.facts.payment_state, PaymentState::Refunded);
    assert_eq!(order.facts.current_total_minor, 0);
    story.page().await.assert_shows("Returned");
    story.inner.assert_stock_adds_up();
}

async fn shipping_and_an_amount_alone_are_given_back(kind: Kind) {
    let inner = Story::ready(kind, OrderKind::Euro).await;
    let story = Refunding { inner };
    let before = story.order();
    story.give(&Giving {
        shipping: true,
        ..Giving::default()
    });
    story.give(&Giving {
        cents: Some(300),
        note: Some("For the trouble".to_owned()),
        ..Giving::default()
    });
    story.inner.app.run_jobs().await;
    let order = story.api().await;
    let charges = |nth: usize| order["refunds"][nth]["charges"][0].clone();
    assert_eq!(charges(0)["kind"], "shipping");
    assert_eq!(
        charges(0)["amount"],
        json!({ "amount": "14.90", "currency": "USD" })
    );
    // 0.92 euros a dollar: 13.708.
    assert_eq!(
        charges(0)["presentment_amount"],
        json!({ "amount": "13.71", "currency": "EUR" })
    );
    assert_eq!(charges(1)["kind"], "adjustment");
    assert_eq!(charges(1)["amount"]["amount"], "3.00");
    assert_eq!(charges(1)["presentment_amount"]["amount"], "2.76");
    let paid = &order["refunds"][1]["transactions"][0];
    assert_eq!(
        paid["amount"],
        json!({ "amount": "2.76", "currency": "EUR" })
    );
    let after = story.order();
    assert_eq!(
        after.facts.current_total_minor,
        before.facts.current_total_minor - 1490 - 300
    );
    assert_eq!(after.facts.total_minor, before.facts.total_minor);
    assert_eq!(after.work_state, WorkState::Ready);
    story
        .page()
        .await
        .assert_shows("€13.71")
        .assert_shows("For the trouble");
}

async fn money_on_its_way_arrives_later(kind: Kind) {
    let story = shipped(kind).await;
    story.give(&Giving {
        pieces: vec![(story.line_item(0), 1)],
        pending: true,
        ..Giving::default()
    });
    story.inner.app.run_jobs().await;
    assert_eq!(story.order().facts.payment_state, PaymentState::Paid);
    story.page().await.assert_shows("On its way");
    let told = story.api().await;
    assert_eq!(told["refunds"][0]["transactions"][0]["state"], "pending");
    let id = story.inner.placed.id;
    assert!(story.inner.app.practice.settle_refunds(id));
    story.inner.app.run_jobs().await;
    let order = story.api().await;
    assert_eq!(order["refunds"].as_array().map(Vec::len), Some(1));
    assert_eq!(order["refunds"][0]["transactions"][0]["state"], "success");
    assert_eq!(order["payment_state"], "partially_refunded");
    story
        .page()
        .await
        .assert_shows("Paid back")
        .assert_lacks("On its way");
}

async fn a_store_may_leave_our_shelves_alone(kind: Kind) {
    let story = shipped(kind).await;
    let before = story.on_hand();
    let settings = "/integrations/shopify/1/settings";
    let page = story.inner.app.get(settings).await;
    let form = page.form("form.form").without("restock_returns");
    let saved = story.inner.app.owner().submit(form).await;
    saved.assert_shows("Settings saved");
    story.give(&Giving {
        pieces: vec![(story.line_item(0), 1)],
        restock: Restocking::Return,
        ..Giving::default()
    });
    story.inner.app.run_jobs().await;
    assert_eq!(story.on_hand(), before);
    story.page().await.assert_shows("our stock was left alone");
}

/// What others sent from our shelves comes back to them, and nothing beside it.
async fn no_more_comes_back_than_had_left(kind: Kind) {
    let inner = Story::ready(kind, OrderKind::SeveralLines).await;
    let story = Refunding { inner };
    let before = story.on_hand();
    let id = story.inner.placed.id;
    assert!(story.inner.app.practice.fulfill_elsewhere(id));
    story.inner.app.run_jobs().await;
    assert_eq!(story.inner.state(), WorkState::ShippedByOthers);
    let pieces = story.pieces();
    story.give(&Giving {
        pieces,
        restock: Restocking::Return,
        ..Giving::default()
    });
    story.inner.app.run_jobs().await;
    assert_eq!(story.on_hand(), before);
    assert_eq!(story.inner.state(), WorkState::Returned);
    story.inner.assert_stock_adds_up();

    // A second refund says that the same pieces came back once more: more than had left.
    let body = story.inner.last_webhook("refunds/create");
    let mut again: Value = serde_json::from_str(&body).expect("JSON");
    again["id"] = json!(77_001);
    again["admin_graphql_api_id"] = json!("gid://shopify/Refund/77001");
    again["transactions"] = json!([]);
    for (line, id) in again["refund_line_items"]
        .as_array_mut()
        .expect("lines")
        .iter_mut()
        .zip(77_002..)
    {
        line["id"] = json!(id);
    }
    deliver(&story.inner.app, "refunds/create", "r2", &again).await;
    story.inner.app.run_jobs().await;
    assert_eq!(story.on_hand(), before);
    let refunds = story.api().await["refunds"].clone();
    assert_eq!(refunds.as_array().map(Vec::len), Some(2));
    story.inner.assert_stock_adds_up();
}

async fn a_refund_before_its_order_is_brought_by_it(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let refund = sample("refunds_create.json");
    deliver(&app, "refunds/create", "r1", &refund).await;
    app.run_jobs().await;
    let list = app.get("/events?state=done").await;
    list.assert_shows("its order is not here yet: it brings this refund with it");
    let mut order = sample("orders_create.json");
    order["refunds"] = json!([refund]);
    deliver(&app, "orders/updated", "o1", &order).await;
    app.run_jobs().await;
    let id = app.orders().remove(0).id;
    app.get(&format!("/orders/{id}"))
        .await
        .assert_shows("broken");
}

async fn the_amounts_are_those_of_the_pairs_and_never_the_floats(kind: Kind) {
    let app = TestApp::connected(kind).await;
    deliver(&app, "orders/create", "o1", &sample("orders_create.json")).await;
    let mut refund = sample("refunds_create.json");
    // 0.1 + 0.2 as such a program would write it.
    let line = &mut refund["refund_line_items"][0];
    line["subtotal"] = serde_json::from_str("17.990000000000002").expect("a number");
    line["total_tax"] = serde_json::from_str("1e300").expect("a number");
    deliver(&app, "refunds/create", "r1", &refund).await;
    app.run_jobs().await;
    let order = app.orders().remove(0);
    let page = app.get(&format!("/orders/{}", order.id)).await;
    page.assert_shows("€17.99").assert_shows("1 × Shirt");
}

async fn a_body_of_another_kind_is_no_refund(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    let order = sample("orders_create.json");
    deliver(&app, "refunds/create", "r1", &order).await;
    let nameless = json!({ "id": 5, "refund_line_items": [] });
    deliver(&app, "refunds/create", "r2", &nameless).await;
    let other = json!({ "id": 5, "order_id": 7, "line_items": [] });
    deliver(&app, "refunds/create", "r3", &other).await;
    app.run_jobs().await;
    let list = app.get("/events?state=dead").await;
    list.assert_shows("order_id: it is missing")
        .assert_shows("this is the body of another topic");
    let dead = app.read(counterfoil::platform::queue::queries::count_dead);
    assert_eq!(dead, 3, "{:?}", Status::Dead);
}

async fn an_authorisation_that_was_given_up_holds_the_order(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.alter("UPDATE shopify_shops SET order_status_filter = 'authorized'");
    app.counterfoil.connector.directory.forget();
    let placed = app.practice.place_order(OrderKind::Authorized);
    let id = placed.id;
    // What Shopify thinks of its risk is another story.
    assert!(app.practice.handle_order(id, Handling::LowerRisk));
    app.run_jobs().await;
    let order = app.order(&placed.name).id;
    let inner = Story { app, placed, order };
    inner.map_and_stock();
    assert_eq!(inner.state(), WorkState::Ready);
    let story = Refunding { inner };
    assert!(story.inner.app.practice.void_order(id));
    story.inner.app.run_jobs().await;
    let order = story.order();
    assert_eq!(order.facts.payment_state, PaymentState::Voided);
    assert_eq!(order.work_state, WorkState::OnHold);
    let held = story
        .inner
        .app
        .read(|conn| holds::queries::list_open(conn, order.id));
    assert_eq!(held[0].kind, HoldKind::Unpaid);
    let refused = story.inner.ship_all("1Z1");
    assert!(
        matches!(refused, Err(shipping::ShipError::NotShippable(_))),
        "{refused:?}"
    );
}

/// An order of the practice store with what is asked of it here.
struct Refunding {
    inner: Story,
}

/// Shipped whole, and the store knows it.
async fn shipped(kind: Kind) -> Refunding {
    let inner = Story::ready(kind, OrderKind::SeveralLines).await;
    inner.ship_all("1Z999").expect("it ships");
    inner.app.run_jobs().await;
    Refunding { inner }
}

impl Refunding {
    #[track_caller]
    fn give(&self, wanted: &Giving) {
        let id = self.inner.placed.id;
        assert!(self.inner.app.practice.give_back(id, wanted), "{wanted:?}");
    }

    fn order(&self) -> orders::queries::OrderRow {
        self.inner.app.order(&self.inner.placed.name)
    }

    /// The store's id of the order's nth line.
    fn line_item(&self, nth: usize) -> u64 {
        self.pieces()[nth].0
    }

    fn line_item_of(&self, line: OrderLineId) -> u64 {
        let order = self.inner.order;
        let lines = self
            .inner
            .app
            .read(|conn| orders::queries::list_lines(conn, order));
        let found = lines
            .into_iter()
            .find(|row| row.id == line)
            .expect("a line");
        found.facts.external_id.parse().expect("a number")
    }

    /// Every line that ships with its quantity.
    fn pieces(&self) -> Vec<(u64, i64)> {
        let order = self.inner.order;
        let lines = self
            .inner
            .app
            .read(|conn| orders::queries::list_lines(conn, order));
        let ships = lines.into_iter().filter(|row| row.facts.ships);
        ships
            .map(|row| {
                let id = row.facts.external_id.parse().expect("a number");
                (id, row.facts.current_quantity)
            })
            .collect()
    }

    /// Everything that lies anywhere.
    fn on_hand(&self) -> i64 {
        self.levels().map(|row| row.level.on_hand).sum()
    }

    fn promised(&self) -> i64 {
        self.levels().map(|row| row.level.reserved).sum()
    }

    fn levels(&self) -> impl Iterator<Item = levels::PlacedRow> {
        let rows = self
            .inner
            .app
            .read(|conn| levels::list_placed(conn, None, None, 0, 1000));
        rows.into_iter()
    }

    async fn page(&self) -> crate::support::visitor::Page {
        let path = format!("/orders/{}", self.inner.order);
        self.inner.app.get(&path).await
    }

    async fn api(&self) -> Value {
        let app = &self.inner.app;
        let now = app.clock.now();
        let random = uuid::Uuid::now_v7().simple().to_string().repeat(2);
        let token = app
            .db()
            .write_here(|conn| tokens::create(conn, "reader", Scope::Read, &random, now))
            .expect("a token");
        let public = self.order().public_id;
        let answer = http_client(Policy::none())
            .get(format!("{}/api/main/orders/{public}", app.url))
            .bearer_auth(token)
            .send()
            .await
            .expect("an answer");
        answer.json().await.expect("JSON")
    }
}

fn sample(name: &str) -> Value {
    let text = std::fs::read_to_string(format!("tests/fixtures/shopify/{name}"));
    serde_json::from_str(&text.expect("the sample")).expect("JSON")
}

async fn deliver(app: &TestApp, topic: &str, id: &str, body: &Value) {
    let body = serde_json::to_vec(body).expect("JSON");
    let answer = app.deliver_webhook(topic, id, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}
