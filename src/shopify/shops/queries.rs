//! SQL of `shopify_shops`.
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_shops::{self, self as t, table};
use crate::shopify::budget::{Tier, WRITTEN_EVERY};
use crate::shopify::scopes::Scopes;
use crate::shopify::shop_domain::ShopDomain;
use crate::shopify::shops::{Budget, GrantKind, Shop, ShopState};
use crate::types::{At, ChannelId, ShopId};

#[derive(Queryable, Selectable)]
#[diesel(table_name = shopify_shops)]
struct Row {
    id: ShopId,
    public_id: String,
    domain: String,
    channel_id: ChannelId,
    state: ShopState,
    grant_kind: GrantKind,
    name: String,
    currency: Option<String>,
    time_zone: Option<String>,
    plan: Option<String>,
    scopes: String,
    missing_scopes: String,
    access_expires_at: Option<At>,
    refresh_expires_at: Option<At>,
    api_version: String,
    notify_default: bool,
    order_status_filter: String,
    check_orders: bool,
    tell_holds: bool,
    last_error: Option<String>,
    last_error_at: Option<At>,
    installed_at: At,
    uninstalled_at: Option<At>,
    redacted_at: Option<At>,
    budget_available: Option<i64>,
    budget_max: Option<i64>,
    budget_rate: Option<i64>,
    budget_at: Option<At>,
    restock_returns: bool,
    tier: Option<Tier>,
    served_version: Option<String>,
}

impl Row {
    // Only addresses that were proved get a row; one that is not an address any more is no store of ours.
    fn shop(self) -> Option<Shop> {
        let budget = match (
            self.budget_available,
            self.budget_max,
            self.budget_rate,
            self.budget_at,
        ) {
            (Some(available), Some(maximum), Some(rate), Some(at)) => Some(Budget {
                available,
                maximum,
                rate,
                at,
            }),
            (..) => None,
        };
        Some(Shop {
            id: self.id,
            public_id: self.public_id,
            domain: ShopDomain::exact(&self.domain)?,
            channel: self.channel_id,
            state: self.state,
            grant_kind: self.grant_kind,
            name: self.name,
            currency: self.currency,
            time_zone: self.time_zone,
            plan: self.plan,
            scopes: Scopes::parse(&self.scopes),
            missing_scopes: Scopes::parse(&self.missing_scopes),
            access_expires_at: self.access_expires_at,
            refresh_expires_at: self.refresh_expires_at,
            api_version: self.api_version,
            notify_default: self.notify_default,
            order_status_filter: self.order_status_filter,
            check_orders: self.check_orders,
            tell_holds: self.tell_holds,
            last_error: self.last_error,
            last_error_at: self.last_error_at,
            installed_at: self.installed_at,
            uninstalled_at: self.uninstalled_at,
            redacted_at: self.redacted_at,
            budget,
            restock_returns: self.restock_returns,
            chosen_tier: self.tier,
            served_version: self.served_version,
        })
    }
}

/// The sealed secrets of a store and who is refreshing them.
#[derive(Queryable, Selectable, Clone, Debug)]
#[diesel(table_name = shopify_shops)]
pub(crate) struct SealedTokens {
    pub(crate) id: ShopId,
    pub(crate) domain: String,
    pub(crate) channel_id: ChannelId,
    pub(crate) state: ShopState,
    pub(crate) grant_kind: GrantKind,
    pub(crate) installed_at: At,
    pub(crate) access_token_sealed: Option<String>,
    pub(crate) access_expires_at: Option<At>,
    pub(crate) refresh_token_sealed: Option<String>,
    pub(crate) refresh_expires_at: Option<At>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret_sealed: Option<String>,
    pub(crate) notification_key_sealed: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = shopify_shops)]
pub(crate) struct NewShop {
    pub(crate) public_id: String,
    pub(crate) domain: String,
    pub(crate) channel_id: ChannelId,
    pub(crate) state: ShopState,
    pub(crate) grant_kind: GrantKind,
    pub(crate) name: String,
    pub(crate) scopes: String,
    pub(crate) api_version: String,
    pub(crate) installed_at: At,
}

