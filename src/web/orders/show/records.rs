//! What an order says of itself beside people and money: numbers, where it was sold, to which company, on which terms.
use crate::erp::orders::queries::OrderRow;
use crate::erp::orders::queries::sums::DetailFacts;
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::locations;
use crate::types::At;

/// The company that buys.
#[derive(Clone, Debug)]
pub struct Company {
    pub name: String,
    pub location: Option<String>,
    pub po_number: Option<String>,
    /// `Net 30`
    pub terms: Option<String>,
    pub due_at: Option<At>,
}

/// How the place is called where it was sold over the counter.
pub(super) fn place(
    conn: &mut DbConnection,
    order: &OrderRow,
    details: &DetailFacts,
) -> Result<Option<String>, DbError> {
    match &details.location_external_id {
        Some(id) => Ok(Some(
            locations::queries::name_of(conn, order.channel_id, id)?.unwrap_or_else(|| id.clone()),
        )),
        None => Ok(None),
    }
}

/// A company, a purchase order or terms of payment: what a business buys with.
pub(super) fn company(details: &DetailFacts) -> Option<Company> {
    let id = details.company_external_id.as_deref();
    let terms = details
        .terms_kind
        .as_deref()
        .map(|kind| terms(kind, details.terms_days));
    if id.is_none() && terms.is_none() && details.po_number.is_none() {
        return None;
    }
    let name = details.company_name.clone();
    let location = details.company_location_external_id.as_deref();
    Some(Company {
        name: name
            .or(id.map(|id| format!("Company {id}")))
            .unwrap_or_else(|| "No company named".to_owned()),
        location: details
            .company_location_name
            .clone()
            .or(location.map(|id| format!("Location {id}"))),
        po_number: details.po_number.clone(),
        terms,
        due_at: details.terms_due_at,
    })
}

/// `Net 30`, `Due on receipt`
fn terms(kind: &str, days: Option<i64>) -> String {
    match (kind, days) {
        ("net", Some(days)) => format!("Net {days}"),
        ("net", None) => "Net".to_owned(),
        ("receipt", _) => "Due on receipt".to_owned(),
        ("fulfillment", _) => "Due when shipped".to_owned(),
        ("fixed", _) => "Due on a date".to_owned(),
        (_, _) => "On terms".to_owned(),
    }
}

pub(super) fn of(
    order: &OrderRow,
    details: &DetailFacts,
    place: Option<String>,
) -> Vec<(&'static str, String)> {
    let facts = &order.facts;
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    [
        ("Confirmation", filled(&details.confirmation_number)),
        ("Sold through", filled(&details.sold_through)),
        ("Sold at", place),
        ("Paid with", filled(&facts.gateways)),
        ("Tags", filled(&facts.tags)),
        ("Language", filled(&details.locale)),
        (
            "Seller of record",
            filled(&details.merchant_of_record).map(|app| format!("app {app}")),
        ),
        (
            "Taxes",
            (details.tax_exempt == Some(true)).then(|| "exempt".to_owned()),
        ),
        (
            "Duties",
            (details.duties_included == Some(true)).then(|| "in the prices".to_owned()),
        ),
        ("Cancelled", filled(&facts.cancel_reason)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}
