//! Lines of an order: what comes in, what it resolves to, and the hold where nobody knows.
use std::collections::{BTreeMap, BTreeSet};

use super::difference::{self, Change};
use super::edits::Guard;
use super::incoming::{IncomingLine, IncomingOrder, Intake, Resolution};
use super::kept::{self, Pen};
use super::queries::{self, LineFacts, LineRow, NewLine, PartRow};
use crate::erp::holds;
use crate::erp::refunds::{self, IncomingRefund};
use crate::platform::db::queries::{Ids, take_ids};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{Currency, OrderId, OrderLineId, ProductId};

crate::text_enum! {
    /// Whether we know what a line stands for.
    LineResolution {
        /// Nobody has said: the order is held.
        Unmapped = "unmapped",
        /// Its products stand in `line_products`.
        Mapped = "mapped",
        /// Nothing of ours.
        Ignored = "ignored",
        /// It needs no product: digital, a tip, or a person said so.
        Accepted = "accepted",
    }
}

/// A line as settling needs it.
#[derive(Clone, Debug)]
pub(super) struct OpenLine {
    pub(super) id: OrderLineId,
    pub(super) facts: LineFacts,
    pub(super) shipped: i64,
    /// Refunded after they had left.
    pub(super) returned: i64,
    /// Came back by returns, refunded or not.
    pub(super) back: i64,
    pub(super) others: i64,
    pub(super) parts: Vec<(ProductId, i64)>,
}

/// What a channel's line becomes with us, and the products it stands for.
struct Resolved {
    facts: LineFacts,
    parts: Vec<(ProductId, i64)>,
}

/// The cause under which an unresolved line holds its order.
pub(super) fn cause(facts: &LineFacts) -> String {
    facts
        .variant_external_id
        .clone()
        .unwrap_or_else(|| holds::line_cause(&facts.external_id))
}

/// Causes of the `unmapped` holds that these lines call for.
pub(super) fn unmapped_causes<'a>(
    lines: impl IntoIterator<Item = &'a LineFacts>,
) -> BTreeSet<String> {
    lines
        .into_iter()
        .filter(|facts| facts.resolution == LineResolution::Unmapped && facts.current_quantity > 0)
        .map(cause)
        .collect()
}

/// The lines of a new order, with the ids that they will have.
pub(super) fn draft(incoming: &IncomingOrder, intake: &Intake<'_>, ids: &mut Ids) -> Vec<OpenLine> {
    let lines = incoming.lines.iter().flatten().zip(0..);
    lines
        .map(|(line, place)| resolve(line, place, incoming, intake))
        .zip(ids)
        .map(opened)
        .collect()
}

fn opened((resolved, id): (Resolved, i64)) -> OpenLine {
    OpenLine {
        id: OrderLineId(id),
        facts: resolved.facts,
        shipped: 0,
        returned: 0,
        back: 0,
        others: 0,
        parts: resolved.parts,
    }
}

/// Writes lines of new orders, or new lines of known ones.
pub(super) fn insert(
    conn: &mut DbConnection,
    lines: &[(OrderId, &OpenLine)],
) -> Result<(), DbError> {
    let rows: Vec<NewLine> = lines
        .iter()
        .map(|(order, line)| NewLine {
            id: line.id,
            order_id: *order,
            facts: line.facts.clone(),
        })
        .collect();
    queries::insert_lines(conn, &rows)?;
    let parts: Vec<PartRow> = lines
        .iter()
        .flat_map(|(_order, line)| part_rows(line.id, &line.parts))
        .collect();
    queries::insert_parts(conn, &parts)
}

