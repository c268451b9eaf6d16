//! One variant: find its item, make one, ignore it, unmap it, and what was said of it before.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::questions::{self, Asked};
use super::{load, refused, told};
use crate::erp::products::queries::ProductRow;
use crate::erp::products::search as items;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection};
use crate::shopify::mappings::queries::{self, MappedRow};
use crate::shopify::mappings::{self, By, MappingError, Waiting};
use crate::shopify::pictures::queries::{self as pictures, Standing};
use crate::shopify::products::queries::{self as variants, VariantRow};
use crate::shopify::shops::Shop;
use crate::types::VariantId;
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::form::Errors;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

const RESULTS: i64 = 20;

#[derive(Template)]
#[template(path = "mappings/show.html")]
struct ShowPage {
    frame: Frame,
    errors: Errors,
    shop: Shop,
    variant: VariantRow,
    picture: Option<Standing>,
    live: Vec<MappedRow>,
    history: Vec<MappedRow>,
    search: String,
    results: Vec<ProductRow>,
    waiting: Waiting,
    asked: Option<Asked>,
    sku: String,
    name: String,
}

#[derive(Default, Deserialize)]
pub struct Search {
    #[serde(default)]
    q: String,
}

/// The item that a person makes for a variant.
#[derive(Deserialize)]
pub struct NewItem {
    #[serde(default)]
    sku: String,
    #[serde(default)]
    name: String,
}

/// `GET /mappings/{id}?q=`
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<VariantId>,
    search: web::Query<Search>,
) -> Result<HttpResponse, WebError> {
    let (frame, q) = (visitor.frame(Section::Mappings), search.into_inner().q);
    let id = id.into_inner();
    let page = db
        .read(move |conn| page(conn, frame, id, q, Errors::default()))
        .await?;
    Ok(html(StatusCode::OK, &page))
}

/// `POST /mappings/{id}/item`: makes an item of the variant and maps it.
///
/// # Errors
///
/// `NotFound`, `Conflict`.
pub async fn create_item(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<VariantId>,
    form: web::Form<NewItem>,
) -> Result<HttpResponse, WebError> {
    let (now, user, id, form) = (clock.now(), user.id, id.into_inner(), form.into_inner());
    let frame = visitor.frame(Section::Mappings);
    let (sku, name) = (form.sku.clone(), form.name.clone());
    let made = db
        .write(move |conn| -> Result<_, MappingError> {
            let shop = shop_of(conn, id).map_err(|_any| MappingError::NotFound)?;
            let by = By {
                shop: &shop,
                user: Some(user),
                now,
            };
            mappings::create_item(conn, by, id, &sku, &name)
        })
        .await;
    match made {
        Ok(change) => {
            visitor.say(&db, &told(&change)).await?;
            Ok(see_other("/mappings"))
        }
        Err(MappingError::Product(error)) => {
            let mut errors = Errors::default();
            errors.add("sku", error.to_string());
            let mut page = db
                .read(move |conn| page(conn, frame, id, String::new(), errors))
                .await?;
            (page.sku, page.name) = (form.sku, form.name);
            Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(refused(error)),
    }
}

/// `POST /mappings/{id}/exclusion`: this product is nothing of ours.
///
/// # Errors
///
/// `NotFound`, `Conflict`.
pub async fn exclude(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<VariantId>,
) -> Result<HttpResponse, WebError> {
    let (now, user, id) = (clock.now(), user.id, id.into_inner());
    let (store, batch) = db
        .write(move |conn| -> Result<_, WebError> {
            let shop = shop_of(conn, id)?;
            let by = By {
                shop: &shop,
                user: Some(user),
                now,
            };
            let change = mappings::ignore(conn, by, id).map_err(refused)?;
            Ok((shop.id, change.batch))
        })
        .await?;
    visitor
        .say(&db, "Ignored: it holds no order any more.")
        .await?;
    Ok(see_other(&format!("/mappings?store={store}&undo={batch}")))
}

/// `POST /mappings/{id}/removal`: takes back what was said of it.
///
/// # Errors
///
/// `NotFound`, `Conflict`.
pub async fn delete(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<VariantId>,
) -> Result<HttpResponse, WebError> {
    let (now, user, id) = (clock.now(), user.id, id.into_inner());
    let held = db
        .write(move |conn| -> Result<_, WebError> {
            let shop = shop_of(conn, id)?;
            let by = By {
                shop: &shop,
                user: Some(user),
                now,
            };
            mappings::remove(conn, by, id).map_err(refused)
        })
        .await?;
    let words = match held {
        0 => "Unmapped again.".to_owned(),
        1 => "Unmapped again; 1 order is held.".to_owned(),
        n => format!("Unmapped again; {n} orders are held."),
    };
    visitor.say(&db, &words).await?;
    Ok(see_other(&format!("/mappings/{id}")))
}

/// `POST /mappings/{id}/confirmation`: its mapping holds although the variant changed.
///
/// # Errors
///
/// `NotFound`, `Conflict` where it is not mapped.
pub async fn keep(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<VariantId>,
) -> Result<HttpResponse, WebError> {
    let (now, user, id) = (clock.now(), user.id, id.into_inner());
    let store = db
        .write(move |conn| -> Result<_, WebError> {
            let shop = shop_of(conn, id)?;
            let by = By {
                shop: &shop,
                user: Some(user),
                now,
            };
            mappings::keep(conn, by, id).map_err(refused)?;
            Ok(shop.id)
        })
        .await?;
    visitor.say(&db, "Kept as it is mapped.").await?;
    Ok(see_other(&format!(
        "/mappings?view=conflicts&store={store}"
    )))
}

/// The store that sells the variant.
pub(super) fn shop_of(conn: &mut DbConnection, id: VariantId) -> Result<Shop, WebError> {
    let missing = || WebError::NotFound("This variant".to_owned());
    let variant = variants::find(conn, id)?.ok_or_else(missing)?;
    load(conn, variant.shop_id)
}

fn page(
    conn: &mut DbConnection,
    frame: Frame,
    id: VariantId,
    search: String,
    errors: Errors,
) -> Result<ShowPage, WebError> {
    let missing = || WebError::NotFound("This variant".to_owned());
    let variant = variants::find(conn, id)?.ok_or_else(missing)?;
    let shop = load(conn, variant.shop_id)?;
    let history = queries::list_history(conn, id)?;
    let live = history.iter().filter(|row| row.removed_at.is_none());
    let results = if search.trim().is_empty() {
        Vec::new()
    } else {
        items::page(conn, &search, None, RESULTS)?
    };
    let name = match &variant.variant_title {
        Some(option) => format!("{}, {option}", variant.product_title),
        None => variant.product_title.clone(),
    };
    Ok(ShowPage {
        frame,
        errors,
        live: live.cloned().collect(),
        history,
        search,
        results,
        asked: questions::about(conn, shop.id, &[id])?.remove(&id),
        waiting: mappings::waiting(conn, &shop, [variant.external_id.as_str()])?,
        shop,
        sku: variant.sku.clone().unwrap_or_default(),
        name,
        picture: pictures::find_of_variant(conn, id)?,
        variant,
    })
}
