//! Secrets at rest: sealed with XChaCha20-Poly1305 under a key that is named in the sealed text.
pub mod key_file;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;

/// Why a secret could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the key must be 32 bytes in hexadecimal (64 digits)")]
    BadKey,
    #[error("the key file {path} cannot be used: {reason}")]
    KeyFile { path: String, reason: String },
    #[error("a stored secret cannot be opened with the present key")]
    CannotOpen,
    #[error("the operating system gave no randomness")]
    NoRandomness,
}

/// Seals with one key, opens with it and with earlier ones, and derives keys for other purposes.
#[derive(Clone)]
pub struct Keyring {
    key: Key,
    /// Keys before the last rotation: what was sealed with them still opens.
    earlier: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    hex: SecretString,
    /// Eight digits of its digest: what a sealed text names it by.
    id: String,
}

impl Keyring {
    /// A keyring from 64 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// `BadKey`.
    pub fn from_hex(text: &str) -> Result<Keyring, SecretError> {
        let text = text.trim();
        let bytes = hex::decode(text).map_err(|_not_hex| SecretError::BadKey)?;
        if bytes.len() != KEY_BYTES {
            return Err(SecretError::BadKey);
        }
        let id = hex::encode(Sha256::digest(&bytes));
        Ok(Keyring {
            key: Key {
                hex: text.to_owned().into(),
                id: id.chars().take(8).collect(),
            },
            earlier: Vec::new(),
        })
    }

    /// The same, opening also what `earlier` opens.
    #[must_use]
    pub fn also_opening(mut self, earlier: Keyring) -> Keyring {
        self.earlier.push(earlier.key);
        self.earlier.extend(earlier.earlier);
        self
    }

    /// The key that seals, then the earlier ones.
    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.key).chain(&self.earlier)
    }

    /// Seals `secret` for one `purpose` (table, column and row): opened for another it fails.
    ///
    /// # Errors
    ///
    /// `NoRandomness`.
    pub fn seal(&self, secret: &SecretString, purpose: &str) -> Result<String, SecretError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_none| SecretError::NoRandomness)?;
        let payload = Payload {
            msg: secret.expose_secret().as_bytes(),
            aad: purpose.as_bytes(),
        };
        let sealed = self
            .key
            .cipher()?
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_any| SecretError::CannotOpen)?;
        let body = [nonce.as_slice(), &sealed].concat();
        Ok(format!(
            "v1.{}.{}",
            self.key.id,
            STANDARD_NO_PAD.encode(body)
        ))
    }

    /// Opens what [`Keyring::seal`] made for the same purpose.
    ///
    /// # Errors
    ///
    /// `CannotOpen`.
    pub fn open(&self, sealed: &str, purpose: &str) -> Result<SecretString, SecretError> {
        let (key, body) = sealed
            .strip_prefix("v1.")
            .and_then(|rest| rest.split_once('.'))
            .ok_or(SecretError::CannotOpen)?;
        let key = self
            .keys()
            .find(|known| known.id == key)
            .ok_or(SecretError::CannotOpen)?;
        let body = STANDARD_NO_PAD
            .decode(body)
            .map_err(|_any| SecretError::CannotOpen)?;
        let (nonce, sealed) = body
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(SecretError::CannotOpen)?;
        let payload = Payload {
            msg: sealed,
            aad: purpose.as_bytes(),
        };
        let plain = key
            .cipher()?
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_any| SecretError::CannotOpen)?;
        let text = String::from_utf8(plain).map_err(|_any| SecretError::CannotOpen)?;
        Ok(text.into())
    }

    /// A keyed digest of `text` for one purpose, in hexadecimal: CSRF tokens, signed cookies.
    ///
    /// # Errors
    ///
    /// `BadKey`, which a built keyring does not give.
    pub fn tag(&self, purpose: &str, text: &str) -> Result<String, SecretError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.hex.expose_secret().as_bytes())
            .map_err(|_any| SecretError::BadKey)?;
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        Ok(hex::encode(mac.finalize().into_bytes()))
    }
}

impl Key {
    fn cipher(&self) -> Result<XChaCha20Poly1305, SecretError> {
        let bytes = hex::decode(self.hex.expose_secret()).map_err(|_any| SecretError::BadKey)?;
        XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_any| SecretError::BadKey)
    }
}

/// A new key, as [`Keyring::from_hex`] reads it.
///
/// # Errors
///
/// `NoRandomness`.
pub fn new_key() -> Result<String, SecretError> {
    random_hex(KEY_BYTES)
}

/// `bytes` random bytes as hexadecimal digits.
///
/// # Errors
///
/// `NoRandomness`.
pub fn random_hex(bytes: usize) -> Result<String, SecretError> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|_none| SecretError::NoRandomness)?;
    Ok(hex::encode(random))
}

/// The digest under which a token is stored: the token itself never is.
#[must_use]
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_only_for_its_purpose_and_untouched() {
        let ring = Keyring::from_hex(&"a1".repeat(32)).expect("a key");
        let sealed = ring.seal(&"shpat_1".into(), "shops.1").expect("sealed");
        let opened = ring.open(&sealed, "shops.1").expect("opened");
        assert_eq!(opened.expose_secret(), "shpat_1");
        assert!(ring.open(&sealed, "shops.2").is_err());
        let other = Keyring::from_hex(&"a2".repeat(32)).expect("a key");
        assert!(other.open(&sealed, "shops.1").is_err());
        assert!(ring.open(&sealed[..sealed.len() - 3], "shops.1").is_err());
    }

    #[test]
    fn a_keyring_opens_what_earlier_keys_sealed_and_seals_with_its_own() {
        let key = |digits: &str| Keyring::from_hex(&digits.repeat(32)).expect("a key");
        let old = key("a1").seal(&"old".into(), "shops.1").expect("sealed");
        let both = key("a2").also_opening(key("a3").also_opening(key("a1")));
        let opened = both.open(&old, "shops.1").expect("opened");
        assert_eq!(opened.expose_secret(), "old");
        let new = both.seal(&"new".into(), "shops.1").expect("sealed");
        assert!(key("a2").open(&new, "shops.1").is_ok());
        assert!(key("a1").open(&new, "shops.1").is_err());
    }
}
