//! Local deliveries: what a store drives itself, from its rule to the customer's door and back to the store's books.

use std::time::Duration;

use counterfoil::erp::deliveries::flow::State;
use counterfoil::erp::deliveries::queries::list::{Wanted, list};
use counterfoil::erp::deliveries::queries::{self, DeliveryRow, log};
use counterfoil::erp::orders::WorkState;
use counterfoil::erp::stock;
use counterfoil::erp::users::roles::Role;
use counterfoil::erp::users::tokens::{self, Scope};
use counterfoil::platform::db::DbError;
use counterfoil::practice::{OrderKind, PlacedOrder};
use counterfoil::types::UserId;
use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::compliance;
use crate::support::app::{SHOP, TestApp};
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::Visitor;

both_databases!(
    a_store_delivers_what_its_rule_says_and_the_answer_names_it,
    an_order_changes_and_its_delivery_with_it,
    a_cancelled_order_takes_its_driver_off_the_road,
    an_order_fulfilled_in_the_store_is_delivered_and_nothing_is_pushed,
    a_store_that_is_gone_leaves_its_deliveries_alone,
    in_any_disorder_there_is_one_delivery_and_nothing_newer_is_undone,
    a_delivery_is_finished_by_its_own_lines_alone,
    a_driver_delivers_by_phone_and_the_store_knows_once,
    a_wrong_tap_is_taken_back_and_so_is_the_shipment,
    what_cannot_be_booked_off_is_delivered_all_the_same,
    nobody_is_home_and_it_goes_out_again_another_day,
    of_two_dispatchers_one_assigns,
    a_day_is_assigned_ordered_and_printed,
    a_driver_sees_the_own_stops_and_nothing_else,
    a_rule_is_changed_after_its_effect_was_seen,
    a_photo_is_kept_without_where_it_was_taken,
    an_erased_customer_is_gone_from_the_delivery,
    a_program_follows_and_moves_deliveries,
);

const LOCAL: &str = "Local delivery";

async fn a_store_delivers_what_its_rule_says_and_the_answer_names_it(kind: Kind) {
    let story = Story::start(kind).await;
    let before = story
        .told("orders/create", "w0", &order(1, "Standard"))
        .await;
    assert_eq!(before["delivery_id"], Value::Null, "no rule, no delivery");
    story.app.get("/").await.assert_lacks("Deliveries");
    story.rule("by_method", "LOCAL delivery").await;

    let answer = story.told("orders/create", "w1", &order(2, LOCAL)).await;
    assert_eq!(answer["status"], "created");
    assert_eq!(answer["order_number"], "#2");
    let id = answer["delivery_id"].as_str().expect("an id").to_owned();
    let again = story.told("orders/create", "w1", &order(2, LOCAL)).await;
    assert_eq!(
        (&again["status"], &again["delivery_id"]),
        (&json!("duplicate"), &json!(id))
    );
    let posted = story
        .told("orders/create", "w2", &order(3, "Standard"))
        .await;
    assert_eq!(posted["delivery_id"], Value::Null);
    story.app.run_jobs().await;

    let all = story.all();
    assert_eq!(all.len(), 1, "one order of three is ours to drive");
    let row = &all[0];
    assert_eq!(
        (row.public_id.as_str(), row.state),
        (id.as_str(), State::Pending)
    );
    let told = &row.told;
    assert_eq!(told.order_name, "#2");
    assert_eq!(told.name.as_deref(), Some("Ada Muster"));
    assert_eq!(told.phone.as_deref(), Some("+49301234"));
    assert_eq!(told.email.as_deref(), Some("ada@example.com"));
    assert_eq!(told.note.as_deref(), Some("Ring twice"));
    assert_eq!(told.items, "Shirt ×2, Custom engraving");
    assert_eq!(
        (told.total_minor, told.payment_state.as_str()),
        (5088, "paid")
    );
    assert_eq!(row.day, "2026-11-21");
    let page = story.app.get("/deliveries").await;
    page.assert_shows("#2")
        .assert_shows("Hauptstr. 1")
        .assert_shows("Unassigned");
    let page = story.app.get(&page.link("#2")).await;
    page.assert_shows("Ring twice")
        .assert_shows("€50.88")
        .assert_shows(&id);
    assert!(page.link("Map").contains("Hauptstr.+1"));
    // The order's page and the feed know of it too.
    let feed = story.program("GET", "/changes?limit=250", None).await;
    let told = feed["data"].as_array().expect("changes").iter();
    assert!(
        told.clone()
            .any(|one| one["kind"] == "delivery" && one["id"] == json!(id))
    );
}

