//! Money: whole minor units of a currency, read exactly from decimal text and never through a float.
use std::fmt;
use std::str::FromStr;

use diesel::deserialize::{self, FromSql};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use diesel::{AsExpression, FromSqlRow, backend::Backend};

/// Digits after the point that a [`UnitPrice`] keeps.
const UNIT_PRICE_DIGITS: u32 = 6;

/// An ISO 4217 code, upper case. Codes that the standard does not know (Shopify has some) count two decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Currency([u8; 3]);

/// What is wrong with an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("`{0}` is not a currency code")]
    NotACurrency(String),
    #[error("`{0}` is not money")]
    NotMoney(String),
    #[error("`{0}` has more decimals than {1} has")]
    TooFine(String, Currency),
    #[error("`{0}` is larger than a 64-bit amount")]
    Overflow(String),
}

impl Currency {
    /// Digits after the point: 2 for USD, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn digits(self) -> u32 {
        iso_currency::Currency::from_code(self.as_str())
            .and_then(iso_currency::Currency::exponent)
            .map_or(2, u32::from)
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// `$`, `CA$`, `€` ...; the code and a space where the standard has no sign.
    #[must_use]
    pub fn sign(self) -> String {
        match self.as_str() {
            "USD" => "$".to_owned(),
            "CAD" => "CA$".to_owned(),
            "AUD" => "A$".to_owned(),
            "NZD" => "NZ$".to_owned(),
            "EUR" => "€".to_owned(),
            "GBP" => "£".to_owned(),
            "JPY" => "¥".to_owned(),
            "INR" => "₹".to_owned(),
            code => format!("{code} "),
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let code: [u8; 3] = text
            .to_ascii_uppercase()
            .as_bytes()
            .try_into()
            .map_err(|_short| MoneyError::NotACurrency(text.to_owned()))?;
        if code.iter().all(u8::is_ascii_uppercase) {
            Ok(Currency(code))
        } else {
            Err(MoneyError::NotACurrency(text.to_owned()))
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl<DB: Backend> FromSql<Text, DB> for Currency
where
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(String::from_sql(bytes)?.parse::<Currency>()?)
    }
}

impl<DB: Backend> ToSql<Text, DB> for Currency
where
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        ToSql::<Text, DB>::to_sql(self.as_str(), out)
    }
}

/// An amount in the minor unit of its currency: 1999 USD is $19.99, 1999 JPY is ¥1999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    /// Reads decimal text such as `29.99`, `-3`, `0.0`; never rounds.
    ///
    /// # Errors
    ///
    /// `TooFine` where a digit beyond the currency's decimals is not zero, `NotMoney`, `Overflow`.
    pub fn parse(text: &str, currency: Currency) -> Result<Money, MoneyError> {
        let (minor, rest) = scaled_64(text, currency.digits())?;
        if rest != Rest::Zero {
            return Err(MoneyError::TooFine(text.to_owned(), currency));
        }
        Ok(Money { minor, currency })
    }

    /// Reads decimal text and rounds half away from zero to the minor unit; tells whether it had to.
    ///
    /// # Errors
    ///
    /// `NotMoney`, `Overflow`.
    pub fn parse_rounded(text: &str, currency: Currency) -> Result<(Money, bool), MoneyError> {
        let (minor, rest) = scaled_64(text, currency.digits())?;
        let step = if text.trim_start().starts_with('-') {
            -1
        } else {
            1
        };
        let minor = match rest {
            Rest::HalfOrMore => minor
                .checked_add(step)
                .ok_or_else(|| MoneyError::Overflow(text.to_owned()))?,
            Rest::Zero | Rest::BelowHalf => minor,
        };
        Ok((Money { minor, currency }, rest != Rest::Zero))
    }

    /// Plain decimal text, as the JSON API shows it: `117.71`.
    #[must_use]
    pub fn decimal(self) -> String {
        decimal(self.minor, self.currency.digits())
    }
}

impl fmt::Display for Money {
    /// As a page shows it: `$1,117.71`, `−$11.40`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = decimal(self.minor.saturating_abs(), self.currency.digits());
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        if self.minor < 0 {
            f.write_str("−")?;
        }
        f.write_str(&self.currency.sign())?;
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        if !fraction.is_empty() {
            write!(f, ".{fraction}")?;
        }
        Ok(())
    }
}

/// A price for one piece in millionths of the currency's unit: prices may be finer than the currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnitPrice {
    pub millionths: i64,
    pub currency: Currency,
}

impl UnitPrice {
    /// Reads decimal text exactly.
    ///
    /// # Errors
    ///
    /// `TooFine` below a millionth, `NotMoney`, `Overflow`.
    pub fn parse(text: &str, currency: Currency) -> Result<UnitPrice, MoneyError> {
        let (millionths, rest) = scaled_64(text, UNIT_PRICE_DIGITS)?;
        if rest != Rest::Zero {
            return Err(MoneyError::TooFine(text.to_owned(), currency));
        }
        Ok(UnitPrice {
            millionths,
            currency,
        })
    }

    /// Plain decimal text with the currency's digits and any finer ones: `19.99`, `0.0125`.
    #[must_use]
    pub fn decimal(self) -> String {
        let exact = decimal(self.millionths, UNIT_PRICE_DIGITS);
        let (whole, fraction) = exact.split_once('.').unwrap_or((&exact, ""));
        let fraction = fraction.trim_end_matches('0');
        let digits = usize::try_from(self.currency.digits()).unwrap_or(0);
        if fraction.is_empty() && digits == 0 {
            whole.to_owned()
        } else {
            format!("{whole}.{fraction:0<digits$}")
        }
    }

