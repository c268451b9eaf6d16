//! Money of the practice store: whole minor units in the shop's and the customer's currency at once.
//!
//! A percentage is always "parts per million", so that no float takes part in a total.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One million: the whole of a share in parts per million.
pub(super) const WHOLE: i64 = 1_000_000;

/// The same amount in both currencies of an order, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Amount {
    pub(super) shop: i64,
    pub(super) presentment: i64,
}

impl Amount {
    /// A price of the shop, converted as at the checkout (half a unit rounds up).
    pub(super) fn convert(shop: i64, rate_ppm: i64) -> Self {
        Self {
            shop,
            presentment: share(shop, rate_ppm),
        }
    }

    pub(super) fn times(self, quantity: i64) -> Self {
        Self {
            shop: self.shop * quantity,
            presentment: self.presentment * quantity,
        }
    }

    /// A share of both amounts, each rounded by itself.
    pub(super) fn share(self, ppm: i64) -> Self {
        Self {
            shop: share(self.shop, ppm),
            presentment: share(self.presentment, ppm),
        }
    }

    /// The part `numerator / denominator` of both amounts.
    pub(super) fn part(self, numerator: i64, denominator: i64) -> Self {
        if denominator == 0 {
            return Self::default();
        }
        Self {
            shop: divide(self.shop * numerator, denominator),
            presentment: divide(self.presentment * numerator, denominator),
        }
    }

    /// The tax that sits inside a price which already includes it.
    pub(super) fn included_tax(self, rate_ppm: i64) -> Self {
        let inside = |amount: i64| amount - divide(amount * WHOLE, WHOLE + rate_ppm);
        Self {
            shop: inside(self.shop),
            presentment: inside(self.presentment),
        }
    }

    pub(super) fn is_zero(self) -> bool {
        self.shop == 0 && self.presentment == 0
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            shop: self.shop + other.shop,
            presentment: self.presentment + other.presentment,
        }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            shop: self.shop - other.shop,
            presentment: self.presentment - other.presentment,
        }
    }
}

impl Neg for Amount {
    type Output = Self;
    fn neg(self) -> Self {
        Self::default() - self
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

/// `amount * ppm / 1_000_000`, half away from zero.
fn share(amount: i64, ppm: i64) -> i64 {
    divide(amount * ppm, WHOLE)
}

fn divide(numerator: i64, denominator: i64) -> i64 {
    let half = denominator / 2;
    if numerator < 0 {
        (numerator - half) / denominator
    } else {
        (numerator + half) / denominator
    }
}

/// How many decimals a currency of the practice store has.
pub(super) fn decimals(currency: &str) -> u32 {
    if currency == "JPY" { 0 } else { 2 }
}

/// As webhooks write money: all decimals of the currency (`"25.90"`, `"1200"`).
pub(super) fn rest(minor: i64, currency: &str) -> String {
    if decimals(currency) == 0 {
        return minor.to_string();
    }
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100)
}

/// As GraphQL writes money: trailing zeros cut, one decimal kept (`"25.9"`, `"1200.0"`).
pub(super) fn graphql(minor: i64, currency: &str) -> String {
    let text = rest(minor, currency);
    if decimals(currency) == 0 {
        return format!("{text}.0");
    }
    text.strip_suffix('0').map_or(text.clone(), str::to_owned)
}

/// `{shop_money, presentment_money}` of a webhook.
pub(super) fn rest_set(amount: Amount, shop: &str, presentment: &str) -> Value {
    json!({
        "shop_money": {"amount": rest(amount.shop, shop), "currency_code": shop},
        "presentment_money": {"amount": rest(amount.presentment, presentment), "currency_code": presentment},
    })
}

/// A rate as a JSON number: 82500 parts per million become `0.0825`.
pub(super) fn rate(ppm: i64) -> Value {
    let digits = format!("{:06}", ppm % WHOLE);
    let digits = digits.trim_end_matches('0');
    let text = format!(
        "{}.{}",
        ppm / WHOLE,
        if digits.is_empty() { "0" } else { digits }
    );
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// The amount as a JSON number, as refund lines carry it.
pub(super) fn number(minor: i64, currency: &str) -> Value {
    serde_json::from_str(&rest(minor, currency)).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_as_each_side_writes_it() {
        assert_eq!(rest(2590, "USD"), "25.90");
        assert_eq!(graphql(2590, "USD"), "25.9");
        assert_eq!(graphql(0, "USD"), "0.0");
        assert_eq!(rest(-5, "USD"), "-0.05");
        assert_eq!(rest(1200, "JPY"), "1200");
        assert_eq!(graphql(1200, "JPY"), "1200.0");
        assert_eq!(rate(82_500).to_string(), "0.0825");
    }

    #[test]
    fn shares_round_half_away_from_zero() {
        assert_eq!(
            Amount {
                shop: 5,
                presentment: -5
            }
            .share(100_000),
            Amount {
                shop: 1,
                presentment: -1
            }
        );
        assert_eq!(
            Amount {
                shop: 1190,
                presentment: 0
            }
            .included_tax(190_000)
            .shop,
            190
        );
    }
}
