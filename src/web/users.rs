//! Settings: the people who may sign in, and what each may do.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::error::WebError;
use super::filters;
use super::form::Errors;
use super::page::{Frame, Section, html, see_other};
use super::visitor::{CurrentUser, Visitor};
use crate::erp::users::changes::{self, ChangeError};
use crate::erp::users::roles::{Action, Role};
use crate::erp::users::{self, NewUser, User, UserError, queries};
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::types::UserId;

/// What was typed, and what was wrong with it.
#[derive(Template)]
#[template(path = "users/index.html")]
struct IndexPage {
    frame: Frame,
    users: Vec<User>,
    /// Roles that this visitor may give.
    roles: Vec<Role>,
    me: UserId,
    form: Form,
    errors: Errors,
}

/// A new person.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    name: String,
    email: String,
    role: String,
    password: String,
}

/// A change of one person.
#[derive(Clone, Debug, Deserialize)]
pub struct RoleForm {
    role: String,
}

/// `GET /settings/users`
///
/// # Errors
///
/// The database's.
pub async fn index(db: web::Data<Db>, visitor: Visitor) -> Result<HttpResponse, WebError> {
    let form = Form {
        role: Role::Warehouse.as_str().to_owned(),
        ..Form::default()
    };
    page(&db, &visitor, StatusCode::OK, form, Errors::default()).await
}

/// `POST /settings/users`
///
/// # Errors
///
/// The database's.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    let (form, now) = (form.into_inner(), clock.now());
    let mut errors = Errors::default();
    if form.name.trim().is_empty() {
        errors.add("name", "Enter the person's name.");
    }
    let role = form.role.parse::<Role>().ok();
    let Some(role) = role.filter(|role| may_give(&user, *role)) else {
        errors.add("role", "Choose one of the roles.");
        return page(
            &db,
            &visitor,
            StatusCode::UNPROCESSABLE_ENTITY,
            form,
            errors,
        )
        .await;
    };
    let password = form.password.clone();
    let hashed = web::block(move || users::hash_password(&password))
        .await
        .map_err(|error| WebError::internal(error.to_string()))?;
    let password_hash = match hashed {
        Ok(hash) => hash,
        Err(error) => {
            explain(&mut errors, error)?;
            String::new()
        }
    };
    if !errors.is_empty() {
        return page(
            &db,
            &visitor,
            StatusCode::UNPROCESSABLE_ENTITY,
            form,
            errors,
        )
        .await;
    }
    let new = NewUser {
        email: form.email.clone(),
        name: form.name.trim().to_owned(),
        role,
        password_hash,
        time_zone: user.time_zone.clone(),
    };
    let by = user.id;
    let added = db
        .write(move |conn| changes::add_by(conn, &new, by, now))
        .await;
    match added {
        Ok(_id) => {
            let sentence = format!("{} may sign in now.", form.name.trim());
            visitor.say(&db, &sentence).await?;
            Ok(see_other("/settings/users"))
        }
        Err(error) => {
            explain(&mut errors, error)?;
            page(
                &db,
                &visitor,
                StatusCode::UNPROCESSABLE_ENTITY,
                form,
                errors,
            )
            .await
        }
    }
}

/// `POST /settings/users/{id}/role`
///
/// # Errors
///
/// `Conflict` for the last owner.
pub async fn update_role(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<UserId>,
    form: web::Form<RoleForm>,
) -> Result<HttpResponse, WebError> {
    let role: Role = form
        .role
        .parse()
        .map_err(|_unknown| WebError::invalid("There is no such role."))?;
    let (id, now, by) = (id.into_inner(), clock.now(), user.0.clone());
    db.write(move |conn| changes::change_role(conn, id, role, &by, now))
        .await?;
    visitor.say(&db, "Role changed.").await?;
    Ok(see_other("/settings/users"))
}

/// `POST /settings/users/{id}/deactivation`
///
/// # Errors
///
/// `Conflict` for the last owner.
pub async fn deactivate(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<UserId>,
) -> Result<HttpResponse, WebError> {
    let (id, now, by) = (id.into_inner(), clock.now(), user.0.clone());
    db.write(move |conn| changes::set_active(conn, id, false, &by, now))
        .await?;
    visitor
        .say(&db, "Deactivated: this person is signed out everywhere.")
        .await?;
    Ok(see_other("/settings/users"))
}

/// `POST /settings/users/{id}/reactivation`
///
/// # Errors
///
/// The database's.
pub async fn reactivate(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<UserId>,
) -> Result<HttpResponse, WebError> {
    let (id, now, by) = (id.into_inner(), clock.now(), user.0.clone());
    db.write(move |conn| changes::set_active(conn, id, true, &by, now))
        .await?;
    visitor.say(&db, "May sign in again.").await?;
    Ok(see_other("/settings/users"))
}

// Only an owner makes an owner.
fn may_give(user: &User, role: Role) -> bool {
    user.role.may(Action::Users) && (role != Role::Owner || user.role == Role::Owner)
}

fn explain(errors: &mut Errors, error: UserError) -> Result<(), WebError> {
    match error {
        UserError::EmailTaken(_) => errors.add("email", "This address has an account already."),
        UserError::BadEmail(_) => {
            errors.add("email", "Enter an e-mail address, like name@example.com.");
        }
        UserError::BadPassword => {
            errors.add("password", "Enter a password of 12 to 256 characters.");
        }
        UserError::Hashing | UserError::Db(_) => return Err(error.into()),
    }
    Ok(())
}

async fn page(
    db: &Db,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
    errors: Errors,
) -> Result<HttpResponse, WebError> {
    let users = db.read(queries::list).await?;
    let me = visitor.user().cloned();
    let page = IndexPage {
        frame: visitor.frame(Section::Settings),
        users,
        roles: Role::ALL
            .iter()
            .copied()
            .filter(|role| me.as_ref().is_some_and(|me| may_give(me, *role)))
            .collect(),
        me: me.map_or(UserId(0), |me| me.id),
        form,
        errors,
    };
    Ok(html(status, &page))
}

impl From<ChangeError> for WebError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NotFound => WebError::NotFound("This person".to_owned()),
            ChangeError::LastOwner | ChangeError::OnlyAnOwner => {
                WebError::Conflict(error.to_string())
            }
            ChangeError::Db(error) => error.into(),
        }
    }
}
