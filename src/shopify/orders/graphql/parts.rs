//! Lines, shipping, taxes, discounts and fulfillments of GraphQL's order, as a webhook would spell them.
use std::collections::{BTreeMap, BTreeSet};

use super::{Node, attribute, number, set, some, words};
use crate::shopify::graphql::order as shape;
use crate::shopify::payloads::values::plain_decimal;
use crate::shopify::payloads::{self, Anything, Rate};
use crate::types::Exact;

/// Where each application stands in a webhook's list, by its number: the numbers may have gaps.
pub(super) type Places = BTreeMap<i64, usize>;

pub(super) fn places(node: &Node) -> Places {
    let all = node.discount_applications.nodes.iter();
    let numbers: BTreeSet<i64> = all.map(|application| application.index).collect();
    numbers.into_iter().zip(0..).collect()
}

pub(super) fn discounts(node: &Node) -> Vec<payloads::DiscountApplication> {
    let all = node.discount_applications.nodes.iter();
    let by_number: BTreeMap<i64, &shape::Discount> = all
        .map(|application| (application.index, application))
        .collect();
    by_number.into_values().map(discount).collect()
}

fn discount(one: &shape::Discount) -> payloads::DiscountApplication {
    use shape::DiscountOn as Kind;
    use shape::DiscountValue as Worth;
    let (kind, code, title, description) = match &one.on {
        Kind::DiscountCodeApplication(one) => ("discount_code", Some(&one.code), None, None),
        Kind::ManualDiscountApplication(one) => {
            ("manual", None, Some(&one.title), one.description.as_ref())
        }
        Kind::AutomaticDiscountApplication(one) => ("automatic", None, Some(&one.title), None),
        Kind::ScriptDiscountApplication(one) => ("script", None, Some(&one.title), None),
        Kind::Unknown => ("discount", None, None, None),
    };
    let (value, value_type) = match &one.value {
        Worth::PricingPercentageValue(share) => {
            (Some(share.percentage.to_string()), Some("percentage"))
        }
        Worth::MoneyV2(money) => (Some(money.amount.clone()), Some("fixed_amount")),
        Worth::Unknown => (None, None),
    };
    payloads::DiscountApplication {
        r#type: Some(kind.to_owned()),
        code: some(code),
        title: some(title),
        description: some(description),
        target_type: Some(one.target_type.to_lowercase()),
        value: value.map(|value| Rate(plain_decimal(&value))),
        value_type: value_type.map(str::to_owned),
    }
}

fn allocations(found: &[shape::Allocation], places: &Places) -> Option<Vec<payloads::Allocation>> {
    let read = |one: &shape::Allocation| payloads::Allocation {
        amount: None,
        amount_set: Some(set(&one.allocated_amount_set)),
        discount_application_index: places.get(&one.discount_application.index).copied(),
    };
    Some(found.iter().map(read).collect())
}

pub(super) fn tax(one: &shape::Tax) -> payloads::TaxLine {
    payloads::TaxLine {
        title: Some(words(&one.title)),
        price: None,
        price_set: Some(set(&one.price_set)),
        rate: one.rate.map(|rate| Rate(plain_decimal(&rate.to_string()))),
        channel_liable: one.channel_liable,
    }
}

pub(super) fn line(one: &shape::Line, places: &Places, tips: &[&str]) -> payloads::Line {
    let attributes = one.custom_attributes.iter();
    let is_tip = tips.contains(&one.id.as_str());
    payloads::Line {
        id: number(&one.id),
        admin_graphql_api_id: Some(one.id.clone()),
        variant_id: one.variant.as_ref().and_then(|it| number(&it.id)),
        product_id: one.product.as_ref().and_then(|it| number(&it.id)),
        title: Some(words(&one.title)),
        name: Some(words(&one.name)),
        variant_title: some(one.variant_title.as_ref()),
        sku: some(one.sku.as_ref()),
        quantity: Some(one.quantity),
        current_quantity: Some(one.current_quantity),
        price_set: Some(set(&one.original_unit_price_set)),
        vendor: some(one.vendor.as_ref()),
        grams: one.weight.as_ref().and_then(grams),
        taxable: Some(one.taxable),
        requires_shipping: Some(one.requires_shipping),
        gift_card: Some(one.is_gift_card),
        tip: is_tip.then(|| Anything("tip".to_owned())),
        discount_allocations: allocations(&one.discount_allocations, places),
        tax_lines: Some(one.tax_lines.iter().map(tax).collect()),
        duties: Some(one.duties.iter().map(duty).collect()),
        properties: Some(
            attributes
                .map(|pair| attribute(&pair.key, pair.value.as_deref()))
                .collect(),
        ),
        sales_line_item_group_id: one
            .line_item_group
            .as_ref()
            .map(|group| Anything(group.id.clone())),
        ..payloads::Line::default()
    }
}

