//! Integrations: the connected stores, how each stands, and how a new one is connected.
pub mod callback;
mod card;
pub mod deliveries;
pub mod privacy;
pub mod settings;
pub mod stock;

use actix_web::cookie::time;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::error::WebError;
use super::form::Errors;
use super::page::{Frame, Section, html, see_other};
use super::visitor::{CurrentUser, Visitor};
use super::{Config, filters, gate};
use crate::platform::db::Db;
use crate::shopify::Connector;
use crate::shopify::connect::{self, ConnectError, Probe, Way};
use crate::shopify::oauth::{self, OAuthError};
use crate::shopify::scopes::Scopes;
use crate::shopify::shop_domain::ShopDomain;
use crate::shopify::shops::{self, Shop, ShopError};
use crate::shopify::tokens::{AppCredentials, TokenError};
use crate::types::ShopId;
use card::{Card, Ours};

#[derive(Template)]
#[template(path = "integrations/index.html")]
struct IndexPage {
    frame: Frame,
    cards: Vec<Card>,
}

#[derive(Template)]
#[template(path = "integrations/show.html")]
struct ShowPage {
    frame: Frame,
    card: Card,
}

#[derive(Template)]
#[template(path = "integrations/new.html")]
struct NewPage {
    frame: Frame,
    errors: Errors,
    /// What was typed.
    shop: String,
    /// Where the link to Shopify goes; empty until the address is good.
    ready: String,
    has_app: bool,
    scopes: String,
    redirect_uri: String,
}

#[derive(Template)]
#[template(path = "integrations/token.html")]
struct TokenPage {
    frame: Frame,
    errors: Errors,
    form: TokenForm,
    probe: Option<Probe>,
}

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    shop: String,
}

/// The form for stores that connect without a consent page.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TokenForm {
    #[serde(default)]
    shop: String,
    /// `token` or `client_credentials`.
    #[serde(default)]
    way: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
    /// `test` or `connect`.
    #[serde(default)]
    intent: String,
}

/// `GET /integrations`
///
/// # Errors
///
/// The database's.
pub async fn index(
    db: web::Data<Db>,
    cx: web::Data<Connector>,
    visitor: Visitor,
) -> Result<HttpResponse, WebError> {
    let (frame, ours) = (visitor.frame(Section::Integrations), ours(&cx));
    let now = frame.now;
    let prefix = frame.prefix.clone();
    let cards = db
        .read(move |conn| card::list(conn, &ours, &prefix, now))
        .await?;
    Ok(html(StatusCode::OK, &IndexPage { frame, cards }))
}

/// `GET /integrations/shopify/{id}`
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    cx: web::Data<Connector>,
    visitor: Visitor,
    id: web::Path<ShopId>,
) -> Result<HttpResponse, WebError> {
    let (frame, ours, id) = (
        visitor.frame(Section::Integrations),
        ours(&cx),
        id.into_inner(),
    );
    let (now, prefix) = (frame.now, frame.prefix.clone());
    let card = db
        .read(move |conn| -> Result<Card, ShopError> {
            let shop = shops::get(conn, id)?;
            Ok(card::of(conn, shop, &ours, &prefix, now)?)
        })
        .await
        .map_err(missing)?;
    Ok(html(StatusCode::OK, &ShowPage { frame, card }))
}

