//! Two customers side by side: whose values stay, what moves, and the way back.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{order_count, spent};
use crate::erp::customers::merging::{self, MergeError, Picks, Preview, Side};
use crate::erp::customers::queries::merging::Whole;
use crate::erp::customers::queries::{self, ContactRow};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection};
use crate::types::{ContactId, ContactMergeId, Money};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

/// Customers that a search for the other one shows.
const MOST_FOUND: i64 = 20;

#[derive(Debug, Deserialize)]
pub struct Pair {
    /// Who is kept.
    a: ContactId,
    /// Nobody yet: somebody is looked for.
    b: Option<ContactId>,
    /// By these words.
    #[serde(default)]
    q: String,
}

#[derive(Debug, Deserialize)]
pub struct Form {
    a: ContactId,
    b: ContactId,
    account: Side,
    name: Side,
    email: Side,
    phone: Side,
    note: Side,
}

/// A field of both, and whose value is proposed.
struct Choice {
    field: &'static str,
    label: &'static str,
    kept: String,
    gone: String,
    pick: Side,
}

impl Choice {
    fn is_gone(&self) -> bool {
        self.pick == Side::Gone
    }
}

/// One of the two.
struct Column {
    contact: ContactRow,
    orders: i64,
    spent: Vec<Money>,
}

#[derive(Template)]
#[template(path = "customers/merge.html")]
struct NewPage {
    frame: Frame,
    asks_company: bool,
    a: Column,
    b: Column,
    choices: Vec<Choice>,
    /// Orders that would move.
    moves: i64,
}

/// Whom somebody may be merged with.
#[derive(Template)]
#[template(path = "customers/merge_with.html")]
struct ChoosePage {
    frame: Frame,
    contact: ContactRow,
    search: String,
    found: Vec<ContactRow>,
}

/// `GET /customers/merge?a=&b=`: `a` is kept. Without `b` a page to look for the other, by `q`.
///
/// # Errors
///
/// `NotFound`; `Conflict` where one of them was merged already.
pub async fn new(
    db: web::Data<Db>,
    visitor: Visitor,
    pair: web::Query<Pair>,
) -> Result<HttpResponse, WebError> {
    let Pair { a, b, q } = pair.into_inner();
    let frame = visitor.frame(Section::Customers);
    let Some(b) = b else {
        let page = db.read(move |conn| choose(conn, frame, a, q)).await?;
        return Ok(html(StatusCode::OK, &page));
    };
    let page = db.read(move |conn| load(conn, frame, a, b)).await?;
    Ok(html(StatusCode::OK, &page))
}

fn choose(
    conn: &mut DbConnection,
    frame: Frame,
    a: ContactId,
    q: String,
) -> Result<ChoosePage, MergeError> {
    let contact = queries::find(conn, a)?.ok_or(MergeError::NotFound)?;
    if let Some(into) = contact.merged_into {
        return Err(MergeError::Merged(into));
    }
    let search = q.trim().to_owned();
    let mut found = if search.is_empty() {
        Vec::new()
    } else {
        super::found(conn, &search, MOST_FOUND)?
    };
    found.retain(|one| one.id != a);
    Ok(ChoosePage {
        frame,
        contact,
        search,
        found,
    })
}

fn load(
    conn: &mut DbConnection,
    frame: Frame,
    a: ContactId,
    b: ContactId,
) -> Result<NewPage, MergeError> {
    let preview = merging::preview(conn, a, b)?;
    let mut choices = choices(&preview);
    let mut column = |id| -> Result<Column, MergeError> {
        Ok(Column {
            contact: queries::find(conn, id)?.ok_or(MergeError::NotFound)?,
            orders: order_count(&preview.sums, id),
            spent: spent(&preview.sums, id),
        })
    };
    let (a, b) = (column(a)?, column(b)?);
    let have_companies = a.contact.company().or(b.contact.company()).is_some();
    let asks_company = have_companies && a.contact.account_id != b.contact.account_id;
    if asks_company {
        let company = |one: &Column| one.contact.company().unwrap_or_default().to_owned();
        choices.insert(
            0,
            Choice {
                field: "account",
                label: "Company",
                kept: company(&a),
                gone: company(&b),
                pick: if a.contact.company().is_none() && b.contact.company().is_some() {
                    Side::Gone
                } else {
                    Side::Kept
                },
            },
        );
    }
    Ok(NewPage {
        frame,
        asks_company,
        a,
        b,
        choices,
        moves: preview.orders,
    })
}

fn choices(preview: &Preview) -> Vec<Choice> {
    let (kept, gone) = (&preview.kept, &preview.gone);
    let picks = Picks::filled(kept, gone);
    let full = |one: &Whole| {
        let both = [one.first_name.as_deref(), one.last_name.as_deref()];
        both.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        ("name", "Name", full(kept), full(gone), picks.name),
        (
            "email",
            "E-mail",
            text(&kept.email),
            text(&gone.email),
            picks.email,
        ),
        (
            "phone",
            "Phone",
            text(&kept.phone),
            text(&gone.phone),
            picks.phone,
        ),
        (
            "note",
            "Note",
            text(&kept.note),
            text(&gone.note),
            picks.note,
        ),
    ]
    .into_iter()
    .map(|(field, label, kept, gone, pick)| Choice {
        field,
        label,
        kept,
        gone,
        pick,
    })
    .collect()
}

/// `POST /customers/merge`: `a` is kept; `account`, `name`, `email`, `phone`, `note` say whose value stays.
///
/// # Errors
///
/// As [`new`].
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    let (now, by) = (clock.now(), user.id);
    let form = form.into_inner();
    let (kept, gone) = (form.a, form.b);
    let picks = Picks {
        account: form.account,
        name: form.name,
        email: form.email,
        phone: form.phone,
        note: form.note,
    };
    db.write(move |conn| merging::merge(conn, (kept, gone), Some(picks), Some(by), now))
        .await?;
    let words = "Merged. It can be undone here for 30 days.";
    visitor.say(&db, words).await?;
    Ok(see_other(&format!("/customers/{kept}")))
}

/// `POST /customers/merges/{id}/undo`
///
/// # Errors
///
/// `Conflict` where it was undone, built upon, or is older than 30 days.
pub async fn delete(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<ContactMergeId>,
) -> Result<HttpResponse, WebError> {
    let (id, now, by) = (id.into_inner(), clock.now(), user.id);
    let merge = db
        .write(move |conn| merging::undo(conn, id, by, now))
        .await?;
    let words = "Taken apart: each has their own orders again.";
    visitor.say(&db, words).await?;
    Ok(see_other(&format!("/customers/{}", merge.gone)))
}
