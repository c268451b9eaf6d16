//! SQL that applying an event needs of the connector's tables.
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::{
    order_lines, orders, shipment_lines, shipments, shopify_fulfillments, shopify_shops,
};
use crate::types::ShopId;

/// A fulfilment that we made, or are about to make: then it has no gid yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ours {
    pub(super) gid: Option<String>,
    pub(super) lines: Vec<(String, i64)>,
}

/// Those of these orders that came from another store, with its domain. Shopify's ids are its own for all stores
/// together: a body under another store's name was captured there.
pub(super) fn other_owners(
    conn: &mut DbConnection,
    shop: ShopId,
    external_ids: &[&str],
) -> Result<Vec<(String, String)>, DbError> {
    Ok(shopify_shops::table
        .inner_join(orders::table.on(orders::channel_id.eq(shopify_shops::channel_id)))
        .filter(shopify_shops::id.ne(shop))
        .filter(orders::external_id.eq_any(external_ids.to_vec()))
        .select((orders::external_id, shopify_shops::domain))
        .load(conn)?)
}

/// Our own pushes for an order, with their lines.
pub(super) fn our_fulfillments(
    conn: &mut DbConnection,
    shop: ShopId,
    order: &str,
) -> Result<Vec<Ours>, DbError> {
    let rows: Vec<(i64, Option<String>, String, i64)> = shopify_fulfillments::table
        .inner_join(
            shipments::table.inner_join(shipment_lines::table.inner_join(order_lines::table)),
        )
        .filter(shopify_fulfillments::shop_id.eq(shop))
        .filter(shopify_fulfillments::order_external_id.eq(order))
        .filter(shopify_fulfillments::state.ne("refused"))
        .order(shopify_fulfillments::id.asc())
        .select((
            shopify_fulfillments::id,
            shopify_fulfillments::fulfillment_gid,
            order_lines::external_id,
            shipment_lines::quantity,
        ))
        .load(conn)?;
    let mut ours: Vec<(i64, Ours)> = Vec::new();
    for (id, gid, line, quantity) in rows {
        match ours.last_mut() {
            Some((last, one)) if *last == id => one.lines.push((line, quantity)),
            Some(_) | None => ours.push((
                id,
                Ours {
                    gid,
                    lines: vec![(line, quantity)],
                },
            )),
        }
    }
    Ok(ours.into_iter().map(|(_id, one)| one).collect())
}
