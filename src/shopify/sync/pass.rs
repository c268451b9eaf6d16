//! Compares whole days: every order of the store beside every order of ours, by id and version. What we have and the
//! store does not show is asked for by itself, for a list may be wrong.
use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::erp::orders::incoming::PaymentState;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing};
use crate::shopify::Haste;
use crate::shopify::deletions::{CheckDeleted, Record};
use crate::shopify::shops::Shop;
use crate::shopify::sync::ask::{self, Sort};
use crate::shopify::sync::compare::{Difference, SetDigest, Theirs};
use crate::shopify::sync::queries::days::{self as day_rows, DayRow};
use crate::shopify::sync::queries::ours::{self, OurOrder};
use crate::shopify::sync::queries::{self, gaps as gap_rows};
use crate::shopify::sync::runs::{End, RunError, Work};
use crate::shopify::sync::{GapKind, OrderStatus, RunKind, SHOWN, Stream, days, fetch, gaps};
use crate::types::At;

/// Orders of ours that are read at once.
const OURS: i64 = 500;
/// So many orders of one day are asked for by themselves when the store does not list them: more are a fault of the
/// list, and the next night asks for the next ones.
const MOST_GONE: usize = 100;

#[derive(Default, Serialize, Deserialize)]
struct Place {
    /// The next day; none yet: the first of the range.
    day: Option<Date>,
    gaps: i64,
}

/// A day of the store, as far as it was read.
#[derive(Default)]
struct Day {
    ids: HashSet<u64>,
    digest: SetDigest,
    states: BTreeMap<String, (i64, i64)>,
    found: Vec<Difference>,
}

pub(super) async fn run(work: &mut Work<'_>) -> Result<End, RunError> {
    let zone = days::zone(&work.shop);
    let mut place: Place = work.place();
    let last = days::day_of(At(work.run.to_at.0 - 1), &zone);
    let first = days::day_of(work.run.from_at, &zone);
    let mut day = place.day.unwrap_or(first);
    work.tally.total = count_days(first, last);
    while day <= last {
        place.gaps += compare_day(work, &zone, day).await?;
        work.tally.done += 1;
        day = days::next(day);
        place.day = Some(day);
        if work.keep("comparing days", &place).await? {
            return Ok(End::Cancelled(None));
        }
    }
    finish(work, &zone).await?;
    Ok(End::Done(Some(
        serde_json::json!({ "gaps": place.gaps }).to_string(),
    )))
}

fn count_days(first: Date, last: Date) -> i64 {
    let days = first.until(last).map_or(0, |span| span.get_days());
    i64::from(days) + 1
}

