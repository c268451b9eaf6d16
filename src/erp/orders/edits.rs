//! Edits that the channel makes after something had left: a person accepts or rejects them, line by line.
//!
//! Until then, and after a rejection, the order stays as it was shipped. What was decided is remembered:
//! the same edit, told again by whatever road, does not ask again.
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::incoming::IncomingOrder;
use super::queries::edits::{self as queries, EditRow, NewEdit};
use super::queries::{self as rows, LineFacts, LineRow, OrderFacts, OrderRow};
use super::standing::{self, released_entry};
use super::{OrderError, hold_entry};
use crate::erp::audit;
use crate::erp::holds::{self, HoldKind};
use crate::erp::refunds;
use crate::erp::returns;
use crate::erp::timeline::{Actor, Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, OrderId, OrderLineId, UserId};

crate::text_enum! {
    /// Where an edit stands.
    EditState {
        Pending = "pending",
        Accepted = "accepted",
        Rejected = "rejected",
        /// The channel took it back before anybody decided.
        Withdrawn = "withdrawn",
    }
}

/// What a person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Accept,
    Reject,
}

/// The cause of the hold: an order has one for all its edits.
const CAUSE: &str = "";
const ADDRESS: &str = "address";
const METHOD: &str = "method";

/// What of a line is only changed by a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub quantity: i64,
    /// Pieces of it that are still ordered, those refunded later among them.
    pub standing: i64,
    /// Pieces that are ordered now.
    pub current: i64,
    pub unit_price_scaled: i64,
    pub discount_minor: i64,
    pub tax_minor: i64,
    pub total_minor: i64,
    /// The same in the customer's currency.
    #[serde(default)]
    pub presentment: Presentment,
    /// Their parts, as [`super::kept`] writes them.
    #[serde(default)]
    pub parts: [Option<String>; 3],
}

/// What of a line's terms is in the customer's currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presentment {
    pub unit_price_scaled: Option<i64>,
    pub discount_minor: Option<i64>,
    pub tax_minor: Option<i64>,
    pub total_minor: Option<i64>,
}

impl Terms {
    fn of(facts: &LineFacts, refunded: i64) -> Terms {
        Terms {
            quantity: facts.quantity,
            standing: facts.current_quantity.saturating_add(refunded),
            current: facts.current_quantity,
            unit_price_scaled: facts.unit_price_scaled,
            discount_minor: facts.discount_minor,
            tax_minor: facts.tax_minor,
            total_minor: facts.total_minor,
            presentment: Presentment {
                unit_price_scaled: facts.presentment_unit_price_scaled,
                discount_minor: facts.presentment_discount_minor,
                tax_minor: facts.presentment_tax_minor,
                total_minor: facts.presentment_total_minor,
            },
            parts: [
                facts.discounts.clone(),
                facts.taxes.clone(),
                facts.duties.clone(),
            ],
        }
    }

    /// Whether both ask for the same; taxes and sums follow by themselves.
    fn agrees(&self, other: &Terms) -> bool {
        self.standing == other.standing
            && self.unit_price_scaled == other.unit_price_scaled
            && self.discount_minor == other.discount_minor
    }

    fn write(&self, facts: &mut LineFacts) {
        facts.quantity = self.quantity;
        facts.current_quantity = self.current;
        facts.unit_price_scaled = self.unit_price_scaled;
        facts.discount_minor = self.discount_minor;
        facts.tax_minor = self.tax_minor;
        facts.total_minor = self.total_minor;
        facts.presentment_unit_price_scaled = self.presentment.unit_price_scaled;
        facts.presentment_discount_minor = self.presentment.discount_minor;
        facts.presentment_tax_minor = self.presentment.tax_minor;
        facts.presentment_total_minor = self.presentment.total_minor;
        let [discounts, taxes, duties] = &self.parts;
        facts.discounts.clone_from(discounts);
        facts.taxes.clone_from(taxes);
        facts.duties.clone_from(duties);
    }
}

/// A line's terms as they are stored with an edit.
#[must_use]
pub fn terms(json: &str) -> Option<Terms> {
    serde_json::from_str(json).ok()
}

