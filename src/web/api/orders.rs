//! Orders for programs: the list that can be followed, and one order whole.
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refunds::{self, Refund};
use super::returns::{self, Return};
use super::shipments::{self, Shipment};
use super::told::{self, Told};
use super::versions::{self, Version};
use super::{Amount, Page, moment, page_size, parsed};
use crate::erp::customers::{self, Address};
use crate::erp::holds;
use crate::erp::orders;
use crate::erp::orders::queries::records::{self, RecordRow, Wanted};
use crate::erp::orders::queries::sums::{self, DetailFacts};
use crate::erp::orders::queries::{self as rows, LineRow, OrderRow, show as parts};
use crate::erp::payments;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::types::{At, Money, OrderId, UnitPrice};
use crate::web::error::WebError;

pub mod money;

use money::{Allocation, Charge, Discount, Duty, Payment, Pen, Tax, Totals};

/// Which orders.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Shopify's id of the order, as a number or as a gid.
    shopify_order_id: Option<String>,
    /// Our number.
    number: Option<String>,
    /// Shopify's number: `#1001`.
    name: Option<String>,
    /// What is to be done with it: `ready`, `short`, `unmapped`, `on_hold`, `part_shipped`, `shipped` ...
    state: Option<String>,
    /// Changed then or later (RFC 3339); the oldest change comes first then, else the newest order.
    updated_since: Option<String>,
    /// Where the page before ended; `next` holds it.
    after: Option<String>,
    /// 1 to 250 rows; 50 unless said.
    limit: Option<i64>,
}

/// One order in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderSummary)]
pub struct Summary {
    pub id: String,
    /// Our number.
    pub number: String,
    /// Shopify's number.
    #[schema(example = "#1001")]
    pub name: String,
    pub shopify_order_id: String,
    /// The store it came from.
    pub store: String,
    /// Rises with every change; a shipment may name the one it was decided on.
    pub version: i64,
    pub state: String,
    pub payment_state: String,
    pub customer_name: Option<String>,
    pub email: Option<String>,
    pub total: Amount,
    pub outstanding: Option<Amount>,
    /// A test order is never shipped.
    pub test: bool,
    pub placed_at: String,
    pub updated_at: String,
    pub cancelled_at: Option<String>,
}

impl From<(RecordRow, String)> for Summary {
    fn from((row, store): (RecordRow, String)) -> Summary {
        let money = |minor| Amount::from(Money::new(minor, row.currency));
        Summary {
            total: money(row.total_minor),
            outstanding: row.outstanding_minor.map(money),
            id: row.public_id,
            number: row.number,
            name: row.name,
            shopify_order_id: row.external_id,
            store,
            version: row.version,
            state: row.work_state.to_string(),
            payment_state: row.payment_state.to_string(),
            customer_name: row.customer_name,
            email: row.email,
            test: row.test,
            placed_at: moment(row.placed_at),
            updated_at: moment(row.changed_at),
            cancelled_at: row.cancelled_at.map(moment),
        }
    }
}

/// One order whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct Order {
    #[serde(flatten)]
    pub summary: Summary,
    /// The customer's record here; null for a guest of whom nothing is known.
    pub customer_id: Option<String>,
    pub phone: Option<String>,
    pub shipping_address: Option<PostalAddress>,
    pub billing_address: Option<PostalAddress>,
    pub shipping_method: Option<String>,
    pub note: Option<String>,
    pub tags: Vec<String>,
    pub attributes: Vec<Attribute>,
    pub cancel_reason: Option<String>,
    pub deleted_at_source: Option<String>,
    pub received_at: String,
    pub lines: Vec<Line>,
    pub charges: Vec<Charge>,
    pub discounts: Vec<Discount>,
    pub taxes: Vec<Tax>,
    pub payments: Vec<Payment>,
    pub totals: Totals,
    /// The customer's currency.
    #[schema(example = "CHF")]
    pub presentment_currency: String,
    /// The company that buys, where a business does.
    pub company: Option<Company>,
    /// The buyer's own number for it.
    pub po_number: Option<String>,
    pub payment_terms: Option<PaymentTerms>,
    pub confirmation_number: Option<String>,
    /// Where it was sold: `web`, `pos`, an app's id.
    pub sold_through: Option<String>,
    /// The shop it was sold in, over the counter.
    pub shopify_location_id: Option<String>,
    /// The customer's language: `de`, `fr-CA`.
    pub locale: Option<String>,
    /// The app that sells in its own name and owes the taxes.
    pub merchant_of_record: Option<String>,
    pub tax_exempt: bool,
    pub holds: Vec<Hold>,
    pub shipments: Vec<Shipment>,
    pub refunds: Vec<Refund>,
    pub returns: Vec<Return>,
    /// What edits changed, newest first.
    pub versions: Vec<Version>,
    #[serde(flatten)]
    pub told: Told,
}

