//! One long job: how far it is, how it ended, and a way to stop it.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::error::WebError;
use super::filters;
use super::page::{Frame, Section, html, see_other};
use super::visitor::Visitor;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::platform::jobs::queries::{self, JobRow};
use crate::platform::queue::Status;
use crate::shopify::products::import;
use crate::types::{At, JobId, ShopId};

#[derive(Template)]
#[template(path = "jobs/show.html")]
struct ShowPage {
    frame: Frame,
    view: JobView,
}

/// The part that refreshes itself while the job is open.
#[derive(Template)]
#[template(path = "jobs/_job.html")]
struct JobPart {
    frame: Frame,
    view: JobView,
}

struct JobView {
    id: JobId,
    title: &'static str,
    shop: Option<String>,
    badge: &'static str,
    tone: &'static str,
    open: bool,
    done: i64,
    total: i64,
    /// Where what it changed is seen, once it is over.
    back: Option<String>,
    changed: i64,
    can_be_undone: bool,
    reason: Option<String>,
    created_at: At,
    finished_at: Option<At>,
}

#[derive(Default, Deserialize)]
struct Progress {
    #[serde(default)]
    done: i64,
    #[serde(default)]
    total: i64,
    #[serde(default)]
    cancelled: bool,
    /// Of jobs that change mappings: how many, of which store, and the batch that can be undone.
    #[serde(default)]
    changed: i64,
    store: Option<ShopId>,
    undo: Option<String>,
}

/// `GET /jobs/{id}`
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    req: actix_web::HttpRequest,
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<JobId>,
) -> Result<HttpResponse, WebError> {
    let id = id.into_inner();
    let row = db
        .read(move |conn| queries::find(conn, id))
        .await?
        .ok_or_else(|| WebError::NotFound("This job".to_owned()))?;
    let (frame, view) = (visitor.frame(Section::Integrations), view(row));
    Ok(if req.headers().contains_key("hx-request") {
        html(StatusCode::OK, &JobPart { frame, view })
    } else {
        html(StatusCode::OK, &ShowPage { frame, view })
    })
}

/// `POST /jobs/{id}/cancellation`
///
/// # Errors
///
/// `Conflict` where it has ended already.
pub async fn create_cancellation(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    id: web::Path<JobId>,
) -> Result<HttpResponse, WebError> {
    let (id, now) = (id.into_inner(), clock.now());
    let asked = db
        .write(move |conn| -> Result<bool, DbError> {
            let asked = queries::mark_cancel_requested(conn, id, now)?;
            let row = queries::find(conn, id)?;
            if let Some(row) = row.filter(|row| row.status == Status::Discarded.code()) {
                import::on_cancelled(conn, &row, now)?;
            }
            Ok(asked)
        })
        .await?;
    if !asked {
        return Err(WebError::Conflict("this job has ended".to_owned()));
    }
    Ok(see_other(&format!("/jobs/{id}")))
}

fn view(row: JobRow) -> JobView {
    let progress: Progress = row
        .progress
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let status = Status::from_code(row.status);
    let back = progress.store.map(|store| match &progress.undo {
        Some(batch) => format!("/mappings?store={store}&undo={batch}"),
        None => format!("/mappings?store={store}"),
    });
    let (badge, tone) = match status {
        Status::Pending if row.attempts > 0 => ("Retrying", "warning"),
        Status::Pending => ("Queued", "neutral open"),
        Status::Working => ("Running", "info half"),
        Status::Waiting => ("Waiting", "neutral open"),
        Status::Done if progress.cancelled => ("Cancelled", "neutral"),
        Status::Done | Status::Superseded => ("Done", "success"),
        Status::Dead => ("Failed", "critical"),
        Status::Discarded => ("Cancelled", "neutral"),
    };
    JobView {
        id: row.id,
        title: title(&row.kind),
        shop: row.shop_domain,
        badge,
        tone,
        open: matches!(status, Status::Pending | Status::Working | Status::Waiting),
        done: progress.done,
        total: progress.total,
        back,
        changed: progress.changed,
        can_be_undone: progress.undo.is_some(),
        reason: row.reason,
        created_at: row.created_at,
        finished_at: row.finished_at,
    }
}

fn title(kind: &str) -> &'static str {
    match kind {
        "shopify.import_products" => "Importing products",
        "shopify.accept_matches" => "Accepting exact SKU matches",
        "shopify.undo_mappings" => "Taking mappings back",
        "shopify.book_mappings" => "Booking mappings from a file",
        "shopify.end_file" => "Ending a file of Shopify's",
        "shopify.fetch_pictures" => "Fetching pictures",
        "shopify.import_product" => "Reading one product",
        "shopify.set_up_shop" => "Setting up a store",
        "shopify.look_after_shop" => "Looking after a store",
        "shopify.check_uninstalled" => "Checking an uninstallation",
        "shopify.check_deleted" => "Checking a deletion",
        "shopify.erase_customer" => "Erasing a customer",
        "shopify.erase_shop" => "Erasing everybody of a store",
        "shopify.read_locations" => "Reading the locations",
        "shopify.read_scopes" => "Reading the scopes",
        "erp.follow_delivery_rule" => "Following a rule of local deliveries",
        "shopify.look_for_changes" => "Looking for changes",
        "shopify.sync_run" => "A sync run",
        "shopify.fetch_order" => "Fetching an order",
        _ => "Job",
    }
}
