//! What a store sells: a mirror of its variants, filled by an import and kept by `products/update`.
//! It never makes or changes one of our own products.
pub(crate) mod payload;
pub mod queries;

use serde::{Deserialize, Serialize};

use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::queries as job_rows;
use crate::platform::jobs::{self, Filing};
use crate::shopify::client::ShopifyError;
use crate::shopify::gid::{self, Gid};
use crate::shopify::graphql::{Catalogue, ProductVariantsOf, catalogue, product_variants_of};
use crate::shopify::jobs::ImportProduct;
use crate::shopify::mappings::{MappingError, rules};
use crate::shopify::orders::TranslateError;
use crate::shopify::shops::{Shop, ShopError};
use crate::shopify::{Connector, Haste};
use crate::types::{At, JobId, ShopId, VariantId};

/// A page costs a few points a variant; Shopify lets no call cost more than a thousand.
const PAGE: i64 = 100;

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
    pub updated_at: At,
}

/// What the inventory item behind a variant tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logistics {
    pub ships: bool,
    pub weight_grams: Option<i64>,
}

/// How far an import is; kept with its job, so that it goes on where it stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Products seen so far, and how many there are.
    pub done: i64,
    pub total: i64,
    pub cursor: Option<String>,
    pub started_at: Option<i64>,
    pub cancelled: bool,
    /// All pages are in the mirror; the rules look at what they brought.
    #[serde(default)]
    pub is_read: bool,
    /// The last variant that the rules have looked at.
    #[serde(default)]
    pub judged: Option<VariantId>,
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

/// Reads the whole catalogue into the mirror, page by page; returns how far it came. Rules look at it when all of it is
/// there: two that want one item may stand on different pages.
///
/// # Errors
///
/// `Call`: the job goes on later where it stopped.
pub async fn import(cx: &Connector, shop: ShopId, job: JobId) -> Result<Progress, ImportError> {
    let shop = cx.shop(shop).await?;
    let mut progress = read_progress(cx, job).await?;
    let started_at = At(*progress.started_at.get_or_insert(cx.clock.now().0));
    while !progress.is_read && !progress.cancelled {
        let variables = catalogue::Variables {
            first: PAGE,
            after: progress.cursor.clone(),
        };
        let page = cx
            .call::<Catalogue>(shop.id, Haste::Patient, variables)
            .await?
            .data;
        let info = page.product_variants.page_info;
        let variants = payload::of_catalogue(page.product_variants.nodes, shop.currency.as_deref());
        progress.total = page.products_count.map_or(0, |count| count.count);
        progress.cursor = info.end_cursor;
        progress.is_read = !info.has_next_page || progress.cursor.is_none();
        let step = step(cx, &shop, job, started_at);
        let next = progress.clone();
        progress = cx
            .db
            .write(move |conn| keep_page(conn, &step, &variants, next))
            .await?;
    }
    let mut more = !progress.cancelled;
    while more {
        let step = step(cx, &shop, job, started_at);
        let next = progress.clone();
        (progress, more) = cx.db.write(move |conn| judge(conn, &step, next)).await?;
    }
    Ok(progress)
}

fn step(cx: &Connector, shop: &Shop, job: JobId, started_at: At) -> Step {
    Step {
        shop: shop.clone(),
        job,
        started_at,
        now: cx.clock.now(),
    }
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
    let now = cx.clock.now();
    cx.db
        .write(move |conn| keep_product(conn, &shop, &product.digits(), &variants, now))
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
    queries::upsert(conn, shop.id, &product.variants, now)?;
    queries::mark_deleted(conn, shop.id, &product.external_id, &product.all_ids, now)?;
    rules::apply(conn, shop, &told_ids(&product.variants), now)?;
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

struct Step {
    shop: Shop,
    job: JobId,
    started_at: At,
    now: At,
}

fn keep_page(
    conn: &mut DbConnection,
    step: &Step,
    variants: &[Variant],
    mut progress: Progress,
) -> Result<Progress, MappingError> {
    let shop = step.shop.id;
    progress.done += new_products(conn, step, variants)?;
    queries::upsert(conn, shop, variants, step.now)?;
    progress.cancelled = !progress.is_read && job_rows::is_cancel_requested(conn, step.job)?;
    if progress.is_read {
        // What a whole import did not see is not sold any more; its mapping and its orders stay.
        queries::mark_unseen_deleted(conn, shop, step.started_at, step.now)?;
        progress.total = progress.done;
    }
    keep_progress(conn, step.job, &progress)?;
    Ok(progress)
}

/// How many of these variants' products this import sees for the first time: those of one may come on several pages.
fn new_products(
    conn: &mut DbConnection,
    step: &Step,
    variants: &[Variant],
) -> Result<i64, DbError> {
    let mut products: Vec<&str> = variants
        .iter()
        .map(|variant| variant.product_external_id.as_str())
        .collect();
    products.sort_unstable();
    products.dedup();
    let seen = queries::count_seen(conn, step.shop.id, &products, step.started_at)?;
    Ok(i64::try_from(products.len()).unwrap_or(0) - seen)
}

/// Lets the rules look at the next variants that the import brought; says whether there are more.
fn judge(
    conn: &mut DbConnection,
    step: &Step,
    mut progress: Progress,
) -> Result<(Progress, bool), MappingError> {
    let after = progress.judged.unwrap_or(VariantId(0));
    let last = rules::apply_after(conn, &step.shop, step.started_at, after, step.now)?;
    progress.judged = last.or(progress.judged);
    keep_progress(conn, step.job, &progress)?;
    Ok((progress, last.is_some()))
}

fn keep_progress(conn: &mut DbConnection, job: JobId, progress: &Progress) -> Result<(), DbError> {
    let text = serde_json::to_string(progress).unwrap_or_default();
    job_rows::set_progress(conn, job, &text)
}

fn keep_product(
    conn: &mut DbConnection,
    shop: &Shop,
    product: &str,
    variants: &[Variant],
    now: At,
) -> Result<(), MappingError> {
    queries::upsert(conn, shop.id, variants, now)?;
    let ids: Vec<String> = variants.iter().map(|v| v.external_id.clone()).collect();
    queries::mark_deleted(conn, shop.id, product, &ids, now)?;
    rules::apply(conn, shop, &told_ids(variants), now)?;
    Ok(())
}

fn told_ids(variants: &[Variant]) -> Vec<&str> {
    variants.iter().map(|v| v.external_id.as_str()).collect()
}

async fn read_progress(cx: &Connector, job: JobId) -> Result<Progress, DbError> {
    let row = cx.db.read(move |conn| job_rows::find(conn, job)).await?;
    let text = row.and_then(|row| row.progress).unwrap_or_default();
    Ok(serde_json::from_str(&text).unwrap_or_default())
}
