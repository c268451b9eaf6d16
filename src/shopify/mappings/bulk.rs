//! Many mappings at one stroke: what has the very same SKU on both sides, and taking a batch back while it is fresh.
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::parts::Parts;
use super::{By, Change, MappingError, Origin, Reason, blocking, map, queries, unmap};
use crate::erp::audit::{self, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::products::queries::VariantRow;
use crate::shopify::shops::Shop;
use crate::types::{ProductId, VariantId};

/// How long a batch can be undone at one stroke.
pub const UNDO_WINDOW: Duration = Duration::from_secs(10 * 60);

/// A variant and the item with the very same SKU.
#[derive(Clone, Debug)]
pub struct ExactMatch {
    pub variant: VariantRow,
    pub product: ProductId,
    pub product_name: String,
    pub blocks: i64,
}

/// The unmapped variants whose SKU is that of exactly one item, and of no other variant of the store.
/// SKUs are compared as suggestions compare them: without case and without spaces around them.
///
/// # Errors
///
/// The database's.
pub fn exact_matches(conn: &mut DbConnection, shop: &Shop) -> Result<Vec<ExactMatch>, DbError> {
    let blocking = blocking(conn, shop)?;
    let rows = queries::list_same_sku(conn, shop.id)?;
    let pairs = rows.iter().map(|(row, sku, ..)| (row.id, sku.as_str()));
    let certain = certain(conn, shop, pairs)?;
    Ok(rows
        .into_iter()
        .filter(|(row, ..)| certain.contains(&row.id))
        .map(|(variant, _sku, product, product_name)| ExactMatch {
            blocks: blocking.get(&variant.external_id).copied().unwrap_or(0),
            variant,
            product,
            product_name,
        })
        .collect())
}

/// How many [`exact_matches`] there are.
///
/// # Errors
///
/// The database's.
pub fn count_exact(conn: &mut DbConnection, shop: &Shop) -> Result<usize, DbError> {
    let pairs = queries::list_pairs(conn, shop.id)?;
    let pairs = pairs.iter().map(|(id, sku)| (*id, sku.as_str()));
    Ok(certain(conn, shop, pairs)?.len())
}

/// Of the variants beside items of their SKU, those about which there is no doubt: one item alone has
/// it, and no other variant of the store, mapped or not.
fn certain<'a>(
    conn: &mut DbConnection,
    shop: &Shop,
    pairs: impl Iterator<Item = (VariantId, &'a str)>,
) -> Result<HashSet<VariantId>, DbError> {
    let shared = queries::list_shared_skus(conn, shop.id)?;
    let shared: HashSet<String> = shared.into_iter().flatten().collect();
    let mut items: HashMap<VariantId, usize> = HashMap::new();
    for (variant, sku) in pairs {
        if !shared.contains(sku) {
            *items.entry(variant).or_default() += 1;
        }
    }
    items.retain(|_variant, items| *items == 1);
    Ok(items.into_keys().collect())
}

/// Accepts those exact matches that were shown and still are.
///
/// # Errors
///
/// `Order`, `Db`.
pub fn accept_exact(
    conn: &mut DbConnection,
    by: By<'_>,
    shown: &[VariantId],
) -> Result<Change, MappingError> {
    let mut change = Change {
        batch: Uuid::now_v7().to_string(),
        variants: 0,
        orders_freed: 0,
    };
    for one in exact_matches(conn, by.shop)? {
        if shown.contains(&one.variant.id) {
            let part = Parts::new([(one.product, 1)])?;
            let batch = &change.batch;
            let reason = Reason::new(Origin::Sku, batch);
            change.orders_freed += map(conn, by, &one.variant, &part, reason)?;
            change.variants += 1;
        }
    }
    if change.variants > 0 {
        note_many(conn, by, Kind::MappingsAccepted, change.variants)?;
    }
    Ok(change)
}

/// Takes back a batch while it is fresh. Returns how many variants are unmapped again.
///
/// # Errors
///
/// `TooLate`.
pub fn undo(conn: &mut DbConnection, by: By<'_>, batch: &str) -> Result<usize, MappingError> {
    let since = by.now.before(UNDO_WINDOW);
    let batch = queries::list_batch(conn, by.shop.id, batch, since)?;
    if batch.is_empty() {
        return Err(MappingError::TooLate);
    }
    for variant in &batch {
        unmap(conn, by, *variant)?;
    }
    note_many(conn, by, Kind::MappingsUndone, batch.len())?;
    Ok(batch.len())
}

fn note_many(
    conn: &mut DbConnection,
    by: By<'_>,
    kind: Kind,
    variants: usize,
) -> Result<(), DbError> {
    let subject = format!("store/{}", by.shop.id);
    let arguments = json!({ "variants": variants });
    audit::record(conn, by.user, kind, &subject, &arguments, by.now)
}
