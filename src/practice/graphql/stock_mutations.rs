//! Mutations that change stock: they ask for an idempotency key and answer a repeated key as the first time.

use apollo_compiler::resolvers::FieldError;
use jiff::Timestamp;

use super::mutations::errors;
use super::resolve::{Ctx, failed};
use super::value::{Args, Ref, Val, id, leaf, maybe, null, object, time};
use crate::practice::fulfillments::UserError;
use crate::practice::model::Level;
use crate::practice::state::State;
use crate::practice::webhooks;

/// A change of one quantity: inventory item, location, delta, what is there afterwards.
type Change = (u64, u64, i64, i64);
/// Nothing was changed, for each of these reasons.
type Refused = Vec<UserError>;

/// Shopify takes no more rows in one list.
const MOST_ROWS: usize = 250;
/// How a call ended whose key may not be used again.
const FAILED: &str = "failed";
const MOST_PIECES: i64 = 1_000_000_000;
/// What Shopify lets a change of stock be called.
const REASONS: [&str; 14] = [
    "correction",
    "cycle_count_available",
    "damaged",
    "movement_created",
    "movement_updated",
    "movement_received",
    "movement_canceled",
    "other",
    "promotion",
    "quality_control",
    "received",
    "reservation_created",
    "restock",
    "shrinkage",
];

/// Runs a mutation unless its key was used before.
pub(super) fn once(ctx: &Ctx<'_>, name: &str, args: &Args, key: &str) -> Result<Val, FieldError> {
    let digest = format!("{name} {}", args.digest());
    let known = ctx.read(|state| state.meta.idempotency.get(key).cloned());
    let input = args.inner("input");
    for list in ["quantities", "changes"] {
        let rows = input.list(list).len();
        if rows > MOST_ROWS {
            return Err(failed(format!(
                "The input array size of {rows} is greater than the maximum allowed of {MOST_ROWS}."
            )));
        }
    }
    match known {
        Some((earlier, _)) if earlier != digest => {
            return Err(failed(
                "IDEMPOTENCY_KEY_PARAMETER_MISMATCH: The idempotency key was used with other parameters.",
            ));
        }
        Some((_, end)) if end == FAILED => {
            let again = UserError::coded(
                &[],
                "The previous attempt with this idempotency key failed.",
                "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED",
            );
            return Ok(answer(ctx, name, args, Err(vec![again])));
        }
        // The same again: nothing changes any more, the answer is the one of the first time as far as it is kept.
        Some(_) => return Ok(answer(ctx, name, args, Ok(Vec::new()))),
        None => {}
    }
    let result = match name {
        "inventorySetQuantities" => ctx.change(|state, now| set(state, &args.inner("input"), now)),
        "inventoryAdjustQuantities" => {
            ctx.change(|state, now| adjust(state, &args.inner("input"), now))
        }
        "inventoryActivate" => ctx.change(|state, now| activate(state, args, now)),
        _ => {
            return Err(failed(format!(
                "The practice store does not carry out {name}"
            )));
        }
    };
    let end = if result.is_ok() { "" } else { FAILED };
    ctx.change(|state, _| {
        let end = (digest, end.to_owned());
        state.meta.idempotency.insert(key.to_owned(), end)
    });
    Ok(answer(ctx, name, args, result))
}

