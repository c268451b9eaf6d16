//! The business core: orders, stock, customers. It names no outside service.
pub mod alerts;
pub mod audit;
pub mod changes;
pub mod channels;
pub mod counts;
pub mod customers;
pub mod events;
pub mod holds;
pub mod locations;
pub mod orders;
pub mod personal_data;
pub mod products;
pub mod setup;
pub mod shipping;
pub mod stock;
pub mod timeline;
pub mod users;
