//! The audit log put into words: kind and arguments are stored, sentences are made when it is read.
use serde_json::Value;

use crate::erp::audit::Kind;
use crate::erp::audit::queries::EntryRow;
use crate::erp::holds::HoldKind;
use crate::erp::users::roles::Role;
use crate::shopify::shops::GrantKind;
use crate::web::orders::words;

/// A kind as the filter calls it.
pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::UserAdded => "Person added",
        Kind::UserRoleChanged => "Role changed",
        Kind::UserDeactivated => "Person deactivated",
        Kind::UserReactivated => "Person reactivated",
        Kind::StoreConnected => "Store connected",
        Kind::StoreReconnected => "Store connected again",
        Kind::StoreDisconnected => "Store disconnected",
        Kind::StoreSettingsChanged => "Store's settings changed",
        Kind::MappingAccepted => "Product mapped",
        Kind::MappingExcluded => "Product ignored",
        Kind::MappingRemoved => "Product unmapped",
        Kind::MappingsAccepted => "Many products mapped",
        Kind::MappingsImported => "Mappings imported",
        Kind::MappingRulesChanged => "Mapping rules changed",
        Kind::MappingKept => "Mapping kept",
        Kind::MappingsUndone => "Many mappings undone",
        Kind::StockAdjusted => "Stock adjusted",
        Kind::GoodsBooked => "Receipt, transfer or count booked",
        Kind::GoodsSent => "Transfer sent",
        Kind::GoodsUndone => "Booking of goods taken back",
        Kind::GoodsEnded => "Receipt, transfer or count closed",
        Kind::GoodsReopened => "Receipt, transfer or count reopened",
        Kind::GoodsImported => "Lines of goods imported",
        Kind::LotBlocked => "Lot blocked",
        Kind::LotReleased => "Lot released",
        Kind::LotDated => "Best-before day corrected",
        Kind::TrackingChanged => "Lots or serial numbers turned on or off",
        Kind::HoldPlaced => "Order held",
        Kind::HoldReleased => "Hold released",
        Kind::EditDecided => "Edit decided",
        Kind::CancellationAsked => "Order cancelled",
        Kind::CustomersMerged => "Customers merged",
        Kind::CustomersMergeUndone => "Merge undone",
        Kind::EventReplayed => "Event replayed",
        Kind::EventsReplayed => "Many events replayed",
        Kind::EventDiscarded => "Event discarded",
        Kind::EventTakenBack => "Discarded event taken back",
        Kind::TokenCreated => "API token created",
        Kind::KeysRotated => "Key changed",
        Kind::PrivacyReported => "Customer's report downloaded",
        Kind::PrivacyClosed => "Privacy request closed",
        Kind::PrivacyApproved => "Erasure of a store's people",
        Kind::Paused => "Paused",
        Kind::Resumed => "Resumed",
    }
}

/// The items that the entry is about beside its subject.
pub(super) fn products(row: &EntryRow) -> Vec<i64> {
    let arguments = arguments(row);
    let parts = arguments.get("parts").and_then(Value::as_array);
    let parts = parts.map_or(&[][..], Vec::as_slice).iter();
    let named = parts.chain(std::iter::once(&arguments));
    named
        .filter_map(|part| part.get("product").and_then(Value::as_i64))
        .collect()
}

/// Who it was where it was no person: a program with its token, or our own.
pub(super) fn program(row: &EntryRow) -> String {
    let arguments = arguments(row);
    let token = arguments.get("token").and_then(Value::as_str);
    token.map_or("Program".to_owned(), |name| format!("Program {name}"))
}

