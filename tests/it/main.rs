//! All integration tests, one binary. They enter by HTTP and look at what a person would look at.

mod account;
mod api;
mod architecture;
mod audit;
mod browser;
mod compliance;
mod connecting;
mod embed;
mod events;
mod graphql;
mod keys;
mod kill;
mod mapping;
mod order_pages;
mod personal_data;
mod practice;
mod queue;
mod receiving_orders;
mod routes;
mod schema;
mod shipping;
mod signing_in;
mod stores;
mod support;
mod topics;
mod webhooks;
