//! The arithmetic of an order: what it cost, what it costs now, what was paid, what left.

use super::model::{Line, Order, Refund, Tax};
use super::money::Amount;

/// Every total of an order. `current_*` is what is left after edits, refunds and cancellation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) line_items: Amount,
    pub(super) discounts: Amount,
    pub(super) subtotal: Amount,
    pub(super) shipping: Amount,
    pub(super) tax: Amount,
    pub(super) tip: Amount,
    pub(super) total: Amount,
    pub(super) current_discounts: Amount,
    pub(super) current_subtotal: Amount,
    pub(super) current_shipping: Amount,
    pub(super) current_tax: Amount,
    pub(super) current_total: Amount,
    pub(super) received: Amount,
    pub(super) refunded: Amount,
    pub(super) outstanding: Amount,
}

pub(super) fn totals(order: &Order) -> Totals {
    let goods = || order.lines.iter().filter(|line| !line.tip);
    let mut sums = Totals {
        line_items: goods().map(|line| line.price.times(line.quantity)).sum(),
        discounts: goods().map(|line| line.discount).sum(),
        shipping: order.shipping.iter().map(|line| line.price).sum(),
        tip: order
            .lines
            .iter()
            .filter(|line| line.tip)
            .map(|line| line.price)
            .sum(),
        current_discounts: goods().map(current_discount).sum(),
        ..Totals::default()
    };
    let shipping_tax: Amount = order
        .shipping
        .iter()
        .filter_map(|line| line.tax.as_ref())
        .map(|tax| tax.amount)
        .sum();
    sums.subtotal = sums.line_items - sums.discounts;
    sums.tax = goods()
        .filter_map(|line| line.tax.as_ref())
        .map(|tax| tax.amount)
        .sum::<Amount>()
        + shipping_tax;
    sums.total = sums.subtotal + sums.shipping + sums.tip + on_top(order, sums.tax);

    let shipping_back: Amount = order.refunds.iter().map(|refund| refund.shipping).sum();
    sums.current_shipping = sums.shipping - shipping_back;
    let shipping_tax_left = if sums.current_shipping.is_zero() {
        Amount::default()
    } else {
        shipping_tax
    };
    sums.current_subtotal = goods()
        .map(|line| line_net(line, line.current_quantity()))
        .sum();
    sums.current_tax = goods().map(current_tax).sum::<Amount>() + shipping_tax_left;
    let tip_left = if order.cancelled_at.is_some() {
        Amount::default()
    } else {
        sums.tip
    };
    let adjusted: Amount = order.refunds.iter().map(|refund| refund.adjustment).sum();
    sums.current_total =
        sums.current_subtotal + sums.current_shipping + tip_left + on_top(order, sums.current_tax)
            - adjusted;

    sums.received = settled(order, &["sale", "capture"]);
    sums.refunded = settled(order, &["refund"]);
    sums.outstanding = sums.current_total - (sums.received - sums.refunded);
    sums
}

/// The tax as far as it is not inside the prices already.
pub(super) fn on_top(order: &Order, tax: Amount) -> Amount {
    if order.taxes_included {
        Amount::default()
    } else {
        tax
    }
}

/// What `quantity` pieces of a line cost after their part of the discount.
pub(super) fn line_net(line: &Line, quantity: i64) -> Amount {
    line.price.times(quantity) - line.discount.part(quantity, line.quantity)
}

pub(super) fn line_tax(line: &Line, quantity: i64) -> Amount {
    line.tax.as_ref().map_or_else(Amount::default, |tax| {
        tax.amount.part(quantity, line.quantity)
    })
}

fn current_discount(line: &Line) -> Amount {
    line.discount.part(line.current_quantity(), line.quantity)
}

fn current_tax(line: &Line) -> Amount {
    line_tax(line, line.current_quantity())
}

fn settled(order: &Order, kinds: &[&str]) -> Amount {
    let counted = order
        .transactions
        .iter()
        .filter(|one| kinds.contains(&one.kind.as_str()) && one.status == "success");
    counted.map(|one| one.amount).sum()
}