async fn an_order_changes_and_its_delivery_with_it(kind: Kind) {
    let story = Story::with_rule(kind).await;
    story.send("orders/create", "w1", order(1, LOCAL)).await;
    let mut changed = at(order(1, LOCAL), "10:05");
    changed["shipping_address"]["name"] = json!("Grace Muster");
    changed["shipping_address"]["address1"] = json!("Nebenstr. 2");
    changed["note"] = json!("Leave it with the neighbour");
    changed["line_items"][0]["current_quantity"] = json!(1);
    story.send("orders/updated", "w2", changed).await;
    let row = story.only();
    assert_eq!(row.told.name.as_deref(), Some("Grace Muster"));
    assert_eq!(row.told.items, "Shirt, Custom engraving");
    let entries = story.log(&row);
    let fields: Value = serde_json::from_str(&entries[0].arguments).expect("JSON");
    assert_eq!(
        fields,
        json!({ "fields": ["name", "address", "items", "note"] })
    );
    // The log names the fields; what they said of a person stands nowhere in it.
    assert!(!entries[0].arguments.contains("Grace"));
    let page = story.show(&row).await;
    page.assert_shows("The order changed: name, address, items, note");
    // The same again changes nothing.
    let before = story.log(&row).len();
    story
        .send("orders/updated", "w3", at(order(1, LOCAL), "10:04"))
        .await;
    assert_eq!(story.log(&row).len(), before);
    assert_eq!(story.only().told.name.as_deref(), Some("Grace Muster"));
}

async fn a_cancelled_order_takes_its_driver_off_the_road(kind: Kind) {
    let story = Story::with_rule(kind).await;
    story.send("orders/create", "w1", order(1, LOCAL)).await;
    let (dora, dora_id) = story.driver("Dora").await;
    story.assign(&story.only(), dora_id).await;
    let mut cancelled = at(order(1, LOCAL), "10:05");
    cancelled["cancelled_at"] = json!("2026-11-20T10:05:00+01:00");
    cancelled["cancel_reason"] = json!("customer");
    story.send("orders/cancelled", "w2", cancelled).await;
    let row = story.only();
    assert_eq!((row.state, row.driver_id), (State::Cancelled, None));
    assert_eq!(row.reason.as_deref(), Some("customer"));
    assert_eq!(story.assignments(&row), (1, 0));
    let entry = &story.log(&row)[0];
    assert_eq!(entry.from_state, Some(State::Assigned));
    assert_eq!(entry.to_state, Some(State::Cancelled));
    dora.get("/run/today").await.assert_lacks("Ada Muster");
}

async fn an_order_fulfilled_in_the_store_is_delivered_and_nothing_is_pushed(kind: Kind) {
    let story = Story::with_rule(kind).await;
    let placed = story.placed().await;
    assert!(story.app.practice.fulfill_elsewhere(placed.id));
    story.app.run_jobs().await;
    let row = story.only();
    assert_eq!(row.state, State::Delivered);
    assert_eq!(row.dropped_off_at, Some(story.app.clock.now()));
    assert_eq!(story.log(&row)[0].to_state, Some(State::Delivered));
    assert_eq!(story.sent("FulfillmentCreate"), 0);
    // A tap that comes late finds it done.
    let answer = story.tap_as(story.app.owner(), &row, "DELIVERED").await;
    assert_eq!(answer, 200);
    story.app.run_jobs().await;
    assert_eq!(story.sent("FulfillmentCreate"), 0);
}

async fn a_store_that_is_gone_leaves_its_deliveries_alone(kind: Kind) {
    let story = Story::with_rule(kind).await;
    story.send("orders/create", "w1", order(1, LOCAL)).await;
    let before = story.only();
    let page = story.app.get("/integrations/shopify/1/disconnection").await;
    let form = page.form("form[action$='/disconnection']");
    story
        .app
        .owner()
        .submit(form.fill("name", "practice-store"))
        .await;
    let later = at(order(1, "Standard"), "10:09");
    let body = serde_json::to_vec(&later).expect("JSON");
    let refused = story
        .app
        .deliver_webhook("orders/updated", "w2", &body)
        .await;
    assert_eq!(refused.status, 410);
    story.app.run_jobs().await;
    let after = story.only();
    assert_eq!((after.state, after.version), (before.state, before.version));
    // And it can still be driven.
    let (dora, id) = story.driver("Dora").await;
    story.assign(&after, id).await;
    assert_eq!(story.tap_as(&dora, &story.only(), "DELIVERED").await, 200);
    assert_eq!(story.only().state, State::Delivered);
}

async fn in_any_disorder_there_is_one_delivery_and_nothing_newer_is_undone(kind: Kind) {
    let story = Story::with_rule(kind).await;
    let states = |id: u64| {
        let mut noted = at(order(id, LOCAL), "10:03");
        noted["note"] = json!("Third floor");
        let gone = fulfilled(at(noted.clone(), "10:06"), &[(0, 2), (1, 1)]);
        [
            ("orders/create", order(id, LOCAL)),
            ("orders/updated", noted),
            ("orders/fulfilled", gone),
        ]
    };
    let turns = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for (number, turn) in turns.iter().enumerate() {
        let id = 100 + u64::try_from(number).expect("small");
        for (nth, which) in turn.iter().enumerate() {
            let (topic, body) = states(id)[*which].clone();
            for again in ["a", "b"] {
                let name = format!("{id}-{nth}-{again}");
                story.send(topic, &name, body.clone()).await;
            }
        }
    }
    let all = story.all();
    assert_eq!(all.len(), turns.len());
    for row in all {
        assert_eq!(row.state, State::Delivered, "{}", row.told.order_name);
        assert_eq!(row.told.note.as_deref(), Some("Third floor"));
        let order = row.told.order_name.trim_start_matches('#').to_owned();
        let expected = counterfoil::erp::deliveries::public_id(SHOP, &order);
        assert_eq!(row.public_id, expected);
    }
}

