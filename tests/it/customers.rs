//! Customers whole: counted and imported, recognised, found, compared, merged, taken apart, told to programs.

use std::time::Duration;

use counterfoil::erp::customers::queries::list::{self, Wanted};
use counterfoil::erp::customers::queries::{self as contacts, ContactRow};
use counterfoil::erp::users::roles::Role;
use counterfoil::platform::db::DbConnection;
use counterfoil::practice::{CustomerEdit, Misbehaviour, NewCustomer, OrderKind};
use counterfoil::types::ContactId;
use diesel::RunQueryDsl;
use diesel::sql_types::BigInt;
use serde_json::{Value, json};

use crate::compliance::{ada_order, deliver};
use crate::support::api::Program;
use crate::support::app::{SHOP, TestApp};
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::Page;

both_databases!(
    customers_are_counted_first_and_then_imported,
    a_broken_download_goes_on_and_a_stopped_import_keeps_what_it_did,
    an_import_begins_at_a_day,
    a_lost_word_of_a_ready_file_costs_minutes_alone,
    somebody_is_recognised_by_address_then_by_number_and_never_by_nonsense,
    a_message_that_is_older_changes_nothing,
    two_customers_are_compared_merged_and_taken_apart,
    what_was_changed_since_a_merge_stays,
    a_merge_is_refused_where_it_cannot_be,
    a_merge_in_the_store_takes_the_same_road,
    two_who_look_alike_are_told_apart_for_good,
    customers_are_found_by_how_words_begin,
    a_program_reads_and_merges_customers,
    who_is_erased_is_gone_from_what_was_merged,
    the_orders_of_one_customer_come_by_pages,
);

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

async fn customers_are_counted_first_and_then_imported(kind: Kind) {
    let app = TestApp::start(kind).await;
    let ada = app.practice.add_customer(&NewCustomer {
        tags: vec!["vip".to_owned(), "tea".to_owned()],
        note: Some("Rings twice".to_owned()),
        subscribed: true,
        ..somebody(
            "Ada",
            "Lovelace",
            Some("Ada@Example.com"),
            Some("+1 734 555 0199"),
        )
    });
    let ada = ada.expect("a customer");
    let bob = add(&app, somebody("Bob", "Stone", None, Some("+17345550100")));
    add(&app, somebody("Cleo", "", None, None));
    app.practice.add_company("Fern Ltd", &[ada, bob]);
    app.connect().await;
    app.run_jobs().await;
    let page = app.get("/customers").await;
    page.assert_shows("No customers yet");

    let page = app.get(&page.link("Import customers")).await;
    let refused = page.form("form[action$='/customers/import']");
    let refused = app.owner().submit(refused.fill("since", "yesterday")).await;
    refused.assert_status(422);
    refused.assert_shows("Enter a day, like 2026-11-21, or nothing");
    let counted = count(&app).await;
    counted
        .assert_shows("3 in Shopify: 0 here, 3 new, 0 newer there")
        .assert_shows("1 company with their people and places")
        .assert_shows("Would be made");
    assert!(everybody(&app).is_empty(), "counting writes nothing");

    let page = import(&app, &counted).await;
    page.assert_shows("3 of 3")
        .assert_shows("3 new")
        .assert_shows("Done");
    let page = app.get("/customers").await;
    page.assert_shows("Ada Lovelace")
        .assert_shows("Fern Ltd")
        .assert_shows("3 customers");
    let page = app.get(&page.link("Ada Lovelace")).await;
    for told in [
        "Ada@Example.com",
        "tea, vip",
        "Rings twice",
        "Subscribed",
        "single opt in",
        "Ann Arbor",
        "48104",
        "Fern Ltd warehouse",
        "Bob Stone",
    ] {
        page.assert_shows(told);
    }
    // Once more: all of it is here, and nothing is made twice.
    let page = count(&app).await;
    page.assert_shows("3 here, 0 new")
        .assert_shows("Every customer is here as the store has them");
    // One changes while nobody listens.
    app.practice.misbehave(Misbehaviour::DropWebhooks, 50);
    let tags = CustomerEdit::Tags(vec!["tea".to_owned()]);
    app.clock.advance(MINUTE);
    assert!(app.practice.edit_customer(ada, &tags));
    app.practice.misbehave(Misbehaviour::DropWebhooks, 0);
    let page = count(&app).await;
    page.assert_shows("2 here, 0 new, 1 newer there")
        .assert_shows("Would be brought up to date")
        .assert_shows("tags");
    import(&app, &page).await;
    assert_eq!(contact(&app, "Ada").tags.as_deref(), Some("tea"));
    assert_eq!(everybody(&app).len(), 3);
    app.get("/sync").await.assert_shows("Customers in");
}

