//! How an order stands: promises of stock and the state that follows, settled after every change.
use std::collections::BTreeSet;

use serde_json::json;

use super::checks::{self, Handover};
use super::create::reserved_entry;
use super::incoming::{Arrival, IncomingOrder, Intake, PaymentRule};
use super::lines::{self, LineResolution, OpenLine};
use super::payment::passes;
use super::queries::checks::CheckRow;
use super::queries::{self, OrderFacts, OrderRow};
use super::work_state::{self, Facts, LineFacts, WorkState};
use super::{OrderError, hold_entry};
use crate::erp::changes;
use crate::erp::deliveries;
use crate::erp::holds::queries::NewHold;
use crate::erp::holds::{self, HoldKind};
use crate::erp::stock::{self, Need};
use crate::erp::timeline::{self, Actor, Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, Field, OrderId, ProductId};

/// How many waiting orders get a look when stock becomes free.
const OFFERED_AT_ONCE: i64 = 500;

/// An order with everything that decides its state.
pub(super) struct Standing {
    pub(super) id: OrderId,
    pub(super) public_id: String,
    pub(super) version: i64,
    /// State and shortage before; `None` for a new order.
    pub(super) before: Option<(WorkState, i64)>,
    pub(super) facts: OrderFacts,
    pub(super) deleted: bool,
    pub(super) lines: Vec<OpenLine>,
    pub(super) holds: Vec<HoldKind>,
    pub(super) held: Vec<stock::queries::ReservationRow>,
    /// What the channel said when it was last asked.
    pub(super) check: Option<CheckRow>,
}

impl Standing {
    pub(super) fn load(conn: &mut DbConnection, row: OrderRow) -> Result<Standing, DbError> {
        let lines = lines::load(conn, row.id)?;
        let holds = holds::queries::list_open(conn, row.id)?;
        let held = stock::queries::reservations_of_order(conn, row.id)?;
        let check = queries::checks::find(conn, row.id)?;
        Ok(Standing {
            id: row.id,
            public_id: row.public_id,
            version: row.version,
            before: Some((row.work_state, row.short_quantity)),
            deleted: row.deleted_at_source.is_some(),
            facts: row.facts,
            lines,
            holds: holds.into_iter().map(|hold| hold.kind).collect(),
            held,
            check,
        })
    }

    fn is_closed(&self) -> bool {
        self.deleted || self.facts.cancelled_at.is_some()
    }

    pub(super) fn needs(&self) -> Vec<Need> {
        if self.is_closed() || self.facts.fulfilled_at_source {
            return Vec::new();
        }
        self.ours()
            .filter(|line| line.facts.resolution == LineResolution::Mapped)
            .flat_map(|line| {
                let open = line_facts(line).open();
                line.parts.iter().map(move |(product, each)| Need {
                    line: line.id,
                    product: *product,
                    quantity: open.saturating_mul(*each),
                })
            })
            .collect()
    }

    /// The lines that are ours to ship; a test order never ships.
    fn ours(&self) -> impl Iterator<Item = &OpenLine> {
        self.lines.iter().filter(|line| {
            !self.facts.test && line.facts.ships && line.facts.resolution != LineResolution::Ignored
        })
    }

    pub(super) fn state_facts(&self, short: i64) -> Facts {
        Facts {
            cancelled: self.facts.cancelled_at.is_some(),
            deleted: self.deleted,
            fulfilled_at_source: self.facts.fulfilled_at_source,
            lines: self.ours().map(line_facts).collect(),
            holds: self.holds.clone(),
            scheduled: self
                .check
                .as_ref()
                .is_some_and(|check| check.scheduled_for.is_some()),
            pickup: self.check.as_ref().is_some_and(|check| check.pickup),
            short,
        }
    }
}

fn line_facts(line: &OpenLine) -> LineFacts {
    LineFacts {
        current: line.facts.current_quantity,
        shipped: line.shipped,
        elsewhere: line.facts.fulfilled_elsewhere,
        returned: line.returned,
        back: line.back,
        others: line.others,
    }
}

/// Decides anew how an order stands, after anything about it has changed: promises stock or takes
/// promises back, writes the state, and offers to others what became free.
///
/// # Errors
///
/// The database's.
pub fn recompute(
    conn: &mut DbConnection,
    order: OrderId,
    now: At,
) -> Result<Option<WorkState>, DbError> {
    let Some(row) = queries::lock(conn, order)? else {
        return Ok(None);
    };
    let standing = Standing::load(conn, row)?;
    settle(conn, standing, false, Vec::new(), &Actor::default(), now).map(Some)
}

/// As [`recompute`], for a change that raises the version whatever the state does.
pub(super) fn recompute_changed(
    conn: &mut DbConnection,
    order: OrderId,
    entries: Vec<Entry>,
    actor: &Actor,
    now: At,
) -> Result<WorkState, OrderError> {
    let row = queries::lock(conn, order)?.ok_or(OrderError::NotFound(order))?;
    let standing = Standing::load(conn, row)?;
    Ok(settle(conn, standing, true, entries, actor, now)?)
}

