//! The sentinel: every five minutes each store is asked what changed, by id and version, and what is not here as it is
//! there is fetched. It also begins what is due: the backup run, the night's pass, the pass after an outage.
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::repeat::{self, Repeat};
use crate::platform::jobs::{self, Filing, Job, Run};
use crate::platform::queue::pauses::{self, Scope};
use crate::platform::queue::{Outcome, Status};
use crate::shopify::client::ShopifyError;
use crate::shopify::inventory;
use crate::shopify::jobs::{ImportProducts, living};
use crate::shopify::products::import;
use crate::shopify::shops::{self, Shop, ShopState};
use crate::shopify::sync::ask::{self, Sort};
use crate::shopify::sync::queries::{self, Cursor, HalfHour};
use crate::shopify::sync::runs::{self, FileError, NewRun};
use crate::shopify::sync::{
    ALL_ORDERS, BACKUP_OVERLAP, GRACE, LOOK_EVERY, OUTAGE, OVERLAP, RunKind, SHOWN, Stream, days,
    fetch, gaps,
};
use crate::shopify::{Connector, Haste, outcome_of, registrar};
use crate::types::{At, JobId, ShopId};

/// Between two backup runs where nobody says otherwise.
pub const EVERY_MINUTES: i64 = 60;
const DAY: Duration = Duration::from_secs(86_400);
const HALF_HOUR: u64 = 1800;
/// Half-hours that are kept: a day's, and one that has begun.
const KEPT: i64 = 49;
/// Healed differences are shown for so long.
const GAPS_KEPT: Duration = Duration::from_secs(60 * 86_400);

/// Looks what changed in a store.
#[derive(Debug, Serialize, Deserialize)]
pub struct LookForChanges {
    pub shop: ShopId,
    /// Since 1970, in steps of [`LOOK_EVERY`].
    slot: u64,
    /// The run before: its row goes, or a year would leave a hundred thousand of them.
    before: Option<JobId>,
}

impl Repeat for LookForChanges {
    fn next(&self, last: Option<JobId>, now: At) -> (Self, Duration) {
        let next = LookForChanges {
            shop: self.shop,
            slot: now.after(LOOK_EVERY).since(At(0)).as_secs() / LOOK_EVERY.as_secs(),
            before: last,
        };
        (next, LOOK_EVERY)
    }

    fn before(&self) -> Option<JobId> {
        self.before
    }
}

impl Job for LookForChanges {
    const KIND: &'static str = "shopify.look_for_changes";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(format!("{}/{}", self.shop, self.slot))
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        let shop = match living(&cx, self.shop).await {
            Ok(shop) => shop,
            // Connecting it again files the next one.
            Err(_gone) => return Outcome::Done,
        };
        let (now, of) = (cx.clock.now(), shop.clone());
        let begun = cx
            .db
            .write(move |conn| {
                repeat::go_on(conn, &self, run.job, filing(&of), now)?;
                begin_look(conn, &of, now)
            })
            .await;
        let cursor = match begun {
            Ok(Some(cursor)) => cursor,
            Ok(None) => return Outcome::nothing_to_do("a person paused it"),
            Err(error) => return Outcome::retry(DbError::to_string(&error)),
        };
        let looked = look(&cx, &shop, &cursor).await;
        end_look(&cx, shop, looked).await
    }
}

/// Begins to follow a store: at its connection, and at the start of a process for each store.
///
/// # Errors
///
/// The database's.
pub fn follow(conn: &mut DbConnection, shop: &Shop, now: At) -> Result<(), DbError> {
    let from = shop.installed_at;
    queries::insert(conn, shop.id, Stream::Orders, (from, EVERY_MINUTES), now)?;
    let last = jobs::queries::find_latest(conn, LookForChanges::KIND, shop.domain.as_str())?;
    if last.is_some_and(|job| job.status < Status::Done.code()) {
        return Ok(());
    }
    let first = LookForChanges {
        shop: shop.id,
        slot: 0,
        before: None,
    };
    repeat::file_next(conn, &first, None, filing(shop), now)
}

