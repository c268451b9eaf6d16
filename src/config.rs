//! Settings: from the environment or a `.env` file into one `Config`; each is also a flag of the program.
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use crate::platform::mail;
use crate::shopify;

/// Every setting, with the variable it comes from. `--help` and the README list the same.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Folder of the database, the keys and the practice store. [default: data; for demo: data/demo]
    #[arg(long, env = "COUNTERFOIL_DATA", global = true)]
    pub data: Option<PathBuf>,
    /// sqlite:PATH or postgres://USER@HOST/NAME. [default: sqlite:{data}/counterfoil.db]
    #[arg(long, env = "DATABASE_URL", global = true, hide_env_values = true)]
    pub database_url: Option<String>,
    /// Address to listen on.
    #[arg(
        long,
        env = "COUNTERFOIL_BIND",
        default_value = "127.0.0.1:8080",
        global = true
    )]
    pub bind: String,
    /// Address that browsers and Shopify use. [default: http://{bind}]
    #[arg(long, env = "COUNTERFOIL_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,
    /// The tenant's slug in API paths.
    #[arg(
        long,
        env = "COUNTERFOIL_TENANT",
        default_value = "main",
        global = true
    )]
    pub tenant: String,
    /// Key that seals stored secrets: 64 hexadecimal digits. [default: a key file in the data folder]
    #[arg(long, env = "COUNTERFOIL_KEY", global = true, hide_env_values = true)]
    pub key: Option<SecretString>,
    /// The key before the last rotation: what was sealed with it still opens (see `keys rotate`).
    #[arg(
        long,
        env = "COUNTERFOIL_KEY_PREVIOUS",
        global = true,
        hide_env_values = true
    )]
    pub key_previous: Option<SecretString>,
    /// The Shopify app's client id.
    #[arg(long, env = "SHOPIFY_CLIENT_ID", global = true)]
    pub shopify_client_id: Option<String>,
    /// The Shopify app's client secret.
    #[arg(
        long,
        env = "SHOPIFY_CLIENT_SECRET",
        global = true,
        hide_env_values = true
    )]
    pub shopify_client_secret: Option<SecretString>,
    /// The secret before the last rotation: webhooks signed with it are still accepted.
    #[arg(
        long,
        env = "SHOPIFY_CLIENT_SECRET_PREVIOUS",
        global = true,
        hide_env_values = true
    )]
    pub shopify_client_secret_previous: Option<SecretString>,
    /// Scopes to ask for, comma separated.
    #[arg(long, env = "SHOPIFY_SCOPES", default_value = shopify::DEFAULT_SCOPES, global = true)]
    pub shopify_scopes: String,
    /// Where Shopify is; a stand-in's address for tests.
    #[arg(
        long,
        env = "SHOPIFY_ADMIN_URL",
        default_value = "https://{shop}",
        global = true
    )]
    pub shopify_admin_url: String,
    /// Version of the Admin API.
    #[arg(
        long,
        env = "SHOPIFY_API_VERSION",
        default_value = "2026-10",
        global = true
    )]
    pub shopify_api_version: String,
    /// Failures after which an event or push waits for a person.
    #[arg(long, env = "WEBHOOK_MAX_ATTEMPTS", default_value_t = 8, global = true)]
    pub webhook_max_attempts: i32,
    /// How long a worker may be silent before its work is taken back.
    #[arg(long, env = "LEASE_SECONDS", default_value_t = 60, global = true)]
    pub lease_seconds: u64,
    /// Batches of events applied side by side; 2 on SQLite, 4 on PostgreSQL unless set.
    #[arg(long, env = "WORKERS", global = true)]
    pub workers: Option<usize>,
    /// Events applied under one commit at most; 32 on SQLite, 128 on PostgreSQL unless set.
    #[arg(long, env = "WORKER_BATCH", global = true)]
    pub worker_batch: Option<u16>,
    /// How often to look for work that nobody announced, in milliseconds.
    #[arg(long, env = "WORKER_POLL_MS", default_value_t = 250, global = true)]
    pub worker_poll_ms: u64,
    /// Mail server for alerts: smtp://USER:PASSWORD@HOST:587 (encrypted unless ?tls=none) or smtps://...
    #[arg(long, env = "SMTP_URL", global = true, hide_env_values = true)]
    pub smtp_url: Option<SecretString>,
    /// Who is told of alerts by mail; several addresses with commas between them.
    #[arg(long, env = "ALERT_MAIL_TO", global = true)]
    pub alert_mail_to: Option<String>,
    /// Sender of these mails. [default: counterfoil@ the host of the public address]
    #[arg(long, env = "MAIL_FROM", global = true)]
    pub mail_from: Option<String>,
    /// Minutes after which an event that still waits is an alert.
    #[arg(long, env = "ALERT_AFTER_MINUTES", default_value_t = 10, global = true)]
    pub alert_after_minutes: u32,
    /// Days for which the payload of a webhook is kept after it was done; jobs that are done go with it.
    #[arg(
        long,
        env = "COUNTERFOIL_RETENTION_DAYS",
        default_value = "30",
        value_parser = retention_days,
        global = true
    )]
    pub retention_days: NonZeroU16,
    /// Address of the practice store.
    #[arg(
        long,
        env = "PRACTICE_BIND",
        default_value = "127.0.0.1:8081",
        global = true
    )]
    pub practice_bind: String,
}