/// Brings the lines of a known order up to date. A line that the source no longer has stays, with a
/// quantity of 0.
pub(super) fn update(
    conn: &mut DbConnection,
    order: OrderId,
    incoming: &IncomingOrder,
    intake: &Intake<'_>,
    known: Vec<LineRow>,
    mut guard: Option<&mut Guard>,
) -> Result<Vec<Change>, DbError> {
    let Some(lines) = &incoming.lines else {
        return Ok(Vec::new());
    };
    let mut stored: BTreeMap<String, LineRow> = known
        .into_iter()
        .map(|row| (row.facts.external_id.clone(), row))
        .collect();
    let mut changes = Vec::new();
    let mut fresh = Vec::new();
    for (line, place) in lines.iter().zip(0..) {
        let mut resolved = resolve(line, place, incoming, intake);
        let Some(row) = stored.remove(&line.external_id) else {
            let told = resolved.facts.clone();
            let is_asked = guard
                .as_deref_mut()
                .is_some_and(|guard| guard.hold_back_new(&mut resolved.facts));
            changes.push(difference::added(&told, is_asked));
            fresh.push(resolved);
            continue;
        };
        if line.fulfilled_elsewhere.is_none() {
            resolved.facts.fulfilled_elsewhere = row.facts.fulfilled_elsewhere;
        }
        let same_variant = row.facts.variant_external_id == resolved.facts.variant_external_id;
        if same_variant && row.facts.resolution != LineResolution::Unmapped {
            resolved.facts.resolution = row.facts.resolution;
        } else if row.facts.resolution != resolved.facts.resolution
            || resolved.facts.resolution == LineResolution::Mapped
        {
            replace_parts(conn, row.id, &resolved.parts)?;
        }
        let guard = guard.as_deref_mut();
        changes.extend(change(
            conn,
            &row,
            resolved.facts,
            guard,
            incoming.currency,
        )?);
    }
    for row in stored.into_values() {
        if row.facts.current_quantity != 0 {
            let facts = LineFacts {
                current_quantity: 0,
                ..row.facts.clone()
            };
            let guard = guard.as_deref_mut();
            changes.extend(change(conn, &row, facts, guard, incoming.currency)?);
        }
    }
    if !fresh.is_empty() {
        let [ids] = take_ids(conn, [("order_lines", fresh.len())])?;
        let lines: Vec<OpenLine> = fresh.into_iter().zip(ids).map(opened).collect();
        let lines: Vec<_> = lines.iter().map(|line| (order, line)).collect();
        insert(conn, &lines)?;
    }
    Ok(changes)
}

/// What of new lines had left and come back before we heard of them.
pub(super) fn take_returns(lines: &mut [OpenLine], incoming: &IncomingOrder) {
    let counts = refunds::counts(incoming.refunds.as_deref().unwrap_or_default());
    for line in lines {
        if let Some((_refunded, returned)) = counts.get(line.facts.external_id.as_str()) {
            line.returned = *returned;
        }
    }
}

/// Notes on each line how much of it was given back, as the order that brought its quantity says it.
pub(super) fn note_refunds(
    conn: &mut DbConnection,
    order: OrderId,
    refunds: &[IncomingRefund],
) -> Result<(), DbError> {
    let counts = refunds::counts(refunds);
    for row in queries::list_lines(conn, order)? {
        let count = counts
            .get(row.facts.external_id.as_str())
            .copied()
            .unwrap_or_default();
        if count != (row.refunded_quantity, row.returned_quantity) {
            queries::set_refunded(conn, row.id, count)?;
        }
    }
    Ok(())
}

/// Writes what changed of a line, but for what only a person may change once something has left.
fn change(
    conn: &mut DbConnection,
    row: &LineRow,
    mut facts: LineFacts,
    guard: Option<&mut Guard>,
    currency: Currency,
) -> Result<Vec<Change>, DbError> {
    if row.facts == facts {
        // A guard has to know as well that there is nothing to ask.
        if let Some(guard) = guard {
            guard.hold_back(row, &mut facts);
        }
        return Ok(Vec::new());
    }
    let told = facts.clone();
    let is_asked = guard.is_some_and(|guard| guard.hold_back(row, &mut facts));
    if row.facts != facts {
        queries::update_line(conn, row.id, &facts)?;
    }
    let shown = if is_asked { &told } else { &facts };
    Ok(difference::of_line(row, shown, currency, is_asked))
}

/// The lines of an order with what they resolve to.
pub(super) fn load(conn: &mut DbConnection, order: OrderId) -> Result<Vec<OpenLine>, DbError> {
    let parts = queries::list_parts(conn, order)?;
    Ok(queries::list_lines(conn, order)?
        .into_iter()
        .map(|row| OpenLine {
            id: row.id,
            parts: parts
                .iter()
                .filter(|part| part.order_line_id == row.id)
                .map(|part| (part.product_id, part.quantity_each))
                .collect(),
            shipped: row.shipped_quantity,
            returned: row.returned_quantity,
            back: row.back_quantity,
            others: row.others_quantity,
            facts: row.facts,
        })
        .collect())
}

