//! Pausing and resuming: all that comes in, all that goes out, or one store; and the banner that says so.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::error::WebError;
use super::filters;
use super::form::Errors;
use super::integrations::missing;
use super::page::{Frame, Section, html, see_other};
use super::visitor::{CurrentUser, Visitor};
use crate::erp::pauses::{self, LONGEST_REASON, Standing};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::platform::queue::pauses::{MOST_COUNTED, Scope, Waiting, waiting};
use crate::shopify::pauses::{HELD, scope as scope_of};
use crate::shopify::shops::{self, Shop, ShopState};
use crate::types::{At, ShopId};

/// What `templates/partials/_paused.html` shows of one pause.
pub(super) struct Banner {
    /// `incoming`, `outgoing` or `store`.
    pub(super) word: &'static str,
    pub(super) what: String,
    pub(super) since: At,
    pub(super) by: String,
    pub(super) reason: String,
    /// How much waits, as a sentence.
    pub(super) waits: String,
    /// Where the button posts to, and what it says.
    pub(super) resume: String,
    pub(super) verb: String,
}

/// What can be paused, with its addresses and words.
struct Target {
    scope: Scope,
    /// The audit log's name of it.
    subject: String,
    /// Its place in the addresses: `/events/incoming`.
    path: String,
    /// `Incoming`, or the store's name.
    name: String,
    section: Section,
    /// Where one comes from and goes back to.
    back: String,
}

impl Target {
    fn incoming() -> Target {
        Target::queue(Scope::Incoming, "Incoming")
    }

    fn outgoing() -> Target {
        Target::queue(Scope::Outgoing, "Outgoing")
    }

    fn queue(scope: Scope, name: &str) -> Target {
        Target {
            subject: scope.word().to_owned(),
            path: format!("/events/{}", scope.word()),
            name: name.to_owned(),
            section: Section::Events,
            back: "/events".to_owned(),
            scope,
        }
    }

    fn store(shop: &Shop) -> Target {
        let path = format!("/integrations/shopify/{}", shop.id);
        Target {
            scope: scope_of(shop),
            subject: format!("store/{}", shop.id),
            name: shop.name.clone(),
            section: Section::Integrations,
            back: path.clone(),
            path,
        }
    }

    /// As a verb goes before it: `Pause incoming`.
    fn object(&self) -> String {
        match self.scope {
            Scope::Incoming | Scope::Outgoing => self.scope.word().to_owned(),
            Scope::Shop(_) => self.name.clone(),
        }
    }

    /// What the pause will do.
    fn consequence(&self) -> &'static str {
        match self.scope {
            Scope::Incoming => {
                "Webhooks of all stores are still taken in and stored, and wait. Orders stay as they are until you resume; then everything is applied by itself, in the right order."
            }
            Scope::Outgoing => {
                "Shipments, tracking numbers and imports of all stores wait. You can ship as usual; everything is sent by itself once you resume."
            }
            Scope::Shop(_) => {
                "Its webhooks are still taken in and stored, and wait; so does everything that is to be sent to it. Other stores go on. Everything goes on by itself once you resume."
            }
        }
    }
}

#[derive(Template)]
#[template(path = "pauses/new.html")]
struct NewPage {
    frame: Frame,
    errors: Errors,
    target: Target,
    reason: String,
}

/// Why.
#[derive(Debug, Default, Deserialize)]
pub struct PauseForm {
    #[serde(default)]
    reason: String,
}

/// Every pause that is on, as banners.
pub(super) fn banners(conn: &mut DbConnection, prefix: &str) -> Result<Vec<Banner>, DbError> {
    let mut banners = Vec::new();
    for pause in pauses::list(conn)? {
        let target = match &pause.scope {
            Scope::Incoming => Some(Target::incoming()),
            Scope::Outgoing => Some(Target::outgoing()),
            Scope::Shop(_) => shops::list(conn)?
                .iter()
                .find(|shop| scope_of(shop) == pause.scope)
                .map(Target::store),
        };
        if let Some(target) = target {
            banners.push(banner(conn, prefix, &target, pause)?);
        }
    }
    Ok(banners)
}

/// Whether the pause of that word is among them: `incoming`, `outgoing`.
pub(super) fn is_on(banners: &[Banner], word: &str) -> bool {
    banners.iter().any(|banner| banner.word == word)
}

/// The pause of one store, as a banner.
pub(super) fn banner_of(
    conn: &mut DbConnection,
    prefix: &str,
    shop: &Shop,
) -> Result<Option<Banner>, DbError> {
    let pause = pauses::find(conn, &scope_of(shop))?;
    pause
        .map(|pause| banner(conn, prefix, &Target::store(shop), pause))
        .transpose()
}

fn banner(
    conn: &mut DbConnection,
    prefix: &str,
    target: &Target,
    pause: Standing,
) -> Result<Banner, DbError> {
    let waiting = waiting(conn, &pause.scope, HELD)?;
    Ok(Banner {
        word: pause.scope.word(),
        what: format!("{} is paused", target.name),
        since: pause.since,
        by: pause.by.unwrap_or_else(|| "nobody known".to_owned()),
        reason: pause.reason.unwrap_or_default(),
        waits: waits(waiting),
        resume: format!("{prefix}{}/resumption", target.path),
        verb: format!("Resume {}", target.object()),
    })
}

/// `12 webhooks wait`, `1 webhook and 3 pushes wait`, `10,000+ webhooks wait`.
fn waits(waiting: Waiting) -> String {
    let parts: Vec<String> = [
        counted(waiting.events, "webhook", "webhooks"),
        counted(waiting.jobs, "push", "pushes"),
    ]
    .into_iter()
    .flatten()
    .collect();
    match (parts.is_empty(), waiting.events + waiting.jobs) {
        (true, _) => "Nothing waits yet".to_owned(),
        (false, 1) => format!("{} waits", parts.join(" and ")),
        (false, _) => format!("{} wait", parts.join(" and ")),
    }
}

