//! Who drives what, when and in which order.
use serde_json::json;

use super::DeliveryError;
use super::drivers;
use super::flow::{self, Mover, State};
use super::log::{self, Kind, News};
use super::queries::{self, DeliveryRow, list};
use crate::erp::timeline::Actor;
use crate::platform::db::DbConnection;
use crate::types::{At, DeliveryId, OrderLineId, UserId};

/// How many a button gives to a driver at once.
const AT_ONCE: i64 = 200;

/// Gives a delivery to a driver, or takes it back. `version`: what the person saw, where it was one.
///
/// # Errors
///
/// `Changed` where somebody was quicker, `NoDriver`, `NotAllowed` where nobody has to drive any more.
pub fn assign(
    conn: &mut DbConnection,
    id: DeliveryId,
    driver: Option<UserId>,
    version: Option<i64>,
    by: UserId,
    now: At,
) -> Result<(), DeliveryError> {
    let row = queries::lock(conn, id)?.ok_or(DeliveryError::NotFound)?;
    if version.is_some_and(|seen| seen != row.version) {
        return Err(DeliveryError::Changed);
    }
    match driver {
        Some(driver) => {
            let known = drivers::find_active(conn, driver)?.ok_or(DeliveryError::NoDriver)?;
            give(conn, &row, known.user, by, now)
        }
        None => take_back(conn, &row, by, now),
    }
}

fn give(
    conn: &mut DbConnection,
    row: &DeliveryRow,
    driver: UserId,
    by: UserId,
    now: At,
) -> Result<(), DeliveryError> {
    if row.driver_id == Some(driver) && row.state == State::Assigned {
        return Ok(());
    }
    check(row, State::Assigned)?;
    queries::end_assignment(conn, row.id, "reassigned", Some(by), now)?;
    queries::insert_assignment(conn, row.id, driver, Some(by), now)?;
    let mut standing = row.standing();
    standing.state = State::Assigned;
    standing.position = queries::last_position(conn, &row.day, driver)? + 1;
    standing.driver_id = Some(driver);
    queries::set_standing(conn, row.id, &standing, now)?;
    let news = News {
        states: Some((row.state, State::Assigned)),
        ..News::of(Kind::Assigned, json!({ "driver": driver.0 }))
    };
    Ok(log::record(conn, row, news, &Actor::user(Some(by)), now)?)
}

fn take_back(
    conn: &mut DbConnection,
    row: &DeliveryRow,
    by: UserId,
    now: At,
) -> Result<(), DeliveryError> {
    check(row, State::Pending)?;
    if !queries::end_assignment(conn, row.id, "unassigned", Some(by), now)? {
        return Ok(());
    }
    let mut standing = row.standing();
    standing.state = State::Pending;
    standing.driver_id = None;
    standing.position = 0;
    queries::set_standing(conn, row.id, &standing, now)?;
    let news = News {
        states: Some((row.state, State::Pending)),
        ..News::of(Kind::Unassigned, json!({}))
    };
    Ok(log::record(conn, row, news, &Actor::user(Some(by)), now)?)
}

fn check(row: &DeliveryRow, to: State) -> Result<(), DeliveryError> {
    if flow::may(row.state, to, Mover::Assignment) {
        Ok(())
    } else {
        Err(DeliveryError::NotAllowed {
            from: row.state,
            to,
        })
    }
}

/// Gives everything that nobody drives on a day to one driver; returns how many that were.
///
/// # Errors
///
/// `NoDriver`.
pub fn assign_all(
    conn: &mut DbConnection,
    day: &list::Day,
    driver: UserId,
    by: UserId,
    now: At,
) -> Result<usize, DeliveryError> {
    drivers::find_active(conn, driver)?.ok_or(DeliveryError::NoDriver)?;
    let mut ids = list::list_unassigned(conn, day, AT_ONCE)?;
    ids.sort_unstable();
    let mut given = 0;
    for id in ids {
        let Some(row) = queries::lock(conn, id)? else {
            continue;
        };
        // Somebody else gave it away while we were at it.
        if row.state == State::Pending && row.driver_id.is_none() {
            give(conn, &row, driver, by, now)?;
            given += 1;
        }
    }
    Ok(given)
}

