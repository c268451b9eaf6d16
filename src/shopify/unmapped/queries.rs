//! Counts variants without a mapping.
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::mappings::queries::page::MOST_COUNTED;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Variants that are sold, not ignored and not mapped; the number ends at one more than [`MOST_COUNTED`].
///
/// # Errors
///
/// The database's.
pub fn count(conn: &mut DbConnection) -> Result<i64, DbError> {
    let most = MOST_COUNTED + 1;
    let text = format!(
        "SELECT count(*) AS n FROM (SELECT 1 FROM shopify_variants \
           WHERE state = 'unmapped' AND deleted_at IS NULL LIMIT {most}) counted"
    );
    let found: Count = native!(conn, |c| diesel::sql_query(&text).get_result(c))?;
    Ok(found.n)
}
