//! What stands in Shopify's bodies: ids, money, moments and words, each read exactly.
use std::fmt;

use serde::de::{self, Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::types::{At, Field};

/// A number Shopify gives to a record: a JSON integer, exact beyond 2^53, or the same in text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = plain_text(from)?;
        if !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Id(text))
        } else {
            Err(de::Error::custom(format!("{} is not an id", quoted(&text))))
        }
    }
}

/// Decimal text, from a JSON string or from the digits of a JSON number: never through a float.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount(pub String);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = plain_text(from)?;
        let digits = text.trim().trim_start_matches('-');
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !whole.is_empty() && number(whole) && number(fraction) {
            Ok(Amount(text.trim().to_owned()))
        } else {
            Err(de::Error::custom(format!("{} is not money", quoted(&text))))
        }
    }
}

/// A moment with its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub At);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        At::parse(&text)
            .map(Moment)
            .map_err(|_no_time| de::Error::custom(format!("{} is not a time", quoted(&text))))
    }
}

/// Anything, as the text a person would read: properties may hold any JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anything(pub String);

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(from)?;
        Ok(Anything(match unquoted(raw.get()) {
            Ok(text) => text,
            Err(_other) if raw.get() == "null" => String::new(),
            Err(_other) => raw.get().to_owned(),
        }))
    }
}

/// A whole number, or the same in text.
pub(super) fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    number(from, "a whole number")
}

/// A place in a list, or the same in text.
pub(super) fn place<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    number(from, "a place in a list")
}

fn number<'de, D, T>(from: D, what: &str) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr,
{
    let text = plain_text(from)?;
    if text == "null" || text.is_empty() {
        return Ok(None);
    }
    // `2.0` is two.
    let digits = text.strip_suffix(".0").unwrap_or(&text);
    match digits.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_wrong) => Err(de::Error::custom(format!(
            "{} is not {what}",
            quoted(&text)
        ))),
    }
}

/// Yes or no, or the same in text.
pub(super) fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    match plain_text(from)?.as_str() {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        "null" | "" => Ok(None),
        other => {
            let what = format!("{} is neither true nor false", quoted(other));
            Err(de::Error::custom(what))
        }
    }
}

/// As [`flag`], where absent and null differ.
pub(super) fn field_flag<'de, D: Deserializer<'de>>(from: D) -> Result<Field<bool>, D::Error> {
    Ok(flag(from)?.map_or(Field::Null, Field::Value))
}

/// A text, or a number that stands for one: a postcode, a phone number, a SKU.
pub(super) fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = <&RawValue>::deserialize(from)?.get();
    match text.as_bytes().first() {
        Some(b'"') => unquoted(text).map(Some).map_err(de::Error::custom),
        Some(b'0'..=b'9' | b'-') => Ok(Some(text.to_owned())),
        _ if text == "null" => Ok(None),
        _ => Err(de::Error::custom(format!("{} is not a text", quoted(text)))),
    }
}

/// As [`words`], where absent and null differ.
pub(super) fn field_words<'de, D: Deserializer<'de>>(from: D) -> Result<Field<String>, D::Error> {
    Ok(words(from)?.map_or(Field::Null, Field::Value))
}

fn plain_text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = <&RawValue>::deserialize(from)?.get();
    if text.starts_with('"') {
        unquoted(text).map_err(de::Error::custom)
    } else {
        Ok(text.to_owned())
    }
}

/// The text of a JSON string.
fn unquoted(raw: &str) -> serde_json::Result<String> {
    match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
        // Most have nothing to unescape, and were found well-formed before.
        Some(text) if !text.contains('\\') => Ok(text.to_owned()),
        Some(_) | None => serde_json::from_str(raw),
    }
}

fn quoted(text: &str) -> impl fmt::Display {
    let short: String = text.chars().take(40).collect();
    if text.starts_with(['{', '[']) {
        short
    } else {
        format!("\"{short}\"")
    }
}

/// A tax rate or a percentage as decimal text without zeros at its end: Shopify sends `0.19`, `10.0`, `1.0e-05`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate(pub String);

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        plain_text(from).map(|text| Rate(plain_decimal(&text)))
    }
}

/// Without exponent and without zeros that say nothing; what is no number stays as it is.
#[must_use]
pub fn plain_decimal(text: &str) -> String {
    spelled_out(text.trim()).unwrap_or_else(|| text.to_owned())
}

fn spelled_out(text: &str) -> Option<String> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || exponent.abs() > 30 {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let (whole, fraction) = match usize::try_from(point) {
        Ok(point) if point <= digits.len() => {
            let (whole, fraction) = digits.split_at(point);
            (whole.to_owned(), fraction.to_owned())
        }
        Ok(point) => (format!("{digits:0<point$}"), String::new()),
        Err(_negative) => {
            let zeros = usize::try_from(-point).ok()?;
            (String::new(), format!("{}{digits}", "0".repeat(zeros)))
        }
    };
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.trim_end_matches('0');
    Some(match fraction {
        "" if whole == "0" => "0".to_owned(),
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_same_however_it_is_spelled() {
        for (spelled, plain) in [
            ("0.19", "0.19"),
            ("0.190", "0.19"),
            ("10.0", "10"),
            ("1.0e-05", "0.00001"),
            ("1.9e-1", "0.19"),
            ("2E3", "2000"),
            ("0.0", "0"),
            ("-0.0", "0"),
            ("-5.50", "-5.5"),
            ("0.0825", "0.0825"),
            ("none", "none"),
            ("", ""),
            (".", "."),
        ] {
            assert_eq!(plain_decimal(spelled), plain, "{spelled}");
        }
    }
}
