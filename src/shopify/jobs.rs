//! The connector's work done later. Each job is a few ids; what it does stands in the file it calls.
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::platform::db::DbError;
use crate::platform::jobs::repeat::{self, Repeat};
use crate::platform::jobs::{self, Filing, Job, Registry, Run};
use crate::platform::queue::Outcome;
use crate::shopify::client::ShopifyError;
use crate::shopify::connect::{self, ConnectError};
use crate::shopify::deletions::CheckDeleted;
use crate::shopify::enrich::{EnrichOrder, FindOrder, LookAgain, ReassignOrders};
use crate::shopify::gid::Gid;
use crate::shopify::inventory::check::CheckStock;
use crate::shopify::inventory::push::PushStock;
use crate::shopify::mappings::bulk::jobs::{AcceptMatches, UndoBatch};
use crate::shopify::mappings::imports::BookMappings;
use crate::shopify::pictures::fetching::FetchPictures;
use crate::shopify::privacy::erasure::{EraseCustomer, EraseShop};
use crate::shopify::products::import::{self, Imported};
use crate::shopify::products::{self, ImportError};
use crate::shopify::returns::ReadReturn;
use crate::shopify::shops::{GrantKind, Shop, ShopError, ShopState};
use crate::shopify::sync::fetch::FetchOrder;
use crate::shopify::sync::runs::SyncRun;
use crate::shopify::sync::watch::{self, LookForChanges};
use crate::shopify::{Connector, access, bulk, locations, outcome_of, registrar};
use crate::types::{At, JobId, ShopId};

const DAY: Duration = Duration::from_secs(86_400);

/// Makes the connector's jobs known.
pub fn register(registry: &mut Registry, cx: &Arc<Connector>) {
    registry.register::<SetUpShop>(cx);
    registry.register::<ImportProducts>(cx);
    registry.register::<ImportProduct>(cx);
    registry.register::<EndFile>(cx);
    registry.register::<FetchPictures>(cx);
    registry.register::<LookAfterShop>(cx);
    registry.register::<CheckUninstalled>(cx);
    registry.register::<CheckDeleted>(cx);
    registry.register::<ReadLocations>(cx);
    registry.register::<LookForChanges>(cx);
    registry.register::<SyncRun>(cx);
    registry.register::<FetchOrder>(cx);
    registry.register::<ReadScopes>(cx);
    registry.register::<ReadReturn>(cx);
    registry.register::<EraseCustomer>(cx);
    registry.register::<EraseShop>(cx);
    registry.register::<EnrichOrder>(cx);
    registry.register::<FindOrder>(cx);
    registry.register::<LookAgain>(cx);
    registry.register::<BookMappings>(cx);
    registry.register::<AcceptMatches>(cx);
    registry.register::<UndoBatch>(cx);
    registry.register::<ReassignOrders>(cx);
    registry.register::<PushStock>(cx);
    registry.register::<CheckStock>(cx);
}

/// After a store was connected: its locations, its webhooks, its catalogue, and a look every day.
#[derive(Debug, Serialize, Deserialize)]
pub struct SetUpShop {
    pub shop: ShopId,
}

impl Job for SetUpShop {
    const KIND: &'static str = "shopify.set_up_shop";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.shop.to_string())
    }

    fn key(&self) -> Option<String> {
        Some(format!("shop/{}/set-up", self.shop))
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        let shop = match living(&cx, self.shop).await {
            Ok(shop) => shop,
            Err(outcome) => return outcome,
        };
        let done = async {
            import_locations(&cx, &shop).await?;
            registrar::register(&cx, &shop).await
        };
        if let Err(error) = done.await {
            return outcome_of(self.shop, &error);
        }
        file(&cx, &shop).await
    }
}

/// Reads a store's whole catalogue into the mirror.
#[derive(Debug, Serialize, Deserialize)]
pub struct ImportProducts {
    pub shop: ShopId,
}

impl Job for ImportProducts {
    const KIND: &'static str = "shopify.import_products";
    // An import runs for minutes: others must find room beside several of them.
    const AT_ONCE: usize = 2;
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.shop.to_string())
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        match import::run(&cx, self.shop, run.job).await {
            Ok(Imported::Through | Imported::Cancelled) => Outcome::Done,
            Ok(Imported::Waits { cause, reason }) => Outcome::WaitFor { cause, reason },
            Err(error) => import_outcome(self.shop, error),
        }
    }
}