async fn a_broken_download_goes_on_and_a_stopped_import_keeps_what_it_did(kind: Kind) {
    let app = TestApp::start(kind).await;
    for nth in 0..260 {
        let email = format!("no{nth}@example.com");
        add(
            &app,
            somebody("Ada", &format!("No{nth}"), Some(&email), None),
        );
    }
    app.connect().await;
    app.run_jobs().await;
    let counted = count(&app).await;
    counted.assert_shows("260 in Shopify: 0 here, 260 new");
    app.practice.misbehave(Misbehaviour::BreakDownload, 1);
    let page = app
        .owner()
        .submit(counted.form("form[action$='/customers/import']"))
        .await;
    app.run_jobs().await;
    app.pass(Duration::from_secs(3)).await;
    let half = everybody(&app).len();
    assert!((100..260).contains(&half), "{half} of a broken download");
    let stop = app.get(page.url.path()).await;
    let stop = stop.form("form[action$='/cancellation']");
    app.owner().submit(stop).await;
    settle(&app).await;
    let page = app.get(page.url.path()).await;
    page.assert_shows("Cancelled");
    let kept = everybody(&app).len();
    assert!((half..=260).contains(&kept), "what is here stays");
    // The next one makes what is missing, and nothing twice.
    let counted = count(&app).await;
    import(&app, &counted).await;
    assert_eq!(everybody(&app).len(), 260);
}

async fn an_import_begins_at_a_day(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.practice.misbehave(Misbehaviour::DropWebhooks, 500);
    add(
        &app,
        somebody("Ada", "Lovelace", Some("ada@example.com"), None),
    );
    app.clock.advance(5 * DAY);
    add(
        &app,
        somebody("Bob", "Stone", Some("bob@example.com"), None),
    );
    app.run_jobs().await;
    app.practice.misbehave(Misbehaviour::DropWebhooks, 0);
    // After five days somebody signs in anew.
    let owner = app.signed_in(Role::Owner).await;
    let page = owner.get("/customers/import").await;
    let form = page.form("form[action$='/customers/import']");
    let late = owner.submit(form.fill("since", "2027-01-01")).await;
    late.assert_status(422);
    late.assert_shows("This day is still to come");
    let form = page.form("form[action$='/customers/import']");
    let page = owner.submit(form.fill("since", "2026-11-25")).await;
    settle(&app).await;
    let page = owner.get(page.url.path()).await;
    page.assert_shows("1 in Shopify: 0 here, 1 new");
    owner
        .submit(page.form("form[action$='/customers/import']"))
        .await;
    settle(&app).await;
    let names: Vec<String> = everybody(&app).iter().map(ContactRow::name).collect();
    assert_eq!(names, ["Bob Stone"]);
}

async fn a_lost_word_of_a_ready_file_costs_minutes_alone(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.practice.misbehave(Misbehaviour::DropWebhooks, 500);
    add(
        &app,
        somebody("Ada", "Lovelace", Some("ada@example.com"), None),
    );
    let page = app.get("/customers/import").await;
    let form = page.form("form[action$='/customers/import']");
    let page = app.owner().submit(form.fill("fetch", "1")).await;
    // One file of customers, and one of companies: each is looked for by itself.
    for _ in 0..4 {
        app.pass(5 * MINUTE).await;
    }
    app.get(page.url.path()).await.assert_shows("Done");
    assert_eq!(everybody(&app).len(), 1);
}