/// Puts a delivery on another day, to be given to a driver anew.
///
/// # Errors
///
/// `NoDay`, `Changed`, `NotAllowed` where nobody has to drive any more.
pub fn postpone(
    conn: &mut DbConnection,
    id: DeliveryId,
    day: &str,
    version: Option<i64>,
    by: UserId,
    now: At,
) -> Result<(), DeliveryError> {
    let day: jiff::civil::Date = day.parse().map_err(|_other| DeliveryError::NoDay)?;
    let row = queries::lock(conn, id)?.ok_or(DeliveryError::NotFound)?;
    if version.is_some_and(|seen| seen != row.version) {
        return Err(DeliveryError::Changed);
    }
    let is_back = matches!(row.state, State::Returned);
    if !row.state.is_open() && !is_back {
        return Err(DeliveryError::NotAllowed {
            from: row.state,
            to: State::Pending,
        });
    }
    queries::end_assignment(conn, row.id, "another day", Some(by), now)?;
    let mut standing = row.standing();
    standing.state = State::Pending;
    standing.day = day.to_string();
    standing.driver_id = None;
    standing.position = 0;
    queries::set_standing(conn, row.id, &standing, now)?;
    let news = News {
        states: Some((row.state, State::Pending)),
        ..News::of(
            Kind::Postponed,
            json!({ "from": row.day, "to": day.to_string() }),
        )
    };
    Ok(log::record(conn, &row, news, &Actor::user(Some(by)), now)?)
}

/// Changes places with the stop before (or after) it in its driver's day; the first stays the first.
///
/// # Errors
///
/// `NotFound`.
pub fn swap(
    conn: &mut DbConnection,
    id: DeliveryId,
    is_up: bool,
    now: At,
) -> Result<(), DeliveryError> {
    let row = queries::lock(conn, id)?.ok_or(DeliveryError::NotFound)?;
    let Some(driver) = row.driver_id else {
        return Ok(());
    };
    let place = (row.position, row.id);
    let Some(other) = list::find_beside(conn, (&row.day, driver), place, is_up)? else {
        return Ok(());
    };
    let (mut ours, mut theirs) = (row.standing(), other.standing());
    // Two that were put at one place change places all the same.
    let step = if is_up { 1 } else { -1 };
    let apart = i64::from(row.position == other.position) * step;
    ours.position = other.position;
    theirs.position = row.position + apart;
    queries::set_standing(conn, row.id, &ours, now)?;
    queries::set_standing(conn, other.id, &theirs, now)?;
    Ok(())
}

/// Says which lines go another way, such as by post: the delivery is finished without them.
///
/// # Errors
///
/// `NotFound`, `NotAllowed` where it has ended.
pub fn set_lines(
    conn: &mut DbConnection,
    id: DeliveryId,
    with_it: &[OrderLineId],
    by: UserId,
    now: At,
) -> Result<(), DeliveryError> {
    let row = queries::lock(conn, id)?.ok_or(DeliveryError::NotFound)?;
    if !row.state.is_open() {
        return Err(DeliveryError::NotAllowed {
            from: row.state,
            to: row.state,
        });
    }
    let mut changed = 0;
    for (line, apart) in queries::list_lines(conn, id)? {
        let now_apart = !with_it.contains(&line);
        if now_apart != apart {
            queries::set_apart(conn, id, line, now_apart)?;
            changed += 1;
        }
    }
    if changed > 0 {
        let actor = Actor::user(Some(by));
        let news = News::of(Kind::Lines, json!({ "changed": changed }));
        log::record(conn, &row, news, &actor, now)?;
        super::follow::follow(conn, &[row.order_id], &actor, now)?;
    }
    Ok(())
}
