//! The practice store: a Shopify stand-in on its own port, to learn, to show and to test against.
//!
//! It shares no code with the connector in `shopify`, so that a misreading of Shopify shows as a failure
//! instead of cancelling out. It asks for what Shopify asks for and refuses what Shopify refuses.
//!
//! Start reading at `practice/graphql.rs` (requests) and `practice/orders.rs` (what happens in the store).

mod admin;
pub mod catalogue;
mod checkout;
mod customers;
mod deliveries;
mod fulfillments;
mod goods;
mod graphql;
mod handling;
mod holds;
mod kinds;
mod misbehaviour;
mod model;
mod money;
mod oauth;
mod orders;
mod pages;
mod payloads;
mod pictures;
mod queries;
mod refunds;
mod returns;
mod routing;
mod seed;
mod server;
mod shown;
mod state;
pub mod stock;
mod tokens;
mod totals;
mod webhooks;

pub use shown::{PlacedOrder, RecordedRequest, ShownFulfillment, WebhookDelivery};

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

pub use self::customers::{CustomerEdit, NewCustomer};
use self::deliveries::Ask;
use self::state::State;
use crate::platform::clock::Clock;

/// How the practice store is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens: `127.0.0.1:8081`; port 0 takes a free one.
    pub bind: String,
    /// The folder of `practice.db`; without one everything is forgotten at the end.
    pub data_dir: Option<PathBuf>,
    pub shop_domain: String,
    pub client_id: String,
    pub client_secret: SecretString,
    /// What a redirect address must begin with; with none, any address on this machine is good.
    pub redirect_prefixes: Vec<String>,
    pub token_lifetime_secs: u32,
    /// Whether a new store gets its locations and products.
    pub seed: bool,
}

/// Why the practice store does not start or cannot keep what happened.
#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    #[error("the practice store cannot listen on {bind}: {reason} (setting PRACTICE_BIND)")]
    Bind { bind: String, reason: String },
    #[error("practice.db cannot be opened: {0}")]
    Open(#[from] diesel::ConnectionError),
    #[error("practice.db cannot be used: {0}")]
    Database(#[from] diesel::result::Error),
    #[error("practice.db holds a record that cannot be read: {0}")]
    Record(#[from] serde_json::Error),
    #[error("the practice store's schema is broken: {0}")]
    Schema(String),
}

/// The kinds of order a person can place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OrderKind {
    OneLine,
    SeveralLines,
    TwoLocations,
    DiscountCode,
    TaxesOnTop,
    PointOfSale,
    Digital,
    UnknownSku,
    NoSku,
    CustomLine,
    GiftCard,
    Free,
    Euro,
    Yen,
    Tip,
    NoteAndAttributes,
    Unpaid,
    Authorized,
    Pickup,
    /// Driven to the customer by the store itself.
    LocalDelivery,
}

impl OrderKind {
    /// Every kind, the plain ones first.
    pub const ALL: [OrderKind; 20] = [
        Self::OneLine,
        Self::SeveralLines,
        Self::TwoLocations,
        Self::DiscountCode,
        Self::TaxesOnTop,
        Self::PointOfSale,
        Self::Digital,
        Self::UnknownSku,
        Self::NoSku,
        Self::CustomLine,
        Self::GiftCard,
        Self::Free,
        Self::Euro,
        Self::Yen,
        Self::Tip,
        Self::NoteAndAttributes,
        Self::Unpaid,
        Self::Authorized,
        Self::Pickup,
        Self::LocalDelivery,
    ];
}

/// What a merchant changes in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderEdit {
    AddLine,
    /// One more of the last line.
    AddPiece,
    RemovePiece,
    Address1(String),
    Note(String),
}

/// What becomes of pieces that are given back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restocking {
    /// They stay where they are.
    #[default]
    None,
    /// They had not left: back on the shelf, not sent any more.
    Cancel,
    /// They had left and are on the shelf again.
    Return,
    /// They had left; what became of them is said by their return.
    Returned,
}

