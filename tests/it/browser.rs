//! The screens in a real Chromium: the whole story, axe-core on every page, the content policy unbroken.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use counterfoil::erp::locations::{self, NewLocation};
use counterfoil::erp::orders::{self, WorkState};
use counterfoil::erp::users::roles::Role;
use counterfoil::practice::{OrderEdit, OrderKind};
use counterfoil::web::routes::{Access, table};
use serde_json::json;

use crate::support::app::{PASSWORD, SHOP, TestApp};
use crate::support::browser::{Browser, Look};
use crate::support::database::Kind;

const EMAIL: &str = "ada@example.com";
const DRIVER: &str = "dora@example.com";

/// The first day with Counterfoil: connect, make an item, map, ship, and find the number in the store.
#[actix_web::test]
async fn a_first_order_leaves_and_its_number_is_in_the_store() {
    let app = TestApp::start(Kind::Sqlite).await;
    let browser = sign_in(&app).await;
    browser
        .open(&format!("{}/integrations/shopify/new", app.url))
        .await;
    browser.fill("#f-shop", SHOP).await;
    browser.press("Go on").await;
    browser.press("Go to Shopify").await;
    browser.press("Install").await;
    browser.sees("is connected.").await;
    assert!(browser.url().await.starts_with(&app.url), "back at home");
    app.run_jobs().await;
    let placed = app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;

    let order = app.order(&placed.name).id;
    let lines = app.read(|conn| orders::queries::list_lines(conn, order));
    let sku = lines[0].facts.sku.clone().expect("a SKU");
    browser.open(&format!("{}/products/new", app.url)).await;
    browser.fill("#f-sku", &sku).await;
    browser.fill("#f-name", "Tea of the house").await;
    browser.press("Make item").await;
    browser.fill("#f-quantity", "20").await;
    browser.fill("#f-reason", "Counted").await;
    browser.press("Adjust stock").await;
    browser.sees("The stock is changed.").await;
    browser.open(&format!("{}/mappings?q={sku}", app.url)).await;
    browser.click("form[action$='/acceptance'] button").await;
    browser.sees("Accepted").await;

    browser.open(&format!("{}/orders", app.url)).await;
    browser.press(&placed.name).await;
    browser.choose("f-carrier", "UPS").await;
    browser.fill("#f-tracking", "1Z999AA10123456784").await;
    browser.click("#ship button[type=submit]").await;
    browser.sees("1Z999AA10123456784").await;
    app.run_jobs().await;
    assert_eq!(
        complaints_about(&browser, &app.url).await,
        Vec::<String>::new()
    );
    let store = format!("{}/practice/orders/{}", app.practice.url(), placed.id);
    browser.open(&store).await;
    browser.sees("1Z999AA10123456784").await;
}

/// A driver's day on the phone: set out, one delivered with a photo, one not home, a wrong tap taken back.
#[actix_web::test]
async fn a_driver_works_off_a_run_on_the_phone() {
    let app = TestApp::connected(Kind::Sqlite).await;
    app.add_items(0..usize::MAX);
    deliver_locally(&app).await;
    let placed = [(); 2].map(|()| app.practice.place_order(OrderKind::LocalDelivery));
    app.run_jobs().await;
    map_and_ship(&app).await;
    app.add_user(DRIVER, Role::Driver);
    let page = app.get("/deliveries").await;
    let all = page.form("form[action$='/assignments']");
    app.owner().submit(all).await.assert_status(200);

    let browser = sign_in_as(&app, DRIVER).await;
    browser.look(Look::ALL[2]).await;
    browser.sees("My run").await;
    browser.press("Set out with 1 stop").await;
    browser.sees("Out").await;
    browser.press("Note or photo").await;
    browser.fill("input[name=note]", "Left with Maya").await;
    let script = "const b = document.querySelectorAll('.stop .btn--big, .stop summary'); \
                  return Math.floor(Math.min(...[...b].map(it => it.getBoundingClientRect().height)))";
    let smallest = browser.run(script, &[]).await.as_i64().unwrap_or(0);
    assert!(smallest >= 40, "a thumb needs more than {smallest}");
    browser.press("Not home").await;
    browser.sees("Try again").await;
    browser.click("form[action*='/undo'] button").await;
    browser.sees("Taken back").await;
    browser.click(".stop__done .btn--primary").await;
    browser.sees("Done").await;
    app.run_jobs().await;
    let told = placed
        .iter()
        .map(|one| app.practice.fulfillments(one.id).len());
    assert_eq!(told.sum::<usize>(), 2, "one by post, one by the driver");
    assert_eq!(
        complaints_about(&browser, &app.url).await,
        Vec::<String>::new()
    );
}

