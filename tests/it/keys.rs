//! A new key for the stored secrets: what is sealed anew, who is in the way, and what a kill leaves behind.

use std::path::Path;
use std::process::{Command, Output};

use actix_web::cookie::Cookie;
use actix_web::{App, test};
use counterfoil::app::Counterfoil;
use counterfoil::commands::{self, CommandError};
use counterfoil::config::Config;
use counterfoil::platform::db::DbError;
use counterfoil::platform::queue::queries as queue;
use counterfoil::platform::secrets::{Keyring, key_file, new_key};
use counterfoil::shopify::connect::{self, Way};
use counterfoil::shopify::graphql::{Shop as ShopQuery, shop as shop_query};
use counterfoil::shopify::shops::{self, Shop, ShopError};
use counterfoil::shopify::{Connector, Haste};
use tempfile::TempDir;

use crate::support::app::{SHOP, TestApp};
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    a_key_of_the_settings_is_changed_in_two_runs,
    a_key_file_is_changed_in_one_run_and_people_stay_signed_in,
    nothing_is_sealed_while_somebody_works_with_the_old_key,
    a_kill_before_the_commit_leaves_everything_readable,
    a_kill_after_the_commit_leaves_everything_readable,
    a_secret_that_no_key_opens_stops_the_change,
);

async fn a_key_of_the_settings_is_changed_in_two_runs(kind: Kind) {
    let app = stopped(kind).await;
    let cx = &app.counterfoil.connector;
    let credentials = cx.config.app().expect("an app");
    let way = Way::ClientCredentials(credentials);
    let connected = connect::connect(cx, &shop(&app).domain, way, None).await;
    connected.expect("connected with a client secret of its own");
    app.run_jobs().await;
    let data = folder();
    let old = config(&app, &data, Some(&old_key()), None);
    let printed = run(&old);
    assert!(printed.status.success());
    let printed = String::from_utf8(printed.stdout).expect("text");
    let new = printed.strip_suffix('\n').expect("one line");
    assert!(Keyring::from_hex(new).is_ok(), "{new}");
    assert!(check(&app, &old).is_ok(), "nothing is changed yet");

    let both = config(&app, &data, Some(new), Some(&old_key()));
    check(&app, &both).expect("both keys are at hand");
    commands::keys::rotate(&both, &app.clock).expect("sealed");
    check(&app, &config(&app, &data, Some(new), None)).expect("the new key opens all");
    let said = check(&app, &old).expect_err("the old one opens nothing");
    assert!(said.to_string().contains(SHOP), "{said}");
    let keyring = Keyring::from_hex(new).expect("a key");
    assert_eq!(name_of_store(&app, keyring).await, SHOP);
}

async fn a_key_file_is_changed_in_one_run_and_people_stay_signed_in(kind: Kind) {
    let app = stopped(kind).await;
    let data = folder();
    let with_file = sealed_by_file(&app, &data);
    let old = keys(&data);
    commands::keys::rotate(&with_file, &app.clock).expect("sealed");
    let new = keys(&data);
    assert_eq!(new.len(), 1);
    assert_ne!(new, old);
    check(&app, &with_file).expect("the file's key opens all");
    assert!(check(&app, &config(&app, &data, Some(&old[0]), None)).is_err());

    let counterfoil = Counterfoil::start(with_file, app.clock.clone()).await;
    let counterfoil = counterfoil.expect("Counterfoil starts with the new key");
    let site = App::new().configure(|services| counterfoil.mount(services));
    let site = test::init_service(site).await;
    let session = app.owner().cookie("counterfoil-session");
    let cookie = Cookie::new("counterfoil-session", session.expect("signed in"));
    let asked = test::TestRequest::get().uri("/account").cookie(cookie);
    let answer = test::call_service(&site, asked.to_request()).await;
    assert_eq!(answer.status(), 200, "still signed in");
}

async fn nothing_is_sealed_while_somebody_works_with_the_old_key(kind: Kind) {
    let app = connected(kind).await;
    let mut config = app.counterfoil.config.clone();
    config.key = Some(new_key().expect("a key").into());
    config.key_previous = Some(old_key().into());
    let said = commands::keys::rotate(&config, &app.clock).expect_err("refused");
    let said = said.to_string();
    assert!(
        said.contains("another Counterfoil already works") || said.contains("stop every"),
        "{said}"
    );
    check(&app, &app.counterfoil.config).expect("the old key opens all");
}

async fn a_kill_before_the_commit_leaves_everything_readable(kind: Kind) {
    let app = stopped(kind).await;
    let data = folder();
    let with_file = sealed_by_file(&app, &data);
    let (shop, old) = (shop(&app).id, keys(&data));
    let killed = app.db().write_here(|conn| -> Result<(), DbError> {
        // The command waits for this transaction, and never gets its turn.
        shops::set_notify_default(conn, shop, false)?;
        let mut rotating = command(&with_file).spawn().expect("the program starts");
        while keys(&data) == old {
            let ended = rotating.try_wait().expect("a child");
            assert!(ended.is_none(), "ended without writing the key: {ended:?}");
            std::thread::yield_now();
        }
        rotating.kill().expect("killed");
        let status = rotating.wait().expect("its end");
        assert!(!status.success());
        Ok(())
    });
    killed.expect("the transaction");
    check(&app, &with_file).expect("the old key is still there");
    commands::keys::rotate(&with_file, &app.clock).expect("done the second time");
    assert_eq!(keys(&data).len(), 1);
    check(&app, &with_file).expect("the new key opens all");
}

