//! How long things are kept: what is done is compressed, and dropped after a month; what failed stays whole; nobody
//! waits for it, and nobody who was erased comes back by it.

use std::io::Read as _;
use std::process::Command;
use std::time::Duration;

use counterfoil::erp::users::roles::Role;
use counterfoil::erp::users::tokens::{self, Scope};
use counterfoil::platform::db::{DbConnection, DbError};
use counterfoil::platform::inbox::body;
use counterfoil::platform::queue::{Claim, Me, Queue, Wanted, queries};
use counterfoil::platform::retention::queries::{self as retention, Packed};
use counterfoil::types::At;
use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text};
use diesel::{QueryableByName, RunQueryDsl as _};
use futures_util::join;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::compliance::{ada_order, ada_orders, deliver, erasure, traces};
use crate::support::app::TestApp;
use crate::support::database::Kind;
use crate::support::{both_databases, http_client};

both_databases!(
    what_is_done_is_compressed_and_reads_as_before,
    what_is_done_is_dropped_after_a_month_and_known_again,
    what_failed_or_is_open_stays_whole,
    an_erased_person_stands_in_no_compressed_body,
    a_compression_that_comes_late_does_not_undo_an_erasure,
    a_rush_of_old_events_is_dropped_while_new_ones_come_in,
    a_batch_is_found_by_its_index_among_many_old_rows,
    nobody_tidies_up_beside_another,
);

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
const CUT_OFF: &[u8] = br#"{"id":820982911946154508,"line_items":[{"#;

async fn what_is_done_is_compressed_and_reads_as_before(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let body = order(7_001);
    app.deliver_webhook("orders/create", "w1", &body)
        .await
        .assert(200, "created");
    app.run_jobs().await;
    assert_eq!(stored(&app, "w1").encoding, 0);
    app.pass(MINUTE).await;
    let packed = stored(&app, "w1");
    assert_eq!(packed.encoding, 1);
    assert!(packed.body.len() * 3 < body.len(), "{}", packed.body.len());
    assert_eq!(unpacked(&packed), body);
    // Whoever reads it sees what came.
    let path = format!("/events/{}", packed.id);
    let page = app.get(&path).await;
    let tenths = body.len() / 100;
    page.assert_shows(&format!("{}.{} kB", tenths / 10, tenths % 10))
        .assert_shows("For Ada, with love");
    // And it can be applied again.
    let replay = page.form("form[action*='/replay?']");
    app.owner().submit(replay).await.assert_shows("Replayed");
    app.run_jobs().await;
    assert_eq!(stored(&app, "w1").status, 3);
    app.pass(MINUTE).await;
    assert_eq!(unpacked(&stored(&app, "w1")), body);
}

async fn what_is_done_is_dropped_after_a_month_and_known_again(kind: Kind) {
    let app = TestApp::connected(kind).await;
    // The catalogue was read when the store was connected; after the silence of a month it is read again.
    let begun = app.clock.now();
    // Two states of one order: the older one is superseded. And one that a person has set aside.
    let newer = with(ada_order(7_001), "updated_at", "2026-11-21T11:00:00Z");
    deliver(&app, "orders/create", "older", &ada_order(7_001)).await;
    deliver(&app, "orders/updated", "newer", &newer).await;
    app.deliver_webhook("orders/create", "aside", CUT_OFF)
        .await
        .assert(200, "created");
    app.run_jobs().await;
    let aside = app
        .get(&format!("/events/{}", stored(&app, "aside").id))
        .await;
    let discard = aside
        .form("form[action*='/discard?']")
        .fill("reason", "cut off");
    app.owner().submit(discard).await.assert_shows("Discarded");
    app.pass(MINUTE).await;
    app.pass(29 * DAY).await;
    for id in ["older", "newer", "aside"] {
        assert_eq!(stored(&app, id).encoding, 1, "{id} is kept");
    }
    assert!(count(&app, TRIES_OF_EVENTS) > 0);
    let jobs = format!(
        "SELECT count(*) AS n FROM jobs WHERE kind = 'shopify.import_products' AND created_at <= {}",
        begun.0
    );
    assert_eq!(count(&app, &jobs), 1);

    app.pass(DAY).await;
    for id in ["older", "newer", "aside"] {
        let row = stored(&app, id);
        assert_eq!((row.encoding, row.body.len()), (2, 0), "{id} is dropped");
    }
    assert_eq!(count(&app, TRIES_OF_EVENTS), 0);
    assert_eq!(count(&app, &jobs), 0, "a job of a month ago");
    // The page says so, and there is nothing to press.
    let owner = app.signed_in(Role::Owner).await;
    let path = format!("/events/{}", stored(&app, "newer").id);
    let page = owner.get(&path).await;
    page.assert_shows("The payload was dropped on 2026-12-21 after 30 days.")
        .assert_lacks("0 tries");
    assert_eq!(page.count("form[action*='/replay?']"), 0);
    let fields = [("csrf", app.csrf(&owner))];
    let fields = fields
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let refused = owner.post(&format!("{path}/replay"), &fields).await;
    refused.assert_status(409);
    refused.assert_shows(
        "The payload was dropped on 2026-12-21 after 30 days. There is nothing left to replay.",
    );
    let (status, answer) = replayed_by_a_program(&app, stored(&app, "newer").id).await;
    assert_eq!(status, 409);
    assert!(answer.contains("dropped on 2026-12-21"), "{answer}");
    // The row is the ledger: the delivery is still known, and the order is still there.
    deliver(&app, "orders/updated", "newer", &newer)
        .await
        .assert(200, "duplicate");
    app.run_jobs().await;
    assert_eq!(stored(&app, "newer").encoding, 2);
    assert_eq!(app.order("#7001").facts.name, "#7001");
}

