//! Goods that are told apart: what expires first leaves first, a lot that is called back stays here and says who has
//! the rest, and a serial number is one piece.

use std::time::Duration;

use counterfoil::erp::locations;
use counterfoil::erp::orders::queries as order_rows;
use counterfoil::erp::orders::{self, OrderError, WorkState};
use counterfoil::erp::products::{self, NewProduct};
use counterfoil::erp::stock;
use counterfoil::erp::stock::queries::{self as levels, lots};
use counterfoil::erp::users::roles::Role;
use counterfoil::practice::{OrderKind, PlacedOrder};
use counterfoil::types::{LocationId, LotId, ProductId};
use serde_json::json;

use crate::support::api::Program;
use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::{Form, Page};

both_databases!(
    what_expires_first_leaves_first,
    another_lot_is_chosen_on_the_order_screen,
    a_lot_that_is_called_back_stays_and_says_who_has_the_rest,
    a_lot_expires_after_its_last_day,
    a_serial_number_is_one_piece,
    pieces_without_a_lot_are_named_before_they_leave,
    what_comes_back_lies_in_its_lot_again,
    a_program_ships_by_lot,
);

async fn what_expires_first_leaves_first(kind: Kind) {
    let story = Story::of(kind, "lot").await;
    story.arrive(50, "L-late", "2027-06-30").await;
    story.arrive(50, "L-soon", "2027-01-31").await;
    let order = story.order().await;
    let page = story.page_of(&order).await;
    let chosen = page.texts("select[name^='lot-'] option");
    assert_eq!(
        chosen.first().map(String::as_str),
        Some("L-soon"),
        "{chosen:?}"
    );
    story.ship(page.form("#ship")).await.assert_status(200);
    assert_eq!(story.on_hand("L-soon"), 50 - story.pieces(&order));
    assert_eq!(story.on_hand("L-late"), 50);
    let lot = story.lot_page("L-soon").await;
    lot.assert_shows(&order.name);
    story.lot_page("L-late").await.assert_lacks(&order.name);
    story.page_of(&order).await.assert_shows("L-soon");
    story.assert_adds_up();
}

async fn another_lot_is_chosen_on_the_order_screen(kind: Kind) {
    let story = Story::of(kind, "lot").await;
    story.arrive(50, "L-1", "2027-01-31").await;
    story.arrive(50, "L-2", "2027-06-30").await;
    let order = story.order().await;
    let form = story.page_of(&order).await.form("#ship");
    let field = story.lot_field(&order);
    let refused = story.ship(form.fill(&field, "L-3")).await;
    refused
        .assert_status(422)
        .assert_shows("There is no lot L-3");
    let chosen = story.ship(refused.form("#ship").fill(&field, "l-2 ")).await;
    chosen.assert_status(200);
    assert_eq!(story.on_hand("L-1"), 50);
    assert_eq!(story.on_hand("L-2"), 50 - story.pieces(&order));
    let free = story.read_free();
    assert_eq!(
        free,
        100 - story.pieces(&order),
        "the promise of the other lot is free again"
    );
    story.assert_adds_up();
}

async fn a_lot_that_is_called_back_stays_and_says_who_has_the_rest(kind: Kind) {
    let story = Story::of(kind, "lot").await;
    story.arrive(50, "BAD", "2027-01-31").await;
    let gone = story.order().await;
    let form = story.page_of(&gone).await.form("#ship");
    story.ship(form).await.assert_status(200);
    let waits = story.order().await;
    assert_eq!(story.state(&waits), WorkState::Ready);
    let page = story.lot_page("BAD").await;
    page.assert_shows(&gone.name).assert_shows(&waits.name);
    let block = page.form("form[action$='/block']");
    let nothing_said = story.app.owner().submit(block).await;
    nothing_said.assert_status(422).assert_shows("Say why");
    let block = nothing_said.form("form[action$='/block']");
    let blocked = story
        .app
        .owner()
        .submit(block.fill("reason", "glass in it"))
        .await;
    blocked.assert_status(200).assert_shows("glass in it");
    assert_eq!(
        story.state(&waits),
        WorkState::Short,
        "nothing else lies there"
    );
    assert_eq!(story.read_free(), 0);
    story.arrive(50, "GOOD", "2027-03-31").await;
    assert_eq!(story.state(&waits), WorkState::Ready);
    let form = story.page_of(&waits).await.form("#ship");
    let refused = story.ship(form.fill(&story.lot_field(&waits), "BAD")).await;
    refused
        .assert_status(422)
        .assert_shows("must not leave: glass in it");
    let file = story
        .app
        .get(&format!("/lots/{}/export", story.lot("BAD")))
        .await;
    let name = story.app.order(&gone.name).facts.email.expect("an address");
    assert!(
        file.body.contains(&name) && file.body.contains(&gone.name),
        "{}",
        file.body
    );
    assert!(!file.body.contains(&waits.name));
    let page = story.lot_page("BAD").await;
    let released = story
        .app
        .owner()
        .submit(page.form("form[action$='/release']"))
        .await;
    released.assert_status(200).assert_lacks("glass in it");
    assert!(story.read_free() > 0);
    story.assert_adds_up();
}

