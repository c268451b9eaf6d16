//! The Shopify connector: what the core asks of a store and what a store tells the core.
//!
//! [`Connector`] is what pages and jobs hold; `connect` makes a store ours, `client` speaks to it.
pub mod access;
pub mod answer;
pub mod apply;
pub mod budget;
mod bulk;
pub mod cancellations;
pub mod carriers;
pub mod client;
pub mod connect;
pub mod customers;
pub mod deletions;
pub mod deliveries;
pub mod directory;
pub mod enrich;
pub mod fulfillments;
pub mod gid;
pub mod graphql;
pub mod holding;
pub mod inventory;
pub mod jobs;
pub mod locations;
pub mod mappings;
pub mod oauth;
pub mod orders;
pub mod pauses;
pub mod payloads;
pub mod personal_data;
pub mod pictures;
pub mod privacy;
pub mod products;
pub mod registrar;
pub mod returns;
pub mod scopes;
pub mod shop_domain;
pub mod shops;
pub mod sync;
pub mod tokens;
pub mod topics;
pub mod transactions;
pub mod unmapped;
pub mod webhooks;

#[cfg(test)]
mod parser_tests;

use std::sync::Arc;

use graphql_client::GraphQLQuery;
use secrecy::SecretString;

use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::platform::queue::Outcome;
use crate::platform::secrets::Keyring;
use crate::shopify::answer::Cost;
use crate::shopify::budget::Learned;
use crate::shopify::client::{Answer, Client, ShopifyError};
use crate::shopify::directory::ShopDirectory;
use crate::shopify::gid::Gid;
use crate::shopify::shops::Shop;
use crate::shopify::tokens::AppCredentials;
use crate::types::ShopId;

/// The kind of the core's channels that are Shopify stores.
pub const CHANNEL_KIND: &str = "shopify";

/// The scopes asked for where `SHOPIFY_SCOPES` says nothing: what these features need, without
/// `read_all_orders`, which Shopify grants on application only.
pub const DEFAULT_SCOPES: &str = "read_orders,write_orders,read_customers,write_customers,read_customer_merge,\
read_products,write_products,read_inventory,write_inventory,read_locations,\
read_merchant_managed_fulfillment_orders,write_merchant_managed_fulfillment_orders,\
read_third_party_fulfillment_orders,read_assigned_fulfillment_orders,read_fulfillments,\
read_returns,write_returns,read_draft_orders,write_draft_orders";

/// The app that Counterfoil is to Shopify, and where Shopify is.
#[derive(Clone, Debug)]
pub struct Config {
    /// `None`: no app is set up; stores can still be connected with a token of their own.
    pub client_id: Option<String>,
    pub client_secret: Option<SecretString>,
    /// While a secret is rotated Shopify signs with either.
    pub client_secret_previous: Option<SecretString>,
    /// Comma separated.
    pub scopes: String,
    /// `https://{shop}`, or a stand-in's address.
    pub admin_url: String,
    /// `2026-10`.
    pub api_version: String,
    /// Where browsers and Shopify reach us, without a slash at the end: `https://erp.example.com`.
    pub public_url: String,
}

impl Config {
    /// Where Shopify sends webhooks.
    #[must_use]
    pub fn webhook_url(&self) -> String {
        format!("{}/api/integrations/webhook/shopify", self.public_url)
    }

    /// Where Shopify sends the browser back to after the consent page.
    #[must_use]
    pub fn callback_url(&self) -> String {
        format!("{}/api/integrations/callback/", self.public_url)
    }

    /// The app of the settings, where one is set up.
    #[must_use]
    pub fn app(&self) -> Option<AppCredentials> {
        Some(AppCredentials {
            client_id: self.client_id.clone()?,
            client_secret: self.client_secret.clone()?,
        })
    }

    /// The secrets that a callback may be signed with.
    #[must_use]
    pub fn app_secrets(&self) -> Vec<SecretString> {
        let both = [&self.client_secret, &self.client_secret_previous];
        both.into_iter().flatten().cloned().collect()
    }
}

/// Everything it takes to work with the connected stores.
#[derive(Clone)]
pub struct Connector {
    pub config: Arc<Config>,
    pub db: Db,
    pub clock: Clock,
    pub keyring: Keyring,
    pub client: Client,
    pub directory: ShopDirectory,
    /// What the answers said of each store's rate budget.
    pub learned: Learned,
}

/// How much of a store's rate budget a call leaves to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// Orders and shipments: as long as there is any.
    Now,
    /// Stock: a quarter of it stays free for orders.
    Soon,
    /// Imports: half of it stays free for orders.
    Patient,
}

impl Connector {
    /// # Errors
    ///
    /// The text says which setting is wrong.
    pub fn new(
        config: Config,
        db: Db,
        clock: Clock,
        keyring: Keyring,
    ) -> Result<Connector, String> {
        Ok(Connector {
            client: Client::new(&config.admin_url, &config.api_version)?,
            directory: ShopDirectory::new(
                config.client_secret.clone(),
                config.client_secret_previous.clone(),
            ),
            config: Arc::new(config),
            db,
            clock,
            keyring,
            learned: Learned::default(),
        })
    }

