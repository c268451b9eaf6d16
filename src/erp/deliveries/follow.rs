//! A delivery follows its order: made when the store's rule says so, brought up to date, cancelled, finished.
//!
//! What has to be done follows from how both stand now, never from which event came last: the same order in
//! any disorder, and however often, has the same one delivery.
use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::json;

use super::flow::{self, Mover, State};
use super::log::{self, Kind, News};
use super::queries::facts::{self, ChannelFacts, LineFacts, OrderFacts};
use super::queries::{self, DeliveryRow, NewDelivery, Told};
use super::rule::{Asked, Effect, Rule};
use super::{FIRST, public_id};
use crate::erp::orders::checks::Handover;
use crate::erp::orders::incoming::label;
use crate::erp::orders::lines::LineResolution;
use crate::erp::orders::queries::checks;
use crate::erp::timeline::Actor;
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, DeliveryId, OrderId, OrderLineId};

/// Characters of the item list.
const LONGEST_ITEMS: usize = 500;
/// Why a delivery ended, where its order does not say it.
const NOTHING_LEFT: &str = "nothing is left to deliver";
const DELETED: &str = "the order was deleted in the store";
const BY_RULE: &str = "the store does not deliver this order itself";

/// An order with everything that decides about its delivery.
struct Order {
    facts: OrderFacts,
    channel: ChannelFacts,
    rule: Rule,
    lines: Vec<LineFacts>,
    methods: Vec<String>,
    /// How it is handed over, once the channel was asked.
    handover: Option<Handover>,
    delivery: Option<DeliveryRow>,
    /// The delivery's lines, and whether each goes another way.
    held: BTreeMap<OrderLineId, bool>,
}

/// How an order's delivery has to stand.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Open,
    Delivered,
    Cancelled(String),
    /// The rule makes none: what nobody has set out with is cancelled.
    Unwanted,
}

/// Brings the deliveries of these orders up to date, after anything about the orders has changed and is written.
/// Costs one statement where no store delivers.
///
/// # Errors
///
/// The database's.
pub fn follow(
    conn: &mut DbConnection,
    orders: &[OrderId],
    actor: &Actor,
    now: At,
) -> Result<(), DbError> {
    let orders: Vec<_> = orders.iter().map(|order| (*order, actor.clone())).collect();
    follow_each(conn, &orders, now)
}

/// As [`follow`], where each order was changed by somebody else.
///
/// # Errors
///
/// The database's.
pub fn follow_each(
    conn: &mut DbConnection,
    orders: &[(OrderId, Actor)],
    now: At,
) -> Result<(), DbError> {
    let ids: Vec<OrderId> = orders.iter().map(|(order, _actor)| *order).collect();
    for order in load(conn, &ids, None)? {
        let by = orders.iter().find(|(id, _actor)| *id == order.facts.id);
        let Some((_id, actor)) = by else { continue };
        match &order.delivery {
            Some(delivery) => update(conn, &order, delivery, actor, now)?,
            None if order.is_wanted() => create(conn, &order, actor, now)?,
            None => {}
        }
    }
    Ok(())
}

/// What another rule would do to these orders.
pub(super) fn effect(
    conn: &mut DbConnection,
    orders: &[OrderId],
    rule: &Rule,
) -> Result<Effect, DbError> {
    let mut effect = Effect::default();
    for order in load(conn, orders, Some(rule))? {
        let state = order.delivery.as_ref().map(|delivery| delivery.state);
        match (state, order.is_wanted()) {
            (None | Some(State::Cancelled), true) => effect.made += 1,
            (Some(State::Pending | State::Assigned), false) => effect.cancelled += 1,
            (Some(State::Out | State::NotHome), false) => effect.kept += 1,
            (None | Some(_), _) => {}
        }
    }
    Ok(effect)
}

/// The pieces of a delivery's own lines that nobody has handed over yet.
pub(super) fn open_pieces(
    conn: &mut DbConnection,
    delivery: &DeliveryRow,
) -> Result<Vec<(OrderLineId, i64)>, DbError> {
    let held: BTreeMap<_, _> = queries::list_lines(conn, delivery.id)?
        .into_iter()
        .collect();
    Ok(facts::list_lines(conn, &[delivery.order_id])?
        .into_iter()
        .filter(|line| held.get(&line.id) == Some(&false) && line.open() > 0)
        .map(|line| (line.id, line.open()))
        .collect())
}

