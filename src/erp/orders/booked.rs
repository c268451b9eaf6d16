//! From what came in to the rows of an order's amounts and details: absent keeps, null empties, a value replaces.
use super::incoming::{IncomingCharge, IncomingCompany, IncomingOrder, IncomingTotals};
use super::kept::{self, Pen};
use super::queries::amounts::{Amounts, ChargeRow, DiscountRow, TaxRow};
use super::queries::sums::{DetailFacts, TotalsRow};
use super::totals::{self, Basis, Side, Sum, Sums, TotalsCheck};
use crate::types::{Currency, Dual, Exact, Field, OrderId};

/// All rows of an order's amounts and details, over the totals and details that are known of it.
pub(super) fn amounts_of(
    order: OrderId,
    (known_totals, known_details): (Vec<TotalsRow>, Option<DetailFacts>),
    incoming: &IncomingOrder,
    sums: Option<&Sums>,
) -> Amounts {
    let told = incoming.charges.as_ref();
    Amounts {
        order,
        charges: told.map(|told| charges(incoming, told, sums)),
        taxes: taxes(incoming, sums),
        discounts: discounts(incoming),
        totals: totals(&known_totals, incoming, sums),
        details: details(known_details, incoming),
    }
}

/// Charges, and the row that says what was rounded.
fn charges(
    incoming: &IncomingOrder,
    told: &[IncomingCharge],
    sums: Option<&Sums>,
) -> Vec<ChargeRow> {
    let pen = Pen::of(incoming);
    let mut rows: Vec<ChargeRow> = told.iter().map(|one| charge(one, pen)).collect();
    if let Some(sums) = sums
        && let Some(rounding) = totals::rounding_charge(sums)
    {
        // In minor units each part was rounded by itself, so that both columns add up to the total.
        rows.push(ChargeRow {
            amount_minor: sums.shop.rounding.1,
            presentment_amount_minor: sums.presentment.map(|sum| sum.rounding.1),
            ..charge(&rounding, pen)
        });
    }
    rows
}

fn charge(charge: &IncomingCharge, pen: Pen) -> ChargeRow {
    ChargeRow {
        kind: charge.kind,
        external_id: charge.external_id.clone(),
        title: charge.title.clone(),
        code: charge.code.clone(),
        amount_minor: pen.shop(charge.amount),
        discount_minor: pen.shop(charge.discount),
        presentment_amount_minor: pen.presentment(charge.amount),
        presentment_discount_minor: pen.presentment(charge.discount),
        amount_scaled: kept::scaled(charge.amount.shop),
        presentment_amount_scaled: charge.amount.presentment.and_then(kept::scaled),
        discounts: pen.discounts(&charge.allocations),
        taxes: pen.taxes(&charge.taxes),
        removed: charge.removed,
    }
}

/// Taxes by title and rate, and the row that says what was rounded.
fn taxes(incoming: &IncomingOrder, sums: Option<&Sums>) -> Option<Vec<TaxRow>> {
    let pen = Pen::of(incoming);
    let told = incoming.taxes.as_ref()?;
    let rounding = sums.and_then(totals::rounding_tax);
    let rows = told.iter().chain(&rounding).map(|tax| TaxRow {
        title: tax.title.clone(),
        rate: tax.rate.clone(),
        amount_minor: pen.shop(tax.amount),
        presentment_minor: pen.presentment(tax.amount),
        channel_liable: tax.channel_liable,
    });
    Some(rows.collect())
}

fn discounts(incoming: &IncomingOrder) -> Option<Vec<DiscountRow>> {
    let pen = Pen::of(incoming);
    let rows = incoming.discounts.as_ref()?.iter().map(|one| DiscountRow {
        kind: one.kind.clone(),
        title: one.title.clone(),
        target: one.target.clone(),
        value: one.value.clone(),
        value_kind: one.value_kind.clone(),
        amount_minor: pen.shop(one.amount),
        presentment_minor: pen.presentment(one.amount),
    });
    Some(rows.collect())
}

/// The channel's totals on each side, as ordered and now, with what the parts add up to.
fn totals(stored: &[TotalsRow], incoming: &IncomingOrder, sums: Option<&Sums>) -> Vec<TotalsRow> {
    let mut rows = Vec::new();
    for side in Side::ALL {
        let currency = match side {
            Side::Shop => incoming.currency,
            Side::Presentment if incoming.presentment_currency == incoming.currency => continue,
            Side::Presentment => incoming.presentment_currency,
        };
        for basis in Basis::ALL {
            let old = stored
                .iter()
                .find(|row| row.side == *side && row.basis == *basis);
            let mut row = old
                .cloned()
                .unwrap_or_else(|| TotalsRow::new(*side, *basis));
            take_totals(&mut row, incoming, currency);
            if let Some(sums) = sums {
                take_sum(&mut row, sums);
            }
            rows.push(row);
        }
    }
    rows
}

