//! The refunds of an order for programs: every fact that a credit note needs.
use serde::Serialize;
use utoipa::ToSchema;

use super::{Amount, moment};
use crate::erp::refunds::queries::{self, ChargeRow, LineRow, TransactionRow};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{Currency, Money, OrderId};

/// Money or goods that were given back; a refund is never changed, its payments may still come through.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refund {
    pub id: String,
    pub shopify_refund_id: String,
    /// The return that it settles.
    pub shopify_return_id: Option<String>,
    pub created_at: String,
    /// Shopify's number of the person who made it.
    pub shopify_user_id: Option<String>,
    pub note: Option<String>,
    pub lines: Vec<RefundLine>,
    pub charges: Vec<RefundCharge>,
    pub transactions: Vec<RefundTransaction>,
}

/// Pieces of one line.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundLine {
    /// The order's line; null for one that we do not know.
    pub line_id: Option<i64>,
    pub shopify_line_item_id: String,
    pub quantity: i64,
    /// `no_restock`, `cancel`, `return` or `legacy_restock`.
    pub restock: String,
    /// Pieces that lie on our shelves again.
    pub restocked_quantity: i64,
    pub location: Option<String>,
    pub subtotal: Amount,
    pub tax: Amount,
    pub presentment_subtotal: Amount,
    pub presentment_tax: Amount,
}

/// What was given back beside the lines.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundCharge {
    /// `shipping`, `adjustment`, `duty` or `fee`.
    pub kind: String,
    pub title: String,
    pub amount: Amount,
    pub tax: Amount,
    pub presentment_amount: Amount,
    pub presentment_tax: Amount,
}

/// A payment back to the customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundTransaction {
    pub shopify_transaction_id: String,
    pub gateway: String,
    /// `pending`, `success`, `failure` or `error`.
    pub state: String,
    pub amount: Amount,
    pub processed_at: Option<String>,
}

/// The refunds of an order, oldest first.
pub(super) fn of_order(conn: &mut DbConnection, order: OrderId) -> Result<Vec<Refund>, DbError> {
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
            let (id, shop, theirs) = (refund.id, refund.currency, refund.presentment_currency);
            Refund {
                id: refund.public_id,
                shopify_refund_id: refund.external_id,
                shopify_return_id: refund.return_external_id,
                created_at: moment(refund.made_at),
                shopify_user_id: refund.made_by,
                note: refund.note,
                lines: lines
                    .iter()
                    .filter(|row| row.refund_id == id)
                    .map(|row| line(row, shop, theirs))
                    .collect(),
                charges: charges
                    .iter()
                    .filter(|row| row.refund_id == id)
                    .map(|row| charge(row, shop, theirs))
                    .collect(),
                transactions: transactions
                    .iter()
                    .filter(|row| row.refund_id == id)
                    .map(transaction)
                    .collect(),
            }
        })
        .collect())
}

fn money(minor: i64, currency: Currency) -> Amount {
    Money::new(minor, currency).into()
}

fn line(row: &LineRow, shop: Currency, theirs: Currency) -> RefundLine {
    RefundLine {
        line_id: row.order_line_id.map(|id| id.0),
        shopify_line_item_id: row.line_external_id.clone(),
        quantity: row.quantity,
        restock: row.restock.to_string(),
        restocked_quantity: row.restocked_quantity,
        location: row.location.clone(),
        subtotal: money(row.subtotal_minor, shop),
        tax: money(row.tax_minor, shop),
        presentment_subtotal: money(row.presentment_subtotal_minor, theirs),
        presentment_tax: money(row.presentment_tax_minor, theirs),
    }
}

fn charge(row: &ChargeRow, shop: Currency, theirs: Currency) -> RefundCharge {
    RefundCharge {
        kind: row.kind.to_string(),
        title: row.title.clone(),
        amount: money(row.amount_minor, shop),
        tax: money(row.tax_minor, shop),
        presentment_amount: money(row.presentment_amount_minor, theirs),
        presentment_tax: money(row.presentment_tax_minor, theirs),
    }
}

fn transaction(row: &TransactionRow) -> RefundTransaction {
    RefundTransaction {
        shopify_transaction_id: row.external_id.clone(),
        gateway: row.gateway.clone(),
        state: row.state.to_string(),
        amount: money(row.amount_minor, row.currency),
        processed_at: row.processed_at.map(moment),
    }
}
