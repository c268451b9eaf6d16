//! Somebody stops what comes in, what goes out, or one store: nothing is lost, nothing fails, and all of it goes on
//! in the right order when they say so.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use counterfoil::erp::alerts::{self, Kind as Alarm};
use counterfoil::erp::users::roles::{Action, Role};
use counterfoil::erp::users::tokens::{self, Scope as TokenScope};
use counterfoil::platform::db::{Db, DbConnection, DbError};
use counterfoil::platform::inbox::{Delivery, queries as inbox};
use counterfoil::platform::jobs::queries::JobRow;
use counterfoil::platform::jobs::{self, Job as _};
use counterfoil::platform::queue::pauses::{self, Scope, Waiting};
use counterfoil::platform::queue::{
    self, Claim, Me, Outcome, Policy, Queue, Status, TryNote, Wanted, queries,
};
use counterfoil::practice::OrderKind;
use counterfoil::shopify::fulfillments::PushFulfillment;
use counterfoil::shopify::jobs::{ImportProducts, LookAfterShop};
use counterfoil::shopify::pauses::HELD;
use counterfoil::types::{At, EventId, JobId};
use diesel::connection::SimpleConnection as _;
use serde_json::Value;

use crate::queue::change;
use crate::shipping::Story;
use crate::support::app::{SHOP, TestApp, signature};
use crate::support::database::{Database, Kind};
use crate::support::smtp::MailServer;
use crate::support::visitor::Page;
use crate::support::{both_databases, http_client};

both_databases!(
    what_comes_in_waits_while_it_is_paused_and_is_applied_when_it_goes_on,
    what_goes_out_waits_while_it_is_paused_and_the_house_goes_on_keeping_itself,
    one_paused_store_waits_and_the_others_go_on,
    of_what_came_in_meanwhile_the_newest_state_is_applied_once,
    ten_thousand_paused_rows_are_in_nobodys_way,
    what_is_being_worked_on_is_finished,
    a_row_held_by_two_pauses_waits_for_both,
    only_who_connects_stores_may_pause_and_everybody_sees_it,
    a_pause_is_told_to_programs_and_to_prometheus,
    nobody_is_alarmed_by_a_pause_but_the_summary_tells_of_it,
    a_reason_that_is_a_story_is_sent_back,
);

const MINUTE: Duration = Duration::from_secs(60);
const OTHER: &str = "other.myshopify.com";
const EVENTS: Queue = Queue::WebhookEvents;

async fn what_comes_in_waits_while_it_is_paused_and_is_applied_when_it_goes_on(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let page = pause(&app, "/events", "Pause incoming", "stock count").await;
    page.assert_shows("Incoming is paused.")
        .assert_shows(
            "Incoming is paused since 12:00 by The owner: stock count. Nothing waits yet.",
        )
        .assert_lacks("Pause incoming")
        .assert_shows("Pause outgoing");

    let body = order(1);
    let answer = app.deliver_webhook("orders/create", "w1", &body).await;
    answer.assert(200, "created");
    app.pass(MINUTE).await;
    assert!(app.orders().is_empty());
    let home = app.get("/").await;
    home.assert_shows("Incoming is paused since 12:00 by The owner: stock count. 1 webhook waits.");
    assert_eq!(statuses(&app), [Status::Pending]);

    let home = app
        .owner()
        .submit(home.form("form[action$='/resumption']"))
        .await;
    home.assert_shows("Incoming goes on. What waited is worked off now.");
    home.assert_lacks("Resume incoming");
    app.run_jobs().await;
    assert_eq!(app.orders().len(), 1);
    assert_eq!(attempts(&app, 1), (1, 0), "one try, and none was burned");

    let log = app.get("/settings/audit").await;
    log.assert_shows("Paused: stock count")
        .assert_shows("Resumed after 1 min");
    assert_eq!(log.link("Incoming"), "/events");
}