fn counted(n: i64, one: &str, many: &str) -> Option<String> {
    match n {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ if n > MOST_COUNTED => Some(format!("{}+ {many}", filters::grouped(MOST_COUNTED))),
        _ => Some(format!("{} {many}", filters::grouped(n))),
    }
}

fn queue_named(name: &str) -> Result<Target, WebError> {
    [Target::incoming(), Target::outgoing()]
        .into_iter()
        .find(|target| target.scope.word() == name)
        .ok_or_else(|| WebError::NotFound("This page".to_owned()))
}

async fn store_of(db: &Db, id: ShopId) -> Result<Target, WebError> {
    let shop = db.read(move |conn| shops::get(conn, id)).await;
    let shop = shop.map_err(missing)?;
    if shop.state == ShopState::Disconnected {
        return Err(WebError::Conflict("This store is disconnected.".to_owned()));
    }
    Ok(Target::store(&shop))
}

/// `GET /events/{direction}/pause`: says what it will do, and asks why.
///
/// # Errors
///
/// `NotFound`.
pub async fn new(visitor: Visitor, direction: web::Path<String>) -> Result<HttpResponse, WebError> {
    let target = queue_named(&direction)?;
    Ok(page(
        StatusCode::OK,
        &visitor,
        target,
        Errors::default(),
        "",
    ))
}

/// `GET /integrations/shopify/{id}/pause`
///
/// # Errors
///
/// `NotFound`; `Conflict` where it is disconnected.
pub async fn new_store(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<ShopId>,
) -> Result<HttpResponse, WebError> {
    let target = store_of(&db, id.into_inner()).await?;
    Ok(page(
        StatusCode::OK,
        &visitor,
        target,
        Errors::default(),
        "",
    ))
}

/// `POST /events/{direction}/pause`
///
/// # Errors
///
/// `NotFound`.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    direction: web::Path<String>,
    form: web::Form<PauseForm>,
) -> Result<HttpResponse, WebError> {
    let target = queue_named(&direction)?;
    begin(&db, &clock, &visitor, &user, target, &form).await
}

/// `POST /integrations/shopify/{id}/pause`
///
/// # Errors
///
/// As [`new_store`].
pub async fn create_store(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<ShopId>,
    form: web::Form<PauseForm>,
) -> Result<HttpResponse, WebError> {
    let target = store_of(&db, id.into_inner()).await?;
    begin(&db, &clock, &visitor, &user, target, &form).await
}

async fn begin(
    db: &Db,
    clock: &Clock,
    visitor: &Visitor,
    user: &CurrentUser,
    target: Target,
    form: &PauseForm,
) -> Result<HttpResponse, WebError> {
    let reason = form.reason.trim().to_owned();
    if reason.chars().count() > LONGEST_REASON {
        let mut errors = Errors::default();
        let sentence = format!("Say why in at most {LONGEST_REASON} characters");
        errors.add("reason", sentence);
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(page(status, visitor, target, errors, &reason));
    }
    let (now, by) = (clock.now(), user.id);
    let (scope, subject) = (target.scope.clone(), target.subject.clone());
    let begun = db
        .write(move |conn| {
            let reason = Some(reason.as_str()).filter(|reason| !reason.is_empty());
            pauses::begin(conn, &scope, &subject, reason, by, now)
        })
        .await?;
    let words = if begun {
        format!("{} is paused.", target.name)
    } else {
        format!("{} was paused already.", target.name)
    };
    visitor.say(db, &words).await?;
    Ok(see_other(&target.back))
}

/// `POST /events/{direction}/resumption`
///
/// # Errors
///
/// `NotFound`.
pub async fn delete(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    direction: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let target = queue_named(&direction)?;
    end(&db, &clock, &visitor, &user, &target).await
}

/// `POST /integrations/shopify/{id}/resumption`
///
/// # Errors
///
/// `NotFound`.
pub async fn delete_store(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<ShopId>,
) -> Result<HttpResponse, WebError> {
    let id = id.into_inner();
    let shop = db.read(move |conn| shops::get(conn, id)).await;
    let target = Target::store(&shop.map_err(missing)?);
    end(&db, &clock, &visitor, &user, &target).await
}

async fn end(
    db: &Db,
    clock: &Clock,
    visitor: &Visitor,
    user: &CurrentUser,
    target: &Target,
) -> Result<HttpResponse, WebError> {
    let (now, by) = (clock.now(), user.id);
    let (scope, subject) = (target.scope.clone(), target.subject.clone());
    let ended = db
        .write(move |conn| pauses::end(conn, &scope, &subject, by, now))
        .await?;
    let words = if ended {
        format!("{} goes on. What waited is worked off now.", target.name)
    } else {
        format!("{} was not paused.", target.name)
    };
    visitor.say(db, &words).await?;
    Ok(see_other(&target.back))
}

fn page(
    status: StatusCode,
    visitor: &Visitor,
    target: Target,
    errors: Errors,
    reason: &str,
) -> HttpResponse {
    let page = NewPage {
        frame: visitor.frame(target.section),
        errors,
        target,
        reason: reason.to_owned(),
    };
    html(status, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banner_says_how_much_waits() {
        let said = |events, jobs| waits(Waiting { events, jobs });
        assert_eq!(said(0, 0), "Nothing waits yet");
        assert_eq!(said(1, 0), "1 webhook waits");
        assert_eq!(said(10_001, 0), "10,000+ webhooks wait");
        assert_eq!(said(0, 1200), "1,200 pushes wait");
        assert_eq!(said(3, 1), "3 webhooks and 1 push wait");
    }
}
