//! SQL that applying an event needs of the connector's tables.
use std::collections::HashMap;

use diesel::prelude::*;

use crate::erp::orders::Resolution;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{
    order_lines, shipment_lines, shipments, shopify_fulfillments, shopify_product_mappings,
    shopify_variants,
};
use crate::types::{At, ProductId, ShopId};

/// A fulfilment that we made, or are about to make: then it has no gid yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ours {
    pub(super) gid: Option<String>,
    pub(super) lines: Vec<(String, i64)>,
}

/// Variant, when it was ignored, product, quantity.
type MappingRow = (String, Option<At>, Option<ProductId>, Option<i64>);

/// What these variants of the shop stand for; a variant nobody mapped is not in the answer.
pub(crate) fn resolutions(
    conn: &mut DbConnection,
    shop: ShopId,
    variants: &[&str],
) -> Result<HashMap<String, Resolution>, DbError> {
    if variants.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<MappingRow> = shopify_variants::table
        .left_join(
            shopify_product_mappings::table.on(shopify_product_mappings::variant_id
                .eq(shopify_variants::id)
                .and(shopify_product_mappings::removed_at.is_null())),
        )
        .filter(shopify_variants::shop_id.eq(shop))
        .filter(shopify_variants::external_id.eq_any(variants.to_vec()))
        .select((
            shopify_variants::external_id,
            shopify_variants::ignored_at,
            shopify_product_mappings::product_id.nullable(),
            shopify_product_mappings::quantity.nullable(),
        ))
        .load(conn)?;
    let mut known: HashMap<String, Resolution> = HashMap::new();
    for (variant, ignored_at, product, quantity) in rows {
        match (product, quantity) {
            (Some(product), Some(quantity)) => {
                let part = (product, quantity);
                match known.get_mut(&variant) {
                    Some(Resolution::Parts(parts)) => parts.push(part),
                    Some(Resolution::Ignored) | None => {
                        known.insert(variant, Resolution::Parts(vec![part]));
                    }
                }
            }
            // A mapping without a product says that the variant is nothing of ours.
            (None, Some(_)) => {
                known.entry(variant).or_insert(Resolution::Ignored);
            }
            (_, None) if ignored_at.is_some() => {
                known.entry(variant).or_insert(Resolution::Ignored);
            }
            (_, None) => {}
        }
    }
    Ok(known)
}

/// Our own pushes for an order, with their lines.
pub(super) fn our_fulfillments(
    conn: &mut DbConnection,
    shop: ShopId,
    order: &str,
) -> Result<Vec<Ours>, DbError> {
    let rows: Vec<(i64, Option<String>, String, i64)> = shopify_fulfillments::table
        .inner_join(
            shipments::table.inner_join(shipment_lines::table.inner_join(order_lines::table)),
        )
        .filter(shopify_fulfillments::shop_id.eq(shop))
        .filter(shopify_fulfillments::order_external_id.eq(order))
        .filter(shopify_fulfillments::state.ne("refused"))
        .order(shopify_fulfillments::id.asc())
        .select((
            shopify_fulfillments::id,
            shopify_fulfillments::fulfillment_gid,
            order_lines::external_id,
            shipment_lines::quantity,
        ))
        .load(conn)?;
    let mut ours: Vec<(i64, Ours)> = Vec::new();
    for (id, gid, line, quantity) in rows {
        match ours.last_mut() {
            Some((last, one)) if *last == id => one.lines.push((line, quantity)),
            Some(_) | None => ours.push((
                id,
                Ours {
                    gid,
                    lines: vec![(line, quantity)],
                },
            )),
        }
    }
    Ok(ours.into_iter().map(|(_id, one)| one).collect())
}
