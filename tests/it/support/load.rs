//! Shopify under load: senders side by side that tell each order in several states, each state again and again until
//! somebody answers 200; and the count of what became of it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use counterfoil::platform::db::{Db, DbConnection, DbError};
use counterfoil::platform::queue::pauses::{self, Scope};
use counterfoil::types::At;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::app::{SHOP, signature};
use super::http_client;

/// Senders side by side.
const SENDERS: u64 = 8;
/// States that each order is told in.
const STATES: u64 = 3;
/// Shopify gives up waiting after so long, and comes again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Nothing that a story waits for takes longer.
const AT_MOST: Duration = Duration::from_secs(180);
/// Between two looks while nothing is acknowledged.
const LOOK: Duration = Duration::from_millis(20);

/// What the senders share.
pub(crate) struct Load {
    urls: Vec<String>,
    client: reqwest::Client,
    sample: Value,
    acknowledged: watch::Sender<u64>,
    refused: watch::Sender<u64>,
    /// The last acknowledged state of each order.
    told: RefCell<BTreeMap<u64, u64>>,
    ended: Cell<bool>,
}

/// The load and its senders.
pub(crate) struct Running {
    pub(crate) load: Rc<Load>,
    senders: Vec<actix_web::rt::task::JoinHandle<()>>,
}

impl Load {
    /// Begins to send orders like this one to these addresses, to each in its turn.
    pub(crate) fn begin(urls: &[String], sample: Value) -> Running {
        let load = Rc::new(Load {
            urls: urls.to_vec(),
            client: http_client(Policy::none()),
            sample,
            acknowledged: watch::Sender::new(0),
            refused: watch::Sender::new(0),
            told: RefCell::default(),
            ended: Cell::new(false),
        });
        let senders = (0..SENDERS)
            .map(|sender| actix_web::rt::spawn(Rc::clone(&load).send(sender)))
            .collect();
        Running { load, senders }
    }

    async fn send(self: Rc<Self>, sender: u64) {
        let mut order = 5_000_000_000 + sender;
        let mut turn = usize::try_from(sender).expect("a small number");
        while !self.ended.get() {
            for state in 1..=STATES {
                self.send_until_acknowledged(order, state, &mut turn).await;
                self.told.borrow_mut().insert(order, state);
                self.acknowledged.send_modify(|count| *count += 1);
            }
            order += SENDERS;
        }
    }

    async fn send_until_acknowledged(&self, order: u64, state: u64, turn: &mut usize) {
        let body = order_body(&self.sample, order, state);
        loop {
            *turn += 1;
            let url = &self.urls[*turn % self.urls.len()];
            let id = delivery(order, state);
            let sent = self.post(url, topic(state), &id, &body).await;
            match sent {
                Some(200) => return,
                Some(status) => {
                    assert_eq!(status, 503, "only `come again` is a refusal");
                    self.refused.send_modify(|count| *count += 1);
                }
                // Nobody listens, or whoever does stands still: another look, then another address.
                None => look().await,
            }
        }
    }

    /// Sends one delivery once; the status of its answer, if there was one in time.
    pub(crate) async fn post(&self, url: &str, topic: &str, id: &str, body: &[u8]) -> Option<u16> {
        let sent = self
            .client
            .post(format!("{url}/api/integrations/webhook/shopify"))
            .timeout(PATIENCE)
            .header("Content-Type", "application/json")
            .header("X-Shopify-Topic", topic)
            .header("X-Shopify-Shop-Domain", SHOP)
            .header("X-Shopify-Webhook-Id", id)
            .header("X-Shopify-API-Version", "2026-10")
            .header("X-Shopify-Hmac-Sha256", signature(body))
            .body(body.to_vec())
            .send()
            .await;
        sent.ok().map(|answer| answer.status().as_u16())
    }

