//! What is to be done with an order, decided from the facts by one function.
use crate::erp::holds::HoldKind;

crate::text_enum! {
    /// What is to be done with an order; the first that holds wins.
    WorkState {
        Cancelled = "cancelled",
        DeletedAtSource = "deleted_at_source",
        Delivered = "delivered",
        Returned = "returned",
        Shipped = "shipped",
        ShippedByOthers = "shipped_by_others",
        NothingToShip = "nothing_to_ship",
        PartShipped = "part_shipped",
        NeedsReview = "needs_review",
        Unmapped = "unmapped",
        OnHold = "on_hold",
        Scheduled = "scheduled",
        AwaitingPickup = "awaiting_pickup",
        Short = "short",
        Ready = "ready",
    }
}

impl WorkState {
    /// Waits for somebody to send it.
    pub const TO_SHIP: [WorkState; 5] = [
        WorkState::Ready,
        WorkState::Short,
        WorkState::PartShipped,
        WorkState::Unmapped,
        WorkState::NeedsReview,
    ];
    /// Waits for a decision.
    pub const ON_HOLD: [WorkState; 4] = [
        WorkState::OnHold,
        WorkState::NeedsReview,
        WorkState::Scheduled,
        WorkState::AwaitingPickup,
    ];
    /// Has left.
    pub const GONE: [WorkState; 4] = [
        WorkState::Shipped,
        WorkState::ShippedByOthers,
        WorkState::Delivered,
        WorkState::Returned,
    ];
    /// Nothing will leave any more.
    pub const CLOSED: [WorkState; 2] = [WorkState::Cancelled, WorkState::DeletedAtSource];
}

/// What a line is to its order's state. Lines that are not ours to ship are not among them.
#[derive(Clone, Copy, Debug)]
pub struct LineFacts {
    pub current: i64,
    pub shipped: i64,
    pub elsewhere: i64,
    /// Had left and came back: `current` lacks them.
    pub returned: i64,
    /// Came back by returns, whether `current` lacks them or not.
    pub back: i64,
    /// Pieces that the channel has given to others: those that left elsewhere are among them.
    pub others: i64,
}

impl LineFacts {
    /// Pieces still to leave from us.
    #[must_use]
    pub fn open(self) -> i64 {
        let elsewhere = self.elsewhere.max(self.others);
        let gone = (self.shipped + elsewhere - self.returned).max(0);
        (self.current - gone).max(0)
    }

    /// Pieces that left and did not come back.
    #[must_use]
    pub fn still_gone(self) -> i64 {
        (self.shipped + self.elsewhere - self.returned.max(self.back)).max(0)
    }
}

/// Everything that decides an order's state.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub cancelled: bool,
    pub deleted: bool,
    pub fulfilled_at_source: bool,
    pub lines: Vec<LineFacts>,
    pub holds: Vec<HoldKind>,
    /// The channel opens it for shipping later.
    pub scheduled: bool,
    /// The customer fetches it.
    pub pickup: bool,
    /// Pieces that no stock is promised for.
    pub short: i64,
}

/// The state that follows from the facts.
#[must_use]
pub fn decide(facts: &Facts) -> WorkState {
    if facts.cancelled {
        return WorkState::Cancelled;
    }
    if facts.deleted {
        return WorkState::DeletedAtSource;
    }
    if facts.holds.contains(&HoldKind::Edit) {
        // An edit asks only once something has left: below, nobody would see that it waits.
        return WorkState::NeedsReview;
    }
    let shipped = facts.lines.iter().any(|line| line.shipped > 0);
    let elsewhere = facts.lines.iter().any(|line| line.elsewhere > 0);
    let open = facts.lines.iter().any(|line| line.open() > 0);
    let gone = facts.lines.iter().any(|line| line.still_gone() > 0);
    if !open && !gone && (shipped || elsewhere) {
        return WorkState::Returned;
    }
    if !open && shipped {
        return WorkState::Shipped;
    }
    let all_elsewhere = facts
        .lines
        .iter()
        .all(|line| line.elsewhere >= line.current);
    let by_others = !open && elsewhere && all_elsewhere;
    if !shipped && (by_others || facts.fulfilled_at_source && !facts.lines.is_empty()) {
        return WorkState::ShippedByOthers;
    }
    if !open {
        return WorkState::NothingToShip;
    }
    if shipped || elsewhere {
        return WorkState::PartShipped;
    }
    if let Some(held) = held(facts) {
        return held;
    }
    if facts.scheduled {
        return WorkState::Scheduled;
    }
    if facts.pickup {
        return WorkState::AwaitingPickup;
    }
    if facts.short > 0 {
        WorkState::Short
    } else {
        WorkState::Ready
    }
}

