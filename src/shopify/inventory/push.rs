//! Tells a store what may be offered: one job a store, which gathers the marks, reads where it must, and sets up to 250
//! numbers a call.
//!
//! A call is kept with its key before it is sent. When its answer is lost it is sent again as it was, and Shopify, which
//! knows the key, does not do it twice.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Settings;
use super::gather::gather;
use super::plan::{Plan, Quantity, keep, plan};
use super::queries::calls::{self, CallRow};
use super::queries::levels::{self, Found};
use super::queries::{self, marks};
use super::read;
use super::verdict::{BadRow, Verdict};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Job, Run};
use crate::platform::queue::Outcome;
use crate::shopify::client::ShopifyError;
use crate::shopify::gid;
use crate::shopify::graphql::{InventorySetQuantities, inventory_set_quantities as payload};
use crate::shopify::jobs::living;
use crate::shopify::shops::Shop;
use crate::shopify::{Connector, Haste, outcome_of, scopes_cause};
use crate::types::ShopId;

/// Shopify takes no more numbers in one call.
pub const LARGEST_CALL: usize = 250;
const SCOPES: &[&str] = &["read_inventory", "write_inventory"];
/// Steps of one run; what is left is the next one's.
const MOST_STEPS: usize = 40;
/// Shopify knows a key for a day.
const KEY_LIVES: Duration = Duration::from_secs(23 * 3600);
/// Another call with the same key is still being carried out.
const CONCURRENT: Duration = Duration::from_secs(2);

/// Looks at everything of a store that was marked.
#[derive(Debug, Serialize, Deserialize)]
pub struct PushStock {
    pub shop: ShopId,
}

impl Job for PushStock {
    const KIND: &'static str = "shopify.push_stock";
    const IS_PUSH: bool = true;
    type Context = Connector;

    /// Freed when it begins: what is marked after that is another job's.
    fn dedupe_key(&self) -> Option<String> {
        Some(self.shop.to_string())
    }

    fn key(&self) -> Option<String> {
        Some(format!("shop/{}/stock", self.shop))
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        match work(cx, self.shop, &run).await {
            Ok(outcome) | Err(outcome) => outcome,
        }
    }
}

struct Work {
    cx: Arc<Connector>,
    shop: Shop,
    settings: Settings,
    /// Numbers of the next call: fewer while Shopify refuses one and does not say which.
    limit: usize,
}

async fn work(cx: Arc<Connector>, shop: ShopId, run: &Run) -> Result<Outcome, Outcome> {
    let shop = living(&cx, shop).await?;
    let (job, id) = (run.job, shop.id);
    // Before its key is freed: of the jobs that wait for this there is one.
    if let Some(scope) = SCOPES.iter().find(|scope| !shop.scopes.covers(scope)) {
        return Err(Outcome::WaitFor {
            cause: scopes_cause(id),
            reason: format!("the store has not granted {scope}"),
        });
    }
    // In a transaction of its own: only once that is committed may the marks be read.
    write(&cx, move |conn| jobs::queries::free_dedupe_key(conn, job)).await?;
    let settings = write(&cx, move |conn| queries::find_settings(conn, id)).await?;
    if !settings.is_on {
        write(&cx, move |conn| marks::delete_all(conn, id)).await?;
        return Ok(Outcome::nothing_to_do(
            "the store does not follow our stock",
        ));
    }
    let mut work = Work {
        cx,
        shop,
        settings,
        limit: LARGEST_CALL,
    };
    for _ in 0..MOST_STEPS {
        if let Some(call) = write(&work.cx, move |conn| calls::find_open(conn, id)).await? {
            work.send(call).await?;
            continue;
        }
        while gather_some(&work).await? {}
        match work.plan().await? {
            Plan::Idle => return work.end(false).await,
            Plan::Settled | Plan::Call => {}
            Plan::Read(rows) => work.read(rows).await?,
        }
    }
    work.end(true).await
}

async fn gather_some(work: &Work) -> Result<bool, Outcome> {
    let (shop, now) = (work.shop.clone(), work.cx.clock.now());
    write(&work.cx, move |conn| gather(conn, &shop, now)).await
}

