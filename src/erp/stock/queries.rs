//! SQL of `stock_levels`, `stock_movements`, `reservations` and `locations`.
pub mod document_lines;
pub mod documents;
pub mod lots;

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{
    locations, lots as lot_rows, order_lines, orders, products, reservations, stock_levels,
    stock_movements, users,
};
use crate::types::{At, LocationId, LotId, OrderId, OrderLineId, ProductId, UserId};
use crate::{insert_rows, native};

/// What lies of a product at a location in one lot, or in none, and how much of it is promised.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = stock_levels)]
pub struct LevelRow {
    pub id: i64,
    pub product_id: ProductId,
    pub location_id: LocationId,
    pub on_hand: i64,
    pub reserved: i64,
    pub lot_id: Option<LotId>,
    /// The lot's best-before day, as `2026-11-30`.
    pub expires: Option<String>,
    /// Its lot is blocked or expired: nothing of it is promised to anybody.
    pub barred: bool,
}

impl LevelRow {
    /// On hand, promised to nobody, and fit to be promised.
    #[must_use]
    pub fn free(&self) -> i64 {
        if self.barred {
            return 0;
        }
        self.on_hand - self.reserved
    }

    /// The place of this level among those of its product: location by location, and there first what expires first.
    fn turn(&self) -> (LocationId, bool, Option<&str>, i64) {
        let expires = self.expires.as_deref();
        (self.location_id, expires.is_none(), expires, self.id)
    }
}

/// A product, a location there, and a lot or none.
pub type Place = (ProductId, LocationId, Option<LotId>);

/// A promise of stock to an order line.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = reservations)]
pub struct ReservationRow {
    pub id: i64,
    pub order_line_id: OrderLineId,
    pub product_id: ProductId,
    pub location_id: LocationId,
    pub quantity: i64,
    pub lot_id: Option<LotId>,
}

#[derive(Insertable)]
#[diesel(table_name = reservations, treat_none_as_default_value = false)]
pub(super) struct NewReservation {
    pub(super) order_line_id: OrderLineId,
    pub(super) product_id: ProductId,
    pub(super) location_id: LocationId,
    pub(super) quantity: i64,
    pub(super) lot_id: Option<LotId>,
}

#[derive(Insertable)]
#[diesel(table_name = stock_movements)]
pub(super) struct NewMovement<'a> {
    pub(super) product_id: ProductId,
    pub(super) location_id: LocationId,
    pub(super) quantity: i64,
    pub(super) balance: i64,
    pub(super) reason: &'a str,
    pub(super) source: &'a str,
    pub(super) user_id: Option<UserId>,
    pub(super) at: At,
    pub(super) lot_id: Option<LotId>,
}

/// A line of the ledger.
#[derive(Clone, Debug, Queryable)]
pub struct MovementRow {
    pub id: i64,
    pub at: At,
    pub location: String,
    /// The code of the lot.
    pub lot: Option<String>,
    pub quantity: i64,
    /// What lies there since, of this lot.
    pub balance: i64,
    pub reason: String,
    pub source: String,
    pub user_name: Option<String>,
}

/// Runs the same on the rows of a lot, or on those of none: an index serves each.
macro_rules! of_lot {
    ($lot:expr, $column:expr, $rows:expr, |$found:ident| $run:expr) => {
        match $lot {
            Some(lot) => {
                let $found = $rows.filter($column.eq(Some(lot)));
                $run
            }
            None => {
                let $found = $rows.filter($column.is_null());
                $run
            }
        }
    };
}

type Sum = (ProductId, LocationId, Option<LotId>, i64);

/// Makes sure that there is a level; a new one expires and is barred as its lot.
pub(super) fn ensure_level(
    conn: &mut DbConnection,
    (product, location, lot): Place,
) -> Result<(), DbError> {
    let facts = match lot {
        Some(lot) => lots::find_facts(conn, lot)?,
        None => None,
    };
    let (expires, barred) = facts.map_or((None, false), |facts| (facts.0, facts.1));
    native!(conn, |c| diesel::insert_into(stock_levels::table)
        .values((
            stock_levels::product_id.eq(product),
            stock_levels::location_id.eq(location),
            stock_levels::lot_id.eq(lot),
            stock_levels::expires.eq(&expires),
            stock_levels::barred.eq(barred),
        ))
        .on_conflict_do_nothing()
        .prepared()
        .execute(c))?;
    Ok(())
}

