//! The queue's promises: stored once, claimed once, never side by side, nothing overtaken by something older.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use counterfoil::platform::db::{Db, DbConnection, DbError};
use counterfoil::platform::inbox::{Delivery, Stored, queries as inbox};
use counterfoil::platform::queue::{
    self, Claim, Me, Outcome, Policy, Queue, Status, TryNote, Wanted, queries,
};
use counterfoil::types::At;
use diesel::connection::SimpleConnection;

use crate::support::both_databases;
use crate::support::database::{Database, Kind};

const EVENTS: Queue = Queue::WebhookEvents;

both_databases!(
    a_delivery_is_stored_once,
    the_newest_snapshot_goes_first_and_closes_the_older_ones,
    a_newest_snapshot_that_dies_lets_the_older_one_through,
    nothing_of_an_order_begins_while_something_of_it_is_worked_on,
    a_replayed_older_event_does_not_run_beside_a_running_newer_one,
    a_cancellation_does_not_wait_behind_an_event_that_backs_off,
    changes_go_first_in_first_out,
    the_database_itself_refuses_two_of_a_key_side_by_side,
    a_zombie_touches_no_row,
    eight_failures_are_the_end_but_a_named_pause_is_free,
    a_row_that_kills_its_workers_is_buried_and_endangers_no_other,
    what_waits_for_a_cause_wakes_with_it,
    many_workers_do_every_event_once_and_no_key_side_by_side,
);

async fn a_delivery_is_stored_once(kind: Kind) {
    let house = House::new(kind);
    let first = change("a.myshopify.com", "w1", "order/1");
    assert_eq!(
        house.store(&[first.clone(), first.clone()]),
        [Stored::New, Stored::Duplicate]
    );
    let other_shop = change("b.myshopify.com", "w1", "order/1");
    assert_eq!(
        house.store(&[first, other_shop]),
        [Stored::Duplicate, Stored::New]
    );
}

async fn the_newest_snapshot_goes_first_and_closes_the_older_ones(kind: Kind) {
    let house = House::new(kind);
    house.store(&[
        snapshot("w2", "o", 2),
        snapshot("w3", "o", 3),
        snapshot("w1", "o", 1),
    ]);
    let claims = house.claim(10);
    assert_eq!(versions(&claims), [3]);
    // Not before it has ended well: it may still fail.
    assert_eq!(
        house.statuses(),
        states(&[
            (1, Status::Pending),
            (2, Status::Pending),
            (3, Status::Working)
        ])
    );
    house.finish(&claims[0], &Outcome::Done);
    assert_eq!(
        house.statuses(),
        states(&[
            (1, Status::Superseded),
            (2, Status::Superseded),
            (3, Status::Done)
        ])
    );
    assert!(house.claim(10).is_empty());
}

async fn a_newest_snapshot_that_dies_lets_the_older_one_through(kind: Kind) {
    let house = House::new(kind);
    house.store(&[snapshot("w1", "o", 1), snapshot("w2", "o", 2)]);
    let newest = house.claim(10).remove(0);
    house.finish(&newest, &Outcome::dead("unreadable"));
    assert_eq!(versions(&house.claim(10)), [1]);
}

async fn nothing_of_an_order_begins_while_something_of_it_is_worked_on(kind: Kind) {
    let house = House::new(kind);
    house.store(&[snapshot("w1", "o", 1)]);
    let held = house.claim(1).remove(0);
    house.store(&[snapshot("w2", "o", 2), change("a.myshopify.com", "w3", "o")]);
    assert!(house.claim(10).is_empty());
    house.finish(&held, &Outcome::Done);
    assert_eq!(house.claim(10).len(), 1);
}

