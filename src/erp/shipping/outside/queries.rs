//! SQL of `outside_shipments` and their lines.
use std::collections::BTreeMap;

use diesel::prelude::*;

use super::{OutsideShipment, OutsideState};
use crate::erp::shipping::Tracking;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{locations, order_lines, outside_shipment_lines as l, outside_shipments as t};
use crate::types::{At, LocationId, OrderId, OrderLineId};

/// A shipment of others as it is stored.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: i64,
    pub external_id: String,
    pub state: OutsideState,
    pub source_updated_at: At,
    pub shipped_at: At,
    pub tracking: Tracking,
    /// Where stock of ours left from.
    pub stock_from: Option<String>,
    pub lines: Vec<(OrderLineId, i64)>,
}

type Columns = (
    i64,
    String,
    OutsideState,
    At,
    At,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
);

impl Row {
    /// All its pieces, cancelled or not.
    #[must_use]
    pub fn pieces(&self) -> i64 {
        self.lines.iter().map(|(_line, pieces)| pieces).sum()
    }

    /// Pieces of a line that left with it.
    #[must_use]
    pub fn pieces_of(&self, line: OrderLineId) -> i64 {
        if self.state == OutsideState::Cancelled {
            return 0;
        }
        let of_line = self.lines.iter().filter(|(id, _pieces)| *id == line);
        of_line.map(|(_id, pieces)| pieces).sum()
    }

    /// Whether it says the same, apart from when.
    pub(super) fn says(&self, one: &OutsideShipment) -> bool {
        let same_way = self.tracking.carrier == one.tracking.carrier;
        // The link is made by whoever tells it.
        self.state == one.state && same_way && self.tracking.numbers == one.tracking.numbers
    }
}

/// What others have shipped of an order, oldest first.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, order: OrderId) -> Result<Vec<Row>, DbError> {
    let rows: Vec<Columns> = t::table
        .left_join(locations::table)
        .filter(t::order_id.eq(order))
        .order(t::id)
        .select((
            t::id,
            t::external_id,
            t::state,
            t::source_updated_at,
            t::shipped_at,
            t::carrier,
            t::tracking_numbers,
            t::tracking_url,
            locations::name.nullable(),
        ))
        .load(conn)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let pieces: Vec<(i64, OrderLineId, i64)> = l::table
        .inner_join(t::table)
        .filter(t::order_id.eq(order))
        .order(l::id)
        .select((l::outside_shipment_id, l::order_line_id, l::quantity))
        .load(conn)?;
    let mut lines: BTreeMap<i64, Vec<(OrderLineId, i64)>> = BTreeMap::new();
    for (id, line, quantity) in pieces {
        lines.entry(id).or_default().push((line, quantity));
    }
    Ok(rows
        .into_iter()
        .map(
            |(id, external_id, state, updated_at, shipped_at, carrier, numbers, url, place)| Row {
                id,
                external_id,
                state,
                source_updated_at: updated_at,
                shipped_at,
                tracking: Tracking {
                    carrier,
                    numbers: serde_json::from_str(&numbers).unwrap_or_default(),
                    url,
                },
                stock_from: place,
                lines: lines.remove(&id).unwrap_or_default(),
            },
        )
        .collect())
}

pub(super) fn insert(
    conn: &mut DbConnection,
    order: OrderId,
    one: &OutsideShipment,
    stock_from: Option<LocationId>,
) -> Result<i64, DbError> {
    let id = diesel::insert_into(t::table)
        .values((
            t::order_id.eq(order),
            t::external_id.eq(&one.external_id),
            t::state.eq(one.state),
            t::location_id.eq(stock_from),
            t::carrier.eq(&one.tracking.carrier),
            t::tracking_numbers.eq(as_json(&one.tracking.numbers)),
            t::tracking_url.eq(&one.tracking.url),
            t::shipped_at.eq(one.shipped_at),
            t::source_updated_at.eq(one.updated_at),
        ))
        .returning(t::id)
        .get_result(conn)?;
    Ok(id)
}

pub(super) fn insert_lines(
    conn: &mut DbConnection,
    shipment: i64,
    lines: &[(OrderLineId, i64)],
) -> Result<(), DbError> {
    for (line, quantity) in lines {
        diesel::insert_into(l::table)
            .values((
                l::outside_shipment_id.eq(shipment),
                l::order_line_id.eq(*line),
                l::quantity.eq(*quantity),
            ))
            .execute(conn)?;
    }
    Ok(())
}

pub(super) fn update(
    conn: &mut DbConnection,
    id: i64,
    one: &OutsideShipment,
) -> Result<(), DbError> {
    diesel::update(t::table.find(id))
        .set((
            t::state.eq(one.state),
            t::carrier.eq(&one.tracking.carrier),
            t::tracking_numbers.eq(as_json(&one.tracking.numbers)),
            t::tracking_url.eq(&one.tracking.url),
            t::source_updated_at.eq(one.updated_at),
        ))
        .execute(conn)?;
    Ok(())
}

pub(super) fn set_elsewhere(
    conn: &mut DbConnection,
    line: OrderLineId,
    pieces: i64,
) -> Result<(), DbError> {
    diesel::update(order_lines::table.find(line))
        .set(order_lines::fulfilled_elsewhere.eq(pieces))
        .execute(conn)?;
    Ok(())
}

fn as_json(numbers: &[String]) -> String {
    serde_json::Value::from(numbers.to_vec()).to_string()
}
