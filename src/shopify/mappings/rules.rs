//! Rules by which a store's new and changed variants are mapped without a person. A rule makes a mapping, it never
//! changes one; what it doubts, and a mapping whose variant changed under it, becomes a question to a person.
pub mod queries;

use std::collections::{HashMap, HashSet};

use serde_json::json;
use uuid::Uuid;

use super::parts::Parts;
use super::{By, MappingError, Origin, Reason};
use crate::erp::audit::{self, Kind};
use crate::erp::products::normal_code;
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::products::queries as variants;
use crate::shopify::shops::Shop;
use crate::text_enum;
use crate::types::{At, ProductId, ShopId, VariantId};
use queries::Coded;

/// Variants that are looked at in one question.
const STEP: usize = 200;
/// A longer prefix is none.
pub const LONGEST_PREFIX: usize = 40;

/// The rules of a store, in the order in which they are tried; all of them are off at first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    pub sku: bool,
    pub barcode: bool,
    /// Taken off the variant's SKU before it is compared.
    pub prefix: Option<String>,
}

text_enum! {
    /// What a person is to decide about a variant.
    Question {
        /// Several items or variants have its SKU.
        Sku = "sku",
        Barcode = "barcode",
        /// Several have its SKU without the prefix.
        Prefix = "prefix",
        /// It is mapped, and its SKU is another one now.
        Changed = "changed",
        /// It is mapped, and the store has deleted it.
        Deleted = "deleted",
    }
}

/// Who has the codes of some variants.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    items_by_sku: HashMap<String, Vec<ProductId>>,
    items_by_barcode: HashMap<String, Vec<ProductId>>,
    variants_by_sku: HashMap<String, Vec<VariantId>>,
    variants_by_barcode: HashMap<String, Vec<VariantId>>,
}

/// What the rules say of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Map(ProductId, Origin),
    Doubt(Question),
    Nothing,
}

/// Saves a store's rules. They speak of what arrives or changes from now on.
///
/// # Errors
///
/// The database's.
pub fn save(conn: &mut DbConnection, by: By<'_>, rules: &Rules) -> Result<(), DbError> {
    if queries::find(conn, by.shop.id)? == *rules {
        return Ok(());
    }
    queries::save(conn, by.shop.id, rules)?;
    let arguments = json!({ "sku": rules.sku, "barcode": rules.barcode, "prefix": rules.prefix });
    let subject = format!("store/{}", by.shop.id);
    audit::record(
        conn,
        by.user,
        Kind::MappingRulesChanged,
        &subject,
        &arguments,
        by.now,
    )
}

/// Looks at variants that arrived or changed: maps those about which a rule has no doubt, and asks a person about the
/// others. What somebody unmapped is left to people. Returns how many were mapped.
///
/// # Errors
///
/// `Order`, `Db`.
pub fn apply(
    conn: &mut DbConnection,
    shop: &Shop,
    external_ids: &[&str],
    now: At,
) -> Result<usize, MappingError> {
    let rules = queries::find(conn, shop.id)?;
    let mut mapped = 0;
    for some in external_ids.chunks(STEP) {
        let rows = queries::list_coded(conn, shop.id, some)?;
        mapped += apply_some(conn, shop, &rules, &rows, now)?;
    }
    Ok(mapped)
}

/// Looks, as [`apply`] does, at the next variants behind one that the store sells and that were seen since then. Returns
/// the last of them; `None`: there are no more.
///
/// # Errors
///
/// `Order`, `Db`.
pub fn apply_after(
    conn: &mut DbConnection,
    shop: &Shop,
    since: At,
    after: VariantId,
    now: At,
) -> Result<Option<VariantId>, MappingError> {
    let rules = queries::find(conn, shop.id)?;
    let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
    let rows = queries::list_seen(conn, shop.id, since, after, limit)?;
    let last = rows.last().map(|row| row.id);
    apply_some(conn, shop, &rules, &rows, now)?;
    Ok(last)
}

