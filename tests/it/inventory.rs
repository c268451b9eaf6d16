//! Stock in step with a store, both ways: what changes on one side is on the other, once, and a number that cannot be
//! told says why.

use std::time::Duration;

use counterfoil::erp::holds::{self, HoldKind};
use counterfoil::erp::orders::{self, OrderError};
use counterfoil::erp::products::queries as products;
use counterfoil::erp::products::{self as items, Tracking};
use counterfoil::erp::stock::lots::{self, LotError, LotState};
use counterfoil::erp::stock::queries::{self as levels, LevelRow};
use counterfoil::erp::stock::{self, Movement, StockError};
use counterfoil::erp::users::roles::Role;
use counterfoil::platform::db::DbError;
use counterfoil::practice::catalogue::catalogue;
use counterfoil::practice::{Misbehaviour, OrderKind};
use counterfoil::shopify::inventory::MarkKind;
use counterfoil::shopify::inventory::queries::marks;
use counterfoil::shopify::mappings::parts::Parts;
use counterfoil::shopify::mappings::{self, By, MappingError, Origin, bulk};
use counterfoil::shopify::products::queries::{self as variants, VariantRow};
use counterfoil::shopify::shops::{self, Shop};
use counterfoil::types::{LocationId, LotId, ProductId, VariantId};
use serde_json::{Value, json};

use crate::support::api::Program;
use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::dice::{self, Dice};
use crate::support::visitor::{Form, Page};

both_databases!(
    nothing_is_told_before_somebody_turns_it_on,
    a_count_here_arrives_there_once,
    ten_quick_changes_are_one_push,
    a_sale_in_the_store_is_counted_once,
    what_leaves_here_is_taken_off_once,
    a_count_in_the_store_is_booked_here_once,
    a_shipment_that_the_store_has_not_heard_of_is_no_count,
    counts_on_both_sides_end_in_one_number,
    a_bad_row_does_not_stop_the_others,
    a_call_whose_answer_is_lost_is_sent_again_as_it_was,
    throttling_only_takes_time,
    a_closed_location_is_said_and_not_told,
    what_is_not_tracked_is_not_zero,
    each_store_that_sells_an_item_is_told,
    the_nightly_check_shows_and_mends_a_drift,
    buffer_and_cap_are_kept_back,
    a_shelf_that_two_stores_sell_from_is_counted_here,
    a_program_reads_the_same_facts_and_has_an_item_pushed,
    whatever_happens_on_both_sides_ends_as_a_model_says,
);

const PLACE: &str = "Portland DC";
const A_MOMENT: Duration = Duration::from_secs(3);
const A_WHILE: Duration = Duration::from_secs(30);
/// All of them.
const ITEMS: usize = 200;

async fn nothing_is_told_before_somebody_turns_it_on(kind: Kind) {
    let house = House::mapped(kind).await;
    let before = house.there(0);
    house.count(0, 5);
    house.app.pass(A_WHILE).await;
    assert_eq!(house.calls().len(), 0);
    house
        .item(0)
        .await
        .assert_shows("The stock sync of this store is off");

    // The preview reads and changes nothing.
    let page = house.settings().await;
    page.assert_shows("See what it would change");
    house.send(page.form(FORM).fill("intent", "save")).await;
    house.app.pass(A_WHILE).await;
    assert_eq!(house.calls().len(), 0);
    assert_eq!(house.there(0), before);
    let page = house.settings().await;
    page.assert_shows("What turning it on would change")
        .assert_shows(&format!("Shopify has {before}, we offer 45"));

    house.send(page.form(FORM).fill("intent", "on")).await;
    house.app.pass(A_WHILE).await;
    house.app.pass(A_WHILE).await;
    assert_eq!(house.there(0), 45);
    house.settings().await.assert_shows("Shopify was told 45");
}

async fn a_count_here_arrives_there_once(kind: Kind) {
    let house = House::on(kind).await;
    let before = house.calls().len();
    let page = house.item(0).await;
    let form = page.form("form[action$='/adjustments']");
    let form = form.fill("quantity", "5").fill("reason", "counted");
    house.send(form).await;
    house.app.pass(A_MOMENT).await;
    assert_eq!(house.there(0), 45);
    // Its webhook comes back and is recognised.
    for _ in 0..4 {
        house.app.pass(A_WHILE).await;
    }
    let calls = house.calls();
    assert_eq!(calls.len(), before + 1, "{calls:?}");
    let sent = &calls[before];
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["quantity"], 45);
    assert_eq!(sent[0]["changeFromQuantity"], 40);
    house
        .item(0)
        .await
        .assert_shows("on hand 45, reserved 0, buffer 0, offered 45")
        .assert_shows("by itself");
    house.assert_stock_adds_up();
}

