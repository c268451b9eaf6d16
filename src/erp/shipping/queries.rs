//! SQL of `shipments` and `shipment_lines`, and what shipping reads and counts on orders.
use diesel::dsl::exists;
use diesel::prelude::*;
use uuid::Uuid;

use super::{NewShipment, ShipmentState, Tracking};
use crate::erp::products::Tracking as ItemTracking;
use crate::erp::stock::queries::Place;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{
    line_products, locations, order_lines, orders, products, reservations, shipment_lines,
    shipments, stock_movements, users,
};
use crate::types::{At, LocationId, OrderId, OrderLineId, ProductId, ShipmentId};

/// What decides whether an order may ship.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = orders)]
pub struct OrderFacts {
    pub id: OrderId,
    pub version: i64,
    pub cancelled_at: Option<At>,
    pub deleted_at_source: Option<At>,
    pub test: bool,
}

/// A line as far as shipping cares.
#[derive(Clone, Debug, Queryable)]
pub struct OpenLine {
    pub id: OrderLineId,
    pub title: String,
    pub current_quantity: i64,
    pub shipped_quantity: i64,
    pub fulfilled_elsewhere: i64,
    /// Pieces that had left and came back: `current_quantity` lacks them.
    pub returned_quantity: i64,
    pub others_quantity: i64,
    pub is_mapped: bool,
}

impl OpenLine {
    /// Pieces that are ours and that nobody has shipped yet.
    #[must_use]
    pub fn left(&self) -> i64 {
        let elsewhere = self.fulfilled_elsewhere.max(self.others_quantity);
        let gone = self.shipped_quantity + elsewhere - self.returned_quantity;
        self.current_quantity - gone.max(0)
    }
}

/// A shipment as stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = shipments)]
pub struct ShipmentRow {
    pub id: ShipmentId,
    pub public_id: String,
    pub order_id: OrderId,
    pub location_id: LocationId,
    pub carrier: Option<String>,
    /// A JSON list of text.
    pub tracking_numbers: String,
    pub tracking_url: Option<String>,
    pub notify: bool,
    pub state: ShipmentState,
    pub shipped_at: At,
    pub undone_at: Option<At>,
    pub version: i64,
}

impl ShipmentRow {
    /// How its parcels can be followed.
    #[must_use]
    pub fn tracking(&self) -> Tracking {
        Tracking {
            carrier: self.carrier.clone(),
            numbers: serde_json::from_str(&self.tracking_numbers).unwrap_or_default(),
            url: self.tracking_url.clone(),
        }
    }
}

/// A line of a shipment.
#[derive(Clone, Debug, Queryable)]
pub struct ShipmentLine {
    pub order_line_id: OrderLineId,
    /// The line's id in the channel.
    pub external_id: String,
    pub title: String,
    pub quantity: i64,
}

/// A shipment that was just stored.
#[derive(Clone, Debug)]
pub struct Inserted {
    pub id: ShipmentId,
    pub public_id: String,
}

