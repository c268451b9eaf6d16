//! Which orders a store delivers itself: the rule, and what a change of it does to the open orders.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::load;
use crate::erp::deliveries::jobs::FollowRule;
use crate::erp::deliveries::rule::{self, Effect, Rule};
use crate::platform::db::{Db, DbConnection, DbError};
use crate::platform::jobs::{self, Filing};
use crate::shopify::Connector;
use crate::shopify::shops::Shop;
use crate::types::ShopId;
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::form::Errors;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

/// What was chosen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    rule: String,
    /// One name a line.
    methods: String,
    /// Set by the button below what the change does.
    confirmed: String,
}

#[derive(Template)]
#[template(path = "integrations/deliveries.html")]
struct RulePage {
    frame: Frame,
    errors: Errors,
    shop: Shop,
    form: Form,
    /// What the change would do: to be confirmed.
    effect: Option<Effect>,
}

impl RulePage {
    fn is(&self, word: &str) -> bool {
        self.form.rule == word
    }
}

/// `GET /integrations/shopify/{id}/deliveries`
///
/// # Errors
///
/// `NotFound`.
pub async fn edit(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<ShopId>,
) -> Result<HttpResponse, WebError> {
    let shop = load(&db, id.into_inner()).await?;
    let channel = shop.channel;
    let rule = db.read(move |conn| rule::of_channel(conn, channel)).await?;
    let page = RulePage {
        frame: visitor.frame(Section::Integrations),
        errors: Errors::default(),
        shop,
        form: Form {
            rule: rule.which.to_string(),
            methods: rule.methods.join("\n"),
            confirmed: String::new(),
        },
        effect: None,
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /integrations/shopify/{id}/deliveries`: first shows what it does, then does it.
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
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    let (id, form) = (id.into_inner(), form.into_inner());
    let shop = load(&db, id).await?;
    let (channel, now, by) = (shop.channel, cx.clock.now(), user.id);
    let mut page = RulePage {
        frame: visitor.frame(Section::Integrations),
        errors: Errors::default(),
        shop,
        form,
        effect: None,
    };
    let rule = match Rule::read(&page.form.rule, &page.form.methods) {
        Ok(rule) => rule,
        Err(words) => {
            page.errors.add("methods", words);
            return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    if page.form.confirmed.is_empty() {
        let effect = db
            .read(move |conn| rule::effect(conn, channel, &rule))
            .await?;
        page.effect = Some(effect);
        return Ok(html(StatusCode::OK, &page));
    }
    let domain = page.shop.domain.to_string();
    db.write(move |conn: &mut DbConnection| -> Result<(), DbError> {
        if rule::change(conn, channel, &rule, (by, &format!("store/{id}")), now)? {
            let filing = Filing {
                shop_domain: Some(domain),
                user: Some(by),
                ..Filing::default()
            };
            jobs::enqueue(conn, &FollowRule { channel }, &filing, now)?;
        }
        Ok(())
    })
    .await?;
    cx.directory.forget();
    visitor
        .say(&db, "Saved. The open orders follow in the background.")
        .await?;
    Ok(see_other(&format!("/integrations/shopify/{id}")))
}
