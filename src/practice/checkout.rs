//! A customer checks out: the cart becomes an order that adds up to the cent.

use jiff::Timestamp;

use super::kinds::{self, Buyer, Cart, Good, Payment, What};
use super::model::{Customer, Line, Order, ShippingLine, Tax, Transaction};
use super::money::Amount;
use super::state::State;
use super::totals::{self, totals};
use super::{OrderKind, PlacedOrder, fulfillments, routing, webhooks};

/// A customer checks out.
pub(super) fn place(state: &mut State, kind: OrderKind, now: Timestamp) -> PlacedOrder {
    let turn = state.meta.orders_placed;
    state.meta.orders_placed += 1;
    let cart = kinds::cart(state, kind, turn);
    let customer_id = cart.buyer.as_ref().map(|buyer| customer(state, buyer, now));
    let mut order = blank(state, kind, &cart, customer_id, now);
    fill(state, &mut order, &cart);
    pay_at_checkout(state, &mut order, &cart, now);
    routing::route(state, &mut order, now);
    if kind == OrderKind::PointOfSale {
        fulfillments::hand_over(state, &mut order, now);
    }
    let placed = PlacedOrder {
        id: order.id,
        name: order.name(),
    };
    let paid = totals::financial_status(&order) == "paid";
    state.orders.insert(order.id, order);
    webhooks::order(
        state,
        placed.id,
        if paid {
            &["orders/create", "orders/paid"]
        } else {
            &["orders/create"]
        },
        now,
    );
    routing::announce_levels(state, placed.id, now);
    placed
}

fn blank(
    state: &mut State,
    kind: OrderKind,
    cart: &Cart,
    customer_id: Option<u64>,
    now: Timestamp,
) -> Order {
    let number = state.meta.next_order_number;
    state.meta.next_order_number += 1;
    let id = if number.is_multiple_of(3) {
        state.large_id()
    } else {
        state.id()
    };
    let address = cart.buyer.as_ref().map(|buyer| buyer.address.clone());
    Order {
        id,
        number,
        confirmation_number: format!("FT{:07}", number * 7919 % 10_000_000),
        token: format!("{:032x}", u128::from(id) * 0x9e37_79b9_7f4a_7c15),
        kind,
        created_at: now,
        updated_at: now,
        cancelled_at: None,
        cancel_reason: None,
        closed_at: None,
        currency: "USD".to_owned(),
        presentment_currency: cart.presentment.0.to_owned(),
        rate_ppm: cart.presentment.1,
        taxes_included: cart.taxes_included,
        email: cart.buyer.as_ref().map(|buyer| buyer.email.clone()),
        phone: None,
        note: cart.note.map(str::to_owned),
        attributes: cart.attributes.clone(),
        tags: cart.tags.clone(),
        source_name: cart.source_name.to_owned(),
        locale: cart
            .buyer
            .as_ref()
            .map_or("en", |buyer| buyer.locale)
            .to_owned(),
        retail_location_id: (cart.source_name == "pos").then(|| state.primary_location()),
        customer_id,
        shipping_address: cart
            .shipping
            .and(address.clone())
            .filter(|_| cart.handover != "PICK_UP"),
        billing_address: address,
        lines: Vec::new(),
        shipping: Vec::new(),
        discount: cart.discount.clone(),
        gateway: None,
        transactions: Vec::new(),
        refunds: Vec::new(),
        returns: Vec::new(),
        fulfillments: Vec::new(),
        fulfillment_orders: Vec::new(),
        risk: cart.risk,
        handover: cart.handover.to_owned(),
        edited: false,
    }
}

/// Finds the customer by e-mail or writes down a new one.
fn customer(state: &mut State, buyer: &Buyer, now: Timestamp) -> u64 {
    if let Some(known) = state
        .customers
        .iter()
        .find(|one| one.email.as_ref() == Some(&buyer.email))
    {
        return known.id;
    }
    let (id, address_id) = (state.id(), state.id());
    let customer = Customer {
        id,
        address_id,
        first_name: buyer.address.first_name.clone().unwrap_or_default(),
        last_name: buyer.address.last_name.clone().unwrap_or_default(),
        email: Some(buyer.email.clone()),
        phone: None,
        locale: buyer.locale.to_owned(),
        address: buyer.address.clone(),
        note: None,
        tags: Vec::new(),
        email_consent: None,
        created_at: now,
        updated_at: now,
    };
    state.customers.insert(id, customer);
    webhooks::customer(state, id, "customers/create", now);
    id
}

