//! Bulk operations: a query over everything, written into a file of one JSON object a line, which its address alone
//! opens. A new operation takes two seconds by the store's clock.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use apollo_compiler::executable::{Field, Operation, Selection, SelectionSet};
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::JsonMap;
use apollo_compiler::{ExecutableDocument, schema::Type};
use jiff::Timestamp;
use serde_json::Value;

use super::mutations::payload;
use super::resolve::{Ctx, Node};
use super::value::{Args, Val, id, leaf, maybe, maybe_time, null, obj, object, time, unsigned};
use crate::practice::fulfillments::UserError;
use crate::practice::model::BulkOperation;
use crate::practice::state::State;
use crate::practice::webhooks::{self, later};
use crate::practice::{Misbehaviour, Practice};

/// How long an operation runs.
const TAKES_SECS: i64 = 2;
/// So many run side by side, for each app and shop.
const AT_ONCE: usize = 5;
const MOST_CONNECTIONS: usize = 5;
/// The connection at the top and two below it.
const DEEPEST: usize = 3;
const QUERY: &[&str] = &["query"];

/// `bulkOperationRunQuery`
pub(super) fn run_query(ctx: &Ctx<'_>, args: &Args) -> Val {
    let made = begin(ctx, args).map(|number| show(ctx, number));
    payload(
        "BulkOperationRunQueryPayload",
        "bulkOperation",
        "BulkOperationUserError",
        made,
    )
}

fn begin(ctx: &Ctx<'_>, args: &Args) -> Result<u64, UserError> {
    let text = args.text("query").unwrap_or_default();
    let invalid = |why: String| UserError::coded(QUERY, why, "INVALID");
    let document = ExecutableDocument::parse_and_validate(ctx.schema, &text, "bulk.graphql")
        .map_err(|refused| invalid(format!("Invalid bulk query: {}", refused.errors)))?;
    let operation = document
        .operations
        .get(None)
        .map_err(|_several| invalid("Bulk queries must contain one operation".to_owned()))?;
    check(&document, operation).map_err(&invalid)?;
    let running = ctx.read(|state| {
        let all = state.meta.bulk_operations.iter();
        all.filter(|one| one.status(ctx.now) == "RUNNING").count()
    });
    if running >= AT_ONCE {
        let why = "A bulk query operation for this app and shop is already in progress";
        return Err(UserError::coded(QUERY, why, "LIMIT_REACHED"));
    }
    let variables = coerce_variable_values(ctx.schema, operation, &JsonMap::new())
        .map_err(|refused| invalid(refused.message().to_string()))?;
    ctx.is_bulk.set(true);
    let root = Node {
        ctx,
        obj: obj("QueryRoot", []),
    };
    let done = Execution::new(ctx.schema, &document)
        .operation(operation)
        .coerced_variable_values(&variables)
        .execute_sync(&root);
    ctx.is_bulk.set(false);
    let done = done.map_err(|refused| invalid(refused.message().to_string()))?;
    let data = serde_json::to_value(&done.data).unwrap_or_default();
    let file = write(&data, args.flag("groupObjects"));
    Ok(ctx.change(|state, now| keep(state, text, file, now)))
}

fn keep(state: &mut State, query: String, file: Written, now: Timestamp) -> u64 {
    let number = state.id();
    let done_at = later(now, TAKES_SECS);
    state.meta.bulk_operations.push(BulkOperation {
        id: number,
        query,
        created_at: now,
        done_at,
        is_cancelled: false,
        objects: file.objects,
        roots: file.roots,
        size: u64::try_from(file.text.len()).unwrap_or(0),
        signature: uuid::Uuid::new_v4().simple().to_string(),
    });
    state.files.insert(number, file.text);
    webhooks::bulk_finished(state, number, now, done_at);
    number
}

/// `bulkOperationCancel`
pub(super) fn cancel(ctx: &Ctx<'_>, args: &Args) -> Val {
    let number = args.gid("id", "BulkOperation").unwrap_or(0);
    ctx.change(|state, now| {
        let all = state.meta.bulk_operations.iter_mut();
        for one in all.filter(|one| one.id == number && one.status(now) == "RUNNING") {
            one.is_cancelled = true;
        }
    });
    let found = find(ctx, number);
    payload(
        "BulkOperationCancelPayload",
        "bulkOperation",
        "UserError",
        found.ok_or_else(|| UserError::new(&["id"], "Bulk operation does not exist")),
    )
}

