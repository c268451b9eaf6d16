//! Orders come in: each once, never older than what we know, each line with its item or with a hold.
mod together;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use counterfoil::erp::orders::{self, WorkState, queries as order_rows};
use counterfoil::erp::products::{self, NewProduct};
use counterfoil::erp::stock::{self, Movement};
use counterfoil::erp::{channels, holds, locations, timeline};
use counterfoil::platform::db::{Db, DbConnection, DbError};
use counterfoil::platform::inbox::queries::EventRow;
use counterfoil::platform::queue::Outcome;
use counterfoil::shopify::apply::apply_event;
use counterfoil::types::{At, ChannelId, EventId, LocationId, OrderId, ProductId};
use diesel::Connection as _;
use diesel::RunQueryDsl as _;
use diesel::connection::{InstrumentationEvent, SimpleConnection};
use serde_json::{Value, json};

use crate::support::both_databases;
use crate::support::database::{Database, Kind};

const NOW: At = At(1_795_000_000_000_000);
const SHOP: &str = "acme.myshopify.com";
const ORDER: &str = "820982911946154508";

both_databases!(
    an_order_comes_in_once_with_everything_on_it,
    an_older_event_never_overwrites_a_newer_state,
    an_edit_leaves_a_readable_difference,
    mapping_a_variant_frees_its_orders_and_unmapping_holds_them_again,
    arriving_stock_goes_to_the_oldest_order_first,
    a_cancelled_order_gives_its_stock_to_who_waits,
    a_count_below_the_promises_takes_them_back_from_the_latest,
    a_deleted_order_is_never_revived,
    an_unpaid_order_waits_for_its_money,
    what_others_have_shipped_is_not_ours_to_ship,
    a_person_holds_and_releases_an_order,
    a_body_that_fits_no_order_is_dead_with_its_place,
    a_new_order_of_three_lines_takes_few_statements,
);

fn fixture() -> Value {
    let text = include_str!("../fixtures/shopify/orders_create.json");
    serde_json::from_str(text).expect("the fixture is JSON")
}

/// The fixture's first line alone, as order `id`, changed at `minute`.
fn one_line(id: u64, minute: u32) -> Value {
    let mut order = fixture();
    order["id"] = json!(id);
    order["admin_graphql_api_id"] = json!(format!("gid://shopify/Order/{id}"));
    order["updated_at"] = json!(format!("2026-11-20T10:{minute:02}:00+01:00"));
    order["processed_at"] = order["updated_at"].clone();
    order["line_items"]
        .as_array_mut()
        .expect("lines")
        .truncate(1);
    order
}

struct House {
    database: Database,
    db: Db,
    channel: ChannelId,
    place: LocationId,
    events: RefCell<i64>,
}

impl House {
    fn new(kind: Kind) -> House {
        let database = Database::create(kind);
        let db = Db::open(&database.url, 2).expect("it opens");
        let (channel, place) = db
            .write_here(|conn| {
                let channel = channels::ensure(conn, "shopify", SHOP, "UTC")?;
                let place = locations::ensure(
                    conn,
                    &locations::NewLocation {
                        name: "Portland".to_owned(),
                        ..locations::NewLocation::default()
                    },
                )?;
                let shop = format!(
                    "INSERT INTO shopify_shops (public_id, domain, channel_id, state, grant_kind, \
                     name, scopes, api_version, installed_at, check_orders) VALUES ('s1', '{SHOP}', \
                     {channel}, 'active', 'token', 'Acme', '', '2026-10', 0, FALSE)"
                );
                conn.batch_execute(&shop)?;
                Ok::<_, DbError>((channel, place))
            })
            .expect("a shop");
        House {
            database,
            db,
            channel,
            place,
            events: RefCell::new(0),
        }
    }

    fn write<T>(&self, work: impl FnOnce(&mut DbConnection) -> Result<T, orders::OrderError>) -> T {
        self.db.write_here(work).expect("the work is done")
    }

    fn deliver(&self, topic: &str, body: &Value) -> Outcome {
        let event = self.event(topic, body);
        self.db
            .write_here(|conn| apply_event(conn, &event, NOW))
            .expect("the database works")
    }

    fn event(&self, topic: &str, body: &Value) -> EventRow {
        *self.events.borrow_mut() += 1;
        let number = *self.events.borrow();
        EventRow {
            id: EventId(number),
            source: "shopify".to_owned(),
            shop_domain: SHOP.to_owned(),
            webhook_id: format!("w{number}"),
            event_id: None,
            topic: topic.to_owned(),
            api_version: Some("2026-10".to_owned()),
            key: None,
            triggered_at: Some(At(NOW.0 + number)),
            received_at: NOW,
            secret_label: "app".to_owned(),
            headers: "{}".to_owned(),
            body: body.to_string().into_bytes(),
            status: 1,
            due_at: NOW,
            attempts: 0,
            crashes: 0,
            locked_by: None,
            reason: None,
            waits_for: None,
            finished_at: None,
            body_dropped_at: None,
        }
    }

