//! Saying which item a store's product is, and what that does to the orders that waited for it.

mod files;
mod kits;
mod many;
mod rules;

use counterfoil::erp::orders::WorkState;
use counterfoil::erp::products::{self, NewProduct};
use counterfoil::practice::OrderKind;
use counterfoil::shopify::mappings;
use counterfoil::shopify::mappings::queries::View;
use counterfoil::shopify::mappings::queries::page::{self, Wanted};
use counterfoil::shopify::mappings::search::Found;
use counterfoil::shopify::products::queries::VariantRow;
use counterfoil::shopify::shops::{self, Shop};
use counterfoil::types::ChannelId;

use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    a_catalogue_is_imported_and_waits_to_be_mapped,
    exact_matches_are_previewed_accepted_and_undone,
    exact_matches_ignore_case_and_leave_doubt_to_a_person,
    orders_wait_for_a_variant_of_their_own_store,
    accepting_a_suggestion_frees_the_order_that_waited,
    a_product_becomes_an_item_or_is_ignored_and_can_be_taken_back,
    a_product_update_keeps_the_mirror,
    an_order_of_an_unknown_product_has_it_read,
);

async fn a_catalogue_is_imported_and_waits_to_be_mapped(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let all = variants(&app, View::Unmapped);
    assert!(all.len() > 40, "{}", all.len());
    let page = app.get("/mappings").await;
    page.assert_shows(&format!("0 of {} variants mapped", all.len()))
        .assert_shows("No likely item");
    let older = page.link("Older");
    app.get(&format!("/mappings{older}"))
        .await
        .assert_status(200)
        .assert_lacks(&all[0].product_title);
}

async fn exact_matches_are_previewed_accepted_and_undone(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let all = variants(&app, View::Unmapped);
    let twins: Vec<&VariantRow> = all.iter().filter(|row| row.sku.is_some()).take(3).collect();
    for twin in &twins {
        add_item(&app, twin, twin.sku.as_deref().expect("a SKU"));
    }
    let page = app.get("/mappings").await;
    let preview = app.get(&page.link("Accept 3 exact SKU matches")).await;
    preview.assert_shows(twins[0].sku.as_deref().expect("a SKU"));
    assert_eq!(
        variants(&app, View::Mapped).len(),
        0,
        "a preview changes nothing"
    );
    let done = app
        .owner()
        .submit(preview.form("form[action$='/mappings/acceptances']"))
        .await;
    done.assert_shows("3 variants mapped.");
    assert_eq!(variants(&app, View::Mapped).len(), 3);
    let undone = app
        .owner()
        .submit(done.form("form[action*='/mappings/batches/']"))
        .await;
    undone.assert_shows("3 variants unmapped again.");
    assert_eq!(variants(&app, View::Mapped).len(), 0);
}

async fn exact_matches_ignore_case_and_leave_doubt_to_a_person(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let all = variants(&app, View::Unmapped);
    let mut products = std::collections::BTreeSet::new();
    let coded: Vec<&VariantRow> = all
        .iter()
        .filter(|row| row.sku.is_some() && products.insert(&row.product_external_id))
        .collect();
    let sku = |row: &VariantRow| row.sku.clone().expect("a SKU");
    // In small letters here, and with spaces around it there: the same.
    add_item(&app, coded[0], &sku(coded[0]).to_lowercase());
    add_item(&app, coded[1], &sku(coded[1]));
    let spaced = format!(" {} ", sku(coded[1]).to_lowercase());
    sell_as(&app, coded[1], &spaced).await;
    // Two items differ by case alone: which one is it?
    add_item(&app, coded[2], &sku(coded[2]).to_uppercase());
    add_item(&app, coded[2], &sku(coded[2]).to_lowercase());
    // Two variants do.
    add_item(&app, coded[3], &sku(coded[3]));
    sell_as(&app, coded[4], &sku(coded[3]).to_lowercase()).await;
    let page = app.get("/mappings").await;
    let preview = app.get(&page.link("Accept 2 exact SKU matches")).await;
    let done = app
        .owner()
        .submit(preview.form("form[action$='/mappings/acceptances']"))
        .await;
    done.assert_shows("2 variants mapped.");
    let mut mapped: Vec<_> = variants(&app, View::Mapped)
        .into_iter()
        .map(|row| row.id)
        .collect();
    mapped.sort();
    let mut expected = vec![coded[0].id, coded[1].id];
    expected.sort();
    assert_eq!(mapped, expected);
}

