//! The topic table: every webhook topic that is understood, what its body carries and what it may do.
//!
//! It stands here and nowhere else. A snapshot is a whole state, which a newer one of the same record
//! supersedes; anything else is a change, applied in order and superseded by nothing. The headers of a
//! webhook are not signed, so a topic that destroys something is believed only on [`Proof`].

/// What a topic's bodies are about; its key names the record within the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Order,
    FulfillmentOrder,
    Product,
    /// An inventory item at one location.
    StockLevel,
    Return,
    Customer,
    Location,
    BulkOperation,
    Shop,
}

/// What has to be true before a topic may destroy something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The API knows the record no longer.
    RecordGone,
    /// The API refuses our token.
    TokenRefused,
    /// The store is disconnected since the message was sent; else the owner decides.
    StoreGone,
    /// No other topic's body has this shape, and it names its store and its person itself.
    OwnShape,
}

/// How deliveries of a topic come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// We subscribe over the API.
    Api,
    /// Shopify has no such subscription: the address is entered in the app's configuration.
    AppConfiguration,
    /// The name does not exist in this version; older systems send it.
    OldName,
}

/// What is done with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    BookOrder,
    /// Nothing is booked from the body: Shopify is asked about the order that it names.
    AskOrder,
    /// What was shipped, by whomever; then the order is asked about.
    KeepFulfillment,
    /// As [`Act::AskOrder`], for a body that names a fulfillment order.
    AskFulfillmentOrder,
    KeepPayment,
    /// Also while its order is unknown: that brings its refunds itself.
    BookRefund,
    /// Its body is thin: a job reads it whole.
    ReadReturn,
    CheckOrderGone,
    KeepProduct,
    CheckProductGone,
    KeepCustomer,
    CheckCustomerGone,
    MergeCustomers,
    /// A hint that a number changed; nothing is booked from it.
    NoteStock,
    ReadLocations,
    FinishBulkOperation,
    ReadScopes,
    CheckUninstalled,
    ReportCustomer,
    RedactCustomer,
    RedactShop,
}

/// What the house knows of a topic.
#[derive(Clone, Copy, Debug)]
pub struct TopicRule {
    pub topic: &'static str,
    pub subject: Subject,
    /// The body is a whole state: of several that wait, the newest is applied and supersedes the others.
    pub snapshot: bool,
    /// What it takes to believe it, where it destroys something.
    pub destructive: Option<Proof>,
    /// The word of the webhook's answer.
    pub status: &'static str,
    /// Any of these scopes lets us subscribe; with none of them Shopify refuses. Empty: none is needed.
    pub scopes: &'static [&'static str],
    pub registration: Registration,
    /// Taken in for a store that is disconnected as well.
    pub after_disconnect: bool,
    pub act: Act,
}

const ORDERS: &[&str] = &["read_orders", "read_marketplace_orders"];
const REFUNDS: &[&str] = &["read_orders"];
const RETURNS: &[&str] = &["read_returns", "read_marketplace_returns"];
const FULFILLMENTS: &[&str] = &["read_fulfillments", "read_marketplace_orders"];
const FULFILLMENT_ORDERS: &[&str] = &[
    "read_merchant_managed_fulfillment_orders",
    "read_assigned_fulfillment_orders",
    "read_third_party_fulfillment_orders",
];
const PRODUCTS: &[&str] = &["read_products"];
const CUSTOMERS: &[&str] = &["read_customers"];
const MERGES: &[&str] = &["read_customer_merge"];
const INVENTORY: &[&str] = &["read_inventory"];
const LOCATIONS: &[&str] = &["read_locations"];
const NONE: &[&str] = &[];

