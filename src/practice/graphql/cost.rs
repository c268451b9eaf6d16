//! What a request costs and whether the bucket has that much: 2000 points, 100 more each second, 1000 for one query.
//!
//! Shopify publishes no exact formula. Here an entity costs 1, a mutation 10, a connection 2 and its page;
//! a connection below another field counts the square root of its page, so that nested pages stay affordable.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::Schema;
use apollo_compiler::executable::{Field, Operation, Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The most one query may cost, on every plan.
pub(super) const MAXIMUM: i64 = 1000;
const BUCKET: i64 = 2000;
const PER_SECOND: i64 = 100;

/// The points of an app in a shop, kept in thousandths.
#[derive(Debug)]
pub(in crate::practice) struct Bucket {
    milli: i64,
    at: Timestamp,
}

impl Bucket {
    pub(in crate::practice) fn full(now: Timestamp) -> Self {
        Self {
            milli: BUCKET * 1000,
            at: now,
        }
    }

    pub(in crate::practice) fn with(points: u32, now: Timestamp) -> Self {
        Self {
            milli: (i64::from(points) * 1000).min(BUCKET * 1000),
            at: now,
        }
    }

    fn refill(&mut self, now: Timestamp) {
        let passed = i64::try_from(now.duration_since(self.at).as_millis())
            .unwrap_or(0)
            .max(0);
        self.milli = (self.milli + passed * PER_SECOND).min(BUCKET * 1000);
        self.at = now;
    }

    /// Whether a query of this cost is let in.
    pub(super) fn admits(&mut self, requested: i64, now: Timestamp) -> bool {
        self.refill(now);
        self.milli >= requested * 1000
    }

    pub(super) fn charge(&mut self, actual: i64) {
        self.milli = (self.milli - actual * 1000).max(0);
    }

    /// `extensions.cost` of an answer; `actual` is missing when the query was not let in.
    pub(super) fn report(&self, requested: i64, actual: Option<i64>) -> Value {
        json!({
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": self.milli / 1000, "restoreRate": 100.0},
        })
    }
}

/// What a request may cost at most.
pub(super) fn requested(
    schema: &Schema,
    document: &ExecutableDocument,
    operation: &Operation,
    variables: &Value,
) -> i64 {
    let walk = Walk {
        schema,
        document,
        variables,
    };
    let base = if operation.is_mutation() { 10 } else { 0 };
    base + walk.set(&operation.selection_set, false)
}

/// What an answer cost: its entities.
pub(super) fn actual(data: &Value, is_mutation: bool, requested: i64) -> i64 {
    fn entities(value: &Value) -> i64 {
        match value {
            Value::Object(map) => {
                i64::from(map.contains_key("id")) + map.values().map(entities).sum::<i64>()
            }
            Value::Array(list) => list.iter().map(entities).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        }
    }
    let base = if is_mutation { 10 } else { 1 };
    (base + entities(data)).min(requested)
}

struct Walk<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    variables: &'a Value,
}

impl Walk<'_> {
    fn set(&self, set: &SelectionSet, nested: bool) -> i64 {
        let one = |selection: &Selection| match selection {
            Selection::Field(field) => self.field(field, nested),
            Selection::InlineFragment(inline) => self.set(&inline.selection_set, nested),
            Selection::FragmentSpread(spread) => spread
                .fragment_def(self.document)
                .map_or(0, |fragment| self.set(&fragment.selection_set, nested)),
        };
        set.selections.iter().map(one).sum()
    }

    fn field(&self, field: &Field, nested: bool) -> i64 {
        let target = field.ty().inner_named_type();
        if !target.as_str().ends_with("Connection") {
            return i64::from(self.is_entity(target.as_str()))
                + self.set(&field.selection_set, true);
        }
        let page = self
            .number(field, "first")
            .or_else(|| self.number(field, "last"))
            .unwrap_or(0)
            .clamp(0, 250);
        let counted = if nested { root(page) } else { page };
        2 + counted * self.set(&field.selection_set, true).max(1)
    }

    fn is_entity(&self, name: &str) -> bool {
        match self.schema.types.get(name) {
            Some(ExtendedType::Object(object)) => object.fields.contains_key("id"),
            Some(ExtendedType::Interface(interface)) => interface.fields.contains_key("id"),
            Some(ExtendedType::Union(_)) => true,
            Some(
                ExtendedType::Scalar(_) | ExtendedType::Enum(_) | ExtendedType::InputObject(_),
            )
            | None => false,
        }
    }

    fn number(&self, field: &Field, name: &str) -> Option<i64> {
        let value = field.specified_argument_by_name(name)?;
        match value.as_variable() {
            Some(variable) => self.variables.get(variable.as_str())?.as_i64(),
            None => value.to_i32().map(i64::from),
        }
    }
}

/// The square root, rounded up.
fn root(number: i64) -> i64 {
    (0..=16).find(|one| one * one >= number).unwrap_or(16)
}