/// The taxes of the whole order, one entry for each title and rate; `current` leaves out what was taken out again.
pub(super) fn tax_lines(order: &Order, current: bool) -> Vec<Tax> {
    let mut found: Vec<Tax> = Vec::new();
    let mut add = |tax: &Tax, amount: Amount| {
        if amount.is_zero() {
            return;
        }
        match found
            .iter_mut()
            .find(|known| known.title == tax.title && known.rate_ppm == tax.rate_ppm)
        {
            Some(known) => known.amount += amount,
            None => found.push(Tax {
                amount,
                ..tax.clone()
            }),
        }
    };
    for line in &order.lines {
        if let Some(tax) = &line.tax {
            add(
                tax,
                if current {
                    current_tax(line)
                } else {
                    tax.amount
                },
            );
        }
    }
    let shipping_gone = current && totals(order).current_shipping.is_zero();
    for tax in order.shipping.iter().filter_map(|line| line.tax.as_ref()) {
        if !shipping_gone {
            add(tax, tax.amount);
        }
    }
    found
}

/// What a refund gave back, by its transactions.
pub(super) fn refund_total(order: &Order, refund: &Refund) -> Amount {
    let of_refund = order
        .transactions
        .iter()
        .filter(|one| refund.transaction_ids.contains(&one.id));
    of_refund.map(|one| one.amount).sum()
}

/// As webhooks spell it: pending, authorized, partially_paid, paid, partially_refunded, refunded, voided.
pub(super) fn financial_status(order: &Order) -> &'static str {
    let sums = totals(order);
    let authorized = order
        .transactions
        .iter()
        .any(|one| one.kind == "authorization" && one.status == "success");
    let voided = order.transactions.iter().any(|one| one.kind == "void");
    if sums.received.shop == 0 {
        return match (
            order.cancelled_at.is_some() || voided,
            authorized,
            sums.total.shop == 0,
        ) {
            (_, _, true) => "paid",
            (true, _, false) => "voided",
            (false, true, false) => "authorized",
            (false, false, false) => "pending",
        };
    }
    if sums.refunded.shop >= sums.received.shop {
        "refunded"
    } else if sums.refunded.shop > 0 {
        "partially_refunded"
    } else if sums.outstanding.shop > 0 {
        "partially_paid"
    } else {
        "paid"
    }
}

/// Pieces of a line that have left in fulfillments that still stand.
pub(super) fn fulfilled_quantity(order: &Order, line_id: u64) -> i64 {
    let standing = order.fulfillments.iter().filter(|one| !one.cancelled);
    standing
        .flat_map(|one| &one.lines)
        .filter(|line| line.line_id == line_id)
        .map(|line| line.quantity)
        .sum()
}

/// Pieces of a line that fulfillment orders still ask for.
pub(super) fn fulfillable_quantity(order: &Order, line_id: u64) -> i64 {
    let all = order.fulfillment_orders.iter().flat_map(|one| &one.lines);
    all.filter(|line| line.line_id == line_id)
        .map(|line| line.remaining)
        .sum()
}

/// `None` (nothing left yet), `partial` or `fulfilled`.
pub(super) fn line_fulfillment_status(order: &Order, line: &Line) -> Option<&'static str> {
    let gone = fulfilled_quantity(order, line.id);
    match (gone > 0, fulfillable_quantity(order, line.id) > 0) {
        (false, _) => None,
        (true, true) => Some("partial"),
        (true, false) => Some("fulfilled"),
    }
}

/// `None` (unfulfilled), `partial`, `fulfilled` or `restocked`.
pub(super) fn fulfillment_status(order: &Order) -> Option<&'static str> {
    let gone: i64 = order
        .lines
        .iter()
        .map(|line| fulfilled_quantity(order, line.id))
        .sum();
    let open: i64 = order
        .lines
        .iter()
        .map(|line| fulfillable_quantity(order, line.id))
        .sum();
    match (gone > 0, open > 0) {
        (true, true) => Some("partial"),
        (true, false) => Some("fulfilled"),
        (false, _) if order.cancelled_at.is_some() => Some("restocked"),
        (false, _) => None,
    }
}

/// As GraphQL spells it.
pub(super) fn display_fulfillment_status(order: &Order) -> &'static str {
    use super::model::FoStatus;
    let open = || {
        order
            .fulfillment_orders
            .iter()
            .filter(|one| one.lines.iter().any(|line| line.remaining > 0))
    };
    match fulfillment_status(order) {
        Some("fulfilled") => "FULFILLED",
        Some("partial") => "PARTIALLY_FULFILLED",
        Some(_) => "RESTOCKED",
        None if open().next().is_some() && open().all(|one| one.status == FoStatus::OnHold) => {
            "ON_HOLD"
        }
        None => "UNFULFILLED",
    }
}
