//! What the store says of an order when it is asked: who ships what, how it is handed over, how risky it is.
use super::super::words::{self, Badge};
use super::LineView;
use crate::erp::orders::checks::{Handover, RiskLevel};
use crate::erp::orders::queries::{OrderRow, checks};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{Job as _, queries as jobs};
use crate::platform::queue::Status as QueueStatus;
use crate::shopify::enrich::assignment::{Places, Whose, places, whose};
use crate::shopify::enrich::mirror::{FulfillmentOrder, Status};
use crate::shopify::enrich::{EnrichOrder, queries as mirror};
use crate::shopify::shops;
use crate::types::{At, ShopId};

/// What the order page shows of it.
pub struct ChannelView {
    pub shop: ShopId,
    /// `practice-store`, as Shopify's admin spells the store.
    pub store: String,
    /// When it was last asked; `None`: not yet.
    pub checked_at: Option<At>,
    pub handover: Option<String>,
    pub risk: Option<Badge>,
    pub parts: Vec<PartView>,
    /// Why it could not be asked, and what comes of that.
    pub trouble: Option<String>,
}

/// One fulfillment order.
pub struct PartView {
    pub id: String,
    pub place: String,
    pub state: Badge,
    /// Who ships it where it is not us.
    pub others: Option<&'static str>,
    /// It is at a location that nobody has mapped.
    pub is_unmapped: bool,
    pub lines: Vec<String>,
    pub opens_at: Option<At>,
    pub holds: Vec<String>,
    pub is_over: bool,
}

pub(super) fn load(
    conn: &mut DbConnection,
    order: &OrderRow,
    lines: &[LineView],
) -> Result<Option<ChannelView>, DbError> {
    let Some(shop) = shops::find_by_channel(conn, order.channel_id)? else {
        return Ok(None);
    };
    let check = checks::find(conn, order.id)?;
    let orders = mirror::list(conn, order.id)?;
    let places = places(conn, shop.id)?;
    let method = orders.iter().find_map(|one| one.method_name.clone());
    Ok(Some(ChannelView {
        shop: shop.id,
        store: shop.domain.name().to_owned(),
        checked_at: check.as_ref().map(|check| check.checked_at),
        handover: check
            .as_ref()
            .and_then(|check| check.delivery_method)
            .map(|handover| handover_words(handover, method.as_deref())),
        risk: check.and_then(|check| check.risk).and_then(risk_badge),
        parts: orders.iter().map(|one| part(one, &places, lines)).collect(),
        trouble: trouble(conn, order)?,
    }))
}

/// Why the last question has no answer yet, if it has none.
fn trouble(conn: &mut DbConnection, order: &OrderRow) -> Result<Option<String>, DbError> {
    let subject = format!("order/{}", order.id);
    let Some(job) = jobs::find_latest_about(conn, EnrichOrder::KIND, &subject)? else {
        return Ok(None);
    };
    let dead = job.status == QueueStatus::Dead.code();
    let done = job.status >= QueueStatus::Done.code() && !dead;
    // What is done has a reason only where it found nothing.
    let Some(reason) = job.reason else {
        return Ok(None);
    };
    Ok(Some(if done {
        format!("Shopify was asked about this order: {reason}.")
    } else if dead {
        format!("Shopify could not be asked: {reason}. Fetch it again when that is mended.")
    } else {
        format!("Shopify could not be asked yet: {reason}. It is asked again by itself.")
    }))
}

fn part(order: &FulfillmentOrder, places: &Places, lines: &[LineView]) -> PartView {
    let whose = whose(order, places);
    let is_over = !order.is_open();
    let pieces = order.lines.iter().map(|piece| {
        let title = lines
            .iter()
            .find(|line| line.external_id == piece.line)
            .map_or("a line", |line| line.title.as_str());
        let count = if is_over {
            piece.total
        } else {
            piece.remaining
        };
        (count, format!("{count} × {title}"))
    });
    PartView {
        id: order.external_id.clone(),
        place: order.location_name.clone(),
        state: state_badge(order),
        others: match whose {
            Whose::Service => Some("another service ships it"),
            Whose::Unmapped => Some("none of our locations"),
            Whose::Ours(_) | Whose::Somewhere => None,
        },
        is_unmapped: whose == Whose::Unmapped,
        lines: pieces
            .filter(|(count, _words)| *count > 0)
            .map(|(_count, words)| words)
            .collect(),
        opens_at: order
            .fulfil_at
            .filter(|_at| order.status == Status::Scheduled),
        holds: order
            .holds
            .iter()
            .map(|hold| match hold.ours() {
                Some(_) => "held by us".to_owned(),
                None => hold.words(),
            })
            .collect(),
        is_over,
    }
}

fn state_badge(order: &FulfillmentOrder) -> Badge {
    let asked = match order.request_status.as_str() {
        "submitted" => Some(("Requested", "info half")),
        "accepted" => Some(("Accepted", "info half")),
        "rejected" => Some(("Rejected", "warning")),
        "cancellation_requested" => Some(("Asked to cancel", "warning")),
        _ => None,
    };
    let (text, kind) = match order.status {
        Status::OnHold => ("On hold", "neutral open"),
        Status::Scheduled => ("Scheduled", "neutral open"),
        Status::Incomplete => ("Not done", "warning"),
        Status::Closed => ("Closed", "neutral"),
        Status::Cancelled => ("Cancelled", "neutral"),
        Status::Open | Status::InProgress | Status::Unknown => asked.unwrap_or(("Open", "info")),
    };
    words::plain_badge(text, kind)
}

fn handover_words(handover: Handover, method: Option<&str>) -> String {
    let words = match handover {
        Handover::Shipping => "Shipping",
        Handover::Local => "Local delivery",
        Handover::Pickup => "Pickup",
        Handover::PickupPoint => "To a pickup point",
        Handover::Retail => "Handed over in the shop",
        Handover::Nothing => "Nothing to hand over",
        Handover::Mixed => "In several ways",
    };
    match method {
        Some(method) if !method.is_empty() => format!("{words}, {method}"),
        Some(_) | None => words.to_owned(),
    }
}

fn risk_badge(level: RiskLevel) -> Option<Badge> {
    match level {
        RiskLevel::None => None,
        RiskLevel::Pending => Some(words::plain_badge("Being looked at", "neutral plain")),
        RiskLevel::Low => Some(words::plain_badge("Low", "success plain")),
        RiskLevel::Medium => Some(words::plain_badge("Medium", "warning plain")),
        RiskLevel::High => Some(words::plain_badge("High", "critical")),
    }
}
