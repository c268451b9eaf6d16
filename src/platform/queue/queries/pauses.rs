//! SQL of `pauses`, and what a claim does about them. Kinds of jobs are names in our code, never input.
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::super::Queue;
use super::super::pauses::{INCOMING, MOST_COUNTED, OUTGOING, Pause, SHOP, Scope, Waiting};
use super::Count;
use super::claiming::take_turn;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::pauses;
use crate::types::{At, UserId};

/// Rows that one claim puts aside, and gives back, at most: it must not hold the writer for long.
const AT_ONCE: i64 = 512;
const STORE_REASON: &str = "the store is paused";
const OUTGOING_REASON: &str = "sending is paused";

type Row = (
    String,
    Option<String>,
    At,
    Option<UserId>,
    Option<String>,
    Option<At>,
);
const COLUMNS: (
    pauses::cause,
    pauses::shop_domain,
    pauses::paused_at,
    pauses::paused_by,
    pauses::reason,
    pauses::resumed_at,
) = (
    pauses::cause,
    pauses::shop_domain,
    pauses::paused_at,
    pauses::paused_by,
    pauses::reason,
    pauses::resumed_at,
);

fn pause((cause, shop, since, by, reason, resumed_at): Row) -> Pause {
    let scope = match shop {
        Some(domain) => Scope::Shop(domain),
        None if cause == OUTGOING => Scope::Outgoing,
        None => Scope::Incoming,
    };
    Pause {
        scope,
        since,
        by,
        reason,
        resumed_at,
    }
}

/// Waits for the claims of both queues that are under way, and lets none begin before the caller has committed.
pub(in super::super) fn take_turns(conn: &mut DbConnection) -> Result<(), DbError> {
    if let DbConnection::Postgres(pg) = conn {
        pg.batch_execute(
            "SELECT 1 FROM queues WHERE name IN ('jobs', 'webhook_events') ORDER BY name FOR UPDATE",
        )?;
    }
    Ok(())
}

pub(in super::super) fn find(
    conn: &mut DbConnection,
    scope: &Scope,
) -> Result<Option<Pause>, DbError> {
    let row: Option<Row> = pauses::table
        .find(scope.cause())
        .select(COLUMNS)
        .first(conn)
        .optional()?;
    Ok(row.map(pause))
}

pub(in super::super) fn list(conn: &mut DbConnection) -> Result<Vec<Pause>, DbError> {
    let rows: Vec<Row> = pauses::table
        .order((pauses::paused_at, pauses::cause))
        .select(COLUMNS)
        .load(conn)?;
    Ok(rows.into_iter().map(pause).collect())
}

/// Begins a pause in place of the last one of its scope.
pub(in super::super) fn put(
    conn: &mut DbConnection,
    scope: &Scope,
    reason: Option<&str>,
    by: Option<UserId>,
    now: At,
) -> Result<(), DbError> {
    let shop = match scope {
        Scope::Shop(domain) => Some(domain),
        Scope::Incoming | Scope::Outgoing => None,
    };
    let cause = scope.cause();
    diesel::delete(pauses::table.find(&cause)).execute(conn)?;
    diesel::insert_into(pauses::table)
        .values((
            pauses::cause.eq(&cause),
            pauses::shop_domain.eq(shop),
            pauses::reason.eq(reason),
            pauses::paused_at.eq(now),
            pauses::paused_by.eq(by),
            pauses::settled.eq(true),
        ))
        .execute(conn)?;
    Ok(())
}

/// Ends a pause; the claims settle it.
pub(in super::super) fn mark_resumed(
    conn: &mut DbConnection,
    scope: &Scope,
    now: At,
) -> Result<(), DbError> {
    diesel::update(pauses::table.find(scope.cause()))
        .set((pauses::resumed_at.eq(Some(now)), pauses::settled.eq(false)))
        .execute(conn)?;
    Ok(())
}

