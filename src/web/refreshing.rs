//! "Fetch from Shopify": a person has one order asked about now.
use actix_web::{HttpResponse, web};

use super::error::WebError;
use super::orders as pages;
use super::page::see_other;
use super::visitor::{CurrentUser, Visitor};
use crate::erp::orders::queries as orders;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::shopify::{enrich, shops};
use crate::types::OrderId;

/// `POST /orders/{id}/refresh`
///
/// # Errors
///
/// `NotFound`; `Conflict` for an order that no store sent.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<OrderId>,
) -> Result<HttpResponse, WebError> {
    let (id, now, user) = (id.into_inner(), clock.now(), user.id);
    let filed = db
        .write(move |conn| -> Result<Option<bool>, DbError> {
            let Some(order) = orders::find(conn, id)? else {
                return Ok(None);
            };
            let Some(shop) = shops::find_by_channel(conn, order.channel_id)? else {
                return Ok(Some(false));
            };
            enrich::enqueue_whole(conn, &shop, &order.external_id, Some(user), now)?;
            Ok(Some(true))
        })
        .await?;
    match filed {
        Some(true) => {}
        Some(false) => return Err(WebError::Conflict("no store sent this order".to_owned())),
        None => return Err(WebError::NotFound(format!("order {id}"))),
    }
    visitor
        .say(&db, "Shopify is being asked about this order.")
        .await?;
    Ok(see_other(&pages::path(id)))
}
