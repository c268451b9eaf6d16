//! An item in the stores: having a store told once more.
use actix_web::{HttpResponse, web};

use crate::erp::products::queries as rows;
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::shopify::inventory::{self, MarkKind};
use crate::shopify::shops::{self, ShopError};
use crate::types::{ProductId, ShopId};
use crate::web::error::WebError;
use crate::web::integrations::missing;
use crate::web::page::see_other;
use crate::web::visitor::{CurrentUser, Visitor};

/// `POST /products/{id}/stores/{shop}/push`: reads the store's number and sets ours, whatever was refused before.
///
/// # Errors
///
/// `NotFound`.
pub async fn create_push(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    path: web::Path<(ProductId, ShopId)>,
) -> Result<HttpResponse, WebError> {
    let ((product, shop), now, by) = (path.into_inner(), clock.now(), user.id);
    let asked = db
        .write(move |conn| -> Result<bool, ShopError> {
            let shop = shops::get(conn, shop)?;
            if rows::find(conn, product)?.is_none() {
                return Err(ShopError::NotFound);
            }
            let kind = MarkKind::Asked;
            Ok(inventory::mark_item(
                conn,
                &shop,
                product,
                kind,
                Some(by),
                now,
            )?)
        })
        .await
        .map_err(missing)?;
    let words = if asked {
        "The store is asked for its number and told ours."
    } else {
        "The stock sync of this store is off."
    };
    visitor.say(&db, words).await?;
    Ok(see_other(&format!("/products/{product}?tab=stock")))
}
