//! An order as a channel tells it: every channel's translator ends here.
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::erp::customers::{Address, IncomingCustomer};
use crate::erp::refunds::{IncomingRefund, Shelf};
use crate::types::{At, ChannelId, ContactId, Currency, Dual, EventId, Field, ProductId};

/// Raised whenever a translator reads the same source differently, so that a replay applies again.
pub const TRANSLATOR_VERSION: i32 = 2;

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
    ChargeKind {
        Shipping = "shipping",
        Tip = "tip",
        Duty = "duty",
        Fee = "fee",
        /// What cash could not pay: beside the total, which it does not change.
        CashRounding = "cash_rounding",
        /// What keeps the parts from the total where they are finer than the currency. It is ours, no channel sends it.
        Rounding = "rounding",
    }
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
    /// Duties are in the prices, and not on top of them.
    pub duties_included: Field<bool>,
    pub tax_exempt: Field<bool>,
    pub ordered: IncomingTotals,
    /// After edits and refunds.
    pub now: IncomingTotals,
    /// Negative where the customer paid too much.
    pub outstanding: Field<Dual>,
    pub customer: Field<IncomingCustomer>,
    pub email: Field<String>,
    pub phone: Field<String>,
    pub billing_address: Field<Address>,
    pub shipping_address: Field<Address>,
    pub payment_state: Field<PaymentState>,
    /// Sold on terms (net 30 ...): it may ship before it is paid.
    pub terms: Field<IncomingTerms>,
    /// The company that buys, where a business does.
    pub company: Field<IncomingCompany>,
    /// The buyer's own number for it.
    pub po_number: Field<String>,
    /// What the buyer was told in place of a number.
    pub confirmation_number: Field<String>,
    /// `de`, `fr-CA`
    pub locale: Field<String>,
    /// Where it was sold: `web`, `pos`, an app's id.
    pub sold_through: Field<String>,
    /// The shop it was sold in, over the counter.
    pub location_external_id: Field<String>,
    /// The app that sells in its own name and owes the taxes.
    pub merchant_of_record: Field<String>,
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
    /// All refunds there are; `None` where the source did not carry them. They are facts of their own, known by
    /// their ids: what the order says does not depend on them.
    #[serde(skip)]
    pub refunds: Option<Vec<IncomingRefund>>,
    /// What was odd about the source, in words for a person.
    pub flags: Vec<String>,
}

/// The channel's own totals, which are what is booked.
#[derive(Clone, Debug, Default, Serialize)]
pub struct IncomingTotals {
    /// Lines less their discounts.
    pub subtotal: Field<Dual>,
    pub discount: Field<Dual>,
    pub shipping: Field<Dual>,
    pub duties: Field<Dual>,
    pub fees: Field<Dual>,
    pub tax: Field<Dual>,
    pub total: Field<Dual>,
}

/// When it is to be paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncomingTerms {
    /// The channel's word in lower case: `net`, `fixed`, `receipt`, `fulfillment`.
    pub kind: String,
    pub days: Option<i64>,
    /// When the next part that is not paid is due; when the last one was where all are.
    pub due_at: Option<At>,
}

/// A company that buys, as the channel knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncomingCompany {
    pub external_id: String,
    /// `None` where the source tells the id alone.
    pub name: Option<String>,
    pub location_external_id: Option<String>,
    pub location_name: Option<String>,
    /// The person who ordered for it.
    pub contact_external_id: Option<String>,
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
    pub vendor: Option<String>,
    /// Of one piece.
    pub grams: Option<i64>,
    pub quantity: i64,
    /// After edits and refunds; 0 where the line was removed.
    pub current_quantity: i64,
    /// Pieces that others than we have shipped; `None` where the source does not say.
    pub fulfilled_elsewhere: Option<i64>,
    pub unit_price: Dual,
    /// All that was allocated to it, of its own discounts and the order's.
    pub discount: Dual,
    pub allocations: Vec<IncomingAllocation>,
    pub tax: Dual,
    pub taxes: Vec<IncomingTax>,
    pub duties: Vec<IncomingDuty>,
    pub taxable: bool,
    pub ships: bool,
    pub gift_card: bool,
    pub tip: bool,
    pub properties: Vec<(String, String)>,
    /// The bundle that it was sold in.
    pub bundle: Option<IncomingBundle>,
}

/// A part of one of the order's discounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncomingAllocation {
    /// Its place in the order's `discounts`.
    pub discount: usize,
    pub amount: Dual,
}

/// What a border asks for a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncomingDuty {
    pub external_id: Option<String>,
    /// The customs' code of the goods.
    pub hs_code: Option<String>,
    /// ISO 3166-1 of the country they come from.
    pub origin: Option<String>,
    pub amount: Dual,
    pub taxes: Vec<IncomingTax>,
}

/// Several lines that were sold as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncomingBundle {
    pub external_id: String,
    pub title: Option<String>,
    pub quantity: Option<i64>,
}

/// Shipping, a tip, a duty, a fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncomingCharge {
    pub kind: ChargeKind,
    pub external_id: Option<String>,
    pub title: String,
    /// The channel's code of a way of shipping.
    pub code: Option<String>,
    pub amount: Dual,
    pub discount: Dual,
    pub allocations: Vec<IncomingAllocation>,
    pub taxes: Vec<IncomingTax>,
    /// An edit took it out again.
    pub removed: bool,
}

/// A tax by title and rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncomingTax {
    pub title: String,
    /// Decimal text without zeros at its end: `0.19`.
    pub rate: String,
    pub amount: Dual,
    /// The channel pays it to the state, and not the seller.
    pub channel_liable: bool,
}

/// A discount of the order, which its lines and charges share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncomingDiscount {
    /// `discount_code`, `automatic`, `manual`, `script`
    pub kind: String,
    /// Its code, or what it is called.
    pub title: String,
    /// `line_item` or `shipping_line`
    pub target: Option<String>,
    /// Decimal text: 10 per cent or 10 of the currency, as `value_kind` says.
    pub value: Option<String>,
    /// `percentage` or `fixed_amount`
    pub value_kind: Option<String>,
    /// All that was allocated.
    pub amount: Dual,
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

/// What a channel knows around all its orders.
#[derive(Clone, Copy)]
pub struct Intake<'a> {
    pub channel: ChannelId,
    /// What a variant of this channel stands for; `None` where nobody has said.
    pub resolve: &'a dyn Fn(&str) -> Option<Resolution>,
    pub payment: PaymentRule,
    /// Where goods lie that the channel has put back.
    pub shelf: Shelf<'a>,
}

/// One order that comes in.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    pub order: &'a IncomingOrder,
    /// [`IncomingOrder::digest`], worked out before anything was locked.
    pub digest: &'a str,
    pub contact: Option<ContactId>,
    /// Opens the hold `checking` on a new order, until the channel was asked for what it did not tell.
    pub check_first: bool,
    pub source: Source<'a>,
}

impl Arrival<'_> {
    /// The channel's own id of the order.
    #[must_use]
    pub fn external_id(&self) -> &str {
        &self.order.external_id
    }
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

impl IncomingCharge {
    /// A charge with nothing but a name and an amount.
    #[must_use]
    pub fn plain(kind: ChargeKind, title: &str, amount: Dual) -> IncomingCharge {
        IncomingCharge {
            kind,
            external_id: None,
            title: title.to_owned(),
            code: None,
            amount,
            discount: Dual::ZERO,
            allocations: Vec::new(),
            taxes: Vec::new(),
            removed: false,
        }
    }
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
