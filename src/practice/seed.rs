//! A new practice store: two locations, the catalogue with its stock, no orders.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::catalogue::{self, ARTICLES, Article, LOCATIONS, Sort};
use super::model::{Address, Level, Location, Product, Variant};
use super::state::State;

/// Fills an empty store; a store that was filled before is left alone.
pub(super) fn seed(state: &mut State, now: Timestamp) {
    if state.meta.seeded {
        return;
    }
    let places = [
        ("1805 NW Front Ave", "Portland", "97209", "Oregon", "OR"),
        ("4980 Longley Ln", "Reno", "89502", "Nevada", "NV"),
    ];
    let mut location_ids = BTreeMap::new();
    for (name, place) in LOCATIONS.into_iter().zip(places) {
        let id = state.id();
        location_ids.insert(name.to_owned(), id);
        state.locations.insert(id, location(id, name, place, now));
    }
    let mut position = 0;
    for article in ARTICLES {
        let product = product(state, article, &mut position, &location_ids, now);
        state.products.insert(product.id, product);
    }
    state.meta.seeded = true;
}

/// Adds products of one variant each, with SKUs that count: `BULK-0001`.
pub(super) fn add_products(state: &mut State, count: usize, now: Timestamp) {
    for nth in 1..=count {
        let mut variant = blank_variant(state, "Default Title", 1000, now);
        variant.sku = Some(format!("BULK-{nth:04}"));
        variant.grams = 100;
        let title = format!("Blend No. {nth:04}");
        let product = Product {
            id: state.id(),
            handle: handle(&title),
            title,
            vendor: "Fernwood Tea".to_owned(),
            product_type: "Blend".to_owned(),
            tags: Vec::new(),
            body_html: String::new(),
            option_id: state.id(),
            option_name: "Title".to_owned(),
            is_gift_card: false,
            variants: vec![variant],
            picture: None,
            created_at: now,
            updated_at: now,
        };
        state.products.insert(product.id, product);
    }
}

fn location(
    id: u64,
    name: &str,
    place: (&str, &str, &str, &str, &str),
    now: Timestamp,
) -> Location {
    let (address1, city, zip, province, province_code) = place;
    Location {
        id,
        name: name.to_owned(),
        address: Address {
            address1: address1.to_owned(),
            city: city.to_owned(),
            zip: zip.to_owned(),
            province: Some(province.to_owned()),
            province_code: Some(province_code.to_owned()),
            country: "United States".to_owned(),
            country_code: "US".to_owned(),
            phone: Some("+15035550142".to_owned()),
            company: Some("Fernwood Tea".to_owned()),
            ..Address::default()
        },
        service: false,
        created_at: now,
        closed: false,
    }
}

fn product(
    state: &mut State,
    article: &Article,
    position: &mut u32,
    locations: &BTreeMap<String, u64>,
    now: Timestamp,
) -> Product {
    let mut variants = Vec::new();
    for &(title, end, price, grams) in article.variants {
        let mut variant = blank_variant(state, title, price, now);
        variant.sku = catalogue::sku(article, end);
        variant.barcode = catalogue::barcode(article, *position);
        variant.grams = grams;
        variant.requires_shipping = !matches!(article.sort, Sort::GiftCard | Sort::Service);
        variant.tracked = variant.requires_shipping;
        variant.taxable = article.sort != Sort::GiftCard;
        if variant.tracked {
            for (name, available) in catalogue::quantities(article.sort, *position) {
                if let Some(id) = locations.get(&name) {
                    variant.levels.insert(
                        *id,
                        Level {
                            available,
                            committed: 0,
                            updated_at: now,
                        },
                    );
                }
            }
        }
        variants.push(variant);
        *position += 1;
    }
    Product {
        id: state.id(),
        title: article.title.to_owned(),
        handle: handle(article.title),
        vendor: "Fernwood Tea".to_owned(),
        product_type: article.kind.to_owned(),
        tags: vec![article.kind.to_lowercase()],
        body_html: format!(
            "<p>{} from the Fernwood list.</p>",
            article.title.replace('&', "&amp;")
        ),
        option_id: state.id(),
        option_name: article.option.to_owned(),
        is_gift_card: article.sort == Sort::GiftCard,
        variants,
        picture: None,
        created_at: now,
        updated_at: now,
    }
}

/// A variant that has only its ids, title and price yet.
pub(super) fn blank_variant(state: &mut State, title: &str, price: i64, now: Timestamp) -> Variant {
    Variant {
        id: state.id(),
        inventory_item_id: state.id(),
        option_value_id: state.id(),
        title: title.to_owned(),
        sku: None,
        barcode: None,
        price,
        cost: price * 42 / 100,
        grams: 0,
        requires_shipping: true,
        taxable: true,
        tracked: true,
        bundle: false,
        picture: None,
        levels: BTreeMap::new(),
        updated_at: now,
    }
}

/// `Lemongrass & Ginger` becomes `lemongrass-ginger`.
pub(super) fn handle(title: &str) -> String {
    let mut handle = String::new();
    for letter in title.to_lowercase().chars() {
        if letter.is_ascii_alphanumeric() {
            handle.push(letter);
        } else if !handle.ends_with('-') && !handle.is_empty() {
            handle.push('-');
        }
    }
    handle.trim_end_matches('-').to_owned()
}
