//! Orders that come in together: booked with a few statements, and as if they had come one after the other.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use counterfoil::erp::orders::WorkState;
use counterfoil::platform::db::{Db, DbConnection, DbError};
use counterfoil::platform::inbox::queries::EventRow;
use counterfoil::platform::queue::Outcome;
use counterfoil::platform::worker::handler::Handler as _;
use counterfoil::shopify::apply::Webhooks;
use counterfoil::types::ProductId;
use diesel::Connection as _;
use diesel::connection::{InstrumentationEvent, SimpleConnection as _};
use serde_json::{Value, json};

use super::{House, NOW, one_line};
use crate::disorder::tables;
use crate::fixtures::{self, Case};
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    twenty_new_orders_take_little_more_than_one,
    a_customer_who_buys_twice_in_a_moment_is_one_contact,
    the_first_of_a_batch_gets_the_last_pieces,
    known_and_new_orders_are_told_apart_within_a_batch,
    a_flash_sale_promises_every_piece_once_and_blocks_nobody,
    what_one_changes_of_another_is_known_to_its_own_news,
    whatever_is_told_together_stands_as_if_it_had_been_told_one_by_one,
);

const SHIRT: u64 = 808_950_810;
const SOCKS: u64 = 808_950_811;

async fn twenty_new_orders_take_little_more_than_one(kind: Kind) {
    let house = House::new(kind);
    let shirt = house.sold_as("SH-S", SHIRT, 1000);
    let events: Vec<EventRow> = (1..=20)
        .map(|id| {
            house.event(
                "orders/create",
                &of(id, &[(SHIRT, 1), (SHIRT, 2), (SHIRT, 1)]),
            )
        })
        .collect();
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let outcomes = house.db.write_here(|conn| {
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                seen.fetch_add(1, Ordering::Relaxed);
            }
        });
        let outcomes = apply(conn, &events);
        conn.set_instrumentation(|_: InstrumentationEvent<'_>| {});
        outcomes
    });
    assert_eq!(
        outcomes.expect("the database works"),
        [(); 20].map(|()| Outcome::Done)
    );
    assert_eq!(house.reserved(shirt), 80);
    let count = count.load(Ordering::Relaxed);
    assert!(count <= 60, "{count} statements");
}

async fn a_customer_who_buys_twice_in_a_moment_is_one_contact(kind: Kind) {
    let house = House::new(kind);
    let mut bodies: Vec<Value> = (1..=3).map(|id| of(id, &[(SHIRT, 1)])).collect();
    // The same address under another customer of the store, in another spelling; and a change of the name meanwhile.
    bodies[1]["customer"]["id"] = json!(999);
    bodies[1]["customer"]["email"] = json!(" ADA@example.com");
    bodies[2]["customer"]["updated_at"] = json!("2026-11-21T10:00:00+01:00");
    bodies[2]["customer"]["last_name"] = json!("Lovelace");
    assert_eq!(
        house.deliver_together(&bodies),
        [(); 3].map(|()| Outcome::Done)
    );
    let contacts = [1, 2, 3].map(|id: u64| house.order(&id.to_string()).facts.contact_id);
    assert!(contacts[0].is_some());
    assert_eq!(contacts, [contacts[0]; 3]);
    let last_names = house.texts("SELECT last_name AS text FROM contacts");
    assert_eq!(last_names, ["Lovelace"]);
    let customers = house.texts("SELECT external_id AS text FROM shopify_customers ORDER BY id");
    assert_eq!(customers.len(), 2);
}

async fn the_first_of_a_batch_gets_the_last_pieces(kind: Kind) {
    let house = House::new(kind);
    let shirt = house.sold_as("SH-S", SHIRT, 5);
    let bodies: Vec<Value> = (1..=3).map(|id| of(id, &[(SHIRT, 2)])).collect();
    house.deliver_together(&bodies);
    assert_eq!(house.state("1"), WorkState::Ready);
    assert_eq!(house.state("2"), WorkState::Ready);
    assert_eq!(house.state("3"), WorkState::Short);
    assert_eq!(house.order("3").short_quantity, 1);
    assert_eq!(house.reserved(shirt), 5);
    house.assert_levels();
}

