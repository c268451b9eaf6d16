//! A large catalogue: it comes in one file that Shopify puts together, goes on where it broke off, and ends when
//! somebody says so.

use std::time::Duration;

use counterfoil::platform::jobs::Job;
use counterfoil::platform::jobs::queries::{self as jobs, JobRow};
use counterfoil::practice::Misbehaviour;
use counterfoil::shopify::jobs::ImportProducts;
use counterfoil::shopify::mappings::queries::View;
use counterfoil::shopify::mappings::queries::page::{self, Wanted};
use counterfoil::shopify::mappings::search::Found;
use counterfoil::shopify::shops;

use crate::support::app::{SHOP, TestApp};
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    a_large_catalogue_comes_in_one_file,
    a_small_catalogue_comes_page_by_page,
    a_broken_download_goes_on_behind_what_was_booked,
    an_import_that_waits_for_its_file_is_cancelled_in_shopify_too,
    an_import_that_is_cancelled_half_way_keeps_what_it_did,
    what_a_whole_file_lacks_is_not_sold_any_more,
    a_product_deleted_while_the_file_was_made_stays_deleted,
    a_lost_webhook_costs_minutes_and_not_the_file,
);

/// More than are read page by page, beside those the store has.
const MANY: usize = 500;
/// The practice store takes two seconds for a file.
const MADE: Duration = Duration::from_secs(3);
const MINUTE: Duration = Duration::from_secs(60);

async fn a_large_catalogue_comes_in_one_file(kind: Kind) {
    let app = large(kind).await;
    assert!(variants(&app).is_empty(), "Shopify still makes the file");
    let page = app.get(&format!("/jobs/{}", import(&app).id)).await;
    page.assert_shows("Waiting")
        .assert_shows("Shopify puts the file together");
    app.pass(MADE).await;
    let all = skus(&app);
    assert_eq!(
        all.iter().filter(|sku| sku.starts_with("BULK-")).count(),
        MANY
    );
    assert_eq!(
        (
            asked(&app, "BulkOperationRunQuery"),
            asked(&app, "Catalogue")
        ),
        (1, 0)
    );
    let page = app.get(&format!("/jobs/{}", import(&app).id)).await;
    let total = variants(&app).len();
    page.assert_shows("Done")
        .assert_shows(&format!("{total} of {total}"));
    // What a page tells of a variant a file tells too.
    let kettle = variants(&app)
        .into_iter()
        .find(|row| row.variant_title.as_deref() == Some("Moss"));
    let kettle = kettle.expect("the kettle in moss");
    assert_eq!(kettle.product_title, "Cast Iron Kettle Arare");
    assert_eq!(
        (kettle.price_minor, kettle.weight_grams, kettle.ships),
        (Some(8900), Some(1850), true)
    );
}

async fn a_small_catalogue_comes_page_by_page(kind: Kind) {
    let app = TestApp::connected(kind).await;
    assert_eq!(asked(&app, "BulkOperationRunQuery"), 0);
    assert!(asked(&app, "Catalogue") > 1);
    let total = variants(&app).len();
    let page = app.get(&format!("/jobs/{}", import(&app).id)).await;
    page.assert_shows(&format!("{total} of {total}"));
}

async fn a_broken_download_goes_on_behind_what_was_booked(kind: Kind) {
    let app = large(kind).await;
    app.practice.misbehave(Misbehaviour::BreakDownload, 1);
    app.pass(MADE).await;
    let half = variants(&app).len();
    assert!(half > 100 && half < MANY, "{half} of a broken download");
    app.pass(MINUTE).await;
    let total = variants(&app).len();
    assert!(total > MANY);
    // Counted with each batch: one that was booked twice would be counted twice.
    let page = app.get(&format!("/jobs/{}", import(&app).id)).await;
    page.assert_shows("Done")
        .assert_shows(&format!("{total} of {total}"));
    assert_eq!(asked(&app, "BulkOperationRunQuery"), 1);
}

async fn an_import_that_waits_for_its_file_is_cancelled_in_shopify_too(kind: Kind) {
    let app = large(kind).await;
    cancel(&app).await;
    assert_eq!(asked(&app, "BulkOperationCancel"), 1);
    app.pass(MINUTE).await;
    assert!(variants(&app).is_empty());
    app.get(&format!("/jobs/{}", import(&app).id))
        .await
        .assert_shows("Cancelled");
    // Another one begins at the beginning.
    again(&app).await;
    app.pass(MADE).await;
    assert!(variants(&app).len() > MANY);
}

