//! Webhooks and jobs in one list, newest first, in keyset pages.
//!
//! The order is (time, table, id). Ids alone are no order of time: a row has its time when it arrives and its id when
//! it is stored, and several processes store side by side. Each state of each table is read apart, as a walk along
//! its index `…_list` (status, time, id), and the parts are merged: a page costs the same however much is finished.
//! What no index can find (a topic, a store, a reason) is looked for among so many rows of each part; where the look
//! ends early the page says how far it went, and the next one goes on from there.
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Nullable, Text};

use super::list::ListRow;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::{Queue, Status};
use crate::schema::{jobs, webhook_events};
use crate::types::At;

#[diesel::declare_sql_function]
extern "SQL" {
    fn lower(text: Nullable<Text>) -> Nullable<Text>;
    fn substr(text: Nullable<Text>, from: Integer, letters: Integer) -> Nullable<Text>;
}

/// Which rows.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub queues: &'a [Queue],
    pub statuses: &'a [Status],
    /// Of the pending ones those that failed before, or those that did not.
    pub retried: Option<bool>,
    /// Only of this topic, or jobs of this kind.
    pub topic: Option<&'a str>,
    pub shop_domain: Option<&'a str>,
    /// How the reason begins, in large or small letters.
    pub reason: Option<&'a str>,
    /// Without what is only scheduled: pending, due later than this, and never tried.
    pub due_by: Option<At>,
    /// Of each part at most so many rows are looked at; `None`: as many as it takes.
    pub look_at: Option<i64>,
}

impl Wanted<'_> {
    fn is_searched(&self) -> bool {
        let words = [self.topic, self.shop_domain, self.reason];
        self.retried.is_some() || words.iter().any(Option::is_some)
    }
}

/// Where a row stands in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub at: At,
    pub queue: Queue,
    pub id: i64,
}

impl Place {
    fn of((queue, row): &(Queue, ListRow)) -> Place {
        Place {
            at: row.at,
            queue: *queue,
            id: row.id,
        }
    }

    fn key(self) -> (At, u8, i64) {
        (self.at, rank(self.queue), self.id)
    }

    /// Of the rows of `queue` with this place's time, those with smaller ids are older than it and those with
    /// larger ones newer.
    fn bound(self, queue: Queue) -> i64 {
        match rank(queue).cmp(&rank(self.queue)) {
            Ordering::Less => i64::MAX,
            Ordering::Equal => self.id,
            Ordering::Greater => 0,
        }
    }
}

const fn rank(queue: Queue) -> u8 {
    match queue {
        Queue::WebhookEvents => 0,
        Queue::Jobs => 1,
    }
}

/// The form in addresses, which nobody else reads: `1795262400000000.w.17`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.queue {
            Queue::WebhookEvents => 'w',
            Queue::Jobs => 'j',
        };
        write!(f, "{}.{letter}.{}", self.at.0, self.id)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        let unknown = || format!("`{text}` is no place in the list");
        let parts: Vec<&str> = text.split('.').collect();
        let [at, queue, id] = parts.as_slice() else {
            return Err(unknown());
        };
        let queue = match *queue {
            "w" => Queue::WebhookEvents,
            "j" => Queue::Jobs,
            _ => return Err(unknown()),
        };
        Ok(Place {
            at: At(at.parse().map_err(|_other| unknown())?),
            queue,
            id: id.parse().map_err(|_other| unknown())?,
        })
    }
}

/// Where a page begins: beyond this place, towards newer or older rows.
#[derive(Clone, Copy, Debug)]
pub struct Beyond {
    pub place: Place,
    pub newer: bool,
}

/// A page, newest first.
#[derive(Debug, Default)]
pub struct Page {
    pub rows: Vec<(Queue, ListRow)>,
    /// What the page of newer rows begins beyond; `None`: there is no such page.
    pub newer: Option<Place>,
    pub older: Option<Place>,
    /// The look ended here with fewer rows than a page has.
    pub looked_to: Option<At>,
}

