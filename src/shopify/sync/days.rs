//! Days in a store's own time zone: what one person at the till calls yesterday.
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::shopify::shops::Shop;
use crate::types::At;

/// The hour of the night, in the store's zone, from which whole days are compared.
pub const NIGHT: i8 = 2;

/// The store's zone; UTC where it has told none that we know.
#[must_use]
pub fn zone(shop: &Shop) -> TimeZone {
    let name = shop.time_zone.as_deref().unwrap_or("UTC");
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// The day in which a moment lies.
#[must_use]
pub fn day_of(at: At, zone: &TimeZone) -> Date {
    at.timestamp().to_zoned(zone.clone()).date()
}

/// Where a day begins and where the next one does.
#[must_use]
pub fn bounds(day: Date, zone: &TimeZone) -> (At, At) {
    (start(day, zone), start(next(day), zone))
}

/// The day after; the last day there is stays.
#[must_use]
pub fn next(day: Date) -> Date {
    day.checked_add(1.day()).unwrap_or(day)
}

/// Whether the night's work for a day may begin.
#[must_use]
pub fn is_night_over_to(at: At, zone: &TimeZone) -> bool {
    at.timestamp().to_zoned(zone.clone()).hour() >= NIGHT
}

fn start(day: Date, zone: &TimeZone) -> At {
    day.to_zoned(zone.clone())
        .map_or(At(0), |moment| At::from(moment.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_as_long_as_the_stores_clock_makes_it() {
        let zone = TimeZone::get("America/New_York").expect("a zone");
        let hours = |day: Date| {
            let (from, to) = bounds(day, &zone);
            to.since(from).as_secs() / 3600
        };
        assert_eq!(hours(Date::constant(2026, 11, 1)), 25);
        assert_eq!(hours(Date::constant(2026, 3, 8)), 23);
        assert_eq!(hours(Date::constant(2026, 11, 21)), 24);
        let evening = At::parse("2026-11-22T03:30:00Z").expect("a moment");
        assert_eq!(day_of(evening, &zone), Date::constant(2026, 11, 21));
        assert_eq!(
            bounds(Date::constant(2026, 11, 21), &zone).0,
            At::parse("2026-11-21T05:00:00Z").expect("a moment")
        );
    }
}
