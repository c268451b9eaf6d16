//! Fetches the pictures that are wanted, a few side by side, behind everything else a store is asked for. Whatever
//! becomes of a picture, it stops no other.
use std::sync::Arc;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::queries::{self, Wanted};
use super::scaling::{self, NoPicture, Scaled};
use super::{PictureState, filing};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Job, Run, queries as job_rows};
use crate::platform::priority;
use crate::platform::queue::Outcome;
use crate::shopify::Connector;
use crate::shopify::client::ShopifyError;
use crate::shopify::jobs::living;
use crate::shopify::shops::Shop;
use crate::types::{JobId, ShopId};

/// Pictures that are fetched side by side.
const TOGETHER: i64 = 4;
/// Pictures of one run; then others get their turn.
const AT_A_RUN: usize = 400;
/// After so many in a row that could not be had, the host is let alone for a while.
const IN_A_ROW: usize = 8;
/// A picture that failed so often is left out, until the catalogue is imported the next time.
pub(super) const MOST_ATTEMPTS: i64 = 5;
/// Bytes of a file.
const LARGEST: usize = 10 * 1024 * 1024;

/// One picture is unpacked at a time: a large one takes a hundred megabytes.
static UNPACKING: Semaphore = Semaphore::const_new(1);

/// Fetches the pictures of a store that are wanted.
#[derive(Debug, Serialize, Deserialize)]
pub struct FetchPictures {
    pub shop: ShopId,
}

impl Job for FetchPictures {
    const KIND: &'static str = "shopify.fetch_pictures";
    // Nobody waits for a picture: it takes one hand at most.
    const AT_ONCE: usize = 1;
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.shop.to_string())
    }

    async fn run(self, cx: Arc<Connector>, run: Run) -> Outcome {
        let shop = match living(&cx, self.shop).await {
            Ok(shop) => shop,
            Err(outcome) => return outcome,
        };
        match fetch(&cx, &shop, run.job).await {
            Ok(None) => Outcome::Done,
            Ok(Some(reason)) => Outcome::retry(reason),
            Err(error) => Outcome::retry(error.to_string()),
        }
    }
}

/// Why a picture is not here.
enum Fault {
    /// It may be had later.
    Away(String),
    /// It never will.
    LeftOut(String),
}

/// Tries every picture that is wanted once; says why it is to be tried again, where it is.
async fn fetch(cx: &Connector, shop: &Shop, job: JobId) -> Result<Option<String>, DbError> {
    let (id, mut after, mut tried, mut in_a_row) = (shop.id, 0, 0, 0);
    let mut away = None;
    loop {
        let wanted = cx
            .db
            .read(move |conn| queries::list_wanted(conn, id, after, TOGETHER))
            .await?;
        let Some(last) = wanted.last() else {
            if away.is_some() || end(cx, shop, job, false).await? {
                return Ok(away);
            }
            // One came in meanwhile, or is wanted once more.
            after = 0;
            continue;
        };
        after = last.id;
        tried += wanted.len();
        let fetched = join_all(wanted.iter().map(|one| one_of(cx, &one.url))).await;
        for fetched in &fetched {
            in_a_row = match fetched {
                Err(Fault::Away(reason)) => {
                    away = Some(reason.clone());
                    in_a_row + 1
                }
                Ok(_) | Err(Fault::LeftOut(_)) => 0,
            };
        }
        keep(cx, wanted, fetched).await?;
        if in_a_row >= IN_A_ROW {
            return Ok(away);
        }
        if tried >= AT_A_RUN && away.is_none() {
            end(cx, shop, job, true).await?;
            return Ok(None);
        }
    }
}

async fn one_of(cx: &Connector, url: &str) -> Result<Scaled, Fault> {
    let bytes = cx.client.picture(url, LARGEST).await.map_err(fault)?;
    let Ok(_alone) = UNPACKING.acquire().await else {
        return Err(Fault::Away("the program ends".to_owned()));
    };
    let scaled = tokio::task::spawn_blocking(move || {
        priority::step_back();
        scaling::scale(&bytes)
    });
    match scaled.await {
        Ok(scaled) => scaled.map_err(|why: NoPicture| Fault::LeftOut(why.to_string())),
        // What breaks the decoder breaks it the next time too.
        Err(_panicked) => Err(Fault::LeftOut(NoPicture::Broken.to_string())),
    }
}

fn fault(error: ShopifyError) -> Fault {
    match error {
        ShopifyError::Throttled { .. } | ShopifyError::Unreachable { .. } => {
            Fault::Away(error.to_string())
        }
        ShopifyError::Rejected { messages } => Fault::LeftOut(messages.join("; ")),
        ShopifyError::Unauthorized
        | ShopifyError::AccessDenied { .. }
        | ShopifyError::UserErrors { .. }
        | ShopifyError::TooExpensive { .. }
        | ShopifyError::Unexpected(_) => Fault::LeftOut(error.to_string()),
    }
}

async fn keep(
    cx: &Connector,
    wanted: Vec<Wanted>,
    fetched: Vec<Result<Scaled, Fault>>,
) -> Result<(), DbError> {
    let now = cx.clock.now();
    cx.db
        .write(move |conn| {
            for (one, fetched) in wanted.iter().zip(&fetched) {
                match fetched {
                    Ok(scaled) => queries::set_kept(conn, one.id, scaled, now)?,
                    Err(Fault::LeftOut(reason)) => {
                        queries::set_failed(conn, one.id, PictureState::LeftOut, reason, now)?;
                    }
                    Err(Fault::Away(reason)) => {
                        let is_last = one.attempts + 1 >= MOST_ATTEMPTS;
                        let state = if is_last {
                            PictureState::LeftOut
                        } else {
                            PictureState::Wanted
                        };
                        queries::set_failed(conn, one.id, state, reason, now)?;
                    }
                }
            }
            Ok(())
        })
        .await
}

/// Ends the job in one transaction with the last look: what is wanted from now on files the next one. `goes_on`: it does
/// so itself. `false`: something is wanted.
async fn end(cx: &Connector, shop: &Shop, job: JobId, goes_on: bool) -> Result<bool, DbError> {
    let (shop, now) = (shop.clone(), cx.clock.now());
    cx.db
        .write(move |conn: &mut DbConnection| {
            if goes_on {
                job_rows::free_dedupe_key(conn, job)?;
                let next = FetchPictures { shop: shop.id };
                jobs::enqueue(conn, &next, &filing(&shop), now)?;
                return Ok(true);
            }
            if !queries::list_wanted(conn, shop.id, 0, 1)?.is_empty() {
                return Ok(false);
            }
            job_rows::free_dedupe_key(conn, job)?;
            Ok(true)
        })
        .await
}