/// Where somebody lives.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct PostalAddress {
    pub name: Option<String>,
    pub company: Option<String>,
    pub address1: Option<String>,
    pub address2: Option<String>,
    pub zip: Option<String>,
    pub city: Option<String>,
    pub province: Option<String>,
    pub province_code: Option<String>,
    pub country: Option<String>,
    /// ISO 3166-1, two letters.
    pub country_code: Option<String>,
    pub phone: Option<String>,
}

impl From<Address> for PostalAddress {
    fn from(address: Address) -> PostalAddress {
        PostalAddress {
            name: address.name,
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
}

/// A company that buys, as Shopify knows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Company {
    pub shopify_company_id: String,
    pub name: Option<String>,
    pub shopify_company_location_id: Option<String>,
    pub location_name: Option<String>,
}

/// When it is to be paid.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentTerms {
    /// `net`, `fixed`, `receipt`, `fulfillment`
    pub kind: String,
    pub days: Option<i64>,
    pub due_at: Option<String>,
}

/// What the buyer filled in beside the order, or beside a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attribute {
    pub name: String,
    pub value: String,
}

/// One line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderLine)]
pub struct Line {
    /// What a shipment names.
    pub id: i64,
    pub shopify_line_item_id: String,
    pub shopify_variant_id: Option<String>,
    pub title: String,
    pub variant_title: Option<String>,
    pub sku: Option<String>,
    /// As ordered.
    pub quantity: i64,
    /// After edits and refunds.
    pub current_quantity: i64,
    pub shipped_quantity: i64,
    /// Shipped by somebody else, as Shopify says.
    pub fulfilled_elsewhere: i64,
    /// Refunded in any way, as Shopify says.
    pub refunded_quantity: i64,
    /// Of these, what had left and came back.
    pub returned_quantity: i64,
    /// Given to others by the store, shipped or not: not ours to ship.
    pub with_others: i64,
    /// Whether it is something to ship at all.
    pub requires_shipping: bool,
    pub gift_card: bool,
    pub tip: bool,
    /// How the line stands to our items: `mapped`, `unmapped`, `ignored` ...
    pub resolution: String,
    pub taxable: bool,
    pub vendor: Option<String>,
    /// Of one piece.
    pub grams: Option<i64>,
    pub properties: Vec<Attribute>,
    /// The bundle that it was sold in.
    pub bundle: Option<Bundle>,
    pub unit_price: Amount,
    pub presentment_unit_price: Option<Amount>,
    /// All that was allocated to it, of its own discounts and the order's.
    pub discount: Amount,
    pub presentment_discount: Option<Amount>,
    pub discounts: Vec<Allocation>,
    pub tax: Amount,
    pub presentment_tax: Option<Amount>,
    pub taxes: Vec<Tax>,
    pub duties: Vec<Duty>,
    /// As ordered, less its discount.
    pub total: Amount,
    pub presentment_total: Option<Amount>,
    /// The items that leave the shelves for one piece of the line.
    pub items: Vec<Item>,
}

/// Several lines that were sold as one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Bundle {
    pub shopify_group_id: String,
    pub title: Option<String>,
    pub quantity: Option<i64>,
}

/// An item that a line stands for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderItem)]
pub struct Item {
    pub product_id: i64,
    pub sku: String,
    pub name: String,
    pub quantity_each: i64,
}

/// Why an order waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hold {
    pub kind: String,
    pub note: Option<String>,
    pub since: String,
}

