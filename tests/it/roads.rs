//! Two roads, one order: what a webhook tells and what GraphQL answers are the same order here.

use std::time::Duration;

use counterfoil::erp::orders::IncomingOrder;
use counterfoil::practice::{Misbehaviour, OrderEdit, OrderKind};
use counterfoil::shopify::orders::fetch::{self, Fetched};
use counterfoil::shopify::orders::{self, Translated, graphql};
use counterfoil::shopify::{Haste, shops};
use counterfoil::types::At;
use serde_json::{Map, Value};

use crate::support::app::TestApp;
use crate::support::database::Kind;

/// How `Field::Absent` is written.
const ABSENT: &str = "\u{0}absent";

#[actix_web::test]
async fn a_fetched_order_is_the_order_that_its_webhook_told() {
    let app = TestApp::connected(Kind::Sqlite).await;
    for kind in OrderKind::ALL {
        let order = app.practice.place_order(kind);
        same_on_both_roads(&app, order.id).await;
        for edit in [OrderEdit::AddLine, OrderEdit::RemovePiece] {
            app.practice.edit_order(order.id, &edit);
        }
        same_on_both_roads(&app, order.id).await;
        app.practice.fulfill_elsewhere(order.id);
        app.practice.refund_order(order.id);
        same_on_both_roads(&app, order.id).await;
        app.practice.cancel_order(order.id);
        same_on_both_roads(&app, order.id).await;
    }
}

#[actix_web::test]
async fn an_order_longer_than_one_answer_is_read_to_its_end() {
    let app = TestApp::connected(Kind::Sqlite).await;
    let order = app.practice.place_order(OrderKind::DiscountCode);
    for _ in 0..70 {
        app.practice.edit_order(order.id, &OrderEdit::AddLine);
    }
    app.practice.fulfill_elsewhere(order.id);
    let fetched = same_on_both_roads(&app, order.id).await;
    assert!(fetched.node.line_items.nodes.len() > 70);
    let pages = app.practice.requests();
    let pages = pages.iter().filter(|asked| asked.operation == "Order");
    assert_eq!(pages.count(), 3, "20, 40 and the rest");
    // What is kept of it can be read again.
    let kept = graphql::read(&fetched.body()).expect("a node");
    assert_eq!(kept, fetched.node);
}

#[actix_web::test]
async fn an_order_that_is_not_there_is_none() {
    let app = TestApp::connected(Kind::Sqlite).await;
    assert!(fetched(&app, 404).await.is_none());
    app.practice.misbehave(Misbehaviour::Throttle, 1);
    let throttled = ask(&app, 404).await;
    assert!(throttled.is_err(), "the caller hears of it");
}

async fn same_on_both_roads(app: &TestApp, id: u64) -> Fetched {
    app.practice.deliver_pending().await;
    let told = app.practice.deliveries();
    let told = told.iter().rev().find(|it| {
        let of_order = it.topic.starts_with("orders/") && it.topic != "orders/edited";
        of_order && it.body.contains(&format!("\"id\":{id},"))
    });
    let body = &told.expect("a webhook of the order").body;
    let by_webhook = orders::translate(body.as_bytes(), At(0)).expect("an order");
    let fetched = fetched(app, id).await.expect("the order");
    let by_graphql =
        graphql::translate(&fetched.node, fetched.refunds.as_deref(), fetched.asked_at)
            .expect("an order");
    assert_same(&by_webhook, &by_graphql);
    // A webhook brings its refunds along, and so does what was asked for.
    let refunds = |told: &Translated| serde_json::to_value(&told.order.refunds).expect("JSON");
    assert_eq!(refunds(&by_webhook), refunds(&by_graphql));
    fetched
}

/// Less what one road cannot know.
pub(crate) fn assert_same(by_webhook: &Translated, by_graphql: &Translated) {
    let (one, other) = (&by_webhook.order, &by_graphql.order);
    assert_eq!(one.source_updated_at, other.source_updated_at);
    let (mut one, mut other) = (said(one), said(other));
    let unknown: Vec<String> = one
        .keys()
        .filter(|key| {
            one.get(*key) == Some(&ABSENT.into()) || other.get(*key) == Some(&ABSENT.into())
        })
        .cloned()
        .collect();
    for key in unknown {
        one.remove(&key);
        other.remove(&key);
    }
    for (key, value) in &one {
        assert_eq!(Some(value), other.get(key), "{key} of {}", one["name"]);
    }
    assert_eq!(one.len(), other.len());
    // Where parcels left from and how far they have come, `OrderStanding` tells beside it.
    let parcels = |told: &Translated| {
        let listed = told.fulfillments.clone()?.into_iter();
        let parcel = listed.map(|one| (one.gid, one.is_cancelled, one.lines));
        Some(parcel.collect::<Vec<_>>())
    };
    assert_eq!(parcels(by_webhook), parcels(by_graphql));
}

fn said(order: &IncomingOrder) -> Map<String, Value> {
    match serde_json::to_value(order) {
        Ok(Value::Object(said)) => said,
        other => panic!("an object: {other:?}"),
    }
}

async fn fetched(app: &TestApp, id: u64) -> Option<Fetched> {
    // A store answers only so much a minute.
    app.clock.advance(Duration::from_secs(30));
    ask(app, id).await.expect("an answer")
}

async fn ask(
    app: &TestApp,
    id: u64,
) -> Result<Option<Fetched>, counterfoil::shopify::client::ShopifyError> {
    let shop = app.read(shops::list).remove(0);
    let cx = &app.counterfoil.connector;
    fetch::whole(cx, shop.id, Haste::Now, &id.to_string()).await
}
