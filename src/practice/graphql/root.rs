//! The fields of a query: one record by its id, or lists, searched, sorted and read in pages.

use apollo_compiler::resolvers::FieldError;
use jiff::Timestamp;

use super::resolve::{Ctx, failed};
use super::shop_nodes::{self, VERSIONS};
use super::value::{Args, Conn, Ref, Val, count, maybe_ref, null, number_of};
use super::{bulk, search};
use super::{customer_nodes, product_nodes, return_nodes, value};
use crate::practice::fulfillments;
use crate::practice::model::{Company, Customer, FoStatus, Order, Product, Subscription, Variant};
use crate::practice::state::State;
use crate::practice::webhooks::later;
use crate::practice::{tokens, totals};

/// 60 days.
const SHOWN_SECS: i64 = 60 * 86_400;

/// A row of a list before it is paged: sort key, id, record, and its searchable fields.
struct Row {
    sort: String,
    id: u64,
    to: Ref,
    fields: Vec<(&'static str, Vec<String>)>,
}

pub(super) fn query(ctx: &Ctx<'_>, name: &str, args: &Args) -> Result<Val, FieldError> {
    let one = |kind: &str, make: fn(u64) -> Ref| Ok(maybe_ref(args.gid("id", kind).map(make)));
    match name {
        "shop" => Ok(Val::Ref(Ref::Shop)),
        "currentAppInstallation" => Ok(Val::Ref(Ref::Installation)),
        "publicApiVersions" => Ok(Val::List(
            [&VERSIONS[..], &["unstable"]]
                .concat()
                .iter()
                .map(|one| shop_nodes::version(one))
                .collect(),
        )),
        "inventoryProperties" => Ok(product_nodes::properties()),
        "order" => Ok(maybe_ref(
            args.gid("id", "Order")
                .filter(|number| ctx.read(|state| is_shown(ctx, state, *number)))
                .map(Ref::Order),
        )),
        "bulkOperation" => Ok(args
            .gid("id", "BulkOperation")
            .and_then(|number| bulk::find(ctx, number))
            .unwrap_or_else(null)),
        "customer" => one("Customer", Ref::Customer),
        "product" => one("Product", Ref::Product),
        "productVariant" => one("ProductVariant", Ref::Variant),
        "inventoryItem" => one("InventoryItem", Ref::Item),
        "fulfillmentOrder" => one("FulfillmentOrder", Ref::FulfillmentOrder),
        "fulfillment" => one("Fulfillment", Ref::Fulfillment),
        "webhookSubscription" => one("WebhookSubscription", Ref::Subscription),
        "location" if !args.is_set("id") => {
            Ok(Val::Ref(Ref::Location(ctx.read(State::primary_location))))
        }
        "location" => one("Location", Ref::Location),
        "inventoryLevel" => Ok(maybe_ref(args.text("id").and_then(|id| level(&id)))),
        "return" => Ok(ctx.read(|state| {
            let found = args.gid("id", "Return");
            maybe_ref(found.and_then(|id| return_nodes::find(state, id)))
        })),
        "refund" => Ok(ctx.read(|state| maybe_ref(refund(state, args.gid("id", "Refund"))))),
        "node" => Ok(ctx.read(|state| maybe_ref(args.text("id").and_then(|id| node(state, &id))))),
        "nodes" => Ok(ctx.read(|state| {
            Val::List(
                args.texts("ids")
                    .iter()
                    .map(|id| maybe_ref(node(state, id)))
                    .collect(),
            )
        })),
        "orderByIdentifier" | "customerByIdentifier" | "productByIdentifier" => {
            Ok(ctx.read(|state| maybe_ref(identified(state, name, &args.inner("identifier")))))
        }
        "job" => Ok(job(args)),
        _ => lists(ctx, name, args),
    }
}

/// The fields that answer with many records, or with their number.
fn lists(ctx: &Ctx<'_>, name: &str, args: &Args) -> Result<Val, FieldError> {
    match name {
        "orders" => Ok(list(
            ctx,
            name,
            "Order",
            args,
            ctx.read(|state| orders(ctx, state, args)),
        )),
        "products" => Ok(list(
            ctx,
            name,
            "Product",
            args,
            ctx.read(|state| products(state, args)),
        )),
        "productVariants" => Ok(list(ctx, name, "ProductVariant", args, ctx.read(variants))),
        "inventoryItems" => Ok(list(ctx, name, "InventoryItem", args, ctx.read(items))),
        "customers" => Ok(list(
            ctx,
            name,
            "Customer",
            args,
            ctx.read(|state| customers(state, args)),
        )),
        "locations" => Ok(list(ctx, name, "Location", args, ctx.read(locations))),
        "fulfillmentOrders" => Ok(list(
            ctx,
            name,
            "FulfillmentOrder",
            args,
            ctx.read(|state| fulfillment_orders(state, args)),
        )),
        "webhookSubscriptions" => Ok(list(
            ctx,
            name,
            "WebhookSubscription",
            args,
            ctx.read(|state| subscriptions(state, args)),
        )),
        "ordersCount" => {
            let rows = ctx.read(|state| orders(ctx, state, args));
            Ok(counted(ctx, args, (name, "Order"), rows))
        }
        "customersCount" => {
            let rows = ctx.read(|state| customers(state, args));
            Ok(counted(ctx, args, (name, "Customer"), rows))
        }
        "companies" => Ok(ctx.read(|state| companies(state, args))),
        "productsCount" => Ok(count(ctx.read(|state| state.products.len()))),
        "productVariantsCount" => {
            let rows = ctx.read(variants);
            Ok(counted(ctx, args, (name, "ProductVariant"), rows))
        }
        "locationsCount" => Ok(count(ctx.read(|state| state.locations.len()))),
        "webhookSubscriptionsCount" => Ok(count(ctx.read(|state| state.subscriptions.len()))),
        _ => Err(failed(format!(
            "The practice store does not answer QueryRoot.{name}"
        ))),
    }
}

/// One record by what else it is known by.
fn identified(state: &State, name: &str, wanted: &Args) -> Option<Ref> {
    match name {
        "orderByIdentifier" => order_by(state, wanted),
        "customerByIdentifier" => customer_by(state, wanted),
        _ => product_by(state, wanted),
    }
}

fn order_by(state: &State, wanted: &Args) -> Option<Ref> {
    let number = wanted.gid("id", "Order")?;
    state.orders.get(number).map(|one| Ref::Order(one.id))
}

fn customer_by(state: &State, wanted: &Args) -> Option<Ref> {
    let (id, email) = (wanted.gid("id", "Customer"), wanted.text("emailAddress"));
    let mut all = state.customers.iter();
    all.find(|one| Some(one.id) == id || (email.is_some() && email == one.email))
        .map(|one| Ref::Customer(one.id))
}

fn product_by(state: &State, wanted: &Args) -> Option<Ref> {
    let (id, handle) = (wanted.gid("id", "Product"), wanted.text("handle"));
    let mut all = state.products.iter();
    all.find(|one| Some(one.id) == id || handle.as_ref() == Some(&one.handle))
        .map(|one| Ref::Product(one.id))
}

/// Jobs of the practice store are done when they are asked for.
fn job(args: &Args) -> Val {
    args.text("id").map_or_else(null, |id| {
        value::object(
            "Job",
            [("id", value::leaf(id)), ("done", value::leaf(true))],
        )
    })
}

fn level(gid: &str) -> Option<Ref> {
    let item = gid.split_once("inventory_item_id=")?.1.parse().ok()?;
    Some(Ref::Level(item, number_of(gid, "InventoryLevel")?))
}

fn refund(state: &State, id: Option<u64>) -> Option<Ref> {
    let order = state
        .orders
        .iter()
        .find(|order| order.refunds.iter().any(|one| Some(one.id) == id))?;
    Some(Ref::Refund(order.id, id?))
}

/// Whatever has this id, if it still exists.
fn node(state: &State, gid: &str) -> Option<Ref> {
    let kind = gid.strip_prefix("gid://shopify/")?.split('/').next()?;
    let id = number_of(gid, kind)?;
    match kind {
        "Order" => state.orders.get(id).map(|_| Ref::Order(id)),
        "Customer" => state.customers.get(id).map(|_| Ref::Customer(id)),
        "Product" => state.products.get(id).map(|_| Ref::Product(id)),
        "ProductVariant" => state.variant(id).map(|_| Ref::Variant(id)),
        "InventoryItem" => state.variant_by_item(id).map(|_| Ref::Item(id)),
        "InventoryLevel" => level(gid),
        "Location" => state.locations.get(id).map(|_| Ref::Location(id)),
        "FulfillmentOrder" => fulfillments::order_of(state, id).map(|_| Ref::FulfillmentOrder(id)),
        "Fulfillment" => {
            fulfillments::order_of_fulfillment(state, id).map(|_| Ref::Fulfillment(id))
        }
        "WebhookSubscription" => state.subscriptions.get(id).map(|_| Ref::Subscription(id)),
        "Refund" => refund(state, Some(id)),
        "LineItem" => state
            .orders
            .iter()
            .find(|order| order.line(id).is_some())
            .map(|order| Ref::Line(order.id, id)),
        "Shop" => Some(Ref::Shop),
        "App" => Some(Ref::App),
        _ => None,
    }
}

/// Searches, sorts and hands over the rows; unknown fields of a search only warn, as Shopify does.
fn list(ctx: &Ctx<'_>, name: &str, of: &'static str, args: &Args, mut rows: Vec<Row>) -> Val {
    if let Some(text) = args.text("query").filter(|text| !text.trim().is_empty()) {
        let known: Vec<&str> = rows
            .first()
            .map(|row| row.fields.iter().map(|(field, _)| *field).collect())
            .unwrap_or_default();
        let mut wanted = search::parse(&text);
        for term in wanted
            .iter()
            .flatten()
            .filter(|term| !rows.is_empty() && !known.contains(&term.field.as_str()))
        {
            ctx.warnings
                .borrow_mut()
                .push((name.to_owned(), text.clone(), term.field.clone()));
        }
        for terms in &mut wanted {
            terms.retain(|term| known.contains(&term.field.as_str()));
        }
        rows.retain(|row| {
            wanted.iter().any(|terms| {
                terms.iter().all(|term| {
                    row.fields
                        .iter()
                        .any(|(field, values)| *field == term.field && term.fits(values))
                })
            })
        });
    }
    rows.sort_by(|left, right| (&left.sort, left.id).cmp(&(&right.sort, right.id)));
    Val::Conn(Conn {
        of,
        items: rows
            .into_iter()
            .map(|row| (row.sort, row.id, Val::Ref(row.to)))
            .collect(),
    })
}

fn text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn by_number(number: u64) -> String {
    format!("{number:020}")
}

/// Counts what a search finds, up to a limit that only `null` takes away.
fn counted(ctx: &Ctx<'_>, args: &Args, (name, of): (&str, &'static str), rows: Vec<Row>) -> Val {
    let found = match list(ctx, name, of, args, rows) {
        Val::Conn(conn) => conn.items.len(),
        Val::Leaf(_) | Val::Obj(_) | Val::Ref(_) | Val::List(_) => 0,
    };
    let limit = args
        .number("limit")
        .and_then(|most| usize::try_from(most).ok());
    match limit {
        Some(most) if found > most => value::object(
            "Count",
            [
                ("count", value::leaf(most)),
                ("precision", value::leaf("AT_LEAST")),
            ],
        ),
        Some(_) | None => count(found),
    }
}

