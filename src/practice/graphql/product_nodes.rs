//! Products, variants, inventory items and stock levels as GraphQL objects.

use super::value::{
    Args, Conn, Obj, Ref, Val, count, id, leaf, maybe, money, null, obj, object, strings, time,
    unsigned,
};
use crate::practice::model::{Level, Product, Variant};
use crate::practice::money::rest;
use crate::practice::pictures;
use crate::practice::state::State;

/// The quantities Shopify keeps, as far as the practice store tells them apart.
const QUANTITIES: [&str; 8] = [
    "available",
    "on_hand",
    "committed",
    "incoming",
    "reserved",
    "damaged",
    "safety_stock",
    "quality_control",
];

pub(super) fn make(state: &State, found: Ref) -> Option<Obj> {
    match found {
        Ref::Product(id) => {
            let found = state.products.get(id);
            found.map(|one| product(one, &state.site))
        }
        Ref::Variant(id) => state
            .variant(id)
            .map(|(product, one)| variant(product, one, &state.site)),
        Ref::Item(id) => state
            .variant_by_item(id)
            .map(|(product, one)| item(product, one)),
        Ref::Level(item_id, location_id) => {
            let (_, one) = state.variant_by_item(item_id)?;
            let active = !is_closed(state, location_id);
            let known = one.levels.get(&location_id)?;
            Some(level(item_id, location_id, known, active))
        }
        Ref::Shop
        | Ref::App
        | Ref::Installation
        | Ref::Location(_)
        | Ref::Subscription(_)
        | Ref::Customer(_)
        | Ref::Order(_)
        | Ref::Line(..)
        | Ref::FulfillmentOrder(_)
        | Ref::Fulfillment(_)
        | Ref::Refund(..)
        | Ref::Return(..)
        | Ref::Transaction(..) => None,
    }
}

/// Fields whose value depends on their arguments.
pub(super) fn computed(state: &State, source: Ref, name: &str, args: &Args) -> Option<Val> {
    match (source, name) {
        (Ref::Item(item_id), "inventoryLevel") => {
            let (_, one) = state.variant_by_item(item_id)?;
            let shown = |id: &u64| args.flag("includeInactive") || !is_closed(state, *id);
            let location_id = args
                .gid("locationId", "Location")
                .filter(|id| one.levels.contains_key(id) && shown(id));
            Some(location_id.map_or_else(null, |location_id| {
                Val::Ref(Ref::Level(item_id, location_id))
            }))
        }
        (Ref::Level(item_id, location_id), "quantities") => {
            let (_, one) = state.variant_by_item(item_id)?;
            let known = one.levels.get(&location_id)?;
            Some(Val::List(
                args.texts("names")
                    .iter()
                    .filter_map(|name| quantity(item_id, location_id, known, name))
                    .collect(),
            ))
        }
        (Ref::Product(id), "description") => {
            let text = state
                .products
                .get(id)?
                .body_html
                .replace("<p>", "")
                .replace("</p>", "");
            let length = args
                .number("truncateAt")
                .and_then(|length| usize::try_from(length).ok())
                .unwrap_or(usize::MAX);
            Some(leaf(text.chars().take(length).collect::<String>()))
        }
        _ => None,
    }
}

fn quantity(item_id: u64, location_id: u64, level: &Level, name: &str) -> Option<Val> {
    if !QUANTITIES.contains(&name) {
        return None;
    }
    let amount = match name {
        "available" => level.available,
        "on_hand" => level.available + level.committed,
        "committed" => level.committed,
        _ => 0,
    };
    Some(object(
        "InventoryQuantity",
        [
            (
                "id",
                leaf(format!(
                    "gid://shopify/InventoryQuantity/{location_id}?inventory_item_id={item_id}&name={name}"
                )),
            ),
            ("name", leaf(name)),
            ("quantity", leaf(amount)),
            ("updatedAt", time(level.updated_at)),
        ],
    ))
}

