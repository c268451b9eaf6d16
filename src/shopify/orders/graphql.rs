//! GraphQL's order, put into the shape of a webhook's body: one set of rules then reads both, so that
//! the same order is the same order whichever road it came by.
use super::{TranslateError, Translated, error, gid, of_payload};
use crate::shopify::graphql::{order as shape, refund_whole};
use crate::shopify::payloads::{self, Amount, Anything, Id, Moment, MoneySet, MoneyValue};
use crate::types::{At, Field};

mod parts;
mod refunds;

/// One order as the document `order.graphql` answers it, its further pages put behind the first.
pub type Node = shape::OrderOrder;

/// One of its refunds, as the document `refund_whole.graphql` answers it, with all its lines.
pub type RefundNode = refund_whole::RefundWholeRefund;

/// Translates an order that was asked for. `refunds` are all of its refunds; `None` where they were not asked for.
/// `asked_at` is when: what Shopify tells later is newer.
///
/// # Errors
///
/// The place, as a webhook spells it, and what is wrong there.
pub fn translate(
    node: &Node,
    refunds: Option<&[RefundNode]>,
    asked_at: At,
) -> Result<Translated, TranslateError> {
    let mut order = payload(node)?;
    if let Some(refunds) = refunds {
        order.refunds = Field::Value(refunds::of_webhook(refunds)?);
    }
    of_payload(&order, asked_at)
}

/// Reads a node from its JSON, as `order_sources` keeps it.
///
/// # Errors
///
/// The place and the reason.
pub fn read(body: &[u8]) -> Result<Node, TranslateError> {
    super::read(body)
}

fn payload(node: &Node) -> Result<payloads::Order, TranslateError> {
    let mut order = with_parts(node)?;
    state(&mut order, node)?;
    totals(&mut order, node);
    people(&mut order, node)?;
    Ok(order)
}

fn with_parts(node: &Node) -> Result<payloads::Order, TranslateError> {
    let places = parts::places(node);
    let tips = parts::tips(node);
    let lines = &node.line_items.nodes;
    let shipping = &node.shipping_lines.nodes;
    Ok(payloads::Order {
        id: Some(number(&node.id).ok_or_else(|| error("id", "it is no order's"))?),
        admin_graphql_api_id: Some(node.id.clone()),
        line_items: Field::Value(
            lines
                .iter()
                .map(|one| parts::line(one, &places, &tips))
                .collect(),
        ),
        line_item_groups: Some(parts::groups(lines)),
        shipping_lines: Field::Value(
            shipping
                .iter()
                .map(|one| parts::shipping_line(one, &places))
                .collect(),
        ),
        tax_lines: Field::Value(node.tax_lines.iter().map(parts::tax).collect()),
        discount_applications: Some(parts::discounts(node)),
        fulfillments: parts::fulfillments(node),
        ..payloads::Order::default()
    })
}

fn state(order: &mut payloads::Order, node: &Node) -> Result<(), TranslateError> {
    order.name = Field::Value(words(&node.name));
    order.created_at = moment("created_at", &node.created_at)?;
    order.updated_at = Some(read_moment("updated_at", &node.updated_at)?);
    order.processed_at = moment("processed_at", &node.processed_at)?;
    order.cancelled_at = match &node.cancelled_at {
        Some(at) => moment("cancelled_at", at)?,
        None => Field::Null,
    };
    order.cancel_reason = lower(node.cancel_reason.as_deref());
    order.test = Field::Value(node.test);
    order.financial_status = lower(node.display_financial_status.as_deref());
    order.fulfillment_status = fulfillment_status(&node.display_fulfillment_status);
    order.note = text(node.note.as_deref());
    let attributes = node.custom_attributes.iter();
    let attributes = attributes.map(|pair| attribute(&pair.key, pair.value.as_deref()));
    order.note_attributes = Field::Value(attributes.collect());
    order.tags = Field::Value(words(&node.tags.join(", ")));
    let gateways = node.payment_gateway_names.iter();
    order.payment_gateway_names = Field::Value(gateways.map(|name| words(name)).collect());
    order.po_number = text(node.po_number.as_deref());
    order.confirmation_number = text(node.confirmation_number.as_deref());
    order.customer_locale = text(node.customer_locale.as_deref());
    order.source_name = text(node.source_name.as_deref());
    order.location_id = id(node.retail_location.as_ref().map(|place| &place.id));
    order.merchant_of_record_app_id = id(node.merchant_of_record_app.as_ref().map(|app| &app.id));
    Ok(())
}

