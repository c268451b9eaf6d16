//! One's own account: what is saved shows at once, and what is wrong is said beside its field.

use counterfoil::erp::users::roles::Role;

use crate::support::app::{PASSWORD, TestApp};
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::Page;

both_databases!(
    a_saved_account_changes_every_page,
    a_time_zone_that_does_not_exist_is_said_beside_its_field,
    a_password_that_cannot_be_changed_says_why_beside_its_field,
    a_new_password_signs_other_browsers_out,
    the_keys_are_listed_on_a_page_of_their_own,
);

async fn a_saved_account_changes_every_page(kind: Kind) {
    let app = TestApp::start(kind).await;
    let page = app.get("/account").await;
    assert_eq!(page.count("body[data-keys-on]"), 1);
    let saved = app
        .owner()
        .post(
            "/account",
            &[
                ("csrf", &app.csrf(app.owner())),
                ("name", "Mara Olsen"),
                ("time_zone", "Europe/Oslo"),
                ("theme", "dark"),
                ("density", "roomy"),
                // A box without its tick is not sent: single keys off.
            ],
        )
        .await;
    saved.assert_status(200).assert_shows("Account saved.");
    let form = saved.form("form[action$='/account']");
    assert_eq!(form.value("name"), Some("Mara Olsen"));
    assert_eq!(form.value("time_zone"), Some("Europe/Oslo"));
    assert_eq!(form.value("theme"), Some("dark"));
    assert_eq!(form.value("density"), Some("roomy"));
    assert_eq!(form.value("keys_on"), None);
    let page = app.get("/settings/audit").await;
    page.assert_shows("Mara Olsen")
        .assert_shows("Times in Europe/Oslo");
    let looks = "html[data-theme='dark'][data-density='roomy']";
    assert_eq!(page.count(looks), 1);
    assert_eq!(page.count("body[data-keys-on]"), 0);
    let form = form.fill("keys_on", "on").fill("theme", "system");
    let page = app.owner().submit(form).await;
    assert_eq!(page.count("body[data-keys-on]"), 1);
    assert_eq!(page.count("html[data-theme]"), 0);
}

async fn a_time_zone_that_does_not_exist_is_said_beside_its_field(kind: Kind) {
    let app = TestApp::start(kind).await;
    let form = app.get("/account").await.form("form[action$='/account']");
    let form = form.fill("name", " ").fill("time_zone", "Europe/Atlantis");
    let page = app.owner().submit(form).await;
    page.assert_status(422).assert_shows("2 things to fix");
    assert_eq!(page.texts("#e-name"), ["Enter your name."]);
    assert_eq!(page.count("#e-time_zone"), 1);
    let form = page.form("form[action$='/account']");
    assert_eq!(form.value("time_zone"), Some("Europe/Atlantis"));
    let kept = app.get("/account").await.form("form[action$='/account']");
    assert_eq!(kept.value("time_zone"), Some("UTC"));
}

async fn a_password_that_cannot_be_changed_says_why_beside_its_field(kind: Kind) {
    let app = TestApp::start(kind).await;
    let refused = change(&app, "not my password", "another good password").await;
    assert_eq!(
        refused.texts("#e-present"),
        ["This is not your present password."]
    );
    let refused = change(&app, PASSWORD, "short").await;
    assert_eq!(
        refused.texts("#e-new"),
        ["Enter a password of 12 to 256 characters."]
    );
    refused.assert_shows("One thing to fix");
    let form = refused.form("form[action$='/account/password']");
    assert_eq!(form.value("present"), Some(""), "a password is not shown");
    assert_eq!(form.value("new"), Some(""));
    let form = refused.form("form[action$='/account']");
    assert_eq!(form.value("name"), Some("The owner"));
}

async fn a_new_password_signs_other_browsers_out(kind: Kind) {
    let app = TestApp::start(kind).await;
    app.add_user("mara@example.com", Role::Owner);
    let browsers = [app.stranger(), app.stranger()];
    for browser in &browsers {
        let form = browser
            .get("/sign-in")
            .await
            .form("form[action$='/sign-in']");
        let form = form.fill("email", "mara@example.com");
        browser.submit(form.fill("password", PASSWORD)).await;
    }
    let page = browsers[0].get("/account").await;
    let form = page.form("form[action$='/account/password']");
    let form = form.fill("present", PASSWORD);
    let page = browsers[0]
        .submit(form.fill("new", "another good password"))
        .await;
    page.assert_status(200).assert_shows("mara@example.com");
    let page = browsers[1].get("/account").await;
    page.assert_shows("Sign in");
}

async fn the_keys_are_listed_on_a_page_of_their_own(kind: Kind) {
    let app = TestApp::start(kind).await;
    let account = app.get("/account").await;
    let page = app.get(&account.link("All keys")).await;
    page.assert_status(200);
    let listed = page.texts("main .table tbody tr");
    assert_eq!(
        listed,
        page.texts("#keys .table tbody tr"),
        "as in the sheet"
    );
    assert!(listed.iter().any(|row| row.ends_with("Ship")), "{listed:?}");
    let driver = app.signed_in(Role::Driver).await;
    let listed = driver.get("/keys").await.texts("main .table tbody tr");
    assert!(
        !listed.iter().any(|row| row.ends_with("People")),
        "{listed:?}"
    );
}

async fn change(app: &TestApp, present: &str, new: &str) -> Page {
    let page = app.get("/account").await;
    let form = page.form("form[action$='/account/password']");
    let form = form.fill("present", present).fill("new", new);
    let page = app.owner().submit(form).await;
    page.assert_status(422);
    page
}
