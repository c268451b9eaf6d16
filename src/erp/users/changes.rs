//! What an owner or admin does to other people's accounts; each change is in the audit log.
use serde_json::json;

use super::roles::Role;
use super::{NewUser, User, UserError, queries};
use crate::erp::audit::{self, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, UserId};

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("there is no such account")]
    NotFound,
    #[error("the last owner must stay: make somebody else an owner first")]
    LastOwner,
    #[error("only an owner makes or changes an owner")]
    OnlyAnOwner,
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Adds a person, as `by` wishes.
///
/// # Errors
///
/// As [`super::add`].
pub fn add_by(
    conn: &mut DbConnection,
    user: &NewUser,
    by: UserId,
    now: At,
) -> Result<UserId, UserError> {
    let id = super::add(conn, user, now)?;
    let arguments = json!({ "role": user.role });
    audit::record(
        conn,
        Some(by),
        Kind::UserAdded,
        &subject(id),
        &arguments,
        now,
    )?;
    Ok(id)
}

/// Gives a person another role.
///
/// # Errors
///
/// `LastOwner`, `OnlyAnOwner`, `NotFound`.
pub fn change_role(
    conn: &mut DbConnection,
    id: UserId,
    role: Role,
    by: &User,
    now: At,
) -> Result<(), ChangeError> {
    let user = queries::find(conn, id)?.ok_or(ChangeError::NotFound)?;
    guard(conn, &user, by, role == Role::Owner)?;
    queries::mark_role(conn, id, role)?;
    let arguments = json!({ "before": user.role, "after": role });
    let kind = Kind::UserRoleChanged;
    audit::record(conn, Some(by.id), kind, &subject(id), &arguments, now)?;
    Ok(())
}

/// Lets a person in again, or shuts them out and ends their sessions.
///
/// # Errors
///
/// `LastOwner`, `OnlyAnOwner`, `NotFound`.
pub fn set_active(
    conn: &mut DbConnection,
    id: UserId,
    active: bool,
    by: &User,
    now: At,
) -> Result<(), ChangeError> {
    let user = queries::find(conn, id)?.ok_or(ChangeError::NotFound)?;
    guard(conn, &user, by, active && user.role == Role::Owner)?;
    queries::mark_active(conn, id, active)?;
    if !active {
        queries::delete_sessions_of(conn, id)?;
    }
    let kind = if active {
        Kind::UserReactivated
    } else {
        Kind::UserDeactivated
    };
    audit::record(conn, Some(by.id), kind, &subject(id), &json!({}), now)?;
    Ok(())
}

// `stays_owner`: after the change this account is an owner's and may sign in.
fn guard(
    conn: &mut DbConnection,
    user: &User,
    by: &User,
    stays_owner: bool,
) -> Result<(), ChangeError> {
    if (user.role == Role::Owner || stays_owner) && by.role != Role::Owner {
        return Err(ChangeError::OnlyAnOwner);
    }
    let is_last = user.role == Role::Owner && user.active && queries::count_owners(conn)? == 1;
    if is_last && !stays_owner {
        return Err(ChangeError::LastOwner);
    }
    Ok(())
}

fn subject(id: UserId) -> String {
    format!("user/{id}")
}
