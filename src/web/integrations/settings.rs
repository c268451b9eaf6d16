//! A store's settings, its disconnection, and the work a person may start for it.
use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::json;

use super::{load, missing};
use crate::erp::audit::{self, Kind};
use crate::erp::locations::{self as places, Location};
use crate::erp::orders::incoming::PaymentRule;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::platform::jobs::{self, Filing, queries as rows};
use crate::shopify::budget::Tier;
use crate::shopify::connect::{self, ConnectError};
use crate::shopify::enrich::ReassignOrders;
use crate::shopify::inventory;
use crate::shopify::jobs::{ImportProducts, SetUpShop};
use crate::shopify::locations::{self, Mapped};
use crate::shopify::shops::{self, OrderRules, Shop, ShopError};
use crate::shopify::sync::{Stream, queries as cursors, watch};
use crate::shopify::{Connector, locations_cause};
use crate::types::{At, LocationId, ShopId, UserId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::form::Errors;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::sync;
use crate::web::visitor::{CurrentUser, Visitor};

/// What can be chosen between two backup runs, in minutes; 0: none.
const INTERVALS: &[i64] = &[15, 30, 60, 120, 240, 720, 1440, 0];

#[derive(Template)]
#[template(path = "integrations/settings.html")]
struct SettingsPage {
    frame: Frame,
    shop: Shop,
    locations: Vec<Mapped>,
    places: Vec<Location>,
    every_minutes: i64,
}

impl SettingsPage {
    /// Value, words, and whether it is the present one.
    fn rules(&self) -> Vec<(&'static str, &'static str, bool)> {
        let words = |rule: PaymentRule| match rule {
            PaymentRule::Any => "Any: orders may ship before they are paid",
            PaymentRule::Authorized => "Authorised or paid",
            PaymentRule::Paid => "Paid",
        };
        let all = PaymentRule::ALL.iter();
        all.map(|rule| {
            let is_present = self.shop.order_status_filter == rule.as_str();
            (rule.as_str(), words(*rule), is_present)
        })
        .collect()
    }

    /// What Shopify says of the store's plan; nothing: most stores' is taken.
    fn told(&self) -> &'static str {
        self.shop.told_tier().unwrap_or(Tier::Standard).label()
    }

    fn tiers(&self) -> Vec<(&'static str, String, bool)> {
        let all = Tier::ALL.iter();
        all.map(|tier| {
            let words = format!("{}: {} points a second", tier.label(), tier.rate());
            (tier.as_str(), words, self.shop.chosen_tier == Some(*tier))
        })
        .collect()
    }

    fn intervals(&self) -> Vec<(i64, String, bool)> {
        let all = INTERVALS.iter();
        all.map(|minutes| {
            (
                *minutes,
                sync::every(*minutes),
                *minutes == self.every_minutes,
            )
        })
        .collect()
    }

    fn is_at(&self, location: &Mapped, place: &Location) -> bool {
        location.location == Some(place.id)
    }
}

#[derive(Template)]
#[template(path = "integrations/disconnect.html")]
struct DisconnectPage {
    frame: Frame,
    errors: Errors,
    shop: Shop,
    webhooks: usize,
}

#[derive(Deserialize)]
pub struct Confirmation {
    #[serde(default)]
    name: String,
}

