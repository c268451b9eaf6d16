//! Refunds: what a channel gave back, in money and in goods. Facts are written once; of what stands,
//! a payment alone may still move from pending to done.
//!
//! A refund is told twice, by itself and inside its order: its external id makes it one. Goods that
//! came back are put on our shelves once, as the store's rule says.
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

use crate::erp::orders::queries::{self as orders, LineRow, PartRow};
use crate::erp::returns;
use crate::erp::shipping::outside::queries as outside;
use crate::erp::stock::{self, Movement, StockError};
use crate::erp::timeline::{Entry, Kind};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, Currency, LocationId, Money, OrderId, OrderLineId, RefundId};

pub mod queries;

use queries::{NewCharge, NewLine, NewTransaction, TransactionRow};

crate::text_enum! {
    /// What becomes of refunded pieces.
    Restock {
        /// They stay where they are.
        NoRestock = "no_restock",
        /// They had not left: they are not sent any more.
        Cancel = "cancel",
        /// They had left and come back.
        Return = "return",
        /// They came back, as an older application says it.
        LegacyRestock = "legacy_restock",
    }
}

crate::text_enum! {
    /// What an amount beside the lines is for.
    ChargeKind { Shipping = "shipping", Adjustment = "adjustment", Duty = "duty", Fee = "fee" }
}

crate::text_enum! {
    /// Where a payment back to the customer stands.
    TransactionState { Pending = "pending", Success = "success", Failure = "failure", Error = "error" }
}

/// One amount in the shop's currency and in the customer's, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Both {
    pub shop: i64,
    pub presentment: i64,
}

impl std::ops::AddAssign for Both {
    fn add_assign(&mut self, other: Both) {
        self.shop = self.shop.saturating_add(other.shop);
        self.presentment = self.presentment.saturating_add(other.presentment);
    }
}

/// A refund as a channel tells it.
#[derive(Clone, Debug, Serialize)]
pub struct IncomingRefund {
    pub external_id: String,
    /// The return that it settles.
    pub return_external_id: Option<String>,
    pub currency: Currency,
    pub presentment_currency: Currency,
    pub made_at: At,
    /// Who made it, by the channel's id.
    pub made_by: Option<String>,
    pub note: Option<String>,
    pub lines: Vec<IncomingRefundLine>,
    pub charges: Vec<IncomingRefundCharge>,
    pub transactions: Vec<IncomingRefundTransaction>,
}

/// Pieces of one line that are given back.
#[derive(Clone, Debug, Serialize)]
pub struct IncomingRefundLine {
    pub external_id: String,
    /// The order line, by the channel's id.
    pub line_external_id: String,
    pub quantity: i64,
    pub restock: Restock,
    pub location_external_id: Option<String>,
    pub subtotal: Both,
    pub tax: Both,
}

/// Shipping, a duty, a fee, or what was made to agree.
#[derive(Clone, Debug, Serialize)]
pub struct IncomingRefundCharge {
    pub kind: ChargeKind,
    pub external_id: String,
    pub title: String,
    pub amount: Both,
    pub tax: Both,
}

/// Money on its way back.
#[derive(Clone, Debug, Serialize)]
pub struct IncomingRefundTransaction {
    pub external_id: String,
    pub parent_external_id: Option<String>,
    pub gateway: String,
    pub state: TransactionState,
    pub amount: i64,
    pub currency: Currency,
    pub processed_at: Option<At>,
}

/// Where goods lie that the channel put back at one of its places; `None` where that is none of ours, or
/// where the store's rule leaves our shelves alone.
pub type Shelf<'a> = &'a dyn Fn(Option<&str>) -> Option<LocationId>;

/// What receiving refunds brought.
#[derive(Debug, Default)]
pub struct Received {
    /// For the order's timeline.
    pub entries: Vec<Entry>,
    /// What is to be put back on the shelves, once the order itself stands as it should.
    pub arrivals: Vec<Arrival>,
}

impl Received {
    /// Whether anything was new.
    #[must_use]
    pub fn is_news(&self) -> bool {
        !self.entries.is_empty()
    }
}

/// Pieces that came back to a place of ours.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// `refund:17`
    pub source: String,
    pub line: OrderLineId,
    pub location: LocationId,
    pub parts: Vec<(crate::types::ProductId, i64)>,
}

