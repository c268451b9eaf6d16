//! Who drives: the people of that role, with what a dispatcher needs to know of them.
use super::queries::drivers as queries;
use crate::platform::db::{DbConnection, DbError};
use crate::types::UserId;

/// Characters a telephone number or a vehicle may have.
pub const LONGEST: usize = 100;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    pub user: UserId,
    pub name: String,
    pub phone: Option<String>,
    /// `Cargo bike`, `AB 123`.
    pub vehicle: Option<String>,
    /// May be given something to deliver.
    pub active: bool,
}

/// What a dispatcher says of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub phone: Option<String>,
    pub vehicle: Option<String>,
    pub active: bool,
}

/// Everybody whose role it is to drive, by name.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection) -> Result<Vec<Driver>, DbError> {
    queries::list(conn)
}

/// One who may be given something.
///
/// # Errors
///
/// The database's.
pub fn find_active(conn: &mut DbConnection, user: UserId) -> Result<Option<Driver>, DbError> {
    let mut all = queries::list(conn)?;
    all.retain(|driver| driver.user == user && driver.active);
    Ok(all.pop())
}

/// Stores what a dispatcher said; false where nobody of that role has this id.
///
/// # Errors
///
/// The database's.
pub fn save(conn: &mut DbConnection, user: UserId, facts: &Facts) -> Result<bool, DbError> {
    let known = queries::list(conn)?.iter().any(|one| one.user == user);
    if known {
        queries::save(conn, user, facts)?;
    }
    Ok(known)
}
