//! A clock that jumps an hour ahead and is set right again.

use std::time::Duration;

use counterfoil::platform::db::Db;
use counterfoil::practice::{Misbehaviour, OrderKind};

use crate::shipping::Story;
use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::load::{count, order_body, pause, read, unmapped_order, until};

both_databases!(
    a_jumping_clock_takes_no_work_out_of_living_hands,
    what_came_in_a_wrong_hour_does_not_wait_for_it,
    a_dead_worker_whose_clock_ran_ahead_is_found_out,
);

const HOUR: Duration = Duration::from_secs(3600);
/// Seconds for which a worker may be silent: it shows that it lives six times in each.
const LEASE: u64 = 1;
/// Signs of life in which every process has looked more than often enough.
const SIGNS: u32 = 8;

async fn a_jumping_clock_takes_no_work_out_of_living_hands(kind: Kind) {
    let app = TestApp::connected_with_lease(kind, LEASE).await;
    let story = Story::ready_in(app, OrderKind::OneLine).await;
    let app = &story.app;
    // The store books it and never answers: the push stays in a worker's hands.
    app.practice.misbehave(Misbehaviour::TimeOutAfterCommit, 1);
    story.ship_all("1Z999").expect("it ships");
    let beside = match kind {
        Kind::Postgres => Some(app.beside().await),
        Kind::Sqlite => None,
    };
    app.counterfoil.work();
    if let Some(beside) = &beside {
        beside.work();
    }
    let db = app.db();
    until(db, "the push is under way", |conn| {
        let text = format!("SELECT count(*) AS n {PUSH} AND status = 1");
        Ok(count(conn, &text)? == 1)
    })
    .await;
    app.clock.advance(HOUR);
    signs_of_life(db).await;
    app.clock.turn_back(HOUR);
    signs_of_life(db).await;
    for (what, expected) in [
        ("status", 1),
        ("claim_no", 1),
        ("crashes", 0),
        ("attempts", 0),
    ] {
        let text = format!("SELECT CAST({what} AS BIGINT) AS n {PUSH}");
        assert_eq!(read(db, |conn| count(conn, &text)), expected, "{what}");
    }
    // What comes again, comes once: the look of every minute, and that of tomorrow.
    for job in ["alerts.watch", "shopify.look_after_shop"] {
        let text = format!("SELECT count(*) AS n FROM jobs WHERE kind = '{job}' AND status < 3");
        assert_eq!(read(db, |conn| count(conn, &text)), 1, "{job}");
    }
    let looked = "SELECT count(*) AS n FROM jobs \
                   WHERE kind = 'shopify.look_after_shop' AND status >= 3";
    assert_eq!(read(db, |conn| count(conn, looked)), 0);
}

async fn what_came_in_a_wrong_hour_does_not_wait_for_it(kind: Kind) {
    let app = TestApp::connected_with_lease(kind, LEASE).await;
    let db = app.db();
    app.counterfoil.work();
    app.clock.advance(HOUR);
    // One event is still waiting as the clock is set right, and one job is put off.
    pause(db, true, app.clock.now());
    let order = order_body(&unmapped_order(), 5_000_000_001, 1);
    let answer = app.deliver_webhook("orders/create", "early", &order).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    app.practice.misbehave(Misbehaviour::ServerError, 1000);
    app.alter("UPDATE jobs SET due_at = 0 WHERE kind = 'shopify.look_after_shop' AND status = 0");
    until(db, "a job is put off", |conn| {
        let text = "SELECT count(*) AS n FROM jobs WHERE status = 0 AND attempts > 0";
        Ok(count(conn, text)? > 0)
    })
    .await;
    app.practice.misbehave(Misbehaviour::ServerError, 0);
    app.clock.turn_back(HOUR);
    pause(db, false, app.clock.now());
    until(db, "the order is there", |conn| {
        Ok(count(
            conn,
            "SELECT count(*) AS n FROM orders WHERE external_id = '5000000001'",
        )? == 1)
    })
    .await;
    // Its second try is due within a minute, as it would have been without all that.
    app.clock.advance(Duration::from_secs(60));
    until(db, "the second try is done", |conn| {
        let text = "SELECT count(*) AS n FROM jobs WHERE status < 3 AND attempts > 0";
        Ok(count(conn, text)? == 0)
    })
    .await;
    let most = "SELECT CAST(max(attempts) AS BIGINT) AS n FROM jobs";
    assert_eq!(read(db, |conn| count(conn, most)), 1, "a storm of tries");
    // And the look of every minute goes on.
    let now = app.clock.now().0;
    until(db, "the next look is due in a minute", move |conn| {
        let text = format!(
            "SELECT count(*) AS n FROM jobs WHERE kind = 'alerts.watch' AND status = 0 \
               AND due_at > {now} AND due_at <= {now} + 61000000"
        );
        Ok(count(conn, &text)? == 1)
    })
    .await;
}

async fn a_dead_worker_whose_clock_ran_ahead_is_found_out(kind: Kind) {
    let app = TestApp::connected_with_lease(kind, LEASE).await;
    let db = app.db();
    pause(db, true, app.clock.now());
    let order = order_body(&unmapped_order(), 5_000_000_001, 1);
    app.deliver_webhook("orders/create", "held", &order).await;
    let ahead = app.clock.now().after(HOUR).0;
    app.alter(&format!(
        "UPDATE webhook_events SET status = 1, claim_no = 1, locked_by = 'elsewhere:7:gone', \
                locked_at = {ahead} WHERE webhook_id = 'held'"
    ));
    pause(db, false, app.clock.now());
    app.counterfoil.work();
    until(db, "its event is done by another", |conn| {
        let text =
            "SELECT count(*) AS n FROM webhook_events WHERE webhook_id = 'held' AND status = 3";
        Ok(count(conn, text)? == 1)
    })
    .await;
}

const PUSH: &str = "FROM jobs WHERE kind = 'shopify.push_fulfillment'";

/// Waits until the push's holder has shown often enough that it lives.
async fn signs_of_life(db: &Db) {
    for _ in 0..SIGNS {
        let text = format!("SELECT COALESCE(locked_at, 0) AS n {PUSH}");
        let last = read(db, |conn| count(conn, &text));
        until(db, "the holder of the push lives", move |conn| {
            Ok(count(conn, &text)? != last)
        })
        .await;
    }
}
