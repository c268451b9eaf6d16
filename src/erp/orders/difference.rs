//! What an edit changed, readable for ever: old and new beside each other.
use serde::{Deserialize, Serialize};

use super::incoming::label;
use super::queries::{LineFacts, LineRow, OrderFacts};
use crate::types::{Money, UnitPrice};

crate::text_enum! {
    /// What a change means here.
    Meaning {
        /// So many pieces are promised to nobody any more.
        StockFreed = "stock_freed",
        /// So many more pieces are to be sent.
        ToShip = "to_ship",
        /// So many pieces have left that are not ordered any more.
        OverShipped = "over_shipped",
        PaysMore = "pays_more",
        PaysLess = "pays_less",
        /// It waits for a person.
        Asked = "asked",
    }
}

/// One change of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// `quantity`, `price`, `added`, `removed`, `tax`, `total`, `address`, `note` ...
    pub what: String,
    /// The line it concerns.
    pub line: Option<String>,
    pub old: String,
    pub new: String,
    /// What it means here, each with its pieces; 0 where it is not about pieces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub means: Vec<(Meaning, i64)>,
}

impl Change {
    fn new(what: &str, line: Option<String>, old: String, new: String) -> Change {
        Change {
            what: what.to_owned(),
            line,
            old,
            new,
            means: Vec::new(),
        }
    }

    fn meaning(mut self, means: Vec<(Meaning, i64)>) -> Change {
        self.means = means;
        self
    }
}

/// What differs between two states of an order's own facts.
#[must_use]
pub fn of_order(old: &OrderFacts, new: &OrderFacts) -> Vec<Change> {
    let money = |minor: i64| Money::new(minor, new.currency).to_string();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let address = |json: &Option<String>| super::address(json.as_deref()).lines().join(", ");
    [
        (
            "total",
            money(old.current_total_minor),
            money(new.current_total_minor),
        ),
        ("tax", money(old.tax_minor), money(new.tax_minor)),
        (
            "shipping",
            money(old.shipping_minor),
            money(new.shipping_minor),
        ),
        (
            "shipping method",
            text(&old.shipping_method),
            text(&new.shipping_method),
        ),
        (
            "payment",
            old.payment_state.to_string(),
            new.payment_state.to_string(),
        ),
        (
            "shipping address",
            address(&old.shipping_address),
            address(&new.shipping_address),
        ),
        (
            "billing address",
            address(&old.billing_address),
            address(&new.billing_address),
        ),
        ("e-mail", text(&old.email), text(&new.email)),
        ("phone", text(&old.phone), text(&new.phone)),
        ("note", text(&old.note), text(&new.note)),
        ("tags", text(&old.tags), text(&new.tags)),
    ]
    .into_iter()
    .filter(|(_what, old, new)| old != new)
    .map(|(what, before, after)| {
        let change = Change::new(what, None, before, after);
        match (what, old.current_total_minor < new.current_total_minor) {
            ("total", true) => change.meaning(vec![(Meaning::PaysMore, 0)]),
            ("total", false) => change.meaning(vec![(Meaning::PaysLess, 0)]),
            (_, _) => change,
        }
    })
    .collect()
}

/// The changes that were applied, and of those that were told the ones that a person is asked.
#[must_use]
pub fn applied_or_asked(told: Vec<Change>, applied: &[Change], asked: &[&str]) -> Vec<Change> {
    told.into_iter()
        .filter_map(|change| {
            if asked.contains(&change.what.as_str()) {
                Some(change.meaning(vec![(Meaning::Asked, 0)]))
            } else {
                applied.contains(&change).then_some(change)
            }
        })
        .collect()
}

/// What differs between a line as it is stored and as it comes in.
#[must_use]
pub fn of_line(
    old: &LineRow,
    new: &LineFacts,
    currency: crate::types::Currency,
    is_asked: bool,
) -> Vec<Change> {
    let row = old;
    let name = Some(label(&new.title, new.variant_title.as_deref()));
    let price = |millionths: i64| {
        UnitPrice {
            millionths,
            currency,
        }
        .to_string()
    };
    let money = |minor: i64| Money::new(minor, currency).to_string();
    let old = &old.facts;
    [
        (
            "quantity",
            old.current_quantity.to_string(),
            new.current_quantity.to_string(),
        ),
        (
            "price",
            price(old.unit_price_scaled),
            price(new.unit_price_scaled),
        ),
        (
            "discount",
            money(old.discount_minor),
            money(new.discount_minor),
        ),
        ("line tax", money(old.tax_minor), money(new.tax_minor)),
        (
            "shipped elsewhere",
            old.fulfilled_elsewhere.to_string(),
            new.fulfilled_elsewhere.to_string(),
        ),
    ]
    .into_iter()
    .filter(|(_what, old, new)| old != new)
    .map(|(what, before, after)| {
        let mut means = Vec::new();
        if what == "quantity" {
            means = moved(row, new.current_quantity);
        }
        if is_asked {
            means.push((Meaning::Asked, 0));
        }
        Change::new(what, name.clone(), before, after).meaning(means)
    })
    .collect()
}

/// What another quantity of a line means for what is promised and for what has left.
fn moved(row: &LineRow, current: i64) -> Vec<(Meaning, i64)> {
    let gone = row.shipped_quantity + row.facts.fulfilled_elsewhere - row.returned_quantity;
    let open = |current: i64| (current - gone.max(0)).max(0);
    let (before, after) = (open(row.facts.current_quantity), open(current));
    let over = (gone - current).max(0) - (gone - row.facts.current_quantity).max(0);
    [
        (Meaning::StockFreed, before - after),
        (Meaning::ToShip, after - before),
        (Meaning::OverShipped, over),
    ]
    .into_iter()
    .filter(|(_meaning, pieces)| *pieces > 0)
    .collect()
}

/// A line that was not there before.
#[must_use]
pub fn added(new: &LineFacts, is_asked: bool) -> Change {
    let mut means = Vec::new();
    if new.ships {
        means.push((Meaning::ToShip, new.current_quantity));
    }
    if is_asked {
        means.push((Meaning::Asked, 0));
    }
    let name = label(&new.title, new.variant_title.as_deref());
    Change::new(
        "added",
        Some(name),
        String::new(),
        new.current_quantity.to_string(),
    )
    .meaning(means)
}
