//! What an order costs, in one currency or in both: lines, discounts by name, charges, taxes by rate, payments, and
//! in words where the parts do not follow.
use crate::erp::orders::incoming::ChargeKind;
use crate::erp::orders::queries::amounts::{ChargeRow, DiscountRow, TaxRow};
use crate::erp::orders::queries::sums::TotalsRow;
use crate::erp::orders::queries::{self as rows, LineRow, OrderRow, show as parts, sums};
use crate::erp::orders::totals::{Basis, Side};
use crate::erp::orders::verdicts;
use crate::erp::payments::{self, queries::PaymentRow};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, Currency, Money};
use crate::web::orders::words;

/// One row of the sum.
#[derive(Clone, Debug)]
pub struct Row {
    pub label: String,
    pub shop: Option<Money>,
    pub presentment: Option<Money>,
    pub is_sum: bool,
}

/// A payment.
#[derive(Clone, Debug)]
pub struct PaymentView {
    pub label: String,
    pub at: Option<At>,
    pub money: Option<Money>,
    /// In the other currency, where it is another.
    pub other: Option<Money>,
    pub is_test: bool,
}

/// Everything about an order's money.
#[derive(Clone, Debug)]
pub struct MoneyView {
    pub shop: Currency,
    /// The customer's currency where it is another.
    pub presentment: Option<Currency>,
    pub rows: Vec<Row>,
    pub payments: Vec<PaymentView>,
    /// Sentences with their tone.
    pub checks: Vec<(String, &'static str)>,
}

/// What the database knows of an order's money.
pub(super) struct Parts {
    lines: Vec<LineRow>,
    charges: Vec<ChargeRow>,
    discounts: Vec<DiscountRow>,
    taxes: Vec<TaxRow>,
    totals: Vec<TotalsRow>,
    payments: Vec<PaymentRow>,
}

pub(super) fn load(conn: &mut DbConnection, order: &OrderRow) -> Result<Parts, DbError> {
    Ok(Parts {
        lines: rows::list_lines(conn, order.id)?,
        charges: parts::list_charges(conn, order.id)?,
        discounts: parts::list_discounts(conn, order.id)?,
        taxes: parts::list_taxes(conn, order.id)?,
        totals: sums::list_totals(conn, order.id)?,
        payments: payments::queries::list(conn, order.id)?,
    })
}

pub(super) fn view(order: &OrderRow, parts: &Parts) -> MoneyView {
    let facts = &order.facts;
    let presentment = facts.presentment_currency;
    MoneyView {
        shop: facts.currency,
        presentment: (presentment != facts.currency).then_some(presentment),
        rows: Columns { order, parts }.rows(),
        payments: parts.payments.iter().map(payment).collect(),
        checks: verdicts::of(facts, &parts.totals)
            .into_iter()
            .map(|verdict| (verdict.text, if verdict.holds { "warning" } else { "info" }))
            .collect(),
    }
}

/// Both columns of the sum.
struct Columns<'a> {
    order: &'a OrderRow,
    parts: &'a Parts,
}