/// Keeps what was shipped as it was shipped, while an update is applied.
pub(super) struct Guard {
    /// The order's edits, the latest of each subject.
    known: BTreeMap<String, EditRow>,
    /// Lines, by the channel's id, that are sent in place of what comes back: they need no decision.
    exchanges: BTreeSet<String>,
    /// Refunded pieces of each line as the update tells them; `None` where it tells nothing of refunds.
    refunded: Option<BTreeMap<String, i64>>,
    asked: Vec<Asked>,
    /// Subjects that agree with us.
    settled: Vec<String>,
}

/// A proposal that waits for a person.
struct Asked {
    subject: Subject,
    before: String,
    proposal: String,
}

enum Subject {
    /// By the channel's id: a new line has no other yet.
    Line(String),
    Address,
    Method,
}

impl Guard {
    /// Nothing has to be kept while nothing has left, or when all is over anyway.
    pub(super) fn load(
        conn: &mut DbConnection,
        order: OrderId,
        incoming: &IncomingOrder,
        lines: &[LineRow],
    ) -> Result<Option<Guard>, DbError> {
        let has_left = lines.iter().any(|row| row.shipped_quantity > 0);
        if !has_left || incoming.cancelled_at.value().is_some() {
            return Ok(None);
        }
        let refunded = incoming.refunds.as_deref().map(|refunds| {
            refunds::counts(refunds)
                .into_iter()
                .map(|(line, (all, _returned))| (line.to_owned(), all))
                .collect()
        });
        let known = queries::list(conn, order)?
            .into_iter()
            .filter(|row| row.state != EditState::Withdrawn)
            .map(|row| (row.subject.clone(), row))
            .collect();
        Ok(Some(Guard {
            exchanges: returns::queries::list_exchange_lines(conn, order)?,
            known,
            refunded,
            asked: Vec::new(),
            settled: Vec::new(),
        }))
    }

    /// Takes back from `theirs` what only a decision may change; returns whether a person has to be asked.
    pub(super) fn hold_back(&mut self, row: &LineRow, theirs: &mut LineFacts) -> bool {
        let ours = Terms::of(&row.facts, row.refunded_quantity);
        let Some(refunded) = &self.refunded else {
            // How much of a lower quantity is a refund is not said: the next word will.
            ours.write(theirs);
            return false;
        };
        let refunded = refunded.get(&theirs.external_id).copied().unwrap_or(0);
        let proposed = Terms::of(theirs, refunded);
        // What came back by a return may be taken off the line without a refund.
        let taken = ours.standing - proposed.standing;
        let is_return = taken > 0 && taken <= row.back_quantity;
        if ours.agrees(&proposed) || is_return {
            self.agree(line_subject(row.id));
            return false;
        }
        let kept = Terms {
            current: ours.standing.saturating_sub(refunded).max(0),
            ..ours
        };
        kept.write(theirs);
        let id = theirs.external_id.clone();
        self.ask(&line_subject(row.id), Subject::Line(id), &kept, &proposed)
    }

    /// A line that was added: it is there with nothing of it until somebody accepts it.
    /// Returns whether a person has to be asked.
    pub(super) fn hold_back_new(&mut self, theirs: &mut LineFacts) -> bool {
        if self.exchanges.contains(&theirs.external_id) {
            return false;
        }
        let proposed = Terms::of(theirs, 0);
        let before = Terms {
            standing: 0,
            current: 0,
            ..proposed.clone()
        };
        before.write(theirs);
        self.asked.push(Asked {
            subject: Subject::Line(theirs.external_id.clone()),
            before: written(&before),
            proposal: written(&proposed),
        });
        true
    }

