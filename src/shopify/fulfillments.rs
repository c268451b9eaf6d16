//! Shipments, told to Shopify: fulfilment, tracking and undoing, each sent once as far as Shopify allows.
//!
//! Shopify has no idempotency for fulfilments. So a call's intent and what Shopify showed before it are
//! stored first; when the answer is lost, Shopify is read again and the fulfilment adopted or sent anew.
pub(crate) mod outside;
pub mod plan;
pub mod queries;
mod remote;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::erp::events::Event;
use crate::erp::shipping::queries::{self as shipping, ShipmentRow};
use crate::erp::shipping::{ShipmentState, Tracking};
use crate::erp::timeline::{self, Actor, Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing, Job, Run};
use crate::platform::queue::Outcome;
use crate::shopify::cancellations;
use crate::shopify::client::ShopifyError;
use crate::shopify::gid::{Gid, LineItem, Location};
use crate::shopify::{Connector, enrich, holding, outcome_of, shops};
use crate::types::{At, OrderId, ShipmentId};
use plan::{Finding, Intent, PreImage, Remote};
use queries::{Origin, PushRow, PushState};

/// A lost answer is believed lost only after Shopify showed no change for this long.
const SETTLES_WITHIN: Duration = Duration::from_secs(120);
/// How long to wait before the first look.
const FIRST_LOOK: Duration = Duration::from_secs(15);

/// Tells Shopify that a shipment left.
#[derive(Debug, Serialize, Deserialize)]
pub struct PushFulfillment {
    pub shipment: ShipmentId,
    /// Orders of one shop are told in order: `shop/order/1001`.
    pub key: String,
}

/// Tells Shopify other tracking numbers.
#[derive(Debug, Serialize, Deserialize)]
pub struct PushTracking {
    pub shipment: ShipmentId,
    pub version: i64,
    pub key: String,
}

/// Tells Shopify that a shipment did not leave after all.
#[derive(Debug, Serialize, Deserialize)]
pub struct CancelFulfillment {
    pub shipment: ShipmentId,
    pub key: String,
}

/// Stores the job that an event of the core starts; nothing for an order that no shop sent.
///
/// # Errors
///
/// The database's.
pub fn on_event(conn: &mut DbConnection, event: Event, now: At) -> Result<(), DbError> {
    let (order, shipment) = match event {
        Event::ShipmentShipped { order, shipment }
        | Event::TrackingCorrected { order, shipment }
        | Event::ShipmentUndone { order, shipment } => (order, shipment),
        Event::CancellationAsked {
            order,
            cancellation,
        } => return cancellations::on_asked(conn, order, cancellation, now),
        Event::HoldChanged { order } => return holding::enqueue(conn, order, now),
    };
    let Some(origin) = queries::find_origin(conn, order)? else {
        return Ok(());
    };
    let key = format!("{}/order/{}", origin.shop_domain, origin.order_external_id);
    let filing = Filing {
        shop_domain: Some(origin.shop_domain),
        subject: Some(format!("order/{order}")),
        ..Filing::default()
    };
    match event {
        Event::ShipmentShipped { .. } => {
            jobs::enqueue(conn, &PushFulfillment { shipment, key }, &filing, now)?;
        }
        Event::TrackingCorrected { .. } => {
            let version = shipping::find(conn, shipment)?.map_or(0, |row| row.version);
            let job = PushTracking {
                shipment,
                version,
                key,
            };
            jobs::enqueue(conn, &job, &filing, now)?;
        }
        Event::ShipmentUndone { .. } => {
            jobs::enqueue(conn, &CancelFulfillment { shipment, key }, &filing, now)?;
        }
        Event::CancellationAsked { .. } | Event::HoldChanged { .. } => {}
    }
    Ok(())
}

impl Job for PushFulfillment {
    const KIND: &'static str = "shopify.push_fulfillment";
    const IS_PUSH: bool = true;
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.shipment.to_string())
    }

    fn key(&self) -> Option<String> {
        Some(self.key.clone())
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        ended(Push::load(&cx, &run, self.shipment).await, async |push| {
            push.fulfil().await
        })
        .await
    }
}

impl Job for PushTracking {
    const KIND: &'static str = "shopify.push_tracking";
    const IS_PUSH: bool = true;
    type Context = Connector;

    // By version: a correction while the one before is on its way is another job.
    fn dedupe_key(&self) -> Option<String> {
        Some(format!("{}/{}", self.shipment, self.version))
    }

    fn key(&self) -> Option<String> {
        Some(self.key.clone())
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        ended(Push::load(&cx, &run, self.shipment).await, async |push| {
            push.correct_tracking().await
        })
        .await
    }
}