impl Work {
    async fn plan(&self) -> Result<Plan, Outcome> {
        let (shop, settings, limit) = (self.shop.clone(), self.settings, self.limit);
        let now = self.cx.clock.now();
        write(&self.cx, move |conn| {
            plan(conn, &shop, settings, limit, now)
        })
        .await
    }

    async fn read(&self, rows: Vec<Found>) -> Result<(), Outcome> {
        let mut places: BTreeMap<String, Vec<Found>> = BTreeMap::new();
        for found in rows {
            let place = found.address.place.clone();
            places.entry(place).or_default().push(found);
        }
        for (place, rows) in places {
            let items: Vec<String> = rows
                .iter()
                .filter_map(|found| found.address.item.clone())
                .collect();
            let asked_at = self.cx.clock.now();
            let seen = read::fetch(&self.cx, self.shop.id, Haste::Soon, (&place, &items))
                .await
                .map_err(|error| outcome_of(self.shop.id, &error))?;
            let (shop, now) = (self.shop.clone(), self.cx.clock.now());
            write(&self.cx, move |conn| {
                keep(conn, &shop, &rows, &seen, asked_at, now)
            })
            .await?;
        }
        Ok(())
    }

    async fn send(&mut self, call: CallRow) -> Result<(), Outcome> {
        let Ok(quantities) = serde_json::from_str::<Vec<Quantity>>(&call.quantities) else {
            return self.give_up(&call, &[], "it cannot be read").await;
        };
        if self.cx.clock.now().since(call.made_at) > KEY_LIVES {
            let why = "Shopify may have forgotten its key";
            return self.give_up(&call, &quantities, why).await;
        }
        let variables = variables(&call, &quantities);
        let answer = self
            .cx
            .call::<InventorySetQuantities>(self.shop.id, Haste::Soon, variables)
            .await;
        match answer {
            Ok(answer) => {
                let Some(payload) = answer.data.inventory_set_quantities else {
                    return Err(Outcome::retry(
                        "the answer holds neither a result nor an error",
                    ));
                };
                if payload.user_errors.is_empty() {
                    self.limit = LARGEST_CALL;
                    return self.succeed(&call, quantities, answer.request_id).await;
                }
                let verdict = Verdict::of(payload.user_errors, quantities.len());
                self.refused(&call, &quantities, verdict).await
            }
            Err(ShopifyError::Rejected { messages }) => {
                let words = messages.join("; ");
                self.give_up(&call, &quantities, &words).await?;
                if words.contains("IDEMPOTENCY") {
                    return Ok(());
                }
                Err(Outcome::dead(format!(
                    "Shopify refused the request: {words}"
                )))
            }
            // The call stays open: the next try is the same call.
            Err(error) => Err(outcome_of(self.shop.id, &error)),
        }
    }

    async fn succeed(
        &self,
        call: &CallRow,
        quantities: Vec<Quantity>,
        request_id: Option<String>,
    ) -> Result<(), Outcome> {
        let (id, now) = (call.id, self.cx.clock.now());
        write(&self.cx, move |conn| {
            for one in &quantities {
                levels::mark_pushed(conn, one.level, one.to, now)?;
            }
            calls::mark_finished(conn, id, (request_id.as_deref(), None), now)
        })
        .await
    }

    /// What it was about is read again and decided anew.
    async fn give_up(
        &self,
        call: &CallRow,
        quantities: &[Quantity],
        why: &str,
    ) -> Result<(), Outcome> {
        let (id, now, why) = (call.id, self.cx.clock.now(), why.to_owned());
        let rows: Vec<i64> = quantities.iter().map(|one| one.level).collect();
        write(&self.cx, move |conn| {
            for row in rows {
                levels::postpone(conn, row, now, true)?;
            }
            calls::mark_finished(conn, id, (None, Some(&why)), now)
        })
        .await
    }