/// The orders, as pages.
#[utoipa::path(
    get, path = "/api/{tenant}/orders", tag = "Orders", params(Filter),
    responses((status = 200, body = Page<Summary>), (status = 422, description = "A filter is wrong"))
)]
pub async fn index(
    req: HttpRequest,
    db: web::Data<Db>,
    query: web::Query<Filter>,
) -> Result<HttpResponse, WebError> {
    let size = page_size(query.limit)?;
    let wanted = wanted(query.into_inner())?;
    let follows = wanted.changed_since.is_some();
    let rows = db
        .read(move |conn| records::list(conn, &wanted, size + 1))
        .await?;
    let page: Page<Summary> = Page::of(&req, rows, size, |(row, _)| {
        if follows {
            format!("{}.{}", row.changed_at.0, row.id)
        } else {
            row.id.to_string()
        }
    });
    Ok(HttpResponse::Ok().json(page))
}

fn wanted(query: Filter) -> Result<Wanted, WebError> {
    let since = query.updated_since.as_deref().map(At::parse).transpose();
    let changed_since = since.map_err(|_other| {
        super::field(
            "updated_since",
            "Write a moment such as 2026-11-21T09:30:00Z.",
        )
    })?;
    let after = match &query.after {
        None => None,
        Some(text) => Some(
            place(text, changed_since.is_some())
                .ok_or_else(|| super::field("after", "Take `next` of the page before as it is."))?,
        ),
    };
    let numeric = |id: String| id.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(Wanted {
        external_id: query.shopify_order_id.map(numeric),
        number: query.number,
        name: query.name,
        state: parsed("state", query.state.as_deref(), "There is no such state.")?,
        changed_since,
        after,
    })
}

fn place(text: &str, follows: bool) -> Option<(At, OrderId)> {
    let (at, id) = if follows {
        text.split_once('.')?
    } else {
        ("0", text)
    };
    Some((At(at.parse().ok()?), id.parse().ok()?))
}

/// One order.
#[utoipa::path(
    get, path = "/api/{tenant}/orders/{id}", tag = "Orders",
    params(("id" = String, Path, description = "The order's id, a UUID")),
    responses((status = 200, body = Order), (status = 404, description = "There is no such order"))
)]
pub async fn show(
    db: web::Data<Db>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let (_tenant, id) = path.into_inner();
    let asked = id.clone();
    let order = db
        .read(move |conn| -> Result<_, DbError> {
            let Some((record, store)) = records::find(conn, &asked)? else {
                return Ok(None);
            };
            let Some(order) = rows::find(conn, record.id)? else {
                return Ok(None);
            };
            load(conn, &order, (record, store).into()).map(Some)
        })
        .await?;
    let order = order.ok_or_else(|| WebError::NotFound(format!("The order {id}")))?;
    Ok(HttpResponse::Ok().json(order))
}

fn load(conn: &mut DbConnection, order: &OrderRow, summary: Summary) -> Result<Order, DbError> {
    let (id, pen) = (order.id, Pen::of(&order.facts));
    let items = parts::list_items(conn, id)?;
    let lines = rows::list_lines(conn, id)?;
    let details = sums::find_details(conn, id)?.unwrap_or_default();
    let contact = match order.facts.contact_id {
        Some(contact) => customers::queries::find(conn, contact)?,
        None => None,
    };
    Ok(Order {
        customer_id: contact.map(|contact| contact.public_id),
        lines: lines
            .into_iter()
            .map(|row| line(order, row, &items))
            .collect(),
        charges: parts::list_charges(conn, id)?
            .into_iter()
            .map(|row| pen.charge(row))
            .collect(),
        discounts: parts::list_discounts(conn, id)?
            .into_iter()
            .map(|row| pen.discount(row))
            .collect(),
        taxes: parts::list_taxes(conn, id)?
            .into_iter()
            .map(|row| pen.tax(row))
            .collect(),
        payments: payments::queries::list(conn, id)?
            .into_iter()
            .map(Payment::from)
            .collect(),
        totals: pen.totals(
            order,
            &sums::list_totals(conn, id)?,
            details.duties_included,
        ),
        presentment_currency: order.facts.presentment_currency.to_string(),
        company: company(&details),
        payment_terms: details.terms_kind.map(|kind| PaymentTerms {
            kind,
            days: details.terms_days,
            due_at: details.terms_due_at.map(moment),
        }),
        po_number: details.po_number,
        confirmation_number: details.confirmation_number,
        sold_through: details.sold_through,
        shopify_location_id: details.location_external_id,
        locale: details.locale,
        merchant_of_record: details.merchant_of_record,
        tax_exempt: details.tax_exempt.unwrap_or(false),
        holds: holds::queries::list_open(conn, id)?
            .into_iter()
            .map(|row| Hold {
                kind: row.kind.to_string(),
                note: row.note,
                since: moment(row.opened_at),
            })
            .collect(),
        shipments: shipments::of_order(conn, &order.public_id, id)?,
        refunds: refunds::of_order(conn, id)?,
        returns: returns::of_order(conn, id)?,
        versions: versions::of_order(conn, id)?,
        told: told::load(conn, order)?,
        phone: order.facts.phone.clone(),
        shipping_address: postal(order.facts.shipping_address.as_deref()),
        billing_address: postal(order.facts.billing_address.as_deref()),
        shipping_method: order.facts.shipping_method.clone(),
        note: order.facts.note.clone(),
        tags: tags(order.facts.tags.as_deref()),
        attributes: attributes(order.facts.attributes.as_deref()),
        cancel_reason: order.facts.cancel_reason.clone(),
        deleted_at_source: order.deleted_at_source.map(moment),
        received_at: moment(order.received_at),
        summary,
    })
}