async fn orders_wait_for_a_variant_of_their_own_store(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    let shop = app.read(shops::list).remove(0);
    let all = variants(&app, View::Unmapped);
    let all: Vec<&str> = all.iter().map(|row| row.external_id.as_str()).collect();
    let waiting = |shop: &Shop| app.read(|conn| mappings::blocking(conn, shop, &all));
    assert_eq!(waiting(&shop).into_values().collect::<Vec<_>>(), [1]);
    let elsewhere = Shop {
        channel: ChannelId(shop.channel.0 + 1),
        ..shop
    };
    assert_eq!(waiting(&elsewhere).len(), 0, "another store's variant");
}

async fn accepting_a_suggestion_frees_the_order_that_waited(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    let order = app.orders().remove(0);
    assert_eq!(order.work_state, WorkState::Unmapped);
    let page = app.get("/mappings").await;
    page.assert_shows("blocks 1 order");
    let title = page.attribute("li.match.is-open a.name", "href");
    let id = title.rsplit('/').next().expect("an id").to_owned();
    let all = variants(&app, View::Unmapped);
    let blocking = all.iter().find(|row| row.id.to_string() == id);
    let blocking = blocking.expect("the variant that blocks comes first");
    add_item(&app, blocking, "another-sku");
    let page = app.get("/mappings").await;
    page.assert_shows("SKU differs").assert_shows("Title");
    let done = app
        .owner()
        .submit(page.form("li.match.is-open form[action$='/acceptance']"))
        .await;
    done.assert_shows("1 variant mapped. 1 order is free.");
    let order = app.order(&order.facts.name);
    assert_ne!(order.work_state, WorkState::Unmapped);
    // The next order of it comes in mapped.
    let undone = app
        .owner()
        .submit(done.form("form[action*='/mappings/batches/']"))
        .await;
    undone.assert_shows("unmapped again");
    assert_eq!(app.order(&order.facts.name).work_state, WorkState::Unmapped);
}

async fn a_product_becomes_an_item_or_is_ignored_and_can_be_taken_back(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let all = variants(&app, View::Unmapped);
    let [first, second] = [&all[0], &all[1]];
    let page = app.get(&format!("/mappings/{}", first.id)).await;
    let form = page.form("form[action$='/item']").fill("sku", "NEW-1");
    app.owner()
        .submit(form)
        .await
        .assert_shows("1 variant mapped.");
    let page = app.get(&format!("/mappings/{}", second.id)).await;
    let taken = page.form("form[action$='/item']").fill("sku", "NEW-1");
    let answer = app.owner().submit(taken).await;
    answer.assert_status(422).assert_shows("already in use");
    let ignore = page.form("form[action$='/exclusion']");
    app.owner().submit(ignore).await.assert_shows("Ignored");
    assert_eq!(variants(&app, View::Ignored).len(), 1);
    let page = app.get(&format!("/mappings/{}", second.id)).await;
    let back = page.form("form[action$='/removal']");
    app.owner()
        .submit(back)
        .await
        .assert_shows("Unmapped again");
    assert_eq!(variants(&app, View::Ignored).len(), 0);
    let page = app.get(&format!("/mappings/{}", second.id)).await;
    page.assert_shows("History").assert_shows("nothing of ours");
    // Both mappings of one variant at once: the second is told so.
    let page = app.get(&format!("/mappings/{}", first.id)).await;
    let back = page.form("form[action$='/removal']");
    app.owner().submit(back).await.assert_status(200);
    let search = app.get(&format!("/mappings/{}?q=NEW-1", first.id)).await;
    let accept = || search.form("form[action$='/acceptance']");
    app.owner().submit(accept()).await.assert_status(200);
    let again = app.owner().submit(accept()).await;
    again.assert_status(409).assert_shows("mapped already");
}

