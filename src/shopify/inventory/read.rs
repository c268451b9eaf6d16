//! What a store has: read in full, and booked here where the store is master of the location.
use std::collections::HashMap;

use crate::erp::stock::queries as stock_rows;
use crate::erp::stock::{self, Movement, StockError};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::client::ShopifyError;
use crate::shopify::gid::{self, Gid};
use crate::shopify::graphql::{InventoryAt, inventory_at as payload};
use crate::shopify::inventory::offer::GRACE;
use crate::shopify::inventory::queries::levels::Found;
use crate::shopify::inventory::queries::parts;
use crate::shopify::inventory::queries::{marks, quiet};
use crate::shopify::shops::Shop;
use crate::shopify::{Connector, Haste};
use crate::types::{At, LocationId, ProductId, ShopId, VariantId};

/// Items of one question: with their quantities far below what Shopify lets one query cost.
pub const AT_ONCE: usize = 100;
/// Why a movement was booked that the store told of.
pub const REASON: &str = "counted in the store";

/// The numbers of an inventory item at a location.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub tracked: bool,
    /// Whether the location keeps it.
    pub stocked: bool,
    pub available: Option<i64>,
    pub on_hand: Option<i64>,
    pub committed: Option<i64>,
}

/// How a number of the store's was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booked {
    /// Here it is what it is there.
    Done,
    /// Something is on its way that may explain the difference.
    Later,
}

/// Asks what these inventory items have at a location; one that the store no longer knows has nothing.
///
/// # Errors
///
/// The call's.
pub async fn fetch(
    cx: &Connector,
    shop: ShopId,
    haste: Haste,
    (place, items): (&str, &[String]),
) -> Result<HashMap<String, Seen>, ShopifyError> {
    let mut all: HashMap<String, Seen> = items
        .iter()
        .map(|item| (item.clone(), Seen::default()))
        .collect();
    for some in items.chunks(AT_ONCE) {
        let variables = payload::Variables {
            ids: some
                .iter()
                .map(|item| gid_of::<gid::InventoryItem>(item))
                .collect(),
            location: gid_of::<gid::Location>(place),
        };
        let answer = cx.call::<InventoryAt>(shop, haste, variables).await?;
        for node in answer.data.nodes.into_iter().flatten() {
            if let payload::InventoryAtNodes::InventoryItem(item) = node
                && let Some(id) = Gid::<gid::InventoryItem>::parse(&item.id)
            {
                all.insert(id.digits(), seen(&item));
            }
        }
    }
    Ok(all)
}

/// The gid behind the digits that our tables keep.
pub(super) fn gid_of<K: gid::Kind>(digits: &str) -> String {
    Gid::<K>::from_digits(digits).map_or_else(|| digits.to_owned(), |gid| gid.to_string())
}

fn seen(item: &payload::InventoryAtNodesOnInventoryItem) -> Seen {
    let level = item.inventory_level.as_ref();
    let quantity = |name: &str| {
        let quantities = &level?.quantities;
        let found = quantities.iter().find(|one| one.name == name)?;
        Some(found.quantity)
    };
    let stocked = level.is_some_and(|level| level.is_active);
    Seen {
        tracked: item.tracked,
        stocked,
        available: quantity("available").filter(|_| item.tracked && stocked),
        on_hand: quantity("on_hand"),
        committed: quantity("committed"),
    }
}

/// Makes what lies here what lies there, where nothing is on its way that explains the difference: a sale, whose order
/// we have not booked, or a shipment, of which the store was not told.
///
/// # Errors
///
/// The database's.
pub fn book(
    conn: &mut DbConnection,
    shop: &Shop,
    found: &Found,
    seen: &Seen,
    asked_at: At,
    now: At,
) -> Result<Booked, DbError> {
    let (Some(location), Some(on_hand), true) = (
        found.address.location,
        seen.on_hand,
        seen.stocked && seen.tracked,
    ) else {
        return Ok(Booked::Done);
    };
    let Some(product) = only_item(conn, shop.id, found.row.variant_id)? else {
        return Ok(Booked::Done);
    };
    let domain = shop.domain.as_str();
    if quiet::has_open_orders(conn, domain, asked_at.after(GRACE))?
        || quiet::has_open_shipments(conn, domain, product)?
    {
        return Ok(Booked::Later);
    }
    let here = on_hand_here(conn, product, location)?;
    let movement = Movement {
        product,
        location,
        lot: None,
        // Fewer than none cannot lie anywhere.
        quantity: on_hand.max(0) - here,
        reason: REASON,
        source: &format!("shopify:{domain}"),
        user: None,
    };
    if movement.quantity != 0 {
        match stock::adjust_any(conn, &movement, now) {
            Ok(())
            | Err(
                StockError::NotEnough { .. }
                | StockError::NoReason
                | StockError::Nothing
                | StockError::SerialTwice(_),
            ) => {}
            Err(StockError::Db(error)) => return Err(error),
        }
    }
    // What was marked until now is answered, by this very movement as well.
    marks::delete_of(conn, shop.id, product, location)?;
    Ok(Booked::Done)
}

/// The item that a variant is, piece by piece, where no other variant of the store is it as well: what lies there can be
/// said to lie here for such a one alone.
///
/// # Errors
///
/// The database's.
pub fn only_item(
    conn: &mut DbConnection,
    shop: ShopId,
    variant: VariantId,
) -> Result<Option<ProductId>, DbError> {
    let parts = parts::list_parts(conn, &[variant])?;
    let [(_variant, product, 1)] = parts[..] else {
        return Ok(None);
    };
    let sharers = parts::list_variants_with(conn, shop, &[product])?;
    let alone = sharers.iter().all(|(_product, other)| *other == variant);
    Ok(alone.then_some(product))
}

/// # Errors
///
/// The database's.
pub fn on_hand_here(
    conn: &mut DbConnection,
    product: ProductId,
    location: LocationId,
) -> Result<i64, DbError> {
    let levels = stock_rows::levels_of(conn, &[product])?;
    let here = levels.iter().filter(|level| level.location_id == location);
    Ok(here.map(|level| level.on_hand).sum())
}
