//! What the stores are told of our stock, and why not.
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Page, chosen_shop, field, moment, page_size};
use crate::erp::products::queries::{self as rows, ProductRow};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection};
use crate::shopify::inventory::shown::{self, InStore, Shown};
use crate::shopify::inventory::{self, MarkKind};
use crate::types::ProductId;
use crate::web::error::WebError;

/// Which items.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only of this store, by its domain or id.
    shop: Option<String>,
    /// Exactly this item.
    sku: Option<String>,
    /// Where the page before ended; `next` holds it.
    after: Option<i64>,
    /// 1 to 250 items; 50 unless said.
    limit: Option<i64>,
}

/// An item in the stores.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemInStores {
    pub product_id: i64,
    pub sku: String,
    pub stores: Vec<StoreStock>,
}

/// An item in one store.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoreStock {
    pub store: String,
    pub sync: bool,
    /// Why nothing of it is told: `sync_off`, `paused`, `not_connected`, `not_mapped`, `ignored`.
    pub why_not: Option<String>,
    pub offers: Vec<Offer>,
}

/// What is offered of a variant at a location of its store.
#[derive(Debug, Serialize, ToSchema)]
pub struct Offer {
    pub title: String,
    pub location: String,
    /// The items behind it.
    pub parts: Vec<OfferPart>,
    /// Pieces that are kept back.
    pub buffer: i64,
    /// The most that is offered.
    pub cap: Option<i64>,
    /// On hand, less reserved, less the buffer, between 0 and the cap.
    pub offered: i64,
    /// What Shopify has, as far as is known.
    pub shopify_available: Option<i64>,
    pub shopify_on_hand: Option<i64>,
    pub shopify_committed: Option<i64>,
    pub pushed: Option<i64>,
    pub pushed_at: Option<String>,
    pub pushed_by: Option<String>,
    pub read_at: Option<String>,
    /// Why Shopify's number is another: `location_not_mapped`, `location_closed`, `not_tracked`, `not_stocked`,
    /// `store_is_master`, `refused`, `not_read`, `waiting`.
    pub why_not: Option<String>,
    /// The same in a sentence, with Shopify's words where it refused.
    pub reason: Option<String>,
}

/// An item of ours inside a variant.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferPart {
    pub sku: String,
    pub on_hand: i64,
    pub reserved: i64,
    /// On hand in lots that are blocked or expired: not offered.
    pub barred: i64,
    /// Pieces of it in one of the variant.
    pub quantity: i64,
}

/// What is to be pushed again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushWish {
    /// The item.
    #[schema(example = "FT-SEN-050")]
    sku: String,
    /// The store, by its domain or id; needed where there are several.
    #[serde(default)]
    shop: Option<String>,
}

/// That a store will be told once more.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushAsked {
    pub store: String,
    pub sku: String,
}

/// What each store is told of each item, how that number comes about, and why a store has another.
#[utoipa::path(
    get, path = "/api/{tenant}/inventory", tag = "Stock", params(Filter),
    responses((status = 200, body = Page<ItemInStores>))
)]
pub async fn index(
    req: HttpRequest,
    db: web::Data<Db>,
    query: web::Query<Filter>,
) -> Result<HttpResponse, WebError> {
    let (size, query) = (page_size(query.limit)?, query.into_inner());
    let rows = db.read(move |conn| load(conn, &query, size + 1)).await?;
    let page: Page<ItemInStores> = Page::of(&req, rows, size, |row| row.0.id.to_string());
    Ok(HttpResponse::Ok().json(page))
}

type Row = (ProductRow, Vec<InStore>);

fn load(conn: &mut DbConnection, query: &Filter, limit: i64) -> Result<Vec<Row>, WebError> {
    let shop = match query.shop.as_deref() {
        Some(named) => Some(chosen_shop(conn, Some(named))?.id),
        None => None,
    };
    let after = ProductId(query.after.unwrap_or(0));
    let mut found = Vec::new();
    for product in rows::list_by_id(conn, query.sku.as_deref(), after, limit)? {
        let stores = shown::of_item(conn, product.id, shop)?;
        found.push((product, stores));
    }
    Ok(found)
}

impl From<Row> for ItemInStores {
    fn from((product, stores): Row) -> ItemInStores {
        ItemInStores {
            product_id: product.id.0,
            sku: product.sku,
            stores: stores.into_iter().map(StoreStock::from).collect(),
        }
    }
}

impl From<InStore> for StoreStock {
    fn from(store: InStore) -> StoreStock {
        StoreStock {
            store: store.shop.domain.to_string(),
            sync: store.settings.is_on,
            why_not: store.why.map(|why| why.code().to_owned()),
            offers: store.rows.into_iter().map(Offer::from).collect(),
        }
    }
}

impl From<Shown> for Offer {
    fn from(row: Shown) -> Offer {
        Offer {
            title: row.title,
            location: row.place,
            buffer: row.rule.buffer,
            cap: row.rule.cap,
            offered: row.offered,
            shopify_available: row.available,
            shopify_on_hand: row.on_hand,
            shopify_committed: row.committed,
            pushed: row.pushed,
            pushed_at: row.pushed_at.map(moment),
            pushed_by: row.pushed_by,
            read_at: row.read_at.map(moment),
            why_not: row.why.as_ref().map(|why| why.code().to_owned()),
            reason: row.why.map(|why| why.words()),
            parts: row
                .parts
                .into_iter()
                .map(|one| OfferPart {
                    sku: one.sku,
                    on_hand: one.part.on_hand,
                    reserved: one.part.reserved,
                    barred: one.part.barred,
                    quantity: one.part.each,
                })
                .collect(),
        }
    }
}

/// Has a store's number of an item read and ours set, also where Shopify refused it before.
#[utoipa::path(
    post, path = "/api/{tenant}/inventory/pushes", tag = "Stock", request_body = PushWish,
    responses(
        (status = 202, body = PushAsked, description = "It is done in the background"),
        (status = 404, description = "No such item, or no such store is connected"),
        (status = 409, description = "Several stores are connected: `shops` lists them"),
        (status = 422, description = "`errors` names what is wrong; or the store's stock sync is off"),
    )
)]
pub async fn create_push(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    wish: web::Json<PushWish>,
) -> Result<HttpResponse, WebError> {
    let (now, wish) = (clock.now(), wish.into_inner());
    let asked = db
        .write(move |conn| -> Result<PushAsked, WebError> {
            let shop = chosen_shop(conn, wish.shop.as_deref())?;
            let product = rows::find_by_sku(conn, &wish.sku)?
                .ok_or_else(|| WebError::NotFound(format!("The item {}", wish.sku)))?;
            let kind = MarkKind::Asked;
            if !inventory::mark_item(conn, &shop, product.id, kind, None, now)? {
                return Err(field("shop", "Its stock sync is off."));
            }
            Ok(PushAsked {
                store: shop.domain.to_string(),
                sku: product.sku,
            })
        })
        .await?;
    Ok(HttpResponse::Accepted().json(asked))
}
