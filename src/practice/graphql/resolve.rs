//! Executes documents over the store's memory: scopes, arguments, pages, and the road from reference to object.

use std::cell::{Cell, RefCell};

use apollo_compiler::Schema;
use apollo_compiler::ast::Value as AstValue;
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::value::{Args, Conn, Obj, Ref, Val, leaf, maybe, obj};
use super::{mutations, order_nodes, product_nodes, return_nodes, root, shop_nodes};
use crate::practice::Config;
use crate::practice::state::State;
use crate::practice::tokens;

/// What every field of one request may use.
pub(super) struct Ctx<'s> {
    pub(super) state: RefCell<&'s mut State>,
    pub(super) config: &'s Config,
    pub(super) schema: &'s Valid<Schema>,
    /// Where the store listens.
    pub(super) site: String,
    /// Whether a bulk operation reads: its connections are read to their end.
    pub(super) is_bulk: Cell<bool>,
    pub(super) now: Timestamp,
    pub(super) scopes: Vec<String>,
    pub(super) api_version: String,
    pub(super) variables: Value,
    /// What a search did not understand: field of the root, query, field of the query.
    pub(super) warnings: RefCell<Vec<(String, String, String)>>,
}

impl Ctx<'_> {
    /// Reads from the store's memory.
    pub(super) fn read<T>(&self, work: impl FnOnce(&State) -> T) -> T {
        work(&self.state.borrow())
    }

    /// Changes the store's memory.
    pub(super) fn change<T>(&self, work: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        work(&mut self.state.borrow_mut(), self.now)
    }

    fn may(&self, any_of: &[String]) -> bool {
        any_of.is_empty()
            || any_of
                .iter()
                .any(|scope| tokens::grants(&self.scopes, scope))
    }
}

/// An object under execution.
pub(super) struct Node<'c, 's> {
    pub(super) ctx: &'c Ctx<'s>,
    pub(super) obj: Obj,
}

pub(super) fn failed(message: impl Into<String>) -> FieldError {
    FieldError {
        message: message.into(),
    }
}

impl ObjectValue for Node<'_, '_> {
    fn type_name(&self) -> &str {
        self.obj.kind
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let (name, args) = (info.field_name(), Args::new(info.arguments()));
        let missing = needed_scopes(info);
        if !self.ctx.may(&missing) {
            if (self.obj.kind, name) == ("Order", "fulfillmentOrders") {
                return complete(self.ctx, Conn::listed("FulfillmentOrder", []), &args);
            }
            let wanted: Vec<String> = missing
                .iter()
                .map(|scope| format!("`{scope}` access scope"))
                .collect();
            return Err(failed(format!(
                "Access denied for {name} field. Required access: {}.",
                wanted.join(" or ")
            )));
        }
        let value = match self.obj.kind {
            "QueryRoot" => root::query(self.ctx, name, &args)?,
            "Mutation" => {
                mutations::run(self.ctx, name, &args, self.idempotency_key(info).as_deref())?
            }
            _ => field(self.ctx, &self.obj, name, &args)?,
        };
        complete(self.ctx, value, &args)
    }
}

impl Node<'_, '_> {
    /// The key of `@idempotent` on a mutation.
    fn idempotency_key(&self, info: &ResolveInfo<'_>) -> Option<String> {
        let field = info.field_selections().first()?;
        let value = field
            .directives
            .get("idempotent")?
            .specified_argument_by_name("key")?;
        let variable = value
            .as_variable()
            .and_then(|name| self.ctx.variables.get(name.as_str()));
        let key = value
            .as_str()
            .or_else(|| variable.and_then(Value::as_str))?;
        (!key.trim().is_empty()).then(|| key.to_owned())
    }
}

/// The scopes of which one is needed for a field or for what it leads to.
fn needed_scopes(info: &ResolveInfo<'_>) -> Vec<String> {
    let definition = info.field_definition();
    let on_field = definition.directives.get("access");
    let target = definition.ty.inner_named_type();
    let target = target
        .as_str()
        .strip_suffix("Connection")
        .unwrap_or(target.as_str());
    let on_type = match info.schema().types.get(target) {
        Some(ExtendedType::Object(object)) => {
            object.directives.get("access").map(|one| one.node.clone())
        }
        Some(_) | None => None,
    };
    let directive = on_field.cloned().or(on_type);
    let Some(scopes) = directive
        .as_ref()
        .and_then(|one| one.specified_argument_by_name("anyOf"))
    else {
        return Vec::new();
    };
    let AstValue::List(scopes) = scopes.as_ref() else {
        return Vec::new();
    };
    scopes
        .iter()
        .filter_map(|scope| scope.as_str().map(str::to_owned))
        .collect()
}