    async fn refused(
        &mut self,
        call: &CallRow,
        quantities: &[Quantity],
        verdict: Verdict,
    ) -> Result<(), Outcome> {
        let bad = match verdict {
            Verdict::SameAgain(words) => {
                return Err(Outcome::Retry {
                    after: Some(CONCURRENT),
                    reason: words,
                });
            }
            Verdict::Anew(words) => return self.give_up(call, quantities, &words).await,
            Verdict::Ours(words) => {
                self.give_up(call, quantities, &words).await?;
                return Err(Outcome::dead(words));
            }
            Verdict::Somewhere(words) => {
                // One of them is refused and Shopify does not say which: half of them is asked next.
                self.limit = (quantities.len() / 2).max(1);
                let (id, now) = (call.id, self.cx.clock.now());
                return write(&self.cx, move |conn| {
                    calls::mark_finished(conn, id, (None, Some(&words)), now)
                })
                .await;
            }
            Verdict::Rows(bad) => bad,
        };
        self.limit = LARGEST_CALL;
        let (id, now) = (call.id, self.cx.clock.now());
        let words = bad.iter().map(|one| one.words.clone()).collect::<Vec<_>>();
        let words = words.join("; ");
        let rows: Vec<(i64, BadRow)> = bad
            .into_iter()
            .filter_map(|bad| Some((quantities.get(bad.index)?.level, bad)))
            .collect();
        write(&self.cx, move |conn| {
            for (row, bad) in &rows {
                if bad.is_stale {
                    // It changed there meanwhile: what that was may be on its way to us.
                    levels::postpone(conn, *row, now, true)?;
                } else {
                    levels::mark_refused(conn, *row, &bad.words, now)?;
                }
            }
            calls::mark_finished(conn, id, (None, Some(&words)), now)
        })
        .await
    }

    /// Has what is due later looked at later; at once where this run has only done its share.
    async fn end(&self, is_more: bool) -> Result<Outcome, Outcome> {
        let (shop, now) = (self.shop.clone(), self.cx.clock.now());
        write(&self.cx, move |conn| {
            let next = if is_more {
                Some(Duration::ZERO)
            } else {
                let due = levels::next_due(conn, shop.id)?;
                due.map(|at| at.since(now).max(Duration::from_secs(1)))
            };
            match next {
                Some(delay) => super::file(conn, shop.id, shop.domain.as_str(), delay, now),
                None => Ok(()),
            }
        })
        .await?;
        Ok(Outcome::Done)
    }
}

fn variables(call: &CallRow, quantities: &[Quantity]) -> payload::Variables {
    payload::Variables {
        key: call.idempotency_key.clone(),
        input: payload::InventorySetQuantitiesInput {
            name: "available".to_owned(),
            reason: "correction".to_owned(),
            reference_document_uri: Some(format!("gid://counterfoil/InventoryCall/{}", call.id)),
            quantities: quantities
                .iter()
                .map(|one| payload::InventoryQuantityInput {
                    inventory_item_id: read::gid_of::<gid::InventoryItem>(&one.item),
                    location_id: read::gid_of::<gid::Location>(&one.place),
                    quantity: one.to,
                    // Always compared: a number that is another by now is never overwritten unseen.
                    change_from_quantity: Some(one.from),
                })
                .collect(),
        },
    }
}

async fn write<T: Send + 'static>(
    cx: &Connector,
    work: impl FnOnce(&mut DbConnection) -> Result<T, DbError> + Send + 'static,
) -> Result<T, Outcome> {
    cx.db
        .write(work)
        .await
        .map_err(|error: DbError| Outcome::retry(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::At;

    #[test]
    fn a_number_is_never_set_without_being_compared() {
        let call = CallRow {
            id: 1,
            idempotency_key: "key".to_owned(),
            quantities: String::new(),
            made_at: At(0),
        };
        let one = Quantity {
            level: 1,
            item: "7".to_owned(),
            place: "8".to_owned(),
            from: 0,
            to: 3,
        };
        let sent = serde_json::to_value(variables(&call, &[one])).expect("JSON");
        let quantity = &sent["input"]["quantities"][0];
        assert_eq!(quantity["changeFromQuantity"], 0);
        assert_eq!(quantity["inventoryItemId"], "gid://shopify/InventoryItem/7");
    }
}
