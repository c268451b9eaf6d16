//! Adding up: does what the channel says an order costs follow from its parts? In the shop's currency and
//! in the customer's, as ordered and now. The channel's totals are what is booked either way.
use super::incoming::{ChargeKind, IncomingCharge, IncomingOrder, IncomingTax};
use crate::erp::refunds::{self, Both};
use crate::types::{Currency, Dual, Exact, Field};

crate::text_enum! {
    /// How the parts compare with the channel's total.
    TotalsCheck {
        Agrees = "agrees",
        Rounding = "rounding",
        /// The invoice waits for a person.
        Differs = "differs",
        /// An edit, or an amount that was not told: nothing follows, and nothing speaks against it.
        NotDerivable = "not_derivable",
    }
}

crate::text_enum! {
    /// In whose currency.
    Side { Shop = "shop", Presentment = "presentment" }
}

crate::text_enum! {
    /// As ordered, or after edits and refunds.
    Basis { Ordered = "ordered", Now = "now" }
}

/// What the parts of an order come to on one side, and what that says about the channel's total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Minor units.
    pub added: i64,
    /// What the taxes by rate come to, in minor units; `None` where the source did not carry them.
    pub added_tax: Option<i64>,
    pub check: TotalsCheck,
    /// What is missing to the channel's total where that is no more than rounding: exactly, and in minor
    /// units after each part was rounded to them.
    pub rounding: (Exact, i64),
    /// The same of the taxes by rate.
    pub tax_rounding: Exact,
}

/// What an order's parts come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    pub shop: Sum,
    /// `None` where an amount is not known in the customer's currency.
    pub presentment: Option<Sum>,
    /// What refunds and edits left, by side; nothing is added up there.
    pub now: TotalsCheck,
    pub now_presentment: TotalsCheck,
    /// All of it in one word: what differs anywhere differs.
    pub check: TotalsCheck,
}

/// Adds the order up: lines less discounts, charges less discounts, taxes where they are on top.
/// `None` where the source did not carry its lines.
#[must_use]
pub fn add_up(order: &IncomingOrder) -> Option<Sums> {
    let shop = one_side(order, order.currency, |amount| Some(amount.shop))?;
    let presentment = if order.presentment_currency == order.currency {
        Some(shop)
    } else {
        one_side(order, order.presentment_currency, |amount| {
            amount.presentment
        })
    };
    let now = left(
        order,
        |amount| Some(amount.shop),
        |back| Exact::of_minor(back.shop, order.currency),
    );
    let now_presentment = left(
        order,
        |amount| amount.presentment,
        |back| Exact::of_minor(back.presentment, order.presentment_currency),
    );
    let of_presentment = presentment.map_or(TotalsCheck::NotDerivable, |sum| sum.check);
    Some(Sums {
        shop,
        presentment,
        now,
        now_presentment,
        check: overall(shop.check, &[of_presentment, now, now_presentment]),
    })
}

/// One word for all: a difference counts wherever it is. What cannot be known does so in the first only.
fn overall(first: TotalsCheck, others: &[TotalsCheck]) -> TotalsCheck {
    let any = |check| first == check || others.contains(&check);
    if any(TotalsCheck::Differs) {
        TotalsCheck::Differs
    } else if first == TotalsCheck::NotDerivable {
        first
    } else if any(TotalsCheck::Rounding) {
        TotalsCheck::Rounding
    } else {
        TotalsCheck::Agrees
    }
}

/// The parts of an order on one side, while they are added up.
struct Adding {
    currency: Currency,
    exact: Exact,
    /// Minor units, each part rounded.
    minor: i64,
    /// How many parts are finer than the currency.
    finer: i64,
}

impl Adding {
    fn add(&mut self, amount: Exact) {
        self.exact = self.exact + amount;
        self.minor = self.minor.saturating_add(amount.minor(self.currency));
        self.finer += i64::from(amount.is_finer_than(self.currency));
    }
}