/// The store drives its local orders itself.
async fn deliver_locally(app: &TestApp) {
    let page = app.get("/integrations/shopify/1/deliveries").await;
    let form = page.form("form[action$='/deliveries']");
    let form = form
        .fill("rule", "by_method")
        .fill("methods", "Local delivery");
    app.owner()
        .submit(form.fill("confirmed", "1"))
        .await
        .assert_status(200);
    app.run_jobs().await;
}

/// What failed is worked off by keys alone, and no key acts on a row that the cursor has left.
#[actix_web::test]
async fn failed_events_are_worked_off_by_keys() {
    let enter = "\u{E007}";
    let mut app = TestApp::connected(Kind::Sqlite).await;
    app.expect_dead();
    for name in ["first", "second"] {
        app.deliver_webhook("orders/create", name, b"{\"id\": 1")
            .await;
    }
    app.run_jobs().await;
    let browser = sign_in(&app).await;
    browser
        .open(&format!("{}/events?state=failed", app.url))
        .await;
    browser.sees("By reason").await;
    browser.keys("j").await;
    browser.keys(enter).await;
    browser.sees("Webhook id").await;
    let newest = browser.url().await;

    // The cursor goes on to the next row: R opens that one, and the one that stood open is not replayed.
    browser.keys("j").await;
    browser.keys("r").await;
    browser.sees("\nfirst\n").await;
    let oldest = browser.url().await;
    assert_ne!(newest, oldest);
    assert_eq!(app.get("/events?state=failed").await.count("a.row-link"), 2);
    browser.keys("r").await;
    browser.sees("Replayed.").await;
    app.run_jobs().await;

    browser.open(&newest).await;
    browser.keys("d").await;
    browser.keys("cut off").await;
    browser.keys(enter).await;
    browser.sees("it can be put back where it was").await;
    browser.keys("z").await;
    browser.sees("Taken back.").await;
    browser.press("Headers").await;
    browser.sees("api version").await;
    assert_eq!(
        complaints_about(&browser, &app.url).await,
        Vec::<String>::new()
    );
}

/// Desk and phone, light and dark: nothing that axe-core finds, nothing that breaks the content policy, nothing
/// wider than the screen. With `COUNTERFOIL_PICTURES=folder` it leaves pictures of them all (tests/pictures).
#[actix_web::test]
async fn every_page_is_sound_for_everybody() {
    let mut app = TestApp::connected(Kind::Sqlite).await;
    app.expect_dead();
    deliver_locally(&app).await;
    app.add_user(DRIVER, Role::Driver);
    app.practice.demo_orders(20);
    for _ in 0..3 {
        app.practice.place_order(OrderKind::LocalDelivery);
    }
    app.run_jobs().await;
    let page = app.get("/deliveries").await;
    let give = page.form("form[action$='/assignment']");
    app.owner().submit(give).await.assert_status(200);
    app.add_items(0..8);
    let shipped = map_and_ship(&app).await;
    edit_and_give_back(&app, shipped).await;
    choose_mappings(&app).await;
    app.add_items(8..10);
    app.deliver_webhook("orders/create", "broken", b"{").await;
    app.run_jobs().await;
    // The first pass, so that the Sync centre has days and runs to show.
    app.pass(Duration::from_secs(6 * 60)).await;
    open_goods(&app).await;
    name_a_lot(&app).await;
    let mut pages = pages_by_links(&app).await;
    pages.insert("/sign-in".to_owned(), format!("{}/sign-in", app.url));
    let store = app.practice.url();
    pages.insert("/practice".to_owned(), format!("{store}/"));

    let browser = sign_in(&app).await;
    let mut faults = Vec::new();
    for (name, url) in &pages {
        faults.extend(faults_of(&browser, name, url).await);
    }
    let shown = faults.len().min(80);
    let all = faults.len();
    assert!(all == 0, "{all} faults:\n{}", faults[..shown].join("\n"));
}

/// Some pieces of the first item lie in a lot, the others in none yet.
async fn name_a_lot(app: &TestApp) {
    let item = app.get("/products/1?tab=lots").await;
    let form = item.form("form[action$='/tracking']");
    let item = app.owner().submit(form.fill("tracking", "lot")).await;
    let form = item.form("form[action$='/lots']").fill("lot", "L-1");
    let named = app.owner().submit(form.fill("quantity", "3")).await;
    named.assert_status(200).assert_shows("L-1");
}

