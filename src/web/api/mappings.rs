//! Which of our items a Shopify variant stands for.
use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Page, chosen_shop, field, page_size};
use crate::platform::db::{Db, DbConnection};
use crate::shopify::mappings::queries::{self, MappedRow, View};
use crate::shopify::products::queries::VariantRow;
use crate::shopify::shops;
use crate::types::{ShopId, VariantId};
use crate::web::error::WebError;

/// Which variants.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only of this store, by its domain or id.
    shop: Option<String>,
    /// `unmapped`, `mapped` or `ignored`.
    state: Option<String>,
    /// Shopify's SKU, exactly.
    sku: Option<String>,
    /// Where the page before ended; `next` holds it.
    after: Option<i64>,
    /// 1 to 250 rows; 50 unless said.
    limit: Option<i64>,
}

/// A variant and what it is mapped to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Mapping {
    pub store: String,
    pub shopify_variant_id: String,
    pub shopify_product_id: String,
    pub title: String,
    pub variant_title: Option<String>,
    pub sku: Option<String>,
    pub barcode: Option<String>,
    /// `unmapped`, `mapped` or `ignored`.
    pub state: String,
    /// The items that leave the shelves for one piece.
    pub items: Vec<MappedItem>,
}

/// An item of ours in a mapping.
#[derive(Debug, Serialize, ToSchema)]
pub struct MappedItem {
    pub product_id: i64,
    pub sku: Option<String>,
    pub name: Option<String>,
    pub quantity: i64,
}

/// The variants that Shopify has, with their mappings.
#[utoipa::path(
    get, path = "/api/{tenant}/mappings", tag = "Catalogue", params(Filter),
    responses((status = 200, body = Page<Mapping>))
)]
pub async fn index(
    req: HttpRequest,
    db: web::Data<Db>,
    query: web::Query<Filter>,
) -> Result<HttpResponse, WebError> {
    let (size, query) = (page_size(query.limit)?, query.into_inner());
    let view = query.state.as_deref().map(view_of).transpose()?;
    let rows = db
        .read(move |conn| load(conn, &query, view, size + 1))
        .await?;
    let page: Page<Mapping> = Page::of(&req, rows, size, |row| row.variant.id.to_string());
    Ok(HttpResponse::Ok().json(page))
}

fn view_of(word: &str) -> Result<View, WebError> {
    match word {
        "unmapped" => Ok(View::Unmapped),
        "mapped" => Ok(View::Mapped),
        "ignored" => Ok(View::Ignored),
        _ => Err(field("state", "Write unmapped, mapped or ignored.")),
    }
}

/// A variant, its store's domain and its mappings.
struct Row {
    variant: VariantRow,
    store: String,
    mapped: Vec<MappedRow>,
}

fn load(
    conn: &mut DbConnection,
    query: &Filter,
    view: Option<View>,
    limit: i64,
) -> Result<Vec<Row>, WebError> {
    let shop = match query.shop.as_deref() {
        Some(named) => Some(chosen_shop(conn, Some(named))?.id),
        None => None,
    };
    let after = VariantId(query.after.unwrap_or(0));
    let variants = queries::list_by_id(conn, shop, view, query.sku.as_deref(), after, limit)?;
    let ids: Vec<VariantId> = variants.iter().map(|variant| variant.id).collect();
    let mut mapped = BTreeMap::<VariantId, Vec<MappedRow>>::new();
    for row in queries::list_live(conn, &ids)? {
        mapped.entry(row.variant_id).or_default().push(row);
    }
    let stores: BTreeMap<ShopId, String> = shops::list(conn)?
        .into_iter()
        .map(|shop| (shop.id, shop.domain.to_string()))
        .collect();
    Ok(variants
        .into_iter()
        .map(|variant| Row {
            store: stores.get(&variant.shop_id).cloned().unwrap_or_default(),
            mapped: mapped.remove(&variant.id).unwrap_or_default(),
            variant,
        })
        .collect())
}

impl From<Row> for Mapping {
    fn from(row: Row) -> Mapping {
        let state = if row.variant.ignored_at.is_some() {
            "ignored"
        } else if row.mapped.is_empty() {
            "unmapped"
        } else {
            "mapped"
        };
        Mapping {
            store: row.store,
            shopify_variant_id: row.variant.external_id,
            shopify_product_id: row.variant.product_external_id,
            title: row.variant.product_title,
            variant_title: row.variant.variant_title,
            sku: row.variant.sku,
            barcode: row.variant.barcode,
            state: state.to_owned(),
            items: row
                .mapped
                .into_iter()
                .filter_map(|one| {
                    Some(MappedItem {
                        product_id: one.product_id?.0,
                        sku: one.sku,
                        name: one.name,
                        quantity: one.quantity,
                    })
                })
                .collect(),
        }
    }
}
