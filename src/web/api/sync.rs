//! How a store and we stand.
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sync_runs::{self, SyncRun};
use super::{chosen_shop, moment};
use crate::erp::pauses::{self, Standing as PauseStanding};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection};
use crate::platform::jobs::{self, Job};
use crate::platform::queue::pauses::Scope;
use crate::platform::queue::queries::list::{self, Standing};
use crate::platform::queue::{Queue, Status};
use crate::shopify::jobs::ImportProducts;
use crate::shopify::pauses::scope;
use crate::shopify::registrar::{self, SubscriptionState};
use crate::shopify::shops::{Shop, ShopState};
use crate::shopify::sync::queries::{self, days, gaps};
use crate::shopify::sync::{Stream, range};
use crate::types::At;
use crate::web::error::WebError;

/// Which store.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// The store's domain or id; needed where several are connected.
    pub(super) shop: Option<String>,
}

/// A store's connection, its webhooks, and what waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncStatus {
    pub store: String,
    /// `active`, `needs_reconnect` or `paused`.
    pub state: String,
    /// What a person paused that holds back this store's work.
    pub pauses: Vec<Pause>,
    pub last_error: Option<String>,
    pub api_version: String,
    pub missing_scopes: Vec<String>,
    pub webhooks: Webhooks,
    /// What came in.
    pub events: QueueStatus,
    /// What goes out, and long jobs.
    pub jobs: QueueStatus,
    /// The last import of the catalogue, for as long as jobs are kept.
    pub catalogue: Option<Import>,
    pub rate_budget: Option<RateBudget>,
    /// How the store's orders and ours compare; null until they were compared.
    pub orders: Option<OrdersStatus>,
    /// The run over the orders that is under way, or the last one.
    pub run: Option<SyncRun>,
}

/// How the store's orders and ours compare.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrdersStatus {
    /// When the store was last asked what changed, and up to when everything was seen.
    pub looked_at: Option<String>,
    pub seen_to: String,
    /// Why the last look failed, where it did.
    pub error: Option<String>,
    /// Over all days that were compared order by order; null before the first one was.
    pub in_shopify: Option<i64>,
    /// Orders that are not here as the store has them, and since when the oldest of them changed there.
    pub differing: i64,
    pub differing_since: Option<String>,
    /// Minutes between two backup runs; 0: none.
    pub backup_every_minutes: i64,
    pub backup_at: Option<String>,
    /// The first day whose orders Shopify shows this app; null: all of them.
    pub shown_from: Option<String>,
}

/// Work that a person stopped until somebody resumes it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pause {
    /// `incoming` or `outgoing` of all stores, or the `store`.
    pub what: &'static str,
    pub since: String,
    /// Who began it.
    pub by: Option<String>,
    pub reason: Option<String>,
}

/// The store's subscriptions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Webhooks {
    pub registered: Vec<String>,
    pub missing: Vec<String>,
    pub last_received_at: Option<String>,
}

/// How many rows stand where.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueStatus {
    pub pending: i64,
    pub retrying: i64,
    pub working: i64,
    pub waiting: i64,
    pub dead: i64,
    pub oldest_open_at: Option<String>,
}

/// An import.
#[derive(Debug, Serialize, ToSchema)]
pub struct Import {
    pub state: String,
    pub started_at: String,
    pub finished_at: Option<String>,
    pub reason: Option<String>,
}

/// Points that Shopify's rate limit leaves.
#[derive(Debug, Serialize, ToSchema)]
pub struct RateBudget {
    pub available: i64,
    pub maximum: i64,
    pub per_second: i64,
}

impl From<Standing> for QueueStatus {
    fn from(standing: Standing) -> QueueStatus {
        QueueStatus {
            pending: standing.pending,
            retrying: standing.retrying,
            working: standing.working,
            waiting: standing.waiting,
            dead: standing.dead,
            oldest_open_at: standing.oldest_at.map(moment),
        }
    }
}