async fn ten_quick_changes_are_one_push(kind: Kind) {
    let house = House::on(kind).await;
    let before = house.calls().len();
    for _ in 0..10 {
        house.count(0, 1);
    }
    house.app.pass(A_MOMENT).await;
    let calls = house.calls();
    assert_eq!(calls.len(), before + 1, "{calls:?}");
    assert_eq!(calls[before].len(), 1);
    assert_eq!(house.there(0), 50);
}

async fn a_sale_in_the_store_is_counted_once(kind: Kind) {
    let house = House::on(kind).await;
    let before = house.calls().len();
    for _ in 0..5 {
        let placed = house.app.practice.place_order(OrderKind::SeveralLines);
        house.app.pass(A_MOMENT).await;
        assert!(house.app.order(&placed.name).id.0 > 0);
    }
    house.app.pass(A_WHILE).await;
    house.assert_same_everywhere();
    assert_eq!(house.calls().len(), before, "the store knows its own sales");
    house.assert_stock_adds_up();
}

async fn what_leaves_here_is_taken_off_once(kind: Kind) {
    let house = House::on(kind).await;
    let placed = house.app.practice.place_order(OrderKind::OneLine);
    house.app.run_jobs().await;
    let order = house.app.order(&placed.name).id;
    let page = house.app.get(&format!("/orders/{order}")).await;
    let form = page.form("form[action$='/shipments']");
    house
        .send(form.fill("tracking", "1Z999AA10123456784"))
        .await;
    for _ in 0..3 {
        house.app.pass(A_WHILE).await;
    }
    house.assert_same_everywhere();
    house.assert_stock_adds_up();
}

async fn a_count_in_the_store_is_booked_here_once(kind: Kind) {
    let house = House::mapped(kind).await;
    house.turn_on("store").await;
    // Turned on, what lies there lies here.
    assert_eq!(house.here(1).on_hand, house.there(1));
    assert!(house.app.practice.count_stock(&house.sku(1), PLACE, 33));
    house.app.pass(A_MOMENT).await;
    assert_eq!(house.here(1).on_hand, 33);
    for _ in 0..3 {
        house.app.pass(A_WHILE).await;
    }
    let booked = house.ledger(1);
    let counted = booked.iter().filter(|row| row.1 == "counted in the store");
    // Once when it was turned on, once for the count.
    assert_eq!(counted.count(), 2, "{booked:?}");
    assert_eq!(house.calls().len(), 0, "the store's number is not set");
    house
        .item(1)
        .await
        .assert_shows("The store's number counts at this location");
    house.assert_stock_adds_up();
}

async fn a_shipment_that_the_store_has_not_heard_of_is_no_count(kind: Kind) {
    let house = House::mapped(kind).await;
    house.turn_on("store").await;
    let placed = house.app.practice.place_order(OrderKind::OneLine);
    house.app.run_jobs().await;
    let (sku, pieces) = house.app.practice.shipped_from(placed.id, PLACE).remove(0);
    let nth = house.skus.iter().position(|known| *known == sku);
    let nth = nth.expect("an article of Portland");
    let before = (house.here(nth).on_hand, house.ledger(nth).len());
    let order = house.app.order(&placed.name).id;
    let page = house.app.get(&format!("/orders/{order}")).await;
    let form = page.form("form[action$='/shipments']");
    house.send(form.fill("tracking", "1Z1")).await;
    // The store will be told in ten minutes, and what changed here has it asked at once.
    house.app.alter(
        "UPDATE jobs SET due_at = due_at + 600000000 WHERE kind = 'shopify.push_fulfillment'",
    );
    for _ in 0..3 {
        house.app.pass(A_WHILE).await;
    }
    let on_hand = |house: &House| {
        let there = house.app.practice.stock_of(&sku, PLACE);
        (
            house.here(nth).on_hand,
            there.expect("the article").on_hand(),
        )
    };
    assert_eq!(on_hand(&house), (before.0 - pieces, before.0));
    for _ in 0..3 {
        house.app.pass(Duration::from_secs(600)).await;
    }
    assert_eq!(on_hand(&house), (before.0 - pieces, before.0 - pieces));
    assert_eq!(house.ledger(nth).len(), before.1 + 1, "the shipment alone");
    house.assert_stock_adds_up();
}

