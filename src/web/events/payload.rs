//! A payload in lines, exactly as it came, with the place marked that a reason names; or that it was dropped.
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::{self as inbox, EventRow};
use crate::platform::queue::Queue;
use crate::types::EventId;

const A_DAY: u64 = 86_400;

/// Lines that are shown at most; the rest is in the download of the store.
const MOST_LINES: usize = 2000;

/// What is nested deeper stands on one line: anybody could send a body of nothing but brackets.
const DEEPEST: usize = 60;

/// One line.
pub struct Line {
    pub text: String,
    /// The reason is about this one.
    pub is_hit: bool,
}

/// Lays a body out in lines. What is not JSON is shown as it is. `reason` may begin with a place:
/// `line_items[1].price: "abc" is not money`.
#[must_use]
pub fn lines(body: &[u8], reason: Option<&str>) -> Vec<Line> {
    let place = reason.and_then(|reason| reason.split(": ").next());
    let text = String::from_utf8_lossy(body);
    let mut page = Page {
        lines: Vec::new(),
        place,
    };
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(value) => page.value(value, "", 0, "", ""),
        Err(_not_json) => {
            for line in text.lines() {
                page.push(line.to_owned(), "?");
            }
        }
    }
    page.lines
}

/// That an event's payload was dropped, and when.
#[must_use]
pub fn dropped(event: &EventRow) -> Option<String> {
    let at = event.body_dropped_at?;
    let kept = at.since(event.finished_at.unwrap_or(at)).as_secs() / A_DAY;
    let (day, days) = (at.timestamp().strftime("%Y-%m-%d"), plural(kept));
    Some(format!("The payload was dropped on {day} after {days}."))
}

fn plural(days: u64) -> String {
    if days == 1 {
        "1 day".to_owned()
    } else {
        format!("{days} days")
    }
}

/// Why a row could not be replayed.
///
/// # Errors
///
/// The database's.
pub fn why_not_replayed(conn: &mut DbConnection, queue: Queue, id: i64) -> Result<String, DbError> {
    let event = match queue {
        Queue::WebhookEvents => inbox::find(conn, EventId(id))?,
        Queue::Jobs => None,
    };
    let dropped = event.as_ref().and_then(dropped);
    Ok(dropped.map_or_else(
        || "This is open already, or the same work is.".to_owned(),
        |dropped| format!("{dropped} There is nothing left to replay."),
    ))
}

struct Page<'a> {
    lines: Vec<Line>,
    place: Option<&'a str>,
}

impl Page<'_> {
    fn push(&mut self, text: String, path: &str) {
        if self.lines.len() < MOST_LINES {
            let is_hit = self.place == Some(path);
            self.lines.push(Line { text, is_hit });
        }
    }

    fn value(&mut self, value: &RawValue, path: &str, depth: usize, lead: &str, tail: &str) {
        let indent = "  ".repeat(depth);
        let raw = value.get();
        if depth > DEEPEST {
            self.push(format!("{indent}{lead}{raw}{tail}"), path);
            return;
        }
        if let Ok(Pairs(pairs)) = serde_json::from_str::<Pairs<'_>>(raw)
            && !pairs.is_empty()
        {
            self.push(format!("{indent}{lead}{{"), path);
            let last = pairs.len() - 1;
            for (place, (key, inner)) in pairs.into_iter().enumerate() {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                let comma = if place < last { "," } else { "" };
                self.value(inner, &path, depth + 1, &format!("\"{key}\": "), comma);
            }
            self.push(format!("{indent}}}{tail}"), "");
            return;
        }
        if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw)
            && !items.is_empty()
        {
            self.push(format!("{indent}{lead}["), path);
            let last = items.len() - 1;
            for (place, inner) in items.into_iter().enumerate() {
                let comma = if place < last { "," } else { "" };
                self.value(inner, &format!("{path}[{place}]"), depth + 1, "", comma);
            }
            self.push(format!("{indent}]{tail}"), "");
            return;
        }
        self.push(format!("{indent}{lead}{raw}{tail}"), path);
    }
}

/// The members of an object in the order in which they came.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

        from.deserialize_map(Members).map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_marked_and_numbers_stay_exact() {
        let body = br#"{"id":820982911946154508,"line_items":[{"price":"1.00"},{"price":"abc"}]}"#;
        let lines = lines(body, Some("line_items[1].price: \"abc\" is not money"));
        let hits: Vec<&str> = lines
            .iter()
            .filter(|line| line.is_hit)
            .map(|line| line.text.trim())
            .collect();
        assert_eq!(hits, [r#""price": "abc""#]);
        assert!(
            lines
                .iter()
                .any(|line| line.text.contains("820982911946154508,"))
        );
    }

    #[test]
    fn what_is_not_json_is_shown_as_it_came() {
        let lines = lines(b"{\"id\":1,\"name\":\"#10", Some("the body ends too early"));
        assert_eq!(lines.len(), 1);
        assert!(lines[0].text.starts_with("{\"id\":1"));
    }
}
