//! Webhook body -> `IncomingOrder`: pure, strict about the shape, patient with every null and every
//! missing key. `graphql` puts GraphQL's shape before the same rules, `fetch` asks for it, `rows` reads it
//! from the file of a bulk operation.
pub(crate) mod charges;
pub mod fetch;
pub mod graphql;
mod reader;
pub mod refunds;
pub mod rows;

use std::borrow::Cow;

use crate::erp::customers::{self, IncomingCustomer};
use crate::erp::orders::incoming::{IncomingCompany, IncomingOrder, IncomingTerms, PaymentState};
use crate::erp::shipping::Tracking;
use crate::shopify::gid;
use crate::shopify::payloads::{self, Id, Moment};
use crate::types::{At, Field};

use reader::Reader;

/// Why a body is no order that we can read, and where in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct TranslateError {
    /// `line_items[1].price`
    pub path: String,
    pub reason: String,
}

/// An order and what Shopify says has left already; whose fulfilments these are is not for a pure
/// function to know.
#[derive(Clone, Debug)]
pub struct Translated {
    pub order: IncomingOrder,
    /// `None` where the body does not carry them.
    pub fulfillments: Option<Vec<Fulfillment>>,
    /// The shop's domain where the body names it: it has to equal the header's.
    pub shop_domain: Option<String>,
}

/// One of the order's fulfilments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fulfillment {
    pub gid: String,
    pub is_cancelled: bool,
    /// The parcel has arrived.
    pub is_delivered: bool,
    pub created_at: Option<At>,
    pub updated_at: Option<At>,
    /// Shopify's location that it left from.
    pub location: Option<String>,
    pub tracking: Tracking,
    /// Line and quantity.
    pub lines: Vec<(String, i64)>,
}

/// Translates the body of `orders/create`, `updated`, `paid`, `cancelled`, `fulfilled` and
/// `partially_fulfilled`. `triggered_at` is the header's.
///
/// # Errors
///
/// The place in the body and what is wrong there.
pub fn translate(body: &[u8], triggered_at: At) -> Result<Translated, TranslateError> {
    of_payload(&read(body)?, triggered_at)
}

/// The rules, whatever road the order came by.
fn of_payload(order: &payloads::Order, triggered_at: At) -> Result<Translated, TranslateError> {
    let id = check_shape(order)?;
    let reader = Reader::new(order)?;
    let lines = reader.lines(order)?;
    let charges = reader.charges(order, lines.as_deref())?;
    let mut flags = id_flags(order, &id);
    if order.updated_at.is_none() {
        flags.push("the order does not say when it was changed".to_owned());
    }
    let customer = order.customer.clone().map(incoming_customer);
    let incoming = IncomingOrder {
        external_id: id.0,
        source_updated_at: order.updated_at.map_or(triggered_at, |moment| moment.0),
        source_triggered_at: triggered_at,
        name: order.name.clone(),
        placed_at: placed_at(order),
        currency: reader.currency,
        presentment_currency: reader.presentment,
        taxes_included: order.taxes_included.clone(),
        duties_included: order.duties_included.clone(),
        tax_exempt: order.tax_exempt.clone(),
        ordered: reader.ordered(order)?,
        now: reader.now(order)?,
        outstanding: reader.field(
            "total_outstanding",
            &order.total_outstanding,
            &Field::Absent,
        )?,
        customer: flatten(customer),
        email: filled(first(&order.email, &order.contact_email)),
        phone: filled(order.phone.clone()),
        billing_address: order.billing_address.clone().map(address),
        shipping_address: order.shipping_address.clone().map(address),
        payment_state: payment_state(order, &mut flags),
        terms: order.payment_terms.clone().map(terms),
        company: flatten(order.company.clone().map(company)),
        po_number: filled(order.po_number.clone()),
        confirmation_number: filled(order.confirmation_number.clone()),
        locale: filled(order.customer_locale.clone()),
        sold_through: filled(order.source_name.clone()),
        location_external_id: order.location_id.clone().map(|id| id.0),
        merchant_of_record: order.merchant_of_record_app_id.clone().map(|id| id.0),
        fulfilled: fulfilled(order),
        note: filled(order.note.clone()),
        attributes: order.note_attributes.clone().map(pairs),
        tags: filled(order.tags.clone().map(|tags| sorted(&tags))),
        gateways: order
            .payment_gateway_names
            .clone()
            .map(|names| names.join(", ")),
        test: order.test.clone(),
        cancelled_at: order.cancelled_at.clone().map(|moment| moment.0),
        cancel_reason: order.cancel_reason.clone(),
        taxes: reader.order_taxes(order)?,
        discounts: Reader::discounts(order, lines.as_deref(), charges.as_deref()),
        lines,
        charges,
        refunds: refunds::of_order(order, &reader, triggered_at)?,
        flags,
    };
    let shop_domain = order.myshopify_domain.clone().or(order.shop_domain.clone());
    Ok(Translated {
        order: incoming,
        fulfillments: fulfillments(order),
        shop_domain,
    })
}

