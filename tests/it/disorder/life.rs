//! What a store tells of an order from its first day to its last: every topic an order has, as Shopify spells it.

use counterfoil::shopify::topics::{self, Subject, TOPICS};
use counterfoil::types::At;
use serde_json::{Value, json};

/// One message of the store.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) topic: &'static str,
    pub(super) webhook_id: String,
    /// Shared by the topics that tell of one action.
    pub(super) event_id: String,
    /// When the store sent it.
    pub(super) sent_at: String,
    pub(super) body: Vec<u8>,
    /// How new the state is that it carries: when it was changed, then when it was sent.
    pub(super) version: Option<(At, At)>,
}

impl Message {
    pub(super) fn is_deletion(&self) -> bool {
        let rule = topics::rule(self.topic);
        rule.is_some_and(|rule| rule.destructive.is_some())
    }

    pub(super) fn is_refund(&self) -> bool {
        self.topic == "refunds/create"
    }

    pub(super) fn is_fulfillment(&self) -> bool {
        self.topic.starts_with("fulfillments/")
    }

    /// The fulfilments that it tells of, by their ids.
    pub(super) fn fulfillments(&self) -> Vec<u64> {
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        let listed = if self.is_fulfillment() {
            vec![body]
        } else {
            body["fulfillments"].as_array().cloned().unwrap_or_default()
        };
        listed.iter().filter_map(|one| one["id"].as_u64()).collect()
    }

    /// Whether it is an order that brings its refund along.
    pub(super) fn brings_refund(&self) -> bool {
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        body["refunds"].as_array().is_some_and(|it| !it.is_empty())
    }
}

/// A variant that the store sells: its own number and its product's.
pub(super) type Variant = (String, String);

/// How an order ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Everything happened to it: shipped, taken back, cancelled and deleted.
    Deleted,
    PartShipped,
    Paid,
    Cancelled,
}

/// The messages of one order, in the order in which things happened.
pub(super) fn told(order: u64, end: End, variants: &[Variant; 2]) -> Vec<Message> {
    let mut life = Life::begin(order, variants);
    let mut rest = routing_topics();
    life.state(&["orders/create"]);
    life.routing(&mut rest, 4);
    // Webhooks carry whole seconds: this one happened in the same.
    life.same_second(|body| body["note"] = json!("ring twice"));
    life.state(&["orders/updated"]);
    if end == End::Cancelled {
        life.cancel();
        return life.end();
    }
    life.change(|body| body["financial_status"] = json!("paid"));
    life.state(&["orders/paid", "orders/updated"]);
    life.of_order("orders/risk_assessment_changed", 0);
    life.change(|body| body["shipping_address"]["address1"] = json!("Gartenweg 3"));
    life.state(&["orders/updated"]);
    life.change(|body| {
        body["customer"]["first_name"] = json!("Adele");
        body["line_items"][0]["current_quantity"] = json!(2);
    });
    life.edited();
    life.state(&["orders/updated"]);
    if end == End::Paid {
        return life.end();
    }
    life.routing(&mut rest, 4);
    life.change(|body| {
        body["fulfillment_status"] = json!("partial");
        body["fulfillments"] = json!([fulfillment(order, 1, "success", (1, 1))]);
    });
    life.of_order("fulfillments/create", 1);
    life.state(&["orders/partially_fulfilled", "orders/updated"]);
    life.of_order("fulfillments/update", 1);
    life.change(|body| {
        body["financial_status"] = json!("partially_refunded");
        body["line_items"][1]["current_quantity"] = json!(1);
        body["current_total_price"] = json!("44.98");
        body["refunds"] = json!([refund(order)]);
    });
    life.actions += 1;
    life.tell("refunds/create", refund(order), false);
    life.state(&["orders/updated"]);
    if end == End::PartShipped {
        return life.end();
    }
    life.change(|body| {
        body["fulfillment_status"] = json!("fulfilled");
        body["fulfillments"] = json!([
            fulfillment(order, 1, "success", (1, 1)),
            fulfillment(order, 2, "success", (1, 1)),
            fulfillment(order, 3, "success", (2, 1)),
        ]);
    });
    life.of_order("fulfillments/create", 3);
    life.state(&["orders/fulfilled", "orders/updated"]);
    life.change(|body| {
        body["fulfillment_status"] = Value::Null;
        for one in body["fulfillments"].as_array_mut().expect("a list") {
            one["status"] = json!("cancelled");
        }
    });
    life.of_order("fulfillments/update", 3);
    life.state(&["orders/updated"]);
    life.routing(&mut rest, usize::MAX);
    life.cancel();
    life.last_word();
    let gone = json!({ "id": order });
    life.second += 1;
    life.tell("orders/delete", gone, false);
    life.told
}

/// Every topic of the ways an order is routed, the old names as well.
fn routing_topics() -> Vec<&'static str> {
    TOPICS
        .iter()
        .filter(|rule| rule.subject == Subject::FulfillmentOrder)
        .map(|rule| rule.topic)
        .collect()
}

fn fulfillment(order: u64, number: u64, status: &str, (line, quantity): (u64, i64)) -> Value {
    let id = order * 100 + number;
    json!({
        "id": id,
        "admin_graphql_api_id": format!("gid://shopify/Fulfillment/{id}"),
        "status": status,
        "line_items": [{ "id": line_id(order, line), "quantity": quantity }],
    })
}

