//! SQL of `products`.
pub mod search;

use diesel::prelude::*;

use super::Tracking;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{products, stock_levels};
use crate::types::{At, ProductId};

/// A product as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = products)]
pub struct ProductRow {
    pub id: ProductId,
    pub sku: String,
    pub name: String,
    pub barcode: Option<String>,
    pub unit: String,
    pub weight_grams: Option<i64>,
    pub tracking: Tracking,
    pub ships: bool,
    pub hs_code: Option<String>,
    pub origin: Option<String>,
    pub active: bool,
    pub created_at: At,
}

#[derive(Insertable)]
#[diesel(table_name = products)]
pub(super) struct NewRow<'a> {
    pub(super) sku: &'a str,
    /// As SKUs are compared, whatever their case.
    pub(super) sku_normal: &'a str,
    pub(super) name: &'a str,
    pub(super) barcode: Option<&'a str>,
    /// As barcodes are compared.
    pub(super) barcode_normal: Option<String>,
    pub(super) weight_grams: Option<i64>,
    pub(super) ships: bool,
    pub(super) created_at: At,
}

pub(super) fn insert(conn: &mut DbConnection, row: &NewRow<'_>) -> Result<ProductId, DbError> {
    Ok(diesel::insert_into(products::table)
        .values(row)
        .returning(products::id)
        .get_result(conn)?)
}

/// Finds a product.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, id: ProductId) -> Result<Option<ProductRow>, DbError> {
    Ok(products::table
        .find(id)
        .select(ProductRow::as_select())
        .first(conn)
        .optional()?)
}

pub(super) fn set_tracking(
    conn: &mut DbConnection,
    id: ProductId,
    tracking: Tracking,
) -> Result<(), DbError> {
    diesel::update(products::table.find(id))
        .set(products::tracking.eq(tracking))
        .execute(conn)?;
    Ok(())
}

/// The most pieces that lie or are promised in one lot of a product; `None` where none has any.
pub(super) fn largest_lot(conn: &mut DbConnection, id: ProductId) -> Result<Option<i64>, DbError> {
    Ok(stock_levels::table
        .filter(stock_levels::product_id.eq(id))
        .filter(stock_levels::lot_id.is_not_null())
        .select(diesel::dsl::max(stock_levels::on_hand))
        .get_result(conn)?)
}

/// Finds a product by its exact SKU.
///
/// # Errors
///
/// The database's.
pub fn find_by_sku(conn: &mut DbConnection, sku: &str) -> Result<Option<ProductRow>, DbError> {
    Ok(products::table
        .filter(products::sku.eq(sku))
        .select(ProductRow::as_select())
        .first(conn)
        .optional()?)
}

/// The products that have one of these SKUs, as SKUs are compared.
///
/// # Errors
///
/// The database's.
pub fn list_by_skus(
    conn: &mut DbConnection,
    normal: &[String],
) -> Result<Vec<ProductRow>, DbError> {
    Ok(products::table
        .filter(products::sku_normal.eq_any(normal.to_vec()))
        .order(products::id)
        .select(ProductRow::as_select())
        .load(conn)?)
}

/// A page of products by name, of all or of these alone; `after` is the last row of the page before.
pub(super) fn list(
    conn: &mut DbConnection,
    these: Option<&[ProductId]>,
    after: Option<(&str, ProductId)>,
    limit: i64,
) -> Result<Vec<ProductRow>, DbError> {
    let mut query = products::table.select(ProductRow::as_select()).into_boxed();
    if let Some(these) = these {
        query = query.filter(products::id.eq_any(these.to_vec()));
    }
    if let Some((name, id)) = after {
        // The first filter says less than the second, but it is one that an index can begin at.
        query = query
            .filter(products::name.ge(name.to_owned()))
            .filter(products::name.gt(name.to_owned()).or(products::id.gt(id)));
    }
    Ok(query
        .order((products::name.asc(), products::id.asc()))
        .limit(limit)
        .load(conn)?)
}

/// Products after an id, the oldest first; with `sku` exactly that one.
///
/// # Errors
///
/// The database's.
pub fn list_by_id(
    conn: &mut DbConnection,
    sku: Option<&str>,
    after: ProductId,
    limit: i64,
) -> Result<Vec<ProductRow>, DbError> {
    let mut query = products::table
        .filter(products::id.gt(after))
        .order(products::id.asc())
        .limit(limit)
        .select(ProductRow::as_select())
        .into_boxed();
    if let Some(sku) = sku {
        query = query.filter(products::sku.eq(sku.to_owned()));
    }
    Ok(query.load(conn)?)
}

/// What these products are called.
///
/// # Errors
///
/// The database's.
pub fn names(
    conn: &mut DbConnection,
    ids: &[ProductId],
) -> Result<Vec<(ProductId, String)>, DbError> {
    Ok(products::table
        .filter(products::id.eq_any(ids.to_vec()))
        .select((products::id, products::name))
        .load(conn)?)
}

/// How many products there are.
///
/// # Errors
///
/// The database's.
pub fn count(conn: &mut DbConnection) -> Result<i64, DbError> {
    Ok(products::table.count().get_result(conn)?)
}

/// A pattern that finds `text` anywhere, with its own wildcards made harmless.
pub(crate) fn like(text: &str) -> String {
    let plain = text
        .to_lowercase()
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{plain}%")
}
