//! Products as Shopify spells them, over GraphQL and in webhooks, turned into the mirror's variants.
use super::{Logistics, Picture, Variant};
use crate::shopify::bulk::file::Group;
use crate::shopify::gid::{self, Gid};
use crate::shopify::graphql::catalogue::CatalogueProductVariantsNodes as Listed;
use crate::shopify::graphql::product_variants_of;
use crate::shopify::orders::{self, TranslateError};
use crate::shopify::payloads;
use crate::types::{At, Currency, Money};

/// What Shopify calls the only variant of a product without options.
const ONLY_VARIANT: &str = "Default Title";
const MILLIONTHS: usize = 6;
/// No address of Shopify's comes near this; a longer one fits no index.
const LONGEST_URL: usize = 2000;

/// A product as a webhook told it.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) external_id: String,
    pub(crate) updated_at: At,
    pub(crate) variants: Vec<Variant>,
    /// Every variant it has, also those that the body leaves out.
    pub(crate) all_ids: Vec<String>,
}

/// Reads the body of a `products/create` or `products/update`.
pub(crate) fn read_webhook(body: &[u8], currency: Option<&str>) -> Result<Product, TranslateError> {
    let body: payloads::Product = orders::read(body)?;
    let gid = body.admin_graphql_api_id.as_deref();
    if gid
        .and_then(gid::type_of)
        .is_some_and(|kind| kind != "Product")
    {
        return Err(wrong("admin_graphql_api_id", "it names no product"));
    }
    if body.line_items.is_some() {
        let what = "a product has none: this is the body of another topic";
        return Err(wrong("line_items", what));
    }
    let external_id = body.id.ok_or_else(|| wrong("id", "it is missing"))?.0;
    let updated_at = body
        .updated_at
        .ok_or_else(|| wrong("updated_at", "it is missing"))?
        .0;
    let title = body.title.unwrap_or_default();
    let pictures = Told::of(body.image, body.images, body.media);
    let mut variants = Vec::new();
    for (place, variant) in body.variants.into_iter().flatten().enumerate() {
        let missing = || wrong(&format!("variants[{place}].id"), "it is missing");
        variants.push(Variant {
            external_id: variant.id.ok_or_else(missing)?.0,
            product_external_id: external_id.clone(),
            inventory_item_external_id: variant.inventory_item_id.map(|id| id.0),
            product_title: title.clone(),
            variant_title: variant.title.and_then(option_title),
            sku: variant.sku.and_then(filled),
            barcode: variant.barcode.and_then(filled),
            price_minor: variant.price.and_then(|price| minor(&price.0, currency)),
            logistics: None,
            picture: pictures.of_variant(variant.image_id.as_ref()),
            updated_at: variant
                .updated_at
                .map_or(updated_at, |at| at.0.max(updated_at)),
        });
    }
    let gids = body.variant_gids.unwrap_or_default();
    let listed = gids
        .iter()
        .filter_map(|one| one.admin_graphql_api_id.as_deref())
        .filter_map(Gid::<gid::ProductVariant>::parse)
        .map(Gid::digits);
    let mut all_ids: Vec<String> = variants.iter().map(|v| v.external_id.clone()).collect();
    all_ids.extend(listed);
    all_ids.sort();
    all_ids.dedup();
    Ok(Product {
        external_id,
        updated_at,
        variants,
        all_ids,
    })
}

