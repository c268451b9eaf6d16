//! Bodies as Shopify sends them, whole and with holes.
use serde_json::{Value, json};

use super::{translate, translate_delete};
use crate::erp::orders::incoming::{ChargeKind, IncomingOrder, PaymentState};
use crate::erp::orders::totals::{TotalsCheck, add_up};
use crate::types::{At, Dual, Exact, Field};

const NOW: At = At(1_795_000_000_000_000);

fn web_order() -> Value {
    let text = include_str!("../../../tests/fixtures/shopify/orders_create.json");
    serde_json::from_str(text).expect("JSON")
}

fn read(body: &Value) -> super::Translated {
    translate(body.to_string().as_bytes(), NOW).expect("an order")
}

fn exact(text: &str) -> Exact {
    Exact::parse(text).expect("an amount")
}

fn dual(shop: &str, presentment: &str) -> Dual {
    Dual {
        shop: exact(shop),
        presentment: Some(exact(presentment)),
    }
}

fn refused(body: &Value) -> String {
    translate(body.to_string().as_bytes(), NOW)
        .expect_err("no order")
        .to_string()
}

#[test]
fn a_web_order_is_read_whole_and_adds_up() {
    let order = read(&web_order()).order;
    assert_eq!(order.external_id, "820982911946154508");
    assert_eq!(order.ordered.total, Field::Value(dual("50.88", "48.34")));
    assert_eq!(order.now.tax, Field::Value(dual("8.12", "7.71")));
    assert_eq!(order.payment_state, Field::Value(PaymentState::Paid));
    assert_eq!(order.note, Field::Null);
    let lines = order.lines.as_ref().expect("lines");
    assert_eq!(lines[0].unit_price, dual("19.99", "18.99"));
    assert_eq!(lines[0].discount, dual("4.00", "3.80"));
    assert_eq!(lines[1].variant_external_id, None);
    assert_eq!(add_up(&order).expect("a sum").check, TotalsCheck::Agrees);
}

#[test]
fn a_counter_sale_has_neither_customer_nor_address() {
    let text = include_str!("../../../tests/fixtures/shopify/orders_create_pos_no_customer.json");
    let body: Value = serde_json::from_str(text).expect("JSON");
    let order = read(&body).order;
    assert!(order.customer.value().is_none());
    assert!(order.shipping_address.value().is_none());
    assert_eq!(order.email, Field::Null);
}

#[test]
fn any_key_but_the_few_that_make_an_order_may_be_null_or_missing() {
    let needed = ["id", "currency", "line_items"];
    let whole = web_order();
    let keys: Vec<String> = whole
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    for key in keys.iter().filter(|key| !needed.contains(&key.as_str())) {
        let mut body = whole.clone();
        body[key] = Value::Null;
        read(&body);
        body.as_object_mut().expect("an object").remove(key);
        read(&body);
    }
}

#[test]
fn any_key_of_a_line_but_its_id_may_be_null_or_missing() {
    let whole = web_order();
    let line = whole["line_items"][0].as_object().expect("an object");
    for key in line.keys().filter(|key| *key != "id") {
        let mut body = whole.clone();
        body["line_items"][0][key] = Value::Null;
        read(&body);
        let line = body["line_items"][0].as_object_mut().expect("an object");
        line.remove(key);
        read(&body);
    }
}

#[test]
fn money_is_read_from_its_text_never_through_a_float() {
    let mut body = web_order();
    body["total_price"] = json!("90071992547409.93");
    let total = |order: &IncomingOrder| order.ordered.total.value().expect("a total").shop;
    assert_eq!(total(&read(&body).order), exact("90071992547409.93"));
    // A number keeps its digits as well.
    let text = body
        .to_string()
        .replace("\"90071992547409.93\"", "90071992547409.93");
    let order = translate(text.as_bytes(), NOW).expect("an order").order;
    assert_eq!(total(&order), exact("90071992547409.93"));
    let minor = total(&order).minor("EUR".parse().expect("a code"));
    assert_eq!(minor, 9_007_199_254_740_993);
}

#[test]
fn an_error_says_where_it_is() {
    let mut body = web_order();
    body["line_items"][1]["price"] = json!("abc");
    assert_eq!(refused(&body), "line_items[1].price: \"abc\" is not money");
    let mut body = web_order();
    body["updated_at"] = json!("yesterday");
    assert_eq!(refused(&body), "updated_at: \"yesterday\" is not a time");
    let mut body = web_order();
    body["line_items"][0]["id"] = Value::Null;
    assert_eq!(refused(&body), "line_items[0].id: it is missing");
    let mut body = web_order();
    body["shipping_lines"][0]["price"] = json!({});
    assert_eq!(refused(&body), "shipping_lines[0].price: {} is not money");
}

