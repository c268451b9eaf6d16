//! The Admin GraphQL endpoint: token, document, cost, execution, and the faults that the switchboard asks for.

mod bulk;
mod cost;
mod customer_nodes;
mod line_nodes;
mod mutations;
mod order_mutations;
mod order_nodes;
mod product_nodes;
mod resolve;
mod return_nodes;
mod root;
mod search;
mod shipping_nodes;
mod shop_nodes;
mod stock_mutations;
mod subscription_mutations;
mod value;

use std::cell::{Cell, RefCell};
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use apollo_compiler::executable::Operation;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::{GraphQLError, JsonMap};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Map, Value, json};

use self::resolve::{Ctx, Node};
use self::value::obj;
use super::state::State;
use super::{Misbehaviour, Practice, RecordedRequest, pages, tokens};

pub(super) use self::bulk::show_file;
pub(super) use self::cost::Bucket;
pub(super) use self::shop_nodes::VERSIONS;

/// After so long a connection that is never answered is closed.
const SILENCE: Duration = Duration::from_secs(60);
/// What a store answers in whose version has expired.
const LATER_VERSION: &str = "2027-01";

/// Shopify's schema, cut to what the store answers and refuses; `@access` says which scopes a part needs.
pub(super) fn schema() -> Result<Valid<Schema>, String> {
    Schema::parse_and_validate(include_str!("schema.graphql"), "schema.graphql")
        .map_err(|error| error.errors.to_string())
}

/// What became of a request.
struct Outcome {
    status: u16,
    body: Value,
    operation: String,
    changed: bool,
    /// Deprecated fields that the document asks for.
    deprecated: Vec<String>,
}

impl Outcome {
    fn refused(status: u16, body: Value) -> Self {
        Self {
            status,
            body,
            operation: String::new(),
            changed: false,
            deprecated: Vec::new(),
        }
    }

    fn errors(errors: Value) -> Self {
        Self::refused(200, json!({"errors": errors}))
    }
}

/// `POST /admin/api/{version}/graphql.json`
pub(super) async fn create(
    practice: web::Data<Practice>,
    version: web::Path<String>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let request_id = uuid::Uuid::new_v4().to_string();
    let Some(version) = served(&version) else {
        return pages::json(404, &json!({"errors": "Not Found"}));
    };
    let token = request
        .headers()
        .get("X-Shopify-Access-Token")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let asked: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (store, sent, used) = (practice.clone(), asked.clone(), version.to_owned());
    let done = web::block(move || answer(&store, &token, &sent, &used)).await;
    let outcome =
        done.unwrap_or_else(|_| Outcome::refused(500, json!({"errors": "Internal Server Error"})));
    practice.remember(RecordedRequest {
        operation: outcome.operation.clone(),
        document: text(&asked, "query"),
        variables: asked.get("variables").cloned().unwrap_or(Value::Null),
        status: outcome.status,
        answer: outcome.body.clone(),
        request_id: request_id.clone(),
    });
    if outcome.changed {
        if practice.strikes(Misbehaviour::TimeOutAfterCommit) {
            tokio::time::sleep(SILENCE).await;
            return broken_off();
        }
        if practice.strikes(Misbehaviour::CloseAfterCommit) {
            return broken_off();
        }
    }
    let served = if practice.strikes(Misbehaviour::LaterVersion) {
        LATER_VERSION.to_owned()
    } else {
        version.to_owned()
    };
    let mut headers = vec![
        ("x-request-id", request_id),
        ("x-shopify-api-version", served),
    ];
    if !outcome.deprecated.is_empty() {
        headers.push((
            "x-shopify-api-deprecated-reason",
            outcome.deprecated.join(", "),
        ));
    }
    pages::json_with(outcome.status, &outcome.body, headers)
}

/// The version that answers: an expired one falls forward to the oldest that is supported.
fn served(asked: &str) -> Option<&'static str> {
    if let Some(known) = VERSIONS.iter().find(|known| **known == asked) {
        return Some(known);
    }
    let looks_right = asked.len() == 7 && asked.as_bytes().get(4) == Some(&b'-');
    match VERSIONS.first() {
        Some(oldest) if looks_right && asked < *oldest => Some(oldest),
        Some(_) | None => None,
    }
}

