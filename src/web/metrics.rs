//! `GET /metrics`: how it goes, in the text format that Prometheus reads.
use actix_web::{HttpResponse, web};

use super::error::WebError;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::platform::metrics::Metrics;
use crate::platform::metrics::standing::{Standing, TEXT};
use crate::platform::queue::Queue;
use crate::platform::queue::pauses::{self, Scope};
use crate::platform::queue::queries::list::{self, Depth};
use crate::shopify::shops::{self, Shop, ShopState};

/// What the database says.
struct Facts {
    depths: Vec<(Queue, Vec<Depth>)>,
    shops: Vec<Shop>,
    paused: Vec<Scope>,
}

/// `GET /metrics`
///
/// # Errors
///
/// The database's.
pub async fn show(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    metrics: web::Data<Metrics>,
) -> Result<HttpResponse, WebError> {
    let (now, pool) = (clock.now(), db.pool_use());
    let facts = db.read(gather).await?;
    let standing = Standing::new();
    let domains: Vec<String> = facts.shops.iter().map(|it| it.domain.to_string()).collect();
    standing.queues(&facts.depths, &domains, now);
    standing.budget(facts.shops.iter().filter_map(|shop| {
        let budget = shop.budget.as_ref()?;
        Some((
            shop.domain.to_string(),
            budget.expected(now),
            budget.maximum,
        ))
    }));
    let is_on = |scope: &Scope| facts.paused.contains(scope);
    let all = [Scope::Incoming, Scope::Outgoing];
    standing.paused(
        all.iter()
            .map(|scope| (scope.word(), "", is_on(scope)))
            .chain(domains.iter().map(|domain| {
                let scope = Scope::Shop(domain.clone());
                (scope.word(), domain.as_str(), is_on(&scope))
            })),
    );
    standing.pool(pool);
    standing.build(db.is_postgres());
    let text = standing
        .text(metrics.gather())
        .map_err(|error| WebError::internal(error.to_string()))?;
    Ok(HttpResponse::Ok().content_type(TEXT).body(text))
}

fn gather(conn: &mut DbConnection) -> Result<Facts, DbError> {
    let mut shops = shops::list(conn)?;
    shops.retain(|shop| shop.state != ShopState::Disconnected);
    let depths = [Queue::WebhookEvents, Queue::Jobs]
        .into_iter()
        .map(|queue| Ok((queue, list::depths(conn, queue)?)))
        .collect::<Result<_, DbError>>()?;
    let paused = pauses::list(conn)?;
    Ok(Facts {
        depths,
        shops,
        paused: paused.into_iter().map(|pause| pause.scope).collect(),
    })
}
