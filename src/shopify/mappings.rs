//! Which of our items a store's variant is: accepting, taking back, and what waits for it.
//! Every change frees or holds the orders concerned in the same transaction.
pub mod bulk;
pub mod imports;
pub mod parts;
pub mod proposals;
pub mod queries;
pub mod rules;
pub mod search;
pub mod sheet;

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::erp::audit::{self, Kind};
use crate::erp::orders::{self, OrderError, Resolution};
use crate::erp::products::{self, NewProduct, ProductError, normal_code};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::inventory::{self, MarkKind};
use crate::shopify::products::queries::{self as variants, VariantRow};
use crate::shopify::shops::Shop;
use crate::text_enum;
use crate::types::{At, OrderId, ProductId, ShopId, UserId, VariantId};
use parts::Parts;

text_enum! {
    /// What a mapping says.
    MappingKind {
        One = "one",
        Kit = "kit",
        Pack = "pack",
        Ignored = "ignored",
    }
}

text_enum! {
    /// What is said of a variant, kept beside it.
    VariantState {
        Unmapped = "unmapped",
        Mapped = "mapped",
        Ignored = "ignored",
    }
}

text_enum! {
    /// Why we believe it.
    Origin {
        Sku = "sku",
        Barcode = "barcode",
        Title = "title",
        /// Equal SKUs once a prefix is taken off the variant's.
        Prefix = "prefix",
        File = "file",
        Person = "person",
    }
}

/// What a change of mappings came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Undoes it, for some minutes.
    pub batch: String,
    pub variants: usize,
    pub orders_freed: usize,
}

/// The orders that wait for some variants, and those that wait for nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    pub orders: i64,
    pub freed: i64,
}

/// Why a mapping was not changed.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    #[error("there is no such variant")]
    NotFound,
    #[error("this variant is mapped already")]
    AlreadyMapped,
    #[error("this variant is not mapped")]
    NotMapped,
    #[error("there is no such item")]
    NoSuchItem,
    #[error("a variant stands for 1 to 10,000 pieces of an item")]
    Quantity,
    #[error("a kit needs an item")]
    NoItems,
    #[error("a kit has up to 20 items")]
    TooManyItems,
    #[error("this can no longer be undone at one stroke")]
    TooLate,
    #[error(transparent)]
    Product(#[from] ProductError),
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Who changes mappings, where and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    pub shop: &'a Shop,
    pub user: Option<UserId>,
    pub now: At,
}

/// Why a mapping is made, and what else is made with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reason<'a> {
    origin: Origin,
    prefix: Option<&'a str>,
    batch: &'a str,
}

impl<'a> Reason<'a> {
    const fn new(origin: Origin, batch: &'a str) -> Self {
        Self {
            origin,
            prefix: None,
            batch,
        }
    }
}

/// What these variants of a store stand for: `None` where nobody has said. One that the mirror does not know is not in
/// the answer.
///
/// # Errors
///
/// The database's.
pub fn resolve(
    conn: &mut DbConnection,
    shop: ShopId,
    variant_external_ids: &[&str],
) -> Result<HashMap<String, Option<Resolution>>, DbError> {
    let mut known: HashMap<String, Option<Resolution>> = HashMap::new();
    if variant_external_ids.is_empty() {
        return Ok(known);
    }
    for (variant, mapping) in queries::resolve(conn, shop, variant_external_ids)? {
        let meaning = known.entry(variant).or_default();
        let Some((kind, product, quantity)) = mapping else {
            continue;
        };
        let Some(product) = product.filter(|_| kind != MappingKind::Ignored) else {
            *meaning = Some(Resolution::Ignored);
            continue;
        };
        let parts = meaning.get_or_insert_with(|| Resolution::Parts(Vec::new()));
        if let Resolution::Parts(parts) = parts {
            parts.push((product, quantity));
        }
    }
    Ok(known)
}

