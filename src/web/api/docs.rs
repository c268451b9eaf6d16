//! The API's description: as an OpenAPI document, and as a page to read.
use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use serde_json::Value;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{RefOr, Required, SecurityRequirement};
use utoipa::{Modify, OpenApi};

use super::{
    changes, customers, deliveries, events, integrations, inventory, locations, mappings, orders,
    products, shipments, stock, sync, sync_runs,
};
use crate::web::Config;
use crate::web::filters;
use crate::web::page::{Frame, Section, html};
use crate::web::visitor::Visitor;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Counterfoil",
        description = "Lists are pages: follow `next` until it is null. Errors are RFC 9457 documents \
            (`application/problem+json`) with `detail` for a person and, where fields are wrong, `errors`.",
        license(name = "Proprietary"),
    ),
    paths(
        orders::index,
        orders::show,
        shipments::create,
        events::index,
        events::replay,
        mappings::index,
        products::index,
        stock::index,
        inventory::index,
        inventory::create_push,
        locations::index,
        customers::index,
        customers::show,
        customers::merge,
        deliveries::index,
        deliveries::show,
        deliveries::create_status,
        changes::index,
        sync::status,
        sync_runs::create,
        integrations::test,
        integrations::delete,
    ),
    modifiers(&Tokens),
)]
struct Document;

/// Every operation needs a bearer token.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "`counterfoil token create --name N --scope read|write`",
            ))
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(scheme));
        document.security = Some(vec![SecurityRequirement::new("token", [""; 0])]);
        let tenant = ParameterBuilder::new()
            .name("tenant")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("The installation's name, `main` unless set"))
            .schema(Some(utoipa::schema!(String)))
            .build();
        for path in document.paths.paths.values_mut() {
            path.parameters = Some(vec![RefOr::T(tenant.clone())]);
        }
    }
}

/// The document as JSON.
fn description() -> Value {
    serde_json::to_value(Document::openapi()).unwrap_or_default()
}

/// `GET /api/openapi.json`
pub async fn document() -> HttpResponse {
    HttpResponse::Ok().json(description())
}

/// A parameter, a field of a body or of a record.
struct Part {
    name: String,
    /// `text`, `whole number`, `list of OrderLine`.
    kind: String,
    /// The record that it links to.
    record: Option<String>,
    required: bool,
    words: String,
}

/// What a call may answer.
struct Answer {
    status: String,
    words: String,
    kind: String,
    record: Option<String>,
}

/// One call.
struct Operation {
    method: String,
    path: String,
    anchor: String,
    summary: String,
    words: String,
    parameters: Vec<Part>,
    body: Option<String>,
    answers: Vec<Answer>,
}

/// Calls of one kind.
struct Group {
    name: String,
    operations: Vec<Operation>,
}

/// What a body or an answer is made of.
struct Record {
    name: String,
    words: String,
    fields: Vec<Part>,
}

#[derive(Template)]
#[template(path = "api/show.html")]
struct ShowPage {
    frame: Frame,
    /// Where programs reach us: `https://erp.example.com/api/main`.
    base: String,
    groups: Vec<Group>,
    records: Vec<Record>,
}

/// `GET /settings/api`
pub async fn show(visitor: Visitor, config: actix_web::web::Data<Config>) -> HttpResponse {
    let document = description();
    let page = ShowPage {
        frame: visitor.frame(Section::Settings),
        base: format!(
            "{}{}/api/{}",
            config.public_url, config.prefix, config.tenant
        ),
        groups: groups(&document),
        records: records(&document),
    };
    html(StatusCode::OK, &page)
}

fn groups(document: &Value) -> Vec<Group> {
    let mut groups = BTreeMap::<String, Vec<Operation>>::new();
    for (path, methods) in members(&document["paths"]) {
        for (method, call) in calls(methods) {
            let group = text(&call["tags"][0]);
            groups
                .entry(group)
                .or_default()
                .push(operation(path, method, call));
        }
    }
    groups
        .into_iter()
        .map(|(name, operations)| Group { name, operations })
        .collect()
}

fn operation(path: &str, method: &str, call: &Value) -> Operation {
    let body = &call["requestBody"]["content"]["application/json"]["schema"];
    let short = path.trim_start_matches("/api/{tenant}");
    Operation {
        anchor: format!("{method}{}", short.replace(['/', '{', '}'], "-")),
        method: method.to_uppercase(),
        path: short.to_owned(),
        summary: text(&call["summary"]),
        words: text(&call["description"]),
        parameters: list(&call["parameters"])
            .map(|parameter| {
                let (kind, record) = kind(&parameter["schema"]);
                Part {
                    name: text(&parameter["name"]),
                    kind,
                    record,
                    required: parameter["required"] == true,
                    words: text(&parameter["description"]),
                }
            })
            .collect(),
        body: kind(body).1,
        answers: members(&call["responses"])
            .map(|(status, answer)| {
                let (kind, record) = kind(&answer["content"]["application/json"]["schema"]);
                Answer {
                    status: status.to_owned(),
                    words: text(&answer["description"]),
                    kind,
                    record,
                }
            })
            .collect(),
    }
}

