//! Orders: the door through which a channel's orders come in, and what is to be done with them.
//! `work_state` is decided by [`work_state::decide`] and written by [`recompute`] and [`receive`] alone.
use std::collections::{HashMap, HashSet};

use serde_json::json;

use crate::erp::customers::Address;
use crate::erp::stock::StockError;
use crate::erp::timeline::{self, Actor, Entry, Kind};
use crate::erp::{holds, refunds, returns};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, ChannelId, OrderId};

mod booked;
pub mod cancellations;
pub mod checks;
mod create;
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

pub use incoming::{Arrival, IncomingOrder, Intake, Resolution};
pub use payment::payment_rule_changed;
pub use people::{cancel_hold, hold, lines_shipped, map_line, recompute_told, release_hold};
pub use standing::{offer, recompute};
pub use variants::{variant_ignored, variant_mapped, variant_unmapped};
pub use work_state::WorkState;

use booked::amounts_of;
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

/// Creates the channel's orders or brings them up to date, and tells what became of each, in their order. No two are
/// the same order. To be called within a transaction.
///
/// New orders are written together, so that a hundred cost little more than one ([`create`]); known ones follow each
/// other.
///
/// # Errors
///
/// The database's.
pub fn receive(
    conn: &mut DbConnection,
    intake: &Intake<'_>,
    arrivals: &[Arrival<'_>],
    now: At,
) -> Result<Vec<Received>, DbError> {
    let ids: Vec<&str> = arrivals.iter().map(Arrival::external_id).collect();
    let stored: HashMap<String, OrderRow> = queries::lock_external(conn, intake.channel, &ids)?
        .into_iter()
        .map(|row| (row.external_id.clone(), row))
        .collect();
    let unknown: Vec<&str> = ids
        .into_iter()
        .filter(|id| !stored.contains_key(*id))
        .collect();
    let gone = amounts::list_tombstones(conn, intake.channel, &unknown)?;
    let gone: HashSet<String> = gone.into_iter().collect();
    let mut received = Vec::with_capacity(arrivals.len());
    let (mut fresh, mut renewed) = (Vec::new(), false);
    for arrival in arrivals {
        received.push(match stored.get(arrival.external_id()) {
            Some(row) => {
                // What became free of one may have been given to this one.
                let again = if renewed {
                    queries::find(conn, row.id)?
                } else {
                    None
                };
                renewed = true;
                let row = again.as_ref().unwrap_or(row);
                Some(renew(conn, row, intake, arrival, now)?)
            }
            None if gone.contains(arrival.external_id()) => Some(Received::Tombstoned),
            None => {
                fresh.push(arrival);
                None
            }
        });
    }
    let mut created = create::create(conn, intake, &fresh, now)?.into_iter();
    Ok(received
        .into_iter()
        .filter_map(|known| known.or_else(|| created.next().map(Received::Created)))
        .collect())
}

/// Brings a known order up to date, unless what comes in is older.
fn renew(
    conn: &mut DbConnection,
    stored: &OrderRow,
    intake: &Intake<'_>,
    arrival: &Arrival<'_>,
    now: At,
) -> Result<Received, DbError> {
    let (id, incoming) = (stored.id, arrival.order);
    match judge(&stored.facts, incoming, arrival.digest) {
        Verdict::Apply => update(conn, stored, intake, arrival, now),
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
            let standing = Standing::load(conn, stored.clone())?;
            standing::settle(
                conn,
                standing,
                true,
                given_back.entries,
                &actor(arrival),
                now,
            )?;
            refunds::put_back(conn, &given_back.arrivals, now)?;
            Ok(Received::Updated(id))
        }
        Verdict::Stale => Ok(Received::Stale(id)),
        // Sent in the same microsecond: what arrived later is the better guess.
        Verdict::Fetch if arrived_later(conn, id, arrival)? => {
            update(conn, stored, intake, arrival, now)
        }
        Verdict::Fetch => Ok(Received::NeedsFetch(id)),
    }
}

