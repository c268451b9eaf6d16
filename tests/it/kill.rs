//! Killed under load, again and again: what was answered with 200 is there once, is done once, and nothing is dead.
//!
//! `COUNTERFOIL_KILLS` says how often (5 unless set), `COUNTERFOIL_SEED` begins from a seed that was printed.
#![expect(
    clippy::print_stdout,
    reason = "the seed, with which a failed run can be repeated"
)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use counterfoil::platform::db::{Db, DbConnection, DbError};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::app::{SHOP, signature};
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::http_client;
use crate::support::program::Program;

both_databases!(what_was_acknowledged_survives_every_kill);

/// Senders side by side.
const SENDERS: u64 = 8;
/// States that each order is told in.
const STATES: u64 = 3;
/// Acknowledged deliveries between two kills.
const LEAST: u64 = 5;
const MOST: u64 = 60;
/// Looks at the database until everything is worked off; what was lost in a worker's hands rests a while.
const LOOKS: u32 = 1_000_000;

async fn what_was_acknowledged_survives_every_kill(kind: Kind) {
    let kills = number("COUNTERFOIL_KILLS", 5);
    let seed = number("COUNTERFOIL_SEED", u64::from(std::process::id()));
    println!("{kills} kills, seed {seed}");
    let program = Program::connected(kind).await;
    let mut process = Some(program.start().await);
    let (alive, is_alive) = watch::channel(true);
    let load = Rc::new(Load {
        url: format!("{}/api/integrations/webhook/shopify", program.url),
        client: http_client(Policy::none()),
        sample: sample(),
        alive: is_alive,
        acknowledged: watch::Sender::new(0),
        told: RefCell::default(),
        ended: Cell::new(false),
    });
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| actix_web::rt::spawn(Rc::clone(&load).send(sender)))
        .collect();
    let mut dice = Dice(seed);
    let mut heard = load.acknowledged.subscribe();
    for _ in 0..kills {
        let enough = *heard.borrow() + LEAST + dice.roll(MOST - LEAST);
        let reached = heard.wait_for(|count| *count >= enough).await;
        drop(reached.expect("the senders send"));
        alive.send_replace(false);
        process.take().expect("it runs").kill();
        process = Some(program.start().await);
        alive.send_replace(true);
    }
    load.ended.set(true);
    for sender in senders {
        sender.await.expect("the sender ends");
    }
    let db = program.db();
    wait_until_done(&db);
    let told = load.told.borrow();
    println!("{} orders in {} deliveries", told.len(), *heard.borrow());
    let rows = read(&db, events);
    let expected: BTreeMap<String, u64> = told
        .iter()
        .flat_map(|(order, state)| (1..=*state).map(move |state| (delivery(*order, state), 1)))
        .collect();
    let mut found = BTreeMap::<String, u64>::new();
    for event in &rows {
        *found.entry(event.webhook_id.clone()).or_default() += 1;
        let Event { status, reason, .. } = event;
        assert!([3, 4].contains(status), "{status}: {reason:?}");
    }
    // A delivery whose answer was lost stands there too, once.
    for (id, count) in &expected {
        assert_eq!(found.get(id), Some(count), "{id}");
    }
    assert!(found.values().all(|count| *count == 1));
    let orders: BTreeMap<u64, String> = read(&db, orders).into_iter().map(Row::pair).collect();
    for (order, state) in told.iter() {
        let note = orders.get(order).map(String::as_str);
        assert_eq!(
            note,
            Some(format!("state {state}").as_str()),
            "order {order}"
        );
    }
    drop(process);
}

/// What the senders share.
struct Load {
    url: String,
    client: reqwest::Client,
    sample: Value,
    alive: watch::Receiver<bool>,
    acknowledged: watch::Sender<u64>,
    /// The last acknowledged state of each order.
    told: RefCell<BTreeMap<u64, u64>>,
    ended: Cell<bool>,
}

