//! The kinds of order a person can place: each shows the ERP something that real orders have.

use super::OrderKind;
use super::model::{Address, Discount, Order, Product, Risk, Variant};
use super::state::State;

/// The shipping method of what the store drives itself.
pub(super) const LOCAL_DELIVERY: &str = "Local delivery";

/// What a customer of a kind puts into the cart and how they check out.
pub(super) struct Cart {
    pub(super) goods: Vec<Good>,
    pub(super) discount: Option<Discount>,
    pub(super) tax: Option<(&'static str, i64)>,
    pub(super) taxes_included: bool,
    /// Title and cents.
    pub(super) shipping: Option<(&'static str, i64)>,
    pub(super) buyer: Option<Buyer>,
    pub(super) presentment: (&'static str, i64),
    pub(super) payment: Payment,
    pub(super) tip: Option<i64>,
    pub(super) note: Option<&'static str>,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) tags: Vec<String>,
    pub(super) source_name: &'static str,
    pub(super) risk: Risk,
    /// As `DeliveryMethodType` spells it.
    pub(super) handover: &'static str,
}

pub(super) struct Good {
    pub(super) what: What,
    pub(super) quantity: i64,
    pub(super) properties: Vec<(String, String)>,
}

pub(super) enum What {
    Variant(u64),
    /// Typed by hand at the till or in a draft: title, cents, grams.
    Custom(&'static str, i64, u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payment {
    Paid,
    Authorized,
    Pending,
    Nothing,
}

/// Who orders, from the fixed list of people.
#[derive(Debug, Clone)]
pub(super) struct Buyer {
    pub(super) email: String,
    pub(super) locale: &'static str,
    pub(super) address: Address,
}

/// First, last, street, city, zip, province, code, country, code, locale.
type Person = [&'static str; 10];

const PEOPLE: &[Person] = &[
    [
        "Maya",
        "Okafor",
        "212 Alder St",
        "Seattle",
        "98101",
        "Washington",
        "WA",
        "United States",
        "US",
        "en",
    ],
    [
        "Jonas",
        "Lindqvist",
        "77 Prospect Park W",
        "Brooklyn",
        "11215",
        "New York",
        "NY",
        "United States",
        "US",
        "en",
    ],
    [
        "Renée",
        "Dubois",
        "1400 Magazine St",
        "New Orleans",
        "70130",
        "Louisiana",
        "LA",
        "United States",
        "US",
        "en",
    ],
    [
        "Tomás",
        "Herrera",
        "905 E 6th St",
        "Austin",
        "78702",
        "Texas",
        "TX",
        "United States",
        "US",
        "en",
    ],
    [
        "Priya",
        "Raman",
        "3300 Sacramento St",
        "San Francisco",
        "94118",
        "California",
        "CA",
        "United States",
        "US",
        "en",
    ],
    [
        "Owen",
        "McAllister",
        "18 Spring Ln",
        "Portland",
        "04101",
        "Maine",
        "ME",
        "United States",
        "US",
        "en",
    ],
    [
        "Hana",
        "Kobayashi",
        "641 N Clark St",
        "Chicago",
        "60654",
        "Illinois",
        "IL",
        "United States",
        "US",
        "en",
    ],
    [
        "Ada",
        "Nowak",
        "520 Pearl St",
        "Boulder",
        "80302",
        "Colorado",
        "CO",
        "United States",
        "US",
        "en",
    ],
];
const BERLINER: Person = [
    "Greta",
    "Weißmüller",
    "Sonnenallee 14",
    "Berlin",
    "12047",
    "",
    "",
    "Germany",
    "DE",
    "de",
];
const TOKYOITE: Person = [
    "翔太",
    "佐藤",
    "神宮前1-2-3",
    "渋谷区",
    "150-0001",
    "Tōkyō",
    "JP-13",
    "Japan",
    "JP",
    "ja",
];

fn buyer(person: &Person) -> Buyer {
    let [
        first,
        last,
        street,
        city,
        zip,
        province,
        province_code,
        country,
        country_code,
        locale,
    ] = *person;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let local = if first.is_ascii() && last.is_ascii() {
        format!("{first}.{last}")
    } else {
        format!("tea.{zip}")
    };
    Buyer {
        email: format!("{}@example.com", local.to_lowercase()),
        locale,
        address: Address {
            first_name: some(first),
            last_name: some(last),
            address1: street.to_owned(),
            city: city.to_owned(),
            zip: zip.to_owned(),
            province: some(province),
            province_code: some(province_code),
            country: country.to_owned(),
            country_code: country_code.to_owned(),
            ..Address::default()
        },
    }
}

/// The cart of the `turn`-th order of a store.
pub(super) fn cart(state: &State, kind: OrderKind, turn: u64) -> Cart {
    let mut cart = ordinary(state, turn);
    match kind {
        OrderKind::OneLine => cart.goods.truncate(1),
        OrderKind::SeveralLines => {}
        OrderKind::TwoLocations => {
            cart.goods = goods(state, &[("FT-DHP-050", 1), ("FT-ORI-050", 2)]);
        }
        OrderKind::DiscountCode => {
            cart.discount = Some(Discount {
                code: "STEEP15".to_owned(),
                percent: 15,
            });
        }
        OrderKind::TaxesOnTop => cart.tax = Some(("California State Tax", 72_500)),
        OrderKind::PointOfSale => at_the_till(&mut cart),
        OrderKind::Digital => digital(state, &mut cart),
        OrderKind::UnknownSku => {
            cart.goods.truncate(1);
            cart.goods.extend(goods(state, &[("FT-NEW-007", 1)]));
        }
        OrderKind::CustomLine => {
            cart.goods.truncate(1);
            cart.goods.push(Good {
                what: What::Custom("Engraved wooden box", 2400, 350),
                quantity: 1,
                properties: vec![pair("Engraving", "To Lena & Max")],
            });
            cart.source_name = "shopify_draft_order";
        }
        OrderKind::GiftCard => {
            cart.goods.truncate(1);
            cart.goods.extend(goods(state, &[("FT-GIF-050", 1)]));
        }
        OrderKind::Free => {
            cart.goods.truncate(1);
            cart.discount = Some(Discount {
                code: "FRIENDS100".to_owned(),
                percent: 100,
            });
            cart.shipping = Some(("Free shipping", 0));
            (cart.tax, cart.payment) = (None, Payment::Nothing);
        }
        OrderKind::Euro => abroad(&mut cart, &BERLINER, ("EUR", 920_000), ("MwSt", 70_000)),
        OrderKind::Yen => abroad(&mut cart, &TOKYOITE, ("JPY", 1_513_500), ("消費税", 80_000)),
        OrderKind::Tip => cart.tip = Some(350),
        OrderKind::NoteAndAttributes => noted(&mut cart),
        OrderKind::LocalDelivery => nearby(&mut cart, turn),
        OrderKind::Unpaid => cart.payment = Payment::Pending,
        OrderKind::Authorized => {
            cart.payment = Payment::Authorized;
            cart.risk = Risk::Medium;
        }
        OrderKind::Pickup => {
            cart.shipping = Some(("Pickup in the shop", 0));
            cart.handover = "PICK_UP";
        }
        OrderKind::NoSku => {
            let found = state
                .products
                .iter()
                .find_map(|product| product.variants.iter().find(|one| one.sku.is_none()));
            cart.goods = found
                .map(|variant| good(variant.id, 1))
                .into_iter()
                .collect();
        }
    }
    cart
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn at_the_till(cart: &mut Cart) {
    cart.goods.truncate(2);
    (cart.buyer, cart.shipping) = (None, None);
    cart.source_name = "pos";
    cart.note = Some("");
}

fn digital(state: &State, cart: &mut Cart) {
    cart.goods = goods(state, &[("FT-EVE-001", 1)]);
    cart.shipping = None;
}

fn abroad(
    cart: &mut Cart,
    person: &Person,
    presentment: (&'static str, i64),
    tax: (&'static str, i64),
) {
    cart.buyer = Some(buyer(person));
    cart.presentment = presentment;
    cart.taxes_included = true;
    cart.tax = Some(tax);
    cart.shipping = Some(("International Tracked", 1490));
}

/// Streets around the store: what a van drives in an afternoon.
const NEARBY: &[&str] = &[
    "4110 SE Belmont St",
    "1825 NW 23rd Pl",
    "533 NE Holladay St",
    "2905 N Lombard St",
    "7710 SE Milwaukie Ave",
];

fn nearby(cart: &mut Cart, turn: u64) {
    cart.shipping = Some((LOCAL_DELIVERY, 490));
    cart.goods.truncate(2);
    let street = usize::try_from(turn).unwrap_or(0) % NEARBY.len();
    if let (Some(buyer), Some(street)) = (cart.buyer.as_mut(), NEARBY.get(street)) {
        let address = &mut buyer.address;
        (*street).clone_into(&mut address.address1);
        "Portland".clone_into(&mut address.city);
        "97214".clone_into(&mut address.zip);
        address.province = Some("Oregon".to_owned());
        address.province_code = Some("OR".to_owned());
        address.phone = Some(format!("+1503555{:04}", 100 + turn % 9000));
    }
    cart.note = Some("Side door, please: the front bell is broken.");
}

fn noted(cart: &mut Cart) {
    cart.note = Some("Please wrap it: it's a present.\nRing twice, \"2nd floor\" <left> & wait.");
    cart.attributes = vec![
        pair("Gift", "yes"),
        pair("Delivery day", "Friday"),
        pair("Empty", ""),
    ];
    cart.tags = vec!["gift".to_owned(), "vip".to_owned()];
}

/// A few teas, a buyer from the list, paid by card, taxed where the buyer lives.
fn ordinary(state: &State, turn: u64) -> Cart {
    let plain: Vec<&Variant> = state
        .products
        .iter()
        .filter(|product| everyday(product))
        .flat_map(|product| &product.variants)
        .filter(|variant| variant.levels.values().any(|level| level.available > 5))
        .collect();
    let count = 2 + turn % 3;
    let picked = (0..count).filter_map(|nth| {
        let length = u64::try_from(plain.len()).unwrap_or(1).max(1);
        let index = usize::try_from((turn * 17 + nth * 23 + 5) % length).unwrap_or(0);
        plain
            .get(index)
            .map(|variant| good(variant.id, i64::try_from(1 + (turn + nth) % 3).unwrap_or(1)))
    });
    let mut picked: Vec<Good> = picked.collect();
    if picked.is_empty() {
        picked.push(Good {
            what: What::Custom("Loose tea", 1200, 100),
            quantity: 1,
            properties: Vec::new(),
        });
    }
    let person = usize::try_from(turn).unwrap_or(0) % PEOPLE.len();
    Cart {
        goods: picked,
        discount: None,
        tax: (turn.is_multiple_of(4)).then_some(("Washington State Tax", 65_000)),
        taxes_included: false,
        shipping: Some(if turn.is_multiple_of(5) {
            ("Express", 1290)
        } else {
            ("Standard", 590)
        }),
        buyer: PEOPLE.get(person).map(buyer),
        presentment: ("USD", super::money::WHOLE),
        payment: Payment::Paid,
        tip: None,
        note: None,
        attributes: Vec::new(),
        tags: Vec::new(),
        source_name: "web",
        risk: Risk::Low,
        handover: "SHIPPING",
    }
}

fn everyday(product: &Product) -> bool {
    let skus = product
        .variants
        .iter()
        .all(|variant| variant.sku.is_some() && variant.barcode.is_some());
    skus && !product.is_gift_card
        && product
            .variants
            .iter()
            .all(|variant| variant.levels.len() == 2)
        && product
            .variants
            .iter()
            .all(|variant| variant.sku.as_deref() != Some("FT-NEW-007"))
}

fn good(variant_id: u64, quantity: i64) -> Good {
    Good {
        what: What::Variant(variant_id),
        quantity,
        properties: Vec::new(),
    }
}

fn goods(state: &State, wanted: &[(&str, i64)]) -> Vec<Good> {
    let by_sku = |sku: &str| {
        let mut variants = state.products.iter().flat_map(|product| &product.variants);
        variants
            .find(|variant| variant.sku.as_deref() == Some(sku))
            .map(|variant| variant.id)
    };
    wanted
        .iter()
        .filter_map(|(sku, quantity)| by_sku(sku).map(|id| good(id, *quantity)))
        .collect()
}

/// The variant an edit adds to an order: one that is not in it yet.
pub(super) fn addition(state: &State, order: &Order) -> Option<u64> {
    let mut variants = state
        .products
        .iter()
        .filter(|product| everyday(product))
        .flat_map(|product| &product.variants);
    variants
        .find(|variant| {
            order
                .lines
                .iter()
                .all(|line| line.variant_id != Some(variant.id))
        })
        .map(|variant| variant.id)
}
