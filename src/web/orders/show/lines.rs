//! The lines of an order with their items, their stock and what can leave now.
use std::collections::BTreeMap;

use crate::erp::holds::line_cause;
use crate::erp::locations;
use crate::erp::orders::incoming::label;
use crate::erp::orders::kept::{self, KeptDuty};
use crate::erp::orders::lines::LineResolution;
use crate::erp::orders::queries::{self as rows, LineFacts, LineRow, OrderRow, show as parts};
use crate::erp::products::Tracking;
use crate::erp::stock::queries::lots::{self as lot_rows, LeftRow, LotRow};
use crate::erp::stock::queries::{self as stock, LevelRow, ReservationRow};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::pictures::queries as pictures;
use crate::types::{Currency, LocationId, LotId, Money, OrderLineId, ProductId, UnitPrice};

/// An item that a line stands for, with its stock.
#[derive(Clone, Debug)]
pub struct ItemView {
    pub product: ProductId,
    pub sku: String,
    pub name: String,
    pub each: i64,
    /// `142 at Portland`, by location.
    pub stock: Vec<String>,
    /// `success`, `warning`.
    pub tone: &'static str,
    /// What can be chosen of it.
    pub lots: LotsView,
}

/// The lots of an item as the ship form offers them.
#[derive(Clone, Debug)]
pub struct LotsView {
    pub tracking: Tracking,
    /// Code, and what is said of it: `L-26-0917 · 96`.
    pub choices: Vec<(String, String)>,
    /// What leaves where nobody chooses: `L-26-0917`; empty: nothing is promised.
    pub promised: String,
    /// The serial numbers that are promised, one on each line.
    pub serials: String,
}

impl ItemView {
    /// Whether a lot is chosen for it.
    #[must_use]
    pub fn has_lots(&self) -> bool {
        self.lots.tracking == Tracking::Lot
    }

    /// Whether each piece of it has a number of its own.
    #[must_use]
    pub fn has_serials(&self) -> bool {
        self.lots.tracking == Tracking::Serial
    }
}

/// A line as the page shows it.
#[derive(Clone, Debug)]
pub struct LineView {
    pub id: OrderLineId,
    /// The channel's id of it.
    pub external_id: String,
    pub title: String,
    /// The hash of its picture in the store.
    pub picture: Option<String>,
    pub variant: Option<String>,
    pub sku: Option<String>,
    pub properties: Vec<(String, String)>,
    /// What is peculiar about it: its bundle, a gift card, duties.
    pub notes: Vec<String>,
    pub items: Vec<ItemView>,
    pub resolution: LineResolution,
    /// The cause under which it holds the order, if it does.
    pub cause: String,
    pub has_variant: bool,
    pub current: i64,
    pub ordered: i64,
    pub gone: i64,
    pub elsewhere: i64,
    /// Had left and came back.
    pub returned: i64,
    /// Refunded in any way.
    pub refunded: i64,
    /// Pieces that others are still to ship.
    pub others: i64,
    /// The lots that have left with it, and how many pieces of each.
    pub lots_gone: Vec<(LotId, String, i64)>,
    /// Pieces still to leave.
    pub open: i64,
    /// Pieces that stock is promised for.
    pub ship_now: i64,
    pub total: Money,
    pub each: String,
    pub discount: Option<Money>,
    /// In the customer's currency, where that is another.
    pub presentment: Option<Money>,
}

impl LineView {
    /// Whether nobody has said what it is.
    #[must_use]
    pub fn is_unmapped(&self) -> bool {
        self.resolution == LineResolution::Unmapped
    }

    /// Whether it is none of ours.
    #[must_use]
    pub fn is_ignored(&self) -> bool {
        self.resolution == LineResolution::Ignored
    }

    /// What to look for among the mappings.
    #[must_use]
    pub fn search(&self) -> String {
        let words = self.sku.as_deref().unwrap_or(&self.title);
        url::form_urlencoded::byte_serialize(words.as_bytes()).collect()
    }
}

/// What the lines of one order share.
struct Stock {
    levels: Vec<LevelRow>,
    held: Vec<ReservationRow>,
    places: BTreeMap<LocationId, String>,
    lots: BTreeMap<LotId, LotRow>,
    gone: Vec<LeftRow>,
}

