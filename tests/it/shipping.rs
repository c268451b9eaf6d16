//! An order leaves: its stock by the ledger, its tracking number to the store, once whatever goes wrong between.

use std::time::Duration;

use counterfoil::erp::locations;
use counterfoil::erp::orders::lines::LineResolution;
use counterfoil::erp::orders::{self, OrderError, WorkState};
use counterfoil::erp::products::{self, NewProduct};
use counterfoil::erp::shipping::{self, NewShipment, ShipError, Shipped, Tracking};
use counterfoil::erp::stock::{self, Movement};
use counterfoil::practice::{Misbehaviour, OrderEdit, OrderKind, PlacedOrder, ShownFulfillment};
use counterfoil::types::{LocationId, OrderLineId, ShipmentId};

use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    a_tracking_number_reaches_the_store,
    half_an_order_can_be_shipped_and_then_the_rest,
    a_lost_answer_is_looked_up_and_the_parcel_is_not_sent_twice,
    a_request_that_never_arrived_is_sent_again,
    a_corrected_tracking_number_and_an_undone_shipment_reach_the_store,
    one_form_sent_twice_is_one_shipment,
    a_form_made_before_the_order_changed_is_refused,
    our_own_shipment_comes_back_as_an_echo,
);

async fn a_tracking_number_reaches_the_store(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    story.ship_all("1Z999AA10123456784").expect("it ships");
    story.app.run_jobs().await;
    let there = story.only_fulfillment();
    assert_eq!(there.status, "success");
    assert_eq!(there.company.as_deref(), Some("UPS"));
    assert_eq!(there.numbers, ["1Z999AA10123456784"]);
    assert!(there.notified);
    assert_eq!(story.state(), WorkState::Shipped);
    story.assert_stock_adds_up();
}

async fn half_an_order_can_be_shipped_and_then_the_rest(kind: Kind) {
    let story = Story::ready(kind, OrderKind::SeveralLines).await;
    let lines = story.open_lines();
    let (first, rest) = lines.split_first().expect("lines");
    story.ship("first", &[*first], "1Z1").expect("it ships");
    story.app.run_jobs().await;
    assert_eq!(story.fulfillments().len(), 1);
    story.ship("rest", rest, "1Z2").expect("it ships");
    story.app.run_jobs().await;
    assert_eq!(story.fulfillments().len(), 2);
    assert_eq!(story.state(), WorkState::Shipped);
    story.assert_stock_adds_up();
}

async fn a_lost_answer_is_looked_up_and_the_parcel_is_not_sent_twice(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    story
        .app
        .practice
        .misbehave(Misbehaviour::CloseAfterCommit, 1);
    story.ship_all("1Z999").expect("it ships");
    story.app.run_jobs().await;
    for _ in 0..6 {
        story.app.pass(Duration::from_secs(120)).await;
    }
    assert_eq!(story.only_fulfillment().numbers, ["1Z999"]);
    assert_eq!(story.sent("FulfillmentCreate"), 1);
}

async fn a_request_that_never_arrived_is_sent_again(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    story.app.practice.misbehave(Misbehaviour::ServerError, 2);
    story.ship_all("1Z999").expect("it ships");
    story.app.run_jobs().await;
    for _ in 0..8 {
        story.app.pass(Duration::from_secs(120)).await;
    }
    assert_eq!(story.only_fulfillment().numbers, ["1Z999"]);
}

async fn a_corrected_tracking_number_and_an_undone_shipment_reach_the_store(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    let shipment = story.ship_all("1Z-wrong").expect("it ships").shipment;
    story.app.run_jobs().await;
    story.correct(shipment, "1Z-right");
    story.app.run_jobs().await;
    assert_eq!(story.only_fulfillment().numbers, ["1Z-right"]);
    story.undo(shipment);
    story.app.run_jobs().await;
    assert_eq!(story.only_fulfillment().status, "cancelled");
    assert_eq!(story.state(), WorkState::Ready);
    story.assert_stock_adds_up();
    // And it can leave once more.
    story
        .ship("again", &story.open_lines(), "1Z-new")
        .expect("it ships");
    story.app.run_jobs().await;
    assert_eq!(
        story.fulfillments().last().expect("one").numbers,
        ["1Z-new"]
    );
}

async fn one_form_sent_twice_is_one_shipment(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    let form = story.form("same", &story.open_lines(), "1Z1");
    let first = story.send(&form).expect("it ships");
    let second = story.send(&form).expect("it is the same");
    assert!(first.is_new && !second.is_new);
    assert_eq!(first.shipment, second.shipment);
    story.app.run_jobs().await;
    story.only_fulfillment();
}

async fn a_form_made_before_the_order_changed_is_refused(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    let form = story.form("old", &story.open_lines(), "1Z1");
    assert!(story.app.practice.cancel_order(story.placed.id));
    story.app.run_jobs().await;
    let refused = story.send(&form);
    assert!(matches!(refused, Err(ShipError::Changed)), "{refused:?}");
    story.app.run_jobs().await;
    assert!(story.fulfillments().is_empty());
}

async fn our_own_shipment_comes_back_as_an_echo(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    story.ship_all("1Z1").expect("it ships");
    story.app.run_jobs().await;
    let lines = story
        .app
        .read(|conn| orders::queries::list_lines(conn, story.order));
    for line in lines {
        assert_eq!(
            line.facts.fulfilled_elsewhere, 0,
            "our own parcel is not somebody else's"
        );
    }
}

/// An order of the practice store, mapped, in stock and ready to leave.
pub(crate) struct Story {
    pub(crate) app: TestApp,
    pub(crate) placed: PlacedOrder,
    pub(crate) order: counterfoil::types::OrderId,
}

