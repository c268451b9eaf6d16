//! Many mappings at one stroke: what has the very same SKU on both sides, and taking a batch back while it is fresh.
//! Some hundreds are done at once; more are the work of a job, in short steps that let others in between.
pub mod jobs;

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::parts::Parts;
use super::rules::{self, queries as codes};
use super::{By, Change, MappingError, Origin, Reason, blocking, map, queries, unmap};
use crate::erp::audit::{self, Kind};
use crate::erp::products::queries as items;
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::products::queries::{self as variants, VariantRow};
use crate::shopify::shops::Shop;
use crate::types::{ProductId, VariantId};

/// How long a batch can be undone at one stroke.
pub const UNDO_WINDOW: Duration = Duration::from_secs(10 * 60);
/// More variants than this are mapped, or taken back, by a job.
pub const AT_ONCE: usize = 500;

/// A variant and the item with the very same SKU.
#[derive(Clone, Debug)]
pub struct ExactMatch {
    pub variant: VariantRow,
    pub product: ProductId,
    pub product_name: String,
    pub blocks: i64,
}

/// What some unmapped variants have in common with items.
#[derive(Clone, Debug, Default)]
pub struct Look {
    pub matches: Vec<(VariantId, ProductId)>,
    /// There are more variants behind this one.
    pub next: Option<VariantId>,
}

/// The store's next `most` unmapped variants with a SKU, and those of them whose SKU is that of exactly one item, and
/// of no other variant of the store. SKUs are compared as suggestions compare them: without case and without spaces
/// around them.
///
/// # Errors
///
/// The database's.
pub fn look(
    conn: &mut DbConnection,
    shop: &Shop,
    after: VariantId,
    most: i64,
) -> Result<Look, DbError> {
    let coded = codes::list_unmapped(conn, shop.id, after, most)?;
    let is_full = i64::try_from(coded.len()).is_ok_and(|count| count >= most);
    Ok(Look {
        next: coded.last().map(|row| row.id).filter(|_| is_full),
        matches: rules::same_sku(conn, shop.id, coded)?,
    })
}

/// These matches, as people look at them.
///
/// # Errors
///
/// The database's.
pub fn shown(
    conn: &mut DbConnection,
    shop: &Shop,
    matches: &[(VariantId, ProductId)],
) -> Result<Vec<ExactMatch>, DbError> {
    let products: Vec<ProductId> = matches.iter().map(|(_variant, product)| *product).collect();
    let names: HashMap<ProductId, String> = items::names(conn, &products)?.into_iter().collect();
    let ids: Vec<VariantId> = matches.iter().map(|(variant, _product)| *variant).collect();
    let rows = variants::list_by_ids(conn, &ids)?;
    let external: Vec<&str> = rows.iter().map(|row| row.external_id.as_str()).collect();
    let blocking = blocking(conn, shop, &external)?;
    let products: HashMap<VariantId, ProductId> = matches.iter().copied().collect();
    let found = rows.into_iter().filter_map(|variant| {
        let product = *products.get(&variant.id)?;
        Some(ExactMatch {
            blocks: blocking.get(&variant.external_id).copied().unwrap_or(0),
            product_name: names.get(&product).cloned().unwrap_or_default(),
            product,
            variant,
        })
    });
    Ok(found.collect())
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
    for some in shown.chunks(AT_ONCE) {
        let coded = codes::list_still_unmapped(conn, by.shop.id, some)?;
        let matches = rules::same_sku(conn, by.shop.id, coded)?;
        let (mapped, freed) = accept_some(conn, by, &matches, &change.batch)?;
        change.variants += mapped;
        change.orders_freed += freed;
    }
    if change.variants > 0 {
        note_many(conn, by, Kind::MappingsAccepted, change.variants)?;
    }
    Ok(change)
}

/// Maps these variants; returns how many, and how many orders that freed.
fn accept_some(
    conn: &mut DbConnection,
    by: By<'_>,
    matches: &[(VariantId, ProductId)],
    batch: &str,
) -> Result<(usize, usize), MappingError> {
    let (mut mapped, mut freed) = (0, 0);
    for (variant, product) in matches {
        let Some(row) = variants::find(conn, *variant)? else {
            continue;
        };
        let part = Parts::new([(*product, 1)])?;
        match map(conn, by, &row, &part, Reason::new(Origin::Sku, batch)) {
            Ok(orders) => freed += orders,
            // A person was quicker.
            Err(MappingError::AlreadyMapped) => continue,
            Err(error) => return Err(error),
        }
        mapped += 1;
    }
    Ok((mapped, freed))
}

/// Whether a batch is fresh and so large that a job takes it back.
///
/// # Errors
///
/// `TooLate`.
pub fn is_large(conn: &mut DbConnection, by: By<'_>, batch: &str) -> Result<bool, MappingError> {
    let since = by.now.before(UNDO_WINDOW);
    if !queries::is_fresh(conn, by.shop.id, batch, since)? {
        return Err(MappingError::TooLate);
    }
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX).saturating_add(1);
    Ok(queries::list_batch(conn, by.shop.id, batch, limit)?.len() > AT_ONCE)
}

/// Takes back a batch of up to [`AT_ONCE`] variants while it is fresh. Returns how many variants are unmapped again.
///
/// # Errors
///
/// `TooLate`.
pub fn undo(conn: &mut DbConnection, by: By<'_>, batch: &str) -> Result<usize, MappingError> {
    let since = by.now.before(UNDO_WINDOW);
    if !queries::is_fresh(conn, by.shop.id, batch, since)? {
        return Err(MappingError::TooLate);
    }
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let undone = undo_some(conn, by, batch, limit)?;
    note_many(conn, by, Kind::MappingsUndone, undone)?;
    Ok(undone)
}

/// Takes back the next variants of a batch; none: it is undone.
fn undo_some(
    conn: &mut DbConnection,
    by: By<'_>,
    batch: &str,
    most: i64,
) -> Result<usize, MappingError> {
    let variants = queries::list_batch(conn, by.shop.id, batch, most)?;
    for variant in &variants {
        unmap(conn, by, *variant)?;
    }
    Ok(variants.len())
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
