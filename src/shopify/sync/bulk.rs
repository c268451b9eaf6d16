//! Many orders, customers or companies as one file: what it is asked for with, and what becomes of its records.
use std::sync::Arc;

use crate::platform::db::{DbConnection, DbError};
use crate::shopify::bulk::file::Group;
use crate::shopify::bulk::{self, Ended, File, Reader};
use crate::shopify::gid::{self, Gid};
use crate::shopify::orders::fetch::Fetched;
use crate::shopify::orders::rows;
use crate::shopify::shops::Shop;
use crate::shopify::sync::backfill::{self, Place};
use crate::shopify::sync::compare::Ours;
use crate::shopify::sync::fetch::{self, Brought};
use crate::shopify::sync::queries::ours;
use crate::shopify::sync::queries::runs::RunRow;
use crate::shopify::sync::runs::{RunError, Work};
use crate::shopify::sync::{RunKind, gaps, people, rehearsal};
use crate::types::At;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Orders,
    Customers,
    Companies,
}

impl Holds {
    /// The document, and where it has its search.
    const fn document(self) -> (&'static str, &'static str) {
        match self {
            Holds::Orders => (
                include_str!("../graphql/bulk_orders.graphql"),
                "\"created_at:>'2026-01-01T00:00:00Z'\"",
            ),
            Holds::Customers => (
                include_str!("../graphql/bulk_customers.graphql"),
                "\"updated_at:>='2026-01-01'\"",
            ),
            Holds::Companies => (
                include_str!("../graphql/bulk_companies.graphql"),
                "\"updated_at:>='2026-01-01'\"",
            ),
        }
    }

    /// The document with a search in it.
    fn asking(self, search: &str) -> String {
        let (document, place) = self.document();
        let text = serde_json::to_string(search).unwrap_or_default();
        document.replace(place, &text)
    }

    /// Records that are booked in one transaction: few, so that webhooks get their turn.
    const fn batch(self) -> usize {
        match self {
            Holds::Orders | Holds::Companies => 20,
            Holds::Customers => 100,
        }
    }
}

/// What a run waits for until Shopify has put its file together.
pub(super) fn cause(run: &RunRow) -> Option<String> {
    let place: Place = serde_json::from_str(run.place.as_deref()?).ok()?;
    place.file?.cause(run.shop_id)
}

pub(super) async fn run(
    work: &mut Work<'_>,
    place: &mut Place,
    holds: Holds,
    search: &str,
) -> Result<Ended, RunError> {
    let (cx, shop) = (work.cx, work.shop.id);
    let file = place.file.clone().unwrap_or_default();
    let mut reading = Reading {
        work,
        place,
        holds,
        search,
    };
    bulk::run(cx, shop, file, &mut reading).await
}

/// A run that reads a file.
struct Reading<'r, 'w> {
    work: &'r mut Work<'w>,
    place: &'r mut Place,
    holds: Holds,
    search: &'r str,
}

impl Reader for Reading<'_, '_> {
    type Error = RunError;

    fn query(&self) -> String {
        self.holds.asking(self.search)
    }

    fn batch(&self) -> usize {
        self.holds.batch()
    }

    fn hopeless(&self, why: String) -> RunError {
        RunError::Hopeless(why)
    }

    async fn keep(&mut self, phase: &'static str, file: &File) -> Result<bool, RunError> {
        self.place.file = Some(file.clone());
        self.work.keep(phase, self.place).await
    }

    async fn book(&mut self, batch: Vec<Group>, file: &File) -> Result<bool, RunError> {
        let (work, place) = (&mut *self.work, &mut *self.place);
        if !batch.is_empty() {
            match self.holds {
                Holds::Orders => keep(work, place, batch, file.begun_at()).await?,
                Holds::Customers => people::keep_customers(work, place, batch).await?,
                Holds::Companies => people::keep_companies(work, place, batch).await?,
            }
        }
        self.keep("reading Shopify's file", file).await
    }
}

/// An order of the file that was read.
struct Told {
    id: String,
    name: String,
    fetched: Result<Box<Fetched>, String>,
}

impl Told {
    fn of(group: Group, asked_at: At, api_version: &str) -> Told {
        let gid = group.record.id().unwrap_or_default().to_owned();
        let node = rows::assemble(group.record, group.children);
        Told {
            id: Gid::<gid::Order>::parse(&gid).map_or(gid, Gid::digits),
            name: node
                .as_ref()
                .map_or_else(|_wrong| String::new(), |node| node.name.clone()),
            fetched: node.map_err(|wrong| wrong.to_string()).map(|node| {
                Box::new(Fetched {
                    refunds: None,
                    node,
                    asked_at,
                    api_version: api_version.to_owned(),
                })
            }),
        }
    }
}