fn wrong(path: &str, reason: &str) -> TranslateError {
    TranslateError {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

/// A page of the catalogue.
pub(crate) fn of_catalogue(nodes: Vec<Listed>, currency: Option<&str>) -> Vec<Variant> {
    let variant = |node| of_listed(node, currency);
    nodes.into_iter().filter_map(variant).collect()
}

/// A variant of a bulk operation's file, which tells it in the words of a page.
pub(crate) fn of_row(group: Group, currency: Option<&str>) -> Result<Variant, TranslateError> {
    let row = group.record.with_list("media", group.children);
    let node: Listed = orders::read(&row.into_json())?;
    of_listed(node, currency).ok_or_else(|| wrong("id", "it names no variant"))
}

fn of_listed(node: Listed, currency: Option<&str>) -> Option<Variant> {
    let item = node.inventory_item;
    let weight = item.measurement.weight;
    let own = node.media.nodes.into_iter().next();
    let own = own.and_then(|media| Some(media.preview?.image?.url));
    let shared = node.product.featured_media;
    let shared = shared.and_then(|media| Some(media.preview?.image?.url));
    Some(Variant {
        external_id: Gid::<gid::ProductVariant>::parse(&node.id)?.digits(),
        picture: picture(own.or(shared)),
        product_external_id: Gid::<gid::Product>::parse(&node.product.id)?.digits(),
        inventory_item_external_id: Gid::<gid::InventoryItem>::parse(&item.id).map(Gid::digits),
        product_title: node.product.title,
        variant_title: option_title(node.title),
        sku: node.sku.and_then(filled),
        barcode: node.barcode.and_then(filled),
        price_minor: minor(&node.price, currency),
        logistics: Some(Logistics {
            ships: item.requires_shipping,
            weight_grams: weight.and_then(|weight| grams(weight.value, &word(&weight.unit))),
        }),
        updated_at: later(moment(&node.product.updated_at)?, Some(&node.updated_at)),
    })
}

/// A page of one product's variants.
pub(crate) fn of_product(
    product: product_variants_of::ProductVariantsOfProduct,
    currency: Option<&str>,
) -> Vec<Variant> {
    let Some(product_id) = Gid::<gid::Product>::parse(&product.id) else {
        return Vec::new();
    };
    let (title, updated_at) = (product.title, product.updated_at);
    let shared = product.featured_media;
    let shared = shared.and_then(|media| Some(media.preview?.image?.url));
    let variant = |node: product_variants_of::ProductVariantsOfProductVariantsNodes| {
        let item = node.inventory_item;
        let weight = item.measurement.weight;
        let own = node.media.nodes.into_iter().next();
        let own = own.and_then(|media| Some(media.preview?.image?.url));
        Some(Variant {
            picture: picture(own.or_else(|| shared.clone())),
            external_id: Gid::<gid::ProductVariant>::parse(&node.id)?.digits(),
            product_external_id: product_id.digits(),
            inventory_item_external_id: Gid::<gid::InventoryItem>::parse(&item.id).map(Gid::digits),
            product_title: title.clone(),
            variant_title: option_title(node.title),
            sku: node.sku.and_then(filled),
            barcode: node.barcode.and_then(filled),
            price_minor: minor(&node.price, currency),
            logistics: Some(Logistics {
                ships: item.requires_shipping,
                weight_grams: weight.and_then(|weight| grams(weight.value, &word(&weight.unit))),
            }),
            updated_at: later(moment(&updated_at)?, Some(&node.updated_at)),
        })
    };
    let nodes = product.variants.nodes;
    nodes.into_iter().filter_map(variant).collect()
}

/// The pictures of a product as a webhook tells them.
struct Told {
    is_told: bool,
    /// Of the whole product.
    shared: Option<String>,
    each: Vec<payloads::Image>,
}

impl Told {
    fn of(
        image: Option<payloads::Image>,
        images: Option<Vec<payloads::Image>>,
        media: Option<Vec<payloads::Media>>,
    ) -> Told {
        let is_told = image.is_some() || images.is_some() || media.is_some();
        let each = images.unwrap_or_default();
        // A video has a picture too, and may be all there is.
        let shown = media.into_iter().flatten();
        let mut previews = shown.filter_map(|media| media.preview_image?.src);
        let shared = image.and_then(|image| image.src);
        let shared = shared.or_else(|| each.first().and_then(|image| image.src.clone()));
        Told {
            is_told,
            shared: shared.or_else(|| previews.next()),
            each,
        }
    }

    fn of_variant(&self, id: Option<&payloads::Id>) -> Picture {
        if !self.is_told {
            return Picture::Untold;
        }
        let is_own = |image: &&payloads::Image| id.is_some() && image.id.as_ref() == id;
        let own = self.each.iter().find(is_own);
        let own = own.and_then(|image| image.src.clone());
        picture(own.or_else(|| self.shared.clone()))
    }
}

fn picture(url: Option<String>) -> Picture {
    let url = url.and_then(filled);
    url.filter(|url| url.len() <= LONGEST_URL)
        .map_or(Picture::Missing, Picture::At)
}

fn filled(text: String) -> Option<String> {
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

fn option_title(title: String) -> Option<String> {
    filled(title).filter(|title| title != ONLY_VARIANT)
}

fn moment(text: &str) -> Option<At> {
    At::parse(text).ok()
}

fn later(product: At, variant: Option<&str>) -> At {
    variant
        .and_then(moment)
        .map_or(product, |at| at.max(product))
}

fn minor(price: &str, currency: Option<&str>) -> Option<i64> {
    let currency: Currency = currency?.parse().ok()?;
    let (money, _) = Money::parse_rounded(price, currency).ok()?;
    Some(money.minor)
}

fn word<T: serde::Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

// Shopify sends weights as floats. Their shortest decimal text is what the merchant typed: it is counted
// in millionths of the unit and multiplied in whole micrograms.
fn grams(value: f64, unit: &str) -> Option<i64> {
    let micrograms_per_unit: i128 = match unit {
        "GRAMS" => 1_000_000,
        "KILOGRAMS" => 1_000_000_000,
        "OUNCES" => 28_349_523,
        "POUNDS" => 453_592_370,
        _ => return None,
    };
    let text = value.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction: String = fraction.chars().take(MILLIONTHS).collect();
    let millionths: i128 = format!("{whole}{fraction:0<MILLIONTHS$}").parse().ok()?;
    let grams = (millionths * micrograms_per_unit + 500_000_000_000) / 1_000_000_000_000;
    i64::try_from(grams).ok().filter(|grams| *grams >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_becomes_whole_grams() {
        assert_eq!(grams(0.25, "KILOGRAMS"), Some(250));
        assert_eq!(grams(100.0, "GRAMS"), Some(100));
        assert_eq!(grams(1.0, "POUNDS"), Some(454));
        assert_eq!(grams(12.0, "OUNCES"), Some(340));
        assert_eq!(grams(0.0, "GRAMS"), Some(0));
        assert_eq!(grams(1.0, "STONES"), None);
    }

    #[test]
    fn a_webhook_lists_variants_that_it_leaves_out() {
        let body =
            br#"{"id":9007199254740993,"title":"Tea","updated_at":"2026-11-01T10:00:00+02:00",
            "variants":[{"id":1,"title":"Default Title","sku":"","barcode":null,"price":"4.50",
            "inventory_item_id":5,"updated_at":"2026-11-01T10:00:01+02:00"}],
            "variant_gids":[{"admin_graphql_api_id":"gid://shopify/ProductVariant/1"},
            {"admin_graphql_api_id":"gid://shopify/ProductVariant/2"}],"unknown":{}}"#;
        let product = read_webhook(body, Some("USD")).expect("a product");
        assert_eq!(product.external_id, "9007199254740993");
        assert_eq!(product.all_ids, ["1", "2"]);
        let variant = &product.variants[0];
        assert_eq!((&variant.sku, &variant.variant_title), (&None, &None));
        assert_eq!(variant.price_minor, Some(450));
        assert_eq!(variant.updated_at.since(product.updated_at).as_secs(), 1);
        assert!(read_webhook(br#"{"id":1"#, None).is_err());
    }
}