/// What pauses hold back now, as a claim's text says it.
pub(super) struct Held {
    shops: String,
    kinds: String,
    outgoing: bool,
}

impl Held {
    pub(super) fn now(conn: &mut DbConnection, kinds: &[&str]) -> Result<Held, DbError> {
        let on: Vec<Option<String>> = pauses::table
            .filter(pauses::resumed_at.is_null())
            .filter(pauses::cause.ne(INCOMING))
            .select(pauses::shop_domain)
            .load(conn)?;
        Ok(Held {
            shops: quoted(on.iter().flatten().map(String::as_str)),
            kinds: quoted(kinds.iter().copied()),
            outgoing: on.iter().any(Option::is_none),
        })
    }

    /// True of a row that is held back; `row` is its name in the statement. The values stand in the text, and behind
    /// COALESCE: a subquery, or what is known of how many rows each store has, led PostgreSQL to walk through all
    /// open rows for each of them.
    pub(super) fn holds(&self, queue: Queue, row: &str) -> String {
        let of_shop = format!("COALESCE({row}.shop_domain, '') IN ({})", self.shops);
        let of_kind = format!("COALESCE({row}.kind, '') IN ({})", self.kinds);
        match queue {
            Queue::WebhookEvents => of_shop,
            Queue::Jobs if self.outgoing => of_kind,
            Queue::Jobs => format!("({of_kind} AND {of_shop})"),
        }
    }
}

// Never empty: a list without values is none.
fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.fold("'-'".to_owned(), |list, word| {
        format!("{list}, '{}'", word.replace('\'', "''"))
    })
}

/// True while nothing of the queue may be claimed.
pub(super) fn is_stopped(queue: Queue) -> String {
    match queue {
        Queue::WebhookEvents => format!("p.cause = '{INCOMING}'"),
        Queue::Jobs => "1 = 0".to_owned(),
    }
}

/// Gives back some of what waits for a pause that is over, and puts aside what a pause holds back among the rows
/// that are next; returns how many rows it moved.
///
/// # Errors
///
/// The database's.
pub fn settle(
    conn: &mut DbConnection,
    queue: Queue,
    held: &[&str],
    now: At,
) -> Result<usize, DbError> {
    take_turn(conn, queue)?;
    let over: Vec<String> = pauses::table
        .filter(pauses::settled.eq(false))
        .select(pauses::cause)
        .load(conn)?;
    let mut moved = 0;
    for cause in over {
        match give_back(conn, queue, &cause)? {
            0 => mark_settled(conn, &cause)?,
            given => moved += given,
        }
    }
    Ok(moved + put_aside(conn, queue, held, now)?)
}

fn give_back(conn: &mut DbConnection, queue: Queue, cause: &str) -> Result<usize, DbError> {
    let table = queue.table();
    let text = format!(
        "UPDATE {table} SET status = 0, waits_for = NULL, \
                reason = CASE WHEN reason IN ('{STORE_REASON}', '{OUTGOING_REASON}') THEN NULL ELSE reason END \
          WHERE status = 2 AND id IN (SELECT w.id FROM {table} w \
                       WHERE w.status = 2 AND w.waits_for = $1 ORDER BY w.id LIMIT {AT_ONCE})"
    );
    Ok(native!(conn, |c| diesel::sql_query(&text)
        .bind::<Text, _>(cause)
        .execute(c))?)
}

// Only once the other queue has nothing of it either.
fn mark_settled(conn: &mut DbConnection, cause: &str) -> Result<(), DbError> {
    let none_of = |table: &str| {
        format!(
            "NOT EXISTS (SELECT 1 FROM {table} w WHERE w.status = 2 AND w.waits_for = pauses.cause)"
        )
    };
    let text = format!(
        "UPDATE pauses SET settled = TRUE WHERE cause = $1 AND NOT settled AND {} AND {}",
        none_of("webhook_events"),
        none_of("jobs")
    );
    native!(conn, |c| diesel::sql_query(&text)
        .bind::<Text, _>(cause)
        .execute(c))?;
    Ok(())
}

