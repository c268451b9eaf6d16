//! SQL of `shopify_mapping_rules`, and of the codes that rules compare.
use diesel::prelude::*;

use super::{Question, Rules};
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_mapping_rules::{self, self as t, table};
use crate::schema::shopify_product_mappings as m;
use crate::schema::{products, shopify_variants as v};
use crate::shopify::mappings::VariantState;
use crate::types::{At, ProductId, ShopId, VariantId};

/// A variant's codes, as codes are compared.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Coded {
    pub id: VariantId,
    pub sku_normal: Option<String>,
    pub barcode_normal: Option<String>,
    pub question: Option<Question>,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = shopify_mapping_rules, treat_none_as_null = true, treat_none_as_default_value = false)]
struct RulesRow<'a> {
    shop_id: ShopId,
    sku: bool,
    barcode: bool,
    prefix: Option<&'a str>,
}

/// The rules of a store.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, shop: ShopId) -> Result<Rules, DbError> {
    let row: Option<(bool, bool, Option<String>)> = table
        .filter(t::shop_id.eq(shop))
        .select((t::sku, t::barcode, t::prefix))
        .first(conn)
        .optional()?;
    Ok(
        row.map_or_else(Rules::default, |(sku, barcode, prefix)| Rules {
            sku,
            barcode,
            prefix,
        }),
    )
}

pub(super) fn save(conn: &mut DbConnection, shop: ShopId, rules: &Rules) -> Result<(), DbError> {
    let row = RulesRow {
        shop_id: shop,
        sku: rules.sku,
        barcode: rules.barcode,
        prefix: rules.prefix.as_deref(),
    };
    native!(conn, |c| {
        diesel::insert_into(table)
            .values(&row)
            .on_conflict(t::shop_id)
            .do_update()
            .set(&row)
            .execute(c)
    })?;
    Ok(())
}

pub(super) fn list_coded(
    conn: &mut DbConnection,
    shop: ShopId,
    external_ids: &[&str],
) -> Result<Vec<Coded>, DbError> {
    Ok(v::table
        .filter(v::shop_id.eq(shop))
        .filter(v::external_id.eq_any(external_ids.to_vec()))
        .filter(v::deleted_at.is_null())
        .order(v::id)
        .select((v::id, v::sku_normal, v::barcode_normal, v::question))
        .load(conn)?)
}

/// The next variants that a store sells and that were seen since then.
pub(super) fn list_seen(
    conn: &mut DbConnection,
    shop: ShopId,
    since: At,
    after: VariantId,
    limit: i64,
) -> Result<Vec<Coded>, DbError> {
    Ok(v::table
        .filter(v::shop_id.eq(shop))
        .filter(v::id.gt(after))
        .filter(v::seen_at.ge(since))
        .filter(v::deleted_at.is_null())
        .order(v::id)
        .limit(limit)
        .select((v::id, v::sku_normal, v::barcode_normal, v::question))
        .load(conn)?)
}

/// The next unmapped variants of a store that have a SKU.
pub(in super::super) fn list_unmapped(
    conn: &mut DbConnection,
    shop: ShopId,
    after: VariantId,
    most: i64,
) -> Result<Vec<Coded>, DbError> {
    Ok(sold(shop, VariantState::Unmapped)
        .filter(v::id.gt(after))
        .filter(v::sku_normal.is_not_null())
        .order(v::id)
        .limit(most)
        .select((v::id, v::sku_normal, v::barcode_normal, v::question))
        .load(conn)?)
}

/// Those of these variants that are unmapped.
pub(in super::super) fn list_still_unmapped(
    conn: &mut DbConnection,
    shop: ShopId,
    ids: &[VariantId],
) -> Result<Vec<Coded>, DbError> {
    Ok(sold(shop, VariantState::Unmapped)
        .filter(v::id.eq_any(ids.to_vec()))
        .order(v::id)
        .select((v::id, v::sku_normal, v::barcode_normal, v::question))
        .load(conn)?)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn sold(shop: ShopId, state: VariantState) -> _ {
    v::table
        .filter(v::shop_id.eq(shop))
        .filter(v::state.eq(state))
        .filter(v::deleted_at.is_null())
}

/// The codes of these variants, whether they are living or not.
///
/// # Errors
///
/// The database's.
pub fn list_codes(conn: &mut DbConnection, ids: &[VariantId]) -> Result<Vec<Coded>, DbError> {
    Ok(v::table
        .filter(v::id.eq_any(ids.to_vec()))
        .order(v::id)
        .select((v::id, v::sku_normal, v::barcode_normal, v::question))
        .load(conn)?)
}

/// The mapped ones of these variants, with the SKU that they had when somebody last said so.
pub(super) fn list_live_skus(
    conn: &mut DbConnection,
    ids: &[VariantId],
) -> Result<Vec<(VariantId, Option<String>)>, DbError> {
    Ok(m::table
        .filter(m::variant_id.eq_any(ids.to_vec()))
        .filter(m::removed_at.is_null())
        .select((m::variant_id, m::variant_sku))
        .load(conn)?)
}

/// Those of these variants of which somebody took back what was said.
pub(super) fn list_taken_back(
    conn: &mut DbConnection,
    ids: &[VariantId],
) -> Result<Vec<VariantId>, DbError> {
    Ok(m::table
        .filter(m::variant_id.eq_any(ids.to_vec()))
        .filter(m::removed_at.is_not_null())
        .select(m::variant_id)
        .distinct()
        .load(conn)?)
}

pub(super) fn set_question(
    conn: &mut DbConnection,
    variant: VariantId,
    question: Option<Question>,
) -> Result<(), DbError> {
    diesel::update(v::table.find(variant))
        .set(v::question.eq(question))
        .execute(conn)?;
    Ok(())
}

pub(in super::super) fn list_items_by_sku(
    conn: &mut DbConnection,
    skus: &[String],
) -> Result<Vec<(Option<String>, ProductId)>, DbError> {
    Ok(products::table
        .filter(products::sku_normal.eq_any(skus.to_vec()))
        .filter(products::active.eq(true))
        .order(products::id)
        .select((products::sku_normal.nullable(), products::id))
        .load(conn)?)
}

pub(in super::super) fn list_items_by_barcode(
    conn: &mut DbConnection,
    barcodes: &[String],
) -> Result<Vec<(Option<String>, ProductId)>, DbError> {
    Ok(products::table
        .filter(products::barcode_normal.eq_any(barcodes.to_vec()))
        .filter(products::active.eq(true))
        .order(products::id)
        .select((products::barcode_normal, products::id))
        .load(conn)?)
}

pub(super) fn list_variants_by_sku(
    conn: &mut DbConnection,
    shop: ShopId,
    skus: &[String],
) -> Result<Vec<(Option<String>, VariantId)>, DbError> {
    Ok(v::table
        .filter(v::shop_id.eq(shop))
        .filter(v::sku_normal.eq_any(skus.to_vec()))
        .filter(v::deleted_at.is_null())
        .order(v::id)
        .select((v::sku_normal, v::id))
        .load(conn)?)
}

pub(super) fn list_variants_by_barcode(
    conn: &mut DbConnection,
    shop: ShopId,
    barcodes: &[String],
) -> Result<Vec<(Option<String>, VariantId)>, DbError> {
    Ok(v::table
        .filter(v::shop_id.eq(shop))
        .filter(v::barcode_normal.eq_any(barcodes.to_vec()))
        .filter(v::deleted_at.is_null())
        .order(v::id)
        .select((v::barcode_normal, v::id))
        .load(conn)?)
}
