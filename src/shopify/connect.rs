//! Makes a store ours and lets it go again: what is checked, stored and set to work, whatever the grant.
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

use crate::erp::audit::{self, Kind};
use crate::erp::channels;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing};
use crate::platform::queue::{self, Queue};
use crate::platform::secrets::SecretError;
use crate::shopify::client::{Answer, ShopifyError};
use crate::shopify::graphql::{
    CurrentAppInstallation, Shop as ShopQuery, current_app_installation, shop as shop_query,
};
use crate::shopify::jobs::SetUpShop;
use crate::shopify::scopes::Scopes;
use crate::shopify::shop_domain::ShopDomain;
use crate::shopify::shops::queries::{self, NewShop};
use crate::shopify::shops::{GrantKind, Sealed, Shop, ShopError, ShopState};
use crate::shopify::tokens::{self, AppCredentials, Grant, TokenError};
use crate::shopify::{CHANNEL_KIND, Connector, Haste, registrar};
use crate::types::{At, ShopId, UserId};

/// How somebody wants to connect a store.
#[derive(Clone, Debug)]
pub enum Way {
    /// The code of an OAuth callback that proved itself.
    Code(String),
    /// An app of the store's own organisation: it asks for its tokens itself.
    ClientCredentials(AppCredentials),
    /// A token made by hand in the store's admin, and the secret its webhooks are signed with.
    Token {
        token: SecretString,
        app_secret: Option<SecretString>,
    },
}

/// What a store says of itself and of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub name: String,
    pub currency: String,
    pub time_zone: String,
    pub plan: String,
    pub granted: Scopes,
    pub missing: Scopes,
    pub api_version: String,
}

