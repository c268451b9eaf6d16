//! What a webhook does not tell: Shopify is asked for it, and the order follows. Risk, holds, who ships what and when,
//! and what others have shipped.

use std::time::Duration;

use counterfoil::erp::locations;
use counterfoil::erp::orders::queries::checks;
use counterfoil::erp::orders::{self, WorkState};
use counterfoil::erp::stock::{self, queries as levels};
use counterfoil::erp::users::roles::Role;
use counterfoil::practice::{Handling, Misbehaviour, OrderEdit, OrderKind, PlacedOrder};

use crate::shipping::map_and_stock;
use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::{Page, Visitor};

both_databases!(
    a_new_order_is_checked_by_itself,
    while_shopify_is_away_an_order_waits_and_says_why,
    a_store_may_do_without_the_check,
    a_risky_order_waits_for_a_person_or_a_lower_risk,
    an_address_without_a_street_holds_the_order_until_it_is_corrected,
    a_hold_of_the_stores_staff_is_seen_here_and_released_there,
    our_hold_stands_in_the_store_too_and_is_released_by_its_id,
    a_hold_whose_answer_was_lost_is_placed_once,
    a_store_need_not_hear_of_our_holds,
    a_scheduled_order_is_ready_once_it_is_opened,
    an_order_that_is_fetched_waits_for_its_customer,
    an_order_that_a_driver_brings_is_ready,
    what_another_service_ships_is_not_ours,
    a_location_that_is_none_of_ours_ships_without_us_until_it_is_mapped,
    a_split_order_ships_whole,
    what_others_shipped_from_our_location_takes_its_stock,
    our_own_shipment_cancelled_in_the_store_is_undone_here,
    a_shipment_that_the_store_holds_back_says_what_to_do,
    an_order_that_the_store_does_not_show_says_so,
);

async fn a_new_order_is_checked_by_itself(kind: Kind) {
    let story = Story::of(kind, OrderKind::OneLine).await;
    assert_eq!(story.state(), WorkState::Ready);
    let page = story.page().await;
    page.assert_shows("Held by a check with the store")
        .assert_shows("No longer held by a check with the store")
        .assert_shows("Shipping, Express")
        .assert_lacks("Ship anyway");
    let place = story.app.read(locations::list).remove(0).name;
    assert!(page.texts("#in-store ~ dl dt").contains(&place));
    // Asked again by hand, it says the same.
    let asked = story.asked("OrderStanding");
    let form = page.form("form[action$='/refresh']");
    story.app.owner().submit(form).await;
    story.app.run_jobs().await;
    assert_eq!(story.asked("OrderStanding"), asked + 1);
    assert_eq!(story.state(), WorkState::Ready);
}

async fn while_shopify_is_away_an_order_waits_and_says_why(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.practice.misbehave(Misbehaviour::ServerError, 50);
    let story = Story::placed_in(app, OrderKind::OneLine).await;
    assert_eq!(story.state(), WorkState::OnHold);
    let page = story.page().await;
    page.assert_shows("Shopify could not be asked yet")
        .assert_shows("It is asked again by itself")
        .assert_shows("Ship anyway");
    // Whoever packs may not overrule it; whoever runs the warehouse may.
    let packer = story.app.signed_in(Role::Warehouse).await;
    let path = format!("/orders/{}", story.order());
    packer.get(&path).await.assert_lacks("Ship anyway");
    let operations = story.app.signed_in(Role::Operations).await;
    story.release_by(&operations).await;
    assert_eq!(story.state(), WorkState::Ready);
    // Back again, it is asked after all, and nothing is held a second time.
    story.app.practice.misbehave(Misbehaviour::ServerError, 0);
    story.app.pass(Duration::from_secs(3600)).await;
    assert_eq!(story.state(), WorkState::Ready);
    story.page().await.assert_lacks("could not be asked");
}

