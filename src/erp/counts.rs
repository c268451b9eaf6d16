//! The numbers beside the navigation: what waits for a person in the core and the queues.
use crate::erp::deliveries;
use crate::platform::db::{DbConnection, DbError};

pub mod queries;

/// How many rows of each kind wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Orders of the list "To ship".
    pub to_ship: i64,
    /// Products of connected stores without an item.
    pub unmapped: i64,
    /// Events and jobs that gave up.
    pub dead: i64,
    /// Deliveries that nobody drives yet.
    pub undriven: i64,
    /// A store delivers itself.
    pub delivers: bool,
}

/// Counts what the core knows; products are the connectors' to count.
///
/// # Errors
///
/// The database's.
pub fn count(conn: &mut DbConnection) -> Result<Counts, DbError> {
    Ok(Counts {
        to_ship: queries::count_to_ship(conn)?,
        unmapped: 0,
        dead: queries::count_dead(conn)?,
        undriven: deliveries::queries::list::count_pending(conn)?,
        delivers: deliveries::rule::is_any(conn)?,
    })
}
