//! What the program's commands do.
pub mod demo;
pub mod keys;

use std::io::{BufRead, Write};
use std::time::Duration;

use actix_web::{App, HttpServer, dev::Server};

use crate::app::{Counterfoil, StartError};
use crate::config::Config;
use crate::erp::users::roles::Role;
use crate::erp::users::tokens::{self, Scope};
use crate::erp::users::{self, NewUser, UserError};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::platform::mail::Mailer;
use crate::platform::secrets::random_hex;
use crate::practice::{Practice, PracticeError};
use crate::shopify::shops::ShopError;
use crate::web::setup;

/// Why a command failed, in words for whoever typed it.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Practice(#[from] PracticeError),
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    Shop(#[from] ShopError),
    #[error("{0}")]
    Db(#[from] DbError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Told(String),
}

/// `serve`: server and workers.
///
/// # Errors
///
/// What keeps it from starting; a server that broke.
pub async fn serve(config: Config) -> Result<(), CommandError> {
    let counterfoil = Counterfoil::start(config, Clock::System).await?;
    if let Some(code) = setup::open(&counterfoil.db, counterfoil.clock.now()).await? {
        tracing::info!(
            "nobody can sign in yet: open {}/setup and enter the code {code}",
            counterfoil.config.public_url
        );
    }
    let server = listen(&counterfoil)?;
    counterfoil.work();
    tracing::info!("Counterfoil is at {}", counterfoil.config.public_url);
    Ok(server.await?)
}

/// `work`: workers alone.
///
/// # Errors
///
/// What keeps it from starting.
pub async fn work(config: Config) -> Result<(), CommandError> {
    if config.database_url.starts_with("sqlite:") {
        return Err(CommandError::Told(
            "`work` adds a process to a PostgreSQL database (setting DATABASE_URL); with SQLite the server works by itself"
                .to_owned(),
        ));
    }
    let counterfoil = Counterfoil::start(config, Clock::System).await?;
    counterfoil.worker.clone().run().await;
    Ok(())
}

/// `practice`: the practice store alone.
///
/// # Errors
///
/// What keeps it from starting.
pub async fn practice(config: Config) -> Result<(), CommandError> {
    let store = Practice::start(demo::store_config(&config)?, Clock::System).await?;
    tracing::info!("the practice store is at {}", store.url());
    std::future::pending::<()>().await;
    Ok(())
}

/// `migrate`: brings the database up to date.
///
/// # Errors
///
/// The database's.
pub fn migrate(config: &Config) -> Result<(), CommandError> {
    std::fs::create_dir_all(&config.data)?;
    let ran = Db::open(&config.database_url, 1)?.migrate()?;
    tracing::info!("{ran} migrations ran; the database is up to date");
    Ok(())
}

/// `user add`: a person who may sign in; the password comes from standard input.
///
/// # Errors
///
/// A role that does not exist, an e-mail that is taken, a password that is too short.
pub async fn add_user(
    config: Config,
    email: &str,
    name: &str,
    role: &str,
) -> Result<(), CommandError> {
    let role: Role = role
        .parse()
        .map_err(|_unknown| CommandError::Told(format!("there is no role `{role}`")))?;
    let mut password = String::new();
    write!(std::io::stderr(), "Password for {email}: ")?;
    std::io::stdin().lock().read_line(&mut password)?;
    let new = NewUser {
        email: email.to_owned(),
        name: name.to_owned(),
        role,
        password_hash: users::hash_password(password.trim_end_matches(['\r', '\n']))?,
        time_zone: "UTC".to_owned(),
    };
    let db = open(&config)?;
    let now = Clock::System.now();
    db.write(move |conn| users::add(conn, &new, now)).await?;
    tracing::info!("{email} may sign in");
    Ok(())
}

/// `token create`: prints a token for the API, alone, on standard output.
///
/// # Errors
///
/// A scope that does not exist.
pub async fn create_token(config: Config, name: &str, scope: &str) -> Result<(), CommandError> {
    let scope: Scope = scope.parse().map_err(|_unknown| {
        CommandError::Told(format!("a scope is read or write, not `{scope}`"))
    })?;
    let db = open(&config)?;
    let random = random_hex(32).map_err(|error| CommandError::Told(error.to_string()))?;
    let (name, now) = (name.to_owned(), Clock::System.now());
    let token = db
        .write(move |conn| tokens::create(conn, &name, scope, &random, now))
        .await?;
    writeln!(std::io::stdout(), "{token}")?;
    Ok(())
}

/// `check`: says what is wrong with the set-up, and how to mend it.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn check(config: &Config) -> Result<(), CommandError> {
    let mut out = std::io::stdout();
    writeln!(out, "data folder   {}", config.data.display())?;
    let wants_tls = config.database_url.contains("sslmode=require")
        || config.database_url.contains("sslmode=verify");
    if wants_tls && !cfg!(feature = "postgres-tls") {
        return Err(CommandError::Told(
            "DATABASE_URL asks for TLS, and this program was built without it. Install libpq's development files and build with --no-default-features --features postgres-tls"
                .to_owned(),
        ));
    }
    let db = open(config)?;
    let kind = if db.is_postgres() {
        "PostgreSQL"
    } else {
        "SQLite"
    };
    writeln!(out, "database      {kind}, up to date")?;
    keys::check(&db, config)?;
    writeln!(out, "key           opens every stored secret")?;
    let app = config.shopify.client_id.as_deref().unwrap_or("not set");
    writeln!(out, "Shopify app   {app} (SHOPIFY_CLIENT_ID)")?;
    if config.shopify.client_id.is_some() != config.shopify.client_secret.is_some() {
        return Err(CommandError::Told(
            "SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET go together: set both or neither"
                .to_owned(),
        ));
    }
    writeln!(out, "webhooks to   {}", config.shopify.webhook_url())?;
    if !config.public_url.starts_with("https://") {
        writeln!(
            out,
            "note          Shopify sends webhooks to https addresses only: set COUNTERFOIL_PUBLIC_URL before connecting a real store"
        )?;
    }
    let mails = Mailer::of(&config.mail).map_err(CommandError::Told)?;
    let alerts = match &config.mail.to {
        Some(to) if mails.is_some() => format!("by mail to {to}, and on Home"),
        Some(_) | None => "on Home alone (SMTP_URL is not set)".to_owned(),
    };
    writeln!(out, "alerts        {alerts}")?;
    writeln!(out, "all is well")?;
    Ok(())
}

fn open(config: &Config) -> Result<Db, CommandError> {
    std::fs::create_dir_all(&config.data)?;
    let db = Db::open(&config.database_url, 2)?;
    db.migrate()?;
    Ok(db)
}

/// Binds the server; it runs when awaited (or polled by the runtime).
///
/// # Errors
///
/// `Bind` where the address is taken.
pub fn listen(counterfoil: &Counterfoil) -> Result<Server, StartError> {
    let bind = counterfoil.config.bind.clone();
    let mounted = counterfoil.clone();
    let server = HttpServer::new(move || App::new().configure(|services| mounted.mount(services)))
        .client_request_timeout(Duration::from_secs(10))
        .keep_alive(Duration::from_secs(75))
        .max_connections(2048)
        .shutdown_timeout(5)
        .bind(&bind)
        .map_err(|reason| StartError::Bind {
            bind,
            setting: "COUNTERFOIL_BIND",
            reason,
        })?;
    Ok(server.run())
}