fn answer(ctx: &Ctx<'_>, name: &str, args: &Args, result: Result<Vec<Change>, Refused>) -> Val {
    let list: Vec<UserError> = result.as_ref().err().cloned().unwrap_or_default();
    if name == "inventoryActivate" {
        let (item, location) = (
            args.gid("inventoryItemId", "InventoryItem").unwrap_or(0),
            args.gid("locationId", "Location").unwrap_or(0),
        );
        let level = if list.is_empty() {
            Val::Ref(Ref::Level(item, location))
        } else {
            null()
        };
        return object(
            "InventoryActivatePayload",
            [
                ("inventoryLevel", level),
                ("userErrors", errors("UserError", &list)),
            ],
        );
    }
    let (kind, error_kind) = if name == "inventorySetQuantities" {
        (
            "InventorySetQuantitiesPayload",
            "InventorySetQuantitiesUserError",
        )
    } else {
        (
            "InventoryAdjustQuantitiesPayload",
            "InventoryAdjustQuantitiesUserError",
        )
    };
    let input = args.inner("input");
    let group = result.ok().map_or_else(null, |changes| {
        let name = input.text("name").unwrap_or_default();
        let change = |&(item, location, delta, after): &Change| {
            object(
                "InventoryChange",
                [
                    ("name", leaf(name.as_str())),
                    ("delta", leaf(delta)),
                    ("quantityAfterChange", leaf(after)),
                    ("ledgerDocumentUri", null()),
                    ("item", Val::Ref(Ref::Item(item))),
                    ("location", Val::Ref(Ref::Location(location))),
                ],
            )
        };
        object(
            "InventoryAdjustmentGroup",
            [
                (
                    "id",
                    id(
                        "InventoryAdjustmentGroup",
                        ctx.change(|state, _| state.id()),
                    ),
                ),
                ("createdAt", time(ctx.now)),
                ("reason", leaf(input.text("reason").unwrap_or_default())),
                (
                    "referenceDocumentUri",
                    maybe(input.text("referenceDocumentUri")),
                ),
                ("changes", Val::List(changes.iter().map(change).collect())),
            ],
        )
    });
    object(
        kind,
        [
            ("inventoryAdjustmentGroup", group),
            ("userErrors", errors(error_kind, &list)),
        ],
    )
}

/// One wished change, found and checked: variant, item, location, what is there now.
struct Place {
    variant_id: u64,
    item: u64,
    location: u64,
    now: i64,
}

/// A refusal that names its row, as Shopify does: `["input", "quantities", "3", "quantity"]`.
fn row_error(row: (&str, usize), field: &str, message: &str, code: &'static str) -> UserError {
    let nth = row.1.to_string();
    let mut error = UserError::coded(&[], message, code);
    error.field = ["input", row.0, &nth, field].map(str::to_owned).to_vec();
    error
}

fn place(state: &State, row: (&str, usize), one: &Args, on_hand: bool) -> Result<Place, UserError> {
    let item = one.gid("inventoryItemId", "InventoryItem").unwrap_or(0);
    let location = one.gid("locationId", "Location").unwrap_or(0);
    let Some((_, variant)) = state.variant_by_item(item) else {
        let message = "The specified inventory item could not be found.";
        let code = "INVALID_INVENTORY_ITEM";
        return Err(row_error(row, "inventoryItemId", message, code));
    };
    if variant.bundle {
        let message = "The inventory of a bundle cannot be set: it follows from its components.";
        let code = "NON_MUTABLE_INVENTORY_ITEM";
        return Err(row_error(row, "inventoryItemId", message, code));
    }
    let found = state.locations.get(location);
    let Some(there) = found else {
        let message = "The specified location could not be found.";
        return Err(row_error(row, "locationId", message, "INVALID_LOCATION"));
    };
    if there.closed {
        let message = "The specified location is not active.";
        return Err(row_error(row, "locationId", message, "INVALID_LOCATION"));
    }
    let level = variant.levels.get(&location);
    let now = level.map_or(0, |level| {
        if on_hand {
            level.available + level.committed
        } else {
            level.available
        }
    });
    let place = Place {
        variant_id: variant.id,
        item,
        location,
        now,
    };
    let stale = |message: &str| {
        let code = "CHANGE_FROM_QUANTITY_STALE";
        Err(row_error(row, "changeFromQuantity", message, code))
    };
    if !one.has("changeFromQuantity") {
        return stale("The changeFromQuantity argument is required; pass null to skip the check.");
    }
    match one.number("changeFromQuantity") {
        Some(expected) if expected != place.now => {
            stale("The changeFromQuantity argument no longer matches the persisted quantity.")
        }
        Some(_) | None => Ok(place),
    }
}

/// Every row found and checked, or what is wrong with each that is wrong.
fn places(state: &State, list: &str, rows: &[Args], on_hand: bool) -> Result<Vec<Place>, Refused> {
    let mut seen = std::collections::BTreeSet::new();
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for (nth, one) in rows.iter().enumerate() {
        match place(state, (list, nth), one, on_hand) {
            Ok(place) if !seen.insert((place.item, place.location)) => {
                let message = "The same inventory item and location may occur once alone.";
                let code = "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR";
                refused.push(row_error((list, nth), "inventoryItemId", message, code));
            }
            Ok(place) => found.push(place),
            Err(error) => refused.push(error),
        }
    }
    if refused.is_empty() {
        Ok(found)
    } else {
        Err(refused)
    }
}

