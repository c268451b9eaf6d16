//! SQL of `shopify_pictures`.
use std::collections::{BTreeSet, HashMap};

use diesel::dsl::{exists, min, not};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::scaling::Scaled;
use super::{PictureState, Size};
use crate::native;
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_pictures::{self as t, table};
use crate::schema::{shopify_product_mappings as m, shopify_shops as s, shopify_variants as v};
use crate::types::{At, ChannelId, ProductId, ShopId, VariantId};

/// A picture that is to be fetched.
#[derive(Clone, Debug, Queryable)]
pub struct Wanted {
    pub id: i64,
    pub url: String,
    pub attempts: i64,
}

/// How the picture of a variant stands.
#[derive(Clone, Debug, Queryable)]
pub struct Standing {
    pub state: PictureState,
    pub hash: Option<String>,
    /// Why it is left out, or what went wrong last.
    pub reason: Option<String>,
}

/// Notes which pictures are wanted; returns how many of them are new.
pub(super) fn insert_wanted(
    conn: &mut DbConnection,
    shop: ShopId,
    urls: &BTreeSet<&str>,
    now: At,
) -> Result<usize, DbError> {
    let each = match conn {
        DbConnection::Postgres(_) => "json_array_elements_text($3::json) AS each (value)",
        DbConnection::Sqlite(_) => "json_each($3) WHERE true",
    };
    let statement = format!(
        "INSERT INTO shopify_pictures (shop_id, changed_at, state, url) SELECT $1, $2, 'wanted', value FROM {each} \
         ON CONFLICT (shop_id, url) DO NOTHING"
    );
    let urls = serde_json::to_string(urls).unwrap_or_default();
    Ok(native!(conn, |c| diesel::sql_query(statement)
        .bind::<BigInt, _>(shop)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(urls)
        .prepared()
        .execute(c))?)
}

/// The next pictures to fetch behind an id.
pub(super) fn list_wanted(
    conn: &mut DbConnection,
    shop: ShopId,
    after: i64,
    limit: i64,
) -> Result<Vec<Wanted>, DbError> {
    Ok(table
        .filter(t::shop_id.eq(shop))
        .filter(t::state.eq(PictureState::Wanted))
        .filter(t::id.gt(after))
        .order(t::id)
        .limit(limit)
        .select((t::id, t::url, t::attempts))
        .load(conn)?)
}