/// Writes down the refunds of an order that we do not know yet and brings the payments of the others up
/// to date. The caller holds the order's lock, and calls [`put_back`] at the end.
///
/// # Errors
///
/// The database's.
pub fn receive(
    conn: &mut DbConnection,
    order: OrderId,
    refunds: &[IncomingRefund],
    shelf: Shelf<'_>,
    now: At,
) -> Result<Received, DbError> {
    let mut received = Received::default();
    if refunds.is_empty() {
        return Ok(received);
    }
    let known: BTreeMap<String, RefundId> = queries::list_known(conn, order)?.into_iter().collect();
    let fresh: Vec<&IncomingRefund> = refunds
        .iter()
        .filter(|one| !known.contains_key(&one.external_id))
        .collect();
    for refund in refunds {
        if let Some(id) = known.get(&refund.external_id) {
            received.entries.extend(follow_money(conn, *id, refund)?);
        }
    }
    if fresh.is_empty() {
        return Ok(received);
    }
    let lines = orders::list_lines(conn, order)?;
    let parts = orders::list_parts(conn, order)?;
    let mut back = returns::restocked_before(conn, order)?;
    let left = left_of_ours(conn, order, &lines)?;
    for refund in fresh {
        let known = Known {
            lines: &lines,
            parts: &parts,
            left: &left,
            shelf,
        };
        let id = write(conn, order, refund, &known, &mut back, &mut received, now)?;
        received.entries.push(told(refund, id));
    }
    Ok(received)
}

/// What is known of the order whose refunds come in.
struct Known<'a> {
    lines: &'a [LineRow],
    parts: &'a [PartRow],
    /// Pieces of each line that have left our shelves.
    left: &'a BTreeMap<OrderLineId, i64>,
    shelf: Shelf<'a>,
}

/// What we have shipped ourselves, and what others have taken from our shelves.
pub(super) fn left_of_ours(
    conn: &mut DbConnection,
    order: OrderId,
    lines: &[LineRow],
) -> Result<BTreeMap<OrderLineId, i64>, DbError> {
    let others = if lines.iter().any(|line| line.facts.fulfilled_elsewhere > 0) {
        outside::list(conn, order)?
    } else {
        Vec::new()
    };
    let taken = |line: &LineRow| -> i64 {
        let of_ours = others.iter().filter(|one| one.stock_from.is_some());
        of_ours.map(|one| one.pieces_of(line.id)).sum()
    };
    let left = lines
        .iter()
        .map(|line| (line.id, line.shipped_quantity + taken(line)));
    Ok(left.collect())
}

fn write(
    conn: &mut DbConnection,
    order: OrderId,
    refund: &IncomingRefund,
    known: &Known<'_>,
    back: &mut BTreeMap<OrderLineId, i64>,
    received: &mut Received,
    now: At,
) -> Result<RefundId, DbError> {
    let public_id = Uuid::now_v7().to_string();
    let id = queries::insert(conn, order, &public_id, refund, now)?;
    let mut rows = Vec::new();
    for line in &refund.lines {
        let (row, arrival) = placed(id, refund, line, known, back);
        received.arrivals.extend(arrival);
        rows.push(row);
    }
    queries::insert_lines(conn, &rows)?;
    let charges: Vec<NewCharge<'_>> = refund
        .charges
        .iter()
        .map(|charge| NewCharge::of(id, charge))
        .collect();
    queries::insert_charges(conn, &charges)?;
    let transactions: Vec<NewTransaction<'_>> = refund
        .transactions
        .iter()
        .map(|one| NewTransaction::of(id, one))
        .collect();
    queries::insert_transactions(conn, &transactions)?;
    Ok(id)
}

/// A refunded line as it is kept, and what of it comes back on our shelves: never more than had left.
fn placed<'a>(
    id: RefundId,
    refund: &IncomingRefund,
    line: &'a IncomingRefundLine,
    known: &Known<'_>,
    back: &mut BTreeMap<OrderLineId, i64>,
) -> (NewLine<'a>, Option<Arrival>) {
    let ours = known
        .lines
        .iter()
        .find(|row| row.facts.external_id == line.line_external_id);
    let came_back = matches!(line.restock, Restock::Return | Restock::LegacyRestock);
    // What a return settles is put back when the return says what became of the goods.
    let is_ours_to_place = came_back && refund.return_external_id.is_none();
    let location = ours
        .filter(|_row| is_ours_to_place)
        .and_then(|_row| (known.shelf)(line.location_external_id.as_deref()));
    let mut restocked = 0;
    let mut arrival = None;
    if let (Some(row), Some(location)) = (ours, location) {
        let before = back.entry(row.id).or_default();
        let left = known.left.get(&row.id).copied().unwrap_or(0);
        restocked = line.quantity.min(left - *before).max(0);
        *before += restocked;
        let parts = arrived(row.id, restocked, known.parts);
        if !parts.is_empty() {
            arrival = Some(Arrival {
                source: format!("refund:{id}"),
                line: row.id,
                location,
                parts,
            });
        }
    }
    let row = NewLine {
        refund_id: id,
        external_id: &line.external_id,
        order_line_id: ours.map(|row| row.id),
        line_external_id: &line.line_external_id,
        quantity: line.quantity,
        restock: line.restock,
        location_external_id: line.location_external_id.as_deref(),
        location_id: location,
        restocked_quantity: restocked,
        subtotal_minor: line.subtotal.shop,
        tax_minor: line.tax.shop,
        presentment_subtotal_minor: line.subtotal.presentment,
        presentment_tax_minor: line.tax.presentment,
    };
    (row, arrival)
}