/// What happens to a return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returning {
    /// A customer asks for it.
    Request {
        pieces: Vec<(u64, i64)>,
        note: Option<String>,
    },
    /// The merchant opens it.
    Open {
        pieces: Vec<(u64, i64)>,
    },
    /// As `Open`, and something else is sent in place.
    Exchange {
        pieces: Vec<(u64, i64)>,
    },
    Approve,
    Decline,
    /// Everything came back.
    Process {
        restock: bool,
        refund: bool,
    },
    Close,
    Reopen,
    Cancel,
}

impl Restocking {
    /// As webhooks spell it.
    const fn text(self) -> &'static str {
        match self {
            Self::None => "no_restock",
            Self::Cancel => "cancel",
            Self::Return | Self::Returned => "return",
        }
    }
}

/// What a merchant gives back of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Giving {
    /// Line item id and quantity; their price goes back with them.
    pub pieces: Vec<(u64, i64)>,
    pub restock: Restocking,
    /// What is left of the shipping.
    pub shipping: bool,
    /// An amount beside it, in cents of the shop's currency.
    pub cents: Option<i64>,
    /// The money takes its time.
    pub pending: bool,
    /// All that was paid, whatever the rest comes to: a tip as well.
    pub all_money: bool,
    /// Only the goods: no money moves.
    pub keep_money: bool,
    pub note: Option<String>,
    /// The return that it settles.
    pub return_id: Option<u64>,
}

/// What the store's staff, or another app, does about who ships an order and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// Staff put it on hold: the address is wrong.
    Hold,
    /// Another app puts it on hold as well.
    HoldByApp,
    /// Every hold is released that is not of the asking app.
    Release,
    /// Everything is shipped from the store's other location.
    Move,
    /// One piece is to be shipped on its own.
    Split,
    /// It is not to be shipped before next week.
    Schedule,
    /// What was scheduled is opened.
    Open,
    /// Another app's service is to ship it, and accepts.
    GiveToService,
    /// The service ships what is its own.
    ShipByService,
    /// What was shipped last is cancelled: it did not leave after all.
    CancelFulfillment,
    /// What was shipped last has arrived.
    Deliver,
    /// Shopify finds it very risky, and would cancel it.
    RaiseRisk,
    /// Shopify finds nothing against it any more.
    LowerRisk,
}

/// Faults the store can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Misbehaviour {
    /// Requests are told to come later.
    Throttle,
    /// Requests are answered 502 before anything happened.
    ServerError,
    /// Mutations are carried out and never answered.
    TimeOutAfterCommit,
    /// Mutations are carried out and the connection breaks.
    CloseAfterCommit,
    DuplicateWebhooks,
    /// The next webhooks arrive newest first.
    ReorderWebhooks,
    /// The next webhooks come 30 seconds late.
    DelayWebhooks,
    DropWebhooks,
    /// Files of bulk operations break off half-way.
    BreakDownload,
    /// Answers are served in a later version than they were asked for.
    LaterVersion,
    /// All access tokens are over at once.
    ExpireToken,
    /// The owner removes the app at once.
    Uninstall,
}

