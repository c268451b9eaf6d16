//! `demo`: the server and the practice store together, connected as a person would connect them.
//!
//! Every step looks whether it is done already, so that a second `demo`, also after a crash, goes on
//! where the first one was.
mod browser;
mod goods;

use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{CommandError, listen};
use crate::app::Counterfoil;
use crate::config::Config;
use crate::erp::deliveries::rule::{self, Rule, Which};
use crate::erp::orders;
use crate::erp::users::roles::Role;
use crate::erp::users::{self, NewUser, UserError};
use crate::platform::clock::Clock;
use crate::platform::db::DbError;
use crate::platform::secrets::random_hex;
use crate::practice::{self, OrderKind, Practice};
use crate::shopify::shops;
use crate::shopify::shops::ShopState;
use browser::Browser;

const STORE: &str = "practice-store.myshopify.com";
const OWNER: &str = "owner@example.com";
/// Signs in on a phone, with the owner's password.
const DRIVER: &str = "driver@example.com";
const ORDERS: usize = 60;
/// The last of them are driven by the store itself.
const LOCAL_ORDERS: usize = 5;
const LOCAL_DELIVERY: &str = "Local delivery";
/// The practice store's own app; a real one is never made of these.
const CLIENT_ID: &str = "practice-app";
const CLIENT_SECRET: &str = "practice-app-secret";
/// A step of the first start that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The practice store beside the given settings.
///
/// # Errors
///
/// A data folder that cannot be made.
pub fn store_config(config: &Config) -> Result<practice::Config, CommandError> {
    std::fs::create_dir_all(&config.data)?;
    Ok(practice::Config {
        bind: config.practice_bind.clone(),
        data_dir: Some(config.data.clone()),
        shop_domain: STORE.to_owned(),
        client_id: client_id(config),
        client_secret: client_secret(config),
        redirect_prefixes: Vec::new(),
        token_lifetime_secs: 3600,
        seed: true,
    })
}

/// `demo`.
///
/// # Errors
///
/// What keeps either server from starting; a step of the first start that failed.
pub async fn run(mut config: Config) -> Result<(), CommandError> {
    let store = Practice::start(store_config(&config)?, Clock::System).await?;
    store.add_pictures();
    config.shopify.client_id = Some(client_id(&config));
    config.shopify.client_secret = Some(client_secret(&config));
    config.shopify.admin_url = store.url();
    let counterfoil = Counterfoil::start(config, Clock::System).await?;
    counterfoil.preparing.0.store(true, Ordering::SeqCst);
    let server = listen(&counterfoil)?;
    let serving = actix_web::rt::spawn(server);
    counterfoil.work();
    let is_new = set_up(&counterfoil, &store).await?;
    counterfoil.preparing.0.store(false, Ordering::SeqCst);
    say(&counterfoil, &store, is_new)?;
    serving
        .await
        .map_err(|error| CommandError::Told(error.to_string()))??;
    Ok(())
}

/// Does what is not done yet; whether the owner was made just now.
async fn set_up(counterfoil: &Counterfoil, store: &Practice) -> Result<bool, CommandError> {
    if is_connected(counterfoil).await? {
        deliver_locally(counterfoil).await?;
        place_orders(counterfoil, store).await?;
        return Ok(false);
    }
    goods::stock_up(counterfoil).await?;
    // A first start that broke off has an owner whose password nobody read: it gets a new one.
    let password: SecretString = random_password()?;
    make_owner(counterfoil, password.clone()).await?;
    // Said at once: whatever dies from here on, somebody has read it.
    writeln!(
        std::io::stdout(),
        "\n  Sign in as       {OWNER}, or on a phone as {DRIVER}\n  Password         {}   (shown once)",
        password.expose_secret()
    )?;
    std::io::stdout().flush()?;
    connect(counterfoil, &password).await?;
    goods::wait_for_import(counterfoil, PATIENCE).await?;
    goods::map_equal_skus(counterfoil).await?;
    deliver_locally(counterfoil).await?;
    place_orders(counterfoil, store).await?;
    Ok(true)
}

async fn is_connected(counterfoil: &Counterfoil) -> Result<bool, CommandError> {
    let shops = counterfoil.db.read(shops::list).await?;
    Ok(shops
        .iter()
        .any(|shop| shop.domain.as_str() == STORE && shop.state == ShopState::Active))
}

