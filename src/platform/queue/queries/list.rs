//! What the events screen reads: rows of either table, their counts, their tries.
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, SmallInt, Text};

use super::Count;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::{Queue, Status};
use crate::schema::{jobs, rejected_webhooks, tries, webhook_events};
use crate::types::At;

/// One row of the list, whichever table it stands in.
#[derive(Clone, Debug, Queryable)]
pub struct ListRow {
    pub id: i64,
    /// The topic of a webhook, the kind of a job.
    pub topic: String,
    pub shop_domain: Option<String>,
    pub key: Option<String>,
    pub status: i16,
    pub attempts: i32,
    pub crashes: i32,
    pub reason: Option<String>,
    /// When it arrived or was filed.
    pub at: At,
    pub due_at: At,
}

/// One try.
#[derive(Clone, Debug, Queryable)]
pub struct TryRow {
    pub at: At,
    pub micros: i64,
    pub outcome: String,
    pub reason: Option<String>,
    pub request_id: Option<String>,
}

/// A refused delivery.
#[derive(Clone, Debug, Queryable)]
pub struct RejectedRow {
    pub id: i64,
    pub at: At,
    pub address: String,
    pub topic: String,
    pub shop_domain: String,
    pub reason: String,
}

/// What waits of one shop in one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub pending: i64,
    /// Failed before and will be tried again.
    pub retrying: i64,
    pub working: i64,
    pub waiting: i64,
    pub dead: i64,
    /// When the oldest open row came in.
    pub oldest_at: Option<At>,
}

/// How a shop's rows stand that are not finished.
///
/// # Errors
///
/// The database's.
pub fn standing(
    conn: &mut DbConnection,
    queue: Queue,
    shop_domain: &str,
) -> Result<Standing, DbError> {
    macro_rules! standing {
        ($table:ident, $at:ident) => {{
            let open = [Status::Pending, Status::Working, Status::Waiting].map(Status::code);
            let of_shop = || $table::table.filter($table::shop_domain.eq(shop_domain));
            let mut count = |status: Status| -> Result<i64, DbError> {
                let rows = of_shop().filter($table::status.eq(status.code()));
                Ok(rows.count().get_result(conn)?)
            };
            let pending = count(Status::Pending)?;
            let (working, waiting) = (count(Status::Working)?, count(Status::Waiting)?);
            let dead = count(Status::Dead)?;
            let retrying = of_shop()
                .filter($table::status.eq(Status::Pending.code()))
                .filter($table::attempts.gt(0))
                .count()
                .get_result::<i64>(conn)?;
            let oldest_at = of_shop()
                .filter($table::status.eq_any(open))
                .select(diesel::dsl::min($table::$at))
                .get_result(conn)?;
            Ok(Standing {
                pending: pending - retrying,
                retrying,
                working,
                waiting,
                dead,
                oldest_at,
            })
        }};
    }
    match queue {
        Queue::WebhookEvents => standing!(webhook_events, received_at),
        Queue::Jobs => standing!(jobs, created_at),
    }
}

/// How many rows of a shop stand in one state, and since when the oldest is due.
#[derive(Clone, Debug, QueryableByName)]
pub struct Depth {
    #[diesel(sql_type = Nullable<Text>)]
    pub shop_domain: Option<String>,
    #[diesel(sql_type = SmallInt)]
    pub status: i16,
    /// Pending, and failed before.
    #[diesel(sql_type = Bool)]
    pub retried: bool,
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// What failed counts from its arrival: how often it was put off does not make it younger.
    #[diesel(sql_type = BigInt)]
    pub since: At,
}

/// The rows of one table that are not finished, and the dead ones, by shop and state. What is finished is not
/// looked at, however much of it there is.
///
/// # Errors
///
/// The database's.
pub fn depths(conn: &mut DbConnection, queue: Queue) -> Result<Vec<Depth>, DbError> {
    let text = depths_text(queue);
    Ok(native!(conn, |c| diesel::sql_query(&text).load(c))?)
}

