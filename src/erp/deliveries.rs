//! Local deliveries: what a store drives to its customers itself, by which driver, and what became of it.
//!
//! A delivery follows its order: [`follow::follow`] compares both after each change of the order and writes the
//! difference, so that it does not matter in which order events arrive or how often.
use uuid::Uuid;

use crate::platform::db::DbError;

pub mod assign;
pub mod drivers;
pub mod flow;
pub mod follow;
pub mod jobs;
pub mod log;
pub mod photos;
pub mod queries;
pub mod rule;
pub mod work;

use flow::State;

/// What every delivery's public id is made in: never another, or the ids of all would change.
const NAMESPACE: Uuid = Uuid::from_u128(0x6c1e_56a4_0f3b_5b0e_9d0c_3c1d_9a57_e4b2);
/// An order's delivery; its further ones, should there ever be some, count on.
const FIRST: i32 = 1;
/// Characters of a note.
pub const LONGEST_NOTE: usize = 500;

/// Why nothing was done with a delivery.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("there is no such delivery")]
    NotFound,
    #[error("the delivery has changed since this page was made")]
    Changed,
    #[error("{}", refusal(*from, *to))]
    NotAllowed { from: State, to: State },
    #[error("this person does not drive")]
    NoDriver,
    #[error("there is nothing to undo any more")]
    NothingToUndo,
    #[error("a note has at most {LONGEST_NOTE} characters")]
    NoteTooLong,
    #[error("a day is written like 2026-11-30")]
    NoDay,
    #[error(transparent)]
    Db(#[from] DbError),
}

fn refusal(from: State, to: State) -> String {
    format!("a delivery that is {from} cannot become {to}")
}

/// The id under which the world outside knows the delivery of a channel's order: it can be named before
/// anybody has read the order.
#[must_use]
pub fn public_id(channel: &str, order: &str) -> String {
    Uuid::new_v5(&NAMESPACE, format!("{channel}/{order}").as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_of_a_store_has_one_id_for_ever() {
        let id = public_id("acme.myshopify.com", "1001");
        // Computed by Python's uuid.uuid5: a change here would change the ids of every delivery there is.
        assert_eq!(id, "86e0fa90-c9b8-52cd-89cc-5102c9f6229a");
        assert_ne!(id, public_id("other.myshopify.com", "1001"));
    }
}
