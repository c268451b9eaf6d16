//! Amounts as fine as a channel tells them: no cent is rounded before the whole was added up.
use std::fmt::{self, Display, Formatter};
use std::iter::Sum;
use std::ops::{Add, Neg, Sub};

use serde::{Serialize, Serializer};

use super::money::{self, Currency, MoneyError, Rest};

/// Digits after the point that are kept.
const DIGITS: u32 = 6;

/// An amount in millionths of its currency's unit. Adding up never overflows: it stops at the largest amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exact(i128);

impl Exact {
    pub const ZERO: Exact = Exact(0);

    /// Millionths of the currency's unit.
    #[must_use]
    pub const fn millionths(self) -> i128 {
        self.0
    }

    #[must_use]
    pub const fn of_millionths(millionths: i128) -> Exact {
        Exact(millionths)
    }

    /// So many minor units of a currency.
    #[must_use]
    pub fn of_minor(minor: i64, currency: Currency) -> Exact {
        Exact(i128::from(minor).saturating_mul(Exact::step(currency)))
    }

    /// Reads decimal text; what is finer than a millionth is rounded half away from zero.
    ///
    /// # Errors
    ///
    /// `NotMoney`, `Overflow`.
    pub fn parse(text: &str) -> Result<Exact, MoneyError> {
        let (value, rest) = money::scaled(text, DIGITS)?;
        let away = if text.trim_start().starts_with('-') {
            -1
        } else {
            1
        };
        Ok(Exact(match rest {
            Rest::HalfOrMore => value.saturating_add(away),
            Rest::Zero | Rest::BelowHalf => value,
        }))
    }

    /// In minor units, rounded half away from zero; the largest there is where it is larger.
    #[must_use]
    pub fn minor(self, currency: Currency) -> i64 {
        let step = Exact::step(currency);
        let half = step / 2 * self.0.signum();
        let minor = self.0.saturating_add(half) / step;
        i64::try_from(minor).unwrap_or(if minor < 0 { -i64::MAX } else { i64::MAX })
    }

    /// Whether the currency has no coin for it.
    #[must_use]
    pub fn is_finer_than(self, currency: Currency) -> bool {
        self.0 % Exact::step(currency) != 0
    }

    /// So many of it.
    #[must_use]
    pub fn times(self, pieces: i64) -> Exact {
        Exact(self.0.saturating_mul(i128::from(pieces)))
    }

    /// Plain decimal text with the currency's digits and any finer ones: `4.90`, `0.0125`.
    #[must_use]
    pub fn decimal(self, currency: Currency) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let plain = self.0.unsigned_abs();
        let unit = 10_u128.pow(DIGITS);
        let digits = usize::try_from(currency.digits()).unwrap_or(0);
        let fraction = format!("{:06}", plain % unit);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() && digits == 0 {
            format!("{sign}{}", plain / unit)
        } else {
            format!("{sign}{}.{fraction:0<digits$}", plain / unit)
        }
    }

    /// Millionths in a minor unit.
    fn step(currency: Currency) -> i128 {
        10_i128.pow(DIGITS.saturating_sub(currency.digits()))
    }
}

impl Add for Exact {
    type Output = Exact;

    fn add(self, other: Exact) -> Exact {
        Exact(self.0.saturating_add(other.0))
    }
}

impl Sub for Exact {
    type Output = Exact;

    fn sub(self, other: Exact) -> Exact {
        Exact(self.0.saturating_sub(other.0))
    }
}

impl Neg for Exact {
    type Output = Exact;

    fn neg(self) -> Exact {
        Exact(self.0.saturating_neg())
    }
}

impl Sum for Exact {
    fn sum<I: Iterator<Item = Exact>>(amounts: I) -> Exact {
        amounts.fold(Exact::ZERO, Add::add)
    }
}

/// One amount in the shop's currency and in the customer's, as Shopify's `MoneyBag` tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dual {
    pub shop: Exact,
    /// `None` where the source does not tell it and the currencies differ.
    pub presentment: Option<Exact>,
}

