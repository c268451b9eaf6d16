//! A value that a sender may leave out: absent never overwrites, null does.
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a sender said about one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// The key was not there: what we have stays.
    #[default]
    Absent,
    /// The key was there and empty: what we have goes.
    Null,
    Value(T),
}

impl<T> Field<T> {
    /// Whether the key was not there.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Field::Absent)
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Field::Value(value) => Some(value),
            Field::Absent | Field::Null => None,
        }
    }

    /// What is to be kept of `stored` when this arrives.
    pub fn over(self, stored: Option<T>) -> Option<T> {
        match self {
            Field::Absent => stored,
            Field::Null => None,
            Field::Value(value) => Some(value),
        }
    }

    /// Changes the value, keeping the other two states.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Field::Absent => Field::Absent,
            Field::Null => Field::Null,
            Field::Value(value) => Field::Value(change(value)),
        }
    }

    /// As [`Field::map`], for a change that may fail.
    ///
    /// # Errors
    ///
    /// That of `change`.
    pub fn try_map<U, E>(self, change: impl FnOnce(T) -> Result<U, E>) -> Result<Field<U>, E> {
        Ok(match self {
            Field::Absent => Field::Absent,
            Field::Null => Field::Null,
            Field::Value(value) => Field::Value(change(value)?),
        })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(from)?.map_or(Field::Null, Field::Value))
    }
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Field::Absent => to.serialize_str("\u{0}absent"),
            Field::Null => to.serialize_none(),
            Field::Value(value) => value.serialize(to),
        }
    }
}
