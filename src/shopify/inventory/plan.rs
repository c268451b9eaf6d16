//! What is to be done about the numbers that are due: nothing, read them, wait, or set them.
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::offer::{self, GRACE, Known, Part, Step};
use super::queries::levels::{self, Found};
use super::queries::parts;
use super::queries::{calls, quiet};
use super::read::{self, Booked, Seen};
use super::{Master, Settings};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::shops::Shop;
use crate::types::{At, LocationId, ProductId, VariantId};

/// A little less than a day, so that the nightly check tries it again.
const REFUSAL_HOLDS: Duration = Duration::from_secs(22 * 3600);

/// A number to set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Quantity {
    pub(super) level: i64,
    pub(super) item: String,
    pub(super) place: String,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// What is to be done next.
pub(super) enum Plan {
    /// Nothing is due.
    Idle,
    /// Some was settled without a word to the store.
    Settled,
    Read(Vec<Found>),
    /// A call is ready to be sent.
    Call,
}

/// Decides about what is due: settles what needs no word, and makes a call of the rest unless some has to be read first.
pub(super) fn plan(
    conn: &mut DbConnection,
    shop: &Shop,
    settings: Settings,
    limit: usize,
    now: At,
) -> Result<Plan, DbError> {
    let rows = i64::try_from(limit).unwrap_or(1);
    let due = levels::list_due(conn, shop.id, now, rows)?;
    if due.is_empty() {
        return Ok(Plan::Idle);
    }
    let (reads, known): (Vec<Found>, Vec<Found>) = due.into_iter().partition(needs_reading);
    if !reads.is_empty() {
        return Ok(Plan::Read(reads));
    }
    let variants: Vec<VariantId> = known.iter().map(|found| found.row.variant_id).collect();
    let shelves = Shelves::load(conn, &variants)?;
    let mut call = Vec::new();
    for found in &known {
        let parts = shelves.parts(found);
        let offered = parts.map(|parts| offer::offer(&parts, settings.rule));
        let (Some(offered), Some(available), Some(item), true) = (
            offered,
            found.row.available,
            &found.address.item,
            is_pushed(found) && !was_refused_lately(found, now),
        ) else {
            levels::clear(conn, found.row.id, offered)?;
            continue;
        };
        let seen = Known {
            available,
            told_at: found.row.known_at,
        };
        let mut waits = Ok(false);
        let step = offer::step(offered, seen, now, |until| {
            waits = quiet::has_open_orders(conn, shop.domain.as_str(), until);
            *waits.as_ref().unwrap_or(&true)
        });
        waits?;
        match step {
            Step::Nothing => levels::clear(conn, found.row.id, Some(offered))?,
            Step::Wait => levels::postpone(conn, found.row.id, now.after(GRACE), false)?,
            Step::Set { from, to } => call.push(Quantity {
                level: found.row.id,
                item: item.clone(),
                place: found.address.place.clone(),
                from,
                to,
            }),
        }
    }
    if call.is_empty() {
        return Ok(Plan::Settled);
    }
    let quantities = serde_json::to_string(&call).map_err(|error| {
        DbError::Query(diesel::result::Error::SerializationError(Box::new(error)))
    })?;
    calls::insert(conn, shop.id, &Uuid::now_v7().to_string(), &quantities, now)?;
    Ok(Plan::Call)
}

/// Whether its number has to be read before anything can be said.
fn needs_reading(found: &Found) -> bool {
    let is_unknown = found.row.available.is_none() && found.row.tracked.is_none();
    can_be_told(found) && (found.row.must_read || is_unknown)
}

/// Whether our number is set there.
fn is_pushed(found: &Found) -> bool {
    can_be_told(found)
        && found.address.master == Master::Erp
        && found.row.tracked != Some(false)
        && found.row.stocked != Some(false)
}

/// What Shopify refused is tried again once a day; asked for, it is forgotten before.
fn was_refused_lately(found: &Found, now: At) -> bool {
    let lately = |at: At| now.since(at) < REFUSAL_HOLDS;
    found.row.refused_at.is_some_and(lately)
}

/// Whether it is anywhere in the store that is a place of ours.
fn can_be_told(found: &Found) -> bool {
    let address = &found.address;
    address.item.is_some() && !address.is_gone && address.place_active && address.location.is_some()
}

/// Keeps what was read, and books it where the store is master.
pub(super) fn keep(
    conn: &mut DbConnection,
    shop: &Shop,
    rows: &[Found],
    seen: &HashMap<String, Seen>,
    asked_at: At,
    now: At,
) -> Result<(), DbError> {
    for found in rows {
        let Some(seen) = found.address.item.as_ref().and_then(|item| seen.get(item)) else {
            continue;
        };
        levels::set_seen(conn, found.row.id, seen, asked_at)?;
        if found.address.master != Master::Store {
            continue;
        }
        match read::book(conn, shop, found, seen, asked_at, now)? {
            Booked::Done => levels::clear(conn, found.row.id, None)?,
            Booked::Later => levels::postpone(conn, found.row.id, now.after(GRACE), true)?,
        }
    }
    Ok(())
}

/// What lies here of the items behind some variants.
pub(super) struct Shelves {
    parts: HashMap<VariantId, Vec<(ProductId, i64)>>,
    /// On hand, reserved, barred.
    stock: HashMap<(ProductId, LocationId), (i64, i64, i64)>,
}

impl Shelves {
    pub(super) fn load(
        conn: &mut DbConnection,
        variants: &[VariantId],
    ) -> Result<Shelves, DbError> {
        let mut parts: HashMap<VariantId, Vec<(ProductId, i64)>> = HashMap::new();
        let mut products = HashSet::new();
        for (variant, product, each) in parts::list_parts(conn, variants)? {
            parts.entry(variant).or_default().push((product, each));
            products.insert(product);
        }
        let products: Vec<ProductId> = products.into_iter().collect();
        let mut stock: HashMap<(ProductId, LocationId), (i64, i64, i64)> = HashMap::new();
        for row in parts::list_stock(conn, &products)? {
            let sum = stock.entry((row.product, row.location)).or_default();
            sum.0 += row.on_hand;
            sum.1 += row.reserved;
            sum.2 += if row.barred { row.on_hand } else { 0 };
        }
        Ok(Shelves { parts, stock })
    }

    /// The parts of a variant as they lie at its place; `None` where it is not mapped, or its place is not.
    pub(super) fn parts(&self, found: &Found) -> Option<Vec<Part>> {
        let location = found.address.location?;
        let parts = self.parts_at(found.row.variant_id, location);
        (!parts.is_empty()).then(|| parts.into_iter().map(|(_item, part)| part).collect())
    }

    /// Every item in any of them.
    pub(super) fn products(&self) -> Vec<ProductId> {
        let all: HashSet<ProductId> = self
            .parts
            .values()
            .flatten()
            .map(|(product, _each)| *product)
            .collect();
        all.into_iter().collect()
    }

    /// The items of a variant, each as it lies at a location.
    pub(super) fn parts_at(
        &self,
        variant: VariantId,
        location: LocationId,
    ) -> Vec<(ProductId, Part)> {
        let parts = self.parts.get(&variant).into_iter().flatten();
        parts
            .map(|(product, each)| {
                let at = (*product, location);
                let (on_hand, reserved, barred) = self.stock.get(&at).copied().unwrap_or_default();
                let part = Part {
                    on_hand,
                    reserved,
                    barred,
                    each: *each,
                };
                (*product, part)
            })
            .collect()
    }
}