async fn a_replayed_older_event_does_not_run_beside_a_running_newer_one(kind: Kind) {
    let house = House::new(kind);
    house.store(&[snapshot("w1", "o", 1)]);
    let older = house.claim(1).remove(0);
    house.finish(&older, &Outcome::Done);
    house.store(&[snapshot("w2", "o", 2)]);
    let newer = house.claim(1).remove(0);
    assert!(house.write(|conn| queries::replay(conn, EVENTS, older.id, at(0))));
    assert!(house.claim(10).is_empty(), "two of one order at a time");
    house.finish(&newer, &Outcome::Done);
    // The newer one closed it: an older state must not follow a newer one.
    assert!(house.claim(10).is_empty());
    assert_eq!(house.statuses()[&1], Status::Superseded);
}

async fn a_cancellation_does_not_wait_behind_an_event_that_backs_off(kind: Kind) {
    let house = House::new(kind);
    house.store(&[snapshot("updated", "o", 1)]);
    let updated = house.claim(1).remove(0);
    house.finish(&updated, &Outcome::retry("the peer was busy"));
    house.store(&[snapshot("cancelled", "o", 2)]);
    let cancelled = house.claim(10);
    assert_eq!(versions(&cancelled), [2]);
    house.finish(&cancelled[0], &Outcome::Done);
    assert_eq!(house.statuses()[&1], Status::Superseded);
}

async fn changes_go_first_in_first_out(kind: Kind) {
    let house = House::new(kind);
    let shop = "a.myshopify.com";
    house.store(&[
        change(shop, "w1", "o"),
        change(shop, "w2", "o"),
        change(shop, "w3", "other"),
    ]);
    let claims = house.claim(10);
    assert_eq!(keys(&claims), ["o", "other"]);
    house.finish(&claims[0], &Outcome::retry("not yet"));
    // The second of the order waits for the first, however long that one backs off.
    assert!(house.claim(10).is_empty());
    let later = house.claim_at(10, at(3600));
    assert_eq!(later[0].id, claims[0].id);
    house.finish(&later[0], &Outcome::Done);
    assert_eq!(keys(&house.claim(10)), ["o"]);
}

async fn the_database_itself_refuses_two_of_a_key_side_by_side(kind: Kind) {
    let house = House::new(kind);
    let shop = "a.myshopify.com";
    house.store(&[change(shop, "w1", "o"), change(shop, "w2", "o")]);
    let forced = house.db.write_here(|conn| -> Result<(), DbError> {
        conn.batch_execute("UPDATE webhook_events SET status = 1")?;
        Ok(())
    });
    assert!(forced.is_err_and(|error| error.is_duplicate()));
}

async fn a_zombie_touches_no_row(kind: Kind) {
    let house = House::new(kind);
    house.store(&[snapshot("w1", "o", 1)]);
    let lost = house.claim(1).remove(0);
    assert_eq!(house.take_back(), 1);
    let held = house.claim(1).remove(0);
    assert!(held.claim_no > lost.claim_no);
    assert!(!house.write(|conn| queries::fence(conn, EVENTS, &me(), &lost, at(2))));
    assert!(!house.finish(&lost, &Outcome::dead("from beyond")));
    assert!(house.finish(&held, &Outcome::Done));
    assert_eq!(house.statuses()[&1], Status::Done);
}

async fn eight_failures_are_the_end_but_a_named_pause_is_free(kind: Kind) {
    let house = House::new(kind);
    house.store(&[snapshot("w1", "o", 1)]);
    let far = at(1_000_000);
    let pause = Outcome::Retry {
        after: Some(Duration::from_secs(2)),
        reason: "throttled".to_owned(),
    };
    for _ in 0..20 {
        let claim = house.claim_at(1, far).remove(0);
        assert_eq!(claim.attempts, 0);
        house.finish(&claim, &pause);
    }
    for failed in 0..8 {
        let claim = house.claim_at(1, far).remove(0);
        assert_eq!(claim.attempts, failed);
        house.finish(&claim, &Outcome::retry("broken"));
    }
    assert!(house.claim_at(1, far).is_empty());
    assert_eq!(house.statuses()[&1], Status::Dead);
}

