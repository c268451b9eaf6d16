//! Charges that Shopify tells as totals of the order and not as lines; both translators end here.
use crate::erp::orders::incoming::{ChargeKind, IncomingCharge, IncomingLine};
use crate::types::Dual;

/// Totals of an order that are charges with us.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Beside {
    pub(crate) tip: Option<Dual>,
    pub(crate) duties: Option<Dual>,
    pub(crate) duties_included: bool,
    pub(crate) fees: Option<Dual>,
    pub(crate) cash_rounding: Option<Dual>,
}

/// Tip, duties, fees and cash rounding as charges. Tips that are lines and duties that are in the prices are not
/// counted twice; duties that stand on the lines alone are summed up.
pub(crate) fn beside(lines: &[IncomingLine], told: &Beside) -> Vec<IncomingCharge> {
    let tips_are_lines = lines.iter().any(|line| line.tip);
    let of_lines = || {
        let duties = lines.iter().flat_map(|line| &line.duties);
        duties.map(|duty| duty.amount).sum::<Dual>()
    };
    let duties = told.duties.unwrap_or_else(of_lines);
    [
        (ChargeKind::Tip, "Tip", told.tip, !tips_are_lines),
        (
            ChargeKind::Duty,
            "Duties",
            Some(duties),
            !told.duties_included,
        ),
        (ChargeKind::Fee, "Additional fees", told.fees, true),
        (
            ChargeKind::CashRounding,
            "Cash rounding",
            told.cash_rounding,
            true,
        ),
    ]
    .into_iter()
    .filter(|(_kind, _title, _amount, counts)| *counts)
    .filter_map(|(kind, title, amount, _counts)| {
        let amount = amount.filter(|amount| !amount.is_zero())?;
        Some(IncomingCharge::plain(kind, title, amount))
    })
    .collect()
}
