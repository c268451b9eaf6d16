//! Every statement of the retention. Those that look for a batch repeat the words of their partial index; those that
//! change rows ask again whether each is still finished: it may have been replayed in between.
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::body::Encoding;
use crate::platform::queue::{Queue, Status};
use crate::schema::{jobs, tries, webhook_events};
use crate::types::At;

/// Rows that are dropped or deleted in one transaction: some 10 ms on SQLite, where nobody else writes meanwhile.
pub const BATCH: usize = 100;
/// Rows whose bodies are compressed in one transaction.
pub const PACKED_AT_ONCE: usize = 50;

/// What nobody works on any more. Dead rows are not here: they wait for a person with all they have.
const FINISHED: [i16; 3] = [
    Status::Done.code(),
    Status::Superseded.code(),
    Status::Discarded.code(),
];
/// The same as text, as the indexes have it.
const IS_FINISHED: &str = "status IN (3, 4, 6)";

/// A body and the same one compressed.
#[derive(Debug)]
pub struct Packed {
    pub id: i64,
    pub plain: Vec<u8>,
    pub body: Vec<u8>,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Sized {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// The statements that look for a batch, each with its index, for whoever asks how they are carried out. `$1` is a
/// moment.
#[must_use]
pub fn searches() -> [(String, &'static str); 3] {
    [
        (
            format!(
                "SELECT id FROM webhook_events WHERE {IS_FINISHED} AND body_encoding < 2 \
                   AND body_encoding IN (0, 1) AND finished_at < $1 LIMIT {BATCH}"
            ),
            "webhook_events_bodies",
        ),
        (
            format!("SELECT id FROM jobs WHERE {IS_FINISHED} AND finished_at < $1 LIMIT {BATCH}"),
            "jobs_finished",
        ),
        (
            format!(
                "SELECT id, CAST(length(body) AS BIGINT) AS bytes FROM webhook_events \
                  WHERE {IS_FINISHED} AND body_encoding < 2 AND body_encoding = 0 \
                    AND finished_at >= $1 ORDER BY finished_at, id LIMIT {PACKED_AT_ONCE}"
            ),
            "webhook_events_bodies",
        ),
    ]
}

/// Has PostgreSQL take the indexes for the rest of the transaction. Where a tenth of a table is old it would rather
/// read the table from its beginning, and each time past all that was dropped there before.
///
/// # Errors
///
/// The database's.
pub fn search_by_index(conn: &mut DbConnection) -> Result<(), DbError> {
    if let DbConnection::Postgres(pg) = conn {
        pg.batch_execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")?;
    }
    Ok(())
}

/// Events finished before `cut` that still have their bodies.
///
/// # Errors
///
/// The database's.
pub fn list_kept_bodies(conn: &mut DbConnection, cut: At) -> Result<Vec<i64>, DbError> {
    let [(text, _), _, _] = searches();
    ids_of(conn, &text, cut)
}

/// Jobs finished before `cut`.
///
/// # Errors
///
/// The database's.
pub fn list_kept_jobs(conn: &mut DbConnection, cut: At) -> Result<Vec<i64>, DbError> {
    let [_, (text, _), _] = searches();
    ids_of(conn, &text, cut)
}

fn ids_of(conn: &mut DbConnection, text: &str, cut: At) -> Result<Vec<i64>, DbError> {
    search_by_index(conn)?;
    let rows: Vec<Found> = native!(conn, |c| diesel::sql_query(text)
        .bind::<BigInt, _>(cut)
        .load(c))?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Drops the bodies of these events and their tries; the rows stay.
///
/// # Errors
///
/// The database's.
pub fn drop_bodies(conn: &mut DbConnection, ids: &[i64], cut: At, now: At) -> Result<(), DbError> {
    let rows = webhook_events::table
        .filter(webhook_events::id.eq_any(ids))
        .filter(webhook_events::status.eq_any(FINISHED))
        .filter(webhook_events::body_encoding.ne(Encoding::Dropped.code()))
        .filter(webhook_events::finished_at.lt(cut));
    let dropped: Vec<i64> = diesel::update(rows)
        .set((
            webhook_events::body.eq(Vec::<u8>::new()),
            webhook_events::body_encoding.eq(Encoding::Dropped.code()),
            webhook_events::body_dropped_at.eq(now),
        ))
        .returning(webhook_events::id)
        .get_results(conn)?;
    delete_tries(conn, Queue::WebhookEvents, &dropped)
}

/// Deletes these jobs and their tries.
///
/// # Errors
///
/// The database's.
pub fn delete_jobs(conn: &mut DbConnection, ids: &[i64], cut: At) -> Result<(), DbError> {
    let rows = jobs::table
        .filter(jobs::id.eq_any(ids))
        .filter(jobs::status.eq_any(FINISHED))
        .filter(jobs::finished_at.lt(cut));
    let deleted: Vec<i64> = diesel::delete(rows).returning(jobs::id).get_results(conn)?;
    delete_tries(conn, Queue::Jobs, &deleted)
}

fn delete_tries(conn: &mut DbConnection, queue: Queue, ids: &[i64]) -> Result<(), DbError> {
    diesel::delete(
        tries::table
            .filter(tries::queue.eq(queue.table()))
            .filter(tries::row_id.eq_any(ids)),
    )
    .execute(conn)?;
    Ok(())
}

/// Events finished since `cut` whose bodies are as they came, with the bodies' sizes; the oldest first. Those before
/// are not worth the work: they are dropped next.
///
/// # Errors
///
/// The database's.
pub fn list_plain(conn: &mut DbConnection, cut: At) -> Result<Vec<(i64, i64)>, DbError> {
    let [_, _, (text, _)] = searches();
    search_by_index(conn)?;
    let rows: Vec<Sized> = native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(cut)
        .load(c))?;
    Ok(rows.into_iter().map(|row| (row.id, row.bytes)).collect())
}

/// The bodies of these events that are as they came.
///
/// # Errors
///
/// The database's.
pub fn load_plain(conn: &mut DbConnection, ids: &[i64]) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
    Ok(webhook_events::table
        .filter(webhook_events::id.eq_any(ids))
        .filter(webhook_events::body_encoding.eq(Encoding::Plain.code()))
        .select((webhook_events::id, webhook_events::body))
        .load(conn)?)
}

/// Puts the compressed bodies in the place of the plain ones. A body that is no longer the one that was compressed
/// stays as it is now: an erasure may have been there in between, and must not be undone.
///
/// # Errors
///
/// The database's.
pub fn set_packed(conn: &mut DbConnection, all: &[Packed]) -> Result<(), DbError> {
    for one in all {
        let rows = webhook_events::table
            .find(one.id)
            .filter(webhook_events::status.eq_any(FINISHED))
            .filter(webhook_events::body_encoding.eq(Encoding::Plain.code()))
            .filter(webhook_events::body.eq(&one.plain));
        diesel::update(rows)
            .set((
                webhook_events::body.eq(&one.body),
                webhook_events::body_encoding.eq(Encoding::Deflate.code()),
            ))
            .execute(conn)?;
    }
    Ok(())
}
