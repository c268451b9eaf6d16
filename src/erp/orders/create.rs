//! New orders: each is planned in memory with the ids that its rows will have, then all are written, table by table.
//! What an order gains (a table, a column) is planned in [`Draft`] and written in [`write`].
use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::booked::amounts_of;
use super::incoming::{Arrival, Intake};
use super::lines;
use super::queries::{self, NewOrder, amounts};
use super::standing::{Standing, first_holds};
use super::totals::Sums;
use super::work_state::{self, WorkState};
use super::{actor, facts, give_back, hold_entry, search, totals_entry};
use crate::erp::holds::queries::{self as holds, NewHold};
use crate::erp::stock::{Promise, Shelves};
use crate::erp::timeline::{self, Entry, Kind};
use crate::erp::{changes, deliveries, stock};
use crate::platform::db::queries::{Ids, take_ids};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, OrderId};

/// An order that is not written yet.
struct Draft<'a> {
    arrival: &'a Arrival<'a>,
    standing: Standing,
    sums: Option<Sums>,
    holds: Vec<NewHold>,
    entries: Vec<Entry>,
    promises: Vec<Promise>,
    /// The state that follows from all this, and the pieces that no stock is promised for.
    state: (WorkState, i64),
}

/// Creates orders that nobody knows yet; returns their ids in the same order.
pub(super) fn create(
    conn: &mut DbConnection,
    intake: &Intake<'_>,
    arrivals: &[&Arrival<'_>],
    now: At,
) -> Result<Vec<OrderId>, DbError> {
    if arrivals.is_empty() {
        return Ok(Vec::new());
    }
    let lines = arrivals
        .iter()
        .map(|one| one.order.lines.as_ref().map_or(0, Vec::len));
    let (orders, lines) = (arrivals.len(), lines.sum());
    let [orders, mut lines] = take_ids(conn, [("orders", orders), ("order_lines", lines)])?;
    let mut drafts: Vec<Draft<'_>> = arrivals
        .iter()
        .zip(orders)
        .map(|(arrival, id)| Draft::new(OrderId(id), intake, arrival, &mut lines, now))
        .collect();
    let needs: Vec<stock::Need> = drafts.iter().flat_map(|it| it.standing.needs()).collect();
    let mut shelves = match arrivals {
        // It may have a transaction of its own that nobody begins again.
        [_alone] => Shelves::hold(conn, &needs)?,
        _several => Shelves::look(conn, &needs)?,
    };
    for draft in &mut drafts {
        draft.settle(&mut shelves);
    }
    write(conn, intake, &mut drafts, now)?;
    let followed: Vec<_> = drafts
        .iter()
        .map(|draft| (draft.standing.id, actor(draft.arrival)))
        .collect();
    deliveries::follow::follow_each(conn, &followed, now)?;
    // Last, so that whoever wants the same items waits for the commit alone.
    shelves.close(conn, now)?;
    Ok(drafts.iter().map(|draft| draft.standing.id).collect())
}

impl<'a> Draft<'a> {
    fn new(
        id: OrderId,
        intake: &Intake<'_>,
        arrival: &'a Arrival<'a>,
        line_ids: &mut Ids,
        now: At,
    ) -> Draft<'a> {
        let (facts, sums) = facts::merge(None, arrival);
        let mut lines = lines::draft(arrival.order, intake, line_ids);
        lines::take_returns(&mut lines, arrival.order);
        let holds = first_holds(id, &facts, &lines, intake, arrival, now);
        let mut entries = vec![received(arrival)];
        entries.extend(holds.iter().map(|hold| hold_entry(hold.kind, &hold.cause)));
        entries.extend(totals_entry(&facts));
        Draft {
            arrival,
            standing: Standing {
                id,
                public_id: Uuid::now_v7().to_string(),
                version: 0,
                before: None,
                facts,
                deleted: false,
                lines,
                holds: holds.iter().map(|hold| hold.kind).collect(),
                held: Vec::new(),
                check: None,
            },
            sums,
            holds,
            entries,
            promises: Vec::new(),
            state: (WorkState::NothingToShip, 0),
        }
    }

    /// Takes what is free of what the order needs; its state follows.
    fn settle(&mut self, shelves: &mut Shelves) {
        let needs = self.standing.needs();
        self.promises = shelves.promise(&needs);
        let needed: i64 = needs.iter().map(|need| need.quantity).sum();
        let reserved: i64 = self.promises.iter().map(|promise| promise.quantity).sum();
        let short = needed - reserved;
        if reserved > 0 {
            self.entries.push(reserved_entry(reserved, short));
        }
        self.state = (work_state::decide(&self.standing.state_facts(short)), short);
    }

    /// What it will be found by.
    fn words(&self) -> BTreeSet<String> {
        let Standing { facts, lines, .. } = &self.standing;
        let skus = lines.iter().filter_map(|line| line.facts.sku.as_deref());
        search::words(&self.arrival.order.external_id, facts, skus)
    }

    fn row(&self, intake: &Intake<'_>, now: At) -> NewOrder {
        let id = self.standing.id;
        NewOrder {
            id,
            public_id: self.standing.public_id.clone(),
            channel_id: intake.channel,
            external_id: self.arrival.order.external_id.clone(),
            number: format!("SO-{:05}", id.0),
            version: self.standing.version + 1,
            work_state: self.state.0,
            short_quantity: self.state.1,
            received_at: now,
            changed_at: now,
            facts: self.standing.facts.clone(),
        }
    }
}

