//! A token that lives: refreshed before it dies, by one process at a time, stored before it is used.
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::platform::db::DbError;
use crate::platform::secrets::random_hex;
use crate::shopify::client::ShopifyError;
use crate::shopify::shop_domain::ShopDomain;
use crate::shopify::shops::queries::{self, NewTokens, SealedTokens};
use crate::shopify::shops::{self, GrantKind, Sealed, ShopError, ShopState};
use crate::shopify::tokens::{self, AppCredentials, Grant, TokenError};
use crate::shopify::{Connector, Haste, budget};
use crate::types::{At, ShopId};

/// A token this close to its end is refreshed first.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// Longer than a refresh can take, so that a dead process gives way and a slow one does not.
const LEASE: Duration = Duration::from_secs(60);
const WAIT: Duration = Duration::from_millis(200);
const WAITS: u32 = 150;

/// An access token of a shop.
#[derive(Clone, Debug)]
pub struct Token {
    pub domain: ShopDomain,
    pub access: SecretString,
}

/// What is to be done for a token.
enum Need {
    None(Token),
    /// Refresh; meanwhile the old one, where it is not dead yet.
    Fresh(Option<Token>),
}

/// A token for the shop, refreshed where its end is near.
///
/// # Errors
///
/// `Unauthorized` where the store must be reconnected; what the token endpoint answers.
pub async fn token(cx: &Connector, shop: ShopId, haste: Haste) -> Result<Token, ShopifyError> {
    wait_for_budget(cx, shop, haste).await?;
    for _ in 0..WAITS {
        let now = cx.clock.now();
        let (seen, need) = look(cx, shop, now).await?;
        let old = match need {
            Need::None(token) => return Ok(token),
            Need::Fresh(old) => old,
        };
        if let Some(token) = refresh_as_one(cx, &seen, old.as_ref(), now).await? {
            return Ok(token);
        }
        if let Some(old) = old {
            return Ok(old);
        }
        // Another process is at it: its token will do.
        tokio::time::sleep(WAIT).await;
    }
    Err(ShopifyError::Unreachable {
        sent: false,
        reason: "another process did not finish refreshing the token".to_owned(),
    })
}

/// Another token than `dead`, which Shopify refused although it should still live.
///
/// # Errors
///
/// As [`token`].
pub async fn replace(cx: &Connector, shop: ShopId, dead: &Token) -> Result<Token, ShopifyError> {
    for _ in 0..WAITS {
        let now = cx.clock.now();
        let (seen, _) = look(cx, shop, now).await?;
        let present = open(cx, &seen)?.ok_or(ShopifyError::Unauthorized)?;
        if present.access.expose_secret() != dead.access.expose_secret() {
            return Ok(present);
        }
        if let Some(token) = refresh_as_one(cx, &seen, None, now).await? {
            return Ok(token);
        }
        tokio::time::sleep(WAIT).await;
    }
    Err(ShopifyError::Unauthorized)
}

/// Refreshes a token before its time, so that the refresh token of an idle store does not die either.
///
/// # Errors
///
/// As [`token`].
pub async fn renew(cx: &Connector, shop: ShopId) -> Result<(), ShopifyError> {
    let now = cx.clock.now();
    let (seen, _) = look(cx, shop, now).await?;
    let present = open(cx, &seen)?;
    refresh_as_one(cx, &seen, present.as_ref(), now)
        .await
        .map(drop)
}

async fn look(cx: &Connector, shop: ShopId, now: At) -> Result<(SealedTokens, Need), ShopifyError> {
    let seen = cx
        .db
        .read(move |conn| queries::find_tokens(conn, shop))
        .await
        .map_err(|error| fault(&error))?
        .ok_or(ShopifyError::Unauthorized)?;
    if matches!(
        seen.state,
        ShopState::Disconnected | ShopState::NeedsReconnect
    ) {
        return Err(ShopifyError::Unauthorized);
    }
    let token = open(cx, &seen)?.ok_or(ShopifyError::Unauthorized)?;
    let need = match seen.access_expires_at {
        Some(end) if end <= now => Need::Fresh(None),
        Some(end) if end <= now.after(EARLY) => Need::Fresh(Some(token)),
        Some(_) | None => Need::None(token),
    };
    Ok((seen, need))
}

/// Refreshes under the lease; `None` where somebody else holds it. `old` is good for a moment longer.
async fn refresh_as_one(
    cx: &Connector,
    seen: &SealedTokens,
    old: Option<&Token>,
    now: At,
) -> Result<Option<Token>, ShopifyError> {
    let holder = random_hex(8).map_err(|error| ShopifyError::Unexpected(error.to_string()))?;
    let (row, name) = (seen.clone(), holder.clone());
    let until = now.after(LEASE);
    let taken = cx
        .db
        .write(move |conn| queries::mark_refreshing(conn, &row, &name, now, until))
        .await
        .map_err(|error: DbError| fault(&error))?;
    if !taken {
        return Ok(None);
    }
    match ask(cx, seen, now).await {
        Ok(grant) => store(cx, seen, holder, grant).await,
        Err(error) => {
            let id = seen.id;
            let dead = matches!(error, TokenError::Refused(_)).then(|| error.to_string());
            cx.db
                .write(move |conn| {
                    if let Some(reason) = dead {
                        shops::mark_needs_reconnect(conn, id, &reason, now)?;
                    }
                    queries::release_lease(conn, id, &holder)
                })
                .await
                .map_err(|error: DbError| fault(&error))?;
            cx.directory.forget();
            match (error, old) {
                // The answer was lost: the same refresh token may be sent again, next time.
                (TokenError::Call(_), Some(old)) => Ok(Some(old.clone())),
                (TokenError::Call(error), None) => Err(error),
                (TokenError::Refused(_), _) => Err(ShopifyError::Unauthorized),
            }
        }
    }
}

