//! Holds of ours, placed in Shopify too, so that nobody ships there what is held here.
//!
//! One job makes both sides agree: it reads the order's holds, places what is missing and releases what is over, by
//! its id and never all of them. A call whose answer was lost is found by its handle when the job runs again.
mod queries;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::erp::holds::{HoldKind, queries as holds};
use crate::erp::timeline::{self, Actor, Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing, Job, Run, queries as job_rows};
use crate::platform::queue::Outcome;
use crate::shopify::client::ShopifyError;
use crate::shopify::enrich;
use crate::shopify::enrich::assignment::{self, HANDLE, Places, Whose, whose};
use crate::shopify::enrich::mirror::FulfillmentOrder;
use crate::shopify::fulfillments::queries::{Origin, find_origin};
use crate::shopify::gid::{self, Gid};
use crate::shopify::graphql::{
    FulfillmentOrderHold, FulfillmentOrderReleaseHold, fulfillment_order_hold as place,
    fulfillment_order_release_hold as release,
};
use crate::shopify::shops;
use crate::shopify::{Connector, Haste, outcome_of};
use crate::types::{At, OrderId};

use queries::HoldState;

/// Makes an order's holds in Shopify agree with ours.
#[derive(Debug, Serialize, Deserialize)]
pub struct SyncHolds {
    pub order: OrderId,
    /// Orders of one shop are told in order: `shop/order/1001`.
    pub key: String,
}

/// A hold of ours as it is open here.
#[derive(Clone, Debug)]
struct Ours {
    id: i64,
    note: Option<String>,
}

/// What is to be done at Shopify.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Place the hold on this fulfillment order.
    Place(String),
    /// It stands there already: remember its id.
    Keep { order: String, hold: String },
    /// Release this hold of this fulfillment order; the number is that of ours.
    Release {
        order: String,
        hold: String,
        ours: i64,
    },
}

/// Files the job, where the store is told of holds.
///
/// # Errors
///
/// The database's.
pub fn enqueue(conn: &mut DbConnection, order: OrderId, now: At) -> Result<(), DbError> {
    let Some(origin) = find_origin(conn, order)? else {
        return Ok(());
    };
    let Some(shop) = shops::queries::find(conn, origin.shop)?.filter(|shop| shop.tell_holds) else {
        return Ok(());
    };
    let job = SyncHolds {
        order,
        key: format!("{}/order/{}", shop.domain, origin.order_external_id),
    };
    let filing = Filing {
        shop_domain: Some(shop.domain.to_string()),
        subject: Some(format!("order/{order}")),
        ..Filing::default()
    };
    jobs::enqueue(conn, &job, &filing, now)?;
    Ok(())
}

/// Files the job where a fulfillment order came that does not know our hold yet, or one that knows a hold of ours
/// that is over.
///
/// # Errors
///
/// The database's.
pub fn follow(
    conn: &mut DbConnection,
    order: OrderId,
    fulfillment_orders: &[FulfillmentOrder],
    places: &Places,
    now: At,
) -> Result<(), DbError> {
    let open = manual(conn, order)?;
    let tried = queries::list_tried(conn, open.as_ref().map_or(0, |hold| hold.id))?;
    if plan(open.as_ref(), fulfillment_orders, places, &tried)
        .iter()
        .any(|step| !matches!(step, Step::Keep { .. }))
    {
        enqueue(conn, order, now)?;
    }
    Ok(())
}

fn manual(conn: &mut DbConnection, order: OrderId) -> Result<Option<Ours>, DbError> {
    let open = holds::list_open(conn, order)?;
    // A cancellation holds it too while the store is asked: that is none of a person's.
    let is_persons = |hold: &holds::HoldRow| hold.kind == HoldKind::Manual && hold.cause.is_empty();
    let hold = open.into_iter().find(is_persons);
    Ok(hold.map(|hold| Ours {
        id: hold.id,
        note: hold.note,
    }))
}