impl Story {
    pub(crate) async fn ready(kind: Kind, what: OrderKind) -> Self {
        Self::ready_in(TestApp::connected(kind).await, what).await
    }

    pub(crate) async fn ready_in(app: TestApp, what: OrderKind) -> Self {
        let placed = app.practice.place_order(what);
        app.run_jobs().await;
        let order = app.order(&placed.name).id;
        let story = Self { app, placed, order };
        story.map_and_stock();
        assert_eq!(story.state(), WorkState::Ready);
        story
    }

    pub(crate) fn map_and_stock(&self) {
        map_and_stock(&self.app, &self.placed.name);
    }

    pub(crate) fn ship_all(&self, number: &str) -> Result<Shipped, ShipError> {
        self.ship("all", &self.open_lines(), number)
    }

    pub(crate) fn ship(
        &self,
        request: &str,
        lines: &[(OrderLineId, i64)],
        number: &str,
    ) -> Result<Shipped, ShipError> {
        self.send(&self.form(request, lines, number))
    }

    fn send(&self, form: &NewShipment) -> Result<Shipped, ShipError> {
        let now = self.app.clock.now();
        self.app
            .db()
            .write_here(|conn| shipping::ship(conn, form, now))
    }

    /// The ship form as a page made now would send it.
    fn form(&self, request: &str, lines: &[(OrderLineId, i64)], number: &str) -> NewShipment {
        NewShipment {
            order: self.order,
            version: self.app.order(&self.placed.name).version,
            location: self.place(),
            lines: lines.to_vec(),
            lots: Vec::new(),
            tracking: tracking(number),
            notify: true,
            request_id: request.to_owned(),
            user: None,
            source: None,
        }
    }

    fn correct(&self, shipment: ShipmentId, number: &str) {
        let now = self.app.clock.now();
        let done = self.app.db().write_here(|conn| {
            shipping::correct_tracking(conn, shipment, &tracking(number), false, None, now)
        });
        done.expect("it can be corrected");
    }

    pub(crate) fn undo(&self, shipment: ShipmentId) {
        let now = self.app.clock.now();
        let done = self
            .app
            .db()
            .write_here(|conn| shipping::undo(conn, shipment, None, now));
        done.expect("it can be undone");
    }

    /// Where the order's stock is promised.
    pub(crate) fn place(&self) -> LocationId {
        let places = self.app.read(locations::list);
        places.first().expect("a location").id
    }

    pub(crate) fn open_lines(&self) -> Vec<(OrderLineId, i64)> {
        let lines = self
            .app
            .read(|conn| shipping::queries::list_open_lines(conn, self.order));
        let open = lines.iter().map(|line| (line.id, line.left()));
        open.filter(|(_, left)| *left > 0).collect()
    }

    pub(crate) fn state(&self) -> WorkState {
        self.app.order(&self.placed.name).work_state
    }

    pub(crate) fn fulfillments(&self) -> Vec<ShownFulfillment> {
        self.app.practice.fulfillments(self.placed.id)
    }

    #[track_caller]
    pub(crate) fn only_fulfillment(&self) -> ShownFulfillment {
        let mut found = self.fulfillments();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// How often an operation reached the store.
    pub(crate) fn sent(&self, operation: &str) -> usize {
        let requests = self.app.practice.requests();
        requests
            .iter()
            .filter(|it| it.operation == operation)
            .count()
    }

    /// The merchant edits it in the store.
    #[track_caller]
    pub(crate) fn edit(&self, edit: &OrderEdit) {
        let done = self.app.practice.edit_order(self.placed.id, edit);
        assert!(done, "{edit:?}");
    }

    /// The body of the last webhook of a topic.
    #[track_caller]
    pub(crate) fn last_webhook(&self, topic: &str) -> String {
        let sent = self.app.practice.deliveries();
        let last = sent.into_iter().rfind(|one| one.topic == topic);
        last.unwrap_or_else(|| panic!("no {topic} was sent")).body
    }

    pub(crate) fn assert_stock_adds_up(&self) {
        assert_eq!(self.app.read(stock::wrong_levels), Vec::<String>::new());
    }
}

fn tracking(number: &str) -> Tracking {
    Tracking {
        carrier: Some("UPS".to_owned()),
        numbers: vec![number.to_owned()],
        url: None,
    }
}

/// Gives every variant of an order that has none an item with plenty of stock everywhere.
pub(crate) fn map_and_stock(app: &TestApp, order: &str) {
    let (now, order) = (app.clock.now(), app.order(order));
    let lines = app.read(|conn| orders::queries::list_lines(conn, order.id));
    let unknown = lines
        .into_iter()
        .filter(|line| line.facts.resolution == LineResolution::Unmapped)
        .filter_map(|line| line.facts.variant_external_id);
    for variant in unknown {
        let done = app.db().write_here(|conn| -> Result<(), OrderError> {
            let product = NewProduct {
                sku: format!("item-{variant}"),
                name: variant.clone(),
                ships: true,
                ..NewProduct::default()
            };
            let product = products::create(conn, &product, now).expect("an item");
            for place in locations::list(conn)? {
                let movement = Movement {
                    product,
                    location: place.id,
                    lot: None,
                    quantity: 100,
                    reason: "count",
                    source: "person",
                    user: None,
                };
                stock::adjust(conn, &movement, now).expect("stock");
            }
            let parts = [(product, 1)];
            orders::variant_mapped(conn, order.channel_id, &variant, &parts, now, None)?;
            Ok(())
        });
        done.expect("a mapped variant");
    }
}
