//! Staff: accounts, passwords and roles. Sessions, sign-in and API tokens have files of their own.
use std::sync::OnceLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::platform::secrets::random_hex;
use crate::types::{At, UserId};

pub mod changes;
pub mod queries;
pub mod roles;
pub mod sessions;
pub mod sign_in;
pub mod tokens;

use roles::Role;

/// Shortest password; longer is better than stranger.
pub const SHORTEST_PASSWORD: usize = 12;
/// Longest: hashing costs time by length.
pub const LONGEST_PASSWORD: usize = 256;

/// One person's account.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = crate::schema::users)]
pub struct User {
    pub id: UserId,
    pub public_id: String,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub active: bool,
    pub time_zone: String,
    /// `system`, `light` or `dark`.
    pub theme: String,
    /// `compact` or `roomy`.
    pub density: String,
    pub keys_on: bool,
    pub created_at: At,
    pub signed_in_at: Option<At>,
}

/// An account that is to be made; the password is hashed already, outside of any transaction.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    pub role: Role,
    pub password_hash: String,
    pub time_zone: String,
}

/// Why an account could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    #[error("`{0}` already has an account")]
    EmailTaken(String),
    #[error("`{0}` is not an e-mail address")]
    BadEmail(String),
    #[error("the password must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")]
    BadPassword,
    #[error("the password could not be hashed")]
    Hashing,
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Makes an account.
///
/// # Errors
///
/// `BadEmail`, `EmailTaken`.
pub fn add(conn: &mut DbConnection, user: &NewUser, now: At) -> Result<UserId, UserError> {
    let email = email_normal(&user.email);
    let named = email
        .split_once('@')
        .is_some_and(|(who, host)| !who.is_empty() && !host.is_empty());
    if !named || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(UserError::BadEmail(user.email.clone()));
    }
    if queries::find_by_email(conn, &email)?.is_some() {
        return Err(UserError::EmailTaken(email));
    }
    let public_id = random_hex(16).map_err(|_none| UserError::Hashing)?;
    Ok(queries::insert(conn, &public_id, &email, user, now)?)
}

/// How an address is stored and looked up: people do not type it twice in the same case.
#[must_use]
pub fn email_normal(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Hashes a password (argon2id, 46 MiB). Takes some 40 ms: call it on a blocking thread.
///
/// # Errors
///
/// `BadPassword` for one too short or too long.
pub fn hash_password(password: &str) -> Result<String, UserError> {
    let length = password.chars().count();
    if !(SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&length) {
        return Err(UserError::BadPassword);
    }
    let hash: PasswordHash = hasher()?
        .hash_password(password.as_bytes())
        .map_err(|_any| UserError::Hashing)?;
    Ok(hash.to_string())
}

/// Whether the password is the one behind `hash`. Without a hash (no such account) it takes the same time
/// and says no. Call it on a blocking thread.
#[must_use]
pub fn verify_password(password: &str, hash: Option<&str>) -> bool {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let stored = hash.unwrap_or_else(|| {
        NOBODY.get_or_init(|| hash_password("nobody has this password").unwrap_or_default())
    });
    let Ok(parsed) = PasswordHash::new(stored) else {
        return false;
    };
    let fits = hasher().is_ok_and(|hasher| {
        password.len() <= LONGEST_PASSWORD * 4
            && hasher.verify_password(password.as_bytes(), &parsed).is_ok()
    });
    fits && hash.is_some()
}

fn hasher() -> Result<Argon2<'static>, UserError> {
    // OWASP's first choice: 46 MiB, one pass, one lane.
    let params = Params::new(47_104, 1, 1, None).map_err(|_any| UserError::Hashing)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_alone() {
        let hash = hash_password("correct horse battery").expect("hashed");
        assert!(
            hash.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"),
            "{hash}"
        );
        assert!(verify_password("correct horse battery", Some(&hash)));
        assert!(!verify_password("correct horse batterz", Some(&hash)));
        assert!(!verify_password("nobody has this password", None));
        assert!(matches!(
            hash_password("short"),
            Err(UserError::BadPassword)
        ));
    }
}