/// `GET /integrations/shopify/{id}/settings`
///
/// # Errors
///
/// `NotFound`.
pub async fn edit(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<ShopId>,
) -> Result<HttpResponse, WebError> {
    let id = id.into_inner();
    let (shop, locations, places, cursor) = db
        .read(move |conn| -> Result<_, ShopError> {
            let shop = shops::get(conn, id)?;
            let cursor = cursors::find(conn, id, Stream::Orders)?;
            Ok((
                shop,
                locations::list(conn, id)?,
                places::list(conn)?,
                cursor,
            ))
        })
        .await
        .map_err(missing)?;
    let page = SettingsPage {
        frame: visitor.frame(Section::Integrations),
        shop,
        locations,
        places,
        every_minutes: cursor.map_or(watch::EVERY_MINUTES, |cursor| cursor.every_minutes),
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /integrations/shopify/{id}/settings`: `notify`, `restock_returns`, `check_orders`, `tell_holds`, `payment`,
/// `tier`, `every_minutes`, `notification_key`, `location-{row}`.
///
/// # Errors
///
/// `NotFound`.
pub async fn update(
    db: web::Data<Db>,
    cx: web::Data<Connector>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<ShopId>,
    form: web::Form<HashMap<String, String>>,
) -> Result<HttpResponse, WebError> {
    let (id, form, cx_) = (id.into_inner(), form.into_inner(), cx.clone());
    let (now, by) = (cx.clock.now(), user.id);
    db.write(move |conn| -> Result<(), ShopError> {
        let mut changed = Vec::new();
        let notify = form.contains_key("notify");
        let shop = shops::get(conn, id)?;
        if shop.notify_default != notify {
            changed.push("notify");
        }
        shops::set_notify_default(conn, id, notify)?;
        let restock = form.contains_key("restock_returns");
        if shop.restock_returns != restock {
            changed.push("restock_returns");
        }
        shops::set_restock_returns(conn, id, restock)?;
        changed.extend(set_streams(conn, &shop, &form, now)?);
        changed.extend(keep_order_rules(conn, &shop, &form)?);
        let before = locations::list(conn, id)?;
        for (field, value) in &form {
            let row = field.strip_prefix("location-").map(str::parse::<i64>);
            if let Some(Ok(row)) = row {
                let location = value.parse::<LocationId>().ok();
                locations::map(conn, id, row, location)?;
            }
        }
        let key = form.get("notification_key").map(|key| key.trim());
        if let Some(key) = key.filter(|key| !key.is_empty()) {
            shops::set_notification_key(conn, &cx_.keyring, id, Some(&key.to_owned().into()))?;
            changed.push("notification_key");
        }
        if !same_places(&before, &locations::list(conn, id)?) {
            changed.push("locations");
            let filing = filing(&shop, by);
            jobs::enqueue(conn, &ReassignOrders { shop: id }, &filing, now)?;
            inventory::on_places_changed(conn, &shop, by, now)?;
        }
        if !changed.is_empty() {
            let (kind, subject) = (Kind::StoreSettingsChanged, format!("store/{id}"));
            let arguments = json!({ "changed": changed });
            audit::record(conn, Some(by), kind, &subject, &arguments, now)?;
        }
        wake(conn, &locations_cause(id), now)?;
        Ok(())
    })
    .await
    .map_err(missing)?;
    cx.directory.forget();
    visitor.say(&db, "Settings saved.").await?;
    Ok(see_other(&format!("/integrations/shopify/{id}")))
}

/// Which orders may ship, what may be asked of Shopify, and how often the backup runs; says what changed.
fn set_streams(
    conn: &mut DbConnection,
    shop: &Shop,
    form: &HashMap<String, String>,
    now: At,
) -> Result<Vec<&'static str>, ShopError> {
    let mut changed = Vec::new();
    let rule = form
        .get("payment")
        .and_then(|word| word.parse::<PaymentRule>().ok());
    if let Some(rule) = rule.filter(|rule| rule.as_str() != shop.order_status_filter) {
        shops::set_payment_rule(conn, shop, rule, now)?;
        changed.push("payment");
    }
    if let Some(word) = form.get("tier") {
        let tier = word.parse::<Tier>().ok();
        if tier != shop.chosen_tier {
            shops::set_tier(conn, shop.id, tier)?;
            changed.push("tier");
        }
    }
    let minutes = form.get("every_minutes").and_then(|text| text.parse().ok());
    let present = cursors::find(conn, shop.id, Stream::Orders)?;
    let present = present.map(|cursor| cursor.every_minutes);
    if let Some(minutes) = minutes.filter(|it| INTERVALS.contains(it) && Some(*it) != present) {
        watch::follow(conn, shop, now)?;
        cursors::set_every_minutes(conn, shop.id, Stream::Orders, minutes)?;
        changed.push("backup");
    }
    Ok(changed)
}

/// Keeps what the form says of the store's orders; gives what it changed.
fn keep_order_rules(
    conn: &mut DbConnection,
    shop: &Shop,
    form: &HashMap<String, String>,
) -> Result<Vec<&'static str>, ShopError> {
    let rules = OrderRules {
        check_orders: form.contains_key("check_orders"),
        tell_holds: form.contains_key("tell_holds"),
    };
    shops::set_order_rules(conn, shop.id, rules)?;
    let mut changed = Vec::new();
    if shop.check_orders != rules.check_orders {
        changed.push("check_orders");
    }
    if shop.tell_holds != rules.tell_holds {
        changed.push("tell_holds");
    }
    Ok(changed)
}

fn same_places(before: &[Mapped], after: &[Mapped]) -> bool {
    let places =
        |mapped: &[Mapped]| -> Vec<_> { mapped.iter().map(|one| (one.id, one.location)).collect() };
    places(before) == places(after)
}

/// `GET /integrations/shopify/{id}/disconnection`
///
/// # Errors
///
/// `NotFound`.
pub async fn confirm(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<ShopId>,
) -> Result<HttpResponse, WebError> {
    let page = disconnect_page(&db, &visitor, id.into_inner(), Errors::default()).await?;
    Ok(html(StatusCode::OK, &page))
}

/// `POST /integrations/shopify/{id}/disconnection`
///
/// # Errors
///
/// `NotFound`.
pub async fn delete(
    db: web::Data<Db>,
    cx: web::Data<Connector>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<ShopId>,
    form: web::Form<Confirmation>,
) -> Result<HttpResponse, WebError> {
    let id = id.into_inner();
    let shop = load(&db, id).await?;
    if form.name.trim().to_lowercase() != shop.domain.name() {
        let mut errors = Errors::default();
        errors.add("name", format!("Type {} to go on", shop.domain.name()));
        let page = disconnect_page(&db, &visitor, id, errors).await?;
        return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    connect::disconnect(&cx, id, Some(user.id))
        .await
        .map_err(|error| match error {
            ConnectError::Shop(error) => missing(error),
            ConnectError::Db(error) => error.into(),
            ConnectError::Secret(error) => error.into(),
            ConnectError::NoApp
            | ConnectError::WrongStore(_)
            | ConnectError::Token(_)
            | ConnectError::Call(_) => WebError::invalid(error.to_string()),
        })?;
    let words = format!("{} is disconnected. What came from it stays.", shop.name);
    visitor.say(&db, &words).await?;
    Ok(see_other("/integrations"))
}

/// `POST /integrations/shopify/{id}/imports`: reads the catalogue again.
///
/// # Errors
///
/// `NotFound`.
pub async fn import(
    db: web::Data<Db>,
    cx: web::Data<Connector>,
    user: CurrentUser,
    id: web::Path<ShopId>,
) -> Result<HttpResponse, WebError> {
    let shop = load(&db, id.into_inner()).await?;
    let now = cx.clock.now();
    let filing = filing(&shop, user.id);
    let job = db
        .write(move |conn| -> Result<_, DbError> {
            let job = ImportProducts { shop: shop.id };
            jobs::enqueue(conn, &job, &filing, now)?;
            let kind = <ImportProducts as jobs::Job>::KIND;
            rows::find_latest(conn, kind, shop.domain.as_str())
        })
        .await?;
    Ok(see_other(&job.map_or("/integrations".to_owned(), |job| {
        format!("/jobs/{}", job.id)
    })))
}

/// `POST /integrations/shopify/{id}/set-up`: looks for lost webhooks and new locations at once.
///
/// # Errors
///
/// `NotFound`.
pub async fn set_up(
    db: web::Data<Db>,
    cx: web::Data<Connector>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<ShopId>,
) -> Result<HttpResponse, WebError> {
    let shop = load(&db, id.into_inner()).await?;
    let (now, filing, id) = (cx.clock.now(), filing(&shop, user.id), shop.id);
    db.write(move |conn| jobs::enqueue(conn, &SetUpShop { shop: id }, &filing, now).map(drop))
        .await?;
    visitor
        .say(
            &db,
            "Webhooks and locations are being compared with Shopify.",
        )
        .await?;
    Ok(see_other(&format!("/integrations/shopify/{id}")))
}

fn filing(shop: &Shop, user: UserId) -> Filing {
    Filing {
        shop_domain: Some(shop.domain.to_string()),
        user: Some(user),
        ..Filing::default()
    }
}

fn wake(conn: &mut DbConnection, cause: &str, now: At) -> Result<(), DbError> {
    use crate::platform::queue::{Queue, queries};
    queries::wake(conn, Queue::Jobs, cause, now).map(drop)
}

async fn disconnect_page(
    db: &Db,
    visitor: &Visitor,
    id: ShopId,
    errors: Errors,
) -> Result<DisconnectPage, WebError> {
    let (shop, webhooks) = db
        .read(move |conn| -> Result<_, ShopError> {
            let shop = shops::get(conn, id)?;
            let webhooks = crate::shopify::registrar::list(conn, id)?;
            let there = webhooks.iter().filter(|one| one.gid.is_some()).count();
            Ok((shop, there))
        })
        .await
        .map_err(missing)?;
    Ok(DisconnectPage {
        frame: visitor.frame(Section::Integrations),
        errors,
        shop,
        webhooks,
    })
}
