//! The carriers that Shopify knows by name: sent exactly so, it makes the tracking link by itself.
//! Source: the documentation of `FulfillmentTrackingInfo.company`, version 2026-10.

/// Offered first, because most parcels go with them.
pub const USUAL: &[&str] = &["UPS", "USPS", "FedEx", "DHL Express"];

/// Known in every store.
const EVERYWHERE: &[&str] = &[
    "4PX",
    "AGS",
    "Amazon",
    "Amazon Logistics UK",
    "An Post",
    "Anjun Logistics",
    "APC",
    "Asendia USA",
    "Australia Post",
    "Bonshaw",
    "BPost",
    "BPost International",
    "Canada Post",
    "Canpar",
    "CDL Last Mile",
    "China Post",
    "Chronopost",
    "Chukou1",
    "Colissimo",
    "Comingle",
    "Coordinadora",
    "Correios",
    "Correos",
    "CTT",
    "CTT Express",
    "Cyprus Post",
    "Delnext",
    "Deutsche Post",
    "DHL eCommerce",
    "DHL eCommerce Asia",
    "DHL Express",
    "DPD",
    "DPD Local",
    "DPD UK",
    "DTD Express",
    "DX",
    "Eagle",
    "Estes",
    "Evri",
    "FedEx",
    "First Global Logistics",
    "First Line",
    "FSC",
    "Fulfilla",
    "GLS",
    "Guangdong Weisuyi Information Technology (WSE)",
    "Heppner Internationale Spedition GmbH & Co.",
    "Iceland Post",
    "IDEX",
    "Israel Post",
    "Japan Post (EN)",
    "Japan Post (JA)",
    "La Poste Colissimo",
    "La Poste Burkina Faso",
    "Lasership",
    "Latvia Post",
    "Lietuvos Paštas",
    "Logisters",
    "Lone Star Overnight",
    "M3 Logistics",
    "Meteor Space",
    "Mondial Relay",
    "New Zealand Post",
    "NinjaVan",
    "North Russia Supply Chain (Shenzhen) Co.",
    "OnTrac",
    "Packeta",
    "Pago Logistics",
    "Ping An Da Tengfei Express",
    "Pitney Bowes",
    "Portal PostNord",
    "Poste Italiane",
    "PostNL",
    "PostNord DK",
    "PostNord NO",
    "PostNord SE",
    "Purolator",
    "Qxpress",
    "Qyun Express",
    "Royal Mail",
    "Royal Shipments",
    "Sagawa (EN)",
    "Sagawa (JA)",
    "Sendle",
    "SF Express",
    "SFC Fulfillment",
    "ShipBob",
    "SHREE NANDAN COURIER",
    "Singapore Post",
    "Southwest Air Cargo",
    "StarTrack",
    "Step Forward Freight",
    "Swiss Post",
    "TForce Final Mile",
    "Tinghao",
    "TNT",
    "Toll IPEC",
    "United Delivery Service",
    "UPS",
    "USPS",
    "Venipak",
    "We Post",
    "Whistl",
    "Wizmo",
    "WMYC",
    "Xpedigo",
    "XPO Logistics",
    "Yamato (EN)",
    "Yamato (JA)",
    "YiFan Express",
    "YunExpress",
];

/// Known as well in stores of these countries.
const BY_COUNTRY: &[(&str, &[&str])] = &[
    (
        "AU",
        &[
            "Australia Post",
            "Sendle",
            "Aramex Australia",
            "TNT Australia",
            "Hunter Express",
            "Couriers Please",
            "Bonds",
            "Allied Express",
            "Direct Couriers",
            "Northline",
            "GO Logistics",
        ],
    ),
    ("AT", &["Österreichische Post"]),
    ("BG", &["Speedy"]),
    ("CA", &["Intelcom", "BoxKnight", "Loomis", "GLS"]),
    (
        "CN",
        &[
            "China Post",
            "DHL eCommerce Asia",
            "WanbExpress",
            "YunExpress",
            "Anjun Logistics",
            "SFC Fulfillment",
            "FSC",
        ],
    ),
    ("CZ", &["Zásilkovna"]),
    (
        "DE",
        &[
            "Deutsche Post (DE)",
            "Deutsche Post (EN)",
            "DHL",
            "DHL Express",
            "Swiship",
            "Hermes",
            "GLS",
        ],
    ),
    ("ES", &["SEUR"]),
    ("FR", &["Colissimo", "Mondial Relay", "Colis Privé", "GLS"]),
    (
        "GB",
        &[
            "Evri",
            "DPD UK",
            "Parcelforce",
            "Yodel",
            "DHL Parcel",
            "Tuffnells",
        ],
    ),
    ("GR", &["ACS Courier"]),
    ("HK", &["SF Express"]),
    ("IE", &["Fastway", "DPD Ireland"]),
    (
        "IN",
        &[
            "DTDC",
            "India Post",
            "Delhivery",
            "Gati KWE",
            "Professional Couriers",
            "XpressBees",
            "Ecom Express",
            "Ekart",
            "Shadowfax",
            "Bluedart",
        ],
    ),
    ("IT", &["BRT", "GLS Italy"]),
    (
        "JP",
        &[
            "エコ配",
            "西濃運輸",
            "西濃スーパーエキスプレス",
            "福山通運",
            "日本通運",
            "名鉄運輸",
            "第一貨物",
        ],
    ),
    ("NL", &["DHL Parcel", "DPD"]),
    ("NO", &["Bring"]),
    ("PL", &["Inpost"]),
    ("TR", &["PTT", "Yurtiçi Kargo", "Aras Kargo", "Sürat Kargo"]),
    (
        "US",
        &[
            "GLS",
            "Alliance Air Freight",
            "Pilot Freight",
            "LSO",
            "Old Dominion",
            "Pandion",
            "R+L Carriers",
            "Southwest Air Cargo",
        ],
    ),
    ("ZA", &["Fastway", "Skynet"]),
];

/// The carriers to offer, in alphabetical order, without [`USUAL`].
#[must_use]
pub fn others(country_code: Option<&str>) -> Vec<&'static str> {
    let own = BY_COUNTRY
        .iter()
        .filter(|(country, _names)| Some(*country) == country_code)
        .flat_map(|(_country, names)| names.iter());
    let mut names: Vec<&'static str> = EVERYWHERE
        .iter()
        .chain(own)
        .copied()
        .filter(|name| !USUAL.contains(name))
        .collect();
    names.sort_by_key(|name| name.to_lowercase());
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dhl_alone_is_a_name_in_germany_only() {
        assert!(others(Some("DE")).contains(&"DHL"));
        assert!(!others(Some("US")).contains(&"DHL"));
        assert!(others(None).contains(&"PostNL"));
        assert!(USUAL.iter().all(|name| EVERYWHERE.contains(name)));
    }
}
