//! Orders as programs ask for them: filtered, in an order that a follower can go on from.
use diesel::prelude::*;

use super::super::incoming::PaymentState;
use super::super::work_state::WorkState;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{channels, orders};
use crate::types::{At, Currency, OrderId};

/// Which orders; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The channel's id of the order.
    pub external_id: Option<String>,
    /// Our number.
    pub number: Option<String>,
    /// The channel's number: `#1001`.
    pub name: Option<String>,
    pub state: Option<WorkState>,
    /// Only what changed then or later; such a list goes from the oldest change to the newest, so that a
    /// program can follow it. Without it the newest order comes first.
    pub changed_since: Option<At>,
    /// The last row of the page before: when it changed, and its id.
    pub after: Option<(At, OrderId)>,
}

/// One row of the list.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = orders)]
pub struct RecordRow {
    pub id: OrderId,
    pub public_id: String,
    pub external_id: String,
    pub number: String,
    pub name: String,
    pub version: i64,
    pub work_state: WorkState,
    pub payment_state: PaymentState,
    pub customer_name: Option<String>,
    pub email: Option<String>,
    pub currency: Currency,
    pub total_minor: i64,
    pub outstanding_minor: Option<i64>,
    pub test: bool,
    pub placed_at: At,
    pub changed_at: At,
    pub cancelled_at: Option<At>,
}

/// At most `limit` orders, each beside its channel's name.
///
/// # Errors
///
/// The database's.
pub fn list(
    conn: &mut DbConnection,
    wanted: &Wanted,
    limit: i64,
) -> Result<Vec<(RecordRow, String)>, DbError> {
    let mut query = orders::table
        .inner_join(channels::table)
        .select((RecordRow::as_select(), channels::name))
        .into_boxed();
    if let Some(external_id) = &wanted.external_id {
        query = query.filter(orders::external_id.eq(external_id.clone()));
    }
    if let Some(number) = &wanted.number {
        query = query.filter(orders::number.eq(number.clone()));
    }
    if let Some(name) = &wanted.name {
        query = query.filter(orders::name.eq(name.clone()));
    }
    if let Some(state) = wanted.state {
        query = query.filter(orders::work_state.eq(state));
    }
    query = match (wanted.changed_since, wanted.after) {
        (Some(_), Some((at, id))) => query.filter(
            orders::changed_at
                .gt(at)
                .or(orders::changed_at.eq(at).and(orders::id.gt(id))),
        ),
        (Some(since), None) => query.filter(orders::changed_at.ge(since)),
        (None, Some((_, id))) => query.filter(orders::id.lt(id)),
        (None, None) => query,
    };
    query = if wanted.changed_since.is_some() {
        query.order((orders::changed_at.asc(), orders::id.asc()))
    } else {
        query.order(orders::id.desc())
    };
    Ok(query.limit(limit).load(conn)?)
}

/// One order by the id that programs know, beside its channel's name.
///
/// # Errors
///
/// The database's.
pub fn find(
    conn: &mut DbConnection,
    public_id: &str,
) -> Result<Option<(RecordRow, String)>, DbError> {
    Ok(orders::table
        .inner_join(channels::table)
        .filter(orders::public_id.eq(public_id))
        .select((RecordRow::as_select(), channels::name))
        .first(conn)
        .optional()?)
}
