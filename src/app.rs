//! Builds everything once: database, keys, inbox, worker, connector. The program, a host and the tests
//! enter here.
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, ServiceConfig};
use secrecy::ExposeSecret;
use tokio::sync::Notify;

use crate::config::Config;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::platform::inbox::Inbox;
use crate::platform::inbox::rejections::Rejections;
use crate::platform::mail::Mailer;
use crate::platform::metrics::Metrics;
use crate::platform::queue::{Me, Policy};
use crate::platform::retention::{self, Keeper};
use crate::platform::secrets::{Keyring, SecretError, key_file, random_hex};
use crate::platform::worker::{self, Worker};
use crate::shopify::Connector;
use crate::shopify::sync::watch;
use crate::web::health::Preparing;
use crate::wiring::alerts::Watchman;
use crate::{web, wiring};

/// Connections of one process.
const CONNECTIONS: u32 = 12;

/// Why Counterfoil does not start, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the data folder {0} cannot be used: {1} (setting COUNTERFOIL_DATA)")]
    DataFolder(String, std::io::Error),
    #[error(
        "another Counterfoil already works in {0}. Stop it first, or use PostgreSQL for several processes (setting DATABASE_URL)"
    )]
    DataFolderTaken(String),
    #[error("{0} (setting COUNTERFOIL_KEY)")]
    Key(#[from] SecretError),
    #[error("{0} (setting DATABASE_URL)")]
    Database(#[from] DbError),
    #[error("{0}")]
    Shopify(String),
    #[error("{0}")]
    Mail(String),
    #[error("cannot listen on {bind}: {reason} (setting {setting})")]
    Bind {
        bind: String,
        setting: &'static str,
        reason: std::io::Error,
    },
    #[error("the system gave no thread: {0}")]
    Thread(std::io::Error),
}

/// The whole module, ready to be mounted into a web server and to work. Cloning shares it.
#[derive(Clone)]
pub struct Counterfoil {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub keyring: Keyring,
    pub connector: Connector,
    pub inbox: Inbox,
    pub rejections: Rejections,
    pub worker: Worker,
    pub metrics: Metrics,
    /// Holds `/readyz` back until a host's own start is done.
    pub preparing: Preparing,
    // Held as long as anything of us lives.
    _lock: Option<Arc<File>>,
}

impl Counterfoil {
    /// Opens and migrates the database, reads or makes the key, and starts the inbox. The worker does
    /// not run yet. To be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub async fn start(config: Config, clock: Clock) -> Result<Counterfoil, StartError> {
        // A host may have installed a provider of its own; then that one serves.
        drop(rustls::crypto::ring::default_provider().install_default());
        std::fs::create_dir_all(&config.data)
            .map_err(|error| StartError::DataFolder(config.data.display().to_string(), error))?;
        let is_sqlite = config.database_url.starts_with("sqlite:");
        let lock = if is_sqlite {
            Some(Arc::new(lock_folder(&config.data)?))
        } else {
            None
        };
        let keyring = keyring(&config)?;
        let db = Db::open(&config.database_url, CONNECTIONS)?;
        db.migrate()?;
        let connector = Connector::new(
            config.shopify.clone(),
            db.clone(),
            clock.clone(),
            keyring.clone(),
        )
        .map_err(StartError::Shopify)?;
        let mailer = Mailer::of(&config.mail).map_err(StartError::Mail)?;
        let mails = mailer.is_some();
        let watchman = Watchman {
            db: db.clone(),
            clock: clock.clone(),
            mailer,
            late_after: config.late_after,
            api_version: config.shopify.api_version.clone(),
            url: format!("{}{}", config.public_url, config.prefix),
        };
        let keeper = Keeper {
            db: db.clone(),
            clock: clock.clone(),
            keep_for: config.retention,
        };
        let wake = Arc::new(Notify::new());
        let inbox = Inbox::start(&db, &wake).map_err(StartError::Thread)?;
        let metrics = Metrics::new();
        let worker = Worker::new(
            db.clone(),
            clock.clone(),
            Me {
                host: gethostname::gethostname().to_string_lossy().into_owned(),
                pid: std::process::id(),
                boot: random_hex(8)?,
            },
            worker_settings(&config),
            wiring::handler(),
            Arc::new(wiring::registry(&connector, watchman, keeper)),
            wake,
            metrics.clone(),
        );
        wiring::listen();
        worker.sign_in().await?;
        let now = clock.now();
        db.write(move |conn| {
            retention::begin(conn, now)?;
            watch::begin(conn, now)?;
            crate::erp::stock::jobs::begin(conn, now)?;
            wiring::alerts::begin(conn, mails, now)
        })
        .await?;
        Ok(Counterfoil {
            rejections: Rejections::start(db.clone()),
            config,
            db,
            clock,
            keyring,
            connector,
            inbox,
            worker,
            metrics,
            preparing: Preparing::default(),
            _lock: lock,
        })
    }

    /// Puts every page and address of the module into an actix-web application.
    pub fn mount(&self, services: &mut ServiceConfig) {
        services
            .app_data(Data::new(self.db.clone()))
            .app_data(Data::new(self.clock.clone()))
            .app_data(Data::new(self.keyring.clone()))
            .app_data(Data::new(self.connector.clone()))
            .app_data(Data::new(self.inbox.clone()))
            .app_data(Data::new(self.rejections.clone()))
            .app_data(Data::new(self.metrics.clone()))
            .app_data(Data::new(self.worker.clone()))
            .app_data(Data::new(self.preparing.clone()))
            .app_data(Data::new(web::Config {
                public_url: self.config.public_url.clone(),
                tenant: self.config.tenant.clone(),
                prefix: self.config.prefix.clone(),
            }))
            .configure(web::configure);
    }

    /// Works on events and jobs until the process ends.
    pub fn work(&self) {
        tokio::spawn(self.worker.clone().run());
    }
}