async fn counts_on_both_sides_end_in_one_number(kind: Kind) {
    let house = House::on(kind).await;
    house.count(0, 5);
    assert!(house.app.practice.count_stock(&house.sku(0), PLACE, 77));
    for _ in 0..3 {
        house.app.pass(A_WHILE).await;
    }
    assert_eq!((house.here(0).on_hand, house.there(0)), (45, 45));

    // Lost, the store's webhook tells nothing: the call itself finds out.
    house.app.practice.misbehave(Misbehaviour::DropWebhooks, 1);
    assert!(house.app.practice.count_stock(&house.sku(1), PLACE, 12));
    house.count(1, -3);
    for _ in 0..3 {
        house.app.pass(A_WHILE).await;
    }
    assert_eq!((house.here(1).on_hand, house.there(1)), (37, 37));

    let house = House::mapped(kind).await;
    house.turn_on("store").await;
    house.count(0, 5);
    assert!(house.app.practice.count_stock(&house.sku(0), PLACE, 77));
    for _ in 0..3 {
        house.app.pass(A_WHILE).await;
    }
    assert_eq!((house.here(0).on_hand, house.there(0)), (77, 77));
    house.assert_stock_adds_up();
}

async fn a_bad_row_does_not_stop_the_others(kind: Kind) {
    let house = House::on(kind).await;
    assert!(house.app.practice.make_bundle(&house.sku(3)));
    let before = house.calls().len();
    for nth in 0..30 {
        house.count(nth, 1);
    }
    house.app.pass(A_MOMENT).await;
    for nth in 0..30 {
        let wanted = if nth == 3 { 40 } else { 41 };
        assert_eq!(house.there(nth), wanted, "{}", house.sku(nth));
    }
    let calls = house.calls();
    let sizes: Vec<usize> = calls[before..].iter().map(Vec::len).collect();
    assert_eq!(sizes, [30, 29]);
    house
        .item(3)
        .await
        .assert_shows("Shopify refused: The inventory of a bundle cannot be set");
    house
        .app
        .get("/sync")
        .await
        .assert_shows("1 number refused by Shopify");

    // It does not spoil every call from now on.
    house.count(3, 1);
    house.count(4, 1);
    house.app.pass(A_MOMENT).await;
    let calls = house.calls();
    assert_eq!(calls.len(), before + 3);
    assert_eq!(calls[before + 2].len(), 1);
}

async fn a_call_whose_answer_is_lost_is_sent_again_as_it_was(kind: Kind) {
    let house = House::on(kind).await;
    let before = house.keys().len();
    house
        .app
        .practice
        .misbehave(Misbehaviour::CloseAfterCommit, 1);
    house.count(0, 5);
    house.app.pass(A_MOMENT).await;
    house.count(0, 1);
    house.app.pass(Duration::from_secs(120)).await;
    let keys = house.keys();
    assert!(keys.len() >= before + 2, "{keys:?}");
    assert_eq!(keys[before], keys[before + 1], "the same call again");
    house.app.pass(A_WHILE).await;
    assert_eq!(house.there(0), 46);
    assert_eq!(house.keys().len(), before + 3);
}

async fn throttling_only_takes_time(kind: Kind) {
    let house = House::on(kind).await;
    house.app.practice.misbehave(Misbehaviour::Throttle, 12);
    house.count(0, 5);
    for _ in 0..14 {
        house.app.pass(A_WHILE).await;
    }
    assert_eq!(house.there(0), 45);
}

async fn a_closed_location_is_said_and_not_told(kind: Kind) {
    let house = House::on(kind).await;
    let id = house
        .app
        .practice
        .close_location(PLACE)
        .expect("a location");
    // Nobody has told us yet: Shopify says it.
    house.count(0, 5);
    house.app.pass(A_MOMENT).await;
    house
        .item(0)
        .await
        .assert_shows("Shopify refused: The specified location is not active");
    let body = json!({ "id": id }).to_string();
    let topic = "locations/deactivate";
    let answer = house
        .app
        .deliver_webhook(topic, "closed", body.as_bytes())
        .await;
    assert_eq!(answer.status, 200);
    house.app.run_jobs().await;
    house.count(1, 5);
    house.app.pass(A_WHILE).await;
    assert_eq!(house.there(1), 40);
    house
        .item(1)
        .await
        .assert_shows("This location is closed in Shopify");
}

