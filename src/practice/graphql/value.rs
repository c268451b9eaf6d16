//! What a field resolves to: leaves, objects, lists, connections, and references that are followed when asked for.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::practice::model::{Order, Tax};
use crate::practice::money::{Amount, graphql, rate};
use crate::practice::payloads::gid;

/// The value of a field before it is cut to the selection.
#[derive(Debug, Clone)]
pub(super) enum Val {
    Leaf(Value),
    Obj(Obj),
    Ref(Ref),
    List(Vec<Val>),
    Conn(Conn),
}

/// An object with all fields the store knows of it.
#[derive(Debug, Clone)]
pub(super) struct Obj {
    pub(super) kind: &'static str,
    pub(super) fields: HashMap<&'static str, Val>,
    /// What it was made from, for fields that take arguments.
    pub(super) source: Option<Ref>,
}

/// Something of the store that has an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ref {
    Shop,
    App,
    Installation,
    Location(u64),
    Product(u64),
    Variant(u64),
    /// By the inventory item's id.
    Item(u64),
    /// Inventory item and location.
    Level(u64, u64),
    Customer(u64),
    Order(u64),
    /// Order and line.
    Line(u64, u64),
    FulfillmentOrder(u64),
    Fulfillment(u64),
    /// Order and refund.
    Refund(u64, u64),
    /// Order and return.
    Return(u64, u64),
    /// Order and transaction.
    Transaction(u64, u64),
    Subscription(u64),
}

/// A list that is read in pages.
#[derive(Debug, Clone)]
pub(super) struct Conn {
    /// The type of its nodes.
    pub(super) of: &'static str,
    /// Sorted: what it is sorted by, an id that tells equals apart, the node.
    pub(super) items: Vec<(String, u64, Val)>,
}

impl Conn {
    /// A connection in the order of the list.
    pub(super) fn listed(of: &'static str, nodes: impl IntoIterator<Item = Val>) -> Val {
        let items = nodes
            .into_iter()
            .zip(0_u64..)
            .map(|(node, nth)| (format!("{nth:010}"), nth, node))
            .collect();
        Val::Conn(Self { of, items })
    }
}

pub(super) fn leaf(value: impl Into<Value>) -> Val {
    Val::Leaf(value.into())
}

pub(super) fn null() -> Val {
    Val::Leaf(Value::Null)
}

/// A leaf that may be missing.
pub(super) fn maybe<T: Into<Value>>(value: Option<T>) -> Val {
    Val::Leaf(value.map_or(Value::Null, Into::into))
}

pub(super) fn strings<T: AsRef<str>>(list: &[T]) -> Val {
    Val::List(list.iter().map(|one| leaf(one.as_ref())).collect())
}

pub(super) fn id(kind: &str, id: u64) -> Val {
    leaf(gid(kind, id))
}

/// Unsigned 64-bit numbers travel as text.
pub(super) fn unsigned(number: u64) -> Val {
    leaf(number.to_string())
}

pub(super) fn time(at: Timestamp) -> Val {
    leaf(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

pub(super) fn maybe_time(at: Option<Timestamp>) -> Val {
    at.map_or_else(null, time)
}

pub(super) fn obj<const N: usize>(kind: &'static str, fields: [(&'static str, Val); N]) -> Obj {
    Obj {
        kind,
        fields: HashMap::from(fields),
        source: None,
    }
}

/// An object as a value.
pub(super) fn object<const N: usize>(kind: &'static str, fields: [(&'static str, Val); N]) -> Val {
    Val::Obj(obj(kind, fields))
}

/// A reference that may be missing.
pub(super) fn maybe_ref(found: Option<Ref>) -> Val {
    found.map_or_else(null, Val::Ref)
}

pub(super) fn money(minor: i64, currency: &str) -> Val {
    object(
        "MoneyV2",
        [
            ("amount", leaf(graphql(minor, currency))),
            ("currencyCode", leaf(currency)),
        ],
    )
}

/// An amount of an order in both currencies.
pub(super) fn bag(order: &Order, amount: Amount) -> Val {
    object(
        "MoneyBag",
        [
            ("shopMoney", money(amount.shop, &order.currency)),
            (
                "presentmentMoney",
                money(amount.presentment, &order.presentment_currency),
            ),
        ],
    )
}

/// A deprecated plain amount.
pub(super) fn plain(order: &Order, amount: Amount) -> Val {
    leaf(graphql(amount.shop, &order.currency))
}

pub(super) fn tax_lines(order: &Order, taxes: &[Tax]) -> Val {
    let one = |tax: &Tax| {
        object(
            "TaxLine",
            [
                ("title", leaf(tax.title.as_str())),
                ("rate", leaf(rate(tax.rate_ppm))),
                ("ratePercentage", leaf(rate(tax.rate_ppm * 100))),
                ("channelLiable", leaf(false)),
                ("source", leaf("Shopify")),
                ("price", plain(order, tax.amount)),
                ("priceSet", bag(order, tax.amount)),
            ],
        )
    };
    Val::List(taxes.iter().map(one).collect())
}

pub(super) fn attributes(list: &[(String, String)]) -> Val {
    let one = |(key, value): &(String, String)| {
        object(
            "Attribute",
            [("key", leaf(key.as_str())), ("value", leaf(value.as_str()))],
        )
    };
    Val::List(list.iter().map(one).collect())
}

pub(super) fn count(number: usize) -> Val {
    object(
        "Count",
        [("count", leaf(number)), ("precision", leaf("EXACT"))],
    )
}

/// The arguments of a field.
pub(super) struct Args(Map<String, Value>);

impl Args {
    pub(super) fn new(map: &apollo_compiler::response::JsonMap) -> Self {
        let value = serde_json::to_value(map).unwrap_or(Value::Null);
        Self(value.as_object().cloned().unwrap_or_default())
    }

    /// The object inside an argument.
    pub(super) fn inner(&self, name: &str) -> Self {
        Self(
            self.0
                .get(name)
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
        )
    }

    pub(super) fn from_value(value: &Value) -> Self {
        Self(value.as_object().cloned().unwrap_or_default())
    }

    /// Whether it was given at all, even as null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether it was given and is not null.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name)?.as_str().map(str::to_owned)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    pub(super) fn list(&self, name: &str) -> Vec<Value> {
        self.0
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.list(name)
            .iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect()
    }

    /// The number at the end of a GID of the kind; `None` for anything else.
    pub(super) fn gid(&self, name: &str, kind: &str) -> Option<u64> {
        number_of(&self.text(name)?, kind)
    }

    pub(super) fn digest(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }
}

/// `gid://shopify/Order/5` of kind `Order` is 5.
pub(super) fn number_of(gid: &str, kind: &str) -> Option<u64> {
    let (found, rest) = gid.strip_prefix("gid://shopify/")?.split_once('/')?;
    let number = rest.split('?').next()?;
    (found == kind).then(|| number.parse().ok()).flatten()
}
