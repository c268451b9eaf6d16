//! How amounts are written down: totals in minor units, in both currencies, and beside them what each line and
//! charge is made of, as JSON with exact decimal text. That is read with its line alone, and never summed up in SQL.
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::incoming::{IncomingAllocation, IncomingDuty, IncomingOrder, IncomingTax};
use crate::types::{Currency, Dual, Exact};

/// A tax of a line or a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptTax {
    pub title: String,
    pub rate: String,
    pub amount: String,
    pub presentment: Option<String>,
    #[serde(default)]
    pub channel_liable: bool,
}

/// What a line or a charge has of one of the order's discounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDiscount {
    /// Its place among the order's discounts.
    pub discount: usize,
    pub amount: String,
    pub presentment: Option<String>,
}

/// What a border asks for a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDuty {
    pub external_id: Option<String>,
    pub hs_code: Option<String>,
    pub origin: Option<String>,
    pub amount: String,
    pub presentment: Option<String>,
    #[serde(default)]
    pub taxes: Vec<KeptTax>,
}

/// Writes an order's amounts in its two currencies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen {
    shop: Currency,
    presentment: Currency,
}

impl Pen {
    pub(super) fn of(order: &IncomingOrder) -> Pen {
        Pen {
            shop: order.currency,
            presentment: order.presentment_currency,
        }
    }

    pub(super) fn shop(self, amount: Dual) -> i64 {
        amount.shop.minor(self.shop)
    }

    pub(super) fn presentment(self, amount: Dual) -> Option<i64> {
        amount
            .presentment
            .map(|amount| amount.minor(self.presentment))
    }

    /// `None` where there is nothing to write.
    pub(super) fn discounts(self, parts: &[IncomingAllocation]) -> Option<String> {
        json(parts.iter().map(|part| KeptDiscount {
            discount: part.discount,
            amount: part.amount.shop.decimal(self.shop),
            presentment: self.presentment_text(part.amount),
        }))
    }

    /// `None` where there is nothing to write.
    pub(super) fn taxes(self, taxes: &[IncomingTax]) -> Option<String> {
        json(taxes.iter().map(|tax| self.tax(tax)))
    }

    /// `None` where there is nothing to write.
    pub(super) fn duties(self, duties: &[IncomingDuty]) -> Option<String> {
        json(duties.iter().map(|duty| KeptDuty {
            external_id: duty.external_id.clone(),
            hs_code: duty.hs_code.clone(),
            origin: duty.origin.clone(),
            amount: duty.amount.shop.decimal(self.shop),
            presentment: self.presentment_text(duty.amount),
            taxes: duty.taxes.iter().map(|tax| self.tax(tax)).collect(),
        }))
    }

    fn tax(self, tax: &IncomingTax) -> KeptTax {
        KeptTax {
            title: tax.title.clone(),
            rate: tax.rate.clone(),
            amount: tax.amount.shop.decimal(self.shop),
            presentment: self.presentment_text(tax.amount),
            channel_liable: tax.channel_liable,
        }
    }

    fn presentment_text(self, amount: Dual) -> Option<String> {
        let amount = amount.presentment?;
        Some(amount.decimal(self.presentment))
    }
}

/// Millionths as a column holds them; `None` where they are too many.
pub(super) fn scaled(amount: Exact) -> Option<i64> {
    i64::try_from(amount.millionths()).ok()
}

/// Reads what a [`Pen`] wrote.
#[must_use]
pub fn read<T: DeserializeOwned>(json: Option<&str>) -> Vec<T> {
    json.and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}

fn json<T: Serialize>(parts: impl ExactSizeIterator<Item = T>) -> Option<String> {
    if parts.len() == 0 {
        return None;
    }
    serde_json::to_string(&parts.collect::<Vec<_>>()).ok()
}
