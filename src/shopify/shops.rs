//! Connected stores: their rows, their sealed tokens, and the secrets their webhooks may be signed with.
pub(crate) mod queries;

use secrecy::SecretString;

use crate::erp::orders;
use crate::erp::orders::incoming::PaymentRule;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::secrets::{Keyring, SecretError};
use crate::shopify::budget::Tier;
use crate::shopify::scopes::Scopes;
use crate::shopify::shop_domain::ShopDomain;
use crate::text_enum;
use crate::types::{At, ChannelId, ShopId};

text_enum! {
    /// Whether we may talk to a store, and it to us.
    ShopState {
        Active = "active",
        /// Its token is dead; webhooks are still taken in.
        NeedsReconnect = "needs_reconnect",
        Disconnected = "disconnected",
    }
}

text_enum! {
    /// How we came by the token.
    GrantKind {
        OAuth = "oauth",
        ClientCredentials = "client_credentials",
        Token = "token",
    }
}

/// A store and its settings, without its secrets.
#[derive(Clone, Debug)]
pub struct Shop {
    pub id: ShopId,
    pub public_id: String,
    pub domain: ShopDomain,
    pub channel: ChannelId,
    pub state: ShopState,
    pub grant_kind: GrantKind,
    pub name: String,
    pub currency: Option<String>,
    pub time_zone: Option<String>,
    pub plan: Option<String>,
    pub scopes: Scopes,
    pub missing_scopes: Scopes,
    pub access_expires_at: Option<At>,
    pub refresh_expires_at: Option<At>,
    pub api_version: String,
    pub notify_default: bool,
    pub order_status_filter: String,
    /// A new order waits until Shopify was asked about it.
    pub check_orders: bool,
    /// Holds of ours are placed in Shopify as well.
    pub tell_holds: bool,
    pub last_error: Option<String>,
    pub last_error_at: Option<At>,
    pub installed_at: At,
    pub uninstalled_at: Option<At>,
    /// When somebody was last erased.
    pub redacted_at: Option<At>,
    pub budget: Option<Budget>,
    /// What the store puts back on its shelves comes back on ours.
    pub restock_returns: bool,
    /// What a person says of its plan where Shopify does not, or says otherwise.
    pub chosen_tier: Option<Tier>,
    /// The API version that its last answer was served in; another than ours means that ours has expired.
    pub served_version: Option<String>,
}

impl Shop {
    /// What it pays for, as a person chose, else as the name of its plan says, else what most stores have.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.chosen_tier
            .or_else(|| self.told_tier())
            .unwrap_or(Tier::Standard)
    }

    /// What the name of its plan says.
    #[must_use]
    pub fn told_tier(&self) -> Option<Tier> {
        self.plan.as_deref().and_then(Tier::of_plan)
    }
}

/// What is left of a store's rate budget, as the last answer said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub available: i64,
    pub maximum: i64,
    /// Points that come back each second.
    pub rate: i64,
    pub at: At,
}

/// Why a store's row could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    #[error("there is no such store")]
    NotFound,
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Budget {
    /// What must be there by `now`, if nobody else has called meanwhile.
    #[must_use]
    pub fn expected(self, now: At) -> i64 {
        let seconds = i64::try_from(now.since(self.at).as_secs()).unwrap_or(i64::MAX);
        let restored = self.rate.saturating_mul(seconds);
        self.available.saturating_add(restored).min(self.maximum)
    }
}

/// The columns that hold sealed secrets: each is sealed for its own row and column.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sealed {
    AccessToken,
    RefreshToken,
    ClientSecret,
    NotificationKey,
}

impl Sealed {
    pub(crate) fn purpose(self, shop: ShopId) -> String {
        let column = match self {
            Sealed::AccessToken => "access_token",
            Sealed::RefreshToken => "refresh_token",
            Sealed::ClientSecret => "client_secret",
            Sealed::NotificationKey => "notification_key",
        };
        format!("shopify_shops.{shop}.{column}")
    }

    pub(crate) fn seal(
        self,
        keyring: &Keyring,
        shop: ShopId,
        secret: Option<&SecretString>,
    ) -> Result<Option<String>, SecretError> {
        secret
            .map(|secret| keyring.seal(secret, &self.purpose(shop)))
            .transpose()
    }

    pub(crate) fn open(
        self,
        keyring: &Keyring,
        shop: ShopId,
        sealed: Option<&String>,
    ) -> Result<Option<SecretString>, SecretError> {
        sealed
            .map(|sealed| keyring.open(sealed, &self.purpose(shop)))
            .transpose()
    }
}

/// The store with this id.
///
/// # Errors
///
/// `NotFound`.
pub fn get(conn: &mut DbConnection, id: ShopId) -> Result<Shop, ShopError> {
    queries::find(conn, id)?.ok_or(ShopError::NotFound)
}

/// The store with this address, whatever its state.
///
/// # Errors
///
/// `Db`.
pub fn find_by_domain(
    conn: &mut DbConnection,
    domain: &ShopDomain,
) -> Result<Option<Shop>, DbError> {
    queries::find_by_domain(conn, domain.as_str())
}

/// All stores, the connected ones first, then by name.
///
/// # Errors
///
/// `Db`.
pub fn list(conn: &mut DbConnection) -> Result<Vec<Shop>, DbError> {
    let mut shops = queries::list(conn)?;
    shops.sort_by(|a, b| {
        let gone = |shop: &Shop| shop.state == ShopState::Disconnected;
        (gone(a), &a.name).cmp(&(gone(b), &b.name))
    });
    Ok(shops)
}

/// The store whose orders come in by `channel`.
///
/// # Errors
///
/// `Db`.
pub fn find_by_channel(
    conn: &mut DbConnection,
    channel: ChannelId,
) -> Result<Option<Shop>, DbError> {
    queries::find_by_channel(conn, channel)
}

