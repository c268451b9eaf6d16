//! GraphQL's refunds, as a webhook would spell them. It names no additional fees: a webhook alone does.
use super::{RefundNode, TranslateError, error, number, read_moment, some};
use crate::shopify::graphql::refund_whole as shape;
use crate::shopify::payloads::{self, Amount, MoneySet, MoneyValue};
use crate::types::Exact;

pub(super) fn of_webhook(refunds: &[RefundNode]) -> Result<Vec<payloads::Refund>, TranslateError> {
    refunds.iter().enumerate().map(refund).collect()
}

fn refund((place, one): (usize, &RefundNode)) -> Result<payloads::Refund, TranslateError> {
    let path = |key: &str| format!("refunds[{place}].{key}");
    let made = one.created_at.as_deref();
    Ok(payloads::Refund {
        id: number(&one.id),
        created_at: made
            .map(|made| read_moment(&path("createdAt"), made))
            .transpose()?,
        processed_at: Some(read_moment(&path("processedAt"), &one.processed_at)?),
        note: some(one.note.as_ref()),
        r#return: one.return_.as_ref().map(|found| payloads::ReturnId {
            id: number(&found.id),
        }),
        total_duties_set: duties(one)?,
        order_adjustments: Some(one.order_adjustments.nodes.iter().map(adjustment).collect()),
        refund_shipping_lines: Some(
            one.refund_shipping_lines
                .nodes
                .iter()
                .map(shipping)
                .collect(),
        ),
        refund_line_items: Some(one.refund_line_items.nodes.iter().map(line).collect()),
        transactions: Some(
            one.transactions
                .nodes
                .iter()
                .map(|paid| transaction(&path("transactions"), paid))
                .collect::<Result<_, _>>()?,
        ),
        ..payloads::Refund::default()
    })
}

fn line(one: &shape::RefundWholeRefundRefundLineItemsNodes) -> payloads::RefundLine {
    payloads::RefundLine {
        id: one.id.as_deref().and_then(number),
        line_item_id: number(&one.line_item.id),
        quantity: Some(one.quantity),
        location_id: one.location.as_ref().and_then(|place| number(&place.id)),
        restock_type: Some(one.restock_type.to_lowercase()),
        subtotal_set: Some(set(&one.subtotal_set)),
        total_tax_set: Some(set(&one.total_tax_set)),
    }
}

fn shipping(
    one: &shape::RefundWholeRefundRefundShippingLinesNodes,
) -> payloads::RefundShippingLine {
    payloads::RefundShippingLine {
        id: number(&one.id),
        subtotal_amount_set: Some(set(&one.subtotal_amount_set)),
        tax_amount_set: Some(set(&one.tax_amount_set)),
    }
}

/// GraphQL gives the reason alone: `REFUND_DISCREPANCY` is a webhook's "Refund discrepancy" of that kind.
fn adjustment(one: &shape::RefundWholeRefundOrderAdjustmentsNodes) -> payloads::OrderAdjustment {
    let word = one.reason.as_ref().map(|reason| reason.to_lowercase());
    payloads::OrderAdjustment {
        id: number(&one.id),
        kind: Some("refund_discrepancy".to_owned()),
        reason: word.map(|word| sentence(&word.replace('_', " "))),
        amount_set: Some(set(&one.amount_set)),
        tax_amount_set: Some(set(&one.tax_amount_set)),
    }
}

fn sentence(words: &str) -> String {
    let mut rest = words.chars();
    rest.next()
        .map(|first| first.to_uppercase().chain(rest).collect())
        .unwrap_or_default()
}

/// Webhooks tell what was paid back in the customer's currency.
fn transaction(
    path: &str,
    one: &shape::RefundWholeRefundTransactionsNodes,
) -> Result<payloads::RefundTransaction, TranslateError> {
    let paid = &one.amount_set.presentment_money;
    let at = one.processed_at.as_deref();
    Ok(payloads::RefundTransaction {
        id: number(&one.id),
        parent_id: one
            .parent_transaction
            .as_ref()
            .and_then(|parent| number(&parent.id)),
        kind: Some(one.kind.to_lowercase()),
        gateway: some(one.gateway.as_ref()),
        status: Some(one.status.to_lowercase()),
        amount: Some(Amount(paid.amount.clone())),
        currency: Some(paid.currency_code.clone()),
        processed_at: at.map(|at| read_moment(path, at)).transpose()?,
    })
}

/// A webhook tells the sum of them.
fn duties(one: &RefundNode) -> Result<Option<MoneySet>, TranslateError> {
    let Some(duties) = one.duties.as_deref() else {
        return Ok(None);
    };
    let (mut shop, mut theirs) = (Exact::ZERO, Exact::ZERO);
    for duty in duties {
        shop = shop + exact(&duty.amount_set.shop_money.amount)?;
        theirs = theirs + exact(&duty.amount_set.presentment_money.amount)?;
    }
    let money = |amount: Exact| {
        Some(MoneyValue {
            amount: Some(Amount(amount.to_string())),
            currency_code: None,
        })
    };
    Ok(Some(MoneySet {
        shop_money: money(shop),
        presentment_money: money(theirs),
    }))
}

fn exact(amount: &str) -> Result<Exact, TranslateError> {
    Exact::parse(amount).map_err(|wrong| error("refunds.duties", &wrong.to_string()))
}

fn set(bag: &shape::Bag) -> MoneySet {
    let money = |amount: &str, currency: &str| MoneyValue {
        amount: Some(Amount(amount.to_owned())),
        currency_code: Some(currency.to_owned()),
    };
    let (shop, theirs) = (&bag.shop_money, &bag.presentment_money);
    MoneySet {
        shop_money: Some(money(&shop.amount, &shop.currency_code)),
        presentment_money: Some(money(&theirs.amount, &theirs.currency_code)),
    }
}