/// Every topic that is understood. `fulfillments/*` and `refunds/create` are filed under their order.
#[rustfmt::skip]
pub const TOPICS: &[TopicRule] = &[
    state ("orders/create",                  Subject::Order,         "created",   ORDERS,       Act::BookOrder),
    state ("orders/updated",                 Subject::Order,         "updated",   ORDERS,       Act::BookOrder),
    state ("orders/paid",                    Subject::Order,         "updated",   ORDERS,       Act::BookOrder),
    state ("orders/cancelled",               Subject::Order,         "cancelled", ORDERS,       Act::BookOrder),
    state ("orders/fulfilled",               Subject::Order,         "fulfilled", ORDERS,       Act::BookOrder),
    state ("orders/partially_fulfilled",     Subject::Order,         "updated",   ORDERS,       Act::BookOrder),
    change("orders/edited",                  Subject::Order,         ORDERS,       Act::AskOrder),
    change("orders/risk_assessment_changed", Subject::Order,         ORDERS,       Act::AskOrder),
    gone  ("orders/delete",                  Subject::Order,         ORDERS,       Act::CheckOrderGone),
    change("refunds/create",                 Subject::Order,         REFUNDS,      Act::BookRefund),
    change("order_transactions/create",      Subject::Order,         REFUNDS,      Act::KeepPayment),
    change("fulfillments/create",            Subject::Order,         FULFILLMENTS, Act::KeepFulfillment),
    change("fulfillments/update",            Subject::Order,         FULFILLMENTS, Act::KeepFulfillment),

    change("returns/request",                Subject::Return,        RETURNS,      Act::ReadReturn),
    change("returns/approve",                Subject::Return,        RETURNS,      Act::ReadReturn),
    change("returns/decline",                Subject::Return,        RETURNS,      Act::ReadReturn),
    change("returns/update",                 Subject::Return,        RETURNS,      Act::ReadReturn),
    change("returns/process",                Subject::Return,        RETURNS,      Act::ReadReturn),
    change("returns/close",                  Subject::Return,        RETURNS,      Act::ReadReturn),
    change("returns/reopen",                 Subject::Return,        RETURNS,      Act::ReadReturn),
    change("returns/cancel",                 Subject::Return,        RETURNS,      Act::ReadReturn),

    fulfillment_order("fulfillment_orders/cancellation_request_accepted"),
    fulfillment_order("fulfillment_orders/cancellation_request_rejected"),
    fulfillment_order("fulfillment_orders/cancellation_request_submitted"),
    fulfillment_order("fulfillment_orders/cancelled"),
    fulfillment_order("fulfillment_orders/fulfillment_request_accepted"),
    fulfillment_order("fulfillment_orders/fulfillment_request_rejected"),
    fulfillment_order("fulfillment_orders/fulfillment_request_submitted"),
    fulfillment_order("fulfillment_orders/fulfillment_service_failed_to_complete"),
    fulfillment_order("fulfillment_orders/hold_released"),
    fulfillment_order("fulfillment_orders/line_items_prepared_for_local_delivery"),
    fulfillment_order("fulfillment_orders/line_items_prepared_for_pickup"),
    fulfillment_order("fulfillment_orders/manually_reported_progress_stopped"),
    fulfillment_order("fulfillment_orders/merged"),
    fulfillment_order("fulfillment_orders/moved"),
    fulfillment_order("fulfillment_orders/order_routing_complete"),
    fulfillment_order("fulfillment_orders/placed_on_hold"),
    fulfillment_order("fulfillment_orders/progress_reported"),
    fulfillment_order("fulfillment_orders/rescheduled"),
    fulfillment_order("fulfillment_orders/scheduled_fulfillment_order_ready"),
    fulfillment_order("fulfillment_orders/split"),
    // What older systems call order_routing_complete and moved, and the end that fulfillments/create tells.
    old_name(fulfillment_order("fulfillment_orders/assigned")),
    old_name(fulfillment_order("fulfillment_orders/closed")),

    state ("products/create",                Subject::Product,       "accepted",  PRODUCTS,     Act::KeepProduct),
    state ("products/update",                Subject::Product,       "accepted",  PRODUCTS,     Act::KeepProduct),
    gone  ("products/delete",                Subject::Product,       PRODUCTS,     Act::CheckProductGone),
    state ("inventory_levels/update",        Subject::StockLevel,    "accepted",  INVENTORY,    Act::NoteStock),

    state ("customers/create",               Subject::Customer,      "accepted",  CUSTOMERS,    Act::KeepCustomer),
    state ("customers/update",               Subject::Customer,      "accepted",  CUSTOMERS,    Act::KeepCustomer),
    gone  ("customers/delete",               Subject::Customer,      CUSTOMERS,    Act::CheckCustomerGone),
    change("customers/merge",                Subject::Customer,      MERGES,       Act::MergeCustomers),

    state ("locations/create",               Subject::Location,      "accepted",  LOCATIONS,    Act::ReadLocations),
    state ("locations/update",               Subject::Location,      "accepted",  LOCATIONS,    Act::ReadLocations),
    state ("locations/activate",             Subject::Location,      "accepted",  LOCATIONS,    Act::ReadLocations),
    state ("locations/deactivate",           Subject::Location,      "accepted",  LOCATIONS,    Act::ReadLocations),
    gone  ("locations/delete",               Subject::Location,      LOCATIONS,    Act::ReadLocations),

    change("bulk_operations/finish",         Subject::BulkOperation, NONE,         Act::FinishBulkOperation),
    change("app/scopes_update",              Subject::Shop,          NONE,         Act::ReadScopes),
    late  (change("app/uninstalled",         Subject::Shop,          NONE,         Act::CheckUninstalled), Proof::TokenRefused),

    compliance(change("customers/data_request", Subject::Customer,   NONE,         Act::ReportCustomer)),
    compliance(late(change("customers/redact",  Subject::Customer,   NONE,         Act::RedactCustomer), Proof::OwnShape)),
    compliance(late(change("shop/redact",       Subject::Shop,       NONE,         Act::RedactShop),     Proof::StoreGone)),
];