async fn what_failed_or_is_open_stays_whole(kind: Kind) {
    let mut app = TestApp::connected(kind).await;
    app.deliver_webhook("orders/create", "dead", CUT_OFF)
        .await
        .assert(200, "created");
    app.run_jobs().await;
    app.deliver_webhook("orders/create", "open", &order(7_001))
        .await
        .assert(200, "created");
    app.alter(
        "UPDATE webhook_events SET status = 2, waits_for = 'a person' WHERE webhook_id = 'open'",
    );
    app.alter("UPDATE jobs SET status = 5 WHERE kind = 'shopify.import_products'");
    app.pass(MINUTE).await;
    app.pass(400 * DAY).await;
    let dead = stored(&app, "dead");
    assert_eq!((dead.encoding, dead.body.as_slice()), (0, CUT_OFF));
    assert_eq!(stored(&app, "open").body, order(7_001));
    assert_eq!(count(&app, TRIES_OF_EVENTS), 1);
    let jobs = "SELECT count(*) AS n FROM jobs WHERE status = 5";
    assert_eq!(count(&app, jobs), 1);
    let owner = app.signed_in(Role::Owner).await;
    let page = owner.get(&format!("/events/{}", dead.id)).await;
    page.assert_shows("820982911946154508");
    let replay = page.form("form[action*='/replay?']");
    owner.submit(replay).await.assert_shows("Replayed");
    app.run_jobs().await;
    assert_eq!(stored(&app, "dead").status, 5);
    app.expect_dead();
}

async fn an_erased_person_stands_in_no_compressed_body(kind: Kind) {
    let app = TestApp::connected(kind).await;
    ada_orders(&app, 7_001).await;
    // One that is filed under nothing is found by what it says.
    let cart = json!({ "token": "c", "customer": { "email": crate::compliance::ADA } });
    deliver(&app, "carts/update", "cart", &cart).await;
    app.pass(MINUTE).await;
    assert_eq!(stored(&app, "w7001").encoding, 1);
    assert_eq!(stored(&app, "cart").encoding, 1);
    let before = traces(&app);
    assert!(
        before
            .iter()
            .any(|it| it.starts_with("webhook_events.body")),
        "the search looks into compressed bodies: {before:?}"
    );
    deliver(&app, "customers/redact", "e1", &erasure()).await;
    app.run_jobs().await;
    assert_eq!(traces(&app), Vec::<String>::new());
    // What is left is compressed in its turn, and still tells of money.
    app.pass(MINUTE).await;
    let left = stored(&app, "w7001");
    assert_eq!(left.encoding, 1);
    let left: Value = serde_json::from_slice(&unpacked(&left)).expect("JSON");
    assert_eq!(left["total_price"], ada_order(7_001)["total_price"]);
    assert_eq!(traces(&app), Vec::<String>::new());
    // A request that comes after the month finds nothing to rewrite, and the row stays as it was.
    app.pass(31 * DAY).await;
    deliver(&app, "customers/redact", "e2", &erasure()).await;
    app.run_jobs().await;
    assert_eq!(stored(&app, "w7001").encoding, 2);
    assert_eq!(traces(&app), Vec::<String>::new());
}

async fn a_compression_that_comes_late_does_not_undo_an_erasure(kind: Kind) {
    let app = TestApp::connected(kind).await;
    ada_orders(&app, 7_001).await;
    let late: Vec<Packed> = app.read(|conn| {
        let ids: Vec<i64> = retention::list_plain(conn, At(0))?
            .into_iter()
            .map(|(id, _bytes)| id)
            .collect();
        Ok(retention::load_plain(conn, &ids)?
            .into_iter()
            .map(|(id, plain)| Packed {
                id,
                body: body::pack(&plain).expect("memory"),
                plain,
            })
            .collect())
    });
    assert!(late.len() > 1);
    deliver(&app, "customers/redact", "e1", &erasure()).await;
    app.run_jobs().await;
    let written = app
        .db()
        .write_here(|conn| retention::set_packed(conn, &late));
    written.expect("the database works");
    assert_eq!(traces(&app), Vec::<String>::new());
}

