//! Brings in what a range lacks: lists the store's orders, compares them with ours, and fetches the rest: one by one
//! where they are few, by a file that Shopify puts together where they are many. What is here already costs nothing.
use serde::{Deserialize, Serialize};

use crate::platform::db::{DbConnection, DbError};
use crate::shopify::Haste;
use crate::shopify::bulk::{Ended, File};
use crate::shopify::personal_data::without_quotes;
use crate::shopify::sync::ask::{self, Sort};
use crate::shopify::sync::bulk;
use crate::shopify::sync::compare::Difference;
use crate::shopify::sync::fetch::{self, Brought};
use crate::shopify::sync::people::Progress;
use crate::shopify::sync::queries::gaps as gap_rows;
use crate::shopify::sync::queries::{self, ours};
use crate::shopify::sync::rehearsal::Findings;
use crate::shopify::sync::runs::{End, RunError, Work};
use crate::shopify::sync::{GapKind, OrderStatus, RunKind, Stream, gaps};
use crate::types::At;

/// From so many orders on that are not here, Shopify is asked for one file.
pub const BULK_FROM: i64 = 250;
/// Differences that are read at once.
const GAPS: i64 = 100;
/// What is named with its reason; more is counted.
const MOST_NAMED: usize = 100;

/// Where a run goes on, and what it could not bring in.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Place {
    is_counted: bool,
    /// The next page of the list; none yet: its start.
    pub(super) after: Option<String>,
    /// What was looked at before this page: should the run break off in it, the page is listed once more.
    pub(super) before: i64,
    /// The difference that was fetched last.
    gap: i64,
    /// What a file has brought, where there is one.
    pub(super) file: Option<File>,
    pub(super) refused: Vec<Refused>,
    /// What a rehearsal found so far.
    pub(super) rehearsed: Option<Findings>,
    /// How far an import of customers is.
    #[serde(default)]
    pub(super) people: Progress,
}

/// An order or a customer that could not be brought in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub id: String,
    pub name: String,
    pub reason: String,
}

/// What a run found, as its page shows it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Found {
    #[serde(default)]
    pub refused: Vec<Refused>,
    /// Of an import of customers.
    #[serde(default)]
    pub people: Option<Progress>,
}

pub(super) async fn run(work: &mut Work<'_>) -> Result<End, RunError> {
    let mut place: Place = work.place();
    if place.file.is_none() && work.run.kind != RunKind::Fetch {
        work.tally.done = place.before;
    }
    if work.run.kind == RunKind::Fetch {
        return fetch_known(work, place).await;
    }
    let search = search(work);
    if !place.is_counted {
        work.tally.total = ask::count(work.cx, work.shop.id, &search.0).await?;
        place.is_counted = true;
        if is_for_a_file(work).await? {
            place.file = Some(File::default());
        }
        if work.keep("counting", &place).await? {
            return Ok(End::Cancelled(None));
        }
    }
    if place.file.is_some() {
        return match bulk::run(work, &mut place, bulk::Holds::Orders, &search.0).await? {
            Ended::Through | Ended::Empty => finish(work, &place).await,
            Ended::Cancelled => Ok(End::Cancelled(found(&place))),
            Ended::Waits { cause, reason } => Ok(End::Waits { cause, reason }),
        };
    }
    loop {
        let listed = (search.0.as_str(), search.1);
        let after = place.after.clone();
        let page = ask::page(work.cx, work.shop.id, Haste::Patient, listed, after).await?;
        let (shop, orders) = (work.shop.clone(), page.orders);
        let (count, differing) = work
            .cx
            .db
            .read(move |conn| {
                let differing = gaps::find(conn, &shop, &orders)?;
                Ok::<_, DbError>((orders.len(), differing))
            })
            .await?;
        let count = i64::try_from(count).unwrap_or(0);
        let is_last = page.next.is_none();
        if bring(work, &mut place, &differing, count).await? {
            return Ok(End::Cancelled(found(&place)));
        }
        place.after = page.next;
        place.before = work.tally.done;
        if work.keep("comparing", &place).await? && !is_last {
            return Ok(End::Cancelled(found(&place)));
        }
        if is_last {
            return finish(work, &place).await;
        }
    }
}