/// Whether the app may see an order: without `read_all_orders` those of the last 60 days alone.
fn is_shown(ctx: &Ctx<'_>, state: &State, number: u64) -> bool {
    let all = tokens::grants(&ctx.scopes, "read_all_orders");
    let oldest = later(ctx.now, -SHOWN_SECS);
    let order = state.orders.get(number);
    all || order.is_some_and(|order| order.created_at >= oldest)
}

fn orders(ctx: &Ctx<'_>, state: &State, args: &Args) -> Vec<Row> {
    let sort = args.text("sortKey").unwrap_or_default();
    let row = |one: &Order| Row {
        sort: match sort.as_str() {
            "UPDATED_AT" => text(one.updated_at),
            "ID" => by_number(one.id),
            "ORDER_NUMBER" => by_number(one.number),
            _ => text(one.created_at),
        },
        id: one.id,
        to: Ref::Order(one.id),
        fields: order_fields(one),
    };
    let shown = state
        .orders
        .iter()
        .filter(|one| is_shown(ctx, state, one.id));
    shown.map(row).collect()
}

fn order_fields(one: &Order) -> Vec<(&'static str, Vec<String>)> {
    let status = match (one.cancelled_at.is_some(), one.closed_at.is_some()) {
        (true, _) => vec!["cancelled"],
        (false, true) => vec!["closed"],
        (false, false) => vec!["open", "not_closed"],
    };
    let fulfillment = match totals::fulfillment_status(one) {
        Some("fulfilled") => vec!["fulfilled", "shipped"],
        Some("partial") => vec!["partial"],
        Some(_) | None => vec!["unfulfilled", "unshipped"],
    };
    let words = |list: Vec<&str>| {
        list.into_iter()
            .map(str::to_owned)
            .chain(["any".to_owned()])
            .collect()
    };
    vec![
        ("id", vec![one.id.to_string()]),
        ("name", vec![one.name(), one.number.to_string()]),
        ("created_at", vec![text(one.created_at)]),
        ("processed_at", vec![text(one.created_at)]),
        ("updated_at", vec![text(one.updated_at)]),
        ("status", words(status)),
        (
            "financial_status",
            words(vec![totals::financial_status(one)]),
        ),
        ("fulfillment_status", words(fulfillment)),
        ("email", one.email.iter().cloned().collect()),
        (
            "customer_id",
            one.customer_id.iter().map(u64::to_string).collect(),
        ),
        ("tag", one.tags.clone()),
        ("test", vec!["false".to_owned()]),
        (
            "sku",
            one.lines
                .iter()
                .filter_map(|line| line.sku.clone())
                .collect(),
        ),
        ("source_name", vec![one.source_name.clone()]),
        (
            "discount_code",
            one.discount
                .iter()
                .map(|discount| discount.code.clone())
                .collect(),
        ),
        ("confirmation_number", vec![one.confirmation_number.clone()]),
    ]
}

