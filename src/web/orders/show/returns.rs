//! The returns of an order: what comes back and why, what became of it, and what is sent in its place.
use crate::erp::orders::incoming::label;
use crate::erp::returns::queries::{self, DispositionRow, LineRow, ReturnRow};
use crate::erp::returns::{DispositionKind, LineKind, ReturnStatus};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, OrderId};

/// One return.
pub struct ReturnView {
    pub at: At,
    pub closed_at: Option<At>,
    pub name: String,
    pub status: &'static str,
    pub tone: &'static str,
    /// Why it was declined.
    pub declined: Option<String>,
    pub rows: Vec<Row>,
}

/// A line of it, or what was done with its goods.
pub struct Row {
    pub what: String,
    pub detail: String,
}

pub(super) fn load(conn: &mut DbConnection, order: OrderId) -> Result<Vec<ReturnView>, DbError> {
    let returns = queries::list(conn, order)?;
    if returns.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = returns.iter().map(|one| one.id).collect();
    let lines = queries::list_lines(conn, &ids)?;
    let dispositions = queries::list_dispositions(conn, &ids)?;
    Ok(returns
        .iter()
        .map(|one| {
            let of_lines = lines.iter().filter(|row| row.return_id == one.id);
            let done = dispositions.iter().filter(|row| row.return_id == one.id);
            let rows = of_lines.map(line).chain(done.map(disposition)).collect();
            view(one, rows)
        })
        .collect())
}

fn view(one: &ReturnRow, rows: Vec<Row>) -> ReturnView {
    let (status, tone) = match one.status {
        ReturnStatus::Requested => ("Requested", "warning"),
        ReturnStatus::Open => ("Open", "info half"),
        ReturnStatus::Closed => ("Closed", "success"),
        ReturnStatus::Declined => ("Declined", "neutral"),
        ReturnStatus::Cancelled => ("Cancelled", "neutral"),
    };
    let declined: Vec<String> = [
        one.decline_reason
            .as_ref()
            .map(|reason| reason.replace('_', " ")),
        one.decline_note.clone(),
    ]
    .into_iter()
    .flatten()
    .collect();
    ReturnView {
        at: one.made_at,
        closed_at: one.closed_at,
        name: one.name.clone(),
        status,
        tone,
        declined: (!declined.is_empty()).then(|| declined.join(": ")),
        rows,
    }
}

fn line(row: &LineRow) -> Row {
    let name = row.title.as_deref().map_or_else(
        || "A line that is not known here".to_owned(),
        |title| label(title, row.variant_title.as_deref()),
    );
    let what = match row.kind {
        LineKind::Return => format!("{} × {name}", row.quantity),
        LineKind::Exchange => format!("In its place: {} × {name}", row.quantity),
    };
    let came = (row.kind == LineKind::Return)
        .then(|| format!("{} of {} came back", row.processed_quantity, row.quantity));
    let words: Vec<String> = [row.reason.clone(), row.note.clone(), came]
        .into_iter()
        .flatten()
        .collect();
    Row {
        what,
        detail: words.join(" · "),
    }
}

fn disposition(row: &DispositionRow) -> Row {
    let pieces = match row.quantity {
        1 => "1 piece".to_owned(),
        pieces => format!("{pieces} pieces"),
    };
    let detail = match row.kind {
        DispositionKind::Restocked if row.restocked_quantity > 0 => format!(
            "{} back on hand at {}",
            row.restocked_quantity,
            row.location.as_deref().unwrap_or("a place of ours")
        ),
        DispositionKind::Restocked => "put back in the store; our stock was left alone".to_owned(),
        DispositionKind::NotRestocked => "not put back in stock".to_owned(),
        DispositionKind::ProcessingRequired => "still to be looked at".to_owned(),
        DispositionKind::Missing => "missing".to_owned(),
    };
    Row {
        what: format!("{pieces} received"),
        detail,
    }
}
