//! Webhook bodies, REST-shaped as Shopify sends them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::model::{
    Address, Customer, Fulfillment, Level, Line, Order, Product, Refund, Return, ShippingLine, Tax,
    Transaction, Variant,
};
use super::money::{Amount, number, rate, rest, rest_set};
use super::pictures;
use super::state::State;
use super::totals::{self, Totals, totals};

/// The zone of the store.
pub(super) const ZONE: &str = "America/Los_Angeles";

/// A time as the shop sees it: `2026-11-21T02:00:00-08:00`.
pub(super) fn time(at: Timestamp) -> String {
    let zone = TimeZone::get(ZONE).unwrap_or(TimeZone::UTC);
    at.to_zoned(zone)
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

fn maybe_time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::from(time(at)))
}

/// The id as GraphQL writes it.
pub(super) fn gid(kind: &str, id: u64) -> String {
    format!("gid://shopify/{kind}/{id}")
}

/// Writes amounts in the two currencies of an order.
struct Pen<'a>(&'a Order);

impl Pen<'_> {
    fn plain(&self, amount: Amount) -> Value {
        Value::from(rest(amount.shop, &self.0.currency))
    }

    fn set(&self, amount: Amount) -> Value {
        rest_set(amount, &self.0.currency, &self.0.presentment_currency)
    }

    /// `key` and `key_set` at once.
    fn both(&self, into: &mut Map<String, Value>, key: &str, amount: Amount) {
        into.insert(key.to_owned(), self.plain(amount));
        into.insert(format!("{key}_set"), self.set(amount));
    }
}

/// orders/create, updated, paid, cancelled, fulfilled, partially_fulfilled.
pub(super) fn order(state: &State, order: &Order) -> Value {
    let sums = totals(order);
    let mut body = Map::new();
    identity(&mut body, state, order);
    amounts(&mut body, order, &sums);
    people(&mut body, state, order);
    parts(&mut body, order);
    Value::Object(body)
}

fn merge(into: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        into.extend(more);
    }
}

fn identity(body: &mut Map<String, Value>, state: &State, order: &Order) {
    let web = order.source_name == "web";
    merge(
        body,
        json!({
            "id": order.id,
            "admin_graphql_api_id": gid("Order", order.id),
            "app_id": 580_111, "browser_ip": null, "buyer_accepts_marketing": false,
            "cancel_reason": order.cancel_reason.as_ref().map(|reason| reason.to_lowercase()),
            "cancelled_at": maybe_time(order.cancelled_at),
            "cart_token": null, "checkout_id": null, "checkout_token": null, "client_details": null,
            "closed_at": maybe_time(order.closed_at),
            "confirmation_number": order.confirmation_number,
            "confirmed": true,
            "created_at": time(order.created_at),
            "customer_locale": order.locale,
            "device_id": null,
        }),
    );
    merge(
        body,
        json!({
            "duties_included": false,
            "estimated_taxes": false,
            "financial_status": totals::financial_status(order),
            "fulfillment_status": totals::fulfillment_status(order),
            "landing_site": web.then_some("/"), "landing_site_ref": null,
            "location_id": order.retail_location_id,
            "merchant_business_entity_id": "MTI0MDEyMzQ1Njc", "merchant_of_record_app_id": null,
            "name": order.name(),
            "number": order.number - 1000,
            "order_number": order.number,
            "order_status_url": format!("https://practice-store.myshopify.com/{}/orders/{}/authenticate?key=p", state.meta.shop_id, order.token),
            "payment_gateway_names": order.gateway.iter().collect::<Vec<_>>(),
            "payment_terms": null, "po_number": null,
        }),
    );
    merge(
        body,
        json!({
            "processed_at": time(order.created_at),
            "reference": null, "referring_site": null,
            "source_identifier": null, "source_name": order.source_name, "source_url": null,
            "tags": order.tags.join(", "),
            "tax_exempt": false, "taxes_included": order.taxes_included,
            "test": false, "token": order.token,
            "updated_at": time(order.updated_at),
            "user_id": null,
            "note": order.note,
            "note_attributes": pairs(&order.attributes),
        }),
    );
}

