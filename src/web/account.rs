//! A user's own account: name, time zone, looks, keys, password.
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::error::WebError;
use super::form::Errors;
use super::page::{Frame, Section, html, see_other};
use super::sessions::origin;
use super::visitor::{CurrentUser, Visitor};
use super::{Config, filters, sessions};
use crate::erp::users::queries::{self, Profile};
use crate::erp::users::{self, User, UserError};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};

#[derive(Template)]
#[template(path = "account/edit.html")]
struct EditPage {
    email: String,
    role: &'static str,
    form: Form,
    errors: Errors,
    frame: Frame,
}

/// What may be changed without the password.
#[derive(Clone, Debug, Deserialize)]
pub struct Form {
    name: String,
    time_zone: String,
    theme: String,
    density: String,
    keys_on: Option<String>,
}

/// A new password, and the old one to show whose hands these are.
#[derive(Clone, Deserialize)]
pub struct PasswordForm {
    present: String,
    new: String,
}

/// `GET /account`
pub async fn edit(visitor: Visitor, user: CurrentUser) -> HttpResponse {
    page(&visitor, &user, Form::of(&user), Errors::default())
}

/// `POST /account`
///
/// # Errors
///
/// The database's.
pub async fn update(
    db: web::Data<Db>,
    visitor: Visitor,
    user: CurrentUser,
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    let form = form.into_inner();
    let errors = form.errors();
    if !errors.is_empty() {
        return Ok(page(&visitor, &user, form, errors));
    }
    let (id, profile) = (user.id, form.profile());
    db.write(move |conn| queries::update_profile(conn, id, &profile))
        .await?;
    visitor.say(&db, "Account saved.").await?;
    Ok(see_other("/account"))
}

/// `POST /account/password`: ends all sessions of the account and opens a new one here.
///
/// # Errors
///
/// The database's; what is wrong with the passwords is said beside their fields.
pub async fn update_password(
    req: HttpRequest,
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    config: web::Data<Config>,
    visitor: Visitor,
    user: CurrentUser,
    form: web::Form<PasswordForm>,
) -> Result<HttpResponse, WebError> {
    let (form, email) = (form.into_inner(), user.email.clone());
    let known = db
        .read(move |conn| queries::find_with_password(conn, &email))
        .await?;
    let hashed = web::block(move || {
        let hash = known.as_ref().map(|(_user, hash)| hash.as_str());
        users::verify_password(&form.present, hash).then(|| users::hash_password(&form.new))
    })
    .await
    .map_err(|error| WebError::internal(error.to_string()))?;
    let mut errors = Errors::default();
    let hash = match hashed {
        Some(Ok(hash)) => hash,
        None => {
            errors.add("present", "This is not your present password.");
            return Ok(page(&visitor, &user, Form::of(&user), errors));
        }
        Some(Err(UserError::BadPassword)) => {
            errors.add("new", "Enter a password of 12 to 256 characters.");
            return Ok(page(&visitor, &user, Form::of(&user), errors));
        }
        Some(Err(error)) => return Err(error.into()),
    };
    let (id, email) = (user.id, user.email.clone());
    db.write(move |conn| -> Result<(), DbError> {
        queries::set_password(conn, &email, &hash)?;
        users::sessions::end_all(conn, id)
    })
    .await
    .map_err(UserError::from)?;
    let (origin, now) = (origin(&req), clock.now());
    sessions::open(&db, &config, &user, &user.email, origin, "/account", now).await
}

impl Form {
    fn of(user: &User) -> Form {
        Form {
            name: user.name.clone(),
            time_zone: user.time_zone.clone(),
            theme: user.theme.clone(),
            density: user.density.clone(),
            keys_on: user.keys_on.then(|| "on".to_owned()),
        }
    }

    fn errors(&self) -> Errors {
        let mut errors = Errors::default();
        if self.name.trim().is_empty() {
            errors.add("name", "Enter your name.");
        }
        if TimeZone::get(self.time_zone.trim()).is_err() {
            errors.add(
                "time_zone",
                "Enter a time zone such as Europe/Oslo or America/New_York.",
            );
        }
        errors
    }

    /// A word that is none of ours counts as the usual choice.
    fn profile(&self) -> Profile {
        let one_of = |word: &str, words: &[&'static str]| {
            let known = words.iter().find(|known| **known == word);
            known.or(words.first()).map_or("", |known| *known)
        };
        Profile {
            name: self.name.trim().to_owned(),
            time_zone: self.time_zone.trim().to_owned(),
            theme: one_of(&self.theme, &["system", "light", "dark"]),
            density: one_of(&self.density, &["compact", "roomy"]),
            keys_on: self.keys_on.is_some(),
        }
    }
}

fn page(visitor: &Visitor, user: &CurrentUser, form: Form, errors: Errors) -> HttpResponse {
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    html(
        status,
        &EditPage {
            email: user.email.clone(),
            role: user.role.label(),
            form,
            errors,
            frame: visitor.frame(Section::Account),
        },
    )
}