/// `None` where the source told no lines, or a part not on this side.
fn one_side(
    order: &IncomingOrder,
    currency: Currency,
    side: impl Fn(Dual) -> Option<Exact> + Copy,
) -> Option<Sum> {
    let mut sum = Adding {
        currency,
        exact: Exact::ZERO,
        minor: 0,
        finer: 0,
    };
    for line in order.lines.as_ref()? {
        sum.add(side(line.unit_price.times(line.quantity))?);
        sum.add(-side(line.discount)?);
    }
    let (mut removed, mut cash) = (Exact::ZERO, Exact::ZERO);
    for charge in order.charges.iter().flatten() {
        let (amount, discount) = (side(charge.amount)?, side(charge.discount)?);
        match charge.kind {
            ChargeKind::CashRounding => cash = cash + amount,
            ChargeKind::Rounding => {}
            ChargeKind::Shipping | ChargeKind::Tip | ChargeKind::Duty | ChargeKind::Fee => {
                sum.add(amount);
                sum.add(-discount);
                if charge.removed {
                    removed = removed + amount - discount;
                }
            }
        }
    }
    let (added_tax, tax_check, tax_rounding) = taxes(order, currency, side)?;
    if order.taxes_included.value() != Some(&true) {
        let told = order.ordered.tax.value().copied().map_or(added_tax, side);
        sum.add(told.unwrap_or_default());
    }
    let total = match order.ordered.total.value() {
        Some(total) => Some(side(*total)?),
        None => None,
    };
    Some(compared(
        order,
        &sum,
        total,
        (removed, cash),
        (added_tax, tax_check, tax_rounding),
    ))
}

fn compared(
    order: &IncomingOrder,
    sum: &Adding,
    total: Option<Exact>,
    (removed, cash): (Exact, Exact),
    (added_tax, tax_check, tax_rounding): (Option<Exact>, TotalsCheck, Exact),
) -> Sum {
    let currency = sum.currency;
    let Some(total) = total else {
        return Sum {
            added: sum.exact.minor(currency),
            added_tax: added_tax.map(|tax| tax.minor(currency)),
            check: TotalsCheck::NotDerivable,
            rounding: (Exact::ZERO, 0),
            tax_rounding: Exact::ZERO,
        };
    };
    // A charge that was taken out again and the rounding of cash stand in the total, or do not: Shopify
    // does not say. Each is known to the cent, so that no other difference hides behind them.
    let judged = |aside: Exact| {
        let exact = sum.exact + aside;
        let check = compare(total - exact, sum.finer, currency);
        (check, aside, exact)
    };
    let ways = [judged(-removed), judged(cash), judged(cash - removed)];
    let best = ways.into_iter().fold(
        judged(Exact::ZERO),
        |best, way| {
            if way.0 < best.0 { way } else { best }
        },
    );
    let (check, aside, exact) = best;
    let worst = check.max(tax_check);
    let rounds = check <= TotalsCheck::Rounding;
    let minor = sum.minor.saturating_add(aside.minor(currency));
    Sum {
        added: exact.minor(currency),
        added_tax: added_tax.map(|tax| tax.minor(currency)),
        check: if worst == TotalsCheck::Differs && is_edited(order) {
            // Allocations and taxes of the source include removed quantities.
            TotalsCheck::NotDerivable
        } else {
            worst
        },
        rounding: if rounds {
            (total - exact, total.minor(currency).saturating_sub(minor))
        } else {
            (Exact::ZERO, 0)
        },
        tax_rounding,
    }
}

/// What the taxes by rate come to, how that compares with the total tax, and what rounding there is.
fn taxes(
    order: &IncomingOrder,
    currency: Currency,
    side: impl Fn(Dual) -> Option<Exact>,
) -> Option<(Option<Exact>, TotalsCheck, Exact)> {
    let Some(taxes) = &order.taxes else {
        return Some((None, TotalsCheck::Agrees, Exact::ZERO));
    };
    let mut sum = Exact::ZERO;
    for tax in taxes {
        sum = sum + side(tax.amount)?;
    }
    let Some(total) = order.ordered.tax.value() else {
        return Some((Some(sum), TotalsCheck::Agrees, Exact::ZERO));
    };
    let residual = side(*total)? - sum;
    let parts = i64::try_from(taxes.len()).unwrap_or(i64::MAX);
    let check = compare(residual, parts, currency);
    let rounding = if check == TotalsCheck::Rounding {
        residual
    } else {
        Exact::ZERO
    };
    Some((Some(sum), check, rounding))
}

