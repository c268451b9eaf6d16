//! What is too much for one transaction: accepting all exact matches of a store, and undoing a large batch. Each step is
//! short, so that orders come in between; a job that stopped goes on where it was, and a cancelled one leaves what it
//! did so far.
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{accept_some, look, note_many, undo_some};
use crate::erp::audit::Kind;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::queries as rows;
use crate::platform::jobs::{self, Filing, Job, Run};
use crate::platform::queue::Outcome;
use crate::shopify::Connector;
use crate::shopify::mappings::queries::{self, View, page};
use crate::shopify::mappings::{By, MappingError};
use crate::shopify::shops::{self, Shop, ShopError};
use crate::types::{At, JobId, ShopId, UserId, VariantId};

/// Variants that one transaction maps or takes back.
const STEP: i64 = 200;

/// Accepts all exact matches of a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AcceptMatches {
    pub shop: ShopId,
    pub batch: String,
    pub user: Option<UserId>,
}

/// Takes back a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UndoBatch {
    pub shop: ShopId,
    pub batch: String,
    pub user: Option<UserId>,
}

/// How far such a job is; kept with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub done: i64,
    pub total: i64,
    pub cancelled: bool,
    /// Variants that were mapped or unmapped.
    pub changed: usize,
    after: Option<VariantId>,
    is_over: bool,
    /// The store, and the batch that can be undone now.
    pub store: Option<ShopId>,
    pub undo: Option<String>,
}

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error(transparent)]
    Shop(#[from] ShopError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Has all exact matches of a store accepted; `None` where somebody asked for it already.
///
/// # Errors
///
/// The database's.
pub fn accept_all(conn: &mut DbConnection, by: By<'_>) -> Result<Option<JobId>, DbError> {
    let job = AcceptMatches {
        shop: by.shop.id,
        batch: Uuid::now_v7().to_string(),
        user: by.user,
    };
    jobs::enqueue(conn, &job, &filing(by), by.now)
}

/// Has a batch taken back; `None` where somebody asked for it already.
///
/// # Errors
///
/// The database's.
pub fn undo_all(
    conn: &mut DbConnection,
    by: By<'_>,
    batch: &str,
) -> Result<Option<JobId>, DbError> {
    let job = UndoBatch {
        shop: by.shop.id,
        batch: batch.to_owned(),
        user: by.user,
    };
    jobs::enqueue(conn, &job, &filing(by), by.now)
}

fn filing(by: By<'_>) -> Filing {
    Filing {
        shop_domain: Some(by.shop.domain.to_string()),
        user: by.user,
        ..Filing::default()
    }
}

impl Job for AcceptMatches {
    const KIND: &'static str = "shopify.accept_matches";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.shop.to_string())
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        steps(&cx, run.job, move |conn, now, progress| {
            self.step(conn, now, progress)
        })
        .await
    }
}

impl Job for UndoBatch {
    const KIND: &'static str = "shopify.undo_mappings";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.batch.clone())
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        steps(&cx, run.job, move |conn, now, progress| {
            self.step(conn, now, progress)
        })
        .await
    }
}

impl AcceptMatches {
    fn step(
        &self,
        conn: &mut DbConnection,
        now: At,
        progress: &mut Progress,
    ) -> Result<(), StepError> {
        let shop = shops::get(conn, self.shop)?;
        let by = by(&shop, self.user, now);
        let (batch, view) = (&self.batch, View::Unmapped);
        let after = if let Some(after) = progress.after {
            after
        } else {
            progress.total = page::count_view(conn, self.shop, view, i64::MAX)?;
            VariantId(0)
        };
        if !progress.cancelled {
            let look = look(conn, &shop, after, STEP)?;
            progress.changed += accept_some(conn, by, &look.matches, batch)?.0;
            progress.done = progress.total.min(progress.done + STEP);
            progress.after = look.next;
        }
        if progress.cancelled || progress.after.is_none() {
            progress.is_over = true;
            progress.done = if progress.cancelled {
                progress.done
            } else {
                progress.total
            };
            progress.store = Some(self.shop);
            if progress.changed > 0 {
                progress.undo = Some(batch.clone());
                note_many(conn, by, Kind::MappingsAccepted, progress.changed)?;
            }
        }
        Ok(())
    }
}

impl UndoBatch {
    fn step(
        &self,
        conn: &mut DbConnection,
        now: At,
        progress: &mut Progress,
    ) -> Result<(), StepError> {
        let shop = shops::get(conn, self.shop)?;
        let by = by(&shop, self.user, now);
        if progress.total == 0 {
            progress.total = queries::count_batch(conn, self.shop, &self.batch)?;
        }
        let undone = if progress.cancelled {
            0
        } else {
            undo_some(conn, by, &self.batch, STEP)?
        };
        progress.changed += undone;
        progress.done = i64::try_from(progress.changed).unwrap_or(i64::MAX);
        if undone == 0 {
            progress.is_over = true;
            progress.store = Some(self.shop);
            note_many(conn, by, Kind::MappingsUndone, progress.changed)?;
        }
        Ok(())
    }
}

fn by(shop: &Shop, user: Option<UserId>, now: At) -> By<'_> {
    By { shop, user, now }
}

/// Takes one step after the other, each with how far the job is, until it is over.
async fn steps<F>(cx: &Connector, job: JobId, step: F) -> Outcome
where
    F: Fn(&mut DbConnection, At, &mut Progress) -> Result<(), StepError> + Send + Sync + 'static,
{
    let step = Arc::new(step);
    loop {
        let (step, now) = (Arc::clone(&step), cx.clock.now());
        let taken = cx
            .db
            .write(move |conn| -> Result<Progress, StepError> {
                let row = rows::find(conn, job)?;
                let text = row.and_then(|row| row.progress).unwrap_or_default();
                let mut progress: Progress = serde_json::from_str(&text).unwrap_or_default();
                if progress.is_over {
                    return Ok(progress);
                }
                progress.cancelled = rows::is_cancel_requested(conn, job)?;
                step(conn, now, &mut progress)?;
                let text = serde_json::to_string(&progress).unwrap_or_default();
                rows::set_progress(conn, job, &text)?;
                Ok(progress)
            })
            .await;
        match taken {
            Ok(progress) if progress.is_over => return Outcome::Done,
            Ok(_more) => {}
            Err(StepError::Shop(ShopError::NotFound)) => {
                return Outcome::dead("there is no such store");
            }
            Err(error) => return Outcome::retry(error.to_string()),
        }
    }
}
