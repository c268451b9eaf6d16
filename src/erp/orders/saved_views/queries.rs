//! SQL of `saved_views`.
use diesel::prelude::*;

use super::NewView;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::saved_views;
use crate::types::{At, SavedViewId, UserId};

/// A view as it is kept.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = saved_views)]
pub struct SavedViewRow {
    pub id: SavedViewId,
    pub user_id: UserId,
    pub name: String,
    pub query: String,
    pub shared: bool,
}

/// The views that somebody sees: their own, then what others share; each by name.
///
/// # Errors
///
/// The database's.
pub fn list_seen(conn: &mut DbConnection, user: UserId) -> Result<Vec<SavedViewRow>, DbError> {
    let mut views: Vec<SavedViewRow> = saved_views::table
        .filter(
            saved_views::user_id
                .eq(user)
                .or(saved_views::shared.eq(true)),
        )
        .order((saved_views::name, saved_views::id))
        .select(SavedViewRow::as_select())
        .load(conn)?;
    views.sort_by_key(|view| view.user_id != user);
    Ok(views)
}

pub(super) fn list_own(
    conn: &mut DbConnection,
    user: UserId,
) -> Result<Vec<SavedViewRow>, DbError> {
    Ok(saved_views::table
        .filter(saved_views::user_id.eq(user))
        .select(SavedViewRow::as_select())
        .load(conn)?)
}

pub(super) fn find(
    conn: &mut DbConnection,
    id: SavedViewId,
) -> Result<Option<SavedViewRow>, DbError> {
    Ok(saved_views::table
        .find(id)
        .select(SavedViewRow::as_select())
        .first(conn)
        .optional()?)
}

pub(super) fn insert(
    conn: &mut DbConnection,
    new: &NewView,
    now: At,
) -> Result<SavedViewId, DbError> {
    Ok(diesel::insert_into(saved_views::table)
        .values((
            saved_views::user_id.eq(new.user),
            saved_views::name.eq(&new.name),
            saved_views::query.eq(&new.query),
            saved_views::shared.eq(new.shared),
            saved_views::created_at.eq(now),
        ))
        .returning(saved_views::id)
        .get_result(conn)?)
}

pub(super) fn delete(conn: &mut DbConnection, id: SavedViewId) -> Result<bool, DbError> {
    Ok(diesel::delete(saved_views::table.find(id)).execute(conn)? > 0)
}
