//! Rules that map what a store adds or changes, and the questions about what they doubt.

use counterfoil::erp::orders::WorkState;
use counterfoil::erp::products::{self, NewProduct};
use counterfoil::practice::OrderKind;
use counterfoil::shopify::mappings::queries::View;
use counterfoil::shopify::products::queries::VariantRow;

use super::kits::item;
use super::{sell_as, variants};
use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::Page;

both_databases!(
    a_rule_maps_what_changes_once_it_is_turned_on,
    a_barcode_and_a_sku_behind_a_prefix_find_their_items,
    two_claimants_are_shown_and_nothing_is_mapped,
    what_somebody_unmapped_is_left_to_people,
    a_sku_that_changed_under_its_mapping_is_asked_about,
    a_prefix_that_is_none_shows_the_rules_again,
    a_rival_on_a_later_page_of_an_import_is_seen,
    a_mapping_outlives_its_product_and_is_asked_about,
);

async fn a_rule_maps_what_changes_once_it_is_turned_on(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let placed = app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    let row = blocking(&app).await;
    item(&app, "RULE-1", "Mapped by a rule", 100);
    sell_as(&app, &row, "RULE-1").await;
    assert_eq!(
        variants(&app, View::Mapped).len(),
        0,
        "rules are off at first"
    );
    turn_on(&app, &[("sku", "1")])
        .await
        .assert_shows("Rules saved.");
    let log = app.get("/settings/audit").await;
    log.assert_shows("Mapping rules: SKU equal");
    sell_as(&app, &row, "rule-1").await;
    let mapped = variants(&app, View::Mapped);
    assert_eq!(mapped.len(), 1);
    assert_eq!(mapped[0].id, row.id);
    assert_eq!(app.order(&placed.name).work_state, WorkState::Ready);
    let page = app.get(&format!("/mappings/{}", row.id)).await;
    page.assert_shows("Mapped by a rule")
        .assert_shows("SKU equal");
}

async fn a_barcode_and_a_sku_behind_a_prefix_find_their_items(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let rows = coded(&app);
    let alone = |row: &&VariantRow| {
        let same = rows.iter().filter(|other| other.barcode == row.barcode);
        row.barcode.is_some() && same.count() == 1
    };
    let first = rows
        .iter()
        .find(alone)
        .expect("a barcode of its own")
        .clone();
    let second = rows
        .iter()
        .find(|row| row.id != first.id)
        .expect("another")
        .clone();
    let new = NewProduct {
        sku: "ANOTHER-SKU".to_owned(),
        name: "By its barcode".to_owned(),
        barcode: first.barcode.clone(),
        ships: true,
        ..NewProduct::default()
    };
    let now = app.clock.now();
    let made = app
        .db()
        .write_here(|conn| products::create(conn, &new, now));
    made.expect("an item");
    item(&app, "POT-9", "Behind the prefix", 1);
    turn_on(&app, &[("barcode", "1"), ("prefix", "SHOP-")]).await;
    sell_as(&app, &second, "shop-pot-9").await;
    let page = app.get(&format!("/mappings/{}", second.id)).await;
    page.assert_shows("Behind the prefix")
        .assert_shows("prefix SHOP-");
    sell_as(&app, &first, "nobody-has-this").await;
    let page = app.get(&format!("/mappings/{}", first.id)).await;
    page.assert_shows("By its barcode")
        .assert_shows("barcode equal");
}

async fn two_claimants_are_shown_and_nothing_is_mapped(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let rows = coded(&app);
    item(&app, "BOTH", "Wanted by two", 1);
    sell_as(&app, &rows[0], "BOTH").await;
    turn_on(&app, &[("sku", "1")]).await;
    sell_as(&app, &rows[1], "both").await;
    assert_eq!(variants(&app, View::Mapped).len(), 0);
    let page = app.get("/mappings?view=conflicts&store=1").await;
    page.assert_shows("Several have this SKU")
        .assert_shows("Item Wanted by two")
        .assert_shows(&rows[1].product_title)
        .assert_shows(&rows[0].product_title);
    // Two items are as bad as two variants.
    item(&app, "pair", "One of a pair", 1);
    item(&app, "PAIR", "The other of the pair", 1);
    sell_as(&app, &rows[2], "Pair").await;
    assert_eq!(variants(&app, View::Mapped).len(), 0);
    let page = app.get(&format!("/mappings/{}", rows[2].id)).await;
    page.assert_shows("Item One of a pair")
        .assert_shows("Item The other of the pair");
    // A person decides, and is not asked again.
    let found = app
        .get(&format!("/mappings/{}?q=other+of", rows[2].id))
        .await;
    let accept = found.form("form[action$='/acceptance']");
    app.owner()
        .submit(accept)
        .await
        .assert_shows("1 variant mapped.");
    let page = app.get("/mappings?view=conflicts&store=1").await;
    page.assert_lacks("One of a pair");
}

async fn what_somebody_unmapped_is_left_to_people(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let row = coded(&app).remove(0);
    item(&app, "RULE-1", "Mapped by a rule", 1);
    turn_on(&app, &[("sku", "1")]).await;
    sell_as(&app, &row, "RULE-1").await;
    assert_eq!(variants(&app, View::Mapped).len(), 1);
    let page = app.get(&format!("/mappings/{}", row.id)).await;
    let back = page.form("form[action$='/removal']");
    app.owner()
        .submit(back)
        .await
        .assert_shows("Unmapped again");
    sell_as(&app, &row, "rule-1").await;
    assert_eq!(variants(&app, View::Mapped).len(), 0);
}