fn totals(order: &mut payloads::Order, node: &Node) {
    order.currency = Some(node.currency_code.clone());
    order.presentment_currency = Some(node.presentment_currency_code.clone());
    order.taxes_included = Field::Value(node.taxes_included);
    order.duties_included = Field::Value(node.duties_included);
    order.tax_exempt = Field::Value(node.tax_exempt);
    order.subtotal_price_set = maybe_set(node.subtotal_price_set.as_ref());
    order.total_discounts_set = maybe_set(node.total_discounts_set.as_ref());
    order.total_shipping_price_set = Field::Value(set(&node.total_shipping_price_set));
    order.original_total_duties_set = maybe_set(node.original_total_duties_set.as_ref());
    order.original_total_additional_fees_set =
        maybe_set(node.original_total_additional_fees_set.as_ref());
    order.total_tax_set = maybe_set(node.total_tax_set.as_ref());
    order.total_price_set = Field::Value(set(&node.total_price_set));
    order.current_subtotal_price_set = Field::Value(set(&node.current_subtotal_price_set));
    order.current_total_discounts_set = Field::Value(set(&node.current_total_discounts_set));
    order.current_shipping_price_set = Field::Value(set(&node.current_shipping_price_set));
    order.current_total_duties_set = maybe_set(node.current_total_duties_set.as_ref());
    order.current_total_additional_fees_set =
        maybe_set(node.current_total_additional_fees_set.as_ref());
    order.current_total_tax_set = Field::Value(set(&node.current_total_tax_set));
    order.current_total_price_set = Field::Value(set(&node.current_total_price_set));
    let rounding = &node.total_cash_rounding_adjustment.payment_set;
    order.total_cash_rounding_payment_adjustment_set = Field::Value(set(rounding));
    // Webhooks tell these two in the shop's currency alone.
    let plain = |bag: &shape::Bag| Field::Value(Amount(bag.shop_money.amount.clone()));
    order.total_outstanding = plain(&node.total_outstanding_set);
    order.total_tip_received = plain(&node.total_tip_received_set);
}

fn people(order: &mut payloads::Order, node: &Node) -> Result<(), TranslateError> {
    order.email = text(node.email.as_deref());
    order.phone = text(node.phone.as_deref());
    order.customer = customer(node)?;
    order.company = company(node);
    order.billing_address = address(node.billing_address.as_ref());
    order.shipping_address = address(node.shipping_address.as_ref());
    Ok(())
}

/// `gid://shopify/LineItem/7` is 7.
fn number(text: &str) -> Option<Id> {
    gid::type_of(text)?;
    let digits = text.rsplit('/').next()?.split('?').next()?;
    let is_number = !digits.is_empty()
        && digits.len() <= 20
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Id(digits.to_owned()))
}

fn id(gid: Option<&String>) -> Field<Id> {
    gid.and_then(|gid| number(gid))
        .map_or(Field::Null, Field::Value)
}

