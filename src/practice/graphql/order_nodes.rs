//! Orders and what hangs on them as GraphQL objects.

use super::value::{
    Args, Conn, Obj, Ref, Val, attributes, bag, count, id, leaf, maybe, maybe_ref, maybe_time,
    money, null, obj, object, plain, strings, tax_lines, time, unsigned,
};
use super::{customer_nodes, line_nodes, shipping_nodes};
use crate::practice::model::{Line, Order, Risk};
use crate::practice::money::Amount;
use crate::practice::state::State;
use crate::practice::totals::{self, totals};

pub(super) fn make(state: &State, found: Ref) -> Option<Obj> {
    match found {
        Ref::Order(id) => state.orders.get(id).map(|one| order(state, one)),
        Ref::Customer(id) => state
            .customers
            .get(id)
            .map(|one| customer_nodes::customer(state, one)),
        Ref::Line(order_id, line_id) => {
            let order = state.orders.get(order_id)?;
            order.line(line_id).map(|one| line_nodes::line(order, one))
        }
        Ref::Refund(order_id, refund_id) => {
            let order = state.orders.get(order_id)?;
            order
                .refunds
                .iter()
                .find(|one| one.id == refund_id)
                .map(|one| line_nodes::refund(order, one))
        }
        Ref::Transaction(order_id, transaction_id) => {
            let order = state.orders.get(order_id)?;
            order
                .transactions
                .iter()
                .find(|one| one.id == transaction_id)
                .map(|one| line_nodes::transaction(order, one))
        }
        Ref::FulfillmentOrder(_) | Ref::Fulfillment(_) => shipping_nodes::make(state, found),
        Ref::Shop
        | Ref::App
        | Ref::Installation
        | Ref::Location(_)
        | Ref::Subscription(_)
        | Ref::Product(_)
        | Ref::Variant(_)
        | Ref::Item(_)
        | Ref::Level(..)
        | Ref::Return(..) => None,
    }
}

/// Fields whose value depends on their arguments.
pub(super) fn computed(state: &State, source: Ref, name: &str, args: &Args) -> Option<Val> {
    match (source, name) {
        (Ref::Order(order_id), "fulfillmentOrders") => {
            let order = state.orders.get(order_id)?;
            let displayable = args.flag("displayable");
            let shown = order
                .fulfillment_orders
                .iter()
                .filter(|one| !displayable || !one.replaced);
            Some(Conn::listed(
                "FulfillmentOrder",
                shown.map(|one| Val::Ref(Ref::FulfillmentOrder(one.id))),
            ))
        }
        (Ref::Line(order_id, line_id), "discountedTotalSet") => {
            let order = state.orders.get(order_id)?;
            let line = order.line(line_id)?;
            let gross = line.price.times(line.quantity);
            Some(bag(
                order,
                if args.flag("withCodeDiscounts") {
                    gross - line.discount
                } else {
                    gross
                },
            ))
        }
        _ => None,
    }
}

fn order(state: &State, one: &Order) -> Obj {
    let mut all = obj(
        "Order",
        [
            ("id", id("Order", one.id)),
            ("legacyResourceId", unsigned(one.id)),
            ("name", leaf(one.name())),
            ("number", leaf(one.number)),
            ("confirmationNumber", leaf(one.confirmation_number.as_str())),
            ("poNumber", null()),
            ("email", maybe(one.email.clone())),
            ("phone", maybe(one.phone.clone())),
            ("note", maybe(one.note.clone())),
            ("tags", strings(&one.tags)),
            ("customAttributes", attributes(&one.attributes)),
            ("sourceName", leaf(one.source_name.as_str())),
            ("sourceIdentifier", null()),
            ("customerLocale", leaf(one.locale.as_str())),
            ("customer", maybe_ref(one.customer_id.map(Ref::Customer))),
            (
                "purchasingEntity",
                maybe_ref(one.customer_id.map(Ref::Customer)),
            ),
            (
                "billingAddress",
                one.billing_address
                    .as_ref()
                    .map_or_else(null, |known| customer_nodes::address(known, one.id + 1)),
            ),
            (
                "shippingAddress",
                one.shipping_address
                    .as_ref()
                    .map_or_else(null, |known| customer_nodes::address(known, one.id + 2)),
            ),
            (
                "displayAddress",
                one.shipping_address
                    .as_ref()
                    .map_or_else(null, |known| customer_nodes::address(known, one.id + 2)),
            ),
            (
                "billingAddressMatchesShippingAddress",
                leaf(one.billing_address == one.shipping_address),
            ),
            (
                "retailLocation",
                maybe_ref(one.retail_location_id.map(Ref::Location)),
            ),
            (
                "physicalLocation",
                maybe_ref(one.retail_location_id.map(Ref::Location)),
            ),
            (
                "paymentGatewayNames",
                strings(&one.gateway.iter().collect::<Vec<_>>()),
            ),
            ("risk", risk(one)),
            ("riskLevel", leaf(risk_level(one.risk))),
            ("metafield", null()),
            ("merchantOfRecordApp", null()),
        ],
    );
    all.fields.extend(order_state(one));
    all.fields.extend(order_money(one));
    all.fields.extend(order_parts(state, one));
    all
}

