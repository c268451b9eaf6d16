//! SQL of `stock_document_lines`: what a receipt expects, a transfer moves and a count has counted.
use diesel::dsl::exists;
use diesel::prelude::*;

use super::LevelRow;
use crate::erp::products::Tracking;
use crate::erp::products::queries::ProductRow;
use crate::erp::stock::documents::By;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{lots, products, stock_document_lines, stock_levels};
use crate::types::{At, LocationId, LotId, ProductId, StockDocumentId, StockLineId, UserId};

/// A line as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = stock_document_lines)]
pub struct LineRow {
    pub id: StockLineId,
    pub document_id: StockDocumentId,
    pub product_id: ProductId,
    pub lot_id: Option<LotId>,
    /// The level that a count's line counts.
    pub level_id: Option<i64>,
    /// Pieces expected, to be sent, or sent.
    pub quantity: i64,
    /// Pieces that have arrived or went back.
    pub done: i64,
    /// Pieces still to come.
    pub pending: i64,
    pub counted: Option<i64>,
    /// What was on hand when that was counted.
    pub seen: Option<i64>,
    pub counted_at: Option<At>,
    pub counted_by: Option<UserId>,
}

/// A line with what it is about.
#[derive(Clone, Debug, Queryable)]
pub struct NamedLine {
    pub line: LineRow,
    pub sku: String,
    pub item: String,
    pub tracking: Tracking,
    /// The code of the lot.
    pub lot: Option<String>,
    /// Its best-before day, as `2026-11-30`.
    pub best_before: Option<String>,
}

/// Lines of a document after one of them, in the order in which they were entered.
///
/// # Errors
///
/// The database's.
pub fn list(
    conn: &mut DbConnection,
    document: StockDocumentId,
    after: Option<StockLineId>,
    limit: i64,
) -> Result<Vec<NamedLine>, DbError> {
    Ok(stock_document_lines::table
        .inner_join(products::table)
        .left_join(lots::table)
        .filter(stock_document_lines::document_id.eq(document))
        .filter(stock_document_lines::id.gt(after.unwrap_or(StockLineId(0))))
        .order(stock_document_lines::id)
        .limit(limit)
        .select((
            LineRow::as_select(),
            products::sku,
            products::name,
            products::tracking,
            lots::code.nullable(),
            lots::best_before.nullable(),
        ))
        .load(conn)?)
}

/// Those of these lines that belong to a document, product by product.
pub(in crate::erp::stock) fn list_these(
    conn: &mut DbConnection,
    document: StockDocumentId,
    ids: &[StockLineId],
) -> Result<Vec<NamedLine>, DbError> {
    Ok(stock_document_lines::table
        .inner_join(products::table)
        .left_join(lots::table)
        .filter(stock_document_lines::document_id.eq(document))
        .filter(stock_document_lines::id.eq_any(ids.to_vec()))
        .order((stock_document_lines::product_id, stock_document_lines::id))
        .select((
            LineRow::as_select(),
            products::sku,
            products::name,
            products::tracking,
            lots::code.nullable(),
            lots::best_before.nullable(),
        ))
        .load(conn)?)
}

/// The line of an item in one lot, or in none.
pub(in crate::erp::stock) fn find_place(
    conn: &mut DbConnection,
    document: StockDocumentId,
    product: ProductId,
    lot: Option<LotId>,
) -> Result<Option<LineRow>, DbError> {
    let rows: Vec<LineRow> = stock_document_lines::table
        .filter(stock_document_lines::document_id.eq(document))
        .filter(stock_document_lines::product_id.eq(product))
        .select(LineRow::as_select())
        .load(conn)?;
    Ok(rows.into_iter().find(|row| row.lot_id == lot))
}

/// Whether a document has as many lines as it may.
pub(in crate::erp::stock) fn is_full(
    conn: &mut DbConnection,
    document: StockDocumentId,
    most: i64,
) -> Result<bool, DbError> {
    let beyond: Option<StockLineId> = stock_document_lines::table
        .filter(stock_document_lines::document_id.eq(document))
        .order(stock_document_lines::id)
        .offset(most - 1)
        .select(stock_document_lines::id)
        .first(conn)
        .optional()?;
    Ok(beyond.is_some())
}

/// Enters a line; `pending` is what of it is still to come.
pub(in crate::erp::stock) fn insert(
    conn: &mut DbConnection,
    document: StockDocumentId,
    (product, lot): (ProductId, Option<LotId>),
    level: Option<i64>,
    (quantity, pending): (i64, i64),
) -> Result<StockLineId, DbError> {
    Ok(diesel::insert_into(stock_document_lines::table)
        .values((
            stock_document_lines::document_id.eq(document),
            stock_document_lines::product_id.eq(product),
            stock_document_lines::lot_id.eq(lot),
            stock_document_lines::level_id.eq(level),
            stock_document_lines::quantity.eq(quantity),
            stock_document_lines::pending.eq(pending),
        ))
        .returning(stock_document_lines::id)
        .get_result(conn)?)
}

