//! A rehearsal before a store goes live: its orders of the last days go through translation, mapping and adding up,
//! and nothing is booked. What would fail is listed, each with its remedy.
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::erp::customers::Address;
use crate::erp::orders::incoming::label;
use crate::erp::orders::totals::{self, TotalsCheck};
use crate::erp::orders::{IncomingOrder, Resolution};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::bulk::{Ended, File};
use crate::shopify::orders::fetch;
use crate::shopify::orders::graphql::{self, Node};
use crate::shopify::personal_data::without_quotes;
use crate::shopify::sync::ask::{self, Sort};
use crate::shopify::sync::backfill::{BULK_FROM, Place, Refused};
use crate::shopify::sync::bulk;
use crate::shopify::sync::runs::{End, RunError, Work};
use crate::shopify::{Haste, mappings};
use crate::types::ShopId;

/// Orders of so long ago are rehearsed.
pub const SPAN: Duration = Duration::from_secs(30 * 86_400);
/// What is named; more is counted.
const MOST_NAMED: usize = 100;
const MOST_VARIANTS: usize = 500;

/// What a rehearsal found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Findings {
    /// Orders that would go through untouched.
    pub smooth: i64,
    /// What is sold and nothing here stands for, by variant; the lines without one under their title.
    pub unmapped: BTreeMap<String, Unmapped>,
    /// Orders with such a line.
    pub unmapped_orders: i64,
    pub totals: List,
    pub addresses: List,
    pub unreadable: List,
    /// Words that are new to us, and in how many orders.
    pub words: BTreeMap<String, i64>,
}

/// Something that is sold and not mapped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmapped {
    pub title: String,
    pub sku: Option<String>,
    pub orders: i64,
}

/// Orders with a reason each; the first of them by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct List {
    pub count: i64,
    pub named: Vec<Refused>,
}

impl List {
    fn add(&mut self, id: &str, name: &str, reason: String) {
        self.count += 1;
        if self.named.len() < MOST_NAMED {
            self.named.push(Refused {
                id: id.to_owned(),
                name: name.to_owned(),
                reason,
            });
        }
    }
}

impl Findings {
    /// Whether every order would go through.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.unmapped_orders == 0
            && self.totals.count == 0
            && self.addresses.count == 0
            && self.unreadable.count == 0
            && self.words.is_empty()
    }
}

pub(super) async fn run(work: &mut Work<'_>) -> Result<End, RunError> {
    let mut place: Place = work.place();
    let status = work.run.status;
    let search = ask::placed_between(work.run.from_at, work.run.to_at, status);
    if place.rehearsed.is_none() {
        work.tally.total = ask::count(work.cx, work.shop.id, &search).await?;
        place.rehearsed = Some(Findings::default());
        place.file = (work.tally.total >= BULK_FROM).then(File::default);
        if work.keep("counting", &place).await? {
            return Ok(End::Cancelled(None));
        }
    }
    if place.file.is_some() {
        return Ok(
            match bulk::run(work, &mut place, bulk::Holds::Orders, &search).await? {
                Ended::Through | Ended::Empty => End::Done(found(&place)),
                Ended::Cancelled => End::Cancelled(found(&place)),
                Ended::Waits { cause, reason } => End::Waits { cause, reason },
            },
        );
    }
    by_pages(work, place, &search).await
}

/// One order after the other, each asked for whole. A page that broke off is read from its start.
async fn by_pages(work: &mut Work<'_>, mut place: Place, search: &str) -> Result<End, RunError> {
    work.tally.done = place.before;
    loop {
        let (listed, after) = ((search, Sort::Placed), place.after.clone());
        let page = ask::page(work.cx, work.shop.id, Haste::Patient, listed, after).await?;
        let before = place.rehearsed.clone();
        for order in &page.orders {
            let fetched = fetch::whole(work.cx, work.shop.id, Haste::Patient, &order.id).await?;
            let node = fetched.map(|fetched| fetched.node);
            if let Some(node) = node {
                take(work, &mut place, &order.id, Ok(node)).await?;
            }
            work.tally.done += 1;
            // The findings of a page that is not through yet are not kept: it would be counted twice.
            let mut kept = place.clone();
            kept.rehearsed.clone_from(&before);
            if work.keep("rehearsing", &kept).await? {
                return Ok(End::Cancelled(found(&place)));
            }
        }
        place.after = page.next;
        place.before = work.tally.done;
        work.keep("rehearsing", &place).await?;
        if place.after.is_none() {
            return Ok(End::Done(found(&place)));
        }
    }
}

fn found(place: &Place) -> Option<String> {
    serde_json::to_string(place.rehearsed.as_ref()?).ok()
}

