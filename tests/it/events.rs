//! What failed says why, and has a button: the events screen.

use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    a_broken_delivery_is_shown_replayed_and_discarded_with_a_reason,
    a_refused_delivery_is_listed_without_its_body,
);

const CUT: &[u8] = br##"{"id":820982911946154508,"name":"#1001","line_items":[{"##;

async fn a_broken_delivery_is_shown_replayed_and_discarded_with_a_reason(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.deliver_webhook("orders/create", "cut", CUT)
        .await
        .assert(200, "created");
    app.run_jobs().await;
    let list = app.get("/events?state=failed").await;
    list.assert_shows("Failed").assert_shows("orders/create");
    let event = list.attribute("a.row-link", "href");
    let page = app.get(&event).await;
    page.assert_shows("Nothing of it was applied")
        .assert_shows("820982911946154508");

    let replayed = app
        .owner()
        .submit(page.form("form[action$='/replay']"))
        .await;
    replayed.assert_shows("Replayed").assert_shows("Pending");
    app.run_jobs().await;
    let page = app.get(&event).await;
    page.assert_shows("2 tries").assert_shows("Failed");

    let without = page.form("form[action$='/discard']");
    app.owner().submit(without).await.assert_status(422);
    let with = page
        .form("form[action$='/discard']")
        .fill("reason", "cut off on the way");
    let page = app.owner().submit(with).await;
    page.assert_shows("Discarded")
        .assert_shows("cut off on the way");
    app.expect_dead();
}

async fn a_refused_delivery_is_listed_without_its_body(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.deliver_signed("orders/create", "forged", "acme.myshopify.com", CUT, "")
        .await
        .assert_status(401);
    app.run_jobs().await;
    // The record is written off the request's path: the next page may come first, the one after not.
    for _ in 0..50 {
        if app
            .get("/events?state=rejected")
            .await
            .text()
            .contains("signature")
        {
            return;
        }
    }
    panic!("the refused delivery is not listed");
}
