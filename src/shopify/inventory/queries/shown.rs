//! SQL of what pages say beside the numbers: titles, SKUs, people.
use diesel::dsl::exists;
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::{products, shopify_variants as v, users};
use crate::types::{ProductId, ShopId, UserId, VariantId};

/// What variants are called: product, variant.
pub(in crate::shopify::inventory) fn list_titles(
    conn: &mut DbConnection,
    variants: &[VariantId],
) -> Result<Vec<(VariantId, String, Option<String>)>, DbError> {
    Ok(v::table
        .filter(v::id.eq_any(variants.to_vec()))
        .order(v::id)
        .select((v::id, v::product_title, v::variant_title))
        .load(conn)?)
}

pub(in crate::shopify::inventory) fn list_skus(
    conn: &mut DbConnection,
    ids: &[ProductId],
) -> Result<Vec<(ProductId, String)>, DbError> {
    Ok(products::table
        .filter(products::id.eq_any(ids.to_vec()))
        .select((products::id, products::sku))
        .load(conn)?)
}

pub(in crate::shopify::inventory) fn list_people(
    conn: &mut DbConnection,
    ids: &[UserId],
) -> Result<Vec<(UserId, String)>, DbError> {
    Ok(users::table
        .filter(users::id.eq_any(ids.to_vec()))
        .select((users::id, users::name))
        .load(conn)?)
}

/// Whether a store sells something under an item's SKU that somebody said is nothing of ours.
pub(in crate::shopify::inventory) fn is_ignored(
    conn: &mut DbConnection,
    shop: ShopId,
    product: ProductId,
) -> Result<bool, DbError> {
    let same = v::table
        .inner_join(products::table.on(v::sku_normal.eq(products::sku_normal.nullable())))
        .filter(products::id.eq(product))
        .filter(v::shop_id.eq(shop))
        .filter(v::ignored_at.is_not_null())
        .filter(v::deleted_at.is_null());
    Ok(diesel::select(exists(same)).get_result(conn)?)
}