fn field(ctx: &Ctx<'_>, obj: &Obj, name: &str, args: &Args) -> Result<Val, FieldError> {
    let computed = match obj.source {
        Some(source) => ctx.read(|state| {
            product_nodes::computed(state, source, name, args)
                .or_else(|| order_nodes::computed(state, source, name, args))
        }),
        None => None,
    };
    computed
        .or_else(|| obj.fields.get(name).cloned())
        .ok_or_else(|| {
            failed(format!(
                "The practice store does not answer {}.{name}",
                obj.kind
            ))
        })
}

/// Follows references and cuts connections, so that only what the schema knows is left.
fn complete<'a>(
    ctx: &'a Ctx<'_>,
    value: Val,
    args: &Args,
) -> Result<ResolvedValue<'a>, FieldError> {
    match value {
        Val::Leaf(value) => Ok(ResolvedValue::leaf(value)),
        Val::Obj(obj) => Ok(ResolvedValue::object(Node { ctx, obj })),
        Val::Ref(found) => Ok(follow(ctx, found).map_or_else(ResolvedValue::null, |obj| {
            ResolvedValue::object(Node { ctx, obj })
        })),
        Val::List(mut items) => {
            if let Some(first) = args.number("first") {
                items.truncate(usize::try_from(first).unwrap_or(0));
            }
            let none = Args::from_value(&Value::Null);
            let done: Vec<_> = items
                .into_iter()
                .map(|item| complete(ctx, item, &none))
                .collect();
            Ok(ResolvedValue::List(Box::new(done.into_iter())))
        }
        Val::Conn(conn) => Ok(ResolvedValue::object(Node {
            ctx,
            obj: page(ctx, conn, args)?,
        })),
    }
}

/// The object behind a reference.
fn follow(ctx: &Ctx<'_>, found: Ref) -> Option<Obj> {
    let mut made = ctx.read(|state| match found {
        Ref::Shop | Ref::App | Ref::Installation | Ref::Location(_) | Ref::Subscription(_) => {
            shop_nodes::make(state, ctx, found)
        }
        Ref::Product(_) | Ref::Variant(_) | Ref::Item(_) | Ref::Level(..) => {
            product_nodes::make(state, found)
        }
        Ref::Customer(_)
        | Ref::Order(_)
        | Ref::Line(..)
        | Ref::FulfillmentOrder(_)
        | Ref::Fulfillment(_)
        | Ref::Refund(..)
        | Ref::Transaction(..) => order_nodes::make(state, found),
        Ref::Return(order, one) => return_nodes::make(state, order, one),
    })?;
    made.source = Some(found);
    Some(made)
}

/// One page of a connection.
fn page(ctx: &Ctx<'_>, conn: Conn, args: &Args) -> Result<Obj, FieldError> {
    let (first, last) = (args.number("first"), args.number("last"));
    for (name, wanted) in [("first", first), ("last", last)] {
        if wanted.is_some_and(|wanted| !(0..=250).contains(&wanted)) {
            return Err(failed(format!("{name} must be between 0 and 250")));
        }
    }
    if first.is_none() && last.is_none() && !ctx.is_bulk.get() {
        return Err(failed("you must provide one of first or last"));
    }
    let mut items = conn.items;
    if args.flag("reverse") {
        items.reverse();
    }
    let total = items.len();
    let start =
        position(&items, args.text("after"), args.flag("reverse"))?.map_or(0, |found| found + 1);
    let end = position(&items, args.text("before"), args.flag("reverse"))?.unwrap_or(total);
    let (mut from, mut to) = (start.min(end), end);
    if let Some(first) = first.and_then(|first| usize::try_from(first).ok()) {
        to = to.min(from + first);
    }
    if let Some(last) = last.and_then(|last| usize::try_from(last).ok()) {
        from = from.max(to.saturating_sub(last));
    }
    let shown = items.get(from..to).unwrap_or_default();
    let cursors: Vec<String> = shown
        .iter()
        .map(|(sort, id, _)| cursor(sort, *id))
        .collect();
    let edges = shown.iter().zip(&cursors).map(|((_, _, node), cursor)| {
        Val::Obj(obj(
            edge(conn.of),
            [("cursor", leaf(cursor.as_str())), ("node", node.clone())],
        ))
    });
    let info = obj(
        "PageInfo",
        [
            ("hasNextPage", leaf(to < total)),
            ("hasPreviousPage", leaf(from > 0)),
            ("startCursor", maybe(cursors.first().cloned())),
            ("endCursor", maybe(cursors.last().cloned())),
        ],
    );
    Ok(obj(
        connection(conn.of),
        [
            ("edges", Val::List(edges.collect())),
            (
                "nodes",
                Val::List(shown.iter().map(|(_, _, node)| node.clone()).collect()),
            ),
            ("pageInfo", Val::Obj(info)),
        ],
    ))
}

