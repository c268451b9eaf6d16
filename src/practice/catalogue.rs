//! What Fernwood Tea sells: the fixed list that a new practice store starts with.

use std::collections::BTreeMap;

/// One thing of the store's catalogue, told in words that any program can use for its own items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueItem {
    pub sku: Option<String>,
    pub barcode: Option<String>,
    /// Product and variant in one line: `Sencha Fukamushi, 100 g`.
    pub title: String,
    pub weight_grams: u32,
    /// In cents of US dollars.
    pub price_minor: i64,
    /// In cents of US dollars.
    pub cost_minor: i64,
    pub requires_shipping: bool,
    /// How many lie where, by the location's name.
    pub quantities: BTreeMap<String, i64>,
    /// Whether the store thinks of it as an everyday article; the others are there to be mapped by hand.
    pub ordinary: bool,
}

/// The two places the store ships from.
pub(super) const LOCATIONS: [&str; 2] = ["Portland DC", "Reno"];

/// What is special about a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Ordinary,
    /// Appeared in the store only lately.
    New,
    NoSku,
    NoBarcode,
    OnlyPortland,
    OnlyReno,
    GiftCard,
    Service,
}

/// A product of the fixed list.
pub(super) struct Article {
    pub(super) title: &'static str,
    pub(super) kind: &'static str,
    pub(super) code: &'static str,
    pub(super) option: &'static str,
    /// Title, end of the SKU, cents, grams.
    pub(super) variants: &'static [(&'static str, &'static str, i64, u32)],
    pub(super) sort: Sort,
}

const fn article(
    title: &'static str,
    kind: &'static str,
    code: &'static str,
    option: &'static str,
    variants: &'static [(&'static str, &'static str, i64, u32)],
    sort: Sort,
) -> Article {
    Article {
        title,
        kind,
        code,
        option,
        variants,
        sort,
    }
}

const TEA_S: &[(&str, &str, i64, u32)] = &[
    ("50 g", "050", 890, 68),
    ("100 g", "100", 1590, 120),
    ("250 g", "250", 3490, 285),
];
const TEA_M: &[(&str, &str, i64, u32)] = &[
    ("50 g", "050", 1290, 68),
    ("100 g", "100", 2290, 120),
    ("250 g", "250", 4990, 285),
];
const TEA_L: &[(&str, &str, i64, u32)] = &[("50 g", "050", 1950, 68), ("100 g", "100", 3590, 120)];
const HERB: &[(&str, &str, i64, u32)] = &[("75 g", "075", 795, 92), ("200 g", "200", 1750, 230)];

