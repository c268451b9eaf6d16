//! What the practice store remembers: plain records, each kept as one JSON document.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::money::Amount;

/// A place that ships.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Location {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) address: Address,
    /// It is the warehouse of another app's service.
    #[serde(default)]
    pub(super) service: bool,
    pub(super) created_at: Timestamp,
    /// Deactivated: nothing ships from it and no number of it can be set.
    #[serde(default)]
    pub(super) closed: bool,
}

/// A product with its variants.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Product {
    pub(super) id: u64,
    pub(super) title: String,
    pub(super) handle: String,
    pub(super) vendor: String,
    pub(super) product_type: String,
    pub(super) tags: Vec<String>,
    pub(super) body_html: String,
    pub(super) option_id: u64,
    pub(super) option_name: String,
    pub(super) is_gift_card: bool,
    pub(super) variants: Vec<Variant>,
    /// A path of this store, or a whole address.
    #[serde(default)]
    pub(super) picture: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// What a customer puts into the cart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Variant {
    pub(super) id: u64,
    pub(super) inventory_item_id: u64,
    pub(super) option_value_id: u64,
    pub(super) title: String,
    pub(super) sku: Option<String>,
    pub(super) barcode: Option<String>,
    /// In cents of the shop's currency.
    pub(super) price: i64,
    pub(super) cost: i64,
    pub(super) grams: u32,
    pub(super) requires_shipping: bool,
    pub(super) taxable: bool,
    pub(super) tracked: bool,
    /// Made of other variants, which alone have stock.
    #[serde(default)]
    pub(super) bundle: bool,
    /// Its own, as a product's.
    #[serde(default)]
    pub(super) picture: Option<String>,
    /// By location id.
    pub(super) levels: BTreeMap<u64, Level>,
    pub(super) updated_at: Timestamp,
}

impl Variant {
    pub(super) fn available(&self) -> i64 {
        self.levels.values().map(|level| level.available).sum()
    }
}

/// Stock of one variant at one location; on hand = available + committed + the others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Level {
    pub(super) available: i64,
    pub(super) committed: i64,
    pub(super) updated_at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Customer {
    pub(super) id: u64,
    pub(super) address_id: u64,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) locale: String,
    pub(super) address: Address,
    #[serde(default)]
    pub(super) note: Option<String>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(default)]
    pub(super) email_consent: Option<Consent>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// Leave to write to somebody, as the API spells it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Consent {
    pub(super) state: String,
    pub(super) level: String,
    pub(super) at: Timestamp,
}

/// A company with one location, and the customers who buy for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Company {
    pub(super) id: u64,
    pub(super) location_id: u64,
    /// The id of each of its people as a contact.
    pub(super) contact_ids: Vec<u64>,
    pub(super) name: String,
    pub(super) people: Vec<u64>,
    pub(super) address: Address,
    pub(super) updated_at: Timestamp,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Address {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) company: Option<String>,
    pub(super) address1: String,
    pub(super) address2: Option<String>,
    pub(super) city: String,
    pub(super) zip: String,
    pub(super) province: Option<String>,
    pub(super) province_code: Option<String>,
    pub(super) country: String,
    pub(super) country_code: String,
    pub(super) phone: Option<String>,
}

impl Address {
    pub(super) fn name(&self) -> Option<String> {
        let parts: Vec<&str> = [&self.first_name, &self.last_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

/// How risky Shopify thinks an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Risk {
    Low,
    Medium,
    High,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) id: u64,
    /// 1001 and up; the name is `#` and this.
    pub(super) number: u64,
    pub(super) confirmation_number: String,
    pub(super) token: String,
    pub(super) kind: super::OrderKind,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) cancelled_at: Option<Timestamp>,
    pub(super) cancel_reason: Option<String>,
    pub(super) closed_at: Option<Timestamp>,
    pub(super) currency: String,
    pub(super) presentment_currency: String,
    /// Presentment minor units for a million minor units of the shop.
    pub(super) rate_ppm: i64,
    pub(super) taxes_included: bool,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) note: Option<String>,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) tags: Vec<String>,
    pub(super) source_name: String,
    pub(super) locale: String,
    pub(super) retail_location_id: Option<u64>,
    pub(super) customer_id: Option<u64>,
    pub(super) shipping_address: Option<Address>,
    pub(super) billing_address: Option<Address>,
    pub(super) lines: Vec<Line>,
    pub(super) shipping: Vec<ShippingLine>,
    pub(super) discount: Option<Discount>,
    pub(super) gateway: Option<String>,
    pub(super) transactions: Vec<Transaction>,
    pub(super) refunds: Vec<Refund>,
    #[serde(default)]
    pub(super) returns: Vec<Return>,
    pub(super) fulfillments: Vec<Fulfillment>,
    pub(super) fulfillment_orders: Vec<FulfillmentOrder>,
    pub(super) risk: Risk,
    /// How the customer wants the goods, as `DeliveryMethodType` spells it.
    #[serde(default = "shipping")]
    pub(super) handover: String,
    pub(super) edited: bool,
}

fn shipping() -> String {
    "SHIPPING".to_owned()
}

