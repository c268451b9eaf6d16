//! Takes values out of JSON by their keys and leaves every other byte of meaning as it is: numbers are
//! copied digit by digit, never through a float.
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What is nested deeper is not a message that anybody sends.
const DEEPEST: usize = 60;

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays; what is inside it is looked at.
    Keep,
    Null,
    EmptyList,
    /// Of an object the members with these keys are left.
    Only(&'static [&'static str]),
}

/// The same JSON without what `fate` takes out by key; `None` where it is no JSON.
#[must_use]
pub fn scrub(json: &[u8], fate: fn(&str) -> Fate) -> Option<Vec<u8>> {
    let value: &RawValue = serde_json::from_slice(json).ok()?;
    let mut left = String::with_capacity(json.len());
    write(value.get(), fate, 0, &mut left)?;
    Some(left.into_bytes())
}

fn write(raw: &str, fate: fn(&str) -> Fate, depth: usize, left: &mut String) -> Option<()> {
    if depth > DEEPEST {
        return None;
    }
    if raw.starts_with('{') {
        let Members(members) = serde_json::from_str(raw).ok()?;
        left.push('{');
        for (place, (key, value)) in members.iter().enumerate() {
            separate(place, left);
            left.push_str(&serde_json::to_string(key).ok()?);
            left.push(':');
            write_by(fate(key), value.get(), fate, depth, left)?;
        }
        left.push('}');
    } else if raw.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
        left.push('[');
        for (place, item) in items.iter().enumerate() {
            separate(place, left);
            write(item.get(), fate, depth + 1, left)?;
        }
        left.push(']');
    } else {
        left.push_str(raw);
    }
    Some(())
}

fn write_by(
    of_key: Fate,
    raw: &str,
    fate: fn(&str) -> Fate,
    depth: usize,
    left: &mut String,
) -> Option<()> {
    match of_key {
        Fate::Keep => write(raw, fate, depth + 1, left)?,
        Fate::EmptyList if raw.starts_with('[') => left.push_str("[]"),
        Fate::Only(keys) if raw.starts_with('{') => {
            let Members(mut members) = serde_json::from_str(raw).ok()?;
            members.retain(|(key, _)| keys.contains(&key.as_str()));
            left.push('{');
            for (place, (key, value)) in members.iter().enumerate() {
                separate(place, left);
                left.push_str(&serde_json::to_string(key).ok()?);
                left.push(':');
                left.push_str(value.get());
            }
            left.push('}');
        }
        Fate::Null | Fate::EmptyList | Fate::Only(_) => left.push_str("null"),
    }
    Some(())
}

fn separate(place: usize, left: &mut String) {
    if place > 0 {
        left.push(',');
    }
}

/// The members of an object in the order in which they came.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }

        from.deserialize_map(Pairs).map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(key: &str) -> Fate {
        match key {
            "email" => Fate::Null,
            "notes" => Fate::EmptyList,
            "customer" => Fate::Only(&["id"]),
            _ => Fate::Keep,
        }
    }

    fn left(json: &str) -> Option<String> {
        let left = scrub(json.as_bytes(), fate)?;
        String::from_utf8(left).ok()
    }

    #[test]
    fn people_go_and_numbers_stay_as_they_were_written() {
        let json = r#"{"id":820982911946154508,"total":10.10,"email":"a@b.c","lines":[{"email":{"x":1},"n":1.50}],
            "customer":{"id":9007199254740993,"first_name":"Ada"},"notes":[1,2],"a\"b":"\u00e9"}"#;
        let wanted = r#"{"id":820982911946154508,"total":10.10,"email":null,"lines":[{"email":null,"n":1.50}],"customer":{"id":9007199254740993},"notes":[],"a\"b":"\u00e9"}"#;
        assert_eq!(left(json).as_deref(), Some(wanted));
        assert_eq!(left(wanted).as_deref(), Some(wanted));
    }

    #[test]
    fn what_is_no_json_or_nothing_but_brackets_is_refused() {
        assert_eq!(left("{\"email\":"), None);
        assert_eq!(left(&"[".repeat(100_000)), None);
        let nested = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(left(&nested), None);
        assert_eq!(
            left(r#"{"customer":"Ada","notes":"Ada"}"#).as_deref(),
            Some(r#"{"customer":null,"notes":null}"#)
        );
    }
}