fn records(document: &Value) -> Vec<Record> {
    members(&document["components"]["schemas"])
        .filter(|(name, _)| !name.starts_with("Page_"))
        .map(|(name, schema)| Record {
            name: name.to_owned(),
            words: text(&schema["description"]),
            fields: fields(document, schema),
        })
        .collect()
}

/// The calls of a path; what stands beside them concerns all of them.
fn calls(path: &Value) -> impl Iterator<Item = (&str, &Value)> {
    members(path).filter(|(method, _)| *method != "parameters")
}

/// A record's own fields and those of the records that it is made of.
fn fields(document: &Value, schema: &Value) -> Vec<Part> {
    let mut parts: Vec<Part> = list(&schema["allOf"])
        .flat_map(|part| match reference(part) {
            Some(name) => fields(document, &document["components"]["schemas"][name]),
            None => fields(document, part),
        })
        .collect();
    let required: Vec<String> = list(&schema["required"]).map(text).collect();
    parts.extend(members(&schema["properties"]).map(|(name, property)| {
        let (kind, record) = kind(property);
        Part {
            name: name.to_owned(),
            kind,
            record,
            required: required.iter().any(|one| one == name),
            words: text(&property["description"]),
        }
    }));
    parts
}

/// A schema's type in words, and the record that it names.
fn kind(schema: &Value) -> (String, Option<String>) {
    if let Some(name) = reference(schema) {
        return match name.strip_prefix("Page_") {
            Some(of) => (format!("page of {of}"), Some(of.to_owned())),
            None => (name.to_owned(), Some(name.to_owned())),
        };
    }
    if schema["oneOf"].is_array() {
        let named = list(&schema["oneOf"]).find_map(reference);
        return named.map_or_else(
            || ("anything".to_owned(), None),
            |name| (format!("{name} or null"), Some(name.to_owned())),
        );
    }
    let types: Vec<String> = match schema["type"].as_array() {
        Some(types) => types.iter().map(text).collect(),
        None => vec![text(&schema["type"])],
    };
    let optional = if types.iter().any(|one| one == "null") {
        " or null"
    } else {
        ""
    };
    let main = types.iter().find(|one| *one != "null");
    let (word, record) = match main.map(String::as_str) {
        Some("array") => {
            let (of, record) = kind(&schema["items"]);
            (format!("list of {of}"), record)
        }
        Some("integer") => ("whole number".to_owned(), None),
        Some("boolean") => ("true or false".to_owned(), None),
        Some("string") => ("text".to_owned(), None),
        Some("") | None => (String::new(), None),
        Some(other) => (other.to_owned(), None),
    };
    (format!("{word}{optional}"), record)
}

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::web::routes::{Access, table};

    #[test]
    fn every_call_of_the_table_is_described_and_nothing_else() {
        let served: BTreeSet<String> = table()
            .into_iter()
            .filter(|route| matches!(route.access, Access::Token(_)))
            // `/metrics` speaks to Prometheus, in Prometheus' own format.
            .filter(|route| route.path.starts_with("/api/"))
            .map(|route| format!("{} {}", route.method, route.path))
            .collect();
        let document = description();
        let described: BTreeSet<String> = members(&document["paths"])
            .flat_map(|(path, methods)| {
                calls(methods).map(move |(method, _)| format!("{} {path}", method.to_uppercase()))
            })
            .collect();
        assert_eq!(described, served);
    }

    #[test]
    fn everything_that_is_named_is_described() {
        let document = description();
        let named: BTreeSet<String> = groups(&document)
            .into_iter()
            .flat_map(|group| group.operations)
            .flat_map(|call| {
                let answers = call.answers.into_iter().filter_map(|answer| answer.record);
                answers.chain(call.body).collect::<Vec<_>>()
            })
            .collect();
        let records = records(&document);
        for name in named {
            let record = records.iter().find(|record| record.name == name);
            let record = record.unwrap_or_else(|| panic!("no record {name}"));
            assert!(!record.fields.is_empty(), "{name} has no fields");
        }
        let order = records.iter().find(|record| record.name == "Order");
        let names: Vec<&str> = order
            .into_iter()
            .flat_map(|order| &order.fields)
            .map(|part| part.name.as_str())
            .collect();
        assert!(names.contains(&"version") && names.contains(&"totals"));
    }
}