/// Accepts all exact matches and ships the first order that they made ready.
async fn map_and_ship(app: &TestApp) -> u64 {
    let links = app.get("/mappings").await.links();
    let acceptances = links
        .iter()
        .find(|it| it.starts_with("/mappings/acceptances"));
    let page = app.get(acceptances.expect("exact matches")).await;
    let form = page.form("form[action$='/mappings/acceptances']");
    app.owner().submit(form).await.assert_status(200);
    app.run_jobs().await;
    let orders = app.orders();
    let ready = orders
        .iter()
        .find(|order| order.work_state == WorkState::Ready);
    let ready = ready.expect("an order that is ready");
    let page = app.get(&format!("/orders/{}", ready.id)).await;
    let form = page.form("#ship").fill("tracking", "1Z1");
    app.owner()
        .submit(form.fill("carrier", "UPS"))
        .await
        .assert_shows("1Z1");
    app.run_jobs().await;
    ready.external_id.parse().expect("a number")
}

/// A receipt, a transfer and a count, each with a line.
async fn open_goods(app: &TestApp) {
    let annex = NewLocation {
        name: "Annex".to_owned(),
        ..NewLocation::default()
    };
    let made = app.db().write_here(|conn| locations::ensure(conn, &annex));
    let annex = made.expect("a location").to_string();
    let sku = app.get("/products").await.texts("tbody code").remove(0);
    for path in ["receipts", "transfers", "counts"] {
        let page = app.get(&format!("/{path}/new")).await;
        let form = page.form(&format!("form[action='/{path}']"));
        let form = if path == "transfers" {
            form.fill("other", &annex)
        } else {
            form
        };
        let page = app.owner().submit(form).await;
        let add = page.form("#add").fill("code", &sku);
        app.owner().submit(add).await.assert_status(200);
    }
}

/// What was shipped is edited afterwards, and something of it is given back.
async fn edit_and_give_back(app: &TestApp, there: u64) {
    assert!(app.practice.edit_order(there, &OrderEdit::AddLine));
    assert!(app.practice.give_back_shipped(there, true));
    app.run_jobs().await;
}

/// A file of mappings was chosen of which no line can be booked.
async fn choose_mappings(app: &TestApp) {
    let form = app.get("/mappings/imports/new?store=1").await;
    let form = form.form("form[enctype='multipart/form-data']");
    let file = b"variant id,kind,item sku\n1,one,NOBODY\n,one,NOBODY\n";
    let shown = app.owner().upload(form, "file", "mappings.csv", file).await;
    shown.assert_status(200).assert_shows("Refused lines");
}

/// What the browser complained about at one address; the store has no favourites icon.
async fn complaints_about(browser: &Browser, url: &str) -> Vec<String> {
    let mut all = browser.complaints().await;
    all.retain(|it| it.contains(url));
    all
}

async fn sign_in(app: &TestApp) -> Browser {
    app.add_user(EMAIL, Role::Owner);
    sign_in_as(app, EMAIL).await
}

async fn sign_in_as(app: &TestApp, email: &str) -> Browser {
    let browser = Browser::start().await;
    browser.open(&format!("{}/sign-in", app.url)).await;
    browser.fill("#f-email", email).await;
    browser.fill("#f-password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.sees("Sign out").await;
    browser
}

/// One address for each page of the route table, found as a person finds it: by links from the first page.
async fn pages_by_links(app: &TestApp) -> BTreeMap<String, String> {
    let mut wanted: BTreeSet<&str> = table()
        .iter()
        .filter(|route| route.method.as_str() == "GET" && is_page(route.path))
        .filter(|route| matches!(route.access, Access::SignedIn | Access::May(_)))
        .map(|route| route.path)
        .collect();
    let mut found = BTreeMap::new();
    let mut seen = BTreeSet::new();
    // A list that somebody narrowed by its form can be kept as a view.
    let narrowed = "/orders?view=all&payment=paid".to_owned();
    let mut waiting = vec!["/".to_owned(), "/orders".to_owned(), narrowed];
    while let (Some(path), false) = (waiting.pop(), wanted.is_empty()) {
        let page = app.get(&path).await;
        assert!(!page.status.is_server_error(), "{path}: {}", page.text());
        let bare = path.split('?').next().unwrap_or_default();
        if page.status.is_success()
            && page.url.path() == bare
            && let Some(route) = wanted.iter().copied().find(|route| fits(route, bare))
        {
            wanted.remove(route);
            found.insert(route.to_owned(), page.url.to_string());
        }
        // Whatever may lead to a page not yet seen comes first.
        let new = page
            .links()
            .into_iter()
            .filter(|link| seen.insert(link.clone()));
        let (good, rest): (Vec<_>, Vec<_>) = new.filter(|link| is_page(link)).partition(|link| {
            wanted
                .iter()
                .any(|route| fits(route, link.split('?').next().unwrap_or_default()))
        });
        waiting.splice(0..0, rest);
        waiting.extend(good);
    }
    assert!(wanted.is_empty(), "no link leads to {wanted:?}");
    found
}

/// Whether people look at it: not a program's answer, not a redirect, not a part of a page, not a file to keep.
fn is_page(path: &str) -> bool {
    let other = [
        "/api/",
        "/static/",
        "/img/",
        "/live/",
        "/integrations/shopify/start",
    ];
    !other.iter().any(|start| path.starts_with(start))
        && !path.ends_with("/export")
        && !path.ends_with("/report")
        && !path.ends_with("/refused")
        && !path.contains("/photos/")
}

/// Whether a path is one of a route's: `/orders/7` of `/orders/{id}`.
fn fits(route: &str, path: &str) -> bool {
    let (mut ours, mut theirs) = (route.split('/'), path.split('/'));
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b => {}
            (Some("{direction}"), Some("incoming" | "outgoing")) => {}
            // A number, so that `/products/new` is not the page of an item.
            (Some(a), Some(b))
                if a.starts_with('{') && b.starts_with(|c: char| c.is_ascii_digit()) => {}
            _ => return false,
        }
    }
}

