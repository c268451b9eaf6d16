//! Titles as they are compared: without accents, case, punctuation and order of words.
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::shopify::products::queries::VariantRow;

/// How many kinds of letters are told apart when titles are only counted.
const KINDS: usize = 32;

/// A title, taken apart.
#[derive(Debug)]
pub(super) struct Title {
    plain: Text,
    sorted: Text,
    /// Each once, in order.
    pub(super) words: Vec<String>,
}

/// A text with how often each kind of letter is in it.
#[derive(Debug)]
struct Text {
    text: String,
    length: usize,
    letters: [u8; KINDS],
}

impl Title {
    pub(super) fn new(text: &str) -> Title {
        let letters: String = if text.is_ascii() {
            text.chars()
                .map(|letter| plain(letter.to_ascii_lowercase()))
                .collect()
        } else {
            text.nfkd()
                .filter(|letter| !is_combining_mark(*letter))
                .flat_map(char::to_lowercase)
                .map(plain)
                .collect()
        };
        let mut words: Vec<String> = letters.split_whitespace().map(str::to_owned).collect();
        let plain = Text::new(words.join(" "));
        words.sort();
        words.dedup();
        Title {
            plain,
            sorted: Text::new(words.join(" ")),
            words,
        }
    }

    /// A product's title and its variant's.
    pub(super) fn of(variant: &VariantRow) -> Title {
        match &variant.variant_title {
            Some(option) => Title::new(&format!("{} {option}", variant.product_title)),
            None => Title::new(&variant.product_title),
        }
    }

    /// 0 (nothing in common) to 100 (the same words).
    pub(super) fn likeness(&self, other: &Title) -> usize {
        // Titles without one word in common are not looked at closely: that is most pairs.
        if !self.words.iter().any(|word| other.words.contains(word)) {
            return 0;
        }
        let plain = self.plain.likeness(&other.plain);
        plain.max(self.sorted.likeness(&other.sorted))
    }

    /// What [`Title::likeness`] cannot exceed, without its cost.
    pub(super) fn likeness_at_most(&self, other: &Title) -> usize {
        let plain = self.plain.likeness_at_most(&other.plain);
        plain.max(self.sorted.likeness_at_most(&other.sorted))
    }
}

impl Text {
    fn new(text: String) -> Text {
        let mut letters = [0_u8; KINDS];
        for letter in text.chars() {
            let kind = usize::try_from(u32::from(letter)).unwrap_or(0) % KINDS;
            letters[kind] = letters[kind].saturating_add(1);
        }
        Text {
            length: text.chars().count(),
            text,
            letters,
        }
    }

    fn likeness(&self, other: &Text) -> usize {
        percent(
            strsim::levenshtein(&self.text, &other.text),
            self.length.max(other.length),
        )
    }

    // Each change of one letter into another mends at most one letter too many and one too few.
    fn likeness_at_most(&self, other: &Text) -> usize {
        let lacking = |ours: &[u8; KINDS], theirs: &[u8; KINDS]| -> usize {
            let pairs = ours.iter().zip(theirs);
            let lacking: u16 = pairs.map(|(a, b)| u16::from(a.saturating_sub(*b))).sum();
            usize::from(lacking)
        };
        let changes =
            lacking(&self.letters, &other.letters).max(lacking(&other.letters, &self.letters));
        percent(changes, self.length.max(other.length))
    }
}

fn plain(letter: char) -> char {
    if letter.is_alphanumeric() {
        letter
    } else {
        ' '
    }
}

fn percent(changes: usize, longest: usize) -> usize {
    let longest = longest.max(1);
    100 - changes.min(longest) * 100 / longest
}