/// Has Shopify end a file that nobody waits for any more.
#[derive(Debug, Serialize, Deserialize)]
pub struct EndFile {
    pub shop: ShopId,
    /// The operation's gid.
    pub operation: String,
}

impl Job for EndFile {
    const KIND: &'static str = "shopify.end_file";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.operation.clone())
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        match bulk::cancel(&cx, self.shop, &self.operation).await {
            Ok(()) => Outcome::Done,
            Err(error) => outcome_of(self.shop, &error),
        }
    }
}

/// Reads one product that a webhook told only in part.
#[derive(Debug, Serialize, Deserialize)]
pub struct ImportProduct {
    pub shop: ShopId,
    /// The number of its gid.
    pub product: String,
}

impl Job for ImportProduct {
    const KIND: &'static str = "shopify.import_product";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(format!("{}/{}", self.shop, self.product))
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        let Some(product) = Gid::from_digits(&self.product) else {
            return Outcome::dead("the product's id is not a number");
        };
        match products::import_one(&cx, self.shop, product).await {
            Ok(()) => Outcome::Done,
            Err(error) => import_outcome(self.shop, error),
        }
    }
}

fn import_outcome(shop: ShopId, error: ImportError) -> Outcome {
    match error {
        ImportError::Call(error) => outcome_of(shop, &error),
        ImportError::Shop(ShopError::NotFound) => Outcome::dead("there is no such store"),
        ImportError::Shop(error @ (ShopError::Secret(_) | ShopError::Db(_))) => {
            Outcome::retry(error.to_string())
        }
        ImportError::Mapping(error) => Outcome::retry(error.to_string()),
        ImportError::Db(error) => Outcome::retry(error.to_string()),
        ImportError::Hopeless(reason) => Outcome::dead(reason),
    }
}

/// Every day: the token is refreshed even where nobody used it, and lost webhooks are registered again.
/// It has no key: while it waits for its day, it must not keep back what is filed behind it.
#[derive(Debug, Serialize, Deserialize)]
pub struct LookAfterShop {
    pub shop: ShopId,
    /// The day since 1970 it is for: a job of today files tomorrow's.
    pub day: i64,
}

impl Repeat for LookAfterShop {
    fn next(&self, _last: Option<JobId>, now: At) -> (Self, Duration) {
        let next = LookAfterShop {
            shop: self.shop,
            day: i64::try_from(now.after(DAY).since(At(0)).as_secs() / DAY.as_secs()).unwrap_or(0),
        };
        (next, DAY)
    }
}

impl Job for LookAfterShop {
    const KIND: &'static str = "shopify.look_after_shop";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(format!("{}/{}", self.shop, self.day))
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        let shop = match living(&cx, self.shop).await {
            Ok(shop) => shop,
            // Connecting it again files the next one.
            Err(_gone) => return Outcome::Done,
        };
        let result = if shop.grant_kind == GrantKind::OAuth && shop.access_expires_at.is_some() {
            access::renew(&cx, self.shop).await
        } else {
            Ok(())
        };
        let filed = file_look(&cx, &shop, self.day, Some(run.job)).await;
        let filed = filed.and(file_comparison(&cx, &shop).await);
        match (result, filed) {
            (_, Err(error)) => Outcome::retry(error.to_string()),
            (Err(error), Ok(())) => outcome_of(self.shop, &error),
            (Ok(()), Ok(())) => Outcome::Done,
        }
    }
}

/// A webhook says that the app was uninstalled: the API is asked before anything is believed.
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckUninstalled {
    pub shop: ShopId,
    pub event_at: At,
}

impl Job for CheckUninstalled {
    const KIND: &'static str = "shopify.check_uninstalled";
    type Context = Connector;

    // Another message may be of another installation.
    fn dedupe_key(&self) -> Option<String> {
        Some(format!("{}/{}", self.shop, self.event_at.0))
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        match connect::confirm_uninstalled(&cx, self.shop, self.event_at).await {
            Ok(true) => Outcome::Done,
            Ok(false) => Outcome::Superseded,
            Err(ConnectError::Call(error)) => outcome_of(self.shop, &error),
            Err(ConnectError::Shop(ShopError::NotFound)) => Outcome::dead("there is no such store"),
            Err(error) => Outcome::retry(error.to_string()),
        }
    }
}

