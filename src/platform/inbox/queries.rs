//! Every statement on `webhook_events` and `rejected_webhooks` beside those of the queue engine.
use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text};

use super::{Delivery, Stored, body};
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{rejected_webhooks, webhook_events};
use crate::types::{At, EventId};

/// Rejected deliveries that are kept at most.
const MAX_REJECTED: i64 = 1000;

/// Inserts what is new and tells for each which it was, in the same order.
///
/// # Errors
///
/// The database's.
pub fn insert_all(
    conn: &mut DbConnection,
    deliveries: &[&Delivery],
) -> Result<Vec<Stored>, DbError> {
    match conn {
        DbConnection::Sqlite(conn) => deliveries
            .iter()
            .map(|delivery| insert_one(conn, delivery))
            .collect(),
        DbConnection::Postgres(conn) => insert_many(conn, deliveries),
    }
}

fn insert_one(conn: &mut SqliteConnection, d: &Delivery) -> Result<Stored, DbError> {
    let rows = diesel::insert_into(webhook_events::table)
        .values((
            webhook_events::source.eq(d.source),
            webhook_events::shop_domain.eq(&d.shop_domain),
            webhook_events::webhook_id.eq(&d.webhook_id),
            webhook_events::event_id.eq(&d.event_id),
            webhook_events::topic.eq(&d.topic),
            webhook_events::api_version.eq(&d.api_version),
            webhook_events::key.eq(&d.key),
            webhook_events::snapshot.eq(d.snapshot),
            webhook_events::ver.eq(d.ver),
            webhook_events::triggered_at.eq(d.triggered_at),
            webhook_events::received_at.eq(d.received_at),
            webhook_events::secret_label.eq(&d.secret_label),
            webhook_events::headers.eq(&d.headers),
            webhook_events::body.eq(&d.body),
            webhook_events::due_at.eq(d.received_at),
        ))
        .on_conflict((webhook_events::shop_domain, webhook_events::webhook_id))
        .do_nothing()
        .prepared()
        .execute(conn)?;
    Ok(if rows == 1 {
        Stored::New
    } else {
        Stored::Duplicate
    })
}

#[derive(QueryableByName)]
struct Inserted {
    #[diesel(sql_type = Text)]
    shop_domain: String,
    #[diesel(sql_type = Text)]
    webhook_id: String,
}

// One text for any number of rows, so that the server plans it once. In the order in which they came: so they are
// numbered, and so changes are applied. Two that insert the same rows at once in another order may lock each other out;
// then the server refuses one of them, whose batch is halved and finds them there.
fn insert_many(conn: &mut PgConnection, all: &[&Delivery]) -> Result<Vec<Stored>, DbError> {
    fn column<'a, T>(all: &[&'a Delivery], of: impl Fn(&'a Delivery) -> T) -> Vec<T> {
        all.iter().map(|delivery| of(delivery)).collect()
    }
    let inserted: Vec<Inserted> = diesel::sql_query(
        "INSERT INTO webhook_events (source, shop_domain, webhook_id, event_id, topic, api_version, \
           key, snapshot, ver, triggered_at, received_at, secret_label, headers, body, due_at) \
         SELECT *, received_at FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
           AS d (source, shop_domain, webhook_id, event_id, topic, api_version, key, snapshot, ver, \
                 triggered_at, received_at, secret_label, headers, body) \
         ON CONFLICT (shop_domain, webhook_id) DO NOTHING \
         RETURNING shop_domain, webhook_id",
    )
    .bind::<Array<Text>, _>(column(all, |d| d.source))
    .bind::<Array<Text>, _>(column(all, |d| &d.shop_domain))
    .bind::<Array<Text>, _>(column(all, |d| &d.webhook_id))
    .bind::<Array<Nullable<Text>>, _>(column(all, |d| &d.event_id))
    .bind::<Array<Text>, _>(column(all, |d| &d.topic))
    .bind::<Array<Nullable<Text>>, _>(column(all, |d| &d.api_version))
    .bind::<Array<Nullable<Text>>, _>(column(all, |d| &d.key))
    .bind::<Array<Bool>, _>(column(all, |d| d.snapshot))
    .bind::<Array<BigInt>, _>(column(all, |d| d.ver))
    .bind::<Array<Nullable<BigInt>>, _>(column(all, |d| d.triggered_at))
    .bind::<Array<BigInt>, _>(column(all, |d| d.received_at))
    .bind::<Array<Text>, _>(column(all, |d| &d.secret_label))
    .bind::<Array<Text>, _>(column(all, |d| &d.headers))
    .bind::<Array<Binary>, _>(column(all, |d| &d.body))
    .prepared()
    .load(conn)?;
    let mut new: HashSet<(String, String)> = inserted
        .into_iter()
        .map(|row| (row.shop_domain, row.webhook_id))
        .collect();
    // The same delivery twice in one batch: the first is new, the second its duplicate.
    Ok(all
        .iter()
        .map(|d| {
            if new.remove(&(d.shop_domain.clone(), d.webhook_id.clone())) {
                Stored::New
            } else {
                Stored::Duplicate
            }
        })
        .collect())
}

