//! What failed says why, and has a button: the events screen.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use counterfoil::erp::users::roles::Role;
use counterfoil::platform::db::{DbConnection, DbError};
use counterfoil::platform::jobs::queries as jobs;
use counterfoil::platform::queue::queries::page::{self, Beyond, Place, Wanted};
use counterfoil::platform::queue::{Queue, Status};
use counterfoil::types::{At, JobId};
use diesel::connection::{Connection as _, InstrumentationEvent, SimpleConnection as _};
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::support::app::{SHOP, TestApp};
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::Page;

both_databases!(
    a_broken_delivery_is_shown_replayed_and_discarded_with_a_reason,
    a_refused_delivery_is_listed_without_its_body,
    webhooks_and_pushes_stand_in_one_order_of_time,
    filters_stay_wherever_one_goes,
    what_is_rare_is_found_in_a_long_history,
    a_page_is_a_walk_along_an_index,
    nothing_open_says_what_was_done,
    the_inspector_says_when_it_goes_on_and_what_comes_first,
    what_was_superseded_leads_to_what_overtook_it,
    all_with_the_same_reason_are_replayed_after_a_look,
    of_jobs_that_do_the_same_work_one_is_replayed,
    what_is_discarded_can_be_put_back_for_a_day,
);

const CUT: &[u8] = br##"{"id":820982911946154508,"name":"#1001","line_items":[{"##;
/// The clock's noon, in microseconds.
const NOON: i64 = 1_795_262_400_000_000;
const MINUTE: i64 = 60_000_000;

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
        .submit(page.form("form[action*='/replay?']"))
        .await;
    replayed.assert_shows("Replayed").assert_shows("Pending");
    app.run_jobs().await;
    let page = app.get(&event).await;
    page.assert_shows("2 tries").assert_shows("Failed");

    let without = page.form("form[action*='/discard?']");
    app.owner().submit(without).await.assert_status(422);
    let with = page
        .form("form[action*='/discard?']")
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

async fn webhooks_and_pushes_stand_in_one_order_of_time(kind: Kind) {
    let app = TestApp::start(kind).await;
    let earlier = newest_job(&app);
    // Three rows of each table share a time, and ids are in no order of time at all.
    let at = |number: i64| NOON - (number * 37 % 70) / 3 * MINUTE;
    for number in 0..70 {
        event(&app, &format!("w{number}"), Row::at(at(number)));
        job(&app, Row::at(at(number)));
    }
    let mut wanted: Vec<(i64, u8, i64)> = (0..70)
        .flat_map(|number| {
            [
                (at(number), 0, number + 1),
                (at(number), 1, earlier + number + 1),
            ]
        })
        .collect();
    wanted.sort_unstable_by_key(|row| std::cmp::Reverse(*row));
    let wanted: Vec<String> = wanted
        .into_iter()
        .map(|(_, table, id)| {
            if table == 0 {
                format!("event-{id}")
            } else {
                format!("job-{id}")
            }
        })
        .collect();

    let first = app.get("/events?state=done").await;
    let second = app.get(&first.link("Older")).await;
    let third = app.get(&second.link("Older")).await;
    assert_eq!(third.count("a[rel=next]"), 0, "there is nothing older");
    let pages = [rows(&first), rows(&second), rows(&third)];
    assert_eq!(pages.concat(), wanted);
    let back = app.get(&third.link("Newer")).await;
    assert_eq!(rows(&back), pages[1]);
    let back = app.get(&back.link("Newer")).await;
    assert_eq!(rows(&back), pages[0]);
    assert_eq!(back.count("a[rel=prev]"), 0, "there is nothing newer");

    let pushes = app.get("/events?state=done&kind=pushes").await;
    let wanted: Vec<String> = wanted
        .into_iter()
        .filter(|it| it.starts_with("job"))
        .collect();
    assert_eq!(rows(&pushes), wanted[..50]);
    let rest = app.get(&pushes.link("Older")).await;
    assert_eq!(rows(&rest), wanted[50..]);
}