    /// How many deliveries were acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        *self.acknowledged.borrow()
    }

    /// Waits until so many more are acknowledged.
    pub(crate) async fn acknowledges(&self, more: u64) {
        let enough = self.acknowledged() + more;
        let mut heard = self.acknowledged.subscribe();
        let reached = heard.wait_for(|count| *count >= enough);
        let reached = tokio::time::timeout(AT_MOST, reached).await;
        drop(
            reached
                .expect("deliveries are acknowledged")
                .expect("it sends"),
        );
    }

    /// Waits until a delivery is told to come again.
    pub(crate) async fn is_refused(&self) {
        let before = *self.refused.borrow();
        let mut heard = self.refused.subscribe();
        let refused = heard.wait_for(|count| *count > before);
        let refused = tokio::time::timeout(AT_MOST, refused).await;
        drop(refused.expect("a delivery is refused").expect("it sends"));
    }
}

impl Running {
    /// Lets every sender finish its order, and the program everything that was sent.
    pub(crate) async fn end(self, db: &Db) -> Rc<Load> {
        self.load.ended.set(true);
        for sender in self.senders {
            sender.await.expect("the sender ends");
        }
        let open = "SELECT count(*) AS n FROM webhook_events WHERE status < 3";
        until(db, "the queue is worked off", |conn| {
            Ok(count(conn, open)? == 0)
        })
        .await;
        self.load
    }
}

impl Load {
    /// Each acknowledged delivery is there once and was done once, nothing is dead, every order shows its newest state.
    pub(crate) fn assert_done_once(&self, db: &Db) {
        let told = self.told.borrow();
        let mut found = BTreeMap::<String, u64>::new();
        for event in read(db, |conn| query::<Event>(conn, EVENTS)) {
            *found.entry(event.webhook_id.clone()).or_default() += 1;
            let Event { status, reason, .. } = &event;
            assert!([3, 4].contains(status), "{status}: {reason:?}");
            assert!(event.endings <= 1, "{} was done twice", event.webhook_id);
        }
        // A delivery whose answer was lost stands there too, once.
        assert!(found.values().all(|count| *count == 1));
        let mut orders = BTreeMap::new();
        for row in read(db, |conn| {
            query::<Order>(conn, "SELECT external_id, note FROM orders")
        }) {
            orders.insert(row.external_id, row.note);
        }
        for (order, newest) in told.iter() {
            for state in 1..=*newest {
                let id = delivery(*order, state);
                assert_eq!(found.get(&id), Some(&1), "{id}");
            }
            let note = orders.get(&order.to_string()).and_then(Option::as_deref);
            let expected = format!("state {newest}");
            assert_eq!(note, Some(expected.as_str()), "order {order}");
        }
        let dead = read(db, |conn| {
            count(conn, "SELECT count(*) AS n FROM jobs WHERE status = 5")
        });
        assert_eq!(dead, 0, "dead jobs");
    }

    /// How much was sent, for whoever reads the proof.
    pub(crate) fn sum(&self) -> String {
        format!(
            "{} orders in {} deliveries, {} times told to come again",
            self.told.borrow().len(),
            self.acknowledged(),
            *self.refused.borrow(),
        )
    }

    /// What the orders want is promised to them exactly once.
    pub(crate) fn assert_reserved_once(&self, db: &Db) {
        let wrong = read(db, |conn| query::<Promise>(conn, PROMISES));
        let orders = self.told.borrow().len();
        assert!(wrong.len() >= orders, "{} of {orders}", wrong.len());
        for line in &wrong {
            let Promise {
                line,
                wanted,
                promised,
            } = line;
            assert_eq!(wanted, promised, "line {line}");
        }
        let levels = "SELECT CAST(COALESCE(sum(reserved), 0) AS BIGINT) AS n FROM stock_levels";
        let promised: i64 = wrong.iter().map(|line| line.promised).sum();
        assert_eq!(read(db, |conn| count(conn, levels)), promised);
        assert!(
            promised > 0,
            "nothing is promised: the story proves nothing"
        );
    }
}