/// Follows every connected store.
///
/// # Errors
///
/// The database's.
pub fn begin(conn: &mut DbConnection, now: At) -> Result<(), DbError> {
    for shop in shops::list(conn)? {
        if shop.state == ShopState::Active {
            follow(conn, &shop, now)?;
        }
    }
    Ok(())
}

/// Wants whole days compared from `from` on: webhooks may have been lost since.
///
/// # Errors
///
/// The database's.
pub fn catch_up(conn: &mut DbConnection, shop: ShopId, from: At) -> Result<(), DbError> {
    queries::set_pass_from(conn, shop, Stream::Orders, from)
}

fn filing(shop: &Shop) -> Filing {
    Filing {
        shop_domain: Some(shop.domain.to_string()),
        ..Filing::default()
    }
}

/// `None`: a person paused what it would bring in. It comes again every five minutes, so that it is not put aside with
/// the rest: nothing waits for it. Once it goes on it finds out by itself for how long nobody looked.
fn begin_look(conn: &mut DbConnection, shop: &Shop, now: At) -> Result<Option<Cursor>, DbError> {
    let is_paused = pauses::list(conn)?.iter().any(|pause| match &pause.scope {
        Scope::Incoming | Scope::Outgoing => true,
        Scope::Shop(_) => pause.scope == crate::shopify::pauses::scope(shop),
    });
    if is_paused {
        return Ok(None);
    }
    follow(conn, shop, now)?;
    let cursor = queries::find(conn, shop.id, Stream::Orders)?;
    if let Some(last) = cursor.as_ref().and_then(|cursor| cursor.looked_at)
        && now.since(last) > OUTAGE
    {
        catch_up(conn, shop.id, last.before(DAY))?;
    }
    Ok(cursor)
}

/// Reads what changed and notes what differs; returns how much that is.
async fn look(cx: &Connector, shop: &Shop, cursor: &Cursor) -> Result<i64, ShopifyError> {
    let search = ask::changed_since(cursor.looked_to.before(OVERLAP));
    let (mut after, mut to, mut count) = (None, cursor.looked_to, 0);
    loop {
        let listed = (search.as_str(), Sort::Changed);
        let page = ask::page(cx, shop.id, Haste::Now, listed, after).await?;
        let newest = page.orders.iter().map(|order| order.updated_at).max();
        to = newest.map_or(to, |newest| newest.max(to));
        let (of, now) = (shop.clone(), cx.clock.now());
        count += cx
            .db
            .write(move |conn| -> Result<i64, DbError> {
                let mut found = gaps::find(conn, &of, &page.orders)?;
                found.retain(|one| now.since(one.changed_there_at) > GRACE);
                gaps::note(conn, &of, &days::zone(&of), &found, now)?;
                fetch::hand_over(conn, &of, &found, now)?;
                queries::set_looked(conn, of.id, Stream::Orders, to, now)?;
                Ok(i64::try_from(found.len()).unwrap_or(i64::MAX))
            })
            .await
            .map_err(|error| ShopifyError::Unexpected(error.to_string()))?;
        after = page.next;
        if after.is_none() {
            return Ok(count);
        }
    }
}

async fn end_look(cx: &Connector, shop: Shop, looked: Result<i64, ShopifyError>) -> Outcome {
    let now = cx.clock.now();
    let (count, error) = match looked {
        Ok(count) => (count, None),
        Err(error @ ShopifyError::Throttled { .. }) => return outcome_of(shop.id, &error),
        Err(error) => (0, Some(error.to_string())),
    };
    let reason = error.clone();
    let written = cx
        .db
        .write(move |conn| {
            if let Some(error) = &error {
                queries::set_failed(conn, shop.id, Stream::Orders, error, now)?;
            }
            count_look(conn, shop.id, count, error.is_some(), now)?;
            gaps::heal(conn, &shop, now)?;
            file_due(conn, &shop, now)?;
            inventory::look_after(conn, &shop, now)?;
            if count > 0 {
                mend_silent(conn, &shop, now)?;
            }
            Ok::<(), DbError>(())
        })
        .await;
    match (written, reason) {
        (Err(error), _) => Outcome::retry(DbError::to_string(&error)),
        // The page says since when it fails; the next look comes anyway.
        (Ok(()), Some(reason)) => Outcome::nothing_to_do(reason),
        (Ok(()), None) => Outcome::Done,
    }
}

