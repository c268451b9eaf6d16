//! Webhook subscriptions: what a subscriber hears, when, and in which order it is put on its way.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::model::{Delivery, DeliveryState, Subscription};
use super::state::State;
use super::{Misbehaviour, misbehaviour, payloads};

/// How long a delivery that is told to be late waits.
const DELAY_SECS: i64 = 30;
/// How long held deliveries wait for enough others to change places with.
const HOLD_SECS: i64 = 3;
/// So many finished deliveries are kept to be looked at.
const KEPT: usize = 1000;

/// `orders/create` as the enum spells it.
pub(super) fn enum_name(topic: &str) -> String {
    topic.replace('/', "_").to_uppercase()
}

/// The scopes of which one is needed to subscribe to a topic (empty: none is).
pub(super) fn scopes_for(topic: &str) -> &'static [&'static str] {
    const FULFILLMENT_ORDERS: &[&str] = &[
        "read_merchant_managed_fulfillment_orders",
        "read_assigned_fulfillment_orders",
        "read_third_party_fulfillment_orders",
    ];
    let table: &[(&str, &'static [&'static str])] = &[
        ("FULFILLMENT_ORDERS_", FULFILLMENT_ORDERS),
        ("FULFILLMENT_HOLDS_", FULFILLMENT_ORDERS),
        (
            "FULFILLMENTS_",
            &["read_fulfillments", "read_marketplace_orders"],
        ),
        ("FULFILLMENT_EVENTS_", &["read_fulfillments"]),
        ("ORDERS_", &["read_orders", "read_marketplace_orders"]),
        ("REFUNDS_", &["read_orders"]),
        ("ORDER_TRANSACTIONS_", &["read_orders"]),
        ("TENDER_TRANSACTIONS_", &["read_orders"]),
        ("CUSTOMERS_MERGE", &["read_customer_merge"]),
        ("CUSTOMERS_", &["read_customers"]),
        ("PRODUCTS_", &["read_products"]),
        ("INVENTORY_LEVELS_", &["read_inventory"]),
        ("INVENTORY_ITEMS_", &["read_inventory", "read_products"]),
        ("RETURNS_", &["read_returns"]),
        ("LOCATIONS_", &["read_locations"]),
        ("DRAFT_ORDERS_", &["read_draft_orders"]),
        ("PAYMENT_TERMS_", &["read_payment_terms"]),
    ];
    table
        .iter()
        .find(|(start, _)| topic.starts_with(start))
        .map_or(&[], |(_, scopes)| scopes)
}

/// Topics with the order as their body.
pub(super) fn order(state: &mut State, order_id: u64, topics: &[&str], now: Timestamp) {
    let Some(order) = state.orders.get(order_id) else {
        return;
    };
    let body = payloads::order(state, order);
    let event_id = uuid::Uuid::new_v4().to_string();
    for topic in topics {
        enqueue(state, topic, &body, &event_id, now);
    }
}

fn single(state: &mut State, topic: &str, body: &Value, now: Timestamp) {
    enqueue(state, topic, body, &uuid::Uuid::new_v4().to_string(), now);
}

pub(super) fn order_edited(
    state: &mut State,
    order_id: u64,
    deltas: &[(u64, i64)],
    now: Timestamp,
) {
    let id = state.id();
    let body = payloads::order_edit(id, order_id, deltas, now);
    single(state, "orders/edited", &body, now);
}

pub(super) fn refund(state: &mut State, order_id: u64, refund_id: u64, now: Timestamp) {
    let Some(order) = state.orders.get(order_id) else {
        return;
    };
    let Some(refund) = order.refunds.iter().find(|one| one.id == refund_id) else {
        return;
    };
    let body = payloads::refund(order, refund);
    single(state, "refunds/create", &body, now);
}

pub(super) fn returned(state: &mut State, order_id: u64, id: u64, topic: &str, now: Timestamp) {
    let Some(order) = state.orders.get(order_id) else {
        return;
    };
    let Some(one) = order.returns.iter().find(|one| one.id == id) else {
        return;
    };
    let body = payloads::returned(order, one, topic);
    single(state, topic, &body, now);
}

