//! Many orders, customers or companies as one file: Shopify puts it together, we read it as it comes, book what it
//! holds in small batches, and go on behind the last record when the download breaks off.
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::platform::db::{DbConnection, DbError};
use crate::shopify::client::ShopifyError;
use crate::shopify::gid::{self, Gid};
use crate::shopify::graphql::{
    BulkOperation, BulkOperationCancel, BulkOperationRunQuery, bulk_operation,
    bulk_operation_cancel, bulk_operation_run_query as run_query,
};
use crate::shopify::orders::fetch::Fetched;
use crate::shopify::orders::rows;
use crate::shopify::shops::Shop;
use crate::shopify::sync::backfill::{self, Place};
use crate::shopify::sync::compare::Ours;
use crate::shopify::sync::fetch::{self, Brought};
use crate::shopify::sync::file::{Group, Groups};
use crate::shopify::sync::queries::ours;
use crate::shopify::sync::queries::runs::RunRow;
use crate::shopify::sync::runs::{RunError, Work};
use crate::shopify::sync::{RunKind, gaps, people, rehearsal};
use crate::shopify::{Haste, bulk_cause};
use crate::types::At;

/// As many bulk operations run as Shopify lets run: one ends some time.
const OTHERS: Duration = Duration::from_secs(60);

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

/// A file, as far as it was read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct File {
    /// The operation's gid; none yet: it is to be begun.
    operation: Option<String>,
    begun_at: i64,
    /// Behind the last record that was booked.
    offset: u64,
}

/// How a stretch of it ended.
pub(super) enum Ended {
    Through,
    Cancelled,
    Waits { cause: String, reason: String },
}

/// What a run waits for until Shopify has put its file together.
pub(super) fn cause(run: &RunRow) -> Option<String> {
    let place: Place = serde_json::from_str(run.place.as_deref()?).ok()?;
    let operation = place.file?.operation?;
    Some(bulk_cause(run.shop_id, Gid::parse(&operation)?))
}

pub(super) async fn run(
    work: &mut Work<'_>,
    place: &mut Place,
    holds: Holds,
    search: &str,
) -> Result<Ended, RunError> {
    let mut file = place.file.clone().unwrap_or_default();
    let operation = match file.operation.clone() {
        Some(operation) => operation,
        None => {
            let begun = begin(work, holds, search).await?;
            file.begun_at = work.cx.clock.now().0;
            file.operation = Some(begun.clone());
            place.file = Some(file.clone());
            work.keep("waiting for Shopify's file", place).await?;
            begun
        }
    };
    let stopped = work.keep("waiting for Shopify's file", place).await?;
    match look(work, &operation).await? {
        State::Ready(url) => read(work, place, holds, file, &url).await,
        State::Empty => Ok(Ended::Through),
        State::Runs if stopped => {
            cancel(work, &operation).await?;
            Ok(Ended::Cancelled)
        }
        State::Runs => {
            let gid = Gid::<gid::BulkOperation>::parse(&operation);
            let strange = || ShopifyError::Unexpected("the operation's id".to_owned());
            Ok(Ended::Waits {
                cause: bulk_cause(work.shop.id, gid.ok_or_else(strange)?),
                reason: "Shopify puts the file together".to_owned(),
            })
        }
        // It is asked for anew; what is here by then costs nothing.
        State::Expired => {
            place.file = Some(File::default());
            work.keep("asking for the file once more", place).await?;
            Err(ShopifyError::Throttled {
                retry_after: OTHERS,
            }
            .into())
        }
        State::Failed(why) => Err(RunError::Hopeless(format!(
            "Shopify could not put the file together: {why}"
        ))),
    }
}

/// Asks for the file; returns the operation's gid.
async fn begin(work: &Work<'_>, holds: Holds, search: &str) -> Result<String, RunError> {
    let variables = run_query::Variables {
        query: holds.asking(search),
    };
    let answer = work
        .cx
        .call::<BulkOperationRunQuery>(work.shop.id, Haste::Patient, variables)
        .await?
        .data
        .bulk_operation_run_query;
    let answer = answer.ok_or_else(|| ShopifyError::Unexpected("no payload".to_owned()))?;
    let is_full = answer.user_errors.iter().any(|error| {
        use run_query::BulkOperationUserErrorCode as Code;
        matches!(
            error.code,
            Some(Code::OPERATION_IN_PROGRESS | Code::LIMIT_REACHED)
        )
    });
    if is_full {
        return Err(ShopifyError::Throttled {
            retry_after: OTHERS,
        }
        .into());
    }
    let messages: Vec<String> = answer.user_errors.into_iter().map(|e| e.message).collect();
    if !messages.is_empty() {
        return Err(ShopifyError::UserErrors { messages }.into());
    }
    let operation = answer.bulk_operation.map(|operation| operation.id);
    Ok(operation.ok_or_else(|| ShopifyError::Unexpected("no operation".to_owned()))?)
}

enum State {
    Runs,
    Ready(String),
    /// There was nothing to write.
    Empty,
    Expired,
    Failed(String),
}

async fn look(work: &Work<'_>, operation: &str) -> Result<State, RunError> {
    let variables = bulk_operation::Variables {
        id: operation.to_owned(),
    };
    let answer = work
        .cx
        .call::<BulkOperation>(work.shop.id, Haste::Now, variables)
        .await?;
    let Some(found) = answer.data.bulk_operation else {
        return Ok(State::Expired);
    };
    use bulk_operation::BulkOperationStatus as Status;
    Ok(match found.status {
        Status::CREATED | Status::RUNNING | Status::CANCELING => State::Runs,
        Status::COMPLETED => found.url.map_or(State::Empty, State::Ready),
        Status::EXPIRED => State::Expired,
        Status::CANCELED => State::Failed("somebody cancelled it".to_owned()),
        Status::FAILED => State::Failed(format!("{:?}", found.error_code)),
        Status::Other(word) => State::Failed(word),
    })
}

async fn cancel(work: &Work<'_>, operation: &str) -> Result<(), RunError> {
    let variables = bulk_operation_cancel::Variables {
        id: operation.to_owned(),
    };
    // Where it ended meanwhile there is nothing to cancel: what the answer says of that does not matter.
    work.cx
        .call::<BulkOperationCancel>(work.shop.id, Haste::Now, variables)
        .await?;
    Ok(())
}

/// Reads the file from where it was left, and books what it holds.
async fn read(
    work: &mut Work<'_>,
    place: &mut Place,
    holds: Holds,
    mut file: File,
    url: &str,
) -> Result<Ended, RunError> {
    let body = work.cx.client.open_file(url, file.offset).await?;
    let mut groups = Groups::new(body, file.offset);
    let mut batch = Vec::new();
    loop {
        let next = groups.next().await?;
        let is_last = next.is_none();
        batch.extend(next);
        if batch.len() < holds.batch() && !is_last {
            continue;
        }
        if let Some(end) = batch.last().map(|group: &Group| group.end) {
            file.offset = end;
            let batch = std::mem::take(&mut batch);
            match holds {
                Holds::Orders => keep(work, place, batch, At(file.begun_at)).await?,
                Holds::Customers => people::keep_customers(work, place, batch).await?,
                Holds::Companies => people::keep_companies(work, place, batch).await?,
            }
        }
        place.file = Some(file.clone());
        let stopped = work.keep("reading Shopify's file", place).await?;
        if is_last {
            return Ok(Ended::Through);
        }
        if stopped {
            return Ok(Ended::Cancelled);
        }
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
        let gid = group.order.id().unwrap_or_default().to_owned();
        let node = rows::assemble(group.order, group.children);
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