fn amounts(body: &mut Map<String, Value>, order: &Order, sums: &Totals) {
    let pen = Pen(order);
    for (key, amount) in [
        ("current_subtotal_price", sums.current_subtotal),
        ("current_total_discounts", sums.current_discounts),
        ("current_total_price", sums.current_total),
        ("current_total_tax", sums.current_tax),
        ("subtotal_price", sums.subtotal),
        ("total_discounts", sums.discounts),
        ("total_line_items_price", sums.line_items),
        ("total_price", sums.total),
        ("total_tax", sums.tax),
    ] {
        pen.both(body, key, amount);
    }
    let weight: i64 = order
        .lines
        .iter()
        .map(|line| i64::from(line.grams) * line.quantity)
        .sum();
    merge(
        body,
        json!({
            "currency": order.currency,
            "presentment_currency": order.presentment_currency,
            "current_shipping_price_set": pen.set(sums.current_shipping),
            "current_total_additional_fees_set": null, "current_total_duties_set": null,
            "original_total_additional_fees_set": null, "original_total_duties_set": null,
            "total_cash_rounding_payment_adjustment_set": pen.set(Amount::default()),
            "total_cash_rounding_refund_adjustment_set": pen.set(Amount::default()),
            "total_outstanding": pen.plain(sums.outstanding),
            "total_shipping_price_set": pen.set(sums.shipping),
            "total_tip_received": pen.plain(sums.tip),
            "total_weight": weight,
            "tax_lines": totals::tax_lines(order, false).iter().map(|tax| tax_line(&pen, tax)).collect::<Vec<_>>(),
        }),
    );
}

fn people(body: &mut Map<String, Value>, state: &State, order: &Order) {
    merge(
        body,
        json!({
            "email": order.email.clone().unwrap_or_default(),
            "contact_email": order.email,
            "phone": order.phone,
            "customer": order.customer_id.and_then(|id| state.customers.get(id)).map(|one| customer(one, false)),
        }),
    );
    // Without an address the key itself is missing.
    for (key, found) in [
        ("billing_address", &order.billing_address),
        ("shipping_address", &order.shipping_address),
    ] {
        if let Some(found) = found {
            body.insert(key.to_owned(), address(found));
        }
    }
}

fn parts(body: &mut Map<String, Value>, order: &Order) {
    let pen = Pen(order);
    let discount: Vec<Value> = order.discount.iter().map(|discount| json!({
        "target_type": "line_item", "type": "discount_code", "value": format!("{}.0", discount.percent),
        "value_type": "percentage", "allocation_method": "across", "target_selection": "all", "code": discount.code,
    })).collect();
    let codes: Vec<Value> = order.discount.iter().map(|discount| json!({
        "code": discount.code, "amount": pen.plain(totals(order).discounts), "type": "percentage",
    })).collect();
    merge(
        body,
        json!({
            "discount_applications": discount,
            "discount_codes": codes,
            "line_items": order.lines.iter().map(|one| line(order, one, one.quantity)).collect::<Vec<_>>(),
            "shipping_lines": order.shipping.iter().map(|one| shipping_line(order, one)).collect::<Vec<_>>(),
            "fulfillments": order.fulfillments.iter().map(|one| fulfillment(order, one)).collect::<Vec<_>>(),
            "refunds": order.refunds.iter().map(|one| refund(order, one)).collect::<Vec<_>>(),
            "returns": [], "line_item_groups": [],
        }),
    );
}

fn pairs(list: &[(String, String)]) -> Vec<Value> {
    list.iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect()
}

fn tax_line(pen: &Pen<'_>, tax: &Tax) -> Value {
    json!({
        "title": tax.title, "price": pen.plain(tax.amount), "rate": rate(tax.rate_ppm),
        "price_set": pen.set(tax.amount), "channel_liable": false,
    })
}