async fn a_store_may_do_without_the_check(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let settings = app.get("/integrations/shopify/1/settings").await;
    let form = settings.form("form.form").without("check_orders");
    app.owner().submit(form).await;
    app.practice.misbehave(Misbehaviour::ServerError, 50);
    let story = Story::placed_in(app, OrderKind::OneLine).await;
    assert_eq!(story.state(), WorkState::Ready);
    let page = story.app.get("/settings/audit").await;
    page.assert_shows("whether new orders wait for a check");
}

async fn a_risky_order_waits_for_a_person_or_a_lower_risk(kind: Kind) {
    let story = Story::of(kind, OrderKind::OneLine).await;
    story.handle(Handling::RaiseRisk).await;
    assert_eq!(story.state(), WorkState::NeedsReview);
    let page = story.page().await;
    page.assert_shows("The risk of fraud is high. Shopify would cancel it.");
    story.handle(Handling::LowerRisk).await;
    assert_eq!(story.state(), WorkState::Ready);
    story.handle(Handling::RaiseRisk).await;
    assert_eq!(story.state(), WorkState::NeedsReview);
    story.release_by(story.app.owner()).await;
    assert_eq!(story.state(), WorkState::Ready);
    // The same risk does not hold it again.
    story.handle(Handling::RaiseRisk).await;
    assert_eq!(story.state(), WorkState::Ready);
}

async fn an_address_without_a_street_holds_the_order_until_it_is_corrected(kind: Kind) {
    let story = Story::of(kind, OrderKind::OneLine).await;
    story.edit(&OrderEdit::Address1(String::new())).await;
    assert_eq!(story.state(), WorkState::NeedsReview);
    story
        .page()
        .await
        .assert_shows("The address lacks: street.");
    story
        .edit(&OrderEdit::Address1("9 Mill Road".to_owned()))
        .await;
    assert_eq!(story.state(), WorkState::Ready);
    // What is fetched needs no address at all.
    let fetched = Story::placed_in(story.app, OrderKind::Pickup).await;
    assert_eq!(fetched.open_holds(), Vec::<String>::new());
}

async fn a_hold_of_the_stores_staff_is_seen_here_and_released_there(kind: Kind) {
    let story = Story::of(kind, OrderKind::OneLine).await;
    story.handle(Handling::Hold).await;
    assert_eq!(story.state(), WorkState::OnHold);
    story.handle(Handling::HoldByApp).await;
    let page = story.page().await;
    page.assert_shows("incorrect address: Call the customer first")
        .assert_shows("high risk of fraud: Fraud Guard");
    assert_eq!(
        page.count("form[action*='/hold/release'] input[name='hold']"),
        0
    );
    story.handle(Handling::Release).await;
    assert_eq!(story.state(), WorkState::Ready);
}

async fn our_hold_stands_in_the_store_too_and_is_released_by_its_id(kind: Kind) {
    let story = Story::of(kind, OrderKind::OneLine).await;
    story.hold().await;
    let page = story.page().await;
    page.assert_shows("Put on hold in the store as well")
        .assert_shows("held by us");
    assert_eq!(story.asked("FulfillmentOrderHold"), 1);
    // It came back by webhook and is known: no hold of the store.
    let kinds = story.open_holds();
    assert_eq!(kinds, ["manual"]);
    story.handle(Handling::Hold).await;
    assert_eq!(story.open_holds(), ["manual", "channel"]);
    let page = story.page().await;
    let form = page.form(".page-head form[action*='/hold/release']");
    story.app.owner().submit(form).await;
    story.app.run_jobs().await;
    // The staff's own stays.
    assert_eq!(story.open_holds(), ["channel"]);
    assert_eq!(story.state(), WorkState::OnHold);
    story.page().await.assert_lacks("held by us");
    story.handle(Handling::Release).await;
    assert_eq!(story.state(), WorkState::Ready);
}

