//! SQL of `shopify_product_mappings`, and what it is compared with.
pub mod page;
pub(super) mod terms;

use std::collections::{BTreeSet, HashSet};

use diesel::dsl::{count, exists};
use diesel::prelude::*;

use super::proposals::Candidate;
use super::rules::Question;
use super::{MappingKind, Origin, VariantState};
use crate::erp::holds::HoldKind;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_product_mappings::{self, self as m};
use crate::schema::shopify_variants as v;
use crate::schema::{holds, products, stock_levels, users};
use crate::shopify::products::queries::VariantRow;
use crate::types::{At, ChannelId, OrderId, ProductId, ShopId, UserId, VariantId};

/// Values in one question.
const STEP: usize = 500;

#[derive(Insertable)]
#[diesel(table_name = shopify_product_mappings)]
pub(super) struct NewMapping<'a> {
    pub(super) shop_id: ShopId,
    pub(super) variant_id: VariantId,
    pub(super) product_id: Option<ProductId>,
    pub(super) quantity: i64,
    pub(super) kind: MappingKind,
    pub(super) origin: Origin,
    pub(super) batch: &'a str,
    pub(super) created_at: At,
    pub(super) created_by: Option<UserId>,
    pub(super) variant_sku: Option<String>,
    pub(super) prefix: Option<&'a str>,
}

/// A mapping beside its item, as lists show it.
#[derive(Clone, Debug, Queryable)]
pub struct MappedRow {
    pub variant_id: VariantId,
    pub kind: MappingKind,
    pub origin: Origin,
    pub quantity: i64,
    pub product_id: Option<ProductId>,
    pub sku: Option<String>,
    pub name: Option<String>,
    pub created_at: At,
    pub removed_at: Option<At>,
    pub prefix: Option<String>,
    pub user: Option<String>,
}

/// Which variants a page lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Unmapped,
    /// A person is to decide something, also about what the store has deleted.
    Conflicts,
    Mapped,
    Ignored,
}

pub(super) fn insert(conn: &mut DbConnection, row: &NewMapping<'_>) -> Result<(), DbError> {
    diesel::insert_into(m::table).values(row).execute(conn)?;
    Ok(())
}

pub(super) fn mark_removed(
    conn: &mut DbConnection,
    variant: VariantId,
    user: Option<UserId>,
    now: At,
) -> Result<usize, DbError> {
    let live = m::table
        .filter(m::variant_id.eq(variant))
        .filter(m::removed_at.is_null());
    Ok(diesel::update(live)
        .set((m::removed_at.eq(Some(now)), m::removed_by.eq(user)))
        .execute(conn)?)
}

pub(super) fn mark_kept(
    conn: &mut DbConnection,
    variant: VariantId,
    sku: Option<&str>,
) -> Result<usize, DbError> {
    let live = m::table
        .filter(m::variant_id.eq(variant))
        .filter(m::removed_at.is_null());
    Ok(diesel::update(live)
        .set(m::variant_sku.eq(sku))
        .execute(conn)?)
}

/// Keeps beside a variant what is said of it now; `since` when it is ignored.
pub(super) fn set_state(
    conn: &mut DbConnection,
    variant: VariantId,
    state: VariantState,
    ignored_since: Option<At>,
) -> Result<(), DbError> {
    diesel::update(v::table.find(variant))
        .set((v::state.eq(state), v::ignored_at.eq(ignored_since)))
        .execute(conn)?;
    Ok(())
}

/// Lets nobody else say anything of this variant until the transaction ends; what was asked about it is answered then.
pub(super) fn lock(conn: &mut DbConnection, variant: VariantId) -> Result<(), DbError> {
    diesel::update(v::table.find(variant))
        .set(v::question.eq(None::<Question>))
        .execute(conn)?;
    Ok(())
}

pub(super) fn is_mapped(conn: &mut DbConnection, variant: VariantId) -> Result<bool, DbError> {
    let live = m::table
        .filter(m::variant_id.eq(variant))
        .filter(m::removed_at.is_null());
    Ok(diesel::select(exists(live)).get_result(conn)?)
}

pub(super) fn is_product(conn: &mut DbConnection, id: ProductId) -> Result<bool, DbError> {
    Ok(diesel::select(exists(products::table.find(id))).get_result(conn)?)
}

/// A variant, and a mapping of it where there is one.
type Resolved = (String, Option<(MappingKind, Option<ProductId>, i64)>);

pub(super) fn resolve(
    conn: &mut DbConnection,
    shop: ShopId,
    external_ids: &[&str],
) -> Result<Vec<Resolved>, DbError> {
    let live = m::variant_id.eq(v::id).and(m::removed_at.is_null());
    Ok(v::table
        .left_join(m::table.on(live))
        .filter(v::shop_id.eq(shop))
        .filter(v::external_id.eq_any(external_ids.to_vec()))
        .order(m::id)
        .select((
            v::external_id,
            (m::kind, m::product_id, m::quantity).nullable(),
        ))
        .load(conn)?)
}