/// What a connection sets anew, and what is `None` is emptied.
#[derive(AsChangeset)]
#[diesel(table_name = shopify_shops)]
#[diesel(treat_none_as_null = true)]
pub(crate) struct Connection {
    pub(crate) state: ShopState,
    pub(crate) grant_kind: GrantKind,
    pub(crate) name: String,
    pub(crate) currency: Option<String>,
    pub(crate) time_zone: Option<String>,
    pub(crate) plan: Option<String>,
    pub(crate) scopes: String,
    pub(crate) missing_scopes: String,
    pub(crate) access_token_sealed: Option<String>,
    pub(crate) access_expires_at: Option<At>,
    pub(crate) refresh_token_sealed: Option<String>,
    pub(crate) refresh_expires_at: Option<At>,
    pub(crate) refresh_lease: Option<String>,
    pub(crate) refresh_lease_until: Option<At>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret_sealed: Option<String>,
    pub(crate) api_version: String,
    pub(crate) installed_at: At,
    pub(crate) uninstalled_at: Option<At>,
    pub(crate) last_error: Option<String>,
    pub(crate) last_error_at: Option<At>,
}

/// A new pair of tokens; the lease ends with it.
#[derive(AsChangeset)]
#[diesel(table_name = shopify_shops)]
#[diesel(treat_none_as_null = true)]
pub(crate) struct NewTokens {
    pub(crate) access_token_sealed: Option<String>,
    pub(crate) access_expires_at: Option<At>,
    pub(crate) refresh_token_sealed: Option<String>,
    pub(crate) refresh_expires_at: Option<At>,
    pub(crate) refresh_lease: Option<String>,
    pub(crate) refresh_lease_until: Option<At>,
}

/// The four secrets of a store, sealed anew.
#[derive(AsChangeset)]
#[diesel(table_name = shopify_shops)]
#[diesel(treat_none_as_null = true)]
pub(crate) struct Secrets {
    pub(crate) access_token_sealed: Option<String>,
    pub(crate) refresh_token_sealed: Option<String>,
    pub(crate) client_secret_sealed: Option<String>,
    pub(crate) notification_key_sealed: Option<String>,
}

pub(crate) fn find(conn: &mut DbConnection, id: ShopId) -> Result<Option<Shop>, DbError> {
    let row: Option<Row> = table
        .find(id)
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.and_then(Row::shop))
}

pub(crate) fn find_by_domain(
    conn: &mut DbConnection,
    domain: &str,
) -> Result<Option<Shop>, DbError> {
    let row: Option<Row> = table
        .filter(t::domain.eq(domain))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.and_then(Row::shop))
}

pub(crate) fn find_by_channel(
    conn: &mut DbConnection,
    channel: ChannelId,
) -> Result<Option<Shop>, DbError> {
    let row: Option<Row> = table
        .filter(t::channel_id.eq(channel))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.and_then(Row::shop))
}

pub(crate) fn list(conn: &mut DbConnection) -> Result<Vec<Shop>, DbError> {
    let rows: Vec<Row> = table.select(Row::as_select()).load(conn)?;
    Ok(rows.into_iter().filter_map(Row::shop).collect())
}

pub(crate) fn find_tokens(
    conn: &mut DbConnection,
    id: ShopId,
) -> Result<Option<SealedTokens>, DbError> {
    Ok(table
        .find(id)
        .select(SealedTokens::as_select())
        .first(conn)
        .optional()?)
}

/// The secrets of every store, for the directory.
pub(crate) fn list_tokens(conn: &mut DbConnection) -> Result<Vec<SealedTokens>, DbError> {
    Ok(table.select(SealedTokens::as_select()).load(conn)?)
}

pub(crate) fn insert(conn: &mut DbConnection, shop: &NewShop) -> Result<ShopId, DbError> {
    Ok(diesel::insert_into(table)
        .values(shop)
        .returning(t::id)
        .get_result(conn)?)
}

pub(crate) fn update_connection(
    conn: &mut DbConnection,
    id: ShopId,
    connection: &Connection,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set(connection)
        .execute(conn)?;
    Ok(())
}

/// Takes the right to refresh, if nobody has it and the token is still the one that was seen.
pub(crate) fn mark_refreshing(
    conn: &mut DbConnection,
    seen: &SealedTokens,
    holder: &str,
    now: At,
    until: At,
) -> Result<bool, DbError> {
    let free = table
        .find(seen.id)
        .filter(
            t::refresh_lease
                .is_null()
                .or(t::refresh_lease_until.lt(now)),
        )
        .filter(t::access_token_sealed.eq(seen.access_token_sealed.clone()));
    let taken = diesel::update(free)
        .set((
            t::refresh_lease.eq(Some(holder)),
            t::refresh_lease_until.eq(Some(until)),
        ))
        .execute(conn)?;
    Ok(taken == 1)
}

/// Stores a new pair under the lease; `false` where the lease was lost meanwhile.
pub(crate) fn store_tokens(
    conn: &mut DbConnection,
    id: ShopId,
    holder: &str,
    tokens: &NewTokens,
) -> Result<bool, DbError> {
    let mine = table.find(id).filter(t::refresh_lease.eq(holder));
    Ok(diesel::update(mine).set(tokens).execute(conn)? == 1)
}