impl Job for CancelFulfillment {
    const KIND: &'static str = "shopify.cancel_fulfillment";
    const IS_PUSH: bool = true;
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.shipment.to_string())
    }

    fn key(&self) -> Option<String> {
        Some(self.key.clone())
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        ended(Push::load(&cx, &run, self.shipment).await, async |push| {
            push.cancel().await
        })
        .await
    }
}

async fn ended(
    loaded: Result<Option<Push>, DbError>,
    work: impl AsyncFnOnce(Push) -> Result<(), Stop>,
) -> Outcome {
    match loaded {
        Ok(None) => Outcome::Done,
        Ok(Some(push)) => match work(push).await {
            Ok(()) => Outcome::Done,
            Err(Stop::Outcome(outcome)) => outcome,
            Err(Stop::Db(error)) => Outcome::retry(error.to_string()),
        },
        Err(error) => Outcome::retry(error.to_string()),
    }
}

/// Why a push ended before it was done.
enum Stop {
    Outcome(Outcome),
    Db(DbError),
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Stop {
        Stop::Db(error)
    }
}

/// One push: the shipment, its origin, and what was sent for it before.
struct Push {
    cx: Arc<Connector>,
    source: String,
    order: OrderId,
    origin: Origin,
    shipment: ShipmentRow,
    /// Pieces by order line's gid.
    wanted: BTreeMap<String, i64>,
    rows: Vec<PushRow>,
    /// Shopify's location for ours.
    location: Option<String>,
}

impl Push {
    async fn load(cx: &Arc<Connector>, run: &Run, id: ShipmentId) -> Result<Option<Push>, DbError> {
        let (context, source) = (Arc::clone(cx), format!("job:{}", run.job));
        cx.db
            .read(move |conn| {
                let Some(shipment) = shipping::find(conn, id)? else {
                    return Ok(None);
                };
                let order = shipment.order_id;
                let Some(origin) = queries::find_origin(conn, order)? else {
                    return Ok(None);
                };
                let lines = shipping::list_lines(conn, id)?;
                let location = queries::find_location(conn, origin.shop, shipment.location_id)?;
                Ok(Some(Push {
                    cx: context,
                    source,
                    order,
                    wanted: lines
                        .into_iter()
                        .map(|line| (line_gid(&line.external_id), line.quantity))
                        .collect(),
                    rows: queries::list_of_shipment(conn, id)?,
                    location: location.map(|id| location_gid(&id)),
                    origin,
                    shipment,
                }))
            })
            .await
    }

    async fn fulfil(mut self) -> Result<(), Stop> {
        self.settle_unanswered().await?;
        if self.shipment.state == ShipmentState::Undone {
            return Ok(());
        }
        let id = self.shipment.id;
        self.cx
            .db
            .write(move |conn| queries::delete_intended(conn, id))
            .await?;
        let left = self.still_wanted();
        if left.is_empty() {
            return Ok(());
        }
        let remote = self.read_remote().await?;
        let intents = match plan::plan(&remote, &left, self.location.as_deref()) {
            Ok(intents) => intents,
            Err(reason) => return Err(self.refused(&[], reason).await?),
        };
        let pre_image = remote.pre_image();
        for intent in intents {
            self.send(&intent, &pre_image).await?;
        }
        Ok(())
    }

    /// Finds out what became of calls whose answer was lost.
    async fn settle_unanswered(&mut self) -> Result<(), Stop> {
        let unanswered: Vec<PushRow> = self
            .rows
            .iter()
            .filter(|row| row.state == PushState::Sent)
            .cloned()
            .collect();
        if unanswered.is_empty() {
            return Ok(());
        }
        let remote = self.read_remote().await?;
        for row in unanswered {
            self.settle(&row, &remote).await?;
        }
        Ok(())
    }

