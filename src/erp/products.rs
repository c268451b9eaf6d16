//! Our own products (on screen: items). Order intake never makes, changes or deletes one.
use serde_json::json;

use crate::erp::audit;
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, ProductId, UserId};

pub mod by_sku;
pub mod queries;
pub mod search;

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

/// Why pieces cannot be told apart in another way.
#[derive(Debug, thiserror::Error)]
pub enum TrackingError {
    #[error("item {0} does not exist")]
    NotFound(ProductId),
    /// In a sentence for who asked.
    #[error("{0}")]
    LotsInStock(&'static str),
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
    let (name, barcode) = (product.name.trim(), product.barcode.as_deref());
    let id = queries::insert(
        conn,
        &queries::NewRow {
            sku,
            sku_normal: &normal_code(sku).unwrap_or_default(),
            name,
            barcode,
            barcode_normal: barcode.and_then(normal_code),
            weight_grams: product.weight_grams,
            ships: product.ships,
            created_at: now,
        },
    )?;
    queries::search::insert(conn, id, &search::terms(sku, name, barcode))?;
    Ok(id)
}

/// Says how the pieces of a product are told apart from now on. What lies there without a lot can be named later.
///
/// # Errors
///
/// `LotsInStock` where pieces lie in lots that would have none, or several in what would be one serial number; `NotFound`.
pub fn set_tracking(
    conn: &mut DbConnection,
    product: ProductId,
    tracking: Tracking,
    user: Option<UserId>,
    now: At,
) -> Result<(), TrackingError> {
    let row = queries::find(conn, product)?.ok_or(TrackingError::NotFound(product))?;
    if row.tracking == tracking {
        return Ok(());
    }
    let largest = queries::largest_lot(conn, product)?.unwrap_or(0);
    match tracking {
        Tracking::None if largest > 0 => {
            return Err(TrackingError::LotsInStock(
                "Pieces of this item lie in lots. Count the lots to nothing first.",
            ));
        }
        Tracking::Serial if largest > 1 => {
            return Err(TrackingError::LotsInStock(
                "Several pieces lie in one lot. A serial number is one piece: count the lots to nothing first.",
            ));
        }
        Tracking::None | Tracking::Lot | Tracking::Serial => {}
    }
    queries::set_tracking(conn, product, tracking)?;
    let arguments = json!({ "tracking": tracking.to_string() });
    let subject = format!("product/{product}");
    let kind = audit::Kind::TrackingChanged;
    audit::record(conn, user, kind, &subject, &arguments, now)?;
    Ok(())
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
