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

/// A whole number, or the same in text.
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    number(from, "a whole number")
}

/// A place in a list, or the same in text.
fn place<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    number(from, "a place in a list")
}

fn number<'de, D, T>(from: D, what: &str) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr,
{
    let text = plain_text(from)?;
    if text == "null" || text.is_empty() {
        return Ok(None);
    }
    // `2.0` is two.
    let digits = text.strip_suffix(".0").unwrap_or(&text);
    match digits.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_wrong) => Err(de::Error::custom(format!(
            "{} is not {what}",
            quoted(&text)
        ))),
    }
}

/// Yes or no, or the same in text.
fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    match plain_text(from)?.as_str() {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        "null" | "" => Ok(None),
        other => {
            let what = format!("{} is neither true nor false", quoted(other));
            Err(de::Error::custom(what))
        }
    }
}

/// As [`flag`], where absent and null differ.
fn field_flag<'de, D: Deserializer<'de>>(from: D) -> Result<Field<bool>, D::Error> {
    Ok(flag(from)?.map_or(Field::Null, Field::Value))
}

/// A text, or a number that stands for one: a postcode, a phone number, a SKU.
fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let raw = <Box<RawValue>>::deserialize(from)?;
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text)
            .map(Some)
            .map_err(de::Error::custom),
        Some(b'0'..=b'9' | b'-') => Ok(Some(text.to_owned())),
        _ if text == "null" => Ok(None),
        _ => Err(de::Error::custom(format!("{} is not a text", quoted(text)))),
    }
}

/// As [`words`], where absent and null differ.
fn field_words<'de, D: Deserializer<'de>>(from: D) -> Result<Field<String>, D::Error> {
    Ok(words(from)?.map_or(Field::Null, Field::Value))
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
        #[serde(deserialize_with = "field_words")]
        name: Field<String>,
        created_at: Field<Moment>,
        updated_at: Option<Moment>,
        processed_at: Field<Moment>,
        cancelled_at: Field<Moment>,
        cancel_reason: Field<String>,
        #[serde(deserialize_with = "field_flag")]
        test: Field<bool>,
        currency: Option<String>,
        presentment_currency: Option<String>,
        financial_status: Field<String>,
        fulfillment_status: Field<String>,
        #[serde(deserialize_with = "field_flag")]
        taxes_included: Field<bool>,
        #[serde(deserialize_with = "field_flag")]
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
        #[serde(deserialize_with = "field_words")]
        email: Field<String>,
        #[serde(deserialize_with = "field_words")]
        contact_email: Field<String>,
        #[serde(deserialize_with = "field_words")]
        phone: Field<String>,
        #[serde(deserialize_with = "field_words")]
        note: Field<String>,
        note_attributes: Field<Vec<Attribute>>,
        #[serde(deserialize_with = "field_words")]
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
        #[serde(deserialize_with = "words")]
        email: Option<String>,
        #[serde(deserialize_with = "words")]
        first_name: Option<String>,
        #[serde(deserialize_with = "words")]
        last_name: Option<String>,
        #[serde(deserialize_with = "words")]
        phone: Option<String>,
        updated_at: Option<Moment>,
        default_address: Option<Address>,
    }
    Address {
        #[serde(deserialize_with = "words")]
        first_name: Option<String>,
        #[serde(deserialize_with = "words")]
        last_name: Option<String>,
        #[serde(deserialize_with = "words")]
        name: Option<String>,
        #[serde(deserialize_with = "words")]
        company: Option<String>,
        #[serde(deserialize_with = "words")]
        address1: Option<String>,
        #[serde(deserialize_with = "words")]
        address2: Option<String>,
        #[serde(deserialize_with = "words")]
        zip: Option<String>,
        #[serde(deserialize_with = "words")]
        city: Option<String>,
        #[serde(deserialize_with = "words")]
        province: Option<String>,
        #[serde(deserialize_with = "words")]
        province_code: Option<String>,
        country: Option<String>,
        country_code: Option<String>,
        #[serde(deserialize_with = "words")]
        phone: Option<String>,
    }
    Line {
        id: Option<Id>,
        admin_graphql_api_id: Option<String>,
        variant_id: Option<Id>,
        product_id: Option<Id>,
        #[serde(deserialize_with = "words")]
        title: Option<String>,
        #[serde(deserialize_with = "words")]
        name: Option<String>,
        #[serde(deserialize_with = "words")]
        variant_title: Option<String>,
        #[serde(deserialize_with = "words")]
        sku: Option<String>,
        #[serde(deserialize_with = "whole")]
        quantity: Option<i64>,
        #[serde(deserialize_with = "whole")]
        current_quantity: Option<i64>,
        price: Option<Amount>,
        #[serde(deserialize_with = "flag")]
        requires_shipping: Option<bool>,
        #[serde(deserialize_with = "flag")]
        gift_card: Option<bool>,
        tip: Option<Anything>,
        discount_allocations: Option<Vec<Allocation>>,
        total_discount: Option<Amount>,
        tax_lines: Option<Vec<TaxLine>>,
        properties: Option<Vec<Attribute>>,
    }
    Allocation {
        amount: Option<Amount>,
        #[serde(deserialize_with = "place")]
        discount_application_index: Option<usize>,
    }
    TaxLine { title: Option<String>, price: Option<Amount>, rate: Option<Rate> }
    ShippingLine {
        id: Option<Id>,
        #[serde(deserialize_with = "words")]
        title: Option<String>,
        #[serde(deserialize_with = "words")]
        code: Option<String>,
        price: Option<Amount>,
        #[serde(deserialize_with = "flag")]
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
    FulfilledLine {
        id: Option<Id>,
        #[serde(deserialize_with = "whole")]
        quantity: Option<i64>,
    }
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
    /// `products/create` and `products/update`
    Product {
        id: Option<Id>,
        admin_graphql_api_id: Option<String>,
        #[serde(deserialize_with = "words")]
        title: Option<String>,
        updated_at: Option<Moment>,
        line_items: Option<Anything>,
        variants: Option<Vec<Variant>>,
        variant_gids: Option<Vec<VariantGid>>,
    }
    Variant {
        id: Option<Id>,
        #[serde(deserialize_with = "words")]
        title: Option<String>,
        #[serde(deserialize_with = "words")]
        sku: Option<String>,
        #[serde(deserialize_with = "words")]
        barcode: Option<String>,
        price: Option<Amount>,
        inventory_item_id: Option<Id>,
        updated_at: Option<Moment>,
    }
    VariantGid { admin_graphql_api_id: Option<String> }
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
