//! Mappings from a file: chosen, shown with what they would do, and booked when that was seen.
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::load;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection};
use crate::shopify::mappings::By;
use crate::shopify::mappings::bulk::UNDO_WINDOW;
use crate::shopify::mappings::imports::queries::{self, ImportRow};
use crate::shopify::mappings::imports::{self, ImportError, Plan, SHOWN, State};
use crate::shopify::mappings::sheet::Refusal;
use crate::shopify::shops::Shop;
use crate::types::{MappingImportId, ShopId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::form::Errors;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::upload;
use crate::web::visitor::{CurrentUser, Visitor};

/// Imports that are listed.
const LATEST: i64 = 10;

#[derive(Debug, Deserialize)]
pub struct Wanted {
    store: ShopId,
}

#[derive(Template)]
#[template(path = "mappings/import.html")]
struct NewPage {
    frame: Frame,
    errors: Errors,
    shop: Shop,
    /// The store's last imports, the latest first.
    imports: Vec<ImportRow>,
}

impl ImportRow {
    /// How far it is, in a word and its tone.
    fn badge(&self) -> (&'static str, &'static str) {
        match self.state {
            State::Shown => ("Not booked", "warning"),
            State::Booking => ("Running", "info half"),
            State::Done if self.refused > 0 => ("Done, some refused", "warning"),
            State::Done => ("Done", "success"),
        }
    }
}

#[derive(Template)]
#[template(path = "mappings/import_show.html")]
struct ShowPage {
    frame: Frame,
    shop: Shop,
    row: ImportRow,
    /// What it would do, before it is booked.
    plan: Option<Plan>,
    refused: i64,
    refusals: Vec<Refusal>,
}

impl ShowPage {
    fn can_be_undone(&self) -> bool {
        let done = self.row.done_at.filter(|_| self.row.mapped > 0);
        done.is_some_and(|at| self.frame.now.since(at) < UNDO_WINDOW)
    }

    fn is_cut(&self) -> bool {
        i64::try_from(self.refusals.len()).is_ok_and(|shown| shown < self.refused)
    }
}

/// `GET /mappings/imports/new?store=`
///
/// # Errors
///
/// `NotFound`.
pub async fn new(
    db: web::Data<Db>,
    visitor: Visitor,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, WebError> {
    let (shop, imports) = beside(&db, wanted.store).await?;
    let page = NewPage {
        frame: visitor.frame(Section::Mappings),
        errors: Errors::default(),
        shop,
        imports,
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /mappings/imports`: `store` and the `file`.
///
/// # Errors
///
/// `NotFound`, `FileTooLarge`; a file that cannot be read shows the form again.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    req: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, WebError> {
    let (store, file) = read(&req, payload.into_inner()).await?;
    let (shop, imports) = beside(&db, store).await?;
    let (user, now, of) = (user.id, clock.now(), shop.clone());
    let kept = match file {
        Some(file) => {
            let kept = db.write(move |conn| {
                let by = By {
                    shop: &of,
                    user: Some(user),
                    now,
                };
                imports::keep(conn, by, &file)
            });
            kept.await
        }
        None => Err(ImportError::NoFile),
    };
    match kept {
        Ok(id) => Ok(see_other(&format!("/mappings/imports/{id}"))),
        Err(error @ (ImportError::Sheet(_) | ImportError::NoFile)) => {
            let mut errors = Errors::default();
            errors.add("file", capital(&error.to_string()));
            let page = NewPage {
                frame: visitor.frame(Section::Mappings),
                errors,
                shop,
                imports,
            };
            Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /mappings/imports/{id}`: what it would do, how far it is, or what it did.
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<MappingImportId>,
) -> Result<HttpResponse, WebError> {
    let (frame, id) = (visitor.frame(Section::Mappings), id.into_inner());
    let page = db.read(move |conn| page(conn, frame, id)).await?;
    Ok(html(StatusCode::OK, &page))
}

/// `POST /mappings/imports/{id}/booking`
///
/// # Errors
///
/// `NotFound`, `Conflict` where it was booked already.
pub async fn book(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    user: CurrentUser,
    id: web::Path<MappingImportId>,
) -> Result<HttpResponse, WebError> {
    let (now, user, id) = (clock.now(), user.id, id.into_inner());
    db.write(move |conn| -> Result<(), WebError> {
        let row = queries::find(conn, id)?.ok_or(ImportError::NotFound)?;
        let shop = load(conn, row.shop_id)?;
        let by = By {
            shop: &shop,
            user: Some(user),
            now,
        };
        Ok(imports::book(conn, by, id)?)
    })
    .await?;
    Ok(see_other(&format!("/mappings/imports/{id}")))
}

fn page(conn: &mut DbConnection, frame: Frame, id: MappingImportId) -> Result<ShowPage, WebError> {
    let row = queries::find(conn, id)?.ok_or(ImportError::NotFound)?;
    let shop = load(conn, row.shop_id)?;
    let plan = match row.state {
        State::Shown => Some(imports::plan(conn, &shop, &row)?),
        State::Booking | State::Done => None,
    };
    let (refused, mut refusals) = match &plan {
        Some(plan) => (plan.refused.len(), plan.refused.clone()),
        None => (usize::try_from(row.refused).unwrap_or(0), row.refusals()),
    };
    refusals.truncate(SHOWN);
    Ok(ShowPage {
        frame,
        shop,
        row,
        plan,
        refused: i64::try_from(refused).unwrap_or(i64::MAX),
        refusals,
    })
}

/// The store, and its last imports.
async fn beside(db: &Db, id: ShopId) -> Result<(Shop, Vec<ImportRow>), WebError> {
    db.read(move |conn| {
        let shop = load(conn, id)?;
        let imports = queries::list_latest(conn, id, LATEST)?;
        Ok((shop, imports))
    })
    .await
}

async fn read(
    req: &HttpRequest,
    mut payload: Payload,
) -> Result<(ShopId, Option<Vec<u8>>), WebError> {
    let body = upload::read(&mut payload).await?;
    let boundary = upload::boundary(req.headers()).unwrap_or_default();
    let form = upload::parts(&body, &boundary);
    let store = form.text("store").parse().unwrap_or(ShopId(0));
    Ok((store, form.file("file").map(<[u8]>::to_vec)))
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

impl From<ImportError> for WebError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::NotFound => WebError::NotFound("This import".to_owned()),
            ImportError::Booked => WebError::Conflict(error.to_string()),
            ImportError::Sheet(_) | ImportError::NoFile => WebError::invalid(error.to_string()),
            ImportError::Db(error) => error.into(),
        }
    }
}