async fn a_row_that_kills_its_workers_is_buried_and_endangers_no_other(kind: Kind) {
    let house = House::new(kind);
    house.store(&[snapshot("poison", "o", 1), snapshot("good", "p", 2)]);
    // Once beside a neighbour, who may have been the one, and three times alone.
    for crash in 1..=4 {
        assert_eq!(house.statuses()[&1], Status::Pending);
        let claims = house.claim(10);
        if crash > 1 {
            assert_eq!(versions(&claims), [1], "what crashed is claimed alone");
        }
        for claim in &claims {
            if claim.ver == 2 {
                house.finish(claim, &Outcome::retry("its worker died"));
            }
        }
        house.take_back();
        let unproven = Wanted {
            suspects: false,
            ..any(10)
        };
        let claims = house.write(|conn| queries::claim(conn, EVENTS, &me(), unproven, at(1)));
        assert!(claims.is_empty(), "a process that has just begun leaves it");
    }
    assert_eq!(house.statuses()[&1], Status::Dead);
    assert_eq!(versions(&house.claim_at(10, at(3600))), [2]);
}

async fn what_waits_for_a_cause_wakes_with_it(kind: Kind) {
    let house = House::new(kind);
    house.store(&[snapshot("w1", "o", 1)]);
    let claim = house.claim(1).remove(0);
    let wait = Outcome::WaitFor {
        cause: "scope/write_orders".to_owned(),
        reason: "the store has not granted it".to_owned(),
    };
    house.finish(&claim, &wait);
    assert!(house.claim_at(10, at(1_000_000)).is_empty());
    assert_eq!(house.wake("location/7"), 0);
    assert_eq!(house.wake("scope/write_orders"), 1);
    let claim = house.claim(1).remove(0);
    assert_eq!(claim.attempts, 0, "waiting costs nothing");
}

async fn many_workers_do_every_event_once_and_no_key_side_by_side(kind: Kind) {
    let house = House::new(kind);
    let shop = "a.myshopify.com";
    let all: Vec<Delivery> = (0..120)
        .map(|n| change(shop, &format!("w{n}"), &format!("order/{}", n % 15)))
        .collect();
    house.store(&all);
    let workers: Vec<_> = (0..4)
        .map(|number| {
            let db = house.db.clone();
            thread::spawn(move || work_until_done(&db, number))
        })
        .collect();
    let mut done: Vec<i64> = workers
        .into_iter()
        .flat_map(|it| it.join().expect("a worker"))
        .collect();
    done.sort_unstable();
    done.dedup();
    assert_eq!(done.len(), all.len());
    assert!(
        house
            .statuses()
            .values()
            .all(|status| *status == Status::Done)
    );
}

/// Works as one of several processes would; gives the rows it finished.
fn work_until_done(db: &Db, number: u32) -> Vec<i64> {
    let me = Me {
        host: "test".to_owned(),
        pid: number,
        boot: format!("boot{number}"),
    };
    let mut done = Vec::new();
    loop {
        let claims = db
            .write_repeating(|conn| queries::claim(conn, EVENTS, &me, any(5), at(1)))
            .expect("a claim");
        if claims.is_empty() {
            let open = db.read_here(open_rows).expect("a count");
            if open == 0 {
                return done;
            }
            thread::yield_now();
        }
        for claim in claims {
            let finished = db.write_repeating(|conn| {
                queue::finish(
                    conn,
                    EVENTS,
                    &me,
                    &claim,
                    &Outcome::Done,
                    POLICY,
                    &note(),
                    500,
                )
            });
            assert!(
                finished.expect("an ending"),
                "row {} was not ours",
                claim.id
            );
            done.push(claim.id);
        }
    }
}

fn open_rows(conn: &mut DbConnection) -> Result<i64, DbError> {
    let counts = queries::count_by_status(conn, EVENTS)?;
    Ok(counts
        .iter()
        .filter(|(status, ..)| *status < 3)
        .map(|(.., n)| n)
        .sum())
}

