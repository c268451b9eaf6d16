//! The drivers: how to reach them, what they drive, and whether they drive at present.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::erp::deliveries::drivers::{self, Driver, Facts, LONGEST};
use crate::platform::db::Db;
use crate::types::UserId;
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "deliveries/drivers.html")]
struct DriversPage {
    frame: Frame,
    drivers: Vec<Driver>,
    /// Whose form was refused, and why.
    refused: Option<(UserId, &'static str)>,
}

/// What was typed about one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    phone: String,
    vehicle: String,
    active: String,
}

impl DriversPage {
    fn fault(&self, driver: &Driver) -> Option<&'static str> {
        let refused = self.refused.filter(|(user, _words)| *user == driver.user);
        refused.map(|(_user, words)| words)
    }
}

/// `GET /deliveries/drivers`
///
/// # Errors
///
/// The database's.
pub async fn index(db: web::Data<Db>, visitor: Visitor) -> Result<HttpResponse, WebError> {
    let page = DriversPage {
        frame: visitor.frame(Section::Deliveries),
        drivers: db.read(drivers::list).await?,
        refused: None,
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /deliveries/drivers/{id}`
///
/// # Errors
///
/// `NotFound` for somebody whose role it is not.
pub async fn update(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<UserId>,
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    let (id, form) = (id.into_inner(), form.into_inner());
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let facts = Facts {
        phone: filled(&form.phone),
        vehicle: filled(&form.vehicle),
        active: !form.active.is_empty(),
    };
    let too_long = |text: &Option<String>| text.iter().any(|it| it.chars().count() > LONGEST);
    if too_long(&facts.phone) || too_long(&facts.vehicle) {
        let mut drivers = db.read(drivers::list).await?;
        for driver in drivers.iter_mut().filter(|one| one.user == id) {
            driver.phone.clone_from(&facts.phone);
            driver.vehicle.clone_from(&facts.vehicle);
        }
        let page = DriversPage {
            frame: visitor.frame(Section::Deliveries),
            drivers,
            refused: Some((id, "Use at most 100 characters.")),
        };
        return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let is_known = db
        .write(move |conn| drivers::save(conn, id, &facts))
        .await?;
    if !is_known {
        return Err(WebError::NotFound("This driver".to_owned()));
    }
    visitor.say(&db, "Driver saved.").await?;
    Ok(see_other("/deliveries/drivers"))
}
