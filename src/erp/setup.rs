//! The first run: a one-time code, the owner's account, the company and the first location.
pub mod queries;

use std::time::Duration;

use crate::erp::locations::{self, NewLocation};
use crate::erp::users::{self, NewUser, UserError};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::secrets::token_hash;
use crate::types::{At, UserId};

/// A code is good for so long after the start that printed it.
const CODE_LIVES: Duration = Duration::from_secs(24 * 60 * 60);
const CODE: &str = "setup_code";

/// Everything the set-up page asks for.
#[derive(Clone, Debug)]
pub struct NewHouse {
    pub code: String,
    pub owner: NewUser,
    pub company: String,
    pub time_zone: String,
    pub location: String,
}

/// Why the house was not set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    #[error("somebody has set Counterfoil up already")]
    AlreadyDone,
    #[error("this is not the code of the last start")]
    WrongCode,
    #[error("this code is older than a day")]
    ExpiredCode,
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Keeps a new code (its hash), which replaces any older one; false once there are accounts.
///
/// # Errors
///
/// The database's.
pub fn keep_code(conn: &mut DbConnection, code: &str, now: At) -> Result<bool, DbError> {
    if users::queries::any(conn)? {
        return Ok(false);
    }
    queries::set(conn, CODE, &token_hash(code), now)?;
    Ok(true)
}

/// Makes the owner, the company and the first location, and forgets the code.
///
/// # Errors
///
/// `AlreadyDone`, `WrongCode`, `ExpiredCode`; what is wrong with the owner's account.
pub fn set_up(conn: &mut DbConnection, house: &NewHouse, now: At) -> Result<UserId, SetUpError> {
    if users::queries::any(conn)? {
        return Err(SetUpError::AlreadyDone);
    }
    let (hash, kept_at) = queries::find(conn, CODE)?.ok_or(SetUpError::WrongCode)?;
    if hash != token_hash(house.code.trim()) {
        return Err(SetUpError::WrongCode);
    }
    if now.since(kept_at) > CODE_LIVES {
        return Err(SetUpError::ExpiredCode);
    }
    let owner = users::add(conn, &house.owner, now)?;
    queries::insert_seller(conn, &house.company, &house.time_zone)?;
    let place = NewLocation {
        name: house.location.clone(),
        ..NewLocation::default()
    };
    locations::ensure(conn, &place)?;
    queries::delete(conn, CODE)?;
    Ok(owner)
}