/// Every product, in the order of its ids, one a line.
#[rustfmt::skip]
pub(super) const ARTICLES: &[Article] = &[
    article("Sencha Fukamushi", "Green tea", "SEN", "Weight", TEA_S, Sort::Ordinary),
    article("Gyokuro Asahi", "Green tea", "GYO", "Weight", TEA_L, Sort::Ordinary),
    article("Genmaicha with Matcha", "Green tea", "GEN", "Weight", TEA_S, Sort::Ordinary),
    article("Hojicha Dark Roast", "Green tea", "HOJ", "Weight", TEA_S, Sort::Ordinary),
    article("Dragon Well Longjing", "Green tea", "LON", "Weight", TEA_M, Sort::Ordinary),
    article("Jasmine Pearls", "Green tea", "JAS", "Weight", TEA_M, Sort::Ordinary),
    article("Gunpowder Temple of Heaven", "Green tea", "GUN", "Weight", TEA_S, Sort::Ordinary),
    article("Silver Needle", "White tea", "SIL", "Weight", TEA_L, Sort::Ordinary),
    article("White Peony Bai Mu Dan", "White tea", "PEO", "Weight", TEA_M, Sort::Ordinary),
    article("Tie Guan Yin Spring", "Oolong", "TGY", "Weight", TEA_M, Sort::Ordinary),
    article("Milk Oolong Jin Xuan", "Oolong", "MIL", "Weight", TEA_M, Sort::Ordinary),
    article("Da Hong Pao", "Oolong", "DHP", "Weight", TEA_L, Sort::OnlyPortland),
    article("Oriental Beauty", "Oolong", "ORI", "Weight", TEA_L, Sort::OnlyReno),
    article("Assam Mangalam FTGFOP", "Black tea", "ASS", "Weight", TEA_S, Sort::Ordinary),
    article("Darjeeling First Flush", "Black tea", "DAR", "Weight", TEA_M, Sort::Ordinary),
    article("Ceylon Uva Highlands", "Black tea", "UVA", "Weight", TEA_S, Sort::Ordinary),
    article("Keemun Hao Ya", "Black tea", "KEE", "Weight", TEA_M, Sort::Ordinary),
    article("Lapsang Souchong", "Black tea", "LAP", "Weight", TEA_S, Sort::Ordinary),
    article("Earl Grey Blue Flower", "Black tea", "EAR", "Weight", TEA_S, Sort::Ordinary),
    article("Masala Chai", "Black tea", "CHA", "Weight", TEA_S, Sort::Ordinary),
    article("Fernwood Breakfast", "Black tea", "BRK", "Weight", TEA_S, Sort::Ordinary),
    article("Shou Pu-erh 2019 Cake", "Pu-erh", "PUE", "Size", &[("200 g cake", "200", 4200, 240), ("357 g cake", "357", 6800, 405)], Sort::Ordinary),
    article("Rooibos Cape Orange", "Herbal", "ROO", "Weight", HERB, Sort::Ordinary),
    article("Peppermint Leaf", "Herbal", "PEP", "Weight", HERB, Sort::Ordinary),
    article("Chamomile Flowers", "Herbal", "CAM", "Weight", HERB, Sort::Ordinary),
    article("Lemongrass & Ginger", "Herbal", "LEM", "Weight", HERB, Sort::Ordinary),
    article("Hibiscus Berry", "Herbal", "HIB", "Weight", HERB, Sort::NoBarcode),
    article("Matcha Ceremonial Uji", "Matcha", "MAT", "Size", &[("30 g tin", "030", 2850, 75), ("100 g tin", "100", 7900, 165)], Sort::Ordinary),
    article("Matcha Culinary", "Matcha", "MCU", "Size", &[("100 g bag", "100", 1890, 112), ("500 g bag", "500", 7450, 520)], Sort::Ordinary),
    article("Cast Iron Kettle Arare", "Teaware", "KET", "Colour", &[("Black", "BLK", 8900, 1850), ("Moss", "MOS", 8900, 1850)], Sort::Ordinary),
    article("Kyusu Side-Handle Pot", "Teaware", "KYU", "Volume", &[("280 ml", "280", 5400, 420), ("360 ml", "360", 6200, 510)], Sort::Ordinary),
    article("Gaiwan White Porcelain", "Teaware", "GAI", "Volume", &[("120 ml", "120", 2400, 260)], Sort::Ordinary),
    article("Bamboo Whisk Chasen", "Teaware", "WHI", "Prongs", &[("80", "080", 1950, 60), ("100", "H00", 2350, 60)], Sort::Ordinary),
    article("Double-Wall Glass", "Teaware", "GLA", "Pack", &[("Single", "001", 1450, 210), ("Pair", "002", 2650, 430)], Sort::OnlyReno),
    article("Linen Tea Towel", "Teaware", "TOW", "Title", &[("Default Title", "001", 1200, 95)], Sort::NoSku),
    article("Paper Filters", "Accessories", "FIL", "Pack", &[("100 pieces", "100", 690, 110)], Sort::Ordinary),
    article("Tea Storage Tin", "Accessories", "TIN", "Size", &[("Small", "S", 990, 140), ("Large", "L", 1490, 230)], Sort::NoBarcode),
    article("Discovery Box Six Teas", "Sets", "BOX", "Title", &[("Default Title", "006", 3900, 540)], Sort::OnlyPortland),
    article("Harvest Sampler 2026", "Sets", "SAM", "Title", &[("Default Title", "026", 2900, 320)], Sort::NoSku),
    article("Gyokuro Reserve Lot 7", "Green tea", "NEW", "Title", &[("Default Title", "007", 4800, 68)], Sort::New),
    article("Fernwood Gift Card", "Gift card", "GIF", "Denomination", &[("$25.00", "025", 2500, 0), ("$50.00", "050", 5000, 0)], Sort::GiftCard),
    article("Online Tea Tasting", "Event", "EVE", "Title", &[("Default Title", "001", 3500, 0)], Sort::Service),
];