#[test]
fn the_body_of_another_topic_is_refused() {
    for text in [
        include_str!("../../../tests/fixtures/shopify/refunds_create.json"),
        include_str!("../../../tests/fixtures/shopify/fulfillments_create.json"),
    ] {
        let body: Value = serde_json::from_str(text).expect("JSON");
        assert!(
            refused(&body).starts_with("order_id: "),
            "{}",
            refused(&body)
        );
    }
    let customer = json!({ "id": 1, "email": "ada@example.com", "currency": "EUR" });
    assert!(refused(&customer).starts_with("line_items: "));
    assert!(translate(b"not json", NOW).is_err());
    assert!(translate(b"{} {}", NOW).is_err());
    assert_eq!(translate_delete(b"{\"id\":7}"), Ok("7".to_owned()));
}

#[test]
fn ids_that_disagree_are_one_order_and_a_flag() {
    let mut body = web_order();
    body["admin_graphql_api_id"] = json!("gid://shopify/Order/5");
    let order = read(&body).order;
    assert_eq!(order.external_id, "820982911946154508");
    assert_eq!(order.flags.len(), 1);
}

#[test]
fn tips_duties_and_fees_are_charges() {
    let mut body = web_order();
    body["total_tip_received"] = json!("2.00");
    body["original_total_duties_set"] = json!({ "shop_money": { "amount": "3.00" } });
    body["total_price"] = json!("55.88");
    let order = read(&body).order;
    let kinds: Vec<ChargeKind> = order.charges.iter().flatten().map(|one| one.kind).collect();
    assert_eq!(
        kinds,
        [ChargeKind::Shipping, ChargeKind::Tip, ChargeKind::Duty]
    );
    assert_eq!(add_up(&order).expect("a sum").check, TotalsCheck::Agrees);
}

#[test]
fn a_sum_that_does_not_follow_is_told_from_rounding_and_from_an_edit() {
    let check = |body: &Value| add_up(&read(body).order).expect("a sum").check;
    let mut body = web_order();
    body["total_price"] = json!("60.00");
    assert_eq!(check(&body), TotalsCheck::Differs);
    body["line_items"][0]["current_quantity"] = json!(1);
    assert_eq!(check(&body), TotalsCheck::NotDerivable);
    let mut body = web_order();
    // Two pieces at 19.9925 are 39.985: half a cent was rounded away.
    body["line_items"][0]["price"] = json!("19.9925");
    body["total_price"] = json!("50.89");
    assert_eq!(check(&body), TotalsCheck::Rounding);
}

#[test]
fn the_digest_is_of_the_content_and_not_of_its_sending() {
    let one = read(&web_order()).order.digest();
    let mut later = web_order();
    later["updated_at"] = json!("2026-11-20T11:00:00+01:00");
    assert_eq!(read(&later).order.digest(), one);
    later["note"] = json!("leave at the door");
    assert_ne!(read(&later).order.digest(), one);
    // Absent and null are not the same.
    let mut absent = web_order();
    absent.as_object_mut().expect("an object").remove("phone");
    assert_ne!(read(&absent).order.digest(), one);
}

#[test]
fn what_is_left_is_the_order_less_its_refunds() {
    let pair = |shop: &str, presentment: &str| json!({ "shop_money": { "amount": shop }, "presentment_money": { "amount": presentment } });
    let mut body = web_order();
    body["refunds"] = json!([{
        "id": 7,
        "refund_line_items": [{
            "id": 71, "line_item_id": 141_249_953_214_522_974_i64, "quantity": 1, "restock_type": "return",
            "subtotal_set": pair("10.00", "9.50"), "total_tax_set": pair("1.60", "1.52"),
        }],
        // A courtesy takes nothing off the order.
        "order_adjustments": [{
            "id": 72, "kind": "refund_discrepancy", "amount_set": pair("-2.00", "-1.90"), "tax_amount_set": pair("0.00", "0.00"),
        }],
        "transactions": [],
    }]);
    let left = |body: &Value| {
        let sums = add_up(&read(body).order).expect("a sum");
        (sums.now, sums.now_presentment)
    };
    body["current_total_price"] = json!("40.88");
    body["current_total_tax"] = json!("6.52");
    body["current_total_price_set"] = pair("40.88", "38.84");
    body["current_total_tax_set"] = pair("6.52", "6.19");
    assert_eq!(left(&body), (TotalsCheck::Agrees, TotalsCheck::Agrees));
    // What neither a refund nor anything else explains cannot be held against the order: it may have been edited.
    body["current_total_price_set"] = pair("40.88", "30.00");
    assert_eq!(
        left(&body),
        (TotalsCheck::Agrees, TotalsCheck::NotDerivable)
    );
}