async fn filters_stay_wherever_one_goes(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    app.add_store("second.myshopify.com");
    let why = "price: \"abc\" is not money";
    for number in 0..3 {
        event(&app, &format!("a{number}"), Row::dead(why));
    }
    event(&app, "b", Row::dead("price: \"x\" is not money"));
    let elsewhere = Row::dead(why).of("orders/paid", "second.myshopify.com");
    event(&app, "c", elsewhere);
    job(&app, Row::dead("Shopify 422: the company is not known"));

    let page = app.get("/events?state=failed").await;
    assert_eq!(page.texts(".reasons li .num"), ["4", "1", "1"]);
    let page = app.get(&page.link(why)).await;
    assert_eq!(rows(&page).len(), 4, "all with that reason");
    let page = app
        .get("/events?state=failed&reason=PRICE: &topic=orders/paid")
        .await;
    assert_eq!(rows(&page), ["event-5"], "by the beginning, and by topic");
    let form = page.form(".narrow form").fill("topic", "");
    let page = app.owner().submit(form.fill("store", SHOP)).await;
    assert_eq!(rows(&page).len(), 4);

    // The filters are in the row's address and in the tabs', and the way back drops them.
    let event = app.get(&page.attribute("a.row-link", "href")).await;
    assert_eq!(rows(&event), rows(&page));
    let empty = app.get(&event.link("Waiting")).await;
    empty.assert_shows("No events match");
    let all = app.get(&empty.link("Clear filters")).await;
    all.assert_shows("Nothing waits");
    let back = event.link("Store: practice-store.myshopify.com remove filter");
    let back = app.get(&back).await;
    assert_eq!(rows(&back).len(), 5, "the reason is still there");
}

async fn what_is_rare_is_found_in_a_long_history(kind: Kind) {
    let app = TestApp::start(kind).await;
    event(
        &app,
        "rare",
        Row::at(NOON - MINUTE * 60).of("app/uninstalled", SHOP),
    );
    fill(&app, 10_020, Status::Done);
    let page = app.get("/events?state=done&topic=app/uninstalled").await;
    page.assert_shows("No events match so far")
        .assert_shows("Looked back to 11:");
    let page = app.get(&page.link("Look further back")).await;
    assert_eq!(rows(&page), ["event-1"]);
    let page = app.get(&page.link("Newer")).await;
    page.assert_shows("No events match");
    let common = app.get("/events?state=done&topic=orders/updated").await;
    assert_eq!(rows(&common).len(), 50);
}

async fn a_page_is_a_walk_along_an_index(kind: Kind) {
    let mut app = TestApp::start(kind).await;
    fill(&app, 20_000, Status::Done);
    fill(&app, 5_000, Status::Dead);
    app.expect_dead();
    app.alter("ANALYZE");
    let place = Place {
        at: At(NOON - MINUTE),
        queue: Queue::Jobs,
        id: 5,
    };
    let beyond = |newer| Some(Beyond { place, newer });
    for from in [None, beyond(false), beyond(true)] {
        for topic in [None, Some("app/uninstalled")] {
            let wanted = Wanted {
                queues: &[Queue::WebhookEvents, Queue::Jobs],
                statuses: &[Status::Done, Status::Dead],
                retried: None,
                topic,
                shop_domain: None,
                reason: None,
                due_by: None,
                look_at: Some(1000),
            };
            for (query, plan) in app.read(|conn| plans(conn, wanted, from)) {
                assert!(plan.contains("_list"), "{query}\n{plan}");
                for detour in ["Sort", "TEMP B-TREE", "Seq Scan", "Bitmap"] {
                    assert!(!plan.contains(detour), "{query}\n{plan}");
                }
            }
        }
    }
}

async fn nothing_open_says_what_was_done(kind: Kind) {
    let app = TestApp::start(kind).await;
    event(&app, "today", Row::at(NOON - MINUTE));
    event(&app, "yesterday", Row::at(NOON - 24 * 60 * MINUTE));
    job(&app, Row::at(NOON));
    let page = app.get("/events").await;
    page.assert_shows("Nothing open")
        .assert_shows("2 done today.");
    let page = app.get("/events?store=x").await;
    page.assert_shows("No events match");
}