async fn make_owner(counterfoil: &Counterfoil, password: SecretString) -> Result<(), CommandError> {
    let now = counterfoil.clock.now();
    let password_hash = users::hash_password(password.expose_secret())?;
    counterfoil
        .db
        .write(move |conn| -> Result<(), UserError> {
            for (email, name, role) in [
                (OWNER, "Mara Olsen", Role::Owner),
                (DRIVER, "Dora Lindt", Role::Driver),
            ] {
                if users::queries::set_password(conn, email, &password_hash)? {
                    continue;
                }
                let person = NewUser {
                    email: email.to_owned(),
                    name: name.to_owned(),
                    role,
                    password_hash: password_hash.clone(),
                    time_zone: "America/Los_Angeles".to_owned(),
                };
                users::add(conn, &person, now)?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

/// Connects over HTTP, page by page, as a person in a browser.
async fn connect(counterfoil: &Counterfoil, password: &SecretString) -> Result<(), CommandError> {
    let base = &counterfoil.config.public_url;
    let mut browser = Browser::new()?;
    browser
        .open(&format!("{base}/sign-in?next=/integrations/shopify/new"))
        .await?;
    browser
        .submit(
            "/sign-in",
            &[("email", OWNER), ("password", password.expose_secret())],
        )
        .await?;
    browser
        .submit("/integrations/shopify", &[("shop", STORE)])
        .await?;
    browser.follow("/integrations/shopify/start").await?;
    browser.submit("/admin/oauth/authorize", &[]).await?;
    if is_connected(counterfoil).await? {
        return Ok(());
    }
    Err(CommandError::Told(format!(
        "the practice store could not be connected; the last page was {}",
        browser.address()
    )))
}

/// The store drives some of its orders itself; said once, whoever changes it later.
async fn deliver_locally(counterfoil: &Counterfoil) -> Result<(), CommandError> {
    let now = counterfoil.clock.now();
    counterfoil
        .db
        .write(move |conn| -> Result<(), DbError> {
            let owner = users::queries::find_by_email(conn, OWNER)?;
            let shop = shops::list(conn)?.into_iter().next();
            let (Some(owner), Some(shop)) = (owner, shop) else {
                return Ok(());
            };
            if orders::queries::count(conn)? == 0 {
                let rule = Rule {
                    which: Which::ByMethod,
                    methods: vec![LOCAL_DELIVERY.to_owned()],
                };
                let subject = format!("store/{}", shop.id);
                rule::change(conn, shop.channel, &rule, (owner.id, &subject), now)?;
            }
            Ok(())
        })
        .await?;
    counterfoil.connector.directory.forget();
    Ok(())
}

/// Has the practice store take orders: only once, and only as many as it has not taken yet.
async fn place_orders(counterfoil: &Counterfoil, store: &Practice) -> Result<(), CommandError> {
    let taken = store.order_count();
    if taken < ORDERS {
        tracing::info!("{} orders are coming in", ORDERS - taken);
        store.demo_orders((ORDERS - LOCAL_ORDERS).saturating_sub(taken));
        for _ in store.order_count()..ORDERS {
            store.place_order(OrderKind::LocalDelivery);
        }
    }
    goods::wait_for_orders(counterfoil, i64::try_from(ORDERS).unwrap_or(0), PATIENCE).await
}

fn say(counterfoil: &Counterfoil, store: &Practice, is_new: bool) -> Result<(), CommandError> {
    let config = &counterfoil.config;
    let mut out = std::io::stdout();
    writeln!(out)?;
    writeln!(out, "  Counterfoil      {}", config.public_url)?;
    writeln!(out, "  Practice store   {}", store.url())?;
    if !is_new {
        writeln!(
            out,
            "  Sign in as       {OWNER} with the password of the first start (delete {} to start afresh)",
            config.data.display()
        )?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "  The other commands work on the same data with\n  COUNTERFOIL_DATA={} SHOPIFY_CLIENT_ID={} SHOPIFY_CLIENT_SECRET={} SHOPIFY_ADMIN_URL={}",
        config.data.display(),
        client_id(config),
        client_secret(config).expose_secret(),
        store.url()
    )?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

fn random_password() -> Result<SecretString, CommandError> {
    let digits = random_hex(8).map_err(|error| CommandError::Told(error.to_string()))?;
    Ok(digits.into())
}

fn client_id(config: &Config) -> String {
    let id = config.shopify.client_id.clone();
    id.unwrap_or_else(|| CLIENT_ID.to_owned())
}

fn client_secret(config: &Config) -> SecretString {
    let secret = config.shopify.client_secret.clone();
    secret.unwrap_or_else(|| CLIENT_SECRET.into())
}
