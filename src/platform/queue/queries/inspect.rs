//! How one row stands to the others of its record: what goes before it, what overtook it.
use diesel::prelude::*;
use diesel::sql_types::{BigInt, SmallInt};

use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::Queue;

/// Another row of the same key.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Neighbour {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = SmallInt)]
    pub status: i16,
}

/// What a pending row waits behind: the one of its key that is worked on, a newer snapshot, an older change.
///
/// # Errors
///
/// The database's.
pub fn find_ahead(
    conn: &mut DbConnection,
    queue: Queue,
    id: i64,
) -> Result<Option<Neighbour>, DbError> {
    let table = queue.table();
    let text = format!(
        "SELECT o.id, o.status FROM {table} r JOIN {table} o ON o.key = r.key AND o.id <> r.id \
          WHERE r.id = $1 AND r.status = 0 AND o.status < 3 \
            AND (o.status = 1 \
              OR (r.snapshot AND o.snapshot AND (o.ver, o.id) > (r.ver, r.id)) \
              OR (NOT r.snapshot AND NOT o.snapshot AND o.id < r.id)) \
          ORDER BY CASE WHEN o.status = 1 THEN 0 ELSE 1 END, o.id LIMIT 1"
    );
    Ok(native!(conn, |c| diesel::sql_query(&text)
        .bind::<BigInt, _>(id)
        .get_result(c)
        .optional())?)
}

/// The newer snapshot of the same record that was applied before a superseded one: the one whose end closed it,
/// else the newest.
///
/// # Errors
///
/// The database's.
pub fn find_successor(conn: &mut DbConnection, event: i64) -> Result<Option<Neighbour>, DbError> {
    let text = "SELECT o.id, o.status FROM webhook_events r \
         JOIN webhook_events o ON o.key = r.key AND o.snapshot AND (o.ver, o.id) > (r.ver, r.id) \
        WHERE r.id = $1 AND r.snapshot AND o.status = 3 \
        ORDER BY CASE WHEN o.finished_at = r.finished_at THEN 0 ELSE 1 END, o.ver DESC, o.id DESC LIMIT 1";
    Ok(native!(conn, |c| diesel::sql_query(text)
        .bind::<BigInt, _>(event)
        .get_result(c)
        .optional())?)
}