    /// Keeps where and how the order was sent.
    /// Returns what a person has to be asked, as a difference calls it.
    pub(super) fn hold_back_order(
        &mut self,
        stored: &OrderFacts,
        theirs: &mut OrderFacts,
    ) -> Vec<&'static str> {
        let mut asked = Vec::new();
        let goes_somewhere = super::address(theirs.shipping_address.as_deref())
            .address1
            .is_some();
        if stored.shipping_address == theirs.shipping_address {
            self.agree(ADDRESS.to_owned());
        } else if goes_somewhere && stored.shipping_address.is_some() {
            let (ours, proposed) = (&stored.shipping_address, &theirs.shipping_address);
            if self.ask(ADDRESS, Subject::Address, ours, proposed) {
                asked.push("shipping address");
            }
            theirs.shipping_address.clone_from(&stored.shipping_address);
            theirs.ship_city.clone_from(&stored.ship_city);
            theirs.customer_name.clone_from(&stored.customer_name);
        }
        if stored.shipping_method == theirs.shipping_method {
            self.agree(METHOD.to_owned());
        } else if stored.shipping_method.is_some() && theirs.shipping_method.is_some() {
            let (ours, proposed) = (&stored.shipping_method, &theirs.shipping_method);
            if self.ask(METHOD, Subject::Method, ours, proposed) {
                asked.push("shipping method");
            }
            theirs.shipping_method.clone_from(&stored.shipping_method);
        }
        asked
    }

    fn agree(&mut self, subject: String) {
        let waits = self.known.get(&subject);
        if waits.is_some_and(|edit| edit.state == EditState::Pending) {
            self.settled.push(subject);
        }
    }

    /// Notes a proposal unless it is the one that is asked or was rejected already.
    fn ask<T: Serialize>(
        &mut self,
        known_as: &str,
        subject: Subject,
        ours: &T,
        proposed: &T,
    ) -> bool {
        let proposal = written(proposed);
        if let Some(known) = self.known.get(known_as) {
            let same = match &subject {
                Subject::Line(_) => match (terms(&known.proposal), terms(&proposal)) {
                    (Some(known), Some(new)) => known.agrees(&new),
                    (None | Some(_), None) | (None, Some(_)) => false,
                },
                Subject::Address | Subject::Method => known.proposal == proposal,
            };
            let was_accepted = known.state == EditState::Accepted;
            if same && !was_accepted {
                return false;
            }
        }
        self.asked.push(Asked {
            subject,
            before: written(ours),
            proposal,
        });
        true
    }

    /// Writes what is asked, takes back what the channel took back, and holds or frees the order.
    pub(super) fn finish(
        self,
        conn: &mut DbConnection,
        order: &OrderRow,
        entries: &mut Vec<Entry>,
        now: At,
    ) -> Result<(), DbError> {
        let ids: BTreeMap<String, OrderLineId> = rows::list_lines(conn, order.id)?
            .into_iter()
            .map(|row| (row.facts.external_id, row.id))
            .collect();
        for subject in &self.settled {
            queries::end_pending(conn, order.id, subject, EditState::Withdrawn, now)?;
        }
        for asked in &self.asked {
            let line = match &asked.subject {
                Subject::Line(external) => ids.get(external).copied(),
                Subject::Address | Subject::Method => None,
            };
            let subject = match (&asked.subject, line) {
                (Subject::Address, _) => ADDRESS.to_owned(),
                (Subject::Method, _) => METHOD.to_owned(),
                (Subject::Line(_), Some(line)) => line_subject(line),
                (Subject::Line(_), None) => continue,
            };
            // A newer proposal takes the place of one that nobody decided.
            queries::end_pending(conn, order.id, &subject, EditState::Withdrawn, now)?;
            let new = NewEdit {
                order_id: order.id,
                version: order.version,
                subject: &subject,
                order_line_id: line,
                before: &asked.before,
                proposal: &asked.proposal,
                state: EditState::Pending,
                opened_at: now,
            };
            queries::insert(conn, &new)?;
        }
        settle_hold(conn, order, entries, now)
    }
}

/// The hold stands as long as an edit waits.
fn settle_hold(
    conn: &mut DbConnection,
    order: &OrderRow,
    entries: &mut Vec<Entry>,
    now: At,
) -> Result<(), DbError> {
    let hold = (HoldKind::Edit, CAUSE);
    if queries::has_pending(conn, order.id)? {
        if holds::place(conn, order.channel_id, order.id, hold, None, None, now)? {
            entries.push(hold_entry(HoldKind::Edit, CAUSE));
        }
    } else if holds::release(conn, order.id, hold, None, now)? {
        entries.push(released_entry(HoldKind::Edit, CAUSE));
    }
    Ok(())
}

