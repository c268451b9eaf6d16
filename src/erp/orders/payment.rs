//! What happens to orders that wait for money when a channel's rule asks for less.
use std::collections::BTreeSet;

use super::incoming::{PaymentRule, PaymentState};
use super::queries;
use super::standing::{recompute, released_entry};
use crate::erp::holds::{self, HoldKind};
use crate::erp::timeline::{self, Actor};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, ChannelId};

/// Whether an order in this state may ship under this rule.
pub(super) fn passes(state: PaymentState, rule: PaymentRule) -> bool {
    let paid = match state {
        PaymentState::Paid | PaymentState::PartiallyRefunded | PaymentState::Refunded => true,
        PaymentState::Authorized => rule == PaymentRule::Authorized,
        PaymentState::Pending
        | PaymentState::PartiallyPaid
        | PaymentState::Voided
        | PaymentState::Expired
        | PaymentState::Unknown => false,
    };
    rule == PaymentRule::Any || paid
}

/// Lets the channel's orders go on that waited for money which the new rule does not ask for. What has passed before
/// is left as it is, until the channel tells of it again.
///
/// # Errors
///
/// The database's.
pub fn payment_rule_changed(
    conn: &mut DbConnection,
    channel: ChannelId,
    rule: PaymentRule,
    now: At,
) -> Result<(), DbError> {
    let waiting = holds::queries::list_held(conn, channel, HoldKind::Unpaid)?;
    let waiting: BTreeSet<_> = waiting.into_iter().collect();
    for id in waiting {
        let Some(order) = queries::find(conn, id)? else {
            continue;
        };
        if passes(order.facts.payment_state, rule) {
            holds::release(conn, id, (HoldKind::Unpaid, ""), None, now)?;
            let entry = released_entry(HoldKind::Unpaid, "");
            timeline::record(conn, id, entry, &Actor::default(), now)?;
            recompute(conn, id, now)?;
        }
    }
    Ok(())
}