/// The connection ends before the answer does.
fn broken_off() -> HttpResponse {
    let end = Err::<web::Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    HttpResponse::Ok()
        .content_type("application/json")
        .streaming(futures_util::stream::iter([end]))
}

fn text(body: &Value, key: &str) -> String {
    body.get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn answer(practice: &Practice, token: &str, asked: &Value, version: &str) -> Outcome {
    if practice.strikes(Misbehaviour::ServerError) {
        return Outcome::refused(502, json!({"errors": "Bad Gateway"}));
    }
    let Some(scopes) = practice.read_at(|state, now| tokens::scopes_of(state, token, now)) else {
        return Outcome::refused(
            401,
            json!({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}),
        );
    };
    let query = text(asked, "query");
    if query.trim().is_empty() {
        return Outcome::refused(
            400,
            json!({"errors": {"query": "Required parameter missing or invalid"}}),
        );
    }
    let document =
        match ExecutableDocument::parse_and_validate(practice.schema(), &query, "document.graphql")
        {
            Ok(document) => document,
            Err(refused) => {
                let list = refused
                    .errors
                    .iter()
                    .map(|one| with_code(&one.to_json(), "undefinedField"));
                return Outcome::errors(list.collect());
            }
        };
    let operation = match document
        .operations
        .get(asked.get("operationName").and_then(Value::as_str))
    {
        Ok(operation) => operation,
        Err(refused) => {
            return Outcome::errors(json!([{"message": refused.message().to_string()}]));
        }
    };
    let variables = asked
        .get("variables")
        .filter(|value| value.is_object())
        .cloned()
        .unwrap_or_else(|| json!({}));
    let raw: JsonMap = serde_json::from_value(variables).unwrap_or_default();
    let coerced = match coerce_variable_values(practice.schema(), operation, &raw) {
        Ok(coerced) => coerced,
        Err(refused) => {
            return Outcome::errors(
                json!([{"message": refused.message().to_string(), "extensions": {"code": "INVALID_VARIABLE"}}]),
            );
        }
    };
    let mut outcome = admitted(practice, (&document, operation), &coerced, scopes, version);
    outcome.operation = operation
        .name
        .as_ref()
        .map_or_else(|| "(unnamed)".to_owned(), ToString::to_string);
    outcome
}

fn with_code(error: &GraphQLError, code: &str) -> Value {
    let mut error = serde_json::to_value(error).unwrap_or_default();
    if let Some(map) = error.as_object_mut() {
        map.insert("extensions".to_owned(), json!({"code": code}));
    }
    error
}

/// Checks cost and bucket, then executes.
fn admitted(
    practice: &Practice,
    what: (&Valid<ExecutableDocument>, &Operation),
    variables: &Valid<JsonMap>,
    scopes: Vec<String>,
    version: &str,
) -> Outcome {
    let (document, operation) = what;
    let plain = serde_json::to_value(&**variables).unwrap_or_default();
    let requested = cost::requested(practice.schema(), document, operation, &plain);
    if requested > cost::MAXIMUM {
        let message = format!(
            "Query cost is {requested}, which exceeds the single query max cost limit ({}).",
            cost::MAXIMUM
        );
        return Outcome::errors(
            json!([{"message": message, "extensions": {"code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": cost::MAXIMUM}}]),
        );
    }
    let told = practice.strikes(Misbehaviour::Throttle);
    let (let_in, report) = practice.with_bucket(|bucket, now| {
        (
            bucket.admits(requested, now),
            bucket.report(requested, None),
        )
    });
    if told || !let_in {
        let error = json!({"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"}});
        return Outcome::refused(
            200,
            json!({"errors": [error], "extensions": {"cost": report}}),
        );
    }
    let is_mutation = operation.is_mutation();
    let (data, errors, warnings) = execute(practice, what, variables, plain, scopes, version);
    let actual = cost::actual(&data, is_mutation, requested);
    let report = practice.with_bucket(|bucket, _| {
        bucket.charge(actual);
        bucket.report(requested, Some(actual))
    });
    let mut extensions = Map::from_iter([("cost".to_owned(), report)]);
    if !warnings.is_empty() {
        extensions.insert("search".to_owned(), Value::Array(warnings));
    }
    let mut body = Map::from_iter([
        ("data".to_owned(), data),
        ("extensions".to_owned(), Value::Object(extensions)),
    ]);
    if !errors.is_empty() {
        body.insert("errors".to_owned(), Value::Array(errors));
    }
    Outcome {
        status: 200,
        body: Value::Object(body),
        operation: String::new(),
        changed: is_mutation,
        deprecated: deprecated(document, operation),
    }
}