/// The running store; clones are the same store.
#[derive(Clone)]
pub struct Practice {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    clock: Clock,
    url: String,
    schema: Valid<Schema>,
    state: Mutex<State>,
    bucket: Mutex<graphql::Bucket>,
    requests: Mutex<Vec<RecordedRequest>>,
    asks: mpsc::UnboundedSender<Ask>,
    server: Mutex<Option<server::Running>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Practice {
    /// Opens the store's memory and starts to listen.
    ///
    /// # Errors
    ///
    /// When the address is taken, or `practice.db` cannot be used.
    pub async fn start(config: Config, clock: Clock) -> Result<Self, PracticeError> {
        server::start(config, clock).await
    }

    /// Where it listens: `http://127.0.0.1:8081`.
    #[must_use]
    pub fn url(&self) -> String {
        self.inner.url.clone()
    }

    /// Stops listening and sending; what happened is kept.
    pub async fn stop(&self) {
        // A sender that is gone has stopped already.
        let _ = self.inner.asks.send(Ask::Stop);
        let running = locked(&self.inner.server).take();
        if let Some(running) = running {
            running.stop().await;
        }
    }

    /// A customer checks out.
    pub fn place_order(&self, kind: OrderKind) -> PlacedOrder {
        self.change(|state, now| checkout::place(state, kind, now))
    }

    /// So many orders of all kinds, the plain ones most often.
    pub fn demo_orders(&self, count: usize) -> Vec<PlacedOrder> {
        let plain = [OrderKind::OneLine, OrderKind::SeveralLines];
        let kinds = OrderKind::ALL
            .into_iter()
            .flat_map(|kind| [kind, OrderKind::SeveralLines, OrderKind::OneLine]);
        kinds
            .chain(plain.into_iter().cycle())
            .take(count)
            .map(|kind| self.place_order(kind))
            .collect()
    }

    /// Whether the order could be edited.
    pub fn edit_order(&self, id: u64, edit: &OrderEdit) -> bool {
        self.change(|state, now| orders::edit(state, id, edit, now))
    }

    /// Whether there was anything to pay.
    pub fn pay_order(&self, id: u64) -> bool {
        self.change(|state, now| orders::pay(state, id, now))
    }

    /// Whether it could be cancelled: nothing may have left.
    pub fn cancel_order(&self, id: u64) -> bool {
        let whole = orders::Cancelling::default();
        self.change(|state, now| orders::cancel(state, id, &whole, now))
    }

    /// Refunds one piece of the first line that has one.
    pub fn refund_order(&self, id: u64) -> bool {
        let piece = self.read(|state| state.orders.get(id).and_then(refunds::piece));
        piece.is_some_and(|piece| self.give_back(id, &piece))
    }

    /// Whether so much could be given back.
    pub fn give_back(&self, id: u64, wanted: &Giving) -> bool {
        self.change(|state, now| refunds::refund(state, id, wanted, now))
    }

    /// One shipped piece comes back to the shelf, its money at once or later; whether any had left.
    pub fn give_back_shipped(&self, id: u64, pending: bool) -> bool {
        let line = self.read(|state| {
            let order = state.orders.get(id)?;
            let came = |line: &&model::Line| {
                line.current_quantity() > totals::fulfillable_quantity(order, line.id)
            };
            order.lines.iter().find(came).map(|line| line.id)
        });
        line.is_some_and(|line| {
            let wanted = Giving {
                pieces: vec![(line, 1)],
                restock: Restocking::Return,
                pending,
                ..Giving::default()
            };
            self.give_back(id, &wanted)
        })
    }

    /// Whether a refund was on its way that has arrived now.
    pub fn settle_refunds(&self, id: u64) -> bool {
        self.change(|state, now| refunds::settle(state, id, now))
    }

    /// Whether the return could be brought so far: the last one of the order.
    pub fn return_order(&self, id: u64, what: &Returning) -> bool {
        self.change(|state, now| returns::act(state, id, what, now))
    }

    /// As `return_order`, for everything that has left and is on no return.
    pub fn return_everything(&self, id: u64, is_exchange: bool) -> bool {
        let pieces = self.read(|state| {
            let order = state.orders.get(id);
            order.map(returns::everything).unwrap_or_default()
        });
        if pieces.is_empty() {
            return false;
        }
        let what = if is_exchange {
            Returning::Exchange { pieces }
        } else {
            Returning::Request { pieces, note: None }
        };
        self.return_order(id, &what)
    }

    /// Whether there was an authorisation that could be given up.
    pub fn void_order(&self, id: u64) -> bool {
        self.change(|state, now| orders::void(state, id, now))
    }

    /// Somebody ships everything that is left by other means than the app.
    pub fn fulfill_elsewhere(&self, id: u64) -> bool {
        self.change(|state, now| fulfillments::elsewhere(state, id, now))
    }

    /// Whether there was anything to handle so.
    pub fn handle_order(&self, id: u64, how: Handling) -> bool {
        self.change(|state, now| handling::handle(state, id, how, now))
    }

    /// Gives a product a new title (found by the SKU of a variant) and tells subscribers.
    pub fn update_product(&self, sku: &str, title: &str) -> bool {
        self.change(|state, now| {
            let has = |product: &&model::Product| {
                product
                    .variants
                    .iter()
                    .any(|one| one.sku.as_deref() == Some(sku))
            };
            let Some(id) = state.products.iter().find(has).map(|product| product.id) else {
                return false;
            };
            let Some(product) = state.products.get_mut(id) else {
                return false;
            };
            product.title = title.to_owned();
            product.updated_at = orders::later(product.updated_at, now);
            webhooks::product(state, id, "products/update", now);
            true
        })
    }

    /// Puts so many more products into the store, and tells nobody.
    pub fn add_products(&self, count: usize) {
        self.change(|state, now| seed::add_products(state, count, now));
    }

    /// Switches a fault on for its next `times` occasions (0: off).
    pub fn misbehave(&self, what: Misbehaviour, times: u32) {
        let domain = self.inner.config.shop_domain.clone();
        self.change(|state, now| misbehaviour::switch(state, what, times, &domain, now));
    }

    /// Sends every webhook that is due and returns when all were answered or timed out.
    pub async fn deliver_pending(&self) {
        let (done, answered) = oneshot::channel();
        if self.inner.asks.send(Ask::Flush(done)).is_ok() {
            // A sender that stopped sends nothing more.
            let _ = answered.await;
        }
    }

    /// Lets an app ask as much again as it may at most, as after a while without questions.
    pub fn refill(&self) {
        self.with_bucket(|bucket, now| *bucket = graphql::Bucket::full(now));
    }

    /// Leaves an app so many points, as after many questions.
    pub fn drain(&self, left: u32) {
        self.with_bucket(|bucket, now| *bucket = graphql::Bucket::with(left, now));
    }

    /// The GraphQL requests that came, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        locked(&self.inner.requests).clone()
    }

