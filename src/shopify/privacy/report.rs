//! What is known of a customer, for the merchant to hand on: contact, orders, and every column of the
//! register that holds something of theirs.
use serde_json::{Map, Value, json};

use super::{Request, person};
use crate::erp::customers;
use crate::erp::orders::queries as orders;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::personal_data::{Erasure, Subject, collect};
use crate::shopify::personal_data::register;
use crate::shopify::shops::Shop;
use crate::types::{At, Money, OrderId};

/// Builds the report of a request, as the data stands now.
///
/// # Errors
///
/// The database's.
pub fn build(
    conn: &mut DbConnection,
    shop: &Shop,
    request: &Request,
    now: At,
) -> Result<Value, DbError> {
    let who = person(conn, shop, request)?;
    let contacts = match who.contact {
        Some(contact) => customers::family(conn, contact)?,
        None => Vec::new(),
    };
    let contact: Vec<i64> = contacts.iter().map(|contact| contact.0).collect();
    let mut told = Vec::new();
    for order in &who.orders {
        told.extend(of_order(conn, *order)?);
    }
    Ok(json!({
        "store": shop.domain.to_string(),
        "requested_at": request.received_at.timestamp().to_string(),
        "made_at": now.timestamp().to_string(),
        "shopify_customer_id": request.customer_external_id,
        "contact": known(conn, Subject::Contact, &contact)?,
        "orders": told,
    }))
}

fn of_order(conn: &mut DbConnection, id: OrderId) -> Result<Option<Value>, DbError> {
    let Some(order) = orders::find(conn, id)? else {
        return Ok(None);
    };
    let facts = &order.facts;
    let money = |minor: i64| Money::new(minor, facts.currency).to_string();
    let lines: Vec<Value> = orders::list_lines(conn, id)?
        .into_iter()
        .map(|line| {
            json!({
                "title": line.facts.title,
                "sku": line.facts.sku,
                "quantity": line.facts.quantity,
                "total": money(line.facts.total_minor),
            })
        })
        .collect();
    Ok(Some(json!({
        "number": order.number,
        "name": facts.name,
        "placed_at": facts.placed_at.timestamp().to_string(),
        "total": money(facts.total_minor),
        "lines": lines,
        "personal_data": known(conn, Subject::Order, &[id.0])?,
    })))
}

/// `table.column` and what stands there; stored messages say the same once more and are left out.
fn known(conn: &mut DbConnection, subject: Subject, ids: &[i64]) -> Result<Value, DbError> {
    if ids.is_empty() {
        return Ok(Value::Null);
    }
    let mut columns = register();
    columns.retain(|column| !matches!(column.erasure, Erasure::Bytes(_) | Erasure::Body(_)));
    let mut told = Map::new();
    for (column, values) in collect(conn, &columns, subject, ids)? {
        let values: Vec<Value> = values
            .into_iter()
            .map(|(_, value)| readable(value))
            .collect();
        let name = format!("{}.{}", column.table, column.column);
        told.insert(name, Value::Array(values));
    }
    Ok(Value::Object(told))
}

/// An address is stored as JSON: it is told as such.
fn readable(value: String) -> Value {
    if !value.starts_with(['{', '[']) {
        return Value::String(value);
    }
    serde_json::from_str(&value).unwrap_or(Value::String(value))
}