fn held(facts: &Facts) -> Option<WorkState> {
    let states = facts.holds.iter().map(|hold| match hold {
        HoldKind::Risk | HoldKind::Address | HoldKind::Edit => WorkState::NeedsReview,
        HoldKind::Unmapped => WorkState::Unmapped,
        HoldKind::Unpaid | HoldKind::Checking | HoldKind::Channel | HoldKind::Manual => {
            WorkState::OnHold
        }
    });
    states.min()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(current: i64, shipped: i64, elsewhere: i64) -> LineFacts {
        LineFacts {
            current,
            shipped,
            elsewhere,
            returned: 0,
            back: 0,
            others: 0,
        }
    }

    fn open() -> Facts {
        Facts {
            lines: vec![line(2, 0, 0)],
            ..Facts::default()
        }
    }

    #[test]
    fn the_first_that_holds_wins() {
        assert_eq!(decide(&open()), WorkState::Ready);
        let short = Facts { short: 1, ..open() };
        assert_eq!(decide(&short), WorkState::Short);
        let pickup = Facts {
            pickup: true,
            ..short
        };
        assert_eq!(decide(&pickup), WorkState::AwaitingPickup);
        let scheduled = Facts {
            scheduled: true,
            ..pickup
        };
        assert_eq!(decide(&scheduled), WorkState::Scheduled);
        let held = Facts {
            holds: vec![HoldKind::Manual],
            ..scheduled
        };
        assert_eq!(decide(&held), WorkState::OnHold);
        let unmapped = Facts {
            holds: vec![HoldKind::Manual, HoldKind::Unmapped],
            ..held
        };
        assert_eq!(decide(&unmapped), WorkState::Unmapped);
        let review = Facts {
            holds: vec![HoldKind::Unmapped, HoldKind::Risk],
            ..unmapped
        };
        assert_eq!(decide(&review), WorkState::NeedsReview);
        let part = Facts {
            lines: vec![line(2, 1, 0)],
            ..review
        };
        assert_eq!(decide(&part), WorkState::PartShipped);
        let cancelled = Facts {
            cancelled: true,
            ..part
        };
        assert_eq!(decide(&cancelled), WorkState::Cancelled);
    }

    #[test]
    fn what_has_left_is_told_from_what_others_sent_and_from_nothing() {
        let with = |lines: Vec<LineFacts>| Facts {
            lines,
            ..Facts::default()
        };
        assert_eq!(decide(&with(vec![line(2, 2, 0)])), WorkState::Shipped);
        assert_eq!(decide(&with(vec![line(2, 1, 1)])), WorkState::Shipped);
        assert_eq!(
            decide(&with(vec![line(2, 0, 2)])),
            WorkState::ShippedByOthers
        );
        assert_eq!(decide(&with(vec![line(0, 0, 0)])), WorkState::NothingToShip);
        assert_eq!(decide(&with(vec![])), WorkState::NothingToShip);
    }

    #[test]
    fn what_came_back_is_returned_and_not_to_ship_again() {
        let returned = |current, shipped, returned| Facts {
            lines: vec![LineFacts {
                returned,
                ..line(current, shipped, 0)
            }],
            ..Facts::default()
        };
        assert_eq!(decide(&returned(0, 2, 2)), WorkState::Returned);
        assert_eq!(decide(&returned(1, 2, 1)), WorkState::Shipped);
        // Three ordered, two had left, one of these came back: the third is still to leave.
        assert_eq!(decide(&returned(2, 2, 1)), WorkState::PartShipped);
    }

    #[test]
    fn what_others_are_to_ship_is_not_ours() {
        let given = |current, shipped, elsewhere, others| LineFacts {
            others,
            ..line(current, shipped, elsewhere)
        };
        let state = |lines: Vec<LineFacts>| {
            decide(&Facts {
                lines,
                ..Facts::default()
            })
        };
        assert_eq!(state(vec![given(2, 0, 0, 2)]), WorkState::NothingToShip);
        assert_eq!(state(vec![given(2, 0, 0, 1)]), WorkState::Ready);
        // Their shipment takes nothing from what is ours, and ours is all that we wait for.
        assert_eq!(given(3, 0, 1, 2).open(), 1);
        assert_eq!(state(vec![given(3, 1, 0, 2)]), WorkState::Shipped);
        assert_eq!(state(vec![given(2, 0, 1, 2)]), WorkState::NothingToShip);
        assert_eq!(state(vec![given(2, 0, 2, 2)]), WorkState::ShippedByOthers);
    }

    fn any_facts() -> impl Strategy<Value = Facts> {
        let pieces = || 0..4_i64;
        let lines = prop::collection::vec((pieces(), pieces(), pieces(), pieces()), 0..4);
        let holds = prop::collection::vec(prop::sample::select(HoldKind::ALL), 0..4);
        let flags = any::<[bool; 5]>();
        (flags, lines, holds, pieces()).prop_map(|(flags, lines, holds, short)| Facts {
            cancelled: flags[0],
            deleted: flags[1],
            fulfilled_at_source: flags[2],
            scheduled: flags[3],
            pickup: flags[4],
            lines: lines
                .into_iter()
                .map(|(current, shipped, elsewhere, others)| LineFacts {
                    others,
                    ..line(current, shipped, elsewhere)
                })
                .collect(),
            holds,
            short,
        })
    }

    /// What may still wait for somebody: here holds and stock decide.
    fn waits(state: WorkState) -> bool {
        state >= WorkState::NeedsReview
    }

    proptest! {
        #[test]
        fn the_order_of_lines_and_holds_decides_nothing(facts in any_facts()) {
            let mut turned = facts.clone();
            turned.lines.reverse();
            turned.holds.reverse();
            prop_assert_eq!(decide(&turned), decide(&facts));
        }

        #[test]
        fn an_order_is_ready_only_where_nothing_speaks_against_it(facts in any_facts()) {
            let state = decide(&facts);
            let closed = facts.cancelled || facts.deleted;
            let open = facts.lines.iter().any(|line| line.open() > 0);
            let gone = facts.lines.iter().any(|line| line.shipped + line.elsewhere > 0);
            let may_wait = !closed && open && !gone && !facts.fulfilled_at_source;
            let is_edited = !closed && facts.holds.contains(&HoldKind::Edit);
            prop_assert_eq!(waits(state), may_wait || is_edited, "{:?}", state);
            let waits_for_nobody = !facts.scheduled && !facts.pickup && facts.short == 0;
            let ready = may_wait && facts.holds.is_empty() && waits_for_nobody;
            prop_assert_eq!(state == WorkState::Ready, ready);
            prop_assert_eq!(state == WorkState::Cancelled, facts.cancelled);
            prop_assert_eq!(WorkState::CLOSED.contains(&state), closed);
        }

        #[test]
        fn one_more_hold_never_lets_an_order_go(
            facts in any_facts(),
            hold in prop::sample::select(HoldKind::ALL),
        ) {
            let (before, mut held) = (decide(&facts), facts);
            held.holds.push(hold);
            let after = decide(&held);
            if hold == HoldKind::Edit {
                let closed = held.cancelled || held.deleted;
                prop_assert!(closed || after == WorkState::NeedsReview, "{:?}", after);
                return Ok(());
            }
            prop_assert!(after <= before, "{:?} after {:?}", after, before);
            prop_assert_eq!(waits(before), waits(after));
            prop_assert!(!matches!(after, WorkState::Ready | WorkState::Short));
        }
    }
}
