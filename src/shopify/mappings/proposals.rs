//! Which item a variant probably is, and what speaks for it: equal SKU, equal barcode, a like title.
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

mod title;

use super::rules::queries as codes;
use super::{Origin, queries};
use crate::erp::products::{normal_code, search};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::products::queries::VariantRow;
use crate::types::ProductId;
use title::{Text, Title};

/// Titles less alike than this are not alike.
const LIKE_PERCENT: usize = 60;
/// How many suggestions a person is shown for one variant.
const SUGGESTIONS: usize = 3;
/// As many variants as fit into one number.
const ROWS: usize = 128;
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

/// The items that are worth a comparison with these variants, in the order of their ids: those with the same code, and
/// some dozens for each title. What shares with a title but words that many items have may be left out.
///
/// # Errors
///
/// The database's.
pub fn candidates(
    conn: &mut DbConnection,
    variants: &[VariantRow],
) -> Result<Vec<Candidate>, DbError> {
    let titles: Vec<String> = variants.iter().map(title::text_of).collect();
    let mut ids = search::like(conn, &titles)?;
    let skus = variants.iter().filter_map(|row| row.sku.as_deref());
    let skus: Vec<String> = skus.filter_map(normal_code).collect();
    let barcodes = variants.iter().filter_map(|row| row.barcode.as_deref());
    let barcodes: Vec<String> = barcodes.filter_map(normal_code).collect();
    let by_sku = codes::list_items_by_sku(conn, &skus)?;
    let by_barcode = codes::list_items_by_barcode(conn, &barcodes)?;
    ids.extend(by_sku.into_iter().chain(by_barcode).map(|(_code, id)| id));
    let ids: Vec<ProductId> = ids.into_iter().collect();
    queries::list_candidates(conn, &ids)
}

/// For each of these variants the likeliest items, the best first; `items` are in the order of their
/// ids.
///
/// It is what comparing every variant with every one of them would say. But all items are walked through
/// once, and a variant is compared with those alone that share a code with it, or a word while their
/// letters allow a like title.
#[must_use]
pub fn propose(items: &[Candidate], variants: &[VariantRow]) -> Vec<Vec<Proposal>> {
    let pages = variants.chunks(ROWS);
    let found = pages.flat_map(|variants| {
        let page = Page::new(variants);
        let promising = page.promising(items);
        let rows = page.rows.into_iter().zip(promising);
        rows.map(|((variant, title), promising)| best(items, variant, &title, promising))
            .collect::<Vec<_>>()
    });
    found.collect()
}

/// What the likeness of an item's title can be at most, and its place: the greatest goes first.
type Promise = (usize, Reverse<usize>);

fn best(
    items: &[Candidate],
    variant: &VariantRow,
    title: &Title,
    promising: Vec<Promise>,
) -> Vec<Proposal> {
    // Few of them are taken out, so they are not sorted.
    let mut promising = BinaryHeap::from(promising);
    let mut best = Best::default();
    while let Some((most, Reverse(place))) = promising.pop() {
        let item = &items[place];
        if best.is_beyond(most, item.id) {
            break;
        }
        if let Some(proposal) = compare(variant, title, item, &Title::new(&item.name)) {
            best.consider(proposal);
        }
    }
    best.proposals
}

/// Variants, filed by what an item can share with them. A set of them is one number, a bit a row.
struct Page<'a> {
    rows: Vec<(&'a VariantRow, Title)>,
    by_sku: HashMap<String, u128>,
    by_barcode: HashMap<String, u128>,
    by_word: HashMap<String, u128>,
}

impl<'a> Page<'a> {
    fn new(variants: &'a [VariantRow]) -> Page<'a> {
        let mut page = Page {
            rows: Vec::with_capacity(variants.len()),
            by_sku: HashMap::new(),
            by_barcode: HashMap::new(),
            by_word: HashMap::new(),
        };
        for (row, variant) in variants.iter().enumerate() {
            let title = Title::of(variant);
            let file = |index: &mut HashMap<String, u128>, key: String| {
                *index.entry(key).or_default() |= 1 << row;
            };
            if let Some(sku) = variant.sku.as_deref().and_then(normal_code) {
                file(&mut page.by_sku, sku);
            }
            if let Some(barcode) = variant.barcode.as_deref().and_then(normal_code) {
                file(&mut page.by_barcode, barcode);
            }
            for word in title.words() {
                file(&mut page.by_word, word.to_owned());
            }
            page.rows.push((variant, title));
        }
        page
    }

    /// For each row the items that are worth a comparison.
    fn promising(&self, items: &[Candidate]) -> Vec<Vec<Promise>> {
        let mut promising = vec![Vec::new(); self.rows.len()];
        let shared = |index: &HashMap<String, u128>, code: Option<&str>| {
            let code = code.and_then(normal_code);
            code.and_then(|code| index.get(&code).copied()).unwrap_or(0)
        };
        for (place, item) in items.iter().enumerate() {
            let coded = shared(&self.by_sku, Some(&item.sku))
                | shared(&self.by_barcode, item.barcode.as_deref());
            for row in rows(coded) {
                promising[row].push((CODED, Reverse(place)));
            }
            let name = Text::new(&item.name);
            let words = name.words().filter_map(|word| self.by_word.get(word));
            let alike = words.fold(0, |all, some| all | some);
            for row in rows(alike & !coded) {
                let most = self.rows[row].1.plain.likeness_at_most(&name);
                if most >= LIKE_PERCENT {
                    promising[row].push((most, Reverse(place)));
                }
            }
        }
        promising
    }
}

/// The places of the bits that are set.
fn rows(mut set: u128) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let row = usize::try_from(set.trailing_zeros()).ok()?;
        (set != 0).then(|| {
            set &= set - 1;
            row
        })
    })
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

    /// Whether this item, whose title is at most so like, cannot be among the best any more.
    fn is_beyond(&self, most: usize, id: ProductId) -> bool {
        let last = self.proposals.get(SUGGESTIONS - 1);
        last.is_some_and(|last| most != CODED && rank(last) < (Reverse((0, most)), id))
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