async fn what_is_not_tracked_is_not_zero(kind: Kind) {
    let house = House::on(kind).await;
    assert!(house.app.practice.track(&house.sku(0), false));
    let told = house.app.practice.deliveries();
    let told = told
        .iter()
        .rfind(|one| one.topic == "inventory_levels/update");
    let mut body: Value = serde_json::from_str(&told.expect("one").body).expect("JSON");
    body["inventory_item_id"] = json!(house.item_id(0));
    body["available"] = Value::Null;
    let topic = "inventory_levels/update";
    let body = body.to_string();
    house
        .app
        .deliver_webhook(topic, "untracked", body.as_bytes())
        .await;
    house.app.pass(A_MOMENT).await;
    let before = house.calls().len();
    house.count(0, 5);
    house.app.pass(A_WHILE).await;
    assert_eq!(house.calls().len(), before);
    assert_eq!(house.here(0).on_hand, 45, "nothing was booked from it");
    house
        .item(0)
        .await
        .assert_shows("Shopify does not track how many there are");
}

async fn each_store_that_sells_an_item_is_told(kind: Kind) {
    let house = House::on(kind).await;
    let second = "second-store.myshopify.com";
    house.app.add_store(second);
    let other = house.app.read(shops::list);
    let other = other.iter().find(|shop| shop.domain.as_str() == second);
    let other = other.expect("the second store").id;
    house.app.alter(&format!(
        "INSERT INTO shopify_inventory_settings (shop_id, is_on, buffer, changed_at) VALUES ({other}, TRUE, 0, 0)"
    ));
    house.count(0, 1);
    for shop in [house.shop.id, other] {
        let mut marked = house.app.read(|conn| marks::list(conn, shop, 100));
        marked.retain(|mark| mark.kind == MarkKind::Moved);
        assert_eq!(marked.len(), 1, "{marked:?}");
    }
    house.app.alter(&format!(
        "UPDATE shopify_inventory_settings SET is_on = FALSE WHERE shop_id = {other}"
    ));
    house.app.pass(A_MOMENT).await;
    assert_eq!(house.there(0), 41);
}

async fn the_nightly_check_shows_and_mends_a_drift(kind: Kind) {
    let house = House::on(kind).await;
    house.app.practice.misbehave(Misbehaviour::DropWebhooks, 1);
    assert!(house.app.practice.count_stock(&house.sku(0), PLACE, 77));
    house.app.pass(A_WHILE).await;
    assert_eq!(house.there(0), 77, "nobody has told us");
    // Three in the morning where the store is.
    house.app.pass(Duration::from_secs(23 * 3600)).await;
    house.app.pass(A_WHILE).await;
    assert_eq!(house.there(0), 40);
    // Whoever had signed in has to do it again after such a night.
    let owner = house.app.signed_in(Role::Owner).await;
    let path = format!("/integrations/shopify/{}/stock", house.shop.id);
    owner
        .get(&path)
        .await
        .assert_shows("1 differs")
        .assert_shows("Mended");
    house.assert_same_everywhere();
}

async fn buffer_and_cap_are_kept_back(kind: Kind) {
    let house = House::on(kind).await;
    let page = house.settings().await;
    let wrong = page.form(FORM).fill("buffer", "many").fill("cap", "-1");
    house
        .send(wrong.fill("intent", "save"))
        .await
        .assert_status(422)
        .assert_shows("Enter how many are kept back: 0 or more")
        .assert_shows("Enter a number of pieces, or nothing for no limit");
    let form = page.form(FORM).fill("buffer", "4").fill("cap", "30");
    house.send(form.fill("intent", "save")).await;
    house.app.pass(A_WHILE).await;
    house.app.pass(A_WHILE).await;
    assert_eq!(house.there(0), 30);
    house.count(0, -20);
    house.app.pass(A_MOMENT).await;
    assert_eq!(house.there(0), 16);
    house
        .item(0)
        .await
        .assert_shows("on hand 20, reserved 0, buffer 4, at most 30, offered 16");
}

