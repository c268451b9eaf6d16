//! A variant that holds several items: said on its page, reserved and shipped piece by piece.

use counterfoil::erp::locations;
use counterfoil::erp::orders::WorkState;
use counterfoil::erp::products::{self, NewProduct, ProductError};
use counterfoil::erp::stock::queries as stock_rows;
use counterfoil::erp::stock::{self, Movement};
use counterfoil::practice::{OrderEdit, OrderKind};
use counterfoil::types::ProductId;

use crate::shipping::Story;
use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    an_order_of_a_kit_reserves_and_ships_what_is_in_it,
    a_changed_order_of_a_kit_reserves_what_it_holds_now,
    a_kit_is_composed_without_a_script,
    mistakes_in_a_kit_stand_beside_their_fields,
    an_item_that_is_named_twice_is_added_up,
);

async fn an_order_of_a_kit_reserves_and_ships_what_is_in_it(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let placed = app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    let ordered = ordered_pieces(&app);
    let cup = item(&app, "CUP", "Tea cup", 100);
    let tea = item(&app, "TEA", "Sencha 50 g", 100);
    let page = app.get(&waiting_variant(&app).await).await;
    page.assert_shows("1 order waits for this variant. Mapping it frees 1 order");
    let kit = app.get(&page.link("Map it as a kit")).await;
    let form = kit.form("form[action$='/kit']");
    let form = form.fill("sku-0", "CUP").fill("quantity-0", "2");
    let form = form.fill("sku-1", " tea ").fill("quantity-1", "3");
    let done = app.owner().submit(form.fill("do", "map")).await;
    done.assert_shows("1 variant mapped. 1 order is free.")
        .assert_shows("2 × Tea cup")
        .assert_shows("3 × Sencha 50 g");
    let order = app.order(&placed.name);
    assert_eq!(order.work_state, WorkState::Ready);
    assert_eq!(reserved(&app, &[cup, tea]), [2 * ordered, 3 * ordered]);
    let order = app.order(&placed.name).id;
    let story = Story { app, placed, order };
    story.ship_all("1Z999").expect("it ships");
    story.app.run_jobs().await;
    assert_eq!(story.state(), WorkState::Shipped);
    assert_eq!(reserved(&story.app, &[cup, tea]), [0, 0]);
    let left = [100 - 2 * ordered, 100 - 3 * ordered];
    assert_eq!(on_hand(&story.app, &[cup, tea]), left);
    let there = story.only_fulfillment();
    assert_eq!(there.status, "success");
    story.assert_stock_adds_up();
}

async fn a_changed_order_of_a_kit_reserves_what_it_holds_now(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let placed = app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    let ordered = ordered_pieces(&app);
    let cup = item(&app, "CUP", "Tea cup", 100);
    let tea = item(&app, "TEA", "Sencha 50 g", 100);
    let variant = waiting_variant(&app).await;
    let kit = app.get(&format!("{variant}/kit")).await;
    let form = kit.form("form[action$='/kit']").fill("do", "map");
    let form = form.fill("sku-0", "CUP").fill("quantity-0", "2");
    let form = form.fill("sku-1", "TEA").fill("quantity-1", "3");
    let done = app.owner().submit(form).await;
    done.assert_shows("1 variant mapped.");
    app.pass(std::time::Duration::from_secs(60)).await;
    assert!(app.practice.edit_order(placed.id, &OrderEdit::AddPiece));
    app.run_jobs().await;
    let ordered = ordered + 1;
    assert_eq!(reserved(&app, &[cup, tea]), [2 * ordered, 3 * ordered]);
    let page = app.get(&variant).await;
    let back = page.form("form[action$='/removal']");
    app.owner().submit(back).await.assert_status(200);
    assert_eq!(reserved(&app, &[cup, tea]), [0, 0]);
    let order = app.order(&placed.name);
    assert_eq!(order.work_state, WorkState::Unmapped);
}

async fn a_kit_is_composed_without_a_script(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    item(&app, "CUP", "Tea cup", 10);
    item(&app, "TEA", "Sencha 50 g", 10);
    item(&app, "BOX", "Gift box", 10);
    let variant = waiting_variant(&app).await;
    let page = app.get(&format!("{variant}/kit")).await;
    assert_eq!(page.count("fieldset.kit-row"), 2);
    let press = |page: &crate::support::visitor::Page, button: &str, value: &str| {
        let form = page.form("form[action$='/kit']");
        form.fill(button, value)
    };
    let typed = press(&page, "do", "more").fill("sku-1", "CUP");
    let page = app.owner().submit(typed.fill("quantity-1", "4")).await;
    page.assert_status(200).assert_shows("Item 2: Tea cup");
    assert_eq!(page.count("fieldset.kit-row"), 3);
    assert_eq!(page.attribute("#f-quantity-1", "value"), "4");
    let page = app.owner().submit(press(&page, "remove", "0")).await;
    page.assert_shows("Item 1: Tea cup");
    assert_eq!(page.count("fieldset.kit-row"), 2);
    let found = press(&page, "do", "find").fill("q", "gift");
    let page = app.owner().submit(found).await;
    page.assert_shows("Gift box");
    let page = app.owner().submit(press(&page, "add", "BOX")).await;
    page.assert_shows("Item 2: Gift box");
    let done = app.owner().submit(press(&page, "do", "map")).await;
    done.assert_shows("1 variant mapped.")
        .assert_shows("4 × Tea cup")
        .assert_shows("Gift box");
    let log = app.get("/settings/audit").await;
    log.assert_shows("Mapped to 4 × Tea cup and Gift box");
    // Taken back: the order waits again, and the same page composes anew.
    let back = done.form("form[action$='/removal']");
    let page = app.owner().submit(back).await;
    page.assert_shows("Unmapped again; 1 order is held.")
        .assert_shows("Map it as a kit");
}