async fn somebody_is_recognised_by_address_then_by_number_and_never_by_nonsense(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let phone = "+1 (734) 555-0199";
    told(
        &app,
        1,
        json!({ "first_name": "Ada", "email": " ADA@example.com", "phone": phone }),
    )
    .await;
    // The same address, written otherwise; no address and the same number: both are Ada.
    told(
        &app,
        2,
        json!({ "first_name": "Ada", "email": "ada@Example.com" }),
    )
    .await;
    told(
        &app,
        3,
        json!({ "first_name": "Ada", "phone": "001 734 5550199" }),
    )
    .await;
    assert_eq!(everybody(&app).len(), 1);
    // The same number and another address: two people in one house.
    told(
        &app,
        4,
        json!({ "first_name": "Byron", "email": "byron@example.com", "phone": phone }),
    )
    .await;
    assert_eq!(everybody(&app).len(), 2);
    // Neither address nor number; what is no number; an address of 300 letters: each is somebody of their own.
    let long = format!("{}@example.com", "a".repeat(288));
    for (nth, body) in [
        json!({ "first_name": "Nemo" }),
        json!({ "first_name": "Nemo" }),
        json!({ "first_name": "Una", "phone": "call me" }),
        json!({ "first_name": "Una", "phone": "call me" }),
        json!({ "first_name": "Long", "email": long }),
        json!({ "first_name": "Long", "email": long }),
        json!({ "first_name": "Ada", "email": "ada" }),
        json!({}),
    ]
    .into_iter()
    .enumerate()
    {
        told(&app, 10 + nth, body).await;
    }
    assert_eq!(everybody(&app).len(), 10);
    let page = app.get("/customers").await;
    page.assert_shows("No name").assert_shows("call me");
    // Two customers of one address to live at are two.
    let home = json!([{ "id": 7, "city": "Ann Arbor", "zip": "48104", "default": true }]);
    for (id, name) in [(31, "Elm"), (32, "Oak")] {
        let email = format!("{name}@example.com");
        told(
            &app,
            id,
            json!({ "first_name": name, "email": email, "addresses": home }),
        )
        .await;
    }
    assert_eq!(everybody(&app).len(), 12);
    let elm = contact(&app, "Elm");
    app.get(&format!("/customers/{}", elm.id))
        .await
        .assert_shows("48104")
        .assert_shows("default");
}

async fn a_message_that_is_older_changes_nothing(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let named = |name: &str, at: &str| json!({ "id": 9, "first_name": name, "email": "ada@example.com", "updated_at": at });
    let newer = named("Augusta", "2026-11-21T10:00:05Z");
    deliver(&app, "customers/update", "u2", &newer).await;
    app.run_jobs().await;
    let older = named("Ada", "2026-11-21T10:00:00Z");
    deliver(&app, "customers/create", "u1", &older).await;
    app.run_jobs().await;
    assert_eq!(everybody(&app).len(), 1);
    assert_eq!(everybody(&app)[0].name(), "Augusta");
    // Deleted in the store: the person stays, and nothing older brings anything back.
    deliver(&app, "customers/delete", "d1", &json!({ "id": 9 })).await;
    app.run_jobs().await;
    deliver(
        &app,
        "customers/update",
        "u3",
        &named("Nobody", "2026-11-22T10:00:00Z"),
    )
    .await;
    app.run_jobs().await;
    assert_eq!(everybody(&app)[0].name(), "Augusta");
    let id = everybody(&app)[0].id;
    app.get(&format!("/customers/{id}"))
        .await
        .assert_shows("deleted there");
}

