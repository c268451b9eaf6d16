//! SQL of `orders`, `order_lines` and what hangs on them; lists stand in `queries/list.rs`.
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::incoming::PaymentState;
use super::totals::TotalsCheck;
use super::work_state::WorkState;
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{line_products, order_lines, orders};
use crate::types::{At, ChannelId, ContactId, Currency, OrderId, ProductId};
use crate::{insert_rows, native};

pub mod amounts;
pub mod cancellations;
pub mod checks;
pub mod edits;
pub mod lines;
pub mod list;
pub mod records;
pub(super) mod search;
pub mod show;
pub mod sums;

pub use lines::{LineFacts, LineRow, PartRow, list_lines, list_parts};
pub(super) use lines::{
    NewLine, add_shipped, delete_parts, insert_lines, insert_parts, lines_of_variant, set_refunded,
    set_resolution, update_line,
};

#[diesel::declare_sql_function]
extern "SQL" {
    /// SQL's own `lower`.
    fn lower(text: Text) -> Text;
}

/// What the channel decides about an order.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = orders, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct OrderFacts {
    pub name: String,
    pub source_updated_at: At,
    pub source_triggered_at: At,
    pub source_digest: String,
    pub contact_id: Option<ContactId>,
    pub customer_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub billing_address: Option<String>,
    pub shipping_address: Option<String>,
    pub ship_city: Option<String>,
    pub currency: Currency,
    pub presentment_currency: Currency,
    pub taxes_included: bool,
    pub subtotal_minor: i64,
    pub discount_minor: i64,
    pub shipping_minor: i64,
    pub tax_minor: i64,
    pub total_minor: i64,
    pub presentment_total_minor: i64,
    pub current_total_minor: i64,
    pub outstanding_minor: Option<i64>,
    pub added_total_minor: i64,
    pub totals_check: TotalsCheck,
    pub payment_state: PaymentState,
    pub fulfilled_at_source: bool,
    pub shipping_method: Option<String>,
    pub items_summary: String,
    pub item_count: i64,
    pub note: Option<String>,
    pub attributes: Option<String>,
    pub tags: Option<String>,
    pub gateways: Option<String>,
    pub test: bool,
    pub placed_at: At,
    pub cancelled_at: Option<At>,
    pub cancel_reason: Option<String>,
    pub flags: Option<String>,
}

/// An order as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = orders)]
pub struct OrderRow {
    pub id: OrderId,
    pub public_id: String,
    pub channel_id: ChannelId,
    pub external_id: String,
    pub number: String,
    pub version: i64,
    pub work_state: WorkState,
    pub short_quantity: i64,
    pub promised_at: Option<At>,
    pub deleted_at_source: Option<At>,
    pub received_at: At,
    pub changed_at: At,
    #[diesel(embed)]
    pub facts: OrderFacts,
}

/// A new order that is about to be written.
#[derive(Insertable)]
#[diesel(table_name = orders)]
pub(super) struct NewOrder {
    pub(super) id: OrderId,
    pub(super) public_id: String,
    pub(super) channel_id: ChannelId,
    pub(super) external_id: String,
    pub(super) number: String,
    pub(super) version: i64,
    pub(super) work_state: WorkState,
    pub(super) short_quantity: i64,
    pub(super) received_at: At,
    pub(super) changed_at: At,
    #[diesel(embed)]
    pub(super) facts: OrderFacts,
}

/// Those of the channel's orders that we know; nobody else changes them until the commit.
pub(super) fn lock_external(
    conn: &mut DbConnection,
    channel: ChannelId,
    external_ids: &[&str],
) -> Result<Vec<OrderRow>, DbError> {
    let known = orders::table
        .filter(orders::channel_id.eq(channel))
        .filter(orders::external_id.eq_any(external_ids));
    Ok(match conn {
        // In the order of their ids, as everybody who takes several.
        DbConnection::Postgres(conn) => known
            .order(orders::id)
            .select(OrderRow::as_select())
            .for_update()
            .load(conn)?,
        DbConnection::Sqlite(conn) => known.select(OrderRow::as_select()).load(conn)?,
    })
}

/// The order that we call by this number, as a list.
pub(super) fn find_number(conn: &mut DbConnection, number: &str) -> Result<Vec<OrderId>, DbError> {
    Ok(orders::table
        .filter(orders::number.eq(number))
        .select(orders::id)
        .load(conn)?)
}

/// Finds an order and keeps others from changing it until the commit.
///
/// # Errors
///
/// The database's.
pub fn lock(conn: &mut DbConnection, id: OrderId) -> Result<Option<OrderRow>, DbError> {
    Ok(native!(conn, |c| diesel::update(orders::table.find(id))
        .set(orders::version.eq(orders::version))
        .returning(OrderRow::as_returning())
        .prepared()
        .get_result(c)
        .optional())?)
}