/// Changes a level unless less than nothing would remain.
pub(super) fn add_on_hand(
    conn: &mut DbConnection,
    (product, location, lot): Place,
    quantity: i64,
) -> Result<Option<LevelRow>, DbError> {
    let rows = stock_levels::table
        .filter(stock_levels::product_id.eq(product))
        .filter(stock_levels::location_id.eq(location))
        .filter(stock_levels::on_hand.ge(-quantity));
    Ok(of_lot!(lot, stock_levels::lot_id, rows, |rows| {
        diesel::update(rows)
            .set(stock_levels::on_hand.eq(stock_levels::on_hand + quantity))
            .returning(stock_levels::all_columns)
            .get_result(conn)
            .optional()
    })?)
}

/// As [`levels_of`], and others wait who would take from them. On SQLite who writes is alone.
pub(super) fn hold_levels(
    conn: &mut DbConnection,
    products: &[ProductId],
) -> Result<Vec<LevelRow>, DbError> {
    let DbConnection::Postgres(conn) = conn else {
        return levels_of(conn, products);
    };
    let active = locations::table
        .filter(locations::active.eq(true))
        .select(locations::id);
    // In the order of their ids, as everybody who takes several; each as it is once it is held. Of the locations none is
    // held: they are asked about beside.
    let mut levels: Vec<LevelRow> = stock_levels::table
        .filter(stock_levels::product_id.eq_any(products))
        .filter(stock_levels::location_id.eq_any(active))
        .order(stock_levels::id)
        .select(LevelRow::as_select())
        .for_update()
        .load(conn)?;
    in_turn(&mut levels);
    Ok(levels)
}

/// Promises so many pieces of each of these levels; false where less is free of one.
pub(super) fn reserve(
    conn: &mut DbConnection,
    taken: &BTreeMap<i64, i64>,
) -> Result<bool, DbError> {
    let rows = match conn {
        DbConnection::Postgres(conn) => diesel::sql_query(
            "WITH taken AS ( \
               SELECT l.id, t.quantity FROM unnest($1, $2) AS t (id, quantity) JOIN stock_levels l ON l.id = t.id \
                ORDER BY l.id FOR UPDATE OF l) \
             UPDATE stock_levels SET reserved = reserved + taken.quantity FROM taken \
              WHERE stock_levels.id = taken.id AND NOT barred AND on_hand >= reserved + taken.quantity",
        )
        .bind::<Array<BigInt>, _>(taken.keys().copied().collect::<Vec<i64>>())
        .bind::<Array<BigInt>, _>(taken.values().copied().collect::<Vec<i64>>())
        .prepared()
        .execute(conn)?,
        DbConnection::Sqlite(conn) => {
            let pairs: Vec<(&i64, &i64)> = taken.iter().collect();
            diesel::sql_query(
                "UPDATE stock_levels SET reserved = reserved + taken.quantity \
                   FROM (SELECT value ->> 0 AS id, value ->> 1 AS quantity FROM json_each($1)) taken \
                  WHERE stock_levels.id = taken.id AND NOT barred AND on_hand >= reserved + taken.quantity",
            )
            .bind::<Text, _>(serde_json::to_string(&pairs).unwrap_or_default())
            .prepared()
            .execute(conn)?
        }
    };
    Ok(rows == taken.len())
}

/// Takes so many pieces of a promise back from the level that it was made of.
pub(super) fn unreserve(
    conn: &mut DbConnection,
    row: &ReservationRow,
    quantity: i64,
) -> Result<(), DbError> {
    let rows = stock_levels::table
        .filter(stock_levels::product_id.eq(row.product_id))
        .filter(stock_levels::location_id.eq(row.location_id));
    of_lot!(row.lot_id, stock_levels::lot_id, rows, |rows| native!(
        conn,
        |c| diesel::update(rows)
            .set(stock_levels::reserved.eq(stock_levels::reserved - quantity))
            .prepared()
            .execute(c)
    ))?;
    Ok(())
}

