//! The payments of an order that was asked for whole.
use crate::erp::payments::{IncomingPayment, PaidAmount};
use crate::shopify::gid::{Gid, OrderTransaction};
use crate::shopify::graphql::order as shape;
use crate::shopify::orders::graphql::Node;
use crate::shopify::transactions::{payment_kind, payment_status};
use crate::types::{At, Dual, Exact};

/// All of them; one that cannot be read is left to its own webhook.
pub(super) fn translate(node: &Node) -> Vec<IncomingPayment> {
    node.transactions.iter().filter_map(payment).collect()
}

fn payment(told: &shape::Payment) -> Option<IncomingPayment> {
    let id = |gid: &str| Gid::<OrderTransaction>::parse(gid).map(Gid::digits);
    let bag = &told.amount_set;
    let moment = told.processed_at.as_deref().unwrap_or(&told.created_at);
    Some(IncomingPayment {
        external_id: id(&told.id)?,
        parent_external_id: told.parent_transaction.as_ref().and_then(|one| id(&one.id)),
        gateway: told.gateway.clone().unwrap_or_default(),
        kind: payment_kind(&told.kind),
        status: payment_status(&told.status),
        amount: PaidAmount::Both(Dual {
            shop: Exact::parse(&bag.shop_money.amount).ok()?,
            presentment: Exact::parse(&bag.presentment_money.amount).ok(),
        }),
        error_code: told.error_code.clone(),
        manual: told.manual_payment_gateway,
        test: told.test,
        processed_at: At::parse(moment).ok(),
    })
}