async fn a_hold_whose_answer_was_lost_is_placed_once(kind: Kind) {
    let story = Story::of(kind, OrderKind::OneLine).await;
    story
        .app
        .practice
        .misbehave(Misbehaviour::CloseAfterCommit, 1);
    story.hold().await;
    for _ in 0..3 {
        story.app.pass(Duration::from_secs(120)).await;
    }
    assert_eq!(story.asked("FulfillmentOrderHold"), 1);
    assert_eq!(story.open_holds(), ["manual"]);
    story.page().await.assert_shows("held by us");
}

async fn a_store_need_not_hear_of_our_holds(kind: Kind) {
    let story = Story::of(kind, OrderKind::OneLine).await;
    let settings = story.app.get("/integrations/shopify/1/settings").await;
    let form = settings.form("form.form").without("tell_holds");
    story.app.owner().submit(form).await;
    story.hold().await;
    assert_eq!(story.asked("FulfillmentOrderHold"), 0);
    assert_eq!(story.state(), WorkState::OnHold);
}

async fn a_scheduled_order_is_ready_once_it_is_opened(kind: Kind) {
    let story = Story::of(kind, OrderKind::OneLine).await;
    story.handle(Handling::Schedule).await;
    assert_eq!(story.state(), WorkState::Scheduled);
    let page = story.ship("1Z1").await;
    page.assert_status(409)
        .assert_shows("This order is scheduled for later");
    story.page().await.assert_shows("Scheduled until");
    story.handle(Handling::Open).await;
    assert_eq!(story.state(), WorkState::Ready);
    // The webhook that says so may be lost: on its day it is asked about again.
    story.handle(Handling::Schedule).await;
    story.app.practice.misbehave(Misbehaviour::DropWebhooks, 9);
    story.handle(Handling::Open).await;
    assert_eq!(story.state(), WorkState::Scheduled);
    story.app.practice.misbehave(Misbehaviour::DropWebhooks, 0);
    story.app.pass(Duration::from_secs(8 * 86_400)).await;
    assert_eq!(story.state(), WorkState::Ready);
}

async fn an_order_that_is_fetched_waits_for_its_customer(kind: Kind) {
    let story = Story::of(kind, OrderKind::Pickup).await;
    assert_eq!(story.state(), WorkState::AwaitingPickup);
    story
        .page()
        .await
        .assert_shows("Pickup, Pickup in the shop");
    // Handing it over is shipping it.
    story.ship("").await.assert_status(200);
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::Shipped);
    assert_eq!(story.app.practice.fulfillments(story.placed.id).len(), 1);
}

async fn an_order_that_a_driver_brings_is_ready(kind: Kind) {
    let app = TestApp::connected(kind).await;
    // No name of it stands in the store's rule: Shopify says that a driver brings it.
    app.alter("UPDATE channels SET delivery_rule = 'by_method', delivery_methods = '[\"Bike\"]'");
    let story = Story::placed_in(app, OrderKind::LocalDelivery).await;
    assert_eq!(story.state(), WorkState::Ready);
    assert_eq!(story.page().await.count("dd a[href*='/deliveries/']"), 1);
    let check = story.app.read(|conn| checks::find(conn, story.order_id()));
    let method = check.and_then(|check| check.delivery_method);
    assert_eq!(method, Some(orders::checks::Handover::Local));
    story
        .page()
        .await
        .assert_shows("Local delivery, Local delivery");
    let sent = Story::placed_in(story.app, OrderKind::OneLine).await;
    assert_eq!(sent.page().await.count("dd a[href*='/deliveries/']"), 0);
}

async fn what_another_service_ships_is_not_ours(kind: Kind) {
    let story = Story::of(kind, OrderKind::OneLine).await;
    let before = story.on_hand();
    story.handle(Handling::GiveToService).await;
    assert_eq!(story.state(), WorkState::NothingToShip);
    assert_eq!(story.reserved(), 0, "their stock is not promised from ours");
    let page = story.page().await;
    page.assert_shows("Parcel Robots")
        .assert_shows("another service ships it")
        .assert_shows("with others");
    assert_eq!(page.count("#ship"), 0);
    story.handle(Handling::ShipByService).await;
    assert_eq!(story.state(), WorkState::ShippedByOthers);
    story
        .page()
        .await
        .assert_shows("Shipped by others")
        .assert_shows("no stock of ours moved")
        .assert_shows("FedEx");
    assert_eq!(story.on_hand(), before);
    assert_eq!(story.asked("FulfillmentCreate"), 0);
}

