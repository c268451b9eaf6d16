//! Every number of a store beside ours: before the sync is turned on it shows what would change; each night, and after a
//! change of the settings, what differs is shown and mended.
use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::offer::{self, GRACE};
use super::plan::Shelves;
use super::queries::checks::{self, CheckRow};
use super::queries::levels::{self, Due, Found, Pair};
use super::queries::parts;
use super::queries::{self, PlaceRow, calls, quiet};
use super::read::{self, Seen};
use super::{Master, Settings};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing, Job, Run};
use crate::platform::queue::Outcome;
use crate::shopify::jobs::living;
use crate::shopify::shops::Shop;
use crate::shopify::sync::days;
use crate::shopify::{Connector, Haste, outcome_of};
use crate::types::{At, ShopId, UserId, VariantId};

/// Questions of one run; the next one goes on where it ends.
const MOST_STEPS: usize = 20;
/// For how long a call that ended can be looked at.
const CALLS_KEPT: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);

/// Compares the numbers of a store with ours.
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckStock {
    pub shop: ShopId,
    /// Begins anew with each run, so that a run may file the next one.
    pub from: (i64, VariantId),
    pub started_at: At,
}

impl Job for CheckStock {
    const KIND: &'static str = "shopify.check_stock";
    const AT_ONCE: usize = 2;
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        let (place, variant) = self.from;
        let started = self.started_at.0;
        Some(format!("{}/{started}/{place}/{variant}", self.shop))
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        match work(&cx, self.shop).await {
            Ok(outcome) | Err(outcome) => outcome,
        }
    }
}

/// Begins to compare; what differs is mended where the sync is on. One that is under way begins anew.
///
/// # Errors
///
/// The database's.
pub fn begin(
    conn: &mut DbConnection,
    shop: &Shop,
    by: Option<UserId>,
    now: At,
) -> Result<(), DbError> {
    let mends = queries::find_settings(conn, shop.id)?.is_on;
    if checks::insert(conn, shop.id, mends, by, now)?.is_none() {
        checks::restart(conn, shop.id, mends, now)?;
    }
    file(conn, shop, (0, VariantId(0)), now, now)
}

/// Begins the night's comparison, once a night of the store's time zone.
///
/// # Errors
///
/// The database's.
pub fn begin_nightly(conn: &mut DbConnection, shop: &Shop, now: At) -> Result<(), DbError> {
    let zone = days::zone(shop);
    if !days::is_night_over_to(now, &zone) {
        return Ok(());
    }
    let today = days::day_of(now, &zone);
    let last = checks::find_latest(conn, shop.id)?;
    if last.is_some_and(|last| days::day_of(last.started_at, &zone) == today) {
        return Ok(());
    }
    calls::delete_finished(conn, shop.id, now.before(CALLS_KEPT))?;
    begin(conn, shop, None, now)
}

fn file(
    conn: &mut DbConnection,
    shop: &Shop,
    from: (i64, VariantId),
    started_at: At,
    now: At,
) -> Result<(), DbError> {
    let job = CheckStock {
        shop: shop.id,
        from,
        started_at,
    };
    let filing = Filing {
        shop_domain: Some(shop.domain.to_string()),
        ..Filing::default()
    };
    jobs::enqueue(conn, &job, &filing, now).map(drop)
}

async fn work(cx: &Connector, shop: ShopId) -> Result<Outcome, Outcome> {
    let shop = living(cx, shop).await?;
    for _ in 0..MOST_STEPS {
        let of = shop.clone();
        let next = cx.db.read(move |conn| next(conn, &of)).await;
        let Some(step) = next.map_err(|error: DbError| Outcome::retry(error.to_string()))? else {
            return Ok(Outcome::Done);
        };
        let asked_at = cx.clock.now();
        let seen = if step.items.is_empty() {
            HashMap::new()
        } else {
            let place = &step.place.external_id;
            read::fetch(cx, shop.id, Haste::Patient, (place, &step.items))
                .await
                .map_err(|error| outcome_of(shop.id, &error))?
        };
        let (of, now) = (shop.clone(), cx.clock.now());
        let kept = cx
            .db
            .write(move |conn| keep(conn, &of, &step, &seen, (asked_at, now)))
            .await;
        let goes_on = kept.map_err(|error: DbError| Outcome::retry(error.to_string()))?;
        if !goes_on {
            return Ok(Outcome::Done);
        }
    }
    let (of, now) = (shop.clone(), cx.clock.now());
    let filed = cx
        .db
        .write(move |conn| match checks::find_open(conn, of.id)? {
            Some(check) => {
                let from = (check.after_place, check.after_variant);
                file(conn, &of, from, check.started_at, now)
            }
            None => Ok(()),
        })
        .await;
    filed.map_err(|error: DbError| Outcome::retry(error.to_string()))?;
    Ok(Outcome::Done)
}

