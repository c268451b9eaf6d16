//! Who changed what: every change that a person makes is in the audit log, and found there by kind and person.

use counterfoil::erp::audit::{self, Kind as What};
use counterfoil::erp::users::roles::Role;
use counterfoil::erp::users::tokens::{self, Scope};
use counterfoil::platform::db::DbError;
use counterfoil::practice::OrderKind;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::Page;

both_databases!(
    the_life_of_a_store_is_in_the_log,
    mappings_and_stock_are_in_the_log,
    holds_and_replays_are_in_the_log,
    entries_are_found_by_kind_and_by_person,
    a_long_log_has_pages,
);

const CUT: &[u8] = br##"{"id":820982911946154508,"name":"#1001","line_items":[{"##;

async fn the_life_of_a_store_is_in_the_log(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.connect().await.assert_shows("is connected.");
    app.run_jobs().await;
    let settings = app.get("/integrations/shopify/1/settings").await;
    let form = || settings.form("form[action$='/settings']");
    app.owner().submit(form()).await.assert_status(200);
    let log = app.get("/settings/audit").await;
    log.assert_lacks("Settings changed:");
    let form = form()
        .fill("notification_key", "a secret")
        .fill("location-1", "");
    app.owner().submit(form).await.assert_status(200);
    let page = app.get("/integrations/shopify/1/disconnection").await;
    let form = page.form("form[action$='/disconnection']");
    app.owner()
        .submit(form.fill("name", "practice-store"))
        .await
        .assert_status(200);
    let log = app.get("/settings/audit").await;
    assert_eq!(
        told(&log),
        [
            "The owner: Disconnected",
            "The owner: Settings changed: notification key, locations",
            "The owner: Connected again by its consent page",
            "Program: Connected by its consent page",
        ]
    );
    log.assert_lacks("a secret");
    assert_eq!(log.link("Fernwood Tea"), "/integrations/shopify/1");
}

async fn mappings_and_stock_are_in_the_log(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.add_items(0..3);
    let preview = app.get("/mappings/acceptances?store=1").await;
    let accept = preview.form("form[action$='/mappings/acceptances']");
    let done = app.owner().submit(accept).await;
    let undo = done.form("form[action*='/mappings/batches/']");
    app.owner().submit(undo).await.assert_status(200);
    let page = app.get("/mappings").await;
    let variant = page.attribute("li.match.is-open a.name", "href");
    let press = async |form: &str, with: (&str, &str)| {
        let page = app.get(&variant).await;
        let form = page.form(&format!("form[action$='/{form}']"));
        let page = app.owner().submit(form.fill(with.0, with.1)).await;
        page.assert_status(200);
    };
    press("item", ("sku", "NEW-1")).await;
    press("removal", ("", "")).await;
    press("exclusion", ("", "")).await;
    let page = app.get("/products/1").await;
    let form = page.form("form[action$='/adjustments']");
    let form = form.fill("quantity", "-3").fill("reason", "damaged by Kim");
    app.owner().submit(form).await.assert_status(200);
    let log = app.get("/settings/audit").await;
    let told = told(&log);
    assert!(told[0].starts_with("The owner: Stock −3 at "), "{told:?}");
    assert_eq!(told[1..3], ["The owner: Ignored", "The owner: Unmapped"]);
    assert!(told[3].starts_with("The owner: Mapped to "), "{told:?}");
    assert_eq!(
        told[4..6],
        [
            "The owner: 3 mappings undone",
            "The owner: 3 exact matches accepted"
        ]
    );
    log.assert_lacks("Kim");
}

async fn holds_and_replays_are_in_the_log(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    let order = app.orders()[0].clone();
    let path = format!("/orders/{}", order.id);
    let page = app.get(&path).await;
    let hold = page.form("form[action*='/hold?']");
    let page = app
        .owner()
        .submit(hold.fill("note", "Kim calls back"))
        .await;
    app.owner()
        .submit(page.form("form[action*='/hold/release']"))
        .await;
    app.deliver_webhook("orders/create", "cut", CUT).await;
    app.run_jobs().await;
    let list = app.get("/events?state=failed").await;
    let event = list.attribute("a.row-link", "href");
    let page = app.get(&event).await;
    app.owner()
        .submit(page.form("form[action*='/replay?']"))
        .await;
    app.run_jobs().await;
    let page = app.get(&event).await;
    let with = page.form("form[action*='/discard?']");
    app.owner().submit(with.fill("reason", "cut off")).await;
    let log = app.get("/settings/audit").await;
    assert_eq!(
        told(&log)[..4],
        [
            "The owner: Discarded: cut off",
            "The owner: Replayed",
            "The owner: Released from a hold by hand",
            "The owner: Put on hold",
        ]
    );
    log.assert_lacks("Kim");
    assert_eq!(log.link(&format!("Order {}", order.facts.name)), path);
    app.expect_dead();
}

async fn entries_are_found_by_kind_and_by_person(kind: Kind) {
    let app = TestApp::start(kind).await;
    let now = app.clock.now();
    let made = app
        .db()
        .write_here(|conn| tokens::create(conn, "host", Scope::Read, "ab", now));
    made.expect("a token");
    let admin = app.signed_in(Role::Admin).await;
    let people = admin.get("/settings/users").await;
    let add = people.form("form[action$='/settings/users']");
    let add = add
        .fill("name", "Kai Berg")
        .fill("email", "kai@example.com");
    admin
        .submit(add.fill("password", "a long enough one"))
        .await
        .assert_shows("may sign in now");
    let log = admin.get(&people.link("Audit log")).await;
    assert_eq!(
        told(&log),
        [
            "The admin: Added as Warehouse",
            "Program: Created, may read"
        ]
    );
    log.assert_lacks("ab ");
    let filter = || log.form("form.filters");
    let found = admin.submit(filter().fill("kind", "token.created")).await;
    assert_eq!(told(&found), ["Program: Created, may read"]);
    let found = admin.submit(filter().fill("by", "program")).await;
    assert_eq!(told(&found), ["Program: Created, may read"]);
    let found = admin
        .submit(filter().fill("by", "1").fill("kind", "token.created"))
        .await;
    found.assert_shows("No entries match");
    app.signed_in(Role::Operations)
        .await
        .get("/settings/audit")
        .await
        .assert_status(403);
}

async fn a_long_log_has_pages(kind: Kind) {
    let app = TestApp::start(kind).await;
    let now = app.clock.now();
    let written = app.db().write_here(|conn| -> Result<(), DbError> {
        for number in 1..=101 {
            let subject = format!("jobs/{number}");
            audit::record(conn, None, What::EventReplayed, &subject, &json!({}), now)?;
        }
        Ok(())
    });
    written.expect("entries");
    let first = app.get("/settings/audit?by=program").await;
    first.assert_shows("Job 101").assert_shows("100 entries");
    assert_eq!(told(&first).len(), 100);
    let second = app
        .get(&format!("/settings/audit{}", first.link("Older")))
        .await;
    second.assert_shows("1 entry");
    assert_eq!(second.link("Job 1"), "/events/jobs/1");
}

/// Who did what, the newest first.
fn told(log: &Page) -> Vec<String> {
    let who = log.texts(".audit .col-who");
    let what = log.texts(".audit .col-what");
    who.iter()
        .zip(what)
        .map(|(who, what)| format!("{who}: {what}"))
        .collect()
}
