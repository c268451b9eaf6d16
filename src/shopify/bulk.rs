//! Much at once, as one file: Shopify puts it together, we read it as it comes, and go on behind the last record that was
//! booked when the download breaks off. What a file holds and what becomes of it its [`Reader`] knows.
pub(crate) mod file;

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::shopify::bulk::file::{Group, Groups};
use crate::shopify::client::ShopifyError;
use crate::shopify::gid::Gid;
use crate::shopify::graphql::{
    BulkOperation, BulkOperationCancel, BulkOperationRunQuery, bulk_operation,
    bulk_operation_cancel, bulk_operation_run_query as run_query,
};
use crate::shopify::{Connector, Haste, bulk_cause};
use crate::types::{At, ShopId};

/// As many bulk operations run as Shopify lets run: one ends some time.
const OTHERS: Duration = Duration::from_secs(60);
const WAITING: &str = "waiting for Shopify's file";

/// A file, as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct File {
    /// The operation's gid; none yet: it is to be begun.
    operation: Option<String>,
    begun_at: i64,
    /// Behind the last record that was booked.
    offset: u64,
}

impl File {
    /// The moment as of which it tells.
    pub(crate) fn begun_at(&self) -> At {
        At(self.begun_at)
    }

    /// What a job waits for until Shopify has put it together.
    pub(crate) fn cause(&self, shop: ShopId) -> Option<String> {
        let operation = self.operation.as_deref()?;
        Some(bulk_cause(shop, Gid::parse(operation)?))
    }

    /// The operation's gid, once it is begun.
    pub(crate) fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }
}

/// Whoever reads a file: keeps how far it is, and books what it holds.
pub(crate) trait Reader: Send {
    type Error: From<ShopifyError> + Send;

    /// What Shopify is asked: a document with one connection at its top.
    fn query(&self) -> String;

    /// Records that are booked in one transaction: few, so that webhooks get their turn.
    fn batch(&self) -> usize;

    /// It can never succeed as it is.
    fn hopeless(&self, why: String) -> Self::Error;

    /// Keeps how far it is; whether somebody asked to stop.
    fn keep(
        &mut self,
        phase: &'static str,
        file: &File,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Books records and keeps that the file is read up to their end; whether somebody asked to stop.
    fn book(
        &mut self,
        batch: Vec<Group>,
        file: &File,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;
}

/// How a stretch of it ended.
pub(crate) enum Ended {
    Through,
    /// There was nothing to write.
    Empty,
    Cancelled,
    Waits {
        cause: String,
        reason: String,
    },
}

/// Begins an operation, looks how it is, reads its file from where it was left: whatever comes next.
///
/// # Errors
///
/// The call's and the reader's. It goes on where it stopped.
pub(crate) async fn run<R: Reader>(
    cx: &Connector,
    shop: ShopId,
    mut file: File,
    reader: &mut R,
) -> Result<Ended, R::Error> {
    let operation = match file.operation.clone() {
        Some(operation) => operation,
        None => {
            let begun = begin(cx, shop, reader.query()).await?;
            file.begun_at = cx.clock.now().0;
            file.operation = Some(begun.clone());
            begun
        }
    };
    let stopped = reader.keep(WAITING, &file).await?;
    match look(cx, shop, &operation).await? {
        State::Ready(url) => read(cx, file, &url, reader).await,
        State::Empty => Ok(Ended::Empty),
        State::Runs if stopped => {
            cancel(cx, shop, &operation).await?;
            Ok(Ended::Cancelled)
        }
        State::Runs => {
            let strange = || ShopifyError::Unexpected("the operation's id".to_owned());
            Ok(Ended::Waits {
                cause: file.cause(shop).ok_or_else(strange)?,
                reason: "Shopify puts the file together".to_owned(),
            })
        }
        // It is asked for anew; what is here by then costs nothing.
        State::Expired => {
            let anew = "asking for the file once more";
            reader.keep(anew, &File::default()).await?;
            Err(full().into())
        }
        State::Failed(why) => {
            Err(reader.hopeless(format!("Shopify could not put the file together: {why}")))
        }
    }
}

/// Has Shopify end an operation that nobody wants any more.
///
/// # Errors
///
/// The call's.
pub(crate) async fn cancel(
    cx: &Connector,
    shop: ShopId,
    operation: &str,
) -> Result<(), ShopifyError> {
    let variables = bulk_operation_cancel::Variables {
        id: operation.to_owned(),
    };
    // Where it ended meanwhile there is nothing to cancel: what the answer says of that does not matter.
    cx.call::<BulkOperationCancel>(shop, Haste::Now, variables)
        .await?;
    Ok(())
}

/// Asks for the file; returns the operation's gid.
async fn begin(cx: &Connector, shop: ShopId, query: String) -> Result<String, ShopifyError> {
    let variables = run_query::Variables { query };
    let answer = cx
        .call::<BulkOperationRunQuery>(shop, Haste::Patient, variables)
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
        return Err(full());
    }
    let messages: Vec<String> = answer.user_errors.into_iter().map(|e| e.message).collect();
    if !messages.is_empty() {
        return Err(ShopifyError::UserErrors { messages });
    }
    let operation = answer.bulk_operation.map(|operation| operation.id);
    operation.ok_or_else(|| ShopifyError::Unexpected("no operation".to_owned()))
}

fn full() -> ShopifyError {
    ShopifyError::Throttled {
        retry_after: OTHERS,
    }
}

enum State {
    Runs,
    Ready(String),
    Empty,
    Expired,
    Failed(String),
}

async fn look(cx: &Connector, shop: ShopId, operation: &str) -> Result<State, ShopifyError> {
    let variables = bulk_operation::Variables {
        id: operation.to_owned(),
    };
    let answer = cx
        .call::<BulkOperation>(shop, Haste::Now, variables)
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

/// Reads the file from where it was left, and has booked what it holds.
async fn read<R: Reader>(
    cx: &Connector,
    mut file: File,
    url: &str,
    reader: &mut R,
) -> Result<Ended, R::Error> {
    let body = cx.client.open_file(url, file.offset).await?;
    let mut groups = Groups::new(body, file.offset);
    let mut batch: Vec<Group> = Vec::new();
    loop {
        let next = groups.next().await?;
        let is_last = next.is_none();
        batch.extend(next);
        if batch.len() < reader.batch() && !is_last {
            continue;
        }
        if let Some(end) = batch.last().map(|group| group.end) {
            file.offset = end;
        }
        let stopped = reader.book(std::mem::take(&mut batch), &file).await?;
        if is_last {
            return Ok(Ended::Through);
        }
        if stopped {
            return Ok(Ended::Cancelled);
        }
    }
}
