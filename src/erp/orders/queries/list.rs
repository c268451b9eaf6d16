//! Lists of orders: views, search, keyset pages, neighbours.
use diesel::dsl::{exists, sql};
use diesel::expression::SqlLiteral;
use diesel::helper_types::{IntoBoxed, Select};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

use super::super::incoming::PaymentState;
use super::super::work_state::WorkState;
use super::lower;
use crate::erp::products::queries::like;
use crate::platform::db::MultiBackend;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{order_lines, orders, shipments};
use crate::types::{At, Currency, OrderId};

#[diesel::declare_sql_function]
extern "SQL" {
    #[sql_name = "lower"]
    fn lower_or_null(text: Nullable<Text>) -> Nullable<Text>;
}

crate::text_enum! {
    /// The built-in views of the order list.
    View {
        ToShip = "to-ship",
        NeedsMapping = "needs-mapping",
        OnHold = "on-hold",
        Shipped = "shipped",
        Cancelled = "cancelled",
        All = "all",
    }
}

impl View {
    /// The states whose orders it lists; `None` for all.
    #[must_use]
    pub fn states(self) -> Option<&'static [WorkState]> {
        match self {
            View::ToShip => Some(&WorkState::TO_SHIP),
            View::NeedsMapping => Some(&[WorkState::Unmapped]),
            View::OnHold => Some(&WorkState::ON_HOLD),
            View::Shipped => Some(&WorkState::GONE),
            View::Cancelled => Some(&WorkState::CLOSED),
            View::All => None,
        }
    }

    /// Whether the oldest comes first: where somebody works the list off.
    #[must_use]
    pub fn is_worked_off(self) -> bool {
        match self {
            View::ToShip | View::NeedsMapping | View::OnHold => true,
            View::Shipped | View::Cancelled | View::All => false,
        }
    }
}

/// What to list.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub view: View,
    /// Order, customer, e-mail, SKU or tracking number; empty: everything.
    pub search: String,
}

/// Where a page begins: beyond this order, towards newer or older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beyond {
    pub placed_at: At,
    pub id: OrderId,
    pub newer: bool,
}

/// One row of the list.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = orders)]
pub struct ListRow {
    pub id: OrderId,
    pub number: String,
    pub name: String,
    pub placed_at: At,
    pub customer_name: Option<String>,
    pub ship_city: Option<String>,
    pub items_summary: String,
    pub work_state: WorkState,
    pub short_quantity: i64,
    pub payment_state: PaymentState,
    pub promised_at: Option<At>,
    pub shipping_method: Option<String>,
    pub total_minor: i64,
    pub currency: Currency,
    pub test: bool,
}

type Boxed<'a> = IntoBoxed<
    'a,
    Select<orders::table, diesel::dsl::AsSelect<ListRow, MultiBackend>>,
    MultiBackend,
>;

fn matching<'a>(wanted: &Wanted) -> Boxed<'a> {
    let mut query = orders::table.select(ListRow::as_select()).into_boxed();
    if let Some(states) = wanted.view.states() {
        query = query.filter(is_in(states));
    }
    let search = wanted.search.trim();
    if !search.is_empty() {
        let pattern = like(search);
        let lines = order_lines::table
            .filter(order_lines::order_id.eq(orders::id))
            .filter(
                lower_or_null(order_lines::sku)
                    .like(pattern.clone())
                    .escape('\\'),
            );
        let sent = shipments::table
            .filter(shipments::order_id.eq(orders::id))
            .filter(
                lower(shipments::tracking_numbers)
                    .like(pattern.clone())
                    .escape('\\'),
            );
        query = query.filter(
            lower(orders::name)
                .like(pattern.clone())
                .escape('\\')
                .or(lower(orders::number).like(pattern.clone()).escape('\\'))
                .or(orders::external_id.eq(search.to_owned()))
                .or(lower_or_null(orders::customer_name)
                    .like(pattern.clone())
                    .escape('\\')
                    .assume_not_null())
                .or(lower_or_null(orders::email)
                    .like(pattern)
                    .escape('\\')
                    .assume_not_null())
                .or(exists(lines))
                .or(exists(sent)),
        );
    }
    query
}

