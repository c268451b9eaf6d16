//! Puts an order together from the rows of a bulk operation's file: its own row, and its children, which
//! name it by `__parentId` and need not follow it.
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::graphql::Node;
use super::{TranslateError, error};
use crate::shopify::gid;

/// The connections of an order.
const LISTS: [&str; 3] = ["lineItems", "shippingLines", "discountApplications"];

/// One row of the file.
#[derive(Clone, Debug)]
pub struct Row {
    /// The gid of the order that it belongs to; `None` where it is an order itself.
    pub parent: Option<String>,
    value: Map<String, Value>,
}

impl Row {
    /// Reads one line of the file.
    ///
    /// # Errors
    ///
    /// Where it is no JSON object.
    pub fn read(line: &[u8]) -> Result<Row, TranslateError> {
        let mut value: Map<String, Value> = super::read(line)?;
        let parent = match value.remove("__parentId") {
            Some(Value::String(parent)) => Some(parent),
            Some(_) | None => None,
        };
        Ok(Row { parent, value })
    }

    /// The row's own gid; discounts have none.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.value.get("id")?.as_str()
    }

    /// The row itself, as JSON.
    #[must_use]
    pub fn into_json(self) -> Vec<u8> {
        serde_json::to_vec(&self.value).unwrap_or_default()
    }

    /// The row with others as a list of its own, as one answer would have told it.
    #[must_use]
    pub fn with_list(mut self, name: &str, rows: Vec<Row>) -> Row {
        let nodes: Vec<Value> = rows
            .into_iter()
            .map(|row| Value::Object(row.value))
            .collect();
        self.value
            .insert(name.to_owned(), json!({ "nodes": nodes }));
        self
    }

    /// The list of an order that it stands in.
    fn list(&self) -> Option<&'static str> {
        match self.id().and_then(gid::type_of) {
            Some("LineItem") => Some("lineItems"),
            Some("ShippingLine") => Some("shippingLines"),
            Some(_) => None,
            None if self.value.contains_key("index") => Some("discountApplications"),
            None if self.value.contains_key("originalPriceSet") => Some("shippingLines"),
            None => None,
        }
    }
}

/// The order of these rows, as one answer would have told it. What its fulfillments hold a bulk operation
/// cannot carry, nor can it carry payments by pages: the node says how many there are, the lists are empty.
///
/// # Errors
///
/// The place and the reason.
pub fn assemble(order: Row, children: Vec<Row>) -> Result<Node, TranslateError> {
    let mut lists: BTreeMap<&str, Vec<Value>> =
        LISTS.iter().map(|name| (*name, Vec::new())).collect();
    for child in children {
        let list = child.list().and_then(|name| lists.get_mut(name));
        let strange = || error("__parentId", "a row is neither a line nor a discount");
        list.ok_or_else(strange)?.push(Value::Object(child.value));
    }
    let mut value = order.value;
    for (name, rows) in lists {
        let page = json!({ "hasNextPage": false, "endCursor": null });
        value.insert(name.to_owned(), json!({ "nodes": rows, "pageInfo": page }));
    }
    value.insert("fulfillments".to_owned(), json!([]));
    for list in ["transactions", "refunds"] {
        value.entry(list).or_insert_with(|| json!([]));
    }
    let body = serde_json::to_vec(&value).unwrap_or_default();
    super::graphql::read(&body)
}
