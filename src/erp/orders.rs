//! Orders: the door through which a channel's orders come in, and what is to be done with them.
//! `work_state` is decided by [`work_state::decide`] and written by [`recompute`] and [`receive`] alone.
use serde_json::json;
use uuid::Uuid;

use crate::erp::customers::Address;
use crate::erp::refunds;
use crate::erp::returns;
use crate::erp::stock::StockError;
use crate::erp::timeline::{self, Actor, Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, ChannelId, OrderId};

mod booked;
pub mod cancellations;
pub mod difference;
pub mod edits;
mod facts;
pub mod incoming;
pub mod kept;
pub mod lines;
mod payment;
pub mod people;
pub mod queries;
pub mod saved_views;
pub mod search;
mod standing;
pub mod totals;
pub mod variants;
pub mod verdicts;
pub mod work_state;

pub use incoming::{IncomingOrder, Intake, Resolution};
pub use payment::payment_rule_changed;
pub use people::{cancel_hold, hold, lines_shipped, map_line, release_hold};
pub use standing::{offer, recompute};
pub use variants::{variant_ignored, variant_mapped, variant_unmapped};
pub use work_state::WorkState;

use edits::Guard;
use incoming::Shape;
use queries::{OrderFacts, OrderRow, amounts, sums as rows};
use standing::Standing;
use totals::{Sums, TotalsCheck};

/// Why an order cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    #[error("order {0} does not exist")]
    NotFound(OrderId),
    #[error("the order has changed since the page was shown")]
    Changed,
    #[error("the order has no such open hold")]
    NoSuchHold,
    #[error("a line cannot ship more than is ordered, nor less than nothing")]
    Quantity,
    #[error(transparent)]
    Stock(#[from] StockError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What became of an order that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    Created(OrderId),
    Updated(OrderId),
    /// It says what we know.
    Unchanged(OrderId),
    /// It is older than what we know: nothing was changed.
    Stale(OrderId),
    /// The channel has deleted this order: nothing brings it back.
    Tombstoned,
    /// Two different contents of one version: only the channel can say which one holds.
    NeedsFetch(OrderId),
}

/// Creates the channel's order or brings it up to date. To be called within a transaction.
///
/// # Errors
///
/// The database's.
pub fn receive(
    conn: &mut DbConnection,
    incoming: &IncomingOrder,
    intake: &Intake<'_>,
    now: At,
) -> Result<Received, OrderError> {
    let digest = incoming.digest();
    let Some(stored) = queries::lock_external(conn, intake.channel, &incoming.external_id)? else {
        if amounts::has_tombstone(conn, intake.channel, &incoming.external_id)? {
            return Ok(Received::Tombstoned);
        }
        return create(conn, incoming, intake, &digest, now).map(Received::Created);
    };
    let id = stored.id;
    match judge(&stored.facts, incoming, &digest) {
        Verdict::Apply => update(conn, &stored, incoming, intake, &digest, now),
        Verdict::Same => {
            queries::set_source_version(
                conn,
                id,
                incoming.source_updated_at,
                incoming
                    .source_triggered_at
                    .max(stored.facts.source_triggered_at),
            )?;
            let given_back = give_back(conn, id, incoming, intake, now)?;
            if !given_back.is_news() {
                return Ok(Received::Unchanged(id));
            }
            let actor = actor(intake);
            standing::recompute_changed(conn, id, given_back.entries, &actor, now)?;
            refunds::put_back(conn, &given_back.arrivals, now)?;
            Ok(Received::Updated(id))
        }
        Verdict::Stale => Ok(Received::Stale(id)),
        // Sent in the same microsecond: what arrived later is the better guess.
        Verdict::Fetch if arrived_later(conn, id, intake)? => {
            update(conn, &stored, incoming, intake, &digest, now)
        }
        Verdict::Fetch => Ok(Received::NeedsFetch(id)),
    }
}

fn arrived_later(
    conn: &mut DbConnection,
    order: OrderId,
    intake: &Intake<'_>,
) -> Result<bool, DbError> {
    if intake.source.shape == Shape::Graphql {
        // The channel itself was asked at that moment.
        return Ok(true);
    }
    let kept = amounts::find_source_event(conn, order, intake.source.shape)?;
    Ok(intake.source.event.map(|event| event.0) > kept)
}