fn apply_some(
    conn: &mut DbConnection,
    shop: &Shop,
    rules: &Rules,
    rows: &[Coded],
    now: At,
) -> Result<usize, MappingError> {
    let ids: Vec<VariantId> = rows.iter().map(|row| row.id).collect();
    let live: HashMap<VariantId, Option<String>> =
        queries::list_live_skus(conn, &ids)?.into_iter().collect();
    let left: HashSet<VariantId> = queries::list_taken_back(conn, &ids)?.into_iter().collect();
    let claims = claims(conn, shop.id, rows, rules)?;
    let by = By {
        shop,
        user: None,
        now,
    };
    let batch = Uuid::now_v7().to_string();
    let mut mapped = 0;
    for row in rows {
        let verdict = match live.get(&row.id) {
            Some(then) if *then != row.sku_normal => Verdict::Doubt(Question::Changed),
            Some(_) => Verdict::Nothing,
            None if left.contains(&row.id) => Verdict::Nothing,
            None => claims.decide(row, rules),
        };
        let question = match verdict {
            Verdict::Doubt(question) => Some(question),
            Verdict::Map(..) | Verdict::Nothing => None,
        };
        if question != row.question {
            queries::set_question(conn, row.id, question)?;
        }
        if let Verdict::Map(product, origin) = verdict
            && let Some(variant) = variants::find(conn, row.id)?
        {
            let prefix = rules.prefix.as_deref().filter(|_| origin == Origin::Prefix);
            let reason = Reason {
                origin,
                prefix,
                batch: &batch,
            };
            let parts = Parts::new([(product, 1)])?;
            match super::map(conn, by, &variant, &parts, reason) {
                Ok(_freed) => mapped += 1,
                // A person was quicker.
                Err(MappingError::AlreadyMapped) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(mapped)
}

/// Of these variants those whose SKU is that of exactly one item, and of no other variant of the store.
pub(super) fn same_sku(
    conn: &mut DbConnection,
    shop: ShopId,
    mut rows: Vec<Coded>,
) -> Result<Vec<(VariantId, ProductId)>, DbError> {
    for row in &mut rows {
        row.barcode_normal = None;
    }
    let rules = Rules {
        sku: true,
        ..Rules::default()
    };
    let claims = claims(conn, shop, &rows, &rules)?;
    let matches = rows
        .iter()
        .filter_map(|row| match claims.decide(row, &rules) {
            Verdict::Map(product, _origin) => Some((row.id, product)),
            Verdict::Doubt(_) | Verdict::Nothing => None,
        });
    Ok(matches.collect())
}

/// Who has the codes that these variants have.
///
/// # Errors
///
/// The database's.
pub fn claims(
    conn: &mut DbConnection,
    shop: ShopId,
    rows: &[Coded],
    rules: &Rules,
) -> Result<Claims, DbError> {
    let mut skus: Vec<String> = Vec::new();
    for row in rows {
        let Some(sku) = &row.sku_normal else { continue };
        skus.push(sku.clone());
        skus.extend(rules.stripped(sku).map(str::to_owned));
        skus.extend(rules.prefixed(sku));
    }
    let barcodes: Vec<String> = rows
        .iter()
        .filter_map(|row| row.barcode_normal.clone())
        .collect();
    let mut claims = Claims::default();
    for some in skus.chunks(STEP) {
        file(
            &mut claims.items_by_sku,
            queries::list_items_by_sku(conn, some)?,
        );
        file(
            &mut claims.variants_by_sku,
            queries::list_variants_by_sku(conn, shop, some)?,
        );
    }
    for some in barcodes.chunks(STEP) {
        file(
            &mut claims.items_by_barcode,
            queries::list_items_by_barcode(conn, some)?,
        );
        let found = queries::list_variants_by_barcode(conn, shop, some)?;
        file(&mut claims.variants_by_barcode, found);
    }
    Ok(claims)
}

fn file<T: PartialEq>(index: &mut HashMap<String, Vec<T>>, found: Vec<(Option<String>, T)>) {
    for (code, id) in found {
        let known = index.entry(code.unwrap_or_default()).or_default();
        // One code may be asked for in two steps.
        if !known.contains(&id) {
            known.push(id);
        }
    }
}

impl Rules {
    fn normal_prefix(&self) -> Option<String> {
        self.prefix.as_deref().and_then(normal_code)
    }

    /// The SKU without the prefix, where it has it and more.
    fn stripped<'a>(&self, sku: &'a str) -> Option<&'a str> {
        let rest = sku.strip_prefix(self.normal_prefix()?.as_str())?.trim();
        (!rest.is_empty()).then_some(rest)
    }

    fn prefixed(&self, sku: &str) -> Option<String> {
        Some(format!("{}{sku}", self.normal_prefix()?))
    }
}

impl Claims {
    fn decide(&self, row: &Coded, rules: &Rules) -> Verdict {
        let sku = row.sku_normal.as_deref();
        if let (true, Some(sku)) = (rules.sku, sku) {
            let verdict = self.by_sku(sku, rules, Origin::Sku, Question::Sku);
            if verdict != Verdict::Nothing {
                return verdict;
            }
        }
        if let (true, Some(barcode)) = (rules.barcode, row.barcode_normal.as_deref()) {
            let items = of(&self.items_by_barcode, barcode);
            let claimants = of(&self.variants_by_barcode, barcode).len();
            let verdict = judge(items, claimants, Origin::Barcode, Question::Barcode);
            if verdict != Verdict::Nothing {
                return verdict;
            }
        }
        match sku.and_then(|sku| rules.stripped(sku)) {
            Some(rest) => self.by_sku(rest, rules, Origin::Prefix, Question::Prefix),
            None => Verdict::Nothing,
        }
    }

    /// With a prefix, whoever has the SKU with it wants the same item as who has it without.
    fn by_sku(&self, sku: &str, rules: &Rules, origin: Origin, question: Question) -> Verdict {
        let mut claimants: Vec<VariantId> = of(&self.variants_by_sku, sku).to_vec();
        if let Some(prefixed) = rules.prefixed(sku) {
            claimants.extend(of(&self.variants_by_sku, &prefixed));
        }
        claimants.sort_unstable();
        claimants.dedup();
        let items = of(&self.items_by_sku, sku);
        judge(items, claimants.len(), origin, question)
    }

    /// The items and the variants that a question is about.
    #[must_use]
    pub fn of(&self, row: &Coded, rules: &Rules) -> (Vec<ProductId>, Vec<VariantId>) {
        let (mut items, mut others) = (Vec::new(), Vec::new());
        let sku = row.sku_normal.as_deref().unwrap_or_default();
        let (codes, by_item, by_variant) = match row.question {
            Some(Question::Barcode) => (
                vec![row.barcode_normal.clone().unwrap_or_default()],
                &self.items_by_barcode,
                &self.variants_by_barcode,
            ),
            Some(Question::Prefix) => (
                vec![
                    rules.stripped(sku).unwrap_or(sku).to_owned(),
                    sku.to_owned(),
                ],
                &self.items_by_sku,
                &self.variants_by_sku,
            ),
            Some(Question::Sku | Question::Changed | Question::Deleted) | None => (
                [Some(sku.to_owned()), rules.prefixed(sku)]
                    .into_iter()
                    .flatten()
                    .collect(),
                &self.items_by_sku,
                &self.variants_by_sku,
            ),
        };
        for code in &codes {
            items.extend(of(by_item, code));
            others.extend(of(by_variant, code));
        }
        others.retain(|id| *id != row.id);
        (items, others)
    }
}

fn of<'a, T>(index: &'a HashMap<String, Vec<T>>, code: &str) -> &'a [T] {
    index.get(code).map_or(&[], Vec::as_slice)
}

