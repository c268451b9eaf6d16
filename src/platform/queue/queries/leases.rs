//! Leases: who holds which row, which process lives, and what becomes of the rows of one that does not.
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::super::{Claim, MAX_CRASHES, Me, Queue};
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::workers;
use crate::types::At;

/// A hold on a row, as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Lease {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = BigInt)]
    pub claim_no: i64,
    /// The holder's last sign of life, by its own clock.
    #[diesel(sql_type = BigInt)]
    pub locked_at: At,
}

/// Counts a crash against a held row whose handler panicked, and frees or buries it.
///
/// # Errors
///
/// The database's.
pub fn crash(
    conn: &mut DbConnection,
    queue: Queue,
    me: &Me,
    claim: &Claim,
    reason: &str,
) -> Result<bool, DbError> {
    let table = queue.table();
    let text = format!(
        "UPDATE {table} SET status = CASE WHEN crashes + 1 >= {MAX_CRASHES} THEN 5 ELSE 0 END, \
                crashes = crashes + 1, reason = $1, locked_by = NULL, locked_at = NULL \
          WHERE id = $2 AND status = 1 AND claim_no = $3 AND locked_by = $4"
    );
    let rows = native!(conn, |c| diesel::sql_query(&text)
        .bind::<Text, _>(reason)
        .bind::<BigInt, _>(claim.id)
        .bind::<BigInt, _>(claim.claim_no)
        .bind::<Text, _>(me.name())
        .execute(c))?;
    Ok(rows == 1)
}

/// Frees a row whose worker is gone, or buries it. The first lease may have been lost for a neighbour's fault:
/// from then on the row is worked on alone, and only the leases lost so count against it.
fn lost(table: &str) -> String {
    format!(
        "UPDATE {table} SET status = CASE WHEN crashes >= {MAX_CRASHES} THEN 5 ELSE 0 END, \
                crashes = crashes + 1, reason = 'the worker stopped, or lost its database, while it held this', \
                locked_by = NULL, locked_at = NULL"
    )
}

/// Frees a row that this process had to let go before its ending could be written, or buries it: as if the process
/// had died over it. False if it is no longer ours.
///
/// # Errors
///
/// The database's.
pub fn lose(
    conn: &mut DbConnection,
    queue: Queue,
    me: &Me,
    claim: &Claim,
) -> Result<bool, DbError> {
    let lost = lost(queue.table());
    let text = format!("{lost} WHERE id = $1 AND status = 1 AND claim_no = $2 AND locked_by = $3");
    let rows = native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(claim.id)
        .bind::<BigInt, _>(claim.claim_no)
        .bind::<Text, _>(me.name())
        .execute(c))?;
    Ok(rows == 1)
}

/// Every row that somebody holds.
///
/// # Errors
///
/// The database's.
pub fn list_leases(conn: &mut DbConnection, queue: Queue) -> Result<Vec<Lease>, DbError> {
    let table = queue.table();
    let text = format!(
        "SELECT id, claim_no, locked_at FROM {table} WHERE locked_at IS NOT NULL AND status = 1"
    );
    Ok(native!(conn, |c| diesel::sql_query(&text).load(c))?)
}

/// Takes back a row that is still as it was seen; false if it is not, or if its holder is just writing.
///
/// # Errors
///
/// The database's.
pub fn take_back(conn: &mut DbConnection, queue: Queue, lease: &Lease) -> Result<bool, DbError> {
    let table = queue.table();
    let lost = lost(table);
    let skip = skip_locked(conn);
    let text = format!(
        "{lost} \
          WHERE id IN (SELECT l.id FROM {table} l WHERE l.id = $1 AND l.status = 1 \
                          AND l.claim_no = $2 AND l.locked_at = $3 {skip})"
    );
    let rows = native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(lease.id)
        .bind::<BigInt, _>(lease.claim_no)
        .bind::<BigInt, _>(lease.locked_at)
        .execute(c))?;
    Ok(rows == 1)
}

