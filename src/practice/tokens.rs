//! Installing and uninstalling, codes and tokens: Shopify's rules for them, without HTTP.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::model::{AccessToken, Code, Installation, RefreshToken};
use super::state::State;
use super::webhooks::{self, later};

/// A refresh token lives 90 days.
const REFRESH_SECS: i64 = 7_776_000;
/// After its first use a refresh token may be repeated for 30 days, as long as its replacement is unused.
const RETRY_SECS: i64 = 2_592_000;
/// How long a code waits to be exchanged.
const CODE_SECS: i64 = 600;
/// A client credentials token lives a day.
const CREDENTIALS_SECS: u32 = 86_399;

/// Every access scope that exists (as far as an ERP could ask for it).
const SCOPES: &[&str] = &[
    "all_orders",
    "analytics",
    "assigned_fulfillment_orders",
    "cart_transforms",
    "companies",
    "content",
    "customer_events",
    "customer_merge",
    "customers",
    "discounts",
    "draft_orders",
    "files",
    "fulfillments",
    "gift_cards",
    "inventory",
    "inventory_shipments",
    "inventory_transfers",
    "legal_policies",
    "locales",
    "locations",
    "markets",
    "marketing_events",
    "merchant_managed_fulfillment_orders",
    "metaobject_definitions",
    "metaobjects",
    "order_edits",
    "orders",
    "payment_terms",
    "price_rules",
    "products",
    "product_listings",
    "publications",
    "reports",
    "returns",
    "shipping",
    "store_credit_accounts",
    "third_party_fulfillment_orders",
    "translations",
    "users",
];

/// Why no token was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) error: &'static str,
    pub(super) description: &'static str,
}

impl Refused {
    const fn grant(description: &'static str) -> Self {
        Self {
            error: "invalid_grant",
            description,
        }
    }
}

/// Whether Shopify knows a scope.
pub(super) fn is_known_scope(scope: &str) -> bool {
    let rest = scope
        .strip_prefix("read_")
        .or_else(|| scope.strip_prefix("write_"));
    rest.is_some_and(|rest| SCOPES.contains(&rest))
}

/// Cuts a list of scopes, comma separated, and drops the read scopes that a write scope implies.
pub(super) fn compact(scopes: &str) -> Vec<String> {
    let asked: Vec<&str> = scopes
        .split([',', ' '])
        .map(str::trim)
        .filter(|scope| !scope.is_empty())
        .collect();
    let mut kept: Vec<String> = Vec::new();
    for scope in &asked {
        let implied = scope
            .strip_prefix("read_")
            .is_some_and(|rest| asked.contains(&format!("write_{rest}").as_str()));
        if !implied && !kept.iter().any(|known| known == scope) {
            kept.push((*scope).to_owned());
        }
    }
    kept
}

/// Whether granted scopes contain one, a write scope standing for its read scope.
pub(super) fn grants(granted: &[String], scope: &str) -> bool {
    let write = scope
        .strip_prefix("read_")
        .map(|rest| format!("write_{rest}"));
    granted
        .iter()
        .any(|one| one == scope || Some(one) == write.as_ref())
}

/// All scopes a list stands for, implied ones written out.
pub(super) fn expanded(granted: &[String]) -> Vec<String> {
    let mut all = granted.to_vec();
    for scope in granted {
        let read = scope
            .strip_prefix("write_")
            .map(|rest| format!("read_{rest}"));
        all.extend(read.filter(|read| !granted.contains(read)));
    }
    all
}

/// Random letters and digits behind a prefix.
fn secret(prefix: &str) -> String {
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        return format!("{prefix}{}", uuid::Uuid::new_v4().simple());
    }
    format!("{prefix}{}", hex::encode(bytes))
}

/// The owner pressed Install: the app is installed and gets a code.
pub(super) fn install(state: &mut State, scopes: &[String], now: Timestamp) -> String {
    let id = state.id();
    match &mut state.meta.installation {
        Some(installation) => installation.scopes = scopes.to_vec(),
        none => {
            *none = Some(Installation {
                id,
                scopes: scopes.to_vec(),
                installed_at: now,
            })
        }
    }
    let code = secret("");
    state.meta.codes.retain(|known| known.expires_at > now);
    state.meta.codes.push(Code {
        code: code.clone(),
        scopes: scopes.to_vec(),
        expires_at: later(now, CODE_SECS),
        used: false,
    });
    code
}