async fn what_goes_out_waits_while_it_is_paused_and_the_house_goes_on_keeping_itself(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    let app = &story.app;
    pause(app, "/events", "Pause outgoing", "").await;
    story.ship_all("1Z999").expect("it ships");
    app.run_jobs().await;
    assert_eq!(story.fulfillments().len(), 0);
    let push = latest(app, PushFulfillment::KIND);
    assert_eq!(Status::from_code(push.status), Status::Waiting);
    assert_eq!(push.reason.as_deref(), Some("sending is paused"));
    assert_eq!(push.attempts, 0);
    app.get("/events")
        .await
        .assert_shows("Outgoing is paused since 12:00 by The owner. 1 push waits.");

    // What came in meanwhile is applied, the watch goes round, and the token is looked after.
    app.practice.place_order(OrderKind::OneLine);
    let orders = app.orders().len();
    app.pass(Duration::from_secs(25 * 3600)).await;
    assert_eq!(app.orders().len(), orders + 1);
    let ran = |kind: &str| {
        let all = (1..=2000).filter_map(|id| app.read(|conn| jobs::queries::find(conn, JobId(id))));
        let done = Status::Done.code();
        let mut of_kind = all.filter(|job| job.kind == kind && job.status == done);
        of_kind.any(|job| job.finished_at > Some(push.created_at))
    };
    assert!(ran("alerts.watch"));
    assert!(ran(LookAfterShop::KIND));
    assert!(!ran(ImportProducts::KIND));
    assert_eq!(story.fulfillments().len(), 0);

    // It is the next day: the session of yesterday is over.
    let admin = app.signed_in(Role::Admin).await;
    let page = admin.get("/events").await;
    admin.submit(page.form("form[action$='/resumption']")).await;
    app.run_jobs().await;
    assert_eq!(story.only_fulfillment().numbers, ["1Z999"]);
    let push = latest(app, PushFulfillment::KIND);
    assert_eq!((push.attempts, push.reason), (0, None));
}

async fn one_paused_store_waits_and_the_others_go_on(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    let app = &story.app;
    app.add_store(OTHER);
    let before = app.orders().len();
    let page = pause(app, &store_page(app), "Pause", "moving house").await;
    page.assert_shows("is paused since 12:00 by The owner: moving house. Nothing waits yet.");
    assert!(page.texts(".badge").contains(&"Paused".to_owned()));

    app.deliver_webhook("orders/create", "w1", &order(1)).await;
    deliver_to_other(app, "w2", &order(2)).await;
    story.ship_all("1Z999").expect("it ships");
    app.run_jobs().await;
    assert_eq!(app.orders().len(), before + 1, "the other store's");
    assert_eq!(story.fulfillments().len(), 0);
    let push = latest(app, PushFulfillment::KIND);
    assert_eq!(push.reason.as_deref(), Some("the store is paused"));
    for path in ["/", "/events", &store_page(app)] {
        app.get(path)
            .await
            .assert_shows("1 webhook and 1 push wait.");
    }
    let waiting = app.get("/events?state=waiting").await;
    waiting.assert_shows("the store is paused");

    resume(app, &store_page(app))
        .await
        .assert_lacks("is paused since");
    app.run_jobs().await;
    assert_eq!(app.orders().len(), before + 2);
    assert_eq!(story.only_fulfillment().numbers, ["1Z999"]);
    let log = app.get("/settings/audit").await;
    log.assert_shows("Paused: moving house");
}

async fn of_what_came_in_meanwhile_the_newest_state_is_applied_once(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.deliver_webhook("orders/create", "w0", &order(1)).await;
    app.run_jobs().await;
    // One fails before the pause and is to be tried again during it.
    app.deliver_webhook("orders/updated", "w1", &order_at(1, "12:01", "first"))
        .await;
    app.alter("UPDATE webhook_events SET attempts = 3, reason = 'the database was away' WHERE webhook_id = 'w1'");
    pause(&app, &store_page(&app), "Pause", "").await;
    app.run_jobs().await;
    for (id, at, note) in [("w2", "12:05", "third"), ("w3", "12:03", "second")] {
        app.deliver_webhook("orders/updated", id, &order_at(1, at, note))
            .await;
        app.pass(MINUTE).await;
    }
    assert_eq!(
        statuses(&app),
        [
            Status::Done,
            Status::Waiting,
            Status::Waiting,
            Status::Waiting
        ]
    );
    resume(&app, &store_page(&app)).await;
    app.run_jobs().await;
    assert_eq!(
        statuses(&app),
        [
            Status::Done,
            Status::Superseded,
            Status::Done,
            Status::Superseded
        ]
    );
    assert_eq!(attempts(&app, 2), (0, 3), "what it had is what it has");
    let kept = app.read(|conn| inbox::find(conn, EventId(2))).expect("it");
    assert_eq!(kept.reason.as_deref(), Some("the database was away"));
}