async fn a_location_that_is_none_of_ours_ships_without_us_until_it_is_mapped(kind: Kind) {
    let story = Story::of(kind, OrderKind::OneLine).await;
    story.handle(Handling::Move).await;
    assert_eq!(story.state(), WorkState::NothingToShip);
    let page = story.page().await;
    page.assert_shows("none of our locations");
    assert_eq!(
        page.link("Say which location it is"),
        "/integrations/shopify/1/settings"
    );
    let settings = story.app.get("/integrations/shopify/1/settings").await;
    let place = story.app.read(locations::list).remove(0).id.to_string();
    let mut form = settings.form("form.form");
    for row in 1..=2 {
        form = form.fill(&format!("location-{row}"), &place);
    }
    story.app.owner().submit(form).await;
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::Ready);
}

async fn a_split_order_ships_whole(kind: Kind) {
    let story = Story::of(kind, OrderKind::SeveralLines).await;
    story.handle(Handling::Split).await;
    assert_eq!(story.state(), WorkState::Ready);
    story.ship("1Z-both").await.assert_status(200);
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::Shipped);
    let there = story.app.practice.fulfillments(story.placed.id);
    assert_eq!(there.len(), 1, "one location, one fulfilment");
    assert_eq!(there[0].numbers, ["1Z-both"]);
}

async fn what_others_shipped_from_our_location_takes_its_stock(kind: Kind) {
    let story = Story::of(kind, OrderKind::OneLine).await;
    let (before, pieces) = (story.on_hand(), story.reserved());
    assert!(pieces > 0);
    assert!(story.app.practice.fulfill_elsewhere(story.placed.id));
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::ShippedByOthers);
    assert_eq!((story.on_hand(), story.reserved()), (before - pieces, 0));
    let page = story.page().await;
    page.assert_shows("the stock there is lower by it")
        .assert_shows("USPS");
    assert_eq!(
        story.asked("FulfillmentCreate"),
        0,
        "nothing is pushed back"
    );
    story.handle(Handling::Deliver).await;
    story.page().await.assert_shows("Arrived");
    // It did not leave after all.
    story.handle(Handling::CancelFulfillment).await;
    assert_eq!(story.state(), WorkState::Ready);
    assert_eq!((story.on_hand(), story.reserved()), (before, pieces));
    story
        .page()
        .await
        .assert_shows("what others had shipped is open again");
    assert_eq!(story.app.read(stock::wrong_levels), Vec::<String>::new());
}

async fn our_own_shipment_cancelled_in_the_store_is_undone_here(kind: Kind) {
    let story = Story::of(kind, OrderKind::OneLine).await;
    let before = story.on_hand();
    story.ship("1Z1").await.assert_status(200);
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::Shipped);
    story.handle(Handling::CancelFulfillment).await;
    assert_eq!(story.state(), WorkState::Ready);
    assert_eq!(story.on_hand(), before);
    assert_eq!(story.asked("FulfillmentCancel"), 0);
    let page = story.page().await;
    page.assert_shows("Shipment cancelled in the store")
        .assert_lacks("Shipped by others");
    // And it can leave once more.
    story.ship("1Z2").await.assert_status(200);
    story.app.run_jobs().await;
    let there = story.app.practice.fulfillments(story.placed.id);
    assert_eq!(there.last().expect("one").numbers, ["1Z2"]);
}

