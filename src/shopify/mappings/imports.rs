//! Mappings from a file: shown first with what they would do, then booked in short steps by a job. All of a file is one
//! batch. A line never changes what was said of a variant before.
pub mod queries;

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::parts::Parts;
use super::queries::{self as mappings, MappedRow};
use super::sheet::{self, Meaning, Refusal, Said, Sheet, SheetError};
use super::{By, MappingError, MappingKind, Origin, Reason, Waiting};
use crate::erp::audit::{self, Kind};
use crate::erp::products::by_sku::BySku;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing, Job, Run};
use crate::platform::queue::Outcome;
use crate::shopify::Connector;
use crate::shopify::products::queries::{self as variants, VariantRow};
use crate::shopify::shops::{self, Shop};
use crate::text_enum;
use crate::types::{At, MappingImportId, ShopId};
use queries::ImportRow;

/// Variants that are judged, and booked, at once.
const STEP: usize = 200;
/// Refused lines that a page shows; the others are counted.
pub const SHOWN: usize = 200;

text_enum! {
    /// How far a file is.
    State {
        /// Somebody looks at what it would do.
        Shown = "shown",
        Booking = "booking",
        Done = "done",
    }
}

/// What booking a file would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub mapped: i64,
    pub unchanged: i64,
    pub refused: Vec<Refusal>,
    pub waiting: Waiting,
}

/// Why a file is not taken, or not booked.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Sheet(#[from] SheetError),
    #[error("choose a file")]
    NoFile,
    #[error("there is no such import")]
    NotFound,
    #[error("this file was booked already, or another was chosen since")]
    Booked,
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Keeps a file, to be looked at and booked. One that nobody booked goes.
///
/// # Errors
///
/// `Sheet`: it cannot be read.
pub fn keep(
    conn: &mut DbConnection,
    by: By<'_>,
    file: &[u8],
) -> Result<MappingImportId, ImportError> {
    let sheet = sheet::read(file)?;
    queries::delete_shown(conn, by.shop.id)?;
    let new = queries::NewImport {
        shop_id: by.shop.id,
        state: State::Shown,
        content: file,
        batch: &Uuid::now_v7().to_string(),
        total: counted(sheet.said.len()),
        done: 0,
        mapped: 0,
        unchanged: 0,
        refused: 0,
        orders_freed: 0,
        refusals: "[]",
        created_at: by.now,
        created_by: by.user,
    };
    Ok(queries::insert(conn, &new)?)
}

/// What booking this file would do as things are.
///
/// # Errors
///
/// `NotFound`, `Sheet`.
pub fn plan(conn: &mut DbConnection, shop: &Shop, row: &ImportRow) -> Result<Plan, ImportError> {
    let sheet = read(conn, row.id)?;
    let mut plan = Plan {
        refused: sheet.refused,
        ..Plan::default()
    };
    let mut mapped: Vec<&str> = Vec::new();
    for some in sheet.said.chunks(STEP) {
        for (said, verdict) in some.iter().zip(judge(conn, shop.id, some)?) {
            match verdict {
                Verdict::Map(..) | Verdict::Ignore(_) => {
                    plan.mapped += 1;
                    mapped.push(&said.variant);
                }
                Verdict::Same => plan.unchanged += 1,
                Verdict::Refuse(reason) => plan.refused.push(Refusal {
                    line: said.line,
                    reason,
                }),
            }
        }
    }
    plan.refused.sort_by_key(|refusal| refusal.line);
    plan.waiting = super::waiting(conn, shop, mapped)?;
    Ok(plan)
}

/// Has a file booked.
///
/// # Errors
///
/// `Booked` from the second call on.
pub fn book(
    conn: &mut DbConnection,
    by: By<'_>,
    import: MappingImportId,
) -> Result<(), ImportError> {
    if !queries::mark_booking(conn, import)? {
        return Err(ImportError::Booked);
    }
    let filing = Filing {
        shop_domain: Some(by.shop.domain.to_string()),
        user: by.user,
        ..Filing::default()
    };
    jobs::enqueue(conn, &BookMappings { import }, &filing, by.now)?;
    Ok(())
}

/// Books a file, a step at a time; one that stopped goes on where it was.
#[derive(Debug, Serialize, Deserialize)]
pub struct BookMappings {
    pub import: MappingImportId,
}

impl Job for BookMappings {
    const KIND: &'static str = "shopify.book_mappings";
    type Context = Connector;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.import.to_string())
    }

    async fn run(self, cx: Arc<Connector>, _run: Run) -> Outcome {
        match book_all(&cx, self.import).await {
            Ok(()) => Outcome::Done,
            Err(StepError::Import(ImportError::Db(error)) | StepError::Db(error)) => {
                Outcome::retry(error.to_string())
            }
            Err(error) => Outcome::dead(error.to_string()),
        }
    }
}

/// Why a step was not booked.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error("there is no such store")]
    NoStore,
    #[error(transparent)]
    Db(#[from] DbError),
}

async fn book_all(cx: &Connector, import: MappingImportId) -> Result<(), StepError> {
    let sheet = cx
        .db
        .read(move |conn| -> Result<_, ImportError> {
            let row = queries::find(conn, import)?.ok_or(ImportError::NotFound)?;
            // A job may run again after its last step.
            if row.state == State::Booking {
                read(conn, import).map(Some)
            } else {
                Ok(None)
            }
        })
        .await?;
    let Some(sheet) = sheet.map(Arc::new) else {
        return Ok(());
    };
    loop {
        let (sheet, now) = (Arc::clone(&sheet), cx.clock.now());
        let step = cx
            .db
            .write(move |conn| book_step(conn, import, &sheet, now));
        if !step.await? {
            return Ok(());
        }
    }
}

