//! Counterfoil: the ERP's half of every Shopify order.
//!
//! The rooms and who may know whom (a test keeps the arrows):
//! `types <- platform <- erp <- shopify <- web <- {app, wiring, main}`; `practice` stands apart.
//!
//! - `types`: money, ids, moments; `schema`: the tables, read by `queries.rs` files alone
//! - `platform`: database, inbox, queue, jobs, worker, retention, secrets, clock; no business word
//! - `erp`: orders, holds, stock with its receipts, transfers and counts, shipping, deliveries, refunds, returns,
//!   customers, items, users; no service named
//! - `shopify`: OAuth, stores, GraphQL, webhooks, translation, mappings, stock sync, questions about
//!   each order (`enrich`), reconciliation, pushes
//! - `web`: pages, forms, JSON; `routes.rs` is every address with who may come in
//! - `practice`: a Shopify stand-in that shares no code with `shopify`
//! - `app` builds it all, `wiring` joins events and jobs, `commands` is what the program does
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
