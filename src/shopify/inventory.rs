//! Stock in step with a store, both ways; off until a store's settings say otherwise.
//!
//! What changes here or there leaves a mark (`queries/marks.rs`), in the same transaction and with nothing to wait for.
//! One job a store gathers them (`push`): many changes of an item at a location are one number (`offer`), and up to 250
//! numbers are one call. What a store tells is a hint: read in full (`read`) before anything is booked, and booked only
//! where the store is master of the location. `check` compares everything each night. `shown` is what pages say of it.
pub mod check;
mod gather;
pub mod offer;
mod plan;
pub mod push;
pub mod queries;
pub mod read;
pub mod shown;
mod verdict;

use std::time::Duration;

use crate::erp::events::StockChanged;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing};
use crate::shopify::inventory::offer::Rule;
use crate::shopify::inventory::push::PushStock;
use crate::shopify::inventory::queries::marks::{self, NewMark};
use crate::shopify::shops::Shop;
use crate::text_enum;
use crate::types::{At, ProductId, ShopId, UserId};

/// Changes within so long are told in one call.
pub const COALESCE: Duration = Duration::from_secs(2);

text_enum! {
    /// Whose number counts at a location.
    Master {
        /// Ours is pushed to the store.
        Erp = "erp",
        /// The store's is booked here.
        Store = "store",
    }
}

text_enum! {
    /// Why a number is looked at.
    MarkKind {
        /// Pieces came or went here.
        Moved = "moved",
        /// Promises changed here.
        Promised = "promised",
        /// A variant was mapped.
        Mapped = "mapped",
        /// The store told a number.
        Told = "told",
        /// A person asks for it.
        Asked = "asked",
    }
}

/// How a store's stock is kept in step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub is_on: bool,
    pub rule: Rule,
}

/// What an `inventory_levels/update` says.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The digits of the inventory item.
    pub item: &'a str,
    /// The digits of the store's location.
    pub place: &'a str,
    /// `None`: it is not tracked.
    pub available: Option<i64>,
    pub at: At,
}

/// Marks what changed here, for every store that is to know of it.
///
/// # Errors
///
/// The database's.
pub fn on_stock_changed(
    conn: &mut DbConnection,
    changes: &[StockChanged],
    now: At,
) -> Result<(), DbError> {
    for (shop, domain) in queries::list_on(conn)? {
        let rows: Vec<NewMark<'_>> = changes
            .iter()
            .map(|change| NewMark {
                product_id: Some(change.product),
                location_id: Some(change.location),
                ..NewMark::new(shop, mark_of(*change), now)
            })
            .collect();
        marks::insert(conn, &rows)?;
        file(conn, shop, &domain, COALESCE, now)?;
    }
    Ok(())
}

const fn mark_of(change: StockChanged) -> MarkKind {
    if change.moved {
        MarkKind::Moved
    } else {
        MarkKind::Promised
    }
}

/// Marks what a store told. False: nothing here follows it.
///
/// # Errors
///
/// The database's.
pub fn on_told(
    conn: &mut DbConnection,
    shop: &Shop,
    told: Told<'_>,
    now: At,
) -> Result<bool, DbError> {
    if !queries::find_settings(conn, shop.id)?.is_on {
        return Ok(false);
    }
    let row = NewMark {
        item_external_id: Some(told.item),
        place_external_id: Some(told.place),
        available: told.available,
        told_at: Some(told.at),
        ..NewMark::new(shop.id, MarkKind::Told, now)
    };
    marks::insert(conn, &[row])?;
    file(conn, shop.id, shop.domain.as_str(), COALESCE, now)?;
    Ok(true)
}

/// Has an item looked at in one store, at all its locations: it was mapped, or `by` asks for it.
///
/// # Errors
///
/// The database's.
pub fn mark_item(
    conn: &mut DbConnection,
    shop: &Shop,
    product: ProductId,
    kind: MarkKind,
    by: Option<UserId>,
    now: At,
) -> Result<bool, DbError> {
    if !queries::find_settings(conn, shop.id)?.is_on {
        return Ok(false);
    }
    let row = NewMark {
        product_id: Some(product),
        made_by: by,
        ..NewMark::new(shop.id, kind, now)
    };
    marks::insert(conn, &[row])?;
    let delay = match kind {
        MarkKind::Asked => Duration::ZERO,
        MarkKind::Moved | MarkKind::Promised | MarkKind::Mapped | MarkKind::Told => COALESCE,
    };
    file(conn, shop.id, shop.domain.as_str(), delay, now)?;
    Ok(true)
}

/// Changes a store's settings; turned on or changed, all its numbers are compared at once.
///
/// # Errors
///
/// The database's.
pub fn change(
    conn: &mut DbConnection,
    shop: &Shop,
    settings: Settings,
    by: Option<UserId>,
    now: At,
) -> Result<(), DbError> {
    queries::set_settings(conn, shop.id, settings, by, now)?;
    if settings.is_on {
        check::begin(conn, shop, by, now)?;
    } else {
        marks::delete_all(conn, shop.id)?;
        queries::levels::clear_all(conn, shop.id)?;
    }
    Ok(())
}

/// Another location of ours is behind one of the store's: all its numbers are compared.
///
/// # Errors
///
/// The database's.
pub fn on_places_changed(
    conn: &mut DbConnection,
    shop: &Shop,
    by: UserId,
    now: At,
) -> Result<(), DbError> {
    if queries::find_settings(conn, shop.id)?.is_on {
        check::begin(conn, shop, Some(by), now)?;
    }
    Ok(())
}

/// Looks after a store every few minutes: begins what is due, and finds marks that nobody was called for.
///
/// # Errors
///
/// The database's.
pub fn look_after(conn: &mut DbConnection, shop: &Shop, now: At) -> Result<(), DbError> {
    if !queries::find_settings(conn, shop.id)?.is_on {
        return Ok(());
    }
    check::begin_nightly(conn, shop, now)?;
    if marks::is_any(conn, shop.id)? || queries::levels::next_due(conn, shop.id)?.is_some() {
        file(conn, shop.id, shop.domain.as_str(), Duration::ZERO, now)?;
    }
    Ok(())
}

/// Stores the one job that looks at a store's marks.
///
/// # Errors
///
/// The database's.
pub(crate) fn file(
    conn: &mut DbConnection,
    shop: ShopId,
    domain: &str,
    delay: Duration,
    now: At,
) -> Result<(), DbError> {
    let filing = Filing {
        shop_domain: Some(domain.to_owned()),
        delay,
        ..Filing::default()
    };
    jobs::enqueue(conn, &PushStock { shop }, &filing, now).map(drop)
}