fn products(state: &State, args: &Args) -> Vec<Row> {
    let sort = args.text("sortKey").unwrap_or_default();
    let row = |one: &Product| Row {
        sort: match sort.as_str() {
            "UPDATED_AT" => text(one.updated_at),
            "CREATED_AT" => text(one.created_at),
            "TITLE" => one.title.to_lowercase(),
            _ => by_number(one.id),
        },
        id: one.id,
        to: Ref::Product(one.id),
        fields: vec![
            ("id", vec![one.id.to_string()]),
            ("title", vec![one.title.clone()]),
            ("handle", vec![one.handle.clone()]),
            ("status", vec!["active".to_owned()]),
            ("tag", one.tags.clone()),
            ("vendor", vec![one.vendor.clone()]),
            ("product_type", vec![one.product_type.clone()]),
            ("updated_at", vec![text(one.updated_at)]),
            ("created_at", vec![text(one.created_at)]),
            (
                "sku",
                one.variants
                    .iter()
                    .filter_map(|variant| variant.sku.clone())
                    .collect(),
            ),
            (
                "barcode",
                one.variants
                    .iter()
                    .filter_map(|variant| variant.barcode.clone())
                    .collect(),
            ),
        ],
    };
    state.products.iter().map(row).collect()
}

fn variants(state: &State) -> Vec<Row> {
    let row = |product: &Product, one: &Variant| Row {
        sort: by_number(one.id),
        id: one.id,
        to: Ref::Variant(one.id),
        fields: vec![
            ("id", vec![one.id.to_string()]),
            ("sku", one.sku.iter().cloned().collect()),
            ("barcode", one.barcode.iter().cloned().collect()),
            ("title", vec![one.title.clone()]),
            ("product_id", vec![product.id.to_string()]),
            ("product_status", vec!["active".to_owned()]),
            ("updated_at", vec![text(one.updated_at)]),
        ],
    };
    state
        .products
        .iter()
        .flat_map(|product| product.variants.iter().map(move |one| row(product, one)))
        .collect()
}