async fn two_customers_are_compared_merged_and_taken_apart(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let (ada, twin) = twins(&app).await;
    let page = app.get("/customers/duplicates").await;
    page.assert_shows("Nobody is here twice");
    assert_eq!(page.link("Same phone"), "?by=phone");
    let page = app.get("/customers/duplicates?by=phone").await;
    let page = app
        .get(&page.link("Compare Ada Lovelace with A. Lovelace"))
        .await;
    page.assert_shows("1 order moves to Ada Lovelace")
        .assert_shows("ada@example.com")
        .assert_shows("ada@work.example");
    let form = page.form("form[action$='/customers/merge']");
    assert_eq!(form.value("name"), Some("kept"));
    assert_eq!(form.value("note"), Some("gone"), "the kept one has none");
    let page = app.owner().submit(form.fill("email", "gone")).await;
    page.assert_shows("Merged. It can be undone here for 30 days")
        .assert_shows("#7001")
        .assert_shows("#7002")
        .assert_shows("ada@work.example")
        .assert_shows("Rings twice");
    assert_eq!(page.url.path(), format!("/customers/{ada}"));
    assert_eq!(orders_of(&app, ada), 2);
    // Whoever looks for the other finds this one, and what comes for the other is this one's.
    let page = app.get(&format!("/customers/{twin}")).await;
    assert_eq!(page.url.path(), format!("/customers/{ada}"));
    app.get("/customers?q=ada@work.example")
        .await
        .assert_shows("1 customer");
    assert_eq!(everybody(&app).len(), 1);
    let later = order(7_003, 902, "ada@work.example", "A.");
    deliver(&app, "orders/create", "o7003", &later).await;
    app.run_jobs().await;
    assert_eq!(orders_of(&app, ada), 3);

    let page = app.get(&format!("/customers/{ada}")).await;
    let page = app.owner().submit(page.form("form[action$='/undo']")).await;
    page.assert_shows("each has their own orders again")
        .assert_shows("#7002");
    assert_eq!(page.url.path(), format!("/customers/{twin}"));
    assert_eq!(
        contact(&app, "Ada").email.as_deref(),
        Some("ada@example.com")
    );
    assert_eq!(
        contact(&app, "A.").email.as_deref(),
        Some("ada@work.example")
    );
    assert_eq!((orders_of(&app, ada), orders_of(&app, twin)), (2, 1));
    app.get("/settings/audit")
        .await
        .assert_shows("merged into this one, with 1 order moved")
        .assert_shows("taken apart again, with 1 order moved back");
}

async fn what_was_changed_since_a_merge_stays(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let (ada, twin) = twins(&app).await;
    merge(&app, ada, twin).await.assert_status(200);
    let newer = json!({
        "id": 901, "first_name": "Augusta", "last_name": "Lovelace", "email": "ada@example.com",
        "updated_at": "2026-11-22T10:00:00Z",
    });
    deliver(&app, "customers/update", "n1", &newer).await;
    app.run_jobs().await;
    let page = app.get(&format!("/customers/{ada}")).await;
    page.assert_shows("Augusta Lovelace");
    app.owner().submit(page.form("form[action$='/undo']")).await;
    let kept = contact(&app, "Augusta");
    assert_eq!(
        kept.note.as_deref().unwrap_or_default(),
        "",
        "it was the other's"
    );
    assert_eq!(contact(&app, "A.").note.as_deref(), Some("Rings twice"));
    assert_eq!((orders_of(&app, ada), orders_of(&app, twin)), (1, 1));
}

async fn a_merge_is_refused_where_it_cannot_be(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let (ada, twin) = twins(&app).await;
    told(
        &app,
        903,
        json!({ "first_name": "Third", "email": "third@example.com" }),
    )
    .await;
    let third = contact(&app, "Third").id;
    let page = merge(&app, ada, ada).await;
    page.assert_status(422).assert_shows("with themselves");
    merge(&app, ada, ContactId(4711)).await.assert_status(404);
    merge(&app, ada, twin).await.assert_status(200);
    // One of the two is somebody else by now.
    for (kept, gone) in [(ada, twin), (twin, ada), (third, twin)] {
        let page = merge(&app, kept, gone).await;
        page.assert_status(409)
            .assert_shows("merged into another already");
    }
    // A later merge stands on the first one.
    merge(&app, third, ada).await.assert_status(200);
    undo(&app, 1)
        .await
        .assert_status(409)
        .assert_shows("later merge builds");
    undo(&app, 2).await.assert_status(200);
    undo(&app, 2)
        .await
        .assert_status(409)
        .assert_shows("undone already");
    app.clock.advance(31 * DAY);
    let owner = app.signed_in(Role::Owner).await;
    let page = owner.get(&format!("/customers/{ada}")).await;
    assert_eq!(page.count("form[action$='/undo']"), 0, "it is too late");
    let csrf = app.csrf(&owner);
    let page = owner
        .post("/customers/merges/1/undo", &[("csrf", &csrf)])
        .await;
    page.assert_status(409).assert_shows("30 days");
    assert_eq!(orders_of(&app, ada), 2);
}