async fn the_inspector_says_when_it_goes_on_and_what_comes_first(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    app.deliver_webhook("orders/create", "cut", CUT).await;
    app.run_jobs().await;
    app.alter(&format!(
        "UPDATE webhook_events SET status = 0, attempts = 2, finished_at = NULL, due_at = {}",
        NOON + 2 * MINUTE
    ));
    let list = app.get("/events?state=retrying").await;
    assert_eq!(list.attribute(".tries", "aria-label"), "2 of 8 tries");
    let page = app.get(&list.attribute("a.row-link", "href")).await;
    page.assert_shows("Try 3 of 8, next at 12:02:00 (in 2 min).")
        .assert_shows(
            "If that fails too, about 2 min, 4 min, 8 min, 16 min, 32 min later; after 8 tries",
        );
    assert!(page.texts(".headers td").contains(&"2026-10".to_owned()));
    assert_eq!(page.count(".headers[open]"), 0, "folded");

    let order = |name: &str| Row {
        status: 0,
        key: Some("acme/order/1"),
        name: name.to_owned(),
        ..Row::at(NOON)
    };
    event(&app, "first", order("first"));
    event(&app, "second", order("second"));
    let page = app.get("/events?state=pending&kind=webhooks").await;
    let page = app.get(&page.attribute("a.row-link", "href")).await;
    page.assert_shows("It is due and comes next.")
        .assert_shows("Another of the same record goes first: event");

    let cause = "shop/1/locations";
    let waiting = Row {
        status: 2,
        waits_for: Some(cause),
        ..Row::at(NOON)
    };
    job(&app, waiting);
    let page = app.get("/events?state=waiting").await;
    let page = app.get(&page.attribute("a.row-link", "href")).await;
    page.assert_shows("Waits until the store's location is mapped to one of ours:");
    assert_eq!(page.link("the store"), "/integrations/shopify/1/settings");
}

async fn what_was_superseded_leads_to_what_overtook_it(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let placed = app
        .practice
        .place_order(counterfoil::practice::OrderKind::OneLine);
    app.run_jobs().await;
    let state = |status, ver| Row {
        status,
        ver,
        key: Some("acme/order/9"),
        name: "test/state".to_owned(),
        ..Row::at(NOON)
    };
    event(&app, "old", state(4, 1));
    event(&app, "new", state(3, 2));
    event(&app, "other", state(3, 0));
    let list = app.get("/events?state=superseded&topic=test/state").await;
    assert_eq!(list.texts(".chip[aria-current]"), ["All", "Superseded"]);
    let page = app.get(&list.attribute("a.row-link", "href")).await;
    let newer = page.attribute(".inspector p a.link", "href");
    let newer = app.get(&newer).await;
    newer.assert_shows("Webhook id new");

    // Which of the order's webhooks was applied is the store's choice; each names the order.
    let list = app.get("/events?state=done&kind=webhooks").await;
    let name = format!("Order {}", placed.name);
    let mut named = 0;
    for link in list.links().iter().filter(|it| it.starts_with("/events/")) {
        let page = app.get(link).await;
        if page.texts(".facts a").contains(&name) {
            named += 1;
            let order = app.order(&placed.name).id;
            assert_eq!(page.link(&name), format!("/orders/{order}"));
        }
    }
    assert!(named > 0, "no webhook leads to the order");
}