/// What `inventoryProperties` tells.
pub(super) fn properties() -> Val {
    let one = |name: &&str| {
        let parts: &[&str] = if *name == "on_hand" {
            &[
                "available",
                "committed",
                "reserved",
                "damaged",
                "safety_stock",
                "quality_control",
            ]
        } else {
            &[]
        };
        let belongs: &[&str] = if matches!(*name, "on_hand" | "incoming") {
            &[]
        } else {
            &["on_hand"]
        };
        object(
            "InventoryQuantityName",
            [
                ("name", leaf(*name)),
                ("displayName", leaf(name.replace('_', " "))),
                (
                    "isInUse",
                    leaf(matches!(*name, "available" | "on_hand" | "committed")),
                ),
                ("belongsTo", strings(belongs)),
                ("comprises", strings(parts)),
            ],
        )
    };
    object(
        "InventoryProperties",
        [(
            "quantityNames",
            Val::List(QUANTITIES.iter().map(one).collect()),
        )],
    )
}

/// A picture as the media of a product or variant.
fn media(number: u64, site: &str, picture: &str) -> Val {
    let image = object(
        "Image",
        [
            ("id", id("ProductImage", number)),
            ("url", leaf(pictures::address(site, picture))),
            ("altText", null()),
            ("width", null()),
            ("height", null()),
        ],
    );
    let preview = object(
        "MediaPreviewImage",
        [("image", image), ("status", leaf("READY"))],
    );
    object(
        "MediaImage",
        [
            ("id", id("MediaImage", number)),
            ("alt", null()),
            ("mediaContentType", leaf("IMAGE")),
            ("status", leaf("READY")),
            ("preview", preview),
        ],
    )
}

fn product(one: &Product, site: &str) -> Obj {
    let values = one.variants.iter().map(|variant| {
        object(
            "ProductOptionValue",
            [
                ("id", id("ProductOptionValue", variant.option_value_id)),
                ("name", leaf(variant.title.as_str())),
                ("hasVariants", leaf(true)),
                ("linkedMetafieldValue", null()),
            ],
        )
    });
    let option = object(
        "ProductOption",
        [
            ("id", id("ProductOption", one.option_id)),
            ("name", leaf(one.option_name.as_str())),
            ("position", leaf(1)),
            (
                "values",
                strings(
                    &one.variants
                        .iter()
                        .map(|variant| variant.title.as_str())
                        .collect::<Vec<_>>(),
                ),
            ),
            ("optionValues", Val::List(values.collect())),
        ],
    );
    let stock: i64 = one.variants.iter().map(Variant::available).sum();
    obj(
        "Product",
        [
            ("id", id("Product", one.id)),
            ("legacyResourceId", unsigned(one.id)),
            ("title", leaf(one.title.as_str())),
            ("handle", leaf(one.handle.as_str())),
            ("status", leaf("ACTIVE")),
            ("vendor", leaf(one.vendor.as_str())),
            ("productType", leaf(one.product_type.as_str())),
            ("tags", strings(&one.tags)),
            ("isGiftCard", leaf(one.is_gift_card)),
            ("descriptionHtml", leaf(one.body_html.as_str())),
            ("bodyHtml", leaf(one.body_html.as_str())),
            (
                "hasOnlyDefaultVariant",
                leaf(
                    one.variants.len() == 1
                        && one
                            .variants
                            .iter()
                            .all(|variant| variant.title == "Default Title"),
                ),
            ),
            (
                "hasOutOfStockVariants",
                leaf(
                    one.variants
                        .iter()
                        .any(|variant| variant.tracked && variant.available() <= 0),
                ),
            ),
            ("hasVariantsThatRequiresComponents", leaf(false)),
            (
                "tracksInventory",
                leaf(one.variants.iter().any(|variant| variant.tracked)),
            ),
            ("totalInventory", leaf(stock)),
            ("totalVariants", leaf(one.variants.len())),
            ("variantsCount", count(one.variants.len())),
            ("options", Val::List(vec![option])),
            (
                "variants",
                Conn::listed(
                    "ProductVariant",
                    one.variants
                        .iter()
                        .map(|variant| Val::Ref(Ref::Variant(variant.id))),
                ),
            ),
            (
                "featuredMedia",
                one.picture
                    .as_deref()
                    .map_or_else(null, |it| media(one.option_id, site, it)),
            ),
            ("onlineStoreUrl", null()),
            ("templateSuffix", null()),
            ("metafield", null()),
            ("requiresSellingPlan", leaf(false)),
            ("createdAt", time(one.created_at)),
            ("updatedAt", time(one.updated_at)),
            ("publishedAt", time(one.created_at)),
        ],
    )
}