/// One item and one claimant: there is no doubt.
fn judge(items: &[ProductId], claimants: usize, origin: Origin, question: Question) -> Verdict {
    match (items, claimants) {
        ([], _) => Verdict::Nothing,
        ([item], ..=1) => Verdict::Map(*item, origin),
        (_, _) => Verdict::Doubt(question),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, sku: &str, barcode: &str) -> Coded {
        Coded {
            id: VariantId(id),
            sku_normal: normal_code(sku),
            barcode_normal: normal_code(barcode),
            question: None,
        }
    }

    fn all() -> Rules {
        Rules {
            sku: true,
            barcode: true,
            prefix: Some("SHOP-".to_owned()),
        }
    }

    fn known(items: &[(&str, i64)], variants: &[(&str, i64)], codes: &[(&str, i64)]) -> Claims {
        let mut claims = Claims::default();
        for (sku, id) in items {
            let known = claims.items_by_sku.entry((*sku).to_owned());
            known.or_default().push(ProductId(*id));
        }
        for (sku, id) in variants {
            let known = claims.variants_by_sku.entry((*sku).to_owned());
            known.or_default().push(VariantId(*id));
        }
        for (code, id) in codes {
            let known = claims.items_by_barcode.entry((*code).to_owned());
            known.or_default().push(ProductId(*id));
        }
        claims
    }

    #[test]
    fn the_first_rule_that_finds_one_item_decides() {
        let claims = known(&[("tea", 1)], &[("tea", 9), ("shop-cup", 8)], &[("40", 2)]);
        let sku = Verdict::Map(ProductId(1), Origin::Sku);
        assert_eq!(claims.decide(&row(9, "TEA", "40"), &all()), sku);
        let barcode = Verdict::Map(ProductId(2), Origin::Barcode);
        assert_eq!(claims.decide(&row(9, "other", "40"), &all()), barcode);
        let none = Rules::default();
        assert_eq!(claims.decide(&row(9, "TEA", "40"), &none), Verdict::Nothing);
        let claims = known(&[("cup", 3)], &[("shop-cup", 8)], &[]);
        let prefix = Verdict::Map(ProductId(3), Origin::Prefix);
        assert_eq!(claims.decide(&row(8, "Shop-Cup", ""), &all()), prefix);
    }

    #[test]
    fn two_items_or_two_claimants_are_a_question() {
        let twins = known(&[("tea", 1), ("tea", 2)], &[("tea", 9)], &[]);
        let doubt = Verdict::Doubt(Question::Sku);
        assert_eq!(twins.decide(&row(9, "tea", ""), &all()), doubt);
        let rivals = known(&[("tea", 1)], &[("tea", 9), ("shop-tea", 8)], &[]);
        assert_eq!(rivals.decide(&row(9, "tea", ""), &all()), doubt);
        let doubt = Verdict::Doubt(Question::Prefix);
        assert_eq!(rivals.decide(&row(8, "shop-tea", ""), &all()), doubt);
        assert_eq!(
            rivals.decide(&row(7, "shop-", ""), &all()),
            Verdict::Nothing
        );
    }
}
