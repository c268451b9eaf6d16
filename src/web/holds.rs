//! What people do on the order screen besides shipping: hold, release, say what a line is.
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::error::WebError;
use super::orders::{self as pages, ListQuery};
use super::page::see_other;
use super::visitor::{CurrentUser, Visitor};
use crate::erp::holds::{HoldKind, queries as holds};
use crate::erp::orders::{self, OrderError};
use crate::erp::users::roles::Action;
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::types::{OrderId, OrderLineId};

#[derive(Deserialize)]
pub struct HoldForm {
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
pub struct ReleaseForm {
    /// The hold to release; empty: the one that a person placed.
    #[serde(default)]
    hold: String,
}

#[derive(Deserialize)]
pub struct ItemForm {
    sku: String,
}

/// `POST /orders/{id}/hold`
///
/// # Errors
///
/// `NotFound`.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<OrderId>,
    query: web::Query<ListQuery>,
    form: web::Form<HoldForm>,
) -> Result<HttpResponse, WebError> {
    let (id, now, user) = (id.into_inner(), clock.now(), user.id);
    let note = form.into_inner().note;
    db.write(move |conn| {
        let note = (!note.trim().is_empty()).then(|| note.trim());
        orders::hold(conn, id, note, Some(user), now)
    })
    .await?;
    visitor.say(&db, "The order is on hold.").await?;
    Ok(back(id, &query))
}

/// `POST /orders/{id}/hold/release`
///
/// # Errors
///
/// `NotFound`; `Conflict` where the hold is not open any more.
pub async fn release(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<OrderId>,
    query: web::Query<ListQuery>,
    form: web::Form<ReleaseForm>,
) -> Result<HttpResponse, WebError> {
    let (id, now, user, role) = (id.into_inner(), clock.now(), user.id, user.role);
    let hold = match form.hold.trim() {
        "" => None,
        hold => Some(
            hold.parse::<i64>()
                .map_err(|_no_number| WebError::invalid("the form names no hold"))?,
        ),
    };
    let Some(hold) = hold else {
        db.write(move |conn| orders::cancel_hold(conn, id, Some(user), now))
            .await?;
        visitor.say(&db, "The hold is released.").await?;
        return Ok(back(id, &query));
    };
    let kind = db
        .read(move |conn| holds::find_open(conn, id, hold))
        .await?
        .map(|hold| hold.kind);
    match kind {
        // It would be seen again at once.
        Some(HoldKind::Channel) => {
            let words = "this hold was placed in the store and is released there";
            return Err(WebError::Conflict(words.to_owned()));
        }
        Some(HoldKind::Checking | HoldKind::Risk) if !role.may(Action::Overrule) => {
            return Err(WebError::Forbidden {
                needs: Action::Overrule,
            });
        }
        Some(
            HoldKind::Checking
            | HoldKind::Risk
            | HoldKind::Unmapped
            | HoldKind::Unpaid
            | HoldKind::Address
            | HoldKind::Edit
            | HoldKind::Manual,
        )
        | None => {}
    }
    db.write(move |conn| orders::release_hold(conn, id, hold, Some(user), now))
        .await?;
    visitor.say(&db, "The hold is released.").await?;
    Ok(back(id, &query))
}

/// `POST /orders/{id}/lines/{line}/item`
///
/// # Errors
///
/// `NotFound`; `Invalid` where no item has the SKU.
pub async fn choose_item(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    path: web::Path<(OrderId, OrderLineId)>,
    query: web::Query<ListQuery>,
    form: web::Form<ItemForm>,
) -> Result<HttpResponse, WebError> {
    let ((id, line), now, user) = (path.into_inner(), clock.now(), user.id);
    let sku = form.into_inner().sku;
    let wanted = sku.clone();
    let found = db
        .write(move |conn| {
            let Some(product) = crate::erp::products::find_by_sku(conn, &wanted)? else {
                return Ok::<_, OrderError>(false);
            };
            orders::map_line(conn, id, line, &[(product, 1)], Some(user), now)?;
            Ok(true)
        })
        .await?;
    if !found {
        return Err(WebError::invalid(format!("no item has the SKU {sku}")));
    }
    visitor.say(&db, "The line has its item.").await?;
    Ok(back(id, &query))
}

fn back(id: OrderId, query: &ListQuery) -> HttpResponse {
    see_other(&format!("{}?{}", pages::path(id), query.to_text()))
}