    fn order(&self, external: &str) -> order_rows::OrderRow {
        let channel = self.channel;
        self.write(|conn| Ok(order_rows::find_external(conn, channel, external)?))
            .expect("the order is there")
    }

    fn state(&self, external: &str) -> WorkState {
        let order = self.order(external);
        // Deciding anew changes nothing: the state was written with the change.
        let state = self.write(|conn| Ok(orders::recompute(conn, order.id, NOW)?));
        assert_eq!(state, Some(order.work_state), "order {external}");
        order.work_state
    }

    fn product(&self, sku: &str) -> ProductId {
        let product = NewProduct {
            sku: sku.to_owned(),
            name: sku.to_owned(),
            ships: true,
            ..NewProduct::default()
        };
        self.db
            .write_here(|conn| products::create(conn, &product, NOW))
            .expect("a product")
    }

    fn stock(&self, product: ProductId, quantity: i64) {
        let movement = Movement {
            product,
            location: self.place,
            lot: None,
            quantity,
            reason: "count",
            source: "person",
            user: None,
        };
        self.db
            .write_here(|conn| stock::adjust(conn, &movement, NOW))
            .expect("stock changes");
        self.assert_levels();
    }

    fn assert_levels(&self) {
        let wrong = self.write(|conn| Ok(stock::wrong_levels(conn)?));
        assert_eq!(wrong, Vec::<String>::new());
    }

    fn map(&self, variant: &str, product: ProductId) -> usize {
        let channel = self.channel;
        self.write(|conn| {
            orders::variant_mapped(conn, channel, variant, &[(product, 1)], NOW, None)
        })
    }

    fn delete(&self, external: &str) {
        let (channel, actor) = (self.channel, timeline::Actor::source("test"));
        self.write(|conn| orders::delete_from_channel(conn, channel, external, &actor, NOW));
    }

    fn holds(&self, order: OrderId) -> Vec<(holds::HoldKind, String)> {
        self.write(|conn| Ok(holds::queries::list_open(conn, order)?))
            .into_iter()
            .map(|hold| (hold.kind, hold.cause))
            .collect()
    }

    fn kinds(&self, order: OrderId) -> Vec<timeline::Kind> {
        self.write(|conn| Ok(timeline::queries::list(conn, order, 100)?))
            .into_iter()
            .map(|entry| entry.kind)
            .collect()
    }
}

async fn an_order_comes_in_once_with_everything_on_it(kind: Kind) {
    let house = House::new(kind);
    assert_eq!(house.deliver("orders/create", &fixture()), Outcome::Done);
    assert_eq!(house.deliver("orders/updated", &fixture()), Outcome::Done);
    let order = house.order(ORDER);
    assert_eq!(order.number, format!("SO-{:05}", order.id.0));
    assert_eq!(order.version, 1);
    assert_eq!(order.facts.total_minor, 5088);
    assert_eq!(order.facts.presentment_total_minor, 4834);
    assert_eq!(order.facts.added_total_minor, 5088);
    assert_eq!(order.facts.totals_check.as_str(), "agrees");
    assert_eq!(order.facts.customer_name.as_deref(), Some("Ada Muster"));
    assert_eq!(order.facts.items_summary, "Shirt ×2, Custom engraving");
    assert_eq!(house.state(ORDER), WorkState::Unmapped);
    let causes: Vec<String> = house
        .holds(order.id)
        .into_iter()
        .map(|hold| hold.1)
        .collect();
    assert_eq!(causes, ["808950810", "line:141249953214522974"]);
}

async fn an_older_event_never_overwrites_a_newer_state(kind: Kind) {
    let house = House::new(kind);
    let mut newer = one_line(7, 30);
    newer["note"] = json!("newer");
    assert_eq!(house.deliver("orders/updated", &newer), Outcome::Done);
    let older = one_line(7, 10);
    assert_eq!(house.deliver("orders/create", &older), Outcome::Superseded);
    assert_eq!(house.order("7").facts.note.as_deref(), Some("newer"));
}

