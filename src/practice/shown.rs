//! What a story may see of the store.

use jiff::Timestamp;
use serde_json::Value;

/// An order that was just placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedOrder {
    pub id: u64,
    /// `#1001`
    pub name: String,
}

/// A fulfillment as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownFulfillment {
    pub gid: String,
    pub name: String,
    /// success or cancelled
    pub status: String,
    pub company: Option<String>,
    pub numbers: Vec<String>,
    pub urls: Vec<String>,
    /// Line item id and quantity.
    pub lines: Vec<(u64, i64)>,
    pub notified: bool,
}

/// A GraphQL request that came, and its answer.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    pub operation: String,
    pub document: String,
    pub variables: Value,
    pub status: u16,
    pub answer: Value,
    pub request_id: String,
}

/// A webhook and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    pub webhook_id: String,
    pub event_id: String,
    pub topic: String,
    pub uri: String,
    pub body: String,
    pub triggered_at: Timestamp,
    /// pending, delivered, given up or dropped
    pub state: &'static str,
    pub attempts: u32,
    pub answer: Option<String>,
}