async fn a_delivery_is_finished_by_its_own_lines_alone(kind: Kind) {
    let story = Story::with_rule(kind).await;
    let mut three = order(1, LOCAL);
    let mut posted = three["line_items"][1].clone();
    posted["id"] = json!(77);
    posted["admin_graphql_api_id"] = json!("gid://shopify/LineItem/77");
    posted["title"] = json!("A book by post");
    three["line_items"]
        .as_array_mut()
        .expect("lines")
        .push(posted);
    story.send("orders/create", "w1", three.clone()).await;
    let page = story.show(&story.only()).await;
    let book = page.attribute("input[aria-label^='A book by post']", "name");
    let form = page.form("form[action$='/lines']");
    let form = form.without(&book);
    story
        .app
        .owner()
        .submit(form)
        .await
        .assert_shows("Lines saved");
    assert_eq!(story.only().told.items, "Shirt ×2, Custom engraving");

    // The posted line leaves: nothing about the delivery is over.
    let sent = fulfilled(at(three.clone(), "10:04"), &[(2, 1)]);
    story.send("orders/partially_fulfilled", "w2", sent).await;
    assert_eq!(story.only().state, State::Pending);
    // One of two, and both.
    let one = fulfilled(at(three.clone(), "10:05"), &[(2, 1), (0, 2)]);
    story.send("orders/partially_fulfilled", "w3", one).await;
    assert_eq!(story.only().state, State::Pending);
    let both = fulfilled(at(three.clone(), "10:06"), &[(0, 2), (1, 1)]);
    story.send("orders/partially_fulfilled", "w4", both).await;
    assert_eq!(story.only().state, State::Delivered);
    assert_eq!(story.app.order("#1").work_state, WorkState::PartShipped);
    // The fulfilment was undone in the store: it is to be driven again.
    story.send("orders/updated", "w5", at(three, "10:07")).await;
    assert_eq!(story.only().state, State::Pending);
}

async fn a_driver_delivers_by_phone_and_the_store_knows_once(kind: Kind) {
    let story = Story::with_rule(kind).await;
    let placed = story.placed().await;
    let (dora, id) = story.driver("Dora").await;
    story.assign(&story.only(), id).await;
    let run = dora.get("/").await;
    assert_eq!(run.url.path(), "/run/today");
    run.assert_shows("Side door, please")
        .assert_shows("Portland");
    assert!(run.link("Call").starts_with("tel:+1503555"));
    assert!(run.link("Map").contains("Portland"));
    let out = dora.submit(run.form("form[action$='/out']")).await;
    out.assert_shows("1 stop is out");
    assert_eq!(story.only().state, State::Out);
    let tap = || {
        out.form("form[action*='/stops/']")
            .fill("to", "DELIVERED")
            .fill("note", "with Maya")
    };
    dora.submit(tap())
        .await
        .assert_status(200)
        .assert_shows("Delivered");
    // The thumb was quicker than the page.
    dora.submit(tap()).await.assert_status(200);
    story.app.run_jobs().await;
    let row = story.only();
    assert_eq!(
        (row.state, row.ship_fault.as_deref()),
        (State::Delivered, None)
    );
    let there = story.app.practice.fulfillments(placed.id);
    assert_eq!(there.len(), 1, "{there:?}");
    assert_eq!(there[0].company.as_deref(), Some("Local delivery"));
    assert!(there[0].numbers.is_empty());
    assert_eq!(story.sent("FulfillmentCreate"), 1);
    assert_eq!(story.app.order(&placed.name).work_state, WorkState::Shipped);
    assert_eq!(story.app.read(stock::wrong_levels), Vec::<String>::new());
    let page = story.show(&row).await;
    page.assert_shows("with Maya").assert_shows("The driver");
    let taps = story.log(&row);
    let delivered = taps
        .iter()
        .filter(|it| it.to_state == Some(State::Delivered));
    assert_eq!(delivered.count(), 1);
}

async fn a_wrong_tap_is_taken_back_and_so_is_the_shipment(kind: Kind) {
    let story = Story::with_rule(kind).await;
    let placed = story.placed().await;
    let (dora, id) = story.driver("Dora").await;
    story.assign(&story.only(), id).await;
    assert_eq!(story.tap_as(&dora, &story.only(), "DELIVERED").await, 200);
    story.app.run_jobs().await;
    let run = dora.get("/run/today").await;
    let undo = || run.form("form[action$='/undo']");
    dora.submit(undo())
        .await
        .assert_status(200)
        .assert_shows("Taken back");
    story.app.run_jobs().await;
    let row = story.only();
    assert_eq!((row.state, row.driver_id), (State::Assigned, Some(id)));
    let there = story.app.practice.fulfillments(placed.id);
    assert_eq!(there[0].status, "cancelled");
    assert_eq!(story.app.order(&placed.name).work_state, WorkState::Ready);
    assert_eq!(story.app.read(stock::wrong_levels), Vec::<String>::new());
    // Once, and not for ever.
    dora.submit(undo())
        .await
        .assert_status(409)
        .assert_shows("nothing to take back");
    assert_eq!(story.tap_as(&dora, &story.only(), "DELIVERED").await, 200);
    story.app.run_jobs().await;
    story.app.pass(Duration::from_secs(11 * 60)).await;
    assert_eq!(
        dora.get("/run/today").await.count("form[action$='/undo']"),
        0
    );
    dora.submit(undo()).await.assert_status(409);
    let live = story.app.practice.fulfillments(placed.id);
    let live = live.iter().filter(|it| it.status != "cancelled").count();
    assert_eq!(live, 1);
}