fn depths_text(queue: Queue) -> String {
    let (table, arrived) = (queue.table(), queue.created_column());
    format!(
        "SELECT shop_domain, status, (status = 0 AND attempts > 0) AS retried, count(*) AS rows, \
                min(CASE WHEN attempts = 0 THEN due_at ELSE {arrived} END) AS since \
           FROM {table} WHERE status IN (0, 1, 2, 5) GROUP BY 1, 2, 3"
    )
}

/// The tries of a row, newest first.
///
/// # Errors
///
/// The database's.
pub fn list_tries(conn: &mut DbConnection, queue: Queue, id: i64) -> Result<Vec<TryRow>, DbError> {
    Ok(tries::table
        .filter(tries::queue.eq(queue.table()))
        .filter(tries::row_id.eq(id))
        .order(tries::id.desc())
        .limit(50)
        .select((
            tries::at,
            tries::micros,
            tries::outcome,
            tries::reason,
            tries::request_id,
        ))
        .load(conn)?)
}

/// The refused deliveries that are kept, newest first; `before` is the last one of the page before. One thread
/// writes them, so their ids are in the order of time.
///
/// # Errors
///
/// The database's.
pub fn list_rejected(
    conn: &mut DbConnection,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<RejectedRow>, DbError> {
    let mut query = rejected_webhooks::table
        .order(rejected_webhooks::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(rejected_webhooks::id.lt(before));
    }
    Ok(query.load(conn)?)
}

/// What came in lately, or was filed: the topics or kinds among the newest thousand rows, by name.
///
/// # Errors
///
/// The database's.
pub fn list_topics(conn: &mut DbConnection, queue: Queue) -> Result<Vec<String>, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        topic: String,
    }
    let (table, kind) = (queue.table(), queue.kind_column());
    let text = format!(
        "SELECT DISTINCT topic FROM \
           (SELECT {kind} AS topic FROM {table} ORDER BY id DESC LIMIT 1000) newest ORDER BY topic"
    );
    let rows: Vec<Row> = native!(conn, |c| diesel::sql_query(&text).load(c))?;
    Ok(rows.into_iter().map(|row| row.topic).collect())
}

/// How many rows that came in since then are done; counts no further than `most`.
///
/// # Errors
///
/// The database's.
pub fn count_done_since(
    conn: &mut DbConnection,
    queue: Queue,
    since: At,
    most: i64,
) -> Result<i64, DbError> {
    let (table, arrived) = (queue.table(), queue.created_column());
    let text = format!(
        "SELECT count(*) AS n FROM \
           (SELECT id FROM {table} WHERE status = 3 AND {arrived} >= $1 LIMIT {most}) done"
    );
    let found: Count = native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(since)
        .get_result(c))?;
    Ok(found.n)
}

/// How many rows are only scheduled: pending, due later, and never tried.
///
/// # Errors
///
/// The database's.
pub fn count_scheduled(conn: &mut DbConnection, queue: Queue, now: At) -> Result<i64, DbError> {
    let table = queue.table();
    let text = format!(
        "SELECT count(*) AS n FROM {table} \
          WHERE status = 0 AND due_at > $1 AND attempts = 0 AND reason IS NULL"
    );
    let found: Count = native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .get_result(c))?;
    Ok(found.n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::queue::queries::plans;

    #[test]
    fn what_is_open_is_counted_without_a_look_at_what_is_done() {
        let db = plans::new_house();
        for queue in [Queue::WebhookEvents, Queue::Jobs] {
            let open = db.read_here(|conn| depths(conn, queue));
            assert!(open.expect("the database works").is_empty());
            let plan = plans::of_sqlite(&db, &depths_text(queue));
            let index = format!("USING INDEX {}_list (status=?)", queue.table());
            assert!(plan.iter().any(|step| step.contains(&index)), "{plan:?}");
        }
    }
}