/// Compares one day and notes what differs; returns how much that is.
async fn compare_day(work: &Work<'_>, zone: &TimeZone, day: Date) -> Result<i64, RunError> {
    let (begin, end) = days::bounds(day, zone);
    // What was placed before we were there is not claimed to be here.
    let span = (begin.max(work.run.from_at), end.min(work.run.to_at));
    let mut theirs = Day::default();
    let search = ask::placed_between(span.0, span.1, OrderStatus::Any);
    let mut after = None;
    loop {
        let listed = (search.as_str(), Sort::Placed);
        let page = ask::page(work.cx, work.shop.id, Haste::Patient, listed, after).await?;
        let (shop, orders) = (work.shop.clone(), page.orders);
        let (orders, found) = work
            .cx
            .db
            .read(move |conn| -> Result<_, DbError> {
                let found = gaps::find(conn, &shop, &orders)?;
                Ok((orders, found))
            })
            .await?;
        theirs.take(&orders, found, work.cx.clock.now());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let (shop, zone, now) = (work.shop.clone(), zone.clone(), work.cx.clock.now());
    let kept = work
        .cx
        .db
        .write(move |conn| keep_day(conn, &shop, (&zone, day), span, theirs, now))
        .await?;
    Ok(kept)
}

impl Day {
    fn take(&mut self, orders: &[Theirs], found: Vec<Difference>, now: At) {
        for order in orders {
            self.ids.extend(order.id.parse::<u64>());
            self.digest.add(&order.id, order.updated_at);
            self.states.entry(order.state.clone()).or_default().0 += 1;
        }
        // What changed this moment is left to its webhook.
        self.found.extend(
            found
                .into_iter()
                .filter(|one| now.since(one.changed_there_at) > super::GRACE),
        );
    }

    fn lists(&self, order: &OurOrder) -> bool {
        order
            .external_id
            .parse()
            .is_ok_and(|id: u64| self.ids.contains(&id))
    }
}

fn keep_day(
    conn: &mut DbConnection,
    shop: &Shop,
    (zone, day): (&TimeZone, Date),
    span: (At, At),
    mut theirs: Day,
    now: At,
) -> Result<i64, DbError> {
    let mut digest = SetDigest::default();
    let mut gone = Vec::new();
    let mut after = None;
    loop {
        let page = ours::list_placed(conn, shop.channel, span, after, OURS)?;
        for order in &page {
            digest.add(&order.external_id, order.version);
            theirs.states.entry(state_of(order)).or_default().1 += 1;
            if !theirs.lists(order) && gone.len() < MOST_GONE {
                gone.push(difference(order, now));
            }
        }
        after = page.last().map(|order| (order.placed_at, order.id));
        if page.is_empty() {
            break;
        }
    }
    ask_for(conn, shop, &gone, now)?;
    let day = day.to_string();
    let row = DayRow {
        theirs: theirs.digest.count,
        theirs_digest: theirs.digest.text(),
        ours: digest.count,
        ours_digest: digest.text(),
        states: serde_json::to_string(&theirs.states).unwrap_or_default(),
        missing: count(&theirs.found, GapKind::Missing),
        outdated: count(&theirs.found, GapKind::Outdated),
        gone: i64::try_from(gone.len()).unwrap_or(i64::MAX),
        checked_at: now,
        day,
    };
    day_rows::upsert(conn, shop.id, &row)?;
    theirs.found.extend(gone);
    gaps::heal(conn, shop, now)?;
    let found: Vec<&str> = theirs.found.iter().map(|one| one.id.as_str()).collect();
    gap_rows::mark_day_healed(conn, shop.id, &row.day, &found, now)?;
    gaps::note(conn, shop, zone, &theirs.found, now)?;
    fetch::hand_over(conn, shop, &theirs.found, now)?;
    Ok(row.missing + row.outdated + row.gone)
}

/// Has the API asked for each order that the store did not list.
fn ask_for(
    conn: &mut DbConnection,
    shop: &Shop,
    gone: &[Difference],
    now: At,
) -> Result<(), DbError> {
    let filing = Filing {
        shop_domain: Some(shop.domain.to_string()),
        ..Filing::default()
    };
    for one in gone {
        let job = CheckDeleted {
            shop: shop.id,
            record: Record::Order,
            external_id: one.id.clone(),
            event: None,
        };
        jobs::enqueue(conn, &job, &filing, now)?;
    }
    Ok(())
}

fn difference(order: &OurOrder, now: At) -> Difference {
    Difference {
        id: order.external_id.clone(),
        name: order.name.clone(),
        kind: GapKind::Gone,
        changed_there_at: now,
        placed_at: order.placed_at,
    }
}

fn count(found: &[Difference], kind: GapKind) -> i64 {
    let of_kind = found.iter().filter(|one| one.kind == kind).count();
    i64::try_from(of_kind).unwrap_or(i64::MAX)
}

// The store's word for a state of ours.
fn state_of(order: &OurOrder) -> String {
    match (order.cancelled_at, order.payment_state) {
        (Some(_), _) => "cancelled".to_owned(),
        (None, PaymentState::Unknown) => "unknown".to_owned(),
        (
            None,
            state @ (PaymentState::Pending
            | PaymentState::Authorized
            | PaymentState::PartiallyPaid
            | PaymentState::Paid
            | PaymentState::PartiallyRefunded
            | PaymentState::Refunded
            | PaymentState::Voided
            | PaymentState::Expired),
        ) => state.to_string(),
    }
}

/// The night's pass is done for today; one after an outage is done.
async fn finish(work: &Work<'_>, zone: &TimeZone) -> Result<(), RunError> {
    let (shop, from, now) = (work.shop.id, work.run.from_at, work.cx.clock.now());
    let (is_mine, zone) = (work.run.kind == RunKind::Pass, zone.clone());
    work.cx
        .db
        .write(move |conn| {
            let whole = queries::find(conn, shop, Stream::Orders)?
                .is_some_and(|cursor| from <= cursor.known_from.max(now.before(SHOWN)));
            let today = days::day_of(now, &zone).to_string();
            let on = (whole && is_mine).then_some(today.as_str());
            queries::set_passed(conn, shop, Stream::Orders, from, on)
        })
        .await?;
    Ok(())
}