async fn what_cannot_be_booked_off_is_delivered_all_the_same(kind: Kind) {
    let story = Story::with_rule(kind).await;
    let placed = story.app.practice.place_order(OrderKind::LocalDelivery);
    story.app.run_jobs().await;
    // Nobody has said what its products are: nothing can leave the shelves.
    let row = story.only();
    assert_eq!(
        story.tap_as(story.app.owner(), &row, "DELIVERED").await,
        200
    );
    let row = story.only();
    assert_eq!(row.state, State::Delivered);
    assert!(row.ship_fault.is_some());
    story
        .show(&row)
        .await
        .assert_shows("could not be booked off");
    story
        .app
        .get("/deliveries")
        .await
        .assert_shows("Not booked off");
    story.map().await;
    let page = story.show(&row).await;
    let page = story
        .app
        .owner()
        .submit(page.form("form[action$='/shipment']"))
        .await;
    page.assert_status(200)
        .assert_lacks("could not be booked off the shelves, and");
    story.app.run_jobs().await;
    assert_eq!(story.only().ship_fault, None);
    assert_eq!(story.app.practice.fulfillments(placed.id).len(), 1);
}

async fn nobody_is_home_and_it_goes_out_again_another_day(kind: Kind) {
    let story = Story::with_rule(kind).await;
    story.placed().await;
    let (dora, id) = story.driver("Dora").await;
    story.assign(&story.only(), id).await;
    assert_eq!(story.tap_as(&dora, &story.only(), "NOT_HOME").await, 200);
    assert_eq!(story.only().state, State::NotHome);
    let page = story.show(&story.only()).await;
    let form = page.form("form[action$='/day']").fill("day", "2026-11-23");
    story
        .app
        .owner()
        .submit(form)
        .await
        .assert_shows("Moved from 2026-11-21 to 2026-11-23");
    let row = story.only();
    assert_eq!(
        (row.state, row.day.as_str()),
        (State::Pending, "2026-11-23")
    );
    story
        .app
        .get("/deliveries")
        .await
        .assert_shows("No local deliveries today");
    let page = story.app.get("/deliveries?day=2026-11-23").await;
    page.assert_shows(&row.told.order_name);
    let bad = story
        .show(&row)
        .await
        .form("form[action$='/day']")
        .fill("day", "tomorrow");
    story
        .app
        .owner()
        .submit(bad)
        .await
        .assert_status(422)
        .assert_shows("Enter a day");
    story.assign(&row, id).await;
    assert_eq!(
        story
            .tap_on(&dora, "2026-11-23", &story.only(), "DELIVERED")
            .await,
        200
    );
    assert_eq!(story.assignments(&story.only()), (2, 1));
}

async fn of_two_dispatchers_one_assigns(kind: Kind) {
    let story = Story::with_rule(kind).await;
    story.placed().await;
    let (_dora, dora) = story.driver("Dora").await;
    let (_emil, emil) = story.driver("Emil").await;
    let page = story.show(&story.only()).await;
    let give = |id: UserId| {
        page.form("form[action$='/assignment']")
            .fill("driver", &id.to_string())
    };
    story
        .app
        .owner()
        .submit(give(dora))
        .await
        .assert_status(200);
    let late = story.app.owner().submit(give(emil)).await;
    late.assert_status(409)
        .assert_shows("Somebody else changed this delivery");
    let row = story.only();
    assert_eq!((row.driver_id, row.state), (Some(dora), State::Assigned));
    assert_eq!(story.assignments(&row), (1, 1));
    // Knowing of it, it is given to the other.
    story.assign(&row, emil).await;
    let row = story.only();
    assert_eq!(row.driver_id, Some(emil));
    assert_eq!(story.assignments(&row), (2, 1));
    // The database itself keeps a second one out, whatever the program thinks.
    let second = story.app.db().write_here(|conn| -> Result<(), DbError> {
        let statement = format!(
            "INSERT INTO delivery_assignments (delivery_id, driver_id, assigned_at) \
             VALUES ({}, {dora}, 0)",
            row.id
        );
        Ok(diesel::connection::SimpleConnection::batch_execute(
            conn, &statement,
        )?)
    });
    assert!(second.is_err());
    // Who does not drive at present gets nothing.
    let drivers = story.app.get("/deliveries/drivers").await;
    let path = format!("form[action$='/drivers/{dora}']");
    let off = drivers
        .form(&path)
        .without("active")
        .fill("vehicle", "Cargo bike");
    story
        .app
        .owner()
        .submit(off)
        .await
        .assert_shows("Not driving");
    let page = story.show(&story.only()).await;
    let give = page
        .form("form[action$='/assignment']")
        .fill("driver", &dora.to_string());
    story.app.owner().submit(give).await.assert_status(422);
}