fn fill(state: &mut State, order: &mut Order, cart: &Cart) {
    for good in &cart.goods {
        let line = line(state, good, order.rate_ppm);
        order.lines.push(line);
    }
    discount(order);
    if let Some((title, rate_ppm)) = cart.tax {
        for line in order.lines.iter_mut().filter(|line| line.taxable) {
            let base = line.price.times(line.quantity) - line.discount;
            line.tax = Some(tax(title, rate_ppm, base, cart.taxes_included));
        }
    }
    if let Some((title, cents)) = cart.shipping {
        let price = Amount::convert(cents, order.rate_ppm);
        let taxed = cart.tax.filter(|_| cart.taxes_included);
        order.shipping.push(ShippingLine {
            id: state.id(),
            title: title.to_owned(),
            price,
            tax: taxed.map(|(title, rate_ppm)| tax(title, rate_ppm, price, true)),
        });
    }
    if let Some(cents) = cart.tip {
        let mut line = line(
            state,
            &Good {
                what: What::Custom("Tip", cents, 0),
                quantity: 1,
                properties: Vec::new(),
            },
            order.rate_ppm,
        );
        (line.tip, line.requires_shipping, line.taxable) = (true, false, false);
        order.lines.push(line);
    }
}

/// Spreads the code's percentage over the lines; the last one takes the odd cents.
fn discount(order: &mut Order) {
    let Some(discount) = &order.discount else {
        return;
    };
    let ppm = discount.percent * 10_000;
    let gross: Amount = order
        .lines
        .iter()
        .map(|line| line.price.times(line.quantity))
        .sum();
    let mut left = gross.share(ppm);
    let last = order.lines.len().saturating_sub(1);
    for (nth, line) in order.lines.iter_mut().enumerate() {
        let part = line.price.times(line.quantity).share(ppm);
        line.discount = if nth == last { left } else { part };
        left = left - line.discount;
    }
}

pub(super) fn tax(title: &str, rate_ppm: i64, base: Amount, included: bool) -> Tax {
    let amount = if included {
        base.included_tax(rate_ppm)
    } else {
        base.share(rate_ppm)
    };
    Tax {
        title: title.to_owned(),
        rate_ppm,
        amount,
    }
}

pub(super) fn line(state: &mut State, good: &Good, rate_ppm: i64) -> Line {
    let id = state.large_id();
    let found = match good.what {
        What::Variant(variant_id) => state.variant(variant_id),
        What::Custom(..) => None,
    };
    let (title, cents, grams) = match (good.what_custom(), found) {
        (Some(custom), _) => custom,
        (None, Some((product, variant))) => (product.title.clone(), variant.price, variant.grams),
        (None, None) => ("Removed product".to_owned(), 0, 0),
    };
    let variant = found.map(|(_, variant)| variant);
    Line {
        id,
        product_id: found.map(|(product, _)| product.id),
        variant_id: variant.map(|one| one.id),
        inventory_item_id: variant.map(|one| one.inventory_item_id),
        sku: variant.and_then(|one| one.sku.clone()),
        title,
        variant_title: variant
            .map(|one| one.title.clone())
            .filter(|title| title != "Default Title"),
        vendor: found.map(|(product, _)| product.vendor.clone()),
        quantity: good.quantity,
        removed: 0,
        price: Amount::convert(cents, rate_ppm),
        discount: Amount::default(),
        tax: None,
        requires_shipping: variant.is_none_or(|one| one.requires_shipping),
        taxable: variant.is_none_or(|one| one.taxable),
        gift_card: found.is_some_and(|(product, _)| product.is_gift_card),
        tip: false,
        grams,
        properties: good.properties.clone(),
    }
}

impl Good {
    fn what_custom(&self) -> Option<(String, i64, u32)> {
        match self.what {
            What::Custom(title, cents, grams) => Some((title.to_owned(), cents, grams)),
            What::Variant(_) => None,
        }
    }
}

fn pay_at_checkout(state: &mut State, order: &mut Order, cart: &Cart, now: Timestamp) {
    let (kind, status, gateway) = match cart.payment {
        Payment::Paid if cart.source_name == "pos" => ("sale", "success", "cash"),
        Payment::Paid => ("sale", "success", "shopify_payments"),
        Payment::Authorized => ("authorization", "success", "shopify_payments"),
        Payment::Pending => ("sale", "pending", "Bank Deposit"),
        Payment::Nothing => return,
    };
    order.gateway = Some(gateway.to_owned());
    let amount = totals(order).total;
    let one = transaction(state, (kind, status, gateway), amount, None, now);
    order.transactions.push(one);
}

pub(super) fn transaction(
    state: &mut State,
    what: (&str, &str, &str),
    amount: Amount,
    parent_id: Option<u64>,
    now: Timestamp,
) -> Transaction {
    let (kind, status, gateway) = what;
    Transaction {
        id: state.id(),
        kind: kind.to_owned(),
        status: status.to_owned(),
        gateway: gateway.to_owned(),
        amount,
        parent_id,
        created_at: now,
    }
}
