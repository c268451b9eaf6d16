//! An order as a channel tells it: every channel's translator ends here.
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::erp::customers::{Address, IncomingCustomer};
use crate::types::{At, ChannelId, ContactId, Currency, EventId, Field, ProductId};

/// Raised whenever a translator reads the same source differently, so that a replay applies again.
pub const TRANSLATOR_VERSION: i32 = 1;

crate::text_enum! {
    /// How the money for an order stands, as the channel says.
    PaymentState {
        Pending = "pending",
        Authorized = "authorized",
        PartiallyPaid = "partially_paid",
        Paid = "paid",
        PartiallyRefunded = "partially_refunded",
        Refunded = "refunded",
        Voided = "voided",
        Expired = "expired",
        /// A word we have not met.
        Unknown = "unknown",
    }
}

crate::text_enum! {
    /// From which payment state on a channel's orders may ship.
    PaymentRule { Any = "any", Authorized = "authorized", Paid = "paid" }
}

crate::text_enum! {
    /// What an amount beside the lines is for.
    ChargeKind { Shipping = "shipping", Tip = "tip", Duty = "duty", Fee = "fee", Rounding = "rounding" }
}

crate::text_enum! {
    /// Which of its two shapes a source had.
    Shape { Webhook = "webhook", Graphql = "graphql" }
}

/// An order as a channel tells it. What is absent never overwrites what we have.
#[derive(Clone, Debug, Serialize)]
pub struct IncomingOrder {
    pub external_id: String,
    /// The source's version: when the channel changed it, and when it told us.
    #[serde(skip)]
    pub source_updated_at: At,
    #[serde(skip)]
    pub source_triggered_at: At,
    /// The channel's own number: `#1001`.
    pub name: Field<String>,
    pub placed_at: Field<At>,
    pub currency: Currency,
    pub presentment_currency: Currency,
    pub taxes_included: Field<bool>,
    /// All in minor units of `currency`, the presentment total of the other.
    pub subtotal: Field<i64>,
    pub discount: Field<i64>,
    pub shipping: Field<i64>,
    pub tax: Field<i64>,
    pub total: Field<i64>,
    pub presentment_total: Field<i64>,
    pub current_total: Field<i64>,
    pub outstanding: Field<i64>,
    pub customer: Field<IncomingCustomer>,
    pub email: Field<String>,
    pub phone: Field<String>,
    pub billing_address: Field<Address>,
    pub shipping_address: Field<Address>,
    pub payment_state: Field<PaymentState>,
    /// Sold on terms (net 30 ...): it may ship before it is paid.
    pub on_terms: Field<bool>,
    pub fulfilled: Field<bool>,
    pub note: Field<String>,
    pub attributes: Field<Vec<(String, String)>>,
    pub tags: Field<String>,
    pub gateways: Field<String>,
    pub test: Field<bool>,
    pub cancelled_at: Field<At>,
    pub cancel_reason: Field<String>,
    /// `None` where the source did not carry them.
    pub lines: Option<Vec<IncomingLine>>,
    pub charges: Option<Vec<IncomingCharge>>,
    pub taxes: Option<Vec<IncomingTax>>,
    pub discounts: Option<Vec<IncomingDiscount>>,
    /// What was odd about the source, in words for a person.
    pub flags: Vec<String>,
    /// How many amounts had more decimals than the currency.
    pub rounded_parts: i64,
}

/// One line as the channel tells it.
#[derive(Clone, Debug, Serialize)]
pub struct IncomingLine {
    pub external_id: String,
    pub variant_external_id: Option<String>,
    pub product_external_id: Option<String>,
    pub title: String,
    pub variant_title: Option<String>,
    pub sku: Option<String>,
    pub quantity: i64,
    pub current_quantity: i64,
    /// Pieces that others than we have shipped; `None` where the source does not say.
    pub fulfilled_elsewhere: Option<i64>,
    /// Millionths of the currency's unit.
    pub unit_price: i64,
    pub discount: i64,
    pub tax: i64,
    pub ships: bool,
    pub gift_card: bool,
    pub tip: bool,
    pub properties: Vec<(String, String)>,
}

/// Shipping, a tip, a duty, a fee.
#[derive(Clone, Debug, Serialize)]
pub struct IncomingCharge {
    pub kind: ChargeKind,
    pub external_id: Option<String>,
    pub title: String,
    pub amount: i64,
    pub discount: i64,
}

/// A tax by title and rate.
#[derive(Clone, Debug, Serialize)]
pub struct IncomingTax {
    pub title: String,
    /// Decimal text: `0.19`.
    pub rate: String,
    pub amount: i64,
}

/// A discount by its code or title.
#[derive(Clone, Debug, Serialize)]
pub struct IncomingDiscount {
    pub kind: String,
    pub title: String,
    pub amount: i64,
}

/// What a variant of the channel stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Our products, each with the quantity that one piece of the variant holds.
    Parts(Vec<(ProductId, i64)>),
    /// Nothing we ship.
    Ignored,
}

/// Where an order came from; the last source of each shape is kept.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub shape: Shape,
    pub api_version: &'a str,
    pub event: Option<EventId>,
    /// The topic or the query that brought it.
    pub name: &'a str,
    pub body: &'a [u8],
}

/// What the channel knows around an order.
#[derive(Clone, Copy)]
pub struct Intake<'a> {
    pub channel: ChannelId,
    pub contact: Option<ContactId>,
    /// What a variant of this channel stands for; `None` where nobody has said.
    pub resolve: &'a dyn Fn(&str) -> Option<Resolution>,
    pub payment: PaymentRule,
    /// Opens the hold `checking` on a new order, until the channel was asked for what it did not tell.
    pub check_first: bool,
    pub source: Source<'a>,
}

impl IncomingOrder {
    /// What it says, in one word: the translator's version and a hash, without the times of sending.
    #[must_use]
    pub fn digest(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        format!("{}{}", digest_prefix(), hex::encode(Sha256::digest(&text)))
    }
}

/// What every digest of this translator starts with.
pub(super) fn digest_prefix() -> String {
    format!("v{TRANSLATOR_VERSION}:")
}

impl IncomingLine {
    /// Title and variant as a person says them: `Sencha 100 g`.
    #[must_use]
    pub fn label(&self) -> String {
        label(&self.title, self.variant_title.as_deref())
    }
}

/// Title and variant as a person says them; a product without variants has a made-up one.
#[must_use]
pub fn label(title: &str, variant: Option<&str>) -> String {
    match variant {
        Some(variant) if variant != "Default Title" && !variant.is_empty() => {
            format!("{title} {variant}")
        }
        Some(_) | None => title.to_owned(),
    }
}