async fn a_shelf_that_two_stores_sell_from_is_counted_here(kind: Kind) {
    let house = House::mapped(kind).await;
    house.app.add_store("second-store.myshopify.com");
    let place = house.place();
    house.app.alter(&format!(
        "INSERT INTO shopify_locations (shop_id, external_id, name, active, location_id) \
         SELECT id, '77', 'Shared', TRUE, {place} FROM shopify_shops WHERE domain = 'second-store.myshopify.com'"
    ));
    let page = house.settings().await;
    let form = page.form(FORM);
    let field = house.master_field(&page);
    let refused = house
        .send(form.fill(&field, "store").fill("intent", "on"))
        .await;
    refused
        .assert_status(422)
        .assert_shows("so our number has to count there");
}

async fn a_program_reads_the_same_facts_and_has_an_item_pushed(kind: Kind) {
    let house = House::on(kind).await;
    assert!(house.app.practice.make_bundle(&house.sku(0)));
    house.count(0, 2);
    house.app.pass(A_MOMENT).await;
    let program = Program::of(&house.app);
    let path = format!("/inventory?sku={}", house.sku(0));
    let (status, found) = program.get(&path).await;
    assert_eq!(status, 200, "{found}");
    let store = &found["data"][0]["stores"][0];
    assert_eq!(store["sync"], true);
    let offers = store["offers"].as_array().expect("offers");
    let offer = offers.iter().find(|it| it["location"] == PLACE);
    let offer = offer.expect("an offer");
    assert_eq!(offer["offered"], 42);
    assert_eq!(offer["shopify_available"], 40);
    assert_eq!(offer["why_not"], "refused");
    let before = house.calls().len();
    let wish = json!({ "sku": house.sku(0) });
    let (status, asked) = program.post("/inventory/pushes", wish).await;
    assert_eq!(status, 202, "{asked}");
    // Its number is read first, and a number that was just read is not raised at once.
    house.app.pass(A_MOMENT).await;
    house.app.pass(A_WHILE).await;
    assert_eq!(house.calls().len(), before + 1, "it is tried once more");
    let wish = json!({ "sku": "no such item" });
    let (status, _) = program.post("/inventory/pushes", wish).await;
    assert_eq!(status, 404);
}

/// Counts here and there, sales, cancellations, refunds, holds, lots that are called back, parcels that somebody else
/// sends, and everything that can go wrong between; one article is a kit of two others, another lies in two lots. What lies here in the end is what was counted here less what has
/// left, by a book that the story keeps itself; what is for sale is that less what the store still has to ship from here.
async fn whatever_happens_on_both_sides_ends_as_a_model_says(kind: Kind) {
    let seed = dice::seed();
    let mut dice = Dice::of(seed);
    let house = House::on(kind).await;
    house.make_kit(KIT, &IN_KIT);
    let called_back = house.part_into_lots();
    let mut lies = vec![40_i64; house.skus.len()];
    let mut open: Vec<u64> = Vec::new();
    let faults = [
        (Misbehaviour::Throttle, 2),
        (Misbehaviour::ServerError, 1),
        (Misbehaviour::CloseAfterCommit, 1),
        (Misbehaviour::DuplicateWebhooks, 3),
        (Misbehaviour::ReorderWebhooks, 2),
        (Misbehaviour::DelayWebhooks, 2),
        (Misbehaviour::DropWebhooks, 1),
    ];
    for _ in 0..dice::number("COUNTERFOIL_STOCK_CHANGES", 100) {
        let nth = dice.place(8);
        match dice.roll(16) {
            11 if !open.is_empty() => house.hold_or_release(open[dice.place(open.len())]),
            12 => house.block_or_release(called_back),
            0..=3 => {
                let quantity = i64::try_from(dice.roll(13)).expect("small") - 6;
                if quantity != 0 && lies[nth] + quantity >= 0 {
                    house.count(nth, quantity);
                    lies[nth] += quantity;
                }
            }
            4 => {
                let counted = i64::try_from(dice.roll(90)).expect("small");
                let there = house
                    .app
                    .practice
                    .count_stock(&house.sku(nth), PLACE, counted);
                assert!(there);
            }
            5 | 6 => {
                let placed = house.app.practice.place_order(OrderKind::SeveralLines);
                open.push(placed.id);
            }
            7 if !open.is_empty() => {
                let which = dice.place(open.len());
                if house.app.practice.cancel_order(open[which]) {
                    open.swap_remove(which);
                }
            }
            9 if !open.is_empty() => {
                house
                    .app
                    .practice
                    .refund_order(open[dice.place(open.len())]);
            }
            10 if !open.is_empty() => {
                let which = dice.place(open.len());
                let left = house.leaving(open[which]);
                let mut rest = lies.clone();
                for (item, pieces) in left {
                    rest[item] -= pieces;
                }
                // Nobody can send what does not lie there.
                if rest.iter().all(|pieces| *pieces >= 0)
                    && house.app.practice.fulfill_elsewhere(open[which])
                {
                    lies = rest;
                    open.swap_remove(which);
                }
            }
            8 => {
                let (fault, times) = faults[dice.place(faults.len())];
                house.app.practice.misbehave(fault, times);
            }
            _ => house.app.pass(Duration::from_secs(1 + dice.roll(20))).await,
        }
        if dice.happens(40) {
            house.app.run_jobs().await;
        }
    }
    for (fault, _times) in faults {
        house.app.practice.misbehave(fault, 0);
    }
    house.release(called_back);
    // What was lost is found by the looks, and the rest in the night.
    for _ in 0..4 {
        house.app.pass(Duration::from_secs(6 * 60)).await;
    }
    house.app.pass(Duration::from_secs(23 * 3600)).await;
    for _ in 0..6 {
        house.app.pass(A_WHILE).await;
    }
    house.assert_both_sides(&lies, &open, seed);
    house.assert_stock_adds_up();
}

