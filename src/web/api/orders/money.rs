//! An order's money for programs: charges, discounts, taxes, payments and totals in both of its currencies.
use serde::Serialize;
use utoipa::ToSchema;

use crate::erp::orders::kept::{self, KeptDiscount, KeptDuty, KeptTax};
use crate::erp::orders::queries::amounts::{ChargeRow, DiscountRow, TaxRow};
use crate::erp::orders::queries::sums::TotalsRow;
use crate::erp::orders::queries::{LineFacts, OrderFacts, OrderRow};
use crate::erp::orders::totals::Side;
use crate::erp::orders::verdicts;
use crate::erp::payments::queries::PaymentRow;
use crate::types::{Currency, Money};
use crate::web::api::{Amount, moment};

/// Shipping, a tip, a duty, a fee, rounding.
#[derive(Debug, Serialize, ToSchema)]
pub struct Charge {
    /// `shipping`, `tip`, `duty`, `fee`, `rounding`; `cash_rounding` stands beside the total.
    pub kind: String,
    pub title: String,
    /// The store's code of a way of shipping.
    pub code: Option<String>,
    pub amount: Amount,
    pub presentment_amount: Option<Amount>,
    pub discount: Amount,
    pub presentment_discount: Option<Amount>,
    pub discounts: Vec<Allocation>,
    pub taxes: Vec<Tax>,
    /// An edit took it out again.
    pub removed: bool,
}

/// A discount by code or title, with all that was allocated.
#[derive(Debug, Serialize, ToSchema)]
pub struct Discount {
    /// `discount_code`, `automatic`, `manual`, `script`
    pub kind: String,
    pub title: String,
    /// `line_item` or `shipping_line`
    pub target: Option<String>,
    /// `10` of `percentage`, or an amount.
    pub value: Option<String>,
    /// `percentage` or `fixed_amount`
    pub value_kind: Option<String>,
    pub amount: Amount,
    pub presentment_amount: Option<Amount>,
}

/// What a line or a charge has of a discount.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DiscountAllocation)]
pub struct Allocation {
    /// Its place in the order's `discounts`, from 0.
    pub discount: usize,
    pub amount: Amount,
    pub presentment_amount: Option<Amount>,
}

/// A tax by title and rate.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tax {
    pub title: String,
    #[schema(example = "0.06")]
    pub rate: String,
    pub amount: Amount,
    pub presentment_amount: Option<Amount>,
    /// The channel pays it to the state, and not the seller.
    pub channel_liable: bool,
}

/// What a border asks for a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct Duty {
    pub hs_code: Option<String>,
    /// ISO 3166-1 of the country the goods come from.
    pub country_of_origin: Option<String>,
    pub amount: Amount,
    pub presentment_amount: Option<Amount>,
    pub taxes: Vec<Tax>,
}

/// What was paid, by whom it was taken and how that ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct Payment {
    pub shopify_transaction_id: String,
    /// The payment it captures, voids or gives back.
    pub parent_shopify_transaction_id: Option<String>,
    #[schema(example = "shopify_payments")]
    pub gateway: String,
    /// `authorization`, `capture`, `sale`, `refund`, `void`, `change`, `suggested_refund`, `unknown`
    pub kind: String,
    /// `pending`, `success`, `failure`, `error`, `unknown`
    pub status: String,
    /// Null while it is known in the customer's currency alone.
    pub amount: Option<Amount>,
    pub presentment_amount: Option<Amount>,
    pub error_code: Option<String>,
    /// Taken by hand: cash on delivery, a bank transfer.
    pub manual: bool,
    pub test: bool,
    pub processed_at: Option<String>,
}

/// The sums, all of them Shopify's own.
#[derive(Debug, Serialize, ToSchema)]
pub struct Totals {
    pub subtotal: Amount,
    pub discount: Amount,
    pub shipping: Amount,
    pub tax: Amount,
    pub taxes_included: bool,
    /// Duties are in the prices, and not on top of them.
    pub duties_included: bool,
    pub total: Amount,
    /// After edits and refunds.
    pub current_total: Amount,
    /// What the buyer saw, in the buyer's currency.
    pub presentment_total: Amount,
    /// What our lines and charges add up to.
    pub added_up: Amount,
    /// How that compares, all in one word: `agrees`, `rounding`, `differs` (the invoice waits for a person),
    /// `not_derivable` (after an edit).
    pub check: String,
    /// What differs, in words.
    pub notes: Vec<String>,
    /// Each side as ordered and now, with what its parts add up to.
    pub sides: Vec<SideTotals>,
}

/// The totals in one currency, as ordered or now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TotalsSide)]
pub struct SideTotals {
    /// `shop` or `presentment` (the customer's currency).
    pub side: String,
    /// `ordered`, or `now`: after edits and refunds.
    pub basis: String,
    pub subtotal: Option<Amount>,
    pub discount: Option<Amount>,
    pub shipping: Option<Amount>,
    pub duties: Option<Amount>,
    pub fees: Option<Amount>,
    pub tax: Option<Amount>,
    pub total: Option<Amount>,
    pub added_up: Option<Amount>,
    pub added_up_tax: Option<Amount>,
    pub check: String,
}

/// Writes amounts in an order's two currencies.
#[derive(Clone, Copy)]
pub(super) struct Pen {
    shop: Currency,
    presentment: Currency,
}

impl Pen {
    pub(super) fn of(facts: &OrderFacts) -> Pen {
        Pen {
            shop: facts.currency,
            presentment: facts.presentment_currency,
        }
    }

    pub(super) fn shop(self, minor: i64) -> Amount {
        Money::new(minor, self.shop).into()
    }

