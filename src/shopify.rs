//! The Shopify connector: what the core asks of the shop and what the shop tells the core.
pub mod graphql;
pub mod webhooks;

use secrecy::SecretString;

/// The scopes asked for where `SHOPIFY_SCOPES` says nothing: what these features need, without
/// `read_all_orders`, which Shopify grants on application only.
pub const DEFAULT_SCOPES: &str = "read_orders,write_orders,read_customers,write_customers,\
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
}
