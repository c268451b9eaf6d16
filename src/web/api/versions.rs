//! What edits changed of an order, for programs: readable for ever, with what was decided.
use serde::Serialize;
use utoipa::ToSchema;

use super::moment;
use crate::erp::orders::difference::Change;
use crate::erp::orders::queries::{edits, show};
use crate::platform::db::{DbConnection, DbError};
use crate::types::OrderId;

/// One edit: the order before it, and what it changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    /// The version that it changed; the order's own is higher.
    pub version: i64,
    pub at: String,
    pub changes: Vec<VersionChange>,
    /// What a person was asked, because something had left already.
    pub reviews: Vec<Review>,
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionChange {
    /// `quantity`, `price`, `added`, `total`, `shipping address` ...
    pub what: String,
    /// The line that it concerns.
    pub line: Option<String>,
    pub old: String,
    pub new: String,
    /// What it means here.
    pub means: Vec<Means>,
}

/// What a change means for stock, shipment and money.
#[derive(Debug, Serialize, ToSchema)]
pub struct Means {
    /// `stock_freed`, `to_ship`, `over_shipped`, `pays_more`, `pays_less`, `asked`.
    pub kind: String,
    /// 0 where it is not about pieces.
    pub pieces: i64,
}

/// A part of an edit that a person accepts or rejects.
#[derive(Debug, Serialize, ToSchema)]
pub struct Review {
    /// The order's line; null for the address and the shipping method.
    pub line_id: Option<i64>,
    /// `pending`, `accepted`, `rejected` or `withdrawn`.
    pub state: String,
    pub decided_at: Option<String>,
    pub decided_by: Option<String>,
}

/// The edits of an order, newest first.
pub(super) fn of_order(conn: &mut DbConnection, order: OrderId) -> Result<Vec<Version>, DbError> {
    let versions = show::list_versions(conn, order)?;
    if versions.is_empty() {
        return Ok(Vec::new());
    }
    let reviews = edits::list_with_people(conn, order)?;
    Ok(versions
        .into_iter()
        .map(|row| {
            let changes: Vec<Change> = serde_json::from_str(&row.difference).unwrap_or_default();
            Version {
                version: row.version,
                at: moment(row.at),
                changes: changes.into_iter().map(change).collect(),
                reviews: reviews
                    .iter()
                    .filter(|(edit, _by)| edit.version == row.version)
                    .map(|(edit, by)| Review {
                        line_id: edit.order_line_id.map(|id| id.0),
                        state: edit.state.to_string(),
                        decided_at: edit.decided_at.map(moment),
                        decided_by: by.clone(),
                    })
                    .collect(),
            }
        })
        .collect())
}

fn change(change: Change) -> VersionChange {
    VersionChange {
        what: change.what,
        line: change.line,
        old: change.old,
        new: change.new,
        means: change
            .means
            .into_iter()
            .map(|(kind, pieces)| Means {
                kind: kind.to_string(),
                pieces,
            })
            .collect(),
    }
}
