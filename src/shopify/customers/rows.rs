//! Customers and companies from the rows of a bulk operation's file: their own row, and behind it the rows of what
//! belongs to them.
use serde::Deserialize;

use crate::erp::customers::companies::{IncomingCompany, IncomingLocation};
use crate::erp::customers::{Address, Consent, IncomingAddress, IncomingCustomer, Profile};
use crate::shopify::gid::{self, Gid};
use crate::shopify::orders::rows::Row;
use crate::shopify::orders::{self, TranslateError};
use crate::types::At;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomerRow {
    id: String,
    first_name: Option<String>,
    last_name: Option<String>,
    default_email_address: Option<EmailRow>,
    default_phone_number: Option<PhoneRow>,
    locale: Option<String>,
    note: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    updated_at: String,
    default_address: Option<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EmailRow {
    email_address: Option<String>,
    marketing_state: Option<String>,
    marketing_opt_in_level: Option<String>,
    marketing_updated_at: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhoneRow {
    phone_number: Option<String>,
    sms_marketing_consent: Option<ConsentRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConsentRow {
    state: Option<String>,
    opt_in_level: Option<String>,
    updated_at: Option<String>,
}

/// Something that says its gid alone.
#[derive(Deserialize)]
struct Named {
    id: String,
}

/// An address of a customer or of a company's location.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AddressRow {
    id: String,
    name: Option<String>,
    recipient: Option<String>,
    company: Option<String>,
    company_name: Option<String>,
    address1: Option<String>,
    address2: Option<String>,
    city: Option<String>,
    province: Option<String>,
    province_code: Option<String>,
    zone_code: Option<String>,
    zip: Option<String>,
    country: Option<String>,
    country_code: Option<String>,
    country_code_v2: Option<String>,
    phone: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompanyRow {
    id: String,
    name: String,
    updated_at: String,
}

#[derive(Deserialize)]
struct MemberRow {
    customer: Named,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LocationRow {
    id: String,
    name: String,
    phone: Option<String>,
    shipping_address: Option<AddressRow>,
}

/// The customer of these rows.
///
/// # Errors
///
/// The place and the reason.
pub(crate) fn customer(row: Row, children: Vec<Row>) -> Result<IncomingCustomer, TranslateError> {
    let told: CustomerRow = orders::read(&row.into_json())?;
    let home = told.default_address.map(|home| home.id);
    let mut addresses = Vec::new();
    let (mut company, mut zip) = (None, None);
    for child in children {
        let read: AddressRow = orders::read(&child.into_json())?;
        let (id, is_default) = (read.id.clone(), home.as_deref() == Some(read.id.as_str()));
        let address = address(read);
        if is_default {
            (company, zip) = (address.company.clone(), address.zip.clone());
        }
        addresses.push(IncomingAddress {
            external_id: number(&id).to_owned(),
            is_default,
            address,
        });
    }
    let (email, phone) = (told.default_email_address, told.default_phone_number);
    let id = Gid::<gid::Customer>::parse(&told.id);
    Ok(IncomingCustomer {
        external_id: id.map(Gid::digits).ok_or_else(|| wrong("id", &told.id))?,
        first_name: told.first_name,
        last_name: told.last_name,
        company,
        email: email
            .as_ref()
            .and_then(|it| filled(it.email_address.clone())),
        phone: phone
            .as_ref()
            .and_then(|it| filled(it.phone_number.clone())),
        updated_at: Some(moment("updatedAt", &told.updated_at)?),
        zip,
        profile: Some(Profile {
            note: told.note,
            tags: Some(told.tags),
            locale: told.locale,
            email_consent: email.and_then(|it| {
                consent(ConsentRow {
                    state: it.marketing_state,
                    opt_in_level: it.marketing_opt_in_level,
                    updated_at: it.marketing_updated_at,
                })
            }),
            sms_consent: phone
                .and_then(|it| it.sms_marketing_consent)
                .and_then(consent),
            addresses: Some(addresses),
        }),
    })
}

/// The company of these rows, and the numbers of the customers who buy for it.
///
/// # Errors
///
/// The place and the reason.
pub(crate) fn company(
    row: Row,
    children: Vec<Row>,
) -> Result<(IncomingCompany, Vec<String>), TranslateError> {
    let told: CompanyRow = orders::read(&row.into_json())?;
    let (mut locations, mut people) = (Vec::new(), Vec::new());
    for child in children {
        match child.id().and_then(gid::type_of) {
            Some("CompanyContact") => {
                let member: MemberRow = orders::read(&child.into_json())?;
                let id = Gid::<gid::Customer>::parse(&member.customer.id);
                people.push(
                    id.map(Gid::digits)
                        .ok_or_else(|| wrong("customer.id", &told.id))?,
                );
            }
            Some("CompanyLocation") => {
                let place: LocationRow = orders::read(&child.into_json())?;
                locations.push(IncomingLocation {
                    external_id: number(&place.id).to_owned(),
                    name: place.name,
                    phone: filled(place.phone),
                    address: place.shipping_address.map(address),
                });
            }
            Some(_) | None => return Err(wrong("__parentId", &told.id)),
        }
    }
    let company = IncomingCompany {
        external_id: number(&told.id).to_owned(),
        name: told.name,
        locations,
        updated_at: Some(moment("updatedAt", &told.updated_at)?),
    };
    Ok((company, people))
}

fn address(told: AddressRow) -> Address {
    Address {
        name: told.name.or(told.recipient),
        company: told.company.or(told.company_name),
        address1: told.address1,
        address2: told.address2,
        zip: told.zip,
        city: told.city,
        province: told.province,
        province_code: told.province_code.or(told.zone_code),
        country: told.country,
        country_code: told.country_code_v2.or(told.country_code),
        phone: told.phone,
    }
}

fn consent(told: ConsentRow) -> Option<Consent> {
    Some(Consent {
        state: told.state?.to_lowercase(),
        level: told.opt_in_level.map(|level| level.to_lowercase()),
        at: told.updated_at.and_then(|at| At::parse(&at).ok()),
    })
}

/// `gid://shopify/MailingAddress/17?model_name=CustomerAddress` as `17`: so messages call it.
fn number(gid: &str) -> &str {
    let last = gid.rsplit('/').next().unwrap_or(gid);
    last.split('?').next().unwrap_or(last)
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn moment(path: &str, text: &str) -> Result<At, TranslateError> {
    At::parse(text).map_err(|_no_moment| wrong(path, text))
}

fn wrong(path: &str, found: &str) -> TranslateError {
    TranslateError {
        path: path.to_owned(),
        reason: format!("\"{found}\" is none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Row {
        Row::read(text.as_bytes()).expect("a row")
    }

    #[test]
    fn a_customer_is_read_with_consent_and_addresses() {
        let head = row(
            r#"{"id":"gid://shopify/Customer/900","firstName":"Ada","lastName":null,
            "defaultEmailAddress":{"emailAddress":"ada@example.com","marketingState":"SUBSCRIBED",
            "marketingOptInLevel":"SINGLE_OPT_IN","marketingUpdatedAt":"2026-11-01T10:00:00Z"},
            "defaultPhoneNumber":null,"locale":"en","note":null,"tags":["vip"],
            "updatedAt":"2026-11-21T10:00:00Z","defaultAddress":{"id":"gid://shopify/MailingAddress/17?model_name=CustomerAddress"}}"#,
        );
        let home = row(
            r#"{"id":"gid://shopify/MailingAddress/17?model_name=CustomerAddress","city":"Ann Arbor",
            "zip":"48104","countryCodeV2":"US","__parentId":"gid://shopify/Customer/900"}"#,
        );
        let read = customer(head, vec![home]).expect("a customer");
        assert_eq!(
            (read.external_id.as_str(), read.zip.as_deref()),
            ("900", Some("48104"))
        );
        let profile = read.profile.expect("a profile");
        let consent = profile.email_consent.expect("a consent");
        assert_eq!(consent.state, "subscribed");
        assert_eq!(consent.at, At::parse("2026-11-01T10:00:00Z").ok());
        let addresses = profile.addresses.expect("addresses");
        assert_eq!(addresses[0].external_id, "17");
        assert!(addresses[0].is_default);
    }

    #[test]
    fn a_company_is_read_with_its_people_and_places() {
        let head = row(
            r#"{"id":"gid://shopify/Company/5","name":"Fern Ltd","updatedAt":"2026-11-21T10:00:00Z"}"#,
        );
        let member = row(
            r#"{"id":"gid://shopify/CompanyContact/6","customer":{"id":"gid://shopify/Customer/900"}}"#,
        );
        let place = row(
            r#"{"id":"gid://shopify/CompanyLocation/7","name":"Depot","phone":null,
            "shippingAddress":{"recipient":"Fern","city":"Ann Arbor","zoneCode":"MI","countryCode":"US"}}"#,
        );
        let (read, people) = company(head, vec![member, place]).expect("a company");
        assert_eq!(
            (read.external_id.as_str(), people),
            ("5", vec!["900".to_owned()])
        );
        let address = read.locations[0].address.clone().expect("an address");
        assert_eq!(address.province_code.as_deref(), Some("MI"));
    }
}
