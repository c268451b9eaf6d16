//! From fulfillment orders to what is ours to ship, from where and when. Decided from what was just read.
use std::collections::BTreeMap;

use crate::erp::orders::checks::{Assignment, ChannelHold, Handover};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::locations;
use crate::types::{LocationId, ShopId};

use super::mirror::{FulfillmentOrder, Hold, Status};

/// What our own holds are called in Shopify: `counterfoil-17`, by the hold's number here.
pub const HANDLE: &str = "counterfoil-";

/// Who ships a fulfillment order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// We do, from this location.
    Ours(LocationId),
    /// We do: the store's locations are not told apart here.
    Somewhere,
    /// Another company's service.
    Service,
    /// A location of the store that is none of ours.
    Unmapped,
}

/// The store's locations that stand for ours.
pub type Places = BTreeMap<String, LocationId>;

impl Hold {
    /// The number of the hold here that this one stands for.
    #[must_use]
    pub fn ours(&self) -> Option<i64> {
        let handle = self.handle.as_deref().filter(|_handle| self.by_us)?;
        handle.strip_prefix(HANDLE)?.parse().ok()
    }

    /// Why it is held, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.notes {
            Some(notes) => format!("{}: {notes}", self.reason),
            None => self.reason.clone(),
        }
    }
}

/// Who ships it.
#[must_use]
pub fn whose(order: &FulfillmentOrder, places: &Places) -> Whose {
    let location = order.location.as_ref();
    match location.and_then(|location| places.get(location)) {
        _ if order.service => Whose::Service,
        Some(location) => Whose::Ours(*location),
        None if places.is_empty() || location.is_none() => Whose::Somewhere,
        None => Whose::Unmapped,
    }
}

/// The store's locations that stand for ours.
///
/// # Errors
///
/// The database's.
pub fn places(conn: &mut DbConnection, shop: ShopId) -> Result<Places, DbError> {
    let known = locations::list(conn, shop)?;
    Ok(known
        .into_iter()
        .filter_map(|row| Some((row.external_id, row.location?)))
        .collect())
}

/// What of an order is ours, from where and when.
#[must_use]
pub fn assign(orders: &[FulfillmentOrder], places: &Places) -> Assignment {
    let mut assignment = Assignment::default();
    let mut ours: Vec<&FulfillmentOrder> = Vec::new();
    for order in orders.iter().filter(|order| order.is_open()) {
        let lines = || order.lines.iter().filter(|line| line.remaining > 0);
        match whose(order, places) {
            Whose::Ours(location) => {
                ours.push(order);
                let pieces = lines().map(|line| (line.line.clone(), location, line.remaining));
                assignment.places.extend(pieces);
            }
            Whose::Somewhere => ours.push(order),
            Whose::Service | Whose::Unmapped => {
                let pieces = lines().map(|line| (line.line.clone(), line.remaining));
                assignment.others.extend(pieces);
            }
        }
    }
    for hold in ours.iter().flat_map(|order| &order.holds) {
        if hold.ours().is_none() {
            assignment.holds.push(ChannelHold {
                external_id: hold.external_id.clone(),
                words: hold.words(),
            });
        }
    }
    if ours.iter().all(|order| order.status == Status::Scheduled) {
        let moments = ours
            .iter()
            .map(|order| order.fulfil_at.unwrap_or(order.source_updated_at));
        assignment.scheduled_for = moments.min();
    }
    let fetched = |order: &&FulfillmentOrder| order.method == Some(Handover::Pickup);
    assignment.pickup = !ours.is_empty() && ours.iter().all(fetched);
    assignment
}

/// How an order is handed over: what is not sent at all says nothing beside what is.
#[must_use]
pub fn handover(orders: &[FulfillmentOrder]) -> Option<Handover> {
    let mut methods: Vec<Handover> = orders
        .iter()
        .filter(|order| order.lines.iter().any(|line| line.total > 0))
        .filter(|order| order.status != Status::Cancelled)
        .filter_map(|order| order.method)
        .collect();
    methods.sort_unstable();
    methods.dedup();
    if methods.len() > 1 {
        methods.retain(|method| *method != Handover::Nothing);
    }
    match methods.as_slice() {
        [] => None,
        [only] => Some(*only),
        [_, _, ..] => Some(Handover::Mixed),
    }
}

