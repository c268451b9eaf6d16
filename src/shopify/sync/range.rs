//! The days that a person names, in the store's zone, as far as Shopify shows them to this app.
use jiff::civil::Date;

use crate::shopify::shops::Shop;
use crate::shopify::sync::{days, watch};
use crate::types::At;

/// A span of time: its end does not belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub from: At,
    pub to: At,
    /// The first day that Shopify shows, where an earlier one was asked for.
    pub cut_to: Option<Date>,
}

/// Why a range cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    #[error("The range ends before it begins")]
    Backwards,
    #[error("The range begins after today")]
    Future,
    #[error(
        "Shopify shows this app no order before {0}: that takes the scope read_all_orders, which Shopify grants on application"
    )]
    NotShown(Date),
}

/// The first day that Shopify shows whole to this app; `None`: all of them.
#[must_use]
pub fn first_shown(shop: &Shop, now: At) -> Option<Date> {
    let oldest = watch::oldest_shown(shop, now);
    (oldest > At(0)).then(|| days::day_of(oldest, &days::zone(shop)))
}

/// From the first instant of one day to the last of another.
///
/// # Errors
///
/// See [`RangeError`].
pub fn of_days(shop: &Shop, first: Date, last: Date, now: At) -> Result<Range, RangeError> {
    let zone = days::zone(shop);
    if last < first {
        return Err(RangeError::Backwards);
    }
    if first > days::day_of(now, &zone) {
        return Err(RangeError::Future);
    }
    let shown = first_shown(shop, now).filter(|shown| first < *shown);
    let begin = match shown {
        Some(shown) if last < shown => return Err(RangeError::NotShown(shown)),
        Some(shown) => shown,
        None => first,
    };
    Ok(Range {
        from: days::bounds(begin, &zone).0,
        to: days::bounds(last, &zone).1,
        cut_to: shown,
    })
}
