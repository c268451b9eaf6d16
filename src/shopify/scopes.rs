//! Access scopes: what we ask for, what was granted, what is missing.
use std::collections::BTreeSet;
use std::fmt;

/// A set of scopes, in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// Reads a list with commas or spaces between.
    #[must_use]
    pub fn parse(list: &str) -> Scopes {
        list.split([',', ' ', '\n'])
            .map(str::trim)
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Those asked for that the grant does not cover. `write_x` covers `read_x`, and Shopify then
    /// names `write_x` alone.
    #[must_use]
    pub fn missing_from(&self, granted: &Scopes) -> Scopes {
        self.0
            .iter()
            .filter(|scope| !granted.covers(scope))
            .cloned()
            .collect()
    }

    /// Whether calls that need `scope` will be let through.
    #[must_use]
    pub fn covers(&self, scope: &str) -> bool {
        self.0.contains(scope) || writing(scope).is_some_and(|write| self.0.contains(&write))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromIterator<String> for Scopes {
    fn from_iter<I: IntoIterator<Item = String>>(scopes: I) -> Self {
        Scopes(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().cloned().collect::<Vec<_>>().join(","))
    }
}

fn writing(scope: &str) -> Option<String> {
    match scope.strip_prefix("unauthenticated_read_") {
        Some(what) => Some(format!("unauthenticated_write_{what}")),
        None => scope
            .strip_prefix("read_")
            .map(|what| format!("write_{what}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_granted_write_covers_the_read() {
        let asked = Scopes::parse("read_orders,write_orders,read_products");
        assert!(
            asked
                .missing_from(&Scopes::parse("write_orders write_products"))
                .is_empty()
        );
        let missing = asked.missing_from(&Scopes::parse("read_orders"));
        assert_eq!(missing.to_string(), "read_products,write_orders");
        assert!(!Scopes::parse(crate::shopify::DEFAULT_SCOPES).covers("read_all_orders"));
        assert_eq!(Scopes::parse(crate::shopify::DEFAULT_SCOPES).len(), 19);
    }
}