/// Notes that the token is dead; the store keeps receiving.
///
/// # Errors
///
/// `Db`.
pub fn mark_needs_reconnect(
    conn: &mut DbConnection,
    id: ShopId,
    reason: &str,
    now: At,
) -> Result<(), DbError> {
    queries::set_state(conn, id, &[ShopState::Active], ShopState::NeedsReconnect)?;
    queries::set_error(conn, id, Some(reason), now)
}

/// Whether customers are told of a shipment unless the person who ships says otherwise.
///
/// # Errors
///
/// `Db`.
pub fn set_notify_default(
    conn: &mut DbConnection,
    id: ShopId,
    notify: bool,
) -> Result<(), DbError> {
    queries::set_notify_default(conn, id, notify)
}

/// What the store pays Shopify for; `None`: as Shopify says.
///
/// # Errors
///
/// `Db`.
pub fn set_tier(conn: &mut DbConnection, id: ShopId, tier: Option<Tier>) -> Result<(), DbError> {
    queries::set_tier(conn, id, tier)
}

/// From which payment state on the store's orders may ship. What waits for money that the new rule does not ask for
/// goes on; what has passed before stays.
///
/// # Errors
///
/// `Db`.
pub fn set_payment_rule(
    conn: &mut DbConnection,
    shop: &Shop,
    rule: PaymentRule,
    now: At,
) -> Result<(), DbError> {
    queries::set_order_status_filter(conn, shop.id, rule.as_str())?;
    orders::payment_rule_changed(conn, shop.channel, rule, now)
}

/// Whether goods that the store puts back on its shelves are put back on ours, where its place is one of ours.
///
/// # Errors
///
/// `Db`.
pub fn set_restock_returns(
    conn: &mut DbConnection,
    id: ShopId,
    restock: bool,
) -> Result<(), DbError> {
    queries::set_restock_returns(conn, id, restock)
}

/// How the store's orders are dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRules {
    /// A new order waits until Shopify was asked about it.
    pub check_orders: bool,
    /// Holds of ours are placed in Shopify as well.
    pub tell_holds: bool,
}

/// Says how the store's orders are dealt with from now on.
///
/// # Errors
///
/// `Db`.
pub fn set_order_rules(
    conn: &mut DbConnection,
    id: ShopId,
    rules: OrderRules,
) -> Result<(), DbError> {
    queries::set_order_rules(conn, id, rules.check_orders, rules.tell_holds)
}

/// Stores the key under which the store signs the webhooks that were made by hand in its settings.
///
/// # Errors
///
/// `Secret`, `Db`.
pub fn set_notification_key(
    conn: &mut DbConnection,
    keyring: &Keyring,
    id: ShopId,
    key: Option<&SecretString>,
) -> Result<(), ShopError> {
    let sealed = Sealed::NotificationKey.seal(keyring, id, key)?;
    queries::set_notification_key(conn, id, sealed.as_deref())?;
    Ok(())
}

/// Seals every stored secret anew with the key that the keyring seals with. Returns how many there are.
///
/// # Errors
///
/// `Secret` where one cannot be opened, `Db`.
pub fn seal_anew(conn: &mut DbConnection, keyring: &Keyring) -> Result<usize, ShopError> {
    let mut count = 0;
    for row in queries::list_tokens(conn)? {
        let mut anew = |column: Sealed, sealed: &Option<String>| {
            let secret = column.open(keyring, row.id, sealed.as_ref())?;
            count += usize::from(secret.is_some());
            column.seal(keyring, row.id, secret.as_ref())
        };
        let secrets = queries::Secrets {
            access_token_sealed: anew(Sealed::AccessToken, &row.access_token_sealed)?,
            refresh_token_sealed: anew(Sealed::RefreshToken, &row.refresh_token_sealed)?,
            client_secret_sealed: anew(Sealed::ClientSecret, &row.client_secret_sealed)?,
            notification_key_sealed: anew(Sealed::NotificationKey, &row.notification_key_sealed)?,
        };
        queries::set_secrets(conn, row.id, &secrets)?;
    }
    Ok(count)
}

/// The addresses of the stores with a secret that this keyring cannot open.
///
/// # Errors
///
/// The database's.
pub fn list_unreadable(conn: &mut DbConnection, keyring: &Keyring) -> Result<Vec<String>, DbError> {
    let mut rows = queries::list_tokens(conn)?;
    rows.retain(|row| {
        let shut = |column: Sealed, sealed: &Option<String>| {
            column.open(keyring, row.id, sealed.as_ref()).is_err()
        };
        shut(Sealed::AccessToken, &row.access_token_sealed)
            || shut(Sealed::RefreshToken, &row.refresh_token_sealed)
            || shut(Sealed::ClientSecret, &row.client_secret_sealed)
            || shut(Sealed::NotificationKey, &row.notification_key_sealed)
    });
    Ok(rows.into_iter().map(|row| row.domain).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sealed_column_is_known_to_those_who_change_the_key() {
        let schema = include_str!("../schema.rs");
        let words = schema.split_whitespace();
        let sealed: Vec<&str> = words.filter(|word| word.ends_with("_sealed")).collect();
        assert_eq!(
            sealed,
            [
                "access_token_sealed",
                "refresh_token_sealed",
                "client_secret_sealed",
                "notification_key_sealed"
            ]
        );
    }

    #[test]
    fn a_budget_fills_up_to_its_size() {
        let budget = Budget {
            available: 100,
            maximum: 2000,
            rate: 100,
            at: At(0),
        };
        assert_eq!(budget.expected(At(3_000_000)), 400);
        assert_eq!(budget.expected(At(3_600_000_000)), 2000);
    }
}
