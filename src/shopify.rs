//! The Shopify connector: what the core asks of the shop and what the shop tells the core.
pub mod graphql;
