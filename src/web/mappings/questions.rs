//! What a person is to decide about variants, in words, with everybody who claims the same code.
use std::collections::HashMap;

use crate::erp::products::queries as items;
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::mappings::rules::{self, Question};
use crate::shopify::products::queries as variants;
use crate::types::{ProductId, ShopId, VariantId};

/// A question about a variant.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) words: &'static str,
    /// Whether it is mapped, and the mapping may stay as it is.
    pub(super) can_be_kept: bool,
    /// Who claims the same code.
    pub(super) items: Vec<String>,
    pub(super) variants: Vec<String>,
}

/// The questions about those of these variants about which there is one.
pub(super) fn about(
    conn: &mut DbConnection,
    shop: ShopId,
    ids: &[VariantId],
) -> Result<HashMap<VariantId, Asked>, DbError> {
    let mut coded = rules::queries::list_codes(conn, ids)?;
    coded.retain(|row| row.question.is_some());
    if coded.is_empty() {
        return Ok(HashMap::new());
    }
    let known = rules::queries::find(conn, shop)?;
    let claims = rules::claims(conn, shop, &coded, &known)?;
    let claimed: Vec<_> = coded.iter().map(|row| claims.of(row, &known)).collect();
    let wanted: Vec<ProductId> = claimed.iter().flat_map(|(ids, _)| ids.clone()).collect();
    let others: Vec<VariantId> = claimed.iter().flat_map(|(_, ids)| ids.clone()).collect();
    let item_names: HashMap<ProductId, String> = items::names(conn, &wanted)?.into_iter().collect();
    let variant_names: HashMap<VariantId, String> =
        variants::names(conn, &others)?.into_iter().collect();
    let asked = coded
        .iter()
        .zip(claimed)
        .filter_map(|(row, (items, others))| {
            let question = row.question?;
            let asked = Asked {
                words: words(question),
                can_be_kept: matches!(question, Question::Changed | Question::Deleted),
                items: items
                    .iter()
                    .filter_map(|id| item_names.get(id).cloned())
                    .collect(),
                variants: others
                    .iter()
                    .filter_map(|id| variant_names.get(id).cloned())
                    .collect(),
            };
            Some((row.id, asked))
        });
    Ok(asked.collect())
}

fn words(question: Question) -> &'static str {
    match question {
        Question::Sku => "Several have this SKU",
        Question::Barcode => "Several have this barcode",
        Question::Prefix => "Several have this SKU without the prefix",
        Question::Changed => "SKU changed since it was mapped",
        Question::Deleted => "Deleted in Shopify; its mapping stays",
    }
}