/// The rule of a topic, if it is one of ours.
#[must_use]
pub fn rule(topic: &str) -> Option<&'static TopicRule> {
    TOPICS.iter().find(|rule| rule.topic == topic)
}

/// The topics that we subscribe to over the API.
pub fn registered() -> impl Iterator<Item = &'static TopicRule> {
    TOPICS
        .iter()
        .filter(|rule| rule.registration == Registration::Api)
}

impl TopicRule {
    /// The name in the API's enum: `ORDERS_CREATE`.
    #[must_use]
    pub fn enum_name(&self) -> String {
        self.topic.replace('/', "_").to_uppercase()
    }

    /// The topics whose newer bodies make an older one of this topic void.
    #[must_use]
    pub fn superseded_by(&self) -> Vec<&'static str> {
        TOPICS
            .iter()
            .filter(|other| self.snapshot && other.snapshot && other.subject == self.subject)
            .map(|other| other.topic)
            .collect()
    }
}

const fn change(
    topic: &'static str,
    subject: Subject,
    scopes: &'static [&'static str],
    act: Act,
) -> TopicRule {
    TopicRule {
        topic,
        subject,
        snapshot: false,
        destructive: None,
        status: "accepted",
        scopes,
        registration: Registration::Api,
        after_disconnect: false,
        act,
    }
}

const fn state(
    topic: &'static str,
    subject: Subject,
    status: &'static str,
    scopes: &'static [&'static str],
    act: Act,
) -> TopicRule {
    TopicRule {
        snapshot: true,
        status,
        ..change(topic, subject, scopes, act)
    }
}

const fn gone(
    topic: &'static str,
    subject: Subject,
    scopes: &'static [&'static str],
    act: Act,
) -> TopicRule {
    TopicRule {
        destructive: Some(Proof::RecordGone),
        ..change(topic, subject, scopes, act)
    }
}

const fn fulfillment_order(topic: &'static str) -> TopicRule {
    change(
        topic,
        Subject::FulfillmentOrder,
        FULFILLMENT_ORDERS,
        Act::AskFulfillmentOrder,
    )
}

const fn old_name(rule: TopicRule) -> TopicRule {
    TopicRule {
        registration: Registration::OldName,
        ..rule
    }
}

const fn late(rule: TopicRule, proof: Proof) -> TopicRule {
    TopicRule {
        destructive: Some(proof),
        after_disconnect: true,
        ..rule
    }
}

const fn compliance(rule: TopicRule) -> TopicRule {
    TopicRule {
        registration: Registration::AppConfiguration,
        after_disconnect: true,
        ..rule
    }
}
