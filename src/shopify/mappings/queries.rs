//! SQL of `shopify_product_mappings`, and what it is compared with.
use std::collections::{BTreeSet, HashSet};

use diesel::dsl::{count_star, exists, not};
use diesel::prelude::*;

use super::proposals::Candidate;
use super::rules::Question;
use super::{MappingKind, Origin};
use crate::erp::holds::{HoldKind, line_cause};
use crate::platform::db::{DbConnection, DbError, MultiBackend};
use crate::schema::shopify_product_mappings::{self, self as m};
use crate::schema::shopify_variants as v;
use crate::schema::{holds, products, stock_levels, users};
use crate::shopify::products::queries::VariantRow;
use crate::types::{At, ChannelId, OrderId, ProductId, ShopId, UserId, VariantId};

/// Values in one question.
const STEP: usize = 500;

#[diesel::declare_sql_function]
extern "SQL" {
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

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

/// How many variants each view has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub unmapped: i64,
    pub conflicts: i64,
    pub mapped: i64,
    pub ignored: i64,
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

pub(super) fn set_ignored(
    conn: &mut DbConnection,
    variant: VariantId,
    at: Option<At>,
) -> Result<(), DbError> {
    diesel::update(v::table.find(variant))
        .set(v::ignored_at.eq(at))
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

/// How many orders of the channel wait for each variant. Counted over one index, so that it is true
/// whoever holds and frees orders meanwhile, without a counter that all of them would queue for.
pub(super) fn count_waiting(
    conn: &mut DbConnection,
    channel: ChannelId,
) -> Result<Vec<(String, i64)>, DbError> {
    Ok(holds::table
        .filter(holds::channel_id.eq(channel))
        .filter(holds::kind.eq(HoldKind::Unmapped))
        .filter(holds::released_at.is_null())
        .filter(holds::cause.not_like(line_cause("%")))
        .group_by(holds::cause)
        .select((holds::cause, count_star()))
        .load(conn)?)
}

/// The unmapped variants beside the items of the same SKU, whatever its case.
#[diesel::dsl::auto_type(no_type_alias)]
fn same_sku(shop: ShopId) -> _ {
    let mapped = m::table
        .filter(m::variant_id.eq(v::id))
        .filter(m::removed_at.is_null());
    v::table
        .inner_join(products::table.on(v::sku_normal.eq(products::sku_normal.nullable())))
        .filter(v::shop_id.eq(shop))
        .filter(v::deleted_at.is_null())
        .filter(products::active.eq(true))
        .filter(not(exists(mapped)))
}

pub(super) fn list_same_sku(
    conn: &mut DbConnection,
    shop: ShopId,
) -> Result<Vec<(VariantRow, String, ProductId, String)>, DbError> {
    Ok(same_sku(shop)
        .order((v::product_title, v::id))
        .select((
            VariantRow::as_select(),
            products::sku_normal,
            products::id,
            products::name,
        ))
        .load(conn)?)
}

/// As [`list_same_sku`], but only what decides whether they match.
pub(super) fn list_pairs(
    conn: &mut DbConnection,
    shop: ShopId,
) -> Result<Vec<(VariantId, String)>, DbError> {
    Ok(same_sku(shop)
        .select((v::id, products::sku_normal))
        .load(conn)?)
}

/// The SKUs that more than one variant of the store has.
pub(super) fn list_shared_skus(
    conn: &mut DbConnection,
    shop: ShopId,
) -> Result<Vec<Option<String>>, DbError> {
    Ok(v::table
        .filter(v::shop_id.eq(shop))
        .filter(v::deleted_at.is_null())
        .group_by(v::sku_normal)
        .having(count_star().gt(1))
        .select(v::sku_normal)
        .load(conn)?)
}

pub(super) fn list_batch(
    conn: &mut DbConnection,
    shop: ShopId,
    batch: &str,
    since: At,
) -> Result<Vec<VariantId>, DbError> {
    Ok(m::table
        .filter(m::batch.eq(batch))
        .filter(m::shop_id.eq(shop))
        .filter(m::created_at.ge(since))
        .filter(m::removed_at.is_null())
        .order(m::variant_id)
        .select(m::variant_id)
        .distinct()
        .load(conn)?)
}

/// A page of variants by title; `first` come with any page that has no `after`.
///
/// # Errors
///
/// The database's.
pub fn list(
    conn: &mut DbConnection,
    shop: ShopId,
    view: View,
    search: &str,
    except: &[String],
    after: Option<(&str, VariantId)>,
    limit: i64,
) -> Result<Vec<VariantRow>, DbError> {
    let mut query = in_view(shop, view);
    if !search.trim().is_empty() {
        let pattern = like(search);
        query = query.filter(
            lower(v::product_title)
                .like(pattern.clone())
                .escape('\\')
                .or(lower(v::sku.assume_not_null())
                    .like(pattern.clone())
                    .escape('\\'))
                .or(lower(v::variant_title.assume_not_null())
                    .like(pattern)
                    .escape('\\'))
                .or(v::barcode.assume_not_null().eq(search.trim().to_owned())),
        );
    }
    if !except.is_empty() {
        query = query.filter(v::external_id.ne_all(except.to_vec()));
    }
    if let Some((title, id)) = after {
        query = query.filter(
            v::product_title
                .gt(title.to_owned())
                .or(v::product_title.eq(title.to_owned()).and(v::id.gt(id))),
        );
    }
    Ok(query
        .order((v::product_title, v::id))
        .limit(limit)
        .select(VariantRow::as_select())
        .load(conn)?)
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
    let mut query = living(view).filter(v::id.gt(after));
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

/// These variants, where they are in the view.
///
/// # Errors
///
/// The database's.
pub fn list_these(
    conn: &mut DbConnection,
    shop: ShopId,
    view: View,
    external_ids: &[String],
) -> Result<Vec<VariantRow>, DbError> {
    Ok(in_view(shop, view)
        .filter(v::external_id.eq_any(external_ids.to_vec()))
        .select(VariantRow::as_select())
        .load(conn)?)
}

/// How many variants each view has.
///
/// # Errors
///
/// The database's.
pub fn count(conn: &mut DbConnection, shop: ShopId) -> Result<Counts, DbError> {
    let living = v::table
        .filter(v::shop_id.eq(shop))
        .filter(v::deleted_at.is_null());
    let all: i64 = living.count().get_result(conn)?;
    let mapped: i64 = in_view(shop, View::Mapped).count().get_result(conn)?;
    let ignored: i64 = in_view(shop, View::Ignored).count().get_result(conn)?;
    let conflicts: i64 = in_view(shop, View::Conflicts).count().get_result(conn)?;
    Ok(Counts {
        // A variant is in one view: what is ignored has a mapping that says so.
        unmapped: all - mapped - ignored,
        conflicts,
        mapped,
        ignored,
    })
}

fn in_view<'a>(shop: ShopId, view: View) -> v::BoxedQuery<'a, MultiBackend> {
    living(Some(view)).filter(v::shop_id.eq(shop))
}

fn living<'a>(view: Option<View>) -> v::BoxedQuery<'a, MultiBackend> {
    let living = v::table.filter(v::deleted_at.is_null());
    let live = m::table
        .filter(m::variant_id.eq(v::id))
        .filter(m::removed_at.is_null());
    match view {
        None => living.into_boxed(),
        Some(View::Conflicts) => v::table.filter(v::question.is_not_null()).into_boxed(),
        Some(View::Unmapped) => living.filter(not(exists(live))).into_boxed(),
        Some(View::Mapped) => living
            .filter(v::ignored_at.is_null())
            .filter(exists(live))
            .into_boxed(),
        Some(View::Ignored) => living.filter(v::ignored_at.is_not_null()).into_boxed(),
    }
}

/// The items that may be proposed.
///
/// # Errors
///
/// The database's.
pub fn list_candidates(conn: &mut DbConnection) -> Result<Vec<Candidate>, DbError> {
    Ok(products::table
        .filter(products::active.eq(true))
        .order(products::id)
        .select((
            products::id,
            products::sku,
            products::name,
            products::barcode,
        ))
        .load(conn)?)
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

/// A pattern that finds `text` anywhere, with its own wildcards made harmless.
fn like(text: &str) -> String {
    let plain = text
        .trim()
        .to_lowercase()
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{plain}%")
}
