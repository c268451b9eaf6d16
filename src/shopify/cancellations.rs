//! Cancelling an order in Shopify: asked once, carried out by Shopify in its own time, and looked up.
//!
//! `orderCancel` has no idempotency and cannot be taken back. So it is noted before it is sent; when the
//! answer is lost, the order itself says whether it was cancelled.
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::erp::orders::cancellations::{self, CancellationRow, Reason, State};
use crate::erp::orders::queries::{self as orders, cancellations as rows};
use crate::erp::orders::{OrderError, WorkState};
use crate::erp::timeline::Actor;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing, Job, Run};
use crate::platform::queue::Outcome;
use crate::shopify::client::ShopifyError;
use crate::shopify::fulfillments::{may_have_arrived, queries as origins};
use crate::shopify::gid::{self, Gid};
use crate::shopify::graphql::{
    JobState, OrderCancel, OrderCancellation, job_state, order_cancel, order_cancellation,
};
use crate::shopify::{Connector, Haste, outcome_of};
use crate::types::{At, OrderId};
use origins::Origin;

/// How long Shopify takes at most, before what it did is final.
const SETTLES_WITHIN: Duration = Duration::from_secs(120);
/// How long to wait between two looks.
const NEXT_LOOK: Duration = Duration::from_secs(15);

/// Has Shopify cancel an order.
#[derive(Debug, Serialize, Deserialize)]
pub struct CancelOrder {
    pub cancellation: i64,
    /// In order with everything else that is told of the order: `shop/order/1001`.
    pub key: String,
}

/// Stores the job; nothing for an order that no shop sent.
///
/// # Errors
///
/// The database's.
pub fn on_asked(
    conn: &mut DbConnection,
    order: OrderId,
    cancellation: i64,
    now: At,
) -> Result<(), DbError> {
    let Some(origin) = origins::find_origin(conn, order)? else {
        return Ok(());
    };
    let job = CancelOrder {
        cancellation,
        key: format!("{}/order/{}", origin.shop_domain, origin.order_external_id),
    };
    let filing = Filing {
        shop_domain: Some(origin.shop_domain),
        subject: Some(format!("order/{order}")),
        ..Filing::default()
    };
    jobs::enqueue(conn, &job, &filing, now)?;
    Ok(())
}

impl Job for CancelOrder {
    const KIND: &'static str = "shopify.cancel_order";
    const IS_PUSH: bool = true;
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.cancellation.to_string())
    }

    fn key(&self) -> Option<String> {
        Some(self.key.clone())
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        let id = self.cancellation;
        let loaded = cx.db.read(move |conn| load(conn, id)).await;
        match loaded {
            Ok(Some((row, origin, is_over))) => {
                let push = Push {
                    cx,
                    actor: Actor::source(format!("job:{}", run.job)),
                    row,
                    origin,
                };
                match push.carry_out(is_over).await {
                    Ok(outcome) | Err(outcome) => outcome,
                }
            }
            Ok(None) => Outcome::Done,
            Err(error) => Outcome::retry(error.to_string()),
        }
    }
}

type Loaded = (CancellationRow, Origin, bool);

fn load(conn: &mut DbConnection, id: i64) -> Result<Option<Loaded>, DbError> {
    let Some(row) = rows::find(conn, id)? else {
        return Ok(None);
    };
    let Some(origin) = origins::find_origin(conn, row.order_id)? else {
        return Ok(None);
    };
    let order = orders::find(conn, row.order_id)?;
    let is_over = order.is_some_and(|order| WorkState::CLOSED.contains(&order.work_state));
    Ok(Some((row, origin, is_over)))
}

/// One cancellation on its way.
struct Push {
    cx: Arc<Connector>,
    actor: Actor,
    row: CancellationRow,
    origin: Origin,
}

impl Push {
    async fn carry_out(self, is_over: bool) -> Result<Outcome, Outcome> {
        match self.row.state {
            State::Done | State::Refused => Ok(Outcome::Done),
            State::Asked | State::Sent if is_over => self.finish(None).await,
            State::Asked => self.send().await,
            State::Sent => self.look_up().await,
        }
    }