/// Keeps a picture, if it is still wanted.
pub(super) fn set_kept(
    conn: &mut DbConnection,
    id: i64,
    picture: &Scaled,
    now: At,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set((
            t::state.eq(PictureState::Kept),
            t::hash.eq(&picture.hash),
            t::small.eq(&picture.small),
            t::large.eq(&picture.large),
            t::reason.eq(None::<String>),
            t::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes that a picture could not be fetched, for the moment (`Wanted`) or for good (`LeftOut`).
pub(super) fn set_failed(
    conn: &mut DbConnection,
    id: i64,
    state: PictureState,
    reason: &str,
    now: At,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set((
            t::state.eq(state),
            t::attempts.eq(t::attempts + 1),
            t::reason.eq(reason),
            t::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Wants those once more whose host did not answer so many times; returns how many.
pub(super) fn want_again(
    conn: &mut DbConnection,
    shop: ShopId,
    attempts: i64,
    now: At,
) -> Result<usize, DbError> {
    let rows = table
        .filter(t::shop_id.eq(shop))
        .filter(t::state.eq(PictureState::LeftOut))
        .filter(t::attempts.ge(attempts));
    Ok(diesel::update(rows)
        .set((
            t::state.eq(PictureState::Wanted),
            t::attempts.eq(0),
            t::changed_at.eq(now),
        ))
        .execute(conn)?)
}

/// Deletes those of these pictures that no variant shows.
pub(super) fn delete_unshown(
    conn: &mut DbConnection,
    shop: ShopId,
    urls: &BTreeSet<&str>,
) -> Result<(), DbError> {
    let shown = v::table
        .filter(v::shop_id.eq(t::shop_id))
        .filter(v::picture_url.eq(t::url.nullable()))
        .filter(v::deleted_at.is_null());
    let rows = table
        .filter(t::shop_id.eq(shop))
        .filter(t::url.eq_any(urls.iter().copied().collect::<Vec<_>>()))
        .filter(not(exists(shown)));
    diesel::delete(rows).execute(conn)?;
    Ok(())
}

/// Deletes the pictures that no variant shows of the next `limit` behind an id; returns the last one that was looked
/// at, `None` behind the end.
pub(super) fn sweep(
    conn: &mut DbConnection,
    shop: ShopId,
    after: i64,
    limit: i64,
) -> Result<Option<i64>, DbError> {
    let ids: Vec<i64> = table
        .filter(t::shop_id.eq(shop))
        .filter(t::id.gt(after))
        .order(t::id)
        .limit(limit)
        .select(t::id)
        .load(conn)?;
    let Some(last) = ids.last().copied() else {
        return Ok(None);
    };
    let shown = v::table
        .filter(v::shop_id.eq(t::shop_id))
        .filter(v::picture_url.eq(t::url.nullable()))
        .filter(v::deleted_at.is_null());
    let rows = table
        .filter(t::shop_id.eq(shop))
        .filter(t::id.gt(after))
        .filter(t::id.le(last))
        .filter(not(exists(shown)));
    diesel::delete(rows).execute(conn)?;
    Ok(Some(last))
}

/// The bytes of a picture, by its hash.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, hash: &str, size: Size) -> Result<Option<Vec<u8>>, DbError> {
    let found: Option<Option<Vec<u8>>> = match size {
        Size::Small => table
            .filter(t::hash.eq(hash))
            .select(t::small)
            .first(conn)
            .optional()?,
        Size::Large => table
            .filter(t::hash.eq(hash))
            .select(t::large)
            .first(conn)
            .optional()?,
    };
    Ok(found.flatten())
}

/// How the picture of a variant stands; `None` where the store shows none.
///
/// # Errors
///
/// The database's.
pub fn find_of_variant(
    conn: &mut DbConnection,
    variant: VariantId,
) -> Result<Option<Standing>, DbError> {
    Ok(table
        .inner_join(
            v::table.on(v::shop_id
                .eq(t::shop_id)
                .and(v::picture_url.eq(t::url.nullable()))),
        )
        .filter(v::id.eq(variant))
        .select((t::state, t::hash, t::reason))
        .first(conn)
        .optional()?)
}

/// The hash of the picture of each of these variants that has one.
///
/// # Errors
///
/// The database's.
pub fn of_variants(
    conn: &mut DbConnection,
    variants: &[VariantId],
) -> Result<HashMap<VariantId, String>, DbError> {
    let rows: Vec<(VariantId, Option<String>)> = table
        .inner_join(
            v::table.on(v::shop_id
                .eq(t::shop_id)
                .and(v::picture_url.eq(t::url.nullable()))),
        )
        .filter(v::id.eq_any(variants.to_vec()))
        .filter(v::deleted_at.is_null())
        .filter(t::hash.is_not_null())
        .select((v::id, t::hash))
        .load(conn)?;
    Ok(known(rows))
}

/// The same for variants of a channel, by their ids there.
///
/// # Errors
///
/// The database's.
pub fn of_external(
    conn: &mut DbConnection,
    channel: ChannelId,
    variants: &[&str],
) -> Result<HashMap<String, String>, DbError> {
    let rows: Vec<(String, Option<String>)> = table
        .inner_join(
            v::table.on(v::shop_id
                .eq(t::shop_id)
                .and(v::picture_url.eq(t::url.nullable()))),
        )
        .inner_join(s::table)
        .filter(s::channel_id.eq(channel))
        .filter(v::external_id.eq_any(variants.to_vec()))
        .filter(v::deleted_at.is_null())
        .filter(t::hash.is_not_null())
        .select((v::external_id, t::hash))
        .load(conn)?;
    Ok(known(rows))
}

/// The hash of a picture of each of these items: that of the first variant that is mapped to it and has one.
///
/// # Errors
///
/// The database's.
pub fn of_items(
    conn: &mut DbConnection,
    items: &[ProductId],
) -> Result<HashMap<ProductId, String>, DbError> {
    let shown = v::table
        .inner_join(m::table)
        .filter(m::product_id.eq_any(items.to_vec()))
        .filter(m::removed_at.is_null())
        .filter(v::deleted_at.is_null())
        .inner_join(
            table.on(t::shop_id
                .eq(v::shop_id)
                .and(v::picture_url.eq(t::url.nullable()))),
        )
        .filter(t::hash.is_not_null())
        .group_by(m::product_id)
        .select((m::product_id, min(v::id)));
    let first: Vec<(Option<ProductId>, Option<VariantId>)> = shown.load(conn)?;
    let variants: Vec<VariantId> = first.iter().filter_map(|(_item, id)| *id).collect();
    let hashes = of_variants(conn, &variants)?;
    let of = |(item, variant): (Option<ProductId>, Option<VariantId>)| {
        Some((item?, hashes.get(&variant?)?.clone()))
    };
    Ok(first.into_iter().filter_map(of).collect())
}

fn known<K: std::hash::Hash + Eq>(rows: Vec<(K, Option<String>)>) -> HashMap<K, String> {
    rows.into_iter()
        .filter_map(|(key, hash)| Some((key, hash?)))
        .collect()
}
