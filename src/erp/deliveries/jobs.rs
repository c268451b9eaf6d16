//! What follows the change of a store's rule: its open orders, a few at a time, so that others can write too.
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::follow::follow;
use super::queries::rules;
use crate::erp::timeline::Actor;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::platform::jobs::{self, Registry, Run};
use crate::platform::queue::Outcome;
use crate::types::{ChannelId, OrderId};

/// Orders in one transaction.
const BATCH: i64 = 100;

/// What the job needs.
#[derive(Clone)]
pub struct Rounds {
    pub db: Db,
    pub clock: Clock,
}

/// Makes the job known.
pub fn register(registry: &mut Registry, cx: &Arc<Rounds>) {
    registry.register::<FollowRule>(cx);
}

/// Brings the deliveries of a channel's open orders to where its rule wants them; again changes nothing.
#[derive(Debug, Serialize, Deserialize)]
pub struct FollowRule {
    pub channel: ChannelId,
}

impl jobs::Job for FollowRule {
    const KIND: &'static str = "erp.follow_delivery_rule";
    type Context = Rounds;

    // A rule that is changed while one runs is followed by another, after it.
    fn key(&self) -> Option<String> {
        Some(format!("delivery-rule/{}", self.channel))
    }

    async fn run(self, cx: Arc<Rounds>, _run: Run) -> Outcome {
        match self.round(&cx).await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::retry(error.to_string()),
        }
    }
}

impl FollowRule {
    async fn round(&self, cx: &Rounds) -> Result<(), DbError> {
        let (channel, mut after) = (self.channel, OrderId(0));
        loop {
            let now = cx.clock.now();
            let last = cx
                .db
                .write(move |conn| -> Result<_, DbError> {
                    let orders = rules::list_concerned(conn, channel, after, BATCH)?;
                    follow(conn, &orders, &Actor::source("rule"), now)?;
                    Ok(orders.last().copied())
                })
                .await?;
            match last {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }
}