    /// The shop with this id.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn shop(&self, id: ShopId) -> Result<Shop, shops::ShopError> {
        self.db.read(move |conn| shops::get(conn, id)).await
    }

    /// Runs one GraphQL operation for a shop: with a token that lives, within the shop's budget.
    ///
    /// # Errors
    ///
    /// Every variant but `UserErrors`, which the caller reads from the data.
    pub async fn call<Q>(
        &self,
        shop: ShopId,
        haste: Haste,
        variables: Q::Variables,
    ) -> Result<Answer<Q::ResponseData>, ShopifyError>
    where
        Q: GraphQLQuery,
        Q::Variables: Clone,
    {
        let token = access::token(self, shop, haste).await?;
        let (first, cost) = self
            .client
            .call::<Q>(&token.domain, &token.access, variables.clone())
            .await;
        let (result, cost) = if matches!(first, Err(ShopifyError::Unauthorized)) {
            // Shopify may have ended the token early; nothing was executed, so it may be asked again.
            let token = access::replace(self, shop, &token).await?;
            self.client
                .call::<Q>(&token.domain, &token.access, variables)
                .await
        } else {
            (first, cost)
        };
        if matches!(result, Err(ShopifyError::Unauthorized)) {
            self.note_dead_token(shop).await;
        }
        let operation = std::any::type_name::<Q>().rsplit("::").next();
        let request_id = result.as_ref().ok().and_then(|it| it.request_id.as_deref());
        // What Shopify says of a failure may quote what it was sent: the job keeps it, the log does not.
        tracing::info!(shop.id = %shop, operation, request_id, ok = result.is_ok(), "called Shopify");
        let version = result
            .as_ref()
            .ok()
            .and_then(|it| it.api_version.as_deref());
        self.learn(shop, cost, version).await;
        result
    }

    /// Notes what an answer said of the budget and of the version it was served in, for the other processes as well:
    /// the one at most once a second, the other where it is new.
    async fn learn(&self, shop: ShopId, cost: Option<Cost>, version: Option<&str>) {
        let now = self.clock.now();
        let budget = cost.and_then(|cost| self.learned.note_cost(shop, cost, now));
        let version = version.filter(|version| self.learned.note_version(shop, version));
        let version = version.map(str::to_owned);
        if budget.is_none() && version.is_none() {
            return;
        }
        let noted: Result<(), DbError> = self
            .db
            .write(move |conn| {
                if let Some(budget) = budget {
                    shops::queries::set_budget(conn, shop, budget)?;
                }
                if let Some(version) = &version {
                    shops::queries::set_served_version(conn, shop, version)?;
                }
                Ok(())
            })
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "could not note what Shopify said of the store");
        }
    }

    pub(crate) async fn note_dead_token(&self, shop: ShopId) {
        let now = self.clock.now();
        let reason = ShopifyError::Unauthorized.to_string();
        let noted: Result<(), DbError> = self
            .db
            .write(move |conn| shops::mark_needs_reconnect(conn, shop, &reason, now))
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "could not note that the store needs reconnecting");
        }
        self.directory.forget();
    }
}

/// What jobs wait for until a store is connected again.
#[must_use]
pub fn connection_cause(shop: ShopId) -> String {
    format!("shop/{shop}/connection")
}

/// What jobs wait for until a store grants more scopes.
#[must_use]
pub fn scopes_cause(shop: ShopId) -> String {
    format!("shop/{shop}/scopes")
}

/// What an import waits for until Shopify has put its file together.
#[must_use]
pub fn bulk_cause(shop: ShopId, operation: Gid<gid::BulkOperation>) -> String {
    format!("shop/{shop}/bulk/{}", operation.digits())
}

/// What pushes wait for until the store's location is mapped to one of ours.
#[must_use]
pub fn locations_cause(shop: ShopId) -> String {
    format!("shop/{shop}/locations")
}

/// What a job that only reads says of a failed call. Pushes decide for themselves what `sent` means.
#[must_use]
pub fn outcome_of(shop: ShopId, error: &ShopifyError) -> Outcome {
    let reason = error.to_string();
    match error {
        ShopifyError::Throttled { retry_after } => Outcome::Retry {
            after: Some(*retry_after),
            reason,
        },
        ShopifyError::Unauthorized => Outcome::WaitFor {
            cause: connection_cause(shop),
            reason,
        },
        ShopifyError::AccessDenied { .. } => Outcome::WaitFor {
            cause: scopes_cause(shop),
            reason,
        },
        ShopifyError::Unreachable { .. } | ShopifyError::Unexpected(_) => Outcome::retry(reason),
        ShopifyError::Rejected { .. }
        | ShopifyError::UserErrors { .. }
        | ShopifyError::TooExpensive { .. } => Outcome::dead(reason),
    }
}
