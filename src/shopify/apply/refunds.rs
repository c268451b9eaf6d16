//! `refunds/create`, and where goods lie that a store has put back.
use std::collections::BTreeMap;

use crate::erp::orders::{self, OrderError, queries as order_rows};
use crate::erp::refunds::{IncomingRefund, Restock};
use crate::erp::timeline::Actor;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::queue::Outcome;
use crate::shopify::enrich;
use crate::shopify::locations;
use crate::shopify::orders::refunds::order_of;
use crate::shopify::privacy::is_erased;
use crate::shopify::shops::Shop;
use crate::types::{At, LocationId};

use super::{sent_at, unreadable};

/// Our place for each of the store's; empty where nothing of these refunds comes back to our shelves.
pub(crate) struct Shelf(BTreeMap<String, LocationId>);

impl Shelf {
    pub(super) fn of(
        conn: &mut DbConnection,
        shop: &Shop,
        refunds: &[IncomingRefund],
    ) -> Result<Shelf, DbError> {
        let comes_back = refunds
            .iter()
            .flat_map(|refund| &refund.lines)
            .any(|line| matches!(line.restock, Restock::Return | Restock::LegacyRestock));
        if comes_back {
            Shelf::whole(conn, shop)
        } else {
            Ok(Shelf(BTreeMap::new()))
        }
    }

    /// Every place of the store that is one of ours, as far as its rule lets goods come back there.
    pub(crate) fn whole(conn: &mut DbConnection, shop: &Shop) -> Result<Shelf, DbError> {
        if !shop.restock_returns {
            return Ok(Shelf(BTreeMap::new()));
        }
        let mapped = locations::list(conn, shop.id)?;
        Ok(Shelf(
            mapped
                .into_iter()
                .filter_map(|one| Some((one.external_id, one.location?)))
                .collect(),
        ))
    }

    /// Where the store's place is with us; without a name it is nowhere.
    pub(crate) fn find(&self, place: Option<&str>) -> Option<LocationId> {
        self.0.get(place?).copied()
    }
}

pub(super) fn apply(
    conn: &mut DbConnection,
    shop: &Shop,
    event: &EventRow,
    now: At,
) -> Result<Outcome, DbError> {
    let found = match order_of(&event.body) {
        Ok(found) => found,
        Err(wrong) => return Ok(unreadable(&wrong)),
    };
    let id = &found.order_external_id;
    let Some(order) = order_rows::find_external(conn, shop.channel, id)? else {
        return Ok(Outcome::nothing_to_do(
            "its order is not here yet: it brings this refund with it",
        ));
    };
    let currencies = (order.facts.currency, order.facts.presentment_currency);
    let mut refund = match found.translate(currencies, sent_at(event)) {
        Ok(refund) => refund,
        Err(wrong) => return Ok(unreadable(&wrong)),
    };
    if is_erased(conn, shop, Some(id), None)? {
        refund.note = None;
    }
    let shelf = Shelf::of(conn, shop, std::slice::from_ref(&refund))?;
    let actor = Actor::source(format!("event:{}", event.id));
    let booked = orders::refund_from_channel(
        conn,
        shop.channel,
        id,
        &refund,
        &|place| shelf.find(place),
        &actor,
        now,
    );
    match booked {
        Ok(_) => {
            // What is given back before it left is no longer to ship: the store says of which part.
            enrich::enqueue(conn, shop, id, None, now)?;
            Ok(Outcome::Done)
        }
        Err(OrderError::Db(error)) => Err(error),
        Err(
            error @ (OrderError::NotFound(_)
            | OrderError::Changed
            | OrderError::NoSuchHold
            | OrderError::Quantity
            | OrderError::Stock(_)),
        ) => Ok(Outcome::dead(error.to_string())),
    }
}
