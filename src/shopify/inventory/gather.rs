//! Marks become numbers to be looked at: many marks of a variant at a place are one.
use std::collections::{BTreeMap, HashMap, HashSet};

use super::queries::levels::{self, Due, Pair};
use super::queries::marks::{self, MarkRow};
use super::queries::parts;
use super::queries::{self, PlaceRow};
use super::{MarkKind, Master};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::shops::Shop;
use crate::types::{At, ProductId, VariantId};

/// Marks of one transaction.
const AT_ONCE: i64 = 500;

/// Takes a store's oldest marks away and has what they are about looked at. Returns whether there may be more.
///
/// # Errors
///
/// The database's.
pub(super) fn gather(conn: &mut DbConnection, shop: &Shop, now: At) -> Result<bool, DbError> {
    let marks = marks::list(conn, shop.id, AT_ONCE)?;
    if marks.is_empty() {
        return Ok(false);
    }
    let places = queries::list_places(conn, shop.id)?;
    let variants = Variants::load(conn, shop, &marks)?;
    let mut due: BTreeMap<Pair, Due> = BTreeMap::new();
    for mark in &marks {
        if mark.kind == MarkKind::Told {
            told(conn, shop, mark, (&places, &variants), (&mut due, now))?;
        } else {
            changed(mark, (&places, &variants), (&mut due, now));
        }
    }
    let pairs: Vec<Pair> = due.keys().copied().collect();
    levels::ensure(conn, shop.id, &pairs)?;
    for (pair, due) in due {
        levels::mark_due(conn, pair, due)?;
    }
    let ids: Vec<i64> = marks.iter().map(|mark| mark.id).collect();
    marks::delete(conn, &ids)?;
    Ok(true)
}

/// The mapped variants that some marks are about.
struct Variants {
    by_product: HashMap<ProductId, Vec<VariantId>>,
    /// By the digits of their inventory item.
    by_item: HashMap<String, VariantId>,
}

impl Variants {
    fn load(conn: &mut DbConnection, shop: &Shop, marks: &[MarkRow]) -> Result<Variants, DbError> {
        let products: HashSet<ProductId> = marks.iter().filter_map(|it| it.product_id).collect();
        let products: Vec<ProductId> = products.into_iter().collect();
        let items: HashSet<String> = marks
            .iter()
            .filter_map(|mark| mark.item_external_id.clone())
            .collect();
        let items: Vec<String> = items.into_iter().collect();
        let mut by_product: HashMap<ProductId, Vec<VariantId>> = HashMap::new();
        for (product, variant) in parts::list_variants_with(conn, shop.id, &products)? {
            by_product.entry(product).or_default().push(variant);
        }
        let told = parts::list_by_item(conn, shop.id, &items)?;
        let ids: Vec<VariantId> = told.iter().map(|(_item, variant)| *variant).collect();
        let mapped: HashSet<VariantId> = parts::list_parts(conn, &ids)?
            .into_iter()
            .map(|(variant, ..)| variant)
            .collect();
        let by_item = told
            .into_iter()
            .filter(|(_item, variant)| mapped.contains(variant))
            .filter_map(|(item, variant)| Some((item?, variant)))
            .collect();
        Ok(Variants {
            by_product,
            by_item,
        })
    }
}

/// Something changed here: the variants that hold the item, at the places that are this location.
fn changed(
    mark: &MarkRow,
    (places, variants): (&[PlaceRow], &Variants),
    (due, now): (&mut BTreeMap<Pair, Due>, At),
) {
    let of = mark.product_id.and_then(|id| variants.by_product.get(&id));
    for place in places.iter().filter(|place| place.active) {
        let Some(location) = place.location else {
            continue;
        };
        let is_meant = mark.location_id.is_none_or(|meant| meant == location);
        // Promises of ours change nothing of what lies there.
        let is_told = place.master == Master::Erp || mark.kind != MarkKind::Promised;
        if !is_meant || !is_told {
            continue;
        }
        let must_read = place.master == Master::Store || mark.kind == MarkKind::Asked;
        for variant in of.into_iter().flatten() {
            add(due, (*variant, place.id), mark, must_read, now);
        }
    }
}

/// The store told a number: it is kept, and looked at where it is another than the known one. Our own comes back as
/// what is known already.
fn told(
    conn: &mut DbConnection,
    shop: &Shop,
    mark: &MarkRow,
    (places, variants): (&[PlaceRow], &Variants),
    (due, now): (&mut BTreeMap<Pair, Due>, At),
) -> Result<(), DbError> {
    let item = mark.item_external_id.as_deref().unwrap_or_default();
    let external = mark.place_external_id.as_deref();
    let place = places
        .iter()
        .find(|place| Some(place.external_id.as_str()) == external);
    let (Some(variant), Some(place)) = (variants.by_item.get(item), place) else {
        return Ok(());
    };
    let pair = (*variant, place.id);
    levels::ensure(conn, shop.id, &[pair])?;
    let at = mark.told_at.unwrap_or(mark.made_at);
    let is_new = levels::set_told(conn, pair, mark.available, at)?;
    let is_master = place.master == Master::Store;
    if is_new || is_master {
        add(due, pair, mark, is_master || mark.available.is_none(), now);
    }
    Ok(())
}

fn add(due: &mut BTreeMap<Pair, Due>, pair: Pair, mark: &MarkRow, must_read: bool, now: At) {
    let one = due.entry(pair).or_insert(Due {
        at: now,
        since: mark.made_at,
        by: None,
        must_read: false,
        again: false,
    });
    one.must_read |= must_read;
    one.again |= mark.kind == MarkKind::Asked;
    one.by = mark.made_by.or(one.by);
}
