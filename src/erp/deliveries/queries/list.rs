//! Lists of deliveries: a day, a driver's run, and what programs ask for. Each walks an index.
use diesel::dsl::{count_star, sql};
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

use super::DeliveryRow;
use crate::erp::deliveries::flow::State;
use crate::erp::products::queries::like;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{deliveries, orders};
use crate::types::{At, DeliveryId, OrderId, UserId};

#[diesel::declare_sql_function]
extern "SQL" {
    /// SQL's own `lower`.
    fn lower(text: Text) -> Text;
    /// SQL's own `coalesce`, over what may be empty.
    fn coalesce(one: Nullable<Text>, other: Text) -> Text;
}

/// A day as people look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// `2026-11-30`
    pub date: String,
    /// It is today: what earlier days left over is to be driven as well.
    pub is_today: bool,
}

/// Whose stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whose {
    #[default]
    Everybodys,
    Nobodys,
    Of(UserId),
}

/// What programs ask for; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub day: Option<String>,
    pub state: Option<State>,
    pub driver: Option<UserId>,
    /// Only what changed then or later, the oldest change first.
    pub changed_since: Option<At>,
    /// The last row of the page before: when it changed, and its id.
    pub after: Option<(At, DeliveryId)>,
}

/// Written out as the partial index is: a bound value would hide it from both databases.
fn is_open() -> SqlLiteral<Bool> {
    let states: Vec<String> = State::OPEN
        .iter()
        .map(|state| format!("'{state}'"))
        .collect();
    sql(&format!("deliveries.state IN ({})", states.join(", ")))
}

/// The stops of a day, those of earlier days that were left over first; each driver's in their order.
///
/// # Errors
///
/// The database's.
pub fn list_day(
    conn: &mut DbConnection,
    day: &Day,
    whose: Whose,
    search: &str,
    limit: i64,
) -> Result<Vec<DeliveryRow>, DbError> {
    let mut rows = if day.is_today {
        part(conn, day, true, (whose, search), limit)?
    } else {
        Vec::new()
    };
    let left = limit.saturating_sub(i64::try_from(rows.len()).unwrap_or(i64::MAX));
    rows.extend(part(conn, day, false, (whose, search), left)?);
    Ok(rows)
}

fn part(
    conn: &mut DbConnection,
    day: &Day,
    is_left_over: bool,
    (whose, search): (Whose, &str),
    limit: i64,
) -> Result<Vec<DeliveryRow>, DbError> {
    let mut query = deliveries::table
        .select(DeliveryRow::as_select())
        .into_boxed();
    query = if is_left_over {
        query
            .filter(deliveries::day.lt(day.date.clone()))
            .filter(is_open())
            .order((deliveries::day, deliveries::position, deliveries::id))
    } else {
        query
            .filter(deliveries::day.eq(day.date.clone()))
            .order((deliveries::position, deliveries::id))
    };
    query = match whose {
        Whose::Everybodys => query,
        Whose::Nobodys => query.filter(deliveries::driver_id.is_null()),
        Whose::Of(driver) => query.filter(deliveries::driver_id.eq(driver)),
    };
    let search = search.trim();
    if !search.is_empty() {
        let pattern = like(search);
        query = query.filter(
            lower(deliveries::order_name)
                .like(pattern.clone())
                .escape('\\')
                .or(lower(coalesce(deliveries::name, ""))
                    .like(pattern.clone())
                    .escape('\\'))
                .or(lower(coalesce(deliveries::city, ""))
                    .like(pattern.clone())
                    .escape('\\'))
                .or(lower(coalesce(deliveries::address, ""))
                    .like(pattern)
                    .escape('\\')),
        );
    }
    Ok(query.limit(limit).load(conn)?)
}

/// How many stops of a day each driver has in each state; what earlier days left over counts with today.
///
/// # Errors
///
/// The database's.
pub fn count_day(
    conn: &mut DbConnection,
    day: &Day,
) -> Result<Vec<(Option<UserId>, State, i64)>, DbError> {
    let mut counts: Vec<(Option<UserId>, State, i64)> = deliveries::table
        .filter(deliveries::day.eq(&day.date))
        .group_by((deliveries::driver_id, deliveries::state))
        .select((deliveries::driver_id, deliveries::state, count_star()))
        .load(conn)?;
    if day.is_today {
        let left: Vec<(Option<UserId>, State, i64)> = deliveries::table
            .filter(deliveries::day.lt(&day.date))
            .filter(is_open())
            .group_by((deliveries::driver_id, deliveries::state))
            .select((deliveries::driver_id, deliveries::state, count_star()))
            .load(conn)?;
        counts.extend(left);
    }
    Ok(counts)
}

