//! Refunds as a webhook tells them, by themselves and inside their order. Amounts come from the pairs of
//! both currencies: `subtotal` and `total_tax` are binary floats on Shopify's side and are never read.
use super::reader::{LARGEST_QUANTITY, Reader};
use super::{TranslateError, error, read};
use crate::erp::refunds::{
    Both, ChargeKind, IncomingRefund, IncomingRefundCharge, IncomingRefundLine,
    IncomingRefundTransaction, Restock, TransactionState,
};
use crate::shopify::payloads::{self, MoneySet, MoneyValue};
use crate::types::{At, Currency, Money};

/// A refund that came by itself, and its order.
#[derive(Clone, Debug)]
pub struct OfOrder {
    pub order_external_id: String,
    body: payloads::Refund,
}

/// Reads the body of `refunds/create` as far as its order.
///
/// # Errors
///
/// The place in the body and what is wrong there.
pub fn order_of(body: &[u8]) -> Result<OfOrder, TranslateError> {
    let body: payloads::Refund = read(body)?;
    let missing = |key: &str| error(key, "it is missing");
    body.id.as_ref().ok_or_else(|| missing("id"))?;
    let order = body.order_id.clone().ok_or_else(|| missing("order_id"))?;
    if body.refund_line_items.is_none() {
        let what = "it is missing: this is the body of another topic";
        return Err(error("refund_line_items", what));
    }
    Ok(OfOrder {
        order_external_id: order.0,
        body,
    })
}

impl OfOrder {
    /// The refund, in the currencies of its order. `sent_at` stands where it does not say when it was made.
    ///
    /// # Errors
    ///
    /// The place in the body and what is wrong there.
    pub fn translate(
        &self,
        currencies: (Currency, Currency),
        sent_at: At,
    ) -> Result<IncomingRefund, TranslateError> {
        let purse = Purse {
            currency: currencies.0,
            presentment: currencies.1,
        };
        refund(&purse, "", &self.body, sent_at)
    }
}

/// The refunds inside an order; `None` where it does not carry them.
pub(super) fn of_order(
    order: &payloads::Order,
    reader: &Reader,
    sent_at: At,
) -> Result<Option<Vec<IncomingRefund>>, TranslateError> {
    let Some(refunds) = order.refunds.value() else {
        return Ok(None);
    };
    let purse = Purse {
        currency: reader.currency,
        presentment: reader.presentment,
    };
    refunds
        .iter()
        .enumerate()
        .map(|(place, one)| refund(&purse, &format!("refunds[{place}]."), one, sent_at))
        .collect::<Result<_, _>>()
        .map(Some)
}

fn refund(
    purse: &Purse,
    path: &str,
    body: &payloads::Refund,
    sent_at: At,
) -> Result<IncomingRefund, TranslateError> {
    let id = body
        .id
        .clone()
        .ok_or_else(|| error(&format!("{path}id"), "it is missing"))?;
    let made = body.processed_at.or(body.created_at);
    Ok(IncomingRefund {
        external_id: id.0,
        return_external_id: body
            .r#return
            .as_ref()
            .and_then(|one| one.id.clone())
            .map(|id| id.0),
        currency: purse.currency,
        presentment_currency: purse.presentment,
        made_at: made.map_or(sent_at, |moment| moment.0),
        made_by: body.user_id.clone().map(|id| id.0),
        note: body.note.clone().filter(|note| !note.trim().is_empty()),
        lines: lines(purse, path, body)?,
        charges: charges(purse, path, body)?,
        transactions: transactions(purse, path, body)?,
    })
}

fn lines(
    purse: &Purse,
    path: &str,
    body: &payloads::Refund,
) -> Result<Vec<IncomingRefundLine>, TranslateError> {
    let mut read = Vec::new();
    for (place, line) in body.refund_line_items.iter().flatten().enumerate() {
        let path = format!("{path}refund_line_items[{place}]");
        let of_line = line
            .line_item_id
            .clone()
            .ok_or_else(|| error(&format!("{path}.line_item_id"), "it is missing"))?;
        let quantity = line.quantity.unwrap_or(0);
        if !(0..=LARGEST_QUANTITY).contains(&quantity) {
            let what = format!("{quantity} is no number of pieces");
            return Err(error(&format!("{path}.quantity"), &what));
        }
        read.push(IncomingRefundLine {
            external_id: line
                .id
                .clone()
                .map_or_else(|| format!("line-{place}"), |id| id.0),
            line_external_id: of_line.0,
            quantity,
            // A word we have not met moves nothing.
            restock: line
                .restock_type
                .as_deref()
                .and_then(|word| word.parse().ok())
                .unwrap_or(Restock::NoRestock),
            location_external_id: line.location_id.clone().map(|id| id.0),
            subtotal: purse.both(&format!("{path}.subtotal_set"), line.subtotal_set.as_ref())?,
            tax: purse.both(
                &format!("{path}.total_tax_set"),
                line.total_tax_set.as_ref(),
            )?,
        });
    }
    Ok(read)
}

