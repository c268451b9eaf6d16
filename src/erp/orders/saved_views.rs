//! Views of the order list that people keep: a name for what an address of the list asks for.
pub mod queries;

use queries::SavedViewRow;

use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, SavedViewId, UserId};

/// Characters of a name.
const LONGEST_NAME: usize = 40;
/// Views that one person may keep.
const MOST: usize = 30;

/// A view to keep.
#[derive(Clone, Debug)]
pub struct NewView {
    pub user: UserId,
    pub name: String,
    /// What the list's address asks for: `view=on-hold&payment=pending`.
    pub query: String,
    /// Whether everybody sees it.
    pub shared: bool,
}

/// Why a view is not kept.
#[derive(Debug, thiserror::Error)]
pub enum SavedViewError {
    #[error("give it a name of at most {LONGEST_NAME} characters")]
    Name,
    #[error("you have a view of that name already")]
    Taken,
    #[error("you keep {MOST} views already: remove one first")]
    TooMany,
    #[error("there is no such view of yours")]
    NotFound,
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Keeps a view.
///
/// # Errors
///
/// `Name`, `Taken`, `TooMany`.
pub fn keep(
    conn: &mut DbConnection,
    new: &NewView,
    now: At,
) -> Result<SavedViewId, SavedViewError> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(SavedViewError::Name);
    }
    let own = queries::list_own(conn, new.user)?;
    if own.iter().any(|view| view.name == name) {
        return Err(SavedViewError::Taken);
    }
    if own.len() >= MOST {
        return Err(SavedViewError::TooMany);
    }
    let view = NewView {
        name: name.to_owned(),
        ..new.clone()
    };
    Ok(queries::insert(conn, &view, now)?)
}

/// Removes a view: one's own, or a shared one if `any` may be removed. Returns what it was.
///
/// # Errors
///
/// `NotFound`.
pub fn remove(
    conn: &mut DbConnection,
    id: SavedViewId,
    user: UserId,
    any: Removable,
) -> Result<SavedViewRow, SavedViewError> {
    let view = queries::find(conn, id)?.ok_or(SavedViewError::NotFound)?;
    let may = view.user_id == user || view.shared && any == Removable::Shared;
    if !may || !queries::delete(conn, id)? {
        return Err(SavedViewError::NotFound);
    }
    Ok(view)
}

/// Whose views somebody may remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removable {
    Own,
    /// What others share too.
    Shared,
}
