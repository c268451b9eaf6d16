//! What has left of an order, on its page: our shipments, and those of others, with which nothing can be done here.
use crate::erp::shipping::outside::{OutsideState, queries as outside};
use crate::erp::shipping::queries::{self, ShipmentRow};
use crate::erp::shipping::{ShipmentState, Tracking};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::fulfillments::queries as pushes;
use crate::types::{At, OrderId, ShipmentId};

/// A shipment as the panel shows it.
pub struct ShipmentCard {
    pub id: ShipmentId,
    pub at: At,
    pub location: String,
    pub by: Option<String>,
    pub tracking: Tracking,
    pub pieces: i64,
    pub is_undone: bool,
    /// What the store knows of it.
    pub told: &'static str,
    pub told_tone: &'static str,
}

/// A shipment of others as the panel shows it.
pub struct OutsideCard {
    pub id: i64,
    pub at: At,
    pub pieces: i64,
    pub tracking: Tracking,
    pub state: &'static str,
    pub tone: &'static str,
    /// What it did to our stock.
    pub stock: String,
}

pub(super) fn ours(conn: &mut DbConnection, order: OrderId) -> Result<Vec<ShipmentCard>, DbError> {
    queries::list_of_order(conn, order)?
        .into_iter()
        .map(|(row, location, by)| {
            let lines = queries::list_lines(conn, row.id)?;
            let told = pushes::list_of_shipment(conn, row.id)?;
            let (told, told_tone) = told_in_words(&row, &told);
            Ok(ShipmentCard {
                id: row.id,
                at: row.shipped_at,
                location,
                by,
                tracking: row.tracking(),
                pieces: lines.iter().map(|line| line.quantity).sum(),
                is_undone: row.state == ShipmentState::Undone,
                told,
                told_tone,
            })
        })
        .collect()
}

fn told_in_words(
    shipment: &ShipmentRow,
    pushes: &[pushes::PushRow],
) -> (&'static str, &'static str) {
    let all = |state: pushes::PushState| {
        !pushes.is_empty() && pushes.iter().all(|push| push.state == state)
    };
    match shipment.state {
        ShipmentState::Undone if pushes.is_empty() || all(pushes::PushState::Cancelled) => {
            ("Undone", "open")
        }
        ShipmentState::Undone => ("Undone here, telling Shopify", "half"),
        ShipmentState::Shipped if all(pushes::PushState::Done) => ("In Shopify", "success"),
        ShipmentState::Shipped
            if pushes
                .iter()
                .any(|push| push.state == pushes::PushState::Refused) =>
        {
            ("Shopify refused it", "critical")
        }
        ShipmentState::Shipped => ("Telling Shopify", "half"),
    }
}

pub(super) fn of_others(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Vec<OutsideCard>, DbError> {
    let rows = outside::list(conn, order)?;
    Ok(rows.into_iter().map(outside_card).collect())
}

fn outside_card(row: outside::Row) -> OutsideCard {
    let (state, tone) = match row.state {
        OutsideState::Shipped => ("Shipped", "success"),
        OutsideState::Delivered => ("Arrived", "success"),
        OutsideState::Cancelled => ("Cancelled", "open"),
    };
    let is_back = row.state == OutsideState::Cancelled;
    OutsideCard {
        id: row.id,
        at: row.shipped_at,
        pieces: row.pieces(),
        state,
        tone,
        stock: match &row.stock_from {
            Some(place) if is_back => format!("Its stock is back at {place}."),
            Some(place) => format!("It left from {place}: the stock there is lower by it."),
            None => "It left from none of our locations: no stock of ours moved.".to_owned(),
        },
        tracking: row.tracking,
    }
}
