//! Webhook bodies as Shopify spells them (REST shape). Every key may be missing or null except what
//! tells one shape from another; keys we do not know are left alone.
use std::fmt;

use serde::de::{self, Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::types::{At, Field};

/// A number Shopify gives to a record: a JSON integer, exact beyond 2^53, or the same in text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = plain_text(from)?;
        if !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Id(text))
        } else {
            Err(de::Error::custom(format!("{} is not an id", quoted(&text))))
        }
    }
}

/// Decimal text, from a JSON string or from the digits of a JSON number: never through a float.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount(pub String);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = plain_text(from)?;
        let digits = text.trim().trim_start_matches('-');
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !whole.is_empty() && number(whole) && number(fraction) {
            Ok(Amount(text.trim().to_owned()))
        } else {
            Err(de::Error::custom(format!("{} is not money", quoted(&text))))
        }
    }
}

/// A moment with its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub At);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        At::parse(&text)
            .map(Moment)
            .map_err(|_no_time| de::Error::custom(format!("{} is not a time", quoted(&text))))
    }
}

/// Anything, as the text a person would read: properties may hold any JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anything(pub String);

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = <Box<RawValue>>::deserialize(from)?;
        Ok(Anything(match serde_json::from_str::<String>(raw.get()) {
            Ok(text) => text,
            Err(_other) if raw.get() == "null" => String::new(),
            Err(_other) => raw.get().to_owned(),
        }))
    }
}

fn plain_text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let raw = <Box<RawValue>>::deserialize(from)?;
    let text = raw.get();
    if text.starts_with('"') {
        serde_json::from_str::<String>(text).map_err(de::Error::custom)
    } else {
        Ok(text.to_owned())
    }
}

fn quoted(text: &str) -> impl fmt::Display {
    let short: String = text.chars().take(40).collect();
    if text.starts_with(['{', '[']) {
        short
    } else {
        format!("\"{short}\"")
    }
}

macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $($(#[$note:meta])* $field:ident: $type:ty),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, serde::Deserialize)]
            #[serde(default)]
            pub struct $name { $($(#[$note])* pub $field: $type),+ }
        )+
    };
}

payloads! {
    /// `orders/*` but for `orders/edited` and `orders/delete`.
    Order {
        id: Option<Id>,
        admin_graphql_api_id: Option<String>,
        /// An order has none: it tells fulfilments, refunds and draft orders apart.
        order_id: Field<Anything>,
        name: Field<String>,
        created_at: Field<Moment>,
        updated_at: Option<Moment>,
        processed_at: Field<Moment>,
        cancelled_at: Field<Moment>,
        cancel_reason: Field<String>,
        test: Field<bool>,
        currency: Option<String>,
        presentment_currency: Option<String>,
        financial_status: Field<String>,
        fulfillment_status: Field<String>,
        taxes_included: Field<bool>,
        duties_included: Field<bool>,
        subtotal_price: Field<Amount>,
        total_discounts: Field<Amount>,
        total_shipping_price_set: Field<MoneySet>,
        total_tax: Field<Amount>,
        total_price: Field<Amount>,
        total_price_set: Field<MoneySet>,
        current_total_price: Field<Amount>,
        total_outstanding: Field<Amount>,
        total_tip_received: Field<Amount>,
        original_total_duties_set: Field<MoneySet>,
        original_total_additional_fees_set: Field<MoneySet>,
        email: Field<String>,
        contact_email: Field<String>,
        phone: Field<String>,
        note: Field<String>,
        note_attributes: Field<Vec<Attribute>>,
        tags: Field<String>,
        payment_gateway_names: Field<Vec<String>>,
        payment_terms: Field<Anything>,
        customer: Field<Customer>,
        billing_address: Field<Address>,
        shipping_address: Field<Address>,
        line_items: Field<Vec<Line>>,
        shipping_lines: Field<Vec<ShippingLine>>,
        tax_lines: Field<Vec<TaxLine>>,
        discount_applications: Option<Vec<DiscountApplication>>,
        fulfillments: Option<Vec<Fulfillment>>,
        shop_domain: Option<String>,
        myshopify_domain: Option<String>,
    }
    /// The same amount in the shop's currency and in the customer's.
    MoneySet {
        shop_money: Option<MoneyValue>,
        presentment_money: Option<MoneyValue>,
    }
    MoneyValue { amount: Option<Amount>, currency_code: Option<String> }
    Attribute { name: Anything, value: Anything }
    Customer {
        id: Option<Id>,
        email: Option<String>,
        first_name: Option<String>,
        last_name: Option<String>,
        phone: Option<String>,
        updated_at: Option<Moment>,
        default_address: Option<Address>,
    }
    Address {
        first_name: Option<String>,
        last_name: Option<String>,
        name: Option<String>,
        company: Option<String>,
        address1: Option<String>,
        address2: Option<String>,
        zip: Option<String>,
        city: Option<String>,
        province: Option<String>,
        province_code: Option<String>,
        country: Option<String>,
        country_code: Option<String>,
        phone: Option<String>,
    }
    Line {
        id: Option<Id>,
        admin_graphql_api_id: Option<String>,
        variant_id: Option<Id>,
        product_id: Option<Id>,
        title: Option<String>,
        name: Option<String>,
        variant_title: Option<String>,
        sku: Option<String>,
        quantity: Option<i64>,
        current_quantity: Option<i64>,
        price: Option<Amount>,
        requires_shipping: Option<bool>,
        gift_card: Option<bool>,
        tip: Option<Anything>,
        discount_allocations: Option<Vec<Allocation>>,
        total_discount: Option<Amount>,
        tax_lines: Option<Vec<TaxLine>>,
        properties: Option<Vec<Attribute>>,
    }
    Allocation { amount: Option<Amount>, discount_application_index: Option<usize> }
    TaxLine { title: Option<String>, price: Option<Amount>, rate: Option<Rate> }
    ShippingLine {
        id: Option<Id>,
        title: Option<String>,
        code: Option<String>,
        price: Option<Amount>,
        is_removed: Option<bool>,
        discount_allocations: Option<Vec<Allocation>>,
    }
    DiscountApplication {
        r#type: Option<String>,
        code: Option<String>,
        title: Option<String>,
        description: Option<String>,
    }
    /// One of an order's fulfilments, or the body of `fulfillments/*`.
    Fulfillment {
        id: Option<Id>,
        admin_graphql_api_id: Option<String>,
        status: Option<String>,
        line_items: Option<Vec<FulfilledLine>>,
    }
    FulfilledLine { id: Option<Id>, quantity: Option<i64> }
    /// `orders/delete` and its like: an id and nothing of what it was. `customers/delete` adds empty fields.
    Deleted {
        id: Option<Id>,
        created_at: Option<Anything>,
        line_items: Option<Anything>,
        variants: Option<Anything>,
        order_id: Option<Anything>,
    }
    /// What a refund, a fulfilment and an edit have in common.
    OfOrder { order_id: Option<Id>, order_edit: Option<Edit>, line_items: Option<Anything> }
    Edit { order_id: Option<Id> }
    /// `inventory_levels/update`
    StockLevel { inventory_item_id: Option<Id>, location_id: Option<Id> }
    /// `bulk_operations/finish`
    BulkOperation { admin_graphql_api_id: Option<String> }
    /// Any object.
    Nothing { id: Option<Anything> }
}

/// A tax rate as decimal text: Shopify sends a JSON number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate(pub String);

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        plain_text(from).map(Rate)
    }
}