fn line(order: &OrderRow, row: LineRow, items: &[parts::ItemRow]) -> Line {
    let (pen, currency) = (Pen::of(&order.facts), order.facts.currency);
    let facts = row.facts;
    Line {
        taxable: facts.taxable,
        discounts: pen.allocations(facts.discounts.as_deref()),
        taxes: pen.taxes(facts.taxes.as_deref()),
        duties: pen.duties(&facts),
        properties: attributes(facts.properties.as_deref()),
        bundle: facts.bundle_external_id.map(|id| Bundle {
            shopify_group_id: id,
            title: facts.bundle_title,
            quantity: facts.bundle_quantity,
        }),
        vendor: facts.vendor,
        grams: facts.grams,
        id: row.id.0,
        shopify_line_item_id: facts.external_id,
        shopify_variant_id: facts.variant_external_id,
        title: facts.title,
        variant_title: facts.variant_title,
        sku: facts.sku,
        quantity: facts.quantity,
        current_quantity: facts.current_quantity,
        shipped_quantity: row.shipped_quantity,
        fulfilled_elsewhere: facts.fulfilled_elsewhere,
        refunded_quantity: row.refunded_quantity,
        returned_quantity: row.returned_quantity,
        with_others: row.others_quantity,
        requires_shipping: facts.ships,
        gift_card: facts.gift_card,
        tip: facts.tip,
        resolution: facts.resolution.to_string(),
        unit_price: UnitPrice {
            millionths: facts.unit_price_scaled,
            currency,
        }
        .into(),
        presentment_unit_price: facts.presentment_unit_price_scaled.map(|millionths| {
            let currency = order.facts.presentment_currency;
            UnitPrice {
                millionths,
                currency,
            }
            .into()
        }),
        discount: pen.shop(facts.discount_minor),
        presentment_discount: pen.presentment(facts.presentment_discount_minor),
        tax: pen.shop(facts.tax_minor),
        presentment_tax: pen.presentment(facts.presentment_tax_minor),
        total: pen.shop(facts.total_minor),
        presentment_total: pen.presentment(facts.presentment_total_minor),
        items: items
            .iter()
            .filter(|item| item.line == row.id)
            .map(|item| Item {
                product_id: item.product.0,
                sku: item.sku.clone(),
                name: item.name.clone(),
                quantity_each: item.quantity_each,
            })
            .collect(),
    }
}

fn company(details: &DetailFacts) -> Option<Company> {
    Some(Company {
        shopify_company_id: details.company_external_id.clone()?,
        name: details.company_name.clone(),
        shopify_company_location_id: details.company_location_external_id.clone(),
        location_name: details.company_location_name.clone(),
    })
}

fn postal(json: Option<&str>) -> Option<PostalAddress> {
    json.map(|json| orders::address(Some(json)).into())
}

fn tags(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}

fn attributes(json: Option<&str>) -> Vec<Attribute> {
    let pairs: Vec<(String, String)> = json
        .and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default();
    pairs
        .into_iter()
        .map(|(name, value)| Attribute { name, value })
        .collect()
}