impl Load {
    async fn send(self: Rc<Self>, sender: u64) {
        let mut order = 5_000_000_000 + sender;
        while !self.ended.get() {
            for state in 1..=STATES {
                self.send_until_acknowledged(order, state).await;
                self.told.borrow_mut().insert(order, state);
                self.acknowledged.send_modify(|count| *count += 1);
            }
            order += SENDERS;
        }
    }

    /// As Shopify does: the same delivery again until somebody says 200.
    async fn send_until_acknowledged(&self, order: u64, state: u64) {
        let topic = if state == 1 {
            "orders/create"
        } else {
            "orders/updated"
        };
        let body = self.body(order, state);
        loop {
            let sent = self
                .client
                .post(&self.url)
                .header("Content-Type", "application/json")
                .header("X-Shopify-Topic", topic)
                .header("X-Shopify-Shop-Domain", SHOP)
                .header("X-Shopify-Webhook-Id", delivery(order, state))
                .header("X-Shopify-API-Version", "2026-10")
                .header("X-Shopify-Hmac-Sha256", signature(&body))
                .body(body.clone())
                .send()
                .await;
            match sent {
                Ok(answer) if answer.status() == 200 => return,
                Ok(answer) => assert_eq!(answer.status(), 503, "only `come again` is a refusal"),
                Err(_gone) => {
                    let mut alive = self.alive.clone();
                    drop(
                        alive
                            .wait_for(|alive| *alive)
                            .await
                            .expect("the story goes on"),
                    );
                }
            }
        }
    }

    fn body(&self, order: u64, state: u64) -> Vec<u8> {
        let mut body = self.sample.clone();
        body["id"] = json!(order);
        body["admin_graphql_api_id"] = json!(format!("gid://shopify/Order/{order}"));
        body["name"] = json!(format!("#{order}"));
        body["order_number"] = json!(order);
        body["note"] = json!(format!("state {state}"));
        body["updated_at"] = json!(format!("2026-11-21T10:00:0{state}Z"));
        serde_json::to_vec(&body).expect("JSON")
    }
}

fn delivery(order: u64, state: u64) -> String {
    format!("{order}-{state}")
}

fn sample() -> Value {
    let text = std::fs::read_to_string("tests/fixtures/shopify/orders_create.json");
    serde_json::from_str(&text.expect("the sample")).expect("JSON")
}

fn number(name: &str, otherwise: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// The same throws for the same seed (splitmix64, Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

#[derive(QueryableByName)]
struct Event {
    #[diesel(sql_type = Text)]
    webhook_id: String,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    external_id: String,
    #[diesel(sql_type = Text)]
    note: String,
}

impl Row {
    fn pair(self) -> (u64, String) {
        (self.external_id.parse().expect("a number"), self.note)
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn wait_until_done(db: &Db) {
    for _ in 0..LOOKS {
        let open = read(db, |conn| {
            load::<Count>(
                conn,
                "SELECT count(*) AS n FROM webhook_events WHERE status < 3",
            )
        });
        if open.iter().all(|count| count.n == 0) {
            return;
        }
    }
    panic!("the queue is not worked off");
}

fn events(conn: &mut DbConnection) -> Result<Vec<Event>, DbError> {
    load(
        conn,
        "SELECT webhook_id, status, reason FROM webhook_events",
    )
}

fn orders(conn: &mut DbConnection) -> Result<Vec<Row>, DbError> {
    load(conn, "SELECT external_id, note FROM orders")
}

fn load<T>(conn: &mut DbConnection, query: &str) -> Result<Vec<T>, DbError>
where
    T: QueryableByName<diesel::pg::Pg> + QueryableByName<diesel::sqlite::Sqlite> + 'static,
{
    Ok(counterfoil::native!(conn, |c| diesel::sql_query(query).load(c))?)
}

fn read<T>(db: &Db, work: impl FnOnce(&mut DbConnection) -> Result<T, DbError>) -> T {
    db.read_here(work).expect("a query that works")
}
