//! Compares sets: each order by its id and its version. A count can agree while an order is missing and another is
//! there twice or too old; a set cannot. Pure.
use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::shopify::sync::GapKind;
use crate::types::At;

/// An order as the store lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theirs {
    /// The number of its gid.
    pub id: String,
    pub name: String,
    pub updated_at: At,
    pub placed_at: At,
    /// `paid`, `pending`, or `cancelled`.
    pub state: String,
}

/// What we know of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ours {
    /// The version that was booked.
    Version(At),
    /// The store deleted it, and said so.
    Deleted,
    /// A webhook of it is stored and waits to be applied.
    Awaited,
}

/// An order that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub id: String,
    pub name: String,
    pub kind: GapKind,
    pub changed_there_at: At,
    pub placed_at: At,
}

/// What the store lists and we lack, or know only an older version of.
#[must_use]
pub fn differences(theirs: &[Theirs], ours: &HashMap<String, Ours>) -> Vec<Difference> {
    let kind = |order: &Theirs| match ours.get(&order.id) {
        None => Some(GapKind::Missing),
        Some(Ours::Version(version)) if *version < order.updated_at => Some(GapKind::Outdated),
        Some(Ours::Version(_) | Ours::Deleted | Ours::Awaited) => None,
    };
    theirs
        .iter()
        .filter_map(|order| {
            Some(Difference {
                id: order.id.clone(),
                name: order.name.clone(),
                kind: kind(order)?,
                changed_there_at: order.updated_at,
                placed_at: order.placed_at,
            })
        })
        .collect()
}

/// A set in one word, whatever the order in which its members came: two sets have the same only if they are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetDigest {
    pub count: i64,
    sum: [u8; 32],
}

impl SetDigest {
    /// Takes in an order with its version.
    pub fn add(&mut self, id: &str, version: At) {
        let hash = Sha256::digest(format!("{id}@{}", version.0).as_bytes());
        for (sum, byte) in self.sum.iter_mut().zip(hash) {
            *sum ^= byte;
        }
        self.count += 1;
    }

    /// As it is stored.
    #[must_use]
    pub fn text(&self) -> String {
        hex::encode(self.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theirs(id: &str, updated_at: i64) -> Theirs {
        Theirs {
            id: id.to_owned(),
            name: format!("#{id}"),
            updated_at: At(updated_at),
            placed_at: At(0),
            state: "paid".to_owned(),
        }
    }

    #[test]
    fn as_many_orders_are_not_the_same_orders() {
        let list = [
            theirs("1", 10),
            theirs("2", 10),
            theirs("3", 10),
            theirs("4", 10),
        ];
        // Four here as well: one that the store does not list, one too old, one deleted, one on its way.
        let ours = HashMap::from([
            ("9".to_owned(), Ours::Version(At(10))),
            ("2".to_owned(), Ours::Version(At(9))),
            ("3".to_owned(), Ours::Deleted),
            ("4".to_owned(), Ours::Awaited),
        ]);
        let found: Vec<_> = differences(&list, &ours)
            .into_iter()
            .map(|one| (one.id, one.kind))
            .collect();
        assert_eq!(
            found,
            [
                ("1".to_owned(), GapKind::Missing),
                ("2".to_owned(), GapKind::Outdated)
            ]
        );
    }

    #[test]
    fn what_is_newer_here_is_no_gap() {
        let ours = HashMap::from([("1".to_owned(), Ours::Version(At(11)))]);
        assert_eq!(differences(&[theirs("1", 10)], &ours), []);
    }

    #[test]
    fn a_digest_tells_sets_apart_and_not_their_order() {
        let of = |members: &[(&str, i64)]| {
            let mut digest = SetDigest::default();
            for (id, version) in members {
                digest.add(id, At(*version));
            }
            digest
        };
        assert_eq!(of(&[("1", 5), ("2", 6)]), of(&[("2", 6), ("1", 5)]));
        assert_ne!(of(&[("1", 5), ("2", 6)]), of(&[("1", 5), ("3", 6)]));
        assert_ne!(of(&[("1", 5)]), of(&[("1", 6)]));
        assert_eq!(of(&[("1", 5), ("2", 6)]).count, 2);
    }
}