fn load(
    conn: &mut DbConnection,
    ids: &[OrderId],
    rule: Option<&Rule>,
) -> Result<Vec<Order>, DbError> {
    let found = facts::list_orders(conn, ids, rule.is_none())?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<OrderId> = found.iter().map(|(facts, _channel)| facts.id).collect();
    let mut lines: BTreeMap<OrderId, Vec<LineFacts>> = BTreeMap::new();
    for line in facts::list_lines(conn, &ids)? {
        lines.entry(line.order).or_default().push(line);
    }
    let mut methods: BTreeMap<OrderId, Vec<String>> = BTreeMap::new();
    for (order, title, code) in facts::list_methods(conn, &ids)? {
        let names = methods.entry(order).or_default();
        names.push(title);
        names.extend(code);
    }
    let handovers: BTreeMap<OrderId, Handover> =
        checks::list_handovers(conn, &ids)?.into_iter().collect();
    let mut held: BTreeMap<DeliveryId, BTreeMap<OrderLineId, bool>> = BTreeMap::new();
    for (delivery, line, apart) in facts::list_held(conn, &ids)? {
        held.entry(delivery).or_default().insert(line, apart);
    }
    let mut deliveries: BTreeMap<OrderId, DeliveryRow> = facts::list_deliveries(conn, &ids)?
        .into_iter()
        .map(|row| (row.order_id, row))
        .collect();
    Ok(found
        .into_iter()
        .map(|(facts, channel)| {
            let delivery = deliveries.remove(&facts.id);
            Order {
                rule: rule
                    .cloned()
                    .unwrap_or_else(|| Rule::stored(&channel.rule, &channel.methods)),
                lines: lines.remove(&facts.id).unwrap_or_default(),
                methods: methods.remove(&facts.id).unwrap_or_default(),
                handover: handovers.get(&facts.id).copied(),
                held: delivery
                    .as_ref()
                    .and_then(|row| held.remove(&row.id))
                    .unwrap_or_default(),
                delivery,
                facts,
                channel,
            }
        })
        .collect())
}

/// Whether the channel says that a driver brings it. What it calls shipping may go by bike all the same: then its
/// name decides, as before it was asked.
fn is_local(handover: Handover) -> Option<bool> {
    match handover {
        Handover::Local => Some(true),
        Handover::Pickup | Handover::PickupPoint | Handover::Retail | Handover::Nothing => {
            Some(false)
        }
        Handover::Shipping | Handover::Mixed => None,
    }
}

impl Order {
    /// Whether the store's rule makes a delivery of it.
    fn is_wanted(&self) -> bool {
        let names: Vec<&str> = self.methods.iter().map(String::as_str).collect();
        self.rule.makes(Asked {
            names: &names,
            ships: self
                .lines
                .iter()
                .any(|line| line.ships && line.quantity > 0),
            test: self.facts.test,
            local: self.handover.and_then(is_local),
        })
    }

    /// Goods that nobody has said go another way.
    fn own(&self) -> impl Iterator<Item = &LineFacts> {
        self.lines.iter().filter(|line| {
            line.ships
                && line.resolution != LineResolution::Ignored
                && self.held.get(&line.id) != Some(&true)
        })
    }

    fn fresh(&self) -> Vec<OrderLineId> {
        self.own()
            .map(|line| line.id)
            .filter(|id| !self.held.contains_key(id))
            .collect()
    }

    fn wanted(&self) -> Wanted {
        let open = self.own().any(|line| line.open() > 0);
        let gone = self.own().any(|line| line.shipped + line.elsewhere > 0);
        if !open && gone || self.facts.fulfilled_at_source {
            return Wanted::Delivered;
        }
        if self.facts.cancelled_at.is_some() {
            let reason = self.facts.cancel_reason.as_deref();
            return Wanted::Cancelled(reason.unwrap_or("the order was cancelled").to_owned());
        }
        if self.facts.deleted_at_source.is_some() {
            return Wanted::Cancelled(DELETED.to_owned());
        }
        if !self.is_wanted() {
            return Wanted::Unwanted;
        }
        if !open {
            return Wanted::Cancelled(NOTHING_LEFT.to_owned());
        }
        Wanted::Open
    }

    fn told(&self) -> Told {
        let facts = &self.facts;
        let address = crate::erp::orders::address(facts.shipping_address.as_deref());
        Told {
            order_name: facts.name.clone(),
            // Who receives it; the buyer where the address names nobody.
            name: address.name.or_else(|| facts.customer_name.clone()),
            phone: address.phone.or_else(|| facts.phone.clone()),
            email: facts.email.clone(),
            address: facts.shipping_address.clone(),
            city: facts.ship_city.clone(),
            items: items(self.own()),
            note: facts.note.clone(),
            payment_state: facts.payment_state,
            currency: facts.currency,
            total_minor: facts.current_total_minor,
            outstanding_minor: facts.outstanding_minor,
        }
    }

    /// The day on which it is to be driven: the promised one, else the day on which it came in. What was over
    /// before it came in stands on its own day.
    fn day(&self, wanted: &Wanted, now: At) -> String {
        let zone = TimeZone::get(&self.channel.time_zone).unwrap_or(TimeZone::UTC);
        let at = match wanted {
            Wanted::Open => self.facts.promised_at.map_or(now, |at| at.max(now)),
            Wanted::Delivered | Wanted::Cancelled(_) | Wanted::Unwanted => self.facts.placed_at,
        };
        at.timestamp().to_zoned(zone).date().to_string()
    }
}