impl Order {
    pub(super) fn name(&self) -> String {
        format!("#{}", self.number)
    }

    pub(super) fn line(&self, id: u64) -> Option<&Line> {
        self.lines.iter().find(|line| line.id == id)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) id: u64,
    pub(super) product_id: Option<u64>,
    pub(super) variant_id: Option<u64>,
    pub(super) inventory_item_id: Option<u64>,
    pub(super) sku: Option<String>,
    pub(super) title: String,
    pub(super) variant_title: Option<String>,
    pub(super) vendor: Option<String>,
    pub(super) quantity: i64,
    /// Taken out again by an edit, a refund or a cancellation.
    pub(super) removed: i64,
    pub(super) price: Amount,
    /// Of the whole line.
    pub(super) discount: Amount,
    pub(super) tax: Option<Tax>,
    pub(super) requires_shipping: bool,
    pub(super) taxable: bool,
    pub(super) gift_card: bool,
    pub(super) tip: bool,
    pub(super) grams: u32,
    pub(super) properties: Vec<(String, String)>,
}

impl Line {
    pub(super) fn current_quantity(&self) -> i64 {
        self.quantity - self.removed
    }

    pub(super) fn name(&self) -> String {
        match &self.variant_title {
            Some(variant) => format!("{} - {variant}", self.title),
            None => self.title.clone(),
        }
    }
}

/// A tax as charged on one line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Tax {
    pub(super) title: String,
    pub(super) rate_ppm: i64,
    pub(super) amount: Amount,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ShippingLine {
    pub(super) id: u64,
    pub(super) title: String,
    pub(super) price: Amount,
    pub(super) tax: Option<Tax>,
}