/// What was done. `name` knows what `product/3` is called today.
pub(super) fn sentence(row: &EntryRow, name: impl Fn(&str) -> Option<String>) -> String {
    let arguments = arguments(row);
    let word = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or("");
    let number = |key: &str| arguments.get(key).and_then(Value::as_i64).unwrap_or(0);
    let named = |what: &str, noun: &str| {
        let id = number(what);
        name(&format!("{what}/{id}")).unwrap_or_else(|| format!("{noun} {id}"))
    };
    match row.kind {
        Kind::UserAdded => format!("Added as {}", role(word("role"))),
        Kind::UserRoleChanged => format!(
            "Role changed: {}, was {}",
            role(word("after")),
            role(word("before"))
        ),
        Kind::UserDeactivated => "Deactivated".to_owned(),
        Kind::UserReactivated => "May sign in again".to_owned(),
        Kind::StoreConnected => format!("Connected {}", way(word("way"))),
        Kind::StoreReconnected => format!("Connected again {}", way(word("way"))),
        Kind::StoreDisconnected => "Disconnected".to_owned(),
        Kind::StoreSettingsChanged => format!("Settings changed: {}", settings(&arguments)),
        Kind::MappingAccepted => format!("Mapped to {}", parts(&arguments, &name)),
        Kind::MappingExcluded => "Ignored".to_owned(),
        Kind::MappingRemoved => "Unmapped".to_owned(),
        Kind::MappingsAccepted => counted(
            number("variants"),
            "exact match",
            "exact matches",
            "accepted",
        ),
        Kind::MappingsImported => format!(
            "{}; {}",
            counted(number("variants"), "mapping", "mappings", "imported"),
            counted(number("refused"), "line", "lines", "refused")
        ),
        Kind::MappingRulesChanged => format!("Mapping rules: {}", rules(&arguments)),
        Kind::MappingKept => "Kept as it was mapped".to_owned(),
        Kind::MappingsUndone => counted(number("variants"), "mapping", "mappings", "undone"),
        Kind::StockAdjusted => format!(
            "Stock {} at {}",
            signed(number("quantity")),
            named("location", "location")
        ),
        Kind::GoodsBooked => goods(&arguments, "booked", "pieces"),
        Kind::GoodsSent => goods(&arguments, "sent", "pieces"),
        Kind::GoodsUndone => goods(&arguments, "taken back", "pieces"),
        Kind::GoodsEnded => goods(&arguments, "closed with open", "pieces"),
        Kind::GoodsReopened => goods(&arguments, "opened again", "pieces"),
        Kind::GoodsImported => goods(&arguments, "entered from a file", "lines"),
        Kind::LotBlocked => format!("Lot {} must not leave", word("code")),
        Kind::LotReleased => format!("Lot {} may leave again", word("code")),
        Kind::LotDated => format!(
            "Lot {} is best before {}",
            word("code"),
            word("best_before")
        ),
        Kind::TrackingChanged => format!("Told apart by: {}", word("tracking")),
        Kind::HoldPlaced => "Put on hold".to_owned(),
        Kind::HoldReleased => format!("Released from {}", hold(word("hold"))),
        Kind::EditDecided => format!(
            "Edit decided: {} accepted, {} rejected",
            number("accepted"),
            number("rejected")
        ),
        Kind::CancellationAsked => format!("Cancellation asked: {}", word("reason")),
        Kind::CustomersMerged => format!(
            "Customer {} merged into this one, with {}",
            number("gone"),
            counted(number("orders"), "order", "orders", "moved")
        ),
        Kind::CustomersMergeUndone => format!(
            "Customer {} taken apart again, with {}",
            number("gone"),
            counted(number("orders"), "order", "orders", "moved back")
        ),
        Kind::EventReplayed => "Replayed".to_owned(),
        Kind::EventsReplayed => format!("{} with the same reason replayed", number("count")),
        Kind::EventDiscarded => format!("Discarded: {}", word("reason")),
        Kind::EventTakenBack => "Discarding taken back".to_owned(),
        Kind::TokenCreated => format!("Created, may {}", word("scope")),
        Kind::KeysRotated => counted(
            number("secrets"),
            "secret",
            "secrets",
            "sealed with a new key",
        ),
        Kind::PrivacyReported => format!("Report of request {} downloaded", number("request")),
        Kind::PrivacyClosed => format!("Privacy request {} dealt with", number("request")),
        Kind::PrivacyApproved => format!("Everybody erased, by request {}", number("request")),
        Kind::Paused => match word("reason") {
            "" => "Paused".to_owned(),
            reason => format!("Paused: {reason}"),
        },
        Kind::Resumed => format!("Resumed after {}", lasted(number("minutes"))),
    }
}

fn arguments(row: &EntryRow) -> Value {
    serde_json::from_str(&row.arguments).unwrap_or_default()
}

/// `Sencha`, `6 × Sencha`, `2 × Sencha and Gift box`. An older entry says its one item beside the other arguments.
fn parts(arguments: &Value, name: impl Fn(&str) -> Option<String>) -> String {
    let one = |part: &Value| {
        let number = |key: &str| part.get(key).and_then(Value::as_i64).unwrap_or(0);
        let id = number("product");
        let name = name(&format!("product/{id}")).unwrap_or_else(|| format!("item {id}"));
        match number("quantity") {
            0 | 1 => name,
            pieces => format!("{pieces} × {name}"),
        }
    };
    let parts = arguments.get("parts").and_then(Value::as_array);
    let parts: Vec<String> = match parts {
        Some(parts) => parts.iter().map(one).collect(),
        None => vec![one(arguments)],
    };
    parts.join(" and ")
}

