//! Storing under bad luck: a row that the database refuses, and a database that is full.

use std::sync::Arc;

use counterfoil::platform::db::{Db, DbError};
use counterfoil::platform::inbox::{Delivery, Inbox, InboxError, Stored};
use diesel::connection::SimpleConnection as _;
use futures_util::future::join_all;
use tokio::sync::Notify;

use crate::queue::change;
use crate::support::database::{Database, Kind};

const SHOP: &str = "a.myshopify.com";
/// Where the one stands that is refused.
const GUILTY: usize = 150;

/// SQLite takes any text; PostgreSQL refuses a NUL in it, whoever lets one through to it.
#[actix_web::test]
async fn a_row_that_the_database_refuses_costs_its_neighbours_nothing() {
    let house = House::new(Kind::Postgres);
    let guilty = Delivery {
        topic: "orders/\0create".to_owned(),
        ..change(SHOP, "guilty", "order/7")
    };
    // A body may hold any bytes: only texts are looked at.
    let good = (0..255).map(|number| Delivery {
        body: vec![b'{', 0, 0xff, 0xc3, b'('],
        ..change(SHOP, &format!("w{number}"), "order/1")
    });
    let mut all: Vec<Delivery> = good.collect();
    all.insert(GUILTY, guilty);
    let stored = house.store(all).await;
    assert_eq!(stored.len(), 256, "as many as one commit takes");
    for (place, one) in stored.iter().enumerate() {
        let expected = if place == GUILTY {
            Err(InboxError::NotStored)
        } else {
            Ok(Stored::New)
        };
        assert_eq!(*one, expected, "place {place}");
    }
}

/// The limit is the connection's own, and intake has one to itself.
#[actix_web::test]
async fn a_full_database_says_come_again_and_takes_it_when_there_is_room() {
    let house = House::new(Kind::Sqlite);
    house.limit(1);
    let large = || Delivery {
        body: vec![b'x'; 1024 * 1024],
        ..change(SHOP, "large", "order/1")
    };
    assert_eq!(
        house.store(vec![large()]).await,
        [Err(InboxError::NotStored)]
    );
    house.limit(1_000_000);
    assert_eq!(house.store(vec![large()]).await, [Ok(Stored::New)]);
    assert_eq!(house.store(vec![large()]).await, [Ok(Stored::Duplicate)]);
}

struct House {
    db: Db,
    inbox: Inbox,
    _database: Database,
}

impl House {
    fn new(kind: Kind) -> Self {
        let database = Database::create(kind);
        let db = Db::open(&database.url, 2).expect("the database opens");
        let inbox = Inbox::start(&db, &Arc::new(Notify::new())).expect("a thread");
        House {
            db,
            inbox,
            _database: database,
        }
    }

    /// All at once, so that they share commits.
    async fn store(&self, all: Vec<Delivery>) -> Vec<Result<Stored, InboxError>> {
        join_all(all.into_iter().map(|one| self.inbox.store(one))).await
    }

    /// Lets the database have so many pages; it never shrinks below what it has.
    fn limit(&self, pages: u32) {
        let set = self.db.write_urgently_here(|conn| -> Result<(), DbError> {
            Ok(conn.batch_execute(&format!("PRAGMA max_page_count = {pages}"))?)
        });
        set.expect("a limit");
    }
}
