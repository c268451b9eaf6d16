//! Brings an order up to date with what its webhook does not tell: risk, who ships what, holds.
//!
//! Every webhook about an order files one job for it; while one waits, the next ones are the same. It asks Shopify
//! outside any transaction and then keeps the answer in one.
pub mod assignment;
mod fetch;
pub mod mirror;
pub mod queries;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::erp::orders::checks::{self, Check};
use crate::erp::orders::incoming::Shape;
use crate::erp::orders::{self, OrderError, WorkState};
use crate::erp::shipping::outside::Told;
use crate::erp::timeline::Actor;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing, Job, Run, queries as job_rows};
use crate::platform::queue::Outcome;
use crate::shopify::apply::fetched::book_fetched;
use crate::shopify::client::ShopifyError;
use crate::shopify::deletions::{CheckDeleted, Record};
use crate::shopify::fulfillments::outside;
use crate::shopify::gid::{FulfillmentOrder, Gid};
use crate::shopify::jobs::living;
use crate::shopify::orders::fetch::{self as fetch_whole, Fetched};
use crate::shopify::shops::Shop;
use crate::shopify::{Connector, Haste, holding, outcome_of};
use crate::types::{At, ChannelId, JobId, OrderId, ShopId, UserId};

use fetch::Answer;

/// Asks Shopify about one order and keeps what it answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct EnrichOrder {
    pub shop: ShopId,
    /// The number of its gid.
    pub order: String,
    #[serde(default)]
    pub whole: Whole,
}

/// Whether the order itself is read as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whole {
    /// Where Shopify's is newer than ours, or was never read: its payments come by no other road.
    #[default]
    WhereOutdated,
    Always,
}

/// Finds out whose fulfillment order it is that a webhook told of, and has that order asked about.
#[derive(Debug, Serialize, Deserialize)]
pub struct FindOrder {
    pub shop: ShopId,
    /// The number of its gid.
    pub fulfillment_order: String,
}

/// Asks about a scheduled order again on its day: the webhook that says so may be lost.
#[derive(Debug, Serialize, Deserialize)]
pub struct LookAgain {
    pub shop: ShopId,
    /// The number of its gid.
    pub order: String,
    pub at: At,
}

/// Another location of a store is ours now, or no longer: what is ours to ship is decided anew, from the mirror.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReassignOrders {
    pub shop: ShopId,
}

/// Has an order asked about, in the caller's transaction; nothing where it is going to be already.
///
/// # Errors
///
/// The database's.
pub fn enqueue(
    conn: &mut DbConnection,
    shop: &Shop,
    order: &str,
    user: Option<UserId>,
    now: At,
) -> Result<(), DbError> {
    let known = orders::queries::find_external_id(conn, shop.channel, order)?;
    file(conn, shop, (order, known), Whole::WhereOutdated, user, now)
}

/// As [`enqueue`], for an order that has just been booked.
///
/// # Errors
///
/// The database's.
pub(crate) fn enqueue_booked(
    conn: &mut DbConnection,
    shop: &Shop,
    (order, id): (&str, OrderId),
    now: At,
) -> Result<(), DbError> {
    file(
        conn,
        shop,
        (order, Some(id)),
        Whole::WhereOutdated,
        None,
        now,
    )
}

/// As [`enqueue`], and the order is read whole: a person wants it, or two contents of one version came.
///
/// # Errors
///
/// The database's.
pub fn enqueue_whole(
    conn: &mut DbConnection,
    shop: &Shop,
    order: &str,
    user: Option<UserId>,
    now: At,
) -> Result<(), DbError> {
    let known = orders::queries::find_external_id(conn, shop.channel, order)?;
    file(conn, shop, (order, known), Whole::Always, user, now)
}

fn file(
    conn: &mut DbConnection,
    shop: &Shop,
    (order, known): (&str, Option<OrderId>),
    whole: Whole,
    user: Option<UserId>,
    now: At,
) -> Result<(), DbError> {
    let job = EnrichOrder {
        shop: shop.id,
        order: order.to_owned(),
        whole,
    };
    jobs::enqueue(conn, &job, &filing(shop, known, user), now)?;
    Ok(())
}

/// An order that is to be asked about.
pub(crate) struct ToAsk<'a> {
    /// The number of its gid, and our id.
    pub(crate) order: &'a str,
    pub(crate) known: OrderId,
    pub(crate) whole: Whole,
    /// The delivery that it goes back to.
    pub(crate) delivery: Option<String>,
}