/// Translates the body of `orders/delete` and its like: the id of what is gone.
///
/// # Errors
///
/// Where the body has no id, or tells more than a deletion can.
pub fn translate_delete(body: &[u8]) -> Result<String, TranslateError> {
    let deleted: payloads::Deleted = read(body)?;
    for (key, found) in [
        ("created_at", &deleted.created_at),
        ("line_items", &deleted.line_items),
        ("variants", &deleted.variants),
        ("order_id", &deleted.order_id),
    ] {
        if found.is_some() {
            let what = "what is deleted has none: this is the body of another topic";
            return Err(error(key, what));
        }
    }
    deleted
        .id
        .map(|id| id.0)
        .ok_or_else(|| error("id", "it is missing"))
}

/// Reads JSON into a payload and says where it does not fit.
///
/// # Errors
///
/// The place and the reason.
pub fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, TranslateError> {
    let body = without_nul(body);
    // To keep the place in mind costs more than the reading: only what cannot be read is read so.
    if let Ok(value) = serde_json::from_slice(&body) {
        return Ok(value);
    }
    let mut json = serde_json::Deserializer::from_slice(&body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|wrong| {
        let path = wrong.path().to_string();
        let reason = wrong.into_inner().to_string();
        let reason = reason.split(" at line ").next().unwrap_or(&reason);
        error(&path, reason)
    })?;
    json.end()
        .map_err(|_rest| error(".", "the body goes on after its JSON"))?;
    Ok(value)
}

/// PostgreSQL's texts hold no NUL. JSON can spell one: it is read as the sign for what cannot be read.
fn without_nul(body: &[u8]) -> Cow<'_, [u8]> {
    const NUL: &[u8] = b"\\u0000";
    let mut escapes = body.split(|byte| *byte == b'\\').skip(1);
    if !escapes.any(|behind| behind.starts_with(&NUL[1..])) {
        return Cow::Borrowed(body);
    }
    let mut left = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((first, behind)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(NUL) {
            left.extend_from_slice(b"\\ufffd");
            rest = behind;
        } else if let (b'\\', Some((escaped, behind))) = (*first, behind.split_first()) {
            // Whatever is escaped belongs to its backslash: `\\u0000` is a backslash and six letters.
            left.extend_from_slice(&[*first, *escaped]);
            rest = behind;
        } else {
            left.push(*first);
            rest = behind;
        }
    }
    Cow::Owned(left)
}

