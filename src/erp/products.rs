//! Our own products (on screen: items). Order intake never makes, changes or deletes one.
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, ProductId};

pub mod by_sku;
pub mod queries;

crate::text_enum! {
    /// How single pieces are told apart.
    Tracking { None = "none", Lot = "lot", Serial = "serial" }
}

/// A product that is about to be made.
#[derive(Clone, Debug, Default)]
pub struct NewProduct {
    pub sku: String,
    pub name: String,
    pub barcode: Option<String>,
    pub weight_grams: Option<i64>,
    pub ships: bool,
}

/// Why a product cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProductError {
    #[error("an item needs a SKU")]
    NoSku,
    #[error("an item needs a name")]
    NoName,
    #[error("SKU {0} is already in use")]
    SkuTaken(String),
    #[error("item {0} does not exist")]
    NotFound(ProductId),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Makes a product.
///
/// # Errors
///
/// `NoSku`, `NoName`, `SkuTaken`.
pub fn create(
    conn: &mut DbConnection,
    product: &NewProduct,
    now: At,
) -> Result<ProductId, ProductError> {
    let sku = product.sku.trim();
    if sku.is_empty() {
        return Err(ProductError::NoSku);
    }
    if product.name.trim().is_empty() {
        return Err(ProductError::NoName);
    }
    if queries::find_by_sku(conn, sku)?.is_some() {
        return Err(ProductError::SkuTaken(sku.to_owned()));
    }
    Ok(queries::insert(
        conn,
        &queries::NewRow {
            sku,
            sku_normal: &normal_code(sku).unwrap_or_default(),
            name: product.name.trim(),
            barcode: product.barcode.as_deref(),
            barcode_normal: product.barcode.as_deref().and_then(normal_code),
            weight_grams: product.weight_grams,
            ships: product.ships,
            created_at: now,
        },
    )?)
}

/// A SKU or barcode as it is compared: in small letters, without spaces around it. `None` where
/// nothing is left.
#[must_use]
pub fn normal_code(code: &str) -> Option<String> {
    let normal = code.trim().to_lowercase();
    (!normal.is_empty()).then_some(normal)
}

/// Finds a product by its SKU.
///
/// # Errors
///
/// The database's.
pub fn find_by_sku(conn: &mut DbConnection, sku: &str) -> Result<Option<ProductId>, DbError> {
    Ok(queries::find_by_sku(conn, sku.trim())?.map(|row| row.id))
}
