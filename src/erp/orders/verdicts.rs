//! What is wrong with an order's sums, in words for a person: one sentence for each side and time that does not follow.
use super::queries::OrderFacts;
use super::queries::sums::TotalsRow;
use super::totals::{Basis, Side, TotalsCheck};
use crate::types::{Currency, Money};

/// A sentence about a sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub text: String,
    /// The invoice waits for a person because of it.
    pub holds: bool,
}

/// What there is to say about the sums of an order; nothing where all is well.
#[must_use]
pub fn of(facts: &OrderFacts, totals: &[TotalsRow]) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = totals
        .iter()
        .filter_map(|row| {
            let currency = match row.side {
                Side::Shop => facts.currency,
                Side::Presentment => facts.presentment_currency,
            };
            of_row(row, currency)
        })
        .collect();
    if verdicts.iter().any(|verdict| verdict.holds) {
        verdicts.push(Verdict {
            text: "The store's totals count. The invoice waits until a person has looked at them."
                .to_owned(),
            holds: true,
        });
    }
    verdicts
}

fn of_row(row: &TotalsRow, currency: Currency) -> Option<Verdict> {
    let said = match row.basis {
        Basis::Ordered => ordered(row, currency),
        Basis::Now => now(row, currency),
    }?;
    Some(Verdict {
        text: said,
        holds: row.verdict == TotalsCheck::Differs,
    })
}

fn ordered(row: &TotalsRow, currency: Currency) -> Option<String> {
    let money = |minor: i64| Money::new(minor, currency).to_string();
    match row.verdict {
        TotalsCheck::Agrees => None,
        TotalsCheck::Rounding => Some(format!(
            "The lines add up to {}: the rest is rounding.",
            money(row.added_minor?)
        )),
        TotalsCheck::Differs => Some(differences(row, currency).join(" ")),
        TotalsCheck::NotDerivable => Some(match row.added_minor {
            Some(added) if row.total_minor.is_some_and(|total| total != added) => format!(
                "After an edit the total does not follow from the lines ({}).",
                money(added)
            ),
            Some(_) => "After an edit the taxes by rate do not follow.".to_owned(),
            None => {
                format!("Not every amount was told in {currency}: its total cannot be checked.")
            }
        }),
    }
}

/// What differs, and by how much.
fn differences(row: &TotalsRow, currency: Currency) -> Vec<String> {
    let pairs = [
        ("The lines add up to", row.added_minor, row.total_minor),
        (
            "The taxes by rate add up to",
            row.added_tax_minor,
            row.tax_minor,
        ),
    ];
    pairs
        .into_iter()
        .filter_map(|(what, added, told)| {
            let (added, told) = (added?, told?);
            let apart = told.saturating_sub(added);
            let word = if apart > 0 { "more" } else { "less" };
            let money = |minor: i64| Money::new(minor, currency);
            (apart != 0).then(|| {
                format!(
                    "{what} {}, the store says {}: {} {word}.",
                    money(added),
                    money(told),
                    money(apart.saturating_abs()),
                )
            })
        })
        .collect()
}

/// What is left now follows from the refunds; where these are not told, nothing is said.
fn now(row: &TotalsRow, currency: Currency) -> Option<String> {
    let money = |minor: i64| Money::new(minor, currency);
    match row.verdict {
        TotalsCheck::Agrees | TotalsCheck::Rounding | TotalsCheck::NotDerivable => None,
        TotalsCheck::Differs => Some(format!(
            "After its refunds {} should be left, the store says {}.",
            money(row.added_minor?),
            money(row.total_minor?),
        )),
    }
}