/// The deprecated fields of a document, as a header warns of them.
fn deprecated(document: &ExecutableDocument, operation: &Operation) -> Vec<String> {
    let fields = operation.all_fields(document);
    fields
        .filter(|field| field.definition.directives.has("deprecated"))
        .map(|field| field.name.to_string())
        .collect()
}

/// Data, errors and what a search did not understand.
fn execute(
    practice: &Practice,
    what: (&Valid<ExecutableDocument>, &Operation),
    variables: &Valid<JsonMap>,
    plain: Value,
    scopes: Vec<String>,
    version: &str,
) -> (Value, Vec<Value>, Vec<Value>) {
    let (document, operation) = what;
    let run = |state: &mut State, now| {
        let ctx = Ctx {
            state: RefCell::new(state),
            config: practice.config(),
            schema: practice.schema(),
            site: practice.url(),
            is_bulk: Cell::new(false),
            now,
            scopes,
            api_version: version.to_owned(),
            variables: plain,
            warnings: RefCell::new(Vec::new()),
        };
        let kind = if operation.is_mutation() {
            "Mutation"
        } else {
            "QueryRoot"
        };
        let root = Node {
            ctx: &ctx,
            obj: obj(kind, []),
        };
        let done = Execution::new(practice.schema(), document)
            .operation(operation)
            .coerced_variable_values(variables)
            .execute_sync(&root);
        (done, ctx.warnings.take())
    };
    let (done, warnings) = if operation.is_mutation() {
        practice.change(run)
    } else {
        practice.browse(run)
    };
    let warnings = warnings.into_iter().map(|(path, query, field)| {
        json!({"path": [path], "query": query, "warnings": [{"field": field, "message": "Invalid search field for this query.", "code": "invalid_field"}]})
    });
    match done {
        Ok(done) => {
            let data = serde_json::to_value(&done.data).unwrap_or_default();
            (
                data,
                done.errors.iter().map(coded).collect(),
                warnings.collect(),
            )
        }
        Err(refused) => (
            Value::Null,
            vec![json!({"message": refused.message().to_string()})],
            warnings.collect(),
        ),
    }
}

/// An error with the code Shopify gives its kind.
fn coded(error: &GraphQLError) -> Value {
    let mut error = error.clone();
    if let Some(own) = error.message.strip_prefix("resolver error: ") {
        error.message = own.to_owned();
    }
    let (error, message) = (&error, error.message.as_str());
    if message.starts_with("Access denied") {
        let mut error = with_code(error, "ACCESS_DENIED");
        let needed = message
            .split("Required access: ")
            .nth(1)
            .unwrap_or_default()
            .trim_end_matches('.');
        if let Some(extensions) = error.get_mut("extensions").and_then(Value::as_object_mut) {
            extensions.insert(
                "documentation".to_owned(),
                json!("https://shopify.dev/api/usage/access-scopes"),
            );
            extensions.insert("requiredAccess".to_owned(), json!(needed));
        }
        return error;
    }
    with_code(
        error,
        if message.contains("@idempotent") || message.starts_with("IDEMPOTENCY") {
            "BAD_REQUEST"
        } else {
            "INVALID"
        },
    )
}