/// What became of an order of the file.
enum Fate {
    Here,
    Created,
    Updated,
    /// A file does not say which lines left with which parcel: the order is asked for by itself.
    AskAlone,
    Refused(String),
}

/// Books a batch; should the database refuse it, each order alone, so that one bad order stops no other.
async fn keep(
    work: &mut Work<'_>,
    place: &mut Place,
    batch: Vec<Group>,
    asked_at: At,
) -> Result<(), RunError> {
    let version = work.cx.client.api_version();
    let told: Vec<Told> = batch
        .into_iter()
        .map(|group| Told::of(group, asked_at, version))
        .collect();
    if work.run.kind == RunKind::Rehearsal {
        for one in told {
            rehearsal::take(
                work,
                place,
                &one.id,
                one.fetched.map(|fetched| fetched.node),
            )
            .await?;
            work.tally.done += 1;
        }
        return Ok(());
    }
    let told = Arc::new(told);
    let fates = match book_all(work, &told, 0..told.len()).await {
        Ok(fates) => fates,
        Err(error) if error.is_away() || error.is_conflict() => return Err(error.into()),
        Err(_one_of_them) => {
            let mut fates = Vec::new();
            for nth in 0..told.len() {
                match book_all(work, &told, nth..nth + 1).await {
                    Ok(fate) => fates.extend(fate),
                    Err(error) => fates.push(Fate::Refused(error.to_string())),
                }
            }
            fates
        }
    };
    for (told, fate) in told.iter().zip(fates) {
        work.tally.done += 1;
        match fate {
            Fate::Here => work.tally.here += 1,
            Fate::Created => work.tally.created += 1,
            Fate::Updated => work.tally.updated += 1,
            Fate::Refused(reason) => backfill::refuse(work, place, &told.id, &told.name, reason),
            Fate::AskAlone => match fetch::bring(work.cx, &work.shop, &told.id).await? {
                Brought::Booked => work.tally.created += 1,
                Brought::NotShown => {}
                Brought::Refused(why) => backfill::refuse(work, place, &told.id, &told.name, why),
            },
        }
    }
    Ok(())
}

async fn book_all(
    work: &Work<'_>,
    told: &Arc<Vec<Told>>,
    which: std::ops::Range<usize>,
) -> Result<Vec<Fate>, DbError> {
    let (shop, told, now) = (work.shop.clone(), Arc::clone(told), work.cx.clock.now());
    work.cx
        .db
        .write(move |conn| {
            let some = told.get(which).unwrap_or_default();
            let ids: Vec<&str> = some.iter().map(|one| one.id.as_str()).collect();
            let known = ours::known(conn, &shop, &ids)?;
            let mut fates = Vec::new();
            for one in some {
                let ours = known.get(&one.id);
                fates.push(book(conn, &shop, one, ours, now)?);
            }
            gaps::heal(conn, &shop, now)?;
            Ok(fates)
        })
        .await
}

fn book(
    conn: &mut DbConnection,
    shop: &Shop,
    told: &Told,
    ours: Option<&Ours>,
    now: At,
) -> Result<Fate, DbError> {
    let fetched = match &told.fetched {
        Ok(fetched) => fetched,
        Err(reason) => return Ok(Fate::Refused(reason.clone())),
    };
    let node = &fetched.node;
    let version = At::parse(&node.updated_at).unwrap_or(fetched.asked_at);
    let is_new = match ours {
        Some(Ours::Deleted | Ours::Awaited) => return Ok(Fate::Here),
        Some(Ours::Version(ours)) if *ours >= version => return Ok(Fate::Here),
        Some(Ours::Version(_)) => false,
        None => true,
    };
    let has_left = node
        .fulfillments_count
        .as_ref()
        .is_some_and(|all| all.count > 0);
    // What a refund gave back, a bulk operation cannot carry.
    if !node.refunds.is_empty() {
        return Ok(Fate::AskAlone);
    }
    if has_left && node.display_fulfillment_status != "FULFILLED" {
        return Ok(Fate::AskAlone);
    }
    Ok(match fetch::book(conn, shop, &told.id, fetched, now)? {
        Brought::Booked if is_new => Fate::Created,
        Brought::Booked | Brought::NotShown => Fate::Updated,
        Brought::Refused(reason) => Fate::Refused(reason),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_stands_in_the_document_as_a_text() {
        for holds in [Holds::Orders, Holds::Customers, Holds::Companies] {
            let (document, place) = holds.document();
            assert!(document.contains(place), "{holds:?}");
        }
        let text = Holds::Orders.asking("processed_at:>='2026-11-21T05:00:00Z' AND name:\"#1\"");
        assert!(
            text.contains(r##"query: "processed_at:>='2026-11-21T05:00:00Z' AND name:\"#1\"""##)
        );
    }
}