/// PostgreSQL's texts hold no NUL: it is read as the sign for what cannot be read.
fn words(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn text(text: Option<&str>) -> Field<String> {
    text.map_or(Field::Null, |text| Field::Value(words(text)))
}

fn some(text: Option<&String>) -> Option<String> {
    text.map(|text| words(text))
}

/// Webhooks spell in lower case what GraphQL spells in upper case.
fn lower(word: Option<&str>) -> Field<String> {
    word.map_or(Field::Null, |word| {
        Field::Value(words(&word.to_lowercase()))
    })
}

fn fulfillment_status(word: &str) -> Field<String> {
    match word {
        "FULFILLED" | "RESTOCKED" => lower(Some(word)),
        "PARTIALLY_FULFILLED" => lower(Some("PARTIAL")),
        // What webhooks leave empty: nothing has left yet, whatever it is waiting for.
        _ => Field::Null,
    }
}

fn read_moment(path: &str, text: &str) -> Result<Moment, TranslateError> {
    At::parse(text)
        .map(Moment)
        .map_err(|_no_time| error(path, &format!("{text:?} is not a time")))
}

fn moment(path: &str, text: &str) -> Result<Field<Moment>, TranslateError> {
    read_moment(path, text).map(Field::Value)
}

fn set(bag: &shape::Bag) -> MoneySet {
    let money = |amount: &str, currency: &str| MoneyValue {
        amount: Some(Amount(amount.to_owned())),
        currency_code: Some(currency.to_owned()),
    };
    let (shop, theirs) = (&bag.shop_money, &bag.presentment_money);
    MoneySet {
        shop_money: Some(money(&shop.amount, &shop.currency_code)),
        presentment_money: Some(money(&theirs.amount, &theirs.currency_code)),
    }
}

fn maybe_set(bag: Option<&shape::Bag>) -> Field<MoneySet> {
    bag.map_or(Field::Null, |bag| Field::Value(set(bag)))
}

fn attribute(key: &str, value: Option<&str>) -> payloads::Attribute {
    payloads::Attribute {
        name: Anything(words(key)),
        value: Anything(words(value.unwrap_or_default())),
    }
}

fn customer(node: &Node) -> Result<Field<payloads::Customer>, TranslateError> {
    let Some(one) = &node.customer else {
        return Ok(Field::Null);
    };
    let email = one.default_email_address.as_ref();
    let phone = one.default_phone_number.as_ref();
    let home = one.default_address.as_ref();
    Ok(Field::Value(payloads::Customer {
        id: number(&one.id),
        email: email.map(|email| words(&email.email_address)),
        first_name: some(one.first_name.as_ref()),
        last_name: some(one.last_name.as_ref()),
        phone: phone.map(|phone| words(&phone.phone_number)),
        updated_at: Some(read_moment("customer.updated_at", &one.updated_at)?),
        default_address: home.map(|home| payloads::Address {
            company: some(home.company.as_ref()),
            ..payloads::Address::default()
        }),
        ..payloads::Customer::default()
    }))
}

fn company(node: &Node) -> Field<payloads::Company> {
    use shape::OrderOrderPurchasingEntity as Buyer;
    match &node.purchasing_entity {
        Some(Buyer::PurchasingCompany(one)) => Field::Value(payloads::Company {
            id: number(&one.company.id),
            name: Some(words(&one.company.name)),
            location_id: number(&one.location.id),
            location_name: Some(words(&one.location.name)),
            contact_id: one.contact.as_ref().and_then(|contact| number(&contact.id)),
        }),
        Some(Buyer::Customer | Buyer::Unknown) | None => Field::Null,
    }
}

fn address(found: Option<&shape::Addr>) -> Field<payloads::Address> {
    found.map_or(Field::Null, |one| {
        Field::Value(payloads::Address {
            first_name: some(one.first_name.as_ref()),
            last_name: some(one.last_name.as_ref()),
            name: some(one.name.as_ref()),
            company: some(one.company.as_ref()),
            address1: some(one.address1.as_ref()),
            address2: some(one.address2.as_ref()),
            zip: some(one.zip.as_ref()),
            city: some(one.city.as_ref()),
            province: some(one.province.as_ref()),
            province_code: some(one.province_code.as_ref()),
            country: some(one.country.as_ref()),
            country_code: some(one.country_code_v2.as_ref()),
            phone: some(one.phone.as_ref()),
            ..payloads::Address::default()
        })
    })
}