/// An event as the worker applies it. Its body is as it came, however it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = webhook_events)]
pub struct EventRow {
    pub id: EventId,
    pub source: String,
    pub shop_domain: String,
    pub webhook_id: String,
    pub event_id: Option<String>,
    pub topic: String,
    pub api_version: Option<String>,
    pub key: Option<String>,
    pub triggered_at: Option<At>,
    pub received_at: At,
    pub secret_label: String,
    pub headers: String,
    pub body: Vec<u8>,
    pub status: i16,
    pub due_at: At,
    pub attempts: i32,
    pub crashes: i32,
    pub locked_by: Option<String>,
    pub reason: Option<String>,
    pub waits_for: Option<String>,
    pub finished_at: Option<At>,
    /// Its body was dropped then: it is empty here, and nothing is left to be applied again.
    pub body_dropped_at: Option<At>,
}

/// One event.
///
/// # Errors
///
/// The database's.
pub fn find(conn: &mut DbConnection, id: EventId) -> Result<Option<EventRow>, DbError> {
    Ok(webhook_events::table
        .find(id)
        .select((EventRow::as_select(), webhook_events::body_encoding))
        .first(conn)
        .optional()?
        .map(opened))
}

/// Several events, oldest first.
///
/// # Errors
///
/// The database's.
pub fn list_by_id(conn: &mut DbConnection, ids: &[i64]) -> Result<Vec<EventRow>, DbError> {
    let rows: Vec<(EventRow, i16)> = webhook_events::table
        .filter(webhook_events::id.eq_any(ids))
        .order(webhook_events::id)
        .select((EventRow::as_select(), webhook_events::body_encoding))
        .load(conn)?;
    Ok(rows.into_iter().map(opened).collect())
}

fn opened((mut row, encoding): (EventRow, i16)) -> EventRow {
    row.body = body::open(encoding, row.body);
    row
}

/// A refused delivery: no body is kept.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = rejected_webhooks)]
pub struct Rejected {
    pub at: At,
    pub address: String,
    pub topic: String,
    pub shop_domain: String,
    pub reason: String,
}

/// Records a refused delivery and forgets the oldest beyond the bound.
///
/// # Errors
///
/// The database's.
pub fn insert_rejected(conn: &mut DbConnection, rejected: &Rejected) -> Result<(), DbError> {
    let id: i64 = diesel::insert_into(rejected_webhooks::table)
        .values(rejected)
        .returning(rejected_webhooks::id)
        .get_result(conn)?;
    diesel::delete(rejected_webhooks::table.filter(rejected_webhooks::id.le(id - MAX_REJECTED)))
        .execute(conn)?;
    Ok(())
}