/// `Sencha 100 g ×2, Teapot`
fn items<'a>(lines: impl Iterator<Item = &'a LineFacts>) -> String {
    let words: Vec<String> = lines
        .filter(|line| line.current > 0)
        .map(|line| {
            let name = label(&line.title, line.variant_title.as_deref());
            match line.current {
                1 => name,
                several => format!("{name} ×{several}"),
            }
        })
        .collect();
    let words = words.join(", ");
    match words.char_indices().nth(LONGEST_ITEMS) {
        Some((end, _sign)) => format!("{}…", &words[..end]),
        None => words,
    }
}

fn create(conn: &mut DbConnection, order: &Order, actor: &Actor, now: At) -> Result<(), DbError> {
    let wanted = order.wanted();
    let (state, reason) = match &wanted {
        Wanted::Open | Wanted::Unwanted => (State::Pending, None),
        Wanted::Delivered => (State::Delivered, None),
        Wanted::Cancelled(reason) => (State::Cancelled, Some(reason.clone())),
    };
    let new = NewDelivery {
        public_id: public_id(&order.channel.name, &order.facts.external_id),
        order_id: order.facts.id,
        part: FIRST,
        channel_id: order.facts.channel_id,
        told: order.told(),
        state,
        day: order.day(&wanted, now),
        position: 0,
        reason,
        closed_by_order: state != State::Pending,
        dropped_off_at: (state == State::Delivered).then_some(now),
        created_at: now,
        changed_at: now,
    };
    let id = queries::insert(conn, &new)?;
    queries::insert_lines(conn, id, &order.fresh())?;
    let Some(row) = queries::find(conn, id)? else {
        return Ok(());
    };
    let news = News::of(Kind::Created, json!({ "state": state }));
    log::record(conn, &row, news, actor, now)
}

fn update(
    conn: &mut DbConnection,
    order: &Order,
    delivery: &DeliveryRow,
    actor: &Actor,
    now: At,
) -> Result<(), DbError> {
    queries::insert_lines(conn, delivery.id, &order.fresh())?;
    let told = order.told();
    if told != delivery.told {
        queries::set_told(conn, delivery.id, &told, now)?;
        let fields = differing(&delivery.told, &told);
        let news = News::of(Kind::Changed, json!({ "fields": fields }));
        log::record(conn, delivery, news, actor, now)?;
    }
    let Some((to, reason)) = step(delivery, order.wanted()) else {
        return Ok(());
    };
    let mut standing = delivery.standing();
    standing.state = to;
    standing.reason.clone_from(&reason);
    standing.closed_by_order = to != State::Pending;
    standing.dropped_off_at = (to == State::Delivered).then_some(now);
    if to == State::Pending {
        standing.day = order.day(&Wanted::Open, now);
        standing.shipment_id = None;
    }
    if to != State::Delivered {
        standing.driver_id = None;
        standing.position = 0;
        let words = if to == State::Cancelled {
            "cancelled"
        } else {
            "open again"
        };
        queries::end_assignment(conn, delivery.id, words, actor.user, now)?;
    }
    queries::set_standing(conn, delivery.id, &standing, now)?;
    let news = News {
        states: Some((delivery.state, to)),
        ..News::of(Kind::Moved, json!({ "reason": reason }))
    };
    log::record(conn, delivery, news, actor, now)
}

/// The move that brings a delivery to where its order wants it, if there is one, and why.
fn step(delivery: &DeliveryRow, wanted: Wanted) -> Option<(State, Option<String>)> {
    let from = delivery.state;
    let (to, reason) = match wanted {
        Wanted::Delivered => (State::Delivered, None),
        Wanted::Cancelled(reason) if from.is_open() => (State::Cancelled, Some(reason)),
        Wanted::Unwanted if matches!(from, State::Pending | State::Assigned) => {
            (State::Cancelled, Some(BY_RULE.to_owned()))
        }
        // It is to be driven after all, unless a person has ended it.
        Wanted::Open if from == State::Cancelled && delivery.closed_by_order => {
            (State::Pending, None)
        }
        // What it held came back or was added to; what could not be booked off the shelves is no reason.
        Wanted::Open if from == State::Delivered && delivery.ship_fault.is_none() => {
            (State::Pending, None)
        }
        Wanted::Cancelled(_) | Wanted::Unwanted | Wanted::Open => return None,
    };
    flow::may(from, to, Mover::Order).then_some((to, reason))
}

/// The fields that say something else, by their names: what they said may be personal.
fn differing(old: &Told, new: &Told) -> Vec<&'static str> {
    let differs = [
        ("order number", old.order_name != new.order_name),
        ("name", old.name != new.name),
        ("phone", old.phone != new.phone),
        ("e-mail", old.email != new.email),
        ("address", old.address != new.address),
        ("items", old.items != new.items),
        ("note", old.note != new.note),
        ("payment", old.payment_state != new.payment_state),
        (
            "total",
            (old.total_minor, old.currency, old.outstanding_minor)
                != (new.total_minor, new.currency, new.outstanding_minor),
        ),
    ];
    differs
        .into_iter()
        .filter(|(_field, differs)| *differs)
        .map(|(field, _differs)| field)
        .collect()
}