async fn an_import_that_is_cancelled_half_way_keeps_what_it_did(kind: Kind) {
    let app = large(kind).await;
    app.practice.misbehave(Misbehaviour::BreakDownload, 1);
    app.pass(MADE).await;
    let half = variants(&app).len();
    cancel(&app).await;
    app.pass(MINUTE).await;
    assert_eq!(variants(&app).len(), half, "nothing more, and nothing less");
}

async fn what_a_whole_file_lacks_is_not_sold_any_more(kind: Kind) {
    let app = large(kind).await;
    app.pass(MADE).await;
    app.practice.misbehave(Misbehaviour::DropWebhooks, 1);
    assert!(app.practice.delete_product("BULK-0007"));
    app.run_jobs().await;
    assert!(
        skus(&app).contains(&"BULK-0007".to_owned()),
        "its webhook was dropped"
    );
    app.pass(MINUTE).await;
    again(&app).await;
    app.pass(MADE).await;
    let left = skus(&app);
    assert!(!left.contains(&"BULK-0007".to_owned()));
    assert_eq!(
        left.iter().filter(|sku| sku.starts_with("BULK-")).count(),
        MANY - 1
    );
}

async fn a_product_deleted_while_the_file_was_made_stays_deleted(kind: Kind) {
    let app = large(kind).await;
    app.pass(MADE).await;
    app.pass(MINUTE).await;
    again(&app).await;
    app.clock.advance(Duration::from_secs(1));
    assert!(app.practice.delete_product("BULK-0007"));
    app.run_jobs().await;
    assert!(!skus(&app).contains(&"BULK-0007".to_owned()));
    // The file was made a second before.
    app.pass(MADE).await;
    assert!(!skus(&app).contains(&"BULK-0007".to_owned()));
    assert_eq!(import(&app).status, 3, "the import is through");
}

async fn a_lost_webhook_costs_minutes_and_not_the_file(kind: Kind) {
    let app = TestApp::start(kind).await;
    app.practice.add_products(MANY);
    app.connect().await;
    app.practice.misbehave(Misbehaviour::DropWebhooks, 50);
    app.run_jobs().await;
    app.pass(MADE).await;
    assert!(
        variants(&app).is_empty(),
        "nobody said that the file is there"
    );
    for _ in 0..2 {
        app.pass(5 * MINUTE).await;
    }
    assert!(variants(&app).len() > MANY);
}

/// Connected to a store with many products; its import waits for the file.
async fn large(kind: Kind) -> TestApp {
    let app = TestApp::start(kind).await;
    app.practice.add_products(MANY);
    app.connect().await;
    app.run_jobs().await;
    app
}

async fn cancel(app: &TestApp) {
    let page = app.get(&format!("/jobs/{}", import(app).id)).await;
    app.owner()
        .submit(page.form("form[action$='/cancellation']"))
        .await
        .assert_status(200);
    app.run_jobs().await;
}

async fn again(app: &TestApp) {
    let page = app.get("/mappings").await;
    app.owner()
        .submit(page.form("form[action$='/imports']"))
        .await
        .assert_status(200);
    app.run_jobs().await;
}

fn import(app: &TestApp) -> JobRow {
    let found = app.read(|conn| jobs::find_latest(conn, ImportProducts::KIND, SHOP));
    found.expect("an import")
}

fn variants(app: &TestApp) -> Vec<counterfoil::shopify::products::queries::VariantRow> {
    app.read(|conn| {
        let shop = shops::list(conn)?.remove(0);
        let wanted = Wanted {
            shop: shop.id,
            view: View::Unmapped,
            found: &Found::Everything,
            except: &[],
        };
        Ok(page::page(conn, wanted, None, 1000)?.rows)
    })
}

fn skus(app: &TestApp) -> Vec<String> {
    let rows = variants(app);
    rows.into_iter().filter_map(|row| row.sku).collect()
}

fn asked(app: &TestApp, operation: &str) -> usize {
    let requests = app.practice.requests();
    requests
        .iter()
        .filter(|one| one.operation == operation)
        .count()
}