/// Says anew what a line resolves to.
pub(super) fn replace_parts(
    conn: &mut DbConnection,
    line: OrderLineId,
    parts: &[(ProductId, i64)],
) -> Result<(), DbError> {
    queries::delete_parts(conn, line)?;
    let rows: Vec<PartRow> = part_rows(line, &merged(parts)).collect();
    queries::insert_parts(conn, &rows)
}

/// What a line that needs nobody's mapping, or whose variant is known, stands for.
fn resolve(
    line: &IncomingLine,
    place: i32,
    incoming: &IncomingOrder,
    intake: &Intake<'_>,
) -> Resolved {
    let known = line
        .variant_external_id
        .as_deref()
        .and_then(|variant| (intake.resolve)(variant));
    let (resolution, parts) = match known {
        Some(Resolution::Parts(parts)) if !parts.is_empty() => {
            (LineResolution::Mapped, merged(&parts))
        }
        Some(Resolution::Ignored) => (LineResolution::Ignored, Vec::new()),
        Some(Resolution::Parts(_)) | None if !line.ships || line.tip || line.gift_card => {
            (LineResolution::Accepted, Vec::new())
        }
        Some(Resolution::Parts(_)) | None => (LineResolution::Unmapped, Vec::new()),
    };
    Resolved {
        facts: facts(line, place, resolution, Pen::of(incoming)),
        parts,
    }
}

fn facts(line: &IncomingLine, place: i32, resolution: LineResolution, pen: Pen) -> LineFacts {
    let total = line.unit_price.times(line.quantity) - line.discount;
    let properties = (!line.properties.is_empty())
        .then(|| serde_json::to_string(&line.properties).unwrap_or_default());
    let (price, bundle) = (line.unit_price, line.bundle.as_ref());
    LineFacts {
        external_id: line.external_id.clone(),
        position: place,
        variant_external_id: line.variant_external_id.clone(),
        product_external_id: line.product_external_id.clone(),
        resolution,
        title: line.title.clone(),
        variant_title: line.variant_title.clone(),
        sku: line.sku.clone(),
        quantity: line.quantity,
        current_quantity: line.current_quantity,
        fulfilled_elsewhere: line.fulfilled_elsewhere.unwrap_or(0),
        unit_price_scaled: kept::scaled(price.shop).unwrap_or(i64::MAX),
        discount_minor: pen.shop(line.discount),
        tax_minor: pen.shop(line.tax),
        total_minor: pen.shop(total),
        ships: line.ships,
        gift_card: line.gift_card,
        tip: line.tip,
        properties,
        vendor: line.vendor.clone(),
        grams: line.grams,
        taxable: line.taxable,
        presentment_unit_price_scaled: price.presentment.and_then(kept::scaled),
        presentment_discount_minor: pen.presentment(line.discount),
        presentment_tax_minor: pen.presentment(line.tax),
        presentment_total_minor: pen.presentment(total),
        discounts: pen.discounts(&line.allocations),
        taxes: pen.taxes(&line.taxes),
        duties: pen.duties(&line.duties),
        bundle_external_id: bundle.map(|bundle| bundle.external_id.clone()),
        bundle_title: bundle.and_then(|bundle| bundle.title.clone()),
        bundle_quantity: bundle.and_then(|bundle| bundle.quantity),
    }
}

/// A product that stands twice among the parts of a kit counts once, with both quantities.
fn merged(parts: &[(ProductId, i64)]) -> Vec<(ProductId, i64)> {
    let mut sums: BTreeMap<ProductId, i64> = BTreeMap::new();
    for (product, quantity) in parts {
        *sums.entry(*product).or_default() += quantity;
    }
    sums.into_iter().collect()
}

fn part_rows(line: OrderLineId, parts: &[(ProductId, i64)]) -> impl Iterator<Item = PartRow> {
    parts.iter().map(move |(product, each)| PartRow {
        order_line_id: line,
        product_id: *product,
        quantity_each: *each,
    })
}