/// `GET /integrations/shopify/new`
///
/// # Errors
///
/// None of its own.
pub async fn new(
    cx: web::Data<Connector>,
    visitor: Visitor,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, WebError> {
    let ready = ShopDomain::parse(&asked.shop).map_or(String::new(), |shop| shop.to_string());
    let errors = Errors::default();
    Ok(new_page(
        &cx,
        &visitor,
        StatusCode::OK,
        errors,
        &asked.shop,
        ready,
    ))
}

/// `POST /integrations/shopify`: the address is checked; the page it leads to has the link to Shopify,
/// because a form must not end at another site.
///
/// # Errors
///
/// None of its own.
pub async fn create(
    cx: web::Data<Connector>,
    visitor: Visitor,
    form: web::Form<Asked>,
) -> Result<HttpResponse, WebError> {
    match ShopDomain::parse(&form.shop) {
        Ok(shop) => Ok(see_other(&format!("/integrations/shopify/new?shop={shop}"))),
        Err(error) => {
            let mut errors = Errors::default();
            errors.add("shop", error.to_string());
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(new_page(
                &cx,
                &visitor,
                status,
                errors,
                &form.shop,
                String::new(),
            ))
        }
    }
}

/// `GET /integrations/shopify/start?shop=`: off to the store's consent page.
///
/// # Errors
///
/// `Invalid` without an app or with a foreign address.
pub async fn start(
    db: web::Data<Db>,
    cx: web::Data<Connector>,
    config: web::Data<Config>,
    user: CurrentUser,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, WebError> {
    let shop =
        ShopDomain::parse(&asked.shop).map_err(|error| WebError::invalid(error.to_string()))?;
    let app = cx
        .config
        .app()
        .ok_or_else(|| WebError::invalid(ConnectError::NoApp.to_string()))?;
    let (user, now, cx) = (user.id, cx.clock.now(), cx.into_inner());
    let attempt = db
        .write(move |conn| {
            let request = oauth::Request {
                shop: &shop,
                client_id: &app.client_id,
                scopes: &Scopes::parse(&cx.config.scopes),
                redirect_uri: &cx.config.callback_url(),
            };
            oauth::begin(conn, &cx.client, &cx.keyring, &request, user, now)
        })
        .await
        .map_err(refused)?;
    let mut cookie = gate::cookie(&config, oauth::COOKIE.to_owned(), attempt.cookie);
    let life = i64::try_from(oauth::ATTEMPT_LIFE.as_secs()).unwrap_or(0);
    cookie.set_max_age(time::Duration::seconds(life));
    Ok(HttpResponse::SeeOther()
        .insert_header((LOCATION, attempt.authorize_url.as_str()))
        .cookie(cookie)
        .finish())
}

/// `GET /integrations/shopify/token`
///
/// # Errors
///
/// None of its own.
pub async fn new_token(visitor: Visitor) -> Result<HttpResponse, WebError> {
    let page = TokenPage {
        frame: visitor.frame(Section::Integrations),
        errors: Errors::default(),
        form: TokenForm {
            way: "token".to_owned(),
            ..TokenForm::default()
        },
        probe: None,
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /integrations/shopify/token`: tests the connection, or makes it.
///
/// # Errors
///
/// The database's; what the store answers stands on the page.
pub async fn create_token(
    db: web::Data<Db>,
    cx: web::Data<Connector>,
    visitor: Visitor,
    user: CurrentUser,
    form: web::Form<TokenForm>,
) -> Result<HttpResponse, WebError> {
    let form = form.into_inner();
    let mut errors = Errors::default();
    let mut probe = None;
    if let Some((shop, way)) = parse(&form, &mut errors) {
        if form.intent == "connect" {
            match connect::connect(&cx, &shop, way, Some(user.id)).await {
                Ok(shop) => {
                    let words = format!("{} is connected.", shop.name);
                    visitor.say(&db, &words).await?;
                    return Ok(see_other(&format!("/integrations/shopify/{}", shop.id)));
                }
                Err(error) => complain(&mut errors, &form, error)?,
            }
        } else {
            match connect::test(&cx, &shop, &way).await {
                Ok(found) => probe = Some(found),
                Err(error) => complain(&mut errors, &form, error)?,
            }
        }
    }
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let page = TokenPage {
        frame: visitor.frame(Section::Integrations),
        errors,
        form,
        probe,
    };
    Ok(html(status, &page))
}

fn parse(form: &TokenForm, errors: &mut Errors) -> Option<(ShopDomain, Way)> {
    let shop = ShopDomain::parse(&form.shop);
    if let Err(error) = &shop {
        errors.add("shop", error.to_string());
    }
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let secret = filled(&form.client_secret);
    let way = if form.way == "client_credentials" {
        let client_id = filled(&form.client_id);
        if client_id.is_none() {
            errors.add("client_id", "Enter the app's client id");
        }
        if secret.is_none() {
            errors.add("client_secret", "Enter the app's client secret");
        }
        client_id.zip(secret).map(|(client_id, secret)| {
            Way::ClientCredentials(AppCredentials {
                client_id,
                client_secret: secret.into(),
            })
        })
    } else {
        let token = filled(&form.token);
        if token.is_none() {
            errors.add("token", "Enter the Admin API access token, like shpat_…");
        }
        token.map(|token| Way::Token {
            token: token.into(),
            app_secret: secret.map(Into::into),
        })
    };
    shop.ok().zip(way)
}

fn complain(errors: &mut Errors, form: &TokenForm, error: ConnectError) -> Result<(), WebError> {
    let field = if form.way == "client_credentials" {
        "client_secret"
    } else {
        "token"
    };
    match error {
        ConnectError::WrongStore(_) | ConnectError::Call(_) => {
            let field = if matches!(error, ConnectError::WrongStore(_)) {
                "shop"
            } else {
                field
            };
            errors.add(field, sentence(&error.to_string()));
        }
        ConnectError::Token(TokenError::Refused(_) | TokenError::Call(_)) | ConnectError::NoApp => {
            errors.add(field, sentence(&error.to_string()))
        }
        ConnectError::Shop(error) => return Err(missing(error)),
        ConnectError::Secret(error) => return Err(error.into()),
        ConnectError::Db(error) => return Err(error.into()),
    }
    Ok(())
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

fn new_page(
    cx: &Connector,
    visitor: &Visitor,
    status: StatusCode,
    errors: Errors,
    shop: &str,
    ready: String,
) -> HttpResponse {
    let page = NewPage {
        frame: visitor.frame(Section::Integrations),
        errors,
        shop: shop.to_owned(),
        ready,
        has_app: cx.config.app().is_some(),
        scopes: asked_scopes(cx).iter().collect::<Vec<_>>().join(", "),
        redirect_uri: cx.config.callback_url(),
    };
    html(status, &page)
}

fn ours(cx: &Connector) -> Ours {
    Ours {
        scopes: asked_scopes(cx),
        version: cx.client.api_version().to_owned(),
    }
}

fn asked_scopes(cx: &Connector) -> Scopes {
    Scopes::parse(&cx.config.scopes)
}

/// What a page says of an attempt to connect that was not accepted.
fn refused(error: OAuthError) -> WebError {
    match error {
        OAuthError::Db(error) => error.into(),
        OAuthError::Secret(error) => error.into(),
        OAuthError::Missing(_)
        | OAuthError::Denied(_)
        | OAuthError::WrongShop
        | OAuthError::Forged
        | OAuthError::Stale
        | OAuthError::UnknownState
        | OAuthError::OtherBrowser
        | OAuthError::Address(_) => WebError::invalid(error.to_string()),
    }
}

pub(super) fn missing(error: ShopError) -> WebError {
    match error {
        ShopError::NotFound => WebError::NotFound("This store".to_owned()),
        ShopError::Secret(error) => error.into(),
        ShopError::Db(error) => error.into(),
    }
}

/// The store behind an address of ours.
async fn load(db: &Db, id: ShopId) -> Result<Shop, WebError> {
    db.read(move |conn| shops::get(conn, id))
        .await
        .map_err(missing)
}
