//! Bodies of the three compliance topics. Each has a shape of its own and names its store, so that no other
//! signed body passes for one.
use serde::Deserialize;

use crate::shopify::orders::{self, TranslateError};
use crate::shopify::payloads::{Anything, Id};

use super::RequestKind;

/// What a message asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The customer's number; Shopify may know an e-mail address alone.
    pub(crate) customer: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) orders: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    shop_domain: Option<String>,
    customer: Option<Customer>,
    orders_requested: Option<Vec<Id>>,
    orders_to_redact: Option<Vec<Id>>,
    data_request: Option<Anything>,
    line_items: Option<Anything>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Customer {
    id: Option<Id>,
    email: Option<String>,
}

/// Reads a body of the topic that asks for `kind`, sent for the store at `domain`.
pub(crate) fn read(body: &[u8], kind: RequestKind, domain: &str) -> Result<Asked, TranslateError> {
    let body: Body = orders::read(body)?;
    let named = body.shop_domain.as_deref().unwrap_or_default();
    if !named.eq_ignore_ascii_case(domain) {
        return Err(wrong("shop_domain", "it is not the store of the header"));
    }
    let reports = body.data_request.is_some() || body.orders_requested.is_some();
    let (of_person, of_report) = match kind {
        RequestKind::Report => (true, true),
        RequestKind::EraseCustomer => (true, false),
        RequestKind::EraseShop => (false, false),
    };
    if body.customer.is_some() != of_person || reports != of_report || body.line_items.is_some() {
        return Err(wrong("customer", "this is the body of another topic"));
    }
    let customer = body.customer.unwrap_or_default();
    let orders = body.orders_requested.or(body.orders_to_redact);
    Ok(Asked {
        customer: customer.id.map(|id| id.0),
        email: customer.email.filter(|email| !email.trim().is_empty()),
        orders: orders.into_iter().flatten().map(|id| id.0).collect(),
    })
}

fn wrong(path: &str, reason: &str) -> TranslateError {
    TranslateError {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "a.myshopify.com";
    const REPORT: &str = r#"{"shop_id":1,"shop_domain":"a.myshopify.com","orders_requested":[299938],
        "customer":{"id":191167,"email":"ada@example.com","phone":"1"},"data_request":{"id":9999}}"#;
    const CUSTOMER: &str = r#"{"shop_id":1,"shop_domain":"a.myshopify.com",
        "customer":{"id":191167,"email":"ada@example.com","phone":"1"},"orders_to_redact":[299938]}"#;
    const STORE: &str = r#"{"shop_id":1,"shop_domain":"a.myshopify.com"}"#;

    #[test]
    fn each_body_passes_for_its_own_topic_alone() {
        let bodies = [
            (REPORT, RequestKind::Report),
            (CUSTOMER, RequestKind::EraseCustomer),
            (STORE, RequestKind::EraseShop),
        ];
        for (body, own) in bodies {
            for kind in RequestKind::ALL {
                let passes = read(body.as_bytes(), *kind, SHOP).is_ok();
                assert_eq!(passes, *kind == own, "{body} as {kind}");
            }
            assert!(read(body.as_bytes(), own, "b.myshopify.com").is_err());
        }
    }

    #[test]
    fn an_e_mail_address_may_be_all_there_is() {
        let body = r#"{"shop_domain":"a.myshopify.com","customer":{"email":"ada@example.com"},"orders_to_redact":[]}"#;
        let asked = read(body.as_bytes(), RequestKind::EraseCustomer, SHOP).expect("a request");
        assert_eq!(asked.email.as_deref(), Some("ada@example.com"));
        assert_eq!((asked.customer, asked.orders), (None, Vec::new()));
    }
}
