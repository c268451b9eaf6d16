//! What Shopify lets a store ask for: who waits when it is short, what pages say of it, and the version it answers in.

use std::time::Duration;

use counterfoil::erp::alerts::queries::list_open;
use counterfoil::practice::{Misbehaviour, OrderKind};

use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    orders_are_asked_about_while_an_import_waits,
    a_plan_is_chosen_where_shopify_says_less,
    another_version_is_an_alert_until_ours_is_served_again,
);

const STORE: &str = "/integrations/shopify/1";
const MINUTE: Duration = Duration::from_secs(60);

async fn orders_are_asked_about_while_an_import_waits(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let page = app.get(STORE).await;
    page.assert_shows("points left, refills 100 a second")
        .assert_lacks("imports wait");
    // Of one second the first answer alone is written down.
    app.clock.advance(Duration::from_secs(2));
    app.practice.drain(300);
    app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    app.get(STORE)
        .await
        .assert_shows("Stock and imports wait so that orders have the rest.");
    let imports = asked(&app, "Catalogue");
    let form = app.get("/mappings").await;
    let form = form.form("form[action$='/imports']");
    let job = app.owner().submit(form).await;
    app.run_jobs().await;
    assert_eq!(asked(&app, "Catalogue"), imports, "it is not even tried");
    let waiting = app.get(job.url.path()).await;
    waiting.assert_shows("Shopify asks to wait");
    let orders = asked(&app, "OrderStanding");
    app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    assert!(asked(&app, "OrderStanding") > orders, "orders go on");
    assert_eq!(asked(&app, "Catalogue"), imports);
    // Half of it is left to the others: that much has to come back first.
    app.pass(Duration::from_secs(20)).await;
    assert!(asked(&app, "Catalogue") > imports);
    app.get(job.url.path()).await.assert_shows("Done");
    app.get(STORE).await.assert_lacks("imports wait");
}

async fn a_plan_is_chosen_where_shopify_says_less(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let settings = format!("{STORE}/settings");
    let form = app.get(&settings).await;
    let form = form.form("form[action$='/settings']").fill("tier", "plus");
    app.owner()
        .submit(form)
        .await
        .assert_shows("That is less than the plan Shopify Plus has");
    let log = app.get("/settings/audit").await;
    log.assert_shows("Shopify plan");
    let form = app.get(&settings).await;
    let form = form.form("form[action$='/settings']").fill("tier", "");
    app.owner().submit(form).await.assert_lacks("That is less");
}

async fn another_version_is_an_alert_until_ours_is_served_again(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.practice.misbehave(Misbehaviour::LaterVersion, 100);
    refresh(&app).await;
    app.pass(MINUTE).await;
    app.pass(MINUTE).await;
    app.get("/")
        .await
        .assert_shows("answers in another version")
        .assert_shows("asks in 2026-10 and Shopify answers in 2027-01")
        .assert_shows("Update Counterfoil");
    app.get(STORE).await.assert_shows("Shopify serves 2027-01");
    app.practice.misbehave(Misbehaviour::LaterVersion, 0);
    refresh(&app).await;
    app.pass(MINUTE).await;
    assert!(app.read(list_open).is_empty());
    app.get(STORE).await.assert_lacks("2027-01");
}

async fn refresh(app: &TestApp) {
    let form = app.get("/mappings").await;
    let form = form.form("form[action$='/imports']");
    app.owner().submit(form).await.assert_status(200);
    app.run_jobs().await;
}

/// How often the store was asked this.
fn asked(app: &TestApp, operation: &str) -> usize {
    let requests = app.practice.requests();
    let same = requests.iter().filter(|one| one.operation == operation);
    same.count()
}
