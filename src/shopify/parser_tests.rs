//! Whatever arrives, reading it never panics: real bodies cut short, with bytes changed, with values changed
//! for others, or nothing but noise. `PROPTEST_CASES` says how many inputs each property tries.
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::erp::orders::totals;
use crate::shopify::customers::payload as customers;
use crate::shopify::orders;
use crate::shopify::payloads;
use crate::shopify::personal_data::impersonal_body;
use crate::shopify::privacy::{RequestKind, payload as privacy};
use crate::shopify::products::payload as products;
use crate::shopify::topics::TOPICS;
use crate::shopify::webhooks;
use crate::types::At;

const SHOP: &str = "a.myshopify.com";

const SAMPLES: &[&[u8]] = &[
    include_bytes!("../../tests/fixtures/shopify/orders_create.json"),
    include_bytes!("../../tests/fixtures/shopify/orders_create_pos_no_customer.json"),
    include_bytes!("../../tests/fixtures/shopify/refunds_create.json"),
    include_bytes!("../../tests/fixtures/shopify/fulfillments_create.json"),
    include_bytes!("../../tests/fixtures/shopify/fulfillment_orders_cancelled.json"),
    include_bytes!("../../tests/fixtures/shopify/inventory_levels_update.json"),
    br#"{"id":9007199254740993,"title":"Tea","updated_at":"2026-11-01T10:00:00+02:00","variants":[{"id":1,
        "title":"Default Title","sku":"","barcode":null,"price":"4.50","inventory_item_id":5}],
        "variant_gids":[{"admin_graphql_api_id":"gid://shopify/ProductVariant/1"}]}"#,
    br#"{"id":900,"first_name":"Ada","email":"ada@example.com","updated_at":"2026-11-20T10:00:00Z",
        "admin_graphql_api_id":"gid://shopify/Customer/900","default_address":{"company":"Fern"}}"#,
    br#"{"admin_graphql_api_customer_kept_id":"gid://shopify/Customer/1",
        "admin_graphql_api_customer_deleted_id":"gid://shopify/Customer/2","status":"completed"}"#,
    br#"{"shop_id":1,"shop_domain":"a.myshopify.com","orders_requested":[299938],
        "customer":{"id":191167,"email":"ada@example.com"},"data_request":{"id":9999}}"#,
];

/// Every reader of a body there is.
fn read_all(body: &[u8]) {
    for rule in TOPICS {
        drop(webhooks::glance(rule, SHOP, body));
    }
    if let Ok(translated) = orders::translate(body, At(0)) {
        assert!(!translated.order.digest().is_empty());
        let added = totals::add_up(&translated.order);
        assert!(added.is_some(), "an order has lines");
    }
    drop(orders::translate_delete(body));
    drop(orders::read::<payloads::OfOrder>(body));
    drop(orders::read::<payloads::StockLevel>(body));
    drop(orders::read::<payloads::BulkOperation>(body));
    drop(products::read_webhook(body, Some("USD")));
    drop(customers::customer(body));
    drop(customers::merge(body));
    for kind in RequestKind::ALL {
        drop(privacy::read(body, *kind, SHOP));
    }
    // What is left of a message can be read like the message, and has nothing left to take out.
    let left = impersonal_body(body);
    assert_eq!(impersonal_body(&left), left);
}

/// Values that stand where others belong.
fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "[0-9]{1,30}(\\.[0-9]{0,9})?".prop_map(Value::from),
        "-?9{10,19}(\\.9{0,3})?".prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("\u{0}")),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, {}, [1]])),
        Just(json!("2026-11-20T10:00:00+25:00")),
        Just(json!("gid://shopify/DraftOrder/7")),
    ]
}

fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(places).sum(),
        Value::Object(members) => members.values().map(places).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Puts `odd` in the place of the `nth` value, counted in the order in which they stand.
fn put(value: &mut Value, nth: &mut usize, odd: &Value) {
    if *nth == 0 {
        *value = odd.clone();
        *nth = usize::MAX;
        return;
    }
    *nth -= 1;
    let inner: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for one in inner {
        if *nth == usize::MAX {
            return;
        }
        put(one, nth, odd);
    }
}

proptest! {
    #[test]
    fn a_body_that_is_cut_short_is_refused_and_nothing_else(
        sample in 0..SAMPLES.len(),
        cut in any::<prop::sample::Index>(),
    ) {
        let body = SAMPLES[sample];
        read_all(&body[..cut.index(body.len())]);
    }

    #[test]
    fn noise_never_breaks_a_reader(body in prop::collection::vec(any::<u8>(), 0..300)) {
        read_all(&body);
    }

    #[test]
    fn any_json_never_breaks_a_reader(body in "[\\[\\]{}:,\"a-z0-9.eE+ \\\\-]{0,200}") {
        read_all(body.as_bytes());
    }

    #[test]
    fn changed_bytes_never_break_a_reader(
        sample in 0..SAMPLES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut body = SAMPLES[sample].to_vec();
        for (place, byte) in changes {
            let place = place.index(body.len());
            body[place] = byte;
        }
        read_all(&body);
    }

    #[test]
    fn a_value_where_another_belongs_never_breaks_a_reader(
        sample in 0..SAMPLES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), odd_value()), 1..4),
    ) {
        let mut value: Value = serde_json::from_slice(SAMPLES[sample]).expect("a sample");
        for (place, odd) in changes {
            let mut nth = place.index(places(&value));
            put(&mut value, &mut nth, &odd);
        }
        read_all(&serde_json::to_vec(&value).expect("JSON"));
    }

    #[test]
    fn no_signature_of_random_bytes_is_ours(body in any::<Vec<u8>>(), signature in "\\PC{0,60}") {
        let secrets = [webhooks::LabelledSecret { label: "app", secret: "a secret".into() }];
        prop_assert!(webhooks::signed_by(&body, &signature, &secrets).is_none());
    }
}