async fn ten_thousand_paused_rows_are_in_nobodys_way(kind: Kind) {
    let house = House::new(kind);
    let (paused, others) = (10_000, 200);
    // The database knows the queue as it was while nothing was open.
    house.store(of_shop("z", "old", 3_000));
    house.alter("UPDATE webhook_events SET status = 3, finished_at = 0");
    house.alter("ANALYZE");
    house.store(of_shop("a", "w", paused));
    let scope = Scope::Shop("a.myshopify.com".to_owned());
    assert!(house.write(|conn| pauses::begin(conn, &scope, None, None, at(1))));
    house.store(of_shop("b", "w", others));

    // However many stand before it, what is not paused is claimed at once.
    let (first, _moved) = house.round(2);
    assert_eq!(first.len(), 32);
    assert!(first.iter().all(|claim| is_of(claim, "b")));
    let mut rounds = 0;
    while house.round(2).1 > 0 {
        rounds += 1;
        assert!(rounds < 40, "they are put aside for good");
    }
    assert_eq!(
        house.count(Status::Pending),
        0,
        "no claim meets one any more"
    );
    assert_eq!(house.count(Status::Waiting), paused);
    let waiting = house.write(|conn| pauses::waiting(conn, &scope, HELD));
    let all = Waiting {
        events: paused,
        jobs: 0,
    };
    assert_eq!(waiting, all);
    house.store(of_shop("b", "later", others));
    let (claims, moved) = house.round(3);
    assert_eq!((claims.len(), moved), (32, 0));

    // What is given back has the turn it had: before what came later.
    house
        .write(|conn| pauses::end(conn, &scope, at(4)))
        .expect("it was on");
    let (claims, moved) = house.round(5);
    assert_eq!((claims.len(), moved), (32, 512));
    assert!(claims.iter().all(|claim| is_of(claim, "a")));
    while house.round(5).1 > 0 {}
    assert_eq!(house.count(Status::Waiting), 0);
    house.write(|conn| queries::pauses::settle(conn, Queue::Jobs, HELD, at(6)));
    let look = house.write(|conn| queries::look(conn, EVENTS, &[], at(6)));
    assert!(!look.over && !look.paused, "nothing is left of the pause");
}

/// So many deliveries of a store, each of a record of its own.
fn of_shop(shop: &str, id: &str, count: i64) -> impl Iterator<Item = Delivery> {
    (0..count).map(move |n| {
        let domain = format!("{shop}.myshopify.com");
        change(&domain, &format!("{id}{n}"), &format!("{shop}/{id}/{n}"))
    })
}

fn is_of(claim: &Claim, shop: &str) -> bool {
    let key = claim.key.as_deref().and_then(|key| key.split_once('/'));
    key.is_some_and(|(store, _record)| store == shop)
}

async fn what_is_being_worked_on_is_finished(kind: Kind) {
    let house = House::new(kind);
    house.store(of_shop("a", "w", 40));
    let (held, _moved) = house.round(1);
    let scope = Scope::Shop("a.myshopify.com".to_owned());
    for (scope, is_new) in [(&scope, true), (&scope, false), (&Scope::Incoming, true)] {
        let begun = house.write(|conn| pauses::begin(conn, scope, None, None, at(1)));
        assert_eq!(begun, is_new);
    }
    let (none, moved) = house.round(1);
    assert_eq!((none.len(), moved), (0, 8));
    let (done, failed) = held.split_at(31);
    for claim in done {
        assert!(house.finish(claim, &Outcome::Done));
    }
    for claim in failed {
        assert!(house.finish(claim, &Outcome::retry("the database was away")));
    }
    assert_eq!(house.count(Status::Working), 0);
    assert_eq!(house.count(Status::Waiting), 8);
    // What failed once more joins the others when its time has come.
    assert_eq!(house.round(60).1, 1);
    assert_eq!(house.count(Status::Waiting), 9);
}