    pub(super) fn presentment(self, minor: Option<i64>) -> Option<Amount> {
        minor.map(|minor| Money::new(minor, self.presentment).into())
    }

    /// What is kept as exact decimal text.
    fn exact(self, amount: String, presentment: Option<String>) -> (Amount, Option<Amount>) {
        let written = |amount: String, currency: Currency| Amount {
            amount,
            currency: currency.to_string(),
        };
        (
            written(amount, self.shop),
            presentment.map(|amount| written(amount, self.presentment)),
        )
    }

    pub(super) fn allocations(self, json: Option<&str>) -> Vec<Allocation> {
        let read = kept::read::<KeptDiscount>(json).into_iter().map(|part| {
            let (amount, presentment_amount) = self.exact(part.amount, part.presentment);
            Allocation {
                discount: part.discount,
                amount,
                presentment_amount,
            }
        });
        read.collect()
    }

    pub(super) fn taxes(self, json: Option<&str>) -> Vec<Tax> {
        self.kept_taxes(kept::read(json))
    }

    fn kept_taxes(self, taxes: Vec<KeptTax>) -> Vec<Tax> {
        let read = taxes.into_iter().map(|tax| {
            let (amount, presentment_amount) = self.exact(tax.amount, tax.presentment);
            Tax {
                title: tax.title,
                rate: tax.rate,
                amount,
                presentment_amount,
                channel_liable: tax.channel_liable,
            }
        });
        read.collect()
    }

    pub(super) fn duties(self, line: &LineFacts) -> Vec<Duty> {
        let kept = kept::read::<KeptDuty>(line.duties.as_deref());
        let read = kept.into_iter().map(|duty| {
            let (amount, presentment_amount) = self.exact(duty.amount, duty.presentment);
            Duty {
                hs_code: duty.hs_code,
                country_of_origin: duty.origin,
                amount,
                presentment_amount,
                taxes: self.kept_taxes(duty.taxes),
            }
        });
        read.collect()
    }

    pub(super) fn charge(self, row: ChargeRow) -> Charge {
        Charge {
            kind: row.kind.to_string(),
            amount: self.shop(row.amount_minor),
            presentment_amount: self.presentment(row.presentment_amount_minor),
            discount: self.shop(row.discount_minor),
            presentment_discount: self.presentment(row.presentment_discount_minor),
            discounts: self.allocations(row.discounts.as_deref()),
            taxes: self.taxes(row.taxes.as_deref()),
            title: row.title,
            code: row.code,
            removed: row.removed,
        }
    }

    pub(super) fn discount(self, row: DiscountRow) -> Discount {
        Discount {
            kind: row.kind,
            title: row.title,
            target: row.target,
            value: row.value,
            value_kind: row.value_kind,
            amount: self.shop(row.amount_minor),
            presentment_amount: self.presentment(row.presentment_minor),
        }
    }

    pub(super) fn tax(self, row: TaxRow) -> Tax {
        Tax {
            title: row.title,
            rate: row.rate,
            amount: self.shop(row.amount_minor),
            presentment_amount: self.presentment(row.presentment_minor),
            channel_liable: row.channel_liable,
        }
    }

    pub(super) fn totals(
        self,
        order: &OrderRow,
        rows: &[TotalsRow],
        duties_included: Option<bool>,
    ) -> Totals {
        let facts = &order.facts;
        Totals {
            subtotal: self.shop(facts.subtotal_minor),
            discount: self.shop(facts.discount_minor),
            shipping: self.shop(facts.shipping_minor),
            tax: self.shop(facts.tax_minor),
            taxes_included: facts.taxes_included,
            duties_included: duties_included.unwrap_or(false),
            total: self.shop(facts.total_minor),
            current_total: self.shop(facts.current_total_minor),
            presentment_total: Money::new(facts.presentment_total_minor, self.presentment).into(),
            added_up: self.shop(facts.added_total_minor),
            check: facts.totals_check.to_string(),
            notes: verdicts::of(facts, rows)
                .into_iter()
                .map(|verdict| verdict.text)
                .collect(),
            sides: rows.iter().map(|row| self.side(row)).collect(),
        }
    }

    fn side(self, row: &TotalsRow) -> SideTotals {
        let currency = match row.side {
            Side::Shop => self.shop,
            Side::Presentment => self.presentment,
        };
        let money = |minor: Option<i64>| minor.map(|minor| Money::new(minor, currency).into());
        SideTotals {
            side: row.side.to_string(),
            basis: row.basis.to_string(),
            subtotal: money(row.subtotal_minor),
            discount: money(row.discount_minor),
            shipping: money(row.shipping_minor),
            duties: money(row.duties_minor),
            fees: money(row.fees_minor),
            tax: money(row.tax_minor),
            total: money(row.total_minor),
            added_up: money(row.added_minor),
            added_up_tax: money(row.added_tax_minor),
            check: row.verdict.to_string(),
        }
    }
}

impl From<PaymentRow> for Payment {
    fn from(row: PaymentRow) -> Payment {
        let facts = row.facts;
        let money = |minor: Option<i64>, currency| {
            minor.map(|minor| Amount::from(Money::new(minor, currency)))
        };
        Payment {
            amount: money(facts.amount_minor, facts.currency),
            presentment_amount: money(facts.presentment_minor, facts.presentment_currency),
            shopify_transaction_id: facts.external_id,
            parent_shopify_transaction_id: facts.parent_external_id,
            gateway: facts.gateway,
            kind: facts.kind.to_string(),
            status: facts.status.to_string(),
            error_code: facts.error_code,
            manual: facts.manual,
            test: facts.test,
            processed_at: facts.processed_at.map(moment),
        }
    }
}