pub(super) fn load(conn: &mut DbConnection, order: &OrderRow) -> Result<Vec<LineView>, DbError> {
    let items = parts::list_items(conn, order.id)?;
    let products: Vec<ProductId> = items.iter().map(|item| item.product).collect();
    let levels = stock::levels_of(conn, &products)?;
    let lots: Vec<LotId> = levels.iter().filter_map(|level| level.lot_id).collect();
    let stock = Stock {
        lots: lot_rows::list(conn, &lots)?
            .into_iter()
            .map(|lot| (lot.id, lot))
            .collect(),
        gone: lot_rows::list_of_order(conn, order.id)?,
        levels,
        held: stock::reservations_of_order(conn, order.id)?,
        places: locations::list(conn)?
            .into_iter()
            .map(|place| (place.id, place.name))
            .collect(),
    };
    let lines = rows::list_lines(conn, order.id)?;
    let variants: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.facts.variant_external_id.as_deref())
        .collect();
    let shown = pictures::of_external(conn, order.channel_id, &variants)?;
    Ok(lines
        .into_iter()
        .map(|row| {
            let variant = row.facts.variant_external_id.as_ref();
            let picture = variant.and_then(|id| shown.get(id)).cloned();
            let of_line: Vec<&parts::ItemRow> =
                items.iter().filter(|item| item.line == row.id).collect();
            LineView {
                picture,
                ..view(order, row, &of_line, &stock)
            }
        })
        .collect())
}

fn view(order: &OrderRow, row: LineRow, items: &[&parts::ItemRow], stock: &Stock) -> LineView {
    let facts = row.facts;
    let gone = row.shipped_quantity + facts.fulfilled_elsewhere;
    // A test order is never shipped.
    let ours = facts.ships && !order.facts.test && facts.resolution != LineResolution::Ignored;
    let elsewhere = facts.fulfilled_elsewhere.max(row.others_quantity);
    let open = if ours {
        (facts.current_quantity - (row.shipped_quantity + elsewhere - row.returned_quantity).max(0))
            .max(0)
    } else {
        0
    };
    let currency = order.facts.currency;
    LineView {
        id: row.id,
        ship_now: ship_now(row.id, open, facts.resolution, items, &stock.held),
        notes: notes(&facts, currency),
        presentment: facts
            .presentment_total_minor
            .filter(|_minor| order.facts.presentment_currency != currency)
            .map(|minor| Money::new(minor, order.facts.presentment_currency)),
        items: items
            .iter()
            .map(|item| item_view(item, open, row.id, stock))
            .collect(),
        resolution: facts.resolution,
        cause: facts
            .variant_external_id
            .clone()
            .unwrap_or_else(|| line_cause(&facts.external_id)),
        has_variant: facts.variant_external_id.is_some(),
        variant: facts
            .variant_title
            .clone()
            .filter(|variant| !label("", Some(variant)).is_empty()),
        external_id: facts.external_id,
        title: facts.title,
        picture: None,
        sku: facts.sku,
        properties: facts
            .properties
            .as_deref()
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default(),
        current: facts.current_quantity,
        ordered: facts.quantity,
        gone,
        lots_gone: lots_gone(row.id, &stock.gone),
        elsewhere: facts.fulfilled_elsewhere,
        returned: row.returned_quantity,
        refunded: row.refunded_quantity,
        others: (row.others_quantity - facts.fulfilled_elsewhere).max(0),
        open,
        total: Money::new(facts.total_minor, currency),
        each: UnitPrice {
            millionths: facts.unit_price_scaled,
            currency,
        }
        .to_string(),
        discount: (facts.discount_minor != 0).then(|| Money::new(-facts.discount_minor, currency)),
    }
}

fn notes(facts: &LineFacts, currency: Currency) -> Vec<String> {
    let mut notes = Vec::new();
    if facts.bundle_external_id.is_some() {
        let title = facts.bundle_title.as_deref().unwrap_or("a bundle");
        notes.push(match facts.bundle_quantity {
            Some(quantity) if quantity > 1 => format!("Part of {quantity} × {title}"),
            Some(_) | None => format!("Part of {title}"),
        });
    }
    if facts.gift_card {
        notes.push("Gift card".to_owned());
    }
    if facts.tip {
        notes.push("Tip".to_owned());
    }
    if facts.current_quantity == 0 && facts.quantity > 0 {
        notes.push("Removed".to_owned());
    }
    for duty in kept::read::<KeptDuty>(facts.duties.as_deref()) {
        let code = duty.hs_code.map(|code| format!(" {code}"));
        let origin = duty.origin.map(|country| format!(", from {country}"));
        notes.push(format!(
            "Duty{}: {} {currency}{}",
            code.unwrap_or_default(),
            duty.amount,
            origin.unwrap_or_default(),
        ));
    }
    notes
}