enum Verdict {
    Apply,
    Same,
    Stale,
    Fetch,
}

/// The source's version never goes back; the same version with another content is applied only when
/// it was sent later, or when we read the same source differently than before.
fn judge(stored: &OrderFacts, incoming: &IncomingOrder, digest: &str) -> Verdict {
    let ours = (stored.source_updated_at, stored.source_triggered_at);
    let theirs = (incoming.source_updated_at, incoming.source_triggered_at);
    if theirs.0 < ours.0 {
        return Verdict::Stale;
    }
    if stored.source_digest == digest {
        return Verdict::Same;
    }
    if theirs > ours {
        return Verdict::Apply;
    }
    if theirs < ours {
        return Verdict::Stale;
    }
    if stored.source_digest.starts_with(&incoming::digest_prefix()) {
        Verdict::Fetch
    } else {
        Verdict::Apply
    }
}

fn create(
    conn: &mut DbConnection,
    incoming: &IncomingOrder,
    intake: &Intake<'_>,
    digest: &str,
    now: At,
) -> Result<OrderId, OrderError> {
    let (facts, sums) = facts::merge(None, incoming, intake.contact, digest);
    let public_id = Uuid::now_v7().to_string();
    let (channel, external) = (intake.channel, &incoming.external_id);
    let id = queries::insert(conn, channel, external, &public_id, &facts, now)?;
    let mut lines = lines::insert(conn, id, incoming, intake)?;
    write_amounts(conn, id, incoming, sums.as_ref(), true)?;
    amounts::keep_source(conn, id, &intake.source, now)?;
    let skus = lines.iter().filter_map(|line| line.facts.sku.as_deref());
    let words = search::words(external, &facts, skus);
    queries::search::insert(conn, &[(id, words)])?;
    let mut entries = vec![received(intake, incoming)];
    // Nothing of a new order has left: whatever was refunded, nothing comes back on our shelves.
    entries.extend(give_back(conn, id, incoming, intake, now)?.entries);
    lines::take_returns(&mut lines, incoming);
    let holds = standing::first_holds(conn, id, &facts, &lines, incoming, intake, now)?;
    entries.extend(holds.iter().map(|(kind, cause)| hold_entry(*kind, cause)));
    entries.extend(totals_entry(&facts));
    let standing = Standing {
        id,
        public_id,
        number: format!("SO-{:05}", id.0),
        version: 0,
        before: None,
        facts,
        deleted: false,
        lines,
        holds: holds.into_iter().map(|(kind, _cause)| kind).collect(),
        held: Vec::new(),
    };
    standing::settle(conn, standing, true, entries, &actor(intake), now)?;
    Ok(id)
}

fn update(
    conn: &mut DbConnection,
    stored: &OrderRow,
    incoming: &IncomingOrder,
    intake: &Intake<'_>,
    digest: &str,
    now: At,
) -> Result<Received, OrderError> {
    let id = stored.id;
    let (mut facts, sums) = facts::merge(Some(&stored.facts), incoming, intake.contact, digest);
    let known = queries::list_lines(conn, id)?;
    let mut guard = Guard::load(conn, id, incoming, &known)?;
    let told = difference::of_order(&stored.facts, &facts);
    let asked = guard
        .as_mut()
        .map(|guard| guard.hold_back_order(&stored.facts, &mut facts))
        .unwrap_or_default();
    queries::update_facts(conn, id, &facts)?;
    let mut changes = lines::update(conn, id, incoming, intake, known, guard.as_mut())?;
    changes.extend(difference::applied_or_asked(
        told,
        &difference::of_order(&stored.facts, &facts),
        &asked,
    ));
    write_amounts(conn, id, incoming, sums.as_ref(), false)?;
    amounts::keep_source(conn, id, &intake.source, now)?;
    let given_back = give_back(conn, id, incoming, intake, now)?;
    let mut entries = given_back.entries;
    if !changes.is_empty() {
        let words = serde_json::to_string(&changes).unwrap_or_default();
        amounts::insert_version(conn, id, stored.version, &words, now)?;
        entries.push(updated(intake, &changes, stored.version));
    }
    entries.extend(state_entries(&stored.facts, &facts));
    if !changes.is_empty() || facts.customer_name != stored.facts.customer_name {
        search::refresh(conn, &[id])?;
    }
    standing::refresh_holds(conn, id, &facts, incoming, intake, &mut entries, now)?;
    if let Some(guard) = guard {
        guard.finish(conn, stored, &mut entries, now)?;
    }
    let standing = Standing::load(
        conn,
        OrderRow {
            facts,
            ..stored.clone()
        },
    )?;
    standing::settle(
        conn,
        standing,
        !changes.is_empty(),
        entries,
        &actor(intake),
        now,
    )?;
    refunds::put_back(conn, &given_back.arrivals, now)?;
    Ok(Received::Updated(id))
}