fn arrived_later(
    conn: &mut DbConnection,
    order: OrderId,
    arrival: &Arrival<'_>,
) -> Result<bool, DbError> {
    if arrival.source.shape == Shape::Graphql {
        // The channel itself was asked at that moment.
        return Ok(true);
    }
    let kept = amounts::find_source_event(conn, order, arrival.source.shape)?;
    Ok(arrival.source.event.map(|event| event.0) > kept)
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

fn update(
    conn: &mut DbConnection,
    stored: &OrderRow,
    intake: &Intake<'_>,
    arrival: &Arrival<'_>,
    now: At,
) -> Result<Received, DbError> {
    let (id, incoming) = (stored.id, arrival.order);
    let (mut facts, sums) = facts::merge(Some(&stored.facts), arrival);
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
    changes.extend(renew_amounts(conn, id, incoming, sums.as_ref())?);
    amounts::keep_source(conn, id, &arrival.source, now)?;
    let given_back = give_back(conn, id, incoming, intake, now)?;
    let mut entries = given_back.entries;
    if !changes.is_empty() {
        let words = serde_json::to_string(&changes).unwrap_or_default();
        amounts::insert_version(conn, id, stored.version, &words, now)?;
        entries.push(updated(arrival, &changes, stored.version));
    }
    entries.extend(state_entries(&stored.facts, &facts));
    if !changes.is_empty() || facts.customer_name != stored.facts.customer_name {
        search::refresh(conn, &[id])?;
    }
    let row = OrderRow {
        facts,
        ..stored.clone()
    };
    let mut standing = Standing::load(conn, row)?;
    standing::refresh_holds(conn, &mut standing, intake, arrival, &mut entries, now)?;
    if let Some(guard) = guard {
        guard.finish(conn, stored, &mut entries, now)?;
        // What a person is asked holds the order.
        standing.holds = holds::queries::list_open(conn, id)?
            .into_iter()
            .map(|hold| hold.kind)
            .collect();
    }
    let changed = !changes.is_empty();
    standing::settle(conn, standing, changed, entries, &actor(arrival), now)?;
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
    let Some(stored) = queries::lock_external(conn, channel, &[external_id])?.pop() else {
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

/// Writes what a known order costs now; tells what changed of its details.
fn renew_amounts(
    conn: &mut DbConnection,
    id: OrderId,
    incoming: &IncomingOrder,
    sums: Option<&Sums>,
) -> Result<Vec<difference::Change>, DbError> {
    let known = rows::find_details(conn, id)?;
    let totals = rows::list_totals(conn, id)?;
    let amounts = amounts_of(id, (totals, known.clone()), incoming, sums);
    // Of what was never kept nobody can say that it changed.
    let changed = known.map(|known| difference::of_details(&known, &amounts.details));
    amounts::replace(conn, amounts)?;
    Ok(changed.unwrap_or_default())
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
    let Some(stored) = queries::lock_external(conn, channel, &[external_id])?.pop() else {
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
    let Some(stored) = queries::lock_external(conn, channel, &[external_id])?.pop() else {
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
    let Some(stored) = queries::lock_external(conn, channel, &[external_id])?.pop() else {
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

fn actor(arrival: &Arrival<'_>) -> Actor {
    Actor {
        source: arrival.source.event.map(|event| format!("event:{event}")),
        ..Actor::default()
    }
}

fn updated(arrival: &Arrival<'_>, changes: &[difference::Change], version: i64) -> Entry {
    let mut what: Vec<&str> = changes.iter().map(|change| change.what.as_str()).collect();
    what.sort_unstable();
    what.dedup();
    Entry::new(
        Kind::Updated,
        json!({ "by": arrival.source.name, "what": what, "version": version }),
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
    let money = |minor| crate::types::Money::new(minor, facts.currency).to_string();
    match facts.totals_check {
        TotalsCheck::Differs if facts.total_minor == facts.added_total_minor => {
            // It is the taxes or the customer's currency: the page says which.
            Some(Entry::new(Kind::TotalsDiffer, json!({})))
        }
        TotalsCheck::Differs => Some(Entry::new(
            Kind::TotalsDiffer,
            json!({
                "channel": money(facts.total_minor),
                "added": money(facts.added_total_minor),
            }),
        )),
        TotalsCheck::Agrees | TotalsCheck::Rounding | TotalsCheck::NotDerivable => None,
    }
}

fn hold_entry(kind: holds::HoldKind, cause: &str) -> Entry {
    Entry::new(Kind::HoldPlaced, json!({ "kind": kind, "cause": cause }))
}
