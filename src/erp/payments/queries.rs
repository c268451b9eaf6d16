//! SQL of `payments`.
use diesel::prelude::*;

use super::{PaymentKind, PaymentStatus};
use crate::native;
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::payments;
use crate::types::{At, Currency, OrderId};

/// What is known of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = payments, treat_none_as_null = true)]
pub struct PaymentFacts {
    pub external_id: String,
    pub parent_external_id: Option<String>,
    pub gateway: String,
    pub kind: PaymentKind,
    pub status: PaymentStatus,
    pub currency: Currency,
    /// `None` where it was told in the customer's currency alone.
    pub amount_minor: Option<i64>,
    pub presentment_currency: Currency,
    pub presentment_minor: Option<i64>,
    pub error_code: Option<String>,
    pub manual: bool,
    pub test: bool,
    pub processed_at: Option<At>,
}

/// A payment as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = payments)]
pub struct PaymentRow {
    pub id: i64,
    pub received_at: At,
    #[diesel(embed)]
    pub facts: PaymentFacts,
}

/// The payments of an order, in the order in which they were made.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, order: OrderId) -> Result<Vec<PaymentRow>, DbError> {
    Ok(payments::table
        .filter(payments::order_id.eq(order))
        .order((
            payments::processed_at.is_null().asc(),
            payments::processed_at.asc(),
            payments::id.asc(),
        ))
        .select(PaymentRow::as_select())
        .load(conn)?)
}

pub(super) fn insert(
    conn: &mut DbConnection,
    order: OrderId,
    facts: &PaymentFacts,
    now: At,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(payments::table)
        .values((
            facts,
            payments::order_id.eq(order),
            payments::received_at.eq(now),
        ))
        .prepared()
        .execute(c))?;
    Ok(())
}

pub(super) fn update(
    conn: &mut DbConnection,
    id: i64,
    facts: &PaymentFacts,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::update(payments::table.find(id))
        .set(facts)
        .prepared()
        .execute(c))?;
    Ok(())
}
