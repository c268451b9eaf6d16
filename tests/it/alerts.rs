//! Alerts: raised once, over by themselves, told by mail when they begin and end, and never one mail per event.

use std::time::Duration;

use counterfoil::erp::alerts::{self, Kind as Alarm};
use counterfoil::platform::queue::{Queue, Status, queries};
use counterfoil::shopify::shops;

use crate::support::app::{SHOP, TestApp};
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::smtp::{MailServer, free_port, right_password, url};

both_databases!(
    what_begins_and_what_ends_is_mailed_once_and_summed_up_in_the_morning,
    a_mail_server_that_was_down_gets_one_mail_when_it_is_back,
    a_mail_server_that_refuses_waits_for_its_setting,
    a_store_that_stopped_is_an_alert_until_it_is_connected_again,
    events_that_wait_too_long_are_an_alert_until_they_are_done,
);

const MINUTE: Duration = Duration::from_secs(60);
const OPERATOR: &str = "ops@warehouse.example";
const CUT: &[u8] = br##"{"id":820982911946154508,"name":"#1001","line_items":[{"##;

async fn what_begins_and_what_ends_is_mailed_once_and_summed_up_in_the_morning(kind: Kind) {
    let server = MailServer::start();
    let app = TestApp::connected_with_mail(kind, &server.url(), OPERATOR).await;
    app.pass(MINUTE).await;
    assert!(server.letters().is_empty(), "nothing is wrong");
    for number in 0..3 {
        break_one(&app, number).await;
    }
    app.pass(MINUTE).await;
    let letters = server.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    let first = &letters[0];
    assert_eq!(first.to, [OPERATOR]);
    assert_eq!(first.header("Subject"), Some("Counterfoil: Events gave up"));
    assert!(first.from.starts_with("counterfoil@"), "{}", first.from);
    assert!(
        first.body.contains("3 when this was found"),
        "{}",
        first.body
    );
    let link = format!("{}/events?state=failed", app.url);
    assert!(first.body.contains(&link), "{}", first.body);

    // More of the same is no news.
    for number in 3..6 {
        break_one(&app, number).await;
        app.pass(MINUTE).await;
    }
    assert_eq!(server.letters().len(), 1);

    discard_all(&app);
    app.pass(MINUTE).await;
    app.pass(MINUTE).await;
    let letters = server.letters();
    assert_eq!(letters.len(), 2, "{letters:?}");
    let over = letters[1].header("Subject");
    assert_eq!(over, Some("Counterfoil: over: Events gave up"));

    // It is noon; the summary comes at six.
    app.pass(Duration::from_secs(18 * 3600)).await;
    let letters = server.letters();
    assert_eq!(letters.len(), 3, "{letters:?}");
    let morning = letters[2].header("Subject");
    assert_eq!(
        morning,
        Some("Counterfoil: the last day, and all is well now")
    );
    let ids: std::collections::BTreeSet<_> =
        letters.iter().map(|it| it.header("Message-ID")).collect();
    assert_eq!(ids.len(), 3);
    // A day on which nothing happened needs no mail.
    app.pass(Duration::from_secs(24 * 3600)).await;
    assert_eq!(server.letters().len(), 3);
}

async fn a_mail_server_that_was_down_gets_one_mail_when_it_is_back(kind: Kind) {
    let port = free_port();
    let app = TestApp::connected_with_mail(kind, &url(port, right_password()), OPERATOR).await;
    break_one(&app, 0).await;
    // Down for an hour, and looked for all the while: that costs no try.
    for _ in 0..12 {
        app.pass(Duration::from_secs(300)).await;
    }
    assert_eq!(dead(&app, Queue::Jobs), 0);
    let server = MailServer::at(port);
    app.pass(Duration::from_secs(300)).await;
    app.pass(Duration::from_secs(300)).await;
    let letters = server.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    discard_all(&app);
    app.pass(MINUTE).await;
    assert_eq!(server.letters().len(), 2);
}

async fn a_mail_server_that_refuses_waits_for_its_setting(kind: Kind) {
    let port = free_port();
    let server = MailServer::at(port);
    let app = TestApp::connected_with_mail(kind, &url(port, "wrong-horse"), OPERATOR).await;
    break_one(&app, 0).await;
    app.pass(MINUTE).await;
    assert!(server.letters().is_empty());
    let page = app.get("/events?state=pending").await;
    let mail = page.link("alerts.tell");
    let page = app.get(&mail).await;
    page.assert_shows("the mail server refused")
        .assert_lacks("wrong-horse");
    discard_all(&app);
}

async fn a_store_that_stopped_is_an_alert_until_it_is_connected_again(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let now = app.clock.now();
    let stopped = app.db().write_here(|conn| {
        let shop = shops::list(conn)?.remove(0).id;
        shops::mark_needs_reconnect(conn, shop, "Shopify refused the token", now)
    });
    stopped.expect("the store stops");
    app.pass(MINUTE).await;
    app.pass(MINUTE).await;
    assert_eq!(open(&app), [(Alarm::Disconnected, SHOP.to_owned())]);
    let home = app.get("/").await;
    home.assert_shows("must be connected again");
    let told = home.text().matches("must be connected again").count();
    assert_eq!(told, 1, "Home says it once");
    app.connect().await;
    app.run_jobs().await;
    app.pass(MINUTE).await;
    assert_eq!(open(&app), []);
}

async fn events_that_wait_too_long_are_an_alert_until_they_are_done(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let order = std::fs::read("tests/fixtures/shopify/orders_create.json").expect("a fixture");
    app.deliver_webhook("orders/create", "w1", &order).await;
    // Another process works on it, and does not get on.
    app.alter("UPDATE webhook_events SET status = 1, locked_by = 'other', locked_at = 0 WHERE webhook_id = 'w1'");
    app.pass(Duration::from_secs(9 * 60)).await;
    assert_eq!(open(&app), [], "ten minutes are not over");
    app.pass(Duration::from_secs(2 * 60)).await;
    assert_eq!(open(&app), [(Alarm::Late, SHOP.to_owned())]);
    let home = app.get("/").await;
    home.assert_shows("wait too long")
        .assert_shows("The oldest has waited since 2026-11-21 12:00 UTC");
    app.alter("UPDATE webhook_events SET status = 0, locked_by = NULL, locked_at = NULL WHERE webhook_id = 'w1'");
    app.run_jobs().await;
    app.pass(MINUTE).await;
    assert_eq!(open(&app), []);
    app.get("/").await.assert_lacks("wait too long");
}

/// A delivery that nobody can read.
async fn break_one(app: &TestApp, number: u32) {
    let id = format!("cut{number}");
    app.deliver_webhook("orders/create", &id, CUT).await;
    app.run_jobs().await;
}

fn discard_all(app: &TestApp) {
    let now = app.clock.now();
    let done = app.db().write_here(|conn| {
        for id in 1..=500 {
            queries::discards::discard(conn, Queue::WebhookEvents, id, "seen", now)?;
        }
        Ok::<(), counterfoil::platform::db::DbError>(())
    });
    done.expect("they are set aside");
}

fn open(app: &TestApp) -> Vec<(Alarm, String)> {
    let open = app.read(alerts::queries::list_open);
    open.into_iter().map(|it| (it.kind, it.subject)).collect()
}

fn dead(app: &TestApp, queue: Queue) -> i64 {
    let dead = Status::Dead.code();
    let depths = app.read(|conn| queries::list::depths(conn, queue));
    let dead = depths.iter().filter(|it| it.status == dead);
    dead.map(|it| it.rows).sum()
}