/// How many orders there are.
///
/// # Errors
///
/// The database's.
pub fn count(conn: &mut DbConnection) -> Result<i64, DbError> {
    Ok(orders::table.count().get_result(conn)?)
}

/// Finds an order.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, id: OrderId) -> Result<Option<OrderRow>, DbError> {
    Ok(orders::table
        .find(id)
        .select(OrderRow::as_select())
        .first(conn)
        .optional()?)
}

/// Finds an order by the channel's own id.
///
/// # Errors
///
/// The database's.
pub fn find_external(
    conn: &mut DbConnection,
    channel: ChannelId,
    external_id: &str,
) -> Result<Option<OrderRow>, DbError> {
    Ok(orders::table
        .filter(orders::channel_id.eq(channel))
        .filter(orders::external_id.eq(external_id))
        .select(OrderRow::as_select())
        .first(conn)
        .optional()?)
}

/// Our id of the channel's order.
///
/// # Errors
///
/// The database's.
pub fn find_external_id(
    conn: &mut DbConnection,
    channel: ChannelId,
    external_id: &str,
) -> Result<Option<OrderId>, DbError> {
    Ok(orders::table
        .filter(orders::channel_id.eq(channel))
        .filter(orders::external_id.eq(external_id))
        .select(orders::id)
        .first(conn)
        .optional()?)
}

pub(super) fn insert(conn: &mut DbConnection, rows: &[NewOrder]) -> Result<(), DbError> {
    insert_rows!(conn, orders::table, rows)?;
    Ok(())
}

pub(super) fn set_state(
    conn: &mut DbConnection,
    id: OrderId,
    state: (WorkState, i64),
    version: i64,
    now: At,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::update(orders::table.find(id))
        .set((
            orders::work_state.eq(state.0),
            orders::short_quantity.eq(state.1),
            orders::version.eq(version),
            orders::changed_at.eq(now),
        ))
        .prepared()
        .execute(c))?;
    Ok(())
}

pub(super) fn update_facts(
    conn: &mut DbConnection,
    id: OrderId,
    facts: &OrderFacts,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::update(orders::table.find(id))
        .set(facts)
        .prepared()
        .execute(c))?;
    Ok(())
}

pub(super) fn set_source_version(
    conn: &mut DbConnection,
    id: OrderId,
    updated_at: At,
    triggered_at: At,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::update(orders::table.find(id))
        .set((
            orders::source_updated_at.eq(updated_at),
            orders::source_triggered_at.eq(triggered_at),
        ))
        .prepared()
        .execute(c))?;
    Ok(())
}

/// Notes that something about an order has changed which does not change what is to be done with it.
///
/// # Errors
///
/// The database's.
pub fn touch(conn: &mut DbConnection, id: OrderId, now: At) -> Result<(), DbError> {
    native!(conn, |c| diesel::update(orders::table.find(id))
        .set(orders::changed_at.eq(now))
        .prepared()
        .execute(c))?;
    Ok(())
}

pub(super) fn mark_deleted(conn: &mut DbConnection, id: OrderId, now: At) -> Result<bool, DbError> {
    let rows = native!(conn, |c| diesel::update(
        orders::table
            .find(id)
            .filter(orders::deleted_at_source.is_null()),
    )
    .set(orders::deleted_at_source.eq(Some(now)))
    .prepared()
    .execute(c))?;
    Ok(rows > 0)
}

pub(super) fn mark_cancelled(
    conn: &mut DbConnection,
    id: OrderId,
    at: At,
    reason: Option<&str>,
) -> Result<bool, DbError> {
    let rows = native!(conn, |c| diesel::update(
        orders::table
            .find(id)
            .filter(orders::cancelled_at.is_null()),
    )
    .set((
        orders::cancelled_at.eq(Some(at)),
        orders::cancel_reason.eq(reason),
    ))
    .prepared()
    .execute(c))?;
    Ok(rows > 0)
}

/// Orders that lack a product, in the order in which they are served: promised date, then age.
pub(super) fn waiting_for(
    conn: &mut DbConnection,
    product: ProductId,
    limit: i64,
) -> Result<Vec<OrderId>, DbError> {
    let lacking = line_products::table
        .inner_join(order_lines::table)
        .filter(line_products::product_id.eq(product))
        .select(order_lines::order_id);
    Ok(orders::table
        .filter(orders::id.eq_any(lacking))
        .filter(orders::short_quantity.gt(0))
        .filter(orders::cancelled_at.is_null())
        .filter(orders::deleted_at_source.is_null())
        .order((
            orders::promised_at.is_null().asc(),
            orders::promised_at.asc(),
            orders::placed_at.asc(),
            orders::id.asc(),
        ))
        .limit(limit)
        .select(orders::id)
        .load(conn)?)
}