/// One operation; null where there is none.
pub(super) fn find(ctx: &Ctx<'_>, number: u64) -> Option<Val> {
    let is_there = ctx.read(|state| {
        let mut all = state.meta.bulk_operations.iter();
        all.any(|one| one.id == number)
    });
    is_there.then(|| show(ctx, number))
}

fn show(ctx: &Ctx<'_>, number: u64) -> Val {
    ctx.read(|state| {
        let mut all = state.meta.bulk_operations.iter();
        let Some(one) = all.find(|one| one.id == number) else {
            return null();
        };
        let has_file = state.files.contains_key(&number);
        let status = match one.status(ctx.now) {
            // The file is kept in memory alone.
            "COMPLETED" if !has_file => "EXPIRED",
            status => status,
        };
        let is_done = status == "COMPLETED";
        let url = (is_done && one.objects > 0).then(|| {
            let (site, signature) = (&ctx.site, &one.signature);
            format!("{site}/practice/bulk/{number}.jsonl?signature={signature}")
        });
        object(
            "BulkOperation",
            [
                ("id", id("BulkOperation", number)),
                ("type", leaf("QUERY")),
                ("status", leaf(status)),
                ("errorCode", null()),
                ("query", leaf(one.query.as_str())),
                ("createdAt", time(one.created_at)),
                ("completedAt", maybe_time(is_done.then_some(one.done_at))),
                (
                    "objectCount",
                    unsigned(if is_done { one.objects } else { 0 }),
                ),
                (
                    "rootObjectCount",
                    unsigned(if is_done { one.roots } else { 0 }),
                ),
                ("fileSize", maybe(is_done.then(|| one.size.to_string()))),
                ("url", maybe(url)),
                ("partialDataUrl", null()),
            ],
        )
    })
}

/// What Shopify's bulk queries may be.
fn check(document: &ExecutableDocument, operation: &Operation) -> Result<(), String> {
    let top: Vec<&Field> = operation.root_fields(document).map(AsRef::as_ref).collect();
    match top.as_slice() {
        [one] if is_connection(one) => {}
        _ => return Err("Bulk queries must contain one connection at their top".to_owned()),
    }
    let mut seen = Seen::default();
    seen.set(document, &operation.selection_set, 0, false);
    if seen.in_list {
        return Err(
            "Queries that contain a connection field within a list field are not currently supported."
                .to_owned(),
        );
    }
    if seen.connections > MOST_CONNECTIONS {
        return Err("Bulk queries cannot contain more than 5 connections.".to_owned());
    }
    if seen.deepest > DEEPEST {
        return Err(
            "Bulk queries cannot contain connections with a nesting depth greater than 2."
                .to_owned(),
        );
    }
    Ok(())
}

fn is_connection(field: &Field) -> bool {
    field
        .ty()
        .inner_named_type()
        .as_str()
        .ends_with("Connection")
}

#[derive(Default)]
struct Seen {
    connections: usize,
    deepest: usize,
    in_list: bool,
}

impl Seen {
    fn set(&mut self, document: &ExecutableDocument, set: &SelectionSet, depth: usize, list: bool) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => self.field(document, field, depth, list),
                Selection::InlineFragment(inline) => {
                    self.set(document, &inline.selection_set, depth, list);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = spread.fragment_def(document) {
                        self.set(document, &fragment.selection_set, depth, list);
                    }
                }
            }
        }
    }

    fn field(&mut self, document: &ExecutableDocument, field: &Field, depth: usize, list: bool) {
        if is_connection(field) {
            self.connections += 1;
            self.deepest = self.deepest.max(depth + 1);
            self.in_list |= list;
            return self.set(document, &field.selection_set, depth + 1, false);
        }
        // The edges and nodes of a connection are its own.
        let own = matches!(field.name.as_str(), "edges" | "nodes");
        let is_list = matches!(field.ty(), Type::List(_) | Type::NonNullList(_)) && !own;
        self.set(document, &field.selection_set, depth, list || is_list);
    }
}

struct Written {
    text: Vec<u8>,
    objects: u64,
    roots: u64,
}