pub(crate) fn release_lease(
    conn: &mut DbConnection,
    id: ShopId,
    holder: &str,
) -> Result<(), DbError> {
    let none: (Option<String>, Option<At>) = (None, None);
    diesel::update(table.find(id).filter(t::refresh_lease.eq(holder)))
        .set((
            t::refresh_lease.eq(none.0),
            t::refresh_lease_until.eq(none.1),
        ))
        .execute(conn)?;
    Ok(())
}

/// Moves a store on, if it is in one of `from`.
pub(crate) fn set_state(
    conn: &mut DbConnection,
    id: ShopId,
    from: &[ShopState],
    to: ShopState,
) -> Result<bool, DbError> {
    let rows = table.find(id).filter(t::state.eq_any(from.to_vec()));
    Ok(diesel::update(rows).set(t::state.eq(to)).execute(conn)? == 1)
}

/// Ends a connection: no token stays behind.
pub(crate) fn mark_disconnected(
    conn: &mut DbConnection,
    id: ShopId,
    now: At,
) -> Result<bool, DbError> {
    let rows = table.find(id).filter(t::state.ne(ShopState::Disconnected));
    let ended = diesel::update(rows)
        .set((
            t::state.eq(ShopState::Disconnected),
            t::uninstalled_at.eq(Some(now)),
            t::access_token_sealed.eq(None::<String>),
            t::access_expires_at.eq(None::<At>),
            t::refresh_token_sealed.eq(None::<String>),
            t::refresh_expires_at.eq(None::<At>),
            t::refresh_lease.eq(None::<String>),
            t::refresh_lease_until.eq(None::<At>),
        ))
        .execute(conn)?;
    Ok(ended == 1)
}

pub(crate) fn set_error(
    conn: &mut DbConnection,
    id: ShopId,
    error: Option<&str>,
    now: At,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set((
            t::last_error.eq(error),
            t::last_error_at.eq(error.map(|_| now)),
        ))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn set_scopes(
    conn: &mut DbConnection,
    id: ShopId,
    granted: &Scopes,
    missing: &Scopes,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set((
            t::scopes.eq(granted.to_string()),
            t::missing_scopes.eq(missing.to_string()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Keeps what is left of a store's budget, unless another process has said so within the last second.
pub(crate) fn set_budget(
    conn: &mut DbConnection,
    id: ShopId,
    budget: Budget,
) -> Result<(), DbError> {
    let due = budget.at.before(WRITTEN_EVERY);
    let row = table.filter(t::id.eq(id)).filter(
        t::budget_available
            .is_null()
            .or(t::budget_at.is_null())
            .or(t::budget_at.le(due)),
    );
    diesel::update(row)
        .set((
            t::budget_available.eq(Some(budget.available)),
            t::budget_max.eq(Some(budget.maximum)),
            t::budget_rate.eq(Some(budget.rate)),
            t::budget_at.eq(Some(budget.at)),
        ))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn set_served_version(
    conn: &mut DbConnection,
    id: ShopId,
    version: &str,
) -> Result<(), DbError> {
    let row = table.filter(t::id.eq(id)).filter(
        t::served_version
            .is_null()
            .or(t::served_version.ne(version)),
    );
    diesel::update(row)
        .set(t::served_version.eq(version))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn set_tier(
    conn: &mut DbConnection,
    id: ShopId,
    tier: Option<Tier>,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set(t::tier.eq(tier))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn set_notify_default(
    conn: &mut DbConnection,
    id: ShopId,
    notify: bool,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set(t::notify_default.eq(notify))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn set_order_status_filter(
    conn: &mut DbConnection,
    id: ShopId,
    rule: &str,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set(t::order_status_filter.eq(rule))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn set_restock_returns(
    conn: &mut DbConnection,
    id: ShopId,
    restock: bool,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set(t::restock_returns.eq(restock))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn set_order_rules(
    conn: &mut DbConnection,
    id: ShopId,
    check_orders: bool,
    tell_holds: bool,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set((
            t::check_orders.eq(check_orders),
            t::tell_holds.eq(tell_holds),
        ))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn set_notification_key(
    conn: &mut DbConnection,
    id: ShopId,
    sealed: Option<&str>,
) -> Result<(), DbError> {
    diesel::update(table.find(id))
        .set(t::notification_key_sealed.eq(sealed))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn set_secrets(
    conn: &mut DbConnection,
    id: ShopId,
    secrets: &Secrets,
) -> Result<(), DbError> {
    diesel::update(table.find(id)).set(secrets).execute(conn)?;
    Ok(())
}