/// Books what comes next; says whether there is more.
fn book_step(
    conn: &mut DbConnection,
    import: MappingImportId,
    sheet: &Sheet,
    now: At,
) -> Result<bool, StepError> {
    let row = queries::find(conn, import)?.ok_or(ImportError::NotFound)?;
    if row.state != State::Booking {
        return Ok(false);
    }
    let shop = shops::get(conn, row.shop_id).map_err(|_missing| StepError::NoStore)?;
    let by = By {
        shop: &shop,
        user: row.created_by,
        now,
    };
    let begin = usize::try_from(row.done).unwrap_or(usize::MAX);
    let some: Vec<Said> = sheet.said.iter().skip(begin).take(STEP).cloned().collect();
    let mut next = row.clone();
    if begin == 0 {
        next.refuse(sheet.refused.iter().cloned());
    }
    next.done += counted(some.len());
    for (said, verdict) in some.iter().zip(judge(conn, shop.id, &some)?) {
        let reason = Reason::new(Origin::File, &row.batch);
        let freed = match verdict {
            Verdict::Map(variant, parts) => super::map(conn, by, &variant, &parts, reason),
            Verdict::Ignore(variant) => super::set_aside(conn, by, &variant, reason),
            Verdict::Same => {
                next.unchanged += 1;
                continue;
            }
            Verdict::Refuse(reason) => {
                let line = said.line;
                next.refuse([Refusal { line, reason }]);
                continue;
            }
        };
        next.mapped += 1;
        next.orders_freed += counted(freed?);
    }
    let more = next.done < row.total;
    if !more {
        next.state = State::Done;
        next.done_at = Some(now);
        let arguments = json!({ "variants": next.mapped, "refused": next.refused });
        let subject = format!("store/{}", shop.id);
        audit::record(
            conn,
            by.user,
            Kind::MappingsImported,
            &subject,
            &arguments,
            now,
        )?;
    }
    queries::update(conn, &next)?;
    Ok(more)
}

impl ImportRow {
    /// The refused lines that are kept to be shown.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        serde_json::from_str(&self.refusals).unwrap_or_default()
    }

    fn refuse(&mut self, more: impl IntoIterator<Item = Refusal>) {
        let mut kept = self.refusals();
        for refusal in more {
            self.refused += 1;
            if kept.len() < SHOWN {
                kept.push(refusal);
            }
        }
        self.refusals = serde_json::to_string(&kept).unwrap_or_default();
    }
}

/// What is to be done with what a file says of a variant.
enum Verdict {
    Map(VariantRow, Parts),
    Ignore(VariantRow),
    /// It is so already.
    Same,
    Refuse(String),
}

fn judge(conn: &mut DbConnection, shop: ShopId, some: &[Said]) -> Result<Vec<Verdict>, DbError> {
    let ids: Vec<&str> = some.iter().map(|said| said.variant.as_str()).collect();
    let rows = variants::list_by_external(conn, shop, &ids)?;
    let known: Vec<_> = rows.iter().map(|row| row.id).collect();
    let mut live: HashMap<_, Vec<MappedRow>> = HashMap::new();
    for row in mappings::list_live(conn, &known)? {
        live.entry(row.variant_id).or_default().push(row);
    }
    let skus = some.iter().flat_map(|said| match &said.meaning {
        Meaning::Ignored => &[][..],
        Meaning::Items { parts, .. } => parts.as_slice(),
    });
    let items = BySku::read(conn, skus.map(|(sku, _)| sku.as_str()))?;
    let by_id: HashMap<&str, &VariantRow> = rows
        .iter()
        .map(|row| (row.external_id.as_str(), row))
        .collect();
    let verdicts = some.iter().map(|said| {
        let Some(variant) = by_id.get(said.variant.as_str()) else {
            return Verdict::Refuse("this store has no such variant".to_owned());
        };
        let live = live.get(&variant.id).map_or(&[][..], Vec::as_slice);
        verdict(variant, said, live, &items)
    });
    Ok(verdicts.collect())
}

fn verdict(variant: &VariantRow, said: &Said, live: &[MappedRow], items: &BySku) -> Verdict {
    let taken = || Verdict::Refuse("this variant is mapped already: unmap it first".to_owned());
    let is_ignored = live.iter().any(|row| row.kind == MappingKind::Ignored);
    let named = match &said.meaning {
        Meaning::Ignored if is_ignored => return Verdict::Same,
        Meaning::Ignored if live.is_empty() => return Verdict::Ignore(variant.clone()),
        Meaning::Ignored => return taken(),
        Meaning::Items { parts, .. } => parts,
    };
    let mut parts = Vec::with_capacity(named.len());
    for (sku, quantity) in named {
        match items.find(sku) {
            Ok(item) => parts.push((item.id, *quantity)),
            Err(error) => return Verdict::Refuse(format!("{sku}: {error}")),
        }
    }
    let parts = match Parts::new(parts) {
        Ok(parts) => parts,
        Err(error) => return Verdict::Refuse(error.to_string()),
    };
    if live.is_empty() {
        return Verdict::Map(variant.clone(), parts);
    }
    let mut before: Vec<_> = live
        .iter()
        .filter_map(|row| Some((row.product_id?, row.quantity)))
        .collect();
    let mut after = parts.as_slice().to_vec();
    before.sort_unstable();
    after.sort_unstable();
    if before == after {
        Verdict::Same
    } else {
        taken()
    }
}

fn read(conn: &mut DbConnection, import: MappingImportId) -> Result<Sheet, ImportError> {
    let content = queries::content(conn, import)?.ok_or(ImportError::NotFound)?;
    Ok(sheet::read(&content)?)
}

fn counted(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