async fn a_sku_that_changed_under_its_mapping_is_asked_about(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let rows = coded(&app);
    item(&app, "MINE", "Stays as it is", 1);
    turn_on(&app, &[("sku", "1")]).await;
    sell_as(&app, &rows[0], "MINE").await;
    sell_as(&app, &rows[0], "RENAMED").await;
    // Somebody else has its SKU now.
    sell_as(&app, &rows[1], "mine").await;
    let mapped = variants(&app, View::Mapped);
    assert!(
        mapped.iter().any(|row| row.id == rows[0].id),
        "the mapping stays"
    );
    let page = app.get("/mappings?view=conflicts&store=1").await;
    page.assert_shows("SKU changed since it was mapped")
        .assert_shows("Stays as it is");
    let keep = page.form("form[action$='/confirmation']");
    let kept = app.owner().submit(keep).await;
    kept.assert_shows("Kept as it is mapped.")
        .assert_lacks("SKU changed since it was mapped");
    let log = app.get("/settings/audit").await;
    log.assert_shows("Kept as it was mapped");
    // It is asked again only when it changes again.
    sell_as(&app, &rows[0], "renamed").await;
    let page = app.get("/mappings?view=conflicts&store=1").await;
    page.assert_lacks("SKU changed since it was mapped");
}

async fn a_prefix_that_is_none_shows_the_rules_again(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let long = "x".repeat(41);
    let page = turn_on(&app, &[("prefix", &long)]).await;
    page.assert_status(422).assert_shows("up to 40 characters");
    assert_eq!(page.attribute("#f-prefix", "value"), long);
}

async fn a_rival_on_a_later_page_of_an_import_is_seen(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let sku = coded(&app).remove(0).sku.expect("a SKU");
    item(&app, "RIVAL", "Wanted by two", 1);
    item(&app, "ALONE", "Wanted by one", 1);
    turn_on(&app, &[("sku", "1")]).await;
    assert!(app.practice.copy_product(&sku, "RIVAL"));
    assert!(app.practice.copy_product(&sku, "ALONE"));
    // More than a page of others stand between the two.
    for number in 0..120 {
        assert!(app.practice.copy_product(&sku, &format!("COPY-{number}")));
    }
    assert!(app.practice.copy_product(&sku, "RIVAL"));
    let page = app.get("/mappings").await;
    let refresh = page.form("form[action$='/imports']");
    let job = app.owner().submit(refresh).await;
    // The second page waits for its share of the rate limit.
    app.pass(std::time::Duration::from_secs(20)).await;
    app.get(job.url.path()).await.assert_shows("Done");
    let mapped = variants(&app, View::Mapped);
    let mapped: Vec<Option<&str>> = mapped.iter().map(|row| row.sku.as_deref()).collect();
    assert_eq!(mapped, [Some("ALONE")]);
    let page = app.get("/mappings?view=conflicts&store=1").await;
    page.assert_shows("Several have this SKU")
        .assert_shows("Item Wanted by two");
}

async fn a_mapping_outlives_its_product_and_is_asked_about(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let placed = app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    let row = blocking(&app).await;
    item(&app, "RULE-1", "Mapped by a rule", 100);
    turn_on(&app, &[("sku", "1")]).await;
    sell_as(&app, &row, "RULE-1").await;
    assert_eq!(app.order(&placed.name).work_state, WorkState::Ready);
    app.clock.advance(std::time::Duration::from_secs(60));
    let sku = row.sku.as_deref().expect("a SKU");
    assert!(app.practice.delete_product(sku));
    app.run_jobs().await;
    let state = app.order(&placed.name).work_state;
    assert_eq!(state, WorkState::Ready, "it still ships");
    let page = app.get("/mappings?view=conflicts&store=1").await;
    page.assert_shows("Deleted in Shopify; its mapping stays")
        .assert_shows("Mapped by a rule");
    let unmapped = variants(&app, View::Unmapped);
    assert!(unmapped.iter().all(|one| one.id != row.id));
    let keep = page.form("form[action$='/confirmation']");
    let kept = app.owner().submit(keep).await;
    kept.assert_shows("Kept as it is mapped.")
        .assert_lacks("Deleted in Shopify");
    assert_eq!(app.order(&placed.name).work_state, WorkState::Ready);
}

/// Turns rules of the one store on, on their page.
async fn turn_on(app: &TestApp, rules: &[(&str, &str)]) -> Page {
    let page = app.get("/mappings").await;
    let page = app.get(&page.link("Rules")).await;
    let mut form = page.form("form[action$='/mappings/rules']");
    for (name, value) in rules {
        form = form.fill(name, value);
    }
    app.owner().submit(form).await
}

/// Variants with a SKU, each of a product of its own.
fn coded(app: &TestApp) -> Vec<VariantRow> {
    let mut products = std::collections::BTreeSet::new();
    let mut rows = variants(app, View::Unmapped);
    rows.retain(|row| row.sku.is_some() && products.insert(row.product_external_id.clone()));
    rows
}

/// The variant that holds the one order.
async fn blocking(app: &TestApp) -> VariantRow {
    let page = app.get("/mappings").await;
    let title = page.attribute("li.match.is-open a.name", "href");
    let id = title.rsplit('/').next().expect("an id").to_owned();
    let mut rows = variants(app, View::Unmapped);
    rows.retain(|row| row.id.to_string() == id);
    rows.remove(0)
}