/// As [`enqueue`], for orders that have just been booked: one statement for all.
///
/// # Errors
///
/// The database's.
pub(crate) fn enqueue_all(
    conn: &mut DbConnection,
    shop: &Shop,
    questions: &[ToAsk<'_>],
    now: At,
) -> Result<(), DbError> {
    let filed: Vec<(EnrichOrder, Filing, Option<String>)> = questions
        .iter()
        .map(|question| {
            let job = EnrichOrder {
                shop: shop.id,
                order: question.order.to_owned(),
                whole: question.whole,
            };
            let filing = filing(shop, Some(question.known), None);
            (job, filing, question.delivery.clone())
        })
        .collect();
    jobs::enqueue_all(conn, &filed, now)
}

/// As [`enqueue`], for an order that was fetched by a comparison or a backfill and that nobody has asked about since
/// it changed. What was over before the store was connected is left as it was.
///
/// # Errors
///
/// The database's.
pub(crate) fn enqueue_fetched(
    conn: &mut DbConnection,
    shop: &Shop,
    order: &str,
    now: At,
) -> Result<(), DbError> {
    let Some(row) = orders::queries::find_external(conn, shop.channel, order)? else {
        return Ok(());
    };
    let is_over = WorkState::CLOSED.contains(&row.work_state)
        || WorkState::GONE.contains(&row.work_state)
        || row.work_state == WorkState::NothingToShip;
    if is_over && row.facts.source_updated_at < shop.installed_at {
        return Ok(());
    }
    let asked = orders::queries::checks::find(conn, row.id)?;
    if asked.is_none_or(|check| check.checked_at < row.facts.source_updated_at) {
        enqueue_booked(conn, shop, (order, row.id), now)?;
    }
    Ok(())
}

/// As [`enqueue`], for the order of a fulfillment order. Most webhooks name no order: the mirror knows it, or
/// Shopify is asked.
///
/// # Errors
///
/// The database's.
pub fn enqueue_for(
    conn: &mut DbConnection,
    shop: &Shop,
    fulfillment_order: Gid<FulfillmentOrder>,
    now: At,
) -> Result<(), DbError> {
    if let Some(order) = queries::find_order_of(conn, shop.id, &fulfillment_order.digits())? {
        return enqueue(conn, shop, &order, None, now);
    }
    let job = FindOrder {
        shop: shop.id,
        fulfillment_order: fulfillment_order.digits(),
    };
    jobs::enqueue(conn, &job, &filing(shop, None, None), now)?;
    Ok(())
}

/// An order's fulfillment orders as Shopify has them now; `None` where it has no such order.
///
/// # Errors
///
/// The call's.
pub(crate) async fn fetch_orders(
    cx: &Connector,
    shop: ShopId,
    order: &str,
) -> Result<Option<Vec<mirror::FulfillmentOrder>>, ShopifyError> {
    let answer = fetch::order(cx, shop, order).await?;
    Ok(answer.and_then(|answer| answer.fulfillment_orders))
}

fn filing(shop: &Shop, order: Option<OrderId>, user: Option<UserId>) -> Filing {
    Filing {
        shop_domain: Some(shop.domain.to_string()),
        subject: order.map(|order| format!("order/{order}")),
        user,
        ..Filing::default()
    }
}

impl Job for EnrichOrder {
    const KIND: &'static str = "shopify.enrich_order";
    // Each new order files one: pushes must find room beside a flash sale.
    const AT_ONCE: usize = 4;
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        let whole = match self.whole {
            Whole::WhereOutdated => "",
            Whole::Always => "/whole",
        };
        Some(format!("{}/{}{whole}", self.shop, self.order))
    }

    // An older answer must not come after a newer one.
    fn key(&self) -> Option<String> {
        Some(format!("shop/{}/enrich/{}", self.shop, self.order))
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        let question = Question {
            cx: &cx,
            shop: self.shop,
            order: self.order,
            whole: self.whole,
            job: run.job,
        };
        question.ask().await
    }
}

/// One question about one order.
struct Question<'a> {
    cx: &'a Connector,
    shop: ShopId,
    order: String,
    whole: Whole,
    job: JobId,
}