/// The tracking numbers of an order's shipments, those that were undone too: they may still be asked for.
///
/// # Errors
///
/// The database's.
pub fn list_tracking_numbers(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Vec<String>, DbError> {
    let lists: Vec<String> = shipments::table
        .filter(shipments::order_id.eq(order))
        .select(shipments::tracking_numbers)
        .load(conn)?;
    let numbers = lists
        .iter()
        .filter_map(|list| serde_json::from_str::<Vec<String>>(list).ok());
    Ok(numbers.flatten().collect())
}

/// # Errors
///
/// The database's.
pub fn find_order(conn: &mut DbConnection, id: OrderId) -> Result<Option<OrderFacts>, DbError> {
    Ok(orders::table
        .find(id)
        .select(OrderFacts::as_select())
        .first(conn)
        .optional()?)
}

/// Raises the order's version if it is still the one expected: of two clerks, one wins.
///
/// # Errors
///
/// The database's.
pub fn mark_version(
    conn: &mut DbConnection,
    id: OrderId,
    expected: i64,
    now: At,
) -> Result<bool, DbError> {
    let rows = diesel::update(orders::table.find(id).filter(orders::version.eq(expected)))
        .set((orders::version.eq(expected + 1), orders::changed_at.eq(now)))
        .execute(conn)?;
    Ok(rows == 1)
}

/// # Errors
///
/// The database's.
pub fn raise_version(conn: &mut DbConnection, id: OrderId, now: At) -> Result<(), DbError> {
    diesel::update(orders::table.find(id))
        .set((
            orders::version.eq(orders::version + 1),
            orders::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// The lines of an order that are goods to ship.
///
/// # Errors
///
/// The database's.
pub fn list_open_lines(conn: &mut DbConnection, order: OrderId) -> Result<Vec<OpenLine>, DbError> {
    Ok(order_lines::table
        .filter(order_lines::order_id.eq(order))
        .filter(order_lines::ships.eq(true))
        .order(order_lines::position)
        .select((
            order_lines::id,
            order_lines::title,
            order_lines::current_quantity,
            order_lines::shipped_quantity,
            order_lines::fulfilled_elsewhere,
            order_lines::returned_quantity,
            order_lines::others_quantity,
            exists(line_products::table.filter(line_products::order_line_id.eq(order_lines::id))),
        ))
        .load(conn)?)
}

/// An item that a line stands for.
#[derive(Clone, Debug, Queryable)]
pub struct Part {
    pub product: ProductId,
    /// Pieces of it in one of the line.
    pub each: i64,
    pub name: String,
    pub tracking: ItemTracking,
}

/// The items a line resolves to.
///
/// # Errors
///
/// The database's.
pub fn list_parts(conn: &mut DbConnection, line: OrderLineId) -> Result<Vec<Part>, DbError> {
    Ok(line_products::table
        .inner_join(products::table)
        .filter(line_products::order_line_id.eq(line))
        // One order for all, so that two shipments never wait for each other's rows.
        .order(line_products::product_id)
        .select((
            line_products::product_id,
            line_products::quantity_each,
            products::name,
            products::tracking,
        ))
        .load(conn)?)
}

/// # Errors
///
/// The database's.
pub fn find_by_request(
    conn: &mut DbConnection,
    request_id: &str,
) -> Result<Option<ShipmentId>, DbError> {
    Ok(shipments::table
        .filter(shipments::request_id.eq(request_id))
        .select(shipments::id)
        .first(conn)
        .optional()?)
}

/// # Errors
///
/// The database's.
pub fn insert(conn: &mut DbConnection, new: &NewShipment, now: At) -> Result<Inserted, DbError> {
    let public_id = Uuid::now_v7().to_string();
    let id = diesel::insert_into(shipments::table)
        .values((
            shipments::public_id.eq(&public_id),
            shipments::order_id.eq(new.order),
            shipments::location_id.eq(new.location),
            shipments::request_id.eq(&new.request_id),
            shipments::carrier.eq(&new.tracking.carrier),
            shipments::tracking_numbers.eq(as_json(&new.tracking.numbers)),
            shipments::tracking_url.eq(&new.tracking.url),
            shipments::notify.eq(new.notify),
            shipments::state.eq(ShipmentState::Shipped),
            shipments::shipped_at.eq(now),
            shipments::shipped_by.eq(new.user),
        ))
        .returning(shipments::id)
        .get_result(conn)?;
    Ok(Inserted { id, public_id })
}

/// # Errors
///
/// The database's.
pub fn insert_lines(
    conn: &mut DbConnection,
    shipment: ShipmentId,
    lines: &[(OrderLineId, i64)],
) -> Result<(), DbError> {
    let rows: Vec<_> = lines
        .iter()
        .map(|(line, quantity)| {
            (
                shipment_lines::shipment_id.eq(shipment),
                shipment_lines::order_line_id.eq(*line),
                shipment_lines::quantity.eq(*quantity),
            )
        })
        .collect();
    native!(conn, |c| diesel::insert_into(shipment_lines::table)
        .values(&rows)
        .execute(c))?;
    Ok(())
}

/// Counts pieces of a line as shipped, or (negative) as not shipped after all.
///
/// # Errors
///
/// The database's.
pub fn add_shipped(
    conn: &mut DbConnection,
    line: OrderLineId,
    quantity: i64,
) -> Result<(), DbError> {
    diesel::update(order_lines::table.find(line))
        .set(order_lines::shipped_quantity.eq(order_lines::shipped_quantity + quantity))
        .execute(conn)?;
    Ok(())
}

/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, id: ShipmentId) -> Result<Option<ShipmentRow>, DbError> {
    Ok(shipments::table
        .find(id)
        .select(ShipmentRow::as_select())
        .first(conn)
        .optional()?)
}

/// # Errors
///
/// The database's.
pub fn list_lines(
    conn: &mut DbConnection,
    shipment: ShipmentId,
) -> Result<Vec<ShipmentLine>, DbError> {
    Ok(shipment_lines::table
        .inner_join(order_lines::table)
        .filter(shipment_lines::shipment_id.eq(shipment))
        .order(order_lines::position)
        .select((
            shipment_lines::order_line_id,
            order_lines::external_id,
            order_lines::title,
            shipment_lines::quantity,
        ))
        .load(conn)?)
}

/// An order's shipments, newest first, with the location and who shipped.
///
/// # Errors
///
/// The database's.
pub fn list_of_order(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Vec<(ShipmentRow, String, Option<String>)>, DbError> {
    Ok(shipments::table
        .inner_join(locations::table)
        .left_join(users::table)
        .filter(shipments::order_id.eq(order))
        .order(shipments::id.desc())
        .select((
            ShipmentRow::as_select(),
            locations::name,
            users::name.nullable(),
        ))
        .load(conn)?)
}

/// # Errors
///
/// The database's.
pub fn mark_tracking(
    conn: &mut DbConnection,
    id: ShipmentId,
    tracking: &Tracking,
    notify: bool,
) -> Result<bool, DbError> {
    let live = shipments::table
        .find(id)
        .filter(shipments::state.eq(ShipmentState::Shipped));
    let rows = diesel::update(live)
        .set((
            shipments::carrier.eq(&tracking.carrier),
            shipments::tracking_numbers.eq(as_json(&tracking.numbers)),
            shipments::tracking_url.eq(&tracking.url),
            shipments::notify.eq(notify),
            shipments::version.eq(shipments::version + 1),
        ))
        .execute(conn)?;
    Ok(rows == 1)
}

/// False if it is undone already.
///
/// # Errors
///
/// The database's.
pub fn mark_undone(conn: &mut DbConnection, id: ShipmentId, now: At) -> Result<bool, DbError> {
    let live = shipments::table
        .find(id)
        .filter(shipments::state.eq(ShipmentState::Shipped));
    let rows = diesel::update(live)
        .set((
            shipments::state.eq(ShipmentState::Undone),
            shipments::undone_at.eq(now),
            shipments::version.eq(shipments::version + 1),
        ))
        .execute(conn)?;
    Ok(rows == 1)
}

/// What a shipment took off the shelves: item, place, lot, pieces (positive).
///
/// # Errors
///
/// The database's.
pub fn list_taken(conn: &mut DbConnection, source: &str) -> Result<Vec<(Place, i64)>, DbError> {
    let rows: Vec<(Place, i64)> = stock_movements::table
        .filter(stock_movements::source.eq(source))
        .filter(stock_movements::quantity.lt(0))
        .order((stock_movements::product_id, stock_movements::id))
        .select((
            (
                stock_movements::product_id,
                stock_movements::location_id,
                stock_movements::lot_id,
            ),
            stock_movements::quantity,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(place, quantity)| (place, -quantity))
        .collect())
}

fn as_json(numbers: &[String]) -> String {
    serde_json::Value::from(numbers.to_vec()).to_string()
}

/// Where an order goes and to whom.
#[derive(Clone, Debug, Default)]
pub struct Destination {
    pub city: Option<String>,
    pub customer: Option<String>,
    pub country_code: Option<String>,
}

/// Where an order goes and to whom; nothing known of an order that does not exist.
///
/// # Errors
///
/// The database's.
pub fn find_destination(conn: &mut DbConnection, order: OrderId) -> Result<Destination, DbError> {
    type Columns = (Option<String>, Option<String>, Option<String>);
    let row: Option<Columns> = orders::table
        .find(order)
        .select((
            orders::ship_city,
            orders::customer_name,
            orders::shipping_address,
        ))
        .first(conn)
        .optional()?;
    let (city, customer, address) = row.unwrap_or_default();
    let country_code = address
        .and_then(|json| serde_json::from_str::<serde_json::Value>(&json).ok())
        .and_then(|value| Some(value.get("country_code")?.as_str()?.to_owned()));
    Ok(Destination {
        city,
        customer,
        country_code,
    })
}

/// The channel's name of an order: `#1001`.
///
/// # Errors
///
/// The database's.
pub fn find_order_name(conn: &mut DbConnection, order: OrderId) -> Result<Option<String>, DbError> {
    Ok(orders::table
        .find(order)
        .select(orders::name)
        .first(conn)
        .optional()?)
}

/// The location that holds most of what is promised to the order.
///
/// # Errors
///
/// The database's.
pub fn find_reserved_location(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Option<LocationId>, DbError> {
    let promised: Vec<(LocationId, i64)> = reservations::table
        .inner_join(order_lines::table)
        .filter(order_lines::order_id.eq(order))
        .select((reservations::location_id, reservations::quantity))
        .load(conn)?;
    let mut sums = std::collections::BTreeMap::<LocationId, i64>::new();
    for (location, quantity) in promised {
        *sums.entry(location).or_default() += quantity;
    }
    Ok(sums
        .into_iter()
        .filter(|(_location, pieces)| *pieces > 0)
        .max_by_key(|(location, pieces)| (*pieces, std::cmp::Reverse(*location)))
        .map(|(location, _pieces)| location))
}