impl Columns<'_> {
    fn rows(&self) -> Vec<Row> {
        let mut rows = vec![self.goods()];
        rows.extend(self.discounts());
        let (beside, inside): (Vec<&ChargeRow>, Vec<&ChargeRow>) = self
            .parts
            .charges
            .iter()
            .partition(|charge| charge.kind == ChargeKind::CashRounding);
        rows.extend(inside.into_iter().map(|charge| self.charge(charge)));
        rows.extend(self.parts.taxes.iter().map(|tax| self.tax(tax)));
        rows.extend(self.totals());
        rows.extend(beside.into_iter().map(|charge| self.charge(charge)));
        if let Some(minor) = self
            .order
            .facts
            .outstanding_minor
            .filter(|minor| *minor != 0)
        {
            rows.push(self.row("Outstanding".to_owned(), Some(minor), None));
        }
        rows
    }

    fn row(&self, label: String, shop: Option<i64>, presentment: Option<i64>) -> Row {
        let facts = &self.order.facts;
        Row {
            label,
            shop: shop.map(|minor| Money::new(minor, facts.currency)),
            presentment: presentment.map(|minor| Money::new(minor, facts.presentment_currency)),
            is_sum: false,
        }
    }

    /// The lines before any discount.
    fn goods(&self) -> Row {
        let pieces: i64 = self.parts.lines.iter().map(|row| row.facts.quantity).sum();
        let pieces = match pieces {
            1 => "1 item".to_owned(),
            count => format!("{count} items"),
        };
        let lines = || self.parts.lines.iter().map(|row| &row.facts);
        let shop = lines().map(|line| line.total_minor.saturating_add(line.discount_minor));
        let mut presented = lines().map(|line| {
            let (total, discount) = (
                line.presentment_total_minor?,
                line.presentment_discount_minor?,
            );
            Some(total.saturating_add(discount))
        });
        let sum = |sum: i64, minor: i64| sum.saturating_add(minor);
        let presented = presented.try_fold(0, |all, minor| Some(sum(all, minor?)));
        self.row(
            format!("Subtotal, {pieces}"),
            Some(shop.fold(0, sum)),
            presented,
        )
    }

    /// By name; what no name was told for stands as one row more.
    fn discounts(&self) -> Vec<Row> {
        let named = self
            .parts
            .discounts
            .iter()
            .filter(|one| one.amount_minor != 0);
        let mut rows: Vec<Row> = named
            .clone()
            .map(|one| {
                let presented = one.presentment_minor.map(|minor| -minor);
                self.row(discount_label(one), Some(-one.amount_minor), presented)
            })
            .collect();
        let lines = self.parts.lines.iter().map(|row| row.facts.discount_minor);
        let charges = self.parts.charges.iter().map(|row| row.discount_minor);
        let all: i64 = lines.chain(charges).sum();
        let named: i64 = named.map(|one| one.amount_minor).sum();
        if all != named {
            rows.push(self.row("Other discounts".to_owned(), Some(named - all), None));
        }
        rows
    }

    fn charge(&self, charge: &ChargeRow) -> Row {
        let label = if charge.removed {
            format!("{}, taken out again", charge.title)
        } else {
            charge.title.clone()
        };
        self.row(
            label,
            Some(charge.amount_minor),
            charge.presentment_amount_minor,
        )
    }

    fn tax(&self, tax: &TaxRow) -> Row {
        let mut label = format!("{} {}", tax.title, words::percent(&tax.rate));
        label.truncate(label.trim_end().len());
        if self.order.facts.taxes_included {
            label.push_str(", included");
        }
        if tax.channel_liable {
            label.push_str(", paid by the channel");
        }
        self.row(label, Some(tax.amount_minor), tax.presentment_minor)
    }

    /// The channel's total, and what is left of it after edits and refunds.
    fn totals(&self) -> Vec<Row> {
        let facts = &self.order.facts;
        let of = |side, basis| {
            let mut rows = self.parts.totals.iter();
            rows.find(|row| row.side == side && row.basis == basis)?
                .total_minor
        };
        let ordered = of(Side::Presentment, Basis::Ordered).or(Some(facts.presentment_total_minor));
        let total = Row {
            is_sum: true,
            ..self.row("Total".to_owned(), Some(facts.total_minor), ordered)
        };
        let now = (facts.current_total_minor != facts.total_minor).then(|| {
            let presented = of(Side::Presentment, Basis::Now);
            let label = "Now, after edits and refunds".to_owned();
            self.row(label, Some(facts.current_total_minor), presented)
        });
        [Some(total), now].into_iter().flatten().collect()
    }
}

/// `WELCOME10, 10%`
fn discount_label(discount: &DiscountRow) -> String {
    match (&discount.value, discount.value_kind.as_deref()) {
        (Some(value), Some("percentage")) => format!("{}, {value}%", discount.title),
        (Some(_) | None, Some(_) | None) => discount.title.clone(),
    }
}

fn payment(row: &PaymentRow) -> PaymentView {
    let facts = &row.facts;
    let presented = facts
        .presentment_minor
        .map(|minor| Money::new(minor, facts.presentment_currency));
    let money = facts.money();
    let gateway = words::gateway(&facts.gateway);
    let done = words::paid(facts.kind, facts.status);
    PaymentView {
        label: if gateway.is_empty() {
            done.to_owned()
        } else {
            format!("{gateway}, {done}")
        },
        at: facts.processed_at,
        other: presented.filter(|other| Some(*other) != money),
        money,
        is_test: facts.test,
    }
}