async fn a_kill_after_the_commit_leaves_everything_readable(kind: Kind) {
    let app = stopped(kind).await;
    let data = folder();
    let with_file = sealed_by_file(&app, &data);
    let keyring = key_file::begin_rotation(&key_path(&data)).expect("begun");
    let sealed = app
        .db()
        .write_here(|conn| shops::seal_anew(conn, &keyring))
        .expect("sealed");
    assert_eq!(sealed, 3, "access token, refresh token, notification key");
    check(&app, &with_file).expect("the new key is there already");
    commands::keys::rotate(&with_file, &app.clock).expect("done the second time");
    check(&app, &with_file).expect("the newest key opens all");
}

async fn a_secret_that_no_key_opens_stops_the_change(kind: Kind) {
    let app = stopped(kind).await;
    let data = folder();
    let foreign = config(&app, &data, None, None);
    let said = commands::keys::rotate(&foreign, &app.clock).expect_err("refused");
    assert!(said.to_string().contains(SHOP), "{said}");
    assert_eq!(keys(&data).len(), 1, "no rotation was begun");
    check(&app, &app.counterfoil.config).expect("the old key opens all");
}

/// Connected, with a notification key of the store's own.
async fn connected(kind: Kind) -> TestApp {
    let app = TestApp::connected(kind).await;
    let shop = shop(&app).id;
    let page = app
        .get(&format!("/integrations/shopify/{shop}/settings"))
        .await;
    let form = page.form("form[action$='/settings']");
    app.owner()
        .submit(form.fill("notification_key", "a key of the store's own"))
        .await
        .assert_status(200);
    app
}

/// As if its processes were stopped, for a command that has another data folder.
async fn stopped(kind: Kind) -> TestApp {
    let app = connected(kind).await;
    let host = &app.read(|conn| queue::list_workers_seen(conn, counterfoil::types::At(0)))[0].0;
    app.db()
        .write_here(|conn| -> Result<(), DbError> {
            for (boot, _pid) in queue::list_workers(conn, host)? {
                queue::delete_worker(conn, &boot)?;
            }
            Ok(())
        })
        .expect("nobody works");
    app
}

/// Moves the secrets from the key of the settings to a key file.
fn sealed_by_file(app: &TestApp, data: &TempDir) -> Config {
    let moving = config(app, data, None, Some(&old_key()));
    commands::keys::rotate(&moving, &app.clock).expect("sealed");
    let with_file = config(app, data, None, None);
    check(app, &with_file).expect("the file's key opens all");
    with_file
}

fn check(app: &TestApp, config: &Config) -> Result<(), CommandError> {
    commands::keys::check(app.db(), config).map(drop)
}

fn config(app: &TestApp, data: &TempDir, key: Option<&str>, previous: Option<&str>) -> Config {
    Config {
        data: data.path().to_owned(),
        key: key.map(|key| key.to_owned().into()),
        key_previous: previous.map(|key| key.to_owned().into()),
        ..app.counterfoil.config.clone()
    }
}

fn command(config: &Config) -> Command {
    use secrecy::ExposeSecret;
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
    command
        .args(["keys", "rotate"])
        .current_dir(&config.data)
        .env("COUNTERFOIL_DATA", &config.data)
        .env("DATABASE_URL", &config.database_url)
        .env_remove("COUNTERFOIL_KEY")
        .env_remove("COUNTERFOIL_KEY_PREVIOUS");
    if let Some(key) = &config.key {
        command.env("COUNTERFOIL_KEY", key.expose_secret());
    }
    command
}

fn run(config: &Config) -> Output {
    command(config).output().expect("the program runs")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a data folder")
}

fn key_path(data: &TempDir) -> std::path::PathBuf {
    Path::new(data.path()).join("counterfoil.key")
}

fn keys(data: &TempDir) -> Vec<String> {
    let text = std::fs::read_to_string(key_path(data)).expect("a key file");
    text.lines().map(str::to_owned).collect()
}

/// The key that the app of the tests is started with.
fn old_key() -> String {
    "07".repeat(32)
}

/// Asks the store for its name, with the stored token.
async fn name_of_store(app: &TestApp, keyring: Keyring) -> String {
    let config = app.counterfoil.config.shopify.clone();
    let cx = Connector::new(config, app.db().clone(), app.clock.clone(), keyring);
    let cx = cx.expect("a connector");
    let variables = shop_query::Variables {};
    let answer = cx.call::<ShopQuery>(shop(app).id, Haste::Now, variables);
    answer.await.expect("an answer").data.shop.myshopify_domain
}

fn shop(app: &TestApp) -> Shop {
    let shops = app
        .db()
        .read_here(|conn| shops::list(conn).map_err(ShopError::from));
    shops.expect("stores").remove(0)
}
