//! How many products of the stores still need an item of ours: the number beside Mappings.
pub mod queries;