async fn all_with_the_same_reason_are_replayed_after_a_look(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    app.alter(&many(1_203, "orders/create"));
    app.alter(&many(2, "orders/paid"));
    event(&app, "other", Row::dead("something else"));
    let list = app.get("/events?state=failed").await;
    let look = app.get(&list.attribute(".reasons a.btn", "href")).await;
    look.assert_shows("1,205 webhooks")
        .assert_shows("orders/create 1,203")
        .assert_shows("orders/paid 2");
    assert_eq!(dead(&app), 1206, "a look changes nothing");

    // What fails after the look was not agreed to.
    let late = Row {
        finished_at: NOON + MINUTE,
        ..Row::dead("the database was full")
    };
    event(&app, "late", late);
    app.clock.advance(Duration::from_secs(120));
    let form = look.form("form[action$='/events/replays']");
    let done = app.owner().submit(form).await;
    done.assert_shows("Replayed 1,205.");
    assert_eq!(dead(&app), 2);
    let log = app.get("/settings/audit?kind=events.replayed").await;
    let told = log.texts("td.col-what").join(" ");
    assert!(told.contains("500 with the same reason"), "{told}");
    assert!(told.contains("205 with the same reason"), "{told}");

    let viewer = app.signed_in(Role::Viewer).await;
    let list = viewer.get("/events?state=failed").await;
    assert_eq!(list.count(".reasons a.btn"), 0);
    let nothing = app.get("/events/replays?kind=webhooks&reason=x").await;
    nothing.assert_shows("Nothing failed for this reason");
}

async fn of_jobs_that_do_the_same_work_one_is_replayed(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    let why = "Shopify 403: no";
    for dedupe in ["a", "a", "b", "c"] {
        let row = Row {
            dedupe: Some(dedupe),
            ..Row::dead(why)
        };
        job(&app, row);
    }
    job(&app, Row::dead(why));
    let open = Row {
        status: 2,
        dedupe: Some("c"),
        ..Row::at(NOON)
    };
    job(&app, open);
    let list = app.get("/events?state=failed&kind=pushes").await;
    let page = app.get(&list.attribute("a.row-link", "href")).await;
    let look = app
        .get(&page.link("Replay all 5 with the same reason"))
        .await;
    look.assert_shows("5 pushes and jobs");
    let form = look.form("form[action$='/events/replays']");
    let done = app.owner().submit(form).await;
    done.assert_shows("Replayed 3. 2 left: the same work is open already.");
    let left = app.get("/events?state=failed&kind=pushes").await;
    assert_eq!(rows(&left).len(), 2);
    let page = app.get(&left.attribute("a.row-link", "href")).await;
    let again = app.owner().submit(page.form("form[action*='/replay?']"));
    again.await.assert_status(409);
}

async fn what_is_discarded_can_be_put_back_for_a_day(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.expect_dead();
    app.deliver_webhook("orders/create", "cut", CUT).await;
    app.run_jobs().await;
    let list = app.get("/events?state=failed").await;
    let event = list.attribute("a.row-link", "href");
    let failed = app.get(&event).await;
    let why = failed.texts(".reason strong").remove(0);

    // Dead, discarded, and dead again with the reason it had.
    let discarded = discard(&app, &failed, "seen").await;
    discarded.assert_shows("Until 22 Nov, 12:00:00 it can be put back");
    let undo = discarded.form("form[action*='/discard/undo']");
    let back = app.owner().submit(undo).await;
    back.assert_shows("Taken back.").assert_shows(&why);
    assert_eq!(back.texts(".inspector .badge"), ["Failed"]);

    // Once replayed there is nothing to take back, and a form that is still open says so.
    let discarded = discard(&app, &back, "seen").await;
    let undo = || discarded.form("form[action*='/discard/undo']");
    let replay = discarded.form("form[action*='/replay?']");
    app.owner().submit(replay).await.assert_shows("Pending");
    app.owner().submit(undo()).await.assert_status(409);
    app.run_jobs().await;

    // A job that waited is tried: its cause may have been mended meanwhile.
    let waiting = Row {
        status: 2,
        waits_for: Some("shop/1/scopes"),
        name: "test.kind".to_owned(),
        ..Row::at(NOON)
    };
    job(&app, waiting);
    let list = app.get("/events?state=waiting").await;
    let page = app.get(&list.attribute("a.row-link", "href")).await;
    let page = discard(&app, &page, "not wanted").await;
    let list = app.get("/events?state=discarded").await;
    let row = app.get(&list.attribute("a.row-link", "href")).await;
    assert_eq!(row.texts("form[action*='undo'] button"), ["Take backZ"]);
    let undo = page.form("form[action*='/discard/undo']");
    app.owner().submit(undo).await.assert_shows("Pending");

    let page = app.get(&event).await;
    let page = discard(&app, &page, "seen").await;
    let log = app.get("/settings/audit").await;
    let told = log.texts("td.col-what");
    assert_eq!(
        told[..6],
        [
            "Discarded: seen",
            "Discarding taken back",
            "Discarded: not wanted",
            "Replayed",
            "Discarded: seen",
            "Discarding taken back",
        ]
    );
    let path = page.form("form[action*='/discard/undo']");
    app.clock.advance(Duration::from_secs(86_401));
    let owner = app.signed_in(Role::Owner).await;
    let late = path.fill("csrf", &app.csrf(&owner));
    owner.submit(late).await.assert_status(409);
    let page = owner.get(&event).await;
    assert_eq!(page.count("form[action*='/discard/undo']"), 0);
}