#[cfg(test)]
mod tests {
    use super::super::mirror::Line;
    use super::*;
    use crate::types::At;

    fn order(location: &str, status: Status, pieces: &[(&str, i64)]) -> FulfillmentOrder {
        FulfillmentOrder {
            external_id: format!("{location}{}", pieces.len()),
            status,
            request_status: "unsubmitted".to_owned(),
            actions: Vec::new(),
            location: Some(location.to_owned()),
            location_name: location.to_owned(),
            service: false,
            method: Some(Handover::Shipping),
            method_name: None,
            fulfil_at: Some(At(500)),
            holds: Vec::new(),
            source_updated_at: At(100),
            lines: pieces
                .iter()
                .map(|(line, remaining)| Line {
                    external_id: format!("f{line}"),
                    line: (*line).to_owned(),
                    total: *remaining,
                    remaining: *remaining,
                })
                .collect(),
        }
    }

    fn hold(id: &str, handle: Option<&str>, by_us: bool) -> Hold {
        Hold {
            external_id: id.to_owned(),
            handle: handle.map(str::to_owned),
            reason: "Incorrect address".to_owned(),
            notes: Some("call first".to_owned()),
            by_us,
        }
    }

    fn places() -> Places {
        Places::from([
            ("10".to_owned(), LocationId(1)),
            ("20".to_owned(), LocationId(2)),
        ])
    }

    #[test]
    fn ours_is_what_one_of_our_locations_ships() {
        let service = FulfillmentOrder {
            service: true,
            ..order("20", Status::Open, &[("b", 1)])
        };
        let all = [
            order("10", Status::Open, &[("a", 2), ("b", 1)]),
            order("20", Status::InProgress, &[("a", 1)]),
            service,
            order("30", Status::OnHold, &[("c", 4)]),
            order("10", Status::Closed, &[("c", 9)]),
        ];
        let found = assign(&all, &places());
        let at = |line: &str, place, pieces| (line.to_owned(), LocationId(place), pieces);
        assert_eq!(found.places, [at("a", 1, 2), at("b", 1, 1), at("a", 2, 1)]);
        assert_eq!(found.others, [("b".to_owned(), 1), ("c".to_owned(), 4)]);
        assert_eq!(found.scheduled_for, None);
        // Where no location is known, all but a service's is ours.
        assert_eq!(assign(&all, &Places::new()).others, [("b".to_owned(), 1)]);
    }

    #[test]
    fn an_order_is_scheduled_or_fetched_when_all_that_is_ours_is() {
        let later = order("10", Status::Scheduled, &[("a", 1)]);
        let fetched = FulfillmentOrder {
            method: Some(Handover::Pickup),
            ..order("10", Status::Open, &[("b", 1)])
        };
        let others = order("30", Status::Open, &[("c", 1)]);
        let found = assign(&[later.clone(), others], &places());
        assert_eq!(found.scheduled_for, Some(At(500)));
        assert!(!found.pickup);
        let both = [later, fetched.clone()];
        let found = assign(&both, &places());
        assert_eq!((found.scheduled_for, found.pickup), (None, false));
        assert_eq!(handover(&both), Some(Handover::Mixed));
        let fetched = [fetched];
        assert!(assign(&fetched, &places()).pickup);
        assert_eq!(handover(&fetched), Some(Handover::Pickup));
    }

    #[test]
    fn a_hold_of_ours_is_known_by_its_handle_and_its_app() {
        let held = FulfillmentOrder {
            holds: vec![
                hold("1", Some("counterfoil-7"), true),
                hold("2", Some("counterfoil-7"), false),
                hold("3", None, true),
            ],
            ..order("10", Status::OnHold, &[("a", 1)])
        };
        assert_eq!(held.holds[0].ours(), Some(7));
        let found = assign(&[held], &places());
        let ids: Vec<&str> = found
            .holds
            .iter()
            .map(|hold| hold.external_id.as_str())
            .collect();
        assert_eq!(ids, ["2", "3"]);
        assert_eq!(found.holds[0].words, "Incorrect address: call first");
    }
}
