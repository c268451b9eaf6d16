//! Counts variants without a mapping.
use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::{shopify_product_mappings, shopify_variants};

/// Variants that are sold, not ignored and not mapped.
///
/// # Errors
///
/// The database's.
pub fn count(conn: &mut DbConnection) -> Result<i64, DbError> {
    let mapped = shopify_product_mappings::table
        .filter(shopify_product_mappings::variant_id.eq(shopify_variants::id))
        .filter(shopify_product_mappings::removed_at.is_null());
    let count = shopify_variants::table
        .filter(shopify_variants::deleted_at.is_null())
        .filter(shopify_variants::ignored_at.is_null())
        .filter(not(exists(mapped)))
        .count()
        .get_result(conn)?;
    Ok(count)
}