async fn discard(app: &TestApp, page: &Page, why: &str) -> Page {
    let form = page.form("form[action*='/discard?']");
    let page = app.owner().submit(form.fill("reason", why)).await;
    page.assert_shows("Discarded");
    page
}

/// The rows of a list, by their ids on the page.
fn rows(page: &Page) -> Vec<String> {
    let html = scraper::Html::parse_document(&page.body);
    let rows = scraper::Selector::parse("table.events tbody tr").expect("a selector");
    let ids = html
        .select(&rows)
        .map(|row| row.attr("id").unwrap_or_default().to_owned());
    ids.collect()
}

/// The id of the job that was filed last.
fn newest_job(app: &TestApp) -> i64 {
    let known = |id: &i64| app.read(|conn| jobs::find(conn, JobId(*id))).is_some();
    (1..).take_while(known).last().unwrap_or(0)
}

/// How many webhooks are dead.
fn dead(app: &TestApp) -> i64 {
    app.read(|conn| {
        let counts =
            counterfoil::platform::queue::queries::count_by_status(conn, Queue::WebhookEvents)?;
        Ok(counts
            .iter()
            .filter(|(status, ..)| *status == Status::Dead.code())
            .map(|(.., rows)| rows)
            .sum())
    })
}

/// A row of either table as a story needs it.
struct Row {
    at: i64,
    status: i16,
    reason: Option<&'static str>,
    /// Its topic or kind.
    name: String,
    shop: &'static str,
    key: Option<&'static str>,
    ver: i64,
    finished_at: i64,
    waits_for: Option<&'static str>,
    dedupe: Option<&'static str>,
}

impl Row {
    /// Done.
    fn at(at: i64) -> Self {
        Self {
            at,
            status: 3,
            reason: None,
            name: "orders/create".to_owned(),
            shop: SHOP,
            key: None,
            ver: 0,
            finished_at: NOON,
            waits_for: None,
            dedupe: None,
        }
    }

    fn dead(reason: &'static str) -> Self {
        Self {
            status: 5,
            reason: Some(reason),
            ..Self::at(NOON)
        }
    }

    fn of(self, topic: &str, shop: &'static str) -> Self {
        Self {
            name: topic.to_owned(),
            shop,
            ..self
        }
    }
}

fn text(value: Option<&str>) -> String {
    value.map_or("NULL".to_owned(), |text| format!("'{text}'"))
}

fn event(app: &TestApp, webhook_id: &str, row: Row) {
    app.alter(&format!(
        "INSERT INTO webhook_events (source, shop_domain, webhook_id, topic, key, snapshot, ver, received_at, \
           secret_label, headers, body, status, due_at, reason, finished_at) \
         VALUES ('shopify', '{}', '{webhook_id}', '{}', {}, {}, {}, {}, 'app', '{{}}', '{{}}', {}, {NOON}, {}, {})",
        row.shop,
        row.name,
        text(row.key),
        if row.ver > 0 { "TRUE" } else { "FALSE" },
        row.ver,
        row.at,
        row.status,
        text(row.reason),
        row.finished_at
    ));
}

