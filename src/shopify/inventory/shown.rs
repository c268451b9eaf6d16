//! What is offered of an item in each store, how that number comes about, and why a store was not told.
use std::collections::HashMap;

use super::offer::{self, Part, Rule};
use super::plan::Shelves;
use super::queries::levels::{self, Found, LevelRow};
use super::queries::parts;
use super::queries::shown as rows;
use super::queries::{self, PlaceRow};
use super::{Master, Settings};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::pauses::{self, Scope};
use crate::shopify::pauses::scope;
use crate::shopify::shops::{self, Shop, ShopState};
use crate::types::{At, ProductId, ShopId, UserId, VariantId};

/// Why a store was not told our number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    Off,
    Paused,
    NotConnected,
    NotMapped,
    Ignored,
    PlaceNotMapped,
    PlaceClosed,
    NotTracked,
    NotStocked,
    StoreCounts,
    /// Shopify's words.
    Refused(String),
    NotRead,
    /// It is about to be told.
    Waiting,
}

impl Why {
    /// As programs read it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Why::Off => "sync_off",
            Why::Paused => "paused",
            Why::NotConnected => "not_connected",
            Why::NotMapped => "not_mapped",
            Why::Ignored => "ignored",
            Why::PlaceNotMapped => "location_not_mapped",
            Why::PlaceClosed => "location_closed",
            Why::NotTracked => "not_tracked",
            Why::NotStocked => "not_stocked",
            Why::StoreCounts => "store_is_master",
            Why::Refused(_) => "refused",
            Why::NotRead => "not_read",
            Why::Waiting => "waiting",
        }
    }

    /// As a person reads it.
    #[must_use]
    pub fn words(&self) -> String {
        let words = match self {
            Why::Off => "The stock sync of this store is off",
            Why::Paused => "The store, or all that goes out, is paused",
            Why::NotConnected => "The store has to be connected again",
            Why::NotMapped => "No product of this store is mapped to this item",
            Why::Ignored => "The store's product with this SKU is ignored",
            Why::PlaceNotMapped => "This location of the store is none of ours",
            Why::PlaceClosed => "This location is closed in Shopify",
            Why::NotTracked => "Shopify does not track how many there are",
            Why::NotStocked => "Shopify does not stock it at this location",
            Why::StoreCounts => "The store's number counts at this location",
            Why::Refused(words) => return format!("Shopify refused: {words}"),
            Why::NotRead => "The store's number is not known yet",
            Why::Waiting => "It is about to be told",
        };
        words.to_owned()
    }

    /// Whether a person may have to do something.
    #[must_use]
    pub const fn needs_a_person(&self) -> bool {
        matches!(
            self,
            Why::NotConnected | Why::NotMapped | Why::PlaceClosed | Why::Refused(_)
        )
    }
}

/// An item inside what is offered.
#[derive(Clone, Debug)]
pub struct ShownPart {
    pub sku: String,
    pub part: Part,
}

/// What is offered of a variant at a location of its store.
#[derive(Clone, Debug)]
pub struct Shown {
    pub variant: VariantId,
    pub title: String,
    /// The store's name of it.
    pub place: String,
    pub parts: Vec<ShownPart>,
    pub rule: Rule,
    /// What comes out of it.
    pub offered: i64,
    /// The store's number, as far as we know it.
    pub available: Option<i64>,
    pub on_hand: Option<i64>,
    pub committed: Option<i64>,
    pub pushed: Option<i64>,
    pub pushed_at: Option<At>,
    /// Who asked for it; nobody where it went by itself.
    pub pushed_by: Option<String>,
    pub read_at: Option<At>,
    pub why: Option<Why>,
}

impl Shown {
    /// `on hand 12, reserved 3, buffer 1, offered 8`.
    #[must_use]
    pub fn arithmetic(&self) -> String {
        let mut words = Vec::new();
        let is_kit = self.parts.len() > 1;
        for ShownPart { sku, part } in &self.parts {
            let name = if is_kit {
                format!("{sku}: ")
            } else {
                String::new()
            };
            words.push(format!("{name}on hand {}", part.on_hand));
            words.push(format!("reserved {}", part.reserved));
            if part.barred > 0 {
                words.push(format!("blocked or expired {}", part.barred));
            }
            words.push(format!("buffer {}", self.rule.buffer));
            if part.each > 1 {
                words.push(format!("{} in one", part.each));
            }
        }
        if let Some(cap) = self.rule.cap {
            words.push(format!("at most {cap}"));
        }
        words.push(format!("offered {}", self.offered));
        words.join(", ")
    }
}

/// An item in one store.
#[derive(Clone, Debug)]
pub struct InStore {
    pub shop: Shop,
    pub settings: Settings,
    /// Why nothing of it is told the store at all.
    pub why: Option<Why>,
    pub rows: Vec<Shown>,
}