fn is_edited(order: &IncomingOrder) -> bool {
    let mut lines = order.lines.iter().flatten();
    lines.any(|line| line.current_quantity != line.quantity)
        || order.charges.iter().flatten().any(|charge| charge.removed)
}

/// Now is as ordered less what the refunds took away. What an edit took away nothing tells: then there is nothing to
/// hold against it.
fn left(
    order: &IncomingOrder,
    side: impl Fn(Dual) -> Option<Exact>,
    back: impl Fn(Both) -> Exact,
) -> TotalsCheck {
    let (goods, tax) = given_back(order, back);
    let agrees = |ordered: &Field<Dual>, now: &Field<Dual>, less: Exact| {
        let ordered = ordered.value().copied().and_then(&side)?;
        Some(ordered - less == now.value().copied().and_then(&side)?)
    };
    let (then, now) = (&order.ordered, &order.now);
    let total = agrees(&then.total, &now.total, goods);
    match (total, agrees(&then.tax, &now.tax, tax)) {
        (Some(true), Some(true)) => TotalsCheck::Agrees,
        (Some(_) | None, Some(_) | None) => TotalsCheck::NotDerivable,
    }
}

/// What the order's refunds took off its total, and the tax in it. What is given back beside that, as a courtesy or
/// because two sums differ, takes nothing off the order.
fn given_back(order: &IncomingOrder, side: impl Fn(Both) -> Exact) -> (Exact, Exact) {
    let refunds = order.refunds.iter().flatten();
    let parts = refunds.flat_map(|refund| {
        let lines = refund.lines.iter().map(|line| (line.subtotal, line.tax));
        let charges = refund
            .charges
            .iter()
            .filter(|charge| charge.kind != refunds::ChargeKind::Adjustment);
        lines.chain(charges.map(|charge| (charge.amount, charge.tax)))
    });
    let is_within = order.taxes_included.value() == Some(&true);
    let (mut total, mut taxes) = (Exact::ZERO, Exact::ZERO);
    for (amount, tax) in parts {
        total = total + side(amount);
        taxes = taxes + side(tax);
    }
    let total = if is_within { total } else { total + taxes };
    (total, taxes)
}

/// Half a minor unit for each part that was rounded is rounding; more is not.
fn compare(residual: Exact, parts: i64, currency: Currency) -> TotalsCheck {
    let unit = Exact::of_minor(1, currency);
    if residual == Exact::ZERO {
        TotalsCheck::Agrees
    } else if residual.times(2).millionths().saturating_abs() <= unit.times(parts).millionths() {
        TotalsCheck::Rounding
    } else {
        TotalsCheck::Differs
    }
}

/// The row that makes the parts equal the total where only rounding keeps them apart.
#[must_use]
pub fn rounding_charge(sums: &Sums) -> Option<IncomingCharge> {
    let presentment = sums.presentment.map(|sum| sum.rounding);
    let is_none = |rounding: (Exact, i64)| rounding == (Exact::ZERO, 0);
    if is_none(sums.shop.rounding) && presentment.is_none_or(is_none) {
        return None;
    }
    let amount = Dual {
        shop: sums.shop.rounding.0,
        presentment: presentment.map(|rounding| rounding.0),
    };
    Some(IncomingCharge::plain(
        ChargeKind::Rounding,
        "Rounding",
        amount,
    ))
}

/// The row that makes the taxes by rate equal the total tax where only rounding keeps them apart.
#[must_use]
pub fn rounding_tax(sums: &Sums) -> Option<IncomingTax> {
    let amount = Dual {
        shop: sums.shop.tax_rounding,
        presentment: sums.presentment.map(|sum| sum.tax_rounding),
    };
    (!amount.is_zero()).then(|| IncomingTax {
        title: "Rounding".to_owned(),
        rate: String::new(),
        amount,
        channel_liable: false,
    })
}
