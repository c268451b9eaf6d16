//! What the page of one delivery shows beside its row.
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::{channels, delivery_lines, order_lines};
use crate::types::{ChannelId, DeliveryId, OrderLineId};

/// A line of a delivery.
#[derive(Clone, Debug, Queryable)]
pub struct LineRow {
    pub id: OrderLineId,
    pub title: String,
    pub variant_title: Option<String>,
    pub sku: Option<String>,
    pub current: i64,
    pub shipped: i64,
    pub elsewhere: i64,
    /// It goes another way, such as by post.
    pub goes_apart: bool,
}

impl LineRow {
    /// Title and variant as a person says them.
    #[must_use]
    pub fn label(&self) -> String {
        crate::erp::orders::incoming::label(&self.title, self.variant_title.as_deref())
    }

    /// Pieces that have been handed over.
    #[must_use]
    pub fn gone(&self) -> i64 {
        self.shipped + self.elsewhere
    }
}

/// # Errors
///
/// The database's.
pub fn list_lines(conn: &mut DbConnection, id: DeliveryId) -> Result<Vec<LineRow>, DbError> {
    Ok(delivery_lines::table
        .inner_join(order_lines::table)
        .filter(delivery_lines::delivery_id.eq(id))
        .order((order_lines::position, order_lines::id))
        .select((
            order_lines::id,
            order_lines::title,
            order_lines::variant_title,
            order_lines::sku,
            order_lines::current_quantity,
            order_lines::shipped_quantity,
            order_lines::fulfilled_elsewhere,
            delivery_lines::goes_apart,
        ))
        .load(conn)?)
}

/// The name of the store that sold it.
///
/// # Errors
///
/// The database's.
pub fn find_store(conn: &mut DbConnection, channel: ChannelId) -> Result<String, DbError> {
    Ok(channels::table
        .find(channel)
        .select(channels::name)
        .first(conn)?)
}