/// The catalogue with the stock that a new store starts with.
pub fn catalogue() -> Vec<CatalogueItem> {
    let mut items = Vec::new();
    let mut position = 0;
    for article in ARTICLES {
        for variant in article.variants {
            items.push(item(article, *variant, position));
            position += 1;
        }
    }
    items
}

fn item(article: &Article, variant: (&str, &str, i64, u32), position: u32) -> CatalogueItem {
    let (title, end, price_minor, weight_grams) = variant;
    let virtual_good = matches!(article.sort, Sort::GiftCard | Sort::Service);
    let title = if title == "Default Title" {
        article.title.to_owned()
    } else {
        format!("{}, {title}", article.title)
    };
    CatalogueItem {
        sku: sku(article, end),
        barcode: barcode(article, position),
        title,
        weight_grams,
        price_minor,
        cost_minor: price_minor * 42 / 100,
        requires_shipping: !virtual_good,
        quantities: if virtual_good {
            BTreeMap::new()
        } else {
            quantities(article.sort, position)
        },
        ordinary: matches!(
            article.sort,
            Sort::Ordinary | Sort::NoBarcode | Sort::OnlyPortland | Sort::OnlyReno
        ),
    }
}

pub(super) fn sku(article: &Article, end: &str) -> Option<String> {
    (article.sort != Sort::NoSku).then(|| format!("FT-{}-{end}", article.code))
}

/// An EAN-13 with its check digit.
pub(super) fn barcode(article: &Article, position: u32) -> Option<String> {
    if matches!(
        article.sort,
        Sort::NoBarcode | Sort::NoSku | Sort::GiftCard | Sort::Service
    ) {
        return None;
    }
    let digits = format!("42608150{:04}", 1000 + position * 7);
    let sum: u32 = digits
        .chars()
        .filter_map(|digit| digit.to_digit(10))
        .zip([1, 3].into_iter().cycle())
        .map(|(digit, weight)| digit * weight)
        .sum();
    Some(format!("{digits}{}", (10 - sum % 10) % 10))
}

pub(super) fn quantities(sort: Sort, position: u32) -> BTreeMap<String, i64> {
    let (portland, reno) = (
        i64::from(40 + position * 13 % 160),
        i64::from(25 + position * 29 % 90),
    );
    let both = [
        (LOCATIONS[0].to_owned(), portland),
        (LOCATIONS[1].to_owned(), reno),
    ];
    let keep = |name: &str| match sort {
        Sort::OnlyPortland => name == LOCATIONS[0],
        Sort::OnlyReno => name == LOCATIONS[1],
        Sort::Ordinary
        | Sort::New
        | Sort::NoSku
        | Sort::NoBarcode
        | Sort::GiftCard
        | Sort::Service => true,
    };
    both.into_iter().filter(|(name, _)| keep(name)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_sku_and_barcode_names_one_thing() {
        let items = catalogue();
        let skus: Vec<_> = items.iter().filter_map(|item| item.sku.clone()).collect();
        assert_eq!(skus.iter().collect::<BTreeSet<_>>().len(), skus.len());
        let barcodes: Vec<_> = items
            .iter()
            .filter_map(|item| item.barcode.clone())
            .collect();
        assert_eq!(
            barcodes.iter().collect::<BTreeSet<_>>().len(),
            barcodes.len()
        );
        assert!(barcodes.iter().all(|code| code.len() == 13));
        assert!(items.iter().any(|item| item.sku.is_none()));
    }
}
