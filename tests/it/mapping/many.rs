//! A store with many variants: lists, searches, and what is mapped and taken back at one stroke.

use counterfoil::erp::products::search;
use counterfoil::shopify::mappings::queries::View;

use super::kits::item;
use super::variants;
use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    variants_and_items_are_found_by_the_beginnings_of_words,
    a_like_item_is_suggested_among_many,
    many_exact_matches_are_accepted_and_taken_back_by_a_job,
    a_large_store_is_counted_so_far_and_looked_through_in_parts,
);

async fn variants_and_items_are_found_by_the_beginnings_of_words(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let row = variants(&app, View::Unmapped)
        .into_iter()
        .find(|row| row.sku.is_some() && row.barcode.is_some())
        .expect("a variant with both codes");
    let (sku, barcode) = (row.sku.expect("a SKU"), row.barcode.expect("a barcode"));
    let word = row.product_title.split(' ').next().expect("a word");
    let found = |q: String| {
        let app = &app;
        async move { app.get(&format!("/mappings?store=1&q={q}")).await }
    };
    for q in [
        sku.to_lowercase(),
        barcode.clone(),
        word.to_uppercase(),
        format!("{word}+{sku}"),
    ] {
        found(q).await.assert_shows(&row.product_title);
    }
    let nothing = found(format!("{sku}+nowhere")).await;
    nothing.assert_shows("No variants match");
    // Renamed, it is found by its new name and no longer by the old one.
    app.clock.advance(std::time::Duration::from_secs(60));
    assert!(app.practice.update_product(&sku, "Quince Paste"));
    app.run_jobs().await;
    found("quin".to_owned()).await.assert_shows("Quince Paste");
    found(format!("{word}+{sku}"))
        .await
        .assert_lacks("Quince Paste");

    item(
        &app,
        "CR\u{c8}ME-7",
        "Cr\u{e8}me Br\u{fb}l\u{e9}e T-Shirt",
        1,
    );
    for q in ["creme", "BRULEE", "t-sh", "shirt", "cr%C3%A8me-7"] {
        app.get(&format!("/products?q={q}"))
            .await
            .assert_shows("T-Shirt");
    }
    app.get("/products?q=reme").await.assert_lacks("T-Shirt");
}

async fn a_like_item_is_suggested_among_many(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let row = variants(&app, View::Unmapped).remove(0);
    // Each word of its title is one of hundreds of other items, but all of them together are of one alone.
    let title = match &row.variant_title {
        Some(option) => format!("{} {option}", row.product_title),
        None => row.product_title.clone(),
    };
    let words: Vec<&str> = title.split_whitespace().collect();
    for (place, word) in words.iter().enumerate() {
        for number in 0..80 {
            let name = format!("{word} filler{place} no{number}");
            item(&app, &format!("F-{place}-{number}"), &name, 1);
        }
    }
    item(&app, "THE-ONE", &format!("{title} extra"), 1);
    let titles = [title];
    let like = app.read(|conn| search::like(conn, &titles));
    assert!(like.len() < 100, "{} of hundreds are compared", like.len());
    app.get(&format!("/mappings?store=1&row={}", row.id))
        .await
        .assert_shows("THE-ONE");
}

async fn many_exact_matches_are_accepted_and_taken_back_by_a_job(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let before = variants(&app, View::Unmapped).len();
    sell(&app, 900);
    app.alter(&format!(
        "{NUMBERS} INSERT INTO products (sku, sku_normal, name, created_at) \
           SELECT 'M-' || (10000 + i), 'm-' || (10000 + i), 'Item', 0 FROM numbers WHERE i < 700"
    ));
    let page = app.get("/mappings").await;
    let preview = app
        .get(&page.attribute("a[href*='/mappings/acceptances']", "href"))
        .await;
    preview.assert_shows("too many unmapped variants");
    let accept = || preview.form("form[action$='/mappings/acceptances']");
    let begun = app.owner().submit(accept()).await;
    begun.assert_shows("Accepting exact SKU matches");
    let twice = app.owner().submit(accept()).await;
    twice
        .assert_status(409)
        .assert_shows("A job does this already");
    assert_eq!(variants(&app, View::Mapped).len(), 0, "not in the request");
    app.run_jobs().await;
    assert_eq!(variants(&app, View::Mapped).len(), 700);
    assert_eq!(variants(&app, View::Unmapped).len(), before + 200);
    app.get("/settings/audit").await.assert_shows("700 ");
    let job = app.get(begun.url.path()).await;
    job.assert_shows("Done").assert_shows("700 variants.");
    let mappings = app
        .get(&job.link("Back to the mappings, where it can be undone"))
        .await;
    let undo = mappings.form("form[action*='/mappings/batches/']");
    let begun = app.owner().submit(undo).await;
    begun.assert_shows("Taking mappings back");
    app.run_jobs().await;
    assert_eq!(variants(&app, View::Mapped).len(), 0);
    assert_eq!(variants(&app, View::Unmapped).len(), before + 900);
    let job = app.get(begun.url.path()).await;
    job.assert_shows("Done")
        .assert_shows("700 variants.")
        .assert_lacks("where it can be undone");
    // One that is stopped leaves what it did, which is nothing here, and can be undone no more.
    let begun = app.owner().submit(accept()).await;
    let stop = begun.form("form[action$='/cancellation']");
    app.owner().submit(stop).await.assert_shows("Cancelled");
    app.run_jobs().await;
    assert_eq!(variants(&app, View::Mapped).len(), 0);
}

async fn a_large_store_is_counted_so_far_and_looked_through_in_parts(kind: Kind) {
    let app = TestApp::connected(kind).await;
    sell(&app, 10_000);
    app.alter(
        "INSERT INTO shopify_variant_terms (shop_id, variant_id, term) \
           SELECT shop_id, id, 'many' FROM shopify_variants WHERE product_title LIKE 'Many %' \
           UNION ALL SELECT shop_id, id, 'last' FROM shopify_variants WHERE product_title = 'Many 19999' \
           UNION ALL SELECT shop_id, id, 'lastly' FROM shopify_variants WHERE product_title < 'Many 12500'",
    );
    let page = app.get("/mappings").await;
    page.assert_shows("10,000+").assert_shows("to go");
    // Both words are of thousands, and a variant that has both comes late in the list.
    let mut page = app.get("/mappings?store=1&q=many+last").await;
    page.assert_shows("Many 10000");
    page = app
        .get("/mappings?store=1&q=many+last&after=1.Many+13000")
        .await;
    page.assert_shows("Nothing found so far");
    let mut looked = 0;
    while !page.text().contains("Many 19999") {
        let on = page.link("Look further");
        page = app.get(&on).await;
        looked += 1;
        assert!(looked < 10, "it is found in the end");
    }
    assert!(looked > 1, "not all of them are looked at for one page");
}

const NUMBERS: &str = "WITH digits(n) AS (VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)), \
    numbers(i) AS (SELECT a.n * 1000 + b.n * 100 + c.n * 10 + d.n FROM digits a, digits b, digits c, digits d)";

/// Has the store sell so many more variants, up to 10,000.
fn sell(app: &TestApp, count: usize) {
    app.alter(&format!(
        "{NUMBERS} INSERT INTO shopify_variants (shop_id, external_id, product_external_id, product_title, sku, \
           sku_normal, source_updated_at, seen_at) \
           SELECT 1, '77' || (10000 + i), '66' || (10000 + i), 'Many ' || (10000 + i), 'M-' || (10000 + i), \
             'm-' || (10000 + i), 0, 0 FROM numbers WHERE i < {count}"
    ));
}
