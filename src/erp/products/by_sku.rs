//! Items by the SKUs that people write: as it is spelled, else whatever its case where one item alone has it.
use std::collections::HashMap;

use super::normal_code;
use super::queries::{self, ProductRow};
use crate::platform::db::{DbConnection, DbError};

/// The items that have one of some SKUs, whatever its case.
#[derive(Clone, Debug, Default)]
pub struct BySku(HashMap<String, Vec<ProductRow>>);

/// Why a SKU names no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SkuError {
    #[error("no item has this SKU")]
    Unknown,
    #[error("several items have this SKU in other capitals: write it exactly")]
    Several,
    #[error("this item is archived")]
    Archived,
}

impl BySku {
    /// Reads the items of these SKUs.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn read<'a>(
        conn: &mut DbConnection,
        skus: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, DbError> {
        let normal: Vec<String> = skus.into_iter().filter_map(normal_code).collect();
        let mut found: HashMap<String, Vec<ProductRow>> = HashMap::new();
        if normal.is_empty() {
            return Ok(Self(found));
        }
        for row in queries::list_by_skus(conn, &normal)? {
            let key = normal_code(&row.sku).unwrap_or_default();
            found.entry(key).or_default().push(row);
        }
        Ok(Self(found))
    }

    /// The one item that this SKU names.
    ///
    /// # Errors
    ///
    /// Why it names none.
    pub fn find(&self, sku: &str) -> Result<&ProductRow, SkuError> {
        let key = normal_code(sku).unwrap_or_default();
        let rows = self.0.get(&key).map_or(&[][..], Vec::as_slice);
        let exact = rows.iter().find(|row| row.sku == sku.trim());
        let row = match (exact, rows) {
            (Some(row), _) => row,
            (None, []) => return Err(SkuError::Unknown),
            (None, [row]) => row,
            (None, [_, _, ..]) => return Err(SkuError::Several),
        };
        if row.active {
            Ok(row)
        } else {
            Err(SkuError::Archived)
        }
    }
}