fn line(order: &Order, line: &Line, quantity: i64) -> Value {
    let pen = Pen(order);
    let none = Amount::default();
    let allocations: Vec<Value> = (!line.discount.is_zero())
        .then(|| json!({"amount": pen.plain(line.discount), "discount_application_index": 0, "amount_set": pen.set(line.discount)}))
        .into_iter()
        .collect();
    let mut body = json!({
        "id": line.id, "admin_graphql_api_id": gid("LineItem", line.id), "attributed_staffs": [],
        "current_quantity": line.current_quantity(),
        "fulfillable_quantity": totals::fulfillable_quantity(order, line.id),
        "fulfillment_service": "manual",
        "fulfillment_status": totals::line_fulfillment_status(order, line),
        "gift_card": line.gift_card, "grams": line.grams, "name": line.name(),
        "price": pen.plain(line.price), "price_set": pen.set(line.price),
        "product_exists": line.product_id.is_some(), "product_id": line.product_id,
        "properties": pairs(&line.properties), "quantity": quantity,
        "requires_shipping": line.requires_shipping, "sales_line_item_group_id": null,
        "sku": line.sku, "taxable": line.taxable, "title": line.title,
        "total_discount": pen.plain(none), "total_discount_set": pen.set(none),
        "variant_id": line.variant_id,
        "variant_inventory_management": line.variant_id.filter(|_| line.requires_shipping).map(|_| "shopify"),
        "variant_title": line.variant_title, "vendor": line.vendor,
        "tax_lines": line.tax.iter().map(|tax| tax_line(&pen, tax)).collect::<Vec<_>>(),
        "duties": [], "discount_allocations": allocations,
    });
    if let (true, Some(map)) = (line.tip, body.as_object_mut()) {
        let method =
            json!({"id": null, "payment_gateway": order.gateway, "payment_method": "Other"});
        map.insert("tip".to_owned(), method);
    }
    body
}

fn shipping_line(order: &Order, line: &ShippingLine) -> Value {
    let pen = Pen(order);
    json!({
        "id": line.id, "carrier_identifier": null, "code": line.title,
        "current_discounted_price_set": pen.set(totals(order).current_shipping),
        "discounted_price": pen.plain(line.price), "discounted_price_set": pen.set(line.price),
        "is_removed": false, "phone": null, "price": pen.plain(line.price), "price_set": pen.set(line.price),
        "requested_fulfillment_service_id": null, "source": "shopify", "title": line.title,
        "tax_lines": line.tax.iter().map(|tax| tax_line(&pen, tax)).collect::<Vec<_>>(),
        "discount_allocations": [],
    })
}

fn address(address: &Address) -> Value {
    json!({
        "first_name": address.first_name, "last_name": address.last_name, "name": address.name(),
        "company": address.company, "address1": address.address1, "address2": address.address2,
        "city": address.city, "zip": address.zip, "province": address.province,
        "province_code": address.province_code, "country": address.country,
        "country_code": address.country_code, "phone": address.phone, "latitude": null, "longitude": null,
    })
}

/// customers/delete: the number, and what is left empty.
pub(super) fn customer_deleted(id: u64) -> Value {
    json!({
        "id": id, "admin_graphql_api_id": gid("Customer", id), "phone": null, "addresses": [],
        "tax_exemptions": [], "email_marketing_consent": null, "sms_marketing_consent": null,
    })
}

pub(super) fn customers_merged(kept: u64, gone: u64) -> Value {
    json!({
        "admin_graphql_api_customer_kept_id": gid("Customer", kept),
        "admin_graphql_api_customer_deleted_id": gid("Customer", gone),
        "admin_graphql_api_job_id": null, "status": "completed", "errors": [],
    })
}

/// customers/create, update (`full`), or the customer inside an order.
pub(super) fn customer(customer: &Customer, full: bool) -> Value {
    let mut home = address(&customer.address);
    if let Some(map) = home.as_object_mut() {
        merge(
            map,
            json!({
                "id": customer.address_id, "customer_id": customer.id,
                "country_name": customer.address.country, "default": true,
            }),
        );
    }
    let mut body = json!({
        "id": customer.id, "admin_graphql_api_id": gid("Customer", customer.id), "email": customer.email,
        "created_at": time(customer.created_at), "updated_at": time(customer.updated_at),
        "first_name": customer.first_name, "last_name": customer.last_name, "state": "disabled",
        "note": customer.note, "verified_email": true, "multipass_identifier": null, "tax_exempt": false,
        "phone": customer.phone, "currency": "USD", "tax_exemptions": [], "default_address": home,
    });
    if let (true, Some(map)) = (full, body.as_object_mut()) {
        map.insert("addresses".to_owned(), json!([home]));
    }
    body
}

/// fulfillments/create and update: here a line's quantity is what this fulfillment holds.
pub(super) fn fulfillment(order: &Order, one: &Fulfillment) -> Value {
    let lines: Vec<Value> = one
        .lines
        .iter()
        .filter_map(|piece| Some(line(order, order.line(piece.line_id)?, piece.quantity)))
        .collect();
    json!({
        "id": one.id, "admin_graphql_api_id": gid("Fulfillment", one.id), "order_id": order.id, "name": one.name,
        "status": if one.cancelled { "cancelled" } else { "success" }, "service": null,
        "created_at": time(one.created_at), "updated_at": time(one.updated_at),
        "tracking_company": one.tracking.company, "shipment_status": one.shipment_status,
        "location_id": one.location_id, "origin_address": null, "email": order.email.clone().unwrap_or_default(),
        "destination": order.shipping_address.as_ref().map(address), "line_items": lines,
        "tracking_number": one.tracking.numbers.first(), "tracking_numbers": one.tracking.numbers,
        "tracking_url": one.tracking.urls.first(), "tracking_urls": one.tracking.urls, "receipt": {},
    })
}