/// Writes down the refunds that an order tells, and what of its lines they took.
fn give_back(
    conn: &mut DbConnection,
    id: OrderId,
    incoming: &IncomingOrder,
    intake: &Intake<'_>,
    now: At,
) -> Result<refunds::Received, DbError> {
    match incoming.refunds.as_deref() {
        None | Some([]) => Ok(refunds::Received::default()),
        Some(told) => {
            let received = refunds::receive(conn, id, told, intake.shelf, now)?;
            lines::note_refunds(conn, id, told)?;
            Ok(received)
        }
    }
}

/// Writes down a refund of the channel that came by itself; an order that we do not know brings its
/// refunds with it when it comes. The lines change with the order's own word, which follows.
///
/// # Errors
///
/// The database's.
pub fn refund_from_channel(
    conn: &mut DbConnection,
    channel: ChannelId,
    external_id: &str,
    refund: &refunds::IncomingRefund,
    shelf: refunds::Shelf<'_>,
    actor: &Actor,
    now: At,
) -> Result<Option<OrderId>, OrderError> {
    let Some(stored) = queries::lock_external(conn, channel, external_id)? else {
        return Ok(None);
    };
    let told = std::slice::from_ref(refund);
    let received = refunds::receive(conn, stored.id, told, shelf, now)?;
    if received.is_news() {
        standing::recompute_changed(conn, stored.id, received.entries, actor, now)?;
    }
    refunds::put_back(conn, &received.arrivals, now)?;
    Ok(Some(stored.id))
}

fn write_amounts(
    conn: &mut DbConnection,
    id: OrderId,
    incoming: &IncomingOrder,
    sums: Option<&Sums>,
    fresh: bool,
) -> Result<(), DbError> {
    if let Some(told) = &incoming.charges {
        amounts::replace_charges(conn, id, booked::charges(incoming, told, sums), fresh)?;
    }
    if let Some(taxes) = booked::taxes(incoming, sums) {
        amounts::replace_taxes(conn, id, taxes, fresh)?;
    }
    if let Some(discounts) = booked::discounts(incoming) {
        amounts::replace_discounts(conn, id, discounts, fresh)?;
    }
    let (totals, details) = if fresh {
        (Vec::new(), None)
    } else {
        (rows::list_totals(conn, id)?, rows::find_details(conn, id)?)
    };
    rows::replace_totals(conn, id, booked::totals(&totals, incoming, sums), fresh)?;
    rows::keep_details(conn, id, &booked::details(details, incoming))
}

/// Brings a return of the channel's order up to date: its state, its goods on our shelves, and the lines that
/// are sent in their place, which need no decision.
///
/// # Errors
///
/// The database's.
pub fn return_from_channel(
    conn: &mut DbConnection,
    channel: ChannelId,
    external_id: &str,
    incoming: &returns::IncomingReturn,
    shelf: refunds::Shelf<'_>,
    actor: &Actor,
    now: At,
) -> Result<Option<OrderId>, OrderError> {
    let Some(stored) = queries::lock_external(conn, channel, external_id)? else {
        return Ok(None);
    };
    let mut received = returns::receive(conn, stored.id, incoming, shelf, now)?;
    let entries = &mut received.entries;
    edits::accept_exchanges(conn, &stored, entries, now)?;
    if received.is_news() {
        standing::recompute_changed(conn, stored.id, received.entries, actor, now)?;
    } else {
        recompute(conn, stored.id, now)?;
    }
    refunds::put_back(conn, &received.arrivals, now)?;
    Ok(Some(stored.id))
}