/// As many as stock is promised for; without an item all of them, but nothing while nobody knows it.
fn ship_now(
    line: OrderLineId,
    open: i64,
    resolution: LineResolution,
    items: &[&parts::ItemRow],
    held: &[ReservationRow],
) -> i64 {
    match resolution {
        LineResolution::Unmapped | LineResolution::Ignored => 0,
        LineResolution::Accepted => open,
        LineResolution::Mapped => items
            .iter()
            .map(|item| reserved(line, item.product, held) / item.quantity_each.max(1))
            .min()
            .unwrap_or(0)
            .min(open),
    }
}

fn reserved(line: OrderLineId, product: ProductId, held: &[ReservationRow]) -> i64 {
    held.iter()
        .filter(|row| row.order_line_id == line && row.product_id == product)
        .map(|row| row.quantity)
        .sum()
}

fn item_view(item: &parts::ItemRow, open: i64, line: OrderLineId, stock: &Stock) -> ItemView {
    let mut here: Vec<(LocationId, i64)> = Vec::new();
    for level in stock
        .levels
        .iter()
        .filter(|level| level.product_id == item.product)
    {
        match here.last_mut() {
            Some((place, pieces)) if *place == level.location_id => *pieces += level.on_hand,
            Some(_) | None => here.push((level.location_id, level.on_hand)),
        }
    }
    let levels: Vec<String> = here
        .into_iter()
        .filter_map(|(place, pieces)| Some(format!("{pieces} at {}", stock.places.get(&place)?)))
        .collect();
    let enough =
        reserved(line, item.product, &stock.held) >= open.saturating_mul(item.quantity_each);
    ItemView {
        product: item.product,
        sku: item.sku.clone(),
        name: item.name.clone(),
        each: item.quantity_each,
        stock: if levels.is_empty() {
            vec!["No stock anywhere".to_owned()]
        } else {
            levels
        },
        tone: if enough { "success" } else { "warning" },
        lots: lots_view(item, line, stock),
    }
}

fn lots_view(item: &parts::ItemRow, line: OrderLineId, stock: &Stock) -> LotsView {
    let of_item = || {
        stock
            .levels
            .iter()
            .filter(|level| level.product_id == item.product)
    };
    let mut places: Vec<LocationId> = of_item().map(|level| level.location_id).collect();
    places.dedup();
    let choices = of_item()
        .filter(|level| level.on_hand > 0 && !level.barred)
        .filter_map(|level| {
            let lot = stock.lots.get(&level.lot_id?)?;
            let mut words = format!("{} · {}", lot.code, level.on_hand);
            if places.len() > 1 {
                words.push_str(" at ");
                words.push_str(stock.places.get(&level.location_id)?);
            }
            if let Some(day) = &lot.best_before {
                words.push_str(" · best before ");
                words.push_str(day);
            }
            Some((lot.code.clone(), words))
        })
        .collect();
    let promised: Vec<(&str, i64)> = stock
        .held
        .iter()
        .filter(|row| row.order_line_id == line && row.product_id == item.product)
        .filter(|row| row.quantity > 0)
        .filter_map(|row| Some((stock.lots.get(&row.lot_id?)?.code.as_str(), row.quantity)))
        .collect();
    LotsView {
        tracking: item.tracking,
        choices,
        serials: promised
            .iter()
            .map(|(code, _one)| *code)
            .collect::<Vec<&str>>()
            .join("\n"),
        promised: match promised[..] {
            [(code, _all)] => code.to_owned(),
            _ => promised
                .iter()
                .map(|(code, pieces)| format!("{code} ×{pieces}"))
                .collect::<Vec<String>>()
                .join(", "),
        },
    }
}

fn lots_gone(line: OrderLineId, gone: &[LeftRow]) -> Vec<(LotId, String, i64)> {
    let mut sums: Vec<(LotId, String, i64)> = Vec::new();
    for row in gone.iter().filter(|row| row.line == line) {
        match sums.iter_mut().find(|(known, _, _)| *known == row.lot) {
            Some((_, _, sum)) => *sum += row.quantity,
            None => sums.push((row.lot, row.code.clone(), row.quantity)),
        }
    }
    sums
}