async fn a_merge_in_the_store_takes_the_same_road(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let placed = app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    let first = app.order(&placed.name).facts.contact_id.expect("a contact");
    let kept = add(
        &app,
        somebody("Kept", "Stone", Some("kept@example.com"), None),
    );
    app.run_jobs().await;
    let stone = contact(&app, "Kept").id;
    let gone =
        app.read(|conn| counterfoil::shopify::customers::queries::list_of_contacts(conn, &[first]));
    let gone: u64 = gone[0].external_id.parse().expect("a number");
    assert!(app.practice.merge_customers(kept, gone));
    app.run_jobs().await;
    assert_eq!(app.order(&placed.name).facts.contact_id, Some(stone));
    let page = app.get(&format!("/customers/{first}")).await;
    assert_eq!(page.url.path(), format!("/customers/{stone}"));
    page.assert_shows("by the store")
        .assert_shows("deleted there");
    // It can be taken apart here, as any other.
    app.owner().submit(page.form("form[action$='/undo']")).await;
    assert_eq!(app.order(&placed.name).facts.contact_id, Some(first));
}

async fn two_who_look_alike_are_told_apart_for_good(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let home = |id: usize| json!([{ "id": id, "zip": "48104", "default": true }]);
    for id in [1, 2] {
        let id: usize = id;
        let body = json!({
            "first_name": "Ada", "last_name": "Stone", "email": format!("{id}@example.com"),
            "addresses": home(id), "default_address": { "zip": "48104" },
        });
        told(&app, id, body).await;
    }
    let page = app.get("/customers/duplicates?by=name").await;
    page.assert_shows("ada stone 48104");
    let form = page.form("form[action$='/apart']");
    let page = app.owner().submit(form).await;
    page.assert_shows("Two people")
        .assert_shows("Nobody is here twice");
    assert_eq!(everybody(&app).len(), 2);
}

async fn customers_are_found_by_how_words_begin(kind: Kind) {
    let app = TestApp::connected(kind).await;
    told(&app, 1, json!({ "first_name": "Zoë", "last_name": "Müller-Lüdenscheidt", "email": "zoe@example.com", "phone": "+49 30 123456" })).await;
    told(
        &app,
        2,
        json!({ "first_name": "=HYPERLINK(1)", "email": "bob@example.com" }),
    )
    .await;
    for found in ["zoe", "ZOE mull", "lüden", "zoe@", "+49 30 123456", "4930"] {
        let query: String = url::form_urlencoded::byte_serialize(found.as_bytes()).collect();
        let page = app.get(&format!("/customers?q={query}")).await;
        page.assert_shows("Zoë Müller-Lüdenscheidt")
            .assert_shows("1 customer");
    }
    let page = app.get("/customers?q=oe").await;
    page.assert_shows("No customers match");
    app.get("/customers?kind=company")
        .await
        .assert_shows("No customers match");
    let page = app.get("/palette?q=lüden").await;
    let record = page
        .links()
        .into_iter()
        .find(|link| link.starts_with("/customers/"));
    let record = record.expect("the record");
    app.get(&record).await.assert_shows("+49 30 123456");
    // Renamed, they are found by the new name alone.
    let renamed = json!({ "id": 1, "first_name": "Xenia", "last_name": "Ode", "updated_at": "2026-11-22T10:00:00Z" });
    deliver(&app, "customers/update", "r1", &renamed).await;
    app.run_jobs().await;
    app.get("/customers?q=xen").await.assert_shows("Xenia Ode");
    app.get("/customers?q=lüden")
        .await
        .assert_shows("No customers match");
    let file = app.get("/customers/export?q=").await;
    assert!(file.body.starts_with("id,first name,"), "{}", file.body);
    assert!(file.body.contains("'=HYPERLINK(1)"), "no cell is a formula");
    assert_eq!(file.body.lines().count(), 3);
}

