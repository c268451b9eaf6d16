//! SQL of `shopify_variants`.
use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::Serialize;

use super::{Picture, Variant};
use crate::erp::products::normal_code;
use crate::native;
use crate::platform::db::prepared::Prepare as _;
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
    pub picture_url: Option<String>,
    pub source_updated_at: At,
    pub deleted_at: Option<At>,
    pub ignored_at: Option<At>,
    pub question: Option<Question>,
}

/// A row as both databases read it from JSON.
#[derive(Serialize)]
struct NewVariant<'a> {
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
    picture_url: Option<&'a str>,
    source_updated_at: i64,
}

/// What a row is of and PostgreSQL's type for it.
const COLUMNS: [(&str, &str); 14] = [
    ("external_id", "TEXT"),
    ("product_external_id", "TEXT"),
    ("inventory_item_external_id", "TEXT"),
    ("product_title", "TEXT"),
    ("variant_title", "TEXT"),
    ("sku", "TEXT"),
    ("sku_normal", "TEXT"),
    ("barcode", "TEXT"),
    ("barcode_normal", "TEXT"),
    ("price_minor", "BIGINT"),
    ("ships", "BOOLEAN"),
    ("weight_grams", "BIGINT"),
    ("picture_url", "TEXT"),
    ("source_updated_at", "BIGINT"),
];
/// What only some who tell of a variant know.
const LOGISTICS: [&str; 2] = ["ships", "weight_grams"];
const PICTURE: &str = "picture_url";

/// Keeps what was told of these variants, unless the mirror knows something newer of one, or has seen one deleted since
/// it was told (`told_at`).
pub(crate) fn upsert(
    conn: &mut DbConnection,
    shop: ShopId,
    variants: &[Variant],
    (told_at, now): (At, At),
) -> Result<(), DbError> {
    // One statement writes no row twice: of two that tell of one variant the newer one counts.
    let mut newest: BTreeMap<&str, &Variant> = BTreeMap::new();
    for variant in variants {
        let known = newest.entry(&variant.external_id).or_insert(variant);
        if known.updated_at <= variant.updated_at {
            *known = variant;
        }
    }
    // Whoever tells of several knows the same of each, nearly always: it is one statement.
    let mut groups: BTreeMap<Vec<&str>, Vec<NewVariant<'_>>> = BTreeMap::new();
    for variant in newest.into_values() {
        groups
            .entry(untold(variant))
            .or_default()
            .push(new_row(variant));
    }
    for (untold, rows) in groups {
        let rows = serde_json::to_string(&rows).unwrap_or_default();
        upsert_rows(conn, shop, &rows, &untold, (told_at, now))?;
    }
    let ids: Vec<&str> = variants.iter().map(|v| v.external_id.as_str()).collect();
    search::refresh(conn, shop, &ids)?;
    mark_seen(conn, shop, &ids, now)
}

/// The columns of which nothing was told.
fn untold(variant: &Variant) -> Vec<&'static str> {
    let mut untold = Vec::new();
    if variant.logistics.is_none() {
        untold.extend(LOGISTICS);
    }
    if variant.picture == Picture::Untold {
        untold.push(PICTURE);
    }
    untold
}

/// Writes rows in one statement; `kept`: the columns that stay as the mirror knows them.
fn upsert_rows(
    conn: &mut DbConnection,
    shop: ShopId,
    rows: &str,
    kept: &[&str],
    (told_at, now): (At, At),
) -> Result<(), DbError> {
    let names = COLUMNS.map(|(name, _)| name);
    let told: Vec<String> = names
        .iter()
        .filter(|name| **name != "external_id" && !kept.contains(name))
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    let source = match conn {
        DbConnection::Postgres(_) => {
            let typed = COLUMNS.map(|(name, kind)| format!("{name} {kind}"));
            format!(
                "v.* FROM json_to_recordset($3::json) AS v ({})",
                typed.join(", ")
            )
        }
        DbConnection::Sqlite(_) => {
            let read = names.map(|name| format!("value ->> '{name}'"));
            // Without a WHERE what follows would be read as the condition of a join.
            format!("{} FROM json_each($3) WHERE true", read.join(", "))
        }
    };
    let statement = format!(
        "INSERT INTO shopify_variants (shop_id, seen_at, {}) SELECT $1, $2, {source} \
         ON CONFLICT (shop_id, external_id) DO UPDATE SET {}, deleted_at = NULL \
         WHERE shopify_variants.source_updated_at <= excluded.source_updated_at \
           AND (shopify_variants.deleted_at IS NULL OR shopify_variants.deleted_at <= $4)",
        names.join(", "),
        told.join(", "),
    );
    native!(conn, |c| diesel::sql_query(statement)
        .bind::<BigInt, _>(shop)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(rows)
        .bind::<BigInt, _>(told_at)
        .prepared()
        .execute(c))?;
    Ok(())
}

fn new_row(variant: &Variant) -> NewVariant<'_> {
    NewVariant {
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
        picture_url: variant.picture.url(),
        source_updated_at: variant.updated_at.0,
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