/// What makes both sides agree. `tried`: the fulfillment orders that the open hold was placed on before, or refused.
fn plan(
    open: Option<&Ours>,
    orders: &[FulfillmentOrder],
    places: &Places,
    tried: &[String],
) -> Vec<Step> {
    let mut steps = Vec::new();
    for order in orders.iter().filter(|order| order.is_open()) {
        let mut stands = false;
        for hold in &order.holds {
            let Some(ours) = hold.ours() else { continue };
            if open.is_some_and(|open| open.id == ours) {
                stands = true;
                steps.push(Step::Keep {
                    order: order.external_id.clone(),
                    hold: hold.external_id.clone(),
                });
            } else {
                steps.push(Step::Release {
                    order: order.external_id.clone(),
                    hold: hold.external_id.clone(),
                    ours,
                });
            }
        }
        let may = matches!(whose(order, places), Whose::Ours(_) | Whose::Somewhere);
        // Where somebody released it in Shopify it is not placed again: the hold here holds anyway.
        let is_new = !tried.contains(&order.external_id);
        if open.is_some() && may && !stands && is_new {
            steps.push(Step::Place(order.external_id.clone()));
        }
    }
    steps
}

impl Job for SyncHolds {
    const KIND: &'static str = "shopify.sync_holds";
    const IS_PUSH: bool = true;
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.order.to_string())
    }

    fn key(&self) -> Option<String> {
        Some(self.key.clone())
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        match agree(&cx, self.order, &run).await {
            Ok(()) => Outcome::Done,
            Err(Stop::Outcome(outcome)) => outcome,
            Err(Stop::Db(error)) => Outcome::retry(error.to_string()),
        }
    }
}

enum Stop {
    Outcome(Outcome),
    Db(DbError),
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Stop {
        Stop::Db(error)
    }
}

async fn agree(cx: &Connector, order: OrderId, run: &Run) -> Result<(), Stop> {
    let job = run.job;
    let origin = cx
        .db
        .write(move |conn| -> Result<_, DbError> {
            // What changes from here on is another job's.
            job_rows::free_dedupe_key(conn, job)?;
            find_origin(conn, order)
        })
        .await?;
    let Some(origin) = origin else { return Ok(()) };
    let failed = |error: &ShopifyError| Stop::Outcome(outcome_of(origin.shop, error));
    let read = enrich::fetch_orders(cx, origin.shop, &origin.order_external_id).await;
    let Some(orders) = read.map_err(|error| failed(&error))? else {
        return Ok(());
    };
    let shop = origin.shop;
    let (open, places, tried) = cx
        .db
        .read(move |conn| -> Result<_, DbError> {
            let open = manual(conn, order)?;
            let tried = queries::list_tried(conn, open.as_ref().map_or(0, |hold| hold.id))?;
            Ok((open, assignment::places(conn, shop)?, tried))
        })
        .await?;
    let one = Agreement {
        cx,
        origin,
        order,
        actor: Actor::source(format!("job:{job}")),
    };
    let mut changed = false;
    for step in plan(open.as_ref(), &orders, &places, &tried) {
        changed |= !matches!(step, Step::Keep { .. });
        one.take(step, open.as_ref()).await?;
    }
    if changed {
        one.look_again().await?;
    }
    Ok(())
}

/// One run for one order.
struct Agreement<'a> {
    cx: &'a Connector,
    origin: Origin,
    order: OrderId,
    actor: Actor,
}