/// refunds/create.
pub(super) fn refund(order: &Order, refund: &Refund) -> Value {
    let pen = Pen(order);
    let lines: Vec<Value> = refund.lines.iter().filter_map(|one| Some(json!({
        "id": one.id, "quantity": one.quantity, "line_item_id": one.line_id, "location_id": one.location_id,
        "restock_type": one.restock_type,
        "subtotal": number(one.subtotal.shop, &order.currency), "total_tax": number(one.tax.shop, &order.currency),
        "subtotal_set": pen.set(one.subtotal), "total_tax_set": pen.set(one.tax),
        "line_item": line(order, order.line(one.line_id)?, order.line(one.line_id)?.quantity),
    }))).collect();
    let shipping: Vec<Value> = order.shipping.iter().filter(|_| !refund.shipping.is_zero()).map(|one| json!({
        "id": one.id + 1, "shipping_line_id": one.id, "subtotal_amount_set": pen.set(refund.shipping),
    })).collect();
    // What is given back beyond what was worked out stands below zero.
    let adjustments: Vec<Value> = (!refund.adjustment.is_zero())
        .then(|| json!({
            "id": refund.id + 1, "order_id": order.id, "refund_id": refund.id, "kind": "refund_discrepancy",
            "reason": "Refund discrepancy", "amount": pen.plain(-refund.adjustment), "amount_set": pen.set(-refund.adjustment),
            "tax_amount": pen.plain(Amount::default()), "tax_amount_set": pen.set(Amount::default()),
        }))
        .into_iter()
        .collect();
    let money = order
        .transactions
        .iter()
        .filter(|one| refund.transaction_ids.contains(&one.id));
    json!({
        "id": refund.id, "admin_graphql_api_id": gid("Refund", refund.id), "order_id": order.id,
        "created_at": time(refund.created_at), "processed_at": time(refund.created_at),
        "note": refund.note, "user_id": null, "duties": [], "total_duties_set": pen.set(Amount::default()),
        "return": refund.return_id.map(|id| json!({"id": id, "admin_graphql_api_id": gid("Return", id)})),
        "restock": refund.restock, "additional_fees": [],
        "total_additional_fees_set": pen.set(Amount::default()),
        "refund_shipping_lines": shipping, "order_adjustments": adjustments, "refund_line_items": lines,
        "transactions": money.map(|one| transaction(order, one)).collect::<Vec<_>>(),
    })
}

/// returns/*: request and approve tell the lines, the others hardly more than the state.
pub(super) fn returned(order: &Order, one: &Return, topic: &str) -> Value {
    let status = one.status.to_lowercase();
    let gid_of = gid("Return", one.id);
    match topic {
        "returns/request" | "returns/approve" | "returns/update" | "returns/process" => json!({
            "id": one.id, "admin_graphql_api_id": gid_of, "status": status, "name": one.name,
            "order": {"id": order.id, "admin_graphql_api_id": gid("Order", order.id)},
            "total_return_line_items": one.lines.len(),
            "return_line_items": one.lines.iter().map(|line| json!({
                "id": line.id, "admin_graphql_api_id": gid("ReturnLineItem", line.id), "quantity": line.quantity,
                "return_reason": "unwanted", "return_reason_note": line.note, "customer_note": null,
                "fulfillment_line_item": {"id": line.fulfillment_line_id, "line_item": {"id": line.line_id}},
            })).collect::<Vec<_>>(),
            "return_shipping_fees": [], "total_exchange_line_items": one.exchange.len(),
            "exchange_line_items": one.exchange.iter().map(|line| json!({
                "id": line.id, "quantity": line.quantity, "line_item": {"id": line.line_id},
            })).collect::<Vec<_>>(),
        }),
        "returns/decline" => json!({
            "id": one.id, "admin_graphql_api_id": gid_of, "order_id": order.id, "status": status,
            "decline": {"reason": "return_period_ended", "note": "It is too long ago"},
        }),
        _ => {
            json!({"id": one.id, "admin_graphql_api_id": gid_of, "order_id": order.id, "status": status})
        }
    }
}

