//! Shopify's ids: `gid://shopify/Order/123`, kept apart by what they name and exact above 2^53.
use std::fmt;
use std::marker::PhantomData;

/// A kind of record that has a gid.
pub trait Kind {
    /// As it stands in the gid.
    const NAME: &'static str;
}

macro_rules! kinds {
    ($($name:ident),+ $(,)?) => {
        $(
            #[doc = concat!("`gid://shopify/", stringify!($name), "/...`")]
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
            pub enum $name {}
            impl Kind for $name {
                const NAME: &'static str = stringify!($name);
            }
        )+
    };
}

kinds! {
    Order, LineItem, Product, ProductVariant, InventoryItem, Location, Customer,
    Return, Fulfillment, FulfillmentOrder, FulfillmentOrderLineItem, FulfillmentHold, OrderTransaction, WebhookSubscription, Shop, BulkOperation,
}

/// The id of one record of kind `K`.
pub struct Gid<K> {
    id: u64,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Gid<K> {
    #[must_use]
    pub const fn new(id: u64) -> Gid<K> {
        Gid {
            id,
            kind: PhantomData,
        }
    }

    /// Reads a gid of this kind; a query behind it (`?inventory_item_id=`) does not belong to the id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Gid<K>> {
        let rest = text.strip_prefix("gid://shopify/")?;
        let rest = rest.strip_prefix(K::NAME)?.strip_prefix('/')?;
        let digits = rest.split('?').next()?;
        digits_only(digits)?.parse().ok().map(Gid::new)
    }

    /// Reads the id alone, as webhooks and our tables spell it.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Gid<K>> {
        digits_only(digits)?.parse().ok().map(Gid::new)
    }

    /// The number, as webhooks spell it.
    #[must_use]
    pub const fn id(self) -> u64 {
        self.id
    }

    /// The number as our tables keep it.
    #[must_use]
    pub fn digits(self) -> String {
        self.id.to_string()
    }
}

/// The kind that a gid names, known or not: `Order`; `None` where it is no gid.
#[must_use]
pub fn type_of(gid: &str) -> Option<&str> {
    gid.strip_prefix("gid://shopify/")?.split('/').next()
}

fn digits_only(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

impl<K: Kind> fmt::Display for Gid<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gid://shopify/{}/{}", K::NAME, self.id)
    }
}

impl<K: Kind> fmt::Debug for Gid<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Clone for Gid<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Gid<K> {}

impl<K> PartialEq for Gid<K> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<K> Eq for Gid<K> {}

impl<K> std::hash::Hash for Gid<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gid_is_exact_and_of_one_kind() {
        let gid = Gid::<Order>::parse("gid://shopify/Order/18446744073709551615").expect("a gid");
        assert_eq!(gid.id(), u64::MAX);
        assert_eq!(gid.to_string(), "gid://shopify/Order/18446744073709551615");
        assert_eq!(
            Gid::<InventoryItem>::parse("gid://shopify/InventoryItem/7?inventory_item_id=9"),
            Some(Gid::new(7))
        );
        for wrong in [
            "gid://shopify/Orders/1",
            "gid://shopify/OrderX/1",
            "gid://shopify/Order/",
            "gid://shopify/Order/+1",
            "gid://shopify/Order/18446744073709551616",
            "1",
        ] {
            assert_eq!(Gid::<Order>::parse(wrong), None, "{wrong}");
        }
    }
}
