//! The first run: whoever can read the program's log makes the owner's account, once.

use std::time::Duration;

use counterfoil::web::setup;

use crate::support::app::{PASSWORD, TestApp};
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::{Page, Visitor};

both_databases!(
    the_first_owner_needs_the_code_of_the_log,
    a_code_is_good_for_a_day_and_until_the_next_start,
);

async fn the_first_owner_needs_the_code_of_the_log(kind: Kind) {
    let app = TestApp::empty(kind).await;
    let code = start(&app).await.expect("an empty house");
    let mara = app.stranger();
    mara.get("/setup").await.assert_status(200);
    let refused = fill_in(&mara, "0123456789abcdef", PASSWORD).await;
    refused
        .assert_status(422)
        .assert_shows("not the code of the last start");
    // What was typed is still there.
    let again = refused.form("form").fill("code", &code);
    let weak = mara.submit(again.fill("password", "short")).await;
    weak.assert_status(422).assert_shows("12 to 256 characters");
    let again = weak.form("form").fill("password", PASSWORD);
    let landed = mara.submit(again).await;
    landed
        .assert_status(200)
        .assert_shows("No store is connected");
    assert_eq!(landed.url.path(), "/integrations");
    // Nobody gets in after the first.
    assert_eq!(start(&app).await, None);
    let late = app.stranger().get("/setup").await;
    assert_eq!(late.url.path(), "/sign-in");
}

async fn a_code_is_good_for_a_day_and_until_the_next_start(kind: Kind) {
    let app = TestApp::empty(kind).await;
    let first = start(&app).await.expect("an empty house");
    app.clock.advance(Duration::from_secs(25 * 3600));
    let mara = app.stranger();
    let refused = fill_in(&mara, &first, PASSWORD).await;
    refused.assert_status(422).assert_shows("older than a day");
    let second = start(&app).await.expect("still empty");
    let refused = fill_in(&mara, &first, PASSWORD).await;
    refused
        .assert_status(422)
        .assert_shows("not the code of the last start");
    let landed = fill_in(&mara, &second, PASSWORD).await;
    assert_eq!(landed.url.path(), "/integrations");
}

/// What a start prints into the log, while there are no accounts.
async fn start(app: &TestApp) -> Option<String> {
    let code = setup::open(app.db(), app.clock.now()).await;
    code.expect("the database answers")
}

async fn fill_in(visitor: &Visitor, code: &str, password: &str) -> Page {
    let page = visitor.get("/setup").await;
    let form = page
        .form("form")
        .fill("code", code)
        .fill("name", "Mara Olsen")
        .fill("email", "mara@example.com")
        .fill("password", password)
        .fill("company", "Fernwood Tea")
        .fill("time_zone", "America/Los_Angeles")
        .fill("location", "Portland");
    visitor.submit(form).await
}
