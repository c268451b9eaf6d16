//! Where a delivery stands and where it may go from there, by whom: one table, one function.

crate::text_enum! {
    /// Where a delivery stands.
    State {
        /// Nobody is to drive it yet.
        Pending = "PENDING",
        Assigned = "ASSIGNED",
        /// Its driver is on the way.
        Out = "OUT",
        Delivered = "DELIVERED",
        NotHome = "NOT_HOME",
        /// The goods are back.
        Returned = "RETURNED",
        Cancelled = "CANCELLED",
    }
}

/// Who moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mover {
    /// A person or a program, by a button.
    Hand,
    /// Giving it to a driver, or taking it back.
    Assignment,
    /// What became of its order, as the channel and our own shipments tell.
    Order,
}

impl State {
    /// Somebody still has to drive.
    pub const OPEN: [State; 4] = [State::Pending, State::Assigned, State::Out, State::NotHome];

    /// Whether somebody still has to drive.
    #[must_use]
    pub fn is_open(self) -> bool {
        State::OPEN.contains(&self)
    }
}

/// Where a delivery may go from here.
#[must_use]
pub fn next(from: State, by: Mover) -> &'static [State] {
    use State::{Assigned, Cancelled, Delivered, NotHome, Out, Pending, Returned};
    match (by, from) {
        (Mover::Hand, Pending) => &[Delivered, Cancelled],
        (Mover::Hand, Assigned) => &[Out, Delivered, NotHome, Cancelled],
        (Mover::Hand, Out) => &[Delivered, NotHome, Returned, Cancelled],
        (Mover::Hand, NotHome) => &[Out, Delivered, Returned, Cancelled, Pending],
        (Mover::Hand, Delivered) => &[Returned],
        (Mover::Hand, Returned | Cancelled) => &[Pending],
        (Mover::Assignment, Pending | NotHome) => &[Assigned, Pending],
        // To another driver, or to nobody.
        (Mover::Assignment, Assigned | Out) => &[Assigned, Pending],
        (Mover::Assignment, Delivered | Returned | Cancelled) => &[],
        (Mover::Order, Pending | Assigned | Out | NotHome) => &[Delivered, Cancelled],
        // It was undone, or something was added to it.
        (Mover::Order, Delivered | Cancelled) => &[Pending],
        (Mover::Order, Returned) => &[],
    }
}

/// Whether this move is one of the table.
#[must_use]
pub fn may(from: State, to: State, by: Mover) -> bool {
    next(from, by).contains(&to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_this_one() {
        use State::{Assigned, Cancelled, Delivered, NotHome, Out, Pending, Returned};
        let hand = [
            (Pending, Delivered),
            (Pending, Cancelled),
            (Assigned, Out),
            (Assigned, Delivered),
            (Assigned, NotHome),
            (Assigned, Cancelled),
            (Out, Delivered),
            (Out, NotHome),
            (Out, Returned),
            (Out, Cancelled),
            (NotHome, Out),
            (NotHome, Delivered),
            (NotHome, Returned),
            (NotHome, Cancelled),
            (NotHome, Pending),
            (Delivered, Returned),
            (Returned, Pending),
            (Cancelled, Pending),
        ];
        for from in State::ALL {
            for to in State::ALL {
                let expected = hand.contains(&(*from, *to));
                assert_eq!(may(*from, *to, Mover::Hand), expected, "{from} to {to}");
            }
        }
    }

    #[test]
    fn what_has_ended_is_given_to_nobody_and_only_the_order_opens_it_again() {
        for state in State::ALL {
            let assignable = !next(*state, Mover::Assignment).is_empty();
            assert_eq!(assignable, state.is_open(), "{state}");
            let by_order = next(*state, Mover::Order);
            assert_eq!(by_order.contains(&State::Delivered), state.is_open());
        }
        assert!(!may(State::Returned, State::Cancelled, Mover::Order));
    }

    #[test]
    fn nothing_stays_where_it_is() {
        for by in [Mover::Hand, Mover::Order] {
            for state in State::ALL {
                assert!(!may(*state, *state, by), "{state}");
            }
        }
    }
}