/// A page of the list.
///
/// # Errors
///
/// The database's.
pub fn page(
    conn: &mut DbConnection,
    wanted: Wanted<'_>,
    from: Option<Beyond>,
    size: usize,
) -> Result<Page, DbError> {
    // Nothing is known of how many rows are in which state, so the planner would rather sort all that failed.
    only_walk(conn, true)?;
    let newer = from.is_some_and(|from| from.newer);
    let mut rows = Vec::new();
    let mut ends = Vec::new();
    for queue in wanted.queues {
        for status in wanted.statuses {
            let part = match queue {
                Queue::WebhookEvents => events_part(conn, wanted, *status, from, size)?,
                Queue::Jobs => jobs_part(conn, wanted, *status, from, size)?,
            };
            rows.extend(part.rows.into_iter().map(|row| (*queue, row)));
            ends.extend(part.end);
        }
    }
    only_walk(conn, false)?;
    // What lies beyond the nearest end was not looked at in every part.
    let end = if newer {
        ends.into_iter().min_by_key(|end| end.key())
    } else {
        ends.into_iter().max_by_key(|end| end.key())
    };
    if let Some(end) = end {
        rows.retain(|row| {
            let (row, end) = (Place::of(row).key(), end.key());
            if newer { row <= end } else { row >= end }
        });
    }
    rows.sort_by_key(|row| std::cmp::Reverse(Place::of(row).key()));
    Ok(cut(rows, from, end, size))
}

fn only_walk(conn: &mut DbConnection, only: bool) -> Result<(), DbError> {
    let other_ways = if only { "off" } else { "on" };
    if let DbConnection::Postgres(pg) = conn {
        pg.batch_execute(&format!(
            "SET LOCAL enable_sort = {other_ways}; SET LOCAL enable_bitmapscan = {other_ways};"
        ))?;
    }
    Ok(())
}

/// Takes the page nearest to where it begins from `rows`, newest first, of which there may be one more than a page
/// has; `end` is where the look ended.
fn cut(
    mut rows: Vec<(Queue, ListRow)>,
    from: Option<Beyond>,
    end: Option<Place>,
    size: usize,
) -> Page {
    let newer = from.is_some_and(|from| from.newer);
    let surplus = rows.len().saturating_sub(size);
    if newer {
        rows.drain(..surplus);
    } else {
        rows.truncate(size);
    }
    let first = rows.first().map(Place::of);
    let last = rows.last().map(Place::of);
    let nearest_end = if newer { first } else { last };
    let onward = if surplus > 0 { nearest_end } else { end };
    // On an empty page the way back includes the row that it began beyond.
    let back = from.map(|Beyond { place, newer }| Place {
        id: if newer { place.id + 1 } else { place.id - 1 },
        ..place
    });
    Page {
        newer: if newer {
            onward
        } else {
            back.map(|back| first.unwrap_or(back))
        },
        older: if newer {
            back.map(|back| last.unwrap_or(back))
        } else {
            onward
        },
        looked_to: end.filter(|_| surplus == 0).map(|end| end.at),
        rows,
    }
}

/// What one state of one table gives to a page, and where its look ended if it ended early.
struct Part {
    rows: Vec<ListRow>,
    end: Option<Place>,
}

macro_rules! beyond {
    ($query:expr, $table:ident, $at:ident, $queue:expr, $from:expr) => {{
        let query = $query;
        // The first filter says less than the second, but it is one that an index can begin at.
        match $from {
            Some(Beyond { place, newer: true }) => query
                .filter($table::$at.ge(place.at))
                .filter(
                    $table::$at
                        .gt(place.at)
                        .or($table::id.gt(place.bound($queue))),
                )
                .order(($table::$at.asc(), $table::id.asc())),
            Some(Beyond {
                place,
                newer: false,
            }) => query
                .filter($table::$at.le(place.at))
                .filter(
                    $table::$at
                        .lt(place.at)
                        .or($table::id.lt(place.bound($queue))),
                )
                .order(($table::$at.desc(), $table::id.desc())),
            None => query.order(($table::$at.desc(), $table::id.desc())),
        }
    }};
}