/// Says what a variant holds, and frees the orders that waited for it.
///
/// # Errors
///
/// `AlreadyMapped`, `NoSuchItem`.
pub fn accept(
    conn: &mut DbConnection,
    by: By<'_>,
    variant: VariantId,
    parts: &Parts,
    origin: Origin,
) -> Result<Change, MappingError> {
    let row = find(conn, by.shop.id, variant)?;
    let batch = Uuid::now_v7().to_string();
    let orders_freed = map(conn, by, &row, parts, Reason::new(origin, &batch))?;
    let named: Vec<Value> = parts
        .as_slice()
        .iter()
        .map(|(product, quantity)| json!({ "product": product, "quantity": quantity }))
        .collect();
    let arguments = json!({ "parts": named, "origin": origin });
    note_variant(conn, by, Kind::MappingAccepted, variant, &arguments)?;
    Ok(Change {
        batch,
        variants: 1,
        orders_freed,
    })
}

/// Makes an item from what the store says of the variant, and maps the variant to it.
///
/// # Errors
///
/// Those of [`products::create`] and [`accept`].
pub fn create_item(
    conn: &mut DbConnection,
    by: By<'_>,
    variant: VariantId,
    sku: &str,
    name: &str,
) -> Result<Change, MappingError> {
    let row = find(conn, by.shop.id, variant)?;
    let new = NewProduct {
        sku: sku.to_owned(),
        name: name.to_owned(),
        barcode: row.barcode.clone(),
        weight_grams: row.weight_grams,
        ships: row.ships,
    };
    let product = products::create(conn, &new, by.now)?;
    accept(
        conn,
        by,
        variant,
        &Parts::new([(product, 1)])?,
        Origin::Person,
    )
}

/// Says that a variant is nothing of ours: its lines hold no order any more.
///
/// # Errors
///
/// `AlreadyMapped`.
pub fn ignore(
    conn: &mut DbConnection,
    by: By<'_>,
    variant: VariantId,
) -> Result<Change, MappingError> {
    let row = find(conn, by.shop.id, variant)?;
    let batch = Uuid::now_v7().to_string();
    let orders_freed = set_aside(conn, by, &row, Reason::new(Origin::Person, &batch))?;
    note_variant(conn, by, Kind::MappingExcluded, variant, &json!({}))?;
    Ok(Change {
        batch,
        variants: 1,
        orders_freed,
    })
}

/// Takes back what was said of a variant; its open orders are held again. Returns how many.
///
/// # Errors
///
/// `NotMapped`.
pub fn remove(
    conn: &mut DbConnection,
    by: By<'_>,
    variant: VariantId,
) -> Result<usize, MappingError> {
    let orders_held = unmap(conn, by, variant)?;
    note_variant(conn, by, Kind::MappingRemoved, variant, &json!({}))?;
    Ok(orders_held)
}

/// Says that a mapping holds although its variant changed or is gone.
///
/// # Errors
///
/// `NotMapped`.
pub fn keep(conn: &mut DbConnection, by: By<'_>, variant: VariantId) -> Result<(), MappingError> {
    let row = find(conn, by.shop.id, variant)?;
    queries::lock(conn, variant)?;
    let sku = row.sku.as_deref().and_then(normal_code);
    if queries::mark_kept(conn, variant, sku.as_deref())? == 0 {
        return Err(MappingError::NotMapped);
    }
    note_variant(conn, by, Kind::MappingKept, variant, &json!({}))?;
    Ok(())
}

fn unmap(conn: &mut DbConnection, by: By<'_>, variant: VariantId) -> Result<usize, MappingError> {
    let row = find(conn, by.shop.id, variant)?;
    queries::lock(conn, variant)?;
    if queries::mark_removed(conn, variant, by.user, by.now)? == 0 {
        return Err(MappingError::NotMapped);
    }
    queries::set_state(conn, variant, VariantState::Unmapped, None)?;
    let channel = by.shop.channel;
    Ok(orders::variant_unmapped(
        conn,
        channel,
        &row.external_id,
        by.now,
        by.user,
    )?)
}