/// Looks at no more than the next rows, whatever else waits: the claim itself leaves the others where they are.
fn put_aside(
    conn: &mut DbConnection,
    queue: Queue,
    held: &[&str],
    now: At,
) -> Result<usize, DbError> {
    let (table, kind) = (queue.table(), queue.kind_column());
    let held = Held::now(conn, held)?;
    let shops = &held.shops;
    let text = format!(
        "UPDATE {table} SET status = 2, \
                waits_for = CASE WHEN shop_domain IN ({shops}) THEN '{SHOP}' || shop_domain ELSE '{OUTGOING}' END, \
                reason = COALESCE(reason, \
                  CASE WHEN shop_domain IN ({shops}) THEN '{STORE_REASON}' ELSE '{OUTGOING_REASON}' END) \
          WHERE status < 1 AND id IN (SELECT h.id FROM \
                 (SELECT c.id, c.shop_domain, c.{kind} FROM {table} c \
                   WHERE c.status = 0 AND c.due_at <= $1 ORDER BY c.due_at, c.id LIMIT {AT_ONCE}) h \
                 WHERE {})",
        held.holds(queue, "h")
    );
    Ok(native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .execute(c))?)
}

/// See [`super::super::pauses::waiting`]. What was put aside is found by its cause; what the claims have not come to
/// yet is looked for among the first that are pending.
pub(in super::super) fn count_waiting(
    conn: &mut DbConnection,
    scope: &Scope,
    held: &[&str],
) -> Result<Waiting, DbError> {
    let kinds = format!("h.kind IN ('{}')", held.join("', '"));
    Ok(match scope {
        Scope::Incoming => Waiting {
            events: count_pending(conn, Queue::WebhookEvents, "1 = 1", "")?,
            jobs: 0,
        },
        Scope::Outgoing => Waiting {
            events: 0,
            jobs: count_aside(conn, Queue::Jobs, scope)?
                + count_pending(conn, Queue::Jobs, &kinds, "")?,
        },
        Scope::Shop(domain) => {
            let of_shop = "h.shop_domain = $1";
            let jobs = format!("{of_shop} AND {kinds}");
            Waiting {
                events: count_aside(conn, Queue::WebhookEvents, scope)?
                    + count_pending(conn, Queue::WebhookEvents, of_shop, domain)?,
                jobs: count_aside(conn, Queue::Jobs, scope)?
                    + count_pending(conn, Queue::Jobs, &jobs, domain)?,
            }
        }
    })
}

fn count_aside(conn: &mut DbConnection, queue: Queue, scope: &Scope) -> Result<i64, DbError> {
    let text = format!(
        "SELECT count(*) AS n FROM (SELECT w.id FROM {} w \
           WHERE w.status = 2 AND w.waits_for = $1 LIMIT {MOST_COUNTED} + 1) h",
        queue.table()
    );
    count(conn, &text, &scope.cause())
}

// `value` is bound wherever the condition names it; one that does not is given a condition that is always true.
fn count_pending(
    conn: &mut DbConnection,
    queue: Queue,
    condition: &str,
    value: &str,
) -> Result<i64, DbError> {
    let condition = if condition.contains("$1") {
        condition.to_owned()
    } else {
        format!("{condition} AND $1 = ''")
    };
    let (table, kind) = (queue.table(), queue.kind_column());
    let text = format!(
        "SELECT count(*) AS n FROM (SELECT c.shop_domain, c.{kind} FROM {table} c \
           WHERE c.status = 0 ORDER BY c.id LIMIT {MOST_COUNTED} + 1) h WHERE {condition}"
    );
    count(conn, &text, value)
}

fn count(conn: &mut DbConnection, text: &str, value: &str) -> Result<i64, DbError> {
    let found: Count = native!(conn, |c| diesel::sql_query(text)
        .bind::<Text, _>(value)
        .get_result(c))?;
    Ok(found.n)
}
