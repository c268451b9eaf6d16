//! What a variant holds: one item, several pieces of it, or several items. Every item is named once.
use super::{MappingError, MappingKind};
use crate::types::ProductId;

/// More pieces of an item in one variant are a slip of the pen.
pub const MOST_PIECES: i64 = 10_000;
/// A kit of more items is a slip as well.
pub const MOST_ITEMS: usize = 20;

/// Items and how many of each are in one variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts(Vec<(ProductId, i64)>);

impl Parts {
    /// An item that is named twice is added up.
    ///
    /// # Errors
    ///
    /// `NoItems`, `TooManyItems`, `Quantity`.
    pub fn new(named: impl IntoIterator<Item = (ProductId, i64)>) -> Result<Parts, MappingError> {
        let mut parts: Vec<(ProductId, i64)> = Vec::new();
        for (product, quantity) in named {
            if quantity < 1 {
                return Err(MappingError::Quantity);
            }
            match parts.iter_mut().find(|(known, _)| *known == product) {
                Some((_, pieces)) => *pieces = pieces.saturating_add(quantity),
                None => parts.push((product, quantity)),
            }
        }
        if parts.is_empty() {
            return Err(MappingError::NoItems);
        }
        if parts.len() > MOST_ITEMS {
            return Err(MappingError::TooManyItems);
        }
        if parts.iter().any(|(_, pieces)| *pieces > MOST_PIECES) {
            return Err(MappingError::Quantity);
        }
        Ok(Parts(parts))
    }

    /// What such a mapping is called.
    #[must_use]
    pub fn kind(&self) -> MappingKind {
        match self.0.as_slice() {
            [(_, 1)] => MappingKind::One,
            [_] => MappingKind::Pack,
            _ => MappingKind::Kit,
        }
    }

    #[must_use]
    pub fn as_slice(&self) -> &[(ProductId, i64)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(named: &[(i64, i64)]) -> Result<Parts, MappingError> {
        Parts::new(named.iter().map(|(id, pieces)| (ProductId(*id), *pieces)))
    }

    #[test]
    fn an_item_that_is_named_twice_is_added_up() {
        let kit = parts(&[(7, 2), (8, 1), (7, 3)]).expect("a kit");
        assert_eq!(kit.as_slice(), [(ProductId(7), 5), (ProductId(8), 1)]);
        assert_eq!(kit.kind(), MappingKind::Kit);
        assert_eq!(
            parts(&[(7, 1), (7, 1)]).expect("a pack").kind(),
            MappingKind::Pack
        );
        assert_eq!(parts(&[(7, 1)]).expect("one").kind(), MappingKind::One);
    }

    #[test]
    fn what_nobody_can_mean_is_refused() {
        for slip in [
            vec![],
            vec![(7, 0)],
            vec![(7, -1), (7, 2)],
            vec![(7, 6_000), (7, 4_001)],
            vec![(7, i64::MAX), (7, i64::MAX)],
            (0..21).map(|id| (id, 1)).collect(),
        ] {
            assert!(parts(&slip).is_err(), "{slip:?}");
        }
    }
}