/// Whether an order is in one of these states. Written out as the partial index of the view is: a
/// bound value would hide it from both databases.
pub(crate) fn is_in(states: &[WorkState]) -> SqlLiteral<Bool> {
    let states: Vec<String> = states.iter().map(|state| format!("'{state}'")).collect();
    sql(&format!("orders.work_state IN ({})", states.join(", ")))
}

fn beyond<'a>(query: Boxed<'a>, from: Beyond) -> Boxed<'a> {
    let Beyond {
        placed_at,
        id,
        newer,
    } = from;
    // The first filter says less than the second, but it is one that an index can begin at.
    if newer {
        query
            .filter(orders::placed_at.ge(placed_at))
            .filter(
                orders::placed_at
                    .gt(placed_at)
                    .or(orders::placed_at.eq(placed_at).and(orders::id.gt(id))),
            )
            .order((orders::placed_at.asc(), orders::id.asc()))
    } else {
        query
            .filter(orders::placed_at.le(placed_at))
            .filter(
                orders::placed_at
                    .lt(placed_at)
                    .or(orders::placed_at.eq(placed_at).and(orders::id.lt(id))),
            )
            .order((orders::placed_at.desc(), orders::id.desc()))
    }
}

/// A page of the list in its own order, and whether there are newer and older ones beside it.
///
/// # Errors
///
/// The database's.
pub fn page(
    conn: &mut DbConnection,
    wanted: &Wanted,
    from: Option<Beyond>,
    size: i64,
) -> Result<(Vec<ListRow>, bool, bool), DbError> {
    let oldest_first = wanted.view.is_worked_off();
    let going_newer = from.map_or(oldest_first, |from| from.newer);
    let query = match from {
        Some(from) => beyond(matching(wanted), from),
        None if oldest_first => matching(wanted).order((orders::placed_at.asc(), orders::id.asc())),
        None => matching(wanted).order((orders::placed_at.desc(), orders::id.desc())),
    };
    let mut rows: Vec<ListRow> = query.limit(size + 1).load(conn)?;
    let wanted_rows = usize::try_from(size).unwrap_or(usize::MAX);
    let more = rows.len() > wanted_rows;
    rows.truncate(wanted_rows);
    if going_newer != oldest_first {
        rows.reverse();
    }
    let came_from_beside = from.is_some();
    Ok(if going_newer {
        (rows, more, came_from_beside)
    } else {
        (rows, came_from_beside, more)
    })
}

/// The orders before and after this one in a list.
///
/// # Errors
///
/// The database's.
pub fn neighbours(
    conn: &mut DbConnection,
    wanted: &Wanted,
    order: (At, OrderId),
) -> Result<(Option<OrderId>, Option<OrderId>), DbError> {
    let mut beside = |newer: bool| -> Result<Option<OrderId>, DbError> {
        let from = Beyond {
            placed_at: order.0,
            id: order.1,
            newer,
        };
        let row: Option<ListRow> = beyond(matching(wanted), from)
            .limit(1)
            .first(conn)
            .optional()?;
        Ok(row.map(|row| row.id))
    };
    let (newer, older) = (beside(true)?, beside(false)?);
    Ok(if wanted.view.is_worked_off() {
        (older, newer)
    } else {
        (newer, older)
    })
}

/// How many orders wait in each state that waits for somebody.
///
/// # Errors
///
/// The database's.
pub fn waiting(conn: &mut DbConnection) -> Result<Vec<(WorkState, i64)>, DbError> {
    let states: Vec<WorkState> = WorkState::TO_SHIP
        .into_iter()
        .chain(WorkState::ON_HOLD)
        .collect();
    Ok(orders::table
        .filter(orders::work_state.eq_any(states))
        .group_by(orders::work_state)
        .select((orders::work_state, diesel::dsl::count_star()))
        .load(conn)?)
}

/// What the channels call these orders: `#1001`.
///
/// # Errors
///
/// The database's.
pub fn names(conn: &mut DbConnection, ids: &[OrderId]) -> Result<Vec<(OrderId, String)>, DbError> {
    Ok(orders::table
        .filter(orders::id.eq_any(ids.to_vec()))
        .select((orders::id, orders::name))
        .load(conn)?)
}