async fn ask(cx: &Connector, seen: &SealedTokens, now: At) -> Result<Grant, TokenError> {
    let shop = domain(seen)?;
    let dead = |what: &str| TokenError::Refused(what.to_owned());
    let app = app(cx, seen)?.ok_or_else(|| dead("the app's client id and secret are not set"))?;
    match seen.grant_kind {
        GrantKind::ClientCredentials => {
            tokens::client_credentials(&cx.client, &shop, &app, now).await
        }
        GrantKind::OAuth => {
            let refresh = Sealed::RefreshToken
                .open(&cx.keyring, seen.id, seen.refresh_token_sealed.as_ref())
                .map_err(|error| ShopifyError::Unexpected(error.to_string()))?
                .ok_or_else(|| dead("there is no refresh token"))?;
            tokens::refresh(&cx.client, &shop, &app, &refresh, now).await
        }
        GrantKind::Token => Err(dead("this token was entered by hand")),
    }
}

async fn store(
    cx: &Connector,
    seen: &SealedTokens,
    holder: String,
    grant: Grant,
) -> Result<Option<Token>, ShopifyError> {
    let sealed = |column: Sealed, secret: Option<&SecretString>| {
        column
            .seal(&cx.keyring, seen.id, secret)
            .map_err(|error| ShopifyError::Unexpected(error.to_string()))
    };
    // Some answers bring no new refresh token: the old one then stays good.
    let refresh = match &grant.refresh_token {
        Some(fresh) => sealed(Sealed::RefreshToken, Some(fresh))?,
        None => seen.refresh_token_sealed.clone(),
    };
    let row = NewTokens {
        access_token_sealed: sealed(Sealed::AccessToken, Some(&grant.access_token))?,
        access_expires_at: grant.access_expires_at,
        refresh_token_sealed: refresh,
        refresh_expires_at: grant.refresh_expires_at.or(seen.refresh_expires_at),
        refresh_lease: None,
        refresh_lease_until: None,
    };
    let id = seen.id;
    let stored = cx
        .db
        .write(move |conn| queries::store_tokens(conn, id, &holder, &row))
        .await
        .map_err(|error: DbError| fault(&error))?;
    let domain = domain(seen)?;
    Ok(stored.then_some(Token {
        domain,
        access: grant.access_token,
    }))
}

/// The app that the shop's token belongs to: its own, or the configured one.
fn app(cx: &Connector, seen: &SealedTokens) -> Result<Option<AppCredentials>, ShopifyError> {
    let secret = Sealed::ClientSecret
        .open(&cx.keyring, seen.id, seen.client_secret_sealed.as_ref())
        .map_err(|error| ShopifyError::Unexpected(error.to_string()))?;
    Ok(match (&seen.client_id, secret) {
        (Some(client_id), Some(client_secret)) => Some(AppCredentials {
            client_id: client_id.clone(),
            client_secret,
        }),
        (..) => cx.config.app(),
    })
}

fn open(cx: &Connector, seen: &SealedTokens) -> Result<Option<Token>, ShopifyError> {
    let domain = domain(seen)?;
    let access = Sealed::AccessToken
        .open(&cx.keyring, seen.id, seen.access_token_sealed.as_ref())
        .map_err(|error| ShopifyError::Unexpected(error.to_string()))?;
    Ok(access.map(|access| Token { domain, access }))
}

fn domain(seen: &SealedTokens) -> Result<ShopDomain, ShopifyError> {
    ShopDomain::exact(&seen.domain)
        .ok_or_else(|| ShopifyError::Unexpected(format!("{} is not a store", seen.domain)))
}

// A call that waits for its share is a call that Shopify does not have to refuse.
async fn wait_for_budget(cx: &Connector, shop: ShopId, haste: Haste) -> Result<(), ShopifyError> {
    if haste == Haste::Now {
        return Ok(());
    }
    let row = match cx.shop(shop).await {
        Ok(row) => row,
        Err(ShopError::NotFound) => return Err(ShopifyError::Unauthorized),
        Err(error) => return Err(ShopifyError::Unexpected(error.to_string())),
    };
    let Some(known) = row.budget else {
        return Ok(());
    };
    let budget = cx.learned.latest(shop, known);
    match budget::wait(budget, haste, cx.clock.now()) {
        Some(retry_after) => Err(ShopifyError::Throttled { retry_after }),
        None => Ok(()),
    }
}

fn fault(error: &DbError) -> ShopifyError {
    ShopifyError::Unreachable {
        sent: false,
        reason: format!("our own database: {error}"),
    }
}