/// Settles stock and state, and writes what there is to tell.
pub(super) fn settle(
    conn: &mut DbConnection,
    standing: Standing,
    changed: bool,
    mut entries: Vec<Entry>,
    actor: &Actor,
    now: At,
) -> Result<WorkState, DbError> {
    let needs = standing.needs();
    let settled = stock::settle(conn, &needs, &standing.held, now)?;
    let state = work_state::decide(&standing.state_facts(settled.short));
    if settled.reserved > 0 {
        entries.push(reserved_entry(settled.reserved, settled.short));
    }
    if !settled.released.is_empty() && standing.is_closed() {
        entries.push(Entry::new(Kind::StockReleased, json!({})));
    }
    let after = (state, settled.short);
    let visible = changed || standing.before != Some(after);
    timeline::record_all(conn, standing.id, entries, actor, now)?;
    if visible {
        let version = standing.version + 1;
        queries::set_state(conn, standing.id, after, version, now)?;
    }
    deliveries::follow::follow(conn, &[standing.id], actor, now)?;
    let released: Vec<ProductId> = settled.released.into_iter().collect();
    offer(conn, &released, Some(standing.id), now)?;
    if visible {
        changes::record(conn, "order", &standing.public_id, now)?;
    }
    Ok(state)
}

/// Gives free stock of these products to the orders that wait for it: promised date, then age.
///
/// # Errors
///
/// The database's.
pub fn offer(
    conn: &mut DbConnection,
    products: &[ProductId],
    except: Option<OrderId>,
    now: At,
) -> Result<(), DbError> {
    for product in products {
        let is_free = |conn: &mut DbConnection| -> Result<bool, DbError> {
            let levels = stock::queries::levels_of(conn, &[*product])?;
            Ok(levels.iter().any(|level| level.free() > 0))
        };
        if !is_free(conn)? {
            continue;
        }
        for order in queries::waiting_for(conn, *product, OFFERED_AT_ONCE)? {
            if Some(order) == except {
                continue;
            }
            recompute(conn, order, now)?;
            if !is_free(conn)? {
                break;
            }
        }
    }
    Ok(())
}

/// The holds a new order needs.
pub(super) fn first_holds(
    order: OrderId,
    facts: &OrderFacts,
    lines: &[OpenLine],
    intake: &Intake<'_>,
    arrival: &Arrival<'_>,
    now: At,
) -> Vec<NewHold> {
    let mut wanted: Vec<(HoldKind, String)> =
        lines::unmapped_causes(lines.iter().map(|line| &line.facts))
            .into_iter()
            .map(|cause| (HoldKind::Unmapped, cause))
            .collect();
    let on_terms = arrival.order.terms.value().is_some();
    if !on_terms && is_unpaid(facts, intake.payment) {
        wanted.push((HoldKind::Unpaid, String::new()));
    }
    let open = !is_over(facts) && ships(lines);
    if arrival.check_first && open {
        wanted.push((HoldKind::Checking, String::new()));
    }
    if open && needs_address(facts, None) {
        let gaps = checks::address_gaps(facts.shipping_address.as_deref());
        wanted.extend(gaps.map(|gaps| (HoldKind::Address, gaps)));
    }
    let opened = wanted.into_iter().map(|(kind, cause)| NewHold {
        order_id: order,
        channel_id: intake.channel,
        kind,
        cause,
        note: None,
        opened_at: now,
        opened_by: None,
    });
    opened.collect()
}

/// Opens and releases the holds whose causes came or went with an update.
pub(super) fn refresh_holds(
    conn: &mut DbConnection,
    standing: &mut Standing,
    intake: &Intake<'_>,
    arrival: &Arrival<'_>,
    entries: &mut Vec<Entry>,
    now: At,
) -> Result<(), DbError> {
    let (order, facts) = (standing.id, standing.lines.iter().map(|line| &line.facts));
    let mut wanted: BTreeSet<(HoldKind, String)> = lines::unmapped_causes(facts)
        .into_iter()
        .map(|cause| (HoldKind::Unmapped, cause))
        .collect();
    let is_unpaid = is_unpaid(&standing.facts, intake.payment);
    if is_unpaid && !is_on_terms(conn, order, arrival.order)? {
        wanted.insert((HoldKind::Unpaid, String::new()));
    }
    wanted.extend(address_hold(conn, order, &standing.facts, &standing.lines)?);
    let kinds = [
        HoldKind::Unmapped,
        HoldKind::Unpaid,
        HoldKind::Address,
        HoldKind::Checking,
    ];
    let (open, others): (Vec<_>, Vec<_>) = holds::queries::list_open(conn, order)?
        .into_iter()
        .map(|hold| (hold.kind, hold.cause))
        .partition(|(kind, _cause)| kinds.contains(kind));
    let open: BTreeSet<(HoldKind, String)> = open.into_iter().collect();
    if !is_over(&standing.facts) && ships(&standing.lines) {
        // Nothing but the answer ends it, unless there is nothing left to send.
        let checking = open
            .iter()
            .filter(|(kind, _cause)| *kind == HoldKind::Checking);
        wanted.extend(checking.cloned());
    }
    for (kind, cause) in wanted.difference(&open) {
        if holds::is_waived(conn, order, (*kind, cause))? {
            continue;
        }
        let hold = (*kind, cause.as_str());
        holds::place(conn, intake.channel, order, hold, None, None, now)?;
        entries.push(hold_entry(*kind, cause));
    }
    for (kind, cause) in open.difference(&wanted) {
        holds::release(conn, order, (*kind, cause), None, now)?;
        entries.push(released_entry(*kind, cause));
    }
    let holds = others.into_iter().chain(wanted);
    standing.holds = holds.map(|(kind, _cause)| kind).collect();
    Ok(())
}

