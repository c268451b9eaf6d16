//! The rules by which a store's variants are mapped without a person.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::load;
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::shopify::mappings::By;
use crate::shopify::mappings::rules::{self, LONGEST_PREFIX, Rules};
use crate::shopify::shops::Shop;
use crate::types::ShopId;
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::form::Errors;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

#[derive(Debug, Deserialize)]
pub struct Wanted {
    store: ShopId,
}

/// What was chosen.
#[derive(Clone, Debug, Deserialize)]
pub struct Form {
    store: ShopId,
    #[serde(default)]
    sku: String,
    #[serde(default)]
    barcode: String,
    #[serde(default)]
    prefix: String,
}

#[derive(Template)]
#[template(path = "mappings/rules.html")]
struct RulesPage {
    frame: Frame,
    errors: Errors,
    shop: Shop,
    form: Form,
}

/// `GET /mappings/rules?store=`
///
/// # Errors
///
/// `NotFound`.
pub async fn edit(
    db: web::Data<Db>,
    visitor: Visitor,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, WebError> {
    let store = wanted.store;
    let (shop, known) = db
        .read(move |conn| -> Result<_, WebError> {
            let shop = load(conn, store)?;
            let known = rules::queries::find(conn, store)?;
            Ok((shop, known))
        })
        .await?;
    let ticked = |on: bool| if on { "1".to_owned() } else { String::new() };
    let page = RulesPage {
        frame: visitor.frame(Section::Mappings),
        errors: Errors::default(),
        shop,
        form: Form {
            store,
            sku: ticked(known.sku),
            barcode: ticked(known.barcode),
            prefix: known.prefix.unwrap_or_default(),
        },
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /mappings/rules`
///
/// # Errors
///
/// `NotFound`; a form with mistakes shows itself again.
pub async fn update(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    let (form, now, user) = (form.into_inner(), clock.now(), user.id);
    let store = form.store;
    let shop = db.read(move |conn| load(conn, store)).await?;
    let rules = match form.parse() {
        Ok(rules) => rules,
        Err(errors) => {
            let page = RulesPage {
                frame: visitor.frame(Section::Mappings),
                errors,
                shop,
                form,
            };
            return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    db.write(move |conn| {
        let by = By {
            shop: &shop,
            user: Some(user),
            now,
        };
        rules::save(conn, by, &rules)
    })
    .await?;
    visitor.say(&db, "Rules saved.").await?;
    Ok(see_other(&format!("/mappings?store={store}")))
}

impl Form {
    fn parse(&self) -> Result<Rules, Errors> {
        let prefix = self.prefix.trim();
        let mut errors = Errors::default();
        if prefix.chars().count() > LONGEST_PREFIX {
            errors.add(
                "prefix",
                "Enter a prefix of up to 40 characters, like SHOP-",
            );
            return Err(errors);
        }
        Ok(Rules {
            sku: !self.sku.is_empty(),
            barcode: !self.barcode.is_empty(),
            prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
        })
    }
}
