//! What happens to open orders when somebody says, or takes back, what a variant stands for.
use std::collections::BTreeSet;

use serde_json::json;

use super::OrderError;
use super::incoming::Resolution;
use super::lines::{self, LineResolution};
use super::queries;
use super::standing::{recompute_changed, released_entry};
use crate::erp::holds::{self, HoldKind};
use crate::erp::timeline::{Actor, Entry, Kind};
use crate::platform::db::DbConnection;
use crate::types::{At, ChannelId, OrderId, ProductId, UserId};

/// Gives the lines of open orders that were sold as this variant their products; returns how many
/// orders it freed.
///
/// # Errors
///
/// The database's.
pub fn variant_mapped(
    conn: &mut DbConnection,
    channel: ChannelId,
    variant: &str,
    parts: &[(ProductId, i64)],
    now: At,
    user: Option<UserId>,
) -> Result<usize, OrderError> {
    let known = Resolution::Parts(parts.to_vec());
    resolve(conn, channel, variant, &known, now, user)
}

/// Says that this variant is nothing of ours; returns how many orders it freed.
///
/// # Errors
///
/// The database's.
pub fn variant_ignored(
    conn: &mut DbConnection,
    channel: ChannelId,
    variant: &str,
    now: At,
    user: Option<UserId>,
) -> Result<usize, OrderError> {
    resolve(conn, channel, variant, &Resolution::Ignored, now, user)
}

fn resolve(
    conn: &mut DbConnection,
    channel: ChannelId,
    variant: &str,
    known: &Resolution,
    now: At,
    user: Option<UserId>,
) -> Result<usize, OrderError> {
    let mut touched: BTreeSet<OrderId> = BTreeSet::new();
    for line in queries::lines_of_variant(conn, channel, variant)? {
        let (resolution, parts) = match known {
            Resolution::Parts(parts) => (LineResolution::Mapped, parts.as_slice()),
            Resolution::Ignored => (LineResolution::Ignored, &[][..]),
        };
        queries::set_resolution(conn, line.id, resolution)?;
        lines::replace_parts(conn, line.id, parts)?;
        touched.insert(line.order_id);
    }
    let mut freed = 0;
    let actor = Actor::user(user);
    for order in touched {
        let mut entries = vec![Entry::new(Kind::Mapped, json!({ "variant": variant }))];
        if holds::release(conn, order, (HoldKind::Unmapped, variant), user, now)? {
            entries.push(released_entry(HoldKind::Unmapped, variant));
            let rest = holds::queries::list_open(conn, order)?;
            freed += usize::from(!rest.iter().any(|hold| hold.kind == HoldKind::Unmapped));
        }
        recompute_changed(conn, order, entries, &actor, now)?;
    }
    Ok(freed)
}

/// Takes back what a variant stood for: its open lines are unmapped again and hold their orders.
/// Returns how many orders that concerns.
///
/// # Errors
///
/// The database's.
pub fn variant_unmapped(
    conn: &mut DbConnection,
    channel: ChannelId,
    variant: &str,
    now: At,
    user: Option<UserId>,
) -> Result<usize, OrderError> {
    let mut touched: BTreeSet<OrderId> = BTreeSet::new();
    for line in queries::lines_of_variant(conn, channel, variant)? {
        let needs_item = line.facts.ships && !line.facts.tip && !line.facts.gift_card;
        let resolution = if needs_item {
            LineResolution::Unmapped
        } else {
            LineResolution::Accepted
        };
        queries::set_resolution(conn, line.id, resolution)?;
        lines::replace_parts(conn, line.id, &[])?;
        if needs_item && line.facts.current_quantity > 0 {
            touched.insert(line.order_id);
        }
    }
    let actor = Actor::user(user);
    for order in &touched {
        let hold = (HoldKind::Unmapped, variant);
        holds::place(conn, channel, *order, hold, None, user, now)?;
        let entry = Entry::new(Kind::Unmapped, json!({ "variant": variant }));
        recompute_changed(conn, *order, vec![entry], &actor, now)?;
    }
    Ok(touched.len())
}