async fn a_product_update_keeps_the_mirror(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let row = variants(&app, View::Unmapped)
        .into_iter()
        .find(|row| row.sku.is_some())
        .expect("a variant with a SKU");
    let sku = row.sku.clone().expect("a SKU");
    app.clock.advance(std::time::Duration::from_secs(60));
    assert!(app.practice.update_product(&sku, "Renamed Tea"));
    app.run_jobs().await;
    let now = variants(&app, View::Unmapped);
    let renamed = now
        .iter()
        .find(|one| one.id == row.id)
        .expect("still there");
    assert_eq!(renamed.product_title, "Renamed Tea");
    assert_eq!(renamed.weight_grams, row.weight_grams);
    let item = app.read(|conn| products::find_by_sku(conn, &sku));
    assert_eq!(item, None, "an update makes no item of ours");
}

async fn an_order_of_an_unknown_product_has_it_read(kind: Kind) {
    let elsewhere = TestApp::connected(kind).await;
    elsewhere.practice.place_order(OrderKind::OneLine);
    elsewhere.run_jobs().await;
    let sent = elsewhere.practice.deliveries();
    let order = sent.iter().find(|one| one.topic == "orders/create");
    let body = &order.expect("an order").body;

    let app = TestApp::start(kind).await;
    app.connect().await.assert_status(200);
    // The order is there before the catalogue.
    app.deliver_webhook("orders/create", "w1", body.as_bytes())
        .await;
    app.run_jobs().await;
    let asked = app.practice.requests();
    assert!(
        asked
            .iter()
            .any(|request| request.operation == "ProductVariantsOf")
    );
    app.get("/mappings").await.assert_shows("blocks 1 order");
}

/// The store changes the SKU of a variant.
async fn sell_as(app: &TestApp, row: &VariantRow, sku: &str) {
    let old = row.sku.as_deref().expect("a SKU");
    app.clock.advance(std::time::Duration::from_secs(60));
    assert!(app.practice.update_product(old, &row.product_title));
    app.run_jobs().await;
    let sent = app.practice.deliveries();
    let update = sent.iter().rfind(|one| one.topic == "products/update");
    let mut body: serde_json::Value =
        serde_json::from_str(&update.expect("an update").body).expect("JSON");
    for variant in body["variants"].as_array_mut().expect("variants") {
        if variant["sku"] == old {
            variant["sku"] = sku.into();
        }
    }
    let body = body.to_string();
    let answer = app.deliver_webhook("products/update", sku, body.as_bytes());
    assert_eq!(answer.await.status, 200);
    app.run_jobs().await;
}

fn add_item(app: &TestApp, twin: &VariantRow, sku: &str) {
    let new = NewProduct {
        sku: sku.to_owned(),
        name: match &twin.variant_title {
            Some(option) => format!("{}, {option}", twin.product_title),
            None => twin.product_title.clone(),
        },
        barcode: None,
        weight_grams: twin.weight_grams,
        ships: true,
    };
    let now = app.clock.now();
    let made = app
        .db()
        .write_here(|conn| products::create(conn, &new, now));
    made.expect("an item");
}

fn variants(app: &TestApp, view: View) -> Vec<VariantRow> {
    app.read(|conn| {
        let shop = shops::list(conn)?.remove(0);
        let wanted = Wanted {
            shop: shop.id,
            view,
            found: &Found::Everything,
            except: &[],
        };
        Ok(page::page(conn, wanted, None, 20_000)?.rows)
    })
}
