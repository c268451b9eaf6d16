//! Lists of orders: views, search, keyset pages, neighbours.
use diesel::dsl::{exists, sql};
use diesel::expression::SqlLiteral;
use diesel::helper_types::{IntoBoxed, Select};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::super::incoming::PaymentState;
use super::super::search::{self, Found};
use super::super::work_state::WorkState;
use crate::platform::db::MultiBackend;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{channels, order_terms, orders};
use crate::types::{At, ChannelId, Currency, OrderId};

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
    pub filter: Filter,
    /// Whether the oldest comes first.
    pub oldest_first: bool,
}

/// What narrows a view; what is `None` narrows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub channel: Option<ChannelId>,
    pub payment: Option<PaymentState>,
    /// Placed then or later.
    pub placed_from: Option<At>,
    /// Placed before that.
    pub placed_before: Option<At>,
}

impl Wanted {
    /// A view in its own order, whole.
    #[must_use]
    pub fn of(view: View) -> Wanted {
        Wanted {
            view,
            search: String::new(),
            filter: Filter::default(),
            oldest_first: view.is_worked_off(),
        }
    }
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

/// One order as a file has it.
#[derive(Clone, Debug, Queryable)]
pub struct ExportRow {
    pub id: OrderId,
    pub number: String,
    pub name: String,
    pub store: String,
    pub placed_at: At,
    pub customer_name: Option<String>,
    pub email: Option<String>,
    pub shipping_address: Option<String>,
    pub items_summary: String,
    pub item_count: i64,
    pub work_state: WorkState,
    pub short_quantity: i64,
    pub payment_state: PaymentState,
    pub shipping_method: Option<String>,
    pub currency: Currency,
    pub total_minor: i64,
    pub outstanding_minor: Option<i64>,
    pub test: bool,
}

type Boxed<'a> = IntoBoxed<
    'a,
    Select<orders::table, diesel::dsl::AsSelect<ListRow, MultiBackend>>,
    MultiBackend,
>;

fn matching<'a>(wanted: &Wanted, found: &Found) -> Boxed<'a> {
    let mut query = orders::table.select(ListRow::as_select()).into_boxed();
    if let Some(states) = wanted.view.states() {
        query = query.filter(is_in(states));
    }
    let Filter {
        channel,
        payment,
        placed_from,
        placed_before,
    } = wanted.filter;
    if let Some(channel) = channel {
        query = query.filter(orders::channel_id.eq(channel));
    }
    if let Some(payment) = payment {
        query = query.filter(orders::payment_state.eq(payment));
    }
    if let Some(from) = placed_from {
        query = query.filter(orders::placed_at.ge(from));
    }
    if let Some(before) = placed_before {
        query = query.filter(orders::placed_at.lt(before));
    }
    match found {
        Found::Everything => {}
        Found::These(these) => query = query.filter(orders::id.eq_any(these.clone())),
        Found::WithWords(words) => {
            for word in words {
                let having = order_terms::table
                    .filter(order_terms::order_id.eq(orders::id))
                    .filter(order_terms::term.ge(word.clone()))
                    .filter(order_terms::term.lt(format!("{word}{}", char::MAX)));
                query = query.filter(exists(having));
            }
        }
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
    let oldest_first = wanted.oldest_first;
    let going_newer = from.map_or(oldest_first, |from| from.newer);
    let found = search::find(conn, &wanted.search)?;
    let query = matching(wanted, &found);
    let query = match from {
        Some(from) => beyond(query, from),
        None if oldest_first => query.order((orders::placed_at.asc(), orders::id.asc())),
        None => query.order((orders::placed_at.desc(), orders::id.desc())),
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

/// A step through the whole list in its order, and whether there is more behind it.
///
/// # Errors
///
/// The database's.
pub fn export(
    conn: &mut DbConnection,
    wanted: &Wanted,
    from: Option<Beyond>,
    size: i64,
) -> Result<(Vec<ExportRow>, bool), DbError> {
    let (rows, has_newer, has_older) = page(conn, wanted, from, size)?;
    let more = if wanted.oldest_first {
        has_newer
    } else {
        has_older
    };
    let ids: Vec<OrderId> = rows.iter().map(|row| row.id).collect();
    let mut whole: Vec<ExportRow> = orders::table
        .inner_join(channels::table)
        .filter(orders::id.eq_any(ids))
        .select((
            orders::id,
            orders::number,
            orders::name,
            channels::name,
            orders::placed_at,
            orders::customer_name,
            orders::email,
            orders::shipping_address,
            orders::items_summary,
            orders::item_count,
            orders::work_state,
            orders::short_quantity,
            orders::payment_state,
            orders::shipping_method,
            orders::currency,
            orders::total_minor,
            orders::outstanding_minor,
            orders::test,
        ))
        .load(conn)?;
    whole.sort_unstable_by_key(|row| (row.placed_at, row.id));
    if !wanted.oldest_first {
        whole.reverse();
    }
    Ok((whole, more))
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
    let found = search::find(conn, &wanted.search)?;
    let mut beside = |newer: bool| -> Result<Option<OrderId>, DbError> {
        let from = Beyond {
            placed_at: order.0,
            id: order.1,
            newer,
        };
        let row: Option<ListRow> = beyond(matching(wanted, &found), from)
            .limit(1)
            .first(conn)
            .optional()?;
        Ok(row.map(|row| row.id))
    };
    let (newer, older) = (beside(true)?, beside(false)?);
    Ok(if wanted.oldest_first {
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