async fn a_program_reads_and_merges_customers(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let (ada, twin) = twins(&app).await;
    let api = Program::of(&app);
    let (status, body) = api.get("/customers?email=ADA@example.com").await;
    assert_eq!(status, 200, "{body}");
    let id = body["data"][0]["id"].as_str().expect("an id").to_owned();
    let (_, body) = api.get(&format!("/customers/{id}")).await;
    assert_eq!(body["first_name"], "Ada");
    assert_eq!(body["spent"][0]["orders"], 1, "{body}");
    let other = app
        .read(|conn| contacts::find(conn, twin))
        .expect("a contact")
        .public_id;
    let path = format!("/customers/{id}/merge");
    let (status, body) = api.post(&path, json!({ "other": "nobody" })).await;
    assert_eq!(status, 422, "{body}");
    let (status, body) = api.post(&path, json!({ "other": other })).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["spent"][0]["orders"], 2, "{body}");
    assert_eq!(orders_of(&app, ada), 2);
    let (status, body) = api.post(&path, json!({ "other": other })).await;
    assert_eq!(status, 409, "{body}");
    // The other is told as this one; nobody is listed twice.
    let (_, body) = api.get(&format!("/customers/{other}")).await;
    assert_eq!(body["id"], id.as_str());
    let (_, body) = api.get("/customers").await;
    assert_eq!(body["data"].as_array().map(Vec::len), Some(1));
    let (status, _) = api.get("/customers/nobody").await;
    assert_eq!(status, 404);
}

async fn who_is_erased_is_gone_from_what_was_merged(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let (ada, twin) = twins(&app).await;
    merge(&app, ada, twin).await.assert_status(200);
    for (nth, (customer, orders)) in [(902, json!([])), (901, json!([7_001, 7_002]))]
        .into_iter()
        .enumerate()
    {
        let body = json!({
            "shop_id": 1, "shop_domain": SHOP, "customer": { "id": customer }, "orders_to_redact": orders,
        });
        deliver(&app, "customers/redact", &format!("e{nth}"), &body).await;
        app.run_jobs().await;
    }
    for (table, column) in [
        ("contacts", "email"),
        ("contacts", "note"),
        ("contact_terms", "term"),
        ("contact_merges", "before"),
        ("contact_merges", "after"),
        ("orders", "email"),
    ] {
        let left = count_where(
            &app,
            table,
            &format!("{column} LIKE '%ada@%' OR {column} LIKE '%Rings%'"),
        );
        assert_eq!(left, 0, "{table}.{column}");
    }
}

async fn the_orders_of_one_customer_come_by_pages(kind: Kind) {
    let app = TestApp::connected(kind).await;
    for nth in 0..60 {
        let body = order(8_000 + nth, 901, "ada@example.com", "Ada");
        deliver(&app, "orders/create", &format!("p{nth}"), &body).await;
    }
    app.run_jobs().await;
    let ada = contact(&app, "Ada").id;
    let sums = app.read(|conn| list::sums(conn, &[ada]));
    assert_eq!((sums.len(), sums[0].1.orders), (1, 60));
    let total = app.order("#8000").facts.current_total_minor;
    assert_eq!(sums[0].1.spent_minor, 60 * total);
    assert_eq!(sums[0].1.currency, app.order("#8000").facts.currency);
    let mut seen = 0;
    let mut path = format!("/customers/{ada}");
    loop {
        let page = app.get(&path).await;
        seen += page.count("table.table--rows tbody tr");
        if page.count("a[rel='next']") == 0 {
            break;
        }
        path = format!(
            "/customers/{ada}{}",
            page.attribute("a[rel='next']", "href")
        );
    }
    assert_eq!(seen, 60);
}

// What the stories share.

fn somebody(first: &str, last: &str, email: Option<&str>, phone: Option<&str>) -> NewCustomer {
    NewCustomer {
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        email: email.map(str::to_owned),
        phone: phone.map(str::to_owned),
        city: "Ann Arbor".to_owned(),
        zip: "48104".to_owned(),
        ..NewCustomer::default()
    }
}

fn add(app: &TestApp, new: NewCustomer) -> u64 {
    app.practice.add_customer(&new).expect("a customer")
}

