//! What died of the same reason: how much of it there is, and all of it sent through once more. Reasons are told
//! apart by their first [`TOLD_APART`] letters, because an index entry has no room for all that a peer may say.
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::is_fit;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::Queue;
use crate::types::At;

/// The indexes `…_dead` say the same number.
const TOLD_APART: usize = 200;

/// Dead rows of one table with one reason.
#[derive(Clone, Debug)]
pub struct Same {
    pub queue: Queue,
    reason: String,
    /// Only of this topic or kind; empty: of all.
    pub topic: String,
    /// Only of this store; empty: of all.
    pub shop_domain: String,
    /// What died later than this does not belong to them: whoever agreed has not seen it.
    pub until: At,
}

impl Same {
    /// Everything in a table that has died of `reason` by `until`.
    #[must_use]
    pub fn of(queue: Queue, reason: &str, until: At) -> Same {
        Same {
            queue,
            reason: beginning(reason),
            topic: String::new(),
            shop_domain: String::new(),
            until,
        }
    }

    /// The reason, as far as it is told apart.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    // Its six values are bound in this order, from `$first` on.
    fn condition(&self, first: usize) -> String {
        let [reason, until, any_topic, topic, any_shop, shop] =
            [0, 1, 2, 3, 4, 5].map(|place| format!("${}", first + place));
        let kind = self.queue.kind_column();
        format!(
            "status = 5 AND substr(reason, 1, 200) = {reason} \
             AND (finished_at IS NULL OR finished_at <= {until}) \
             AND ({any_topic} = '' OR {kind} = {topic}) AND ({any_shop} = '' OR shop_domain = {shop})"
        )
    }
}

/// A reason as far as it is told apart from others.
#[must_use]
pub fn beginning(reason: &str) -> String {
    reason.chars().take(TOLD_APART).collect()
}

/// How many rows have one thing in common.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Tally {
    #[diesel(sql_type = Text)]
    pub word: String,
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
}

/// The reasons that rows of a table died of, the commonest first.
///
/// # Errors
///
/// The database's.
pub fn list_reasons(
    conn: &mut DbConnection,
    queue: Queue,
    topic: &str,
    shop_domain: &str,
    limit: i64,
) -> Result<Vec<Tally>, DbError> {
    let (table, kind) = (queue.table(), queue.kind_column());
    let text = format!(
        "SELECT substr(reason, 1, 200) AS word, count(*) AS rows FROM {table} \
          WHERE status = 5 AND reason IS NOT NULL \
            AND ($1 = '' OR {kind} = $2) AND ($3 = '' OR shop_domain = $4) \
          GROUP BY substr(reason, 1, 200) ORDER BY 2 DESC, 1 LIMIT {limit}"
    );
    Ok(native!(conn, |c| diesel::sql_query(&text)
        .bind::<Text, _>(topic)
        .bind::<Text, _>(topic)
        .bind::<Text, _>(shop_domain)
        .bind::<Text, _>(shop_domain)
        .load(c))?)
}

/// How many rows of each topic or kind there are, the commonest first.
///
/// # Errors
///
/// The database's.
pub fn count_by_topic(conn: &mut DbConnection, same: &Same) -> Result<Vec<Tally>, DbError> {
    let (table, kind, condition) = (
        same.queue.table(),
        same.queue.kind_column(),
        same.condition(1),
    );
    let text = format!(
        "SELECT {kind} AS word, count(*) AS rows FROM {table} WHERE {condition} \
          GROUP BY {kind} ORDER BY 2 DESC, 1"
    );
    Ok(native!(conn, |c| diesel::sql_query(&text)
        .bind::<Text, _>(&same.reason)
        .bind::<BigInt, _>(same.until)
        .bind::<Text, _>(&same.topic)
        .bind::<Text, _>(&same.topic)
        .bind::<Text, _>(&same.shop_domain)
        .bind::<Text, _>(&same.shop_domain)
        .load(c))?)
}

/// The lowest id of the next batch below an id; `None` when there are no more.
///
/// # Errors
///
/// The database's.
pub fn find_batch(
    conn: &mut DbConnection,
    same: &Same,
    below: i64,
    size: i64,
) -> Result<Option<i64>, DbError> {
    #[derive(QueryableByName)]
    struct Batch {
        #[diesel(sql_type = Nullable<BigInt>)]
        lowest: Option<i64>,
    }
    let (table, condition) = (same.queue.table(), same.condition(1));
    let text = format!(
        "SELECT min(id) AS lowest FROM (SELECT id FROM {table} WHERE {condition} AND id < $7 \
          ORDER BY id DESC LIMIT {size}) batch"
    );
    let batch: Batch = native!(conn, |c| diesel::sql_query(&text)
        .bind::<Text, _>(&same.reason)
        .bind::<BigInt, _>(same.until)
        .bind::<Text, _>(&same.topic)
        .bind::<Text, _>(&same.topic)
        .bind::<Text, _>(&same.shop_domain)
        .bind::<Text, _>(&same.shop_domain)
        .bind::<BigInt, _>(below)
        .get_result(c))?;
    Ok(batch.lowest)
}

/// Sends those with ids from `lowest` to below `below` through once more; returns how many. Of jobs that do the same
/// work only the newest goes, and none while another is open.
///
/// # Errors
///
/// The database's.
pub fn replay(
    conn: &mut DbConnection,
    same: &Same,
    (lowest, below): (i64, i64),
    now: At,
) -> Result<usize, DbError> {
    let (table, condition) = (same.queue.table(), same.condition(2));
    let newest = match same.queue {
        Queue::WebhookEvents => format!("SELECT id FROM {table} WHERE {condition}"),
        Queue::Jobs => format!(
            "SELECT id FROM (SELECT id, dedupe_key, row_number() OVER \
                (PARTITION BY kind, dedupe_key ORDER BY id DESC) AS nth \
               FROM {table} WHERE {condition} AND id >= $8 AND id < $9) twins \
              WHERE dedupe_key IS NULL OR nth = 1"
        ),
    };
    let fit = is_fit(same.queue);
    let text = format!(
        "UPDATE {table} SET status = 0, due_at = $1, attempts = 0, crashes = 0, finished_at = NULL \
          WHERE id IN ({newest}) AND id >= $8 AND id < $9 AND {fit}"
    );
    Ok(native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(&same.reason)
        .bind::<BigInt, _>(same.until)
        .bind::<Text, _>(&same.topic)
        .bind::<Text, _>(&same.topic)
        .bind::<Text, _>(&same.shop_domain)
        .bind::<Text, _>(&same.shop_domain)
        .bind::<BigInt, _>(lowest)
        .bind::<BigInt, _>(below)
        .execute(c))?)
}
