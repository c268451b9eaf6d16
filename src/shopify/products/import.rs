//! Reads a whole catalogue into the mirror: page by page where it is small, by a file that Shopify puts together where it
//! is not. How far it is stands with its job, so that it goes on where it stopped.
use serde::{Deserialize, Serialize};

use super::{ImportError, Variant, payload, queries};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::queries::{self as job_rows, JobRow};
use crate::platform::jobs::{self, Filing};
use crate::platform::queue::{Queue, queries as queue};
use crate::shopify::bulk::file::Group;
use crate::shopify::bulk::{self, Ended, File, Reader};
use crate::shopify::client::ShopifyError;
use crate::shopify::graphql::{Catalogue, CatalogueSize, catalogue, catalogue_size};
use crate::shopify::jobs::{EndFile, ImportProducts};
use crate::shopify::mappings::{MappingError, rules};
use crate::shopify::pictures;
use crate::shopify::shops::Shop;
use crate::shopify::{Connector, Haste};
use crate::types::{At, JobId, ShopId, VariantId};

/// From so many variants on Shopify is asked for one file.
pub const BULK_FROM: i64 = 250;
/// A variant with its product, its weight and its picture costs some 13 points; Shopify lets no call cost more than a
/// thousand.
pub(super) const PAGE: i64 = 50;
/// Variants of a file that are booked in one transaction.
const BATCH: usize = 200;
const DOCUMENT: &str = include_str!("../graphql/bulk_variants.graphql");

/// How far an import is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Variants read so far, and how many the store has.
    pub done: i64,
    pub total: i64,
    /// Behind the last page, where it is read page by page.
    cursor: Option<String>,
    started_at: Option<i64>,
    pub cancelled: bool,
    /// Where it is read from a file.
    #[serde(default)]
    file: Option<File>,
    /// All of it is in the mirror; the rules look at what came.
    #[serde(default)]
    is_read: bool,
    /// The last variant that the rules have looked at.
    #[serde(default)]
    judged: Option<VariantId>,
}

impl Progress {
    /// What a job said of itself; the start where it has said nothing.
    fn of(row: Option<&JobRow>) -> Progress {
        let text = row.and_then(|row| row.progress.as_deref());
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }
}

/// How a stretch of an import ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    Through,
    Cancelled,
    /// It goes on when this has come.
    Waits {
        cause: String,
        reason: String,
    },
}

/// Reads the whole catalogue into the mirror, from where the job stopped. Rules look at it when all of it is there: two
/// that want one item may come far apart.
///
/// # Errors
///
/// `Call`: the job goes on later where it stopped. `Hopeless`: it can never succeed.
pub async fn run(cx: &Connector, shop: ShopId, job: JobId) -> Result<Imported, ImportError> {
    let shop = cx.shop(shop).await?;
    let row = cx.db.read(move |conn| job_rows::find(conn, job)).await?;
    let mut work = Work {
        cx,
        shop,
        job,
        progress: Progress::of(row.as_ref()),
    };
    if work.progress.started_at.is_none() {
        work.begin().await?;
    }
    match work.progress.file.clone() {
        _ if work.progress.is_read => work.judge().await,
        Some(file) => work.by_file(file).await,
        None => work.by_pages().await,
    }
}

/// Looks after an import that somebody stopped before it ran again: nobody waits for the file that Shopify puts
/// together for it.
///
/// # Errors
///
/// The database's.
pub fn on_cancelled(conn: &mut DbConnection, job: &JobRow, now: At) -> Result<(), DbError> {
    if job.kind != <ImportProducts as jobs::Job>::KIND {
        return Ok(());
    }
    let file = Progress::of(Some(job)).file;
    let operation = file.as_ref().and_then(File::operation).map(str::to_owned);
    let import = serde_json::from_str::<ImportProducts>(&job.payload).ok();
    if let (Some(operation), Some(import)) = (operation, import) {
        let end = EndFile {
            shop: import.shop,
            operation,
        };
        let filing = Filing {
            shop_domain: job.shop_domain.clone(),
            ..Filing::default()
        };
        jobs::enqueue(conn, &end, &filing, now)?;
    }
    Ok(())
}

/// Has an import look once more whether Shopify's file is there: the webhook that tells may be lost.
///
/// # Errors
///
/// The database's.
pub(crate) fn wake(conn: &mut DbConnection, shop: &Shop, now: At) -> Result<(), DbError> {
    let kind = <ImportProducts as jobs::Job>::KIND;
    let job = job_rows::find_latest(conn, kind, shop.domain.as_str())?;
    let waits = job.filter(|job| job.finished_at.is_none());
    let cause = Progress::of(waits.as_ref())
        .file
        .and_then(|file| file.cause(shop.id));
    if let Some(cause) = cause {
        queue::wake(conn, Queue::Jobs, &cause, now)?;
    }
    Ok(())
}

/// An import under way.
struct Work<'a> {
    cx: &'a Connector,
    shop: Shop,
    job: JobId,
    progress: Progress,
}

