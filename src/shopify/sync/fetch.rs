//! Fetches whole orders and books them by the road that webhooks take.
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing, Job, Run};
use crate::platform::queue::Outcome;
use crate::shopify::apply::fetched::apply_fetched;
use crate::shopify::deletions::{CheckDeleted, Record};
use crate::shopify::jobs::living;
use crate::shopify::orders::fetch::{Fetched, whole};
use crate::shopify::personal_data::without_quotes;
use crate::shopify::shops::Shop;
use crate::shopify::sync::compare::Difference;
use crate::shopify::sync::queries::gaps as gap_rows;
use crate::shopify::sync::runs::RunError;
use crate::shopify::sync::{GapKind, gaps};
use crate::shopify::{Connector, Haste, outcome_of};
use crate::types::{At, ShopId};

/// Fetches one order that is not here as the store has it.
#[derive(Debug, Serialize, Deserialize)]
pub struct FetchOrder {
    pub shop: ShopId,
    /// The number of its gid.
    pub order: String,
}

impl Job for FetchOrder {
    const KIND: &'static str = "shopify.fetch_order";
    // After an outage there are many: pushes must find room beside them.
    const AT_ONCE: usize = 2;
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(format!("{}/{}", self.shop, self.order))
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        let shop = match living(&cx, self.shop).await {
            Ok(shop) => shop,
            Err(outcome) => return outcome,
        };
        match bring(&cx, &shop, &self.order).await {
            Ok(Brought::Booked) => Outcome::Done,
            Ok(Brought::NotShown) => Outcome::nothing_to_do("the store shows no such order"),
            // The difference stays open and says why; its age is the alert.
            Ok(Brought::Refused(reason)) => Outcome::nothing_to_do(reason),
            Err(RunError::Call(error)) => outcome_of(self.shop, &error),
            Err(RunError::Db(error)) => Outcome::retry(error.to_string()),
            Err(RunError::Hopeless(reason)) => Outcome::dead(reason),
        }
    }
}

/// What became of an order that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Brought {
    /// It is here as the store has it.
    Booked,
    /// The store does not show it: deleted, or too old.
    NotShown,
    /// It cannot be read or booked, and why.
    Refused(String),
}

/// Has each of these orders fetched.
pub(super) fn hand_over(
    conn: &mut DbConnection,
    shop: &Shop,
    found: &[Difference],
    now: At,
) -> Result<(), DbError> {
    for one in found {
        match one.kind {
            GapKind::Missing | GapKind::Outdated => {
                let job = FetchOrder {
                    shop: shop.id,
                    order: one.id.clone(),
                };
                jobs::enqueue(conn, &job, &filing(shop), now)?;
            }
            // The API is asked about it by itself.
            GapKind::Gone => {}
        }
    }
    Ok(())
}

/// Fetches one order and books it.
pub(super) async fn bring(cx: &Connector, shop: &Shop, id: &str) -> Result<Brought, RunError> {
    let fetched = whole(cx, shop.id, Haste::Patient, id).await?;
    let (of, order, now) = (shop.clone(), id.to_owned(), cx.clock.now());
    let Some(fetched) = fetched else {
        let not_shown = move |conn: &mut DbConnection| not_shown(conn, &of, &order, now);
        cx.db.write(not_shown).await?;
        return Ok(Brought::NotShown);
    };
    let brought = cx
        .db
        .write(move |conn| {
            let brought = book(conn, &of, &order, &fetched, now)?;
            gaps::heal(conn, &of, now)?;
            Ok::<_, DbError>(brought)
        })
        .await?;
    Ok(brought)
}

/// Books an order that was asked for, or says at its difference why it stays.
pub(super) fn book(
    conn: &mut DbConnection,
    shop: &Shop,
    id: &str,
    fetched: &Fetched,
    now: At,
) -> Result<Brought, DbError> {
    match apply_fetched(conn, shop, fetched, "reconciliation", now)? {
        Outcome::Dead { reason } | Outcome::Retry { reason, .. } => {
            // What a reason quotes may be a person's.
            let reason = without_quotes(&reason);
            gap_rows::set_reason(conn, shop.id, id, &reason)?;
            Ok(Brought::Refused(reason))
        }
        Outcome::Done
        | Outcome::NothingToDo { .. }
        | Outcome::Superseded
        | Outcome::WaitFor { .. } => Ok(Brought::Booked),
    }
}

/// What is here and no more there is asked about by itself; what is in neither is no difference.
fn not_shown(conn: &mut DbConnection, shop: &Shop, id: &str, now: At) -> Result<(), DbError> {
    let known = crate::erp::orders::queries::find_external(conn, shop.channel, id)?;
    if known.is_some() {
        let job = CheckDeleted {
            shop: shop.id,
            record: Record::Order,
            external_id: id.to_owned(),
            event: None,
        };
        jobs::enqueue(conn, &job, &filing(shop), now)?;
        return Ok(());
    }
    let open = gap_rows::list_open_of(conn, shop.id, id, GapKind::Missing)?;
    gap_rows::mark_healed(conn, &open, now)
}

fn filing(shop: &Shop) -> Filing {
    Filing {
        shop_domain: Some(shop.domain.to_string()),
        ..Filing::default()
    }
}
