//! Adding up: does what the channel says an order costs follow from its parts?
use super::incoming::{ChargeKind, IncomingCharge, IncomingOrder};

crate::text_enum! {
    /// How the parts compare with the channel's total, which is what gets booked either way.
    TotalsCheck {
        Agrees = "agrees",
        Rounding = "rounding",
        Differs = "differs",
        NotDerivable = "not_derivable",
    }
}

/// The sum of an order's parts and what it says about the channel's total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Minor units.
    pub added: i64,
    /// What is missing to the channel's total, where it is no more than rounding.
    pub rounding: i64,
    pub check: TotalsCheck,
}

const MILLIONTHS: u32 = 6;

/// Adds the order up: lines less discounts, charges less discounts, taxes where they are on top.
/// `None` where the source did not carry its lines.
#[must_use]
pub fn add_up(order: &IncomingOrder) -> Option<Sum> {
    let lines = order.lines.as_ref()?;
    let unit = 10_i128.pow(MILLIONTHS.saturating_sub(order.currency.digits()));
    let mut exact: i128 = 0;
    let mut parts = order.rounded_parts;
    for line in lines {
        let price = i128::from(line.unit_price) * i128::from(line.quantity);
        parts += i64::from(price % unit != 0);
        exact += price - i128::from(line.discount) * unit;
    }
    for charge in order.charges.iter().flatten() {
        exact += i128::from(charge.amount - charge.discount) * unit;
    }
    let tax = order.tax.value().copied().unwrap_or(0);
    if order.taxes_included.value() != Some(&true) {
        exact += i128::from(tax) * unit;
    }
    let half = unit / 2 * exact.signum();
    let added = i64::try_from((exact + half) / unit).unwrap_or(i64::MAX);
    let Some(total) = order.total.value() else {
        return Some(Sum {
            added,
            rounding: 0,
            check: TotalsCheck::NotDerivable,
        });
    };
    let residual = i128::from(*total) * unit - exact;
    let check = worst(
        compare(residual, parts, unit),
        compare_taxes(order, tax, unit),
    );
    let edited = lines
        .iter()
        .any(|line| line.current_quantity != line.quantity);
    Some(Sum {
        added,
        rounding: if check == TotalsCheck::Rounding {
            total - added
        } else {
            0
        },
        check: match check {
            // Allocations and taxes of the source include removed quantities.
            TotalsCheck::Differs if edited => TotalsCheck::NotDerivable,
            TotalsCheck::Agrees
            | TotalsCheck::Rounding
            | TotalsCheck::Differs
            | TotalsCheck::NotDerivable => check,
        },
    })
}

/// The row that makes the parts equal the total where only rounding keeps them apart.
#[must_use]
pub fn rounding_charge(sum: Sum) -> Option<IncomingCharge> {
    (sum.rounding != 0).then(|| IncomingCharge {
        kind: ChargeKind::Rounding,
        external_id: None,
        title: "Rounding".to_owned(),
        amount: sum.rounding,
        discount: 0,
    })
}

fn compare_taxes(order: &IncomingOrder, tax: i64, unit: i128) -> TotalsCheck {
    let Some(taxes) = &order.taxes else {
        return TotalsCheck::Agrees;
    };
    let sum: i128 = taxes.iter().map(|tax| i128::from(tax.amount)).sum();
    let parts = i64::try_from(taxes.len()).unwrap_or(i64::MAX);
    compare((i128::from(tax) - sum) * unit, parts, unit)
}

/// Half a minor unit for each part that was rounded is rounding; more is not.
fn compare(residual: i128, parts: i64, unit: i128) -> TotalsCheck {
    if residual == 0 {
        TotalsCheck::Agrees
    } else if residual.abs() * 2 <= i128::from(parts) * unit {
        TotalsCheck::Rounding
    } else {
        TotalsCheck::Differs
    }
}

fn worst(one: TotalsCheck, other: TotalsCheck) -> TotalsCheck {
    one.max(other)
}
