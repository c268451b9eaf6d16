//! Customers and their addresses as GraphQL objects.

use super::value::{
    Conn, Obj, Ref, Val, id, leaf, maybe, maybe_ref, maybe_time, money, null, obj, object, strings,
    time, unsigned,
};
use crate::practice::model::{Address, Company, Customer, Order};
use crate::practice::state::State;
use crate::practice::totals::totals;

pub(super) fn address(one: &Address, number: u64) -> Val {
    object(
        "MailingAddress",
        [
            (
                "id",
                leaf(format!(
                    "gid://shopify/MailingAddress/{number}?model_name=Address"
                )),
            ),
            ("firstName", maybe(one.first_name.clone())),
            ("lastName", maybe(one.last_name.clone())),
            ("name", maybe(one.name())),
            ("company", maybe(one.company.clone())),
            ("address1", leaf(one.address1.as_str())),
            ("address2", maybe(one.address2.clone())),
            ("city", leaf(one.city.as_str())),
            ("province", maybe(one.province.clone())),
            ("provinceCode", maybe(one.province_code.clone())),
            ("zip", leaf(one.zip.as_str())),
            ("country", leaf(one.country.as_str())),
            ("countryCode", leaf(one.country_code.as_str())),
            ("countryCodeV2", leaf(one.country_code.as_str())),
            ("phone", maybe(one.phone.clone())),
            ("latitude", null()),
            ("longitude", null()),
            ("coordinatesValidated", leaf(false)),
            (
                "formatted",
                strings(&[
                    one.address1.as_str(),
                    one.city.as_str(),
                    one.country.as_str(),
                ]),
            ),
            (
                "formattedArea",
                leaf(format!("{}, {}", one.city, one.country)),
            ),
            ("timeZone", null()),
            ("validationResultSummary", null()),
        ],
    )
}

pub(super) fn customer(state: &State, one: &Customer) -> Obj {
    let orders: Vec<&Order> = state
        .orders
        .iter()
        .filter(|order| order.customer_id == Some(one.id))
        .collect();
    let spent: i64 = orders
        .iter()
        .map(|order| totals(order))
        .map(|sums| sums.received.shop - sums.refunded.shop)
        .sum();
    let home = address(&one.address, one.address_id);
    let email = one.email.as_ref().map_or_else(null, |email| {
        let consent = one.email_consent.as_ref();
        object(
            "CustomerEmailAddress",
            [
                ("emailAddress", leaf(email.as_str())),
                (
                    "marketingState",
                    leaf(consent.map_or("NOT_SUBSCRIBED", |it| it.state.as_str())),
                ),
                (
                    "marketingOptInLevel",
                    maybe(consent.map(|it| it.level.clone())),
                ),
                ("marketingUpdatedAt", maybe_time(consent.map(|it| it.at))),
                ("validFormat", leaf(true)),
            ],
        )
    });
    let phone = one.phone.as_ref().map_or_else(null, |phone| {
        object(
            "CustomerPhoneNumber",
            [
                ("phoneNumber", leaf(phone.as_str())),
                ("marketingState", leaf("NOT_SUBSCRIBED")),
                (
                    "smsMarketingConsent",
                    object(
                        "CustomerSmsMarketingConsent",
                        [
                            ("state", leaf("NEVER_SUBSCRIBED")),
                            ("optInLevel", null()),
                            ("updatedAt", null()),
                        ],
                    ),
                ),
            ],
        )
    });
    let newest = orders
        .iter()
        .max_by_key(|order| order.created_at)
        .map(|order| Ref::Order(order.id));
    obj(
        "Customer",
        [
            ("id", id("Customer", one.id)),
            ("legacyResourceId", unsigned(one.id)),
            ("firstName", leaf(one.first_name.as_str())),
            ("lastName", leaf(one.last_name.as_str())),
            (
                "displayName",
                leaf(format!("{} {}", one.first_name, one.last_name)),
            ),
            ("email", maybe(one.email.clone())),
            ("phone", maybe(one.phone.clone())),
            ("defaultEmailAddress", email),
            ("defaultPhoneNumber", phone),
            ("locale", leaf(one.locale.as_str())),
            ("note", maybe(one.note.clone())),
            ("tags", strings(&one.tags)),
            ("taxExempt", leaf(false)),
            ("taxExemptions", strings::<&str>(&[])),
            ("state", leaf("DISABLED")),
            ("verifiedEmail", leaf(true)),
            ("numberOfOrders", leaf(orders.len().to_string())),
            ("amountSpent", money(spent, "USD")),
            ("defaultAddress", home.clone()),
            ("addresses", Val::List(vec![home.clone()])),
            ("addressesV2", Conn::listed("MailingAddress", [home])),
            (
                "orders",
                Conn::listed(
                    "Order",
                    orders.iter().map(|order| Val::Ref(Ref::Order(order.id))),
                ),
            ),
            ("lastOrder", maybe_ref(newest)),
            ("canDelete", leaf(orders.is_empty())),
            ("multipassIdentifier", null()),
            ("metafield", null()),
            ("createdAt", time(one.created_at)),
            ("updatedAt", time(one.updated_at)),
        ],
    )
}

pub(super) fn company(one: &Company) -> Val {
    let members = one.people.iter().zip(&one.contact_ids);
    let contacts = members.map(|(customer, contact)| {
        object(
            "CompanyContact",
            [
                ("id", id("CompanyContact", *contact)),
                ("customer", Val::Ref(Ref::Customer(*customer))),
                ("isMainContact", leaf(one.people.first() == Some(customer))),
                ("title", null()),
                ("createdAt", time(one.updated_at)),
                ("updatedAt", time(one.updated_at)),
            ],
        )
    });
    let location = object(
        "CompanyLocation",
        [
            ("id", id("CompanyLocation", one.location_id)),
            ("name", leaf(format!("{} warehouse", one.name))),
            ("externalId", null()),
            ("note", null()),
            ("phone", null()),
            ("shippingAddress", company_address(one)),
            ("createdAt", time(one.updated_at)),
            ("updatedAt", time(one.updated_at)),
        ],
    );
    object(
        "Company",
        [
            ("id", id("Company", one.id)),
            ("name", leaf(one.name.as_str())),
            ("externalId", null()),
            ("note", null()),
            ("contacts", Conn::listed("CompanyContact", contacts)),
            ("locations", Conn::listed("CompanyLocation", [location])),
            ("createdAt", time(one.updated_at)),
            ("updatedAt", time(one.updated_at)),
        ],
    )
}

fn company_address(one: &Company) -> Val {
    let place = &one.address;
    object(
        "CompanyAddress",
        [
            ("id", id("CompanyAddress", one.location_id)),
            ("recipient", leaf(one.name.as_str())),
            ("companyName", leaf(one.name.as_str())),
            ("address1", leaf(place.address1.as_str())),
            ("address2", maybe(place.address2.clone())),
            ("city", leaf(place.city.as_str())),
            ("province", maybe(place.province.clone())),
            ("zoneCode", maybe(place.province_code.clone())),
            ("zip", leaf(place.zip.as_str())),
            ("country", leaf(place.country.as_str())),
            ("countryCode", leaf(place.country_code.as_str())),
            ("phone", maybe(place.phone.clone())),
        ],
    )
}