/// Whether nothing of it will be sent, whatever its lines say.
fn is_over(facts: &OrderFacts) -> bool {
    facts.cancelled_at.is_some() || facts.fulfilled_at_source || facts.test
}

/// Whether something of these lines is still to be sent.
fn ships(lines: &[OpenLine]) -> bool {
    lines.iter().any(|line| {
        let goods = line.facts.ships && line.facts.resolution != LineResolution::Ignored;
        goods && line_facts(line).open() > 0
    })
}

/// Whether the order's goods are sent to its address. Until the channel has said how it is handed over, an order
/// that came without any address may be fetched, or have been bought over the counter.
fn needs_address(facts: &OrderFacts, told: Option<Handover>) -> bool {
    match told {
        Some(handover) => handover.needs_address(),
        None => facts.shipping_address.is_some(),
    }
}

/// The hold for an address that nothing can be sent to.
fn address_hold(
    conn: &mut DbConnection,
    order: OrderId,
    facts: &OrderFacts,
    lines: &[OpenLine],
) -> Result<Option<(HoldKind, String)>, DbError> {
    let gaps = checks::address_gaps(facts.shipping_address.as_deref());
    let Some(gaps) = gaps.filter(|_gaps| !is_over(facts) && ships(lines)) else {
        return Ok(None);
    };
    let check = queries::checks::find(conn, order)?;
    let told = check.and_then(|check| check.delivery_method);
    Ok(needs_address(facts, told).then_some((HoldKind::Address, gaps)))
}

/// Opens or releases the hold `address` after the channel has answered.
pub(super) fn settle_address(
    conn: &mut DbConnection,
    order: &OrderRow,
    entries: &mut Vec<Entry>,
    now: At,
) -> Result<(), DbError> {
    let lines = lines::load(conn, order.id)?;
    let wanted = address_hold(conn, order.id, &order.facts, &lines)?;
    let open: Vec<String> = holds::queries::list_open(conn, order.id)?
        .into_iter()
        .filter(|hold| hold.kind == HoldKind::Address)
        .map(|hold| hold.cause)
        .collect();
    for cause in &open {
        if wanted.as_ref().is_none_or(|(_kind, gaps)| gaps != cause) {
            holds::release(conn, order.id, (HoldKind::Address, cause), None, now)?;
            entries.push(released_entry(HoldKind::Address, cause));
        }
    }
    if let Some(hold) = wanted
        && !open.contains(&hold.1)
        && !holds::is_waived(conn, order.id, (hold.0, &hold.1))?
    {
        let what = (hold.0, hold.1.as_str());
        holds::place(conn, order.channel_id, order.id, what, None, None, now)?;
        entries.push(hold_entry(hold.0, &hold.1));
    }
    Ok(())
}

pub(super) fn released_entry(kind: HoldKind, cause: &str) -> Entry {
    Entry::new(Kind::HoldReleased, json!({ "kind": kind, "cause": cause }))
}

/// Whether it was sold on terms; a source that says nothing of them leaves what another one told.
fn is_on_terms(
    conn: &mut DbConnection,
    order: OrderId,
    incoming: &IncomingOrder,
) -> Result<bool, DbError> {
    match incoming.terms {
        Field::Value(_) => Ok(true),
        Field::Null => Ok(false),
        Field::Absent => {
            let known = queries::sums::find_details(conn, order)?;
            Ok(known.is_some_and(|known| known.terms_kind.is_some()))
        }
    }
}

/// Whether the store's rule asks for money that has not come.
fn is_unpaid(facts: &OrderFacts, rule: PaymentRule) -> bool {
    if facts.total_minor == 0 || facts.cancelled_at.is_some() {
        return false;
    }
    !passes(facts.payment_state, rule)
}
