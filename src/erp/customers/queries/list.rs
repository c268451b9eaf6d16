//! Lists of customers, what they ordered, and what it came to.
use diesel::dsl::{exists, sql};
use diesel::helper_types::{IntoBoxed, Select};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::super::AccountKind;
use super::super::search::{self, Found};
use super::{ContactRow, list_these};
use crate::erp::orders::queries::list::ListRow;
use crate::platform::db::{DbConnection, DbError, MultiBackend};
use crate::schema::{accounts, channels, contact_terms, contacts, orders};
use crate::types::{At, ChannelId, ContactId, Currency, OrderId};

/// What an order counts for: nothing where it was cancelled or a test. Written for an index that holds it all.
const COUNTS: &str = "CAST(SUM(CASE WHEN orders.cancelled_at IS NULL AND NOT orders.test THEN 1 ELSE 0 END) AS BIGINT)";
const SPENT: &str = "CAST(SUM(CASE WHEN orders.cancelled_at IS NULL AND NOT orders.test \
     THEN orders.current_total_minor ELSE 0 END) AS BIGINT)";

/// Which customers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Name, e-mail, phone, company; empty: everybody.
    pub search: String,
    /// Whence they came first.
    pub channel: Option<ChannelId>,
    pub kind: Option<AccountKind>,
    /// Those who may be written to by e-mail.
    pub subscribed: bool,
}

/// Where a page begins: behind this contact, towards newer or older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beyond {
    pub id: ContactId,
    pub newer: bool,
}

/// What somebody ordered in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct SumRow {
    contact: Option<ContactId>,
    pub currency: Currency,
    pub orders: i64,
    pub spent_minor: i64,
}

type Boxed<'a> = IntoBoxed<'a, Select<contacts::table, contacts::id>, MultiBackend>;

fn matching<'a>(wanted: &Wanted, found: &Found) -> Boxed<'a> {
    let mut query = contacts::table.select(contacts::id).into_boxed();
    query = query.filter(contacts::merged_into.is_null());
    if let Some(channel) = wanted.channel {
        query = query.filter(contacts::channel_id.eq(channel));
    }
    if wanted.subscribed {
        query = query.filter(contacts::email_consent.eq("subscribed"));
    }
    if let Some(kind) = wanted.kind {
        let of_kind = accounts::table
            .filter(accounts::id.eq(contacts::account_id))
            .filter(accounts::kind.eq(kind));
        query = query.filter(exists(of_kind));
    }
    match found {
        Found::Everything => {}
        Found::These(these) => query = query.filter(contacts::id.eq_any(these.clone())),
        Found::WithWords(words) => {
            for word in words {
                let having = contact_terms::table
                    .filter(contact_terms::contact_id.eq(contacts::id))
                    .filter(contact_terms::term.ge(word.clone()))
                    .filter(contact_terms::term.lt(format!("{word}{}", char::MAX)));
                query = query.filter(exists(having));
            }
        }
    }
    query
}

/// A page of the customers, the newest first, and whether there are newer and older ones beside it.
///
/// # Errors
///
/// The database's.
pub fn page(
    conn: &mut DbConnection,
    wanted: &Wanted,
    from: Option<Beyond>,
    size: i64,
) -> Result<(Vec<ContactRow>, bool, bool), DbError> {
    let found = search::find(conn, &wanted.search)?;
    let query = matching(wanted, &found);
    let query = match from {
        Some(Beyond { id, newer: true }) => {
            query.filter(contacts::id.gt(id)).order(contacts::id.asc())
        }
        Some(Beyond { id, newer: false }) => {
            query.filter(contacts::id.lt(id)).order(contacts::id.desc())
        }
        None => query.order(contacts::id.desc()),
    };
    let mut ids: Vec<ContactId> = query.limit(size + 1).load(conn)?;
    let most = usize::try_from(size).unwrap_or(usize::MAX);
    let more = ids.len() > most;
    ids.truncate(most);
    let mut rows = list_these(conn, &ids)?;
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.id));
    Ok(match from {
        Some(Beyond { newer: true, .. }) => (rows, more, true),
        Some(Beyond { newer: false, .. }) => (rows, true, more),
        None => (rows, false, more),
    })
}

/// What each of these customers ordered, by currency.
///
/// # Errors
///
/// The database's.
pub fn sums(
    conn: &mut DbConnection,
    of: &[ContactId],
) -> Result<Vec<(ContactId, SumRow)>, DbError> {
    let mut rows: Vec<SumRow> = orders::table
        .filter(orders::contact_id.eq_any(of.to_vec()))
        .group_by((orders::contact_id, orders::currency))
        .select((
            orders::contact_id,
            orders::currency,
            sql::<BigInt>(COUNTS),
            sql::<BigInt>(SPENT),
        ))
        .load(conn)?;
    rows.retain(|row| row.orders > 0);
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.orders));
    let of = |row: SumRow| Some((row.contact?, row));
    Ok(rows.into_iter().filter_map(of).collect())
}

/// Orders of one customer, the newest first, beyond one of them; one more than `size` where there are more.
///
/// # Errors
///
/// The database's.
pub fn orders_of(
    conn: &mut DbConnection,
    contact: ContactId,
    beyond: Option<(At, OrderId)>,
    size: i64,
) -> Result<Vec<ListRow>, DbError> {
    let mut query = orders::table
        .filter(orders::contact_id.eq(contact))
        .select(ListRow::as_select())
        .order((orders::placed_at.desc(), orders::id.desc()))
        .limit(size + 1)
        .into_boxed();
    if let Some((at, id)) = beyond {
        let older = orders::placed_at
            .lt(at)
            .or(orders::placed_at.eq(at).and(orders::id.lt(id)));
        query = query.filter(orders::placed_at.le(at)).filter(older);
    }
    Ok(query.load(conn)?)
}

/// What the channels are called.
///
/// # Errors
///
/// The database's.
pub fn channel_names(conn: &mut DbConnection) -> Result<Vec<(ChannelId, String)>, DbError> {
    Ok(channels::table
        .order(channels::id)
        .select((channels::id, channels::name))
        .load(conn)?)
}
