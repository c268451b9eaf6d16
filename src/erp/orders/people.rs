//! What people do with an order: hold it, release it, say what a line is; and what shipping reports.
use serde_json::json;

use super::lines::{self, LineResolution};
use super::queries;
use super::standing::{recompute_changed, released_entry};
use super::{OrderError, WorkState};
use crate::erp::audit;
use crate::erp::events::{self, Event};
use crate::erp::holds::{self, HoldKind};
use crate::erp::timeline::{Actor, Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, OrderId, OrderLineId, ProductId, UserId};

/// Holds an order by hand.
///
/// # Errors
///
/// `NotFound`.
pub fn hold(
    conn: &mut DbConnection,
    order: OrderId,
    note: Option<&str>,
    user: Option<UserId>,
    now: At,
) -> Result<(), OrderError> {
    let row = queries::lock(conn, order)?.ok_or(OrderError::NotFound(order))?;
    let hold = (HoldKind::Manual, "");
    if holds::place(conn, row.channel_id, order, hold, note, user, now)? {
        let what = (audit::Kind::HoldPlaced, HoldKind::Manual);
        note_hold(conn, order, what, user, now)?;
        let entry = Entry::new(Kind::HoldPlaced, json!({ "kind": HoldKind::Manual }));
        recompute_changed(conn, order, vec![entry], &Actor::user(user), now)?;
        events::record(conn, Event::HoldChanged { order }, now)?;
    }
    Ok(())
}

/// Releases the hold that [`hold`] placed, if there is one.
///
/// # Errors
///
/// `NotFound`.
pub fn cancel_hold(
    conn: &mut DbConnection,
    order: OrderId,
    user: Option<UserId>,
    now: At,
) -> Result<(), OrderError> {
    queries::lock(conn, order)?.ok_or(OrderError::NotFound(order))?;
    if holds::release(conn, order, (HoldKind::Manual, ""), user, now)? {
        note_hold(
            conn,
            order,
            (audit::Kind::HoldReleased, HoldKind::Manual),
            user,
            now,
        )?;
        let entry = released_entry(HoldKind::Manual, "");
        recompute_changed(conn, order, vec![entry], &Actor::user(user), now)?;
        events::record(conn, Event::HoldChanged { order }, now)?;
    }
    Ok(())
}

/// Releases one hold by a person's decision. Lines that an `unmapped` hold stood for then ship
/// without an item.
///
/// # Errors
///
/// `NotFound`, `NoSuchHold`.
pub fn release_hold(
    conn: &mut DbConnection,
    order: OrderId,
    hold: i64,
    user: Option<UserId>,
    now: At,
) -> Result<(), OrderError> {
    queries::lock(conn, order)?.ok_or(OrderError::NotFound(order))?;
    let hold = holds::queries::find_open(conn, order, hold)?.ok_or(OrderError::NoSuchHold)?;
    if hold.kind == HoldKind::Edit || hold.cause == super::cancellations::CAUSE {
        // What was edited is decided line by line; the hold ends with the decision.
        return Err(OrderError::NoSuchHold);
    }
    holds::release(conn, order, (hold.kind, &hold.cause), user, now)?;
    if hold.kind == HoldKind::Unmapped {
        for line in queries::list_lines(conn, order)? {
            if line.facts.resolution == LineResolution::Unmapped
                && lines::cause(&line.facts) == hold.cause
            {
                queries::set_resolution(conn, line.id, LineResolution::Accepted)?;
            }
        }
    }
    note_hold(
        conn,
        order,
        (audit::Kind::HoldReleased, hold.kind),
        user,
        now,
    )?;
    let entry = released_entry(hold.kind, &hold.cause);
    recompute_changed(conn, order, vec![entry], &Actor::user(user), now)?;
    if hold.kind == HoldKind::Manual {
        events::record(conn, Event::HoldChanged { order }, now)?;
    }
    Ok(())
}

/// Says what one line of one order stands for, such as a custom item that has no variant.
///
/// # Errors
///
/// `NotFound`.
pub fn map_line(
    conn: &mut DbConnection,
    order: OrderId,
    line: OrderLineId,
    parts: &[(ProductId, i64)],
    user: Option<UserId>,
    now: At,
) -> Result<(), OrderError> {
    queries::lock(conn, order)?.ok_or(OrderError::NotFound(order))?;
    let lines = queries::list_lines(conn, order)?;
    let row = lines
        .iter()
        .find(|row| row.id == line)
        .ok_or(OrderError::NotFound(order))?;
    queries::set_resolution(conn, line, LineResolution::Mapped)?;
    lines::replace_parts(conn, line, parts)?;
    let cause = lines::cause(&row.facts);
    let still_open = lines.iter().any(|other| {
        other.id != line
            && other.facts.resolution == LineResolution::Unmapped
            && lines::cause(&other.facts) == cause
    });
    let mut entries = vec![Entry::new(
        Kind::Mapped,
        json!({ "line": row.facts.external_id }),
    )];
    if !still_open && holds::release(conn, order, (HoldKind::Unmapped, &cause), user, now)? {
        entries.push(released_entry(HoldKind::Unmapped, &cause));
    }
    recompute_changed(conn, order, entries, &Actor::user(user), now)?;
    Ok(())
}

// The note stays with the hold: it may name a person.
fn note_hold(
    conn: &mut DbConnection,
    order: OrderId,
    (what, hold): (audit::Kind, HoldKind),
    user: Option<UserId>,
    now: At,
) -> Result<(), DbError> {
    let arguments = json!({ "hold": hold });
    audit::record(conn, user, what, &format!("order/{order}"), &arguments, now)
}

/// Tells what was changed about an order by another room, and decides its state anew.
///
/// # Errors
///
/// `NotFound`.
pub fn recompute_told(
    conn: &mut DbConnection,
    order: OrderId,
    entries: Vec<Entry>,
    actor: &Actor,
    now: At,
) -> Result<(), OrderError> {
    recompute_changed(conn, order, entries, actor, now).map(drop)
}

/// Books that pieces of lines have left (or, below zero, have not left after all) and decides the
/// order's state anew. The caller has taken their stock and writes the timeline.
///
/// # Errors
///
/// `Quantity` where a line would ship more than is ordered, or less than nothing.
pub fn lines_shipped(
    conn: &mut DbConnection,
    order: OrderId,
    shipped: &[(OrderLineId, i64)],
    now: At,
) -> Result<WorkState, OrderError> {
    for (line, quantity) in shipped {
        if !queries::add_shipped(conn, *line, *quantity)? {
            return Err(OrderError::Quantity);
        }
    }
    recompute_changed(conn, order, Vec::new(), &Actor::default(), now)
}