pub(super) fn fulfillment(state: &mut State, order_id: u64, id: u64, topic: &str, now: Timestamp) {
    let Some(order) = state.orders.get(order_id) else {
        return;
    };
    let Some(one) = order.fulfillments.iter().find(|one| one.id == id) else {
        return;
    };
    let body = payloads::fulfillment(order, one);
    single(state, topic, &body, now);
}

pub(super) fn fulfillment_order(state: &mut State, id: u64, topic: &str, now: Timestamp) {
    let Some(body) = payloads::fulfillment_order(state, id) else {
        return;
    };
    single(state, topic, &body, now);
}

pub(super) fn fulfillment_order_moved(
    state: &mut State,
    ids: (u64, u64),
    location_id: u64,
    now: Timestamp,
) {
    let body = payloads::fulfillment_order_moved(state, ids, location_id);
    single(state, "fulfillment_orders/moved", &body, now);
}

pub(super) fn fulfillment_order_split(state: &mut State, ids: (u64, u64), now: Timestamp) {
    let body = payloads::fulfillment_order_split(state, ids);
    single(state, "fulfillment_orders/split", &body, now);
}

pub(super) fn risk(state: &mut State, order_id: u64, level: &str, now: Timestamp) {
    let Some(order) = state.orders.get(order_id) else {
        return;
    };
    let body = payloads::risk(order, level);
    single(state, "orders/risk_assessment_changed", &body, now);
}

pub(super) fn customer_deleted(state: &mut State, id: u64, now: Timestamp) {
    let body = payloads::customer_deleted(id);
    single(state, "customers/delete", &body, now);
}

pub(super) fn customers_merged(state: &mut State, kept: u64, gone: u64, now: Timestamp) {
    let body = payloads::customers_merged(kept, gone);
    single(state, "customers/merge", &body, now);
}

pub(super) fn customer(state: &mut State, id: u64, topic: &str, now: Timestamp) {
    let Some(customer) = state.customers.get(id) else {
        return;
    };
    let body = payloads::customer(customer, true);
    single(state, topic, &body, now);
}

pub(super) fn product(state: &mut State, id: u64, topic: &str, now: Timestamp) {
    let Some(product) = state.products.get(id) else {
        return;
    };
    let body = payloads::product(product, &state.site);
    single(state, topic, &body, now);
}

pub(super) fn product_deleted(state: &mut State, id: u64, now: Timestamp) {
    single(state, "products/delete", &json!({ "id": id }), now);
}

pub(super) fn inventory_level(
    state: &mut State,
    variant_id: u64,
    location_id: u64,
    now: Timestamp,
) {
    let Some((_, variant)) = state.variant(variant_id) else {
        return;
    };
    let Some(level) = variant.levels.get(&location_id) else {
        return;
    };
    let body = payloads::inventory_level(variant.inventory_item_id, location_id, level);
    single(state, "inventory_levels/update", &body, now);
}

pub(super) fn uninstalled(state: &mut State, shop_domain: &str, now: Timestamp) {
    let body = payloads::shop(state, shop_domain);
    single(state, "app/uninstalled", &body, now);
}

/// A bulk operation that ends at `done_at`.
pub(super) fn bulk_finished(state: &mut State, id: u64, now: Timestamp, done_at: Timestamp) {
    let body = payloads::bulk_operation(id, now, done_at);
    let before = state.deliveries.ids();
    single(state, "bulk_operations/finish", &body, now);
    for delivery in state.deliveries.ids() {
        if !before.contains(&delivery)
            && let Some(one) = state.deliveries.get_mut(delivery)
        {
            one.due = one.due.max(done_at);
        }
    }
}

