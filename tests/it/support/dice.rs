//! Chance that can be had again: the same throws for the same seed.

/// splitmix64 (Steele, Lea and Flood 2014).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// One of so many places.
    pub(crate) fn place(&mut self, places: usize) -> usize {
        let places = u64::try_from(places).expect("a small number");
        usize::try_from(self.roll(places)).expect("a small number")
    }

    /// Whether it happens, where it happens so often in a hundred.
    pub(crate) fn happens(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for left in (1..all.len()).rev() {
            all.swap(left, self.place(left + 1));
        }
    }
}

/// A setting of a long proof.
pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// The seed of a story: that of `COUNTERFOIL_SEED`, or a new one, which the story prints.
pub(crate) fn seed() -> u64 {
    number("COUNTERFOIL_SEED", u64::from(std::process::id()))
}