async fn an_edit_leaves_a_readable_difference(kind: Kind) {
    let house = House::new(kind);
    house.deliver("orders/create", &one_line(7, 10));
    let mut edited = one_line(7, 20);
    edited["line_items"][0]["current_quantity"] = json!(1);
    let removed = edited.as_object_mut().expect("an object");
    // A key that is not there never overwrites.
    removed.remove("shipping_address");
    house.deliver("orders/updated", &edited);
    let order = house.order("7");
    assert_eq!(order.version, 2);
    assert_eq!(order.facts.ship_city.as_deref(), Some("Berlin, DE"));
    let changes = house.write(|conn| Ok(order_rows::show::list_versions(conn, order.id)?));
    assert_eq!(changes.len(), 1);
    assert!(changes[0].difference.contains("quantity"), "{changes:?}");
}

async fn mapping_a_variant_frees_its_orders_and_unmapping_holds_them_again(kind: Kind) {
    let house = House::new(kind);
    house.deliver("orders/create", &one_line(7, 10));
    house.deliver("orders/create", &one_line(8, 11));
    let shirt = house.product("SH-S");
    house.stock(shirt, 3);
    assert_eq!(house.map("808950810", shirt), 2);
    assert_eq!(house.state("7"), WorkState::Ready);
    assert_eq!(house.state("8"), WorkState::Short);
    assert_eq!(house.order("8").short_quantity, 1);
    house.assert_levels();
    let channel = house.channel;
    let held = house.write(|conn| orders::variant_unmapped(conn, channel, "808950810", NOW, None));
    assert_eq!(held, 2);
    assert_eq!(house.state("7"), WorkState::Unmapped);
    assert_eq!(house.state("8"), WorkState::Unmapped);
    house.assert_levels();
    assert!(
        house
            .kinds(house.order("7").id)
            .contains(&timeline::Kind::Mapped)
    );
}

async fn arriving_stock_goes_to_the_oldest_order_first(kind: Kind) {
    let house = House::new(kind);
    let shirt = house.product("SH-S");
    house.deliver("orders/create", &one_line(8, 30));
    house.deliver("orders/create", &one_line(7, 10));
    house.map("808950810", shirt);
    assert_eq!(house.state("7"), WorkState::Short);
    house.stock(shirt, 3);
    assert_eq!(house.state("7"), WorkState::Ready);
    assert_eq!(house.state("8"), WorkState::Short);
    house.stock(shirt, 1);
    assert_eq!(house.state("8"), WorkState::Ready);
}

async fn a_cancelled_order_gives_its_stock_to_who_waits(kind: Kind) {
    let house = House::new(kind);
    let shirt = house.product("SH-S");
    house.deliver("orders/create", &one_line(7, 10));
    house.deliver("orders/create", &one_line(8, 11));
    house.map("808950810", shirt);
    house.stock(shirt, 2);
    let mut cancelled = one_line(7, 20);
    cancelled["cancelled_at"] = json!("2026-11-20T10:20:00+01:00");
    cancelled["cancel_reason"] = json!("customer");
    assert_eq!(house.deliver("orders/cancelled", &cancelled), Outcome::Done);
    assert_eq!(house.state("7"), WorkState::Cancelled);
    assert_eq!(house.state("8"), WorkState::Ready);
    house.assert_levels();
}

async fn a_count_below_the_promises_takes_them_back_from_the_latest(kind: Kind) {
    let house = House::new(kind);
    let shirt = house.product("SH-S");
    house.deliver("orders/create", &one_line(7, 10));
    house.deliver("orders/create", &one_line(8, 11));
    house.map("808950810", shirt);
    house.stock(shirt, 4);
    house.stock(shirt, -1);
    assert_eq!(house.state("7"), WorkState::Ready);
    assert_eq!(house.state("8"), WorkState::Short);
}

async fn a_deleted_order_is_never_revived(kind: Kind) {
    let house = House::new(kind);
    house.deliver("orders/create", &one_line(7, 10));
    house.delete("7");
    assert_eq!(house.state("7"), WorkState::DeletedAtSource);
    house.delete("9");
    let late = house.deliver("orders/create", &one_line(9, 10));
    assert_eq!(late, Outcome::Superseded);
}

async fn an_unpaid_order_waits_for_its_money(kind: Kind) {
    let house = House::new(kind);
    let shirt = house.product("SH-S");
    house.stock(shirt, 5);
    let mut pending = one_line(7, 10);
    pending["financial_status"] = json!("pending");
    house.deliver("orders/create", &pending);
    house.map("808950810", shirt);
    assert_eq!(house.state("7"), WorkState::OnHold);
    house.deliver("orders/updated", &one_line(7, 12));
    assert_eq!(house.state("7"), WorkState::Ready);
}

