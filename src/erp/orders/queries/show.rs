//! What one order's page shows beside its row.
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::order_versions;
use crate::types::{At, OrderId};

/// What an edit changed, as JSON.
#[derive(Clone, Debug, Queryable)]
pub struct VersionRow {
    pub version: i64,
    pub at: At,
    pub difference: String,
}

/// The edits of an order, newest first.
///
/// # Errors
///
/// The database's.
pub fn list_versions(conn: &mut DbConnection, order: OrderId) -> Result<Vec<VersionRow>, DbError> {
    Ok(order_versions::table
        .filter(order_versions::order_id.eq(order))
        .order(order_versions::version.desc())
        .select((
            order_versions::version,
            order_versions::at,
            order_versions::difference,
        ))
        .load(conn)?)
}
