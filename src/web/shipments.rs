//! Shipping from the order screen: the panel and its form, correcting a tracking number, undoing.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use crate::erp::shipping::queries::{self, ShipmentRow};
use crate::erp::shipping::{self, FieldError, NewShipment, ShipError, Tracking};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::shopify::carriers;
use crate::types::{LocationId, OrderId, ShipmentId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::orders;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

mod cards;
mod panel;

use panel::OTHER;
pub use panel::{ShipForm, ShipPanel};

/// `POST /orders/{id}/shipments`
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<OrderId>,
    fields: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let (order, now) = (id.into_inner(), clock.now());
    let mut form = ShipForm::read(&fields);
    let lines = match form.lines() {
        Ok(lines) => lines,
        Err(faults) => {
            form.faults = faults;
            return refuse(&db, &visitor, order, form).await;
        }
    };
    let new = NewShipment {
        order,
        version: form.version.unwrap_or(0),
        location: LocationId(form.location.unwrap_or(0)),
        lots: form.choices(&lines),
        lines,
        tracking: form.tracking(),
        notify: form.notify,
        request_id: form.request_id.clone(),
        user: Some(user.id),
        source: None,
    };
    match db.write(move |conn| shipping::ship(conn, &new, now)).await {
        Ok(_shipped) => {
            visitor
                .say(&db, "Shipped. Shopify is told in the background.")
                .await?;
            Ok(see_other(&format!("/orders/{order}")))
        }
        Err(ShipError::Invalid(faults)) => {
            form.faults = faults;
            refuse(&db, &visitor, order, form).await
        }
        Err(ShipError::Changed) => {
            // What was typed stays; the version is the new one, so that the next sending counts.
            form.version = None;
            form.faults = vec![FieldError {
                field: "order".to_owned(),
                message: "This order changed while the page was open. Nothing was shipped. Look at the lines again, then ship.".to_owned(),
            }];
            refuse_as(&db, &visitor, order, form, StatusCode::CONFLICT).await
        }
        Err(ShipError::NotShippable(message)) => {
            form.faults = vec![FieldError {
                field: "order".to_owned(),
                message,
            }];
            refuse_as(&db, &visitor, order, form, StatusCode::CONFLICT).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn refuse(
    db: &Db,
    visitor: &Visitor,
    order: OrderId,
    form: ShipForm,
) -> Result<HttpResponse, WebError> {
    refuse_as(db, visitor, order, form, StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn refuse_as(
    db: &Db,
    visitor: &Visitor,
    order: OrderId,
    form: ShipForm,
    status: StatusCode,
) -> Result<HttpResponse, WebError> {
    let query = orders::ListQuery::default();
    orders::show::page(db, visitor, order, &query, Some(form), status).await
}

/// The page on which tracking is corrected.
#[derive(Template)]
#[template(path = "shipments/tracking.html")]
struct TrackingPage {
    frame: Frame,
    shipment: ShipmentId,
    order: OrderId,
    order_name: String,
    form: ShipForm,
    usual: &'static [&'static str],
    others: Vec<&'static str>,
}

impl TrackingPage {
    fn fault(&self, field: &str) -> Option<&str> {
        let mut faults = self.form.faults.iter();
        faults
            .find(|fault| fault.field == field)
            .map(|fault| fault.message.as_str())
    }

    fn carrier_is(&self, name: &str) -> bool {
        self.form.carrier == name
    }
}

/// `GET /shipments/{id}/tracking`
pub async fn edit_tracking(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<ShipmentId>,
) -> Result<HttpResponse, WebError> {
    let row = find(&db, id.into_inner()).await?;
    let tracking = row.tracking();
    let form = ShipForm {
        carrier: tracking.carrier.unwrap_or_default(),
        tracking: tracking.numbers.join("\n"),
        url: tracking.url.unwrap_or_default(),
        notify: row.notify,
        ..ShipForm::default()
    };
    tracking_page(&db, &visitor, &row, form, StatusCode::OK).await
}

/// `POST /shipments/{id}/tracking`
pub async fn update_tracking(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<ShipmentId>,
    fields: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let (id, now) = (id.into_inner(), clock.now());
    let mut form = ShipForm::read(&fields);
    let (tracking, notify, user) = (form.tracking(), form.notify, user.id);
    let corrected = db
        .write(move |conn| shipping::correct_tracking(conn, id, &tracking, notify, Some(user), now))
        .await;
    match corrected {
        Ok(order) => {
            visitor
                .say(
                    &db,
                    "Tracking corrected. Shopify is told in the background.",
                )
                .await?;
            Ok(see_other(&format!("/orders/{order}")))
        }
        Err(ShipError::Invalid(faults)) => {
            form.faults = faults;
            let row = find(&db, id).await?;
            tracking_page(&db, &visitor, &row, form, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn tracking_page(
    db: &Db,
    visitor: &Visitor,
    row: &ShipmentRow,
    mut form: ShipForm,
    status: StatusCode,
) -> Result<HttpResponse, WebError> {
    let order = row.order_id;
    let (order_name, country) = db
        .read(move |conn| {
            let destination = queries::find_destination(conn, order)?;
            let name = queries::find_order_name(conn, order)?;
            Ok::<_, DbError>((name, destination.country_code))
        })
        .await?;
    let others = carriers::others(country.as_deref());
    let known = carriers::USUAL.iter().chain(&others);
    if !form.carrier.is_empty()
        && form.carrier != OTHER
        && !known.clone().any(|name| *name == form.carrier)
    {
        form.carrier_other = std::mem::replace(&mut form.carrier, OTHER.to_owned());
    }
    let page = TrackingPage {
        frame: visitor.frame(Section::Orders),
        shipment: row.id,
        order,
        order_name: order_name.unwrap_or_default(),
        form,
        usual: carriers::USUAL,
        others,
    };
    Ok(html(status, &page))
}

/// The page that asks before a shipment is undone.
#[derive(Template)]
#[template(path = "shipments/undo.html")]
struct UndoPage {
    frame: Frame,
    shipment: ShipmentId,
    order: OrderId,
    order_name: String,
    pieces: i64,
    location: String,
    tracking: Tracking,
}

/// `GET /shipments/{id}/cancellation`
pub async fn confirm_undo(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<ShipmentId>,
) -> Result<HttpResponse, WebError> {
    let row = find(&db, id.into_inner()).await?;
    let (order, shipment) = (row.order_id, row.id);
    let (order_name, lines, all) = db
        .read(move |conn| {
            Ok::<_, DbError>((
                queries::find_order_name(conn, order)?,
                queries::list_lines(conn, shipment)?,
                queries::list_of_order(conn, order)?,
            ))
        })
        .await?;
    let location = all.into_iter().find(|(row, _, _)| row.id == shipment);
    let page = UndoPage {
        frame: visitor.frame(Section::Orders),
        shipment,
        order,
        order_name: order_name.unwrap_or_default(),
        pieces: lines.iter().map(|line| line.quantity).sum(),
        location: location.map(|(_, name, _)| name).unwrap_or_default(),
        tracking: row.tracking(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /shipments/{id}/cancellation`
pub async fn create_undo(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<ShipmentId>,
) -> Result<HttpResponse, WebError> {
    let (id, now, user) = (id.into_inner(), clock.now(), user.id);
    let order = db
        .write(move |conn| shipping::undo(conn, id, Some(user), now))
        .await?;
    visitor
        .say(
            &db,
            "Shipment undone: the pieces are back on hand. Shopify is told in the background.",
        )
        .await?;
    Ok(see_other(&format!("/orders/{order}")))
}

async fn find(db: &Db, id: ShipmentId) -> Result<ShipmentRow, WebError> {
    db.read(move |conn| queries::find(conn, id))
        .await?
        .ok_or_else(|| WebError::NotFound(format!("Shipment {id}")))
}

impl From<ShipError> for WebError {
    fn from(error: ShipError) -> Self {
        match error {
            ShipError::NotFound => WebError::NotFound("The shipment".to_owned()),
            ShipError::Changed | ShipError::NotShippable(_) | ShipError::AlreadyUndone => {
                WebError::Conflict(error.to_string())
            }
            ShipError::Invalid(faults) => WebError::Invalid(
                faults
                    .into_iter()
                    .map(|fault| fault.message)
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
            ShipError::Db(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> ShipForm {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        ShipForm::read(&fields)
    }

    #[test]
    fn numbers_are_parted_by_lines_or_commas() {
        let form = form(&[("tracking", " 1Z1\r\n1Z2, 1Z3\n"), ("carrier", "UPS")]);
        assert_eq!(form.tracking().numbers, ["1Z1", "1Z2", "1Z3"]);
        assert_eq!(form.tracking().carrier.as_deref(), Some("UPS"));
    }

    #[test]
    fn a_quantity_that_is_no_number_is_said_beside_its_line() {
        let faults = form(&[("quantity-7", "two"), ("quantity-8", "")]).lines();
        let faults = faults.expect_err("refused");
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].field, "quantity-7");
    }
}
