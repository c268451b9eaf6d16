//! Orders that were composed in both currencies add up in both; a single coin too many is seen, on its side.
//! The sums are made here from minor units, beside the program and not by it.
use proptest::prelude::*;
use serde_json::{Value, json};

use super::translate;
use crate::erp::orders::incoming::IncomingOrder;
use crate::erp::orders::totals::{Sums, TotalsCheck, add_up, rounding_charge};
use crate::types::At;

const NOW: At = At(1_795_000_000_000_000);

/// Minor units in the shop's currency and in the customer's.
type Pair = (i64, i64);

/// Currencies with their decimals, written out here a second time on purpose.
const CURRENCIES: &[(&str, u32)] = &[("USD", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3)];

#[derive(Clone, Debug)]
struct Line {
    price: Pair,
    quantity: i64,
    discount: Pair,
    tax: Pair,
}

#[derive(Clone, Debug)]
struct Composed {
    shop: (&'static str, u32),
    customer: (&'static str, u32),
    lines: Vec<Line>,
    shipping: (Pair, Pair, Pair),
    tip: i64,
    duties: Pair,
    fees: Pair,
    included: bool,
}

fn pair(largest: i64) -> impl Strategy<Value = Pair> {
    (0..=largest, 0..=largest)
}

fn composed() -> impl Strategy<Value = Composed> {
    let line = (pair(9_999_999), 0..50_i64, pair(5_000), pair(90_000)).prop_map(
        |(price, quantity, discount, tax)| Line {
            price,
            quantity,
            discount,
            tax,
        },
    );
    let currency = prop::sample::select(CURRENCIES);
    (
        (currency.clone(), currency),
        prop::collection::vec(line, 0..6),
        (pair(5_000), pair(900), pair(400)),
        0..500_i64,
        (pair(3_000), pair(300)),
        any::<bool>(),
    )
        .prop_map(
            |((shop, customer), lines, shipping, tip, (duties, fees), included)| Composed {
                // In one currency there is one amount.
                shop,
                customer,
                lines,
                shipping,
                tip: if shop == customer { tip } else { 0 },
                duties,
                fees,
                included,
            },
        )
        .prop_map(|order| {
            if order.shop == order.customer {
                order.in_one()
            } else {
                order
            }
        })
}

fn text(minor: i64, (_code, decimals): (&str, u32)) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let digits = format!("{:0>4}", minor.abs());
    match decimals {
        0 => minor.to_string(),
        2 => {
            let (whole, fraction) = digits.split_at(digits.len() - 2);
            format!("{sign}{whole}.{fraction}")
        }
        _ => {
            let (whole, fraction) = digits.split_at(digits.len() - 3);
            format!("{sign}{whole}.{fraction}")
        }
    }
}

impl Composed {
    fn in_one(mut self) -> Composed {
        let same = |pair: &mut Pair| pair.1 = pair.0;
        for line in &mut self.lines {
            same(&mut line.price);
            same(&mut line.discount);
            same(&mut line.tax);
        }
        let (price, discount, tax) = &mut self.shipping;
        for one in [price, discount, tax, &mut self.duties, &mut self.fees] {
            same(one);
        }
        self
    }

    fn set(&self, pair: Pair) -> Value {
        json!({
            "shop_money": { "amount": text(pair.0, self.shop), "currency_code": self.shop.0 },
            "presentment_money": {
                "amount": text(pair.1, self.customer), "currency_code": self.customer.0,
            },
        })
    }

    /// Total and tax, from minor units.
    fn sums(&self) -> (Pair, Pair) {
        let (mut total, mut tax): (Pair, Pair) = ((0, 0), (0, 0));
        let add = |sum: &mut Pair, one: Pair, sign: i64| {
            *sum = (sum.0 + sign * one.0, sum.1 + sign * one.1);
        };
        for line in &self.lines {
            let gross = (line.price.0 * line.quantity, line.price.1 * line.quantity);
            add(&mut total, gross, 1);
            add(&mut total, line.discount, -1);
            add(&mut tax, line.tax, 1);
        }
        let (price, discount, of_shipping) = self.shipping;
        add(&mut total, price, 1);
        add(&mut total, discount, -1);
        add(&mut tax, of_shipping, 1);
        let customers_tip = if self.shop == self.customer {
            self.tip
        } else {
            0
        };
        for one in [(self.tip, customers_tip), self.duties, self.fees] {
            add(&mut total, one, 1);
        }
        if !self.included {
            add(&mut total, tax, 1);
        }
        (total, tax)
    }