macro_rules! part {
    ($conn:expr, $table:ident, $topic:ident, $at:ident, $queue:expr, $wanted:expr, $status:expr, $from:expr, $size:expr) => {{
        let (conn, wanted, from) = ($conn, $wanted, $from);
        // Written out: a bound value made PostgreSQL's generic plan scan the table.
        let in_state = format!("{}.status = {}", $queue.table(), $status.code());
        let end = match wanted.look_at {
            Some(rows) if wanted.is_searched() => {
                let query = $table::table
                    .filter(sql::<Bool>(&in_state))
                    .select(($table::$at, $table::id))
                    .offset(rows - 1)
                    .limit(1)
                    .into_boxed();
                let end: Option<(At, i64)> = beyond!(query, $table, $at, $queue, from)
                    .first(conn)
                    .optional()?;
                end.map(|(at, id)| Place {
                    at,
                    queue: $queue,
                    id,
                })
            }
            Some(_) | None => None,
        };
        let mut query = $table::table
            .filter(sql::<Bool>(&in_state))
            .select((
                $table::id,
                $table::$topic,
                $table::shop_domain.nullable(),
                $table::key,
                $table::status,
                $table::attempts,
                $table::crashes,
                $table::reason,
                $table::$at,
                $table::due_at,
            ))
            .limit(i64::try_from($size).unwrap_or(i64::MAX).saturating_add(1))
            .into_boxed();
        if let Some(end) = end {
            query = if from.is_some_and(|from| from.newer) {
                query
                    .filter($table::$at.le(end.at))
                    .filter($table::$at.lt(end.at).or($table::id.le(end.id)))
            } else {
                query
                    .filter($table::$at.ge(end.at))
                    .filter($table::$at.gt(end.at).or($table::id.ge(end.id)))
            };
        }
        if let Some(topic) = wanted.topic {
            query = query.filter($table::$topic.eq(topic.to_owned()));
        }
        if let Some(shop) = wanted.shop_domain {
            query = query.filter($table::shop_domain.eq(shop.to_owned()));
        }
        if let Some(words) = wanted.reason {
            let letters = i32::try_from(words.chars().count()).unwrap_or(i32::MAX);
            let begins = lower(substr($table::reason, 1, letters));
            query = query.filter(begins.eq(lower(words.to_owned())));
        }
        if let Some(retried) = wanted.retried {
            query = if retried {
                query.filter($table::attempts.gt(0))
            } else {
                query.filter($table::attempts.eq(0))
            };
        }
        if let (Some(due_by), Status::Pending) = (wanted.due_by, $status) {
            query = query.filter(
                $table::due_at
                    .le(due_by)
                    .or($table::attempts.gt(0))
                    .or($table::reason.is_not_null()),
            );
        }
        let rows = beyond!(query, $table, $at, $queue, from).load(conn)?;
        Ok(Part { rows, end })
    }};
}

fn events_part(
    conn: &mut DbConnection,
    wanted: Wanted<'_>,
    status: Status,
    from: Option<Beyond>,
    size: usize,
) -> Result<Part, DbError> {
    let queue = Queue::WebhookEvents;
    part!(
        conn,
        webhook_events,
        topic,
        received_at,
        queue,
        wanted,
        status,
        from,
        size
    )
}

fn jobs_part(
    conn: &mut DbConnection,
    wanted: Wanted<'_>,
    status: Status,
    from: Option<Beyond>,
    size: usize,
) -> Result<Part, DbError> {
    let queue = Queue::Jobs;
    part!(
        conn, jobs, kind, created_at, queue, wanted, status, from, size
    )
}
