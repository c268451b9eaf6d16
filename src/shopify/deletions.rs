//! A store says that it has deleted a record: the API is asked before anything is believed.
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::erp::orders::{self, OrderError};
use crate::erp::timeline::Actor;
use crate::platform::jobs::{Job, Run};
use crate::platform::queue::Outcome;
use crate::shopify::client::ShopifyError;
use crate::shopify::gid::{self, Gid};
use crate::shopify::graphql::{CustomerExists, OrderExists, customer_exists, order_exists};
use crate::shopify::jobs::living;
use crate::shopify::shops::Shop;
use crate::shopify::{Connector, Haste, customers, outcome_of};
use crate::types::{EventId, ShopId};

/// Without this scope the API shows no order that is older than [`SHOWN`]: that one is gone says nothing.
const ALL_ORDERS: &str = "read_all_orders";
const SHOWN: Duration = Duration::from_secs(59 * 86_400);

/// What may have been deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    Order,
    Customer,
}

/// Asks whether a record is gone, and remembers it.
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckDeleted {
    pub shop: ShopId,
    pub record: Record,
    /// The number of its gid.
    pub external_id: String,
    /// The event that said so; `None` where the store was asked and had it no longer.
    pub event: Option<EventId>,
}

impl Job for CheckDeleted {
    const KIND: &'static str = "shopify.check_deleted";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        let record = match self.record {
            Record::Order => "order",
            Record::Customer => "customer",
        };
        Some(format!("{}/{record}/{}", self.shop, self.external_id))
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        let shop = match living(&cx, self.shop).await {
            Ok(shop) => shop,
            Err(outcome) => return outcome,
        };
        match is_there(&cx, &self).await {
            Ok(true) => Outcome::nothing_to_do("the store still has it"),
            Ok(false) => self.remember(&cx, shop).await,
            Err(error) => outcome_of(self.shop, &error),
        }
    }
}

async fn is_there(cx: &Connector, job: &CheckDeleted) -> Result<bool, ShopifyError> {
    let no_number = || ShopifyError::Unexpected("the record's id is not a number".to_owned());
    match job.record {
        Record::Order => {
            let id = Gid::<gid::Order>::from_digits(&job.external_id).ok_or_else(no_number)?;
            let variables = order_exists::Variables { id: id.to_string() };
            let answer = cx
                .call::<OrderExists>(job.shop, Haste::Now, variables)
                .await?;
            Ok(answer.data.order.is_some())
        }
        Record::Customer => {
            let id = Gid::<gid::Customer>::from_digits(&job.external_id).ok_or_else(no_number)?;
            let variables = customer_exists::Variables { id: id.to_string() };
            let answer = cx
                .call::<CustomerExists>(job.shop, Haste::Now, variables)
                .await?;
            Ok(answer.data.customer.is_some())
        }
    }
}

impl CheckDeleted {
    async fn remember(self, cx: &Connector, shop: Shop) -> Outcome {
        let now = cx.clock.now();
        let written = cx
            .db
            .write(move |conn| match self.record {
                Record::Customer => {
                    customers::delete(conn, shop.id, &self.external_id, now)?;
                    Ok(Outcome::Done)
                }
                Record::Order => {
                    let id = &self.external_id;
                    let known = orders::queries::find_external(conn, shop.channel, id)?;
                    let is_hidden =
                        known.is_some_and(|order| now.since(order.facts.placed_at) > SHOWN);
                    if is_hidden && !shop.scopes.covers(ALL_ORDERS) {
                        return Ok(Outcome::nothing_to_do(
                            "the store shows this app no order this old: whether it is gone cannot be asked",
                        ));
                    }
                    let actor = match self.event {
                        Some(event) => Actor::source(format!("event:{event}")),
                        None => Actor::source("check"),
                    };
                    orders::delete_from_channel(conn, shop.channel, id, &actor, now)?;
                    Ok::<Outcome, OrderError>(Outcome::Done)
                }
            })
            .await;
        match written {
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
