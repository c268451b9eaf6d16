//! SQL of what stands behind a store's numbers: the variants that are told of, the items they are made of, and what lies
//! of those.
use diesel::dsl::exists;
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::{shopify_product_mappings as m, shopify_variants, stock_levels};
use crate::types::{LocationId, ProductId, ShopId, VariantId};

/// What these variants are made of: variant, item, pieces.
///
/// # Errors
///
/// The database's.
pub fn list_parts(
    conn: &mut DbConnection,
    variants: &[VariantId],
) -> Result<Vec<(VariantId, ProductId, i64)>, DbError> {
    Ok(m::table
        .filter(m::variant_id.eq_any(variants.to_vec()))
        .filter(m::removed_at.is_null())
        .filter(m::product_id.is_not_null())
        .order(m::id)
        .select((m::variant_id, m::product_id.assume_not_null(), m::quantity))
        .load(conn)?)
}

/// What lies of an item at a location in one lot.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct StockRow {
    pub product: ProductId,
    pub location: LocationId,
    pub on_hand: i64,
    pub reserved: i64,
    /// Its lot is blocked or expired.
    pub barred: bool,
}

/// What lies of these items, lot by lot.
///
/// # Errors
///
/// The database's.
pub fn list_stock(
    conn: &mut DbConnection,
    products: &[ProductId],
) -> Result<Vec<StockRow>, DbError> {
    Ok(stock_levels::table
        .filter(stock_levels::product_id.eq_any(products.to_vec()))
        .select((
            stock_levels::product_id,
            stock_levels::location_id,
            stock_levels::on_hand,
            stock_levels::reserved,
            stock_levels::barred,
        ))
        .load(conn)?)
}

/// The variants of a store that hold an item.
///
/// # Errors
///
/// The database's.
pub fn list_variants_with(
    conn: &mut DbConnection,
    shop: ShopId,
    products: &[ProductId],
) -> Result<Vec<(ProductId, VariantId)>, DbError> {
    Ok(m::table
        .inner_join(shopify_variants::table)
        .filter(m::shop_id.eq(shop))
        .filter(m::product_id.assume_not_null().eq_any(products.to_vec()))
        .filter(m::product_id.is_not_null())
        .filter(m::removed_at.is_null())
        .filter(shopify_variants::deleted_at.is_null())
        .order(m::id)
        .select((m::product_id.assume_not_null(), m::variant_id))
        .load(conn)?)
}

/// The variants of these inventory items.
pub(in crate::shopify::inventory) fn list_by_item(
    conn: &mut DbConnection,
    shop: ShopId,
    items: &[String],
) -> Result<Vec<(Option<String>, VariantId)>, DbError> {
    use shopify_variants as v;
    Ok(v::table
        .filter(v::shop_id.eq(shop))
        .filter(
            v::inventory_item_external_id
                .assume_not_null()
                .eq_any(items.to_vec()),
        )
        .filter(v::deleted_at.is_null())
        .select((v::inventory_item_external_id, v::id))
        .load(conn)?)
}

/// The inventory items of these variants.
///
/// # Errors
///
/// The database's.
pub fn list_items(conn: &mut DbConnection, variants: &[VariantId]) -> Result<Vec<String>, DbError> {
    use shopify_variants as v;
    let items: Vec<Option<String>> = v::table
        .filter(v::id.eq_any(variants.to_vec()))
        .select(v::inventory_item_external_id)
        .load(conn)?;
    Ok(items.into_iter().flatten().collect())
}

/// The mapped variants of a store after one of them: those that a check compares.
pub(in crate::shopify::inventory) fn list_mapped_after(
    conn: &mut DbConnection,
    shop: ShopId,
    after: VariantId,
    limit: i64,
) -> Result<Vec<VariantId>, DbError> {
    use shopify_variants as v;
    let mapped = m::table
        .filter(m::variant_id.eq(v::id))
        .filter(m::removed_at.is_null())
        .filter(m::product_id.is_not_null());
    Ok(v::table
        .filter(v::shop_id.eq(shop))
        .filter(v::id.gt(after))
        .filter(v::deleted_at.is_null())
        .filter(v::inventory_item_external_id.is_not_null())
        .filter(exists(mapped))
        .order(v::id)
        .limit(limit)
        .select(v::id)
        .load(conn)?)
}
