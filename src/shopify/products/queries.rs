//! SQL of `shopify_variants`.
use diesel::dsl::count;
use diesel::prelude::*;

use diesel::upsert::excluded;

use super::Variant;
use crate::erp::products::normal_code;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_variants::{self, self as t, table};
use crate::shopify::mappings::rules::Question;
use crate::shopify::mappings::{VariantState, search};
use crate::types::{At, ShopId, VariantId};

/// A variant of the mirror.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = shopify_variants)]
pub struct VariantRow {
    pub id: VariantId,
    pub shop_id: ShopId,
    pub external_id: String,
    pub product_external_id: String,
    pub product_title: String,
    pub variant_title: Option<String>,
    pub sku: Option<String>,
    pub barcode: Option<String>,
    pub price_minor: Option<i64>,
    pub ships: bool,
    pub weight_grams: Option<i64>,
    pub source_updated_at: At,
    pub deleted_at: Option<At>,
    pub ignored_at: Option<At>,
    pub question: Option<Question>,
}

#[derive(Insertable)]
#[diesel(table_name = shopify_variants, treat_none_as_default_value = false)]
struct NewVariant<'a> {
    shop_id: ShopId,
    external_id: &'a str,
    product_external_id: &'a str,
    inventory_item_external_id: Option<&'a str>,
    product_title: &'a str,
    variant_title: Option<&'a str>,
    sku: Option<&'a str>,
    sku_normal: Option<String>,
    barcode: Option<&'a str>,
    barcode_normal: Option<String>,
    price_minor: Option<i64>,
    ships: bool,
    weight_grams: Option<i64>,
    source_updated_at: At,
    seen_at: At,
}

/// Keeps what was told of these variants, unless the mirror knows something newer of one.
pub(crate) fn upsert(
    conn: &mut DbConnection,
    shop: ShopId,
    variants: &[Variant],
    now: At,
) -> Result<(), DbError> {
    let texts = (
        t::product_external_id.eq(excluded(t::product_external_id)),
        t::inventory_item_external_id.eq(excluded(t::inventory_item_external_id)),
        t::product_title.eq(excluded(t::product_title)),
        t::variant_title.eq(excluded(t::variant_title)),
        t::sku.eq(excluded(t::sku)),
        t::sku_normal.eq(excluded(t::sku_normal)),
        t::barcode.eq(excluded(t::barcode)),
        t::barcode_normal.eq(excluded(t::barcode_normal)),
        t::price_minor.eq(excluded(t::price_minor)),
        t::source_updated_at.eq(excluded(t::source_updated_at)),
        t::deleted_at.eq(None::<At>),
    );
    let logistics = (
        t::ships.eq(excluded(t::ships)),
        t::weight_grams.eq(excluded(t::weight_grams)),
    );
    let newer = t::source_updated_at.le(excluded(t::source_updated_at));
    // One by one: the guard that keeps a newer row is not to be had on a batch with SQLite.
    for variant in variants {
        let row = new_row(shop, variant, now);
        if variant.logistics.is_some() {
            native!(conn, |c| {
                let insert = diesel::insert_into(table)
                    .values(&row)
                    .on_conflict((t::shop_id, t::external_id))
                    .do_update()
                    .set((texts, logistics));
                diesel::query_dsl::methods::FilterDsl::filter(insert, newer).execute(c)
            })?;
        } else {
            native!(conn, |c| {
                let insert = diesel::insert_into(table)
                    .values(&row)
                    .on_conflict((t::shop_id, t::external_id))
                    .do_update()
                    .set(texts);
                diesel::query_dsl::methods::FilterDsl::filter(insert, newer).execute(c)
            })?;
        }
    }
    let ids: Vec<&str> = variants.iter().map(|v| v.external_id.as_str()).collect();
    search::refresh(conn, shop, &ids)?;
    mark_seen(conn, shop, &ids, now)
}

fn new_row(shop: ShopId, variant: &Variant, now: At) -> NewVariant<'_> {
    NewVariant {
        shop_id: shop,
        external_id: &variant.external_id,
        product_external_id: &variant.product_external_id,
        inventory_item_external_id: variant.inventory_item_external_id.as_deref(),
        product_title: &variant.product_title,
        variant_title: variant.variant_title.as_deref(),
        sku: variant.sku.as_deref(),
        sku_normal: variant.sku.as_deref().and_then(normal_code),
        barcode: variant.barcode.as_deref(),
        barcode_normal: variant.barcode.as_deref().and_then(normal_code),
        price_minor: variant.price_minor,
        ships: variant.logistics.is_none_or(|known| known.ships),
        weight_grams: variant.logistics.and_then(|known| known.weight_grams),
        source_updated_at: variant.updated_at,
        seen_at: now,
    }
}

