//! Shopify's token endpoint: the code of a callback, a refresh token or the app's own name for an access token.
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::shopify::client::{Client, RawAnswer, ShopifyError};
use crate::shopify::scopes::Scopes;
use crate::shopify::shop_domain::ShopDomain;
use crate::types::At;

const PATH: &str = "/admin/oauth/access_token";
/// A refreshed token whose life is not told is looked at again soon; it is not taken to live for ever.
const LIFE_NOT_TOLD: Duration = Duration::from_secs(600);

/// A client id and its secret: the app that asks.
#[derive(Clone, Debug)]
pub struct AppCredentials {
    pub client_id: String,
    pub client_secret: SecretString,
}

/// What the token endpoint gave.
#[derive(Clone, Debug)]
pub struct Grant {
    pub access_token: SecretString,
    /// `None`: it does not expire.
    pub access_expires_at: Option<At>,
    pub refresh_token: Option<SecretString>,
    pub refresh_expires_at: Option<At>,
    pub scopes: Scopes,
}

/// Why no token came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Asking again cannot help: the merchant has to connect the store again.
    #[error("Shopify no longer accepts this grant: {0}")]
    Refused(String),
    #[error(transparent)]
    Call(#[from] ShopifyError),
}

#[derive(Deserialize)]
struct GrantPayload {
    access_token: String,
    scope: Option<String>,
    expires_in: Option<u64>,
    refresh_token: Option<String>,
    refresh_token_expires_in: Option<u64>,
}

/// Turns the code of a callback into an expiring offline token.
///
/// # Errors
///
/// `Refused` for a code that is used, old or another app's.
pub async fn exchange_code(
    client: &Client,
    shop: &ShopDomain,
    app: &AppCredentials,
    code: &str,
    now: At,
) -> Result<Grant, TokenError> {
    ask(client, shop, app, &[("code", code), ("expiring", "1")], now).await
}

/// A new pair for a refresh token. The old one may be sent again until the new one is used.
///
/// # Errors
///
/// `Refused` when the refresh token is dead.
pub async fn refresh(
    client: &Client,
    shop: &ShopDomain,
    app: &AppCredentials,
    refresh_token: &SecretString,
    now: At,
) -> Result<Grant, TokenError> {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.expose_secret()),
    ];
    let mut grant = ask(client, shop, app, &fields, now).await?;
    grant.access_expires_at = grant
        .access_expires_at
        .or_else(|| Some(now.after(LIFE_NOT_TOLD)));
    Ok(grant)
}

/// A token for a store of the app's own organisation; it cannot be refreshed, only asked for again.
///
/// # Errors
///
/// `Refused` when app and store do not belong together.
pub async fn client_credentials(
    client: &Client,
    shop: &ShopDomain,
    app: &AppCredentials,
    now: At,
) -> Result<Grant, TokenError> {
    let fields = [("grant_type", "client_credentials")];
    let mut grant = ask(client, shop, app, &fields, now).await?;
    grant.access_expires_at = grant
        .access_expires_at
        .or_else(|| Some(now.after(LIFE_NOT_TOLD)));
    Ok(grant)
}

async fn ask(
    client: &Client,
    shop: &ShopDomain,
    app: &AppCredentials,
    fields: &[(&str, &str)],
    now: At,
) -> Result<Grant, TokenError> {
    let credentials = [
        ("client_id", app.client_id.as_str()),
        ("client_secret", app.client_secret.expose_secret()),
    ];
    let form = [&credentials, fields].concat();
    let raw = client.post_form(shop, PATH, &form).await?;
    read(&raw, now)
}

fn read(raw: &RawAnswer, now: At) -> Result<Grant, TokenError> {
    // `invalid_grant`, `invalid_request`, `shop_not_permitted`, `application_cannot_be_found`, a revoked secret.
    if matches!(raw.status, 400 | 401 | 403) {
        return Err(TokenError::Refused(raw.said()));
    }
    if let Some(failure) = raw.failure() {
        return Err(failure.into());
    }
    let payload: GrantPayload = serde_json::from_slice(&raw.body)
        .map_err(|_any| ShopifyError::Unexpected("no token in the token's answer".to_owned()))?;
    let moment = |seconds: u64| now.after(Duration::from_secs(seconds));
    Ok(Grant {
        access_token: payload.access_token.into(),
        access_expires_at: payload.expires_in.map(moment),
        refresh_token: payload.refresh_token.map(SecretString::from),
        refresh_expires_at: payload.refresh_token_expires_in.map(moment),
        scopes: Scopes::parse(&payload.scope.unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<Grant, TokenError> {
        let raw = RawAnswer {
            status,
            headers: reqwest::header::HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        };
        read(&raw, At(0))
    }

    #[test]
    fn an_expiring_grant_brings_both_tokens_and_their_ends() {
        let grant = answer(
            200,
            r#"{"access_token":"shpat_1","scope":"write_products,read_orders","expires_in":3600,
                "refresh_token":"shprt_1","refresh_token_expires_in":7776000}"#,
        )
        .expect("a grant");
        assert_eq!(grant.access_expires_at, Some(At(3_600_000_000)));
        assert!(grant.scopes.covers("read_products"));
        assert!(!format!("{grant:?}").contains("shp"));
    }

    #[test]
    fn a_dead_grant_is_told_from_a_bad_moment() {
        let dead = answer(
            400,
            r#"{"error":"invalid_grant","error_description":"gone"}"#,
        );
        assert!(matches!(dead, Err(TokenError::Refused(reason)) if reason == "gone"));
        let later = answer(503, "");
        assert!(matches!(
            later,
            Err(TokenError::Call(ShopifyError::Unreachable { .. }))
        ));
    }
}
