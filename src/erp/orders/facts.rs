//! From what came in to what is stored about an order: absent keeps, null empties, a value replaces.
use super::incoming::{IncomingOrder, PaymentState, label};
use super::queries::OrderFacts;
use super::totals::{self, Sum, TotalsCheck};
use crate::erp::customers::Address;
use crate::types::{ContactId, Field};

/// How many characters of the item list are kept for the order list.
const SUMMARY_LENGTH: usize = 200;

/// The facts after `incoming` arrived over what was `stored`.
pub(super) fn merge(
    stored: Option<&OrderFacts>,
    incoming: &IncomingOrder,
    contact: Option<ContactId>,
    digest: &str,
) -> (OrderFacts, Option<Sum>) {
    let order = incoming.clone();
    let old = stored.cloned();
    let sum = totals::add_up(incoming);
    let minor =
        |field: Field<i64>, pick: fn(&OrderFacts) -> i64| field.over(stored.map(pick)).unwrap_or(0);
    let text = |field: Field<String>, pick: fn(&OrderFacts) -> &Option<String>| {
        field.over(stored.and_then(|facts| pick(facts).clone()))
    };
    let json = |field: &Field<Address>, pick: fn(&OrderFacts) -> &Option<String>| {
        let written = field
            .clone()
            .map(|address| serde_json::to_string(&address).unwrap_or_default());
        written.over(stored.and_then(|facts| pick(facts).clone()))
    };
    let shipping_address = json(&order.shipping_address, |facts| &facts.shipping_address);
    let billing_address = json(&order.billing_address, |facts| &facts.billing_address);
    let total = order
        .total
        .clone()
        .over(stored.map(|facts| facts.total_minor))
        .or(sum.map(|sum| sum.added))
        .unwrap_or(0);
    let (items_summary, item_count) = items(incoming).unwrap_or_else(|| {
        old.as_ref().map_or_else(Default::default, |facts| {
            (facts.items_summary.clone(), facts.item_count)
        })
    });
    let kept_sum = |pick: fn(&OrderFacts) -> i64| stored.map_or(0, pick);
    let facts = OrderFacts {
        name: order
            .name
            .over(old.as_ref().map(|facts| facts.name.clone()))
            .unwrap_or_else(|| incoming.external_id.clone()),
        source_updated_at: order.source_updated_at,
        source_triggered_at: order.source_triggered_at,
        source_digest: digest.to_owned(),
        contact_id: contact.or(old.as_ref().and_then(|facts| facts.contact_id)),
        customer_name: customer_name(incoming, shipping_address.as_deref())
            .or(old.as_ref().and_then(|facts| facts.customer_name.clone())),
        email: text(order.email, |facts| &facts.email),
        phone: text(order.phone, |facts| &facts.phone),
        ship_city: super::address(shipping_address.as_deref()).short(),
        billing_address,
        shipping_address,
        currency: order.currency,
        presentment_currency: order.presentment_currency,
        taxes_included: order
            .taxes_included
            .over(old.as_ref().map(|facts| facts.taxes_included))
            .unwrap_or(false),
        subtotal_minor: minor(order.subtotal, |facts| facts.subtotal_minor),
        discount_minor: minor(order.discount, |facts| facts.discount_minor),
        shipping_minor: minor(order.shipping, |facts| facts.shipping_minor),
        tax_minor: minor(order.tax, |facts| facts.tax_minor),
        total_minor: total,
        presentment_total_minor: order
            .presentment_total
            .over(old.as_ref().map(|facts| facts.presentment_total_minor))
            .unwrap_or(total),
        current_total_minor: order
            .current_total
            .over(old.as_ref().map(|facts| facts.current_total_minor))
            .unwrap_or(total),
        outstanding_minor: order
            .outstanding
            .over(old.as_ref().and_then(|facts| facts.outstanding_minor)),
        added_total_minor: sum.map_or(kept_sum(|facts| facts.added_total_minor), |sum| sum.added),
        totals_check: sum.map_or(
            old.as_ref()
                .map_or(TotalsCheck::NotDerivable, |facts| facts.totals_check),
            |sum| sum.check,
        ),
        payment_state: order
            .payment_state
            .over(old.as_ref().map(|facts| facts.payment_state))
            .unwrap_or(PaymentState::Pending),
        fulfilled_at_source: order
            .fulfilled
            .over(old.as_ref().map(|facts| facts.fulfilled_at_source))
            .unwrap_or(false),
        shipping_method: shipping_method(incoming)
            .over(old.as_ref().and_then(|facts| facts.shipping_method.clone())),
        items_summary,
        item_count,
        note: text(order.note, |facts| &facts.note),
        attributes: text(
            order
                .attributes
                .map(|pairs| serde_json::to_string(&pairs).unwrap_or_default()),
            |facts| &facts.attributes,
        ),
        tags: text(order.tags, |facts| &facts.tags),
        gateways: text(order.gateways, |facts| &facts.gateways),
        test: order
            .test
            .over(old.as_ref().map(|facts| facts.test))
            .unwrap_or(false),
        placed_at: order
            .placed_at
            .over(old.as_ref().map(|facts| facts.placed_at))
            .unwrap_or(order.source_updated_at),
        cancelled_at: order
            .cancelled_at
            .over(old.as_ref().and_then(|facts| facts.cancelled_at)),
        cancel_reason: text(order.cancel_reason, |facts| &facts.cancel_reason),
        flags: (!order.flags.is_empty()).then(|| order.flags.join("\n")),
    };
    (facts, sum)
}

fn customer_name(incoming: &IncomingOrder, shipping_address: Option<&str>) -> Option<String> {
    let customer = incoming.customer.value();
    let address = super::address(shipping_address);
    customer
        .and_then(|customer| customer.full_name())
        .or(address.name)
        .or(address.company)
        .or_else(|| customer.and_then(|customer| customer.email.clone()))
}

fn shipping_method(incoming: &IncomingOrder) -> Field<String> {
    let Some(charges) = &incoming.charges else {
        return Field::Absent;
    };
    charges
        .iter()
        .find(|charge| charge.kind == super::incoming::ChargeKind::Shipping)
        .map_or(Field::Null, |charge| Field::Value(charge.title.clone()))
}

/// `Sencha 100 g ×2, Glass Teapot` and how many pieces that is.
fn items(incoming: &IncomingOrder) -> Option<(String, i64)> {
    let lines = incoming.lines.as_ref()?;
    let mut words = Vec::new();
    let mut count: i64 = 0;
    for line in lines.iter().filter(|line| line.current_quantity > 0) {
        count = count.saturating_add(line.current_quantity);
        let name = label(&line.title, line.variant_title.as_deref());
        words.push(match line.current_quantity {
            1 => name,
            several => format!("{name} ×{several}"),
        });
    }
    let summary = words.join(", ");
    let summary = match summary.char_indices().nth(SUMMARY_LENGTH) {
        Some((end, _sign)) => format!("{}…", &summary[..end]),
        None => summary,
    };
    Some((summary, count))
}