async fn a_day_is_assigned_ordered_and_printed(kind: Kind) {
    let story = Story::with_rule(kind).await;
    for _ in 0..3 {
        story.app.practice.place_order(OrderKind::LocalDelivery);
    }
    story.app.run_jobs().await;
    let (_dora, dora) = story.driver("Dora").await;
    let page = story.app.get("/deliveries").await;
    page.assert_shows("3 to assign");
    let all = page
        .form("form[action$='/assignments']")
        .fill("driver", &dora.to_string());
    let page = story.app.owner().submit(all).await;
    page.assert_shows("3 deliveries assigned")
        .assert_shows("3 assigned");
    let names = page.texts(".stops .row-link");
    assert_eq!(names.len(), 3);
    // The last goes first.
    let last = story
        .all()
        .into_iter()
        .find(|row| row.told.order_name == names[2]);
    let up = format!("form[action$='/{}/position']", last.expect("a stop").id);
    let page = story.app.owner().submit(page.form(&up)).await;
    let page = story.app.owner().submit(page.form(&up)).await;
    let moved = page.texts(".stops .row-link");
    assert_eq!(
        moved,
        [names[2].clone(), names[0].clone(), names[1].clone()]
    );
    let sheet = story.app.get(&page.link("Run sheet")).await;
    sheet.assert_shows("3 stops").assert_shows(&names[0]);
    let found = story
        .app
        .get(&format!("/deliveries?q={}", names[1].replace('#', "%23")))
        .await;
    assert_eq!(found.texts(".stops .row-link"), [names[1].clone()]);
    let back = page.form("form[action$='/assignment']");
    let page = story.app.owner().submit(back).await;
    page.assert_shows("1 to assign").assert_shows("2 assigned");
    // What a day left over stands on the next one as well.
    story.app.pass(Duration::from_secs(24 * 3600)).await;
    let next_morning = story.app.signed_in(Role::Owner).await;
    let page = next_morning.get("/deliveries").await;
    page.assert_shows("since 2026-11-21")
        .assert_shows("1 to assign");
}

async fn a_driver_sees_the_own_stops_and_nothing_else(kind: Kind) {
    let story = Story::with_rule(kind).await;
    story.placed().await;
    let (dora, dora_id) = story.driver("Dora").await;
    let (emil, _emil_id) = story.driver("Emil").await;
    story.assign(&story.only(), dora_id).await;
    let row = story.only();
    emil.get("/run/today")
        .await
        .assert_shows("No stops on this day");
    // Naming the other driver helps nobody.
    let other = emil.get(&format!("/run/today?driver={dora_id}")).await;
    other.assert_shows("No stops on this day");
    assert_eq!(story.tap_as(&emil, &row, "DELIVERED").await, 404);
    assert_eq!(story.only().state, State::Assigned);
    for path in [
        "/orders",
        "/deliveries",
        "/deliveries/1",
        "/products",
        "/events",
    ] {
        dora.get(path).await.assert_status(403);
    }
    let run = dora.get("/run/today").await;
    run.assert_shows("My run")
        .assert_lacks("Orders")
        .assert_lacks("Mappings");
    // Whoever assigns sees the driver's page and may tap for them.
    let seen = story
        .app
        .get(&format!("/run/2026-11-21?driver={dora_id}"))
        .await;
    let tap = seen.form("form[action*='/stops/']").fill("to", "DELIVERED");
    story.app.owner().submit(tap).await.assert_status(200);
    assert_eq!(story.only().state, State::Delivered);
}

async fn a_rule_is_changed_after_its_effect_was_seen(kind: Kind) {
    let story = Story::start(kind).await;
    let first = story.app.practice.place_order(OrderKind::LocalDelivery);
    let second = story.app.practice.place_order(OrderKind::LocalDelivery);
    story.app.practice.place_order(OrderKind::OneLine);
    story.app.run_jobs().await;
    let page = story.app.get("/integrations/shopify/1").await;
    let page = story.app.get(&page.link("Local deliveries")).await;
    let form = page.form("form[action$='/deliveries']");
    let bad = story
        .app
        .owner()
        .submit(form.fill("rule", "by_method"))
        .await;
    bad.assert_status(422)
        .assert_shows("Name the shipping methods");
    let form = bad
        .form("form[action$='/deliveries']")
        .fill("methods", LOCAL);
    let seen = story.app.owner().submit(form).await;
    seen.assert_shows("2 orders get a delivery");
    assert!(story.all().is_empty(), "nothing was saved yet");
    let form = seen
        .form("form[action$='/deliveries']")
        .fill("confirmed", "1");
    story.app.owner().submit(form).await.assert_status(200);
    story.app.run_jobs().await;
    let names: Vec<String> = story
        .all()
        .into_iter()
        .map(|row| row.told.order_name)
        .collect();
    assert_eq!(names, [second.name, first.name.clone()]);

    // One is on the road when the store gives up driving.
    let (dora, id) = story.driver("Dora").await;
    let on_road = story.named(&first.name);
    story.assign(&on_road, id).await;
    let run = dora.get("/run/today").await;
    dora.submit(run.form("form[action$='/out']")).await;
    let page = story.app.get("/integrations/shopify/1/deliveries").await;
    let form = page
        .form("form[action$='/deliveries']")
        .fill("rule", "none");
    let seen = story.app.owner().submit(form).await;
    seen.assert_shows("1 delivery that nobody has set out with is cancelled");
    seen.assert_shows("1 delivery stays");
    let form = seen
        .form("form[action$='/deliveries']")
        .fill("confirmed", "1");
    story.app.owner().submit(form).await;
    story.app.run_jobs().await;
    let states: Vec<State> = story.all().into_iter().map(|row| row.state).collect();
    assert_eq!(states, [State::Cancelled, State::Out]);
    // And back: what the rule had cancelled is to be driven again, what is out stays out.
    story.rule("all", "").await;
    let states: Vec<State> = story.all().into_iter().map(|row| row.state).collect();
    assert_eq!(states, [State::Pending, State::Pending, State::Out]);
    story
        .app
        .get("/settings/audit")
        .await
        .assert_shows("which orders are delivered locally");
}