async fn a_lot_expires_after_its_last_day(kind: Kind) {
    let story = Story::of(kind, "lot").await;
    // The clock of the story stands at noon of 2026-11-21.
    story.arrive(50, "TODAY", "2026-11-21").await;
    story.arrive(5, "OVER", "2026-11-20").await;
    let order = story.order().await;
    assert_eq!(
        story.state(&order),
        WorkState::Ready,
        "its last day is today"
    );
    story.lot_page("OVER").await.assert_shows("Expired");
    assert_eq!(story.read_free(), 50 - story.pieces(&order));
    // It is the next day in London, and five in the afternoon where the store is.
    story.app.pass(Duration::from_secs(13 * 3600)).await;
    assert_eq!(story.state(&order), WorkState::Ready);
    story.app.pass(Duration::from_secs(11 * 3600)).await;
    assert_eq!(story.state(&order), WorkState::Short);
    // Whoever had signed in has to do it again after such a day.
    let owner = story.app.signed_in(Role::Owner).await;
    let page = owner.get(&format!("/lots/{}", story.lot("TODAY"))).await;
    page.assert_shows("Expired");
    let dated = page
        .form("form[action$='/date']")
        .fill("best_before", "2027-11-21");
    owner.submit(dated).await.assert_lacks("Expired");
    assert_eq!(
        story.state(&order),
        WorkState::Ready,
        "it was a slip of the pen"
    );
    story.assert_adds_up();
}

async fn a_serial_number_is_one_piece(kind: Kind) {
    let story = Story::of(kind, "serial").await;
    story.arrive(1, "SN-1", "").await;
    let again = story.adjust(1, "sn-1", "").await;
    again.assert_status(422).assert_shows("in stock already");
    let two = story.adjust(2, "SN-2", "").await;
    two.assert_status(422);
    for nth in 2..=9 {
        story.arrive(1, &format!("SN-{nth}"), "").await;
    }
    let order = story.order().await;
    let pieces = usize::try_from(story.pieces(&order)).expect("a few");
    let form = story.page_of(&order).await.form("#ship");
    let field = story.lot_field(&order);
    let promised: Vec<String> = (1..=pieces).map(|nth| format!("SN-{nth}")).collect();
    assert_eq!(form.value(&field), Some(promised.join("\n").as_str()));
    let too_many = [promised.clone(), vec!["SN-9".to_owned()]].concat();
    let refused = story.ship(form.fill(&field, &too_many.join("\n"))).await;
    refused
        .assert_status(422)
        .assert_shows("are named here, but");
    let twice = [promised[1..].to_vec(), vec!["SN-9".to_owned(); 2]].concat();
    let refused = story
        .ship(refused.form("#ship").fill(&field, &twice.join("\n")))
        .await;
    refused.assert_status(422);
    let mut others = promised.clone();
    others[0] = "SN-9".to_owned();
    let done = story
        .ship(refused.form("#ship").fill(&field, &others.join("\r\n")))
        .await;
    done.assert_status(200);
    assert_eq!(story.on_hand("SN-9"), 0);
    assert_eq!(story.on_hand("SN-1"), 1);
    story.lot_page("SN-9").await.assert_shows(&order.name);
    story.assert_adds_up();
}