async fn settle(app: &TestApp) {
    for _ in 0..8 {
        app.pass(Duration::from_secs(40)).await;
    }
}

/// Counts a store's customers, as a person does; gives the page of the result.
async fn count(app: &TestApp) -> Page {
    let page = app.get("/customers/import").await;
    let form = page.form("form[action$='/customers/import']");
    let page = app.owner().submit(form).await;
    settle(app).await;
    app.get(page.url.path()).await
}

async fn import(app: &TestApp, counted: &Page) -> Page {
    let form = counted.form("form[action$='/customers/import']");
    let page = app.owner().submit(form).await;
    settle(app).await;
    app.get(page.url.path()).await
}

/// Everybody in the house, the newest first.
fn everybody(app: &TestApp) -> Vec<ContactRow> {
    app.read(|conn| list::page(conn, &Wanted::default(), None, 1_000))
        .0
}

/// The one whose first name it is.
#[track_caller]
fn contact(app: &TestApp, first: &str) -> ContactRow {
    let mut found = everybody(app);
    found.retain(|one| one.first_name.as_deref() == Some(first));
    assert_eq!(found.len(), 1, "customers called {first}");
    found.remove(0)
}

/// The store tells of a customer.
async fn told(app: &TestApp, id: usize, mut body: Value) {
    body["id"] = json!(id);
    body["updated_at"] = json!("2026-11-21T10:00:00Z");
    deliver(app, "customers/create", &format!("t{id}"), &body).await;
    app.run_jobs().await;
}

fn order(id: u64, customer: u64, email: &str, first: &str) -> Value {
    let mut order = ada_order(id);
    order["customer"] = json!({
        "id": customer, "first_name": first, "last_name": "Lovelace", "email": email,
        "updated_at": "2026-11-21T09:00:00Z",
    });
    order["email"] = json!(email);
    order
}

/// Two customers with one phone number and an order each.
async fn twins(app: &TestApp) -> (ContactId, ContactId) {
    for (customer, first, email, note) in [
        (901, "Ada", "ada@example.com", ""),
        (902, "A.", "ada@work.example", "Rings twice"),
    ] {
        let body = json!({
            "first_name": first, "last_name": "Lovelace", "email": email, "phone": "+17345550199",
            "note": note,
        });
        told(app, customer, body).await;
    }
    for (id, customer, email, first) in [
        (7_001, 901, "ada@example.com", "Ada"),
        (7_002, 902, "ada@work.example", "A."),
    ] {
        deliver(
            app,
            "orders/create",
            &format!("o{id}"),
            &order(id, customer, email, first),
        )
        .await;
    }
    app.run_jobs().await;
    (contact(app, "Ada").id, contact(app, "A.").id)
}

#[derive(diesel::QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn count_where(app: &TestApp, table: &str, what: &str) -> i64 {
    let statement = format!("SELECT CAST(count(*) AS BIGINT) AS n FROM {table} WHERE {what}");
    let found: Vec<Counted> = app.read(|conn| {
        Ok(match conn {
            DbConnection::Sqlite(conn) => diesel::sql_query(&statement).load(conn)?,
            DbConnection::Postgres(conn) => diesel::sql_query(&statement).load(conn)?,
        })
    });
    found[0].n
}

fn orders_of(app: &TestApp, contact: ContactId) -> i64 {
    app.read(|conn| contacts::count_orders(conn, contact))
}

/// Merges by the form that the page would show.
async fn merge(app: &TestApp, kept: ContactId, gone: ContactId) -> Page {
    let (a, b) = (kept.to_string(), gone.to_string());
    let csrf = app.csrf(app.owner());
    let fields = [
        ("csrf", csrf.as_str()),
        ("a", &a),
        ("b", &b),
        ("account", "kept"),
        ("name", "kept"),
        ("email", "kept"),
        ("phone", "kept"),
        ("note", "gone"),
    ];
    app.owner().post("/customers/merge", &fields).await
}

async fn undo(app: &TestApp, merge: i64) -> Page {
    let csrf = app.csrf(app.owner());
    let path = format!("/customers/merges/{merge}/undo");
    app.owner().post(&path, &[("csrf", &csrf)]).await
}
