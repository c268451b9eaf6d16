//! Payments: what was taken for an order, by whom and how that ended. A channel hands them in through [`receive`],
//! as often as it likes: each is known by the channel's own id.
use serde::Serialize;
use serde_json::json;

use crate::erp::changes;
use crate::erp::orders;
use crate::erp::timeline::{self, Actor, Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, Currency, Dual, Exact, Money, OrderId};

pub mod queries;

use queries::{PaymentFacts, PaymentRow};

crate::text_enum! {
    /// What was done with the money.
    PaymentKind {
        Authorization = "authorization",
        Capture = "capture",
        Sale = "sale",
        Refund = "refund",
        Void = "void",
        /// Cash that was given back.
        Change = "change",
        /// Not done: what the channel proposes to give back.
        SuggestedRefund = "suggested_refund",
        /// A word we have not met.
        Unknown = "unknown",
    }
}

crate::text_enum! {
    /// How it ended. What has ended does not begin again.
    PaymentStatus {
        Pending = "pending",
        Success = "success",
        Failure = "failure",
        Error = "error",
        /// A word we have not met.
        Unknown = "unknown",
    }
}

impl PaymentStatus {
    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            PaymentStatus::Success | PaymentStatus::Failure | PaymentStatus::Error => true,
            PaymentStatus::Pending | PaymentStatus::Unknown => false,
        }
    }
}

/// A payment as a channel tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncomingPayment {
    pub external_id: String,
    /// The payment it captures, voids or gives back.
    pub parent_external_id: Option<String>,
    /// `shopify_payments`, `gift_card`, `cash` ...
    pub gateway: String,
    pub kind: PaymentKind,
    pub status: PaymentStatus,
    /// What was told of the amount, in the order's currencies.
    pub amount: PaidAmount,
    pub error_code: Option<String>,
    /// Taken by hand: cash on delivery, a bank transfer.
    pub manual: bool,
    pub test: bool,
    pub processed_at: Option<At>,
}

/// An amount, in one of the order's currencies or in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum PaidAmount {
    Both(Dual),
    /// In one currency; the shop's where none is named.
    In(Option<Currency>, Exact),
}

/// Writes what is new about an order's payments; returns how many were. To be called within a transaction.
///
/// # Errors
///
/// The database's.
pub fn receive(
    conn: &mut DbConnection,
    order: OrderId,
    payments: &[IncomingPayment],
    actor: &Actor,
    now: At,
) -> Result<usize, DbError> {
    let Some(row) = orders::queries::lock(conn, order)? else {
        return Ok(0);
    };
    let currencies = (row.facts.currency, row.facts.presentment_currency);
    let stored = queries::list(conn, order)?;
    let mut entries = Vec::new();
    let mut news = 0;
    for payment in payments {
        let known = stored
            .iter()
            .find(|one| one.facts.external_id == payment.external_id);
        let facts = merged(known.map(|row| &row.facts), payment, currencies);
        match known {
            Some(PaymentRow { facts: old, .. }) if *old == facts => continue,
            Some(PaymentRow { id, .. }) => queries::update(conn, *id, &facts)?,
            None => queries::insert(conn, order, &facts, now)?,
        }
        news += 1;
        if known.is_none_or(|row| row.facts.status != facts.status) {
            entries.extend(entry(&facts));
        }
    }
    if news > 0 {
        timeline::record_all(conn, order, entries, actor, now)?;
        orders::queries::touch(conn, order, now)?;
        changes::record(conn, "order", &row.public_id, now)?;
    }
    Ok(news)
}

/// What is known of a payment after it was told of again: what has ended does not begin again, and an amount that
/// was told in one currency is completed by one that is told in the other.
fn merged(
    known: Option<&PaymentFacts>,
    payment: &IncomingPayment,
    (shop, presentment): (Currency, Currency),
) -> PaymentFacts {
    let in_shop = |amount: Exact| Some(amount.minor(shop));
    let in_presentment = |amount: Exact| Some(amount.minor(presentment));
    let (amount, presented) = match payment.amount {
        PaidAmount::Both(both) => (
            in_shop(both.shop),
            both.presentment.and_then(in_presentment),
        ),
        PaidAmount::In(named, amount) => {
            let currency = named.unwrap_or(shop);
            let is_in = |other| (currency == other).then_some(amount);
            (
                is_in(shop).and_then(in_shop),
                is_in(presentment).and_then(in_presentment),
            )
        }
    };
    let ended = known.filter(|known| known.status.is_final() && !payment.status.is_final());
    let known_amount = known.and_then(|known| known.amount_minor);
    let known_presented = known.and_then(|known| known.presentment_minor);
    PaymentFacts {
        external_id: payment.external_id.clone(),
        parent_external_id: payment.parent_external_id.clone(),
        gateway: payment.gateway.clone(),
        kind: payment.kind,
        status: ended.map_or(payment.status, |known| known.status),
        currency: shop,
        amount_minor: amount.or(known_amount),
        presentment_currency: presentment,
        presentment_minor: presented.or(known_presented),
        error_code: payment.error_code.clone(),
        manual: payment.manual,
        test: payment.test,
        processed_at: payment.processed_at,
    }
}

/// What a person would want to read about it; nothing of what is only planned.
fn entry(facts: &PaymentFacts) -> Option<Entry> {
    if facts.kind == PaymentKind::SuggestedRefund || !facts.status.is_final() {
        return None;
    }
    let money = facts.money().map(|money| money.to_string());
    Some(Entry::new(
        Kind::Paid,
        json!({
            "kind": facts.kind,
            "status": facts.status,
            "gateway": facts.gateway,
            "amount": money,
            "text": facts.error_code,
        }),
    ))
}

impl PaymentFacts {
    /// In the shop's currency where that was told, else in the customer's.
    #[must_use]
    pub fn money(&self) -> Option<Money> {
        let shop = self
            .amount_minor
            .map(|minor| Money::new(minor, self.currency));
        let presented = self.presentment_minor;
        shop.or(presented.map(|minor| Money::new(minor, self.presentment_currency)))
    }
}
