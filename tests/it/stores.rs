//! The life of a connected store: its card, its token, its webhooks, and how it ends.

use std::time::Duration;

use counterfoil::platform::db::DbError;
use counterfoil::platform::jobs::{self, Job as _};
use counterfoil::platform::queue::Status;
use counterfoil::practice::Misbehaviour;
use counterfoil::shopify::Haste;
use counterfoil::shopify::graphql::{Shop as ShopQuery, shop as shop_query};
use counterfoil::shopify::jobs::ImportProducts;
use counterfoil::shopify::shops::{self, Shop, ShopState};
use reqwest::redirect::Policy;
use serde_json::Value;

use crate::support::app::{SHOP, TestApp, signature};
use crate::support::database::Kind;
use crate::support::{both_databases, http_client};

both_databases!(
    the_owner_connects_a_store_and_its_card_says_how_it_stands,
    a_program_gets_json_from_the_callback,
    a_callback_proves_itself_or_changes_nothing,
    connecting_again_keeps_the_store_and_disconnecting_removes_its_webhooks,
    an_expired_token_is_refreshed_by_itself,
    many_calls_at_once_find_an_expired_token_and_all_are_answered,
    a_throttled_import_goes_on_until_everything_is_there,
    a_removed_app_is_believed_only_once_the_store_says_so,
    a_token_is_tested_before_it_is_kept,
);

async fn the_owner_connects_a_store_and_its_card_says_how_it_stands(kind: Kind) {
    let app = TestApp::start(kind).await;
    let page = app.connect().await;
    page.assert_status(200).assert_shows("is connected.");
    assert!(page.url.path().starts_with("/integrations/shopify/"));
    app.run_jobs().await;
    let page = app.get("/integrations").await;
    page.assert_shows("Connected")
        .assert_shows("57 of 57 registered")
        .assert_shows("19 of 19 granted")
        .assert_shows("points left");
    let shop = shop(&app);
    assert_eq!(shop.state, ShopState::Active);
    let page = app
        .get(&format!("/integrations/shopify/{}/settings", shop.id))
        .await;
    page.assert_status(200).assert_shows("Portland DC");
    let page = app.get(&format!("/integrations/shopify/{}", shop.id)).await;
    page.assert_shows("orders/create")
        .assert_shows("Registered");
    let import = page.link("Last import");
    app.get(&import).await.assert_shows("Done");
}

async fn a_program_gets_json_from_the_callback(kind: Kind) {
    let app = TestApp::start(kind).await;
    let callback = callback_address(&app).await;
    let answer = http_client(Policy::none())
        .get(&callback)
        .header("Accept", "application/json")
        .header("Cookie", cookies(&app))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.expect("JSON");
    let shop = shop(&app);
    assert_eq!(body["integration"]["id"], shop.public_id);
    assert_eq!(body["integration"]["service_name"], "shopify");
    assert_eq!(body["integration"]["active"], true);
    assert_eq!(body["integration"]["connected_at"], "2026-11-21T12:00:00Z");
    app.run_jobs().await;
}

