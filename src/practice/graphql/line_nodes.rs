//! The parts of an order as GraphQL objects: lines, shipping, discounts, payments, refunds.

use super::value::{
    Conn, Obj, Ref, Val, attributes, bag, id, leaf, maybe, maybe_ref, money, null, obj, object,
    plain, tax_lines, time, unsigned,
};
use crate::practice::model::{Line, Order, Refund, RefundLine, ShippingLine, Transaction};
use crate::practice::money::Amount;
use crate::practice::totals::{self, totals};

pub(super) fn line(order: &Order, one: &Line) -> Obj {
    let gross = one.price.times(one.quantity);
    let unfulfilled = totals::fulfillable_quantity(order, one.id);
    let unit = one.price - one.discount.part(1, one.quantity);
    let allocations: Vec<Val> = discount_application(order)
        .filter(|_| !one.discount.is_zero())
        .map(|application| {
            object(
                "DiscountAllocation",
                [
                    ("allocatedAmountSet", bag(order, one.discount)),
                    ("discountApplication", application),
                ],
            )
        })
        .into_iter()
        .collect();
    let mut all = obj(
        "LineItem",
        [
            ("id", id("LineItem", one.id)),
            ("title", leaf(one.title.as_str())),
            ("name", leaf(one.name())),
            ("variantTitle", maybe(one.variant_title.clone())),
            ("sku", maybe(one.sku.clone())),
            ("vendor", maybe(one.vendor.clone())),
            ("quantity", leaf(one.quantity)),
            ("currentQuantity", leaf(one.current_quantity())),
            ("unfulfilledQuantity", leaf(unfulfilled)),
            ("fulfillableQuantity", leaf(unfulfilled)),
            (
                "fulfillmentStatus",
                leaf(totals::line_fulfillment_status(order, one).unwrap_or("unfulfilled")),
            ),
            ("refundableQuantity", leaf(one.current_quantity())),
            (
                "nonFulfillableQuantity",
                leaf(if one.tip { one.quantity } else { 0 }),
            ),
            ("requiresShipping", leaf(one.requires_shipping)),
            ("restockable", leaf(unfulfilled > 0)),
            ("canRestock", leaf(unfulfilled > 0)),
            ("taxable", leaf(one.taxable)),
            ("isGiftCard", leaf(one.gift_card)),
            ("merchantEditable", leaf(!one.tip)),
            ("lineItemGroup", null()),
            ("product", maybe_ref(one.product_id.map(Ref::Product))),
            ("variant", maybe_ref(one.variant_id.map(Ref::Variant))),
            ("customAttributes", attributes(&one.properties)),
            (
                "weight",
                object(
                    "Weight",
                    [
                        ("value", leaf(f64::from(one.grams))),
                        ("unit", leaf("GRAMS")),
                    ],
                ),
            ),
            (
                "taxLines",
                tax_lines(order, &one.tax.iter().cloned().collect::<Vec<_>>()),
            ),
            ("discountAllocations", Val::List(allocations)),
            ("duties", Val::List(Vec::new())),
        ],
    );
    all.fields.extend([
        ("originalUnitPriceSet", bag(order, one.price)),
        ("originalTotalSet", bag(order, gross)),
        ("discountedUnitPriceSet", bag(order, one.price)),
        ("discountedUnitPriceAfterAllDiscountsSet", bag(order, unit)),
        ("totalDiscountSet", bag(order, Amount::default())),
        (
            "unfulfilledOriginalTotalSet",
            bag(order, one.price.times(unfulfilled)),
        ),
        (
            "unfulfilledDiscountedTotalSet",
            bag(order, one.price.times(unfulfilled)),
        ),
        ("originalUnitPrice", plain(order, one.price)),
        ("originalTotal", plain(order, gross)),
        ("discountedUnitPrice", plain(order, one.price)),
        ("discountedTotal", plain(order, gross)),
        ("totalDiscount", plain(order, Amount::default())),
    ]);
    all
}

pub(super) fn shipping_line(order: &Order, one: &ShippingLine) -> Val {
    object(
        "ShippingLine",
        [
            ("id", id("ShippingLine", one.id)),
            ("title", leaf(one.title.as_str())),
            ("code", leaf(one.title.as_str())),
            ("source", leaf("shopify")),
            ("carrierIdentifier", null()),
            ("phone", null()),
            ("custom", leaf(false)),
            ("isRemoved", leaf(false)),
            ("price", plain(order, one.price)),
            ("originalPrice", money(one.price.shop, &order.currency)),
            ("discountedPrice", money(one.price.shop, &order.currency)),
            ("originalPriceSet", bag(order, one.price)),
            ("discountedPriceSet", bag(order, one.price)),
            (
                "currentDiscountedPriceSet",
                bag(order, totals(order).current_shipping),
            ),
            (
                "taxLines",
                tax_lines(order, &one.tax.iter().cloned().collect::<Vec<_>>()),
            ),
            ("discountAllocations", Val::List(Vec::new())),
            ("deliveryCategory", null()),
            ("shippingRateHandle", null()),
        ],
    )
}

