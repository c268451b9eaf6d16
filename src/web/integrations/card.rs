//! How a connected store stands, as its card shows it.
use std::time::Duration;

use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::Job;
use crate::platform::jobs::queries as jobs;
use crate::shopify::budget::Tier;
use crate::shopify::jobs::ImportProducts;
use crate::shopify::privacy;
use crate::shopify::registrar::{self, Subscription, SubscriptionState};
use crate::shopify::scopes::Scopes;
use crate::shopify::shops::{self, Budget, Shop, ShopState};
use crate::shopify::topics;
use crate::types::{At, JobId};
use crate::web::pausing::{self, Banner};

/// A refresh token that ends this soon is said.
const SOON: Duration = Duration::from_secs(14 * 86_400);
/// What is longer ago than this was not just now.
const MINUTE: u64 = 60;

/// What Counterfoil asks of each store.
pub(super) struct Ours {
    pub(super) scopes: Scopes,
    /// The API version.
    pub(super) version: String,
}

/// A store and what its card says.
pub(super) struct Card {
    pub(super) shop: Shop,
    pub(super) badge: &'static str,
    pub(super) tone: &'static str,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) registered: usize,
    pub(super) wanted: usize,
    pub(super) last_received: Option<String>,
    pub(super) scopes_granted: usize,
    pub(super) scopes_asked: usize,
    pub(super) budget: Gauge,
    /// The version that Shopify serves instead of ours.
    pub(super) other_version: Option<String>,
    pub(super) last_import: Option<JobId>,
    pub(super) connected: bool,
    /// Privacy requests that wait for a person.
    pub(super) privacy_open: i64,
    /// Its pause; at most one.
    pub(super) pauses: Vec<Banner>,
}

/// The rate budget as a bar.
pub(super) struct Gauge {
    pub(super) left: i64,
    pub(super) maximum: i64,
    pub(super) rate: i64,
    pub(super) percent: i64,
    /// What the plan lets expect.
    pub(super) tier: Tier,
    /// No answer has said so yet: the plan does.
    pub(super) is_expected: bool,
}

/// A bucket holds what comes back in so many seconds.
const BUCKET_SECS: i64 = 20;

impl Gauge {
    fn of(shop: &Shop, now: At) -> Gauge {
        let tier = shop.tier();
        let budget = shop.budget.unwrap_or(Budget {
            available: BUCKET_SECS * tier.rate(),
            maximum: BUCKET_SECS * tier.rate(),
            rate: tier.rate(),
            at: now,
        });
        let left = budget.expected(now);
        Gauge {
            left,
            maximum: budget.maximum,
            rate: budget.rate,
            percent: left.saturating_mul(100) / budget.maximum.max(1),
            tier,
            is_expected: shop.budget.is_none(),
        }
    }

    /// Shopify gives less than the plan lets expect: the plan is another one, or was chosen wrongly.
    pub(super) fn is_less(&self) -> bool {
        self.rate < self.tier.rate()
    }

    /// Who waits for the budget to fill up again.
    pub(super) fn who_waits(&self) -> &'static str {
        if self.left < self.maximum / 4 {
            "Stock and imports wait so that orders have the rest."
        } else if self.left < self.maximum / 2 {
            "Imports wait so that orders and stock have the rest."
        } else {
            ""
        }
    }
}

pub(super) fn list(
    conn: &mut DbConnection,
    ours: &Ours,
    prefix: &str,
    now: At,
) -> Result<Vec<Card>, DbError> {
    let shops = shops::list(conn)?;
    shops
        .into_iter()
        .map(|shop| of(conn, shop, ours, prefix, now))
        .collect()
}

pub(super) fn of(
    conn: &mut DbConnection,
    shop: Shop,
    ours: &Ours,
    prefix: &str,
    now: At,
) -> Result<Card, DbError> {
    let subscriptions = registrar::list(conn, shop.id)?;
    let last = registrar::last_received(conn, shop.domain.as_str())?;
    let import = jobs::find_latest(conn, ImportProducts::KIND, shop.domain.as_str())?;
    let pause = pausing::banner_of(conn, prefix, &shop)?;
    let (badge, tone) = badge(&shop, pause.is_some(), now);
    let asked = &ours.scopes;
    let granted = asked.iter().filter(|scope| shop.scopes.covers(scope));
    let registered = |one: &&Subscription| one.state == SubscriptionState::Registered;
    Ok(Card {
        badge,
        tone,
        registered: subscriptions.iter().filter(registered).count(),
        wanted: topics::registered().count(),
        last_received: last.map(|at| ago(now.since(at))),
        scopes_granted: granted.count(),
        scopes_asked: asked.len(),
        budget: Gauge::of(&shop, now),
        other_version: shop
            .served_version
            .clone()
            .filter(|served| *served != ours.version),
        last_import: import.map(|job| job.id),
        connected: shop.state == ShopState::Active,
        privacy_open: privacy::count_open(conn, shop.id)?,
        pauses: pause.into_iter().collect(),
        subscriptions,
        shop,
    })
}

fn badge(shop: &Shop, is_paused: bool, now: At) -> (&'static str, &'static str) {
    let ends_soon = shop
        .refresh_expires_at
        .is_some_and(|end| end <= now.after(SOON));
    match shop.state {
        ShopState::Disconnected => ("Disconnected", "neutral"),
        ShopState::NeedsReconnect => ("Reconnect needed", "critical"),
        ShopState::Active if is_paused => ("Paused", "neutral"),
        ShopState::Active if !shop.missing_scopes.is_empty() => ("Missing scope", "critical"),
        ShopState::Active if ends_soon => ("Token expires soon", "warning"),
        ShopState::Active => ("Connected", "success"),
    }
}

/// `12 s ago`, `3 min ago`, `5 h ago`, `2 days ago`.
fn ago(since: Duration) -> String {
    let seconds = since.as_secs();
    match seconds {
        0..MINUTE => format!("{seconds} s ago"),
        MINUTE..3600 => format!("{} min ago", seconds / MINUTE),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        86_400..172_800 => "1 day ago".to_owned(),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_webhook_is_told_in_the_largest_unit() {
        let said = |seconds| ago(Duration::from_secs(seconds));
        assert_eq!(said(12), "12 s ago");
        assert_eq!(said(200), "3 min ago");
        assert_eq!(said(18_000), "5 h ago");
        assert_eq!(said(90_000), "1 day ago");
        assert_eq!(said(200_000), "2 days ago");
    }
}