/// Fetches what differs of one page; whether somebody stopped it on the way.
async fn bring(
    work: &mut Work<'_>,
    place: &mut Place,
    differing: &[Difference],
    listed: i64,
) -> Result<bool, RunError> {
    for one in differing {
        if work.run.dry_run {
            count(work, one.kind);
            continue;
        }
        let brought = fetch::bring(work.cx, &work.shop, &one.id).await?;
        note(work, place, one, brought);
        work.tally.done += 1;
        if work.keep("fetching", place).await? {
            return Ok(true);
        }
    }
    work.tally.done = place.before + listed;
    let other = work.tally.created + work.tally.updated + work.tally.failed;
    work.tally.here = (work.tally.done - other).max(0);
    Ok(false)
}

fn note(work: &mut Work<'_>, place: &mut Place, one: &Difference, brought: Brought) {
    match brought {
        Brought::Booked => count(work, one.kind),
        Brought::NotShown => {}
        Brought::Refused(reason) => refuse(work, place, &one.id, &one.name, reason),
    }
}

fn count(work: &mut Work<'_>, kind: GapKind) {
    match kind {
        GapKind::Missing => work.tally.created += 1,
        GapKind::Outdated => work.tally.updated += 1,
        GapKind::Gone => {}
    }
}

/// Counts what cannot be brought in, and names it.
pub(super) fn refuse(work: &mut Work<'_>, place: &mut Place, id: &str, name: &str, reason: String) {
    work.tally.failed += 1;
    if place.refused.len() < MOST_NAMED {
        place.refused.push(Refused {
            id: id.to_owned(),
            name: name.to_owned(),
            reason: without_quotes(&reason),
        });
    }
}

fn search(work: &Work<'_>) -> (String, Sort) {
    if work.run.kind == RunKind::Backup {
        (ask::changed_since(work.run.from_at), Sort::Changed)
    } else {
        let (from, to) = (work.run.from_at, work.run.to_at);
        let search = ask::placed_between(from, to, work.run.status);
        (search, Sort::Placed)
    }
}

/// Whether so many orders of the range are not here that one file is quicker than asking for each. A guess by counts
/// is good enough for that: whatever road they take, each order is then compared by itself.
async fn is_for_a_file(work: &Work<'_>) -> Result<bool, RunError> {
    if work.run.dry_run || work.run.kind != RunKind::Backfill {
        return Ok(false);
    }
    let (channel, span) = (work.shop.channel, (work.run.from_at, work.run.to_at));
    let here = work
        .cx
        .db
        .read(move |conn| ours::count_placed(conn, channel, span))
        .await?;
    Ok(work.tally.total - here >= BULK_FROM)
}

/// Fetches the differences that are known.
async fn fetch_known(work: &mut Work<'_>, mut place: Place) -> Result<End, RunError> {
    let shop = work.shop.id;
    if !place.is_counted {
        let open = move |conn: &mut DbConnection| gap_rows::count_open(conn, shop);
        work.tally.total = work.cx.db.read(open).await?.0;
        place.is_counted = true;
    }
    loop {
        let after = place.gap;
        let open = work
            .cx
            .db
            .read(move |conn| gap_rows::list_open(conn, shop, after, GAPS))
            .await?;
        if open.is_empty() {
            return finish(work, &place).await;
        }
        for gap in open {
            let one = Difference {
                id: gap.external_id,
                name: gap.name,
                kind: gap.kind,
                changed_there_at: gap.changed_there_at,
                placed_at: At(0),
            };
            let brought = fetch::bring(work.cx, &work.shop, &one.id).await?;
            note(work, &mut place, &one, brought);
            work.tally.done += 1;
            place.gap = gap.id;
            if work.keep("fetching", &place).await? {
                return Ok(End::Cancelled(found(&place)));
            }
        }
    }
}

async fn finish(work: &Work<'_>, place: &Place) -> Result<End, RunError> {
    let (shop, run, now) = (work.shop.id, work.run.clone(), work.cx.clock.now());
    let is_whole = work.tally.failed == 0 && run.status == OrderStatus::Any && !run.dry_run;
    work.cx
        .db
        .write(move |conn| match run.kind {
            RunKind::Backup => queries::set_backed_up(conn, shop, Stream::Orders, run.to_at, now),
            // From now on the nights compare these days as well.
            RunKind::Backfill if is_whole => {
                queries::set_known_from(conn, shop, Stream::Orders, run.from_at)
            }
            RunKind::Backfill | RunKind::Pass | RunKind::Fetch | RunKind::Rehearsal => Ok(()),
        })
        .await?;
    Ok(End::Done(found(place)))
}

fn found(place: &Place) -> Option<String> {
    let found = Found {
        refused: place.refused.clone(),
        people: None,
    };
    serde_json::to_string(&found).ok()
}