/// Writes the numbers of a line anew.
pub(in crate::erp::stock) fn set_numbers(
    conn: &mut DbConnection,
    line: &LineRow,
) -> Result<(), DbError> {
    diesel::update(stock_document_lines::table.find(line.id))
        .set((
            stock_document_lines::quantity.eq(line.quantity),
            stock_document_lines::done.eq(line.done),
            stock_document_lines::pending.eq(line.pending),
        ))
        .execute(conn)?;
    Ok(())
}

pub(in crate::erp::stock) fn delete(
    conn: &mut DbConnection,
    line: StockLineId,
) -> Result<(), DbError> {
    diesel::delete(stock_document_lines::table.find(line)).execute(conn)?;
    Ok(())
}

/// Takes all lines of a document away: of one of which nothing was ever booked.
pub(in crate::erp::stock) fn delete_all(
    conn: &mut DbConnection,
    document: StockDocumentId,
) -> Result<(), DbError> {
    diesel::delete(
        stock_document_lines::table.filter(stock_document_lines::document_id.eq(document)),
    )
    .execute(conn)?;
    Ok(())
}

/// Nothing more is to come.
pub(in crate::erp::stock) fn clear_pending(
    conn: &mut DbConnection,
    document: StockDocumentId,
) -> Result<(), DbError> {
    let rows = stock_document_lines::table
        .filter(stock_document_lines::document_id.eq(document))
        .filter(stock_document_lines::pending.gt(0));
    diesel::update(rows)
        .set(stock_document_lines::pending.eq(0))
        .execute(conn)?;
    Ok(())
}

/// What has not arrived is to come again.
pub(in crate::erp::stock) fn restore_pending(
    conn: &mut DbConnection,
    document: StockDocumentId,
) -> Result<(), DbError> {
    let rows = stock_document_lines::table
        .filter(stock_document_lines::document_id.eq(document))
        .filter(stock_document_lines::quantity.gt(stock_document_lines::done));
    diesel::update(rows)
        .set(
            stock_document_lines::pending
                .eq(stock_document_lines::quantity - stock_document_lines::done),
        )
        .execute(conn)?;
    Ok(())
}

pub(in crate::erp::stock) fn is_pending(
    conn: &mut DbConnection,
    document: StockDocumentId,
) -> Result<bool, DbError> {
    let rows = stock_document_lines::table
        .filter(stock_document_lines::document_id.eq(document))
        .filter(stock_document_lines::pending.gt(0));
    Ok(diesel::select(exists(rows)).get_result(conn)?)
}

/// What is expected of each of these items: on receipts that are open and on transfers under way. An item of which nothing
/// is expected is not among them.
///
/// # Errors
///
/// The database's.
pub fn incoming(
    conn: &mut DbConnection,
    products: &[ProductId],
) -> Result<Vec<(ProductId, i64)>, DbError> {
    let rows: Vec<(ProductId, i64)> = stock_document_lines::table
        .filter(stock_document_lines::product_id.eq_any(products.to_vec()))
        .filter(stock_document_lines::pending.gt(0))
        .select((
            stock_document_lines::product_id,
            stock_document_lines::pending,
        ))
        .load(conn)?;
    let mut sums: Vec<(ProductId, i64)> = Vec::new();
    for (product, pending) in rows {
        match sums.iter_mut().find(|(known, _)| *known == product) {
            Some((_, sum)) => *sum += pending,
            None => sums.push((product, pending)),
        }
    }
    Ok(sums)
}

/// The items that have this SKU or barcode, as codes are compared.
pub(in crate::erp::stock) fn list_items(
    conn: &mut DbConnection,
    normal: &str,
) -> Result<Vec<ProductRow>, DbError> {
    Ok(products::table
        .filter(
            products::sku_normal
                .eq(normal.to_owned())
                .or(products::barcode_normal.eq(Some(normal.to_owned()))),
        )
        .order(products::id)
        .limit(10)
        .select(ProductRow::as_select())
        .load(conn)?)
}

/// Which lines of a count a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// All that lies there, and what was added.
    Whole,
    /// What was named.
    Named,
    /// Where another number was counted than lay there.
    Different,
}

/// A level that is to be counted, or was.
#[derive(Clone, Debug)]
pub struct CountRow {
    pub level: LevelRow,
    pub sku: String,
    pub item: String,
    pub tracking: Tracking,
    /// The code of the lot.
    pub lot: Option<String>,
    /// What was counted, where somebody has.
    pub line: Option<LineRow>,
}

type LevelColumns = (LevelRow, String, String, Tracking, Option<String>);