pub(super) fn raise_reservation(
    conn: &mut DbConnection,
    row: &ReservationRow,
    quantity: i64,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::update(reservations::table.find(row.id))
        .set(reservations::quantity.eq(reservations::quantity + quantity))
        .prepared()
        .execute(c))?;
    Ok(())
}

/// Lowers a promise; an empty one stays as a row of 0 until its line needs stock again.
pub(super) fn lower_reservation(
    conn: &mut DbConnection,
    row: &ReservationRow,
    quantity: i64,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::update(reservations::table.find(row.id))
        .set(reservations::quantity.eq(reservations::quantity - quantity))
        .prepared()
        .execute(c))?;
    Ok(())
}

pub(super) fn insert_reservations(
    conn: &mut DbConnection,
    rows: &[NewReservation],
) -> Result<(), DbError> {
    insert_rows!(conn, reservations::table, rows)?;
    Ok(())
}

pub(super) fn insert_movement(
    conn: &mut DbConnection,
    row: &NewMovement<'_>,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(stock_movements::table)
        .values(row)
        .prepared()
        .execute(c))?;
    Ok(())
}

pub(super) fn find_level(
    conn: &mut DbConnection,
    (product, location, lot): Place,
) -> Result<Option<LevelRow>, DbError> {
    let rows = stock_levels::table
        .filter(stock_levels::product_id.eq(product))
        .filter(stock_levels::location_id.eq(location))
        .select(LevelRow::as_select());
    Ok(of_lot!(lot, stock_levels::lot_id, rows, |rows| rows
        .first(conn)
        .optional())?)
}

fn in_turn(levels: &mut [LevelRow]) {
    levels.sort_by(|one, other| one.turn().cmp(&other.turn()));
}

/// The levels of these products at locations in use, the first location first, and there what expires first.
///
/// # Errors
///
/// The database's.
pub fn levels_of(
    conn: &mut DbConnection,
    products: &[ProductId],
) -> Result<Vec<LevelRow>, DbError> {
    let mut levels: Vec<LevelRow> = stock_levels::table
        .inner_join(locations::table)
        .filter(stock_levels::product_id.eq_any(products.to_vec()))
        .filter(locations::active.eq(true))
        .select(LevelRow::as_select())
        .load(conn)?;
    in_turn(&mut levels);
    Ok(levels)
}

/// What lies of a product at locations that are closed: name, on hand. Nothing of it is promised.
///
/// # Errors
///
/// The database's.
pub fn list_closed(
    conn: &mut DbConnection,
    product: ProductId,
) -> Result<Vec<(String, i64)>, DbError> {
    let levels: Vec<(String, i64)> = stock_levels::table
        .inner_join(locations::table)
        .filter(stock_levels::product_id.eq(product))
        .filter(locations::active.eq(false))
        .filter(stock_levels::on_hand.gt(0))
        .order(locations::id)
        .select((locations::name, stock_levels::on_hand))
        .load(conn)?;
    let mut places: Vec<(String, i64)> = Vec::new();
    for (name, on_hand) in levels {
        match places.last_mut() {
            Some((last, sum)) if *last == name => *sum += on_hand,
            Some(_) | None => places.push((name, on_hand)),
        }
    }
    Ok(places)
}

/// A level with the names of its item and place.
#[derive(Clone, Debug, Queryable)]
pub struct PlacedRow {
    pub level: LevelRow,
    pub sku: String,
    pub location: String,
    /// The code of its lot.
    pub lot: Option<String>,
}

