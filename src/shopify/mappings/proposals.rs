//! Which item a variant probably is, and what speaks for it: equal SKU, equal barcode, a like title.
use std::cmp::Reverse;
use std::collections::HashMap;

mod title;

use super::Origin;
use crate::erp::products::normal_code;
use crate::shopify::products::queries::VariantRow;
use crate::types::ProductId;
use title::Title;

/// Titles less alike than this are not alike.
const LIKE_PERCENT: usize = 60;
/// How many suggestions a person is shown for one variant.
const SUGGESTIONS: usize = 3;
/// In place of a title's likeness: an equal code is always worth the comparison.
const CODED: usize = usize::MAX;

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

/// The items of a catalogue, prepared for many comparisons: by SKU, by barcode and by the words of
/// their names, so that a variant is compared with those alone that it may be.
pub struct Catalogue {
    items: Vec<(Candidate, Title)>,
    by_sku: HashMap<String, Vec<usize>>,
    by_barcode: HashMap<String, Vec<usize>>,
    by_word: HashMap<String, Vec<usize>>,
}

impl Catalogue {
    #[must_use]
    pub fn new(candidates: Vec<Candidate>) -> Catalogue {
        let mut catalogue = Catalogue {
            items: Vec::with_capacity(candidates.len()),
            by_sku: HashMap::new(),
            by_barcode: HashMap::new(),
            by_word: HashMap::new(),
        };
        for (place, candidate) in candidates.into_iter().enumerate() {
            let title = Title::new(&candidate.name);
            let file = |index: &mut HashMap<String, Vec<usize>>, key: String| {
                index.entry(key).or_default().push(place);
            };
            if let Some(sku) = normal_code(&candidate.sku) {
                file(&mut catalogue.by_sku, sku);
            }
            if let Some(barcode) = candidate.barcode.as_deref().and_then(normal_code) {
                file(&mut catalogue.by_barcode, barcode);
            }
            for word in &title.words {
                file(&mut catalogue.by_word, word.clone());
            }
            catalogue.items.push((candidate, title));
        }
        catalogue
    }

    /// The likeliest items for a variant, the best first.
    #[must_use]
    pub fn propose(&self, variant: &VariantRow) -> Vec<Proposal> {
        let title = Title::of(variant);
        let mut best = Best::default();
        for (likeness, place) in self.promising(variant, &title) {
            if best.is_beyond(likeness) {
                break;
            }
            let (candidate, name) = &self.items[place];
            if let Some(proposal) = compare(variant, &title, candidate, name) {
                best.consider(proposal);
            }
        }
        best.proposals
    }

    /// The item itself.
    #[must_use]
    pub fn get(&self, id: ProductId) -> Option<&Candidate> {
        let found = self.items.iter().find(|(one, _)| one.id == id);
        found.map(|(candidate, _)| candidate)
    }

    /// The places of the items that are worth a comparison, each with what its title's likeness can
    /// be at most; equal codes first, then the likeliest.
    fn promising(&self, variant: &VariantRow, title: &Title) -> Vec<(usize, usize)> {
        let of = |index: &HashMap<String, Vec<usize>>, code: Option<&str>| {
            let code = code.and_then(normal_code);
            code.and_then(|code| index.get(&code).cloned())
                .unwrap_or_default()
        };
        let mut coded = of(&self.by_sku, variant.sku.as_deref());
        coded.extend(of(&self.by_barcode, variant.barcode.as_deref()));
        coded.sort_unstable();
        coded.dedup();
        let lists = title.words.iter().filter_map(|word| self.by_word.get(word));
        let mut places: Vec<usize> = lists.flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        let likely = places.into_iter().filter_map(|place| {
            let most = title.likeness_at_most(&self.items[place].1);
            let worth = most >= LIKE_PERCENT && coded.binary_search(&place).is_err();
            worth.then_some((most, place))
        });
        let mut likely: Vec<(usize, usize)> = likely.collect();
        likely.sort_unstable_by_key(|(most, place)| (Reverse(*most), *place));
        let coded = coded.iter().map(|place| (CODED, *place));
        coded.chain(likely).collect()
    }
}

/// The best proposals so far.
#[derive(Default)]
struct Best {
    proposals: Vec<Proposal>,
}

impl Best {
    fn consider(&mut self, proposal: Proposal) {
        let rank = rank(&proposal);
        let place = self.proposals.partition_point(|one| self::rank(one) < rank);
        self.proposals.insert(place, proposal);
        self.proposals.truncate(SUGGESTIONS);
    }

    /// Whether a title that is at most so like cannot be among the best any more.
    fn is_beyond(&self, likeness: usize) -> bool {
        let last = self.proposals.get(SUGGESTIONS - 1);
        last.is_some_and(|last| {
            let (Reverse((codes, percent)), _id) = rank(last);
            likeness != CODED && (codes > 0 || percent > likeness)
        })
    }
}

/// The smallest is the best.
fn rank(proposal: &Proposal) -> (Reverse<(u8, usize)>, ProductId) {
    let evidence = &proposal.evidence;
    let same = |sameness| u8::from(sameness == Sameness::Same);
    let codes = 2 * same(evidence.sku) + same(evidence.barcode);
    (Reverse((codes, evidence.title_percent)), proposal.product)
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
    match (a.and_then(normal_code), b.and_then(normal_code)) {
        (Some(a), Some(b)) if a == b => Sameness::Same,
        (Some(_), Some(_)) => Sameness::Differs,
        (..) => Sameness::Unknown,
    }
}

#[cfg(test)]
mod tests;