    /// The price of `quantity` pieces in minor units, rounded half away from zero; `None` past 64 bits.
    #[must_use]
    pub fn times(self, quantity: i64) -> Option<Money> {
        let exact = i128::from(self.millionths) * i128::from(quantity);
        let unit = 10_i128.pow(UNIT_PRICE_DIGITS.saturating_sub(self.currency.digits()));
        let half = unit / 2 * exact.signum();
        let minor = i64::try_from((exact + half) / unit).ok()?;
        Some(Money::new(minor, self.currency))
    }
}

impl fmt::Display for UnitPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Money::parse(&decimal(self.millionths, UNIT_PRICE_DIGITS), self.currency) {
            Ok(money) => money.fmt(f),
            Err(_finer) => write!(
                f,
                "{}{}",
                self.currency.sign(),
                decimal(self.millionths, UNIT_PRICE_DIGITS).trim_end_matches('0')
            ),
        }
    }
}

/// What lies beyond the digits that were kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Zero,
    BelowHalf,
    HalfOrMore,
}

/// Reads decimal text times ten to the power of `digits`.
pub(super) fn scaled(text: &str, digits: u32) -> Result<(i128, Rest), MoneyError> {
    let quoted = || text.chars().take(40).collect::<String>();
    let trimmed = text.trim();
    let (negative, plain) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !digits_only(whole) || !digits_only(fraction) {
        return Err(MoneyError::NotMoney(quoted()));
    }
    let kept = usize::try_from(digits).unwrap_or(0);
    let (fraction, beyond) = fraction.split_at(fraction.len().min(kept));
    let rest = match beyond.bytes().next() {
        _ if beyond.bytes().all(|byte| byte == b'0') => Rest::Zero,
        Some(b'5'..=b'9') => Rest::HalfOrMore,
        Some(_) | None => Rest::BelowHalf,
    };
    let zeros = std::iter::repeat_n(b'0', kept - fraction.len());
    let mut value: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()).chain(zeros) {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(i128::from(digit - b'0')))
            .ok_or_else(|| MoneyError::Overflow(quoted()))?;
    }
    Ok((if negative { -value } else { value }, rest))
}

/// As [`scaled`], within 64 bits.
fn scaled_64(text: &str, digits: u32) -> Result<(i64, Rest), MoneyError> {
    let (value, rest) = scaled(text, digits)?;
    i64::try_from(value)
        .map(|value| (value, rest))
        .map_err(|_large| MoneyError::Overflow(text.chars().take(40).collect()))
}

fn decimal(value: i64, digits: u32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let kept = usize::try_from(digits).unwrap_or(0);
    let plain = format!("{:0>width$}", value.unsigned_abs(), width = kept + 1);
    let (whole, fraction) = plain.split_at(plain.len() - kept);
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().expect("a code")
    }

    #[test]
    fn amounts_are_read_exactly_or_refused() {
        let usd = currency("USD");
        assert_eq!(Money::parse("29.99", usd).map(|m| m.minor), Ok(2999));
        assert_eq!(Money::parse("-11.4", usd).map(|m| m.minor), Ok(-1140));
        assert_eq!(Money::parse("100.000", usd).map(|m| m.minor), Ok(10_000));
        assert_eq!(
            Money::parse("10.00", currency("JPY")).map(|m| m.minor),
            Ok(10)
        );
        assert_eq!(
            Money::parse("1.234", currency("KWD")).map(|m| m.minor),
            Ok(1234)
        );
        for bad in ["", ".", "1e3", "abc", "1,000.00", "--1", "1.2.3"] {
            assert!(Money::parse(bad, usd).is_err(), "{bad}");
        }
        assert_eq!(
            Money::parse("29.995", usd),
            Err(MoneyError::TooFine("29.995".to_owned(), usd))
        );
        assert!(Money::parse("99999999999999999999", usd).is_err());
    }

    #[test]
    fn finer_amounts_round_half_away_from_zero() {
        let usd = currency("USD");
        let rounded = |text| Money::parse_rounded(text, usd).map(|(m, did)| (m.minor, did));
        assert_eq!(rounded("0.125"), Ok((13, true)));
        assert_eq!(rounded("-0.125"), Ok((-13, true)));
        assert_eq!(rounded("0.1249"), Ok((12, true)));
        assert_eq!(rounded("0.12"), Ok((12, false)));
    }

    #[test]
    fn money_reads_as_people_write_it() {
        assert_eq!(
            Money::new(1_117_100, currency("USD")).to_string(),
            "$11,171.00"
        );
        assert_eq!(Money::new(-1140, currency("USD")).to_string(), "−$11.40");
        assert_eq!(Money::new(1999, currency("JPY")).to_string(), "¥1,999");
        assert_eq!(Money::new(5, currency("KWD")).decimal(), "0.005");
    }

    #[test]
    fn a_unit_price_may_be_finer_than_its_currency() {
        let price = UnitPrice::parse("0.0125", currency("USD")).expect("a price");
        assert_eq!(price.times(100).map(|m| m.minor), Some(125));
        assert_eq!(price.times(1).map(|m| m.minor), Some(1));
        assert_eq!(price.to_string(), "$0.0125");
        let plain = |text, code| {
            let price = UnitPrice::parse(text, currency(code)).expect("a price");
            price.decimal()
        };
        assert_eq!(plain("0.0125", "USD"), "0.0125");
        assert_eq!(plain("19.9", "USD"), "19.90");
        assert_eq!(plain("1999", "JPY"), "1999");
    }
}