async fn what_others_have_shipped_is_not_ours_to_ship(kind: Kind) {
    let house = House::new(kind);
    house.deliver("orders/create", &one_line(7, 10));
    let mut sent = one_line(7, 20);
    sent["fulfillment_status"] = json!("fulfilled");
    sent["fulfillments"] = json!([{
        "id": 5, "admin_graphql_api_id": "gid://shopify/Fulfillment/5", "status": "success",
        "line_items": [{ "id": 866550311766439020_u64, "quantity": 2 }],
    }]);
    house.deliver("orders/updated", &sent);
    assert_eq!(house.state("7"), WorkState::ShippedByOthers);
}

async fn a_person_holds_and_releases_an_order(kind: Kind) {
    let house = House::new(kind);
    let shirt = house.product("SH-S");
    house.stock(shirt, 5);
    house.deliver("orders/create", &one_line(7, 10));
    let order = house.order("7").id;
    let hold = house.write(|conn| Ok(holds::queries::list_open(conn, order)?))[0].id;
    house.write(|conn| orders::release_hold(conn, order, hold, None, NOW));
    assert_eq!(house.state("7"), WorkState::Ready);
    house.write(|conn| orders::hold(conn, order, Some("ask Ada"), None, NOW));
    assert_eq!(house.state("7"), WorkState::OnHold);
    house.write(|conn| orders::cancel_hold(conn, order, None, NOW));
    assert_eq!(house.state("7"), WorkState::Ready);
}

async fn a_body_that_fits_no_order_is_dead_with_its_place(kind: Kind) {
    let house = House::new(kind);
    let mut bad = one_line(7, 10);
    bad["line_items"][0]["price"] = json!("abc");
    assert_eq!(
        house.deliver("orders/create", &bad),
        Outcome::dead("line_items[0].price: \"abc\" is not money")
    );
    let refund: Value =
        serde_json::from_str(include_str!("../fixtures/shopify/refunds_create.json"))
            .expect("JSON");
    assert_eq!(
        house.deliver("orders/updated", &refund),
        Outcome::dead("order_id: an order has none: this is the body of another topic")
    );
}

async fn a_new_order_of_three_lines_takes_few_statements(kind: Kind) {
    let house = House::new(kind);
    let shirt = house.product("SH-S");
    house.stock(shirt, 100);
    // A first order of the customer, and a mapping.
    house.deliver("orders/create", &one_line(7, 10));
    let shirt = shirt.0;
    house.write(|conn| {
        let mapping = format!(
            "INSERT INTO shopify_variants (shop_id, external_id, product_external_id, \
             product_title, source_updated_at, seen_at) VALUES (1, '808950810', '632910392', \
             'Shirt', 0, 0); \
             INSERT INTO shopify_product_mappings (shop_id, variant_id, product_id, kind, origin, \
             created_at) VALUES (1, 1, {shirt}, 'one', 'sku', 0); \
             UPDATE shopify_shops SET check_orders = TRUE;"
        );
        conn.batch_execute(&mapping).map_err(DbError::from)?;
        Ok(())
    });
    let mut body = one_line(8, 20);
    let line = body["line_items"][0].clone();
    for id in [1, 2] {
        let mut more = line.clone();
        more["id"] = json!(id);
        more["admin_graphql_api_id"] = json!(format!("gid://shopify/LineItem/{id}"));
        body["line_items"].as_array_mut().expect("lines").push(more);
    }
    let event = house.event("orders/create", &body);
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let mut kept = Vec::new();
    let outcome = house.db.write_here(|conn| {
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                seen.fetch_add(1, Ordering::Relaxed);
            }
        });
        let outcome = apply_event(conn, &event, NOW);
        conn.set_instrumentation(|_: InstrumentationEvent<'_>| {});
        if kind == Kind::Postgres {
            kept = kept_statements(conn);
        }
        outcome
    });
    assert_eq!(outcome.expect("the database works"), Outcome::Done);
    assert_eq!(house.state("8"), WorkState::OnHold);
    let count = count.load(Ordering::Relaxed);
    // Two of them see to it that Shopify is asked: the hold, and the job.
    assert!(count <= 26, "{count} statements");
    if kind == Kind::Postgres {
        for statement in [
            "INSERT INTO \"orders\"",
            "INSERT INTO \"order_lines\"",
            "WITH taken AS",
        ] {
            assert!(
                kept.iter().any(|kept| kept.starts_with(statement)),
                "{statement} is planned anew for each order"
            );
        }
    }
}

/// What PostgreSQL has planned and keeps for this connection.
fn kept_statements(conn: &mut DbConnection) -> Vec<String> {
    #[derive(diesel::QueryableByName)]
    struct Kept {
        #[diesel(sql_type = diesel::sql_types::Text)]
        statement: String,
    }
    let kept: Vec<Kept> = diesel::sql_query("SELECT statement FROM pg_prepared_statements")
        .load(conn)
        .expect("the database works");
    kept.into_iter().map(|kept| kept.statement).collect()
}
