//! How the pieces of an item are told apart, and naming those that nobody has named.
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::show::{self, ShowQuery, StockForm};
use crate::erp::products::{self, Tracking, TrackingError};
use crate::erp::stock::lots;
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::types::ProductId;
use crate::web::error::WebError;
use crate::web::form::Errors;
use crate::web::page::see_other;
use crate::web::visitor::{CurrentUser, Visitor};

#[derive(Deserialize)]
pub struct TrackingForm {
    #[serde(default)]
    tracking: String,
}

/// `POST /products/{id}/tracking`
///
/// # Errors
///
/// `NotFound`; why it cannot be is said on the page.
pub async fn update_tracking(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<ProductId>,
    form: web::Form<TrackingForm>,
) -> Result<HttpResponse, WebError> {
    let (id, now, user) = (id.into_inner(), clock.now(), user.id);
    let tracking = Tracking::ALL
        .iter()
        .copied()
        .find(|tracking| tracking.to_string() == form.tracking);
    let mut errors = Errors::default();
    match tracking {
        None => errors.add("tracking", "Choose one of the three"),
        Some(tracking) => {
            let done = db
                .write(move |conn| products::set_tracking(conn, id, tracking, Some(user), now))
                .await;
            match done {
                Ok(()) => return Ok(see_other(&format!("/products/{id}?tab=lots"))),
                Err(error @ TrackingError::LotsInStock(_)) => {
                    errors.add("tracking", error.to_string());
                }
                Err(TrackingError::NotFound(id)) => {
                    return Err(WebError::NotFound(format!("item {id}")));
                }
                Err(TrackingError::Db(error)) => return Err(error.into()),
            }
        }
    }
    let refused = (StockForm::default(), errors);
    show::page(&db, &visitor, id, &ShowQuery::lots(), refused).await
}

/// `POST /products/{id}/lots`: names the lot of pieces that lie in none.
///
/// # Errors
///
/// The database's; what is wrong with the form is said beside its fields.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<ProductId>,
    form: web::Form<StockForm>,
) -> Result<HttpResponse, WebError> {
    let (id, now, user, form) = (id.into_inner(), clock.now(), user.id, form.into_inner());
    let mut errors = Errors::default();
    if let Some((location, quantity, code, day)) = form.naming(&mut errors) {
        let done = db
            .write(move |conn| {
                let lot = lots::name(conn, id, &code, day, now)?;
                lots::name_pieces(conn, (id, location), lot, quantity, user, now)
            })
            .await;
        match done {
            Ok(()) => {
                visitor.say(&db, "The lot is named.").await?;
                return Ok(see_other(&format!("/products/{id}?tab=lots")));
            }
            Err(error) => show::refuse(error, &mut errors)?,
        }
    }
    show::page(&db, &visitor, id, &ShowQuery::lots(), (form, errors)).await
}