impl From<PauseStanding> for Pause {
    fn from(pause: PauseStanding) -> Pause {
        Pause {
            what: pause.scope.word(),
            since: moment(pause.since),
            by: pause.by,
            reason: pause.reason,
        }
    }
}

/// How a store and we stand.
#[utoipa::path(
    get, path = "/api/{tenant}/sync/status", tag = "Sync", params(Filter),
    responses(
        (status = 200, body = SyncStatus),
        (status = 404, description = "No such store is connected"),
        (status = 409, description = "Several stores are connected: `shops` lists them"),
    )
)]
pub async fn status(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    query: web::Query<Filter>,
) -> Result<HttpResponse, WebError> {
    let now = clock.now();
    let status = db
        .read(move |conn| load(conn, query.shop.as_deref(), now))
        .await?;
    Ok(HttpResponse::Ok().json(status))
}

fn load(conn: &mut DbConnection, named: Option<&str>, now: At) -> Result<SyncStatus, WebError> {
    let shop = chosen_shop(conn, named)?;
    let domain = shop.domain.as_str();
    let (registered, missing): (Vec<_>, Vec<_>) = registrar::list(conn, shop.id)?
        .into_iter()
        .partition(|one| one.state == SubscriptionState::Registered);
    let topics = |list: Vec<registrar::Subscription>| list.into_iter().map(|one| one.topic);
    let import = jobs::queries::find_latest(conn, ImportProducts::KIND, domain)?;
    let mut paused = pauses::list(conn)?;
    paused.retain(|it| it.scope == scope(&shop) || !matches!(it.scope, Scope::Shop(_)));
    let is_paused = paused.iter().any(|it| it.scope == scope(&shop));
    Ok(SyncStatus {
        webhooks: Webhooks {
            registered: topics(registered).collect(),
            missing: topics(missing).collect(),
            last_received_at: registrar::last_received(conn, domain)?.map(moment),
        },
        events: list::standing(conn, Queue::WebhookEvents, domain)?.into(),
        jobs: list::standing(conn, Queue::Jobs, domain)?.into(),
        catalogue: import.map(|job| Import {
            state: Status::from_code(job.status).word(job.attempts).to_owned(),
            started_at: moment(job.created_at),
            finished_at: job.finished_at.map(moment),
            reason: job.reason,
        }),
        orders: orders(conn, &shop, now)?,
        run: sync_runs::last(conn, &shop)?,
        rate_budget: shop.budget.map(|budget| RateBudget {
            available: budget.expected(now),
            maximum: budget.maximum,
            per_second: budget.rate,
        }),
        store: domain.to_owned(),
        state: match shop.state {
            ShopState::Active if is_paused => "paused".to_owned(),
            state @ (ShopState::Active | ShopState::NeedsReconnect | ShopState::Disconnected) => {
                state.to_string()
            }
        },
        pauses: paused.into_iter().map(Pause::from).collect(),
        last_error: shop.last_error,
        api_version: shop.api_version,
        missing_scopes: shop.missing_scopes.iter().map(str::to_owned).collect(),
    })
}

fn orders(conn: &mut DbConnection, shop: &Shop, now: At) -> Result<Option<OrdersStatus>, WebError> {
    let Some(cursor) = queries::find(conn, shop.id, Stream::Orders)? else {
        return Ok(None);
    };
    let (differing, since) = gaps::count_open(conn, shop.id)?;
    Ok(Some(OrdersStatus {
        looked_at: cursor.looked_at.map(moment),
        seen_to: moment(cursor.looked_to),
        error: cursor.error,
        in_shopify: days::sum_theirs(conn, shop.id)?,
        differing,
        differing_since: since.map(moment),
        backup_every_minutes: cursor.every_minutes,
        backup_at: cursor.backup_at.map(moment),
        shown_from: range::first_shown(shop, now).map(|day| day.to_string()),
    }))
}