fn rows_of(input: &Args, list: &str) -> Vec<Args> {
    input.list(list).iter().map(Args::from_value).collect()
}

fn check_reason(input: &Args) -> Result<(), Refused> {
    let reason = input.text("reason").unwrap_or_default();
    if REASONS.contains(&reason.as_str()) {
        return Ok(());
    }
    Err(vec![UserError::coded(
        &["input", "reason"],
        "The reason is not one of those that are allowed.",
        "INVALID_REASON",
    )])
}

fn set(state: &mut State, input: &Args, now: Timestamp) -> Result<Vec<Change>, Refused> {
    let on_hand = match input.text("name").as_deref() {
        Some("on_hand") => true,
        Some("available") => false,
        Some(_) | None => {
            return Err(vec![UserError::coded(
                &["input", "name"],
                "The quantity name must be either 'available' or 'on_hand'.",
                "INVALID_NAME",
            )]);
        }
    };
    check_reason(input)?;
    let rows = rows_of(input, "quantities");
    let wanted = |row: &Args| row.number("quantity").unwrap_or(0);
    let mut refused = Vec::new();
    for (nth, row) in rows.iter().enumerate() {
        let (message, code) = match wanted(row) {
            ..0 => (
                "The quantity can't be negative.",
                "INVALID_QUANTITY_NEGATIVE",
            ),
            0..=MOST_PIECES => continue,
            _ => (
                "The quantity can't be higher than 1,000,000,000.",
                "INVALID_QUANTITY_TOO_HIGH",
            ),
        };
        refused.push(row_error(("quantities", nth), "quantity", message, code));
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    let found = places(state, "quantities", &rows, on_hand)?;
    let deltas: Vec<i64> = rows
        .iter()
        .zip(&found)
        .map(|(row, place)| wanted(row) - place.now)
        .collect();
    Ok(applied(state, found, deltas, now))
}

fn adjust(state: &mut State, input: &Args, now: Timestamp) -> Result<Vec<Change>, Refused> {
    if input.text("name").as_deref() != Some("available") {
        return Err(vec![UserError::coded(
            &["input", "name"],
            "The practice store adjusts available stock only.",
            "INVALID_QUANTITY_NAME",
        )]);
    }
    check_reason(input)?;
    let rows = rows_of(input, "changes");
    let found = places(state, "changes", &rows, false)?;
    let deltas = rows.iter().map(|row| row.number("delta").unwrap_or(0));
    let deltas = deltas.collect();
    Ok(applied(state, found, deltas, now))
}

fn applied(state: &mut State, found: Vec<Place>, deltas: Vec<i64>, now: Timestamp) -> Vec<Change> {
    let all = found.into_iter().zip(deltas);
    all.map(|(place, delta)| {
        let at = (place.item, place.location);
        apply(state, place.variant_id, at, delta, now)
    })
    .collect()
}

fn activate(state: &mut State, args: &Args, now: Timestamp) -> Result<Vec<Change>, Refused> {
    let (item, location) = (
        args.gid("inventoryItemId", "InventoryItem").unwrap_or(0),
        args.gid("locationId", "Location").unwrap_or(0),
    );
    let known = state
        .variant_by_item(item)
        .map(|(_, variant)| variant.id)
        .filter(|_| state.locations.get(location).is_some());
    let variant = known.ok_or_else(|| {
        vec![UserError::new(
            &["inventoryItemId"],
            "The product couldn't be stocked because it doesn't exist.",
        )]
    })?;
    Ok(vec![apply(
        state,
        variant,
        (item, location),
        args.number("available").unwrap_or(0),
        now,
    )])
}

fn apply(
    state: &mut State,
    variant_id: u64,
    place: (u64, u64),
    delta: i64,
    now: Timestamp,
) -> Change {
    let (item, location) = place;
    let mut after = 0;
    if let Some(variant) = state.variant_mut(variant_id) {
        let level = variant.levels.entry(location).or_insert(Level {
            available: 0,
            committed: 0,
            updated_at: now,
        });
        level.available += delta;
        level.updated_at = now;
        after = level.available;
    }
    // A number that stays what it was is nothing to tell.
    if delta != 0 {
        webhooks::inventory_level(state, variant_id, location, now);
    }
    (item, location, delta, after)
}
