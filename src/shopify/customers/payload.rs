//! Bodies of `customers/*`, read strictly enough that no other topic's body passes for one.
use serde::Deserialize;

use crate::erp::customers::{Consent, IncomingAddress, IncomingCustomer, Profile};
use crate::shopify::gid::{self, Gid};
use crate::shopify::orders::{self, TranslateError};
use crate::shopify::payloads::{self, Anything};

/// Two customers of a store that became one.
#[derive(Debug)]
pub(crate) struct Merge {
    pub(crate) kept: String,
    pub(crate) deleted: String,
    pub(crate) is_completed: bool,
}

/// What tells a customer's body from an order's, a product's and a store's.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Shape {
    admin_graphql_api_id: Option<String>,
    line_items: Option<Anything>,
    variants: Option<Anything>,
    order_id: Option<Anything>,
    myshopify_domain: Option<Anything>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MergeBody {
    admin_graphql_api_customer_kept_id: Option<String>,
    admin_graphql_api_customer_deleted_id: Option<String>,
    status: Option<String>,
}

/// Reads the body of `customers/create` and `customers/update`.
pub(crate) fn customer(body: &[u8]) -> Result<IncomingCustomer, TranslateError> {
    let shape: Shape = orders::read(body)?;
    for (key, found) in [
        ("line_items", &shape.line_items),
        ("variants", &shape.variants),
        ("order_id", &shape.order_id),
        ("myshopify_domain", &shape.myshopify_domain),
    ] {
        if found.is_some() {
            return Err(wrong(
                key,
                "a customer has none: this is the body of another topic",
            ));
        }
    }
    let gid = shape.admin_graphql_api_id.as_deref();
    if gid.is_some_and(|gid| gid::type_of(gid).is_some_and(|kind| kind != "Customer")) {
        return Err(wrong("admin_graphql_api_id", "it names no customer"));
    }
    let customer: payloads::Customer = orders::read(body)?;
    let profile = profile(&customer);
    let home = customer.default_address.as_ref();
    let zip = home.and_then(|home| home.zip.clone());
    let customer = orders::incoming_customer(customer);
    let mut customer = customer.ok_or_else(|| wrong("id", "it is missing"))?;
    (customer.zip, customer.profile) = (zip, Some(profile));
    Ok(customer)
}

/// What the message says beyond the name. Shopify has taken tags and consent out of it: an import brings those.
fn profile(customer: &payloads::Customer) -> Profile {
    let tags = customer.tags.as_deref();
    let addresses = customer.addresses.as_ref();
    Profile {
        note: customer.note.clone(),
        tags: tags.map(|tags| tags.split(',').map(str::to_owned).collect()),
        locale: None,
        email_consent: consent(customer.email_marketing_consent.as_ref()),
        sms_consent: consent(customer.sms_marketing_consent.as_ref()),
        addresses: addresses.map(|all| all.iter().filter_map(address).collect()),
    }
}

fn consent(told: Option<&payloads::MarketingConsent>) -> Option<Consent> {
    let told = told?;
    Some(Consent {
        state: told.state.as_ref()?.to_lowercase(),
        level: told.opt_in_level.as_deref().map(str::to_lowercase),
        at: told.consent_updated_at.as_ref().map(|moment| moment.0),
    })
}

fn address(told: &payloads::Address) -> Option<IncomingAddress> {
    Some(IncomingAddress {
        external_id: told.id.as_ref()?.0.clone(),
        is_default: told.default.unwrap_or(false),
        address: orders::address(told.clone()),
    })
}

/// Reads the body of `customers/merge`.
pub(crate) fn merge(body: &[u8]) -> Result<Merge, TranslateError> {
    let body: MergeBody = orders::read(body)?;
    let id = |path: &str, gid: Option<String>| {
        let found = Gid::<gid::Customer>::parse(&gid.unwrap_or_default());
        found
            .map(Gid::digits)
            .ok_or_else(|| wrong(path, "it names no customer"))
    };
    Ok(Merge {
        kept: id(
            "admin_graphql_api_customer_kept_id",
            body.admin_graphql_api_customer_kept_id,
        )?,
        deleted: id(
            "admin_graphql_api_customer_deleted_id",
            body.admin_graphql_api_customer_deleted_id,
        )?,
        is_completed: body
            .status
            .is_some_and(|status| status.eq_ignore_ascii_case("completed")),
    })
}

fn wrong(path: &str, reason: &str) -> TranslateError {
    TranslateError {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}