/// Money for a line that is not sent any more; the order tells of it as well.
fn refund(order: u64) -> Value {
    json!({
        "id": order * 100 + 7,
        "order_id": order,
        "created_at": "2026-11-21T10:00:20Z",
        "refund_line_items": [],
        "transactions": [],
    })
}

fn line_id(order: u64, line: u64) -> u64 {
    order * 10 + line
}

struct Life {
    order: u64,
    body: Value,
    /// When it last happened something, and so many tenths of it later.
    second: u32,
    tenths: u32,
    actions: u32,
    told: Vec<Message>,
}

impl Life {
    fn begin(order: u64, variants: &[Variant; 2]) -> Self {
        let text = include_str!("../../fixtures/shopify/orders_create.json");
        let mut body: Value = serde_json::from_str(text).expect("JSON");
        body["id"] = json!(order);
        body["admin_graphql_api_id"] = json!(format!("gid://shopify/Order/{order}"));
        body["name"] = json!(format!("#{order}"));
        body["email"] = json!(format!("ada{order}@example.com"));
        body["contact_email"] = body["email"].clone();
        body["financial_status"] = json!("pending");
        body["customer"]["id"] = json!(order);
        body["customer"]["admin_graphql_api_id"] = json!(format!("gid://shopify/Customer/{order}"));
        body["customer"]["email"] = body["email"].clone();
        let line = body["line_items"][0].clone();
        let lines = variants.iter().zip([(1, 3), (2, 2)]).map(
            |((variant, product), (number, quantity))| {
                let id = line_id(order, number);
                let mut line = line.clone();
                line["id"] = json!(id);
                line["admin_graphql_api_id"] = json!(format!("gid://shopify/LineItem/{id}"));
                line["variant_id"] = json!(variant);
                line["product_id"] = json!(product);
                line["quantity"] = json!(quantity);
                line["current_quantity"] = json!(quantity);
                line
            },
        );
        body["line_items"] = lines.collect();
        Self {
            order,
            body,
            second: 10,
            tenths: 1,
            actions: 0,
            told: Vec::new(),
        }
    }

    /// Something happens, a second after what happened last.
    fn change(&mut self, work: impl FnOnce(&mut Value)) {
        self.second += 1;
        self.tenths = 1;
        work(&mut self.body);
        self.body["customer"]["updated_at"] = json!(self.changed_at());
    }

    /// Something happens in the very second of what happened last.
    fn same_second(&mut self, work: impl FnOnce(&mut Value)) {
        self.tenths += 4;
        work(&mut self.body);
    }

    fn cancel(&mut self) {
        self.change(|body| {
            body["cancel_reason"] = json!("customer");
            body["cancelled_at"] = json!("2026-11-21T10:01:00Z");
        });
        self.state(&["orders/cancelled", "orders/updated"]);
    }

    /// One more change in the second of the last one, so that the end hangs on the order of the two.
    fn last_word(&mut self) {
        self.same_second(|body| body["tags"] = json!("done"));
        self.state(&["orders/updated"]);
    }

    fn end(mut self) -> Vec<Message> {
        self.last_word();
        self.told
    }

    fn changed_at(&self) -> String {
        format!("2026-11-21T10:00:{:02}Z", self.second)
    }

    fn sent_at(&self) -> String {
        format!(
            "2026-11-21T10:00:{:02}.{}00000000Z",
            self.second, self.tenths
        )
    }

    /// The whole order, under each topic that its last change has.
    fn state(&mut self, topics: &[&'static str]) {
        self.actions += 1;
        self.body["updated_at"] = json!(self.changed_at());
        for topic in topics {
            self.tell(topic, self.body.clone(), true);
        }
    }

    fn of_order(&mut self, topic: &'static str, number: u64) {
        self.actions += 1;
        let id = self.order * 100 + number;
        let body =
            json!({ "id": id, "order_id": self.order, "status": "success", "line_items": [] });
        self.tell(topic, body, false);
    }

    fn edited(&mut self) {
        self.actions += 1;
        let edit = json!({ "order_edit": { "id": self.order, "order_id": self.order } });
        self.tell("orders/edited", edit, false);
    }

    /// The next so many of the topics that tell where the order is packed.
    fn routing(&mut self, topics: &mut Vec<&'static str>, count: usize) {
        let order = self.order;
        for topic in topics.drain(..count.min(topics.len())) {
            self.actions += 1;
            let gid = format!("gid://shopify/FulfillmentOrder/{order}");
            let body = json!({ "fulfillment_order": { "id": gid, "status": "open" } });
            self.tell(topic, body, false);
        }
    }

    fn tell(&mut self, topic: &'static str, body: Value, is_state: bool) {
        let at = |text: String| At::parse(&text).expect("a moment");
        self.told.push(Message {
            topic,
            webhook_id: format!("{}-{}", self.order, self.told.len()),
            event_id: format!("{}-action-{}", self.order, self.actions),
            sent_at: self.sent_at(),
            body: serde_json::to_vec(&body).expect("JSON"),
            version: is_state.then(|| (at(self.changed_at()), at(self.sent_at()))),
        });
    }
}