async fn faults_of(browser: &Browser, name: &str, url: &str) -> Vec<String> {
    browser.look(Look::ALL[0]).await;
    browser.open(url).await;
    let mut faults = Vec::new();
    for look in Look::ALL {
        browser.look(look).await;
        let at = format!("{name} {}", look.name());
        faults.extend(
            browser
                .axe()
                .await
                .into_iter()
                .map(|fault| format!("{at}: {fault}")),
        );
        let script = "return document.documentElement.scrollWidth - innerWidth";
        let too_wide = browser.run(script, &[]).await.as_i64().unwrap_or(0);
        if too_wide > 0 {
            faults.push(format!("{at}: {too_wide} pixels wider than the screen"));
        }
        if let Some(folder) = std::env::var_os("COUNTERFOIL_PICTURES") {
            let file = format!(
                "{}-{}.png",
                name.trim_matches('/').replace(['/', '{', '}'], "_"),
                look.name()
            );
            browser.picture(&PathBuf::from(folder).join(file)).await;
        }
    }
    let origin = url.split('/').take(3).collect::<Vec<_>>().join("/");
    let mut complaints = complaints_about(browser, &origin).await;
    complaints.retain(|it| !it.contains("/favicon.ico"));
    faults.extend(complaints.into_iter().map(|it| format!("{name}: {it}")));
    faults
}

/// A check that cannot fail checks nothing: this page has a picture without words and a script that breaks.
#[actix_web::test]
async fn the_browser_notices_what_is_wrong_with_a_page() {
    let browser = Browser::start().await;
    browser
        .open("data:text/html,<title>t</title><h1>Hello</h1><img src='x.png'><script>nothing()</script>")
        .await;
    browser.sees("Hello").await;
    let faults = browser.axe().await;
    let found = |faults: &[String], word: &str| faults.iter().any(|it| it.contains(word));
    assert!(found(&faults, "image-alt"), "{faults:?}");
    let complaints = browser.complaints().await;
    assert!(
        found(&complaints, "nothing is not defined"),
        "{complaints:?}"
    );
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[actix_web::test]
async fn a_page_can_be_looked_at_by_night_and_on_a_phone() {
    let browser = Browser::start().await;
    browser
        .open("data:text/html,<meta name=viewport content=width=device-width><h1>Hello</h1>")
        .await;
    for look in Look::ALL {
        browser.look(look).await;
        let script = "return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]";
        let seen = browser.run(script, &[]).await;
        assert_eq!(seen, json!([look.width, look.dark]), "{}", look.name());
    }
    let file = std::env::temp_dir().join(format!("counterfoil-{}.png", std::process::id()));
    browser.picture(&file).await;
    let png = std::fs::read(&file).expect("a picture");
    std::fs::remove_file(&file).expect("it can be removed");
    assert!(png.starts_with(b"\x89PNG"));
}

#[actix_web::test]
async fn the_browser_types_and_presses() {
    let browser = Browser::start().await;
    browser
        .open(
            "data:text/html,<title>t</title><input id=name value=old>\
             <button onclick=\"document.title=document.getElementById('name').value\">Save</button>",
        )
        .await;
    browser.fill("#name", "new").await;
    browser.press("Save").await;
    assert_eq!(
        browser.run("return document.title", &[]).await,
        json!("new")
    );
    browser.click("#name").await;
    browser.keys("er").await;
    browser.press("Save").await;
    assert_eq!(
        browser.run("return document.title", &[]).await,
        json!("newer")
    );
    assert!(browser.url().await.starts_with("data:"));
}
