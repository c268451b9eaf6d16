//! SQL of `shopify_variant_terms`: the words that variants are found by.
use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::super::search::behind;
use crate::insert_rows;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_variant_terms::{self, self as t};
use crate::schema::shopify_variants as v;
use crate::types::{ShopId, VariantId};

/// Variants that are asked for with one statement.
const AT_ONCE: usize = 500;

#[derive(Insertable)]
#[diesel(table_name = shopify_variant_terms)]
pub(in super::super) struct NewTerm<'a> {
    pub(in super::super) shop_id: ShopId,
    pub(in super::super) variant_id: VariantId,
    pub(in super::super) term: &'a str,
}

/// What a variant is found by.
#[derive(Queryable)]
pub(in super::super) struct Named {
    pub(in super::super) id: VariantId,
    pub(in super::super) product_title: String,
    pub(in super::super) variant_title: Option<String>,
    pub(in super::super) sku: Option<String>,
    pub(in super::super) barcode: Option<String>,
}

/// At most so many variants of a store with a word that begins so.
pub(in super::super) fn list_with(
    conn: &mut DbConnection,
    shop: ShopId,
    beginning: &str,
    at_most: usize,
) -> Result<Vec<VariantId>, DbError> {
    Ok(t::table
        .filter(t::shop_id.eq(shop))
        .filter(t::term.ge(beginning))
        .filter(t::term.lt(behind(beginning)))
        .select(t::variant_id)
        .limit(i64::try_from(at_most).unwrap_or(i64::MAX))
        .load(conn)?)
}

/// Those of these variants that have a word that begins so.
pub(in super::super) fn keep_with(
    conn: &mut DbConnection,
    variants: &[VariantId],
    beginning: &str,
) -> Result<Vec<VariantId>, DbError> {
    let mut found = Vec::new();
    for some in variants.chunks(AT_ONCE) {
        let mut these: Vec<VariantId> = t::table
            .filter(t::variant_id.eq_any(some.to_vec()))
            .filter(t::term.ge(beginning))
            .filter(t::term.lt(behind(beginning)))
            .select(t::variant_id)
            .load(conn)?;
        these.sort_unstable();
        these.dedup();
        found.extend(these);
    }
    Ok(found)
}

/// What these variants of a store are called now.
pub(in super::super) fn list_named(
    conn: &mut DbConnection,
    shop: ShopId,
    external_ids: &[&str],
) -> Result<Vec<Named>, DbError> {
    Ok(v::table
        .filter(v::shop_id.eq(shop))
        .filter(v::external_id.eq_any(external_ids.to_vec()))
        .select((
            v::id,
            v::product_title,
            v::variant_title,
            v::sku,
            v::barcode,
        ))
        .load(conn)?)
}

/// The words that are kept of these variants, with their rows.
pub(in super::super) fn list_kept(
    conn: &mut DbConnection,
    variants: &[VariantId],
) -> Result<BTreeMap<VariantId, BTreeMap<String, i64>>, DbError> {
    let rows: Vec<(VariantId, String, i64)> = t::table
        .filter(t::variant_id.eq_any(variants.to_vec()))
        .select((t::variant_id, t::term, t::id))
        .load(conn)?;
    let mut kept: BTreeMap<VariantId, BTreeMap<String, i64>> = BTreeMap::new();
    for (variant, term, id) in rows {
        kept.entry(variant).or_default().insert(term, id);
    }
    Ok(kept)
}

pub(in super::super) fn insert(
    conn: &mut DbConnection,
    rows: &[NewTerm<'_>],
) -> Result<(), DbError> {
    insert_rows!(conn, t::table, rows)?;
    Ok(())
}

pub(in super::super) fn delete(
    conn: &mut DbConnection,
    ids: &BTreeSet<i64>,
) -> Result<(), DbError> {
    let ids: Vec<i64> = ids.iter().copied().collect();
    for some in ids.chunks(AT_ONCE) {
        diesel::delete(t::table.filter(t::id.eq_any(some.to_vec()))).execute(conn)?;
    }
    Ok(())
}
