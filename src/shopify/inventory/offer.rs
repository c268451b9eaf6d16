//! How many pieces of a variant a store may offer at one location: the arithmetic, and what is to be done about it.
use std::time::Duration;

use crate::types::At;

/// Shopify takes no larger number.
const MOST: i64 = 1_000_000_000;
/// What a store told may come before the order that caused it: a number is raised again only so long after.
pub const GRACE: Duration = Duration::from_secs(10);

/// An item of ours inside a variant, as it lies at one location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub on_hand: i64,
    pub reserved: i64,
    /// On hand in lots that are blocked or expired.
    pub barred: i64,
    /// Pieces of it in one of the variant: 1, 12 of a pack, some of each part of a kit.
    pub each: i64,
}

/// What a store keeps back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Pieces of each item that are never offered.
    pub buffer: i64,
    /// No more than so many are offered.
    pub cap: Option<i64>,
}

/// On hand, less what is promised, less what is barred, less the buffer; as many whole packs and kits as that makes; between 0 and the cap.
#[must_use]
pub fn offer(parts: &[Part], rule: Rule) -> i64 {
    let whole = |part: &Part| {
        let free = part.on_hand - part.reserved - part.barred - rule.buffer;
        free.max(0).div_euclid(part.each.max(1))
    };
    let most = rule.cap.unwrap_or(MOST).clamp(0, MOST);
    parts.iter().map(whole).min().unwrap_or(0).min(most)
}

/// What is known of the store's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub available: i64,
    /// When the store said it; `None` where we said it ourselves.
    pub told_at: Option<At>,
}

/// What is to be done about a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Both sides say the same.
    Nothing,
    /// An order that explains the store's number may still be on its way to us.
    Wait,
    /// To be set, if it is `from` still.
    Set { from: i64, to: i64 },
}

/// Lowers at once and raises with care: what the store has sold and we have not heard of must not be offered again.
/// `orders_wait` says whether orders of the store that came until a moment are not booked yet.
pub fn step(offered: i64, known: Known, now: At, orders_wait: impl FnOnce(At) -> bool) -> Step {
    if offered == known.available {
        return Step::Nothing;
    }
    if offered > known.available
        && let Some(settled) = known.told_at.map(|told| told.after(GRACE))
        && (now < settled || orders_wait(settled))
    {
        return Step::Wait;
    }
    Step::Set {
        from: known.available,
        to: offered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn part(on_hand: i64, reserved: i64, each: i64) -> Part {
        Part {
            on_hand,
            reserved,
            barred: 0,
            each,
        }
    }

    const fn rule(buffer: i64, cap: Option<i64>) -> Rule {
        Rule { buffer, cap }
    }

    #[test]
    fn on_hand_less_promised_less_buffer_between_nothing_and_the_cap() {
        assert_eq!(offer(&[part(12, 3, 1)], rule(1, None)), 8);
        assert_eq!(offer(&[part(12, 3, 1)], rule(1, Some(5))), 5);
        assert_eq!(offer(&[part(12, 3, 1)], rule(1, Some(0))), 0);
        assert_eq!(offer(&[part(2, 3, 1)], rule(0, None)), 0);
        assert_eq!(offer(&[part(3, 0, 1)], rule(5, None)), 0);
        assert_eq!(offer(&[], rule(0, None)), 0);
    }

    #[test]
    fn a_blocked_lot_is_not_offered() {
        let barred = Part {
            barred: 4,
            ..part(12, 3, 1)
        };
        assert_eq!(offer(&[barred], rule(1, None)), 4);
    }

    #[test]
    fn a_pack_is_whole_and_a_kit_is_as_many_as_its_scarcest_part() {
        assert_eq!(offer(&[part(35, 0, 12)], rule(0, None)), 2);
        assert_eq!(offer(&[part(36, 0, 12)], rule(1, None)), 2);
        let kit = [part(10, 0, 2), part(9, 1, 3), part(100, 0, 1)];
        assert_eq!(offer(&kit, rule(0, None)), 2);
    }

    #[test]
    fn a_number_is_lowered_at_once_and_raised_when_no_order_can_explain_it() {
        let (told, later) = (At(0), At(0).after(GRACE));
        let of = |available, told_at| Known { available, told_at };
        let quiet = |_: At| false;
        let busy = |_: At| true;
        assert_eq!(step(9, of(9, Some(told)), told, busy), Step::Nothing);
        assert_eq!(
            step(8, of(9, Some(told)), told, busy),
            Step::Set { from: 9, to: 8 }
        );
        assert_eq!(step(10, of(9, Some(told)), told, quiet), Step::Wait);
        assert_eq!(step(10, of(9, Some(told)), later, busy), Step::Wait);
        let raised = Step::Set { from: 9, to: 10 };
        assert_eq!(step(10, of(9, Some(told)), later, quiet), raised);
        assert_eq!(step(10, of(9, None), told, busy), raised);
    }
}