/// How many deliveries nobody drives yet, on whichever day.
///
/// # Errors
///
/// The database's.
pub fn count_pending(conn: &mut DbConnection) -> Result<i64, DbError> {
    Ok(deliveries::table
        .filter(deliveries::state.eq(State::Pending))
        .count()
        .get_result(conn)?)
}

/// What nobody drives on a day.
///
/// # Errors
///
/// The database's.
pub(in crate::erp::deliveries) fn list_unassigned(
    conn: &mut DbConnection,
    day: &Day,
    limit: i64,
) -> Result<Vec<DeliveryId>, DbError> {
    Ok(list_day(conn, day, Whose::Nobodys, "", limit)?
        .into_iter()
        .filter(|row| row.state == State::Pending)
        .map(|row| row.id)
        .collect())
}

/// A driver's stops of a day.
///
/// # Errors
///
/// The database's.
pub fn list_run(
    conn: &mut DbConnection,
    day: &Day,
    driver: UserId,
) -> Result<Vec<DeliveryRow>, DbError> {
    const LONGEST_RUN: i64 = 300;
    list_day(conn, day, Whose::Of(driver), "", LONGEST_RUN)
}

/// Deliveries of the order with this name, on whichever day, the newest first.
///
/// # Errors
///
/// The database's.
pub fn list_named(
    conn: &mut DbConnection,
    name: &str,
    limit: i64,
) -> Result<Vec<DeliveryRow>, DbError> {
    let with_sign = format!("#{}", name.trim_start_matches('#'));
    Ok(deliveries::table
        .filter(deliveries::order_name.eq_any(vec![name.to_owned(), with_sign]))
        .order(deliveries::id.desc())
        .limit(limit)
        .select(DeliveryRow::as_select())
        .load(conn)?)
}

/// The stop before (or after) a place in a driver's day.
pub(in crate::erp::deliveries) fn find_beside(
    conn: &mut DbConnection,
    (day, driver): (&str, UserId),
    (position, id): (i64, DeliveryId),
    is_before: bool,
) -> Result<Option<DeliveryRow>, DbError> {
    let run = deliveries::table
        .filter(deliveries::day.eq(day.to_owned()))
        .filter(deliveries::driver_id.eq(driver))
        .select(DeliveryRow::as_select())
        .into_boxed();
    let place = if is_before {
        run.filter(
            deliveries::position
                .lt(position)
                .or(deliveries::position.eq(position).and(deliveries::id.lt(id))),
        )
        .order((deliveries::position.desc(), deliveries::id.desc()))
    } else {
        run.filter(
            deliveries::position
                .gt(position)
                .or(deliveries::position.eq(position).and(deliveries::id.gt(id))),
        )
        .order((deliveries::position.asc(), deliveries::id.asc()))
    };
    Ok(place.first(conn).optional()?)
}

/// At most `limit` deliveries, for programs: the newest first, or the oldest change for who follows.
///
/// # Errors
///
/// The database's.
pub fn list(
    conn: &mut DbConnection,
    wanted: &Wanted,
    limit: i64,
) -> Result<Vec<DeliveryRow>, DbError> {
    let mut query = deliveries::table
        .select(DeliveryRow::as_select())
        .into_boxed();
    if let Some(day) = &wanted.day {
        query = query.filter(deliveries::day.eq(day.clone()));
    }
    if let Some(state) = wanted.state {
        query = query.filter(deliveries::state.eq(state));
    }
    if let Some(driver) = wanted.driver {
        query = query.filter(deliveries::driver_id.eq(driver));
    }
    query = match (wanted.changed_since, wanted.after) {
        (Some(_), Some((at, id))) => query.filter(
            deliveries::changed_at
                .gt(at)
                .or(deliveries::changed_at.eq(at).and(deliveries::id.gt(id))),
        ),
        (Some(since), None) => query.filter(deliveries::changed_at.ge(since)),
        (None, Some((_, id))) => query.filter(deliveries::id.lt(id)),
        (None, None) => query,
    };
    query = if wanted.changed_since.is_some() {
        query.order((deliveries::changed_at.asc(), deliveries::id.asc()))
    } else {
        query.order(deliveries::id.desc())
    };
    Ok(query.limit(limit).load(conn)?)
}

/// The public ids of these orders.
///
/// # Errors
///
/// The database's.
pub fn list_order_ids(
    conn: &mut DbConnection,
    ids: &[OrderId],
) -> Result<Vec<(OrderId, String)>, DbError> {
    Ok(orders::table
        .filter(orders::id.eq_any(ids.to_vec()))
        .select((orders::id, orders::public_id))
        .load(conn)?)
}