async fn a_row_held_by_two_pauses_waits_for_both(kind: Kind) {
    let story = Story::ready(kind, OrderKind::OneLine).await;
    let app = &story.app;
    let store = store_page(app);
    pause(app, &store, "Pause", "").await;
    story.ship_all("1Z999").expect("it ships");
    app.run_jobs().await;
    pause(app, "/events", "Pause outgoing", "").await;
    resume(app, &store).await;
    app.run_jobs().await;
    let push = latest(app, PushFulfillment::KIND);
    assert_eq!(push.reason.as_deref(), Some("sending is paused"));
    assert_eq!(story.fulfillments().len(), 0);
    // Paused once more before what waited was given back.
    resume(app, "/events").await;
    pause(app, "/events", "Pause outgoing", "").await;
    app.run_jobs().await;
    assert_eq!(story.fulfillments().len(), 0);
    resume(app, "/events").await;
    app.run_jobs().await;
    assert_eq!(story.only_fulfillment().numbers, ["1Z999"]);
}

async fn only_who_connects_stores_may_pause_and_everybody_sees_it(kind: Kind) {
    let app = TestApp::connected(kind).await;
    pause(&app, "/events", "Pause incoming", "stock count").await;
    // A driver sees nothing but the own run.
    for role in Role::ALL.iter().filter(|role| role.may(Action::View)) {
        let visitor = app.signed_in(*role).await;
        let may = matches!(role, Role::Owner | Role::Admin);
        let page = visitor.get("/events").await;
        page.assert_shows("Incoming is paused since");
        assert_eq!(
            page.count("form[action$='/events/incoming/resumption']"),
            usize::from(may)
        );
        assert_eq!(
            page.count("a[href$='/events/outgoing/pause']"),
            usize::from(may)
        );
        let store = visitor.get(&store_page(&app)).await;
        assert_eq!(store.count("a[href$='/pause']"), usize::from(may));
    }
    app.get("/events/sideways/pause").await.assert_status(404);
    app.get("/integrations/shopify/99/pause")
        .await
        .assert_status(404);
}

async fn a_pause_is_told_to_programs_and_to_prometheus(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let token = app.db().write_here(|conn| -> Result<String, DbError> {
        tokens::create(conn, "reader", TokenScope::Read, &"ab".repeat(32), at(0))
    });
    let token = token.expect("a token");
    let ask = async |path: &str| {
        let asked = http_client(reqwest::redirect::Policy::none())
            .get(format!("{}{path}", app.url))
            .bearer_auth(&token);
        let answer = asked.send().await.expect("an answer");
        answer.text().await.expect("a text")
    };
    let status = async || -> Value {
        serde_json::from_str(&ask("/api/main/sync/status").await).expect("JSON")
    };
    let gauge = |which: &str, shop: &str, value: u8| {
        format!("counterfoil_paused{{shop=\"{shop}\",which=\"{which}\"}} {value}")
    };
    assert_eq!(status().await["pauses"], serde_json::json!([]));
    let metrics = ask("/metrics").await;
    for line in [
        gauge("incoming", "", 0),
        gauge("outgoing", "", 0),
        gauge("store", SHOP, 0),
    ] {
        assert!(metrics.contains(&line), "{line}");
    }
    pause(&app, "/events", "Pause outgoing", "").await;
    app.clock.advance(MINUTE);
    pause(&app, &store_page(&app), "Pause", "moving house").await;
    let told = status().await;
    assert_eq!(told["state"], "paused");
    assert_eq!(
        told["pauses"],
        serde_json::json!([
            { "what": "outgoing", "since": "2026-11-21T12:00:00Z", "by": "The owner", "reason": null },
            { "what": "store", "since": "2026-11-21T12:01:00Z", "by": "The owner", "reason": "moving house" },
        ])
    );
    let metrics = ask("/metrics").await;
    for line in [
        gauge("incoming", "", 0),
        gauge("outgoing", "", 1),
        gauge("store", SHOP, 1),
    ] {
        assert!(metrics.contains(&line), "{line}");
    }
}