fn order_state(one: &Order) -> [(&'static str, Val); 34] {
    let financial = totals::financial_status(one);
    let sums = totals(one);
    let fulfilled = totals::display_fulfillment_status(one);
    let open = one
        .lines
        .iter()
        .any(|line| totals::fulfillable_quantity(one, line.id) > 0);
    [
        ("test", leaf(false)),
        ("confirmed", leaf(true)),
        ("edited", leaf(one.edited)),
        ("closed", leaf(one.closed_at.is_some())),
        ("taxesIncluded", leaf(one.taxes_included)),
        ("taxExempt", leaf(false)),
        ("dutiesIncluded", leaf(false)),
        ("estimatedTaxes", leaf(false)),
        ("createdAt", time(one.created_at)),
        ("processedAt", time(one.created_at)),
        ("updatedAt", time(one.updated_at)),
        ("cancelledAt", maybe_time(one.cancelled_at)),
        (
            "cancelReason",
            maybe(
                one.cancel_reason
                    .as_ref()
                    .map(|reason| reason.to_uppercase()),
            ),
        ),
        ("closedAt", maybe_time(one.closed_at)),
        ("currencyCode", leaf(one.currency.as_str())),
        (
            "presentmentCurrencyCode",
            leaf(one.presentment_currency.as_str()),
        ),
        ("displayFinancialStatus", leaf(financial.to_uppercase())),
        ("displayFulfillmentStatus", leaf(fulfilled)),
        ("returnStatus", leaf("NO_RETURN")),
        ("fullyPaid", leaf(sums.outstanding.shop <= 0)),
        (
            "unpaid",
            leaf(sums.received.shop == 0 && sums.total.shop > 0),
        ),
        (
            "canMarkAsPaid",
            leaf(
                sums.outstanding.shop > 0
                    && financial != "authorized"
                    && one.cancelled_at.is_none(),
            ),
        ),
        ("canNotifyCustomer", leaf(one.email.is_some())),
        ("capturable", leaf(financial == "authorized")),
        ("fulfillable", leaf(open)),
        ("refundable", leaf(sums.received.shop > sums.refunded.shop)),
        ("restockable", leaf(open)),
        (
            "requiresShipping",
            leaf(one.lines.iter().any(|line| line.requires_shipping)),
        ),
        ("merchantEditable", leaf(one.cancelled_at.is_none())),
        ("merchantEditableErrors", strings::<&str>(&[])),
        ("hasTimelineComment", leaf(false)),
        ("customerAcceptsMarketing", leaf(false)),
        ("productNetwork", leaf(false)),
        ("clientIp", null()),
    ]
}

fn order_money(one: &Order) -> Vec<(&'static str, Val)> {
    let sums = totals(one);
    let none = Amount::default();
    let refunded_shipping: Amount = one.refunds.iter().map(|refund| refund.shipping).sum();
    let capturable = if totals::financial_status(one) == "authorized" {
        sums.total
    } else {
        none
    };
    let mut fields: Vec<(&'static str, Val)> = [
        ("subtotalPriceSet", sums.subtotal),
        ("totalPriceSet", sums.total),
        ("originalTotalPriceSet", sums.total),
        ("totalTaxSet", sums.tax),
        ("totalDiscountsSet", sums.discounts),
        ("cartDiscountAmountSet", sums.discounts),
        ("currentCartDiscountAmountSet", sums.current_discounts),
        ("totalShippingPriceSet", sums.shipping),
        ("totalTipReceivedSet", sums.tip),
        ("totalRefundedSet", sums.refunded),
        ("totalRefundedShippingSet", refunded_shipping),
        ("totalReceivedSet", sums.received),
        ("totalOutstandingSet", sums.outstanding),
        ("totalCapturableSet", capturable),
        ("netPaymentSet", sums.received - sums.refunded),
        ("currentSubtotalPriceSet", sums.current_subtotal),
        ("currentTotalPriceSet", sums.current_total),
        ("currentTotalTaxSet", sums.current_tax),
        ("currentTotalDiscountsSet", sums.current_discounts),
        ("currentShippingPriceSet", sums.current_shipping),
        ("refundDiscrepancySet", none),
    ]
    .into_iter()
    .map(|(name, amount)| (name, bag(one, amount)))
    .collect();
    fields.extend([
        ("subtotalPrice", plain(one, sums.subtotal)),
        ("totalPrice", plain(one, sums.total)),
        ("totalTax", plain(one, sums.tax)),
        ("totalDiscounts", plain(one, sums.discounts)),
        ("totalShippingPrice", plain(one, sums.shipping)),
        ("totalReceived", plain(one, sums.received)),
        ("totalRefunded", plain(one, sums.refunded)),
        ("netPayment", plain(one, sums.received - sums.refunded)),
        ("totalTipReceived", money(sums.tip.shop, &one.currency)),
        ("currentTotalDutiesSet", null()),
        ("currentTotalAdditionalFeesSet", null()),
        ("originalTotalDutiesSet", null()),
        ("originalTotalAdditionalFeesSet", null()),
        (
            "totalCashRoundingAdjustment",
            object(
                "CashRoundingAdjustment",
                [
                    ("paymentSet", bag(one, none)),
                    ("refundSet", bag(one, none)),
                ],
            ),
        ),
        ("taxLines", tax_lines(one, &totals::tax_lines(one, false))),
        (
            "currentTaxLines",
            tax_lines(one, &totals::tax_lines(one, true)),
        ),
    ]);
    fields
}

fn order_parts(state: &State, one: &Order) -> Vec<(&'static str, Val)> {
    let codes: Vec<&str> = one
        .discount
        .iter()
        .map(|discount| discount.code.as_str())
        .collect();
    let weight: i64 = one
        .lines
        .iter()
        .map(|line| i64::from(line.grams) * line.quantity)
        .sum();
    let current: i64 = one
        .lines
        .iter()
        .filter(|line| !line.tip)
        .map(Line::current_quantity)
        .sum();
    let ordered: i64 = one
        .lines
        .iter()
        .filter(|line| !line.tip)
        .map(|line| line.quantity)
        .sum();
    let refs = |lines: Vec<&Line>| {
        Conn::listed(
            "LineItem",
            lines
                .into_iter()
                .map(|line| Val::Ref(Ref::Line(one.id, line.id))),
        )
    };
    let shipping: Vec<Val> = one
        .shipping
        .iter()
        .map(|line| line_nodes::shipping_line(one, line))
        .collect();
    let url = format!(
        "https://practice-store.myshopify.com/{}/orders/{}/authenticate?key=p",
        state.meta.shop_id, one.token
    );
    vec![
        (
            "discountCode",
            maybe(codes.first().map(|code| (*code).to_owned())),
        ),
        ("discountCodes", strings(&codes)),
        (
            "discountApplications",
            Conn::listed("DiscountApplication", line_nodes::discount_application(one)),
        ),
        ("lineItems", refs(one.lines.iter().collect())),
        (
            "nonFulfillableLineItems",
            refs(one.lines.iter().filter(|line| line.tip).collect()),
        ),
        (
            "shippingLine",
            shipping.first().cloned().unwrap_or_else(null),
        ),
        ("shippingLines", Conn::listed("ShippingLine", shipping)),
        (
            "fulfillments",
            Val::List(
                one.fulfillments
                    .iter()
                    .map(|part| Val::Ref(Ref::Fulfillment(part.id)))
                    .collect(),
            ),
        ),
        ("fulfillmentsCount", count(one.fulfillments.len())),
        (
            "refunds",
            Val::List(
                one.refunds
                    .iter()
                    .map(|part| Val::Ref(Ref::Refund(one.id, part.id)))
                    .collect(),
            ),
        ),
        (
            "transactions",
            Val::List(
                one.transactions
                    .iter()
                    .map(|part| Val::Ref(Ref::Transaction(one.id, part.id)))
                    .collect(),
            ),
        ),
        ("transactionsCount", count(one.transactions.len())),
        ("totalWeight", leaf(weight.to_string())),
        ("currentTotalWeight", leaf(weight.to_string())),
        ("subtotalLineItemsQuantity", leaf(ordered)),
        ("currentSubtotalLineItemsQuantity", leaf(current)),
        ("statusPageUrl", leaf(url)),
        ("cartToken", null()),
        ("checkoutToken", null()),
        ("registeredSourceUrl", null()),
    ]
}

fn risk_level(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "LOW",
        Risk::Medium => "MEDIUM",
        Risk::High => "HIGH",
    }
}

fn risk(one: &Order) -> Val {
    let recommendation = match one.risk {
        Risk::Low => "ACCEPT",
        Risk::Medium => "INVESTIGATE",
        Risk::High => "CANCEL",
    };
    let fact = object(
        "RiskFact",
        [
            (
                "description",
                leaf("The billing address matches the credit card's"),
            ),
            (
                "sentiment",
                leaf(if one.risk == Risk::Low {
                    "POSITIVE"
                } else {
                    "NEUTRAL"
                }),
            ),
        ],
    );
    let assessment = object(
        "OrderRiskAssessment",
        [
            ("riskLevel", leaf(risk_level(one.risk))),
            ("provider", null()),
            ("facts", Val::List(vec![fact])),
        ],
    );
    object(
        "OrderRiskSummary",
        [
            ("recommendation", leaf(recommendation)),
            ("assessments", Val::List(vec![assessment])),
        ],
    )
}