/// The settings with their defaults worked out.
#[derive(Clone, Debug)]
pub struct Config {
    pub data: PathBuf,
    pub database_url: String,
    pub bind: String,
    /// Without a slash at the end.
    pub public_url: String,
    /// The path under which a host mounts us; empty for the program itself.
    pub prefix: String,
    pub tenant: String,
    pub key: Option<SecretString>,
    /// Opens what the key does not.
    pub key_previous: Option<SecretString>,
    pub shopify: shopify::Config,
    pub webhook_max_attempts: i32,
    pub lease_seconds: u64,
    pub workers: usize,
    pub worker_batch: u16,
    pub worker_poll: Duration,
    pub mail: mail::Config,
    /// An event that has waited for longer is an alert.
    pub late_after: Duration,
    /// For how long payloads and jobs are kept once they are done.
    pub retention: Duration,
    pub practice_bind: String,
}

/// Batches side by side where nothing is set, and how large they are. SQLite has one writer: while one batch is
/// written, the next is read.
const WORKERS_SQLITE: (usize, u16) = (2, 32);
/// Every statement is a way to the server and back: a large batch needs fewer of them for each event.
const WORKERS_POSTGRES: (usize, u16) = (4, 128);

impl Settings {
    /// Works out the defaults; `data` is the folder where none was named.
    #[must_use]
    pub fn into_config(self, data: &str) -> Config {
        let data = self.data.unwrap_or_else(|| PathBuf::from(data));
        let database_url = self
            .database_url
            .unwrap_or_else(|| format!("sqlite:{}", data.join("counterfoil.db").display()));
        let (workers, batch) = if database_url.starts_with("sqlite:") {
            WORKERS_SQLITE
        } else {
            WORKERS_POSTGRES
        };
        let public_url = self
            .public_url
            .unwrap_or_else(|| format!("http://{}", self.bind));
        let public_url = public_url.trim_end_matches('/').to_owned();
        let from = sender(&public_url);
        Config {
            data,
            database_url,
            bind: self.bind,
            tenant: self.tenant,
            key: self.key,
            key_previous: self
                .key_previous
                .filter(|key| !key.expose_secret().is_empty()),
            shopify: shopify::Config {
                client_id: self.shopify_client_id.filter(|id| !id.is_empty()),
                client_secret: self.shopify_client_secret,
                client_secret_previous: self.shopify_client_secret_previous,
                scopes: self.shopify_scopes,
                admin_url: self.shopify_admin_url,
                api_version: self.shopify_api_version,
                public_url: public_url.clone(),
            },
            public_url,
            prefix: String::new(),
            webhook_max_attempts: self.webhook_max_attempts,
            lease_seconds: self.lease_seconds.max(6),
            workers: self.workers.unwrap_or(workers).max(1),
            worker_batch: self.worker_batch.unwrap_or(batch).max(1),
            mail: mail::Config {
                url: self.smtp_url.filter(|url| !url.expose_secret().is_empty()),
                to: self.alert_mail_to.filter(|to| !to.is_empty()),
                from: Some(
                    self.mail_from
                        .filter(|from| !from.is_empty())
                        .unwrap_or(from),
                ),
            },
            late_after: Duration::from_secs(60 * u64::from(self.alert_after_minutes)),
            retention: Duration::from_secs(86_400 * u64::from(self.retention_days.get())),
            worker_poll: Duration::from_millis(self.worker_poll_ms.max(10)),
            practice_bind: self.practice_bind,
        }
    }
}

// Nobody gets rid of payloads by a slip of the pen: 0 is no way of saying "never" or "at once".
fn retention_days(text: &str) -> Result<NonZeroU16, String> {
    text.parse().map_err(|_none| {
        "COUNTERFOIL_RETENTION_DAYS is a number of days, from 1 to 65535".to_owned()
    })
}

// A mail wants a name behind the @, not an address in numbers.
fn sender(public_url: &str) -> String {
    let url = url::Url::parse(public_url).ok();
    let name = url.as_ref().and_then(url::Url::domain);
    format!("counterfoil@{}", name.unwrap_or("localhost"))
}

impl Config {
    /// The same, mounted by a host under `prefix` (`/erp`) instead of at the root.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Config {
        prefix.clone_into(&mut self.prefix);
        self.shopify.public_url = format!("{}{prefix}", self.public_url);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_kept_for_a_whole_number_of_days() {
        assert_eq!(retention_days("30").map(NonZeroU16::get), Ok(30));
        for nonsense in ["0", "-1", "", "a month", "1.5", "65536"] {
            let refused = retention_days(nonsense).expect_err(nonsense);
            assert!(refused.contains("COUNTERFOIL_RETENTION_DAYS"), "{refused}");
        }
    }
}
