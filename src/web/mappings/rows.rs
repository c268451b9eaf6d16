//! The rows of the mapping list: a variant, what it probably is, and how many orders wait for it.
use std::collections::HashMap;

use super::questions::{self, Asked};
use super::{PAGE, Wish};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::mappings::proposals::{self, Candidate, Evidence, Proposal, Sameness};
use crate::shopify::mappings::queries::page::{self, Place, Wanted};
use crate::shopify::mappings::queries::{self, MappedRow, View};
use crate::shopify::mappings::{self, search};
use crate::shopify::pictures::queries as pictures;
use crate::shopify::products::queries::VariantRow;
use crate::shopify::shops::Shop;
use crate::types::{Currency, Money, ProductId, VariantId};

/// A variant as the list shows it.
pub(super) struct Row {
    pub(super) variant: VariantRow,
    /// The hash of its picture.
    pub(super) picture: Option<String>,
    pub(super) price: Option<Money>,
    /// Orders that wait for this variant alone or among others.
    pub(super) blocks: i64,
    pub(super) suggestions: usize,
    /// The suggestion that is shown, counted from 0, and the one that follows it.
    pub(super) shown: usize,
    pub(super) next: usize,
    pub(super) suggestion: Option<Suggestion>,
    pub(super) mapped: Vec<MappedRow>,
    pub(super) open: bool,
    /// What a person is to decide.
    pub(super) asked: Option<Asked>,
}

/// An item that the variant may be.
pub(super) struct Suggestion {
    pub(super) product: ProductId,
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) barcode: Option<String>,
    pub(super) on_hand: i64,
    pub(super) origin: &'static str,
    pub(super) tags: Vec<Tag>,
    pub(super) same_sku: bool,
    pub(super) same_barcode: bool,
}

/// A piece of evidence.
pub(super) struct Tag {
    pub(super) text: String,
    /// `yes`, `no` or neither.
    pub(super) tone: &'static str,
}

pub(super) struct List {
    pub(super) rows: Vec<Row>,
    /// The `after` of the next page.
    pub(super) next: Option<String>,
    /// The look for words that many have ended before the page was full.
    pub(super) is_cut: bool,
}

/// Those that block most orders come first, on the first page; the others follow by title.
pub(super) fn list(
    conn: &mut DbConnection,
    shop: &Shop,
    view: View,
    wish: &Wish,
) -> Result<List, DbError> {
    let first = match view {
        View::Unmapped if wish.q.trim().is_empty() => first(conn, shop, view)?,
        View::Unmapped | View::Conflicts | View::Mapped | View::Ignored => Vec::new(),
    };
    let except: Vec<String> = first.iter().map(|row| row.external_id.clone()).collect();
    let wanted = Wanted {
        shop: shop.id,
        view,
        found: &search::find(conn, shop.id, &wish.q)?,
        except: &except,
    };
    let after = wish.after.split_once('.').and_then(|(id, title)| {
        Some(Place {
            title: title.to_owned(),
            id: id.parse().ok()?,
        })
    });
    let rest = page::page(conn, wanted, after.as_ref(), PAGE)?;
    let mut found = if wish.after.is_empty() {
        first
    } else {
        Vec::new()
    };
    found.extend(rest.rows);
    let next = rest
        .next
        .map(|place| format!("{}.{}", place.id, place.title));
    Ok(List {
        rows: dress(conn, shop, view, wish, found)?,
        next,
        is_cut: rest.is_cut,
    })
}

/// A page of those that block orders, the one that blocks most first.
fn first(conn: &mut DbConnection, shop: &Shop, view: View) -> Result<Vec<VariantRow>, DbError> {
    // Not each of them is listed: the store may have deleted the product since.
    let ranked = page::list_blocking(conn, shop.channel, 2 * PAGE)?;
    let places: HashMap<&str, usize> = ranked
        .iter()
        .enumerate()
        .map(|(place, id)| (id.as_str(), place))
        .collect();
    let mut found = page::list_these(conn, shop.id, view, &ranked)?;
    found.sort_by_key(|row| places.get(row.external_id.as_str()).copied());
    found.truncate(PAGE);
    Ok(found)
}