impl Agreement<'_> {
    async fn take(&self, step: Step, open: Option<&Ours>) -> Result<(), Stop> {
        match (step, open) {
            (Step::Place(order), Some(hold)) => self.place(order, hold).await,
            (Step::Keep { order, hold }, Some(ours)) => {
                self.note(ours.id, order, HoldState::Placed, Some(hold), None)
                    .await
            }
            (Step::Release { order, hold, ours }, _) => self.release(order, hold, ours).await,
            (Step::Place(_) | Step::Keep { .. }, None) => Ok(()),
        }
    }

    async fn place(&self, order: String, hold: &Ours) -> Result<(), Stop> {
        // Committed before the call: a lost answer is looked up by the handle.
        self.note(hold.id, order.clone(), HoldState::Sent, None, None)
            .await?;
        let notes = match &hold.note {
            Some(note) => format!("Held in the ERP: {note}"),
            None => "Held in the ERP".to_owned(),
        };
        let variables = place::Variables {
            id: fulfillment_order_gid(&order),
            fulfillment_hold: place::FulfillmentOrderHoldInput {
                external_id: Some(hold.id.to_string()),
                fulfillment_order_line_items: None,
                handle: Some(format!("{HANDLE}{}", hold.id)),
                notify_merchant: Some(false),
                reason: place::FulfillmentHoldReason::OTHER,
                reason_notes: Some(notes),
            },
        };
        let shop = self.origin.shop;
        let called = self
            .cx
            .call::<FulfillmentOrderHold>(shop, Haste::Now, variables)
            .await
            .map_err(|error| self.failed(&error))?;
        let request_id = called.request_id;
        let payload = called.data.fulfillment_order_hold;
        let refusals: Vec<String> = payload
            .iter()
            .flat_map(|payload| &payload.user_errors)
            .map(|error| error.message.clone())
            .collect();
        let placed = payload
            .and_then(|payload| payload.fulfillment_hold)
            .and_then(|hold| Gid::<gid::FulfillmentHold>::parse(&hold.id));
        match placed {
            Some(placed) => {
                let placed = Some(placed.digits());
                self.note(hold.id, order, HoldState::Placed, placed, None)
                    .await?;
                self.tell(Kind::Pushed, json!({ "what": "hold" }), request_id)
                    .await
            }
            None => {
                let reason = format!(
                    "Shopify did not put the order on hold: {}",
                    refusals.join("; ")
                );
                let kept = Some(reason.clone());
                self.note(hold.id, order, HoldState::Refused, None, kept)
                    .await?;
                self.tell(Kind::PushFailed, json!({ "reason": reason }), request_id)
                    .await
            }
        }
    }

    async fn release(&self, order: String, hold: String, ours: i64) -> Result<(), Stop> {
        let hold_gid = Gid::<gid::FulfillmentHold>::from_digits(&hold)
            .map_or_else(|| hold.clone(), |gid| gid.to_string());
        let variables = release::Variables {
            id: fulfillment_order_gid(&order),
            hold_ids: vec![hold_gid],
        };
        let shop = self.origin.shop;
        let called = self
            .cx
            .call::<FulfillmentOrderReleaseHold>(shop, Haste::Now, variables)
            .await
            .map_err(|error| self.failed(&error))?;
        let request_id = called.request_id;
        let refusals: Vec<String> = called
            .data
            .fulfillment_order_release_hold
            .iter()
            .flat_map(|payload| &payload.user_errors)
            .map(|error| error.message.clone())
            .collect();
        if refusals.is_empty() {
            self.note(ours, order, HoldState::Released, Some(hold), None)
                .await?;
            self.tell(Kind::Pushed, json!({ "what": "release" }), request_id)
                .await
        } else {
            let reason = format!("Shopify did not release our hold: {}", refusals.join("; "));
            let told = json!({ "reason": reason });
            self.tell(Kind::PushFailed, told, request_id).await?;
            Err(Stop::Outcome(Outcome::Dead { reason }))
        }
    }

    /// The order is asked about anew: how it stands there has changed, and the webhook that says so may be lost.
    async fn look_again(&self) -> Result<(), Stop> {
        let (shop, order) = (self.origin.shop, self.origin.order_external_id.clone());
        let now = self.cx.clock.now();
        self.cx
            .db
            .write(move |conn| -> Result<(), DbError> {
                match shops::queries::find(conn, shop)? {
                    Some(shop) => enrich::enqueue(conn, &shop, &order, None, now),
                    None => Ok(()),
                }
            })
            .await?;
        Ok(())
    }

    fn failed(&self, error: &ShopifyError) -> Stop {
        Stop::Outcome(outcome_of(self.origin.shop, error))
    }

    async fn note(
        &self,
        hold: i64,
        order: String,
        state: HoldState,
        gid: Option<String>,
        reason: Option<String>,
    ) -> Result<(), Stop> {
        let now = self.cx.clock.now();
        self.cx
            .db
            .write(move |conn| {
                let texts = (gid.as_deref(), reason.as_deref());
                queries::put(conn, hold, &order, state, texts, now)
            })
            .await?;
        Ok(())
    }

    async fn tell(
        &self,
        kind: Kind,
        arguments: serde_json::Value,
        request_id: Option<String>,
    ) -> Result<(), Stop> {
        let actor = Actor {
            request_id,
            ..self.actor.clone()
        };
        let (order, now) = (self.order, self.cx.clock.now());
        let entry = Entry::new(kind, arguments);
        self.cx
            .db
            .write(move |conn| timeline::record(conn, order, entry, &actor, now))
            .await?;
        Ok(())
    }
}

