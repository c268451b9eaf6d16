//! The first run's page; it is there only while nobody has an account.
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::error::WebError;
use super::form::Errors;
use super::page::{Frame, Section, html, see_other};
use super::visitor::Visitor;
use super::{Config, filters, sessions};
use crate::erp::setup::{self, NewHouse, SetUpError};
use crate::erp::users::roles::Role;
use crate::erp::users::{self, NewUser, UserError};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::platform::secrets::random_hex;
use crate::types::At;

/// What was typed, and what was wrong with it.
#[derive(Template)]
#[template(path = "setup/new.html")]
struct NewPage {
    frame: Frame,
    form: Form,
    errors: Errors,
}

/// The fields of the page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    code: String,
    name: String,
    email: String,
    password: String,
    company: String,
    time_zone: String,
    location: String,
}

/// Makes the one-time code for the log; `None` once somebody has an account.
///
/// # Errors
///
/// The database's.
pub async fn open(db: &Db, now: At) -> Result<Option<String>, DbError> {
    let code = random_hex(8).map_err(|error| DbError::Open(error.to_string()))?;
    let kept = code.clone();
    let is_open = db
        .write(move |conn| setup::keep_code(conn, &kept, now))
        .await?;
    Ok(is_open.then_some(code))
}

/// `GET /setup`
///
/// # Errors
///
/// The database's.
pub async fn new(db: web::Data<Db>, visitor: Visitor) -> Result<HttpResponse, WebError> {
    if db.read(users::queries::any).await? {
        return Ok(see_other("/sign-in"));
    }
    let form = Form {
        time_zone: "UTC".to_owned(),
        ..Form::default()
    };
    Ok(page(&visitor, StatusCode::OK, form, Errors::default()))
}

/// `POST /setup`
///
/// # Errors
///
/// The database's.
pub async fn create(
    req: HttpRequest,
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    config: web::Data<Config>,
    visitor: Visitor,
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    if db.read(users::queries::any).await? {
        return Ok(see_other("/sign-in"));
    }
    let (form, now) = (form.into_inner(), clock.now());
    let mut errors = form.errors();
    if !errors.is_empty() {
        return Ok(refused(&visitor, form, errors));
    }
    let password = form.password.clone();
    let hashed = web::block(move || users::hash_password(&password))
        .await
        .map_err(|error| WebError::internal(error.to_string()))?;
    let password_hash = match hashed {
        Ok(hash) => hash,
        Err(error) => {
            explain(&mut errors, SetUpError::User(error))?;
            return Ok(refused(&visitor, form, errors));
        }
    };
    let house = form.house(password_hash);
    let made = db
        .write(move |conn| {
            let id = setup::set_up(conn, &house, now)?;
            Ok::<_, SetUpError>(users::queries::find(conn, id)?)
        })
        .await;
    match made {
        Ok(Some(owner)) => {
            let (email, origin) = (owner.email.clone(), sessions::origin(&req));
            sessions::open(&db, &config, &owner, &email, origin, "/integrations", now).await
        }
        Ok(None) | Err(SetUpError::AlreadyDone) => Ok(see_other("/sign-in")),
        Err(error) => {
            explain(&mut errors, error)?;
            Ok(refused(&visitor, form, errors))
        }
    }
}

impl Form {
    fn errors(&self) -> Errors {
        let mut errors = Errors::default();
        if self.code.trim().is_empty() {
            errors.add("code", "Enter the code from the program's log.");
        }
        if self.name.trim().is_empty() {
            errors.add("name", "Enter your name.");
        }
        if self.company.trim().is_empty() {
            errors.add("company", "Enter the company's name.");
        }
        if TimeZone::get(self.time_zone.trim()).is_err() {
            errors.add(
                "time_zone",
                "Enter a time zone such as Europe/Oslo or America/New_York.",
            );
        }
        if self.location.trim().is_empty() {
            errors.add("location", "Enter the name of the place you ship from.");
        }
        errors
    }

    fn house(&self, password_hash: String) -> NewHouse {
        NewHouse {
            code: self.code.clone(),
            owner: NewUser {
                email: self.email.clone(),
                name: self.name.trim().to_owned(),
                role: Role::Owner,
                password_hash,
                time_zone: self.time_zone.trim().to_owned(),
            },
            company: self.company.trim().to_owned(),
            time_zone: self.time_zone.trim().to_owned(),
            location: self.location.trim().to_owned(),
        }
    }
}

// Puts an error beside its field; what is nobody's fault stays an error.
fn explain(errors: &mut Errors, error: SetUpError) -> Result<(), WebError> {
    let restart = "Start the program again for a new one; it is printed in the log.";
    match error {
        SetUpError::WrongCode => errors.add(
            "code",
            format!("This is not the code of the last start. {restart}"),
        ),
        SetUpError::ExpiredCode => {
            errors.add("code", format!("This code is older than a day. {restart}"));
        }
        SetUpError::User(UserError::BadPassword) => {
            errors.add("password", "Enter a password of 12 to 256 characters.");
        }
        SetUpError::User(UserError::BadEmail(_)) => {
            errors.add("email", "Enter an e-mail address, like name@example.com.");
        }
        SetUpError::User(error) => return Err(error.into()),
        SetUpError::AlreadyDone => return Err(WebError::Conflict(error.to_string())),
        SetUpError::Db(error) => return Err(error.into()),
    }
    Ok(())
}

fn refused(visitor: &Visitor, form: Form, errors: Errors) -> HttpResponse {
    page(visitor, StatusCode::UNPROCESSABLE_ENTITY, form, errors)
}

fn page(visitor: &Visitor, status: StatusCode, form: Form, errors: Errors) -> HttpResponse {
    let frame = visitor.frame(Section::Nowhere);
    html(
        status,
        &NewPage {
            frame,
            form,
            errors,
        },
    )
}