/// Exchanges a code, once.
pub(super) fn exchange(
    state: &mut State,
    code: &str,
    expiring: bool,
    lifetime_secs: u32,
    now: Timestamp,
) -> Result<Value, Refused> {
    let unknown = Refused {
        error: "invalid_request",
        description: "The authorization code was not found or was already used",
    };
    let found = state
        .meta
        .codes
        .iter_mut()
        .find(|known| known.code == code && !known.used && known.expires_at > now)
        .ok_or(unknown)?;
    found.used = true;
    let scopes = found.scopes.clone();
    if !expiring {
        return Ok(lasting(state, &scopes));
    }
    // Another grant ends every earlier refresh token of the installation at once.
    state.meta.refresh_tokens.clear();
    Ok(pair(state, scopes, lifetime_secs, None, now))
}

/// The token without an end: asked again, it is the same one.
fn lasting(state: &mut State, scopes: &[String]) -> Value {
    let known = state
        .meta
        .access_tokens
        .iter()
        .find(|one| one.expires_at.is_none() && one.scopes == scopes);
    let token = known.map_or_else(|| secret("shpat_"), |one| one.token.clone());
    state
        .meta
        .access_tokens
        .retain(|one| one.expires_at.is_some());
    state.meta.access_tokens.push(AccessToken {
        token: token.clone(),
        scopes: scopes.to_vec(),
        expires_at: None,
    });
    json!({"access_token": token, "scope": scopes.join(",")})
}

fn pair(
    state: &mut State,
    scopes: Vec<String>,
    lifetime_secs: u32,
    old: Option<&str>,
    now: Timestamp,
) -> Value {
    let (access, refresh) = (secret("shpat_"), secret("shprt_"));
    let answer = json!({
        "access_token": access, "scope": scopes.join(","), "expires_in": lifetime_secs,
        "refresh_token": refresh, "refresh_token_expires_in": REFRESH_SECS,
    });
    if let Some(old) = old.and_then(|old| {
        state
            .meta
            .refresh_tokens
            .iter_mut()
            .find(|one| one.token == old)
    }) {
        old.replaced_by = Some(refresh.clone());
    }
    state
        .meta
        .access_tokens
        .retain(|one| one.expires_at.is_none_or(|end| end > now));
    state.meta.refresh_tokens.retain(|one| one.expires_at > now);
    state.meta.access_tokens.push(AccessToken {
        token: access,
        scopes: scopes.clone(),
        expires_at: Some(later(now, i64::from(lifetime_secs))),
    });
    state.meta.refresh_tokens.push(RefreshToken {
        token: refresh,
        scopes,
        expires_at: later(now, REFRESH_SECS),
        first_used_at: None,
        replaced_by: None,
    });
    answer
}

/// Exchanges a refresh token. It may be repeated until the token it was exchanged for is used.
pub(super) fn refresh(
    state: &mut State,
    token: &str,
    lifetime_secs: u32,
    now: Timestamp,
) -> Result<Value, Refused> {
    let dead = Refused::grant("The refresh token is invalid, expired or revoked");
    let found = state
        .meta
        .refresh_tokens
        .iter_mut()
        .find(|one| one.token == token)
        .ok_or_else(|| dead.clone())?;
    let first = *found.first_used_at.get_or_insert(now);
    if found.expires_at <= now || later(first, RETRY_SECS) <= now {
        return Err(dead);
    }
    let (scopes, orphan) = (found.scopes.clone(), found.replaced_by.take());
    // The first use of a replacement ends the token it replaced; a repeated use replaces the unused replacement.
    state.meta.refresh_tokens.retain(|one| {
        one.replaced_by.as_deref() != Some(token) && orphan.as_ref() != Some(&one.token)
    });
    Ok(pair(state, scopes, lifetime_secs, Some(token), now))
}