/// What every store is told of an item.
///
/// # Errors
///
/// The database's.
pub fn of_item(
    conn: &mut DbConnection,
    product: ProductId,
    only: Option<ShopId>,
) -> Result<Vec<InStore>, DbError> {
    let paused: Vec<Scope> = pauses::list(conn)?.into_iter().map(|it| it.scope).collect();
    let mut stores = Vec::new();
    for shop in shops::list(conn)? {
        let is_meant = only.is_none_or(|only| only == shop.id);
        if shop.state == ShopState::Disconnected || !is_meant {
            continue;
        }
        let is_paused = paused.contains(&scope(&shop)) || paused.contains(&Scope::Outgoing);
        stores.push(in_store(conn, shop, product, is_paused)?);
    }
    Ok(stores)
}

fn in_store(
    conn: &mut DbConnection,
    shop: Shop,
    product: ProductId,
    is_paused: bool,
) -> Result<InStore, DbError> {
    let settings = queries::find_settings(conn, shop.id)?;
    let variants: Vec<VariantId> = parts::list_variants_with(conn, shop.id, &[product])?
        .into_iter()
        .map(|(_product, variant)| variant)
        .collect();
    let why = if variants.is_empty() {
        let is_ignored = rows::is_ignored(conn, shop.id, product)?;
        Some(if is_ignored {
            Why::Ignored
        } else {
            Why::NotMapped
        })
    } else if !settings.is_on {
        Some(Why::Off)
    } else if shop.state != ShopState::Active {
        Some(Why::NotConnected)
    } else {
        is_paused.then_some(Why::Paused)
    };
    let rows = if variants.is_empty() {
        Vec::new()
    } else {
        shown(conn, &shop, settings, &variants)?
    };
    Ok(InStore {
        shop,
        settings,
        why,
        rows,
    })
}

fn shown(
    conn: &mut DbConnection,
    shop: &Shop,
    settings: Settings,
    variants: &[VariantId],
) -> Result<Vec<Shown>, DbError> {
    let shelves = Shelves::load(conn, variants)?;
    let skus: HashMap<ProductId, String> = rows::list_skus(conn, &shelves.products())?
        .into_iter()
        .collect();
    let titles = rows::list_titles(conn, variants)?;
    let mut all = Vec::new();
    for place in queries::list_places(conn, shop.id)? {
        let known: HashMap<VariantId, Found> = levels::list_at(conn, place.id, variants)?
            .into_iter()
            .map(|found| (found.row.variant_id, found))
            .collect();
        // A place that is neither ours nor in use has nothing to say.
        if known.is_empty() && place.location.is_none() && !place.active {
            continue;
        }
        let people = people(conn, known.values())?;
        for (variant, product, option) in &titles {
            let row = known.get(variant).map(|found| &found.row);
            let title = option.as_deref().filter(|title| *title != "Default Title");
            let parts = place
                .location
                .map_or_else(Vec::new, |location| shelves.parts_at(*variant, location));
            let plain: Vec<Part> = parts.iter().map(|(_item, part)| *part).collect();
            let offered = offer::offer(&plain, settings.rule);
            let by = row.and_then(|row| row.pushed_by);
            all.push(Shown {
                variant: *variant,
                title: title.map_or_else(|| product.clone(), |title| format!("{product}, {title}")),
                place: place.name.clone(),
                parts: parts
                    .into_iter()
                    .map(|(item, part)| ShownPart {
                        sku: skus.get(&item).cloned().unwrap_or_default(),
                        part,
                    })
                    .collect(),
                rule: settings.rule,
                offered,
                available: row.and_then(|row| row.available),
                on_hand: row.and_then(|row| row.on_hand),
                committed: row.and_then(|row| row.committed),
                pushed: row.and_then(|row| row.pushed),
                pushed_at: row.and_then(|row| row.pushed_at),
                pushed_by: by.and_then(|by| people.get(&by).cloned()),
                read_at: row.and_then(|row| row.read_at),
                why: why(&place, row, offered),
            });
        }
    }
    Ok(all)
}

fn people<'a>(
    conn: &mut DbConnection,
    rows: impl Iterator<Item = &'a Found>,
) -> Result<HashMap<UserId, String>, DbError> {
    let ids: Vec<UserId> = rows.filter_map(|found| found.row.pushed_by).collect();
    Ok(rows::list_people(conn, &ids)?.into_iter().collect())
}

/// Why the store's number is not ours; `None` where it is.
fn why(place: &PlaceRow, row: Option<&LevelRow>, offered: i64) -> Option<Why> {
    if place.location.is_none() {
        return Some(Why::PlaceNotMapped);
    }
    if !place.active {
        return Some(Why::PlaceClosed);
    }
    if place.master == Master::Store {
        return Some(Why::StoreCounts);
    }
    let Some(row) = row else {
        return Some(Why::NotRead);
    };
    if row.tracked == Some(false) {
        return Some(Why::NotTracked);
    }
    if row.stocked == Some(false) {
        return Some(Why::NotStocked);
    }
    if let Some(words) = &row.refusal {
        return Some(Why::Refused(words.clone()));
    }
    match row.available {
        None => Some(Why::NotRead),
        Some(available) if available == offered => None,
        Some(_) => Some(Why::Waiting),
    }
}