fn job(app: &TestApp, row: Row) {
    app.alter(&format!(
        "INSERT INTO jobs (kind, dedupe_key, shop_domain, payload, created_at, status, due_at, reason, waits_for, \
           finished_at) VALUES ('{}', {}, '{}', '{{}}', {}, {}, {NOON}, {}, {}, {})",
        row.name,
        text(row.dedupe),
        row.shop,
        row.at,
        row.status,
        text(row.reason),
        text(row.waits_for),
        row.finished_at
    ));
}

/// That many webhooks of a topic, dead of one reason.
fn many(count: u32, topic: &str) -> String {
    format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         INSERT INTO webhook_events (source, shop_domain, webhook_id, topic, snapshot, ver, received_at, \
           secret_label, headers, body, status, due_at, reason, finished_at) \
         SELECT 'shopify', '{SHOP}', '{topic}' || i, '{topic}', FALSE, 0, {NOON} - i, 'app', '{{}}', '{{}}', 5, \
           {NOON}, 'the database was full', {NOON} FROM n"
    )
}

/// That many rows of each table in one state, one a millisecond.
fn fill(app: &TestApp, count: u32, status: Status) {
    let code = status.code();
    let numbers = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    );
    app.alter(&format!(
        "{numbers} INSERT INTO webhook_events (source, shop_domain, webhook_id, topic, snapshot, ver, received_at, \
           secret_label, headers, body, status, due_at, reason, finished_at) \
         SELECT 'shopify', '{SHOP}', 'fill{code}/' || i, 'orders/updated', FALSE, 0, {NOON} - i * 1000, 'app', \
           '{{}}', '{{}}', {code}, {NOON}, 'why ' || i, {NOON} FROM n"
    ));
    app.alter(&format!(
        "{numbers} INSERT INTO jobs (kind, payload, created_at, status, due_at, reason, finished_at) \
         SELECT 'shopify.enrich', '{{}}', {NOON} - i * 1000, {code}, {NOON}, 'why ' || i, {NOON} FROM n"
    ));
}

/// How the database goes about the queries of a page.
fn plans(
    conn: &mut DbConnection,
    wanted: Wanted<'_>,
    from: Option<Beyond>,
) -> Result<Vec<(String, String)>, DbError> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        text: String,
    }
    let asked: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let into = Arc::clone(&asked);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            into.lock()
                .expect("nobody panicked")
                .insert(query.to_string());
        }
    });
    page::page(conn, wanted, from, 50)?;
    conn.set_instrumentation(|_: InstrumentationEvent<'_>| ());
    let mut asked = asked.lock().expect("nobody panicked").clone();
    asked.retain(|query| query.starts_with("SELECT"));
    assert!(asked.len() >= 4, "{asked:?}");
    let mut plans = Vec::new();
    for query in asked {
        let plan: Vec<String> = match conn {
            DbConnection::Sqlite(conn) => {
                let (query, _values) = query.split_once(" -- binds").expect("a query");
                let steps: Vec<Step> =
                    diesel::sql_query(format!("EXPLAIN QUERY PLAN {query}")).load(conn)?;
                steps.into_iter().map(|step| step.detail).collect()
            }
            DbConnection::Postgres(conn) => {
                // As the page asks.
                conn.batch_execute(
                    "SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off",
                )?;
                let lines: Vec<Line> =
                    diesel::sql_query(format!("EXPLAIN {}", written_out(&query))).load(conn)?;
                lines.into_iter().map(|line| line.text).collect()
            }
        };
        plans.push((query, plan.join("\n")));
    }
    Ok(plans)
}

/// A query with its values in their places: `EXPLAIN` takes no parameters.
fn written_out(query: &str) -> String {
    let (query, values) = query.split_once(" -- binds: [").expect("a query");
    let values: Vec<String> = values
        .trim_end_matches(']')
        .split(", ")
        .map(|value| value.replace("At(", "").replace(')', "").replace('"', "'"))
        .collect();
    let places = values.iter().enumerate().rev();
    places.fold(query.to_owned(), |query, (place, value)| {
        query.replace(&format!("${}", place + 1), value)
    })
}
