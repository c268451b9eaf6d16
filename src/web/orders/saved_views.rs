//! Views of the order list that people keep: tabs beside the built-in ones.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::ListQuery;
use crate::erp::orders::saved_views::queries::SavedViewRow;
use crate::erp::orders::saved_views::{self as views, NewView, Removable, SavedViewError};
use crate::erp::users::roles::Action;
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::types::SavedViewId;
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::form::Errors;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

/// What is sent to keep a view.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ViewForm {
    name: String,
    shared: Option<String>,
}

#[derive(Template)]
#[template(path = "orders/new_view.html")]
struct NewPage {
    frame: Frame,
    form: ViewForm,
    errors: Errors,
    query: String,
    /// What narrows it, in words.
    narrowed: Vec<String>,
}

/// `GET /orders/views/new?view=&q=...`: a name for what the list shows now.
///
/// # Errors
///
/// The database's.
pub async fn new(visitor: Visitor, query: web::Query<ListQuery>) -> Result<HttpResponse, WebError> {
    Ok(shown(
        &visitor,
        &query,
        ViewForm::default(),
        Errors::default(),
    ))
}

/// `POST /orders/views?view=&q=...`
///
/// # Errors
///
/// The database's.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    query: web::Query<ListQuery>,
    form: web::Form<ViewForm>,
) -> Result<HttpResponse, WebError> {
    let (form, now) = (form.into_inner(), clock.now());
    let plain = query.with(|_same| ()).to_text();
    let new = NewView {
        user: user.id,
        name: form.name.clone(),
        query: plain.clone(),
        shared: form.shared.is_some(),
    };
    match db.write(move |conn| views::keep(conn, &new, now)).await {
        Ok(id) => {
            visitor.say(&db, "The view is kept.").await?;
            Ok(see_other(&format!("/orders?{plain}&saved={id}")))
        }
        Err(SavedViewError::Db(error)) => Err(error.into()),
        Err(error) => {
            let mut errors = Errors::default();
            errors.add("name", sentence(&error));
            Ok(shown(&visitor, &query, form, errors))
        }
    }
}

/// `POST /orders/views/{id}/removal`
///
/// # Errors
///
/// `NotFound` where the view is not theirs.
pub async fn delete(
    db: web::Data<Db>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<SavedViewId>,
) -> Result<HttpResponse, WebError> {
    let (id, who, which) = (id.into_inner(), user.id, removable(&user));
    let removed = db
        .write(move |conn| views::remove(conn, id, who, which))
        .await;
    match removed {
        Ok(view) => {
            let sentence = format!(
                "The view {} is gone. What it showed is still here.",
                view.name
            );
            visitor.say(&db, &sentence).await?;
            Ok(see_other(&format!("/orders?{}", view.query)))
        }
        Err(SavedViewError::Db(error)) => Err(error.into()),
        Err(_none) => Err(WebError::NotFound(format!("view {id}"))),
    }
}

/// Whether somebody may remove this view.
pub(super) fn may_remove(user: &CurrentUser, view: &SavedViewRow) -> bool {
    view.user_id == user.id || view.shared && removable(user) == Removable::Shared
}

fn removable(user: &CurrentUser) -> Removable {
    if user.role.may(Action::Settings) {
        Removable::Shared
    } else {
        Removable::Own
    }
}

fn shown(visitor: &Visitor, query: &ListQuery, form: ViewForm, errors: Errors) -> HttpResponse {
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let page = NewPage {
        frame: visitor.frame(Section::Orders),
        form,
        errors,
        query: query.with(|_same| ()).to_text(),
        narrowed: query
            .chips(&[])
            .into_iter()
            .map(|chip| chip.label)
            .collect(),
    };
    html(status, &page)
}

/// The error as the field says it.
fn sentence(error: &SavedViewError) -> String {
    let words = error.to_string();
    let mut letters = words.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    format!("{first}{}.", letters.as_str())
}
