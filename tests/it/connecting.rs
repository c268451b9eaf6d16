//! A store is connected through its real consent page, again in place, and let go; forged ways back are refused.

use counterfoil::shopify::shops;

use crate::support::app::{SHOP, TestApp};
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    the_owner_connects_a_store_and_sees_it_connected,
    connecting_again_keeps_the_store,
    an_address_that_is_none_is_explained,
    a_callback_that_was_tampered_with_is_refused,
    a_callback_in_another_browser_is_refused,
    a_callback_is_good_once,
);

async fn the_owner_connects_a_store_and_sees_it_connected(kind: Kind) {
    let app = TestApp::start(kind).await;
    let page = app.connect().await;
    page.assert_status(200).assert_shows(SHOP);
    app.run_jobs().await;
    let page = app.get("/integrations").await;
    page.assert_shows(SHOP)
        .assert_lacks("No store is connected");
    assert!(page.headers.contains_key("content-security-policy"));
    assert!(page.count("input[name=csrf]") > 0);
    let subscribed = app.practice.requests();
    assert!(
        subscribed
            .iter()
            .any(|it| it.operation == "WebhookSubscriptionCreate")
    );
}

async fn connecting_again_keeps_the_store(kind: Kind) {
    let app = TestApp::start(kind).await;
    app.connect().await.assert_status(200);
    app.run_jobs().await;
    let before = app.read(shops::list);
    app.connect().await.assert_status(200);
    app.run_jobs().await;
    let after = app.read(shops::list);
    assert_eq!(before.len(), 1);
    assert_eq!(after.len(), 1);
    assert_eq!(before[0].id, after[0].id);
}

async fn an_address_that_is_none_is_explained(kind: Kind) {
    let app = TestApp::start(kind).await;
    for wrong in [
        "shop.example.com",
        "practice-store.myshopify.com.evil.tld",
        "a b",
        "",
    ] {
        let page = app.get("/integrations/shopify/new").await;
        let form = page.form("form[action$='/integrations/shopify']");
        let page = app.owner().submit(form.fill("shop", wrong)).await;
        page.assert_status(422).assert_shows("myshopify.com");
        assert_eq!(
            page.form("form[action$='/integrations/shopify']")
                .value("shop"),
            Some(wrong)
        );
    }
    // What people paste is understood.
    let page = app.get("/integrations/shopify/new").await;
    let form = page.form("form[action$='/integrations/shopify']");
    let pasted = format!("https://{SHOP}/admin");
    app.owner()
        .submit(form.fill("shop", &pasted))
        .await
        .assert_status(200)
        .link("Go to Shopify");
}

async fn a_callback_that_was_tampered_with_is_refused(kind: Kind) {
    let app = TestApp::start(kind).await;
    for (from, to) in [
        ("state=", "state=0"),
        ("code=", "code=0"),
        ("hmac=", "hmac=0"),
        ("shop=", "shop=0"),
    ] {
        let back = way_back(&app).await;
        assert!(back.contains(from), "{back}");
        let page = app.get(&back.replacen(from, to, 1)).await;
        assert!(page.status.is_client_error(), "{from}: {}", page.status);
    }
    assert!(app.read(shops::list).is_empty());
}

async fn a_callback_in_another_browser_is_refused(kind: Kind) {
    let app = TestApp::start(kind).await;
    let back = way_back(&app).await;
    let other = app
        .signed_in(counterfoil::erp::users::roles::Role::Admin)
        .await;
    let page = other.get(&back).await;
    assert!(page.status.is_client_error(), "{}", page.status);
    assert!(app.read(shops::list).is_empty());
}

async fn a_callback_is_good_once(kind: Kind) {
    let app = TestApp::start(kind).await;
    let back = way_back(&app).await;
    app.get(&back).await.assert_status(200);
    let again = app.get(&back).await;
    assert!(again.status.is_client_error(), "{}", again.status);
    app.run_jobs().await;
}

/// Begins to connect and agrees at the store; gives where the store sends the browser back to.
async fn way_back(app: &TestApp) -> String {
    let start = format!("/integrations/shopify/start?shop={SHOP}");
    let consent = app.get(&start).await;
    let back = app.owner().submit_only(consent.form("form")).await;
    back.headers()["location"]
        .to_str()
        .expect("an address")
        .to_owned()
}