async fn a_callback_proves_itself_or_changes_nothing(kind: Kind) {
    let app = TestApp::start(kind).await;
    let good = callback_address(&app).await;
    let ask = async |address: &str, cookies: String| {
        let answer = http_client(Policy::none())
            .get(address)
            .header("Accept", "application/json")
            .header("Cookie", cookies)
            .send()
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.expect("JSON");
        (
            status,
            body["detail"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let forged = good.replace("code=", "code=x");
    let foreign = good.replace(SHOP, "x.myshopify.com.evil.tld");
    let session = app
        .owner()
        .cookie("counterfoil-session")
        .expect("signed in");
    let without = format!("counterfoil-session={session}");
    for (address, cookies, reason) in [
        (forged, cookies(&app), "signature"),
        (foreign, cookies(&app), "not a Shopify store"),
        (good.clone(), without, "another browser"),
    ] {
        let (status, detail) = ask(&address, cookies).await;
        assert_eq!(status, 422, "{reason}");
        assert!(detail.contains(reason), "{reason}: {detail}");
    }
    assert!(stores(&app).is_empty());
    app.clock.advance(Duration::from_secs(91));
    let (_, detail) = ask(&good, cookies(&app)).await;
    assert!(detail.contains("too old"), "{detail}");
    let page = app
        .get("/api/integrations/callback/?shop=a.myshopify.com")
        .await;
    page.assert_status(422)
        .assert_shows("The store was not connected");

    // A good one is good once.
    let good = callback_address(&app).await;
    let cookies = cookies(&app);
    assert_eq!(ask(&good, cookies.clone()).await.0, 200);
    let (status, detail) = ask(&good, cookies).await;
    assert_eq!(status, 422);
    assert!(detail.contains("used already"), "{detail}");
    app.run_jobs().await;
}

async fn connecting_again_keeps_the_store_and_disconnecting_removes_its_webhooks(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let before = shop(&app);
    app.connect().await.assert_shows("is connected.");
    app.run_jobs().await;
    let after = shop(&app);
    assert_eq!((before.id, &before.public_id), (after.id, &after.public_id));
    let page = app
        .get(&format!("/integrations/shopify/{}/disconnection", after.id))
        .await;
    page.assert_shows("57 webhooks are removed");
    let form = || page.form("form[action$='/disconnection']");
    let slip = app.owner().submit(form().fill("name", "practice")).await;
    slip.assert_status(422).assert_shows("Type practice-store");
    let done = app
        .owner()
        .submit(form().fill("name", "practice-store"))
        .await;
    done.assert_status(200).assert_shows("Disconnected");
    let deleted = app.practice.requests();
    let deleted = deleted
        .iter()
        .filter(|request| request.operation == "WebhookSubscriptionDelete");
    assert_eq!(deleted.count(), 57);
    let body = br#"{"id":1}"#;
    let answer = app
        .deliver_signed("orders/create", "w1", SHOP, body, &signature(body))
        .await;
    assert_eq!(answer.status, 410);
}

async fn an_expired_token_is_refreshed_by_itself(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let cx = &app.counterfoil.connector;
    let id = shop(&app).id;
    let ask = async || {
        let variables = shop_query::Variables {};
        cx.call::<ShopQuery>(id, Haste::Now, variables).await
    };
    // By the clock.
    app.clock.advance(Duration::from_secs(2 * 3600));
    assert_eq!(
        ask().await.expect("an answer").data.shop.myshopify_domain,
        SHOP
    );
    assert!(shop(&app).access_expires_at > Some(app.clock.now()));
    // And before its time.
    app.practice.misbehave(Misbehaviour::ExpireToken, 1);
    assert!(ask().await.is_ok());
    assert_eq!(shop(&app).state, ShopState::Active);
}

async fn many_calls_at_once_find_an_expired_token_and_all_are_answered(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let cx = &app.counterfoil.connector;
    let id = shop(&app).id;
    app.clock.advance(Duration::from_secs(2 * 3600));
    let asks = (0..5).map(|_| cx.call::<ShopQuery>(id, Haste::Now, shop_query::Variables {}));
    for answer in futures_util::future::join_all(asks).await {
        assert_eq!(answer.expect("an answer").data.shop.myshopify_domain, SHOP);
    }
    let shop = shop(&app);
    assert_eq!(shop.state, ShopState::Active);
    assert!(shop.access_expires_at > Some(app.clock.now()));
}

async fn a_throttled_import_goes_on_until_everything_is_there(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let page = app
        .get(&format!("/integrations/shopify/{}", shop(&app).id))
        .await;
    app.practice.misbehave(Misbehaviour::Throttle, 3);
    app.owner()
        .submit(page.form("form[action$='/imports']"))
        .await
        .assert_status(200);
    app.run_jobs().await;
    for _ in 0..5 {
        app.pass(Duration::from_secs(30)).await;
    }
    let import = app.read(|conn| jobs::queries::find_latest(conn, ImportProducts::KIND, SHOP));
    let import = import.expect("an import");
    assert_eq!(Status::from_code(import.status), Status::Done);
    assert_eq!(import.attempts, 0, "to be throttled is no failure");
    let throttled = app.practice.requests();
    let throttled = throttled
        .iter()
        .filter(|one| one.answer.to_string().contains("THROTTLED"));
    assert!(throttled.count() >= 1, "nothing was throttled");
}

async fn a_removed_app_is_believed_only_once_the_store_says_so(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let body = br#"{"id":1,"name":"Fernwood Tea"}"#;
    app.deliver_webhook("app/uninstalled", "w1", body).await;
    app.run_jobs().await;
    assert_eq!(
        shop(&app).state,
        ShopState::Active,
        "the app is still there"
    );
    app.practice.misbehave(Misbehaviour::Uninstall, 1);
    app.run_jobs().await;
    app.deliver_webhook("app/uninstalled", "w2", body).await;
    app.run_jobs().await;
    assert_eq!(shop(&app).state, ShopState::Disconnected);
    app.get("/integrations").await.assert_shows("Disconnected");
}

async fn a_token_is_tested_before_it_is_kept(kind: Kind) {
    let app = TestApp::start(kind).await;
    let page = app.get("/integrations/shopify/token").await;
    let form = |intent: &str, token: &str| {
        page.form("form[action$='/token']")
            .fill("shop", SHOP)
            .fill("token", token)
            .fill("client_secret", "its own secret")
            .fill("intent", intent)
    };
    let answer = app.owner().submit(form("test", "shpat_wrong")).await;
    answer
        .assert_status(422)
        .assert_shows("Shopify refused the token");
    let token = app.practice.custom_app_token();
    let answer = app.owner().submit(form("test", &token)).await;
    answer.assert_status(200).assert_shows("The store answered");
    assert!(stores(&app).is_empty());
    let answer = app.owner().submit(form("connect", &token)).await;
    answer.assert_status(200).assert_shows("is connected.");
    app.run_jobs().await;
    assert_eq!(shop(&app).state, ShopState::Active);
}

/// Begins an attempt and agrees to it; the address that Shopify would send the browser back to.
async fn callback_address(app: &TestApp) -> String {
    let start = app.url.clone() + "/integrations/shopify/start?shop=" + SHOP;
    let away = app.owner().ask(reqwest::Method::GET, &start).await;
    let consent = away.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned();
    let asked = url::Url::parse(&consent).expect("an address");
    let fields: Vec<(String, String)> = asked.query_pairs().into_owned().collect();
    let back = http_client(Policy::none())
        .post(format!("{}/admin/oauth/authorize", app.practice.url()))
        .form(&fields)
        .send()
        .await
        .expect("an answer");
    back.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned()
}

fn cookies(app: &TestApp) -> String {
    let of = |name: &str| {
        let value = app.owner().cookie(name).unwrap_or_default();
        format!("{name}={value}")
    };
    format!(
        "{}; {}",
        of("counterfoil-session"),
        of("counterfoil_shopify")
    )
}

fn stores(app: &TestApp) -> Vec<Shop> {
    app.read(|conn| -> Result<_, DbError> { shops::list(conn) })
}

fn shop(app: &TestApp) -> Shop {
    let mut stores = stores(app);
    assert_eq!(stores.len(), 1);
    stores.remove(0)
}