impl Work<'_> {
    /// Counts, and with that decides how it is read.
    async fn begin(&mut self) -> Result<(), ImportError> {
        let variables = catalogue_size::Variables {};
        let answer = self
            .cx
            .call::<CatalogueSize>(self.shop.id, Haste::Patient, variables)
            .await?;
        let count = answer.data.product_variants_count;
        self.progress.total = count.map_or(0, |count| count.count);
        self.progress.started_at = Some(self.cx.clock.now().0);
        if self.progress.total >= BULK_FROM {
            self.progress.file = Some(File::default());
        }
        let (job, progress) = (self.job, self.progress.clone());
        self.cx
            .db
            .write(move |conn| keep(conn, job, &progress))
            .await?;
        Ok(())
    }

    async fn by_pages(&mut self) -> Result<Imported, ImportError> {
        loop {
            let asked_at = self.cx.clock.now();
            let variables = catalogue::Variables {
                first: PAGE,
                after: self.progress.cursor.clone(),
            };
            let page = self
                .cx
                .call::<Catalogue>(self.shop.id, Haste::Patient, variables)
                .await?
                .data
                .product_variants;
            let variants = payload::of_catalogue(page.nodes, self.shop.currency.as_deref());
            self.progress.cursor = page.page_info.end_cursor;
            let is_last = !page.page_info.has_next_page || self.progress.cursor.is_none();
            let stopped = self.book(variants, asked_at).await?;
            if is_last {
                return self.end().await;
            }
            if stopped {
                return self.stop().await;
            }
        }
    }

    async fn by_file(&mut self, file: File) -> Result<Imported, ImportError> {
        let (cx, shop) = (self.cx, self.shop.id);
        match bulk::run(cx, shop, file, self).await? {
            Ended::Through => self.end().await,
            Ended::Cancelled => self.stop().await,
            Ended::Waits { cause, reason } => Ok(Imported::Waits { cause, reason }),
            // Believed, it would have the whole catalogue marked as deleted.
            Ended::Empty => Err(ImportError::Hopeless(
                "Shopify's file is empty, and the store has products".to_owned(),
            )),
        }
    }

    /// Books variants and how far the import is, in one transaction; whether somebody asked to stop.
    async fn book(&mut self, variants: Vec<Variant>, told_at: At) -> Result<bool, ImportError> {
        let count = i64::try_from(variants.len()).unwrap_or(0);
        self.progress.done += count;
        // Some came in since they were counted.
        self.progress.total = self.progress.total.max(self.progress.done);
        let (shop, job, now) = (self.shop.clone(), self.job, self.cx.clock.now());
        let progress = self.progress.clone();
        let stopped = self
            .cx
            .db
            .write(move |conn| -> Result<bool, DbError> {
                queries::upsert(conn, shop.id, &variants, (told_at, now))?;
                pictures::want(conn, &shop, &variants, now)?;
                keep(conn, job, &progress)
            })
            .await?;
        Ok(stopped)
    }

    /// What a whole import did not see is not sold any more; its mapping and its orders stay.
    async fn end(&mut self) -> Result<Imported, ImportError> {
        self.progress.total = self.progress.done;
        self.progress.is_read = true;
        let (shop, job, now) = (self.shop.id, self.job, self.cx.clock.now());
        let progress = self.progress.clone();
        let started_at = At(progress.started_at.unwrap_or(now.0));
        self.cx
            .db
            .write(move |conn| -> Result<(), DbError> {
                queries::mark_unseen_deleted(conn, shop, started_at, now)?;
                keep(conn, job, &progress).map(drop)
            })
            .await?;
        self.judge().await
    }

    /// Lets the rules look at what came, some variants in a transaction; then pictures that nothing shows any more go.
    async fn judge(&mut self) -> Result<Imported, ImportError> {
        loop {
            let (shop, job, now) = (self.shop.clone(), self.job, self.cx.clock.now());
            let since = At(self.progress.started_at.unwrap_or(now.0));
            let mut progress = self.progress.clone();
            let (progress, is_more) = self
                .cx
                .db
                .write(move |conn| -> Result<_, MappingError> {
                    let after = progress.judged.unwrap_or(VariantId(0));
                    let last = rules::apply_after(conn, &shop, since, after, now)?;
                    progress.judged = last.or(progress.judged);
                    keep(conn, job, &progress)?;
                    Ok((progress, last.is_some()))
                })
                .await?;
            self.progress = progress;
            if !is_more {
                pictures::tidy(self.cx, &self.shop).await?;
                return Ok(Imported::Through);
            }
        }
    }

    async fn stop(&mut self) -> Result<Imported, ImportError> {
        self.progress.cancelled = true;
        let (job, progress) = (self.job, self.progress.clone());
        self.cx
            .db
            .write(move |conn| keep(conn, job, &progress))
            .await?;
        Ok(Imported::Cancelled)
    }
}

impl Reader for Work<'_> {
    type Error = ImportError;

    fn query(&self) -> String {
        DOCUMENT.to_owned()
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn hopeless(&self, why: String) -> ImportError {
        ImportError::Hopeless(why)
    }

    async fn keep(&mut self, _phase: &'static str, file: &File) -> Result<bool, ImportError> {
        if file.operation().is_none() {
            // It is read from its start: what was counted is counted once more.
            self.progress.done = 0;
        }
        self.progress.file = Some(file.clone());
        let (job, progress) = (self.job, self.progress.clone());
        let stopped = self
            .cx
            .db
            .write(move |conn| keep(conn, job, &progress))
            .await?;
        Ok(stopped)
    }

    async fn book(&mut self, batch: Vec<Group>, file: &File) -> Result<bool, ImportError> {
        self.progress.file = Some(file.clone());
        let currency = self.shop.currency.clone();
        let mut variants = Vec::new();
        for group in batch {
            variants.push(payload::of_row(group, currency.as_deref())?);
        }
        Work::book(self, variants, file.begun_at()).await
    }
}

/// Keeps how far a job is; whether somebody asked it to stop.
fn keep(conn: &mut DbConnection, job: JobId, progress: &Progress) -> Result<bool, DbError> {
    let text = serde_json::to_string(progress).unwrap_or_default();
    job_rows::set_progress(conn, job, &text)?;
    job_rows::is_cancel_requested(conn, job)
}

impl From<crate::shopify::orders::TranslateError> for ImportError {
    fn from(wrong: crate::shopify::orders::TranslateError) -> ImportError {
        ImportError::Call(ShopifyError::Unexpected(wrong.to_string()))
    }
}
