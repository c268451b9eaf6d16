//! What a store's variants are found by: the words of their titles, SKUs and barcodes, each found by how it begins. As
//! for orders the words are kept beside the variant and brought up to date with it.
use std::collections::BTreeSet;

use super::queries::terms as rows;
use crate::erp::products::search::{searched, words};
use crate::erp::words;
use crate::platform::db::{DbConnection, DbError};
use crate::types::{ShopId, VariantId};

/// A word that so many variants have finds none of them by itself: the list is looked through for it instead.
const POPULAR: usize = 2_000;

/// What a search comes down to.
pub type Found = words::Found<VariantId>;

/// Finds out which variants of a store a search can mean.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, shop: ShopId, search: &str) -> Result<Found, DbError> {
    words::find(
        conn,
        (search, searched(search)),
        |conn, word| {
            let having = rows::list_with(conn, shop, word, POPULAR)?;
            Ok((having.len() < POPULAR).then_some(having))
        },
        rows::keep_with,
    )
}

/// Brings the words of these variants of a store up to date, after anything about them may have changed.
///
/// # Errors
///
/// The database's.
pub(in crate::shopify) fn refresh(
    conn: &mut DbConnection,
    shop: ShopId,
    external_ids: &[&str],
) -> Result<(), DbError> {
    let named = rows::list_named(conn, shop, external_ids)?;
    let ids: Vec<VariantId> = named.iter().map(|row| row.id).collect();
    let kept = rows::list_kept(conn, &ids)?;
    let mut over = BTreeSet::new();
    let mut new: Vec<(VariantId, String)> = Vec::new();
    for row in &named {
        let wanted = terms(row);
        let known = kept.get(&row.id);
        let gone = known
            .into_iter()
            .flatten()
            .filter(|(term, _id)| !wanted.contains(*term));
        over.extend(gone.map(|(_term, id)| *id));
        let missing = wanted
            .into_iter()
            .filter(|term| known.is_none_or(|known| !known.contains_key(term)));
        new.extend(missing.map(|term| (row.id, term)));
    }
    rows::delete(conn, &over)?;
    let new: Vec<rows::NewTerm<'_>> = new
        .iter()
        .map(|(variant, term)| rows::NewTerm {
            shop_id: shop,
            variant_id: *variant,
            term,
        })
        .collect();
    rows::insert(conn, &new)
}

fn terms(row: &rows::Named) -> BTreeSet<String> {
    let texts = [&row.variant_title, &row.sku, &row.barcode];
    let mut terms = words(&row.product_title);
    terms.extend(texts.into_iter().flatten().flat_map(|text| words(text)));
    terms
}

/// The first word behind all that begin so; both databases compare words by their bytes.
pub(super) fn behind(beginning: &str) -> String {
    format!("{beginning}{}", char::MAX)
}