fn error(path: &str, reason: &str) -> TranslateError {
    TranslateError {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

/// An order has an id and lines, belongs to no other order, and is not called something else.
fn check_shape(order: &payloads::Order) -> Result<Id, TranslateError> {
    if !order.order_id.is_absent() {
        let what = "an order has none: this is the body of another topic";
        return Err(error("order_id", what));
    }
    if order.line_items.value().is_none() {
        let what = "it is missing: this is not the body of an order";
        return Err(error("line_items", what));
    }
    let gid = order.admin_graphql_api_id.as_deref();
    if gid
        .and_then(gid::type_of)
        .is_some_and(|kind| kind != "Order")
    {
        let what = "it names no order: this is the body of another topic";
        return Err(error("admin_graphql_api_id", what));
    }
    order.id.clone().ok_or_else(|| error("id", "it is missing"))
}

fn id_flags(order: &payloads::Order, id: &Id) -> Vec<String> {
    let mut flags = Vec::new();
    if let Some(gid) = &order.admin_graphql_api_id
        && gid.rsplit('/').next() != Some(id.0.as_str())
    {
        flags.push(format!("id {} and {gid} are not the same order", id.0));
    }
    for line in order.line_items.value().into_iter().flatten() {
        if let (Some(id), Some(gid)) = (&line.id, &line.admin_graphql_api_id)
            && gid.rsplit('/').next() != Some(id.0.as_str())
        {
            flags.push(format!("line {} and {gid} are not the same line", id.0));
        }
    }
    flags
}

fn placed_at(order: &payloads::Order) -> Field<At> {
    let moment = match &order.processed_at {
        Field::Value(_) => &order.processed_at,
        Field::Absent | Field::Null => &order.created_at,
    };
    moment.clone().map(|moment: Moment| moment.0)
}

fn payment_state(order: &payloads::Order, flags: &mut Vec<String>) -> Field<PaymentState> {
    order.financial_status.clone().map(|word| {
        word.to_lowercase().parse().unwrap_or_else(|_unknown| {
            flags.push(format!("payment state {word} is new to us"));
            PaymentState::Unknown
        })
    })
}

/// Null is what Shopify says of an order that nobody has sent yet.
fn fulfilled(order: &payloads::Order) -> Field<bool> {
    match &order.fulfillment_status {
        Field::Absent => Field::Absent,
        Field::Null => Field::Value(false),
        Field::Value(word) => Field::Value(word == "fulfilled"),
    }
}

/// The next part that is not paid, or the last one.
fn terms(terms: payloads::PaymentTerms) -> IncomingTerms {
    let word = |text: &Option<payloads::Anything>| {
        let text = text.as_ref().map(|text| text.0.trim());
        text.filter(|text| !text.is_empty() && *text != "null")
            .map(str::to_owned)
    };
    let schedules = terms.payment_schedules.unwrap_or_default();
    let open = schedules
        .iter()
        .find(|one| word(&one.completed_at).is_none());
    let due = open.or(schedules.last()).and_then(|one| word(&one.due_at));
    IncomingTerms {
        kind: terms
            .payment_terms_type
            .map_or_else(|| "unknown".to_owned(), |kind| kind.to_lowercase()),
        days: terms.due_in_days,
        due_at: due.and_then(|text| At::parse(&text).ok()),
    }
}

/// `None` without an id.
fn company(company: payloads::Company) -> Option<IncomingCompany> {
    Some(IncomingCompany {
        external_id: company.id?.0,
        name: company.name.filter(|name| !name.is_empty()),
        location_external_id: company.location_id.map(|id| id.0),
        location_name: company.location_name.filter(|name| !name.is_empty()),
        contact_external_id: company.contact_id.map(|id| id.0),
    })
}

fn fulfillments(order: &payloads::Order) -> Option<Vec<Fulfillment>> {
    let listed = order.fulfillments.as_ref()?;
    Some(listed.iter().filter_map(fulfillment).collect())
}

/// One fulfilment as an order and its own webhook tell it; `None` without an id.
pub(crate) fn fulfillment(fulfillment: &payloads::Fulfillment) -> Option<Fulfillment> {
    let gid = fulfillment.admin_graphql_api_id.clone().or_else(|| {
        let id = fulfillment.id.as_ref()?;
        Some(format!("gid://shopify/Fulfillment/{}", id.0))
    })?;
    let lines = fulfillment.line_items.iter().flatten();
    let numbers = fulfillment.tracking_numbers.iter().flatten();
    let present = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    Some(Fulfillment {
        gid,
        is_cancelled: matches!(
            fulfillment.status.as_deref(),
            Some("cancelled" | "error" | "failure")
        ),
        is_delivered: fulfillment.shipment_status.as_deref() == Some("delivered"),
        created_at: fulfillment.created_at.map(|moment| moment.0),
        updated_at: fulfillment.updated_at.map(|moment| moment.0),
        location: fulfillment.location_id.clone().map(|id| id.0),
        tracking: Tracking {
            carrier: present(&fulfillment.tracking_company),
            numbers: numbers
                .map(|number| number.0.clone())
                .filter(|number| !number.trim().is_empty())
                .collect(),
            url: present(&fulfillment.tracking_url),
        },
        lines: lines
            .filter_map(|line| {
                let pieces = line.quantity.unwrap_or(0);
                Some((
                    line.id.clone()?.0,
                    pieces.clamp(0, reader::LARGEST_QUANTITY),
                ))
            })
            .collect(),
    })
}

/// A customer as an order and its own webhook tell it; `None` without an id.
pub(crate) fn incoming_customer(customer: payloads::Customer) -> Option<IncomingCustomer> {
    Some(IncomingCustomer {
        external_id: customer.id?.0,
        first_name: customer.first_name,
        last_name: customer.last_name,
        zip: None,
        company: customer.default_address.and_then(|address| address.company),
        email: customer.email.filter(|email| !email.is_empty()),
        phone: customer.phone.filter(|phone| !phone.is_empty()),
        updated_at: customer.updated_at.map(|moment| moment.0),
        profile: None,
    })
}

pub(crate) fn address(address: payloads::Address) -> customers::Address {
    let whole = [address.first_name, address.last_name];
    let whole = whole.into_iter().flatten().collect::<Vec<_>>().join(" ");
    customers::Address {
        name: address
            .name
            .or(Some(whole))
            .filter(|name| !name.trim().is_empty()),
        company: address.company,
        address1: address.address1,
        address2: address.address2,
        zip: address.zip,
        city: address.city,
        province: address.province,
        province_code: address.province_code,
        country: address.country,
        country_code: address.country_code,
        phone: address.phone,
    }
}

fn pairs(attributes: Vec<payloads::Attribute>) -> Vec<(String, String)> {
    attributes
        .into_iter()
        .map(|attribute| (attribute.name.0, attribute.value.0))
        .collect()
}

/// Tags are a set: their order says nothing.
fn sorted(tags: &str) -> String {
    let mut tags: Vec<&str> = tags.split(',').map(str::trim).collect();
    tags.retain(|tag| !tag.is_empty());
    tags.sort_unstable();
    tags.dedup();
    tags.join(", ")
}

/// The first that has a value; absent only where both are.
fn first(one: &Field<String>, other: &Field<String>) -> Field<String> {
    let empty = one.value().is_none_or(String::is_empty);
    match (one, other) {
        (_, Field::Value(_)) if empty => other.clone(),
        (Field::Absent, _) => other.clone(),
        (Field::Null | Field::Value(_), _) => one.clone(),
    }
}

/// An empty text is no text.
fn filled(field: Field<String>) -> Field<String> {
    match field {
        Field::Value(text) if text.trim().is_empty() => Field::Null,
        Field::Absent | Field::Null | Field::Value(_) => field,
    }
}

fn flatten<T>(field: Field<Option<T>>) -> Field<T> {
    match field {
        Field::Absent => Field::Absent,
        Field::Null | Field::Value(None) => Field::Null,
        Field::Value(Some(value)) => Field::Value(value),
    }
}

#[cfg(test)]
mod sums_tests;
#[cfg(test)]
mod tests;