fn count_look(
    conn: &mut DbConnection,
    shop: ShopId,
    gaps: i64,
    has_failed: bool,
    now: At,
) -> Result<(), DbError> {
    let half_hour = half_hour(now);
    let look = HalfHour {
        half_hour,
        looks: 1,
        gaps,
        failures: i64::from(has_failed),
    };
    queries::count_look(conn, shop, Stream::Orders, look, half_hour - KEPT)
}

/// The half-hour since 1970 in which a moment lies.
#[must_use]
pub fn half_hour(at: At) -> i64 {
    i64::try_from(at.since(At(0)).as_secs() / HALF_HOUR).unwrap_or(0)
}

/// Begins the one thing that is due, if no run is under way.
fn file_due(conn: &mut DbConnection, shop: &Shop, now: At) -> Result<(), DbError> {
    for stream in Stream::ALL {
        if let Some(open) = queries::runs::find_open(conn, shop.id, *stream)? {
            runs::wake(conn, open.id, now)?;
        }
    }
    import::wake(conn, shop, now)?;
    let Some(cursor) = queries::find(conn, shop.id, Stream::Orders)? else {
        return Ok(());
    };
    let zone = days::zone(shop);
    let today = days::day_of(now, &zone).to_string();
    let oldest = oldest_shown(shop, now).max(cursor.known_from);
    let is_night = days::is_night_over_to(now, &zone);
    let every = Duration::from_secs(u64::try_from(cursor.every_minutes).unwrap_or(0) * 60);
    let run = if is_night && cursor.passed_on.as_deref() != Some(today.as_str()) {
        let from = now.before(SHOWN).max(cursor.known_from);
        NewRun::of_orders(shop, RunKind::Pass, from, now)
    } else if let Some(from) = cursor.pass_from {
        NewRun::of_orders(shop, RunKind::Pass, from.max(oldest), now)
    } else if !every.is_zero() && cursor.backup_at.is_none_or(|last| now.since(last) >= every) {
        let from = cursor.backup_to.before(BACKUP_OVERLAP).max(oldest);
        NewRun::of_orders(shop, RunKind::Backup, from, now)
    } else {
        return Ok(());
    };
    match runs::file(conn, &run, now) {
        Ok(_id) => {}
        // It is due at the next look as well.
        Err(FileError::Busy(_)) => return Ok(()),
        Err(FileError::Db(error)) => return Err(error),
    }
    // At its first pass a store was connected a moment ago, and its catalogue with it.
    let is_nightly = cursor.passed_on.is_some_and(|last| last != today);
    if run.kind == RunKind::Pass && is_nightly {
        queries::gaps::delete_healed(conn, shop.id, now.before(GAPS_KEPT))?;
        jobs::enqueue(conn, &ImportProducts { shop: shop.id }, &filing(shop), now)?;
    }
    Ok(())
}

/// The oldest order that the store shows this app.
#[must_use]
pub fn oldest_shown(shop: &Shop, now: At) -> At {
    if shop.scopes.covers(ALL_ORDERS) {
        At(0)
    } else {
        now.before(SHOWN)
    }
}

/// Orders changed and their webhooks did not tell: where they have brought nothing for a day, they are compared with
/// what Shopify has registered.
fn mend_silent(conn: &mut DbConnection, shop: &Shop, now: At) -> Result<(), DbError> {
    let silent = registrar::list(conn, shop.id)?
        .iter()
        .filter(|one| one.topic == "orders/updated" || one.topic == "orders/create")
        .any(|one| {
            one.last_received_at
                .is_none_or(|last| now.since(last) > DAY)
        });
    if silent && now.since(shop.installed_at) > DAY {
        let job = crate::shopify::jobs::ReadScopes { shop: shop.id };
        jobs::enqueue(conn, &job, &filing(shop), now)?;
    }
    Ok(())
}