async fn nobody_is_alarmed_by_a_pause_but_the_summary_tells_of_it(kind: Kind) {
    let server = MailServer::start();
    let app = TestApp::connected_with_mail(kind, &server.url(), "ops@warehouse.example").await;
    pause(&app, &store_page(&app), "Pause", "moving house").await;
    app.deliver_webhook("orders/create", "w1", &order(1)).await;
    app.pass(Duration::from_secs(30 * 60)).await;
    app.pass(MINUTE).await;
    assert_eq!(open(&app), []);
    assert!(server.letters().is_empty());
    // It goes on, and somebody holds the event: from now on its waiting counts.
    resume(&app, &store_page(&app)).await;
    app.alter("UPDATE webhook_events SET status = 1, waits_for = NULL, locked_by = 'other', locked_at = 0 WHERE webhook_id = 'w1'");
    app.pass(Duration::from_secs(9 * 60)).await;
    assert_eq!(open(&app), []);
    app.pass(Duration::from_secs(2 * 60)).await;
    assert_eq!(open(&app), [Alarm::Late]);
    // An alarm that was there before the next pause stays: nothing is mended.
    pause(&app, &store_page(&app), "Pause", "still moving").await;
    app.pass(MINUTE).await;
    assert_eq!(open(&app), [Alarm::Late]);
    app.alter("UPDATE webhook_events SET status = 3, locked_by = NULL, locked_at = NULL WHERE webhook_id = 'w1'");
    app.pass(MINUTE).await;
    assert_eq!(open(&app), []);

    // On the second morning nothing happened but the pause.
    app.pass(Duration::from_secs(18 * 3600)).await;
    let before = server.letters().len();
    app.pass(Duration::from_secs(24 * 3600)).await;
    let letters = server.letters();
    assert_eq!(letters.len(), before + 1, "{letters:?}");
    assert_eq!(
        letters[before].header("Subject"),
        Some("Counterfoil: the last day, and what is paused")
    );
    let body = &letters[before].body;
    let words = format!("{SHOP} is paused (by The owner since 2026-11-21 12:42 UTC)");
    assert!(
        body.contains(&words) && body.contains("still moving"),
        "{body}"
    );
}

async fn a_reason_that_is_a_story_is_sent_back(kind: Kind) {
    let app = TestApp::start(kind).await;
    let page = app
        .get(&app.get("/events").await.link("Pause incoming"))
        .await;
    let long = "because ".repeat(30);
    let form = page.form("form[action$='/pause']").fill("reason", &long);
    let page = app.owner().submit(form).await;
    page.assert_status(422)
        .assert_shows("Say why in at most 200 characters");
    assert_eq!(
        page.form("form[action$='/pause']").value("reason"),
        Some(long.trim())
    );
    app.get("/events").await.assert_lacks("is paused");
}

/// Pauses by the button of that page.
async fn pause(app: &TestApp, page: &str, button: &str, reason: &str) -> Page {
    let asked = app.get(&app.get(page).await.link(button)).await;
    let form = asked.form("form[action$='/pause']").fill("reason", reason);
    app.owner().submit(form).await
}

async fn resume(app: &TestApp, page: &str) -> Page {
    let page = app.get(page).await;
    app.owner()
        .submit(page.form("form[action$='/resumption']"))
        .await
}

fn store_page(app: &TestApp) -> String {
    let shops = app.read(counterfoil::shopify::shops::list);
    let shop = shops.iter().find(|it| it.domain.as_str() == SHOP);
    format!("/integrations/shopify/{}", shop.expect("the store").id)
}

/// Of an order of its own for each number.
fn order(number: u64) -> Vec<u8> {
    let text =
        std::fs::read_to_string("tests/fixtures/shopify/orders_create.json").expect("a fixture");
    text.replace(
        "820982911946154508",
        &format!("8209829119461545{number:02}"),
    )
    .into_bytes()
}

