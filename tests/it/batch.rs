//! A batch of events is one commit: one bad event of it must cost the others nothing, and leave nothing behind.

use std::sync::Arc;
use std::time::Duration;

use counterfoil::platform::clock::Clock;
use counterfoil::platform::db::{Db, DbConnection, DbError};
use counterfoil::platform::inbox::queries::{self as inbox, EventRow};
use counterfoil::platform::jobs::Registry;
use counterfoil::platform::metrics::Metrics;
use counterfoil::platform::queue::queries::list;
use counterfoil::platform::queue::{Me, Outcome, Policy, Queue, Status};
use counterfoil::platform::worker::handler::OneByOne;
use counterfoil::platform::worker::{Settings, Worker};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;
use tokio::sync::Notify;

use crate::queue::change;
use crate::support::both_databases;
use crate::support::database::{Database, Kind};

const SHOP: &str = "a.myshopify.com";
/// What the database refuses, and what breaks its handler.
const REFUSED: i64 = 4;
const BROKEN: i64 = 7;

both_databases!(
    one_bad_event_costs_the_others_of_its_batch_nothing,
    a_batch_without_a_bad_event_is_done_and_noted,
);

async fn one_bad_event_costs_the_others_of_its_batch_nothing(kind: Kind) {
    let house = House::new(kind, 10);
    house
        .work(|conn, event, _now| {
            leave_a_trace(conn, event.id.0)?;
            match event.id.0 {
                REFUSED => Err(refused(conn)),
                BROKEN => panic!("this event breaks its handler"),
                _ => Ok(Outcome::Done),
            }
        })
        .await;
    let good = |id: &i64| *id != REFUSED && *id != BROKEN;
    assert_eq!(house.traces(), (1..=10).filter(good).collect::<Vec<_>>());
    for id in (1..=10).filter(good) {
        assert_eq!(house.status(id), (Status::Done, 0));
        assert_eq!(house.tries(id), ["done"], "noted once");
    }
    assert_eq!(house.status(REFUSED), (Status::Pending, 1));
    assert_eq!(house.tries(REFUSED), ["retry"]);
    // It took the worker's hand three times.
    assert_eq!(house.status(BROKEN), (Status::Dead, 0));
}

async fn a_batch_without_a_bad_event_is_done_and_noted(kind: Kind) {
    let house = House::new(kind, 10);
    house
        .work(|conn, event, _now| {
            leave_a_trace(conn, event.id.0)?;
            Ok(match event.id.0 {
                REFUSED => Outcome::dead("line_items: it is missing"),
                BROKEN => Outcome::nothing_to_do("nothing here follows this topic"),
                _ => Outcome::Done,
            })
        })
        .await;
    assert_eq!(house.traces(), (1..=10).collect::<Vec<_>>());
    assert_eq!(house.status(REFUSED), (Status::Dead, 0));
    for id in (1..=10).filter(|id| *id != REFUSED) {
        assert_eq!(house.status(id).0, Status::Done);
        assert_eq!(house.tries(id).len(), 1);
    }
}

/// A database with events 1 to `count`, each of a record of its own.
struct House {
    db: Db,
    _database: Database,
}

impl House {
    fn new(kind: Kind, count: i64) -> House {
        let database = Database::create(kind);
        let db = Db::open(&database.url, 6).expect("the database opens");
        let all: Vec<_> = (1..=count)
            .map(|n| change(SHOP, &format!("w{n}"), &format!("order/{n}")))
            .collect();
        let all: Vec<_> = all.iter().collect();
        db.write_here(|conn| inbox::insert_all(conn, &all))
            .expect("they are stored");
        House {
            db,
            _database: database,
        }
    }

    /// Has a worker apply whatever is due.
    async fn work(
        &self,
        apply: impl Fn(&mut DbConnection, &EventRow, counterfoil::types::At) -> Result<Outcome, DbError>
        + Clone
        + Send
        + Sync
        + 'static,
    ) {
        let worker = Worker::new(
            self.db.clone(),
            Clock::System,
            Me {
                host: "test".to_owned(),
                pid: 1,
                boot: "boot".to_owned(),
            },
            Settings {
                policy: Policy { max_attempts: 8 },
                lease: Duration::from_secs(60),
                poll: Duration::from_secs(60),
                event_workers: 1,
                batch: 32,
                jobs_at_once: 1,
            },
            Arc::new(OneByOne(apply)),
            Arc::new(Registry::default()),
            Arc::new(Notify::new()),
            Metrics::new(),
        );
        worker.drain().await.expect("the queue is worked off");
    }

    fn event(&self, id: i64) -> EventRow {
        let rows = self.db.read_here(|conn| inbox::list_by_id(conn, &[id]));
        rows.expect("the events").remove(0)
    }

    /// Its status, and how often it failed.
    fn status(&self, id: i64) -> (Status, i32) {
        let event = self.event(id);
        (Status::from_code(event.status), event.attempts)
    }

    fn tries(&self, id: i64) -> Vec<String> {
        let tries = self
            .db
            .read_here(|conn| list::list_tries(conn, Queue::WebhookEvents, id));
        let tries = tries.expect("the tries").into_iter();
        tries.map(|one| one.outcome).collect()
    }

    /// The events whose effects are there.
    fn traces(&self) -> Vec<i64> {
        #[derive(QueryableByName)]
        struct Trace {
            #[diesel(sql_type = Text)]
            name: String,
        }
        let query = "SELECT name FROM settings WHERE value = 'trace'";
        let traces: Vec<Trace> = self
            .db
            .read_here(|conn| {
                Ok::<_, DbError>(match conn {
                    DbConnection::Postgres(conn) => diesel::sql_query(query).load(conn)?,
                    DbConnection::Sqlite(conn) => diesel::sql_query(query).load(conn)?,
                })
            })
            .expect("the traces");
        let mut ids: Vec<i64> = traces
            .iter()
            .map(|trace| trace.name.parse().expect("a number"))
            .collect();
        ids.sort_unstable();
        ids
    }
}

fn leave_a_trace(conn: &mut DbConnection, id: i64) -> Result<(), DbError> {
    conn.batch_execute(&format!(
        "INSERT INTO settings (name, value, changed_at) VALUES ('{id}', 'trace', 0)"
    ))?;
    Ok(())
}

fn refused(conn: &mut DbConnection) -> DbError {
    let refused = conn.batch_execute("SELECT * FROM nowhere");
    refused.expect_err("there is no such table").into()
}