async fn mistakes_in_a_kit_stand_beside_their_fields(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    item(&app, "CUP", "Tea cup", 10);
    item(&app, "Two", "Two", 10);
    item(&app, "TWO", "Another two", 10);
    let variant = waiting_variant(&app).await;
    let page = app.get(&format!("{variant}/kit")).await;
    let form = || page.form("form[action$='/kit']").fill("do", "map");
    let nothing = app.owner().submit(form()).await;
    nothing
        .assert_status(422)
        .assert_shows("Enter the SKU of an item");
    let wrong = form().fill("sku-0", "NOPE").fill("quantity-0", "0");
    let wrong = wrong.fill("sku-1", "two").fill("quantity-1", "1e3");
    let again = app.owner().submit(wrong).await;
    again
        .assert_status(422)
        .assert_shows("4 things to fix")
        .assert_shows("NOPE: no item has this SKU")
        .assert_shows("two: several items have this SKU in other capitals: write it exactly")
        .assert_shows("Enter 1 to 10,000 pieces");
    assert_eq!(again.attribute("#f-sku-0", "value"), "NOPE");
    assert_eq!(again.attribute("#f-quantity-1", "value"), "1e3");
    assert_eq!(again.attribute("#f-sku-1", "aria-describedby"), "e-sku-1");
    let many = form().fill("sku-0", "CUP").fill("quantity-0", "6000");
    let many = many.fill("sku-1", "cup").fill("quantity-1", "6000");
    let again = app.owner().submit(many).await;
    again.assert_status(422).assert_shows("All rows together");
    let order = app.orders().remove(0);
    assert_eq!(order.work_state, WorkState::Unmapped, "nothing was mapped");
}

async fn an_item_that_is_named_twice_is_added_up(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    let ordered = ordered_pieces(&app);
    let cup = item(&app, "CUP", "Tea cup", 100);
    let variant = waiting_variant(&app).await;
    let page = app.get(&format!("{variant}/kit")).await;
    let form = page.form("form[action$='/kit']").fill("do", "map");
    let form = form.fill("sku-0", "CUP").fill("quantity-0", "2");
    let form = form.fill("sku-1", "CUP").fill("quantity-1", "1");
    let done = app.owner().submit(form).await;
    done.assert_shows("3 × Tea cup");
    assert_eq!(reserved(&app, &[cup]), [3 * ordered]);
    // Whoever still has the old page open is told so.
    let form = page.form("form[action$='/kit']").fill("do", "map");
    let late = app.owner().submit(form.fill("sku-0", "CUP")).await;
    late.assert_status(409).assert_shows("mapped already");
    assert_eq!(reserved(&app, &[cup]), [3 * ordered]);
}

/// How many the store says were ordered.
fn ordered_pieces(app: &TestApp) -> i64 {
    let sent = app.practice.deliveries();
    let order = sent.iter().find(|one| one.topic == "orders/create");
    let body = &order.expect("an order").body;
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let lines = body["line_items"].as_array().expect("lines");
    assert_eq!(lines.len(), 1);
    lines[0]["quantity"].as_i64().expect("pieces")
}

/// The page of the variant that blocks the one order.
async fn waiting_variant(app: &TestApp) -> String {
    let page = app.get("/mappings").await;
    page.assert_shows("blocks 1 order");
    page.attribute("li.match.is-open a.name", "href")
}

/// An item with so much stock in every location.
pub(super) fn item(app: &TestApp, sku: &str, name: &str, quantity: i64) -> ProductId {
    let new = NewProduct {
        sku: sku.to_owned(),
        name: name.to_owned(),
        ships: true,
        ..NewProduct::default()
    };
    let now = app.clock.now();
    let made = app.db().write_here(|conn| -> Result<_, ProductError> {
        let product = products::create(conn, &new, now)?;
        let place = locations::list(conn)?.remove(0).id;
        let movement = Movement {
            product,
            location: place,
            lot: None,
            quantity,
            reason: "count",
            source: "person",
            user: None,
        };
        stock::adjust(conn, &movement, now).expect("stock");
        Ok(product)
    });
    made.expect("an item")
}

fn reserved(app: &TestApp, items: &[ProductId]) -> Vec<i64> {
    level(app, items, |row| row.reserved)
}

fn on_hand(app: &TestApp, items: &[ProductId]) -> Vec<i64> {
    level(app, items, |row| row.on_hand)
}

fn level(
    app: &TestApp,
    items: &[ProductId],
    what: impl Fn(&stock_rows::LevelRow) -> i64,
) -> Vec<i64> {
    let rows = app.read(|conn| stock_rows::levels_of(conn, items));
    let of = |id: &ProductId| {
        let rows = rows.iter().filter(|row| row.product_id == *id);
        rows.map(&what).sum()
    };
    items.iter().map(of).collect()
}