fn transaction(order: &Order, one: &Transaction) -> Value {
    let none = |currency: &str| json!({"amount": "0.0", "currency": currency});
    json!({
        "id": one.id, "admin_graphql_api_id": gid("OrderTransaction", one.id), "order_id": order.id,
        "kind": one.kind, "gateway": one.gateway, "status": one.status, "message": null,
        "created_at": time(one.created_at), "processed_at": time(one.created_at), "test": false,
        "authorization": null, "location_id": null, "user_id": null, "parent_id": one.parent_id,
        "device_id": null, "error_code": null, "source_name": order.source_name, "receipt": {},
        "amount": rest(one.amount.presentment, &order.presentment_currency), "currency": order.presentment_currency,
        "payment_id": format!("{}.{}", order.name(), one.id),
        "total_unsettled_set": {"presentment_money": none(&order.presentment_currency), "shop_money": none(&order.currency)},
        "manual_payment_gateway": one.gateway == "Bank Deposit", "amount_rounding": null,
    })
}

/// orders/edited: only what changed.
pub(super) fn order_edit(id: u64, order_id: u64, deltas: &[(u64, i64)], now: Timestamp) -> Value {
    let side = |keep: fn(i64) -> bool| -> Vec<Value> {
        deltas
            .iter()
            .filter(|(_, delta)| keep(*delta))
            .map(|(id, delta)| json!({"id": id, "delta": delta.abs()}))
            .collect()
    };
    json!({"order_edit": {
        "id": id, "app_id": null, "created_at": time(now), "committed_at": time(now), "order_id": order_id,
        "notify_customer": false, "reason": null, "staff_note": null, "user_id": null,
        "line_items": {"additions": side(|delta| delta > 0), "removals": side(|delta| delta < 0)},
        "discounts": {"line_item": {"additions": [], "removals": []}},
        "shipping_lines": {"additions": [], "removals": []},
    }})
}

/// fulfillment_orders/*: ids as text, statuses in lower case.
pub(super) fn fulfillment_order(state: &State, id: u64) -> Option<Value> {
    let order = super::fulfillments::order_of(state, id)?;
    let one = order.fulfillment_orders.iter().find(|one| one.id == id)?;
    Some(
        json!({"fulfillment_order": {"id": gid("FulfillmentOrder", id), "status": one.status.text().to_lowercase()}}),
    )
}

pub(super) fn fulfillment_order_moved(state: &State, ids: (u64, u64), location_id: u64) -> Value {
    let side = |id: u64| {
        let order = super::fulfillments::order_of(state, id);
        let one = order.and_then(|order| order.fulfillment_orders.iter().find(|one| one.id == id));
        one.map(|one| {
            json!({
                "id": gid("FulfillmentOrder", id), "status": one.status.text().to_lowercase(),
                "assigned_location_id": gid("Location", one.location_id),
            })
        })
    };
    json!({
        "original_fulfillment_order": side(ids.0), "moved_fulfillment_order": side(ids.1),
        "destination_location_id": gid("Location", location_id),
        "fulfillment_order_line_items_requested": [],
        "source_location": {"id": side(ids.0).and_then(|one| one.get("assigned_location_id").cloned())},
    })
}

/// orders/risk_assessment_changed: level and order, no recommendation.
pub(super) fn risk(order: &Order, level: &str) -> Value {
    json!({
        "admin_graphql_api_order_id": gid("Order", order.id), "order_id": order.id, "risk_level": level, "facts": [],
        "provider_id": null, "provider_title": null,
    })
}

/// fulfillment_orders/split: what stays and what was parted from it.
pub(super) fn fulfillment_order_split(state: &State, ids: (u64, u64)) -> Value {
    let side = |id: u64| {
        fulfillment_order(state, id)
            .and_then(|body| body.get("fulfillment_order").cloned())
            .unwrap_or_default()
    };
    json!({"fulfillment_order": side(ids.0), "remaining_fulfillment_order": side(ids.1), "split_line_items": []})
}

