//! SQL of the streams: how far each has been looked at, and how its last day went.
use diesel::prelude::*;

use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::sync_cursors::{self as c, table};
use crate::schema::{sync_cursors, sync_half_hours as h};
use crate::shopify::sync::Stream;
use crate::types::{At, ShopId};

pub mod days;
pub mod gaps;
pub mod ours;
pub mod runs;

/// A stream of a store.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sync_cursors)]
pub struct Cursor {
    pub shop_id: ShopId,
    pub stream: Stream,
    /// Between two backup runs; 0: none.
    pub every_minutes: i64,
    /// From when on we claim to have everything.
    pub known_from: At,
    /// What changed before this was seen.
    pub looked_to: At,
    /// When the last look came through, and when one failed since.
    pub looked_at: Option<At>,
    pub failed_at: Option<At>,
    pub error: Option<String>,
    pub backup_to: At,
    pub backup_at: Option<At>,
    /// The day on which whole days were last compared, in the store's zone.
    pub passed_on: Option<String>,
    /// From where whole days are to be compared once more.
    pub pass_from: Option<At>,
}

/// A half-hour of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct HalfHour {
    /// Since 1970.
    pub half_hour: i64,
    pub looks: i64,
    pub gaps: i64,
    pub failures: i64,
}

/// Begins to follow a stream, unless it is followed already.
///
/// # Errors
///
/// The database's.
pub fn insert(
    conn: &mut DbConnection,
    shop: ShopId,
    stream: Stream,
    (from, every_minutes): (At, i64),
    now: At,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(table)
        .values((
            c::shop_id.eq(shop),
            c::stream.eq(stream),
            c::every_minutes.eq(every_minutes),
            c::known_from.eq(from),
            c::looked_to.eq(from),
            c::backup_to.eq(from),
            c::backup_at.eq(Some(now)),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// A stream's row.
///
/// # Errors
///
/// The database's.
pub fn find(
    conn: &mut DbConnection,
    shop: ShopId,
    stream: Stream,
) -> Result<Option<Cursor>, DbError> {
    Ok(table
        .find((shop, stream))
        .select(Cursor::as_select())
        .first(conn)
        .optional()?)
}

/// Notes up to when changes were seen, and that the last look came through.
pub(super) fn set_looked(
    conn: &mut DbConnection,
    shop: ShopId,
    stream: Stream,
    to: At,
    now: At,
) -> Result<(), DbError> {
    diesel::update(table.find((shop, stream)))
        .set((
            c::looked_to.eq(to),
            c::looked_at.eq(Some(now)),
            c::failed_at.eq(None::<At>),
            c::error.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes that a look did not come through, and why.
pub(super) fn set_failed(
    conn: &mut DbConnection,
    shop: ShopId,
    stream: Stream,
    error: &str,
    now: At,
) -> Result<(), DbError> {
    diesel::update(table.find((shop, stream)))
        .set((c::failed_at.eq(Some(now)), c::error.eq(Some(error))))
        .execute(conn)?;
    Ok(())
}

/// Wants whole days compared once more, from `from` on.
pub(super) fn set_pass_from(
    conn: &mut DbConnection,
    shop: ShopId,
    stream: Stream,
    from: At,
) -> Result<(), DbError> {
    let later = c::pass_from.is_null().or(c::pass_from.gt(from));
    diesel::update(table.find((shop, stream)).filter(later))
        .set(c::pass_from.eq(Some(from)))
        .execute(conn)?;
    Ok(())
}

/// Notes that whole days were compared, from `from` on.
pub(super) fn set_passed(
    conn: &mut DbConnection,
    shop: ShopId,
    stream: Stream,
    from: At,
    on: Option<&str>,
) -> Result<(), DbError> {
    let row = table.find((shop, stream));
    diesel::update(row.filter(c::pass_from.ge(from)))
        .set(c::pass_from.eq(None::<At>))
        .execute(conn)?;
    if let Some(day) = on {
        diesel::update(row)
            .set(c::passed_on.eq(Some(day)))
            .execute(conn)?;
    }
    Ok(())
}

/// Notes up to when a backup run has seen changes.
pub(super) fn set_backed_up(
    conn: &mut DbConnection,
    shop: ShopId,
    stream: Stream,
    to: At,
    now: At,
) -> Result<(), DbError> {
    diesel::update(table.find((shop, stream)))
        .set((c::backup_to.eq(to), c::backup_at.eq(Some(now))))
        .execute(conn)?;
    Ok(())
}

/// Notes that everything from `from` on is here.
pub(super) fn set_known_from(
    conn: &mut DbConnection,
    shop: ShopId,
    stream: Stream,
    from: At,
) -> Result<(), DbError> {
    diesel::update(table.find((shop, stream)).filter(c::known_from.gt(from)))
        .set(c::known_from.eq(from))
        .execute(conn)?;
    Ok(())
}

/// How often a backup run is due; 0: never.
///
/// # Errors
///
/// The database's.
pub fn set_every_minutes(
    conn: &mut DbConnection,
    shop: ShopId,
    stream: Stream,
    minutes: i64,
) -> Result<(), DbError> {
    diesel::update(table.find((shop, stream)))
        .set(c::every_minutes.eq(minutes))
        .execute(conn)?;
    Ok(())
}

/// Counts a look into its half-hour, and forgets the half-hours before `keep_from`.
pub(super) fn count_look(
    conn: &mut DbConnection,
    shop: ShopId,
    stream: Stream,
    look: HalfHour,
    keep_from: i64,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(h::table)
        .values((
            h::shop_id.eq(shop),
            h::stream.eq(stream),
            h::half_hour.eq(look.half_hour),
            h::looks.eq(look.looks),
            h::gaps.eq(look.gaps),
            h::failures.eq(look.failures),
        ))
        .on_conflict((h::shop_id, h::stream, h::half_hour))
        .do_update()
        .set((
            h::looks.eq(h::looks + look.looks),
            h::gaps.eq(h::gaps + look.gaps),
            h::failures.eq(h::failures + look.failures),
        ))
        .execute(c))?;
    diesel::delete(
        h::table
            .filter(h::shop_id.eq(shop))
            .filter(h::half_hour.lt(keep_from)),
    )
    .execute(conn)?;
    Ok(())
}

/// The half-hours of a stream from `from` on, oldest first.
///
/// # Errors
///
/// The database's.
pub fn list_half_hours(
    conn: &mut DbConnection,
    shop: ShopId,
    stream: Stream,
    from: i64,
) -> Result<Vec<HalfHour>, DbError> {
    Ok(h::table
        .filter(h::shop_id.eq(shop))
        .filter(h::stream.eq(stream))
        .filter(h::half_hour.ge(from))
        .order(h::half_hour.asc())
        .select((h::half_hour, h::looks, h::gaps, h::failures))
        .load(conn)?)
}