fn cursor(sort: &str, id: u64) -> String {
    STANDARD.encode(json!({"last_id": id, "last_value": sort}).to_string())
}

/// Where a cursor stands in the list: at its row, or at the last row that comes before it when it moved away.
fn position(
    items: &[(String, u64, Val)],
    text: Option<String>,
    reversed: bool,
) -> Result<Option<usize>, FieldError> {
    let Some(text) = text else { return Ok(None) };
    let value = STANDARD
        .decode(text)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let parsed = value.as_ref().and_then(|value| {
        Some((
            value.get("last_value")?.as_str()?.to_owned(),
            value.get("last_id")?.as_u64()?,
        ))
    });
    let cursor = parsed.ok_or_else(|| failed("Invalid cursor for current pagination sort."))?;
    let comes_after = |sort: &String, id: u64| {
        let row = (sort.as_str(), id);
        let cursor = (cursor.0.as_str(), cursor.1);
        if reversed { row < cursor } else { row > cursor }
    };
    let until = items
        .iter()
        .filter(|(sort, id, _)| !comes_after(sort, *id))
        .count();
    Ok(until.checked_sub(1))
}

fn connection(of: &'static str) -> &'static str {
    match of {
        "Location" => "LocationConnection",
        "Product" => "ProductConnection",
        "ProductVariant" => "ProductVariantConnection",
        "Media" => "MediaConnection",
        "InventoryItem" => "InventoryItemConnection",
        "InventoryLevel" => "InventoryLevelConnection",
        "Customer" => "CustomerConnection",
        "Company" => "CompanyConnection",
        "CompanyContact" => "CompanyContactConnection",
        "CompanyLocation" => "CompanyLocationConnection",
        "MailingAddress" => "MailingAddressConnection",
        "Order" => "OrderConnection",
        "LineItem" => "LineItemConnection",
        "ShippingLine" => "ShippingLineConnection",
        "DiscountApplication" => "DiscountApplicationConnection",
        "FulfillmentOrder" => "FulfillmentOrderConnection",
        "FulfillmentOrderLineItem" => "FulfillmentOrderLineItemConnection",
        "FulfillmentLineItem" => "FulfillmentLineItemConnection",
        "RefundLineItem" => "RefundLineItemConnection",
        "RefundShippingLine" => "RefundShippingLineConnection",
        "OrderAdjustment" => "OrderAdjustmentConnection",
        "OrderTransaction" => "OrderTransactionConnection",
        "ReturnLineItemType" => "ReturnLineItemTypeConnection",
        "ExchangeLineItem" => "ExchangeLineItemConnection",
        "ReverseFulfillmentOrder" => "ReverseFulfillmentOrderConnection",
        "ReverseFulfillmentOrderLineItem" => "ReverseFulfillmentOrderLineItemConnection",
        _ => "WebhookSubscriptionConnection",
    }
}

fn edge(of: &'static str) -> &'static str {
    match of {
        "Location" => "LocationEdge",
        "Product" => "ProductEdge",
        "ProductVariant" => "ProductVariantEdge",
        "Media" => "MediaEdge",
        "InventoryItem" => "InventoryItemEdge",
        "InventoryLevel" => "InventoryLevelEdge",
        "Customer" => "CustomerEdge",
        "Company" => "CompanyEdge",
        "CompanyContact" => "CompanyContactEdge",
        "CompanyLocation" => "CompanyLocationEdge",
        "MailingAddress" => "MailingAddressEdge",
        "Order" => "OrderEdge",
        "LineItem" => "LineItemEdge",
        "ShippingLine" => "ShippingLineEdge",
        "DiscountApplication" => "DiscountApplicationEdge",
        "FulfillmentOrder" => "FulfillmentOrderEdge",
        "FulfillmentOrderLineItem" => "FulfillmentOrderLineItemEdge",
        "FulfillmentLineItem" => "FulfillmentLineItemEdge",
        "RefundLineItem" => "RefundLineItemEdge",
        "RefundShippingLine" => "RefundShippingLineEdge",
        "OrderAdjustment" => "OrderAdjustmentEdge",
        "OrderTransaction" => "OrderTransactionEdge",
        "ReturnLineItemType" => "ReturnLineItemTypeEdge",
        "ExchangeLineItem" => "ExchangeLineItemEdge",
        "ReverseFulfillmentOrder" => "ReverseFulfillmentOrderEdge",
        "ReverseFulfillmentOrderLineItem" => "ReverseFulfillmentOrderLineItemEdge",
        _ => "WebhookSubscriptionEdge",
    }
}
