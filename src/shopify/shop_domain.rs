//! The address of a Shopify store: what people type, brought to the one form `name.myshopify.com`.
use std::fmt;

const SUFFIX: &str = ".myshopify.com";
const LONGEST: usize = 255;

/// `name.myshopify.com`, lower case: the only form that is stored, compared and called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct ShopDomain(String);

/// Why an address was not taken; the text says what to type instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShopAddressError {
    #[error("Enter the store's address, like acme.myshopify.com")]
    Empty,
    #[error(
        "{0} is not the address Shopify knows the store by: type the one that ends in .myshopify.com, like acme.myshopify.com. You find it in the Shopify admin under Settings, Domains"
    )]
    CustomDomain(String),
    #[error(
        "A store's address has only letters, digits and hyphens before .myshopify.com, like acme.myshopify.com"
    )]
    NotAName,
}

impl ShopDomain {
    /// Takes what a person types: `acme`, `ACME.myshopify.com `, `https://acme.myshopify.com/admin`,
    /// `https://admin.shopify.com/store/acme`.
    ///
    /// # Errors
    ///
    /// Says what to type instead.
    pub fn parse(typed: &str) -> Result<ShopDomain, ShopAddressError> {
        let address = typed.trim().to_lowercase();
        let address = address
            .strip_prefix("https://")
            .or_else(|| address.strip_prefix("http://"))
            .unwrap_or(&address);
        let (host, path) = match address.find(['/', '?', '#']) {
            Some(end) => address.split_at(end),
            None => (address, ""),
        };
        let host = host.trim_end_matches('.');
        if host.is_empty() {
            return Err(ShopAddressError::Empty);
        }
        if host == "admin.shopify.com" {
            let name = path.strip_prefix("/store/").unwrap_or_default();
            let name = name.split(['/', '?', '#']).next().unwrap_or_default();
            return ShopDomain::exact(&format!("{name}{SUFFIX}")).ok_or(ShopAddressError::NotAName);
        }
        if !host.contains('.') {
            return ShopDomain::exact(&format!("{host}{SUFFIX}")).ok_or(ShopAddressError::NotAName);
        }
        if let Some(domain) = ShopDomain::exact(host) {
            return Ok(domain);
        }
        Err(if host.ends_with(SUFFIX) {
            ShopAddressError::NotAName
        } else {
            ShopAddressError::CustomDomain(host.chars().take(80).collect())
        })
    }

    /// Takes an address as Shopify sends it, in a callback or a header: anchored at both ends,
    /// ASCII alone, nothing before or behind it.
    #[must_use]
    pub fn exact(text: &str) -> Option<ShopDomain> {
        let lower = text.to_ascii_lowercase();
        let name = lower.strip_suffix(SUFFIX)?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let begins = name.bytes().next().is_some_and(plain);
        let goes_on = name.bytes().all(|byte| plain(byte) || byte == b'-');
        (begins && goes_on && lower.len() <= LONGEST).then_some(ShopDomain(lower))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before `.myshopify.com`: what a person types to confirm.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.strip_suffix(SUFFIX).unwrap_or(&self.0)
    }
}

impl fmt::Display for ShopDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_a_store_address_in_many_ways() {
        for typed in [
            "acme",
            " ACME ",
            "acme.myshopify.com",
            "Acme.MyShopify.com.",
            "https://acme.myshopify.com",
            "http://acme.myshopify.com/admin/products?page=2",
            "https://admin.shopify.com/store/acme",
            "admin.shopify.com/store/acme/orders",
        ] {
            let domain = ShopDomain::parse(typed).map(|domain| domain.to_string());
            assert_eq!(domain.as_deref(), Ok("acme.myshopify.com"), "{typed}");
        }
    }

    #[test]
    fn other_addresses_are_told_what_to_type() {
        assert_eq!(ShopDomain::parse("  "), Err(ShopAddressError::Empty));
        for custom in [
            "shop.acme.com",
            "acme.myshopify.com.evil.tld",
            "https://myshopify.com",
            "acme.myshopify.io",
        ] {
            let error = ShopDomain::parse(custom).expect_err(custom);
            assert!(
                matches!(error, ShopAddressError::CustomDomain(_)),
                "{custom}"
            );
            assert!(error.to_string().contains("acme.myshopify.com"));
        }
        for wrong in [
            "ac me",
            "-acme.myshopify.com",
            "a.b.myshopify.com",
            "acmé",
            "acme@evil.tld:x",
            "https://admin.shopify.com/store/",
        ] {
            assert!(ShopDomain::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_exact_form_is_anchored_at_both_ends() {
        assert!(ShopDomain::exact("acme-2.myshopify.com").is_some());
        for forged in [
            "acme.myshopify.com.evil.tld",
            "evil.tld/acme.myshopify.com",
            "acme.myshopify.com\n",
            "acme.myshopify.com/",
            ".myshopify.com",
            "аcme.myshopify.com",
        ] {
            assert!(ShopDomain::exact(forged).is_none(), "{forged}");
        }
    }
}