/// One object a line. Grouped, what belongs to a record stands behind it; else all of that stands at the end.
fn write(data: &Value, is_grouped: bool) -> Written {
    let (mut rows, mut behind) = (Vec::new(), Vec::new());
    let mut roots = 0;
    let connections = data.as_object().into_iter().flat_map(|map| map.values());
    for node in connections.flat_map(nodes) {
        roots += 1;
        let children = flatten(node, None);
        let mut children = children.into_iter();
        rows.extend(children.next());
        if is_grouped {
            rows.extend(children);
        } else {
            behind.extend(children);
        }
    }
    rows.extend(behind);
    let mut text = Vec::new();
    for row in &rows {
        text.extend_from_slice(row.to_string().as_bytes());
        text.push(b'\n');
    }
    Written {
        text,
        objects: u64::try_from(rows.len()).unwrap_or(0),
        roots,
    }
}

/// The records of a connection.
fn nodes(connection: &Value) -> Vec<Value> {
    let edges = connection.get("edges").and_then(Value::as_array);
    let from_edges = edges
        .into_iter()
        .flatten()
        .filter_map(|edge| edge.get("node"));
    let listed = connection.get("nodes").and_then(Value::as_array);
    from_edges
        .chain(listed.into_iter().flatten())
        .cloned()
        .collect()
}

/// A record's own row, then the rows of its connections.
fn flatten(node: Value, parent: Option<&str>) -> Vec<Value> {
    let Value::Object(map) = node else {
        return vec![node];
    };
    let gid = map.get("id").and_then(Value::as_str).map(str::to_owned);
    let is_connection = |value: &Value| {
        value.as_object().is_some_and(|inner| {
            inner
                .get("edges")
                .or_else(|| inner.get("nodes"))
                .is_some_and(Value::is_array)
        })
    };
    let (own, below): (BTreeMap<String, Value>, Vec<Value>) = {
        let mut own = BTreeMap::new();
        let mut below = Vec::new();
        for (key, value) in map {
            if is_connection(&value) {
                below.push(value);
            } else {
                own.insert(key, value);
            }
        }
        (own, below)
    };
    let mut row: serde_json::Map<String, Value> = own.into_iter().collect();
    if let Some(parent) = parent {
        row.insert("__parentId".to_owned(), parent.into());
    }
    let mut rows = vec![Value::Object(row)];
    for child in below.iter().flat_map(nodes) {
        rows.extend(flatten(child, gid.as_deref()));
    }
    rows
}

/// `GET /practice/bulk/{id}.jsonl?signature=…`: where Shopify has a file host of its own.
pub(in crate::practice) async fn show_file(
    practice: web::Data<Practice>,
    number: web::Path<u64>,
    query: web::Query<BTreeMap<String, String>>,
    request: HttpRequest,
) -> HttpResponse {
    // The address is all it takes: a token sent along is a token given away.
    if request.headers().contains_key("X-Shopify-Access-Token") {
        return HttpResponse::BadRequest().body("a file host is no place for a token");
    }
    let number = number.into_inner();
    let file = practice.read(|state| {
        let mut all = state.meta.bulk_operations.iter();
        let one = all.find(|one| one.id == number)?;
        let is_right = query.get("signature") == Some(&one.signature);
        is_right
            .then(|| state.files.get(&number).cloned())
            .flatten()
    });
    let Some(file) = file else {
        return HttpResponse::Forbidden().body("SignatureDoesNotMatch");
    };
    let from = request
        .headers()
        .get("Range")
        .and_then(|range| range.to_str().ok())
        .and_then(|range| {
            range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse()
                .ok()
        });
    let mut answer = if from.is_some() {
        HttpResponse::PartialContent()
    } else {
        HttpResponse::Ok()
    };
    let from: usize = from.unwrap_or(0);
    let Some(rest) = file
        .get(from..)
        .filter(|rest| !rest.is_empty() || file.is_empty())
    else {
        return HttpResponse::RangeNotSatisfiable().finish();
    };
    let body = web::Bytes::copy_from_slice(rest);
    answer.content_type("application/jsonl");
    if practice.strikes(Misbehaviour::BreakDownload) {
        let half = body.slice(..body.len() / 2);
        let end = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        return answer.streaming(futures_util::stream::iter([Ok(half), Err(end)]));
    }
    answer.body(body)
}