/// All that the orders wait for which wait for one of these variants: order and variant.
pub(super) fn list_waiting(
    conn: &mut DbConnection,
    channel: ChannelId,
    variants: &HashSet<&str>,
) -> Result<Vec<(OrderId, String)>, DbError> {
    let open = || {
        holds::table
            .filter(holds::kind.eq(HoldKind::Unmapped))
            .filter(holds::released_at.is_null())
    };
    let variants: Vec<&str> = variants.iter().copied().collect();
    let mut orders: BTreeSet<OrderId> = BTreeSet::new();
    for some in variants.chunks(STEP) {
        let found: Vec<OrderId> = open()
            .filter(holds::channel_id.eq(channel))
            .filter(holds::cause.eq_any(some.to_vec()))
            .select(holds::order_id)
            .load(conn)?;
        orders.extend(found);
    }
    let orders: Vec<OrderId> = orders.into_iter().collect();
    let mut waiting = Vec::new();
    for some in orders.chunks(STEP) {
        let found: Vec<(OrderId, String)> = open()
            .filter(holds::order_id.eq_any(some.to_vec()))
            .select((holds::order_id, holds::cause))
            .load(conn)?;
        waiting.extend(found);
    }
    Ok(waiting)
}

/// Whether anything of a batch was said since then and still holds.
pub(super) fn is_fresh(
    conn: &mut DbConnection,
    shop: ShopId,
    batch: &str,
    since: At,
) -> Result<bool, DbError> {
    let fresh = m::table
        .filter(m::batch.eq(batch))
        .filter(m::shop_id.eq(shop))
        .filter(m::created_at.ge(since))
        .filter(m::removed_at.is_null());
    Ok(diesel::select(exists(fresh)).get_result(conn)?)
}

/// At most so many variants of a batch of which it still holds.
pub(super) fn list_batch(
    conn: &mut DbConnection,
    shop: ShopId,
    batch: &str,
    at_most: i64,
) -> Result<Vec<VariantId>, DbError> {
    Ok(m::table
        .filter(m::batch.eq(batch))
        .filter(m::shop_id.eq(shop))
        .filter(m::removed_at.is_null())
        .order(m::variant_id)
        .select(m::variant_id)
        .distinct()
        .limit(at_most)
        .load(conn)?)
}

/// How many variants that are.
pub(super) fn count_batch(
    conn: &mut DbConnection,
    shop: ShopId,
    batch: &str,
) -> Result<i64, DbError> {
    Ok(m::table
        .filter(m::batch.eq(batch))
        .filter(m::shop_id.eq(shop))
        .filter(m::removed_at.is_null())
        .select(count(m::variant_id).aggregate_distinct())
        .get_result(conn)?)
}

/// Variants after an id, the oldest first: of one store or all, in one view or any, with one SKU or any.
///
/// # Errors
///
/// The database's.
pub fn list_by_id(
    conn: &mut DbConnection,
    shop: Option<ShopId>,
    view: Option<View>,
    sku: Option<&str>,
    after: VariantId,
    limit: i64,
) -> Result<Vec<VariantRow>, DbError> {
    let mut query = page::in_view(view).filter(v::id.gt(after));
    if let Some(shop) = shop {
        query = query.filter(v::shop_id.eq(shop));
    }
    if let Some(sku) = sku {
        query = query.filter(v::sku.eq(sku.to_owned()));
    }
    Ok(query
        .order(v::id)
        .limit(limit)
        .select(VariantRow::as_select())
        .load(conn)?)
}

pub(super) fn list_candidates(
    conn: &mut DbConnection,
    ids: &[ProductId],
) -> Result<Vec<Candidate>, DbError> {
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(STEP) {
        let these: Vec<Candidate> = products::table
            .filter(products::id.eq_any(some.to_vec()))
            .filter(products::active.eq(true))
            .order(products::id)
            .select((
                products::id,
                products::sku,
                products::name,
                products::barcode,
            ))
            .load(conn)?;
        found.extend(these);
    }
    Ok(found)
}

/// What is on hand of these items, all locations together, one row a location.
///
/// # Errors
///
/// The database's.
pub fn list_on_hand(
    conn: &mut DbConnection,
    ids: &[ProductId],
) -> Result<Vec<(ProductId, i64)>, DbError> {
    Ok(stock_levels::table
        .filter(stock_levels::product_id.eq_any(ids.to_vec()))
        .select((stock_levels::product_id, stock_levels::on_hand))
        .load(conn)?)
}

/// What these variants are mapped to.
///
/// # Errors
///
/// The database's.
pub fn list_live(
    conn: &mut DbConnection,
    variants: &[VariantId],
) -> Result<Vec<MappedRow>, DbError> {
    Ok(history()
        .filter(m::variant_id.eq_any(variants.to_vec()))
        .filter(m::removed_at.is_null())
        .load(conn)?)
}

/// Everything that was ever said of a variant, the latest first.
///
/// # Errors
///
/// The database's.
pub fn list_history(
    conn: &mut DbConnection,
    variant: VariantId,
) -> Result<Vec<MappedRow>, DbError> {
    Ok(history()
        .filter(m::variant_id.eq(variant))
        .order(m::id.desc())
        .load(conn)?)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn history() -> _ {
    m::table
        .left_join(products::table)
        .left_join(users::table.on(m::created_by.eq(users::id.nullable())))
        .select((
            m::variant_id,
            m::kind,
            m::origin,
            m::quantity,
            m::product_id,
            products::sku.nullable(),
            products::name.nullable(),
            m::created_at,
            m::removed_at,
            m::prefix,
            users::name.nullable(),
        ))
}
