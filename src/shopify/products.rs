//! What a store sells: a mirror of its variants, filled by an import and kept by `products/update`.
//! It never makes or changes one of our own products.
pub mod import;
pub(crate) mod payload;
pub mod queries;

use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing};
use crate::shopify::client::ShopifyError;
use crate::shopify::gid::{self, Gid};
use crate::shopify::graphql::{ProductVariantsOf, product_variants_of};
use crate::shopify::jobs::ImportProduct;
use crate::shopify::mappings::{MappingError, rules};
use crate::shopify::orders::TranslateError;
use crate::shopify::pictures;
use crate::shopify::products::import::PAGE;
use crate::shopify::shops::{Shop, ShopError};
use crate::shopify::{Connector, Haste};
use crate::types::{At, ShopId};

/// A variant as the mirror keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    pub external_id: String,
    pub product_external_id: String,
    pub inventory_item_external_id: Option<String>,
    pub product_title: String,
    /// `None` for the one variant of a product without options.
    pub variant_title: Option<String>,
    pub sku: Option<String>,
    pub barcode: Option<String>,
    pub price_minor: Option<i64>,
    /// What a webhook does not tell is `None` and leaves what the mirror knows.
    pub logistics: Option<Logistics>,
    pub picture: Picture,
    pub updated_at: At,
}

/// Where the picture of a variant lies: its own, or else its product's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// Whoever told of the variant said nothing of pictures: what the mirror knows stays.
    Untold,
    Missing,
    At(String),
}

impl Picture {
    /// Its address.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Picture::Untold | Picture::Missing => None,
            Picture::At(url) => Some(url),
        }
    }
}

/// What the inventory item behind a variant tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logistics {
    pub ships: bool,
    pub weight_grams: Option<i64>,
}

/// Why an import stopped.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Call(#[from] ShopifyError),
    #[error(transparent)]
    Shop(#[from] ShopError),
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error(transparent)]
    Db(#[from] DbError),
    /// It can never succeed as it is.
    #[error("{0}")]
    Hopeless(String),
}

/// What a `products/update` came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    Done,
    /// The mirror knew something newer already.
    Stale,
}

/// Why a `products/update` could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("{0}")]
    Unreadable(#[from] TranslateError),
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Reads one product with all its variants into the mirror.
///
/// # Errors
///
/// The call's, the database's.
pub async fn import_one(
    cx: &Connector,
    shop: ShopId,
    product: Gid<gid::Product>,
) -> Result<(), ImportError> {
    let shop = cx.shop(shop).await?;
    let asked_at = cx.clock.now();
    let mut variants = Vec::new();
    let mut after = None;
    loop {
        let variables = product_variants_of::Variables {
            id: product.to_string(),
            first: PAGE,
            after,
        };
        let answer = cx
            .call::<ProductVariantsOf>(shop.id, Haste::Patient, variables)
            .await?;
        let Some(found) = answer.data.product else {
            break;
        };
        let info = found.variants.page_info.clone();
        variants.extend(payload::of_product(found, shop.currency.as_deref()));
        after = info.end_cursor;
        if !info.has_next_page || after.is_none() {
            break;
        }
    }
    let at = (asked_at, cx.clock.now());
    cx.db
        .write(move |conn| keep_product(conn, &shop, &product.digits(), &variants, at))
        .await?;
    Ok(())
}

/// Brings the mirror up to date from a `products/update` body. Large products come cut short, and new
/// variants without their weight: those are fetched by a job.
///
/// # Errors
///
/// `Unreadable`.
pub fn apply_update(
    conn: &mut DbConnection,
    shop: &Shop,
    body: &[u8],
    now: At,
) -> Result<Applied, ApplyError> {
    let product = payload::read_webhook(body, shop.currency.as_deref())?;
    let known = queries::list_of_product(conn, shop.id, &product.external_id)?;
    let newest = known.iter().map(|row| row.source_updated_at).max();
    let deleted = known.iter().map(|row| row.deleted_at).min().flatten();
    // A product that is gone does not come back: what still speaks of it was sent before.
    let is_gone = deleted.is_some_and(|deleted| product.updated_at <= deleted);
    if is_gone || newest.is_some_and(|newest| product.updated_at < newest) {
        return Ok(Applied::Stale);
    }
    let is_known = |id: &String| known.iter().any(|row| &row.external_id == id);
    let told: Vec<&String> = product.variants.iter().map(|v| &v.external_id).collect();
    let incomplete = !product
        .all_ids
        .iter()
        .all(|id| told.contains(&id) && is_known(id));
    queries::upsert(conn, shop.id, &product.variants, (now, now))?;
    queries::mark_deleted(conn, shop.id, &product.external_id, &product.all_ids, now)?;
    rules::apply(conn, shop, &told_ids(&product.variants), now)?;
    pictures::want(conn, shop, &product.variants, now)?;
    if !incomplete {
        pictures::forget(conn, shop.id, &known, &product.variants)?;
    }
    if incomplete {
        let job = ImportProduct {
            shop: shop.id,
            product: product.external_id,
        };
        let filing = Filing {
            shop_domain: Some(shop.domain.to_string()),
            ..Filing::default()
        };
        jobs::enqueue(conn, &job, &filing, now)?;
    }
    Ok(Applied::Done)
}

/// Has products read that an order names and the mirror does not know: they are new, or the store was connected a
/// moment ago.
///
/// # Errors
///
/// The database's.
pub fn fetch_missing<'a>(
    conn: &mut DbConnection,
    shop: &Shop,
    missing: impl Iterator<Item = &'a str>,
    now: At,
) -> Result<(), DbError> {
    for product in missing {
        let filing = Filing {
            shop_domain: Some(shop.domain.to_string()),
            ..Filing::default()
        };
        let job = ImportProduct {
            shop: shop.id,
            product: product.to_owned(),
        };
        // One product of several lines is one job: the second is not stored.
        jobs::enqueue(conn, &job, &filing, now)?;
    }
    Ok(())
}

fn keep_product(
    conn: &mut DbConnection,
    shop: &Shop,
    product: &str,
    variants: &[Variant],
    (told_at, now): (At, At),
) -> Result<(), MappingError> {
    let before = queries::list_of_product(conn, shop.id, product)?;
    queries::upsert(conn, shop.id, variants, (told_at, now))?;
    let ids: Vec<String> = variants.iter().map(|v| v.external_id.clone()).collect();
    queries::mark_deleted(conn, shop.id, product, &ids, now)?;
    rules::apply(conn, shop, &told_ids(variants), now)?;
    pictures::want(conn, shop, variants, now)?;
    pictures::forget(conn, shop.id, &before, variants)?;
    Ok(())
}

fn told_ids(variants: &[Variant]) -> Vec<&str> {
    variants.iter().map(|v| v.external_id.as_str()).collect()
}