impl Question<'_> {
    async fn ask(self) -> Outcome {
        let shop = match living(self.cx, self.shop).await {
            Ok(shop) => shop,
            Err(outcome) => return outcome,
        };
        let job = self.job;
        // What changes from here on is another job's: this one may have its answer already.
        let freed: Result<(), DbError> = self
            .cx
            .db
            .write(move |conn| job_rows::free_dedupe_key(conn, job))
            .await;
        if let Err(error) = freed {
            return Outcome::retry(error.to_string());
        }
        match self.read(&shop).await {
            Ok(Some((answer, fetched))) => self.keep(shop, answer, fetched).await,
            Ok(None) => self.gone(shop).await,
            // The card of the store says which scope is missing: what cannot be seen holds nothing up.
            Err(ShopifyError::AccessDenied { .. }) => {
                self.keep(shop, Answer::default(), None).await
            }
            Err(error) => outcome_of(self.shop, &error),
        }
    }

    async fn read(&self, shop: &Shop) -> Result<Option<(Answer, Option<Fetched>)>, ShopifyError> {
        let Some(answer) = fetch::order(self.cx, self.shop, &self.order).await? else {
            return Ok(None);
        };
        let (channel, order) = (shop.channel, self.order.clone());
        let known = self
            .cx
            .db
            .read(move |conn| known(conn, channel, &order))
            .await
            .map_err(|error: DbError| ShopifyError::Unexpected(error.to_string()))?;
        let is_current = known.is_some_and(|ours| answer.updated_at.is_none_or(|at| at <= ours));
        if is_current && self.whole == Whole::WhereOutdated {
            return Ok(Some((answer, None)));
        }
        let whole = fetch_whole::whole(self.cx, self.shop, Haste::Now, &self.order).await?;
        Ok(whole.map(|fetched| (answer, Some(fetched))))
    }

    /// The store shows no such order. It is believed to be deleted only where it was there before, and is asked for
    /// once more; else the order says so and waits for a person.
    async fn gone(self, shop: Shop) -> Outcome {
        let now = self.cx.clock.now();
        let looked = self
            .cx
            .db
            .write(move |conn| -> Result<(), DbError> {
                let known = orders::queries::find_external_id(conn, shop.channel, &self.order)?;
                let Some(order) = known else { return Ok(()) };
                if orders::queries::checks::find(conn, order)?.is_none() {
                    return Ok(());
                }
                let job = CheckDeleted {
                    shop: shop.id,
                    record: Record::Order,
                    external_id: self.order,
                    event: None,
                };
                jobs::enqueue(conn, &job, &filing(&shop, Some(order), None), now)?;
                Ok(())
            })
            .await;
        match looked {
            Ok(()) => Outcome::nothing_to_do("the store shows no such order"),
            Err(error) => Outcome::retry(error.to_string()),
        }
    }

    async fn keep(self, shop: Shop, answer: Answer, fetched: Option<Fetched>) -> Outcome {
        let (now, actor) = (
            self.cx.clock.now(),
            Actor::source(format!("job:{}", self.job)),
        );
        let kept = self
            .cx
            .db
            .write(move |conn| {
                let told = (&answer, fetched.as_ref());
                keep(conn, &shop, &self.order, told, &actor, now)
            })
            .await;
        match kept {
            Ok(outcome) => outcome,
            Err(OrderError::Db(error)) => Outcome::retry(error.to_string()),
            Err(
                error @ (OrderError::NotFound(_)
                | OrderError::Changed
                | OrderError::NoSuchHold
                | OrderError::Quantity
                | OrderError::Stock(_)),
            ) => Outcome::dead(error.to_string()),
        }
    }
}

/// The version of an order that was read whole before; `None` where it has to be.
fn known(
    conn: &mut DbConnection,
    channel: ChannelId,
    external_id: &str,
) -> Result<Option<At>, DbError> {
    let Some(row) = orders::queries::find_external(conn, channel, external_id)? else {
        return Ok(None);
    };
    let was_read = orders::queries::amounts::has_source(conn, row.id, Shape::Graphql)?;
    Ok(was_read.then_some(row.facts.source_updated_at))
}