// SQLite has one writer: nothing can be locked.
fn skip_locked(conn: &DbConnection) -> &'static str {
    match conn {
        DbConnection::Postgres(_) => "ORDER BY l.id FOR UPDATE SKIP LOCKED",
        DbConnection::Sqlite(_) => "",
    }
}

/// Takes back every row that anybody holds; returns how many. For who knows that nobody else is there.
///
/// # Errors
///
/// The database's.
pub fn take_back_all(conn: &mut DbConnection, queue: Queue) -> Result<usize, DbError> {
    let lost = lost(queue.table());
    let text = format!("{lost} WHERE status = 1 AND locked_at IS NOT NULL");
    Ok(native!(conn, |c| diesel::sql_query(&text).execute(c))?)
}

/// Takes back every row that the named process held; returns how many.
///
/// # Errors
///
/// The database's.
pub fn take_back_from(
    conn: &mut DbConnection,
    queue: Queue,
    holder: &str,
) -> Result<usize, DbError> {
    let table = queue.table();
    let lost = lost(table);
    let text = format!(
        "{lost} \
          WHERE status = 1 AND locked_at IS NOT NULL AND locked_by = $1"
    );
    Ok(native!(conn, |c| diesel::sql_query(&text)
        .bind::<Text, _>(holder)
        .execute(c))?)
}

/// Renews the leases of these rows, as far as this process still holds them. Each renewal leaves another time behind,
/// whatever the clock says: that it changes is the sign of life.
///
/// # Errors
///
/// The database's.
pub fn renew(
    conn: &mut DbConnection,
    queue: Queue,
    me: &Me,
    held: &[i64],
    now: At,
) -> Result<usize, DbError> {
    if held.is_empty() {
        return Ok(0);
    }
    let table = queue.table();
    let ids: Vec<String> = held.iter().map(i64::to_string).collect();
    let (ids, skip) = (ids.join(", "), skip_locked(conn));
    // Who holds the lock of a row is just working on it, and must not wait for us nor we for it.
    let text = format!(
        "UPDATE {table} SET locked_at = CASE WHEN locked_at = $1 THEN locked_at + 1 ELSE $2 END \
          WHERE id IN (SELECT l.id FROM {table} l WHERE l.id IN ({ids}) AND l.status = 1 \
                          AND l.locked_by = $3 {skip})"
    );
    Ok(native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(me.name())
        .execute(c))?)
}

/// Writes this process into `workers`.
///
/// # Errors
///
/// The database's.
pub fn insert_worker(conn: &mut DbConnection, me: &Me, now: At) -> Result<(), DbError> {
    diesel::insert_into(workers::table)
        .values((
            workers::boot.eq(&me.boot),
            workers::host.eq(&me.host),
            workers::pid.eq(i64::from(me.pid)),
            workers::started_at.eq(now),
            workers::seen_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Says that this process lives.
///
/// # Errors
///
/// The database's.
pub fn touch_worker(conn: &mut DbConnection, me: &Me, now: At) -> Result<(), DbError> {
    diesel::update(workers::table.find(&me.boot))
        .set(workers::seen_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// Processes of one host that once wrote themselves in: boot nonce and pid.
///
/// # Errors
///
/// The database's.
pub fn list_workers(conn: &mut DbConnection, host: &str) -> Result<Vec<(String, i64)>, DbError> {
    Ok(workers::table
        .filter(workers::host.eq(host))
        .select((workers::boot, workers::pid))
        .load(conn)?)
}

/// Processes that gave a sign of life since then: host and pid.
///
/// # Errors
///
/// The database's.
pub fn list_workers_seen(
    conn: &mut DbConnection,
    since: At,
) -> Result<Vec<(String, i64)>, DbError> {
    Ok(workers::table
        .filter(workers::seen_at.gt(since))
        .order(workers::seen_at.desc())
        .select((workers::host, workers::pid))
        .load(conn)?)
}

/// Strikes a process out.
///
/// # Errors
///
/// The database's.
pub fn delete_worker(conn: &mut DbConnection, boot: &str) -> Result<(), DbError> {
    diesel::delete(workers::table.find(boot)).execute(conn)?;
    Ok(())
}