async fn a_photo_is_kept_without_where_it_was_taken(kind: Kind) {
    let story = Story::with_rule(kind).await;
    story.placed().await;
    let (dora, id) = story.driver("Dora").await;
    story.assign(&story.only(), id).await;
    let row = story.only();
    let refused = story.photograph(&dora, &row, b"<svg onload=x>").await;
    assert_eq!(refused.0, 422);
    assert!(refused.1.contains("JPEG or PNG") && refused.1.contains("at the side door"));
    assert_eq!(story.only().state, State::Assigned, "nothing was half done");
    let (status, _page) = story.photograph(&dora, &row, &photo()).await;
    assert_eq!(status, 303);
    assert_eq!(story.only().state, State::Delivered);
    let page = story.show(&story.only()).await;
    let source = page.attribute(".photos img", "src");
    let reply = story.app.owner().ask(Method::GET, &source).await;
    assert_eq!(reply.headers()["content-type"], "image/jpeg");
    let kept = reply.bytes().await.expect("bytes");
    assert!(kept.starts_with(&[0xff, 0xd8]) && kept.ends_with(&[0xff, 0xd9]));
    assert!(!kept.windows(3).any(|part| part == b"GPS"));
    let other = dora.ask(Method::GET, &source).await;
    assert_eq!(other.status(), 403);
}

async fn an_erased_customer_is_gone_from_the_delivery(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let story = Story::of(app);
    story.rule("all", "").await;
    compliance::ada_orders(&story.app, 7_001).await;
    let (dora, id) = story.driver("Dora").await;
    story.assign(&story.only(), id).await;
    let row = story.only();
    assert_eq!(row.told.email.as_deref(), Some(compliance::ADA));
    let page = dora.get("/run/today").await;
    let tap = page.form("form[action*='/stops/']");
    let tap = tap
        .fill("to", "NOT_HOME")
        .fill("note", "Ada Lovelace was out");
    dora.submit(tap).await.assert_status(200);
    let (status, _page) = story.photograph(&dora, &story.only(), &photo()).await;
    assert_eq!(status, 303);
    // What is known of her is told: with her delivery, the driver's words and the picture of her door.
    let body = json!({
        "shop_id": 1, "shop_domain": SHOP, "orders_requested": [7_001],
        "customer": { "id": 900, "email": compliance::ADA }, "data_request": { "id": 9_999 },
    });
    compliance::deliver(&story.app, "customers/data_request", "r1", &body).await;
    story.app.run_jobs().await;
    let page = story.app.get("/integrations/shopify/1/privacy").await;
    let report = story.app.get(&page.link("Download report")).await;
    let report: Value = serde_json::from_str(&report.body).expect("JSON");
    let known = &report["orders"][0]["personal_data"];
    assert_eq!(known["deliveries.email"][0], compliance::ADA);
    let notes = known["delivery_log.note"].as_array().expect("notes");
    assert!(notes.contains(&json!("Ada Lovelace was out")));
    assert!(
        known["delivery_photos.picture"][0]
            .as_str()
            .is_some_and(|it| it.starts_with("/9j/"))
    );

    compliance::deliver(&story.app, "customers/redact", "e1", &compliance::erasure()).await;
    story.app.run_jobs().await;
    assert_eq!(compliance::traces(&story.app), Vec::<String>::new());
    let after = story.only();
    assert_eq!(after.told.name.as_deref(), Some("Redacted"));
    assert_eq!(after.told.total_minor, row.told.total_minor);
    let page = story.show(&after).await;
    page.assert_status(200);
    assert_eq!(page.count(".photos img"), 0);
}

