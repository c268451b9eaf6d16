//! The orders that differ: noted when they are found, handed to whoever fetches them, closed when we know what the
//! store told.
use std::collections::HashMap;

use jiff::tz::TimeZone;

use crate::platform::db::{DbConnection, DbError};
use crate::shopify::shops::Shop;
use crate::shopify::sync::compare::{self, Difference, Ours, Theirs};
use crate::shopify::sync::queries::{gaps, ours};
use crate::shopify::sync::{GapKind, days};
use crate::types::At;

/// What differs between a list of the store and what we have, without what a stored webhook is about to bring.
///
/// # Errors
///
/// The database's.
pub fn find(
    conn: &mut DbConnection,
    shop: &Shop,
    theirs: &[Theirs],
) -> Result<Vec<Difference>, DbError> {
    let ids: Vec<&str> = theirs.iter().map(|order| order.id.as_str()).collect();
    let known = ours::known(conn, shop, &ids)?;
    let differing = compare::differences(theirs, &known);
    if differing.is_empty() {
        return Ok(differing);
    }
    let ids: Vec<&str> = differing.iter().map(|one| one.id.as_str()).collect();
    let awaited: HashMap<String, Ours> = ours::awaited(conn, shop, &ids)?
        .into_iter()
        .map(|id| (id, Ours::Awaited))
        .collect();
    Ok(differing
        .into_iter()
        .filter(|one| !awaited.contains_key(&one.id))
        .collect())
}

/// Notes differences.
///
/// # Errors
///
/// The database's.
pub fn note(
    conn: &mut DbConnection,
    shop: &Shop,
    zone: &TimeZone,
    found: &[Difference],
    now: At,
) -> Result<(), DbError> {
    for one in found {
        let gap = gaps::NewGap {
            shop_id: shop.id,
            external_id: &one.id,
            kind: one.kind,
            name: &one.name,
            day: days::day_of(one.placed_at, zone).to_string(),
            changed_there_at: one.changed_there_at,
            found_at: now,
        };
        gaps::upsert(conn, &gap)?;
    }
    Ok(())
}

/// Closes what is no difference any more.
///
/// # Errors
///
/// The database's.
pub fn heal(conn: &mut DbConnection, shop: &Shop, now: At) -> Result<(), DbError> {
    let healed = gaps::list_healed(conn, shop.id, shop.channel)?;
    gaps::mark_healed(conn, &healed, now)
}

/// The API shows an order that a list lacked: it is no difference.
///
/// # Errors
///
/// The database's.
pub fn still_there(
    conn: &mut DbConnection,
    shop: &Shop,
    order: &str,
    now: At,
) -> Result<(), DbError> {
    let open = gaps::list_open_of(conn, shop.id, order, GapKind::Gone)?;
    gaps::mark_healed(conn, &open, now)
}

/// How many orders are not here as the store has them, and since when the oldest has been waiting there.
///
/// # Errors
///
/// The database's.
pub fn open(conn: &mut DbConnection, shop: &Shop, now: At) -> Result<(i64, Option<At>), DbError> {
    heal(conn, shop, now)?;
    gaps::count_open(conn, shop.id)
}

/// In words: what is wrong with the order.
#[must_use]
pub const fn words(kind: GapKind) -> &'static str {
    match kind {
        GapKind::Missing => "Not here",
        GapKind::Outdated => "Older here",
        GapKind::Gone => "Not in Shopify",
    }
}
