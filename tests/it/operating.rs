//! What an operator relies on: numbers that are true, readiness that is honest, a log without people in it.
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use counterfoil::erp::users::tokens::{self, Scope};
use counterfoil::platform::db::DbError;
use counterfoil::practice::OrderKind;

use crate::shipping::Story;
use crate::support::app::{SHOP, TestApp};
use crate::support::database::Kind;
use crate::support::log::Log;
use crate::support::{both_databases, http_client};

both_databases!(
    a_scrape_tells_what_came_in_and_what_became_of_it,
    a_push_is_timed_from_the_change_to_the_stores_answer,
    readiness_names_each_part_that_is_not_well,
    the_log_follows_a_delivery_and_names_nobody,
);

const CUT: &[u8] = br##"{"id":820982911946154508,"name":"#1001","line_items":[{"##;

async fn a_scrape_tells_what_came_in_and_what_became_of_it(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    let before = scrape(&app).await;
    let order = std::fs::read("tests/fixtures/shopify/orders_create.json").expect("a fixture");
    app.deliver_webhook("orders/create", "w1", &order).await;
    app.deliver_webhook("orders/create", "w1", &order).await;
    app.deliver_webhook("orders/create", "cut", CUT).await;
    app.deliver_signed("orders/create", "forged", SHOP, CUT, "")
        .await;
    app.deliver_signed("orders/create", "far", "far.myshopify.com", CUT, "")
        .await;
    app.clock.advance(Duration::from_secs(90));

    let waiting = scrape(&app).await;
    let intake = |answer: &str, reason: &str| {
        let line = format!(
            "counterfoil_intake_deliveries_total{{answer=\"{answer}\",reason=\"{reason}\"}}"
        );
        waiting[&line] - before[&line]
    };
    assert_eq!(intake("stored", ""), 2);
    assert_eq!(intake("duplicate", ""), 1);
    assert_eq!(intake("unavailable", ""), 0);
    assert_eq!(intake("rejected", "signature"), 2);
    assert_eq!(intake("rejected", "too_large"), 0);
    let took = "counterfoil_intake_seconds_count";
    assert_eq!(waiting[took] - before[took], 5);
    assert_eq!(
        waiting["counterfoil_intake_seconds_bucket{le=\"+Inf\"}"],
        waiting[took]
    );
    let queue = |what: &str, queue: &str, state: &str| {
        format!("counterfoil_queue_{what}{{queue=\"{queue}\",shop=\"{SHOP}\",state=\"{state}\"}}")
    };
    assert_eq!(waiting[&queue("rows", "webhook_events", "pending")], 2);
    let oldest = queue("oldest_seconds", "webhook_events", "pending");
    assert_eq!(waiting[&oldest], 90);
    assert_eq!(waiting[&queue("rows", "webhook_events", "dead")], 0);

    app.run_jobs().await;
    let after = scrape(&app).await;
    assert_eq!(after[&queue("rows", "webhook_events", "pending")], 0);
    assert_eq!(after[&oldest], 0);
    assert_eq!(after[&queue("rows", "webhook_events", "dead")], 1);
    // The look that is due tomorrow is not late today.
    assert_eq!(after[&queue("oldest_seconds", "jobs", "pending")], 0);
    let tries = |outcome: &str| {
        let line =
            format!("counterfoil_tries_total{{outcome=\"{outcome}\",queue=\"webhook_events\"}}");
        after.get(&line).copied().unwrap_or_default()
            - before.get(&line).copied().unwrap_or_default()
    };
    assert_eq!((tries("done"), tries("dead")), (1, 1));
    let applied = "counterfoil_event_seconds_sum";
    assert_eq!(after[applied] - before[applied], 90);
    let budget = format!("counterfoil_rate_budget_points{{shop=\"{SHOP}\",which=\"left\"}}");
    assert!(after[&budget] > 0);
    assert!(after["counterfoil_pool_connections{which=\"most\"}"] > 0);
    let name = match kind {
        Kind::Sqlite => "sqlite",
        Kind::Postgres => "postgres",
    };
    let build = format!(
        "counterfoil_build_info{{database=\"{name}\",version=\"{}\"}}",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(after[&build], 1);
    app.expect_dead();
}

async fn a_push_is_timed_from_the_change_to_the_stores_answer(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    let app = &story.app;
    let before = scrape(app).await;
    let line = "counterfoil_push_seconds_count{kind=\"shopify.push_fulfillment\"}";
    assert_eq!(before.get(line), None);
    story.ship_all("1Z999").expect("it ships");
    app.pass(Duration::from_secs(4)).await;
    let after = scrape(app).await;
    assert_eq!(after[line], 1);
    let sum = "counterfoil_push_seconds_sum{kind=\"shopify.push_fulfillment\"}";
    assert_eq!(after[sum], 4);
}

async fn readiness_names_each_part_that_is_not_well(kind: Kind) {
    let app = TestApp::start(kind).await;
    assert_eq!(ready(&app).await, (200, "ok\n".to_owned()));
    // Nobody has worked for longer than a worker may be silent.
    app.clock.advance(Duration::from_secs(600));
    let nobody = "no worker is signed in\n";
    assert_eq!(ready(&app).await, (503, nobody.to_owned()));
    // This process begins to work: its own worker counts, by its own pulse.
    app.counterfoil.work();
    while !app.counterfoil.worker.works() {
        tokio::task::yield_now().await;
    }
    assert_eq!(ready(&app).await, (200, "ok\n".to_owned()));

    app.alter("UPDATE __diesel_schema_migrations SET version = '0' || version");
    let (status, said) = ready(&app).await;
    assert_eq!(status, 503);
    assert!(said.contains("counterfoil migrate"), "{said}");
    app.alter("UPDATE __diesel_schema_migrations SET version = substr(version, 2)");
    assert_eq!(ready(&app).await, (200, "ok\n".to_owned()));

    // Every connection is taken: it must say so before whoever asks gives up.
    let (_held, let_go) = hold_every_connection(&app);
    let (status, said) = ready(&app).await;
    assert_eq!(status, 503);
    assert!(said.contains("the database does not answer"), "{said}");
    assert!(
        !said.contains("postgres:") && !said.contains("sqlite"),
        "{said}"
    );
    drop(let_go);
}

async fn the_log_follows_a_delivery_and_names_nobody(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    let log = Log::listen();
    // The other database's story is told beside this one, into the same log.
    let id = |number: u32| format!("road-{number}-{kind:?}");
    let order = std::fs::read_to_string("tests/fixtures/shopify/orders_create.json");
    let order = order
        .expect("a fixture")
        .replace("ada@example.com", "zilla.log@example.com")
        .replace("\"Ada\"", "\"Zillabeth\"")
        .replace("\"Muster\"", "\"Quexelmann\"")
        .replace("Hauptstr. 1", "Logbuchgasse 17")
        .replace("\"phone\": null", "\"phone\": \"+491705550199\"");
    let people = [
        "zilla",
        "Zillabeth",
        "Quexelmann",
        "Logbuchgasse",
        "5550199",
    ];
    for known in people {
        assert!(order.contains(known), "{known} is not in the fixture");
    }
    app.deliver_webhook("orders/create", &id(1), order.as_bytes())
        .await;
    // What the parser says of this one quotes it.
    let odd = br#"{"id":820982911946154509,"line_items":"zilla.log@example.com"}"#;
    app.deliver_webhook("orders/create", &id(2), odd).await;
    let granted = br#"{"id":1,"current":["read_orders"],"previous":[]}"#;
    app.deliver_webhook("app/scopes_update", &id(3), granted)
        .await;
    app.deliver_signed("orders/create", &id(4), SHOP, order.as_bytes(), "forged")
        .await;
    app.run_jobs().await;

    // Each of them files a job that asks Shopify: an article that is new here, the scopes.
    for number in [1, 3] {
        let road = log.road_of(&id(number));
        let (arrival, job) = road.split_at(3);
        assert_eq!(
            arrival,
            ["delivery answered", "event claimed", "event applied"]
        );
        assert!(job.contains(&"called Shopify".to_owned()), "{job:?}");
        assert_eq!(job.last().map(String::as_str), Some("job ran"));
    }
    let text = log.text();
    for known in people {
        let line = text.lines().find(|line| line.contains(known));
        assert_eq!(line, None, "{known} stands in the log");
    }
    app.expect_dead();
}

/// Takes every connection of the pool until the returned senders are dropped.
fn hold_every_connection(app: &TestApp) -> (Vec<JoinHandle<()>>, Vec<Sender<()>>) {
    let (_used, most) = app.db().pool_use();
    let (taken, all_taken) = channel();
    let held = (0..most).map(|_| {
        let (let_go, wait) = channel::<()>();
        let (db, taken) = (app.db().clone(), taken.clone());
        let holder = thread::spawn(move || {
            let held = db.read_here(|_conn| -> Result<(), DbError> {
                taken.send(()).expect("the story waits");
                let _ = wait.recv();
                Ok(())
            });
            held.expect("a connection");
        });
        (holder, let_go)
    });
    let held = held.unzip();
    for _ in 0..most {
        let taken = all_taken.recv_timeout(Duration::from_secs(10));
        taken.expect("a connection is taken");
    }
    held
}

async fn ready(app: &TestApp) -> (u16, String) {
    let reply = http_client(reqwest::redirect::Policy::none())
        .get(format!("{}/readyz", app.url))
        .send()
        .await
        .expect("an answer");
    let status = reply.status().as_u16();
    (status, reply.text().await.expect("a text"))
}

/// Every line of `/metrics` and its value, in whole numbers.
async fn scrape(app: &TestApp) -> HashMap<String, i64> {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let now = app.clock.now();
    let random = format!("{:064x}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let token = app.db().write_here(|conn| -> Result<String, DbError> {
        tokens::create(conn, "prometheus", Scope::Read, &random, now)
    });
    let reply = http_client(reqwest::redirect::Policy::none())
        .get(format!("{}/metrics", app.url))
        .bearer_auth(token.expect("a token"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(reply.status(), 200);
    let kind = reply.headers()["content-type"].to_str().expect("text");
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let text = reply.text().await.expect("a text");
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            let whole = value.split('.').next().unwrap_or_default();
            (name.to_owned(), whole.parse().expect("a number"))
        })
        .collect()
}