/// Cancels the channel's order; an order that we do not know is left to the next full payload.
///
/// # Errors
///
/// The database's.
pub fn cancel_from_channel(
    conn: &mut DbConnection,
    channel: ChannelId,
    external_id: &str,
    reason: Option<&str>,
    actor: &Actor,
    now: At,
) -> Result<Option<OrderId>, OrderError> {
    let Some(stored) = queries::lock_external(conn, channel, external_id)? else {
        return Ok(None);
    };
    if queries::mark_cancelled(conn, stored.id, now, reason)? {
        let entry = Entry::new(Kind::Cancelled, json!({ "reason": reason }));
        timeline::record(conn, stored.id, entry, actor, now)?;
        recompute(conn, stored.id, now)?;
    }
    Ok(Some(stored.id))
}

/// Remembers that the channel has deleted an order: it stays with us, and nothing revives it.
///
/// # Errors
///
/// The database's.
pub fn delete_from_channel(
    conn: &mut DbConnection,
    channel: ChannelId,
    external_id: &str,
    actor: &Actor,
    now: At,
) -> Result<Option<OrderId>, OrderError> {
    amounts::insert_tombstone(conn, channel, external_id, now)?;
    let Some(stored) = queries::lock_external(conn, channel, external_id)? else {
        return Ok(None);
    };
    if queries::mark_deleted(conn, stored.id, now)? {
        let entry = Entry::new(Kind::DeletedAtSource, json!({}));
        timeline::record(conn, stored.id, entry, actor, now)?;
        recompute(conn, stored.id, now)?;
    }
    Ok(Some(stored.id))
}

/// Reads an address as an order keeps it.
#[must_use]
pub fn address(json: Option<&str>) -> Address {
    json.and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}

fn actor(intake: &Intake<'_>) -> Actor {
    Actor {
        source: intake.source.event.map(|event| format!("event:{event}")),
        ..Actor::default()
    }
}

fn received(intake: &Intake<'_>, incoming: &IncomingOrder) -> Entry {
    let lines = incoming.lines.as_ref().map_or(0, Vec::len);
    Entry::new(
        Kind::Received,
        json!({ "by": intake.source.name, "lines": lines }),
    )
}

fn updated(intake: &Intake<'_>, changes: &[difference::Change], version: i64) -> Entry {
    let mut what: Vec<&str> = changes.iter().map(|change| change.what.as_str()).collect();
    what.sort_unstable();
    what.dedup();
    Entry::new(
        Kind::Updated,
        json!({ "by": intake.source.name, "what": what, "version": version }),
    )
}

fn state_entries(old: &OrderFacts, new: &OrderFacts) -> Vec<Entry> {
    let mut entries = Vec::new();
    if old.payment_state != new.payment_state {
        entries.push(Entry::new(
            Kind::PaymentChanged,
            json!({ "from": old.payment_state, "to": new.payment_state }),
        ));
    }
    if old.cancelled_at.is_none() && new.cancelled_at.is_some() {
        entries.push(Entry::new(
            Kind::Cancelled,
            json!({ "reason": new.cancel_reason }),
        ));
    }
    if old.totals_check != new.totals_check {
        entries.extend(totals_entry(new));
    }
    entries
}

fn totals_entry(facts: &OrderFacts) -> Option<Entry> {
    match facts.totals_check {
        TotalsCheck::Differs => Some(Entry::new(
            Kind::TotalsDiffer,
            json!({
                "channel": crate::types::Money::new(facts.total_minor, facts.currency).to_string(),
                "added": crate::types::Money::new(facts.added_total_minor, facts.currency).to_string(),
            }),
        )),
        TotalsCheck::Agrees | TotalsCheck::Rounding | TotalsCheck::NotDerivable => None,
    }
}

fn hold_entry(kind: crate::erp::holds::HoldKind, cause: &str) -> Entry {
    Entry::new(Kind::HoldPlaced, json!({ "kind": kind, "cause": cause }))
}