/// The items that pieces of a line stand for.
pub(super) fn arrived(
    line: OrderLineId,
    pieces: i64,
    parts: &[PartRow],
) -> Vec<(crate::types::ProductId, i64)> {
    parts
        .iter()
        .filter(|part| part.order_line_id == line && pieces > 0)
        .map(|part| (part.product_id, part.quantity_each.saturating_mul(pieces)))
        .collect()
}

/// Puts on the shelves what came back: a movement that names its source, and an offer to who waits. It goes into the lot
/// that left, where that is known and a serial number is not taken.
///
/// # Errors
///
/// The database's.
pub fn put_back(conn: &mut DbConnection, arrivals: &[Arrival], now: At) -> Result<(), DbError> {
    for arrival in arrivals {
        for (product, quantity) in &arrival.parts {
            let lot = stock::lot_that_left(conn, arrival.line, *product)?;
            let movement = Movement {
                product: *product,
                location: arrival.location,
                lot,
                quantity: *quantity,
                reason: "returned",
                source: &arrival.source,
                user: None,
            };
            let mut done = stock::adjust(conn, &movement, now);
            if matches!(done, Err(StockError::SerialTwice(_))) {
                let nameless = Movement {
                    lot: None,
                    ..movement
                };
                done = stock::adjust(conn, &nameless, now);
            }
            match done {
                // More arrives, with a reason: nothing else can be wrong with it.
                Ok(())
                | Err(
                    StockError::NotEnough { .. }
                    | StockError::NoReason
                    | StockError::Nothing
                    | StockError::SerialTwice(_),
                ) => {}
                Err(StockError::Db(error)) => return Err(error),
            }
        }
    }
    Ok(())
}

/// What of a refund is paid out, still to come, or failed, in the customer's currency of each payment.
fn follow_money(
    conn: &mut DbConnection,
    id: RefundId,
    refund: &IncomingRefund,
) -> Result<Option<Entry>, DbError> {
    let stored = queries::list_transactions(conn, &[id])?;
    let same =
        |row: &TransactionRow, one: &IncomingRefundTransaction| row.external_id == one.external_id;
    let mut settled = Vec::new();
    for one in &refund.transactions {
        match stored.iter().find(|row| same(row, one)) {
            None => {
                queries::insert_transactions(conn, &[NewTransaction::of(id, one)])?;
                settled.push(one);
            }
            // A payment that came through never goes back to waiting.
            Some(row) if row.state == TransactionState::Pending && row.state != one.state => {
                queries::set_transaction(conn, row.id, one.state, one.processed_at)?;
                settled.push(one);
            }
            Some(_) => {}
        }
    }
    Ok((!settled.is_empty()).then(|| {
        let words: Vec<String> = settled
            .iter()
            .map(|one| format!("{} {}", Money::new(one.amount, one.currency), one.state))
            .collect();
        Entry::new(
            Kind::RefundSettled,
            json!({ "refund": refund.external_id, "payments": words }),
        )
    }))
}

/// What a timeline says of a new refund.
fn told(refund: &IncomingRefund, id: RefundId) -> Entry {
    let pieces: i64 = refund.lines.iter().map(|line| line.quantity).sum();
    let sum = |state: TransactionState| -> Vec<String> {
        let mut sums: BTreeMap<&str, (i64, Currency)> = BTreeMap::new();
        for one in refund.transactions.iter().filter(|one| one.state == state) {
            let sum = sums
                .entry(one.currency.as_str())
                .or_insert((0, one.currency));
            sum.0 = sum.0.saturating_add(one.amount);
        }
        sums.into_values()
            .map(|(minor, currency)| Money::new(minor, currency).to_string())
            .collect()
    };
    Entry::new(
        Kind::Refunded,
        json!({
            "refund": id.0,
            "pieces": pieces,
            "paid": sum(TransactionState::Success),
            "pending": sum(TransactionState::Pending),
            "cancelled": refund.lines.iter().any(|line| line.restock == Restock::Cancel),
        }),
    )
}

/// How many pieces of each line the refunds gave back: all of them, and those that had left.
#[must_use]
pub fn counts(refunds: &[IncomingRefund]) -> BTreeMap<&str, (i64, i64)> {
    let mut counts: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for line in refunds.iter().flat_map(|refund| &refund.lines) {
        let count = counts.entry(line.line_external_id.as_str()).or_default();
        count.0 = count.0.saturating_add(line.quantity);
        if matches!(line.restock, Restock::Return | Restock::LegacyRestock) {
            count.1 = count.1.saturating_add(line.quantity);
        }
    }
    counts
}
