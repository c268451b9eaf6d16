//! Counterfoil: the ERP's half of every Shopify order.
//!
//! The rooms and who may know whom (a test keeps the arrows):
//! `types <- platform <- erp <- shopify <- web <- {app, wiring, main}`; `practice` stands apart.
//!
//! Start reading with one order: `web/webhooks.rs` stores the delivery through `platform/inbox.rs`,
//! `platform/queue.rs` claims it, `shopify/orders.rs` translates it and `erp/orders.rs` books it.
pub mod app;
pub mod commands;
pub mod config;
pub mod erp;
pub mod platform;
pub mod practice;
pub mod schema;
pub mod shopify;
pub mod telemetry;
pub mod types;
pub mod web;
mod wiring;
