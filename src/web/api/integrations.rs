//! The connection to a store: asking whether it lives, ending it.
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::chosen_shop;
use super::sync::Filter;
use crate::platform::db::Db;
use crate::shopify::Connector;
use crate::shopify::connect::{self, ConnectError};
use crate::shopify::shops::Shop;
use crate::web::error::WebError;

/// What a store said when it was asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tested {
    pub store: String,
    /// Whether the token works.
    pub ok: bool,
    /// Why not.
    pub reason: Option<String>,
    pub name: Option<String>,
    pub plan: Option<String>,
    /// What Shopify serves, which may be later than what is asked for.
    pub api_version: Option<String>,
    pub scopes: Vec<String>,
    pub missing_scopes: Vec<String>,
}

/// That a store is no longer connected.
#[derive(Debug, Serialize, ToSchema)]
pub struct Disconnected {
    pub store: String,
    /// `disconnected`.
    pub state: String,
}

/// Asks the store who it is, with the token we have.
#[utoipa::path(
    post, path = "/api/{tenant}/integrations/shopify/test", tag = "Sync", params(Filter),
    responses(
        (status = 200, body = Tested, description = "The store was asked; `ok` says whether it answered"),
        (status = 404, description = "No such store is connected"),
        (status = 409, description = "Several stores are connected: `shops` lists them"),
    )
)]
pub async fn test(
    db: web::Data<Db>,
    cx: web::Data<Connector>,
    query: web::Query<Filter>,
) -> Result<HttpResponse, WebError> {
    let shop = choose(&db, query.into_inner()).await?;
    let tested = match connect::look(&cx, &shop).await {
        Ok(probe) => Tested {
            store: shop.domain.to_string(),
            ok: true,
            reason: None,
            name: Some(probe.name),
            plan: Some(probe.plan),
            api_version: Some(probe.api_version),
            scopes: probe.granted.iter().map(str::to_owned).collect(),
            missing_scopes: probe.missing.iter().map(str::to_owned).collect(),
        },
        Err(error @ (ConnectError::Db(_) | ConnectError::Secret(_))) => {
            return Err(refused(error));
        }
        Err(error) => Tested {
            store: shop.domain.to_string(),
            ok: false,
            reason: Some(error.to_string()),
            name: None,
            plan: None,
            api_version: None,
            scopes: Vec::new(),
            missing_scopes: Vec::new(),
        },
    };
    Ok(HttpResponse::Ok().json(tested))
}

/// Disconnects a store: its webhooks end, its token is dropped; what came from it stays.
#[utoipa::path(
    delete, path = "/api/{tenant}/integrations/shopify", tag = "Sync", params(Filter),
    responses(
        (status = 200, body = Disconnected),
        (status = 404, description = "No such store is connected"),
        (status = 409, description = "Several stores are connected: `shops` lists them"),
    )
)]
pub async fn delete(
    db: web::Data<Db>,
    cx: web::Data<Connector>,
    query: web::Query<Filter>,
) -> Result<HttpResponse, WebError> {
    let shop = choose(&db, query.into_inner()).await?;
    connect::disconnect(&cx, shop.id, None)
        .await
        .map_err(refused)?;
    Ok(HttpResponse::Ok().json(Disconnected {
        store: shop.domain.to_string(),
        state: "disconnected".to_owned(),
    }))
}

async fn choose(db: &Db, query: Filter) -> Result<Shop, WebError> {
    db.read(move |conn| chosen_shop(conn, query.shop.as_deref()))
        .await
}

fn refused(error: ConnectError) -> WebError {
    match error {
        ConnectError::Db(error) => error.into(),
        ConnectError::Secret(error) => error.into(),
        ConnectError::NoApp
        | ConnectError::WrongStore(_)
        | ConnectError::Token(_)
        | ConnectError::Call(_)
        | ConnectError::Shop(_) => WebError::Conflict(error.to_string()),
    }
}
