//! From what came in to what is stored about an order: absent keeps, null empties, a value replaces.
use super::incoming::{Arrival, ChargeKind, IncomingOrder, PaymentState, label};
use super::queries::OrderFacts;
use super::totals::{self, Sums, TotalsCheck};
use crate::types::{Dual, Field};

/// How many characters of the item list are kept for the order list.
const SUMMARY_LENGTH: usize = 200;

/// The facts after an order arrived over what was `stored`.
pub(super) fn merge(
    stored: Option<&OrderFacts>,
    arrival: &Arrival<'_>,
) -> (OrderFacts, Option<Sums>) {
    let incoming = arrival.order;
    let sums = totals::add_up(incoming);
    let mut facts = stored
        .cloned()
        .unwrap_or_else(|| blank(incoming, sums.as_ref()));
    facts.source_updated_at = incoming.source_updated_at;
    facts.source_triggered_at = incoming.source_triggered_at;
    arrival.digest.clone_into(&mut facts.source_digest);
    facts.currency = incoming.currency;
    facts.presentment_currency = incoming.presentment_currency;
    facts.contact_id = arrival.contact.or(facts.contact_id);
    facts.flags = (!incoming.flags.is_empty()).then(|| incoming.flags.join("\n"));
    if let Some(sums) = &sums {
        facts.added_total_minor = sums.shop.added;
        facts.totals_check = sums.check;
    }
    take_amounts(&mut facts, incoming);
    take_people(&mut facts, incoming);
    take_words(&mut facts, incoming);
    take_state(&mut facts, incoming);
    if let Some((summary, count)) = items(incoming) {
        facts.items_summary = summary;
        facts.item_count = count;
    }
    (facts, sums)
}

/// A new order before it says anything: what is absent from it stays like this.
fn blank(incoming: &IncomingOrder, sums: Option<&Sums>) -> OrderFacts {
    let added = sums.map_or(0, |sums| sums.shop.added);
    let told = incoming.ordered.total.value();
    let total = told.map_or(added, |total| total.shop.minor(incoming.currency));
    OrderFacts {
        name: incoming.external_id.clone(),
        source_updated_at: incoming.source_updated_at,
        source_triggered_at: incoming.source_triggered_at,
        source_digest: String::new(),
        contact_id: None,
        customer_name: None,
        email: None,
        phone: None,
        billing_address: None,
        shipping_address: None,
        ship_city: None,
        currency: incoming.currency,
        presentment_currency: incoming.presentment_currency,
        taxes_included: false,
        subtotal_minor: 0,
        discount_minor: 0,
        shipping_minor: 0,
        tax_minor: 0,
        total_minor: total,
        presentment_total_minor: total,
        current_total_minor: total,
        outstanding_minor: None,
        added_total_minor: added,
        totals_check: TotalsCheck::NotDerivable,
        payment_state: PaymentState::Pending,
        fulfilled_at_source: false,
        shipping_method: None,
        items_summary: String::new(),
        item_count: 0,
        note: None,
        attributes: None,
        tags: None,
        gateways: None,
        test: false,
        placed_at: incoming.source_updated_at,
        cancelled_at: None,
        cancel_reason: None,
        flags: None,
    }
}

fn take_amounts(facts: &mut OrderFacts, incoming: &IncomingOrder) {
    let (ordered, shop) = (&incoming.ordered, incoming.currency);
    for (field, slot) in [
        (&ordered.subtotal, &mut facts.subtotal_minor),
        (&ordered.discount, &mut facts.discount_minor),
        (&ordered.shipping, &mut facts.shipping_minor),
        (&ordered.tax, &mut facts.tax_minor),
        (&ordered.total, &mut facts.total_minor),
        (&incoming.now.total, &mut facts.current_total_minor),
    ] {
        // A total that Shopify leaves empty is no total of 0.
        if let Field::Value(Dual { shop: amount, .. }) = field {
            *slot = amount.minor(shop);
        }
    }
    if let Some(total) = ordered.total.value().and_then(|total| total.presentment) {
        facts.presentment_total_minor = total.minor(incoming.presentment_currency);
    }
    let outstanding = incoming.outstanding.clone();
    let outstanding = outstanding.map(|amount| amount.shop.minor(shop));
    keep(&outstanding, &mut facts.outstanding_minor);
}

fn take_people(facts: &mut OrderFacts, incoming: &IncomingOrder) {
    keep(
        &written(&incoming.billing_address),
        &mut facts.billing_address,
    );
    keep(
        &written(&incoming.shipping_address),
        &mut facts.shipping_address,
    );
    let address = super::address(facts.shipping_address.as_deref());
    facts.ship_city = address.short();
    keep(&incoming.email, &mut facts.email);
    keep(&incoming.phone, &mut facts.phone);
    let customer = incoming.customer.value();
    let name = customer
        .and_then(|customer| customer.full_name())
        .or(address.name)
        .or(address.company)
        .or_else(|| customer.and_then(|customer| customer.email.clone()));
    facts.customer_name = name.or_else(|| facts.customer_name.take());
}

fn take_words(facts: &mut OrderFacts, incoming: &IncomingOrder) {
    if let Field::Value(name) = &incoming.name {
        name.clone_into(&mut facts.name);
    }
    keep(&incoming.note, &mut facts.note);
    keep(&written(&incoming.attributes), &mut facts.attributes);
    keep(&incoming.tags, &mut facts.tags);
    keep(&incoming.gateways, &mut facts.gateways);
    keep(&incoming.cancel_reason, &mut facts.cancel_reason);
    keep(&shipping_method(incoming), &mut facts.shipping_method);
}

fn take_state(facts: &mut OrderFacts, incoming: &IncomingOrder) {
    if let Field::Value(state) = incoming.payment_state {
        facts.payment_state = state;
    }
    if let Field::Value(at) = incoming.placed_at {
        facts.placed_at = at;
    }
    for (field, slot) in [
        (&incoming.fulfilled, &mut facts.fulfilled_at_source),
        (&incoming.taxes_included, &mut facts.taxes_included),
        (&incoming.test, &mut facts.test),
    ] {
        match field {
            Field::Value(is) => *slot = *is,
            Field::Null => *slot = false,
            Field::Absent => {}
        }
    }
    keep(&incoming.cancelled_at, &mut facts.cancelled_at);
}

fn keep<T: Clone>(field: &Field<T>, slot: &mut Option<T>) {
    *slot = field.clone().over(slot.take());
}

fn written<T: Clone + serde::Serialize>(field: &Field<T>) -> Field<String> {
    field
        .clone()
        .map(|value| serde_json::to_string(&value).unwrap_or_default())
}

fn shipping_method(incoming: &IncomingOrder) -> Field<String> {
    let Some(charges) = &incoming.charges else {
        return Field::Absent;
    };
    charges
        .iter()
        .find(|charge| charge.kind == ChargeKind::Shipping && !charge.removed)
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