fn dress(
    conn: &mut DbConnection,
    shop: &Shop,
    view: View,
    wish: &Wish,
    found: Vec<VariantRow>,
) -> Result<Vec<Row>, DbError> {
    let (items, blocking) = match view {
        View::Unmapped => {
            let ids: Vec<&str> = found.iter().map(|row| row.external_id.as_str()).collect();
            let blocking = mappings::blocking(conn, shop, &ids)?;
            (proposals::candidates(conn, &found)?, blocking)
        }
        View::Conflicts | View::Mapped | View::Ignored => (Vec::new(), HashMap::new()),
    };
    let proposals = proposals::propose(&items, &found);
    let ids: Vec<VariantId> = found.iter().map(|row| row.id).collect();
    let live = match view {
        View::Unmapped => Vec::new(),
        View::Conflicts | View::Mapped | View::Ignored => queries::list_live(conn, &ids)?,
    };
    let mut asked = questions::about(conn, shop.id, &ids)?;
    let mut shown = pictures::of_variants(conn, &ids)?;
    let currency: Option<Currency> = shop.currency.as_deref().and_then(|code| code.parse().ok());
    let open = wish.row.or(ids.first().copied());
    let mut rows: Vec<Row> = found
        .into_iter()
        .zip(proposals)
        .map(|(variant, proposed)| {
            let is_open = open == Some(variant.id);
            let wanted = if is_open { wish.suggestion } else { 0 };
            let nth = if wanted < proposed.len() { wanted } else { 0 };
            let suggestion = proposed
                .get(nth)
                .and_then(|proposal| suggest(&items, proposal));
            Row {
                picture: shown.remove(&variant.id),
                price: variant
                    .price_minor
                    .zip(currency)
                    .map(|(minor, currency)| Money::new(minor, currency)),
                blocks: blocking.get(&variant.external_id).copied().unwrap_or(0),
                suggestions: proposed.len(),
                shown: nth,
                next: (nth + 1) % proposed.len().max(1),
                suggestion,
                mapped: live
                    .iter()
                    .filter(|row| row.variant_id == variant.id)
                    .cloned()
                    .collect(),
                asked: asked.remove(&variant.id),
                open: is_open && view == View::Unmapped,
                variant,
            }
        })
        .collect();
    let products: Vec<ProductId> = rows
        .iter()
        .filter_map(|row| row.suggestion.as_ref().map(|one| one.product))
        .collect();
    for (product, on_hand) in queries::list_on_hand(conn, &products)? {
        for suggestion in rows.iter_mut().filter_map(|row| row.suggestion.as_mut()) {
            if suggestion.product == product {
                suggestion.on_hand += on_hand;
            }
        }
    }
    Ok(rows)
}

fn suggest(items: &[Candidate], proposal: &Proposal) -> Option<Suggestion> {
    let item = items.iter().find(|item| item.id == proposal.product)?;
    let evidence = &proposal.evidence;
    Some(Suggestion {
        product: item.id,
        sku: item.sku.clone(),
        name: item.name.clone(),
        barcode: item.barcode.clone(),
        on_hand: 0,
        origin: evidence.origin().as_str(),
        tags: tags(evidence),
        same_sku: evidence.sku == Sameness::Same,
        same_barcode: evidence.barcode == Sameness::Same,
    })
}

fn tags(evidence: &Evidence) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut tag = |text: &str, tone| {
        tags.push(Tag {
            text: text.to_owned(),
            tone,
        });
    };
    match evidence.sku {
        Sameness::Same => tag("SKU", "yes"),
        Sameness::Differs => tag("SKU differs", "no"),
        Sameness::Unknown => {}
    }
    match evidence.barcode {
        Sameness::Same => tag("Barcode", "yes"),
        Sameness::Differs => tag("Barcode differs", "no"),
        Sameness::Unknown => {}
    }
    match evidence.title_percent {
        0..=39 => {}
        40..=84 => tag(&format!("Title {}%", evidence.title_percent), ""),
        100 => tag("Title", "yes"),
        percent => tag(&format!("Title {percent}%"), "yes"),
    }
    tags
}