fn items(state: &State) -> Vec<Row> {
    let row = |product: &Product, one: &Variant| Row {
        sort: by_number(one.inventory_item_id),
        id: one.inventory_item_id,
        to: Ref::Item(one.inventory_item_id),
        fields: vec![
            ("id", vec![one.inventory_item_id.to_string()]),
            ("sku", one.sku.iter().cloned().collect()),
            ("created_at", vec![text(product.created_at)]),
            ("updated_at", vec![text(one.updated_at)]),
        ],
    };
    state
        .products
        .iter()
        .flat_map(|product| product.variants.iter().map(move |one| row(product, one)))
        .collect()
}

fn customers(state: &State, args: &Args) -> Vec<Row> {
    let sort = args.text("sortKey").unwrap_or_default();
    let row = |one: &Customer| Row {
        sort: if sort == "UPDATED_AT" {
            text(one.updated_at)
        } else {
            by_number(one.id)
        },
        id: one.id,
        to: Ref::Customer(one.id),
        fields: vec![
            ("id", vec![one.id.to_string()]),
            ("email", one.email.iter().cloned().collect()),
            ("phone", one.phone.iter().cloned().collect()),
            ("first_name", vec![one.first_name.clone()]),
            ("last_name", vec![one.last_name.clone()]),
            ("customer_date", vec![text(one.created_at)]),
            // This filter of Shopify knows whole days only.
            (
                "updated_at",
                vec![one.updated_at.strftime("%Y-%m-%d").to_string()],
            ),
        ],
    };
    state.customers.iter().map(row).collect()
}