/// An order like the sample, in one of its states.
pub(crate) fn order_body(sample: &Value, order: u64, state: u64) -> Vec<u8> {
    let mut body = sample.clone();
    body["id"] = json!(order);
    body["admin_graphql_api_id"] = json!(format!("gid://shopify/Order/{order}"));
    body["name"] = json!(format!("#{order}"));
    body["order_number"] = json!(order);
    body["note"] = json!(format!("state {state}"));
    body["updated_at"] = json!(format!("2026-11-21T10:00:0{state}Z"));
    let lines = body["line_items"].as_array_mut().expect("lines");
    for (line, place) in lines.iter_mut().zip(1..) {
        let id = order * 10_000 + place;
        line["id"] = json!(id);
        line["admin_graphql_api_id"] = json!(format!("gid://shopify/LineItem/{id}"));
    }
    serde_json::to_vec(&body).expect("JSON")
}

/// The topic of an order's state.
pub(crate) fn topic(state: u64) -> &'static str {
    if state == 1 {
        "orders/create"
    } else {
        "orders/updated"
    }
}

fn delivery(order: u64, state: u64) -> String {
    format!("{order}-{state}")
}

/// The recorded order; no item is mapped to its articles.
pub(crate) fn unmapped_order() -> Value {
    let text = std::fs::read_to_string("tests/fixtures/shopify/orders_create.json");
    serde_json::from_str(&text.expect("the sample")).expect("JSON")
}

/// Leaves a moment to the program between two looks at it.
pub(crate) async fn look() {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.tick().await;
    ticks.tick().await;
}

/// Waits until the database says yes.
pub(crate) async fn until(
    db: &Db,
    what: &str,
    is_so: impl Fn(&mut DbConnection) -> Result<bool, DbError> + Clone + Send + 'static,
) {
    let begun = Instant::now();
    loop {
        match db.read(is_so.clone()).await {
            Ok(true) => return,
            Ok(false) => look().await,
            Err(error) => assert!(error.is_away(), "{what}: {error}"),
        }
        assert!(begun.elapsed() < AT_MOST, "in vain: until {what}");
    }
}

const EVENTS: &str = "SELECT e.webhook_id, e.status, e.reason, \
    (SELECT count(*) FROM tries t WHERE t.queue = 'webhook_events' AND t.row_id = e.id \
        AND t.outcome IN ('done', 'superseded')) AS endings FROM webhook_events e";

const PROMISES: &str = "SELECT l.id AS line, l.quantity AS wanted, \
    CAST((SELECT COALESCE(sum(r.quantity), 0) FROM reservations r WHERE r.order_line_id = l.id) AS BIGINT) \
        AS promised FROM order_lines l";

#[derive(QueryableByName)]
struct Event {
    #[diesel(sql_type = Text)]
    webhook_id: String,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = BigInt)]
    endings: i64,
}

#[derive(QueryableByName)]
struct Order {
    #[diesel(sql_type = Text)]
    external_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    note: Option<String>,
}

#[derive(QueryableByName)]
struct Promise {
    #[diesel(sql_type = BigInt)]
    line: i64,
    #[diesel(sql_type = BigInt)]
    wanted: i64,
    #[diesel(sql_type = BigInt)]
    promised: i64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The one number, named `n`, that a query gives.
pub(crate) fn count(conn: &mut DbConnection, text: &str) -> Result<i64, DbError> {
    Ok(query::<Count>(conn, text)?.iter().map(|row| row.n).sum())
}

/// What a query gives.
pub(crate) fn query<T>(conn: &mut DbConnection, text: &str) -> Result<Vec<T>, DbError>
where
    T: QueryableByName<diesel::pg::Pg> + QueryableByName<diesel::sqlite::Sqlite> + 'static,
{
    Ok(counterfoil::native!(conn, |c| diesel::sql_query(text).load(c))?)
}

/// Stops what comes in from being worked on, or lets it go on.
pub(crate) fn pause(db: &Db, paused: bool, now: At) {
    let done = db.write_here(|conn| -> Result<(), DbError> {
        if paused {
            pauses::begin(conn, &Scope::Incoming, None, None, now)?;
        } else {
            pauses::end(conn, &Scope::Incoming, now)?;
        }
        Ok(())
    });
    done.expect("the queue can be paused");
}

/// Looks into the database.
pub(crate) fn read<T>(db: &Db, work: impl FnOnce(&mut DbConnection) -> Result<T, DbError>) -> T {
    db.read_here(work).expect("a query that works")
}
