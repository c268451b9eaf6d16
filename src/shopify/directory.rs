//! The stores and their webhook secrets in memory, so that a webhook is checked without the database.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use secrecy::SecretString;

use crate::erp::deliveries::queries::rules;
use crate::erp::deliveries::rule::Rule;
use crate::platform::db::{Db, DbError};
use crate::platform::secrets::Keyring;
use crate::shopify::shop_domain::ShopDomain;
use crate::shopify::shops::queries::{self, SealedTokens};
use crate::shopify::shops::{Sealed, ShopError, ShopState};
use crate::shopify::webhooks::LabelledSecret;
use crate::types::{At, ShopId};

/// Other processes change stores too: what is older than this is read again.
const FRESH: Duration = Duration::from_secs(3);
/// While one reads it again, what is younger than this serves all others.
const RECENT: Duration = Duration::from_secs(6);
/// Where it cannot be read within the patience, what is younger than this serves: webhooks do not wait for whoever has
/// taken every connection.
const USABLE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_millis(250);

/// When a topic last came in is written at most this often.
const NOTED: Duration = Duration::from_secs(60);

const APP: &str = "app";
const APP_PREVIOUS: &str = "app previous";
const SHOP_APP: &str = "store's app";
const NOTIFICATION_KEY: &str = "notification key";

/// A store as the webhook's door needs it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: ShopId,
    pub domain: ShopDomain,
    pub state: ShopState,
    pub installed_at: At,
    /// Which of its orders it delivers itself.
    pub delivers: Rule,
    /// What its webhooks may be signed with, the likeliest first.
    pub secrets: Vec<LabelledSecret>,
}

/// Address to store; clones share what they know.
#[derive(Clone)]
pub struct ShopDirectory {
    known: Arc<RwLock<Known>>,
    reading: Arc<tokio::sync::Mutex<()>>,
    received: Arc<Mutex<Received>>,
    app: Option<SecretString>,
    previous: Option<SecretString>,
}

/// When a store's topic was last noted as received.
type Received = HashMap<(ShopId, &'static str), At>;

#[derive(Default)]
struct Known {
    read_at: Option<At>,
    /// How often it was forgotten: what was being read meanwhile is of the time before.
    forgotten: u64,
    entries: HashMap<String, Arc<Entry>>,
}

impl ShopDirectory {
    #[must_use]
    pub fn new(app: Option<SecretString>, previous: Option<SecretString>) -> ShopDirectory {
        ShopDirectory {
            known: Arc::default(),
            reading: Arc::default(),
            received: Arc::default(),
            app,
            previous,
        }
    }

    /// The store with this address, as it was a few seconds ago at most, unless the database is too busy to say.
    ///
    /// # Errors
    ///
    /// `Db`, `Secret`.
    pub async fn find(
        &self,
        db: &Db,
        keyring: &Keyring,
        domain: &str,
        now: At,
    ) -> Result<Option<Arc<Entry>>, ShopError> {
        if !self.is_younger(FRESH, now) {
            self.refresh(db, keyring, now).await?;
        }
        let known = self.known();
        Ok(known.entries.get(&domain.to_ascii_lowercase()).cloned())
    }

    /// The app's own secrets: what a store that we do not know may have signed with.
    #[must_use]
    pub fn app_secrets(&self) -> Vec<LabelledSecret> {
        let labelled = |label, secret: &Option<SecretString>| {
            let secret = secret.clone()?;
            Some(LabelledSecret { label, secret })
        };
        let current = labelled(APP, &self.app);
        let previous = labelled(APP_PREVIOUS, &self.previous);
        current.into_iter().chain(previous).collect()
    }

    /// Makes the next question read the database: called after every change of a store.
    pub fn forget(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.read_at = None;
        known.forgotten += 1;
    }

    /// Whether it is time to write down that this topic came in.
    #[must_use]
    pub fn is_to_be_noted(&self, shop: ShopId, topic: &'static str, now: At) -> bool {
        let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = received.get(&(shop, topic));
        let due = noted.is_none_or(|noted| now.since(*noted) >= NOTED);
        if due {
            received.insert((shop, topic), now);
        }
        due
    }

    fn is_younger(&self, than: Duration, now: At) -> bool {
        self.known()
            .read_at
            // Read in a time that is yet to come: the clock was set back since.
            .is_some_and(|read_at| read_at <= now && now.since(read_at) < than)
    }

    async fn refresh(&self, db: &Db, keyring: &Keyring, now: At) -> Result<(), ShopError> {
        let _reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            Err(_taken) if self.is_younger(RECENT, now) => return Ok(()),
            Err(_taken) => self.reading.lock().await,
        };
        if self.is_younger(FRESH, now) {
            return Ok(());
        }
        let reload = self.reload(db, keyring, now);
        if !self.is_younger(USABLE, now) {
            return reload.await;
        }
        match tokio::time::timeout(PATIENCE, reload).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the stores could not be read anew"),
            Err(_late) => tracing::warn!("the stores could not be read anew in time"),
        }
        Ok(())
    }

    async fn reload(&self, db: &Db, keyring: &Keyring, now: At) -> Result<(), ShopError> {
        let forgotten = self.known().forgotten;
        let (rows, rules) = db
            .read(|conn| -> Result<_, DbError> {
                Ok((queries::list_tokens(conn)?, rules::list(conn)?))
            })
            .await?;
        let rules: HashMap<_, _> = rules.into_iter().collect();
        let mut entries = HashMap::new();
        for row in rows {
            let delivers = rules.get(&row.channel_id).cloned();
            if let Some(entry) = self.entry(keyring, &row, delivers)? {
                entries.insert(row.domain, Arc::new(entry));
            }
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.entries = entries;
        known.read_at = (known.forgotten == forgotten).then_some(now);
        Ok(())
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(
        &self,
        keyring: &Keyring,
        row: &SealedTokens,
        delivers: Option<Rule>,
    ) -> Result<Option<Entry>, ShopError> {
        let Some(domain) = ShopDomain::exact(&row.domain) else {
            return Ok(None);
        };
        let own = Sealed::ClientSecret.open(keyring, row.id, row.client_secret_sealed.as_ref())?;
        let notification =
            Sealed::NotificationKey.open(keyring, row.id, row.notification_key_sealed.as_ref())?;
        let mut secrets = Vec::new();
        for (label, secret) in [
            (SHOP_APP, own),
            (APP, self.app.clone()),
            (APP_PREVIOUS, self.previous.clone()),
            (NOTIFICATION_KEY, notification),
        ] {
            if let Some(secret) = secret {
                secrets.push(LabelledSecret { label, secret });
            }
        }
        Ok(Some(Entry {
            id: row.id,
            domain,
            state: row.state,
            installed_at: row.installed_at,
            delivers: delivers.unwrap_or_else(Rule::none),
            secrets,
        }))
    }
}
