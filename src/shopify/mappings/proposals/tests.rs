//! What is proposed for a variant, and that no likely item is left out.
use proptest::prelude::*;

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
        picture_url: None,
        source_updated_at: At(0),
        deleted_at: None,
        ignored_at: None,
        question: None,
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

fn of_one(items: &[Candidate], variant: VariantRow) -> Vec<Proposal> {
    propose(items, &[variant]).remove(0)
}

#[test]
fn the_best_evidence_comes_first_and_is_named() {
    let items = [
        item(
            1,
            "ADV-2026",
            "Advent Calendar, 24 teas, 2026",
            "0850031225142",
        ),
        item(2, "FT-ADV-26", "Something else", "1"),
        item(3, "X", "Kettle", "2"),
    ];
    let found = of_one(
        &items,
        variant("Advent Calendar 2026", None, "ft-adv-26", "0850031225142"),
    );
    let order: Vec<i64> = found.iter().map(|proposal| proposal.product.0).collect();
    assert_eq!(order, [2, 1]);
    assert_eq!(found[0].evidence.origin(), Origin::Sku);
    assert_eq!(found[1].evidence.origin(), Origin::Barcode);
    assert_eq!(found[1].evidence.sku, Sameness::Differs);
}

#[test]
fn titles_are_alike_without_accents_case_and_order() {
    let items = [
        item(1, "A", "Thé vert, 100 g", ""),
        item(2, "B", "Kettle 1.2 L", ""),
    ];
    let found = of_one(&items, variant("100 G THE VERT", None, "", ""));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].evidence.title_percent, 100);
    assert_eq!(found[0].evidence.origin(), Origin::Title);
    assert_eq!(found[0].evidence.sku, Sameness::Unknown);
}

/// Every item looked at, one by one: what must come out.
fn plainly(candidates: &[Candidate], variant: &VariantRow) -> Vec<Proposal> {
    let title = Title::of(variant);
    let mut found: Vec<Proposal> = candidates
        .iter()
        .filter_map(|one| compare(variant, &title, one, &Title::new(&one.name)))
        .collect();
    found.sort_by_key(rank);
    found.truncate(SUGGESTIONS);
    found
}

/// Few words, so that titles are alike by chance; some differ by a letter, an accent or a capital.
fn title() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "tea",
        "Tea",
        "teas",
        "th\u{e9}",
        "green",
        "Green",
        "gr\u{fc}n",
        "black",
        "block",
        "tin",
        "100",
        "g",
        "1000",
        "kettle",
        "kettles",
        "\u{8336}",
        "of",
        "-",
    ]);
    prop::collection::vec(word, 0..7).prop_map(|words| words.join(" "))
}

fn code() -> impl Strategy<Value = String> {
    let code = prop::sample::select(vec![
        "", " ", "A-1", "a-1", " a-1", "B-2", "b-2 ", "\u{c9}-3", "\u{e9}-3",
    ]);
    code.prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn walking_through_the_items_once_proposes_what_comparing_each_does(
        items in prop::collection::vec((code(), title(), code()), 0..30),
        sold in prop::collection::vec((title(), prop::option::of(title()), code(), code()), 0..6),
    ) {
        let items: Vec<Candidate> = (1..)
            .zip(&items)
            .map(|(id, (sku, name, barcode))| item(id, sku, name, barcode))
            .collect();
        let variants: Vec<VariantRow> = sold
            .iter()
            .map(|(name, option, sku, barcode)| variant(name, option.as_deref(), sku, barcode))
            .collect();
        let shown = |proposals: Vec<Proposal>| -> Vec<(ProductId, Evidence)> {
            proposals.into_iter().map(|one| (one.product, one.evidence)).collect()
        };
        let found: Vec<_> = propose(&items, &variants).into_iter().map(shown).collect();
        let plain: Vec<_> = variants
            .iter()
            .map(|variant| shown(plainly(&items, variant)))
            .collect();
        prop_assert_eq!(found, plain);
    }

    #[test]
    fn no_title_is_likelier_than_its_letters_allow(ours in title(), theirs in title()) {
        let (ours, theirs) = (Title::new(&ours), Title::new(&theirs));
        prop_assert!(ours.likeness(&theirs) <= ours.plain.likeness_at_most(&theirs.plain));
    }
}