    fn body(&self) -> Value {
        let tax_lines = |tax: Pair| json!([{ "title": "VAT", "rate": 0.2, "price": text(tax.0, self.shop), "price_set": self.set(tax) }]);
        let allocations = |discount: Pair| {
            json!([{
                "amount": text(discount.0, self.shop), "amount_set": self.set(discount),
                "discount_application_index": 0,
            }])
        };
        let lines: Vec<Value> = self
            .lines
            .iter()
            .enumerate()
            .map(|(place, line)| {
                json!({
                    "id": place + 1, "title": "Tea", "quantity": line.quantity,
                    "current_quantity": line.quantity,
                    "price": text(line.price.0, self.shop), "price_set": self.set(line.price),
                    "discount_allocations": allocations(line.discount),
                    "tax_lines": tax_lines(line.tax),
                })
            })
            .collect();
        let (price, discount, tax) = self.shipping;
        let (total, total_tax) = self.sums();
        json!({
            "id": 1, "currency": self.shop.0, "presentment_currency": self.customer.0,
            "taxes_included": self.included, "line_items": lines,
            "shipping_lines": [{
                "id": 9, "title": "Post", "price": text(price.0, self.shop), "price_set": self.set(price),
                "discount_allocations": allocations(discount), "tax_lines": tax_lines(tax),
            }],
            "discount_applications": [{ "type": "automatic", "title": "Spring" }],
            "tax_lines": tax_lines(total_tax),
            "total_tip_received": text(self.tip, self.shop),
            "original_total_duties_set": self.set(self.duties),
            "original_total_additional_fees_set": self.set(self.fees),
            "total_tax": text(total_tax.0, self.shop), "total_tax_set": self.set(total_tax),
            "total_price": text(total.0, self.shop), "total_price_set": self.set(total),
        })
    }
}

fn read(body: &Value) -> IncomingOrder {
    translate(body.to_string().as_bytes(), NOW)
        .expect("an order")
        .order
}

fn sums(body: &Value) -> Sums {
    add_up(&read(body)).expect("lines")
}

proptest! {
    #[test]
    fn a_composed_order_adds_up_in_both_currencies(order in composed()) {
        let found = sums(&order.body());
        let (total, tax) = order.sums();
        prop_assert_eq!(found.check, TotalsCheck::Agrees);
        prop_assert_eq!(found.shop.added, total.0);
        prop_assert_eq!(found.shop.added_tax, Some(tax.0));
        let presented = found.presentment.expect("every amount is told twice");
        prop_assert_eq!((presented.added, presented.check), (total.1, TotalsCheck::Agrees));
        prop_assert_eq!(presented.added_tax, Some(tax.1));
        prop_assert_eq!(rounding_charge(&found), None);
    }

    #[test]
    fn one_coin_too_many_is_seen_on_its_side(order in composed(), of_customer in any::<bool>()) {
        prop_assume!(order.shop != order.customer);
        let (total, _tax) = order.sums();
        let wrong = if of_customer { (total.0, total.1 + 1) } else { (total.0 + 1, total.1) };
        let mut body = order.body();
        body["total_price"] = json!(text(wrong.0, order.shop));
        body["total_price_set"] = order.set(wrong);
        let found = sums(&body);
        let presented = found.presentment.expect("every amount is told twice");
        let sides = (found.shop.check, presented.check);
        prop_assert_eq!(found.check, TotalsCheck::Differs);
        prop_assert_eq!(sides, if of_customer {
            (TotalsCheck::Agrees, TotalsCheck::Differs)
        } else {
            (TotalsCheck::Differs, TotalsCheck::Agrees)
        });
    }

    #[test]
    fn what_is_finer_than_the_currency_is_rounded_in_one_row(
        prices in prop::collection::vec((0..9_999_999_i64, 1..30_i64), 1..6),
    ) {
        // Four decimals of dollars; the store's total is the sum, rounded once.
        let exact: i64 = prices.iter().map(|(price, quantity)| price * quantity).sum();
        let total = (exact + 50) / 100;
        let lines: Vec<Value> = prices.iter().enumerate().map(|(place, (price, quantity))| json!({
            "id": place + 1, "title": "Tea", "quantity": quantity,
            "price": format!("{}.{:04}", price / 10_000, price % 10_000),
        })).collect();
        let body = json!({
            "id": 1, "currency": "USD", "line_items": lines, "shipping_lines": [],
            "total_tax": "0.00", "total_price": text(total, ("USD", 2)),
        });
        let found = sums(&body);
        prop_assert!(found.check <= TotalsCheck::Rounding, "{:?}", found);
        // Both columns add up: the exact one, and the one in which each line was rounded by itself.
        let cents: i64 = prices.iter().map(|(price, quantity)| (price * quantity + 50) / 100).sum();
        let (fine, coarse) = found.shop.rounding;
        prop_assert_eq!(cents + coarse, total);
        prop_assert_eq!(i128::from(exact) * 100 + fine.millionths(), i128::from(total) * 10_000);
    }

    #[test]
    fn adding_up_never_overflows(
        amounts in prop::collection::vec("-?[0-9]{1,14}(\\.[0-9]{0,8})?", 8),
        quantity in 0..1_000_000_000_i64,
        currency in prop::sample::select(CURRENCIES),
    ) {
        let body = json!({
            "id": 1, "currency": currency.0, "presentment_currency": "KWD",
            "line_items": [
                { "id": 1, "quantity": 1, "price": amounts[0], "total_discount": amounts[1] },
                { "id": 2, "quantity": quantity, "price": "0.000001", "tax_lines": [{ "price": amounts[2] }] },
            ],
            "shipping_lines": [{ "id": 3, "price": amounts[3], "discount_allocations": [{ "amount": amounts[4] }] }],
            "tax_lines": [{ "price": amounts[5] }, { "price": amounts[5] }],
            "total_tip_received": amounts[6], "total_price": amounts[7], "total_tax": amounts[2],
        });
        if let Ok(translated) = translate(body.to_string().as_bytes(), NOW) {
            prop_assert!(add_up(&translated.order).is_some());
        }
    }
}
