//! Customers who may be one, and the word that they are not.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::erp::customers::duplicates::{self, Group, Likeness};
use crate::erp::customers::queries::ContactRow;
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::types::ContactId;
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

const PAGE: i64 = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    by: String,
    after: String,
}

#[derive(Debug, Deserialize)]
pub struct ApartForm {
    a: ContactId,
    b: ContactId,
    #[serde(default)]
    by: String,
}

struct Tab {
    label: &'static str,
    href: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "customers/duplicates.html")]
struct IndexPage {
    frame: Frame,
    by: Likeness,
    tabs: Vec<Tab>,
    groups: Vec<Group>,
    older: String,
}

/// The first two of a group: whom the others are compared with, and each of them.
fn pairs(group: &Group) -> Vec<(&ContactRow, &ContactRow)> {
    let Some((oldest, others)) = group.contacts.split_first() else {
        return Vec::new();
    };
    others.iter().map(|other| (oldest, other)).collect()
}

/// `GET /customers/duplicates?by=&after=`
///
/// # Errors
///
/// The database's.
pub async fn index(
    db: web::Data<Db>,
    visitor: Visitor,
    query: web::Query<Query>,
) -> Result<HttpResponse, WebError> {
    let Query { by, after } = query.into_inner();
    let by: Likeness = by.parse().unwrap_or(Likeness::Email);
    let (groups, next) = db
        .read(move |conn| duplicates::list(conn, by, &after, PAGE))
        .await?;
    let older = next.map_or_else(String::new, |key| {
        let mut link = url::form_urlencoded::Serializer::new("?".to_owned());
        link.append_pair("by", by.as_str())
            .append_pair("after", &key);
        link.finish()
    });
    let tabs = Likeness::ALL.iter().map(|one| Tab {
        label: label(*one),
        href: format!("?by={one}"),
        current: *one == by,
    });
    let page = IndexPage {
        frame: visitor.frame(Section::Customers),
        by,
        tabs: tabs.collect(),
        groups,
        older,
    };
    Ok(html(StatusCode::OK, &page))
}

const fn label(by: Likeness) -> &'static str {
    match by {
        Likeness::Email => "Same e-mail",
        Likeness::Phone => "Same phone",
        Likeness::Name => "Same name and postal code",
    }
}

/// `POST /customers/duplicates/apart`: `a`, `b` are two people.
///
/// # Errors
///
/// The database's.
pub async fn create_apart(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    form: web::Form<ApartForm>,
) -> Result<HttpResponse, WebError> {
    let (now, by) = (clock.now(), user.id);
    let ApartForm { a, b, by: tab } = form.into_inner();
    db.write(move |conn| duplicates::tell_apart(conn, a, b, by, now))
        .await?;
    visitor
        .say(&db, "Two people: they are not shown again.")
        .await?;
    let tab: Likeness = tab.parse().unwrap_or(Likeness::Email);
    Ok(see_other(&format!("/customers/duplicates?by={tab}")))
}
