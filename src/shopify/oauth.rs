//! Connecting by OAuth: the redirect to Shopify and everything its callback must prove.
pub(crate) mod queries;

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use url::Url;
use url::form_urlencoded::{Serializer, parse};

use crate::platform::db::{DbConnection, DbError};
use crate::platform::secrets::{Keyring, SecretError, random_hex, token_hash};
use crate::shopify::client::{Client, ShopifyError};
use crate::shopify::scopes::Scopes;
use crate::shopify::shop_domain::ShopDomain;
use crate::types::{At, UserId};

/// The cookie that binds an attempt to the browser that began it.
pub const COOKIE: &str = "counterfoil_shopify";
/// How long a person may think on Shopify's consent page.
pub const ATTEMPT_LIFE: Duration = Duration::from_secs(15 * 60);
const CALLBACK_WINDOW_SECS: u64 = 90;

/// An attempt to connect: where to send the browser and what to leave with it.
#[derive(Debug)]
pub struct Attempt {
    pub authorize_url: Url,
    pub cookie: String,
}

/// A callback that has proved itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Callback {
    pub shop: ShopDomain,
    pub code: String,
}

/// Why a connection attempt was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    #[error("the callback lacks `{0}`")]
    Missing(&'static str),
    #[error("the store did not agree: {0}")]
    Denied(String),
    #[error("the callback names an address that is not a Shopify store")]
    WrongShop,
    #[error("the callback's signature does not fit")]
    Forged,
    #[error("the callback is too old or from the future")]
    Stale,
    #[error("this attempt to connect has expired or was used already")]
    UnknownState,
    #[error("this attempt to connect was begun in another browser or by another user")]
    OtherBrowser,
    #[error(transparent)]
    Address(#[from] ShopifyError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What the redirect to Shopify says.
#[derive(Debug)]
pub struct Request<'a> {
    pub shop: &'a ShopDomain,
    pub client_id: &'a str,
    pub scopes: &'a Scopes,
    pub redirect_uri: &'a str,
}

/// Begins an attempt: stores the hash of a fresh nonce and binds it to the user's browser.
///
/// # Errors
///
/// `Db`, `Secret`.
pub fn begin(
    conn: &mut DbConnection,
    client: &Client,
    keyring: &Keyring,
    request: &Request<'_>,
    user: UserId,
    now: At,
) -> Result<Attempt, OAuthError> {
    let nonce = random_hex(32)?;
    let state = queries::NewState {
        nonce_hash: token_hash(&nonce),
        domain: request.shop.to_string(),
        user_id: user,
        expires_at: now.after(ATTEMPT_LIFE),
    };
    queries::delete_expired(conn, now.before(ATTEMPT_LIFE))?;
    queries::insert(conn, &state)?;
    Ok(Attempt {
        authorize_url: authorize_url(client, request, &nonce)?,
        cookie: format!("{nonce}.{}", tag(keyring, &nonce, user)?),
    })
}

/// Proves a callback: shop, signature, time, and a state that this browser and user began and nobody used.
///
/// # Errors
///
/// Says which proof failed.
pub fn accept(
    conn: &mut DbConnection,
    keyring: &Keyring,
    secrets: &[SecretString],
    query: &str,
    cookie: Option<&str>,
    user: UserId,
    now: At,
) -> Result<Callback, OAuthError> {
    let callback = verify(query, secrets, now)?;
    let cookie = cookie.ok_or(OAuthError::OtherBrowser)?;
    let expected = format!(
        "{}.{}",
        callback.state,
        tag(keyring, &callback.state, user)?
    );
    if !same(cookie.as_bytes(), expected.as_bytes()) {
        return Err(OAuthError::OtherBrowser);
    }
    let state = queries::mark_used(conn, &token_hash(&callback.state), now)?
        .ok_or(OAuthError::UnknownState)?;
    if state.user_id != user {
        return Err(OAuthError::OtherBrowser);
    }
    if state.domain != callback.shop.as_str() {
        return Err(OAuthError::WrongShop);
    }
    Ok(Callback {
        shop: callback.shop,
        code: callback.code,
    })
}

/// A callback whose signature, shop and time are good; its state is still to be asked for.
#[derive(Debug)]
struct Signed {
    shop: ShopDomain,
    code: String,
    state: String,
}

fn verify(query: &str, secrets: &[SecretString], now: At) -> Result<Signed, OAuthError> {
    let pairs: Vec<(String, String)> = parse(query.as_bytes()).into_owned().collect();
    let value = |name: &'static str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
            .ok_or(OAuthError::Missing(name))
    };
    if let Ok(error) = value("error") {
        return Err(OAuthError::Denied(error.chars().take(100).collect()));
    }
    let shop = ShopDomain::exact(value("shop")?).ok_or(OAuthError::WrongShop)?;
    let message = canonical(&pairs);
    let sent = hex::decode(value("hmac")?).map_err(|_any| OAuthError::Forged)?;
    if !secrets
        .iter()
        .any(|secret| same(&signature(secret, &message), &sent))
    {
        return Err(OAuthError::Forged);
    }
    let seconds: i64 = value("timestamp")?
        .parse()
        .map_err(|_any| OAuthError::Stale)?;
    let at = At(seconds.saturating_mul(1_000_000));
    let window = Duration::from_secs(CALLBACK_WINDOW_SECS);
    if now.since(at) > window || at.since(now) > window {
        return Err(OAuthError::Stale);
    }
    Ok(Signed {
        shop,
        code: value("code")?.to_owned(),
        state: value("state")?.to_owned(),
    })
}