/// The article that is a kit, and what is in it: which articles, and how many of each.
const KIT: usize = 7;
const IN_KIT: [(usize, i64); 2] = [(0, 1), (1, 2)];

/// The article that lies in two lots.
const IN_LOTS: usize = 2;

fn inside(nth: usize) -> Vec<(usize, i64)> {
    if nth == KIT {
        IN_KIT.to_vec()
    } else {
        vec![(nth, 1)]
    }
}

const FORM: &str = "form[action$='/stock']";

/// A house whose store sells what lies on its shelves: 40 of each article in the one location that is ours.
struct House {
    app: TestApp,
    shop: Shop,
    skus: Vec<String>,
}

impl House {
    async fn mapped(kind: Kind) -> House {
        let app = TestApp::connected(kind).await;
        app.add_items(0..ITEMS);
        let now = app.clock.now();
        let shop = app.read(shops::list).remove(0);
        let mapped = app.db().write_here(|conn| -> Result<_, DbError> {
            let by = By {
                shop: &shop,
                user: None,
                now,
            };
            let exact = bulk::look(conn, &shop, VariantId(0), 1_000)?.matches;
            let ids: Vec<_> = exact.into_iter().map(|(variant, _item)| variant).collect();
            Ok(bulk::accept_exact(conn, by, &ids).expect("mapped"))
        });
        assert!(mapped.expect("mapped").variants > 30);
        let skus = catalogue()
            .into_iter()
            .filter(|it| it.ordinary && it.requires_shipping)
            .filter(|it| it.quantities.contains_key(PLACE))
            .filter_map(|it| it.sku)
            .collect();
        House { app, shop, skus }
    }

    /// As `mapped`, with the sync on and both sides the same.
    async fn on(kind: Kind) -> House {
        let house = House::mapped(kind).await;
        house.turn_on("erp").await;
        assert_eq!(house.there(0), 40);
        house
    }

    async fn turn_on(&self, master: &str) {
        let page = self.settings().await;
        let field = self.master_field(&page);
        let form = page.form(FORM).fill(&field, master).fill("intent", "on");
        self.send(form).await.assert_shows("The stock sync is on");
        self.app.pass(A_WHILE).await;
        self.app.pass(A_WHILE).await;
    }

    /// The field that says whose number counts in Portland.
    fn master_field(&self, page: &Page) -> String {
        let labels = page.texts("label[for^='f-master-']");
        let nth = labels.iter().position(|label| label.starts_with(PLACE));
        let nth = nth.expect("the location's field");
        let places = self
            .app
            .read(|conn| counterfoil::shopify::inventory::queries::list_places(conn, self.shop.id));
        format!("master-{}", places[nth].id)
    }