impl Dual {
    pub const ZERO: Dual = Dual {
        shop: Exact::ZERO,
        presentment: Some(Exact::ZERO),
    };

    #[must_use]
    pub fn is_zero(self) -> bool {
        self.shop == Exact::ZERO && self.presentment.unwrap_or_default() == Exact::ZERO
    }

    /// So many of it.
    #[must_use]
    pub fn times(self, pieces: i64) -> Dual {
        Dual {
            shop: self.shop.times(pieces),
            presentment: self.presentment.map(|amount| amount.times(pieces)),
        }
    }
}

impl Add for Dual {
    type Output = Dual;

    fn add(self, other: Dual) -> Dual {
        Dual {
            shop: self.shop + other.shop,
            presentment: self.presentment.zip(other.presentment).map(|(a, b)| a + b),
        }
    }
}

impl Sub for Dual {
    type Output = Dual;

    fn sub(self, other: Dual) -> Dual {
        self + -other
    }
}

impl Neg for Dual {
    type Output = Dual;

    fn neg(self) -> Dual {
        Dual {
            shop: -self.shop,
            presentment: self.presentment.map(Neg::neg),
        }
    }
}

impl Sum for Dual {
    fn sum<I: Iterator<Item = Dual>>(amounts: I) -> Dual {
        amounts.fold(Dual::ZERO, Add::add)
    }
}

/// A plain decimal, as Shopify spells amounts.
impl Display for Exact {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let (sign, rest) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let unit = 10_u128.pow(DIGITS);
        write!(to, "{sign}{}.{:06}", rest / unit, rest % unit)
    }
}

/// Its millionths as text: no JSON reader makes a float of it.
impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().expect("a code")
    }

    fn exact(text: &str) -> Exact {
        Exact::parse(text).expect("an amount")
    }

    #[test]
    fn an_amount_keeps_what_is_finer_than_its_currency() {
        let (usd, jpy, kwd) = (currency("USD"), currency("JPY"), currency("KWD"));
        assert_eq!(exact("4.905").decimal(usd), "4.905");
        assert_eq!(exact("4.9").decimal(usd), "4.90");
        assert_eq!(exact("-11.40").decimal(usd), "-11.40");
        assert_eq!(exact("1999.0").decimal(jpy), "1999");
        assert_eq!(exact("1.5").decimal(kwd), "1.500");
        assert!(exact("4.905").is_finer_than(usd));
        assert!(!exact("4.905").is_finer_than(kwd));
        assert!(exact("0.5").is_finer_than(jpy));
    }

    #[test]
    fn minor_units_round_half_away_from_zero() {
        let (usd, jpy) = (currency("USD"), currency("JPY"));
        assert_eq!(exact("0.125").minor(usd), 13);
        assert_eq!(exact("-0.125").minor(usd), -13);
        assert_eq!(exact("0.1249").minor(usd), 12);
        assert_eq!(exact("1999").minor(jpy), 1999);
        // Below a millionth it is rounded when it is read.
        assert_eq!(exact("0.33333333").millionths(), 333_333);
        assert_eq!(exact("0.0000005").millionths(), 1);
    }

    proptest! {
        #[test]
        fn adding_up_never_overflows(amounts in prop::collection::vec(any::<i128>(), 0..20)) {
            let sum: Exact = amounts.iter().map(|one| Exact::of_millionths(*one)).sum();
            let _minor = sum.minor(currency("KWD"));
            let _text = (-sum).times(i64::MIN).decimal(currency("USD"));
        }

        #[test]
        fn minor_units_come_back_as_they_went(minor in any::<i64>(), code in "[A-Z]{3}") {
            let currency = currency(&code);
            prop_assume!(minor != i64::MIN);
            let exact = Exact::of_minor(minor, currency);
            prop_assert_eq!(exact.minor(currency), minor);
            prop_assert_eq!(Exact::parse(&exact.decimal(currency)), Ok(exact));
            prop_assert_eq!(exact.decimal(currency), money::Money::new(minor, currency).decimal());
        }
    }
}