/// Keeps an answer: first what has left, so that its stock goes with it, then the order, then how it stands.
fn keep(
    conn: &mut DbConnection,
    shop: &Shop,
    external_id: &str,
    (answer, fetched): (&Answer, Option<&Fetched>),
    actor: &Actor,
    now: At,
) -> Result<Outcome, OrderError> {
    let told = (Told::All, answer.fulfillments.as_slice());
    if let Some(order) = orders::queries::find_external_id(conn, shop.channel, external_id)? {
        outside::receive(conn, shop, (order, external_id), told, actor, now)?;
    }
    if let Some(fetched) = fetched {
        let outcome = book_fetched(conn, shop, fetched, "Order", now)?;
        if matches!(outcome, Outcome::Dead { .. }) {
            return Ok(outcome);
        }
    }
    let Some(order) = orders::queries::find_external_id(conn, shop.channel, external_id)? else {
        return Ok(Outcome::nothing_to_do("nothing here knows this order"));
    };
    outside::receive(conn, shop, (order, external_id), told, actor, now)?;
    let mut check = Check {
        asked: true,
        risk: answer.risk,
        ..Check::default()
    };
    if let Some(fulfillment_orders) = &answer.fulfillment_orders {
        mirror::store(conn, shop.id, order, fulfillment_orders, now)?;
        let places = assignment::places(conn, shop.id)?;
        check.handover = assignment::handover(fulfillment_orders);
        // Without the scopes Shopify shows none: then nothing is said.
        check.assignment = (!fulfillment_orders.is_empty())
            .then(|| assignment::assign(fulfillment_orders, &places));
        holding::follow(conn, order, fulfillment_orders, &places, now)?;
    }
    let assigned = check.assignment.as_ref();
    if let Some(at) = assigned.and_then(|assignment| assignment.scheduled_for) {
        let job = LookAgain {
            shop: shop.id,
            order: external_id.to_owned(),
            at,
        };
        let filing = Filing {
            delay: at.since(now),
            ..filing(shop, Some(order), None)
        };
        if at > now {
            jobs::enqueue(conn, &job, &filing, now)?;
        }
    }
    checks::checked(conn, order, &check, actor, now)?;
    Ok(Outcome::Done)
}

/// How many orders are decided anew in one transaction.
const REASSIGNED_AT_ONCE: i64 = 25;

impl Job for ReassignOrders {
    const KIND: &'static str = "shopify.reassign_orders";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.shop.to_string())
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        let (shop, job) = (self.shop, run.job);
        let mut after = OrderId(0);
        loop {
            let now = cx.clock.now();
            let actor = Actor::source(format!("job:{job}"));
            let done = cx
                .db
                .write(move |conn| reassign(conn, shop, after, &actor, now))
                .await;
            match done {
                Ok(Some(last)) => after = last,
                Ok(None) => return Outcome::Done,
                Err(error) => return Outcome::retry(error.to_string()),
            }
        }
    }
}

/// Decides a few orders anew; gives the last of them, `None` where there was none.
fn reassign(
    conn: &mut DbConnection,
    shop: ShopId,
    after: OrderId,
    actor: &Actor,
    now: At,
) -> Result<Option<OrderId>, OrderError> {
    let places = assignment::places(conn, shop)?;
    let orders = queries::list_open_orders(conn, shop, after, REASSIGNED_AT_ONCE)?;
    for order in &orders {
        let known = queries::list(conn, *order)?;
        let check = Check {
            asked: false,
            risk: None,
            handover: assignment::handover(&known),
            assignment: Some(assignment::assign(&known, &places)),
        };
        checks::checked(conn, *order, &check, actor, now)?;
    }
    Ok(orders.last().copied())
}

impl Job for LookAgain {
    const KIND: &'static str = "shopify.look_again";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(format!("{}/{}/{}", self.shop, self.order, self.at.0))
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        let shop = match living(&cx, self.shop).await {
            Ok(shop) => shop,
            Err(outcome) => return outcome,
        };
        let now = cx.clock.now();
        let filed: Result<(), DbError> = cx
            .db
            .write(move |conn| enqueue(conn, &shop, &self.order, None, now))
            .await;
        match filed {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::retry(error.to_string()),
        }
    }
}

impl Job for FindOrder {
    const KIND: &'static str = "shopify.find_order";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(format!("{}/{}", self.shop, self.fulfillment_order))
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        let shop = match living(&cx, self.shop).await {
            Ok(shop) => shop,
            Err(outcome) => return outcome,
        };
        let order = match fetch::owner(&cx, self.shop, &self.fulfillment_order).await {
            Ok(Some(order)) => order,
            Ok(None) => {
                return Outcome::nothing_to_do("the store shows no such fulfillment order");
            }
            Err(error) => return outcome_of(self.shop, &error),
        };
        let now = cx.clock.now();
        let filed: Result<(), DbError> = cx
            .db
            .write(move |conn| enqueue(conn, &shop, &order.digits(), None, now))
            .await;
        match filed {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::retry(error.to_string()),
        }
    }
}
