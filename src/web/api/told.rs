//! What the store said of an order when it was asked, as programs read it: who ships what, and what others have shipped.
use serde::Serialize;
use utoipa::ToSchema;

use super::moment;
use crate::erp::orders::queries::{OrderRow, checks};
use crate::erp::shipping::outside;
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::enrich::assignment::{Places, Whose, places, whose};
use crate::shopify::enrich::mirror::FulfillmentOrder;
use crate::shopify::enrich::queries as mirror;
use crate::shopify::shops;

/// What the store said of the order when it was last asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderTold)]
pub struct Told {
    /// When that was; null: it was not asked yet.
    pub checked_at: Option<String>,
    /// `shipping`, `local`, `pickup`, `pickup_point`, `retail`, `none`, `mixed`.
    pub delivery_method: Option<String>,
    /// `none`, `pending`, `low`, `medium`, `high`.
    pub risk: Option<String>,
    /// What Shopify would do about it: `accept`, `investigate`, `cancel`, `none`.
    pub risk_recommendation: Option<String>,
    /// When it is opened for shipping, where that is later.
    pub scheduled_for: Option<String>,
    pub fulfillment_orders: Vec<Part>,
    /// What others have shipped of it.
    pub shipped_by_others: Vec<Outside>,
}

/// A fulfillment order: lines that one location is to ship.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FulfillmentOrder)]
pub struct Part {
    pub shopify_fulfillment_order_id: String,
    /// `open`, `in_progress`, `scheduled`, `on_hold`, `incomplete`, `closed`, `cancelled`.
    pub status: String,
    pub location: String,
    /// Who ships it: `us`, `service`, or `unmapped` for a location that is none of ours.
    pub shipped_by: &'static str,
    pub lines: Vec<Piece>,
    /// Why the store keeps it back.
    pub holds: Vec<String>,
}

/// Pieces of a line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FulfillmentOrderLine)]
pub struct Piece {
    pub shopify_line_item_id: String,
    pub quantity: i64,
    /// Still to be shipped.
    pub remaining: i64,
}

/// A shipment of others.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OutsideShipment)]
pub struct Outside {
    pub shopify_fulfillment_id: String,
    /// `shipped`, `delivered`, `cancelled`.
    pub state: String,
    pub carrier: Option<String>,
    pub tracking_numbers: Vec<String>,
    /// Our location whose stock left with it; null: no stock of ours moved.
    pub stock_from: Option<String>,
    pub shipped_at: String,
    pub quantity: i64,
}

pub(super) fn load(conn: &mut DbConnection, order: &OrderRow) -> Result<Told, DbError> {
    let check = checks::find(conn, order.id)?;
    let places = match shops::find_by_channel(conn, order.channel_id)? {
        Some(shop) => places(conn, shop.id)?,
        None => Places::new(),
    };
    let parts = mirror::list(conn, order.id)?;
    let others = outside::queries::list(conn, order.id)?;
    let asked = check.as_ref();
    Ok(Told {
        checked_at: asked.map(|check| moment(check.checked_at)),
        delivery_method: asked
            .and_then(|check| check.delivery_method)
            .map(|method| method.to_string()),
        risk: asked
            .and_then(|check| check.risk)
            .map(|risk| risk.to_string()),
        risk_recommendation: asked
            .and_then(|check| check.recommendation)
            .map(|advice| advice.to_string()),
        scheduled_for: asked.and_then(|check| check.scheduled_for).map(moment),
        fulfillment_orders: parts.into_iter().map(|one| part(one, &places)).collect(),
        shipped_by_others: others.into_iter().map(by_others).collect(),
    })
}

fn part(order: FulfillmentOrder, places: &Places) -> Part {
    Part {
        shipped_by: match whose(&order, places) {
            Whose::Ours(_) | Whose::Somewhere => "us",
            Whose::Service => "service",
            Whose::Unmapped => "unmapped",
        },
        status: order.status.to_string(),
        lines: order
            .lines
            .iter()
            .map(|line| Piece {
                shopify_line_item_id: line.line.clone(),
                quantity: line.total,
                remaining: line.remaining,
            })
            .collect(),
        holds: order.holds.iter().map(|hold| hold.words()).collect(),
        shopify_fulfillment_order_id: order.external_id,
        location: order.location_name,
    }
}

fn by_others(row: outside::queries::Row) -> Outside {
    Outside {
        quantity: row.pieces(),
        shopify_fulfillment_id: row
            .external_id
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned(),
        state: row.state.to_string(),
        carrier: row.tracking.carrier,
        tracking_numbers: row.tracking.numbers,
        stock_from: row.stock_from,
        shipped_at: moment(row.shipped_at),
    }
}
