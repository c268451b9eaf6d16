//! Body of `order_transactions/create`, and the API's transactions -> `IncomingPayment`. Receipts are left where
//! they are.
use crate::erp::payments::{IncomingPayment, PaidAmount, PaymentKind, PaymentStatus};
use crate::shopify::orders::graphql::Node;
use crate::shopify::orders::{TranslateError, read};
use crate::shopify::payloads;
use crate::types::{At, Currency, Dual, Exact};

/// Translates a transaction; returns the id of its order as well.
///
/// # Errors
///
/// The place in the body and what is wrong there.
pub fn translate(body: &[u8]) -> Result<(String, IncomingPayment), TranslateError> {
    let told: payloads::Transaction = read(body)?;
    let missing = |path: &str| error(path, "it is missing");
    let order = told.order_id.ok_or_else(|| missing("order_id"))?;
    let kind = told.kind.ok_or_else(|| missing("kind"))?;
    let amount = told.amount.ok_or_else(|| missing("amount"))?;
    let currency = match told.currency.as_deref() {
        Some(code) => Some(
            code.parse::<Currency>()
                .map_err(|wrong| error("currency", &wrong.to_string()))?,
        ),
        None => None,
    };
    let exact = Exact::parse(&amount.0).map_err(|wrong| error("amount", &wrong.to_string()))?;
    let payment = IncomingPayment {
        external_id: told.id.ok_or_else(|| missing("id"))?.0,
        parent_external_id: told.parent_id.map(|id| id.0),
        gateway: told.gateway.unwrap_or_default(),
        kind: payment_kind(&kind),
        status: payment_status(told.status.as_deref().unwrap_or_default()),
        amount: PaidAmount::In(currency, exact),
        error_code: told.error_code.filter(|code| !code.is_empty()),
        manual: told.manual_payment_gateway.unwrap_or(false),
        test: told.test.unwrap_or(false),
        processed_at: told.processed_at.or(told.created_at).map(|moment| moment.0),
    };
    Ok((order.0, payment))
}

/// All payments of an order that was asked for, each in both of its currencies.
///
/// # Errors
///
/// The place, counted among the payments, and what is wrong there.
pub fn of_node(node: &Node) -> Result<Vec<IncomingPayment>, TranslateError> {
    let number = |gid: &str| gid.rsplit('/').next().unwrap_or_default().to_owned();
    let payments = node.transactions.iter().enumerate();
    payments
        .map(|(place, told)| {
            let exact = |side: &str, text: &str| {
                let path = format!("transactions[{place}].amountSet.{side}.amount");
                Exact::parse(text).map_err(|wrong| error(&path, &wrong.to_string()))
            };
            let bag = &told.amount_set;
            let at = told.processed_at.as_ref().unwrap_or(&told.created_at);
            Ok(IncomingPayment {
                external_id: number(&told.id),
                parent_external_id: told.parent_transaction.as_ref().map(|one| number(&one.id)),
                gateway: told.gateway.clone().unwrap_or_default(),
                kind: payment_kind(&told.kind),
                status: payment_status(&told.status),
                amount: PaidAmount::Both(Dual {
                    shop: exact("shopMoney", &bag.shop_money.amount)?,
                    presentment: Some(exact("presentmentMoney", &bag.presentment_money.amount)?),
                }),
                error_code: told.error_code.as_ref().map(|code| code.to_lowercase()),
                manual: told.manual_payment_gateway,
                test: told.test,
                processed_at: At::parse(at).ok(),
            })
        })
        .collect()
}

/// Shopify's word, of a webhook or of the API. A card read at a terminal is an authorisation like any other.
#[must_use]
pub fn payment_kind(word: &str) -> PaymentKind {
    match word.to_lowercase().as_str() {
        "emv_authorization" => PaymentKind::Authorization,
        word => word.parse().unwrap_or(PaymentKind::Unknown),
    }
}

/// Shopify's word, of a webhook or of the API.
#[must_use]
pub fn payment_status(word: &str) -> PaymentStatus {
    match word.to_lowercase().as_str() {
        "awaiting_response" => PaymentStatus::Pending,
        word => word.parse().unwrap_or(PaymentStatus::Unknown),
    }
}

fn error(path: &str, reason: &str) -> TranslateError {
    TranslateError {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_transaction_is_read_with_its_parent_and_its_time() {
        let body = json!({
            "id": 9_007_199_254_740_995_u64, "order_id": 7, "parent_id": 6, "kind": "capture",
            "gateway": "shopify_payments", "status": "success", "amount": "48.34", "currency": "CHF",
            "receipt": { "name": "Ada" }, "test": false, "processed_at": "2026-11-20T10:00:00+01:00",
        });
        let (order, payment) = translate(body.to_string().as_bytes()).expect("a payment");
        assert_eq!(order, "7");
        assert_eq!(payment.external_id, "9007199254740995");
        assert_eq!(payment.parent_external_id.as_deref(), Some("6"));
        assert_eq!(payment.kind, PaymentKind::Capture);
        assert_eq!(payment.status, PaymentStatus::Success);
        let chf = "CHF".parse().expect("a code");
        let amount = Exact::of_minor(4834, chf);
        assert_eq!(payment.amount, PaidAmount::In(Some(chf), amount));
    }

    #[test]
    fn words_that_we_have_not_met_are_unknown_and_no_error() {
        assert_eq!(
            payment_kind("EMV_AUTHORIZATION"),
            PaymentKind::Authorization
        );
        assert_eq!(payment_kind("barter"), PaymentKind::Unknown);
        assert_eq!(payment_status("AWAITING_RESPONSE"), PaymentStatus::Pending);
        assert_eq!(payment_status("SUCCESS"), PaymentStatus::Success);
        assert_eq!(payment_status(""), PaymentStatus::Unknown);
    }

    #[test]
    fn the_body_of_another_topic_is_refused() {
        for (body, place) in [
            (
                json!({ "id": 1, "kind": "sale", "amount": "1.00" }),
                "order_id",
            ),
            (
                json!({ "id": 1, "order_id": 7, "transactions": [] }),
                "kind",
            ),
            (
                json!({ "order_id": 7, "kind": "sale", "amount": "1.00" }),
                "id",
            ),
            (json!({ "id": 1, "order_id": 7, "kind": "sale" }), "amount"),
        ] {
            let wrong = translate(body.to_string().as_bytes()).expect_err("no payment");
            assert_eq!(wrong.path, place);
        }
    }
}