async fn a_program_follows_and_moves_deliveries(kind: Kind) {
    let story = Story::with_rule(kind).await;
    for _ in 0..3 {
        story.placed().await;
    }
    let page = story.program("GET", "/deliveries?limit=2", None).await;
    assert_eq!(page["data"].as_array().map(Vec::len), Some(2));
    let next = page["next"].as_str().expect("a next page").to_owned();
    let path = next.split_once("/api/main").expect("its path").1;
    let rest = story.program("GET", path, None).await;
    assert_eq!(rest["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["next"], Value::Null);
    let id = rest["data"][0]["id"].as_str().expect("an id").to_owned();
    let one = story
        .program("GET", &format!("/deliveries/{id}"), None)
        .await;
    assert_eq!(one["state"], "PENDING");
    assert_eq!(one["drop_off_address"]["city"], "Portland");
    assert_eq!(one["log"][0]["kind"], "created");
    let since = "/deliveries?updated_since=2026-11-21T00:00:00Z&state=PENDING&day=2026-11-21";
    let open = story.program("GET", since, None).await;
    assert_eq!(open["data"].as_array().map(Vec::len), Some(3));

    let status = format!("/deliveries/{id}/status");
    let wrong = story
        .program("POST", &status, Some(json!({ "status": "GONE" })))
        .await;
    assert_eq!(wrong["http"], 422);
    let early = story
        .program("POST", &status, Some(json!({ "status": "RETURNED" })))
        .await;
    assert_eq!(early["http"], 409);
    let done = json!({ "status": "DELIVERED", "note": "at the counter" });
    let moved = story.program("POST", &status, Some(done.clone())).await;
    assert_eq!(
        (&moved["http"], &moved["state"]),
        (&json!(200), &json!("DELIVERED"))
    );
    assert_eq!(moved["not_shipped"], Value::Null);
    let again = story.program("POST", &status, Some(done)).await;
    assert_eq!(again["version"], moved["version"], "said twice, done once");
    story.app.run_jobs().await;
    assert_eq!(story.sent("FulfillmentCreate"), 1);
    let none = story.program("GET", "/deliveries/nobody", None).await;
    assert_eq!(none["http"], 404);
    let wrong = story.program("GET", "/deliveries?day=monday", None).await;
    assert_eq!(wrong["errors"][0]["field"], "day");
}

/// The sample order with the shipping method `method`, as order `id`.
fn order(id: u64, method: &str) -> Value {
    let text = include_str!("../fixtures/shopify/orders_create.json");
    let mut order: Value = serde_json::from_str(text).expect("JSON");
    order["id"] = json!(id);
    order["admin_graphql_api_id"] = json!(format!("gid://shopify/Order/{id}"));
    order["name"] = json!(format!("#{id}"));
    order["note"] = json!("Ring twice");
    order["shipping_address"]["phone"] = json!("+49301234");
    order["shipping_lines"][0]["title"] = json!(method);
    order["shipping_lines"][0]["code"] = json!(method);
    at(order, "10:00")
}

/// As the store changed it at that time.
fn at(mut order: Value, time: &str) -> Value {
    order["updated_at"] = json!(format!("2026-11-20T{time}:00+01:00"));
    order
}

/// With these pieces of its lines fulfilled by somebody else.
fn fulfilled(mut order: Value, pieces: &[(usize, i64)]) -> Value {
    let lines: Vec<Value> = pieces
        .iter()
        .map(|(line, quantity)| json!({ "id": order["line_items"][line]["id"], "quantity": quantity }))
        .collect();
    order["fulfillments"] = json!([{
        "id": 5001, "admin_graphql_api_id": "gid://shopify/Fulfillment/5001",
        "status": "success", "line_items": lines,
    }]);
    order
}

/// The bones of a photo with a place in it.
fn photo() -> Vec<u8> {
    let segment = |marker: u8, data: &[u8]| {
        let length = u16::try_from(data.len() + 2).expect("short").to_be_bytes();
        [&[0xff, marker][..], &length, data].concat()
    };
    [
        vec![0xff, 0xd8],
        segment(0xe1, b"Exif\0\0II\x2a\0\x08\0\0\0\0\0 GPS 52.5163 13.3777"),
        segment(0xc0, &[8, 0, 2, 0, 3, 1, 1, 0x11, 0]),
        segment(0xda, &[1, 1, 0, 0, 63, 0]),
        vec![1, 2, 3, 0xff, 0xd9],
    ]
    .concat()
}

/// A store that delivers, its drivers, and what the house knows.
struct Story {
    app: TestApp,
    token: String,
}

impl Story {
    fn of(app: TestApp) -> Self {
        let now = app.clock.now();
        let token = app.db().write_here(|conn| -> Result<String, DbError> {
            tokens::create(conn, "routes", Scope::Write, &"cd".repeat(32), now)
        });
        Story {
            token: token.expect("a token"),
            app,
        }
    }

    async fn start(kind: Kind) -> Self {
        Self::of(TestApp::connected(kind).await)
    }

    async fn with_rule(kind: Kind) -> Self {
        let story = Self::start(kind).await;
        story.rule("by_method", LOCAL).await;
        story
    }

    /// Says the store's rule on its page, and lets the open orders follow.
    async fn rule(&self, which: &str, methods: &str) {
        let page = self.app.get("/integrations/shopify/1/deliveries").await;
        let form = page.form("form[action$='/deliveries']");
        let form = form
            .fill("rule", which)
            .fill("methods", methods)
            .fill("confirmed", "1");
        self.app.owner().submit(form).await.assert_status(200);
        self.app.run_jobs().await;
    }

    /// Items with stock for everything the store sells.
    async fn map(&self) {
        self.app.add_items(0..40);
        let links = self.app.get("/mappings").await.links();
        let exact = links
            .iter()
            .find(|link| link.starts_with("/mappings/acceptances"));
        if let Some(exact) = exact {
            let page = self.app.get(exact).await;
            let form = page.form("form[action$='/mappings/acceptances']");
            self.app.owner().submit(form).await.assert_status(200);
        }
        self.app.run_jobs().await;
    }

    /// A local order of the practice store, mapped and in stock.
    async fn placed(&self) -> PlacedOrder {
        if self.all().is_empty() {
            self.map().await;
        }
        let placed = self.app.practice.place_order(OrderKind::LocalDelivery);
        self.app.run_jobs().await;
        placed
    }

    /// Sends a webhook; gives its answer.
    async fn told(&self, topic: &str, id: &str, body: &Value) -> Value {
        let body = serde_json::to_vec(body).expect("JSON");
        let answer = self.app.deliver_webhook(topic, id, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Sends a webhook and lets it be applied.
    async fn send(&self, topic: &str, id: &str, body: Value) {
        self.told(topic, id, &body).await;
        self.app.run_jobs().await;
    }

    /// Every delivery, the newest first.
    fn all(&self) -> Vec<DeliveryRow> {
        self.app.read(|conn| list(conn, &Wanted::default(), 500))
    }

    #[track_caller]
    fn only(&self) -> DeliveryRow {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "deliveries");
        all.remove(0)
    }

    #[track_caller]
    fn named(&self, order: &str) -> DeliveryRow {
        let found = self
            .all()
            .into_iter()
            .find(|row| row.told.order_name == order);
        found.expect("its delivery")
    }

    fn log(&self, row: &DeliveryRow) -> Vec<log::EntryRow> {
        self.app.read(|conn| log::list(conn, row.id, 100))
    }

    fn assignments(&self, row: &DeliveryRow) -> (i64, i64) {
        self.app
            .read(|conn| queries::count_assignments(conn, row.id))
    }

    async fn show(&self, row: &DeliveryRow) -> crate::support::visitor::Page {
        self.app.get(&format!("/deliveries/{}", row.id)).await
    }

    /// Somebody who drives, signed in on a phone.
    async fn driver(&self, name: &str) -> (Visitor, UserId) {
        let known = self.drivers();
        let visitor = self.app.signed_in(Role::Driver).await;
        let new = self.drivers().into_iter().find(|id| !known.contains(id));
        let id = new.expect("a new driver");
        assert!(!name.is_empty());
        (visitor, id)
    }

    fn drivers(&self) -> Vec<UserId> {
        let all = self.app.read(counterfoil::erp::deliveries::drivers::list);
        all.into_iter().map(|driver| driver.user).collect()
    }

    async fn assign(&self, row: &DeliveryRow, driver: UserId) {
        let page = self.show(row).await;
        let form = page.form("form[action$='/assignment']");
        let form = form.fill("driver", &driver.to_string());
        self.app
            .owner()
            .submit(form)
            .await
            .assert_status(200)
            .assert_shows("Assigned");
    }

    /// Taps on a stop of today; gives the status of what came back.
    async fn tap_as(&self, who: &Visitor, row: &DeliveryRow, to: &str) -> u16 {
        self.tap_on(who, "today", row, to).await
    }

    async fn tap_on(&self, who: &Visitor, day: &str, row: &DeliveryRow, to: &str) -> u16 {
        let path = format!("/run/{day}/stops/{}", row.id);
        let token = self.app.csrf(who);
        let page = who.post(&path, &[("csrf", &token), ("to", to)]).await;
        page.status.as_u16()
    }

    /// Sends the form of a stop with a file, as a browser does.
    async fn photograph(&self, who: &Visitor, row: &DeliveryRow, file: &[u8]) -> (u16, String) {
        let to = if row.state == State::NotHome {
            "OUT"
        } else {
            "DELIVERED"
        };
        let mut body = Vec::new();
        let fields = [
            ("csrf", self.app.csrf(who)),
            ("to", to.to_owned()),
            ("note", "at the side door".to_owned()),
        ];
        for (name, value) in fields {
            let part = format!(
                "--xYz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        body.extend_from_slice(
            b"--xYz\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"door.jpg\"\r\n\r\n",
        );
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--xYz--\r\n");
        let session = who.cookie("counterfoil-session").expect("signed in");
        let reply = crate::support::http_client(Policy::none())
            .post(format!("{}/run/today/stops/{}", self.app.url, row.id))
            .header("Cookie", format!("counterfoil-session={session}"))
            .header("Content-Type", "multipart/form-data; boundary=xYz")
            .body(body)
            .send()
            .await
            .expect("an answer");
        let status = reply.status().as_u16();
        (status, reply.text().await.expect("text"))
    }

    /// A program's call; the answer with its status as `http`.
    async fn program(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let method: Method = method.parse().expect("a method");
        let mut request = crate::support::http_client(Policy::none())
            .request(method, format!("{}/api/main{path}", self.app.url))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let reply = request.send().await.expect("an answer");
        let status = reply.status().as_u16();
        let text = reply.text().await.expect("text");
        let mut json: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
        json["http"] = json!(status);
        json
    }

    /// How often an operation reached the store.
    fn sent(&self, operation: &str) -> usize {
        let requests = self.app.practice.requests();
        requests
            .iter()
            .filter(|it| it.operation == operation)
            .count()
    }
}