/// A percentage off the whole cart by a code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Discount {
    pub(super) code: String,
    pub(super) percent: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Transaction {
    pub(super) id: u64,
    /// Lower case, as webhooks spell it: sale, authorization, capture, refund, void.
    pub(super) kind: String,
    /// Lower case: success, pending.
    pub(super) status: String,
    pub(super) gateway: String,
    pub(super) amount: Amount,
    pub(super) parent_id: Option<u64>,
    pub(super) created_at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Refund {
    pub(super) id: u64,
    pub(super) created_at: Timestamp,
    pub(super) note: Option<String>,
    pub(super) restock: bool,
    pub(super) lines: Vec<RefundLine>,
    pub(super) shipping: Amount,
    /// What was given back beside lines and shipping.
    #[serde(default)]
    pub(super) adjustment: Amount,
    /// The return that it settles.
    #[serde(default)]
    pub(super) return_id: Option<u64>,
    pub(super) transaction_ids: Vec<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RefundLine {
    pub(super) id: u64,
    pub(super) line_id: u64,
    pub(super) quantity: i64,
    pub(super) location_id: Option<u64>,
    pub(super) restock_type: String,
    /// After discounts; without tax unless prices include it.
    pub(super) subtotal: Amount,
    pub(super) tax: Amount,
}

/// Goods that are to come back, or came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Return {
    pub(super) id: u64,
    pub(super) reverse_order_id: u64,
    /// `#1001-R1`
    pub(super) name: String,
    /// As GraphQL spells it: REQUESTED, OPEN, CLOSED, DECLINED, CANCELED.
    pub(super) status: String,
    pub(super) lines: Vec<ReturnLine>,
    pub(super) exchange: Vec<ExchangeLine>,
    pub(super) dispositions: Vec<Disposition>,
    pub(super) created_at: Timestamp,
    pub(super) closed_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ReturnLine {
    pub(super) id: u64,
    /// Of its reverse fulfillment order.
    pub(super) reverse_id: u64,
    pub(super) line_id: u64,
    pub(super) fulfillment_line_id: u64,
    pub(super) quantity: i64,
    pub(super) processed: i64,
    pub(super) refunded: i64,
    pub(super) note: String,
}

/// What is sent in place of what comes back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ExchangeLine {
    pub(super) id: u64,
    pub(super) line_id: u64,
    pub(super) quantity: i64,
}

/// What was done with pieces that came back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Disposition {
    pub(super) id: u64,
    pub(super) reverse_id: u64,
    pub(super) restocked: bool,
    pub(super) quantity: i64,
    pub(super) location_id: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Fulfillment {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) cancelled: bool,
    pub(super) location_id: u64,
    pub(super) fulfillment_order_ids: Vec<u64>,
    pub(super) lines: Vec<FulfillmentLine>,
    pub(super) tracking: Tracking,
    /// As webhooks spell it: in_transit, delivered.
    #[serde(default)]
    pub(super) shipment_status: Option<String>,
    pub(super) notified: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FulfillmentLine {
    pub(super) id: u64,
    pub(super) line_id: u64,
    pub(super) quantity: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tracking {
    pub(super) company: Option<String>,
    pub(super) numbers: Vec<String>,
    pub(super) urls: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum FoStatus {
    Open,
    InProgress,
    Scheduled,
    OnHold,
    Closed,
    Cancelled,
}

impl FoStatus {
    /// As GraphQL spells it.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::InProgress => "IN_PROGRESS",
            Self::Scheduled => "SCHEDULED",
            Self::OnHold => "ON_HOLD",
            Self::Closed => "CLOSED",
            Self::Cancelled => "CANCELLED",
        }
    }

    pub(super) fn can_fulfill(self) -> bool {
        matches!(self, Self::Open | Self::InProgress)
    }
}

/// The lines of an order that one location is to ship.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FulfillmentOrder {
    pub(super) id: u64,
    pub(super) status: FoStatus,
    pub(super) location_id: u64,
    pub(super) lines: Vec<FoLine>,
    pub(super) holds: Vec<Hold>,
    /// SHIPPING, LOCAL, PICK_UP, RETAIL or NONE.
    pub(super) method: String,
    /// When a scheduled one is opened.
    #[serde(default)]
    pub(super) fulfill_at: Option<Timestamp>,
    /// Another app's service was asked to ship it, and said yes.
    #[serde(default)]
    pub(super) accepted: bool,
    /// Closed because its lines went to another one.
    pub(super) replaced: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FoLine {
    pub(super) id: u64,
    pub(super) line_id: u64,
    pub(super) total: i64,
    pub(super) remaining: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Hold {
    pub(super) id: u64,
    pub(super) handle: Option<String>,
    pub(super) reason: String,
    pub(super) notes: Option<String>,
    pub(super) by_app: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Subscription {
    pub(super) id: u64,
    /// As the enum spells it: `ORDERS_CREATE`.
    pub(super) topic: String,
    pub(super) uri: String,
    pub(super) format: String,
    pub(super) name: Option<String>,
    pub(super) filter: Option<String>,
    pub(super) include_fields: Vec<String>,
    pub(super) metafield_namespaces: Vec<String>,
    pub(super) api_version: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum DeliveryState {
    Pending,
    Delivered,
    GivenUp,
    Dropped,
}

/// One webhook on its way to one subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Delivery {
    pub(super) id: u64,
    pub(super) webhook_id: String,
    pub(super) event_id: String,
    pub(super) subscription_id: u64,
    pub(super) topic: String,
    pub(super) uri: String,
    pub(super) name: Option<String>,
    pub(super) api_version: String,
    pub(super) body: String,
    pub(super) triggered_at: Timestamp,
    pub(super) attempts: u32,
    pub(super) due: Timestamp,
    /// Waits for others so that it arrives after them.
    pub(super) held: bool,
    pub(super) state: DeliveryState,
    pub(super) answer: Option<String>,
}

/// What an app was allowed, and the tokens that say so.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Installation {
    pub(super) id: u64,
    /// As granted: a write scope stands for its read scope too.
    pub(super) scopes: Vec<String>,
    pub(super) installed_at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Code {
    pub(super) code: String,
    pub(super) scopes: Vec<String>,
    pub(super) expires_at: Timestamp,
    pub(super) used: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AccessToken {
    pub(super) token: String,
    pub(super) scopes: Vec<String>,
    /// None: until the app is uninstalled.
    pub(super) expires_at: Option<Timestamp>,
}

/// A refresh token, its rotation as Shopify does it since August 2026.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RefreshToken {
    pub(super) token: String,
    pub(super) scopes: Vec<String>,
    pub(super) expires_at: Timestamp,
    pub(super) first_used_at: Option<Timestamp>,
    /// The token that it was exchanged for, whose first use ends this one.
    pub(super) replaced_by: Option<String>,
}

/// The singletons: numbers, the installation, tokens, misbehaviour.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Meta {
    pub(super) seeded: bool,
    pub(super) shop_id: u64,
    pub(super) next_id: u64,
    pub(super) next_order_number: u64,
    pub(super) orders_placed: u64,
    pub(super) created_at: Timestamp,
    pub(super) installation: Option<Installation>,
    pub(super) codes: Vec<Code>,
    pub(super) access_tokens: Vec<AccessToken>,
    pub(super) refresh_tokens: Vec<RefreshToken>,
    /// How many more times each misbehaviour strikes.
    pub(super) misbehaviours: BTreeMap<super::Misbehaviour, u32>,
    /// Idempotency key -> digest of the arguments and the answer's reference.
    pub(super) idempotency: BTreeMap<String, (String, String)>,
    #[serde(default)]
    pub(super) bulk_operations: Vec<BulkOperation>,
    #[serde(default)]
    pub(super) companies: Vec<Company>,
}

/// A query over everything, and its file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BulkOperation {
    pub(super) id: u64,
    pub(super) query: String,
    pub(super) created_at: Timestamp,
    pub(super) done_at: Timestamp,
    pub(super) is_cancelled: bool,
    pub(super) objects: u64,
    pub(super) roots: u64,
    /// In bytes.
    pub(super) size: u64,
    pub(super) signature: String,
}

impl BulkOperation {
    /// As Shopify spells it.
    pub(super) fn status(&self, now: Timestamp) -> &'static str {
        match (self.is_cancelled, now < self.done_at) {
            (true, _) => "CANCELED",
            (false, true) => "RUNNING",
            (false, false) => "COMPLETED",
        }
    }
}