/// A location was made, changed or deleted: all of them are read again.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReadLocations {
    pub shop: ShopId,
}

impl Job for ReadLocations {
    const KIND: &'static str = "shopify.read_locations";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.shop.to_string())
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        let shop = match living(&cx, self.shop).await {
            Ok(shop) => shop,
            Err(outcome) => return outcome,
        };
        match import_locations(&cx, &shop).await {
            Ok(()) => Outcome::Done,
            Err(error) => outcome_of(self.shop, &error),
        }
    }
}

/// The store granted or took scopes: what was granted is what the API says, and with it the webhooks that
/// can be had.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReadScopes {
    pub shop: ShopId,
}

impl Job for ReadScopes {
    const KIND: &'static str = "shopify.read_scopes";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.shop.to_string())
    }

    fn key(&self) -> Option<String> {
        Some(format!("shop/{}/set-up", self.shop))
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        if let Err(outcome) = living(&cx, self.shop).await {
            return outcome;
        }
        let done = async {
            let shop = connect::read_scopes(&cx, self.shop).await?;
            Ok::<(), ConnectError>(registrar::register(&cx, &shop).await?)
        };
        match done.await {
            Ok(()) => Outcome::Done,
            Err(ConnectError::Call(error)) => outcome_of(self.shop, &error),
            Err(error) => Outcome::retry(error.to_string()),
        }
    }
}

async fn import_locations(cx: &Connector, shop: &Shop) -> Result<(), ShopifyError> {
    let fetched = match locations::fetch(cx, shop.id).await {
        Ok(fetched) => fetched,
        // The card says which scope is missing; orders come in without.
        Err(ShopifyError::AccessDenied { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let id = shop.id;
    cx.db
        .write(move |conn| locations::store(conn, id, &fetched))
        .await
        .map_err(|error: DbError| ShopifyError::Unexpected(error.to_string()))
}

/// After the set-up: the catalogue at once, a look for changes from now on, a look at the store itself tomorrow.
async fn file(cx: &Connector, shop: &Shop) -> Outcome {
    let (now, import) = (cx.clock.now(), ImportProducts { shop: shop.id });
    let of = shop.clone();
    let filing = Filing {
        shop_domain: Some(shop.domain.to_string()),
        ..Filing::default()
    };
    let filed = cx
        .db
        .write(move |conn| {
            watch::follow(conn, &of, now)?;
            jobs::enqueue(conn, &import, &filing, now).map(drop)
        })
        .await;
    let looked = file_look(cx, shop, 0, None).await;
    match filed.and(looked) {
        Ok(()) => Outcome::Done,
        Err(error) => Outcome::retry(error.to_string()),
    }
}

async fn file_look(
    cx: &Connector,
    shop: &Shop,
    day: i64,
    last: Option<JobId>,
) -> Result<(), DbError> {
    let now = cx.clock.now();
    let look = LookAfterShop { shop: shop.id, day };
    let filing = Filing {
        shop_domain: Some(shop.domain.to_string()),
        ..Filing::default()
    };
    cx.db
        .write(move |conn| repeat::file_next(conn, &look, last, filing, now))
        .await
}

/// Has the scopes read and the webhooks compared, behind whatever else sets the store up.
async fn file_comparison(cx: &Connector, shop: &Shop) -> Result<(), DbError> {
    let (now, job) = (cx.clock.now(), ReadScopes { shop: shop.id });
    let filing = Filing {
        shop_domain: Some(shop.domain.to_string()),
        ..Filing::default()
    };
    cx.db
        .write(move |conn| jobs::enqueue(conn, &job, &filing, now).map(drop))
        .await
}

/// The shop, if work for it makes sense.
pub(crate) async fn living(cx: &Connector, id: ShopId) -> Result<Shop, Outcome> {
    let shop = cx.shop(id).await.map_err(|error| match error {
        ShopError::NotFound => Outcome::dead("there is no such store"),
        error @ (ShopError::Secret(_) | ShopError::Db(_)) => Outcome::retry(error.to_string()),
    })?;
    match shop.state {
        ShopState::Active => Ok(shop),
        ShopState::Disconnected => Err(Outcome::Superseded),
        ShopState::NeedsReconnect => Err(outcome_of(id, &ShopifyError::Unauthorized)),
    }
}