/// Levels after an id, all items and places unless one is named.
///
/// # Errors
///
/// The database's.
pub fn list_placed(
    conn: &mut DbConnection,
    sku: Option<&str>,
    location: Option<LocationId>,
    after: i64,
    limit: i64,
) -> Result<Vec<PlacedRow>, DbError> {
    let mut query = stock_levels::table
        .inner_join(products::table)
        .inner_join(locations::table)
        .left_join(lot_rows::table)
        .filter(stock_levels::id.gt(after))
        .order(stock_levels::id.asc())
        .limit(limit)
        .select((
            LevelRow::as_select(),
            products::sku,
            locations::name,
            lot_rows::code.nullable(),
        ))
        .into_boxed();
    if let Some(sku) = sku {
        query = query.filter(products::sku.eq(sku.to_owned()));
    }
    if let Some(location) = location {
        query = query.filter(stock_levels::location_id.eq(location));
    }
    Ok(query.load(conn)?)
}

/// The promises to all lines of an order.
///
/// # Errors
///
/// The database's.
pub fn reservations_of_order(
    conn: &mut DbConnection,
    order: OrderId,
) -> Result<Vec<ReservationRow>, DbError> {
    Ok(reservations::table
        .inner_join(order_lines::table)
        .filter(order_lines::order_id.eq(order))
        .order(reservations::id.asc())
        .select(ReservationRow::as_select())
        .load(conn)?)
}

pub(super) fn reservations_of_line(
    conn: &mut DbConnection,
    line: OrderLineId,
    product: ProductId,
) -> Result<Vec<ReservationRow>, DbError> {
    Ok(reservations::table
        .filter(reservations::order_line_id.eq(line))
        .filter(reservations::product_id.eq(product))
        .select(ReservationRow::as_select())
        .load(conn)?)
}

pub(super) fn latest_promises(
    conn: &mut DbConnection,
    level: &LevelRow,
) -> Result<Vec<(OrderId, ReservationRow)>, DbError> {
    let rows = reservations::table
        .inner_join(order_lines::table.inner_join(orders::table))
        .filter(reservations::product_id.eq(level.product_id))
        .filter(reservations::location_id.eq(level.location_id))
        .filter(reservations::quantity.gt(0))
        .order((
            orders::promised_at.is_null().desc(),
            orders::promised_at.desc(),
            orders::placed_at.desc(),
            orders::id.desc(),
        ))
        .select((orders::id, ReservationRow::as_select()));
    Ok(of_lot!(level.lot_id, reservations::lot_id, rows, |rows| {
        rows.load(conn)
    })?)
}

/// The ledger of a product, newest first.
///
/// # Errors
///
/// The database's.
pub fn list_movements(
    conn: &mut DbConnection,
    product: ProductId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<MovementRow>, DbError> {
    Ok(stock_movements::table
        .inner_join(locations::table)
        .left_join(users::table)
        .left_join(lot_rows::table)
        .filter(stock_movements::product_id.eq(product))
        .filter(stock_movements::id.lt(before.unwrap_or(i64::MAX)))
        .order(stock_movements::id.desc())
        .limit(limit)
        .select((
            stock_movements::id,
            stock_movements::at,
            locations::name,
            lot_rows::code.nullable(),
            stock_movements::quantity,
            stock_movements::balance,
            stock_movements::reason,
            stock_movements::source,
            users::name.nullable(),
        ))
        .load(conn)?)
}

pub(super) fn all_levels(conn: &mut DbConnection) -> Result<Vec<LevelRow>, DbError> {
    Ok(stock_levels::table
        .select(LevelRow::as_select())
        .load(conn)?)
}

pub(super) fn all_movements(conn: &mut DbConnection) -> Result<Vec<Sum>, DbError> {
    Ok(stock_movements::table
        .select((
            stock_movements::product_id,
            stock_movements::location_id,
            stock_movements::lot_id,
            stock_movements::quantity,
        ))
        .load(conn)?)
}

pub(super) fn all_reservations(conn: &mut DbConnection) -> Result<Vec<Sum>, DbError> {
    Ok(reservations::table
        .select((
            reservations::product_id,
            reservations::location_id,
            reservations::lot_id,
            reservations::quantity,
        ))
        .load(conn)?)
}
