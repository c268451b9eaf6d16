//! Titles as they are compared: without accents, case, punctuation and order of words.
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::shopify::products::queries::VariantRow;

/// How many kinds of letters are told apart when they are only counted.
const KINDS: usize = 32;

/// A title in both orders of its words.
#[derive(Debug)]
pub(super) struct Title {
    pub(super) plain: Text,
    sorted: String,
}

/// Small letters and digits, one space between words, and how often each kind of letter is in it.
#[derive(Debug)]
pub(super) struct Text {
    text: String,
    length: usize,
    letters: [u8; KINDS],
}

/// A product's title and its variant's.
pub(super) fn text_of(variant: &VariantRow) -> String {
    match &variant.variant_title {
        Some(option) => format!("{} {option}", variant.product_title),
        None => variant.product_title.clone(),
    }
}

impl Title {
    pub(super) fn new(text: &str) -> Title {
        let plain = Text::new(text);
        let mut words: Vec<&str> = plain.words().collect();
        words.sort_unstable();
        Title {
            sorted: words.join(" "),
            plain,
        }
    }

    /// A product's title and its variant's.
    pub(super) fn of(variant: &VariantRow) -> Title {
        Title::new(&text_of(variant))
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.plain.words()
    }

    /// 0 (nothing in common) to 100 (the same words).
    pub(super) fn likeness(&self, other: &Title) -> usize {
        // Titles without one word in common are not looked at closely: that is most pairs.
        if !self
            .words()
            .any(|ours| other.words().any(|theirs| ours == theirs))
        {
            return 0;
        }
        let longest = self.plain.length.max(other.plain.length);
        let plain = strsim::levenshtein(&self.plain.text, &other.plain.text);
        let sorted = strsim::levenshtein(&self.sorted, &other.sorted);
        percent(plain.min(sorted), longest)
    }
}

impl Text {
    pub(super) fn new(text: &str) -> Text {
        let mut plain = Text {
            text: String::with_capacity(text.len()),
            length: 0,
            letters: [0; KINDS],
        };
        if text.is_ascii() {
            plain.extend(text.chars().map(|letter| letter.to_ascii_lowercase()));
        } else {
            let letters = text.nfkd().filter(|letter| !is_combining_mark(*letter));
            plain.extend(letters.flat_map(char::to_lowercase));
        }
        plain
    }

    fn extend(&mut self, letters: impl Iterator<Item = char>) {
        let mut is_between = false;
        for letter in letters {
            if letter.is_alphanumeric() {
                if is_between && !self.text.is_empty() {
                    self.push(' ');
                }
                self.push(letter);
            }
            is_between = !letter.is_alphanumeric();
        }
    }

    fn push(&mut self, letter: char) {
        self.text.push(letter);
        self.length += 1;
        let kind = usize::try_from(u32::from(letter)).unwrap_or(0) % KINDS;
        self.letters[kind] = self.letters[kind].saturating_add(1);
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_ascii_whitespace()
    }

    /// What the likeness of two titles cannot exceed, whatever the order of their words, without the
    /// cost of comparing them: one change mends at most one letter too many and one too few.
    pub(super) fn likeness_at_most(&self, other: &Text) -> usize {
        let pairs = self.letters.iter().zip(&other.letters);
        let apart: u32 = pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        let apart = usize::try_from(apart).unwrap_or(0);
        let changes = (apart + self.length.abs_diff(other.length)) / 2;
        percent(changes, self.length.max(other.length))
    }
}

fn percent(changes: usize, longest: usize) -> usize {
    let longest = longest.max(1);
    100 - changes.min(longest) * 100 / longest
}
