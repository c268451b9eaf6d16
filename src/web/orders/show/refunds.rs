//! The refunds of an order: money in both currencies, pieces, and what became of them.
use crate::erp::orders::incoming::label;
use crate::erp::refunds::queries::{self, ChargeRow, LineRow, RefundRow, TransactionRow};
use crate::erp::refunds::{Restock, TransactionState};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, Currency, Money, OrderId};

/// One refund.
pub struct RefundView {
    pub at: At,
    pub id: String,
    pub note: Option<String>,
    pub return_id: Option<String>,
    pub rows: Vec<Row>,
    pub payments: Vec<Payment>,
}

/// A line of it, or what was given back beside the lines.
pub struct Row {
    pub what: String,
    /// What became of the pieces.
    pub detail: String,
    pub money: Money,
    /// The same in the customer's currency, where that is another.
    pub presentment: Option<Money>,
}

/// Money on its way back.
pub struct Payment {
    pub money: Money,
    pub gateway: String,
    pub state: &'static str,
    pub tone: &'static str,
}

pub(super) fn load(conn: &mut DbConnection, order: OrderId) -> Result<Vec<RefundView>, DbError> {
    let refunds = queries::list(conn, order)?;
    if refunds.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = refunds.iter().map(|refund| refund.id).collect();
    let lines = queries::list_lines(conn, &ids)?;
    let charges = queries::list_charges(conn, &ids)?;
    let transactions = queries::list_transactions(conn, &ids)?;
    Ok(refunds
        .into_iter()
        .map(|refund| {
            let id = refund.id;
            let of_lines = lines.iter().filter(|row| row.refund_id == id);
            let of_charges = charges.iter().filter(|row| row.refund_id == id);
            let money = Currencies(refund.currency, refund.presentment_currency);
            RefundView {
                rows: of_lines
                    .map(|row| line(&money, row))
                    .chain(of_charges.map(|row| charge(&money, row)))
                    .collect(),
                payments: transactions
                    .iter()
                    .filter(|row| row.refund_id == id)
                    .map(payment)
                    .collect(),
                ..head(refund)
            }
        })
        .collect())
}

fn head(refund: RefundRow) -> RefundView {
    RefundView {
        at: refund.made_at,
        id: refund.external_id,
        note: refund.note,
        return_id: refund.return_external_id,
        rows: Vec::new(),
        payments: Vec::new(),
    }
}

struct Currencies(Currency, Currency);

impl Currencies {
    fn of(&self, shop: i64, presentment: i64) -> (Money, Option<Money>) {
        let other = (self.0 != self.1).then(|| Money::new(presentment, self.1));
        (Money::new(shop, self.0), other)
    }
}

fn line(money: &Currencies, row: &LineRow) -> Row {
    let name = row.title.as_deref().map_or_else(
        || format!("Line {}", row.line_external_id),
        |title| label(title, row.variant_title.as_deref()),
    );
    let (money, presentment) = money.of(row.subtotal_minor, row.presentment_subtotal_minor);
    Row {
        what: format!("{} × {name}", row.quantity),
        detail: restock(row),
        money,
        presentment,
    }
}

fn restock(row: &LineRow) -> String {
    let place = row.location.as_deref().unwrap_or("a place of ours");
    match row.restock {
        Restock::NoRestock => "not put back in stock".to_owned(),
        Restock::Cancel => "not sent any more".to_owned(),
        Restock::Return | Restock::LegacyRestock if row.restocked_quantity > 0 => {
            format!("{} back on hand at {place}", row.restocked_quantity)
        }
        Restock::Return | Restock::LegacyRestock => {
            "put back in the store; our stock was left alone".to_owned()
        }
    }
}

fn charge(money: &Currencies, row: &ChargeRow) -> Row {
    let (money, presentment) = money.of(row.amount_minor, row.presentment_amount_minor);
    Row {
        what: row.title.clone(),
        detail: String::new(),
        money,
        presentment,
    }
}

fn payment(row: &TransactionRow) -> Payment {
    let (state, tone) = match row.state {
        TransactionState::Success => ("Paid back", "success"),
        TransactionState::Pending => ("On its way", "info half"),
        TransactionState::Failure | TransactionState::Error => ("Failed", "critical"),
    };
    Payment {
        money: Money::new(row.amount_minor, row.currency),
        gateway: row.gateway.replace('_', " "),
        state,
        tone,
    }
}
