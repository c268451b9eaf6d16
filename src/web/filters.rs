//! How values look on a page. Templates write `{{ order.total|money }}`, `{{ order.placed_at|when(frame) }}`.
use std::time::Duration;

use askama::{Result, Values};
use jiff::tz::TimeZone;

use super::page::Frame;
use crate::platform::static_files;
use crate::shopify::mappings::Origin;
use crate::shopify::mappings::queries::MappedRow;
use crate::types::{At, Money};

/// `$117.71`, `CA$884.40`, `−$11.40`.
#[askama::filter_fn]
pub fn money(value: &Money, _: &dyn Values) -> Result<String> {
    Ok(value.to_string())
}

/// The moment as a colleague would say it: `09:42` today, `Thu` within the week, `20 Nov`, `20 Nov 2025`.
#[askama::filter_fn]
pub fn when(value: &At, _: &dyn Values, frame: &Frame) -> Result<String> {
    Ok(when_text(*value, frame.now, &frame.zone))
}

/// The whole moment in the user's zone, for `title`: `Fri 20 Nov 2026, 09:42:07 Europe/Oslo`.
#[askama::filter_fn]
pub fn moment(value: &At, _: &dyn Values, frame: &Frame) -> Result<String> {
    let local = value.timestamp().to_zoned(frame.zone.clone());
    let text = local.strftime("%a %-d %b %Y, %H:%M:%S").to_string();
    Ok(format!("{text} {}", frame.zone_name()))
}

/// The moment to the second, in the user's zone: `20 Nov 2026, 09:42:07`.
#[askama::filter_fn]
pub fn to_second(value: &At, _: &dyn Values, frame: &Frame) -> Result<String> {
    let local = value.timestamp().to_zoned(frame.zone.clone());
    Ok(local.strftime("%-d %b %Y, %H:%M:%S").to_string())
}

/// The moment to the second, as short as it is clear: `09:42:07` today, `20 Nov, 09:42:07` before.
#[askama::filter_fn]
pub fn second(value: &At, _: &dyn Values, frame: &Frame) -> Result<String> {
    Ok(second_text(*value, frame.now, &frame.zone))
}

/// ISO 8601 in UTC, for `datetime`.
#[askama::filter_fn]
pub fn iso(value: &At, _: &dyn Values) -> Result<String> {
    Ok(value.timestamp().to_string())
}

/// The path of a static file without the mount prefix: `{{ frame.prefix }}{{ "css/app.css"|asset }}`.
#[askama::filter_fn]
pub fn asset(name: &str, _: &dyn Values) -> Result<String> {
    static_files::url(name)
        .ok_or_else(|| askama::Error::Custom(format!("there is no static file `{name}`").into()))
}

/// Why a mapping was made: `SKU equal`, `prefix SHOP-`.
#[askama::filter_fn]
pub fn why(row: &MappedRow, _: &dyn Values) -> Result<String> {
    Ok(match row.origin {
        Origin::Sku => "SKU equal".to_owned(),
        Origin::Barcode => "barcode equal".to_owned(),
        Origin::Title => "title alike".to_owned(),
        Origin::Prefix => format!("prefix {}", row.prefix.as_deref().unwrap_or_default()),
        Origin::File => "from a file".to_owned(),
        Origin::Person => "chosen by hand".to_owned(),
    })
}

/// `order` or `orders`: `{{ count }} {{ count|plural("order", "orders") }}`.
#[askama::filter_fn]
pub fn plural<'a>(count: &i64, _: &dyn Values, one: &'a str, many: &'a str) -> Result<&'a str> {
    Ok(if *count == 1 { one } else { many })
}

/// `3,412`.
#[askama::filter_fn]
pub fn count(value: &i64, _: &dyn Values) -> Result<String> {
    Ok(grouped(*value))
}

/// A number that was counted no further than one more than this: `10,000+`.
#[askama::filter_fn]
pub fn most(value: &i64, _: &dyn Values, end: i64) -> Result<String> {
    Ok(if *value > end {
        format!("{}+", grouped(end))
    } else {
        grouped(*value)
    })
}

/// [`count`](fn@count) for code.
pub(super) fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 {
        format!("−{text}")
    } else {
        text
    }
}

/// [`second`](fn@second) for code.
#[must_use]
pub fn second_text(at: At, now: At, zone: &TimeZone) -> String {
    let local = at.timestamp().to_zoned(zone.clone());
    let today = now.timestamp().to_zoned(zone.clone());
    let form = if local.date() == today.date() {
        "%H:%M:%S"
    } else if local.year() == today.year() {
        "%-d %b, %H:%M:%S"
    } else {
        "%-d %b %Y, %H:%M:%S"
    };
    local.strftime(form).to_string()
}

/// How long something takes or took, in the largest unit that says enough: `41 ms`, `3 s`, `2 min`, `3 h`.
#[must_use]
pub fn long_text(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time.as_millis() == 0 => "under 1 ms".to_owned(),
        0 => format!("{} ms", time.as_millis()),
        1..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

/// [`when`](fn@when) for code.
#[must_use]
pub fn when_text(at: At, now: At, zone: &TimeZone) -> String {
    let local = at.timestamp().to_zoned(zone.clone());
    let today = now.timestamp().to_zoned(zone.clone());
    let days = (today.date() - local.date()).get_days();
    let form = if days == 0 {
        "%H:%M"
    } else if (1..7).contains(&days) {
        "%a"
    } else if local.year() == today.year() {
        "%-d %b"
    } else {
        "%-d %b %Y"
    };
    local.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_as_briefly_as_it_is_clear() {
        let at = |text: &str| At::parse(text).expect("a moment");
        let now = at("2026-11-20T09:00:00Z");
        let said = |text: &str| when_text(at(text), now, &TimeZone::UTC);
        assert_eq!(said("2026-11-20T08:14:30Z"), "08:14");
        assert_eq!(said("2026-11-19T23:59:00Z"), "Thu");
        assert_eq!(said("2026-11-13T10:00:00Z"), "13 Nov");
        assert_eq!(said("2025-11-20T10:00:00Z"), "20 Nov 2025");
        assert_eq!(said("2026-11-24T10:00:00Z"), "24 Nov");
    }

    #[test]
    fn a_moment_is_told_to_the_second_and_a_time_in_its_largest_unit() {
        let at = |text: &str| At::parse(text).expect("a moment");
        let now = at("2026-11-20T09:00:00Z");
        let said = |text: &str| second_text(at(text), now, &TimeZone::UTC);
        assert_eq!(said("2026-11-20T08:14:30Z"), "08:14:30");
        assert_eq!(said("2026-11-19T08:14:30Z"), "19 Nov, 08:14:30");
        assert_eq!(said("2025-11-19T08:14:30Z"), "19 Nov 2025, 08:14:30");
        let long = |micros: u64| long_text(Duration::from_micros(micros));
        assert_eq!(long(400), "under 1 ms");
        assert_eq!(long(41_000), "41 ms");
        assert_eq!(long(119_000_000), "119 s");
        assert_eq!(long(240_000_000), "4 min");
        assert_eq!(long(7_200_000_000), "2 h");
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped(3412), "3,412");
        assert_eq!(grouped(12), "12");
        assert_eq!(grouped(-1_000_000), "−1,000,000");
    }
}