/// Looks at one order and notes what would go wrong.
pub(super) async fn take(
    work: &mut Work<'_>,
    place: &mut Place,
    id: &str,
    node: Result<Node, String>,
) -> Result<(), RunError> {
    let read = node.and_then(|node| {
        let asked_at = work.cx.clock.now();
        graphql::translate(&node, None, asked_at).map_err(|wrong| wrong.to_string())
    });
    let findings = place.rehearsed.get_or_insert_default();
    let order = match read {
        Ok(translated) => translated.order,
        Err(reason) => {
            work.tally.failed += 1;
            findings.unreadable.add(id, id, without_quotes(&reason));
            return Ok(());
        }
    };
    let shop = work.shop.id;
    let (order, unmapped) = work
        .cx
        .db
        .read(move |conn| {
            let unmapped = unmapped_lines(conn, shop, &order)?;
            Ok::<_, DbError>((order, unmapped))
        })
        .await?;
    if findings.note(&order, unmapped) {
        work.tally.here += 1;
    } else {
        work.tally.failed += 1;
    }
    Ok(())
}

/// The lines that nothing here stands for: variant or title, as its page and the list call it, and its SKU.
fn unmapped_lines(
    conn: &mut DbConnection,
    shop: ShopId,
    order: &IncomingOrder,
) -> Result<Vec<(String, Unmapped)>, DbError> {
    let lines = || order.lines.iter().flatten();
    let variants: Vec<&str> = lines()
        .filter_map(|line| line.variant_external_id.as_deref())
        .collect();
    let known = mappings::resolve(conn, shop, &variants)?;
    let stands_for = |variant: Option<&String>| {
        variant
            .and_then(|variant| known.get(variant)?.as_ref())
            .is_some_and(|resolution| match resolution {
                Resolution::Parts(parts) => !parts.is_empty(),
                Resolution::Ignored => true,
            })
    };
    Ok(lines()
        .filter(|line| line.ships && !stands_for(line.variant_external_id.as_ref()))
        .map(|line| {
            let title = label(&line.title, line.variant_title.as_deref());
            let key = line.variant_external_id.clone().unwrap_or(title.clone());
            let unmapped = Unmapped {
                title,
                sku: line.sku.clone(),
                orders: 0,
            };
            (key, unmapped)
        })
        .collect())
}

impl Findings {
    /// Whether the order would go through untouched.
    fn note(&mut self, order: &IncomingOrder, unmapped: Vec<(String, Unmapped)>) -> bool {
        let (id, name) = (&order.external_id, order.name.value());
        let name = name.unwrap_or(id).clone();
        let mut is_smooth = order.flags.is_empty();
        for flag in &order.flags {
            *self.words.entry(without_quotes(flag)).or_default() += 1;
        }
        if !unmapped.is_empty() {
            self.unmapped_orders += 1;
            is_smooth = false;
        }
        let once: BTreeMap<String, Unmapped> = unmapped.into_iter().collect();
        for (key, line) in once {
            if self.unmapped.len() < MOST_VARIANTS || self.unmapped.contains_key(&key) {
                self.unmapped.entry(key).or_insert(line).orders += 1;
            }
        }
        if let Some(reason) = totals_differ(order) {
            self.totals.add(id, &name, reason);
            is_smooth = false;
        }
        if let Some(reason) = lacks_address(order) {
            self.addresses.add(id, &name, reason);
            is_smooth = false;
        }
        self.smooth += i64::from(is_smooth);
        is_smooth
    }
}

fn totals_differ(order: &IncomingOrder) -> Option<String> {
    let sum = totals::add_up(order)?;
    match sum.check {
        TotalsCheck::Differs => {
            let money = |minor| crate::types::Money::new(minor, order.currency).to_string();
            let theirs = order
                .ordered
                .total
                .value()
                .map_or(0, |total| total.shop.minor(order.currency));
            let (theirs, added) = (money(theirs), money(sum.shop.added));
            Some(format!(
                "Shopify says {theirs}, its parts add up to {added}"
            ))
        }
        TotalsCheck::Agrees | TotalsCheck::Rounding | TotalsCheck::NotDerivable => None,
    }
}

/// What a parcel cannot do without.
fn lacks_address(order: &IncomingOrder) -> Option<String> {
    let ships = |order: &IncomingOrder| order.lines.iter().flatten().any(|line| line.ships);
    if !ships(order) || order.cancelled_at.value().is_some() {
        return None;
    }
    let Some(address) = order.shipping_address.value() else {
        return Some("It ships and has no address".to_owned());
    };
    let is_there =
        |part: &Option<String>| part.as_ref().is_some_and(|text| !text.trim().is_empty());
    let Address {
        address1,
        city,
        country,
        country_code,
        ..
    } = address;
    let mut missing = Vec::new();
    for (name, there) in [
        ("street", is_there(address1)),
        ("city", is_there(city)),
        ("country", is_there(country) || is_there(country_code)),
    ] {
        if !there {
            missing.push(name);
        }
    }
    (!missing.is_empty()).then(|| format!("The address lacks {}", missing.join(", ")))
}