    async fn settle(&mut self, row: &PushRow, remote: &Remote) -> Result<(), Stop> {
        let intent: Intent = serde_json::from_str(&row.intent).unwrap_or_default();
        let stored = row.pre_image.as_deref().unwrap_or("{}");
        let mut before: PreImage = serde_json::from_str(stored).unwrap_or_default();
        let (shop, order) = (self.origin.shop, self.origin.order_external_id.clone());
        let ours = self
            .cx
            .db
            .read(move |conn| queries::list_gids_of_order(conn, shop, &order))
            .await?;
        let numbers = &self.shipment.tracking().numbers;
        let (id, now) = (row.id, self.cx.clock.now());
        match plan::look_up(remote, &intent, numbers, &before, &ours) {
            Finding::Adopt(gid) => {
                self.done(id, gid, None, true).await?;
                Ok(())
            }
            Finding::Unchanged => {
                let sent_at = row.sent_at.unwrap_or(now);
                let seen_before = !before.looks.is_empty();
                if seen_before && now.since(sent_at) >= SETTLES_WITHIN {
                    self.set_state(id, PushState::Intended).await?;
                    return Ok(());
                }
                before.looks.push(now.0);
                let kept = serde_json::json!(before).to_string();
                self.cx
                    .db
                    .write(move |conn| queries::set_pre_image(conn, id, &kept))
                    .await?;
                let left = SETTLES_WITHIN.saturating_sub(now.since(sent_at));
                Err(Stop::Outcome(Outcome::Retry {
                    after: Some(left.max(FIRST_LOOK)),
                    reason: "Shopify's answer was lost; it shows no fulfilment yet and is read once more before this is sent again".to_owned(),
                }))
            }
            Finding::Unclear(reason) => Err(self.refused(&[], reason).await?),
        }
    }

    /// Pieces that no fulfilment of ours covers.
    fn still_wanted(&self) -> BTreeMap<String, i64> {
        let mut left = self.wanted.clone();
        for row in self.rows.iter().filter(|row| row.state == PushState::Done) {
            let intent: Intent = serde_json::from_str(&row.intent).unwrap_or_default();
            for (line, pieces) in intent.pieces() {
                if let Some(open) = left.get_mut(&line) {
                    *open -= pieces;
                }
            }
        }
        left.retain(|_line, pieces| *pieces > 0);
        left
    }

    async fn read_remote(&self) -> Result<Remote, Stop> {
        remote::read(&self.cx, &self.origin)
            .await
            .map_err(|error| Stop::Outcome(outcome_of(self.origin.shop, &error)))
    }

    async fn send(&mut self, intent: &Intent, before: &PreImage) -> Result<(), Stop> {
        let stored = (json!(intent).to_string(), json!(before).to_string());
        let (origin, shipment, now) = (self.origin.clone(), self.shipment.id, self.cx.clock.now());
        // Committed before the call: whatever dies from here on, the next run looks first.
        let id = self
            .cx
            .db
            .write(move |conn| {
                let id = queries::insert(conn, &origin, shipment, &stored.0, &stored.1)?;
                queries::mark_sent(conn, id, now)?;
                Ok::<i64, DbError>(id)
            })
            .await?;
        let tracking = self.shipment.tracking();
        let sent = remote::create(
            &self.cx,
            self.origin.shop,
            intent,
            &tracking,
            self.shipment.notify,
        )
        .await;
        match sent {
            Ok(created) => self.done(id, created.gid, created.request_id, false).await,
            Err(ShopifyError::UserErrors { messages }) => {
                let reason = format!("Shopify refused the fulfilment: {}", messages.join("; "));
                Err(self.refused(&[id], reason).await?)
            }
            Err(error) if may_have_arrived(&error) => Err(Stop::Outcome(Outcome::Retry {
                after: Some(FIRST_LOOK),
                reason: format!("{error}; whether it fulfilled the order is looked up first"),
            })),
            Err(error) => {
                self.set_state(id, PushState::Intended).await?;
                match outcome_of(self.origin.shop, &error) {
                    Outcome::Dead { reason } => Err(self.refused(&[id], reason).await?),
                    outcome @ (Outcome::Done
                    | Outcome::NothingToDo { .. }
                    | Outcome::Superseded
                    | Outcome::Retry { .. }
                    | Outcome::WaitFor { .. }) => Err(Stop::Outcome(outcome)),
                }
            }
        }
    }

    async fn done(
        &mut self,
        id: i64,
        gid: String,
        request_id: Option<String>,
        adopted: bool,
    ) -> Result<(), Stop> {
        let arguments = json!({
            "what": "fulfillment",
            "shipment": self.shipment.id.0,
            "gid": gid,
            "adopted": adopted,
        });
        let entry = Entry::new(Kind::Pushed, arguments);
        let (order, actor, now) = (self.order, self.actor(&request_id), self.cx.clock.now());
        let (marked, asked) = (gid.clone(), request_id);
        self.cx
            .db
            .write(move |conn| {
                queries::mark_done(conn, id, &marked, asked.as_deref())?;
                timeline::record(conn, order, entry, &actor, now)
            })
            .await?;
        for row in self.rows.iter_mut().filter(|row| row.id == id) {
            row.state = PushState::Done;
            row.fulfillment_gid = Some(gid.clone());
        }
        Ok(())
    }