async fn a_shipment_that_the_store_holds_back_says_what_to_do(kind: Kind) {
    let mut story = Story::of(kind, OrderKind::OneLine).await;
    // The hold is placed while nobody hears of it.
    story.app.practice.misbehave(Misbehaviour::DropWebhooks, 9);
    story.handle(Handling::Hold).await;
    story.app.practice.misbehave(Misbehaviour::DropWebhooks, 0);
    story.ship("1Z1").await.assert_status(200);
    story.app.run_jobs().await;
    let page = story.page().await;
    page.assert_shows(
        "is on hold (incorrect address: Call the customer first), release it in Shopify",
    );
    assert!(story.app.practice.fulfillments(story.placed.id).is_empty());
    story.app.expect_dead();
}

async fn an_order_that_the_store_does_not_show_says_so(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let body = include_bytes!("../fixtures/shopify/orders_create.json");
    app.deliver_webhook("orders/create", "w1", body).await;
    app.run_jobs().await;
    let order = app.orders().remove(0);
    assert_eq!(order.deleted_at_source, None, "nobody said that it is gone");
    let page = app.get(&format!("/orders/{}", order.id)).await;
    page.assert_shows("Shopify was asked about this order: the store shows no such order.")
        .assert_shows("Ship anyway");
}

/// One order that was placed in the practice store, with an item and stock for all it holds.
struct Story {
    app: TestApp,
    placed: PlacedOrder,
}

impl Story {
    async fn of(kind: Kind, what: OrderKind) -> Self {
        Self::placed_in(TestApp::connected(kind).await, what).await
    }

    async fn placed_in(app: TestApp, what: OrderKind) -> Self {
        let placed = app.practice.place_order(what);
        app.run_jobs().await;
        let story = Self { app, placed };
        map_and_stock(&story.app, &story.placed.name);
        story
    }

    fn order_id(&self) -> counterfoil::types::OrderId {
        self.app.order(&self.placed.name).id
    }

    fn order(&self) -> i64 {
        self.order_id().0
    }

    fn state(&self) -> WorkState {
        self.app.order(&self.placed.name).work_state
    }

    async fn page(&self) -> Page {
        self.app.get(&format!("/orders/{}", self.order())).await
    }

    async fn handle(&self, how: Handling) {
        assert!(
            self.app.practice.handle_order(self.placed.id, how),
            "{how:?}"
        );
        self.app.run_jobs().await;
    }

    async fn edit(&self, edit: &OrderEdit) {
        assert!(self.app.practice.edit_order(self.placed.id, edit));
        self.app.run_jobs().await;
    }

    /// Puts it on hold as the owner would.
    async fn hold(&self) {
        let form = self.page().await.form(".page-head form[action*='/hold']");
        self.app.owner().submit(form).await;
        self.app.run_jobs().await;
    }

    /// Presses the button of the first hold.
    async fn release_by(&self, who: &Visitor) {
        let page = who.get(&format!("/orders/{}", self.order())).await;
        who.submit(page.form(".note form[action*='/hold/release']"))
            .await;
        self.app.run_jobs().await;
    }

    /// Ships all that is proposed.
    async fn ship(&self, number: &str) -> Page {
        let form = self.page().await.form("#ship");
        self.app.owner().submit(form.fill("tracking", number)).await
    }

    /// How often an operation reached the store.
    fn asked(&self, operation: &str) -> usize {
        let requests = self.app.practice.requests();
        let same = requests.iter().filter(|one| one.operation == operation);
        same.count()
    }

    fn open_holds(&self) -> Vec<String> {
        let holds = self
            .app
            .read(|conn| counterfoil::erp::holds::queries::list_open(conn, self.order_id()));
        holds.iter().map(|hold| hold.kind.to_string()).collect()
    }

    /// Pieces of all items in the house.
    fn on_hand(&self) -> i64 {
        let all = self
            .app
            .read(|conn| levels::list_placed(conn, None, None, 0, 1000));
        all.iter().map(|placed| placed.level.on_hand).sum()
    }

    fn reserved(&self) -> i64 {
        let held = self
            .app
            .read(|conn| levels::reservations_of_order(conn, self.order_id()));
        held.iter().map(|row| row.quantity).sum()
    }
}
