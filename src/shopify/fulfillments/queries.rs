//! SQL of `shopify_fulfillments`, and what a push reads of its shipment.
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::schema::{orders, shipments, shopify_fulfillments, shopify_locations, shopify_shops};
use crate::types::{At, LocationId, OrderId, ShipmentId, ShopId};

crate::text_enum! {
    /// How far one call has come.
    PushState {
        /// Decided, not sent.
        Intended = "intended",
        /// Sent, or about to be; what came of it is not known.
        Sent = "sent",
        Done = "done",
        Cancelled = "cancelled",
        Refused = "refused",
    }
}

/// One fulfilment of ours: intended, sent or done.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = shopify_fulfillments)]
pub struct PushRow {
    pub id: i64,
    pub fulfillment_gid: Option<String>,
    pub state: PushState,
    pub intent: String,
    pub pre_image: Option<String>,
    pub sent_at: Option<At>,
}

/// Where a shipment's order came from.
#[derive(Clone, Debug, Queryable)]
pub struct Origin {
    pub shop: ShopId,
    pub shop_domain: String,
    pub order_external_id: String,
}

/// The shop and Shopify id of an order; `None` for an order that no shop sent.
///
/// # Errors
///
/// The database's.
pub fn find_origin(conn: &mut DbConnection, order: OrderId) -> Result<Option<Origin>, DbError> {
    Ok(orders::table
        .inner_join(shopify_shops::table.on(shopify_shops::channel_id.eq(orders::channel_id)))
        .filter(orders::id.eq(order))
        .select((
            shopify_shops::id,
            shopify_shops::domain,
            orders::external_id,
        ))
        .first(conn)
        .optional()?)
}

/// # Errors
///
/// The database's.
pub fn find_order_of(
    conn: &mut DbConnection,
    shipment: ShipmentId,
) -> Result<Option<OrderId>, DbError> {
    Ok(shipments::table
        .find(shipment)
        .select(shipments::order_id)
        .first(conn)
        .optional()?)
}

/// Shopify's location that stands for ours, as digits.
///
/// # Errors
///
/// The database's.
pub fn find_location(
    conn: &mut DbConnection,
    shop: ShopId,
    location: LocationId,
) -> Result<Option<String>, DbError> {
    Ok(shopify_locations::table
        .filter(shopify_locations::shop_id.eq(shop))
        .filter(shopify_locations::location_id.eq(location))
        .order(shopify_locations::id)
        .select(shopify_locations::external_id)
        .first(conn)
        .optional()?)
}

/// # Errors
///
/// The database's.
pub fn list_of_shipment(
    conn: &mut DbConnection,
    shipment: ShipmentId,
) -> Result<Vec<PushRow>, DbError> {
    Ok(shopify_fulfillments::table
        .filter(shopify_fulfillments::shipment_id.eq(shipment))
        .order(shopify_fulfillments::id)
        .select(PushRow::as_select())
        .load(conn)?)
}

/// The call that made this fulfilment, and its shipment, as long as we think that it stands.
///
/// # Errors
///
/// The database's.
pub fn find_done(
    conn: &mut DbConnection,
    shop: ShopId,
    gid: &str,
) -> Result<Option<(i64, ShipmentId)>, DbError> {
    Ok(shopify_fulfillments::table
        .filter(shopify_fulfillments::shop_id.eq(shop))
        .filter(shopify_fulfillments::fulfillment_gid.eq(gid))
        .filter(shopify_fulfillments::state.eq(PushState::Done))
        .select((shopify_fulfillments::id, shopify_fulfillments::shipment_id))
        .first(conn)
        .optional()?)
}

/// Fulfilments of an order that calls of ours made.
///
/// # Errors
///
/// The database's.
pub fn list_gids_of_order(
    conn: &mut DbConnection,
    shop: ShopId,
    order_external_id: &str,
) -> Result<Vec<String>, DbError> {
    let gids: Vec<Option<String>> = shopify_fulfillments::table
        .filter(shopify_fulfillments::shop_id.eq(shop))
        .filter(shopify_fulfillments::order_external_id.eq(order_external_id))
        .select(shopify_fulfillments::fulfillment_gid)
        .load(conn)?;
    Ok(gids.into_iter().flatten().collect())
}

/// # Errors
///
/// The database's.
pub fn insert(
    conn: &mut DbConnection,
    origin: &Origin,
    shipment: ShipmentId,
    intent: &str,
    pre_image: &str,
) -> Result<i64, DbError> {
    let id = diesel::insert_into(shopify_fulfillments::table)
        .values((
            shopify_fulfillments::shop_id.eq(origin.shop),
            shopify_fulfillments::shipment_id.eq(shipment),
            shopify_fulfillments::order_external_id.eq(&origin.order_external_id),
            shopify_fulfillments::state.eq(PushState::Intended),
            shopify_fulfillments::intent.eq(intent),
            shopify_fulfillments::pre_image.eq(pre_image),
        ))
        .returning(shopify_fulfillments::id)
        .get_result(conn)?;
    Ok(id)
}

/// # Errors
///
/// The database's.
pub fn mark_sent(conn: &mut DbConnection, id: i64, now: At) -> Result<bool, DbError> {
    let rows = diesel::update(
        shopify_fulfillments::table
            .find(id)
            .filter(shopify_fulfillments::state.eq(PushState::Intended)),
    )
    .set((
        shopify_fulfillments::state.eq(PushState::Sent),
        shopify_fulfillments::sent_at.eq(now),
    ))
    .execute(conn)?;
    Ok(rows == 1)
}

/// # Errors
///
/// The database's.
pub fn mark_done(
    conn: &mut DbConnection,
    id: i64,
    gid: &str,
    request_id: Option<&str>,
) -> Result<(), DbError> {
    diesel::update(shopify_fulfillments::table.find(id))
        .set((
            shopify_fulfillments::state.eq(PushState::Done),
            shopify_fulfillments::fulfillment_gid.eq(gid),
            shopify_fulfillments::request_id.eq(request_id),
        ))
        .execute(conn)?;
    Ok(())
}

/// # Errors
///
/// The database's.
pub fn mark_state(conn: &mut DbConnection, id: i64, state: PushState) -> Result<(), DbError> {
    diesel::update(shopify_fulfillments::table.find(id))
        .set(shopify_fulfillments::state.eq(state))
        .execute(conn)?;
    Ok(())
}

/// # Errors
///
/// The database's.
pub fn set_pre_image(conn: &mut DbConnection, id: i64, pre_image: &str) -> Result<(), DbError> {
    diesel::update(shopify_fulfillments::table.find(id))
        .set(shopify_fulfillments::pre_image.eq(pre_image))
        .execute(conn)?;
    Ok(())
}

/// Forgets intents that were never sent: they are decided again from what Shopify shows now.
///
/// # Errors
///
/// The database's.
pub fn delete_intended(conn: &mut DbConnection, shipment: ShipmentId) -> Result<(), DbError> {
    diesel::delete(
        shopify_fulfillments::table
            .filter(shopify_fulfillments::shipment_id.eq(shipment))
            .filter(shopify_fulfillments::state.eq(PushState::Intended)),
    )
    .execute(conn)?;
    Ok(())
}

/// Whether the order's shop tells customers of shipments by default; `None` for an order of no shop.
///
/// # Errors
///
/// The database's.
pub fn find_notify_default(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Option<bool>, DbError> {
    Ok(orders::table
        .inner_join(shopify_shops::table.on(shopify_shops::channel_id.eq(orders::channel_id)))
        .filter(orders::id.eq(order))
        .select(shopify_shops::notify_default)
        .first(conn)
        .optional()?)
}