async fn a_rush_of_old_events_is_dropped_while_new_ones_come_in(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.run_jobs().await;
    fill(&app, 350, 0, "'{}'");
    app.clock.advance(MINUTE);
    let arriving = async {
        for number in 0..30 {
            app.deliver_webhook(
                "orders/create",
                &format!("new{number}"),
                &order(9_000 + number),
            )
            .await
            .assert(200, "created");
        }
    };
    let ((), ()) = join!(app.run_jobs(), arriving);
    app.pass(MINUTE).await;
    let left = "SELECT count(*) AS n FROM webhook_events WHERE finished_at < 1000000 AND body_encoding < 2";
    assert_eq!(count(&app, left), 0);
    let jobs = "SELECT count(*) AS n FROM jobs WHERE finished_at < 1000000";
    assert_eq!(count(&app, jobs), 0);
    let rows = "SELECT count(*) AS n FROM webhook_events WHERE finished_at < 1000000";
    assert_eq!(count(&app, rows), 350, "the ledger stays");
    let new = "SELECT count(*) AS n FROM orders WHERE name LIKE '#90%'";
    assert_eq!(count(&app, new), 30);
}

async fn a_batch_is_found_by_its_index_among_many_old_rows(kind: Kind) {
    let app = TestApp::connected(kind).await;
    fill(&app, 20_000, 2, "''");
    fill(&app, 2_000, 0, "'{}'");
    app.alter("ANALYZE");
    for (search, index) in retention::searches() {
        let plan = plan(&app, &search.replace("$1", "1000000"));
        assert!(plan.contains(index), "{search}\n{plan}");
        assert!(!plan.contains("Seq Scan"), "{search}\n{plan}");
        assert!(!plan.contains("SCAN"), "{search}\n{plan}");
        assert!(!plan.to_lowercase().contains("sort"), "{search}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{search}\n{plan}");
    }
}

/// Of two processes that both find a run due, one gets it; the other run waits for its end.
async fn nobody_tidies_up_beside_another(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.alter(
        "INSERT INTO jobs (kind, dedupe_key, key, payload, created_at, due_at) \
         SELECT kind, 'another', key, payload, created_at, due_at FROM jobs WHERE kind = 'platform.tidy_up'",
    );
    let due = app.clock.now().after(MINUTE);
    let claims: Vec<_> = ["one", "two"]
        .into_iter()
        .flat_map(|process| claim_jobs(&app, process, due))
        .filter(|claim| claim.kind == "platform.tidy_up")
        .collect();
    assert_eq!(claims.len(), 1);
}

/// SQLite gives nothing back to the disk by itself: what was dropped makes room for what comes.
#[actix_web::test]
async fn room_that_was_dropped_is_used_again() {
    let app = TestApp::connected(Kind::Sqlite).await;
    let spaces = format!("'{}'", " ".repeat(8_000));
    fill(&app, 500, 0, &spaces);
    app.pass(MINUTE).await;
    let size = || count(&app, "SELECT page_count AS n FROM pragma_page_count");
    let free = || {
        count(
            &app,
            "SELECT freelist_count AS n FROM pragma_freelist_count",
        )
    };
    let (dropped, freed) = (size(), free());
    assert!(freed > 400, "{freed} pages are free");
    app.alter("UPDATE webhook_events SET webhook_id = 'again' || id WHERE finished_at < 1000000");
    fill(&app, 100, 0, &spaces);
    assert_eq!(size(), dropped, "the file has grown");
    assert!(free() < freed);
}

#[test]
fn a_retention_of_no_days_is_refused_at_the_start() {
    for nonsense in ["0", "a month"] {
        let refused = Command::new(env!("CARGO_BIN_EXE_counterfoil"))
            .arg("check")
            .env("COUNTERFOIL_RETENTION_DAYS", nonsense)
            .output()
            .expect("the program runs");
        let words = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success());
        let wanted = "COUNTERFOIL_RETENTION_DAYS is a number of days";
        assert!(words.contains(wanted), "{words}");
    }
}

const TRIES_OF_EVENTS: &str = "SELECT count(*) AS n FROM tries WHERE queue = 'webhook_events' AND row_id IN \
     (SELECT id FROM webhook_events WHERE webhook_id IN ('older', 'newer', 'aside', 'dead'))";

fn order(id: u64) -> Vec<u8> {
    serde_json::to_vec(&ada_order(id)).expect("JSON")
}

fn with(mut body: Value, key: &str, value: &str) -> Value {
    body[key] = json!(value);
    body
}