/// Why a store could not be connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("this program has no Shopify app: set SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET")]
    NoApp,
    #[error("this token belongs to {0}")]
    WrongStore(String),
    #[error("{0}")]
    Token(#[from] TokenError),
    #[error("{0}")]
    Call(#[from] ShopifyError),
    #[error(transparent)]
    Shop(#[from] ShopError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Gets a token this way and asks the store who it is; nothing is stored.
///
/// # Errors
///
/// Says what to mend: the token, the address, the scopes.
pub async fn test(cx: &Connector, shop: &ShopDomain, way: &Way) -> Result<Probe, ConnectError> {
    let grant = obtain(cx, shop, way).await?;
    probe(cx, shop, &grant.access_token).await
}

/// Asks a connected store who it is, with the token we have.
///
/// # Errors
///
/// Says what to mend: the token, the scopes, the way to Shopify.
pub async fn look(cx: &Connector, shop: &Shop) -> Result<Probe, ConnectError> {
    let now = Haste::Now;
    let answer = cx
        .call::<ShopQuery>(shop.id, now, shop_query::Variables {})
        .await?;
    let installation = cx
        .call::<CurrentAppInstallation>(shop.id, now, current_app_installation::Variables {})
        .await?;
    told(cx, &shop.domain, answer, installation.data)
}

/// Connects a store, or connects it again in place: its ids, orders and mappings stay.
///
/// # Errors
///
/// As [`test`]; `Db`.
pub async fn connect(
    cx: &Connector,
    shop: &ShopDomain,
    way: Way,
    user: Option<UserId>,
) -> Result<Shop, ConnectError> {
    let grant = obtain(cx, shop, &way).await?;
    let probe = probe(cx, shop, &grant.access_token).await?;
    let (cx_, shop_, now) = (cx.clone(), shop.clone(), cx.clock.now());
    let stored = cx
        .db
        .write(move |conn| store(conn, &cx_, &shop_, &way, &grant, &probe, user, now))
        .await?;
    cx.directory.forget();
    tracing::info!(shop = %stored.domain, "connected a store");
    Ok(stored)
}

/// Disconnects a store: its webhooks end, its token is dropped; what came from it stays.
///
/// # Errors
///
/// `NotFound`, `Db`.
pub async fn disconnect(
    cx: &Connector,
    id: ShopId,
    user: Option<UserId>,
) -> Result<(), ConnectError> {
    let shop = cx.shop(id).await?;
    if shop.state == ShopState::Active {
        // A store that does not answer is disconnected all the same: we answer its webhooks with 410,
        // and Shopify ends a subscription that keeps failing.
        if let Err(error) = registrar::remove_all(cx, id).await {
            tracing::warn!(shop = %shop.domain, %error, "could not end the store's webhooks");
        }
    }
    end(cx, id, user).await?;
    Ok(())
}

/// Acts on `app/uninstalled`, whose headers anybody could have copied: only once the API refuses the
/// token, and only for the installation it was sent for. Returns whether the store is gone.
///
/// # Errors
///
/// The call's, where the store could not be asked.
pub async fn confirm_uninstalled(
    cx: &Connector,
    id: ShopId,
    event_at: At,
) -> Result<bool, ConnectError> {
    let shop = cx.shop(id).await?;
    if shop.state == ShopState::Disconnected {
        return Ok(true);
    }
    if event_at < shop.installed_at {
        return Ok(false);
    }
    match cx
        .call::<CurrentAppInstallation>(id, Haste::Now, current_app_installation::Variables {})
        .await
    {
        Ok(_) => Ok(false),
        Err(ShopifyError::Unauthorized) => {
            end(cx, id, None).await?;
            Ok(true)
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks what the store grants us now, and lets everything go on that waited for a scope.
///
/// # Errors
///
/// The call's; `NotFound`, `Db`.
pub async fn read_scopes(cx: &Connector, id: ShopId) -> Result<Shop, ConnectError> {
    let answer = cx
        .call::<CurrentAppInstallation>(id, Haste::Now, current_app_installation::Variables {})
        .await?;
    let scopes = answer.data.current_app_installation.access_scopes;
    let granted: Scopes = scopes.into_iter().map(|scope| scope.handle).collect();
    let missing = Scopes::parse(&cx.config.scopes).missing_from(&granted);
    let now = cx.clock.now();
    let cause = crate::shopify::scopes_cause(id);
    Ok(cx
        .db
        .write(move |conn| {
            queries::set_scopes(conn, id, &granted, &missing)?;
            queue::queries::wake(conn, Queue::Jobs, &cause, now)?;
            queries::find(conn, id)?.ok_or(ShopError::NotFound)
        })
        .await?)
}

async fn end(cx: &Connector, id: ShopId, user: Option<UserId>) -> Result<(), DbError> {
    let now = cx.clock.now();
    cx.db
        .write(move |conn| {
            registrar::queries::delete_all(conn, id)?;
            if queries::mark_disconnected(conn, id, now)? {
                let (kind, subject) = (Kind::StoreDisconnected, format!("store/{id}"));
                audit::record(conn, user, kind, &subject, &json!({}), now)?;
            }
            Ok::<(), DbError>(())
        })
        .await?;
    cx.directory.forget();
    Ok(())
}

async fn obtain(cx: &Connector, shop: &ShopDomain, way: &Way) -> Result<Grant, ConnectError> {
    let now = cx.clock.now();
    Ok(match way {
        Way::Code(code) => {
            let app = cx.config.app().ok_or(ConnectError::NoApp)?;
            tokens::exchange_code(&cx.client, shop, &app, code, now).await?
        }
        Way::ClientCredentials(app) => {
            tokens::client_credentials(&cx.client, shop, app, now).await?
        }
        Way::Token { token, .. } => Grant {
            access_token: token.clone(),
            access_expires_at: None,
            refresh_token: None,
            refresh_expires_at: None,
            scopes: Scopes::default(),
        },
    })
}

async fn probe(
    cx: &Connector,
    domain: &ShopDomain,
    token: &SecretString,
) -> Result<Probe, ConnectError> {
    let (answer, _) = cx
        .client
        .call::<ShopQuery>(domain, token, shop_query::Variables {})
        .await;
    let answer = answer?;
    let (installation, _) = cx
        .client
        .call::<CurrentAppInstallation>(domain, token, current_app_installation::Variables {})
        .await;
    told(cx, domain, answer, installation?.data)
}

fn told(
    cx: &Connector,
    domain: &ShopDomain,
    answer: Answer<shop_query::ResponseData>,
    installation: current_app_installation::ResponseData,
) -> Result<Probe, ConnectError> {
    let shop = answer.data.shop;
    if ShopDomain::exact(&shop.myshopify_domain).as_ref() != Some(domain) {
        return Err(ConnectError::WrongStore(shop.myshopify_domain));
    }
    // The user can edit the consent page's address: what was granted is what the installation says.
    let scopes = installation.current_app_installation.access_scopes;
    let granted: Scopes = scopes.into_iter().map(|scope| scope.handle).collect();
    Ok(Probe {
        name: shop.name,
        currency: serde_json::to_value(&shop.currency_code)
            .ok()
            .and_then(|code| code.as_str().map(str::to_owned))
            .unwrap_or_default(),
        time_zone: shop.iana_timezone,
        plan: shop.plan.public_display_name,
        missing: Scopes::parse(&cx.config.scopes).missing_from(&granted),
        granted,
        api_version: answer
            .api_version
            .unwrap_or_else(|| cx.config.api_version.clone()),
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "one transaction: who, how, with what, and what the store said"
)]
fn store(
    conn: &mut DbConnection,
    cx: &Connector,
    domain: &ShopDomain,
    way: &Way,
    grant: &Grant,
    probe: &Probe,
    user: Option<UserId>,
    now: At,
) -> Result<Shop, ConnectError> {
    let channel = channels::ensure(conn, CHANNEL_KIND, domain.as_str(), &probe.time_zone)?;
    let known = queries::find_by_domain(conn, domain.as_str())?;
    let id = match &known {
        Some(shop) => shop.id,
        None => queries::insert(
            conn,
            &NewShop {
                public_id: Uuid::now_v7().to_string(),
                domain: domain.to_string(),
                channel_id: channel,
                state: ShopState::Active,
                grant_kind: kind(way),
                name: probe.name.clone(),
                scopes: String::new(),
                api_version: probe.api_version.clone(),
                installed_at: now,
            },
        )?,
    };
    queries::update_connection(conn, id, &row(cx, id, way, grant, probe, now)?)?;
    let what = match known {
        Some(_) => Kind::StoreReconnected,
        None => Kind::StoreConnected,
    };
    let arguments = json!({ "way": kind(way) });
    audit::record(conn, user, what, &format!("store/{id}"), &arguments, now)?;
    let filing = Filing {
        shop_domain: Some(domain.to_string()),
        user,
        ..Filing::default()
    };
    jobs::enqueue(conn, &SetUpShop { shop: id }, &filing, now)?;
    for cause in [
        crate::shopify::connection_cause(id),
        crate::shopify::scopes_cause(id),
    ] {
        queue::queries::wake(conn, Queue::Jobs, &cause, now)?;
    }
    Ok(queries::find(conn, id)?.ok_or(ShopError::NotFound)?)
}

fn row(
    cx: &Connector,
    id: ShopId,
    way: &Way,
    grant: &Grant,
    probe: &Probe,
    now: At,
) -> Result<queries::Connection, SecretError> {
    let (client_id, own_secret) = match way {
        Way::Code(_) => (None, None),
        Way::ClientCredentials(app) => (Some(&app.client_id), Some(&app.client_secret)),
        Way::Token { app_secret, .. } => (None, app_secret.as_ref()),
    };
    Ok(queries::Connection {
        state: ShopState::Active,
        grant_kind: kind(way),
        name: probe.name.clone(),
        currency: Some(probe.currency.clone()),
        time_zone: Some(probe.time_zone.clone()),
        plan: Some(probe.plan.clone()),
        scopes: probe.granted.to_string(),
        missing_scopes: probe.missing.to_string(),
        access_token_sealed: Sealed::AccessToken.seal(
            &cx.keyring,
            id,
            Some(&grant.access_token),
        )?,
        access_expires_at: grant.access_expires_at,
        refresh_token_sealed: Sealed::RefreshToken.seal(
            &cx.keyring,
            id,
            grant.refresh_token.as_ref(),
        )?,
        refresh_expires_at: grant.refresh_expires_at,
        refresh_lease: None,
        refresh_lease_until: None,
        client_id: client_id.cloned(),
        client_secret_sealed: Sealed::ClientSecret.seal(&cx.keyring, id, own_secret)?,
        api_version: probe.api_version.clone(),
        installed_at: now,
        uninstalled_at: None,
        last_error: None,
        last_error_at: None,
    })
}

fn kind(way: &Way) -> GrantKind {
    match way {
        Way::Code(_) => GrantKind::OAuth,
        Way::ClientCredentials(_) => GrantKind::ClientCredentials,
        Way::Token { .. } => GrantKind::Token,
    }
}