/// What lies at a location to be counted, after a place, in the order of the items.
///
/// # Errors
///
/// The database's.
pub fn list_to_count(
    conn: &mut DbConnection,
    (document, location): (StockDocumentId, LocationId),
    shown: Shown,
    product: Option<ProductId>,
    after: (ProductId, i64),
    limit: i64,
) -> Result<Vec<CountRow>, DbError> {
    let lines = stock_document_lines::table
        .filter(stock_document_lines::document_id.eq(document))
        .filter(stock_document_lines::level_id.eq(stock_levels::id.nullable()));
    let different = lines
        .filter(stock_document_lines::counted.ne(stock_document_lines::seen))
        .select(stock_document_lines::id);
    let mut query = stock_levels::table
        .inner_join(products::table)
        .left_join(lots::table)
        .filter(stock_levels::location_id.eq(location))
        .filter(
            stock_levels::product_id
                .gt(after.0)
                .or(stock_levels::product_id
                    .eq(after.0)
                    .and(stock_levels::id.gt(after.1))),
        )
        .order((stock_levels::product_id, stock_levels::id))
        .limit(limit)
        .select((
            LevelRow::as_select(),
            products::sku,
            products::name,
            products::tracking,
            lots::code.nullable(),
        ))
        .into_boxed();
    query = match shown {
        Shown::Whole => query.filter(
            stock_levels::on_hand
                .gt(0)
                .or(exists(lines.select(stock_document_lines::id))),
        ),
        Shown::Named => query.filter(exists(lines.select(stock_document_lines::id))),
        Shown::Different => query.filter(exists(different)),
    };
    if let Some(product) = product {
        query = query.filter(stock_levels::product_id.eq(product));
    }
    let levels: Vec<LevelColumns> = query.load(conn)?;
    let ids: Vec<i64> = levels.iter().map(|(level, ..)| level.id).collect();
    let mut counted = list_counted(conn, document, &ids)?;
    let rows = levels.into_iter().map(|(level, sku, item, tracking, lot)| {
        let place = counted
            .iter()
            .position(|line| line.level_id == Some(level.id));
        CountRow {
            line: place.map(|place| counted.swap_remove(place)),
            level,
            sku,
            item,
            tracking,
            lot,
        }
    });
    Ok(rows.collect())
}

/// The lines of a count that stand for these levels.
pub(in crate::erp::stock) fn list_counted(
    conn: &mut DbConnection,
    document: StockDocumentId,
    levels: &[i64],
) -> Result<Vec<LineRow>, DbError> {
    Ok(stock_document_lines::table
        .filter(stock_document_lines::document_id.eq(document))
        .filter(stock_document_lines::level_id.is_not_null())
        .filter(
            stock_document_lines::level_id
                .assume_not_null()
                .eq_any(levels.to_vec()),
        )
        .select(LineRow::as_select())
        .load(conn)?)
}

/// Those of these levels that lie at a location.
pub(in crate::erp::stock) fn list_levels(
    conn: &mut DbConnection,
    location: LocationId,
    ids: &[i64],
) -> Result<Vec<(LevelRow, Tracking)>, DbError> {
    Ok(stock_levels::table
        .inner_join(products::table)
        .filter(stock_levels::id.eq_any(ids.to_vec()))
        .filter(stock_levels::location_id.eq(location))
        .select((LevelRow::as_select(), products::tracking))
        .load(conn)?)
}

/// Writes what was counted and what was on hand then; `None` takes both away.
pub(in crate::erp::stock) fn set_counted(
    conn: &mut DbConnection,
    line: StockLineId,
    counted: Option<(i64, i64)>,
    by: By,
) -> Result<(), DbError> {
    let (number, seen) = counted.unzip();
    diesel::update(stock_document_lines::table.find(line))
        .set((
            stock_document_lines::counted.eq(number),
            stock_document_lines::seen.eq(seen),
            stock_document_lines::counted_at.eq(counted.map(|_| by.now)),
            stock_document_lines::counted_by.eq(counted.map(|_| by.user)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Lines of a count of which another number was counted than lay there, after one of them.
pub(in crate::erp::stock) fn list_different(
    conn: &mut DbConnection,
    document: StockDocumentId,
    after: StockLineId,
    limit: i64,
) -> Result<Vec<NamedLine>, DbError> {
    Ok(stock_document_lines::table
        .inner_join(products::table)
        .left_join(lots::table)
        .filter(stock_document_lines::document_id.eq(document))
        .filter(stock_document_lines::id.gt(after))
        .filter(stock_document_lines::counted.ne(stock_document_lines::seen))
        .order(stock_document_lines::id)
        .limit(limit)
        .select((
            LineRow::as_select(),
            products::sku,
            products::name,
            products::tracking,
            lots::code.nullable(),
            lots::best_before.nullable(),
        ))
        .load(conn)?)
}

/// How many lines of a count are counted.
///
/// # Errors
///
/// The database's.
pub fn count_counted(conn: &mut DbConnection, document: StockDocumentId) -> Result<i64, DbError> {
    Ok(stock_document_lines::table
        .filter(stock_document_lines::document_id.eq(document))
        .filter(stock_document_lines::counted.is_not_null())
        .count()
        .get_result(conn)?)
}