async fn pieces_without_a_lot_are_named_before_they_leave(kind: Kind) {
    let story = Story::of(kind, "none").await;
    story.arrive(50, "", "").await;
    let order = story.order().await;
    story.tell_apart("lot").await.assert_status(200);
    let item = story.item("lots").await;
    item.assert_shows("50 pieces lie in no lot");
    let form = story.page_of(&order).await.form("#ship");
    let refused = story.ship(form).await;
    refused.assert_status(422).assert_shows("lie in no lot");
    let name = item
        .form("form[action$='/lots']")
        .fill("quantity", "51")
        .fill("lot", "L-1");
    let too_many = story.app.owner().submit(name).await;
    too_many
        .assert_status(422)
        .assert_shows("Only 50 are there");
    let name = too_many
        .form("form[action$='/lots']")
        .fill("quantity", "50");
    story
        .app
        .owner()
        .submit(name)
        .await
        .assert_lacks("lie in no lot");
    assert_eq!(story.on_hand("L-1"), 50);
    let form = story.page_of(&order).await.form("#ship");
    story.ship(form).await.assert_status(200);
    let none = story.tell_apart("none").await;
    none.assert_status(422)
        .assert_shows("Pieces of this item lie in lots");
    story.assert_adds_up();
}

async fn what_comes_back_lies_in_its_lot_again(kind: Kind) {
    let story = Story::of(kind, "lot").await;
    story.arrive(50, "L-1", "2027-01-31").await;
    let order = story.order().await;
    let form = story.page_of(&order).await.form("#ship");
    story.ship(form).await.assert_status(200);
    let page = story.page_of(&order).await;
    let undo = story.app.get(&page.link("Undo shipment")).await;
    let undone = story
        .app
        .owner()
        .submit(undo.form("form[action$='/cancellation']"))
        .await;
    undone.assert_status(200);
    assert_eq!(story.on_hand("L-1"), 50);
    story
        .lot_page("L-1")
        .await
        .assert_shows("No order has left");
    story.app.run_jobs().await;
    let form = story.page_of(&order).await.form("#ship");
    story.ship(form).await.assert_status(200);
    story.app.run_jobs().await;
    assert!(story.app.practice.give_back_shipped(order.id, true));
    story.app.run_jobs().await;
    assert_eq!(story.in_no_lot(), 0);
    assert!(
        story.on_hand("L-1") > 50 - story.pieces(&order),
        "what came back"
    );
    story.assert_adds_up();
}

async fn a_program_ships_by_lot(kind: Kind) {
    let story = Story::of(kind, "lot").await;
    story.arrive(50, "L-1", "2027-01-31").await;
    story.arrive(50, "L-2", "2027-06-30").await;
    let order = story.order().await;
    let program = Program::of(&story.app);
    let (row, line) = (story.app.order(&order.name), story.line(&order));
    let path = format!("/orders/{}/shipments", row.public_id);
    let body = |code: &str| {
        json!({ "location_id": story.place.0, "lines": [
            { "line_id": line.0, "quantity": line.1, "lots": [{ "code": code, "quantity": 1 }] }
        ] })
    };
    let (status, refused) = program.post_once(&path, "a", body("L-9")).await;
    assert_eq!(status, 422);
    assert_eq!(
        refused["errors"][0]["field"],
        format!("lines[line_id={}].lots", line.0)
    );
    let (status, made) = program.post_once(&path, "b", body("L-2")).await;
    assert_eq!(status, 201, "{made}");
    let mut left = vec![json!({ "code": "L-2", "quantity": 1 })];
    if line.1 > 1 {
        // The rest leaves as it was promised.
        left.push(json!({ "code": "L-1", "quantity": line.1 - 1 }));
    }
    assert_eq!(made["lines"][0]["lots"], json!(left));
    let (_, stock) = program.get(&format!("/stock?sku={SKU}")).await;
    let codes: Vec<&str> = stock["data"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["lot"].as_str())
        .collect();
    assert_eq!(codes, ["L-1", "L-2"]);
    story.assert_adds_up();
}

const SKU: &str = "told-apart";

/// A store whose orders are all of one item, and the item's shelf.
struct Story {
    app: TestApp,
    product: ProductId,
    place: LocationId,
}