fn fulfillment_order_gid(external_id: &str) -> String {
    Gid::<gid::FulfillmentOrder>::from_digits(external_id)
        .map_or_else(|| external_id.to_owned(), |gid| gid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shopify::enrich::mirror::{Hold, Line, Status};
    use crate::types::LocationId;

    fn order(id: &str, location: &str, holds: Vec<Hold>) -> FulfillmentOrder {
        FulfillmentOrder {
            external_id: id.to_owned(),
            status: if holds.is_empty() {
                Status::Open
            } else {
                Status::OnHold
            },
            request_status: "unsubmitted".to_owned(),
            actions: Vec::new(),
            location: Some(location.to_owned()),
            location_name: location.to_owned(),
            service: false,
            method: None,
            method_name: None,
            fulfil_at: None,
            holds,
            source_updated_at: At(0),
            lines: vec![Line {
                external_id: "1".to_owned(),
                line: "1".to_owned(),
                total: 1,
                remaining: 1,
            }],
        }
    }

    fn held(id: &str, handle: &str, by_us: bool) -> Hold {
        Hold {
            external_id: id.to_owned(),
            handle: Some(handle.to_owned()),
            reason: "Other".to_owned(),
            notes: None,
            by_us,
        }
    }

    #[test]
    fn both_sides_are_made_to_agree_and_no_other_hold_is_touched() {
        let places = Places::from([("10".to_owned(), LocationId(1))]);
        let ours = Ours { id: 7, note: None };
        let orders = [
            order("a", "10", Vec::new()),
            order("b", "99", Vec::new()),
            order("c", "10", vec![held("h1", "counterfoil-7", true)]),
            order(
                "d",
                "10",
                vec![
                    held("h2", "counterfoil-3", true),
                    held("h3", "fraud-app", false),
                    held("h4", "counterfoil-3", false),
                ],
            ),
        ];
        let keep = Step::Keep {
            order: "c".to_owned(),
            hold: "h1".to_owned(),
        };
        let release = |order: &str, hold: &str, ours| Step::Release {
            order: order.to_owned(),
            hold: hold.to_owned(),
            ours,
        };
        let steps = plan(Some(&ours), &orders, &places, &[]);
        let place = |id: &str| Step::Place(id.to_owned());
        let wanted = [place("a"), keep.clone(), release("d", "h2", 3), place("d")];
        assert_eq!(steps, wanted);
        let tried = ["a".to_owned(), "d".to_owned()];
        let steps = plan(Some(&ours), &orders, &places, &tried);
        assert_eq!(steps, [keep, release("d", "h2", 3)]);
        let steps = plan(None, &orders, &places, &[]);
        assert_eq!(steps, [release("c", "h1", 7), release("d", "h2", 3)]);
    }
}
