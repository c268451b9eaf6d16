//! Which item a variant probably is, and what speaks for it: equal SKU, equal barcode, a like title.
use std::cmp::Reverse;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Origin;
use crate::shopify::products::queries::VariantRow;
use crate::types::ProductId;

/// Titles less alike than this are not alike.
const LIKE_PERCENT: usize = 60;
/// How many suggestions a person is shown for one variant.
const SUGGESTIONS: usize = 3;

/// An item that may be proposed.
#[derive(Clone, Debug, diesel::Queryable)]
pub struct Candidate {
    pub id: ProductId,
    pub sku: String,
    pub name: String,
    pub barcode: Option<String>,
}

/// What speaks for an item, and what against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub sku: Sameness,
    pub barcode: Sameness,
    pub title_percent: usize,
}

/// Whether two codes agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sameness {
    Same,
    Differs,
    /// One side has none.
    Unknown,
}

/// An item with its evidence.
#[derive(Clone, Debug)]
pub struct Proposal {
    pub product: ProductId,
    pub evidence: Evidence,
}

impl Evidence {
    /// The strongest reason.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match (self.sku, self.barcode) {
            (Sameness::Same, _) => Origin::Sku,
            (_, Sameness::Same) => Origin::Barcode,
            (_, _) => Origin::Title,
        }
    }
}

/// The items of a catalogue, prepared for many comparisons.
pub struct Catalogue {
    candidates: Vec<(Candidate, Title)>,
}

impl Catalogue {
    #[must_use]
    pub fn new(candidates: Vec<Candidate>) -> Catalogue {
        let prepared = candidates.into_iter().map(|candidate| {
            let title = Title::new(&candidate.name);
            (candidate, title)
        });
        Catalogue {
            candidates: prepared.collect(),
        }
    }

    /// The likeliest items for a variant, the best first.
    #[must_use]
    pub fn propose(&self, variant: &VariantRow) -> Vec<Proposal> {
        let whole = match &variant.variant_title {
            Some(option) => format!("{} {option}", variant.product_title),
            None => variant.product_title.clone(),
        };
        let title = Title::new(&whole);
        let mut found: Vec<Proposal> = self
            .candidates
            .iter()
            .filter_map(|(candidate, name)| compare(variant, &title, candidate, name))
            .collect();
        found.sort_by_key(|proposal| {
            let evidence = &proposal.evidence;
            let same = |sameness| u8::from(sameness == Sameness::Same);
            let codes = 2 * same(evidence.sku) + same(evidence.barcode);
            (Reverse((codes, evidence.title_percent)), proposal.product)
        });
        found.truncate(SUGGESTIONS);
        found
    }

    /// The item itself.
    #[must_use]
    pub fn get(&self, id: ProductId) -> Option<&Candidate> {
        let found = self.candidates.iter().find(|(one, _)| one.id == id);
        found.map(|(candidate, _)| candidate)
    }
}

fn compare(
    variant: &VariantRow,
    title: &Title,
    candidate: &Candidate,
    name: &Title,
) -> Option<Proposal> {
    let evidence = Evidence {
        sku: sameness(variant.sku.as_deref(), Some(&candidate.sku)),
        barcode: sameness(variant.barcode.as_deref(), candidate.barcode.as_deref()),
        title_percent: title.likeness(name),
    };
    let coded = evidence.sku == Sameness::Same || evidence.barcode == Sameness::Same;
    (coded || evidence.title_percent >= LIKE_PERCENT).then_some(Proposal {
        product: candidate.id,
        evidence,
    })
}

fn sameness(a: Option<&str>, b: Option<&str>) -> Sameness {
    match (a.and_then(code), b.and_then(code)) {
        (Some(a), Some(b)) if a == b => Sameness::Same,
        (Some(_), Some(_)) => Sameness::Differs,
        (..) => Sameness::Unknown,
    }
}

fn code(text: &str) -> Option<String> {
    let plain = text.trim().to_lowercase();
    (!plain.is_empty()).then_some(plain)
}

/// A title without accents, case, punctuation and order of words.
#[derive(Debug)]
struct Title {
    plain: String,
    sorted: String,
    words: Vec<String>,
}

impl Title {
    fn new(text: &str) -> Title {
        let letters: String = text
            .nfkd()
            .filter(|letter| !is_combining_mark(*letter))
            .flat_map(char::to_lowercase)
            .map(|letter| {
                if letter.is_alphanumeric() {
                    letter
                } else {
                    ' '
                }
            })
            .collect();
        let mut words: Vec<String> = letters.split_whitespace().map(str::to_owned).collect();
        let plain = words.join(" ");
        words.sort();
        words.dedup();
        Title {
            plain,
            sorted: words.join(" "),
            words,
        }
    }

    fn likeness(&self, other: &Title) -> usize {
        if self.plain.is_empty() || other.plain.is_empty() {
            return 0;
        }
        // Titles without one word in common are not looked at closely: that is most pairs.
        if !self.words.iter().any(|word| other.words.contains(word)) {
            return 0;
        }
        let plain = percent(&self.plain, &other.plain);
        plain.max(percent(&self.sorted, &other.sorted))
    }
}

fn percent(a: &str, b: &str) -> usize {
    let longest = a.chars().count().max(b.chars().count()).max(1);
    let distance = strsim::levenshtein(a, b).min(longest);
    100 - distance * 100 / longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{At, ShopId, VariantId};

    fn variant(title: &str, option: Option<&str>, sku: &str, barcode: &str) -> VariantRow {
        VariantRow {
            id: VariantId(1),
            shop_id: ShopId(1),
            external_id: "1".to_owned(),
            product_external_id: "1".to_owned(),
            product_title: title.to_owned(),
            variant_title: option.map(str::to_owned),
            sku: Some(sku.to_owned()),
            barcode: Some(barcode.to_owned()),
            price_minor: None,
            ships: true,
            weight_grams: None,
            source_updated_at: At(0),
            deleted_at: None,
            ignored_at: None,
        }
    }

    fn item(id: i64, sku: &str, name: &str, barcode: &str) -> Candidate {
        Candidate {
            id: ProductId(id),
            sku: sku.to_owned(),
            name: name.to_owned(),
            barcode: Some(barcode.to_owned()),
        }
    }

    #[test]
    fn the_best_evidence_comes_first_and_is_named() {
        let catalogue = Catalogue::new(vec![
            item(
                1,
                "ADV-2026",
                "Advent Calendar, 24 teas, 2026",
                "0850031225142",
            ),
            item(2, "FT-ADV-26", "Something else", "1"),
            item(3, "X", "Kettle", "2"),
        ]);
        let found = catalogue.propose(&variant(
            "Advent Calendar 2026",
            None,
            "ft-adv-26",
            "0850031225142",
        ));
        let order: Vec<i64> = found.iter().map(|proposal| proposal.product.0).collect();
        assert_eq!(order, [2, 1]);
        assert_eq!(found[0].evidence.origin(), Origin::Sku);
        assert_eq!(found[1].evidence.origin(), Origin::Barcode);
        assert_eq!(found[1].evidence.sku, Sameness::Differs);
    }

    #[test]
    fn titles_are_alike_without_accents_case_and_order() {
        let catalogue = Catalogue::new(vec![
            item(1, "A", "Thé vert, 100 g", ""),
            item(2, "B", "Kettle 1.2 L", ""),
        ]);
        let found = catalogue.propose(&variant("100 G THE VERT", None, "", ""));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].evidence.title_percent, 100);
        assert_eq!(found[0].evidence.origin(), Origin::Title);
        assert_eq!(found[0].evidence.sku, Sameness::Unknown);
    }
}