/// `SKU equal, prefix SHOP-`, `none`.
fn rules(arguments: &Value) -> String {
    let is_on = |key: &str| arguments.get(key).and_then(Value::as_bool) == Some(true);
    let mut on = Vec::new();
    on.extend(is_on("sku").then(|| "SKU equal".to_owned()));
    on.extend(is_on("barcode").then(|| "barcode equal".to_owned()));
    let prefix = arguments.get("prefix").and_then(Value::as_str);
    on.extend(prefix.map(|prefix| format!("prefix {prefix}")));
    if on.is_empty() {
        "none".to_owned()
    } else {
        on.join(", ")
    }
}

/// `R-1001 booked: +7 pieces`.
fn goods(arguments: &Value, done: &str, unit: &str) -> String {
    let document = arguments.get("document").and_then(Value::as_str);
    let document = document.unwrap_or_default();
    match arguments.get("pieces").and_then(Value::as_i64) {
        Some(0) | None => format!("{document} {done}"),
        Some(pieces) => format!("{document} {done}: {} {unit}", signed(pieces)),
    }
}

/// `3 mappings undone`.
fn counted(count: i64, one: &str, many: &str, done: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{count} {noun} {done}")
}

/// `under a minute`, `5 min`, `3 h`, `2 days`.
fn lasted(minutes: i64) -> String {
    match minutes {
        ..1 => "under a minute".to_owned(),
        1..60 => format!("{minutes} min"),
        60..2880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    }
}

fn signed(quantity: i64) -> String {
    if quantity < 0 {
        format!("−{}", quantity.unsigned_abs())
    } else {
        format!("+{quantity}")
    }
}

fn role(word: &str) -> String {
    let role: Result<Role, _> = word.parse();
    role.map_or_else(|_unknown| word.to_owned(), |role| role.label().to_owned())
}

fn way(word: &str) -> &'static str {
    match word.parse() {
        Ok(GrantKind::OAuth) => "by its consent page",
        Ok(GrantKind::ClientCredentials) => "by client credentials",
        Ok(GrantKind::Token) => "by a token",
        Err(_unknown) => "",
    }
}

fn hold(word: &str) -> &'static str {
    match word.parse() {
        Ok(HoldKind::Manual) => "a hold by hand",
        Ok(other) => words::hold(other),
        Err(_unknown) => "a hold",
    }
}

fn settings(arguments: &Value) -> String {
    let changed = arguments.get("changed").and_then(Value::as_array);
    let words: Vec<&str> = changed
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|setting| match setting {
            "notify" => "whether customers are told",
            "notification_key" => "notification key",
            "deliveries" => "which orders are delivered locally",
            "check_orders" => "whether new orders wait for a check",
            "tell_holds" => "whether holds are told to Shopify",
            "tier" => "Shopify plan",
            "stock_sync_on" => "stock sync, on",
            "stock_sync_off" => "stock sync, off",
            other => other,
        })
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::types::At;

    fn row(kind: Kind, arguments: &Value) -> EntryRow {
        EntryRow {
            id: 1,
            at: At(0),
            kind,
            subject: "product/3".to_owned(),
            arguments: arguments.to_string(),
            user_name: None,
        }
    }

    #[test]
    fn what_was_done_is_told_in_words() {
        let said = |kind, arguments| {
            sentence(&row(kind, &arguments), |subject| {
                (subject == "product/7").then(|| "Sencha".to_owned())
            })
        };
        let changed = json!({ "before": "viewer", "after": "warehouse" });
        assert_eq!(
            said(Kind::UserRoleChanged, changed),
            "Role changed: Warehouse, was Viewer"
        );
        let kit =
            json!({ "parts": [{ "product": 7, "quantity": 2 }, { "product": 8, "quantity": 1 }] });
        assert_eq!(
            said(Kind::MappingAccepted, kit),
            "Mapped to 2 × Sencha and item 8"
        );
        let mapped = json!({ "product": 7, "quantity": 6 });
        assert_eq!(said(Kind::MappingAccepted, mapped), "Mapped to 6 × Sencha");
        let gone = json!({ "product": 8, "quantity": 1 });
        assert_eq!(said(Kind::MappingAccepted, gone), "Mapped to item 8");
        let stock = json!({ "quantity": -3, "location": 2 });
        assert_eq!(said(Kind::StockAdjusted, stock), "Stock −3 at location 2");
        let settings = json!({ "changed": ["notify", "locations"] });
        assert_eq!(
            said(Kind::StoreSettingsChanged, settings),
            "Settings changed: whether customers are told, locations"
        );
        // An entry whose arguments are missing still says something.
        for kind in Kind::ALL {
            assert!(!said(*kind, json!({})).is_empty());
        }
    }
}