// All parameters but the signature itself, known or not, sorted, each written as a form writes it.
fn canonical(pairs: &[(String, String)]) -> String {
    let mut signed: Vec<&(String, String)> = pairs
        .iter()
        .filter(|(key, _)| key != "hmac" && key != "signature")
        .collect();
    signed.sort_by(|a, b| a.0.cmp(&b.0));
    let mut out = Serializer::new(String::new());
    for (key, value) in signed {
        out.append_pair(key, value);
    }
    out.finish()
}

fn signature(secret: &SecretString, message: &str) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        return Vec::new();
    };
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn authorize_url(client: &Client, request: &Request<'_>, nonce: &str) -> Result<Url, OAuthError> {
    let mut url = client.address(request.shop, "/admin/oauth/authorize")?;
    url.query_pairs_mut()
        .append_pair("client_id", request.client_id)
        .append_pair("scope", &request.scopes.to_string())
        .append_pair("redirect_uri", request.redirect_uri)
        .append_pair("state", nonce)
        // A stand-in serves many stores under one host; Shopify's own host names the store already.
        .append_pair("shop", request.shop.as_str());
    Ok(url)
}

fn tag(keyring: &Keyring, nonce: &str, user: UserId) -> Result<String, SecretError> {
    keyring.tag("shopify_oauth_cookie", &format!("{nonce}:{user}"))
}

fn same(a: &[u8], b: &[u8]) -> bool {
    !a.is_empty() && bool::from(a.ct_eq(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> At {
        At(seconds * 1_000_000)
    }

    #[test]
    fn the_signature_is_that_of_shopifys_documentation() {
        let query = "code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com\
            &state=0.6784241404160823&timestamp=1337178173\
            &hmac=700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf";
        let signed = verify(query, &["hush".into()], at(1_337_178_173)).expect("signed");
        assert_eq!(signed.shop.as_str(), "some-shop.myshopify.com");
        assert_eq!(signed.code, "0907a61c0c8d55e99db179b68161bc00");
        let rotated = ["new".into(), "hush".into()];
        assert!(verify(query, &rotated, at(1_337_178_173)).is_ok());
        assert!(matches!(
            verify(query, &["other".into()], at(1_337_178_173)),
            Err(OAuthError::Forged)
        ));
    }

    #[test]
    fn every_parameter_takes_part_decoded_and_written_again() {
        let query = "timestamp=1795000000&state=a%20b%2Bc%2F%3D&shop=demo.myshopify.com\
            &host=YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvZGVtbw&code=abc123\
            &hmac=624fb8b1fd8bd9c832b8acedf9e4fd2a373c08308f4c9e8d5e93ee5e6bb01394";
        let signed = verify(query, &["shpss_test".into()], at(1_795_000_000)).expect("signed");
        assert_eq!(signed.state, "a b+c/=");
        let more = format!("{query}&extra=1");
        assert!(verify(&more, &["shpss_test".into()], at(1_795_000_000)).is_err());
    }

    #[test]
    fn a_callback_is_good_for_ninety_seconds() {
        let query = "code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com\
            &state=0.6784241404160823&timestamp=1337178173\
            &hmac=700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf";
        let tried = |seconds| verify(query, &["hush".into()], at(seconds));
        assert!(tried(1_337_178_173 + 90).is_ok());
        assert!(matches!(tried(1_337_178_173 + 91), Err(OAuthError::Stale)));
        assert!(matches!(tried(1_337_178_173 - 91), Err(OAuthError::Stale)));
    }

    #[test]
    fn a_foreign_shop_or_a_refusal_is_said() {
        let foreign = "code=1&shop=x.myshopify.com.evil.tld&state=1&timestamp=1&hmac=00";
        assert!(matches!(
            verify(foreign, &["hush".into()], at(1)),
            Err(OAuthError::WrongShop)
        ));
        assert!(matches!(
            verify("error=access_denied", &["hush".into()], at(1)),
            Err(OAuthError::Denied(_))
        ));
        assert!(matches!(
            verify("shop=a.myshopify.com", &["hush".into()], at(1)),
            Err(OAuthError::Missing("hmac"))
        ));
    }
}