fn worker_settings(config: &Config) -> worker::Settings {
    worker::Settings {
        policy: Policy {
            max_attempts: config.webhook_max_attempts,
        },
        lease: Duration::from_secs(config.lease_seconds),
        poll: config.worker_poll,
        event_workers: config.workers,
        batch: config.worker_batch.into(),
        jobs_at_once: 8,
    }
}

// SQLite belongs to one process: a second one would take the first one's claims for a dead process's.
pub(crate) fn lock_folder(data: &Path) -> Result<File, StartError> {
    let fault = |error| StartError::DataFolder(data.display().to_string(), error);
    let file = File::create(data.join("counterfoil.lock")).map_err(fault)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StartError::DataFolderTaken(data.display().to_string()))
        }
        Err(TryLockError::Error(error)) => Err(fault(error)),
    }
}

/// The key of the settings, or of the key file, which is made where there is none; and the earlier one.
pub(crate) fn keyring(config: &Config) -> Result<Keyring, SecretError> {
    let present = match &config.key {
        Some(key) => Keyring::from_hex(key.expose_secret())?,
        None => from_file(&key_path(config))?,
    };
    Ok(match &config.key_previous {
        Some(key) => present.also_opening(Keyring::from_hex(key.expose_secret())?),
        None => present,
    })
}

/// Where the key lies if the settings name none.
pub(crate) fn key_path(config: &Config) -> PathBuf {
    config.data.join("counterfoil.key")
}

fn from_file(path: &Path) -> Result<Keyring, SecretError> {
    let (keyring, is_new) = key_file::read_or_make(path)?;
    if is_new {
        tracing::warn!(
            "a key was made in {}: it lies beside the database, so whoever copies the folder can open the stored secrets. Set COUNTERFOIL_KEY in production, and keep a copy of the key",
            path.display()
        );
    }
    Ok(keyring)
}
