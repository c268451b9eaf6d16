//! The business core: orders, stock, customers. It names no outside service.
pub mod channels;
pub mod counts;
pub mod locations;
pub mod users;