/// products/create and update.
pub(super) fn product(product: &Product, site: &str) -> Value {
    let images = images(product, site);
    let featured = images.first().filter(|_| product.picture.is_some());
    let options = product
        .variants
        .iter()
        .map(|one| one.title.as_str())
        .collect::<Vec<_>>();
    json!({
        "id": product.id, "admin_graphql_api_id": gid("Product", product.id), "title": product.title,
        "handle": product.handle, "body_html": product.body_html, "vendor": product.vendor,
        "product_type": product.product_type, "status": "active", "tags": product.tags.join(", "),
        "created_at": time(product.created_at), "updated_at": time(product.updated_at),
        "published_at": time(product.created_at), "template_suffix": null, "published_scope": "global",
        "options": [{"id": product.option_id, "product_id": product.id, "name": product.option_name, "position": 1, "values": options}],
        "images": images, "image": featured, "media": [], "category": null, "has_variants_that_requires_components": false,
        "variants": product.variants.iter().zip(1_u32..).map(|(one, position)| variant(product, one, position)).collect::<Vec<_>>(),
        "variant_gids": product.variants.iter().map(|one| json!({"admin_graphql_api_id": gid("ProductVariant", one.id), "updated_at": time(one.updated_at)})).collect::<Vec<_>>(),
    })
}

/// The product's own picture first, then those of its variants.
fn images(product: &Product, site: &str) -> Vec<Value> {
    let own = product.picture.iter().map(|it| (product.option_id, it));
    let of_variants = product.variants.iter().filter_map(|one| {
        let picture = one.picture.as_ref()?;
        Some((one.option_value_id, picture))
    });
    own.chain(of_variants)
        .zip(1_u32..)
        .map(|((id, picture), position)| {
            json!({
                "id": id, "admin_graphql_api_id": gid("ProductImage", id), "product_id": product.id,
                "position": position, "alt": null, "src": pictures::address(site, picture), "variant_ids": [],
                "created_at": time(product.created_at), "updated_at": time(product.updated_at),
            })
        })
        .collect()
}

fn variant(product: &Product, one: &Variant, position: u32) -> Value {
    json!({
        "id": one.id, "admin_graphql_api_id": gid("ProductVariant", one.id), "product_id": product.id,
        "title": one.title, "sku": one.sku, "barcode": one.barcode, "price": rest(one.price, "USD"),
        "compare_at_price": null, "position": position, "option1": one.title, "option2": null, "option3": null,
        "taxable": one.taxable, "inventory_policy": "deny", "inventory_item_id": one.inventory_item_id,
        "inventory_quantity": one.available(), "old_inventory_quantity": one.available(), "image_id": one.picture.as_ref().map(|_| one.option_value_id),
        "created_at": time(product.created_at), "updated_at": time(one.updated_at),
    })
}

/// inventory_levels/update.
pub(super) fn inventory_level(inventory_item_id: u64, location_id: u64, level: &Level) -> Value {
    json!({
        "inventory_item_id": inventory_item_id, "location_id": location_id, "available": level.available,
        "updated_at": time(level.updated_at),
        "admin_graphql_api_id": format!("gid://shopify/InventoryLevel/{location_id}?inventory_item_id={inventory_item_id}"),
    })
}

/// bulk_operations/finish: the file's address is asked for.
pub(super) fn bulk_operation(id: u64, created_at: Timestamp, completed_at: Timestamp) -> Value {
    json!({
        "admin_graphql_api_id": gid("BulkOperation", id), "type": "query", "status": "completed",
        "error_code": null, "created_at": time(created_at), "completed_at": time(completed_at),
    })
}

/// app/uninstalled: the shop as REST knew it.
pub(super) fn shop(state: &State, domain: &str) -> Value {
    let place = state.shop_address();
    json!({
        "id": state.meta.shop_id, "name": "Fernwood Tea", "email": "owner@fernwood-tea.example",
        "domain": domain, "myshopify_domain": domain, "province": place.province, "country": place.country_code,
        "address1": place.address1, "zip": place.zip, "city": place.city, "source": null, "phone": place.phone,
        "latitude": null, "longitude": null, "primary_locale": "en", "address2": null,
        "created_at": time(state.meta.created_at), "updated_at": time(state.meta.created_at),
        "country_code": place.country_code, "country_name": place.country, "currency": "USD",
        "customer_email": "hello@fernwood-tea.example", "timezone": "(GMT-08:00) America/Los_Angeles",
        "iana_timezone": ZONE, "shop_owner": "Fern Wood", "money_format": "${{amount}}",
        "weight_unit": "g", "taxes_included": false, "plan_name": "basic",
    })
}