const POLICY: Policy = Policy { max_attempts: 8 };

/// A database and one worker's hands.
struct House {
    db: Db,
    _database: Database,
}

impl House {
    fn new(kind: Kind) -> Self {
        let database = Database::create(kind);
        Self {
            db: Db::open(&database.url, 6).expect("the database opens"),
            _database: database,
        }
    }

    fn write<T>(&self, work: impl FnOnce(&mut DbConnection) -> Result<T, DbError>) -> T {
        self.db.write_here(work).expect("a query that works")
    }

    fn store(&self, deliveries: &[Delivery]) -> Vec<Stored> {
        let all: Vec<&Delivery> = deliveries.iter().collect();
        self.write(|conn| inbox::insert_all(conn, &all))
    }

    fn claim(&self, n: i64) -> Vec<Claim> {
        self.claim_at(n, at(0))
    }

    fn claim_at(&self, n: i64, now: At) -> Vec<Claim> {
        self.write(|conn| queries::claim(conn, EVENTS, &me(), any(n), now))
    }

    fn finish(&self, claim: &Claim, outcome: &Outcome) -> bool {
        self.write(|conn| queue::finish(conn, EVENTS, &me(), claim, outcome, POLICY, &note(), 500))
    }

    /// Everything that is held, as if its holder were dead.
    fn take_back(&self) -> usize {
        self.write(|conn| queries::take_back_all(conn, EVENTS))
    }

    fn wake(&self, cause: &str) -> usize {
        self.write(|conn| queries::wake(conn, EVENTS, cause, at(0)))
    }

    /// Each event's status by its version.
    fn statuses(&self) -> HashMap<i64, Status> {
        let ids: Vec<i64> = (1..=200).collect();
        let rows = self.db.read_here(|conn| inbox::list_by_id(conn, &ids));
        let rows = rows.expect("the events");
        rows.iter()
            .map(|row| {
                let version = row
                    .webhook_id
                    .trim_start_matches(|c: char| !c.is_ascii_digit());
                (
                    version.parse().unwrap_or(row.id.0),
                    Status::from_code(row.status),
                )
            })
            .collect()
    }
}

/// Whatever is due, suspects as well.
fn any(at_most: i64) -> Wanted<'static> {
    Wanted {
        at_most,
        suspects: true,
        but: &[],
        held: None,
    }
}

fn me() -> Me {
    Me {
        host: "test".to_owned(),
        pid: 1,
        boot: "boot".to_owned(),
    }
}

fn note() -> TryNote {
    TryNote {
        at: at(0),
        micros: 1,
        request_id: None,
    }
}

/// So many seconds after the beginning of time, which is when everything here was received.
fn at(seconds: u64) -> At {
    At(0).after(Duration::from_secs(seconds))
}

fn snapshot(id: &str, key: &str, version: i64) -> Delivery {
    Delivery {
        snapshot: true,
        ver: version,
        ..change("a.myshopify.com", id, key)
    }
}

pub(crate) fn change(shop: &str, id: &str, key: &str) -> Delivery {
    Delivery {
        source: "shopify",
        shop_domain: shop.to_owned(),
        webhook_id: id.to_owned(),
        event_id: None,
        topic: "orders/edited".to_owned(),
        api_version: None,
        key: Some(key.to_owned()),
        snapshot: false,
        ver: 0,
        triggered_at: None,
        received_at: at(0),
        secret_label: "app".to_owned(),
        headers: "{}".to_owned(),
        body: b"{}".to_vec(),
    }
}

fn versions(claims: &[Claim]) -> Vec<i64> {
    claims.iter().map(|claim| claim.ver).collect()
}

fn keys(claims: &[Claim]) -> Vec<&str> {
    claims
        .iter()
        .filter_map(|claim| claim.key.as_deref())
        .collect()
}

fn states(all: &[(i64, Status)]) -> HashMap<i64, Status> {
    all.iter().copied().collect()
}