fn variant(product: &Product, one: &Variant, site: &str) -> Obj {
    let own = one.picture.as_deref();
    let own = own.map(|it| media(one.option_value_id, site, it));
    let position = product
        .variants
        .iter()
        .position(|known| known.id == one.id)
        .map_or(1, |nth| nth + 1);
    let default = one.title == "Default Title";
    let name = if default {
        product.title.clone()
    } else {
        format!("{} - {}", product.title, one.title)
    };
    let option = object(
        "SelectedOption",
        [
            ("name", leaf(product.option_name.as_str())),
            ("value", leaf(one.title.as_str())),
        ],
    );
    obj(
        "ProductVariant",
        [
            ("id", id("ProductVariant", one.id)),
            ("legacyResourceId", unsigned(one.id)),
            ("title", leaf(one.title.as_str())),
            ("displayName", leaf(name)),
            ("sku", maybe(one.sku.clone())),
            ("barcode", maybe(one.barcode.clone())),
            ("price", leaf(price(one.price))),
            ("compareAtPrice", null()),
            ("taxable", leaf(one.taxable)),
            ("position", leaf(position)),
            ("inventoryPolicy", leaf("DENY")),
            ("inventoryQuantity", leaf(one.available())),
            ("sellableOnlineQuantity", leaf(one.available())),
            (
                "availableForSale",
                leaf(!one.tracked || one.available() > 0),
            ),
            ("requiresComponents", leaf(false)),
            ("showUnitPrice", leaf(false)),
            ("unitPrice", null()),
            ("metafield", null()),
            ("selectedOptions", Val::List(vec![option])),
            ("media", Conn::listed("Media", own)),
            ("product", Val::Ref(Ref::Product(product.id))),
            ("inventoryItem", Val::Ref(Ref::Item(one.inventory_item_id))),
            ("createdAt", time(product.created_at)),
            ("updatedAt", time(one.updated_at)),
        ],
    )
}

fn item(product: &Product, one: &Variant) -> Obj {
    let weight = object(
        "Weight",
        [
            ("value", leaf(f64::from(one.grams))),
            ("unit", leaf("GRAMS")),
        ],
    );
    let levels = one
        .levels
        .keys()
        .map(|location_id| Val::Ref(Ref::Level(one.inventory_item_id, *location_id)));
    obj(
        "InventoryItem",
        [
            ("id", id("InventoryItem", one.inventory_item_id)),
            ("legacyResourceId", unsigned(one.inventory_item_id)),
            ("sku", maybe(one.sku.clone())),
            ("tracked", leaf(one.tracked)),
            ("requiresShipping", leaf(one.requires_shipping)),
            ("unitCost", money(one.cost, "USD")),
            (
                "measurement",
                object(
                    "InventoryItemMeasurement",
                    [
                        ("id", id("InventoryItemMeasurement", one.inventory_item_id)),
                        ("weight", if one.grams == 0 { null() } else { weight }),
                    ],
                ),
            ),
            ("harmonizedSystemCode", null()),
            ("countryCodeOfOrigin", null()),
            ("provinceCodeOfOrigin", null()),
            ("duplicateSkuCount", leaf(0)),
            ("inventoryHistoryUrl", null()),
            ("locationsCount", count(one.levels.len())),
            ("inventoryLevels", Conn::listed("InventoryLevel", levels)),
            ("variant", Val::Ref(Ref::Variant(one.id))),
            (
                "variants",
                Conn::listed("ProductVariant", [Val::Ref(Ref::Variant(one.id))]),
            ),
            ("createdAt", time(product.created_at)),
            ("updatedAt", time(one.updated_at)),
        ],
    )
}

fn is_closed(state: &State, location_id: u64) -> bool {
    let location = state.locations.get(location_id);
    location.is_some_and(|location| location.closed)
}

fn level(item_id: u64, location_id: u64, one: &Level, active: bool) -> Obj {
    obj(
        "InventoryLevel",
        [
            (
                "id",
                leaf(format!(
                    "gid://shopify/InventoryLevel/{location_id}?inventory_item_id={item_id}"
                )),
            ),
            ("isActive", leaf(active)),
            ("canDeactivate", leaf(one.committed == 0)),
            ("deactivationAlert", null()),
            ("item", Val::Ref(Ref::Item(item_id))),
            ("location", Val::Ref(Ref::Location(location_id))),
            ("createdAt", time(one.updated_at)),
            ("updatedAt", time(one.updated_at)),
        ],
    )
}

/// A variant's price, written as `Money` is.
fn price(cents: i64) -> String {
    rest(cents, "USD")
}