/// The variants that are compared next, all at one place.
struct Portion {
    check: CheckRow,
    place: PlaceRow,
    variants: Vec<VariantId>,
    items: Vec<String>,
    /// Nothing comes behind this place.
    is_last: bool,
}

fn next(conn: &mut DbConnection, shop: &Shop) -> Result<Option<Portion>, DbError> {
    let Some(check) = checks::find_open(conn, shop.id)? else {
        return Ok(None);
    };
    let mut places = queries::list_places(conn, shop.id)?;
    places.retain(|place| place.active && place.location.is_some());
    places.sort_by_key(|place| place.id);
    let mut open = places
        .into_iter()
        .filter(|place| place.id >= check.after_place);
    let Some(place) = open.next() else {
        // No place is ours: nothing to compare.
        return Ok(Some(Portion {
            place: nowhere(),
            check,
            variants: Vec::new(),
            items: Vec::new(),
            is_last: true,
        }));
    };
    let after = if place.id == check.after_place {
        check.after_variant
    } else {
        VariantId(0)
    };
    let at_once = i64::try_from(read::AT_ONCE).unwrap_or(1);
    let variants = parts::list_mapped_after(conn, shop.id, after, at_once)?;
    Ok(Some(Portion {
        items: parts::list_items(conn, &variants)?,
        is_last: variants.is_empty() && open.next().is_none(),
        check,
        place,
        variants,
    }))
}

fn nowhere() -> PlaceRow {
    PlaceRow {
        id: i64::MAX,
        external_id: String::new(),
        name: String::new(),
        active: false,
        location: None,
        master: Master::Erp,
    }
}

/// Keeps what was read and compares it. False: there is nothing more to do.
fn keep(
    conn: &mut DbConnection,
    shop: &Shop,
    portion: &Portion,
    seen: &HashMap<String, Seen>,
    (asked_at, now): (At, At),
) -> Result<bool, DbError> {
    let Portion {
        check,
        place,
        variants,
        ..
    } = portion;
    if portion.is_last {
        checks::mark_finished(conn, check, now)?;
        if check.mends {
            super::file(conn, shop.id, shop.domain.as_str(), GRACE, now)?;
        }
        return Ok(false);
    }
    // Nothing is left at this place: the next one from its first variant on.
    let Some(last) = variants.last() else {
        let behind = (place.id.saturating_add(1), VariantId(0));
        return checks::advance(conn, check, behind, (0, 0));
    };
    let settings = queries::find_settings(conn, shop.id)?;
    let pairs: Vec<Pair> = variants.iter().map(|id| (*id, place.id)).collect();
    levels::ensure(conn, shop.id, &pairs)?;
    let shelves = Shelves::load(conn, variants)?;
    let is_busy = quiet::has_open_orders(conn, shop.domain.as_str(), now)?;
    let (mut compared, mut differed) = (0, 0);
    for found in levels::list_at(conn, place.id, variants)? {
        let Some(seen) = found.address.item.as_ref().and_then(|item| seen.get(item)) else {
            continue;
        };
        levels::set_seen(conn, found.row.id, seen, asked_at)?;
        compared += 1;
        let (offered, by) = difference(conn, shop, settings, &shelves, &found, seen)?;
        let differs = by != 0;
        if differs && settings.is_on {
            let due = Due {
                at: now.after(GRACE),
                since: now,
                by: None,
                must_read: found.address.master == Master::Store,
                again: false,
            };
            levels::mark_due(conn, (found.row.variant_id, place.id), due)?;
        }
        // What is on its way already, or may be, is no drift.
        let is_drift = differs && (!settings.is_on || !(is_busy || found.row.due_since.is_some()));
        let noted = is_drift.then_some((check.started_at, by));
        levels::set_compared(conn, found.row.id, offered, noted)?;
        differed += i64::from(is_drift);
    }
    checks::advance(conn, check, (place.id, *last), (compared, differed))
}

/// What we offer, and by how much the store's number is another; 0 where there is nothing to compare.
fn difference(
    conn: &mut DbConnection,
    shop: &Shop,
    settings: Settings,
    shelves: &Shelves,
    found: &Found,
    seen: &Seen,
) -> Result<(Option<i64>, i64), DbError> {
    let parts = shelves.parts(found);
    let offered = parts.map(|parts| offer::offer(&parts, settings.rule));
    if !seen.tracked || !seen.stocked {
        return Ok((offered, 0));
    }
    if found.address.master == Master::Erp {
        let by = offered.zip(seen.available);
        return Ok((offered, by.map_or(0, |(ours, theirs)| theirs - ours)));
    }
    let product = read::only_item(conn, shop.id, found.row.variant_id)?;
    let (Some(product), Some(location), Some(there)) =
        (product, found.address.location, seen.on_hand)
    else {
        return Ok((offered, 0));
    };
    let here = read::on_hand_here(conn, product, location)?;
    Ok((offered, there.max(0) - here))
}