/// The search knows of a company when it last changed.
fn companies(state: &State, args: &Args) -> Val {
    let wanted = search::parse(&args.text("query").unwrap_or_default());
    let fits = |one: &&Company| {
        let changed = [one.updated_at.strftime("%Y-%m-%d").to_string()];
        wanted.iter().any(|terms| {
            let mut terms = terms.iter().filter(|term| term.field == "updated_at");
            terms.all(|term| term.fits(&changed))
        })
    };
    let found = state.meta.companies.iter().filter(fits);
    Conn::listed("Company", found.map(customer_nodes::company))
}

fn locations(state: &State) -> Vec<Row> {
    // A service's own location is one of those that are hidden unless asked for.
    let all = state.locations.iter().filter(|one| !one.service);
    all.map(|one| Row {
        sort: one.name.clone(),
        id: one.id,
        to: Ref::Location(one.id),
        fields: vec![
            ("id", vec![one.id.to_string()]),
            ("name", vec![one.name.clone()]),
            ("active", vec![(!one.closed).to_string()]),
        ],
    })
    .collect()
}

fn fulfillment_orders(state: &State, args: &Args) -> Vec<Row> {
    let (closed, sort) = (
        args.flag("includeClosed"),
        args.text("sortKey").unwrap_or_default(),
    );
    let all = state
        .orders
        .iter()
        .flat_map(|order| &order.fulfillment_orders);
    all.filter(|one| closed || !matches!(one.status, FoStatus::Closed | FoStatus::Cancelled))
        .map(|one| Row {
            sort: if sort == "UPDATED_AT" {
                text(one.updated_at)
            } else {
                by_number(one.id)
            },
            id: one.id,
            to: Ref::FulfillmentOrder(one.id),
            fields: vec![
                ("id", vec![one.id.to_string()]),
                ("status", vec![one.status.text().to_lowercase()]),
                ("assigned_location_id", vec![one.location_id.to_string()]),
                ("updated_at", vec![text(one.updated_at)]),
            ],
        })
        .collect()
}

fn subscriptions(state: &State, args: &Args) -> Vec<Row> {
    let (topics, uri) = (
        args.texts("topics"),
        args.text("uri").or_else(|| args.text("callbackUrl")),
    );
    let format = args.text("format");
    let wanted = |one: &&Subscription| {
        let topic = topics.is_empty() || topics.contains(&one.topic);
        topic
            && uri.as_ref().is_none_or(|uri| *uri == one.uri)
            && format.as_ref().is_none_or(|format| *format == one.format)
    };
    let all = state.subscriptions.iter().filter(wanted);
    all.map(|one| Row {
        sort: text(one.created_at),
        id: one.id,
        to: Ref::Subscription(one.id),
        fields: vec![
            ("id", vec![one.id.to_string()]),
            ("created_at", vec![text(one.created_at)]),
            ("updated_at", vec![text(one.updated_at)]),
        ],
    })
    .collect()
}
