//! Cancelling an order from here: asked by a person, carried out by the channel, which has the last word.
//! Until it has spoken the order is held, so that nothing leaves meanwhile.
use serde_json::json;

use super::queries::{self, cancellations as rows};
use super::standing::{self, released_entry};
use super::{OrderError, hold_entry};
use crate::erp::audit;
use crate::erp::events::{self, Event};
use crate::erp::holds::{self, HoldKind};
use crate::erp::timeline::{Actor, Entry, Kind};
use crate::platform::db::DbConnection;
use crate::types::{At, OrderId, UserId};

pub use rows::CancellationRow;

/// The cause of the hold that keeps an order while the channel is asked.
pub const CAUSE: &str = "cancellation";

crate::text_enum! {
    /// Why an order is cancelled.
    Reason {
        Customer = "customer",
        Inventory = "inventory",
        Fraud = "fraud",
        Declined = "declined",
        Staff = "staff",
        Other = "other",
    }
}

crate::text_enum! {
    /// How far a cancellation has come.
    State {
        Asked = "asked",
        /// Sent, or about to be; what came of it is looked up.
        Sent = "sent",
        Done = "done",
        Refused = "refused",
    }
}

/// What a person asks for.
#[derive(Clone, Debug)]
pub struct NewCancellation {
    pub order: OrderId,
    /// The version of the order that the person saw.
    pub version: i64,
    pub reason: Reason,
    /// Whether the money goes back.
    pub refund: bool,
    /// Whether the channel puts the goods back on its shelves.
    pub restock: bool,
    /// Whether the channel tells the customer.
    pub notify: bool,
    pub user: Option<UserId>,
}

/// Asks the channel to cancel an order. A second form while the first is under way asks nothing more.
///
/// # Errors
///
/// `NotFound`; `Changed` where the order is not what the person saw, is over already, or pieces of it have left.
pub fn ask(conn: &mut DbConnection, new: &NewCancellation, now: At) -> Result<i64, OrderError> {
    let order = queries::lock(conn, new.order)?.ok_or(OrderError::NotFound(new.order))?;
    if let Some(open) = rows::find_open(conn, new.order)? {
        return Ok(open.id);
    }
    let is_over = order.facts.cancelled_at.is_some() || order.deleted_at_source.is_some();
    let has_left = queries::list_lines(conn, new.order)?
        .iter()
        .any(|row| row.shipped_quantity > row.returned_quantity);
    if order.version != new.version || is_over || has_left {
        return Err(OrderError::Changed);
    }
    let id = rows::insert(conn, new, now)?;
    let mut entries = vec![Entry::new(
        Kind::CancellationAsked,
        json!({ "reason": new.reason, "refund": new.refund, "restock": new.restock }),
    )];
    let hold = (HoldKind::Manual, CAUSE);
    if holds::place(conn, order.channel_id, new.order, hold, None, new.user, now)? {
        entries.push(hold_entry(HoldKind::Manual, CAUSE));
    }
    let arguments = json!({ "reason": new.reason, "refund": new.refund, "restock": new.restock });
    let subject = format!("order/{}", new.order);
    let kind = audit::Kind::CancellationAsked;
    audit::record(conn, new.user, kind, &subject, &arguments, now)?;
    standing::recompute_changed(conn, new.order, entries, &Actor::user(new.user), now)?;
    let event = Event::CancellationAsked {
        order: new.order,
        cancellation: id,
    };
    events::record(conn, event, now)?;
    Ok(id)
}

/// Notes that the channel has cancelled the order, or would not: the hold ends either way.
///
/// # Errors
///
/// The database's.
pub fn finish(
    conn: &mut DbConnection,
    cancellation: &CancellationRow,
    refused: Option<&str>,
    actor: &Actor,
    now: At,
) -> Result<(), OrderError> {
    let state = match refused {
        Some(_) => State::Refused,
        None => State::Done,
    };
    queries::lock(conn, cancellation.order_id)?
        .ok_or(OrderError::NotFound(cancellation.order_id))?;
    if !rows::mark_finished(conn, cancellation.id, state, refused, now)? {
        return Ok(());
    }
    let mut entries = vec![match refused {
        Some(reason) => Entry::new(Kind::CancellationRefused, json!({ "reason": reason })),
        None => Entry::new(Kind::Pushed, json!({ "what": "order cancellation" })),
    }];
    let hold = (HoldKind::Manual, CAUSE);
    if holds::release(conn, cancellation.order_id, hold, None, now)? {
        entries.push(released_entry(HoldKind::Manual, CAUSE));
    }
    standing::recompute_changed(conn, cancellation.order_id, entries, actor, now)?;
    Ok(())
}
