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

/// Runs a mutation unless its key was used before.
pub(super) fn once(ctx: &Ctx<'_>, name: &str, args: &Args, key: &str) -> Result<Val, FieldError> {
    let digest = format!("{name} {}", args.digest());
    let known = ctx.read(|state| state.meta.idempotency.get(key).cloned());
    match known {
        Some((earlier, _)) if earlier != digest => {
            return Err(failed(
                "IDEMPOTENCY_KEY_PARAMETER_MISMATCH: The idempotency key was used with other parameters.",
            ));
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
    if result.is_ok() {
        ctx.change(|state, _| {
            state
                .meta
                .idempotency
                .insert(key.to_owned(), (digest, String::new()))
        });
    }
    Ok(answer(ctx, name, args, result))
}

fn answer(ctx: &Ctx<'_>, name: &str, args: &Args, result: Result<Vec<Change>, UserError>) -> Val {
    let list: Vec<UserError> = result.as_ref().err().cloned().into_iter().collect();
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

fn place(state: &State, one: &Args, on_hand: bool) -> Result<Place, UserError> {
    let item = one.gid("inventoryItemId", "InventoryItem").unwrap_or(0);
    let location = one.gid("locationId", "Location").unwrap_or(0);
    let found = state.variant_by_item(item);
    let (_, variant) = found.ok_or_else(|| {
        UserError::coded(
            &["input", "quantities", "inventoryItemId"],
            "The specified inventory item could not be found.",
            "INVALID_INVENTORY_ITEM",
        )
    })?;
    if state.locations.get(location).is_none() {
        return Err(UserError::coded(
            &["input", "quantities", "locationId"],
            "The specified location could not be found.",
            "INVALID_LOCATION",
        ));
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
    if !one.has("changeFromQuantity") {
        return Err(UserError::coded(
            &["input", "quantities", "changeFromQuantity"],
            "The changeFromQuantity argument is required; pass null to skip the check.",
            "CHANGE_FROM_QUANTITY_STALE",
        ));
    }
    match one.number("changeFromQuantity") {
        Some(expected) if expected != place.now => Err(UserError::coded(
            &["input", "quantities", "changeFromQuantity"],
            "The changeFromQuantity argument no longer matches the persisted quantity.",
            "CHANGE_FROM_QUANTITY_STALE",
        )),
        Some(_) | None => Ok(place),
    }
}

fn set(state: &mut State, input: &Args, now: Timestamp) -> Result<Vec<Change>, UserError> {
    let on_hand = match input.text("name").as_deref() {
        Some("on_hand") => true,
        Some("available") => false,
        Some(_) | None => {
            return Err(UserError::coded(
                &["input", "name"],
                "The quantity name must be either 'available' or 'on_hand'.",
                "INVALID_NAME",
            ));
        }
    };
    let mut wanted = Vec::new();
    for one in input.list("quantities") {
        let one = Args::from_value(&one);
        let found = place(state, &one, on_hand)?;
        wanted.push((
            found.variant_id,
            found.item,
            found.location,
            one.number("quantity").unwrap_or(0) - found.now,
        ));
    }
    Ok(wanted
        .into_iter()
        .map(|(variant, item, location, delta)| apply(state, variant, (item, location), delta, now))
        .collect())
}

fn adjust(state: &mut State, input: &Args, now: Timestamp) -> Result<Vec<Change>, UserError> {
    if input.text("name").as_deref() != Some("available") {
        return Err(UserError::coded(
            &["input", "name"],
            "The practice store adjusts available stock only.",
            "INVALID_QUANTITY_NAME",
        ));
    }
    let mut wanted = Vec::new();
    for one in input.list("changes") {
        let one = Args::from_value(&one);
        let found = place(state, &one, false)?;
        wanted.push((
            found.variant_id,
            found.item,
            found.location,
            one.number("delta").unwrap_or(0),
        ));
    }
    Ok(wanted
        .into_iter()
        .map(|(variant, item, location, delta)| apply(state, variant, (item, location), delta, now))
        .collect())
}

fn activate(state: &mut State, args: &Args, now: Timestamp) -> Result<Vec<Change>, UserError> {
    let (item, location) = (
        args.gid("inventoryItemId", "InventoryItem").unwrap_or(0),
        args.gid("locationId", "Location").unwrap_or(0),
    );
    let known = state
        .variant_by_item(item)
        .map(|(_, variant)| variant.id)
        .filter(|_| state.locations.get(location).is_some());
    let variant = known.ok_or_else(|| {
        UserError::new(
            &["inventoryItemId"],
            "The product couldn't be stocked because it doesn't exist.",
        )
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
    webhooks::inventory_level(state, variant_id, location, now);
    (item, location, delta, after)
}
