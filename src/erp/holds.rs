//! Why an order may not ship yet. A hold is released by its cause or by a person, never by time.
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, ChannelId, OrderId, UserId};

pub mod queries;

crate::text_enum! {
    /// What keeps the order.
    HoldKind {
        Unmapped = "unmapped",
        Unpaid = "unpaid",
        Checking = "checking",
        Risk = "risk",
        Address = "address",
        Channel = "channel",
        Edit = "edit",
        Manual = "manual",
    }
}

/// The cause of an `unmapped` hold for a line that has no variant: a custom item.
#[must_use]
pub fn line_cause(line_external_id: &str) -> String {
    format!("line:{line_external_id}")
}

/// Opens a hold of an order of that channel; returns whether it was not open before.
///
/// # Errors
///
/// The database's.
pub fn place(
    conn: &mut DbConnection,
    channel: ChannelId,
    order: OrderId,
    hold: (HoldKind, &str),
    note: Option<&str>,
    user: Option<UserId>,
    now: At,
) -> Result<bool, DbError> {
    if queries::is_open(conn, order, hold.0, hold.1)? {
        return Ok(false);
    }
    queries::insert(
        conn,
        &[queries::NewHold {
            order_id: order,
            channel_id: channel,
            kind: hold.0,
            cause: hold.1.to_owned(),
            note: note.map(str::to_owned),
            opened_at: now,
            opened_by: user,
        }],
    )?;
    Ok(true)
}

/// Whether a person has released this hold before: then the same cause does not hold the order again. What the
/// channel holds, and a product nobody knows, hold for as long as they do.
///
/// # Errors
///
/// The database's.
pub fn is_waived(
    conn: &mut DbConnection,
    order: OrderId,
    hold: (HoldKind, &str),
) -> Result<bool, DbError> {
    match hold.0 {
        HoldKind::Unpaid | HoldKind::Checking | HoldKind::Risk | HoldKind::Address => {
            queries::is_released_by_person(conn, order, hold.0, hold.1)
        }
        HoldKind::Unmapped | HoldKind::Channel | HoldKind::Edit | HoldKind::Manual => Ok(false),
    }
}

/// Releases the hold of this kind and cause; returns whether one was open.
///
/// # Errors
///
/// The database's.
pub fn release(
    conn: &mut DbConnection,
    order: OrderId,
    hold: (HoldKind, &str),
    user: Option<UserId>,
    now: At,
) -> Result<bool, DbError> {
    queries::mark_released(conn, order, hold.0, hold.1, user, now)
}
