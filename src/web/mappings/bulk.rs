//! Accepting all exact SKU matches, and taking a batch back: at once where it is some hundreds of variants, else by a
//! job that is shown while it runs.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{Wish, load, refused, told, variants};
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::shopify::mappings::bulk::{self, AT_ONCE, ExactMatch, jobs};
use crate::shopify::mappings::{self, By, Change};
use crate::shopify::shops::Shop;
use crate::types::{JobId, ShopId, VariantId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

/// So many unmapped variants are looked at for the preview; a store that has more is left to a job.
const LOOK: i64 = 2_000;
/// Matches that stand for all of them where a job accepts them.
const EXAMPLES: usize = 50;

#[derive(Template)]
#[template(path = "mappings/accept.html")]
struct AcceptPage {
    frame: Frame,
    shop: Shop,
    matches: Vec<ExactMatch>,
    freed: i64,
    /// These are all there are, few enough to be accepted at once.
    is_whole: bool,
}

/// The variants that a preview showed, with commas between.
#[derive(Debug, Deserialize)]
pub struct Shown {
    store: ShopId,
    #[serde(default)]
    variants: String,
    /// Not only those that were shown.
    #[serde(default)]
    all: String,
}

/// Something done, or the job that does it; `None`: one that does it runs already.
enum Begun<T> {
    Done(T),
    Job(Option<JobId>),
}

/// `GET /mappings/acceptances?store=`: what accepting all exact SKU matches would do.
///
/// # Errors
///
/// `NotFound`.
pub async fn new(
    db: web::Data<Db>,
    visitor: Visitor,
    wish: web::Query<Wish>,
) -> Result<HttpResponse, WebError> {
    let store = wish.store.unwrap_or(ShopId(0));
    let frame = visitor.frame(Section::Mappings);
    let page = db
        .read(move |conn| -> Result<_, WebError> {
            let shop = load(conn, store)?;
            let mut look = bulk::look(conn, &shop, VariantId(0), LOOK)?;
            let is_whole = look.next.is_none() && look.matches.len() <= AT_ONCE;
            if !is_whole {
                look.matches.truncate(EXAMPLES);
            }
            let matches = bulk::shown(conn, &shop, &look.matches)?;
            let ids = matches.iter().map(|one| one.variant.external_id.as_str());
            let freed = mappings::waiting(conn, &shop, ids)?.freed;
            Ok(AcceptPage {
                frame,
                shop,
                matches,
                freed,
                is_whole,
            })
        })
        .await?;
    Ok(html(StatusCode::OK, &page))
}

/// `POST /mappings/acceptances`
///
/// # Errors
///
/// `NotFound`, `Conflict` where a job does it already.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    form: web::Form<Shown>,
) -> Result<HttpResponse, WebError> {
    let (now, user, form) = (clock.now(), user.id, form.into_inner());
    let store = form.store;
    let begun = db
        .write(move |conn| -> Result<Begun<Change>, WebError> {
            let shop = load(conn, form.store)?;
            let by = By {
                shop: &shop,
                user: Some(user),
                now,
            };
            if !form.all.is_empty() {
                return Ok(Begun::Job(jobs::accept_all(conn, by)?));
            }
            let ids = form.variants.split(',').take(AT_ONCE);
            let shown: Vec<VariantId> = ids.filter_map(|id| id.parse().ok()).collect();
            let change = bulk::accept_exact(conn, by, &shown).map_err(refused)?;
            Ok(Begun::Done(change))
        })
        .await?;
    match begun {
        Begun::Done(change) => {
            visitor.say(&db, &told(&change)).await?;
            let undo = &change.batch;
            Ok(see_other(&format!("/mappings?store={store}&undo={undo}")))
        }
        Begun::Job(job) => to_job(job),
    }
}

/// `POST /mappings/batches/{batch}/removal`: undoes what was just accepted.
///
/// # Errors
///
/// `Conflict` after ten minutes, or where a job does it already.
pub async fn undo(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    batch: web::Path<String>,
    form: web::Form<Shown>,
) -> Result<HttpResponse, WebError> {
    let (now, user, store, batch) = (clock.now(), user.id, form.store, batch.into_inner());
    let begun = db
        .write(move |conn| -> Result<Begun<usize>, WebError> {
            let shop = load(conn, store)?;
            let by = By {
                shop: &shop,
                user: Some(user),
                now,
            };
            if bulk::is_large(conn, by, &batch).map_err(refused)? {
                return Ok(Begun::Job(jobs::undo_all(conn, by, &batch)?));
            }
            let count = bulk::undo(conn, by, &batch).map_err(refused)?;
            Ok(Begun::Done(count))
        })
        .await?;
    match begun {
        Begun::Done(count) => {
            let words = format!("{} unmapped again.", variants(count));
            visitor.say(&db, &words).await?;
            Ok(see_other(&format!("/mappings?store={store}")))
        }
        Begun::Job(job) => to_job(job),
    }
}

fn to_job(job: Option<JobId>) -> Result<HttpResponse, WebError> {
    let busy = || WebError::Conflict("a job does this already".to_owned());
    let job = job.ok_or_else(busy)?;
    Ok(see_other(&format!("/jobs/{job}")))
}