/// So many events and jobs that were done shortly after 1970, with a try each.
fn fill(app: &TestApp, rows: u32, encoding: u32, body: &str) {
    let (bytes, text) = if app.db().is_postgres() {
        (format!("convert_to({body}, 'UTF8')"), "i::TEXT")
    } else {
        (format!("CAST({body} AS BLOB)"), "i")
    };
    let numbers =
        format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})");
    app.alter(&format!(
        "{numbers} INSERT INTO webhook_events (source, shop_domain, webhook_id, topic, key, snapshot, ver, \
           received_at, secret_label, headers, body, due_at, status, finished_at, body_encoding) \
         SELECT 'shopify', 'old.myshopify.com', 'old-{encoding}-' || {text}, 'orders/create', 'old/' || {text}, \
           true, i, i, 'app', '{{}}', {bytes}, i, 3, i, {encoding} FROM n"
    ));
    app.alter(&format!(
        "{numbers} INSERT INTO jobs (kind, payload, created_at, due_at, status, finished_at) \
         SELECT 'old', '{{}}', i, i, 3, CASE WHEN {encoding} = 2 THEN 9000000000000000 ELSE i END FROM n"
    ));
    app.alter(&format!(
        "{numbers} INSERT INTO tries (queue, row_id, at, micros, outcome) \
         SELECT 'webhook_events', i + 1000000, i, 1, 'done' FROM n"
    ));
}

/// An event as it lies in the database.
#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = SmallInt)]
    encoding: i16,
    #[diesel(sql_type = Binary)]
    body: Vec<u8>,
}

#[track_caller]
fn stored(app: &TestApp, webhook_id: &str) -> Stored {
    let statement = format!(
        "SELECT id, status, body_encoding AS encoding, body FROM webhook_events WHERE webhook_id = '{webhook_id}'"
    );
    let mut found: Vec<Stored> = app.read(|conn| load(conn, &statement));
    assert_eq!(found.len(), 1, "events {webhook_id}");
    found.remove(0)
}

/// By other means than the program's own.
fn unpacked(row: &Stored) -> Vec<u8> {
    assert_eq!(row.encoding, 1);
    let mut plain = Vec::new();
    let read = flate2::read::DeflateDecoder::new(row.body.as_slice()).read_to_end(&mut plain);
    read.expect("deflate");
    plain
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn count(app: &TestApp, statement: &str) -> i64 {
    let found: Vec<Number> = app.read(|conn| load(conn, statement));
    found[0].n
}

#[derive(QueryableByName)]
struct OnSqlite {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct OnPostgres {
    #[diesel(sql_type = Nullable<Text>, column_name = "QUERY PLAN")]
    detail: Option<String>,
}

fn plan(app: &TestApp, statement: &str) -> String {
    let lines: Vec<String> = app.read(|conn| {
        retention::search_by_index(conn)?;
        Ok(match conn {
            DbConnection::Sqlite(conn) => {
                let text = format!("EXPLAIN QUERY PLAN {statement}");
                let steps: Vec<OnSqlite> = diesel::sql_query(text).load(conn)?;
                steps.into_iter().map(|step| step.detail).collect()
            }
            DbConnection::Postgres(conn) => {
                let text = format!("EXPLAIN {statement}");
                let steps: Vec<OnPostgres> = diesel::sql_query(text).load(conn)?;
                steps.into_iter().filter_map(|step| step.detail).collect()
            }
        })
    });
    lines.join("\n")
}

fn load<T>(conn: &mut DbConnection, statement: &str) -> Result<Vec<T>, DbError>
where
    T: QueryableByName<diesel::pg::Pg> + QueryableByName<diesel::sqlite::Sqlite> + 'static,
{
    Ok(match conn {
        DbConnection::Sqlite(conn) => diesel::sql_query(statement).load(conn)?,
        DbConnection::Postgres(conn) => diesel::sql_query(statement).load(conn)?,
    })
}

/// What is due, taken by a process of its own.
fn claim_jobs(app: &TestApp, process: &str, now: At) -> Vec<Claim> {
    let me = Me {
        host: process.to_owned(),
        pid: 1,
        boot: process.to_owned(),
    };
    let wanted = Wanted {
        at_most: 20,
        suspects: true,
        but: &[],
        held: None,
    };
    let claimed = app
        .db()
        .write_here(|conn| queries::claim(conn, Queue::Jobs, &me, wanted, now));
    claimed.expect("the database works")
}

async fn replayed_by_a_program(app: &TestApp, event: i64) -> (u16, String) {
    let now = app.clock.now();
    let token = app
        .db()
        .write_here(|conn| tokens::create(conn, "host", Scope::Write, &"ab".repeat(32), now));
    let answer = http_client(Policy::none())
        .post(format!("{}/api/main/events/{event}/replay", app.url))
        .bearer_auth(token.expect("a token"))
        .send()
        .await
        .expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}