// Seen is seen, also where the mirror knew something newer.
fn mark_seen(conn: &mut DbConnection, shop: ShopId, ids: &[&str], now: At) -> Result<(), DbError> {
    let rows = table
        .filter(t::shop_id.eq(shop))
        .filter(t::external_id.eq_any(ids.to_vec()));
    diesel::update(rows).set(t::seen_at.eq(now)).execute(conn)?;
    Ok(())
}

/// How many of these products were seen since then.
pub(crate) fn count_seen(
    conn: &mut DbConnection,
    shop: ShopId,
    products: &[&str],
    since: At,
) -> Result<i64, DbError> {
    Ok(table
        .filter(t::shop_id.eq(shop))
        .filter(t::product_external_id.eq_any(products.to_vec()))
        .filter(t::seen_at.ge(since))
        .select(count(t::product_external_id).aggregate_distinct())
        .get_result(conn)?)
}

pub(crate) fn mark_unseen_deleted(
    conn: &mut DbConnection,
    shop: ShopId,
    since: At,
    now: At,
) -> Result<(), DbError> {
    let rows = || {
        table
            .filter(t::shop_id.eq(shop))
            .filter(t::seen_at.lt(since))
            .filter(t::deleted_at.is_null())
    };
    // The mappings of what is deleted stay; a person is asked about them.
    diesel::update(rows().filter(t::state.eq(VariantState::Mapped)))
        .set(t::question.eq(Some(Question::Deleted)))
        .execute(conn)?;
    diesel::update(rows())
        .set(t::deleted_at.eq(Some(now)))
        .execute(conn)?;
    Ok(())
}

/// The variants that a product has no longer.
pub(crate) fn mark_deleted(
    conn: &mut DbConnection,
    shop: ShopId,
    product: &str,
    all_ids: &[String],
    now: At,
) -> Result<(), DbError> {
    let rows = || {
        table
            .filter(t::shop_id.eq(shop))
            .filter(t::product_external_id.eq(product))
            .filter(t::external_id.ne_all(all_ids.to_vec()))
            .filter(t::deleted_at.is_null())
    };
    diesel::update(rows().filter(t::state.eq(VariantState::Mapped)))
        .set(t::question.eq(Some(Question::Deleted)))
        .execute(conn)?;
    diesel::update(rows())
        .set(t::deleted_at.eq(Some(now)))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn list_of_product(
    conn: &mut DbConnection,
    shop: ShopId,
    product: &str,
) -> Result<Vec<VariantRow>, DbError> {
    Ok(table
        .filter(t::shop_id.eq(shop))
        .filter(t::product_external_id.eq(product))
        .select(VariantRow::as_select())
        .load(conn)?)
}

/// These variants of a store, by their ids there.
pub(crate) fn list_by_external(
    conn: &mut DbConnection,
    shop: ShopId,
    external_ids: &[&str],
) -> Result<Vec<VariantRow>, DbError> {
    Ok(table
        .filter(t::shop_id.eq(shop))
        .filter(t::external_id.eq_any(external_ids.to_vec()))
        .filter(t::deleted_at.is_null())
        .order(t::id)
        .select(VariantRow::as_select())
        .load(conn)?)
}

/// These variants by title, whether they are living or not.
pub(crate) fn list_by_ids(
    conn: &mut DbConnection,
    ids: &[VariantId],
) -> Result<Vec<VariantRow>, DbError> {
    Ok(table
        .filter(t::id.eq_any(ids.to_vec()))
        .order((t::product_title, t::id))
        .select(VariantRow::as_select())
        .load(conn)?)
}

/// One variant of the mirror.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, id: VariantId) -> Result<Option<VariantRow>, DbError> {
    Ok(table
        .find(id)
        .select(VariantRow::as_select())
        .first(conn)
        .optional()?)
}

/// What the store calls the products of these variants, with the variant's own words where it has any.
///
/// # Errors
///
/// The database's.
pub fn names(
    conn: &mut DbConnection,
    ids: &[VariantId],
) -> Result<Vec<(VariantId, String)>, DbError> {
    let rows: Vec<(VariantId, String, Option<String>)> = table
        .filter(t::id.eq_any(ids.to_vec()))
        .select((t::id, t::product_title, t::variant_title))
        .load(conn)?;
    let named = |(id, title, option): (VariantId, String, Option<String>)| match option {
        Some(option) => (id, format!("{title}, {option}")),
        None => (id, title),
    };
    Ok(rows.into_iter().map(named).collect())
}
