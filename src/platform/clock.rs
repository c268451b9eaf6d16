//! The time of day, which a test may set and move; nothing else asks the system for it.
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::types::At;

/// Where `now` comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// Stands still until it is moved; clones move together.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that shows `now` until somebody moves it.
    #[must_use]
    pub fn fixed(now: At) -> Clock {
        Clock::Fixed(Arc::new(AtomicI64::new(now.0)))
    }

    #[must_use]
    pub fn now(&self) -> At {
        match self {
            Clock::System => Timestamp::now().into(),
            Clock::Fixed(now) => At(now.load(Ordering::SeqCst)),
        }
    }

    /// Moves a fixed clock on; the system's clock is left alone.
    pub fn advance(&self, by: Duration) {
        self.set(|now| now.after(by));
    }

    /// Turns a fixed clock back, as whoever sets a wrong one right; the system's clock is left alone.
    pub fn turn_back(&self, by: Duration) {
        self.set(|now| now.before(by));
    }

    fn set(&self, to: impl FnOnce(At) -> At) {
        if let Clock::Fixed(now) = self {
            now.store(to(At(now.load(Ordering::SeqCst))).0, Ordering::SeqCst);
        }
    }
}