/// A day's token for an app of the store's own organisation; installs it when it was not.
pub(super) fn client_credentials(
    state: &mut State,
    all_scopes: &[String],
    now: Timestamp,
) -> Value {
    if state.meta.installation.is_none() {
        let id = state.id();
        state.meta.installation = Some(Installation {
            id,
            scopes: all_scopes.to_vec(),
            installed_at: now,
        });
    }
    let scopes = state
        .meta
        .installation
        .as_ref()
        .map(|one| one.scopes.clone())
        .unwrap_or_default();
    let token = secret("shpat_");
    state.meta.access_tokens.push(AccessToken {
        token: token.clone(),
        scopes: scopes.clone(),
        expires_at: Some(later(now, i64::from(CREDENTIALS_SECS))),
    });
    json!({"access_token": token, "scope": scopes.join(","), "expires_in": CREDENTIALS_SECS})
}

/// A token made by hand in the store's admin: it never ends. Its scopes are all that were ever asked for here.
pub(super) fn custom_app_token(state: &mut State, scopes: &[String], now: Timestamp) -> String {
    if state.meta.installation.is_none() {
        let id = state.id();
        state.meta.installation = Some(Installation {
            id,
            scopes: scopes.to_vec(),
            installed_at: now,
        });
    }
    let token = secret("shpat_");
    state.meta.access_tokens.push(AccessToken {
        token: token.clone(),
        scopes: scopes.to_vec(),
        expires_at: None,
    });
    token
}

/// The scopes of a token that is good now.
pub(super) fn scopes_of(state: &State, token: &str, now: Timestamp) -> Option<Vec<String>> {
    state.meta.installation.as_ref()?;
    let found = state
        .meta
        .access_tokens
        .iter()
        .find(|one| one.token == token)?;
    found
        .expires_at
        .is_none_or(|end| end > now)
        .then(|| found.scopes.clone())
}

/// Every access token is over; refresh tokens stay good.
pub(super) fn expire_access(state: &mut State, now: Timestamp) {
    for token in &mut state.meta.access_tokens {
        token.expires_at = Some(now);
    }
}

/// The owner removes the app: tokens die, its webhooks vanish, a last one says so.
pub(super) fn uninstall(state: &mut State, shop_domain: &str, now: Timestamp) {
    if state.meta.installation.take().is_none() {
        return;
    }
    webhooks::uninstalled(state, shop_domain, now);
    state.meta.codes.clear();
    state.meta.access_tokens.clear();
    state.meta.refresh_tokens.clear();
    for id in state.subscriptions.ids() {
        state.subscriptions.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_scope_stands_for_its_read_scope() {
        assert_eq!(
            compact("read_orders,write_orders, read_products"),
            ["write_orders", "read_products"]
        );
        assert!(grants(&["write_orders".to_owned()], "read_orders"));
        assert!(!grants(&["read_orders".to_owned()], "write_orders"));
        assert!(is_known_scope("read_all_orders") && !is_known_scope("read_everything"));
    }

    #[test]
    fn a_refresh_token_may_be_repeated_until_its_replacement_is_used() {
        let now = Timestamp::UNIX_EPOCH;
        let mut state = State::open(None, now).expect("a database in memory");
        let code = install(&mut state, &["read_orders".to_owned()], now);
        let first = exchange(&mut state, &code, true, 3600, now).expect("a fresh code");
        assert!(
            exchange(&mut state, &code, true, 3600, now).is_err(),
            "a code is good once"
        );
        let token = |answer: &Value| {
            answer["refresh_token"]
                .as_str()
                .expect("a refresh token")
                .to_owned()
        };
        let lost = refresh(&mut state, &token(&first), 3600, now).expect("the first use");
        let second =
            refresh(&mut state, &token(&first), 3600, now).expect("the answer was lost: again");
        assert!(
            refresh(&mut state, &token(&lost), 3600, now).is_err(),
            "the lost answer was replaced"
        );
        refresh(&mut state, &token(&second), 3600, now).expect("the replacement");
        assert_eq!(
            refresh(&mut state, &token(&first), 3600, now)
                .expect_err("now it is over")
                .error,
            "invalid_grant"
        );
    }
}