async fn known_and_new_orders_are_told_apart_within_a_batch(kind: Kind) {
    let house = House::new(kind);
    house.sold_as("SH-S", SHIRT, 100);
    house.deliver("orders/create", &of(2, &[(SHIRT, 1)]));
    house.delete("3");
    let mut known = of(2, &[(SHIRT, 1)]);
    known["updated_at"] = json!("2026-11-20T11:00:00+01:00");
    known["note"] = json!("ring twice");
    let bodies = [
        of(1, &[(SHIRT, 1)]),
        known,
        of(3, &[(SHIRT, 1)]),
        json!({}),
        of(4, &[]),
    ];
    let outcomes = house.deliver_together(&bodies);
    let words: Vec<&str> = outcomes.iter().map(Outcome::word).collect();
    assert_eq!(words, ["done", "done", "superseded", "dead", "done"]);
    assert_eq!(house.order("2").facts.note.as_deref(), Some("ring twice"));
    assert_eq!(house.order("2").version, 2);
    assert_eq!(house.state("1"), WorkState::Ready);
    assert_eq!(house.state("4"), WorkState::NothingToShip);
    house.assert_levels();
}

async fn a_flash_sale_promises_every_piece_once_and_blocks_nobody(kind: Kind) {
    let house = House::new(kind);
    let (shirt, socks) = (
        house.sold_as("SH-S", SHIRT, 90),
        house.sold_as("SO-1", SOCKS, 150),
    );
    let db = match kind {
        Kind::Postgres => Db::open(&house.database.url, 6).expect("it opens"),
        Kind::Sqlite => house.db.clone(),
    };
    // The customer is known: what is fought for is the stock.
    house.deliver("orders/create", &of(999, &[]));
    // Four workers, each with five batches of eight orders; every other order names the articles the other way round.
    let batches: Vec<Vec<EventRow>> = (0..20_u64)
        .map(|batch| {
            let orders = 1 + batch * 8..=8 + batch * 8;
            let lines = [[(SHIRT, 1), (SOCKS, 1)], [(SOCKS, 1), (SHIRT, 1)]];
            orders
                .map(|id| house.event("orders/create", &of(id, &lines[usize::from(id % 2 == 0)])))
                .collect()
        })
        .collect();
    let workers: Vec<_> = batches
        .chunks(5)
        .map(|batches| {
            let (db, batches) = (db.clone(), batches.to_vec());
            std::thread::spawn(move || {
                for batch in batches {
                    work_off(&db, &batch);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().expect("no worker breaks");
    }
    assert_eq!(house.reserved(shirt), 90);
    assert_eq!(house.reserved(socks), 150);
    let ready = (1..=160_u64).filter(|id| house.state(&id.to_string()) == WorkState::Ready);
    assert_eq!(ready.count(), 90);
    house.assert_levels();
}

/// Of a batch the first gives its stock to the second, of which there is news as well.
async fn what_one_changes_of_another_is_known_to_its_own_news(kind: Kind) {
    let house = House::new(kind);
    let shirt = house.sold_as("SH-S", SHIRT, 2);
    house.deliver("orders/create", &of(1, &[(SHIRT, 2)]));
    house.deliver("orders/create", &of(2, &[(SHIRT, 1)]));
    assert_eq!(house.state("2"), WorkState::Short);
    let mut cancelled = of(1, &[(SHIRT, 2)]);
    cancelled["cancelled_at"] = json!("2026-11-20T11:00:00+01:00");
    let mut more = of(2, &[(SHIRT, 3)]);
    for order in [&mut cancelled, &mut more] {
        order["updated_at"] = json!("2026-11-20T11:00:00+01:00");
    }
    let version = house.order("2").version;
    house.deliver_together(&[cancelled, more]);
    assert_eq!(house.order("2").short_quantity, 1);
    assert_eq!(house.state("2"), WorkState::Short);
    assert_eq!(house.reserved(shirt), 2);
    // It was given the stock, and then it was changed.
    assert_eq!(house.order("2").version, version + 2);
    house.assert_levels();
}

/// The composed orders: every other one is new and finds little stock, the rest comes with news of known ones among it.
async fn whatever_is_told_together_stands_as_if_it_had_been_told_one_by_one(kind: Kind) {
    let (scarce, plenty): (Vec<_>, Vec<_>) = fixtures::cases()
        .into_iter()
        .enumerate()
        .partition(|(place, _case)| place % 2 == 0);
    for (cases, stock, known) in [(scarce, 60, 0), (plenty, 9000, 40)] {
        let mut cases: Vec<Case> = cases.into_iter().map(|(_place, case)| case).collect();
        let (apart, together) = (store(kind, stock).await, store(kind, stock).await);
        for house in [&apart, &together] {
            house.tell(&cases[..known], "older", Case::older).await;
        }
        // So that each batch has some of either.
        cases.rotate_left(known / 2);
        for case in cases.chunks(1) {
            apart.tell(case, "newer", with_refund).await;
        }
        together.tell(&cases, "newer", with_refund).await;
        let (apart, together) = (apart.rows(tables::ORDERS), together.rows(tables::ORDERS));
        for (table, rows) in &apart {
            for (one, other) in rows.iter().zip(&together[table]) {
                assert_eq!(without_number(one), without_number(other), "{table}");
            }
            assert_eq!(rows.len(), together[table].len(), "{table}");
        }
        for table in ["refund_lines", "deliveries", "reservations", "holds"] {
            assert!(apart[table].len() > 10, "{table} is hardly told of");
        }
    }
}

/// Refunds are numbered in the order in which they are booked.
fn without_number(line: &str) -> String {
    match line.split_once("\"refund\":") {
        Some((before, behind)) => {
            let behind = behind.trim_start_matches(|sign: char| sign.is_ascii_digit());
            format!("{before}{behind}")
        }
        None => line.to_owned(),
    }
}

/// A composed order of which something was given back: in euros, and where it has a line.
fn with_refund(case: &Case) -> Vec<u8> {
    let body = case.body();
    let mut order: Value = serde_json::from_slice(&body).expect("JSON");
    let line = order["line_items"][0]["id"].clone();
    if line.is_null() || order["currency"] != "EUR" || order["presentment_currency"] != "EUR" {
        return body;
    }
    let refund = include_str!("../../fixtures/shopify/refunds_create.json");
    let mut refund: Value = serde_json::from_str(refund).expect("JSON");
    refund["order_id"] = order["id"].clone();
    refund["id"] = order["id"].clone();
    refund["admin_graphql_api_id"] = Value::Null;
    refund["refund_line_items"][0]["line_item_id"] = line;
    order["refunds"] = json!([refund]);
    order.to_string().into_bytes()
}

/// A store that drives all orders itself, with so many pieces of two items; two variants stand for the first, a
/// third for a set of both.
async fn store(kind: Kind, pieces: i64) -> fixtures::House {
    let store = fixtures::House::new(kind).await;
    store.app.alter(&format!(
        "UPDATE channels SET delivery_rule = 'all'; \
         DELETE FROM stock_levels; DELETE FROM shopify_product_mappings; \
         INSERT INTO products (sku, sku_normal, name, created_at) VALUES ('ONE', 'one', 'One', 0), ('TWO', 'two', 'Two', 0); \
         INSERT INTO stock_levels (product_id, location_id, on_hand) \
           SELECT p.id, l.id, {pieces} FROM products p, (SELECT min(id) AS id FROM locations) l WHERE p.sku IN ('ONE', 'TWO'); \
         INSERT INTO shopify_variants (shop_id, external_id, product_external_id, product_title, source_updated_at, seen_at) \
           VALUES (1, '8000000', '1', 'One', 0, 0), (1, '8000001', '1', 'One again', 0, 0), (1, '8000002', '2', 'Both', 0, 0);",
    ));
    for (variant, sku, quantity) in [
        ("8000000", "ONE", 1),
        ("8000001", "ONE", 2),
        ("8000002", "ONE", 1),
        ("8000002", "TWO", 3),
    ] {
        store.app.alter(&format!(
            "INSERT INTO shopify_product_mappings (shop_id, variant_id, product_id, quantity, kind, origin, created_at) \
               SELECT 1, v.id, p.id, {quantity}, 'kit', 'person', 0 FROM shopify_variants v, products p \
                WHERE v.external_id = '{variant}' AND p.sku = '{sku}'"
        ));
    }
    store
}

/// Applies a batch; where others took what it counted on, once more, as the worker does. Nothing else may go wrong.
fn work_off(db: &Db, batch: &[EventRow]) {
    loop {
        match db.write_here(|conn| apply(conn, batch)) {
            Ok(outcomes) => {
                assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done));
                return;
            }
            Err(DbError::Overtaken) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn apply(conn: &mut DbConnection, events: &[EventRow]) -> Result<Vec<Outcome>, DbError> {
    let places: Vec<usize> = (0..events.len()).collect();
    Webhooks.read(events).apply(conn, &places, NOW)
}

/// Order `id` of these variants and quantities, paid.
fn of(id: u64, lines: &[(u64, i64)]) -> Value {
    let mut order = one_line(id, 10);
    let line = order["line_items"][0].clone();
    let lines = lines.iter().zip(1..).map(|((variant, quantity), place)| {
        let mut line = line.clone();
        let id = id * 100 + place;
        line["id"] = json!(id);
        line["admin_graphql_api_id"] = json!(format!("gid://shopify/LineItem/{id}"));
        line["variant_id"] = json!(variant);
        line["quantity"] = json!(quantity);
        line["current_quantity"] = json!(quantity);
        line
    });
    order["line_items"] = lines.collect();
    order
}

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

impl House {
    /// An item of which so much is there, and the variant that it is sold as.
    fn sold_as(&self, sku: &str, variant: u64, quantity: i64) -> ProductId {
        let product = self.product(sku);
        self.stock(product, quantity);
        self.write(|conn| {
            let mapping = format!(
                "INSERT INTO shopify_variants (shop_id, external_id, product_external_id, product_title, \
                   source_updated_at, seen_at) VALUES (1, '{variant}', '632910392', 'Shirt', 0, 0); \
                 INSERT INTO shopify_product_mappings (shop_id, variant_id, product_id, kind, origin, created_at) \
                   SELECT 1, id, {product}, 'one', 'sku', 0 FROM shopify_variants WHERE external_id = '{variant}';"
            );
            Ok(conn.batch_execute(&mapping).map_err(DbError::from)?)
        });
        product
    }

    fn deliver_together(&self, bodies: &[Value]) -> Vec<Outcome> {
        let events: Vec<EventRow> = bodies
            .iter()
            .map(|body| self.event("orders/updated", body))
            .collect();
        let outcomes = self.db.write_here(|conn| apply(conn, &events));
        outcomes.expect("the database works")
    }

    /// Pieces of an item that are promised.
    fn reserved(&self, product: ProductId) -> i64 {
        let levels = self.write(|conn| {
            Ok(counterfoil::erp::stock::queries::levels_of(
                conn,
                &[product],
            )?)
        });
        levels.iter().map(|level| level.reserved).sum()
    }

    fn texts(&self, query: &str) -> Vec<String> {
        use diesel::RunQueryDsl as _;
        let found: Vec<Found> = self.write(|conn| {
            let query = diesel::sql_query(query);
            Ok(match conn {
                DbConnection::Postgres(conn) => query.load(conn).map_err(DbError::from)?,
                DbConnection::Sqlite(conn) => query.load(conn).map_err(DbError::from)?,
            })
        });
        found.into_iter().map(|row| row.text).collect()
    }
}