impl Story {
    async fn of(kind: Kind, tracking: &str) -> Self {
        let app = TestApp::connected(kind).await;
        let now = app.clock.now();
        let product = app.db().write_here(|conn| {
            let item = NewProduct {
                sku: SKU.to_owned(),
                name: "Sencha".to_owned(),
                ships: true,
                ..NewProduct::default()
            };
            products::create(conn, &item, now)
        });
        let place = app.read(locations::list).first().expect("a location").id;
        let story = Self {
            app,
            product: product.expect("an item"),
            place,
        };
        if tracking != "none" {
            story.tell_apart(tracking).await.assert_status(200);
        }
        story
    }

    async fn item(&self, tab: &str) -> Page {
        self.app
            .get(&format!("/products/{}?tab={tab}", self.product))
            .await
    }

    async fn tell_apart(&self, by: &str) -> Page {
        let form = self.item("lots").await.form("form[action$='/tracking']");
        self.app.owner().submit(form.fill("tracking", by)).await
    }

    async fn adjust(&self, pieces: i64, lot: &str, day: &str) -> Page {
        let form = self
            .item("stock")
            .await
            .form("form[action$='/adjustments']");
        let form = form
            .fill("location", &self.place.to_string())
            .fill("quantity", &pieces.to_string())
            .fill("lot", lot)
            .fill("best_before", day)
            .fill("reason", "received");
        self.app.owner().submit(form).await
    }

    async fn arrive(&self, pieces: i64, lot: &str, day: &str) {
        self.adjust(pieces, lot, day).await.assert_status(200);
    }

    /// Somebody orders one line, which is this item.
    async fn order(&self) -> PlacedOrder {
        let placed = self.app.practice.place_order(OrderKind::OneLine);
        self.app.run_jobs().await;
        let (now, order) = (self.app.clock.now(), self.app.order(&placed.name));
        let lines = self.app.read(|conn| order_rows::list_lines(conn, order.id));
        let variant = lines[0]
            .facts
            .variant_external_id
            .clone()
            .expect("a variant");
        let done = self.app.db().write_here(|conn| -> Result<(), OrderError> {
            let parts = [(self.product, 1)];
            orders::variant_mapped(conn, order.channel_id, &variant, &parts, now, None)?;
            Ok(())
        });
        done.expect("a mapped variant");
        placed
    }

    fn line(&self, order: &PlacedOrder) -> (i64, i64) {
        let id = self.app.order(&order.name).id;
        let lines = self.app.read(|conn| order_rows::list_lines(conn, id));
        (lines[0].id.0, lines[0].facts.quantity)
    }

    fn pieces(&self, order: &PlacedOrder) -> i64 {
        self.line(order).1
    }

    fn state(&self, order: &PlacedOrder) -> WorkState {
        self.app.order(&order.name).work_state
    }

    async fn page_of(&self, order: &PlacedOrder) -> Page {
        let id = self.app.order(&order.name).id;
        self.app.get(&format!("/orders/{id}")).await
    }

    fn lot_field(&self, order: &PlacedOrder) -> String {
        format!("lot-{}-{}", self.line(order).0, self.product)
    }

    async fn ship(&self, form: Form) -> Page {
        let form = form.fill("location", &self.place.to_string());
        self.app.owner().submit(form).await
    }

    fn lot(&self, code: &str) -> LotId {
        let code = code.to_lowercase();
        let found = self
            .app
            .read(|conn| lots::find_by_code(conn, self.product, &code));
        found.unwrap_or_else(|| panic!("no lot {code}")).id
    }

    async fn lot_page(&self, code: &str) -> Page {
        self.app.get(&format!("/lots/{}", self.lot(code))).await
    }

    fn levels(&self) -> Vec<levels::LevelRow> {
        self.app
            .read(|conn| levels::levels_of(conn, &[self.product]))
    }

    fn on_hand(&self, code: &str) -> i64 {
        let lot = Some(self.lot(code));
        let levels = self.levels();
        let of_lot = levels.iter().filter(|level| level.lot_id == lot);
        of_lot.map(|level| level.on_hand).sum()
    }

    fn in_no_lot(&self) -> i64 {
        let levels = self.levels();
        let nameless = levels.iter().filter(|level| level.lot_id.is_none());
        nameless.map(|level| level.on_hand).sum()
    }

    fn read_free(&self) -> i64 {
        self.levels().iter().map(levels::LevelRow::free).sum()
    }

    fn assert_adds_up(&self) {
        assert_eq!(self.app.read(stock::wrong_levels), Vec::<String>::new());
    }
}