fn charges(
    purse: &Purse,
    path: &str,
    body: &payloads::Refund,
) -> Result<Vec<IncomingRefundCharge>, TranslateError> {
    let mut read = Vec::new();
    let shipping = body.refund_shipping_lines.as_deref().unwrap_or_default();
    for (place, line) in shipping.iter().enumerate() {
        let path = format!("{path}refund_shipping_lines[{place}]");
        read.push(IncomingRefundCharge {
            kind: ChargeKind::Shipping,
            external_id: line
                .id
                .clone()
                .map_or_else(|| format!("shipping-{place}"), |id| id.0),
            title: "Shipping".to_owned(),
            amount: purse.both(
                &format!("{path}.subtotal_amount_set"),
                line.subtotal_amount_set.as_ref(),
            )?,
            tax: purse.both(
                &format!("{path}.tax_amount_set"),
                line.tax_amount_set.as_ref(),
            )?,
        });
    }
    for (place, one) in body.order_adjustments.iter().flatten().enumerate() {
        let kind = one.kind.as_deref().unwrap_or("adjustment");
        // The older way to say what refund_shipping_lines says.
        let is_shipping = kind == "shipping_refund";
        if is_shipping && !shipping.is_empty() {
            continue;
        }
        let path = format!("{path}order_adjustments[{place}]");
        let amount = purse.both(&format!("{path}.amount_set"), one.amount_set.as_ref())?;
        let tax = purse.both(
            &format!("{path}.tax_amount_set"),
            one.tax_amount_set.as_ref(),
        )?;
        read.push(IncomingRefundCharge {
            kind: if is_shipping {
                ChargeKind::Shipping
            } else {
                ChargeKind::Adjustment
            },
            external_id: one
                .id
                .clone()
                .map_or_else(|| format!("adjustment-{place}"), |id| id.0),
            title: title(kind, one.reason.as_deref()),
            // Below zero it gives: Shopify writes what it does to the order's sum.
            amount: negated(amount),
            tax: negated(tax),
        });
    }
    for (kind, title, set) in [
        (ChargeKind::Duty, "Duties", &body.total_duties_set),
        (
            ChargeKind::Fee,
            "Additional fees",
            &body.total_additional_fees_set,
        ),
    ] {
        let amount = purse.both(&format!("{path}{kind}"), set.as_ref())?;
        if amount != Both::default() {
            read.push(IncomingRefundCharge {
                kind,
                external_id: kind.to_string(),
                title: title.to_owned(),
                amount,
                tax: Both::default(),
            });
        }
    }
    Ok(read)
}

fn title(kind: &str, reason: Option<&str>) -> String {
    let kind = match kind {
        "shipping_refund" => "Shipping".to_owned(),
        "refund_discrepancy" => "Difference".to_owned(),
        other => other.replace('_', " "),
    };
    match reason {
        Some(reason) if !reason.trim().is_empty() && kind != "Shipping" => {
            format!("{kind}: {reason}")
        }
        Some(_) | None => kind,
    }
}

fn negated(amount: Both) -> Both {
    Both {
        shop: amount.shop.saturating_neg(),
        presentment: amount.presentment.saturating_neg(),
    }
}

fn transactions(
    purse: &Purse,
    path: &str,
    body: &payloads::Refund,
) -> Result<Vec<IncomingRefundTransaction>, TranslateError> {
    let mut read = Vec::new();
    for (place, one) in body.transactions.iter().flatten().enumerate() {
        let path = format!("{path}transactions[{place}]");
        // A void or a failed try beside it gives no money back.
        if one.kind.as_deref().is_some_and(|kind| kind != "refund") {
            continue;
        }
        let id = one
            .id
            .clone()
            .ok_or_else(|| error(&format!("{path}.id"), "it is missing"))?;
        let currency = match &one.currency {
            Some(code) => code
                .parse::<Currency>()
                .map_err(|wrong| error(&format!("{path}.currency"), &wrong.to_string()))?,
            None => purse.currency,
        };
        let amount = match &one.amount {
            Some(amount) => {
                Money::parse_rounded(&amount.0, currency)
                    .map_err(|wrong| error(&format!("{path}.amount"), &wrong.to_string()))?
                    .0
                    .minor
            }
            None => 0,
        };
        read.push(IncomingRefundTransaction {
            external_id: id.0,
            parent_external_id: one.parent_id.clone().map(|id| id.0),
            gateway: one.gateway.clone().unwrap_or_default(),
            // A word we have not met is not money that arrived.
            state: one
                .status
                .as_deref()
                .and_then(|word| word.parse().ok())
                .unwrap_or(TransactionState::Pending),
            amount,
            currency,
            processed_at: one.processed_at.map(|moment| moment.0),
        });
    }
    Ok(read)
}

/// In minor units. More is a slip of somebody's program.
const LARGEST_AMOUNT: i64 = 10_000_000_000_000_000;

/// The two currencies that an order's refunds are in.
struct Purse {
    currency: Currency,
    presentment: Currency,
}

impl Purse {
    /// One amount in both currencies.
    fn both(&self, path: &str, set: Option<&MoneySet>) -> Result<Both, TranslateError> {
        let side = |name: &str, value: Option<&MoneyValue>, currency: Currency| {
            let Some(amount) = value.and_then(|value| value.amount.as_ref()) else {
                return Ok(None);
            };
            let path = format!("{path}.{name}.amount");
            let (money, _rounded) = Money::parse_rounded(&amount.0, currency)
                .map_err(|wrong| error(&path, &wrong.to_string()))?;
            if money.minor.saturating_abs() > LARGEST_AMOUNT {
                return Err(error(&path, "it is larger than any order"));
            }
            Ok(Some(money.minor))
        };
        let Some(set) = set else {
            return Ok(Both::default());
        };
        let shop = side("shop_money", set.shop_money.as_ref(), self.currency)?;
        let presentment = side(
            "presentment_money",
            set.presentment_money.as_ref(),
            self.presentment,
        )?;
        Ok(Both {
            shop: shop.unwrap_or(0),
            presentment: presentment.or(shop).unwrap_or(0),
        })
    }
}
