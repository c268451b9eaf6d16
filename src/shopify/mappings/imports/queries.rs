//! SQL of `shopify_mapping_imports`.
use diesel::prelude::*;

use super::State;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_mapping_imports::{self, self as t, table};
use crate::types::{At, MappingImportId, ShopId, UserId};

/// A file without its content.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = shopify_mapping_imports)]
pub struct ImportRow {
    pub id: MappingImportId,
    pub shop_id: ShopId,
    pub state: State,
    pub batch: String,
    /// Variants that the file speaks of, and those that are booked.
    pub total: i64,
    pub done: i64,
    pub mapped: i64,
    pub unchanged: i64,
    pub refused: i64,
    pub orders_freed: i64,
    pub refusals: String,
    pub created_at: At,
    pub created_by: Option<UserId>,
    pub done_at: Option<At>,
}

#[derive(Insertable)]
#[diesel(table_name = shopify_mapping_imports)]
pub(super) struct NewImport<'a> {
    pub(super) shop_id: ShopId,
    pub(super) state: State,
    pub(super) content: &'a [u8],
    pub(super) batch: &'a str,
    pub(super) total: i64,
    pub(super) done: i64,
    pub(super) mapped: i64,
    pub(super) unchanged: i64,
    pub(super) refused: i64,
    pub(super) orders_freed: i64,
    pub(super) refusals: &'a str,
    pub(super) created_at: At,
    pub(super) created_by: Option<UserId>,
}

pub(super) fn insert(
    conn: &mut DbConnection,
    new: &NewImport<'_>,
) -> Result<MappingImportId, DbError> {
    Ok(diesel::insert_into(table)
        .values(new)
        .returning(t::id)
        .get_result(conn)?)
}

/// Finds an import.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, id: MappingImportId) -> Result<Option<ImportRow>, DbError> {
    Ok(table
        .find(id)
        .select(ImportRow::as_select())
        .first(conn)
        .optional()?)
}

/// The last imports of a store, the latest first.
///
/// # Errors
///
/// The database's.
pub fn list_latest(
    conn: &mut DbConnection,
    shop: ShopId,
    limit: i64,
) -> Result<Vec<ImportRow>, DbError> {
    Ok(table
        .filter(t::shop_id.eq(shop))
        .order(t::id.desc())
        .limit(limit)
        .select(ImportRow::as_select())
        .load(conn)?)
}

pub(super) fn content(
    conn: &mut DbConnection,
    id: MappingImportId,
) -> Result<Option<Vec<u8>>, DbError> {
    Ok(table.find(id).select(t::content).first(conn).optional()?)
}

/// Those that were shown and never booked.
pub(super) fn delete_shown(conn: &mut DbConnection, shop: ShopId) -> Result<(), DbError> {
    let shown = table
        .filter(t::shop_id.eq(shop))
        .filter(t::state.eq(State::Shown));
    diesel::delete(shown).execute(conn)?;
    Ok(())
}

pub(super) fn mark_booking(conn: &mut DbConnection, id: MappingImportId) -> Result<bool, DbError> {
    let shown = table.filter(t::id.eq(id)).filter(t::state.eq(State::Shown));
    let changed = diesel::update(shown)
        .set(t::state.eq(State::Booking))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Writes how far it is; the file itself goes when all of it is booked.
pub(super) fn update(conn: &mut DbConnection, row: &ImportRow) -> Result<(), DbError> {
    diesel::update(table.find(row.id))
        .set((
            t::state.eq(row.state),
            t::done.eq(row.done),
            t::mapped.eq(row.mapped),
            t::unchanged.eq(row.unchanged),
            t::refused.eq(row.refused),
            t::orders_freed.eq(row.orders_freed),
            t::refusals.eq(&row.refusals),
            t::done_at.eq(row.done_at),
        ))
        .execute(conn)?;
    if row.state == State::Done {
        let nothing: &[u8] = &[];
        diesel::update(table.find(row.id))
            .set(t::content.eq(nothing))
            .execute(conn)?;
    }
    Ok(())
}
