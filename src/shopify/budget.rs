//! A store's rate budget: points that fill up again, shared by all processes and all kinds of work. It is learned from
//! each answer; the plan says what to expect before the first one. Orders come before stock, and stock before catalogues.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::shopify::Haste;
use crate::shopify::answer::Cost;
use crate::shopify::shops::Budget;
use crate::text_enum;
use crate::types::{At, ShopId};

/// A process writes what it learned down at most so often for each store.
pub const WRITTEN_EVERY: Duration = Duration::from_secs(1);
/// Points that a patient call leaves, in parts of the whole: one half.
const PATIENT_PART: i64 = 2;
/// What stock leaves to orders: one part of so many.
const SOON_PART: i64 = 4;

text_enum! {
    /// What a store pays Shopify for, as far as it sets the budget.
    Tier {
        Standard = "standard",
        Advanced = "advanced",
        Plus = "plus",
        Enterprise = "enterprise",
    }
}

impl Tier {
    /// The tier of a plan by the name that Shopify shows; `None`: the name says nothing.
    #[must_use]
    pub fn of_plan(name: &str) -> Option<Tier> {
        let name = name.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if says(&["enterprise", "commerce components"]) {
            Some(Tier::Enterprise)
        } else if says(&["plus"]) {
            Some(Tier::Plus)
        } else if says(&["advanced"]) {
            Some(Tier::Advanced)
        } else if says(&["basic", "grow", "shopify", "starter", "retail", "lite"]) {
            Some(Tier::Standard)
        } else {
            None
        }
    }

    /// Points that come back each second (<https://shopify.dev/docs/api/usage/limits>).
    #[must_use]
    pub const fn rate(self) -> i64 {
        match self {
            Tier::Standard => 100,
            Tier::Advanced => 200,
            Tier::Plus => 1_000,
            Tier::Enterprise => 2_000,
        }
    }

    /// As people call it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Tier::Standard => "Standard",
            Tier::Advanced => "Advanced",
            Tier::Plus => "Shopify Plus",
            Tier::Enterprise => "Enterprise",
        }
    }
}

/// How long a call has to wait for its share; `None`: not at all.
#[must_use]
pub fn wait(budget: Budget, haste: Haste, now: At) -> Option<Duration> {
    let part = match haste {
        Haste::Now => return None,
        Haste::Soon => SOON_PART,
        Haste::Patient => PATIENT_PART,
    };
    let floor = budget.maximum / part;
    let lacking = floor.saturating_sub(budget.expected(now));
    let seconds = lacking.div_euclid(budget.rate.max(1)).saturating_add(1);
    (lacking > 0).then(|| Duration::from_secs(u64::try_from(seconds).unwrap_or(1)))
}

/// What this process learned last of each store.
#[derive(Clone, Debug, Default)]
pub struct Learned(Arc<Mutex<HashMap<ShopId, Lesson>>>);

#[derive(Clone, Debug, Default)]
struct Lesson {
    budget: Option<Budget>,
    written_at: Option<At>,
    version: Option<String>,
}

impl Learned {
    /// Notes what an answer said of the budget; gives it back where it is to be written down for the others.
    #[must_use]
    pub fn note_cost(&self, shop: ShopId, cost: Cost, now: At) -> Option<Budget> {
        let budget = Budget {
            available: cost.available,
            maximum: cost.maximum,
            rate: cost.restore_rate,
            at: now,
        };
        self.with(shop, |lesson| {
            lesson.budget = Some(budget);
            let is_due = lesson
                .written_at
                .is_none_or(|written| now.since(written) >= WRITTEN_EVERY);
            is_due.then(|| {
                lesson.written_at = Some(now);
                budget
            })
        })
    }

    /// Notes the version that an answer was served in; whether it is another one than before.
    #[must_use]
    pub fn note_version(&self, shop: ShopId, version: &str) -> bool {
        self.with(shop, |lesson| {
            let is_new = lesson.version.as_deref() != Some(version);
            if is_new {
                lesson.version = Some(version.to_owned());
            }
            is_new
        })
    }

    /// The newer of what all processes know and what this one has learned since; of one moment the smaller.
    #[must_use]
    pub fn latest(&self, shop: ShopId, known: Budget) -> Budget {
        match self.with(shop, |lesson| lesson.budget) {
            Some(own) if (own.at, -own.available) > (known.at, -known.available) => own,
            Some(_) | None => known,
        }
    }

    fn with<T>(&self, shop: ShopId, look: impl FnOnce(&mut Lesson) -> T) -> T {
        let mut learned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        look(learned.entry(shop).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: ShopId = ShopId(1);

    fn budget(available: i64, at: i64) -> Budget {
        Budget {
            available,
            maximum: 2000,
            rate: 100,
            at: At(at),
        }
    }

    fn cost(available: i64) -> Cost {
        Cost {
            requested: 10,
            available,
            maximum: 2000,
            restore_rate: 100,
        }
    }

    #[test]
    fn orders_come_before_stock_and_stock_before_catalogues() {
        let waits = |available, haste| wait(budget(available, 0), haste, At(0));
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(waits(0, Haste::Now), None);
        assert_eq!(waits(499, Haste::Soon), seconds(1));
        assert_eq!(waits(500, Haste::Soon), None);
        assert_eq!(waits(500, Haste::Patient), seconds(6));
        assert_eq!(waits(1000, Haste::Patient), None);
        // It fills up meanwhile.
        let later = At(6_000_000);
        assert_eq!(wait(budget(500, 0), Haste::Patient, later), None);
    }

    #[test]
    fn what_was_learned_is_written_once_a_second_and_known_at_once() {
        let learned = Learned::default();
        assert!(learned.note_cost(SHOP, cost(900), At(0)).is_some());
        assert!(learned.note_cost(SHOP, cost(800), At(999_999)).is_none());
        assert_eq!(learned.latest(SHOP, budget(900, 0)).available, 800);
        assert_eq!(learned.latest(SHOP, budget(100, 999_999)).available, 100);
        assert_eq!(
            learned.latest(SHOP, budget(1900, 2_000_000)).available,
            1900
        );
        assert!(learned.note_cost(SHOP, cost(700), At(1_000_000)).is_some());
        assert!(
            learned
                .note_cost(ShopId(2), cost(700), At(1_000_000))
                .is_some()
        );
        assert_eq!(Learned::default().latest(SHOP, budget(3, 0)).available, 3);
    }

    #[test]
    fn a_plans_name_says_its_tier() {
        for (name, tier) in [
            ("Basic", Some(Tier::Standard)),
            ("Shopify", Some(Tier::Standard)),
            ("Advanced Shopify", Some(Tier::Advanced)),
            ("Shopify Plus", Some(Tier::Plus)),
            ("Commerce Components", Some(Tier::Enterprise)),
            ("Developer Preview", None),
        ] {
            assert_eq!(Tier::of_plan(name), tier, "{name}");
        }
    }
}