    async fn correct_tracking(mut self) -> Result<(), Stop> {
        self.settle_unanswered().await?;
        let tracking = self.shipment.tracking();
        for gid in self.live_gids() {
            let (shop, notify) = (self.origin.shop, self.shipment.notify);
            let request_id = remote::update_tracking(&self.cx, shop, &gid, &tracking, notify)
                .await
                .map_err(|error| Stop::Outcome(outcome_of(self.origin.shop, &error)))?;
            let arguments = json!({
                "what": "tracking",
                "shipment": self.shipment.id.0,
                "gid": gid,
                "tracking": tracking.numbers,
            });
            self.tell(Kind::Pushed, arguments, &request_id).await?;
        }
        Ok(())
    }

    async fn cancel(mut self) -> Result<(), Stop> {
        self.settle_unanswered().await?;
        let done: Vec<(i64, String)> = self
            .rows
            .iter()
            .filter(|row| row.state == PushState::Done)
            .filter_map(|row| Some((row.id, row.fulfillment_gid.clone()?)))
            .collect();
        for (id, gid) in done {
            let request_id = remote::cancel(&self.cx, self.origin.shop, &gid)
                .await
                .map_err(|error| Stop::Outcome(outcome_of(self.origin.shop, &error)))?;
            self.set_state(id, PushState::Cancelled).await?;
            let arguments = json!({
                "what": "cancellation",
                "shipment": self.shipment.id.0,
                "gid": gid,
            });
            self.tell(Kind::Pushed, arguments, &request_id).await?;
        }
        Ok(())
    }

    fn live_gids(&self) -> Vec<String> {
        self.rows
            .iter()
            .filter(|row| row.state == PushState::Done)
            .filter_map(|row| row.fulfillment_gid.clone())
            .collect()
    }

    /// Notes a refusal on the timeline; the job waits for a person.
    async fn refused(&self, rows: &[i64], reason: String) -> Result<Stop, DbError> {
        let rows = rows.to_vec();
        let arguments = json!({ "shipment": self.shipment.id.0, "reason": reason });
        let entry = Entry::new(Kind::PushFailed, arguments);
        let (order, actor, now) = (self.order, self.actor(&None), self.cx.clock.now());
        let origin = self.origin.clone();
        self.cx
            .db
            .write(move |conn| {
                for id in rows {
                    queries::mark_state(conn, id, PushState::Refused)?;
                }
                // What is there is not what we thought.
                if let Some(shop) = shops::queries::find(conn, origin.shop)? {
                    enrich::enqueue(conn, &shop, &origin.order_external_id, None, now)?;
                }
                timeline::record(conn, order, entry, &actor, now)
            })
            .await?;
        Ok(Stop::Outcome(Outcome::Dead { reason }))
    }

    async fn set_state(&mut self, id: i64, state: PushState) -> Result<(), DbError> {
        for row in self.rows.iter_mut().filter(|row| row.id == id) {
            row.state = state;
        }
        self.cx
            .db
            .write(move |conn| queries::mark_state(conn, id, state))
            .await
    }

    async fn tell(
        &self,
        kind: Kind,
        arguments: serde_json::Value,
        request_id: &Option<String>,
    ) -> Result<(), DbError> {
        let entry = Entry::new(kind, arguments);
        let (order, actor, now) = (self.order, self.actor(request_id), self.cx.clock.now());
        self.cx
            .db
            .write(move |conn| timeline::record(conn, order, entry, &actor, now))
            .await
    }

    fn actor(&self, request_id: &Option<String>) -> Actor {
        Actor {
            source: Some(self.source.clone()),
            request_id: request_id.clone(),
            ..Actor::default()
        }
    }
}

/// Whether Shopify may have made the change although we hold no answer that says so.
pub(crate) fn may_have_arrived(error: &ShopifyError) -> bool {
    match error {
        ShopifyError::Unreachable { sent, .. } => *sent,
        ShopifyError::Unexpected(_) => true,
        ShopifyError::Throttled { .. }
        | ShopifyError::Unauthorized
        | ShopifyError::AccessDenied { .. }
        | ShopifyError::Rejected { .. }
        | ShopifyError::UserErrors { .. }
        | ShopifyError::TooExpensive { .. } => false,
    }
}

fn line_gid(external_id: &str) -> String {
    Gid::<LineItem>::from_digits(external_id)
        .map_or_else(|| external_id.to_owned(), |gid| gid.to_string())
}

fn location_gid(external_id: &str) -> String {
    Gid::<Location>::from_digits(external_id)
        .map_or_else(|| external_id.to_owned(), |gid| gid.to_string())
}
