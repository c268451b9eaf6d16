//! The returns of an order for programs.
use serde::Serialize;
use utoipa::ToSchema;

use super::moment;
use crate::erp::returns::queries;
use crate::platform::db::{DbConnection, DbError};
use crate::types::OrderId;

/// Goods that are to come back, or came, and what is sent in their place.
#[derive(Debug, Serialize, ToSchema)]
pub struct Return {
    pub id: String,
    pub shopify_return_id: String,
    #[schema(example = "#1001-R1")]
    pub name: String,
    /// `requested`, `open`, `closed`, `declined` or `cancelled`.
    pub status: String,
    pub created_at: String,
    pub closed_at: Option<String>,
    pub decline_reason: Option<String>,
    pub lines: Vec<ReturnLine>,
    pub dispositions: Vec<Disposition>,
}

/// Pieces of one line.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReturnLine {
    /// `return` or `exchange`: what is sent in place of what comes back.
    pub kind: String,
    /// The order's line; null for one that we do not know.
    pub line_id: Option<i64>,
    pub quantity: i64,
    /// Pieces that came back.
    pub processed_quantity: i64,
    pub refunded_quantity: i64,
    pub reason: Option<String>,
    pub note: Option<String>,
}

/// What was done with pieces that came back.
#[derive(Debug, Serialize, ToSchema)]
pub struct Disposition {
    pub line_id: Option<i64>,
    /// `restocked`, `not_restocked`, `processing_required` or `missing`.
    pub kind: String,
    pub quantity: i64,
    pub location: Option<String>,
    /// Pieces that lie on our shelves again.
    pub restocked_quantity: i64,
}

/// The returns of an order, oldest first.
pub(super) fn of_order(conn: &mut DbConnection, order: OrderId) -> Result<Vec<Return>, DbError> {
    let returns = queries::list(conn, order)?;
    if returns.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = returns.iter().map(|one| one.id).collect();
    let lines = queries::list_lines(conn, &ids)?;
    let dispositions = queries::list_dispositions(conn, &ids)?;
    Ok(returns
        .into_iter()
        .map(|one| Return {
            lines: lines
                .iter()
                .filter(|row| row.return_id == one.id)
                .map(|row| ReturnLine {
                    kind: row.kind.to_string(),
                    line_id: row.order_line_id.map(|id| id.0),
                    quantity: row.quantity,
                    processed_quantity: row.processed_quantity,
                    refunded_quantity: row.refunded_quantity,
                    reason: row.reason.clone(),
                    note: row.note.clone(),
                })
                .collect(),
            dispositions: dispositions
                .iter()
                .filter(|row| row.return_id == one.id)
                .map(|row| Disposition {
                    line_id: row.order_line_id.map(|id| id.0),
                    kind: row.kind.to_string(),
                    quantity: row.quantity,
                    location: row.location.clone(),
                    restocked_quantity: row.restocked_quantity,
                })
                .collect(),
            id: one.public_id,
            shopify_return_id: one.external_id,
            name: one.name,
            status: one.status.to_string(),
            created_at: moment(one.made_at),
            closed_at: one.closed_at.map(moment),
            decline_reason: one.decline_reason,
        })
        .collect())
}