    async fn settings(&self) -> Page {
        let path = format!("/integrations/shopify/{}/stock", self.shop.id);
        self.app.get(&path).await
    }

    async fn send(&self, form: Form) -> Page {
        self.app.owner().submit(form).await
    }

    fn sku(&self, nth: usize) -> String {
        self.skus[nth].clone()
    }

    fn product(&self, nth: usize) -> ProductId {
        let found = self
            .app
            .read(|conn| products::find_by_sku(conn, &self.skus[nth]));
        found.expect("an item").id
    }

    async fn item(&self, nth: usize) -> Page {
        self.app
            .get(&format!("/products/{}", self.product(nth)))
            .await
    }

    /// What the store still has Portland ship of an order: articles in a kit each by itself.
    fn leaving(&self, order: u64) -> Vec<(usize, i64)> {
        let mut leaving = Vec::new();
        for (sku, quantity) in self.app.practice.shipped_from(order, PLACE) {
            let nth = self.skus.iter().position(|known| *known == sku);
            for (item, each) in inside(nth.expect("an article of Portland")) {
                leaving.push((item, each * quantity));
            }
        }
        leaving
    }

    #[track_caller]
    fn assert_both_sides(&self, lies: &[i64], open: &[u64], seed: u64) {
        let mut promised = vec![0_i64; lies.len()];
        for (item, pieces) in open.iter().flat_map(|order| self.leaving(*order)) {
            promised[item] += pieces;
        }
        for (nth, on_hand) in lies.iter().enumerate() {
            let sku = self.sku(nth);
            assert_eq!(self.here(nth).on_hand, *on_hand, "{sku} here, seed {seed}");
            let whole = |(item, each): (usize, i64)| (lies[item] - promised[item]).max(0) / each;
            let offered = inside(nth).into_iter().map(whole).min();
            assert_eq!(Some(self.there(nth)), offered, "{sku} there, seed {seed}");
        }
    }

    /// Makes an article a kit of others: which, and how many of each.
    fn make_kit(&self, nth: usize, inside: &[(usize, i64)]) {
        let parts = inside
            .iter()
            .map(|(part, each)| (self.product(*part), *each));
        let parts = Parts::new(parts).expect("parts");
        let sku = self.sku(nth);
        let now = self.app.clock.now();
        let done = self
            .app
            .db()
            .write_here(|conn| -> Result<(), MappingError> {
                let by = By {
                    shop: &self.shop,
                    user: None,
                    now,
                };
                let mut all =
                    (1..=200).map(|id| variants::find(conn, VariantId(id)).expect("rows"));
                let is_meant = |row: &VariantRow| row.sku.as_ref() == Some(&sku);
                let variant = all
                    .find_map(|row| row.filter(is_meant))
                    .expect("a variant")
                    .id;
                mappings::remove(conn, by, variant)?;
                mappings::accept(conn, by, variant, &parts, Origin::Person).map(drop)
            });
        done.expect("a kit");
    }

    /// Half of an article lies in one lot, half in another; the second one is returned.
    fn part_into_lots(&self) -> LotId {
        let (product, now) = (self.product(IN_LOTS), self.app.clock.now());
        let done = self.app.db().write_here(|conn| -> Result<_, LotError> {
            items::set_tracking(conn, product, Tracking::Lot, None, now).expect("lots");
            let all = Movement {
                product,
                location: self.place(),
                lot: None,
                quantity: -40,
                reason: "lot named",
                source: "person",
                user: None,
            };
            stock::adjust(conn, &all, now)?;
            let mut last = None;
            for code in ["L-1", "L-2"] {
                last = Some(lots::name(conn, product, code, None, now)?);
                let half = Movement {
                    lot: last,
                    quantity: 20,
                    ..all.clone()
                };
                stock::adjust(conn, &half, now)?;
            }
            Ok(last)
        });
        done.expect("two lots").expect("the second")
    }

    /// A lot is called back, or may leave again.
    fn block_or_release(&self, lot: LotId) {
        let now = self.app.clock.now();
        let done = self.app.db().write_here(|conn| {
            let row = levels::lots::find(conn, lot)?.expect("the lot");
            if row.state == LotState::Open {
                lots::block(conn, lot, "a test", None, now)
            } else {
                lots::release(conn, lot, None, now)
            }
        });
        done.expect("another state");
    }