/// How many orders wait for some of these variants, and how many of them would be free if all were mapped: those that
/// wait for no other.
///
/// # Errors
///
/// The database's.
pub fn waiting<'a>(
    conn: &mut DbConnection,
    shop: &Shop,
    variants: impl IntoIterator<Item = &'a str>,
) -> Result<Waiting, DbError> {
    let variants: HashSet<&str> = variants.into_iter().collect();
    let mut orders: HashMap<OrderId, bool> = HashMap::new();
    for (order, cause) in queries::list_waiting(conn, shop.channel, &variants)? {
        let free = orders.entry(order).or_insert(true);
        *free = *free && variants.contains(cause.as_str());
    }
    let counted = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Ok(Waiting {
        orders: counted(orders.len()),
        freed: counted(orders.values().filter(|free| **free).count()),
    })
}

/// How many open orders wait for each of these variants, by the variant's id at Shopify; none: no entry.
///
/// # Errors
///
/// The database's.
pub fn blocking(
    conn: &mut DbConnection,
    shop: &Shop,
    variants: &[&str],
) -> Result<HashMap<String, i64>, DbError> {
    queries::page::count_waiting(conn, shop.channel, variants)
}

fn note_variant(
    conn: &mut DbConnection,
    by: By<'_>,
    kind: Kind,
    variant: VariantId,
    arguments: &Value,
) -> Result<(), DbError> {
    let subject = format!("variant/{variant}");
    audit::record(conn, by.user, kind, &subject, arguments, by.now)
}

fn map(
    conn: &mut DbConnection,
    by: By<'_>,
    variant: &VariantRow,
    parts: &Parts,
    reason: Reason<'_>,
) -> Result<usize, MappingError> {
    free_to_map(conn, variant.id)?;
    for (product, quantity) in parts.as_slice() {
        if !queries::is_product(conn, *product)? {
            return Err(MappingError::NoSuchItem);
        }
        let what = (parts.kind(), Some(*product), *quantity);
        queries::insert(conn, &new_row(by, variant, what, reason))?;
        inventory::mark_item(conn, by.shop, *product, MarkKind::Mapped, None, by.now)?;
    }
    queries::set_state(conn, variant.id, VariantState::Mapped, None)?;
    let (channel, id) = (by.shop.channel, &variant.external_id);
    let parts = parts.as_slice();
    Ok(orders::variant_mapped(
        conn, channel, id, parts, by.now, by.user,
    )?)
}

fn set_aside(
    conn: &mut DbConnection,
    by: By<'_>,
    variant: &VariantRow,
    reason: Reason<'_>,
) -> Result<usize, MappingError> {
    free_to_map(conn, variant.id)?;
    let what = (MappingKind::Ignored, None, 1);
    queries::insert(conn, &new_row(by, variant, what, reason))?;
    queries::set_state(conn, variant.id, VariantState::Ignored, Some(by.now))?;
    let (channel, id) = (by.shop.channel, &variant.external_id);
    Ok(orders::variant_ignored(conn, channel, id, by.now, by.user)?)
}

fn new_row<'a>(
    by: By<'_>,
    variant: &VariantRow,
    (kind, product, quantity): (MappingKind, Option<ProductId>, i64),
    reason: Reason<'a>,
) -> queries::NewMapping<'a> {
    queries::NewMapping {
        shop_id: by.shop.id,
        variant_id: variant.id,
        product_id: product,
        quantity,
        kind,
        origin: reason.origin,
        batch: reason.batch,
        created_at: by.now,
        created_by: by.user,
        variant_sku: variant.sku.as_deref().and_then(normal_code),
        prefix: reason.prefix,
    }
}

/// Two people at once take turns: without that, what each of them says would be a kit of both.
fn free_to_map(conn: &mut DbConnection, variant: VariantId) -> Result<(), MappingError> {
    queries::lock(conn, variant)?;
    if queries::is_mapped(conn, variant)? {
        return Err(MappingError::AlreadyMapped);
    }
    Ok(())
}

fn find(
    conn: &mut DbConnection,
    shop: ShopId,
    variant: VariantId,
) -> Result<VariantRow, MappingError> {
    variants::find(conn, variant)?
        .filter(|row| row.shop_id == shop)
        .ok_or(MappingError::NotFound)
}