/// Puts one message on its way to everyone who asked for its topic.
fn enqueue(state: &mut State, topic: &str, body: &Value, event_id: &str, now: Timestamp) {
    let wanted = enum_name(topic);
    let subscriptions: Vec<Subscription> = state
        .subscriptions
        .iter()
        .filter(|one| one.topic == wanted && one.uri.starts_with("http"))
        .cloned()
        .collect();
    for subscription in subscriptions {
        let delivery = Delivery {
            id: state.id(),
            webhook_id: uuid::Uuid::new_v4().to_string(),
            event_id: event_id.to_owned(),
            subscription_id: subscription.id,
            topic: topic.to_owned(),
            uri: subscription.uri.clone(),
            name: subscription.name.clone(),
            api_version: subscription.api_version.clone(),
            body: written(body, &subscription.include_fields),
            triggered_at: now,
            attempts: 0,
            due: now,
            held: false,
            state: DeliveryState::Pending,
            answer: None,
        };
        misbehave(state, delivery, now);
    }
    forget_old(state);
}

/// JSON as Shopify writes it, with `/`, `&`, `<` and `>` escaped: whoever re-serialises loses the signature.
fn written(body: &Value, include_fields: &[String]) -> String {
    let mut body = body.clone();
    if let (Some(map), false) = (body.as_object_mut(), include_fields.is_empty()) {
        map.retain(|key, _| {
            include_fields
                .iter()
                .any(|field| field.split('.').next() == Some(key.as_str()))
        });
    }
    body.to_string()
        .replace('/', "\\/")
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
}

/// Loses, delays, doubles or reorders a delivery when the switchboard says so.
fn misbehave(state: &mut State, mut delivery: Delivery, now: Timestamp) {
    if misbehaviour::strikes(state, Misbehaviour::DropWebhooks) {
        delivery.state = DeliveryState::Dropped;
    } else if misbehaviour::strikes(state, Misbehaviour::DelayWebhooks) {
        delivery.due = later(now, DELAY_SECS);
    } else if misbehaviour::strikes(state, Misbehaviour::DuplicateWebhooks) {
        let twin = Delivery {
            id: state.id(),
            ..delivery.clone()
        };
        state.deliveries.insert(twin.id, twin);
    } else if misbehaviour::strikes(state, Misbehaviour::ReorderWebhooks) {
        delivery.held = true;
        delivery.due = later(now, HOLD_SECS);
    }
    state.deliveries.insert(delivery.id, delivery);
    if state
        .meta
        .misbehaviours
        .contains_key(&Misbehaviour::ReorderWebhooks)
    {
        return;
    }
    // The last one that was to change places is there: now all of them may go, newest first.
    let held: Vec<u64> = state
        .deliveries
        .iter()
        .filter(|one| one.held && one.state == DeliveryState::Pending)
        .map(|one| one.id)
        .collect();
    if held.len() > 1 {
        for id in held {
            if let Some(one) = state.deliveries.get_mut(id) {
                one.due = now;
            }
        }
    }
}

/// `now` and so many seconds.
pub(super) fn later(now: Timestamp, secs: i64) -> Timestamp {
    now.checked_add(jiff::SignedDuration::from_secs(secs))
        .unwrap_or(now)
}

fn forget_old(state: &mut State) {
    let finished: Vec<u64> = state
        .deliveries
        .iter()
        .filter(|one| one.state != DeliveryState::Pending)
        .map(|one| one.id)
        .collect();
    for id in finished.iter().take(finished.len().saturating_sub(KEPT)) {
        state.deliveries.remove(*id);
    }
}

/// As the outside sees it.
pub(super) fn shown(one: &Delivery) -> super::WebhookDelivery {
    super::WebhookDelivery {
        webhook_id: one.webhook_id.clone(),
        event_id: one.event_id.clone(),
        topic: one.topic.clone(),
        uri: one.uri.clone(),
        body: one.body.clone(),
        triggered_at: one.triggered_at,
        state: match one.state {
            DeliveryState::Pending => "pending",
            DeliveryState::Delivered => "delivered",
            DeliveryState::GivenUp => "given up",
            DeliveryState::Dropped => "dropped",
        },
        attempts: one.attempts,
        answer: one.answer.clone(),
    }
}