/// Decides the edits of an order that wait, each by its id.
///
/// # Errors
///
/// `NotFound`; `Changed` where the order is not what the person saw, or an edit has no decision.
pub fn decide(
    conn: &mut DbConnection,
    order: OrderId,
    version: i64,
    decisions: &BTreeMap<i64, Decision>,
    user: Option<UserId>,
    now: At,
) -> Result<(), OrderError> {
    let stored = rows::lock(conn, order)?.ok_or(OrderError::NotFound(order))?;
    let pending: Vec<EditRow> = queries::list(conn, order)?
        .into_iter()
        .filter(|row| row.state == EditState::Pending)
        .collect();
    let is_whole = pending.iter().all(|row| decisions.contains_key(&row.id));
    if stored.version != version || pending.is_empty() || !is_whole {
        return Err(OrderError::Changed);
    }
    let (mut accepted, mut rejected) = (0, 0);
    for edit in &pending {
        match decisions.get(&edit.id) {
            Some(Decision::Accept) => {
                accept(conn, order, edit)?;
                queries::mark_decided(conn, edit.id, EditState::Accepted, user, now)?;
                accepted += 1;
            }
            Some(Decision::Reject) | None => {
                queries::mark_decided(conn, edit.id, EditState::Rejected, user, now)?;
                rejected += 1;
            }
        }
    }
    let arguments = json!({ "accepted": accepted, "rejected": rejected });
    let subject = format!("order/{order}");
    audit::record(
        conn,
        user,
        audit::Kind::EditDecided,
        &subject,
        &arguments,
        now,
    )?;
    let mut entries = vec![Entry::new(Kind::EditDecided, arguments)];
    settle_hold(conn, &stored, &mut entries, now)?;
    standing::recompute_changed(conn, order, entries, &Actor::user(user), now)?;
    Ok(())
}

/// Accepts the added lines that turn out to be sent in place of what comes back.
pub(super) fn accept_exchanges(
    conn: &mut DbConnection,
    order: &OrderRow,
    entries: &mut Vec<Entry>,
    now: At,
) -> Result<(), DbError> {
    let exchanges = returns::queries::list_exchange_lines(conn, order.id)?;
    if exchanges.is_empty() {
        return Ok(());
    }
    let lines = rows::list_lines(conn, order.id)?;
    let pending = queries::list(conn, order.id)?
        .into_iter()
        .filter(|edit| edit.state == EditState::Pending);
    for edit in pending {
        let line = lines.iter().find(|row| Some(row.id) == edit.order_line_id);
        if line.is_some_and(|row| exchanges.contains(&row.facts.external_id)) {
            accept(conn, order.id, &edit)?;
            queries::mark_decided(conn, edit.id, EditState::Accepted, None, now)?;
        }
    }
    settle_hold(conn, order, entries, now)
}

/// Brings up to date what was held back.
fn accept(conn: &mut DbConnection, order: OrderId, edit: &EditRow) -> Result<(), DbError> {
    match (edit.subject.as_str(), edit.order_line_id) {
        (ADDRESS, _) => {
            let address: Option<String> = serde_json::from_str(&edit.proposal).unwrap_or_default();
            let city = super::address(address.as_deref()).short();
            queries::set_address(conn, order, address.as_deref(), city.as_deref())
        }
        (METHOD, _) => {
            let method: Option<String> = serde_json::from_str(&edit.proposal).unwrap_or_default();
            queries::set_method(conn, order, method.as_deref())
        }
        (_, Some(line)) => {
            let rows = rows::list_lines(conn, order)?;
            let (Some(row), Some(terms)) = (
                rows.into_iter().find(|row| row.id == line),
                terms(&edit.proposal),
            ) else {
                return Ok(());
            };
            let mut facts = row.facts;
            let current = terms.standing - row.refunded_quantity;
            Terms {
                current: current.max(0),
                ..terms
            }
            .write(&mut facts);
            rows::update_line(conn, line, &facts)
        }
        (_, None) => Ok(()),
    }
}

fn line_subject(line: OrderLineId) -> String {
    format!("line:{line}")
}

fn written<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