pub(super) fn transaction(order: &Order, one: &Transaction) -> Obj {
    let parent = one
        .parent_id
        .map(|parent| Ref::Transaction(order.id, parent));
    obj(
        "OrderTransaction",
        [
            ("id", id("OrderTransaction", one.id)),
            ("kind", leaf(one.kind.to_uppercase())),
            ("status", leaf(one.status.to_uppercase())),
            ("gateway", leaf(one.gateway.as_str())),
            ("formattedGateway", leaf(one.gateway.replace('_', " "))),
            ("manualPaymentGateway", leaf(one.gateway == "Bank Deposit")),
            ("manuallyCapturable", leaf(one.kind == "authorization")),
            ("multiCapturable", leaf(false)),
            ("test", leaf(true)),
            ("processedAt", time(one.created_at)),
            ("createdAt", time(one.created_at)),
            ("paymentId", leaf(format!("{}.{}", order.name(), one.id))),
            ("parentTransaction", maybe_ref(parent)),
            ("order", Val::Ref(Ref::Order(order.id))),
            ("amount", plain(order, one.amount)),
            ("amountV2", money(one.amount.shop, &order.currency)),
            ("amountSet", bag(order, one.amount)),
            ("amountRoundingSet", null()),
            ("totalUnsettledSet", bag(order, Amount::default())),
            ("fees", Val::List(Vec::new())),
            ("errorCode", null()),
            ("authorizationCode", null()),
            ("authorizationExpiresAt", null()),
            ("accountNumber", null()),
            (
                "location",
                maybe_ref(order.retail_location_id.map(Ref::Location)),
            ),
            ("receiptJson", null()),
            ("settlementCurrency", null()),
            ("settlementCurrencyRate", null()),
        ],
    )
}

pub(super) fn refund(order: &Order, one: &Refund) -> Obj {
    let total = totals::refund_total(order, one);
    let lines = one.lines.iter().map(|line| refund_line(order, line));
    let of_return = one.return_id.map(|id| Ref::Return(order.id, id));
    let is_shipping = !one.shipping.is_zero();
    let shipping = order.shipping.iter().filter(|_| is_shipping);
    let shipping = shipping.map(|line| refund_shipping(order, one, line));
    let adjustment = (!one.adjustment.is_zero()).then(|| adjustment(order, one));
    let paid = one.transaction_ids.iter();
    let money_back = paid.map(|paid| Val::Ref(Ref::Transaction(order.id, *paid)));
    obj(
        "Refund",
        [
            ("id", id("Refund", one.id)),
            ("legacyResourceId", unsigned(one.id)),
            ("note", maybe(one.note.clone())),
            ("order", Val::Ref(Ref::Order(order.id))),
            ("return", maybe_ref(of_return)),
            ("totalRefunded", money(total.shop, &order.currency)),
            ("totalRefundedSet", bag(order, total)),
            ("refundLineItems", Conn::listed("RefundLineItem", lines)),
            (
                "refundShippingLines",
                Conn::listed("RefundShippingLine", shipping),
            ),
            (
                "orderAdjustments",
                Conn::listed("OrderAdjustment", adjustment),
            ),
            ("transactions", Conn::listed("OrderTransaction", money_back)),
            ("duties", Val::List(Vec::new())),
            ("createdAt", time(one.created_at)),
            ("processedAt", time(one.created_at)),
            ("updatedAt", time(one.created_at)),
        ],
    )
}

fn refund_shipping(order: &Order, refund: &Refund, line: &ShippingLine) -> Val {
    object(
        "RefundShippingLine",
        [
            ("id", id("RefundShippingLine", line.id + 1)),
            ("shippingLine", shipping_line(order, line)),
            ("subtotalAmountSet", bag(order, refund.shipping)),
            ("taxAmountSet", bag(order, Amount::default())),
        ],
    )
}

/// What is given back beyond what was worked out stands below zero.
fn adjustment(order: &Order, refund: &Refund) -> Val {
    object(
        "OrderAdjustment",
        [
            ("id", id("OrderAdjustment", refund.id + 1)),
            ("reason", leaf("REFUND_DISCREPANCY")),
            ("amountSet", bag(order, -refund.adjustment)),
            ("taxAmountSet", bag(order, Amount::default())),
        ],
    )
}

fn refund_line(order: &Order, one: &RefundLine) -> Val {
    object(
        "RefundLineItem",
        [
            ("id", id("RefundLineItem", one.id)),
            ("lineItem", Val::Ref(Ref::Line(order.id, one.line_id))),
            ("location", maybe_ref(one.location_id.map(Ref::Location))),
            ("quantity", leaf(one.quantity)),
            ("restockType", leaf(one.restock_type.to_uppercase())),
            ("restocked", leaf(one.restock_type != "no_restock")),
            ("price", plain(order, one.subtotal.part(1, one.quantity))),
            ("priceSet", bag(order, one.subtotal.part(1, one.quantity))),
            ("subtotal", plain(order, one.subtotal)),
            ("subtotalSet", bag(order, one.subtotal)),
            ("totalTax", plain(order, one.tax)),
            ("totalTaxSet", bag(order, one.tax)),
        ],
    )
}

pub(super) fn discount_application(one: &Order) -> Option<Val> {
    let discount = one.discount.as_ref()?;
    let percent = serde_json::from_str::<serde_json::Value>(&format!("{}.0", discount.percent))
        .unwrap_or_default();
    Some(object(
        "DiscountCodeApplication",
        [
            ("index", leaf(0)),
            ("allocationMethod", leaf("ACROSS")),
            ("targetSelection", leaf("ALL")),
            ("targetType", leaf("LINE_ITEM")),
            ("code", leaf(discount.code.as_str())),
            (
                "value",
                object(
                    "PricingPercentageValue",
                    [("percentage", Val::Leaf(percent))],
                ),
            ),
        ],
    ))
}
