//! The switchboard: which faults the store shows next, and how often.

use jiff::Timestamp;

use super::state::State;
use super::{Misbehaviour, tokens};

/// Switches a fault on for the next `times` occasions; some happen at once.
pub(super) fn switch(
    state: &mut State,
    what: Misbehaviour,
    times: u32,
    shop_domain: &str,
    now: Timestamp,
) {
    match what {
        Misbehaviour::ExpireToken => tokens::expire_access(state, now),
        Misbehaviour::Uninstall => tokens::uninstall(state, shop_domain, now),
        Misbehaviour::Throttle
        | Misbehaviour::ServerError
        | Misbehaviour::TimeOutAfterCommit
        | Misbehaviour::CloseAfterCommit
        | Misbehaviour::DuplicateWebhooks
        | Misbehaviour::ReorderWebhooks
        | Misbehaviour::DelayWebhooks
        | Misbehaviour::DropWebhooks
        | Misbehaviour::BreakDownload
        | Misbehaviour::LaterVersion => {
            if times == 0 {
                state.meta.misbehaviours.remove(&what);
            } else {
                state.meta.misbehaviours.insert(what, times);
            }
        }
    }
}

/// Whether a fault strikes now; each strike uses one up.
pub(super) fn strikes(state: &mut State, what: Misbehaviour) -> bool {
    let Some(left) = state.meta.misbehaviours.get_mut(&what) else {
        return false;
    };
    *left = left.saturating_sub(1);
    if *left == 0 {
        state.meta.misbehaviours.remove(&what);
    }
    true
}
