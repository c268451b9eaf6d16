//! What the demo's ERP has on its shelves, and the waiting for what happens in the background.
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::ToSpan as _;
use jiff::tz::TimeZone;

use super::CommandError;
use crate::app::Counterfoil;
use crate::erp::locations::{self, NewLocation};
use crate::erp::orders;
use crate::erp::products::{self, NewProduct, ProductError, Tracking};
use crate::erp::stock::{self, Movement, lots};
use crate::platform::db::DbConnection;
use crate::practice::catalogue::{CatalogueItem, catalogue};
use crate::shopify::mappings::{By, bulk};
use crate::shopify::{shops, unmapped};
use crate::types::{At, LocationId, ProductId, VariantId};

/// How often to look whether the background is done.
const LOOK: Duration = Duration::from_millis(100);
/// The demo's store sells some dozens.
const MOST_VARIANTS: i64 = 1_000;

/// Puts the ordinary articles of the catalogue on our own shelves; what is there already stays.
pub(super) async fn stock_up(counterfoil: &Counterfoil) -> Result<(), CommandError> {
    let now = counterfoil.clock.now();
    let goods: Vec<CatalogueItem> = catalogue()
        .into_iter()
        .filter(|item| item.ordinary && item.sku.is_some())
        .collect();
    counterfoil
        .db
        .write(move |conn| {
            let mut places = BTreeMap::new();
            for item in &goods {
                for name in item.quantities.keys() {
                    if !places.contains_key(name) {
                        let place = NewLocation {
                            name: name.clone(),
                            ..NewLocation::default()
                        };
                        places.insert(name.clone(), locations::ensure(conn, &place)?);
                    }
                }
                put_on_shelf(conn, item, &places, now)?;
            }
            Ok::<(), CommandError>(())
        })
        .await
}

fn put_on_shelf(
    conn: &mut DbConnection,
    item: &CatalogueItem,
    places: &BTreeMap<String, LocationId>,
    now: At,
) -> Result<(), CommandError> {
    let new = NewProduct {
        sku: item.sku.clone().unwrap_or_default(),
        name: item.title.clone(),
        barcode: item.barcode.clone(),
        weight_grams: Some(i64::from(item.weight_grams)),
        ships: item.requires_shipping,
    };
    let product: ProductId = match products::create(conn, &new, now) {
        Ok(product) => product,
        // An earlier start that broke off had it already.
        Err(ProductError::SkuTaken(_)) => return Ok(()),
        Err(error) => return Err(CommandError::Told(error.to_string())),
    };
    let has_lots = item.title.contains("Matcha") && item.requires_shipping;
    if has_lots {
        products::set_tracking(conn, product, Tracking::Lot, None, now).map_err(told)?;
    }
    for (name, quantity) in &item.quantities {
        let Some(location) = places.get(name).copied().filter(|_| *quantity > 0) else {
            continue;
        };
        let movement = Movement {
            product,
            location,
            lot: None,
            quantity: *quantity,
            reason: "opening stock",
            source: "demo",
            user: None,
        };
        if has_lots {
            put_in_lots(conn, &movement, now)?;
        } else {
            stock::adjust(conn, &movement, now).map_err(told)?;
        }
    }
    Ok(())
}

/// Half of it in a lot that is good for six weeks, half in one that came later.
fn put_in_lots(conn: &mut DbConnection, all: &Movement<'_>, now: At) -> Result<(), CommandError> {
    let today = now.timestamp().to_zoned(TimeZone::UTC).date();
    let half = all.quantity / 2;
    for (nth, quantity, weeks) in [(1, half, 6), (2, all.quantity - half, 30)] {
        if quantity == 0 {
            continue;
        }
        let code = format!("L-26-{:02}{nth}", all.product.0);
        let best_before = today.checked_add(weeks.weeks()).ok();
        let lot = lots::name(conn, all.product, &code, best_before, now).map_err(told)?;
        let some = Movement {
            lot: Some(lot),
            quantity,
            ..all.clone()
        };
        stock::adjust(conn, &some, now).map_err(told)?;
    }
    Ok(())
}

fn told(error: impl std::error::Error) -> CommandError {
    CommandError::Told(error.to_string())
}

/// Waits until the products of the store are imported.
pub(super) async fn wait_for_import(
    counterfoil: &Counterfoil,
    patience: Duration,
) -> Result<(), CommandError> {
    wait(patience, "the products were not imported", async || {
        let known = counterfoil.db.read(unmapped::queries::count).await?;
        Ok(known > 0 && !is_importing(counterfoil).await?)
    })
    .await
}

async fn is_importing(counterfoil: &Counterfoil) -> Result<bool, CommandError> {
    let open = counterfoil
        .db
        .read(|conn| crate::platform::jobs::queries::count_open(conn, "shopify.import_products"))
        .await?;
    Ok(open > 0)
}

/// Maps most of what has the same SKU on both sides, as one click does on the mappings page. The rest
/// is left to the person who looks at the demo.
pub(super) async fn map_equal_skus(counterfoil: &Counterfoil) -> Result<(), CommandError> {
    let now = counterfoil.clock.now();
    counterfoil
        .db
        .write(move |conn| {
            for shop in shops::list(conn)? {
                let look = bulk::look(conn, &shop, VariantId(0), MOST_VARIANTS)?;
                let shown: Vec<VariantId> = look
                    .matches
                    .iter()
                    .enumerate()
                    .filter(|(place, _one)| place % 9 != 4)
                    .map(|(_place, (variant, _product))| *variant)
                    .collect();
                let by = By {
                    shop: &shop,
                    user: None,
                    now,
                };
                bulk::accept_exact(conn, by, &shown).map_err(told)?;
            }
            Ok::<(), CommandError>(())
        })
        .await
}

/// Waits until so many orders are in the ERP.
pub(super) async fn wait_for_orders(
    counterfoil: &Counterfoil,
    wanted: i64,
    patience: Duration,
) -> Result<(), CommandError> {
    wait(patience, "the orders did not arrive", async || {
        let have = counterfoil.db.read(orders::queries::count).await?;
        Ok(have >= wanted)
    })
    .await
}

async fn wait(
    patience: Duration,
    otherwise: &str,
    is_done: impl AsyncFn() -> Result<bool, CommandError>,
) -> Result<(), CommandError> {
    let mut left = patience;
    while !is_done().await? {
        if left.is_zero() {
            return Err(CommandError::Told(otherwise.to_owned()));
        }
        tokio::time::sleep(LOOK).await;
        left = left.saturating_sub(LOOK);
    }
    Ok(())
}