    fn release(&self, lot: LotId) {
        let now = self.app.clock.now();
        let done = self
            .app
            .db()
            .write_here(|conn| lots::release(conn, lot, None, now));
        done.expect("a lot that may leave");
    }

    /// Somebody here holds an order, or lets it go; nothing where it has not arrived.
    fn hold_or_release(&self, order: u64) {
        let (now, order) = (self.app.clock.now(), order.to_string());
        let known = self.app.orders();
        let Some(order) = known.iter().find(|row| row.external_id == order) else {
            return;
        };
        let done = self.app.db().write_here(|conn| -> Result<(), OrderError> {
            let holds = holds::queries::list_open(conn, order.id)?;
            match holds.iter().find(|hold| hold.kind == HoldKind::Manual) {
                Some(hold) => orders::release_hold(conn, order.id, hold.id, None, now),
                None => orders::hold(conn, order.id, Some("a look"), None, now),
            }
        });
        done.expect("held or not");
    }

    fn place(&self) -> LocationId {
        self.app.read(counterfoil::erp::locations::list)[0].id
    }

    /// So many more of an article lie here.
    fn count(&self, nth: usize, quantity: i64) {
        let product = self.product(nth);
        let first = self
            .app
            .read(|conn| levels::lots::find_by_code(conn, product, "l-1"));
        let movement = Movement {
            product,
            location: self.place(),
            lot: first.filter(|_| quantity > 0).map(|lot| lot.id),
            quantity,
            reason: "count",
            source: "person",
            user: None,
        };
        let now = self.app.clock.now();
        let done = self.app.db().write_here(|conn| -> Result<(), StockError> {
            stock::adjust_any(conn, &movement, now)
        });
        done.expect("stock");
    }

    /// What lies here of an article, all lots together.
    fn here(&self, nth: usize) -> LevelRow {
        let product = self.product(nth);
        let found = self.app.read(|conn| levels::levels_of(conn, &[product]));
        let whole = |sum: LevelRow, level: LevelRow| LevelRow {
            on_hand: sum.on_hand + level.on_hand,
            reserved: sum.reserved + level.reserved,
            ..sum
        };
        found.into_iter().reduce(whole).expect("a level")
    }

    /// What the store has to sell.
    fn there(&self, nth: usize) -> i64 {
        let found = self.app.practice.stock_of(&self.skus[nth], PLACE);
        found.expect("the article").available
    }

    fn ledger(&self, nth: usize) -> Vec<(i64, String)> {
        let product = self.product(nth);
        let rows = self
            .app
            .read(|conn| levels::list_movements(conn, product, None, 100));
        rows.into_iter()
            .map(|row| (row.quantity, row.reason))
            .collect()
    }

    /// Shopify's id of an article's stock.
    fn item_id(&self, nth: usize) -> u64 {
        let sku = self.skus[nth].clone();
        let calls = self.app.read(|conn| {
            let found = mappings::queries::list_by_id(
                conn,
                Some(self.shop.id),
                None,
                Some(&sku),
                VariantId(0),
                1,
            )?;
            let ids: Vec<_> = found.iter().map(|row| row.id).collect();
            counterfoil::shopify::inventory::queries::parts::list_items(conn, &ids)
        });
        calls[0].parse().expect("a number")
    }

    /// Each call that set numbers: its rows.
    fn calls(&self) -> Vec<Vec<Value>> {
        let requests = self.app.practice.requests();
        let sets = requests
            .iter()
            .filter(|it| it.operation == "InventorySetQuantities");
        sets.map(|it| {
            let rows = it.variables["input"]["quantities"].as_array();
            rows.cloned().unwrap_or_default()
        })
        .collect()
    }

    fn keys(&self) -> Vec<Value> {
        let requests = self.app.practice.requests();
        let sets = requests
            .iter()
            .filter(|it| it.operation == "InventorySetQuantities");
        sets.map(|it| it.variables["key"].clone()).collect()
    }

    /// On hand less reserved here is what may be sold there.
    #[track_caller]
    fn assert_same_everywhere(&self) {
        for nth in 0..self.skus.len() {
            assert_eq!(self.here(nth).free(), self.there(nth), "{}", self.skus[nth]);
        }
    }

    fn assert_stock_adds_up(&self) {
        assert_eq!(self.app.read(stock::wrong_levels), Vec::<String>::new());
    }
}