fn take_totals(row: &mut TotalsRow, incoming: &IncomingOrder, currency: Currency) {
    let told = match row.basis {
        Basis::Ordered => &incoming.ordered,
        Basis::Now => &incoming.now,
    };
    let IncomingTotals {
        subtotal,
        discount,
        shipping,
        duties,
        fees,
        tax,
        total,
    } = told;
    for (field, slot) in [
        (subtotal, &mut row.subtotal_minor),
        (discount, &mut row.discount_minor),
        (shipping, &mut row.shipping_minor),
        (duties, &mut row.duties_minor),
        (fees, &mut row.fees_minor),
        (tax, &mut row.tax_minor),
        (total, &mut row.total_minor),
    ] {
        let amount = |amount: &Dual| -> Option<Exact> {
            match row.side {
                Side::Shop => Some(amount.shop),
                Side::Presentment => amount.presentment,
            }
        };
        // A total that Shopify leaves empty is no total of 0.
        if let Some(amount) = field.value().and_then(amount) {
            *slot = Some(amount.minor(currency));
        }
    }
}

fn take_sum(row: &mut TotalsRow, sums: &Sums) {
    let unknown = |sum: Option<Sum>| sum.map_or(TotalsCheck::NotDerivable, |sum| sum.check);
    let (sum, verdict) = match (row.side, row.basis) {
        (Side::Shop, Basis::Ordered) => (Some(sums.shop), sums.shop.check),
        (Side::Presentment, Basis::Ordered) => (sums.presentment, unknown(sums.presentment)),
        (Side::Shop, Basis::Now) => (None, sums.now),
        (Side::Presentment, Basis::Now) => (None, sums.now_presentment),
    };
    row.added_minor = sum.map(|sum| sum.added);
    row.added_tax_minor = sum.and_then(|sum| sum.added_tax);
    row.verdict = verdict;
}

/// What an order says beside people and money, over what is known of it.
fn details(stored: Option<DetailFacts>, incoming: &IncomingOrder) -> DetailFacts {
    let mut facts = stored.unwrap_or_default();
    for (field, slot) in [
        (&incoming.sold_through, &mut facts.sold_through),
        (
            &incoming.location_external_id,
            &mut facts.location_external_id,
        ),
        (
            &incoming.confirmation_number,
            &mut facts.confirmation_number,
        ),
        (&incoming.po_number, &mut facts.po_number),
        (&incoming.locale, &mut facts.locale),
        (&incoming.merchant_of_record, &mut facts.merchant_of_record),
    ] {
        *slot = field.clone().over(slot.take());
    }
    facts.duties_included = incoming.duties_included.clone().over(facts.duties_included);
    facts.tax_exempt = incoming.tax_exempt.clone().over(facts.tax_exempt);
    match &incoming.terms {
        Field::Absent => {}
        Field::Null => {
            (facts.terms_kind, facts.terms_days, facts.terms_due_at) = (None, None, None)
        }
        Field::Value(terms) => {
            facts.terms_kind = Some(terms.kind.clone());
            facts.terms_days = terms.days;
            facts.terms_due_at = terms.due_at;
        }
    }
    match &incoming.company {
        Field::Absent => {}
        Field::Null => take_company(&mut facts, None),
        Field::Value(company) => take_company(&mut facts, Some(company)),
    }
    facts
}

/// A source that tells the ids alone leaves the names that another one told of the same company.
fn take_company(facts: &mut DetailFacts, company: Option<&IncomingCompany>) {
    let id = company.map(|company| company.external_id.clone());
    let place = company.and_then(|company| company.location_external_id.clone());
    let told =
        |name: fn(&IncomingCompany) -> &Option<String>| company.and_then(|one| name(one).clone());
    let same = id.is_some() && id == facts.company_external_id;
    let same_place = same && place == facts.company_location_external_id;
    let old = |is_same: bool, slot: &mut Option<String>| slot.take().filter(|_name| is_same);
    facts.company_name = told(|one| &one.name).or(old(same, &mut facts.company_name));
    facts.company_location_name =
        told(|one| &one.location_name).or(old(same_place, &mut facts.company_location_name));
    facts.company_contact_external_id = told(|one| &one.contact_external_id)
        .or(old(same_place, &mut facts.company_contact_external_id));
    facts.company_external_id = id;
    facts.company_location_external_id = place;
}