    /// The fulfillments of an order.
    #[must_use]
    pub fn fulfillments(&self, order_id: u64) -> Vec<ShownFulfillment> {
        self.read(|state| {
            let found = state
                .orders
                .get(order_id)
                .map(|order| order.fulfillments.as_slice())
                .unwrap_or_default();
            found.iter().map(fulfillments::shown).collect()
        })
    }

    /// How many orders the store has taken.
    #[must_use]
    pub fn order_count(&self) -> usize {
        self.read(|state| state.orders.len())
    }

    /// The webhooks there are to tell of.
    #[must_use]
    pub fn deliveries(&self) -> Vec<WebhookDelivery> {
        self.read(|state| state.deliveries.iter().map(webhooks::shown).collect())
    }

    /// A never-ending token, as custom apps made in the store's admin have one.
    pub fn custom_app_token(&self) -> String {
        self.change(|state, now| tokens::custom_app_token(state, &oauth::default_scopes(), now))
    }

    fn config(&self) -> &Config {
        &self.inner.config
    }

    fn schema(&self) -> &Valid<Schema> {
        &self.inner.schema
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now().timestamp()
    }

    fn read<T>(&self, work: impl FnOnce(&State) -> T) -> T {
        work(&locked(&self.inner.state))
    }

    fn read_at<T>(&self, work: impl FnOnce(&State, Timestamp) -> T) -> T {
        let now = self.now();
        self.read(|state| work(state, now))
    }

    /// Work that needs the store for itself and changes nothing that lasts.
    fn browse<T>(&self, work: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let now = self.now();
        work(&mut locked(&self.inner.state), now)
    }

    /// Changes the store, keeps the change, and wakes the sender.
    fn change<T>(&self, work: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let result = self.record(work);
        // A sender that stopped will find the webhooks when it starts again.
        let _ = self.inner.asks.send(Ask::Look);
        result
    }

    /// Changes the store and keeps the change.
    fn record<T>(&self, work: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let now = self.now();
        let mut state = locked(&self.inner.state);
        let result = work(&mut state, now);
        if let Err(error) = state.commit() {
            tracing::error!(%error, "practice store could not keep a change");
        }
        result
    }

    fn strikes(&self, what: Misbehaviour) -> bool {
        let switched = self.read(|state| state.meta.misbehaviours.contains_key(&what));
        switched && self.record(|state, _| misbehaviour::strikes(state, what))
    }

    fn with_bucket<T>(&self, work: impl FnOnce(&mut graphql::Bucket, Timestamp) -> T) -> T {
        let now = self.now();
        work(&mut locked(&self.inner.bucket), now)
    }

    fn remember(&self, request: RecordedRequest) {
        let mut requests = locked(&self.inner.requests);
        requests.push(request);
        let surplus = requests.len().saturating_sub(1000);
        requests.drain(..surplus);
    }
}