fn order_at(number: u64, minute: &str, note: &str) -> Vec<u8> {
    let mut order: Value = serde_json::from_slice(&order(number)).expect("JSON");
    order["updated_at"] = format!("2030-11-21T{minute}:00Z").into();
    order["note"] = note.into();
    serde_json::to_vec(&order).expect("JSON")
}

async fn deliver_to_other(app: &TestApp, id: &str, body: &[u8]) {
    let answer = app
        .deliver_signed("orders/create", id, OTHER, body, &signature(body))
        .await;
    answer.assert(200, "created");
}

fn statuses(app: &TestApp) -> Vec<Status> {
    let ids: Vec<i64> = (1..=50).collect();
    let rows = app.read(|conn| inbox::list_by_id(conn, &ids));
    let ours = rows.iter().filter(|row| row.webhook_id.starts_with('w'));
    ours.map(|row| Status::from_code(row.status)).collect()
}

/// The tries of the event with this id, and its failures.
fn attempts(app: &TestApp, id: i64) -> (usize, i32) {
    let tries = app.read(|conn| queries::list::list_tries(conn, EVENTS, id));
    let row = app.read(|conn| inbox::find(conn, EventId(id)));
    (tries.len(), row.expect("the event").attempts)
}

fn latest(app: &TestApp, kind: &str) -> JobRow {
    let found = app.read(|conn| jobs::queries::find_latest(conn, kind, SHOP));
    found.expect("a job of the kind")
}

fn open(app: &TestApp) -> Vec<Alarm> {
    let open = app.read(alerts::queries::list_open);
    open.into_iter().map(|it| it.kind).collect()
}

/// A database and one worker's hands.
struct House {
    db: Db,
    _database: Database,
}

impl House {
    fn new(kind: Kind) -> Self {
        let database = Database::create(kind);
        Self {
            db: Db::open(&database.url, 2).expect("the database opens"),
            _database: database,
        }
    }

    fn write<T>(&self, work: impl FnOnce(&mut DbConnection) -> Result<T, DbError>) -> T {
        self.db.write_here(work).expect("a query that works")
    }

    fn store(&self, deliveries: impl Iterator<Item = Delivery>) {
        let all: Vec<Delivery> = deliveries.collect();
        for some in all.chunks(250) {
            let some: Vec<&Delivery> = some.iter().collect();
            self.write(|conn| inbox::insert_all(conn, &some));
        }
    }

    fn alter(&self, statement: &str) {
        self.write(|conn| Ok(conn.batch_execute(statement)?));
    }

    /// What a worker does while something is paused: a claim of 32, and how many rows it moved. It takes
    /// milliseconds; where it walks through all that is open for each row of it, it takes half a minute.
    fn round(&self, seconds: u64) -> (Vec<Claim>, usize) {
        let begun = Instant::now();
        let now = at(seconds);
        let wanted = Wanted {
            at_most: 32,
            suspects: true,
            but: &[],
            held: Some(HELD),
        };
        let done = self.write(|conn| {
            let moved = queries::pauses::settle(conn, EVENTS, HELD, now)?;
            Ok((queries::claim(conn, EVENTS, &me(), wanted, now)?, moved))
        });
        assert!(begun.elapsed() < Duration::from_secs(5), "the claim walks");
        done
    }

    fn finish(&self, claim: &Claim, outcome: &Outcome) -> bool {
        let policy = Policy { max_attempts: 8 };
        let note = TryNote {
            at: at(2),
            micros: 1,
            request_id: None,
        };
        self.write(|conn| queue::finish(conn, EVENTS, &me(), claim, outcome, policy, &note, 500))
    }

    fn count(&self, status: Status) -> i64 {
        let counts = self.write(|conn| queries::count_by_status(conn, EVENTS));
        let mut by_status: HashMap<i16, i64> = HashMap::new();
        for (status, _retried, n) in counts {
            *by_status.entry(status).or_default() += n;
        }
        by_status.get(&status.code()).copied().unwrap_or_default()
    }
}

fn me() -> Me {
    Me {
        host: "test".to_owned(),
        pid: 1,
        boot: "boot".to_owned(),
    }
}

fn at(seconds: u64) -> At {
    At(0).after(Duration::from_secs(seconds))
}