fn duty(one: &shape::LineDuties) -> payloads::Duty {
    payloads::Duty {
        id: Some(Anything(one.id.clone())),
        harmonized_system_code: some(one.harmonized_system_code.as_ref()),
        country_code_of_origin: some(one.country_code_of_origin.as_ref()),
        price_set: Some(set(&one.price)),
        tax_lines: Some(one.tax_lines.iter().map(tax).collect()),
        ..payloads::Duty::default()
    }
}

/// Each bundle once.
pub(super) fn groups(lines: &[shape::Line]) -> Vec<payloads::LineGroup> {
    let groups = lines
        .iter()
        .filter_map(|line| line.line_item_group.as_ref());
    let by_id: BTreeMap<&str, _> = groups.map(|group| (group.id.as_str(), group)).collect();
    by_id
        .into_iter()
        .map(|(id, group)| payloads::LineGroup {
            id: Some(Anything(id.to_owned())),
            title: Some(words(&group.title)),
            quantity: Some(group.quantity),
        })
        .collect()
}

/// Webhooks say it in whole grams.
fn grams(weight: &shape::LineWeight) -> Option<i64> {
    // Nanograms of one unit.
    let each: i128 = match weight.unit.as_str() {
        "GRAMS" => 1_000_000_000,
        "KILOGRAMS" => 1_000_000_000_000,
        "POUNDS" => 453_592_370_000,
        "OUNCES" => 28_349_523_125,
        _ => return None,
    };
    let millionths = Exact::parse(&plain_decimal(&weight.value.to_string())).ok()?;
    let scale = 1_000_000_000_000_000;
    let exact = millionths.millionths().checked_mul(each)?;
    i64::try_from((exact + scale / 2).div_euclid(scale)).ok()
}

pub(super) fn shipping_line(one: &shape::Shipping, places: &Places) -> payloads::ShippingLine {
    payloads::ShippingLine {
        id: one.id.as_deref().and_then(number),
        title: Some(words(&one.title)),
        code: some(one.code.as_ref()),
        price: None,
        price_set: Some(set(&one.original_price_set)),
        is_removed: Some(one.is_removed),
        tax_lines: Some(one.tax_lines.iter().map(tax).collect()),
        discount_allocations: allocations(&one.discount_allocations, places),
    }
}

/// `None` where the node does not list them all: a bulk operation cannot.
pub(super) fn fulfillments(node: &Node) -> Option<Vec<payloads::Fulfillment>> {
    let all = node.fulfillments_count.as_ref().map_or(0, |all| all.count);
    let are_whole = i64::try_from(node.fulfillments.len()).is_ok_and(|listed| listed >= all);
    are_whole.then(|| node.fulfillments.iter().map(fulfillment).collect())
}

fn fulfillment(one: &shape::OrderOrderFulfillments) -> payloads::Fulfillment {
    let lines = one.fulfillment_line_items.nodes.iter();
    payloads::Fulfillment {
        id: number(&one.id),
        admin_graphql_api_id: Some(one.id.clone()),
        status: Some(one.status.to_lowercase()),
        line_items: Some(
            lines
                .map(|line| payloads::FulfilledLine {
                    id: number(&line.line_item.id),
                    quantity: line.quantity,
                })
                .collect(),
        ),
        // Where it left from and how far it has come, `OrderStanding` tells.
        ..payloads::Fulfillment::default()
    }
}

/// Webhooks mark the lines that are tips, GraphQL says only how much they are together: they are the lines
/// without product that are nothing to ship and cost that much, one of them or all.
pub(super) fn tips(node: &Node) -> Vec<&str> {
    let amount = |bag: &shape::Bag| Exact::parse(&bag.shop_money.amount).ok();
    let Some(received) = amount(&node.total_tip_received_set).filter(|tip| *tip != Exact::ZERO)
    else {
        return Vec::new();
    };
    let candidates = node.line_items.nodes.iter().filter(|line| {
        let is_goods = line.product.is_some() || line.variant.is_some();
        !is_goods && !line.requires_shipping && !line.is_gift_card
    });
    let costs: Vec<(&str, Exact)> = candidates
        .filter_map(|line| {
            let price = amount(&line.original_unit_price_set)?;
            Some((line.id.as_str(), price.times(line.quantity)))
        })
        .collect();
    if let Some((id, _cost)) = costs.iter().rev().find(|(_id, cost)| *cost == received) {
        return vec![*id];
    }
    let all: Exact = costs.iter().map(|(_id, cost)| *cost).sum();
    if all == received {
        return costs.into_iter().map(|(id, _cost)| id).collect();
    }
    Vec::new()
}