    async fn send(self) -> Result<Outcome, Outcome> {
        let (id, now) = (self.row.id, self.cx.clock.now());
        self.write(move |conn| rows::mark_sent(conn, id, now))
            .await?;
        let variables = order_cancel::Variables {
            order_id: self.order_gid(),
            reason: reason(self.row.reason),
            restock: self.row.restock,
            refund: self.row.refund,
            notify: self.row.notify,
        };
        let sent = self
            .cx
            .call::<OrderCancel>(self.origin.shop, Haste::Now, variables)
            .await;
        match sent {
            Ok(answer) => {
                let Some(payload) = answer.data.order_cancel else {
                    return Err(lost("the answer holds neither a result nor an error"));
                };
                let refusals: Vec<String> = payload
                    .order_cancel_user_errors
                    .into_iter()
                    .map(|error| error.message)
                    .collect();
                if !refusals.is_empty() {
                    let refused = format!("Shopify refused: {}", refusals.join("; "));
                    return self.finish(Some(&refused)).await;
                }
                if let Some(job) = payload.job {
                    self.write(move |conn| rows::set_job(conn, id, &job.id))
                        .await?;
                }
                Err(Outcome::Retry {
                    after: Some(NEXT_LOOK),
                    reason: "Shopify cancels the order in its own time; it is looked up".to_owned(),
                })
            }
            Err(ShopifyError::UserErrors { messages }) => {
                let refused = format!("Shopify refused: {}", messages.join("; "));
                self.finish(Some(&refused)).await
            }
            Err(error) if may_have_arrived(&error) => Err(lost(&error.to_string())),
            Err(error) => {
                self.write(move |conn| rows::mark_unsent(conn, id)).await?;
                match outcome_of(self.origin.shop, &error) {
                    Outcome::Dead { reason } => self.finish(Some(&reason)).await,
                    outcome @ (Outcome::Done
                    | Outcome::NothingToDo { .. }
                    | Outcome::Superseded
                    | Outcome::Retry { .. }
                    | Outcome::WaitFor { .. }) => Err(outcome),
                }
            }
        }
    }

    /// Whether Shopify has done it, is still at it, or never heard of it.
    async fn look_up(self) -> Result<Outcome, Outcome> {
        let shop = self.origin.shop;
        let variables = order_cancellation::Variables {
            id: self.order_gid(),
        };
        let answer = self
            .cx
            .call::<OrderCancellation>(shop, Haste::Now, variables)
            .await
            .map_err(|error| outcome_of(shop, &error))?;
        match answer.data.order {
            None => {
                let gone = "Shopify no longer has this order";
                return self.finish(Some(gone)).await;
            }
            Some(order) if order.cancelled_at.is_some() => return self.finish(None).await,
            Some(_) => {}
        }
        let waited = self
            .cx
            .clock
            .now()
            .since(self.row.sent_at.unwrap_or(self.row.asked_at));
        if waited < SETTLES_WITHIN {
            return Err(lost("the order is not cancelled yet"));
        }
        match &self.row.job_external_id {
            // Shopify never heard of it: it is sent once more.
            None => {
                let id = self.row.id;
                self.write(move |conn| rows::mark_unsent(conn, id)).await?;
                Err(lost("Shopify shows no cancellation; it is sent once more"))
            }
            Some(job) if self.is_at_it(job).await? => Err(lost("Shopify is still at it")),
            Some(_) => {
                let ended = "Shopify ended the cancellation and the order is not cancelled";
                self.finish(Some(ended)).await
            }
        }
    }

    async fn is_at_it(&self, job: &str) -> Result<bool, Outcome> {
        let variables = job_state::Variables { id: job.to_owned() };
        let answer = self
            .cx
            .call::<JobState>(self.origin.shop, Haste::Now, variables)
            .await
            .map_err(|error| outcome_of(self.origin.shop, &error))?;
        Ok(answer.data.job.is_some_and(|job| !job.done))
    }

    /// Notes how it ended; a refusal is a job that a person looks at.
    async fn finish(self, refused: Option<&str>) -> Result<Outcome, Outcome> {
        let (row, actor, now) = (self.row.clone(), self.actor.clone(), self.cx.clock.now());
        let reason = refused.map(str::to_owned);
        let told = reason.clone();
        let done = self
            .cx
            .db
            .write(move |conn| cancellations::finish(conn, &row, told.as_deref(), &actor, now))
            .await;
        match (done, reason) {
            (Ok(()), None) => Ok(Outcome::Done),
            (Ok(()), Some(reason)) => Ok(Outcome::Dead { reason }),
            (Err(OrderError::Db(error)), _) => Err(Outcome::retry(error.to_string())),
            (Err(error), _) => Err(Outcome::dead(error.to_string())),
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, Outcome> {
        self.cx
            .db
            .write(work)
            .await
            .map_err(|error: DbError| Outcome::retry(error.to_string()))
    }

    fn order_gid(&self) -> String {
        Gid::<gid::Order>::from_digits(&self.origin.order_external_id).map_or_else(
            || self.origin.order_external_id.clone(),
            |gid| gid.to_string(),
        )
    }
}

fn lost(reason: &str) -> Outcome {
    Outcome::Retry {
        after: Some(NEXT_LOOK),
        reason: reason.to_owned(),
    }
}

fn reason(reason: Reason) -> order_cancel::OrderCancelReason {
    use order_cancel::OrderCancelReason as Theirs;
    match reason {
        Reason::Customer => Theirs::CUSTOMER,
        Reason::Inventory => Theirs::INVENTORY,
        Reason::Fraud => Theirs::FRAUD,
        Reason::Declined => Theirs::DECLINED,
        Reason::Staff => Theirs::STAFF,
        Reason::Other => Theirs::OTHER,
    }
}