fn write(
    conn: &mut DbConnection,
    intake: &Intake<'_>,
    drafts: &mut [Draft<'_>],
    now: At,
) -> Result<(), DbError> {
    write_orders(conn, intake, drafts, now)?;
    for draft in &mut *drafts {
        // Nothing of a new order has left: whatever was refunded, nothing comes back on our shelves.
        let given_back = give_back(conn, draft.standing.id, draft.arrival.order, intake, now)?;
        draft.entries.splice(1..1, given_back.entries);
    }
    let opened: Vec<NewHold> = drafts.iter().flat_map(|it| it.holds.clone()).collect();
    holds::insert(conn, &opened)?;
    let promises: Vec<Promise> = drafts.iter().flat_map(|it| it.promises.clone()).collect();
    stock::record_promises(conn, &promises)?;
    let told: Vec<_> = drafts
        .iter()
        .map(|draft| {
            (
                draft.standing.id,
                draft.entries.as_slice(),
                actor(draft.arrival),
            )
        })
        .collect();
    timeline::record_many(conn, &told, now)?;
    let public: Vec<_> = drafts
        .iter()
        .map(|draft| draft.standing.public_id.clone())
        .collect();
    changes::record_all(conn, "order", &public, now)
}

/// The orders themselves: what each is made of, costs and is found by.
fn write_orders(
    conn: &mut DbConnection,
    intake: &Intake<'_>,
    drafts: &[Draft<'_>],
    now: At,
) -> Result<(), DbError> {
    let rows: Vec<_> = drafts.iter().map(|draft| draft.row(intake, now)).collect();
    queries::insert(conn, &rows)?;
    let of_order = |draft: &Draft<'_>| draft.standing.id;
    let lines: Vec<_> = drafts
        .iter()
        .flat_map(|draft| {
            draft
                .standing
                .lines
                .iter()
                .map(|line| (of_order(draft), line))
        })
        .collect();
    lines::insert(conn, &lines)?;
    let words: Vec<_> = drafts
        .iter()
        .map(|draft| (of_order(draft), draft.words()))
        .collect();
    queries::search::insert(conn, &words)?;
    let costs = drafts.iter().map(|draft| {
        let nothing = (Vec::new(), None);
        amounts_of(
            of_order(draft),
            nothing,
            draft.arrival.order,
            draft.sums.as_ref(),
        )
    });
    amounts::insert(conn, costs.collect())?;
    let sources: Vec<_> = drafts
        .iter()
        .map(|draft| (of_order(draft), draft.arrival.source))
        .collect();
    amounts::insert_sources(conn, &sources, now)
}

fn received(arrival: &Arrival<'_>) -> Entry {
    let lines = arrival.order.lines.as_ref().map_or(0, Vec::len);
    let by = arrival.source.name;
    Entry::new(Kind::Received, json!({ "by": by, "lines": lines }))
}

/// Says how much stock an order was promised.
pub(super) fn reserved_entry(pieces: i64, short: i64) -> Entry {
    Entry::new(
        Kind::StockReserved,
        json!({ "pieces": pieces, "short": short }),
    )
}
